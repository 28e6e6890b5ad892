//! Which values of a checklist are secret although they don't come from `secrets:`.

use std::collections::{HashMap, HashSet};

use percent_encoding::percent_decode_str;
use serde_json::Value;

use crate::env::Env;
use crate::secret::Redactor;
use crate::text::credential::bare_password;
use crate::yaml::Node;

/// Names of what contains a credential, wherever it is: a setting, a header, a part of a body or a parameter of a URL.
/// Without `_` and `-`, in lower case.
const NAMES: [&str; 44] = [
    "token",
    "password",
    "passwd",
    "passphrase",
    "passwort",
    "kennwort",
    "sslpassword",
    "secret",
    "clientsecret",
    "apikey",
    "accesskey",
    "secretkey",
    "privatekey",
    "accountkey",
    "sharedaccesskey",
    "subscriptionkey",
    "ocpapimsubscriptionkey",
    "authorization",
    "proxyauthorization",
    "cookie",
    "setcookie",
    "jwt",
    "dpop",
    "sig",
    // OAuth 2 and OpenID Connect.
    "accesstoken",
    "authtoken",
    "idtoken",
    "idtokenhint",
    "logouttoken",
    "refreshtoken",
    "subjecttoken",
    "actortoken",
    "sessiontoken",
    "securitytoken",
    "assertion",
    "clientassertion",
    "authorizationcode",
    "codeverifier",
    "devicecode",
    "authreqid",
    // SAML.
    "samlresponse",
    "samlassertion",
    "samlart",
    "sas",
];

/// Beside one of these, `code` is the code of a login: elsewhere it is a status, or a country.
const BESIDE_CODE: [&str; 3] = ["grant_type", "redirect_uri", "code_verifier"];

/// Suffixes of names of headers that contain a credential, such as `X-Api-Key`.
const HEADERS: [&str; 4] = ["-key", "-token", "-secret", "-signature"];

/// A secret value and its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credential {
    /// The setting, such as `token`.
    pub name: String,
    /// The value.
    pub value: String,
}

/// The credentials in a tree: values of settings that contain one, and passwords of URLs. Values that are not filled in
/// yet are left out.
pub fn credentials(root: &Node) -> Vec<Credential> {
    let mut found = Vec::new();
    // The same few keys occur again and again.
    let mut keys: HashMap<&str, KeyMeaning> = HashMap::new();
    let mut open: Vec<(&Node, Option<&str>, bool)> = vec![(root, None, false)];
    while let Some((node, setting, is_address)) = open.pop() {
        open.extend(node.elements().iter().map(|element| (element, setting, is_address)));
        let is_login = BESIDE_CODE.iter().any(|key| node.get(key).is_some());
        for (key, value) in node.entries() {
            // Names of secrets and expectations contain no credentials.
            if matches!(&*key.text, "secrets" | "expect") {
                continue;
            }
            let meaning = match &*key.text {
                "code" if is_login => KeyMeaning::Credential,
                key => *keys.entry(key).or_insert_with(|| KeyMeaning::of(key)),
            };
            let is_long = || value.text().is_some_and(|text| text.len() >= SHORTEST);
            let own =
                (meaning == KeyMeaning::Credential || meaning == KeyMeaning::Secret && is_long()).then_some(&*key.text);
            open.push((value, setting.or(own), names_address(&key.text)));
        }
        let Some(text) = node.text() else { continue };
        if let Some(name) = setting.filter(|_| !text.is_empty() && !node.is_null()) {
            let word = text.split_once(' ').map(|(_, word)| word);
            let values = [Some(text), word].into_iter().flatten();
            found.extend(values.map(|value| Credential { name: name.to_owned(), value: value.to_owned() }));
        }
        let bare = Some(text).filter(|_| is_address).and_then(bare_password);
        let passwords = in_text(text).into_iter().chain(bare.map(ToOwned::to_owned));
        found.extend(passwords.map(|value| Credential { name: "password".to_owned(), value }));
    }
    found
}

/// The meaning of a key for its value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum KeyMeaning {
    /// The value is a credential, however short.
    Credential,
    /// The value is secret according to the name of the variable.
    Secret,
    /// The value is not secret.
    Plain,
}

impl KeyMeaning {
    fn of(key: &str) -> Self {
        match key {
            // The source of tokens is not secret.
            "token_url" => Self::Plain,
            key if is_credential(key) => Self::Credential,
            key if says_secret(key) => Self::Secret,
            _ => Self::Plain,
        }
    }
}

/// Whether a value is a credential according to the name of its setting, header, variable or query parameter.
pub fn sets_credential(key: &str, value: &str) -> bool {
    match KeyMeaning::of(key) {
        KeyMeaning::Credential => true,
        KeyMeaning::Secret => value.len() >= SHORTEST,
        KeyMeaning::Plain => false,
    }
}

