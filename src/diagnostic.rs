//! Problems in the user's files and flags, each shown at its place.

mod collector;
mod render;
mod source;
mod synonym;

use crate::secret::{Redact, Redactor};
use crate::text::visible;

pub use collector::{Collector, MAX_SHOWN};
pub use source::{Place, Source, Sources, Span};
pub use synonym::has_other_form;

use render::{Look, grouped, heading, indent, render};

/// Whether a problem stops the work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Severity {
    /// Nothing runs.
    Error,
    /// The work goes on.
    Warning,
}

/// A part of a problem that only the schema of the file knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lack {
    /// The form of the setting whose value doesn't fit.
    Form,
    /// Where the key belongs that is unknown here.
    Place,
}

/// One problem: what is wrong, where, and what to do.
#[derive(Debug, Clone)]
pub struct Diagnostic {
    severity: Severity,
    title: String,
    at: Option<(Span, Option<String>)>,
    /// Whether the line that is there may be seen.
    is_shown: bool,
    also: Vec<(Span, String)>,
    help: Vec<String>,
    lack: Option<Lack>,
    /// How many more problems of its kind were found and not kept.
    more: u32,
}

impl Diagnostic {
    /// A problem that stops the work. Titles are lower case, with backticks around literals and no full stop.
    pub fn error(title: impl Into<String>) -> Self {
        let title = title.into();
        Self {
            severity: Severity::Error,
            title,
            at: None,
            is_shown: true,
            also: Vec::new(),
            help: Vec::new(),
            lack: None,
            more: 0,
        }
    }

    /// A problem that is worth a word.
    pub fn warning(title: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(title) }
    }

    /// Where the caret goes.
    #[must_use]
    pub fn at(mut self, span: Span) -> Self {
        self.at = Some((span, None));
        self
    }

    /// Where it is, without the line: it may hold a secret.
    #[must_use]
    pub fn at_unshown(self, span: Span) -> Self {
        Self { is_shown: false, ..self.at(span) }
    }

    /// The label beside the caret. Only after [`Diagnostic::at`].
    #[must_use]
    pub fn label(mut self, label: impl Into<String>) -> Self {
        if let Some((_, place)) = &mut self.at {
            *place = Some(label.into());
        }
        self
    }

    /// A second place that the problem spans, such as the line that uses a check.
    #[must_use]
    pub fn also(mut self, span: Span, label: impl Into<String>) -> Self {
        self.also.push((span, label.into()));
        self
    }

    /// The help: what to do about it.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help.push(help.into());
        self
    }

    /// The help, if any.
    #[must_use]
    pub fn maybe_help(self, help: Option<String>) -> Self {
        match help {
            Some(help) => self.help(help),
            None => self,
        }
    }

    /// Suggests the nearest candidate, beside the caret where there is one. If none is near, this help.
    #[must_use]
    pub fn suggest<'a>(
        self,
        word: &str,
        candidates: impl IntoIterator<Item = &'a str>,
        otherwise: impl Into<String>,
    ) -> Self {
        let Some(near) = closest(word, candidates) else { return self.help(otherwise) };
        let text = did_you_mean(near);
        if self.at.is_some() { self.label(text) } else { self.help(text) }
    }

    /// Marks a part that the schema of the file can add.
    #[must_use]
    pub fn lacking(self, lack: Lack) -> Self {
        Self { lack: Some(lack), ..self }
    }

    /// The part that the schema of the file can add, if any.
    pub fn lack(&self) -> Option<Lack> {
        self.lack
    }

    /// The word that was probably meant by the one at its place, if one was suggested.
    pub fn meant(&self) -> Option<&str> {
        let (_, label) = self.at.as_ref()?;
        label.as_deref()?.strip_prefix("did you mean `")?.strip_suffix("`?")
    }

    /// The same place with these words.
    #[must_use]
    pub fn reworded(self, title: impl Into<String>, help: impl Into<String>) -> Self {
        let at = self.at.map(|(span, _)| (span, None));
        Self { title: title.into(), at, help: vec![help.into()], lack: None, ..self }
    }

    /// The same without those that it counts.
    #[must_use]
    pub fn alone(self) -> Self {
        Self { more: 0, ..self }
    }

    /// The title alone.
    pub fn title(&self) -> &str {
        &self.title
    }

    /// The help alone.
    pub fn helps(&self) -> &[String] {
        &self.help
    }

    /// Where the caret goes, if anywhere.
    pub fn span(&self) -> Option<Span> {
        self.at.as_ref().map(|(span, _)| *span)
    }

    /// Whether it stops the work.
    pub fn severity(&self) -> Severity {
        self.severity
    }

    /// The title without what differs from one problem to the next of its kind.
    fn kind(&self) -> String {
        let parts = self.title.split('`').enumerate();
        parts.map(|(at, part)| if at % 2 == 0 { part } else { "`…`" }).collect()
    }
}

/// Every problem found in one go.
#[derive(Debug, Clone, Default)]
pub struct Diagnostics(pub Vec<Diagnostic>);

