//! The table, as a newcomer reads it: counts, the probe that failed, what an answer contains instead, and what to do.

use crate::harness::{Project, Response, http};

/// A project with a checklist of these items.
fn project(items: &str) -> Project {
    let text = format!("title: T\nsections:\n  - title: S\n    items:\n{items}");
    Project::new(&text).file("here", "x")
}

/// The output of `gate check`.
fn table(items: &str) -> String {
    project(items).gate(&["check", "staging", "--no-record"]).stdout
}

#[test]
fn deferred_items_are_not_counted_as_passed() {
    let said = table(
        "      - { id: a, title: A, probes: [{ file: { path: here } }, { file: { path: gone } }] }
      - { id: b, title: B, deferred: later }\n",
    );
    assert!(said.contains("NOT READY: 0 of 2 passed, 1 failed, 1 deferred"), "{said}");
    assert!(said.contains("  file failed: exists: `gone` does not exist\n"), "{said}");
}

#[test]
fn one_missing_file_is_one_failure() {
    let said = table(
        "      - { id: a, title: A, probes: [{ file: { path: gone }, expect: { size: { above: 0 }, text: { contains: x } } }] }
      - { id: b, title: B, probes: [{ workflow: { path: gone.yml }, expect: { dispatch_only: true, jobs: { contains: x } } }] }
      - { id: c, title: C, probes: [{ tcp: { address: \"127.0.0.1:1\" }, expect: { banner: { contains: SSH } } }] }\n",
    );
    assert!(!said.contains("not found"), "{said}");
    assert_eq!(
        said.matches("got ").count() + said.matches("exists: `gone` does not exist").count(),
        12,
        "each failure in its row, its explanation, at its line and in the list: {said}"
    );
}

#[test]
fn a_path_that_is_not_there_says_what_is() {
    let server = http(|_| Response::json(&serde_json::json!({ "status": "ok", "parts": [1, 2], "version": "1" })));
    let url = server.url();
    let said = table(&format!(
        "      - {{ id: a, title: A, probes: [{{ http: {{ url: {url} }}, expect: {{ json.workers: {{ at_least: 2 }} }} }}] }}
      - {{ id: b, title: B, probes: [{{ http: {{ url: {url} }}, expect: {{ \"json.parts[3]\": 1, json.status.code: 1 }} }}] }}\n"
    ));
    assert!(said.contains("json.workers: not found (json has status, parts, version)"), "{said}");
    assert!(said.contains("json.parts[3]: not found (json.parts has 2 elements)"), "{said}");
    assert!(said.contains("json.status is text"), "{said}");
}

#[test]
fn html_where_json_was_expected_names_its_type() {
    let server = http(|_| Response::ok("<html></html>").header("content-type", "text/html; charset=utf-8"));
    let url = server.url();
    let said = table(&format!(
        "      - {{ id: a, title: A, probes: [{{ http: {{ url: {url} }}, expect: {{ json.status: ok }} }}] }}\n"
    ));
    assert!(said.contains("json.status: not found (the body is text/html, not JSON)"), "{said}");
}

#[test]
fn the_line_of_the_checklist_has_the_words_of_the_table() {
    let said = table(
        "      - { id: a, title: A, probes: [{ env: { names: [NOPE_A, NOPE_B] } }] }
      - { id: b, title: B, probes: [{ file: { path: here }, expect: { text: { contains: zebra } } }] }\n",
    );
    assert!(said.contains("failed: missing: NOPE_A, NOPE_B\n"), "{said}");
    assert!(said.contains("^^^ missing: NOPE_A, NOPE_B (default)\n"), "{said}");
    assert!(said.contains("failed: text: \"zebra\" not found\n"), "{said}");
    assert!(said.contains("^^^^ \"zebra\" not found in \""), "{said}");
    assert!(!said.contains("to be empty"), "{said}");
}

#[test]
fn each_help_is_below_its_own_probe() {
    let said = table(
        "      - { id: a, title: A, probes: [{ tcp: { address: \"127.0.0.1:1\" } }, { file: { path: gone } }] }\n",
    );
    let at = |text: &str| said.find(text).unwrap_or_else(|| panic!("{text} in {said}"));
    assert!(at("tcp failed:") < at("help: nothing listens there"), "{said}");
    assert!(at("help: nothing listens there") < at("file failed:"), "{said}");
    assert!(at("file failed:") < at("help: `gone` does not exist"), "{said}");
}

#[test]
fn what_waits_for_a_person_says_how_to_sign() {
    let items = "      - { id: a, title: A, probes: [{ file: { path: here } }] }
      - { id: qa, title: QA, needs: [a], sign_off: { role: QA lead, valid_for: 7d } }\n";
    let said = project(items).gate(&["check", "staging"]).stdout;
    assert!(said.contains("waits for qa (QA lead)\n  to sign: gate sign staging qa\n"), "{said}");
    // A run that is in no ledger can't be signed.
    let said = table(items);
    assert!(said.contains("waits for qa (QA lead)\n") && !said.contains("to sign"), "{said}");
}
