//! The imported checklist as YAML, with remarks where somebody has to decide.

use std::fmt::Write;

use serde_json::{Value, json};

use crate::text::is_hidden;
use crate::yaml;

use super::understand::{Gap, Imported, Item, Section, State};

/// The checklist's text.
pub fn write(imported: &Imported) -> String {
    let mut out = String::from("# yaml-language-server: $schema=checklist.schema.json\n");
    let file = remark(&imported.file);
    say(&mut out, format_args!("# From {file}. A tick there is a claim: here it is pending until something looks."));
    say(
        &mut out,
        format_args!("# Read each proposal; where it says what the item says, let it stand and remove `pending`."),
    );
    say(&mut out, format_args!("title: {}\n\nsections:", text(&imported.title)));
    for section in &imported.sections {
        write_section(section, &mut out);
    }
    if !imported.gaps.is_empty() {
        out.push_str("gaps:\n");
        imported.gaps.iter().for_each(|gap| write_gap(gap, &mut out));
    }
    out.trim_end().to_owned() + "\n"
}

fn write_section(section: &Section, out: &mut String) {
    say(out, format_args!("  - title: {}", text(&section.title)));
    say(out, format_args!("    id: {}", section.id));
    if let Some(note) = &section.note {
        say(out, format_args!("    note: {}", text(note)));
    }
    if !section.text.is_empty() {
        say(out, format_args!("    text: {}", text(&section.text)));
    }
    if !section.items.is_empty() {
        out.push_str("    items:\n");
    }
    section.items.iter().for_each(|item| write_item(item, out));
    out.push('\n');
}

fn write_item(item: &Item, out: &mut String) {
    for line in &item.remarks {
        say(out, format_args!("      # {}", remark(line)));
    }
    say(out, format_args!("      - id: {}", item.id));
    say(out, format_args!("        title: {}", text(&item.title)));
    if !item.needs.is_empty() {
        say(out, format_args!("        needs: [{}]", item.needs.join(", ")));
    }
    match &item.state {
        State::Probes => {}
        State::Pending(why) => say(out, format_args!("        pending: {}", text(why))),
        State::Deferred(why) => say(out, format_args!("        deferred: {}", text(why))),
        State::SignOff(role) => {
            if item.needs.is_empty() {
                say(out, format_args!("        manual: {}", text(&item.title)));
            }
            say(out, format_args!("        sign_off: {{ role: {}, valid_for: 7d }}", text(role)));
        }
    }
    let Some(proposal) = &item.proposal else { return };
    let is_remark = !matches!(item.state, State::Probes);
    let before = if is_remark { "        # " } else { "        " };
    if is_remark {
        out.push_str("        # a proposal:\n");
    }
    for line in yaml::write(&json!({ "probes": proposal.probes })).lines() {
        say(out, format_args!("{before}{}", if is_remark { remark(line) } else { line.to_owned() }));
    }
}

fn write_gap(gap: &Gap, out: &mut String) {
    say(out, format_args!("  - gap: {}", text(&gap.gap)));
    match gap.items.is_empty() {
        true => out.push_str("    # name the items that it explains: items: [ID]\n"),
        false => say(out, format_args!("    items: [{}]", gap.items.join(", "))),
    }
    for (key, value) in [("priority", &gap.priority), ("owner", &gap.owner), ("notes", &gap.notes)] {
        if let Some(value) = value {
            say(out, format_args!("    {key}: {}", text(value)));
        }
    }
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

/// Text that stays on the line of its remark.
fn remark(text: &str) -> String {
    text.chars().map(|c| if is_hidden(c) { ' ' } else { c }).collect()
}
