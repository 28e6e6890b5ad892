//! Progress without a terminal: a line when what is waited for changes, and one now and then, so that a log is never
//! silent for long.

use std::io::Write;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crate::run::Event;

use super::state::State;

/// How long the last line may take where nobody reads it.
const PATIENCE: Duration = Duration::from_millis(500);

/// Writes lines until it is finished.
#[derive(Debug)]
pub struct Plain {
    begun: Instant,
    state: Arc<Mutex<Known>>,
    /// Takes lines, and sees the writer end. None when it is finished.
    writer: Mutex<Option<(Sender<String>, Receiver<()>)>>,
}

#[derive(Debug)]
struct Known {
    state: State,
    /// What was red at the end of the last round.
    red: Option<String>,
}

impl Plain {
    /// Begins with a run of this many items, with a line at least this often.
    pub fn new(total: usize, every: Duration, mut out: impl Write + Send + 'static) -> Self {
        let begun = Instant::now();
        let state = Arc::new(Mutex::new(Known { state: State::new(total), red: None }));
        let known = Arc::clone(&state);
        let (sender, asked) = mpsc::channel();
        let (alive, ended) = mpsc::channel();
        thread::spawn(move || {
            let _alive: Sender<()> = alive;
            loop {
                let line = match asked.recv_timeout(every) {
                    Ok(line) => line,
                    Err(RecvTimeoutError::Timeout) => {
                        known.lock().unwrap_or_else(PoisonError::into_inner).state.line(begun.elapsed())
                    }
                    Err(RecvTimeoutError::Disconnected) => return,
                };
                // A reader who has left does not end the run.
                let _ = out.write_all(format!("gate: {line}\n").as_bytes()).and_then(|()| out.flush());
            }
        });
        Self { begun, state, writer: Mutex::new(Some((sender, ended))) }
    }

    /// Takes note of what happened.
    pub fn note(&self, event: &Event) {
        let mut known = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        known.state.note(event, self.begun.elapsed());
        if matches!(event, Event::Waiting { .. }) {
            let red = Some(known.state.reasons());
            if known.red != red {
                known.red = red;
                self.write(known.state.line(self.begun.elapsed()));
            }
        }
    }

    fn write(&self, line: String) {
        if let Some((sender, _)) = &*self.writer.lock().unwrap_or_else(PoisonError::into_inner) {
            // It only ends when it is finished.
            let _ = sender.send(line);
        }
    }

    /// Writes what was asked for, and ends; where nobody reads it, without that.
    pub fn finish(&self) {
        let writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some((sender, ended)) = writer {
            drop(sender);
            let _ = ended.recv_timeout(PATIENCE);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;
    use crate::report::sample::{passed, red};
    use crate::run::Status;
    use crate::secret::Redactor;

    /// Lines as they are written.
    struct Lines(Sender<String>);

    impl Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let _ = self.0.send(String::from_utf8_lossy(bytes).into_owned());
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn each_change_of_what_is_waited_for_is_a_line_that_says_why() {
        let (sender, lines) = mpsc::channel();
        let plain = Plain::new(2, Duration::from_secs(3_600), Lines(sender));
        let pass = |item| Redactor::default().pass(item);
        let round = Event::Waiting { red: 1, left: Duration::from_secs(90) };
        plain.note(&Event::Finished(&pass(passed("api", "API", "200"))));
        plain.note(&Event::Finished(&pass(red("db", "DB", Status::Failed, "connection refused"))));
        plain.note(&round);
        plain.note(&round);
        plain.note(&Event::Finished(&pass(red("db", "DB", Status::Failed, "starting up"))));
        plain.note(&round);
        plain.finish();
        let all: String = lines.iter().collect();
        let reasons: Vec<&str> = all.lines().filter_map(|line| line.rsplit_once(" · ")).map(|(_, why)| why).collect();
        assert_eq!(reasons, ["db: connection refused", "db: starting up"], "{all}");
        assert!(all.starts_with("gate: 2 of 2 items · 1 passed · 1 failed · 0s · waits for db, "), "{all}");
    }

    #[test]
    fn a_run_in_which_nothing_happens_says_what_runs_longest() {
        let (sender, lines) = mpsc::channel();
        let plain = Plain::new(2, Duration::from_millis(1), Lines(sender));
        let title = Redactor::default().pass("API".to_owned());
        plain.note(&Event::Started { id: "api", title: &title });
        let line = lines.iter().find(|line| line.contains("longest: api (0s)"));
        assert!(line.is_some(), "the channel ends with the thread");
    }
}
