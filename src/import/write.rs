//! The imported checklist as YAML, with remarks where somebody has to decide.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::sync::LazyLock;

use regex::Regex;
use serde_json::{Value, json};

use crate::text::is_hidden;
use crate::yaml;

use super::gap::Gap;
use super::understand::{Imported, Item, Section, State};

static SECRET: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"\$\{secrets\.(\w+)\}").expect("it is well formed"));

/// The checklist's text.
pub fn write(imported: &Imported) -> String {
    let mut out = String::from("# yaml-language-server: $schema=checklist.schema.json\n");
    let file = remark(&imported.file);
    say(&mut out, format_args!("# From {file}. A tick there is a claim: here it is pending until a probe checks it."));
    say(
        &mut out,
        format_args!("# Read each proposal; where it says what the item says, remove its `#` and the line `pending`."),
    );
    remarks(&imported.remarks, "", &mut out);
    say(&mut out, format_args!("title: {}\n", text(&imported.title)));
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
    say(out, format_args!("  - title: {}", text(&section.title)));
    say(out, format_args!("    id: {}", section.id));
    if let Some(note) = &section.note {
        say(out, format_args!("    note: {}", text(note)));
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
    say(out, format_args!("        title: {}", text(&item.title)));
    if let Some(parent) = &item.parent {
        say(out, format_args!("        parent: {parent}"));
    }
    if let Some(owner) = &item.owner {
        say(out, format_args!("        owner: {}", text(owner)));
    }
    if !item.needs.is_empty() {
        say(out, format_args!("        needs: [{}]", item.needs.join(", ")));
    }
    match &item.state {
        State::Probes => {}
        State::Pending(why) => say(out, format_args!("        pending: {}", text(why))),
        State::Deferred(why) => say(out, format_args!("        deferred: {}", text(why))),
        State::SignOff(role) => {
            if item.needs.is_empty() {
                say(
                    out,
                    format_args!("        manual: {}", text(if item.title.is_empty() { "…" } else { &item.title })),
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
        say(out, format_args!("{before}{}", if is_remark { remark(line) } else { line.to_owned() }));
    }
}

/// Without a subject, what is signed has to end some day.
fn sign_off(role: &str, out: &mut String) {
    say(out, format_args!("        sign_off: {{ role: {}, valid_for: 7d }}", text(role)));
}

fn write_gap(gap: &Gap, out: &mut String) {
    remarks(gap.remark.as_slice(), "  ", out);
    say(out, format_args!("  - gap: {}", text(&gap.gap)));
    match gap.items.is_empty() {
        true => out.push_str("    # name the items that it explains: items: [ID]\n"),
        false => say(out, format_args!("    items: [{}]", gap.items.join(", "))),
    }
    for (key, value) in [("priority", &gap.priority), ("owner", &gap.owner)] {
        if let Some(value) = value {
            say(out, format_args!("    {key}: {}", text(value)));
        }
    }
    if let Some(notes) = &gap.notes {
        say(out, format_args!("    notes: {}", block(notes, 6)));
    }
    if let Some(words) = &gap.until_words {
        let date = gap.until.as_deref().unwrap_or("YYYY-MM-DD");
        say(out, format_args!("    # the list says: {}", remark(words)));
        out.push_str("    # a proposal, if somebody accepts it through that day (its priority must be P2 to P4):\n");
        say(out, format_args!("    # accepted_until: {date}"));
        say(out, format_args!("    # accepted_by: {}", remark(&text(gap.owner.as_deref().unwrap_or("NAME")))));
    }
}

fn remarks(lines: &[String], indent: &str, out: &mut String) {
    lines.iter().for_each(|line| say(out, format_args!("{indent}# {}", remark(line))));
}

fn say(out: &mut String, line: std::fmt::Arguments) {
    writeln!(out, "{line}").expect("a string takes all");
}

/// Text as a scalar that reads back as just that: quoted as JSON, which YAML reads too.
fn text(text: &str) -> String {
    let quoted = Value::from(text.replace('$', "$$")).to_string();
    // JSON lets stand what YAML does not.
    let mut out = String::with_capacity(quoted.len());
    for c in quoted.chars() {
        match c {
            c if c > '\u{ffff}' && is_hidden(c) => say_char(&mut out, 'U', 8, c),
            c if is_hidden(c) => say_char(&mut out, 'u', 4, c),
            c => out.push(c),
        }
    }
    out
}

fn say_char(out: &mut String, letter: char, digits: usize, c: char) {
    write!(out, "\\{letter}{:0digits$x}", u32::from(c)).expect("a string takes all");
}

/// Text of several lines as they are written, where YAML keeps each of their letters; else as `text` does.
fn block(source: &str, indent: usize) -> String {
    let is_plain = |c: char| c == '\n' || !is_hidden(c);
    let is_kept = source.contains('\n')
        && source.chars().all(is_plain)
        && !source.starts_with([' ', '\n'])
        && !source.ends_with('\n');
    if !is_kept {
        return text(source);
    }
    let mut out = "|-".to_owned();
    for line in source.replace('$', "$$").lines() {
        out.push('\n');
        if !line.is_empty() {
            write!(out, "{:indent$}{line}", "").expect("a string takes all");
        }
    }
    out
}

/// Text that stays on the line of its remark.
fn remark(text: &str) -> String {
    text.chars().map(|c| if is_hidden(c) { ' ' } else { c }).collect()
}
