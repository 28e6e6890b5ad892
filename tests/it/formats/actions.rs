//! GitHub Actions: the commands and files that a runner reads after `gate check`.

use super::verdict::verdicts;
use super::{FILES, hold_valid};
use crate::harness::{Output, Project};

const LIST: &str = "
    title: T
    subject: r1
    sections:
      - title: S
        items:
          - { id: up, title: Up, probes: [{ file: { path: here } }] }
          - { id: down, title: '::error::Down', hint: make it, probes: [{ file: { path: gone } }] }
";

fn run(project: &Project, more: &[&str]) -> Output {
    let arguments = [&["check", "staging"], more].concat();
    let path = |name: &str| project.path().join(name).display().to_string();
    let gate = project.command(&arguments).env("GITHUB_ACTIONS", "true").env("GITHUB_WORKSPACE", path(""));
    gate.env("GITHUB_STEP_SUMMARY", path("summary.md")).env("GITHUB_OUTPUT", path("output")).run()
}

#[test]
fn a_job_gets_annotations_a_summary_and_outputs_in_github_actions() {
    let project = Project::new(LIST).file("here", "").file("output", "other=1\n");
    let output = run(&project, &[]);
    assert_eq!(output.code, 1, "{}", output.stderr);
    let annotation = "::error file=checklists/staging.yaml,line=7,col=";
    assert!(output.stderr.lines().any(|line| line.starts_with(annotation)), "{}", output.stderr);
    let summary = project.read("summary.md");
    assert!(summary.contains("**Verdict:** NOT READY (1 of 2 passed)") && summary.contains("**[FAILED: "), "{summary}");
    let outputs = project.read("output");
    assert!(outputs.starts_with("other=1\nready=false\nverdict=not-ready\nred=down\ntotal=2\ngreen=1\n"), "{outputs}");
}

#[test]
fn no_ci_turns_it_off_and_a_file_that_cannot_be_written_is_a_warning() {
    let project = Project::new(LIST).file("here", "");
    let output = run(&project, &["--no-ci"]);
    assert!(!output.stderr.contains("::error") && !project.path().join("summary.md").exists(), "{}", output.stderr);

    std::fs::create_dir(project.path().join("output")).expect("the directory is writable");
    let output = run(&project, &[]);
    assert_eq!(output.code, 1);
    assert!(output.stderr.contains("warning: cannot write `"), "{}", output.stderr);
    assert!(project.path().join("summary.md").exists());
}

#[test]
fn a_line_of_the_table_is_not_a_workflow_command_there() {
    let section = "
        title: '::add-mask::T'
        sections: [{ title: '##[error]S', items: [{ id: up, title: Up, probes: [{ file: { path: here } }] }] }]
    ";
    let project = Project::new(section).file("here", "");
    let output = run(&project, &[]);
    let is_command = |line: &str| line.trim_start().starts_with("::") || line.contains("##[");
    assert!(!output.stdout.lines().any(is_command), "{}", output.stdout);
    assert!(output.stdout.contains("\\::add-mask::T"), "{}", output.stdout);
}

#[test]
fn a_summary_is_cut_below_the_limit_and_says_so() {
    let project = Project::new(LIST).file("here", "").file("summary.md", &"x".repeat(999_800));
    run(&project, &[]);
    let summary = project.read("summary.md");
    assert!(summary.len() <= 1_000_000 && summary.ends_with("GitHub shows no more than 1 MiB of a step.\n"));
}

#[test]
fn the_summary_says_what_got_weaker_since_the_last_green_run() {
    let green = LIST.replace("path: gone } }]", "path: here }, expect: { size: 0, kind: file } }]");
    let project = Project::new(&green).file("here", "");
    assert_eq!(run(&project, &[]).code, 0);
    let weaker = green.replace("size: 0, kind: file", "kind: file");
    let project = project.file("checklists/staging.yaml", &crate::harness::dedent(&weaker)).file("summary.md", "");
    assert_eq!(run(&project, &[]).code, 0);
    let summary = project.read("summary.md");
    assert!(summary.contains("expectation dropped"), "{summary}");
}

#[test]
fn one_run_in_a_job_writes_every_format_and_the_outputs_and_all_agree() {
    let reports: Vec<String> = FILES.iter().map(|(format, file)| format!("--report={format}={file}")).collect();
    let reports: Vec<&str> = reports.iter().map(String::as_str).collect();
    for (path, code, verdict) in [("gone", 1, "not-ready"), ("here", 0, "ready")] {
        let project = Project::new(&LIST.replace("path: gone", &format!("path: {path}"))).file("here", "");
        let output = run(&project, &reports);
        assert_eq!(output.code, code, "{}{}", output.stdout, output.stderr);
        hold_valid(&project);
        assert!(verdicts(&project).iter().all(|(_, is_ready)| *is_ready == (code == 0)), "{path}");
        let outputs = project.read("output");
        assert!(outputs.contains(&format!("ready={}\nverdict={verdict}\n", code == 0)), "{outputs}");
        assert!(project.read("summary.md").contains(if code == 0 {
            "**Verdict:** READY"
        } else {
            "**Verdict:** NOT READY"
        }));
        assert_eq!(output.stderr.contains("::error "), code == 1, "{}", output.stderr);
    }
}
