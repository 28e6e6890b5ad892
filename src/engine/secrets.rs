//! The values of secrets, read once at the start of a run. A secret that can't be read blocks the items that use it.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::future::Future;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use crate::checklist::{self, Checklist, Secret, SecretSource};
use crate::child::{self, End};
use crate::client::{self, Context};
use crate::env::Env;
use crate::plan::Plan;
use crate::run::Missing;
use crate::secret::Redactor;
use crate::text::error;
use crate::yaml::Node;

/// How long a program may take to print a secret.
const TIMEOUT: Duration = Duration::from_secs(30);
/// A longer value is not a secret.
const LIMIT: usize = 1 << 20;
/// A shorter value occurs in every text by chance: it can't be redacted in reports.
const SHORTEST: usize = 4;

/// The values of secrets, or why one is missing.
#[derive(Debug, Default)]
pub struct Secrets(HashMap<String, Result<Value, Missing>>);

/// A value that is not printed by accident.
#[derive(Clone)]
pub struct Value(String);

impl std::fmt::Debug for Value {
    fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        f.write_str("[secret]")
    }
}

impl Secrets {
    /// Reads secrets: from variables and files in any case, so that they are redacted even if nothing refers to them; a
    /// program is run only for a secret that is used, and never with `--read-only`.
    pub async fn read(secrets: &[Secret], used: &HashSet<String>, read_only: bool, cx: &Context) -> Self {
        let wanted = secrets.iter().filter(|secret| used.contains(&secret.name) || is_free(&secret.source));
        let reading = wanted.map(|secret| async move { (secret.name.clone(), value(secret, read_only, cx).await) });
        Self(futures_util::future::join_all(reading).await.into_iter().collect())
    }

    /// The value of a secret, or why there is none.
    pub fn get(&self, name: &str) -> Result<&str, Missing> {
        match self.0.get(name) {
            Some(Ok(value)) => Ok(&value.0),
            Some(Err(why)) => Err(why.clone()),
            None => Err(Missing::NotRead(name.to_owned())),
        }
    }

    /// The digests of the addresses in those that are URLs, by name.
    pub fn addresses(&self, checklist: &Checklist) -> BTreeMap<String, String> {
        let known = self.0.iter().filter_map(|(name, value)| Some((name, &value.as_ref().ok()?.0)));
        known.filter_map(|(name, value)| Some((name.clone(), checklist.address(name, value)?))).collect()
    }

    /// The redactor of these, of the credentials of the checklist and of the environment.
    pub fn redactor(&self, checklist: &Checklist, env: &Env) -> Redactor {
        let own = self.0.iter().filter_map(|(name, value)| Some((name.clone(), value.as_ref().ok()?.0.clone())));
        checklist::redactor(own, &checklist.credentials, env)
    }
}

/// The secrets that the selected items of a plan refer to.
pub fn used(plan: &Plan) -> HashSet<String> {
    let mut used = HashSet::new();
    let mut note = |node: &Node| {
        let names = node.references().into_iter().filter_map(|reference| reference.path.strip_prefix("secrets."));
        used.extend(names.map(ToOwned::to_owned));
    };
    for task in (0..plan.tasks.len()).filter(|task| plan.tasks[*task].is_selected) {
        plan.item(task).unresolved().for_each(&mut note);
    }
    used
}

fn is_free(source: &SecretSource) -> bool {
    match source {
        SecretSource::Env(_) | SecretSource::File(_) => true,
        SecretSource::Command(_) => false,
    }
}

async fn value(secret: &Secret, read_only: bool, cx: &Context) -> Result<Value, Missing> {
    let unreadable = |why| Missing::Unreadable(secret.name.clone(), why);
    let name = &secret.name;
    let value = match &secret.source {
        SecretSource::Env(variable) => match cx.env.var(variable) {
            Some(value) if !value.trim().is_empty() => value.to_owned(),
            Some(_) => return Err(Missing::Empty(variable.clone())),
            None => return Err(Missing::Unset(variable.clone())),
        },
        SecretSource::File(path) => in_file(&cx.path(path)).map_err(unreadable)?,
        SecretSource::Command(argv) if read_only => {
            return Err(unreadable(format!("`{}` is not run with `--read-only`", argv.join(" "))));
        }
        SecretSource::Command(argv) => printed(argv, cx).await.map_err(unreadable)?,
    };
    let value = value.trim_end_matches(['\n', '\r', ' ', '\t']);
    match value.chars().count() {
        0 => Err(Missing::Empty(name.clone())),
        1..SHORTEST => Err(Missing::Short(name.clone(), SHORTEST)),
        _ => Ok(Value(value.to_owned())),
    }
}

fn in_file(path: &Path) -> Result<String, String> {
    let bytes = client::file::read(path, LIMIT).map_err(|fault| fault.to_string())?;
    String::from_utf8(bytes).map_err(|_| format!("`{}` is not UTF-8", path.display()))
}

/// The output of a program. Its standard error is not reported: that may be the secret, too.
async fn printed(argv: &[String], cx: &Context) -> Result<String, String> {
    let (program, arguments) = argv.split_first().ok_or("no program to run")?;
    let shown = argv.join(" ");
    let mut command = Command::new(program);
    command.args(arguments).current_dir(&*cx.dir).env_clear().envs(&cx.env.vars);
    let finished = within(child::run(command, None, LIMIT)).await.ok_or(format!("`{shown}` took longer than 30s"))?;
    let finished = finished.map_err(|problem| format!("cannot run `{shown}`: {}", error::os(&problem)))?;
    match finished.end {
        End::Exit(0) => {}
        End::Exit(code) => return Err(format!("`{shown}` ended with exit code {code}: run it to see why")),
        End::Signal(signal) => return Err(format!("`{shown}` was ended by signal {signal}")),
    }
    if finished.stdout.truncated {
        return Err(format!("`{shown}` printed more than 1 MiB"));
    }
    String::from_utf8(finished.stdout.bytes).map_err(|_| format!("`{shown}` printed something that is not UTF-8"))
}

async fn within<T>(future: impl Future<Output = T>) -> Option<T> {
    tokio::time::timeout(TIMEOUT, future).await.ok()
}
