//! How fast gate is: the whole program, beside a minimal one that sends the same requests and does nothing else.
//!
//!     cargo bench                         measure everything, and print the table
//!     cargo bench -- B2 B3                only these
//!     cargo bench -- --beside PATH        compare with another `gate`, such as an earlier release, instead
//!     cargo bench -- --peers DIR          compare with hurl, goss and wait4x, as far as they are on PATH; DIR keeps their files
//!     cargo bench -- --write docs/performance.md   put the table between the markers in this file as well
//!
//! Everything is on loopback and bounded. What is compared runs in turn, in one go: on a machine that others use as well,
//! both are slowed down. This program is also the limit, the server and the stop-watch, each in a process of its own.

#[path = "../../tests/it/harness/mod.rs"]
#[allow(dead_code, unused_imports, reason = "the tests use all of it")]
mod harness;

mod comparison;
mod installed;
mod limit;
mod list;
mod measure;
mod peers;
mod serve;
mod table;

use std::fs;

/// The markers around the table in a file.
const MARKERS: [&str; 2] = ["<!-- bench -->\n", "<!-- /bench -->"];

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["serve"] => serve::main(),
        ["limit", path, jobs] => limit::main(path, jobs),
        ["measure", ..] => measure::main(&arguments[1..], false, false),
        ["measure-watched", ..] => measure::main(&arguments[1..], true, false),
        ["measure-red", ..] => measure::main(&arguments[1..], false, true),
        ["--peers", folder] => print!("{}", peers::report(folder.as_ref())),
        ["--write", path] => write(path, &report(&[], None)),
        ["--beside", path, names @ ..] => drop(report(names, Some(path))),
        names => drop(report(names, None)),
    }
}

/// One thread: as gate has it, which waits and does not compute.
fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("it needs a few file descriptors")
}

/// Measures, prints, and gives what was printed.
fn report(names: &[&str], beside: Option<&str>) -> String {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let report = format!(
        "Medians on {cores} cores ({} {}); gate / what it is compared with = ratio. Made by `cargo bench -- --write \
         docs/performance.md`.\n\n{}",
        std::env::consts::OS,
        std::env::consts::ARCH,
        table::table(&comparison::all(names, beside)),
    );
    print!("{report}");
    report
}

/// Replaces what is between the markers of a file.
fn write(path: &str, report: &str) {
    let text = fs::read_to_string(path).unwrap_or_else(|error| panic!("{path}: {error}"));
    let parts = text.split_once(MARKERS[0]).and_then(|(before, rest)| Some((before, rest.split_once(MARKERS[1])?.1)));
    let (before, after) = parts.unwrap_or_else(|| panic!("{path} has no `<!-- bench -->` and `<!-- /bench -->`"));
    let text = format!("{before}{}{report}{}{after}", MARKERS[0], MARKERS[1]);
    fs::write(path, text).unwrap_or_else(|error| panic!("{path}: {error}"));
}
