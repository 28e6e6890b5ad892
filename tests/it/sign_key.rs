//! Sign-offs with keys: what `ssh-keygen` verifies, and what is refused.

use std::fs;
use std::io::Read;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::harness::{Output, Project};
use crate::sign::{DANA, LIST, SIGNED, at, entries, newest, qa, replace};

/// A key pair in the project.
pub fn key(project: &Project, name: &str) -> String {
    let path = project.path().join(name);
    let made = Command::new("ssh-keygen").args(["-q", "-t", "ed25519", "-N", "", "-C", "", "-f"]).arg(&path).status();
    assert!(made.expect("ssh-keygen is installed").success());
    fs::read_to_string(path.with_extension("pub")).expect("it was made").trim().to_owned()
}

/// A project whose sign-off has to be signed with a key, by Dana.
pub fn with_keys(allowed: impl FnOnce(&str) -> String) -> Project {
    let list = LIST.replace("valid_for: 7d", "signed: true, by: [dana@example.com]");
    let list = list.replace("subject:", "allowed_signers: signers\n    subject:");
    let project = Project::new(&list).file("up", "");
    let dana = key(&project, "dana");
    let project = project.file("signers", &allowed(&dana));
    assert_eq!(at(&project, SIGNED, &["check", "staging"]).code, 1);
    project
}

pub fn sign_with(project: &Project, by: &str, key: &str) -> Output {
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

    let file = entries(&project).pop().expect("one exists");
    let whole = project.read(&file);
    let other =
        project.command(&["check", "staging", "--no-record", "--format", "markdown"]).env("RELEASE", "r2").run();
    assert!(other.stdout.contains("and now it is r2"), "{}", other.stdout);
    let changes = [
        ("subject: r1", "subject: r2"),
        ("by: Dana Reyes", "by: Sam Lee"),
        ("qa: sha256:", "qa: sha256:0"),
        ("title: T", "title: U"),
        ("signed: true", "signed: false"),
        ("at: \"2025-12-06", "at: \"2025-12-05"),
    ];
    for (old, new) in changes {
        replace(&project, &file, old, new);
        let verified = at(&project, SIGNED, &["verify", "staging"]);
        assert_eq!(verified.code, 1, "{new}: {}", verified.stdout);
        assert!(
            verified.stdout.contains("REFUSED: its signature is not good for dana@example.com"),
            "{}",
            verified.stdout
        );
        assert!(!qa(&project, SIGNED).contains("[x]"), "{new}");
        fs::write(project.path().join(&file), &whole).expect("the project's folder is writable");
    }
    let cut = whole.split("signature:").next().expect("it has one").trim_end().to_owned() + "\n";
    fs::write(project.path().join(&file), cut).expect("the project's folder is writable");
    assert!(at(&project, SIGNED, &["verify", "staging"]).stdout.contains("not signed with a key, and has to be"));
}

#[test]
fn a_key_of_another_signer_for_another_purpose_or_outside_its_validity_is_refused() {
    let project = with_keys(|key| format!("dana@example.com {key}\n"));
    let mallory = key(&project, "mallory");
    let forged = sign_with(&project, DANA, "mallory");
    assert_eq!(forged.code, 1);
    assert!(forged.stderr.contains("this sign-off of `qa` would not count: refused: "), "{}", forged.stderr);
    assert!(forged.stderr.contains("its signature is not good for dana@example.com"), "{}", forged.stderr);
    assert!(entries(&project).is_empty(), "nothing is written");
    let wrong = sign_with(&project, "Mallory <mallory@example.com>", "mallory");
    assert_eq!(wrong.code, 1);
    assert!(wrong.stderr.contains("mallory@example.com may not sign as QA lead"), "{}", wrong.stderr);
    drop(mallory);

    for options in ["namespaces=\"git\"", "valid-before=\"20250101Z\"", "valid-after=\"20300101Z\""] {
        let project = with_keys(|key| format!("dana@example.com {options} {key}\n"));
        let signed = sign_with(&project, DANA, "dana");
        assert_eq!(signed.code, 1, "{options}: {}", signed.stdout);
        assert!(signed.stderr.contains("its signature is not good"), "{options}: {}", signed.stderr);
    }
    let project = with_keys(|key| format!("dana@example.com {key}\n"));
    assert_eq!(sign_with(&project, DANA, "dana").code, 0);
    fs::remove_file(project.path().join("signers")).expect("it exists");
    assert!(at(&project, SIGNED, &["verify", "staging"]).stdout.contains("file of allowed signers not found"));
}

