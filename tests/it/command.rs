//! `command`: the observation of a program, and that no process of it is left.

use std::path::Path;
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use gate::probe::Probe;
use gate::probe::command::{Command, CommandSeen};
use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::harness::Project;
use crate::observe::{context, observe_in, probe, refused};

/// The probe passes only these variables on, so all tests see the same environment.
fn path() -> String {
    std::env::var("PATH").expect("there is a PATH")
}

fn run(settings: Value) -> Result<CommandSeen, String> {
    observe_in::<Command>(&context(Path::new("/"), &[("PATH", &path()), ("SECRET", "hunter2")]), settings)
}

fn sh(line: &str) -> CommandSeen {
    run(json!({ "shell": line })).expect("it runs")
}

fn reported(seen: &CommandSeen) -> String {
    let probe: Command = probe(json!({ "shell": "x" }));
    format!("{} | {}", probe.evidence(seen), probe.advice(seen).unwrap_or_default())
}

/// The number of processes with this text in their command line.
fn alive(mark: &str) -> usize {
    let processes = std::fs::read_dir("/proc").expect("this test needs Linux").flatten();
    let lines = processes.filter_map(|process| std::fs::read(process.path().join("cmdline")).ok());
    lines.filter(|line| String::from_utf8_lossy(line).contains(mark)).count()
}

/// A sleep duration that no other process uses.
fn mark(number: usize) -> String {
    format!("9{:07}.{number:03}", std::process::id())
}

/// Typical background jobs in shells, with MARK for a sleep that would outlive us. All of these scripts end at once.
const ENDING: &[&str] = &[
    "sleep MARK &",
    "nohup sleep MARK &",
    "nohup sleep MARK >/dev/null 2>&1 &",
    "setsid sleep MARK &",
    "(setsid sleep MARK >/dev/null 2>&1 &)",
    "((sleep MARK &) &)",
    "(env -i setsid sleep MARK &)",
    "sh -c 'sh -c \"sleep MARK; true\" & true' & wait",
    "sleep MARK | cat &",
    "sleep MARK & kill -STOP $!",
    "for i in 1 2 3 4 5 6 7 8 9; do (setsid sh -c 'sleep MARK & sleep MARK & wait' &); done",
];

/// The same scripts, but they wait.
const WAITING: &[&str] = &[
    "sleep MARK",
    "exec sleep MARK",
    "sleep MARK & sleep MARK",
    "sleep MARK | cat",
    "trap '' TERM INT HUP QUIT; sleep MARK; sleep MARK",
    "trap 'kill 0' EXIT; sleep MARK & wait",
    "(env -i setsid sleep MARK &); sleep MARK",
    "setsid --wait sh -c '(sleep MARK &) ; sleep MARK'",
    "sleep MARK & kill -STOP $$",
    "while :; do sleep MARK & sleep 0.001; done",
];

#[test]
fn the_output_of_a_program_is_observed() {
    let seen = sh("echo out; echo err >&2; exit 3");
    assert_eq!((seen.exit_code, seen.signal.as_deref()), (Some(3), None));
    assert_eq!((seen.stdout.as_str(), seen.stderr.as_str(), seen.truncated), ("out", "err", false));
    assert_snapshot!(reported(&seen), @"exit 3 | stderr: err");
    assert_snapshot!(reported(&sh("kill -SEGV $$")), @"ended by SIGSEGV | ");
    let unknown = reported(&sh("no-such-program-here"));
    assert!(unknown.starts_with("exit 127 | sh: ") && unknown.ends_with(" (127: no such program)"), "{unknown}");
}

#[test]
fn json_is_read() {
    let seen = run(json!({ "argv": ["printf", "%s\\n", "{\"ready\": 3}"] })).expect("printf is installed");
    assert_eq!(seen.json, Some(json!({ "ready": 3 })));
    assert_eq!(sh("echo hello").json, None);
}

#[test]
fn no_shell_reads_the_arguments() {
    let seen = run(json!({ "argv": ["printf", "%s", "$HOME; `id` *"] })).expect("printf is installed");
    assert_eq!(seen.stdout, "$HOME; `id` *");
}

