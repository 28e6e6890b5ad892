//! `alembic`: is a database at the head of its migrations?

mod ask;
mod config;
mod folder;
mod graph;
mod ini;
mod literal;
mod script;
mod state;
mod syntax;

use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};
use tokio::time::Instant;

use super::{Context, Exclusive, Fault, Probe};
use crate::client::sql::{Access, Database, DatabaseParts, DatabaseSource, DatabaseUrl, PARTS, Protocol, Request};
use config::Config;
use graph::Graph;
use state::State;

/// How many ids a line names before it only counts the rest.
const NAMED: usize = 3;

/// Compares the version table of a database with the history in the revision files. At head means that `alembic upgrade
/// heads` would change nothing.
///
/// Neither the revision files nor `env.py` are run: the files are only read.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, remote = "Self")]
pub struct Alembic {
    #[serde(rename = "..", default)]
    #[schemars(flatten, with = "DatabaseParts")]
    server: DatabaseSource,
    /// Alembic's configuration, such as `backend/alembic.ini` or a `pyproject.toml`. Default: `alembic.ini`. Relative
    /// paths in it start in its folder. Without `url` and `host`, the database is its `sqlalchemy.url`.
    config: Option<PathBuf>,
    /// The section of the configuration, as in `alembic --name`. Default: `alembic`.
    name: Option<String>,
    /// The folder with `versions/`, such as `backend/alembic`, instead of the configuration's `script_location`.
    scripts: Option<PathBuf>,
    /// The folders with revision files, such as `[backend/alembic/versions]`, instead of the configuration's
    /// `version_locations`.
    #[serde(default)]
    versions: Vec<PathBuf>,
    /// The version table, if `env.py` sets another name. Default: `alembic_version`.
    #[serde(default = "default_version_table")]
    version_table: String,
    /// The schema of the version table, if `env.py` sets one. Default: the connection's own.
    version_table_schema: Option<String>,
    /// How to find the heads: `files` reads the revision files; `command` runs `alembic heads`, for histories that
    /// can't be read without running them. Default: `files`.
    #[serde(default)]
    heads: Source,
    /// The command that runs alembic, for `heads: command`, such as `[poetry, run, alembic]`. Default: `[alembic]`.
    #[serde(default = "default_command")]
    command: Vec<String>,
    /// Don't verify TLS. Every report shows it.
    #[serde(default)]
    insecure: bool,
    /// A file of PEM certificates to trust besides the system's, such as `deploy/ca.pem`.
    ca: Option<PathBuf>,
}

/// How to find the heads.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub enum Source {
    /// Reads the revision files.
    #[default]
    Files,
    /// Runs alembic.
    Command,
}

/// The state of a database in its history.
#[derive(Debug, Clone, Default, PartialEq, Serialize, JsonSchema)]
pub struct AlembicSeen {
    /// The ids in the version table, sorted.
    pub current: Vec<String>,
    /// The revisions that nothing follows, as `alembic heads` prints them, sorted.
    pub heads: Vec<String>,
    /// Whether `alembic upgrade heads` would change nothing.
    pub at_head: bool,
    /// The revisions that `alembic upgrade heads` would apply, in order. Absent if that is not known: after `heads:
    /// command`, and when the version table contains an unknown id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pending: Option<Vec<String>>,
    /// The ids in the version table that no revision file has. Absent after `heads: command`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unknown: Option<Vec<String>>,
    /// The ids in the version table that another id there already implies; alembic refuses to upgrade then. Absent
    /// after `heads: command`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub overlapping: Option<Vec<String>>,
    /// Whether there is a version table.
    pub table_exists: bool,
    /// Other schemas that have a table of that name.
    #[serde(skip)]
    elsewhere: Vec<String>,
    /// Whether Django keeps its migrations there.
    #[serde(skip)]
    is_django: bool,
}

/// The revisions, from the revision files or from alembic.
enum History {
    Files(Graph),
    Command(ask::Heads),
}

impl Probe for Alembic {
    const KIND: &'static str = "alembic";
    const EXPECT: &'static str = "{ at_head: true }";
    const EXCLUSIVE: &'static [Exclusive] = &[("url", PARTS)];
    const PRESENT: Option<(&'static str, &'static str)> = Some(("table_exists", "true"));
    const EXAMPLE: &'static str = r#"alembic: { url: "${secrets.DATABASE_URL}", config: backend/alembic.ini }
expect: { current: [014_trace_mismatches] }
"#;
    const TAKES_VIA: bool = true;
    type Observation = AlembicSeen;

