//! The imported checklist as YAML, with remarks where a person has to decide.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::sync::LazyLock;

use regex::Regex;
use serde_json::json;

use crate::yaml::{self, block, comment, quoted};

use super::gap::Gap;
use super::understand::{Imported, Item, Section, State};

static SECRET: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"\$\{secrets\.(\w+)\}").expect("it is well formed"));

/// The checklist's text.
pub fn write(imported: &Imported) -> String {
    let mut out = String::from("# yaml-language-server: $schema=checklist.schema.json\n");
    let file = comment(&imported.file);
    say(&mut out, format_args!("# From {file}. A tick there is a claim: here it is pending until a probe checks it."));
    say(
        &mut out,
        format_args!(
            "# Read each proposal; if it checks what the title says, remove the `# ` before its lines, and the line `pending`."
        ),
    );
    remarks(&imported.remarks, "", &mut out);
    say(&mut out, format_args!("title: {}\n", quoted(&imported.title)));
    secrets(imported, &mut out);
    out.push_str("sections:\n");
    for section in &imported.sections {
        write_section(section, &mut out);
    }
    if !imported.gaps.is_empty() {
        out.push_str("gaps:\n");
        imported.gaps.iter().for_each(|gap| write_gap(gap, &mut out));
    }
    out.trim_end().to_owned() + "\n"
}

/// Declares every secret that a probe or a proposal refers to.
fn secrets(imported: &Imported, out: &mut String) {
    let proposals = imported.items().filter_map(|item| item.proposal.as_ref());
    let names: BTreeSet<String> = proposals
        .flatten()
        .flat_map(|probe| {
            let text = probe.to_string();
            SECRET.captures_iter(&text).map(|found| found[1].to_owned()).collect::<Vec<_>>()
        })
        .collect();
    if names.is_empty() {
        return;
    }
    out.push_str("secrets: # from environment variables of these names; no output shows them\n");
    names.iter().for_each(|name| say(out, format_args!("  {name}:")));
    out.push('\n');
}

fn write_section(section: &Section, out: &mut String) {
    remarks(&section.remarks, "  ", out);
    say(out, format_args!("  - title: {}", quoted(&section.title)));
    say(out, format_args!("    id: {}", section.id));
    if let Some(note) = &section.note {
        say(out, format_args!("    note: {}", quoted(note)));
    }
    if !section.text.is_empty() {
        say(out, format_args!("    text: {}", block(&section.text, 6)));
    }
    if !section.items.is_empty() {
        out.push_str("    items:\n");
    }
    section.items.iter().for_each(|item| write_item(item, out));
    out.push('\n');
}

fn write_item(item: &Item, out: &mut String) {
    remarks(&item.remarks, "      ", out);
    say(out, format_args!("      - id: {}", item.id));
    say(out, format_args!("        title: {}", quoted(&item.title)));
    if let Some(parent) = &item.parent {
        say(out, format_args!("        parent: {parent}"));
    }
    if let Some(owner) = &item.owner {
        say(out, format_args!("        owner: {}", quoted(owner)));
    }
    if !item.needs.is_empty() {
        say(out, format_args!("        needs: [{}]", item.needs.join(", ")));
    }
    match &item.state {
        State::Probes => {}
        State::Pending(why) => say(out, format_args!("        pending: {}", quoted(why))),
        State::Deferred(why) => say(out, format_args!("        deferred: {}", quoted(why))),
        State::SignOff(role) => {
            if item.needs.is_empty() {
                say(
                    out,
                    format_args!("        manual: {}", quoted(if item.title.is_empty() { "…" } else { &item.title })),
                );
            }
            sign_off(role, out);
        }
        State::Manual(role, steps) => {
            say(out, format_args!("        manual: {}", block(steps, 10)));
            sign_off(role, out);
        }
    }
    let Some(proposal) = &item.proposal else { return };
    let is_remark = !matches!(item.state, State::Probes);
    let before = if is_remark { "        # " } else { "        " };
    if is_remark {
        out.push_str("        # a proposal:\n");
    }
    for line in yaml::write(&json!({ "probes": proposal })).lines() {
        say(out, format_args!("{before}{}", if is_remark { comment(line) } else { line.to_owned() }));
    }
}

/// Without a subject, a sign-off must expire.
fn sign_off(role: &str, out: &mut String) {
    say(out, format_args!("        sign_off: {{ role: {}, valid_for: 7d }}", quoted(role)));
}

fn write_gap(gap: &Gap, out: &mut String) {
    remarks(gap.remark.as_slice(), "  ", out);
    say(out, format_args!("  - gap: {}", quoted(&gap.gap)));
    match gap.items.is_empty() {
        true => out.push_str("    # name the items that it explains: items: [ID]\n"),
        false => say(out, format_args!("    items: [{}]", gap.items.join(", "))),
    }
    for (key, value) in [("priority", &gap.priority), ("owner", &gap.owner)] {
        if let Some(value) = value {
            say(out, format_args!("    {key}: {}", quoted(value)));
        }
    }
    if let Some(notes) = &gap.notes {
        say(out, format_args!("    notes: {}", block(notes, 6)));
    }
    if let Some(words) = &gap.until_words {
        let date = gap.until.as_deref().unwrap_or("YYYY-MM-DD");
        say(out, format_args!("    # the list says: {}", comment(words)));
        out.push_str("    # a proposal, if somebody accepts it through that day (its priority must be P2 to P4):\n");
        say(out, format_args!("    # accepted_until: {date}"));
        say(out, format_args!("    # accepted_by: {}", comment(&quoted(gap.owner.as_deref().unwrap_or("NAME")))));
    }
}

fn remarks(lines: &[String], indent: &str, out: &mut String) {
    lines.iter().for_each(|line| say(out, format_args!("{indent}# {}", comment(line))));
}

fn say(out: &mut String, line: std::fmt::Arguments) {
    writeln!(out, "{line}").expect("a string takes all");
}
