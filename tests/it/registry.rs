//! Kinds of probes are values: one with its own state works wherever a checklist is read.

use std::path::PathBuf;
use std::sync::Arc;

use gate::checklist::{Found, Loaded, Overrides, OwnFiles, load};
use gate::client::{Context, Fault};
use gate::diagnostic::Diagnostic;
use gate::env::Env;
use gate::expect::SameFact;
use gate::probe::{Kind, Observe, Registry, Seen};
use gate::yaml::Node;
use insta::assert_snapshot;
use serde_json::{Value, json};

/// A kind that is defined at run time, such as by a plugin.
struct Plugin {
    name: String,
}

impl Kind for Plugin {
    fn name(&self) -> &str {
        &self.name
    }

    fn expect(&self) -> &str {
        "{ cups: { at_least: 1 } }"
    }

    fn same_fact(&self) -> &[SameFact] {
        &[]
    }

    fn example(&self) -> &str {
        "coffee: {}\n"
    }

    fn effects(&self) -> Option<&str> {
        None
    }

    fn settings(&self) -> Value {
        json!({ "type": "object", "properties": { "machine": { "type": "string" } } })
    }

    fn observation(&self) -> Value {
        json!({ "type": "object", "properties": { "cups": { "type": "integer" } }, "additionalProperties": false })
    }

    fn validate(&self, settings: &Node, problems: &mut Vec<Diagnostic>) {
        for (key, _) in settings.entries().iter().filter(|(key, _)| &*key.text != "machine") {
            problems.push(Diagnostic::error(format!("{}: unknown key `{}`", self.name, key.text)).at(key.span));
        }
    }

    fn read(&self, settings: &Node, problems: &mut Vec<Diagnostic>) -> Option<Box<dyn Observe>> {
        let before = problems.len();
        self.validate(settings, problems);
        (problems.len() == before).then(|| Box::new(Ready) as Box<dyn Observe>)
    }
}

struct Ready;

impl Observe for Ready {
    fn observe<'a>(
        &'a self,
        _: &'a Context,
    ) -> std::pin::Pin<Box<dyn Future<Output = Result<Seen, Fault>> + Send + 'a>> {
        let seen = Seen { value: json!({ "cups": 2 }), evidence: "2 cups".to_owned(), ..Seen::default() };
        Box::pin(async move { Ok(seen) })
    }

    fn has_effects(&self) -> bool {
        false
    }

    fn is_insecure(&self) -> bool {
        false
    }

    fn reproduce(&self) -> Option<Vec<String>> {
        None
    }
}

fn loaded(probe: &str, registry: &Registry) -> Loaded {
    let text = format!("title: T\nsections:\n- title: S\n  items:\n  - {{ id: a, title: A, probes: [{probe}] }}\n");
    let found = Found {
        name: "t".into(),
        file: "t.yaml".into(),
        root: PathBuf::from("/"),
        text,
        path: PathBuf::from("/t.yaml"),
        files: OwnFiles::Folder,
    };
    load(found, &Overrides::default(), &Env::with([], PathBuf::from("/")), registry)
}

fn problems(probe: &str, registry: &Registry) -> String {
    let loaded = loaded(probe, registry);
    loaded.problems.render(&loaded.sources, false)
}

#[test]
fn a_kind_with_state_is_one_like_any_other() {
    let coffee: Arc<dyn Kind> = Arc::new(Plugin { name: "coffee".to_owned() });
    let registry: Registry = Registry::built_in().iter().cloned().chain([coffee]).collect();
    let checklist = loaded("{ coffee: { machine: espresso }, expect: { cups: 2 } }", &registry).checklist;
    let checklist = checklist.expect("its settings and expectations are right");
    let kinds: Vec<&str> = checklist.items().flat_map(|item| &item.probes).map(|task| task.kind.name()).collect();
    assert_eq!(kinds, ["coffee"]);
    assert_snapshot!(problems("{ coffee: { sugar: 1 } }", &registry), @r"
    error: coffee: unknown key `sugar`
     --> t.yaml:5:45
      |
    5 |   - { id: a, title: A, probes: [{ coffee: { sugar: 1 } }] }
      |                                             ^^^^^
    ");
    let misspelt = problems("{ coffee: {}, expect: { cpus: 2 } }", &registry);
    assert!(misspelt.contains("`cpus`") && misspelt.contains("`cups`"), "{misspelt}");
    assert!(loaded("{ coffee: {} }", &Registry::built_in()).checklist.is_none());
}
