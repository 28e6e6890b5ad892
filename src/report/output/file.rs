//! A file that is replaced as a whole: a new one is written beside it, and takes its name when it is complete.

use std::fs::{self, OpenOptions, Permissions};
use std::io::{self, BufWriter, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::time::Duration;

use tempfile::NamedTempFile;

/// More links than this lead in a circle.
const LINKS: usize = 40;
/// How the name of a new file begins until it takes that of the old one.
const PREFIX: &str = ".gate-new-";
/// No report takes so long to write: a new file that is older was left behind by a process that was killed.
const LEFT: Duration = Duration::from_secs(3600);

/// A file, there or not yet.
#[derive(Debug)]
pub struct Replaceable {
    /// What the path leads to when all links are followed.
    pub target: PathBuf,
}

impl Replaceable {
    /// Looks whether the file may be written and a new one made beside it. Nothing is left behind: probes may look at
    /// the same folder during the run.
    pub fn open(path: &Path) -> io::Result<Self> {
        let target = followed(path)?;
        if let Some(name) = target.file_name() {
            let folder = folder(&target).canonicalize()?;
            let file = Self { target: folder.join(name) };
            if file.target.exists() {
                OpenOptions::new().write(true).open(&file.target)?;
            }
            sweep(&folder);
            file.beside()?.close()?;
            return Ok(file);
        }
        Err(io::ErrorKind::IsADirectory.into())
    }

    /// What stands in it, nothing if it is not there.
    pub fn content(&self) -> io::Result<Vec<u8>> {
        match fs::read(&self.target) {
            Err(problem) if problem.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
            read => read,
        }
    }

    /// Replaces it, or leaves it as it is.
    pub fn replace(&self, render: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
        let temporary = self.beside()?;
        let mut out = BufWriter::new(temporary.as_file());
        render(&mut out)?;
        out.flush()?;
        drop(out);
        if let Ok(old) = fs::metadata(&self.target) {
            // Only root may give files away; for others the new file is theirs, as the old one would be with an editor.
            let _ = chown(temporary.path(), Some(old.uid()), Some(old.gid()));
            fs::set_permissions(temporary.path(), old.permissions())?;
        }
        // Or a crash of the machine could leave an empty file under the old name.
        temporary.as_file().sync_data()?;
        temporary.persist(&self.target).map_err(|problem| problem.error)?;
        Ok(())
    }

    /// An empty file in the same folder, readable as far as the umask lets it.
    fn beside(&self) -> io::Result<NamedTempFile> {
        tempfile::Builder::new()
            .prefix(PREFIX)
            .permissions(Permissions::from_mode(0o666))
            .tempfile_in(folder(&self.target))
            // The system's own words: tempfile's name a file that the user has never heard of.
            .map_err(|problem| {
                problem.raw_os_error().map_or_else(|| problem.kind().into(), io::Error::from_raw_os_error)
            })
    }
}

/// Removes what a kill has left behind. What can't be removed is in nobody's way.
fn sweep(folder: &Path) {
    let is_left = |entry: &fs::DirEntry| {
        let name = entry.file_name();
        let is_ours = name.len() == PREFIX.len() + 6 && name.as_bytes().starts_with(PREFIX.as_bytes());
        let there = entry.metadata().ok().filter(|there| is_ours && there.is_file());
        there.and_then(|there| there.modified().ok()?.elapsed().ok()).is_some_and(|age| age > LEFT)
    };
    for entry in fs::read_dir(folder).into_iter().flatten().flatten().filter(is_left) {
        let _ = fs::remove_file(entry.path());
    }
}

/// The path with every link at its end followed, also one that leads to nothing yet.
fn followed(path: &Path) -> io::Result<PathBuf> {
    let mut path = path.to_owned();
    for _ in 0..LINKS {
        match fs::read_link(&path) {
            Ok(to) => path = folder(&path).join(to),
            Err(_) => return Ok(path),
        }
    }
    Err(io::Error::from_raw_os_error(libc::ELOOP))
}

/// The folder of a file: a bare name is in the one where we are.
fn folder(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}
