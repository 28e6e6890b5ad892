//! The one writer of files: a new file with a random name in the same folder, complete and on the disk, takes the name of
//! the old one. No reader sees half of a file, and no link leads a write out of the repository.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, BufWriter, Read, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt, chown};
use std::path::{Component, Path, PathBuf};
use std::time::Duration;

use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;
use tempfile::NamedTempFile;

use crate::text::error;

/// More links than this form a cycle.
const LINKS: usize = 40;
/// Prefix of the name of a new file until it takes that of the old one.
const PREFIX: &str = ".gate-new-";
/// No report takes this long to write: where files can't be locked, an older new file was left behind by a process that
/// was killed.
const LEFT: Duration = Duration::from_secs(3600);
/// gate writes no longer file.
const LIMIT: u64 = 64 << 20;
/// Folders of a repository that affect what is run.
const GUARDED: [&str; 2] = [".git", ".github"];

/// A file that can be written as a whole. It may exist already.
#[derive(Debug)]
pub struct Target {
    /// The path with all links followed.
    path: PathBuf,
}

impl Target {
    /// Checks that the file may be written and a new one be made beside it. All links are followed: for a path that the
    /// user of the command line names. Leaves nothing behind, as probes may look at the same folder during the run.
    ///
    /// # Errors
    /// When it can't be written.
    pub fn open(path: &Path) -> io::Result<Self> {
        let file = Self { path: resolve(path)? };
        match fs::metadata(&file.path) {
            Ok(there) if there.is_file() => drop(OpenOptions::new().write(true).open(&file.path)?),
            Ok(there) if there.is_dir() => return Err(io::ErrorKind::IsADirectory.into()),
            Ok(_) => return Err(error::own("it is not a regular file")),
            // It does not exist, or its folder has the reason.
            Err(_) => {}
        }
        let existing = file.existing_folder()?;
        sweep(existing);
        beside(existing)?.close()?;
        Ok(file)
    }

    /// The same for a path that a file of the repository names. Nothing is written outside the repository.
    ///
    /// # Errors
    /// When it can't be written, or leads out of the repository.
    pub fn inside(path: &Path, repository: &Path) -> io::Result<Self> {
        confine(path, repository).map_err(error::own)?;
        Self::open(path)
    }

    /// The nearest folder that exists. Those below it are made when the file is written.
    fn existing_folder(&self) -> io::Result<&Path> {
        for folder in self.path.ancestors().skip(1) {
            match fs::metadata(folder) {
                Err(problem) if problem.kind() == io::ErrorKind::NotFound => {}
                Ok(there) if !there.is_dir() => return Err(io::ErrorKind::NotADirectory.into()),
                Ok(_) => return Ok(folder),
                Err(problem) => return Err(problem),
            }
        }
        Err(io::ErrorKind::NotFound.into())
    }

    /// The path with all links followed.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The bytes of the file, none if it does not exist.
    ///
    /// # Errors
    /// When it can't be read, or is longer than 64 MiB.
    pub fn content(&self) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        match File::open(&self.path) {
            Err(problem) if problem.kind() == io::ErrorKind::NotFound => return Ok(bytes),
            opened => opened?.take(LIMIT + 1).read_to_end(&mut bytes)?,
        };
        if bytes.len() as u64 > LIMIT { Err(error::own("it is longer than 64 MiB")) } else { Ok(bytes) }
    }

    /// Replaces the file, or leaves it as it is. Its mode and owner are kept.
    ///
    /// # Errors
    /// When it can't be written.
    pub fn replace(&self, render: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
        let new = self.written(render)?;
        if let Ok(old) = fs::metadata(&self.path) {
            // Only root may change the owner of a file; for others the new file is theirs, as with an editor.
            let _ = chown(new.path(), Some(old.uid()), Some(old.gid()));
            fs::set_permissions(new.path(), old.permissions())?;
        }
        new.persist(&self.path).map_err(|problem| problem.error)?;
        sync(folder(&self.path))
    }

    /// Creates the file.
    ///
    /// # Errors
    /// When it can't be written, or exists.
    pub fn create(&self, render: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
        self.written(render)?.persist_noclobber(&self.path).map_err(|problem| problem.error)?;
        sync(folder(&self.path))
    }

    /// The new file, complete and synced: otherwise a crash of the machine could leave an empty one under the old name.
    fn written(&self, render: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<NamedTempFile> {
        fs::create_dir_all(folder(&self.path))?;
        let new = beside(folder(&self.path))?;
        let mut out = BufWriter::new(new.as_file());
        render(&mut out)?;
        out.flush()?;
        drop(out);
        new.as_file().sync_all()?;
        Ok(new)
    }
}

