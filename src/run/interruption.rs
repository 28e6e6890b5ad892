//! The reasons why a run ends early.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::yaml::Duration;

/// The interruption of a run. Its JSON is `SIGINT`, `SIGTERM`, `SIGHUP` or `deadline`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(into = "Word", from = "Word")]
pub enum Interruption {
    /// A signal from outside.
    Signal(Signal),
    /// `--deadline`: how long the run could take. A stored run does not keep that.
    Deadline(Option<Duration>),
}

/// A signal that asks the program to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Signal {
    /// Ctrl-C.
    Interrupt,
    /// The signal of `kill` and container runtimes.
    Terminate,
    /// The terminal was closed.
    Hangup,
}

/// The word for it in documents.
#[derive(Clone, Copy, Serialize, Deserialize)]
enum Word {
    #[serde(rename = "SIGINT")]
    Interrupt,
    #[serde(rename = "SIGTERM")]
    Terminate,
    #[serde(rename = "SIGHUP")]
    Hangup,
    #[serde(rename = "deadline")]
    Deadline,
}

impl From<Interruption> for Word {
    fn from(interruption: Interruption) -> Self {
        match interruption {
            Interruption::Signal(Signal::Interrupt) => Self::Interrupt,
            Interruption::Signal(Signal::Terminate) => Self::Terminate,
            Interruption::Signal(Signal::Hangup) => Self::Hangup,
            Interruption::Deadline(_) => Self::Deadline,
        }
    }
}

impl From<Word> for Interruption {
    fn from(word: Word) -> Self {
        match word {
            Word::Interrupt => Self::Signal(Signal::Interrupt),
            Word::Terminate => Self::Signal(Signal::Terminate),
            Word::Hangup => Self::Signal(Signal::Hangup),
            Word::Deadline => Self::Deadline(None),
        }
    }
}

impl fmt::Display for Interruption {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Self::Signal(signal) => signal.fmt(f),
            Self::Deadline(Some(limit)) => write!(f, "--deadline {limit}"),
            Self::Deadline(None) => f.write_str("--deadline"),
        }
    }
}

impl fmt::Display for Signal {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(match self {
            Self::Interrupt => "SIGINT",
            Self::Terminate => "SIGTERM",
            Self::Hangup => "SIGHUP",
        })
    }
}
