//! Paths in an observation: `json.checks[0].ok`, or a JSONPath if it begins with `$`.

use std::borrow::Cow;
use std::ops::Range;

use serde_json::Value;
use serde_json_path::JsonPath;

use crate::diagnostic::{Diagnostic, Span};
use crate::yaml::Key;

use super::words;

/// A path in the checklist.
#[derive(Debug, Clone)]
pub struct Path {
    /// As it is written.
    pub text: String,
    /// The steps that are known in advance. For a JSONPath, those before it branches.
    pub steps: Vec<Step>,
    /// A JSONPath with several results. They are judged as one list, which may be empty; but if the part before the
    /// first branch leads nowhere, the path is missing.
    query: Option<Box<JsonPath>>,
    /// Whether it begins with several fields of the observation of which `json` is one: `$..errors`, `$.*.errors`.
    pub collects_json: bool,
}

/// The field of an observation that exists only if what was read is JSON.
pub const JSON: &str = "json";

/// One step.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// Its target.
    pub to: To,
    /// The position of the word in the path.
    pub range: Range<usize>,
}

/// The target of a step.
#[derive(Debug, Clone, PartialEq)]
pub enum To {
    /// To a field of a map.
    Field(String),
    /// An element of a list. A negative one, which only a JSONPath may have, counts from the end.
    Index(i64),
}

impl Path {
    /// Reads a path.
    ///
    /// # Errors
    /// When it is not valid; the problem is at the wrong character.
    pub fn read(key: &Key) -> Result<Self, Box<Diagnostic>> {
        let text = &*key.text;
        let query = if text.starts_with('$') { Some(json_path(key)?) } else { None };
        let mut steps = Vec::with_capacity(1 + text.matches(['.', '[']).count());
        let mut at = usize::from(query.is_some());
        while let Some((step, end)) = step(text, at, query.is_some()) {
            steps.push(step);
            at = end;
        }
        let is_whole = text[at..].trim().is_empty();
        if query.is_none() && (!is_whole || steps.is_empty()) {
            return Err(Box::new(unreadable(key, at)));
        }
        let query = query.filter(|_| !is_whole).map(Box::new);
        let collects_json = query.is_some() && steps.is_empty() && selects(&text[at..], JSON);
        Ok(Self { text: text.to_owned(), steps, query, collects_json })
    }

    /// Whether its result is a list of values.
    pub fn branches(&self) -> bool {
        self.query.is_some()
    }

    /// Whether it may take elements from the end of a list.
    pub fn counts_from_end(&self) -> bool {
        self.query.is_some() && ["[-", ":-", ",-"].iter().any(|sign| self.text.replace(' ', "").contains(sign))
    }

    /// The value at the path.
    ///
    /// # Errors
    /// When there is none: the step, and whether the value is known to be absent.
    pub fn find<'a>(&self, observation: &'a Value) -> Result<Cow<'a, Value>, Missing> {
        let mut here = observation;
        for (at, step) in self.steps.iter().enumerate() {
            here = step.take(here).ok_or_else(|| self.missing(at, here))?;
        }
        match &self.query {
            None => Ok(Cow::Borrowed(here)),
            Some(_) if !here.is_object() && !here.is_array() => {
                let why = format!("{} is {}", self.parent(self.steps.len()), words::kind(here));
                Err(Missing { why: Some(why), step: self.steps.len(), is_absent: false })
            }
            Some(query) => Ok(Cow::Owned(query.query(observation).all().into_iter().cloned().collect())),
        }
    }

    /// Why the step of this number leads nowhere from `here`.
    fn missing(&self, at: usize, here: &Value) -> Missing {
        let is_last = at + 1 == self.steps.len() && self.query.is_none();
        let parent = self.parent(at);
        let (why, is_holder) = match (&self.steps[at].to, here) {
            // The observation's own fields are known; those of an answer are not.
            (To::Field(_), Value::Object(_)) if is_last && at == 0 => (None, true),
            (To::Field(_), Value::Object(fields)) if is_last => {
                (Some(format!("{parent} has {}", words::names(fields))), true)
            }
            (To::Field(_), Value::Object(fields)) => {
                let missing = &self.text[..self.steps[at].end()];
                let others = if at == 0 { String::new() } else { format!(", {parent} has {}", words::names(fields)) };
                (Some(format!("{missing} is missing{others}")), true)
            }
            (To::Index(_), Value::Array(elements)) => {
                let why = match elements.len() {
                    0 => format!("{parent} is an empty list"),
                    1 => format!("{parent} has 1 element"),
                    many => format!("{parent} has {many} elements"),
                };
                (Some(why), true)
            }
            (To::Field(name), Value::Array(_)) if name.chars().all(|c| c.is_ascii_digit()) => {
                (Some(format!("{parent} is a list: write {parent}[{name}]")), false)
            }
            (To::Field(_) | To::Index(_), here) => (Some(format!("{parent} is {}", words::kind(here))), false),
        };
        Missing { why, step: at, is_absent: is_last && is_holder }
    }

    /// The path up to the step of this number.
    fn parent(&self, at: usize) -> &str {
        match at {
            0 => "the observation",
            _ => self.text[..self.steps[at - 1].end()].trim_end(),
        }
    }
}

