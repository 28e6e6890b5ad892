//! Which items may start: in checklist order, as far as their locks, their hosts and `exclusive` allow.

use std::collections::{BTreeMap, BTreeSet, HashMap};

/// A resource that a limited number of items may have at a time.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Resource {
    /// A lock: one item at a time.
    Lock(String),
    /// A host and its port: as many items at a time as the run allows.
    Host(String),
}

/// The resources of an item.
#[derive(Debug, Clone, Default)]
pub struct Claim {
    /// The resources that it holds while it runs.
    pub resources: Vec<Resource>,
    /// Whether it runs alone.
    pub exclusive: bool,
}

/// The items that wait only for their turn.
#[derive(Debug)]
pub struct Queue {
    /// How many items may have the same host at a time.
    per_host: usize,
    ready: BTreeSet<usize>,
    /// The waiting items that run alone.
    exclusive: BTreeSet<usize>,
    /// The claims of the items that have any.
    claims: HashMap<usize, Claim>,
    /// Items that were ready, each under one resource that was used up then.
    parked: HashMap<Resource, BTreeSet<usize>>,
    /// How many items have each resource.
    held: HashMap<Resource, usize>,
    /// Each with whether it is exclusive.
    running: BTreeMap<usize, bool>,
}

impl Queue {
    /// An empty queue.
    pub fn new(per_host: usize) -> Self {
        Self {
            per_host,
            ready: BTreeSet::new(),
            exclusive: BTreeSet::new(),
            claims: HashMap::new(),
            parked: HashMap::new(),
            held: HashMap::new(),
            running: BTreeMap::new(),
        }
    }

    /// Adds an item that may start.
    pub fn push(&mut self, item: usize, claim: Claim) {
        let _ = if claim.exclusive { self.exclusive.insert(item) } else { self.ready.insert(item) };
        if !claim.resources.is_empty() {
            self.claims.insert(item, claim);
        }
    }

    /// The next item to start, which is then running. None if none may.
    pub fn pop(&mut self) -> Option<usize> {
        // An exclusive item is the only one that runs.
        if self.running.first_key_value().is_some_and(|(_, exclusive)| *exclusive) {
            return None;
        }
        while let Some(item) = self.ready.pop_first() {
            let resources = self.resources(item);
            match resources.iter().find(|resource| self.is_full(resource)) {
                Some(full) => {
                    self.parked.entry(full.clone()).or_default().insert(item);
                    // It may have been woken for a resource that it does not take now: the next one can have it.
                    for resource in resources.iter().filter(|resource| !self.is_full(resource)).collect::<Vec<_>>() {
                        self.wake(resource);
                    }
                }
                None => {
                    self.run(item, resources, false);
                    return Some(item);
                }
            }
        }
        // A parked item waits for a running one: if nothing runs, nothing is parked.
        if self.running.is_empty()
            && let Some(item) = self.exclusive.pop_first()
        {
            let resources = self.resources(item);
            self.run(item, resources, true);
            return Some(item);
        }
        None
    }

    /// An item that was running is done.
    pub fn done(&mut self, item: usize) {
        if self.running.remove(&item).is_none() {
            return;
        }
        for resource in self.claims.remove(&item).unwrap_or_default().resources {
            if let Some(count) = self.held.get_mut(&resource) {
                *count -= 1;
            }
            self.wake(&resource);
        }
    }

    fn resources(&self, item: usize) -> Vec<Resource> {
        self.claims.get(&item).map(|claim| claim.resources.clone()).unwrap_or_default()
    }

    fn run(&mut self, item: usize, resources: Vec<Resource>, exclusive: bool) {
        for resource in resources {
            *self.held.entry(resource).or_default() += 1;
        }
        self.running.insert(item, exclusive);
    }

    fn is_full(&self, resource: &Resource) -> bool {
        let most = match resource {
            Resource::Lock(_) => 1,
            Resource::Host(_) => self.per_host,
        };
        self.held.get(resource).is_some_and(|count| *count >= most)
    }

    /// Lets the first item that is parked under a resource try again.
    fn wake(&mut self, resource: &Resource) {
        if let Some(parked) = self.parked.get_mut(resource)
            && let Some(item) = parked.pop_first()
        {
            self.ready.insert(item);
        }
    }

    /// The items that run, in order.
    pub fn running(&self) -> impl Iterator<Item = usize> {
        self.running.keys().copied()
    }

