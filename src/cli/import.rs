//! `gate import`: converts a handwritten Markdown checklist to YAML.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::Args;

use crate::diagnostic::Diagnostic;
use crate::import::{Import as Imported, Unusable, import};
use crate::reader;
use crate::text::error;
use crate::text::visible;
use crate::writer::Target;

use super::{Console, Exit, Failure, print};

/// A longer file is not a checklist.
const LIMIT: u64 = 16 << 20;

#[derive(Debug, Args)]
pub struct Import {
    /// Markdown file, or `-` for standard input
    file: PathBuf,
    /// Write the checklist to this file, such as checklists/staging.yaml; missing folders are created. Default:
    /// standard output
    #[arg(long, short, value_name = "PATH")]
    output: Option<PathBuf>,
    /// Overwrite the output file if it exists
    #[arg(long, requires = "output")]
    force: bool,
    /// Also import list items without a checkbox. Default: only in files without any checkbox
    #[arg(long)]
    bullets: bool,
}

impl Import {
    pub fn run(self, env: &Console) -> Result<Exit, Failure> {
        let name = self.file.display().to_string();
        let text = self.text(env).map_err(|problem| {
            Failure::usage(Diagnostic::error(format!("cannot read `{name}`: {}", error::os(&problem))), env)
        })?;
        let Imported { yaml, left_out, variables } =
            import(&name, &text, self.bullets).map_err(|Unusable::NoItems| {
                let problem = Diagnostic::error(format!("no items found in `{name}`"));
                let help =
                    "an item is a line such as `- [ ] API answers` or `- API answers`, outside code and comments";
                Failure::usage(problem.help(help), env)
            })?;
        for line in left_out {
            writeln!(io::stderr(), "note: {}", visible(&line)).ok(); // a closed terminal does not stop it
        }
        let Some(output) = &self.output else {
            print(&yaml, env)?;
            return Ok(Exit::Ready);
        };
        self.write(&env.cwd.join(output), &yaml).map_err(|problem| {
            let error = Diagnostic::error(format!("cannot write `{}`: {}", output.display(), error::os(&problem)));
            Failure::output(
                match problem.kind() {
                    io::ErrorKind::AlreadyExists => error.help("`--force` replaces it"),
                    _ => error, // there is nothing to add to the system's own message
                },
                env,
            )
        })?;
        print(&self.next(output, &variables, env), env)?;
        Ok(Exit::Ready)
    }

    /// The file that was written, and what to do next.
    fn next(&self, output: &Path, variables: &[String], env: &Console) -> String {
        let shown = visible(&output.display().to_string()).into_owned();
        let unset: Vec<&str> = variables.iter().map(String::as_str).filter(|name| env.var(name).is_none()).collect();
        let set = match unset.as_slice() {
            [] => String::new(),
            names => format!("environment variables to set: {}\n", names.join(", ")),
        };
        let is_by_name = output.parent().and_then(Path::file_name).is_some_and(|folder| folder == "checklists");
        let stem = output.file_stem().filter(|_| is_by_name).map(|stem| visible(&stem.to_string_lossy()).into_owned());
        let name = stem.as_deref().unwrap_or(&shown);
        format!("{shown}: written\n{set}next: read the file, then run `gate check {name}`\n")
    }

    fn text(&self, env: &Console) -> io::Result<String> {
        match self.file.to_str() {
            Some("-") => reader::stdin(LIMIT),
            _ => reader::named(&env.cwd.join(&self.file), LIMIT),
        }
    }

    /// Writes the whole file or nothing, and overwrites no file unless requested.
    fn write(&self, path: &Path, yaml: &str) -> io::Result<()> {
        std::fs::create_dir_all(path.parent().unwrap_or(Path::new(".")))?;
        let target = Target::open(path)?;
        let write = |out: &mut dyn Write| out.write_all(yaml.as_bytes());
        if self.force { target.replace(write) } else { target.create(write) }
    }
}
