//! What people write behind an item: `**[PROD SETUP]**`, `(verified: commit 0f1d7aa)`.

use std::sync::LazyLock;

use regex::Regex;

/// An item's text, and what was said behind it.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Tagged {
    /// The text without tags and claims.
    pub title: String,
    /// What stands in bold brackets.
    pub tags: Vec<Tag>,
    /// What is said of how it was verified, such as `commit 0f1d7aa`; empty for a bare `(verified)`.
    pub claim: Option<String>,
}

/// What stands in bold brackets.
#[derive(Debug, PartialEq, Eq)]
pub enum Tag {
    /// `[BLOCKED: X]`: what it waits for.
    Blocked(String),
    /// `[PROD SETUP]`, `[DEFERRED: …]`: not required at this stage.
    Deferred(String),
    /// `[TODO: …]`, `[NEEDS RUN]`, `[MISSING - …]`, and anything else.
    Open(String),
}

static BRACKETS: LazyLock<Regex> = LazyLock::new(|| regex(r"\s*\*\*\[([^\]]+)\]\*\*|\s*\[([A-Z][A-Z ]{2,}[^\]]*)\]$"));
static VERIFIED: LazyLock<Regex> =
    LazyLock::new(|| regex(r"(?i)\s*\((?:last )?(?:verified|checked|confirmed|done)\b[:,]?\s*([^()]*)\)"));

fn regex(pattern: &str) -> Regex {
    Regex::new(pattern).expect("it is well formed")
}

/// Takes an item's text apart.
pub fn tagged(text: &str) -> Tagged {
    let tags = BRACKETS
        .captures_iter(text)
        .filter_map(|found| Some(tag(found.get(1).or(found.get(2))?.as_str().trim())))
        .collect();
    let bare = BRACKETS.replace_all(text, "");
    let claim = VERIFIED.captures(&bare).map(|found| found[1].trim().to_owned());
    let title = VERIFIED.replace_all(&bare, "").trim().to_owned();
    // An item that is nothing but a tag keeps its words.
    let title = if title.is_empty() { text.trim().to_owned() } else { title };
    Tagged { title, tags, claim }
}

fn tag(words: &str) -> Tag {
    let (head, rest) = words.split_once(':').map_or((words, ""), |(head, rest)| (head.trim(), rest.trim()));
    match head.to_ascii_uppercase().as_str() {
        "BLOCKED" | "BLOCKED BY" => Tag::Blocked(rest.to_owned()),
        "DEFERRED" if !rest.is_empty() => Tag::Deferred(rest.to_owned()),
        "PROD SETUP" | "DEFERRED" | "LATER" | "NOT REQUIRED" | "N/A" | "PROD ONLY" | "OUT OF SCOPE" => {
            Tag::Deferred(words.to_owned())
        }
        _ => Tag::Open(words.to_owned()),
    }
}
