//! Runs k6 itself, with its summary in a place of its own.

use std::path::Path;

use crate::child::{self, End};
use crate::probe::{Context, Fault};
use crate::text::error;
use crate::yaml::Duration;

use super::summary::Summary;
use super::{K6, read};

/// How much of k6's output is kept.
const MAX_OUTPUT: usize = 64 << 10;

/// The environment variables that k6 inherits.
const INHERITED: &[&str] = &["PATH", "HOME", "LANG", "USER", "TMPDIR"];

/// Runs the script, and returns the summary and whether k6 reports that the test failed.
pub async fn run(k6: &K6, script: &Path, cx: &Context) -> Result<(Summary, bool), Fault> {
    let folder = tempfile::tempdir()
        .map_err(|error| Fault::new(format!("cannot create a temporary folder: {}", error::os(&error))))?;
    let file = folder.path().join("summary.json");
    let argv = argv(k6, &cx.path(script), &file);
    let mut command = std::process::Command::new(&argv[0]);
    command.args(&argv[1..]).current_dir(&cx.dir).env_clear();
    command.envs(INHERITED.iter().filter_map(|name| Some((name, cx.env.var(name)?))));
    // Everyone on the machine can read a command line.
    command.envs(&k6.env);
    // A flag would be unknown to older ones. The newer format has no thresholds.
    command.env("K6_NEW_MACHINE_READABLE_SUMMARY", "false");
    let limit = cx.timeout;
    let Ok(ended) = tokio::time::timeout(limit, child::run(command, None, MAX_OUTPUT)).await else {
        let fault = Fault::new(format!("k6 timed out after {}", Duration(cx.timeout)));
        return Err(fault.help("it was ended: give the probe a `timeout` that is longer than the test"));
    };
    let ended = ended.map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => Fault::new(format!("`{}` is not installed here, or not in PATH", k6.program))
            .help("see https://grafana.com/docs/k6/latest/set-up/install-k6/, or give its path as `program`"),
        _ => Fault::new(format!("`{}` could not be run: {}", k6.program, error::os(&error))),
    })?;
    // https://pkg.go.dev/go.k6.io/k6/errext/exitcodes: thresholds crossed, aborted by the script, marked as failed by it.
    let failed = match ended.end {
        End::Exit(0) => false,
        End::Exit(99 | 108 | 110) => true,
        End::Exit(_) | End::Signal(_) => return Err(broken(ended.end, &ended.stderr.bytes)),
    };
    let Some((summary, _)) = read(file, Path::new("summary.json")).await? else {
        return Err(broken(ended.end, &ended.stderr.bytes));
    };
    Ok((summary, failed))
}

/// The command line of k6. The script gets its variables from the environment.
pub fn argv(k6: &K6, script: &Path, summary: &Path) -> Vec<String> {
    let mut argv: Vec<String> =
        [&k6.program, "run", "--no-usage-report", "--quiet", "--include-system-env-vars", "--summary-export"]
            .map(str::to_owned)
            .into();
    argv.push(summary.display().to_string());
    argv.push(script.display().to_string());
    argv
}

fn broken(end: End, stderr: &[u8]) -> Fault {
    let how = match end {
        End::Exit(code) => format!("k6 ended with exit code {code}"),
        End::Signal(number) => format!("k6 was ended by signal {number}"),
    };
    let said = String::from_utf8_lossy(stderr);
    let last = said.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or_default();
    let last: String = last.chars().take(300).collect();
    let fault = Fault::new(format!("{how} and reported no result"));
    if last.is_empty() { fault } else { fault.help(last) }
}
