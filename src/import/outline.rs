//! The blocks of a Markdown file as a tree: containers, and leaves with text.

use std::ops::Range;

use pulldown_cmark::{CodeBlockKind, Event, HeadingLevel, Options, Parser, Tag, TagEnd};

use super::mark::mark;

/// A part of the file.
#[derive(Debug)]
pub struct Block {
    /// The kind of block.
    pub kind: Kind,
    /// Where it is written.
    pub range: Range<usize>,
    /// The blocks in it, as positions in the outline.
    pub children: Vec<usize>,
    /// Whether a box is in it.
    pub has_box: bool,
}

/// The kind of a block.
#[derive(Debug)]
pub enum Kind {
    /// The whole file.
    File,
    /// A list, numbered or not.
    List,
    /// An item of a list, with its box where it has one.
    Item(Option<bool>),
    /// A quotation.
    Quote,
    /// A heading: its level, and where its words are.
    Heading(HeadingLevel, Range<usize>),
    /// A paragraph, or the text of an item.
    Text,
    /// Code: the words after its fence, or None if it is indented; and its lines.
    Code(Option<String>, String),
    /// A table: its rows, each with its cells; the first is its head.
    Table(Vec<Vec<String>>),
    /// HTML that is one comment.
    Comment,
    /// YAML before everything else.
    Metadata,
    /// HTML, a line, and whatever else is copied.
    Other,
}

/// The blocks of a file; the first is the file itself.
pub fn outline(text: &str) -> Vec<Block> {
    let options = Options::ENABLE_TASKLISTS | Options::ENABLE_TABLES | Options::ENABLE_YAML_STYLE_METADATA_BLOCKS;
    let file = Block { kind: Kind::File, range: 0..text.len(), children: Vec::new(), has_box: false };
    let mut outline = Outline { text, blocks: vec![file], open: vec![0], run: None };
    let mut events = Parser::new_ext(text, options).into_offset_iter();
    while let Some((event, range)) = events.next() {
        outline.event(event, range, &mut events);
    }
    outline.end_run();
    outline.blocks
}

struct Outline<'a> {
    text: &'a str,
    blocks: Vec<Block>,
    /// The containers that are open.
    open: Vec<usize>,
    /// The current text of an item outside of a paragraph.
    run: Option<Range<usize>>,
}