#[test]
fn input_folder_and_environment_are_what_the_checklist_says() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    std::fs::create_dir(dir.path().join("deploy")).expect("the folder is writable");
    let cx = context(dir.path(), &[("PATH", &path()), ("SECRET", "hunter2"), ("LANG", "C")]);
    let settings = json!({
        "shell": "cat; pwd; env | cut -d= -f1 | grep -v -e PWD -e SHLVL -e '^_$' | sort",
        "stdin": "typed\n", "cwd": "deploy", "env": { "TIER": "free" },
    });
    let seen = observe_in::<Command>(&cx, settings).expect("it runs");
    let folder = dir.path().canonicalize().expect("it exists").display().to_string();
    assert_snapshot!(seen.stdout.replace(&folder, "DIR"), @"
    typed
    DIR/deploy
    LANG
    PATH
    TIER
    ");
}

#[test]
fn a_program_gets_no_terminal() {
    assert_eq!(sh("cat; (: < /dev/tty) 2>/dev/null || echo no terminal").stdout, "no terminal");
}

#[test]
fn output_without_end_is_cut_and_does_not_block_the_program() {
    let seen = run(json!({ "shell": "yes | head -c 20000000; echo done >&2", "max_output": "1KiB" })).expect("it runs");
    assert_eq!((seen.exit_code, seen.stdout.len(), seen.truncated), (Some(0), 1023, true));
    assert_eq!(seen.stderr, "done");
}

#[test]
fn a_program_that_ignores_a_long_input_is_not_an_error() {
    let seen = run(json!({ "argv": ["true"], "stdin": "x".repeat(1 << 20) })).expect("it runs");
    assert_eq!(seen.exit_code, Some(0));
}

