//! The text of a markdown file: its lines, and blocks without the containers around them.

use std::ops::Range;

/// The text, and where its lines begin.
#[derive(Debug)]
pub struct Source<'a> {
    /// The whole text.
    pub text: &'a str,
    starts: Vec<usize>,
}

impl<'a> Source<'a> {
    /// The source of this text.
    pub fn new(text: &'a str) -> Self {
        let starts = std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect();
        Self { text, starts }
    }

    /// The line of a position, from 1.
    pub fn line(&self, at: usize) -> usize {
        self.starts.partition_point(|start| *start <= at)
    }

    /// A block without the marks of the quotations around it, and indented no more than it has to be.
    pub fn block(&self, range: Range<usize>, quotes: usize) -> String {
        let start = self.starts[self.line(range.start) - 1];
        let before = &self.text[start..range.start];
        // Blanks before it belong to it: they keep the lines of a nested list in line.
        let is_indented = before.chars().all(|c| c == ' ' || c == '\t');
        let block = if is_indented { &self.text[start..range.end] } else { &self.text[range] };
        let mut lines = block.lines();
        let first = lines.next().unwrap_or_default().to_owned();
        let rest: Vec<&str> = lines.map(|line| unquoted(line, quotes)).collect();
        let own = if is_indented { width(&first) } else { usize::MAX };
        let shared = rest.iter().filter(|line| !line.trim().is_empty()).map(|line| width(line)).fold(own, usize::min);
        let cut = |line: &str| line.get(shared.min(width(line))..).unwrap_or_default().trim_end().to_owned();
        let first = if is_indented { cut(&first) } else { first.trim_end().to_owned() };
        std::iter::once(first).chain(rest.into_iter().map(cut)).collect::<Vec<_>>().join("\n")
    }
}

/// The number of blanks that a line begins with.
fn width(line: &str) -> usize {
    line.bytes().take_while(|byte| matches!(byte, b' ' | b'\t')).count()
}

/// A line without the marks of this many quotations.
fn unquoted(line: &str, quotes: usize) -> &str {
    let mut line = line;
    for _ in 0..quotes {
        let Some(rest) = line.trim_start().strip_prefix('>') else { break };
        line = rest.strip_prefix(' ').unwrap_or(rest);
    }
    line
}
