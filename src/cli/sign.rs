//! `gate sign`: vouch for an item, or take that back, where all that it needs is green in the last whole run.

use std::path::PathBuf;

use clap::Args;

use crate::checklist::{Checklist, Item, Subject};
use crate::client::git::setting;
use crate::diagnostic::Diagnostic;
use crate::engine;
use crate::env::Env;
use crate::ledger::{Key, Ledger, Recorded, Which};
use crate::run::is_same_subject;
use crate::sign_off::{self, Action, Entry, SignOffRequest};
use crate::text::{is_hidden, visible};

use super::{Exit, Failure, InputArgs, LedgerArgs, load, print, sign_offs};

#[derive(Debug, Args)]
pub struct Sign {
    /// The checklist
    name: String,
    /// The item: one that is a sign-off
    item: String,
    /// Who signs, such as `Dana Reyes <dana@example.com>`; if absent, Git's user
    #[arg(long, value_name = "PERSON")]
    by: Option<String>,
    /// Anything that others should know of it
    #[arg(long, value_name = "TEXT")]
    note: Option<String>,
    /// Take it back
    #[arg(long)]
    revoke: bool,
    /// Sign with this SSH key, as `ssh-keygen -Y sign` does; a public key means the agent's
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
    #[command(flatten)]
    input: InputArgs,
    #[command(flatten)]
    ledger: LedgerArgs,
}

impl Sign {
    pub async fn run(self, env: Env) -> Result<Exit, Failure> {
        let env = self.input.env(env)?;
        let checklist = load(&self.name, &self.input.overrides(), &env)?;
        let item = self.item(&checklist).map_err(|problem| Failure::usage(problem, &env))?;
        let requests = SignOffRequest::all(&checklist);
        let request = requests.iter().find(|request| request.item == self.item).expect("the item is a sign-off");
        let (by, email) = self.person(&checklist, &env).await?;
        let refused = |problem| Failure { exit: Exit::NotReady, ..Failure::usage(problem, &env) };
        let usage = |problem| Failure::usage(problem, &env);
        for text in [Some(&by), email.as_ref(), self.note.as_ref()].into_iter().flatten() {
            if text.chars().any(is_hidden) {
                return Err(usage(Diagnostic::error(
                    "a name and a note must not contain control or invisible characters",
                )));
            }
        }
        if checklist.subject == Subject::Unset {
            let problem = Diagnostic::error("nothing can be signed: the checklist's subject is not set");
            return Err(usage(problem.help("set the variable that `subject` refers to, or pass `--subject`")));
        }
        let action = if self.revoke { Action::Revoke } else { Action::Give };
        let source = |id: &str| checklist.items().find(|item| *item.id == *id).map(|item| item.source.as_str());
        let (covers, run, commit) = match action {
            // It says what is written now: what was observed has no part in it.
            Action::Revoke => (request.covers(source), None, None),
            Action::Give => {
                let unread = |problem| Failure::output(problem, &env);
                let key = Key::find(&checklist.name, checklist.project.as_deref(), &checklist.root, &env).await;
                let location = self.ledger.location(&checklist.root, &env)?;
                let ledger = Ledger::open_existing(location, &checklist.root, &env).await.map_err(unread)?;
                let last = match ledger {
                    Some(mut ledger) => ledger.last(&key, Which::Whole).await.map_err(unread)?,
                    None => None,
                };
                let mut last = matching(&checklist, request, last).map_err(refused)?;
                // What was green then may be too old by now, what was waived accepted no longer, and more be signed.
                engine::age(&mut last.run, &checklist, &sign_offs(&checklist, &env).await?, env.now());
                let Recorded { digest, run, .. } = green(&checklist, item, last).map_err(refused)?;
                let definition = |id: &str| run.items().find(|item| item.id == id)?.definition.as_deref();
                (request.covers(definition), Some(format!("sha256:{digest}")), run.commit)
            }
        };
        let covers = covers.expect("what is not known of a run is refused, and every item has a source");
        let mut entry = Entry {
            item: self.item.clone(),
            action,
            role: request.asked.role.clone(),
            by,
            email,
            at: env.now(),
            subject: checklist.subject.value().map(ToOwned::to_owned),
            note: self.note.clone(),
            checklist: checklist.name.clone(),
            covers,
            file: format!("sha256:{}", checklist.digest),
            run,
            commit,
            signature: None,
        };
        if let Some(people) =
            request.asked.by.as_ref().filter(|people| !people.iter().any(|one| one == entry.principal()))
            && action == Action::Give
        {
            let title = format!("{} may not sign as {}", entry.principal(), entry.role);
            return Err(refused(Diagnostic::error(title).help(format!("it is for {}", people.join(", ")))));
        }
        match &self.key {
            Some(key) => {
                let key = env.cwd.join(key);
                let signature = sign_off::sign(&entry, &key).await;
                entry.signature = Some(signature.map_err(|why| usage(Diagnostic::error(why)))?);
            }
            None if request.asked.signed && action == Action::Give => {
                let problem = Diagnostic::error(format!("`{}` counts only when it is signed with a key", self.item));
                return Err(usage(problem.help("say which: `--key ~/.ssh/id_ed25519`")));
            }
            None => {}
        }
        let file = sign_off::append(&checklist, &entry)
            .map_err(|(problems, sources)| Failure::output(problems, &env).at(&std::sync::Arc::new(sources)))?;
        let words = entry.signed();
        print(&format!("{}: {}\nwritten to {file}: commit it\n", self.item, visible(&words.to_string())), &env)?;
        Ok(Exit::Ready)
    }

