//! A box of a list, as it was written.

/// One box, or one bullet where these count as boxes.
#[derive(Debug, Default)]
pub struct Task {
    /// The text beside the box, on one line.
    pub text: String,
    /// The line above it in a list, which has no box itself.
    pub label: String,
    /// Whether the box is ticked. Nothing for a bullet.
    pub is_ticked: Option<bool>,
    /// The box, where it is not `[ ]`.
    pub sign: Option<String>,
    /// The owner, where a column names one.
    pub owner: Option<String>,
    /// The other columns of its row.
    pub asides: Vec<String>,
    /// The blocks below it: paragraphs, lists, code.
    pub notes: Vec<String>,
    /// The box that contains it, as a position among those of its section.
    pub parent: Option<usize>,
    /// The line that it begins on, from 1.
    pub line: usize,
}
