//! Finds installed programs, and skips a test whose server is not installed.

use std::ffi::CString;
use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs, thread};

/// The program of that name. If it is not installed, the test stops here, and `tests/run` decides whether that is a
/// failure (in CI) or a named skip (on a laptop).
pub fn program(name: &str) -> PathBuf {
    find(name).unwrap_or_else(|| missing(&format!("{name} is not installed")))
}

/// The `alembic` that is the reference for revision files: the one that `tests/run` installs, or any that is installed.
pub fn alembic() -> PathBuf {
    match env::var_os("GATE_ALEMBIC").map(PathBuf::from) {
        Some(path) if path.is_file() => path,
        _ => program("alembic"),
    }
}

/// The Python that alembic runs with, and that has what `tests/run` installs beside it.
pub fn python() -> String {
    let script = fs::read_to_string(alembic()).expect("alembic is a script");
    let line = script.lines().next().and_then(|line| line.strip_prefix("#!"));
    line.expect("it names its Python").trim().to_owned()
}

/// The load tester: the one that `tests/run` installs beside alembic, or any that is installed.
pub fn k6() -> PathBuf {
    let beside = env::var_os("GATE_ALEMBIC").and_then(|alembic| Some(Path::new(&alembic).parent()?.join("k6")));
    match beside {
        Some(path) if path.is_file() => path,
        _ => program("k6"),
    }
}

/// The program of that name, if it is installed: on PATH, or in the folders where distributions put servers.
pub fn find(name: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let hidden = ["/usr/sbin", "/usr/local/sbin", "/opt/homebrew/bin", "/opt/homebrew/sbin", "/usr/local/bin"];
    postgresql_directory()
        .into_iter()
        .chain(env::split_paths(&path))
        .chain(hidden.map(PathBuf::from))
        .map(|directory| directory.join(name))
        .find(|program| program.is_file())
}

/// Ends the test because a program is missing, and records its name and the reason for `tests/run`.
pub fn missing(reason: &str) -> ! {
    let current = thread::current();
    let test = current.name().unwrap_or("a thread without a name");
    if let Some(path) = env::var_os("GATE_TEST_SKIPPED")
        && let Ok(mut file) = OpenOptions::new().create(true).append(true).open(path)
    {
        writeln!(file, "{test}: {reason}").ok();
    }
    panic!("{reason}: tests/run installs what is missing, or skips what needs it");
}

/// A command that runs as an ordinary user: PostgreSQL and PgBouncer refuse to run as root.
pub fn unprivileged(program: &Path) -> Command {
    let mut command = Command::new(program);
    if let Some((uid, gid)) = ordinary_user() {
        command.uid(uid).gid(gid);
    }
    command
}

/// Gives a directory to the user of [`unprivileged`] commands.
pub fn give(directory: &Path) {
    if let Some((uid, gid)) = ordinary_user() {
        std::os::unix::fs::chown(directory, Some(uid), Some(gid)).expect("root is allowed to change owners");
    }
}

/// The user for unprivileged commands, if we are root.
fn ordinary_user() -> Option<(u32, u32)> {
    // SAFETY: geteuid always succeeds.
    if unsafe { libc::geteuid() } != 0 {
        return None;
    }
    ["postgres", "nobody"].into_iter().find_map(|name| {
        let name = CString::new(name).expect("no NUL in it");
        // SAFETY: the entry is copied at once, and only this function looks up users.
        let entry = unsafe { libc::getpwnam(name.as_ptr()).as_ref() }?;
        Some((entry.pw_uid, entry.pw_gid))
    })
}

/// Debian installs each PostgreSQL version in its own directory: finds the newest one.
fn postgresql_directory() -> Option<PathBuf> {
    let versions = fs::read_dir("/usr/lib/postgresql").ok()?;
    versions
        .flatten()
        .map(|entry| entry.path().join("bin"))
        .filter(|bin| bin.join("postgres").is_file())
        .max_by_key(|bin| bin.parent()?.file_name()?.to_str()?.parse::<u32>().ok())
}
