//! Lines that only a person can do, and who that is.

use std::sync::LazyLock;

use regex::Regex;

/// Who confirms what only a person can do, where the list does not say.
pub const NOBODY: &str = "team";

/// Who does what: `QA lead confirms …`.
static ROLE: LazyLock<Regex> = LazyLock::new(|| {
    regex(
        r"(?i)^(.{2,40}?)\s+(?:confirms?|approves?|accepts?|signs?(?: off)?|reviews?|verifies|agrees?|has (?:approved|reviewed|agreed|signed))\b",
    )
});
/// Words that name people.
static PEOPLE: LazyLock<Regex> = LazyLock::new(|| {
    regex(
        r"(?i)\b(?:lead|owners?|managers?|team|engineers?|qa|sre|security|legal|support|director|cto|ceo|ciso|pm|developers?|ops|stakeholders?|customers?|we|everybody|everyone|somebody|someone|reviewers?|architects?)\b|@\w",
    )
});
/// What only people do.
static DOING: LazyLock<Regex> = LazyLock::new(|| {
    regex(
        r"(?i)^(?:[^:]{1,40}:\s+)?(?:manually\b|call|phone|ask|tell|announce|notify|inform|discuss|agree|meet|brief|email|e-mail|write to|talk|decide|walk through|rehearse|train|interview|schedule|book|invite|remind|thank|celebrate|approve|sign off|review|get (?:approval|sign-?off)|make sure (?:everyone|everybody|people|the team))\b",
    )
});

fn regex(pattern: &str) -> Regex {
    Regex::new(pattern).expect("it is well formed")
}

/// The role that a line of a sign-off names.
pub fn role(title: &str) -> Option<&str> {
    ROLE.captures(title).and_then(|found| Some(found.get(1)?.as_str()))
}

/// Whether only a person can do what the line says.
pub fn is_manual(title: &str) -> bool {
    DOING.is_match(title) || role(title).is_some_and(|role| PEOPLE.is_match(role))
}
