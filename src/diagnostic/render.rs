//! Prints a problem as a compiler would: its line, a caret, and what to do.

use std::ops::Range;

use annotate_snippets::renderer::DecorStyle;
use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};
use anstyle::{AnsiColor, Style};

use crate::text::credential::looks_secret;
use crate::text::{masked_lines, visible, visible_lines, wrap};

use super::source::MAX_LINE;
use super::{Diagnostic, Severity, Sources, Span};

/// How far apart the places of one problem may be for all lines between them to be given to the renderer.
const MAX_WINDOW: usize = 64 << 10;

/// How problems are printed.
#[derive(Debug, Clone, Copy)]
pub struct Look {
    /// The columns of the terminal, where there is one.
    pub width: Option<usize>,
    /// Whether it is colored.
    pub styled: bool,
}

impl Look {
    /// The lines of a text behind so many columns.
    pub fn wrapped(self, text: &str, behind: usize) -> Vec<String> {
        let lines = visible_lines(text);
        match self.width {
            Some(width) => {
                lines.lines().flat_map(|line| wrap(line, width.saturating_sub(behind).max(MIN_WIDTH))).collect()
            }
            None => lines.lines().map(ToOwned::to_owned).collect(),
        }
    }
}

/// The fewest columns that text is wrapped to. In a narrower terminal, lines are broken anywhere.
const MIN_WIDTH: usize = 20;

/// The beginning of a further line behind so many columns.
pub fn indent(columns: usize) -> String {
    format!("\n{:columns$}", "")
}

/// A problem as a compiler would print it.
pub fn render(problem: &Diagnostic, sources: &Sources, look: Look) -> String {
    let level = match problem.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let word = heading(problem.severity, false).0;
    let title = look.wrapped(&problem.title, word.len() + 2).join("\n");
    let has_places = problem.at.is_some() || !problem.also.is_empty();
    if !problem.is_shown || !has_places || !fits(problem, sources) || has_credential(problem, sources) {
        return without_lines(problem, sources, &title, look);
    }
    let mut group = Group::with_title(level.primary_title(title.as_str()));
    let mut files: Vec<u32> = Vec::new();
    let places = || {
        let first = problem.at.iter().map(|(span, label)| (*span, label.as_deref(), AnnotationKind::Primary));
        first.chain(problem.also.iter().map(|(span, label)| (*span, Some(label.as_str()), AnnotationKind::Context)))
    };
    for (span, ..) in places() {
        if !files.contains(&span.file) {
            files.push(span.file);
        }
    }
    for file in files {
        let source = sources.get(file);
        let here: Vec<_> = places().filter(|(span, ..)| span.file == file).collect();
        let window = window(&source.text, here.iter().map(|(span, ..)| span.range()));
        // Masked text may have another length: carets move with it.
        let shown = |at: usize| masked_lines(&source.text[window.start..at.min(window.end)]).len();
        let mut snippet = Snippet::source(masked_lines(&source.text[window.clone()]))
            .line_start(source.text[..window.start].matches('\n').count() + 1)
            .path(visible(&source.name).into_owned())
            .fold(true);
        for (span, label, kind) in here {
            let range = on_one_line(&source.text, span.range());
            let mut annotation = kind.span(shown(range.start)..shown(range.end));
            if let Some(label) = label {
                annotation = annotation.label(visible_lines(label).into_owned());
            }
            snippet = snippet.annotation(annotation);
        }
        group = group.element(snippet);
    }
    // Behind the number of the last line, and `  = help: `.
    let last = places().map(|(span, ..)| sources.locate(span).line).max().unwrap_or_default();
    let behind = last.to_string().len() + " = help: ".len();
    for help in &problem.help {
        group = group.element(Level::HELP.message(look.wrapped(help, behind).join("\n")));
    }
    let renderer = if look.styled { Renderer::styled() } else { Renderer::plain() };
    let renderer = if let Some(width) = look.width { renderer.term_width(width) } else { renderer };
    renderer.decor_style(DecorStyle::Ascii).render(&[group])
}

