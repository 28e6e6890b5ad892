//! Scheduling: needs and their root cause, locks, retries, waiting, deadlines, and selection on the command line.

use std::process::Command;

use insta::assert_snapshot;
use serde_json::Value;

use crate::harness::{HttpServer, Output, Project, Response, http};

/// A checklist of one section with these items, one a line.
fn list(items: &str) -> Project {
    let items: String = crate::harness::dedent(items).lines().map(|line| format!("      {line}\n")).collect();
    Project::new(&format!("title: T\nsections:\n  - title: S\n    id: all\n    items:\n{items}"))
}

/// The run as JSON, with the exit code.
fn check(project: &Project, arguments: &[&str]) -> (i32, Value) {
    let arguments: Vec<&str> = ["check", "staging", "--format", "json"].iter().chain(arguments).copied().collect();
    let Output { code, stdout, stderr } = project.gate(&arguments);
    (code, serde_json::from_str(&stdout).unwrap_or_else(|error| panic!("{error}: {stdout}{stderr}")))
}

fn items(run: &Value) -> impl Iterator<Item = &Value> {
    run["sections"].as_array().into_iter().flatten().flat_map(|section| section["items"].as_array()).flatten()
}

/// `id: status, reason` of every item, one a line.
fn reported(run: &Value) -> String {
    let line = |item: &Value| {
        let text = |key: &str| item[key].as_str().map(|text| format!(", {text}")).unwrap_or_default();
        let cause = item["cause"].as_str().map(|cause| format!(" <- {cause}")).unwrap_or_default();
        let [id, status] = ["id", "status"].map(|key| item[key].as_str().unwrap_or_default());
        format!("{id}: {status}{}{cause}\n", text("reason"))
    };
    items(run).map(line).collect()
}

/// A server that answers 503 this number of times, then 200.
fn ready_after(refusals: usize) -> HttpServer {
    let seen = std::sync::atomic::AtomicUsize::new(0);
    http(move |_| {
        let before = seen.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        Response::empty(if before < refusals { 503 } else { 200 })
    })
}

