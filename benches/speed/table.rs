//! The results, as docs/performance.md shows them: a row for each comparison, with its goals and whether they are reached.

use std::fmt::Write;

use super::measure::Cost;

/// One comparison.
pub struct Row {
    /// Such as `B1`.
    pub name: &'static str,
    /// Description of the comparison.
    pub what: &'static str,
    /// The cost of gate.
    pub gate: Cost,
    /// The cost of the program that it is compared with, if any.
    pub other: Option<Cost>,
    /// The goal for gate.
    pub goals: Vec<Goal>,
}

/// At most this.
#[derive(Debug, Clone, Copy)]
pub enum Goal {
    /// So many times the wall time of the other.
    Ratio(f64),
    /// So many milliseconds.
    Wall(f64),
    /// So many MiB.
    Memory(f64),
    /// So many milliseconds of something else: its name, the figure, and the most that it may be.
    Other(&'static str, f64, f64),
}

/// The whole table.
pub fn table(rows: &[Row]) -> String {
    let mut text = "| | what | wall | CPU | peak memory | goal |\n|---|---|---|---|---|---|\n".to_owned();
    for Row { name, what, gate, other, goals } in rows {
        let pair = |of: fn(&Cost) -> f64, shown: fn(f64) -> String| match other {
            None => shown(of(gate)),
            Some(other) => {
                format!("{} / {} = {:.2}", shown(of(gate)), shown(of(other)), of(gate) / of(other))
            }
        };
        let wall = pair(|cost| cost.wall, time);
        let cpu = pair(|cost| cost.cpu, time);
        let memory = pair(|cost| cost.memory, |mebibytes| format!("{mebibytes:.1} MiB"));
        let goals: Vec<String> = goals.iter().map(|goal| goal.shown(gate, other.as_ref())).collect();
        let goals = if goals.is_empty() { "–".to_owned() } else { goals.join(", ") };
        writeln!(text, "| {name} | {what} | {wall} | {cpu} | {memory} | {goals} |").expect("a string takes all");
    }
    text
}

impl Goal {
    fn shown(self, gate: &Cost, other: Option<&Cost>) -> String {
        let (goal, is_reached) = match self {
            Self::Ratio(most) => {
                let other = other.expect("a ratio is one of two");
                (format!("wall ≤ {most} ×"), gate.wall <= most * other.wall)
            }
            Self::Wall(most) => (format!("wall ≤ {}", time(most)), gate.wall <= most),
            Self::Memory(most) => (format!("≤ {most} MiB"), gate.memory <= most),
            Self::Other(name, figure, most) => (format!("{name} {}: ≤ {}", time(figure), time(most)), figure <= most),
        };
        format!("{goal} {}", if is_reached { "✓" } else { "✗" })
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
