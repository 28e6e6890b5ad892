//! Filling `${…}` from outside. It happens on the tree: a value never changes the structure of the file.

use std::sync::Arc;

use crate::diagnostic::{Diagnostic, Span};

use super::{Filter, Node, Part, Reference, Scalar, Style, Template, Value};

/// Maximum length of a text: references to references could double it without end.
const MAX_TEXT: usize = 16 << 20;

/// The result of looking up a reference.
#[derive(Debug, Clone)]
pub enum Lookup {
    /// Its value. Any kind of node if the reference is the whole scalar; else it must be a scalar.
    Found(Node),
    /// It has no value, so the default is used; without one, the hole stays.
    Missing,
    /// It can't be known yet: the hole stays, with its default.
    Later,
    /// It can never have a value.
    Wrong(Box<Diagnostic>),
}

/// Fills every reference in the node that `lookup` knows. What cannot be filled stays a hole.
///
/// A reference that is the whole scalar, quoted or not, becomes what was found, a number or a list too. Problems are
/// `Lookup::Wrong` and a list or map in the middle of a text. What is taken from nodes that note what was written there
/// notes the same.
pub fn fill(node: &mut Node, lookup: &mut dyn FnMut(&Reference) -> Lookup, problems: &mut Vec<Diagnostic>) {
    Fill { lookup, problems, notes: false, as_written: false, is_noted: false }.node(node);
}

/// The same; each node that is filled notes what was written there.
pub fn fill_and_note(node: &mut Node, lookup: &mut dyn FnMut(&Reference) -> Lookup, problems: &mut Vec<Diagnostic>) {
    Fill { lookup, problems, notes: true, as_written: false, is_noted: false }.node(node);
}

struct Fill<'a> {
    lookup: &'a mut dyn FnMut(&Reference) -> Lookup,
    problems: &'a mut Vec<Diagnostic>,
    /// Whether to note what was written.
    notes: bool,
    /// Whether references are filled with what was written where they lead.
    as_written: bool,
    /// Whether anything that was found notes what was written there.
    is_noted: bool,
}

/// The result of filling a template, or a reference in it.
enum Outcome {
    /// It is known.
    Known(Value),
    /// It is not, or not all of it.
    Open(Vec<Part>),
    /// Something is wrong with it, and was reported.
    Refused,
}

