//! `backup`: how old and how large is the newest backup, and can it be read?

mod content;
mod folder;
mod limited;
mod place;
mod profile;
mod restore;
mod side;
mod store;

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::path::PathBuf;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};

use super::{Context, Fault, Probe};
use content::{LARGEST_EMPTY, is_empty};
use place::{Pattern, Place};
use side::is_side_file;

/// More files than a folder of backups has.
const MOST: usize = 100_000;

/// Finds the newest backup in a folder, or in S3, Google Cloud Storage or Azure Blob Storage, and checks its age, size
/// and content.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, remote = "Self")]
pub struct Backup {
    /// Where the backups are: a folder such as `/var/backups/db`, or `s3://bucket/db`, `gs://bucket/db`,
    /// `az://container/db`. Everything below it counts.
    #[serde(rename = "in")]
    place: Place,
    /// Which files are backups: a pattern for the file's name such as `staging-*.dump`, or with a `/` in it, for the
    /// path below `in`. Default: all files, except logs, checksums (`.md5`, `.sha256`, …), hidden files and unfinished
    /// ones (`.tmp`, `.partial`, `.in_progress`, …), which count only if the pattern ends in the same way.
    name: Option<Pattern>,
    /// Number of earlier backups whose median size is the baseline. Default: 7.
    #[serde(default = "seven")]
    compare: NonZeroUsize,
    /// Let `pg_restore` read the whole newest backup. One in a store is downloaded for that. It needs PostgreSQL's
    /// `pg_restore` here, and a dump that is not plain SQL.
    #[serde(default)]
    pg_restore: bool,
    /// Options of the store, with the names of the `object_store` crate. For S3 `access_key_id`, `secret_access_key`,
    /// `region`, `endpoint`; for Google `service_account_key`; for Azure `account_name` with `account_key` or
    /// `sas_token`. Default for S3: the variables `AWS_…`, then the profile `AWS_PROFILE` of `~/.aws`, then the
    /// machine's role; for the others the variables `GOOGLE_…` and `AZURE_…`, then the machine's role.
    #[serde(default)]
    options: BTreeMap<String, String>,
    /// A file of PEM certificates to trust besides the system's, for a store with its own authority.
    ca: Option<PathBuf>,
}

/// The backups that were found.
#[derive(Debug, Clone, Default, PartialEq, Serialize, JsonSchema)]
pub struct BackupSeen {
    /// Whether there is a backup.
    pub exists: bool,
    /// Number of backups.
    pub count: usize,
    /// The path of the newest backup, below `in`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub newest: Option<String>,
    /// When it was written, such as `2025-12-06T02:00:00Z`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub modified: Option<Timestamp>,
    /// Its size in bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub size: Option<u64>,
    /// Whether the newest backup is empty: no bytes, or an archive or a compressed file without content.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub empty: Option<bool>,
    /// Number of files that were not counted: logs, checksums, and unfinished ones.
    pub skipped: usize,
    /// Median size of the backups before it, as many as `compare` says, in bytes. Absent if there are none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub median_size: Option<u64>,
    /// Size of the newest divided by that median. Absent if there are none, or they are empty.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub size_ratio: Option<f64>,
    /// Number of entries that `pg_restore` would restore, with `pg_restore: true`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub entries: Option<usize>,
    /// Why `pg_restore` can't read it. Absent if it can, or did not run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
    #[serde(skip)]
    has_place: bool,
}

/// One backup.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Object {
    /// Its path below the place.
    pub path: String,
    /// When it was written.
    pub modified: Timestamp,
    /// Its size in bytes.
    pub size: u64,
}

impl Probe for Backup {
    const KIND: &'static str = "backup";
    const EXPECT: &'static str =
        "{ exists: true, size: { above: 0 }, empty: false, modified: { newer_than: 26h }, problem: { exists: false } }";
    const PRESENT: Option<(&'static str, &'static str)> = Some(("exists", "true"));
    const EXAMPLE: &'static str = r#"backup: { in: "s3://acme-backups/staging", name: "*.dump", pg_restore: true, options: { region: eu-central-1 } }
expect: { size_ratio: { at_least: 0.5 }, entries: { above: 0 } }
timeout: 5m
"#;
    type Observation = BackupSeen;

