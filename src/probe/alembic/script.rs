//! One revision file: what it says about itself, read without running it.

use std::borrow::Cow;
use std::collections::BTreeMap;

use tree_sitter::{Node, Parser, Tree};

use super::literal::{Value, value};
use super::syntax::{children, line, nodes};
use crate::probe::Fault;

/// The variables of a revision file that place it in the history.
const NAMES: [&str; 4] = ["revision", "down_revision", "depends_on", "branch_labels"];

/// The identifiers in a revision file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Revision {
    /// Its id.
    pub id: String,
    /// The ids that it follows: none for a base, several for a merge.
    pub down: Vec<String>,
    /// The ids or labels of other branches that must be applied before it.
    pub depends_on: Vec<String>,
    /// The names that it gives to its branch.
    pub labels: Vec<String>,
    /// The file, as it may be shown.
    pub file: String,
}

/// The last value of a variable.
#[derive(Debug)]
enum Bound {
    /// A literal.
    To(Value),
    /// A value that is known only when the file runs, on this line.
    Unknown(usize),
}

/// Reads the revision in the file of this name.
///
/// # Errors
/// When that is not known without running it, or when alembic would refuse it.
pub fn read(file: &str, source: &[u8]) -> Result<Revision, Fault> {
    let source = source.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(source);
    let tree = parse(source);
    if let Some(line) = first_error(tree.root_node()) {
        return Err(undetermined(file, "revision", &format!("line {line} is not valid Python")));
    }
    let mut bound = Bindings { source, map: BTreeMap::new() };
    bound.module(tree.root_node());

    let id = match bound.texts(file, "revision")? {
        Some(Value::Text(id)) => id,
        Some(_) => return Err(Fault::new(format!("`revision` in `{file}` is not a string"))),
        None => legacy_id(file).ok_or_else(|| {
            Fault::new(format!("`{file}` sets no `revision`, and alembic refuses such a file"))
                .help("only revision files belong in this folder: move it out")
        })?,
    };
    if let Some(illegal) = id.chars().find(|c| "@-+:".contains(*c)) {
        return Err(Fault::new(format!("`{illegal}` is not allowed in the revision id `{id}` in `{file}`")));
    }
    let Some(down) = bound.texts(file, "down_revision")? else {
        return Err(Fault::new(format!("`{file}` sets no `down_revision`, and alembic refuses such a file"))
            .help("a first revision says `down_revision = None`"));
    };
    let others = |value: Option<Value>| value.map(Value::into_list).unwrap_or_default();
    Ok(Revision {
        id,
        down: down.into_list(),
        depends_on: others(bound.texts(file, "depends_on")?),
        labels: others(bound.texts(file, "branch_labels")?),
        file: file.to_owned(),
    })
}

fn parse(source: &[u8]) -> Tree {
    let mut parser = Parser::new();
    parser.set_language(&tree_sitter_python::LANGUAGE.into()).expect("the grammar is built for this parser");
    parser.parse(source, None).expect("a language is set and nothing cancels it")
}

/// The line of the first syntax error.
fn first_error(root: Node) -> Option<usize> {
    let error = || nodes(root).find(|node| node.is_error() || node.is_missing());
    root.has_error().then(|| line(error().unwrap_or(root)))
}

/// Before alembic 0.2 the file's name was the id.
fn legacy_id(file: &str) -> Option<String> {
    let stem = file.rsplit(['/', '\\']).next()?.strip_suffix(".py")?;
    let is_hex = !stem.is_empty() && stem.bytes().all(|byte| matches!(byte, b'a'..=b'f' | b'0'..=b'9'));
    is_hex.then(|| stem.to_owned())
}

fn undetermined(file: &str, name: &str, why: &str) -> Fault {
    Fault::new(format!("cannot determine `{name}` of `{file}`: {why}"))
        .help("write it as a literal, or use `heads: command`, which runs alembic")
}

/// The value of each variable after the file has run from top to bottom.
struct Bindings<'a> {
    source: &'a [u8],
    map: BTreeMap<&'static str, Bound>,
}

impl<'a> Bindings<'a> {
    /// The value of the variable, if the file sets it.
    fn texts(&mut self, file: &str, name: &'static str) -> Result<Option<Value>, Fault> {
        match self.map.remove(name) {
            None => Ok(None),
            Some(Bound::To(value)) => Ok(Some(value)),
            Some(Bound::Unknown(line)) => Err(undetermined(
                file,
                name,
                &format!("line {line} sets it to a value that is known only when the file runs"),
            )),
        }
    }

