//! Finds secrets in a text, and replaces them.

use std::cmp::Reverse;
use std::ops::Range;
use std::sync::Arc;

use serde_json::Value;

use super::escape;
use super::part::{Found, Part};

/// Everything to search for, in parts: what is learned later becomes a part of its own, and small parts are joined, so
/// that learning and searching stay fast after many.
#[derive(Clone, Default)]
pub struct KnownSecrets {
    parts: Vec<Arc<Part>>,
}

/// A stretch of text that must not be shown.
pub struct Hit {
    /// Where it is.
    pub range: Range<usize>,
    /// Whether it is the value itself, not a form or a piece of it.
    pub is_raw: bool,
    /// The part, and the secret in it.
    secret: (usize, usize),
    longest: usize,
}

impl Hit {
    /// Whether a hit of the same kind begins in it.
    fn is_continued_by(&self, next: &Self) -> bool {
        self.secret == next.secret && self.is_raw == next.is_raw && self.range.contains(&next.range.start)
    }

    /// Lets it end here, if that is later.
    fn extend(&mut self, end: usize) {
        if end > self.range.end {
            self.range.end = end;
            self.is_raw = false;
        }
    }
}

impl KnownSecrets {
    /// The patterns for these names and values.
    pub fn new(secrets: Vec<(String, String)>) -> Self {
        let parts = if secrets.is_empty() { Vec::new() } else { vec![Arc::new(Part::new(secrets))] };
        Self { parts }
    }

    /// The same with one more.
    pub fn and(&self, name: &str, value: &str) -> Self {
        let mut parts = self.parts.clone();
        let mut secrets = vec![(name.to_owned(), value.to_owned())];
        while let Some(part) = parts.pop_if(|part| part.secrets().len() <= secrets.len()) {
            secrets.splice(0..0, part.secrets().iter().cloned());
        }
        parts.push(Arc::new(Part::new(secrets)));
        Self { parts }
    }

    /// Names and values.
    pub fn secrets(&self) -> impl Iterator<Item = &(String, String)> {
        self.parts.iter().flat_map(|part| part.secrets())
    }

    /// Whether there is nothing to search for.
    pub fn is_empty(&self) -> bool {
        self.parts.is_empty()
    }

    /// The name of a hit.
    pub fn name(&self, hit: &Hit) -> &str {
        let (part, secret) = hit.secret;
        &self.parts[part].secrets()[secret].0
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

    /// The ranges to hide, in order and apart. Where secrets overlap, all of what they cover is one hit, called by the
    /// longest: taking only the first would show the end of the second.
    pub fn hits(&self, text: &str) -> Vec<Hit> {
        let mut markers: Vec<Range<usize>> = Vec::new();
        let mut found: Vec<Hit> = Vec::new();
        if self.is_empty() {
            return found;
        }
        let mut search = |text: &str, origin: Option<&dyn Fn(Range<usize>) -> Range<usize>>| {
            for (at, part) in self.parts.iter().enumerate() {
                part.find(text, |range, secret, is| {
                    let range = origin.map_or_else(|| range.clone(), |origin| origin(range.clone()));
                    match is {
                        Found::Marker => markers.push(range),
                        Found::Raw | Found::Derived => {
                            let is_raw = is == Found::Raw && origin.is_none();
                            let hit = Hit { longest: range.len(), range, secret: (at, secret), is_raw };
                            // A secret such as `xxxx` is at every place of a long text of it.
                            match found.last_mut().filter(|last| last.is_continued_by(&hit)) {
                                Some(last) => last.extend(hit.range.end),
                                None => found.push(hit),
                            }
                        }
                    }
                });
            }
        };
        search(text, None);
        escape::undo(text, |text, origin| search(text, Some(origin)));
        if !markers.is_empty() {
            found.retain(|hit| {
                !markers.iter().any(|marker| marker.start <= hit.range.start && hit.range.end <= marker.end)
            });
        }
        apart(found)
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
                last.extend(hit.range.end);
                if hit.longest > last.longest {
                    last.secret = hit.secret;
                    last.longest = hit.longest;
                }
            }
        }
    }
    hits
}
