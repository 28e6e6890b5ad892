//! `intoto`: an in-toto statement of the test result, to be signed by cosign or `gh attestation`.

use std::io::{self, Write};

use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::run::{ItemResult, Run, Status, Verdict};
use crate::text::json;

use super::RenderOptions;
use super::finding::{Effect, short};

/// <https://github.com/in-toto/attestation/blob/main/spec/v1/statement.md>
const STATEMENT: &str = "https://in-toto.io/Statement/v1";
/// <https://github.com/in-toto/attestation/blob/main/spec/predicates/test-result.md>
const PREDICATE: &str = "https://in-toto.io/attestation/test-result/v0.1";

#[derive(Serialize)]
struct Statement {
    #[serde(rename = "_type")]
    kind: &'static str,
    subject: [Resource; 1],
    #[serde(rename = "predicateType")]
    predicate_type: &'static str,
    predicate: Predicate,
}

#[derive(Serialize)]
struct Resource {
    name: String,
    digest: Map<String, Value>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Predicate {
    result: &'static str,
    configuration: [Resource; 1],
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<String>,
    passed_tests: Vec<String>,
    warned_tests: Vec<String>,
    failed_tests: Vec<String>,
}

/// The run as a statement about the commit, the image or the checklist.
pub fn render(run: &Run, _options: &RenderOptions, out: &mut dyn Write) -> io::Result<()> {
    let ids =
        |wanted: fn(&ItemResult) -> bool| run.items().filter(move |item| wanted(item)).map(|item| short(&item.id));
    let warned: Vec<String> = ids(is_warning).collect();
    let result = match run.verdict() {
        Verdict::NotReady | Verdict::Unknown => "FAILED",
        Verdict::Ready if warned.is_empty() => "PASSED",
        Verdict::Ready => "WARNED",
    };
    let statement = Statement {
        kind: STATEMENT,
        subject: [subject(run)],
        predicate_type: PREDICATE,
        predicate: Predicate {
            result,
            configuration: [checklist(run)],
            url: run.ci.as_deref().map(short),
            passed_tests: ids(|item| item.status == Status::Passed && !item.flaky).collect(),
            warned_tests: warned,
            failed_tests: ids(|item| Effect::of(item) == Effect::Fails).collect(),
        },
    };
    json::write_pretty(&statement, &mut *out)?;
    writeln!(out)
}

/// Waived, advisory and not green, or flaky.
fn is_warning(item: &ItemResult) -> bool {
    Effect::of(item) == Effect::Excused || (item.flaky && item.status == Status::Passed)
}

/// The image that `subject` names by its digest, else the commit, else the checklist. If tracked files differed from
/// the commit, it is not the commit.
fn subject(run: &Run) -> Resource {
    let image = run.subject.as_deref().and_then(|subject| {
        let (name, digest) = subject.rsplit_once("sha256:")?;
        let name = name.strip_suffix('@').or_else(|| name.is_empty().then_some(&run.name))?;
        is_hex(digest, &[64]).then(|| resource(name, "sha256", digest))
    });
    let commit = || {
        let commit = run.commit.as_deref().filter(|commit| is_hex(commit, &[40, 64]) && run.dirty != Some(true))?;
        Some(resource(&run.name, "gitCommit", commit))
    };
    image.or_else(commit).unwrap_or_else(|| checklist(run))
}

fn checklist(run: &Run) -> Resource {
    resource(&run.file, "sha256", &run.digest)
}

fn resource(name: &str, algorithm: &str, digest: &str) -> Resource {
    let Value::Object(digest) = json!({ algorithm: digest.to_ascii_lowercase() }) else { unreachable!("it is a map") };
    Resource { name: short(name), digest }
}

fn is_hex(text: &str, lengths: &[usize]) -> bool {
    lengths.contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}
