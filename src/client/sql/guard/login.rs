//! The start of a connection: TLS if it is required, and MySQL's login.

use std::io;
use std::sync::Arc;

use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::UnixStream;
use tokio_rustls::TlsConnector;

use crate::client::Fault;

use super::mysql::{self, MySql};
use super::{Broken, Wire};

/// The longest packet of a login.
const MAX_LOGIN: usize = 64 << 10;

/// The capabilities that matter here:
/// <https://dev.mysql.com/doc/dev/mysql-server/latest/group__group__cs__capabilities__flags.html>
const SSL: u32 = 1 << 11;
/// A database is named at the login.
const CONNECT_WITH_DB: u32 = 1 << 3;
/// The capabilities that the driver uses. MariaDB takes them from the TLS request, not from the login after it, so the two
/// must be the same.
const USED: u32 = 0x02 | 1 << 8 | 1 << 9 | SSL | 1 << 13 | 1 << 15 | 0b1111 << 16 | 1 << 21 | 1 << 24;

/// The required TLS.
#[derive(Debug, Clone)]
pub struct Tls {
    /// The certificates to trust.
    pub config: Arc<ClientConfig>,
    /// The name that the certificate must have.
    pub name: ServerName<'static>,
    /// Whether to go on without TLS if the server does not support it.
    pub is_optional: bool,
}

/// Why the connection has no TLS.
#[derive(Debug)]
pub enum NoTls {
    /// The server does not support it.
    Unsupported,
    /// The handshake failed.
    Failed(io::Error),
    /// The server uses another protocol.
    Foreign,
}

impl From<io::Error> for NoTls {
    fn from(error: io::Error) -> Self {
        Self::Failed(error)
    }
}

/// Begins TLS with a PostgreSQL server. Also gives whether there is TLS now.
///
/// # Errors
/// Why there is none, unless that is allowed.
pub async fn postgres(mut wire: Wire, tls: &Tls) -> Result<(Wire, bool), NoTls> {
    // <https://www.postgresql.org/docs/current/protocol-message-formats.html>: SSLRequest
    wire.write_all(&[0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f]).await?;
    wire.flush().await?;
    match wire.read_u8().await? {
        b'S' => Ok((shake(wire, tls).await?, true)),
        b'N' if tls.is_optional => Ok((wire, false)),
        b'N' => Err(NoTls::Unsupported),
        _ => Err(NoTls::Foreign),
    }
}

async fn shake(wire: Wire, tls: &Tls) -> io::Result<Wire> {
    Ok(Box::new(TlsConnector::from(Arc::clone(&tls.config)).connect(tls.name.clone(), wire).await?))
}

/// A MySQL connection whose server has greeted.
#[derive(Debug)]
pub struct MySqlLogin {
    place: String,
    greeting: Packet,
    password: Option<String>,
    /// Whether the connection is private: TLS, or a socket of this machine.
    is_private: bool,
    /// Whether the server has already been asked for TLS, so that its packets are numbered from 2 on.
    has_tls: bool,
}

#[derive(Debug)]
struct Packet {
    number: u8,
    payload: Vec<u8>,
}

impl MySqlLogin {
    /// Reads the greeting of a MySQL or MariaDB server, and begins TLS where that is wanted.
    ///
    /// # Errors
    /// Why the connection has no TLS, unless that is allowed.
    pub async fn greet(
        mut wire: Wire,
        tls: Option<&Tls>,
        is_local: bool,
        place: &str,
        (password, has_database): (Option<String>, bool),
    ) -> Result<(Wire, Self), NoTls> {
        let greeting = Packet::read(&mut wire).await?.ok_or(NoTls::Foreign)?;
        let login = |greeting, has_tls| Self {
            place: place.to_owned(),
            greeting,
            password,
            is_private: is_local || has_tls,
            has_tls,
        };
        // An error instead of a greeting is for the driver.
        let Some(offered) = greeting.capabilities() else { return Ok((wire, login(greeting, false))) };
        match tls {
            Some(tls) if offered & SSL != 0 => {
                let used = if has_database { USED | CONNECT_WITH_DB } else { USED };
                let mut request = (offered & used).to_le_bytes().to_vec();
                request.extend((1_u32 << 24).to_le_bytes());
                // utf8mb4, as the driver says after it.
                request.push(45);
                request.extend([0; 23]);
                Packet { number: greeting.number.wrapping_add(1), payload: request }.write(&mut wire).await?;
                Ok((shake(wire, tls).await?, login(greeting, true)))
            }
            Some(tls) if !tls.is_optional => Err(NoTls::Unsupported),
            Some(_) | None => Ok((wire, login(greeting, false))),
        }
    }

