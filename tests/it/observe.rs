//! Runs one probe like the engine: settings in, observation or error out.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use gate::client::Context;
use gate::diagnostic::Span;
use gate::env::Env;
use gate::probe::Probe;
use gate::yaml::Node;
use serde_json::Value;

/// A probe with these settings.
pub fn probe<P: Probe>(settings: Value) -> P {
    read(settings).unwrap_or_else(|problems| panic!("{problems}"))
}

/// The settings as in a checklist, or the first problem in them.
pub fn read<P: Probe>(settings: Value) -> Result<P, String> {
    let mut problems = Vec::new();
    let read = gate::yaml::read(&Node::from_json(&settings, Span::default()), &mut problems);
    read.ok_or_else(|| problems.first().map(|problem| problem.title().to_owned()).unwrap_or_default())
}

/// The problem in these settings.
pub fn refused<P: Probe>(settings: Value) -> String {
    read::<P>(settings).err().expect("it must be refused")
}

/// The evidence, and the advice: that of a field, if there is one.
pub fn reported<P: Probe>(probe: &P, seen: &P::Observation) -> String {
    let of_field = probe.field_advice(seen).into_iter().next().map(|(_, advice)| advice);
    format!("{} | {}", probe.evidence(seen), of_field.or_else(|| probe.advice(seen)).unwrap_or_default())
}

/// A context with this folder and these variables.
pub fn context(dir: &Path, vars: &[(&str, &str)]) -> Context {
    let vars = vars.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    Context::new(Arc::new(Env::with(vars, dir.to_owned())), dir, Duration::from_secs(10))
}

/// The observation, or the error with its causes and its help.
pub fn observe_in<P: Probe>(cx: &Context, settings: Value) -> Result<P::Observation, String> {
    let probe: P = probe(settings);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(probe.observe(cx)).map_err(|fault| match &fault.help {
        Some(help) => format!("{fault}\nhelp: {help}"),
        None => fault.to_string(),
    })
}

/// The same if neither folder nor variables matter.
pub fn observe<P: Probe>(settings: Value) -> Result<P::Observation, String> {
    observe_in::<P>(&context(Path::new("/"), &[]), settings)
}
