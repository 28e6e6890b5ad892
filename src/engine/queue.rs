//! What may begin: items in checklist order, as far as their locks and `exclusive` let them.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

/// What an item says of others beside it.
#[derive(Debug, Clone, Copy)]
pub struct ResourceClaim<'a> {
    /// Never beside another with one of these.
    pub locks: &'a [String],
    /// Beside nothing else.
    pub exclusive: bool,
}

/// The items that wait for nothing but their turn.
#[derive(Debug, Default)]
pub struct Queue {
    ready: BTreeSet<usize>,
    /// They run when nothing else does or could.
    exclusive: BTreeSet<usize>,
    /// Those that were ready, each under one lock that was held then.
    parked: HashMap<String, BTreeSet<usize>>,
    held: HashSet<String>,
    /// Each with whether it is exclusive.
    running: BTreeMap<usize, bool>,
}

impl Queue {
    /// An item may begin from now on.
    pub fn push(&mut self, item: usize, claim: ResourceClaim) {
        let _ = if claim.exclusive { self.exclusive.insert(item) } else { self.ready.insert(item) };
    }

    /// The next item to begin, which is running then. Nothing while none may.
    pub fn pop<'a>(&mut self, claim: impl Fn(usize) -> ResourceClaim<'a>) -> Option<usize> {
        // What runs beside nothing is the only one that runs.
        if self.running.first_key_value().is_some_and(|(_, exclusive)| *exclusive) {
            return None;
        }
        while let Some(item) = self.ready.pop_first() {
            let locks = claim(item).locks;
            match locks.iter().find(|lock| self.held.contains(*lock)) {
                Some(lock) => {
                    self.parked.entry(lock.clone()).or_default().insert(item);
                    // It may have been woken for a lock that it does not take now: the next one can have it.
                    locks
                        .iter()
                        .filter(|lock| !self.held.contains(*lock))
                        .cloned()
                        .collect::<Vec<_>>()
                        .iter()
                        .for_each(|lock| self.wake(lock));
                }
                None => {
                    self.held.extend(locks.iter().cloned());
                    self.running.insert(item, false);
                    return Some(item);
                }
            }
        }
        // What is parked waits for something that runs: so nothing is parked when nothing runs.
        if self.running.is_empty()
            && let Some(item) = self.exclusive.pop_first()
        {
            self.held.extend(claim(item).locks.iter().cloned());
            self.running.insert(item, true);
            return Some(item);
        }
        None
    }

    /// An item that was running is done.
    pub fn done(&mut self, item: usize, claim: ResourceClaim) {
        if self.running.remove(&item).is_none() {
            return;
        }
        for lock in claim.locks {
            self.held.remove(lock);
            self.wake(lock);
        }
    }

    /// Lets the first item that is parked under a lock try again.
    fn wake(&mut self, lock: &str) {
        if let Some(parked) = self.parked.get_mut(lock)
            && let Some(item) = parked.pop_first()
        {
            self.ready.insert(item);
        }
    }

    /// The items that run, in order.
    pub fn running(&self) -> impl Iterator<Item = usize> {
        self.running.keys().copied()
    }

    /// Forgets all that has not begun, and gives it in order.
    pub fn clear(&mut self) -> BTreeSet<usize> {
        let mut left = std::mem::take(&mut self.ready);
        left.append(&mut self.exclusive);
        left.extend(std::mem::take(&mut self.parked).into_values().flatten());
        left
    }
}

#[cfg(test)]
mod tests {
    use super::{Queue, ResourceClaim};

    struct Items(Vec<(Vec<String>, bool)>);

    impl Items {
        fn new(items: &[(&[&str], bool)]) -> (Self, Queue) {
            let items = Self(
                items
                    .iter()
                    .map(|(locks, exclusive)| (locks.iter().map(|l| (*l).to_owned()).collect(), *exclusive))
                    .collect(),
            );
            let mut queue = Queue::default();
            (0..items.0.len()).for_each(|at| queue.push(at, items.claim(at)));
            (items, queue)
        }

        fn claim(&self, at: usize) -> ResourceClaim<'_> {
            ResourceClaim { locks: &self.0[at].0, exclusive: self.0[at].1 }
        }

        fn begun(&self, queue: &mut Queue) -> Vec<usize> {
            std::iter::from_fn(|| queue.pop(|at| self.claim(at))).collect()
        }
    }

    #[test]
    fn items_with_a_lock_in_common_run_one_after_the_other() {
        let (items, mut queue) = Items::new(&[(&["api"], false), (&["api"], false), (&[], false), (&["api"], false)]);
        assert_eq!(items.begun(&mut queue), [0, 2]);
        queue.done(2, items.claim(2));
        assert_eq!(items.begun(&mut queue), [] as [usize; 0]);
        queue.done(0, items.claim(0));
        assert_eq!(items.begun(&mut queue), [1]);
        queue.done(1, items.claim(1));
        assert_eq!(items.begun(&mut queue), [3]);
    }

    #[test]
    fn an_exclusive_item_waits_until_nothing_else_is_left_and_runs_alone() {
        let (items, mut queue) = Items::new(&[(&[], true), (&[], false), (&[], true)]);
        assert_eq!(items.begun(&mut queue), [1]);
        queue.done(1, items.claim(1));
        assert_eq!(items.begun(&mut queue), [0]);
        queue.done(0, items.claim(0));
        assert_eq!(items.begun(&mut queue), [2]);
    }

    #[test]
    fn an_item_that_is_woken_but_cannot_begin_lets_the_next_one_try() {
        // 2 wants both; while it waits for `b`, 3 may have `a`.
        let (items, mut queue) = Items::new(&[(&["a"], false), (&["b"], false), (&["a", "b"], false), (&["a"], false)]);
        assert_eq!(items.begun(&mut queue), [0, 1]);
        queue.done(0, items.claim(0));
        assert_eq!(items.begun(&mut queue), [3]);
        queue.done(3, items.claim(3));
        assert_eq!(items.begun(&mut queue), [] as [usize; 0]);
        queue.done(1, items.claim(1));
        assert_eq!(items.begun(&mut queue), [2]);
    }
}
