//! One probe of an item as the checklist defines it: settings, expectations and timing.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::diagnostic::Span;
use crate::expect::Expectation;
use crate::probe::{Kind, Observe};
use crate::yaml::{Node, Pause};

use super::KindInfo;

/// One probe of an item.
pub struct ProbeTask {
    /// Its kind.
    pub kind: Arc<dyn Kind>,
    /// Static information about that kind.
    pub info: Arc<KindInfo>,
    /// Where the checklist names its kind.
    pub span: Span,
    /// The name by which others refer to its observation.
    pub alias: Option<String>,
    /// The check that it comes from.
    pub used: Option<Used>,
    /// Timeout and retries.
    pub timing: Timing,
    /// Its settings.
    pub settings: Settings,
    /// Its expectations.
    pub expectations: Expectations,
}

/// The use of a check.
#[derive(Debug, Clone)]
pub struct Used {
    /// The check's name.
    pub check: Arc<str>,
    /// Where the checklist uses it.
    pub span: Span,
}

/// The settings of a probe.
pub enum Settings {
    /// All references in them are resolved.
    Resolved {
        /// As written, with values in place of references.
        node: Node,
        /// The probe, ready to run.
        probe: Box<dyn Observe>,
    },
    /// Some references are resolved during the run.
    Unresolved(Node),
}

/// The expectations of a probe.
#[derive(Debug)]
pub enum Expectations {
    /// The defaults of its kind.
    Default,
    /// The checklist's own, with every reference resolved.
    Resolved {
        /// As written, with values in place of references.
        node: Node,
        /// The same, parsed.
        parsed: Vec<Expectation>,
    },
    /// The checklist's own; some references are resolved during the run.
    Unresolved(Node),
}

/// Timeout and retries of a probe.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timing {
    /// Timeout of one attempt.
    pub timeout: Duration,
    /// When it is retried.
    pub retry: RetryPolicy,
}

/// Whether and how often a probe that is not green is retried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RetryPolicy {
    /// One attempt.
    Never,
    /// A maximum number of attempts.
    Retry {
        /// The maximum, including the first attempt.
        attempts: u32,
        /// The wait between two attempts.
        every: Pause,
        /// How many attempts in a row must be green.
        consecutive: u32,
        /// Whether the probe sets this itself. An inherited one does not apply to probes with effects.
        is_own: bool,
    },
    /// Until it is green.
    Eventually {
        /// Maximum time.
        within: Duration,
        /// The wait between two attempts.
        every: Pause,
        /// How many attempts in a row must be green.
        consecutive: u32,
    },
}

impl ProbeTask {
    /// The unresolved parts: settings first, then expectations.
    pub fn unresolved(&self) -> impl Iterator<Item = &Node> {
        let settings = match &self.settings {
            Settings::Resolved { .. } => None,
            Settings::Unresolved(node) => Some(node),
        };
        let expectations = match &self.expectations {
            Expectations::Default | Expectations::Resolved { .. } => None,
            Expectations::Unresolved(node) => Some(node),
        };
        settings.into_iter().chain(expectations)
    }
}

impl Settings {
    /// The settings as written, resolved as far as possible.
    pub fn node(&self) -> &Node {
        match self {
            Self::Resolved { node, .. } | Self::Unresolved(node) => node,
        }
    }
}

impl Expectations {
    /// The checklist's own expectations, resolved as far as possible. None if the defaults apply.
    pub fn node(&self) -> Option<&Node> {
        match self {
            Self::Default => None,
            Self::Resolved { node, .. } | Self::Unresolved(node) => Some(node),
        }
    }
}

impl RetryPolicy {
    /// How many attempts in a row must be green.
    pub fn consecutive(self, has_effects: bool) -> usize {
        match self {
            Self::Never => 1,
            Self::Retry { is_own: false, .. } if has_effects => 1,
            Self::Retry { consecutive, .. } | Self::Eventually { consecutive, .. } => consecutive as usize,
        }
    }

    /// The pause before the next attempt, after this number of attempts and this time. None if no attempt is left.
    pub fn pause(self, has_effects: bool, attempts: usize, elapsed: Duration) -> Option<Duration> {
        match self {
            Self::Never => None,
            Self::Retry { is_own: false, .. } if has_effects => None,
            Self::Retry { attempts: most, every, .. } => (attempts < most as usize).then(|| every.after(attempts)),
            // A long pause is shortened, so that the time is used up.
            Self::Eventually { within, every, .. } => {
                (elapsed + every.first <= within).then(|| every.after(attempts).min(within - elapsed))
            }
        }
    }
}

impl Timing {
    /// Whether a later green attempt makes the item flaky. With `eventually`, a delay is expected.
    pub fn is_retry(self) -> bool {
        matches!(self.retry, RetryPolicy::Retry { .. })
    }
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Self::Resolved { node, .. } => f.debug_struct("Resolved").field("node", node).finish_non_exhaustive(),
            Self::Unresolved(node) => f.debug_tuple("Unresolved").field(node).finish(),
        }
    }
}

impl fmt::Debug for ProbeTask {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.debug_struct("ProbeTask").field("kind", &self.kind.name()).field("alias", &self.alias).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::RetryPolicy;

    #[test]
    fn the_last_wait_of_eventually_is_cut_to_what_is_left() {
        let seconds = Duration::from_secs;
        let every = "1s..30s".parse().expect("it is a pause");
        let policy = RetryPolicy::Eventually { within: seconds(10), every, consecutive: 1 };
        let pause = |attempts: usize, elapsed: u64| policy.pause(false, attempts, seconds(elapsed));
        assert_eq!([pause(1, 0), pause(2, 1), pause(3, 3)], [1, 2, 4].map(|wait| Some(seconds(wait))));
        assert_eq!(pause(4, 7), Some(seconds(3)));
        assert_eq!(pause(5, 10), None);
    }
}
