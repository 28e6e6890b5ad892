//! The documentation is true: the README's blocks and tables, and the checklists of this project.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use crate::harness::{Project, Response, free_port, gate, http};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

fn read(path: &str) -> String {
    fs::read_to_string(Path::new(ROOT).join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The README's blocks of this language.
fn blocks(language: &str) -> Vec<String> {
    let readme = read("README.md");
    let fence = format!("```{language}\n");
    readme.split(&fence).skip(1).filter_map(|rest| Some(rest.split_once("\n```")?.0.to_owned())).collect()
}

/// The text without parts that differ from run to run: times and ports.
fn stable(text: &str) -> String {
    let port = regex::Regex::new(r"127\.0\.0\.1:\d+").expect("it is well formed");
    let time = regex::Regex::new(r"\b[\d.]+ ?(ms|s)\b").expect("it is well formed");
    time.replace_all(&port.replace_all(text, "127.0.0.1:PORT"), "TIME").trim_end().to_owned()
}

#[test]
fn the_commands_of_the_readme_print_what_it_shows() {
    let shown: Vec<String> =
        blocks("text").into_iter().filter(|block| block.starts_with("$ cargo run -q -- ")).collect();
    assert_eq!(shown.len(), 1);
    for block in shown {
        let (command, expected) = block.split_once('\n').expect("a command and what it prints");
        let arguments: Vec<&str> = command.strip_prefix("$ cargo run -q -- ").expect("it is gate").split(' ').collect();
        let home = Project::new("");
        let output = home.command(&arguments).env("TMPDIR", home.path().to_string_lossy()).run();
        if std::env::var_os("UPDATE_README").is_some() {
            let readme = read("README.md").replace(&block, &format!("{command}\n{}", output.stdout.trim_end()));
            fs::write(Path::new(ROOT).join("README.md"), readme).expect("the folder is writable");
            continue;
        }
        assert_eq!(stable(&output.stdout), stable(expected), "{}", output.stderr);
    }
}

#[test]
fn the_first_checklist_of_the_readme_is_valid_and_short() {
    let blocks = blocks("yaml");
    let [first] = blocks.as_slice() else { panic!("the README shows {} checklists", blocks.len()) };
    assert!(first.lines().count() <= 10, "{first}");
    let output = Project::new(first).gate(&["validate"]);
    assert_eq!(
        (output.code, output.stdout.as_str()),
        (0, "checklists/staging.yaml: valid, 2 items; runs are recorded under this folder\n"),
        "{}",
        output.stderr
    );
}

/// The exit codes of the README's table that don't come from a signal.
#[test]
fn each_exit_code_of_the_readme_is_given_for_what_it_says() {
    let readme = read("README.md");
    let table = readme.split("| exit code |").nth(1).expect("it has such a table").split("\n## ").next();
    let codes: BTreeSet<i32> = table
        .into_iter()
        .flat_map(str::lines)
        .filter_map(|line| line.strip_prefix("| ")?.split_once(" |"))
        .flat_map(|(codes, _)| codes.split(", ").filter_map(|code| code.parse().ok()))
        .collect();
    let server = http(|request| Response::empty(if request.path == "/up" { 200 } else { 500 }));
    let run = |url: &str, arguments: &[&str]| {
        let item = format!("{{ id: a, title: A, probes: [{{ http: {{ url: \"{url}\" }} }}] }}");
        let project = Project::new(&format!("title: T\nsections: [{{ title: S, items: [{item}] }}]"));
        project.gate(&[&["check", "staging"], arguments].concat()).code
    };
    let up = format!("{}/up", server.url());
    let given = [
        (run(&up, &[]), 0),
        (run(&format!("{}/down", server.url()), &[]), 1),
        (run("no-url", &[]), 2),
        (run(&up, &["--only", "b"]), 2),
        (run(&up, &["--no-such-option"]), 2),
        (run(&format!("http://127.0.0.1:{}", free_port()), &[]), 3),
        (run(&up, &["--report", "json=/dev/full"]), 4),
    ];
    for (given, expected) in given {
        assert_eq!(given, expected);
    }
    // `signal` tests the exit codes of signals.
    let tested: BTreeSet<i32> = given.into_iter().map(|(_, code)| code).chain([129, 130, 143]).collect();
    assert_eq!(codes, tested);
}

#[test]
fn the_guide_lists_every_operator_and_no_other() {
    let page = read("docs/guide/expectations.md");
    let table = page.split("## Operators").nth(1).and_then(|rest| rest.split("\n## ").next()).expect("it lists them");
    let rows = table.lines().filter(|line| line.starts_with("| `"));
    let named: BTreeSet<&str> = rows
        .flat_map(|row| row.split('|').nth(1).into_iter().flat_map(|cell| cell.split('`').skip(1).step_by(2)))
        .collect();
    let operators: BTreeSet<&str> = gate::expect::OPERATORS.iter().map(|operator| operator.name).collect();
    assert_eq!(named, operators);
}

/// The table is the output of `cargo bench`: a row with figures for each comparison, the machine, and how to repeat it.
#[test]
fn the_page_of_performance_shows_figures_and_how_they_were_measured() {
    let page = read("docs/performance.md");
    let part = page.split_once("<!-- bench -->\n").and_then(|(_, rest)| Some(rest.split_once("<!-- /bench -->")?.0));
    let part = part.expect("the page has a place for it");
    let head =
        regex::Regex::new(r"^Medians on \d+ cores \(.+\); .+ Made by `cargo bench -- --write docs/performance.md`\.$");
    assert!(head.expect("it is well formed").is_match(part.lines().next().unwrap_or_default()), "{part}");
    let figures =
        regex::Regex::new(r"^\d[\d.,]* (ms|s|MiB)( / \d[\d.,]* (ms|s|MiB) = \d[\d.]*)?$").expect("it is well formed");
    let mut measured = BTreeSet::new();
    for row in part.lines().filter(|line| line.starts_with("| B")) {
        let cells: Vec<&str> = row.trim_matches('|').split('|').map(str::trim).collect();
        let [name, _, wall, cpu, memory, _] = cells.as_slice() else { panic!("{row} has six columns") };
        for cell in [wall, cpu, memory] {
            assert!(figures.is_match(cell), "{cell} in {row}");
        }
        measured.insert((*name).to_owned());
    }
    assert!(measured.is_superset(&(1..=6).map(|number| format!("B{number}")).collect()), "{measured:?}");
}

#[test]
fn the_checklists_of_this_project_are_valid() {
    let output = gate(ROOT, &["validate"]);
    assert_eq!(output.code, 0, "{}", output.stderr);
    assert!(output.stdout.contains("checklists/staging.yaml: valid"), "{}", output.stdout);
}
