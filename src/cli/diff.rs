//! `gate diff`: what turned red, turned green or changed between two runs.

use clap::Args;
use serde_json::{Value, json};

use crate::checklist::{self, ListFile, Overrides, demands, demands_at};
use crate::diagnostic::Diagnostic;
use crate::ledger::{Key, Ledger, Recorded, RunId};
use crate::probe::Registry;
use crate::run::{Change, Demands, ItemResult, Turn, Weaker, changes, weaker, words};
use crate::text::visible;

use super::arguments::count;
use super::history::when;
use super::list::columns;
use super::{Console, Exit, Failure, LedgerArgs, OutputFormat, print};

#[derive(Debug, Args)]
pub struct Diff {
    /// Checklist: a name or a path
    name: String,
    /// Number of the earlier run, as `gate history` shows it. Default: the second-to-last run
    #[arg(value_parser = count::<RunId>)]
    first: Option<RunId>,
    /// Number of the later run. Default: the last run
    #[arg(value_parser = count::<RunId>)]
    second: Option<RunId>,
    /// Compare the checklist with its version in a Git revision, such as `origin/main`, instead of comparing runs
    #[arg(long, value_name = "REF", conflicts_with_all = ["first", "second"])]
    since: Option<String>,
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
    pub async fn run(self, env: Console) -> Result<Exit, Failure> {
        if let Some(since) = &self.since {
            return self.definitions(since, &env).await;
        }
        // Recorded runs can be compared whatever is in the checklist today.
        let checklist = checklist::find(&self.name, &env.cwd).map_err(|problem| Failure::usage(problem, &env))?;
        let key = Key::find(&checklist.name, checklist.project().as_deref(), &checklist.root, &env).await;
        let mut ledger = self.ledger.open(&self.name, &checklist.root, &env).await?;
        let (first, second) = self.two(&mut ledger, &key, &env).await?;
        ledger.close().await;
        let changes = changes(&first.run, &second.run);
        let weaker = weaker(&first.run.demands(), &second.run.demands());
        let text = match self.format {
            OutputFormat::Json => format!("{:#}\n", as_json(&first, &second, &changes, &weaker)),
            OutputFormat::Table => as_table(&first, &second, &changes, &weaker, env.width),
        };
        print(&text, &env)?;
        Ok(Exit::Ready)
    }

    /// Compares the checklist with that of a revision, without running anything.
    async fn definitions(&self, since: &str, env: &Console) -> Result<Exit, Failure> {
        let found = checklist::find(&self.name, &env.cwd).map_err(|problem| Failure::usage(problem, env))?;
        let file = ListFile {
            name: found.name.clone(),
            file: found.file.clone(),
            root: found.root.clone(),
            overrides: Overrides::default(),
        };
        let registry = Registry::built_in();
        let loaded = checklist::load(found, &file.overrides, env, &registry);
        env.learn(&loaded.redactor);
        let Some(now) = &loaded.checklist else {
            return Err(Failure::usage(loaded.problems, env).at(&loaded.sources));
        };
        let now = demands(now);
        let then = demands_at(&file, since, env, &registry)
            .await
            .and_then(|then| then.ok_or_else(|| format!("file `{}` not found in `{since}`", file.file)));
        let then = then.map_err(|why| {
            let problem = Diagnostic::error(format!("cannot compare `{}` with `{since}`: {why}", file.name));
            Failure::usage(problem, env)
        })?;
        let (edits, weaker) = (edits(&then, &now), weaker(&then, &now));
        let text = match self.format {
            OutputFormat::Json => format!("{:#}\n", edits_as_json(since, &edits, &weaker)),
            OutputFormat::Table => edits_as_table(since, &file.file, &edits, &weaker, env.width),
        };
        print(&text, env)?;
        Ok(Exit::Ready)
    }

    async fn two(&self, ledger: &mut Ledger, key: &Key, env: &Console) -> Result<(Recorded, Recorded), Failure> {
        let name = &key.name;
        let failed = |problem| Failure::output(problem, env);
        let runs = ledger.runs(key, usize::MAX).await.map_err(failed)?;
        let mut latest = runs.iter().map(|run| run.id).filter(|id| Some(*id) != self.first);
        let second = self.second.or_else(|| latest.next());
        let first = self.first.or_else(|| latest.next());
        let (Some(first), Some(second)) = (first, second) else {
            let problem = Diagnostic::error(format!("two recorded runs of `{name}` are needed to compare"));
            return Err(Failure::usage(problem.help(format!("`gate history {name}` lists the runs")), env));
        };
        let mut found = Vec::new();
        for id in [first, second] {
            let run = ledger.run(key, id).await.map_err(failed)?;
            found.push(run.ok_or_else(|| {
                let problem = Diagnostic::error(format!("no run {id} of `{name}` is recorded"));
                Failure::usage(problem.help(format!("`gate history {name}` lists the runs")), env)
            })?);
        }
        let second = found.pop().expect("two were asked for");
        Ok((found.pop().expect("two were asked for"), second))
    }
}

