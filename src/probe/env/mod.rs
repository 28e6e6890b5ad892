//! `env`: are the environment variables that a service needs set, and are they more than placeholders?

mod placeholder;
mod word;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::PathBuf;

use regex::Regex;
use schemars::JsonSchema;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};

use crate::dotenv;

use super::{Context, Fault, Probe};
use crate::client::{aside, file as regular};

use placeholder::is_placeholder;

/// The largest `.env` file that is read.
const MAX_FILE: usize = 1 << 20;

/// Checks environment variables, of the process or of a `.env` file. Their values are never shown.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, remote = "Self")]
pub struct Environment {
    /// The variables that must be set, such as `[DATABASE_URL, REDIS_URL]`.
    #[serde(default)]
    names: Vec<String>,
    /// Variables whose value must match a regular expression, such as `{ DATABASE_URL: "^postgresql://", API_KEY:
    /// "^.{32,}$" }`. `names` need not repeat them.
    #[serde(default)]
    matches: BTreeMap<String, Pattern>,
    /// Read this file of `KEY=VALUE` lines, such as `deploy/staging.env`, instead of the environment of `gate`.
    file: Option<PathBuf>,
}

/// A regular expression.
#[derive(Debug, JsonSchema)]
#[schemars(inline)]
struct Pattern(#[schemars(with = "String")] Regex);

/// Which variables are set. Each name is in exactly one of `present`, `missing`, `placeholder` and `malformed`.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct EnvironmentSeen {
    /// Names of variables that are set, with a value that matches.
    pub present: Vec<String>,
    /// Names of variables that are not set, or blank.
    pub missing: Vec<String>,
    /// Names of variables that are set, but blank.
    pub blank: Vec<String>,
    /// Names of variables whose value is an example, such as `changeme`, `ghp_xxxx`, `postgres://username:password@…`,
    /// an unexpanded `${X}` or an unresolved `op://…`.
    pub placeholder: Vec<String>,
    /// Names of variables whose value does not match.
    pub malformed: Vec<String>,
}

impl Probe for Environment {
    const KIND: &'static str = "env";
    const EXPECT: &'static str = "{ missing: { length: 0 }, placeholder: { length: 0 }, malformed: { length: 0 } }";
    const EXAMPLE: &'static str = r#"env: { names: [SLACK_WEBHOOK], matches: { GITHUB_TOKEN: "^gh[ps]_" } }
"#;
    type Observation = EnvironmentSeen;

    async fn observe(&self, cx: &Context) -> Result<EnvironmentSeen, Fault> {
        let vars = match &self.file {
            None => Cow::Borrowed(&cx.env.vars),
            Some(file) => Cow::Owned(read(&cx.path(file)).await?),
        };
        let mut seen = EnvironmentSeen {
            present: Vec::new(),
            missing: Vec::new(),
            blank: Vec::new(),
            placeholder: Vec::new(),
            malformed: Vec::new(),
        };
        for name in self.wanted() {
            let value = vars.get(name).map(|value| value.trim());
            let list = match value {
                None => &mut seen.missing,
                Some("") => {
                    seen.blank.push(name.to_owned());
                    &mut seen.missing
                }
                Some(value) if is_placeholder(name, value) => &mut seen.placeholder,
                Some(_) if self.is_malformed(name, &vars[name]) => &mut seen.malformed,
                Some(_) => &mut seen.present,
            };
            list.push(name.to_owned());
        }
        Ok(seen)
    }

    fn evidence(&self, seen: &EnvironmentSeen) -> String {
        let mut line = format!("{} of {} present", seen.present.len(), self.wanted().len());
        for (list, word) in
            [(&seen.missing, "missing"), (&seen.placeholder, "placeholder"), (&seen.malformed, "malformed")]
        {
            if !list.is_empty() {
                line += &format!("; {word}: {}", list.join(", "));
            }
        }
        line
    }

    fn advice(&self, seen: &EnvironmentSeen) -> Option<String> {
        let place = match &self.file {
            None => "the environment of `gate`".to_owned(),
            Some(file) => format!("`{}`", file.display()),
        };
        let unset: Vec<&str> =
            seen.missing.iter().filter(|name| !seen.blank.contains(name)).map(String::as_str).collect();
        let said = [
            (unset.join(", "), format!("not set in {place}")),
            (seen.blank.join(", "), format!("blank in {place}")),
            (seen.placeholder.join(", "), "still a placeholder".to_owned()),
            (seen.malformed.join(", "), "does not match its pattern".to_owned()),
        ];
        let said: Vec<String> = said
            .into_iter()
            .filter(|(names, _)| !names.is_empty())
            .map(|(names, what)| format!("{names}: {what}"))
            .collect();
        (!said.is_empty()).then(|| said.join("; "))
    }
}

impl Environment {
    /// Every name once, in the order of the file.
    fn wanted(&self) -> Vec<&str> {
        let mut wanted: Vec<&str> = Vec::new();
        for name in self.names.iter().chain(self.matches.keys()) {
            if !wanted.contains(&name.as_str()) {
                wanted.push(name);
            }
        }
        wanted
    }

    fn is_malformed(&self, name: &str, value: &str) -> bool {
        self.matches.get(name).is_some_and(|Pattern(pattern)| !pattern.is_match(value))
    }
}

async fn read(file: &std::path::Path) -> Result<BTreeMap<String, String>, Fault> {
    let shown = file.display();
    let path = file.to_owned();
    let bytes = aside::block(move || regular::read(&path, MAX_FILE))
        .await
        .map_err(|error| Fault::unreadable(file, &error))??;
    let text = String::from_utf8(bytes).map_err(|_| Fault::new(format!("`{shown}` is not UTF-8")))?;
    let vars = dotenv::parse(&text).map_err(|bad| {
        Fault::new(format!("`{shown}` is not a file of variables: {bad}")).help("each line must be `KEY=VALUE`")
    })?;
    Ok(vars.into_iter().collect())
}

impl<'de> Deserialize<'de> for Environment {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let probe = Environment::deserialize(deserializer)?;
        if probe.wanted().is_empty() {
            return Err(D::Error::missing_field("names` or `matches"));
        }
        if let Some(name) = probe.wanted().into_iter().find(|name| !dotenv::is_name(name)) {
            return Err(D::Error::custom(format!("`{name}` is not a valid name of a variable")));
        }
        Ok(probe)
    }
}

impl<'de> Deserialize<'de> for Pattern {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Regex::new(&text).map(Self).map_err(|error| {
            let words = error.to_string();
            let last = words.lines().last().unwrap_or_default().trim_start_matches("error: ");
            D::Error::custom(format!("this is not a regular expression: {last}"))
        })
    }
}
