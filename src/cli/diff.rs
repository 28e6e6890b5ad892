//! `gate diff`: what turned red, turned green or changed between two runs.

use clap::Args;
use serde_json::{Value, json};

use crate::checklist;
use crate::diagnostic::Diagnostic;
use crate::env::Env;
use crate::ledger::{Key, Ledger, Recorded, RunId};
use crate::run::{Change, ItemResult, Turn, Weaker, changes, weaker, words};
use crate::text::visible;

use super::history::when;
use super::list::columns;
use super::{Exit, Failure, LedgerArgs, OutputFormat, print};

#[derive(Debug, Args)]
pub struct Diff {
    /// The checklist
    name: String,
    /// The number of the earlier run, as `gate history` shows it; the last but one if none is given
    first: Option<RunId>,
    /// The number of the later run; the last if none is given
    second: Option<RunId>,
    /// Output format
    #[arg(long, value_name = "FORMAT", default_value = "table")]
    format: OutputFormat,
    #[command(flatten)]
    ledger: LedgerArgs,
}

/// The words and the JSON key of each kind of change.
const TURNS: [(Turn, &str, &str); 6] = [
    (Turn::Red, "turned red", "turned_red"),
    (Turn::Green, "turned green", "turned_green"),
    (Turn::Changed, "changed", "changed"),
    (Turn::Redefined, "definition changed", "redefined"),
    (Turn::New, "new", "new"),
    (Turn::Gone, "gone", "gone"),
];

impl Diff {
    pub async fn run(self, env: Env) -> Result<Exit, Failure> {
        // What was recorded can be compared whatever is in the checklist today.
        let checklist = checklist::find(&self.name, &env.cwd).map_err(|problem| Failure::usage(problem, &env))?;
        let key = Key::find(&checklist.name, checklist.project().as_deref(), &checklist.root, &env).await;
        let mut ledger = self.ledger.open(&self.name, &checklist.root, &env).await?;
        let (first, second) = self.two(&mut ledger, &key, &env).await?;
        ledger.close().await;
        let changes = changes(&first.run, &second.run);
        let weaker = weaker(&first.run, &second.run);
        let text = match self.format {
            OutputFormat::Json => format!("{:#}\n", as_json(&first, &second, &changes, &weaker)),
            OutputFormat::Table => as_table(&first, &second, &changes, &weaker),
        };
        print(&text, &env)?;
        Ok(Exit::Ready)
    }

    async fn two(&self, ledger: &mut Ledger, key: &Key, env: &Env) -> Result<(Recorded, Recorded), Failure> {
        let name = &key.name;
        let failed = |problem| Failure::output(problem, env);
        let runs = ledger.runs(key, usize::MAX).await.map_err(failed)?;
        let mut latest = runs.iter().map(|run| run.id).filter(|id| Some(*id) != self.first);
        let second = self.second.or_else(|| latest.next());
        let first = self.first.or_else(|| latest.next());
        let (Some(first), Some(second)) = (first, second) else {
            let problem = Diagnostic::error(format!("two runs of `{name}` are needed to compare"));
            return Err(Failure::usage(problem.help(format!("`gate history {name}` shows what there is")), env));
        };
        let mut found = Vec::new();
        for id in [first, second] {
            let run = ledger.run(key, id).await.map_err(failed)?;
            found.push(run.ok_or_else(|| {
                let problem = Diagnostic::error(format!("no such run of `{name}`: {id}"));
                Failure::usage(problem.help(format!("`gate history {name}` shows what there is")), env)
            })?);
        }
        let second = found.pop().expect("two were asked for");
        Ok((found.pop().expect("two were asked for"), second))
    }
}

fn as_table(first: &Recorded, second: &Recorded, changes: &[Change], weaker: &[Weaker]) -> String {
    let head = |run: &Recorded| {
        let subject = run.run.subject.as_deref().map(|subject| format!(", {}", visible(subject)));
        format!("run {} ({}{})", run.id, when(run.run.started), subject.unwrap_or_default())
    };
    let mut text = format!("{} → {}\n", head(first), head(second));
    if changes.is_empty() {
        text.push_str("\nnothing changed\n");
    }
    for (turn, title, _) in TURNS {
        let mine: Vec<&Change> = changes.iter().filter(|change| change.turn == turn).collect();
        if mine.is_empty() {
            continue;
        }
        text.push_str(&format!("\n{title}\n"));
        text.push_str(&columns(mine.into_iter().map(row)));
    }
    if !weaker.is_empty() {
        text.push_str("\nweaker\n");
        let rows = weaker.iter().map(|one| vec![one.item.clone(), visible(&one.what).into_owned()]);
        text.push_str(&columns(rows));
    }
    text
}

fn as_json(first: &Recorded, second: &Recorded, changes: &[Change], weaker: &[Weaker]) -> Value {
    let head = |run: &Recorded| {
        json!({
            "id": run.id, "started": run.run.started, "verdict": run.run.verdict(), "subject": run.run.subject,
            "commit": run.run.commit, "digest": run.digest,
        })
    };
    let mut all = json!({ "first": head(first), "second": head(second) });
    all["weaker"] = weaker.iter().map(|one| json!({ "id": one.item, "what": one.what })).collect();
    for (turn, _, key) in TURNS {
        all[key] = changes.iter().filter(|change| change.turn == turn).map(json_of).collect();
    }
    all
}

fn row(change: &Change) -> Vec<String> {
    let sides = [change.before, change.after].into_iter().flatten();
    let mut statuses: Vec<&str> = sides.map(|item| item.status.word()).collect();
    statuses.dedup();
    let (_, why) = words(change.item());
    let redefined = if change.is_redefined() { "(definition changed)" } else { "" };
    vec![change.item().id.clone(), statuses.join(" → "), visible(&why).into_owned(), redefined.to_owned()]
}

fn json_of(change: &Change) -> Value {
    let side = |item: Option<&ItemResult>| {
        item.map(|item| {
            let reason = item.reason.as_ref().map(ToString::to_string);
            json!({
                "status": item.status, "reason": reason, "evidence": item.evidence, "definition": item.definition,
            })
        })
    };
    let (before, after) = (side(change.before), side(change.after));
    json!({ "id": change.item().id, "before": before, "after": after, "redefined": change.is_redefined() })
}