/// The ids of the items whose definition changed, which are new, and which were removed.
fn edits<'a>(then: &'a Demands, now: &'a Demands) -> [(Turn, Vec<&'a str>); 3] {
    let of = |demands: &'a Demands, id: &str| demands.items.iter().find(|item| item.id == id);
    let ids = |demands: &'a Demands, is_meant: &dyn Fn(&str, Option<&String>) -> bool| -> Vec<&'a str> {
        let meant = demands.items.iter().filter(|item| is_meant(&item.id, item.source.as_ref()));
        meant.map(|item| item.id.as_str()).collect()
    };
    let is_redefined =
        |id: &str, source: Option<&String>| of(then, id).is_some_and(|old| old.source.as_ref() != source);
    [
        (Turn::Redefined, ids(now, &is_redefined)),
        (Turn::New, ids(now, &|id, _| of(then, id).is_none())),
        (Turn::Gone, ids(then, &|id, _| of(now, id).is_none())),
    ]
}

fn edits_as_table(
    since: &str,
    file: &str,
    edits: &[(Turn, Vec<&str>)],
    weaker: &[Weaker],
    width: Option<usize>,
) -> String {
    let mut text = visible(&format!("{since}:{file} → {file}")).into_owned() + "\n";
    if weaker.is_empty() && edits.iter().all(|(_, ids)| ids.is_empty()) {
        text.push_str("\nnothing changed\n");
    }
    for (turn, ids) in edits.iter().filter(|(_, ids)| !ids.is_empty()) {
        let title = TURNS.iter().find(|(known, ..)| known == turn).map_or("changed", |(_, title, _)| title);
        text.push_str(&format!("\n{title}\n{}\n", ids.join("\n")));
    }
    text + &weaker_as_table(weaker, width)
}

fn edits_as_json(since: &str, edits: &[(Turn, Vec<&str>)], weaker: &[Weaker]) -> Value {
    let mut all = json!({ "since": since, "weaker": weaker_as_json(weaker) });
    for (turn, ids) in edits {
        let key = TURNS.iter().find(|(known, ..)| known == turn).map_or("changed", |(.., key)| key);
        all[key] = ids.iter().map(|id| json!({ "id": id })).collect();
    }
    all
}

fn weaker_as_table(weaker: &[Weaker], width: Option<usize>) -> String {
    if weaker.is_empty() {
        return String::new();
    }
    let rows = weaker.iter().map(|one| vec![one.item.clone(), visible(&one.what).into_owned()]);
    format!("\nthe checklist may require less\n{}", columns(rows, width))
}

fn weaker_as_json(weaker: &[Weaker]) -> Value {
    weaker.iter().map(|one| json!({ "id": one.item, "what": one.what })).collect()
}

fn as_table(
    first: &Recorded,
    second: &Recorded,
    changes: &[Change],
    weaker: &[Weaker],
    width: Option<usize>,
) -> String {
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
        text.push_str(&columns(mine.into_iter().map(row), width));
    }
    text + &weaker_as_table(weaker, width)
}

fn as_json(first: &Recorded, second: &Recorded, changes: &[Change], weaker: &[Weaker]) -> Value {
    let head = |run: &Recorded| {
        json!({
            "id": run.id, "started": run.run.started, "verdict": run.run.verdict(), "subject": run.run.subject,
            "commit": run.run.commit, "digest": run.digest,
        })
    };
    let mut all = json!({ "first": head(first), "second": head(second) });
    all["weaker"] = weaker_as_json(weaker);
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
    let sources = change.before.zip(change.after).map(|(before, after)| (&before.source, &after.source));
    let redefined = match sources {
        Some((Some(before), Some(after))) if change.is_redefined() && before == after => "(a variable changed)",
        _ if change.is_redefined() => "(definition changed)",
        _ => "",
    };
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
