//! Records a run. The ledger is opened while the run goes on, and only the record waits for it.

use std::path::Path;
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio::time::Instant;

use crate::checklist::{Changes, Checklist, ListFile, Overrides, Since};
use crate::diagnostic::Diagnostic;
use crate::env::Env;
use crate::ledger::{self, Access, ChangeBases, Key, Ledger, Location, Origin};
use crate::run::{Interruption, Run, Weaker, weaker};
use crate::secret::{Redacted, Redactor};
use crate::sign_off::{LastSignOff, SignOffs};

/// How much later than its deadline, or the signal that ended it, a run may be recorded.
const GRACE: Duration = Duration::from_millis(800);

/// The minimum of that which is left after cleanups took their part.
const LEFT: Duration = Duration::from_millis(450);

/// How many things that got weaker are named.
const NAMED: usize = 5;

/// A ledger that is being opened, and the origin of the run.
pub struct Recorder {
    ledger: JoinHandle<Result<Ledger, Diagnostic>>,
    origin: JoinHandle<Origin>,
    key: JoinHandle<Key>,
    place: String,
    deadline: Option<Instant>,
}

/// The data that a run needs from the ledger.
pub struct LedgerRequest {
    /// The `changes` of each of its sections.
    pub changes: Vec<Option<Changes>>,
    /// The last sign-off, if a section lists the commits since then.
    pub signed: Option<LastSignOff>,
    /// Where its checklist is.
    pub file: ListFile,
}

impl LedgerRequest {
    /// The data that a run of this checklist needs.
    pub fn of(checklist: &Checklist, sign_offs: &SignOffs, overrides: Overrides, env: &Env) -> Self {
        let changes: Vec<_> = checklist.sections.iter().map(|section| section.changes.clone()).collect();
        let needs_last = changes.iter().flatten().any(|changes| changes.since == Since::LastSignOff);
        Self {
            signed: needs_last.then(|| sign_offs.last(checklist.subject.value(), env.now())).flatten(),
            changes,
            file: ListFile {
                name: checklist.name.clone(),
                file: checklist.file.clone(),
                root: checklist.root.clone(),
                overrides,
            },
        }
    }
}

/// The result of recording a run.
pub struct Record {
    /// The run, with its origin and the history of its items.
    pub run: Redacted<Run>,
    /// Whether it is in the ledger.
    pub recorded: Result<(), Diagnostic>,
    /// The requirements that got weaker since the last green run.
    pub weaker: Vec<Weaker>,
    /// Warnings.
    pub warnings: Vec<Diagnostic>,
}

impl Recorder {
    /// Starts all of it. `deadline` is the time that the run may take; `origin` is found if it is not known.
    pub fn start(
        location: Location,
        checklist: &Checklist,
        deadline: Option<Duration>,
        origin: Option<Origin>,
        env: &Env,
    ) -> Self {
        let root: &Path = &checklist.root;
        let place = location.name.clone();
        let (folder, opener) = (root.to_owned(), env.clone());
        let ledger = tokio::spawn(async move { Ledger::open(location, &folder, Access::Write, &opener).await });
        let (folder, world) = (root.to_owned(), env.clone());
        let origin = tokio::spawn(async move {
            match origin {
                Some(origin) => origin,
                None => Origin::find(&folder, &world).await,
            }
        });
        let (folder, name, project) = (root.to_owned(), checklist.name.clone(), checklist.project.clone());
        let world = env.clone();
        let key = tokio::spawn(async move { Key::find(&name, project.as_deref(), &folder, &world).await });
        let deadline = deadline.map(|deadline| Instant::now() + deadline);
        Self { ledger, origin, key, place, deadline }
    }

    /// Adds to the run its origin, the history of its items and the commits, and records it. Warns if something got
    /// weaker. A ledger that does not answer can't delay a run that was ended.
    pub async fn record(self, mut run: Run, asked: LedgerRequest, redactor: &Redactor, env: &Env) -> Record {
        let limit = match self.deadline {
            Some(deadline) if matches!(run.interrupted, Some(Interruption::Deadline(_))) => {
                (deadline + GRACE).saturating_duration_since(Instant::now()).max(LEFT)
            }
            _ if run.interrupted.is_some() => GRACE,
            Some(deadline) => deadline.saturating_duration_since(Instant::now()).max(GRACE),
            None => ledger::TIMEOUT,
        };
        let end = Instant::now() + limit;
        let place = self.place.clone();
        let late = |_| {
            let problem = Diagnostic::error(format!("cannot record in the ledger {place}: it did not answer in time"));
            problem.help("this run is not recorded; `--no-record` leaves the ledger out")
        };
        let (mut weaker, mut warnings) = (Vec::new(), Vec::new());
        let opened =
            tokio::time::timeout_at(end, self.complete(&mut run, asked, env, &mut weaker, &mut warnings)).await;
        let run = redactor.pass(run);
        let recorded = match opened.map_err(late).and_then(|opened| opened) {
            Err(problem) => Err(problem),
            Ok((mut ledger, key)) => {
                let recording = async {
                    ledger.record(&key, &run, env.now()).await?;
                    ledger.close().await;
                    Ok(())
                };
                tokio::time::timeout_at(end, recording).await.map_err(late).and_then(|recorded| recorded)
            }
        };
        Record { run, recorded, weaker: redactor.pass(weaker).into_inner(), warnings }
    }

    /// Adds to the run its origin, the history of its items and the commits. Returns where to record it.
    async fn complete(
        self,
        run: &mut Run,
        asked: LedgerRequest,
        env: &Env,
        weakened: &mut Vec<Weaker>,
        warnings: &mut Vec<Diagnostic>,
    ) -> Result<(Ledger, Key), Diagnostic> {
        self.origin.await.unwrap_or_default().sign(run);
        let failed = |_| Diagnostic::error("the ledger task failed").help("this is a bug in gate: please report it");
        let key = self.key.await.map_err(failed)?;
        let opened = self.ledger.await.map_err(failed).and_then(|opened| opened);
        let mut ledger = match opened {
            Ok(ledger) => ledger,
            Err(problem) => {
                let bases = ChangeBases { green: Err("the ledger can't be read".to_owned()), sign_off: asked.signed };
                ledger::list_changes(run, &asked.changes, bases, &asked.file, env).await;
                return Err(problem);
            }
        };
        warnings.extend(ledger.warning());
        let facts = ledger.facts(&key).await?;
        ledger::annotate(run, &facts);
        if asked.changes.iter().any(Option::is_some) {
            let bases = ChangeBases { green: Ok(ledger.last_green(&key).await?), sign_off: asked.signed };
            ledger::list_changes(run, &asked.changes, bases, &asked.file, env).await;
        }
        if let Some(green) = ledger.last_other_green(&key, run).await? {
            *weakened = weaker(&green.run.demands(), &run.demands());
            warnings.extend(since_green(green.id, weakened));
        }
        Ok((ledger, key))
    }
}

/// One line about what got weaker since the last green run.
fn since_green(green: ledger::RunId, weaker: &[Weaker]) -> Option<Diagnostic> {
    let named: Vec<String> = weaker.iter().take(NAMED).map(|one| format!("{}: {}", one.item, one.what)).collect();
    let more = match weaker.len().saturating_sub(NAMED) {
        0 => String::new(),
        more => format!("; and {more} more"),
    };
    let named = named.join("; ");
    (!weaker.is_empty())
        .then(|| Diagnostic::warning(format!("weaker since the last green run ({green}): {named}{more}")))
}
