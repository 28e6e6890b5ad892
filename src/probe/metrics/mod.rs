//! `metrics`: what does a service report on its own metrics page?

mod page;

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use regex::Regex;
use reqwest::Method;
use reqwest::header::{ACCEPT, CONTENT_TYPE, HeaderValue};
use schemars::JsonSchema;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};

use super::{Context, Fault, Probe, Truncation};
use crate::client::api::{Api, Reply};
use crate::client::http::{HttpUrl, Login, Request};
use crate::client::number::Number;
use page::{Format, Page};

/// Prometheus no longer shows a sample that is older.
const STALE_S: f64 = 300.0;
/// How far clocks may differ.
const SKEW_S: f64 = 60.0;
/// How many samples are kept at most.
const MAX_SAMPLES: usize = 1_000;
/// OpenMetrics first, because it marks its end.
const ACCEPTED: HeaderValue = HeaderValue::from_static(
    "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,\
     text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
);

/// Reads a metrics page, in Prometheus' text format or in OpenMetrics, like a Prometheus server.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, remote = "Self")]
pub struct Metrics {
    /// The URL of the page, such as `https://api.staging.example/metrics`.
    url: HttpUrl,
    /// Only samples of this name; `*` matches any text, such as `aos_*`. Default: all of them.
    name: Option<Pattern>,
    /// Only samples with these labels, such as `{ tier: free }`.
    #[serde(default)]
    labels: BTreeMap<String, String>,
    #[serde(rename = "..", default)]
    #[schemars(flatten)]
    login: Login,
}

/// A name in which `*` matches any text.
#[derive(Debug, Clone, JsonSchema)]
#[schemars(inline)]
struct Pattern(#[schemars(with = "String")] Regex);

/// The samples of a metrics page that match the settings.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct MetricsSeen {
    /// Format of the page: `prometheus` or `openmetrics`.
    pub format: String,
    /// Number of samples.
    pub count: usize,
    /// The names of the samples, each once, with endings such as `_total` and `_bucket`.
    pub names: BTreeSet<String>,
    /// Number of names by their first word, which ends at the first `_`: `aos` for `aos_redis_connected`.
    pub prefixes: BTreeMap<String, usize>,
    /// The type of each metric that declares one: `counter`, `gauge`, `histogram`, …
    pub types: BTreeMap<String, String>,
    /// The value of every sample. A value that is not a number is text: `NaN`, `+Inf`, `-Inf`. Absent if there are more
    /// than 1,000 samples: select fewer with `name` and `labels`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub values: Option<Vec<Number>>,
    /// Whether there are samples, and every value is `NaN`: the service has no value.
    pub only_nan: bool,
    /// Number of samples with a timestamp of their own that is more than 5 minutes old, or in the future. Prometheus
    /// does not show these.
    pub stale: usize,
    /// Every sample. Absent if there are more than 1,000.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub samples: Option<Vec<Sample>>,
    /// Number of all samples of the page.
    pub total: usize,
}

/// One sample.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Sample {
    /// Its name.
    pub name: String,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
    /// Its value.
    pub value: Number,
    /// Its time, in seconds since 1970, if the page has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timestamp: Option<f64>,
}

impl Probe for Metrics {
    const KIND: &'static str = "metrics";
    const EXPECT: &'static str = "{ count: { at_least: 1 }, only_nan: false, stale: 0 }";
    const EXAMPLE: &'static str = r#"metrics: { url: "https://api.staging.example/metrics", name: aos_* }
expect: { names: { contains: [aos_redis_connected, aos_traces_total] } }
"#;
    const TAKES_VIA: bool = true;
    type Observation = MetricsSeen;

    async fn observe(&self, cx: &Context) -> Result<MetricsSeen, Fault> {
        let reply = self.api().send(cx, self.request()).await?;
        let (page, format) = read(&reply)?;
        Ok(self.select(page, format, cx.env.now()))
    }

    fn evidence(&self, seen: &MetricsSeen) -> String {
        let names: Vec<&str> = seen.names.iter().map(String::as_str).collect();
        match (names.as_slice(), seen.values.as_deref()) {
            ([], _) if seen.total == 0 => "an empty page".to_owned(),
            ([], _) => "no such sample".to_owned(),
            (names, _) if seen.stale > 0 => format!("{}, {} stale", Self::listed(names), seen.stale),
            // Of a counter, the value differs each time.
            ([name], Some([value])) if seen.types.get(*name).is_some_and(|kind| kind == "gauge") => {
                format!("{name} {value}")
            }
            (names, _) => Self::listed(names),
        }
    }

    fn cuts(&self, seen: &MetricsSeen) -> Vec<Truncation> {
        let read = format!("of more than {MAX_SAMPLES} samples none is kept: select fewer by `name` and `labels`");
        if seen.samples.is_none() { vec![Truncation::new(&["values", "samples"], read, None)] } else { Vec::new() }
    }

