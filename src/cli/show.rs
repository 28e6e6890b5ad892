//! `gate show`: items with everything filled in, as YAML; and the manual of a kind of probe or of a check, as Markdown.

use std::collections::BTreeMap;

use clap::Args;
use serde_json::{Map, Value, json};

use crate::checklist::{Checklist, Item, ProbeTask, RetryPolicy, list_of};
use crate::diagnostic::{Diagnostic, Place};
use crate::ledger::{ItemState, Key, Ledger};
use crate::manual;
use crate::probe::Registry;
use crate::sign_off::Judged;
use crate::text::visible;
use crate::yaml::{self, Duration};

use super::history::when;
use super::{Console, Exit, Failure, InputArgs, LedgerArgs, check, load_any, print, signed, unknown_kind, verify};

#[derive(Debug, Args)]
#[command(
    override_usage = "gate show [OPTIONS] <NAME> [ITEM]\n       gate show --probe <KIND>\n       gate show --check <NAME>"
)]
pub struct Show {
    /// Checklist: a name, a path, or `-` for standard input
    #[arg(required_unless_present_any = ["probe", "check"])]
    name: Option<String>,
    /// Item id. Default: all items
    item: Option<String>,
    /// Show the manual of a probe kind, such as `http`
    #[arg(long, value_name = "KIND", conflicts_with_all = ["name", "check"])]
    probe: Option<String>,
    /// Show the manual of a check, such as `http-health`: your own or built-in
    #[arg(long, value_name = "NAME", conflicts_with = "name")]
    check: Option<String>,
    #[command(flatten)]
    input: InputArgs,
    #[command(flatten)]
    ledger: LedgerArgs,
}

impl Show {
    pub async fn run(self, env: Console) -> Result<Exit, Failure> {
        if let Some(name) = &self.probe {
            let registry = Registry::built_in();
            let kind = registry.get(name).ok_or_else(|| Failure::usage(unknown_kind(name, &registry), &env))?;
            return shown_page(manual::probe(&**kind), &env);
        }
        if let Some(name) = &self.check {
            return shown_page(manual::check(&check(name, &env)?), &env);
        }
        let name = self.name.unwrap_or_default();
        let env = self.input.env(env)?;
        let checklist = load_any(&name, &self.input.offline(), &env)?;
        let ids: Vec<&str> = checklist.items().map(|item| &*item.id).collect();
        let is_meant = |wanted: &str, id: &str| wanted == id || Some(wanted) == list_of(id);
        if let Some(wanted) = self.item.as_deref().filter(|wanted| !ids.iter().any(|id| is_meant(wanted, id))) {
            let problem = Diagnostic::error(format!("item `{wanted}` not found"));
            let otherwise = format!("`gate list {name}` lists the items");
            return Err(Failure::usage(problem.suggest(wanted, ids, otherwise), &env));
        }
        let wanted =
            checklist.items().filter(|item| self.item.as_deref().is_none_or(|wanted| is_meant(wanted, &item.id)));
        let mut text = String::new();
        for item in wanted {
            text.push_str(&origin(item, &checklist));
            text.push_str(&yaml::write(&json!([shown(item, &checklist)])));
            if !text.ends_with('\n') {
                text.push('\n');
            }
        }
        print(&checklist.redactor.redact(&text), &env)?;
        if let Some(item) = &self.item {
            print(&signatures(item, &checklist, &env).await?, &env)?;
            print(&results(item, &checklist, &self.ledger, &env).await?, &env)?;
        }
        Ok(Exit::Ready)
    }
}

/// Prints a page of the manual: as Markdown, unless it is for a terminal.
fn shown_page(page: String, env: &Console) -> Result<Exit, Failure> {
    print(&env.width.map_or(page.clone(), |width| manual::wrapped(&page, width)), env)?;
    Ok(Exit::Ready)
}

/// The files of the parts of an item, as comments. Empty if all are in one file.
fn origin(item: &Item, checklist: &Checklist) -> String {
    let place = |span| checklist.sources.locate(span);
    let mut files: BTreeMap<u32, Vec<String>> = BTreeMap::new();
    for part in &item.parts {
        files.entry(part.span.file).or_default().push(format!("{} (line {})", part.name, place(part.span).line));
    }
    let mut lines: Vec<String> = files
        .into_iter()
        .map(|(file, parts)| format!("# {}: {}\n", visible(&checklist.sources.get(file).name), parts.join(", ")))
        .collect();
    if let Some(element) = item.element {
        let Place { file, line, .. } = place(element);
        lines.push(format!("# for the element in {}, line {line}\n", visible(&file)));
    }
    lines.concat()
}

/// How many past runs are shown.
const LAST: usize = 10;

/// The sign-offs and revocations of an item, newest first, as comments.
async fn signatures(item: &str, checklist: &Checklist, env: &Console) -> Result<String, Failure> {
    let is_asked = checklist.items().any(|own| *own.id == *item && own.sign_off.is_some());
    if !is_asked {
        return Ok(String::new());
    }
    let sign_offs = signed::read(checklist, signed::memory(env), env).await?;
    let own = sign_offs.judged.iter().rev().filter(|judged| judged.entry().item == item);
    let line = |judged: &Judged| {
        let state = judged.refused.as_ref().map(|why| format!("REFUSED: {why}"));
        let state = state.unwrap_or_else(|| verify::state(&sign_offs, judged, env));
        format!("# {}\n", visible(&format!("{}: {state}", judged.signed())))
    };
    Ok(own.take(LAST).map(line).collect())
}

