//! The part of a markdown file that is gate's: what stands between its two markers. All else is somebody else's.

use std::ops::Range;

/// Why a file has no place for the checklist.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoPlace {
    /// There is no pair of markers.
    Unmarked,
    /// There is a marker without its partner, or more than one of a kind, or the end comes first.
    Unclear,
}

/// The line that begins gate's part.
pub fn begin(name: &str) -> String {
    format!("<!-- gate:begin {name} -->")
}

/// The line that ends it.
pub fn end(name: &str) -> String {
    format!("<!-- gate:end {name} -->")
}

/// Whether nobody has written anything in the file.
pub fn is_blank(file: &[u8]) -> bool {
    file.iter().all(u8::is_ascii_whitespace)
}

/// The bytes between the markers of this checklist.
pub fn place(file: &[u8], name: &str) -> Result<Range<usize>, NoPlace> {
    let (begins, ends) = (lines_of(file, &begin(name)), lines_of(file, &end(name)));
    match (begins.as_slice(), ends.as_slice()) {
        ([], []) => Err(NoPlace::Unmarked),
        ([begin], [end]) if begin.end <= end.start => Ok(begin.end..end.start),
        (_, _) => Err(NoPlace::Unclear),
    }
}

/// The file with this markdown as gate's part. A blank file becomes nothing but that part, with its markers.
pub fn embed(file: &[u8], name: &str, markdown: &[u8]) -> Result<Vec<u8>, NoPlace> {
    if is_blank(file) {
        return Ok([begin(name).as_bytes(), b"\n", markdown, end(name).as_bytes(), b"\n"].concat());
    }
    let place = place(file, name)?;
    Ok([&file[..place.start], markdown, &file[place.end..]].concat())
}

/// Where the lines stand that say this and nothing else, each with its line end.
fn lines_of(file: &[u8], marker: &str) -> Vec<Range<usize>> {
    let mut start = 0;
    let mut found = Vec::new();
    for line in file.split_inclusive(|byte| *byte == b'\n') {
        if line.trim_ascii() == marker.as_bytes() {
            found.push(start..start + line.len());
        }
        start += line.len();
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_outside_the_markers_stays() {
        let file = b"\xff intro\r\n<!-- gate:begin a -->\r\nold\r\n<!-- gate:end a -->\r\nrest without end";
        let new = embed(file, "a", b"new\n").expect("it has both markers");
        assert_eq!(new, b"\xff intro\r\n<!-- gate:begin a -->\r\nnew\n<!-- gate:end a -->\r\nrest without end");
        assert_eq!(embed(&new, "a", b"new\n").expect("it still has"), new);
    }

    #[test]
    fn two_checklists_share_a_file() {
        let file = b"<!-- gate:begin a -->\n<!-- gate:end a -->\n<!-- gate:begin b -->\nB\n<!-- gate:end b -->\n";
        let new = embed(file, "a", b"A\n").expect("it has both markers");
        assert_eq!(
            new,
            b"<!-- gate:begin a -->\nA\n<!-- gate:end a -->\n<!-- gate:begin b -->\nB\n<!-- gate:end b -->\n"
        );
    }

    #[test]
    fn a_blank_file_becomes_gates_part_with_its_markers() {
        let new = embed(b" \n", "a", b"A\n").expect("there is nothing to keep");
        assert_eq!(new, b"<!-- gate:begin a -->\nA\n<!-- gate:end a -->\n");
        assert_eq!(embed(&new, "a", b"A\n").expect("it has both markers"), new);
    }

    #[test]
    fn a_file_that_is_unmarked_or_unclear_has_no_place() {
        assert_eq!(place(b"# By hand\n<!-- gate:begin other -->\n", "a"), Err(NoPlace::Unmarked));
        assert_eq!(place(b"<!-- gate:begin a -->\n", "a"), Err(NoPlace::Unclear));
        assert_eq!(place(b"<!-- gate:end a -->\n<!-- gate:begin a -->\n", "a"), Err(NoPlace::Unclear));
        let twice = b"<!-- gate:begin a -->\n<!-- gate:end a -->\n".repeat(2);
        assert_eq!(place(&twice, "a"), Err(NoPlace::Unclear));
    }
}
