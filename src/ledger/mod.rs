//! What is remembered: runs, each as a whole, and what they say of each item together.
//!
//! It is a file of SQLite beside the checklists, or a PostgreSQL database that a team shares. What people assert is not
//! kept here but in Git.

mod changes;
mod document;
mod error;
mod facts;
mod origin;
mod place;
mod server;
mod write;

use std::path::Path;
use std::time::Duration;

use jiff::Timestamp;
use sqlx::{Connection as _, query_as};

use crate::diagnostic::Diagnostic;
use crate::run::{Run, Verdict};

use document::StoredDocument;
use server::{Refusal, Server, on, reading};

pub use changes::{Bases, Green, tell_changes};
pub use facts::{AllFacts, Facts, Passed, State, tell};
pub use origin::{Origin, git};
pub use place::{Location, Place};

/// How long a server may take for whatever it is asked.
const TIMEOUT: Duration = Duration::from_secs(20);

/// An open ledger.
#[derive(Debug)]
pub struct Ledger {
    server: Server,
    location: Location,
}

/// The number of a run in its ledger.
pub type RunId = i64;

/// A run that was recorded.
#[derive(Debug, Clone)]
pub struct Recorded {
    /// Its number.
    pub id: RunId,
    /// SHA-256 of the JSON that is stored, in hexadecimal.
    pub digest: String,
    /// The run itself.
    pub run: Run,
}

/// Which runs count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which {
    /// Only those that looked at everything and came to their end.
    Whole,
    /// Partial and interrupted ones as well.
    Any,
}

/// What a list of runs shows of one.
#[derive(Debug, Clone)]
pub struct RunHead {
    /// Its number.
    pub id: RunId,
    /// When it began.
    pub started: Timestamp,
    /// What was being signed off.
    pub subject: Option<String>,
    /// The commit of the checklist's repository.
    pub commit: Option<String>,
    /// The machine that it ran on.
    pub host: Option<String>,
    /// Who ran it.
    pub user: Option<String>,
    /// The CI job.
    pub ci: Option<String>,
    /// Why not everything was run.
    pub partial: Option<String>,
    /// What ended it early.
    pub interrupted: Option<String>,
    /// What it said of the environment.
    pub verdict: Verdict,
    /// How many items counted as green, and how many there were.
    pub green: (usize, usize),
    /// What it said of each item that it looked at.
    pub states: Vec<State>,
}

impl Ledger {
    /// Opens a ledger. It is made at its first use; an older one is brought to this version. `root` is the folder that
    /// holds `checklists/`.
    ///
    /// # Errors
    /// When it can't be opened, or was made by a newer version.
    pub async fn open(location: Location, root: &Path) -> Result<Self, Diagnostic> {
        match timely(Server::open(&location.place, root)).await {
            Ok(server) => Ok(Self { server, location }),
            Err(refusal) => Err(error::problem("open", &location, &refusal)),
        }
    }

    /// Opens a ledger to read from it; nothing is made where there is none.
    ///
    /// # Errors
    /// As [`Ledger::open`].
    pub async fn open_existing(location: Location, root: &Path) -> Result<Option<Self>, Diagnostic> {
        match &location.place {
            Place::File { path, .. } if !path.exists() => Ok(None),
            Place::File { .. } | Place::Postgres(_) => {
                match timely(Server::open_to_read(&location.place, root)).await {
                    Ok(server) => Ok(Some(Self { server, location })),
                    Err(refusal) => Err(error::problem("open", &location, &refusal)),
                }
            }
        }
    }

    /// Records a run, and forgets the oldest ones of its checklist beyond what is kept. Never forgotten is the run in
    /// which an item last passed.
    ///
    /// # Errors
    /// When it can't be written; nothing of it is then.
    pub async fn record(&mut self, run: &Run) -> Result<RunId, Diagnostic> {
        let keep = self.location.keep;
        let written = timely(write::record(&mut self.server, run, keep)).await;
        written.map_err(|refusal| error::problem("record in", &self.location, &refusal))
    }

    /// The last run of a checklist.
    ///
    /// # Errors
    /// When it can't be read.
    pub async fn last(&mut self, name: &str, which: Which) -> Result<Option<Recorded>, Diagnostic> {
        let found = timely(async {
            let sql = match which {
                Which::Any => "SELECT id, digest, document FROM gate_runs WHERE name = $1 ORDER BY id DESC LIMIT 1",
                Which::Whole => {
                    "SELECT id, digest, document FROM gate_runs WHERE name = $1 AND partial IS NULL \
                     AND interrupted IS NULL ORDER BY id DESC LIMIT 1"
                }
            };
            Ok(reading!(&mut self.server, transaction => {
                query_as::<_, Stored>(sql).bind(name).persistent(false).fetch_optional(&mut *transaction).await?
            }))
        });
        let found = found.await.map_err(|refusal| error::problem("read", &self.location, &refusal))?;
        found.map(|stored| self.read(stored)).transpose()
    }

