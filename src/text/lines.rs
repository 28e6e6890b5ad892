//! Text in lines that fit a terminal.

use std::borrow::Cow;

use textwrap::{Options, WordSeparator, WordSplitter, WrapAlgorithm};

/// The text in lines of at most this many columns, wrapped between words if possible. Nothing is lost but the blanks at
/// line ends. At least one line.
pub fn wrap(text: &str, limit: usize) -> Vec<String> {
    // Nearly every text fits: no character is wider than it has bytes.
    if text.len() <= limit && !text.contains('\n') {
        return vec![text.trim_end_matches(' ').to_owned()];
    }
    let options = Options::new(limit.max(2)) // a wide character takes two columns
        .wrap_algorithm(WrapAlgorithm::FirstFit)
        .word_separator(WordSeparator::AsciiSpace)
        .word_splitter(WordSplitter::NoHyphenation);
    textwrap::wrap(text, options).into_iter().map(Cow::into_owned).collect()
}

/// The cells of a row of a Markdown table, without the blanks around them, and where each begins. A bar after a
/// backslash is part of its cell.
pub fn cells(row: &str) -> Vec<(usize, &str)> {
    let text = row.trim();
    let inner = text.strip_prefix('|').unwrap_or(text);
    let start = row.len() - row.trim_start().len() + text.len() - inner.len();
    let inner = inner.strip_suffix('|').filter(|rest| !rest.ends_with('\\')).unwrap_or(inner);
    let bars = inner.match_indices('|').map(|(at, _)| at).filter(|at| !inner[..*at].ends_with('\\'));
    let mut at = 0;
    let cell = |end: usize| {
        let cell = &inner[at..end];
        let begin = at + cell.len() - cell.trim_start().len();
        at = end + 1;
        (start + begin, cell.trim())
    };
    bars.chain([inner.len()]).map(cell).collect()
}

#[cfg(test)]
mod tests {
    use super::cells;

    #[test]
    fn the_cells_of_a_row_are_found_where_they_are() {
        assert_eq!(cells("  | a |  b c|\n"), [(4, "a"), (9, "b c")]);
        assert_eq!(cells("a | b \\| c"), [(0, "a"), (4, "b \\| c")]);
        assert_eq!(cells("||x||"), [(1, ""), (2, "x"), (4, "")]);
        let row = "| ä | `b` | c";
        assert!(cells(row).into_iter().all(|(at, cell)| row[at..].starts_with(cell)));
    }
}
