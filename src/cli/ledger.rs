//! `gate ledger`: exports the recorded runs of a checklist, or deletes old ones.

use std::num::NonZeroUsize;

use clap::{Args, Subcommand};

use crate::checklist;
use crate::diagnostic::Diagnostic;
use crate::ledger::{Key, Retention};
use crate::report::{self, RenderOptions};
use crate::yaml::Duration;

use super::arguments::count;
use super::{Console, Exit, Failure, LedgerArgs, print};

#[derive(Debug, Args)]
pub struct Ledger {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Print every recorded run of a checklist as JSON, one per line, oldest first
    Export {
        /// Checklist: a name or a path
        name: String,
        #[command(flatten)]
        ledger: LedgerArgs,
    },
    /// Delete old runs of a checklist; the last passing run of each item is kept
    Prune {
        /// Checklist: a name or a path
        name: String,
        /// Keep this many of the newest runs
        #[arg(long, value_name = "N", value_parser = count::<NonZeroUsize>, default_value_t = NonZeroUsize::new(1000).expect("it is not 0"))]
        keep: NonZeroUsize,
        /// Delete runs older than this, such as `90d`
        #[arg(long, value_name = "TIME", default_value = "395d")]
        older_than: Duration,
        #[command(flatten)]
        ledger: LedgerArgs,
    },
}

impl Ledger {
    pub async fn run(self, env: Console) -> Result<Exit, Failure> {
        let (name, args) = match &self.command {
            Command::Export { name, ledger } | Command::Prune { name, ledger, .. } => (name, ledger),
        };
        let found = checklist::find(name, &env.cwd).map_err(|problem| Failure::usage(problem, &env))?;
        let key = Key::find(&found.name, found.project().as_deref(), &found.root, &env).await;
        let mut ledger = args.open(name, &found.root, &env).await?;
        let failed = |problem: Diagnostic| Failure::output(problem, &env);
        match &self.command {
            Command::Export { .. } => {
                let runs = ledger.runs(&key, usize::MAX).await.map_err(failed)?;
                let json = report::format("json").expect("it is in the registry");
                for head in runs.iter().rev() {
                    let Some(recorded) = ledger.run(&key, head.id).await.map_err(failed)? else { continue };
                    let mut text = Vec::new();
                    let options = RenderOptions::plain(env.now());
                    json.write(&env.pass(recorded.run), &options, &mut text).expect("a vector takes all");
                    print(&line(&text), &env)?;
                }
            }
            Command::Prune { keep, older_than, .. } => {
                let now = env.now();
                let since = now.checked_sub(older_than.0).unwrap_or(now);
                let retention = Retention { keep: keep.get(), since };
                let count = ledger.prune(&key, retention).await.map_err(failed)?;
                let runs = if count == 1 { "run" } else { "runs" };
                print(&format!("deleted {count} {runs} of `{}` in the project `{}`\n", key.name, key.project), &env)?;
            }
        }
        ledger.close().await;
        Ok(Exit::Ready)
    }
}

/// The document on one line. Its line breaks are only between values.
fn line(json: &[u8]) -> String {
    let text = String::from_utf8_lossy(json);
    let parts: String = text.lines().map(str::trim_start).collect();
    format!("{parts}\n")
}
