//! The values of secrets, each read once. A secret that can't be read blocks the items that use it. Programs that print
//! secrets run beside the items that don't use them.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::Path;
use std::process::Command;
use std::sync::OnceLock;
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::future::BoxFuture;
use futures_util::stream::FuturesUnordered;
use tokio::time::{Instant, timeout};

use crate::checklist::{self, Checklist, Item, Secret, SecretSource};
use crate::child::{self, End};
use crate::client::{self, Context};
use crate::env::Env;
use crate::plan::Plan;
use crate::run::Missing;
use crate::secret::Redactor;
use crate::text::error;
use crate::yaml;

/// How long a program may take to print a secret.
const TIMEOUT: Duration = Duration::from_secs(30);
/// A longer value is not a secret.
const LIMIT: usize = 1 << 20;
/// A shorter value occurs in every text by chance: it can't be redacted in reports.
const SHORTEST: usize = 4;

/// The help where a program can't print the secret.
const FROM_ELSEWHERE: &str = "read the secret from a variable or a file";

/// The values of secrets, or why one is missing. Those that programs print come later.
#[derive(Debug, Default)]
pub struct Secrets(HashMap<String, OnceLock<Result<Value, Missing>>>);

/// A value that is not printed by accident.
#[derive(Clone)]
pub struct Value(String);

impl Value {
    /// The value itself.
    pub fn get(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for Value {
    fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        f.write_str("[secret]")
    }
}

impl Secrets {
    /// Reads secrets from variables and files, so that they are redacted even if nothing refers to them. A program is run
    /// only for a secret that is used, and never with `read_only`: these values come from the second result.
    pub fn read(secrets: &[Secret], used: &HashSet<String>, read_only: bool, cx: &Context) -> (Self, Reading) {
        let (mut known, mut reading) = (HashMap::new(), Reading::default());
        for secret in secrets {
            let value = match &secret.source {
                SecretSource::Env(variable) => OnceLock::from(in_variable(&secret.name, variable, cx)),
                SecretSource::File(path) => OnceLock::from(in_file(&secret.name, path, cx)),
                SecretSource::Command(_) if !used.contains(&secret.name) => continue,
                SecretSource::Command(argv) if read_only => {
                    let why = format!("`{}` is not run with `--read-only`", argv.join(" "));
                    OnceLock::from(Err(unreadable(&secret.name, why, FROM_ELSEWHERE)))
                }
                SecretSource::Command(argv) => {
                    reading.start(secret.name.clone(), argv.clone(), cx.clone());
                    OnceLock::new()
                }
            };
            known.insert(secret.name.clone(), value);
        }
        (Self(known), reading)
    }

    /// Keeps what a program printed.
    pub fn keep(&self, name: &str, value: Result<Value, Missing>) {
        if let Some(secret) = self.0.get(name) {
            // It is read once.
            let _ = secret.set(value);
        }
    }

    /// The value of a secret, or why there is none.
    pub fn get(&self, name: &str) -> Result<&str, Missing> {
        match self.0.get(name).and_then(OnceLock::get) {
            Some(Ok(value)) => Ok(&value.0),
            Some(Err(why)) => Err(why.clone()),
            None => Err(Missing::NotRead(name.to_owned())),
        }
    }

    fn known(&self) -> impl Iterator<Item = (&String, &String)> {
        self.0.iter().filter_map(|(name, value)| Some((name, &value.get()?.as_ref().ok()?.0)))
    }

    /// The digests of the addresses in those that are URLs, by name.
    pub fn addresses(&self, checklist: &Checklist) -> BTreeMap<String, String> {
        self.known().filter_map(|(name, value)| Some((name.clone(), checklist.address(name, value)?))).collect()
    }

    /// The redactor of these, of the credentials of the checklist and of the environment.
    pub fn redactor(&self, checklist: &Checklist, env: &Env) -> Redactor {
        let own = self.known().map(|(name, value)| (name.clone(), value.clone()));
        checklist::redactor(own, &checklist.credentials, env)
    }
}

/// The programs that print secrets, while they run.
#[derive(Debug)]
pub struct Reading {
    programs: FuturesUnordered<BoxFuture<'static, (String, Result<Value, Missing>)>>,
    /// The secrets that they have not printed yet, each with its program.
    names: BTreeMap<String, String>,
    since: Instant,
}

impl Default for Reading {
    fn default() -> Self {
        Self { programs: FuturesUnordered::new(), names: BTreeMap::new(), since: Instant::now() }
    }
}

impl Reading {
    fn start(&mut self, name: String, argv: Vec<String>, cx: Context) {
        self.names.insert(name.clone(), argv.join(" "));
        self.programs.push(Box::pin(async move {
            let value = printed(&name, &argv, &cx).await;
            (name, value)
        }));
    }

    /// Whether all have ended.
    pub fn is_done(&self) -> bool {
        self.names.is_empty()
    }

    /// The names of the secrets that are not read yet.
    pub fn names(&self) -> String {
        self.names.keys().map(String::as_str).collect::<Vec<_>>().join(", ")
    }

    /// The next secret that was read, or why it could not be. None after the last one.
    pub async fn next(&mut self) -> Option<(String, Result<Value, Missing>)> {
        let (name, value) = self.programs.next().await?;
        self.names.remove(&name);
        Some((name, value))
    }

    /// The first secret of an item that is not read yet.
    pub fn awaited_by(&self, item: &Item) -> Option<&str> {
        if self.is_done() {
            return None;
        }
        used_by(item).into_iter().find_map(|name| self.names.get_key_value(&name)).map(|(name, _)| name.as_str())
    }

