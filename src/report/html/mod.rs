//! `html`: one page for people who don't use a terminal: the verdict, red items and their reasons, what to do, who must
//! sign.
//!
//! It loads nothing, runs nothing and has no links, whatever was observed.

mod page;
mod prose;

use std::fmt::Write as _;
use std::io::{self, Write};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use minijinja::value::Serde;
use minijinja::{Environment, Value};
use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::run::Run;

use super::RenderOptions;
use page::Page;

const TEMPLATE: &str = include_str!("page.html");
const STYLE: &str = include_str!("page.css");

/// The page with its style, whose digest is in the policy.
#[derive(Serialize)]
struct Styled {
    style: &'static str,
    style_hash: String,
    #[serde(flatten)]
    page: Page,
}

/// The run as a page.
pub fn render(run: &Run, options: &RenderOptions, out: &mut dyn Write) -> io::Result<()> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(minijinja::UndefinedBehavior::Strict);
    environment.add_filter("code", |text: &str| Value::from_safe_string(code(text)));
    environment.add_filter("markdown", |text: &str| Value::from_safe_string(prose::html(text)));
    // The suffix of the name turns escaping on.
    let template = environment.template_from_named_str("page.html", TEMPLATE).map_err(io::Error::other)?;
    let style_hash = STANDARD.encode(Sha256::digest(STYLE));
    let page = Styled { style: STYLE, style_hash, page: Page::of(run, options) };
    let text = template.render(Serde(page)).map_err(io::Error::other)?;
    writeln!(out, "{text}")
}

/// Text with the parts in backticks as code.
fn code(text: &str) -> String {
    let parts: Vec<&str> = text.split('`').collect();
    // An odd backtick is only a backtick.
    let is_paired = parts.len() % 2 == 1;
    let mut out = String::new();
    for (number, part) in parts.iter().enumerate() {
        let escaped = escape(part);
        let result = match number % 2 {
            1 if is_paired => write!(out, "<code>{escaped}</code>"),
            _ if number > 0 && !is_paired => write!(out, "`{escaped}"),
            _ => write!(out, "{escaped}"),
        };
        result.expect("a string takes all");
    }
    out
}

fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#x27;"),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::{code, render};
    use crate::report::{RenderOptions, sample};

    #[test]
    fn backticks_in_pairs_are_code_and_nothing_else_is_markup() {
        assert_eq!(code("a `b<c>` d"), "a <code>b&lt;c&gt;</code> d");
        assert_eq!(code("a ` <b>"), "a ` &lt;b&gt;");
        assert_eq!(code("\"'&"), "&quot;&#x27;&amp;");
    }

    #[test]
    fn the_statuses_that_occur_are_explained() {
        let mut page = Vec::new();
        let run = sample::run([sample::section("S", [sample::passed("api", "API", "200")])]);
        render(&run, &RenderOptions::plain(sample::now()), &mut page).expect("a vector takes all");
        let page = String::from_utf8(page).expect("pages are UTF-8");
        let legend = page.split_once("What the words mean").expect("it explains").1;
        assert!(legend.contains(">passed</span></span><span>checked, and as expected"), "{legend}");
        assert!(!legend.contains("blocked"), "{legend}");
    }
}