    async fn observe(&self, cx: &Context) -> Result<AlembicSeen, Fault> {
        let begun = Instant::now();
        let (settings, project) = (self.clone(), cx.env.cwd.join(&cx.dir));
        let reading = tokio::task::spawn_blocking(move || settings.read(&project));
        let (history, url, dir) = reading.await.map_err(|_| Fault::new("reading the revision files crashed"))??;
        let history = match history {
            Some(graph) => History::Files(graph),
            None => History::Command(ask::heads(&self.argv(cx), &dir).await?),
        };
        let request = Request {
            url,
            insecure: self.insecure,
            ca: self.ca.clone(),
            access: Access::Read,
            protocol: Protocol::Extended,
        };
        // A file of the configuration's own URL is relative to where alembic runs.
        let mut place = cx.clone();
        if self.server.url().is_none() {
            place.dir = dir.into();
        }
        let (table, schema) = (self.version_table.clone(), self.version_table_schema.clone());
        let asking = Database::with(request, begun, &place, async move |database| {
            State::read(database, &table, schema.as_deref()).await
        });
        Ok(history.seen(asking.await?))
    }

    fn evidence(&self, seen: &AlembicSeen) -> String {
        let current = match seen.current.as_slice() {
            [] if !seen.table_exists => format!("no table `{}`", self.table()),
            [] => "no revision applied".to_owned(),
            ids => listed(ids),
        };
        let pending = seen.pending.as_deref().unwrap_or_default().len();
        match (&seen.unknown, &seen.overlapping) {
            _at_head if seen.at_head => format!("{current}, at head"),
            (Some(ids), _) if !ids.is_empty() => format!("{current}, unknown to the revision files"),
            (_, Some(ids)) if !ids.is_empty() => format!("{current}, but one implies another"),
            _behind if pending > 0 => format!("{current}, {pending} pending"),
            _behind => format!("{current}, not at head"),
        }
    }

    fn advice(&self, seen: &AlembicSeen) -> Option<String> {
        if seen.at_head {
            return None;
        }
        let some = |ids: &Option<Vec<String>>| ids.as_ref().filter(|ids| !ids.is_empty()).map(|ids| listed(ids));
        let table = self.table();
        if let Some(ids) = some(&seen.unknown) {
            return Some(format!(
                "no revision file has {ids}: the database is ahead of this checkout, or of another branch. Check out the \
                 commit that was deployed, or find out who migrated it"
            ));
        }
        if let Some(ids) = some(&seen.overlapping) {
            return Some(format!(
                "`{table}` names {ids} besides what comes after it, and alembic refuses to upgrade: find out who wrote \
                 that row, and delete it"
            ));
        }
        let upgrade = match some(&seen.pending) {
            Some(ids) => {
                format!("run `alembic upgrade heads`: {} pending: {ids}", seen.pending.iter().flatten().count())
            }
            None => format!("the heads are {}: run `alembic upgrade heads`", listed(&seen.heads)),
        };
        match seen.elsewhere.as_slice() {
            _exists if seen.table_exists => Some(upgrade),
            _here if seen.is_django => Some(format!(
                "no table `{table}`, but Django's `django_migrations`: use a `command` with `manage.py migrate --check`"
            )),
            [] => Some(format!("table `{table}` not found: is this the right database? If it is, {upgrade}")),
            elsewhere => Some(format!(
                "table `{table}` not found here, but in the schema {}: say so with `version_table_schema`",
                listed(elsewhere)
            )),
        }
    }

    fn is_insecure(&self) -> bool {
        self.insecure
    }

    fn reproduce(&self) -> Option<Vec<String>> {
        let mut argv = self.command.clone();
        argv.extend(self.options(self.config_path()));
        argv.push("current".to_owned());
        Some(argv)
    }
}

