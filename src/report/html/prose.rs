//! The Markdown that people write in a checklist, as HTML without links, images or HTML of its own.

use pulldown_cmark::{Event, HeadingLevel, Options, Parser, Tag, TagEnd, html};

/// Text of a section or the steps of an item. URLs stay text: the page leads to no other host.
pub(super) fn html(markdown: &str) -> String {
    let options = Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH;
    let mut links = Vec::new();
    let events = Parser::new_ext(markdown, options).filter_map(|event| match event {
        Event::Html(text) | Event::InlineHtml(text) => Some(Event::Text(text)),
        Event::Start(Tag::Heading { id, classes, attrs, .. }) => {
            Some(Event::Start(Tag::Heading { level: HeadingLevel::H5, id, classes, attrs }))
        }
        Event::End(TagEnd::Heading(_)) => Some(Event::End(TagEnd::Heading(HeadingLevel::H5))),
        Event::Start(Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. }) => {
            links.push((dest_url, String::new()));
            None
        }
        Event::End(TagEnd::Link | TagEnd::Image) => {
            let (url, text) = links.pop()?;
            (*url != *text).then(|| Event::Text(format!(" ({url})").into()))
        }
        event => {
            if let (Event::Text(text) | Event::Code(text), Some((_, shown))) = (&event, links.last_mut()) {
                shown.push_str(text);
            }
            Some(event)
        }
    });
    let mut page = String::new();
    html::push_html(&mut page, events);
    page
}

#[cfg(test)]
mod tests {
    use super::html;

    #[test]
    fn markdown_becomes_html_without_links_images_and_html_of_its_own() {
        for (markdown, expected) in [
            ("Run **all** of `a<b`.", "<p>Run <strong>all</strong> of <code>a&lt;b</code>.</p>\n"),
            ("# Notes\n- one", "<h5>Notes</h5>\n<ul>\n<li>one</li>\n</ul>\n"),
            ("[runbook](https://a.example/?x=1&y)", "<p>runbook (https://a.example/?x=1&amp;y)</p>\n"),
            ("<https://a.example>", "<p>https://a.example</p>\n"),
            ("![up](https://a.example/badge.svg)", "<p>up (https://a.example/badge.svg)</p>\n"),
            ("[x](javascript:alert%281%29)", "<p>x (javascript:alert%281%29)</p>\n"),
            ("a <img src=x onerror=alert(1)> b", "<p>a &lt;img src=x onerror=alert(1)&gt; b</p>\n"),
            ("<script>alert(1)</script>", "&lt;script&gt;alert(1)&lt;/script&gt;"),
            ("- [x] done by hand", "<ul>\n<li>[x] done by hand</li>\n</ul>\n"),
        ] {
            assert_eq!(html(markdown), expected, "{markdown}");
        }
    }
}
