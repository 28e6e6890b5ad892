//! Recording a run while it is made: the ledger is opened beside it, and nothing waits for that but the record.

use std::path::{Path, PathBuf};

use tokio::task::JoinHandle;

use crate::checklist::Changes;
use crate::diagnostic::Diagnostic;
use crate::env::Env;
use crate::ledger::{self, Bases, Ledger, Location, Origin};
use crate::run::Run;
use crate::sign_off::Entry;

/// A ledger that is being opened, and where the run comes from.
pub struct Recorder {
    ledger: JoinHandle<Result<Ledger, Diagnostic>>,
    origin: JoinHandle<Origin>,
    root: PathBuf,
}

impl Recorder {
    /// Begins both. `root` is the folder that holds `checklists/`.
    pub fn start(location: Location, root: &Path, env: &Env) -> Self {
        let folder: PathBuf = root.to_owned();
        let ledger = tokio::spawn(async move { Ledger::open(location, &folder).await });
        let (folder, env) = (root.to_owned(), env.clone());
        let origin = tokio::spawn(async move { Origin::find(&folder, &env).await });
        Self { ledger, origin, root: root.to_owned() }
    }

    /// Tells the run where it comes from, what is known of its items and what was committed, and records it. `changes` is
    /// what each of its sections asks for, `signed` the last sign-off.
    pub async fn record(
        self,
        run: &mut Run,
        changes: &[Option<Changes>],
        signed: Option<Entry>,
    ) -> Result<(), Diagnostic> {
        self.origin.await.unwrap_or_default().sign(run);
        let broken = |_| Diagnostic::error("the ledger broke off").help("this is a bug in gate: please report it");
        let opened = self.ledger.await.map_err(broken).and_then(|opened| opened);
        let mut ledger = match opened {
            Ok(ledger) => ledger,
            Err(problem) => {
                let bases = Bases { green: Err("the ledger can't be read".to_owned()), sign_off: signed };
                ledger::tell_changes(run, changes, bases, &self.root).await;
                return Err(problem);
            }
        };
        let facts = ledger.facts(&run.name).await?;
        ledger::tell(run, &facts);
        if changes.iter().any(Option::is_some) {
            let bases = Bases { green: Ok(ledger.last_green(&run.name).await?), sign_off: signed };
            ledger::tell_changes(run, changes, bases, &self.root).await;
        }
        ledger.record(run).await?;
        ledger.close().await;
        Ok(())
    }
}