impl Diagnostics {
    /// Whether anything stops the work.
    pub fn has_errors(&self) -> bool {
        self.0.iter().any(|problem| problem.severity == Severity::Error)
    }

    /// The problems as a compiler would print them, in the order of the files, each followed by an empty line.
    pub fn render(&self, sources: &Sources, styled: bool) -> String {
        self.render_within(None, sources, styled)
    }

    /// The same for a terminal of this many columns.
    pub fn render_within(&self, width: Option<usize>, sources: &Sources, styled: bool) -> String {
        let look = Look { width, styled };
        let mut problems: Vec<&Diagnostic> = self.0.iter().collect();
        problems.sort_by_key(|problem| problem.span().map(|span| (span.file, span.start)));
        let mut shown = Collector::default();
        problems.into_iter().for_each(|problem| shown.push(problem.clone()));
        let mut out = String::new();
        for problem in shown.into_problems() {
            out.push_str(&render(&problem, sources, look));
            out.push_str("\n\n");
            if problem.more > 0 {
                let (word, style) = heading(problem.severity, styled);
                let more = format!("… and {} more: {}", grouped(problem.more), visible(&problem.kind()));
                let more = look.wrapped(&more, word.len() + 2).join(&indent(word.len() + 2));
                out.push_str(&format!("{style}{word}{style:#}: {more}\n\n"));
            }
        }
        out
    }
}

impl Redact for Diagnostics {
    fn redact(&mut self, redactor: &Redactor) {
        self.0.redact(redactor);
    }
}

impl Redact for Diagnostic {
    fn redact(&mut self, redactor: &Redactor) {
        let Self { severity: _, title, at, is_shown: _, also, help, lack: _, more: _ } = self;
        title.redact(redactor);
        help.redact(redactor);
        let labels = at.iter_mut().filter_map(|(_, label)| label.as_mut());
        labels.chain(also.iter_mut().map(|(_, label)| label)).for_each(|label| label.redact(redactor));
    }
}

impl From<Diagnostic> for Diagnostics {
    fn from(problem: Diagnostic) -> Self {
        Self(vec![problem])
    }
}

/// The longest line of a list in a help text, in bytes.
const MAX_HELP: usize = 90;

/// The shortest beginning that two words must share for one to be proposed for the other, in bytes.
const MIN_START: usize = 5;

/// The longest word that others are compared with, in bytes.
const MAX_WORD: usize = 200;

/// The candidate that the user most probably meant, if any is near enough.
pub fn closest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    // As in rustc: a third of the letters may differ. With more, short words resemble too many others.
    let limit = |candidate: &str| word.len().max(candidate.len()).max(3) / 3;
    let candidates: Vec<&str> = candidates.into_iter().collect();
    if let Some(meant) = synonym::synonym(word, &candidates) {
        return Some(meant);
    }
    let nearest = candidates
        .iter()
        .copied()
        // Comparing takes the product of both lengths in time and memory.
        .filter(|candidate| candidate.len() <= MAX_WORD && word.len().abs_diff(candidate.len()) <= 4 * limit(candidate))
        .filter(|_| word.len() <= MAX_WORD)
        .map(|candidate| (strsim::damerau_levenshtein(word, candidate), candidate))
        .filter(|(distance, candidate)| *distance <= limit(candidate) && *distance < word.len().max(candidate.len()))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate);
    nearest.or_else(|| {
        // `statuscode` for `status`, `latency` for `latency_ms`.
        let begins = |long: &str, short: &str| short.len() >= MIN_START && long.starts_with(short);
        let mut alike = candidates.into_iter().filter(|other| begins(word, other) || begins(other, word));
        alike.next().filter(|_| alike.next().is_none())
    })
}

/// `` expected one of `a`, `b` or `c` ``, on several lines if there are many.
pub fn expected(names: &[&str]) -> String {
    let mut lines = vec![String::from(if names.len() == 1 { "expected" } else { "expected one of" })];
    for (position, name) in names.iter().enumerate() {
        let separator = match names.len() - position {
            1 => "",
            2 => " or",
            _ => ",",
        };
        let word = format!(" `{name}`{separator}");
        match lines.last_mut().filter(|line| line.len() + word.len() <= MAX_HELP) {
            Some(line) => line.push_str(&word),
            None => lines.push(word.trim_start().to_owned()),
        }
    }
    lines.join("\n")
}

/// `did you mean …?`, if any candidate is near enough.
pub fn suggestion<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<String> {
    closest(word, candidates).map(did_you_mean)
}

