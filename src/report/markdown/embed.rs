//! Embeds gate's Markdown in a file, between two markers. Everything else belongs to others.

use std::ops::Range;

use crate::text::visible;

/// The byte order mark that some editors write.
const BOM: &[u8] = b"\xef\xbb\xbf";

/// Why the checklist can't be embedded in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoPlace {
    /// The markers are missing.
    Unmarked,
    /// A marker without its partner, more than one of a kind, or the end before the begin.
    Unclear,
}

/// The line that begins gate's part.
pub fn begin(name: &str) -> String {
    format!("<!-- gate:begin {} -->", marked(name))
}

/// The line that ends it.
pub fn end(name: &str) -> String {
    format!("<!-- gate:end {} -->", marked(name))
}

/// The name as it can be in a comment, without ending it.
fn marked(name: &str) -> String {
    visible(name).replace('>', "&gt;")
}

/// Whether the file is blank.
pub fn is_blank(file: &[u8]) -> bool {
    file.iter().all(u8::is_ascii_whitespace)
}

/// The bytes between the markers of this checklist.
pub fn place(file: &[u8], name: &str) -> Result<Range<usize>, NoPlace> {
    let (begins, ends) = markers(file, begin(name).as_bytes(), end(name).as_bytes());
    match (begins.as_slice(), ends.as_slice()) {
        ([], []) => Err(NoPlace::Unmarked),
        ([begin], [end]) if begin.end <= end.start => Ok(begin.end..end.start),
        (_, _) => Err(NoPlace::Unclear),
    }
}

/// The file with this Markdown as gate's part, with the line ends of the marker before it. A blank file gets only that
/// part, with its markers.
pub fn embed(file: &[u8], name: &str, markdown: &[u8]) -> Result<Vec<u8>, NoPlace> {
    let markdown = unmarked(markdown);
    if is_blank(file) {
        return Ok([begin(name).as_bytes(), b"\n", &markdown, end(name).as_bytes(), b"\n"].concat());
    }
    let place = place(file, name)?;
    let before = &file[..place.start];
    let markdown = if before.ends_with(b"\r\n") { crlf(&markdown) } else { markdown };
    Ok([before, &markdown, &file[place.end..]].concat())
}

/// The Markdown without lines that are markers themselves, as a checklist's `text` may contain: they would be ambiguous
/// the next time.
fn unmarked(markdown: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(markdown.len());
    for line in markdown.split_inclusive(|byte| *byte == b'\n') {
        match line.trim_ascii().strip_prefix(b"<!-- gate:") {
            Some(rest) if rest.starts_with(b"begin ") || rest.starts_with(b"end ") => {
                out.extend_from_slice(b"<!-- gate: ");
                out.extend_from_slice(rest);
                out.push(b'\n');
            }
            Some(_) | None => out.extend_from_slice(line),
        }
    }
    out
}

/// The same with Windows line ends.
fn crlf(markdown: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(markdown.len() + markdown.len() / 32);
    let mut before = 0;
    for &byte in markdown {
        if byte == b'\n' && before != b'\r' {
            out.push(b'\r');
        }
        out.push(byte);
        before = byte;
    }
    out
}

/// The positions of the two markers, each with its line end. One in a code fence is an example and does not count.
fn markers(file: &[u8], begin: &[u8], end: &[u8]) -> (Vec<Range<usize>>, Vec<Range<usize>>) {
    let (mut begins, mut ends) = (Vec::new(), Vec::new());
    let mut fence: Option<&[u8]> = None;
    // The end of the current checklist's part. A fence in gate's part may be open.
    let mut part: Option<Vec<u8>> = None;
    let mut start = 0;
    for line in file.split_inclusive(|byte| *byte == b'\n') {
        let text = if start == 0 { line.strip_prefix(BOM).unwrap_or(line) } else { line }.trim_ascii();
        let place = start..start + line.len();
        start = place.end;
        if let Some(open) = fence {
            fence = if closes(text, open) { None } else { fence };
            continue;
        }
        if text == begin {
            begins.push(place);
        } else if text == end {
            ends.push(place);
        }
        match &part {
            Some(last) if text == *last => part = None,
            Some(_) => {}
            None => {
                let name = text.strip_prefix(b"<!-- gate:begin ".as_slice());
                part = name.map(|name| [b"<!-- gate:end ", name].concat());
                fence = opening(text).filter(|_| part.is_none());
            }
        }
    }
    (begins, ends)
}

/// The backticks or tildes that open a code fence.
fn opening(text: &[u8]) -> Option<&[u8]> {
    let mark = *text.first().filter(|byte| matches!(byte, b'`' | b'~'))?;
    let length = text.iter().take_while(|byte| **byte == mark).count();
    let is_inline = mark == b'`' && text[length..].contains(&b'`');
    (length >= 3 && !is_inline).then(|| &text[..length])
}

