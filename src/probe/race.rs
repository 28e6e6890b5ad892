//! `race`: does idempotency work when the same request is sent several times at once?

use std::collections::{BTreeMap, BTreeSet};

use futures_util::future::join_all;
use reqwest::header::{HeaderName, HeaderValue};
use schemars::JsonSchema;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};
use tokio::sync::Barrier;
use tokio::time::Instant;

use super::{Context, Fault, HttpOptions, Probe, Truncation};
use crate::client::Manner;
use crate::client::http::{HttpUrl, Login, Method, Request, RequestSettings, read};
use crate::client::load::Load;
use crate::text::json;
use crate::yaml::Duration;

/// How much of an answer is compared.
const MAX_BODY: usize = 1 << 20;

/// Sends the same request several times at the same moment, each on a connection of its own and all with one
/// idempotency key, and once more afterwards. Use a `sql` probe after it to count what was created: answers alone don't
/// prove it. An `OPTIONS` request without credentials opens each connection first.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, remote = "Self")]
pub struct Race {
    /// The URL of the requests, such as `https://api.staging.example/v1/payments`.
    url: HttpUrl,
    /// Number of requests at once. Default: 8, from 2 to 64.
    #[serde(default = "default_requests")]
    #[schemars(range(min = 2, max = 64))]
    requests: u16,
    /// Where the id of the created resource is in the JSON of an answer, as a JSON pointer such as `/id` or `/data/id`.
    #[serde(default = "default_id")]
    id: String,
    /// The header of the key. Default: `Idempotency-Key`.
    #[serde(default = "default_header")]
    header: String,
    /// The key. Default: a new one for each attempt; it is in `key`, for a `sql` probe to count by.
    key: Option<String>,
    /// Method of the requests. Default: `POST`.
    #[serde(default = "default_method")]
    method: Method,
    /// JSON body, such as `{ amount: 1 }`.
    json: Option<Value>,
    /// Body as it is.
    body: Option<String>,
    #[serde(rename = "..", default)]
    #[schemars(flatten)]
    login: Login,
}

/// The answers to the same request, sent at once and then again.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct RaceSeen {
    /// The key of all requests.
    pub key: String,
    /// Number of requests sent at once.
    pub requests: u16,
    /// Number of answers by status, such as `{ "201": 1, "409": 7 }`.
    pub by_status: BTreeMap<String, u32>,
    /// Number of accepted requests: 2xx.
    pub accepted: u32,
    /// Number of answers with 5xx.
    pub server_errors: u32,
    /// Number of requests without an answer.
    pub transport_failures: u32,
    /// Number of different bodies of the accepted ones.
    pub bodies: usize,
    /// The different ids in those bodies.
    pub ids: Vec<String>,
    /// Number of accepted ones without an id.
    pub without_id: u32,
    /// The answer to the same request, sent again after all others were answered.
    pub replay: Replay,
    /// Whether a body was longer than what is read.
    #[serde(skip)]
    pub is_body_cut: bool,
}

/// The answer to the request that was sent afterwards.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Replay {
    /// Its status.
    pub status: u16,
    /// Whether it was accepted with the same single id as the others.
    pub same_id: bool,
    /// Whether its body is the same as that of the others.
    pub same_body: bool,
}

/// One answer.
struct Answer {
    status: u16,
    digest: Vec<u8>,
    id: Option<String>,
    is_cut: bool,
}

impl Answer {
    fn is_accepted(&self) -> bool {
        (200..300).contains(&self.status)
    }
}

impl Probe for Race {
    const KIND: &'static str = "race";
    const EXPECT: &'static str = "{ accepted: { above: 0 }, ids: { length: 1 }, without_id: 0, server_errors: 0, \
                                  transport_failures: 0, replay.same_id: true }";
    const EXAMPLE: &'static str = r#"race: { url: "https://api.staging.example/v1/simulate", json: { plan: probe }, id: /run_id }
expect: { replay.same_body: true }
"#;
    const EFFECTS: Option<&'static str> = Some("It creates a resource: one, if idempotency works.");
    const TAKES_VIA: bool = true;
    type Observation = RaceSeen;

    async fn observe(&self, cx: &Context) -> Result<RaceSeen, Fault> {
        let (begun, options) = (Instant::now(), self.login.options());
        let request = self.request_settings().request().authorized(cx, &options).await?;
        let limit = cx.timeout.saturating_sub(begun.elapsed());
        let Ok(seen) = tokio::time::timeout(limit, self.race(request, cx, &options)).await else {
            let fault =
                Fault::new(format!("timed out after {}, before all requests were answered", Duration(cx.timeout)));
            return Err(fault.help("do they wait for each other? give it a longer `timeout`, or fewer `requests`"));
        };
        seen
    }

