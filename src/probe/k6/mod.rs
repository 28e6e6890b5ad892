//! `k6`: did a load test meet its thresholds, and is it not slower than the baseline?

mod baseline;
mod metric;
mod run;
mod summary;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};

use super::file::observe;
use super::{Context, Fault, Probe};

use summary::Summary;

/// The largest summary that is read.
const MAX_SUMMARY: usize = 16 << 20;

/// Reads the summary of a load test (`k6 run --summary-export FILE`, or the data of `handleSummary`), or runs k6. While
/// the summary does not exist, the item is pending (NEEDS RUN).
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, remote = "Self")]
pub struct K6 {
    /// The summary, such as `load-tests/summary.json`. Relative to the folder that contains `checklists/`.
    summary: Option<PathBuf>,
    /// The script to run instead, such as `load-tests/simulate_k6.js`. The `timeout` must be long enough for it. It
    /// counts as having effects.
    run: Option<PathBuf>,
    /// Variables for the script's `__ENV`, such as `{ BASE_URL: "${vars.api}" }`.
    #[serde(default)]
    env: BTreeMap<String, String>,
    /// The program that runs the script. Default: `k6`.
    #[serde(default = "default_program")]
    program: String,
    /// An earlier summary to compare with, such as `load-tests/baseline.json`. Values that are worse are in
    /// `regressions`.
    baseline: Option<PathBuf>,
    /// How many percent a value may be worse than in the baseline. Default: 10.
    #[serde(default = "default_tolerance")]
    #[schemars(range(min = 0))]
    tolerance: f64,
    /// The metrics to compare. Default: `[http_req_duration, http_req_failed, checks]`. Average, median and percentiles
    /// of a trend must not rise, and neither must a rate; those of `checks` and of counters must not fall.
    compare: Option<Vec<String>>,
}

/// The results in a summary.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct K6Seen {
    /// Its format: `summary-export`, `handleSummary` or `machine-readable`.
    pub shape: String,
    /// Number of thresholds.
    pub thresholds: usize,
    /// The thresholds that were crossed, such as `http_req_duration: p(95)<500`.
    pub crossed: Vec<String>,
    /// Metrics with thresholds, but without a sample: k6 reports their thresholds as met.
    pub unsampled: Vec<String>,
    /// Whether k6 reports that the test failed: it was aborted, or a threshold was crossed.
    pub failed: bool,
    /// Which of `checks` and `http_req_failed` failed completely: no check passed, or every request failed.
    pub all_failed: Vec<String>,
    /// Number of completed iterations.
    pub iterations: f64,
    /// Each metric with its values, such as `$.metrics.http_req_duration['p(95)']`. A rate is between 0 and 1, times are in
    /// milliseconds.
    pub metrics: BTreeMap<String, BTreeMap<String, f64>>,
    /// Number of values compared with the baseline.
    pub compared: usize,
    /// The values that are worse by more than the tolerance, such as `http_req_duration p(95): 812 after 500`.
    pub regressions: Vec<String>,
    /// When the summary was made, such as `2025-12-06T10:00:00Z`: its `metadata.generatedAt`, `generatedAt` or
    /// `timestamp`, or else the time when the file was written.
    pub modified: String,
}

impl Probe for K6 {
    const KIND: &'static str = "k6";
    // Without thresholds a load test asserts nothing; one on a metric without samples does neither.
    const EXPECT: &'static str = "{ thresholds: { above: 0 }, crossed: { length: 0 }, unsampled: { length: 0 }, \
                                  failed: false, all_failed: { length: 0 }, iterations: { above: 0 }, regressions: { length: 0 } }";
    const EXAMPLE: &'static str = r#"k6: { summary: load-tests/summary.json, baseline: load-tests/baseline.json, tolerance: 20 }
expect: { iterations: { at_least: 1000 }, modified: { newer_than: 7d } }
"#;
    const EFFECTS: Option<&'static str> = Some("With `run`, it puts load on the services that the script calls.");
    type Observation = K6Seen;

    async fn observe(&self, cx: &Context) -> Result<K6Seen, Fault> {
        // A missing baseline should be reported before minutes of load, not after.
        let baseline = match &self.baseline {
            Some(path) => Some(self.baseline_at(cx, path).await?),
            None => None,
        };
        let (summary, failed, modified) = match (&self.summary, &self.run) {
            (Some(path), _) => {
                let Some((summary, modified)) = read(cx.path(path), path).await? else {
                    let fault = Fault::pending(format!("no summary: `{}` does not exist", path.display()));
                    let help = format!("run the load test: k6 run --summary-export {} SCRIPT.js", path.display());
                    return Err(fault.help(help));
                };
                let made = summary.made.unwrap_or(modified);
                (summary, false, made)
            }
            (None, script) => {
                let script = script.as_deref().unwrap_or(Path::new(""));
                let (summary, failed) = run::run(self, script, cx).await?;
                (summary, failed, cx.env.now())
            }
        };
        let (compared, regressions) = match baseline {
            Some(baseline) => baseline::compare(&summary, &baseline, self.compare.as_deref(), self.tolerance)?,
            None => (0, Vec::new()),
        };
        let all_failed = summary.all_failed();
        Ok(K6Seen {
            shape: summary.shape.to_owned(),
            thresholds: summary.thresholds,
            crossed: summary.crossed,
            unsampled: summary.unsampled,
            failed: failed || summary.failed,
            all_failed,
            iterations: value(&summary.metrics, "iterations", "count").unwrap_or_default(),
            metrics: summary.metrics,
            compared,
            regressions,
            modified: modified.to_string(),
        })
    }