    /// The run of this number.
    ///
    /// # Errors
    /// When it can't be read.
    pub async fn run(&mut self, id: RunId) -> Result<Option<Recorded>, Diagnostic> {
        let found = timely(async {
            Ok(reading!(&mut self.server, transaction => {
                query_as::<_, Stored>("SELECT id, digest, document FROM gate_runs WHERE id = $1")
                    .bind(id)
                    .persistent(false)
                    .fetch_optional(&mut *transaction)
                    .await?
            }))
        });
        let found = found.await.map_err(|refusal| error::problem("read", &self.location, &refusal))?;
        found.map(|stored| self.read(stored)).transpose()
    }

    /// The latest runs of a checklist, newest first.
    ///
    /// # Errors
    /// When they can't be read.
    pub async fn runs(&mut self, name: &str, limit: usize) -> Result<Vec<RunHead>, Diagnostic> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let found = timely(async {
            Ok(reading!(&mut self.server, transaction => {
                query_as::<_, Head>(
                    "SELECT id, started, subject, commit_id, host, user_name, ci, partial, interrupted, verdict, green, \
                     total, states FROM gate_runs WHERE name = $1 ORDER BY id DESC LIMIT $2",
                )
                .bind(name)
                .bind(limit)
                .persistent(false)
                .fetch_all(&mut *transaction)
                .await?
            }))
        });
        let heads = found.await.map_err(|refusal| error::problem("read", &self.location, &refusal))?;
        heads.into_iter().map(|head| self.head(head)).collect()
    }

    /// The commit and the time of the last whole run in which everything that gates was green.
    ///
    /// # Errors
    /// When it can't be read.
    pub async fn last_green(&mut self, name: &str) -> Result<Option<Green>, Diagnostic> {
        let found = timely(async {
            Ok(reading!(&mut self.server, transaction => {
                query_as::<_, (String, i64)>(
                    "SELECT commit_id, started FROM gate_runs WHERE name = $1 AND verdict = 'ready' AND partial IS NULL \
                     AND interrupted IS NULL AND commit_id IS NOT NULL ORDER BY id DESC LIMIT 1",
                )
                .bind(name)
                .persistent(false)
                .fetch_optional(&mut *transaction)
                .await?
            }))
        });
        let found = found.await.map_err(|refusal| error::problem("read", &self.location, &refusal))?;
        Ok(found.and_then(|(commit, at)| Some(Green { commit, at: Timestamp::from_millisecond(at).ok()? })))
    }

    /// What is known of each item of a checklist.
    ///
    /// # Errors
    /// When it can't be read.
    pub async fn facts(&mut self, name: &str) -> Result<AllFacts, Diagnostic> {
        let found = timely(async {
            reading!(&mut self.server, transaction => {
                let connection = &mut *transaction;
                write::facts!(connection, name)
            })
        });
        found.await.map_err(|refusal| error::problem("read", &self.location, &refusal))
    }

    /// Ends the connection.
    pub async fn close(self) {
        let _ = tokio::time::timeout(TIMEOUT, self.server.close()).await; // what was recorded is safe in any case
    }

    fn read(&self, (id, digest, bytes): Stored) -> Result<Recorded, Diagnostic> {
        let document = StoredDocument { digest, bytes };
        match document.read() {
            Ok(run) => Ok(Recorded { id, digest: document.digest, run }),
            Err(why) => {
                Err(Diagnostic::error(format!("cannot read run {id} of the ledger {}: {why}", self.location.name)))
            }
        }
    }

    fn head(&self, head: Head) -> Result<RunHead, Diagnostic> {
        let id = head.0;
        let wrong = |what: &str| {
            Diagnostic::error(format!("cannot read run {id} of the ledger {}: {what}", self.location.name))
        };
        let number = |number: i64| usize::try_from(number).unwrap_or_default();
        Ok(RunHead {
            id,
            started: Timestamp::from_millisecond(head.1).map_err(|why| wrong(&why.to_string()))?,
            subject: head.2,
            commit: head.3,
            host: head.4,
            user: head.5,
            ci: head.6,
            partial: head.7,
            interrupted: head.8,
            verdict: serde_json::from_value(head.9.into()).map_err(|why| wrong(&why.to_string()))?,
            green: (number(head.10), number(head.11)),
            states: serde_json::from_str(&head.12).map_err(|why| wrong(&why.to_string()))?,
        })
    }
}

/// The columns of a run's document.
type Stored = (i64, String, Vec<u8>);

/// The columns of a run's head.
type Head = (
    i64,
    i64,
    Option<String>,
    Option<String>,
    Option<String>,
    Option<String>,
    Option<String>,
    Option<String>,
    Option<String>,
    String,
    i64,
    i64,
    String,
);

async fn timely<T>(work: impl Future<Output = Result<T, Refusal>>) -> Result<T, Refusal> {
    let silent = |_| Refusal::Database(sqlx::Error::Io(std::io::ErrorKind::TimedOut.into()));
    tokio::time::timeout(TIMEOUT, work).await.unwrap_or_else(|late| Err(silent(late)))
}
