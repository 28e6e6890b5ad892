//! Walks over a Python syntax tree without recursion: a file may nest deeper than the stack.

use tree_sitter::Node;

/// The node and everything below it, in the order of the file.
pub fn nodes(root: Node<'_>) -> impl Iterator<Item = Node<'_>> {
    let mut cursor = root.walk();
    let mut next = Some(root);
    std::iter::from_fn(move || {
        let node = next?;
        let is_moved = cursor.goto_first_child()
            || loop {
                if cursor.goto_next_sibling() {
                    break true;
                }
                if !cursor.goto_parent() {
                    break false;
                }
            };
        next = is_moved.then(|| cursor.node());
        Some(node)
    })
}

/// The named children of a node, each with the name of its field.
pub fn children<'tree>(node: Node<'tree>) -> impl Iterator<Item = (Option<&'static str>, Node<'tree>)> {
    let mut cursor = node.walk();
    let mut is_at_child = cursor.goto_first_child();
    let all = std::iter::from_fn(move || {
        let child = is_at_child.then(|| (cursor.field_name(), cursor.node()))?;
        is_at_child = cursor.goto_next_sibling();
        Some(child)
    });
    all.filter(|(_, child)| child.is_named())
}

/// The line on which a node begins, from 1.
pub fn line(node: Node) -> usize {
    node.start_position().row + 1
}
