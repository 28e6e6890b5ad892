//! Filling what is known only during the run: secrets, and what was seen before.

use std::collections::HashMap;
use std::sync::Arc;

use serde_json::Value;

use crate::checklist::head;
use crate::expect;
use crate::yaml::{Lookup, Node, Reference, fill};

use super::secrets::Secrets;

/// How the words for a missing variable of the environment end.
pub const NOT_SET: &str = " is not set";
/// And for one with nothing in it.
pub const EMPTY: &str = " is empty";

/// What was seen under a name: the observation, or nothing where it was not green.
pub type Seen = Option<Arc<Value>>;

/// What references mean to the probes of one item.
#[derive(Debug, Default)]
pub struct Scope {
    /// What the probes before saw, by alias.
    pub aliases: HashMap<String, Seen>,
    /// What other items saw, by `ID.ALIAS`.
    pub items: HashMap<String, Seen>,
}

impl Scope {
    /// The node with nothing left to fill.
    ///
    /// # Errors
    /// What is missing, in words.
    pub fn fill(&self, node: &Node, secrets: &Secrets) -> Result<Node, String> {
        let mut missing: Option<String> = None;
        let mut problems = Vec::new();
        let mut lookup = |reference: &Reference| match self.value(reference, secrets) {
            Ok(found) => Lookup::Found(found),
            Err(why) => {
                if reference.default.is_none() {
                    missing.get_or_insert(why);
                }
                Lookup::Missing
            }
        };
        let mut filled = node.clone();
        fill(&mut filled, &mut lookup, &mut problems);
        if let Some(problem) = problems.first() {
            return Err(problem.title().to_owned());
        }
        match missing {
            Some(why) => Err(why),
            None if filled.has_holes() => Err("not everything that it refers to is known".to_owned()),
            None => Ok(filled),
        }
    }

    fn value(&self, reference: &Reference, secrets: &Secrets) -> Result<Node, String> {
        let (first, rest) = head(&reference.path);
        match first {
            "env" => Err(format!("{rest}{NOT_SET}")),
            "secrets" => Ok(Node::from_json(&Value::from(secrets.get(rest)?), reference.span)),
            "items" => {
                let (item, rest) = rest.split_once('.').unwrap_or((rest, ""));
                let (alias, path) = head(rest);
                let name = format!("{item}.{alias}");
                taken(&name, self.items.get(&name), path, reference)
            }
            alias => taken(alias, self.aliases.get(alias), rest, reference),
        }
    }
}

fn taken(name: &str, seen: Option<&Seen>, path: &str, reference: &Reference) -> Result<Node, String> {
    let Some(seen) = seen.and_then(Option::as_ref) else { return Err(format!("`{name}` is not green")) };
    let value = expect::take(path, seen).map_err(|why| format!("in what `{name}` saw, {why}"))?;
    Ok(Node::from_json(&value, reference.span))
}
