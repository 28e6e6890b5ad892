//! Observations that were cut at a limit: what can still be known of them.

use insta::assert_snapshot;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::super::Outcome;
use super::super::cut::Truncation;
use super::load;

/// The result of each expectation, one a line, when these paths were cut.
fn judged(expect: &str, seen: &Value, paths: &[&str]) -> String {
    let cuts = [Truncation::new(paths, "only the first 1 MiB was read", "max_body")];
    let expectations = load(expect, &Value::Bool(true)).unwrap_or_else(|problems| panic!("{problems}"));
    let lines =
        expectations.iter().map(|expectation| match expectation.judge(seen, &cuts, Timestamp::UNIX_EPOCH).outcome {
            Outcome::Holds => format!("ok: {}", expectation.path()),
            Outcome::Fails(why) => format!("failed: {why}"),
            Outcome::Unknown(why, _) => format!("error: {why}"),
        });
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn presence_in_a_cut_text_holds_and_absence_is_unknown() {
    let seen = json!({ "body": "all ok\nso far", "status": 200 });
    assert_snapshot!(judged("
body: { contains: ok }
status: { not: 500 }
", &seen, &["body"]), @"
    ok: body
    ok: status
    ");
    assert_snapshot!(judged("body: { not: { contains: FATAL } }", &seen, &["body"]), @r#"error: body: expected not to contain "FATAL", but only the first 1 MiB was read"#);
    assert_snapshot!(judged("body: { contains: [ok, done] }", &seen, &["body"]), @r#"error: body: expected to contain "ok" and "done", but only the first 1 MiB was read"#);
    assert_snapshot!(judged("body: { not: { contains: ok } }", &seen, &["body"]), @r#"failed: body: expected not to contain "ok", got "all ok\nso far""#);
    assert_snapshot!(judged("body: { equals: \"all ok\\nso far\" }", &seen, &["body"]), @r#"error: body: expected "all ok\nso far", but only the first 1 MiB was read"#);
    assert_snapshot!(judged("body: { starts_with: all }", &seen, &["body"]), @"ok: body");
    assert_snapshot!(judged("body: { ends_with: far }", &seen, &["body"]), @r#"error: body: expected to end with "far", but only the first 1 MiB was read"#);
}

#[test]
fn a_match_counts_only_where_what_follows_cannot_change_it() {
    let seen = json!({ "body": "line 1 ok\nline 2 fa" });
    assert_snapshot!(judged("body: { matches: '(?m)ok$' }", &seen, &["body"]), @"ok: body");
    assert_snapshot!(judged("body: { matches: 'fa$' }", &seen, &["body"]), @"error: body: expected to match /fa$/, but only the first 1 MiB was read");
    assert_snapshot!(judged("body: { not: { matches: fatal } }", &seen, &["body"]), @"error: body: expected not to match /fatal/, but only the first 1 MiB was read");
}

#[test]
fn a_cut_number_is_the_least_that_it_may_be() {
    let seen = json!({ "row_count": 1000 });
    assert_snapshot!(judged("row_count: { at_least: 1000 }", &seen, &["row_count"]), @"ok: row_count");
    assert_snapshot!(judged("row_count: { at_most: 1000 }", &seen, &["row_count"]), @"error: row_count: expected at most 1000, but only the first 1 MiB was read");
    assert_snapshot!(judged("row_count: { at_most: 999 }", &seen, &["row_count"]), @"failed: row_count: expected at most 999, got 1000");
    assert_snapshot!(judged("row_count: 1000", &seen, &["row_count"]), @"error: row_count: expected 1000, but only the first 1 MiB was read");
    assert_snapshot!(judged("row_count: { not: 1001 }", &seen, &["row_count"]), @"error: row_count: expected not 1001, but only the first 1 MiB was read");
}

#[test]
fn a_cut_list_may_go_on_with_the_part_whatever_its_elements_are() {
    let seen = json!({ "rows": ["b", "a"] });
    assert_snapshot!(judged("rows: { contains: a }", &seen, &["rows"]), @"ok: rows");
    assert_snapshot!(judged("rows: { contains: [1, a] }", &seen, &["rows"]), @r#"error: rows: expected to contain 1 and "a", but only the first 1 MiB was read"#);
    assert_snapshot!(judged("rows: { not: { contains: 1 } }", &seen, &["rows"]), @"error: rows: expected not to contain 1, but only the first 1 MiB was read");
}

#[test]
fn the_elements_of_a_cut_list_are_known_but_not_its_end() {
    let seen = json!({ "rows": [{ "failed": 0 }, { "failed": 0 }] });
    assert_snapshot!(judged("
rows[1].failed: 0
rows[0].gone: { exists: false }
$.rows[*].failed: { some: 0 }
rows: { length: { at_least: 2 } }
", &seen, &["rows"]), @"
    ok: rows[1].failed
    ok: rows[0].gone
    ok: $.rows[*].failed
    ok: rows
    ");
    assert_snapshot!(judged("
rows[2]: { exists: false }
rows[2].failed: 0
$.rows[*].failed: { every: 0 }
$.rows[?@.failed==1]: { length: 0 }
$.rows[-1].failed: 0
$.rows[-1:].failed: { every: 0 }
$..error: { exists: false }
rows: { length: 2 }
", &seen, &["rows"]), @"
    error: rows[2]: expected none, but only the first 1 MiB was read
    error: rows[2].failed: expected 0, but only the first 1 MiB was read
    error: $.rows[*].failed: expected every element to be 0, but only the first 1 MiB was read
    error: $.rows[?@.failed==1]: expected to be empty, but only the first 1 MiB was read
    error: $.rows[-1].failed: expected 0, but only the first 1 MiB was read
    error: $.rows[-1:].failed: expected every element to be 0, but only the first 1 MiB was read
    error: $..error: expected none, but only the first 1 MiB was read
    error: rows: expected length 2, but only the first 1 MiB was read
    ");
    assert_snapshot!(judged("$.rows[*].failed: { every: 1 }", &seen, &["rows"]), @"failed: ($.rows[*].failed)[0]: expected 1, got 0 (and 1 more of 2)");
}

#[test]
fn nothing_is_known_of_what_could_not_be_parsed_because_it_was_cut() {
    let expect = "
json.error: { exists: false }
json: { exists: true }
json.status: ok
";
    let [null, absent] = [json!({ "json": null }), json!({})].map(|seen| judged(expect, &seen, &["body", "json"]));
    assert_eq!(null, absent);
    assert_snapshot!(null, @r#"
    error: json.error: expected none, but only the first 1 MiB was read
    error: json: expected a value, but only the first 1 MiB was read
    error: json.status: expected "ok", but only the first 1 MiB was read
    "#);
    let null = judged("json: null", &json!({ "json": null }), &["body", "json"]);
    assert_snapshot!(null, @"error: json: expected null, but only the first 1 MiB was read");
}
