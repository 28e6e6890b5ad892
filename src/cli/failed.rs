//! `gate check --failed`: the items that were not green in the last recorded run.

use crate::checklist::Checklist;
use crate::diagnostic::Diagnostic;
use crate::ledger::{Key, Ledger};

use super::history::when;
use super::{Console, Failure, LedgerArgs};

/// Their ids, in the order of the run, without those that the checklist no longer has.
pub async fn ids(checklist: &Checklist, args: &LedgerArgs, env: &Console) -> Result<Vec<String>, Failure> {
    let unread = |problem| Failure::output(problem, env);
    let location = args.location(&checklist.root, env)?;
    let (name, place) = (&checklist.name, location.name.clone());
    let key = Key::find(name, checklist.project.as_deref(), &checklist.root, env).await;
    let ledger = Ledger::open_existing(location, &checklist.root, env).await.map_err(unread)?;
    let last = match ledger {
        Some(mut ledger) => {
            let last = ledger.runs(&key, 1).await.map_err(unread)?.pop();
            ledger.close().await;
            last
        }
        None => None,
    };
    let Some(last) = last else {
        let problem =
            Diagnostic::error(format!("no run of `{name}` is recorded in {place}, so `--failed` has nothing to run"));
        return Err(Failure::usage(problem.help(format!("run `gate check {name}` first")), env));
    };
    let red = last.states.into_iter().filter(|state| !state.status.is_green());
    let red = red.filter(|state| checklist.items().any(|item| *item.id == *state.id));
    let ids: Vec<String> = red.map(|state| state.id).collect();
    if ids.is_empty() {
        let title = format!("every item was green in the last run (run {}, {} UTC)", last.id, when(last.started));
        let problem = Diagnostic::error(title);
        return Err(Failure::usage(problem.help(format!("`gate check {name}` runs all of them")), env));
    }
    Ok(ids)
}
