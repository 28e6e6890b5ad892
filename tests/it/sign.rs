//! Sign-offs: how to sign, what is shown, and what is refused.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::harness::{Output, Project};

pub const LIST: &str = "
    title: T
    subject: ${env.RELEASE:-r1}
    sections:
      - title: Smoke
        id: smoke
        items:
          - { id: up, title: Up, probes: [{ file: { path: up } }] }
      - title: Other
        items:
          - { id: other, title: Other, probes: [{ file: { path: up } }] }
      - title: Sign-off
        items:
          - { id: qa, title: QA confirms, needs: [smoke], sign_off: { role: QA lead, valid_for: 7d } }
";

pub const DANA: &str = "Dana Reyes <dana@example.com>";
const FOLDER: &str = "checklists/staging.signoffs";
/// 2025-12-06, and days after it.
pub const DAY: u64 = 86_400;
pub const SIGNED: u64 = 1_765_015_200;

pub fn at(project: &Project, time: u64, arguments: &[&str]) -> Output {
    project.command(arguments).at(time).run()
}

/// A project with a recorded run, signed by Dana.
pub fn signed() -> Project {
    let project = Project::new(LIST).file("up", "");
    assert_eq!(at(&project, SIGNED, &["check", "staging"]).code, 1);
    let output = at(&project, SIGNED, &["sign", "staging", "qa", "--by", DANA, "--note", "costs $5 ${x}: fine"]);
    assert_eq!((output.code, output.stderr.as_str()), (0, ""));
    project
}

pub fn qa(project: &Project, time: u64) -> String {
    let output = at(project, time, &["check", "staging", "--no-record", "--format", "markdown"]);
    let line = output.stdout.lines().find(|line| line.contains("QA confirms")).expect("it is listed");
    line.trim().replace(", not compared with later runs", "")
}

pub fn replace(project: &Project, path: &str, old: &str, new: &str) {
    let text = project.read(path);
    assert!(text.contains(old), "{old} in {text}");
    fs::write(project.path().join(path), text.replace(old, new)).expect("the project's folder is writable");
}

/// The files of entries, oldest first, relative to the project.
pub fn entries(project: &Project) -> Vec<String> {
    let listed = fs::read_dir(project.path().join(FOLDER)).into_iter().flatten().flatten();
    let mut names: Vec<String> =
        listed.map(|entry| format!("{FOLDER}/{}", entry.file_name().to_string_lossy())).collect();
    names.sort();
    names
}

/// The text of the newest entry.
pub fn newest(project: &Project) -> String {
    project.read(entries(project).last().expect("there is an entry"))
}

#[test]
fn a_sign_off_that_is_given_is_passed_and_says_who_and_when() {
    let project = signed();
    assert_eq!(qa(&project, SIGNED + DAY), "- [x] QA confirms (signed 2025-12-06 by Dana Reyes for r1)");
    let markdown = at(&project, SIGNED, &["check", "staging", "--no-record", "--format", "markdown"]);
    let not_compared = "- [x] QA confirms (signed 2025-12-06 by Dana Reyes for r1, not compared with later runs)";
    assert!(markdown.stdout.contains(not_compared), "{}", markdown.stdout);
    let markdown = at(&project, SIGNED, &["check", "staging", "--format", "markdown"]);
    assert_eq!(markdown.code, 0);
    assert!(
        markdown.stdout.contains("- [x] QA confirms (signed 2025-12-06 by Dana Reyes for r1)"),
        "{}",
        markdown.stdout
    );
    let verified = at(&project, SIGNED, &["verify", "staging"]);
    assert_eq!(verified.code, 0, "{}", verified.stdout);
    assert!(verified.stdout.contains(": qa, signed 2025-12-06 by Dana Reyes for r1: valid"), "{}", verified.stdout);
    assert!(!at(&project, SIGNED, &["list"]).stdout.contains("signoffs"), "it is not a checklist");
}

