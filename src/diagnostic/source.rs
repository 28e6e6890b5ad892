//! The texts that were read, and places in them.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::Arc;

use crate::secret::Redactor;

/// The longest line that is shown. Longer ones are generated, and showing them for each of their problems takes too long.
pub(super) const MAX_LINE: usize = 2000;

/// Columns are counted from the nearest multiple of this number of bytes.
const BLOCK: usize = 1 << 10;

/// One text that was read, and what it is called in messages.
#[derive(Debug, Clone)]
pub struct Source {
    /// The path as the user would type it, `-` for standard input.
    pub name: String,
    /// The whole text.
    pub text: String,
    /// Where each line begins: the place of every item is needed.
    lines: Vec<usize>,
    /// How many characters begin before each [`BLOCK`]: a list of ten thousand items may be one line.
    characters: Vec<usize>,
}

impl Source {
    fn new(name: String, text: String) -> Self {
        let lines = std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect();
        let blocks = text.as_bytes().chunks(BLOCK).scan(0, |before, block| {
            let here = *before;
            *before += begun(block);
            Some(here)
        });
        let characters = blocks.collect();
        Self { name, text, lines, characters }
    }

    /// The column of this byte, from 1, in the line that begins at `begin`.
    fn column(&self, at: usize, begin: usize) -> usize {
        let before = match at - begin {
            ..BLOCK => begun(&self.text.as_bytes()[begin..at]),
            _ => self.characters_before(at) - self.characters_before(begin),
        };
        before + 1
    }

    /// How many characters begin before this byte.
    fn characters_before(&self, at: usize) -> usize {
        let block = at / BLOCK;
        let before = self.characters.get(block).copied().unwrap_or_default();
        before + begun(&self.text.as_bytes()[(block * BLOCK).min(at)..at])
    }

    /// The line with this byte, without its end.
    pub(super) fn line(&self, at: usize) -> (usize, &str) {
        let number = self.lines.partition_point(|begin| *begin <= at);
        let end = self.lines.get(number).map_or(self.text.len(), |next| next - 1);
        let line = &self.text[self.lines[number - 1]..end];
        (number, line.strip_suffix('\r').unwrap_or(line))
    }
}

/// How many characters begin in these bytes of a text.
fn begun(bytes: &[u8]) -> usize {
    bytes.iter().filter(|byte| (**byte & 0xc0) != 0x80).count()
}

/// Every text read so far. A [`Span`] says which one it lies in.
#[derive(Debug, Default, Clone)]
pub struct Sources(Vec<Source>);

impl Sources {
    /// Keeps a text, and returns the number that spans use for it.
    pub fn add(&mut self, name: impl Into<String>, text: impl Into<String>) -> u32 {
        self.0.push(Source::new(name.into(), text.into()));
        u32::try_from(self.0.len() - 1).expect("nobody reads four billion files")
    }

    /// The names of the texts, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|source| source.name.as_str())
    }

    /// The text that a span of this number lies in.
    pub fn get(&self, file: u32) -> &Source {
        &self.0[file as usize]
    }

    /// The text of the span.
    pub fn slice(&self, span: Span) -> &str {
        self.get(span.file).text.get(span.range()).unwrap_or_default()
    }

    /// The same texts with secrets masked: every place in them stays the same.
    #[must_use]
    pub fn masked(self: &Arc<Self>, redactor: &Redactor) -> Arc<Self> {
        let mut masked = Arc::clone(self);
        for (at, source) in self.0.iter().enumerate() {
            if let Cow::Owned(text) = redactor.mask(&source.text) {
                Arc::make_mut(&mut masked).0[at] = Source::new(source.name.clone(), text);
            }
        }
        masked
    }

    /// File, line and column (both from 1, in characters) where the span begins, with the line.
    pub fn locate(&self, span: Span) -> Place {
        let source = self.get(span.file);
        let start = (span.start as usize).min(source.text.len());
        let (line, text) = source.line(start);
        let column = source.column(start, source.lines[line - 1]);
        let end = (text.len() > MAX_LINE).then(|| text.char_indices().nth(MAX_LINE)).flatten();
        let text = end.map_or_else(|| text.to_owned(), |(end, _)| format!("{}…", &text[..end]));
        Place { file: source.name.clone(), line, column, text }
    }
}

/// A stretch of bytes in one of the [`Sources`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash)]
pub struct Span {
    /// Which source.
    pub file: u32,
    /// The first byte.
    pub start: u32,
    /// The byte after the last.
    pub end: u32,
}

impl Span {
    /// The bytes as a range.
    pub fn range(self) -> Range<usize> {
        self.start as usize..self.end as usize
    }

    /// Whether the other one is a part of this one.
    pub fn contains(self, other: Self) -> bool {
        self.file == other.file && self.start <= other.start && other.end <= self.end
    }
}

/// A place as people write it: `file:line:column`, and the line that is there.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
pub struct Place {
    /// The file, as the user named it.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
    /// The line without its end; of one that is longer than 2,000 characters, the beginning.
    pub text: String,
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        write!(f, "{}:{}:{}", self.file, self.line, self.column)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_column_is_counted_in_characters_wherever_it_is() {
        let mut sources = Sources::default();
        let file = sources.add("c.yaml", format!("x\r\n{}z", "äb".repeat(5000)));
        for (start, line, column) in
            [(0, 1, 1), (3, 2, 1), (5, 2, 2), (6, 2, 3), (15_003, 2, 10_001), (15_004, 2, 10_002)]
        {
            let place = sources.locate(Span { file, start, end: start });
            assert_eq!((place.line, place.column), (line, column), "{start}");
            assert!(place.text.chars().count() <= 2001 && !place.text.ends_with('\r'));
        }
    }
}
