//! Merges the runs of several shards: the observations are judged as if one machine had run all of it.

use std::collections::{BTreeMap, HashMap};

use jiff::{SignedDuration, Timestamp};

use crate::checklist::{self, Checklist, Item};
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::ledger::Origin;
use crate::plan::{KnownResult, spread};
use crate::run::{self, BlockedBecause, ItemResult, Run, Shard, ShardRun};
use crate::yaml::Duration;

/// A run that was read from a file.
#[derive(Debug)]
pub struct Saved {
    /// The file, as the user named it.
    pub file: String,
    /// The run.
    pub run: Run,
}

/// The observations of all shards.
#[derive(Debug)]
pub struct Merged {
    /// Results of each item that is not a sign-off.
    pub known: HashMap<String, KnownResult>,
    /// Shards that are missing or late, which leaves items undecided.
    pub warnings: Vec<Diagnostic>,
    /// Where they ran.
    pub origin: Origin,
    started: Timestamp,
    ended: Timestamp,
    vars: Option<String>,
}

/// The facts that all shards must share.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Facts {
    subject: Option<String>,
    vars: Option<String>,
    definitions: String,
    total: usize,
}

/// A shard that belongs to the merge.
struct Part {
    file: String,
    run: Run,
    own: ShardRun,
}

/// Merges the runs of all shards of a checklist. A result that is older than its `valid_for` is stale.
///
/// # Errors
/// When one of them is not a shard of this checklist, of the same definitions, subject, commit and version, or is there
/// twice. All of it is reported.
pub fn merge(
    saved: Vec<Saved>,
    checklist: &Checklist,
    within: Duration,
    now: Timestamp,
) -> Result<Merged, Diagnostics> {
    let mut problems = Vec::new();
    let mut parts: BTreeMap<Shard, Part> = BTreeMap::new();
    for Saved { file, mut run } in saved {
        let foreign = foreign(&run, checklist);
        if let Some(why) = foreign {
            problems.push(Diagnostic::error(format!("cannot merge `{file}`: {why}")));
            continue;
        }
        let own = run.shard.clone().expect("without a name it is foreign");
        if let Some(first) = parts.get(&own.shard) {
            let title = format!("shard {} is in `{}` and in `{file}`", own.shard, first.file);
            problems.push(Diagnostic::error(title).help("merge the reports of one job at a time"));
            continue;
        }
        run::expire(&mut run, now);
        parts.insert(own.shard, Part { file, run, own });
    }
    let Some(first) = parts.values().next() else { return Err(Diagnostics(problems)) };
    // Some may not know their commit.
    let dated = parts.values().find(|part| part.run.commit.is_some()).unwrap_or(first);
    for part in parts.values() {
        let why = difference(first, part).map(|why| (first, why));
        let why = why.or_else(|| other_commit(dated, part).map(|why| (dated, why)));
        problems.extend(why.map(|(first, why)| {
            Diagnostic::error(format!("cannot merge `{}` and `{}`: {why}", first.file, part.file))
                .help("merge the shards of one job, run with the same variables")
        }));
    }
    problems.extend(other_addresses(&parts));
    let facts = facts(first);
    let mut assigned: HashMap<&str, (Shard, &Item)> = HashMap::new();
    for (item, number) in checklist.items().zip(spread(checklist, facts.total)) {
        let shard = number.and_then(|number| Shard::new(number, facts.total));
        assigned.extend(shard.map(|shard| (&*item.id, (shard, item))));
    }
    for part in parts.values() {
        problems.extend(misplaced(part, checklist, &assigned));
    }
    if !problems.is_empty() {
        return Err(Diagnostics(problems));
    }
    Ok(merged(parts, &assigned, facts, within))
}

/// Why a run can't be a shard of this checklist.
fn foreign(run: &Run, checklist: &Checklist) -> Option<String> {
    if run.shard.is_none() {
        return Some("it is not a shard: it was written without `--shard`".to_owned());
    }
    let own = env!("CARGO_PKG_VERSION");
    if run.gate != own {
        return Some(format!("it was written by gate {}, and this is gate {own}", run.gate));
    }
    if run.name != checklist.name {
        return Some(format!("it is a report of the checklist `{}`, not `{}`", run.name, checklist.name));
    }
    (run.digest != checklist.digest).then(|| format!("it was made from another version of `{}`", checklist.file))
}

fn facts(part: &Part) -> Facts {
    let run = &part.run;
    Facts {
        subject: run.subject.clone(),
        vars: run.vars.clone(),
        definitions: part.own.definitions.clone(),
        total: part.own.shard.total(),
    }
}

/// The first fact in which two shards differ, if any.
fn difference(one: &Part, other: &Part) -> Option<String> {
    let (one, other) = (facts(one), facts(other));
    if one.total != other.total {
        return Some(format!("one is of {} shards, the other of {}", one.total, other.total));
    }
    if one.subject != other.subject {
        return Some(differ("subjects", &one.subject, &other.subject));
    }
    if one.vars != other.vars {
        return Some(differ("`--var`s", &one.vars, &other.vars));
    }
    (one.definitions != other.definitions).then(|| "their definitions differ: variables had other values".to_owned())
}

/// The commits of two shards, if both are known and differ.
fn other_commit(one: &Part, other: &Part) -> Option<String> {
    let (one, other) = (&one.run.commit, &other.run.commit);
    (one.is_some() && other.is_some() && one != other).then(|| differ("commits", one, other))
}

fn differ(what: &str, one: &Option<String>, other: &Option<String>) -> String {
    let word = |text: &Option<String>| text.as_deref().map_or("none".to_owned(), |text| format!("`{text}`"));
    format!("their {what} differ: {} and {}", word(one), word(other))
}

