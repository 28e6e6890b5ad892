//! The contents of a server's certificate.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;
use x509_parser::prelude::{FromDer, X509Certificate};

use crate::client::trust::{Chains, names};

/// The server's certificate.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Tls {
    /// Number of whole days until it expires, or an earlier one of the chain that the server sent; negative afterwards.
    pub days_left: i64,
    /// When it expires, such as `2026-03-01T12:00:00Z`.
    pub not_after: String,
    /// Its issuer, such as `C=US, O=Let's Encrypt, CN=R11`.
    pub issuer: String,
    /// Its subject, such as `CN=api.staging.example`.
    pub subject: String,
    /// The names and addresses that it is valid for.
    pub names: Vec<String>,
}

impl Tls {
    /// The certificate of this answer's connection. None for plain HTTP.
    pub fn of(response: &reqwest::Response, chains: &Chains, now: Timestamp) -> Option<Self> {
        let own = response.extensions().get::<reqwest::tls::TlsInfo>()?.peer_certificate()?;
        let others: Vec<Self> =
            chains.behind(own).iter().filter_map(|certificate| Self::parse(certificate, now)).collect();
        let mut seen = Self::parse(own, now)?;
        if let Some(first) = others.into_iter().min_by_key(|other| other.days_left)
            && first.days_left < seen.days_left
        {
            (seen.days_left, seen.not_after) = (first.days_left, first.not_after);
        }
        Some(seen)
    }

    /// The contents of a certificate. None if it can't be parsed.
    pub fn parse(der: &[u8], now: Timestamp) -> Option<Self> {
        let (_, certificate) = X509Certificate::from_der(der).ok()?;
        let not_after = certificate.validity().not_after.timestamp();
        Some(Self {
            days_left: (not_after - now.as_second()).div_euclid(24 * 60 * 60),
            not_after: Timestamp::from_second(not_after).ok()?.to_string(),
            issuer: certificate.issuer().to_string(),
            subject: certificate.subject().to_string(),
            names: names(&certificate),
        })
    }
}
