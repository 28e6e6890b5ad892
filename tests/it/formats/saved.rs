//! `gate report`: a saved run reads like the run itself, in every format.

use super::{FILES, check, text};
use crate::harness::Project;

const LIST: &str = "
    title: T
    subject: r1
    sections:
      - title: S
        items:
          - { id: up, title: Up, probes: [{ file: { path: here } }] }
          - { id: down, title: Down, hint: make it, probes: [{ file: { path: gone } }] }
";

#[test]
fn a_saved_run_is_reported_as_it_was_judged_without_its_checklist() {
    let project = Project::new(LIST).file("here", "");
    assert_eq!(check(&project, &[]).code, 1);
    std::fs::remove_dir_all(project.path().join("checklists")).expect("the directory is writable");
    for (format, file) in FILES {
        let output =
            project.gate(&["report", "out/run.json", "--format", format, &format!("--report={format}=again/{file}")]);
        assert_eq!(output.code, 1, "{format}: {}", output.stderr);
        assert_eq!(project.read(&format!("again/{file}")), text(&project, format), "{format}");
        assert!(!output.stdout.is_empty(), "{format}");
    }
}

#[test]
fn another_file_than_a_saved_run_is_an_error() {
    let project = Project::new(LIST).file("here", "");
    let output = project.gate(&["report", "here"]);
    assert_eq!(output.code, 2, "{}", output.stdout);
    assert!(output.stderr.contains("cannot read `here`: it is not a JSON report of gate"), "{}", output.stderr);
    assert_eq!(project.gate(&["report", "gone.json"]).code, 2);
}

#[test]
fn a_statement_about_changed_files_does_not_name_the_commit() {
    let project = Project::new(LIST).file("here", "");
    let report = ["check", "staging", "--no-record", "--report", "json=run.json"];
    project.gate(&report);
    let mut run: serde_json::Value = serde_json::from_str(&project.read("run.json")).expect("it is JSON");
    for (dirty, algorithm) in [(false, "gitCommit"), (true, "sha256")] {
        run["commit"] = "0123456789012345678901234567890123456789".into();
        run["dirty"] = dirty.into();
        let project = Project::new(LIST).file("run.json", &run.to_string());
        let output = project.gate(&["report", "run.json", "--format", "intoto"]);
        let statement: serde_json::Value = serde_json::from_str(&output.stdout).expect("it is JSON");
        assert!(statement["subject"][0]["digest"][algorithm].is_string(), "{dirty}: {statement:#}");
    }
}
