//! Reads whole files within limits of size, time and place.

use std::fs::{File, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::mpsc;
use std::time::Duration;

use rustix::fs::OFlags;

use crate::text::error;
use crate::writer::contained;

/// How long a pipe may take to deliver all of its content.
const WITHIN: Duration = Duration::from_secs(60);

/// The text of a file that the command line names. It may be a pipe, such as `<(…)` of a shell.
///
/// # Errors
/// When it can't be read, is longer than `limit` bytes, takes longer than a minute, or is not UTF-8.
pub fn named(path: &Path, limit: u64) -> io::Result<String> {
    text(bytes(path, limit)?)
}

/// The same as bytes.
///
/// # Errors
/// As above, or when the text is not UTF-8.
pub fn bytes(path: &Path, limit: u64) -> io::Result<Vec<u8>> {
    match std::fs::metadata(path)? {
        there if there.is_dir() => Err(io::ErrorKind::IsADirectory.into()),
        there if there.is_file() => whole(File::open(path)?, limit),
        _ => {
            let path = path.to_owned();
            within(WITHIN, move || whole(File::open(path)?, limit))
        }
    }
}

/// The text of standard input.
///
/// # Errors
/// As with [`named`].
pub fn stdin(limit: u64) -> io::Result<String> {
    text(within(WITHIN, move || whole(io::stdin(), limit))?)
}

/// The text of a file that is found by its name in a repository. It must be a regular file in it.
///
/// # Errors
/// When it can't be read, leads out of the repository, is longer than `limit` bytes, or is not UTF-8.
pub fn inside(path: &Path, repository: &Path, limit: u64) -> io::Result<String> {
    contained(path, repository).map_err(error::own)?;
    // Opening a pipe would wait for its writer.
    let flags = i32::try_from((OFlags::NONBLOCK | OFlags::NOCTTY).bits()).expect("the flags are small");
    let file = OpenOptions::new().read(true).custom_flags(flags).open(path)?;
    match file.metadata()? {
        there if there.is_dir() => Err(io::ErrorKind::IsADirectory.into()),
        there if !there.is_file() => Err(error::own("it is not a regular file")),
        _ => text(whole(file, limit)?),
    }
}

fn whole(from: impl Read, limit: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    from.take(limit + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 <= limit {
        return Ok(bytes);
    }
    Err(error::own(match limit >> 20 {
        0 => format!("it is longer than {} KiB", limit >> 10),
        mib => format!("it is longer than {mib} MiB"),
    }))
}

fn text(bytes: Vec<u8>) -> io::Result<String> {
    String::from_utf8(bytes).map_err(|problem| {
        let read = &problem.as_bytes()[..problem.utf8_error().valid_up_to()];
        let line = read.iter().filter(|byte| **byte == b'\n').count() + 1;
        error::own(format!("line {line} is not UTF-8"))
    })
}

/// The result, if it arrives in time. A thread that waits for a pipe can't be ended; it is left behind.
fn within(time: Duration, read: impl FnOnce() -> io::Result<Vec<u8>> + Send + 'static) -> io::Result<Vec<u8>> {
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || sender.send(read()));
    let late = |_| error::own(format!("it did not end within {}s", time.as_secs()));
    receiver.recv_timeout(time).map_err(late)?
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

    fn said<T: std::fmt::Debug>(read: io::Result<T>) -> String {
        read.expect_err("it can't be read").to_string()
    }

    #[test]
    fn a_file_in_a_repository_is_a_regular_one_of_limited_size_that_is_in_it() {
        let folder = tempfile::tempdir().expect("the temporary folder is writable");
        let repo = folder.path().join("repo");
        fs::create_dir(&repo).expect("the folder is writable");
        let path = |name: &str| repo.join(name);
        fs::write(path("text"), "12345678").expect("the folder is writable");
        fs::write(path("latin"), b"a\nb\xe4\n").expect("the folder is writable");
        fs::write(folder.path().join("secret"), "hunter2").expect("the folder is writable");
        symlink("text", path("link")).expect("the folder is writable");
        symlink("../secret", path("out")).expect("the folder is writable");
        symlink("/dev/zero", path("zero")).expect("the folder is writable");
        rustix::fs::mknodat(rustix::fs::CWD, path("pipe"), rustix::fs::FileType::Fifo, rustix::fs::Mode::RUSR, 0)
            .expect("the folder is writable");
        let read = |name: &str, limit| inside(&path(name), &repo, limit);
        assert_eq!(read("text", 8).expect("it fits"), "12345678");
        assert_eq!(read("link", 8).expect("it is in the repository"), "12345678");
        assert_eq!(said(read("text", 7)), "it is longer than 0 KiB");
        assert_eq!(said(read("latin", 8)), "line 2 is not UTF-8");
        assert_eq!(said(read("pipe", 8)), "it is not a regular file");
        assert!(said(read("out", 8)).starts_with("it leads out of the repository"));
        assert!(said(read("zero", 8)).starts_with("it leads out of the repository"));
        assert_eq!(read("gone", 8).expect_err("it does not exist").kind(), io::ErrorKind::NotFound);
    }

    #[test]
    fn a_file_of_the_command_line_may_be_a_pipe_but_not_endless() {
        let folder = tempfile::tempdir().expect("the temporary folder is writable");
        let pipe = folder.path().join("pipe");
        rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, rustix::fs::Mode::RWXU, 0)
            .expect("the folder is writable");
        let writer = std::thread::spawn({
            let pipe = pipe.clone();
            move || fs::write(pipe, "A=1\n")
        });
        assert_eq!(named(&pipe, 8).expect("it ends"), "A=1\n");
        writer.join().expect("it does not panic").expect("a reader exists");
        assert_eq!(said(named(Path::new("/dev/zero"), 1 << 20)), "it is longer than 1 MiB");
        let silent = within(Duration::from_millis(10), move || whole(File::open(pipe)?, 8));
        assert_eq!(said(silent.map(|_| String::new())), "it did not end within 0s");
    }
}
