//! A workflow file as GitHub reads it: its triggers, its jobs, and why it would be refused.

use crate::diagnostic::Sources;
use crate::yaml::parse_plain;

use super::reader::Reader;

/// The definition in a workflow file.
#[derive(Debug, Default, PartialEq)]
pub struct Definition {
    /// Its name.
    pub name: Option<String>,
    /// The events that start it, in the order of the file.
    pub triggers: Vec<String>,
    /// The cron lines of its schedule.
    pub schedules: Vec<String>,
    /// The ids of its jobs, in the order of the file.
    pub jobs: Vec<String>,
    /// Why GitHub would not run it, with lines.
    pub problems: Vec<String>,
}

impl Definition {
    /// Reads the text of a file of this name.
    pub fn read(file: &str, text: &str) -> Definition {
        let mut sources = Sources::default();
        let number = sources.add(file, text);
        let mut problems = Vec::new();
        let root = parse_plain(&sources, number, &mut problems);
        let mut reader = Reader::new(&sources);
        if let Some(root) = root {
            reader.root(&root);
        }
        reader.finish(&problems)
    }

    /// Whether it starts only on request of a person or a program.
    pub fn is_dispatch_only(&self) -> bool {
        self.triggers == ["workflow_dispatch"]
    }
}
