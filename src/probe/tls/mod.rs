//! `tls`: which certificate does a server send, do clients trust it, and for how long?

mod observer;

use std::path::PathBuf;
use std::sync::Arc;

use rustls::CertificateError;
use rustls::pki_types::ServerName;
use schemars::JsonSchema;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_rustls::TlsConnector;
use url::Url;

use super::tcp::Address;
use super::{Context, Fault, Probe, SameFact};
use crate::client::dial::Wire;
use crate::client::http::{NO_NAMES, Tls as Certificate, connection, fault_of, tls_fault};
use crate::client::trust;
use observer::Observer;

/// Connects to a TLS server and reads its certificate, even if clients would not trust it (`verified: false`).
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Tls {
    /// Where to connect, such as `api.staging.example:443`.
    address: Address,
    /// The server name to send, which the certificate must be valid for, such as `api.example`. Default: the host of
    /// `address`.
    name: Option<Name>,
    /// The protocols to offer (ALPN), such as `[h2, http/1.1]`. Default: none.
    #[serde(default)]
    alpn: Vec<String>,
    /// The protocol that starts TLS: `postgres` for a PostgreSQL server. Default: TLS starts at once.
    starttls: Option<StartTls>,
    /// A file of PEM certificates to trust besides the system's, such as `deploy/ca.pem`.
    ca: Option<PathBuf>,
}

/// A name or an address that a certificate can be good for.
#[derive(Debug, Clone, JsonSchema)]
#[schemars(inline)]
struct Name(#[schemars(with = "String")] String);

/// A protocol that begins in plain text and switches to TLS on request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
enum StartTls {
    /// PostgreSQL's `SSLRequest`.
    Postgres,
}

/// The certificates and TLS version of a server.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct TlsSeen {
    /// Whether a client would trust it: the chain leads to a known issuer, and name and dates are valid.
    pub verified: bool,
    /// Why not: `expired`, `not valid yet`, `wrong name`, `unknown issuer`, `self-signed`, `revoked`, or other words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Number of whole days until the first certificate of `chain` expires; negative afterwards.
    pub days_left: i64,
    /// When it expires, such as `2026-03-01T12:00:00Z`.
    pub not_after: String,
    /// The subject of the certificate that expires first, if it is not the server's own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_to_expire: Option<String>,
    /// Its issuer, such as `C=US, O=Let's Encrypt, CN=R11`.
    pub issuer: String,
    /// Its subject, such as `CN=api.staging.example`.
    pub subject: String,
    /// The names and addresses that it is valid for.
    pub names: Vec<String>,
    /// Every certificate that the server sends, its own first.
    pub chain: Vec<Certificate>,
    /// The version of TLS, such as `TLSv1.3`.
    pub version: String,
    /// The protocol that the server selected from `alpn`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub alpn: Option<String>,
}

impl Probe for Tls {
    const KIND: &'static str = "tls";
    const EXPECT: &'static str = "{ verified: true }";
    const SAME_FACT: &'static [SameFact] = &[("verified", &["reason"])];
    const EXAMPLE: &'static str = r#"tls: { address: "api.staging.example:443" }
expect: { days_left: { at_least: 14 } }
"#;
    const TAKES_VIA: bool = true;
    type Observation = TlsSeen;

