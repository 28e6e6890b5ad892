//! Temporary directories and free ports for the servers of one test run.

use std::fs::{self, File, Permissions};
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU16, AtomicU32, Ordering};

/// The directory of this run, and a lock that marks it as in use.
struct Root {
    path: PathBuf,
    _lock: File,
}

static ROOT: LazyLock<Root> = LazyLock::new(|| {
    remove_abandoned();
    let draft = tempfile::Builder::new()
        .prefix(".gate-it-")
        .permissions(Permissions::from_mode(0o755)) // servers that refuse root reach their own directory through it
        .tempdir()
        .expect("the temporary directory can be written to")
        .keep();
    let lock = File::create(draft.join("lock")).expect("the directory was just made");
    lock.lock().expect("the file is new");
    let path = std::env::temp_dir().join(format!("gate-it-{}", std::process::id()));
    fs::remove_dir_all(&path).ok(); // of a process that had our id before us: its lock is gone with it
    fs::rename(&draft, &path).expect("the name holds our process id");
    Root { path, _lock: lock }
});

/// A new empty directory for one server or project, named after it.
pub fn directory(name: &str) -> PathBuf {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let path = ROOT.path.join(format!("{name}-{}", COUNT.fetch_add(1, Ordering::Relaxed)));
    fs::create_dir(&path).expect("the count makes the name new");
    path
}

/// Removes all files of this run.
pub fn remove_all() {
    fs::remove_dir_all(&ROOT.path).ok();
}

/// A free loopback port. It is below the range from which the kernel picks ports for outgoing connections, so that
/// none of the tests' own connections can take it before the server does.
pub fn free_port() -> u16 {
    const FIRST: u16 = 20_000;
    const COUNT: u16 = 12_000;
    static NEXT: LazyLock<AtomicU16> = LazyLock::new(|| {
        let id = u16::try_from(std::process::id() % u32::from(COUNT)).expect("less than COUNT");
        AtomicU16::new(id.wrapping_mul(31))
    });
    loop {
        let port = FIRST + NEXT.fetch_add(1, Ordering::Relaxed) % COUNT;
        if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return port;
        }
    }
}

/// Removes the directories of runs that were killed: those whose lock is free.
fn remove_abandoned() {
    let Ok(entries) = fs::read_dir(std::env::temp_dir()) else { return };
    for entry in entries.flatten() {
        if entry.file_name().to_string_lossy().starts_with("gate-it-") && is_abandoned(&entry.path()) {
            fs::remove_dir_all(entry.path()).ok();
        }
    }
}

fn is_abandoned(directory: &Path) -> bool {
    File::open(directory.join("lock")).is_ok_and(|lock| lock.try_lock().is_ok())
}
