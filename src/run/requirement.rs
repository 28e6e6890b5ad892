//! What an item asks of the environment, kept with its result so that a later run can see what got weaker.

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
