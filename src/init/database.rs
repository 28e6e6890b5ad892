//! How to connect to databases and Redis: with the parts in the Compose file, or a URL in a variable.

use std::sync::LazyLock;

use regex::Regex;
use serde_json::{Map, Value, json};

use super::draft::Draft;
use super::facts::{Facts, Service};
use super::variable::filled;

static REFERENCE: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"^\$\{env\.(\w+)(?::-.*)?\}$").expect("it is well formed"));
static REQUIREPASS: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r#"requirepass\s+["']?(?:\$\{env\.(\w+))?"#).expect("it is well formed"));
static SQL_URL: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"^(?:\w+_)?(?:DATABASE|DB|POSTGRES(?:QL)?|PG|MYSQL|MARIADB|SQLALCHEMY\w*)_(?:\w+_)?(?:URL|URI|DSN)$")
        .expect("it is well formed")
});
static REDIS_URL: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"^(?:\w+_)?(?:REDIS|VALKEY)_(?:\w+_)?(?:URL|URI|DSN)$").expect("it is well formed"));

/// The variables in which images of databases read user, database and password.
struct Names {
    user: &'static [&'static str],
    database: &'static [&'static str],
    password: &'static [&'static str],
    superuser: &'static str,
}

const POSTGRES: Names = Names {
    user: &["POSTGRES_USER", "POSTGRESQL_USERNAME", "DB_USER"],
    database: &["POSTGRES_DB", "POSTGRESQL_DATABASE", "DB_NAME"],
    password: &["POSTGRES_PASSWORD", "POSTGRESQL_PASSWORD", "DB_PASSWORD"],
    superuser: "postgres",
};
const MYSQL: Names = Names {
    user: &["MYSQL_USER", "MARIADB_USER"],
    database: &["MYSQL_DATABASE", "MARIADB_DATABASE"],
    password: &["MYSQL_PASSWORD", "MARIADB_PASSWORD"],
    superuser: "root",
};
const ROOT: &[&str] = &["MYSQL_ROOT_PASSWORD", "MARIADB_ROOT_PASSWORD"];

/// The parts of a database that is published at this port.
pub fn sql(service: &Service, facts: &Facts, dialect: &str, port: &str, draft: &mut Draft) -> Map<String, Value> {
    let names = if dialect == "postgresql" { POSTGRES } else { MYSQL };
    let user = setting(service, facts, names.user);
    let is_root = user.is_none() && dialect != "postgresql";
    let user = user.unwrap_or_else(|| names.superuser.to_owned());
    let database = setting(service, facts, names.database).unwrap_or_else(|| user.clone());
    let mut settings = Map::new();
    if dialect != "postgresql" {
        settings.insert("dialect".to_owned(), dialect.into());
    }
    settings.insert("host".to_owned(), host(draft, &service.from));
    settings.insert("port".to_owned(), number(port));
    settings.insert("user".to_owned(), user.into());
    let is_trusting =
        service.settings.get("POSTGRES_HOST_AUTH_METHOD").is_some_and(|method| method.as_deref() == Some("trust"));
    if !is_trusting && !is_empty(service, "MYSQL_ALLOW_EMPTY_PASSWORD") {
        let password = if is_root { ROOT } else { names.password };
        settings.insert("password".to_owned(), password_of(service, password, draft).into());
    }
    if !(is_root && service.settings.keys().all(|key| !names.database.contains(&key.as_str()))) {
        settings.insert("database".to_owned(), database.into());
    }
    settings
}

/// The parts of a Redis that is published at this port.
pub fn redis(service: &Service, port: &str, draft: &mut Draft) -> Map<String, Value> {
    let mut settings = Map::new();
    settings.insert("host".to_owned(), host(draft, &service.from));
    settings.insert("port".to_owned(), number(port));
    let command = filled(&service.command).template.unwrap_or_else(|| service.command.clone());
    if let Some(found) = REQUIREPASS.captures(&command) {
        let name = found.get(1).map_or("REDIS_PASSWORD", |name| name.as_str());
        settings
            .insert("password".to_owned(), draft.secret(name, &format!("{}: `{}`", service.from, service.name)).into());
    } else if service.settings.contains_key("REDIS_PASSWORD") {
        settings.insert("password".to_owned(), password_of(service, &["REDIS_PASSWORD"], draft).into());
    }
    settings
}

/// The variable with the URL of a database.
pub fn sql_url(facts: &Facts) -> Option<(&str, &str)> {
    best(facts, &SQL_URL, "DATABASE_URL")
}

/// The variable with the URL of a Redis.
pub fn redis_url(facts: &Facts) -> Option<(&str, &str)> {
    best(facts, &REDIS_URL, "REDIS_URL")
}

/// The host of the published ports.
pub fn host(draft: &mut Draft, from: &str) -> Value {
    let variable = format!("${{env.{}_HOST:-127.0.0.1}}", draft.prefix);
    draft.variable("host", variable, from);
    json!("${vars.host}")
}

fn best<'a>(facts: &'a Facts, pattern: &Regex, usual: &str) -> Option<(&'a str, &'a str)> {
    let names = facts.names.iter().filter(|(name, _)| pattern.is_match(name) && !name.starts_with("TEST_"));
    names.min_by_key(|(name, _)| (*name != usual, name.len())).map(|(name, from)| (name.as_str(), from.as_str()))
}

/// The first of these variables that the service has, as gate writes its value.
fn setting(service: &Service, facts: &Facts, names: &[&str]) -> Option<String> {
    let own = names.iter().find_map(|name| Some((name, service.settings.get(*name)?)));
    match own {
        Some((_, Some(value))) if !value.is_empty() => Some(value.clone()),
        Some((name, _)) => Some(format!("${{env.{name}}}")),
        None => names.iter().find(|name| facts.names.contains_key(**name)).map(|name| format!("${{env.{name}}}")),
    }
}

fn is_empty(service: &Service, name: &str) -> bool {
    service.settings.get(name).is_some_and(|value| value.as_deref().is_some_and(|value| value != "no" && value != "0"))
}

/// A password is always a secret, even if it is in a file of the repository.
fn password_of(service: &Service, names: &[&str], draft: &mut Draft) -> String {
    let own = names.iter().find_map(|name| Some((*name, service.settings.get(*name)?)));
    let (name, value) = own.map_or((names[0], None), |(name, value)| (name, value.as_deref()));
    let other = value.and_then(|value| REFERENCE.captures(value)).map(|found| found[1].to_owned());
    let from = match (value, &other) {
        (Some(_), None) => format!("the password that {} sets for `{}`", service.from, service.name),
        _ => format!("{}: `{}`", service.from, service.name),
    };
    draft.secret(other.as_deref().unwrap_or(name), &from)
}

/// A port as a number, where it is one.
fn number(port: &str) -> Value {
    port.parse::<u16>().map_or_else(|_| port.into(), Value::from)
}
