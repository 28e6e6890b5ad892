//! What stands in the markdown: headings, task items, tables, and all else as text. Fences and comments hold no items.

use std::ops::Range;

use pulldown_cmark::{Event, HeadingLevel, MetadataBlockKind, Options, Parser, Tag, TagEnd};

/// A markdown file, taken apart.
#[derive(Debug, Default)]
pub struct Document {
    /// The heading of the first level, where there is one.
    pub title: Option<String>,
    /// What stands below each other heading, in order.
    pub sections: Vec<Section>,
}

/// What stands below one heading.
#[derive(Debug, Default)]
pub struct Section {
    /// The heading, as it was written.
    pub title: String,
    /// Its task items in order, nested ones behind the one that holds them.
    pub tasks: Vec<Task>,
    /// The tables, each a list of rows of cells; the first row is the head.
    pub tables: Vec<Vec<Vec<String>>>,
    /// Everything else, as it was written.
    pub text: String,
}

/// One `- [ ] …`.
#[derive(Debug, Default)]
pub struct Task {
    /// What stands behind the box, as it was written, on one line.
    pub text: String,
    /// Whether the box is ticked.
    pub ticked: bool,
    /// How many task items it is in.
    pub depth: usize,
    /// The line that it begins on, from 1.
    pub line: usize,
}

/// Takes a markdown file apart.
pub fn read(text: &str) -> Document {
    let options = Options::ENABLE_TASKLISTS | Options::ENABLE_TABLES | Options::ENABLE_YAML_STYLE_METADATA_BLOCKS;
    let mut reader = Reader { text, document: Document::default(), items: Vec::new(), lists: 0, covered: 0 };
    let mut events = Parser::new_ext(text, options).into_offset_iter();
    while let Some((event, range)) = events.next() {
        reader.event(event, range, &mut events);
    }
    reader.document.sections.retain(|section| !section.is_empty());
    reader.document
}

struct Reader<'a> {
    text: &'a str,
    document: Document,
    /// The list items that are open: where each one's task stands in its section, if it is one.
    items: Vec<Option<usize>>,
    lists: usize,
    /// Up to where the text has been taken in.
    covered: usize,
}