    /// The lock that an item waits for, and the running item that holds it.
    pub fn lock_of(&self, item: usize) -> Option<(&str, usize)> {
        let (resource, _) = self.parked.iter().find(|(_, parked)| parked.contains(&item))?;
        let has_it = |one: &usize| self.claims.get(one).is_some_and(|claim| claim.resources.contains(resource));
        let holder = self.running().find(has_it)?;
        match resource {
            Resource::Lock(name) => Some((name, holder)),
            Resource::Host(_) => None,
        }
    }

    /// Removes all items that have not started, and returns them in order.
    pub fn clear(&mut self) -> BTreeSet<usize> {
        let mut left = std::mem::take(&mut self.ready);
        left.append(&mut self.exclusive);
        left.extend(std::mem::take(&mut self.parked).into_values().flatten());
        left
    }
}

#[cfg(test)]
mod tests {
    use super::{Claim, Queue, Resource};

    fn queue(per_host: usize, claims: Vec<Claim>) -> Queue {
        let mut queue = Queue::new(per_host);
        claims.into_iter().enumerate().for_each(|(item, claim)| queue.push(item, claim));
        queue
    }

    fn locks(names: &[&str]) -> Claim {
        let resources = names.iter().map(|name| Resource::Lock((*name).to_owned())).collect();
        Claim { resources, exclusive: false }
    }

    fn hosts(names: &[&str]) -> Claim {
        let resources = names.iter().map(|name| Resource::Host((*name).to_owned())).collect();
        Claim { resources, exclusive: false }
    }

    fn begun(queue: &mut Queue) -> Vec<usize> {
        std::iter::from_fn(|| queue.pop()).collect()
    }

    #[test]
    fn items_with_a_lock_in_common_run_one_after_the_other() {
        let mut queue = queue(9, vec![locks(&["api"]), locks(&["api"]), locks(&[]), locks(&["api"])]);
        assert_eq!(begun(&mut queue), [0, 2]);
        queue.done(2);
        assert_eq!(begun(&mut queue), [] as [usize; 0]);
        queue.done(0);
        assert_eq!(begun(&mut queue), [1]);
        queue.done(1);
        assert_eq!(begun(&mut queue), [3]);
    }

    #[test]
    fn an_exclusive_item_waits_until_nothing_else_is_left_and_runs_alone() {
        let alone = || Claim { exclusive: true, ..Claim::default() };
        let mut queue = queue(9, vec![alone(), Claim::default(), alone()]);
        assert_eq!(begun(&mut queue), [1]);
        queue.done(1);
        assert_eq!(begun(&mut queue), [0]);
        queue.done(0);
        assert_eq!(begun(&mut queue), [2]);
    }

    #[test]
    fn a_woken_item_that_cannot_start_wakes_the_next_one() {
        // 2 wants both; while it waits for `b`, 3 may have `a`.
        let mut queue = queue(9, vec![locks(&["a"]), locks(&["b"]), locks(&["a", "b"]), locks(&["a"])]);
        assert_eq!(begun(&mut queue), [0, 1]);
        queue.done(0);
        assert_eq!(begun(&mut queue), [3]);
        queue.done(3);
        assert_eq!(begun(&mut queue), [] as [usize; 0]);
        queue.done(1);
        assert_eq!(begun(&mut queue), [2]);
    }

    #[test]
    fn items_of_a_busy_host_wait_while_those_of_another_begin() {
        let mut queue = queue(2, vec![hosts(&["a"]), hosts(&["a"]), hosts(&["a"]), hosts(&["b"]), hosts(&["a", "b"])]);
        assert_eq!(begun(&mut queue), [0, 1, 3]);
        queue.done(3);
        assert_eq!(begun(&mut queue), [] as [usize; 0]);
        queue.done(1);
        assert_eq!(begun(&mut queue), [2]);
        queue.done(0);
        assert_eq!(begun(&mut queue), [4]);
    }

    #[test]
    fn an_item_that_runs_again_takes_its_host_again() {
        let mut queue = queue(1, vec![hosts(&["a"]), hosts(&["a"])]);
        assert_eq!(begun(&mut queue), [0]);
        queue.push(2, hosts(&["a"]));
        queue.done(0);
        assert_eq!(begun(&mut queue), [1]);
        queue.push(0, hosts(&["a"]));
        queue.done(1);
        assert_eq!(begun(&mut queue), [0]);
        assert_eq!(queue.clear().into_iter().collect::<Vec<_>>(), [2]);
    }
}