impl<'a> Outline<'a> {
    fn event(
        &mut self,
        event: Event<'a>,
        range: Range<usize>,
        rest: &mut impl Iterator<Item = (Event<'a>, Range<usize>)>,
    ) {
        match event {
            Event::TaskListMarker(is_ticked) => self.tick(is_ticked),
            Event::Start(Tag::List(_)) => self.start(Kind::List, range),
            Event::Start(Tag::Item) => self.start(Kind::Item(None), range),
            Event::Start(Tag::BlockQuote(_)) => self.start(Kind::Quote, range),
            Event::End(TagEnd::List(_) | TagEnd::Item | TagEnd::BlockQuote(_)) => self.end(),
            Event::Start(Tag::Heading { level, .. }) => {
                let words = inlines(rest, |end| matches!(end, TagEnd::Heading(_))).1.unwrap_or(range.end..range.end);
                self.leaf(Kind::Heading(level, words), range);
            }
            Event::Start(Tag::Paragraph) => {
                let (is_ticked, words) = inlines(rest, |end| matches!(end, TagEnd::Paragraph));
                if let Some(is_ticked) = is_ticked {
                    self.tick(is_ticked);
                }
                self.leaf(Kind::Text, words.unwrap_or(range));
            }
            Event::Start(Tag::CodeBlock(kind)) => {
                let mut lines = String::new();
                for (event, _) in rest {
                    match event {
                        Event::Text(line) => lines.push_str(&line),
                        Event::End(TagEnd::CodeBlock) => break,
                        _ => {} // code contains nothing else
                    }
                }
                let words = match kind {
                    CodeBlockKind::Fenced(words) => Some(words.to_string()),
                    CodeBlockKind::Indented => None,
                };
                self.leaf(Kind::Code(words, lines), range);
            }
            Event::Start(Tag::Table(_)) => {
                let rows = table(self.text, rest);
                self.leaf(Kind::Table(rows), range);
            }
            Event::Start(Tag::HtmlBlock) => {
                skip(rest, |end| matches!(end, TagEnd::HtmlBlock));
                let is_comment = self.text[range.clone()].trim_start().starts_with("<!--");
                self.leaf(if is_comment { Kind::Comment } else { Kind::Other }, range);
            }
            Event::Start(Tag::MetadataBlock(_)) => {
                skip(rest, |end| matches!(end, TagEnd::MetadataBlock(_)));
                self.leaf(Kind::Metadata, range);
            }
            Event::Rule => self.leaf(Kind::Other, range),
            // Text of an item that no paragraph holds: up to the next block it is one.
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
            | Event::HardBreak => {
                self.run = Some(self.run.take().map_or(range.clone(), |run| run.start..range.end.max(run.end)));
            }
        }
    }

    fn tick(&mut self, is_ticked: bool) {
        let item = self.open.last().map(|at| &mut self.blocks[*at]);
        if let Some(Block { kind: Kind::Item(own), has_box, .. }) = item {
            *own = Some(is_ticked);
            *has_box = true;
        }
    }

    fn start(&mut self, kind: Kind, range: Range<usize>) {
        self.end_run();
        let at = self.push(kind, range);
        self.open.push(at);
    }

    fn end(&mut self) {
        self.end_run();
        let Some(ended) = self.open.pop() else { return };
        if let (true, Some(outer)) = (self.blocks[ended].has_box, self.open.last()) {
            self.blocks[*outer].has_box = true;
        }
    }

    fn leaf(&mut self, kind: Kind, range: Range<usize>) {
        self.end_run();
        let has_box = match &kind {
            Kind::Text => self.text[range.clone()].lines().any(|line| mark(line).is_some()),
            Kind::Table(rows) => super::table::box_column(rows).is_some(),
            _ => false, // nothing else contains boxes
        };
        let at = self.push(kind, range);
        if let (true, Some(outer)) = (has_box, self.open.last()) {
            self.blocks[at].has_box = true;
            self.blocks[*outer].has_box = true;
        }
    }

    fn end_run(&mut self) {
        if let Some(run) = self.run.take() {
            self.leaf(Kind::Text, run);
        }
    }

    fn push(&mut self, kind: Kind, range: Range<usize>) -> usize {
        let at = self.blocks.len();
        self.blocks.push(Block { kind, range, children: Vec::new(), has_box: false });
        let outer = *self.open.last().expect("the file is open to the end");
        self.blocks[outer].children.push(at);
        at
    }
}

/// Reads to the end of a block of text: its box where it has one, and where its words are.
fn inlines<'a>(
    events: &mut impl Iterator<Item = (Event<'a>, Range<usize>)>,
    is_end: impl Fn(TagEnd) -> bool,
) -> (Option<bool>, Option<Range<usize>>) {
    let (mut is_ticked, mut words) = (None, None::<Range<usize>>);
    for (event, range) in events {
        match event {
            Event::End(end) if is_end(end) => break,
            Event::TaskListMarker(own) => is_ticked = Some(own),
            _ => words = Some(words.map_or(range.clone(), |words| words.start..range.end.max(words.end))),
        }
    }
    (is_ticked, words)
}

/// The rows of a table, its head first. Cells beyond the head's are kept as one more, which no browser shows.
fn table<'a>(text: &str, events: &mut impl Iterator<Item = (Event<'a>, Range<usize>)>) -> Vec<Vec<String>> {
    let mut rows = Vec::new();
    let mut row: Vec<String> = Vec::new();
    let mut end = 0;
    for (event, range) in events {
        match event {
            Event::End(TagEnd::Table) => break,
            Event::End(TagEnd::TableHead | TagEnd::TableRow) => {
                let more = text.get(end..range.end).unwrap_or_default();
                if more.contains(char::is_alphanumeric) {
                    row.push(one_line(more.trim().trim_matches('|')));
                }
                rows.push(std::mem::take(&mut row));
            }
            Event::End(TagEnd::TableCell) => {
                end = range.end;
                row.push(one_line(text[range].trim().trim_matches('|')));
            }
            _ => {} // a cell is taken as it is written
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

/// Text without line breaks and repeated blanks.
pub fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
