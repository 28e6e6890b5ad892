//! Weaker requirements are reported: compared with the last green run, and with the checklist of a Git revision.

use crate::harness::{Project, dedent};
use crate::hostile_repository::git;

const LIST: &str = r#"
    title: T
    secrets: { TOKEN: { env: TOKEN } }
    sections:
      - title: S
        items:
          - { id: drop, title: Drop, probes: [{ command: { argv: ["true"] }, expect: { exit_code: 0, stdout: "" } }] }
          - { id: slow, title: Slow, timeout: 10s, probes: [{ command: { argv: ["true"] } }] }
          - { id: soft, title: Soft, probes: [{ command: { argv: ["true"] } }] }
          - { id: later, title: Later, probes: [{ command: { argv: ["true"] } }] }
          - { id: gap, title: Gap, probes: [{ command: { argv: ["true"] } }] }
          - { id: check, title: Check, advisory: true, probes: [{ use: http-health, with: { url: "http://127.0.0.1:9/" } }] }
          - { id: tls, title: TLS, advisory: true, probes: [{ http: { url: "https://127.0.0.1:9/" } }] }
          - { id: secret, title: Secret, advisory: true, probes: [{ http: { url: "http://127.0.0.1:9/", token: "${secrets.TOKEN}" } }] }
          - { id: gone, title: Gone, probes: [{ command: { argv: ["true"] } }] }
      - { title: Changes, changes: { since: v1 } }
"#;

/// Each edit: the old text, the new text, and the report.
const EDITS: [(&str, &str, &str); 8] = [
    (", stdout: \"\"", "", "drop: expectation dropped: command: stdout"),
    ("timeout: 10s", "timeout: 50s", "slow: timeout raised: command: 10s to 50s"),
    ("title: Soft", "title: Soft, advisory: true", "soft: now advisory"),
    ("title: Later", "title: Later, deferred: PROD SETUP", "later: now deferred: PROD SETUP"),
    ("https://127.0.0.1:9/\"", "https://127.0.0.1:9/\", insecure: true", "tls: TLS no longer verified: http"),
    ("env: TOKEN", "env: OTHER", "secret: secret from another source: TOKEN"),
    ("          - { id: gone, title: Gone, probes: [{ command: { argv: [\"true\"] } }] }\n", "", "gone: item removed"),
    (
        "    title: T\n",
        "    title: T\n    gaps: [{ gap: Known, items: [gap], priority: P2, accepted_until: UNTIL, accepted_by: Dana }]\n",
        "gap: gap added: Known (accepted until UNTIL)",
    ),
];

const OWN_CHECK: &str = "check: check http-health replaced by the repository's own";

