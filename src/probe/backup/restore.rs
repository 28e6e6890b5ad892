//! Whether PostgreSQL's own `pg_restore` can read a dump, from its beginning to its end.

use std::path::Path;
use std::process::Command;

use crate::child::{self, End, Finished};
use crate::probe::{Context, Fault};
use crate::text::error;
use crate::yaml::Duration;

/// How much of its list is kept: some hundred thousand entries.
const MAX_OUTPUT: usize = 32 << 20;
/// The environment variables that it inherits.
const INHERITED: &[&str] = &["PATH", "HOME", "LANG", "USER", "TMPDIR"];

/// How many entries the dump has, or why it can't be read. The list is at its beginning, and does not show
/// whether the data after it is intact, so that is read as well.
///
/// # Errors
/// When `pg_restore` can't be run.
pub async fn read(dump: &Path, cx: &Context) -> Result<Result<usize, String>, Fault> {
    let list = run(cx, dump, &["--list"]).await?;
    if let Some(problem) = problem(&list, dump) {
        return Ok(Err(problem));
    }
    let text = String::from_utf8_lossy(&list.stdout.bytes);
    let entries = text.lines().filter(|line| !line.starts_with(';') && !line.trim().is_empty()).count();
    let all = run(cx, dump, &["--file=/dev/null"]).await?;
    Ok(match problem(&all, dump) {
        Some(problem) => Err(problem),
        None => Ok(entries),
    })
}

async fn run(cx: &Context, dump: &Path, arguments: &[&str]) -> Result<Finished, Fault> {
    let mut command = Command::new("pg_restore");
    command.args(arguments).arg("--").arg(dump).current_dir(&cx.dir).env_clear();
    command.envs(INHERITED.iter().filter_map(|name| Some((name, cx.env.var(name)?)))).env("LC_ALL", "C");
    let limit = cx.timeout;
    let Ok(ended) = tokio::time::timeout(limit, child::run(command, None, MAX_OUTPUT)).await else {
        let fault = Fault::new(format!("`pg_restore` timed out after {}", Duration(cx.timeout)));
        return Err(fault.help("set a longer `timeout`"));
    };
    ended.map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => Fault::new("`pg_restore` is not installed here, or not in PATH")
            .help("it comes with PostgreSQL's client programs, in a version not older than the server's"),
        _ => Fault::new(format!("`pg_restore` could not be run: {}", error::os(&error))),
    })
}

fn problem(ended: &Finished, dump: &Path) -> Option<String> {
    let said = String::from_utf8_lossy(&ended.stderr.bytes);
    let first = said.lines().find(|line| !line.trim().is_empty()).unwrap_or("it gave no reason");
    let name = dump.file_name().unwrap_or_default().to_string_lossy();
    let first = first.trim_start_matches("pg_restore: error: ").replace(&dump.display().to_string(), &name);
    match ended.end {
        End::Exit(0) => None,
        End::Exit(_) => Some(format!("pg_restore: {first}")),
        End::Signal(number) => Some(format!("pg_restore was ended by signal {number}")),
    }
}