/// An empty file in a folder, as readable as the umask allows. It is locked as long as this process writes it, so that
/// others can distinguish it from a leftover.
fn beside(folder: &Path) -> io::Result<NamedTempFile> {
    loop {
        let new = unlocked(folder)?;
        // Some file systems have no locks.
        let _ = flock(new.as_file(), FlockOperation::LockExclusive);
        // Another process may have removed it before it was locked.
        if new.as_file().metadata()?.nlink() > 0 {
            return Ok(new);
        }
    }
}

fn unlocked(folder: &Path) -> io::Result<NamedTempFile> {
    tempfile::Builder::new()
        .prefix(PREFIX)
        .permissions(Permissions::from_mode(0o666))
        .tempfile_in(folder)
        // The system's own message: tempfile's names a file that the user does not know.
        .map_err(|problem| {
            let inner = problem.get_ref().and_then(|inner| inner.source()?.downcast_ref::<io::Error>());
            let code = problem.raw_os_error().or_else(|| inner?.raw_os_error());
            code.map_or_else(|| problem.kind().into(), io::Error::from_raw_os_error)
        })
}

/// Creates a file with this text.
///
/// # Errors
/// When it can't be written, or exists.
pub fn create(path: &Path, text: &str) -> io::Result<()> {
    Target::open(path)?.create(|out| out.write_all(text.as_bytes()))
}

/// Appends to a file that others append to as well, such as one of a CI runner, made from the length that it has.
///
/// # Errors
/// When it can't be written.
pub fn append(path: &Path, text: impl FnOnce(u64) -> Vec<u8>) -> io::Result<()> {
    let mut file = OpenOptions::new().append(true).create(true).open(path)?;
    let length = file.metadata()?.len();
    file.write_all(&text(length))
}

/// The target of a path in the repository, relative to the repository. The file and its folder need not exist.
///
/// # Errors
/// When it leads out of the repository, with the reason.
pub fn contained(path: &Path, repository: &Path) -> Result<PathBuf, String> {
    let failed = |problem: io::Error| error::os(&problem);
    let (target, repository) = (resolve(path).map_err(failed)?, resolve(repository).map_err(failed)?);
    match target.strip_prefix(&repository) {
        Ok(inner) => Ok(inner.to_owned()),
        Err(_) => Err(format!("it leads out of the repository, to `{}`", target.display())),
    }
}

/// Checks that a path of the repository leads to a file in it, which is neither Git's nor a workflow's.
///
/// # Errors
/// The reason if it does not.
pub fn confine(path: &Path, repository: &Path) -> Result<(), String> {
    let inner = contained(path, repository)?;
    let is_guarded = |name: &&OsStr| GUARDED.iter().any(|guarded| name.eq_ignore_ascii_case(guarded));
    match inner.iter().find(is_guarded) {
        Some(name) => Err(format!("it is in `{}`, where gate writes nothing", name.display())),
        None => Ok(()),
    }
}

/// The repository that a folder is in: the nearest folder that Git keeps, else the folder alone.
pub fn repository(folder: &Path) -> &Path {
    folder.ancestors().find(|folder| folder.join(".git").exists()).unwrap_or(folder)
}

/// The absolute path without links, also of what does not exist yet.
pub fn resolve(path: &Path) -> io::Result<PathBuf> {
    let path = if path.as_os_str().is_empty() { Path::new(".") } else { path };
    let mut rest = parts(&std::path::absolute(path)?);
    let mut done = PathBuf::new();
    let mut links = 0;
    while let Some(part) = rest.pop() {
        match Path::new(&part).components().next() {
            Some(Component::RootDir) => done = PathBuf::from("/"),
            Some(Component::ParentDir) => {
                done.pop();
            }
            Some(Component::CurDir | Component::Prefix(_)) | None => {}
            Some(Component::Normal(name)) => {
                let next = done.join(name);
                match fs::read_link(&next) {
                    Ok(_) if links == LINKS => return Err(rustix::io::Errno::LOOP.into()),
                    Ok(to) => {
                        links += 1;
                        rest.extend(parts(&to));
                    }
                    Err(_) => done = next,
                }
            }
        }
    }
    Ok(done)
}

/// The parts of a path, the last one first.
fn parts(path: &Path) -> Vec<OsString> {
    path.components().rev().map(|part| part.as_os_str().to_owned()).collect()
}

/// Removes files that a killed process left behind. A file that can't be removed does no harm.
fn sweep(folder: &Path) {
    let is_new = |entry: &fs::DirEntry| {
        let name = entry.file_name();
        let is_ours = name.len() == PREFIX.len() + 6 && name.as_bytes().starts_with(PREFIX.as_bytes());
        is_ours && entry.metadata().is_ok_and(|there| there.is_file())
    };
    for entry in fs::read_dir(folder).into_iter().flatten().flatten().filter(is_new) {
        let flags = libc::O_NOFOLLOW | libc::O_NONBLOCK;
        let Ok(file) = OpenOptions::new().write(true).custom_flags(flags).open(entry.path()) else { continue };
        let age = || file.metadata().ok()?.modified().ok()?.elapsed().ok();
        let is_abandoned = match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => true,
            Err(Errno::WOULDBLOCK) => false,
            Err(_) => age().is_some_and(|age| age > LEFT),
        };
        if is_abandoned {
            let _ = fs::remove_file(entry.path());
        }
    }
}

