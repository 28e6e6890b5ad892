//! Each operator: values for which it holds and for which it fails, with its messages.

use std::collections::BTreeMap;

use insta::assert_snapshot;
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Value, json};

use super::{judged, load};

#[test]
fn a_bare_value_means_equals() {
    let seen = json!({ "n": 1.0, "s": "200", "none": null, "list": [1, "a"], "yes": true });
    assert_snapshot!(judged("{ n: 1, s: '200', none: null, list: [1.0, a], yes: true }", &seen), @r#"
    ok: n 1
    ok: s "200"
    ok: none null
    ok: list [1.0, "a"]
    ok: yes true
    "#);
    assert_snapshot!(judged("{ n: 2, s: 200, none: x, list: [a, 1], yes: false }", &seen), @r#"
    n: expected 2, got 1.0
    ok: s 200
    none: expected "x", got null
    list: expected ["a", 1], got [1, "a"]
    yes: expected false, got true
    "#);
    assert_snapshot!(judged("{ gone: null, none: { equals: null }, yes: 'true' }", &seen), @r#"
    gone: not found
    ok: none null
    yes: expected "true" (text), got true
    "#);
}

#[test]
fn equals_of_a_map_leaves_no_key_over() {
    let seen = json!({ "m": { "a": 1, "b": [2] } });
    assert_snapshot!(judged("m: { equals: { b: [2], a: 1 } }", &seen), @r#"ok: m {"b": [2], "a": 1}"#);
    assert_snapshot!(judged("m: { equals: { a: 1 } }", &seen), @r#"m: expected {"a": 1}, got {"a": 1, "b": [2]}"#);
}

#[test]
fn long_lists_that_differ_in_length_say_so() {
    let seen = json!({ "list": [1, 2, 3, 4, 5] });
    assert_snapshot!(judged("list: [1, 2, 3, 4]", &seen), @"list: expected these 4 elements: [1, 2, 3, 4], got 5 elements");
}

#[test]
fn not_is_the_negation_but_a_missing_path_satisfies_nothing() {
    let seen = json!({ "role": "replica", "n": 3 });
    assert_snapshot!(judged("{ role: { not: master }, n: { not: { at_least: 4 } } }", &seen), @r#"
    ok: role not "master"
    ok: n not at least 4
    "#);
    assert_snapshot!(judged("role: { not: replica }\nn: { not: { one_of: [3, 4] } }", &seen), @r#"
    role: expected not "replica", got "replica"
    n: expected not 3 or 4, got 3
    "#);
    assert_snapshot!(judged("{ role: { not: { contains: rep } }, n: { not: { above: 2, below: 9 } } }", &seen), @r#"
    role: expected not to contain "rep", got "replica"
    n: expected not (above 2 and below 9), got 3
    "#);
    assert_snapshot!(judged("gone: { not: x }", &seen), @"gone: not found");
}

#[test]
fn one_of_names_the_choices() {
    let seen = json!({ "status": 503 });
    assert_snapshot!(judged("status: { one_of: [503, 200] }", &seen), @"ok: status 503 or 200");
    assert_snapshot!(judged("status: { one_of: [200, 202, 204] }", &seen), @"status: expected 200, 202 or 204, got 503");
}

#[test]
fn limits_hold_for_numbers() {
    let seen = json!({ "n": 4, "s": "4" });
    assert_snapshot!(judged("n: { at_least: 4, at_most: 4.0, above: 3.9, below: 5 }", &seen), @"ok: n at least 4, at most 4.0, above 3.9 and below 5");
    for expect in ["n: { at_least: 5 }", "n: { at_most: 3 }", "n: { above: 4 }", "n: { below: 4 }"] {
        assert!(!judged(expect, &seen).starts_with("ok"), "{expect}");
    }
    assert_snapshot!(judged("n: { at_least: 2, below: 4 }\ns: { at_least: 4 }", &seen), @r#"
    n: expected at least 2 and below 4, got 4
    s: expected at least 4, got "4" (not a number)
    "#);
}

#[test]
fn limits_hold_for_timestamps_in_any_zone() {
    let seen = json!({ "at": "2025-12-06T12:30:00+01:00", "no": "yesterday" });
    assert_snapshot!(judged("at: { above: 2025-12-06T11:00:00Z, below: 2025-12-06T12:00:00Z }", &seen), @"ok: at above 2025-12-06T11:00:00Z and below 2025-12-06T12:00:00Z");
    assert_snapshot!(judged("at: { at_least: 2025-12-06T12:00:00Z }\nno: { below: 2025-12-06T12:00:00Z }", &seen), @r#"
    at: expected at least 2025-12-06T12:00:00Z, got "2025-12-06T12:30:00+01:00"
    no: expected below 2025-12-06T12:00:00Z, got "yesterday" (not an RFC 3339 timestamp)
    "#);
}

#[test]
fn contains_looks_in_texts_lists_and_maps() {
    let seen = json!({ "s": "all is well", "l": ["AOS Traces", "Basic", 3], "m": { "x-tier": "free" }, "n": 3 });
    assert_snapshot!(judged("{ s: { contains: [all, well] }, l: { contains: [Basic, 3] }, m: { contains: x-tier } }", &seen), @r#"
    ok: s to contain "all" and "well"
    ok: l to contain "Basic" and 3
    ok: m to contain "x-tier"
    "#);
    assert_snapshot!(judged("
s: { contains: [all, ill] }
l: { contains: [AOS Traces, M4 Workflow, M4.5 Failure, Basi] }
m: { contains: x-rate }
n: { contains: 3 }
", &seen), @r#"
    s: "ill" not found
    l: "M4 Workflow", "M4.5 Failure", "Basi" not found
    m: "x-rate" not found
    n: expected to contain 3, got 3 (a number)
    "#);
    assert_snapshot!(judged("s: { contains: 3 }", &seen), @"s: 3 not found");
}

#[test]
fn matches_is_found_anywhere() {
    let seen = json!({ "s": "release-1.2", "n": 12 });
    assert_snapshot!(judged("s: { matches: '\\d\\.\\d' }", &seen), @r#"ok: s to match /\d\.\d/"#);
    assert_snapshot!(judged("s: { matches: '^\\d' }\nn: { matches: '1' }", &seen), @r#"
    s: expected to match /^\d/, got "release-1.2"
    n: expected to match /1/, got 12 (not text)
    "#);
}

#[test]
fn starts_with_and_ends_with_look_at_texts() {
    let seen = json!({ "url": "http://x/y.sql", "n": 3 });
    assert_snapshot!(judged("url: { starts_with: 'http:', ends_with: .sql }", &seen), @r#"ok: url to start with "http:" and to end with ".sql""#);
    assert_snapshot!(judged("url: { starts_with: 'https:' }\nn: { ends_with: x }", &seen), @r#"
    url: expected to start with "https:", got "http://x/y.sql"
    n: expected to end with "x", got 3 (not text)
    "#);
    assert_snapshot!(judged("url: { ends_with: .json }", &seen), @r#"url: expected to end with ".json", got "http://x/y.sql""#);
}

#[test]
fn length_counts_characters_elements_and_keys() {
    let seen = json!({ "s": "äö", "l": [1, 2, 3], "m": { "a": 1 }, "n": 3 });
    assert_snapshot!(judged("{ s: { length: 2 }, l: { length: { at_least: 3 } }, m: { length: { above: 0 } } }", &seen), @"
    ok: s length 2
    ok: l length at least 3
    ok: m length above 0
    ");
    assert_snapshot!(judged("{ s: { length: 4 }, l: { length: { below: 3 } }, n: { length: 1 } }", &seen), @"
    s: expected length 4, got length 2
    l: expected length below 3, got length 3
    n: expected length 1, got 3 (a number)
    ");
}

#[test]
fn every_names_the_first_that_is_wrong_and_how_many() {
    let seen = json!({ "v": [1, 1, 0, 1, 0], "one": [0], "none": [], "n": 1 });
    assert_snapshot!(judged("v: { every: { at_most: 1 } }", &seen), @"ok: v every element to be at most 1");
    assert_snapshot!(judged("{ v: { every: 1 }, one: { every: 1 }, none: { every: 1 }, n: { every: 1 } }", &seen), @"
    v[2]: expected 1, got 0 (and 1 more of 5)
    one[0]: expected 1, got 0
    none: expected every element to be 1, got an empty list
    n: expected every element to be 1, got 1 (not a list)
    ");
}

#[test]
fn some_names_the_first_when_none_is_right() {
    let seen = json!({ "t": ["a", "mismatch 7"], "one": ["a"], "none": [], "n": 1 });
    assert_snapshot!(judged("t: { some: { contains: '7' } }", &seen), @r#"ok: t at least one element to contain "7""#);
    assert_snapshot!(judged("{ t: { some: b }, one: { some: b }, none: { some: b }, n: { some: b } }", &seen), @r#"
    t: expected at least one element to be "b", got ["a", "mismatch 7"]
    one[0]: expected "b", got "a"
    none: expected at least one element to be "b", got an empty list
    n: expected at least one element to be "b", got 1 (not a list)
    "#);
}

#[test]
fn exists_is_about_the_path_and_null_is_there() {
    let seen = json!({ "x": null, "e": "boom" });
    assert_snapshot!(judged("{ x: { exists: true }, gone: { exists: false }, e: { exists: true, contains: boo } }", &seen), @r#"
    ok: x a value
    ok: gone none
    ok: e to contain "boo"
    "#);
    assert_snapshot!(judged("{ gone: { exists: true }, e: { exists: false }, x: { exists: false } }", &seen), @r#"
    gone: not found
    e: expected none, got "boom"
    x: expected none, got null
    "#);
}

#[test]
fn newer_than_looks_at_the_age_and_refuses_the_future() {
    let seen = json!({
        "fresh": "2025-12-06T11:55:00Z", "skewed": "2025-12-06T12:00:59Z", "zone": "2025-12-06T16:58:00+05:00",
        "old": "2025-12-05T11:59:59Z", "future": "2025-12-06T12:05:00Z", "no": "now", "n": 5,
    });
    let each = |names: &[&str]| {
        let lines: Vec<String> = names.iter().map(|name| format!("{name}: {{ newer_than: 10m }}")).collect();
        judged(&lines.join("\n"), &seen)
    };
    assert_snapshot!(each(&["fresh", "skewed", "zone"]), @"
    ok: fresh newer than 10m
    ok: skewed newer than 10m
    ok: zone newer than 10m
    ");
    assert_snapshot!(each(&["old", "future", "no", "n"]), @r#"
    old: expected newer than 10m, got "2025-12-05T11:59:59Z" (24h ago)
    future: expected newer than 10m, got "2025-12-06T12:05:00Z" (5m in the future)
    no: expected newer than 10m, got "now" (not an RFC 3339 timestamp)
    n: expected newer than 10m, got 5 (not an RFC 3339 timestamp)
    "#);
}

#[test]
fn version_is_in_a_range() {
    let seen = json!({ "v": "v1.4.2", "short": "15.5", "pre": "2.0.0-rc.1", "odd": "15.5 (Debian)" });
    assert_snapshot!(judged("{ v: { version: '>=1.4, <2' }, short: { version: '>=15' }, pre: { version: '>=2.0.0-rc.0' } }", &seen), @"
    ok: v version >=1.4, <2
    ok: short version >=15
    ok: pre version >=2.0.0-rc.0
    ");
    assert_snapshot!(judged("{ v: { version: ^2 }, pre: { version: '>=1' }, odd: { version: '>=15' } }", &seen), @r#"
    v: expected version ^2, got "v1.4.2"
    pre: expected version >=1, got "2.0.0-rc.1" (a pre-release)
    odd: expected version >=15, got "15.5 (Debian)" (not a version such as 1.2.3)
    "#);
}

#[test]
fn a_json_path_that_branches_is_judged_as_a_list() {
    let seen = json!({ "json": { "checks": [{ "name": "db", "ok": true }, { "name": "mq", "ok": false }] } });
    assert_snapshot!(judged("
$.json.checks[*].ok: { every: true }
$.json.checks[?@.ok==false].name: { length: 0 }
$.json.checks[0].ok: true
$..error: { exists: false }
", &seen), @"
    ($.json.checks[*].ok)[1]: expected true, got false (1 of 2)
    ($.json.checks[?@.ok==false].name): mq
    ok: $.json.checks[0].ok true
    ok: $..error none
    ");
    assert_snapshot!(judged("{ '$.json.parts[*].ok': { length: 0 }, '$..error': { exists: true } }", &seen), @"
    $.json.parts[*].ok: not found ($.json.parts is missing, $.json has checks)
    $..error: not found
    ");
}

#[test]
fn text_of_a_server_cannot_control_or_fill_the_terminal() {
    let seen = json!({ "s": format!("\u{1b}[2J{}", "x".repeat(10_000)) });
    let line = judged("s: { contains: ok }", &json!({ "s": "a\nb" }));
    assert_snapshot!(line, @r#"s: "ok" not found"#);
    assert_snapshot!(judged("s: y", &seen), @r#"s: expected "y", got "\u001b[2Jxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx…"#);
}

#[test]
fn absence_holds_only_where_what_would_hold_it_was_seen() {
    let seen = json!({ "json": null, "text": "<html>", "map": { "list": [] } });
    for path in ["map.error", "map.list[0]"] {
        let expect = format!("{path}: {{ exists: false }}");
        assert_eq!(judged(&expect, &seen), format!("ok: {path} none"));
    }
    for (expect, why) in [
        ("json.error: { exists: false }", "json.error: expected none, but json is null"),
        ("text.error: { exists: false }", "text.error: expected none, but text is text"),
        ("map.lst.error: { exists: false }", "map.lst.error: expected none, but map.lst is missing, map has list"),
        ("$.json[*].error: { exists: false }", "$.json[*].error: expected none, but $.json is null"),
        ("$.json[?@.ok==false]: { length: 0 }", "$.json[?@.ok==false]: not found ($.json is null)"),
    ] {
        assert_eq!(judged(expect, &seen), why);
    }
}

#[test]
fn an_incomparable_value_fails_and_so_does_its_negation() {
    let seen = json!({ "disk": "97%", "nan": ["NaN"], "lag": null, "none": [], "future": "2025-12-06T13:00:00Z" });
    for (path, matcher) in [
        ("disk", "{ above: 95 }"),
        ("disk", "97"),
        ("disk", "{ one_of: [97, 98] }"),
        ("disk", "{ version: '<2' }"),
        ("disk", "{ newer_than: 1h }"),
        ("disk", "{ every: 1 }"),
        ("nan", "{ every: { below: 5 } }"),
        ("nan", "{ contains: 0 }"),
        ("nan", "{ matches: N }"),
        ("lag", "{ above: 5 }"),
        ("lag", "{ length: 0 }"),
        ("lag", "{ contains: a }"),
        ("none", "{ every: 1 }"),
        ("future", "{ newer_than: 1h }"),
    ] {
        for expect in [format!("{path}: {matcher}"), format!("{path}: {{ not: {matcher} }}")] {
            assert!(!judged(&expect, &seen).starts_with("ok"), "{expect}");
        }
    }
}

/// The fields that matter of `http`, `command` and `file`: `json` exists only if it is JSON.
#[derive(Serialize, JsonSchema)]
struct Parsed {
    status: u16,
    headers: BTreeMap<String, String>,
    json: Option<Value>,
}

#[test]
fn a_path_that_collects_from_json_too_needs_it_for_absence() {
    let settings = schemars::generate::SchemaSettings::draft07().for_serialize();
    let schema: Value = settings.into_generator().into_root_schema_for::<Parsed>().into();
    let holds = |expect: &str, seen: &Value| {
        let expectations = load(expect, &schema).unwrap_or_else(|problems| panic!("{problems}"));
        let judgement = expectations[0].judge(seen, &[], Timestamp::UNIX_EPOCH);
        judgement.reason().map(str::to_owned)
    };
    let page = json!({ "status": 200, "headers": {} });
    let number = json!({ "status": 200, "headers": {}, "json": 5 });
    let good = json!({ "status": 200, "headers": {}, "json": { "ok": true } });
    for expect in [
        "$..errors: { exists: false }",
        "$..errors: { length: 0 }",
        "$..errors: { length: { at_most: 3 } }",
        "$..errors: { length: { not: 3 } }",
        "$..errors: []",
        "$..errors: { one_of: [[]] }",
        "$..errors: { not: [1] }",
        "$..errors: { not: { some: failed } }",
        "$..errors: { not: { contains: failed } }",
        "$['status', 'json'].errors: { exists: false }",
        "$[?@.level == 'error']: { exists: false }",
        "$.*.errors: { exists: false }",
        "$ [?@.level == 'error']: { exists: false }",
    ] {
        let reason = holds(expect, &page).unwrap_or_else(|| panic!("{expect} holds"));
        assert!(reason.ends_with("but `json` is missing: what was read is not JSON"), "{reason}");
        let reason = holds(expect, &number).unwrap_or_else(|| panic!("{expect} holds"));
        assert!(reason.ends_with("but `json` is a number"), "{reason}");
        assert_eq!(holds(expect, &good), None, "{expect}");
    }
    for expect in [
        "$..status: { some: 200 }",
        "$..status: { contains: 200 }",
        "$..status: { length: { at_least: 1 } }",
        "$['status', 'headers'].errors: { exists: false }",
        "$.headers..errors: { exists: false }",
    ] {
        assert_eq!(holds(expect, &page), None, "{expect}");
    }
    assert!(holds("$..status: { every: 200 }", &page).is_some(), "an unread status could differ");
}
