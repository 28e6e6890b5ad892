//! Invalid values in settings and expectations: an invalid URL, a status that is text, an unclosed pattern.

use insta::assert_snapshot;

use crate::bad_checklist::bad_item;

#[test]
fn an_unknown_field_in_expect_is_found_before_the_run() {
    assert_snapshot!(bad_item("
        probes:
          - grafana: { url: http://grafana, token: t0ken }
            expect: { dashbords.count: { at_least: 4 } }
    "), @"
    error: unknown field `dashbords`
     --> checklists/staging.yaml:9:23
      |
    9 |             expect: { dashbords.count: { at_least: 4 } }
      |                       ^^^^^^^^^ did you mean `dashboards`?
    ");
}

#[test]
fn an_unknown_operator_is_named_with_its_nearest_neighbour() {
    assert_snapshot!(bad_item("
        probes:
          - http: { url: https://api }
            expect: { latency_ms: { at_mots: 500 } }
    "), @"
    error: unknown operator `at_mots`
     --> checklists/staging.yaml:9:37
      |
    9 |             expect: { latency_ms: { at_mots: 500 } }
      |                                     ^^^^^^^ did you mean `at_most`?
    ");
}

#[test]
fn an_expectation_that_can_never_hold_is_refused() {
    assert_snapshot!(bad_item("
        probes:
          - http: { url: https://api }
            expect: { status: \"200\" }
    "), @r#"
    error: `status` can never be `"200"`
     --> checklists/staging.yaml:9:31
      |
    9 |             expect: { status: "200" }
      |                               ^^^^^ it is a whole number, not text
      |
      = help: drop the quotes: `200`
    "#);
}

#[test]
fn an_empty_expect_asserts_nothing() {
    assert_snapshot!(bad_item("
        probes:
          - http: { url: https://api }
            expect: {}
    "), @"
    error: an empty `expect` asserts nothing
     --> checklists/staging.yaml:9:21
      |
    9 |             expect: {}
      |                     ^^
      |
      = help: leave `expect` out to keep the defaults of this kind of probe, or name a path, such as `status: 200`
    ");
}

#[test]
fn a_regular_expression_is_read_before_the_run() {
    assert_snapshot!(bad_item("
        probes:
          - http: { url: https://api }
            expect: { body: { matches: \"v(1\" } }
    "), @r#"
    error: `v(1` is not a regular expression
     --> checklists/staging.yaml:9:42
      |
    9 |             expect: { body: { matches: "v(1" } }
      |                                          ^ unclosed group
    "#);
}

#[test]
fn an_invalid_url_is_refused() {
    assert_snapshot!(bad_item("probes: [{ http: { url: api/healthz } }]"), @"
    error: the URL must begin with http:// or https://
     --> checklists/staging.yaml:7:33
      |
    7 |         probes: [{ http: { url: api/healthz } }]
      |                                 ^^^^^^^^^^^
    ");
}

#[test]
fn a_duration_without_its_unit_is_refused() {
    assert_snapshot!(bad_item("
        timeout: 10
        probes: [{ http: { url: https://api } }]
    "), @"
    error: invalid duration `10`: expected a number and a unit, such as `10s` or `2m30s`
     --> checklists/staging.yaml:7:18
      |
    7 |         timeout: 10
      |                  ^^
    ");
}

#[test]
fn a_zero_timeout_is_refused() {
    assert_snapshot!(bad_item("probes: [{ http: { url: https://api }, timeout: 0s }]"), @"
    error: `timeout` must be greater than zero
     --> checklists/staging.yaml:7:57
      |
    7 |         probes: [{ http: { url: https://api }, timeout: 0s }]
      |                                                         ^^
    ");
}
