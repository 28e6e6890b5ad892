//! `gate validate`: checks everything that can be known without running probes.

use std::collections::HashSet;
use std::fmt::Write;

use clap::Args;

use crate::checklist::{self, Checklist, LockScope, SignOff};
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::ledger::{Key, without_project};
use crate::text::visible;

use super::{Console, Exit, Failure, InputArgs, check, folder, load_any, print};

#[derive(Debug, Args)]
pub struct Validate {
    /// Checklists: names, paths, or `-` for standard input. Default: all in `checklists/` and `checks/`
    names: Vec<String>,
    #[command(flatten)]
    input: InputArgs,
}

impl Validate {
    pub async fn run(self, env: &Console) -> Result<Exit, Failure> {
        let env = self.input.env(env.clone())?;
        let are_all = self.names.is_empty();
        let names = if are_all {
            let (root, names) = checklist::all(&env.cwd).map_err(|problem| Failure::usage(problem, &env))?;
            if names.is_empty() {
                let problem = Diagnostic::error("no checklist in `checklists/`");
                return Err(Failure::usage(problem.help(checklist::instead_of_none(&root)), &env));
            }
            names
        } else {
            self.names
        };
        let overrides = self.input.offline();
        let mut exit = Exit::Ready;
        let mut said = String::new();
        let mut read: HashSet<String> = HashSet::new();
        for name in names {
            match load_any(&name, &overrides, &env) {
                Ok(base) if checklist::is_base(&base.name) => {
                    let line = format!("{}: valid base", base.file);
                    writeln!(said, "{}", visible(&line)).expect("a string takes all");
                    read.extend(base.sources.names().map(ToOwned::to_owned));
                }
                Ok(checklist) => {
                    let count = checklist.items().count();
                    let items = if count == 1 { "item" } else { "items" };
                    let key = Key::find(&checklist.name, checklist.project.as_deref(), &checklist.root, &env).await;
                    read.extend(checklist.sources.names().map(ToOwned::to_owned));
                    let is_shared = checklist.locks == LockScope::Shared;
                    if let Some(problem) = is_shared.then(|| without_project(&key)).flatten() {
                        exit = Failure::usage(problem, &env).print();
                        continue;
                    }
                    let recorded = match key.is_of_folder {
                        true => "under this folder".to_owned(),
                        false => format!("as {key}"),
                    };
                    let line = format!("{}: valid, {count} {items}; runs are recorded {recorded}", checklist.file);
                    writeln!(said, "{}", visible(&line)).expect("a string takes all");
                    let unverified = checklist.items().filter_map(|item| unverified(&item.id, item.sign_off.as_ref()?));
                    let warnings = unverified.chain(exclusive(&checklist)).collect();
                    Failure::usage(Diagnostics(warnings), &env).print();
                    // The program ends soon: freeing a long list would take a tenth of its time.
                    std::mem::forget(checklist);
                }
                Err(failure) => {
                    read.extend(failure.sources.names().map(ToOwned::to_owned));
                    exit = failure.print();
                }
            }
        }
        // The built-in ones are covered by gate's own tests, and those that are used have been read.
        let root = folder(&env);
        let checks = if are_all { checklist::own_check_names(&root) } else { Vec::new() };
        for name in checks {
            let file = checklist::shown(&root.join("checks").join(format!("{name}.yaml")), &env.cwd);
            if read.contains(&file) {
                continue;
            }
            match check(&name, &env) {
                Ok(_) => writeln!(said, "{file}: valid, used by no checklist").expect("a string takes all"),
                Err(failure) => exit = failure.print(),
            }
        }
        print(&said, &env)?;
        Ok(exit)
    }
}

/// A warning if locks are shared with other runs and an item is `exclusive`, which is not shared.
fn exclusive(checklist: &Checklist) -> Option<Diagnostic> {
    let is_shared = checklist.locks == LockScope::Shared;
    let ids: Vec<&str> = checklist.items().filter(|item| is_shared && item.exclusive).map(|item| &*item.id).collect();
    let title = || format!("`exclusive` holds within one run only, unlike `locks`: {}", ids.join(", "));
    let help =
        "to keep other runs away as well, give this item and those that disturb it a common lock: `locks: [NAME]`";
    (!ids.is_empty()).then(|| Diagnostic::warning(title()).help(help))
}

/// A warning if `by` limits who may sign, but anybody can claim to be that person.
fn unverified(item: &str, asked: &SignOff) -> Option<Diagnostic> {
    let is_unverified = asked.by.is_some() && !asked.signed;
    let warning =
        || Diagnostic::warning(format!("`by` of the sign-off `{item}` is unverified: anybody can claim a name"));
    is_unverified.then(|| warning().help("add `signed: true`, and `allowed_signers` to the checklist"))
}
