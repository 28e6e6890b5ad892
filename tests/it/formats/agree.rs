//! One run has the same verdict in every format.

use super::verdict::verdicts;
use super::{FILES, check, hold_valid, json, text};
use crate::harness::Project;

/// A checklist with these lines of YAML as its items.
fn project(items: &[&str], gaps: &str) -> Project {
    let items: String = items.iter().map(|item| format!("      - {item}\n")).collect();
    let list = format!("title: T\nsubject: r1\nsections:\n  - title: S\n    items:\n{items}{gaps}");
    Project::new("").file("checklists/staging.yaml", &list).file("here", "")
}

const PASSED: &str = "{ id: up, title: Up, probes: [{ file: { path: here } }] }";
const FAILED: &str = "{ id: down, title: Down, probes: [{ file: { path: gone } }] }";
const ERROR: &str = "{ id: refused, title: Refused, timeout: 2s, probes: [{ http: { url: 'http://127.0.0.1:1/' } }] }";
const BLOCKED: &str = "{ id: unset, title: Unset, probes: [{ file: { path: '${env.GATE_TEST_UNSET}' } }] }";
const PENDING: &str = "{ id: later, title: Later, pending: NEEDS RUN }";
const DEFERRED: &str = "{ id: prod, title: Prod, deferred: PROD SETUP }";
const ADVISORY: &str = "{ id: nice, title: Nice, advisory: true, probes: [{ file: { path: gone } }] }";
const SIGN_OFF: &str = "{ id: qa, title: QA, needs: [up], sign_off: { role: QA lead } }";

/// Runs it, and compares every format with the exit code.
fn hold(project: &Project, code: i32) {
    let output = check(project, &[]);
    assert_eq!(output.code, code, "{}{}", output.stdout, output.stderr);
    hold_valid(project);
    let verdicts = verdicts(project);
    assert_eq!(verdicts.len(), FILES.len());
    for (format, is_ready) in verdicts {
        assert_eq!(is_ready, code == 0, "{format} disagrees with exit code {code}:\n{}", text(project, format));
    }
}

#[test]
fn every_format_agrees_with_the_exit_code() {
    hold(&project(&[PASSED], ""), 0);
    hold(&project(&[PASSED, DEFERRED, ADVISORY], ""), 0);
    for red in [FAILED, PENDING, SIGN_OFF] {
        hold(&project(&[PASSED, red, ADVISORY], ""), 1);
    }
    for red in [ERROR, BLOCKED] {
        hold(&project(&[PASSED, red], ""), 3);
    }
}

#[test]
fn a_waived_item_is_skipped_not_failed() {
    let until = (jiff::Timestamp::now() + jiff::SignedDuration::from_hours(48)).strftime("%Y-%m-%d").to_string();
    let gaps = format!(
        "gaps:\n  - {{ gap: Known, items: [down], priority: P2, accepted_until: {until}, accepted_by: \"@sre\" }}\n"
    );
    let project = project(&[PASSED, FAILED], &gaps);
    hold(&project, 0);
    assert!(text(&project, "tap").contains("not ok 2 - down: Down # TODO waived until"), "{}", text(&project, "tap"));
    assert!(text(&project, "junit").contains("<skipped message=\"waived until"), "{}", text(&project, "junit"));
    assert_eq!(json(&project, "intoto")["predicate"]["result"], "WARNED");
    assert_eq!(json(&project, "sarif")["runs"][0]["results"][0]["suppressions"][0]["status"], "accepted");
}

#[test]
fn a_report_has_the_documented_keys() {
    let project = project(&[PASSED, FAILED, BLOCKED, DEFERRED], "");
    check(&project, &[]);
    let statement = json(&project, "intoto");
    assert_eq!(statement["_type"], "https://in-toto.io/Statement/v1");
    assert_eq!(statement["predicateType"], "https://in-toto.io/attestation/test-result/v0.1");
    assert_eq!(statement["subject"][0]["name"], "checklists/staging.yaml");
    assert_eq!(statement["subject"][0]["digest"]["sha256"].as_str().map(str::len), Some(64));
    assert_eq!(statement["predicate"]["configuration"][0]["name"], "checklists/staging.yaml");
    assert_eq!(statement["predicate"]["passedTests"], serde_json::json!(["up"]));
    assert_eq!(statement["predicate"]["failedTests"], serde_json::json!(["down", "unset"]));

    let issue = &json(&project, "gitlab")[0];
    assert_eq!(issue["check_name"], "down");
    assert_eq!(issue["severity"], "critical");
    assert_eq!(issue["location"], serde_json::json!({ "path": "checklists/staging.yaml", "lines": { "begin": 7 } }));
    assert_eq!(issue["fingerprint"].as_str().map(str::len), Some(64));
    assert!(issue["description"].as_str().is_some_and(|text| text.starts_with("down: Down (failed: ")), "{issue}");

    let annotations = text(&project, "github");
    let first = annotations.lines().next().unwrap_or_default();
    assert!(first.starts_with("::error file=checklists/staging.yaml,line=7,col="), "{first}");
    let metrics = text(&project, "prometheus");
    assert!(
        metrics.contains("gate_item_status{checklist=\"staging\",id=\"down\",section=\"S\",status=\"failed\"} 1\n")
    );
    assert!(
        metrics.ends_with('\n')
            && metrics.contains("gate_item_last_passed_timestamp_seconds{checklist=\"staging\",id=\"up\"} ")
    );
}

#[test]
fn events_are_written_as_they_happen_and_the_report_has_the_same_lines() {
    let project = project(&[PASSED, FAILED], "");
    let output = check(&project, &["--format", "ndjson", "--jobs", "1"]);
    let kinds = |text: &str| {
        let parse = |line: &str| serde_json::from_str::<serde_json::Value>(line).expect("each line is JSON");
        text.lines().map(|line| parse(line)["event"].as_str().unwrap_or_default().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(kinds(&output.stdout), ["started", "finished", "started", "finished", "done"]);
    assert_eq!(output.stdout, text(&project, "ndjson"));
}

#[test]
fn each_format_goes_to_standard_output_too_and_all_are_written_although_one_fails() {
    let project = project(&[PASSED, FAILED], "");
    let help = project.gate(&["check", "--help"]).stdout;
    for (format, file) in FILES {
        let output = project.gate(&["check", "staging", "--no-record", "--format", format]);
        assert_eq!(output.code, 1, "{format}: {}", output.stderr);
        assert!(!output.stdout.is_empty(), "{format}");
        assert!(help.contains(&format!("  {format} ")), "{format} is not in the help:\n{help}");
        let mut reports = vec!["check", "staging", "--no-record", "--report=tap=/dev/full", "--report=json=/dev/null"];
        let report = format!("--report={format}=new/{file}");
        reports.push(&report);
        let output = project.gate(&reports);
        assert_eq!(output.code, 4, "{format}: {}", output.stderr);
        assert!(output.stderr.contains("cannot write `/dev/full`"), "{}", output.stderr);
        assert!(!project.read(&format!("new/{file}")).is_empty(), "{format}");
    }
}
