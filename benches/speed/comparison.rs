//! The comparisons: which programs, how often, and the goals.

use std::fmt::Display;
use std::path::PathBuf;
use std::process::Command;

use super::harness::{Project, Server, directory, foes, postgres, redis};
use super::limit;
use super::list;
use super::measure::{Subject, each_time, in_turn};
use super::table::{Goal, Row};

/// All comparisons, or those of these names; with the path of another `gate`, all are compared with that one.
pub fn all(names: &[&str], beside: Option<&str>) -> Vec<Row> {
    let is_wanted = |name: &str| names.is_empty() || names.contains(&name);
    let stage = Stage::new(beside);
    let comparisons: [(&str, Comparison); 8] = [
        ("B1", one_item),
        ("B2", a_thousand_slow_ones),
        ("B3", ten_thousand_fast_ones),
        ("B4", forty_mixed_ones),
        ("B5", validating),
        ("B6", recording),
        ("B6", live_progress),
        ("B7", overrun),
    ];
    comparisons.iter().filter(|(name, _)| is_wanted(name)).map(|(_, compare)| compare(&stage)).collect()
}

fn one_item(stage: &Stage) -> Row {
    let goals = &[Goal::Ratio(1.5), Goal::Memory(10.0)];
    stage.compare("B1", "one HTTP item; limit", 101, &stage.gate("one", 1, 0), Some(&stage.limit(1, 0)), goals)
}

fn a_thousand_slow_ones(stage: &Stage) -> Row {
    let (gate, limit) = (stage.gate("slow", 1_000, 50), stage.limit(1_000, 50));
    stage.compare("B2", "1,000 HTTP items at 50 ms; limit", 25, &gate, Some(&limit), &[Goal::Ratio(1.15)])
}

fn ten_thousand_fast_ones(stage: &Stage) -> Row {
    let (gate, limit) = (stage.gate("fast", 10_000, 0), stage.limit(10_000, 0));
    let goals = &[Goal::Ratio(1.8), Goal::Memory(40.0)];
    stage.compare("B3", "10,000 HTTP items at 0 ms; limit", 25, &gate, Some(&limit), goals)
}

fn forty_mixed_ones(stage: &Stage) -> Row {
    let (gate, _) = stage.mixed();
    let limit = stage.limit(1, list::SLOWEST);
    stage.compare("B4", "40 mixed items; the slowest answer alone", 51, &gate, Some(&limit), &[Goal::Ratio(1.2)])
}

fn validating(stage: &Stage) -> Row {
    let list = list::http(&stage.server, 10_000, 0);
    let project = stage.project.path();
    std::fs::write(project.join("checklists/long.yaml"), list).expect("the folder is writable");
    let gate = Subject::new(project, GATE.as_ref(), &["validate", "long"]);
    stage.compare("B5", "`validate` of 10,000 items", 25, &gate, None, &[Goal::Wall(100.0)])
}

fn recording(stage: &Stage) -> Row {
    let without = stage.gate("fast", 10_000, 0);
    let with = Subject::new(stage.project.path(), GATE.as_ref(), &["check", "fast"]);
    stage.compare("B6", "B3 recorded; not recorded", 25, &with, Some(&without), &[Goal::Ratio(1.1)])
}

fn live_progress(stage: &Stage) -> Row {
    let (with, without) = (stage.gate("fast", 10_000, 0).watched(), stage.gate("fast", 10_000, 0));
    stage.compare("B6", "B3 with live progress; without", 25, &with, Some(&without), &[])
}

/// How much longer than their timeout items take that meet a hostile server, all at once and twice each.
fn overrun(stage: &Stage) -> Row {
    const LIMIT: f64 = 1000.0;
    let foes = foes();
    let items = foes.iter().flat_map(|foe| {
        let again = foe.items("1s").replace("{ id: ", "{ id: again-");
        [foe.items("1s"), again]
    });
    let text =
        items.fold("title: Speed\nsections:\n  - title: All\n    items:\n".to_owned(), |text, item| text + &item);
    let project = stage.project.path();
    std::fs::write(project.join("checklists/hostile.yaml"), text).expect("the folder is writable");
    let report = project.join("hostile.json");
    let path = format!("json={}", report.display());
    let gate = Subject::new(project, GATE.as_ref(), &["check", "hostile", "--no-record", "--report", &path]).red();
    let mut over = Vec::new();
    let cost = each_time(&gate, || {
        let run = std::fs::read_to_string(&report).expect("gate has written it");
        let run: serde_json::Value = serde_json::from_str(&run).expect("it is JSON");
        let items = run["sections"][0]["items"].as_array().into_iter().flatten();
        let took = items.filter_map(|item| item["duration_ms"].as_f64());
        over.extend(took.map(|took| (took - LIMIT).max(0.0)));
    });
    over.sort_by(f64::total_cmp);
    let p99 = over[(over.len() * 99).div_ceil(100) - 1];
    let most = over[over.len() - 1];
    let goals = vec![Goal::Other("overrun p99", p99, 50.0), Goal::Other("max", most, 250.0)];
    Row { name: "B7", what: "silent and flooding servers, `timeout: 1s`", gate: cost, other: None, goals }
}

