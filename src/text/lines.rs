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
