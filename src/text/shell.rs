//! Words of a POSIX shell.

/// The word as a shell reads it back: in single quotes if needed.
pub fn quoted(word: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=@%+,".contains(c);
    if !word.is_empty() && word.chars().all(is_plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn only_a_word_that_needs_quotes_gets_them() {
        assert_eq!(["a/b@c:1", "", "it's", "$x", "a b"].map(quoted), ["a/b@c:1", "''", r"'it'\''s'", "'$x'", "'a b'"]);
    }
}