type Comparison = fn(&Stage) -> Row;

/// The program that is measured.
const GATE: &str = env!("CARGO_BIN_EXE_gate");

/// The server and the folder with checklists that all comparisons use.
pub struct Stage {
    /// The `gate` that everything is compared with instead.
    beside: Option<String>,
    /// The URL of the server, without a slash at the end.
    pub server: String,
    /// Its port.
    pub port: u16,
    /// The folder with checklists.
    pub project: Project,
    _running: Server,
}

impl Stage {
    /// With this other `gate`, if any.
    pub fn new(beside: Option<&str>) -> Self {
        let folder = directory("server");
        let mut command = Command::new(this());
        command.arg("serve");
        let running = Server::start(command, &folder);
        let port: u16 = running.until(|| running.log().trim_end().parse().ok());
        Self {
            beside: beside.map(str::to_owned),
            server: format!("http://127.0.0.1:{port}"),
            port,
            project: Project::new("title: Speed"),
            _running: running,
        }
    }

    /// Measures `gate` and the other one in turn. Beside another `gate`, the other one is the same with that program.
    fn compare(
        &self,
        name: &'static str,
        what: &'static str,
        turns: usize,
        gate: &Subject,
        other: Option<&Subject>,
        goals: &[Goal],
    ) -> Row {
        let earlier = self.beside.as_ref().map(|program| gate.by(program));
        let goals = if earlier.is_some() { Vec::new() } else { goals.to_vec() };
        let (gate, other) = match earlier.as_ref().or(other) {
            Some(other) => {
                let [gate, other] = in_turn(turns, [gate, other]);
                (gate, Some(other))
            }
            None => (in_turn(turns, [gate])[0], None),
        };
        Row { name, what, gate, other, goals }
    }

    /// `gate check` on a checklist of so many HTTP items, which leaves no record.
    pub fn gate(&self, name: &str, count: usize, answer: impl Display + Copy) -> Subject {
        self.check(name, &list::http(&self.server, count, answer))
    }

    /// `gate check` on the mixed list, and the ports of its servers.
    pub fn mixed(&self) -> (Subject, [u16; 3]) {
        let (postgres, redis) = (postgres(), redis());
        let url = postgres.new_database();
        postgres.psql(&url, "CREATE TABLE orders AS SELECT id, true AS paid FROM generate_series(1, 100) AS id");
        let ports = [self.port, postgres.port(), redis.port];
        let mut gate = self.check("mixed", &list::mixed(&self.server, ports));
        gate.variables = vec![("DATABASE_URL".to_owned(), url), ("REDIS_URL".to_owned(), redis.url())];
        (gate, ports)
    }

    /// `gate check` on this checklist, which leaves no record.
    pub fn check(&self, name: &str, text: &str) -> Subject {
        let project = self.project.path();
        std::fs::write(project.join(format!("checklists/{name}.yaml")), text).expect("the folder is writable");
        Subject::new(project, GATE.as_ref(), &["check", name, "--no-record"])
    }

    /// The limit on the URLs of such a checklist.
    pub fn limit(&self, count: usize, answer: impl Display) -> Subject {
        let path: PathBuf = self.project.path().join(format!("{count}-{answer}.urls"));
        std::fs::write(&path, list::urls(&self.server, count, &answer)).expect("the folder is writable");
        let path = path.to_str().expect("the folder's name is UTF-8");
        Subject::new(self.project.path(), &this(), &["limit", path, limit::jobs(&answer.to_string())])
    }
}

/// This program.
fn this() -> PathBuf {
    std::env::current_exe().expect("the system knows")
}