#[test]
fn dependents_of_a_red_item_are_blocked_by_the_root_cause_and_others_run() {
    let project = list(
        "
        - { id: db, title: DB, probes: [{ command: { argv: [\"false\"] } }] }
        - { id: api, title: API, needs: [db], probes: [{ command: { argv: [\"true\"] } }] }
        - { id: smoke, title: Smoke, needs: [api], probes: [{ command: { argv: [\"true\"] } }] }
        - { id: other, title: Other, probes: [{ command: { argv: [\"true\"] } }] }
        - { id: qa, title: QA, needs: [smoke], sign_off: { role: QA lead, valid_for: 7d } }
    ",
    );
    let (code, run) = check(&project, &[]);
    assert_eq!(code, 1);
    assert_snapshot!(reported(&run), @"
    db: failed, exit_code: expected 0, got 1
    api: blocked, needs db (exit_code: expected 0, got 1) <- db
    smoke: blocked, needs db (exit_code: expected 0, got 1) <- db
    other: passed
    qa: blocked, needs db (exit_code: expected 0, got 1) <- db
    ");
    assert_eq!(run["counts"]["causes"], 1);
}

#[test]
fn an_item_needs_those_below_it() {
    let project = list(
        "
        - { id: top, title: Top, probes: [{ command: { argv: [\"true\"] } }] }
        - { id: one, title: One, parent: top, probes: [{ command: { argv: [\"true\"] } }] }
        - { id: two, title: Two, parent: one, probes: [{ command: { argv: [\"false\"] } }] }
        - { id: hint, title: Hint, parent: top, advisory: true, probes: [{ command: { argv: [\"false\"] } }] }
        - { id: qa, title: QA, needs: [top], sign_off: { role: QA lead, valid_for: 7d } }
    ",
    );
    let (code, run) = check(&project, &[]);
    assert_eq!(code, 1);
    assert_snapshot!(reported(&run), @"
    top: blocked, needs two (exit_code: expected 0, got 1) <- two
    one: blocked, needs two (exit_code: expected 0, got 1) <- two
    two: failed, exit_code: expected 0, got 1
    hint: failed, exit_code: expected 0, got 1
    qa: blocked, needs two (exit_code: expected 0, got 1) <- two
    ");
    let (_, run) = check(&project, &["--no-record", "--only", "top"]);
    assert!(reported(&run).contains("two: failed"), "{}", reported(&run));
    let signed = project.gate(&["sign", "staging", "qa", "--by", "Dana"]);
    assert_eq!(signed.code, 1, "{}", signed.stdout);
    let run = |number: usize| reported(&check(&project, &["--no-record", "--shard", &format!("{number}/3")]).1);
    let shards: Vec<String> = (1..=3).map(run).filter(|shard| shard.contains("two: failed")).collect();
    assert!(shards.len() == 1 && shards[0].contains("top: blocked, needs two"), "{shards:?}");
    let alone = project.gate(&["check", "staging", "--no-record", "--skip", "two"]);
    assert_eq!(alone.code, 3, "{}", alone.stdout);
}

#[test]
fn an_item_below_another_can_not_need_it() {
    let project = list(
        "
        - { id: top, title: Top, probes: [{ command: { argv: [\"true\"] } }] }
        - { id: one, title: One, parent: top, needs: [top], probes: [{ command: { argv: [\"true\"] } }] }
    ",
    );
    let output = project.gate(&["validate"]);
    assert_eq!(output.code, 2);
    assert!(output.stderr.contains("`needs` form a cycle: top → one → top"), "{}", output.stderr);
    assert!(output.stderr.contains("an item needs those that have it as their `parent`"), "{}", output.stderr);
}

#[test]
fn what_an_advisory_failure_blocks_is_not_ready() {
    let project = list(
        "
        - { id: hint, title: Hint, advisory: true, probes: [{ command: { argv: [\"false\"] } }] }
        - { id: gone, title: Gone, advisory: true, probes: [{ command: { argv: [./missing] } }] }
        - { id: between, title: Between, advisory: true, needs: [gone, hint], probes: [{ command: { argv: [\"true\"] } }] }
        - { id: both, title: Both, needs: [gone, between], probes: [{ command: { argv: [\"true\"] } }] }
        - { id: unseen, title: Unseen, needs: [gone], probes: [{ command: { argv: [\"true\"] } }] }
    ",
    );
    let (code, run) = check(&project, &[]);
    assert_eq!((code, &run["verdict"]), (1, &Value::from("not-ready")));
    assert!(
        reported(&run).contains("both: blocked, needs hint (exit_code: expected 0, got 1) and 1 more <- hint"),
        "{}",
        reported(&run)
    );
    let rendered = project.gate(&["render", "staging"]);
    assert!(rendered.stdout.contains("NOT READY"), "{}", rendered.stdout);
    let (code, run) = check(&project, &["--only", "unseen"]);
    assert_eq!((code, &run["verdict"]), (3, &Value::from("unknown")), "an error is not a failure");
}

#[test]
fn a_missing_value_blocks_and_does_not_fail() {
    let project = Project::new(
        "
        title: T
        secrets: { TOKEN: }
        sections:
          - title: S
            items:
              - { id: a, title: A, probes: [{ command: { argv: [echo, \"${secrets.TOKEN}\"] } }] }
              - { id: b, title: B, probes: [{ command: { argv: [echo, \"${env.STAGING_URL}\"] } }] }
              - { id: c, title: C, probes: [{ command: { argv: [echo, \"${env.STAGING_URL:-x}\"] } }] }
              - { id: d, title: D, needs: [a], probes: [{ command: { argv: [\"true\"] } }] }
    ",
    );
    let (code, run) = check(&project, &[]);
    assert_eq!(code, 3);
    assert_snapshot!(reported(&run), @"
    a: blocked, TOKEN is not set
    b: blocked, STAGING_URL is not set
    c: passed
    d: blocked, needs a (TOKEN is not set) <- a
    ");
}

#[test]
fn a_probe_that_uses_what_a_red_one_saw_is_blocked_and_the_item_is_what_that_one_is() {
    let server = http(|_| Response::json(&serde_json::json!({ "id": 7 })).status(500));
    let project = list(
        "
        - id: mismatch
          title: Mismatch
          probes:
            - http: { url: \"${env.API}/new\" }
              as: new
            - http: { url: \"${env.API}/${new.json.id}\" }
            - command: { argv: [\"true\"] }
    ",
    )
    .env("API", server.url());
    let (code, run) = check(&project, &[]);
    assert_eq!(code, 1);
    let probes = items(&run).next().expect("one exists")["probes"].as_array().expect("a list");
    let statuses: Vec<&str> = probes.iter().filter_map(|probe| probe["status"].as_str()).collect();
    assert_eq!(statuses, ["failed", "blocked", "passed"]);
    assert_eq!(probes[1]["error"], "`new` is not green");
    assert_eq!(server.requests().len(), 1);
}

#[test]
fn an_observation_can_be_used_by_an_item_that_needs_it() {
    let server = http(|request| match request.path.as_str() {
        "/login" => Response::json(&serde_json::json!({ "token": "t0p-secret" })),
        _ => Response::text(request.header("authorization").unwrap_or("none")),
    });
    let project = list(
        "
        - { id: login, title: L, probes: [{ http: { url: \"${env.API}/login\" }, as: session }] }
        - id: orders
          title: O
          needs: [login]
          probes:
            - http: { url: \"${env.API}/orders\", token: \"${items.login.session.json.token}\" }
              expect: { body: Bearer t0p-secret }
              as: orders
          evidence: \"${orders.status} after ${items.login.session.status}\"
    ",
    )
    .env("API", server.url());
    let (code, run) = check(&project, &[]);
    assert_eq!((code, reported(&run)), (0, "login: passed\norders: passed\n".to_owned()));
    assert_eq!(items(&run).nth(1).expect("there are two")["evidence"], "200 after 200");
}

#[test]
fn a_green_attempt_after_a_red_one_is_passed_and_flaky() {
    let server = ready_after(1);
    let project = list(
        "
        - id: api
          title: A
          probes: [{ http: { url: \"${env.API}\" }, retry: { attempts: 3, every: 1ms } }]
    ",
    )
    .env("API", server.url());
    let (code, run) = check(&project, &[]);
    let item = items(&run).next().expect("one exists");
    assert_eq!((code, &item["status"], &item["flaky"]), (0, &"passed".into(), &true.into()));
    assert_eq!(item["probes"][0]["attempts"].as_array().expect("a list").len(), 2);
}

#[test]
fn a_retry_ends_after_its_attempts_and_is_not_inherited_by_what_has_effects() {
    let server = http(|_| Response::empty(500));
    let project = Project::new(
        "
        title: T
        defaults: { retry: { attempts: 3, every: 1ms } }
        sections:
          - title: S
            items:
              - { id: read, title: R, probes: [{ http: { url: \"${env.API}/read\" } }] }
              - { id: write, title: W, probes: [{ http: { method: POST, url: \"${env.API}/write\" } }] }
    ",
    )
    .env("API", server.url());
    assert_eq!(check(&project, &[]).0, 1);
    let count = |path: &str| server.requests().iter().filter(|request| request.path == path).count();
    assert_eq!((count("/read"), count("/write")), (3, 1));
}

#[test]
fn eventually_repeats_until_it_holds_and_is_not_flaky() {
    let server = ready_after(4);
    let project = list(
        "
        - id: api
          title: A
          probes: [{ http: { url: \"${env.API}\" }, eventually: { within: 1m, every: 1ms } }]
    ",
    )
    .env("API", server.url());
    let (code, run) = check(&project, &[]);
    let item = items(&run).next().expect("one exists");
    assert_eq!((code, &item["flaky"]), (0, &false.into()));
    assert_eq!(server.requests().len(), 5);
}

#[test]
fn waiting_for_what_only_a_person_can_do_ends_at_once() {
    let project = list(
        "
        - { id: qa, title: Q, manual: Call them, sign_off: { role: QA lead, valid_for: 7d } }
        - { id: url, title: U, probes: [{ http: { url: \"${env.NOT_SET}\" } }] }
    ",
    );
    assert_eq!(check(&project, &["--wait", "1h"]).0, 1);
}

#[test]
fn fail_fast_begins_nothing_more_but_says_why() {
    let project = list(
        "
        - { id: a, title: A, probes: [{ command: { argv: [\"false\"] } }] }
        - { id: b, title: B, probes: [{ command: { shell: \"echo x >> looks\" } }] }
        - { id: c, title: C, needs: [b], probes: [{ command: { shell: \"echo x >> looks\" } }] }
    ",
    )
    .file("looks", "");
    let (code, run) = check(&project, &["--fail-fast", "--jobs", "1"]);
    assert_eq!(code, 1);
    assert_snapshot!(reported(&run), @"
    a: failed, exit_code: expected 0, got 1
    b: blocked, not run: `--fail-fast` stopped after a
    c: blocked, needs b (not run: `--fail-fast` stopped after a) <- b
    ");
    assert_eq!(project.read("looks"), "");
}

#[test]
fn items_with_a_lock_in_common_never_run_beside_each_other() {
    let item = |id: &str, extra: &str| {
        format!(
            "- {{ id: {id}, title: X, {extra}, probes: [{{ command: {{ shell: \"mkdir held && rmdir held\" }} }}] }}\n"
        )
    };
    let items: String = (0..12).map(|n| item(&format!("i{n}"), "locks: [api]")).collect();
    assert_eq!(check(&list(&items), &[]).0, 0);
    let items: String = (0..12).map(|n| item(&format!("i{n}"), "exclusive: true")).collect();
    assert_eq!(check(&list(&items), &[]).0, 0);
}

#[test]
fn only_takes_what_is_needed_along_and_skip_leaves_out_and_both_are_partial() {
    let project = list(
        "
        - { id: db, title: D, probes: [{ command: { argv: [\"true\"] } }] }
        - { id: api, title: A, needs: [db], tags: [smoke], probes: [{ command: { argv: [\"true\"] } }] }
        - { id: web, title: W, tags: [smoke], probes: [{ command: { argv: [\"true\"] } }] }
    ",
    );
    let (code, run) = check(&project, &["--only", "api"]);
    assert_eq!((code, reported(&run)), (0, "db: passed\napi: passed\n".to_owned()));
    assert_eq!(run["partial"], "--only api");
    let (_, run) = check(&project, &["--only", "smoke", "--skip", "db,web"]);
    assert_eq!(reported(&run), "api: blocked, needs db (not run this time) <- db\n");
    let (code, run) = check(&project, &["--skip", "web"]);
    assert_eq!((code, reported(&run)), (0, "db: passed\napi: passed\n".to_owned()));
    let (code, run) = check(&project, &["--only", "all"]);
    assert_eq!((code, items(&run).count()), (0, 3));
}

#[test]
fn expressions_of_names_and_severities_select_items() {
    let project = list(
        "
        - { id: db, title: D, tags: [smoke, slow], severity: P0, probes: [{ command: { argv: [\"true\"] } }] }
        - { id: api, title: A, tags: [smoke], severity: P1, probes: [{ command: { argv: [\"true\"] } }] }
        - { id: web, title: W, tags: [smoke], needs: [api], severity: P3, probes: [{ command: { argv: [\"true\"] } }] }
        - { id: not, title: N, probes: [{ command: { argv: [\"true\"] } }] }
    ",
    );
    let ran = |arguments: &[&str]| {
        let (code, run) = check(&project, arguments);
        assert_eq!(code, 0, "{run}");
        let ran = items(&run).filter(|item| item["status"] == "passed").map(|item| item["id"].to_string());
        ran.collect::<String>().replace('"', " ")
    };
    assert_eq!(ran(&["--only", "smoke and not slow"]), " api  web ");
    assert_eq!(ran(&["--only", "(smoke and slow) or web"]), " db  api  web ");
    assert_eq!(ran(&["--only", "not,slow"]), " db  not ");
    assert_eq!(ran(&["--skip", "smoke and not (db or api)"]), " db  api  not ");
    assert_eq!(ran(&["--severity", "P1"]), " db  api ");
    assert_eq!(ran(&["--severity", "p0"]), " db ");
    assert_eq!(ran(&["--severity", "P3", "--only", "web"]), " api  web ", "with its needs");
    let (_, run) = check(&project, &["--severity", "P1", "--skip", "slow"]);
    assert_eq!(run["partial"], "--skip slow --severity P1");
    let severities: Vec<Option<&str>> = items(&run).map(|item| item["severity"].as_str()).collect();
    assert_eq!(severities, [Some("P1")]);
    let refused = |only: &str| project.gate(&["check", "staging", "--only", only]).stderr;
    assert_snapshot!(refused("smoke and slwo"), @r#"
    error: `--only smoke and slwo`: no item, section or tag `slwo`
      help: did you mean `slow`?
    "#);
    assert_snapshot!(refused("smoke slow"), @r#"
    error: `--only smoke slow`: expected `and` or `or` before `slow`
      help: such as `smoke and not slow`, with the names of items, sections and tags
    "#);
}

#[test]
fn a_selection_that_means_nothing_or_leaves_nothing_is_an_error_and_nothing_runs() {
    let project = list("- { id: db, title: D, probes: [{ command: { shell: \"touch ran\" } }] }");
    let output = project.gate(&["check", "staging", "--only", "bd"]);
    assert_eq!(output.code, 2);
    assert_snapshot!(output.stderr, @"
    error: `--only bd`: no such item, section or tag
      help: did you mean `db`?
    ");
    let output = project.gate(&["check", "staging", "--skip", "db"]);
    assert_eq!(output.code, 2);
    assert_snapshot!(output.stderr, @"error: `--skip db` skips every item");
    assert!(!project.path().join("ran").exists());
}

#[test]
fn read_only_blocks_what_has_effects() {
    let project = list(
        "
        - { id: writes, title: W, probes: [{ command: { shell: \"touch ran\" } }] }
        - { id: reads, title: R, probes: [{ command: { argv: [\"true\"], read_only: true } }] }
    ",
    );
    let (code, run) = check(&project, &["--read-only"]);
    assert_eq!(code, 3);
    assert_snapshot!(reported(&run), @"
    writes: blocked, the `command` probe can change something, and `--read-only` does not run it
    reads: passed
    ");
    assert!(!project.path().join("ran").exists());
}

#[test]
fn advisory_deferred_and_waived_items_do_not_gate_and_an_expired_waiver_does() {
    let checklist = |until: &str| {
        Project::new(&format!(
            "
            title: T
            sections:
              - title: S
                items:
                  - {{ id: advice, title: A, advisory: true, probes: [{{ command: {{ argv: [\"false\"] }} }}] }}
                  - {{ id: later, title: L, deferred: PROD SETUP, probes: [{{ command: {{ argv: [\"false\"] }} }}] }}
                  - {{ id: known, title: K, probes: [{{ command: {{ argv: [\"false\"] }} }}] }}
                  - {{ id: after, title: B, needs: [known], probes: [{{ command: {{ argv: [\"true\"] }} }}] }}
            gaps: [{{ gap: Known, items: [known], accepted_until: {until}, accepted_by: me }}]
        "
        ))
        .at(1_767_225_599)
    };
    // The test clock is at the last second of 2025 in UTC.
    let (code, run) = check(&checklist("2025-12-31"), &[]);
    assert_eq!(code, 0);
    assert_snapshot!(reported(&run), @"
    advice: failed, exit_code: expected 0, got 1
    later: deferred, PROD SETUP
    known: waived, exit_code: expected 0, got 1
    after: passed
    ");
    let (code, run) = check(&checklist("2025-12-30"), &[]);
    assert_eq!(code, 1);
    assert_snapshot!(reported(&run), @"
    advice: failed, exit_code: expected 0, got 1
    later: deferred, PROD SETUP
    known: failed, exit_code: expected 0, got 1
    after: blocked, needs known (exit_code: expected 0, got 1) <- known
    ");
}

#[test]
fn several_items_run_at_a_time_though_few_files_may_be_open() {
    let project = Project::new(
        "
        title: T
        sections:
          - title: S
            items:
              - { id: says, title: A, probes: [{ command: { shell: \"echo hello > pipe\" } }] }
              - { id: hears, title: B, probes: [{ command: { shell: \"cat pipe\" } }] }
    ",
    );
    // Neither ends before the other has begun.
    assert!(Command::new("mkfifo").arg(project.path().join("pipe")).status().expect("it is installed").success());
    let mut limited = Command::new("sh");
    limited.args(["-c", "ulimit -n 64 && exec \"$GATE\" check staging"]).current_dir(project.path());
    let output = limited.env("GATE", env!("CARGO_BIN_EXE_gate")).output().expect("there is a shell");
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stdout));
}

#[test]
fn an_observed_value_is_compared_and_never_taken_for_operators() {
    let server = http(|request| {
        let limits = match request.path.as_str() {
            "/length" => serde_json::json!({ "length": 2 }),
            "/exists" => serde_json::json!({ "exists": true }),
            _ => serde_json::json!({ "width": 9, "depth": 7 }),
        };
        Response::json(&serde_json::json!({ "limits": limits, "same": { "a": 1 } }))
    });
    let item = |from: &str, expect: &str| {
        let project = Project::new(&format!(
            r#"
            title: Limits
            sections:
              - title: API
                items:
                  - id: limits
                    title: Both have the same limits
                    probes:
                      - {{ http: {{ url: "{url}/{from}" }}, as: one }}
                      - {{ http: {{ url: "{url}/other" }}, expect: {{ {expect} }} }}
            "#,
            url = server.url()
        ));
        let output = project.gate(&["check", "staging", "--no-record", "--format=json"]);
        let run: Value = serde_json::from_str(&output.stdout).expect("it is JSON");
        let item = &run["sections"][0]["items"][0];
        format!("{} {}", item["status"], item["reason"])
    };
    let expected =
        |limits: &str| format!(r#""failed" "json.limits: expected {limits}, got {{\"width\": 9, \"depth\": 7}}""#);
    assert_eq!(item("length", r#"json.limits: "${one.json.limits}""#), expected(r#"{\"length\": 2}"#));
    assert_eq!(item("exists", r#"json.limits: "${one.json.limits}""#), expected(r#"{\"exists\": true}"#));
    assert_eq!(item("length", r#"json.limits: { not: "${one.json.limits}" }"#), r#""passed" null"#);
    assert_eq!(item("length", r#"json.same: "${one.json.same}""#), r#""passed" null"#);
    assert_eq!(item("length", r#"json.same.a: "${one.json.same.a}""#), r#""passed" null"#);
    assert_eq!(item("length", r#"json.same.a: { at_least: "${one.json.same.a}" }"#), r#""passed" null"#);
}
