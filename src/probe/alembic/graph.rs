//! The history that revision files make together, and where a database is in it.

use std::collections::{BTreeMap, BTreeSet};

use super::script::Revision;
use crate::probe::Fault;

/// How many files a message names before it leaves out the rest.
const NAMED: usize = 5;

/// The history: every revision and what must be applied before it.
#[derive(Debug)]
pub struct Graph {
    revisions: Vec<Revision>,
    by_id: BTreeMap<String, usize>,
    /// The revisions that each revision follows and depends on.
    before: Vec<Vec<usize>>,
}

/// Where a database is in the history.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct MigrationState {
    /// The revisions that an upgrade to the heads would apply, in order.
    pub pending: Vec<String>,
    /// The database's ids that no revision file has.
    pub unknown: Vec<String>,
    /// The database's ids that another of its ids already implies.
    pub overlapping: Vec<String>,
}

impl Graph {
    /// The history of these revisions.
    ///
    /// # Errors
    /// When alembic would refuse it: an id twice, something that follows nothing, a cycle.
    pub fn new(revisions: Vec<Revision>) -> Result<Self, Fault> {
        let by_id = by_id(&revisions)?;
        let labels = labels(&revisions, &by_id)?;
        let mut before = Vec::with_capacity(revisions.len());
        let mut missing = Vec::new();
        for revision in &revisions {
            let mut ids = Vec::new();
            for down in &revision.down {
                // Alembic takes a label in `depends_on` only.
                match by_id.get(down) {
                    Some(index) => ids.push(*index),
                    None => missing.push(format!("`{down}`, which `{}` follows", revision.file)),
                }
            }
            for other in &revision.depends_on {
                match by_id.get(other).or_else(|| labels.get(other.as_str())) {
                    Some(index) => ids.push(*index),
                    None => missing.push(format!("`{other}`, which `{}` depends on", revision.file)),
                }
            }
            before.push(ids);
        }
        if !missing.is_empty() {
            if missing.len() > 2 * NAMED {
                let more = missing.len() - NAMED;
                missing.truncate(NAMED);
                missing.push(format!("{more} others"));
            }
            return Err(Fault::new(format!("no revision file has {}", missing.join(", nor ")))
                .help("are all the revision files here, and is `version_locations` complete?"));
        }
        let graph = Self { revisions, by_id, before };
        graph.in_order(0..graph.revisions.len(), &BTreeSet::new())?;
        Ok(graph)
    }

    /// The revisions that nothing follows, as `alembic heads` prints them, sorted.
    pub fn heads(&self) -> Vec<String> {
        let followed: BTreeSet<&String> = self.revisions.iter().flat_map(|revision| &revision.down).collect();
        self.by_id.keys().filter(|id| !followed.contains(id)).cloned().collect()
    }

    /// Where a database is whose version table holds these ids.
    pub fn migration_state(&self, current: &[String]) -> MigrationState {
        let (known, unknown): (Vec<&String>, Vec<&String>) =
            current.iter().partition(|id| self.by_id.contains_key(id.as_str()));
        let rows: BTreeSet<usize> = known.iter().map(|id| self.by_id[id.as_str()]).collect();
        let mut implied: BTreeSet<usize> = rows.iter().flat_map(|row| self.before[*row].iter().copied()).collect();
        let mut next: Vec<usize> = implied.iter().copied().collect();
        while let Some(index) = next.pop() {
            next.extend(self.before[index].iter().copied().filter(|before| implied.insert(*before)));
        }
        let applied: BTreeSet<usize> = rows.union(&implied).copied().collect();
        let pending = self.in_order(0..self.revisions.len(), &applied).expect("cycles were refused when it was built");
        let ids = |indices: Vec<usize>| indices.into_iter().map(|index| self.revisions[index].id.clone()).collect();
        MigrationState {
            pending: ids(pending),
            unknown: unknown.into_iter().cloned().collect(),
            overlapping: ids(rows.intersection(&implied).copied().collect()),
        }
    }

