//! Work on a thread of its own, which its caller can leave behind.
//!
//! The run has one thread. A client library whose reads never yield, or a file that never ends, would keep it from every
//! other item, from its deadline and from signals.

use std::any::Any;
use std::future::Future;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use tokio::sync::oneshot;

/// The name of these threads. Their panics are passed on to the caller, which reports them.
pub const THREAD: &str = "gate-aside";

/// Enough for the deepest of the client libraries. Only what is used of it costs memory.
const STACK: usize = 1 << 20;

/// Runs a future to its end on a thread and runtime of its own. Dropping this future drops that one too, as soon as it
/// yields; it is not waited for.
///
/// # Errors
/// When there can be no further thread or runtime.
pub async fn run<T, F, W>(work: W) -> io::Result<T>
where
    T: Send + 'static,
    F: Future<Output = T>,
    W: FnOnce() -> F + Send + 'static,
{
    let (_caller, gone) = oneshot::channel::<()>();
    let answer = spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let value = runtime.block_on(async {
            tokio::select! {
                biased;
                _ = gone => None,
                value = work() => Some(value),
            }
        });
        // A name that is still being resolved is not waited for.
        runtime.shutdown_background();
        Ok(value)
    })?;
    Ok(received(answer).await?.expect("the caller is still here, since it reads this"))
}

/// Runs a function that may block on a thread of its own.
///
/// # Errors
/// When there can be no further thread.
pub async fn block<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> io::Result<T> {
    received(spawn(move || Ok(work()))?).await
}

type Outcome<T> = Result<io::Result<T>, Box<dyn Any + Send>>;

fn spawn<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> io::Result<oneshot::Receiver<Outcome<T>>> {
    let (sender, answer) = oneshot::channel();
    let thread = std::thread::Builder::new().name(THREAD.to_owned()).stack_size(STACK);
    thread.spawn(move || {
        let outcome = catch_unwind(AssertUnwindSafe(work));
        // The caller may be gone.
        drop(sender.send(outcome));
    })?;
    Ok(answer)
}

async fn received<T>(answer: oneshot::Receiver<Outcome<T>>) -> io::Result<T> {
    match answer.await {
        Ok(Ok(value)) => value,
        Ok(Err(panic)) => resume_unwind(panic),
        Err(_) => Err(crate::text::error::own("the thread ended without an answer")),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;
    use std::time::Duration;

    use super::*;

    #[tokio::test]
    async fn a_thread_that_never_yields_is_left_behind() {
        let (release, held) = mpsc::channel::<()>();
        let stuck = run(move || async move { held.recv().is_ok() });
        assert!(tokio::time::timeout(Duration::from_millis(20), stuck).await.is_err());
        drop(release);
    }

    #[tokio::test]
    async fn a_future_is_dropped_with_its_caller() {
        let (dropped, seen) = mpsc::channel::<()>();
        let waiting = run(move || async move {
            let _dropped_with_this = dropped;
            std::future::pending::<()>().await;
        });
        assert!(tokio::time::timeout(Duration::from_millis(20), waiting).await.is_err());
        assert!(
            seen.recv_timeout(Duration::from_secs(10))
                .is_err_and(|error| error == mpsc::RecvTimeoutError::Disconnected)
        );
    }

    #[tokio::test]
    async fn a_value_comes_back_from_either_kind() {
        assert_eq!(run(|| async { 1 }).await.expect("a thread"), 1);
        assert_eq!(block(|| 2).await.expect("a thread"), 2);
    }
}
