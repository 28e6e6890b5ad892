//! `gate verify`: every entry of an earlier revision still exists, each new entry is acceptable, and the old single
//! file works.

use std::fs;
use std::process::Command;

use sha2::{Digest, Sha256};

use crate::harness::{Output, Project, program};
use crate::sign::{DANA, LIST, SIGNED, at, entries, newest, qa, replace, signed};

fn git(project: &Project, arguments: &[&str]) {
    let mut command = Command::new(program("git"));
    command.arg("-C").arg(project.path()).args(["-c", "user.name=T", "-c", "user.email=t@example.com"]);
    assert!(command.args(arguments).status().expect("it is installed").success(), "{arguments:?}");
}

/// A project with one entry, fully committed.
fn committed() -> Project {
    let project = signed().file(".gitignore", ".gate\n");
    git(&project, &["init", "-q", "-b", "main"]);
    git(&project, &["add", "."]);
    git(&project, &["commit", "-qm", "Sign r1"]);
    project
}

fn since(project: &Project, revision: &str) -> Output {
    at(project, SIGNED + 120, &["verify", "staging", "--since", revision])
}

#[test]
fn no_entry_of_a_revision_may_be_missing_or_changed() {
    let project = committed();
    let file = entries(&project).pop().expect("one exists");
    let whole = project.read(&file);
    let same = since(&project, "main");
    assert_eq!((same.code, same.stderr.as_str()), (0, ""), "{}", same.stdout);
    replace(&project, &file, "costs", "cost");
    let changed = since(&project, "HEAD");
    assert_eq!(changed.code, 1);
    assert!(changed.stdout.contains(&format!("{file}: CHANGED since `HEAD`")), "{}", changed.stdout);
    fs::remove_file(project.path().join(&file)).expect("it exists");
    let missing = since(&project, "HEAD");
    assert_eq!(missing.code, 1);
    assert!(missing.stdout.contains(&format!("{file}: MISSING: `HEAD` has it")), "{}", missing.stdout);
    fs::write(project.path().join(&file), whole).expect("the project's folder is writable");
    assert_eq!(since(&project, "HEAD").code, 0);
}

#[test]
fn each_new_entry_is_acceptable_today() {
    let project = committed();
    let entry = newest(&project);
    let new = "checklists/staging.signoffs/20251206T100100Z-qa-new.yaml";
    let cases = [
        ("at: \"2025-12-06T10:00", "at: \"2025-12-06T10:01", 0, "valid"),
        ("item: qa", "item: up", 1, "REFUSED: the checklist has no sign-off `up`"),
        ("valid_for: 7d", "valid_for: 30d", 1, "`valid_for` of the sign-off has changed"),
        ("role: QA lead", "role: SRE", 1, "`role` of the sign-off has changed"),
        ("  up: sha256:", "  up: sha256:0", 1, "REFUSED: the run that it names is recorded with other definitions"),
    ];
    for (old, changed, code, why) in cases {
        assert!(entry.contains(old), "{old} in {entry}");
        fs::write(project.path().join(new), entry.replacen(old, changed, 1)).expect("the project's folder is writable");
        let output = since(&project, "HEAD");
        assert_eq!(output.code, code, "{why}: {}", output.stdout);
        assert!(output.stdout.contains(why), "{why}: {}", output.stdout);
    }
}

#[test]
fn a_revision_that_is_not_there_is_explained() {
    let project = committed();
    let unknown = since(&project, "no-such-branch");
    assert_eq!(unknown.code, 2);
    assert!(unknown.stderr.contains("unknown revision `no-such-branch`"), "{}", unknown.stderr);
    git(&project, &["commit", "-qm", "More", "--allow-empty"]);
    let clone = project.path().join("clone");
    let url = format!("file://{}", project.path().display());
    git(&project, &["clone", "-q", "--depth", "1", &url, clone.to_str().expect("it is UTF-8")]);
    let shallow = crate::harness::gate(&clone, &["verify", "staging", "--since", "HEAD~1"]);
    assert_eq!(shallow.code, 2);
    assert!(shallow.stderr.contains("`fetch-depth: 0`"), "{}", shallow.stderr);
}

#[test]
fn two_branches_that_sign_merge_without_conflict() {
    let project = committed();
    for (branch, by, time) in [("one", "Sam", SIGNED + 10), ("two", "Kim", SIGNED + 20)] {
        git(&project, &["checkout", "-q", "-b", branch, "main"]);
        assert_eq!(at(&project, time, &["sign", "staging", "qa", "--by", by]).code, 0);
        git(&project, &["add", "."]);
        git(&project, &["commit", "-qm", "Sign"]);
    }
    git(&project, &["merge", "-q", "-m", "Merge", "one"]);
    assert_eq!(entries(&project).len(), 3);
    assert_eq!(since(&project, "main").code, 0);
}

#[test]
fn the_old_single_file_is_read_where_it_still_matches_and_never_written() {
    let old = "checklists/staging.signoffs.yaml";
    let project = Project::new(LIST).file("up", "");
    let json = at(&project, SIGNED, &["check", "staging", "--format", "json"]).stdout;
    let run: serde_json::Value = serde_json::from_str(&json).expect("it is JSON");
    let digest = |section: usize| run["sections"][section]["items"][0]["definition"].as_str().expect("it has one");
    let covers = hex(&Sha256::digest(format!("up {}\nqa {}\n", digest(0), digest(2))));
    let entry = format!(
        "- item: qa\n  action: give\n  role: QA lead\n  by: Dana Reyes\n  at: 2025-12-06T10:00:00Z\n  subject: r1\n  \
         checklist: staging\n  covers: sha256:{covers}\n  file: sha256:0\n  run: sha256:0\n"
    );
    let project = project.file(old, &entry);
    assert_eq!(qa(&project, SIGNED + 60), "- [x] QA confirms (signed 2025-12-06 by Dana Reyes for r1)");
    assert_eq!(at(&project, SIGNED + 60, &["sign", "staging", "qa", "--by", DANA]).code, 0);
    assert_eq!((project.read(old), entries(&project).len()), (entry, 1));
    fs::remove_dir_all(project.path().join("checklists/staging.signoffs")).expect("it exists");
    // The value of a variable is unknown here.
    let list = project.read("checklists/staging.yaml");
    let with_variable = list.replacen("path: up", "path: \"${env.UP:-up}\"", 1);
    assert_ne!(list, with_variable);
    fs::write(project.path().join("checklists/staging.yaml"), with_variable).expect("the project's folder is writable");
    let state = qa(&project, SIGNED + 60);
    assert!(state.contains("in the old single file, which does not match the definitions of today"), "{state}");
    let verified = at(&project, SIGNED + 60, &["verify", "staging"]);
    assert_eq!(verified.code, 0, "{}", verified.stdout);
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
