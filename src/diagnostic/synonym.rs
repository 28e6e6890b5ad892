//! Words of other tools for what gate calls by another name.

/// Words that people type, and the words of gate that they may mean: the first one that is possible is proposed.
const SYNONYMS: &[(&str, &[&str])] = &[
    // Settings.
    ("run", &["argv", "command"]),
    ("exec", &["argv", "command"]),
    ("cmd", &["argv", "command"]),
    ("command", &["argv"]),
    ("args", &["argv"]),
    ("script", &["shell", "command"]),
    ("host", &["address", "url"]),
    ("hostname", &["address", "url"]),
    ("port", &["address"]),
    ("uri", &["url"]),
    ("endpoint", &["url", "address"]),
    ("dsn", &["url"]),
    ("bearer", &["token"]),
    ("path", &["in", "files", "file", "summary"]),
    ("folder", &["in", "files"]),
    ("directory", &["in", "files"]),
    ("dir", &["in", "files"]),
    ("file", &["files"]),
    ("image", &["ref"]),
    // Kinds of probe.
    ("shell", &["command"]),
    ("bash", &["command"]),
    ("https", &["http"]),
    ("postgres", &["sql"]),
    ("postgresql", &["sql"]),
    ("mysql", &["sql"]),
    ("mariadb", &["sql"]),
    ("sqlite", &["sql"]),
    ("database", &["sql"]),
    ("certificate", &["tls"]),
    ("ssl", &["tls"]),
    // Operators.
    ("=", &["equals"]),
    ("==", &["equals"]),
    ("is", &["equals"]),
    ("!=", &["not"]),
    ("is_not", &["not"]),
    (">", &["above"]),
    ("greater", &["above"]),
    (">=", &["at_least"]),
    ("<", &["below"]),
    ("less", &["below"]),
    ("<=", &["at_most"]),
    ("lt", &["below"]),
    ("less_than", &["below"]),
    ("lte", &["at_most"]),
    ("le", &["at_most"]),
    ("gt", &["above"]),
    ("greater_than", &["above"]),
    ("gte", &["at_least"]),
    ("ge", &["at_least"]),
    ("eq", &["equals"]),
    ("ne", &["not"]),
    ("neq", &["not"]),
    ("regex", &["matches"]),
    // Keys of a checklist.
    ("assert", &["expect"]),
    ("retries", &["retry"]),
    ("depends_on", &["needs"]),
    ("until", &["accepted_until"]),
    ("variables", &["vars"]),
    ("title", &["gap"]),
    ("description", &["gap"]),
];

/// Settings that are written in another form than under the words of other tools.
const OTHER_FORM: [&str; 3] = ["address", "argv", "retry"];

/// The candidate that a word of another tool means.
pub fn synonym<'a>(word: &str, candidates: &[&'a str]) -> Option<&'a str> {
    let (_, meant) = SYNONYMS.iter().find(|(other, _)| *other == word)?;
    meant.iter().find_map(|name| candidates.iter().copied().find(|candidate| candidate == name))
}

/// Whether the value of a setting is written in another form than under this word of another tool.
pub fn has_other_form(word: &str, meant: &str) -> bool {
    OTHER_FORM.contains(&meant) && SYNONYMS.iter().any(|(other, names)| *other == word && names.contains(&meant))
}
