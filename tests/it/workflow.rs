//! `workflow`: the three forms of `on`, and workflows that GitHub would not run.

use gate::probe::Probe;
use gate::probe::workflow::{Workflow, WorkflowSeen};
use insta::assert_snapshot;
use serde_json::json;

use crate::harness::{Project, dedent};
use crate::observe::{context, observe_in, probe};

const PATH: &str = ".github/workflows/e2e.yml";

fn at(path: &str, text: &str) -> WorkflowSeen {
    let project = Project::new("title: T").file(path, &dedent(text));
    observe_in::<Workflow>(&context(project.path(), &[]), json!({ "path": path })).expect("it can be read")
}

/// A workflow with one valid job.
fn on(on: &str) -> WorkflowSeen {
    at(PATH, &format!("{on}\njobs:\n  parity:\n    runs-on: ubuntu-latest\n    steps: [{{ run: make }}]\n"))
}

fn reported(seen: &WorkflowSeen) -> String {
    let probe: Workflow = probe(json!({ "path": PATH }));
    format!("{} | {}", probe.evidence(seen), probe.advice(seen).unwrap_or_default())
}

#[test]
fn triggers_are_read_in_all_three_forms() {
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
        env: { NOTE: 'on: push', REF: \"${{ github.ref }}\", PRICE: $$, OPEN: '${' }
        jobs:
          build: { runs-on: '${{ matrix.os }}', steps: [{ uses: actions/checkout@v4 }] }
          parity:
            needs: build
            uses: ./.github/workflows/parity.yml
        ",
    );
    assert_snapshot!(serde_json::to_string(&seen).expect("it is JSON"), @r#"{"exists":true,"valid":true,"problems":[],"name":"Parity","triggers":["workflow_dispatch"],"dispatch_only":true,"schedules":[],"jobs":["build","parity"]}"#);
    assert_snapshot!(reported(&seen), @"on workflow_dispatch only, 2 jobs |");
}

#[test]
fn other_triggers_are_named() {
    assert_snapshot!(reported(&on("on: [push, workflow_dispatch, release]")), @"on push, workflow_dispatch, release, 1 job | `on` also has push, release, which start it without anybody asking");
}

#[test]
fn reasons_why_github_would_not_run_it_are_reported_with_lines() {
    assert_snapshot!(reported(&on("on: workflow_dispach")), @"on workflow_dispach only, 1 job, not valid | line 1: unknown event `workflow_dispach`: did you mean `workflow_dispatch`?");
    assert_snapshot!(reported(&on("on:")), @"nothing starts it, not valid | line 1: `on` names no event");
    // YAML 1.1 reads `on` as `true`. Neither GitHub nor gate does, and `true` is not `on`.
    assert_snapshot!(reported(&on("true: push")), @"nothing starts it, not valid | line 1: unknown key `true` in a workflow; line 1: `on` is missing: it says what starts the workflow");
    assert_snapshot!(reported(&on("on: push\non: release")), @"on push only, 1 job, not valid | line 2: duplicate key `on`");
    assert_snapshot!(reported(&at(PATH, "
        on: push
        jobs:
          1st: { runs-on: ubuntu-latest, steps: [] }
          build: { steps: [{ run: make }], needs: [first] }
        ")), @"on push only, 2 jobs, not valid | line 3: `1st` is not a valid job id: use letters, digits, `-` and `_`; line 3: the job `1st` has no steps; line 4: the job `build` has neither `runs-on` nor `uses`; line 4: the job `build` needs `first`, which does not exist");
    assert_snapshot!(reported(&at(PATH, "on: push\n")), @"on push only, 0 jobs, not valid | line 1: `jobs` is missing");
    assert_snapshot!(reported(&at(PATH, "on: [push\njobs: {}\n")), @"nothing starts it, not valid | line 1: `[` is opened here and not closed");
}

/// GitHub refuses each of these, and each similar one of the same kind.
#[test]
fn a_workflow_that_github_refuses_is_not_valid() {
    let job = |job: &str| format!("on: push\njobs: {{ a: {{ runs-on: x, steps: [{{ run: x }}], {job} }} }}");
    let step = |step: &str| format!("on: push\njobs: {{ a: {{ runs-on: x, steps: [{step}] }} }}");
    let event = |event: &str| format!("on: {event}\njobs: {{ a: {{ runs-on: x, steps: [{{ run: x }}] }} }}");
    let jobs = |jobs: &str| format!("on: push\njobs:\n  a: {{ runs-on: x, steps: [{{ run: x }}] }}\n  {jobs}");
    for (text, problem) in [
        (jobs("b: { runs-on: x, steps: [{ run: x }], needs: b }"), "`needs` form a cycle: `b` can never start"),
        (
            jobs(
                "b: { runs-on: x, steps: [{ run: x }], needs: c }\n  c: { runs-on: x, steps: [{ run: x }], needs: [a, b] }",
            ),
            "`needs` form a cycle: `b`, `c` can never start",
        ),
        (jobs("A: { runs-on: x, steps: [{ run: x }] }"), "duplicate job id `A`"),
        (jobs("b:"), "the job `b` must be a map, not nothing"),
        (job("run-on: y"), "unknown key `run-on` in the job `a`: did you mean `runs-on`?"),
        (job("uses: o/r/.github/workflows/w.yml@v1"), "unknown key `runs-on` in the job `a`, which calls a workflow"),
        (job("permissions: { content: read }"), "unknown key `content` in `permissions`: did you mean `contents`?"),
        (job("permissions: { contents: admin }"), "`contents` in `permissions` must be read or write or none"),
        (job("permissions: { id-token: read }"), "`id-token` in `permissions` must be write or none"),
        (job("permissions: all"), "`permissions` must be `read-all`, `write-all` or a map"),
        (job("env: [A]"), "`env` of the job `a` must be a map, not a list"),
        (job("env: { A: [1] }"), "`A` in `env` must be text, not a list"),
        (job("concurrency: { cancel-in-progress: true }"), "`concurrency` needs a `group`"),
        (job("strategy: { matrix: { os: linux } }"), "`os` in `matrix` of the job `a` must be a list of values"),
        (job("strategy: { matrices: {} }"), "unknown key `matrices` in `strategy` of the job `a`"),
        (job("defaults: { shell: bash }"), "unknown key `shell` in `defaults`"),
        (job("container: { img: x }"), "unknown key `img` in `container` of the job `a`"),
        (job("needs: { b: c }"), "`needs` of the job `a` must be text or a list of text"),
        (step("{ uses: a/b@v1, run: x }"), "step 1 of the job `a` has both `run` and `uses`: make it two steps"),
        (step("{ name: say }"), "step 1 of the job `a` does nothing: it needs `run` or `uses`"),
        (step("{ runs: x }"), "unknown key `runs` in step 1 of the job `a`: did you mean `run`?"),
        (step("{ run: x, with: { a: b } }"), "unknown key `with` in step 1 of the job `a`"),
        (step("{ uses: a/b@v1, shell: bash }"), "unknown key `shell` in step 1 of the job `a`"),
        (step("{ run: }"), "`run` of step 1 of the job `a` must be text"),
        (step("{ run: x, id: 1st }"), "`1st` is not a valid step id"),
        (step("{ run: x, id: s }, { run: x, id: S }"), "duplicate step id `S`"),
        (step("make"), "step 1 of the job `a` must be a map, not text"),
        (step("{ run: 'echo ${{ github.sha }' }"), "`${{ github.sha }` is not closed: add `}}`"),
        (step("{ run: 'echo ${{ }}' }"), "an expression `${{ }}` is empty"),
        (event("{ schedule: [{ cron: '0 25 * * *' }] }"), "`cron: 0 25 * * *`: invalid hour `25`: use 0 to 23"),
        (event("{ schedule: [{ corn: '0 2 * * *' }] }"), "unknown key `corn` in an entry of `schedule`"),
        (event("schedule"), "`schedule` needs a list of entries with `cron`"),
        (event("{ workflow_run: { types: [completed] } }"), "`workflow_run` needs `workflows`"),
        (
            event("{ push: { branches: [a], branches-ignore: [b] } }"),
            "`push` has both `branches` and `branches-ignore`",
        ),
        (event("{ push: { branch: [a] } }"), "unknown key `branch` in `push`: did you mean `branches`?"),
        (event("{ push: { branches: } }"), "`branches` of `push` must be text or a list of text"),
        (event("{ push: main }"), "`push` must be a map, not text"),
        (event("{ pull_request: { types: [open] } }"), "`pull_request` has no type `open`: did you mean `opened`?"),
        (event("{ workflow_dispatch: { inputs: { a: { type: text } } } }"), "the type of the input `a` must be one of"),
        (
            event("{ workflow_dispatch: { inputs: { a: { type: choice } } } }"),
            "the input `a` is a `choice` and needs `options`",
        ),
        (event("{ workflow_call: { inputs: { a: { required: true } } } }"), "the input `a` needs a `type`"),
        (format!("{}\njob: {{}}", event("push")), "unknown key `job` in a workflow: did you mean `jobs`?"),
    ] {
        let seen = at(PATH, &text);
        assert!(
            !seen.valid && seen.problems.iter().any(|found| found.contains(problem)),
            "{text}\n{:?}",
            seen.problems
        );
    }
}

#[test]
fn a_workflow_that_github_accepts_is_valid() {
    let seen = at(
        PATH,
        "
        name: All
        run-name: ${{ github.actor }}
        on:
          push: { branches: [main, 'release/**'], tags-ignore: v1, paths: ['src/**'] }
          pull_request: { types: [opened, synchronize], branches-ignore: [x] }
          pull_request_target:
          workflow_run: { workflows: [CI], types: completed }
          schedule: [{ cron: '30 5 * * 1,3' }, { cron: '0 0 1 JAN-JUN MON' }]
          workflow_dispatch: { inputs: { level: { type: choice, options: [a, b], default: a }, plain: } }
          workflow_call: { inputs: { n: { type: number, default: 1 } }, secrets: { t: { required: true } }, outputs: { o: { value: '${{ jobs.a.outputs.o }}' } } }
        permissions: { contents: read, id-token: write, packages: none }
        env: { A: 1, B: true, C: }
        defaults: { run: { shell: bash, working-directory: x } }
        concurrency: { group: '${{ github.ref }}', cancel-in-progress: true }
        jobs:
          a:
            runs-on: { group: big, labels: [linux] }
            environment: { name: staging, url: 'https://x' }
            strategy: { fail-fast: false, max-parallel: 2, matrix: { os: [a, b], n: '${{ fromJSON(needs.x.outputs.n) }}', include: [] } }
            container: { image: 'node:20', env: { A: b }, ports: [80], volumes: [x], options: --cpus 1, credentials: { username: a, password: b } }
            services: { redis: { image: redis, ports: ['6379:6379'] }, pg: postgres }
            outputs: { o: '${{ steps.s.outputs.o }}' }
            timeout-minutes: 5
            continue-on-error: ${{ matrix.os == 'a' }}
            if: github.ref == 'refs/heads/main'
            steps:
              - { id: s, name: Say, run: \"echo '${{ format('}}') }}'\", shell: bash, working-directory: x, env: { A: 1 }, if: always() }
              - { uses: actions/checkout@v4, with: { fetch-depth: 0 }, timeout-minutes: 1, continue-on-error: true }
          b:
            needs: a
            permissions: read-all
            strategy: { matrix: { x: [1] } }
            uses: o/r/.github/workflows/w.yml@v1
            with: { a: 1 }
            secrets: inherit
          c: { needs: [a, b], runs-on: [self-hosted, linux], permissions: {}, steps: [{ run: x }] }
        ",
    );
    assert_eq!(seen.problems, Vec::<String>::new());
}

#[test]
fn chains_and_problems_without_end_are_bounded() {
    let chain: String = (0..20_000)
        .map(|at| format!("  j{at}: {{ runs-on: x, needs: j{}, steps: [{{ run: x }}] }}\n", (at + 1) % 20_001))
        .collect();
    let text =
        |last: &str| format!("on: push\njobs:\n{chain}  j20000: {{ runs-on: x, {last} steps: [{{ run: x }}] }}\n");
    let read = gate::probe::workflow::Definition::read;
    assert_eq!(read("w.yml", &text("")).problems, Vec::<String>::new());
    let cycle = read("w.yml", &text("needs: j0,")).problems;
    assert!(cycle.len() == 1 && cycle[0].len() < 200, "{cycle:?}");
    let steps =
        read("w.yml", &format!("on: push\njobs: {{ a: {{ runs-on: x, steps: [{}] }} }}", "{ b: c }, ".repeat(20_000)));
    assert_eq!(steps.problems.len(), 51);
    assert_eq!(steps.problems[50], "… and 39950 more");
    let deep = read("w.yml", &format!("on: push\njobs: {}", "[".repeat(100_000)));
    assert!(deep.problems[0].contains("nested deeper than 64 levels"), "{:?}", deep.problems);
}

#[test]
fn a_file_that_is_not_a_workflow_is_reported() {
    assert_snapshot!(reported(&at(PATH, "- a\n- b\n")), @"nothing starts it, not valid | line 1: a workflow must be a map with `on` and `jobs`, not a list");
    assert_snapshot!(reported(&at(PATH, "")), @"nothing starts it, not valid | `.github/workflows/e2e.yml` is empty");
    assert_snapshot!(reported(&at(PATH, "services: { api: { image: api } }\n")), @"nothing starts it, not valid | line 1: unknown key `services` in a workflow; line 1: `on` is missing: it says what starts the workflow; line 1: `jobs` is missing");
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
    let seen =
        observe_in::<Workflow>(&context(project.path(), &[]), json!({ "path": PATH })).expect("it can be reported");
    assert_eq!((seen.exists, seen.valid, seen.dispatch_only), (false, false, false));
    assert_snapshot!(reported(&seen), @"`.github/workflows/e2e.yml` does not exist | `.github/workflows/e2e.yml` does not exist: is the path relative to the right folder?");
}