fn did_you_mean(near: &str) -> String {
    format!("did you mean `{near}`?")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_shows_its_line_a_caret_and_what_to_do() {
        let mut sources = Sources::default();
        let file = sources.add("c.yaml", "title: x\nsectoins: []\n");
        let problem = Diagnostic::error("unknown key `sectoins`")
            .at(Span { file, start: 9, end: 17 })
            .label("did you mean `sections`?");
        insta::assert_snapshot!(Diagnostics::from(problem).render(&sources, false), @r"
        error: unknown key `sectoins`
         --> c.yaml:2:1
          |
        2 | sectoins: []
          | ^^^^^^^^ did you mean `sections`?
        ");
    }

    #[test]
    fn a_problem_fits_the_width_of_a_terminal() {
        let mut sources = Sources::default();
        let line =
            format!("          - http: {{ url: \"http://127.0.0.1:18731/{}\", timeout: 3s }}\n", "healthz/".repeat(6));
        let file = sources.add("c.yaml", line.as_str());
        let start = u32::try_from(line.find("timeout").expect("it is there")).expect("short");
        let help = "end the settings of `http` before it, and write it below `http`:\n- http: { … }\n  timeout: …";
        let problem = Diagnostic::error("`timeout` is inside `http`, not beside it, and this title is long")
            .at(Span { file, start, end: start + 7 })
            .label("not here")
            .help(help);
        let problems = Diagnostics(vec![problem, Diagnostic::error("file not found").help(help)]);
        let text = problems.render_within(Some(60), &sources, false);
        assert!(text.lines().all(|line| line.chars().count() <= 60), "{text}");
        insta::assert_snapshot!(text, @r#"
        error: file not found
          help: end the settings of `http` before it, and write it
                below `http`:
                - http: { … }
                  timeout: …

        error: `timeout` is inside `http`, not beside it, and this
               title is long
         --> c.yaml:1:101
          |
        1 | ...althz/healthz/", timeout: 3s }
          |                     ^^^^^^^ not here
          |
          = help: end the settings of `http` before it, and write it
                  below `http`:
                  - http: { … }
                    timeout: …
        "#);
    }

    fn unknown_keys(text: String, count: u32) -> String {
        let mut sources = Sources::default();
        let file = sources.add("c.yaml", text);
        let problem = |at| Diagnostic::error(format!("unknown key `a{at}`")).at(Span { file, start: at, end: at + 1 });
        Diagnostics((0..count).map(problem).collect()).render(&sources, false)
    }

    #[test]
    fn a_repeated_problem_is_shown_twenty_times_and_then_counted() {
        let text = unknown_keys("a\n".repeat(20_000), 20_000);
        assert_eq!(text.matches("error: unknown key").count(), 20);
        assert!(text.ends_with("error: … and 19,980 more: unknown key `…`\n\n"), "{text}");
        assert!(!unknown_keys("a\n".repeat(40), 20).contains("more"));
    }

    #[test]
    fn a_long_line_is_not_repeated_for_each_of_its_problems() {
        let text = unknown_keys("é".repeat(1 << 20), 40_000);
        assert!(text.len() < 10_000 && text.starts_with("error: unknown key `a0`\n --> c.yaml:1:1\n"), "{text}");
    }

    #[test]
    fn nothing_in_a_file_acts_on_the_terminal_and_the_caret_stays_at_its_word() {
        let mut sources = Sources::default();
        let file = sources.add("\u{1b}c.yaml", "\u{9b}31m\u{7f}\u{202e}key: x\r\n");
        let problem =
            Diagnostic::error("unknown key `\u{9b}`").at(Span { file, start: 9, end: 12 }).label("\u{202e}no");
        insta::assert_snapshot!(Diagnostics::from(problem).render(&sources, false), @r"
        error: unknown key `\u{9b}`
         --> \u{1b}c.yaml:1:7
          |
        1 | �31m��key: x
          |       ^^^ \u{202e}no
        ");
    }

    #[test]
    fn a_line_that_looks_like_a_credential_is_not_quoted() {
        let mut sources = Sources::default();
        let file = sources.add("c.yaml", "title: x\ntoken: hunter2hunter2\n");
        let problem = Diagnostic::error("unknown key `token`").at(Span { file, start: 9, end: 14 }).help("remove it");
        insta::assert_snapshot!(Diagnostics::from(problem).render(&sources, false), @"
        error: unknown key `token`
         --> c.yaml:2:1
          = help: remove it
        ");
    }

    #[test]
    fn the_nearest_word_is_found_and_a_far_one_is_not() {
        assert_eq!(closest(&"x".repeat(16 << 20), ["dashboards"]), None);
        assert_eq!(closest("dashbords", ["dashboards", "folders"]), Some("dashboards"));
        assert_eq!(closest("zebra", ["dashboards", "folders"]), None);
        assert_eq!(closest("x", ["a", "b"]), None);
    }

    #[test]
    fn expected_words_are_listed_on_lines_of_a_readable_length() {
        assert_eq!(expected(&["a"]), "expected `a`");
        assert_eq!(expected(&["a", "b", "c"]), "expected one of `a`, `b` or `c`");
        let long = expected(&["a-rather-long-name"; 9]);
        assert_eq!(long.lines().count(), 3, "{long}");
        assert!(long.lines().all(|line| line.len() <= MAX_HELP), "{long}");
    }
}
