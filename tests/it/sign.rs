//! Sign-offs: who may give one, what it is bound to, why it no longer counts, and what is never accepted.

use std::fs;
use std::io::Read;
use std::path::Path;
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
const FILE: &str = "checklists/staging.signoffs.yaml";
/// 2025-12-06, and days after it.
const DAY: u64 = 86_400;
pub const SIGNED: u64 = 1_765_015_200;

pub fn at(project: &Project, time: u64, arguments: &[&str]) -> Output {
    project.command(arguments).at(time).run()
}

/// A project that was checked, and signed by Dana.
fn signed() -> Project {
    let project = Project::new(LIST).file("up", "");
    assert_eq!(at(&project, SIGNED, &["check", "staging"]).code, 1);
    let output = at(&project, SIGNED, &["sign", "staging", "qa", "--by", DANA, "--note", "costs $5 ${x}: fine"]);
    assert_eq!((output.code, output.stderr.as_str()), (0, ""));
    project
}

fn qa(project: &Project, time: u64) -> String {
    let output = at(project, time, &["check", "staging", "--no-record", "--format", "markdown"]);
    output.stdout.lines().find(|line| line.contains("QA confirms")).expect("it is listed").trim().to_owned()
}

fn replace(project: &Project, path: &str, old: &str, new: &str) {
    let text = project.read(path);
    assert!(text.contains(old), "{old} in {text}");
    fs::write(project.path().join(path), text.replace(old, new)).expect("the project is ours");
}

