//! The probes of an item or of a check: kind, settings, expectations and alias.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use crate::diagnostic::{Diagnostic, Lack, Span, closest, expected};
use crate::probe::{Kind, Registry, VIA};
use crate::yaml::{self, Key, Node, Value};

use super::file::{EVERY, FileProbe, FileRetry, FileTiming};
use super::kind_info::KindCache;
use super::references::{self, ReferenceScope};
use super::scope::ROOTS;
use super::{Expectations, ProbeTask, RetryPolicy, Settings, Timing};

/// The timing by default.
pub fn default_timing() -> Timing {
    Timing { timeout: Duration::from_secs(10), retry: RetryPolicy::Never }
}

/// The keys beside the kind.
const OPTIONS: [&str; 5] = ["as", "expect", "timeout", "retry", "eventually"];

/// The help for an unknown or missing kind.
const KINDS: &str = "`gate list --probes` lists all kinds; `use: NAME` uses a check";

/// The entry of a probe that determines what it is.
pub enum Named<'a> {
    /// A kind of probe, with its settings.
    Kind(&'a Arc<dyn Kind>, &'a Key, &'a Node),
    /// A check.
    Use(&'a Key),
}

/// The kind of an entry of `probes`. None if it has none, which has been reported then.
pub fn named<'a>(node: &'a Node, registry: &'a Registry, problems: &mut Vec<Diagnostic>) -> Option<Named<'a>> {
    if !matches!(node.value, Value::Map(_)) {
        let problem = Diagnostic::error(format!("a probe must be a map, not {}", node.kind())).at(node.span);
        problems.push(problem.help("such as `- http: { url: https://api.staging.example/healthz }`"));
        return None;
    }
    let mut found: Vec<(Named, Span)> = Vec::new();
    let mut unknown: Vec<&Key> = Vec::new();
    for (key, value) in node.entries() {
        let name = &*key.text;
        if let Some(kind) = registry.get(name) {
            found.push((Named::Kind(kind, key, value), key.span));
        } else if name == "use" {
            found.push((Named::Use(key), key.span));
        } else if !OPTIONS.contains(&name) && name != "with" && (name != VIA || node.get("use").is_none()) {
            unknown.push(key);
        }
    }
    if let [(Named::Kind(kind, key, settings), _)] = found.as_slice()
        && settings.is_null()
        && let Some(problem) = not_indented(&unknown, &***kind, key)
    {
        problems.push(problem);
        return None;
    }
    problems.extend(unknown.iter().map(|key| strange(key, !found.is_empty(), registry)));
    match <[(Named, Span); 1]>::try_from(found) {
        Ok([(named, _)]) => Some(named),
        Err(found) => {
            if let [first, second, ..] = found.as_slice() {
                let problem = Diagnostic::error("a probe must have exactly one kind").at(second.1);
                let problem = problem.label("second kind").also(first.1, "first kind");
                problems.push(problem.help("make two probes of it: begin a new line with `-`"));
            } else if unknown.is_empty() {
                let problem = Diagnostic::error("the kind of this probe is missing").at(node.span);
                problems.push(problem.help(KINDS));
            }
            None
        }
    }
}

/// The problem of settings that are beside their kind, not below it.
fn not_indented(keys: &[&Key], kind: &dyn Kind, name: &Key) -> Option<Diagnostic> {
    let schema = kind.settings();
    let setting = keys.iter().find(|key| schema["properties"].get(&*key.text).is_some())?;
    let title = format!("`{}` is beside `{}`, not inside it", setting.text, name.text);
    let problem = Diagnostic::error(title).at(setting.span).also(name.span, "the probe without settings");
    Some(problem.help(format!("indent `{}` further than `{}`", setting.text, name.text)))
}

fn strange(key: &Key, has_kind: bool, registry: &Registry) -> Diagnostic {
    if &*key.text == VIA {
        let problem = Diagnostic::error("`via` is a setting of the probe").at(key.span);
        return problem.help("write it inside, as in `http: { url: …, via: … }`, or at the item for all of its probes");
    }
    let names = || registry.names().chain(OPTIONS).chain(["use", "with"]);
    let is_option = closest(&key.text, names()).is_some_and(|name| OPTIONS.contains(&name));
    let what = if has_kind || is_option { "key" } else { "probe" };
    let problem = Diagnostic::error(format!("unknown {what} `{}`", key.text)).at(key.span).lacking(Lack::Place);
    let otherwise = if has_kind { expected(&OPTIONS) } else { KINDS.to_owned() };
    problem.suggest(&key.text, names(), otherwise)
}

/// Options of a probe that are among the settings of its kind.
fn misplaced(settings: &Node, name: &Key, kind: &dyn Kind) -> Vec<Diagnostic> {
    let is_option = |key: &&Key| OPTIONS.contains(&&*key.text);
    let mut keys = settings.entries().iter().map(|(key, _)| key).filter(is_option).peekable();
    if keys.peek().is_none() {
        return Vec::new();
    }
    let schema = kind.settings();
    let keys = keys.filter(|key| schema["properties"].get(&*key.text).is_none());
    let problem = |key: &Key| {
        let title = format!("`{}` is inside `{}`, not beside it", key.text, name.text);
        let problem = Diagnostic::error(title).at(key.span).also(name.span, "the kind of the probe");
        problem.help(format!(
            "end the settings of `{0}` before it, and write it below `{0}`:\n- {0}: {{ … }}\n  {1}: …",
            name.text, key.text
        ))
    };
    keys.map(problem).collect()
}

/// The problem of `http: https://api`: a value without its setting.
fn without_setting(settings: &Node, kind: &dyn Kind) -> Option<Diagnostic> {
    if settings.is_null() || matches!(settings.value, Value::List(_) | Value::Map(_)) {
        return None;
    }
    let schema = kind.settings();
    let required = schema["required"].as_array().map(Vec::as_slice).unwrap_or_default();
    let mut names: Vec<&str> = required.iter().filter_map(serde_json::Value::as_str).collect();
    if names.is_empty() && !schema["properties"]["shell"].is_null() {
        names.push("shell");
    }
    if names.is_empty() {
        return None;
    }
    let names: Vec<String> = names.iter().map(|name| format!("{name}: …")).collect();
    let problem = Diagnostic::error(format!("`{}` takes a map of settings, not {}", kind.name(), settings.kind()));
    Some(problem.at(settings.span).label(format!("did you mean `{}: {{ {} }}`?", kind.name(), names.join(", "))))
}

/// Reads a probe of a kind. `scope` contains what it can refer to; its own alias is added there.
pub fn read(
    (kind, key, settings): (&Arc<dyn Kind>, &Key, &Node),
    node: &Node,
    timing: Timing,
    scope: &mut ReferenceScope,
    kinds: &mut KindCache<'_>,
    problems: &mut Vec<Diagnostic>,
) -> Option<ProbeTask> {
    if let Some((with, _)) = node.entries().iter().find(|(key, _)| &*key.text == "with") {
        problems
            .push(Diagnostic::error("`with` belongs to `use`").at(with.span).help("a probe has its settings itself"));
    }
    let info = kinds.of(kind);
    let options = yaml::read::<FileProbe>(&node.only(&OPTIONS), problems);
    references::check(settings, scope, kinds, problems);
    let misplaced = misplaced(settings, key, &**kind);
    let read = if let Some(problem) = without_setting(settings, &**kind) {
        problems.push(problem);
        None
    } else if !misplaced.is_empty() {
        problems.extend(misplaced);
        None
    } else if settings.has_holes() {
        kind.validate(settings, problems);
        Some(Settings::Unresolved(settings.clone()))
    } else {
        kind.read(settings, problems).map(|probe| Settings::Resolved { node: settings.clone(), probe })
    };
    let expectations = match node.get("expect") {
        None => Expectations::Default,
        Some(expect) => {
            references::check(expect, scope, kinds, problems);
            problems.extend(references::observed(expect));
            let parsed = kinds.read(&info, expect, problems);
            match expect.has_holes() {
                true => Expectations::Unresolved(expect.clone()),
                false => Expectations::Resolved { node: expect.clone(), parsed },
            }
        }
    };
    let options = options?;
    if let (Some(retry), Some(eventually)) = (&options.retry, &options.eventually) {
        let problem = Diagnostic::error("`retry` beside `eventually` does nothing").at(retry.span);
        problems.push(problem.also(eventually.span, "`eventually` already retries"));
    }
    let retry = match (options.eventually, options.retry) {
        (Some(eventually), _) => RetryPolicy::Eventually {
            within: eventually.value.within.0,
            every: eventually.value.every.unwrap_or(EVERY),
            consecutive: eventually.value.consecutive.map_or(1, NonZeroU32::get),
        },
        (None, Some(retry)) => retried(retry.value, true),
        (None, None) => timing.retry,
    };
    let timeout = options.timeout.map_or(timing.timeout, |timeout| timeout.0);
    if let Some(alias) = &options.alias {
        let problem = |title: String| Diagnostic::error(title).at(alias.span);
        if ROOTS.contains(&&*alias.value.0) {
            let taken = problem(format!("a probe cannot be called `{}`", alias.value));
            problems.push(taken.help(format!("`{}` are reserved names", ROOTS.join("`, `"))));
        } else if scope.aliases.iter().any(|(other, _)| *other == alias.value.0) {
            problems.push(problem(format!("two probes of this item are called `{}`", alias.value)));
        }
        scope.aliases.push((alias.value.0.clone(), info.clone()));
    }
    Some(ProbeTask {
        kind: Arc::clone(kind),
        info,
        span: key.span,
        alias: options.alias.map(|alias| alias.value.0),
        used: None,
        timing: Timing { timeout, retry },
        settings: read?,
        expectations,
    })
}

/// The timing with the overrides of an inner level.
pub fn overridden(timing: Timing, said: Option<&FileTiming>) -> Timing {
    let Some(said) = said else { return timing };
    Timing {
        timeout: said.timeout.map_or(timing.timeout, |timeout| timeout.0),
        retry: said.retry.map_or(timing.retry, |retry| retried(retry, false)),
    }
}

fn retried(retry: FileRetry, is_own: bool) -> RetryPolicy {
    RetryPolicy::Retry {
        attempts: retry.attempts.get(),
        every: retry.every.unwrap_or(EVERY),
        consecutive: retry.consecutive.map_or(1, NonZeroU32::get),
        is_own,
    }
}
