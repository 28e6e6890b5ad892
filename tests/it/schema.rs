//! The JSON Schema for editors: current, closed, documented, and consistent with gate on real checklists.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use crate::harness::{Project, gate, python};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

#[test]
fn the_schema_beside_the_checklists_is_the_one_that_gate_prints() {
    let path = Path::new(ROOT).join("checklists/checklist.schema.json");
    let printed = gate(ROOT, &["schema"]).stdout;
    if std::env::var_os("UPDATE_SCHEMA").is_some() {
        fs::write(&path, &printed).expect("the folder is writable");
    }
    let kept = fs::read_to_string(&path).expect("it exists");
    assert!(kept == printed, "run with UPDATE_SCHEMA=1 to write it again");
}

/// Every setting has a description, and unknown keys are not allowed.
#[test]
fn every_setting_is_documented_and_closed() {
    for of in ["checklist", "check"] {
        let schema: Value = serde_json::from_str(&gate(ROOT, &["schema", of]).stdout).expect("JSON");
        let definitions = schema["definitions"].as_object().expect("there are some").iter();
        let all = definitions.map(|(name, schema)| (name.as_str(), schema)).chain([(of, &schema)]);
        for (name, schema) in all.filter(|(_, schema)| schema["properties"].is_object()) {
            assert_eq!(schema["additionalProperties"], false, "{name} accepts unknown keys");
            for (key, property) in schema["properties"].as_object().into_iter().flatten() {
                let is_kind = gate::probe::Registry::built_in().get(key).is_some() && name == "Probe";
                assert!(is_kind || property["description"].is_string(), "{name}.{key} has no doc comment");
            }
        }
    }
    for kind in gate::probe::Registry::built_in().iter() {
        let schema = kind.settings();
        assert!(schema["description"].is_string(), "{} has no doc comment", kind.name());
        let seen = kind.observation();
        for (key, property) in seen["properties"].as_object().expect("it has fields") {
            assert!(property["description"].is_string(), "{}.{key} has no doc comment", kind.name());
        }
    }
}

/// A checklist with the example of a kind from its manual.
fn example(kind: &dyn gate::probe::Kind) -> String {
    const HEAD: &str = "title: T\nsecrets: { DATABASE_URL: , REDIS_URL: , GRAFANA_TOKEN: , GITHUB_TOKEN: }\n\
        sections: [{ title: S, items: [{ id: example, title: E, probes: [";
    format!("{HEAD}{{\n  {}\n}}] }}] }}]\n", kind.example().trim_end().replace('\n', ",\n  "))
}

/// The examples in the manual are valid.
#[test]
fn the_example_of_every_probe_is_valid() {
    for kind in gate::probe::Registry::built_in().iter() {
        let output = Project::new(&example(&**kind)).gate(&["validate"]);
        assert_eq!(output.code, 0, "{}: {}", kind.name(), output.stderr);
        assert!(kind.example().starts_with(&format!("{}:", kind.name())), "{} shows another kind", kind.name());
    }
}

/// A standard JSON Schema validator accepts all checklists that gate accepts.
#[test]
fn an_editor_marks_nothing_in_the_checklists_and_examples_that_gate_accepts() {
    const VALIDATOR: &str = "import json, sys, jsonschema\n\
        schema, documents = json.load(sys.stdin)\n\
        jsonschema.Draft7Validator.check_schema(schema)\n\
        validator = jsonschema.Draft7Validator(schema)\n\
        for name, document in documents.items():\n    \
            for error in validator.iter_errors(document): print(name, list(error.path), error.message[:300])\n";
    let mut documents = serde_json::Map::new();
    let mut add = |name: String, text: &str| {
        documents.insert(name, serde_yaml::from_str(text).expect("it is YAML"));
    };
    for name in ["_aos", "staging", "production", "gate"] {
        let text = fs::read_to_string(format!("{ROOT}/checklists/{name}.yaml")).expect("it exists");
        add(name.to_owned(), &text);
    }
    gate::probe::Registry::built_in().iter().for_each(|kind| add(kind.name().to_owned(), &example(&**kind)));
    let tcp = "{ tcp: { address: 'a:1' } }";
    let items = format!(
        "[{{ id: a, title: A, probes: [{tcp}], cleanup: {tcp} }}, {{ id: b, title: B, probes: [{tcp}], cleanup: [{tcp}] }}]"
    );
    add("cleanup".to_owned(), &format!("{{ title: T, sections: [{{ title: S, items: {items} }}] }}"));
    add("refused".to_owned(), "{ title: T, sections: [{ title: S, items: [{ id: 1, titel: T }] }] }");
    let schema: Value = serde_json::from_str(&gate(ROOT, &["schema"]).stdout).expect("it is JSON");
    let folder = Project::new("");
    let input = folder.path().join("input.json");
    fs::write(&input, json!([schema, documents]).to_string()).expect("the folder is writable");
    let input = fs::File::open(input).expect("it was written");
    let output = Command::new(python()).args(["-c", VALIDATOR]).stdin(input).output().expect("Python runs");
    let marked = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(!marked.is_empty() && marked.lines().all(|line| line.starts_with("refused ")), "{marked}");
}
