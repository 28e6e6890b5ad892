//! `burst`: does a rate limit allow what it should, and block what it should?

mod window;

use std::collections::{BTreeMap, BTreeSet};

use futures_util::StreamExt;
use reqwest::StatusCode;
use reqwest::header::{HeaderMap, RETRY_AFTER};
use schemars::JsonSchema;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;
use tokio::time::{Instant, sleep};

use super::{Context, Fault, Probe, SameFact, Truncation};
use crate::client::Manner;
use crate::client::http::{HttpUrl, Login, Method, Request, RequestSettings, read};
use crate::yaml::Duration;
use window::{Verdict, WindowReport, verdict};

/// How much of an answer is read.
const MAX_BODY: usize = 64 << 10;

/// How often all of them are counted again at most.
const MAX_RECOUNTS: u32 = 2;

/// How much later than it says a window may begin.
const MARGIN_S: f64 = 0.3;

/// How many reasons of failures are kept.
const MAX_FAILURES: usize = 5;

/// Sends the same request many times, each on a connection of its own, and counts the answers. Redirects are not
/// followed, and no single request is retried; but if a window of the limit ended during the burst, or something else
/// had used a part of it, all of them are counted once more in a fresh window. It uses up the limit that it checks:
/// give its item a lock (`locks: [api]`), so that the requests of other items don't count.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, remote = "Self")]
pub struct Burst {
    /// The URL of the requests, such as `https://api.staging.example/v1/simulate`.
    url: HttpUrl,
    /// Number of requests, such as `65` if 60 are allowed. At most 10000.
    #[schemars(range(min = 1, max = 10_000))]
    requests: u32,
    /// Maximum number of requests at the same time. Default: 8, 256 at most; 1 sends one after the other.
    #[serde(default = "default_concurrency")]
    #[schemars(range(min = 1, max = 256))]
    concurrency: u16,
    /// The status of a blocked request. Default: 429; nginx returns 503 unless `limit_req_status` is set.
    #[serde(default = "default_refusal")]
    #[schemars(range(min = 400, max = 599))]
    refusal: u16,
    /// Length of the limit's window, such as `1m`, for a server whose headers don't say when a window ends. Windows are
    /// assumed to begin at its multiples: `1m` at every full minute. The `timeout` must be longer than it.
    window: Option<Duration>,
    /// Method of the requests. Default: `GET`.
    #[serde(default)]
    method: Method,
    /// JSON body, such as `{ probe: true }`.
    json: Option<Value>,
    /// Body as it is.
    body: Option<String>,
    #[serde(rename = "..", default)]
    #[schemars(flatten)]
    login: Login,
}

/// Number of requests by outcome.
#[derive(Debug, Clone, PartialEq, Default, Serialize, JsonSchema)]
pub struct BurstSeen {
    /// Number of requests sent.
    pub requests: u32,
    /// Number of answers by status, such as `{ "200": 60, "429": 5 }`.
    pub by_status: BTreeMap<String, u32>,
    /// Number of requests allowed: 2xx.
    pub allowed: u32,
    /// Number of requests blocked: the status of `refusal`.
    pub refused: u32,
    /// Number of other answers.
    pub other: u32,
    /// Number of the first blocked request, from 1 in the order of sending. With a `concurrency` above 1 the server may
    /// have received them in another order.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_refused: Option<u32>,
    /// `Retry-After` of the first blocked request, such as `30`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_after: Option<String>,
    /// Rate limit headers of the first blocked request, or else of the last answer: such as `ratelimit-limit` and
    /// `x-ratelimit-remaining`, their names in lower case.
    pub limits: BTreeMap<String, String>,
    /// Number of requests without an answer: connections refused or reset, answers that are not HTTP.
    pub transport_failures: u32,
    /// Reasons of those, each once, the first five.
    pub failures: BTreeSet<String>,
    /// Number of counts that were discarded, because a window ended in the middle or something else had used it.
    pub recounted: u32,
    /// Duration of the last count.
    pub duration_ms: u64,
}

/// The answer to one request: its status and headers.
type Answered = Result<(StatusCode, HeaderMap), Fault>;

impl Probe for Burst {
    const KIND: &'static str = "burst";
    // Blocking nothing, blocking everything, and other answers all mean that the rate limit does not work.
    const EXPECT: &'static str = "{ allowed: { above: 0 }, refused: { above: 0 }, other: 0, transport_failures: 0 }";
    const SAME_FACT: &'static [SameFact] = &[("allowed", &["by_status"]), ("refused", &["by_status"])];
    const EXAMPLE: &'static str = r#"burst: { url: "https://api.staging.example/v1/simulate", requests: 65, headers: { X-Tier: free } }
expect: { by_status: { "200": 60, "429": 5 }, retry_after: { exists: true } }
"#;
    const EFFECTS: Option<&'static str> = Some("It uses up the limit that it checks.");
    const TAKES_VIA: bool = true;
    type Observation = BurstSeen;

