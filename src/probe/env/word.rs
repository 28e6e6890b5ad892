//! The words of a value, and which of them show that it is only a placeholder.

/// Words that only fill a sentence around a noun of [`SECRETS`].
const FILLERS: &[&str] = &[
    "a", "an", "the", "my", "our", "your", "this", "some", "any", "api", "jwt", "auth", "access", "private", "client",
    "user", "admin", "app", "db", "database", "value", "string", "random", "super", "very", "top", "strong", "test",
    "dev", "fake", "dummy", "sample", "example", "webhook", "url", "here", "default", "long", "secure",
];

/// Nouns for what a secret is.
const SECRETS: &[&str] = &[
    "secret",
    "secrets",
    "password",
    "passwd",
    "passphrase",
    "pass",
    "pwd",
    "token",
    "apikey",
    "mysecret",
    "mypassword",
    "mytoken",
    "supersecret",
    "topsecret",
    "secretkey",
    "changeit",
];

/// The words of a text in lower case, without what separates them.
pub struct Words<'a>(Vec<&'a str>);

impl<'a> Words<'a> {
    /// The words of a text that is in lower case.
    pub fn of(lower: &'a str) -> Self {
        Self(lower.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty()).collect())
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The last one; empty where there are none.
    pub fn last(&self) -> &'a str {
        self.0.last().copied().unwrap_or_default()
    }

    /// All of them in one.
    pub fn joined(&self) -> String {
        self.0.concat()
    }

    /// Whether they only name a secret, such as `my-secret-key` or `password`.
    pub fn are_generic(&self) -> bool {
        let is_noun = |word: &str| SECRETS.contains(&word) || word == "key" && self.0.len() > 1;
        self.0.iter().any(|word| is_noun(word)) && self.0.iter().all(|word| is_noun(word) || FILLERS.contains(word))
    }

    /// Whether they end in a word that is crossed out, such as `xoxb-123-xxxxxx`.
    pub fn end_in_a_filler(&self) -> bool {
        let last = self.last();
        self.0.len() > 1 && last.len() >= 3 && last.bytes().all(|byte| byte == b'x')
    }

    /// Whether they ask a person to fill in the value: `change me`, `replace with …`, `your … here`.
    pub fn are_an_instruction(&self) -> bool {
        let words = &self.0;
        let is_pair = |pair: &[&str]| match pair[0] {
            "change" => matches!(pair[1], "me" | "this" | "it" | "before"),
            "replace" | "fill" => matches!(pair[1], "me" | "this" | "it" | "with" | "in"),
            "set" | "insert" | "update" | "edit" => matches!(pair[1], "me" | "this"),
            "generate" => matches!(pair[1], "me" | "this" | "a" | "one" | "with" | "your"),
            "your" => is_asked_for(pair[1]),
            _ => false,
        };
        let is_triple = |triple: &[&str]| match (triple[0], triple[1]) {
            ("change", "in" | "for" | "on") => {
                ["prod", "deploy", "release", "staging"].iter().any(|start| triple[2].starts_with(start))
            }
            ("to", "be") => {
                matches!(triple[2], "set" | "filled" | "replaced" | "defined" | "changed" | "generated" | "provided")
            }
            _ => false,
        };
        words.iter().any(|word| {
            matches!(*word, "changeme" | "changethis" | "replaceme" | "placeholder" | "fillme" | "changeit" | "setme")
        }) || words.windows(2).any(is_pair)
            || words.windows(3).any(is_triple)
            || words.first() == Some(&"your")
            || words.last() == Some(&"here")
                && words.iter().any(|word| matches!(*word, "your" | "insert" | "enter" | "put" | "add" | "paste"))
    }
}

/// The words after `your` in a placeholder; but not after any `your` in a sentence.
fn is_asked_for(word: &str) -> bool {
    ["key", "token", "secret", "password", "domain", "host", "url", "project", "org", "account", "api", "client"]
        .iter()
        .any(|thing| word.starts_with(thing))
}

/// Whether it is one character repeated, such as `xxx`, `XXXX-XXXX`, `T00000000` or a UUID of zeros. A short number is
/// not: `5555` may be a port.
pub fn is_repeated(lower: &str) -> bool {
    let is_outside = lower.bytes().any(|byte| !byte.is_ascii_alphanumeric() && !matches!(byte, b'-' | b'_'));
    let bytes: Vec<u8> = lower.bytes().filter(u8::is_ascii_alphanumeric).collect();
    let is_same = |bytes: &[u8]| bytes.windows(2).all(|pair| pair[0] == pair[1]);
    match bytes.as_slice() {
        _ if is_outside => false,
        [] => false,
        [first, ..] if first.is_ascii_alphabetic() && is_same(&bytes) => bytes.len() >= 3 && !matches!(first, b'w'),
        [first, rest @ ..] if first.is_ascii_alphabetic() => rest.len() >= 7 && rest.iter().all(|byte| *byte == b'0'),
        all => all.len() >= 8 && is_same(all),
    }
}

/// Whether it only counts up, such as `123456` or `abcdef`.
pub fn is_sequence(lower: &str) -> bool {
    let counts =
        ["01234567890123456789", "12345678901234567890", "abcdefghijklmnopqrstuvwxyz0123456789", "abc123def456"];
    lower.len() >= 6 && counts.iter().any(|count| count.contains(lower))
}

/// Whether a key is marked as an example, as those of the AWS documentation are: `AKIAIOSFODNN7EXAMPLE`.
pub fn is_marked_as_example(value: &str) -> bool {
    value.len() >= 16 && (value.ends_with("EXAMPLE") || value.ends_with("EXAMPLEKEY"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_repeated_character_is_a_placeholder_but_not_in_a_port() {
        for (text, expected) in
            [("xxx", true), ("t00000000", true), ("0000-0000-0000", true), ("5555", false), ("www", false)]
        {
            assert_eq!(is_repeated(text), expected, "{text}");
        }
    }
}
