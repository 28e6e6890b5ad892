//! Likely causes of text that is not YAML, and how to fix them: the parser's own words never reach a reader.

use std::ops::Range;

use granit_parser::ErrorKind;

use super::fault::{Fault, Hint, MAX_DEPTH};
use super::layout;

/// The likely cause of a fault, or a general hint.
pub(super) fn of(fault: &Fault) -> Hint {
    tab(fault)
        .or_else(|| reference(fault))
        .or_else(|| braces(fault))
        .or_else(|| quote(fault))
        .or_else(|| bracket(fault))
        .or_else(|| comma(fault))
        .or_else(|| colon(fault))
        .or_else(|| first_character(fault))
        .or_else(|| block(fault))
        .or_else(|| layout::of(fault))
        .unwrap_or_else(|| unknown(fault))
}

/// The part of a line from this place on.
fn rest(text: &str, at: usize) -> &str {
    text[at..].lines().next().unwrap_or_default()
}

/// The character at a place, as a range; empty at the end.
fn one(text: &str, at: usize) -> Range<usize> {
    at..at + text[at..].chars().next().map_or(0, char::len_utf8)
}

/// A tab in the indentation. The parser may notice it at the end of the line before.
fn tab(fault: &Fault) -> Option<Hint> {
    let Fault { text, at, kind, .. } = *fault;
    let is_tab = matches!(
        kind,
        ErrorKind::TabNotAllowed
            | ErrorKind::TabInBlockIndentation
            | ErrorKind::TabAtBlockScalarStart
            | ErrorKind::TabInIndentation
            | ErrorKind::TabInPlainScalar
    );
    let start = text[..at].rfind('\n').map_or(0, |end| end + 1);
    let mut line_start = start;
    for line in text[start..].split_inclusive('\n').take(2) {
        let indent = line.len() - line.trim_start_matches([' ', '\t']).len();
        if let Some(tab) = line[..indent].find('\t')
            && (line_start <= at || is_tab)
        {
            let place = line_start + tab..line_start + tab + 1;
            return Some(Hint::new("a tab in the indentation", place, "use spaces: YAML allows no tabs there"));
        }
        line_start += line.len();
    }
    None
}

/// `{ url: ${vars.api} }`: inside `{…}` and `[…]`, a brace ends a text without quotes.
fn reference(fault: &Fault) -> Option<Hint> {
    let Fault { text, at, .. } = *fault;
    if !(text[..at].ends_with('$') && text[at..].starts_with('{')) {
        return None;
    }
    let place = at - 1..at + rest(text, at).find('}').map_or(1, |end| end + 1);
    let help = "quote the whole value, such as `\"${vars.api}/healthz\"`";
    Some(Hint::new("unquoted `${…}` inside `{…}` or `[…]`", place, help))
}

/// `url: {{ base }}/healthz`: the form of other tools.
fn braces(fault: &Fault) -> Option<Hint> {
    let Fault { text, at, .. } = *fault;
    let line = text[..at].rfind('\n').map_or(0, |end| end + 1);
    let start = line + text[line..at].rfind("{{")?;
    let end = start + rest(text, start).find("}}")? + 2;
    (end >= at || text[end..at].trim().is_empty()).then(|| template(start..end))
}

/// The problem of `{{ NAME }}`.
pub(super) fn template(place: Range<usize>) -> Hint {
    let help = "a variable is written `\"${vars.NAME}\"` or `\"${env.NAME}\"`, in quotes";
    Hint::new("`{{ … }}` is not filled in", place, help)
}

