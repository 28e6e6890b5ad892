//! Asking alembic itself for its heads, for histories that can't be read without running them.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use process_wrap::tokio::{ChildWrapper, CommandWrap, KillOnDrop, ProcessGroup};
use tokio::io::{AsyncRead, AsyncReadExt as _};

use crate::probe::Fault;
use crate::text::error;

/// How much of alembic's output is read.
const MAX_OUTPUT: u64 = 1 << 20;

/// The heads that alembic reports.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Heads {
    /// The revisions that nothing follows, sorted.
    pub all: Vec<String>,
    /// Those of them that nothing depends on either: the rows of an up-to-date version table, sorted.
    pub effective: Vec<String>,
}

/// A process and what it started, ended when this is dropped.
struct Running(Box<dyn ChildWrapper>);

impl Drop for Running {
    fn drop(&mut self) {
        // It fails when nothing is left to be ended.
        let _ = self.0.start_kill();
    }
}

/// Asks for the heads with this command line, run in this folder.
///
/// # Errors
/// When it can't be run, fails, or prints nothing that can be parsed.
pub async fn heads(argv: &[String], dir: &Path) -> Result<Heads, Fault> {
    let shown = argv.join(" ");
    let (program, arguments) = argv.split_first().expect("settings with an empty command are refused");
    let mut command = CommandWrap::with_new(program, |command| {
        command.args(arguments).current_dir(dir);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    });
    command.wrap(ProcessGroup::leader()).wrap(KillOnDrop);
    let child = command.spawn().map_err(|error| {
        Fault::new(format!("`{shown}` could not be run: {}", error::os(&error)))
            .help("set `command` to the command that runs alembic, such as `command: [poetry, run, alembic]`")
    })?;
    let mut child = Running(child);
    let (stdout, stderr) = (child.0.stdout().take(), child.0.stderr().take());
    let (stdout, stderr) = tokio::join!(text(stdout), text(stderr));
    let status =
        child.0.wait().await.map_err(|error| Fault::new(format!("`{shown}` was lost: {}", error::os(&error))))?;
    if !status.success() {
        let words = stderr.trim().lines().last().or(stdout.trim().lines().last()).unwrap_or("it said nothing");
        return Err(Fault::new(format!("`{shown}` failed: {}", words.trim())));
    }
    let heads = parse(&stdout);
    if heads.all.is_empty() {
        let fault = Fault::new(format!("`{shown}` names no head"));
        return Err(fault.help("does this configuration have revision files?"));
    }
    Ok(heads)
}

/// The program of a command line where it is a path of the project, or unchanged.
pub fn program(argv: &[String], project: &Path) -> Vec<String> {
    let mut argv = argv.to_vec();
    if let Some(first) = argv.first_mut().filter(|first| first.contains('/')) {
        let path: PathBuf = project.join(&*first);
        *first = path.to_string_lossy().into_owned();
    }
    argv
}

async fn text(stream: Option<impl AsyncRead + Unpin>) -> String {
    let mut bytes = Vec::new();
    if let Some(mut stream) = stream {
        // Output from before a read error is reported, too.
        let _ = (&mut stream).take(MAX_OUTPUT).read_to_end(&mut bytes).await;
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// The output of `alembic heads`, such as `1975ea83b712 (shop) (head)`. Other lines come from modules that it imported.
fn parse(stdout: &str) -> Heads {
    let mut heads = Heads::default();
    for line in stdout.lines().map(str::trim) {
        let (is_head, is_effective) = (line.ends_with("(effective head)"), line.ends_with("(head)"));
        if let Some(id) = line.split(' ').next().filter(|_| is_head || is_effective) {
            heads.all.push(id.to_owned());
            if is_effective {
                heads.effective.push(id.to_owned());
            }
        }
    }
    heads.all.sort();
    heads.effective.sort();
    heads
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn failed(script: &str) -> String {
        let argv = ["sh", "-c", script].map(str::to_owned);
        heads(&argv, Path::new("/")).await.expect_err("an error").to_string()
    }

    #[test]
    fn heads_are_distinguished_from_the_output_of_a_script() {
        let heads = parse("loading settings…\n27c6 (shop, web) (head)\n1975 (effective head)\n");
        assert_eq!(heads.all, ["1975", "27c6"]);
        assert_eq!(heads.effective, ["27c6"]);
    }

    #[tokio::test]
    async fn a_failure_shows_the_message_of_alembic() {
        assert_eq!(failed("echo FAILED: no; exit 255").await, "`sh -c echo FAILED: no; exit 255` failed: FAILED: no");
        assert_eq!(failed("echo hello").await, "`sh -c echo hello` names no head");
        let error = heads(&["/no/such/alembic".to_owned()], Path::new("/")).await.expect_err("there is none");
        assert_eq!(error.to_string(), "`/no/such/alembic` could not be run: no such file or directory");
    }
}
