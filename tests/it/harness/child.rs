//! A server as a child process: it is always stopped when the test run ends, even by a crash.

use std::fs::{self, File};
use std::io;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use super::place;

/// A running server. Dropping it stops it.
pub struct Server {
    pid: libc::pid_t,
    stop: i32,
    log: PathBuf,
    name: String,
}

/// The running servers, for the end of the process: statics are never dropped.
static RUNNING: Mutex<Vec<(libc::pid_t, i32)>> = Mutex::new(Vec::new());

type Order = (Command, mpsc::Sender<io::Result<u32>>);

/// The thread that starts every child. The kernel sends the parent-death signal when the *thread* that forked ends,
/// and a test's thread ends with its test, so one thread that never ends does all the forking.
static SPAWNER: LazyLock<Mutex<mpsc::Sender<Order>>> = LazyLock::new(|| {
    // SAFETY: `stop_all` is a plain function that may run once at the end of the process.
    unsafe { libc::atexit(stop_all) };
    let (sender, orders) = mpsc::channel::<Order>();
    thread::Builder::new()
        .name("spawner".into())
        .spawn(move || {
            for (mut command, answer) in orders {
                // `Server` collects the exit status with `waitpid`, by the child's process id alone.
                answer.send(command.spawn().map(|child| child.id())).ok();
            }
        })
        .expect("a thread can be started");
    Mutex::new(sender)
});

impl Server {
    /// Starts a server that can be stopped with SIGKILL. Its output goes to the file `log` in its directory.
    pub fn start(command: Command, directory: &Path) -> Server {
        Server::start_with(command, directory, libc::SIGKILL)
    }

    /// Starts a server that needs another signal, such as SIGQUIT, to clean up.
    pub fn start_with(mut command: Command, directory: &Path, stop: i32) -> Server {
        let name = Path::new(command.get_program()).file_name().unwrap_or_default().to_string_lossy().into_owned();
        let log = directory.join("log");
        let output = File::create(&log).expect("the server's directory can be written to");
        command.stdin(Stdio::null()).stderr(output.try_clone().expect("a file can be opened twice")).stdout(output);
        let pid = spawn(command, stop).unwrap_or_else(|error| panic!("{name} does not start: {error}"));
        running().push((pid, stop));
        Server { pid, stop, log, name }
    }

    /// Waits until the server answers in its own protocol. The test fails if it exits, or after half a minute.
    pub fn until<T>(&self, mut ask: impl FnMut() -> Option<T>) -> T {
        let limit = Instant::now() + Duration::from_secs(30);
        loop {
            if let Some(answer) = ask() {
                return answer;
            }
            if !is_alive(self.pid) {
                panic!("{} has ended:\n{}", self.name, self.log());
            }
            if Instant::now() > limit {
                panic!("{} does not answer:\n{}", self.name, self.log());
            }
            thread::sleep(Duration::from_millis(10)); // before asking again; the answer is what is waited for
        }
    }

    /// Its output so far.
    pub fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// Its process id.
    pub fn pid(&self) -> i32 {
        self.pid
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        running().retain(|(pid, _)| *pid != self.pid);
        end(self.pid, self.stop);
    }
}

/// Starts a process from the thread that never ends; the process gets the signal `stop` when we die.
pub fn spawn(mut command: Command, stop: i32) -> io::Result<libc::pid_t> {
    #[cfg(target_os = "linux")]
    // SAFETY: prctl is safe to call between fork and exec.
    unsafe {
        // After the change of user, which would clear it: std runs this last.
        command.pre_exec(move || match libc::prctl(libc::PR_SET_PDEATHSIG, stop) {
            0 => Ok(()),
            _ => Err(io::Error::last_os_error()),
        });
    }
    let (sender, answer) = mpsc::channel();
    SPAWNER
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .send((command, sender))
        .expect("the spawner lives as long as the process");
    let pid = answer.recv().expect("the spawner answers every order")?;
    Ok(libc::pid_t::try_from(pid).expect("a process id fits"))
}

/// Whether this child is still running. Collects it if it has ended.
pub fn is_alive(pid: libc::pid_t) -> bool {
    // SAFETY: a null status is allowed.
    unsafe { libc::waitpid(pid, std::ptr::null_mut(), libc::WNOHANG) == 0 }
}

fn running() -> MutexGuard<'static, Vec<(libc::pid_t, i32)>> {
    RUNNING.lock().unwrap_or_else(PoisonError::into_inner)
}

fn end(pid: libc::pid_t, stop: i32) {
    // SAFETY: the child is ours and not collected yet, so the process id is still its own.
    unsafe { libc::kill(pid, stop) };
    let limit = Instant::now() + Duration::from_secs(3);
    while is_alive(pid) {
        if Instant::now() > limit {
            // SAFETY: as above.
            unsafe { libc::kill(pid, libc::SIGKILL) };
        }
        thread::sleep(Duration::from_millis(2));
    }
}

extern "C" fn stop_all() {
    let servers = std::mem::take(&mut *running());
    for (pid, stop) in servers {
        end(pid, stop);
    }
    place::remove_all();
}