    async fn observe(&self, cx: &Context) -> Result<BackupSeen, Fault> {
        let store = match &self.place {
            Place::Folder(_) => None,
            Place::Store(bucket) => Some(store::open(bucket, &self.options, self.ca.as_ref(), cx).await?),
        };
        let found = match (&self.place, &store) {
            (Place::Store(_), Some(store)) => Some(store.list().await?),
            (Place::Folder(path), _) => folder::list(cx.path(path)).await?,
            (Place::Store(_), None) => None,
        };
        let has_place = found.is_some();
        let mut objects = found.unwrap_or_default();
        objects.retain(|object| self.name.as_ref().is_none_or(|pattern| pattern.matches(&object.path)));
        let all = objects.len();
        let pattern = self.name.as_ref().map(ToString::to_string);
        objects.retain(|object| !is_side_file(&object.path, pattern.as_deref()));
        let skipped = all - objects.len();
        objects.sort_by(|one, other| (one.modified, &one.path).cmp(&(other.modified, &other.path)));
        while let (Some(store), Some(newest)) = (&store, objects.last())
            && newest.size == 0
            && !store.has(&newest.path).await?
        {
            objects.pop();
        }
        let mut seen = BackupSeen { count: objects.len(), skipped, has_place, ..BackupSeen::default() };
        let Some(newest) = objects.pop() else { return Ok(seen) };
        seen.median_size = median(objects.iter().rev().take(self.compare.get()).map(|object| object.size).collect());
        #[expect(clippy::cast_precision_loss, reason = "a size of 9 PB may be off by a byte")]
        let ratio = |median: u64| newest.size as f64 / median as f64;
        seen.size_ratio = seen.median_size.filter(|median| *median > 0).map(ratio);
        (seen.modified, seen.size) = (Some(newest.modified), Some(newest.size));
        seen.empty = Some(match (&store, &self.place) {
            _ if newest.size > LARGEST_EMPTY => false,
            (Some(store), _) if newest.size > 0 => is_empty(&store.read(&newest.path).await?),
            (None, Place::Folder(path)) => is_empty(&folder::read(&cx.path(path).join(&newest.path)).await?),
            (Some(_), _) | (None, Place::Store(_)) => true,
        });
        if self.pg_restore {
            let read = match (&store, &self.place) {
                (Some(store), _) => restore::read(store.fetch(&newest).await?.path(), cx).await?,
                (None, Place::Folder(path)) => restore::read(&cx.path(path).join(&newest.path), cx).await?,
                (None, Place::Store(_)) => Ok(0),
            };
            match read {
                Ok(entries) => seen.entries = Some(entries),
                Err(problem) => seen.problem = Some(problem),
            }
        }
        (seen.exists, seen.newest) = (true, Some(newest.path));
        Ok(seen)
    }

    fn evidence(&self, seen: &BackupSeen) -> String {
        match (&seen.newest, seen.entries) {
            (None, _) if !seen.has_place => format!("`{}` does not exist", self.place),
            (None, _) => "no backup".to_owned(),
            (Some(newest), _) if seen.empty == Some(true) => format!("{newest}, empty"),
            (Some(newest), None) => newest.clone(),
            (Some(newest), Some(entries)) => format!("{newest}, restorable entries: {entries}"),
        }
    }

    fn advice(&self, seen: &BackupSeen) -> Option<String> {
        let place = self.place.to_string();
        match (&seen.newest, &seen.problem) {
            (None, _) if !seen.has_place => {
                Some(format!("`{place}` does not exist: has a backup run, and is the path right?"))
            }
            (None, _) if seen.skipped > 0 => Some(format!(
                "`{place}` contains only logs, checksums and unfinished files ({}): has the job finished?",
                seen.skipped
            )),
            (None, _) => Some(match &self.name {
                Some(name) => {
                    format!("no file below `{place}` matches `{name}`: has the job run, and is that its name?")
                }
                None => format!("`{place}` is empty: has the job run?"),
            }),
            (Some(newest), Some(_)) => {
                Some(format!("{newest} can't be restored: see the log of the job that made it, and check its disk"))
            }
            (Some(newest), None) if seen.empty == Some(true) => Some(format!(
                "{newest} has no content: see the log of the job; a failed dump piped into gzip has this result"
            )),
            (Some(newest), None) => Some(format!("the newest is {newest}: see the log of the job's last run")),
        }
    }

    fn reproduce(&self) -> Option<Vec<String>> {
        Some(self.place.reproduce())
    }
}

impl<'de> Deserialize<'de> for Backup {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let backup = Backup::deserialize(deserializer)?;
        match &backup.place {
            Place::Folder(_) if !backup.options.is_empty() || backup.ca.is_some() => {
                Err(D::Error::custom("`options` and `ca` are for a store: a folder has none"))
            }
            Place::Folder(_) => Ok(backup),
            Place::Store(bucket) => {
                backup.options.keys().try_for_each(|key| bucket.provider.knows(key)).map_err(D::Error::custom)?;
                Ok(backup)
            }
        }
    }
}

/// The value in the middle; of an even number, the lower one.
fn median(mut sizes: Vec<u64>) -> Option<u64> {
    sizes.sort_unstable();
    sizes.get(sizes.len().saturating_sub(1) / 2).copied()
}

fn too_many() -> Fault {
    Fault::new(format!("there are more than {MOST} files")).help("use a folder that contains only backups")
}

fn seven() -> NonZeroUsize {
    NonZeroUsize::new(7).expect("it is not 0")
}
