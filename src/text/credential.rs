//! Whether a line looks like it contains a credential: then it is not quoted in a message.

use std::sync::LazyLock;

use regex::Regex;

static CREDENTIAL: LazyLock<Regex> = LazyLock::new(|| {
    let kinds = [
        // Keys, and tokens by the prefixes of those who issue them.
        r"-----BEGIN [A-Z ]*PRIVATE KEY",
        r"\b(gh[oprsu]_|github_pat_|glpat-|glsa_|xox[abprs]-|sk-|sk_live_|hvs\.|npm_|pypi-)[A-Za-z0-9_-]{8,}",
        r"\b(AKIA|ASIA)[A-Z0-9]{12,}",
        r"\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.",
        r"hooks\.slack\.com/services/T",
        // The password of a URL, and a header with credentials.
        r"://[^\s/:@]*:[^\s/@$]+@",
        r"(?i)\b(basic|bearer) +[A-Za-z0-9+/=_.-]{8,}",
        // A key with such a name, and a value that is not a reference.
        r#"(?i)(passw(or)?d|passphrase|secret|token|api_?key|private_?key|access_?key)"?\s*[:=]\s*["']?[^\s"'$&*{\[|>#]{6,}"#,
    ];
    Regex::new(&kinds.join("|")).expect("it is well formed")
});

/// Whether a line looks like it contains a credential. A reference such as `${secrets.X}` does not.
pub fn looks_secret(line: &str) -> bool {
    CREDENTIAL.is_match(line)
}

#[cfg(test)]
mod tests {
    use super::looks_secret;

    #[test]
    fn credentials_are_recognised_and_references_to_them_are_not() {
        for line in [
            "-----BEGIN OPENSSH PRIVATE KEY-----",
            "  - ghp_abcdefghijklmnop",
            "aws_access_key_id = AKIAIOSFODNN7EXAMPLE",
            "url: postgres://gate:hunter2@db/aos",
            "Authorization: Bearer abcdefghij",
            "DB_PASSWORD=hunter2",
            "\"token\": \"abcdef123\"",
        ] {
            assert!(looks_secret(line), "{line}");
        }
        for line in [
            "token: ${secrets.GITHUB_TOKEN}",
            "url: \"postgres://gate:${secrets.PW}@db/aos\"",
            "url: http://localhost:8080/@x",
            "title: Secrets are present",
            "password: \"\"",
            "secrets: { A: }",
        ] {
            assert!(!looks_secret(line), "{line}");
        }
    }
}
