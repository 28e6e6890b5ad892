//! The location of the ledger: a file beside the checklists by default, another file, or a PostgreSQL server.

use std::path::{Path, PathBuf};

use crate::checklist::shown;
use crate::client::sql::{self, DatabaseUrl};
use crate::client::ssh::Host;
use crate::diagnostic::Diagnostic;
use crate::env::Env;
use crate::writer::{confine, repository};

/// The folder beside `checklists/` with gate's own data.
pub const FOLDER: &str = ".gate";
const FILE: &str = "ledger.db";

/// How many runs of a checklist are kept, unless `GATE_LEDGER_KEEP` is set.
pub const KEEP: usize = 1000;

/// The location of a ledger, and how much of it is kept.
#[derive(Debug, Clone)]
pub struct Location {
    /// File or server.
    pub place: Place,
    /// Its name in messages: the file, or host and port. Never a password.
    pub name: String,
    /// How many runs of a checklist are kept.
    pub keep: usize,
    /// The machine through which a server is reached.
    pub via: Option<Host>,
}

/// A file or a server.
#[derive(Debug, Clone)]
pub enum Place {
    /// A file of SQLite. Its folder is gate's own if it is the default.
    File {
        /// The file.
        path: PathBuf,
        /// Whether its folder is gate's, to be made and kept out of Git.
        is_own: bool,
    },
    /// A server of PostgreSQL.
    Postgres(DatabaseUrl),
}

impl Location {
    /// The file, where it is one.
    pub fn file(&self) -> Option<&Path> {
        match &self.place {
            Place::File { path, .. } => Some(path),
            Place::Postgres(_) => None,
        }
    }

    /// The ledger of `--ledger`, else of `GATE_LEDGER`, else `.gate/ledger.db` in the folder that holds `checklists/`.
    /// `via` is what `--ledger-via` says.
    ///
    /// # Errors
    /// When what was said is not a place for a ledger.
    pub fn of(given: Option<&str>, via: Option<&str>, root: &Path, env: &Env) -> Result<Self, Diagnostic> {
        let keep = keep(env)?;
        let via_is_given = via.is_some();
        let via = via_of(via, env)?;
        let is_server = |said: &str| said.trim().starts_with("postgres");
        let named = given.or_else(|| env.var("GATE_LEDGER").filter(|said| !said.trim().is_empty()));
        if via_is_given && !named.is_some_and(is_server) {
            let problem = Diagnostic::error("`--ledger-via` needs a ledger on a PostgreSQL server");
            return Err(problem.help("name it with `--ledger postgres://user:password@host/name`"));
        }
        let Some(said) = named else {
            let path = root.join(FOLDER).join(FILE);
            confine(&path, repository(root)).map_err(|why| {
                let title = format!("cannot use `{}`: {why}", shown(&path, &env.cwd));
                Diagnostic::error(title).help("name another ledger: `--ledger PATH`")
            })?;
            return Ok(Self {
                name: format!("`{}`", shown(&path, &env.cwd)),
                place: Place::File { path, is_own: true },
                keep,
                via: None,
            });
        };
        let option = if given.is_some() { "--ledger" } else { "GATE_LEDGER" };
        let file = |path: &Path| {
            let path = env.cwd.join(path);
            Self {
                name: format!("`{}`", shown(&path, &env.cwd)),
                place: Place::File { path, is_own: false },
                keep,
                via: None,
            }
        };
        if is_path(said) {
            return Ok(file(Path::new(said)));
        }
        let help = "write `postgres://user:password@host/name`, or a file as `./NAME`";
        let unusable = |why: &str| Diagnostic::error(format!("`{option}`: {why}")).help(help);
        let (scheme, rest) = said.trim().split_once(':').unwrap_or_default();
        match scheme.to_ascii_lowercase().split('+').next().unwrap_or_default() {
            "postgres" | "postgresql" | "sqlite" | "jdbc" => {}
            "mysql" | "mariadb" => return Err(unusable("MySQL can't hold a ledger")),
            _ if rest.starts_with("//") && scheme.chars().all(|c| c.is_ascii_alphanumeric()) => {
                return Err(unusable(&format!("unsupported scheme `{scheme}`")));
            }
            _ => return Err(unusable("this is neither a database URL nor the path of a file")),
        }
        let url = DatabaseUrl::parse(said).map_err(|why| unusable(&why))?;
        match url.place() {
            // Others write there too: one person's variable must not remove their runs.
            sql::Place::Postgres(_) => {
                Ok(Self { name: url.name(), place: Place::Postgres(url), keep: keep.max(KEEP), via })
            }
            sql::Place::Sqlite(sqlite) => Ok(file(sqlite.otherwise.as_ref().unwrap_or(&sqlite.path))),
            sql::Place::MySql(_) => Err(unusable("MySQL can't hold a ledger")),
        }
    }
}

/// Whether this can only be a path: what looks like a URL or like libpq's `host=h password=p` is one only behind `./` or
/// `/`, so that no file is named after a password.
fn is_path(said: &str) -> bool {
    said.starts_with(['.', '/']) || !said.contains([':', '@', '='])
}

/// The host of `--ledger-via`, else of `GATE_LEDGER_VIA`.
fn via_of(given: Option<&str>, env: &Env) -> Result<Option<Host>, Diagnostic> {
    let named = given.or_else(|| env.var("GATE_LEDGER_VIA").filter(|said| !said.trim().is_empty()));
    let option = if given.is_some() { "--ledger-via" } else { "GATE_LEDGER_VIA" };
    let read = |said: &str| Host::read(said.trim()).map_err(|why| Diagnostic::error(format!("`{option}`: {why}")));
    named.map(read).transpose()
}

fn keep(env: &Env) -> Result<usize, Diagnostic> {
    let Some(said) = env.var("GATE_LEDGER_KEEP").filter(|said| !said.is_empty()) else { return Ok(KEEP) };
    said.parse().ok().filter(|keep| *keep > 0).ok_or_else(|| {
        Diagnostic::error(format!("`GATE_LEDGER_KEEP` is `{said}`, which is not a number above 0"))
            .help(format!("it says how many runs of a checklist are kept; {KEEP} if it is not set"))
    })
}
