//! The sections of a Markdown file: headings, boxes, tables, and everything else as text. Nothing is dropped silently.

use std::ops::Range;

use pulldown_cmark::HeadingLevel;

use super::mark::{Mark, mark};
use super::outline::{Block, Kind, one_line, outline};
use super::source::Source;
use super::table;
use super::task::Task;

/// Deeper levels are text.
const DEPTH: usize = 32;
/// Maximum number of repeated characters of a heading above others, or of a line above boxes.
const REPEATED: usize = 80;

/// A Markdown file, split into sections.
#[derive(Debug, Default)]
pub struct Document {
    /// The heading of the first level, where the file begins with one.
    pub title: Option<String>,
    /// Metadata before it.
    pub remarks: Vec<String>,
    /// The content below each other heading, in order.
    pub sections: Vec<Section>,
    /// Text that could not be kept: its line, and its words.
    pub left_out: Vec<(usize, String)>,
}

/// The content below one heading.
#[derive(Debug, Default)]
pub struct Section {
    /// The headings above it, the outermost first.
    pub parents: Vec<String>,
    /// The heading, as it is written.
    pub title: String,
    /// Its boxes in order, nested ones after the one that holds them.
    pub tasks: Vec<Task>,
    /// Everything else, in order.
    pub parts: Vec<Part>,
    /// Comments.
    pub remarks: Vec<String>,
    /// The line of its heading.
    line: usize,
    /// Whether a heading of a lower level follows.
    is_parent: bool,
}

/// Text without boxes: Markdown to be copied.
#[derive(Debug)]
pub struct Part {
    /// The markdown.
    pub text: String,
    /// Its rows, where it is a table.
    pub rows: Option<Vec<Vec<String>>>,
    /// How many boxes of its section are before it.
    pub after: usize,
}

impl Section {
    fn add(&mut self, text: String, rows: Option<Vec<Vec<String>>>) {
        self.parts.push(Part { text, rows, after: self.tasks.len() });
    }
}

/// Splits a Markdown file into sections. Bullets count as boxes with `bullets`, or if the list has none.
pub fn read(text: &str, bullets: bool) -> Document {
    let blocks = outline(text);
    let bullets = bullets || !blocks[0].has_box;
    let reader =
        Reader { source: Source::new(text), blocks, bullets, document: Document::default(), headings: Vec::new() };
    reader.read()
}

struct Reader<'a> {
    source: Source<'a>,
    blocks: Vec<Block>,
    bullets: bool,
    document: Document,
    /// The headings that are open, the outermost first.
    headings: Vec<Heading>,
}

/// A heading that others may follow below.
struct Heading {
    level: HeadingLevel,
    /// Its section, as a position.
    section: usize,
    /// Its words before those of the headings below it.
    repeated: String,
}

/// The containers around a block.
#[derive(Debug, Clone, Default)]
struct Around {
    depth: usize,
    quotes: usize,
    /// The box that holds it.
    task: Option<usize>,
    /// The line without a box above it.
    label: String,
}