    fn evidence(&self, seen: &K6Seen) -> String {
        let mut line = match (seen.thresholds, seen.crossed.len()) {
            (0, _) => "no thresholds".to_owned(),
            (all, 0) => format!("{all} of {all} thresholds met"),
            (all, crossed) => format!("{crossed} of {all} thresholds crossed"),
        };
        if self.baseline.is_some() {
            line += &match seen.regressions.len() {
                0 => ", no worse than the baseline".to_owned(),
                worse => format!(", {worse} worse than the baseline"),
            };
        }
        line
    }

    fn advice(&self, seen: &K6Seen) -> Option<String> {
        if let Some(crossed) = seen.crossed.first() {
            return Some(format!("crossed: {}", first(crossed, seen.crossed.len())));
        }
        if let Some(metric) = seen.unsampled.first() {
            let metric = first(metric, seen.unsampled.len());
            return Some(format!("nothing was measured for {metric}: is its name or tag misspelt in `thresholds`?"));
        }
        if let Some(metric) = seen.all_failed.first() {
            let what = if metric == "checks" { "every check failed" } else { "every request failed" };
            return Some(format!("{what}: is the service running, and is its address right?"));
        }
        if let Some(regression) = seen.regressions.first() {
            return Some(format!("worse than the baseline: {}", first(regression, seen.regressions.len())));
        }
        if seen.failed {
            return Some("k6 reports that the test failed or was aborted".to_owned());
        }
        if seen.thresholds == 0 && seen.shape == summary::MACHINE_READABLE {
            let advice = "this format of summary has no thresholds: run k6 without `--new-machine-readable-summary`, or \
                          expect something of `metrics`";
            return Some(advice.to_owned());
        }
        if seen.thresholds == 0 {
            return Some("the script sets no `thresholds`, so the test asserts nothing".to_owned());
        }
        (seen.iterations <= 0.0).then(|| "not one iteration was completed".to_owned())
    }

    fn has_effects(&self) -> bool {
        self.run.is_some()
    }

    fn reproduce(&self) -> Option<Vec<String>> {
        let script = self.run.as_ref()?;
        let argv = run::argv(self, script, Path::new("summary.json"));
        let env = self.env.iter().map(|(name, value)| format!("{name}={value}"));
        Some(match self.env.is_empty() {
            true => argv,
            false => std::iter::once("env".to_owned()).chain(env).chain(argv).collect(),
        })
    }
}

impl K6 {
    async fn baseline_at(&self, cx: &Context, path: &Path) -> Result<Summary, Fault> {
        let found = read(cx.path(path), path).await?;
        let (summary, _) = found.ok_or_else(|| {
            Fault::new(format!("no baseline: `{}` does not exist", path.display()))
                .help("commit the summary of a run that was good enough")
        })?;
        Ok(summary)
    }
}

impl<'de> Deserialize<'de> for K6 {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let k6 = K6::deserialize(deserializer)?;
        let problem = match (&k6.summary, &k6.run) {
            (None, None) => return Err(D::Error::missing_field("summary` or `run")),
            (Some(_), Some(_)) => "`summary` reads the results of a run, and `run` runs k6: use one of them",
            (Some(_), None) if !k6.env.is_empty() => "`env` belongs to `run`",
            (Some(_), None) | (None, Some(_)) if !(0.0..=1e6).contains(&k6.tolerance) => {
                "`tolerance` is a percentage, such as 10"
            }
            (Some(_), None) | (None, Some(_)) if k6.compare.is_some() && k6.baseline.is_none() => {
                "`compare` needs a `baseline`"
            }
            (Some(_), None) | (None, Some(_)) => return Ok(k6),
        };
        Err(D::Error::custom(problem))
    }
}

/// The summary at a path and when it was written; nothing where nothing is.
async fn read(path: PathBuf, name: &Path) -> Result<Option<(Summary, Timestamp)>, Fault> {
    let found = tokio::task::spawn_blocking(move || observe(&path, MAX_SUMMARY)).await;
    let found = found.map_err(|_| Fault::new("reading the summary broke off"))??;
    let name = name.display();
    let (content, modified) = match (found.kind, found.content, found.modified) {
        (None | Some("broken link"), _, _) => return Ok(None),
        (_, Some(content), Some(modified)) => (content, modified),
        (Some(kind), _, _) => return Err(Fault::new(format!("`{name}` is a {kind}"))),
    };
    if content.truncated {
        return Err(Fault::new(format!("`{name}` is larger than 16 MiB")));
    }
    Ok(Some((Summary::parse(&name.to_string(), &content.bytes)?, modified)))
}

fn value(metrics: &BTreeMap<String, BTreeMap<String, f64>>, metric: &str, key: &str) -> Option<f64> {
    metrics.get(metric)?.get(key).copied()
}

fn first(shown: &str, all: usize) -> String {
    if all > 1 { format!("{shown}, and {} more", all - 1) } else { shown.to_owned() }
}

fn default_program() -> String {
    "k6".to_owned()
}

fn default_tolerance() -> f64 {
    10.0
}
