//! Files that jobs leave beside their backups, and backups that are not finished.

/// Ends of names of files that are not backups: logs, checksums, locks, and what is still being written.
const ENDS: &[&str] = &[
    ".log",
    ".err",
    ".md5",
    ".md5sum",
    ".sha1",
    ".sha256",
    ".sha256sum",
    ".sha512",
    ".crc32",
    ".in_progress",
    ".inprogress",
    ".incomplete",
    ".partial",
    ".part",
    ".filepart",
    ".tmp",
    ".temp",
    ".lock",
    ".lck",
    ".pid",
    ".swp",
    "~",
    "_$folder$",
];

/// Names of files that are not backups, in lower case.
const NAMES: &[&str] = &["md5sums", "sha1sums", "sha256sums", "sha512sums", "checksums.txt", "lost+found", "thumbs.db"];

/// Whether a file is not a backup: a log, a checksum, a hidden file, or one that is still being written. A pattern that
/// asks for this very end of a name is obeyed.
pub fn is_side_file(path: &str, pattern: Option<&str>) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path).to_ascii_lowercase();
    let pattern = pattern.unwrap_or_default().to_ascii_lowercase();
    let is_asked_for = |end: &str| pattern.ends_with(end);
    ENDS.iter().any(|end| name.ends_with(end) && !is_asked_for(end))
        || NAMES.iter().any(|whole| name == *whole && !is_asked_for(whole))
        || name.starts_with('.') && !pattern.rsplit('/').next().unwrap_or_default().starts_with('.')
}

#[cfg(test)]
mod tests {
    use super::is_side_file;

    #[test]
    fn logs_checksums_and_unfinished_files_are_not_backups_unless_requested() {
        for path in ["backup.log", "2025/db.dump.gz.MD5", "db.dump.in_progress", ".db.dump.Xy12", "SHA256SUMS", "a~"] {
            assert!(is_side_file(path, None), "{path}");
            assert!(is_side_file(path, Some("*")), "{path}");
        }
        for path in ["db.dump", "db.sql.gz", "catalog", "2025-12-06", "db.dump.gpg", "wal.partial.gz"] {
            assert!(!is_side_file(path, None), "{path}");
        }
        assert!(!is_side_file("audit.log", Some("*.log")));
        assert!(!is_side_file(".hidden.dump", Some(".hidden*")));
    }
}
