//! Writes the result of a run, without waiting forever for a reader that does not read.

use std::io;
use std::time::Duration;

use crate::client::aside;
use crate::run::Signal;

use super::stop::stop;

/// How long a run that was ended early may still write.
const PATIENCE: Duration = Duration::from_millis(500);

/// The outcome of writing.
pub enum Delivered<T> {
    /// It was written, or failed.
    Done(T),
    /// Nobody read it in time.
    Unread,
    /// This signal arrived.
    Stopped(Signal),
}

/// Writes on a separate thread, until a signal arrives; for a run that was ended early, only for a moment.
///
/// # Errors
/// When no thread can be started, or signals can't be received.
pub async fn deliver<T: Send + 'static>(
    was_ended_early: bool,
    write: impl FnOnce() -> T + Send + 'static,
) -> io::Result<Delivered<T>> {
    let stop = stop()?;
    tokio::select! {
        biased;
        done = aside::block(write) => Ok(Delivered::Done(done?)),
        signal = stop => Ok(Delivered::Stopped(signal)),
        () = tokio::time::sleep(PATIENCE), if was_ended_early => Ok(Delivered::Unread),
    }
}