    async fn observe(&self, cx: &Context) -> Result<TlsSeen, Fault> {
        let observer = Arc::new(Observer::new(self.ca.as_ref().map(|file| cx.path(file)).as_deref())?);
        let mut config = trust::with_verifier(Arc::clone(&observer) as _);
        config.alpn_protocols = self.alpn.iter().map(|name| name.clone().into_bytes()).collect();
        let name = ServerName::try_from(self.name().to_owned())
            .map_err(|_| Fault::new(format!("`{}` can't have a certificate", self.name())))?;
        let stream = self.connect(cx).await?;
        let stream = match TlsConnector::from(Arc::new(config)).connect(name, stream).await {
            Ok(stream) => stream,
            Err(error) => return Err(self.refused(&error)),
        };
        let (_, session) = stream.get_ref();
        let now = cx.env.now();
        let chain = session.peer_certificates().unwrap_or_default();
        let chain: Vec<Certificate> = chain.iter().filter_map(|der| Certificate::parse(der, now)).collect();
        let Some(own) = chain.first().cloned() else {
            return Err(Fault::new(format!("the certificate of {} can't be read", self.place())));
        };
        let first =
            chain.iter().min_by_key(|certificate| certificate.days_left).cloned().unwrap_or_else(|| own.clone());
        let reason = observer.verdict().map(|error| reason(&error, own.issuer == own.subject));
        Ok(TlsSeen {
            verified: reason.is_none(),
            reason,
            first_to_expire: (first.days_left < own.days_left).then_some(first.subject),
            days_left: first.days_left,
            not_after: first.not_after,
            issuer: own.issuer,
            subject: own.subject,
            names: own.names,
            chain,
            version: match session.protocol_version() {
                Some(rustls::ProtocolVersion::TLSv1_3) => "TLSv1.3".to_owned(),
                Some(rustls::ProtocolVersion::TLSv1_2) => "TLSv1.2".to_owned(),
                _ => "unknown".to_owned(),
            },
            alpn: session.alpn_protocol().map(|name| String::from_utf8_lossy(name).into_owned()),
        })
    }

    fn evidence(&self, seen: &TlsSeen) -> String {
        let day = seen.not_after.split('T').next().unwrap_or_default();
        match seen.reason.as_deref() {
            None => match &seen.first_to_expire {
                None => format!("{}, valid until {day}", seen.version),
                Some(subject) => format!("{}, valid until {day} ({subject})", seen.version),
            },
            Some("expired") => format!("expired on {day}"),
            Some(reason) => format!("{reason}, valid until {day}"),
        }
    }

    fn advice(&self, seen: &TlsSeen) -> Option<String> {
        (seen.reason.is_none() && seen.days_left < 14).then(|| self.renewal(seen))
    }

    fn field_advice(&self, seen: &TlsSeen) -> Vec<(&'static str, String)> {
        let distrust = self.distrust(seen);
        let of = |field, advice: &Option<String>| advice.clone().map(|advice| (field, advice));
        let renewal = self.renewal(seen);
        let about = [of("verified", &distrust), of("reason", &distrust)];
        about.into_iter().flatten().chain([("days_left", renewal.clone()), ("not_after", renewal)]).collect()
    }

    fn reproduce(&self) -> Option<Vec<String>> {
        let mut argv: Vec<String> = ["openssl", "s_client", "-showcerts", "-connect"].map(str::to_owned).to_vec();
        argv.extend([self.place(), "-servername".to_owned(), self.name().to_owned()]);
        if !self.alpn.is_empty() {
            argv.extend(["-alpn".to_owned(), self.alpn.join(",")]);
        }
        if let Some(ca) = &self.ca {
            argv.extend(["-CAfile".to_owned(), ca.display().to_string()]);
        }
        match self.starttls {
            Some(StartTls::Postgres) => argv.extend(["-starttls".to_owned(), "postgres".to_owned()]),
            None => {}
        }
        Some(argv)
    }
}

impl<'de> Deserialize<'de> for Name {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        match ServerName::try_from(text.as_str()) {
            Ok(_) => Ok(Self(text)),
            Err(_) => Err(D::Error::custom("this is not a name that a certificate can be for: `api.staging.example`")),
        }
    }
}

impl Tls {
    /// When the certificate expires, and what to do about it.
    fn renewal(&self, seen: &TlsSeen) -> String {
        let day = seen.not_after.split('T').next().unwrap_or_default();
        match &seen.first_to_expire {
            _ if seen.days_left < 0 => format!("it expired on {day}: renew it"),
            None => format!("it expires on {day}: renew the certificate"),
            Some(subject) => {
                format!("`{subject}` in the chain expires first: configure the server with the issuer's new one")
            }
        }
    }

