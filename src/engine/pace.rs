//! How fast items start: as fast as those before them are answered, or known to wait.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;

/// How many items begin at once, before what was answered meanwhile is taken in.
pub const AT_ONCE: usize = 8;
/// How many items may be without an answer that began within the last [`FRESH`]. A server that answers at once has no
/// more requests than that, one that takes its time as many as there are jobs.
const UNANSWERED: usize = 48;
const FRESH: Duration = Duration::from_millis(1);

/// The items that started recently and are not done.
#[derive(Debug, Default)]
pub struct RecentStarts(VecDeque<(usize, Instant)>);

impl RecentStarts {
    /// Notes that an item started.
    pub fn began(&mut self, item: usize) {
        self.0.push_back((item, Instant::now()));
    }

    /// Notes that an item is done.
    pub fn done(&mut self, item: usize) {
        self.0.retain(|(fresh, _)| *fresh != item);
    }

    /// Until when no other item starts, unless one is done before.
    pub fn pause(&mut self) -> Option<Instant> {
        while self.0.front().is_some_and(|(_, begun)| begun.elapsed() >= FRESH) {
            self.0.pop_front();
        }
        self.0.front().filter(|_| self.0.len() >= UNANSWERED).map(|(_, begun)| *begun + FRESH)
    }
}

#[cfg(test)]
mod tests {
    use super::{FRESH, RecentStarts, UNANSWERED};

    #[tokio::test(start_paused = true)]
    async fn an_item_begins_when_another_is_done_or_has_waited_for_a_while() {
        let mut pace = RecentStarts::default();
        for item in 0..UNANSWERED {
            assert_eq!(pace.pause(), None, "{item}");
            pace.began(item);
        }
        assert!(pace.pause().is_some());
        pace.done(3);
        assert_eq!(pace.pause(), None);
        pace.began(3);
        let until = pace.pause().expect("as many as may be");
        tokio::time::sleep_until(until).await;
        assert_eq!(pace.pause(), None);
        assert!(until.elapsed() < FRESH);
    }
}
