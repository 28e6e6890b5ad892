//! Requests to a registry by the OCI distribution API, with the login that it requires.
//!
//! <https://github.com/opencontainers/distribution-spec/blob/main/spec.md>, and for tokens
//! <https://distribution.github.io/distribution/spec/auth/token/>.

use reqwest::Method;
use reqwest::header::{ACCEPT, AUTHORIZATION, HeaderMap, HeaderValue, WWW_AUTHENTICATE};
use serde::Deserialize;
use serde_json::Value;
use sha2::{Digest, Sha256};
use url::Url;

use crate::client::http::{Access, AccessToken, HttpUrl, Request, read};
use crate::probe::{Context, Fault, HttpOptions};
use crate::text::json;

/// The largest manifest that the specification lets a registry take, and more than any configuration.
const MAX_BODY: usize = 4 << 20;
/// Blobs may be kept elsewhere.
const REDIRECTS: u8 = 5;

/// One repository of a registry.
pub struct Registry<'a> {
    /// The context.
    pub cx: &'a Context,
    /// Where the repository begins: `https://host/v2/name`.
    pub base: HttpUrl,
    /// The repository, such as `acme/api`.
    pub repository: &'a str,
    /// The credentials.
    pub login: Option<(&'a str, &'a str)>,
    /// How connections are made.
    pub options: HttpOptions,
    /// The header that the registry wants, once it has asked for it.
    pub authorization: Option<HeaderValue>,
}

/// An answer, read in full.
pub struct Got {
    /// The status.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Vec<u8>,
}

#[derive(Deserialize)]
struct Granted {
    token: Option<String>,
    access_token: Option<String>,
}

/// How to authenticate at a registry.
#[derive(Debug, PartialEq)]
enum Challenge {
    Basic,
    Bearer { realm: String, service: Option<String>, scope: Option<String> },
}

impl Registry<'_> {
    /// Asks for something below the repository. Credentials go only to where the registry sends for a token, and to the
    /// registry itself when it asks for them; never along with a redirect.
    ///
    /// # Errors
    /// When no answer comes, or the registry does not take the credentials.
    pub async fn get(&mut self, path: &str, accept: &str) -> Result<Got, Fault> {
        let got = self.send(path, accept).await?;
        if got.status != 401 || self.authorization.is_some() {
            return Ok(got);
        }
        self.authorization = Some(self.authorize(&got).await?);
        self.send(path, accept).await
    }

    async fn send(&self, path: &str, accept: &str) -> Result<Got, Fault> {
        let mut request = Request::new(Method::GET, &self.base.below(path), Access::default());
        request.headers.insert(ACCEPT, HeaderValue::from_str(accept).expect("media types are ASCII"));
        if let Some(authorization) = &self.authorization {
            request.headers.insert(AUTHORIZATION, authorization.clone());
        }
        self.answer(request, REDIRECTS).await
    }

    async fn answer(&self, request: Request, redirects: u8) -> Result<Got, Fault> {
        let mut response = request.send(self.cx, &self.options, redirects).await?.response;
        let body = read(&mut response, MAX_BODY, &self.cx.load).await?;
        if body.truncated {
            return Err(Fault::new("the registry answered with more than 4 MiB"));
        }
        Ok(Got {
            status: response.status().as_u16(),
            headers: std::mem::take(response.headers_mut()),
            body: body.bytes,
        })
    }

    async fn authorize(&self, got: &Got) -> Result<HeaderValue, Fault> {
        let mut texts = got.headers.get_all(WWW_AUTHENTICATE).iter().filter_map(|value| value.to_str().ok());
        let challenge = texts.find_map(challenge);
        let (user, password) = self.login.unzip();
        let access = Access { user, password, ..Access::default() };
        match challenge {
            None => Err(self.denied(got)),
            Some(Challenge::Basic) if user.is_none() => Err(self.denied(got)),
            Some(Challenge::Basic) => {
                let request = Request::new(Method::GET, &self.base, access);
                Ok(request.headers.get(AUTHORIZATION).cloned().expect("there is a user"))
            }
            Some(Challenge::Bearer { realm, service, scope }) => self.token(&realm, service, scope, access).await,
        }
    }

    async fn token(
        &self,
        realm: &str,
        service: Option<String>,
        scope: Option<String>,
        access: Access<'_>,
    ) -> Result<HeaderValue, Fault> {
        let fault = || Fault::new("the registry sends for a token to a place that is not a URL");
        let url = HttpUrl::try_from(Url::parse(realm).map_err(|_| fault())?).map_err(|_| fault())?;
        if url.url().scheme() == "http" && self.base.url().scheme() == "https" {
            return Err(Fault::new(
                "the registry sends for a token to a place without TLS, where credentials must not go",
            ));
        }
        let scope = scope.unwrap_or_else(|| format!("repository:{}:pull", self.repository));
        let mut query = vec![("scope", scope.as_str())];
        query.extend(service.as_deref().map(|service| ("service", service)));
        let got = self.answer(Request::new(Method::GET, &url.query(&query), access), 0).await?;
        if got.status != 200 {
            return Err(self.denied(&got));
        }
        let granted = json::parse(&got.body).unwrap_or(Granted { token: None, access_token: None });
        let token = granted.token.or(granted.access_token).filter(|token| !token.is_empty());
        let token = token.ok_or_else(|| Fault::new("the registry's token server gave no token"))?;
        let token = AccessToken::learn(&token, &self.cx.redactor)
            .ok_or_else(|| Fault::new("the registry's token server gave a token that can't be sent"))?;
        Ok(token.header().clone())
    }

    /// The error for a user without access.
    pub fn denied(&self, got: &Got) -> Fault {
        let said = got.said();
        match self.login {
            Some(_) => Fault::new(format!("the registry does not accept the credentials, or not for this image ({said})"))
                .help("are they valid for this registry, and may they pull from this repository?"),
            None => Fault::new(format!("the registry requires credentials for this image ({said})")).help(
                "give `user` and `password`; where a repository is not there, many registries say the same: is the name right?",
            ),
        }
    }

    /// The error for a status that is neither good nor 404.
    pub fn fault(&self, got: &Got) -> Fault {
        let said = got.said();
        match got.status {
            401 | 403 => self.denied(got),
            429 => Fault::new(format!("rate limited by the registry ({said})"))
                .help("retry later, or set `user` and `password`, which have a higher limit"),
            500.. => Fault::new(format!("the registry returned a server error ({said})")),
            _ => {
                Fault::new(format!("the registry refused the request ({said})")).help("is a registry at this address?")
            }
        }
    }
}