    /// These revisions and all before them, without those already applied, each after those that it needs.
    fn in_order(&self, wanted: impl Iterator<Item = usize>, applied: &BTreeSet<usize>) -> Result<Vec<usize>, Fault> {
        let mut order = Vec::new();
        let mut done = applied.clone();
        let mut is_on_way = vec![false; self.revisions.len()];
        for start in wanted {
            // The way from the start to here, each with how many of those before it have been visited. Histories are
            // thousands long: too deep for recursion.
            let mut way: Vec<(usize, usize)> = Vec::new();
            if !done.contains(&start) {
                way.push((start, 0));
                is_on_way[start] = true;
            }
            while let Some((here, visited)) = way.last_mut() {
                let here = *here;
                let Some(&before) = self.before[here].get(*visited) else {
                    way.pop();
                    is_on_way[here] = false;
                    done.insert(here);
                    order.push(here);
                    continue;
                };
                *visited += 1;
                if is_on_way[before] {
                    let start = way.iter().position(|(index, _)| *index == before).unwrap_or_default();
                    return Err(self.cycle(way[start..].iter().map(|(index, _)| *index)));
                }
                if !done.contains(&before) {
                    way.push((before, 0));
                    is_on_way[before] = true;
                }
            }
        }
        Ok(order)
    }

    fn cycle(&self, way: impl Iterator<Item = usize>) -> Fault {
        let mut files: Vec<String> = way.map(|index| format!("`{}`", self.revisions[index].file)).collect();
        files.push(files[0].clone());
        if files.len() > 2 * NAMED {
            files.splice(NAMED..files.len() - NAMED, ["…".to_owned()]);
        }
        Fault::new(format!("the revisions form a cycle: {}", files.join(" comes after ")))
    }
}

fn by_id(revisions: &[Revision]) -> Result<BTreeMap<String, usize>, Fault> {
    let mut by_id = BTreeMap::new();
    for (index, revision) in revisions.iter().enumerate() {
        if let Some(other) = by_id.insert(revision.id.clone(), index) {
            let [one, other] = [&revisions[other].file, &revision.file];
            return Err(Fault::new(format!("`{one}` and `{other}` have the same revision id `{}`", revision.id))
                .help("alembic would ignore one of them: give it an id of its own"));
        }
    }
    Ok(by_id)
}