/// The redactor of the values of secrets, the credentials of a checklist, and values of the environment that are secret
/// although no checklist declares them.
pub fn redactor(secrets: impl Iterator<Item = (String, String)>, credentials: &[Credential], env: &Env) -> Redactor {
    let named = |found: &Credential| {
        let variable = env.vars.iter().find(|(_, value)| value.trim() == found.value);
        (variable.map_or_else(|| found.name.clone(), |(name, _)| name.clone()), found.value.clone())
    };
    let mut known: Vec<(String, String)> =
        secrets.chain(credentials.iter().map(named)).chain(undeclared(env)).collect();
    // Of two names for one value, that of `secrets:` is kept.
    let mut seen = HashSet::new();
    known.retain(|(_, value)| seen.insert(value.trim().to_owned()));
    known.sort_unstable();
    Redactor::new(known.iter().map(|(name, value)| (name.as_str(), value.as_str())))
}

/// A shorter value that is secret only by its name occurs in too many texts by chance.
const SHORTEST: usize = 8;

/// Words in a variable's name that mean that its value is secret.
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
/// The same at the end of a word, such as `PGPASSWORD`.
const ENDS: [&str; 7] = ["PASSWORD", "PASSWD", "PASSPHRASE", "PASSWORT", "KENNWORT", "TOKEN", "SECRET"];

/// Matches names of secret keys: `API_KEY`, but not `SSH_KEY_FILE` or `PUBLIC_KEY`.
const KEYS: [&str; 7] = ["API", "PRIVATE", "SECRET", "ACCESS", "SIGNING", "ENCRYPTION", "MASTER"];

/// The values of variables with such names, and the passwords in those that contain a URL: any program may print its
/// environment.
fn undeclared(env: &Env) -> impl Iterator<Item = (String, String)> {
    env.vars.iter().flat_map(|(name, value)| {
        let named = says_secret(name).then(|| value.clone()).filter(|value| value.len() >= SHORTEST);
        named.into_iter().chain(in_text(value)).map(move |value| (name.clone(), value))
    })
}

fn says_secret(name: &str) -> bool {
    let name = name.to_ascii_uppercase();
    let words: Vec<&str> = name.split(['_', '-']).collect();
    // The shell's own.
    let is_folder = matches!(name.as_str(), "PWD" | "OLDPWD");
    !is_folder
        && (ENDS.iter().any(|end| name.ends_with(end))
            || words.iter().any(|word| WORDS.contains(word))
            || words.windows(2).any(|pair| pair[1] == "KEY" && KEYS.contains(&pair[0])))
}

fn is_credential(key: &str) -> bool {
    let key = key.to_ascii_lowercase();
    NAMES.contains(&key.replace(['_', '-'], "").as_str())
        || (key.starts_with("x-") && HEADERS.iter().any(|end| key.ends_with(end)))
}

/// Whether a setting names what to connect to: there, `user:password@host` has a password although the scheme is missing.
fn names_address(key: &str) -> bool {
    let key = key.to_ascii_lowercase();
    ["url", "uri", "dsn", "address", "endpoint", "host", "server", "ledger"].iter().any(|end| key.ends_with(end))
}

/// The credentials in an argument of a command line: of the URLs in it, and what `token=…` and the like set.
pub fn in_argument(text: &str) -> Vec<Credential> {
    let named = |name: &str, value: String| Credential { name: name.to_owned(), value };
    let mut found: Vec<Credential> = in_text(text).into_iter().map(|value| named("password", value)).collect();
    found.extend(in_broken_yaml(text));
    found.extend(bare_password(text).map(|value| named("password", value.to_owned())));
    if let Some((path, value)) = text.split_once('=') {
        found.extend(bare_password(value).map(|value| named("password", value.to_owned())));
        found.extend(in_pairs(value).into_iter().map(|value| named("password", value.to_owned())));
        let key = path.rsplit_once('.').map_or(path, |(_, key)| key).trim_start_matches('-');
        if is_credential(key) || says_secret(key) {
            let word = value.split_once(' ').map(|(_, word)| word);
            found.extend([Some(value), word].into_iter().flatten().map(|value| named(key, value.to_owned())));
        }
    }
    found
}

