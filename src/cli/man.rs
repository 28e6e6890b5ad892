//! `gate man`: the manual page of each command.

use std::io;
use std::path::{Path, PathBuf};

use clap::builder::Resettable;
use clap::{Args, Command};
use clap_mangen::Man as Page;
use clap_mangen::roff::{Roff, bold, roman};

use crate::diagnostic::Diagnostic;
use crate::env::Env;
use crate::text::error;
use crate::writer::Target;

use super::{Console, Exit, Failure, command, print};

/// The meaning of each exit code.
const EXIT_CODES: [(&str, &str); 6] = [
    ("0", "ready: every required item is green"),
    ("1", "not ready: something failed, or waits for a person"),
    ("2", "the command line or the checklist is invalid; nothing was run"),
    (
        "3",
        "undecided: nothing failed, but something could not be checked, such as a service that refused the connection or timed out",
    ),
    ("4", "a report or the ledger could not be written"),
    ("129, 130, 143", "interrupted by SIGHUP, SIGINT, SIGTERM; finished items are reported"),
];

#[derive(Debug, Args)]
pub struct Man {
    /// Write the page of every command to this folder, such as gate-check.1; it is created if missing. Default: print
    /// gate(1)
    #[arg(long, value_name = "FOLDER")]
    dir: Option<PathBuf>,
}

impl Man {
    pub fn run(self, env: &Console) -> Result<Exit, Failure> {
        // A page for `gate help` would repeat what `man` does.
        let mut gate = command().disable_help_subcommand(true);
        gate.build();
        let Some(folder) = self.dir else {
            // It is the same everywhere and contains no secret.
            print(&page(&gate), &Console::new(Env::default(), &[]))?;
            return Ok(Exit::Ready);
        };
        let path = env.cwd.join(&folder);
        write_all(&gate, &path).map_err(|problem| {
            let title = format!("cannot write manual pages to `{}`: {}", folder.display(), error::os(&problem));
            Failure::output(Diagnostic::error(title), env)
        })?;
        Ok(Exit::Ready)
    }
}

/// Writes the pages of a command and of all its subcommands.
fn write_all(command: &Command, folder: &Path) -> io::Result<()> {
    let file = folder.join(format!("{}.1", name(command)));
    std::fs::create_dir_all(folder)?;
    Target::open(&file)?.replace(|out| out.write_all(page(command).as_bytes()))?;
    command.get_subcommands().filter(|command| !command.is_hide_set()).try_for_each(|below| write_all(below, folder))
}

/// Such as `gate-check`.
fn name(command: &Command) -> &str {
    command.get_display_name().unwrap_or_else(|| command.get_name())
}

/// One page in roff.
fn page(command: &Command) -> String {
    let mut out = Vec::new();
    let after = command.get_after_help().map(ToString::to_string);
    let own = command.clone().after_help(Resettable::Reset);
    // Without a date, roff takes the source for one.
    let page = Page::new(own).source(concat!("gate ", env!("CARGO_PKG_VERSION"))).date(" ");
    page.render(&mut out).expect("a vector takes all");
    let mut more = Roff::new();
    if let Some((heading, lines)) = after.as_deref().and_then(|text| text.split_once(":\n")) {
        more.control("SH", [heading.to_uppercase().as_str()]).control("nf", []);
        for line in lines.lines() {
            more.text([roman(line)]);
        }
        more.control("fi", []);
    }
    if matches!(name(command), "gate" | "gate-check") {
        more.control("SH", ["EXIT STATUS"]);
        for (code, meaning) in EXIT_CODES {
            more.control("TP", []).text([bold(code)]).text([roman(meaning)]);
        }
    }
    more.to_writer(&mut out).expect("a vector takes all");
    String::from_utf8(out).expect("clap's texts are UTF-8")
}
