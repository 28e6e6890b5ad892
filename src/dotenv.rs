//! The `.env` file of deployments: lines of `KEY=VALUE`, read without running anything.

/// A line that is not `KEY=VALUE`. Its content is not reported: it may be a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BadLine {
    /// Its number, from 1.
    pub line: usize,
    /// A problem in the file.
    pub reason: &'static str,
}

impl std::fmt::Display for BadLine {
    fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        write!(f, "line {}: {}", self.line, self.reason)
    }
}

/// The names and values of a file, in its order. Of duplicate names the later one counts.
///
/// Comments, `export`, single quotes (unchanged) and double quotes (with `\n`, `\t`, `\"`, `\\`, `\$`, over several lines
/// too) are known. Nothing is expanded: `${X}` stays `${X}`.
///
/// # Errors
/// At the first line that is something else.
pub fn parse(text: &str) -> Result<Vec<(String, String)>, BadLine> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut found = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let line = text[..text.len() - rest.len()].matches('\n').count() + 1;
        let bad = |reason| BadLine { line, reason };
        let (this, after) = rest.split_once('\n').unwrap_or((rest, ""));
        let this = this.trim();
        if this.is_empty() || this.starts_with('#') {
            rest = after;
            continue;
        }
        let this = this.strip_prefix("export ").map_or(this, str::trim_start);
        let Some((name, _)) = this.split_once('=') else { return Err(bad("missing `=`")) };
        let name = name.trim_end();
        if !is_name(name) {
            return Err(bad("what is before `=` is not a name of a variable"));
        }
        let value = rest.split_once('=').map_or("", |(_, value)| value).trim_start_matches([' ', '\t']);
        let (value, after) = match value.chars().next() {
            Some(quote @ ('"' | '\'')) => {
                let (value, after) = quoted(&value[1..], quote).ok_or_else(|| bad("its quote does not end"))?;
                let (end, after) = after.split_once('\n').unwrap_or((after, ""));
                if !end.trim().is_empty() && !end.trim_start().starts_with('#') {
                    return Err(bad("something is after its closing quote"));
                }
                (value, after)
            }
            _ => {
                let (value, after) = value.split_once('\n').unwrap_or((value, ""));
                (bare(value), after)
            }
        };
        found.push((name.to_owned(), value));
        rest = after;
    }
    Ok(found)
}

/// Whether a shell accepts it as the name of a variable.
pub fn is_name(name: &str) -> bool {
    !name.starts_with(|c: char| c.is_ascii_digit())
        && !name.is_empty()
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

/// A value without quotes ends at the line's end, or before a `#` that follows a blank.
fn bare(value: &str) -> String {
    let comment = value.char_indices().find(|(at, c)| *c == '#' && (*at == 0 || value[..*at].ends_with([' ', '\t'])));
    comment.map_or(value, |(at, _)| &value[..at]).trim().to_owned()
}

/// The text before the closing quote, and the rest after it.
fn quoted(text: &str, quote: char) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            _ if c == quote => return Some((value, &text[at + 1..])),
            '\\' if quote == '"' => match chars.next()?.1 {
                'n' => value.push('\n'),
                'r' => value.push('\r'),
                't' => value.push('\t'),
                escaped @ ('"' | '\\' | '$' | '`') => value.push(escaped),
                other => value.extend(['\\', other]),
            },
            _ => value.push(c),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;

    use super::*;

    fn read(text: &str) -> String {
        match parse(text) {
            Ok(found) => found.iter().map(|(name, value)| format!("{name}={value:?}\n")).collect(),
            Err(bad) => bad.to_string(),
        }
    }

    #[test]
    fn comments_export_and_quotes_are_understood() {
        let file =
            "# a comment\n\nexport A=1\nB = two words # said so\nC=a#b\nD='$X \\n'\nE=\"say \\\"hi\\\"\" # done\nF=\n";
        assert_snapshot!(read(file), @r#"
        A="1"
        B="two words"
        C="a#b"
        D="$X \\n"
        E="say \"hi\""
        F=""
        "#);
    }

    #[test]
    fn a_quoted_value_may_span_lines() {
        assert_snapshot!(read("KEY=\"-----BEGIN\nabc\n\"\r\nNEXT=1\r\n"), @r#"
        KEY="-----BEGIN\nabc\n"
        NEXT="1"
        "#);
    }

    #[test]
    fn an_invalid_line_is_reported_by_its_number_only() {
        assert_snapshot!(read("A=1\nhunter2\n"), @"line 2: missing `=`");
        assert_snapshot!(read("2A=1"), @"line 1: what is before `=` is not a name of a variable");
        assert_snapshot!(read("A=\"1\nB=2"), @"line 1: its quote does not end");
        assert_snapshot!(read("A='1' 2"), @"line 1: something is after its closing quote");
    }
}
