//! Every report format, for the same runs: valid for its standard tools, with the same verdict, and safe.

mod actions;
mod agree;
mod browser;
mod hostile;
mod saved;
mod valid;
mod verdict;

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::{fs, thread};

use crate::harness::{Output, Project, program, python};

/// Every format, with the file that a test writes.
const FILES: [(&str, &str); 12] = [
    ("github", "out/github.txt"),
    ("gitlab", "out/gitlab.json"),
    ("html", "out/page.html"),
    ("intoto", "out/statement.json"),
    ("json", "out/run.json"),
    ("junit", "out/junit.xml"),
    ("markdown", "out/READINESS.md"),
    ("ndjson", "out/events.ndjson"),
    ("prometheus", "out/gate.prom"),
    ("sarif", "out/gate.sarif"),
    ("table", "out/table.txt"),
    ("tap", "out/gate.tap"),
];

/// `gate check staging`, which writes every format at once.
fn check(project: &Project, more: &[&str]) -> Output {
    let reports: Vec<String> = FILES.iter().map(|(format, file)| format!("--report={format}={file}")).collect();
    let arguments = ["check", "staging", "--no-record"].into_iter().chain(reports.iter().map(String::as_str));
    project.gate(&arguments.chain(more.iter().copied()).collect::<Vec<_>>())
}

/// The file of a format.
fn file(format: &str) -> &'static str {
    FILES.iter().find(|(name, _)| *name == format).map(|(_, file)| *file).expect("it is a format")
}

/// The text of a format's file.
fn text(project: &Project, format: &str) -> String {
    project.read(file(format))
}

fn json(project: &Project, format: &str) -> serde_json::Value {
    serde_json::from_str(&text(project, format)).expect("it is JSON")
}

/// The output of a program with a file on its standard input.
fn reads(program: &Path, arguments: &[&str], input: &Path) -> Output {
    let input = fs::File::open(input).expect("the report is there");
    let mut command = Command::new(program);
    command.args(arguments).stdin(input).stdout(Stdio::piped()).stderr(Stdio::piped());
    Output::of(command.output().expect("it is installed"))
}

/// Validates every format with its validator.
fn hold_valid(project: &Project) {
    let path = |format: &str| project.path().join(file(format));
    let is_valid = |format: &str, output: Output| {
        assert_eq!(output.code, 0, "{format}: {}{}\n{}", output.stdout, output.stderr, text(project, format));
    };
    let schema = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/formats/junit.xsd");
    let junit = reads(&program("xmllint"), &["--noout", "--huge", "--schema", schema, "-"], &path("junit"));
    is_valid("junit", junit);
    let metrics = reads(&program("promtool"), &["check", "metrics"], &path("prometheus"));
    assert_eq!(metrics.stderr, "", "{}", text(project, "prometheus"));
    is_valid("prometheus", metrics);
    is_valid("sarif", reads(python().as_ref(), &["-c", SARIF, &sarif_schema().to_string_lossy()], &path("sarif")));
    is_valid("html", reads(python().as_ref(), &["-c", HTML], &path("html")));
    let tap = prove(project);
    assert!(!tap.stdout.contains("Parse errors"), "{}\n{}", tap.stdout, text(project, "tap"));
}

const SARIF: &str =
    "import json, sys, jsonschema\njsonschema.validate(json.load(sys.stdin), json.load(open(sys.argv[1])))";
/// A valid page that contains only text and its layout.
const HTML: &str = "import html5lib, sys
page = html5lib.HTMLParser(strict=True, namespaceHTMLElements=False).parse(sys.stdin.buffer.read(), transport_encoding='utf-8')
elements = list(page.iter())
known = 'html head meta title style body header main section article footer h1 h2 h3 h4 div p dl dt dd ul li span table thead tbody tr th td b br code strong details summary pre'
odd = {element.tag for element in elements} - set(known.split())
odd |= {name for element in elements for name in element.attrib} - set('lang charset http-equiv content name class data-label'.split())
assert not odd, odd";

/// The summary of `prove`.
fn prove(project: &Project) -> Output {
    let path = project.path().join(file("tap"));
    let mut command = Command::new(program("prove"));
    Output::of(command.args(["--exec", "cat"]).arg(path).output().expect("it is installed"))
}

/// The schema that `tests/run` installs.
fn sarif_schema() -> PathBuf {
    let python = PathBuf::from(python());
    let schema = python.ancestors().nth(3).map(|target| target.join("sarif-2.1.0.json"));
    match schema.filter(|schema| schema.is_file()) {
        Some(schema) => schema,
        None => crate::harness::missing(&format!(
            "the schema of SARIF is not installed, asked by {:?}",
            thread::current().name()
        )),
    }
}
