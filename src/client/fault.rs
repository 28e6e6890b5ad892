//! Why something could not be observed.

use std::borrow::Cow;
use std::io;
use std::path::Path;

use crate::text::error;

/// An error with what to do, or that there is nothing to judge yet.
#[derive(Debug, Clone)]
pub struct Fault {
    /// The message.
    pub message: Cow<'static, str>,
    /// The help: what to do about it.
    pub help: Option<Cow<'static, str>>,
    /// There is nothing yet that could be judged: the item is `pending`, not `error`.
    pub is_pending: bool,
}

impl Fault {
    /// Something that could not be observed.
    pub fn new(message: impl Into<Cow<'static, str>>) -> Self {
        Self { message: message.into(), help: None, is_pending: false }
    }

    /// Something that does not exist yet, such as a report.
    pub fn pending(message: impl Into<Cow<'static, str>>) -> Self {
        Self { is_pending: true, ..Self::new(message) }
    }

    /// A file that can't be read.
    pub fn unreadable(file: &Path, error: &io::Error) -> Self {
        Self::new(format!("cannot read `{}`: {}", file.display(), error::os(error)))
    }

    /// Adds the help: what to do about it.
    #[must_use]
    pub fn help(mut self, help: impl Into<Cow<'static, str>>) -> Self {
        self.help = Some(help.into());
        self
    }
}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Fault {}

/// The outermost message of a chain of errors and the ones below it, with the help of the first fault in it.
impl From<anyhow::Error> for Fault {
    fn from(error: anyhow::Error) -> Self {
        // Asked first, anyhow also looks into what was added as context; the chain does not show that.
        let fault = error.downcast_ref::<Self>();
        let fault = fault.or_else(|| error.chain().find_map(|cause| cause.downcast_ref::<Self>()));
        let chain: Vec<String> = error.chain().map(ToString::to_string).filter(|text| !text.is_empty()).collect();
        Self {
            message: chain.join(": ").into(),
            help: fault.and_then(|fault| fault.help.clone()),
            is_pending: fault.is_some_and(|fault| fault.is_pending),
        }
    }
}
