//! `gate report`: a saved run in any format.

use std::path::PathBuf;

use clap::Args;

use crate::report::Kept;

use super::output::{OutputArgs, formats};
use super::{Console, Exit, Failure, folder, saved};

#[derive(Debug, Args)]
#[command(after_help = formats())]
pub struct Report {
    /// A run that `gate check --report json=RUN.json` wrote
    #[arg(value_name = "RUN.json")]
    run: PathBuf,
    #[command(flatten)]
    output: OutputArgs,
}

impl Report {
    pub async fn run(self, env: Console) -> Result<Exit, Failure> {
        let (run, _) = saved::read(&self.run).map_err(|problem| Failure::usage(problem, &env))?;
        let paths = self.output.paths(None, &env)?;
        let kept = Kept::new(&folder(&env), &env.cwd.join(&run.file), None);
        let outputs = self.output.open(&paths, &run.name, &kept, &env)?;
        // As it was judged: nothing expires in what was saved.
        let exit = Exit::from(run.verdict());
        match self.output.write(env.pass(run), Vec::new(), outputs, None, &env).await? {
            Some(signal) => Ok(signal.into()),
            None => Ok(exit),
        }
    }
}
