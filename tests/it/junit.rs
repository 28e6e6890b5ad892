//! `junit` with reports of pytest, nextest and Surefire, and with files that are not reports.

use std::fs;
use std::path::Path;

use gate::probe::Probe;
use gate::probe::junit::{Junit, JunitSeen};
use insta::assert_snapshot;
use serde_json::json;

use crate::harness::Project;
use crate::observe::{context, observe_in, probe, refused};

/// A report of pytest 8: one test passed, one failed, one had an error in a fixture and one was skipped.
const PYTEST: &str = r#"<?xml version="1.0" encoding="utf-8"?><testsuites name="pytest tests"><testsuite name="pytest"
errors="1" failures="1" skipped="1" tests="4" time="0.061" timestamp="2025-12-06T10:00:00.000000+00:00" hostname="ci">
<testcase classname="tests.test_api" name="test_health" time="0.001" />
<testcase classname="tests.test_api" name="test_replay[a &lt; b]" time="0.002"><failure message="assert 1 == 2">def
test_replay(): &gt; assert 1 == 2</failure></testcase>
<testcase classname="tests.test_db" name="test_head" time="0.000"><error message="failed on setup with &quot;OSError&quot;">no
database</error></testcase>
<testcase classname="tests.test_db" name="test_old" time="0.000"><skipped type="pytest.skip" message="later">x</skipped></testcase>
</testsuite></testsuites>"#;

/// A report of nextest 0.9: suites in a root with totals, and a case that passed at its second attempt.
const NEXTEST: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="nextest-run" tests="3" failures="0" errors="0" uuid="45c50042" timestamp="2025-12-06T10:00:00.000+00:00" time="0.7">
    <testsuite name="gate" tests="2" disabled="0" errors="0" failures="0">
        <testcase name="expect::tests::one" classname="gate" timestamp="2025-12-06T10:00:00.000+00:00" time="0.010"/>
        <testcase name="expect::tests::two" classname="gate" timestamp="2025-12-06T10:00:00.000+00:00" time="0.011">
            <flakyFailure timestamp="2025-12-06T10:00:00.000+00:00" time="0.010" message="panicked" type="test failure">
                <system-err>thread panicked</system-err>
            </flakyFailure>
        </testcase>
    </testsuite>
    <testsuite name="gate::it" tests="1" disabled="0" errors="0" failures="0">
        <testcase name="cli::version" classname="gate::it" time="0.300"><system-out>&lt;testcase/&gt;</system-out></testcase>
    </testsuite>
</testsuites>"#;

fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let dir = tempfile::tempdir().expect("a temporary folder");
    for (path, text) in files {
        let path = dir.path().join(path);
        fs::create_dir_all(path.parent().expect("a file is in a folder")).expect("the folder is writable");
        fs::write(path, text).expect("the folder is writable");
    }
    dir
}

fn see(dir: &Path, files: &str) -> Result<JunitSeen, String> {
    observe_in::<Junit>(&context(dir, &[]), json!({ "files": files }))
}

fn read(text: &str) -> Result<JunitSeen, String> {
    see(folder(&[("r.xml", text)]).path(), "r.xml")
}

fn reported(seen: &JunitSeen) -> String {
    let probe: Junit = probe(json!({ "files": "r.xml" }));
    format!("{} | {}", probe.evidence(seen), probe.advice(seen).unwrap_or_default())
}

/// The result of an item with only this probe.
fn judged(files: &[(&str, &str)]) -> (i32, String) {
    let checklist = "title: T\nsections:\n  - title: S\n    items:\n      - { id: e2e, title: E2E, probes: [{ junit: { files: \"r/*.xml\" } }] }\n";
    let project = files.iter().fold(Project::new(checklist), |project, (path, text)| project.file(path, text));
    let output = project.gate(&["check", "staging"]);
    (output.code, output.stdout)
}

#[test]
fn a_report_of_pytest_is_counted_by_its_cases() {
    let seen = read(PYTEST).expect("it is a report");
    assert_eq!((seen.files, seen.cases, seen.passed), (1, 4, 1));
    assert_eq!((seen.failures, seen.errors, seen.skipped, seen.unaccounted), (1, 1, 1, 0));
    assert_snapshot!(reported(&seen), @"1 passed, 1 failed, 1 broke off, 1 skipped in 1 file | not green: tests.test_api::test_replay[a < b], tests.test_db::test_head");
}

#[test]
fn a_report_of_nextest_shows_what_passed_only_when_run_again() {
    let seen = read(NEXTEST).expect("it is a report");
    assert_eq!((seen.cases, seen.passed, seen.flaky, seen.failures, seen.unaccounted), (3, 3, 1, 0, 0));
    assert_snapshot!(reported(&seen), @"3 passed, 1 flaky in 1 file | ");
}

#[test]
fn suites_in_suites_are_counted_once_and_totals_are_not_believed() {
    let seen = read(
        r#"<testsuites tests="99"><testsuite tests="9"><testsuite><testcase name="a"/></testsuite><testcase name="b"/>
        <properties><property name="c" value="d"/></properties></testsuite></testsuites>"#,
    );
    let seen = seen.expect("it is a report");
    assert_eq!((seen.cases, seen.passed), (2, 2));
}

