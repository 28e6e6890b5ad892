//! The sign-offs of a checklist, compared with the runs in the ledger.

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::checklist::Checklist;
use crate::diagnostic::Diagnostic;
use crate::ledger::{self, ItemState, Key, Ledger, RunHead};
use crate::run::Status;
use crate::sign_off::{FailedRun, LaterRuns, Memory, SignOffs};

use super::{Console, Failure, LedgerArgs};

/// Every sign-off of a checklist.
pub async fn read(checklist: &Checklist, memory: Memory, env: &Console) -> Result<SignOffs, Failure> {
    SignOffs::read(checklist, memory, env.now()).await.map_err(|unread| Failure::unread(unread, env))
}

/// The cache of verified signatures: in the user's own cache folder.
pub fn memory(env: &Console) -> Memory {
    let set = |name: &str| env.var(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let cache = set("XDG_CACHE_HOME").or_else(|| Some(set("HOME")?.join(".cache")));
    Memory(cache.map(|cache| cache.join("gate").join("signatures")))
}

/// Compares sign-offs with the later runs in a ledger.
pub async fn compare(sign_offs: &mut SignOffs, key: &Key, ledger: &mut Ledger) -> Result<(), Diagnostic> {
    if let Some(since) = sign_offs.since()
        && let Some(oldest) = ledger.oldest(key).await?
    {
        let failed = ledger.failures(key, since).await?.into_iter().map(failed_run).collect();
        sign_offs.compare(LaterRuns { oldest, failed });
    }
    Ok(())
}

/// Every sign-off of a checklist that is about to be run, compared with the later runs in the ledger where the run will
/// be recorded. `deadline` is the time that the run may take.
pub async fn ready(
    checklist: &Checklist,
    recorded: Option<&LedgerArgs>,
    deadline: Option<Duration>,
    env: &Console,
) -> Result<SignOffs, Failure> {
    let mut sign_offs = read(checklist, memory(env), env).await?;
    if let Some(ledger) = recorded {
        compare_early(&mut sign_offs, checklist, ledger, deadline, env).await;
    }
    Ok(sign_offs)
}

/// The same before a run, within its time. A problem with the ledger is reported when the run is recorded; until then,
/// the sign-offs count as not compared.
async fn compare_early(
    sign_offs: &mut SignOffs,
    checklist: &Checklist,
    args: &LedgerArgs,
    deadline: Option<Duration>,
    env: &Console,
) {
    if sign_offs.since().is_none() {
        return;
    }
    let root: &Path = &checklist.root;
    let limit = deadline.unwrap_or(ledger::TIMEOUT).min(ledger::TIMEOUT);
    let compared = async {
        let location = args.location(root, env).ok()?;
        let mut ledger = Ledger::open_existing(location, root, env).await.ok()??;
        let key = Key::find(&checklist.name, checklist.project.as_deref(), root, env).await;
        compare(sign_offs, &key, &mut ledger).await.ok()?;
        ledger.close().await;
        Some(())
    };
    let _ = tokio::time::timeout(limit, compared).await;
}

fn failed_run(head: RunHead) -> FailedRun {
    let failed = |state: ItemState| Some((state.id, state.definition.filter(|_| state.status == Status::Failed)?));
    FailedRun {
        started: head.started,
        subject: head.subject,
        failed: head.states.into_iter().filter_map(failed).collect(),
    }
}
