//! Everything that is found before a run, as the user sees it.

use insta::assert_snapshot;
use serde_json::Value;

use super::{load, problems};

#[test]
fn good_expectations_have_no_problems() {
    assert_snapshot!(problems("
status: { at_least: 200, below: 300 }
latency_ms: { below: 0.5 }
state: active
version: { version: '>=1' }
current: [014_trace_mismatches]
values: { every: 1 }
by_status: { '200': 60, '429': 5 }
by_status.200: 60
dashboards.titles: { contains: [A, B], length: { at_least: 2 } }
dashboards.folders: { some: { equals: { title: X } } }
json.anything[3].at: { newer_than: 10m }
$.values[*]: { length: 3 }
"), @"nothing is wrong");
}

#[test]
fn an_unknown_field_is_named_at_its_word() {
    assert_snapshot!(problems("dashbords.count: 4\ndashboards.titels: { length: 1 }\n\"dashboards.folder[0].title\": x"), @r#"
    error: unknown field `dashbords`
     --> c.yaml:1:1
      |
    1 | dashbords.count: 4
      | ^^^^^^^^^ did you mean `dashboards`?

    error: unknown field `titels`
     --> c.yaml:2:12
      |
    2 | dashboards.titels: { length: 1 }
      |            ^^^^^^ did you mean `titles`?

    error: unknown field `folder`
     --> c.yaml:3:13
      |
    3 | "dashboards.folder[0].title": x
      |             ^^^^^^ did you mean `folders`?
    "#);
    assert_snapshot!(problems("$.dashbords[*].count: { length: 4 }"), @"
    error: unknown field `dashbords`
     --> c.yaml:1:3
      |
    1 | $.dashbords[*].count: { length: 4 }
      |   ^^^^^^^^^ did you mean `dashboards`?
    ");
    assert_snapshot!(problems("zebra: 4"), @"
    error: unknown field `zebra`
     --> c.yaml:1:1
      |
    1 | zebra: 4
      | ^^^^^
      |
      = help: expected one of `status`, `latency_ms`, `at_head`, `url`, `version`, `state`, `current`,
              `values`, `by_status`, `dashboards` or `json`
      = help: in the answer it may be `by_status.zebra` or `json.zebra`
    ");
    assert_snapshot!(problems("status.code: 4\nstatus[0]: 4"), @"
    error: unknown field `code`
     --> c.yaml:1:8
      |
    1 | status.code: 4
      |        ^^^^ a whole number has no fields

    error: `status` is not a list
     --> c.yaml:2:7
      |
    2 | status[0]: 4
      |       ^^^ it is a whole number
    ");
    assert_snapshot!(problems("dashboards.folders: [{ titel: x }]"), @"
    error: unknown field `titel`
     --> c.yaml:1:24
      |
    1 | dashboards.folders: [{ titel: x }]
      |                        ^^^^^ did you mean `title`?
    ");
}

#[test]
fn an_impossible_value_says_what_to_write() {
    assert_snapshot!(problems("status: '200'"), @r#"
    error: `status` can never be `"200"`
     --> c.yaml:1:9
      |
    1 | status: '200'
      |         ^^^^^ it is a whole number, not text
      |
      = help: drop the quotes: `200`
    "#);
    assert_snapshot!(problems("url: 5"), @r#"
    error: `url` can never be `5`
     --> c.yaml:1:6
      |
    1 | url: 5
      |      ^ it is text, not a number
      |
      = help: put it in quotes: `"5"`
    "#);
    assert_snapshot!(problems("current: [014]"), @r#"
    error: an element of `current` can never be `014`
     --> c.yaml:1:11
      |
    1 | current: [014]
      |           ^^^ it is text, not a number
      |
      = help: put it in quotes: `"014"`
    "#);
    assert_snapshot!(problems("status: 70000"), @"
    error: `status` can never be `70000`
     --> c.yaml:1:9
      |
    1 | status: 70000
      |         ^^^^^ it is a whole number from 0 to 65535
    ");
    assert_snapshot!(problems("status: 200.5"), @"
    error: `status` can never be `200.5`
     --> c.yaml:1:9
      |
    1 | status: 200.5
      |         ^^^^^ it is a whole number from 0 to 65535
    ");
    assert_snapshot!(problems("at_head: yes"), @"
    error: `at_head` can never be `yes`
     --> c.yaml:1:10
      |
    1 | at_head: yes
      |          ^^^ it is true or false, not text
      |
      = help: did you mean `true`?
    ");
    assert_snapshot!(problems("state: activ"), @"
    error: `state` can never be `activ`
     --> c.yaml:1:8
      |
    1 | state: activ
      |        ^^^^^ it is `active` or `disabled_manually`
      |
      = help: did you mean `active`?
    ");
    assert_snapshot!(problems("state: { one_of: [active, gone] }"), @"
    error: `state` can never be `gone`
     --> c.yaml:1:27
      |
    1 | state: { one_of: [active, gone] }
      |                           ^^^^ it is `active` or `disabled_manually`
    ");
    assert_snapshot!(problems("url: [a]"), @"
    error: `url` can never be a list
     --> c.yaml:1:6
      |
    1 | url: [a]
      |      ^^ it is text, not a list
    ");
    assert_snapshot!(problems("status: { equals: { a: 1 } }"), @"
    error: `status` can never be a map
     --> c.yaml:1:21
      |
    1 | status: { equals: { a: 1 } }
      |                     ^^^^ it is a whole number, not a map
    ");
    assert_snapshot!(problems("status:"), @"
    error: `status` can never be null
     --> c.yaml:1:7
      |
    1 | status:
      |       ^ it is a whole number
    ");
    assert_snapshot!(problems("values: { every: .nan }"), @"
    error: nothing equals `.nan`
     --> c.yaml:1:18
      |
    1 | values: { every: .nan }
      |                  ^^^^
      |
      = help: JSON has no such number; for bounds, use `at_least`, `below`, …
    ");
}

#[test]
fn an_impossible_operator_says_what_the_value_is() {
    assert_snapshot!(problems("url: { at_least: 5 }"), @"
    error: `url` can never be at least `5`
     --> c.yaml:1:18
      |
    1 | url: { at_least: 5 }
      |                  ^ it is text, not a number
    ");
    assert_snapshot!(problems("status: { at_least: 70000 }"), @"
    error: `status` can never be at least `70000`
     --> c.yaml:1:21
      |
    1 | status: { at_least: 70000 }
      |                     ^^^^^ it is a whole number from 0 to 65535
    ");
    assert_snapshot!(problems("status: { below: 0 }"), @"
    error: `status` can never be below `0`
     --> c.yaml:1:18
      |
    1 | status: { below: 0 }
      |                  ^ it is a whole number from 0 to 65535
    ");
    assert_snapshot!(problems("status: { above: 2025-12-06T12:00:00Z }"), @"
    error: `status` can never be above `2025-12-06T12:00:00Z`
     --> c.yaml:1:18
      |
    1 | status: { above: 2025-12-06T12:00:00Z }
      |                  ^^^^^^^^^^^^^^^^^^^^ it is a whole number
    ");
    assert_snapshot!(problems("by_status: { every: 1 }"), @"
    error: `by_status` can never satisfy `every`
     --> c.yaml:1:14
      |
    1 | by_status: { every: 1 }
      |              ^^^^^ it is a map
      |
      = help: the values of a map, as a list: `$.by_status.*`
    ");
    assert_snapshot!(problems("status: { contains: 2 }"), @"
    error: `status` can never satisfy `contains`
     --> c.yaml:1:11
      |
    1 | status: { contains: 2 }
      |           ^^^^^^^^ it is a whole number
    ");
    assert_snapshot!(problems("latency_ms: { matches: '^1' }"), @"
    error: `latency_ms` can never satisfy `matches`
     --> c.yaml:1:15
      |
    1 | latency_ms: { matches: '^1' }
      |               ^^^^^^^ it is a number
    ");
    assert_snapshot!(problems("dashboards.titles: { contains: 4 }"), @r#"
    error: an element of `dashboards.titles` can never be `4`
     --> c.yaml:1:32
      |
    1 | dashboards.titles: { contains: 4 }
      |                                ^ it is text, not a number
      |
      = help: put it in quotes: `"4"`
    "#);
    assert_snapshot!(problems("dashboards.titles: { length: { below: x } }"), @"
    error: `below` needs a number or an RFC 3339 timestamp, not text
     --> c.yaml:1:39
      |
    1 | dashboards.titles: { length: { below: x } }
      |                                       ^
    ");
    assert_snapshot!(problems("dashboards.titles: { every: { at_least: 2 } }"), @"
    error: an element of `dashboards.titles` can never be at least `2`
     --> c.yaml:1:41
      |
    1 | dashboards.titles: { every: { at_least: 2 } }
      |                                         ^ it is text, not a number
    ");
}

#[test]
fn an_unknown_operator_is_named_with_its_nearest_neighbour() {
    assert_snapshot!(problems("status: { at_lest: 200 }"), @"
    error: unknown operator `at_lest`
     --> c.yaml:1:11
      |
    1 | status: { at_lest: 200 }
      |           ^^^^^^^ did you mean `at_least`?
    ");
    assert_snapshot!(problems("dashboards: { count: 4 }"), @"
    error: unknown operator `count`
     --> c.yaml:1:15
      |
    1 | dashboards: { count: 4 }
      |               ^^^^^
      |
      = help: for a field of that name write `dashboards.count: …`
      = help: to compare the whole map write `dashboards: { equals: { … } }`
    ");
    assert_snapshot!(problems("json: { ok: true }"), @"
    error: unknown operator `ok`
     --> c.yaml:1:9
      |
    1 | json: { ok: true }
      |         ^^
      |
      = help: expected one of `equals`, `not`, `one_of`, `at_least`, `at_most`, `above`, `below`,
              `contains`, `matches`, `starts_with`, `ends_with`, `length`, `every`, `some`, `exists`,
              `newer_than` or `version`
      = help: for a field of that name write `json.ok: …`
      = help: to compare the whole map write `json: { equals: { … } }`
    ");
    assert_snapshot!(problems("by_status: { contain: '200' }"), @"
    error: unknown operator `contain`
     --> c.yaml:1:14
      |
    1 | by_status: { contain: '200' }
      |              ^^^^^^^ did you mean `contains`?
    ");
    assert_snapshot!(problems("status: { zebra: 200 }"), @"
    error: unknown operator `zebra`
     --> c.yaml:1:11
      |
    1 | status: { zebra: 200 }
      |           ^^^^^
      |
      = help: expected one of `equals`, `not`, `one_of`, `at_least`, `at_most`, `above`, `below`,
              `contains`, `matches`, `starts_with`, `ends_with`, `length`, `every`, `some`, `exists`,
              `newer_than` or `version`
    ");
    assert_snapshot!(problems("values: { every: { exists: true } }"), @"
    error: `exists` belongs directly under a path
     --> c.yaml:1:20
      |
    1 | values: { every: { exists: true } }
      |                    ^^^^^^
      |
      = help: such as `values: { exists: false }`
    ");
}

#[test]
fn an_unresolved_value_is_skipped_but_not_its_neighbors() {
    assert_snapshot!(problems("status: ${vars.s}\nurl: { starts_with: \"${vars.api}/x\", matches: '(' }"), @r#"
    error: `(` is not a regular expression
     --> c.yaml:2:48
      |
    2 | url: { starts_with: "${vars.api}/x", matches: '(' }
      |                                                ^ unclosed group
    "#);
    let read = load("status: ${vars.s}\nurl: { one_of: [a, \"${vars.b}\"] }\nstate: active", &super::schema());
    assert_eq!(read.expect("no problem").iter().map(super::Expectation::path).collect::<Vec<_>>(), ["state"]);
}

#[test]
fn every_example_of_an_operator_is_a_good_expectation() {
    for operator in super::super::OPERATORS {
        let read = load(operator.example, &Value::Bool(true)).unwrap_or_else(|problems| panic!("{problems}"));
        assert!(operator.example.contains(&format!("{}: ", operator.name)), "{}", operator.name);
        assert_eq!(read.len(), 1, "{}", operator.name);
    }
}

#[test]
fn a_path_that_nests_without_end_is_refused() {
    for (open, close) in [("[?(", "1==1)]"), ("[?@[?", "@]]"), ("[", "0]"), ("[?length(", "@)]")] {
        let deep = format!("$.url{}{}", open.repeat(20_000), close.repeat(20_000));
        let said = problems(&format!("? {}\n: 1", serde_json::to_string(&deep).expect("it is text")));
        assert!(said.starts_with("error: brackets nest deeper than 16 levels in a JSONPath"), "{open}: {said}");
        let begun = std::time::Instant::now();
        let depth = 16 / open.matches(['[', '(']).count();
        problems(&format!("'$.url{}{}': 1", open.repeat(depth), close.repeat(depth)));
        assert!(begun.elapsed() < std::time::Duration::from_secs(2), "{open}: {:?}", begun.elapsed());
    }
    let long = format!("url{}", ".a".repeat(100_000));
    assert!(problems(&format!("? {long}\n: 1")).len() < 500_000);
}

#[test]
fn a_commit_without_quotes_is_a_number_and_a_problem() {
    for (expect, commit) in [("json.version: 72225e2", "72225e2"), ("json.commit: 7222500", "7222500")] {
        let reported = problems(expect);
        assert!(reported.contains(&format!("`{commit}` is a number without quotes, not a commit")), "{reported}");
        assert!(reported.contains(&format!("quote it: `\"{commit}\"`")), "{reported}");
    }
    assert_eq!(problems("json.size: 7222500\njson.commit: '7222500'\njson.ratio: 1.5e3"), "nothing is wrong");
}
