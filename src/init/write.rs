//! The proposed checklist as YAML, with comments where a person has to decide.

use std::fmt::Write;

use serde_json::Value;

use crate::yaml::{comment, flow, lines, quoted};

use super::draft::{Draft, Part, Proposal};

/// A line that is longer is written as a block.
const WIDTH: usize = 118;
/// Where items begin.
const INDENT: &str = "      ";

/// The checklist's text. `name` is that of the checklist.
pub fn write(draft: &Draft, name: &str) -> String {
    let mut out = format!(
        "# yaml-language-server: $schema=checklist.schema.json\n\
         # Proposed by `gate init` from the files of this repository. Read each item; change or delete what is wrong.\n\
         # TODO marks what the files don't say. `gate validate` reports mistakes, and `gate check {}` runs the checklist.\n",
        comment(name)
    );
    draft.remarks.iter().for_each(|remark| say(&mut out, format_args!("# {}", comment(remark))));
    say(&mut out, format_args!("title: {}\n", quoted(&draft.title)));
    if !draft.variables.is_empty() {
        out.push_str("vars: # where the services are; an environment variable overrides each default\n");
    }
    for variable in &draft.variables {
        let value = flow(&Value::from(variable.value.as_str()));
        say(&mut out, format_args!("  {}: {value} # {}", variable.name, comment(&variable.from)));
    }
    if !draft.variables.is_empty() {
        out.push('\n');
    }
    if !draft.secrets.is_empty() {
        out.push_str("secrets: # environment variables of these names; no output shows their values\n");
    }
    for secret in &draft.secrets {
        say(&mut out, format_args!("  {}: # {}", secret.name, comment(&secret.from)));
    }
    if !draft.secrets.is_empty() {
        out.push('\n');
    }
    out.push_str("sections:\n");
    if draft.live().next().is_none() {
        out.push_str(NOTHING);
    }
    Part::ALL.iter().for_each(|part| section(*part, draft, &mut out));
    out.push_str(SIGN_OFF);
    out
}

/// The section of a checklist in which nothing can be checked yet.
const NOTHING: &str = "  - title: First
    items:
      # TODO: say what must be true, with a probe: `gate list --probes` names all kinds
      - id: first
        title: The service answers
        pending: no probe yet
        # probes:
        #   - http: { url: \"http://127.0.0.1:8000/healthz\" }

";

/// The sign-off, which no file of a repository describes.
const SIGN_OFF: &str = "  # TODO: if a person has to confirm the release, name who, and what they confirm:
  # - title: Sign-off
  #   items:
  #     - id: qa
  #       title: QA confirms the release
  #       manual: What the person does, step by step
  #       sign_off: { role: QA lead, valid_for: 7d }
";

fn section(part: Part, draft: &Draft, out: &mut String) {
    let items: Vec<&Proposal> = draft.proposals.iter().filter(|item| item.part == part).collect();
    if items.is_empty() {
        return;
    }
    let (title, id) = part.title();
    let mark = if items.iter().all(|item| item.held.is_some()) { "# " } else { "" };
    say(out, format_args!("  {mark}- title: {title}\n  {mark}  id: {id}\n  {mark}  items:"));
    items.iter().for_each(|own| item(own, draft, out));
    out.push('\n');
}

fn item(item: &Proposal, draft: &Draft, out: &mut String) {
    say(out, format_args!("{INDENT}# {}", comment(&item.from)));
    if let Some(why) = &item.held {
        say(out, format_args!("{INDENT}# TODO: left out: {}", comment(why)));
    }
    item.todo.iter().for_each(|what| say(out, format_args!("{INDENT}# TODO: {}", comment(what))));
    let mark = if item.held.is_some() { "# " } else { "" };
    let mut line = |text: &str| say(out, format_args!("{INDENT}{mark}{text}"));
    line(&format!("- id: {}", item.id));
    // In an item of a list, the element is a reference.
    let text = |text: &str| match item.each.is_empty() {
        true => quoted(text),
        false => quoted(text).replace("$${each", "${each"),
    };
    line(&format!("  title: {}", text(&item.title)));
    if !item.each.is_empty() {
        let each = flow(&Value::from(item.each.as_slice()));
        match each.chars().count() + INDENT.len() + 10 <= WIDTH {
            true => line(&format!("  each: {each}")),
            false => {
                line("  each:");
                item.each.iter().for_each(|element| line(&format!("    - {}", flow(element))));
            }
        }
    }
    let (needs, later) = (draft.live_needs(item), draft.held_needs(item).join(" and "));
    match (needs.is_empty(), later.is_empty()) {
        (true, true) => {}
        (true, false) => line(&format!("  # needs {later}, once it is an item")),
        (false, true) => line(&format!("  needs: [{}]", needs.join(", "))),
        (false, false) => line(&format!("  needs: [{}] # and {later}, once it is an item", needs.join(", "))),
    }
    line("  probes:");
    for probe in &item.probes {
        probe_lines(probe).iter().for_each(|own| line(&format!("    {own}")));
    }
    if let Some(hint) = &item.hint {
        line(&format!("  hint: {}", text(hint)));
    }
}

/// A probe: each of its keys on a line, or as a block where that is too long.
fn probe_lines(probe: &Value) -> Vec<String> {
    let lines = lines(probe, WIDTH - INDENT.len() - 20).into_iter().enumerate();
    lines.map(|(at, line)| format!("{}{line}", if at == 0 { "- " } else { "  " })).collect()
}

fn say(out: &mut String, line: std::fmt::Arguments) {
    writeln!(out, "{line}").expect("a string takes all");
}
