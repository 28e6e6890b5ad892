//! Writes the events of a run to standard output as they happen. The run never waits for the reader.

use std::io::{self, Write};
use std::sync::mpsc::{Sender, channel};
use std::thread::{self, JoinHandle};

use crate::report::Events;
use crate::run::{Event, Run};
use crate::secret::Redacted;

/// A thread that writes.
pub struct Stream {
    events: Events,
    lines: Sender<Vec<u8>>,
    writer: JoinHandle<io::Result<()>>,
}

impl Stream {
    /// Starts it.
    pub fn start(events: Events) -> Self {
        let (lines, waiting) = channel::<Vec<u8>>();
        let writer = thread::spawn(move || {
            let mut out = io::stdout();
            for line in waiting {
                match out.write_all(&line).and_then(|()| out.flush()) {
                    // A reader that stops early is not an error.
                    Err(problem) if problem.kind() == io::ErrorKind::BrokenPipe => return Ok(()),
                    written => written?,
                }
            }
            Ok(())
        });
        Self { events, lines, writer }
    }

    /// Writes an event.
    pub fn send(&self, event: &Event) {
        let mut line = Vec::new();
        // A vector accepts everything, and a writer that has ended reports why at the end.
        let _ = (self.events.event)(event, &mut line);
        let _ = self.lines.send(line);
    }

    /// Writes the end, and waits until everything is written.
    ///
    /// # Errors
    /// Those of standard output.
    pub fn finish(self, run: &Redacted<Run>) -> io::Result<()> {
        let mut line = Vec::new();
        (self.events.done)(run, &mut line)?;
        let _ = self.lines.send(line);
        drop(self.lines);
        self.writer.join().unwrap_or_else(|_| Err(io::Error::other("the writer of events failed")))
    }
}
