//! The end of a run: it is recorded, written in every form that was asked for, and ends the program.

use std::time::Duration;

use crate::checklist::ListFile;
use crate::diagnostic::Diagnostic;
use crate::ledger::{self, ChangeBases, Origin};
use crate::report::Outputs;
use crate::run::{Interruption, Run};
use crate::secret::Redactor;

use super::output::OutputArgs;
use super::record::{Asked, Record, Recorder};
use super::stream::Stream;
use super::{Console, Exit, Failure};

/// How long it may take to find out where an unrecorded run comes from.
const ORIGIN: Duration = Duration::from_millis(800);

/// Where a run is recorded, if anywhere.
pub enum Recording {
    /// In this ledger.
    In(Recorder),
    /// Nowhere; where it comes from is known, or found out for whoever signs its report.
    Nowhere(FoundOrigin),
}

/// Where an unrecorded run comes from.
pub enum FoundOrigin {
    /// From here.
    Known(Origin),
    /// Git is asked.
    Find,
    /// No report shows it.
    NotShown,
}

/// Where a run goes.
pub struct Destination<'a> {
    /// What the command line says of reports.
    pub output: &'a OutputArgs,
    /// The files to write.
    pub outputs: Outputs,
    /// What writes events as they happen.
    pub stream: Option<Stream>,
    /// Where it is recorded.
    pub recording: Recording,
}

/// Records and writes a run.
pub async fn conclude(
    mut run: Run,
    asked: Asked,
    destination: Destination<'_>,
    redactor: &Redactor,
    env: &Console,
) -> Result<Exit, Failure> {
    let Destination { output, outputs, stream, recording } = destination;
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
    let written = match output.write(run, weaker, outputs, stream, env).await {
        Ok(Some(signal)) => return Ok(signal.into()),
        Ok(None) => Ok(()),
        Err(failure) => Err(failure),
    };
    let failures = [recorded, written].into_iter().filter_map(Result::err);
    match (failures.reduce(Failure::and).map_or(Ok(()), Err), exit) {
        (Err(failure), Exit::Interrupted | Exit::Terminated | Exit::HungUp) => {
            failure.tell();
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

/// How a run ends the program.
fn exit(run: &Run) -> Exit {
    match run.interrupted {
        Some(Interruption::Signal(signal)) => signal.into(),
        Some(Interruption::Deadline(_)) | None => run.verdict().into(),
    }
}

/// A warning for each of these.
pub fn warn(warnings: Vec<Diagnostic>, env: &Console) {
    for warning in warnings {
        Failure::usage(warning, env).tell();
    }
}
