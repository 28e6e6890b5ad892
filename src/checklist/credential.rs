//! Which values of a checklist are secret although they don't come from `secrets:`.

use std::collections::HashSet;

use percent_encoding::percent_decode_str;
use url::Url;

use crate::env::Env;
use crate::secret::Redactor;
use crate::yaml::Node;

/// Settings that hold a credential, wherever they are.
const SETTINGS: [&str; 12] = [
    "token",
    "password",
    "passphrase",
    "secret",
    "client_secret",
    "api_key",
    "apikey",
    "secret_key",
    "private_key",
    "authorization",
    "proxy-authorization",
    "cookie",
];

/// Ends of names of headers that hold a credential, such as `X-Api-Key`.
const HEADERS: [&str; 4] = ["-key", "-token", "-secret", "-signature"];

/// A secret value, and what it is called where it stood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credential {
    /// The setting, such as `token`.
    pub name: String,
    /// The value.
    pub value: String,
}

/// The credentials in a tree: values of settings that hold one, and passwords of URLs. What is not filled yet is left
/// out.
pub fn credentials(node: &Node) -> Vec<Credential> {
    let mut found = Vec::new();
    let mut open: Vec<(&Node, Option<&str>)> = vec![(node, None)];
    while let Some((node, setting)) = open.pop() {
        open.extend(node.elements().iter().map(|element| (element, setting)));
        for (key, value) in node.entries() {
            let own = is_credential(&key.text).then_some(&*key.text);
            // What is expected of an observation is nobody's credential, nor is where a secret comes from.
            if !matches!(&*key.text, "expect" | "secrets") {
                open.push((value, setting.or(own)));
            }
        }
        let Some(text) = node.text().filter(|text| !node.is_null() && !text.is_empty()) else { continue };
        if let Some(name) = setting {
            let word = text.split_once(' ').map(|(_, word)| word);
            let values = [Some(text), word].into_iter().flatten();
            found.extend(values.map(|value| Credential { name: name.to_owned(), value: value.to_owned() }));
        }
        found.extend(of_url(text).map(|value| Credential { name: "password".to_owned(), value }));
    }
    found
}

/// What hides the values of secrets, the credentials of a checklist, and what the environment holds that is as secret
/// although no checklist says so.
pub fn redactor(secrets: impl Iterator<Item = (String, String)>, credentials: &[Credential], env: &Env) -> Redactor {
    let named = |found: &Credential| {
        let variable = env.vars.iter().find(|(_, value)| value.trim() == found.value);
        (variable.map_or_else(|| found.name.clone(), |(name, _)| name.clone()), found.value.clone())
    };
    let mut known: Vec<(String, String)> =
        secrets.chain(credentials.iter().map(named)).chain(undeclared(env)).collect();
    // Of two names for one value, that of `secrets:` stays.
    let mut seen = HashSet::new();
    known.retain(|(_, value)| seen.insert(value.trim().to_owned()));
    known.sort_unstable();
    Redactor::new(known.iter().map(|(name, value)| (name.as_str(), value.as_str())))
}

/// Words of a variable's name that say that its value is secret.
const WORDS: [&str; 17] = [
    "TOKEN",
    "SECRET",
    "SECRETS",
    "PASSWORD",
    "PASSWD",
    "PASS",
    "PWD",
    "PASSPHRASE",
    "PAT",
    "CREDENTIAL",
    "CREDENTIALS",
    "WEBHOOK",
    "APIKEY",
    "BEARER",
    "JWT",
    "COOKIE",
    "DSN",
];
/// What makes a `KEY` secret: `API_KEY`, and not `SSH_KEY_FILE` or `PUBLIC_KEY`.
const KEYS: [&str; 7] = ["API", "PRIVATE", "SECRET", "ACCESS", "SIGNING", "ENCRYPTION", "MASTER"];

