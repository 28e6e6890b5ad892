//! A probe without its type: what the registry holds.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use futures_util::future::BoxFuture;
use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde::Deserialize;
use serde_json::Value;

use crate::client::ssh::Host;
use crate::diagnostic::Diagnostic;
use crate::expect::{SameFact, Truncation};
use crate::yaml::{self, Node};

use super::{Context, Exclusive, Fault, Probe};

/// A kind of probe: how its settings are read, and what it observes. It may have state of its own.
pub trait Kind: Send + Sync {
    /// Its name in a checklist.
    fn name(&self) -> &str;
    /// The default expectations: an `expect` map in YAML.
    fn expect(&self) -> &str;
    /// Other paths that state the same fact as one of these.
    fn same_fact(&self) -> &[SameFact];
    /// An entry of `probes` with it, in YAML.
    fn example(&self) -> &str;
    /// When a probe may change something, as a sentence.
    fn effects(&self) -> Option<&str>;
    /// Whether it takes `via`.
    fn takes_via(&self) -> bool {
        false
    }
    /// The JSON Schema of its settings.
    fn settings(&self) -> Value;
    /// The JSON Schema of its observation.
    fn observation(&self) -> Value;
    /// Reports problems of settings in which some references are not resolved yet.
    fn validate(&self, settings: &Node, problems: &mut Vec<Diagnostic>);
    /// Reads settings in which every reference is resolved; reports every problem.
    fn read(&self, settings: &Node, problems: &mut Vec<Diagnostic>) -> Option<Box<dyn Observe>>;
}

impl fmt::Debug for dyn Kind {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.debug_tuple("Kind").field(&self.name()).finish()
    }
}

/// A probe that is ready to run.
pub trait Observe: Send + Sync {
    /// Looks once.
    fn observe<'a>(&'a self, cx: &'a Context) -> BoxFuture<'a, Result<Seen, Fault>>;
    /// Whether it may change something.
    fn has_effects(&self) -> bool;
    /// Whether TLS is not verified.
    fn is_insecure(&self) -> bool;
    /// A command line that does the same.
    fn reproduce(&self) -> Option<Vec<String>>;
    /// The machine on which that command line runs, if it is another one.
    fn on(&self) -> Option<&Host> {
        None
    }
    /// The machine through which it connects.
    fn via(&self) -> Option<&Host> {
        None
    }
}

