//! `gate demo`: runs an example checklist against a small staging stack inside the process; no setup needed.

use std::ffi::OsString;
use std::fmt::Write;

use clap::{Args, FromArgMatches};

use crate::demo::{self, Broken, CHECKLISTS, PARTS, Stack};
use crate::diagnostic::{Diagnostic, suggestion};
use crate::env::Env;
use crate::text::error;

use super::check::Check;
use super::stop::stop;
use super::{Console, Exit, Failure, eprint, misused, print};

#[derive(Debug, Args)]
#[command(after_help = parts())]
pub struct Demo {
    /// Checklist: `staging` or `production`; `production` defers no items
    #[arg(value_name = "CHECKLIST", default_value = "staging", value_parser = name)]
    name: &'static str,
    /// Break one part of the environment to see a failure; see the list below; repeatable
    #[arg(long = "break", value_name = "PART", value_parser = part)]
    broken: Vec<String>,
    /// Serve the environment until Ctrl-C and print its environment variables, instead of running the checklist
    #[arg(long)]
    serve: bool,
    /// Options passed on to `gate check`, such as `-- --only smoke --format json`
    #[arg(last = true, value_name = "OPTION OF CHECK")]
    check: Vec<OsString>,
}

impl Demo {
    pub async fn run(self, env: Console) -> Result<Exit, Failure> {
        if self.broken.iter().any(|part| part == "help") {
            print(&parts(), &env)?;
            return Ok(Exit::Ready);
        }
        let failed =
            |problem: String| Failure::output(Diagnostic::error(format!("the demo cannot start: {problem}")), &env);
        // It is kept, for its Markdown to be read.
        let folder = tempfile::Builder::new()
            .prefix("gate-demo-")
            .tempdir()
            .map_err(|problem| failed(error::os(&problem)))?
            .keep();
        let broken = Broken::new(self.broken);
        let stack = demo::start(&folder, &broken, env.var("PATH").unwrap_or_default(), env.now())
            .await
            .map_err(|problem| failed(why(&problem)))?;
        let shown = folder.display();
        if self.serve {
            let stop = stop().map_err(|problem| failed(error::os(&problem)))?;
            print(&format!("{}cd '{shown}'\ngate check {}\n", exports(&stack), self.name), &env)?;
            eprint(&env.pass("The stack is up until Ctrl-C. In another terminal, run the lines above.\n".to_owned()));
            stop.await;
            return Ok(Exit::Ready);
        }
        // A ledger in the environment is for real runs.
        let arguments =
            ["check", self.name, "--markdown", "--no-record"].map(OsString::from).into_iter().chain(self.check);
        let matches = Check::augment_args(clap::Command::new("gate demo --")).try_get_matches_from(arguments);
        let check = match matches.and_then(|matches| Check::from_arg_matches(&matches)) {
            Ok(check) => check,
            Err(problem) => return Ok(misused(&problem, &env)),
        };
        let mut own = Env::clone(env.world());
        own.enter(&folder).map_err(|problem| failed(error::os(&problem)))?;
        own.vars.extend(stack.vars.iter().map(|(name, value)| ((*name).to_owned(), value.clone())));
        let exit = check.run(env.with(own)).await?;
        let file = self.name.to_uppercase();
        let places = format!(
            "\nchecklist  {shown}/checklists/{}.yaml\nmarkdown   {shown}/docs/{file}_READINESS.md\n",
            self.name
        );
        eprint(&env.pass(places));
        Ok(exit)
    }
}

/// The variables in shell syntax.
fn exports(stack: &Stack) -> String {
    let mut out = String::new();
    for (name, value) in &stack.vars {
        writeln!(out, "export {name}='{value}'").expect("a string takes all");
    }
    out
}

/// The parts that can be broken.
fn parts() -> String {
    let mut out = "Parts that `--break` can break, by the id of the item that fails:\n".to_owned();
    for (name, what) in PARTS {
        writeln!(out, "  {name:<12} {what}").expect("a string takes all");
    }
    out
}

fn name(text: &str) -> Result<&'static str, String> {
    let names = CHECKLISTS.map(|(name, _)| name);
    let known = names.into_iter().find(|name| *name == text);
    known.ok_or_else(|| suggestion(text, names).unwrap_or_else(|| format!("expected {}", names.join(" or "))))
}

fn part(text: &str) -> Result<String, String> {
    let names = || PARTS.iter().map(|(name, _)| *name);
    if text == "help" || names().any(|name| name == text) {
        return Ok(text.to_owned());
    }
    Err(suggestion(text, names()).unwrap_or_else(|| "`--break help` lists the parts".to_owned()))
}

/// A failure to create a file or port, with the operating system's reason if there is one.
fn why(problem: &anyhow::Error) -> String {
    match (problem.root_cause().downcast_ref(), problem.chain().count()) {
        (Some(cause), 1) => error::os(cause),
        (Some(cause), _) => format!("{problem}: {}", error::os(cause)),
        (None, _) => problem.to_string(),
    }
}
