//! The files below a folder of this machine.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use crate::probe::Fault;
use crate::text::error;

use super::{MOST, Object, too_many};

/// Every file below the folder; nothing if the folder does not exist. Links to files count, links to folders are not
/// followed.
///
/// # Errors
/// When something in it can't be read.
pub async fn list(folder: PathBuf) -> Result<Option<Vec<Object>>, Fault> {
    let listed = tokio::task::spawn_blocking(move || below(&folder)).await;
    listed.unwrap_or_else(|_| Err(Fault::new("cannot list the folder")))
}

/// All of a small file.
///
/// # Errors
/// When it can't be read.
pub async fn read(path: &Path) -> Result<Vec<u8>, Fault> {
    tokio::fs::read(path).await.map_err(|problem| unread(path, &problem))
}

fn below(folder: &Path) -> Result<Option<Vec<Object>>, Fault> {
    match fs::metadata(folder) {
        Err(problem) if problem.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(problem) => return Err(unread(folder, &problem)),
        Ok(there) if !there.is_dir() => {
            let fault = Fault::new(format!("`{}` is a file", folder.display()));
            return Err(fault.help("name the folder that it is in, and give its name as `name`"));
        }
        Ok(_) => {}
    }
    let mut found = Vec::new();
    let mut open = vec![folder.to_owned()];
    while let Some(next) = open.pop() {
        for entry in fs::read_dir(&next).map_err(|problem| unread(&next, &problem))? {
            let entry = entry.map_err(|problem| unread(&next, &problem))?;
            let path = entry.path();
            let kind = entry.file_type().map_err(|problem| unread(&path, &problem))?;
            if kind.is_dir() {
                open.push(path);
                continue;
            }
            let there = match fs::metadata(&path) {
                // Removed in this moment, or a link to nothing.
                Err(problem) if problem.kind() == io::ErrorKind::NotFound => continue,
                Err(problem) => return Err(unread(&path, &problem)),
                Ok(there) if !there.is_file() => continue,
                Ok(there) => there,
            };
            let modified = there.modified().ok().and_then(|time| Timestamp::try_from(time).ok());
            let modified = modified.ok_or_else(|| Fault::new(format!("`{}` has no time", path.display())))?;
            let name = path.strip_prefix(folder).unwrap_or(&path).display().to_string();
            found.push(Object { path: name, modified, size: there.len() });
            if found.len() > MOST {
                return Err(too_many());
            }
        }
    }
    Ok(Some(found))
}

fn unread(path: &Path, problem: &io::Error) -> Fault {
    let fault = Fault::new(format!("cannot read `{}`: {}", path.display(), error::os(problem)));
    match problem.kind() {
        io::ErrorKind::PermissionDenied => fault.help("run gate as a user who may read it"),
        _ => fault,
    }
}