impl Got {
    /// The digest of the body.
    pub fn digest(&self) -> String {
        format!("sha256:{}", hex::encode(Sha256::digest(&self.body)))
    }

    /// Whether the error comes from a registry (it has the form of the API), not from another server.
    pub fn is_of_registry(&self) -> bool {
        let json: Value = json::parse(&self.body).unwrap_or_default();
        json["errors"].is_array()
    }

    /// The status, and the message of the registry.
    fn said(&self) -> String {
        let json: Value = json::parse(&self.body).unwrap_or_default();
        let error = &json["errors"][0];
        let words = [&error["code"], &error["message"], &json["details"], &json["message"]];
        let words: Vec<&str> = words.into_iter().filter_map(Value::as_str).filter(|word| !word.is_empty()).collect();
        let line: String = words.join(", ").chars().filter(|c| !c.is_control()).take(200).collect();
        if line.is_empty() { self.status.to_string() } else { format!("{}: {line}", self.status) }
    }
}

/// One `WWW-Authenticate`: a scheme, and pairs of which the values may be quoted.
fn challenge(text: &str) -> Option<Challenge> {
    let (scheme, mut rest) = text.trim().split_once(' ').unwrap_or((text.trim(), ""));
    let (mut realm, mut service, mut scope) = (None, None, None);
    while let Some((key, after)) = rest.split_once('=') {
        let (value, after) = match after.strip_prefix('"') {
            Some(quoted) => quoted.split_once('"')?,
            None => after.split_once(',').unwrap_or((after, "")),
        };
        match key.trim_matches([',', ' ']).to_ascii_lowercase().as_str() {
            "realm" => realm = Some(value.to_owned()),
            "service" => service = Some(value.to_owned()),
            "scope" => scope = Some(value.to_owned()),
            _ => {}
        }
        rest = after;
    }
    match scheme.to_ascii_lowercase().as_str() {
        "basic" => Some(Challenge::Basic),
        "bearer" => Some(Challenge::Bearer { realm: realm?, service, scope }),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_challenge_says_where_to_get_a_token() {
        let text = r#"Bearer realm="https://auth.example/token",service="r",scope="repository:a/b:pull,push""#;
        let expected = Challenge::Bearer {
            realm: "https://auth.example/token".to_owned(),
            service: Some("r".to_owned()),
            scope: Some("repository:a/b:pull,push".to_owned()),
        };
        assert_eq!(challenge(text), Some(expected));
        assert_eq!(challenge("Basic realm=\"x\""), Some(Challenge::Basic));
        assert_eq!(challenge("Negotiate"), None);
    }
}
