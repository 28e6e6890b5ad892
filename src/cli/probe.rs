//! `gate probe`: one attempt of one probe, printed as JSON: the fields that `expect` can test.

use std::sync::Arc;

use clap::Args;
use serde_json::Value;

use crate::checklist::{self, Timing, default_timing};
use crate::client::Context;
use crate::diagnostic::{Diagnostic, Diagnostics, Sources, Span};
use crate::engine::{ProbeOutcome, run_probe};
use crate::probe::{Kind, Registry};
use crate::run::Status;
use crate::text::json;
use crate::yaml::{self, Duration, Key, Node, Scalar, Style};

use super::arguments::pair;
use super::{Console, Exit, Failure, print, unknown_kind};

#[derive(Debug, Args)]
pub struct Probe {
    /// Probe kind, such as `http`; `gate list --probes` lists all
    kind: String,
    /// Settings, such as `url=https://api.staging.example/healthz` or `headers.X-Tier=free`; lists and maps as YAML
    #[arg(value_name = "KEY=VALUE", value_parser = pair)]
    settings: Vec<(String, String)>,
    /// Maximum time for the probe
    #[arg(long, value_name = "TIME", default_value_t = Duration(default_timing().timeout))]
    timeout: Duration,
}

impl Probe {
    pub async fn run(self, env: Console) -> Result<Exit, Failure> {
        let registry = Registry::built_in();
        let unknown = || Failure::usage(unknown_kind(&self.kind, &registry), &env);
        let kind = &**registry.get(&self.kind).ok_or_else(unknown)?;
        let mut sources = Sources::default();
        let mut problems = Vec::new();
        let node = self.node(kind, &mut sources, &mut problems);
        env.learn(&checklist::redactor(std::iter::empty(), &checklist::credentials(&node), &env));
        // A value that is not YAML is not also missing.
        let probe = if problems.is_empty() { kind.read(&node, &mut problems) } else { None };
        checklist::complete(&mut problems, &node, || kind.settings());
        let Some(probe) = probe else {
            return Err(Failure::usage(Diagnostics(problems), &env).at(&Arc::new(sources)));
        };
        let cx = Context::new(Arc::clone(env.world()), env.cwd.as_path(), self.timeout.0).with_redactor(env.redactor());
        let timing = Timing { timeout: self.timeout.0, ..default_timing() };
        let ProbeOutcome { observation, error, help, status, .. } =
            run_probe(&*probe, &[], timing, &cx, &env.redactor(), std::future::pending(), |_, _| ()).await;
        match observation {
            Some(seen) => {
                let mut seen = Arc::unwrap_or_clone(seen);
                env.redactor().redact_json(&mut seen);
                print(&json::pretty(&seen), &env)?;
                Ok(Exit::Ready)
            }
            None => {
                let problem =
                    Diagnostic::error(error.map(|error| error.to_string()).unwrap_or_default()).maybe_help(help);
                let exit = if status == Status::Pending { Exit::NotReady } else { Exit::Unknown };
                Err(Failure { exit, ..Failure::usage(problem, &env) })
            }
        }
    }

    /// The settings as in a checklist.
    fn node(&self, kind: &dyn Kind, sources: &mut Sources, problems: &mut Vec<Diagnostic>) -> Node {
        let schema = kind.settings();
        // The place of missing settings.
        let line = format!("gate probe {}", kind.name());
        let [start, end] = [line.len() - kind.name().len(), line.len()].map(|at| u32::try_from(at).unwrap_or(u32::MAX));
        let span = Span { file: sources.add("command line", line), start, end };
        let mut root = Node::new(span, yaml::Value::Map([].into()));
        for (at, (path, value)) in self.settings.iter().enumerate() {
            let text = format!("{path}={value}");
            let file = sources.add(format!("argument {}", at + 2), text.as_str());
            let offset = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
            let span = |start: usize, end: usize| Span { file, start: offset(start), end: offset(end) };
            let node = match is_structured(&schema, path, value) {
                true => {
                    let file = sources.add(path.as_str(), value.as_str());
                    yaml::parse(sources, file, problems)
                }
                false => Some(Node::new(
                    span(path.len() + 1, text.len()),
                    yaml::Value::Scalar(Scalar { text: value.as_str().into(), style: Style::Filled }),
                )),
            };
            let Some(node) = node else { continue };
            let (first, rest) = path.split_once('.').map_or((path.as_str(), None), |(first, rest)| (first, Some(rest)));
            root = with(&root, first, rest, node, span(0, path.len()));
        }
        root
    }
}

/// The map with one more entry.
fn with(map: &Node, key: &str, rest: Option<&str>, value: Node, span: Span) -> Node {
    let value = match rest {
        None => value,
        Some(rest) => {
            let empty = Node::new(span, yaml::Value::Map([].into()));
            with(map.get(key).unwrap_or(&empty), rest, None, value, span)
        }
    };
    let mut entries: Vec<(Key, Node)> = map.entries().iter().filter(|(own, _)| *own.text != *key).cloned().collect();
    entries.push((Key { span, text: key.into() }, value));
    Node::new(map.span, yaml::Value::Map(entries.into()))
}

/// Whether the value is meant as a list or a map: it looks like one, and the setting takes no text.
fn is_structured(schema: &Value, path: &str, value: &str) -> bool {
    let looks_so = value.starts_with(['[', '{']);
    let kind = &schema["properties"][path]["type"];
    let takes_text = kind == "string" || kind.as_array().is_some_and(|kinds| kinds.iter().any(|kind| kind == "string"));
    looks_so && !takes_text
}
