//! The parser's events of a text. Those of a long text are made on a second thread while the tree is built.

use std::ops::Range;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread;

use granit_parser::{Event, Parser, ScanError};

/// Texts of at least this many bytes have a thread of their own: starting one takes as long as parsing a few KiB.
const LONG: usize = 64 << 10;
/// Number of events that are handed over at once: to wake a thread takes as long as some hundred of them.
const BATCH: usize = 4096;
/// Number of batches that may wait for the builder.
const AHEAD: usize = 4;

/// An event and its bytes, or the parser's error, which is the last.
pub(super) type Next<'a> = Result<(Event<'a>, Range<usize>), ScanError>;

/// Calls `build` with the events of `text`, in order. It may leave the rest.
pub(super) fn with_events<'a, R>(text: &'a str, build: impl FnOnce(&mut dyn Iterator<Item = Next<'a>>) -> R) -> R {
    if text.len() < LONG {
        return build(&mut events(text));
    }
    let (sender, batches) = sync_channel(AHEAD);
    thread::scope(|scope| {
        let started = thread::Builder::new().name("yaml".to_owned()).spawn_scoped(scope, move || send(text, &sender));
        // A machine that has no thread left still has this one.
        match started {
            Ok(_) => build(&mut batches.into_iter().flatten()),
            Err(_) => build(&mut events(text)),
        }
    })
}

fn events(text: &str) -> impl Iterator<Item = Next<'_>> {
    let options = granit_parser::options! { emit_comments: false, emit_unresolved_aliases: true };
    Parser::new_from_str_with_options(text, options)
        .map(|next| next.map(|(event, place)| (event, place.byte_range().unwrap_or_default())))
}

/// Sends the events in batches, until the builder needs no more.
fn send<'a>(text: &'a str, batches: &SyncSender<Vec<Next<'a>>>) {
    let mut events = events(text);
    loop {
        let mut batch: Vec<Next<'a>> = Vec::with_capacity(BATCH);
        batch.extend(events.by_ref().take(BATCH));
        if batch.is_empty() || batches.send(batch).is_err() {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{LONG, Next, events, with_events};

    #[test]
    fn a_long_text_has_the_same_events_and_error_on_a_second_thread() {
        let text = "- { id: a, title: \"b\" }\n".repeat(20_000) + "- @c\n- d\n";
        assert!(text.len() > LONG);
        let here: Vec<Next> = events(&text).collect();
        let there: Vec<Next> = with_events(&text, |events| events.collect());
        assert!(here.len() > 100_000 && here.last().is_some_and(Result::is_err));
        assert!(here == there);
    }

    #[test]
    fn a_builder_can_stop_before_the_end() {
        let text = "- a\n".repeat(LONG);
        assert_eq!(with_events(&text, |events| events.take(3).count()), 3);
    }
}