impl Fill<'_> {
    /// Whether there was something to fill.
    fn node(&mut self, node: &mut Node) -> bool {
        let template = match &mut node.value {
            Value::Scalar(_) => return false,
            Value::List(elements) => return self.all(elements, |element| element),
            Value::Map(entries) => return self.all(entries, |(_, node)| node),
            Value::Unresolved(template) if template.is_refused() => return false,
            Value::Unresolved(template) => Arc::clone(template),
        };
        self.is_noted = false;
        node.value = match self.parts(&template.parts, template.style) {
            Outcome::Known(value) => value,
            Outcome::Open(parts) if parts == template.parts => return false,
            Outcome::Open(parts) => Value::Unresolved(Arc::new(Template { parts, style: template.style })),
            Outcome::Refused => Value::Unresolved(Arc::new(Template::refused())),
        };
        if node.written.is_none() && (self.notes || self.is_noted) {
            node.written = if self.notes { Some(template) } else { self.written(&template) };
        }
        true
    }

    /// The template with what was written where its references lead.
    fn written(&mut self, template: &Template) -> Option<Arc<Template>> {
        let before = self.problems.len();
        self.as_written = true;
        let outcome = self.parts(&template.parts, template.style);
        self.as_written = false;
        // They have been reported already.
        self.problems.truncate(before);
        match outcome {
            Outcome::Known(Value::Unresolved(written)) => Some(written),
            Outcome::Open(parts) => Some(Arc::new(Template { parts, style: template.style })),
            Outcome::Known(Value::Scalar(_) | Value::List(_) | Value::Map(_)) | Outcome::Refused => None,
        }
    }

    /// Values that are not shared are filled in place; of the others, those that change are copied.
    fn all<T: Clone>(&mut self, all: &mut Arc<[T]>, node: fn(&mut T) -> &mut Node) -> bool {
        if let Some(own) = Arc::get_mut(all) {
            return own.iter_mut().fold(false, |is_changed, one| self.node(node(one)) | is_changed);
        }
        let mut is_changed = false;
        for at in 0..all.len() {
            let mut one = all[at].clone();
            if self.node(node(&mut one)) {
                Arc::make_mut(all)[at] = one;
                is_changed = true;
            }
        }
        is_changed
    }

    fn parts(&mut self, parts: &[Part], style: Style) -> Outcome {
        if let [Part::Reference(reference)] = parts {
            return self.reference(reference, style);
        }
        let mut filled = Text::default();
        let mut is_refused = false;
        for part in parts {
            let reference = match part {
                Part::Text(text) => {
                    filled.push(text);
                    continue;
                }
                Part::Reference(reference) => reference,
            };
            match self.reference(reference, style) {
                Outcome::Known(Value::Scalar(scalar)) => filled.push(&scalar.text),
                Outcome::Known(Value::Unresolved(template)) if template.is_refused() => is_refused = true,
                Outcome::Known(Value::Unresolved(template)) => filled.extend(template.parts.clone()),
                Outcome::Known(Value::List(_)) => {
                    self.misfit(reference, "a list");
                    is_refused = true;
                }
                Outcome::Known(Value::Map(_)) => {
                    self.misfit(reference, "a map");
                    is_refused = true;
                }
                Outcome::Open(parts) => filled.extend(parts),
                Outcome::Refused => is_refused = true,
            }
            if filled.len > MAX_TEXT {
                self.problems.push(Diagnostic::error("the text grows beyond 16 MiB here").at(reference.span));
                is_refused = true;
            }
            if is_refused {
                return Outcome::Refused;
            }
        }
        filled.outcome(style)
    }

    fn misfit(&mut self, reference: &Reference, what: &str) {
        self.problems.push(
            Diagnostic::error(format!("`${{{}}}` is {what}, and can't be a part of a text", reference.path))
                .at(reference.span)
                .help("use it as the whole value, or refer to a text or number in it"),
        );
    }

    fn reference(&mut self, reference: &Reference, style: Style) -> Outcome {
        let mut found = (self.lookup)(reference);
        if let Lookup::Found(Node { value, written: Some(written), .. }) = &mut found {
            self.is_noted = true;
            if self.as_written {
                *value = Value::Unresolved(Arc::clone(written));
            }
        }
        match (found, &reference.default) {
            (Lookup::Found(node), Some(default)) if is_blank(&node) => self.default(default, style),
            (Lookup::Found(node), _) => self.filtered(node.value, reference),
            (Lookup::Missing, Some(default)) => self.default(default, style),
            (Lookup::Missing, None) => Outcome::Open(vec![Part::Reference(reference.clone())]),
            (Lookup::Later, default) => {
                let default = match default {
                    None => None,
                    Some(default) => match self.default(default, style) {
                        Outcome::Known(Value::Scalar(scalar)) => Some(vec![Part::Text(scalar.text.to_string())]),
                        // A list can't be kept in a template: it is looked up again.
                        Outcome::Known(Value::List(_) | Value::Map(_)) => Some(default.clone()),
                        Outcome::Known(Value::Unresolved(template)) if template.is_refused() => {
                            return Outcome::Refused;
                        }
                        Outcome::Known(Value::Unresolved(template)) => Some(template.parts.clone()),
                        Outcome::Open(parts) => Some(parts),
                        Outcome::Refused => return Outcome::Refused,
                    },
                };
                Outcome::Open(vec![Part::Reference(Reference { default, ..reference.clone() })])
            }
            (Lookup::Wrong(problem), _) => {
                self.problems.push(*problem);
                Outcome::Refused
            }
        }
    }

    /// The value behind the filters of a reference.
    fn filtered(&mut self, value: Value, reference: &Reference) -> Outcome {
        if reference.filters.is_empty() {
            return Outcome::Known(value);
        }
        match value {
            Value::Scalar(scalar) => {
                let filtered = |text: String, filter: &Filter| filter.apply(&text);
                Outcome::Known(text(&reference.filters.iter().fold(scalar.text.to_string(), filtered)))
            }
            Value::Unresolved(template) if template.is_refused() => Outcome::Refused,
            // A single other reference takes the filters along.
            Value::Unresolved(template) => match template.parts.as_slice() {
                [Part::Reference(inner)] => {
                    let filters = [&*inner.filters, &*reference.filters].concat();
                    Outcome::Open(vec![Part::Reference(Reference { filters, ..inner.clone() })])
                }
                _ => self.unfilterable(reference, "a text that is filled in later"),
            },
            Value::List(_) => self.unfilterable(reference, "a list"),
            Value::Map(_) => self.unfilterable(reference, "a map"),
        }
    }

    fn unfilterable(&mut self, reference: &Reference, what: &str) -> Outcome {
        let title = format!("a filter needs a text, and `{}` is {what}", reference.path);
        let help = "apply the filter where the value is defined";
        self.problems.push(Diagnostic::error(title).at(reference.span).help(help));
        Outcome::Refused
    }

    fn default(&mut self, default: &[Part], style: Style) -> Outcome {
        match default {
            [] => Outcome::Known(text("")),
            // As if it came from outside: `${env.N:-5}` may be a number.
            [Part::Text(words)] => Outcome::Known(text(words)),
            [..] => self.parts(default, style),
        }
    }
}