#[test]
fn a_sign_off_that_is_given_is_passed_and_says_who_and_when() {
    let project = signed();
    assert_eq!(qa(&project, SIGNED + DAY), "- [x] QA confirms (signed 2025-12-06 by Dana Reyes for r1)");
    let markdown = at(&project, SIGNED, &["check", "staging", "--no-record", "--format", "markdown"]);
    assert_eq!(markdown.code, 0);
    assert!(
        markdown.stdout.contains("- [x] QA confirms (signed 2025-12-06 by Dana Reyes for r1)"),
        "{}",
        markdown.stdout
    );
    let verified = at(&project, SIGNED, &["verify", "staging"]);
    assert_eq!(verified.code, 0, "{}", verified.stdout);
    assert!(verified.stdout.contains(": qa: signed 2025-12-06 by Dana Reyes for r1: valid"), "{}", verified.stdout);
    assert!(!at(&project, SIGNED, &["list"]).stdout.contains("signoffs"), "it is no checklist");
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
    // Other steps need another sign-off.
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
fn nothing_is_signed_on_what_was_green_too_long_ago() {
    let list = LIST.replace("title: Up,", "title: Up, valid_for: 1d,");
    let project = Project::new(&list).file("up", "");
    assert_eq!(at(&project, SIGNED, &["check", "staging"]).code, 1);
    let sign = ["sign", "staging", "qa", "--by", DANA];
    let late = at(&project, SIGNED + 2 * DAY, &sign);
    assert_eq!(late.code, 1);
    assert!(late.stderr.contains("up: pending: verified 2025-12-06, valid for 1d"), "{}", late.stderr);
    assert_eq!(at(&project, SIGNED + DAY / 2, &sign).code, 0);
}

#[test]
fn nothing_is_signed_while_what_it_needs_is_not_green_in_the_last_whole_run() {
    let project = Project::new(LIST);
    let sign = ["sign", "staging", "qa", "--by", DANA];
    let refused = |what: &str| {
        let output = project.gate(&sign);
        assert_eq!(output.code, 1);
        assert!(output.stderr.contains(what), "{}", output.stderr);
        assert!(!project.path().join(FILE).exists());
    };
    refused("there is no whole run of `staging` to sign");
    project.gate(&["check", "staging"]);
    refused("up: failed: ");
    fs::write(project.path().join("up"), "").expect("the project is ours");
    project.gate(&["check", "staging", "--only", "smoke"]); // a partial run does not count
    refused("up: failed: ");
    project.gate(&["check", "staging"]);
    let other = project.command(&sign).env("RELEASE", "r2").run();
    assert_eq!(other.code, 1);
    assert!(other.stderr.contains("the last whole run was of r1, and this is r2"), "{}", other.stderr);
    let up = "title: Up, probes: [{ file: { path: up }";
    replace(&project, "checklists/staging.yaml", up, "title: Up, probes: [{ file: { path: ./up }");
    refused("the checklist has changed since the last whole run: `up`");
    project.gate(&["check", "staging"]);
    assert_eq!(project.gate(&sign).code, 0);
}

#[test]
fn each_reason_why_it_is_pending_again_is_told_apart() {
    let project = signed();
    let other =
        project.command(&["check", "staging", "--no-record", "--format", "markdown"]).env("RELEASE", "r2").run();
    assert!(other.stdout.contains("signed 2025-12-06 by Dana Reyes for r1, and now it is r2"), "{}", other.stdout);
    assert!(
        qa(&project, SIGNED + 8 * DAY).contains("which counted until 2025-12-13T"),
        "{}",
        qa(&project, SIGNED + 8 * DAY)
    );
    let partial = at(&project, SIGNED, &["check", "staging", "--no-record", "--format", "markdown", "--only", "qa"]);
    assert_eq!(partial.code, 1);
    assert!(partial.stdout.contains("a partial run"), "{}", partial.stdout);

    fs::remove_file(project.path().join("up")).expect("it is there");
    let red = qa(&project, SIGNED);
    assert!(
        red.contains("NEEDS SIGN-OFF: signed 2025-12-06 by Dana Reyes for r1, but what it covers turned red: up: "),
        "{red}"
    );
    fs::write(project.path().join("up"), "").expect("the project is ours");

    replace(
        &project,
        "checklists/staging.yaml",
        "id: other, title: Other,",
        "id: other, title: Other, exclusive: true,",
    );
    replace(&project, "checklists/staging.yaml", "title: Up,", "title: Upper,");
    assert!(qa(&project, SIGNED).contains("[x]"), "an edit elsewhere, or of a title, changes nothing");
    let up = ("title: Upper, probes: [{ file: { path: up } }]", "title: Upper, probes: [{ file: { path: ./up } }]");
    replace(&project, "checklists/staging.yaml", up.0, up.1);
    let changed = qa(&project, SIGNED);
    assert!(changed.contains("says something else now"), "{changed}");
    replace(&project, "checklists/staging.yaml", up.1, up.0);

    let output = at(&project, SIGNED + 60, &["sign", "staging", "qa", "--revoke", "--by", "Sam"]);
    assert_eq!(output.code, 0, "{}", output.stderr);
    assert!(
        qa(&project, SIGNED + 120).contains("NEEDS SIGN-OFF: revoked 2025-12-06 by Sam for r1"),
        "{}",
        qa(&project, SIGNED + 120)
    );
    let verified = at(&project, SIGNED + 120, &["verify", "staging"]);
    assert_eq!(verified.code, 0, "{}", verified.stdout);
    assert!(verified.stdout.contains("superseded: revoked"), "{}", verified.stdout);
}

#[test]
fn who_signs_is_gits_user_unless_somebody_is_named() {
    let project = Project::new(LIST).file("up", "");
    project.gate(&["check", "staging"]);
    let nobody = project.command(&["sign", "staging", "qa"]).env("GIT_CONFIG_NOSYSTEM", "1").run();
    assert_eq!(nobody.code, 2);
    assert!(nobody.stderr.contains("nobody says who signs"), "{}", nobody.stderr);
    let git = |arguments: &[&str]| {
        assert!(
            Command::new("git").arg("-C").arg(project.path()).args(arguments).status().expect("git runs").success()
        );
    };
    git(&["init", "--quiet"]);
    git(&["config", "user.name", "Sam Lee"]);
    git(&["config", "user.email", "sam@example.com"]);
    assert_eq!(project.gate(&["sign", "staging", "qa"]).code, 0);
    let text = project.read(FILE);
    assert!(text.contains("by: Sam Lee") && text.contains("email: sam@example.com"), "{text}");
}

#[test]
fn a_copy_one_from_elsewhere_and_one_in_another_role_are_refused() {
    let project = signed();
    let whole = project.read(FILE);
    let entry = whole.split_once('\n').expect("a comment goes before it").1.to_owned();
    let with = |text: String| {
        fs::write(project.path().join(FILE), text).expect("the project is ours");
        let output = at(&project, SIGNED + 120, &["verify", "staging"]);
        assert_eq!(output.code, 1, "{}", output.stdout);
        output.stdout
    };
    at(&project, SIGNED + 60, &["sign", "staging", "qa", "--revoke", "--by", "Sam"]);
    assert!(with(format!("{}{entry}", project.read(FILE))).contains("REFUSED: it is a copy or out of order"));
    assert!(qa(&project, SIGNED + 120).contains("revoked"));
    let cases = [
        ("item: qa", "item: up", "there is no sign-off called `up`"),
        ("checklist: staging", "checklist: prod", "it was made for the checklist `prod`"),
        ("role: QA lead", "role: SRE", "it was given as SRE, and QA lead is asked for"),
        ("at: \"2025", "at: \"2035", "it is from the future"),
    ];
    for (old, new, why) in cases {
        assert!(entry.contains(old), "{entry}");
        assert!(with(entry.replace(old, new)).contains(why), "{why}");
        assert!(!qa(&project, SIGNED + 120).contains("[x]"), "{why}");
    }
}

#[test]
fn a_file_that_is_not_as_it_should_be_stops_everything_and_is_left_alone() {
    let project = signed();
    replace(&project, FILE, "role:", "rolle:");
    let before = project.read(FILE);
    let sign = &["sign", "staging", "qa", "--by", DANA];
    for arguments in [&["check", "staging", "--no-record"][..], &["verify", "staging"], sign] {
        let output = at(&project, SIGNED + 60, arguments);
        assert_eq!(output.code, 2);
        assert!(
            output.stderr.contains("unknown key `rolle`") && output.stderr.contains("staging.signoffs.yaml:"),
            "{}",
            output.stderr
        );
    }
    assert_eq!(project.read(FILE), before);
}

/// A key pair in the project.
fn key(project: &Project, name: &str) -> String {
    let path = project.path().join(name);
    let made = Command::new("ssh-keygen").args(["-q", "-t", "ed25519", "-N", "", "-C", "", "-f"]).arg(&path).status();
    assert!(made.expect("ssh-keygen is installed").success());
    fs::read_to_string(path.with_extension("pub")).expect("it was made").trim().to_owned()
}

/// A project whose sign-off has to be signed with a key, by Dana.
fn with_keys(allowed: impl FnOnce(&str) -> String) -> Project {
    let list = LIST.replace("valid_for: 7d", "signed: true, by: [dana@example.com]");
    let list = list.replace("subject:", "allowed_signers: signers\n    subject:");
    let project = Project::new(&list).file("up", "");
    let dana = key(&project, "dana");
    let project = project.file("signers", &allowed(&dana));
    assert_eq!(at(&project, SIGNED, &["check", "staging"]).code, 1);
    project
}

fn sign_with(project: &Project, by: &str, key: &str) -> Output {
    at(project, SIGNED, &["sign", "staging", "qa", "--by", by, "--key", key])
}

#[test]
fn a_real_signature_is_accepted_and_any_change_to_what_it_covers_is_not() {
    let project = with_keys(|key| format!("dana@example.com namespaces=\"gate-signoff\" {key}\n"));
    let bare = at(&project, SIGNED, &["sign", "staging", "qa", "--by", DANA]);
    assert_eq!(bare.code, 2);
    assert!(bare.stderr.contains("counts only when it is signed with a key"), "{}", bare.stderr);
    let output = sign_with(&project, DANA, "dana");
    assert_eq!((output.code, output.stderr.as_str()), (0, ""));
    assert!(qa(&project, SIGNED).contains("[x]"), "{}", qa(&project, SIGNED));
    assert_eq!(at(&project, SIGNED, &["verify", "staging"]).code, 0);

    let whole = project.read(FILE);
    let other =
        project.command(&["check", "staging", "--no-record", "--format", "markdown"]).env("RELEASE", "r2").run();
    assert!(other.stdout.contains("and now it is r2"), "{}", other.stdout);
    let changes = [
        ("subject: r1", "subject: r2"),
        ("by: Dana Reyes", "by: Sam Lee"),
        ("covers: sha256:", "covers: sha256:0"),
        ("at: \"2025-12-06", "at: \"2025-12-05"),
    ];
    for (old, new) in changes {
        replace(&project, FILE, old, new);
        let verified = at(&project, SIGNED, &["verify", "staging"]);
        assert_eq!(verified.code, 1, "{new}: {}", verified.stdout);
        assert!(
            verified.stdout.contains("REFUSED: its signature is not good for dana@example.com"),
            "{}",
            verified.stdout
        );
        assert!(!qa(&project, SIGNED).contains("[x]"), "{new}");
        fs::write(project.path().join(FILE), &whole).expect("the project is ours");
    }
    let cut = whole.split("signature:").next().expect("it has one").trim_end().to_owned() + "\n";
    fs::write(project.path().join(FILE), cut).expect("the project is ours");
    assert!(at(&project, SIGNED, &["verify", "staging"]).stdout.contains("not signed with a key, and has to be"));
}

#[test]
fn a_key_of_somebody_else_for_something_else_or_out_of_time_is_refused() {
    let project = with_keys(|key| format!("dana@example.com {key}\n"));
    let mallory = key(&project, "mallory");
    assert_eq!(sign_with(&project, DANA, "mallory").code, 0, "the file has the last word");
    assert!(at(&project, SIGNED, &["verify", "staging"]).stdout.contains("REFUSED: its signature is not good"));
    assert!(!qa(&project, SIGNED).contains("[x]"));
    let wrong = sign_with(&project, "Mallory <mallory@example.com>", "mallory");
    assert_eq!(wrong.code, 1);
    assert!(wrong.stderr.contains("mallory@example.com may not sign as QA lead"), "{}", wrong.stderr);
    drop(mallory);

    for options in ["namespaces=\"git\"", "valid-before=\"20250101Z\"", "valid-after=\"20300101Z\""] {
        let project = with_keys(|key| format!("dana@example.com {options} {key}\n"));
        assert_eq!(sign_with(&project, DANA, "dana").code, 0);
        let verified = at(&project, SIGNED, &["verify", "staging"]);
        assert_eq!(verified.code, 1, "{options}: {}", verified.stdout);
        assert!(!qa(&project, SIGNED).contains("[x]"), "{options}");
    }
    let project = with_keys(|key| format!("dana@example.com {key}\n"));
    assert_eq!(sign_with(&project, DANA, "dana").code, 0);
    fs::remove_file(project.path().join("signers")).expect("it is there");
    assert!(at(&project, SIGNED, &["verify", "staging"]).stdout.contains("there is no file of allowed signers"));
}

/// An agent, ended with the test.
struct Agent(std::process::Child);

impl Drop for Agent {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn a_key_that_only_the_agent_holds_signs_too() {
    let project = with_keys(|key| format!("dana@example.com {key}\n"));
    let socket = project.path().join("agent");
    let mut agent = Command::new("ssh-agent");
    agent.args(["-D", "-a"]).arg(&socket).stdout(Stdio::piped());
    let mut agent = Agent(agent.spawn().expect("ssh-agent is installed"));
    // It says where it listens when it does.
    let mut said = [0; 1];
    agent.0.stdout.as_mut().expect("it is piped").read_exact(&mut said).expect("it says something");
    let mut add = Command::new("ssh-add");
    let added = add.env("SSH_AUTH_SOCK", &socket).arg("-q").arg(project.path().join("dana")).status();
    assert!(added.expect("ssh-add is installed").success());
    fs::remove_file(project.path().join("dana")).expect("it is there");
    let sign = ["sign", "staging", "qa", "--by", DANA, "--key", "dana.pub"];
    let signed = |socket: &Path| {
        let command = project.command(&sign).at(SIGNED);
        command.env("SSH_AUTH_SOCK", socket.to_str().expect("it is UTF-8")).run()
    };
    let without = signed(Path::new("/dev/null"));
    assert_eq!(without.code, 2);
    assert!(without.stderr.contains("made no signature with "), "{}", without.stderr);
    let output = signed(&socket);
    assert_eq!((output.code, output.stderr.as_str()), (0, ""));
    assert!(qa(&project, SIGNED).contains("[x]"), "{}", qa(&project, SIGNED));
}

#[test]
fn ssh_keygen_itself_verifies_what_is_documented() {
    let project = with_keys(|key| format!("dana@example.com {key}\n"));
    assert_eq!(sign_with(&project, DANA, "dana").code, 0);
    let text = project.read(FILE);
    let value = |key: &str| {
        let line =
            text.lines().find_map(|line| line.trim_start_matches("- ").trim_start().strip_prefix(&format!("{key}: ")));
        line.unwrap_or_else(|| panic!("{key} in {text}")).trim_matches(['"', '\'']).to_owned()
    };
    let keys = ["item", "action", "role", "by", "email", "at", "subject", "checklist", "covers", "file", "run"];
    let pairs: Vec<String> = keys.iter().map(|key| format!("{:?}:{:?}", key, value(key))).collect();
    let message = format!("gate-signoff 1\n{{{}}}\n", pairs.join(","));
    let begin = text.find("-----BEGIN").expect("it is signed");
    let armored: String = text[begin..].lines().map(|line| line.trim().to_owned() + "\n").collect();
    let project = project.file("message", &message).file("signature", &armored);
    let verified = Command::new("ssh-keygen")
        .current_dir(project.path())
        .args(["-Y", "verify", "-n", "gate-signoff", "-f", "signers", "-I", "dana@example.com", "-s", "signature"])
        .stdin(fs::File::open(project.path().join("message")).expect("it was written"))
        .output()
        .expect("ssh-keygen is installed");
    assert!(verified.status.success(), "{message}\n{}", String::from_utf8_lossy(&verified.stderr));
}

#[test]
fn two_who_sign_at_once_are_both_kept() {
    let project = Project::new(&LIST.replace("role: QA lead", "role: Team")).file("up", "");
    project.gate(&["check", "staging"]);
    let names: Vec<String> = (0..8).map(|number| format!("Signer {number}")).collect();
    let children: Vec<_> = names
        .iter()
        .map(|name| {
            project
                .command(&["sign", "staging", "qa", "--by", name])
                .command()
                .stdout(Stdio::null())
                .spawn()
                .expect("it was built")
        })
        .collect();
    for mut child in children {
        assert!(child.wait().expect("a child of ours").success());
    }
    let text = project.read(FILE);
    for name in &names {
        assert!(text.contains(name), "{name} in {text}");
    }
    assert!(!leftovers(project.path()), "nothing else is left");
}

fn leftovers(project: &Path) -> bool {
    let entries = fs::read_dir(project.join("checklists")).expect("it is there").flatten();
    entries.map(|entry| entry.file_name()).any(|name| name.to_string_lossy().starts_with('.'))
}
