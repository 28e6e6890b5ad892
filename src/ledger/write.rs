//! Recording a run and removing old ones, each in one transaction: a run is recorded as a whole or not at all.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use crate::run::Run;
use crate::secret::Redacted;

use super::connection::{Connection, Transaction, Value};
use super::document::StoredDocument;
use super::facts::{self, AllFacts, states, take};
use super::project::Key;
use super::row::{FactsRow, HeadRow, StateRow, instant, states as stored_states};
use super::server::Refusal;

/// How far the clocks of two machines may differ.
const SKEW: SignedDuration = SignedDuration::from_mins(5);

/// How long a run is kept that is not among the newest, and that is not the last passing run of an item: 13 months.
const KEPT: SignedDuration = SignedDuration::from_hours(395 * 24);

/// Which runs to remove besides those from the future.
#[derive(Debug, Clone, Copy)]
pub struct Retention {
    /// How many of the newest are kept at most.
    pub keep: usize,
    /// Those recorded before are removed.
    pub since: Timestamp,
}

impl Retention {
    /// The default retention at this time.
    pub fn at(now: Timestamp, keep: usize) -> Self {
        Self { keep, since: now.saturating_sub(KEPT).unwrap_or(now) }
    }
}

/// The latest start of a run that is not from the future.
pub fn latest(now: Timestamp) -> i64 {
    now.saturating_add(SKEW).unwrap_or(now).as_millisecond()
}

/// The statistics of each item of a checklist, with the text in which they are stored.
#[derive(Debug)]
pub struct StoredFacts {
    /// The facts.
    pub facts: Arc<AllFacts>,
    /// Their JSON. None where they were made from the runs.
    text: Option<String>,
}

/// The statistics of each item of a checklist. If none are stored, or they are unusable, they are computed from the
/// runs. What was `read` before, and is stored still, is not read again.
pub async fn known(
    transaction: &mut Transaction<'_>,
    key: &Key,
    read: Option<StoredFacts>,
    now: Timestamp,
) -> Result<StoredFacts, Refusal> {
    let (project, name) = (Value::Text(&key.project), Value::Text(&key.name));
    let sql = "SELECT project, facts FROM gate_facts WHERE project IN ($1, '') AND name = $2 ORDER BY project DESC";
    let stored: Option<FactsRow> = transaction.first(sql, &[project, name]).await?;
    if let Some(row) = stored {
        let same = read.filter(|read| read.text.as_ref() == Some(&row.facts));
        let facts = same.map_or_else(|| facts::read(&row.facts).map(Arc::new), |read| Ok(read.facts))?;
        if facts.values().all(|facts| facts.seen.as_millisecond() <= latest(now)) {
            return Ok(StoredFacts { facts, text: Some(row.facts) });
        }
    }
    let sql = "SELECT id, started, subject, states FROM gate_runs WHERE project IN ($1, '') AND name = $2 \
               AND started <= $3 ORDER BY id";
    let runs: Vec<StateRow> = transaction.all(sql, &[project, name, Value::Integer(latest(now))]).await?;
    let mut facts = AllFacts::new();
    for run in runs {
        take(&mut facts, run.id, instant(run.started)?, run.subject.as_deref(), &stored_states(&run.states)?);
    }
    Ok(StoredFacts { facts: Arc::new(facts), text: None })
}