/// A check that accepts every answer.
const OWN: &str = "
    description: Accepts everything
    inputs: { url: { description: The URL } }
    probes:
      - http: { url: \"${inputs.url}\" }
        expect: { status: { exists: true } }
";

fn until() -> String {
    let day = jiff::Timestamp::now() + jiff::SignedDuration::from_hours(24 * 30);
    day.strftime("%Y-%m-%d").to_string()
}

fn repository() -> Project {
    let project = Project::new(LIST).file(".gitignore", ".gate\n").env("TOKEN", "abc").env("OTHER", "abc");
    git(&project, &["init", "--quiet"]);
    git(&project, &["add", "."]);
    git(&project, &["commit", "--quiet", "--message=First"]);
    git(&project, &["tag", "v1"]);
    project
}

fn weakened(project: Project) -> Project {
    let list = EDITS.iter().fold(LIST.to_owned(), |list, (old, new, _)| {
        assert!(list.contains(old), "{old}");
        list.replacen(old, new, 1)
    });
    let list = list.replace("UNTIL", &until());
    project.file("checklists/staging.yaml", &dedent(&list)).file("checks/http-health.yaml", &dedent(OWN))
}

fn expected() -> Vec<String> {
    let named = EDITS.iter().map(|(.., named)| named.replace("UNTIL", &until()));
    named.chain([OWN_CHECK.to_owned()]).collect()
}

#[test]
fn a_list_is_compared_with_that_of_a_revision_without_running_anything() {
    let project = weakened(repository());
    let output = project.gate(&["diff", "staging", "--since", "v1", "--format", "json"]);
    assert_eq!(output.code, 0, "{}", output.stderr);
    let json: serde_json::Value = serde_json::from_str(&output.stdout).expect("it is JSON");
    let found: Vec<String> = json["weaker"]
        .as_array()
        .expect("it is a list")
        .iter()
        .map(|one| format!("{}: {}", one["id"].as_str().unwrap_or(""), one["what"].as_str().unwrap_or("")))
        .collect();
    for named in expected() {
        assert!(found.contains(&named), "{named}: {found:#?}");
    }
    assert_eq!(json["gone"][0]["id"], "gone");
    let table = project.gate(&["diff", "staging", "--since", "v1"]).stdout;
    assert!(table.contains("\ngone\ngone\n") && table.contains("soft    now advisory\n"), "{table}");
    assert!(!project.path().join(".gate").exists(), "no ledger is made");
}

#[test]
fn an_unchanged_checklist_is_not_weaker() {
    let project = repository();
    let table = project.gate(&["diff", "staging", "--since", "HEAD"]).stdout;
    assert_eq!(table, "HEAD:checklists/staging.yaml → checklists/staging.yaml\n\nnothing changed\n");
}

#[test]
fn the_checks_of_a_revision_are_those_of_that_revision() {
    let project = repository().file("checks/http-health.yaml", &dedent(OWN));
    git(&project, &["add", "."]);
    git(&project, &["commit", "--quiet", "--message=Second"]);
    let strict = OWN.replace("status: { exists: true }", "status: 200");
    let project = project.file("checks/http-health.yaml", &dedent(&strict));
    let table = project.gate(&["diff", "staging", "--since", "HEAD"]).stdout;
    assert!(table.contains("definition changed\ncheck\n"), "{table}");
    assert!(table.contains("check  expectation changed: http: status\n") && !table.contains("replaced"), "{table}");
}

#[test]
fn incomparable_revisions_are_reported() {
    let project = repository().file("checklists/new.yaml", &dedent(LIST));
    let error = |name: &str, since: &str| {
        let output = project.gate(&["diff", name, &format!("--since={since}")]);
        assert_eq!(output.code, 2, "{}", output.stdout);
        output.stderr
    };
    assert!(error("staging", "v9").contains("commit `v9` not found; in a shallow clone, fetch it (`fetch-depth: 0`)"));
    assert!(error("staging", "--output=x").contains("commit `--output=x` not found"));
    assert!(error("new", "v1").contains("file `checklists/new.yaml` not found in `v1`"));
    assert!(!project.path().join("x").exists());
}

#[test]
fn the_markdown_names_what_got_weaker_since_the_revision_of_its_changes() {
    let project = weakened(repository());
    let output = project.gate(&["check", "staging", "--format", "markdown", "--only", "drop,soft"]);
    assert!(output.stdout.contains("\nThis checklist got weaker:\n\n- drop: expectation dropped"), "{}", output.stdout);
    assert!(output.stdout.contains("- soft: now advisory\n"), "{}", output.stdout);
    assert!(!output.stdout.contains("item removed"), "a partial run does not show what was removed");
    let output = project.gate(&["check", "staging", "--format", "markdown"]);
    for named in expected() {
        assert!(output.stdout.contains(&format!("- {named}\n")), "{named}: {}{}", output.stdout, output.stderr);
    }
    let rendered = project.gate(&["render", "staging"]).stdout;
    assert!(rendered.contains("- gone: item removed\n"), "{rendered}");
}

#[test]
fn each_kind_of_weakening_is_named_by_check_and_diff() {
    let names = |project: &Project, named: &str| {
        let output = project.gate(&["check", "staging"]);
        assert_eq!(output.code, 0, "{named}: {}", output.stdout);
        let line = format!("warning: weaker since the last green run (1): {named}");
        assert_eq!(output.stderr.trim_end(), line);
        let (item, what) = named.split_once(": ").expect("it begins with its item");
        let diff = project.gate(&["diff", "staging"]).stdout;
        assert!(diff.contains(&format!("\nthe checklist may require less\n{item}  {what}\n")), "{named}: {diff}");
    };
    let green = || {
        let project = repository();
        assert_eq!(project.gate(&["check", "staging"]).code, 0);
        project
    };
    for (old, new, named) in EDITS {
        let list = LIST.replacen(old, new, 1).replace("UNTIL", &until());
        names(&green().file("checklists/staging.yaml", &dedent(&list)), &named.replace("UNTIL", &until()));
    }
}

#[test]
fn another_value_of_a_variable_is_not_weaker() {
    let list = LIST.replace("stdout: \"\"", "stdout: { not: { equals: \"${env.RELEASE}\" } }");
    let project = Project::new(&list).env("TOKEN", "abc");
    for release in ["r1", "r2"] {
        let output = project.command(&["check", "staging"]).env("RELEASE", release).run();
        assert_eq!(output.code, 0, "{}{}", output.stdout, output.stderr);
        assert!(!output.stderr.contains("weaker"), "{}", output.stderr);
    }
    let diff = project.gate(&["diff", "staging"]).stdout;
    assert!(!diff.contains("\nweaker\n"), "{diff}");
}

#[test]
fn items_that_a_partial_run_left_out_are_neither_gone_nor_new() {
    let project = Project::new(LIST).env("TOKEN", "abc");
    project.gate(&["check", "staging"]);
    project.gate(&["check", "staging", "--only", "drop"]);
    project.gate(&["check", "staging"]);
    for runs in [["1", "2"], ["2", "3"]] {
        let diff = project.gate(&["diff", "staging", runs[0], runs[1]]);
        assert!(diff.stdout.contains("nothing changed"), "{}{}", diff.stdout, diff.stderr);
    }
}
