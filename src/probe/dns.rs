//! `dns`: which records does a name have, for the system's resolver or another one?

use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr};

use hickory_resolver::config::{ConnectionConfig, NameServerConfig, ResolveHosts, ResolverConfig};
use hickory_resolver::lookup::Lookup;
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::net::{DnsError, NetError};
use hickory_resolver::proto::op::ResponseCode;
use hickory_resolver::proto::rr::{Name, RecordType};
use hickory_resolver::{Resolver, TokioResolver};
use schemars::JsonSchema;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};
use tokio::time::timeout;

use crate::text::error;

use super::{Context, Fault, Probe};

/// Looks up a name in DNS, without `/etc/hosts` and search domains. A name that does not exist is a result; a resolver
/// that fails is an error.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Dns {
    /// The full name, such as `api.staging.example` or `_smtp._tcp.example`.
    name: HostName,
    /// Type of the records: `A` (IPv4 addresses), `AAAA` (IPv6), `CNAME`, `MX`, `NS`, `SRV` or `TXT`. Default: `A`.
    #[serde(rename = "type", default)]
    kind: Kind,
    /// The resolver: an address, with a port unless it is 53, such as `9.9.9.9` or `127.0.0.1:5353`. Default: those of
    /// the system.
    resolver: Option<Server>,
}

