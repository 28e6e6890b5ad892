//! The request that makes a service log a line with a new marker.

use std::hash::{BuildHasher, RandomState};

use schemars::JsonSchema;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};

use crate::client::Fault;
use crate::client::http::{HttpUrl, Login, Method, Request};
use crate::probe::Context;

/// The placeholder of the marker in a setting.
const HOLE: &str = "{marker}";

/// A request after which a service logs a line with a marker.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, remote = "Self")]
#[schemars(inline)]
pub struct Emit {
    /// The URL of the request, with `{marker}` in place of the marker:
    /// `https://api.staging.example/healthz?marker={marker}`.
    url: String,
    /// Method of the request. Default: `GET`.
    #[serde(default)]
    method: Method,
    /// Its body, also with `{marker}`, such as `{"message": "{marker}"}`.
    body: Option<String>,
    #[serde(rename = "..", default)]
    #[schemars(flatten)]
    login: Login,
}

impl<'de> Deserialize<'de> for Emit {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let emit = Emit::deserialize(deserializer)?;
        if !emit.url.contains(HOLE) && !emit.body.as_ref().is_some_and(|body| body.contains(HOLE)) {
            return Err(D::Error::custom("`{marker}` is wanted in `url` or `body`: by it the line is found again"));
        }
        let url = emit.target("gate").map_err(D::Error::custom)?;
        emit.login.validate(&url).map_err(D::Error::custom)?;
        Ok(emit)
    }
}

impl Emit {
    /// Whether TLS is not verified.
    pub fn is_insecure(&self) -> bool {
        self.login.insecure
    }

    /// Sends it once, and gives the status of the answer.
    ///
    /// # Errors
    /// When no answer came.
    pub async fn send(&self, cx: &Context, marker: &str) -> Result<u16, Fault> {
        let url = self.target(marker).map_err(Fault::new)?;
        let mut request = Request::new(self.method.into(), &url, self.login.access());
        if let Some(body) = &self.body {
            request = request.body("application/json", body.replace(HOLE, marker).into_bytes());
        }
        let answer = request.send(cx, &self.login.options(), 0).await?;
        Ok(answer.response.status().as_u16())
    }

    fn target(&self, marker: &str) -> Result<HttpUrl, String> {
        serde_json::from_value(self.url.replace(HOLE, marker).into()).map_err(|error| error.to_string())
    }
}

/// A word that is in no log yet. One word to every tokenizer: letters and digits only.
pub fn marker() -> String {
    format!("gate{:016x}", RandomState::new().hash_one("gate"))
}
