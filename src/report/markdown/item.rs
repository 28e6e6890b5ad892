//! The line of an item: its tick, title and tag, and the remarks after them, some of which change from run to run.

use std::fmt;

use jiff::civil::Date;

/// The line of an item.
#[derive(Debug)]
pub struct ItemLine {
    /// Tick, title and tag: `- [x] API answers`.
    pub head: String,
    /// The remarks in parentheses at the end.
    pub remarks: Vec<Remark>,
}

/// A remark.
#[derive(Debug, PartialEq, Eq)]
pub enum Remark {
    /// When it was verified, and the evidence.
    Verified(Date, Option<String>),
    /// A remark that a reader acts on: who signed, `flaky`, `advisory`.
    Fixed(String),
    /// When it last passed, or turned red.
    Since(String),
}

impl fmt::Display for ItemLine {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(&self.head)?;
        let mut separator = " (";
        for remark in &self.remarks {
            write!(f, "{separator}{remark}")?;
            separator = "; ";
        }
        if self.remarks.is_empty() { Ok(()) } else { f.write_str(")") }
    }
}

impl fmt::Display for Remark {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Self::Verified(date, None) => write!(f, "verified {date}"),
            Self::Verified(date, Some(evidence)) => write!(f, "verified {date}: {evidence}"),
            Self::Fixed(text) | Self::Since(text) => f.write_str(text),
        }
    }
}
