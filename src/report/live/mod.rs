//! Live progress on standard error. On a terminal, a few lines that are removed at the end: progress, red items, and
//! the slowest items. Elsewhere, a plain line now and then.

mod plain;
mod state;

use std::fmt::Write;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};

use crate::env::{Env, progress_width};
use crate::report::paint::Paint;
use crate::run::Event;

use plain::Plain;
use state::State;

/// How often it is drawn.
const EVERY: Duration = Duration::from_millis(100);
/// How often a long run prints a line without a terminal.
const SELDOM: Duration = Duration::from_secs(30);
/// The width of a terminal that does not report its own.
const WIDTH: usize = 80;

/// Shows the progress of a run.
#[derive(Debug)]
pub enum Live {
    /// On a terminal.
    Screen(Screen),
    /// In a log, as in a CI job.
    Plain(Plain),
    /// Not at all.
    Off,
}

/// The lines on a terminal.
#[derive(Debug)]
pub struct Screen {
    bar: ProgressBar,
    state: Arc<Mutex<State>>,
}

impl Live {
    /// Starts for a run of this many items. Without a terminal on standard error, `is_quiet` turns it off.
    pub fn new(total: usize, is_quiet: bool, env: &Env) -> Self {
        if env.progress {
            let width = || progress_width().unwrap_or(WIDTH);
            let target = ProgressDrawTarget::stderr_with_hz(10);
            return Self::Screen(Screen::new(total, width, Paint(env.color_stderr), target));
        }
        match is_quiet {
            true => Self::Off,
            false => Self::Plain(Plain::new(total, SELDOM, io::stderr())),
        }
    }

    /// Notes an event. It is shown when the screen is drawn the next time.
    pub fn show(&self, event: &Event) {
        match self {
            Self::Screen(screen) => {
                // First, as the drawing thread holds the bar while it asks for the state.
                let now = screen.bar.elapsed();
                screen.state.lock().unwrap_or_else(PoisonError::into_inner).note(event, now);
            }
            Self::Plain(plain) => plain.note(event),
            Self::Off => {}
        }
    }

    /// Ends it, and clears the screen. Dropping it ends it, too.
    pub fn finish(&self) {
        match self {
            Self::Screen(screen) => screen.bar.finish_and_clear(),
            Self::Plain(plain) => plain.finish(),
            Self::Off => {}
        }
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        self.finish();
    }
}

impl Screen {
    fn new(
        total: usize,
        width: impl Fn() -> usize + Clone + Send + Sync + 'static,
        paint: Paint,
        target: ProgressDrawTarget,
    ) -> Self {
        let state = Arc::new(Mutex::new(State::new(total)));
        let drawn = Arc::clone(&state);
        let draw = move |bar: &ProgressState, out: &mut dyn Write| {
            // In the last column, some terminals start the next line.
            let width = width().saturating_sub(1);
            let lines = drawn.lock().unwrap_or_else(PoisonError::into_inner).lines(bar.elapsed(), width, paint);
            // It writes to a buffer of the bar, which accepts everything.
            let _ = out.write_str(&lines.join("\n"));
        };
        let style = ProgressStyle::with_template("{live}").expect("the template is well formed").with_key("live", draw);
        let bar = ProgressBar::with_draw_target(None, target).with_style(style);
        bar.enable_steady_tick(EVERY);
        Self { bar, state }
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use indicatif::TermLike;

    use super::*;
    use crate::secret::Redactor;

    /// A terminal that counts how often it was drawn.
    #[derive(Debug, Clone, Default)]
    struct Counter(Arc<Mutex<(usize, String)>>);

    impl TermLike for Counter {
        fn width(&self) -> u16 {
            80
        }
        fn move_cursor_up(&self, _: usize) -> io::Result<()> {
            Ok(())
        }
        fn move_cursor_down(&self, _: usize) -> io::Result<()> {
            Ok(())
        }
        fn move_cursor_right(&self, _: usize) -> io::Result<()> {
            Ok(())
        }
        fn move_cursor_left(&self, _: usize) -> io::Result<()> {
            Ok(())
        }
        fn write_line(&self, text: &str) -> io::Result<()> {
            self.write_str(text)
        }
        fn write_str(&self, text: &str) -> io::Result<()> {
            self.0.lock().expect("nothing panics while it holds this").1.push_str(text);
            Ok(())
        }
        fn clear_line(&self) -> io::Result<()> {
            Ok(())
        }
        fn flush(&self) -> io::Result<()> {
            self.0.lock().expect("nothing panics while it holds this").0 += 1;
            Ok(())
        }
    }

    #[test]
    fn ten_thousand_items_are_not_ten_thousand_drawings() {
        let terminal = Counter::default();
        let target = ProgressDrawTarget::term_like_with_hz(Box::new(terminal.clone()), 10);
        let live = Live::Screen(Screen::new(10_000, || 80, Paint(false), target));
        let title = Redactor::default().pass("an item".to_owned());
        let begun = std::time::Instant::now();
        for number in 0..10_000 {
            let id = number.to_string();
            live.show(&Event::Started { id: &id, title: &title });
        }
        let most = 3 + usize::try_from(begun.elapsed().as_millis() / 100).expect("it is not that long");
        live.finish();
        let (drawings, _) = *terminal.0.lock().expect("nothing panics while it holds this");
        assert!(drawings <= most, "{drawings} drawings, {most} were expected at most");
    }

    #[tokio::test]
    async fn without_a_terminal_quiet_is_silent() {
        assert!(matches!(Live::new(1, true, &Env::with([], ".".into())), Live::Off));
        assert!(matches!(Live::new(1, false, &Env::with([], ".".into())), Live::Plain(_)));
    }
}
