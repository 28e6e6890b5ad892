//! The headings of a markdown text: parsed, so that comments, code and front matter don't count.

use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};

/// The headings of a text, in order.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Headings {
    /// All of them.
    pub all: Vec<String>,
    /// Those with nothing below them before the next heading of their level or a higher one.
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
    for event in Parser::new_ext(text, options) {
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
                    None if !is_front_matter && !words.trim().is_empty() => fill(&mut above),
                    None => {}
                }
            }
            Event::SoftBreak | Event::HardBreak => {
                if let Some(heading) = &mut heading {
                    heading.text.push(' ');
                }
            }
            Event::Html(html) | Event::InlineHtml(html) => {
                // A comment is not there for the reader.
                if heading.is_none() && !html.trim().is_empty() && !html.trim_start().starts_with("<!--") {
                    fill(&mut above);
                }
            }
            Event::Start(_) | Event::End(_) | Event::FootnoteReference(_) | Event::Rule | Event::TaskListMarker(_) => {}
        }
    }
    close(&mut above, 1, &mut found);
    // They were found empty when they ended: the inner ones first.
    let order = |text: &String| found.all.iter().position(|heading| heading == text);
    found.empty.sort_by_key(order);
    found
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
}