/// A name in DNS.
#[derive(Debug, Clone, JsonSchema)]
#[schemars(inline)]
struct HostName(#[schemars(with = "String")] Name);

/// The address of a resolver.
#[derive(Debug, Clone, Copy, JsonSchema)]
#[schemars(inline)]
struct Server(#[schemars(with = "String")] SocketAddr);

/// The type of a record.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
#[schemars(inline)]
enum Kind {
    /// IPv4 addresses.
    #[default]
    A,
    /// IPv6 addresses.
    Aaaa,
    /// The canonical name.
    Cname,
    /// Mail servers.
    Mx,
    /// Name servers.
    Ns,
    /// Host and port of a service.
    Srv,
    /// Text.
    Txt,
}

/// The records of a name.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct DnsSeen {
    /// `found`; `no such name` (NXDOMAIN); `no such record` if the name has only records of other types.
    pub status: String,
    /// Number of records.
    pub count: usize,
    /// The records as text, sorted: `10.1.2.3`; `10 mail.example` of MX; priority, weight, port and target of SRV.
    pub records: Vec<String>,
    /// The targets of the CNAME records on the way.
    pub aliases: Vec<String>,
    /// Time to live in seconds, the shortest of all records. A resolver that caches counts it down.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ttl: Option<u32>,
}

impl Probe for Dns {
    const KIND: &'static str = "dns";
    const EXPECT: &'static str = "{ status: found }";
    const PRESENT: Option<(&'static str, &'static str)> = Some(("status", "found"));
    const EXAMPLE: &'static str = r#"dns: { name: api.staging.example, type: CNAME }
expect: { records: [lb-1.staging.example], ttl: { at_most: 300 } }
"#;
    type Observation = DnsSeen;

    async fn observe(&self, cx: &Context) -> Result<DnsSeen, Fault> {
        let HostName(name) = &self.name;
        let resolver = self.resolver(cx.timeout).map_err(|error| self.fault(&error))?;
        let looked = timeout(cx.timeout, resolver.lookup(name.clone(), self.kind.record_type())).await;
        let found = match looked {
            Err(_) => return Err(self.fault(&NetError::Timeout)),
            Ok(Ok(found)) => self.found(&found),
            Ok(Err(NetError::Dns(DnsError::NoRecordsFound(none)))) => match none.response_code {
                ResponseCode::NXDomain => nothing("no such name"),
                ResponseCode::NoError => nothing("no such record"),
                code => return Err(self.fault(&NetError::Dns(DnsError::ResponseCode(code)))),
            },
            Ok(Err(error)) => return Err(self.fault(&error)),
        };
        Ok(found)
    }

    fn evidence(&self, seen: &DnsSeen) -> String {
        match seen.records.as_slice() {
            [] => seen.status.clone(),
            records if records.len() > 3 => format!("{} records", records.len()),
            records => records.join(", "),
        }
    }

    fn advice(&self, seen: &DnsSeen) -> Option<String> {
        match seen.status.as_str() {
            "no such name" => Some("is the name right, and can this resolver see its zone?".to_owned()),
            "no such record" => {
                Some(format!("the name is there, but has no record of type {}", self.kind.record_type()))
            }
            _ => None,
        }
    }

    fn reproduce(&self) -> Option<Vec<String>> {
        let HostName(name) = &self.name;
        let mut argv = vec!["dig".to_owned()];
        if let Some(Server(server)) = self.resolver {
            argv.extend([format!("@{}", server.ip()), "-p".to_owned(), server.port().to_string()]);
        }
        argv.extend([name.to_string(), self.kind.record_type().to_string()]);
        Some(argv)
    }
}

impl Dns {
    fn resolver(&self, limit: std::time::Duration) -> Result<TokioResolver, NetError> {
        let mut builder = match self.resolver {
            None => TokioResolver::builder_tokio()?,
            Some(Server(server)) => {
                let mut connections = vec![ConnectionConfig::udp(), ConnectionConfig::tcp()];
                for connection in &mut connections {
                    connection.port = server.port();
                }
                let config =
                    ResolverConfig::from_name_servers(vec![NameServerConfig::new(server.ip(), true, connections)]);
                Resolver::builder_with_config(config, TokioRuntimeProvider::default())
            }
        };
        let options = builder.options_mut();
        options.cache_size = 0;
        options.use_hosts_file = ResolveHosts::Never;
        // A lost packet is asked for once more.
        options.timeout = limit.mul_f32(0.4);
        options.attempts = 1;
        options.preserve_intermediates = true;
        builder.build()
    }

    fn found(&self, lookup: &Lookup) -> DnsSeen {
        let wanted = self.kind.record_type();
        let plain = |text: String| text.trim_end_matches('.').to_owned();
        let (mut records, mut aliases) = (BTreeSet::new(), Vec::new());
        for record in lookup.answers() {
            if record.data.record_type() == wanted {
                // A dot at the end belongs to names; of a text it is part.
                let text = record.data.to_string();
                records.insert(if self.kind == Kind::Txt { text } else { plain(text) });
            } else if record.data.record_type() == RecordType::CNAME {
                aliases.push(plain(record.data.to_string()));
            }
        }
        let ttl = lookup.answers().iter().map(|record| record.ttl).min();
        if records.is_empty() {
            return DnsSeen { aliases, ..nothing("no such record") };
        }
        let records: Vec<String> = records.into_iter().collect();
        DnsSeen { status: "found".to_owned(), count: records.len(), records, aliases, ttl }
    }

    /// Why the resolver failed.
    fn fault(&self, error: &NetError) -> Fault {
        let who = match self.resolver {
            Some(Server(server)) => format!("the resolver {server}"),
            None => "the resolver of this machine".to_owned(),
        };
        match error {
            NetError::Dns(DnsError::ResponseCode(ResponseCode::ServFail)) => {
                Fault::new(format!("{who} failed to resolve it (SERVFAIL)"))
                    .help("do the name servers of this zone answer, and are its DNSSEC signatures valid?")
            }
            NetError::Dns(DnsError::ResponseCode(ResponseCode::Refused)) => {
                Fault::new(format!("{who} refused the query (REFUSED)"))
                    .help("is this machine allowed to query it, and does it serve this zone?")
            }
            NetError::Timeout => Fault::new(format!("{who} did not answer in time"))
                .help("is it running, and does a firewall let packets through to it?"),
            NetError::NoConnections => Fault::new(format!("{who} can't be reached"))
                .help("is it running, and is this the right address and port?"),
            NetError::Io(error) => Fault::new(format!("{who} can't be reached: {}", error::os(error)))
                .help("is it running, and is this the right address and port?"),
            _ => Fault::new(format!("{who} gave no valid answer"))
                .help("is this the address of a name server? `dig` shows what it answers"),
        }
    }
}

fn nothing(status: &str) -> DnsSeen {
    DnsSeen { status: status.to_owned(), count: 0, records: Vec::new(), aliases: Vec::new(), ttl: None }
}

impl Kind {
    fn record_type(self) -> RecordType {
        match self {
            Self::A => RecordType::A,
            Self::Aaaa => RecordType::AAAA,
            Self::Cname => RecordType::CNAME,
            Self::Mx => RecordType::MX,
            Self::Ns => RecordType::NS,
            Self::Srv => RecordType::SRV,
            Self::Txt => RecordType::TXT,
        }
    }
}

impl<'de> Deserialize<'de> for HostName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let wrong = || D::Error::custom("this is not a name in DNS: `api.staging.example`, without scheme and port");
        if text.is_empty() || text.contains([':', '/', ' ', '*']) || text.parse::<IpAddr>().is_ok() {
            return Err(wrong());
        }
        let mut name = Name::from_utf8(&text).map_err(|_| wrong())?;
        if name.iter().next_back().is_some_and(|last| last.eq_ignore_ascii_case(b"localhost")) {
            return Err(D::Error::custom("`localhost` is resolved without DNS"));
        }
        // Otherwise the search domains of this machine would be tried too.
        name.set_fqdn(true);
        Ok(Self(name))
    }
}

impl<'de> Deserialize<'de> for Server {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let address = text.parse::<SocketAddr>().or_else(|_| text.parse::<IpAddr>().map(|ip| SocketAddr::new(ip, 53)));
        address
            .map(Self)
            .map_err(|_| D::Error::custom("a resolver is an address, with or without a port: `9.9.9.9`, `[::1]:5353`"))
    }
}
