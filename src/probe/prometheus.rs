//! `prometheus`: what is the result of a query?

use std::collections::BTreeMap;
use std::sync::LazyLock;

use regex::Regex;
use schemars::JsonSchema;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::value::RawValue;

use super::{Context, Fault, Probe};
use crate::client::api::{Api, Reply};
use crate::client::http::{HttpUrl, Login, Request};
use crate::client::number::Number;
use crate::text::{error, json};

/// Longer queries are sent as a form: proxies cut URLs off at a few thousand bytes.
const MAX_GET: usize = 2_000;

/// Runs a query on Prometheus (or Thanos, Mimir, VictoriaMetrics).
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, remote = "Self")]
pub struct Prometheus {
    /// The URL of Prometheus, such as `http://prometheus.staging.example:9090`.
    url: HttpUrl,
    /// The query in PromQL, such as `redis_connected` or `sum(rate(http_requests_total{code=~"5.."}[5m]))`.
    query: String,
    /// Evaluation time, in RFC 3339 or seconds since 1970. Default: now.
    time: Option<String>,
    #[serde(rename = "..", default)]
    #[schemars(flatten)]
    login: Login,
}

/// The result of the query.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct PrometheusSeen {
    /// `vector`, `matrix`, `scalar` or `string`.
    pub result_type: String,
    /// Number of series. An unknown metric has 0.
    pub count: usize,
    /// The value of every sample. A value that isn't a number is text: `NaN`, `+Inf`, `-Inf`, `histogram`.
    pub values: Vec<Number>,
    /// Whether there are samples, and every value is `NaN`: there was nothing to compute from.
    pub only_nan: bool,
    /// Every sample, with its labels.
    pub samples: Vec<Sample>,
    /// Age of the newest sample of the series that is furthest behind. Known for plain selectors such as
    /// `up{job="api"}` and for ranges; computed samples have no age.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub oldest_age_s: Option<f64>,
    /// Warnings of Prometheus, such as one about a partial answer. Default expectation: none.
    pub warnings: Vec<String>,
    /// Notes of Prometheus, such as one about a rate of something that is not a counter.
    pub infos: Vec<String>,
}

/// One sample.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Sample {
    /// Its labels. The metric's name is `__name__`.
    pub labels: BTreeMap<String, String>,
    /// Its value.
    pub value: Number,
    /// Its time, in seconds since 1970.
    pub timestamp: f64,
    /// Its age, if it is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub age_s: Option<f64>,
}

#[derive(Deserialize)]
struct Answer {
    #[serde(default)]
    status: String,
    data: Option<Data>,
    #[serde(rename = "errorType")]
    error_type: Option<String>,
    error: Option<String>,
    #[serde(default)]
    warnings: Vec<String>,
    #[serde(default)]
    infos: Vec<String>,
}

#[derive(Deserialize)]
struct Data {
    #[serde(rename = "resultType")]
    result_type: String,
    result: Box<RawValue>,
}

#[derive(Deserialize)]
struct Series {
    #[serde(default)]
    metric: BTreeMap<String, String>,
    value: Option<(f64, String)>,
    #[serde(default)]
    values: Vec<(f64, String)>,
    histogram: Option<(f64, serde::de::IgnoredAny)>,
    #[serde(default)]
    histograms: Vec<(f64, serde::de::IgnoredAny)>,
}

impl Probe for Prometheus {
    const KIND: &'static str = "prometheus";
    const EXPECT: &'static str = "{ count: { at_least: 1 }, only_nan: false, warnings: { length: 0 } }";
    const EXAMPLE: &'static str = r#"prometheus: { url: "${env.PROMETHEUS_URL}", query: redis_connected }
expect: { values: { every: 1 } }
"#;
    const TAKES_VIA: bool = true;
    type Observation = PrometheusSeen;

