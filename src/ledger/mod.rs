//! The ledger: every run as a whole, and statistics of each item over all runs.
//!
//! It is a SQLite file beside the checklists, or a PostgreSQL database that a team shares. It is a memory, not a proof:
//! what people assert is kept in Git.

mod changes;
mod connection;
mod dialect;
mod document;
mod error;
mod facts;
mod lock;
mod origin;
mod place;
mod project;
mod row;
mod server;
mod write;

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use crate::client::git::git;
use crate::diagnostic::Diagnostic;
use crate::env::Env;
use crate::run::{ItemResult, Run, Verdict};
use crate::secret::Redacted;
use crate::writer::resolve;

use connection::{Connection, FromEither, Value};
use document::StoredDocument;
use row::{GreenRow, GreenStateRow, HeadRow, OldestRow, RunRow, instant};
use server::Refusal;
use write::{StoredFacts, latest};

pub use changes::{ChangeBases, Green, list_changes};
pub use facts::{AllFacts, Facts, ItemState, Passed, annotate};
pub use lock::{SharedLocks, without_project};
pub use origin::Origin;
pub use place::{Location, Place};
pub use project::Key;
pub use server::Access;
pub use write::Retention;

/// How long a server may take for one request.
pub const TIMEOUT: Duration = Duration::from_secs(20);

/// An open ledger.
#[derive(Debug)]
pub struct Ledger {
    connection: Connection,
    location: Location,
    now: Timestamp,
    elsewhere: Option<String>,
    /// The item statistics that were read for a checklist.
    read: Option<StoredFacts>,
}

/// The number of a run in its ledger.
pub type RunId = i64;

/// A run that was recorded.
#[derive(Debug, Clone)]
pub struct Recorded {
    /// Its number.
    pub id: RunId,
    /// SHA-256 of the JSON that is stored, in hexadecimal.
    pub digest: String,
    /// The run itself.
    pub run: Run,
}

/// Which runs count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which {
    /// Only complete ones: neither partial nor interrupted.
    Whole,
    /// Only complete ones in which everything that gates was green.
    Green,
}

/// A run in a list.
#[derive(Debug, Clone)]
pub struct RunHead {
    /// Its number.
    pub id: RunId,
    /// When it began.
    pub started: Timestamp,
    /// The subject.
    pub subject: Option<String>,
    /// The commit of the checklist's repository.
    pub commit: Option<String>,
    /// The machine that it ran on.
    pub host: Option<String>,
    /// Who ran it.
    pub user: Option<String>,
    /// The CI job.
    pub ci: Option<String>,
    /// Why not everything was run.
    pub partial: Option<String>,
    /// The signal or deadline that ended it early.
    pub interrupted: Option<String>,
    /// Its verdict.
    pub verdict: Verdict,
    /// Number of green items, and of all items.
    pub green: (usize, usize),
    /// The results of the items that ran.
    pub states: Vec<ItemState>,
}

impl Ledger {
    /// Opens a ledger. It is made at its first use; an older one is brought to this version. `root` is the folder that
    /// holds `checklists/`.
    ///
    /// # Errors
    /// When it can't be opened, is tracked by Git, or was made by a newer version.
    pub async fn open(location: Location, root: &Path, access: Access, env: &Env) -> Result<Self, Diagnostic> {
        let opened = timely(async {
            if let Place::File { path, .. } = &location.place {
                refuse_foreign(path, root, env).await?;
            }
            server::open(&location, root, access, env).await
        });
        match opened.await {
            Ok((connection, elsewhere)) => Ok(Self { connection, location, now: env.now(), elsewhere, read: None }),
            Err(refusal) => Err(error::problem("open", &location, &refusal)),
        }
    }

    /// Opens a ledger to read from it, without creating it.
    ///
    /// # Errors
    /// As [`Ledger::open`].
    pub async fn open_existing(location: Location, root: &Path, env: &Env) -> Result<Option<Self>, Diagnostic> {
        match &location.place {
            Place::File { path, .. } if !path.exists() => Ok(None),
            Place::File { .. } | Place::Postgres(_) => Self::open(location, root, Access::Read, env).await.map(Some),
        }
    }