    fn advice(&self, seen: &MetricsSeen) -> Option<String> {
        if seen.count == 0 && seen.total > 0 {
            let looked =
                "is the name right, and has it happened yet? Many libraries expose a metric only after its first event";
            return Some(format!("the page has {} samples, but none that matches: {looked}", seen.total));
        }
        if seen.stale > 0 {
            return Some(format!(
                "{} of {} samples carry a timestamp that is over 5 minutes old, or in the future: what writes them may have stopped",
                seen.stale, seen.count
            ));
        }
        let Some(values) = &seen.values else {
            return Some(format!("of {} samples neither values nor labels are kept: name fewer", seen.count));
        };
        values.iter().any(Number::is_nan).then(|| "NaN means that the service has no value".to_owned())
    }

    fn is_insecure(&self) -> bool {
        self.login.insecure
    }

    fn reproduce(&self) -> Option<Vec<String>> {
        Some(self.login.curl(&self.request()))
    }
}

impl<'de> Deserialize<'de> for Metrics {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let probe = Metrics::deserialize(deserializer)?;
        probe.login.validate(&probe.url).map_err(D::Error::custom)?;
        Ok(probe)
    }
}

impl<'de> Deserialize<'de> for Pattern {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        if text.is_empty() {
            return Err(D::Error::custom("the name is empty"));
        }
        if let Some(other) = text.chars().find(|c| matches!(c, '{' | '}' | '"' | ' ')) {
            return Err(D::Error::custom(format!("`{other}` is in no name: use `labels` for labels")));
        }
        let parts: Vec<String> = text.split('*').map(regex::escape).collect();
        let regex = Regex::new(&format!("^(?s:{})$", parts.join(".*")));
        Ok(Self(regex.map_err(|_| D::Error::custom("the name is too long"))?))
    }
}

impl Metrics {
    fn listed(names: &[&str]) -> String {
        if names.len() <= 3 { names.join(", ") } else { format!("{} names", names.len()) }
    }

    fn api(&self) -> Api<'_> {
        let options = self.login.options();
        Api { name: "the server", url: &self.url, access: self.login.access(), options }
    }

    fn request(&self) -> Request {
        let mut request = Request::new(Method::GET, &self.url, self.login.access());
        request.headers.entry(ACCEPT).or_insert(ACCEPTED);
        request
    }

    fn select(&self, page: Page, format: Format, now: Timestamp) -> MetricsSeen {
        let total = page.samples.len();
        let is_wanted = |sample: &&Sample| {
            self.name.as_ref().is_none_or(|Pattern(name)| name.is_match(&sample.name))
                && self.labels.iter().all(|(key, value)| sample.labels.get(key) == Some(value))
        };
        let wanted: Vec<&Sample> = page.samples.iter().filter(is_wanted).collect();
        let names: BTreeSet<String> = wanted.iter().map(|sample| sample.name.clone()).collect();
        let mut prefixes = BTreeMap::new();
        for name in &names {
            let word = name.split('_').next().unwrap_or_default();
            *prefixes.entry(word.to_owned()).or_default() += 1;
        }
        let typed = names.iter().filter_map(|name| page.types.get_key_value(page.metric(name)));
        let types = typed.map(|(metric, kind)| (metric.clone(), kind.clone())).collect();
        let are_few = wanted.len() <= MAX_SAMPLES;
        let now = now.as_second() as f64;
        let is_stale =
            |sample: &&&Sample| sample.timestamp.is_some_and(|taken| !(-SKEW_S..=STALE_S).contains(&(now - taken)));
        MetricsSeen {
            format: match format {
                Format::Prometheus => "prometheus".to_owned(),
                Format::OpenMetrics => "openmetrics".to_owned(),
            },
            count: wanted.len(),
            names,
            prefixes,
            types,
            only_nan: !wanted.is_empty() && wanted.iter().all(|sample| sample.value.is_nan()),
            stale: wanted.iter().filter(is_stale).count(),
            values: are_few.then(|| wanted.iter().map(|sample| sample.value.clone()).collect()),
            samples: are_few.then(|| wanted.into_iter().cloned().collect()),
            total,
        }
    }
}

/// The page of an answer.
fn read(reply: &Reply) -> Result<(Page, Format), Fault> {
    if !reply.is_ok() {
        return Err(reply.fault());
    }
    let said = reply.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let said = said.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    if said == "text/html" || reply.is_web_page() {
        return Err(Fault::new("the server answered with a web page where metrics were expected")
            .help("is it behind a login, and is this the URL of the metrics themselves, such as …/metrics?"));
    }
    let format = match said.as_str() {
        "application/openmetrics-text" => Format::OpenMetrics,
        "application/vnd.google.protobuf" => {
            return Err(Fault::new("the server answered with protobuf although text was asked for")
                .help("does a proxy on the way change the header `Accept`?"));
        }
        // Some say nothing or something else of a text that is one.
        _ => Format::Prometheus,
    };
    let text = std::str::from_utf8(&reply.body).map_err(|_| no_page("it is not text"))?;
    Ok((Page::parse(text, format).map_err(|what| no_page(&what))?, format))
}

fn no_page(what: &str) -> Fault {
    Fault::new(format!("the server did not answer with a page of metrics: {what}"))
        .help("is this the URL of the metrics themselves, such as …/metrics, and does a proxy cut long answers?")
}
