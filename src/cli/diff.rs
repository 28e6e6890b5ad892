//! `gate diff`: what turned red, turned green or changed between two runs.

use clap::Args;
use serde_json::{Value, json};

use crate::checklist;
use crate::diagnostic::Diagnostic;
use crate::env::Env;
use crate::ledger::{Ledger, Recorded, RunId};
use crate::run::{ItemResult, Run};
use crate::text::visible;

use super::history::{As, when};
use super::list::columns;
use super::render::ledger;
use super::{At, Exit, Failure, print};

#[derive(Debug, Args)]
pub struct Diff {
    /// The checklist
    name: String,
    /// The number of the earlier run, as `gate history` shows it; the last but one if none is given
    first: Option<RunId>,
    /// The number of the later run; the last if none is given
    second: Option<RunId>,
    /// How to tell it
    #[arg(long, value_name = "FORMAT", default_value = "table")]
    format: As,
    #[command(flatten)]
    at: At,
}

/// What became of an item from one run to the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Turn {
    Red,
    Green,
    Changed,
    New,
    Gone,
}

impl Turn {
    const ALL: [(Turn, &'static str, &'static str); 5] = [
        (Turn::Red, "turned red", "turned_red"),
        (Turn::Green, "turned green", "turned_green"),
        (Turn::Changed, "changed", "changed"),
        (Turn::New, "new", "new"),
        (Turn::Gone, "gone", "gone"),
    ];
}

/// An item that is not as it was.
struct Change<'a> {
    turn: Turn,
    before: Option<&'a ItemResult>,
    after: Option<&'a ItemResult>,
}

impl Diff {
    pub async fn run(self, env: Env) -> Result<Exit, Failure> {
        // What was recorded can be compared whatever the checklist says today.
        let checklist = checklist::find(&self.name, &env.cwd).map_err(|problem| Failure::usage(problem, &env))?;
        let mut ledger = ledger(&self.name, &checklist.root, &self.at, &env).await?;
        let (first, second) = self.two(&mut ledger, &checklist.name, &env).await?;
        ledger.close().await;
        let changes = changes(&first.run, &second.run);
        let text = match self.format {
            As::Json => format!("{:#}\n", as_json(&first, &second, &changes)),
            As::Table => as_table(&first, &second, &changes),
        };
        print(&text, &env)?;
        Ok(Exit::Ready)
    }

    async fn two(&self, ledger: &mut Ledger, name: &str, env: &Env) -> Result<(Recorded, Recorded), Failure> {
        let told = |problem| Failure::output(problem, env);
        let runs = ledger.runs(name, usize::MAX).await.map_err(told)?;
        let mut latest = runs.iter().map(|run| run.id).filter(|id| Some(*id) != self.first);
        let second = self.second.or_else(|| latest.next());
        let first = self.first.or_else(|| latest.next());
        let (Some(first), Some(second)) = (first, second) else {
            let problem = Diagnostic::error(format!("there are no two runs of `{name}` to compare"));
            return Err(Failure::usage(problem.help(format!("`gate history {name}` shows what there is")), env));
        };
        let mut found = Vec::new();
        for id in [first, second] {
            let run = if runs.iter().any(|run| run.id == id) { ledger.run(id).await.map_err(told)? } else { None };
            found.push(run.ok_or_else(|| {
                let problem = Diagnostic::error(format!("there is no run {id} of `{name}`"));
                Failure::usage(problem.help(format!("`gate history {name}` shows what there is")), env)
            })?);
        }
        let second = found.pop().expect("two were asked for");
        Ok((found.pop().expect("two were asked for"), second))
    }
}

/// Every item that is not as it was, in checklist order.
fn changes<'a>(first: &'a Run, second: &'a Run) -> Vec<Change<'a>> {
    let find = |run: &'a Run, id: &str| run.items().find(|item| item.id == id);
    let later = second.items().filter_map(|after| {
        let before = find(first, &after.id);
        let turn = match before {
            None => Turn::New,
            Some(before) if before.status.is_green() && !after.status.is_green() => Turn::Red,
            Some(before) if !before.status.is_green() && after.status.is_green() => Turn::Green,
            Some(before) if said(before) != said(after) => Turn::Changed,
            Some(_) => return None,
        };
        Some(Change { turn, before, after: Some(after) })
    });
    let gone = first.items().filter(|before| find(second, &before.id).is_none());
    later.chain(gone.map(|before| Change { turn: Turn::Gone, before: Some(before), after: None })).collect()
}

/// What is said of an item.
fn said(item: &ItemResult) -> (&str, String) {
    let why = item.reason.as_ref().map(ToString::to_string).or_else(|| item.evidence.clone());
    (item.status.word(), why.unwrap_or_default())
}

fn as_table(first: &Recorded, second: &Recorded, changes: &[Change]) -> String {
    let head = |run: &Recorded| {
        let subject = run.run.subject.as_deref().map(|subject| format!(", {}", visible(subject)));
        format!("run {} ({}{})", run.id, when(run.run.started), subject.unwrap_or_default())
    };
    let mut text = format!("{} → {}\n", head(first), head(second));
    if changes.is_empty() {
        text.push_str("\nnothing changed\n");
    }
    for (turn, words, _) in Turn::ALL {
        let mine: Vec<&Change> = changes.iter().filter(|change| change.turn == turn).collect();
        if mine.is_empty() {
            continue;
        }
        text.push_str(&format!("\n{words}\n"));
        text.push_str(&columns(mine.into_iter().map(Change::row)));
    }
    text
}

fn as_json(first: &Recorded, second: &Recorded, changes: &[Change]) -> Value {
    let head = |run: &Recorded| {
        json!({
            "id": run.id, "started": run.run.started, "verdict": run.run.verdict(), "subject": run.run.subject,
            "commit": run.run.commit, "digest": run.digest,
        })
    };
    let mut all = json!({ "first": head(first), "second": head(second) });
    for (turn, _, key) in Turn::ALL {
        all[key] = changes.iter().filter(|change| change.turn == turn).map(Change::json).collect();
    }
    all
}

impl Change<'_> {
    fn item(&self) -> &ItemResult {
        self.after.or(self.before).expect("an item is in one of them at least")
    }

    fn row(&self) -> Vec<String> {
        let words: Vec<&str> = [self.before, self.after].into_iter().flatten().map(|item| item.status.word()).collect();
        let (_, why) = said(self.item());
        let mut words = words;
        words.dedup();
        vec![self.item().id.clone(), words.join(" → "), visible(&why).into_owned()]
    }

    fn json(&self) -> Value {
        let side = |item: Option<&ItemResult>| {
            item.map(|item| {
                let reason = item.reason.as_ref().map(ToString::to_string);
                json!({ "status": item.status, "reason": reason, "evidence": item.evidence })
            })
        };
        json!({ "id": self.item().id, "before": side(self.before), "after": side(self.after) })
    }
}
