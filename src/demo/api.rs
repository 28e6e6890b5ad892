//! The API of the demo: health, version, metrics, simulations with a rate limit and idempotency, replay, mismatches.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::future::BoxFuture;
use serde_json::{Value, json};
use sqlx::{Connection, SqliteConnection};
use tokio::sync::Mutex;

use super::part::{Broken, COMMIT};
use super::server::{Reply, Request, Service};

/// How many simulations the free tier has in a window.
const LIMIT: u32 = 60;

/// How long a window is. Short, so that a second run of the checklist finds a fresh one.
const WINDOW: Duration = Duration::from_secs(5);

/// The issues that mismatches open, which the demo's GitHub shows.
pub type Issues = Arc<std::sync::Mutex<Vec<Value>>>;

/// The API and its state.
pub struct Api {
    broken: Broken,
    state: Mutex<State>,
    issues: Issues,
}

struct State {
    database: SqliteConnection,
    window: Option<(Instant, u32)>,
    /// The answers to each `Idempotency-Key`.
    answered: HashMap<String, Value>,
    count: u32,
}

impl Api {
    /// An API whose traces are in this database.
    ///
    /// # Errors
    /// When the database can't be opened.
    pub async fn new(url: &str, broken: Broken, issues: Issues) -> sqlx::Result<Self> {
        let mut database = SqliteConnection::connect(url).await?;
        // It need not survive a power cut, and waiting for the disk would take most of the demo's time.
        sqlx::raw_sql("PRAGMA synchronous = OFF; PRAGMA journal_mode = MEMORY").execute(&mut database).await?;
        let state = State { database, window: None, answered: HashMap::new(), count: 0 };
        Ok(Self { broken, state: Mutex::new(state), issues })
    }

    async fn simulate(&self, request: &Request) -> Reply {
        let mut state = self.state.lock().await;
        let is_free = request.headers.get("x-tier").is_some_and(|tier| tier == "free");
        if is_free && !self.broken.is("rate-limit") && !state.is_allowed() {
            return Reply::json(&json!({ "error": "rate limit exceeded" }))
                .status(429)
                .header("retry-after", WINDOW.as_secs().to_string())
                .header("x-ratelimit-limit", LIMIT.to_string())
                .header("x-ratelimit-remaining", "0");
        }
        let key = request.headers.get("idempotency-key");
        let known = key.filter(|_| !self.broken.is("idempotency"));
        if let Some(answer) = known.and_then(|key| state.answered.get(key)) {
            return Reply::json(answer);
        }
        state.count += 1;
        let id = format!("trace-{:04}", state.count);
        let answer = json!({ "trace_id": id, "status": "completed" });
        if key.is_some() || !self.broken.is("simulate") {
            let name = request.json["name"].as_str().unwrap_or("simulation").to_owned();
            let insert = sqlx::query("INSERT INTO aos_traces (id, name, idempotency_key) VALUES (?, ?, ?)")
                .bind(&id)
                .bind(name)
                .bind(key);
            if insert.execute(&mut state.database).await.is_err() {
                return Reply::json(&json!({ "error": "the trace cannot be stored" })).status(500);
            }
        }
        if let Some(key) = key {
            state.answered.insert(key.clone(), answer.clone());
        }
        Reply::json(&answer)
    }

    async fn replay(&self, request: &Request) -> Reply {
        if self.broken.is("replay") {
            return Reply::json(&json!({ "error": "start_trace: no such column: tenant" })).status(500);
        }
        let id = request.json["trace_id"].as_str().unwrap_or_default().to_owned();
        let mut state = self.state.lock().await;
        let found = sqlx::query("SELECT 1 FROM aos_traces WHERE id = ?").bind(&id);
        match found.fetch_optional(&mut state.database).await {
            Ok(Some(_)) => Reply::json(&json!({ "trace_id": id, "matches": true })),
            Ok(None) => Reply::not_found(),
            Err(_) => Reply::json(&json!({ "error": "the traces cannot be read" })).status(500),
        }
    }

    fn mismatch(&self) -> Reply {
        let mut issues = self.issues.lock().expect("no holder of this lock panics");
        let number = issues.len() + 1;
        let id = format!("mismatch-{number}");
        if !self.broken.is("mismatch") {
            let title = format!("Trace {id} differs on replay");
            issues.push(json!({ "number": number, "title": title, "state": "open",
                "labels": [{ "name": "mismatch" }], "html_url": "https://github.example/acme/aos/issues/1" }));
        }
        Reply::json(&json!({ "id": id })).status(202)
    }
}

impl State {
    fn is_allowed(&mut self) -> bool {
        let now = Instant::now();
        let (begun, used) = self.window.filter(|(begun, _)| now - *begun < WINDOW).unwrap_or((now, 0));
        self.window = Some((begun, used + 1));
        used < LIMIT
    }
}

impl Service for Api {
    fn answer(&self, request: Request) -> BoxFuture<'_, Reply> {
        Box::pin(async move {
            match (request.method.as_str(), request.path.as_str()) {
                ("GET", "/healthz") if self.broken.is("healthz") => {
                    Reply::json(&json!({ "status": "down", "checks": [{ "name": "queue", "ok": false }] })).status(503)
                }
                ("GET", "/healthz") => {
                    Reply::json(&json!({ "status": "ok", "checks": [{ "name": "queue", "ok": true }] }))
                }
                ("GET", "/version") => {
                    let commit = if self.broken.is("images") { "badc0de" } else { COMMIT };
                    Reply::json(&json!({ "commit": commit, "version": "1.4.0" }))
                }
                ("POST", "/v1/simulate") => self.simulate(&request).await,
                ("POST", "/v1/replay") => self.replay(&request).await,
                ("POST", "/v1/mismatch") => self.mismatch(),
                _ => Reply::not_found(),
            }
        })
    }
}