/// Why no value was found at a path.
#[derive(Debug, Clone, PartialEq)]
pub struct Missing {
    /// Why, if that is not obvious: `json is null`.
    pub why: Option<String>,
    /// The number of the step that leads nowhere.
    pub step: usize,
    /// Whether its parent was read and does not contain it. Otherwise it is unknown.
    pub is_absent: bool,
}

impl Missing {
    /// The message for a missing value at this path.
    pub fn words(&self, path: &str) -> String {
        let why = self.why.as_ref().map(|why| format!(" ({why})")).unwrap_or_default();
        format!("{path}: not found{why}")
    }
}

impl Step {
    fn take<'a>(&self, here: &'a Value) -> Option<&'a Value> {
        match &self.to {
            To::Field(name) => here.as_object()?.get(name),
            To::Index(index) => {
                let elements = here.as_array()?;
                let from_end = || elements.len().checked_sub(usize::try_from(index.unsigned_abs()).ok()?);
                elements.get(if *index < 0 { from_end()? } else { usize::try_from(*index).ok()? })
            }
        }
    }

    fn end(&self) -> usize {
        self.range.end
    }
}

/// Maximum nesting of brackets and parentheses of a JSONPath: its parser recurses.
const MAX_NESTING: usize = 16;

/// The position where the brackets of a JSONPath nest too deep.
fn too_deep(text: &str) -> Option<usize> {
    let (mut depth, mut quote, mut is_escaped) = (0_usize, None, false);
    text.char_indices().find_map(|(at, c)| {
        match (quote, c) {
            (Some(_), _) if is_escaped => is_escaped = false,
            (Some(_), '\\') => is_escaped = true,
            (Some(open), c) if open == c => quote = None,
            (None, '"' | '\'') => quote = Some(c),
            (None, '[' | '(') => depth += 1,
            (None, ']' | ')') => depth = depth.saturating_sub(1),
            (Some(_) | None, _) => {}
        }
        (depth > MAX_NESTING).then_some(at)
    })
}

fn json_path(key: &Key) -> Result<JsonPath, Box<Diagnostic>> {
    if let Some(at) = too_deep(&key.text) {
        let problem = Diagnostic::error(format!("brackets nest deeper than {MAX_NESTING} levels in a JSONPath"));
        return Err(Box::new(problem.at(within(key.span, &key.text, at..at + 1))));
    }
    JsonPath::parse(&key.text).map_err(|error| {
        let at = error.position().saturating_sub(1).min(key.text.len());
        Box::new(
            Diagnostic::error(format!("`{}` is not a JSONPath", key.text))
                .at(within(key.span, &key.text, at..key.text.len()))
                .label(error.message().to_owned())
                .help(
                    "see RFC 9535, such as `$.json.checks[?@.critical].ok`; without `$` a path is `json.checks[0].ok`",
                ),
        )
    })
}

/// The step at this byte, and its end. None if it is not known in advance.
fn step(text: &str, at: usize, is_json_path: bool) -> Option<(Step, usize)> {
    let blank = |at: usize| at + text[at..].len() - text[at..].trim_start().len();
    let at = if is_json_path { blank(at) } else { at };
    match text[at..].chars().next()? {
        '[' => {
            let start = blank(at + 1);
            let (to, end) = match text[start..].chars().next()? {
                quote @ ('"' | '\'') => quoted(text, start, quote)?,
                _ => {
                    let length = text[start..].find(|c: char| !c.is_ascii_digit() && c != '-')?;
                    let index: i64 = text[start..start + length].parse().ok()?;
                    (To::Index(index), start + length)
                }
            };
            let close = blank(end);
            let is_from_end = matches!(to, To::Index(index) if index < 0);
            let is_step = text[close..].starts_with(']') && (is_json_path || !is_from_end);
            is_step.then_some((Step { to, range: at..close + 1 }, close + 1))
        }
        first => {
            let start = match first {
                '.' if at > 0 => at + 1,
                _ if at == 0 => 0,
                _ => return None,
            };
            let length = text[start..].find(ends_name).unwrap_or(text.len() - start);
            let end = start + length;
            (length > 0).then(|| (Step { to: To::Field(text[start..end].to_owned()), range: start..end }, end))
        }
    }
}