    async fn observe(&self, cx: &Context) -> Result<PrometheusSeen, Fault> {
        let api = self.api();
        let asked = api.send(cx, self.request(&self.query)).await?;
        let mut seen = read(&asked)?;
        if seen.result_type == "vector" && seen.count > 0 && is_selector(&self.query) {
            // A vector's own time is when it was asked for, not when the sample was taken: only `timestamp` says that.
            let asked = api.send(cx, self.request(&format!("timestamp({})", self.query))).await?;
            // Two metrics under one set of labels make this query fail; then the ages are not known.
            if let Ok(taken) = read(&asked) {
                add_ages(&mut seen, &taken);
            }
        }
        if seen.result_type == "matrix" {
            let now = cx.env.now().as_millisecond() as f64 / 1000.0;
            for sample in &mut seen.samples {
                sample.age_s = age(now - sample.timestamp);
            }
        }
        seen.oldest_age_s = oldest(&seen.samples);
        Ok(seen)
    }

    fn evidence(&self, seen: &PrometheusSeen) -> String {
        let line = match Number::summary(&seen.values) {
            Some(values) => format!("{} series, {values}", seen.count),
            None => "no series".to_owned(),
        };
        match seen.warnings.as_slice() {
            [] => line,
            [warning] => format!("{line}, with a warning: {warning}"),
            [warning, ..] => format!("{line}, with {} warnings: {warning}", seen.warnings.len()),
        }
    }

    fn advice(&self, seen: &PrometheusSeen) -> Option<String> {
        if let Some(warning) = seen.warnings.first() {
            return Some(format!("the answer may be incomplete, Prometheus warns: {warning}"));
        }
        if seen.count == 0 {
            let advice = "is the name of the metric right, and is its target scraped?";
            return Some(advice.to_owned());
        }
        seen.values
            .iter()
            .any(Number::is_nan)
            .then(|| "NaN is 0 divided by 0: there was nothing to compute from".to_owned())
    }

    fn is_insecure(&self) -> bool {
        self.login.insecure
    }

    fn reproduce(&self) -> Option<Vec<String>> {
        Some(self.login.curl(&self.request(&self.query)))
    }
}

impl<'de> Deserialize<'de> for Prometheus {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let probe = Prometheus::deserialize(deserializer)?;
        if probe.query.trim().is_empty() {
            return Err(D::Error::custom("the query is empty"));
        }
        probe.login.validate(&probe.url).map_err(D::Error::custom)?;
        Ok(probe)
    }
}

impl Prometheus {
    fn api(&self) -> Api<'_> {
        Api { name: "Prometheus", url: &self.url, access: self.login.access(), options: self.login.options() }
    }

    fn request(&self, query: &str) -> Request {
        let mut parameters = vec![("query", query)];
        parameters.extend(self.time.as_deref().map(|time| ("time", time)));
        if query.len() > MAX_GET {
            self.api().post_form("/api/v1/query", &parameters)
        } else {
            self.api().get("/api/v1/query", &parameters)
        }
    }
}

fn read(reply: &Reply) -> Result<PrometheusSeen, Fault> {
    // An error has the same shape as an answer, and a status of its own.
    let answer = match json::parse::<Answer>(&reply.body) {
        Ok(answer) if answer.error_type.is_some() || reply.is_ok() => answer,
        Ok(_) => return Err(reply.fault()),
        Err(_) => reply.json::<Answer>()?,
    };
    if let Some(kind) = &answer.error_type {
        return Err(refusal(kind, answer.error.as_deref().unwrap_or_default()));
    }
    let Some(data) = answer.data.filter(|_| answer.status == "success") else {
        return Err(
            Fault::new("this is JSON, but no answer of Prometheus").help("is this the URL of Prometheus itself?")
        );
    };
    let shape = |error: serde_json::Error| Fault::new(format!("Prometheus returned {}", error::json(&error)));
    let text = data.result.get();
    let series: Vec<Series> = match data.result_type.as_str() {
        "vector" | "matrix" => serde_json::from_str(text).map_err(shape)?,
        "scalar" | "string" => {
            let value = Some(serde_json::from_str(text).map_err(shape)?);
            let (values, histograms) = (Vec::new(), Vec::new());
            vec![Series { metric: BTreeMap::new(), value, values, histogram: None, histograms }]
        }
        other => return Err(Fault::new(format!("Prometheus answered with a `{other}`, which is not known here"))),
    };
    let count = series.len();
    let samples: Vec<Sample> = series.into_iter().flat_map(|series| samples(series, &data.result_type)).collect();
    let values: Vec<Number> = samples.iter().map(|sample| sample.value.clone()).collect();
    Ok(PrometheusSeen {
        result_type: data.result_type,
        count,
        only_nan: Number::are_only_nan(&values),
        values,
        samples,
        oldest_age_s: None,
        warnings: answer.warnings,
        infos: answer.infos,
    })
}

