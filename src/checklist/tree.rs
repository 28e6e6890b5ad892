//! From the text of a checklist to one tree: with its bases, an item for each element of its lists, and variables
//! filled in.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use sha2::{Digest, Sha256};

use crate::diagnostic::{Diagnostic, Sources, Span};
use crate::env::Env;
use crate::yaml::{self, Key, Node, Scalar, Style, Value};

use super::Found;
use super::each::{Repeated, repeated};
use super::extend::extended;
use super::meant::Meant;
use super::scope::Scope;

/// A checklist as a tree.
#[derive(Debug, Default)]
pub struct Tree {
    /// The tree, with all known values filled in. None if it can't be read.
    pub root: Option<Node>,
    /// The files of its bases, as spans name them.
    pub bases: Vec<u32>,
    /// The element that an item was made from, by the item's id.
    pub elements: HashMap<String, Span>,
    /// The ids of items whose list can't be read.
    pub unread: Vec<String>,
}

/// Reads a checklist whose text is the source `file`, with the keys that were meant.
pub fn tree(
    found: &Found,
    (file, meant): (u32, &Meant),
    given: &[(Key, Node)],
    env: &Env,
    sources: &mut Sources,
    problems: &mut Vec<Diagnostic>,
) -> Tree {
    let Some(root) = yaml::parse(sources, file, problems) else { return Tree::default() };
    let root = meant.corrected(root);
    let extended = extended(root, file, found, &env.cwd, sources, problems);
    let bases = extended.bases;
    let Some(root) = extended.root else { return Tree { bases, ..Tree::default() } };
    let head = root.only(&["vars", "secrets"]);
    let scope = || Scope::new(&head, given, env).of_base(found.is_base());
    let Repeated { root, elements, unread } = repeated(root, &mut scope(), found.is_base(), problems);
    let root = filled(root, scope(), problems);
    let root = if found.is_base() { completed(root) } else { root };
    Tree { root: Some(root), bases, elements, unread }
}

/// The tree with all known values filled in. `vars` stays as it is: its problems are reported by the scope.
fn filled(mut root: Node, mut scope: Scope, problems: &mut Vec<Diagnostic>) -> Node {
    if let Value::Map(entries) = &mut root.value {
        for (_, node) in Arc::make_mut(entries).iter_mut().filter(|(key, _)| &*key.text != "vars") {
            scope.fill(node, problems);
        }
    }
    problems.extend(scope.problems());
    root
}

/// SHA-256 of the file and its bases, in hexadecimal.
pub fn digest(sources: &Sources, file: u32, bases: &[u32]) -> String {
    let mut digest = Sha256::new();
    digest.update(&sources.get(file).text);
    // Each as its digest: moving text from one file to another changes the result.
    bases.iter().for_each(|base| digest.update(Sha256::digest(&sources.get(*base).text)));
    hex::encode(digest.finalize())
}

/// Keeps the first of the problems that the items made from one list share.
pub fn once_for_each_list(problems: &mut Vec<Diagnostic>) {
    let mut seen = HashSet::new();
    problems.retain(|problem| seen.insert((problem.title().to_owned(), problem.span())));
}

/// A base with what checklists that extend it may add.
fn completed(root: Node) -> Node {
    let Value::Map(entries) = &root.value else { return root };
    let mut entries = entries.to_vec();
    let empty = [
        ("title", Value::Scalar(Scalar { text: "".into(), style: Style::Quoted })),
        ("sections", Value::List(Arc::from([]))),
    ];
    for (key, value) in empty {
        if root.get(key).is_none() {
            let node = Node::new(root.span, value);
            entries.push((Key { span: root.span, text: key.into() }, node));
        }
    }
    Node::new(root.span, Value::Map(entries.into()))
}
