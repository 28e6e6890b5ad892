//! A first checklist from what a repository holds, for a person to read and correct.
//!
//! ```text
//! files ─► facts: services, names, routes, hosts ─► draft: items with probes ─► write: YAML
//! ```
//!
//! Nothing is run, and nothing outside the repository is read.

mod alembic;
mod attempt;
mod compose;
mod configuration;
mod containers;
mod database;
mod dockerfile;
mod dotenv;
mod draft;
mod facts;
mod health;
mod image;
mod kubernetes;
mod monitoring;
mod public;
mod reports;
mod repository;
mod routes;
mod runbook;
mod services;
#[cfg(test)]
mod tests;
mod traefik;
mod variable;
mod workflow;
mod write;

use std::collections::HashMap;
use std::path::Path;

use draft::Draft;
use facts::Facts;
use repository::Repository;

/// The folder of a checklist, and its sources.
#[derive(Debug, Clone, Copy)]
pub struct Place<'a> {
    /// The folder whose files are read.
    pub folder: &'a Path,
    /// The repository that it is in: no file that is read may lead out of it.
    pub repository: &'a Path,
    /// The folder in which relative paths of the checklist start.
    pub root: &'a Path,
    /// The name of the checklist.
    pub name: &'a str,
}

/// A proposed checklist.
#[derive(Debug)]
pub struct Init {
    draft: Draft,
    name: String,
    unread: Vec<String>,
}

/// The numbers of items of a checklist.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counts {
    /// The items that are checked.
    pub live: usize,
    /// The items that are comments.
    pub held: usize,
}

impl Init {
    /// Reads the files of a folder, and proposes a checklist.
    pub fn read(place: Place) -> Self {
        let mut repository = Repository::list(place.folder, place.repository, place.root);
        let mut facts = Facts::default();
        dotenv::read(&mut repository, &mut facts);
        compose::read(&mut repository, &mut facts);
        kubernetes::read(&mut repository, &mut facts);
        dockerfile::read(&mut repository, &mut facts);
        routes::read(&mut repository, &mut facts);
        let mut draft =
            Draft::new(title(facts.project.as_deref().unwrap_or(&repository.name()), place.name), prefix(place.name));
        services::propose(&repository, &facts, &mut draft);
        public::propose(&facts, &mut draft);
        alembic::propose(&mut repository, &facts, &mut draft);
        configuration::propose(&repository, &facts, &mut draft);
        monitoring::propose(&mut repository, &facts, &mut draft);
        reports::propose(&mut repository, &mut draft);
        workflow::propose(&mut repository, &mut draft);
        runbook::propose(&mut repository, &mut draft);
        Self { draft, name: place.name.to_owned(), unread: repository.unread().to_vec() }
    }

    /// The checklist as YAML.
    pub fn yaml(&self) -> String {
        write::write(&self.draft, &self.name)
    }

    /// A checklist of all items that can be tried, without needs. None if there are none.
    pub fn attempt(&self) -> Option<String> {
        let is_any = self.draft.proposals.iter().any(|item| item.is_tryable);
        is_any.then(|| write::write(&attempt::attempt(&self.draft), &self.name))
    }

    /// Keeps the items that passed; the others become comments with the reason. Each result is the reason of an item
    /// that did not pass, or nothing.
    pub fn settle(&mut self, results: &HashMap<String, Option<String>>) {
        attempt::settle(&mut self.draft, results);
    }

    /// The ids of the items that were tried and are comments now, each with the reason.
    pub fn left_out(&self) -> impl Iterator<Item = (&str, &str)> {
        let tried = self.draft.proposals.iter().filter(|item| item.is_tryable);
        tried.filter_map(|item| Some((item.id.as_str(), item.held.as_deref()?)))
    }

    /// Files that could not be read, with the reasons.
    pub fn unread(&self) -> &[String] {
        &self.unread
    }

    /// The variables that must be set before the checklist can pass: secrets, and those whose presence is checked.
    pub fn variables(&self) -> Vec<&str> {
        let mut all = self.secrets();
        for name in self.draft.live().flat_map(|item| &item.probes).flat_map(configuration::names) {
            if !all.contains(&name) {
                all.push(name);
            }
        }
        all
    }

    fn secrets(&self) -> Vec<&str> {
        let used = |name: &str| {
            let reference = format!("${{secrets.{name}}}");
            self.draft.live().any(|item| item.probes.iter().any(|probe| probe.to_string().contains(&reference)))
        };
        self.draft.secrets.iter().map(|secret| secret.name.as_str()).filter(|name| used(name)).collect()
    }

    /// How many items there are.
    pub fn counts(&self) -> Counts {
        let live = self.draft.live().count();
        Counts { live, held: self.draft.proposals.len() - live }
    }
}

fn title(folder: &str, name: &str) -> String {
    if folder.is_empty() { format!("{name} readiness") } else { format!("{folder}: {name} readiness") }
}

/// The name of a checklist as the beginning of the names of variables.
fn prefix(name: &str) -> String {
    let name: String =
        name.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' }).collect();
    if name.starts_with(|c: char| c.is_ascii_alphabetic()) { name } else { format!("GATE_{name}") }
}
