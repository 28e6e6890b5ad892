//! `gate schema`: JSON Schemas of what gate reads and writes.

use clap::{Args, ValueEnum};

use crate::env::Env;
use crate::probe::Registry;
use crate::{checklist, report};

use super::{Console, Exit, Failure, print};

#[derive(Debug, Args)]
pub struct Schema {
    /// Which schema to print
    #[arg(default_value = "checklist")]
    of: Of,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Of {
    /// A checklist, checklists/NAME.yaml
    Checklist,
    /// A check, checks/NAME.yaml
    Check,
    /// A report by `gate check --format json`
    Run,
}

impl Schema {
    pub fn run(self) -> Result<Exit, Failure> {
        let schema = match self.of {
            Of::Checklist => checklist::schema(&Registry::built_in()),
            Of::Check => checklist::check_schema(&Registry::built_in()),
            Of::Run => report::schema(),
        };
        // It is the same everywhere and contains no secret.
        print(&format!("{schema:#}\n"), &Console::new(Env::default(), &[]))?;
        Ok(Exit::Ready)
    }
}