    fn evidence(&self, seen: &RaceSeen) -> String {
        let ids = if seen.ids.len() == 1 { "1 id".to_owned() } else { format!("{} ids", seen.ids.len()) };
        let replay = if seen.replay.same_id { "the same again" } else { "another answer" };
        format!("{ids} from {} at once, {replay} afterwards", seen.requests)
    }

    fn cuts(&self, seen: &RaceSeen) -> Vec<Truncation> {
        let paths = ["bodies", "ids", "without_id", "replay.same_id", "replay.same_body"];
        let read = "only the first 1 MiB of a body was read";
        if seen.is_body_cut { vec![Truncation::new(&paths, read, None)] } else { Vec::new() }
    }

    fn advice(&self, seen: &RaceSeen) -> Option<String> {
        let advice = if seen.accepted == 0 {
            "none was accepted: try the request with the `http` probe first"
        } else if seen.ids.len() > 1 {
            "the key did not hold: looking it up and keeping it must be one step, as a unique index makes it"
        } else if seen.without_id > 0 {
            "`id` says where the id is in the JSON of an answer, such as `/data/id`"
        } else if seen.transport_failures > 0 {
            "some got no answer: is the server overloaded, or does it restart?"
        } else if seen.server_errors > 0 {
            "a request that loses the race should get the first answer, or 409: does it run into the unique index?"
        } else if !seen.replay.same_id {
            "the same request afterwards did not get the first answer: is it kept with its key?"
        } else {
            return None;
        };
        Some(advice.to_owned())
    }

    fn has_effects(&self) -> bool {
        true
    }

    fn is_insecure(&self) -> bool {
        self.login.insecure
    }

    fn reproduce(&self) -> Option<Vec<String>> {
        let key = format!("{}: {}", self.header, self.key.as_deref().unwrap_or("a-new-key"));
        Some(self.login.curl_with(&self.request_settings().request(), &["-H", &key]))
    }
}

