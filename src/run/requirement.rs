//! The requirements of an item, kept with its result so that a later run can detect what got weaker.

use super::{Gap, Run, Status};

/// The requirements of a checklist, as far as they can get weaker.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Demands {
    /// Its items, in order.
    pub items: Vec<Demand>,
    /// The gaps that are accepted.
    pub gaps: Vec<Gap>,
    /// Whether some of its items are left out.
    pub is_partial: bool,
}

/// The requirements of one item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Demand {
    /// Its id.
    pub id: String,
    /// It is not required.
    pub advisory: bool,
    /// Why it is not required at this stage.
    pub deferred: Option<String>,
    /// The digest of its source.
    pub source: Option<String>,
    /// The requirements of its probes.
    pub requirements: Option<Requirements>,
}

impl Run {
    /// The requirements of its checklist.
    pub fn demands(&self) -> Demands {
        let deferred = |item: &super::ItemResult| {
            let why = || item.reason.as_ref().map(ToString::to_string).unwrap_or_default();
            (item.status == Status::Deferred).then(why)
        };
        let items = self.items().map(|item| Demand {
            id: item.id.clone(),
            advisory: item.advisory,
            deferred: deferred(item),
            source: item.source.clone(),
            requirements: item.requirements.as_deref().cloned(),
        });
        Demands { items: items.collect(), gaps: self.gaps.clone(), is_partial: self.partial.is_some() }
    }
}

/// The requirements of an item. Matchers and sources are digests: they could contain a secret.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Requirements {
    /// Those of each of its probes, in order.
    pub probes: Vec<ProbeRequirement>,
    /// The secrets that it uses: name, and digest of the source.
    pub secrets: Vec<(String, String)>,
}

/// The requirements of one probe.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProbeRequirement {
    /// Its kind.
    pub kind: String,
    /// The check that it comes from.
    pub check: Option<String>,
    /// Whether that check is the repository's own.
    pub is_own_check: bool,
    /// Its expectations: path, and digest of the matcher.
    pub expectations: Vec<(String, String)>,
    /// Timeout of one attempt.
    pub timeout_ms: u64,
    /// Maximum number of attempts; 0 for `eventually`.
    pub attempts: u32,
    /// Whether it disables certificate verification.
    pub insecure: bool,
}
