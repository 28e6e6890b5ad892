//! Arguments of operators, parsed and checked against the type of the value.

use std::sync::Arc;

use regex::Regex;
use semver::VersionReq;
use serde_json::Value;

use crate::diagnostic::{Diagnostic, Span, closest, expected};
use crate::yaml::{self, Duration, Node, Scalar, Style};

use super::expected::Expected;
use super::matcher::{Limit, Relation};
use super::path::{JSON, within};
use super::shape::{Kind, MissingField, Shape};
use super::words::{SHORT, quoted};

/// The value that is matched: the one at a path, or a part of it.
#[derive(Debug, Clone)]
pub struct Target<'a> {
    /// The path.
    pub path: &'a str,
    /// The part: empty, `an element of `, `the length of `.
    pub part: &'static str,
    /// Its possible types.
    pub shape: Shape<'a>,
    /// Whether it may contain values that were only known in this run: two contradictory ones are then not a mistake in
    /// the checklist, and one of them fails.
    pub is_filled: bool,
}

impl Target<'_> {
    /// As messages name it.
    pub fn words(&self) -> String {
        format!("{}`{}`", self.part, self.path)
    }

    /// The problem of a matcher that can never hold.
    pub fn never(&self, what: &str, span: Span) -> Diagnostic {
        self.never_being(what, &format!("it is {}", self.shape.words()), span)
    }

    /// The problem of a matcher for a number outside the range of the value.
    fn never_within(&self, what: &str, span: Span) -> Diagnostic {
        self.never_being(what, &format!("it is {}", self.shape.words_with_range()), span)
    }

    /// The problem of a matcher for a value of a kind that it never has.
    fn never_of(&self, what: &str, kind: Kind, span: Span) -> Diagnostic {
        self.never_being(what, &format!("it is {}, not {}", self.shape.words(), kind.word()), span)
    }

    fn never_being(&self, what: &str, label: &str, span: Span) -> Diagnostic {
        let title = format!("{} can never {what}", self.words());
        let problem = Diagnostic::error(title).at(span).label(label);
        // `$.status`, meant as a field of the body.
        let is_of_whole = self.path.starts_with('$') && self.part.is_empty() && self.shape.is_of_json();
        let below = self.path.trim_start_matches(['$', '.']);
        problem
            .maybe_help(is_of_whole.then(|| {
                format!("`$` is the whole observation; what was read as JSON begins at `$.{JSON}`: `$.{JSON}.{below}`")
            }))
            .maybe_help(self.shape.is_list().then(|| "use `every`, `some` or `contains` for its elements".to_owned()))
    }
}

/// A value to be equal to.
pub fn value(node: &Node, target: &Target, problems: &mut Vec<Diagnostic>) -> Option<Expected> {
    match &node.value {
        yaml::Value::Unresolved(_) => None,
        yaml::Value::Scalar(scalar) => scalar_value(node.span, scalar, target, problems),
        yaml::Value::List(elements) => {
            if !target.shape.may_be(Kind::List) {
                let choices = choices(elements, &target.shape).map(|choices| {
                    let path = if target.part.is_empty() { format!("{}: ", target.path) } else { String::new() };
                    format!("for any one of these write `{path}{{ one_of: [{choices}] }}`")
                });
                problems.push(target.never_of("be a list", Kind::List, node.span).maybe_help(choices));
                return None;
            }
            let read = |(at, element): (usize, &Node)| {
                let shape = target.shape.element(i64::try_from(at).ok())?;
                value(element, &Target { shape, part: "an element of ", ..*target }, problems)
            };
            // All of them, not only up to the first problem: every problem is reported at once.
            let read: Vec<Option<Expected>> = elements.iter().enumerate().map(read).collect();
            Some(Expected::List(read.into_iter().collect::<Option<_>>()?))
        }
        yaml::Value::Map(entries) => {
            if !target.shape.may_be(Kind::Map) {
                problems.push(target.never_of("be a map", Kind::Map, node.span));
                return None;
            }
            let read = |(key, node): &(yaml::Key, Node)| match target.shape.field(&key.text) {
                Ok(shape) => {
                    let read = value(node, &Target { shape, part: "a field of ", ..*target }, problems);
                    Some((key.text.to_string(), read?))
                }
                Err(barren) => {
                    problems.push(no_field(&key.text, &key.text, key.span, &barren, &target.shape));
                    None
                }
            };
            let read: Vec<Option<(String, Expected)>> = entries.iter().map(read).collect();
            Some(Expected::Map(read.into_iter().collect::<Option<_>>()?))
        }
    }
}

