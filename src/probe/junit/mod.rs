//! `junit`: what are the results of a test run, counted case by case?

mod encoding;
mod outcome;
mod report;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use schemars::JsonSchema;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};

use super::file::observe;
use super::{Context, Fault, Probe, Truncation};
use crate::client::http::Size;

use report::{Counts, count};

/// How many files are read.
const MAX_FILES: usize = 1000;

/// How many names are kept of each list.
const MAX_NAMES: usize = 50;

/// Reads JUnit XML reports, such as those of pytest, nextest, Surefire or Jest. Cases are counted one by one; the
/// totals in the report are not trusted. The `status` and `result` of a case count like its `<failure>`, `<error>` and
/// `<skipped>`. While no file exists, the item is pending (NEEDS RUN).
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, remote = "Self")]
pub struct Junit {
    /// The reports, such as `reports/e2e.xml` or `target/**/junit-*.xml`: `*` matches any part of a name, `**` any
    /// folders. Relative to the folder that contains `checklists/`.
    files: String,
    /// Maximum size of a report. Default: `16MiB`; a larger one is an error.
    #[serde(default = "default_max_size")]
    max_size: Size,
}

/// The results in the reports.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct JunitSeen {
    /// Number of files.
    pub files: usize,
    /// Number of cases.
    pub cases: usize,
    /// Number of cases that passed, or passed when they were rerun.
    pub passed: usize,
    /// Number of cases that failed: an assertion did not hold. Failures of a whole suite count too, though they are not
    /// cases.
    pub failures: usize,
    /// Number of cases that ended with an error. Errors of a whole suite count too, though they are not cases.
    pub errors: usize,
    /// Number of cases that were skipped, disabled, ignored, or not run.
    pub skipped: usize,
    /// Number of cases with an unknown `status` or `result`. They count as neither passed nor failed.
    pub unknown: usize,
    /// Number of passed cases that had failed before they were rerun.
    pub flaky: usize,
    /// Failures and errors in the totals of a report that no case shows.
    pub unaccounted: u64,
    /// The first fifty names of failed cases, such as `tests.test_api::test_replay`.
    pub failing: Vec<String>,
    /// The first fifty files without any case, as after an aborted run.
    pub empty: Vec<String>,
    /// The first fifty totals of suites that differ from their cases, such as `r.xml: api: tests is 5, counted 4`.
    pub disagreements: Vec<String>,
    /// The earliest `timestamp` in the reports, such as `2025-12-06T10:00:00Z`. A time without a zone is read as UTC.
    /// For a report without times, the time when the file was written.
    pub oldest: String,
    /// The latest time, found in the same way.
    pub newest: String,
}

impl Probe for Junit {
    const KIND: &'static str = "junit";
    // If all cases are skipped, or a report has no cases, that is not a pass.
    const EXPECT: &'static str =
        "{ passed: { above: 0 }, failures: 0, errors: 0, unknown: 0, unaccounted: 0, empty: { length: 0 } }";
    const EXAMPLE: &'static str = r#"junit: { files: "reports/e2e-*.xml" }
expect: { passed: { at_least: 40 }, oldest: { newer_than: 24h } }
"#;
    type Observation = JunitSeen;

    async fn observe(&self, cx: &Context) -> Result<JunitSeen, Fault> {
        let (dir, pattern, limit) = (Arc::clone(&cx.dir), self.files.clone(), self.max_size.get());
        let stop = Stop::default();
        let stopped = Arc::clone(&stop.0);
        // A disk may be slow: not on the thread that all others wait on.
        let seen = tokio::task::spawn_blocking(move || read(&dir, &pattern, limit, &stopped)).await;
        seen.map_err(|_| Fault::new("reading the reports broke off"))?
    }

    fn evidence(&self, seen: &JunitSeen) -> String {
        let mut parts = vec![format!("{} passed", seen.passed)];
        for (count, word) in [
            (seen.failures, "failed"),
            (seen.errors, "broke off"),
            (seen.skipped, "skipped"),
            (seen.unknown, "unknown"),
            (seen.flaky, "flaky"),
        ] {
            if count > 0 {
                parts.push(format!("{count} {word}"));
            }
        }
        let files = if seen.files == 1 { "1 file".to_owned() } else { format!("{} files", seen.files) };
        let totals = if seen.disagreements.is_empty() { "" } else { ", totals disagree" };
        format!("{} in {files}{totals}", parts.join(", "))
    }

    fn cuts(&self, seen: &JunitSeen) -> Vec<Truncation> {
        let cut = |path, names: &[String]| {
            let read = format!("only the first {MAX_NAMES} are kept");
            (names.len() >= MAX_NAMES).then(|| Truncation::new(&[path], read, None))
        };
        [cut("failing", &seen.failing), cut("empty", &seen.empty)].into_iter().flatten().collect()
    }

