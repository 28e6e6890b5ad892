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

/// How much of a form, in bytes, is compared at every place. All of a longer one is compared once for each stretch of
/// text: a server may send a secret such as `xxxx…` back, which begins at each of its characters.
const WINDOW: usize = 4096;

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
        let mut compared = Compared::default();
        for matched in forms.automaton.find_overlapping_iter(text) {
            let pattern = matched.pattern().as_usize();
            let Pattern { text: whole, means } = &forms.patterns[pattern];
            let length = compared.common(pattern, text, matched.start(), whole);
            let range = matched.start()..matched.start() + length;
            if length == whole.len() {
                report(means.edges.widen(text, range), means.secret, means.found);
            } else if length >= whole.floor_char_boundary(WINDOW) {
                report(range, means.secret, Found::Derived);
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
        let mut compared = Compared::default();
        for matched in self.stems.find_overlapping_iter(text) {
            let pattern = matched.pattern().as_usize();
            let Stemmed { text: whole, secret, .. } = &self.stemmed[pattern];
            let rest = &text[matched.start()..];
            let common = compared.common(pattern, text, matched.start(), whole);
            // The next character may have been an escape that was cut: `%4` of `%40`. Its own first character may be
            // the same as that of the escape: `%2` of `%25`.
            let certain = rest[..common].strip_suffix(['\\', '&', '%']).map_or(common, str::len);
            let cut = [common, certain].into_iter().find_map(|end| {
                let end = end + escape::broken(&rest[end..]);
                rest[end..].chars().next().is_none_or(|next| CUTS.contains(next)).then_some(end)
            });
            let is_most = common >= MOST && common * 2 >= whole.len().min(WINDOW);
            if let Some(end) = cut.or(is_most.then_some(common)) {
                report(matched.start()..matched.start() + end, *secret);
            }
        }
    }
}

/// How far a text is known to be the beginning of each of the patterns that are longer than [`WINDOW`].
#[derive(Default)]
struct Compared(HashMap<usize, usize>);

impl Compared {
    /// How many bytes at this place are those at the beginning of a pattern, up to a character's end. Of a stretch that
    /// is known already, at most [`WINDOW`].
    fn common(&mut self, pattern: usize, text: &str, start: usize, whole: &str) -> usize {
        let rest = &text[start..];
        let known = self.0.get(&pattern).copied().unwrap_or_default();
        let mut length = common(rest.as_bytes(), &whole.as_bytes()[..WINDOW.min(whole.len())]);
        if length == WINDOW && start + length > known {
            length = common(rest.as_bytes(), whole.as_bytes());
            self.0.insert(pattern, start + length);
        }
        rest.floor_char_boundary(length)
    }
}

/// The length of the common beginning: compared in blocks, which takes a fraction of the time.
fn common(one: &[u8], other: &[u8]) -> usize {
    const BLOCK: usize = 64;
    if one.starts_with(other) {
        return other.len();
    }
    let blocks = one.chunks_exact(BLOCK).zip(other.chunks_exact(BLOCK)).take_while(|(one, other)| one == other).count();
    let at = blocks * BLOCK;
    at + one[at..].iter().zip(&other[at..]).take_while(|(one, other)| one == other).count()
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