    async fn observe(&self, cx: &Context) -> Result<BurstSeen, Fault> {
        let deadline = Instant::now() + cx.timeout;
        let options = self.login.options();
        let request = self.request_settings().request().authorized(cx, &options).await?;
        // A connection that the server closes after an answer, without saying so, would lose the next one.
        let client = cx.own_http(&request.url, &options, Manner { is_fresh: true, ..request.manner() })?;
        let mut recounted = 0;
        loop {
            let (mut seen, verdict) = self.count_all(cx, &request, &client, deadline).await?;
            seen.recounted = recounted;
            let (Verdict::Used(fresh) | Verdict::TurnedOver(fresh)) = verdict else { return Ok(seen) };
            let wait = (fresh - seconds(cx)).clamp(0.0, 86_400.0) + MARGIN_S;
            let took = seen.duration_ms as f64 / 1000.0;
            let is_in_time = (deadline - Instant::now()).as_secs_f64() > wait + took;
            match verdict {
                _ if is_in_time && recounted < MAX_RECOUNTS => sleep(std::time::Duration::from_secs_f64(wait)).await,
                Verdict::TurnedOver(_) => return Err(self.turned_over(&seen)),
                Verdict::Used(_) | Verdict::Whole => return Ok(seen),
            }
            recounted += 1;
        }
    }

    fn evidence(&self, seen: &BurstSeen) -> String {
        let mut parts: Vec<String> =
            seen.by_status.iter().map(|(status, count)| format!("{count} × {status}")).collect();
        if seen.transport_failures > 0 {
            parts.push(format!("{} without an answer", seen.transport_failures));
        }
        parts.join(", ")
    }

    fn cuts(&self, seen: &BurstSeen) -> Vec<Truncation> {
        let read = format!("only the first {MAX_FAILURES} are kept");
        if seen.failures.len() >= MAX_FAILURES { vec![Truncation::new(&["failures"], read, None)] } else { Vec::new() }
    }

    fn advice(&self, seen: &BurstSeen) -> Option<String> {
        if let Some(failure) = seen.failures.first() {
            let count = seen.transport_failures;
            return Some(format!(
                "{count} of {} requests got no answer, so the counts say little: {failure}",
                self.requests
            ));
        }
        if seen.allowed == 0 && seen.refused > 0 {
            return Some(
                "none was let through: something else had used the limit up, or it lets nothing through".to_owned(),
            );
        }
        if seen.other > 0 {
            let is_refusal = self.refusal == default_refusal() && seen.by_status.contains_key("503");
            return Some(match is_refusal {
                true => "if 503 is how this limit refuses, as nginx does, say `refusal: 503`".to_owned(),
                false => {
                    format!("a request that is right gets 2xx or {}: try it with the `http` probe first", self.refusal)
                }
            });
        }
        (seen.refused == 0).then(|| {
            "none was refused: is the limit on for this path and caller, does each instance behind the balancer count \
             for itself, and are `requests` more than it lets through?"
                .to_owned()
        })
    }

    fn has_effects(&self) -> bool {
        true
    }

    fn is_insecure(&self) -> bool {
        self.login.insecure
    }

    fn reproduce(&self) -> Option<Vec<String>> {
        Some(self.login.curl(&self.request_settings().request()))
    }
}

