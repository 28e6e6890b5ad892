//! `tcp`: does an address accept connections?

use std::borrow::Cow;
use std::io::ErrorKind;
use std::time::{Duration, Instant};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use url::Url;

use super::{Context, Fault, Probe, SameFact, Truncation};
use crate::client::dial::{DialError, Dialed, Wire};
use crate::client::http::connection;

/// The longest banner that is read.
const MAX_BANNER: usize = 1024;

/// Connects to an address. A refused connection is a result (`connected: false`); only an unknown name is an error.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Tcp {
    /// Where to connect, such as `db.staging.example:5432` or `[::1]:22`.
    address: Address,
    /// Read the first line that the server sends on its own, as SSH and SMTP servers do. Default: `false`.
    #[serde(default)]
    banner: bool,
    /// Send this first, such as `"PING\r\n"`, and read the first line of the answer. It counts as having effects.
    send: Option<String>,
}

/// A host and a port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address(String, u16);

/// Whether an address accepts connections.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct TcpSeen {
    /// Whether the connection was accepted.
    pub connected: bool,
    /// Why not: `refused`, `timed out`, `no route` or `reset`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The address that accepted, such as `10.1.2.3:5432`. Not known with `via`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// Time to connect in milliseconds, without the name lookup.
    pub latency_ms: u64,
    /// The first line from the server, with `banner` or `send`, if one arrived.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub banner: Option<String>,
    /// Whether that line was longer than what is read.
    #[serde(skip)]
    pub is_banner_cut: bool,
}

impl Probe for Tcp {
    const KIND: &'static str = "tcp";
    const EXPECT: &'static str = "{ connected: true }";
    const SAME_FACT: &'static [SameFact] = &[("connected", &["reason"])];
    const PRESENT: Option<(&'static str, &'static str)> = Some(("connected", "true"));
    const EXAMPLE: &'static str = r#"tcp: { address: "db.staging.example:5432" }
expect: { latency_ms: { at_most: 200 } }
"#;
    const EFFECTS: Option<&'static str> = Some("With `send`, the server gets data that can change something.");
    const TAKES_VIA: bool = true;
    type Observation = TcpSeen;

    async fn observe(&self, cx: &Context) -> Result<TcpSeen, Fault> {
        let Address(host, port) = &self.address;
        let limit = cx.timeout;
        let begun = Instant::now();
        let dialed = cx.dialer().dial(host, *port).await;
        let latency = dialed.as_ref().map_or_else(|_| begun.elapsed(), |dialed| dialed.latency);
        let latency_ms = latency.as_millis().try_into().unwrap_or(u64::MAX);
        let mut seen =
            TcpSeen { connected: false, reason: None, address: None, latency_ms, banner: None, is_banner_cut: false };
        match dialed {
            Err(DialError::Fault(fault)) => return Err(fault),
            Err(DialError::Io { error, .. }) => seen.reason = Some(reason(&error, host, *port)?.to_owned()),
            Ok(Dialed { mut wire, address, .. }) => {
                seen.connected = true;
                seen.address = address.map(|address| address.to_string());
                if self.banner || self.send.is_some() {
                    let send = self.send.as_deref().unwrap_or_default();
                    (seen.banner, seen.is_banner_cut) =
                        talk(&mut wire, send, limit.saturating_sub(begun.elapsed())).await;
                }
            }
        }
        Ok(seen)
    }

    fn evidence(&self, seen: &TcpSeen) -> String {
        match (&seen.reason, &seen.banner) {
            (Some(reason), _) => {
                let Address(host, port) = &self.address;
                match reason.as_str() {
                    "refused" => format!("{host}:{port} refused the connection"),
                    "reset" => format!("{host}:{port} reset the connection"),
                    "no route" => format!("no route to {host}:{port}"),
                    other => format!("{host}:{port} {other}"),
                }
            }
            (None, Some(banner)) => format!("connected: {banner}"),
            (None, None) => "connected".to_owned(),
        }
    }

    fn cuts(&self, seen: &TcpSeen) -> Vec<Truncation> {
        let read = format!("only the first {MAX_BANNER} bytes were read");
        if seen.is_banner_cut { vec![Truncation::new(&["banner"], read, None)] } else { Vec::new() }
    }

