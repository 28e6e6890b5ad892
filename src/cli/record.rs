//! Recording a run while it is made: the ledger is opened beside it, and nothing waits for that but the record.

use std::path::{Path, PathBuf};

use tokio::task::JoinHandle;

use crate::diagnostic::Diagnostic;
use crate::env::Env;
use crate::ledger::{self, Ledger, Location, Origin};
use crate::run::Run;

/// A ledger that is being opened, and where the run comes from.
pub struct Recorder {
    ledger: JoinHandle<Result<Ledger, Diagnostic>>,
    origin: JoinHandle<Origin>,
}

impl Recorder {
    /// Begins both. `root` is the folder that holds `checklists/`.
    pub fn start(location: Location, root: &Path, env: &Env) -> Self {
        let folder: PathBuf = root.to_owned();
        let ledger = tokio::spawn(async move { Ledger::open(location, &folder).await });
        let (folder, env) = (root.to_owned(), env.clone());
        let origin = tokio::spawn(async move { Origin::find(&folder, &env).await });
        Self { ledger, origin }
    }

    /// Tells the run where it comes from and what is known of its items, and records it.
    pub async fn record(self, run: &mut Run) -> Result<(), Diagnostic> {
        self.origin.await.unwrap_or_default().sign(run);
        let broken = |_| Diagnostic::error("the ledger broke off").help("this is a bug in gate: please report it");
        let mut ledger = self.ledger.await.map_err(broken)??;
        let facts = ledger.facts(&run.name).await?;
        ledger::tell(run, &facts);
        ledger.record(run).await?;
        ledger.close().await;
        Ok(())
    }
}
