//! `gate history`: the runs of a checklist, and which of its items were red or flaky most often.

use std::collections::HashMap;
use std::num::NonZeroUsize;
use std::path::Path;

use clap::Args;
use serde_json::{Value, json};

use crate::checklist;
use crate::diagnostic::Diagnostic;
use crate::ledger::{AllFacts, Facts, ItemState, Key, Ledger, RunHead};
use crate::report::words;
use crate::run::Status;
use crate::text::visible;

use super::arguments::count;
use super::list::columns;
use super::{Console, Exit, Failure, LedgerArgs, OutputFormat, print};

/// How many runs under an earlier project are counted.
const MAX_EARLIER: usize = 1000;

#[derive(Debug, Args)]
pub struct History {
    /// Checklist. Default: list the last run of every checklist
    name: Option<String>,
    /// Number of runs to list
    #[arg(long, value_name = "N", value_parser = count::<NonZeroUsize>, default_value_t = NonZeroUsize::new(20).expect("it is not 0"))]
    limit: NonZeroUsize,
    /// Output format
    #[arg(long, value_name = "FORMAT", default_value = "table")]
    format: OutputFormat,
    #[command(flatten)]
    ledger: LedgerArgs,
}

/// The results of an item in the listed runs.
struct ItemStats<'a> {
    id: &'a str,
    runs: usize,
    red: usize,
    flaky: usize,
    facts: Option<&'a Facts>,
}

impl History {
    pub async fn run(self, env: Console) -> Result<Exit, Failure> {
        let text = match &self.name {
            Some(name) => self.of(name, &env).await?,
            None => self.overview(&env).await?,
        };
        print(&text, &env)?;
        Ok(Exit::Ready)
    }

    async fn of(&self, name: &str, env: &Console) -> Result<String, Failure> {
        // Recorded runs can be listed whatever is in the checklist today.
        let checklist = checklist::find(name, &env.cwd).map_err(|problem| Failure::usage(problem, env))?;
        let failed = |problem| Failure::output(problem, env);
        let key = Key::find(&checklist.name, checklist.project().as_deref(), &checklist.root, env).await;
        let mut ledger = self.ledger.open(name, &checklist.root, env).await?;
        let runs = ledger.runs(&key, self.limit.get()).await.map_err(failed)?;
        let facts = ledger.facts(&key).await.map_err(failed)?;
        let before =
            if runs.is_empty() { earlier(&mut ledger, &key, &checklist.root).await.map_err(failed)? } else { None };
        ledger.close().await;
        let stats = item_stats(&runs, &facts);
        match self.format {
            OutputFormat::Json => {
                let redefined = redefined(&runs);
                let runs: Vec<Value> = runs.iter().zip(&redefined).map(|(run, ids)| run_json(run, ids)).collect();
                let items: Vec<Value> = stats.iter().map(ItemStats::json).collect();
                Ok(format!("{:#}\n", json!({ "runs": runs, "items": items })))
            }
            OutputFormat::Table if runs.is_empty() => Ok(never_run(&key, before)),
            OutputFormat::Table => {
                let redefined = redefined(&runs);
                let mut text = columns(runs.iter().zip(&redefined).map(|(run, ids)| row(run, ids)), env.width);
                let bad: Vec<&ItemStats> = stats.iter().filter(|item| item.red + item.flaky > 0).collect();
                if !bad.is_empty() {
                    text.push_str(&format!("\nRed or flaky most often in these {} runs\n", runs.len()));
                    text.push_str(&columns(bad.iter().map(|item| item.row()), env.width));
                }
                Ok(text)
            }
        }
    }

