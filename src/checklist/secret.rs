//! The secrets of a checklist and their sources. The values are read when it runs.

use std::path::PathBuf;

use crate::diagnostic::{Diagnostic, Span};
use crate::yaml::{self, Node};

use super::file::FileSecret;

/// A secret that a checklist declares.
#[derive(Debug, Clone)]
pub struct Secret {
    /// The name by which it is referred to.
    pub name: String,
    /// The source of its value.
    pub source: SecretSource,
    /// Where the checklist declares it.
    pub span: Span,
}

/// The source of a secret's value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SecretSource {
    /// An environment variable.
    Env(String),
    /// A file's content.
    File(PathBuf),
    /// The output of a program: the program and its arguments.
    Command(Vec<String>),
}

/// Reads `secrets:`.
pub fn read(node: &Node, problems: &mut Vec<Diagnostic>) -> Vec<Secret> {
    if !matches!(node.value, yaml::Value::Map(_)) && !node.is_null() {
        let problem = Diagnostic::error(format!("`secrets` must be a map, not {}", node.kind())).at(node.span);
        let name = node.elements().iter().find_map(Node::text).unwrap_or("DATABASE_URL");
        problems.push(problem.help(format!("write each name with a colon, such as `secrets: {{ {name}: }}`")));
    }
    let mut secrets = Vec::new();
    for (key, node) in node.entries() {
        let name = key.text.to_string();
        if name.contains('.') || name.is_empty() {
            problems.push(Diagnostic::error("a secret's name has no dots in it, and is not empty").at(key.span));
            continue;
        }
        if node.is_null() {
            secrets.push(Secret { source: SecretSource::Env(name.clone()), name, span: key.span });
            continue;
        }
        if node.text().is_some() || matches!(node.value, yaml::Value::Unresolved(_)) {
            // Most probably the value itself.
            problems.push(
                Diagnostic::error(format!("the value of the secret `{name}` must not be stored in the checklist"))
                    .at_unshown(node.span)
                    .help(format!(
                        "remove the value to read the environment variable `{name}`, or use `{{ file: … }}`"
                    )),
            );
            continue;
        }
        let Some(file) = yaml::read::<FileSecret>(node, problems) else { continue };
        let sources: Vec<SecretSource> = [
            file.env.map(SecretSource::Env),
            file.file.map(SecretSource::File),
            file.command.map(SecretSource::Command),
        ]
        .into_iter()
        .flatten()
        .collect();
        match <[SecretSource; 1]>::try_from(sources) {
            Ok([SecretSource::Command(argv)]) if argv.is_empty() => {
                problems.push(Diagnostic::error("`command` is empty").at(node.span));
            }
            Ok([source]) => secrets.push(Secret { name, source, span: key.span }),
            Err(sources) => {
                let title = match sources.len() {
                    0 => format!("`{name}` comes from nowhere"),
                    _ => format!("`{name}` comes from several places"),
                };
                problems.push(Diagnostic::error(title).at(key.span).help("name one of `env`, `file` and `command`"));
            }
        }
    }
    secrets
}
