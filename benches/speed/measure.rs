//! One program, measured from its start to its end: wall time, CPU time, peak memory.

use std::fs::File;
use std::os::fd::{FromRawFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::installed::installed;

/// How long the turns of one comparison may take together; at least [`LEAST`] are taken.
const BUDGET: Duration = Duration::from_secs(30);
/// So few turns still have a median worth the name.
const LEAST: usize = 5;
/// Whatever takes longer is ended, in seconds.
const AT_MOST: u32 = 60;

/// The cost of one execution.
#[derive(Debug, Clone, Copy)]
pub struct Cost {
    /// From its start to its end, in milliseconds.
    pub wall: f64,
    /// In it and in the kernel for it, in milliseconds. Programs that it starts and waits for are counted, too.
    pub cpu: f64,
    /// At most at a time, in MiB.
    pub memory: f64,
}

/// A program to be measured.
#[derive(Clone)]
pub struct Subject {
    /// The program and its arguments. Its output is ignored.
    pub arguments: Vec<String>,
    /// Where.
    pub folder: std::path::PathBuf,
    /// Variables besides PATH and HOME.
    pub variables: Vec<(String, String)>,
    /// Whether it thinks that somebody watches: its standard error is a terminal.
    pub is_watched: bool,
    /// Whether it may find something red.
    pub is_red: bool,
}

impl Subject {
    /// A program in a folder.
    pub fn new(folder: &Path, program: &Path, arguments: &[&str]) -> Self {
        let program = installed(program).into_os_string().into_string().expect("the path of the build folder is UTF-8");
        let arguments = std::iter::once(program).chain(arguments.iter().map(|text| (*text).to_owned())).collect();
        Self { arguments, folder: folder.to_owned(), variables: Vec::new(), is_watched: false, is_red: false }
    }

    /// The same, run by another `gate`, which has a ledger of its own: an earlier one can't read that of a later one.
    pub fn by(&self, program: &str) -> Self {
        let program = installed(program.as_ref()).display().to_string();
        let arguments = std::iter::once(program).chain(self.arguments[1..].iter().cloned()).collect();
        let ledger = [("GATE_LEDGER".to_owned(), ".gate/beside.db".to_owned())];
        let variables = self.variables.iter().cloned().chain(ledger).collect();
        Self { arguments, folder: self.folder.clone(), variables, ..*self }
    }

    /// The same in front of somebody.
    pub fn watched(self) -> Self {
        Self { is_watched: true, ..self }
    }

    /// The same, which may find something red.
    pub fn red(self) -> Self {
        Self { is_red: true, ..self }
    }

    /// Runs it once.
    fn cost(&self) -> Cost {
        self.attempt().unwrap_or_else(|why| panic!("{:?}: {why}", self.arguments.first()))
    }

    /// Runs it once, from a small process of its own: the peak of a child counts what its parent had when it forked.
    ///
    /// # Errors
    /// The output of a failed program.
    pub fn attempt(&self) -> Result<Cost, String> {
        let mut helper = Command::new(std::env::current_exe().expect("the system knows"));
        helper.arg(match (self.is_watched, self.is_red) {
            (true, _) => "measure-watched",
            (_, true) => "measure-red",
            _ => "measure",
        });
        helper.args(&self.arguments);
        helper.current_dir(&self.folder).env_clear().env("HOME", &self.folder).env("TERM", "xterm");
        helper.env("PATH", std::env::var_os("PATH").unwrap_or_default());
        helper.envs(self.variables.iter().map(|(name, value)| (name, value)));
        let output = helper.output().expect("this program can be started");
        let said = String::from_utf8_lossy(&output.stdout);
        let numbers: Vec<f64> = said.split_whitespace().filter_map(|word| word.parse().ok()).collect();
        match numbers.as_slice() {
            [wall, cpu, memory] if output.status.success() => Ok(Cost { wall: *wall, cpu: *cpu, memory: *memory }),
            _ => Err(format!("{said}{}", String::from_utf8_lossy(&output.stderr))),
        }
    }
}

/// Runs a subject five times, and does this after each. The median of what it cost.
pub fn each_time(subject: &Subject, mut after: impl FnMut()) -> Cost {
    let costs: Vec<Cost> = (0..LEAST)
        .map(|_| {
            let cost = subject.cost();
            after();
            cost
        })
        .collect();
    let median = |part: fn(&Cost) -> f64| median(costs.iter().map(part).collect());
    Cost { wall: median(|cost| cost.wall), cpu: median(|cost| cost.cpu), memory: median(|cost| cost.memory) }
}

/// Runs the subjects in turn, so many times as the time allows, after one turn that warms up. The medians of each.
pub fn in_turn<const N: usize>(turns: usize, subjects: [&Subject; N]) -> [Cost; N] {
    for subject in subjects {
        subject.cost();
    }
    let costs = warm_in_turn(turns, &subjects);
    std::array::from_fn(|at| costs[at])
}

/// The same with any number of subjects, each of which ran before.
pub fn warm_in_turn(turns: usize, subjects: &[&Subject]) -> Vec<Cost> {
    let begun = Instant::now();
    let goes_on = |turn: &usize| *turn < LEAST || begun.elapsed() < BUDGET;
    let turn = |_| subjects.iter().map(|subject| subject.cost()).collect();
    let costs: Vec<Vec<Cost>> = (0..turns).take_while(goes_on).map(turn).collect();
    let medians = (0..subjects.len()).map(|at| {
        let median = |part: fn(&Cost) -> f64| median(costs.iter().map(|turn| part(&turn[at])).collect());
        Cost { wall: median(|cost| cost.wall), cpu: median(|cost| cost.cpu), memory: median(|cost| cost.memory) }
    });
    medians.collect()
}

fn median(mut numbers: Vec<f64>) -> f64 {
    numbers.sort_by(f64::total_cmp);
    let middle = numbers.len() / 2;
    if numbers.len() % 2 == 1 { numbers[middle] } else { f64::midpoint(numbers[middle - 1], numbers[middle]) }
}

/// In the small process: runs a program, and prints what it took. It fails when the program does.
#[expect(clippy::zombie_processes, reason = "`wait4` waits for it, and says what it took")]
pub fn main(arguments: &[String], is_watched: bool, is_red: bool) {
    let mut command = Command::new(&arguments[0]);
    command.args(&arguments[1..]).stdin(Stdio::null()).stdout(Stdio::null());
    if is_watched {
        command.stderr(terminal());
    }
    // SAFETY: `alarm` is safe to call between fork and exec, and outlives the latter.
    unsafe {
        command.pre_exec(|| {
            libc::alarm(AT_MOST);
            Ok(())
        });
    }
    let begun = Instant::now();
    let child = command.spawn().unwrap_or_else(|error| panic!("{}: {error}", arguments[0]));
    let pid = libc::pid_t::try_from(child.id()).expect("a process id fits");
    // SAFETY: both are ours to be written, and the child is waited for nowhere else.
    let (ended, status, usage) = unsafe {
        let (mut status, mut usage) = (0, std::mem::zeroed::<libc::rusage>());
        (libc::wait4(pid, &raw mut status, 0, &raw mut usage), status, usage)
    };
    let wall = begun.elapsed();
    let is_expected = status == 0 || is_red && libc::WIFEXITED(status) && matches!(libc::WEXITSTATUS(status), 1 | 3);
    assert!(ended == pid && is_expected, "it ended with status {status:#x}");
    let milliseconds = |time: libc::timeval| time.tv_sec as f64 * 1e3 + time.tv_usec as f64 / 1e3;
    let cpu = milliseconds(usage.ru_utime) + milliseconds(usage.ru_stime);
    let unit = if cfg!(target_os = "macos") { 1024.0 * 1024.0 } else { 1024.0 };
    println!("{} {cpu} {}", wall.as_secs_f64() * 1e3, usage.ru_maxrss as f64 / unit);
}

/// One end of a new terminal, whose other end is read to nowhere.
fn terminal() -> Stdio {
    let (mut near, mut far) = (0, 0);
    let mut size = libc::winsize { ws_row: 24, ws_col: 80, ws_xpixel: 0, ws_ypixel: 0 };
    let (name, settings) = (std::ptr::null_mut(), std::ptr::null_mut());
    // SAFETY: two places for descriptors and a size, all ours; nothing else is asked for.
    let opened = unsafe { libc::openpty(&raw mut near, &raw mut far, name, settings, &raw mut size) };
    assert_eq!(opened, 0, "the system has terminals");
    // SAFETY: both were just made and belong to nobody.
    let (mut near, far) = unsafe { (File::from_raw_fd(near), OwnedFd::from_raw_fd(far)) };
    // It fails when the other end is closed: then all is read.
    std::thread::spawn(move || std::io::copy(&mut near, &mut std::io::sink()).ok());
    far.into()
}
