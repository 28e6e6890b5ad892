//! Compares a load test with an earlier one: which values are worse by more than the tolerance?

use crate::client::Fault;

use super::metric::MetricType;
use super::summary::Summary;

/// The metrics that are compared by default.
const COMPARED: [&str; 3] = ["http_req_duration", "http_req_failed", "checks"];

/// How many values were compared, and those that are worse by more than `tolerance` percent.
///
/// # Errors
/// When a metric that is to be compared is not in the baseline or of another type there, or nothing is left to compare.
pub fn compare(
    now: &Summary,
    baseline: &Summary,
    wanted: Option<&[String]>,
    tolerance: f64,
) -> Result<(usize, Vec<String>), Fault> {
    let names: Vec<&str> = wanted.map_or_else(|| COMPARED.to_vec(), |names| names.iter().map(String::as_str).collect());
    let (mut compared, mut worse) = (0, Vec::new());
    for name in names {
        let Some(before) = baseline.metrics.get(name) else {
            if wanted.is_some() {
                return Err(Fault::new(format!("the baseline has no metric `{name}`"))
                    .help("`compare` names metrics as the summary does"));
            }
            continue;
        };
        let kind = match (baseline.types.get(name), now.types.get(name)) {
            (Some(before), Some(after)) if before != after => {
                let (before, after) = (before.word(), after.word());
                return Err(Fault::new(format!("`{name}` is a {after} now, and a {before} in the baseline"))
                    .help("make a new baseline with the current script"));
            }
            (Some(kind), _) | (None, Some(kind)) => *kind,
            (None, None) => continue,
        };
        for (key, before) in before.iter().filter(|(key, _)| is_compared(kind, key)) {
            compared += 1;
            let Some(after) = now.metrics.get(name).and_then(|values| values.get(key)) else {
                worse.push(format!("{name} {key}: nothing after {}", short(*before)));
                continue;
            };
            let margin = before.abs() * tolerance / 100.0;
            let is_worse = match rises_well(name, kind) {
                true => *after < before - margin,
                false => *after > before + margin,
            };
            if is_worse {
                worse.push(format!("{name} {key}: {} after {}", short(*after), short(*before)));
            }
        }
    }
    if compared == 0 {
        return Err(Fault::new("the baseline has no metrics to compare")
            .help("name metrics of both summaries with `compare`, such as `compare: [http_req_duration]`"));
    }
    Ok((compared, worse))
}

/// Whether a value says how good a run was: extremes differ too much from run to run, counts follow from its length, and
/// a gauge is only its last value.
fn is_compared(kind: MetricType, key: &str) -> bool {
    match kind {
        MetricType::Trend => matches!(key, "avg" | "med") || key.starts_with("p("),
        MetricType::Rate | MetricType::Counter => key == "rate",
        MetricType::Gauge => false,
    }
}

/// Whether more is better: of checks that passed, and of what a counter counts in a second.
fn rises_well(name: &str, kind: MetricType) -> bool {
    kind == MetricType::Counter || name.split('{').next() == Some("checks")
}

/// Three places after the point are enough for milliseconds and for rates.
fn short(value: f64) -> f64 {
    (value * 1000.0).round() / 1000.0
}