/// What variables hold whose name says that it is secret, and the passwords of those that hold a URL: any program may
/// print what it was given.
fn undeclared(env: &Env) -> impl Iterator<Item = (String, String)> {
    /// A shorter one is found in too many texts by chance.
    const SHORTEST: usize = 8;
    env.vars.iter().flat_map(|(name, value)| {
        let named = says_secret(name).then(|| value.clone()).filter(|value| value.len() >= SHORTEST);
        named.into_iter().chain(of_url(value)).map(move |value| (name.clone(), value))
    })
}

fn says_secret(name: &str) -> bool {
    let name = name.to_ascii_uppercase();
    let words: Vec<&str> = name.split('_').collect();
    // The shell's own.
    let is_folder = matches!(name.as_str(), "PWD" | "OLDPWD");
    !is_folder
        && (words.iter().any(|word| WORDS.contains(word))
            || words.windows(2).any(|pair| pair[1] == "KEY" && KEYS.contains(&pair[0])))
}

fn is_credential(key: &str) -> bool {
    let key = key.to_ascii_lowercase();
    SETTINGS.contains(&key.as_str()) || (key.starts_with("x-") && HEADERS.iter().any(|end| key.ends_with(end)))
}

/// The password of a URL; the user of an `http` or `https` URL without a password, which is a token.
pub fn of_url(text: &str) -> impl Iterator<Item = String> + use<> {
    let secret = text.contains("://").then(|| text.trim()).filter(|text| text.contains('@')).and_then(|text| {
        let url = Url::parse(text).ok()?;
        let user = Some(url.username()).filter(|user| !user.is_empty());
        match url.password() {
            // It says nothing that the user's name does not.
            Some(password) if user == Some(password) => None,
            Some(password) => Some(password.to_owned()),
            None => user.filter(|_| matches!(url.scheme(), "http" | "https")).map(ToOwned::to_owned),
        }
    });
    let decoded = secret.as_deref().and_then(|text| percent_decode_str(text).decode_utf8().ok()).map(String::from);
    let decoded = decoded.filter(|decoded| Some(decoded) != secret.as_ref());
    secret.into_iter().chain(decoded)
}

#[cfg(test)]
mod tests {
    use super::{credentials, says_secret};
    use crate::diagnostic::Sources;
    use crate::yaml;

    fn found(text: &str) -> String {
        let mut sources = Sources::default();
        let file = sources.add("t.yaml", text);
        let node = yaml::parse(&sources, file, &mut Vec::new()).expect("the test's own YAML");
        let mut lines: Vec<String> =
            credentials(&node).into_iter().map(|found| format!("{}={}", found.name, found.value)).collect();
        lines.sort();
        lines.join(" ")
    }

    #[test]
    fn settings_that_hold_a_credential_are_secret() {
        assert_eq!(
            found("{ token: abc, headers: { Authorization: Bearer xyz, X-Api-Key: k1, X-Tier: free }, user: u }"),
            "Authorization=Bearer xyz Authorization=xyz X-Api-Key=k1 token=abc"
        );
        assert_eq!(found("{ expect: { token: { starts_with: ghp_ } }, password: null, secrets: [NAME] }"), "");
    }

    #[test]
    fn names_of_variables_say_that_they_are_secret() {
        for name in ["GH_PAT", "DB_PASS", "SLACK_WEBHOOK", "GITHUB_TOKEN", "AWS_SECRET_ACCESS_KEY", "stripe_api_key"] {
            assert!(says_secret(name), "{name}");
        }
        for name in ["PWD", "PATH", "COMPASS_URL", "PUBLIC_KEY", "SSH_KEY_FILE", "PATTERN", "KEYBOARD"] {
            assert!(!says_secret(name), "{name}");
        }
    }

    #[test]
    fn the_password_of_a_url_is_secret_and_its_user_is_not() {
        assert_eq!(found("url: postgres://gate:p%40ss@db/gate"), "password=p%40ss password=p@ss");
        assert_eq!(found("url: https://t0ken@api.example/"), "password=t0ken");
        assert_eq!(found("url: redis://cache@db/0"), "");
        assert_eq!(found("url: postgres://postgres:postgres@db/postgres"), "");
    }
}
