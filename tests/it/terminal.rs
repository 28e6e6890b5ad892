//! `gate check` on a terminal and in a log, quiet, verbose, and with only the failed items.

use std::fs;
use std::sync::{Mutex, mpsc};

use crate::harness::{HttpServer, Project, Response, Terminal, http};

/// A secret that must not be shown.
const SECRET: &str = "hunter2-c0ffee";

/// A server that answers each request when the test says so.
fn held() -> (HttpServer, mpsc::Sender<()>) {
    let (sender, go) = mpsc::channel::<()>();
    let go = Mutex::new(go);
    let server = http(move |_| {
        // An error is fine, too: the test has ended.
        let _ = go.lock().expect("no panic").recv();
        Response::ok("fine")
    });
    (server, sender)
}

/// A checklist with a slow item, one that fails, and one that is retried, all with wide titles.
const WIDE: &str = "
    title: 🚀 部署检查
    subject: r1
    secrets:
      TOKEN:
    sections:
      - title: S
        items:
          - { id: slow, title: \"🚀🚀 数据库迁移必须处于最新版本 and a title that is much longer than a narrow terminal is wide 🚀\", probes: [{ http: { url: \"${env.API}/\" }, timeout: 2m }] }
          - { id: other, title: \"発売準備 ${env.TOKEN} 🎉\", locks: [a], probes: [{ http: { url: \"${env.API}/\" }, timeout: 2m }] }
          - { id: red, title: 失败, probes: [{ command: { argv: [sh, -c, \"echo $TOKEN; exit 1\"], env: { TOKEN: \"${secrets.TOKEN}\" } } }] }
          - { id: again, title: 再び, probes: [{ command: { argv: [sh, -c, \"echo $TOKEN >&2; exit 1\"], env: { TOKEN: \"${secrets.TOKEN}\" } }, retry: { attempts: 150, every: 10ms } }] }
";

#[test]
fn live_progress_leaves_nothing_behind_and_shows_no_secret() {
    for columns in [60, 80, 120] {
        let (server, go) = held();
        let project = Project::new(WIDE).env("API", server.url()).env("TOKEN", SECRET);
        let gate = project.command(&["check", "staging", "--deadline", "100s"]);
        let mut terminal = Terminal::start(gate, columns);
        let (mut draws, mut most) = (0, 0);
        let is_shown = terminal.wait_for(|seen| {
            let lines = seen.lines().filter(|line| line.contains("of 4 items")).count();
            most = most.max(lines);
            draws += 1;
            // Often enough that a wrong line count would add up.
            draws > 15 && seen.contains("slow — 🚀🚀 数据库") && seen.contains("✗ red")
        });
        assert!(is_shown, "{columns}: {}", terminal.seen());
        assert_eq!(most, 1, "{columns}: {}", terminal.seen());
        let progress = terminal.seen();
        assert_eq!(progress.matches("slow —").count(), 1, "{columns}: {progress}");
        drop(go);
        assert_eq!(terminal.end(), 1);
        let seen = terminal.seen();
        assert!(seen.starts_with("🚀 部署检查 · r1\n"), "{columns}: {seen}");
        assert!(!seen.contains("of 4 items") && !seen.contains("running"), "{columns}: {seen}");
        assert!(!terminal.raw().contains(SECRET), "{columns}");
        assert!(terminal.raw().contains("\u{1b}[1m\u{1b}[31m✗ red"), "{columns}: the live lines have colours");
    }
}

/// An item that is green while a file exists, and others that are green.
const FILE: &str = "
    title: T
    sections:
      - title: S
        items:
          - { id: up, title: Up, probes: [{ file: { path: up } }] }
          - { id: fine, title: Fine, probes: [{ command: { argv: [\"true\"] } }] }
          - { id: after, title: After, needs: [up], probes: [{ command: { argv: [\"true\"] } }] }
";

#[test]
fn colours_are_where_the_command_line_the_environment_and_the_terminal_want_them() {
    let project = Project::new(FILE);
    let is_colored = |arguments: &[&str], variables: &[(&str, &str)]| {
        let all = [&["check", "staging", "--no-record"], arguments].concat();
        let command = project.command(&all);
        let output = variables.iter().fold(command, |command, (name, value)| command.env(name, value)).run();
        assert_eq!(output.code, 1, "{}", output.stderr);
        output.stdout.contains('\u{1b}')
    };
    assert!(!is_colored(&[], &[]), "it is not a terminal");
    for name in ["FORCE_COLOR", "CLICOLOR_FORCE"] {
        assert!(is_colored(&[], &[(name, "1")]), "{name}");
        assert!(!is_colored(&[], &[(name, "1"), ("NO_COLOR", "1")]), "{name}");
        assert!(!is_colored(&["--color", "never"], &[(name, "1")]), "{name}");
    }
    assert!(is_colored(&["--color=always"], &[("NO_COLOR", "1")]));
    assert!(!is_colored(&["--color=auto"], &[]));
    let wrong = project.gate(&["check", "staging", "--color=sometimes"]);
    assert_eq!(wrong.code, 2);
    assert!(wrong.stderr.contains("auto, always, never"), "{}", wrong.stderr);
    // Errors and help are colored, too.
    assert!(project.gate(&["check", "nothing", "--color=always"]).stderr.contains('\u{1b}'));
    assert!(project.gate(&["check", "--nothing", "--color=always"]).stderr.contains('\u{1b}'));
    assert!(project.gate(&["check", "--help", "--color=always"]).stdout.contains('\u{1b}'));
    let mut terminal = Terminal::start(project.command(&["check", "staging", "--no-record"]).env("CLICOLOR", "0"), 80);
    assert_eq!(terminal.end(), 1);
    assert!(!terminal.raw().contains("\u{1b}[1m"), "{}", terminal.raw());
}

#[test]
fn quiet_counts_green_items_and_verbose_shows_what_they_returned() {
    let project = Project::new(FILE).file("up", "");
    let shown = |option: &str| project.gate(&["check", "staging", "--no-record", option]).stdout;
    assert!(shown("-q").contains("\nS\n✓ 3 passed\n"), "{}", shown("-q"));
    let verbose = shown("-v");
    for line in
        ["\n✓ fine — Fine\n  passed: ", "\n  expect: exit_code: expected 0, got 0\n", "\n  returned: {\"exit_code\":0,"]
    {
        assert!(verbose.contains(line), "{line} in {verbose}");
    }
    assert_eq!(project.gate(&["check", "staging", "-q", "-v"]).code, 2);
}

#[test]
fn failed_runs_what_was_not_green_in_the_last_run() {
    let project = Project::new(FILE);
    let none = project.gate(&["check", "staging", "--failed"]);
    assert_eq!(none.code, 2);
    assert!(none.stderr.contains("no run of `staging` is recorded in `.gate/ledger.db`"), "{}", none.stderr);
    assert!(none.stderr.contains("run `gate check staging` first"), "{}", none.stderr);
    assert_eq!(project.gate(&["check", "staging"]).code, 1);
    fs::write(project.path().join("up"), "").expect("the project's folder is writable");
    let failed = project.gate(&["check", "staging", "--failed"]);
    assert_eq!(failed.code, 0, "{}", failed.stdout);
    assert!(failed.stdout.contains("Up") && failed.stdout.contains("After"), "{}", failed.stdout);
    assert!(!failed.stdout.contains("Fine"), "{}", failed.stdout);
    assert!(failed.stdout.contains("PARTIAL: not everything was run (--failed)"), "{}", failed.stdout);
    let green = project.gate(&["check", "staging", "--failed"]);
    assert_eq!(green.code, 2);
    assert!(green.stderr.contains("every item was green in the last run (run 2, "), "{}", green.stderr);
}

#[test]
fn waiting_says_what_for_and_why_without_a_terminal_too() {
    let (server, go) = held();
    let list = FILE.replace(
        "argv: [\"true\"] } }] }\n          - { id: after",
        "argv: [\"false\"] } }] }\n          - { id: after",
    );
    let project = Project::new(&list);
    let check = |option: &[&str]| {
        let arguments = [&["check", "staging", "--no-record", "--wait=300ms", "--interval=100ms"], option].concat();
        project.gate(&arguments).stderr
    };
    let said = check(&[]);
    let line = said.lines().next().unwrap_or_default();
    assert!(line.starts_with("gate: 3 of 3 items · 2 failed · 1 blocked · 0s · waits for "), "{said}");
    assert!(line.contains("up: exists: `up` does not exist") && line.contains("fine: "), "{said}");
    assert_eq!(said.lines().count(), 1, "nothing changed: {said}");
    assert_eq!(check(&["-q"]), "");
    drop((server, go));
}

#[test]
fn the_interval_is_the_pause_between_two_rounds() {
    let project = Project::new(&FILE.replace(
        "argv: [\"true\"] } }] }\n          - { id: after",
        "shell: \"echo >> rounds; false\" } }] }\n          - { id: after",
    ));
    let output = project.gate(&["check", "staging", "--no-record", "--only=fine", "--wait=3s", "--interval=2s"]);
    assert_eq!(output.code, 1);
    assert_eq!(
        project.read("rounds").lines().count(),
        2,
        "the second round begins after 2 s, and the third would after 4 s"
    );
}
