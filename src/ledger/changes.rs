//! The commits since the last green run or the last sign-off, from `git log`.

use std::path::Path;

use jiff::Timestamp;

use crate::checklist::{self, ListFile, Since, demands_at};
use crate::client::git::git;
use crate::env::Env;
use crate::probe::Registry;
use crate::run::{Changes, Commit, Demands, Run, Weaker, weaker};
use crate::sign_off::LastSignOff;

/// How many commits are listed.
const MOST: usize = 50;
/// How much of a commit's first line is kept, in characters.
const LONGEST: usize = 200;

/// A full run in which every required item was green.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Green {
    /// The commit that was checked out then.
    pub commit: String,
    /// When it began.
    pub at: Timestamp,
}

/// The revisions of `last-green` and `last-sign-off`.
#[derive(Debug, Clone)]
pub struct ChangeBases {
    /// The last green run, or why it is not known.
    pub green: Result<Option<Green>, String>,
    /// The last sign-off of another subject.
    pub sign_off: Option<LastSignOff>,
}

/// Lists the commits in each section with `changes`, and what got weaker in the checklist.
pub async fn list_changes(
    run: &mut Run,
    asked: &[Option<checklist::Changes>],
    bases: ChangeBases,
    file: &ListFile,
    env: &Env,
) {
    if asked.iter().all(Option::is_none) {
        return;
    }
    let now = run.demands();
    for (section, asked) in run.sections.iter_mut().zip(asked) {
        if let Some(asked) = asked {
            section.changes = Some(changes(asked, &bases, file, &now, env).await);
        }
    }
}

async fn changes(
    asked: &checklist::Changes,
    bases: &ChangeBases,
    file: &ListFile,
    now: &Demands,
    env: &Env,
) -> Changes {
    let unknown = |problem: String| Changes { problem: Some(problem), ..Changes::default() };
    let (base, since) = match (&asked.since, &bases.sign_off, &bases.green) {
        (Since::Revision(revision), ..) => (revision.as_str(), revision.clone()),
        (Since::LastSignOff, Some(LastSignOff { commit: None, .. }), _) => {
            return unknown("the run that was signed last was of no commit".to_owned());
        }
        (Since::LastSignOff, Some(LastSignOff { commit: Some(commit), signed }), _) => {
            (commit.as_str(), format!("the last sign-off ({}: {})", short(commit), signed))
        }
        (Since::LastSignOff | Since::LastGreen, _, Err(why)) => return unknown(why.clone()),
        (Since::LastSignOff, None, Ok(None)) => {
            return unknown("nothing else was signed off, and no run was green".to_owned());
        }
        (Since::LastGreen, _, Ok(None)) => return unknown("no green run is recorded yet".to_owned()),
        (Since::LastSignOff | Since::LastGreen, _, Ok(Some(Green { commit, at }))) => {
            (commit.as_str(), format!("the last green run ({}, {})", short(commit), at.strftime("%Y-%m-%d")))
        }
    };
    match listed(base, &asked.paths, &file.root, env).await {
        Ok((commits, more)) => {
            let (weaker, uncompared) = match compared(base, file, now, env).await {
                Ok(weaker) => (weaker, None),
                Err(why) => (Vec::new(), Some(why)),
            };
            Changes { since, commits, more, problem: None, weaker, uncompared }
        }
        Err(why) => unknown(why),
    }
}

/// Requirements of the checklist that are weaker than at `base`.
async fn compared(base: &str, file: &ListFile, now: &Demands, env: &Env) -> Result<Vec<Weaker>, String> {
    let then = demands_at(file, base, env, &Registry::built_in()).await?;
    Ok(then.map(|then| weaker(&then, now)).unwrap_or_default())
}

fn short(commit: &str) -> &str {
    commit.get(..7).unwrap_or(commit)
}

/// The commits after `base`, newest first, and how many more there are.
async fn listed(base: &str, paths: &[String], root: &Path, env: &Env) -> Result<(Vec<Commit>, u64), String> {
    let range = format!("{base}..HEAD");
    let limit = format!("--max-count={MOST}");
    let paths: Vec<&str> = paths.iter().map(String::as_str).collect();
    let format = "--format=%h%x1f%cs%x1f%s%x1e";
    let log = [
        "log",
        "--no-color",
        "--no-show-signature",
        "--no-ext-diff",
        "--no-textconv",
        format,
        &limit,
        "--end-of-options",
        &range,
        "--",
    ];
    let text = git(root, &[&log[..], &paths].concat(), env).await?;
    let commits: Vec<Commit> = text.split('\u{1e}').filter_map(commit).collect();
    if commits.len() < MOST {
        return Ok((commits, 0));
    }
    let count = ["rev-list", "--count", "--end-of-options", &range, "--"];
    let count = git(root, &[&count[..], &paths].concat(), env).await?;
    let count: u64 = count.trim().parse().map_err(|_| "git does not count".to_owned())?;
    Ok((commits, count.saturating_sub(MOST as u64)))
}

fn commit(record: &str) -> Option<Commit> {
    let mut fields = record.trim_start().splitn(3, '\u{1f}');
    let (id, date, subject) = (fields.next()?, fields.next()?, fields.next()?);
    let subject = subject.chars().take(LONGEST).collect();
    Some(Commit { id: id.to_owned(), date: date.to_owned(), subject })
}
