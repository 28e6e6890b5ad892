//! The checklist that is proposed: variables, secrets, and items with their probes.

use std::collections::HashSet;

use serde_json::{Map, Value};

use crate::import::Ids;

/// A proposed checklist.
#[derive(Debug, Clone)]
pub struct Draft {
    /// Its title.
    pub title: String,
    /// Remarks at the beginning of the file.
    pub remarks: Vec<String>,
    /// Its `vars`.
    pub variables: Vec<Variable>,
    /// Its `secrets`.
    pub secrets: Vec<Secret>,
    /// Its items, in the order in which they were found.
    pub proposals: Vec<Proposal>,
    /// Prefix of the environment variables with the addresses of services, such as `STAGING`.
    pub prefix: String,
    /// The databases that items can query.
    pub databases: Vec<Connection>,
    ids: Ids,
}

/// How to connect to a database.
#[derive(Debug, Clone)]
pub struct Connection {
    /// The item that checks whether it answers.
    pub item: String,
    /// The settings that `sql` and `alembic` share.
    pub settings: Map<String, Value>,
}

/// A variable of the checklist.
#[derive(Debug, Clone)]
pub struct Variable {
    /// Its name.
    pub name: String,
    /// Its value, which may refer to an environment variable.
    pub value: String,
    /// Where it was found.
    pub from: String,
}

/// A secret of the checklist, which is an environment variable.
#[derive(Debug, Clone)]
pub struct Secret {
    /// Its name.
    pub name: String,
    /// Where it was found, or what its value must be.
    pub from: String,
}

/// The parts of the checklist, in its order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    Configuration,
    Services,
    Public,
    Database,
    Monitoring,
    Tests,
    Delivery,
    Runbooks,
}

/// An item that is proposed.
#[derive(Debug, Clone)]
pub struct Proposal {
    /// The part that it belongs to.
    pub part: Part,
    /// Its id.
    pub id: String,
    /// Its title.
    pub title: String,
    /// Where it was found.
    pub from: String,
    /// The facts that the repository does not contain.
    pub todo: Vec<String>,
    /// The ids of the items that it needs.
    pub needs: Vec<String>,
    /// Advice for when the item is red.
    pub hint: Option<String>,
    /// The elements of its list, if it has one.
    pub each: Vec<Value>,
    /// Its probes.
    pub probes: Vec<Value>,
    /// Why it is a comment, if it is one.
    pub held: Option<String>,
    /// Whether it can be tried.
    pub is_tryable: bool,
    /// Whether its route is a guess: then the usual ones are tried, too.
    pub is_guessed: bool,
}

impl Part {
    /// Every part, in order.
    pub const ALL: [Self; 8] = [
        Self::Configuration,
        Self::Services,
        Self::Public,
        Self::Database,
        Self::Monitoring,
        Self::Tests,
        Self::Delivery,
        Self::Runbooks,
    ];

    /// The title of its section, and the section's id.
    pub fn title(self) -> (&'static str, &'static str) {
        match self {
            Self::Configuration => ("Configuration", "configuration"),
            Self::Services => ("Services", "services"),
            Self::Public => ("Public addresses", "public"),
            Self::Database => ("Database", "database"),
            Self::Monitoring => ("Monitoring", "monitoring"),
            Self::Tests => ("Tests", "tests"),
            Self::Delivery => ("Delivery", "delivery"),
            Self::Runbooks => ("Runbooks", "runbooks"),
        }
    }
}

impl Proposal {
    /// An item with these probes.
    pub fn new(part: Part, id: String, title: impl Into<String>, from: impl Into<String>, probes: Vec<Value>) -> Self {
        Self {
            part,
            id,
            title: title.into(),
            from: from.into(),
            todo: Vec::new(),
            needs: Vec::new(),
            hint: None,
            each: Vec::new(),
            probes,
            held: None,
            is_tryable: true,
            is_guessed: false,
        }
    }

    /// The same as a comment.
    #[must_use]
    pub fn held(self, why: impl Into<String>) -> Self {
        Self { held: Some(why.into()), is_tryable: false, ..self }
    }

    /// The same as a comment, unless it answers when it is tried.
    #[must_use]
    pub fn doubtful(self, why: impl Into<String>) -> Self {
        Self { is_tryable: true, ..self.held(why) }
    }

    /// The same with items that it needs.
    #[must_use]
    pub fn needs(mut self, ids: impl IntoIterator<Item = String>) -> Self {
        self.needs.extend(ids);
        self
    }

    /// The same with something to do.
    #[must_use]
    pub fn todo(mut self, what: impl Into<String>) -> Self {
        self.todo.push(what.into());
        self
    }
}

impl Draft {
    /// An empty checklist with this title. The prefix is that of its environment variables.
    pub fn new(title: String, prefix: String) -> Self {
        let mut ids = Ids::default();
        for part in Part::ALL {
            ids.give(part.title().1, None);
        }
        Self {
            title,
            remarks: Vec::new(),
            variables: Vec::new(),
            secrets: Vec::new(),
            proposals: Vec::new(),
            prefix,
            databases: Vec::new(),
            ids,
        }
    }

    /// A unique id.
    pub fn id(&mut self, words: &str, part: Part) -> String {
        self.ids.give(words, Some(part.title().1))
    }

    /// Adds an item.
    pub fn push(&mut self, proposal: Proposal) {
        self.proposals.push(proposal);
    }

    /// The needs of an item, without those that are comments: these are replaced by their own needs.
    pub fn live_needs(&self, proposal: &Proposal) -> Vec<String> {
        let mut found: Vec<String> = Vec::new();
        let mut seen: HashSet<&str> = HashSet::new();
        let mut open: Vec<&str> = proposal.needs.iter().rev().map(String::as_str).collect();
        while let Some(id) = open.pop() {
            let Some(other) = self.proposals.iter().find(|other| other.id == id).filter(|_| seen.insert(id)) else {
                continue;
            };
            match other.held {
                None => found.push(id.to_owned()),
                Some(_) => open.extend(other.needs.iter().rev().map(String::as_str)),
            }
        }
        found
    }

    /// The needs of an item that are comments. The item may need them once they are items.
    pub fn held_needs<'p>(&self, proposal: &'p Proposal) -> Vec<&'p str> {
        let is_held = |id: &&String| self.proposals.iter().any(|other| other.id == **id && other.held.is_some());
        proposal.needs.iter().filter(is_held).map(String::as_str).collect()
    }

    /// Declares a variable, once.
    pub fn variable(&mut self, name: &str, value: impl Into<String>, from: &str) {
        if self.variables.iter().all(|own| own.name != name) {
            self.variables.push(Variable { name: name.to_owned(), value: value.into(), from: from.to_owned() });
        }
    }

    /// Declares a secret, once, and returns the reference to it.
    pub fn secret(&mut self, name: &str, from: &str) -> String {
        if self.secrets.iter().all(|own| own.name != name) {
            self.secrets.push(Secret { name: name.to_owned(), from: from.to_owned() });
        }
        format!("${{secrets.{name}}}")
    }

    /// The items that are not comments.
    pub fn live(&self) -> impl Iterator<Item = &Proposal> {
        self.proposals.iter().filter(|item| item.held.is_none())
    }
}

/// Foreign text for a setting, without references.
pub fn literal(text: &str) -> String {
    text.replace('$', "$$")
}
