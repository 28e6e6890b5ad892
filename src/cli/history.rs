//! `gate history`: the runs of a checklist, and which of its items were red or flaky most often.

use std::collections::HashMap;
use std::num::NonZeroUsize;

use clap::{Args, ValueEnum};
use serde_json::{Value, json};

use crate::checklist;
use crate::env::Env;
use crate::ledger::{AllFacts, Facts, RunHead};
use crate::report::words;
use crate::run::Status;
use crate::text::visible;

use super::list::columns;
use super::render::ledger;
use super::{At, Exit, Failure, print};

#[derive(Debug, Args)]
pub struct History {
    /// The checklist; the last run of each if none is named
    name: Option<String>,
    /// How many runs to look back on
    #[arg(long, value_name = "N", default_value_t = NonZeroUsize::new(20).expect("it is not 0"))]
    limit: NonZeroUsize,
    /// How to tell it
    #[arg(long, value_name = "FORMAT", default_value = "table")]
    format: As,
    #[command(flatten)]
    at: At,
}

/// How something is told that is no run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum As {
    /// For people
    Table,
    /// For programs
    Json,
}

/// How an item did in the runs that are looked back on.
struct Often<'a> {
    id: &'a str,
    runs: usize,
    red: usize,
    flaky: usize,
    facts: Option<&'a Facts>,
}

impl History {
    pub async fn run(self, env: Env) -> Result<Exit, Failure> {
        let text = match &self.name {
            Some(name) => self.of(name, &env).await?,
            None => self.overview(&env).await?,
        };
        print(&text, &env)?;
        Ok(Exit::Ready)
    }

    async fn of(&self, name: &str, env: &Env) -> Result<String, Failure> {
        // What was recorded can be told whatever the checklist says today.
        let checklist = checklist::find(name, &env.cwd).map_err(|problem| Failure::usage(problem, env))?;
        let told = |problem| Failure::output(problem, env);
        let mut ledger = ledger(name, &checklist.root, &self.at, env).await?;
        let runs = ledger.runs(&checklist.name, self.limit.get()).await.map_err(told)?;
        let facts = ledger.facts(&checklist.name).await.map_err(told)?;
        ledger.close().await;
        let often = often(&runs, &facts);
        match self.format {
            As::Json => {
                let runs: Vec<Value> = runs.iter().map(run_json).collect();
                let items: Vec<Value> = often.iter().map(Often::json).collect();
                Ok(format!("{:#}\n", json!({ "runs": runs, "items": items })))
            }
            As::Table if runs.is_empty() => Ok("never run\n".to_owned()),
            As::Table => {
                let mut text = columns(runs.iter().map(row));
                let bad: Vec<&Often> = often.iter().filter(|item| item.red + item.flaky > 0).collect();
                if !bad.is_empty() {
                    text.push_str(&format!("\nRed or flaky most often in these {} runs\n", runs.len()));
                    text.push_str(&columns(bad.iter().map(|item| item.row())));
                }
                Ok(text)
            }
        }
    }

    /// The last run of each checklist.
    async fn overview(&self, env: &Env) -> Result<String, Failure> {
        let (root, names) = checklist::all(&env.cwd).map_err(|problem| Failure::usage(problem, env))?;
        let (mut rows, mut all) = (Vec::new(), Vec::new());
        let mut ledger = ledger("NAME", &root, &self.at, env).await?;
        for name in names {
            let last = ledger.runs(&name, 1).await.map_err(|problem| Failure::output(problem, env))?;
            rows.push(last.first().map_or_else(
                || vec![name.clone(), "never run".to_owned()],
                |run| std::iter::once(name.clone()).chain(row(run)).collect(),
            ));
            all.push(json!({ "name": name, "last": last.first().map(run_json) }));
        }
        ledger.close().await;
        Ok(match self.format {
            As::Json => format!("{:#}\n", Value::Array(all)),
            As::Table => columns(rows.into_iter()),
        })
    }
}

/// How each item did, the worst first.
fn often<'a>(runs: &'a [RunHead], facts: &'a AllFacts) -> Vec<Often<'a>> {
    let mut often: Vec<Often> = Vec::new();
    let mut places: HashMap<&str, usize> = HashMap::new();
    for (id, status, flaky) in runs.iter().flat_map(|run| &run.states) {
        let at = *places.entry(id).or_insert_with(|| {
            often.push(Often { id, runs: 0, red: 0, flaky: 0, facts: facts.get(id) });
            often.len() - 1
        });
        often[at].runs += 1;
        often[at].red += usize::from(!status.is_green() || *status == Status::Waived);
        often[at].flaky += usize::from(*flaky);
    }
    often.sort_by_key(|item| std::cmp::Reverse((item.red, item.flaky))); // stable: otherwise in checklist order
    often
}

impl Often<'_> {
    fn row(&self) -> Vec<String> {
        let since = self.facts.and_then(|facts| facts.red_since).map(|since| format!("red since {}", when(since)));
        let passed = self.facts.and_then(|facts| facts.last_passed.as_ref());
        let passed = passed.map_or("never passed".to_owned(), |passed| format!("last passed {}", when(passed.at)));
        let red = format!("red {} of {}", self.red, self.runs);
        vec![self.id.to_owned(), red, format!("flaky {}", self.flaky), since.unwrap_or("green now".to_owned()), passed]
    }

    fn json(&self) -> Value {
        let passed = self.facts.and_then(|facts| facts.last_passed.as_ref());
        json!({
            "id": self.id,
            "runs": self.runs,
            "red": self.red,
            "flaky": self.flaky,
            "red_since": self.facts.and_then(|facts| facts.red_since),
            "last_passed": passed.map(|passed| passed.at),
            "last_subject": passed.and_then(|passed| passed.subject.as_deref()),
        })
    }
}

/// The minute, in UTC.
pub fn when(instant: jiff::Timestamp) -> String {
    instant.strftime("%Y-%m-%d %H:%M").to_string()
}

fn row(run: &RunHead) -> Vec<String> {
    let said = |text: &Option<String>| visible(text.as_deref().unwrap_or_default()).into_owned();
    let (green, total) = run.green;
    let mut notes: Vec<String> = Vec::new();
    notes.extend(run.partial.as_deref().map(|why| format!("partial: {}", visible(why))));
    notes.extend(run.interrupted.as_deref().map(|by| format!("interrupted: {}", visible(by))));
    let commit = run.commit.as_deref().map(|commit| commit.chars().take(7).collect()).unwrap_or_default();
    vec![
        run.id.to_string(),
        when(run.started),
        words(run.verdict).to_owned(),
        format!("{green} of {total}"),
        said(&run.subject),
        commit,
        format!("{}@{}", said(&run.user), said(&run.host)),
        notes.join("; "),
    ]
}

fn run_json(run: &RunHead) -> Value {
    json!({
        "id": run.id,
        "started": run.started,
        "verdict": run.verdict,
        "green": run.green.0,
        "total": run.green.1,
        "subject": run.subject,
        "commit": run.commit,
        "host": run.host,
        "user": run.user,
        "ci": run.ci,
        "partial": run.partial,
        "interrupted": run.interrupted,
    })
}
