//! Whether something holds, where that may be unknown: three-valued logic, with two reasons for not knowing.

/// The result of applying a matcher to a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Truth {
    /// It holds.
    Holds,
    /// It doesn't hold.
    Fails,
    /// The operator can't be applied to such a value: `above: 95` to `"97%"`.
    Inapplicable,
    /// It depends on the unread part.
    Unread,
}

impl Truth {
    /// Whether it holds for certain.
    pub fn holds(self) -> bool {
        self == Self::Holds
    }

    /// The negation. What is unknown stays unknown.
    #[must_use]
    pub fn negated(self) -> Self {
        match self {
            Self::Holds => Self::Fails,
            Self::Fails => Self::Holds,
            Self::Inapplicable | Self::Unread => self,
        }
    }

    /// Whether all of these hold: one that fails decides, then one that is unknown.
    pub fn all(truths: impl IntoIterator<Item = Self>) -> Self {
        truths.into_iter().fold(Self::Holds, |one, other| match (one, other) {
            (Self::Fails, _) | (_, Self::Fails) => Self::Fails,
            // The unread part may still decide.
            (Self::Unread, _) | (_, Self::Unread) => Self::Unread,
            (Self::Inapplicable, _) | (_, Self::Inapplicable) => Self::Inapplicable,
            (Self::Holds, Self::Holds) => Self::Holds,
        })
    }

    /// Whether any of these holds: one that holds decides, then one that is unknown.
    pub fn any(truths: impl IntoIterator<Item = Self>) -> Self {
        Self::all(truths.into_iter().map(Self::negated)).negated()
    }
}

impl From<bool> for Truth {
    fn from(holds: bool) -> Self {
        if holds { Self::Holds } else { Self::Fails }
    }
}

#[cfg(test)]
mod tests {
    use super::Truth::{Fails, Holds, Inapplicable, Unread};
    use super::*;

    #[test]
    fn an_unknown_result_stays_unknown_unless_the_rest_decides() {
        assert_eq!([Holds, Fails, Inapplicable, Unread].map(Truth::negated), [Fails, Holds, Inapplicable, Unread]);
        for unknown in [Inapplicable, Unread] {
            assert_eq!(Truth::all([Holds, unknown]), unknown);
            assert_eq!(Truth::all([unknown, Fails]), Fails);
            assert_eq!(Truth::any([Fails, unknown]), unknown);
            assert_eq!(Truth::any([unknown, Holds]), Holds);
        }
        assert_eq!([Truth::all([Inapplicable, Unread]), Truth::any([Unread, Inapplicable])], [Unread, Unread]);
        assert_eq!([Truth::all([]), Truth::any([])], [Holds, Fails]);
    }
}
