//! Annotations of items: `**[PROD SETUP]**`, `(verified: commit 0f1d7aa)`, `(owner: @dana)`.

use std::sync::LazyLock;

use regex::Regex;

/// The text of an item, and its annotations.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Tagged {
    /// The text without tags, claims and owners.
    pub title: String,
    /// The bold brackets, each with its words as they are written.
    pub tags: Vec<(Tag, String)>,
    /// How it was verified, such as `verified: commit 0f1d7aa`.
    pub claims: Vec<String>,
    /// Who owns it.
    pub owner: Option<String>,
}

/// The meaning of bold brackets.
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
    LazyLock::new(|| regex(r"(?i)\s*\(((?:last )?(?:verified|checked|confirmed|done)\b[^()]*)\)"));
static OWNER: LazyLock<Regex> = LazyLock::new(|| regex(r"(?i)\s*[(\[]owners?\s*:\s*([^()\[\]]+)[)\]]"));
static OWNER_LINE: LazyLock<Regex> = LazyLock::new(|| regex(r"(?i)^(?:[-*+]\s+)?\**owners?\s*:\**\s*(\S.*)$"));

fn regex(pattern: &str) -> Regex {
    Regex::new(pattern).expect("it is well formed")
}

/// Splits the text of an item.
pub fn tagged(text: &str) -> Tagged {
    let found = BRACKETS.captures_iter(text).filter_map(|found| Some(found.get(1).or(found.get(2))?.as_str().trim()));
    let tags = found.map(|words| (tag(words), words.to_owned())).collect();
    let bare = BRACKETS.replace_all(text, "");
    let claims = VERIFIED.captures_iter(&bare).map(|found| found[1].trim().to_owned()).collect();
    let bare = VERIFIED.replace_all(&bare, "");
    let owner = OWNER.captures(&bare).map(|found| found[1].trim().to_owned());
    let title = OWNER.replace(&bare, "").trim().to_owned();
    if title.is_empty() {
        // An item that is nothing but a tag keeps its words.
        return Tagged { title: text.trim().to_owned(), ..Tagged::default() };
    }
    Tagged { title, tags, claims, owner }
}

/// The owner that a line below an item names: `Owner: @dana`.
pub fn owner(line: &str) -> Option<String> {
    let is_one = !line.contains('\n');
    OWNER_LINE.captures(line.trim()).filter(|_| is_one).map(|found| found[1].trim().to_owned())
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
