//! Fills in values that are known only during the run: secrets and earlier observations.

use std::collections::HashMap;
use std::sync::Arc;

use serde_json::Value;

use crate::checklist::{head, split_reference};
use crate::diagnostic::Span;
use crate::expect;
use crate::run::Missing;
use crate::yaml::{Lookup, Node, Reference, fill};

use super::secrets::Secrets;

/// The observation under a name, or None if the probe was not green.
pub type Seen = Option<Arc<Value>>;

/// The values of references in the probes of one item.
#[derive(Debug, Default)]
pub struct Scope {
    /// Whether aliases are those of a cleanup, which may use what is red.
    pub is_cleanup: bool,
    /// The observations of earlier probes, by alias.
    pub aliases: HashMap<String, Seen>,
    /// The observations of other items, by `ID.ALIAS`.
    pub items: HashMap<String, Seen>,
}

/// The values that a node lacks, and where the first is referred to.
#[derive(Debug)]
pub struct Lacking {
    /// All that is missing.
    pub missing: Missing,
    /// The place of the reference, which may be in a variable.
    pub span: Span,
}

impl Lacking {
    /// Both, at the place of the one that can be set.
    pub fn and(self, other: Self) -> Self {
        let span = if other.missing.is_unset() && !self.missing.is_unset() { other.span } else { self.span };
        Self { missing: self.missing.and(other.missing), span }
    }
}

impl Scope {
    /// The node with everything filled in.
    ///
    /// # Errors
    /// Everything that is missing.
    pub fn fill(&self, node: &Node, secrets: &Secrets) -> Result<Node, Lacking> {
        let filled = self.filled(node, secrets, |_| true)?;
        if filled.has_holes() { Err(Lacking { missing: Missing::Unknown, span: node.span }) } else { Ok(filled) }
    }

    /// Checks that every reference in the node has a value, except those to probes of this item.
    ///
    /// # Errors
    /// Everything that is missing.
    pub fn has_inputs(&self, node: &Node, secrets: &Secrets) -> Result<(), Lacking> {
        let is_input = |reference: &Reference| matches!(head(&reference.path).0, "env" | "secrets" | "items");
        self.filled(node, secrets, is_input).map(drop)
    }

    fn filled(&self, node: &Node, secrets: &Secrets, is_known: impl Fn(&Reference) -> bool) -> Result<Node, Lacking> {
        let mut lacking = Vec::new();
        let mut problems = Vec::new();
        let mut lookup = |reference: &Reference| match self.value(reference, secrets) {
            _ if !is_known(reference) => Lookup::Later,
            Ok(found) => Lookup::Found(found),
            Err(why) => {
                if reference.default.is_none() {
                    lacking.push(Lacking { missing: why, span: reference.span });
                }
                Lookup::Missing
            }
        };
        let mut filled = node.clone();
        fill(&mut filled, &mut lookup, &mut problems);
        if let Some(problem) = problems.first() {
            return Err(Lacking { missing: Missing::Misfit(problem.title().to_owned()), span: node.span });
        }
        lacking.into_iter().reduce(Lacking::and).map_or(Ok(filled), Err)
    }

    fn value(&self, reference: &Reference, secrets: &Secrets) -> Result<Node, Missing> {
        let (first, rest) = head(&reference.path);
        match first {
            "env" => Err(Missing::Unset(rest.to_owned())),
            "secrets" => Ok(Node::from_json(&Value::from(secrets.get(rest)?), reference.span)),
            "items" => {
                let is_item =
                    |id: &str| self.items.keys().any(|name| name.rsplit_once('.').is_some_and(|(item, _)| item == id));
                let (item, alias, path) = split_reference(rest, is_item).unwrap_or((rest, "", ""));
                let name = format!("{item}.{alias}");
                taken(&name, self.items.get(&name), path, reference)
            }
            alias => taken(alias, self.aliases.get(alias), rest, reference).map_err(|why| match why {
                Missing::NotGreen(name) if self.is_cleanup => Missing::NotSeen(name),
                why => why,
            }),
        }
    }
}

fn taken(name: &str, seen: Option<&Seen>, path: &str, reference: &Reference) -> Result<Node, Missing> {
    let Some(seen) = seen.and_then(Option::as_ref) else { return Err(Missing::NotGreen(name.to_owned())) };
    let value = expect::take(path, seen).map_err(|why| Missing::NotObserved(name.to_owned(), why))?;
    Ok(Node::from_json(&value, reference.span))
}
