//! The table: what it shows, at which width.

use insta::assert_snapshot;

use crate::report::sample::{self, blocked_by, gap, item, now, passed, red, run, section};
use crate::report::text::width;
use crate::report::{Detail, RenderOptions, format};
use crate::run::{BlockedBecause, ExpectationResult, Interruption, ItemResult, ProbeResult, Run, Signal, Status};

fn shown(run: &Run, columns: Option<usize>) -> String {
    let mut out = Vec::new();
    let options = RenderOptions { width: columns, ..RenderOptions::plain(now()) };
    (format("table").expect("it is in the registry").render)(run, &options, &mut out).expect("a vector takes all");
    String::from_utf8(out).expect("reports are UTF-8")
}

#[test]
fn a_run_shows_every_item_then_explains_the_red_ones_then_says_whether_it_is_ready() {
    assert_snapshot!(shown(&sample::m9(), None), @r#"
    Staging Readiness Checklist — M9 entrance · 0f1d7aa

    Prerequisites (must be green before staging sign-off)
    ✓ passed    DB: Alembic HEAD == 014_trace_mismatches     014_trace_mismatches, at head
    ! error     Redis: `redis_connected == 1`                connecting to Redis: connection refused
                                                             (insecure: TLS not verified)
    ✗ failed    Grafana: 4 dashboards provisioned            dashboards.titles: "M4.5 Failure" not found
    - deferred  Logs: central logging receives backend logs  PROD SETUP
    ⊘ blocked   Secrets are present                          GITHUB_TOKEN is not set

    Smoke tests
    ✓ passed    `curl /healthz` returns 200                  200 (flaky: passed at attempt 2)
    ~ waived    `aos replay` works                           until 2026-03-01: Replay PostgresTraceStore
                                                             parity
    ⊘ blocked   Mismatch automation: trigger mismatch →      needs secrets-present (GITHUB_TOKEN is not
                GitHub issue                                 set)
    … pending   k6 baseline                                  no report at load-tests/summary.json

    Sign-off acceptance (QA + SRE)
    ⊘ blocked   QA lead confirms smoke tests (above)         needs secrets-present (GITHUB_TOKEN is not
                                                             set)
    … pending   SRE confirms infra (Redis, DB, Prometheus)   not signed
    ✓ passed    Product owner approves demo checklist        signed 2025-12-06 by Dana Reyes for 0f1d7aa

    ⊘ GITHUB_TOKEN is not set
       --> checklists/staging.yaml:10:9
      blocks 3 items: secrets-present, mismatch, qa

    ! redis — Redis: `redis_connected == 1`
      error: connecting to Redis: connection refused (after 3 attempts over 6.20s)
       --> checklists/staging.yaml:39:13
      help: is REDIS_URL reachable from here?

    ✗ grafana — Grafana: 4 dashboards provisioned
      failed: dashboards.titles: "M4.5 Failure" not found
       --> checklists/staging.yaml:41:15
        |
     41 | dashboards.titles: { contains: [AOS Traces, M4.5 Failure] }
        | ^^^^^^^^^^^^^^^^^ "M4.5 Failure" not found in ["AOS Traces","Basic"]
      help: the token may not see every folder
      hint: provision the folder `monitoring/grafana` again
      reproduce: curl -sS -H "Authorization: Bearer $GRAFANA_TOKEN" http://grafana:3000/api/search
      history: last passed 2025-12-01

    … k6 — k6 baseline
      pending: no report at load-tests/summary.json
       --> checklists/staging.yaml:39:13

    not in `gaps`: redis, grafana, secrets-present, k6

    Not green:
    ⊘ blocked  secrets-present  GITHUB_TOKEN is not set
    ⊘ blocked  mismatch         blocked by secrets-present
    ⊘ blocked  qa               blocked by secrets-present
    ! error    redis            connecting to Redis: connection refused
    ✗ failed   grafana          dashboards.titles: "M4.5 Failure" not found
    … pending  k6               no report at load-tests/summary.json

    … waits for sre (SRE)
      to sign: gate sign staging sre

    NOT READY: 3 of 12 passed, 1 failed, 1 error, 3 blocked by 1 cause, 2 pending, 1 waived, 1 deferred,
    1 flaky, 1 insecure in 1.2 s
    "#);
}

#[test]
fn a_narrow_terminal_gets_title_and_detail_below_each_other() {
    assert_snapshot!(shown(&sample::m9(), Some(40)), @r#"
    Staging Readiness Checklist — M9
    entrance · 0f1d7aa

    Prerequisites (must be green before
    staging sign-off)
    ✓ passed    DB: Alembic HEAD ==
                014_trace_mismatches
                014_trace_mismatches, at
                head
    ! error     Redis: `redis_connected ==
                1`
                connecting to Redis:
                connection refused
                (insecure: TLS not verified)
    ✗ failed    Grafana: 4 dashboards
                provisioned
                dashboards.titles: "M4.5
                Failure" not found
    - deferred  Logs: central logging
                receives backend logs
                PROD SETUP
    ⊘ blocked   Secrets are present
                GITHUB_TOKEN is not set

    Smoke tests
    ✓ passed    `curl /healthz` returns 200
                200 (flaky: passed at
                attempt 2)
    ~ waived    `aos replay` works
                until 2026-03-01: Replay
                PostgresTraceStore parity
    ⊘ blocked   Mismatch automation: trigger
                mismatch → GitHub issue
                needs secrets-present
                (GITHUB_TOKEN is not set)
    … pending   k6 baseline
                no report at
                load-tests/summary.json

    Sign-off acceptance (QA + SRE)
    ⊘ blocked   QA lead confirms smoke tests
                (above)
                needs secrets-present
                (GITHUB_TOKEN is not set)
    … pending   SRE confirms infra (Redis,
                DB, Prometheus)
                not signed
    ✓ passed    Product owner approves demo
                checklist
                signed 2025-12-06 by Dana
                Reyes for 0f1d7aa

    ⊘ GITHUB_TOKEN is not set
       --> checklists/staging.yaml:10:9
      blocks 3 items: secrets-present,
        mismatch, qa

    ! redis — Redis: `redis_connected == 1`
      error: connecting to Redis:
        connection refused (after 3 attempts
        over 6.20s)
       --> checklists/staging.yaml:39:13
      help: is REDIS_URL reachable from
        here?

    ✗ grafana — Grafana: 4 dashboards
      provisioned
      failed: dashboards.titles: "M4.5
        Failure" not found
       --> checklists/staging.yaml:41:15
        |
     41 | dashboards.titles: { contains: [A…
        | ^^^^^^^^^^^^^^^^^
        | "M4.5 Failure" not found in ["AOS
        | Traces","Basic"]
      help: the token may not see every
        folder
      hint: provision the folder
        `monitoring/grafana` again
      reproduce: curl -sS -H "Authorization: Bearer $GRAFANA_TOKEN" http://grafana:3000/api/search
      history: last passed 2025-12-01

    … k6 — k6 baseline
      pending: no report at
        load-tests/summary.json
       --> checklists/staging.yaml:39:13

    not in `gaps`: redis, grafana,
    secrets-present, k6

    Not green:
    ⊘ blocked  secrets-pres…  GITHUB_TOKEN …
    ⊘ blocked  mismatch       blocked by se…
    ⊘ blocked  qa             blocked by se…
    ! error    redis          connecting to…
    ✗ failed   grafana        dashboards.ti…
    … pending  k6             no report at …

    … waits for sre (SRE)
      to sign: gate sign staging sre

    NOT READY: 3 of 12 passed, 1 failed, 1
    error, 3 blocked by 1 cause, 2 pending,
    1 waived, 1 deferred, 1 flaky, 1
    insecure in 1.2 s
    "#);
}

#[test]
fn no_line_but_a_command_or_a_path_is_wider_than_the_terminal() {
    let mut sample = sample::m9();
    sample.sections[0].items[0].title = "数据库迁移 ".repeat(20);
    sample.sections[0].items[0].evidence = Some("x".repeat(300));
    for columns in 20..160 {
        let shown = shown(&sample, Some(columns));
        // These are there to be copied or clicked.
        for line in
            shown.lines().filter(|line| !["reproduce:", "to sign:", "-->"].iter().any(|sign| line.contains(sign)))
        {
            assert!(width(line) <= columns, "{columns}: {line}");
        }
    }
}

#[test]
fn a_partial_run_and_an_interrupted_one_say_so_loudly() {
    let mut run = run([section("API", [passed("api", "API answers", "200")])]);
    run.partial = Some("--only api".into());
    run.interrupted = Some(Interruption::Signal(Signal::Interrupt));
    assert_snapshot!(shown(&run, None), @"
    Staging Readiness Checklist — M9 entrance · 0f1d7aa

    API
    ✓ passed  API answers  200

    PARTIAL: not everything was run (--only api). This run can't be signed off.
    INTERRUPTED by SIGINT: unfinished items have no result.

    UNDECIDED: 1 of 1 passed, partial, interrupted in 1.2 s
    ");
}

#[test]
fn closed_and_expired_gaps_are_reported() {
    let mut run = run([section("API", [passed("api", "API answers", "200"), red("db", "DB", Status::Failed, "no")])]);
    run.gaps = vec![gap("API parity", &["api"], Some("2026-03-01")), gap("DB", &["db"], Some("2025-12-01"))];
    assert_snapshot!(shown(&run, None), @"
    Staging Readiness Checklist — M9 entrance · 0f1d7aa

    API
    ✓ passed  API answers  200
    ✗ failed  DB           no

    ✗ db — DB
      failed: no
       --> checklists/staging.yaml:10:9

    remove from `gaps`, its items pass: API parity
    known gap no longer accepted since 2025-12-02: DB

    Not green:
    ✗ failed  db  no

    NOT READY: 1 of 2 passed, 1 failed in 1.2 s
    ");
}

#[test]
fn a_need_that_was_not_run_this_time_is_a_cause_too() {
    let run = run([section("API", [blocked_by("qa", "QA signs", "smoke", "not run this time")])]);
    assert_snapshot!(shown(&run, None), @"
    Staging Readiness Checklist — M9 entrance · 0f1d7aa

    API
    ⊘ blocked  QA signs  needs smoke (not run this time)

    ⊘ smoke is not green, and was not run this time
      blocks 1 item: qa

    Not green:
    ⊘ blocked  qa  smoke was not run

    UNDECIDED: 0 of 1 passed, 1 blocked by 1 cause in 1.2 s
    ");
}

#[test]
fn escapes_in_evidence_do_not_reach_the_terminal() {
    let mut run = run([section("API", [passed("api", "API", "\u{1b}[2J\nREADY \u{202e}")])]);
    run.sections[0].items.push(item("x", "no evidence", Status::Passed));
    assert_snapshot!(shown(&run, None), @r"
    Staging Readiness Checklist — M9 entrance · 0f1d7aa

    API
    ✓ passed  API          \u{1b}[2J\nREADY \u{202e}
    ✓ passed  no evidence

    READY: 2 of 2 passed in 1.2 s
    ");
}

#[test]
fn colours_change_nothing_but_colours() {
    let mut out = Vec::new();
    let options = RenderOptions { color: true, ..RenderOptions::plain(now()) };
    super::render(&sample::m9(), &options, &mut out).expect("a vector takes all");
    let painted = String::from_utf8(out).expect("reports are UTF-8");
    assert_eq!(anstream::adapter::strip_str(&painted).to_string(), shown(&sample::m9(), None));
}

fn detailed(run: &Run, detail: Detail) -> String {
    let mut out = Vec::new();
    super::render(run, &RenderOptions { detail, ..RenderOptions::plain(now()) }, &mut out).expect("a vector takes all");
    String::from_utf8(out).expect("reports are UTF-8")
}

#[test]
fn items_with_the_same_reason_are_grouped_and_those_for_people_take_one_line() {
    let refused = |id: &str| red(id, "Cache", Status::Error, "connection refused");
    let qa = sample::sign_off("qa", "QA", "QA lead");
    let because = BlockedBecause::Need { root: "qa".into(), status: Status::Pending, why: None, others: 0 };
    let product = ItemResult {
        status: Status::Blocked,
        cause: Some("qa".into()),
        reason: Some(because.into()),
        ..sample::sign_off("product", "Product", "Product owner")
    };
    let run = run([section(
        "S",
        [
            refused("cache"),
            red("api", "API", Status::Failed, "status: expected 200, got 503"),
            refused("queue"),
            blocked_by("mail", "Mail", "queue", "no"),
            qa,
            product,
            sample::sign_off("sre", "SRE", "SRE"),
        ],
    )]);
    let shown = detailed(&run, Detail::Quiet);
    let details = shown.split_once("\n\n").and_then(|(_, rest)| rest.split_once("\n\n")).expect("it has parts").1;
    assert_snapshot!(details, @"
    ! queue — Cache
      error: connection refused
       --> checklists/staging.yaml:10:9
      blocks 1 item: mail

    ! cache — Cache
      error: connection refused
       --> checklists/staging.yaml:10:9

    ✗ api — API
      failed: status: expected 200, got 503
       --> checklists/staging.yaml:10:9

    Not green:
    ! error    queue  connection refused
    ⊘ blocked  mail   blocked by queue
    ! error    cache  connection refused
    ✗ failed   api    status: expected 200, got 503

    … waits for qa (QA lead), sre (SRE), then product (Product owner)
      to sign: gate sign staging qa sre

    NOT READY: 0 of 7 passed, 1 failed, 2 errors, 2 blocked by 2 causes, 2 pending in 1.2 s
    ");
}

#[test]
fn quiet_counts_what_is_green() {
    let shown = detailed(&sample::m9(), Detail::Quiet);
    let rows = shown.split_once("\n⊘ GITHUB_TOKEN").expect("it explains").0;
    assert_snapshot!(rows, @r#"
    Staging Readiness Checklist — M9 entrance · 0f1d7aa

    Prerequisites (must be green before staging sign-off)
    ! error    Redis: `redis_connected == 1`               connecting to Redis: connection refused
                                                           (insecure: TLS not verified)
    ✗ failed   Grafana: 4 dashboards provisioned           dashboards.titles: "M4.5 Failure" not found
    ⊘ blocked  Secrets are present                         GITHUB_TOKEN is not set
    ✓ 1 passed
    - 1 deferred

    Smoke tests
    ⊘ blocked  Mismatch automation: trigger mismatch →     needs secrets-present (GITHUB_TOKEN is not
               GitHub issue                                set)
    … pending  k6 baseline                                 no report at load-tests/summary.json
    ✓ 1 passed
    ~ 1 waived

    Sign-off acceptance (QA + SRE)
    ⊘ blocked  QA lead confirms smoke tests (above)        needs secrets-present (GITHUB_TOKEN is not
                                                           set)
    … pending  SRE confirms infra (Redis, DB, Prometheus)  not signed
    ✓ 1 passed
    "#);
}

#[test]
fn verbose_shows_what_green_and_red_probes_returned() {
    let observation = |json: &str| Some(serde_json::value::RawValue::from_string(json.into()).expect("it is JSON"));
    let status = |passed| ExpectationResult { passed, ..sample::unmet("status", "200", "200", None) };
    let green = ItemResult {
        probes: vec![ProbeResult {
            observation: observation("{\"status\":200,\"text\":\"\\u001b[2J\"}"),
            evidence: Some("200".into()),
            expectations: vec![status(true)],
            ..sample::probe("http", Status::Passed, None)
        }],
        ..passed("api", "API answers", "200")
    };
    let failed = ItemResult {
        probes: vec![ProbeResult {
            observation: observation(&format!("\"{}\"", "x".repeat(2_000))),
            ..sample::probe("http", Status::Failed, Some("no"))
        }],
        ..red("db", "DB", Status::Failed, "no")
    };
    let shown = detailed(&run([section("S", [green, failed])]), Detail::Verbose);
    assert_snapshot!(shown.replace(&"x".repeat(90), "X"), @r#"
    Staging Readiness Checklist — M9 entrance · 0f1d7aa

    S
    ✓ passed  API answers  200
    ✗ failed  DB           no

    ✗ db — DB
      failed: no
       --> checklists/staging.yaml:39:13
      returned:
        "Xxxxxx
        Xxxxxxx
        Xxxxxxx
        Xxxxxxx
        Xxxxxxx
        Xxxxxxx
        Xxxxxxx
        Xxxxxxx
        Xxxxxxx
        Xxxxxxx
        xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx… (`--format json` shows all of it)

    ✓ api — API answers
      passed: 200 (120ms)
      expect: status: expected 200, got 200
      returned: {"status":200,"text":"\u001b[2J"}

    Not green:
    ✗ failed  db  no

    NOT READY: 1 of 2 passed, 1 failed in 1.2 s
    "#);
}
