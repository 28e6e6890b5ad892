//! The memory for large answers of all probes together: one large answer after the other, not a thousand at once.

use std::sync::{Mutex, PoisonError};

use tokio::sync::{Semaphore, SemaphorePermit};

/// The memory for large answers of all probes together, in KiB.
const ALL: usize = 48 << 10;

/// The memory that each probe may use without a reservation, in KiB.
const FREE: usize = 64;

/// The same in bytes.
pub const FREE_BYTES: usize = FREE << 10;

static POOL: Semaphore = Semaphore::const_new(ALL);

/// The memory that one attempt of one probe uses. It is released when this is dropped.
#[derive(Debug, Default)]
pub struct Load(Mutex<Held>);

#[derive(Debug, Default)]
struct Held {
    kib: usize,
    permits: Vec<SemaphorePermit<'static>>,
}

impl Load {
    /// Waits until this attempt may use this many bytes in all.
    pub async fn hold(&self, bytes: usize) {
        let wanted = (bytes >> 10).saturating_sub(FREE).min(ALL);
        let more = {
            let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            let more = wanted.saturating_sub(held.kib);
            held.kib += more;
            more
        };
        if let Some(more) = u32::try_from(more).ok().filter(|more| *more > 0) {
            let permit = POOL.acquire_many(more).await.expect("the pool is never closed");
            self.0.lock().unwrap_or_else(PoisonError::into_inner).permits.push(permit);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test]
    async fn large_answers_wait_for_each_other_and_small_ones_do_not() {
        let first = Load::default();
        first.hold(ALL << 10).await;
        let (small, large) = (Load::default(), Load::default());
        small.hold(FREE << 10).await;
        let waiting = tokio::time::timeout(Duration::from_millis(20), large.hold(ALL << 10));
        assert!(waiting.await.is_err(), "the pool is empty");
        drop(first);
        Load::default().hold(ALL << 10).await;
    }
}
