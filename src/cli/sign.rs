//! `gate sign`: signs off items whose needs are green in the newest full run, or revokes sign-offs.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use clap::Args;
use sha2::{Digest, Sha256};

use crate::checklist::{Checklist, Item, Subject, list_of};
use crate::client::git::setting;
use crate::diagnostic::Diagnostic;
use crate::engine;
use crate::ledger::{Key, Ledger, Which};
use crate::run::is_same_subject;
use crate::sign_off::{self, Decision, Entry, SignOffRequest, SignOffState, SignOffs, Signable, again, green};
use crate::text::{is_hidden, visible};

use super::{Console, Exit, Failure, InputArgs, LedgerArgs, load, print, saved, signed};

#[derive(Debug, Args)]
pub struct Sign {
    /// Checklist: a name or a path
    name: String,
    /// Items to sign off
    items: Vec<String>,
    /// Sign off every item of this role
    #[arg(long)]
    role: Option<String>,
    /// Sign the run in this JSON report. Default: the last full run in the ledger
    #[arg(long = "run", value_name = "FILE", conflicts_with = "revoke")]
    report: Option<PathBuf>,
    /// Name of the signer, such as `Dana Reyes <dana@example.com>`. Default: Git's user
    #[arg(long, value_name = "PERSON")]
    by: Option<String>,
    /// Add a note for readers of the sign-off
    #[arg(long, value_name = "TEXT")]
    note: Option<String>,
    /// Revoke the sign-offs instead
    #[arg(long)]
    revoke: bool,
    /// Sign with this SSH key, as `ssh-keygen -Y sign` does; with a public key, the SSH agent is used
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
    #[command(flatten)]
    input: InputArgs,
    #[command(flatten)]
    ledger: LedgerArgs,
}

impl Sign {
    pub async fn run(self, env: Console) -> Result<Exit, Failure> {
        let env = self.input.env(env)?;
        let usage = |problem| Failure::usage(problem, &env);
        let mut checklist = load(&self.name, &self.input.offline(), &env)?;
        let report = self.report.as_ref().map(|path| reported(&env.cwd.join(path))).transpose().map_err(usage)?;
        if let (Subject::Unset, Some(report)) = (&checklist.subject, &report) {
            checklist.subject = report.run.subject.clone().map_or(Subject::Unset, Subject::Set);
        }
        let items = self.items(&checklist).map_err(usage)?;
        let (by, email) = self.person(&checklist, &env).await?;
        for text in [Some(&by), email.as_ref(), self.note.as_ref()].into_iter().flatten() {
            if text.chars().any(is_hidden) {
                return Err(usage(Diagnostic::error(
                    "a name and a note must not contain control or invisible characters",
                )));
            }
        }
        if checklist.subject == Subject::Unset {
            let problem = Diagnostic::error("nothing can be signed: the checklist's subject is not set");
            let help = "set the variable that `subject` refers to, or pass `--subject` or `--run RUN.json`";
            return Err(usage(problem.help(help)));
        }
        let sign_offs = signed::read(&checklist, signed::memory(&env), &env).await?;
        let blank = |item: &Item| Entry {
            item: item.id.to_string(),
            decision: if self.revoke { Decision::Revoke } else { Decision::Give },
            role: item.sign_off.as_ref().map(|asked| asked.role.clone()).unwrap_or_default(),
            by: by.clone(),
            email: email.clone(),
            at: env.now(),
            subject: checklist.subject.value().map(ToOwned::to_owned),
            // The file is committed.
            note: self.note.clone().map(|note| env.pass(note).into_inner()),
            checklist: checklist.name.clone(),
            title: checklist.title.clone(),
            terms: None,
            covers: BTreeMap::new(),
            run: None,
            waived: BTreeMap::new(),
            deferred: Vec::new(),
            advisory: Vec::new(),
            revokes: Vec::new(),
            signature: None,
        };
        let entries = match self.revoke {
            true => self.revocations(&checklist, &items, sign_offs, blank, &env).await?,
            false => self.sign_offs(&checklist, report, &items, sign_offs, blank, &env).await?,
        };
        let mut text = String::new();
        for (entry, words) in entries {
            let path = sign_off::write(&checklist, &entry).map_err(|problem| Failure::output(problem, &env))?;
            text.push_str(&visible(&format!("{}: {words}", entry.item)));
            text.push_str(&format!("\n  written to {}: commit it\n", path.display()));
        }
        print(&text, &env)?;
        Ok(Exit::Ready)
    }