impl Reader<'_> {
    fn read(mut self) -> Document {
        let file = self.blocks[0].children.clone();
        self.all(&file, Some(0), self.source.text.len(), &Around::default());
        let Document { sections, left_out, .. } = &mut self.document;
        sections.retain(|section| {
            let is_kept = !section.tasks.is_empty() || !section.parts.is_empty();
            if !is_kept && !section.is_parent {
                let path: Vec<&str> = section.parents.iter().chain([&section.title]).map(String::as_str).collect();
                left_out.extend(
                    Some(path.join(" / "))
                        .filter(|path| path.contains(char::is_alphanumeric))
                        .map(|path| (section.line, path)),
                );
            }
            if !is_kept {
                left_out.extend(section.remarks.iter().map(|remark| (section.line, remark.clone())));
            }
            is_kept
        });
        self.document
    }

    /// Reads blocks one after another, and what lies between them: definitions of links are not blocks.
    fn all(&mut self, blocks: &[usize], begin: Option<usize>, end: usize, around: &Around) {
        let mut from = begin;
        for at in blocks {
            let range = self.blocks[*at].range.clone();
            if let Some(from) = from {
                self.between(from..range.start, around);
            }
            self.block(*at, around);
            from = Some(range.end.max(from.unwrap_or_default()));
        }
        if let Some(from) = from {
            self.between(from..end, around);
        }
    }

    fn between(&mut self, range: Range<usize>, around: &Around) {
        let between = self.source.text.get(range.clone()).unwrap_or_default();
        if between.contains(char::is_alphanumeric) {
            let start = range.start + between.len() - between.trim_start().len();
            self.copy(start..range.end, around);
        }
    }

    fn block(&mut self, at: usize, around: &Around) {
        // Each block is read once.
        let nothing = Block { kind: Kind::Other, range: 0..0, children: Vec::new(), has_box: false };
        let Block { kind, range, children, has_box } = std::mem::replace(&mut self.blocks[at], nothing);
        let inner = Around { depth: around.depth + 1, ..around.clone() };
        let is_shallow = around.depth < DEPTH;
        match kind {
            Kind::Heading(level, words) if around.depth == 0 => {
                let words = one_line(&self.source.text[words]);
                self.heading(level, words, range.start);
            }
            Kind::Metadata => self.document.remarks.extend(lines(&self.source.text[range])),
            Kind::Comment => {
                let text = lines(&self.source.block(range, around.quotes));
                match self.document.sections.last_mut() {
                    Some(section) => section.remarks.extend(text),
                    None => self.document.remarks.extend(text),
                }
            }
            Kind::Quote if has_box && is_shallow => {
                self.all(&children, None, range.end, &Around { quotes: around.quotes + 1, ..inner });
            }
            Kind::List if (has_box || self.bullets) && is_shallow => {
                self.all(&children, None, range.end, &inner);
            }
            Kind::Item(own) if is_shallow => self.item(own, &children, range, has_box, around),
            Kind::Text if has_box && around.task.is_none() => self.marked_lines(range, around),
            Kind::Table(rows) => {
                let line = self.source.line(range.start);
                match table::box_column(&rows).filter(|_| around.task.is_none()) {
                    Some(column) => {
                        let tasks = table::tasks(&rows, column, line);
                        let section = self.section();
                        section.remarks.push(format!("columns: {}", rows[0].join(", ")));
                        section.tasks.extend(tasks);
                    }
                    None if around.depth == 0 => {
                        let text = self.source.block(range, 0);
                        self.section().add(text, Some(rows));
                    }
                    None => self.copy(range, around),
                }
            }
            Kind::Code(words, code) => {
                let text = fenced(words.as_deref(), &code);
                self.keep(text, around);
            }
            Kind::File | Kind::Item(_) | Kind::List | Kind::Quote | Kind::Heading(..) | Kind::Text | Kind::Other => {
                self.copy(range, around);
            }
        }
    }

    /// An item of a list: a box, a line above boxes, or text.
    fn item(&mut self, own: Option<bool>, children: &[usize], range: Range<usize>, has_box: bool, around: &Around) {
        let first = children.first().map(|at| &self.blocks[*at]).filter(|block| matches!(block.kind, Kind::Text));
        let words = first.map(|block| block.range.clone());
        let text = words.clone().map(|words| self.source.block(words, around.quotes)).unwrap_or_default();
        let sign = mark(&text).filter(|_| own.is_none());
        if own.is_none() && sign.is_none() && !self.bullets {
            if has_box {
                self.label(children, range.end, &text, around);
            } else {
                self.copy(range, around);
            }
            return;
        }
        let text = one_line(sign.map_or(text.as_str(), |sign| sign.rest));
        let task = Task {
            text,
            is_ticked: own.or_else(|| sign.map(|sign| sign.is_ticked)),
            sign: sign.map(|sign| sign.sign.to_owned()),
            label: around.label.clone(),
            parent: around.task,
            line: self.source.line(range.start),
            ..Task::default()
        };
        let tasks = &mut self.section().tasks;
        tasks.push(task);
        let at = tasks.len() - 1;
        let inner = Around { depth: around.depth + 1, task: Some(at), label: String::new(), ..around.clone() };
        let rest = if words.is_some() { &children[1..] } else { children };
        self.all(rest, words.map(|words| words.end), range.end, &inner);
        let task = &mut self.section().tasks[at];
        if task.text.is_empty() && !task.notes.is_empty() {
            task.text = one_line(&task.notes.remove(0));
        }
    }

    /// A line without a box above boxes: they begin with it.
    fn label(&mut self, children: &[usize], end: usize, text: &str, around: &Around) {
        let text = one_line(text);
        let label = match text.trim_end_matches(':').trim_end() {
            "" => around.label.clone(),
            label => {
                let repeated = shortened(label);
                if repeated != label {
                    let line = self.source.line(end.saturating_sub(1));
                    self.document.left_out.push((line, label.to_owned()));
                }
                format!("{}{repeated}: ", around.label)
            }
        };
        let inner = Around { depth: around.depth + 1, label, ..around.clone() };
        let words = children.first().map(|at| &self.blocks[*at]).filter(|block| matches!(block.kind, Kind::Text));
        let begin = words.map(|block| block.range.end);
        let rest = if begin.is_some() { &children[1..] } else { children };
        let before = self.section().tasks.len();
        self.all(rest, begin, end, &inner);
        if self.section().tasks.len() == before {
            self.keep(text, around); // no box begins with it
        }
    }

    /// A paragraph of lines that begin with a box, such as `☐ API answers`.
    fn marked_lines(&mut self, range: Range<usize>, around: &Around) {
        let first = self.source.line(range.start);
        let text = self.source.block(range, around.quotes);
        let before: Vec<&str> = text.lines().take_while(|line| mark(line).is_none()).collect();
        if !before.is_empty() {
            self.keep(before.join("\n"), around);
        }
        let section = self.section();
        let mut words: Vec<&str> = Vec::new();
        for (number, line) in text.lines().enumerate().skip(before.len()) {
            let Some(Mark { sign, is_ticked, rest }) = mark(line) else {
                words.push(line);
                continue;
            };
            continue_last(section, &mut words);
            section.tasks.push(Task {
                text: one_line(rest),
                label: around.label.clone(),
                is_ticked: Some(is_ticked),
                sign: Some(sign.to_owned()),
                line: first + number,
                ..Task::default()
            });
        }
        continue_last(section, &mut words);
    }

    fn heading(&mut self, level: HeadingLevel, words: String, start: usize) {
        let line = self.source.line(start);
        if level == HeadingLevel::H1 && self.document.title.is_none() && self.is_head() {
            self.document.title = Some(words);
            return;
        }
        while self.headings.last().is_some_and(|heading| heading.level >= level) {
            self.headings.pop();
        }
        let mut parents = Vec::new();
        for Heading { section, repeated, .. } in &self.headings {
            parents.push(repeated.clone());
            let section = &mut self.document.sections[*section];
            if !std::mem::replace(&mut section.is_parent, true) && *repeated != section.title {
                self.document.left_out.push((section.line, section.title.clone()));
            }
        }
        self.headings.push(Heading { level, section: self.document.sections.len(), repeated: shortened(&words) });
        self.document.sections.push(Section { parents, title: words, line, ..Section::default() });
    }

    /// Whether no heading that begins a section was found yet.
    fn is_head(&self) -> bool {
        self.document.sections.iter().all(|section| section.line == 0)
    }

    fn copy(&mut self, range: Range<usize>, around: &Around) {
        let text = self.source.block(range, around.quotes);
        self.keep(text, around);
    }

    /// Keeps text with its box, or in the section.
    fn keep(&mut self, text: String, around: &Around) {
        let text = text.trim_end();
        // No-break spaces alone are a paragraph for Markdown, but not a text.
        if text.is_empty() {
            return;
        }
        if self.is_head() && text.starts_with("**Last Verified") {
            self.document.remarks.extend(lines(text)); // dates and verdicts are made anew
            return;
        }
        let (task, quotes) = (around.task, "> ".repeat(around.quotes));
        let section = self.section();
        match task {
            Some(task) => section.tasks[task].notes.push(text.to_owned()),
            None if quotes.is_empty() => section.add(text.to_owned(), None),
            None => {
                let lines: Vec<String> = text.lines().map(|line| format!("{quotes}{line}")).collect();
                section.add(lines.join("\n"), None);
            }
        }
    }

    /// The current section. Text before the first heading is in one without a heading.
    fn section(&mut self) -> &mut Section {
        if self.document.sections.is_empty() {
            self.document.sections.push(Section::default());
        }
        self.document.sections.last_mut().expect("there is one now")
    }
}

/// A text that is repeated, cut where it is long.
fn shortened(text: &str) -> String {
    match text.char_indices().nth(REPEATED) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// Code as a block of Markdown that stays code anywhere.
fn fenced(words: Option<&str>, code: &str) -> String {
    let Some(words) = words else {
        return code.trim_end().lines().map(|line| format!("    {line}\n")).collect();
    };
    let longest = code.split(|c| c != '`').map(str::len).max().unwrap_or_default();
    let fence = if words.contains('`') { "~".repeat(code.len().clamp(3, 9)) } else { "`".repeat(longest.max(2) + 1) };
    format!("{fence}{words}\n{}\n{fence}", code.trim_end_matches('\n'))
}

/// Adds the lines that follow a box to its text.
fn continue_last(section: &mut Section, words: &mut Vec<&str>) {
    if let Some(task) = section.tasks.last_mut().filter(|_| !words.is_empty()) {
        task.text = one_line(&format!("{} {}", task.text, words.join(" ")));
    }
    words.clear();
}

fn lines(text: &str) -> Vec<String> {
    text.lines().map(|line| line.trim_end().to_owned()).filter(|line| !line.is_empty()).collect()
}
