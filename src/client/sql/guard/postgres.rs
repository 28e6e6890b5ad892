//! The messages that a PostgreSQL server may send.

use crate::client::Fault;

use super::frame::Protocol;
use super::{MAX_FRAME, MAX_TALK, talkative, too_large};

/// The messages of a server: <https://www.postgresql.org/docs/current/protocol-message-formats.html>
const KINDS: &[u8] = b"1234ACDEGHIKNRSTVWZdcnstv";

/// The messages of one connection.
#[derive(Debug)]
pub struct Postgres {
    place: String,
    /// Ways to log in that are not allowed, each with the reason.
    refused: Vec<(u32, Fault)>,
    /// How many bytes came that answer nothing: notices, parameters, notifications.
    talk: usize,
    /// Whether the server has said that it is ready for the next statement.
    is_ready: bool,
}

impl Postgres {
    /// The messages of a connection that has just begun.
    pub fn new(place: String, refused: Vec<(u32, Fault)>) -> Self {
        Self { place, refused, talk: 0, is_ready: false }
    }
}

impl Protocol for Postgres {
    const HEADER: usize = 5;
    const START: usize = 4;

    fn header(&mut self, header: &[u8]) -> Result<usize, Fault> {
        let (kind, length) = (header[0], u32::from_be_bytes([header[1], header[2], header[3], header[4]]) as usize);
        // The length counts itself.
        let Some(length) = length.checked_sub(4).filter(|_| KINDS.contains(&kind)) else {
            return Err(Fault::new(format!("{} does not speak the PostgreSQL protocol", self.place))
                .help("check host and port: another kind of server listens there"));
        };
        if length > MAX_FRAME {
            return Err(too_large(&self.place));
        }
        self.is_ready |= kind == b'Z';
        if matches!(kind, b'N' | b'S' | b'A') {
            self.talk += header.len() + length;
            if self.talk > MAX_TALK {
                return Err(talkative(&self.place));
            }
        }
        Ok(length)
    }

    fn start(&mut self, header: &[u8], start: &[u8]) -> Result<(), Fault> {
        let (b'R', Ok(method)) = (header[0], start.try_into().map(u32::from_be_bytes)) else { return Ok(()) };
        match self.refused.iter().position(|(refused, _)| *refused == method) {
            Some(at) => Err(self.refused.swap_remove(at).1),
            None => Ok(()),
        }
    }

    fn is_answered(&mut self) -> bool {
        std::mem::take(&mut self.is_ready)
    }
}
