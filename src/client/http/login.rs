//! Credentials and TLS of a request: the settings that all HTTP probes have in common.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::PathBuf;

use reqwest::header::AUTHORIZATION;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::client::HttpOptions;

use super::{Access, Headers, HttpUrl, OAuth2, Request, Token, curl};

/// Credentials and TLS of a request. A probe flattens it: `#[serde(rename = "..", default)]`.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Login {
    /// The token for `Authorization: Bearer …`, such as `${secrets.API_TOKEN}`.
    pub token: Option<Token>,
    /// The user for basic authentication.
    pub user: Option<String>,
    /// The password for basic authentication.
    pub password: Option<String>,
    /// How to get an access token for `Authorization: Bearer …`: OAuth2 client credentials. A run requests it once
    /// for all probes with these settings, and again when it expires or a server refuses it.
    pub oauth2: Option<OAuth2>,
    /// Headers to send, such as `Accept: application/json`. They are never sent to another origin by a redirect.
    #[serde(default)]
    pub headers: Headers,
    /// Don't verify TLS. Every report shows it.
    #[serde(default)]
    pub insecure: bool,
    /// A file of PEM certificates to trust besides the system's, such as `deploy/ca.pem`.
    pub ca: Option<PathBuf>,
    /// A file with a client certificate in PEM, for servers that require one, such as `deploy/client.pem`.
    pub cert: Option<PathBuf>,
    /// The file of its private key in PEM, without a password. Default: the file of `cert`.
    pub key: Option<PathBuf>,
    /// Addresses to connect to instead of those in DNS, such as `{ api.staging.example: 10.0.0.5 }`. TLS and the `Host`
    /// header still use the name.
    #[serde(default)]
    pub resolve: BTreeMap<String, IpAddr>,
}

impl Login {
    /// The credentials of a request.
    pub fn access(&self) -> Access<'_> {
        Access {
            token: self.token.as_ref(),
            user: self.user.as_deref(),
            password: self.password.as_deref(),
            oauth2: self.oauth2.as_ref(),
            headers: Some(&self.headers),
        }
    }

    /// How the connection is made.
    pub fn options(&self) -> HttpOptions {
        let key = self.key.as_ref().or(self.cert.as_ref());
        HttpOptions {
            insecure: self.insecure,
            ca: self.ca.clone(),
            identity: self.cert.clone().zip(key.cloned()),
            resolve: self.resolve.iter().map(|(host, address)| (host.to_ascii_lowercase(), *address)).collect(),
        }
    }

    /// The command line of curl that sends this request once.
    pub fn curl(&self, request: &Request) -> Vec<String> {
        self.curl_with(request, &[])
    }

    /// The same with more options of curl.
    pub fn curl_with(&self, request: &Request, more: &[&str]) -> Vec<String> {
        curl(request, &self.options(), more)
    }

    /// Refuses conflicting credentials, and a password without a user.
    ///
    /// # Errors
    /// A problem in the settings, for the author of the checklist.
    pub fn validate(&self, url: &HttpUrl) -> Result<(), &'static str> {
        if self.key.is_some() && self.cert.is_none() {
            return Err("`key` needs a `cert`");
        }
        if self.password.is_some() && self.user.is_none() {
            return Err("`password` needs a `user`");
        }
        let header = self.headers.map().contains_key(AUTHORIZATION);
        let ways = [self.token.is_some(), self.user.is_some(), self.oauth2.is_some(), url.has_user(), header];
        match ways.into_iter().filter(|is| *is).count() {
            0 | 1 => Ok(()),
            _ => {
                Err("conflicting credentials: keep one of `token`, `user`, `oauth2`, the header `authorization`, the \
                      user of the URL")
            }
        }
    }
}
