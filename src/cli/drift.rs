//! Whether a markdown file still says what the run does: dates and evidence alone are no drift.

use regex::Regex;
use similar::{Algorithm, DiffOp, TextDiff, capture_diff_slices};

/// What counts as a difference.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exactness {
    /// What a reader would act on: not when something was verified, and what was seen.
    Meaning,
    /// Every byte.
    Bytes,
}

/// A unified diff from what stands there to what should; nothing where there is no difference that counts.
pub fn drift(there: &str, wanted: &str, exactness: Exactness, path: &str) -> Option<String> {
    let wanted = match exactness {
        Exactness::Bytes => wanted.to_owned(),
        Exactness::Meaning => with_dates_of(there, wanted),
    };
    if there == wanted {
        return None;
    }
    let diff = TextDiff::from_lines(there, &wanted);
    Some(diff.unified_diff().context_radius(2).header(path, &format!("{path} (from the last run)")).to_string())
}

/// The wanted text, but where a line differs in dates and evidence alone, the line that stands there.
fn with_dates_of(there: &str, wanted: &str) -> String {
    let (old, new): (Vec<&str>, Vec<&str>) =
        (there.split_inclusive('\n').collect(), wanted.split_inclusive('\n').collect());
    let meaning = Meaning::new();
    let bare = |lines: &[&str]| lines.iter().map(|line| meaning.of(line)).collect::<Vec<String>>();
    let ops = capture_diff_slices(Algorithm::Myers, &bare(&old), &bare(&new));
    let mut text = String::with_capacity(wanted.len());
    for op in ops {
        match op {
            DiffOp::Equal { old_index, len, .. } => text.extend(old[old_index..old_index + len].iter().copied()),
            DiffOp::Insert { new_index, new_len, .. } | DiffOp::Replace { new_index, new_len, .. } => {
                text.extend(new[new_index..new_index + new_len].iter().copied());
            }
            DiffOp::Delete { .. } => {}
        }
    }
    text
}

/// Takes dates and evidence off a line of markdown as gate writes it.
struct Meaning {
    head: Regex,
    remark: Regex,
}

impl Meaning {
    fn new() -> Self {
        let regex = |pattern| Regex::new(pattern).expect("it is well formed");
        Self {
            head: regex(r"^(\*\*Last Verified:\*\*) \d{4}-\d\d-\d\d"),
            remark: regex(
                r"^(- \[[ x]\] .*?) \((?:verified|signed|last verified|red since) \d{4}-\d\d-\d\d.*\)(\r?\n?)$",
            ),
        }
    }

    fn of(&self, line: &str) -> String {
        if line.starts_with("- [") { self.remark.replace(line, "$1$2") } else { self.head.replace(line, "$1") }
            .into_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const THERE: &str = "**Last Verified:** 2025-12-06 · **Verdict:** READY (2 of 2 green)\n\
        - [x] A (above) (verified 2025-12-06: 200)\n- [ ] B **[FAILED: x]** (last verified 2025-12-01)\n";

    #[test]
    fn dates_and_evidence_alone_are_no_drift() {
        let later = THERE.replace("2025-12-06: 200", "2025-12-07: 201").replace("12-06 ·", "12-07 ·");
        assert_eq!(drift(THERE, &later, Exactness::Meaning, "R.md"), None);
        assert!(drift(THERE, &later, Exactness::Bytes, "R.md").is_some());
        let never = THERE.replace(" (last verified 2025-12-01)", "");
        assert_eq!(drift(THERE, &never, Exactness::Meaning, "R.md"), None);
    }

    #[test]
    fn a_tick_that_is_gone_is_drift_and_the_diff_shows_it_alone() {
        let later = THERE
            .replace("- [x] A (above) (verified 2025-12-06: 200)", "- [ ] A (above) **[FAILED: y]**")
            .replace("12-06 ·", "12-07 ·");
        insta::assert_snapshot!(drift(THERE, &later, Exactness::Meaning, "R.md").expect("a tick is gone"), @"
        --- R.md
        +++ R.md (from the last run)
        @@ -1,3 +1,3 @@
         **Last Verified:** 2025-12-06 · **Verdict:** READY (2 of 2 green)
        -- [x] A (above) (verified 2025-12-06: 200)
        +- [ ] A (above) **[FAILED: y]**
         - [ ] B **[FAILED: x]** (last verified 2025-12-01)
        ");
    }
}
