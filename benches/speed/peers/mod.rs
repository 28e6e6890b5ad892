//! gate beside other tools that check HTTP servers and more: the same lists, in turn, in one run.

mod input;
mod table;

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::comparison::Stage;
use super::list;
use super::measure::{Subject, warm_in_turn};
use input::Mixed;
use table::{Cell, Column};

/// The other tools.
const TOOLS: [&str; 3] = ["hurl", "goss", "wait4x"];
/// How many items each may check at a time, where that can be said: as many as gate by default.
const AT_A_TIME: usize = 512;
/// Over how many files the requests of hurl are spread, which sends those of one file one after the other.
const FILES: usize = 64;

/// A list that all of them check.
struct List {
    name: &'static str,
    what: &'static str,
    /// How many HTTP requests that takes.
    requests: usize,
    /// The first part of their paths; none for the mixed list.
    answer: Option<&'static str>,
    turns: usize,
}

const LISTS: [List; 5] = [
    List { name: "one", what: "one HTTP item", requests: 1, answer: Some("0"), turns: 51 },
    List { name: "slow", what: "1,000 HTTP items at 50 ms", requests: 1_000, answer: Some("50"), turns: 15 },
    List { name: "fast", what: "10,000 HTTP items at 0 ms", requests: 10_000, answer: Some("0"), turns: 15 },
    List {
        name: "closed",
        what: "the same, connections closed by the server",
        requests: 10_000,
        answer: Some("c0"),
        turns: 9,
    },
    List { name: "mixed", what: "40 mixed items", requests: 16, answer: None, turns: 25 },
];

