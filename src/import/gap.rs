//! A known gap, as it was written.

/// A row of the table of known gaps.
#[derive(Debug, Default)]
pub struct Gap {
    pub gap: String,
    pub items: Vec<String>,
    pub priority: Option<String>,
    pub owner: Option<String>,
    pub notes: Option<String>,
    /// The date in the words below, such as `2026-03-01`.
    pub until: Option<String>,
    /// Until when, in the words of the list.
    pub until_words: Option<String>,
    /// The heads of its table, or where it was written.
    pub remark: Option<String>,
}