    /// How long a secret has been waited for, and for which program.
    pub fn wait(&self, name: &str) -> String {
        let waited = yaml::Duration(Duration::from_secs_f64(self.since.elapsed().as_secs_f64().round()));
        let program = self.names.get(name).map(String::as_str).unwrap_or_default();
        format!("waited {waited} for the secret {name}, which `{program}` did not print")
    }
}

/// The secrets that the selected items of a plan refer to.
pub fn used(plan: &Plan) -> HashSet<String> {
    let selected = (0..plan.tasks.len()).filter(|task| plan.tasks[*task].is_selected);
    selected.flat_map(|task| used_by(plan.item(task))).collect()
}

/// The secrets that an item refers to.
fn used_by(item: &Item) -> Vec<String> {
    let references = item.unresolved().flat_map(|node| node.references());
    references.filter_map(|reference| reference.path.strip_prefix("secrets.").map(str::to_owned)).collect()
}

/// A secret that could not be read, why, and what to do.
fn unreadable(name: &str, why: String, help: &str) -> Missing {
    Missing::Unreadable { name: name.to_owned(), why, help: help.to_owned() }
}

fn in_variable(name: &str, variable: &str, cx: &Context) -> Result<Value, Missing> {
    match cx.env.var(variable) {
        Some(value) if !value.trim().is_empty() => usable(name, value),
        Some(_) => Err(Missing::Empty(variable.to_owned())),
        None => Err(Missing::Unset(variable.to_owned())),
    }
}

fn in_file(name: &str, path: &Path, cx: &Context) -> Result<Value, Missing> {
    let path = cx.path(path);
    let bytes = client::file::read(&path, LIMIT).map_err(|fault| {
        let help = fault.help.unwrap_or("create it with the secret in it, or correct the path after `file:`".into());
        unreadable(name, fault.message.into_owned(), &help)
    })?;
    let shown = path.display();
    match String::from_utf8(bytes) {
        Ok(text) if text.trim().is_empty() => {
            Err(unreadable(name, format!("file `{shown}` is empty"), "write the secret into that file"))
        }
        Ok(text) => usable(name, &text),
        Err(_) => Err(unreadable(name, format!("`{shown}` is not UTF-8"), "write the secret into it as text")),
    }
}

/// The output of a program. Its standard error is not reported: that may be the secret, too.
async fn printed(name: &str, argv: &[String], cx: &Context) -> Result<Value, Missing> {
    let shown = argv.join(" ");
    let unreadable = |why: String, help: &str| Err(unreadable(name, why, help));
    let Some((program, arguments)) = argv.split_first() else {
        return unreadable("no program to run".to_owned(), FROM_ELSEWHERE);
    };
    let mut command = Command::new(program);
    command.args(arguments).current_dir(&*cx.dir).env_clear().envs(&cx.env.vars);
    let finished = match timeout(TIMEOUT, child::run_to_limit(command, LIMIT)).await {
        Ok(Ok(finished)) => finished,
        Ok(Err(problem)) => {
            let why = format!("cannot run `{shown}`: {}", error::os(&problem));
            return unreadable(why, "install the program, or correct the `command` of the secret");
        }
        Err(_) => {
            let why = format!("`{shown}` did not end within {}", yaml::Duration(TIMEOUT));
            return unreadable(why, "run it yourself: does it wait for a login, for input or for the network?");
        }
    };
    if finished.stdout.truncated {
        return unreadable(format!("`{shown}` printed more than 1 MiB"), "it must print the secret and nothing else");
    }
    match finished.end {
        End::Exit(0) => {}
        End::Exit(code) => {
            return unreadable(format!("`{shown}` ended with exit code {code}"), "run it yourself to see why");
        }
        End::Signal(signal) => {
            return unreadable(format!("`{shown}` was ended by signal {signal}"), "run it yourself to see why");
        }
    }
    match String::from_utf8(finished.stdout.bytes) {
        Ok(text) if text.trim().is_empty() => {
            unreadable(format!("`{shown}` printed nothing"), "it must print the secret on standard output")
        }
        Ok(text) => usable(name, &text),
        Err(_) => {
            unreadable(format!("`{shown}` printed something that is not UTF-8"), "it must print the secret as text")
        }
    }
}

/// The value without the end of its line, if it can be kept out of reports.
fn usable(name: &str, value: &str) -> Result<Value, Missing> {
    let value = value.trim_end_matches(['\n', '\r', ' ', '\t']);
    if value.chars().count() < SHORTEST {
        return Err(Missing::Short(name.to_owned(), SHORTEST));
    }
    Ok(Value(value.to_owned()))
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;
    use std::sync::Arc;

    use super::*;
    use crate::diagnostic::Span;

    #[tokio::test(start_paused = true)]
    async fn a_program_that_does_not_end_is_named_with_its_secret_and_the_time() {
        let path = std::env::var("PATH").expect("there is a PATH");
        let env = Arc::new(Env::with([("PATH".to_owned(), path)], PathBuf::from("/")));
        let cx = Context::new(env, PathBuf::from("/").as_path(), Duration::ZERO);
        let source = SecretSource::Command(vec!["sleep".to_owned(), "600".to_owned()]);
        let secret = Secret { name: "SLOW".to_owned(), source, span: Span::default() };
        let (secrets, mut reading) = Secrets::read(&[secret], &HashSet::from(["SLOW".to_owned()]), false, &cx);
        assert!(!reading.is_done());
        let (name, value) = reading.next().await.expect("it is read");
        secrets.keep(&name, value);
        assert!(reading.is_done() && reading.next().await.is_none());
        let missing = secrets.get("SLOW").expect_err("it prints nothing");
        assert_eq!(missing.to_string(), "SLOW: `sleep 600` did not end within 30s");
        assert_eq!(missing.help(), Some("run it yourself: does it wait for a login, for input or for the network?"));
    }
}
