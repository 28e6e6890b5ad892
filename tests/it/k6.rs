//! `k6` with summaries that the real k6 writes in all of its formats, and with those of its newest version.

use std::fs;
use std::path::Path;
use std::process::Command;

use gate::probe::Probe;
use gate::probe::k6::{K6, K6Seen};
use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::harness::{self, Project, Response, http};
use crate::observe::{context, observe_in, probe, refused};

/// A script with these thresholds, which also saves the data of `handleSummary`.
fn script(thresholds: &str) -> String {
    format!(
        "import http from 'k6/http';\nimport {{ check }} from 'k6';\n\
         export const options = {{ vus: 2, iterations: 6, thresholds: {thresholds} }};\n\
         export default function () {{ check(http.get(__ENV.URL), {{ ok: (r) => r.status === 200 }}); }}\n\
         export function handleSummary(data) {{ return {{ 'handle.json': JSON.stringify(data) }}; }}\n"
    )
}

/// A folder in which the real k6 has run this script against a healthy server: `export.json` and `handle.json`.
fn ran(thresholds: &str) -> tempfile::TempDir {
    let server = http(|_| Response::ok("ok"));
    let dir = tempfile::tempdir().expect("a temporary folder");
    fs::write(dir.path().join("s.js"), script(thresholds)).expect("the folder is writable");
    let output = Command::new(harness::k6())
        .args(["run", "--no-usage-report", "--quiet", "--summary-export", "export.json", "--env"])
        .args([format!("URL={}", server.url()), "s.js".to_owned()])
        .current_dir(dir.path())
        .output()
        .expect("k6 is installed");
    let code = output.status.code();
    assert!(matches!(code, Some(0 | 99)), "{code:?} {}", String::from_utf8_lossy(&output.stderr));
    dir
}

fn see(dir: &Path, settings: Value) -> Result<K6Seen, String> {
    observe_in::<K6>(&context(dir, &[]), settings)
}

fn reported(settings: Value, seen: &K6Seen) -> String {
    let probe: K6 = probe(settings);
    format!("{} | {}", probe.evidence(seen), probe.advice(seen).unwrap_or_default())
}

/// The observation of this summary.
fn read(summary: &Value) -> Result<K6Seen, String> {
    let dir = tempfile::tempdir().expect("a temporary folder");
    fs::write(dir.path().join("s.json"), summary.to_string()).expect("the folder is writable");
    see(dir.path(), json!({ "summary": "s.json" }))
}

/// The result of an item with only this probe.
fn judged(dir: &Path, k6: &str) -> (i32, String) {
    let item = format!("{{ id: load, title: Load, probes: [{{ k6: {{ {k6} }} }}] }}");
    let checklist = format!("title: T\nsections:\n  - title: S\n    items:\n      - {item}\n");
    let mut project = Project::new(&checklist);
    for name in ["export.json", "handle.json", "s.js"] {
        if let Ok(text) = fs::read_to_string(dir.join(name)) {
            project = project.file(name, &text);
        }
    }
    let output = project.gate(&["check", "staging"]);
    (output.code, output.stdout)
}

#[test]
fn thresholds_are_the_right_way_round_in_both_shapes_of_the_real_k6() {
    let dir = ran("{ http_req_duration: ['p(95)<60000', 'avg<0.000001'], checks: ['rate>0.9'] }");
    for (file, shape) in [("export.json", "summary-export"), ("handle.json", "handleSummary")] {
        let settings = json!({ "summary": file });
        let seen = see(dir.path(), settings.clone()).expect("it is a summary");
        assert_eq!((seen.shape.as_str(), seen.thresholds, seen.iterations), (shape, 3, 6.0));
        assert_eq!(reported(settings, &seen), "1 of 3 thresholds crossed | crossed: http_req_duration: avg<0.000001");
        assert_eq!((seen.metrics["checks"]["rate"], seen.metrics["http_req_failed"]["rate"]), (1.0, 0.0));
        assert!(seen.metrics["http_req_duration"]["p(95)"] > 0.0);
        let (code, reported) = judged(dir.path(), &format!("summary: {file}"));
        assert_eq!(code, 1, "{reported}");
    }
}

