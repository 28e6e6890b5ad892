//! One load test beside an earlier one: what has become worse by more than is tolerated?

use std::collections::BTreeMap;

use crate::probe::Fault;

use super::summary::Summary;

/// What is compared unless the checklist says otherwise.
const COMPARED: [&str; 3] = ["http_req_duration", "http_req_failed", "checks"];

/// Values of metrics, by metric and name.
type Metrics = BTreeMap<String, BTreeMap<String, f64>>;

/// How many values were compared, and those that are worse by more than `tolerance` percent.
///
/// # Errors
/// When a metric that is to be compared is not in the baseline, or nothing is left to compare.
pub fn compare(
    now: &Metrics,
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
        for (key, before) in before.iter().filter(|(key, _)| is_compared(key)) {
            compared += 1;
            let Some(after) = now.get(name).and_then(|values| values.get(key)) else {
                worse.push(format!("{name} {key}: nothing after {}", short(*before)));
                continue;
            };
            let margin = before.abs() * tolerance / 100.0;
            let is_worse = match rises_well(name, now.get(name)) {
                true => *after < before - margin,
                false => *after > before + margin,
            };
            if is_worse {
                worse.push(format!("{name} {key}: {} after {}", short(*after), short(*before)));
            }
        }
    }
    if compared == 0 {
        return Err(Fault::new("the baseline holds nothing to compare")
            .help("name metrics of both summaries with `compare`, such as `compare: [http_req_duration]`"));
    }
    Ok((compared, worse))
}

/// Whether a value says how good a run was: extremes differ too much from run to run, and counts follow from its length.
fn is_compared(key: &str) -> bool {
    matches!(key, "avg" | "med" | "rate") || key.starts_with("p(")
}

/// Whether more is better: of checks that passed, and of what a counter counts in a second.
fn rises_well(name: &str, values: Option<&BTreeMap<String, f64>>) -> bool {
    name.split('{').next() == Some("checks") || values.is_some_and(|values| values.contains_key("count"))
}

/// Three places after the point are enough for milliseconds and for rates.
fn short(value: f64) -> f64 {
    (value * 1000.0).round() / 1000.0
}