/// The elements of a list, if each may be the value itself.
fn choices(elements: &[Node], shape: &Shape) -> Option<String> {
    let scalar = |node: &Node| match &node.value {
        yaml::Value::Scalar(scalar) if shape.accepts(&scalar.to_json()) => Some(match scalar.style {
            Style::Plain => scalar.text.to_string(),
            Style::Quoted | Style::Filled => quoted(&scalar.text, SHORT),
        }),
        yaml::Value::Scalar(_) | yaml::Value::List(_) | yaml::Value::Map(_) | yaml::Value::Unresolved(_) => None,
    };
    let all: Option<Vec<String>> = elements.iter().map(scalar).collect();
    all.filter(|all| (2..=8).contains(&all.len())).map(|all| all.join(", "))
}

fn scalar_value(span: Span, scalar: &Scalar, target: &Target, problems: &mut Vec<Diagnostic>) -> Option<Expected> {
    if scalar.style == Style::Plain && is_not_a_json_number(&scalar.text) {
        let problem = Diagnostic::error(format!("nothing equals `{}`", scalar.text)).at(span);
        problems.push(problem.help("JSON has no such number; for bounds, use `at_least`, `below`, …"));
        return None;
    }
    if looks_like_commit(scalar, target) {
        let problem = Diagnostic::error(format!("`{}` is a number without quotes, not a commit", scalar.text)).at(span);
        problems.push(problem.help(format!("quote it: `\"{}\"`", scalar.text)));
        return None;
    }
    let expected = Expected::scalar(scalar);
    let is_possible = match (&expected, scalar.style) {
        (Expected::Exactly(value), _) | (Expected::Spelt(_, Some(value)), Style::Plain) => target.shape.accepts(value),
        (Expected::Spelt(text, spelt), _) => {
            target.shape.accepts(&Value::from(text.as_str()))
                || spelt.as_ref().is_some_and(|spelt| target.shape.accepts(spelt))
        }
        (Expected::List(_) | Expected::Map(_), _) => true,
    };
    if is_possible {
        return Some(expected);
    }
    let text = Value::from(&*scalar.text);
    let bare = Scalar { text: scalar.text.clone(), style: Style::Plain }.to_json();
    let shown = match scalar.style {
        Style::Plain => Arc::clone(&scalar.text),
        Style::Quoted | Style::Filled => quoted(&scalar.text, SHORT).into(),
    };
    let help = if scalar.style == Style::Quoted && target.shape.accepts(&bare) {
        Some(format!("drop the quotes: `{}`", scalar.text))
    } else if scalar.style == Style::Plain && !scalar.text.is_empty() && target.shape.accepts(&text) {
        Some(format!("put it in quotes: `\"{}\"`", scalar.text))
    } else {
        let truth = match &*scalar.text {
            "yes" | "on" if target.shape.accepts(&Value::from(true)) => Some("true"),
            "no" | "off" if target.shape.accepts(&Value::from(false)) => Some("false"),
            text => closest(text, target.shape.choices()),
        };
        let bound = || bounds_in(&scalar.text).filter(|_| target.shape.may_be(Kind::Number));
        truth
            .map(|choice| format!("did you mean `{choice}`?"))
            .or_else(|| bound().map(|bound| format!("write `{}: {bound}`", target.path)))
    };
    let is_null = expected == Expected::Exactly(Value::Null);
    let what = if is_null { "be null".to_owned() } else { format!("be `{shown}`") };
    let kind = match (&expected, scalar.style) {
        (Expected::Exactly(value), _) | (Expected::Spelt(_, Some(value)), Style::Plain) => Kind::of(value),
        _ => Kind::Text,
    };
    let problem = match kind {
        kind if !target.shape.may_be(kind) && !is_null => target.never_of(&what, kind, span),
        Kind::Number => target.never_within(&what, span),
        _ => target.never(&what, span),
    };
    problems.push(problem.maybe_help(help));
    None
}

