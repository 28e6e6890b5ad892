//! Writes what came of a run, without waiting for ever for a reader that does not read.

use std::io;
use std::time::Duration;

use crate::client::aside;
use crate::run::Signal;

use super::stop::stop;

/// How long a run that was ended early may still write.
const PATIENCE: Duration = Duration::from_millis(500);

/// What became of the writing.
pub enum Delivered<T> {
    /// It was done, or failed.
    Done(T),
    /// Nobody read it in time.
    Unread,
    /// This signal came.
    Stopped(Signal),
}

/// Writes on a thread of its own, until a signal comes; of a run that was ended early, only for a moment.
///
/// # Errors
/// When there is no thread, or signals can't be listened to.
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