/// Records the run, and removes those of its checklist that are not kept. `read` is what was known before, `now` is this
/// machine's clock.
pub async fn record(
    connection: &mut Connection,
    key: &Key,
    run: &Redacted<Run>,
    read: Option<StoredFacts>,
    keep: usize,
    now: Timestamp,
) -> Result<i64, Refusal> {
    let document = StoredDocument::of(run);
    let states = states(run);
    let head = HeadRow::of(0, run, &states);
    let mut transaction = connection.write().await?;
    let now = transaction.now(now).await?;
    if head.started > latest(now) {
        return Err(Refusal::Future(run.started));
    }
    adopt(&mut transaction, key).await?;
    let stored = known(&mut transaction, key, read, now).await?;
    let mut facts = Arc::unwrap_or_clone(stored.facts);
    let sql = "INSERT INTO gate_runs (project, name, started, recorded, duration, gate, checklist, subject, commit_id, \
               host, user_name, ci, partial, interrupted, verdict, green, total, states, digest, document) \
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20) \
               RETURNING id";
    let values = [
        Value::Text(&key.project),
        Value::Text(&key.name),
        Value::Integer(head.started),
        Value::Integer(now.as_millisecond()),
        Value::Integer(i64::try_from(run.duration_ms).unwrap_or(i64::MAX)),
        Value::Text(&run.gate),
        Value::Text(&run.digest),
        Value::OptionalText(head.subject.as_deref()),
        Value::OptionalText(head.commit_id.as_deref()),
        Value::OptionalText(head.host.as_deref()),
        Value::OptionalText(head.user_name.as_deref()),
        Value::OptionalText(head.ci.as_deref()),
        Value::OptionalText(head.partial.as_deref()),
        Value::OptionalText(head.interrupted.as_deref()),
        Value::Text(&head.verdict),
        Value::Integer(head.green),
        Value::Integer(head.total),
        Value::Text(&head.states),
        Value::Text(&document.digest),
        Value::Bytes(&document.bytes),
    ];
    let recorded: Option<(i64,)> = transaction.first(sql, &values).await?;
    let (id,) = recorded.ok_or(sqlx::Error::RowNotFound)?;
    take(&mut facts, id, run.started, run.subject.as_deref(), &states);
    let sql = "INSERT INTO gate_facts (project, name, facts) VALUES ($1, $2, $3) \
               ON CONFLICT (project, name) DO UPDATE SET facts = $3";
    let stored = serde_json::to_string(&facts).expect("facts can be written as JSON");
    transaction.execute(sql, &[Value::Text(&key.project), Value::Text(&key.name), Value::Text(&stored)]).await?;
    remove_old(&mut transaction, key, Retention::at(now, keep), &facts, Some(id)).await?;
    transaction.commit().await?;
    Ok(id)
}

/// Gives the runs that an older version recorded without a project to the first project that records one of that name.
async fn adopt(transaction: &mut Transaction<'_>, key: &Key) -> Result<(), Refusal> {
    let values = [Value::Text(&key.project), Value::Text(&key.name)];
    let sql = "SELECT project, facts FROM gate_facts WHERE project = $1 AND name = $2";
    if transaction.first::<FactsRow>(sql, &values).await?.is_none() {
        for sql in [
            "UPDATE gate_runs SET project = $1 WHERE project = '' AND name = $2",
            "UPDATE gate_facts SET project = $1 WHERE project = '' AND name = $2",
        ] {
            transaction.execute(sql, &values).await?;
        }
    }
    Ok(())
}

/// Removes the runs of a checklist that are not kept, and those from the future. Returns how many.
pub async fn prune(
    connection: &mut Connection,
    key: &Key,
    retention: Retention,
    now: Timestamp,
) -> Result<usize, Refusal> {
    let mut transaction = connection.write().await?;
    let now = transaction.now(now).await?;
    let StoredFacts { facts, .. } = known(&mut transaction, key, None, now).await?;
    let sql = "DELETE FROM gate_runs WHERE project IN ($1, '') AND name = $2 AND started > $3 RETURNING id";
    let values = [Value::Text(&key.project), Value::Text(&key.name), Value::Integer(latest(now))];
    let future: Vec<(i64,)> = transaction.all(sql, &values).await?;
    let old = remove_old(&mut transaction, key, retention, &facts, None).await?;
    transaction.commit().await?;
    Ok(future.len() + old)
}

/// Removes the old runs of a checklist. Never the last green run, the one in which an item last passed, or `own`.
async fn remove_old(
    transaction: &mut Transaction<'_>,
    key: &Key,
    retention: Retention,
    facts: &AllFacts,
    own: Option<i64>,
) -> Result<usize, Refusal> {
    let sql = "SELECT id FROM gate_runs WHERE project IN ($1, '') AND name = $2 AND (recorded < $3 OR id <= (SELECT id \
               FROM gate_runs WHERE project IN ($1, '') AND name = $2 ORDER BY id DESC LIMIT 1 OFFSET $4)) \
               AND id <> coalesce((SELECT max(id) FROM gate_runs WHERE project IN ($1, '') AND name = $2 \
               AND verdict = 'ready' AND partial IS NULL AND interrupted IS NULL), 0)";
    let values = [
        Value::Text(&key.project),
        Value::Text(&key.name),
        Value::Integer(retention.since.as_millisecond()),
        Value::Integer(i64::try_from(retention.keep).unwrap_or(i64::MAX)),
    ];
    let old: Vec<(i64,)> = transaction.all(sql, &values).await?;
    let is_kept = |id: i64| Some(id) == own || facts.values().any(|facts| facts.last_passed_in(id));
    let mut removed = 0;
    for (id,) in old.into_iter().filter(|(id,)| !is_kept(*id)) {
        transaction.execute("DELETE FROM gate_runs WHERE id = $1", &[Value::Integer(id)]).await?;
        removed += 1;
    }
    Ok(removed)
}
