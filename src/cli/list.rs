//! `gate list`: lists checklists, items, probes and checks.

use std::fmt::Write;

use clap::Args;
use tabled::builder::Builder;
use tabled::settings::peaker::PriorityMax;
use tabled::settings::{Padding, Style, Width};
use unicode_width::UnicodeWidthStr;

use crate::checklist::{self, Item, Overrides};
use crate::manual;
use crate::probe::Registry;
use crate::text::{visible, wrap};

use super::{Console, Exit, Failure, check, folder, load_any, print};

#[derive(Debug, Args)]
pub struct List {
    /// List the items of this checklist. Default: list all checklists
    name: Option<String>,
    /// List probe kinds
    #[arg(long, conflicts_with_all = ["name", "checks"])]
    probes: bool,
    /// List checks: your own and the built-in ones
    #[arg(long, conflicts_with = "name")]
    checks: bool,
}

impl List {
    pub fn run(self, env: &Console) -> Result<Exit, Failure> {
        if self.probes {
            let registry = Registry::built_in();
            let rows = registry.iter().map(|kind| vec![kind.name().to_owned(), manual::summary(&**kind)]);
            print(&columns(rows, env.width), env)?;
            return Ok(Exit::Ready);
        }
        if self.checks {
            return checks(env);
        }
        let Some(name) = self.name else { return checklists(env) };
        let checklist = load_any(&name, &offline(), env)?;
        let mut out = String::new();
        for section in checklist.sections.iter().filter(|section| !section.items.is_empty()) {
            let id = section.id.as_ref().map(|id| format!(" [{id}]")).unwrap_or_default();
            let gap = if out.is_empty() { "" } else { "\n" };
            writeln!(out, "{gap}{}{id}", visible(&section.title)).expect("a string takes all");
            let rows = section.items.iter().map(|item| vec![item.id.to_string(), asks(item), item.title.to_string()]);
            out.push_str(&columns(rows, env.width));
        }
        print(&checklist.redactor.redact(&out), env)?;
        Ok(Exit::Ready)
    }
}

fn checklists(env: &Console) -> Result<Exit, Failure> {
    let (_, names) = checklist::all(&env.cwd).map_err(|problem| Failure::usage(problem, env))?;
    let mut exit = Exit::Ready;
    let mut rows = Vec::new();
    for name in names {
        match load_any(&name, &offline(), env) {
            Ok(base) if checklist::is_base(&name) => {
                let title = base.redactor.redact(&base.title).into_owned();
                rows.push(vec![name, "base".to_owned(), title]);
            }
            Ok(checklist) => {
                let count = checklist.items().count();
                let title = checklist.redactor.redact(&checklist.title).into_owned();
                rows.push(vec![name, format!("{count} items"), title]);
            }
            Err(failure) => {
                rows.push(vec![name, "invalid".to_owned(), String::new()]);
                exit = failure.print();
            }
        }
    }
    print(&columns(rows.into_iter(), env.width), env)?;
    Ok(exit)
}

fn checks(env: &Console) -> Result<Exit, Failure> {
    let mut exit = Exit::Ready;
    let mut rows = Vec::new();
    for name in checklist::check_names(&folder(env)) {
        match check(&name, env) {
            Ok(check) => {
                let whose = if check.is_own { "own" } else { "built-in" };
                rows.push(vec![name, whose.to_owned(), check.description.trim().to_owned()]);
            }
            Err(failure) => {
                rows.push(vec![name, "invalid".to_owned(), String::new()]);
                exit = failure.print();
            }
        }
    }
    print(&columns(rows.into_iter(), env.width), env)?;
    Ok(exit)
}

/// Commands that run nothing show unset variables as written.
fn offline() -> Overrides {
    Overrides { shows_unset: true, ..Overrides::default() }
}

/// The type of an item or the kinds of its probes, and its tags.
fn asks(item: &Item) -> String {
    let tags: String = item.tags.iter().map(|tag| format!(" #{tag}")).collect();
    format!("{}{tags}", made_of(item))
}

fn made_of(item: &Item) -> String {
    if item.deferred.is_some() {
        return "deferred".to_owned();
    }
    if item.pending.is_some() {
        return "pending".to_owned();
    }
    if item.manual.is_some() {
        return "manual".to_owned();
    }
    if item.sign_off.is_some() {
        return "sign-off".to_owned();
    }
    let mut kinds: Vec<&str> = item.probes.iter().map(|probe| probe.kind.name()).collect();
    kinds.dedup();
    kinds.join(", ")
}

/// A last column that is narrower than this is wrapped together with the others.
const NARROW: usize = 20;

/// How far columns are apart.
const GAP: usize = 2;

/// Rows with aligned columns, for a terminal of this many columns if it is one.
pub fn columns(rows: impl Iterator<Item = Vec<String>>, width: Option<usize>) -> String {
    let mut rows: Vec<Vec<String>> =
        rows.map(|row| row.iter().map(|cell| visible(cell).into_owned()).collect()).collect();
    let Some(last) = rows.iter().map(Vec::len).max().and_then(|count| count.checked_sub(1)) else {
        return String::new();
    };
    let widest = |column: usize| rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.width()).max();
    let before: usize = (0..last).map(|column| widest(column).unwrap_or_default() + GAP).sum();
    if let Some(room) = width.and_then(|width| width.checked_sub(before)).filter(|room| *room >= NARROW) {
        rows.iter_mut().filter_map(|row| row.get_mut(last)).for_each(|cell| *cell = wrap(cell, room).join("\n"));
    }
    let mut table = Builder::from(rows).build();
    table.with(Style::empty()).with(Padding::new(0, GAP, 0, 0));
    if let Some(width) = width {
        // The gap after the last column is not printed.
        table.with(Width::wrap(width + GAP).keep_words(true).priority(PriorityMax::left()));
    }
    table.to_string().lines().map(|line| format!("{}\n", line.trim_end())).collect()
}

#[cfg(test)]
mod tests {
    use super::columns;

    #[test]
    fn rows_fit_the_terminal_and_lines_begin_with_words() {
        let rows = || {
            let rows = [["redis", "REDIS_URL points to Upstash and `redis_connected == 1`"], ["a", "b"]];
            rows.into_iter().map(|row| row.map(ToOwned::to_owned).to_vec())
        };
        insta::assert_snapshot!(columns(rows(), Some(34)), @"
        redis  REDIS_URL points to Upstash
               and `redis_connected == 1`
        a      b
        ");
        assert_eq!(columns(rows(), None).lines().count(), 2);
        assert!(columns(rows(), Some(20)).lines().all(|line| line.len() <= 20), "{}", columns(rows(), Some(20)));
        assert_eq!(columns(std::iter::empty(), Some(34)), "");
    }
}
