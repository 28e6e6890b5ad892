//! The access tokens of a run: each is requested once and shared by all that have the same settings.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::time::{Instant, timeout};

use crate::client::ssh::Host;
use crate::client::{Context, Fault, HttpOptions};

use super::answer::Granted;
use super::{AccessToken, OAuth2, place};

/// How long before its end a token is no longer used, or a tenth of its time if that is shorter.
const MARGIN: Duration = Duration::from_secs(30);

/// How long a token is kept that was requested because a server refused the previous one: a server that refuses all of
/// them is not worth a request each time.
const KEPT: Duration = Duration::from_secs(30);

/// For how long the first failure counts for all. Each further one counts for twice as long.
const PAUSE: Duration = Duration::from_millis(500);
/// For how long a failure counts at most.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// The access tokens of a run, by credentials and by how the token endpoint is reached.
#[derive(Debug, Default)]
pub struct Tokens(Mutex<HashMap<Key, Arc<tokio::sync::Mutex<State>>>>);

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Key {
    oauth2: OAuth2,
    options: HttpOptions,
    via: Option<Host>,
}

/// The state of one token. The holder may request another; the others wait, and take the result.
#[derive(Debug, Default)]
struct State {
    token: Option<AccessToken>,
    /// When it is no longer used.
    ends: Option<Instant>,
    /// When a token was requested because a server had refused the one before.
    renewed: Option<Instant>,
    failure: Option<Failure>,
    /// How many requests in a row failed.
    failures: u32,
}

#[derive(Debug)]
struct Failure {
    fault: Fault,
    /// Until when it counts.
    ends: Instant,
    /// After a timeout: its length. It does not count for probes with a much longer one.
    limit: Option<Duration>,
}

impl Tokens {
    /// The token that is known, or a new one.
    pub async fn current(&self, oauth2: &OAuth2, cx: &Context, options: &HttpOptions) -> Result<AccessToken, Fault> {
        let (slot, begun) = (self.slot(oauth2, cx, options), Instant::now());
        let Ok(mut state) = timeout(cx.timeout, slot.lock()).await else { return Err(late(oauth2)) };
        match state.valid() {
            Some(token) => Ok(token),
            None => state.request(oauth2, cx, options, cx.timeout.saturating_sub(begun.elapsed())).await,
        }
    }

    /// Another token than the one that a server refused, if there can be one.
    pub async fn renewed(
        &self,
        oauth2: &OAuth2,
        refused: &AccessToken,
        cx: &Context,
        options: &HttpOptions,
    ) -> Result<Option<AccessToken>, Fault> {
        let (slot, begun) = (self.slot(oauth2, cx, options), Instant::now());
        let Ok(mut state) = timeout(cx.timeout, slot.lock()).await else { return Err(late(oauth2)) };
        let another = |token: &AccessToken| token != refused;
        // Another probe was faster.
        if let Some(token) = state.valid().filter(another) {
            return Ok(Some(token));
        }
        if state.renewed.is_some_and(|renewed| renewed.elapsed() < KEPT) {
            return Ok(None);
        }
        state.token = None;
        let token = state.request(oauth2, cx, options, cx.timeout.saturating_sub(begun.elapsed())).await?;
        state.renewed = Some(Instant::now());
        Ok(Some(token).filter(another))
    }

    fn slot(&self, oauth2: &OAuth2, cx: &Context, options: &HttpOptions) -> Arc<tokio::sync::Mutex<State>> {
        let key = Key { oauth2: oauth2.clone(), options: options.clone(), via: cx.machine().cloned() };
        Arc::clone(self.0.lock().expect("no holder of this lock panics").entry(key).or_default())
    }
}

impl State {
    fn valid(&self) -> Option<AccessToken> {
        self.token.clone().filter(|_| self.ends.is_none_or(|ends| Instant::now() < ends))
    }

    /// Requests a token, unless that failed a moment ago: a failure counts for all.
    async fn request(
        &mut self,
        oauth2: &OAuth2,
        cx: &Context,
        options: &HttpOptions,
        left: Duration,
    ) -> Result<AccessToken, Fault> {
        let begun = Instant::now();
        if let Some(failure) = &self.failure
            && begun < failure.ends
            && failure.limit.is_none_or(|limit| left < limit.saturating_mul(2))
        {
            return Err(failure.fault.clone());
        }
        let answer = timeout(left, oauth2.fetch(cx, options)).await;
        let limit = answer.is_err().then_some(left);
        match answer.unwrap_or_else(|_| Err(late(oauth2))) {
            Ok(Granted { token, valid_for }) => {
                let ends = |valid: Duration| begun.checked_add(valid - MARGIN.min(valid / 10));
                *self = Self { token: Some(token.clone()), ends: valid_for.and_then(ends), ..Self::default() };
                Ok(token)
            }
            Err(fault) => {
                let pause = PAUSE.saturating_mul(2_u32.saturating_pow(self.failures)).min(LONGEST_PAUSE);
                self.failures += 1;
                self.failure = Some(Failure { fault: fault.clone(), ends: Instant::now() + pause, limit });
                Err(fault)
            }
        }
    }
}

fn late(oauth2: &OAuth2) -> Fault {
    Fault::new(format!("no access token from {} in time", place(oauth2.token_url.url())))
        .help("does the token endpoint answer, and is the probe's `timeout` long enough for both?")
}
