//! Secret values, and the one redactor that stands between what probes bring and everything that is kept or printed.

mod form;
mod redacted;
mod search;

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use serde_json::Value;

use crate::text::shell::quoted;
use search::Known;

pub use redacted::{Redact, Redacted};

/// Replaces every secret value, and the forms that it takes on the way, by its name.
///
/// The forms: raw, URL-encoded (`%2F` and `+`, both cases of the hex digits), base64 (standard and URL-safe, with and
/// without padding, at each of the three alignments), JSON-escaped, HTML-escaped, hexadecimal. Of a URL the password alone as well,
/// of a text of several lines each line. Values shorter than 4 characters are not looked for.
///
/// A value that was cut is hidden too: from 8 characters on at the end of a text and before `…`, a closing quote or a
/// bracket, elsewhere from 12 bytes and half of the value on.
#[derive(Clone, Default)]
pub struct Redactor {
    // Nothing to look for is the usual case for `gate validate` and for tests, and must cost nothing.
    known: Option<Arc<Known>>,
}

impl Redactor {
    /// A redactor for these secrets: name and value.
    pub fn new<'a>(secrets: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let secrets: Vec<(&str, &str)> =
            secrets.into_iter().filter(|(_, value)| form::is_long_enough(value.trim())).collect();
        if secrets.is_empty() {
            return Self::default();
        }
        Self { known: Some(Arc::new(Known::new(&secrets))) }
    }

    /// The text with `[NAME]` where a value stood.
    pub fn redact<'t>(&self, text: &'t str) -> Cow<'t, str> {
        self.known.as_ref().and_then(|known| known.redacted(text)).map_or(Cow::Borrowed(text), Cow::Owned)
    }

    /// Hides every secret in the value.
    pub fn hide(&self, value: &mut impl Redact) {
        if self.known.is_some() {
            value.redact(self);
        }
    }

    /// The value with every secret in it hidden, as the type that the ledger, reports and every output take.
    pub fn pass<T: Redact>(&self, mut value: T) -> Redacted<T> {
        self.hide(&mut value);
        Redacted::new(value)
    }

    /// The text with an asterisk for each byte of a value: every position in it stays what it was.
    pub fn mask<'t>(&self, text: &'t str) -> Cow<'t, str> {
        self.known.as_ref().and_then(|known| known.masked(text)).map_or(Cow::Borrowed(text), Cow::Owned)
    }

    /// Every text in the value, keys of maps too, redacted in place. A number whose digits are a secret becomes text.
    pub fn redact_json(&self, value: &mut Value) {
        if let Some(known) = &self.known {
            known.redact_json(value);
        }
    }

    /// One line for a POSIX shell: each argument quoted as it needs, `$NAME` (in double quotes) where a value stood.
    ///
    /// Where only a form of a value stood, or the name is not one that a shell can hold, it is `<NAME>`, for a person
    /// to fill in.
    pub fn shell(&self, argv: &[String]) -> String {
        let words: Vec<String> = argv.iter().map(|argument| self.word(argument)).collect();
        words.join(" ")
    }

    fn word(&self, argument: &str) -> String {
        let hits = self.known.as_ref().map(|known| known.hits(argument)).unwrap_or_default();
        let Some(known) = self.known.as_ref().filter(|_| !hits.is_empty()) else { return quoted(argument) };
        let mut word = String::from("\"");
        let mut end = 0;
        for hit in hits {
            push_escaped(&mut word, &argument[end..hit.range.start]);
            let name = known.name(&hit);
            if hit.is_raw && is_identifier(name) {
                let next = argument[hit.range.end..].chars().next();
                match next {
                    Some(c) if c.is_ascii_alphanumeric() || c == '_' => word.push_str(&format!("${{{name}}}")),
                    Some(_) | None => word.push_str(&format!("${name}")),
                }
            } else {
                push_escaped(&mut word, &format!("<{name}>"));
            }
            end = hit.range.end;
        }
        push_escaped(&mut word, &argument[end..]);
        word.push('"');
        word
    }
}

/// Names only: the automaton's own `Debug` would print what it looks for.
impl fmt::Debug for Redactor {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let names = self.known.as_ref().map(|known| known.names()).unwrap_or_default();
        f.debug_tuple("Redactor").field(&names).finish()
    }
}

/// Text within double quotes: the four characters that keep their meaning there lose it.
fn push_escaped(word: &mut String, text: &str) {
    for c in text.chars() {
        if matches!(c, '"' | '\\' | '$' | '`') {
            word.push('\\');
        }
        word.push(c);
    }
}

fn is_identifier(name: &str) -> bool {
    name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') && !name.starts_with(|c: char| c.is_ascii_digit())
}

#[cfg(test)]
mod tests;
