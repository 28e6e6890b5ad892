//! The headings of a Markdown text: parsed, so that comments, code and front matter don't count.

use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};

/// The headings of a text, in order.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Headings {
    /// All of them.
    pub all: Vec<String>,
    /// Those without content below them before the next heading of their level or a higher one: nothing, empty boxes,
    /// or only `TODO` and the like.
    pub empty: Vec<String>,
}

struct Open {
    level: u8,
    text: String,
    is_empty: bool,
}

/// The headings of a markdown text.
pub fn headings(text: &str) -> Headings {
    let options = Options::ENABLE_TABLES
        | Options::ENABLE_FOOTNOTES
        | Options::ENABLE_STRIKETHROUGH
        | Options::ENABLE_YAML_STYLE_METADATA_BLOCKS;
    let mut found = Headings::default();
    let mut above: Vec<Open> = Vec::new();
    let mut heading: Option<Open> = None;
    let mut is_front_matter = false;
    let mut block = String::new();
    for event in Parser::new_ext(text, options) {
        if !is_inside_a_block(&event) && is_content(&std::mem::take(&mut block)) {
            fill(&mut above);
        }
        match event {
            Event::Start(Tag::MetadataBlock(_)) => is_front_matter = true,
            Event::End(TagEnd::MetadataBlock(_)) => is_front_matter = false,
            Event::Start(Tag::Heading { level, .. }) => {
                let level = level as u8;
                close(&mut above, level, &mut found);
                heading = Some(Open { level, text: String::new(), is_empty: true });
            }
            Event::End(TagEnd::Heading(_)) => {
                if let Some(mut ended) = heading.take() {
                    ended.text = ended.text.split_whitespace().collect::<Vec<_>>().join(" ");
                    found.all.push(ended.text.clone());
                    above.push(ended);
                }
            }
            Event::Text(words) | Event::Code(words) | Event::InlineMath(words) | Event::DisplayMath(words) => {
                match &mut heading {
                    Some(heading) => heading.text.push_str(&words),
                    None if !is_front_matter => block.push_str(&words),
                    None => {}
                }
            }
            Event::SoftBreak | Event::HardBreak => match &mut heading {
                Some(heading) => heading.text.push(' '),
                None => block.push(' '),
            },
            Event::Html(html) | Event::InlineHtml(html) => {
                // A comment is not there for the reader.
                if heading.is_none() && !html.trim().is_empty() && !html.trim_start().starts_with("<!--") {
                    fill(&mut above);
                }
            }
            Event::Start(_) | Event::End(_) | Event::FootnoteReference(_) | Event::Rule | Event::TaskListMarker(_) => {}
        }
    }
    if is_content(&block) {
        fill(&mut above);
    }
    close(&mut above, 1, &mut found);
    // They were found empty when they ended: the inner ones first.
    let order = |text: &String| found.all.iter().position(|heading| heading == text);
    found.empty.sort_by_key(order);
    found
}

/// Whether an event belongs to the paragraph, item or cell in which it is.
fn is_inside_a_block(event: &Event) -> bool {
    match event {
        Event::Start(tag) => matches!(
            tag,
            Tag::Emphasis
                | Tag::Strong
                | Tag::Strikethrough
                | Tag::Superscript
                | Tag::Subscript
                | Tag::Link { .. }
                | Tag::Image { .. }
        ),
        Event::End(tag) => matches!(
            tag,
            TagEnd::Emphasis
                | TagEnd::Strong
                | TagEnd::Strikethrough
                | TagEnd::Superscript
                | TagEnd::Subscript
                | TagEnd::Link
                | TagEnd::Image
        ),
        _ => true,
    }
}

/// Whether a paragraph, an item or a cell says anything: not an empty box, and not only that something is missing.
fn is_content(block: &str) -> bool {
    const MARKS: [&str; 5] = ["todo", "tbd", "tba", "fixme", "wip"];
    const WHOLE: [&str; 12] = [
        "to be done",
        "to be written",
        "to be defined",
        "to be added",
        "to be completed",
        "coming soon",
        "work in progress",
        "fill in",
        "placeholder",
        "n a",
        "none",
        "xxx",
    ];
    let text = block.trim().trim_start_matches("[ ]").to_lowercase();
    let words: Vec<&str> = text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).collect();
    match words.as_slice() {
        [] => false,
        [first, ..] => !MARKS.contains(first) && !WHOLE.contains(&words.join(" ").as_str()),
    }
}

/// Ends the sections at this level and below it.
fn close(above: &mut Vec<Open>, level: u8, found: &mut Headings) {
    while let Some(last) = above.pop_if(|last| last.level >= level) {
        if last.is_empty {
            found.empty.push(last.text);
        }
    }
}

fn fill(above: &mut [Open]) {
    above.iter_mut().for_each(|open| open.is_empty = false);
}

#[cfg(test)]
mod tests {
    use insta::assert_debug_snapshot;

    use super::*;

    #[test]
    fn code_comments_and_front_matter_hold_no_headings() {
        let text = "---\ntitle: x\n---\n# Runbook\n\n```sh\n# Not one\n```\n<!--\n## Nor this\n-->\n\n    # nor this\n\n\
                    ## Roll `back` *now*\nSo.\n\nSetext\n------\nText\n\n> ## Quoted\n";
        assert_debug_snapshot!(headings(text).all, @r#"
        [
            "Runbook",
            "Roll back now",
            "Setext",
            "Quoted",
        ]
        "#);
    }

    #[test]
    fn a_section_with_nothing_in_it_is_empty() {
        let text = "# Top\n## Full\ntext\n## Comment only\n<!-- later -->\n## Parent\n### Child\n- item\n## Last\n";
        assert_debug_snapshot!(headings(text).empty, @r#"
        [
            "Comment only",
            "Last",
        ]
        "#);
    }

    #[test]
    fn a_section_of_only_placeholders_is_empty() {
        for text in [
            "TODO",
            "**TODO:** describe the *failover*",
            "- [ ]\n- [ ]",
            "…",
            "_To be written._",
            "> TBD",
            "| a |\n|---|\n| TODO |",
        ] {
            let text = format!("# Runbook\nWho and how.\n## Recovery\n{text}\n");
            let expected: &[&str] = if text.contains("| a |") { &[] } else { &["Recovery"] };
            assert_eq!(headings(&text).empty, expected, "{text}");
        }
        for text in [
            "- [ ] Restart the API",
            "`systemctl restart api`",
            "    restart\n",
            "TODO\n\nRestart it.",
            "Todos are in Jira.",
        ] {
            assert_eq!(headings(&format!("# R\n## Recovery\n{text}\n")).empty.len(), 0, "{text}");
        }
    }
}
