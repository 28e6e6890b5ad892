//! Reads files of limited size, and nothing that is not a file: a pipe or a device may never end.

use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind, Read as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use crate::text::error;

use super::Fault;

/// Larger than any file of certificates or keys, in bytes.
pub const MAX_PEM: usize = 4 << 20;

/// Reads a whole file.
///
/// # Errors
/// When it is missing, is not a file, may not be read, or is larger than `limit` bytes.
pub fn read(path: &Path, limit: usize) -> Result<Vec<u8>, Fault> {
    let shown = path.display();
    let unreadable = |error: io::Error| match error.kind() {
        ErrorKind::NotFound => Fault::new(format!("file `{shown}` not found")),
        ErrorKind::PermissionDenied => Fault::new(format!("permission denied: `{shown}`")),
        _ => Fault::new(format!("cannot read `{shown}`: {}", error::os(&error))),
    };
    let mut bytes = Vec::new();
    let file = open(path).map_err(unreadable)?;
    let Some(file) = file else {
        return Err(
            Fault::new(format!("`{shown}` is not a regular file")).help("name a file, not a folder, pipe or device")
        );
    };
    file.take(limit as u64 + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() > limit {
        return Err(Fault::new(format!("`{shown}` is larger than {} MiB", limit >> 20)));
    }
    Ok(bytes)
}

/// Opens a file for reading, without waiting. None if it is not a regular file.
///
/// # Errors
/// When it can't be opened.
pub fn open(path: &Path) -> io::Result<Option<File>> {
    // Without this flag, opening a pipe waits for its writer.
    let file = OpenOptions::new().read(true).custom_flags(libc::O_NONBLOCK).open(path)?;
    Ok(file.metadata()?.is_file().then_some(file))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_files_are_read_and_only_up_to_the_limit() {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let (file, pipe) = (dir.path().join("file"), dir.path().join("pipe"));
        std::fs::write(&file, "12345").expect("the folder is writable");
        let made = std::process::Command::new("mkfifo").arg(&pipe).status().expect("mkfifo is installed");
        assert!(made.success());
        assert_eq!(read(&file, 5).expect("it fits"), b"12345");
        for (path, limit, expected) in [
            (file.as_path(), 4, "is larger than"),
            (&pipe, 4, "is not a regular file"),
            (Path::new("/dev/zero"), 4, "is not a regular file"),
            (dir.path(), 4, "is not a regular file"),
            (Path::new("/no/such/file"), 4, "file `/no/such/file` not found"),
        ] {
            let message = read(path, limit).expect_err("refused").to_string();
            assert!(message.contains(expected), "{message}");
        }
    }
}
