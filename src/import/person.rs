//! Lines that only a person can do, and the role of the person.

use std::sync::LazyLock;

use regex::Regex;

/// The role if the list does not name one.
pub const NOBODY: &str = "team";

/// Who does what: `QA lead confirms …`.
static ROLE: LazyLock<Regex> = LazyLock::new(|| {
    regex(
        r"(?i)^(.{2,40}?)\s+(?:confirms?|approves?|accepts?|signs?(?: off)?|reviews?|verifies|agrees?|has (?:approved|reviewed|agreed|signed))(?:[\s,.;:()]|$)",
    )
});
/// The same the other way round: `Sign off by QA lead`, `Approved by the CTO`.
static BY: LazyLock<Regex> = LazyLock::new(|| {
    regex(
        r"(?i)\b(?:sign(?:ed)?[- ]?offs?|signed|approved|approval|confirmed|accepted|reviewed|review|agreed)\s+(?:by|from|of)\s+(?:the\s+)?(@?\w[^,.;:()]{1,39}?)(?:[,.;:(]|\s+(?:before|after|on|at|for|that|when|if|and|is|has)\b|\s*$)",
    )
});
/// The same as a name: `QA sign-off`, `Legal approval`.
static NAMED: LazyLock<Regex> =
    LazyLock::new(|| regex(r"(?i)^(?:the\s+)?(.{2,40}?)(?:['’]s)?\s+(?:sign[- ]?off|approval)\b"));
/// Words that name people.
static PEOPLE: LazyLock<Regex> = LazyLock::new(|| {
    regex(
        r"(?i)\b(?:lead|owners?|managers?|team|engineers?|qa|sre|security|legal|support|director|cto|ceo|ciso|pm|developers?|ops|stakeholders?|customers?|we|everybody|everyone|somebody|someone|reviewers?|architects?)\b|@\w",
    )
});
/// Activities of people.
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
    let one = |pattern: &Regex| Some(pattern.captures(title)?.get(1)?.as_str().trim());
    // `Sign off by …` begins like `QA sign-off`, and has the role in other words.
    one(&BY).or_else(|| one(&ROLE)).or_else(|| one(&NAMED).filter(|role| PEOPLE.is_match(role)))
}

/// Whether only a person can do what the line says.
pub fn is_manual(title: &str) -> bool {
    DOING.is_match(title) || role(title).is_some_and(|role| PEOPLE.is_match(role))
}

#[cfg(test)]
mod tests {
    use super::{is_manual, role};

    #[test]
    fn a_line_names_who_signs() {
        let cases = [
            ("QA lead confirms smoke tests", "QA lead"),
            ("Sign off by QA lead", "QA lead"),
            ("Sign-off from the SRE on duty before the release", "SRE"),
            ("Release notes approved by @dana", "@dana"),
            ("Approval of security (see the wiki)", "security"),
            ("Legal's sign-off", "Legal"),
            ("QA sign-off", "QA"),
            ("Final sign-off", "-"),
            ("API answers", "-"),
            ("Load balancer confirms health", "Load balancer"),
        ];
        for (line, expected) in cases {
            assert_eq!(role(line).unwrap_or("-"), expected, "{line}");
        }
        assert!(is_manual("Terms approved by legal") && !is_manual("Plan approved by the pipeline"));
    }
}
