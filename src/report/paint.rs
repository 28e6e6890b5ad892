//! Colors and symbols of statuses.

use anstyle::{AnsiColor, Style};

use crate::run::{Status, Verdict};

/// Adds colors, or leaves the text as it is.
#[derive(Debug, Clone, Copy)]
pub struct Paint(pub bool);

impl Paint {
    /// A heading.
    pub fn heading(self, text: &str) -> String {
        self.with(Style::new().bold(), text)
    }

    /// Less important text.
    pub fn faint(self, text: &str) -> String {
        self.with(Style::new().dimmed(), text)
    }

    /// Advice.
    pub fn advice(self, text: &str) -> String {
        self.with(AnsiColor::Cyan.on_default(), text)
    }

    /// Text in the color of a status.
    pub fn status(self, status: Status, text: &str) -> String {
        self.with(style(status), text)
    }

    /// Text in the color of a verdict.
    pub fn verdict(self, verdict: Verdict, text: &str) -> String {
        let color = match verdict {
            Verdict::Ready => AnsiColor::Green,
            Verdict::NotReady => AnsiColor::Red,
            Verdict::Unknown => AnsiColor::Yellow,
        };
        self.with(color.on_default().bold(), text)
    }

    fn with(self, style: Style, text: &str) -> String {
        if self.0 { format!("{style}{text}{style:#}") } else { text.to_owned() }
    }
}

/// The symbol of a status. Its word is always beside it.
pub fn symbol(status: Status) -> &'static str {
    match status {
        Status::Passed => "✓",
        Status::Failed => "✗",
        Status::Error => "!",
        Status::Blocked => "⊘",
        Status::Pending => "…",
        Status::Waived => "~",
        Status::Deferred => "-",
    }
}

fn style(status: Status) -> Style {
    match status {
        Status::Passed => AnsiColor::Green.on_default(),
        Status::Failed => AnsiColor::Red.on_default().bold(),
        Status::Error => AnsiColor::Magenta.on_default().bold(),
        Status::Blocked => AnsiColor::Yellow.on_default(),
        Status::Pending => AnsiColor::Blue.on_default(),
        Status::Waived => AnsiColor::Yellow.on_default().dimmed(),
        Status::Deferred => Style::new().dimmed(),
    }
}