#[test]
fn a_manual_item_is_judged_by_its_sign_off_and_shows_its_steps() {
    let call = "- { id: call, title: On-call answers, manual: \"1. Call\\n2. Wait\\n\", sign_off: { role: SRE } }";
    let list = LIST.replace("- { id: qa,", &format!("{call}\n          - {{ id: qa,"));
    let project = Project::new(&list).file("up", "");
    let markdown = |project: &Project| {
        let output = at(project, SIGNED, &["check", "staging", "--format", "markdown"]);
        let text = output.stdout.split_once("- [").expect("it has items").1.to_owned();
        text.lines().skip_while(|line| !line.contains("On-call")).take(4).collect::<Vec<_>>().join("\n")
    };
    assert_eq!(markdown(&project), "- [ ] On-call answers **[NEEDS SIGN-OFF]**\n\n  1. Call\n  2. Wait");
    let output = at(&project, SIGNED, &["sign", "staging", "call", "--by", DANA]);
    assert_eq!((output.code, output.stderr.as_str()), (0, ""));
    assert_eq!(
        markdown(&project),
        "- [x] On-call answers (signed 2025-12-06 by Dana Reyes for r1)\n\n  1. Call\n  2. Wait"
    );
    // Other steps need a new sign-off.
    replace(&project, "checklists/staging.yaml", "2. Wait", "2. Wait a minute");
    let changed = markdown(&project);
    assert!(
        changed.starts_with("- [ ] On-call answers **[NEEDS SIGN-OFF: signed 2025-12-06 by Dana Reyes"),
        "{changed}"
    );
    assert!(at(&project, SIGNED, &["show", "staging", "call"]).stdout.contains("manual:"));
    let listed = at(&project, SIGNED, &["list", "staging"]).stdout;
    assert!(listed.lines().any(|line| line.starts_with("call") && line.contains(" manual ")), "{listed}");
}

#[test]
fn a_run_that_is_too_old_is_not_signed() {
    let list = LIST.replace("title: Up,", "title: Up, valid_for: 1d,");
    let project = Project::new(&list).file("up", "");
    assert_eq!(at(&project, SIGNED, &["check", "staging"]).code, 1);
    let sign = ["sign", "staging", "qa", "--by", DANA];
    let late = at(&project, SIGNED + 2 * DAY, &sign);
    assert_eq!(late.code, 1);
    assert!(late.stderr.contains("up: pending: verified 2025-12-06, valid for 1d"), "{}", late.stderr);
    assert_eq!(at(&project, SIGNED + DAY / 2, &sign).code, 0);
    // The sign-off's own `valid_for` limits the run as well.
    let project = Project::new(LIST).file("up", "");
    assert_eq!(at(&project, SIGNED, &["check", "staging"]).code, 1);
    let late = at(&project, SIGNED + 7 * DAY, &sign);
    assert_eq!(late.code, 1);
    assert!(late.stderr.contains("the run is too old: it began 7d ago, and `qa` is valid for 7d"), "{}", late.stderr);
}

#[test]
fn a_sign_off_is_refused_while_its_needs_are_red_in_the_last_complete_run() {
    let project = Project::new(LIST);
    let sign = ["sign", "staging", "qa", "--by", DANA];
    let refused = |what: &str| {
        let output = project.gate(&sign);
        assert_eq!(output.code, 1);
        assert!(output.stderr.contains(what), "{}", output.stderr);
        assert!(entries(&project).is_empty());
    };
    refused("no full run of `staging` to sign");
    project.gate(&["check", "staging"]);
    refused("up: failed: ");
    fs::write(project.path().join("up"), "").expect("the project's folder is writable");
    project.gate(&["check", "staging", "--only", "smoke"]); // a partial run does not count
    refused("up: failed: ");
    project.gate(&["check", "staging"]);
    let other = project.command(&sign).env("RELEASE", "r2").run();
    assert_eq!(other.code, 1);
    assert!(other.stderr.contains("the last whole run was of r1, and this is r2"), "{}", other.stderr);
    assert!(other.stderr.contains("to sign that run, pass `--subject r1`"), "{}", other.stderr);
    let up = "title: Up, probes: [{ file: { path: up }";
    replace(&project, "checklists/staging.yaml", up, "title: Up, probes: [{ file: { path: ./up }");
    refused("the checklist has changed since the run: `up`");
    project.gate(&["check", "staging"]);
    assert_eq!(project.gate(&sign).code, 0);
}