    /// A warning about how it was opened.
    pub fn warning(&self) -> Option<Diagnostic> {
        let elsewhere = self.elsewhere.as_deref()?;
        let name = &self.location.name;
        let warning = Diagnostic::warning(format!("the tables of the ledger {name} are in the schema `{elsewhere}`"));
        Some(warning.help("the role may not create the schema `gate`: grant it CREATE on the database"))
    }

    /// Records a run, and removes the oldest ones of its checklist beyond what is kept. Never removed is the run in which
    /// an item last passed.
    ///
    /// # Errors
    /// When it can't be written, or is from the future; nothing of it is written then.
    pub async fn record(&mut self, key: &Key, run: &Redacted<Run>, now: Timestamp) -> Result<RunId, Diagnostic> {
        let keep = self.location.keep;
        let written = timely(write::record(&mut self.connection, key, run, self.read.take(), keep, now)).await;
        written.map_err(|refusal| error::problem("record in", &self.location, &refusal))
    }

    /// Removes the runs of a checklist that are not kept, and those from the future. Returns how many.
    ///
    /// # Errors
    /// When they can't be removed; none is then.
    pub async fn prune(&mut self, key: &Key, retention: Retention) -> Result<usize, Diagnostic> {
        let removed = timely(write::prune(&mut self.connection, key, retention, self.now)).await;
        removed.map_err(|refusal| error::problem("prune", &self.location, &refusal))
    }

    /// The last run of a checklist.
    ///
    /// # Errors
    /// When it can't be read, was altered, or is from the future.
    pub async fn last(&mut self, key: &Key, which: Which) -> Result<Option<Recorded>, Diagnostic> {
        let sql = match which {
            Which::Whole => {
                "SELECT * FROM gate_runs WHERE project IN ($1, '') AND name = $2 AND partial IS NULL \
                 AND interrupted IS NULL ORDER BY id DESC LIMIT 1"
            }
            Which::Green => {
                "SELECT * FROM gate_runs WHERE project IN ($1, '') AND name = $2 AND partial IS NULL \
                 AND interrupted IS NULL AND verdict = 'ready' ORDER BY id DESC LIMIT 1"
            }
        };
        let rows = self.read::<RunRow>(sql, &[Value::Text(&key.project), Value::Text(&key.name)]).await?;
        rows.into_iter().next().map(|row| self.recorded(row)).transpose()
    }

    /// The run of this number, if it is one of the checklist's.
    ///
    /// # Errors
    /// When it can't be read, was altered, or is from the future.
    pub async fn run(&mut self, key: &Key, id: RunId) -> Result<Option<Recorded>, Diagnostic> {
        let sql = "SELECT * FROM gate_runs WHERE project IN ($1, '') AND name = $2 AND id = $3";
        let values = [Value::Text(&key.project), Value::Text(&key.name), Value::Integer(id)];
        let rows = self.read::<RunRow>(sql, &values).await?;
        rows.into_iter().next().map(|row| self.recorded(row)).transpose()
    }

    /// The latest runs of a checklist, newest first.
    ///
    /// # Errors
    /// When they can't be read.
    pub async fn runs(&mut self, key: &Key, limit: usize) -> Result<Vec<RunHead>, Diagnostic> {
        let sql = "SELECT id, name, started, subject, commit_id, host, user_name, ci, partial, interrupted, verdict, \
                   green, total, states FROM gate_runs WHERE project IN ($1, '') AND name = $2 ORDER BY id DESC LIMIT $3";
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let values = [Value::Text(&key.project), Value::Text(&key.name), Value::Integer(limit)];
        let rows = self.read::<HeadRow>(sql, &values).await?;
        let heads = rows.into_iter().map(RunHead::try_from).collect::<Result<_, _>>();
        heads.map_err(|why| error::problem("read", &self.location, &Refusal::Database(why)))
    }

    /// When the oldest whole run of a checklist began.
    ///
    /// # Errors
    /// When that can't be read.
    pub async fn oldest(&mut self, key: &Key) -> Result<Option<Timestamp>, Diagnostic> {
        let sql = "SELECT MIN(started) AS started FROM gate_runs WHERE project IN ($1, '') AND name = $2 \
                   AND partial IS NULL AND interrupted IS NULL";
        let rows = self.read::<OldestRow>(sql, &[Value::Text(&key.project), Value::Text(&key.name)]).await?;
        Ok(rows.into_iter().find_map(|row| instant(row.started?).ok()))
    }

