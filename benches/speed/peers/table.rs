//! The results of gate and the other tools, as a table for docs/performance.md.

use std::fmt::Write;

/// One program and what it took for each list.
pub struct Column {
    /// Its name and version.
    pub name: String,
    /// One for each list.
    pub cells: Vec<Cell>,
}

/// The result of a program for a list.
#[derive(Debug, Clone, Copy)]
pub enum Cell {
    /// It did all of it.
    Took {
        /// From its start to its end, in milliseconds.
        wall: f64,
        /// At most at a time, in MiB.
        memory: f64,
        /// How many connections the HTTP server accepted.
        connections: usize,
    },
    /// It can't check this.
    Unsupported,
    /// It failed.
    Failed,
}

/// The whole table, a row for each list. `requests` says how many HTTP requests a list needs.
pub fn table(lists: &[(&str, usize)], columns: &[Column], missing: &[&str]) -> String {
    let names: Vec<&str> = columns.iter().map(|column| column.name.as_str()).collect();
    let mut text = format!("| | {} |\n|---{}|\n", names.join(" | "), "|---".repeat(names.len()));
    for (at, (list, requests)) in lists.iter().enumerate() {
        let cells: Vec<String> = columns.iter().map(|column| column.cells[at].shown(*requests)).collect();
        writeln!(text, "| {list} | {} |", cells.join(" | ")).expect("a string takes all");
    }
    text.push_str("\nWall time, peak memory, and connections to the HTTP server. ");
    text.push_str(&reuse(lists, columns));
    if !missing.is_empty() {
        writeln!(text, "Not found on PATH, so not measured: {}.", missing.join(", ")).expect("a string takes all");
    }
    text
}

/// Who reuses connections, as the server counted them: on the longest list that lets them.
fn reuse(lists: &[(&str, usize)], columns: &[Column]) -> String {
    let longest = (0..lists.len()).filter(|at| !lists[*at].0.contains("closed")).max_by_key(|at| lists[*at].1);
    let Some(longest) = longest else { return String::new() };
    let does = |column: &&Column, wanted: bool| match column.cells[longest] {
        Cell::Took { connections, .. } => (2 * connections <= lists[longest].1) == wanted,
        Cell::Unsupported | Cell::Failed => false,
    };
    let names = |wanted: bool| {
        let names: Vec<&str> = columns.iter().filter(|one| does(one, wanted)).map(|one| one.name.as_str()).collect();
        names.join(", ")
    };
    let sentence = |who: String, what: &str| if who.is_empty() { who } else { format!("{what}: {who}. ") };
    let text = sentence(names(true), "Reuse connections") + &sentence(names(false), "One connection for each request");
    format!("{}\n", text.trim_end())
}

impl Cell {
    fn shown(self, requests: usize) -> String {
        match self {
            Self::Unsupported => "–".to_owned(),
            Self::Failed => "failed".to_owned(),
            Self::Took { wall, memory, connections } => {
                let connections = match (requests, connections) {
                    (..=1, _) => String::new(),
                    (_, 1) => ", 1 connection".to_owned(),
                    (_, count) => format!(", {} connections", grouped(count)),
                };
                format!("{}, {memory:.0} MiB{connections}", time(wall))
            }
        }
    }
}

/// Milliseconds, or seconds when they are many.
fn time(milliseconds: f64) -> String {
    match milliseconds {
        ..10.0 => format!("{milliseconds:.1} ms"),
        ..1000.0 => format!("{milliseconds:.0} ms"),
        _ => format!("{:.2} s", milliseconds / 1000.0),
    }
}

/// With a comma before each three digits.
fn grouped(count: usize) -> String {
    let digits = count.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