/// The last results of an item, as comments, so that the output stays YAML. Empty if nothing is recorded.
async fn results(item: &str, checklist: &Checklist, args: &LedgerArgs, env: &Console) -> Result<String, Failure> {
    let reported = |problem| Failure::output(problem, env);
    let key = Key::find(&checklist.name, checklist.project.as_deref(), &checklist.root, env).await;
    let location = args.location(&checklist.root, env)?;
    let ledger = Ledger::open_existing(location, &checklist.root, env).await.map_err(reported)?;
    let Some(mut ledger) = ledger else { return Ok(String::new()) };
    let runs = ledger.runs(&key, LAST).await.map_err(reported)?;
    ledger.close().await;
    let mut text = String::new();
    for run in &runs {
        let Some(state) = run.states.iter().find(|state| state.id == item) else { continue };
        let ItemState { status, flaky, .. } = state;
        let flaky = if *flaky { ", flaky" } else { "" };
        let subject = run.subject.as_deref().map(|subject| format!(" at {}", visible(subject))).unwrap_or_default();
        let line = format!("# {}: {}{flaky}{subject} (run {})\n", when(run.started), status.word(), run.id);
        text.push_str(&line);
    }
    Ok(text)
}

/// An item with all its defaults.
fn shown(item: &Item, checklist: &Checklist) -> Value {
    let ids: Vec<&str> = checklist.items().map(|item| &*item.id).collect();
    let mut out = Map::new();
    let mut say = |key: &str, value: Value| {
        let is_silent = value.is_null() || value == json!([]) || value == json!(false);
        if !is_silent {
            out.insert(key.to_owned(), value);
        }
    };
    say("id", json!(&*item.id));
    say("title", json!(&*item.title));
    say("parent", json!(item.parent));
    say("owner", json!(item.owner));
    say("severity", json!(item.severity));
    say("tags", json!(item.tags));
    say("needs", json!(item.needs.iter().map(|need| ids[*need]).collect::<Vec<_>>()));
    say("locks", json!(item.locks));
    say("exclusive", json!(item.exclusive));
    say("advisory", json!(item.advisory));
    say("deferred", json!(item.deferred));
    say("pending", json!(item.pending));
    say("valid_for", json!(item.valid_for));
    if let Some(sign_off) = &item.sign_off {
        let mut asked = json!({ "role": sign_off.role });
        if let Some(time) = sign_off.valid_for {
            asked["valid_for"] = json!(time.to_string());
        }
        if let Some(by) = &sign_off.by {
            asked["by"] = json!(by);
        }
        if sign_off.signed {
            asked["signed"] = json!(true);
        }
        say("sign_off", asked);
    }
    say("manual", json!(item.manual));
    say("probes", item.probes.iter().map(probe).collect());
    say("cleanup", item.cleanup.iter().map(probe).collect());
    say("evidence", item.evidence.as_ref().map_or(Value::Null, yaml::Node::to_text_json));
    say("hint", json!(item.hint));
    Value::Object(out)
}

fn probe(task: &ProbeTask) -> Value {
    let mut out = Map::new();
    let settings = task.settings.node().to_text_json();
    out.insert(task.kind.name().to_owned(), if settings.is_null() { json!({}) } else { settings });
    if let Some(alias) = &task.alias {
        out.insert("as".to_owned(), json!(alias));
    }
    let own = task.expectations.node();
    if let Some(own) = own {
        out.insert("expect".to_owned(), own.to_text_json());
    }
    let in_force = own.map_or_else(|| task.info.expectations.clone(), |own| task.info.in_force(own));
    let is_in_force = |path: &str| in_force.iter().any(|expectation| expectation.path() == path);
    let defaults = task.info.expect.entries().iter().filter(|(key, _)| is_in_force(&key.text));
    let defaults: Map<String, Value> =
        defaults.map(|(key, node)| (key.text.to_string(), node.to_text_json())).collect();
    if !defaults.is_empty() {
        out.insert("default_expect".to_owned(), Value::Object(defaults));
    }
    out.insert("timeout".to_owned(), json!(Duration(task.timing.timeout)));
    match task.timing.retry {
        RetryPolicy::Never => {}
        RetryPolicy::Retry { attempts, every, consecutive, .. } => {
            let retry = json!({ "attempts": attempts, "every": every });
            out.insert("retry".to_owned(), steady(retry, consecutive));
        }
        RetryPolicy::Eventually { within, every, consecutive } => {
            let eventually = json!({ "within": Duration(within), "every": every });
            out.insert("eventually".to_owned(), steady(eventually, consecutive));
        }
    }
    Value::Object(out)
}

/// The policy with the number of attempts in a row, if that is more than one.
fn steady(mut policy: Value, consecutive: u32) -> Value {
    if consecutive > 1 {
        policy["consecutive"] = json!(consecutive);
    }
    policy
}