#[test]
fn the_default_signer_is_the_user_of_git() {
    let project = Project::new(LIST).file("up", "");
    project.gate(&["check", "staging"]);
    let nobody = project.command(&["sign", "staging", "qa"]).env("GIT_CONFIG_NOSYSTEM", "1").run();
    assert_eq!(nobody.code, 2);
    assert!(nobody.stderr.contains("missing signer"), "{}", nobody.stderr);
    let git = |arguments: &[&str]| {
        assert!(
            Command::new("git").arg("-C").arg(project.path()).args(arguments).status().expect("git runs").success()
        );
    };
    git(&["init", "--quiet"]);
    git(&["config", "user.name", "Sam Lee"]);
    git(&["config", "user.email", "sam@example.com"]);
    assert_eq!(project.gate(&["sign", "staging", "qa"]).code, 0);
    let text = newest(&project);
    assert!(text.contains("by: Sam Lee") && text.contains("email: sam@example.com"), "{text}");
}

#[test]
fn several_are_signed_at_once_and_what_they_cover_is_shown() {
    let list = LIST.replace(
        "- { id: up,",
        "- { id: flaky, title: Flaky, advisory: true, probes: [{ file: { path: up } }] }\n          \
         - { id: later, title: Later, deferred: before production }\n          \
         - { id: broken, title: Broken, probes: [{ file: { path: gone } }] }\n          - { id: up,",
    );
    let list = list.replace(
        "- { id: qa,",
        "- { id: lead, title: Lead confirms, needs: [qa], sign_off: { role: Lead, valid_for: 7d } }\n          - { id: qa,",
    );
    let list = format!(
        "{list}\n    gaps:\n      - {{ gap: Broken, items: [broken], priority: P3, accepted_until: 2025-12-31, accepted_by: sam }}\n"
    );
    let project = Project::new(&list).file("up", "");
    assert_eq!(at(&project, SIGNED, &["check", "staging"]).code, 1);
    let output = at(&project, SIGNED + 3720, &["sign", "staging", "lead", "qa", "--by", DANA]);
    assert_eq!((output.code, output.stderr.as_str()), (0, ""), "{}", output.stdout);
    for said in [
        "run of 2025-12-06 10:00:00 UTC, 1h 2m ago, on ",
        "  waived: broken\n  deferred: later\n  advisory: flaky\n",
        "lead: signed 2025-12-06 by Dana Reyes for r1\n  written to checklists/staging.signoffs/20251206T110200Z-lead-",
        "qa: signed 2025-12-06 by Dana Reyes for r1\n",
    ] {
        assert!(output.stdout.contains(said), "{said} in {}", output.stdout);
    }
    assert_eq!(entries(&project).len(), 2);
    let text = project.read(entries(&project).last().expect("it exists"));
    for said in
        ["title: T", "broken: \"2025-12-31\"", "- later", "- flaky", "decision: give", "started: ", "valid_for: 7d"]
    {
        assert!(text.contains(said), "{said} in {text}");
    }
    assert_eq!(at(&project, SIGNED + 4000, &["check", "staging"]).code, 0);
    let role = at(&project, SIGNED + 4100, &["sign", "staging", "--role", "qa lead", "--by", DANA]);
    assert_eq!(role.code, 0, "{}", role.stderr);
    assert_eq!(entries(&project).len(), 3);
    let unknown = at(&project, SIGNED + 4100, &["sign", "staging", "--role", "QA led", "--by", DANA]);
    assert!(unknown.stderr.contains("no sign-off has the role `QA led`"), "{}", unknown.stderr);
}

