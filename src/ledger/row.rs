//! The rows of a ledger's tables, read by the names of their columns.

use jiff::Timestamp;
use sqlx::{ColumnIndex, Decode, FromRow, Row, Type};

use crate::run::{Run, Verdict};

use super::facts::ItemState;

/// Declares a row, and reads it by name from either database. (sqlx's own derive would build both drivers twice.)
macro_rules! row {
    ($(#[$doc:meta])* $name:ident { $($field:ident: $type:ty,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub struct $name {
            $(pub $field: $type,)*
        }

        impl<'r, R: Row> FromRow<'r, R> for $name
        where
            &'static str: ColumnIndex<R>,
            i64: Decode<'r, R::Database> + Type<R::Database>,
            String: Decode<'r, R::Database> + Type<R::Database>,
            Vec<u8>: Decode<'r, R::Database> + Type<R::Database>,
        {
            fn from_row(row: &'r R) -> Result<Self, sqlx::Error> {
                Ok(Self { $($field: row.try_get(stringify!($field))?,)* })
            }
        }
    };
}

row! {
    /// A run in a list.
    HeadRow {
        id: i64,
        name: String,
        started: i64,
        subject: Option<String>,
        commit_id: Option<String>,
        host: Option<String>,
        user_name: Option<String>,
        ci: Option<String>,
        partial: Option<String>,
        interrupted: Option<String>,
        verdict: String,
        green: i64,
        total: i64,
        states: String,
    }
}

row! {
    /// A whole run, as it is stored.
    DocumentRow {
        digest: String,
        document: Vec<u8>,
    }
}

row! {
    /// The results of a run's items.
    StateRow {
        id: i64,
        started: i64,
        subject: Option<String>,
        states: String,
    }
}

row! {
    /// The history of the items of a checklist.
    FactsRow {
        project: String,
        facts: String,
    }
}

row! {
    /// When the oldest run began.
    OldestRow {
        started: Option<i64>,
    }
}

row! {
    /// The last green run.
    GreenRow {
        commit_id: String,
        started: i64,
    }
}

row! {
    /// The results of the last green run.
    GreenStateRow {
        id: i64,
        checklist: String,
        states: String,
    }
}

/// A run with the columns by which it was found.
#[derive(Debug)]
pub struct RunRow {
    pub head: HeadRow,
    pub document: DocumentRow,
}

impl<'r, R: Row> FromRow<'r, R> for RunRow
where
    HeadRow: FromRow<'r, R>,
    DocumentRow: FromRow<'r, R>,
{
    fn from_row(row: &'r R) -> Result<Self, sqlx::Error> {
        Ok(Self { head: HeadRow::from_row(row)?, document: DocumentRow::from_row(row)? })
    }
}

impl HeadRow {
    /// The columns of a run.
    pub fn of(id: i64, run: &Run, states: &[ItemState]) -> Self {
        let number = |number: usize| i64::try_from(number).unwrap_or(i64::MAX);
        let (green, total) = run.green();
        Self {
            id,
            name: run.name.clone(),
            started: run.started.as_millisecond(),
            subject: run.subject.clone(),
            commit_id: run.commit.clone(),
            host: run.host.clone(),
            user_name: run.user.clone(),
            ci: run.ci.clone(),
            partial: run.partial.clone(),
            interrupted: run.interrupted.map(|by| by.to_string()),
            verdict: word(run.verdict()).to_owned(),
            green: number(green),
            total: number(total),
            states: serde_json::to_string(states).expect("words and numbers are JSON"),
        }
    }

    /// Whether they are the columns of this run: only its document is covered by its digest.
    pub fn fits(&self, run: &Run) -> bool {
        let Ok(states) = self.states() else { return false };
        let is_of_run = |state: &ItemState| run.items().any(|item| item.id == state.id && item.status == state.status);
        states.iter().all(is_of_run) && *self == Self { states: self.states.clone(), ..Self::of(self.id, run, &[]) }
    }

    /// The results of the run's items.
    pub fn states(&self) -> Result<Vec<ItemState>, sqlx::Error> {
        states(&self.states)
    }

    /// When the run began.
    pub fn began(&self) -> Result<Timestamp, sqlx::Error> {
        instant(self.started)
    }

    /// The verdict of the run.
    pub fn verdict(&self) -> Result<Verdict, sqlx::Error> {
        [Verdict::Ready, Verdict::NotReady, Verdict::Unknown]
            .into_iter()
            .find(|verdict| word(*verdict) == self.verdict)
            .ok_or_else(|| sqlx::Error::Decode(format!("unknown verdict `{}`", self.verdict).into()))
    }
}

/// The states as they are stored.
pub fn states(json: &str) -> Result<Vec<ItemState>, sqlx::Error> {
    serde_json::from_str(json).map_err(|why| sqlx::Error::Decode(why.into()))
}

/// A time as it is stored.
pub fn instant(milliseconds: i64) -> Result<Timestamp, sqlx::Error> {
    Timestamp::from_millisecond(milliseconds).map_err(|why| sqlx::Error::Decode(why.into()))
}

fn word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Ready => "ready",
        Verdict::NotReady => "not-ready",
        Verdict::Unknown => "unknown",
    }
}