impl<'a> Reader<'a> {
    fn event(
        &mut self,
        event: Event<'a>,
        range: Range<usize>,
        rest: &mut impl Iterator<Item = (Event<'a>, Range<usize>)>,
    ) {
        match event {
            Event::Start(Tag::Heading { level, .. }) if self.items.is_empty() => {
                let heading = heading(&self.text[range.clone()]);
                skip(rest, |end| matches!(end, TagEnd::Heading(_)));
                self.covered = range.end;
                match (level, &self.document.title) {
                    (HeadingLevel::H1, None) => self.document.title = Some(heading),
                    (_, _) => self.document.sections.push(Section { title: heading, ..Section::default() }),
                }
            }
            Event::Start(Tag::MetadataBlock(MetadataBlockKind::YamlStyle)) => {
                skip(rest, |end| matches!(end, TagEnd::MetadataBlock(_)));
                self.covered = range.end;
            }
            Event::Start(Tag::Table(_)) if self.lists == 0 => {
                let table = table(self.text, rest);
                self.section().tables.push(table);
                self.covered = range.end;
            }
            Event::Start(Tag::List(_)) => {
                if self.lists == 0 && !holds_tasks(&self.text[range.clone()]) {
                    self.copy(range);
                    skip_nested(rest);
                    return;
                }
                self.lists += 1;
            }
            Event::End(TagEnd::List(_)) => {
                self.lists = self.lists.saturating_sub(1);
                self.covered = range.end.max(self.covered);
            }
            Event::Start(Tag::Item) => self.items.push(None),
            Event::End(TagEnd::Item) => drop(self.items.pop()),
            Event::TaskListMarker(ticked) => self.task(ticked, range),
            Event::Start(_) | Event::Rule | Event::Html(_) if self.lists == 0 => self.copy(range),
            Event::Start(_)
            | Event::End(_)
            | Event::Text(_)
            | Event::Code(_)
            | Event::InlineMath(_)
            | Event::DisplayMath(_)
            | Event::Html(_)
            | Event::InlineHtml(_)
            | Event::FootnoteReference(_)
            | Event::SoftBreak
            | Event::HardBreak
            | Event::Rule => {}
        }
    }

    /// A box was met: what stands behind it, up to the first block that follows, is its text.
    fn task(&mut self, ticked: bool, range: Range<usize>) {
        let depth = self.items.iter().flatten().count();
        let line = self.text[..range.start].lines().count().max(1);
        let text = first_paragraph(&self.text[range.end..]);
        let section = self.section();
        section.tasks.push(Task { text, ticked, depth, line });
        let at = section.tasks.len() - 1;
        if let Some(item) = self.items.last_mut() {
            *item = Some(at);
        }
    }

    /// A block that is nothing of ours.
    fn copy(&mut self, range: Range<usize>) {
        if range.start < self.covered {
            return; // part of a block that has been copied
        }
        self.covered = range.end;
        let block = self.text[range].trim_end();
        let is_remark = block.starts_with("<!--") && block.ends_with("-->");
        if is_remark || (self.document.sections.is_empty() && is_own_head(block)) {
            return;
        }
        let section = self.section();
        if !section.text.is_empty() {
            section.text.push_str("\n\n");
        }
        section.text.push_str(block);
    }

    /// The section that is being read. What stands before the first heading has one without a heading.
    fn section(&mut self) -> &mut Section {
        if self.document.sections.is_empty() {
            self.document.sections.push(Section::default());
        }
        self.document.sections.last_mut().expect("there is one now")
    }
}

impl Section {
    fn is_empty(&self) -> bool {
        self.tasks.is_empty() && self.tables.is_empty() && self.text.is_empty()
    }
}

/// The line about dates and verdicts that a checklist begins with: it is made anew.
fn is_own_head(block: &str) -> bool {
    block.starts_with("**Last Verified")
}

/// A heading without what makes it one.
fn heading(source: &str) -> String {
    let first = source.trim().lines().next().unwrap_or_default();
    let bare = first.trim_start_matches('#').trim();
    one_line(bare.trim_end_matches('#'))
}

/// Whether a list holds a box anywhere. Boxes in its fences may count here: then it is read item by item.
fn holds_tasks(list: &str) -> bool {
    Parser::new_ext(list, Options::ENABLE_TASKLISTS).any(|event| matches!(event, Event::TaskListMarker(_)))
}

/// The text of an item up to a blank line, or to a line that begins another block in it.
fn first_paragraph(source: &str) -> String {
    let mut lines = source.lines();
    let mut text = lines.next().unwrap_or_default().to_owned();
    for line in lines {
        let line = line.trim();
        let is_block = line.is_empty()
            || line.starts_with(['-', '*', '+', '#', '>', '|', '<'])
            || line.starts_with("```")
            || line.starts_with("~~~")
            || line.split_once(['.', ')']).is_some_and(|(number, _)| number.parse::<u32>().is_ok());
        if is_block {
            break;
        }
        text.push(' ');
        text.push_str(line);
    }
    one_line(&text)
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The rows of a table, its head first.
fn table<'a>(text: &str, events: &mut impl Iterator<Item = (Event<'a>, Range<usize>)>) -> Vec<Vec<String>> {
    let mut rows = Vec::new();
    let mut row = Vec::new();
    for (event, range) in events {
        match event {
            Event::End(TagEnd::Table) => break,
            Event::End(TagEnd::TableHead | TagEnd::TableRow) => rows.push(std::mem::take(&mut row)),
            Event::End(TagEnd::TableCell) => row.push(one_line(text[range].trim().trim_matches('|'))),
            _ => {} // what is in a cell is taken as it was written
        }
    }
    rows
}

fn skip<'a>(events: &mut impl Iterator<Item = (Event<'a>, Range<usize>)>, is_end: impl Fn(TagEnd) -> bool) {
    for (event, _) in events {
        if matches!(event, Event::End(end) if is_end(end)) {
            return;
        }
    }
}

/// Skips to the end of the list that has begun.
fn skip_nested<'a>(events: &mut impl Iterator<Item = (Event<'a>, Range<usize>)>) {
    let mut depth = 1;
    for (event, _) in events {
        match event {
            Event::Start(Tag::List(_)) => depth += 1,
            Event::End(TagEnd::List(_)) => depth -= 1,
            _ => {} // it is copied as a whole
        }
        if depth == 0 {
            return;
        }
    }
}
