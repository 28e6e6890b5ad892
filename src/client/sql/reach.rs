//! Connects to a database server: its address, with and without TLS, and the driver behind the guard.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use rustls::pki_types::ServerName;
use sqlx::ConnectOptions as _;
use sqlx::mysql::{MySqlConnectOptions, MySqlConnection, MySqlSslMode};
use sqlx::postgres::{PgConnectOptions, PgConnection, PgSslMode};
use tokio::net::{TcpStream, UnixStream};

use crate::client::Fault;
use crate::client::dial::Dialer;
use crate::client::load::Load;

use super::error::{self, fault, has_code};
use super::guard::{self, Guard, MySqlLogin, NoTls, Postgres, Spoken, Tls, Wire};
use super::trust::{self, Files, Verify};

/// A server, as the URL and the settings name it.
pub struct Target {
    /// Its name in messages.
    pub place: String,
    /// Where it is.
    pub address: Address,
    /// The TLS mode.
    pub security: Security,
    /// The files that belong to it.
    pub files: Files,
    /// The password, if a server requires it in another form than the driver sends it.
    pub password: Option<String>,
    /// The one way to log in that is allowed to PostgreSQL, if the URL says one.
    pub required: Option<String>,
}

/// Where a server is.
pub enum Address {
    /// On the network.
    Tcp(String, u16),
    /// On this machine.
    Socket(PathBuf),
}

/// The TLS mode.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Security {
    /// None.
    Disable,
    /// If the server requires it.
    Allow,
    /// If the server supports it.
    Prefer,
    /// Always, verified to this extent.
    Require(Verify),
}

/// How one attempt is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Attempt {
    Plain,
    Tls { verify: Verify, is_optional: bool },
}

impl Target {
    /// The attempts to make, in order: the next one if the server refuses this one.
    fn attempts(&self) -> Vec<Attempt> {
        let tls = |verify, is_optional| Attempt::Tls { verify, is_optional };
        match (self.security, &self.address) {
            // Nobody can listen on a socket, and no certificate is for one.
            (Security::Disable | Security::Allow | Security::Prefer, Address::Socket(_)) => vec![Attempt::Plain],
            (Security::Disable, Address::Tcp(..)) => vec![Attempt::Plain],
            (Security::Allow, Address::Tcp(..)) => vec![Attempt::Plain, tls(Verify::Nothing, false)],
            (Security::Prefer, Address::Tcp(..)) => vec![tls(Verify::Nothing, true), Attempt::Plain],
            (Security::Require(verify), _) => vec![tls(verify, false)],
        }
    }

    fn tls(&self, attempt: Attempt) -> anyhow::Result<Option<Tls>> {
        let Attempt::Tls { verify, is_optional } = attempt else { return Ok(None) };
        let host = match &self.address {
            Address::Tcp(host, _) => host.as_str(),
            Address::Socket(_) => "localhost",
        };
        let name = ServerName::try_from(host.to_owned())
            .map_err(|_| Fault::new(format!("`{host}` is not a host name that a certificate can have")))?;
        Ok(Some(Tls { config: Arc::new(trust::config(verify, &self.files)?), name, is_optional }))
    }

    async fn wire(&self, dialer: &Dialer) -> anyhow::Result<Wire> {
        if dialer.via.is_some() {
            let Address::Tcp(host, port) = &self.address else {
                let fault = Fault::new(format!("{} is a local socket: `via` does not apply", self.place));
                return Err(fault.help("write `via: null` in this probe").into());
            };
            let dialed = dialer.dial(host, *port).await;
            return Ok(dialed.map_err(|error| error.fault(&self.place))?.wire);
        }
        let wire: io::Result<Wire> = match &self.address {
            Address::Tcp(host, port) => match TcpStream::connect((host.as_str(), *port)).await {
                Ok(stream) => stream.set_nodelay(true).map(|()| Box::new(stream) as Wire),
                Err(error) => Err(error),
            },
            Address::Socket(path) => UnixStream::connect(path).await.map(|stream| Box::new(stream) as Wire),
        };
        wire.map_err(|error| error::connection(&error, &self.place).into())
    }

