//! Distributes the items of a checklist over several runs, each on its own machine.

use std::collections::HashMap;

use sha2::{Digest, Sha256};

use crate::checklist::{Checklist, Item};
use crate::env::Env;
use crate::run::Shard;

/// The variables in which CI systems number parallel jobs: the job's number and the number of jobs. The first number is
/// 0 or 1.
const CI: [(&str, &str, usize); 5] = [
    ("GATE_SHARD_INDEX", "GATE_SHARD_TOTAL", 0),
    // https://docs.gitlab.com/ci/variables/predefined_variables/
    ("CI_NODE_INDEX", "CI_NODE_TOTAL", 1),
    // https://circleci.com/docs/variables/
    ("CIRCLE_NODE_INDEX", "CIRCLE_NODE_TOTAL", 0),
    // https://buildkite.com/docs/pipelines/configure/environment-variables
    ("BUILDKITE_PARALLEL_JOB", "BUILDKITE_PARALLEL_JOB_COUNT", 0),
    // https://kubernetes.io/docs/concepts/workloads/controllers/job/#completion-mode
    ("JOB_COMPLETION_INDEX", "GATE_SHARD_TOTAL", 0),
];

/// The shard of the CI job, from its variables.
///
/// # Errors
/// When no variable is set, or one is not a valid number.
pub fn of_ci(env: &Env) -> Result<Shard, String> {
    let is_set = |(index, total, _): &&(&str, &str, usize)| env.var(index).is_some() && env.var(total).is_some();
    let Some((index, total, first)) = CI.iter().find(is_set) else {
        let title = "no variable says which of several jobs this is";
        return Err(format!("{title}: set GATE_SHARD_INDEX, from 0, and GATE_SHARD_TOTAL, or use `--shard K/N`"));
    };
    let number = |name: &str| {
        let text = env.var(name).unwrap_or_default();
        text.trim().parse::<usize>().map_err(|_| format!("{name} is not a whole number: `{text}`"))
    };
    let (at, of) = (number(index)?, number(total)?);
    let shard = at.checked_sub(*first).and_then(|at| Shard::new(at + 1, of));
    shard.ok_or_else(|| {
        let last = (of + first).saturating_sub(1);
        format!("{index} is {at}, which is not from {first} to {last} ({total} is {of})")
    })
}

/// The number of the shard that runs each item, in checklist order. A sign-off belongs to none: it is judged when the
/// shards are merged. Items that need one another or share a lock go to the same shard, by the smallest of their ids.
pub fn spread(checklist: &Checklist, total: usize) -> Vec<Option<usize>> {
    let items: Vec<&Item> = checklist.items().collect();
    let mut groups = Groups((0..items.len()).collect());
    let mut locks: HashMap<&str, usize> = HashMap::new();
    for (at, item) in items.iter().enumerate().filter(|(_, item)| item.sign_off.is_none()) {
        item.needs.iter().filter(|need| items[**need].sign_off.is_none()).for_each(|need| groups.join(at, *need));
        for lock in &item.locks {
            let first = *locks.entry(lock.as_str()).or_insert(at);
            groups.join(at, first);
        }
    }
    let mut smallest: HashMap<usize, &str> = HashMap::new();
    for (at, item) in items.iter().enumerate() {
        let id = smallest.entry(groups.of(at)).or_insert(&item.id);
        *id = (*id).min(&item.id);
    }
    let shard = |at: usize| items[at].sign_off.is_none().then(|| bucket(smallest[&groups.of(at)], total));
    (0..items.len()).map(shard).collect()
}

/// The number of the shard of an id: the same on every machine and in every version.
fn bucket(id: &str, total: usize) -> usize {
    let digest = Sha256::digest(id);
    let head = digest.iter().take(8).fold(0_u64, |number, byte| number << 8 | u64::from(*byte));
    usize::try_from(head % total as u64).expect("it is less than a `usize`") + 1
}

/// Disjoint sets of positions; the first of each set is its root.
struct Groups(Vec<usize>);

impl Groups {
    fn of(&self, mut at: usize) -> usize {
        while self.0[at] != at {
            at = self.0[at];
        }
        at
    }

    fn join(&mut self, one: usize, other: usize) {
        let (one, other) = (self.of(one), self.of(other));
        self.0[one.max(other)] = one.min(other);
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::{bucket, of_ci};
    use crate::env::Env;

    #[test]
    fn each_ci_system_says_which_job_this_is() {
        let of = |vars: &[(&str, &str)]| {
            let vars = vars.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
            of_ci(&Env::with(vars, PathBuf::from("/"))).map(|shard| shard.to_string())
        };
        assert_eq!(of(&[("CI_NODE_INDEX", "2"), ("CI_NODE_TOTAL", "4")]), Ok("2/4".to_owned()));
        assert_eq!(of(&[("CIRCLE_NODE_INDEX", "0"), ("CIRCLE_NODE_TOTAL", "4")]), Ok("1/4".to_owned()));
        let buildkite = [("BUILDKITE_PARALLEL_JOB", "3"), ("BUILDKITE_PARALLEL_JOB_COUNT", "4")];
        assert_eq!(of(&buildkite), Ok("4/4".to_owned()));
        assert_eq!(of(&[("JOB_COMPLETION_INDEX", "1"), ("GATE_SHARD_TOTAL", "3")]), Ok("2/3".to_owned()));
        let own =
            [("GATE_SHARD_INDEX", "0"), ("GATE_SHARD_TOTAL", "2"), ("CI_NODE_INDEX", "9"), ("CI_NODE_TOTAL", "9")];
        assert_eq!(of(&own), Ok("1/2".to_owned()));
        assert!(of(&[]).expect_err("nothing is set").contains("GATE_SHARD_INDEX"));
        let wrong = of(&[("CI_NODE_INDEX", "0"), ("CI_NODE_TOTAL", "4")]).expect_err("GitLab counts from 1");
        assert_eq!(wrong, "CI_NODE_INDEX is 0, which is not from 1 to 4 (CI_NODE_TOTAL is 4)");
        assert!(of(&[("GATE_SHARD_INDEX", "x"), ("GATE_SHARD_TOTAL", "4")]).is_err());
    }

    #[test]
    fn an_id_goes_to_the_same_shard_for_ever() {
        assert_eq!(["api", "db-head", "redis", "health/api"].map(|id| bucket(id, 4)), [2, 2, 2, 3]);
    }
}