/// The credentials in YAML that can't be parsed: the value of `token:` and the like, up to the end of its quotes or its
/// line.
pub fn in_broken_yaml(text: &str) -> Vec<Credential> {
    let mut found = Vec::new();
    for (at, _) in text.match_indices(':') {
        let is_word = |c: char| c.is_ascii_alphanumeric() || "_-".contains(c);
        let before = text[..at].trim_end_matches(['"', '\'']);
        let key = &before[before.trim_end_matches(is_word).len()..];
        if !is_credential(key) && !says_secret(key) {
            continue;
        }
        let rest = text[at + 1..].trim_start_matches([' ', '\t']);
        let value = match rest.chars().next() {
            Some(quote @ ('"' | '\'')) => rest[1..].split(quote).next().unwrap_or_default(),
            _ => rest.split(['\n', ',', '}']).next().unwrap_or_default().trim(),
        };
        if value.contains("${") || value.starts_with(['{', '[']) {
            continue;
        }
        let word = value.split_once(' ').map(|(_, word)| word);
        let values = [Some(value), word].into_iter().flatten();
        found.extend(values.map(|value| Credential { name: key.to_owned(), value: value.to_owned() }));
    }
    found
}

/// The credentials in a text: the passwords of its URLs, also of malformed ones, each as written and decoded; the user of
/// an `http` or `https` URL without a password, which is a token; and what a form or JSON sets.
fn in_text(text: &str) -> Vec<String> {
    let mut found: Vec<String> = in_pairs(text).into_iter().map(ToOwned::to_owned).collect();
    if text.trim_start().starts_with(['{', '[']) {
        serde_json::from_str(text).into_iter().for_each(|value| in_json(&value, false, &mut found));
    }
    // A URL with neither a login nor a query holds none.
    let may_have = text.bytes().any(|byte| matches!(byte, b'@' | b'?'));
    for (at, _) in text.match_indices("://").filter(|_| may_have) {
        let is_scheme = |c: char| c.is_ascii_alphanumeric() || "+.-".contains(c);
        let scheme = &text[text[..at].trim_end_matches(is_scheme).len()..at];
        let rest = &text[at + "://".len()..];
        // A password may contain a quote if the text is nothing but a URL, or `url=…`.
        let is_all = text[..at - scheme.len()].chars().all(|c| !c.is_whitespace() && !"\"'<>`{[".contains(c));
        let end = rest.find(|c: char| c.is_whitespace() || (!is_all && "\"'<>`".contains(c)));
        found.extend(of_url(scheme, &rest[..end.unwrap_or(rest.len())]));
    }
    let decoded = found.iter().filter_map(|secret| percent_decode_str(secret).decode_utf8().ok()).map(String::from);
    let decoded: Vec<String> = decoded.filter(|decoded| !found.contains(decoded)).collect();
    found.extend(decoded);
    found
}

fn of_url(scheme: &str, rest: &str) -> Vec<String> {
    let is_http = scheme.eq_ignore_ascii_case("http") || scheme.eq_ignore_ascii_case("https");
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    // A password with an unencoded `/`, `?` or `#` is longer than the standard says.
    let is_broken = authority.split_once(':').is_some_and(|(_, port)| port.chars().any(|c| !c.is_ascii_digit()));
    let login = match authority.rsplit_once('@') {
        Some((login, _)) => Some(login),
        None => rest.rsplit_once('@').map(|(login, _)| login).filter(|_| is_broken),
    };
    let secret = login.and_then(|login| match login.split_once(':') {
        // It reveals nothing beyond the user's name.
        Some((user, password)) if user == password => None,
        Some((_, password)) => Some(password),
        None => Some(login).filter(|_| is_http),
    });
    let query = rest.split_once('?').map(|(_, query)| query.split('#').next().unwrap_or_default());
    secret
        .into_iter()
        .chain(query.into_iter().flat_map(of_form))
        .filter(|secret| !secret.is_empty())
        .map(ToOwned::to_owned)
        .collect()
}

/// The credentials in a text that is nothing but pairs: a form (`a=b&c=d`), or words such as libpq's (`host=h password=p`).
fn in_pairs(text: &str) -> Vec<&str> {
    if !text.contains('=') || text.contains("://") {
        return Vec::new();
    }
    if !text.contains(char::is_whitespace) {
        return of_form(text);
    }
    let words = || text.split([' ', '\t', '\n', '\r', ';']).filter(|word| !word.is_empty());
    if words().all(|word| word.contains('=')) {
        of_pairs(words().filter_map(|word| word.split_once('=')))
    } else {
        Vec::new()
    }
}

fn of_form(text: &str) -> Vec<&str> {
    of_pairs(text.split(['&', ';']).filter_map(|pair| pair.split_once('=')))
}

fn of_pairs<'t>(pairs: impl Iterator<Item = (&'t str, &'t str)> + Clone) -> Vec<&'t str> {
    let is_login = pairs.clone().any(|(key, _)| BESIDE_CODE.contains(&key));
    let secret = pairs.filter(|(key, _)| is_credential(key.trim_start_matches('-')) || (is_login && *key == "code"));
    // The shell's variable is not its value.
    let values = secret.map(|(_, value)| value.trim_matches(['"', '\'']));
    values.filter(|value| !value.is_empty() && !value.starts_with('$')).collect()
}