/// Syncs the names in a folder to the disk, if the file system supports it.
fn sync(folder: &Path) -> io::Result<()> {
    match File::open(folder).and_then(|folder| folder.sync_all()) {
        // Some file systems have nothing to do here; a folder may be writable and not readable.
        Err(problem) if matches!(problem.kind(), io::ErrorKind::InvalidInput | io::ErrorKind::PermissionDenied) => {
            Ok(())
        }
        synced => synced,
    }
}

/// The folder of a file. The path is absolute.
fn folder(path: &Path) -> &Path {
    path.parent().unwrap_or(path)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use tempfile::TempDir;

    use super::*;

    fn repository() -> TempDir {
        let folder = tempfile::tempdir().expect("the temporary folder is writable");
        fs::create_dir_all(folder.path().join("repo/docs")).expect("the folder is writable");
        fs::create_dir(folder.path().join("repo/.git")).expect("the folder is writable");
        folder
    }

    #[test]
    fn a_path_of_the_repository_stays_in_it_and_away_from_what_runs() {
        let folder = repository();
        let repo = folder.path().join("repo");
        symlink("../../outside", repo.join("docs/out")).expect("the folder is writable");
        symlink("docs", repo.join("in")).expect("the folder is writable");
        symlink("/etc", repo.join("etc")).expect("the folder is writable");
        let why = |path: &str| confine(&repo.join(path), &repo).err().unwrap_or_default();
        let shown = |path: &str| {
            why(path).replace(&folder.path().canonicalize().expect("it exists").display().to_string(), "DIR")
        };
        assert_eq!(["docs/A.md", "in/A.md", "new/er/A.md", "docs/../A.md"].map(why), [""; 4]);
        insta::assert_snapshot!(["../A.md", "docs/out", "etc/passwd", "/tmp/A.md", "docs/out/A.md"].map(shown).join("\n"), @"
        it leads out of the repository, to `DIR/A.md`
        it leads out of the repository, to `DIR/outside`
        it leads out of the repository, to `/etc/passwd`
        it leads out of the repository, to `/tmp/A.md`
        it leads out of the repository, to `DIR/outside/A.md`
        ");
        insta::assert_snapshot!([".git/config", ".github/workflows/ci.yml", "docs/../.GitHub/x"].map(why).join("\n"), @"
        it is in `.git`, where gate writes nothing
        it is in `.github`, where gate writes nothing
        it is in `.GitHub`, where gate writes nothing
        ");
    }

    #[test]
    fn a_file_is_created_once_and_replaced_as_often_as_wanted() {
        let folder = repository();
        let path = folder.path().join("repo/new.yaml");
        let target = Target::open(&path).expect("it is writable");
        target.create(|out| out.write_all(b"1")).expect("it does not exist");
        let again = target.create(|out| out.write_all(b"2"));
        assert_eq!(again.expect_err("it exists").kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(target.content().expect("it can be read"), b"1");
        target.replace(|out| out.write_all(b"3")).expect("it is writable");
        assert_eq!(target.content().expect("it can be read"), b"3");
    }

    #[test]
    fn an_existing_file_or_link_is_never_opened_for_writing() {
        let folder = repository();
        let victim = folder.path().join("authorized_keys");
        fs::write(&victim, "mine").expect("the folder is writable");
        let repo = folder.path().join("repo");
        for name in [".a.yaml.new", ".gate-new-aaaaaa"] {
            symlink(&victim, repo.join(name)).expect("the folder is writable");
        }
        let target = Target::inside(&repo.join("a.yaml"), &repo).expect("it is in the repository");
        target.replace(|out| out.write_all(b"1")).expect("it is writable");
        symlink(&victim, repo.join("b.yaml")).expect("the folder is writable");
        assert!(Target::inside(&repo.join("b.yaml"), &repo).is_err());
        assert_eq!(fs::read_to_string(&victim).expect("it exists"), "mine");
    }

    #[test]
    fn a_new_file_that_a_killed_process_left_is_removed_and_one_that_is_written_is_not() {
        let folder = repository();
        let (left, written) = (folder.path().join(".gate-new-aaaaaa"), beside(folder.path()).expect("it is writable"));
        fs::write(&left, "half").expect("the folder is writable");
        Target::open(&folder.path().join("a.yaml")).expect("it is writable");
        assert!(!left.exists());
        assert!(written.path().exists());
    }

    #[test]
    fn links_in_a_circle_are_an_error() {
        let folder = repository();
        symlink("b", folder.path().join("a")).expect("the folder is writable");
        symlink("a", folder.path().join("b")).expect("the folder is writable");
        assert!(Target::open(&folder.path().join("a")).is_err());
    }
}
