//! References that are resolved during the run: to secrets, to observations of earlier probes, and to those of other
//! items.

use std::sync::Arc;

use crate::diagnostic::{Diagnostic, Span, expected};
use crate::expect;
use crate::yaml::{Node, Reference, Value};

pub use crate::yaml::head;

use super::each::list_of;
use super::kind_info::{KindCache, KindInfo};
use super::scope::ROOTS;

/// Finds the probes of an item by its id, and the id of the section that it is in.
pub type Find<'a> = dyn Fn(&str) -> Option<(&'a Node, Option<&'a str>)> + 'a;

/// The names that probes of one item can refer to.
pub struct ReferenceScope<'a> {
    /// The aliases so far, and the kind of each.
    pub aliases: Vec<(String, Arc<KindInfo>)>,
    /// The item's id.
    pub item: &'a str,
    /// The names of its cleanup probes, which run last.
    pub cleanup: Vec<&'a str>,
    /// The needs of the item, as written.
    pub needs: &'a [&'a str],
    /// The probes of every item.
    pub items: &'a Find<'a>,
    /// Whether there may be other items: in a base.
    pub is_base: bool,
    /// The names that need a root before them.
    pub declared: &'a Declared<'a>,
}

/// The names that a file declares, such as its variables; each list with the root of its references.
#[derive(Debug)]
pub struct Declared<'a>(Vec<(&'static str, Vec<&'a str>)>);

impl<'a> Declared<'a> {
    /// The names in these maps of a file, such as `vars` and `secrets`.
    pub fn of(root: &'a Node, maps: &[&'static str]) -> Self {
        let names = |map: &str| root.get(map).map(Node::entries).unwrap_or_default().iter().map(|(key, _)| &*key.text);
        Self(maps.iter().map(|map| (*map, names(map).collect())).collect())
    }

    /// The reference that a path without its root probably refers to: `secrets.TOKEN` for `TOKEN`.
    fn with_root(&self, path: &str) -> Option<String> {
        let (first, _) = head(path);
        let declared = self.0.iter().find(|(_, names)| names.contains(&first)).map(|(root, _)| *root);
        let is_variable = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_';
        let root = declared.or_else(|| path.chars().all(is_variable).then_some("env"))?;
        Some(format!("{root}.{path}"))
    }
}

/// The parts of `items.ID.alias.path` after the first dot. The key of an element may contain dots: the longest id that is
/// one of an item counts.
pub fn split_reference(rest: &str, is_item: impl Fn(&str) -> bool) -> Option<(&str, &str, &str)> {
    let dots = || rest.match_indices('.').map(|(at, _)| at);
    let end = dots().filter(|at| is_item(&rest[..*at])).last().or_else(|| dots().next())?;
    let (item, rest) = (&rest[..end], &rest[end + 1..]);
    let (alias, path) = head(rest);
    (!item.is_empty() && !alias.is_empty()).then_some((item, alias, path))
}

/// Reports undefined references in the node.
pub fn check(node: &Node, scope: &ReferenceScope, kinds: &mut KindCache<'_>, problems: &mut Vec<Diagnostic>) {
    for reference in node.references() {
        problems.extend(problem(reference, scope, kinds));
    }
}

/// The problem of an `expect` that is an observation as a whole: a server would write what is expected of it.
pub fn observed(expect: &Node) -> Option<Diagnostic> {
    let is_observed = |reference: &&Reference| !matches!(head(&reference.path).0, "env" | "vars" | "inputs" | "each");
    let is_whole = matches!(expect.value, Value::Unresolved(_));
    let reference = expect.references().into_iter().find(is_observed).filter(|_| is_whole)?;
    let problem = Diagnostic::error("`expect` can't be a value that is known only during the run").at(expect.span);
    Some(problem.help(format!("name what is compared, such as `expect: {{ body: \"${{{}}}\" }}`", reference.path)))
}

fn problem(reference: &Reference, scope: &ReferenceScope, kinds: &mut KindCache<'_>) -> Option<Diagnostic> {
    let (first, path) = head(&reference.path);
    match first {
        // Missing variables of the environment block the item; secrets were looked up when the checklist was filled.
        "env" | "secrets" | "vars" | "inputs" | "each" => None,
        "items" => elsewhere(reference, path, scope, kinds),
        _ => match scope.aliases.iter().find(|(alias, _)| alias == first) {
            Some((_, known)) => expect::astray(path, behind(reference, path), &known.observation),
            None => Some(unknown(first, reference, scope)),
        },
    }
}

fn elsewhere(
    reference: &Reference,
    rest: &str,
    scope: &ReferenceScope,
    kinds: &mut KindCache<'_>,
) -> Option<Diagnostic> {
    let wrong = |title: String| Diagnostic::error(title).at(reference.span);
    let Some((id, alias, path)) = split_reference(rest, |id| (scope.items)(id).is_some()) else {
        let problem = wrong(format!("`${{{}}}` names no observation", reference.path));
        return Some(problem.help("it is `${items.ID.ALIAS.PATH}`, with that id in `needs`"));
    };
    let Some((probes, section)) = (scope.items)(id) else {
        return (!scope.is_base).then(|| wrong(format!("item `{id}` not found")));
    };
    if !scope.needs.iter().any(|need| *need == id || Some(*need) == section || Some(*need) == list_of(id)) {
        let problem = wrong(format!("`{}` uses a result of `{id}`, but does not need it", scope.item));
        return Some(problem.help(format!("add it: `needs: [{id}]`")));
    }
    let entries = || probes.elements().iter().filter(|probe| probe.get("as").is_some());
    let Some(probe) = entries().find(|probe| probe.get("as").and_then(Node::text) == Some(alias)) else {
        let names: Vec<&str> = entries().filter_map(|probe| probe.get("as")?.text()).collect();
        let problem = wrong(format!("item `{id}` has no probe `{alias}`"));
        return Some(problem.suggest(alias, names, format!("name the probe there: `as: {alias}`")));
    };
    let kind = kinds.registry.iter().find(|kind| probe.get(kind.name()).is_some())?;
    expect::astray(path, behind(reference, path), &kinds.of(kind).observation)
}

/// Where the path is in the file, if the reference is there as it is.
fn behind(reference: &Reference, path: &str) -> Span {
    let start = reference.path.len() - path.len();
    let length = reference.span.range().len();
    // `${` before it; `}` or a default after it.
    if path.is_empty() || length < reference.path.len() + 3 {
        return reference.span;
    }
    let at = |offset: usize| reference.span.start + u32::try_from(2 + offset).unwrap_or(0);
    Span { file: reference.span.file, start: at(start), end: at(reference.path.len()) }
}

fn unknown(first: &str, reference: &Reference, scope: &ReferenceScope) -> Diagnostic {
    let problem = Diagnostic::error(format!("undefined reference `{first}`")).at(reference.span);
    if scope.cleanup.contains(&first) {
        return problem.help(format!(
            "`{first}` is a probe of `cleanup`, which runs last: only the cleanup probes after it can use it"
        ));
    }
    if let Some(path) = scope.declared.with_root(&reference.path) {
        return problem.label(format!("did you mean `${{{path}}}`?"));
    }
    let aliases = || scope.aliases.iter().map(|(alias, _)| alias.as_str());
    let otherwise = match aliases().collect::<Vec<_>>().as_slice() {
        [] => format!("name a probe before this one with `as: {first}`; write `$$` for a dollar"),
        names => expected(&[names, &ROOTS].concat()),
    };
    problem.suggest(first, aliases().chain(ROOTS), otherwise)
}
