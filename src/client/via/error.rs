//! Why a connection failed, directly or through another machine.

use std::io;

use crate::client::Fault;
use crate::client::http::connection;

/// Why a connection failed.
#[derive(Debug)]
pub enum DialError {
    /// It could not be tried: the name is not known, or the machine between can't be reached.
    Fault(Fault),
    /// This came of it.
    Io {
        /// The failure of the other side or of the network.
        error: io::Error,
        /// The machine between.
        from: Option<String>,
    },
}

impl From<Fault> for DialError {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

impl DialError {
    /// In words. `place` is what a message may call the other side.
    pub fn fault(self, place: &str) -> Fault {
        match self {
            Self::Fault(fault) => fault,
            Self::Io { error, from: None } => connection(&error, place),
            Self::Io { error, from: Some(host) } => {
                let fault = connection(&error, place);
                Fault { message: format!("{} (via {host})", fault.message).into(), ..fault }
            }
        }
    }
}