/// The bounds that a text such as `< 300` or `2xx` means, as a matcher.
pub fn bounds_in(text: &str) -> Option<String> {
    if let Some(class @ '1'..='9') = text.chars().next()
        && text[1..].eq_ignore_ascii_case("xx")
    {
        let next = u32::from(class) - u32::from('0') + 1;
        return Some(format!("{{ at_least: {class}00, below: {next}00 }}"));
    }
    let signs = [(">=", "at_least"), ("<=", "at_most"), (">", "above"), ("<", "below")];
    let (rest, operator) = signs.iter().find_map(|(sign, name)| Some((text.strip_prefix(sign)?.trim(), name)))?;
    rest.parse::<f64>().ok().map(|_| format!("{{ {operator}: {rest} }}"))
}

/// The problem of a field that does not exist. `rest` is the path from it on.
pub fn no_field(name: &str, rest: &str, span: Span, barren: &MissingField, shape: &Shape) -> Diagnostic {
    let problem = Diagnostic::error(format!("unknown field `{name}`")).at(span);
    match barren {
        MissingField::Other => {
            let json = (shape.is_of_json() && shape.may_be(Kind::Text))
                .then(|| format!("what was read as JSON is `{JSON}`: write `{JSON}.{rest}`"));
            problem.label(format!("{} has no fields", shape.words())).maybe_help(json)
        }
        MissingField::Fields(fields) if closest(name, fields.iter().copied()).is_some() => {
            problem.suggest(name, fields.iter().copied(), "")
        }
        MissingField::Fields(fields) => {
            let holders = if shape.is_whole() { shape.holders(rest) } else { Vec::new() };
            let answer = (!holders.is_empty()).then(|| format!("in the answer it may be `{}`", holders.join("` or `")));
            problem.help(expected(fields)).maybe_help(answer)
        }
    }
}

/// Text that is not empty.
pub fn text(operator: &str, node: &Node, problems: &mut Vec<Diagnostic>) -> Option<String> {
    match &node.value {
        yaml::Value::Unresolved(_) => None,
        yaml::Value::Scalar(scalar) if scalar.text.is_empty() => {
            problems.push(empty(operator, node.span));
            None
        }
        yaml::Value::Scalar(scalar) => Some(scalar.text.to_string()),
        yaml::Value::List(_) | yaml::Value::Map(_) => {
            problems.push(wants(operator, "text", node));
            None
        }
    }
}

/// The problem of an operator whose argument makes it always true.
pub fn empty(operator: &str, span: Span) -> Diagnostic {
    Diagnostic::error(format!("an empty `{operator}` asserts nothing")).at(span)
}

/// The problem of an operator with an argument of the wrong type.
pub fn wants(operator: &str, what: &str, node: &Node) -> Diagnostic {
    Diagnostic::error(format!("`{operator}` needs {what}, not {}", node.kind())).at(node.span)
}

/// A number or a time to compare with.
pub fn limit(
    operator: &str,
    relation: Relation,
    node: &Node,
    target: &Target,
    problems: &mut Vec<Diagnostic>,
) -> Option<Limit> {
    let what = "a number or an RFC 3339 timestamp";
    let scalar = match &node.value {
        yaml::Value::Unresolved(_) => return None,
        yaml::Value::Scalar(scalar) => scalar,
        yaml::Value::List(_) | yaml::Value::Map(_) => {
            problems.push(wants(operator, what, node));
            return None;
        }
    };
    let bare = Scalar { text: scalar.text.clone(), style: Style::Plain }.to_json();
    let limit = match (bare, scalar.style) {
        (Value::Number(number), Style::Plain | Style::Filled) => Some(Limit::Number(number)),
        _ => scalar.text.parse().ok().map(Limit::Time),
    };
    let can_hold = match &limit {
        Some(Limit::Number(number)) => number.as_f64().is_some_and(|number| {
            let (least, most) = target.shape.bounds();
            target.shape.may_be(Kind::Number)
                && match relation {
                    Relation::AtLeast => most >= number,
                    Relation::AtMost => least <= number,
                    Relation::Above => most > number,
                    Relation::Below => least < number,
                }
        }),
        Some(Limit::Time(_)) => target.shape.may_be(Kind::Text),
        None => {
            let is_quoted_number = scalar.style == Style::Quoted && scalar.text.parse::<f64>().is_ok();
            let help = is_quoted_number.then(|| format!("drop the quotes: `{}`", scalar.text));
            problems.push(wants(operator, what, node).maybe_help(help));
            return None;
        }
    };
    if !can_hold {
        let what = format!("be {} `{}`", operator.replace('_', " "), scalar.text);
        let kind = if matches!(limit, Some(Limit::Time(_))) { Kind::Text } else { Kind::Number };
        problems.push(match target.shape.may_be(kind) {
            true => target.never_within(&what, node.span),
            false if kind == Kind::Text => target.never(&what, node.span),
            false => target.never_of(&what, kind, node.span),
        });
        return None;
    }
    limit
}