/// A quote that is not closed, or is closed too early.
fn quote(fault: &Fault) -> Option<Hint> {
    let Fault { text, kind, at, .. } = *fault;
    let unclosed = |start: usize| {
        let mark = if text[start..].starts_with('\'') { '\'' } else { '"' };
        let title = format!("`{mark}` is opened here and not closed");
        Hint::new(title, one(text, start), format!("add `{mark}` at the end of the text"))
    };
    match kind {
        ErrorKind::UnclosedQuotedScalar
        | ErrorKind::DocumentIndicatorInQuotedScalar
        | ErrorKind::InvalidQuotedScalarIndent => {
            let start = if text[at..].starts_with(['"', '\'']) { at } else { text[..at].rfind(['"', '\''])? };
            Some(unclosed(start))
        }
        ErrorKind::InvalidTrailingSingleQuotedScalar | ErrorKind::InvalidTrailingDoubleQuotedScalar => {
            let mark = if *kind == ErrorKind::InvalidTrailingSingleQuotedScalar { '\'' } else { '"' };
            let end = text[..at].rfind(mark)?;
            let start = opening(&text[..end], mark)?;
            if text[start..end].contains('\n') {
                return Some(unclosed(start));
            }
            if is_flow(fault) && is_key(rest(text, at)) {
                return None;
            }
            let inside = if mark == '\'' { "`'It''s ready'`" } else { "`\"the \\\"new\\\" host\"`" };
            let help =
                format!("a quote inside the text is written twice, such as {inside}; else quote the whole value");
            let help = if mark == '"' { help.replace("is written twice", "needs a backslash") } else { help };
            Some(Hint::new("text after the closing quote", one(text, at), help))
        }
        ErrorKind::UnknownQuotedScalarEscape => {
            let escape = at + unknown_escape(&text[at..])?;
            let letter = text[escape + 1..].chars().next()?;
            let help = "write `\\\\` for a backslash, or use single quotes: `'C:\\data'`";
            Some(Hint::new(format!("invalid escape `\\{letter}`"), escape..escape + 1 + letter.len_utf8(), help))
        }
        ErrorKind::InvalidQuotedScalarHexEscape
        | ErrorKind::InvalidLowSurrogateHexEscape
        | ErrorKind::InvalidLowSurrogate
        | ErrorKind::MissingLowSurrogate
        | ErrorKind::UnpairedLowSurrogate
        | ErrorKind::InvalidUnicodeEscape => {
            let help = "write the character itself, `\\\\` for a backslash, or use single quotes";
            Some(Hint::new("invalid Unicode escape", one(text, at), help))
        }
        _ => None,
    }
}

/// Where the text in quotes that ends with `text` begins.
fn opening(text: &str, mark: char) -> Option<usize> {
    let mut end = text.len();
    loop {
        let at = text[..end].rfind(mark)?;
        if mark == '\'' && text[..at].ends_with('\'') {
            end = at - 1;
        } else if mark == '"' && text[..at].ends_with('\\') {
            end = at;
        } else {
            return Some(at);
        }
    }
}

/// The first backslash in a quoted text that begins no escape of YAML.
fn unknown_escape(text: &str) -> Option<usize> {
    let mut characters = text.char_indices();
    while let Some((at, c)) = characters.next() {
        if c == '\\' && !characters.next().is_some_and(|(_, c)| "0abtnvfre \"/\\N_LPxuU\t\n".contains(c)) {
            return Some(at);
        }
    }
    None
}

/// The innermost `{` or `[` that is open, where a block list or map is not inside of it.
fn flow_start(fault: &Fault) -> Option<usize> {
    fault.open.iter().rev().copied().find(|start| fault.text[*start..].starts_with(['{', '[']))
}

fn is_flow(fault: &Fault) -> bool {
    flow_start(fault).is_some()
}