/// Whether the first segment of this rest of a JSONPath takes the field: each does that has no names and indexes only.
fn selects(rest: &str, field: &str) -> bool {
    let Some(mut rest) = rest.trim_start().strip_prefix('[') else { return true };
    loop {
        rest = rest.trim_start();
        match rest.chars().next() {
            Some(quote @ ('"' | '\'')) => match quoted(rest, 0, quote) {
                Some((name, _)) if name == To::Field(field.to_owned()) => return true,
                Some((_, end)) => rest = &rest[end..],
                None => return true,
            },
            Some('0'..='9' | '-' | ':' | ',') => rest = &rest[1..],
            Some(']') => return false,
            Some(_) | None => return true,
        }
    }
}

/// Whether a character ends a name without quotes, in either kind of path.
fn ends_name(c: char) -> bool {
    c.is_whitespace() || matches!(c, '.' | '[' | ']' | '"' | '\'' | '*' | '?' | ',')
}

/// A quoted name at this byte, and the byte after it. Escapes are those of JSON, and `\'`.
fn quoted(text: &str, start: usize, quote: char) -> Option<(To, usize)> {
    let mut is_escaped = false;
    let inner = &text[start + 1..];
    let length = inner.find(|c| {
        let ends = c == quote && !is_escaped;
        is_escaped = c == '\\' && !is_escaped;
        ends
    })?;
    let inner = &inner[..length];
    let name = match quote {
        '\'' => inner.replace("\\'", "'").replace('"', "\\\""),
        _ => inner.to_owned(),
    };
    let name = if name.contains('\\') { serde_json::from_str(&format!("\"{name}\"")).ok()? } else { name };
    Some((To::Field(name), start + 1 + length + 1))
}

/// The problem of a path that could be read up to this byte.
fn unreadable(key: &Key, at: usize) -> Diagnostic {
    let text = &*key.text;
    let rest = &text[at..];
    let problem = Diagnostic::error(format!("`{text}` is not a path")).at(within(key.span, text, at..text.len()));
    if text.is_empty() {
        return problem.help("a path names a field of the observation, such as `status` or `json.checks[0].ok`");
    }
    let bracket = rest.strip_prefix('[').and_then(|inner| inner.split(']').next());
    match bracket {
        Some(_) if !rest.contains(']') => problem.label("this `[` is not closed"),
        Some("*") => problem.help(format!("`$.{text}` gives all of them, as a list for `every` or `some`")),
        Some(index) if index.parse::<i64>().is_ok() => problem.help(format!("`$.{text}` counts from the end")),
        Some("") => problem.label("an index or a name in quotes belongs here"),
        Some(name) if !name.contains(['"', '\'']) => problem.label(format!("did you mean `[\"{name}\"]`?")),
        Some(_) => problem.label("this is neither an index nor a name in quotes"),
        None if rest.starts_with("..") => problem.help(format!("`$.{text}` looks at every depth")),
        None if rest == "." => problem.label("a name belongs behind this dot"),
        None => problem.label("a name with such characters is written `[\"…\"]`"),
    }
}

