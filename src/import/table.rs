//! Tables: lists of boxes, and lists of known gaps.

use std::sync::LazyLock;

use regex::Regex;

use super::gap::Gap;
use super::mark::cell_mark;
use super::task::Task;

static DATE: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"\b\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])\b").expect("it is well formed"));

/// The column of a table with boxes: a box in at least half of its rows.
pub fn box_column(rows: &[Vec<String>]) -> Option<usize> {
    let (head, rows) = rows.split_first()?;
    let boxes = |column: &usize| {
        let cells = rows.iter().filter_map(|row| row.get(*column));
        cells.filter(|cell| cell_mark(cell).is_some()).count()
    };
    (0..head.len()).find(|column| !rows.is_empty() && boxes(column) * 2 >= rows.len())
}

/// The rows of a table of boxes as tasks.
pub fn tasks(rows: &[Vec<String>], column: usize, line: usize) -> Vec<Task> {
    let Some((head, rows)) = rows.split_first() else { return Vec::new() };
    let owner = named(head, &["owner", "who", "responsible"]).filter(|at| *at != column);
    let is_free = |at: &usize| *at != column && Some(*at) != owner;
    let is_said =
        |at: &usize| rows.iter().any(|row| row.get(*at).is_some_and(|cell| cell.contains(char::is_alphabetic)));
    let title = named(head, &["item", "check", "task", "what", "criteri", "step", "description"])
        .filter(is_free)
        .or_else(|| (0..head.len()).filter(is_free).find(is_said));
    let task = |(number, row): (usize, &Vec<String>)| {
        let mark = row.get(column).and_then(|cell| cell_mark(cell));
        let text = title.and_then(|at| row.get(at)).cloned().unwrap_or_default();
        let aside = |at: &usize| Some(*at) != title && *at != column && Some(*at) != owner;
        let mut asides: Vec<String> = (0..row.len()).filter(aside).filter_map(|at| labelled(head, row, at)).collect();
        match mark {
            Some(mark) if !mark.rest.is_empty() => asides.push(format!("{}: {}", head[column], mark.rest)),
            Some(_) => {}
            None => asides.extend(labelled(head, row, column)),
        }
        Task {
            text,
            is_ticked: Some(mark.is_some_and(|mark| mark.is_ticked)),
            sign: mark.map(|mark| mark.sign.to_owned()),
            owner: owner.and_then(|at| row.get(at)).filter(|cell| !cell.is_empty()).cloned(),
            asides,
            line: line + number + 2, // the head, and the line below it
            ..Task::default()
        }
    };
    rows.iter().enumerate().map(task).collect()
}

/// The rows of a table of known gaps. Dates are proposals: a person has to accept a gap.
pub fn gaps(rows: &[Vec<String>]) -> Vec<Gap> {
    let Some((head, rows)) = rows.split_first() else { return Vec::new() };
    let gap = named(head, &["gap", "what", "issue", "item", "description"]).unwrap_or(0);
    let priority = named(head, &["prio", "sever"]);
    let owner = named(head, &["owner", "who", "responsible"]);
    let notes = named(head, &["note", "comment"]);
    let until = named(head, &["until", "due", "accept", "target", "eta", "date", "deadline", "expir", "by when"]);
    let gap_of = |row: &Vec<String>| {
        let cell = |at: Option<usize>| at.and_then(|at| row.get(at)).filter(|cell| !cell.is_empty()).cloned();
        let at = Some(gap)
            .filter(|at| cell(Some(*at)).is_some())
            .or_else(|| row.iter().position(|cell| !cell.is_empty()))?;
        let named = [Some(at), priority, owner, notes, until];
        let others = (0..row.len()).filter(|at| !named.contains(&Some(*at))).filter_map(|at| labelled(head, row, at));
        let notes: Vec<String> = cell(notes.filter(|own| *own != at)).into_iter().chain(others).collect();
        let until = cell(until.filter(|own| *own != at));
        Some(Gap {
            gap: cell(Some(at))?,
            items: Vec::new(),
            priority: cell(priority.filter(|own| *own != at)),
            owner: cell(owner.filter(|own| *own != at)),
            notes: Some(notes.join("; ")).filter(|notes| !notes.is_empty()),
            until: until.as_deref().and_then(|cell| DATE.find(cell)).map(|date| date.as_str().to_owned()),
            until_words: until,
            remark: None,
        })
    };
    rows.iter().filter_map(gap_of).collect()
}

/// The first column whose head has one of these words.
fn named(head: &[String], words: &[&str]) -> Option<usize> {
    let is_named = |word: &&str| head.iter().position(|cell| cell.to_lowercase().contains(*word));
    words.iter().find_map(is_named)
}

/// A cell with the head of its column before it.
fn labelled(head: &[String], row: &[String], at: usize) -> Option<String> {
    let cell = row.get(at).filter(|cell| !cell.is_empty())?;
    match head.get(at).filter(|head| !head.is_empty()) {
        Some(head) => Some(format!("{head}: {cell}")),
        None => Some(cell.clone()),
    }
}
