//! What was committed since the last green run, from `git log`.

use std::path::Path;

use jiff::Timestamp;

use crate::checklist;
use crate::run::{Changes, Commit, Run};

use super::origin::git;

/// How many commits are listed.
const MOST: usize = 50;
/// How much of a commit's first line is kept, in characters.
const LONGEST: usize = 200;

/// A whole run in which everything that gates was green.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Green {
    /// The commit that was checked out then.
    pub commit: String,
    /// When it began.
    pub at: Timestamp,
}

/// Writes into the sections of a run what they ask for, one for one. `green` is the last green run, or why it is not
/// known; `root` is the folder that holds `checklists/`.
pub async fn tell_changes(
    run: &mut Run,
    asked: &[Option<checklist::Changes>],
    green: Result<Option<Green>, String>,
    root: &Path,
) {
    for (section, asked) in run.sections.iter_mut().zip(asked) {
        if let Some(asked) = asked {
            section.changes = Some(changes(asked, &green, root).await);
        }
    }
}

async fn changes(asked: &checklist::Changes, green: &Result<Option<Green>, String>, root: &Path) -> Changes {
    let unknown =
        |problem: String| Changes { since: String::new(), commits: Vec::new(), more: 0, problem: Some(problem) };
    let (base, since) = match (asked.since.as_str(), green) {
        ("last-green" | "last-sign-off", Err(why)) => return unknown(why.clone()),
        ("last-green" | "last-sign-off", Ok(None)) => return unknown("no green run is recorded yet".to_owned()),
        ("last-green" | "last-sign-off", Ok(Some(green))) => {
            let short: String = green.commit.chars().take(7).collect();
            (green.commit.as_str(), format!("the last green run ({short}, {})", green.at.strftime("%Y-%m-%d")))
        }
        (revision, Ok(_) | Err(_)) => (revision, revision.to_owned()),
    };
    match listed(base, &asked.paths, root).await {
        Ok((commits, more)) => Changes { since, commits, more, problem: None },
        Err(why) => unknown(why),
    }
}

/// The commits after `base`, newest first, and how many more there are.
async fn listed(base: &str, paths: &[String], root: &Path) -> Result<(Vec<Commit>, u64), String> {
    let range = format!("{base}..HEAD");
    let limit = format!("--max-count={MOST}");
    let paths: Vec<&str> = paths.iter().map(String::as_str).collect();
    let format = "--format=%h%x1f%cs%x1f%s%x1e";
    let log = ["log", "--no-color", "--no-show-signature", format, &limit, "--end-of-options", &range, "--"];
    let text = git(root, &[&log[..], &paths].concat()).await?;
    let commits: Vec<Commit> = text.split('\u{1e}').filter_map(commit).collect();
    if commits.len() < MOST {
        return Ok((commits, 0));
    }
    let count = git(root, &[&["rev-list", "--count", "--end-of-options", &range, "--"], &paths[..]].concat()).await?;
    let count: u64 = count.trim().parse().map_err(|_| "git does not count".to_owned())?;
    Ok((commits, count.saturating_sub(MOST as u64)))
}

fn commit(record: &str) -> Option<Commit> {
    let mut fields = record.trim_start().splitn(3, '\u{1f}');
    let (id, date, subject) = (fields.next()?, fields.next()?, fields.next()?);
    let subject = subject.chars().take(LONGEST).collect();
    Some(Commit { id: id.to_owned(), date: date.to_owned(), subject })
}