/// The position of a part of a text in the file, as far as it can be known: if escapes make the text differ from the
/// file, it is the whole.
pub fn within(span: Span, text: &str, part: Range<usize>) -> Span {
    let (Ok(start), Ok(end)) = (u32::try_from(part.start), u32::try_from(part.end)) else { return span };
    let quotes = (span.range().len()).checked_sub(text.len());
    let shift = match quotes {
        Some(0) => 0,
        Some(2) => 1,
        Some(_) | None => return span,
    };
    // A caret after the end still needs a column.
    let end = end.max(start + 1);
    Span { file: span.file, start: span.start + shift + start, end: (span.start + shift + end).min(span.end) }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::diagnostic::{Diagnostics, Sources, Span};
    use crate::yaml::Key;

    use super::Path;

    fn key(text: &str) -> Key {
        Key { span: Span { file: 0, start: 0, end: u32::try_from(text.len()).expect("short") }, text: text.into() }
    }

    fn find(path: &str) -> String {
        let observation = json!({
            "status": 200, "text": null, "none": [],
            "json": {"checks": [{"ok": true}, {"ok": false}], "a b": {"x.y": 1, "it's": 2}},
            "p(95)": 12,
        });
        match Path::read(&key(path)) {
            Ok(path) => path
                .find(&observation)
                .map_or_else(|missing| missing.words(path.text.as_str()), |found| found.to_string()),
            Err(problem) => {
                let mut sources = Sources::default();
                sources.add("c.yaml", path);
                Diagnostics::from(*problem).render(&sources, false).trim_end().to_owned()
            }
        }
    }

    #[test]
    fn a_path_leads_through_names_indexes_and_names_in_quotes() {
        assert_eq!(find("status"), "200");
        assert_eq!(find("json.checks[1].ok"), "false");
        assert_eq!(find(r#"json["a b"]["x.y"]"#), "1");
        assert_eq!(find(r"['json']['a b']['it\'s']"), "2");
        assert_eq!(find("p(95)"), "12");
    }

    #[test]
    fn a_json_path_gives_a_value_or_a_list_when_it_branches() {
        assert_eq!(find("$.json.checks[0].ok"), "true");
        assert_eq!(find("$['json'].checks[-1]['ok']"), "false");
        assert_eq!(find("$.json.checks[*].ok"), "[true,false]");
        assert_eq!(find("$.json.checks[?@.ok==false]"), r#"[{"ok":false}]"#);
        assert_eq!(find("$..nothing"), "[]");
    }

    #[test]
    fn a_missing_path_says_from_where_on() {
        assert_eq!(find("json.version"), "json.version: not found (json has checks, a b)");
        assert_eq!(find("body.version"), "body.version: not found (body is missing)");
        assert_eq!(find("status.code"), "status.code: not found (status is a number)");
        assert_eq!(find("text.x"), "text.x: not found (text is null)");
        assert_eq!(find("json.checks[2].ok"), "json.checks[2].ok: not found (json.checks has 2 elements)");
        assert_eq!(find("none[0]"), "none[0]: not found (none is an empty list)");
        assert_eq!(find("$.nothing[*].ok"), "$.nothing[*].ok: not found ($.nothing is missing)");
        let index = find("json.checks.0.ok");
        assert!(index.ends_with("(json.checks is a list: write json.checks[0])"), "{index}");
    }

    #[test]
    fn an_invalid_path_says_where_and_what_to_write() {
        insta::assert_snapshot!(find("checks[-1].ok"), @"
        error: `checks[-1].ok` is not a path
         --> c.yaml:1:7
          |
        1 | checks[-1].ok
          |       ^^^^^^^
          |
          = help: `$.checks[-1].ok` counts from the end
        ");
        insta::assert_snapshot!(find("checks[*].ok"), @"
        error: `checks[*].ok` is not a path
         --> c.yaml:1:7
          |
        1 | checks[*].ok
          |       ^^^^^^
          |
          = help: `$.checks[*].ok` gives all of them, as a list for `every` or `some`
        ");
        insta::assert_snapshot!(find("headers[x-rate.limit]"), @r#"
        error: `headers[x-rate.limit]` is not a path
         --> c.yaml:1:8
          |
        1 | headers[x-rate.limit]
          |        ^^^^^^^^^^^^^^ did you mean `["x-rate.limit"]`?
        "#);
        insta::assert_snapshot!(find("json.checks[0"), @"
        error: `json.checks[0` is not a path
         --> c.yaml:1:12
          |
        1 | json.checks[0
          |            ^^ this `[` is not closed
        ");
        insta::assert_snapshot!(find("json..ok"), @"
        error: `json..ok` is not a path
         --> c.yaml:1:5
          |
        1 | json..ok
          |     ^^^^
          |
          = help: `$.json..ok` looks at every depth
        ");
        insta::assert_snapshot!(find("json."), @"
        error: `json.` is not a path
         --> c.yaml:1:5
          |
        1 | json.
          |     ^ a name belongs behind this dot
        ");
        insta::assert_snapshot!(find("a b"), @r#"
        error: `a b` is not a path
         --> c.yaml:1:2
          |
        1 | a b
          |  ^^ a name with such characters is written `["…"]`
        "#);
        insta::assert_snapshot!(find("$.a[?@.b = 1]"), @"
        error: `$.a[?@.b = 1]` is not a JSONPath
         --> c.yaml:1:9
          |
        1 | $.a[?@.b = 1]
          |         ^^^^^ in long-hand segment, expected closing ']'
          |
          = help: see RFC 9535, such as `$.json.checks[?@.critical].ok`; without `$` a path is `json.checks[0].ok`
        ");
    }
}
