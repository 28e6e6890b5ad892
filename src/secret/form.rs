//! The forms in which a secret may occur once escapes are undone: encoded, or as a part of a larger value.

use std::collections::HashSet;
use std::ops::Range;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use percent_encoding::percent_decode_str;

use super::escape;

/// A text to look for.
pub struct Form {
    /// The text.
    pub text: String,
    /// Neighboring text that belongs to it where it is found.
    pub edges: Edges,
    /// How many bytes at its beginning anyone may see, such as `postgres://gate:`.
    pub public: usize,
}

/// Which neighbours of a match carry some bits of the secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Edges {
    left: bool,
    right: bool,
    padding: bool,
}

impl Edges {
    /// The match with the neighbours that belong to it. They are ASCII: the result is still on character boundaries.
    pub fn widen(self, text: &str, mut range: Range<usize>) -> Range<usize> {
        let bytes = text.as_bytes();
        let is_digit = |byte: u8| byte.is_ascii_alphanumeric() || b"+/-_".contains(&byte);
        if self.left && range.start > 0 && is_digit(bytes[range.start - 1]) {
            range.start -= 1;
        }
        if self.right && bytes.get(range.end).copied().is_some_and(is_digit) {
            range.end += 1;
        }
        while self.padding && bytes.get(range.end) == Some(&b'=') {
            range.end += 1;
        }
        range
    }
}

/// Shorter texts would be found everywhere.
pub fn is_long_enough(text: &str) -> bool {
    text.chars().nth(3).is_some()
}

/// Every form of the value, of its trimmed text and of the parts that are secret by themselves, each once.
pub fn all(value: &str) -> Vec<Form> {
    let mut bases = vec![value.to_owned(), value.trim().to_owned()];
    bases.extend(parts(value.trim()));
    for base in bases.clone() {
        // A form encodes a blank as `+`. What is an escape in the secret itself, such as `%41`, is undone in a text too.
        bases.push(base.replace(' ', "+"));
        escape::undo(&base, |base, _| bases.push(base.to_owned()));
    }
    let mut forms: Vec<Form> = Vec::new();
    for base in bases.iter().filter(|base| is_long_enough(base)) {
        let public = public(base);
        // Before the others: the same text with edges covers more, and the first is kept.
        forms.extend(base64(base, public.len()));
        forms.push(Form { text: base.clone(), edges: Edges::default(), public: public.len() });
    }
    for base in bases.iter().filter(|base| is_long_enough(base)) {
        let public = public(base).len() * 2;
        let lower = hex::encode(base);
        let upper = lower.to_uppercase();
        forms.extend([lower, upper].map(|text| Form { text, edges: Edges::default(), public }));
    }
    let mut seen: HashSet<String> = HashSet::new();
    forms.retain(|form| is_long_enough(&form.text) && seen.insert(form.text.clone()));
    forms
}

/// The beginning of a value that is not secret: a URL's up to its password or its path, a key's frame.
fn public(value: &str) -> &str {
    if value.starts_with("-----") {
        return &value[..value.find('\n').unwrap_or(0)];
    }
    let Some((scheme, rest)) = value.split_once("://") else { return "" };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let shown = match rest.rsplit_once('@') {
        Some((user, _)) => user.find(':').map_or(0, |colon| colon + 1),
        None => authority.len(),
    };
    &value[..scheme.len() + "://".len() + shown]
}

/// Parts of a value that are secret on their own: a URL's password or token, a DSN's password, each line of a key.
fn parts(value: &str) -> Vec<String> {
    let mut parts = Vec::new();
    if let Some((scheme, rest)) = value.split_once("://") {
        parts.extend(url_parts(scheme, rest));
    }
    // libpq's `host=… password=…` and ADO's `Server=…;Password=…`.
    for assignment in value.split(|c: char| c.is_whitespace() || c == ';') {
        if let Some((key, word)) = assignment.split_once('=')
            && ["password", "pwd", "pass"].iter().any(|name| key.eq_ignore_ascii_case(name))
        {
            parts.push(word.trim_matches(['\'', '"']).to_owned());
        }
    }
    if value.contains('\n') {
        // `-----BEGIN PRIVATE KEY-----` is the same in everyone's key. Short lines are too common to look for.
        let lines = value.lines().map(str::trim).filter(|line| line.chars().nth(7).is_some());
        parts.extend(lines.filter(|line| !line.starts_with("-----")).map(str::to_owned));
    }
    parts
}

fn url_parts(scheme: &str, rest: &str) -> Vec<String> {
    let mut parts: Vec<&str> = Vec::new();
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    // A password with an unencoded `/` or `@` goes on for longer than the standard says; so look for that one too.
    for user in [authority.rsplit_once('@'), rest.rsplit_once('@')].into_iter().flatten().map(|(user, _)| user) {
        match user.split_once(':') {
            Some((name, password)) => {
                parts.push(password);
                parts.extend(Some(name).filter(|name| is_token(name)));
            }
            None => parts.extend(Some(user).filter(|name| is_token(name))),
        }
    }
    let target = &rest[authority.len()..];
    let query = target.split_once('?').map(|(_, query)| query.split('#').next().unwrap_or_default());
    for (_, word) in query.into_iter().flat_map(|query| query.split('&')).filter_map(|pair| pair.split_once('=')) {
        parts.extend(Some(word).filter(|word| word.len() >= 8));
    }
    // A webhook's secret is its path. A database's path is only its name.
    if scheme.eq_ignore_ascii_case("https") || scheme.eq_ignore_ascii_case("http") {
        parts.extend(Some(target).filter(|target| is_token(target)));
    }
    let decoded = parts.iter().filter_map(|part| percent_decode_str(part).decode_utf8().ok()).map(String::from);
    decoded.chain(parts.iter().map(|part| (*part).to_owned())).collect()
}

/// Long enough for a token; a shorter text would be a name.
fn is_token(text: &str) -> bool {
    text.chars().nth(15).is_some()
}

/// The digits that are the same whatever is before and after, at each alignment. A digit at either edge that is
/// shared with a neighbour belongs to the match all the same.
fn base64(text: &str, public: usize) -> Vec<Form> {
    let mut forms = Vec::new();
    for engine in [&STANDARD_NO_PAD, &URL_SAFE_NO_PAD] {
        for before in 0..3 {
            let mut bytes = vec![0; before];
            bytes.extend_from_slice(text.as_bytes());
            let digits = engine.encode(&bytes);
            let start = [0, 2, 3][before];
            let end = bytes.len() * 8 / 6;
            let digits = &digits[start..end];
            let public = ((before + public) * 8 / 6).saturating_sub(start).min(digits.len());
            let edges = Edges { left: before != 0, right: bytes.len() % 3 != 0, padding: true };
            forms.push(Form { text: digits.to_owned(), edges, public });
        }
    }
    forms
}