/// A regular expression.
pub fn regex(node: &Node, problems: &mut Vec<Diagnostic>) -> Option<Regex> {
    let pattern = text("matches", node, problems)?;
    let problem = match Regex::new(&pattern) {
        Ok(regex) => return Some(regex),
        Err(regex::Error::CompiledTooBig(_)) => Diagnostic::error("the regular expression is too large").at(node.span),
        Err(_) => {
            let (why, at) = match regex_syntax::parse(&pattern) {
                Err(regex_syntax::Error::Parse(error)) => (error.kind().to_string(), Some(*error.span())),
                Err(regex_syntax::Error::Translate(error)) => (error.kind().to_string(), Some(*error.span())),
                Err(_) | Ok(_) => ("it can't be read".to_owned(), None),
            };
            let part = at.map_or(0..pattern.len(), |at| at.start.offset..at.end.offset);
            Diagnostic::error(format!("`{pattern}` is not a regular expression"))
                .at(within(node.span, &pattern, part))
                .label(why)
        }
    };
    problems.push(problem);
    None
}

/// Maximum age.
pub fn age(node: &Node, problems: &mut Vec<Diagnostic>) -> Option<Duration> {
    match text("newer_than", node, problems)?.parse() {
        Ok(age) => Some(age),
        Err(why) => {
            problems.push(Diagnostic::error(why).at(node.span));
            None
        }
    }
}

/// A range of versions.
pub fn range(node: &Node, problems: &mut Vec<Diagnostic>) -> Option<VersionReq> {
    let text = text("version", node, problems)?;
    let bare = text.trim();
    match VersionReq::parse(bare.strip_prefix(['v', 'V']).unwrap_or(bare)) {
        Ok(range) if !range.comparators.is_empty() => Some(range),
        Ok(_) => {
            problems.push(Diagnostic::error("`*` matches any version, so it asserts nothing").at(node.span));
            None
        }
        Err(_) => {
            let problem = Diagnostic::error(format!("`{text}` is not a range of versions")).at(node.span);
            problems.push(problem.help("a range is written `>=1.2, <2`, `^1.2`, `~1.2.3`, `=1.2.3`"));
            None
        }
    }
}

/// Whether a number without quotes is probably meant as a commit: `72225e2`, which is a float in YAML, wherever text is
/// possible, and `7222500` where the path is about a commit.
fn looks_like_commit(scalar: &Scalar, target: &Target) -> bool {
    let text = &*scalar.text;
    let is_digit = |c: char| c.is_ascii_digit();
    let is_number = scalar.style == Style::Plain && scalar.to_json().is_number() && (7..=40).contains(&text.len());
    let is_float = text.split_once('e').is_some_and(|(one, other)| one.chars().chain(other.chars()).all(is_digit));
    let path = target.path.to_ascii_lowercase();
    let is_commit = ["commit", "sha", "revision"].iter().any(|word| path.contains(word));
    let is_hexadecimal = is_float || is_commit && text.chars().all(is_digit);
    is_number && is_hexadecimal && target.shape.accepts(&Value::from(text))
}

fn is_not_a_json_number(text: &str) -> bool {
    let bare = text.strip_prefix(['+', '-']).unwrap_or(text);
    matches!(bare, ".nan" | ".NaN" | ".NAN" | ".inf" | ".Inf" | ".INF")
}
