//! Runs a program so that none of its processes are left: neither when it has ended, nor when its result is no longer
//! awaited.

mod service;
mod supervisor;

use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::unix::pipe::{Receiver, Sender};

pub use service::Service;

/// How long to wait for output that is still on its way when the program has ended.
const GRACE: Duration = Duration::from_secs(2);

/// The result of a program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finished {
    /// How it ended.
    pub end: End,
    /// Its standard output.
    pub stdout: Text,
    /// Its standard error.
    pub stderr: Text,
}

/// How a program ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// On its own, with this code.
    Exit(i32),
    /// By this signal.
    Signal(i32),
}

/// The output, or the beginning of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Text {
    /// The bytes.
    pub bytes: Vec<u8>,
    /// Whether there was more than the limit.
    pub truncated: bool,
}

/// Runs a program to its end, keeping at most `limit` bytes of each of its outputs. It has `stdin` as its input, or
/// nothing to read; its own session, without a terminal; and the environment and folder that `command` says.
///
/// When it has ended, or this future is dropped, or this process dies, everything that it started is ended too:
/// background jobs, double forks and sessions of their own (on Linux; elsewhere what stays in its process group). What
/// runs as another user can't be.
///
/// # Errors
/// When the program can't be started.
pub async fn run(command: Command, stdin: Option<Vec<u8>>, limit: usize) -> io::Result<Finished> {
    run_with(command, stdin, StdinMode::Close, Overflow::Drop, limit).await
}

/// The same without an input, but that the outputs are closed at the limit, which ends most programs.
///
/// # Errors
/// When the program can't be started.
pub async fn run_to_limit(command: Command, limit: usize) -> io::Result<Finished> {
    run_with(command, None, StdinMode::Close, Overflow::Close, limit).await
}

/// The same, but that the input does not end before the program does: so the program can detect when nobody waits for it
/// any more.
///
/// # Errors
/// When the program can't be started.
pub async fn run_held(command: Command, stdin: Vec<u8>, limit: usize) -> io::Result<Finished> {
    run_with(command, Some(stdin), StdinMode::Hold, Overflow::Drop, limit).await
}

/// Whether the input is closed or held open after everything is written.
#[derive(Clone, Copy)]
enum StdinMode {
    /// It ends.
    Close,
    /// It stays open.
    Hold,
}

/// The treatment of output beyond the limit.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Overflow {
    /// It is read, and thrown away.
    Drop,
    /// It is not read: the pipe is closed.
    Close,
}

async fn run_with(
    command: Command,
    stdin: Option<Vec<u8>>,
    then: StdinMode,
    overflow: Overflow,
    limit: usize,
) -> io::Result<Finished> {
    let has_input = stdin.is_some();
    // Starting waits for the disk. If the result is no longer awaited, the guard is dropped there.
    let started = tokio::task::spawn_blocking(move || start(command, has_input)).await;
    let (mut guard, status) = started.map_err(io::Error::other)??;
    let pipes = (guard.child.stdin.take(), guard.child.stdout.take(), guard.child.stderr.take());
    let (mut stdout, mut stderr) = (Text::default(), Text::default());
    let mut status = Receiver::from_owned_fd(status)?;
    let end = {
        let (input, output, errors) = pipes;
        let feed = feed(input.map(OwnedFd::from), stdin, then);
        let output = keep(output.map(OwnedFd::from), &mut stdout, overflow, limit);
        let errors = keep(errors.map(OwnedFd::from), &mut stderr, overflow, limit);
        let all = async { tokio::join!(feed, output, errors) };
        tokio::pin!(all);
        let mut bytes = [0; size_of::<i32>()];
        let mut all_read = false;
        let end = {
            let ended = status.read_exact(&mut bytes);
            tokio::pin!(ended);
            loop {
                tokio::select! {
                    biased;
                    read = &mut all, if !all_read => { all_read = true; drop(read); }
                    end = &mut ended => break end,
                }
            }
        };
        // The supervisor was killed: how the program ended is not known.
        end.map_err(|_| crate::text::error::own("the process that watched over it was killed"))?;
        // The outputs end when the last descendant has ended. One that can't be ended is not waited for.
        if !all_read {
            let _ = tokio::time::timeout(GRACE, all).await;
        }
        // When the supervisor has gone, nothing is left.
        let _ = tokio::time::timeout(GRACE, status.read(&mut [0])).await;
        end_of(i32::from_ne_bytes(bytes))
    };
    drop(guard);
    Ok(Finished { end, stdout, stderr })
}

/// Kills the program, and everything that it started, when dropped.
#[derive(Debug)]
struct Guard {
    child: Child,
    control: Option<OwnedFd>,
}

impl Drop for Guard {
    fn drop(&mut self) {
        // The supervisor waits for the control pipe to be closed. It takes a few milliseconds, and at most two seconds;
        // then nothing is left.
        drop(self.control.take());
        let _ = self.child.wait();
    }
}

/// Starts the program below its supervisor; the second value returns its wait status.
fn start(mut command: Command, has_input: bool) -> io::Result<(Guard, OwnedFd)> {
    command.stdin(if has_input { Stdio::piped() } else { Stdio::null() });
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    spawn(command)
}

/// The same with the inputs and outputs that `command` has.
fn spawn(mut command: Command) -> io::Result<(Guard, OwnedFd)> {
    let (control_end, control) = io::pipe()?;
    let (status, status_end) = io::pipe()?;
    let (control_raw, status_raw) = (control_end.as_raw_fd(), status_end.as_raw_fd());
    // SAFETY: `split` is made for this place, and both descriptors stay open until `spawn` has returned.
    unsafe { command.pre_exec(move || supervisor::split(control_raw, status_raw)) };
    let child = command.spawn()?;
    Ok((Guard { child, control: Some(control.into()) }, status.into()))
}

fn end_of(status: i32) -> End {
    if libc::WIFSIGNALED(status) { End::Signal(libc::WTERMSIG(status)) } else { End::Exit(libc::WEXITSTATUS(status)) }
}

/// Writes the input. The returned pipe keeps it open.
async fn feed(pipe: Option<OwnedFd>, bytes: Option<Vec<u8>>, then: StdinMode) -> io::Result<Option<Sender>> {
    let (Some(pipe), Some(bytes)) = (pipe, bytes) else { return Ok(None) };
    let mut pipe = Sender::from_owned_fd(pipe)?;
    // A program that does not read all of its input has closed the pipe: that is not an error.
    pipe.write_all(&bytes).await?;
    Ok(match then {
        StdinMode::Close => None,
        StdinMode::Hold => Some(pipe),
    })
}

async fn keep(pipe: Option<OwnedFd>, text: &mut Text, overflow: Overflow, limit: usize) -> io::Result<()> {
    let Some(pipe) = pipe else { return Ok(()) };
    let mut pipe = Receiver::from_owned_fd(pipe)?;
    let mut buffer = vec![0; 16 << 10];
    loop {
        let length = pipe.read(&mut buffer).await?;
        if length == 0 {
            return Ok(());
        }
        let room = (limit - text.bytes.len()).min(length);
        text.bytes.extend_from_slice(&buffer[..room]);
        text.truncated |= room < length;
        if text.truncated && overflow == Overflow::Close {
            return Ok(());
        }
    }
}