#[test]
fn kept_thresholds_are_green_and_none_are_red() {
    let kept = ran("{ http_req_duration: ['p(95)<60000'] }");
    let none = ran("{}");
    for file in ["export.json", "handle.json"] {
        let (code, reported) = judged(kept.path(), &format!("summary: {file}"));
        assert_eq!(code, 0, "{reported}");
        let (code, reported) = judged(none.path(), &format!("summary: {file}"));
        assert_eq!(code, 1, "{reported}");
        assert!(reported.contains("sets no `thresholds`, so the test asserts nothing"), "{reported}");
    }
}

#[test]
fn a_threshold_on_what_was_never_measured_is_red_though_k6_keeps_it() {
    let dir = ran("{ 'http_req_duration{kind:mispelt}': ['p(95)<5'] }");
    let seen = see(dir.path(), json!({ "summary": "export.json" })).expect("it is a summary");
    assert_eq!((seen.crossed.len(), seen.unsampled.join(" ").as_str()), (0, "http_req_duration{kind:mispelt}"));
    let (code, reported) = judged(dir.path(), "summary: export.json");
    assert_eq!(code, 1, "{reported}");
    assert!(reported.contains("nothing was measured for http_req_duration{kind:mispelt}"), "{reported}");
}

#[test]
fn the_newest_format_has_no_thresholds_and_does_not_pass() {
    let metric =
        |name: &str, values: Value| json!({ "name": name, "type": "trend", "contains": "time", "values": values });
    let summary = json!({
        "version": "1.0.0",
        "metadata": { "generatedAt": "2026-01-15T10:30:45.123Z", "k6Version": "1.5.0" },
        "config": { "execution": "local", "script": "s.js", "duration": 60.0 },
        "results": { "metrics": [
            metric("http_req_duration", json!({ "avg": 245.67, "p(95)": 421.32 })),
            metric("iterations", json!({ "count": 1500.0 })),
        ], "checks": { "metrics": [], "results": [] } },
    });
    let seen = read(&summary).expect("it is a summary");
    assert_eq!((seen.shape.as_str(), seen.thresholds, seen.iterations), ("machine-readable", 0, 1500.0));
    assert_eq!(seen.metrics["http_req_duration"]["p(95)"], 421.32);
    assert_snapshot!(reported(json!({ "summary": "s.json" }), &seen), @"no thresholds | this format of summary has no thresholds: run k6 without `--new-machine-readable-summary`, or expect something of `metrics`");
}