/// A bracket that is not closed, or that closes nothing.
fn bracket(fault: &Fault) -> Option<Hint> {
    let Fault { text, kind, at, .. } = *fault;
    match kind {
        ErrorKind::MisplacedFlowCollectionEnd => {
            let title = format!("`{}` closes nothing", &text[one(text, at)]);
            return Some(Hint::new(title, one(text, at), "remove it, or add the bracket that it closes"));
        }
        ErrorKind::MismatchedFlowCollectionEnd { open, close } => {
            let title = format!("`{open}` is closed by `{close}`");
            let help = format!("close it with `{}`", closing(*open));
            return Some(Hint::new(title, one(text, at), help));
        }
        _ => {}
    }
    let is_flow = matches!(
        kind,
        ErrorKind::UnclosedFlowCollection { .. }
            | ErrorKind::ExpectedFlowMappingSeparator
            | ErrorKind::ExpectedFlowSequenceSeparator
            | ErrorKind::UnexpectedEofFlowSequence
            | ErrorKind::UnexpectedEofFlowMapping
            | ErrorKind::UnexpectedEofImplicitFlowMapping
            | ErrorKind::BlockEntryInFlowCollection
            | ErrorKind::InvalidColonPlacement
            | ErrorKind::InvalidFlowScalarIndent
            | ErrorKind::InvalidIndentation
            | ErrorKind::ExpectedNodeContent
            | ErrorKind::UnexpectedEof
    );
    let start = match kind {
        ErrorKind::UnclosedFlowCollection { .. } => at,
        _ => flow_start(fault).filter(|_| is_flow)?,
    };
    // On the line itself, or on one that is further in than what surrounds the bracket, a comma is missing.
    let is_unclosed = matches!(kind, ErrorKind::UnclosedFlowCollection { .. })
        || text[start..at].contains('\n') && layout::column(text, at) <= layout::key_column(text, start);
    if !is_unclosed {
        return None;
    }
    let open = text[start..].chars().next()?;
    let title = format!("`{open}` is opened here and not closed");
    Some(Hint::new(title, one(text, start), format!("add `{}` at its end", closing(open))))
}

fn closing(open: char) -> char {
    if open == '{' { '}' } else { ']' }
}

/// `{ url: "x" method: GET }`: no comma between two entries.
fn comma(fault: &Fault) -> Option<Hint> {
    let Fault { text, kind, at, .. } = *fault;
    let is_between = matches!(
        kind,
        ErrorKind::ExpectedFlowMappingSeparator
            | ErrorKind::ExpectedFlowSequenceSeparator
            | ErrorKind::InvalidColonPlacement
            | ErrorKind::InvalidTrailingSingleQuotedScalar
            | ErrorKind::InvalidTrailingDoubleQuotedScalar
            | ErrorKind::MappingValueNotAllowed
    );
    flow_start(fault).filter(|_| is_between)?;
    // The parser notices a missing comma at the `:` after the next key.
    let key = match text[at..].starts_with(':') {
        true => text[..at].rfind([' ', ',', '{', '[', '\n']).map_or(0, |before| before + 1)..at,
        false => at..at + rest(text, at).find([' ', ',', ':', '}', ']']).unwrap_or_else(|| rest(text, at).len()),
    };
    // `{ hint: run: make }`: no value comes before the key.
    if text[..key.start].trim_end().ends_with([':', '{', '[', ',']) {
        return None;
    }
    if let Some(hint) = bracket_in_word(text, at) {
        return Some(hint);
    }
    let title = match &text[key.clone()] {
        "" => "missing `,` between two entries".to_owned(),
        name => format!("missing `,` before `{name}`"),
    };
    let help = match text[at..].starts_with(':') {
        true => "separate entries by `,`, and quote a value that has `: ` in it",
        false => "separate entries by `,`",
    };
    Some(Hint::new(title, if key.is_empty() { one(text, at) } else { key }, help))
}

/// `{ json.items[0].id: 1 }`: inside `{…}`, a bracket ends a word without quotes.
fn bracket_in_word(text: &str, at: usize) -> Option<Hint> {
    let start = text[..at].rfind([' ', ',', '{', '[', '\n', '"', '\'']).map_or(0, |before| before + 1);
    if !text[at..].starts_with('[') || start == at {
        return None;
    }
    let end = at + rest(text, at).find([':', ',', '}', ' ']).unwrap_or_else(|| rest(text, at).len());
    let word = &text[start..end];
    let quoted = if word.contains('"') { format!("'{word}'") } else { format!("\"{word}\"") };
    let help = format!("quote the whole word: `{quoted}`");
    Some(Hint::new("a word with `[` inside `{…}` or `[…]` must be quoted", start..end, help))
}

/// Whether a text begins with a word and a colon.
fn is_key(text: &str) -> bool {
    text.split_once(':').is_some_and(|(key, _)| key.chars().all(|c| c.is_alphanumeric() || "_-\"'".contains(c)))
}