#[test]
fn reasons_why_a_program_cannot_run_are_distinguished() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    std::fs::write(dir.path().join("plain"), "hello").expect("the folder is writable");
    std::fs::write(dir.path().join("script"), "#!/no/such/shell\n").expect("the folder is writable");
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(dir.path().join("script"), mode).expect("the file is writable");
    let cx = context(dir.path(), &[("PATH", &path())]);
    let error = |settings: Value| {
        let error = observe_in::<Command>(&cx, settings).expect_err("it can't run");
        error.replace(&dir.path().display().to_string(), "DIR")
    };
    assert_snapshot!(error(json!({ "argv": ["no-such-program-here"] })), @"
    `no-such-program-here` is not installed here, or not in PATH
    help: install it, or give its whole path
    ");
    assert_snapshot!(error(json!({ "argv": ["./gone"] })), @"
    `./gone` not found
    help: relative paths start at `DIR/`
    ");
    assert_snapshot!(error(json!({ "argv": ["./plain"] })), @"
    `./plain` may not be executed
    help: is it a program, and is it executable for this user (chmod +x)?
    ");
    assert_snapshot!(error(json!({ "argv": ["./script"] })), @"
    the interpreter of `./script` does not exist
    help: its first line, `#!…`, names a program that does not exist here
    ");
    assert_snapshot!(error(json!({ "argv": ["true"], "cwd": "gone" })), @"the folder `DIR/gone` to run it in does not exist");
}

#[test]
fn settings_with_nothing_or_two_things_to_run_are_refused() {
    assert_snapshot!(refused::<Command>(json!({})), @"`argv` or `shell` is missing");
    assert_snapshot!(refused::<Command>(json!({ "argv": ["a"], "shell": "b" })), @"`argv` and `shell` can't be used together");
    assert_snapshot!(refused::<Command>(json!({ "argv": [] })), @"the program is missing: it is the first element of `argv`");
    assert_snapshot!(refused::<Command>(json!({ "shell": " " })), @"`shell` is empty");
    assert_snapshot!(refused::<Command>(json!({ "argv": ["a"], "env": { "A=B": "" } })), @"`A=B` is not a valid name of a variable");
}

#[test]
fn a_program_has_effects_unless_it_is_said_to_only_look() {
    assert!(probe::<Command>(json!({ "shell": "x" })).has_effects());
    assert!(!probe::<Command>(json!({ "shell": "x", "read_only": true })).has_effects());
}

#[test]
fn nothing_is_left_of_a_program_that_has_ended() {
    for (number, line) in ENDING.iter().enumerate() {
        let mark = mark(number);
        let start = Instant::now();
        let seen = sh(&line.replace("MARK", &mark));
        assert_eq!((seen.exit_code, alive(&mark)), (Some(0), 0), "{line}");
        assert!(start.elapsed() < Duration::from_secs(5), "{line}: what held its outputs open was waited for");
    }
}

#[test]
fn nothing_is_left_of_a_program_whose_result_is_dropped() {
    for (number, line) in WAITING.iter().enumerate() {
        let mark = mark(100 + number);
        let probe: Command = probe(json!({ "shell": line.replace("MARK", &mark) }));
        let cx = context(Path::new("/"), &[("PATH", &path())]);
        runtime().block_on(async {
            tokio::select! {
                seen = probe.observe(&cx) => panic!("{line}: it waits: {seen:?}"),
                () = until(|| alive(&format!("sleep\0{mark}")) > 0) => {}
            }
        });
        assert_eq!(alive(&mark), 0, "{line}");
    }
}

#[test]
fn a_program_whose_time_is_up_is_an_error_and_nothing_is_left_of_it() {
    let mark = mark(200);
    let cx = context(Path::new("/"), &[("PATH", &path())]).with_timeout(Duration::from_millis(300));
    let error =
        observe_in::<Command>(&cx, json!({ "shell": format!("setsid sleep {mark} & wait") })).expect_err("it waits");
    assert_snapshot!(error, @"
    `sh` timed out after 300ms
    help: it was killed, with its child processes; does it need a longer `timeout`?
    ");
    assert_eq!(alive(&mark), 0);
}

#[test]
fn fifty_programs_at_once_do_not_disturb_each_other() {
    let cx = context(Path::new("/"), &[("PATH", &path())]);
    let start = |number: usize| {
        let left = mark(300 + number);
        let line = match number % 3 {
            // Its leftover processes are killed while the others run.
            0 => format!("(setsid sleep {left} &); echo {number}"),
            1 => format!("(sleep 0.3; echo {number}) & wait"),
            _ => format!("setsid --wait sh -c 'sleep 0.2; echo {number}'"),
        };
        let cx = cx.clone();
        async move { probe::<Command>(json!({ "shell": line })).observe(&cx).await }
    };
    let ended = runtime().block_on(join_all((0..50).map(start)));
    for (number, seen) in ended.into_iter().enumerate() {
        let seen = seen.expect("it runs");
        assert_eq!((seen.exit_code, seen.stdout), (Some(0), number.to_string()), "{}", seen.stderr);
        assert_eq!(alive(&mark(300 + number)), 0);
    }
}

#[test]
fn nothing_is_left_when_we_are_killed() {
    let mark = mark(400);
    let project = Project::new(
        "
        title: T
        sections:
          - title: S
            items:
              - { id: a, title: A, probes: [{ command: { shell: \"${env.LINE}\" }, timeout: 20m }] }
    ",
    )
    .env("LINE", format!("(env -i PATH=$PATH setsid sleep {mark} &); sleep {mark}"));
    let mut gate = project.command(&["check", "staging"]).command();
    let mut other = gate.stdout(std::process::Stdio::null()).spawn().expect("it is built");
    runtime().block_on(until(|| alive(&format!("sleep\0{mark}")) == 2));
    other.kill().expect("it is a child of this process");
    other.wait().expect("it is a child of this process");
    runtime().block_on(until(|| alive(&mark) == 0));
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime")
}

async fn until(mut holds: impl FnMut() -> bool) {
    let start = Instant::now();
    while !holds() {
        assert!(start.elapsed() < Duration::from_secs(10), "the condition was not met in time");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
