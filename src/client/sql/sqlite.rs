//! SQLite: a file, opened without the right to write, and read until the deadline.

use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::Value;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteRow};
use sqlx::{Column as _, ConnectOptions as _, Row as _, TypeInfo as _, ValueRef as _};
use tokio::time::Instant;

use crate::client::{Context, Fault, file};

use super::Access;
use super::error::fault_of;
use super::url::SqliteFile;
use super::value::{Unshowable, float, hex};

/// How many steps of its machine SQLite takes between two looks at the clock: some tenths of a millisecond.
const STEPS: i32 = 10_000;

/// The largest value or row, in bytes. A larger one is an error of SQLite's.
const MAX_VALUE: i32 = 8 << 20;

/// Stops a running statement when it is dropped: it runs in a thread of its own, which no one else could stop.
pub struct Stop(Arc<AtomicBool>);

impl Drop for Stop {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Opens the file, which must exist.
pub async fn open(
    named: &SqliteFile,
    access: Access,
    place: &str,
    deadline: Instant,
    cx: &Context,
) -> anyhow::Result<(SqliteConnection, Stop)> {
    let path = find(named, cx)?;
    let left = deadline.saturating_duration_since(Instant::now());
    let options = SqliteConnectOptions::new()
        .filename(&path)
        .create_if_missing(false)
        // A quarter is left, also on a busy machine, to say that the file is locked.
        .busy_timeout(left.mul_f32(0.75))
        .statement_cache_capacity(0)
        .foreign_keys(true);
    let options = match access {
        Access::Read => options.read_only(true).immutable(is_at_rest(&path)).pragma("query_only", "on"),
        Access::Write => options,
    };
    let mut connection = options.connect().await.map_err(|error| fault_of(&error, place, access))?;
    let stop = Arc::new(AtomicBool::new(false));
    let stopped = Arc::clone(&stop);
    let deadline = deadline.into_std();
    let mut handle = connection.lock_handle().await.map_err(|error| fault_of(&error, place, access))?;
    handle
        .set_progress_handler(STEPS, move || !stopped.load(Ordering::Relaxed) && std::time::Instant::now() < deadline);
    // SAFETY: the connection is locked and open, and the call only sets a number.
    unsafe {
        libsqlite3_sys::sqlite3_limit(handle.as_raw_handle().as_ptr(), libsqlite3_sys::SQLITE_LIMIT_LENGTH, MAX_VALUE)
    };
    drop(handle);
    Ok((connection, Stop(stop)))
}

/// Whether a database with a write-ahead log has an empty log at the moment, so that no process is writing. Reading it
/// would leave an empty log beside it, unless SQLite knows that the file does not change.
fn is_at_rest(path: &Path) -> bool {
    let mut header = [0; 20];
    let is_read = std::fs::File::open(path).and_then(|mut database| database.read_exact(&mut header)).is_ok();
    let mut log = path.as_os_str().to_owned();
    log.push("-wal");
    // <https://sqlite.org/fileformat.html>: version 2 is a write-ahead log.
    is_read && header[18] == 2 && !Path::new(&log).exists()
}

fn find(named: &SqliteFile, cx: &Context) -> anyhow::Result<PathBuf> {
    let path = cx.path(&named.path);
    let paths = [Some(path.clone()), named.otherwise.clone()];
    let Some(found) = paths.into_iter().flatten().find(|path| path.exists()) else {
        let fault = Fault::new(format!("file `{}` not found", path.display()));
        return Err(match &named.otherwise {
            Some(absolute) => fault.help(format!(
                "`sqlite:///{}` is relative to the folder that contains `checklists/`; for an absolute path, use four slashes: `sqlite:///{}`",
                named.path.display(),
                absolute.display()
            )),
            None => fault.help("check the path: a relative one starts at the folder that contains `checklists/`"),
        }
        .into());
    };
    // A pipe or a device could be read forever.
    match file::open(&found) {
        Ok(None) if found.is_dir() => {
            Err(Fault::new(format!("`{}` is a folder, not a database", found.display())).into())
        }
        Ok(None) => Err(Fault::new(format!("`{}` is not a regular file", found.display())).into()),
        // SQLite reports why a file can't be opened.
        Ok(Some(_)) | Err(_) => Ok(found),
    }
}

/// The value of a row as JSON.
pub fn json(row: &SqliteRow, index: usize) -> Result<Value, Unshowable> {
    let raw = row.try_get_raw(index).map_err(Unshowable::driver)?;
    if raw.is_null() {
        return Ok(Value::Null);
    }
    let declared = row.column(index).type_info().name().to_owned();
    // Every value has its own type here; the declared type of the column matters only for booleans.
    let stored = raw.type_info().name().to_owned();
    match stored.as_str() {
        "REAL" => Ok(float(row.try_get_unchecked::<f64, _>(index).map_err(Unshowable::driver)?)),
        "BLOB" => Ok(hex(&row.try_get_unchecked::<Vec<u8>, _>(index).map_err(Unshowable::driver)?)),
        "INTEGER" => {
            let whole = row.try_get_unchecked::<i64, _>(index).map_err(Unshowable::driver)?;
            match whole {
                0 | 1 if declared == "BOOLEAN" => Ok((whole == 1).into()),
                whole => Ok(whole.into()),
            }
        }
        _ => Ok(row.try_get_unchecked::<String, _>(index).map_err(Unshowable::driver)?.into()),
    }
}
