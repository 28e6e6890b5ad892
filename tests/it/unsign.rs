//! The reasons why a sign-off stops counting, and changes that don't affect it.

use std::fs;

use crate::harness::Project;
use crate::sign::{DANA, DAY, LIST, SIGNED, at, entries, newest, qa, replace, signed};

const FILE: &str = "checklists/staging.yaml";

#[test]
fn another_subject_the_end_of_its_validity_and_a_partial_run_unsign() {
    let project = signed();
    let other = project
        .command(&["check", "staging", "--no-record", "--format", "markdown"])
        .env("RELEASE", "r2")
        .at(SIGNED)
        .run();
    assert!(other.stdout.contains("signed 2025-12-06 by Dana Reyes for r1, and now it is r2"), "{}", other.stdout);
    assert!(qa(&project, SIGNED + 8 * DAY).contains("which counted until 2025-12-13T"));
    let partial = at(&project, SIGNED, &["check", "staging", "--no-record", "--format", "markdown", "--only", "qa"]);
    assert_eq!(partial.code, 1);
    assert!(partial.stdout.contains("a partial run"), "{}", partial.stdout);
}

#[test]
fn an_unrelated_change_keeps_the_sign_off() {
    let project = signed();
    replace(&project, FILE, "id: other, title: Other,", "id: other, title: Other, exclusive: true,");
    replace(&project, FILE, "title: Up,", "title: Upper,");
    assert!(qa(&project, SIGNED).contains("[x]"), "an edit elsewhere, or of a title, changes nothing");
}

/// The state after a change of the checklist; the change is then undone.
fn changed(project: &Project, old: &str, new: &str) -> String {
    let before = project.read(FILE);
    replace(project, FILE, old, new);
    let state = qa(project, SIGNED + 60);
    fs::write(project.path().join(FILE), before).expect("the project's folder is writable");
    state
}

#[test]
fn each_change_of_the_checklist_that_unsigns_has_its_own_reason() {
    let project = signed();
    let prefix = "- [ ] QA confirms **[NEEDS SIGN-OFF: signed 2025-12-06 by Dana Reyes for r1, but ";
    let up = "title: Up, probes: [{ file: { path: up } }]";
    let gap = "gaps: [{ gap: G, items: [up], priority: P3, accepted_until: 2025-12-20, accepted_by: sam }]\nsections:";
    let cases = [
        (up, "title: Up, probes: [{ file: { path: ./up } }]", "the definition of up has changed"),
        ("title: T", "title: U", "the title of the checklist has changed"),
        ("valid_for: 7d", "valid_for: 30d", "`valid_for` of the sign-off has changed"),
        ("valid_for: 7d", "valid_for: 7d, by: [dana@example.com]", "`by` of the sign-off has changed"),
        ("title: T", "title: T\nallowed_signers: signers", "`allowed_signers` of the sign-off has changed"),
        ("role: QA lead", "role: SRE", "`role` of the sign-off has changed"),
        ("title: Up,", "title: Up, advisory: true,", "up is advisory since then"),
        ("sections:", gap, "up is waived since then"),
        ("needs: [smoke]", "needs: [smoke, other]", "the definition of "),
    ];
    for (old, new, why) in cases {
        // Markdown escapes the text. If `by` names people, a name without a signature is marked.
        let state = changed(&project, old, new).replace("\\`", "`").replace(" (unverified)", "");
        assert!(state.starts_with(&format!("{prefix}{why}")), "{new}: {state}");
    }
    assert!(qa(&project, SIGNED + 60).contains("[x]"), "unchanged, it counts");
    replace(&project, FILE, "title: T", "title: T\nallowed_signers: signers");
    let state = changed(&project, "valid_for: 7d", "valid_for: 7d, signed: true");
    assert!(!state.contains("[x]") && state.contains("\\`signed\\` of the sign-off has changed"), "{state}");
}

