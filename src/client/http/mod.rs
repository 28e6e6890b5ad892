//! HTTP requests: how they are described, sent and read, and what their errors mean.

mod body;
mod curl;
mod error;
mod login;
mod method;
mod oauth2;
mod request;
mod request_settings;
mod setting;
mod tls;

use reqwest::header::HeaderValue;

pub use body::{Body, read};
pub use curl::curl;
pub use error::{NO_NAMES, connection, fault, fault_of, tls as tls_fault};
pub use login::Login;
pub use method::Method;
pub use oauth2::{AccessToken, OAuth2, Tokens};
pub use request::{Access, Answer, Request, Unanswered, options};
pub use request_settings::RequestSettings;
pub use setting::{Headers, HttpUrl, Size, Token};
pub use tls::Tls;

/// A header's value as text.
pub fn text(value: &HeaderValue) -> String {
    String::from_utf8_lossy(value.as_bytes()).into_owned()
}
