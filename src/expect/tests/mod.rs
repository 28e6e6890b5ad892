//! How expectations are read and judged.

mod argument;
mod cut;
mod holding;
mod problem;
mod property;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Value, json};

use crate::diagnostic::{Diagnostics, Sources};
use crate::yaml;

use super::{Expectation, read};

/// Reads `expect`, and gives what is wrong with it as the user sees it.
pub fn load(expect: &str, schema: &Value) -> Result<Vec<Expectation>, String> {
    let mut sources = Sources::default();
    let file = sources.add("c.yaml", expect.trim_start_matches('\n'));
    let mut problems = Vec::new();
    let node = yaml::parse(&sources, file, &mut problems).expect("the tests know YAML");
    let read = read(&node, schema, &mut problems);
    if problems.is_empty() { Ok(read) } else { Err(Diagnostics(problems).render(&sources, false)) }
}

/// The result of each expectation, one a line.
fn judged(expect: &str, observation: &Value) -> String {
    let now: Timestamp = "2025-12-06T12:00:00Z".parse().expect("a timestamp");
    let expectations = load(expect, &Value::Bool(true)).unwrap_or_else(|problems| panic!("{problems}"));
    let lines = expectations.iter().map(|expectation| {
        let judgement = expectation.judge(observation, &[], now);
        match judgement.reason() {
            None => format!("ok: {} {}", judgement.path, judgement.expected),
            Some(reason) => reason.to_owned(),
        }
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// The problems of an `expect` for a [`Seen`].
fn problems(expect: &str) -> String {
    load(expect, &schema()).err().unwrap_or_else(|| "nothing is wrong".to_owned())
}

fn schema() -> Value {
    let settings = schemars::generate::SchemaSettings::draft07().for_serialize();
    settings.into_generator().into_root_schema_for::<Seen>().into()
}

/// An observation with a field of every sort.
#[derive(Serialize, JsonSchema)]
struct Seen {
    /// A whole number.
    status: u16,
    /// A number.
    latency_ms: f64,
    /// True or false.
    at_head: bool,
    /// Text.
    url: String,
    /// Text, or absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<String>,
    /// One of a few words.
    state: State,
    /// A list of texts.
    current: Vec<String>,
    /// A list of numbers.
    values: Vec<f64>,
    /// A map of counts.
    by_status: std::collections::BTreeMap<u16, u64>,
    /// A struct of its own.
    #[serde(skip_serializing_if = "Option::is_none")]
    dashboards: Option<Dashboards>,
    /// Anything.
    json: Option<Value>,
}

/// The dashboards of a Grafana.
#[derive(Serialize, JsonSchema)]
struct Dashboards {
    /// How many.
    count: usize,
    /// Their titles.
    titles: Vec<String>,
    /// Their folders.
    folders: Vec<Folder>,
}

/// A folder.
#[derive(Serialize, JsonSchema)]
struct Folder {
    /// Its title.
    title: String,
}

/// The state.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[expect(dead_code, reason = "only its schema is used")]
enum State {
    /// It is used.
    Active,
    /// It is not.
    DisabledManually,
}

#[test]
fn a_failure_says_what_was_expected_and_what_was_found() {
    let expectations = load("dashboards.count: { at_least: 4 }", &schema()).expect("a valid expectation");
    let seen = json!({ "dashboards": { "count": 3 } });
    insta::assert_debug_snapshot!(expectations[0].judge(&seen, &[], Timestamp::UNIX_EPOCH), @r#"
    Judgement {
        path: "dashboards.count",
        expected: "at least 4",
        observed: "3",
        outcome: Fails(
            "dashboards.count: expected at least 4, got 3",
        ),
    }
    "#);
    insta::assert_debug_snapshot!(expectations[0].judge(&json!({}), &[], Timestamp::UNIX_EPOCH), @r#"
    Judgement {
        path: "dashboards.count",
        expected: "at least 4",
        observed: "nothing",
        outcome: Fails(
            "dashboards.count: not found (dashboards is missing)",
        ),
    }
    "#);
}

#[test]
fn a_value_from_outside_is_text_or_the_number_that_it_spells() {
    let span = crate::diagnostic::Span::default();
    let filled = |text: &str| yaml::Node::from_json(&json!({ "status": text, "url": text }), span);
    let mut problems = Vec::new();
    let expectations = read(&filled("200"), &schema(), &mut problems);
    assert!(problems.is_empty());
    let seen = json!({ "status": 200, "url": "200" });
    assert!(expectations.iter().all(|one| one.judge(&seen, &[], Timestamp::UNIX_EPOCH).reason().is_none()));
    read(&filled("abc"), &schema(), &mut problems);
    assert_eq!(problems.iter().map(|problem| problem.title()).collect::<Vec<_>>(), ["`status` can never be `\"abc\"`"]);
}

#[test]
fn the_schema_for_editors_explains_every_operator() {
    let schema = super::json_schema();
    let operators = &schema["anyOf"][1]["properties"];
    for operator in super::OPERATORS {
        let doc = operators[operator.name]["description"].as_str().expect(operator.name);
        assert!(doc.starts_with(operator.doc) && doc.contains(operator.example), "{}", operator.name);
    }
    assert_eq!(operators["not"]["allOf"][0]["$ref"], "#/definitions/matcher");
}
