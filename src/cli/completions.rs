//! `gate completions`: commands and options for a shell to complete.

use clap::Args;
use clap_complete::Shell;

use crate::env::Env;

use super::{Console, Exit, Failure, command, print};

#[derive(Debug, Args)]
pub struct Completions {
    /// Shell that loads the script
    shell: Shell,
}

impl Completions {
    pub fn run(&self) -> Result<Exit, Failure> {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut command(), "gate", &mut script);
        // It is the same everywhere: nothing in it is a secret.
        print(&String::from_utf8_lossy(&script), &Console::new(Env::default(), &[]))?;
        Ok(Exit::Ready)
    }
}