/// `title: Deploy: step two`: a text without quotes ends at the second colon.
fn colon(fault: &Fault) -> Option<Hint> {
    let Fault { text, at, .. } = *fault;
    let line = text[..at].rsplit('\n').next().unwrap_or_default();
    let is_colon = text[at..].starts_with(": ") || text[at..].starts_with(":\n");
    let start = line.rsplit_once(": ").map_or("", |(_, value)| value.trim_start());
    let end = if is_flow(fault) { rest(text, at).split([',', '}']).next().unwrap_or_default() } else { rest(text, at) };
    let value = format!("{start}{}", end.trim_end());
    let shown = if value.contains(['"', '\\', '#']) || value.len() > 60 { "Deploy: step two" } else { &value };
    let help = format!("quote the value, such as `\"{shown}\"`");
    (is_colon && line.contains(": ")).then(|| Hint::new("unquoted `: ` in a value", at..at + 1, help))
}

/// `owner: @sre`: some characters cannot start a text without quotes.
fn first_character(fault: &Fault) -> Option<Hint> {
    let Fault { text, at, kind, .. } = *fault;
    let is_within = !layout::is_first_of_line(text, at);
    let is_first = match kind {
        ErrorKind::UnexpectedCharacter { .. } => true,
        ErrorKind::MissingAnchorOrAliasName => true,
        ErrorKind::MappingKeyNotAllowed | ErrorKind::BlockSequenceEntryNotAllowed => is_within,
        ErrorKind::PlainScalarStartsWithDashFlowIndicator | ErrorKind::BlockEntryInFlowCollection => true,
        _ => false,
    };
    let first = text[at..].chars().next().filter(|_| is_first)?;
    let shown = if first == '`' { "a backtick".to_owned() } else { format!("`{first}`") };
    let example = rest(text, at).trim_end_matches([' ', '}', ']']);
    let example = match example.len() <= 40 && !example.contains(['"', '`', '\\', ',']) {
        true => example,
        false => "@sre",
    };
    let title = format!("a value without quotes cannot start with {shown}");
    Some(Hint::new(title, one(text, at), format!("quote the value, such as `\"{example}\"`")))
}

/// `title: > 5 users`: `|` and `>` begin a text of several lines.
fn block(fault: &Fault) -> Option<Hint> {
    let Fault { text, at, kind, .. } = *fault;
    let is_header = matches!(kind, ErrorKind::InvalidBlockScalarHeader | ErrorKind::ZeroBlockScalarIndent);
    let mark = text[at..].chars().next().filter(|c| is_header && matches!(c, '|' | '>'))?;
    let title = format!("text after `{mark}`, which begins a text of several lines");
    Some(Hint::new(title, one(text, at), "quote the value, or write the text on the next lines, indented"))
}

/// The hint for any other fault.
fn unknown(fault: &Fault) -> Hint {
    let Fault { text, at, kind, .. } = *fault;
    let title = match kind {
        ErrorKind::RecursionLimitExceeded => {
            let title = format!("nested deeper than {MAX_DEPTH} levels");
            return Hint::new(title, one(text, at), "write it with fewer `{`, `[` and indentations");
        }
        ErrorKind::InvalidDocumentEnd => "text after the end of the document, `...`",
        ErrorKind::CommentNotSeparated => "missing space before `#`",
        ErrorKind::CommentInterceptedScalar => "a comment between the lines of a text",
        ErrorKind::BomInsideDocument => "a byte order mark inside the file",
        ErrorKind::InvalidBlockScalarIndent => "the lines of a text are indented differently",
        ErrorKind::ExpectedWhitespace | ErrorKind::InvalidMappingValueWhitespace => "missing space",
        ErrorKind::FlowMappingValueAdjacentCollection => "missing space after `:`",
        ErrorKind::InvalidBlockEntryWhitespace => "missing space after `-`",
        ErrorKind::DirectiveDisallowed
        | ErrorKind::MissingDirectiveName
        | ErrorKind::InvalidDirectiveName
        | ErrorKind::MissingYamlVersion
        | ErrorKind::InvalidDirectiveTerminator => "a line that begins with `%`",
        _ => "the YAML is invalid here",
    };
    let help = "the cause may be on the line before: check its quotes, brackets, `:` and indentation";
    Hint::new(title, one(text, at), help)
}
