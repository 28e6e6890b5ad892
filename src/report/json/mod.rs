//! `json`: the whole record with its verdict and counts, for programs.

mod convert;
mod v1;

use std::io::{self, Write};

use schemars::generate::SchemaSettings;

use crate::run::Run;
use crate::text::json;

use super::RenderOptions;
use v1::Document;
pub use v1::Item;

/// The run as one JSON document, in checklist order.
pub fn render(run: &Run, _options: &RenderOptions, out: &mut dyn Write) -> io::Result<()> {
    json::write_pretty(&Document::from(run), &mut *out)?;
    writeln!(out)
}

/// Reads a document back as the run that it was made from.
///
/// # Errors
/// Where it is not such a document, in words.
pub fn read(bytes: &[u8]) -> Result<Run, String> {
    let wrong = |problem: serde_json::Error| match (problem.line(), problem.column()) {
        (0, _) => "it is not a JSON report of gate".to_owned(),
        (line, column) => format!("it is not a JSON report of gate: see line {line}, column {column}"),
    };
    let document: Document = serde_json::from_slice(bytes).map_err(wrong)?;
    match document.version {
        v1::VERSION => Ok(document.into()),
        version => Err(format!("it has version {version} of the format, and this gate reads version {}", v1::VERSION)),
    }
}

/// The JSON Schema of the document, as of draft 7.
pub fn schema() -> serde_json::Value {
    let generator = SchemaSettings::draft07().into_generator();
    generator.into_root_schema_for::<Document>().to_value()
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;

    use super::*;
    use crate::report::sample::{self, now, probe, red, run, section};
    use crate::run::{ItemResult, ProbeResult, Status};

    fn shown(run: &Run) -> String {
        let mut out = Vec::new();
        render(run, &RenderOptions::plain(now()), &mut out).expect("a vector takes all");
        String::from_utf8(out).expect("JSON is UTF-8")
    }

    #[test]
    fn the_document_begins_with_the_verdict_and_the_counts() {
        let document = shown(&run([section("API", [red("api", "API answers", Status::Failed, "status is 500")])]));
        let (head, _) = document.split_once("\"gate\"").expect("the run follows");
        assert_snapshot!(head, @r#"
        {
          "schema": "gate.run/v1",
          "verdict": "not-ready",
          "counts": {
            "total": 1,
            "green": 0,
            "passed": 0,
            "failed": 1,
            "error": 0,
            "blocked": 0,
            "pending": 0,
            "waived": 0,
            "deferred": 0,
            "causes": 0,
            "flaky": 0,
            "insecure": 0,
            "advisory": 0,
            "advisory_red": 0
          },
          "version": 1,
        "#);
    }

    /// Every field of the form, with a value. To edit it is to break the readers of published documents.
    const GOLDEN: &str = include_str!("v1.json");

    #[test]
    fn the_form_is_frozen() {
        let run = Run::from(serde_json::from_str::<Document>(GOLDEN).expect("it is a document of this form"));
        assert_eq!(shown(&run), GOLDEN);
    }

    #[test]
    fn a_document_of_gate_0_1_is_read() {
        let is_newer = |line: &&str| {
            ["dirty", "vars", "schema", "shard", "source", "definition", "stale", "manual", "parent", "severity", "via"]
                .iter()
                .any(|key| line.contains(key))
        };
        let old: String = GOLDEN.lines().filter(|line| !is_newer(line)).collect();
        let run = Run::from(serde_json::from_str::<Document>(&old).expect("it is a document of this form"));
        assert_eq!(run.items().next().map(|item| (&item.source, &item.definition)), Some((&None, &None)));
    }

    #[test]
    fn a_document_reads_back_as_the_run_that_it_was() {
        let mut run = sample::m9();
        let seen = serde_json::value::to_raw_value(&[1, 2]).expect("numbers are JSON");
        run.sections[0].items[0].probes =
            vec![ProbeResult { observation: Some(seen), ..probe("sql", Status::Passed, None) }];
        let document: Document = serde_json::from_str(&shown(&run)).expect("it is a document of this form");
        let read = Run::from(document);
        assert_eq!(shown(&read), shown(&run));
    }

    #[test]
    fn the_document_is_json_for_any_observation() {
        let item = ItemResult { title: "\u{1b}[31m\u{0}\"\u{2028}".into(), ..red("x", "", Status::Error, "\n") };
        let value: serde_json::Value =
            serde_json::from_str(&shown(&run([section("API", [item])]))).expect("it is JSON");
        assert_eq!(value["sections"][0]["items"][0]["title"], "\u{1b}[31m\u{0}\"\u{2028}");
    }

    #[test]
    fn the_schema_knows_every_key_of_a_document_and_says_what_it_means() {
        let schema = schema();
        assert_eq!(schema["$schema"], "http://json-schema.org/draft-07/schema#");
        let document: serde_json::Value = serde_json::from_str(&shown(&sample::m9())).expect("it is JSON");
        for key in document.as_object().expect("a document is an object").keys() {
            assert!(schema["properties"][key]["description"].is_string(), "{key} is not explained: {schema:#}");
        }
    }
}