    fn advice(&self, seen: &TcpSeen) -> Option<String> {
        let advice = match seen.reason.as_deref()? {
            "refused" => "nothing listens there: is it running, and is this the right port?",
            "timed out" => "does a firewall drop packets?",
            "no route" => "is the VPN up, and does a firewall let this machine through?",
            _ => return None,
        };
        Some(advice.to_owned())
    }

    fn has_effects(&self) -> bool {
        self.send.is_some()
    }

    fn reproduce(&self) -> Option<Vec<String>> {
        let Address(host, port) = &self.address;
        Some(vec!["nc".to_owned(), "-vz".to_owned(), host.clone(), port.to_string()])
    }
}

/// One word for what the other side did; an error where the fault is on this side.
fn reason(error: &std::io::Error, host: &str, port: u16) -> Result<&'static str, Fault> {
    match error.kind() {
        ErrorKind::ConnectionRefused => Ok("refused"),
        ErrorKind::TimedOut => Ok("timed out"),
        ErrorKind::ConnectionReset => Ok("reset"),
        ErrorKind::HostUnreachable | ErrorKind::NetworkUnreachable => Ok("no route"),
        _ => Err(connection(error, &format!("{host}:{port}"))),
    }
}

/// Sends the text, and gives the first line that comes, if one comes in time; and whether it was too long to be read.
async fn talk(stream: &mut Wire, send: &str, limit: Duration) -> (Option<String>, bool) {
    let mut bytes = Vec::new();
    let reading = async {
        if stream.write_all(send.as_bytes()).await.is_err() {
            return;
        }
        while bytes.len() < MAX_BANNER && !bytes.contains(&b'\n') {
            match stream.read_buf(&mut bytes).await {
                Ok(0) | Err(_) => break,
                Ok(_) => {}
            }
        }
    };
    // The bytes received so far are the banner, even if its line had not ended.
    let _ = tokio::time::timeout(limit, reading).await;
    let is_cut = bytes.len() >= MAX_BANNER && !bytes[..MAX_BANNER].contains(&b'\n');
    bytes.truncate(MAX_BANNER);
    let line = bytes.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let line = String::from_utf8_lossy(line.trim_ascii()).into_owned();
    ((!line.is_empty()).then_some(line), is_cut)
}

impl<'de> Deserialize<'de> for Address {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let bare = text.strip_prefix("tcp://").unwrap_or(&text);
        let url = Url::parse(&format!("tcp://{bare}")).ok();
        let address = url.and_then(|url| {
            let is_bare = matches!(url.path(), "" | "/") && url.query().is_none() && url.username().is_empty();
            let host = url.host_str()?.trim_matches(['[', ']']).to_owned();
            (is_bare && !host.is_empty()).then_some(Self(host, url.port().filter(|port| *port != 0)?))
        });
        address.ok_or_else(|| {
            D::Error::custom(
                "invalid address: expected a host and a port from 1 to 65535, such as `db.staging.example:5432`",
            )
        })
    }
}

impl JsonSchema for Address {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Address".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string" })
    }
}

impl Address {
    /// The name or address of the host, without brackets.
    pub fn host(&self) -> &str {
        &self.0
    }

    /// The port.
    pub fn port(&self) -> u16 {
        self.1
    }
}

impl std::fmt::Display for Address {
    fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        let Self(host, port) = self;
        if host.contains(':') { write!(f, "[{host}]:{port}") } else { write!(f, "{host}:{port}") }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{from_value, json};

    use super::*;

    #[test]
    fn an_address_is_a_host_and_a_port() {
        for (text, host, port) in [
            ("db.example:5432", "db.example", 5432),
            ("tcp://10.0.0.1:22", "10.0.0.1", 22),
            ("[::1]:80", "::1", 80),
            ("h:443", "h", 443),
        ] {
            assert_eq!(from_value::<Address>(json!(text)).expect(text), Address(host.to_owned(), port));
        }
        assert_eq!(from_value::<Address>(json!("[::1]:80")).expect("it is one").to_string(), "[::1]:80");
        for text in ["db.example", ":80", "h:0", "h:99999", "http://h:80", "h:80/x", "u@h:80", "", "a b:80"] {
            assert!(from_value::<Address>(json!(text)).is_err(), "{text}");
        }
    }
}
