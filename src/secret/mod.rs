//! Secret values, and the redactor that everything passes before it is stored or printed.

mod entity;
mod escape;
mod form;
mod part;
mod redacted;
mod search;
mod word;

use std::borrow::Cow;
use std::collections::HashSet;
use std::fmt;
use std::sync::{Arc, OnceLock};

use serde_json::Value;

use search::KnownSecrets;
use word::Word;

pub use redacted::{Redact, Redacted};

/// Replaces every secret value, and the forms that it takes on the way, by its name.
///
/// The forms: raw, base64 (standard and URL-safe, with and without padding, at each of the three alignments),
/// hexadecimal; and each of these with any of its characters escaped as in JSON and string literals, HTML, or URLs. Of a
/// URL the password alone as well, of a text of several lines each line. Values shorter than 4 characters are not looked
/// for.
///
/// A value that was cut is hidden too: from 8 characters on at the end of a text and before `…`, a closing quote or a
/// bracket, elsewhere from 12 bytes and half of the value on.
///
/// Clones share what they know: what one of them learns, all of them hide from then on.
#[derive(Clone, Default)]
pub struct Redactor {
    secrets: Arc<Secrets>,
}

/// The secrets that are known at one time.
#[derive(Default)]
struct Secrets {
    known: KnownSecrets,
    /// The same and one more, which was learned later. Reading it takes no lock, and usually there is none.
    next: OnceLock<Arc<Secrets>>,
}

impl From<KnownSecrets> for Secrets {
    fn from(known: KnownSecrets) -> Self {
        Self { known, next: OnceLock::new() }
    }
}

impl Redactor {
    /// A redactor for these secrets: name and value.
    pub fn new<'a>(secrets: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let secrets = secrets.into_iter().filter(|(_, value)| form::is_long_enough(value.trim()));
        let secrets = secrets.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        Self { secrets: Arc::new(KnownSecrets::new(secrets).into()) }
    }

    /// A redactor for what either of them hides. A value with two names is called by this one's.
    #[must_use]
    pub fn and(&self, other: &Self) -> Self {
        let (known, others) = (self.known(), other.known());
        let own: HashSet<&str> = known.secrets().map(|(_, value)| value.as_str()).collect();
        let mut new = others.secrets().filter(|(_, value)| !own.contains(value.as_str())).peekable();
        if new.peek().is_none() {
            return self.clone();
        }
        if known.is_empty() {
            return other.clone();
        }
        Self::new(known.secrets().chain(new).map(|(name, value)| (name.as_str(), value.as_str())))
    }

    /// Also hides this value from now on. For a token that a server issues during a run, this happens before its first
    /// use.
    pub fn learn(&self, name: &str, value: &str) {
        let is_known = |latest: &Secrets| latest.known.secrets().any(|(_, known)| known == value);
        let mut latest = self.latest();
        while form::is_long_enough(value.trim()) && !is_known(latest) {
            // It fails if another was learned at the same time: then this one is appended to that.
            let _ = latest.next.set(Arc::new(latest.known.and(name, value).into()));
            latest = self.latest();
        }
    }

    /// Whether it has learned a value since it was made.
    pub fn has_learned(&self) -> bool {
        self.secrets.next.get().is_some()
    }

    fn latest(&self) -> &Secrets {
        let mut latest = &*self.secrets;
        while let Some(next) = latest.next.get() {
            latest = next;
        }
        latest
    }

    /// The patterns. None is the usual case in tests, and costs nothing.
    fn known(&self) -> &KnownSecrets {
        &self.latest().known
    }

    /// The text with `[NAME]` in place of a value.
    pub fn redact<'t>(&self, text: &'t str) -> Cow<'t, str> {
        self.known().redacted(text).map_or(Cow::Borrowed(text), Cow::Owned)
    }

    /// Hides every secret in the value.
    pub fn hide(&self, value: &mut impl Redact) {
        if !self.known().is_empty() {
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
        self.known().masked(text).map_or(Cow::Borrowed(text), Cow::Owned)
    }

    /// Every text in the value, keys of maps too, redacted in place. A number whose digits are a secret becomes text.
    pub fn redact_json(&self, value: &mut Value) {
        let known = self.known();
        if !known.is_empty() {
            known.redact_json(value);
        }
    }

    /// One line for a POSIX shell: each argument quoted as it needs, `$NAME` (in double quotes) in place of a value.
    ///
    /// Where only a form of a value was, or the name is not one of a variable, it is `<NAME>`, for a person to fill in.
    pub fn shell(&self, argv: &[String]) -> String {
        self.words(argv).to_string()
    }

    /// The same for a command line that runs on another machine. `ssh` leads there; values are filled in here.
    pub fn shell_on(&self, ssh: &[String], argv: &[String]) -> String {
        Word::joined([self.words(ssh), self.words(argv).quoted()]).to_string()
    }

    /// A command line, each argument quoted.
    fn words(&self, argv: &[String]) -> Word {
        Word::joined(argv.iter().map(|argument| self.word(argument).quoted()))
    }

    /// An argument, with variables in place of values.
    fn word(&self, argument: &str) -> Word {
        let known = self.known();
        let mut word = Word::default();
        let mut end = 0;
        for hit in known.hits(argument) {
            word.push_text(&argument[end..hit.range.start]);
            let name = known.name(&hit);
            if hit.is_raw && is_variable(name) {
                word.push_variable(name);
            } else {
                word.push_placeholder(name);
            }
            end = hit.range.end;
        }
        word.push_text(&argument[end..]);
        word
    }
}

/// Names only: the automaton's own `Debug` would print the values.
impl fmt::Debug for Redactor {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.debug_tuple("Redactor").field(&self.known().secrets().map(|(name, _)| name).collect::<Vec<_>>()).finish()
    }
}

/// Whether a name is one of an environment variable, as everybody writes them: a setting such as `token` names none.
fn is_variable(name: &str) -> bool {
    name.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_')
        && !name.starts_with(|c: char| c.is_ascii_digit())
}

#[cfg(test)]
mod tests;
