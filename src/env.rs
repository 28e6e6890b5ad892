//! The only reader of environment variables, the terminal and the clock.

use std::collections::BTreeMap;
use std::io::IsTerminal;
use std::os::fd::AsFd;
use std::path::PathBuf;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

/// The environment of one call of the program, read once.
#[derive(Debug, Clone, Default)]
pub struct Env {
    /// Environment variables whose name and value are UTF-8.
    pub vars: BTreeMap<String, String>,
    /// The folder that relative paths start in.
    pub cwd: PathBuf,
    /// Columns of standard output, where it is a terminal.
    pub width: Option<usize>,
    /// Whether standard output may be coloured.
    pub color: bool,
    /// Whether standard error is a terminal, so that progress may be drawn on it.
    pub progress: bool,
    /// Whether standard error may be coloured.
    pub color_stderr: bool,
    /// Columns of standard error, where it is a terminal.
    pub width_stderr: Option<usize>,
}

impl Env {
    /// The environment of the process.
    pub fn from_process() -> Self {
        let vars: BTreeMap<String, String> = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .collect();
        let terminal = std::io::stdout().is_terminal();
        let progress = std::io::stderr().is_terminal();
        let wanted = color_wanted(&vars);
        Self {
            cwd: std::env::current_dir().unwrap_or_else(|_| PathBuf::from(".")),
            width: terminal.then(|| terminal_width(std::io::stdout(), &vars)),
            color: wanted.unwrap_or(terminal),
            color_stderr: wanted.unwrap_or(progress),
            width_stderr: progress.then(|| terminal_width(std::io::stderr(), &vars)),
            progress: progress && vars.get("TERM").is_none_or(|term| term != "dumb"),
            vars,
        }
    }

    /// An environment for tests: these variables, this folder, no terminal.
    pub fn with(vars: impl IntoIterator<Item = (String, String)>, cwd: PathBuf) -> Self {
        Self { vars: vars.into_iter().collect(), cwd, ..Self::default() }
    }

    /// The same with or without colors, whatever the terminal and the variables say.
    #[must_use]
    pub fn with_color(self, is_colored: bool) -> Self {
        Self { color: is_colored, color_stderr: is_colored, ..self }
    }

    /// Changes the working directory of the whole process.
    ///
    /// # Errors
    /// When it can't be entered.
    pub fn enter(&mut self, folder: &std::path::Path) -> std::io::Result<()> {
        std::env::set_current_dir(folder)?;
        folder.clone_into(&mut self.cwd);
        Ok(())
    }

    /// The value of a variable.
    pub fn var(&self, name: &str) -> Option<&str> {
        self.vars.get(name).map(String::as_str)
    }

    /// Now, in UTC, by the system's clock. No variable can change it.
    pub fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    /// The name of this machine.
    pub fn host(&self) -> Option<String> {
        whoami::hostname().ok()
    }

    /// The name of the user who runs this.
    pub fn user(&self) -> Option<String> {
        whoami::username().ok()
    }

    /// The day in UTC.
    pub fn today(&self) -> Date {
        self.now().to_zoned_datetime(TimeZone::UTC).date()
    }
}

/// The variables for colors: `NO_COLOR` (<https://no-color.org>), then `FORCE_COLOR` (<https://force-color.org>) and
/// `CLICOLOR_FORCE`, then `CLICOLOR` (<https://bixense.com/clicolors/>). None if the terminal decides.
fn color_wanted(vars: &BTreeMap<String, String>) -> Option<bool> {
    let set = |name: &str| vars.get(name).map(String::as_str).filter(|value| !value.is_empty());
    let is_off = |value: &str| matches!(value, "0" | "false");
    if set("NO_COLOR").is_some() {
        return Some(false);
    }
    if let Some(value) = set("FORCE_COLOR") {
        return Some(!is_off(value));
    }
    if set("CLICOLOR_FORCE").is_some_and(|value| !is_off(value)) {
        return Some(true);
    }
    let is_plain = set("CLICOLOR").is_some_and(is_off) || set("TERM").is_some_and(|term| term == "dumb");
    is_plain.then_some(false)
}

/// The current number of columns of standard error, if it is a terminal.
pub fn progress_width() -> Option<usize> {
    columns(std::io::stderr())
}

fn terminal_width(terminal: impl AsFd, vars: &BTreeMap<String, String>) -> usize {
    columns(terminal).or_else(|| vars.get("COLUMNS")?.parse().ok()).unwrap_or(80)
}

fn columns(terminal: impl AsFd) -> Option<usize> {
    let size = rustix::termios::tcgetwinsize(terminal).ok()?;
    Some(usize::from(size.ws_col)).filter(|columns| *columns > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted(vars: &[(&str, &str)]) -> Option<bool> {
        color_wanted(&vars.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect())
    }

    #[test]
    fn the_variables_for_colours_are_read_in_order() {
        assert_eq!(wanted(&[("TERM", "xterm")]), None);
        for (name, value, is_colored) in [
            ("NO_COLOR", "1", false),
            ("FORCE_COLOR", "1", true),
            ("FORCE_COLOR", "0", false),
            ("CLICOLOR_FORCE", "1", true),
            ("CLICOLOR", "0", false),
            ("TERM", "dumb", false),
        ] {
            assert_eq!(wanted(&[(name, value)]), Some(is_colored), "{name}={value}");
            assert_eq!(wanted(&[(name, "")]), None, "{name} is empty");
        }
        assert_eq!(wanted(&[("CLICOLOR_FORCE", "0")]), None);
        assert_eq!(wanted(&[("CLICOLOR", "1")]), None);
        assert_eq!(wanted(&[("NO_COLOR", "1"), ("FORCE_COLOR", "1"), ("CLICOLOR_FORCE", "1")]), Some(false));
        assert_eq!(wanted(&[("CLICOLOR", "0"), ("CLICOLOR_FORCE", "1")]), Some(true));
    }
}
