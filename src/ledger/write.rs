//! Recording a run: in one transaction, so that a run is there as a whole or not at all.

use jiff::Timestamp;
use sqlx::{Connection as _, query, query_as};

use crate::run::{Run, Verdict};

use super::document::StoredDocument;
use super::facts::{AllFacts, State, states, take};
use super::server::{Refusal, Server, on};

/// How long a run is kept that is not among the newest, and in which no item last passed: a year and a month.
const DAYS: i64 = 395;

/// What is known of each item of a checklist. Where an older version kept none, it is made from the runs.
macro_rules! facts {
    ($connection:ident, $name:expr) => {{
        let found: Option<(String,)> = sqlx::query_as("SELECT facts FROM gate_facts WHERE name = $1")
            .bind($name)
            .persistent(false)
            .fetch_optional(&mut *$connection)
            .await?;
        match found {
            Some((text,)) => $crate::ledger::write::read(&text),
            None => {
                let runs: Vec<$crate::ledger::write::Said> =
                    sqlx::query_as("SELECT id, started, subject, states FROM gate_runs WHERE name = $1 ORDER BY id")
                        .bind($name)
                        .persistent(false)
                        .fetch_all(&mut *$connection)
                        .await?;
                $crate::ledger::write::fold(&runs)
            }
        }
    }};
}
pub(super) use facts;

/// What a run says of its items: its number, when it began, its subject, and the states as JSON.
pub type Said = (i64, i64, Option<String>, String);

/// The facts as they are stored.
pub fn read(text: &str) -> Result<AllFacts, Refusal> {
    Ok(serde_json::from_str(text).map_err(|why| sqlx::Error::Decode(why.into()))?)
}

/// The facts that follow from runs.
pub fn fold(runs: &[Said]) -> Result<AllFacts, Refusal> {
    let mut facts = AllFacts::new();
    for (id, started, subject, states) in runs {
        let states: Vec<State> = serde_json::from_str(states).map_err(|why| sqlx::Error::Decode(why.into()))?;
        let started = Timestamp::from_millisecond(*started).map_err(|why| sqlx::Error::Decode(why.into()))?;
        take(&mut facts, *id, started, subject.as_deref(), &states);
    }
    Ok(facts)
}

/// Records the run, and forgets what is not to be kept.
pub async fn record(server: &mut Server, run: &Run, keep: usize) -> Result<i64, Refusal> {
    let document = StoredDocument::of(run);
    let states = states(run);
    let said = serde_json::to_string(&states).expect("words and numbers are JSON");
    let started = run.started.as_millisecond();
    let (green, total) = run.green();
    let number = |number: usize| i64::try_from(number).unwrap_or(i64::MAX);
    let keep = number(keep);
    on!(server, connection, words => {
        let mut transaction = connection.begin_with(words.begin).await?;
        query(words.lock).persistent(false).execute(&mut *transaction).await?;
        let known = &mut *transaction;
        let mut facts: AllFacts = facts!(known, &run.name)?;
        let (id,): (i64,) = query_as(
            "INSERT INTO gate_runs (name, started, duration, gate, checklist, subject, commit_id, host, user_name, ci, \
             partial, interrupted, verdict, green, total, states, digest, document) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18) RETURNING id",
        )
        .bind(&run.name)
        .bind(started)
        .bind(i64::try_from(run.duration_ms).unwrap_or(i64::MAX))
        .bind(&run.gate)
        .bind(&run.digest)
        .bind(&run.subject)
        .bind(&run.commit)
        .bind(&run.host)
        .bind(&run.user)
        .bind(&run.ci)
        .bind(&run.partial)
        .bind(run.interrupted.map(|by| by.to_string()))
        .bind(word(run.verdict()))
        .bind(number(green))
        .bind(number(total))
        .bind(&said)
        .bind(&document.digest)
        .bind(&document.bytes)
        .persistent(false)
        .fetch_one(&mut *transaction)
        .await?;
        take(&mut facts, id, run.started, run.subject.as_deref(), &states);
        query("INSERT INTO gate_facts (name, facts) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET facts = $2")
            .bind(&run.name)
            .bind(serde_json::to_string(&facts).expect("facts can be written as JSON"))
            .persistent(false)
            .execute(&mut *transaction)
            .await?;
        let old: Vec<(i64,)> = query_as(
            "SELECT id FROM gate_runs WHERE name = $1 AND (started < $2 OR id <= (SELECT id FROM gate_runs \
             WHERE name = $1 ORDER BY id DESC LIMIT 1 OFFSET $3)) AND id <> coalesce((SELECT max(id) FROM gate_runs \
             WHERE name = $1 AND verdict = 'ready' AND partial IS NULL AND interrupted IS NULL), 0)",
        )
        .bind(&run.name)
        .bind(started - DAYS * 86_400_000)
        .bind(keep)
        .persistent(false)
        .fetch_all(&mut *transaction)
        .await?;
        for id in old.iter().map(|(id,)| *id).filter(|old| *old != id && !is_last_green(&facts, *old)) {
            query("DELETE FROM gate_runs WHERE id = $1").bind(id).persistent(false).execute(&mut *transaction).await?;
        }
        transaction.commit().await?;
        Ok(id)
    })
}

/// Whether it is the run in which an item last passed.
fn is_last_green(facts: &AllFacts, run: i64) -> bool {
    facts.values().any(|facts| facts.last_passed.as_ref().is_some_and(|passed| passed.run == run))
}

fn word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Ready => "ready",
        Verdict::NotReady => "not-ready",
        Verdict::Unknown => "unknown",
    }
}
