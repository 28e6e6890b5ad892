//! Changes between two runs: items that turned red or green, other definitions, weaker requirements.

use std::collections::HashMap;

use super::{Demand, Demands, Gap, ItemResult, Requirements, Run};

/// How an item changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turn {
    /// It was green.
    Red,
    /// It was not green.
    Green,
    /// Its status, reason or evidence changed.
    Changed,
    /// Only its definition changed.
    Redefined,
    /// It is not in the earlier run.
    New,
    /// It is not in the later run.
    Gone,
}

/// An item that changed.
#[derive(Debug, Clone, Copy)]
pub struct Change<'a> {
    /// How.
    pub turn: Turn,
    /// Its earlier result.
    pub before: Option<&'a ItemResult>,
    /// Its later result.
    pub after: Option<&'a ItemResult>,
}

/// A requirement that is weaker than before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Weaker {
    /// The id of the item.
    pub item: String,
    /// The weaker requirement, such as `expectation dropped: status`.
    pub what: String,
}

impl<'a> Change<'a> {
    /// The last known result of the item.
    pub fn item(&self) -> &'a ItemResult {
        self.after.or(self.before).expect("an item is in one of the runs at least")
    }

    /// Whether the two runs used different definitions of it.
    pub fn is_redefined(&self) -> bool {
        self.before.zip(self.after).is_some_and(|(before, after)| is_redefined(before, after))
    }
}

/// Every item that changed, in checklist order. An item that a partial run lacks is neither new nor gone.
pub fn changes<'a>(first: &'a Run, second: &'a Run) -> Vec<Change<'a>> {
    let (earlier, later) = (by_id(first), by_id(second));
    let changed = second.items().filter_map(|after| {
        let before = earlier.get(after.id.as_str()).copied();
        let turn = match before {
            None if first.partial.is_some() => return None,
            None => Turn::New,
            Some(before) if before.status.is_green() && !after.status.is_green() => Turn::Red,
            Some(before) if !before.status.is_green() && after.status.is_green() => Turn::Green,
            Some(before) if words(before) != words(after) => Turn::Changed,
            Some(before) if is_redefined(before, after) => Turn::Redefined,
            Some(_) => return None,
        };
        Some(Change { turn, before, after: Some(after) })
    });
    let is_gone = |before: &&ItemResult| second.partial.is_none() && !later.contains_key(before.id.as_str());
    let gone = first.items().filter(is_gone);
    changed.chain(gone.map(|before| Change { turn: Turn::Gone, before: Some(before), after: None })).collect()
}

/// The status of an item, and its reason.
pub fn words(item: &ItemResult) -> (&str, String) {
    let why = item.reason.as_ref().map(ToString::to_string).or_else(|| item.evidence.clone());
    (item.status.word(), why.unwrap_or_default())
}

/// All weaker requirements, in checklist order.
pub fn weaker(first: &Demands, second: &Demands) -> Vec<Weaker> {
    let (earlier, later) = (demand_by_id(first), demand_by_id(second));
    let mut found = Vec::new();
    for after in &second.items {
        let Some(before) = earlier.get(after.id.as_str()) else { continue };
        let mut add = |what: String| found.push(Weaker { item: after.id.clone(), what });
        if after.advisory && !before.advisory {
            add("now advisory".to_owned());
        }
        if let (Some(why), None) = (&after.deferred, &before.deferred) {
            add(format!("now deferred: {why}"));
        }
        for gap in second.gaps.iter().filter(|gap| gap.items.contains(&after.id)) {
            if let Some(what) = wider(first, gap) {
                add(what);
            }
        }
        // If the text of the checklist is the same, only a filled-in value differs, such as the release.
        let is_rewritten = before.source.is_none() || before.source != after.source;
        if let (Some(before), Some(after)) = (&before.requirements, &after.requirements) {
            requirements(before, after, is_rewritten, &mut add);
        }
    }
    // For a partial run, this is not known.
    let gone = first.items.iter().filter(|before| !second.is_partial && !later.contains_key(before.id.as_str()));
    found.extend(gone.map(|before| Weaker { item: before.id.clone(), what: "item removed".to_owned() }));
    found
}

/// The items that an accepted gap covers in addition to those of the earlier run.
fn wider(first: &Demands, gap: &Gap) -> Option<String> {
    let until = gap.accepted_until?;
    let same = first.gaps.iter().filter(|other| other.gap == gap.gap && other.items == gap.items);
    match same.filter_map(|other| other.accepted_until).max() {
        None => Some(format!("gap added: {} (accepted until {until})", gap.gap)),
        Some(before) if before < until => Some(format!("gap extended: {} (accepted until {until})", gap.gap)),
        Some(_) => None,
    }
}

/// Requirements that the later run lacks.
fn requirements(before: &Requirements, after: &Requirements, is_rewritten: bool, add: &mut impl FnMut(String)) {
    let mut counts: HashMap<&str, usize> = HashMap::new();
    for old in &before.probes {
        // The nth probe of a kind is compared with the nth.
        let nth = counts.entry(&old.kind).or_default();
        let new = after.probes.iter().filter(|probe| probe.kind == old.kind).nth(*nth);
        *nth += 1;
        let kind = &old.kind;
        let Some(new) = new else {
            add(format!("probe removed: {kind}"));
            continue;
        };
        for (path, matcher) in &old.expectations {
            match new.expectations.iter().find(|(other, _)| other == path) {
                None => add(format!("expectation dropped: {kind}: {path}")),
                Some((_, other)) if is_rewritten && other != matcher => {
                    add(format!("expectation changed: {kind}: {path}"))
                }
                Some(_) => {}
            }
        }
        if new.timeout_ms > old.timeout_ms {
            let time = |ms| crate::yaml::Duration(std::time::Duration::from_millis(ms));
            add(format!("timeout raised: {kind}: {} to {}", time(old.timeout_ms), time(new.timeout_ms)));
        }
        if new.attempts > old.attempts {
            add(format!("more attempts: {kind}: {} to {}", old.attempts, new.attempts));
        }
        if new.insecure && !old.insecure {
            add(format!("TLS no longer verified: {kind}"));
        }
        if let Some(check) = new.check.as_ref().filter(|_| new.is_own_check && !old.is_own_check)
            && old.check.as_ref() == Some(check)
        {
            add(format!("check {check} replaced by the repository's own"));
        }
    }
    for (name, source) in &before.secrets {
        if after.secrets.iter().any(|(other, now)| other == name && now != source) {
            add(format!("secret from another source: {name}"));
        }
    }
}

fn demand_by_id(demands: &Demands) -> HashMap<&str, &Demand> {
    demands.items.iter().map(|item| (item.id.as_str(), item)).collect()
}

fn by_id(run: &Run) -> HashMap<&str, &ItemResult> {
    run.items().map(|item| (item.id.as_str(), item)).collect()
}

fn is_redefined(before: &ItemResult, after: &ItemResult) -> bool {
    before.definition.is_some() && after.definition.is_some() && before.definition != after.definition
}