/// The observation of a probe, without its type.
#[derive(Debug, Clone, Default)]
pub struct Seen {
    /// The observation as JSON.
    pub value: Value,
    /// One short, stable line of it.
    pub evidence: String,
    /// Advice of the probe, if any.
    pub advice: Option<String>,
    /// Its advice about single fields.
    pub field_advice: Vec<(&'static str, String)>,
    /// Which of its paths were cut at a limit.
    pub cuts: Vec<Truncation>,
    /// The path that shows that there is nothing to observe: other failures follow from it.
    pub nothing: Option<&'static str>,
    /// A missing field, and why it is missing.
    pub absent: Option<(&'static str, String)>,
}

/// The kind of a probe type.
struct Typed<P>(PhantomData<fn() -> P>);

/// The kind of a probe type, as the registry holds it.
pub fn of<P: Probe>() -> Arc<dyn Kind> {
    Arc::new(Typed::<P>(PhantomData))
}

impl<P: Probe> Kind for Typed<P> {
    fn name(&self) -> &str {
        P::KIND
    }

    fn expect(&self) -> &str {
        P::EXPECT
    }

    fn same_fact(&self) -> &[SameFact] {
        P::SAME_FACT
    }

    fn example(&self) -> &str {
        P::EXAMPLE
    }

    fn effects(&self) -> Option<&str> {
        P::EFFECTS
    }

    fn takes_via(&self) -> bool {
        P::TAKES_VIA
    }

    fn settings(&self) -> Value {
        let mut schema: Value = SchemaSettings::draft07().into_generator().into_root_schema_for::<P>().into();
        if P::TAKES_VIA {
            schema["properties"][VIA] =
                SchemaSettings::draft07().into_generator().into_root_schema_for::<Settings>().as_value()["properties"]
                    [VIA]
                    .clone();
        }
        schema
    }

    fn observation(&self) -> Value {
        let settings = SchemaSettings::draft07().for_serialize();
        settings.into_generator().into_root_schema_for::<P::Observation>().into()
    }

    fn validate(&self, settings: &Node, problems: &mut Vec<Diagnostic>) {
        let (conflicts, settings) = conflicts(settings, P::EXCLUSIVE);
        problems.extend(conflicts);
        problems.extend(misplaced::<P>(&settings));
        match separate(&settings) {
            None => drop(yaml::read_with_holes::<P>(&settings, problems)),
            Some((via, own)) => {
                drop(yaml::read_with_holes::<P>(&own, problems));
                if P::TAKES_VIA {
                    drop(yaml::read_with_holes::<Settings>(&via, problems));
                }
            }
        }
    }

    fn read(&self, settings: &Node, problems: &mut Vec<Diagnostic>) -> Option<Box<dyn Observe>> {
        let (mut conflicts, settings) = conflicts(settings, P::EXCLUSIVE);
        conflicts.extend(misplaced::<P>(&settings));
        let is_clear = conflicts.is_empty();
        problems.extend(conflicts);
        let Some((via, own)) = separate(&settings) else {
            let probe = yaml::read::<P>(&settings, problems)?;
            return is_clear.then(|| Box::new(probe) as Box<dyn Observe>);
        };
        let probe = yaml::read::<P>(&own, problems);
        let via = if P::TAKES_VIA { yaml::read::<Settings>(&via, problems)?.via } else { None };
        let probe = Box::new(probe?);
        is_clear.then(|| match via {
            None => probe as Box<dyn Observe>,
            Some(via) => Box::new(Distant { probe, via }),
        })
    }
}

/// The setting that every kind has whose probes connect to something.
pub const VIA: &str = "via";

/// That setting.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Settings {
    /// The machine to connect from, such as `ssh://deploy@bastion.example`, with `:PORT` if it is not 22. gate connects
    /// with your own `ssh`, its configuration, keys and known hosts, and never prompts; names are resolved there.
    /// Default: what `defaults` says, else this machine; `null` is always this machine.
    #[schemars(with = "Option<String>")]
    via: Option<Host>,
}

/// The problem of a `via` in a kind that does not support it.
fn misplaced<P: Probe>(settings: &Node) -> Option<Diagnostic> {
    let (key, _) = settings.entries().iter().find(|(key, _)| &*key.text == VIA).filter(|_| !P::TAKES_VIA)?;
    let problem = Diagnostic::error(format!("`{}` does not support `via`", P::KIND)).at(key.span);
    Some(problem.help("remove it: only TCP connections can go through another machine"))
}

/// The setting `via` as a map of its own, and the settings without it. None where it is not given.
fn separate(settings: &Node) -> Option<(Node, Node)> {
    settings.get(VIA)?;
    let others = settings.entries().iter().filter(|(key, _)| &*key.text != VIA).cloned().collect();
    Some((settings.only(&[VIA]), Node { value: yaml::Value::Map(others), ..settings.clone() }))
}

/// The error of a connection that ended with the one to the machine between.
fn lost(fault: &Fault, via: &Host) -> Fault {
    let help =
        format!("does `{}` work? its sshd may have been restarted, or the network was down", via.by_hand(&["true"]));
    Fault::new(format!("the ssh connection to {via} ended: {}", fault.message)).help(help)
}

/// A probe that connects through another machine.
struct Distant<P> {
    probe: Box<P>,
    via: Host,
}

impl<P: Probe> Observe for Distant<P> {
    fn observe<'a>(&'a self, cx: &'a Context) -> BoxFuture<'a, Result<Seen, Fault>> {
        Box::pin(async move {
            let cx = cx.via(&self.via).await?;
            let session = cx.session().await;
            let mut seen = match (Observe::observe(&*self.probe, &cx).await, session) {
                (Ok(seen), _) => seen,
                (Err(fault), Some(session)) if session.has_ended().await => return Err(lost(&fault, &self.via)),
                (Err(fault), _) => return Err(fault),
            };
            // It is a part of what was seen, in whatever form that is read.
            seen.evidence = match seen.evidence.as_str() {
                "" => format!("via {}", self.via),
                evidence => format!("{evidence}, via {}", self.via),
            };
            Ok(seen)
        })
    }

