//! The target of a report: a file that can be replaced, or a stream that can only be written.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::fs::{Access, OFlags, fcntl_getfl, fcntl_setfl};

use crate::text::error;
use crate::writer::Target;

/// How long opening the other end of a named pipe may take.
const READER_WITHIN: Duration = Duration::from_secs(2);

/// Where one report goes.
#[derive(Debug)]
pub enum Sink {
    /// `-` and `/dev/stdout`.
    Stdout,
    /// `/dev/stderr`.
    Stderr,
    /// A pipe or a device: there is nothing to replace.
    Stream(PathBuf),
    /// A file, there or not yet.
    File(Target),
}

impl Sink {
    /// Finds the target of a path, and whether it may be written. Writes nothing.
    pub fn open(path: &Path) -> io::Result<Self> {
        if path == Path::new("-") || path == Path::new("/dev/stdout") {
            return Ok(Self::Stdout);
        }
        if path == Path::new("/dev/stderr") {
            return Ok(Self::Stderr);
        }
        match fs::metadata(path) {
            Ok(there) if there.is_dir() => Err(io::ErrorKind::IsADirectory.into()),
            // A `/dev/fd/63` opened by a shell must not be replaced, whatever it is.
            Ok(there) if !there.is_file() || path.starts_with("/dev") || path.starts_with("/proc") => {
                may_write(path)?;
                Ok(Self::Stream(path.to_owned()))
            }
            Ok(_) => Ok(Self::File(Target::open(path)?)),
            Err(problem) if problem.kind() == io::ErrorKind::NotFound => Ok(Self::File(Target::open(path)?)),
            Err(problem) => Err(problem),
        }
    }

    /// Whether both are the same file: the second report would replace the first. Streams can take several.
    pub fn is_same_file(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::File(first), Self::File(second)) => first.path() == second.path(),
            (Self::Stdout | Self::Stderr | Self::Stream(_) | Self::File(_), _) => false,
        }
    }

    /// Writes to a stream. A reader that stops early is not an error.
    pub fn stream(&self, render: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
        let mut out: BufWriter<Box<dyn Write>> = BufWriter::new(match self {
            Self::Stdout => Box::new(io::stdout().lock()),
            Self::Stderr => Box::new(io::stderr().lock()),
            Self::Stream(path) => Box::new(open_stream(path)?),
            Self::File(file) => return file.replace(render),
        });
        match render(&mut out).and_then(|()| out.flush()) {
            Err(problem) if problem.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            result => result,
        }
    }
}

/// Asks the system, without opening: that would wait for the other end of a named pipe.
fn may_write(path: &Path) -> io::Result<()> {
    Ok(rustix::fs::access(path, Access::WRITE_OK)?)
}

/// Opens it for writing. A named pipe without a reader is an error after a while: it must not wait forever.
fn open_stream(path: &Path) -> io::Result<File> {
    let step = Duration::from_millis(20);
    let mut waited = Duration::ZERO;
    let file = loop {
        match OpenOptions::new().append(true).custom_flags(libc::O_NONBLOCK).open(path) {
            Err(problem) if problem.raw_os_error() == Some(libc::ENXIO) && waited < READER_WITHIN => {
                std::thread::sleep(step);
                waited += step;
            }
            Err(problem) if problem.raw_os_error() == Some(libc::ENXIO) => {
                return Err(error::own("nobody reads from this pipe"));
            }
            opened => break opened?,
        }
    };
    // Now that there is a reader, it may be slow.
    fcntl_setfl(&file, fcntl_getfl(&file)? - OFlags::NONBLOCK)?;
    Ok(file)
}
