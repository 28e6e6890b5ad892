//! Finds secrets in a text: all of their forms in one pass, and beginnings of them where the text is cut off.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::ops::Range;

use aho_corasick::{AhoCorasick, AhoCorasickKind};
use serde_json::Value;

use super::form::{self, Edges, Form};

/// A shorter beginning of a secret could occur by chance.
const STEM: usize = 8;

/// What follows where a text was cut and quoted.
const CUTS: &str = "…\"'`)]}>";

/// As much of a secret, in bytes, is hidden wherever it is found, if that is at least half of the secret.
const MOST: usize = 12;

/// Everything to search for.
pub struct Known {
    automaton: AhoCorasick,
    /// What each pattern of the automaton refers to.
    patterns: Vec<Pattern>,
    /// The first characters of the longer forms, for where a text breaks off.
    stems: AhoCorasick,
    /// What each of them begins.
    stemmed: Vec<Stemmed>,
    names: Vec<String>,
}

#[derive(Clone, Copy)]
struct Pattern {
    secret: usize,
    means: Means,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Means {
    /// The value itself.
    Raw,
    /// A form of it, or a part.
    Derived(Edges),
    /// `[NAME]`: inserted before, and left alone.
    Marker,
}

struct Stemmed {
    text: String,
    /// How much of it must be there.
    least: usize,
    secret: usize,
}

/// A stretch of text that must not be shown.
pub struct Hit {
    /// Where it is.
    pub range: Range<usize>,
    /// The secret.
    pub secret: usize,
    /// Whether it is the value itself, not a form or a piece of it.
    pub is_raw: bool,
    longest: usize,
}

impl Known {
    /// The patterns for these names and values.
    pub fn new(secrets: &[(String, String)]) -> Self {
        let mut found: HashMap<String, Pattern> = HashMap::new();
        let mut stemmed = Vec::new();
        // What is somebody's own value is called by that name, also where it is a part of another's.
        for (secret, (_, value)) in secrets.iter().enumerate() {
            for text in [value.as_str(), value.trim()] {
                found.entry(text.to_owned()).or_insert(Pattern { secret, means: Means::Raw });
            }
        }
        for (secret, (name, value)) in secrets.iter().enumerate() {
            found.entry(format!("[{name}]")).or_insert(Pattern { secret, means: Means::Marker });
            for Form { text, edges, public } in form::all(value) {
                if let Some(least) = least(&text, public) {
                    stemmed.push(Stemmed { text: text.clone(), least, secret });
                }
                found.entry(text).or_insert(Pattern { secret, means: Means::Derived(edges) });
            }
        }
        let (texts, patterns): (Vec<String>, Vec<Pattern>) = found.into_iter().unzip();
        let stems = stemmed.iter().map(|form| &form.text[..form.least.min(form.text.len())]);
        Self {
            automaton: automaton(&texts),
            patterns,
            stems: automaton(stems),
            stemmed,
            names: secrets.iter().map(|(name, _)| name.clone()).collect(),
        }
    }

    /// The name of a hit.
    pub fn name(&self, hit: &Hit) -> &str {
        &self.names[hit.secret]
    }

    /// The text with `[NAME]` in place of a value, or nothing where none did.
    pub fn redacted(&self, text: &str) -> Option<String> {
        let hits = self.hits(text);
        if hits.is_empty() {
            return None;
        }
        let mut out = String::with_capacity(text.len());
        let mut end = 0;
        for hit in hits {
            out.push_str(&text[end..hit.range.start]);
            out.push('[');
            out.push_str(self.name(&hit));
            out.push(']');
            end = hit.range.end;
        }
        out.push_str(&text[end..]);
        Some(out)
    }

    /// The text with an asterisk for each byte of a value, so that every position in it stays what it was. Nothing
    /// where there is none.
    pub fn masked(&self, text: &str) -> Option<String> {
        let hits = self.hits(text);
        if hits.is_empty() {
            return None;
        }
        let mut out = String::with_capacity(text.len());
        let mut end = 0;
        for hit in hits {
            out.push_str(&text[end..hit.range.start]);
            // A value of several lines keeps its line breaks: what follows stays on its line.
            out.extend(text[hit.range.clone()].bytes().map(|byte| if byte == b'\n' { '\n' } else { '*' }));
            end = hit.range.end;
        }
        out.push_str(&text[end..]);
        Some(out)
    }

