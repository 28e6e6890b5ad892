//! The URL of a Redis server, taken apart.

use std::fmt;
use std::num::NonZeroU16;
use std::path::PathBuf;

use percent_encoding::percent_decode_str;
use schemars::JsonSchema;
use serde::de::Error;
use serde::{Deserialize, Deserializer};
use url::Url;

use crate::client::sql::{host_of, login};
use crate::text::error;

/// The address of a server, the credentials, and the database.
#[derive(Clone, PartialEq, Eq, JsonSchema)]
#[schemars(inline)]
pub struct RedisUrl(#[schemars(with = "String")] Target);

/// A URL, or its parts.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Parts {
    /// The URL of the server: `redis://USER:PASSWORD@HOST:PORT/DATABASE`, or `rediss://…` with TLS. Only the host is
    /// required; the password is percent-encoded. Usually a secret, such as `${secrets.REDIS_URL}`. A socket of this
    /// machine is `redis+unix://USER:PASSWORD@/run/redis.sock?db=0`.
    url: Option<RedisUrl>,
    /// Without `url`: the name or address of the server, such as `redis.staging.example`.
    host: Option<String>,
    /// Without `url`: its port. Default: 6379.
    port: Option<NonZeroU16>,
    /// Without `url`: the ACL user.
    user: Option<String>,
    /// Without `url`: the password as it is, not percent-encoded, such as `${secrets.REDIS_PASSWORD}`.
    password: Option<String>,
    /// Without `url`: the number of the database. Default: 0.
    database: Option<u32>,
    /// Without `url`: connect with TLS. Default: `false`.
    #[serde(default)]
    tls: bool,
}

/// Reads a server that must be named.
///
/// # Errors
/// When it is not, or something is wrong with it.
pub fn required<'de, D: Deserializer<'de>>(deserializer: D) -> Result<RedisUrl, D::Error> {
    let Parts { url, host, port, user, password, database, tls } = Parts::deserialize(deserializer)?;
    if let Some(url) = url {
        return Ok(url);
    }
    let host = host.ok_or_else(|| D::Error::missing_field("url` or `host"))?;
    let scheme = if tls { "rediss" } else { "redis" };
    let login = login(user.as_deref(), password.as_deref());
    let port = port.map(|port| format!(":{port}")).unwrap_or_default();
    let host = host_of(&host).map_err(D::Error::custom)?;
    let text = format!("{scheme}://{login}{host}{port}/{}", database.unwrap_or_default());
    let target = Target::parse(&text).map_err(D::Error::custom)?;
    Ok(RedisUrl(Target { is_of_parts: true, ..target }))
}

/// The target that a URL names.
#[derive(Clone, PartialEq, Eq)]
pub struct Target {
    /// The URL as it was written.
    pub text: String,
    /// Without scheme, user, password and path; `host_str` has brackets around an IPv6 address.
    pub place: Url,
    /// A name or an address, without brackets.
    pub host: String,
    /// 6379 where the URL has none.
    pub port: u16,
    /// Whether TLS comes first.
    pub is_tls: bool,
    /// The ACL user.
    pub user: Option<String>,
    /// The password, decoded.
    pub password: Option<String>,
    /// The number of the database.
    pub database: u32,
    /// The socket, where it is one of this machine.
    pub socket: Option<PathBuf>,
    /// Whether the checklist names it by `host` and other settings, not by a URL.
    pub is_of_parts: bool,
}

impl RedisUrl {
    /// The target that it names.
    pub fn target(&self) -> &Target {
        &self.0
    }
}

impl Target {
    /// The words for a server that is named by a URL, or for one that is named by its parts.
    pub fn by<'t>(&self, url: &'t str, parts: &'t str) -> &'t str {
        if self.is_of_parts { parts } else { url }
    }

    /// `host:port`, or the socket: the only part that may be shown.
    pub fn name(&self) -> String {
        if let Some(socket) = &self.socket {
            return format!("`{}`", socket.display());
        }
        format!("{}:{}", self.place.host_str().unwrap_or_default(), self.port)
    }