    /// The item that is meant.
    fn item<'c>(&self, checklist: &'c Checklist) -> Result<&'c Item, Diagnostic> {
        let names = || checklist.items().filter(|item| item.sign_off.is_some()).map(|item| &*item.id);
        if let Some(item) = checklist.items().find(|item| *item.id == *self.item) {
            return match item.sign_off {
                Some(_) => Ok(item),
                None => Err(Diagnostic::error(format!("`{}` is no sign-off: it is looked at", self.item))),
            };
        }
        let problem = Diagnostic::error(format!("no item is called `{}`", self.item));
        let otherwise = format!("the sign-offs are {}", names().collect::<Vec<_>>().join(", "));
        Err(problem.suggest(&self.item, names(), otherwise))
    }

    /// The name and the mail address of who signs.
    async fn person(&self, checklist: &Checklist, env: &Env) -> Result<(String, Option<String>), Failure> {
        let set = |text: &str| Some(text.trim().to_owned()).filter(|text| !text.is_empty());
        if let Some(by) = &self.by {
            let (name, email) = match by.split_once('<').and_then(|(name, rest)| Some((name, rest.strip_suffix('>')?)))
            {
                Some((name, email)) => (set(name), set(email)),
                None if by.contains('@') => (set(by), set(by)),
                None => (set(by), None),
            };
            if let Some(name) = name.or_else(|| email.clone()) {
                return Ok((name, email));
            }
        } else {
            let asked = async |key| setting(&checklist.root, key, env).await;
            let (name, email) = (asked("user.name").await, asked("user.email").await);
            if let Some(name) = name.or_else(|| email.clone()) {
                return Ok((name, email));
            }
        }
        let problem = Diagnostic::error("nobody says who signs");
        Err(Failure::usage(problem.help("say `--by \"Dana Reyes <dana@example.com>\"`, or set Git's user.name"), env))
    }
}

/// The last whole run, if it observed what the checklist defines now, for what is being signed off.
fn matching(checklist: &Checklist, request: &SignOffRequest, last: Option<Recorded>) -> Result<Recorded, Diagnostic> {
    let wrong = |title: String| Err(Diagnostic::error(title).help(again(checklist)));
    let Some(last) = last else {
        return wrong(format!("there is no whole run of `{}` to sign", checklist.name));
    };
    let covered = checklist.items().filter(|item| request.covered.iter().any(|id| *id == *item.id));
    for item in covered {
        let then = last.run.items().find(|result| result.id == *item.id);
        if !then.is_some_and(|then| then.source.as_ref() == Some(&item.source) && then.definition.is_some()) {
            return wrong(format!("the checklist has changed since the last whole run: `{}`", item.id));
        }
    }
    let (then, now) = (last.run.subject.as_deref(), checklist.subject.value());
    if !is_same_subject(then, now) {
        let named = |subject: Option<&str>| subject.unwrap_or("nothing").to_owned();
        return wrong(format!("the last whole run was of {}, and this is {}", named(then), named(now)));
    }
    Ok(last)
}

/// The run, if all that the item needs is green in it.
fn green(checklist: &Checklist, item: &Item, last: Recorded) -> Result<Recorded, Diagnostic> {
    let items: Vec<&Item> = checklist.items().collect();
    let mut problem = Diagnostic::error(format!("`{}` can't be signed: not all that it needs is green", item.id));
    let mut is_green = true;
    for need in item.needs.iter().map(|need| &items[*need]) {
        let why = match last.run.items().find(|result| result.id == *need.id) {
            None => "not in the last whole run".to_owned(),
            Some(result) if result.status.is_green() => continue,
            Some(result) => match &result.reason {
                Some(reason) => format!("{}: {reason}", result.status.word()),
                None => result.status.word().to_owned(),
            },
        };
        is_green = false;
        problem = problem.help(format!("{}: {why}", need.id));
    }
    if is_green { Ok(last) } else { Err(problem.help(again(checklist))) }
}

fn again(checklist: &Checklist) -> String {
    format!("run `gate check {}`, then sign", checklist.name)
}
