//! A place in the user's file, as a compiler shows it: the line, a caret, and the problem.

use std::io::{self, Write};

use crate::diagnostic::Place;
use crate::report::text::{cut, width, wrap};
use crate::run::Status;
use crate::text::visible;

use crate::report::paint::Paint;

/// Writes `--> file:line:column`.
pub fn arrow(place: &Place, paint: Paint, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "   {} {}", paint.faint("-->"), visible(&place.to_string()))
}

/// Writes the line without its indentation, and a caret under the word with the problem.
pub fn write(
    place: &Place,
    word: &str,
    label: &str,
    limit: Option<usize>,
    paint: Paint,
    out: &mut dyn Write,
) -> io::Result<()> {
    arrow(place, paint, out)?;
    let code = place.text.trim_start();
    let indent = place.text.chars().count() - code.chars().count();
    let column = place.column.saturating_sub(1 + indent);
    let at = code.char_indices().nth(column).map_or(code.len(), |(at, _)| at);
    let length = marked(&code[at..], word);
    let number = place.line.to_string();
    let gutter = " ".repeat(number.len() + 2);
    let bar = paint.faint("|");
    let room = limit.map(|limit| limit.saturating_sub(gutter.len() + 2).max(8));

    // On a terminal, a long line is cut so that the caret is visible; elsewhere, it is complete.
    let before = visible(&code[..at]).into_owned();
    let (code, offset) = match room {
        Some(room) if at > 0 && width(&before) + width(&visible(&code[at..at + length])) > room => {
            (format!("…{}", visible(&code[at..])), 1)
        }
        Some(_) | None => (visible(code).into_owned(), width(&before)),
    };
    let code = match room {
        Some(room) => cut(&code, room),
        None => code,
    };
    let most = room.map_or(usize::MAX, |room| room.saturating_sub(offset));
    let carets = "^".repeat(word_columns(&place.text, indent + column, length).min(most));
    writeln!(out, "{gutter}{bar}")?;
    writeln!(out, " {} {bar} {code}", paint.faint(&number))?;

    let beside = offset + carets.len() + 1;
    let painted = paint.status(Status::Failed, &carets);
    let blank = " ".repeat(offset);
    if room.is_none_or(|room| beside + width(label) <= room) {
        return writeln!(out, "{gutter}{bar} {blank}{painted} {label}");
    }
    writeln!(out, "{gutter}{bar} {blank}{painted}")?;
    for line in wrap(label, room.unwrap_or(usize::MAX)) {
        writeln!(out, "{gutter}{bar} {line}")?;
    }
    Ok(())
}

/// Number of bytes under the caret: the word if it is there, or else what looks like one.
fn marked(code: &str, word: &str) -> usize {
    if code.starts_with("${") {
        return code.find('}').map_or(code.len(), |end| end + 1);
    }
    if code.starts_with(word) {
        return word.len();
    }
    let quote = code.chars().next().filter(|c| matches!(c, '"' | '\''));
    if let Some(quote) = quote {
        return code[1..].find(quote).map_or(code.len(), |end| end + 2);
    }
    let end = code.find(|c: char| c.is_whitespace() || matches!(c, ',' | '}' | ']'));
    let word = &code[..end.unwrap_or(code.len())];
    word.strip_suffix(':').unwrap_or(word).len()
}

fn word_columns(line: &str, column: usize, bytes: usize) -> usize {
    let at = line.char_indices().nth(column).map_or(line.len(), |(at, _)| at);
    width(&visible(&line[at..(at + bytes).min(line.len())])).max(1)
}
