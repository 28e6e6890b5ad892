//! The manual: a page for each kind of probe and each check, generated from the code.

mod field;
mod terminal;

use std::fmt::Write;

use serde_json::Value;

use crate::checklist::Described;
use crate::probe::{Kind, Registry};
use crate::yaml;

use field::{Field, fields, one_line};

pub use terminal::wrapped;

/// Writing to a string.
const TAKES_ALL: &str = "a string takes all";

/// The page of a kind of probe, in markdown.
pub fn probe(kind: &dyn Kind) -> String {
    let settings = kind.settings();
    let mut page = String::new();
    let what = settings["description"].as_str().unwrap_or_default();
    writeln!(page, "# `{}`\n\n{}\n", kind.name(), paragraphs(what)).expect(TAKES_ALL);
    writeln!(page, "```yaml\nprobes:\n{}```\n", entry(kind.example())).expect(TAKES_ALL);
    writeln!(page, "Default expectation: `{}`. {}\n", kind.expect().trim(), effects(kind)).expect(TAKES_ALL);
    page.push_str("## Settings\n\n");
    page.push_str("| setting | type | default | what it does |\n|---|---|---|---|\n");
    for Field { path, kind, is_required, default, description } in fields(&settings) {
        let (description, said) = without_default(&description);
        let absent = match (said, default) {
            _ if is_required => "required".to_owned(),
            (Some(said), _) => said,
            (None, Some(default)) => format!("`{default}`"),
            (None, None) => "none".to_owned(),
        };
        writeln!(page, "| `{path}` | {kind} | {absent} | {description} |").expect(TAKES_ALL);
    }
    page.push_str("\n## Observation\n\nThe fields that `expect` can test:\n\n");
    page.push_str("| path | type | meaning |\n|---|---|---|\n");
    for Field { path, kind, description, .. } in fields(&kind.observation()) {
        writeln!(page, "| `{path}` | {kind} | {description} |").expect(TAKES_ALL);
    }
    page
}

/// The page of a check, in markdown.
pub fn check(check: &Described) -> String {
    let mut page = String::new();
    writeln!(page, "# `{}`\n\n{}\n", check.name, check.description.trim()).expect(TAKES_ALL);
    writeln!(page, "```yaml\nprobes:\n{}```\n", entry(&use_of(check))).expect(TAKES_ALL);
    if !check.inputs.is_empty() {
        page.push_str("| input | default | what it is |\n|---|---|---|\n");
    }
    for input in &check.inputs {
        let absent = input.default.as_ref().map_or("required".to_owned(), |default| format!("`{default}`"));
        writeln!(page, "| `{}` | {absent} | {} |", input.name, one_line(&input.description)).expect(TAKES_ALL);
    }
    let kinds: Vec<String> = check.kinds.iter().map(|kind| format!("[`{kind}`](../probes/{kind}.md)")).collect();
    writeln!(page, "\nIt uses {}:\n\n```yaml\n{}```", kinds.join(" and "), check.text).expect(TAKES_ALL);
    page
}

/// The page that leads to all others, in markdown.
pub fn index(registry: &Registry, checks: &[Described]) -> String {
    let mut page = "# Reference\n\n`gate show --probe NAME` and `gate show --check NAME` print these pages.\n\n\
        [The lines of the M9 checklist](m9.md), each with its item, its probes and the test that breaks it.\n\n\
        ## Probes\n\n| kind | what it does |\n|---|---|\n"
        .to_owned();
    for kind in registry.iter() {
        let name = kind.name();
        writeln!(page, "| [`{name}`](probes/{name}.md) | {} |", one_line(&summary(&**kind))).expect(TAKES_ALL);
    }
    page.push_str(
        "\n## Checks\n\nLists of probes that come with gate, for use with `use:`. A file of the same name in your own\n",
    );
    page.push_str("`checks/` overrides one of these.\n\n| check | what it verifies |\n|---|---|\n");
    for Described { name, description, .. } in checks {
        writeln!(page, "| [`{name}`](checks/{name}.md) | {} |", one_line(description)).expect(TAKES_ALL);
    }
    page
}

/// A description without the sentence about its default, and that default.
fn without_default(description: &str) -> (String, Option<String>) {
    const BEGIN: &str = "Default: ";
    let Some((before, rest)) = description.split_once(BEGIN) else { return (description.to_owned(), None) };
    let end =
        rest.match_indices(". ").find(|(at, _)| rest[at + 2..].starts_with(|c: char| c.is_uppercase() || c == '`'));
    let (default, after) = end.map_or((rest, ""), |(at, _)| (&rest[..at], &rest[at + 2..]));
    (format!("{before}{after}").trim_end().to_owned(), Some(default.trim_end_matches('.').to_owned()))
}

/// The summary of a kind of probe, in a sentence.
pub fn summary(kind: &dyn Kind) -> String {
    let settings = kind.settings();
    let text = settings["description"].as_str().unwrap_or_default();
    let first = text.split("\n\n").next().unwrap_or_default();
    let text = first.split_whitespace().collect::<Vec<_>>().join(" ");
    // A dot inside of a word, or before more of the sentence, is not the end.
    let end = text.match_indices(". ").find(|(at, _)| text[at + 2..].starts_with(char::is_uppercase));
    end.map_or_else(|| text.clone(), |(at, _)| text[..=at].to_owned())
}

/// When the probe may change something.
fn effects(kind: &dyn Kind) -> String {
    match kind.effects() {
        None => "It changes nothing.".to_owned(),
        Some(when) => {
            format!(
                "{when} When it may change something, `--read-only` blocks it, and an inherited `retry` does not repeat it."
            )
        }
    }
}

/// The entry of `probes` that uses a check, with its required inputs.
fn use_of(check: &Described) -> String {
    let given = check.inputs.iter().filter(|input| input.default.is_none() || input.example.is_some());
    let given: serde_json::Map<String, Value> =
        given.map(|input| (input.name.clone(), input.example.clone().unwrap_or_else(|| "…".into()))).collect();
    let mut entry = format!("use: {}\n", check.name);
    if !given.is_empty() {
        entry.push_str("with:\n");
        yaml::write(&Value::Object(given)).lines().for_each(|line| {
            writeln!(entry, "  {line}").expect(TAKES_ALL);
        });
    }
    entry
}

/// The lines of an entry, as an element of a list.
fn entry(lines: &str) -> String {
    let mut out = String::new();
    for (number, line) in lines.lines().enumerate() {
        let before = if number == 0 { "  - " } else { "    " };
        out.push_str(format!("{before}{line}").trim_end());
        out.push('\n');
    }
    out
}

/// The paragraphs of a doc comment, each in one line.
fn paragraphs(text: &str) -> String {
    let lines = text.split("\n\n").map(|paragraph| paragraph.split_whitespace().collect::<Vec<_>>().join(" "));
    lines.collect::<Vec<_>>().join("\n\n")
}