#[test]
fn an_item_that_is_deferred_later_unsigns() {
    let project = signed();
    replace(&project, FILE, "title: Up, ", "title: Up, deferred: later, ");
    let state = qa(&project, SIGNED + 60);
    assert!(state.contains("up is deferred since then"), "{state}");
}

#[test]
fn a_later_failure_needs_a_new_sign_off_even_if_green_again() {
    let project = signed();
    let markdown = |time| at(&project, time, &["check", "staging", "--format", "markdown"]).stdout;
    assert!(markdown(SIGNED + 60).contains("- [x] QA confirms (signed 2025-12-06 by Dana Reyes for r1)"));
    let up = project.path().join("up");
    fs::remove_file(&up).expect("it exists");
    // With an unrecorded run, the sign-off can't be compared with later runs.
    assert!(qa(&project, SIGNED + 70).contains("but what it covers turned red: needs up ("));
    fs::write(&up, "").expect("the project's folder is writable");
    assert!(markdown(SIGNED + 80).contains("- [x] QA confirms"));
    fs::remove_file(&up).expect("it exists");
    assert!(markdown(SIGNED + 120).contains("turned red"));
    fs::write(&up, "").expect("the project's folder is writable");
    let later = markdown(SIGNED + 180);
    assert!(later.contains("for r1, but up failed in the run of 2025-12-06 10:02 UTC"), "{later}");
    let unknown = at(&project, SIGNED + 180, &["check", "staging", "--no-record", "--format", "markdown"]).stdout;
    assert!(unknown.contains("for r1, not compared with later runs)"), "{unknown}");
    let rendered = at(&project, SIGNED + 180, &["render", "staging"]).stdout;
    assert!(rendered.contains("but up failed in the run of"), "{rendered}");
    assert_eq!(at(&project, SIGNED + 240, &["sign", "staging", "qa", "--by", DANA]).code, 0);
    assert!(markdown(SIGNED + 300).contains("- [x] QA confirms (signed 2025-12-06 by Dana Reyes for r1)"));
}

#[test]
fn a_failure_of_another_subject_or_definition_or_an_error_unsigns_nothing() {
    let list = LIST.replace("file: { path: up }", "command: { argv: [sh, -c, \"exit ${env.CODE:-0}\"] }");
    let project = Project::new(&list);
    let check = |variables: &[(&str, &str)], time| {
        let command = project.command(&["check", "staging", "--format", "markdown"]).at(time);
        variables.iter().fold(command, |command, (name, value)| command.env(name, value)).run().stdout
    };
    check(&[], SIGNED);
    assert_eq!(at(&project, SIGNED + 10, &["sign", "staging", "qa", "--by", DANA]).code, 0);
    assert!(check(&[("CODE", "3")], SIGNED + 20).contains("FAILED"), "another definition failed");
    assert!(check(&[("CODE", "3"), ("RELEASE", "r2")], SIGNED + 30).contains("FAILED"), "another subject failed");
    assert!(check(&[("PATH", "/nowhere")], SIGNED + 40).contains("ERROR"), "nothing could be observed");
    let state = check(&[], SIGNED + 50);
    assert!(state.contains("- [x] QA confirms"), "{state}");
}

#[test]
fn only_the_last_round_of_a_wait_counts() {
    let project = signed();
    fs::remove_file(project.path().join("up")).expect("it exists");
    let path = project.path().join("up");
    let list = project.read(FILE);
    // The first round turns it red, and repairs it for the second.
    let mend = format!("command: {{ argv: [touch, {:?}] }}", path.display().to_string());
    replace(
        &project,
        FILE,
        "- { id: other, title: Other, probes: [{ file: { path: up } }] }",
        &format!("- {{ id: other, title: Other, probes: [{{ {mend} }}] }}"),
    );
    let waited = project.command(&["check", "staging", "--wait", "20s", "--interval", "10ms"]).run();
    assert!(path.exists(), "{}", waited.stdout);
    fs::write(project.path().join(FILE), list).expect("the project's folder is writable");
    let history = project.gate(&["history", "staging"]).stdout;
    assert!(history.contains("READY"), "{history}");
    assert!(!project.gate(&["check", "staging", "--format", "markdown"]).stdout.contains("failed in the run of"));
}

