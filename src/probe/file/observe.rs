//! Observes a path, without waiting for data that may never arrive.

use std::fs::{self, OpenOptions};
use std::io::{self, ErrorKind, Read};
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};
use std::path::Path;

use jiff::Timestamp;

use crate::client::http::Body;
use crate::probe::Fault;
use crate::text::error;

/// The file, folder or other object at a path.
#[derive(Debug, Default)]
pub struct Found {
    /// Its kind; none if nothing exists there.
    pub kind: Option<&'static str>,
    /// Its size in bytes, where it is a file.
    pub size: Option<u64>,
    /// When it was last written.
    pub modified: Option<Timestamp>,
    /// The content of a file, or the beginning of it.
    pub content: Option<Body>,
}

/// Reads this path, with at most `limit` bytes of its content.
///
/// # Errors
/// When that can't be known, as where a folder on the way may not be entered.
pub fn observe(path: &Path, limit: usize) -> Result<Found, Fault> {
    let metadata = match fs::metadata(path) {
        Ok(metadata) => metadata,
        Err(error) if is_absence(&error) => {
            let is_link = fs::symlink_metadata(path).is_ok_and(|metadata| metadata.is_symlink());
            return Ok(Found { kind: is_link.then_some("broken link"), ..Found::default() });
        }
        Err(error) => return Err(fault(&error, path)),
    };
    let kind = kind(metadata.file_type());
    let modified = metadata.modified().ok().and_then(|at| Timestamp::try_from(at).ok());
    // Fractions of a second are not useful.
    let modified = modified.and_then(|at| Timestamp::from_second(at.as_second()).ok());
    if !metadata.is_file() {
        return Ok(Found { kind: Some(kind), modified, ..Found::default() });
    }
    let content = if limit == 0 { None } else { Some(read(path, limit).map_err(|error| fault(&error, path))?) };
    Ok(Found { kind: Some(kind), size: Some(metadata.len()), modified, content })
}

fn read(path: &Path, limit: usize) -> io::Result<Body> {
    // If it has become a FIFO meanwhile, opening it would wait for a writer.
    let file = OpenOptions::new().read(true).custom_flags(libc::O_NONBLOCK | libc::O_NOCTTY).open(path)?;
    let mut bytes = Vec::new();
    file.take(limit as u64 + 1).read_to_end(&mut bytes)?;
    let truncated = bytes.len() > limit;
    bytes.truncate(limit);
    Ok(Body { bytes, truncated })
}

fn kind(kind: fs::FileType) -> &'static str {
    if kind.is_file() {
        "file"
    } else if kind.is_dir() {
        "directory"
    } else if kind.is_fifo() {
        "fifo"
    } else if kind.is_socket() {
        "socket"
    } else {
        "device"
    }
}

/// A link in a circle, or a path through something that is not a folder, leads nowhere just as well.
fn is_absence(error: &io::Error) -> bool {
    error.kind() == ErrorKind::NotFound || matches!(error.raw_os_error(), Some(libc::ENOTDIR | libc::ELOOP))
}

fn fault(error: &io::Error, path: &Path) -> Fault {
    let path = path.display();
    match error.kind() {
        ErrorKind::PermissionDenied => {
            Fault::new(format!("no permission to read `{path}`")).help("run gate as a user who may read it")
        }
        _ => Fault::new(format!("cannot read `{path}`: {}", error::os(error))),
    }
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;

    use super::*;

    #[test]
    fn an_unreadable_file_is_an_error_and_not_missing() {
        let denied = io::Error::from(ErrorKind::PermissionDenied);
        assert!(!is_absence(&denied));
        assert_snapshot!(fault(&denied, Path::new("/root/x")), @"no permission to read `/root/x`");
    }
}