    fn advice(&self, seen: &JunitSeen) -> Option<String> {
        if !seen.failing.is_empty() {
            let shown: Vec<&str> = seen.failing.iter().take(3).map(String::as_str).collect();
            let more = (seen.failures + seen.errors).saturating_sub(shown.len());
            let more = if more > 0 { format!(", and {more} more") } else { String::new() };
            return Some(format!("not green: {}{more}", shown.join(", ")));
        }
        if seen.unaccounted > 0 {
            return Some(
                "the totals of a report count failures that none of its cases shows: is it incomplete?".to_owned(),
            );
        }
        if seen.unknown > 0 {
            return Some(format!("{} cases have a `status` or `result` that is not known", seen.unknown));
        }
        if let Some(file) = seen.empty.first() {
            return Some(format!("`{file}` has no test cases: did that run fail early, or select no tests?"));
        }
        (seen.passed == 0).then(|| "every case was skipped, which proves nothing".to_owned())
    }

    fn reproduce(&self) -> Option<Vec<String>> {
        if !self.files.contains(['*', '?', '[']) {
            return Some(["grep", "-c", "<testcase", "--", &self.files].map(str::to_owned).to_vec());
        }
        // The shell fills in the pattern, and `**` only if it is asked to.
        let is_plain = |c: char| c.is_alphanumeric() || "*?[]!-./_,+@:".contains(c);
        let pattern = self.files.chars().fold(String::new(), |mut pattern, c| {
            if !is_plain(c) {
                pattern.push('\\');
            }
            pattern.push(c);
            pattern
        });
        let line = format!("grep -c '<testcase' -- {pattern}");
        Some(["bash", "-O", "globstar", "-c", &line].map(str::to_owned).to_vec())
    }
}

impl<'de> Deserialize<'de> for Junit {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let probe = Junit::deserialize(deserializer)?;
        if probe.files.trim().is_empty() {
            return Err(D::Error::custom("`files` names no file"));
        }
        match glob::Pattern::new(&probe.files) {
            Ok(_) => Ok(probe),
            Err(error) => Err(D::Error::custom(format!("`files` is not a pattern: {}", error.msg))),
        }
    }
}

/// Stops the reading thread when its result is no longer awaited.
#[derive(Default)]
struct Stop(Arc<AtomicBool>);

impl Drop for Stop {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

fn read(dir: &Path, pattern: &str, limit: usize, stopped: &AtomicBool) -> Result<JunitSeen, Fault> {
    let mut total = Counts::default();
    let (mut files, mut empty) = (0, Vec::new());
    for path in matching(dir, pattern, stopped)? {
        if stopped.load(Ordering::Relaxed) {
            break;
        }
        let found = observe(&path, limit)?;
        let name = path.strip_prefix(dir).unwrap_or(&path).display().to_string();
        // A folder that fits the pattern is not a report; a file that has just gone is none any more.
        let (Some(content), Some(modified)) = (found.content, found.modified) else { continue };
        if content.truncated {
            let fault = Fault::new(format!("`{name}` is larger than `max_size`"));
            return Err(fault.help("raise the limit, such as `max_size: 64MiB`"));
        }
        let counts = count(&name, &content.bytes, modified)?;
        if counts.cases == 0 && empty.len() < MAX_NAMES {
            empty.push(name);
        }
        files += 1;
        if counts.times.is_none() {
            total.at(modified);
        }
        total.add(counts);
    }
    let Some((oldest, newest)) = total.times else {
        let fault = Fault::pending(format!("no report: no file matches `{pattern}`"));
        return Err(fault.help("run the tests that write it, then check again"));
    };
    total.failing.truncate(MAX_NAMES);
    Ok(JunitSeen {
        files,
        cases: total.cases,
        passed: total.passed,
        failures: total.failures,
        errors: total.errors,
        skipped: total.skipped,
        unknown: total.unknown,
        flaky: total.flaky,
        unaccounted: total.unaccounted,
        failing: total.failing,
        empty,
        disagreements: total.disagreements,
        oldest: oldest.to_string(),
        newest: newest.to_string(),
    })
}

/// The paths that fit, in order.
fn matching(dir: &Path, pattern: &str, stopped: &AtomicBool) -> Result<Vec<PathBuf>, Fault> {
    // Where the folder's own name has brackets, they are not a pattern.
    let dir = glob::Pattern::escape(&dir.display().to_string());
    let pattern = if pattern.starts_with('/') { pattern.to_owned() } else { format!("{dir}/{pattern}") };
    let found = glob::glob(&pattern).map_err(|error| Fault::new(format!("`files` is not a pattern: {}", error.msg)))?;
    let mut paths = Vec::new();
    for path in found {
        if stopped.load(Ordering::Relaxed) {
            break;
        }
        // A folder that may not be entered could hold a report that is red.
        let path = path.map_err(|error| {
            let place = error.path().display().to_string();
            Fault::new(format!("`{place}` can't be read: {}", error.error()))
        })?;
        paths.push(path);
        if paths.len() > MAX_FILES {
            let fault = Fault::new(format!("more than {MAX_FILES} files match `files`"));
            return Err(fault.help("use a pattern that matches only the reports"));
        }
    }
    Ok(paths)
}

fn default_max_size() -> Size {
    Size::bytes(16 << 20)
}
