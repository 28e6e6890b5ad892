//! Reads the three formats of k6's summary. They use the same word for opposite results of a threshold.
//!
//! - `--summary-export`: values are in the metric itself, and a threshold of `true` was *crossed*.
//! - `handleSummary(data)`: values are in `values`, and a threshold is `{ ok: true }` when it holds.
//! - `--new-machine-readable-summary` (from k6 1.5; <https://github.com/grafana/k6-summary>): a list `results.metrics`, without
//!   thresholds.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Map, Value};

use crate::probe::Fault;
use crate::text::{error, json, without_mark};

use super::metric::{MetricType, Values, samples};

/// The shape without thresholds.
pub const MACHINE_READABLE: &str = "machine-readable";

/// The content of a summary in either format.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Summary {
    /// Which of the three it is.
    pub shape: &'static str,
    /// How many thresholds were set.
    pub thresholds: usize,
    /// Those that were crossed.
    pub crossed: Vec<String>,
    /// Metrics that have thresholds, but no samples.
    pub unsampled: Vec<String>,
    /// Whether the summary reports that the test failed.
    pub failed: bool,
    /// Each metric with its values.
    pub metrics: BTreeMap<String, Values>,
    /// The type of each metric, where it can be known.
    pub types: BTreeMap<String, MetricType>,
    /// When it was made, according to the summary.
    pub made: Option<Timestamp>,
}

impl Summary {
    /// Reads a summary of any shape.
    ///
    /// # Errors
    /// When it is invalid, naming the file and the position.
    pub fn parse(name: &str, bytes: &[u8]) -> Result<Self, Fault> {
        let json: Value = json::parse(bytes).map_err(|error| malformed(name, bytes, &error))?;
        let summary = Self::of(name, &json)?;
        let times = ["/metadata/generatedAt", "/generatedAt", "/timestamp"].into_iter();
        let made = times.filter_map(|path| json.pointer(path)?.as_str()?.parse().ok()).next();
        Ok(Self { made, ..summary })
    }

    fn of(name: &str, json: &Value) -> Result<Self, Fault> {
        match (json.get("metrics"), json.pointer("/results/metrics")) {
            (Some(Value::Object(metrics)), _) => Self::of_map(name, metrics),
            (_, Some(Value::Array(metrics))) => {
                let mut summary = Self { shape: MACHINE_READABLE, ..Self::default() };
                summary.failed = json.pointer("/results/passed") == Some(&Value::Bool(false));
                for metric in metrics.iter().filter_map(Value::as_object) {
                    let title = metric.get("name").and_then(Value::as_str).unwrap_or_default();
                    summary.add(name, title, metric.get("values").and_then(Value::as_object), metric)?;
                }
                Ok(summary)
            }
            _ => Err(Fault::new(format!("`{name}` is not a summary of k6: it has no `metrics`"))
                .help("write one with `k6 run --summary-export FILE`, or return `data` from `handleSummary`")),
        }
    }

    fn of_map(name: &str, metrics: &Map<String, Value>) -> Result<Self, Fault> {
        let has_values = metrics.values().any(|metric| metric.get("values").is_some_and(Value::is_object));
        let shape = if has_values { "handleSummary" } else { "summary-export" };
        let mut summary = Self { shape, ..Self::default() };
        for (title, metric) in metrics {
            let Some(metric) = metric.as_object() else { continue };
            let values = if has_values { metric.get("values").and_then(Value::as_object) } else { Some(metric) };
            summary.add(name, title, values, metric)?;
        }
        Ok(summary)
    }

    fn add(
        &mut self,
        name: &str,
        title: &str,
        values: Option<&Map<String, Value>>,
        metric: &Map<String, Value>,
    ) -> Result<(), Fault> {
        let numbers = values.into_iter().flatten().filter_map(|(key, value)| Some((key.clone(), value.as_f64()?)));
        let mut values: Values = numbers.collect();
        // In the first shape a rate is called `value`, as a gauge is.
        if values.contains_key("passes")
            && let Some(rate) = values.remove("value")
        {
            values.insert("rate".to_owned(), rate);
        }
        let declared = metric.get("type").and_then(Value::as_str);
        let kind = MetricType::of(declared, &values);
        if let Some(thresholds) = metric.get("thresholds") {
            let thresholds = thresholds.as_object().ok_or_else(|| unknown(name, title))?;
            for (threshold, outcome) in thresholds {
                let is_crossed = match (self.shape, outcome, outcome.get("ok")) {
                    ("summary-export", Value::Bool(crossed), _) => *crossed,
                    ("handleSummary" | MACHINE_READABLE, _, Some(Value::Bool(ok))) => !ok,
                    _ => return Err(unknown(name, title)),
                };
                self.thresholds += 1;
                if is_crossed {
                    self.crossed.push(format!("{title}: {threshold}"));
                }
            }
            if !thresholds.is_empty() && is_unsampled(kind, &values) {
                self.unsampled.push(title.to_owned());
            }
        }
        if let Some(kind) = kind {
            self.types.insert(title.to_owned(), kind);
        }
        self.metrics.insert(title.to_owned(), values);
        Ok(())
    }

    /// The metrics that show that everything failed: no check passed, or no request succeeded.
    pub fn all_failed(&self) -> Vec<String> {
        let always = |metric: &str, rate: f64| {
            let values = self.metrics.get(metric)?;
            let is_sampled = samples(values).is_none_or(|samples| samples > 0.0);
            (is_sampled && *values.get("rate")? == rate).then(|| metric.to_owned())
        };
        [always("checks", 0.0), always("http_req_failed", 1.0)].into_iter().flatten().collect()
    }
}

/// Whether nothing was measured: k6 writes zeros then. A counter or a gauge of zero is a fact.
fn is_unsampled(kind: Option<MetricType>, values: &Values) -> bool {
    match kind {
        Some(MetricType::Rate) => samples(values) == Some(0.0),
        Some(MetricType::Trend) => values.values().all(|value| *value == 0.0),
        Some(MetricType::Counter | MetricType::Gauge) | None => false,
    }
}

fn unknown(name: &str, title: &str) -> Fault {
    Fault::new(format!("`{name}` has the thresholds of `{title}` in an unknown format"))
        .help("is this the output of `k6 run --summary-export` or `handleSummary`?")
}

fn malformed(name: &str, bytes: &[u8], error: &serde_json::Error) -> Fault {
    let fault = Fault::new(format!("`{name}`: {}", error::json(error)));
    let bytes = without_mark(bytes);
    if bytes.trim_ascii().is_empty() {
        return Fault::new(format!("`{name}` is empty")).help("did the load test break off?");
    }
    match bytes.starts_with(b"{\"type\":") || bytes.starts_with(b"{\"metric\":") {
        true => fault.help("these are single samples (`--out json`): the summary is what `--summary-export` writes"),
        false => fault,
    }
}
