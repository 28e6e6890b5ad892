//! Values of Python literals: `None`, a string, or several strings.

use tree_sitter::Node;

use super::syntax::children;

/// The value of a literal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// `None`.
    None,
    /// One string.
    Text(String),
    /// A tuple, a list or a set of strings.
    Many(Vec<String>),
}

impl Value {
    /// All the strings that it holds.
    pub fn into_list(self) -> Vec<String> {
        match self {
            Self::None => Vec::new(),
            Self::Text(text) => vec![text],
            Self::Many(texts) => texts,
        }
    }
}

/// The value of the expression, if it is a literal.
pub fn value(node: Node, source: &[u8]) -> Option<Value> {
    let mut node = node;
    while node.kind() == "parenthesized_expression" {
        node = only_child(node)?;
    }
    match node.kind() {
        "none" => Some(Value::None),
        "tuple" | "list" | "set" | "expression_list" => {
            let items = children(node).map(|(_, child)| child).filter(|child| !child.is_extra());
            items.map(|item| text(item, source)).collect::<Option<_>>().map(Value::Many)
        }
        _text => text(node, source).map(Value::Text),
    }
}

/// A string, also one made of several.
fn text(node: Node, source: &[u8]) -> Option<String> {
    let mut said = String::new();
    // The unread parts, the next one last.
    let mut open = vec![node];
    while let Some(node) = open.pop() {
        match node.kind() {
            "string" => said += &string(node, source)?,
            "parenthesized_expression" => open.push(only_child(node)?),
            "concatenated_string" => {
                let first = open.len();
                open.extend(children(node).map(|(_, child)| child).filter(|child| !child.is_extra()));
                open[first..].reverse();
            }
            "binary_operator" => {
                let field = |name| node.child_by_field_name(name);
                if field("operator")?.kind() != "+" {
                    return None;
                }
                open.extend([field("right")?, field("left")?]);
            }
            _computed => return None,
        }
    }
    Some(said)
}

fn only_child(node: Node) -> Option<Node> {
    let mut children = children(node).map(|(_, child)| child).filter(|child| !child.is_extra());
    children.next().filter(|_| children.next().is_none())
}

fn string(node: Node, source: &[u8]) -> Option<String> {
    let text_of = |node: Node| std::str::from_utf8(&source[node.byte_range()]).ok();
    let mut said = String::new();
    let mut prefix = String::new();
    let mut cursor = node.walk();
    for part in node.children(&mut cursor) {
        match part.kind() {
            "string_start" => {
                prefix = text_of(part)?.trim_end_matches(['"', '\'']).to_ascii_lowercase();
                if prefix.contains(['b', 't']) {
                    return None;
                }
            }
            "string_content" if prefix.contains('r') => said += text_of(part)?,
            "string_content" => said += &unescaped(text_of(part)?)?,
            "string_end" => {}
            _interpolation => return None,
        }
    }
    // In an f-string a brace is an escape or the start of an expression.
    (!prefix.contains('f') || !said.contains(['{', '}'])).then_some(said)
}

fn unescaped(text: &str) -> Option<String> {
    let mut said = String::new();
    let mut chars = text.chars();
    while let Some(char) = chars.next() {
        if char != '\\' {
            said.push(char);
            continue;
        }
        match chars.next()? {
            '\n' => {}
            escaped @ ('\\' | '\'' | '"') => said.push(escaped),
            'x' => said.push(code(&mut chars, 2)?),
            'u' => said.push(code(&mut chars, 4)?),
            'U' => said.push(code(&mut chars, 8)?),
            // Nobody writes the others in an id.
            _rare => return None,
        }
    }
    Some(said)
}

fn code(chars: &mut std::str::Chars, digits: usize) -> Option<char> {
    let hex: String = chars.take(digits).collect();
    char::from_u32(u32::from_str_radix(&hex, 16).ok()?)
}