#[test]
fn failures_that_only_the_totals_know_are_red() {
    let text = r#"<testsuite tests="2" failures="1" errors="1"><testcase name="a"/></testsuite>"#;
    let seen = read(text).expect("it is a report");
    assert_eq!(seen.unaccounted, 2);
    let (code, reported) = judged(&[("r/a.xml", text)]);
    assert_eq!(code, 1, "{reported}");
    assert!(
        reported.contains("unaccounted: expected 0, got 2") && reported.contains("totals of a report count failures"),
        "{reported}"
    );
}

#[test]
fn a_skipped_case_has_not_passed() {
    let text = r#"<testsuites tests="4" failures="0" disabled="2" errors="0"><testsuite name="Pay" tests="4" disabled="2" skipped="1">
        <testcase name="Ping" status="run" result="completed"/><testcase name="Charge" status="notrun" result="suppressed"/>
        <testcase name="Refund" status="notrun" result="suppressed"/><testcase name="Later" status="run" result="skipped"/>
        </testsuite></testsuites>"#;
    let seen = read(text).expect("it is a report");
    assert_eq!((seen.cases, seen.passed, seen.skipped), (4, 1, 3));
    assert_eq!(seen.disagreements, Vec::<String>::new());
    let (code, reported) = judged(&[("r/a.xml", r#"<testsuite><testcase name="a" status="disabled"/></testsuite>"#)]);
    assert_eq!(code, 1, "{reported}");
}

#[test]
fn a_status_of_failed_is_red_without_a_child_and_an_unknown_one_is_not_green() {
    let cases =
        |status: &str| format!("<testsuite><testcase name='a'/><testcase name='b' status='{status}'/></testsuite>");
    let seen = read(&cases("failed")).expect("it is a report");
    assert_eq!((seen.passed, seen.failures, seen.failing.join(" ").as_str()), (1, 1, "b"));
    assert_eq!(judged(&[("r/a.xml", &cases("passed"))]).0, 0);
    for status in ["failed", "error", "sparkling"] {
        let (code, reported) = judged(&[("r/a.xml", &cases(status))]);
        assert_eq!(code, 1, "{status}: {reported}");
    }
}

#[test]
fn totals_that_disagree_are_said() {
    let text = r#"<testsuites tests="3"><testsuite name="api" tests="3" skipped="1"><testcase name="a"/></testsuite></testsuites>"#;
    let seen = read(text).expect("it is a report");
    assert_eq!(
        seen.disagreements,
        [
            "r.xml: api: tests is 3, counted 1",
            "r.xml: api: skipped is 1, counted 0",
            "r.xml: a nameless <testsuites>: tests is 3, counted 1",
        ]
    );
    assert_snapshot!(reported(&seen), @"1 passed in 1 file, totals disagree | ");
    assert_eq!(read(PYTEST).expect("it is a report").disagreements, Vec::<String>::new());
    assert_eq!(read(NEXTEST).expect("it is a report").disagreements, Vec::<String>::new());
}

/// A report that was downloaded just now may be a year old.
#[test]
fn a_report_is_as_old_as_it_says() {
    let times = |suites: &str| {
        let seen = read(&format!("<testsuites>{suites}</testsuites>")).expect("it is a report");
        (seen.oldest, seen.newest)
    };
    let (oldest, newest) = times(
        "<testsuite timestamp='2020-01-02T03:04:05'/><testsuite timestamp='2021-01-02T03:04:05+02:00'><testcase/></testsuite>",
    );
    assert_eq!((oldest.as_str(), newest.as_str()), ("2020-01-02T03:04:05Z", "2021-01-02T01:04:05Z"));
    let (written, _) = times("<testsuite timestamp='yesterday'/>");
    assert!(written.as_str() > "2025", "{written}");
    assert!(times("<testsuite timestamp='2999-01-01T00:00:00'/>").1.as_str() < "2999", "no later than the file");
    assert_eq!(times("<testsuite timestamp='2999-01-01T00:00:00Z'/>").1, "2999-01-01T00:00:00Z");
}

#[test]
fn declared_encodings_are_read() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let text = "<?xml version=\"1.0\" encoding=\"ENC\"?><testsuite name='é'><testcase name='é'><failure/></testcase></testsuite>";
    let latin: Vec<u8> = text.replace("ENC", "ISO-8859-1").chars().map(|c| u8::try_from(c).expect("Latin-1")).collect();
    let utf_16: Vec<u8> =
        format!("\u{feff}{}", text.replace("ENC", "UTF-16")).encode_utf16().flat_map(u16::to_le_bytes).collect();
    let utf_8 = format!("\u{feff}{}", text.replace("ENC", "UTF-8")).into_bytes();
    for bytes in [latin, utf_16, utf_8] {
        fs::write(dir.path().join("r.xml"), bytes).expect("the folder is writable");
        let seen = see(dir.path(), "r.xml").expect("it is a report");
        assert_eq!(seen.failing, ["é"]);
    }
}

#[test]
fn the_failure_of_a_whole_suite_is_one() {
    let text = r#"<testsuite name="db"><testcase name="a"/><error message="set-up"/></testsuite>"#;
    let seen = read(text).expect("it is a report");
    assert_eq!((seen.cases, seen.passed, seen.errors, seen.failing.join(" ").as_str()), (1, 1, 1, "db"));
}

#[test]
fn several_files_are_one_run_and_each_must_hold_cases() {
    let dir = folder(&[("r/a/1.xml", PYTEST), ("r/b/c/2.xml", NEXTEST), ("r/b/x.txt", "no report"), ("r/d.xml/e", "")]);
    let seen = see(dir.path(), "r/**/*.xml").expect("they are reports");
    assert_eq!((seen.files, seen.cases, seen.passed), (2, 7, 4));
    assert!(seen.oldest <= seen.newest && seen.newest.ends_with('Z'), "{seen:?}");
    let (code, reported) = judged(&[("r/1.xml", NEXTEST), ("r/2.xml", "<testsuites/>")]);
    assert_eq!(code, 1, "{reported}");
    assert!(reported.contains("`r/2.xml` has no test cases"), "{reported}");
}

#[test]
fn green_is_green_and_nothing_to_count_is_not() {
    let (code, reported) = judged(&[("r/1.xml", NEXTEST)]);
    assert_eq!(code, 0, "{reported}");
    let skipped = "<testsuite><testcase name='a'><skipped/></testcase></testsuite>";
    let (code, reported) = judged(&[("r/1.xml", skipped)]);
    assert_eq!(code, 1, "{reported}");
    assert!(reported.contains("every case was skipped, which proves nothing"), "{reported}");
}

#[test]
fn an_item_without_a_report_is_pending() {
    let (code, reported) = judged(&[]);
    assert_eq!(code, 1, "{reported}");
    assert!(reported.contains("pending") && reported.contains("no file matches `r/*.xml`"), "{reported}");
    assert!(reported.contains("run the tests that write it"), "{reported}");
}

#[test]
fn a_malformed_report_is_an_error_with_its_file_and_position() {
    let error = |text: &str| read(text).expect_err("it is not a report");
    assert_snapshot!(error("<testsuite>\n<testcase></testsuite>"), @"`r.xml:2:11` is not well-formed XML: expected 'testcase' tag, not 'testsuite'");
    assert_snapshot!(error("<testsuite><testcase name='a'/>"), @"
    `r.xml` ends too early
    help: did the run that writes it fail early, or is it still running?
    ");
    assert_snapshot!(error(""), @"
    `r.xml` is empty
    help: did the run that writes it fail early, or is it still running?
    ");
    assert_snapshot!(error("<coverage/>"), @"
    `r.xml` is not a JUnit report: it begins with `<coverage>`
    help: `files` must match only reports
    ");
    let (code, reported) = judged(&[("r/1.xml", NEXTEST), ("r/2.xml", "<testsuite>\n<oops")]);
    assert_eq!(code, 3, "{reported}");
}

#[test]
fn entities_are_never_resolved() {
    let bomb = r#"<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;&a;"><!ENTITY f SYSTEM "file:///etc/passwd">]>
        <testsuite><testcase name="&b;&f;"><failure/></testcase></testsuite>"#;
    assert_snapshot!(read(bomb).expect_err("it has a DOCTYPE"), @"
    `r.xml` has a DOCTYPE, which is not read
    help: is it a JUnit report?
    ");
    let error = read("<testsuite><testcase name='&f;'/></testsuite>").expect_err("nothing defines it");
    assert!(error.starts_with("`r.xml:1:"), "{error}");
}

#[test]
fn size_depth_and_names_are_bounded() {
    let dir = folder(&[("r.xml", NEXTEST)]);
    let error = observe_in::<Junit>(&context(dir.path(), &[]), json!({ "files": "r.xml", "max_size": "500B" }));
    assert_snapshot!(error.expect_err("it is larger"), @"
    `r.xml` is larger than `max_size`
    help: raise the limit, such as `max_size: 64MiB`
    ");
    let deep = format!("{}{}", "<testsuite>".repeat(100_000), "</testsuite>".repeat(100_000));
    assert_eq!(read(&deep).expect("it is well-formed").cases, 0);
    let name = "n".repeat(1000);
    let many = format!("<testcase name='{name}'><failure/></testcase>").repeat(70);
    let seen = read(&format!("<testsuite>{many}</testsuite>")).expect("it is a report");
    assert_eq!((seen.failures, seen.failing.len(), seen.failing[0].chars().count()), (70, 50, 201));
    assert!(reported(&seen).ends_with(", and 67 more"));
}

#[test]
fn an_invalid_pattern_is_refused() {
    assert_snapshot!(refused::<Junit>(json!({ "files": "a/***.xml" })), @"`files` is not a pattern: wildcards are either regular `*` or recursive `**`");
    assert_snapshot!(refused::<Junit>(json!({ "files": " " })), @"`files` names no file");
}
