//! The interruption of a run, and the time that it leaves for cleanups.

use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

use crate::run::Interruption;

/// How long cleanups may take after the first signal, so that the run still ends within 2 s.
const AFTER_SIGNAL: Duration = Duration::from_secs(1);
/// The same after the deadline, so that the run still ends within 1 s.
const AFTER_DEADLINE: Duration = Duration::from_millis(500);

/// The interruption of a run.
#[derive(Debug, Clone, Copy)]
pub struct Stop {
    /// The cause of the interruption.
    pub by: Interruption,
    /// Until when cleanups may run.
    pub cleanup_until: Instant,
}

impl Stop {
    /// One that happens now.
    pub fn now(by: Interruption) -> Self {
        let left = match by {
            Interruption::Signal(_) => AFTER_SIGNAL,
            Interruption::Deadline(_) => AFTER_DEADLINE,
        };
        Self { by, cleanup_until: Instant::now() + left }
    }
}

/// Where workers see that the run is interrupted.
#[derive(Debug, Clone)]
pub struct Stopped(watch::Receiver<Option<Stop>>);

impl Stopped {
    /// The sender of the interruption, and the receiver that observes it.
    pub fn channel() -> (watch::Sender<Option<Stop>>, Self) {
        let (sender, receiver) = watch::channel(None);
        (sender, Self(receiver))
    }

    /// The interruption of the run, if any.
    pub fn by(&self) -> Option<Interruption> {
        self.0.borrow().map(|stop| stop.by)
    }

    /// The interruption of the run, if cleanups may not run any more either.
    pub fn cleanup_by(&self) -> Option<Interruption> {
        self.0.borrow().filter(|stop| stop.cleanup_until <= Instant::now()).map(|stop| stop.by)
    }

    /// Waits until the run is interrupted.
    pub async fn wait(&self) -> Interruption {
        let mut seen = self.0.clone();
        let by = seen.wait_for(Option::is_some).await.ok().and_then(|stop| *stop);
        match by {
            Some(stop) => stop.by,
            // The scheduler is gone, and this worker with it.
            None => std::future::pending().await,
        }
    }

    /// Waits until the run is interrupted, and the time for cleanups is over.
    pub async fn wait_for_cleanup(&self) -> Interruption {
        let mut seen = self.0.clone();
        loop {
            let stop = *seen.borrow_and_update();
            let over = async {
                match stop {
                    Some(stop) => {
                        sleep_until(stop.cleanup_until).await;
                        stop.by
                    }
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                biased;
                by = over => return by,
                // A second signal ends the time early.
                changed = seen.changed() => match changed {
                    Ok(()) => {}
                    Err(_) => std::future::pending().await,
                },
            }
        }
    }
}