impl Race {
    fn request_settings(&self) -> RequestSettings<'_> {
        RequestSettings {
            url: &self.url,
            method: self.method,
            login: &self.login,
            json: self.json.as_ref(),
            body: self.body.as_deref(),
        }
    }

    async fn race(&self, mut request: Request, cx: &Context, options: &HttpOptions) -> Result<RaceSeen, Fault> {
        let key = self.key.clone().map_or_else(fresh_key, Ok)?;
        let name = HeaderName::try_from(&self.header).map_err(|_| Fault::new("`header` is not a name of a header"))?;
        let value = HeaderValue::try_from(&key).map_err(|_| Fault::new("`key` can't be sent in a header"))?;
        request.headers.insert(name, value);
        let clients = self.connected(cx, options).await?;
        let barrier = Barrier::new(clients.len());
        let answers = join_all(clients.iter().map(|client| {
            let (request, barrier) = (&request, &barrier);
            async move {
                barrier.wait().await;
                self.answer(request, client, cx, options).await
            }
        }));
        let mut faults = Vec::new();
        let mut answered = Vec::new();
        for answer in answers.await {
            match answer {
                Ok(answer) => answered.push(answer),
                Err(fault) => faults.push(fault),
            }
        }
        let failures = u32::try_from(faults.len()).unwrap_or(u32::MAX);
        if answered.is_empty()
            && let Some(fault) = faults.pop()
        {
            return Err(fault);
        }
        let replay = self.answer(&request, &clients[0], cx, options).await?;
        Ok(self.seen(key, &answered, failures, &replay))
    }

    /// One client for each request, all of them connected already, so that the requests themselves race.
    async fn connected(&self, cx: &Context, options: &HttpOptions) -> Result<Vec<reqwest::Client>, Fault> {
        let manner = self.request_settings().request().manner();
        let mut warm = self.request_settings().request().anonymous();
        warm.method = reqwest::Method::OPTIONS;
        warm.body = None;
        warm.headers.clear();
        let first = cx.own_http(&warm.url, options, manner)?;
        let mut clients = vec![first];
        for _ in 1..self.requests {
            clients.push(cx.own_http(&warm.url, options, manner)?);
        }
        let connecting = clients.iter().map(|client| async {
            let mut response = warm.send_by(client, cx, options).await.map_err(|unanswered| unanswered.fault)?;
            read(&mut response, MAX_BODY, &Load::default()).await.map(drop)
        });
        for connected in join_all(connecting).await {
            connected?;
        }
        Ok(clients)
    }

    /// One answer. A connection that the server has closed since it was opened is replaced by a new one: the key allows
    /// repeating the request.
    async fn answer(
        &self,
        request: &Request,
        client: &reqwest::Client,
        cx: &Context,
        options: &HttpOptions,
    ) -> Result<Answer, Fault> {
        let mut response = match request.send_by(client, cx, options).await {
            Ok(response) => response,
            Err(unanswered) if unanswered.was_reused => {
                let manner = Manner { is_fresh: true, ..request.manner() };
                let fresh = cx.http(&request.url, options, manner).map_err(|_| unanswered.fault)?;
                request.send_by(&fresh, cx, options).await.map_err(|unanswered| unanswered.fault)?
            }
            Err(unanswered) => return Err(unanswered.fault),
        };
        // Of each answer only the digest is kept.
        let load = Load::default();
        let body = read(&mut response, MAX_BODY, &load).await?;
        let json = json::parse_exactly(&body.bytes).ok();
        let id = json.as_ref().and_then(|json| json.pointer(&self.id)).and_then(id_text);
        let digest = Sha256::digest(&body.bytes).to_vec();
        Ok(Answer { status: response.status().as_u16(), digest, id, is_cut: body.truncated })
    }

    fn seen(&self, key: String, answers: &[Answer], transport_failures: u32, replay: &Answer) -> RaceSeen {
        let count = |is: &dyn Fn(&Answer) -> bool| {
            u32::try_from(answers.iter().filter(|answer| is(answer)).count()).unwrap_or(u32::MAX)
        };
        let mut by_status = BTreeMap::new();
        for answer in answers {
            *by_status.entry(answer.status.to_string()).or_default() += 1;
        }
        let accepted = || answers.iter().filter(|answer| answer.is_accepted());
        let bodies: BTreeSet<&[u8]> = accepted().map(|answer| answer.digest.as_slice()).collect();
        let ids: BTreeSet<&str> = accepted().filter_map(|answer| answer.id.as_deref()).collect();
        let same_id = replay.is_accepted() && ids.len() == 1 && replay.id.as_deref().is_some_and(|id| ids.contains(id));
        RaceSeen {
            key,
            requests: self.requests,
            by_status,
            accepted: count(&Answer::is_accepted),
            server_errors: count(&|answer| answer.status >= 500),
            transport_failures,
            bodies: bodies.len(),
            without_id: count(&|answer| answer.is_accepted() && answer.id.is_none()),
            replay: Replay {
                status: replay.status,
                same_id,
                same_body: bodies.len() == 1 && bodies.contains(replay.digest.as_slice()),
            },
            ids: ids.into_iter().map(str::to_owned).collect(),
            is_body_cut: answers.iter().chain([replay]).any(|answer| answer.is_cut),
        }
    }

    fn validate(&self) -> Result<(), &'static str> {
        if !(2..=64).contains(&self.requests) {
            return Err("`requests` is a number from 2 to 64");
        }
        if !self.id.starts_with('/') {
            return Err("`id` is a JSON pointer, such as `/id` or `/data/id`");
        }
        let Ok(name) = HeaderName::try_from(&self.header) else { return Err("`header` can't be the name of a header") };
        if self.login.headers.map().contains_key(&name) {
            return Err("the idempotency key is in `headers` too: give it as `key`");
        }
        if self.key.as_ref().is_some_and(|key| key.is_empty() || HeaderValue::try_from(key).is_err()) {
            return Err("`key` can't be sent in a header");
        }
        self.request_settings().validate()
    }
}

impl<'de> Deserialize<'de> for Race {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let race = Race::deserialize(deserializer)?;
        race.validate().map_err(D::Error::custom)?;
        Ok(race)
    }
}

/// A new key.
fn fresh_key() -> Result<String, Fault> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(|_| Fault::new("the system gave no random bytes for a key"))?;
    Ok(format!("gate-{}", hex::encode(bytes)))
}

fn id_text(id: &Value) -> Option<String> {
    match id {
        Value::String(text) if !text.is_empty() => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Null | Value::Bool(_) | Value::String(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

fn default_requests() -> u16 {
    8
}

fn default_id() -> String {
    "/id".to_owned()
}

fn default_header() -> String {
    "Idempotency-Key".to_owned()
}

fn default_method() -> Method {
    Method::Post
}
