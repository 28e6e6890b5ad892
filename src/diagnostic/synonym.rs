//! Words of other tools for what gate calls by another name.

/// Words that people type, and the words of gate that they may mean: the first one that is possible is proposed.
const SYNONYMS: [(&str, &[&str]); 41] = [
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
];

/// The form of a setting that people know by other words.
const FORMS: [(&str, &str); 2] = [("address", "address: db.staging.example:5432"), ("argv", "argv: [make, test]")];

/// The candidate that a word of another tool means.
pub fn synonym<'a>(word: &str, candidates: &[&'a str]) -> Option<&'a str> {
    let (_, meant) = SYNONYMS.iter().find(|(other, _)| *other == word)?;
    meant.iter().find_map(|name| candidates.iter().copied().find(|candidate| candidate == name))
}

/// The form of a setting whose value is written differently than in another tool.
pub fn form(word: &str, meant: &str) -> Option<&'static str> {
    let is_synonym = SYNONYMS.iter().any(|(other, names)| *other == word && names.contains(&meant));
    let (_, form) = FORMS.iter().find(|(name, _)| *name == meant)?;
    is_synonym.then_some(*form)
}