/// Secrets that are URLs of different services in two shards: each shard has checked something else.
fn other_addresses(parts: &BTreeMap<Shard, Part>) -> Vec<Diagnostic> {
    let mut known: HashMap<&str, (&str, &Part)> = HashMap::new();
    let mut problems = Vec::new();
    for part in parts.values() {
        for (name, address) in &part.own.addresses {
            let (first, other) = *known.entry(name).or_insert((address, part));
            if first != address {
                let title = format!(
                    "cannot merge `{}` and `{}`: the addresses in the secret `{name}` differ",
                    other.file, part.file
                );
                problems.push(Diagnostic::error(title).help("run all shards against the same service"));
            }
        }
    }
    problems
}

/// Items that a shard has and should not have, has twice, has in another form, or lacks.
fn misplaced(part: &Part, checklist: &Checklist, assigned: &HashMap<&str, (Shard, &Item)>) -> Vec<Diagnostic> {
    let shard = part.own.shard;
    let wrong = |why: String| Diagnostic::error(format!("cannot merge `{}`: {why}", part.file));
    let mut problems = Vec::new();
    let mut seen: HashMap<&str, usize> = HashMap::new();
    for result in part.run.items().filter(|result| result.sign_off.is_none()) {
        *seen.entry(&result.id).or_default() += 1;
        match assigned.get(result.id.as_str()) {
            Some((own, item)) if *own == shard => {
                if result.source.as_deref() != Some(&checklist::source(item, checklist)) {
                    problems.push(wrong(format!("`{}` has another source than in the checklist", result.id)));
                }
            }
            Some((own, _)) => problems.push(wrong(format!("`{}` belongs to shard {own}, not {shard}", result.id))),
            None => problems.push(wrong(format!("the checklist has no item `{}`", result.id))),
        }
    }
    for (id, count) in seen.iter().filter(|(_, count)| **count > 1) {
        problems.push(wrong(format!("`{id}` is in it {count} times")));
    }
    for (id, _) in assigned.iter().filter(|(id, (own, _))| *own == shard && !seen.contains_key(*id)) {
        problems.push(wrong(format!("`{id}` is missing in it")));
    }
    problems.sort_by(|one, other| one.title().cmp(other.title()));
    problems
}

fn merged(
    mut parts: BTreeMap<Shard, Part>,
    assigned: &HashMap<&str, (Shard, &Item)>,
    facts: Facts,
    within: Duration,
) -> Merged {
    let mut warnings = Vec::new();
    let mut why: HashMap<Shard, BlockedBecause> = HashMap::new();
    let newest = parts.values().map(|part| part.run.started).max().unwrap_or_default();
    let limit = SignedDuration::try_from(within.0).unwrap_or(SignedDuration::MAX);
    for number in 1..=facts.total {
        let shard = Shard::new(number, facts.total).expect("it is from 1 to their number");
        let (title, because) = match parts.get(&shard) {
            None => (format!("shard {shard} is missing"), BlockedBecause::ShardMissing(shard)),
            Some(part) if newest.duration_since(part.run.started) > limit => {
                let title = format!("shard {shard} in `{}` began more than {within} before the last one", part.file);
                (title, BlockedBecause::ShardLate(shard, within))
            }
            Some(_) => continue,
        };
        parts.remove(&shard);
        why.insert(shard, because);
        warnings.push(Diagnostic::warning(title).help("its items are undecided: run that shard again, and merge"));
    }
    let begun = parts.values().map(|part| part.run.started).min().unwrap_or(newest);
    let end = |part: &Part| {
        let length = i64::try_from(part.run.duration_ms).map_or(SignedDuration::MAX, SignedDuration::from_millis);
        part.run.started.saturating_add(length).unwrap_or(part.run.started)
    };
    let ended = parts.values().map(end).max().unwrap_or(begun);
    let origin = origin(&parts);
    let not_run = assigned.iter().filter_map(|(id, (shard, _))| Some((*id, why.get(shard)?)));
    let mut known: HashMap<String, KnownResult> =
        not_run.map(|(id, because)| (id.to_owned(), KnownResult::NotRun(because.clone()))).collect();
    let observed = parts.into_values().flat_map(|part| part.run.sections).flat_map(|section| section.items);
    let observed = observed.filter(|result: &ItemResult| result.sign_off.is_none());
    known.extend(observed.map(|result| (result.id.clone(), KnownResult::Observed(Box::new(result)))));
    Merged { known, warnings, origin, started: begun, ended, vars: facts.vars }
}

/// Where the shards ran, as far as they agree.
fn origin(parts: &BTreeMap<Shard, Part>) -> Origin {
    let common = |of: fn(&Run) -> &Option<String>| {
        let mut all = parts.values().map(|part| of(&part.run));
        let first = all.next()?;
        all.all(|other| other == first).then(|| first.clone()).flatten()
    };
    let dirty: Option<Vec<bool>> = parts.values().map(|part| part.run.dirty).collect();
    Origin {
        commit: common(|run| &run.commit),
        dirty: dirty.map(|all| all.contains(&true)),
        host: common(|run| &run.host),
        user: common(|run| &run.user),
        ci: common(|run| &run.ci),
    }
}

impl Merged {
    /// Sets when the merged run was made, and its subject.
    pub fn date(&self, run: &mut Run) {
        run.started = self.started;
        let length = self.ended.duration_since(self.started).as_millis();
        run.duration_ms = u64::try_from(length).unwrap_or_default();
        run.vars.clone_from(&self.vars);
    }
}