    /// Why clients don't trust the certificate, and what to do about it.
    fn distrust(&self, seen: &TlsSeen) -> Option<String> {
        let name = self.name();
        match seen.reason.as_deref()? {
            "expired" => Some(self.renewal(seen)),
            "not valid yet" => Some("is this machine's clock right?".to_owned()),
            "wrong name" => Some(match seen.names.as_slice() {
                [] => format!("the certificate is not for `{name}`: it has {NO_NAMES}"),
                names => format!("the certificate is not for `{name}`, but for {}", names.join(", ")),
            }),
            "self-signed" => {
                Some("it is self-signed: if that is intended, set `ca` to the file of this certificate".to_owned())
            }
            "unknown issuer" if seen.chain.len() == 1 => Some(format!(
                "`{}` is not known here, and the server sends no other certificate: \
                 does it lack the intermediate one, or is its issuer's certificate missing as `ca: FILE`?",
                seen.issuer
            )),
            "unknown issuer" => Some("if it is your own issuer, set `ca` to the file of its certificate".to_owned()),
            _ => None,
        }
    }

    fn name(&self) -> &str {
        self.name.as_ref().map_or(self.address.host(), |Name(name)| name)
    }

    fn place(&self) -> String {
        self.address.to_string()
    }

    async fn connect(&self, cx: &Context) -> Result<Wire, Fault> {
        let dialed = cx.dialer().dial(self.address.host(), self.address.port()).await;
        let mut stream = dialed.map_err(|error| error.fault(&self.place()))?.wire;
        match self.starttls {
            Some(StartTls::Postgres) => self.ask_postgres(&mut stream).await?,
            None => {}
        }
        Ok(stream)
    }

    /// <https://www.postgresql.org/docs/current/protocol-message-formats.html>: a length of 8, and 80877103.
    async fn ask_postgres(&self, stream: &mut Wire) -> Result<(), Fault> {
        let broken = |error: std::io::Error| connection(&error, &self.place());
        stream.write_all(&[0, 0, 0, 8, 4, 210, 22, 47]).await.map_err(broken)?;
        match stream.read_u8().await {
            Ok(b'S') => Ok(()),
            Ok(b'N') => {
                Err(Fault::new(format!("{} does not support TLS", self.place())).help("set `ssl = on` in PostgreSQL"))
            }
            Ok(_) => Err(Fault::new(format!("{} did not answer as PostgreSQL does", self.place()))),
            Err(error) => Err(broken(error)),
        }
    }

    /// Why there was no handshake at all.
    fn refused(&self, error: &std::io::Error) -> Fault {
        let place = self.place();
        let Some(error) = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) else {
            return match error.kind() {
                std::io::ErrorKind::UnexpectedEof => {
                    Fault::new(format!("{place} closed the connection instead of a TLS handshake"))
                        .help("is this the right port, and does it speak TLS?")
                }
                _ => connection(error, &place),
            };
        };
        let url = Url::parse(&format!("https://{place}")).expect("it was read as a host and a port");
        let fault = tls_fault(error, &place, &url);
        match error {
            rustls::Error::InvalidMessage(_) => fault.help("does this port use TLS, without STARTTLS?"),
            rustls::Error::NoApplicationProtocol => fault.help("it speaks none of the protocols in `alpn`"),
            _ => fault,
        }
    }
}

/// One or two words for why a certificate is not to be trusted.
fn reason(error: &rustls::Error, is_self_signed: bool) -> String {
    let rustls::Error::InvalidCertificate(error) = error else {
        return "no certificate that can be verified".to_owned();
    };
    let words = match error {
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => "expired",
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => "not valid yet",
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => "wrong name",
        CertificateError::Revoked => "revoked",
        // One that is its own authority is refused as a server's certificate, before anybody asks who made it.
        CertificateError::UnknownIssuer | CertificateError::BadEncoding | CertificateError::Other(_)
            if is_self_signed =>
        {
            "self-signed"
        }
        CertificateError::UnknownIssuer => "unknown issuer",
        other => fault_of(other),
    };
    words.to_owned()
}
