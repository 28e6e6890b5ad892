//! Some secrets: finds all of their forms in one pass, and beginnings of them where the text is cut off.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::{Arc, OnceLock};

use aho_corasick::{AhoCorasick, AhoCorasickKind};

use super::escape;
use super::form::{self, Edges, Form};

/// A shorter beginning of a secret could occur by chance.
const STEM: usize = 8;

/// The characters that follow where a text was cut or quoted.
const CUTS: &str = "…\"'`)]}>";

/// As much of a secret, in bytes, is hidden wherever it is found, if that is at least half of the secret.
const MOST: usize = 12;

/// How much of a form, in bytes, is searched for; the rest is compared where that is found. Keys and tokens are long,
/// and have many forms.
const HEAD: usize = 48;

/// Some secrets: names and values.
pub struct Part {
    secrets: Vec<(String, String)>,
    // Built on demand: a command may print nothing.
    forms: OnceLock<Forms>,
}

/// The kind of a match.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Found {
    /// The value itself.
    Raw,
    /// A form of it, or a part.
    Derived,
    /// `[NAME]`: inserted before, and left alone.
    Marker,
}

struct Forms {
    /// The beginning of each pattern.
    automaton: AhoCorasick,
    patterns: Vec<Pattern>,
    /// The first characters of the longer forms, for where a text breaks off.
    stems: AhoCorasick,
    /// The forms that each of them begins.
    stemmed: Vec<Stemmed>,
}

struct Pattern {
    text: Arc<str>,
    means: Means,
}

#[derive(Clone, Copy)]
struct Means {
    secret: usize,
    found: Found,
    edges: Edges,
}

struct Stemmed {
    text: Arc<str>,
    /// How much of it must be there.
    least: usize,
    secret: usize,
}

impl Part {
    /// These secrets: names and values.
    pub fn new(secrets: Vec<(String, String)>) -> Self {
        Self { secrets, forms: OnceLock::new() }
    }

    /// Names and values.
    pub fn secrets(&self) -> &[(String, String)] {
        &self.secrets
    }

    /// Passes on where in the text secrets are, each by its number.
    pub fn find(&self, text: &str, mut report: impl FnMut(Range<usize>, usize, Found)) {
        let forms = self.forms.get_or_init(|| Forms::new(&self.secrets));
        for matched in forms.automaton.find_overlapping_iter(text) {
            let Pattern { text: whole, means } = &forms.patterns[matched.pattern().as_usize()];
            if text[matched.start()..].starts_with(&**whole) {
                let range = matched.start()..matched.start() + whole.len();
                report(means.edges.widen(text, range), means.secret, means.found);
            }
        }
        forms.find_beginnings(text, |range, secret| report(range, secret, Found::Derived));
    }
}

impl Forms {
    fn new(secrets: &[(String, String)]) -> Self {
        let mut found: HashMap<Arc<str>, Means> = HashMap::new();
        let mut stemmed = Vec::new();
        let raw = |secret| Means { secret, found: Found::Raw, edges: Edges::default() };
        // A value that is a secret of its own keeps its name, even if it is also part of another secret.
        for (secret, (_, value)) in secrets.iter().enumerate() {
            for text in [value.as_str(), value.trim()] {
                found.entry(text.into()).or_insert(raw(secret));
            }
        }
        for (secret, (name, value)) in secrets.iter().enumerate() {
            found.entry(format!("[{name}]").into()).or_insert(Means { found: Found::Marker, ..raw(secret) });
            for Form { text, edges, public } in form::all(value) {
                let text: Arc<str> = text.into();
                if let Some(least) = least(&text, public) {
                    stemmed.push(Stemmed { text: Arc::clone(&text), least, secret });
                }
                found.entry(text).or_insert(Means { secret, found: Found::Derived, edges });
            }
        }
        let patterns: Vec<Pattern> = found.into_iter().map(|(text, means)| Pattern { text, means }).collect();
        let heads = patterns.iter().map(|pattern| &pattern.text[..pattern.text.floor_char_boundary(HEAD)]);
        let stems = stemmed.iter().map(|form| &form.text[..form.least.min(form.text.len())]);
        Self { automaton: automaton(heads), stems: automaton(stems), patterns, stemmed }
    }

    /// Finds where a secret was cut off: at the end of the text, before a `…` or a closing quote or bracket, and
    /// anywhere once most of it is there.
    fn find_beginnings(&self, text: &str, mut report: impl FnMut(Range<usize>, usize)) {
        for matched in self.stems.find_overlapping_iter(text) {
            let Stemmed { text: whole, secret, .. } = &self.stemmed[matched.pattern().as_usize()];
            let rest = &text[matched.start()..];
            let common: usize = rest
                .chars()
                .zip(whole.chars())
                .take_while(|(one, other)| one == other)
                .map(|(c, _)| c.len_utf8())
                .sum();
            // The next character may have been an escape that was cut: `%4` of `%40`. Its own first character may be
            // the same as that of the escape: `%2` of `%25`.
            let certain = rest[..common].strip_suffix(['\\', '&', '%']).map_or(common, str::len);
            let cut = [common, certain].into_iter().find_map(|end| {
                let end = end + escape::broken(&rest[end..]);
                rest[end..].chars().next().is_none_or(|next| CUTS.contains(next)).then_some(end)
            });
            let is_most = common >= MOST && common * 2 >= whole.len();
            if let Some(end) = cut.or(is_most.then_some(common)) {
                report(matched.start()..matched.start() + end, *secret);
            }
        }
    }
}

/// How many bytes of a form say more than anyone may see. Nothing where that is (nearly) all of it.
fn least(text: &str, public: usize) -> Option<usize> {
    let (eighth, _) = text.char_indices().nth(STEM)?;
    let (beyond, _) = text.char_indices().find(|(at, _)| *at > public)?;
    Some(eighth.max(beyond))
}

fn automaton<T: AsRef<[u8]>>(texts: impl IntoIterator<Item = T>) -> AhoCorasick {
    // By default it would make a DFA, which takes milliseconds: more than a short run has to search through.
    let automaton = AhoCorasick::builder().kind(Some(AhoCorasickKind::ContiguousNFA)).build(texts);
    automaton.expect("secrets are far smaller than what an automaton can hold")
}