    /// The ways to log in that are not allowed, each with the reason.
    fn refused(&self, is_private: bool) -> Vec<(u32, Fault)> {
        let Some(required) = &self.required else {
            let clear = (CLEAR_PASSWORD, clear_password(&self.place));
            return Some(clear).filter(|_| !is_private).into_iter().collect();
        };
        let others = METHODS.iter().filter(|(_, method)| method != required);
        let refused = |(code, method): &(u32, &str)| {
            let fault = Fault::new(format!("{} asks for the login method `{method}`", self.place));
            (*code, fault.help(format!("the URL only allows `{required}`: see its parameter `require_auth`")))
        };
        others.map(refused).collect()
    }

    fn no_tls(&self, why: NoTls) -> anyhow::Error {
        match why {
            NoTls::Unsupported => error::no_tls(&self.place).into(),
            NoTls::Failed(error) => error::handshake(&error, &self.place).into(),
            NoTls::Foreign => guard::foreign(&self.place).into(),
        }
    }
}

/// Connects to PostgreSQL.
///
/// # Errors
/// When every attempt fails: what the first server that answered said.
pub async fn postgres(
    target: &Target,
    options: &PgConnectOptions,
    dialer: &Dialer,
    load: &Arc<Load>,
) -> anyhow::Result<(PgConnection, Guard)> {
    let mut refusal = None;
    for attempt in target.attempts() {
        let mut wire = target.wire(dialer).await?;
        let mut is_private = matches!(target.address, Address::Socket(_));
        if let Some(tls) = target.tls(attempt)? {
            match guard::postgres(wire, &tls).await {
                Ok((upgraded, has_tls)) => (wire, is_private) = (upgraded, is_private || has_tls),
                Err(why) => {
                    refusal = Some(target.no_tls(why));
                    continue;
                }
            }
        }
        let refused = target.refused(is_private);
        let spoken = Spoken::Postgres(Postgres::new(target.place.clone(), refused));
        let guard = Guard::new(wire, spoken, target.place.clone(), Arc::clone(load))?;
        let options = options.clone().socket(guard.path()).port(5432).ssl_mode(PgSslMode::Disable);
        match options.connect().await {
            Ok(connection) => return Ok((connection, guard)),
            Err(error) => {
                let error = guard.verdict().map_or_else(|| fault(&error, &target.place), Into::into);
                // A line of pg_hba.conf may hold for one way only. As with libpq, a refused password counts, too.
                if !["28000", "28P01", "08P01"].iter().any(|code| has_code(&error, code)) {
                    return Err(error);
                }
                refusal.get_or_insert(error);
            }
        }
    }
    Err(refusal.expect("there is at least one attempt"))
}

/// Connects to MySQL or MariaDB.
///
/// # Errors
/// When every attempt fails.
pub async fn mysql(
    target: &Target,
    options: &MySqlConnectOptions,
    dialer: &Dialer,
    load: &Arc<Load>,
) -> anyhow::Result<(MySqlConnection, Guard)> {
    let mut refusal = None;
    for attempt in target.attempts() {
        let (tls, is_local) = (target.tls(attempt)?, matches!(target.address, Address::Socket(_)));
        let wire = target.wire(dialer).await?;
        let login = (target.password.clone(), options.get_database().is_some());
        let greeted = MySqlLogin::greet(wire, tls.as_ref(), is_local, &target.place, login).await;
        let (wire, login) = match greeted {
            Ok(greeted) => greeted,
            Err(why) => {
                refusal.get_or_insert(target.no_tls(why));
                continue;
            }
        };
        let is_private = login.is_private();
        let guard = Guard::new(wire, Spoken::MySql(login), target.place.clone(), Arc::clone(load))?;
        let options = options.clone().socket(guard::socket(guard.path())).ssl_mode(MySqlSslMode::Disabled);
        let options = options.enable_cleartext_plugin(is_private);
        return match options.connect().await {
            Ok(connection) => Ok((connection, guard)),
            Err(error) => Err(guard.verdict().map_or_else(|| fault(&error, &target.place), Into::into)),
        };
    }
    Err(refusal.expect("there is at least one attempt"))
}

/// PostgreSQL's ways to log in with a password: <https://www.postgresql.org/docs/current/protocol-message-formats.html>
const METHODS: [(u32, &str); 3] = [(CLEAR_PASSWORD, "password"), (5, "md5"), (10, "scram-sha-256")];

const CLEAR_PASSWORD: u32 = 3;

fn clear_password(place: &str) -> Fault {
    Fault::new(format!("{place} asks for the password in clear text over an unencrypted connection")).help(
        "use TLS (`sslmode=require`), configure scram-sha-256 on the server, or allow it with `require_auth=password` in \
         the URL",
    )
}