impl Alembic {
    /// The history from the files, the database's URL, and the folder in which alembic runs. It blocks.
    fn read(&self, project: &Path) -> Result<(Option<Graph>, DatabaseUrl, PathBuf), Fault> {
        let path = project.join(self.config_path());
        let is_needed = self.server.url().is_none() || self.config.is_some();
        let is_explicit = self.scripts.is_some() || !self.versions.is_empty();
        let config = if is_explicit && !is_needed && !path.exists() {
            Config { dir: project.to_owned(), ..Config::default() }
        } else {
            Config::read(&path, self.name.as_deref().unwrap_or("alembic"), project)?
        };
        let graph = match self.heads {
            Source::Command => None,
            Source::Files => {
                let folders = config.folders(self.scripts.as_deref(), &self.versions, project)?;
                let kind = folder::Kind { recursive: config.recursive, sourceless: config.sourceless };
                Some(Graph::new(folder::read(&folders, kind, project)?)?)
            }
        };
        let url = match self.server.url() {
            Some(url) => url.clone(),
            None => config.database_url().map_err(|why| {
                Fault::new(format!("`{}`: {why}", self.config_path().display()))
                    .help("say where the database is with `url`, such as `url: ${secrets.DATABASE_URL}`")
            })?,
        };
        Ok((graph, url, config.dir))
    }

    fn config_path(&self) -> &Path {
        self.config.as_deref().unwrap_or(Path::new("alembic.ini"))
    }

    /// The command line that prints the heads. It runs in the configuration's folder.
    fn argv(&self, cx: &Context) -> Vec<String> {
        let mut argv = ask::program(&self.command, &cx.env.cwd.join(&cx.dir));
        argv.extend(self.options(self.config_path().file_name().map_or(Path::new("alembic.ini"), Path::new)));
        argv.push("heads".to_owned());
        argv
    }

    fn options(&self, config: &Path) -> Vec<String> {
        let mut options = Vec::new();
        if config != Path::new("alembic.ini") {
            options.extend(["-c".to_owned(), config.display().to_string()]);
        }
        if let Some(name) = &self.name {
            options.extend(["-n".to_owned(), name.clone()]);
        }
        options
    }

    /// The version table, as messages name it.
    fn table(&self) -> String {
        match &self.version_table_schema {
            Some(schema) => format!("{schema}.{}", self.version_table),
            None => self.version_table.clone(),
        }
    }

    /// Checks rules that a schema can't express.
    fn validate(&self) -> Result<(), &'static str> {
        if self.command.is_empty() {
            return Err("`command` needs at least a program, such as `[alembic]`");
        }
        let is_explicit = self.scripts.is_some() || !self.versions.is_empty();
        match self.heads {
            Source::Command if is_explicit => {
                Err("with `heads: command` alembic finds its revision files itself: drop `scripts` and `versions`")
            }
            Source::Files if self.command != default_command() => Err("`command` is of use only with `heads: command`"),
            Source::Command | Source::Files => Ok(()),
        }
    }
}

impl<'de> Deserialize<'de> for Alembic {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let alembic = Alembic::deserialize(deserializer)?;
        alembic.validate().map_err(D::Error::custom)?;
        Ok(alembic)
    }
}

impl History {
    fn seen(&self, state: State) -> AlembicSeen {
        let State { table_exists, ids: current, elsewhere, is_django } = state;
        let seen = AlembicSeen { table_exists, elsewhere, is_django, ..AlembicSeen::default() };
        match self {
            Self::Command(heads) => {
                // A revision that another depends on has no row once that is applied.
                let at_head = current == heads.effective;
                AlembicSeen { at_head, heads: heads.all.clone(), current, ..seen }
            }
            Self::Files(graph) => {
                let migration_state = graph.migration_state(&current);
                let is_known = migration_state.unknown.is_empty();
                AlembicSeen {
                    at_head: is_known && migration_state.pending.is_empty() && migration_state.overlapping.is_empty(),
                    heads: graph.heads(),
                    pending: is_known.then_some(migration_state.pending),
                    unknown: Some(migration_state.unknown),
                    overlapping: Some(migration_state.overlapping),
                    current,
                    ..seen
                }
            }
        }
    }
}

/// The ids, as many as fit in a line.
fn listed(ids: &[String]) -> String {
    match ids.get(..NAMED) {
        Some(first) if ids.len() > NAMED => format!("{} and {} more", first.join(", "), ids.len() - NAMED),
        _short => ids.join(", "),
    }
}

fn default_version_table() -> String {
    "alembic_version".to_owned()
}

fn default_command() -> Vec<String> {
    vec!["alembic".to_owned()]
}

#[cfg(test)]
mod tests;