    /// Whether the connection is private.
    pub fn is_private(&self) -> bool {
        self.is_private
    }

    /// Passes the login on. TLS has begun before it, of which the driver knows nothing.
    pub(super) async fn log_in(self, server: &mut Wire, client: &mut UnixStream) -> Result<MySql, Broken> {
        let offered = self.greeting.capabilities().unwrap_or_default();
        self.greeting.write(client).await?;
        let mut answer = Packet::read(client).await?.ok_or(Broken::Gone)?;
        let flags = answer.payload.first_chunk().copied().map(u32::from_le_bytes).unwrap_or_default();
        if self.has_tls {
            answer.payload[..4].copy_from_slice(&(flags | SSL).to_le_bytes());
        }
        let mut last = self.greeting.number.wrapping_add(u8::from(self.has_tls));
        loop {
            answer.number = last.wrapping_add(1);
            answer.write(server).await?;
            loop {
                let packet = Packet::read(server).await?.ok_or_else(|| self.foreign())?;
                last = packet.number;
                match &*packet.payload {
                    // caching_sha2_password: the server does not remember the password, and wants it over a connection
                    // on which nobody can listen.
                    // <https://dev.mysql.com/doc/dev/mysql-server/latest/page_caching_sha2_authentication_exchanges.html>
                    [0x01, 0x04] if self.is_private => {
                        let mut payload = self.password.clone().unwrap_or_default().into_bytes();
                        payload.push(0);
                        Packet { number: last.wrapping_add(1), payload }.write(server).await?;
                        continue;
                    }
                    [0x01, 0x03] => {
                        packet.write(client).await?;
                        continue;
                    }
                    [0x00 | 0xff, ..] => {
                        packet.write(client).await?;
                        return Ok(MySql::new(self.place, offered & flags));
                    }
                    _ => packet.write(client).await?,
                }
                break;
            }
            answer = Packet::read(client).await?.ok_or(Broken::Gone)?;
        }
    }

    fn foreign(&self) -> Broken {
        foreign(&self.place).into()
    }
}

/// A server that does not use MySQL's protocol.
pub fn foreign(place: &str) -> Fault {
    Fault::new(format!("{place} does not speak the protocol that the URL names"))
        .help("check host and port: another kind of server listens there")
}

impl Packet {
    /// The next packet; nothing where it is longer than a login has it.
    async fn read(stream: &mut (impl AsyncRead + Unpin)) -> io::Result<Option<Self>> {
        let mut header = [0; 4];
        stream.read_exact(&mut header).await?;
        let length = mysql::length(&header);
        if length > MAX_LOGIN || length == 0 {
            return Ok(None);
        }
        let mut payload = vec![0; length];
        stream.read_exact(&mut payload).await?;
        Ok(Some(Self { number: header[3], payload }))
    }

    async fn write(&self, stream: &mut (impl AsyncWrite + Unpin)) -> io::Result<()> {
        let length = u32::try_from(self.payload.len()).map_err(io::Error::other)?.to_le_bytes();
        let mut bytes = vec![length[0], length[1], length[2], self.number];
        bytes.extend(&self.payload);
        stream.write_all(&bytes).await?;
        stream.flush().await
    }

    /// The server's capabilities, if this is a greeting.
    fn capabilities(&self) -> Option<u32> {
        let [10, rest @ ..] = &*self.payload else { return None };
        let version = rest.iter().position(|byte| *byte == 0)?;
        // The thread's number, half of the salt and a zero come before the lower half; charset and status before the upper.
        let after = rest.get(version + 1 + 4 + 8 + 1..)?;
        let [low0, low1, _charset, _, _, high0, high1, ..] = after else {
            return after.first_chunk().map(|low: &[u8; 2]| u32::from(u16::from_le_bytes(*low)));
        };
        Some(u32::from_le_bytes([*low0, *low1, *high0, *high1]))
    }
}
