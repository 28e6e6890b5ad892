//! One JUnit report: its cases, each with its own outcome.
//!
//! There is no standard but what programs write: `<testsuites>`, `<testsuite>` in any depth, `<testcase>` with `<failure>`,
//! `<error>` or `<skipped>` in it (<https://github.com/testmoapp/junitxml>); and, for a case that was run again, `<flakyFailure>`,
//! `<flakyError>`, `<rerunFailure>` and `<rerunError>` (<https://maven.apache.org/surefire/>).

use roxmltree::{Document, Error, Node, ParsingOptions};

use crate::probe::Fault;

use super::MAX_NAMES;

/// The longest name that is kept.
const MAX_NAME: usize = 200;

/// What stands in a report, or in several.
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
    /// Those that passed after they had failed.
    pub flaky: usize,
    /// Failures and errors of the totals that nothing shows.
    pub unaccounted: u64,
    /// The names of what failed or broke off.
    pub failing: Vec<String>,
}

impl Counts {
    /// Adds those of another report.
    pub fn add(&mut self, other: Self) {
        self.cases += other.cases;
        self.passed += other.passed;
        self.failures += other.failures;
        self.errors += other.errors;
        self.skipped += other.skipped;
        self.flaky += other.flaky;
        self.unaccounted += other.unaccounted;
        let room = MAX_NAMES.saturating_sub(self.failing.len());
        self.failing.extend(other.failing.into_iter().take(room));
    }
}

/// Counts what stands in a report.
///
/// # Errors
/// When it is none, naming the file and the place. One with a DOCTYPE is refused: no report needs one, and what it defines
/// is never resolved.
pub fn count(name: &str, bytes: &[u8]) -> Result<Counts, Fault> {
    let text = std::str::from_utf8(bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes)).map_err(|error| {
        let line = bytes[..error.valid_up_to()].split(|byte| *byte == b'\n').count();
        Fault::new(format!("`{name}:{line}` is not UTF-8"))
    })?;
    let options = ParsingOptions { allow_dtd: false, ..ParsingOptions::default() };
    let document = Document::parse_with_options(text, options).map_err(|error| malformed(name, &error))?;
    let root = document.root_element();
    if !matches!(root.tag_name().name(), "testsuites" | "testsuite") {
        let fault = Fault::new(format!("`{name}` is no JUnit report: it begins with `<{}>`", root.tag_name().name()));
        return Err(fault.help("`files` should name reports alone"));
    }
    let mut counts = Counts::default();
    let mut claims = 0;
    for node in root.descendants().filter(Node::is_element) {
        match node.tag_name().name() {
            "testcase" => case(node, &mut counts),
            "testsuite" | "testsuites" => {
                suite(node, &mut counts);
                claims = claims.max(claimed(node));
            }
            _ => {}
        }
    }
    let shown = u64::try_from(counts.failures + counts.errors + counts.flaky).unwrap_or(u64::MAX);
    counts.unaccounted = claims.saturating_sub(shown);
    Ok(counts)
}

fn case(node: Node, counts: &mut Counts) {
    let has = |name: &str| node.children().any(|child| child.tag_name().name() == name);
    counts.cases += 1;
    // One that failed and then could not be cleaned up is one case that is not green.
    if has("error") {
        counts.errors += 1;
        counts.failing.push(title(node));
    } else if has("failure") {
        counts.failures += 1;
        counts.failing.push(title(node));
    } else if has("skipped") {
        counts.skipped += 1;
    } else {
        counts.passed += 1;
        counts.flaky += usize::from(has("flakyFailure") || has("flakyError"));
    }
    counts.failing.truncate(MAX_NAMES);
}

/// What happened to a whole suite, as where its set-up failed.
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
        Error::DtdDetected => Fault::new(format!("`{name}` has a DOCTYPE, which is not read"))
            .help("no JUnit report needs one: what writes it there, and is it a report?"),
        Error::UnexpectedEndOfStream | Error::UnclosedRootNode => Fault::new(format!("`{name}` ends too early"))
            .help("was the run that writes it cut short, or is it still writing?"),
        Error::NoRootNode => Fault::new(format!("`{name}` is empty"))
            .help("was the run that writes it cut short, or is it still writing?"),
        other => {
            let at = other.pos();
            // Its own words end in the place as well.
            let words = other.to_string();
            let words = words.split(" at ").next().unwrap_or_default();
            Fault::new(format!("`{name}:{}:{}` is not well-formed XML: {words}", at.row, at.col))
        }
    }
}