    /// For each item, an entry that revokes all its sign-offs so far.
    async fn revocations(
        &self,
        checklist: &Checklist,
        items: &[&Item],
        mut sign_offs: SignOffs,
        blank: impl Fn(&Item) -> Entry,
        env: &Console,
    ) -> Result<Vec<(Entry, String)>, Failure> {
        let mut entries = Vec::new();
        for item in items {
            let mut entry = blank(item);
            let subject = checklist.subject.value();
            let given = sign_offs.judged.iter().map(sign_off::Judged::entry).filter(|given| {
                given.decision == Decision::Give
                    && given.item == *item.id
                    && is_same_subject(given.subject.as_deref(), subject)
            });
            entry.revokes = given.map(Entry::digest).collect();
            self.add_signature(&mut entry, env).await?;
            if let Some(why) = sign_offs.add(checklist, entry.clone(), |_| None, env.now()).await {
                let title = format!("this revocation of `{}` would not count: {why}", item.id);
                let problem = Diagnostic::error(title).help("nothing was written; anybody may revoke without `--key`");
                return Err(Failure { exit: Exit::NotReady, ..Failure::usage(problem, env) });
            }
            let subject = subject.map(|subject| format!(" for {subject}")).unwrap_or_default();
            let words = format!("revoked {} by {}{subject}", entry.at.strftime("%Y-%m-%d"), entry.by);
            entries.push((entry, words));
        }
        Ok(entries)
    }

    /// An entry for each item, judged as `gate check` will judge it.
    async fn sign_offs(
        &self,
        checklist: &Checklist,
        report: Option<Signable>,
        items: &[&Item],
        mut sign_offs: SignOffs,
        blank: impl Fn(&Item) -> Entry,
        env: &Console,
    ) -> Result<Vec<(Entry, String)>, Failure> {
        let now = env.now();
        let refused = |problem| Failure { exit: Exit::NotReady, ..Failure::usage(problem, env) };
        let unread = |problem| Failure::output(problem, env);
        let key = Key::find(&checklist.name, checklist.project.as_deref(), &checklist.root, env).await;
        let location = self.ledger.location(&checklist.root, env)?;
        let mut ledger = Ledger::open_existing(location, &checklist.root, env).await.map_err(unread)?;
        let last = match &mut ledger {
            Some(ledger) => ledger.last(&key, Which::Whole).await.map_err(unread)?,
            None => None,
        };
        let newest = last.as_ref().map(|last| last.run.started);
        let signable = match (report, last) {
            (Some(report), _) => report,
            (None, Some(last)) => Signable::new(&last.digest, last.run),
            (None, None) => {
                let problem = Diagnostic::error(format!("no full run of `{}` to sign", checklist.name));
                return Err(refused(problem.help(again(checklist))));
            }
        };
        signable.check(checklist, now).map_err(refused)?;
        let mut requests: Vec<SignOffRequest> =
            items.iter().filter_map(|item| sign_offs.request(&item.id).cloned()).collect();
        // A sign-off covers more items than each of those that it needs: these are signed first.
        requests.sort_by_key(|request| request.covered.len());
        for request in &requests {
            signable.check_for(checklist, request, now).map_err(refused)?;
            self.check_person(request, &blank, items, env)?;
        }
        signable.check_newest(newest, &requests, &sign_offs.judged).map_err(refused)?;
        print(&signable.shown(&requests.iter().collect::<Vec<_>>(), now), env)?;
        if let Some(ledger) = &mut ledger {
            // Failures after this run are not in its record.
            signed::compare(&mut sign_offs, &key, ledger).await.map_err(unread)?;
        }
        let mut entries = Vec::new();
        for request in &requests {
            let Some(item) = items.iter().find(|item| *item.id == *request.item) else { continue };
            let mut run = signable.run.clone();
            // The green run may be too old by now, a waiver may have expired, and there may be more sign-offs.
            engine::refresh(&mut run, checklist, &sign_offs, now);
            green(checklist, item, &run).map_err(refused)?;
            let mut entry = signable.bind(blank(item), request, &run);
            let earlier = match sign_offs.state(&item.id, |id| signable.definition(id), now) {
                SignOffState::Given(signed, _) => {
                    let given = sign_offs.judged.iter().rev().find(|judged| judged.signed() == signed);
                    let valid_for = request.terms.valid_for;
                    let end = given.and_then(|given| given.entry().at.checked_add(valid_for?.0).ok());
                    let until = end.map(|end| format!(", valid until {}", end.strftime("%Y-%m-%d %H:%M UTC")));
                    Some(format!("already {signed}{}; ", until.unwrap_or_default()))
                }
                SignOffState::Void(_) => None,
            };
            self.add_signature(&mut entry, env).await?;
            let definition = |id: &str| signable.definition(id);
            if let Some(why) = sign_offs.add(checklist, entry.clone(), definition, now).await {
                let title = format!("this sign-off of `{}` would not count: {why}", item.id);
                return Err(refused(Diagnostic::error(title).help("nothing was written")));
            }
            let judged = sign_offs.judged.iter().rev().find(|judged| *judged.entry() == entry);
            let words = judged.map(|judged| judged.signed().to_string()).unwrap_or_default();
            let words = match earlier {
                Some(earlier) => format!("{earlier}{}", words.replacen("signed", "signed again", 1)),
                None => words,
            };
            entries.push((entry, words));
        }
        Ok(entries)
    }