/// Whether the lines with the places of a problem are short and near enough to one another to be shown.
fn fits(problem: &Diagnostic, sources: &Sources) -> bool {
    let spans = || problem.span().into_iter().chain(problem.also.iter().map(|(span, _)| *span));
    spans().all(|span| {
        let source = sources.get(span.file);
        let here = spans().filter(|other| other.file == span.file).map(Span::range);
        source.line((span.start as usize).min(source.text.len())).1.len() <= MAX_LINE
            && window(&source.text, here).len() <= MAX_WINDOW
    })
}

/// Whether a line with a place of the problem looks like a credential.
fn has_credential(problem: &Diagnostic, sources: &Sources) -> bool {
    let mut spans = problem.span().into_iter().chain(problem.also.iter().map(|(span, _)| *span));
    spans.any(|span| {
        let text = &sources.get(span.file).text;
        looks_secret(&text[window(text, std::iter::once(span.range()))])
    })
}

/// The word that a problem begins with, and its style.
pub fn heading(severity: Severity, styled: bool) -> (&'static str, Style) {
    let (word, color) = match severity {
        Severity::Error => ("error", AnsiColor::BrightRed),
        Severity::Warning => ("warning", AnsiColor::BrightYellow),
    };
    (word, if styled { color.on_default().bold() } else { Style::new() })
}

/// A number with a comma before each three digits.
pub fn grouped(number: u32) -> String {
    let digits = number.to_string();
    let places = digits.char_indices().map(|(at, digit)| match digits.len() - at {
        left if at > 0 && left % 3 == 0 => format!(",{digit}"),
        _ => digit.to_string(),
    });
    places.collect()
}

/// A problem without the lines of its places: there are none, they may hold a secret, or they are too long.
fn without_lines(problem: &Diagnostic, sources: &Sources, title: &str, look: Look) -> String {
    let (word, colored) = heading(problem.severity, look.styled);
    let title = title.replace('\n', &indent(word.len() + 2));
    let bold = if look.styled { Style::new().bold() } else { Style::new() };
    let mut text = format!("{colored}{word}{colored:#}{bold}: {title}{bold:#}");
    if let Some((span, label)) = &problem.at {
        text.push_str(&format!("\n --> {}", visible(&sources.locate(*span).to_string())));
        if let Some(label) = label {
            text.push_str(&format!(" ({})", visible_lines(label)));
        }
    }
    for (span, label) in &problem.also {
        text.push_str(&format!("\n ::: {} ({})", visible(&sources.locate(*span).to_string()), visible_lines(label)));
    }
    // Below a place, as where its line is shown.
    let mark = if problem.at.is_some() { "= " } else { "" };
    for help in &problem.help {
        let behind = "  help: ".len() + mark.len();
        let lines = look.wrapped(help, behind).join(&indent(behind));
        text.push_str(&format!("\n  {mark}{bold}help{bold:#}: {lines}"));
    }
    text
}

/// The lines that hold all the places: the renderer scans what it is given, and a checklist may be long.
fn window(text: &str, places: impl Iterator<Item = Range<usize>> + Clone) -> Range<usize> {
    let first = places.clone().map(|place| place.start).min().unwrap_or(0).min(text.len());
    let last = places.map(|place| place.start).max().unwrap_or(0).min(text.len());
    let start = text[..first].rfind('\n').map_or(0, |at| at + 1);
    let end = text[last..].find('\n').map_or(text.len(), |at| last + at);
    start..start + text[start..end].trim_end_matches('\r').len()
}

/// The part of the place that is on its first line: a caret under twenty lines says less than one under a word.
fn on_one_line(text: &str, place: Range<usize>) -> Range<usize> {
    let start = place.start.min(text.len());
    let end = place.end.clamp(start, text.len());
    let line = text[start..].split('\n').next().unwrap_or_default();
    let line_end = start + line.trim_end_matches('\r').len();
    text.floor_char_boundary(start)..text.ceil_char_boundary(end.min(line_end))
}