fn labels<'a>(revisions: &'a [Revision], by_id: &BTreeMap<String, usize>) -> Result<BTreeMap<&'a str, usize>, Fault> {
    let mut labels = BTreeMap::new();
    for (index, revision) in revisions.iter().enumerate() {
        for label in &revision.labels {
            let other = by_id.get(label).copied().or_else(|| labels.insert(label.as_str(), index));
            if let Some(other) = other {
                let [one, other] = [&revisions[other].file, &revision.file];
                return Err(Fault::new(format!("`{one}` and `{other}` have the same name `{label}`"))
                    .help("a branch label must differ from every other label and every revision id"));
            }
        }
    }
    Ok(labels)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The history of lines such as `c: a b` (c follows a and b), `d: c + x` (d follows c and depends on x), and
    /// `e: = shop` (e is labelled shop).
    fn graph(lines: &str) -> Result<Graph, String> {
        let words = |text: Option<&str>| text.unwrap_or_default().split_whitespace().map(str::to_owned).collect();
        let revisions = lines.lines().map(|line| {
            let (id, rest) = line.trim().split_once(':').expect("`id:` and what it follows");
            let (rest, labels) = rest.split_once('=').map_or((rest, None), |(rest, labels)| (rest, Some(labels)));
            let (down, others) = rest.split_once('+').map_or((rest, None), |(down, others)| (down, Some(others)));
            Revision {
                id: id.to_owned(),
                down: words(Some(down)),
                depends_on: words(others),
                labels: words(labels),
                file: format!("{id}.py"),
            }
        });
        Graph::new(revisions.collect()).map_err(|fault| fault.to_string())
    }

    /// The state of a database with these ids, as text.
    fn migration_state(lines: &str, current: &[&str]) -> String {
        let current: Vec<String> = current.iter().map(|id| (*id).to_owned()).collect();
        let migration_state = graph(lines).expect("a valid history").migration_state(&current);
        match migration_state {
            MigrationState { pending, .. }
                if migration_state == MigrationState { pending: vec![], ..MigrationState::default() } =>
            {
                format!("at head{}", pending.join(" "))
            }
            MigrationState { pending, unknown, overlapping } => {
                [("pending", pending), ("unknown", unknown), ("overlapping", overlapping)]
                    .into_iter()
                    .filter(|(_, ids)| !ids.is_empty())
                    .map(|(name, ids)| format!("{name} {}", ids.join(" ")))
                    .collect::<Vec<_>>()
                    .join(", ")
            }
        }
    }

    const LINE: &str = "a:\nb: a\nc: b";

    #[test]
    fn a_line_has_one_head() {
        assert_eq!(graph(LINE).expect("no error").heads(), ["c"]);
        assert_eq!(migration_state(LINE, &["c"]), "at head");
        assert_eq!(migration_state(LINE, &["a"]), "pending b c");
        assert_eq!(migration_state(LINE, &[]), "pending a b c");
    }

    #[test]
    fn an_id_that_no_file_has_is_unknown() {
        assert_eq!(migration_state("a:", &["z", "a"]), "unknown z");
    }

    #[test]
    fn two_branches_are_two_rows() {
        let lines = "a:\nb: a\nc: a";
        assert_eq!(graph(lines).expect("no error").heads(), ["b", "c"]);
        assert_eq!(migration_state(lines, &["b"]), "pending c");
        assert_eq!(migration_state(lines, &["b", "c"]), "at head");
    }

    #[test]
    fn a_merge_takes_the_place_of_what_it_merges() {
        let lines = "a:\nb: a\nc: a\nd: b c";
        assert_eq!(migration_state(lines, &["b", "c"]), "pending d");
        assert_eq!(migration_state(lines, &["c"]), "pending b d");
        assert_eq!(migration_state(lines, &["d"]), "at head");
    }

    /// The version table then holds one row for two heads.
    #[test]
    fn a_head_that_an_applied_revision_depends_on_is_applied() {
        let lines = "a:\nx:\nb: a + x";
        assert_eq!(graph(lines).expect("no error").heads(), ["b", "x"]);
        assert_eq!(migration_state(lines, &["b"]), "at head");
        assert_eq!(migration_state(lines, &["a"]), "pending x b");
        assert_eq!(migration_state(lines, &["x"]), "pending a b");
    }

    /// Alembic says "overlaps with other requested revisions" and upgrades nothing.
    #[test]
    fn a_redundant_row_is_reported() {
        assert_eq!(migration_state(LINE, &["a", "c"]), "overlapping a");
        assert_eq!(migration_state("a:\nx:\nb: a + x", &["b", "x"]), "overlapping x");
    }

    #[test]
    fn a_dependency_may_be_a_label() {
        assert_eq!(migration_state("a: = shop\nb: a\nx: + shop", &["x"]), "pending b");
        assert_eq!(
            graph("a: = shop\nb: shop").expect_err("as alembic"),
            "no revision file has `shop`, which `b.py` follows"
        );
    }

    #[test]
    fn histories_that_alembic_refuses_are_refused_with_the_files() {
        for (lines, expected) in [
            ("a:\na: b", "`a.py` and `a.py` have the same revision id `a`"),
            ("a: z\nb: a + y", "no revision file has `z`, which `a.py` follows, nor `y`, which `b.py` depends on"),
            ("a: a", "the revisions form a cycle: `a.py` comes after `a.py`"),
            (
                "a:\nb: a d\nc: b\nd: c",
                "the revisions form a cycle: `b.py` comes after `d.py` comes after `c.py` comes after `b.py`",
            ),
            ("a: + b\nb: + a", "the revisions form a cycle: `a.py` comes after `b.py` comes after `a.py`"),
            ("a: = shop\nb: a = shop", "`a.py` and `b.py` have the same name `shop`"),
            ("a:\nb: a = a", "`a.py` and `b.py` have the same name `a`"),
        ] {
            assert_eq!(graph(lines).expect_err("an error"), expected, "{lines}");
        }
    }

    /// A long chain, the last revision first: as deep and as far from the order of the files as can be.
    fn chain(length: usize, first: &str) -> String {
        let line = |n| if n == 0 { format!("r0: {first}") } else { format!("r{n}: r{}", n - 1) };
        (0..length).rev().map(line).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn a_history_of_a_hundred_thousand_takes_linear_time() {
        let history = graph(&chain(100_000, "")).expect("no error");
        assert_eq!(history.heads(), ["r99999"]);
        assert_eq!(history.migration_state(&["r0".to_owned()]).pending.len(), 99_999);
        assert!(history.migration_state(&["r99999".to_owned()]).pending.is_empty());
    }

    #[test]
    fn a_long_cycle_and_many_missing_revisions_are_named_in_short() {
        let cycle = graph(&chain(100_000, "r99999")).expect_err("an error");
        assert!(cycle.len() < 400 && cycle.contains("comes after … comes after"), "{cycle}");
        let lines: Vec<String> = (0..1000).map(|n| format!("r{n}: z{n}")).collect();
        let missing = graph(&lines.join("\n")).expect_err("an error");
        assert!(missing.len() < 400 && missing.ends_with(", nor 995 others"), "{missing}");
    }
}
