//! The files of the demo: the checklists and their base, Alembic's scripts, the runbook, the workflow, and what load
//! and end-to-end tests have left.

use std::fs::{self, File};
use std::io;
use std::path::Path;
use std::time::{Duration, UNIX_EPOCH};

use jiff::Timestamp;

use crate::writer;

use super::part::Broken;
use super::{BASE, CHECKLISTS};

/// Writes all of them below this folder.
///
/// # Errors
/// When it can't be written.
pub fn write(folder: &Path, broken: &Broken, now: Timestamp) -> io::Result<()> {
    let put = |path: &str, text: &str| {
        let path = folder.join(path);
        fs::create_dir_all(path.parent().unwrap_or(folder))?;
        writer::create(&path, text)
    };
    put("checklists/_aos.yaml", BASE)?;
    for (name, checklist) in CHECKLISTS {
        put(&format!("checklists/{name}.yaml"), &required(checklist, broken))?;
    }
    put("backend/alembic.ini", "[alembic]\nscript_location = migrations\n")?;
    for (id, before) in
        [("012_traces", None), ("013_retention", Some("012_traces")), ("014_trace_mismatches", Some("013_retention"))]
    {
        let before = before.map_or("None".to_owned(), |before| format!("\"{before}\""));
        put(
            &format!("backend/migrations/versions/{id}.py"),
            &format!("revision = \"{id}\"\ndown_revision = {before}\n"),
        )?;
    }
    let recovery = if broken.is("runbook") { "" } else { "Restart the API, then look at the dashboard AOS Traces.\n" };
    put(
        "docs/ONCALL_RUNBOOK.md",
        &format!("# On call\n\nWho is woken, and what to do.\n\n## Recovery steps\n\n{recovery}"),
    )?;
    let push = if broken.is("ci-parity") { "  push:\n" } else { "" };
    put(
        ".github/workflows/e2e-parity-check.yml",
        &format!(
            "name: E2E parity\non:\n  workflow_dispatch:\n{push}jobs:\n  parity:\n    runs-on: ubuntu-latest\n    \
             steps:\n      - run: make parity\n"
        ),
    )?;
    put("load-tests/summary.json", &k6(if broken.is("k6") { 950 } else { 180 }))?;
    put("load-tests/baseline.json", &k6(175))?;
    for days in [0_u64, 1] {
        let (path, age) = (format!("backups/staging-{days}.dump"), days + if broken.is("backups") { 9 } else { 0 });
        put(&path, "PGDMP, as far as the demo's pg_restore goes\n")?;
        let seconds = u64::try_from(now.as_second()).unwrap_or_default();
        let written = UNIX_EPOCH + Duration::from_secs(seconds.saturating_sub(age * 86_400));
        File::options().write(true).open(folder.join(&path))?.set_modified(written)?;
    }
    put("reports/e2e.xml", &junit(broken.is("e2e"), now))
}

/// A checklist in which broken parts are not deferred.
fn required(checklist: &str, broken: &Broken) -> String {
    let is_deferral = |line: &&str| line.contains(": { deferred: ");
    let is_kept = |line: &&str| !is_deferral(line) || !broken.is(line.trim().split(':').next().unwrap_or_default());
    let are_left = checklist.lines().filter(is_kept).any(|line| is_deferral(&line));
    let kept = checklist.lines().filter(is_kept).filter(|line| are_left || *line != "items:");
    kept.flat_map(|line| [line, "\n"]).collect()
}

/// The data that k6 passes to `handleSummary`, as far as thresholds and the baseline need it.
fn k6(p95: u32) -> String {
    let is_ok = p95 < 500;
    format!(
        r#"{{
  "state": {{ "isStdErrTTY": false, "isStdOutTTY": false, "testRunDurationMs": 30000 }},
  "root_group": {{ "name": "", "path": "", "id": "d41d8cd98f00b204e9800998ecf8427e", "groups": [], "checks": [] }},
  "metrics": {{
    "iterations": {{ "type": "counter", "contains": "default", "values": {{ "count": 3000, "rate": 100 }} }},
    "http_reqs": {{ "type": "counter", "contains": "default", "values": {{ "count": 6000, "rate": 200 }} }},
    "http_req_failed": {{
      "type": "rate", "contains": "default", "values": {{ "rate": 0.001, "passes": 6, "fails": 5994 }},
      "thresholds": {{ "rate<0.01": {{ "ok": true }} }}
    }},
    "http_req_duration": {{
      "type": "trend", "contains": "time",
      "values": {{ "avg": 90, "min": 12, "med": 80, "max": 990, "p(90)": 150, "p(95)": {p95} }},
      "thresholds": {{ "p(95)<500": {{ "ok": {is_ok} }} }}
    }}
  }}
}}
"#
    )
}

fn junit(has_failure: bool, now: Timestamp) -> String {
    let (failures, last) = if has_failure {
        (1, "><failure message=\"expected the same trace\">expected the same trace</failure></testcase>")
    } else {
        (0, "/>")
    };
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n  <testsuite name=\"e2e\" tests=\"3\" \
         failures=\"{failures}\" errors=\"0\" skipped=\"0\" timestamp=\"{now}\">\n    <testcase classname=\"e2e.simulate\" \
         name=\"stores a trace\" time=\"0.8\"/>\n    <testcase classname=\"e2e.simulate\" name=\"refuses no tenant\" \
         time=\"0.1\"/>\n    <testcase classname=\"e2e.replay\" name=\"gives the same trace\" time=\"1.2\"{last}\n  \
         </testsuite>\n</testsuites>\n"
    )
}