impl Burst {
    fn request_settings(&self) -> RequestSettings<'_> {
        RequestSettings {
            url: &self.url,
            method: self.method,
            login: &self.login,
            json: self.json.as_ref(),
            body: self.body.as_deref(),
        }
    }

    /// Sends all of them once.
    async fn count_all(
        &self,
        cx: &Context,
        request: &Request,
        client: &reqwest::Client,
        deadline: Instant,
    ) -> Result<(BurstSeen, Verdict), Fault> {
        let (start, begun) = (Instant::now(), seconds(cx));
        let options = &self.login.options();
        let send = |number: u32| async move {
            let answered = async {
                let mut response = request.send_by(client, cx, options).await.map_err(|unanswered| unanswered.fault)?;
                read(&mut response, MAX_BODY, &cx.load).await?;
                Ok((response.status(), std::mem::take(response.headers_mut())))
            };
            (number, answered.await)
        };
        let mut answers =
            futures_util::stream::iter(1..=self.requests).map(send).buffer_unordered(usize::from(self.concurrency));
        let mut seen = BurstSeen { requests: self.requests, ..BurstSeen::default() };
        let mut fault = None;
        let mut said = Vec::new();
        let all = async {
            while let Some((number, answered)) = answers.next().await {
                if let Ok((status, headers)) = &answered {
                    let is_refused = (status.as_u16() == self.refusal).then_some(false);
                    let is_allowed = if status.is_success() { Some(true) } else { is_refused };
                    said.push(WindowReport::new(number, seconds(cx), is_allowed, headers));
                }
                fault = self.count(&mut seen, number, answered).or(fault.take());
            }
        };
        if tokio::time::timeout_at(deadline, all).await.is_err() {
            return Err(self.unfinished(&seen));
        }
        seen.duration_ms = start.elapsed().as_millis().try_into().unwrap_or(u64::MAX);
        match fault {
            // Nothing at all was seen of the limit.
            Some(fault) if seen.by_status.is_empty() => Err(fault),
            _ => {
                let window = self.window.map(|window| window.0.as_secs_f64());
                let verdict = verdict(&said, begun, seconds(cx), u32::from(self.concurrency), window);
                Ok((seen, verdict))
            }
        }
    }

    fn turned_over(&self, seen: &BurstSeen) -> Fault {
        let message = format!("a window of the limit ended during the burst ({})", self.evidence(seen));
        Fault::new(message).help(match self.window {
            Some(_) => "give a `timeout` that is longer than `window`, so that it can count again in a fresh one",
            None => "give a `timeout` that is longer than the window, and `window` if no header says when it ends",
        })
    }

    /// Adds one to what was seen, and gives the fault of a request that got no answer.
    fn count(&self, seen: &mut BurstSeen, number: u32, answered: Answered) -> Option<Fault> {
        let (status, headers) = match answered {
            Ok(answer) => answer,
            Err(fault) => {
                seen.transport_failures += 1;
                if seen.failures.len() < MAX_FAILURES {
                    seen.failures.insert(fault.message.to_string());
                }
                return Some(fault);
            }
        };
        *seen.by_status.entry(status.as_str().to_owned()).or_default() += 1;
        if status.is_success() {
            seen.allowed += 1;
        } else if status.as_u16() == self.refusal {
            seen.refused += 1;
            if seen.first_refused.is_none_or(|first| number < first) {
                seen.first_refused = Some(number);
                seen.retry_after = headers.get(RETRY_AFTER).map(|value| lossy(value.as_bytes()));
                seen.limits = limits(&headers);
            }
        } else {
            seen.other += 1;
        }
        if seen.first_refused.is_none() {
            seen.limits = limits(&headers);
        }
        None
    }

    fn unfinished(&self, seen: &BurstSeen) -> Fault {
        let answered: u32 = seen.by_status.values().sum();
        let mut message = format!("time was up when {answered} of {} requests had been answered", self.requests);
        if !seen.by_status.is_empty() {
            message += &format!(" ({})", self.evidence(seen));
        }
        Fault::new(message).help("a part of the counts proves nothing: give it a longer `timeout`, or fewer `requests`")
    }

    fn validate(&self) -> Result<(), &'static str> {
        if !(1..=10_000).contains(&self.requests) {
            return Err("`requests` is a number from 1 to 10000");
        }
        if self.window.is_some_and(|window| window.0.is_zero()) {
            return Err("`window` must be greater than zero");
        }
        if !(1..=256).contains(&self.concurrency) {
            return Err("`concurrency` is a number from 1 to 256");
        }
        if !(400..=599).contains(&self.refusal) {
            return Err("`refusal` is a status from 400 to 599");
        }
        self.request_settings().validate()
    }
}

impl<'de> Deserialize<'de> for Burst {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let burst = Burst::deserialize(deserializer)?;
        burst.validate().map_err(D::Error::custom)?;
        Ok(burst)
    }
}

/// The limit in the headers: `RateLimit` and `RateLimit-*`
/// (<https://datatracker.ietf.org/doc/draft-ietf-httpapi-ratelimit-headers/>), `X-RateLimit-*`, `X-Rate-Limit-*`.
fn limits(headers: &HeaderMap) -> BTreeMap<String, String> {
    let is_limit = |name: &str| {
        let name = name.strip_prefix("x-").unwrap_or(name);
        name.starts_with("ratelimit") || name.starts_with("rate-limit")
    };
    let named = headers.iter().filter(|(name, _)| is_limit(name.as_str()));
    named.map(|(name, value)| (name.as_str().to_owned(), lossy(value.as_bytes()))).collect()
}

/// Seconds since 1970.
fn seconds(cx: &Context) -> f64 {
    cx.env.now().as_millisecond() as f64 / 1000.0
}

fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn default_concurrency() -> u16 {
    8
}

fn default_refusal() -> u16 {
    429
}
