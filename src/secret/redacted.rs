//! Values that have passed the redactor, by type.

use std::borrow::Cow;
use std::fmt;
use std::ops::Deref;

use super::Redactor;

/// A value with text from outside.
pub trait Redact {
    /// Hides secrets in all of its texts.
    fn redact(&mut self, redactor: &Redactor);
}

/// A value that has passed the redactor: what the ledger, reports and every command's output take.
///
/// [`Redactor::pass`] makes it, and nothing else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Redacted<T>(T);

impl<T> Redacted<T> {
    pub(super) fn new(value: T) -> Self {
        Self(value)
    }

    /// The value alone, to change it: then it must pass again.
    pub fn into_inner(self) -> T {
        self.0
    }
}

impl<T> Deref for Redacted<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T: fmt::Display> fmt::Display for Redacted<T> {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Redact for String {
    fn redact(&mut self, redactor: &Redactor) {
        if let Cow::Owned(redacted) = redactor.redact(self) {
            *self = redacted;
        }
    }
}

impl<T: Redact> Redact for Option<T> {
    fn redact(&mut self, redactor: &Redactor) {
        if let Some(value) = self {
            value.redact(redactor);
        }
    }
}

impl<T: Redact> Redact for Vec<T> {
    fn redact(&mut self, redactor: &Redactor) {
        self.iter_mut().for_each(|value| value.redact(redactor));
    }
}
