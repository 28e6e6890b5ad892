//! Keys that are probably misspelled, and what was meant: so what is below them can be checked as well.

use std::collections::HashMap;

use crate::diagnostic::{Diagnostic, Diagnostics, Span, has_other_form};
use crate::yaml::{Key, Node, Value};

/// The keys of a checklist that are replaced, by their place.
#[derive(Debug, Default)]
pub struct Meant(HashMap<Span, String>);

impl Meant {
    /// Takes up the keys for which these problems suggest another. Returns the problems of those that were new.
    pub fn add(&mut self, problems: &Diagnostics) -> Vec<Diagnostic> {
        let mut new = Vec::new();
        for problem in &problems.0 {
            // Other files may have other numbers when the checklist is read again.
            let (Some(meant), Some(span)) = (problem.meant(), problem.span().filter(|span| span.file == 0)) else {
                continue;
            };
            if self.0.insert(span, meant.to_owned()).is_none() {
                new.push(problem.clone().alone());
            }
        }
        new
    }

    /// The tree with these keys. Where there is one already, or its value has another form, the key stays as it is.
    pub fn corrected(&self, node: Node) -> Node {
        if self.0.is_empty() {
            return node;
        }
        let value = match &node.value {
            Value::Scalar(_) | Value::Unresolved(_) => return node,
            Value::List(elements) => Value::List(elements.iter().map(|node| self.corrected(node.clone())).collect()),
            Value::Map(entries) => {
                let mut corrected: Vec<(Key, Node)> = Vec::with_capacity(entries.len());
                for (key, below) in entries.iter() {
                    let is_free = |meant: &&String| {
                        let is_taken = |(other, _): &(Key, Node)| *other.text == ***meant;
                        !entries.iter().chain(&corrected).any(is_taken) && !has_other_form(&key.text, meant)
                    };
                    let text = self.0.get(&key.span).filter(is_free).map(|meant| meant.as_str().into());
                    let key = Key { text: text.unwrap_or_else(|| key.text.clone()), span: key.span };
                    corrected.push((key, self.corrected(below.clone())));
                }
                Value::Map(corrected.into())
            }
        };
        Node { value, ..node }
    }
}
