//! `sarif`: the Static Analysis Results Interchange Format, version 2.1.0, for code scanning. A rule is an item.

use std::io::{self, Write};

use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use serde_json::{Value, json};

use crate::run::{ItemResult, Run, Status};
use crate::text::json;

use super::finding::{Effect, cut_short, facts, fingerprint, is_cut_short, place, reason, short};
use super::{RenderOptions, words};

const SCHEMA: &str = "https://json.schemastore.org/sarif-2.1.0.json";
/// Characters that must be escaped in the path of a URI.
const RESERVED: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'#')
    .add(b'%')
    .add(b'<')
    .add(b'>')
    .add(b'?')
    .add(b'[')
    .add(b'\\')
    .add(b']')
    .add(b'^')
    .add(b'`')
    .add(b'{')
    .add(b'|')
    .add(b'}')
    .add(b':');

/// Every item as a rule, and every item that is not green as a result.
pub fn render(run: &Run, options: &RenderOptions, out: &mut dyn Write) -> io::Result<()> {
    let items: Vec<&ItemResult> = run.items().collect();
    let mut rules: Vec<Value> = items.iter().map(|item| rule(item)).collect();
    let found = items.iter().enumerate().filter_map(|(index, item)| result(run, item, index, options));
    let mut results: Vec<Value> = found.collect();
    if is_cut_short(run) {
        results.push(json!({
            "ruleId": "interrupted",
            "ruleIndex": rules.len(),
            "level": "error",
            "message": { "text": cut_short(run) },
            "locations": [location(&run.file, 1, 1, options)],
        }));
        rules.push(json!({ "id": "interrupted", "shortDescription": { "text": "The run was completed" } }));
    }
    let ended = run.started.checked_add(jiff::SignedDuration::from_millis(run.duration_ms.cast_signed()));
    let log = json!({
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": { "name": "gate", "version": short(&run.gate), "rules": rules } },
            "automationDetails": { "id": format!("gate/{}/", short(&run.name)) },
            "columnKind": "unicodeCodePoints",
            "invocations": [{
                "executionSuccessful": run.interrupted.is_none(),
                "startTimeUtc": utc(run.started),
                "endTimeUtc": utc(ended.unwrap_or(run.started)),
            }],
            "results": results,
            "properties": { "verdict": words(run.verdict()), "subject": run.subject.as_deref().map(short) },
        }],
    });
    json::write_pretty(&log, &mut *out)?;
    writeln!(out)
}

fn rule(item: &ItemResult) -> Value {
    let title = short(&item.title);
    let level = if item.advisory { "warning" } else { "error" };
    let mut rule = json!({
        "id": short(&item.id),
        "shortDescription": { "text": title },
        "fullDescription": { "text": title },
        "defaultConfiguration": { "level": level },
    });
    if let Some(hint) = &item.hint {
        rule["help"] = json!({ "text": short(hint) });
    }
    if !item.tags.is_empty() {
        // The schema wants each once.
        let mut tags: Vec<String> = item.tags.iter().map(|tag| short(tag)).collect();
        tags.sort();
        tags.dedup();
        rule["properties"] = json!({ "tags": tags });
    }
    rule
}

fn result(run: &Run, item: &ItemResult, index: usize, options: &RenderOptions) -> Option<Value> {
    let level = match Effect::of(item) {
        Effect::Passes | Effect::Skipped => return None,
        Effect::Excused => "warning",
        Effect::Fails => "error",
    };
    let facts = facts(item).into_iter().map(|fact| format!("{}: {}", fact.label, fact.text));
    let why = reason(run, item);
    let lines: Vec<String> = std::iter::once(format!("{}: {why}", short(&item.title))).chain(facts).collect();
    let place = place(run, item);
    let mut result = json!({
        "ruleId": short(&item.id),
        "ruleIndex": index,
        "level": level,
        "message": { "text": lines.join("\n") },
        "locations": [location(&place.file, place.line, place.column, options)],
        "partialFingerprints": { "gateItem/v1": fingerprint(run, &item.id) },
        "properties": { "status": item.status.word() },
    });
    if item.status == Status::Waived {
        result["suppressions"] = json!([{ "kind": "external", "status": "accepted", "justification": why }]);
    }
    Some(result)
}

fn location(file: &str, line: usize, column: usize, options: &RenderOptions) -> Value {
    let path = options.workspace.relative(file);
    let uri = utf8_percent_encode(&path, RESERVED).to_string();
    json!({
        "physicalLocation": {
            "artifactLocation": { "uri": uri },
            "region": { "startLine": line.max(1), "startColumn": column.max(1) },
        },
    })
}

fn utc(instant: jiff::Timestamp) -> String {
    instant.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}
