//! The first runs of a beginner: each message names the cause and the way on.

use insta::assert_snapshot;

use crate::harness::{Certificate, Output, Project, nginx_tls};
use crate::sign::{DANA, LIST, SIGNED, at, entries, signed};

/// A checklist with these items.
fn list(items: &str) -> String {
    let items: String = items.lines().map(|line| format!("      {}\n", line.trim())).collect();
    format!("title: T\nvars:\n  api: ${{env.SHOP_URL}}\nsections:\n  - title: S\n    items:\n{items}")
}

/// The part of a run's output between the table and the list of what is not green.
fn explained(project: &Project) -> String {
    let output = project.gate(&["check", "staging", "--no-record"]);
    let begin = output.stdout.find("\n\n").and_then(|at| Some(at + 2 + output.stdout[at + 2..].find("\n\n")?));
    let end = output.stdout.find("\nNot green:");
    let lines = output.stdout[begin.unwrap_or(0)..end.unwrap_or(output.stdout.len())].trim();
    lines.replace(&project.path().display().to_string(), "DIR")
}

#[test]
fn every_missing_variable_of_an_item_is_named_at_once_where_it_is_written() {
    let project = Project::new(&list(
        "- { id: api, title: API, probes: [{ http: { url: \"${vars.api}/\" }, expect: { json.v: \"${env.SHOP_VERSION}\" } }] }",
    ));
    assert_snapshot!(explained(&project), @"
    ⊘ SHOP_URL is not set, SHOP_VERSION is not set
       --> checklists/staging.yaml:3:8
       |
     3 | api: ${env.SHOP_URL}
       |      ^^^^^^^^^^^^^^^ missing
      help: set it, or give it in a file: `--env-file FILE`
      blocks 1 item: api
    ");
    let both = Project::new(&list(
        "- { id: two, title: Two, probes: [{ tcp: { address: \"${env.A_HOST}:1\" } }, { http: { url: \"${vars.api}\" } }] }",
    ));
    assert_snapshot!(explained(&both), @r#"
    ⊘ A_HOST is not set, SHOP_URL is not set
       --> checklists/staging.yaml:7:60
       |
     7 | - { id: two, title: Two, probes: [{ tcp: { address: "${env.A_HOST}:1" } }, { http: { url: "${vars.api}" } }] }
       |                                                      ^^^^^^^^^^^^^ missing
      help: set it, or give it in a file: `--env-file FILE`
      blocks 1 item: two
    "#);
}

#[test]
fn a_folder_without_a_backup_is_one_failure() {
    let project = Project::new(&list("- { id: b, title: B, probes: [{ backup: { in: backups } }] }"));
    assert_snapshot!(explained(&project), @"
    ✗ b — B
      failed: exists: `backups` does not exist
       --> checklists/staging.yaml:7:39
       |
     7 | - { id: b, title: B, probes: [{ backup: { in: backups } }] }
       |                                 ^^^^^^ exists: `backups` does not exist (default)
      help: `backups` does not exist: has a backup run, and is the path right?
      reproduce: ls -lRt -- backups
    ");
}

#[test]
fn a_command_line_as_one_argument_is_split_in_the_help() {
    let help = |probe: &str| {
        let project = Project::new(&list(&format!("- {{ id: c, title: C, probes: [{{ command: {probe} }}] }}")));
        let text = explained(&project);
        text[text.find("help:").unwrap_or(0)..text.find("  reproduce:").unwrap_or(text.len())].trim().to_owned()
    };
    assert_snapshot!(help("{ argv: [./smoke.sh --fast] }"), @"help: each argument is an entry of its own: `argv: [./smoke.sh, --fast]`; or use `shell`");
    assert_snapshot!(help("{ argv: [no-such-program --fast, -v] }"), @"
    help: each argument is an entry of its own: `argv: [no-such-program, --fast, -v]`; or use
        `shell`
    ");
    assert_snapshot!(help("{ shell: ./smoke.sh }"), @"help: sh: 1: ./smoke.sh: not found (127: no such program)");
}

#[test]
fn the_help_is_about_the_field_that_is_not_as_expected() {
    let server = nginx_tls(&Certificate::self_signed(), "location / { return 200; }");
    let tls = format!("tls: {{ address: \"localhost:{}\" }}", server.port);
    let project = Project::new(&list(&format!(
        "- {{ id: t, title: T, probes: [{{ {tls}, expect: {{ verified: false, days_left: {{ at_least: 9999999 }} }} }}] }}"
    )));
    let text = explained(&project);
    assert!(text.contains("help: it expires on 4096-01-01"), "{text}");
}

#[test]
fn a_sign_off_is_found_by_show_and_verify() {
    let project = Project::new(LIST).file("up", "");
    let says = |output: &Output, words: &str| assert!(output.stdout.contains(words), "{words}: {}", output.stdout);
    says(&at(&project, SIGNED, &["verify", "staging"]), "no sign-off entries\nnot signed: qa (QA lead)\n");
    let none = at(&project, SIGNED, &["sign", "staging"]);
    assert_eq!(none.code, 2);
    assert_snapshot!(none.stderr, @"
    error: missing items: name those to sign, or pass `--role ROLE`
      help: the sign-offs are qa (QA lead)
    ");
    let project = signed();
    let shown = at(&project, SIGNED, &["show", "staging", "qa"]);
    says(&shown, "sign_off:\n    role: QA lead\n    valid_for: 7d\n");
    says(&shown, "# signed 2025-12-06 by Dana Reyes for r1: valid\n");
    assert!(!shown.stdout.contains("signed: false") && !shown.stdout.contains("by: null"), "{}", shown.stdout);
    assert_eq!(at(&project, SIGNED + 60, &["sign", "staging", "qa", "--by", DANA]).code, 0);
    let verified = at(&project, SIGNED + 60, &["verify", "staging"]);
    let newer = entries(&project).pop().expect("two exist");
    says(&verified, &format!(": superseded by {}\n", newer.rsplit('/').next().unwrap_or_default()));
    assert!(!verified.stdout.contains("not signed"), "{}", verified.stdout);
}

#[test]
fn a_changed_variable_is_not_a_changed_definition() {
    let project =
        Project::new(&list("- { id: e, title: E, probes: [{ command: { argv: [\"false\", \"${vars.api}\"] } }] }"));
    for path in ["one", "two"] {
        project.command(&["check", "staging"]).env("SHOP_URL", path).run();
    }
    let diff = project.gate(&["diff", "staging"]).stdout;
    assert!(diff.contains("\ndefinition changed\ne  failed") && diff.contains("(a variable changed)\n"), "{diff}");
    let history = project.gate(&["history", "staging"]).stdout;
    assert!(history.contains("definition or variable changed: e"), "{history}");
}

#[test]
fn a_text_in_place_of_a_list_is_written_as_a_list_in_the_help() {
    let help = |item: &str| {
        let said = Project::new(&list(item)).gate(&["validate", "staging"]).stderr;
        said.lines().filter(|line| line.contains("help:")).map(str::trim).collect::<String>()
    };
    let argv = help("- { id: a, title: A, probes: [{ command: { argv: ./smoke.sh --fast } }] }");
    assert_snapshot!(argv, @r#"= help: such as `argv: [./smoke.sh, "--fast"]`"#);
    let needs = help("- { id: a, title: A, deferred: x, tags: \"smoke, slow\" }");
    assert_snapshot!(needs, @"= help: such as `tags: [smoke, slow]`");
}