    /// How `redis-cli` is given it. The URL is as written, unless the scheme or the parameters are foreign to it.
    pub fn cli(&self) -> Vec<String> {
        let Some(socket) = &self.socket else { return vec!["-u".to_owned(), self.cli_url()] };
        let mut argv = vec!["-s".to_owned(), socket.display().to_string(), "-n".to_owned(), self.database.to_string()];
        argv.extend(self.user.iter().flat_map(|user| ["--user".to_owned(), user.clone()]));
        argv.extend(self.password.iter().flat_map(|password| ["--pass".to_owned(), password.clone()]));
        argv
    }

    fn cli_url(&self) -> String {
        let text = self.text.trim();
        let is_known = text.starts_with("redis://") || text.starts_with("rediss://");
        let Ok(url) = Url::parse(text) else { return text.to_owned() };
        if is_known && url.query().is_none() {
            return text.to_owned();
        }
        let scheme = if self.is_tls { "rediss" } else { "redis" };
        let user = match (url.username(), url.password()) {
            ("", None) => String::new(),
            (user, None) => format!("{user}@"),
            (user, Some(password)) => format!("{user}:{password}@"),
        };
        format!("{scheme}://{user}{}:{}/{}", url.host_str().unwrap_or_default(), self.port, self.database)
    }

    fn parse(text: &str) -> Result<Self, String> {
        let scheme = text.split_once("://").map(|(scheme, _)| scheme.to_ascii_lowercase());
        let is_tls = match scheme.as_deref() {
            Some("redis" | "valkey") => false,
            Some("rediss" | "valkeys") => true,
            Some("redis+unix" | "unix" | "valkey+unix") => return Self::parse_socket(text),
            _ => return Err("the URL must begin with redis:// or rediss://".to_owned()),
        };
        // The parser would call a `/` in a password the end of an empty host, or of an invalid port.
        let help = "characters such as `/ ? # @ :` in a password must be percent-encoded";
        let url = Url::parse(text).map_err(|error| format!("invalid URL: {} ({help})", error::url(error)))?;
        let host = url.host_str().filter(|host| !host.is_empty()).ok_or("the URL names no host")?;
        let host = host.trim_matches(['[', ']']).to_owned();
        for (key, value) in url.query_pairs() {
            match (key.as_ref(), value.to_ascii_lowercase().trim_start_matches("cert_")) {
                ("db", _) | ("protocol", "2") | ("ssl_cert_reqs", "required") => {}
                ("ssl_cert_reqs", _) => {
                    return Err(
                        "`ssl_cert_reqs` is not supported: write `insecure: true` to skip verification".to_owned()
                    );
                }
                ("ssl" | "tls", _) => {
                    return Err(format!("unsupported URL parameter `{key}`: write rediss:// for TLS"));
                }
                _ => return Err(format!("unsupported URL parameter `{key}`: only `db` is supported")),
            }
        }
        if url.fragment().is_some() {
            return Err(format!("the URL has a `#`: write `insecure: true` to skip verification ({help})"));
        }
        let database = match url.path().trim_matches('/') {
            "" => url.query_pairs().find(|(key, _)| key == "db").map(|(_, database)| database.into_owned()),
            path => Some(path.to_owned()),
        };
        let database = database.map_or(Ok(0), |number| number.parse());
        let decoded = |text: &str| percent_decode_str(text).decode_utf8().map(String::from);
        let wrong = |part| move |_| format!("the URL's {part} is not UTF-8 once decoded");
        let user = Some(url.username()).filter(|user| !user.is_empty()).map(decoded).transpose();
        let password = url.password().filter(|password| !password.is_empty()).map(decoded).transpose();
        let port = url.port().unwrap_or(6379);
        let place = format!("redis://{}:{port}", url.host_str().unwrap_or_default());
        Ok(Self {
            text: text.to_owned(),
            place: Url::parse(&place).map_err(|error| format!("invalid URL: {}", error::url(error)))?,
            host,
            port,
            is_tls,
            user: user.map_err(wrong("user"))?,
            password: password.map_err(wrong("password"))?,
            database: database
                .map_err(|_| format!("after the host comes the number of a database, such as `/0` ({help})"))?,
            socket: None,
            is_of_parts: false,
        })
    }