/// As in a shell, an empty text counts as missing.
fn is_blank(node: &Node) -> bool {
    node.is_null() || node.text() == Some("")
}

fn text(text: &str) -> Value {
    Value::Scalar(Scalar { text: text.into(), style: Style::Filled })
}

/// The parts of a template being built: adjacent texts are joined.
#[derive(Default)]
struct Text {
    parts: Vec<Part>,
    len: usize,
}

impl Text {
    fn push(&mut self, text: &str) {
        self.len += text.len();
        match self.parts.last_mut() {
            _ if text.is_empty() => {}
            Some(Part::Text(last)) => last.push_str(text),
            Some(Part::Reference(_)) | None => self.parts.push(Part::Text(text.to_owned())),
        }
    }

    fn extend(&mut self, parts: Vec<Part>) {
        for part in parts {
            match part {
                Part::Text(text) => self.push(&text),
                Part::Reference(_) => {
                    // However short: a million references are too large, too.
                    self.len += 64;
                    self.parts.push(part);
                }
            }
        }
    }

    fn outcome(self, style: Style) -> Outcome {
        let style = match style {
            Style::Plain | Style::Filled => Style::Filled,
            Style::Quoted => Style::Quoted,
        };
        match self.parts.as_slice() {
            [] => Outcome::Known(Value::Scalar(Scalar { text: "".into(), style })),
            [Part::Text(text)] => Outcome::Known(Value::Scalar(Scalar { text: text.as_str().into(), style })),
            [..] => Outcome::Open(self.parts),
        }
    }
}

/// A tree for a JSON value, all at this place.
pub(super) fn from_json(value: &serde_json::Value, span: Span) -> Node {
    let plain = |text: String| Value::Scalar(Scalar { text: text.into(), style: Style::Plain });
    let value = match value {
        serde_json::Value::Null => plain("null".to_owned()),
        serde_json::Value::Bool(bool) => plain(bool.to_string()),
        serde_json::Value::Number(number) => plain(number.to_string()),
        serde_json::Value::String(words) => text(words),
        serde_json::Value::Array(elements) => {
            Value::List(elements.iter().map(|value| from_json(value, span)).collect())
        }
        serde_json::Value::Object(entries) => Value::Map(
            entries
                .iter()
                .map(|(key, value)| (super::Key { span, text: key.as_str().into() }, from_json(value, span)))
                .collect(),
        ),
    };
    Node::new(span, value)
}
