//! Recognises values that only hold the place of a real one: whole, in the parts of a URL, and behind known prefixes.

use std::sync::LazyLock;

use regex::Regex;

use super::word::{self, Words};

/// Words that are placeholders if they are the whole value.
const WHOLE: &[&str] = &[
    "todo",
    "tbd",
    "fixme",
    "replace",
    "change",
    "placeholder",
    "dummy",
    "example",
    "sample",
    "none",
    "null",
    "undefined",
    "redacted",
    "unset",
    "notset",
];

/// Unresolved references to a secret, and encrypted values: 1Password, SOPS, vals, Vault,
/// Azure Key Vault, Ansible Vault, dotenvx.
const UNRESOLVED: &[&str] =
    &["op://", "enc[", "ref+", "vault:", "@microsoft.keyvault(", "$ansible_vault;", "encrypted:"];

/// The prefixes of tokens of well-known services. A longer prefix comes before its own beginning.
const PREFIXES: &[&str] = &[
    "https://hooks.slack.com/services/",
    "https://discord.com/api/webhooks/",
    "github_pat_",
    "ghp_",
    "gho_",
    "ghu_",
    "ghs_",
    "ghr_",
    "glpat-",
    "glsa_",
    "hf_",
    "npm_",
    "pypi-",
    "dop_v1_",
    "sk_test_",
    "sk_live_",
    "pk_test_",
    "pk_live_",
    "rk_test_",
    "rk_live_",
    "whsec_",
    "sk-proj-",
    "sk-ant-",
    "sk-",
    "pk-",
    "xoxb-",
    "xoxp-",
    "xapp-",
    "akia",
    "asia",
    "sg.",
    "bearer ",
    "basic ",
];

/// Keys that a provider's own documentation prints, in lower case: <https://docs.stripe.com/keys>.
const PUBLISHED: &[&str] =
    &["sk_test_4ec39hqlyjwdarjtt1zdp7dc", "sk_test_bqokikojvbii2hlwgh4olfq2", "pk_test_tyoomqauvdedq54nitphi7jx"];

/// Names of variables whose value may well be a word such as `token` or `password`: `AUTH_METHOD=password`.
const NAMES_OF_WORDS: &[&str] = &[
    "mode", "method", "type", "kind", "field", "header", "name", "user", "username", "grant", "scope", "backend",
    "provider", "strategy", "role", "column", "param", "label", "scheme", "db", "database", "bucket", "table", "queue",
    "topic", "prefix", "path", "file",
];

/// Whether the value of a variable, trimmed and not empty, still waits for the real one.
pub fn is_placeholder(name: &str, value: &str) -> bool {
    let lower = value.trim_matches(['"', '\'']).to_ascii_lowercase();
    let names_a_word = NAMES_OF_WORDS.contains(&Words::of(&name.to_ascii_lowercase()).last());
    is_unfilled(&lower, value)
        || UNRESOLVED.iter().any(|start| lower.starts_with(start))
        || PUBLISHED.contains(&lower.as_str())
        || PREFIXES.iter().find_map(|prefix| lower.strip_prefix(prefix)).is_some_and(is_not_a_token)
        || parts(&lower).iter().any(|part| part.is_placeholder())
        || !names_a_word && Words::of(&lower).are_generic()
}

/// Placeholders anywhere in a value, not yet replaced or expanded.
fn is_unfilled(lower: &str, value: &str) -> bool {
    static UNEXPANDED: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(
            r"(?x) \$\{[A-Za-z_][^}]*\} | \{\{[^{}]*\}\} | \$\([^)]*\) | <%=?[^%]*%>
              | ^\$[A-Za-z_][A-Za-z0-9_]*$ | ^%[A-Za-z_][A-Za-z0-9_]*%$ | ^@@?[A-Z_][A-Z0-9_]*@@?$ | ^__[A-Z][A-Z0-9_]*__$
              | ^\[[A-Za-z][A-Za-z\ _-]*\]$ | ://[^/@]*\[:?[A-Za-z_-]+\]@",
        )
        .expect("it is a valid pattern")
    });
    let words = Words::of(lower);
    words.is_empty() // `***`, `...`, `-`
        || word::is_repeated(lower)
        || lower.starts_with('<') && lower.ends_with('>')
        || UNEXPANDED.is_match(value)
        || WHOLE.contains(&words.joined().as_str())
        || words.are_an_instruction()
        || words.end_in_a_filler()
        || word::is_marked_as_example(value)
}

/// The text after the prefix of a token, where that is not a token.
fn is_not_a_token(rest: &str) -> bool {
    let words = Words::of(rest);
    words.is_empty()
        || word::is_sequence(rest)
        || WHOLE.contains(&words.joined().as_str())
        || words.are_generic()
        || rest.split('/').any(word::is_repeated)
}

/// A part of a URL or a connection string.
enum Part<'a> {
    /// A part that may be any word, such as a segment of a path.
    Word(&'a str),
    /// A part that must be a secret.
    Secret(&'a str),
}

impl Part<'_> {
    fn is_placeholder(&self) -> bool {
        match self {
            Self::Word(text) => word::is_repeated(text) || Words::of(text).are_an_instruction(),
            Self::Secret(text) => {
                let words = Words::of(text);
                words.is_empty()
                    || words.are_generic()
                    || word::is_repeated(text)
                    || WHOLE.contains(&words.joined().as_str())
            }
        }
    }
}