#[test]
fn a_revocation_counts_whatever_the_clocks_say() {
    for delay in [-7200_i64, -60, 0, 60, 7200] {
        let project = signed();
        let time = SIGNED.checked_add_signed(delay).expect("it is after 1970");
        let output = at(&project, time, &["sign", "staging", "qa", "--revoke", "--by", "Sam"]);
        assert_eq!(output.code, 0, "{}", output.stderr);
        assert!(output.stdout.contains("qa: revoked 2025-12-06 by Sam for r1"), "{}", output.stdout);
        let state = qa(&project, SIGNED + 120);
        assert!(state.contains("NEEDS SIGN-OFF: revoked 2025-12-06 by Sam for r1"), "{delay}: {state}");
        let verified = at(&project, SIGNED + 120, &["verify", "staging"]);
        assert_eq!(verified.code, 0, "{}", verified.stdout);
        assert!(verified.stdout.contains("by Dana Reyes for r1: revoked"), "{}", verified.stdout);
        if delay <= 60 {
            // It revokes earlier sign-offs, not later ones.
            assert_eq!(at(&project, SIGNED + 120, &["check", "staging"]).code, 1);
            assert_eq!(at(&project, SIGNED + 180, &["sign", "staging", "qa", "--by", DANA]).code, 0);
            assert!(qa(&project, SIGNED + 240).contains("[x]"), "{}", qa(&project, SIGNED + 240));
        }
    }
}

#[test]
fn a_copy_does_not_undo_a_revocation_and_one_from_elsewhere_never_counts() {
    let project = signed();
    let entry = newest(&project);
    let with = |text: &str, files: &str| {
        fs::write(project.path().join(files), text).expect("the project's folder is writable");
        let state = qa(&project, SIGNED + 120);
        (state, at(&project, SIGNED + 120, &["verify", "staging"]).stdout)
    };
    let file = entries(&project).pop().expect("one exists");
    let cases = [
        ("item: qa", "item: up", "stale: the checklist has no sign-off `up`"),
        ("checklist: staging", "checklist: prod", "REFUSED: it was made for the checklist `prod`"),
        ("role: QA lead", "role: SRE", "`role` of the sign-off has changed"),
        ("at: \"2025", "at: \"2035", "REFUSED: it is from the future"),
    ];
    for (old, new, why) in cases {
        assert!(entry.contains(old), "{entry}");
        let (state, verified) = with(&entry.replacen(old, new, 1), &file);
        assert!(verified.contains(why) && !state.contains("[x]"), "{why}: {state} {verified}");
    }
    with(&entry, &file);
    at(&project, SIGNED + 60, &["sign", "staging", "qa", "--revoke", "--by", "Sam"]);
    let (state, _) = with(&entry, "checklists/staging.signoffs/20251206T110000Z-qa-copied.yaml");
    assert!(state.contains("revoked"), "{state}");
}

#[test]
fn a_file_that_is_not_an_entry_stops_everything_and_is_left_alone() {
    let project = signed();
    let file = entries(&project).pop().expect("one exists");
    replace(&project, &file, "role:", "rolle:");
    let before = project.read(&file);
    let sign = &["sign", "staging", "qa", "--by", DANA];
    for arguments in [&["check", "staging", "--no-record"][..], &["verify", "staging"], sign] {
        let output = at(&project, SIGNED + 60, arguments);
        assert_eq!(output.code, 2);
        assert!(output.stderr.contains("unknown key `rolle`") && output.stderr.contains(&file), "{}", output.stderr);
    }
    assert_eq!(project.read(&file), before);
}