    /// The whole runs of a checklist that began after this time and in which an item failed, oldest first.
    ///
    /// # Errors
    /// When they can't be read.
    pub async fn failures(&mut self, key: &Key, since: Timestamp) -> Result<Vec<RunHead>, Diagnostic> {
        let sql = "SELECT id, name, started, subject, commit_id, host, user_name, ci, partial, interrupted, verdict, \
                   green, total, states FROM gate_runs WHERE project IN ($1, '') AND name = $2 AND started > $3 \
                   AND started <= $4 AND partial IS NULL AND interrupted IS NULL AND states LIKE '%\"failed\"%' \
                   ORDER BY started";
        let since = Value::Integer(since.as_millisecond());
        let now = Value::Integer(latest(self.now));
        let values = [Value::Text(&key.project), Value::Text(&key.name), since, now];
        let rows = self.read::<HeadRow>(sql, &values).await?;
        let heads = rows.into_iter().map(RunHead::try_from).collect::<Result<_, _>>();
        heads.map_err(|why| error::problem("read", &self.location, &Refusal::Database(why)))
    }

    /// The whole run whose record has this digest.
    ///
    /// # Errors
    /// When it can't be read, was altered, or is from the future.
    pub async fn run_of_digest(&mut self, key: &Key, digest: &str) -> Result<Option<Recorded>, Diagnostic> {
        let sql = "SELECT * FROM gate_runs WHERE project IN ($1, '') AND name = $2 AND digest = $3 ORDER BY id LIMIT 1";
        let values = [Value::Text(&key.project), Value::Text(&key.name), Value::Text(digest)];
        let rows = self.read::<RunRow>(sql, &values).await?;
        rows.into_iter().next().map(|row| self.recorded(row)).transpose()
    }

    /// The commit and the time of the last whole run in which everything that gates was green.
    ///
    /// # Errors
    /// When it can't be read.
    pub async fn last_green(&mut self, key: &Key) -> Result<Option<Green>, Diagnostic> {
        let sql = "SELECT commit_id, started FROM gate_runs WHERE project IN ($1, '') AND name = $2 AND started <= $3 \
                   AND verdict = 'ready' AND partial IS NULL AND interrupted IS NULL AND commit_id IS NOT NULL \
                   ORDER BY id DESC LIMIT 1";
        let values = [Value::Text(&key.project), Value::Text(&key.name), Value::Integer(latest(self.now))];
        let rows = self.read::<GreenRow>(sql, &values).await?;
        let green = |row: GreenRow| Some(Green { commit: row.commit_id, at: instant(row.started).ok()? });
        Ok(rows.into_iter().next().and_then(green))
    }

    /// The last whole green run of the checklist of this run, if the two differ in their definitions.
    ///
    /// # Errors
    /// When it can't be read, or was altered.
    pub async fn last_other_green(&mut self, key: &Key, run: &Run) -> Result<Option<Recorded>, Diagnostic> {
        let sql = "SELECT id, checklist, states FROM gate_runs WHERE project IN ($1, '') AND name = $2 \
                   AND started <= $3 AND verdict = 'ready' AND partial IS NULL AND interrupted IS NULL \
                   ORDER BY id DESC LIMIT 1";
        let values = [Value::Text(&key.project), Value::Text(&key.name), Value::Integer(latest(self.now))];
        let Some(green) = self.read::<GreenStateRow>(sql, &values).await?.into_iter().next() else { return Ok(None) };
        let states = row::states(&green.states)
            .map_err(|why| error::problem("read", &self.location, &Refusal::Database(why)))?;
        let then: HashMap<&str, &Option<String>> =
            states.iter().map(|state| (state.id.as_str(), &state.definition)).collect();
        // To read a whole run takes time: nearly always nothing was edited.
        let is_same = |item: &ItemResult| then.get(item.id.as_str()) == Some(&&item.definition);
        if green.checklist == run.digest && run.items().all(is_same) {
            return Ok(None);
        }
        self.run(key, green.id).await
    }

