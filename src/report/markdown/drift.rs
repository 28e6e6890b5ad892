//! Whether a Markdown file is up to date with a run: everything counts but dates and the evidence that gate wrote.

use std::borrow::Cow;

use regex::Regex;
use similar::{Algorithm, DiffOp, TextDiff, capture_diff_slices};

use crate::run::Run;

use super::item::{ItemLine, Remark};
use super::{head_line, item_lines};

/// The differences that count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exactness {
    /// All but dates and evidence.
    Meaning,
    /// Every byte.
    Bytes,
}

/// A unified diff from the file to the Markdown of the run; empty if nothing that counts differs. `wanted` is the file
/// with the run's Markdown in it.
pub fn drift(there: &str, wanted: &str, run: &Run, exactness: Exactness, path: &str) -> Option<String> {
    let wanted = match exactness {
        Exactness::Bytes => wanted.to_owned(),
        Exactness::Meaning => {
            let meaning = Meaning::of(run);
            merged(there, wanted, |line| meaning.line(line))
        }
    };
    (there != wanted).then(|| diff(there, &wanted, path, "from the last run"))
}

/// A unified diff. `origin` names the source of the wanted text.
pub fn diff(there: &str, wanted: &str, path: &str, origin: &str) -> String {
    let diff = TextDiff::from_lines(there, wanted);
    diff.unified_diff().context_radius(2).header(path, &format!("{path} ({origin})")).to_string()
}

