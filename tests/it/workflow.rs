//! Workflow files: the three forms of `on`, and what GitHub would not run.

use gate::probe::Probe;
use gate::probe::workflow::{Workflow, WorkflowSeen};
use insta::assert_snapshot;
use serde_json::json;

use crate::harness::{Project, dedent};
use crate::look::{context, look_in, probe};

const PATH: &str = ".github/workflows/e2e.yml";

fn at(path: &str, text: &str) -> WorkflowSeen {
    let project = Project::new("title: T").file(path, &dedent(text));
    look_in::<Workflow>(&context(project.path(), &[]), json!({ "path": path })).expect("it can be read")
}

/// A workflow with one good job.
fn on(on: &str) -> WorkflowSeen {
    at(PATH, &format!("{on}\njobs:\n  parity:\n    runs-on: ubuntu-latest\n    steps: [{{ run: make }}]\n"))
}

fn told(seen: &WorkflowSeen) -> String {
    let probe: Workflow = probe(json!({ "path": PATH }));
    format!("{} | {}", probe.evidence(seen), probe.advice(seen).unwrap_or_default())
}

#[test]
fn what_starts_it_is_seen_in_all_three_forms() {
    let forms = [
        ("on: workflow_dispatch", "workflow_dispatch", true),
        ("on: [workflow_dispatch]", "workflow_dispatch", true),
        ("on:\n  workflow_dispatch:\n    inputs: { depth: { type: number } }", "workflow_dispatch", true),
        ("'on': { workflow_dispatch: }", "workflow_dispatch", true),
        ("on: [push, workflow_dispatch]", "push workflow_dispatch", false),
        ("on: { workflow_dispatch: , schedule: [{ cron: '0 3 * * *' }] }", "workflow_dispatch schedule", false),
    ];
    for (text, triggers, dispatch_only) in forms {
        let seen = on(text);
        assert_eq!((seen.triggers.join(" ").as_str(), seen.dispatch_only), (triggers, dispatch_only), "{text}");
        assert!(seen.valid, "{text}: {:?}", seen.problems);
    }
    assert_eq!(on(forms[5].0).schedules, ["0 3 * * *"]);
}

#[test]
fn comments_and_text_start_nothing() {
    let seen = at(
        PATH,
        "
        name: Parity
        # on: push
        on:
          workflow_dispatch:
          # schedule: [{ cron: '0 3 * * *' }]
        env: { NOTE: 'on: push', REF: \"${{ github.ref }}\", PRICE: $$, OPEN: '${{' }
        jobs:
          build: { runs-on: '${{ matrix.os }}', steps: [{ uses: actions/checkout@v4 }] }
          parity:
            needs: build
            uses: ./.github/workflows/parity.yml
        ",
    );
    assert_snapshot!(serde_json::to_string(&seen).expect("it is JSON"), @r#"{"exists":true,"valid":true,"problems":[],"name":"Parity","triggers":["workflow_dispatch"],"dispatch_only":true,"schedules":[],"jobs":["build","parity"]}"#);
    assert_snapshot!(told(&seen), @"on workflow_dispatch only, 2 jobs |");
}

#[test]
fn what_else_starts_it_is_named() {
    assert_snapshot!(told(&on("on: [push, workflow_dispatch, release]")), @"on push, workflow_dispatch, release, 1 job | `on` also has push, release, which start it without anybody asking");
}

#[test]
fn what_github_would_not_run_is_told_with_lines() {
    assert_snapshot!(told(&on("on: workflow_dispach")), @"on workflow_dispach only, 1 job, not valid | line 1: `workflow_dispach` is no event that GitHub knows: did you mean `workflow_dispatch`?");
    assert_snapshot!(told(&on("on:")), @"nothing starts it, not valid | line 1: `on` names no event");
    // Readers of YAML 1.1 take `on` for `true`. Neither GitHub nor gate does, and `true` is not `on`.
    assert_snapshot!(told(&on("true: push")), @"nothing starts it, not valid | line 1: it has no `on`, which says what starts it");
    assert_snapshot!(told(&on("on: push\non: release")), @"on push only, 1 job, not valid | line 2: `on` stands twice in one map");
    assert_snapshot!(told(&at(PATH, "
        on: push
        jobs:
          1st: { runs-on: ubuntu-latest, steps: [] }
          build: { steps: [{ run: make }], needs: [first] }
        ")), @"on push only, 2 jobs, not valid | line 3: `1st` can't be the id of a job; line 3: the job `1st` has no steps; line 4: the job `build` has neither `runs-on` nor `uses`; line 4: the job `build` needs `first`, which is not there");
    assert_snapshot!(told(&at(PATH, "on: push\n")), @"on push only, 0 jobs, not valid | line 1: it has no `jobs`");
    assert_snapshot!(told(&at(PATH, "on: [push\njobs: {}\n")), @"nothing starts it, not valid | line 2: not YAML: illegal placement of ':' indicator");
}

#[test]
fn a_file_that_is_no_workflow_is_told() {
    assert_snapshot!(told(&at(PATH, "- a\n- b\n")), @"nothing starts it, not valid | line 1: it is a list, not a workflow: a map with `on` and `jobs`");
    assert_snapshot!(told(&at(PATH, "")), @"nothing starts it, not valid | `.github/workflows/e2e.yml` is empty");
    assert_snapshot!(told(&at(PATH, "services: { api: { image: api } }\n")), @"nothing starts it, not valid | line 1: it has no `on`, which says what starts it; line 1: it has no `jobs`");
}

#[test]
fn a_workflow_where_github_does_not_look_is_not_run() {
    let text = "on: push\njobs: { a: { runs-on: x, steps: [{ run: make }] } }\n";
    for path in [".github/e2e.yml", ".github/workflows/old/e2e.yml", ".github/workflows/e2e.yml.bak"] {
        let seen = at(path, text);
        assert_eq!((seen.exists, seen.valid, seen.problems.len()), (true, false, 1), "{path}: {:?}", seen.problems);
    }
    assert!(at(".github/workflows/e2e.yaml", text).valid);
}

#[test]
fn a_file_that_is_not_there_is_red_and_no_error() {
    let project = Project::new("title: T");
    let seen = look_in::<Workflow>(&context(project.path(), &[]), json!({ "path": PATH })).expect("it can be told");
    assert_eq!((seen.exists, seen.valid, seen.dispatch_only), (false, false, false));
    assert_snapshot!(told(&seen), @"does not exist | nothing is at `.github/workflows/e2e.yml`: is the path relative to the right folder?");
}