    /// The statistics of each item of a checklist.
    ///
    /// # Errors
    /// When it can't be read.
    pub async fn facts(&mut self, key: &Key) -> Result<Arc<AllFacts>, Diagnostic> {
        let now = self.now;
        let found = timely(async {
            let mut transaction = self.connection.read().await?;
            let stored = write::known(&mut transaction, key, None, now).await?;
            transaction.rollback().await?;
            Ok(stored)
        });
        let stored = found.await.map_err(|refusal| error::problem("read", &self.location, &refusal))?;
        let facts = Arc::clone(&stored.facts);
        self.read = Some(stored);
        Ok(facts)
    }

    /// Closes the connection.
    pub async fn close(self) {
        // Recorded runs are safe in any case.
        let _ = tokio::time::timeout(Duration::from_secs(1), self.connection.close()).await;
    }

    async fn read<T: FromEither>(&mut self, sql: &'static str, values: &[Value<'_>]) -> Result<Vec<T>, Diagnostic> {
        let found = timely(async {
            let mut transaction = self.connection.read().await?;
            let rows = transaction.all(sql, values).await?;
            transaction.rollback().await?;
            Ok(rows)
        });
        found.await.map_err(|refusal| error::problem("read", &self.location, &refusal))
    }

    /// The run of a row. The digest covers the document alone, so that the columns are compared with it.
    fn recorded(&self, RunRow { head, document }: RunRow) -> Result<Recorded, Diagnostic> {
        let document = StoredDocument { digest: document.digest, bytes: document.document };
        let run = document.read().and_then(|run| {
            if !head.fits(&run) {
                return Err("it was altered: its columns differ from its document".to_owned());
            }
            if run.started.as_millisecond() > latest(self.now) {
                return Err(format!("it is from the future: it began at {}", run.started));
            }
            Ok(run)
        });
        match run {
            Ok(run) => Ok(Recorded { id: head.id, digest: document.digest, run }),
            Err(why) => {
                let title = format!("cannot read run {} of the ledger {}: {why}", head.id, self.location.name);
                let is_from_the_future = head.started > latest(self.now);
                let help = is_from_the_future.then(|| format!("`gate ledger prune {}` removes it", head.name));
                Err(Diagnostic::error(title).maybe_help(help))
            }
        }
    }
}

impl TryFrom<HeadRow> for RunHead {
    type Error = sqlx::Error;

    fn try_from(row: HeadRow) -> Result<Self, sqlx::Error> {
        let number = |number: i64| usize::try_from(number).unwrap_or_default();
        Ok(Self {
            id: row.id,
            started: row.began()?,
            verdict: row.verdict()?,
            green: (number(row.green), number(row.total)),
            states: row.states()?,
            subject: row.subject,
            commit: row.commit_id,
            host: row.host,
            user: row.user_name,
            ci: row.ci,
            partial: row.partial,
            interrupted: row.interrupted,
        })
    }
}

/// Refuses a file that comes with the repository, and links in place of those that SQLite keeps beside it: SQLite would
/// write to where they lead.
async fn refuse_foreign(path: &Path, root: &Path, env: &Env) -> Result<(), Refusal> {
    // A link to a tracked file is the same file.
    let Ok(path) = resolve(path) else { return Ok(()) };
    let paths = ["", "-wal", "-shm", "-journal"].map(|end| format!("{}{end}", path.display()));
    if let Some(link) = paths.iter().find(|path| Path::new(path).is_symlink()) {
        return Err(Refusal::Linked(link.clone()));
    }
    let paths = paths.each_ref().map(String::as_str);
    match git(root, &[&["--literal-pathspecs", "ls-files", "--"][..], &paths].concat(), env).await {
        Ok(tracked) if !tracked.is_empty() => Err(Refusal::Tracked),
        // Outside of the repository, or without one.
        Ok(_) | Err(_) => Ok(()),
    }
}

async fn timely<T>(work: impl Future<Output = Result<T, Refusal>>) -> Result<T, Refusal> {
    let silent = |_| Refusal::Database(sqlx::Error::Io(std::io::ErrorKind::TimedOut.into()));
    tokio::time::timeout(TIMEOUT, work).await.unwrap_or_else(|late| Err(silent(late)))
}
