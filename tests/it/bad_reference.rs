//! Invalid references, secrets and checks: all are reported before anything runs.

use insta::assert_snapshot;

use crate::bad_checklist::{bad, bad_item, said, with_item};
use crate::harness::Project;

#[test]
fn an_unknown_variable_is_reported_with_the_nearest_name() {
    assert_snapshot!(bad("
        title: T
        vars: { api: http://127.0.0.1 }
        sections:
          - title: S
            items:
              - { id: a, title: A, probes: [{ http: { url: \"${vars.apu}/healthz\" } }] }
    "), @r#"
    error: variable `apu` is not defined
     --> checklists/staging.yaml:6:53
      |
    6 |       - { id: a, title: A, probes: [{ http: { url: "${vars.apu}/healthz" } }] }
      |                                                     ^^^^^^^^^^^ did you mean `api`?
    "#);
}

#[test]
fn circular_variables_are_refused() {
    assert_snapshot!(bad("
        title: T
        vars: { a: \"${vars.b}\", b: \"x${vars.a}\" }
        sections: [{ title: S, items: [{ id: a, title: A, deferred: x }] }]
    "), @r#"
    error: `vars.a` refers to itself
     --> checklists/staging.yaml:2:30
      |
    2 | vars: { a: "${vars.b}", b: "x${vars.a}" }
      |                              ^^^^^^^^^
    "#);
}

#[test]
fn a_secret_that_is_not_declared_is_refused() {
    assert_snapshot!(bad("
        title: T
        secrets: { GITHUB_TOKEN: }
        sections:
          - title: S
            items:
              - { id: a, title: A, probes: [{ http: { url: http://a, token: \"${secrets.GITHUB_TOKN}\" } }] }
    "), @r#"
    error: secret `GITHUB_TOKN` is not declared
     --> checklists/staging.yaml:6:70
      |
    6 |       - { id: a, title: A, probes: [{ http: { url: http://a, token: "${secrets.GITHUB_TOKN}" } }] }
      |                                                                      ^^^^^^^^^^^^^^^^^^^^^^
      |
      = help: did you mean `GITHUB_TOKEN`?
    "#);
}

#[test]
fn the_value_of_a_secret_in_the_file_is_refused_and_not_repeated() {
    let said = bad("
        title: T
        secrets: { TOKEN: hunter2hunter2 }
        sections: [{ title: S, items: [{ id: a, title: A, deferred: x }] }]
    ");
    assert!(!said.contains("hunter2"), "{said}");
    assert_snapshot!(said, @"
    error: the value of the secret `TOKEN` must not be stored in the checklist
     --> checklists/staging.yaml:2:19
      = help: remove the value to read the environment variable `TOKEN`, or use `{ file: … }`
    ");
}

#[test]
fn a_secret_from_two_places_is_refused() {
    assert_snapshot!(bad("
        title: T
        secrets: { TOKEN: { file: /run/token, command: [gh, auth, token] } }
        sections: [{ title: S, items: [{ id: a, title: A, deferred: x }] }]
    "), @"
    error: `TOKEN` comes from several places
     --> checklists/staging.yaml:2:12
      |
    2 | secrets: { TOKEN: { file: /run/token, command: [gh, auth, token] } }
      |            ^^^^^
      |
      = help: name one of `env`, `file` and `command`
    ");
}

#[test]
fn an_alias_is_known_only_behind_its_probe() {
    assert_snapshot!(bad_item("
        probes:
          - http: { url: \"http://api/${main.json.id}\" }
          - http: { url: http://api }
            as: main
    "), @r#"
    error: undefined reference `main`
     --> checklists/staging.yaml:8:38
      |
    8 |           - http: { url: "http://api/${main.json.id}" }
      |                                      ^^^^^^^^^^^^^^^
      |
      = help: name a probe before this one with `as: main`; write `$$` for a dollar
    "#);
}

#[test]
fn a_reference_to_what_a_probe_never_sees_is_refused() {
    assert_snapshot!(bad_item("
        probes:
          - http: { url: http://api }
            as: main
        evidence: version ${main.jsn.version}
    "), @"
    error: unknown field `jsn`
      --> checklists/staging.yaml:10:34
       |
    10 |         evidence: version ${main.jsn.version}
       |                                  ^^^ did you mean `json`?
    ");
}

#[test]
fn expect_as_a_whole_cannot_be_an_observation() {
    assert_snapshot!(bad_item("
        probes:
          - http: { url: http://api }
            as: main
          - http: { url: http://other }
            expect: ${main.json}
    "), @r#"
    error: `expect` can't be a value that is known only during the run
      --> checklists/staging.yaml:11:21
       |
    11 |             expect: ${main.json}
       |                     ^^^^^^^^^^^^
       |
       = help: name what is compared, such as `expect: { body: "${main.json}" }`
    "#);
}

#[test]
fn observations_of_another_item_need_it_in_needs() {
    assert_snapshot!(bad("
        title: T
        sections:
          - title: S
            items:
              - id: login
                title: Login
                probes: [{ http: { url: http://api }, as: session }]
              - id: orders
                title: Orders
                probes: [{ http: { url: http://api, token: \"${items.login.session.json.token}\" } }]
    "), @r#"
    error: `orders` uses a result of `login`, but does not need it
      --> checklists/staging.yaml:10:53
       |
    10 |         probes: [{ http: { url: http://api, token: "${items.login.session.json.token}" } }]
       |                                                     ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
       |
       = help: add it: `needs: [login]`
    "#);
}

#[test]
fn a_missing_variable_is_an_error_where_a_value_is_needed_before_the_run() {
    assert_snapshot!(bad_item("advisory: \"${env.NOT_SET_ANYWHERE}\"\nprobes: [{ file: { path: a } }]"), @r#"
    error: the environment variable `NOT_SET_ANYWHERE` is not set, and its value is needed before anything runs
     --> checklists/staging.yaml:7:19
      |
    7 |         advisory: "${env.NOT_SET_ANYWHERE}"
      |                   ^^^^^^^^^^^^^^^^^^^^^^^^^
      |
      = help: set it, or give a default: `${env.NOT_SET_ANYWHERE:-…}`
    "#);
    assert_snapshot!(bad_item("valid_for: ${env.NO_A}${env.NO_B}${env.NO_A}\nprobes: [{ file: { path: a } }]"), @"
    error: the environment variables `NO_A`, `NO_B` are not set, and their values are needed before anything runs
     --> checklists/staging.yaml:7:20
      |
    7 |         valid_for: ${env.NO_A}${env.NO_B}${env.NO_A}
      |                    ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
      |
      = help: set them, or give defaults: `${env.NO_A:-…}`, `${env.NO_B:-…}`
    ");
}

#[test]
fn an_unclosed_reference_is_reported_at_its_dollar_sign() {
    assert_snapshot!(bad_item("probes: [{ http: { url: \"http://${vars.api/healthz\" } }]"), @r#"
    error: a `${` is not closed
     --> checklists/staging.yaml:7:41
      |
    7 |         probes: [{ http: { url: "http://${vars.api/healthz" } }]
      |                                         ^^
      |
      = help: close it with `}`; write `$$` for a dollar
    "#);
}

#[test]
fn two_probes_of_an_item_are_not_called_the_same() {
    assert_snapshot!(bad_item("
        probes:
          - http: { url: http://api }
            as: main
          - http: { url: http://api }
            as: main
    "), @"
    error: two probes of this item are called `main`
      --> checklists/staging.yaml:11:17
       |
    11 |             as: main
       |                 ^^^^
    ");
}

#[test]
fn an_unknown_check_is_reported_with_the_nearest_name() {
    assert_snapshot!(bad_item("probes: [{ use: http-helth, with: { url: http://api } }]"), @"
    error: unknown check `http-helth`
     --> checklists/staging.yaml:7:25
      |
    7 |         probes: [{ use: http-helth, with: { url: http://api } }]
      |                         ^^^^^^^^^^
      |
      = help: did you mean `http-health`?
    ");
}

#[test]
fn a_check_says_which_inputs_it_lacks_and_which_it_does_not_know() {
    assert_snapshot!(bad_item("probes: [{ use: redis-writable, with: { ulr: redis://r } }]"), @"
    error: `redis-writable` has no input `ulr`
     --> checklists/staging.yaml:7:49
      |
    7 |         probes: [{ use: redis-writable, with: { ulr: redis://r } }]
      |                                                 ^^^ did you mean `url`?
    ");
}

/// A project with one item that uses a check of its own.
fn using(check: &str) -> Project {
    let checklist = with_item("probes: [{ use: mine, with: { port: abc } }]");
    Project::new(&checklist).file("checks/mine.yaml", &crate::harness::dedent(check))
}

#[test]
fn a_problem_that_spans_a_check_and_its_user_shows_both_places() {
    assert_snapshot!(said(&using("
        description: The latency is low.
        inputs: { port: { description: The limit. } }
        probes:
          - http: { url: http://api }
            expect: { latency_ms: { at_most: \"${inputs.port}\" } }
    ")), @r#"
    error: `at_most` needs a number or an RFC 3339 timestamp, not text
     --> checks/mine.yaml:5:38
      |
    5 |     expect: { latency_ms: { at_most: "${inputs.port}" } }
      |                                      ^^^^^^^^^^^^^^^^
      |
     ::: checklists/staging.yaml:7:25
      |
    7 |         probes: [{ use: mine, with: { port: abc } }]
      |                         ---- used here
    "#);
}

#[test]
fn a_check_knows_only_its_inputs() {
    assert_snapshot!(said(&using("
        description: A port is open.
        inputs: { port: { description: The port. } }
        probes:
          - tcp: { address: \"${vars.host}:${inputs.port}\" }
          - use: http-health
    ")), @r#"
    error: a check knows only its inputs, not `vars`
     --> checks/mine.yaml:4:22
      |
    4 |   - tcp: { address: "${vars.host}:${inputs.port}" }
      |                      ^^^^^^^^^^^^
      |
      = help: declare an input; `with:` sets it where the check is used

    error: a check cannot use another
     --> checks/mine.yaml:5:5
      |
    5 |   - use: http-health
      |     ^^^
      |
      = help: name its probes here
    "#);
}

#[test]
fn a_check_with_an_input_that_nothing_uses_is_refused() {
    assert_snapshot!(said(&using("
        description: A port is open.
        inputs: { port: { description: The port. } }
        probes:
          - tcp: { address: api:443 }
    ")), @"
    error: the input `port` is not used
     --> checks/mine.yaml:2:11
      |
    2 | inputs: { port: { description: The port. } }
      |           ^^^^
    ");
}

#[test]
fn options_of_a_probe_do_not_belong_to_the_use_of_a_check() {
    assert_snapshot!(bad_item("
        probes:
          - use: http-health
            with: { url: http://api }
            expect: { status: 204 }
    "), @"
    error: unknown key `expect`
      --> checklists/staging.yaml:10:13
       |
    10 |             expect: { status: 204 }
       |             ^^^^^^
       |
       = help: expected one of `use`, `with` or `via`
    ");
}
