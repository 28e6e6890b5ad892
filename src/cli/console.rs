//! The environment of a command, and its redactor: everything that a command prints passes it.

use std::cell::RefCell;
use std::ops::Deref;
use std::sync::Arc;

use crate::checklist::{self, Credential};
use crate::env::Env;
use crate::secret::{Redact, Redacted, Redactor};

/// An environment with the redactor of the secrets in it, in the arguments, and in everything loaded since.
#[derive(Debug, Clone)]
pub struct Console {
    env: Arc<Env>,
    /// The credentials on the command line.
    arguments: Vec<Credential>,
    // Built on demand; a command learns more secrets while it runs.
    redactor: RefCell<Option<Redactor>>,
}

impl Console {
    /// The console of a program with these arguments.
    pub fn new(env: Env, arguments: &[String]) -> Self {
        let arguments = arguments.iter().flat_map(|argument| checklist::in_argument(argument)).collect();
        Self { env: Arc::new(env), arguments, redactor: RefCell::default() }
    }

    /// The environment alone, for code that outlives the command.
    pub fn world(&self) -> &Arc<Env> {
        &self.env
    }

    /// The same with another environment. Secrets learned so far are kept.
    pub fn with(&self, env: Env) -> Self {
        let arguments = self.arguments.clone();
        let changed = Self { env: Arc::new(env), arguments, redactor: RefCell::default() };
        if let Some(known) = &*self.redactor.borrow() {
            changed.learn(known);
        }
        changed
    }

    /// Also hides these secrets from now on. Their names take precedence.
    pub fn learn(&self, secrets: &Redactor) {
        let known = self.redactor();
        self.redactor.replace(Some(secrets.and(&known)));
    }

    /// The redactor of all known secrets.
    pub fn redactor(&self) -> Redactor {
        let make = || checklist::redactor(std::iter::empty(), &self.arguments, &self.env);
        self.redactor.borrow_mut().get_or_insert_with(make).clone()
    }

    /// The value without secrets.
    pub fn pass<T: Redact>(&self, value: T) -> Redacted<T> {
        self.redactor().pass(value)
    }
}

impl Deref for Console {
    type Target = Env;

    fn deref(&self) -> &Env {
        &self.env
    }
}
