//! The parser's events of a text. Those of a long text are made on a second thread while the tree is built.

use std::ops::Range;
use std::sync::mpsc::sync_channel;
use std::thread;

use granit_parser::{Event, Parser, ScanError};

/// Texts of at least this many bytes have a thread of their own: starting one takes as long as parsing a few KiB.
const LONG: usize = 64 << 10;
/// Number of events of a long text that are handed over at once: to wake a thread takes as long as some hundred of them.
const BATCH: usize = 4096;
/// The same for a short text, on this thread.
const FEW: usize = 256;
/// Number of batches that may wait for the builder.
const AHEAD: usize = 4;

/// An event and its bytes, or the parser's error, which is the last.
pub(super) type Next<'a> = Result<(Event<'a>, Range<usize>), ScanError>;

/// Calls `build` with the events of `text`, in order and in batches, until it returns `false`.
pub(super) fn with_events<'a>(text: &'a str, build: impl FnMut(Vec<Next<'a>>) -> bool) {
    if text.len() < LONG {
        return in_batches(text, FEW, build);
    }
    let (sender, batches) = sync_channel(AHEAD);
    thread::scope(|scope| {
        let parse = move || in_batches(text, BATCH, |batch| sender.send(batch).is_ok());
        match thread::Builder::new().name("yaml".to_owned()).spawn_scoped(scope, parse) {
            Ok(_) => drop(batches.into_iter().all(build)),
            // A machine that has no thread left still has this one.
            Err(_) => in_batches(text, FEW, build),
        }
    });
}

/// Parses the text, and calls `each` with so many events at a time until it returns `false`.
fn in_batches<'a>(text: &'a str, size: usize, mut each: impl FnMut(Vec<Next<'a>>) -> bool) {
    let options = granit_parser::options! { emit_comments: false, emit_unresolved_aliases: true };
    let mut events = Parser::new_from_str_with_options(text, options)
        .map(|next| next.map(|(event, place)| (event, place.byte_range().unwrap_or_default())));
    loop {
        let mut batch: Vec<Next<'a>> = Vec::with_capacity(size);
        batch.extend(events.by_ref().take(size));
        if batch.is_empty() || !each(batch) {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{FEW, LONG, Next, in_batches, with_events};

    #[test]
    fn a_long_text_has_the_same_events_and_error_on_a_second_thread() {
        let text = "- { id: a, title: \"b\" }\n".repeat(20_000) + "- @c\n- d\n";
        assert!(text.len() > LONG);
        let (mut here, mut there): (Vec<Next>, Vec<Next>) = (Vec::new(), Vec::new());
        in_batches(&text, FEW, |batch| {
            here.extend(batch);
            true
        });
        with_events(&text, |batch| {
            there.extend(batch);
            true
        });
        assert!(here.len() > 100_000 && here.last().is_some_and(Result::is_err));
        assert!(here == there);
    }

    #[test]
    fn a_builder_can_stop_before_the_end() {
        let text = "- a\n".repeat(LONG);
        let mut batches = 0;
        with_events(&text, |_| {
            batches += 1;
            batches < 3
        });
        assert_eq!(batches, 3);
    }
}
