//! Whether a Markdown file has the structure, gaps and sign-offs of a checklist, if no run is known.

use regex::Regex;

use crate::run::{ItemResult, Run, Status};

use super::drift::{diff, merged};
use super::escape::{escape, line};
use super::item_line;

/// A reference to an unset variable, as commands that run nothing show it.
const UNSET: &str = "${env.";

/// The beginnings of what follows the title of an item.
const BEHIND: [&str; 2] = [" **[", " ("];

/// The tag of a missing sign-off.
const UNSIGNED: &str = " **[NEEDS SIGN-OFF]**";

/// A unified diff from the file to the checklist; empty if they are equal. Only what is known without a run
/// counts. `outline` is the checklist as a run without observations, and `wanted` the file with its Markdown.
pub fn structural_drift(there: &str, wanted: &str, outline: &Run, path: &str) -> Option<String> {
    let structure = Structure::of(outline, wanted);
    let (there, wanted) = (structure.known(there), structure.known(wanted));
    let wanted = merged(&there, &wanted, |line| structure.line(line));
    (there != wanted).then(|| diff(&there, &wanted, path, "from the checklist"))
}

/// The subject that a Markdown file names.
pub fn subject(file: &str) -> Option<String> {
    let head = file.lines().find(|line| line.starts_with(HEAD))?;
    let (_, rest) = head.split_once("**Subject:** ")?;
    let subject = rest.split(" · ").next().unwrap_or(rest);
    Some(subject.replace(super::escape::BREAK, "").replace('\\', ""))
}

/// Beginning of the line below the title.
const HEAD: &str = "**Last Verified:**";

struct Structure<'a> {
    run: &'a Run,
    /// Beginnings of lines that depend on a run.
    variable: Vec<String>,
    /// The wanted lines with an unset variable, each with a pattern.
    open: Vec<(Regex, String)>,
}

impl<'a> Structure<'a> {
    fn of(run: &'a Run, wanted: &str) -> Self {
        let listing = run.sections.iter().filter(|section| section.changes.is_some());
        let mut variable: Vec<String> = listing.map(|section| format!("## {}", line(&section.title))).collect();
        variable.extend(["## Sign-offs", "Not yet recorded:"].map(ToOwned::to_owned));
        let open = wanted.lines().filter(|line| line.contains(UNSET) && !line.trim_start().starts_with("- ["));
        let open = open.map(without_state).map(|line| (pattern(&line, "$"), line)).collect();
        Self { run, variable, open }
    }

    /// The text without the parts that need a run.
    fn known(&self, text: &str) -> String {
        let mut is_known = true;
        let mut known = String::with_capacity(text.len());
        for line in text.split_inclusive('\n') {
            let bare = self.line(line.trim_end_matches(['\r', '\n']));
            let is_heading = bare.starts_with("## ");
            if is_heading || bare.trim_start().starts_with("- [") || bare.starts_with("<!-- gate:end ") {
                is_known = true;
            }
            let begins =
                |start: &String| bare.strip_prefix(start).is_some_and(|rest| rest.is_empty() || rest.starts_with(" ("));
            if is_known {
                known.push_str(line);
            }
            if self.variable.iter().any(begins) {
                is_known = false;
                if !is_heading {
                    known.truncate(known.len() - line.len());
                }
            }
        }
        known
    }

    /// The line of the checklist if both mean the same, else the line itself.
    fn line(&self, line: &str) -> String {
        let text = line.trim_end_matches(['\r', '\n']);
        let end = &line[text.len()..];
        let bare = text.trim_start_matches(' ');
        let indent = &text[..text.len() - bare.len()];
        let same = if text.starts_with(HEAD) {
            Some(HEAD.to_owned())
        } else if bare.starts_with("- [") {
            self.item(bare).map(|item| format!("{indent}{item}"))
        } else {
            let text = if text.starts_with("| ") { without_state(text) } else { text.to_owned() };
            let open = self.open.iter().find(|(pattern, _)| pattern.is_match(&text));
            Some(open.map_or(text, |(_, wanted)| wanted.clone()))
        };
        same.map_or_else(|| line.to_owned(), |same| format!("{same}{end}"))
    }

    /// The line of the item that this line belongs to, if it does not contradict the checklist.
    fn item(&self, text: &str) -> Option<String> {
        let title = text.get("- [x] ".len()..)?;
        let of_title = |item: &&ItemResult| behind(title, &line(&item.title)).is_some();
        let item = self.run.items().filter(of_title).max_by_key(|item| item.title.len())?;
        let wanted = item_line(self.run, item, super::gap::day(self.run.started));
        let rest = behind(title, &line(&item.title))?;
        let is_ticked = text.starts_with("- [x]");
        let is_same = match (item.status, &item.sign_off) {
            (Status::Passed, Some(_)) if is_ticked => {
                let signed = escape(item.evidence.as_deref().unwrap_or_default());
                rest.strip_prefix(" (").is_some_and(|rest| rest.starts_with(&signed))
            }
            (Status::Passed, Some(_)) => !rest.starts_with(UNSIGNED),
            (_, Some(_)) => !is_ticked,
            // The checklist says why it is not checked.
            (_, None) if item.reason.is_some() => text.starts_with(&wanted.head),
            (_, None) => true,
        };
        is_same.then(|| wanted.to_string())
    }
}

/// The rest of an item's line after its title.
fn behind<'t>(text: &'t str, title: &str) -> Option<&'t str> {
    if title.contains(UNSET) {
        return Some(&text[pattern(title, "").find(text)?.end()..]);
    }
    text.strip_prefix(title).filter(|rest| rest.is_empty() || BEHIND.iter().any(|start| rest.starts_with(start)))
}

/// A pattern of a text with unset variables, which match any text.
fn pattern(text: &str, end: &str) -> Regex {
    let mut pieces = text.split(UNSET);
    let mut pattern = format!("^{}", regex::escape(pieces.next().unwrap_or_default()));
    for piece in pieces {
        let rest = piece.split_once('}').map_or("", |(_, rest)| rest);
        pattern.push_str(".*?");
        pattern.push_str(&regex::escape(rest));
    }
    Regex::new(&format!("{pattern}{end}")).expect("everything in it is escaped")
}

/// The row of a gap without the part that depends on the results of items.
fn without_state(row: &str) -> String {
    let states = [
        " **[CLOSED: remove it]**",
        " **[EXPIRED]**",
        " **[UNUSED: it has no items]**",
        " **[UNUSED: names no item that was run]**",
    ];
    states.iter().fold(row.to_owned(), |row, state| row.replace(state, ""))
}