    /// `redis+unix://user:password@/path?db=0`.
    fn parse_socket(text: &str) -> Result<Self, String> {
        let (_, rest) = text.split_once("://").ok_or("the URL names no socket")?;
        // The first part is read like that of a server; the path is not a database.
        let (address, query) = rest.split_once('?').unwrap_or((rest, ""));
        let (login, path) = address.split_at(address.find('/').unwrap_or(address.len()));
        let path = percent_decode_str(path).decode_utf8().map_err(|_| "the path of the socket is not UTF-8")?;
        if !path.starts_with('/') || path.ends_with('/') || !(login.is_empty() || login.ends_with('@')) {
            return Err("a socket is named by its whole path: redis+unix:///run/redis.sock".to_owned());
        }
        let server = Self::parse(&format!("redis://{login}localhost?{query}"))?;
        Ok(Self { text: text.to_owned(), socket: Some(PathBuf::from(&*path)), ..server })
    }
}

/// The URL holds a password.
impl fmt::Debug for RedisUrl {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.debug_tuple("RedisUrl").field(&self.0.name()).finish()
    }
}

impl<'de> Deserialize<'de> for RedisUrl {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Target::parse(text.trim()).map(Self).map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;
    use serde_json::{from_value, json};

    use super::*;

    fn read(text: &str) -> Target {
        from_value::<RedisUrl>(json!(text)).expect(text).target().clone()
    }

    fn refused(text: &str) -> String {
        from_value::<RedisUrl>(json!(text)).expect_err(text).to_string()
    }

    #[test]
    fn everything_in_a_url_is_used() {
        let target = read("rediss://gate:p%40s%2Fs@redis.example:7000/3");
        assert_eq!((target.host.as_str(), target.port, target.is_tls), ("redis.example", 7000, true));
        assert_eq!((target.user.as_deref(), target.password.as_deref()), (Some("gate"), Some("p@s/s")));
        assert_eq!(target.database, 3);
    }

    #[test]
    fn a_socket_is_named_by_its_path() {
        let target = read("redis+unix://gate:p%40ss@/run/re%20dis.sock?db=3");
        assert_eq!(target.socket.as_deref(), Some(std::path::Path::new("/run/re dis.sock")));
        assert_eq!((target.user.as_deref(), target.password.as_deref()), (Some("gate"), Some("p@ss")));
        assert_eq!((target.database, target.name().as_str()), (3, "`/run/re dis.sock`"));
        assert_eq!(
            target.cli(),
            ["-s", "/run/re dis.sock", "-n", "3", "--user", "gate", "--pass", "p@ss"].map(str::to_owned)
        );
        assert_eq!(read("unix:///run/redis.sock").database, 0);
        for text in ["redis+unix://host/run/redis.sock", "redis+unix://", "redis+unix:///run/"] {
            assert_eq!(refused(text), "a socket is named by its whole path: redis+unix:///run/redis.sock");
        }
        assert_snapshot!(refused("redis+unix:///run/redis.sock?dbs=1"), @"unsupported URL parameter `dbs`: only `db` is supported");
    }

    #[test]
    fn missing_parts_of_a_url_have_defaults() {
        let target = read("redis://[::1]");
        assert_eq!((target.host.as_str(), target.port, target.is_tls), ("::1", 6379, false));
        assert_eq!((target.user, target.password, target.database), (None, None, 0));
        assert_eq!(read("redis://:secret@h?db=2").database, 2);
        assert_eq!(read("redis://:p@ss@h").password.as_deref(), Some("p@ss"));
    }

    #[test]
    fn a_url_that_cannot_be_read_is_not_shown() {
        assert_snapshot!(refused("http://h"), @"the URL must begin with redis:// or rediss://");
        assert_snapshot!(refused("redis://"), @"the URL names no host");
        assert_snapshot!(refused("redis://:se/cret@h"), @"invalid URL: the host is missing (characters such as `/ ? # @ :` in a password must be percent-encoded)");
        assert_snapshot!(refused("redis://h?tls=true"), @"unsupported URL parameter `tls`: write rediss:// for TLS");
        assert_snapshot!(refused("redis://h?dbs=2"), @"unsupported URL parameter `dbs`: only `db` is supported");
        assert_snapshot!(refused("rediss://h?ssl_cert_reqs=none"), @"`ssl_cert_reqs` is not supported: write `insecure: true` to skip verification");
        assert_eq!(read("rediss://h?ssl_cert_reqs=CERT_REQUIRED&db=1").database, 1);
        assert_snapshot!(refused("redis://h/cache"), @"after the host comes the number of a database, such as `/0` (characters such as `/ ? # @ :` in a password must be percent-encoded)");
    }
}