    fn module(&mut self, module: Node) {
        let mut cursor = module.walk();
        for statement in module.named_children(&mut cursor) {
            let only = (statement.kind() == "expression_statement").then(|| statement.named_child(0)).flatten();
            match only.filter(|node| node.kind() == "assignment") {
                Some(assignment) => self.assignment(assignment),
                None => self.anywhere(statement, Role::Used),
            }
        }
        // A function that says `global revision` may have been called.
        for statement in nodes(module).filter(|node| node.kind() == "global_statement") {
            for (_, child) in children(statement) {
                self.bind_unknown(child);
            }
        }
    }

    /// `name = literal`, `name: Type = literal`, `one = other = literal`.
    fn assignment(&mut self, assignment: Node) {
        let mut names = Vec::new();
        let mut right = Some(assignment);
        while let Some(node) = right.filter(|node| node.kind() == "assignment") {
            right = node.child_by_field_name("right");
            let Some(left) = node.child_by_field_name("left") else { continue };
            match self.name(left) {
                Some(name) => names.push(name),
                None if right.is_some() => self.anywhere(left, Role::Bound),
                None => {}
            }
        }
        // `name: Type` alone binds nothing.
        let Some(right) = right else { return };
        self.anywhere(right, Role::Used);
        for name in names {
            let bound = value(right, self.source).map_or(Bound::Unknown(line(assignment)), Bound::To);
            self.map.insert(name, bound);
        }
    }

    /// Everything below `start` that binds one of the names in a way that has to be run to be known.
    fn anywhere(&mut self, start: Node, role: Role) {
        let mut open = vec![(start, role)];
        while let Some((node, role)) = open.pop() {
            match node.kind() {
                "identifier" if role == Role::Bound => self.bind_unknown(node),
                // A scope of its own: only its name is bound here.
                "function_definition" | "class_definition" => {
                    node.child_by_field_name("name").into_iter().for_each(|name| self.bind_unknown(name));
                }
                "lambda" | "comment" | "string" => {}
                "import_from_statement" if self.may_import_all(node) => {
                    self.map.extend(NAMES.map(|name| (name, Bound::Unknown(line(node)))));
                }
                _other_node => {
                    let first = open.len();
                    open.extend(children(node).map(|(field, child)| (child, role.of_child(node, field, child))));
                    open[first..].reverse();
                }
            }
        }
    }

    /// Whether this is `from MODULE import *`. SQLAlchemy exports none of the names.
    fn may_import_all(&self, import: Node) -> bool {
        let module = import.child_by_field_name("module_name").map(|name| self.text(name)).unwrap_or_default();
        let is_harmless = module == "sqlalchemy" || module.starts_with("sqlalchemy.");
        !is_harmless && children(import).any(|(_, child)| child.kind() == "wildcard_import")
    }

    fn bind_unknown(&mut self, identifier: Node) {
        if let Some(name) = self.name(identifier) {
            self.map.insert(name, Bound::Unknown(line(identifier)));
        }
    }

    fn name(&self, node: Node) -> Option<&'static str> {
        let text = (node.kind() == "identifier").then(|| self.text(node))?;
        NAMES.into_iter().find(|name| *name == text)
    }

    fn text(&self, node: Node) -> Cow<'a, str> {
        String::from_utf8_lossy(&self.source[node.byte_range()])
    }
}

/// The role of an identifier at some place in the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    /// It is given a value.
    Bound,
    /// Its value is used.
    Used,
}

impl Role {
    /// The role of a node's child, where the node itself has this role.
    fn of_child(self, node: Node, field: Option<&str>, child: Node) -> Self {
        let is_bound = match node.kind() {
            "pattern_list"
            | "tuple_pattern"
            | "list_pattern"
            | "list_splat_pattern"
            | "expression_list"
            | "tuple"
            | "list"
            | "parenthesized_expression"
            | "dotted_name" => return self,
            "assignment" | "augmented_assignment" | "for_statement" => field == Some("left"),
            "named_expression" => field == Some("name"),
            "aliased_import" => field == Some("alias"),
            // `import revision` and `from x import revision`, but not `from revision import x`.
            "import_statement" | "import_from_statement" => {
                child.kind() == "dotted_name" && field != Some("module_name")
            }
            "as_pattern_target" | "as_pattern" | "delete_statement" | "case_pattern" | "splat_pattern" => true,
            _use => false,
        };
        if is_bound { Self::Bound } else { Self::Used }
    }
}

#[cfg(test)]
mod tests;
