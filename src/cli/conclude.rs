//! The end of a run: it is recorded, written in every requested format, and determines the exit code.

use std::time::Duration;

use crate::checklist::ListFile;
use crate::diagnostic::Diagnostic;
use crate::ledger::{self, ChangeBases, Origin};
use crate::report::Outputs;
use crate::run::{Interruption, Run};
use crate::secret::Redactor;

use super::output::OutputArgs;
use super::record::{LedgerRequest, Record, Recorder};
use super::stream::Stream;
use super::{Console, Exit, Failure};

/// How long finding the origin of an unrecorded run may take.
const ORIGIN: Duration = Duration::from_millis(800);

/// Where a run is recorded, if anywhere.
pub enum Recording {
    /// In this ledger.
    In(Recorder),
    /// Nowhere. The origin of the run is known, or looked up for a report that will be signed.
    Nowhere(FoundOrigin),
}

/// The origin of an unrecorded run.
pub enum FoundOrigin {
    /// It is known.
    Known(Origin),
    /// It is read from Git.
    Find,
    /// No report shows it.
    NotShown,
}

/// Where a run is written.
pub struct Destination<'a> {
    /// The command line's arguments for reports.
    pub output: &'a OutputArgs,
    /// The files to write.
    pub outputs: Outputs,
    /// The writer of events as they happen.
    pub stream: Option<Stream>,
    /// Where it is recorded.
    pub recording: Recording,
}

/// Records and writes a run.
pub async fn conclude(
    mut run: Run,
    asked: LedgerRequest,
    destination: Destination<'_>,
    redactor: &Redactor,
    env: &Console,
) -> Result<Exit, Failure> {
    let Destination { output, outputs, stream, recording } = destination;
    let is_kept = matches!(recording, Recording::In(_));
    let (run, weaker, recorded) = match recording {
        Recording::In(recorder) => {
            let Record { run, recorded, weaker, warnings } = recorder.record(run, asked, redactor, env).await;
            warn(warnings, env);
            (run, weaker, recorded.map_err(|problem| Failure::output(problem, env)))
        }
        Recording::Nowhere(origin) => {
            sign(&mut run, origin, &asked.file, env).await;
            let green = Err("no ledger was asked when it last was green".to_owned());
            let bases = ChangeBases { green, sign_off: asked.signed };
            ledger::list_changes(&mut run, &asked.changes, bases, &asked.file, env).await;
            (redactor.pass(run), Vec::new(), Ok(()))
        }
    };
    let exit = exit(&run);
    let is_recorded = is_kept && recorded.is_ok();
    let written = match output.write(run, weaker, outputs, stream, is_recorded, env).await {
        Ok(Some(signal)) => return Ok(signal.into()),
        Ok(None) => Ok(()),
        Err(failure) => Err(failure),
    };
    let failures = [recorded, written].into_iter().filter_map(Result::err);
    match (failures.reduce(Failure::and).map_or(Ok(()), Err), exit) {
        (Err(failure), Exit::Interrupted | Exit::Terminated | Exit::HungUp) => {
            failure.print();
            Ok(exit)
        }
        (Err(failure), _) => Err(failure),
        (Ok(()), _) => Ok(exit),
    }
}

async fn sign(run: &mut Run, origin: FoundOrigin, file: &ListFile, env: &Console) {
    match origin {
        FoundOrigin::Known(origin) => origin.sign(run),
        FoundOrigin::Find => {
            if let Ok(origin) = tokio::time::timeout(ORIGIN, Origin::find(&file.root, env)).await {
                origin.sign(run);
            }
        }
        FoundOrigin::NotShown => {}
    }
}

/// The exit code of a run.
fn exit(run: &Run) -> Exit {
    match run.interrupted {
        Some(Interruption::Signal(signal)) => signal.into(),
        Some(Interruption::Deadline(_)) | None => run.verdict().into(),
    }
}

/// Prints these warnings.
pub fn warn(warnings: Vec<Diagnostic>, env: &Console) {
    for warning in warnings {
        Failure::usage(warning, env).print();
    }
}
