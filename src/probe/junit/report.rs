//! One JUnit report: its cases, each with its own outcome.
//!
//! No standard exists, only what programs write: `<testsuites>`, `<testsuite>` in any depth, `<testcase>` with
//! `<failure>`, `<error>` or `<skipped>` in it (<https://github.com/testmoapp/junitxml>); and, for a case that was run
//! again, `<flakyFailure>`, `<flakyError>`, `<rerunFailure>` and `<rerunError>` (<https://maven.apache.org/surefire/>).

use jiff::Timestamp;
use roxmltree::{Document, Error, Node, ParsingOptions};

use crate::probe::Fault;

use super::MAX_NAMES;
use super::encoding::decode;
use super::outcome::Outcome;

/// How many elements, attributes and texts a report may have: each takes memory.
const MAX_NODES: u32 = 2_000_000;

/// The longest name that is kept.
const MAX_NAME: usize = 200;

/// The cases of a report, or of several.
#[derive(Debug, Default, PartialEq)]
pub struct Counts {
    /// All cases.
    pub cases: usize,
    /// Those that passed.
    pub passed: usize,
    /// Those that failed, and suites that did.
    pub failures: usize,
    /// Those that broke off, and suites that did.
    pub errors: usize,
    /// Those that were skipped.
    pub skipped: usize,
    /// Those whose outcome is a word that is not known.
    pub unknown: usize,
    /// Those that passed after they had failed.
    pub flaky: usize,
    /// Failures and errors of the totals that nothing shows.
    pub unaccounted: u64,
    /// The names of failed and broken cases.
    pub failing: Vec<String>,
    /// Where totals differ from the cases.
    pub disagreements: Vec<String>,
    /// The earliest and the latest time that a report gives.
    pub times: Option<(Timestamp, Timestamp)>,
}

/// The counts before a suite begins; the difference at its end is the suite's own.
#[derive(Debug, Clone, Copy)]
struct Totals {
    cases: usize,
    failures: usize,
    errors: usize,
    skipped: usize,
}

/// The unread parts: an element, or the end of a suite. An explicit stack, since suites can be nested to any depth.
enum Step<'a, 'input> {
    Enter(Node<'a, 'input>),
    Leave(Node<'a, 'input>, Totals),
}

impl Counts {
    /// Adds those of another report.
    pub fn add(&mut self, other: Self) {
        self.cases += other.cases;
        self.passed += other.passed;
        self.failures += other.failures;
        self.errors += other.errors;
        self.skipped += other.skipped;
        self.unknown += other.unknown;
        self.flaky += other.flaky;
        self.unaccounted += other.unaccounted;
        let room = MAX_NAMES.saturating_sub(self.failing.len());
        self.failing.extend(other.failing.into_iter().take(room));
        let room = MAX_NAMES.saturating_sub(self.disagreements.len());
        self.disagreements.extend(other.disagreements.into_iter().take(room));
        if let Some((earliest, latest)) = other.times {
            self.at(earliest);
            self.at(latest);
        }
    }

    /// Notes a time.
    pub fn at(&mut self, time: Timestamp) {
        let (earliest, latest) = self.times.unwrap_or((time, time));
        self.times = Some((earliest.min(time), latest.max(time)));
    }

    fn totals(&self) -> Totals {
        Totals { cases: self.cases, failures: self.failures, errors: self.errors, skipped: self.skipped }
    }
}

/// Counts the cases of a report. `written` is the time of the file.
///
/// # Errors
/// When it is invalid, naming the file and the position. One with a DOCTYPE is refused: no report needs one, and what it defines
/// is never resolved.
pub fn count(name: &str, bytes: &[u8], written: Timestamp) -> Result<Counts, Fault> {
    let text = decode(name, bytes)?;
    let options = ParsingOptions { allow_dtd: false, nodes_limit: MAX_NODES, ..ParsingOptions::default() };
    let document = Document::parse_with_options(&text, options).map_err(|error| malformed(name, &error))?;
    let root = document.root_element();
    if !matches!(root.tag_name().name(), "testsuites" | "testsuite") {
        let fault =
            Fault::new(format!("`{name}` is not a JUnit report: it begins with `<{}>`", root.tag_name().name()));
        return Err(fault.help("`files` must match only reports"));
    }
    let mut counts = Counts::default();
    let mut claims = 0;
    let mut open = vec![Step::Enter(root)];
    while let Some(step) = open.pop() {
        let node = match step {
            Step::Enter(node) => node,
            Step::Leave(node, before) => {
                disagreements(name, node, before, &mut counts);
                continue;
            }
        };
        match node.tag_name().name() {
            "testcase" => case(node, &mut counts),
            "testsuite" | "testsuites" => {
                open.push(Step::Leave(node, counts.totals()));
                suite(node, &mut counts);
                claims = claims.max(claimed(node));
            }
            _other => {}
        }
        if let Some(time) = node.attribute("timestamp").and_then(|text| time(text, written)) {
            counts.at(time);
        }
        open.extend(node.children().rev().filter(Node::is_element).map(Step::Enter));
    }
    let shown = u64::try_from(counts.failures + counts.errors + counts.flaky).unwrap_or(u64::MAX);
    counts.unaccounted = claims.saturating_sub(shown);
    Ok(counts)
}

