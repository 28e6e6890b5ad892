//! The outcome of one case: the worst that its children and attributes report.

use roxmltree::Node;

/// The outcome of a case, from good to bad.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Outcome {
    /// It ran, and nothing was wrong.
    Passed,
    /// Its `status` or `result` is a word that is not known.
    Unknown,
    /// It did not run to its end, on purpose.
    Skipped,
    /// An assertion did not hold.
    Failed,
    /// It broke off.
    Broken,
}

impl Outcome {
    /// The outcome of this case.
    pub fn of(case: Node) -> Self {
        let children = case.children().map(|child| match child.tag_name().name() {
            "error" => Self::Broken,
            "failure" => Self::Failed,
            "skipped" | "disabled" | "ignored" => Self::Skipped,
            _other => Self::Passed,
        });
        let attributes = ["status", "result"].into_iter().filter_map(|name| case.attribute(name)).map(Self::said);
        children.chain(attributes).max().unwrap_or(Self::Passed)
    }

    /// The outcome in a `status` or `result`: GoogleTest, CTest, NUnit, Cucumber and others each use their own words.
    fn said(word: &str) -> Self {
        let word: String = word.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect();
        match word.as_str() {
            "" | "passed" | "pass" | "success" | "successful" | "succeeded" | "ok" | "run" | "completed"
            | "complete" | "executed" | "fixed" => Self::Passed,
            "skipped" | "skip" | "disabled" | "notrun" | "suppressed" | "ignored" | "ignore" | "inconclusive"
            | "pending" | "notexecuted" | "notrunnable" | "todo" | "undefined" | "untested" | "excluded"
            | "filtered" | "deselected" | "canceled" | "cancelled" | "blocked" | "xfail" | "xfailed"
            | "assumptionviolated" => Self::Skipped,
            "failed" | "fail" | "failure" | "failing" | "ko" | "unsuccessful" | "regression" => Self::Failed,
            "error" | "errored" | "broken" | "aborted" | "timeout" | "timedout" | "crashed" | "interrupted" => {
                Self::Broken
            }
            _other => Self::Unknown,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Outcome;

    fn outcome(case: &str) -> Outcome {
        Outcome::of(roxmltree::Document::parse(case).expect("it is XML").root_element())
    }

    #[test]
    fn the_worst_of_children_and_attributes_counts() {
        for (case, expected) in [
            ("<testcase/>", Outcome::Passed),
            ("<testcase status='run' result='completed'/>", Outcome::Passed),
            ("<testcase status='PASSED'/>", Outcome::Passed),
            ("<testcase status='notrun' result='suppressed'/>", Outcome::Skipped),
            ("<testcase status='run' result='skipped'/>", Outcome::Skipped),
            ("<testcase status='Not Run'/>", Outcome::Skipped),
            ("<testcase status='disabled'/>", Outcome::Skipped),
            ("<testcase status='ignored'/>", Outcome::Skipped),
            ("<testcase result='Inconclusive'/>", Outcome::Skipped),
            ("<testcase status='failed'/>", Outcome::Failed),
            ("<testcase status='failed'><skipped/></testcase>", Outcome::Failed),
            ("<testcase status='passed'><failure/></testcase>", Outcome::Failed),
            ("<testcase status='error'/>", Outcome::Broken),
            ("<testcase status='passed'><failure/><error/></testcase>", Outcome::Broken),
            ("<testcase status='meh'/>", Outcome::Unknown),
            ("<testcase status='meh'><skipped/></testcase>", Outcome::Skipped),
        ] {
            assert_eq!(outcome(case), expected, "{case}");
        }
    }
}