/// The wanted text, with the file's own lines where `meaning` is equal.
pub fn merged(there: &str, wanted: &str, meaning: impl Fn(&str) -> String) -> String {
    let (old, new): (Vec<&str>, Vec<&str>) =
        (there.split_inclusive('\n').collect(), wanted.split_inclusive('\n').collect());
    let bare = |lines: &[&str]| lines.iter().map(|line| meaning(line)).collect::<Vec<String>>();
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

/// The lines of a run with parts that change from run to run.
struct Meaning {
    head: String,
    items: Vec<ItemLine>,
    date: Regex,
    verified: Regex,
    since: Regex,
}

impl Meaning {
    fn of(run: &Run) -> Self {
        let regex = |pattern| Regex::new(pattern).expect("it is well formed");
        let date = regex(r"\d{4}-\d\d-\d\d");
        Self {
            head: date.replace(&head_line(run), "DATE").into_owned(),
            items: item_lines(run),
            verified: regex(r"^verified DATE(?:: (.*))?$"),
            since: regex(r"(?:^|; )(?:red since|last verified) DATE(?: at [^;]*)?$"),
            date,
        }
    }

    /// The line of the run if both mean the same, else the line itself.
    fn line(&self, line: &str) -> String {
        let text = line.trim_end_matches(['\r', '\n']);
        let end = &line[text.len()..];
        // A nested item is indented.
        let bare = text.trim_start_matches(' ');
        let indent = &text[..text.len() - bare.len()];
        let same = if text.starts_with("**Last Verified:**") && self.date.replace(text, "DATE") == self.head {
            Some(Cow::Borrowed(&self.head[..]))
        } else if bare.starts_with("- [") {
            let same = self.items.iter().find(|item| self.is_same(bare, item));
            same.map(|item| Cow::Owned(format!("{indent}{item}")))
        } else {
            None
        };
        same.map_or_else(|| line.to_owned(), |same| format!("{same}{end}"))
    }

    /// Whether the text is the line of the item, apart from dates and evidence.
    fn is_same(&self, text: &str, item: &ItemLine) -> bool {
        let Some(rest) = text.strip_prefix(&item.head) else { return false };
        let remarks = match rest.strip_prefix(" (").and_then(|rest| rest.strip_suffix(')')) {
            Some(remarks) if is_closed(remarks) => remarks,
            Some(_) => return text == item.to_string(),
            None if rest.is_empty() => "",
            None => return false,
        };
        let masked = self.date.replace_all(remarks, "DATE");
        let mut remarks: &str = &masked;
        while let Some(found) = self.since.find(remarks) {
            remarks = &remarks[..found.start()];
        }
        for remark in item.remarks.iter().rev() {
            let Remark::Fixed(fixed) = remark else { continue };
            let Some(before) = remarks.strip_suffix(&*self.date.replace_all(fixed, "DATE")) else { return false };
            remarks = before.strip_suffix("; ").unwrap_or(before);
        }
        if remarks.is_empty() {
            return true;
        }
        let was_verified = item.remarks.iter().any(|remark| matches!(remark, Remark::Verified(..)));
        let evidence = self.verified.captures(remarks).map(|found| found.get(1).map_or("", |found| found.as_str()));
        was_verified && evidence.is_some_and(|evidence| !FIXED.iter().any(|word| evidence.ends_with(word)))
    }
}

/// Texts that can't be the end of an evidence.
const FIXED: [&str; 3] = ["; flaky", "; advisory", "; insecure: TLS not verified"];

/// Whether every closing parenthesis has an opening one: otherwise something follows the remarks.
fn is_closed(text: &str) -> bool {
    let mut depth = 0_usize;
    text.chars().all(|c| match c {
        '(' => {
            depth += 1;
            true
        }
        ')' => depth.checked_sub(1).map(|less| depth = less).is_some(),
        _ => true,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample::{now, passed, red, run, section};
    use crate::run::{ItemResult, Status};

    fn sample() -> Run {
        let b = ItemResult { last_passed: Some(now()), flaky: true, ..red("b", "B", Status::Failed, "x") };
        run([section("S", [passed("a", "A (above)", "200"), b])])
    }

    fn text(run: &Run) -> String {
        item_lines(run).iter().fold(format!("{}\n", head_line(run)), |text, line| format!("{text}{line}\n"))
    }

    fn differs(there: &str) -> bool {
        drift(there, &text(&sample()), &sample(), Exactness::Meaning, "R.md").is_some()
    }

    #[test]
    fn dates_and_evidence_do_not_count() {
        let there = text(&sample());
        let later = there.replace("2025-12-06: 200", "2025-12-07: 201 (new)").replace("12-06 ·", "12-07 ·");
        assert_ne!(later, there);
        assert!(!differs(&later));
        assert!(drift(&later, &there, &sample(), Exactness::Bytes, "R.md").is_some());
        assert!(!differs(&there.replace("; last verified 2025-12-06", "")));
        assert!(!differs(&there.replace('\n', "\r\n").replace("\r\n", "\n")));
    }

    #[test]
    fn all_else_counts_behind_a_tick_too() {
        let there = text(&sample());
        for (old, new) in [
            ("- [x] A", "- [ ] A"),
            ("200)", "200) and approved"),
            ("200)", "200) (approved)"),
            ("200)", "200; advisory)"),
            ("(flaky; ", "("),
            ("**[FAILED: x]**", "**[FAILED: y]**"),
            ("(verified 2025-12-06: 200)", "(approved by Dana)"),
            ("NOT READY", "READY"),
        ] {
            let edited = there.replace(old, new);
            assert_ne!(edited, there, "{old}");
            assert!(differs(&edited), "{edited}");
        }
    }

    #[test]
    fn the_diff_shows_only_what_counts() {
        let edited = text(&sample()).replace("- [x] A (above) (verified 2025-12-06: 200)", "- [ ] A (above)");
        let edited = edited.replace("12-06 ·", "12-05 ·");
        let diff = drift(&edited, &text(&sample()), &sample(), Exactness::Meaning, "R.md").expect("a tick is gone");
        let changed: Vec<&str> =
            diff.lines().filter(|line| line.starts_with("+- ") || line.starts_with("-- ")).collect();
        assert_eq!(changed, ["-- [ ] A (above)", "+- [x] A (above) (verified 2025-12-06: 200)"]);
        assert!(!diff.contains("-**Last"), "{diff}");
    }
}