#[test]
fn a_report_of_ci_is_signed_without_ledger_and_secrets() {
    let list = LIST.replace("path: up }", "path: \"${env.UP}\" }");
    let project = Project::new(&list).file("up", "").file("other", "");
    let ci = |arguments: &[&str], up: &str, time| project.command(arguments).env("UP", up).at(time).run();
    let report = ["check", "staging", "--no-record", "--report", "json=run.json"];
    assert_eq!(ci(&report, "up", SIGNED).code, 1);
    let sign = ["sign", "staging", "qa", "--by", DANA, "--run", "run.json"];
    let signed = at(&project, SIGNED + 60, &sign);
    assert_eq!((signed.code, signed.stderr.as_str()), (0, ""));
    assert!(!project.path().join(".gate").exists(), "no ledger is made");
    let check = ["check", "staging", "--no-record"];
    assert_eq!(ci(&check, "up", SIGNED + 120).code, 0);
    assert_eq!(ci(&check, "other", SIGNED + 120).code, 1, "another target has another definition");

    let refused = |change: &dyn Fn(&mut serde_json::Value), time, why: &str| {
        let mut run: serde_json::Value = serde_json::from_str(&project.read("run.json")).expect("it is JSON");
        change(&mut run);
        fs::write(project.path().join("changed.json"), run.to_string()).expect("the project's folder is writable");
        let sign = ["sign", "staging", "qa", "--by", DANA, "--run", "changed.json"];
        let output = at(&project, time, &sign);
        assert_eq!(output.code, 1, "{why}: {}", output.stdout);
        assert!(output.stderr.contains(why), "{why}: {}", output.stderr);
    };
    let now = SIGNED + 120;
    refused(&|run| run["partial"] = "--only up".into(), now, "the run is partial: --only up");
    refused(&|run| run["interrupted"] = "SIGINT".into(), now, "the run was interrupted: SIGINT");
    refused(&|run| run["name"] = "production".into(), now, "the run is of `production` (T)");
    refused(&|run| run["subject"] = "r2".into(), now, "the last whole run was of r2, and this is r1");
    refused(&|run| run["started"] = "2030-01-01T00:00:00Z".into(), now, "the run is from the future");
    refused(&|run| run["started"] = "2025-12-05T00:00:00Z".into(), now, "`qa` is signed for a later one");
    refused(&|_| (), SIGNED + 7 * DAY, "the run is too old");
    refused(
        &|run| run["sections"][0]["items"][0]["source"] = "0".into(),
        now,
        "the checklist has changed since the run",
    );
    // A ledger with a later run.
    assert_eq!(ci(&["check", "staging"], "up", SIGNED + 90).code, 0);
    refused(&|_| (), now, "the run is not the newest: the ledger has a later one");
    fs::write(project.path().join("changed.json"), "{}").expect("the project's folder is writable");
    let wrong = at(&project, now, &["sign", "staging", "qa", "--by", DANA, "--run", "changed.json"]);
    assert_eq!(wrong.code, 2);
    assert!(wrong.stderr.contains("it is not a JSON report of gate"), "{}", wrong.stderr);
}

#[test]
fn two_who_sign_at_once_are_both_kept() {
    let project = Project::new(&LIST.replace("role: QA lead", "role: Team")).file("up", "");
    project.gate(&["check", "staging"]);
    let names: Vec<String> = (0..8).map(|number| format!("Signer {number}")).collect();
    let children: Vec<_> = names
        .iter()
        .map(|name| {
            let command = project.command(&["sign", "staging", "qa", "--by", name]).command();
            { command }.stdout(Stdio::null()).spawn().expect("it was built")
        })
        .collect();
    for mut child in children {
        assert!(child.wait().expect("it is a child of this process").success());
    }
    let text: String = entries(&project).iter().map(|path| project.read(path)).collect();
    for name in &names {
        assert!(text.contains(name), "{name} in {text}");
    }
    assert!(!leftovers(project.path()), "nothing else is left");
}

