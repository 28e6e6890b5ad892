//! Progress without a terminal: a line when the awaited items change, and one now and then, so that a log is never
//! silent for long.

use std::fmt;
use std::io::Write;
use std::mem;
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use tokio::task::JoinHandle;

use crate::run::Event;

use super::state::State;

/// How long writing the last line may take if it is not read.
const PATIENCE: Duration = Duration::from_millis(500);

/// Writes lines until it is finished.
#[derive(Debug)]
pub struct Plain {
    known: Arc<Mutex<Progress>>,
    /// Writes when nothing else was written for long.
    timer: JoinHandle<()>,
}

#[derive(Debug)]
struct Progress {
    begun: Instant,
    /// When the last line was written.
    last: Instant,
    state: State,
    /// The items that were red at the end of the last round.
    red: Option<String>,
    writer: Writer,
}

/// Writes lines. A slow reader must not delay the run, so a separate thread writes, which starts with
/// the first line: most runs end before.
enum Writer {
    New(Box<dyn Write + Send>),
    /// Takes lines, and sees the thread end.
    Begun(Sender<String>, Receiver<()>),
    Finished,
}

impl Plain {
    /// Starts for a run of this many items, with a line at least this often. Needs a Tokio runtime.
    pub fn new(total: usize, every: Duration, out: impl Write + Send + 'static) -> Self {
        let begun = Instant::now();
        let writer = Writer::New(Box::new(out));
        let known = Progress { begun, last: begun, state: State::new(total), red: None, writer };
        let known = Arc::new(Mutex::new(known));
        let timed = Arc::clone(&known);
        let timer = tokio::spawn(async move {
            loop {
                let due = locked(&timed).last + every;
                tokio::time::sleep_until(due.into()).await;
                let mut known = locked(&timed);
                if known.last + every <= Instant::now() {
                    known.write();
                }
            }
        });
        Self { known, timer }
    }

    /// Notes an event.
    pub fn note(&self, event: &Event) {
        let mut known = locked(&self.known);
        let now = known.begun.elapsed();
        known.state.note(event, now);
        if matches!(event, Event::Waiting { .. }) {
            let red = Some(known.state.reasons());
            if known.red != red {
                known.red = red;
                known.write();
            }
        }
    }

    /// Writes the remaining lines and ends; if they are not read, ends without writing.
    pub fn finish(&self) {
        self.timer.abort();
        let writer = mem::replace(&mut locked(&self.known).writer, Writer::Finished);
        if let Writer::Begun(sender, ended) = writer {
            drop(sender);
            let _ = ended.recv_timeout(PATIENCE);
        }
    }
}

fn locked(known: &Mutex<Progress>) -> MutexGuard<'_, Progress> {
    known.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Progress {
    /// Writes a line about now.
    fn write(&mut self) {
        self.last = Instant::now();
        let line = self.state.line(self.begun.elapsed());
        self.writer = match mem::replace(&mut self.writer, Writer::Finished) {
            Writer::New(out) => begin(out),
            writer => writer,
        };
        if let Writer::Begun(sender, _) = &self.writer {
            // It only ends when it is finished.
            let _ = sender.send(line);
        }
    }
}

fn begin(mut out: Box<dyn Write + Send>) -> Writer {
    let (sender, lines) = mpsc::channel::<String>();
    let (alive, ended) = mpsc::channel();
    thread::spawn(move || {
        let _alive: Sender<()> = alive;
        for line in lines {
            // A reader who has left does not end the run.
            let _ = out.write_all(format!("gate: {line}\n").as_bytes()).and_then(|()| out.flush());
        }
    });
    Writer::Begun(sender, ended)
}

impl fmt::Debug for Writer {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(match self {
            Self::New(_) => "New",
            Self::Begun(..) => "Begun",
            Self::Finished => "Finished",
        })
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

    #[tokio::test]
    async fn each_change_of_what_is_waited_for_is_a_line_that_says_why() {
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

    #[tokio::test(flavor = "multi_thread")]
    async fn a_run_in_which_nothing_happens_says_what_runs_longest() {
        let (sender, lines) = mpsc::channel();
        let plain = Plain::new(2, Duration::from_millis(1), Lines(sender));
        let title = Redactor::default().pass("API".to_owned());
        plain.note(&Event::Started { id: "api", title: &title });
        let line = lines.iter().find(|line| line.contains("longest: api (0s)"));
        assert!(line.is_some(), "the channel ends with the thread");
    }
}
