//! The locks of items as advisory locks in the database of a PostgreSQL ledger, so that two runs never have the same one.

use std::path::{Path, PathBuf};
use std::time::Duration;

use sha2::{Digest as _, Sha256};
use sqlx::postgres::PgConnection;
use sqlx::{Connection as _, query, raw_sql};

use crate::client::sql::{DatabaseUrl, Guard};
use crate::client::ssh::Host;
use crate::diagnostic::Diagnostic;
use crate::engine::{Held, Locks, Taken};
use crate::env::Env;

use super::place::{Location, Place};
use super::project::Key;
use super::server::{Refusal, connect};
use super::{error, timely};

/// Begins a transaction that holds locks: a pooler gives a transaction one server, and a session several. It reads nothing,
/// so that it blocks nothing else, and no time limit of the server ends it. A wait is cut into portions of five seconds:
/// so each side notices when the other is gone. Keepalives show the server that the machine of a holder is gone.
const BEGIN: &str = "BEGIN; SELECT set_config(name, CASE name WHEN 'lock_timeout' THEN '5s' \
    WHEN 'tcp_keepalives_idle' THEN '30' WHEN 'tcp_keepalives_interval' THEN '10' WHEN 'tcp_keepalives_count' THEN '3' \
    ELSE '0' END, true) FROM pg_settings WHERE name IN ('lock_timeout', 'statement_timeout', 'transaction_timeout', \
    'idle_in_transaction_session_timeout', 'tcp_keepalives_idle', 'tcp_keepalives_interval', 'tcp_keepalives_count')";

/// PostgreSQL's SQLSTATE for a lock that was not free in time.
const NOT_FREE: &str = "55P03";

/// How long a server may take to free locks.
const FREE: Duration = Duration::from_secs(5);

/// The locks of a checklist's items, in the database of its ledger.
#[derive(Debug, Clone)]
pub struct SharedLocks {
    location: Location,
    url: DatabaseUrl,
    key: Key,
    root: PathBuf,
    env: Env,
}

/// A transaction that holds locks. Dropping it ends the connection, and the server frees them.
struct Transaction {
    connection: PgConnection,
    _guard: Guard,
}

impl SharedLocks {
    /// Locks in this ledger, for the checklist of this key. `root` is the folder that contains `checklists/`.
    ///
    /// # Errors
    /// When the ledger is a file: other machines don't see it. When other checkouts have another key.
    pub fn new(location: Location, key: Key, root: &Path, env: &Env) -> Result<Self, Diagnostic> {
        if let Some(problem) = without_project(&key) {
            return Err(problem);
        }
        let Place::Postgres(url) = &location.place else {
            let problem = Diagnostic::error("`locks: shared` needs a PostgreSQL ledger");
            return Err(problem.help("set `GATE_LEDGER` or `--ledger` to `postgres://user:password@host/name`"));
        };
        Ok(Self { url: url.clone(), location, key, root: root.to_owned(), env: env.clone() })
    }

    /// The number of a lock: the same on every machine and in every version.
    fn number(&self, name: &str) -> i64 {
        let Key { project, name: checklist, .. } = &self.key;
        let digest = Sha256::digest([project, checklist, name].join("\0"));
        let (head, _) = digest.split_first_chunk().expect("a digest has 32 bytes");
        i64::from_be_bytes(*head)
    }

    async fn hold(self, numbers: Vec<i64>) -> Result<Held, String> {
        let refused = |refusal| error::problem("take a lock in", &self.location, &refusal).title().to_owned();
        let via: Option<&Host> = self.location.via.as_ref();
        let begun = timely(async {
            let (connection, guard) = connect(&self.url, via, &self.root, &self.env).await?;
            let mut transaction = Transaction { connection, _guard: guard };
            raw_sql(BEGIN).execute(&mut transaction.connection).await?;
            Ok(transaction)
        });
        let mut transaction = begun.await.map_err(refused)?;
        for number in numbers {
            while !timely(transaction.lock(number)).await.map_err(refused)? {}
        }
        Ok(Box::pin(async move {
            let freed = tokio::time::timeout(FREE, transaction.free()).await;
            let lost = |refusal| error::problem("keep a lock in", &self.location, &refusal).title().to_owned();
            let late = |_| Err(sqlx::Error::Io(std::io::ErrorKind::TimedOut.into()));
            freed.unwrap_or_else(late).map_err(|why| lost(Refusal::Database(why)))
        }))
    }
}

/// The problem of shared locks whose key is only the name of a folder: in another checkout they are other locks.
pub fn without_project(key: &Key) -> Option<Diagnostic> {
    let title = || format!("`locks: shared` of `{}` needs a project: the repository has no Git remote", key.name);
    let help =
        "write `project: NAME` at the top level of the checklist, the same in all checkouts that share the locks";
    key.is_of_folder.then(|| Diagnostic::error(title()).help(help))
}

impl Locks for SharedLocks {
    fn take(&self, names: &[String]) -> Taken {
        let mut numbers: Vec<i64> = names.iter().map(|name| self.number(name)).collect();
        // All runs take them in the same order: no deadlock.
        numbers.sort_unstable();
        numbers.dedup();
        Box::pin(self.clone().hold(numbers))
    }
}

impl Transaction {
    /// Waits for a lock; returns whether it was free within some seconds.
    async fn lock(&mut self, number: i64) -> Result<bool, Refusal> {
        raw_sql("SAVEPOINT waiting").execute(&mut self.connection).await?;
        let locking = query("SELECT pg_advisory_xact_lock($1)").bind(number).persistent(false);
        match locking.execute(&mut self.connection).await {
            Ok(_) => Ok(true),
            Err(sqlx::Error::Database(error)) if error.code().as_deref() == Some(NOT_FREE) => {
                raw_sql("ROLLBACK TO waiting").execute(&mut self.connection).await?;
                Ok(false)
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Frees the locks. An error says that they may have been free before.
    async fn free(mut self) -> Result<(), sqlx::Error> {
        raw_sql("COMMIT").execute(&mut self.connection).await?;
        // They are free, whatever the answer is.
        let _ = self.connection.close().await;
        Ok(())
    }
}