    /// Checks that this person may sign, with this key.
    fn check_person(
        &self,
        request: &SignOffRequest,
        blank: &impl Fn(&Item) -> Entry,
        items: &[&Item],
        env: &Console,
    ) -> Result<(), Failure> {
        let Some(item) = items.iter().find(|item| *item.id == *request.item) else { return Ok(()) };
        let entry = blank(item);
        if let Some(why) = request.excludes(entry.principal()) {
            let people = request.terms.by.as_deref().unwrap_or_default().join(", ");
            let problem = Diagnostic::error(why).help(format!("it is for {people}"));
            return Err(Failure { exit: Exit::NotReady, ..Failure::usage(problem, env) });
        }
        if request.terms.signed && self.key.is_none() {
            let problem = Diagnostic::error(format!("`{}` counts only when it is signed with a key", request.item));
            return Err(Failure::usage(problem.help("name the key: `--key ~/.ssh/id_ed25519`"), env));
        }
        Ok(())
    }

    async fn add_signature(&self, entry: &mut Entry, env: &Console) -> Result<(), Failure> {
        if let Some(key) = &self.key {
            let signature = sign_off::sign(entry, &env.cwd.join(key)).await;
            entry.signature = Some(signature.map_err(|why| Failure::usage(Diagnostic::error(why), env))?);
        }
        Ok(())
    }

    /// The items to sign, in checklist order.
    fn items<'c>(&self, checklist: &'c Checklist) -> Result<Vec<&'c Item>, Diagnostic> {
        let all = || checklist.items().filter(|item| item.sign_off.is_some());
        let is_named = |item: &Item, name: &str| name == &*item.id || Some(name) == list_of(&item.id);
        let known = || {
            let known = |item: &Item| format!("{} ({})", item.id, item.sign_off.as_ref().map_or("", |one| &one.role));
            all().map(known).collect::<Vec<_>>().join(", ")
        };
        if all().next().is_none() {
            let problem = Diagnostic::error(format!("no item of `{}` has `sign_off`", checklist.name));
            return Err(problem.help("add it to an item: `sign_off: { role: QA lead }`"));
        }
        if self.items.is_empty() && self.role.is_none() {
            let problem = Diagnostic::error("missing items: name those to sign, or pass `--role ROLE`");
            return Err(problem.help(format!("the sign-offs are {}", known())));
        }
        for name in &self.items {
            match checklist.items().find(|item| is_named(item, name)) {
                Some(Item { sign_off: Some(_), .. }) => {}
                Some(_) => return Err(Diagnostic::error(format!("`{name}` has no `sign_off`: its probes verify it"))),
                None => {
                    let problem = Diagnostic::error(format!("item `{name}` not found"));
                    let otherwise = format!("the sign-offs are {}", known());
                    return Err(problem.suggest(name, all().map(|item| &*item.id), otherwise));
                }
            }
        }
        let has_role = |item: &&Item| {
            let role = item.sign_off.as_ref().map(|asked| asked.role.as_str());
            self.role.as_deref().is_some_and(|wanted| role.is_some_and(|role| role.eq_ignore_ascii_case(wanted)))
        };
        let is_meant = |item: &&Item| self.items.iter().any(|name| is_named(item, name)) || has_role(item);
        let meant: Vec<&Item> = all().filter(is_meant).collect();
        if let Some(role) = self.role.as_ref().filter(|_| !all().any(|item| has_role(&item))) {
            let roles: Vec<&str> = all().filter_map(|item| Some(item.sign_off.as_ref()?.role.as_str())).collect();
            let problem = Diagnostic::error(format!("no sign-off has the role `{role}`"));
            return Err(problem.suggest(role, roles.iter().copied(), format!("the roles are {}", roles.join(", "))));
        }
        Ok(meant)
    }

    /// Name and mail address of the signer.
    async fn person(&self, checklist: &Checklist, env: &Console) -> Result<(String, Option<String>), Failure> {
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
        let problem = Diagnostic::error("missing signer");
        Err(Failure::usage(problem.help("pass `--by \"Dana Reyes <dana@example.com>\"`, or set Git's user.name"), env))
    }
}

/// The run of a JSON report.
fn reported(path: &Path) -> Result<Signable, Diagnostic> {
    let (run, bytes) = saved::read(path)?;
    Ok(Signable::new(&hex::encode(Sha256::digest(&bytes)), run))
}