/// The parts of a URL or of a connection string such as `host=db;password=x`, without its host.
fn parts(lower: &str) -> Vec<Part<'_>> {
    static PASSWORD: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r"(?:^|[\s;?&])(?:password|passwd|pwd|secret|token|accountkey|sharedaccesskey)=([^\s;&]+)")
            .expect("it is a valid pattern")
    });
    let mut found: Vec<Part> = PASSWORD
        .captures_iter(lower)
        .filter_map(|found| found.get(1))
        .map(|part| Part::Secret(part.as_str()))
        .collect();
    let Some((_, rest)) = lower.split_once("://") else { return found };
    let (authority, path) = rest.split_once(['/', '?']).unwrap_or((rest, ""));
    if let Some((user, _)) = authority.rsplit_once('@') {
        match user.split_once(':') {
            Some((_, "")) => {}
            Some((_, password)) => found.push(Part::Secret(password)),
            None if lower.starts_with("http") => found.push(Part::Secret(user)),
            None => {}
        }
    }
    found.extend(path.split(['/', '?', '&', '#']).map(|part| Part::Word(part.rsplit('=').next().unwrap_or(part))));
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unfilled_template_is_a_placeholder() {
        for value in [
            "changeme",
            "CHANGE-ME",
            "change_me",
            "ChangeMe!",
            "changeit",
            "todo",
            "TODO",
            "tbd",
            "xxx",
            "XXXX-XXXX",
            "***",
            "...",
            "-",
            "<your-token>",
            "<token>",
            "[your token]",
            "your-api-key-here",
            "YOUR_TOKEN",
            "sk-your-key-here",
            "placeholder",
            "dummy",
            "example",
            "null",
            "\"changeme\"",
            "postgres://app:changeme@db/app",
            "https://your-domain.com",
            "https://hooks.example/services/REPLACE_ME",
            "${DATABASE_URL}",
            "postgres://u:${PASSWORD}@h/d",
            "$TOKEN",
            "{{ token }}",
            "<%= token %>",
            "%TOKEN%",
            "@@API_KEY@@",
            "__API_KEY__",
            "${X:-y}",
            "$(cat /run/secret)",
            "ghp_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
            "ghp_...",
            "sk-xxxxxxxxxxxxxxxx",
            "sk-proj-1234567890",
            "sk_test_...",
            "sk_test_4eC39HqLyjWDarjtT1zdp7dc",
            "hf_xxx",
            "Bearer token",
            "https://hooks.slack.com/services/T00000000/B00000000/XXXXXXXXXXXXXXXXXXXXXXXX",
            "https://hooks.slack.com/services/XXX/YYY/ZZZ",
            "https://hooks.slack.com/services/YOUR/WEBHOOK/URL",
            "https://hooks.slack.com/services/",
            "postgres://username:password@localhost:5432/database",
            "postgres://app:your_password@db/app",
            "https://xxxx@o0.ingest.sentry.io/12",
            "host=db user=app password=secret dbname=app",
            "Server=db;Password=changeme;",
            "redis://[:password]@127.0.0.1:6379",
            "acme-dev-admin-secret-change-in-prod",
            "your_jwt_secret_key_here_change_me",
            "generate_me_with_openssl_rand_hex_64",
            "replace-with-a-random-database-password",
            "to-be-set",
            "insert-key-here",
            "my-secret-key",
            "supersecret",
            "password",
            "secret",
            "AKIAIOSFODNN7EXAMPLE",
            "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
            "op://vault/item/field",
            "ENC[AES256_GCM,data:abc,iv:x,tag:y,type:str]",
            "ref+vault://secret/app#token",
            "00000000-0000-0000-0000-000000000000",
        ] {
            assert!(is_placeholder("API_KEY", value), "{value}");
        }
    }

    #[test]
    fn a_value_that_only_resembles_a_placeholder_is_a_value() {
        for value in [
            "1",
            "0",
            "1000",
            "5555",
            "false",
            "x",
            "pa$$word",
            "p@ss#w0rd$x",
            "$2b$12$abcdefghijklmnopqrstuv",
            "hunter2",
            "f3a1c9e07b5d4826",
            "glsa_AbCxxx",
            "ghp_16C7e42F292c6912E7710c838347Ae178B4a",
            "sk-proj-Zk4Jd8Qp2Lx9Vt6Rm1Ns",
            "sk_test_51Hq8ZkLmQ2vXcTbN9rYpWsEd",
            "https://hooks.slack.com/services/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",
            "postgres://app:9f8Kq2LmX@db.internal:5432/app",
            "postgres://gate:p%40ss@127.0.0.1:5432/gate",
            "postgres://app@db/app?sslmode=require",
            "redis://:k3Jq9@[::1]:6379/0",
            "https://staging.example/api",
            "https://www.acme.io/reset/password",
            "https://acme.io/todo",
            "Bearer k2Lm9Qz7Rt4Vx1Wy8Np3Sb6D",
            "example-corp-production",
            "price-change-in-usd",
            "key-rotation-service",
            "{\"a\":{\"b\":1}}",
            "[\"a\",\"b\"]",
            "tell us your story",
            "dummy-auth.internal",
            "todo-service",
            "a<b>c",
        ] {
            assert!(!is_placeholder("API_KEY", value), "{value}");
        }
    }

    #[test]
    fn a_word_is_a_value_where_the_variable_names_a_kind_of_thing() {
        assert!(!is_placeholder("AUTH_METHOD", "password"));
        assert!(!is_placeholder("GRANT_TYPE", "password"));
        assert!(is_placeholder("AUTH_METHOD", "changeme"));
    }
}