#[test]
fn nothing_is_written_through_a_link_out_of_the_repository() {
    let project = Project::new(LIST).file("up", "").file("elsewhere/keep", "");
    assert_eq!(at(&project, SIGNED, &["check", "staging"]).code, 1);
    let outside: PathBuf = std::env::temp_dir();
    std::os::unix::fs::symlink(&outside, project.path().join(FOLDER)).expect("the project's folder is writable");
    let output = at(&project, SIGNED, &["sign", "staging", "qa", "--by", DANA]);
    assert!(output.code == 4 || output.code == 2, "{}{}", output.stdout, output.stderr);
    assert!(output.stderr.contains("leads out of the repository"), "{}", output.stderr);
}

fn leftovers(project: &Path) -> bool {
    let entries = fs::read_dir(project.join(FOLDER)).expect("it exists").flatten();
    entries.map(|entry| entry.file_name()).any(|name| name.to_string_lossy().starts_with('.'))
}

#[test]
fn uncommitted_changes_and_overrides_are_shown_before_signing() {
    let project = Project::new(
        "
        title: T
        subject: r1
        vars: { path: up }
        sections:
          - title: S
            items:
              - { id: a, title: A, probes: [{ file: { path: \"${vars.path}\" } }] }
              - { id: qa, title: QA, needs: [a], sign_off: { role: QA lead, valid_for: 7d } }
        ",
    )
    .file("up", "")
    .file("other", "");
    let git = |arguments: &[&str]| {
        let identity = ["-c", "user.name=Dana", "-c", "user.email=dana@example.com"];
        let mut command = Command::new("git");
        command.args(identity).args(arguments).current_dir(project.path()).env("GIT_CONFIG_GLOBAL", "/dev/null");
        assert!(command.status().expect("git is installed").success());
    };
    git(&["init", "-q"]);
    git(&["add", "-A"]);
    git(&["commit", "-qm", "Begin"]);
    fs::write(project.path().join("up"), "changed").expect("the project's folder is writable");
    let report = ["check", "staging", "--no-record", "--var", "path=other", "--report", "json=run.json"];
    assert_eq!(project.gate(&report).code, 1);
    let output = project.gate(&["sign", "staging", "qa", "--by", DANA, "--run", "run.json", "--var", "path=other"]);
    assert_eq!(output.code, 0, "{}", output.stderr);
    for shown in [", commit ", "uncommitted changes: tracked files differed from that commit", "--var: path=other"] {
        assert!(output.stdout.contains(shown), "{shown}: {}", output.stdout);
    }
}

#[test]
fn an_interrupted_run_in_the_ledger_is_not_signed() {
    let project = Project::new(
        "
        title: T
        subject: r1
        sections:
          - title: S
            items:
              - { id: a, title: A, probes: [{ command: { argv: [cat, slow] }, timeout: 60s }] }
              - { id: qa, title: QA, needs: [a], sign_off: { role: QA lead, valid_for: 7d } }
        ",
    );
    let slow = project.path().join("slow");
    assert!(Command::new("mkfifo").arg(&slow).status().expect("mkfifo is installed").success());
    project.gate(&["check", "staging", "--deadline", "300ms"]);
    let output = project.gate(&["sign", "staging", "qa", "--by", DANA]);
    assert_eq!(output.code, 1, "{}{}", output.stdout, output.stderr);
    assert!(output.stderr.contains("no full run") || output.stderr.contains("interrupted"), "{}", output.stderr);
    assert!(entries(&project).is_empty());
}
