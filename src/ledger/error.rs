//! Why a ledger can't be read or written, as a message. Never with a password.

use std::path::Path;

use crate::client::{Fault, sql};
use crate::diagnostic::Diagnostic;
use crate::text::error::os;

use super::place::{Location, Place};
use super::server::Refusal;

/// The problem of doing `what`, such as `open`, on a ledger.
pub fn problem(what: &str, location: &Location, refusal: &Refusal) -> Diagnostic {
    let name = &location.name;
    let (why, help) = match refusal {
        Refusal::Newer => (
            "it was made by a newer version of gate".to_owned(),
            Some("install that version, or name another ledger with `--ledger`".to_owned()),
        ),
        Refusal::Foreign => (
            "its tables are not those that gate makes".to_owned(),
            Some("name another ledger with `--ledger`".to_owned()),
        ),
        Refusal::Tracked => (
            "Git tracks this file: anyone who can commit could have written it".to_owned(),
            Some(
                "untrack it with `git rm --cached` and add it to `.gitignore`, or name another ledger with `--ledger`"
                    .to_owned(),
            ),
        ),
        Refusal::Linked(path) => (
            format!("`{path}` is a link, which SQLite would follow"),
            Some("remove the link, or name another ledger with `--ledger`".to_owned()),
        ),
        Refusal::Future(started) => (
            format!("the run is from the future: it began at {started}"),
            Some("check the clock of this machine, and that of the ledger's server".to_owned()),
        ),
        Refusal::Server(error) => server(error),
        Refusal::Folder(error) => (os(error), Some(ELSEWHERE.to_owned())),
        Refusal::Database(error) => match &location.place {
            Place::File { path, .. } => sqlite(error, path),
            Place::Postgres(_) => server(&sql::fault(error, name)),
        },
    };
    Diagnostic::error(format!("cannot {what} the ledger {name}: {why}")).maybe_help(help)
}

fn server(error: &anyhow::Error) -> (String, Option<String>) {
    let help = error.downcast_ref::<Fault>().and_then(|fault| fault.help.clone());
    (format!("{error:#}"), help.map(Into::into))
}

const ELSEWHERE: &str = "name another place with `--ledger FILE` or `GATE_LEDGER`, or leave no record: `--no-record`";

/// <https://sqlite.org/rescode.html>
fn sqlite(error: &sqlx::Error, file: &Path) -> (String, Option<String>) {
    let sqlx::Error::Database(error) = error else {
        return ("the connection to it failed".to_owned(), Some(ELSEWHERE.to_owned()));
    };
    let code = error.code().and_then(|code| code.parse::<u32>().ok()).unwrap_or_default();
    let (why, help) = match code & 0xff {
        5 | 6 => ("another process holds it".to_owned(), "is a `gate` stuck, or is the file on a network drive?"),
        8 => ("it can't be written to".to_owned(), ELSEWHERE),
        13 => ("the disk is full".to_owned(), ELSEWHERE),
        // SQLite has several codes for it.
        10 if is_full(file) => ("the disk is full".to_owned(), ELSEWHERE),
        10 => ("the disk failed".to_owned(), ELSEWHERE),
        11 | 26 => ("it is damaged, or no ledger".to_owned(), "move the file away: a new one is made"),
        14 => ("the file can't be opened".to_owned(), ELSEWHERE),
        _ => (error.message().to_owned(), ELSEWHERE),
    };
    (why, Some(help.to_owned()))
}

/// Whether the file system of a file has no space left.
fn is_full(file: &Path) -> bool {
    file.parent().and_then(|folder| rustix::fs::statvfs(folder).ok()).is_some_and(|disk| disk.f_bavail == 0)
}