/// Whether this line closes a fence that these characters opened.
fn closes(text: &[u8], open: &[u8]) -> bool {
    text.len() >= open.len() && text.iter().all(|byte| *byte == open[0])
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn every_byte_outside_the_markers_stays() {
        let file = b"\xff intro\r\n<!-- gate:begin a -->\r\nold\r\n<!-- gate:end a -->\r\nrest without end";
        let new = embed(file, "a", b"new\n").expect("it has both markers");
        assert_eq!(new, b"\xff intro\r\n<!-- gate:begin a -->\r\nnew\r\n<!-- gate:end a -->\r\nrest without end");
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

    #[test]
    fn a_marker_in_a_code_fence_is_an_example() {
        let example = "```md\n<!-- gate:begin a -->\n<!-- gate:end a -->\n```\n~~~~\n<!-- gate:end a -->\n~~~\n~~~~\n";
        assert_eq!(place(example.as_bytes(), "a"), Err(NoPlace::Unmarked));
        // gate's own text may leave a fence open.
        let file = format!("{example}<!-- gate:begin a -->\n```\n<!-- gate:end a -->\n");
        let new = embed(file.as_bytes(), "a", b"A\n").expect("it has both markers");
        assert_eq!(new, format!("{example}<!-- gate:begin a -->\nA\n<!-- gate:end a -->\n").as_bytes());
    }

    #[test]
    fn a_name_ends_no_comment() {
        assert_eq!(begin("a --> <b>"), "<!-- gate:begin a --&gt; <b&gt; -->");
    }

    #[test]
    fn a_mark_of_the_byte_order_before_the_marker_stays() {
        let file = b"\xef\xbb\xbf<!-- gate:begin a -->\nold\n<!-- gate:end a -->";
        let new = embed(file, "a", b"new\n").expect("it has both markers");
        assert_eq!(new, b"\xef\xbb\xbf<!-- gate:begin a -->\nnew\n<!-- gate:end a -->");
    }

    #[test]
    fn a_marker_in_the_markdown_itself_ends_nothing() {
        let new = embed(b"", "a", b"x\n  <!-- gate:end a -->\ny\n").expect("there is nothing to keep");
        assert_eq!(new, b"<!-- gate:begin a -->\nx\n<!-- gate: end a -->\ny\n<!-- gate:end a -->\n");
        assert_eq!(embed(&new, "a", b"x\n").expect("one pair is there"), embed(b"", "a", b"x\n").expect("as before"));
    }

    /// A line that somebody may have written, or another checklist's markers.
    fn line() -> impl Strategy<Value = Vec<u8>> {
        prop_oneof![
            "[ -~]{0,12}".prop_map(String::into_bytes),
            proptest::collection::vec(any::<u8>().prop_filter("one line", |byte| *byte != b'\n'), 0..8),
            prop_oneof![Just("---"), Just("`` `"), Just("<!-- gate:end b -->")]
                .prop_map(|line| line.as_bytes().to_vec()),
        ]
        .prop_filter("neither the markers themselves nor a fence", |line| {
            !line.ends_with(b"a -->") && opening(line.trim_ascii()).is_none()
        })
    }

    /// Text that people may have written around gate's part, with examples of markers.
    fn around() -> impl Strategy<Value = Vec<u8>> {
        let fence = Just(b"```\n<!-- gate:begin a -->\n```\n".to_vec());
        let part = Just(b"<!-- gate:begin b -->\n```\n<!-- gate:end b -->\n".to_vec());
        proptest::collection::vec(prop_oneof![text(), fence, part], 0..3).prop_map(|texts| texts.concat())
    }

    fn text() -> impl Strategy<Value = Vec<u8>> {
        let ended = (line(), prop_oneof![Just("\n"), Just("\r\n")]);
        proptest::collection::vec(ended.prop_map(|(line, end)| [line, end.as_bytes().to_vec()].concat()), 0..6)
            .prop_map(|lines| lines.concat())
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn text_outside_the_markers_stays_and_a_second_run_changes_nothing(
            (bom, before, old, after) in (any::<bool>(), around(), text(), around()),
            end in prop_oneof![Just(""), Just("\n"), Just("\r\n")],
            line_end in prop_oneof![Just("\n"), Just("\r\n")],
            (last, markdown) in (line(), text()),
        ) {
            let head = [if bom { BOM } else { b"" }, &before, b"<!-- gate:begin a -->", line_end.as_bytes()].concat();
            let tail = match end {
                "" => b"<!-- gate:end a -->".to_vec(),
                end => [b"<!-- gate:end a -->", end.as_bytes(), &after, &last].concat(),
            };
            let new = embed(&[head.clone(), old, tail.clone()].concat(), "a", &markdown).expect("it has both markers");
            prop_assert!(new.starts_with(&head));
            prop_assert!(new.ends_with(&tail));
            prop_assert_eq!(embed(&new, "a", &markdown).expect("it still has both"), new);
        }
    }
}