    fn has_effects(&self) -> bool {
        Observe::has_effects(&*self.probe)
    }

    fn is_insecure(&self) -> bool {
        Observe::is_insecure(&*self.probe)
    }

    fn reproduce(&self) -> Option<Vec<String>> {
        Observe::reproduce(&*self.probe)
    }

    fn on(&self) -> Option<&Host> {
        Some(&self.via)
    }

    fn via(&self) -> Option<&Host> {
        Some(&self.via)
    }
}

/// Settings that exclude each other, also where one is not filled in yet; and the settings without those that are too many:
/// nothing else is to be said of them.
fn conflicts<'s>(settings: &'s Node, exclusive: &[Exclusive]) -> (Vec<Diagnostic>, Cow<'s, Node>) {
    let key = |name: &str| settings.entries().iter().find(|(key, _)| &*key.text == name).map(|(key, _)| key);
    let mut problems = Vec::new();
    let mut excess: Vec<&str> = Vec::new();
    for (one, others) in exclusive {
        let Some(first) = key(one) else { continue };
        for other in others.iter().filter_map(|other| key(other)) {
            let problem = Diagnostic::error(format!("`{}` can't be combined with `{one}`", other.text));
            problems.push(problem.at(other.span).also(first.span, "given here").help("remove one of them"));
            excess.push(&other.text);
        }
    }
    if excess.is_empty() {
        return (problems, Cow::Borrowed(settings));
    }
    let rest = settings.entries().iter().filter(|(key, _)| !excess.contains(&&*key.text)).cloned().collect();
    (problems, Cow::Owned(Node { value: yaml::Value::Map(rest), ..settings.clone() }))
}

impl<P: Probe> Observe for P {
    fn observe<'a>(&'a self, cx: &'a Context) -> BoxFuture<'a, Result<Seen, Fault>> {
        Box::pin(async move {
            let seen = Probe::observe(self, cx).await?;
            let value = serde_json::to_value(&seen).map_err(|_| Fault::new("the result can't be written as JSON"))?;
            let is_there = |path: &str, there: &str| match &value[path] {
                Value::Bool(flag) => flag.to_string() == there,
                Value::String(word) => word == there,
                _ => true,
            };
            let nothing = P::PRESENT.filter(|(path, there)| !is_there(path, there)).map(|(path, _)| path);
            let (evidence, advice, cuts) = (self.evidence(&seen), self.advice(&seen), self.cuts(&seen));
            let (field_advice, absent) = (self.field_advice(&seen), self.absent(&seen));
            Ok(Seen { evidence, advice, field_advice, cuts, nothing, absent, value })
        })
    }

    fn has_effects(&self) -> bool {
        let has_effects = Probe::has_effects(self);
        debug_assert!(!has_effects || P::EFFECTS.is_some(), "the manual of `{}` says when it has effects", P::KIND);
        has_effects
    }

    fn is_insecure(&self) -> bool {
        Probe::is_insecure(self)
    }

    fn reproduce(&self) -> Option<Vec<String>> {
        Probe::reproduce(self)
    }

    fn on(&self) -> Option<&Host> {
        Probe::on(self)
    }
}