fn in_json(value: &Value, is_secret: bool, found: &mut Vec<String>) {
    match value {
        Value::String(text) if is_secret => found.push(text.clone()),
        Value::Array(values) => values.iter().for_each(|value| in_json(value, is_secret, found)),
        Value::Object(map) => {
            let is_login = BESIDE_CODE.iter().any(|key| map.contains_key(*key));
            for (key, value) in map {
                in_json(value, is_secret || is_credential(key) || (is_login && key == "code"), found);
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::{credentials, in_argument, says_secret};
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
        assert_eq!(
            found("{ env: { DB_PASS: abcdefgh, MODE: abcdefgh }, options: { secret_access_key: 12345678 } }"),
            "DB_PASS=abcdefgh secret_access_key=12345678"
        );
        assert_eq!(found("{ secrets: { TOKEN: { file: run/token } }, github: { secrets: [SLACK_WEBHOOK] } }"), "");
        assert_eq!(found("{ expect: { token: { starts_with: ghp_ } }, password: null, secrets: [NAME] }"), "");
        assert_eq!(
            found("oauth2: { token_url: 'https://u:pw@login/token', client_id: gate, client_secret: s3 }"),
            "client_secret=s3 password=pw"
        );
        assert_eq!(found("secrets: { TOKEN: { command: [vault, read] }, password: { env: DB_PASSWORD } }"), "");
    }

    #[test]
    fn credentials_of_every_login_are_secret_in_settings_forms_json_and_queries() {
        let names = [
            "client_assertion",
            "assertion",
            "id_token",
            "refreshToken",
            "subject_token",
            "code_verifier",
            "device_code",
            "SAMLResponse",
            "private-key",
            "AccountKey",
        ];
        for name in names {
            for text in [
                format!("endpoint_params: {{ {name}: abc }}"),
                format!("body: '{name}=abc&x=1'"),
                format!("body: '{{\"a\": [{{\"{name}\": \"abc\"}}]}}'"),
                format!("url: https://h/x?a=b&{name}=abc"),
            ] {
                assert!(found(&text).contains("=abc"), "{text}: {}", found(&text));
            }
        }
        assert_eq!(found("{ json: { grant_type: authorization_code, code: abc } }"), "code=abc");
        assert_eq!(found("body: grant_type=authorization_code&code=abc"), "password=abc");
        assert_eq!(found("{ json: { code: DE, state: BY, client_assertion_type: jwt-bearer } }"), "");
        assert_eq!(found("argv: [sh, -c, 'TOKEN=$(cat t); curl -H token=x h', TOKEN=$X]"), "");
    }

    #[test]
    fn a_password_is_secret_also_without_the_scheme_of_its_url() {
        assert_eq!(found("url: u:pw@h/x"), "password=pw");
        assert_eq!(found("url: host=h password=pw"), "password=pw");
        assert_eq!(found("image: registry/app:1.2@sha256:abcd"), "");
        assert_eq!(found("url: git@github.com:a/b"), "");
        assert_eq!(found("title: app:1.2@prod"), "");
    }

    #[test]
    fn names_of_variables_say_that_they_are_secret() {
        for name in [
            "GH_PAT",
            "DB_PASS",
            "SLACK_WEBHOOK",
            "GITHUB_TOKEN",
            "AWS_SECRET_ACCESS_KEY",
            "stripe_api_key",
            "PGPASSWORD",
        ] {
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
        assert_eq!(found("url: postgres://gate:pa/ss@db:no-port/gate"), "password=pa/ss");
        assert_eq!(found("url: http://db:8080/@user?token=abc&page=2"), "password=abc");
        assert_eq!(found("text: 'see <redis://:pw12@h/0>, or http://h:80/x@y'"), "password=pw12");
    }

    #[test]
    fn an_argument_holds_the_credential_that_it_sets() {
        let found = |text| {
            let found = in_argument(text).into_iter().map(|found| format!("{}={}", found.name, found.value));
            found.collect::<Vec<String>>().join(" ")
        };
        assert_eq!(found("url=redis://:pw'12@h/0"), "password=pw'12");
        assert_eq!(found("headers.Authorization=Bearer abc"), "Authorization=Bearer abc Authorization=abc");
        assert_eq!(found("--ledger=postgres://gate:a\"b@h/gate"), "password=a\"b");
        assert_eq!(found("RELEASE_TOKEN=abcdefgh"), "RELEASE_TOKEN=abcdefgh");
        assert_eq!(found("query=select 1"), "");
        assert_eq!(found("headers={ \"Cookie\": \"a=b'c\", 1: [ }"), "Cookie=a=b'c");
    }
}
