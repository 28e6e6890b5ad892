//! The names of the variables in `.env.example` and similar files. Their values are not kept.

use std::sync::LazyLock;

use regex::Regex;

use crate::dotenv;

use super::facts::Facts;
use super::repository::{Repository, file_name};

static FILE: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"^(?:\.?env(?:[._-]\w+)*[._-](?:example|sample|template|dist|defaults?)|[\w-]+\.env|\.env)$")
        .expect("it is well formed")
});
/// Names of variables with secrets.
static SECRET: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(
        r"(?:^|_)(?:SECRET|TOKEN|PASSWORD|PASSWD|PASS|PASSPHRASE|KEY|APIKEY|CREDENTIALS?|WEBHOOK|SALT|PEPPER|DSN)(?:$|_URL$|_BASE$|_VALUE$)|^(?:SECRET|PRIVATE)_|SECRET_KEY|(?:^|_)(?:DATABASE|DB|POSTGRES(?:QL)?|PG|MYSQL|MARIADB|MONGO(?:DB)?|REDIS|AMQP|RABBITMQ|BROKER|SQLALCHEMY_DATABASE)_UR[LI]$",
    )
    .expect("it is well formed")
});
/// Names of variables with public values.
static PUBLIC: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"PUBLIC|PUBLISHABLE|^(?:VITE|REACT_APP|NUXT_PUBLIC)_|EXAMPLE").expect("it is well formed")
});

/// Adds the names in all such files. `.env` itself comes last: it is rarely a part of the repository.
pub fn read(repository: &mut Repository, facts: &mut Facts) {
    let mut files = repository.paths(|path| FILE.is_match(file_name(path)));
    files.sort_by_key(|path| (file_name(path) == ".env", path.matches('/').count()));
    for path in files {
        let Some(text) = repository.text(&path) else { continue };
        match dotenv::parse(&text) {
            Ok(pairs) => pairs.iter().for_each(|(name, _)| facts.name(name, &path)),
            Err(bad) => repository.unread_because(&path, &bad.to_string()),
        }
    }
}

/// Whether a file contains the values of a deployment: it is not an example, and not the file that every deployment
/// has.
pub fn is_deployed(path: &str) -> bool {
    let name = file_name(path);
    name.ends_with(".env") && name != ".env" && !name.starts_with("example") && !name.starts_with("sample")
}

/// Whether the value of this variable is a secret.
pub fn is_secret(name: &str) -> bool {
    SECRET.is_match(name) && !PUBLIC.is_match(name)
}

#[cfg(test)]
mod tests {
    use super::{FILE, is_secret};

    #[test]
    fn names_say_whether_they_are_secret() {
        for name in [
            "SECRET_KEY",
            "DATABASE_URL",
            "JWT_SECRET",
            "GITHUB_TOKEN",
            "SLACK_WEBHOOK_URL",
            "DB_PASSWORD",
            "SENTRY_DSN",
        ] {
            assert!(is_secret(name), "{name}");
        }
        for name in
            ["PORT", "STRIPE_PUBLISHABLE_KEY", "VITE_API_KEY", "TOKEN_TTL", "KEYCLOAK_HOST", "API_URL", "SECRETARY"]
        {
            assert!(!is_secret(name), "{name}");
        }
    }

    #[test]
    fn files_of_examples_are_known() {
        for name in [".env.example", "env.sample", ".env", ".env.production.example", "example.env", ".env-template"] {
            assert!(FILE.is_match(name), "{name}");
        }
        for name in ["environment.ts", ".envrc", "env.py", ".env.example.bak"] {
            assert!(!FILE.is_match(name), "{name}");
        }
    }
}
