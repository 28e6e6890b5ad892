//! Variables in the text of Compose and `.env` files, such as `${PORT:-8000}`.

/// A text with variables, read in two ways.
#[derive(Debug, PartialEq, Eq)]
pub struct Filled {
    /// In gate's syntax: `${env.PORT:-8000}`. None if it can't be expressed.
    pub template: Option<String>,
    /// With the defaults filled in. None where a variable has none.
    pub plain: Option<String>,
}

/// Maximum nesting of defaults.
const DEPTH: usize = 4;

/// Reads a text. `$$` is a dollar.
pub fn filled(text: &str) -> Filled {
    read(text, 0)
}

fn read(text: &str, depth: usize) -> Filled {
    let (mut template, mut plain) = (Some(String::new()), Some(String::new()));
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('$') {
        push(&mut template, before);
        push(&mut plain, before);
        let (own, after) = one(after, depth);
        extend(&mut template, own.template);
        extend(&mut plain, own.plain);
        rest = after;
    }
    push(&mut template, rest);
    push(&mut plain, rest);
    Filled { template, plain }
}

/// The variable after a dollar, and the text after it.
fn one(after: &str, depth: usize) -> (Filled, &str) {
    if let Some(rest) = after.strip_prefix('$') {
        return (Filled { template: Some("$$".to_owned()), plain: Some("$".to_owned()) }, rest);
    }
    let braced = after.strip_prefix('{');
    let start = braced.unwrap_or(after);
    let end = start.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(start.len());
    let (name, rest) = start.split_at(end);
    if name.is_empty() {
        return (Filled { template: Some("$$".to_owned()), plain: Some("$".to_owned()) }, after);
    }
    let reference = Filled { template: Some(format!("${{env.{name}}}")), plain: None };
    if braced.is_none() {
        return (reference, rest);
    }
    let Some(close) = closing(rest) else { return (Filled { template: None, plain: None }, "") };
    let (operator, behind) = (&rest[..close], &rest[close + 1..]);
    let default = operator.strip_prefix(":-").or_else(|| operator.strip_prefix('-'));
    let own = match default {
        Some(_) if depth >= DEPTH => Filled { template: None, plain: None },
        Some(default) => {
            let inner = read(default, depth + 1);
            let template = inner.template.filter(|_| !default.contains(['{', '}']) || default.starts_with("${"));
            Filled { template: template.map(|text| format!("${{env.{name}:-{text}}}")), plain: inner.plain }
        }
        None if operator.is_empty() || operator.starts_with(":?") || operator.starts_with('?') => reference,
        None => Filled { template: None, plain: None },
    };
    (own, behind)
}

/// Where the brace is that closes a variable.
fn closing(text: &str) -> Option<usize> {
    let mut open = 0_usize;
    for (at, c) in text.char_indices() {
        match c {
            '{' => open += 1,
            '}' if open == 0 => return Some(at),
            '}' => open -= 1,
            _ => {}
        }
    }
    None
}

fn push(to: &mut Option<String>, text: &str) {
    if let Some(to) = to {
        to.push_str(text);
    }
}

fn extend(to: &mut Option<String>, text: Option<String>) {
    match text {
        Some(text) => push(to, &text),
        None => *to = None,
    }
}

#[cfg(test)]
mod tests {
    use super::filled;

    #[test]
    fn variables_are_read_as_gate_writes_them_and_with_their_defaults() {
        let cases = [
            ("a$$b", "a$$b", "a$b"),
            ("${PORT:-80}:1", "${env.PORT:-80}:1", "80:1"),
            ("${A-${B:-c}}", "${env.A:-${env.B:-c}}", "c"),
            ("$HOST/x", "${env.HOST}/x", "-"),
            ("api.${DOMAIN?not set}", "api.${env.DOMAIN}", "-"),
            ("${A:+b}", "-", "-"),
            ("${A", "-", "-"),
            ("5$", "5$$", "5$"),
            ("${}", "$${}", "${}"),
        ];
        for (text, template, plain) in cases {
            let found = filled(text);
            let shown = [found.template, found.plain].map(|text| text.unwrap_or_else(|| "-".to_owned()));
            assert_eq!(shown, [template, plain], "{text}");
        }
        assert_eq!(filled(&"${A:-".repeat(1000)).template, None);
    }
}