    /// What to hide, in order and apart. Where secrets overlap, all of what they cover is one hit, called by the
    /// longest: taking only the first would show the end of the second.
    pub fn hits(&self, text: &str) -> Vec<Hit> {
        let mut markers: Vec<Range<usize>> = Vec::new();
        let mut found: Vec<Hit> = Vec::new();
        for matched in self.automaton.find_overlapping_iter(text) {
            let Pattern { secret, means } = self.patterns[matched.pattern().as_usize()];
            let (range, is_raw) = match means {
                Means::Marker => {
                    markers.push(matched.range());
                    continue;
                }
                Means::Raw => (matched.range(), true),
                Means::Derived(edges) => (edges.widen(text, matched.range()), false),
            };
            found.push(Hit { longest: range.len(), range, secret, is_raw });
        }
        self.find_beginnings(text, &mut found);
        if !markers.is_empty() {
            found.retain(|hit| {
                !markers.iter().any(|marker| marker.start <= hit.range.start && hit.range.end <= marker.end)
            });
        }
        apart(found)
    }

    /// Finds where a secret was cut off: at the end of the text, before a `…` or a closing quote or bracket, and
    /// anywhere once most of it is there.
    fn find_beginnings(&self, text: &str, found: &mut Vec<Hit>) {
        for matched in self.stems.find_overlapping_iter(text) {
            let Stemmed { text: whole, secret, .. } = &self.stemmed[matched.pattern().as_usize()];
            let rest = &text[matched.start()..];
            // Half an escape, such as the `%` of `%40`, is there as it is in the form.
            let common: usize = rest
                .chars()
                .zip(whole.chars())
                .take_while(|(one, other)| one == other)
                .map(|(c, _)| c.len_utf8())
                .sum();
            let is_cut = rest[common..].chars().next().is_none_or(|next| CUTS.contains(next));
            let is_most = common >= MOST && common * 2 >= whole.len();
            if is_cut || is_most {
                let range = matched.start()..matched.start() + common;
                found.push(Hit { longest: range.len(), range, secret: *secret, is_raw: false });
            }
        }
    }

    /// Every text in the value redacted in place.
    pub fn redact_json(&self, value: &mut Value) {
        match value {
            Value::String(text) => {
                if let Some(redacted) = self.redacted(text) {
                    *text = redacted;
                }
            }
            Value::Number(number) => {
                // Only a whole number: a port that a long secret happens to hold is not a secret.
                let digits = number.to_string();
                if self.hits(&digits).iter().any(|hit| hit.is_raw && hit.range.len() == digits.len()) {
                    *value = Value::String(self.redacted(&digits).expect("it has a hit"));
                }
            }
            Value::Array(elements) => elements.iter_mut().for_each(|element| self.redact_json(element)),
            Value::Object(fields) => {
                fields.values_mut().for_each(|field| self.redact_json(field));
                if fields.keys().any(|key| !self.hits(key).is_empty()) {
                    *fields = self.with_redacted_keys(std::mem::take(fields));
                }
            }
            Value::Null | Value::Bool(_) => {}
        }
    }

    /// The same fields in the same order. Keys that become the same are reported apart by a number.
    fn with_redacted_keys(&self, fields: serde_json::Map<String, Value>) -> serde_json::Map<String, Value> {
        let mut renamed = serde_json::Map::with_capacity(fields.len());
        for (key, field) in fields {
            let name = self.redacted(&key).unwrap_or(key);
            let mut unique = name.clone();
            let mut count = 1;
            while renamed.contains_key(&unique) {
                count += 1;
                unique = format!("{name} ({count})");
            }
            renamed.insert(unique, field);
        }
        renamed
    }
}

/// The same stretches, in order, with those that overlap made one.
fn apart(mut found: Vec<Hit>) -> Vec<Hit> {
    found.sort_by_key(|hit| (hit.range.start, Reverse(hit.range.end), !hit.is_raw, hit.secret));
    let mut hits: Vec<Hit> = Vec::new();
    for hit in found {
        match hits.last_mut().filter(|last| hit.range.start < last.range.end) {
            None => hits.push(hit),
            Some(last) => {
                if hit.range.end > last.range.end {
                    last.range.end = hit.range.end;
                    last.is_raw = false;
                }
                if hit.longest > last.longest {
                    last.secret = hit.secret;
                    last.longest = hit.longest;
                }
            }
        }
    }
    hits
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