#[test]
fn thresholds_in_an_unknown_format_are_an_error() {
    let odd = json!({ "metrics": { "http_reqs": { "values": { "count": 1 }, "thresholds": { "count>0": false } } } });
    assert_snapshot!(read(&odd).expect_err("it is unknown"), @"
    `s.json` has the thresholds of `http_reqs` in an unknown format
    help: is this the output of `k6 run --summary-export` or `handleSummary`?
    ");
}

#[test]
fn an_invalid_summary_is_an_error_and_a_missing_one_is_pending() {
    assert_snapshot!(read(&json!({ "a": 1 })).expect_err("it is invalid"), @"
    `s.json` is not a summary of k6: it has no `metrics`
    help: write one with `k6 run --summary-export FILE`, or return `data` from `handleSummary`
    ");
    let dir = tempfile::tempdir().expect("a temporary folder");
    fs::write(dir.path().join("s.json"), "{\"metrics\":\n {").expect("the folder is writable");
    let error = see(dir.path(), json!({ "summary": "s.json" })).expect_err("it is cut");
    assert_snapshot!(error, @"`s.json`: incomplete JSON: it ends at line 2, column 2");
    let (code, reported) = judged(dir.path(), "summary: nowhere.json");
    assert_eq!(code, 1, "{reported}");
    assert!(reported.contains("pending") && reported.contains("k6 run --summary-export nowhere.json"), "{reported}");
}

#[test]
fn metrics_worse_than_the_baseline_beyond_the_tolerance_are_reported() {
    let summary = |p95: f64, failed: f64, checks: f64| {
        json!({ "metrics": {
            "http_req_duration": { "avg": 100, "p(95)": p95, "max": 9000.0 * p95 },
            "http_req_failed": { "passes": 1, "fails": 9, "value": failed },
            "checks": { "passes": 9, "fails": 1, "value": checks },
            "http_reqs": { "count": 10, "rate": p95 },
        } })
    };
    let dir = tempfile::tempdir().expect("a temporary folder");
    let write =
        |name: &str, summary: Value| fs::write(dir.path().join(name), summary.to_string()).expect("it is writable");
    write("base.json", summary(500.0, 0.0, 1.0));
    write("now.json", summary(549.0, 0.0, 0.91));
    let settings = json!({ "summary": "now.json", "baseline": "base.json" });
    let seen = see(dir.path(), settings.clone()).expect("they are summaries");
    assert_eq!((seen.compared, seen.regressions.len()), (4, 0));
    write("now.json", summary(812.5, 0.01, 0.5));
    let seen = see(dir.path(), settings).expect("they are summaries");
    assert_snapshot!(seen.regressions.join("\n"), @"
    http_req_duration p(95): 812.5 after 500
    http_req_failed rate: 0.01 after 0
    checks rate: 0.5 after 1
    ");
    let with = |compare: &str| {
        see(dir.path(), json!({ "summary": "base.json", "baseline": "now.json", "tolerance": 5, "compare": [compare] }))
    };
    assert_snapshot!(with("http_reqs").expect("it is in both").regressions.join("\n"), @"http_reqs rate: 500 after 812.5");
    assert_snapshot!(with("http_rqs").expect_err("it is misspelled"), @"
    the baseline has no metric `http_rqs`
    help: `compare` names metrics as the summary does
    ");
    let error = see(dir.path(), json!({ "summary": "now.json", "baseline": "gone.json" })).expect_err("it is missing");
    assert!(error.starts_with("no baseline: `gone.json` does not exist"), "{error}");
}

/// With `summaryTrendStats: [count, …]`, a trend has a value that only counters have otherwise.
#[test]
fn a_trend_with_a_count_is_not_a_counter() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let write =
        |name: &str, summary: Value| fs::write(dir.path().join(name), summary.to_string()).expect("it is writable");
    let trend = |avg: f64| json!({ "metrics": { "http_req_duration": { "avg": avg, "count": 100, "p(95)": avg } } });
    let typed = |avg: f64| json!({ "metrics": { "http_req_duration": { "type": "trend", "values": { "avg": avg, "count": 100 } } } });
    let regressions =
        || see(dir.path(), json!({ "summary": "now.json", "baseline": "base.json" })).map(|seen| seen.regressions);
    for summary in [&trend as &dyn Fn(f64) -> Value, &typed] {
        write("base.json", summary(100.0));
        write("now.json", summary(2000.0));
        assert_eq!(regressions().expect("they are summaries")[0], "http_req_duration avg: 2000 after 100");
        write("now.json", summary(5.0));
        assert_eq!(regressions(), Ok(Vec::new()));
    }
    write("now.json", json!({ "metrics": { "http_req_duration": { "count": 100, "rate": 3 } } }));
    assert_snapshot!(regressions().expect_err("they can't be compared"), @"
    `http_req_duration` is a counter now, and a trend in the baseline
    help: make a new baseline with the current script
    ");
}

#[test]
fn a_run_in_which_everything_failed_is_red() {
    let summary = |checks: Value, requests: Value| {
        json!({ "metrics": {
            "http_req_duration": { "avg": 1, "thresholds": { "avg<5": false } },
            "iterations": { "count": 9, "rate": 1 },
            "checks": checks,
            "http_req_failed": requests,
        } })
    };
    let rate = |passes: u32, fails: u32| json!({ "passes": passes, "fails": fails, "value": f64::from(passes) / f64::from((passes + fails).max(1)) });
    for (checks, requests, failed) in [
        (rate(9, 0), rate(0, 9), ""),
        (rate(1, 8), rate(8, 1), ""),
        (rate(0, 0), rate(0, 9), ""),
        (rate(0, 9), rate(0, 9), "checks"),
        (rate(9, 0), rate(9, 0), "http_req_failed"),
        (rate(0, 9), rate(9, 0), "checks http_req_failed"),
    ] {
        let summary = summary(checks, requests);
        assert_eq!(read(&summary).expect("it is a summary").all_failed.join(" "), failed);
        let dir = tempfile::tempdir().expect("a temporary folder");
        fs::write(dir.path().join("export.json"), summary.to_string()).expect("the folder is writable");
        let (code, reported) = judged(dir.path(), "summary: export.json");
        assert_eq!(code, i32::from(!failed.is_empty()), "{reported}");
    }
}

#[test]
fn a_summary_is_as_old_as_it_says_and_may_begin_with_a_byte_order_mark() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let text = "\u{feff}{ \"metrics\": {}, \"timestamp\": \"2020-01-02T03:04:05Z\" }";
    fs::write(dir.path().join("s.json"), text).expect("the folder is writable");
    let seen = see(dir.path(), json!({ "summary": "s.json" })).expect("it is a summary");
    assert_eq!(seen.modified, "2020-01-02T03:04:05Z");
    let newest = json!({ "metadata": { "generatedAt": "2026-01-15T10:30:45.123Z" }, "results": { "metrics": [] } });
    assert_eq!(read(&newest).expect("it is a summary").modified, "2026-01-15T10:30:45.123Z");
    assert!(read(&json!({ "metrics": {} })).expect("it is a summary").modified.as_str() > "2026-01-16");
}

#[test]
fn the_real_k6_is_run_and_judged() {
    let server = http(|_| Response::ok("ok"));
    let dir = tempfile::tempdir().expect("a temporary folder");
    let write = |text: &str| fs::write(dir.path().join("s.js"), text).expect("the folder is writable");
    let settings = json!({ "run": "s.js", "program": harness::k6(), "env": { "URL": server.url() } });
    write(&script("{ checks: ['rate>0.9'] }"));
    let seen = see(dir.path(), settings.clone()).expect("k6 runs");
    assert_eq!((seen.failed, seen.iterations, server.requests().len()), (false, 6.0, 6));
    assert_snapshot!(reported(settings.clone(), &seen), @"1 of 1 thresholds met |");
    write(&script("{ checks: ['rate>1.1'] }"));
    let seen = see(dir.path(), settings.clone()).expect("k6 runs");
    assert_eq!((seen.failed, seen.crossed.join(" ").as_str()), (true, "checks: rate>1.1"));
    write("export default function () {");
    let error = see(dir.path(), settings).expect_err("it is not a script");
    assert!(error.starts_with("k6 ended with exit code 107 and reported no result\nhelp: "), "{error}");
}

#[test]
fn a_load_that_does_not_end_is_ended_in_time() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let endless = "export const options = { duration: '5m' };\nexport default function () {}\n";
    fs::write(dir.path().join("s.js"), endless).expect("the folder is writable");
    let k6 = harness::k6().display().to_string();
    let begun = std::time::Instant::now();
    let cx = context(dir.path(), &[]).with_timeout(std::time::Duration::from_secs(1));
    let error = observe_in::<K6>(&cx, json!({ "run": "s.js", "program": k6 })).expect_err("it never ends");
    assert!(error.starts_with("k6 timed out"), "{error}");
    assert!(begun.elapsed() < std::time::Duration::from_secs(20), "{:?}", begun.elapsed());
}

#[test]
fn a_missing_k6_and_contradictory_settings_are_reported() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let error = see(dir.path(), json!({ "run": "s.js", "program": "no-such-k6" })).expect_err("it does not exist");
    assert!(error.starts_with("`no-such-k6` is not installed here, or not in PATH"), "{error}");
    assert_snapshot!(refused::<K6>(json!({})), @"`summary` or `run` is missing");
    assert_snapshot!(refused::<K6>(json!({ "summary": "a", "run": "b" })), @"`summary` reads the results of a run, and `run` runs k6: use one of them");
    assert_snapshot!(refused::<K6>(json!({ "summary": "a", "tolerance": -1 })), @"`tolerance` is a percentage, such as 10");
    assert_snapshot!(refused::<K6>(json!({ "summary": "a", "compare": ["checks"] })), @"`compare` needs a `baseline`");
    assert!(
        probe::<K6>(json!({ "run": "s.js" })).has_effects() && !probe::<K6>(json!({ "summary": "s" })).has_effects()
    );
}