/// An agent that is stopped with the test.
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
    // It prints its address when it is ready.
    let mut said = [0; 1];
    agent.0.stdout.as_mut().expect("it is piped").read_exact(&mut said).expect("it says something");
    let mut add = Command::new("ssh-add");
    let added = add.env("SSH_AUTH_SOCK", &socket).arg("-q").arg(project.path().join("dana")).status();
    assert!(added.expect("ssh-add is installed").success());
    fs::remove_file(project.path().join("dana")).expect("it exists");
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
    let text = newest(&project);
    let value = |key: &str| {
        let line = text.lines().find_map(|line| line.trim_start().strip_prefix(&format!("{key}: ")));
        format!("{key:?}:{:?}", line.unwrap_or_else(|| panic!("{key} in {text}")).trim_matches(['"', '\'']))
    };
    let values = |keys: &[&str]| keys.iter().map(|key| value(key)).collect::<Vec<_>>().join(",");
    let message = format!(
        "gate-signoff 2\n{{{},\"terms\":{{\"by\":[\"dana@example.com\"],\"signed\":true,\"allowed_signers\":\"signers\"}},\
         \"covers\":{{{}}},\"run\":{{{}}}}}\n",
        values(&["item", "decision", "role", "by", "email", "at", "subject", "checklist", "title"]),
        values(&["qa", "up"]),
        values(&["digest", "started"]),
    );
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
fn the_verified_principal_is_shown_and_a_bare_name_is_called_unverified() {
    let project = with_keys(|key| format!("dana@example.com {key}\n"));
    let signed = sign_with(&project, "Somebody <dana@example.com>", "dana");
    assert!(signed.stdout.contains("qa: signed 2025-12-06 by dana@example.com (Somebody) for r1"), "{}", signed.stdout);
    // In Markdown, an address is not a link.
    let line = qa(&project, SIGNED).replace("<!-- -->", "");
    assert_eq!(line, "- [x] QA confirms (signed 2025-12-06 by dana@example.com (Somebody) for r1)");

    let list = LIST.replace("valid_for: 7d", "valid_for: 7d, by: [dana@example.com]");
    let project = Project::new(&list).file("up", "");
    let valid = at(&project, SIGNED, &["validate", "staging"]);
    assert_eq!(valid.code, 0);
    assert!(valid.stderr.contains("`by` of the sign-off `qa` is unverified"), "{}", valid.stderr);
    assert_eq!(at(&project, SIGNED, &["check", "staging"]).code, 1);
    assert_eq!(at(&project, SIGNED, &["sign", "staging", "qa", "--by", DANA]).code, 0);
    assert_eq!(qa(&project, SIGNED), "- [x] QA confirms (signed 2025-12-06 by Dana Reyes (unverified) for r1)");
    let table = at(&project, SIGNED, &["check", "staging"]).stdout;
    assert!(table.contains("by Dana Reyes (unverified) for r1"), "{table}");
    let verified = at(&project, SIGNED, &["verify", "staging"]).stdout;
    assert!(verified.contains("qa, signed 2025-12-06 by Dana Reyes (unverified) for r1: valid"), "{verified}");
}

#[test]
fn a_revocation_that_would_not_count_is_an_error_and_one_without_key_counts() {
    let project = with_keys(|key| format!("dana@example.com {key}\n"));
    assert_eq!(sign_with(&project, DANA, "dana").code, 0);
    key(&project, "mallory");
    let revoke = ["sign", "staging", "qa", "--revoke", "--by", DANA];
    let other_key = at(&project, SIGNED + 60, &[&revoke[..], &["--key", "mallory"]].concat());
    assert_eq!(other_key.code, 1, "{}", other_key.stdout);
    assert!(other_key.stderr.contains("this revocation of `qa` would not count: "), "{}", other_key.stderr);
    assert_eq!(entries(&project).len(), 1, "nothing was written");
    let bare = at(&project, SIGNED + 60, &revoke);
    assert_eq!((bare.code, bare.stderr.as_str()), (0, ""));
    assert!(qa(&project, SIGNED + 120).contains("NEEDS SIGN-OFF: revoked"), "{}", qa(&project, SIGNED + 120));
}

#[test]
fn an_unsigned_entry_never_hides_a_signed_one() {
    let project = with_keys(|key| format!("dana@example.com {key}\n"));
    assert_eq!(sign_with(&project, DANA, "dana").code, 0);
    let bare = newest(&project)
        .split("signature:")
        .next()
        .expect("it has one")
        .replace("at: \"2025-12-06T10:00", "at: \"2025-12-06T10:02");
    let project = project.file("checklists/staging.signoffs/20251206T100200Z-qa-bare.yaml", &bare);
    let verified = at(&project, SIGNED + 180, &["verify", "staging"]);
    assert_eq!(verified.code, 1, "{}", verified.stdout);
    assert!(verified.stdout.contains("REFUSED: it is not signed with a key, and has to be"), "{}", verified.stdout);
    assert!(qa(&project, SIGNED + 180).contains("[x]"), "{}", qa(&project, SIGNED + 180));
}

#[test]
fn a_signature_that_was_good_is_remembered_until_its_bytes_or_the_signers_change() {
    let project = with_keys(|key| format!("dana@example.com {key}\n"));
    assert_eq!(sign_with(&project, DANA, "dana").code, 0);
    let cache = project.path().join("cache");
    let tools = project.path().join("tools");
    fs::create_dir(&tools).expect("the project's folder is writable");
    let check = |path: &Path| {
        let command = project.command(&["check", "staging", "--no-record"]).at(SIGNED);
        let command = command.env("XDG_CACHE_HOME", cache.to_str().expect("it is UTF-8"));
        command.env("PATH", path.to_str().expect("it is UTF-8")).run()
    };
    let real = std::env::var("PATH").expect("it is set");
    // Without `ssh-keygen`, only a cached verification counts.
    assert_eq!(check(&tools).code, 1, "nothing is remembered yet");
    assert_eq!(check(Path::new(&real)).code, 0);
    assert_eq!(check(&tools).code, 0);
    let signers = project.read("signers");
    fs::write(project.path().join("signers"), format!("{signers}\n")).expect("the project's folder is writable");
    assert_eq!(check(&tools).code, 1, "other signers");
    fs::write(project.path().join("signers"), signers).expect("the project's folder is writable");
    let file = entries(&project).pop().expect("one exists");
    replace(&project, &file, "by: Dana", "by: Dina");
    assert_eq!(check(&tools).code, 1, "other bytes");
    assert_eq!(check(Path::new(&real)).code, 1, "other bytes");
}