    /// The last run of each checklist.
    async fn overview(&self, env: &Console) -> Result<String, Failure> {
        let (root, names) = checklist::all(&env.cwd).map_err(|problem| Failure::usage(problem, env))?;
        let (mut rows, mut all) = (Vec::new(), Vec::new());
        let mut ledger = self.ledger.open("NAME", &root, env).await?;
        for name in names.into_iter().filter(|name| !checklist::is_base(name)) {
            let project = checklist::find(&name, &env.cwd).ok().and_then(|found| found.project());
            let key = Key::find(&name, project.as_deref(), &root, env).await;
            let last = ledger.runs(&key, 1).await.map_err(|problem| Failure::output(problem, env))?;
            rows.push(last.first().map_or_else(
                || vec![name.clone(), "never run".to_owned()],
                |run| std::iter::once(name.clone()).chain(row(run, &[])).collect(),
            ));
            all.push(json!({ "name": name, "last": last.first().map(|run| run_json(run, &[])) }));
        }
        ledger.close().await;
        Ok(match self.format {
            OutputFormat::Json => format!("{:#}\n", Value::Array(all)),
            OutputFormat::Table => columns(rows.into_iter(), env.width),
        })
    }
}

/// The project under which runs were recorded before the folder had a remote, and how many there are.
async fn earlier(ledger: &mut Ledger, key: &Key, root: &Path) -> Result<Option<(String, usize)>, Diagnostic> {
    if key.is_of_folder {
        return Ok(None);
    }
    let of_folder = Key::of_folder(&key.name, root);
    let runs = ledger.runs(&of_folder, MAX_EARLIER).await?.len();
    Ok((runs > 0).then_some((of_folder.project, runs)))
}

/// The answer of a ledger without runs of a checklist.
fn never_run(key: &Key, before: Option<(String, usize)>) -> String {
    let Some((project, runs)) = before else { return "never run\n".to_owned() };
    let (project, key) = (visible(&project), key.to_string());
    format!(
        "never run as {}\n{} recorded as `{project}`, before the folder had a remote: to go on with them, write \
         `project: {project}` at the top level of the checklist\n",
        visible(&key),
        if runs == 1 { "1 run is".to_owned() } else { format!("{runs} runs are") },
    )
}

/// The results of each item, the worst first.
fn item_stats<'a>(runs: &'a [RunHead], facts: &'a AllFacts) -> Vec<ItemStats<'a>> {
    let mut stats: Vec<ItemStats> = Vec::new();
    let mut places: HashMap<&str, usize> = HashMap::new();
    for ItemState { id, status, flaky, .. } in runs.iter().flat_map(|run| &run.states) {
        let at = *places.entry(id).or_insert_with(|| {
            stats.push(ItemStats { id, runs: 0, red: 0, flaky: 0, facts: facts.get(id) });
            stats.len() - 1
        });
        stats[at].runs += 1;
        stats[at].red += usize::from(!status.is_green() || *status == Status::Waived);
        stats[at].flaky += usize::from(*flaky);
    }
    stats.sort_by_key(|item| std::cmp::Reverse((item.red, item.flaky))); // stable: otherwise in checklist order
    stats
}

impl ItemStats<'_> {
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

/// The items of each run, newest first, whose definition differs from that in the run before it.
fn redefined(runs: &[RunHead]) -> Vec<Vec<&str>> {
    let mut latest: HashMap<&str, &str> = HashMap::new();
    let mut found: Vec<Vec<&str>> = Vec::with_capacity(runs.len());
    for run in runs.iter().rev() {
        let mut changed = Vec::new();
        for state in &run.states {
            let Some(definition) = state.definition.as_deref() else { continue };
            if latest.insert(&state.id, definition).is_some_and(|before| before != definition) {
                changed.push(state.id.as_str());
            }
        }
        found.push(changed);
    }
    found.reverse();
    found
}

/// The minute, in UTC.
pub fn when(instant: jiff::Timestamp) -> String {
    instant.strftime("%Y-%m-%d %H:%M").to_string()
}

fn row(run: &RunHead, redefined: &[&str]) -> Vec<String> {
    let said = |text: &Option<String>| visible(text.as_deref().unwrap_or_default()).into_owned();
    let (green, total) = run.green;
    let mut notes: Vec<String> = Vec::new();
    notes.extend(run.partial.as_deref().map(|why| format!("partial: {}", visible(why))));
    notes.extend(run.interrupted.as_deref().map(|by| format!("interrupted: {}", visible(by))));
    if !redefined.is_empty() {
        notes.push(format!("definition or variable changed: {}", redefined.join(", ")));
    }
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

fn run_json(run: &RunHead, redefined: &[&str]) -> Value {
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
        "redefined": redefined,
    })
}