/// Measures all of them, and gives the table. The files that the tools read are written to `folder`, and kept.
pub fn report(folder: &Path) -> String {
    let stage = Stage::new(None);
    fs::create_dir_all(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let folder = fs::canonicalize(folder).expect("it exists");
    let found = TOOLS.map(|name| (name, find(name)));
    let gate = PathBuf::from(env!("CARGO_BIN_EXE_gate"));
    let mut columns = vec![column("gate", &gate)];
    columns.extend(found.iter().filter_map(|(name, path)| Some(column(name, path.as_deref()?))));
    columns.push(Column { name: "bare reqwest".to_owned(), cells: Vec::new() });
    for list in &LISTS {
        let (gate, mixed) = match list.answer {
            Some(answer) => (stage.gate(list.name, list.requests, answer), None),
            None => {
                let (gate, ports) = stage.mixed();
                (gate.clone(), Some((gate, ports)))
            }
        };
        let urls: Vec<String> = match list.answer {
            Some(answer) => list::urls(&stage.server, list.requests, answer).lines().map(str::to_owned).collect(),
            None => list::mixed_urls(&stage.server),
        };
        let limit = list.answer.map(|answer| stage.limit(list.requests, answer));
        let file = stage.project.path().join("checklists/mixed.yaml");
        let mixed = mixed.as_ref().map(|(gate, ports)| Mixed {
            ports: *ports,
            database: &gate.variables[0].1,
            redis: &gate.variables[1].1,
            file: file.to_str().expect("the folder's name is UTF-8"),
        });
        let tools = found.iter().filter_map(|(name, path)| Some((*name, path.as_deref()?)));
        let tools = tools.map(|(name, path)| subject(name, path, &folder, list, &urls, mixed.as_ref()));
        let subjects: Vec<Option<Subject>> = std::iter::once(Some(gate)).chain(tools).chain([limit]).collect();
        for (column, cell) in columns.iter_mut().zip(cells(&stage, list, &subjects)) {
            column.cells.push(cell);
        }
    }
    let lists = LISTS.map(|list| (list.what, list.requests));
    let missing: Vec<&str> = found.iter().filter(|(_, path)| path.is_none()).map(|(name, _)| *name).collect();
    table::table(&lists, &columns, &missing)
}

/// The cost of a list for each subject. A subject that fails is left out after its first run.
fn cells(stage: &Stage, list: &List, subjects: &[Option<Subject>]) -> Vec<Cell> {
    let mut cells: Vec<Cell> = Vec::new();
    let mut good: Vec<(usize, &Subject)> = Vec::new();
    for (at, subject) in subjects.iter().enumerate() {
        let before = connections(stage.port);
        let tried = subject.as_ref().map(|subject| (subject, subject.attempt()));
        // The server has counted the connection of the question, too.
        let connections = connections(stage.port) - before - 1;
        cells.push(match tried {
            None => Cell::Unsupported,
            Some((subject, Ok(_))) => {
                good.push((at, subject));
                Cell::Took { wall: 0.0, memory: 0.0, connections }
            }
            Some((subject, Err(why))) => {
                let program = subject.arguments.first().map(String::as_str).unwrap_or_default();
                eprintln!("{program} failed on {}: {}", list.what, why.trim());
                Cell::Failed
            }
        });
    }
    let measured: Vec<&Subject> = good.iter().map(|(_, subject)| *subject).collect();
    for ((at, _), cost) in good.iter().zip(warm_in_turn(list.turns, &measured)) {
        if let Cell::Took { wall, memory, .. } = &mut cells[*at] {
            (*wall, *memory) = (cost.wall, cost.memory);
        }
    }
    cells
}

/// How a tool checks a list; none where it can't.
fn subject(
    name: &str,
    path: &Path,
    folder: &Path,
    list: &List,
    urls: &[String],
    mixed: Option<&Mixed>,
) -> Option<Subject> {
    let write = |name: String, text: String| {
        let path = folder.join(name);
        fs::write(&path, text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        path.to_str().expect("the folder's name is UTF-8").to_owned()
    };
    let arguments: Vec<String> = match name {
        "hurl" if mixed.is_some() => return None,
        "hurl" => {
            // With answers that take their time, each file waits: then one for each request is best.
            let each = if list.name == "slow" { 1 } else { urls.len().div_ceil(FILES) };
            let files = urls.chunks(each).enumerate();
            let files: Vec<String> =
                files.map(|(at, urls)| write(format!("{}-{at}.hurl", list.name), input::hurl(urls))).collect();
            let jobs = files.len().min(AT_A_TIME).to_string();
            ["--test", "--jobs", &jobs].into_iter().map(str::to_owned).chain(files).collect()
        }
        "goss" => {
            let file = write(format!("{}-goss.yaml", list.name), input::goss(urls, mixed));
            let jobs = AT_A_TIME.to_string();
            let options = ["--gossfile", &file, "validate", "--format", "silent", "--max-concurrent", &jobs];
            options.map(str::to_owned).to_vec()
        }
        "wait4x" => match mixed {
            None => {
                let arguments = input::wait4x(urls);
                write(format!("{}-wait4x.arguments", list.name), arguments.join("\n"));
                arguments
            }
            Some(mixed) => {
                let script = write(format!("{}-wait4x.sh", list.name), input::wait4x_script(urls, mixed));
                return Some(Subject::new(folder, "/bin/sh".as_ref(), &[&script]));
            }
        },
        name => unreachable!("`{name}` is not in the list"),
    };
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    Some(Subject::new(folder, path, &arguments))
}

/// Where a program is on PATH.
fn find(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(name)).find(|path| path.is_file())
}

/// A program, with the version that it prints.
fn column(name: &str, path: &Path) -> Column {
    let printed = ["--version", "version"].into_iter().find_map(|argument| {
        let output = Command::new(path).arg(argument).output().ok()?;
        version(&String::from_utf8_lossy(&output.stdout))
    });
    let name = printed.map_or_else(|| name.to_owned(), |version| format!("{name} {version}"));
    Column { name, cells: Vec::new() }
}

/// The first number with a point in it.
fn version(text: &str) -> Option<String> {
    let words = text.split(|c: char| !c.is_ascii_digit() && c != '.').map(|word| word.trim_matches('.'));
    words.into_iter().find(|word| word.contains('.')).map(str::to_owned)
}

/// How many connections the server has accepted, this one included.
fn connections(port: u16) -> usize {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).expect("the server runs");
    stream.write_all(b"GET /connections HTTP/1.1\r\n\r\n").expect("the server reads");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("the server answers");
    answer.rsplit('\n').next().and_then(|count| count.parse().ok()).expect("it ends with the count")
}
