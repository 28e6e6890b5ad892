//! The signals that ask the program to end.

use std::io;
use std::task::Poll;

use futures_util::{Stream, StreamExt, stream};
use tokio::signal::unix::{SignalKind, signal};

use crate::run::Signal;

/// The signals that ask the program to end, as they come.
pub fn signals() -> io::Result<impl Stream<Item = Signal>> {
    let mut all = [
        (signal(SignalKind::interrupt())?, Signal::Interrupt),
        (signal(SignalKind::terminate())?, Signal::Terminate),
        (signal(SignalKind::hangup())?, Signal::Hangup),
    ];
    Ok(stream::poll_fn(move |cx| {
        for (listener, signal) in &mut all {
            if let Poll::Ready(Some(())) = listener.poll_recv(cx) {
                return Poll::Ready(Some(*signal));
            }
        }
        Poll::Pending
    }))
}

/// The first signal that asks the program to end, when it comes.
pub fn stop() -> io::Result<impl Future<Output = Signal>> {
    let mut signals = signals()?;
    Ok(async move {
        match signals.next().await {
            Some(signal) => signal,
            None => std::future::pending().await,
        }
    })
}
