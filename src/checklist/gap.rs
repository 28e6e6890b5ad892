//! Which known gaps may be accepted temporarily, and until when.

use jiff::ToSpan;
use jiff::civil::Date;

use crate::diagnostic::Diagnostic;
use crate::yaml::Spanned;

/// Whether it is one of the priorities `P0` to `P4`.
pub fn is_priority(word: &str) -> bool {
    matches!(word, "P0" | "P1" | "P2" | "P3" | "P4")
}

/// Why a gap of this priority can't be accepted until then, if it can't.
pub fn refused(
    priority: Option<&Spanned<String>>,
    waivable: Option<&[String]>,
    until: &Spanned<Date>,
    today: Date,
) -> Option<Diagnostic> {
    if let Some(priority) = priority.filter(|priority| !is_priority(&priority.value)) {
        let problem = Diagnostic::error(format!("invalid priority `{}`", priority.value)).at(priority.span);
        return Some(problem.help("a gap that is accepted has a priority of `P0` to `P4`"));
    }
    if until.value > today.checked_add(1.year()).unwrap_or(Date::MAX) {
        let problem = Diagnostic::error(format!("a gap can be accepted for at most a year, not until {}", until.value));
        return Some(problem.at(until.span).help("name an earlier day, and decide again then"));
    }
    let priority = priority.map(|priority| priority.value.as_str());
    let is_one_of =
        |words: &[&str]| words.iter().any(|word| priority.is_some_and(|own| own.eq_ignore_ascii_case(word)));
    let is_allowed = match waivable {
        Some(words) => is_one_of(&words.iter().map(String::as_str).collect::<Vec<_>>()),
        None => !is_one_of(&["P0", "P1"]),
    };
    if is_allowed {
        return None;
    }
    let title = match priority {
        Some(priority) => format!("a gap of priority `{priority}` may not be waived"),
        None => "a gap without a priority may not be waived".to_owned(),
    };
    let help = match (priority, waivable) {
        (None, _) => "say its `priority`: the checklist's `waivable` names those that may be".to_owned(),
        (Some(_), Some([])) => "remove `accepted_until`: the checklist's `waivable` allows none".to_owned(),
        (Some(priority), Some(words)) => {
            format!("remove `accepted_until`, or allow it: `waivable: [{priority}, {}]`", words.join(", "))
        }
        (Some(priority), None) => {
            format!("remove `accepted_until`, or allow it for this checklist: `waivable: [{priority}, P2, P3]`")
        }
    };
    Some(Diagnostic::error(title).at(until.span).help(help))
}