fn refusal(kind: &str, error: &str) -> Fault {
    let error = error.lines().next().unwrap_or_default();
    match kind {
        "bad_data" => Fault::new(format!("Prometheus can't parse the query: {error}")),
        "timeout" | "canceled" => {
            Fault::new(format!("Prometheus gave the query up: {error}")).help("the query timed out in Prometheus")
        }
        "unavailable" => Fault::new(format!("Prometheus is not ready: {error}")),
        _ => Fault::new(format!("Prometheus could not answer ({kind}): {error}")),
    }
}

fn samples(series: Series, result_type: &str) -> Vec<Sample> {
    let numbers = series.value.into_iter().chain(series.values).map(|(timestamp, text)| {
        let value = if result_type == "string" { Number::Text(text) } else { Number::parse(text) };
        (timestamp, value)
    });
    let histograms = series.histogram.into_iter().chain(series.histograms);
    let histograms = histograms.map(|(timestamp, _)| (timestamp, Number::Text("histogram".to_owned())));
    let labels = series.metric;
    let sample = |(timestamp, value)| Sample { labels: labels.clone(), value, timestamp, age_s: None };
    numbers.chain(histograms).map(sample).collect()
}

/// Puts in how old each sample is, from what `timestamp(…)` said of the same series.
fn add_ages(seen: &mut PrometheusSeen, taken: &PrometheusSeen) {
    for sample in &mut seen.samples {
        let mut labels = sample.labels.clone();
        labels.remove("__name__");
        let found = taken.samples.iter().find(|taken| taken.labels == labels);
        sample.age_s = found.and_then(|found| age(found.timestamp - found.value.as_f64()?));
    }
}

/// The greatest, over all series, of the age of a series' newest sample. Unknown when it is of any.
fn oldest(samples: &[Sample]) -> Option<f64> {
    let mut newest: BTreeMap<&BTreeMap<String, String>, f64> = BTreeMap::new();
    for sample in samples {
        let age = sample.age_s?;
        newest.entry(&sample.labels).and_modify(|least| *least = least.min(age)).or_insert(age);
    }
    newest.into_values().reduce(f64::max)
}

/// An age to the millisecond, which is all that Prometheus keeps. A sample from the future has none, but for what two
/// clocks may differ.
fn age(seconds: f64) -> Option<f64> {
    (seconds > -5.0).then(|| (seconds * 1000.0).round().max(0.0) / 1000.0)
}

/// Whether the query is a name with or without labels, and nothing else.
fn is_selector(query: &str) -> bool {
    static SELECTOR: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r#"^\s*[a-zA-Z_:][a-zA-Z0-9_:]*\s*(\{([^"'`{}]|"([^"\\]|\\.)*")*\})?\s*$"#)
            .expect("it is written well")
    });
    SELECTOR.is_match(query)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_plain_selector_is_asked_for_its_samples_age() {
        for (query, expected) in [
            ("up", true),
            (" up{job=\"a{b}\", x!~\"y\\\"z\"} ", true),
            ("sum(up)", false),
            ("up == 1", false),
            ("up offset 5m", false),
            ("up{a=\"b\"} + up{a=\"c\"}", false),
            ("up[5m]", false),
        ] {
            assert_eq!(is_selector(query), expected, "{query}");
        }
    }

    #[test]
    fn the_age_is_of_the_series_that_is_furthest_behind() {
        let sample = |name: &str, age_s| Sample {
            labels: BTreeMap::from([("job".to_owned(), name.to_owned())]),
            value: Number::Whole(1),
            timestamp: 0.0,
            age_s,
        };
        assert_eq!(oldest(&[sample("a", Some(70.0)), sample("a", Some(10.0)), sample("b", Some(30.0))]), Some(30.0));
        assert_eq!(oldest(&[sample("a", Some(10.0)), sample("b", None)]), None, "one age is not known");
        assert_eq!(oldest(&[]), None);
    }
}
