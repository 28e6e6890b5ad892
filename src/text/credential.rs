//! Whether a line looks like it contains a credential: then it is not quoted in a message.

use std::sync::LazyLock;

use regex::Regex;

/// Tokens by the prefixes of those who issue them, access keys, JSON Web Tokens, and webhooks of Slack and Discord.
pub static TOKEN: LazyLock<Regex> = LazyLock::new(|| {
    // Not `\w`, which is large: it has the letters of all languages.
    let kinds = [
        r"\b(?:gh[oprsu]_|github_pat_|glpat-|glsa_|xox[abeprs]-|sk-|[rs]k_live_|whsec_|hvs\.|npm_|pypi-)[A-Za-z0-9_-]{12,}",
        r"\b(?:glrt-|glptt-|gldt-|dckr_pat_|sntrys_|GOCSPX-|ya29\.|ATATT3)[A-Za-z0-9_-]{12,}",
        r"\b(?:dop_v1_|shp(?:at|ca|pa|ss)_|rubygems_|sntryu_)[a-f0-9]{32,}",
        r"\bhf_[A-Za-z0-9]{30,}",
        r"\b(?:AKIA|ASIA)[A-Z0-9]{12,}",
        r"\bAIza[A-Za-z0-9_-]{30,}",
        r"\bSG\.[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,}",
        r"\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]*)?",
        r"\bhooks\.slack\.com/services/T[A-Za-z0-9_]+/B[A-Za-z0-9_]+/[A-Za-z0-9_]{8,}",
        r"\bdiscord(?:app)?\.com/api/webhooks/[0-9]+/[A-Za-z0-9_-]{20,}",
    ];
    Regex::new(&kinds.join("|")).expect("it is well formed")
});

static CREDENTIAL: LazyLock<Regex> = LazyLock::new(|| {
    let kinds = [
        r"-----BEGIN [A-Z ]*PRIVATE KEY",
        r"hooks\.slack\.com/services/T",
        // The password of a URL, and a header with credentials.
        r"://[^\s/:@]*:[^\s/@$]+@",
        r"(?i)\b(basic|bearer) +[A-Za-z0-9+/=_.-]{8,}",
        // A key with such a name, and a value that is not a reference.
        r#"(?i)(passw(or)?d|passphrase|secret|token|assertion|saml_?response|code_verifier|device_code|api_?key|private_?key|access_?key)"?\s*[:=]\s*["']?[^\s"'$&*{\[|>#]{6,}"#,
    ];
    Regex::new(&kinds.join("|")).expect("it is well formed")
});

/// Whether a line looks like it contains a credential. A reference such as `${secrets.X}` does not.
pub fn looks_secret(line: &str) -> bool {
    TOKEN.is_match(line)
        || CREDENTIAL.is_match(line)
        || line.split([' ', '\t', '\n', '"', '\'', '=', ',']).any(|word| bare_password(word).is_some())
}

/// The password of `user:password@host`, a URL without its scheme. A reference such as `${secrets.X}` is none, and neither
/// is the tag of an image before its digest.
pub fn bare_password(text: &str) -> Option<&str> {
    // Every argument and many settings are asked, so it takes no regular expression.
    let (user, rest) = text.split_once(':')?;
    let is_user = user.chars().all(|c| c.is_alphanumeric() || "_.%+-".contains(c));
    if !is_user || rest.starts_with('/') || rest.contains(|c: char| c.is_whitespace()) {
        return None;
    }
    let (password, host) = rest.rmatch_indices('@').find_map(|(at, _)| {
        let (password, host) = (&rest[..at], &rest[at + 1..]);
        (!password.is_empty() && !password.contains('$') && is_host(host)).then_some((password, host))
    })?;
    let is_other = ["mailto", "acct", "sip", "sips", "npm"].contains(&user)
        || ["sha256:", "sha384:", "sha512:"].iter().any(|digest| host.starts_with(digest));
    (!is_other).then_some(password)
}

/// Whether a text is a host, with or without a port and a path.
fn is_host(text: &str) -> bool {
    let name = text.split('/').next().unwrap_or_default();
    let name = name.strip_prefix('[').unwrap_or(name);
    let name = name.strip_suffix(']').unwrap_or(name);
    name.starts_with(|c: char| c.is_ascii_alphanumeric())
        && name.chars().all(|c| c.is_alphanumeric() || "_.:%-".contains(c))
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
            "url: \"u:lit-pw-88@h/x\"",
            "url=:pw@h:6379",
            "client_assertion: abcdef",
            "key AIzaSyD-9tSrke72PouQMnMX-a7eZSW0jkFMBWY",
            "https://discord.com/api/webhooks/815099842337374208/kX0f_abcdefghijklmnopqrstuvwx",
            "SG.ngeVfQFYQlKU0ufo8x5d1A.TwL2iGABf9DHoTf-09kqeF8tAmbihYzrnopKc",
            "dckr_pat_abcdefghijklmnop",
            "shpat_0123456789abcdef0123456789abcdef",
            "hf_abcdefghijklmnopqrstuvwxyzABCDEFGH",
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
            "url: u:${secrets.PW}@h",
            "image: app:1.2@sha256:abcd",
            "to: mailto:joe@example.com",
            "hf_hub_download_timeout: 10",
            "rubygems_mirror_is_reachable: true",
            "url: git@github.com:a/b",
        ] {
            assert!(!looks_secret(line), "{line}");
        }
    }
}
