//! What an item asks of the environment, kept with its result so that a later run can see what got weaker.

use super::{Gap, Run, Status};

/// What a checklist asks of the environment, as far as it can get weaker.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Demands {
    /// Its items, in order.
    pub items: Vec<Demand>,
    /// The gaps that are accepted.
    pub gaps: Vec<Gap>,
    /// Whether some of its items are left out.
    pub is_partial: bool,
}

/// What one item asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Demand {
    /// Its id.
    pub id: String,
    /// It never gates.
    pub advisory: bool,
    /// Why it is not required at this stage.
    pub deferred: Option<String>,
    /// The digest of its source.
    pub source: Option<String>,
    /// What its probes require.
    pub requirements: Option<Requirements>,
}

impl Run {
    /// What its checklist asked.
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

/// What an item requires. Matchers and sources are digests: a secret could be in them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Requirements {
    /// Those of each of its probes, in order.
    pub probes: Vec<ProbeRequirement>,
    /// The secrets that it uses: name, and digest of the source.
    pub secrets: Vec<(String, String)>,
}

/// What one probe requires.
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
    /// How long one attempt may take.
    pub timeout_ms: u64,
    /// How many attempts there are at most; 0 for `eventually`.
    pub attempts: u32,
    /// Whether it disables certificate verification.
    pub insecure: bool,
}
