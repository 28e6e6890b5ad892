//! Live progress on standard error while a run goes on: how far it is, and what it waits for. Gone when it ends.

mod state;

use std::fmt::Write;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};

use crate::env::Env;
use crate::run::Event;

use state::State;

/// How often it is drawn, however much happens.
const EVERY: Duration = Duration::from_millis(100);
/// The width where standard output is not a terminal, though standard error is one.
const WIDTH: usize = 80;

/// Shows what happens while it happens. Where nobody watches, it does nothing.
#[derive(Debug)]
pub struct Live(Option<Screen>);

#[derive(Debug)]
struct Screen {
    bar: ProgressBar,
    state: Arc<Mutex<State>>,
}

impl Live {
    /// Begins to watch a run of this many items, where standard error is a terminal.
    pub fn new(total: usize, env: &Env) -> Self {
        Self(
            env.progress
                .then(|| Screen::new(total, env.width.unwrap_or(WIDTH), ProgressDrawTarget::stderr_with_hz(10))),
        )
    }

    /// Takes note of what happened. It is seen when the screen is drawn the next time.
    pub fn show(&self, event: &Event) {
        if let Some(screen) = &self.0 {
            // Asked for first: the drawing thread holds the bar while it asks for the state.
            let now = screen.bar.elapsed();
            screen.state.lock().unwrap_or_else(PoisonError::into_inner).note(event, now);
        }
    }

    /// Clears the screen of it. What is dropped without this clears it, too.
    pub fn finish(&self) {
        if let Some(screen) = &self.0 {
            screen.bar.finish_and_clear();
        }
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        self.finish();
    }
}

impl Screen {
    fn new(total: usize, width: usize, target: ProgressDrawTarget) -> Self {
        let state = Arc::new(Mutex::new(State::new(total)));
        let drawn = Arc::clone(&state);
        let draw = move |bar: &ProgressState, out: &mut dyn Write| {
            let lines = drawn.lock().unwrap_or_else(PoisonError::into_inner).lines(bar.elapsed(), width);
            // It writes to a buffer of the bar's, which takes everything.
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
        let live = Live(Some(Screen::new(10_000, 80, target)));
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

    #[test]
    fn where_nobody_watches_nothing_is_kept() {
        let live = Live::new(1, &Env::with([], ".".into()));
        let title = Redactor::default().pass("API".to_owned());
        live.show(&Event::Started { id: "api", title: &title });
        assert!(live.0.is_none());
    }
}