/// When a suite or a case began. A time without a zone is read as UTC; it can't be later than the file.
fn time(text: &str, written: Timestamp) -> Option<Timestamp> {
    let text = text.trim();
    text.parse().ok().or_else(|| format!("{text}Z").parse().ok().map(|time: Timestamp| time.min(written)))
}

fn case(node: Node, counts: &mut Counts) {
    let has = |name: &str| node.children().any(|child| child.tag_name().name() == name);
    counts.cases += 1;
    match Outcome::of(node) {
        // One that failed and then could not be cleaned up is one case that is not green.
        Outcome::Broken => counts.errors += 1,
        Outcome::Failed => counts.failures += 1,
        Outcome::Skipped => counts.skipped += 1,
        Outcome::Unknown => counts.unknown += 1,
        Outcome::Passed => {
            counts.passed += 1;
            counts.flaky += usize::from(has("flakyFailure") || has("flakyError"));
        }
    }
    if Outcome::of(node) >= Outcome::Failed && counts.failing.len() < MAX_NAMES {
        counts.failing.push(title(node));
    }
}

/// Notes which totals of a suite differ from what is counted in it.
fn disagreements(file: &str, suite: Node, before: Totals, counts: &mut Counts) {
    let total = |name: &str| suite.attribute(name).and_then(|text| text.trim().parse::<usize>().ok());
    let now = counts.totals();
    // GoogleTest counts what is disabled apart from what is skipped.
    let skipped = total("skipped").map(|skipped| skipped.saturating_add(total("disabled").unwrap_or_default()));
    let pairs = [
        ("tests", total("tests"), now.cases - before.cases),
        ("failures", total("failures"), now.failures - before.failures),
        ("errors", total("errors"), now.errors - before.errors),
        ("skipped", skipped, now.skipped - before.skipped),
    ];
    for (attribute, claimed, counted) in pairs {
        if let Some(claimed) = claimed.filter(|claimed| *claimed != counted && counts.disagreements.len() < MAX_NAMES) {
            counts.disagreements.push(format!("{file}: {}: {attribute} is {claimed}, counted {counted}", title(suite)));
        }
    }
}

/// The outcome of a whole suite, such as a failed set-up.
fn suite(node: Node, counts: &mut Counts) {
    for child in node.children() {
        match child.tag_name().name() {
            "error" => counts.errors += 1,
            "failure" => counts.failures += 1,
            _ => continue,
        }
        counts.failing.push(title(node));
    }
    counts.failing.truncate(MAX_NAMES);
}

/// The failures and errors that the totals of a suite claim.
fn claimed(node: Node) -> u64 {
    let total = |name: &str| node.attribute(name).and_then(|text| text.trim().parse::<u64>().ok()).unwrap_or_default();
    total("failures").saturating_add(total("errors"))
}

/// `CLASS::NAME`, or what there is of it.
fn title(node: Node) -> String {
    let attribute = |name: &str| node.attribute(name).map(str::trim).filter(|text| !text.is_empty());
    let title = match (attribute("classname"), attribute("name")) {
        (Some(class), Some(name)) => format!("{class}::{name}"),
        (Some(one), None) | (None, Some(one)) => one.to_owned(),
        (None, None) => format!("a nameless <{}>", node.tag_name().name()),
    };
    match title.char_indices().nth(MAX_NAME) {
        Some((at, _)) => format!("{}…", &title[..at]),
        None => title,
    }
}

fn malformed(name: &str, error: &Error) -> Fault {
    match error {
        Error::DtdDetected => {
            Fault::new(format!("`{name}` has a DOCTYPE, which is not read")).help("is it a JUnit report?")
        }
        Error::UnexpectedEndOfStream | Error::UnclosedRootNode => Fault::new(format!("`{name}` ends too early"))
            .help("did the run that writes it fail early, or is it still running?"),
        Error::NodesLimitReached => Fault::new(format!("`{name}` has too many elements"))
            .help("split the report, or leave out its properties and output"),
        Error::NoRootNode => Fault::new(format!("`{name}` is empty"))
            .help("did the run that writes it fail early, or is it still running?"),
        other => {
            let at = other.pos();
            // Its own words end in the place as well.
            let words = other.to_string();
            let words = words.split(" at ").next().unwrap_or_default();
            Fault::new(format!("`{name}:{}:{}` is not well-formed XML: {words}", at.row, at.col))
        }
    }
}
