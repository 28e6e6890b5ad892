//! Arguments of operators that can't be read, assert nothing, or contradict another.

use insta::assert_snapshot;

use super::problems;

#[test]
fn an_argument_that_cannot_be_read_says_where() {
    assert_snapshot!(problems("url: { matches: '^(a|b' }"), @"
    error: `^(a|b` is not a regular expression
     --> c.yaml:1:19
      |
    1 | url: { matches: '^(a|b' }
      |                   ^ unclosed group
    ");
    assert_snapshot!(problems("url: { matches: '(a{999}){999}' }"), @"
    error: the regular expression is too large
     --> c.yaml:1:17
      |
    1 | url: { matches: '(a{999}){999}' }
      |                 ^^^^^^^^^^^^^^^
    ");
    assert_snapshot!(problems("version: { version: '>=1 <2' }"), @"
    error: `>=1 <2` is not a range of versions
     --> c.yaml:1:21
      |
    1 | version: { version: '>=1 <2' }
      |                     ^^^^^^^^
      |
      = help: a range is written `>=1.2, <2`, `^1.2`, `~1.2.3`, `=1.2.3`
    ");
    assert_snapshot!(problems("version: { version: '*' }"), @"
    error: `*` matches any version, so it asserts nothing
     --> c.yaml:1:21
      |
    1 | version: { version: '*' }
      |                     ^^^
    ");
    assert_snapshot!(problems("url: { newer_than: 10 }"), @"
    error: invalid duration `10`: expected a number and a unit, such as `10s` or `2m30s`
     --> c.yaml:1:20
      |
    1 | url: { newer_than: 10 }
      |                    ^^
    ");
    assert_snapshot!(problems("status: { at_least: '200' }"), @"
    error: `at_least` needs a number or an RFC 3339 timestamp, not text
     --> c.yaml:1:21
      |
    1 | status: { at_least: '200' }
      |                     ^^^^^
      |
      = help: drop the quotes: `200`
    ");
    assert_snapshot!(problems("status: { one_of: 200 }"), @"
    error: `one_of` needs a list, not a number
     --> c.yaml:1:19
      |
    1 | status: { one_of: 200 }
      |                   ^^^
      |
      = help: such as `{ one_of: [200, 204] }`
    ");
    assert_snapshot!(problems("version: { exists: maybe }"), @"
    error: `exists` needs true or false, not text
     --> c.yaml:1:20
      |
    1 | version: { exists: maybe }
      |                    ^^^^^
    ");
    assert_snapshot!(problems("url: { starts_with: [a] }"), @"
    error: `starts_with` needs text, not a list
     --> c.yaml:1:21
      |
    1 | url: { starts_with: [a] }
      |                     ^^
    ");
}

#[test]
fn an_expectation_that_asserts_nothing_is_a_problem() {
    assert_snapshot!(problems("{}"), @"
    error: an empty `expect` asserts nothing
     --> c.yaml:1:1
      |
    1 | {}
      | ^^
      |
      = help: leave `expect` out to keep the defaults of this kind of probe, or name a path, such as `status: 200`
    ");
    assert_snapshot!(problems("[]"), @"
    error: `expect` must be a map from paths to expected values, not a list
     --> c.yaml:1:1
      |
    1 | []
      | ^^
      |
      = help: such as `expect: { status: 200 }`
    ");
    assert_snapshot!(problems("url: {}"), @"
    error: an empty map asserts nothing
     --> c.yaml:1:6
      |
    1 | url: {}
      |      ^^
      |
      = help: to ask for an empty map write `{ length: 0 }`
    ");
    assert_snapshot!(problems("url: { matches: '', contains: '', starts_with: '' }"), @"
    error: an empty `matches` asserts nothing
     --> c.yaml:1:17
      |
    1 | url: { matches: '', contains: '', starts_with: '' }
      |                 ^^

    error: an empty `contains` asserts nothing
     --> c.yaml:1:31
      |
    1 | url: { matches: '', contains: '', starts_with: '' }
      |                               ^^

    error: an empty `starts_with` asserts nothing
     --> c.yaml:1:48
      |
    1 | url: { matches: '', contains: '', starts_with: '' }
      |                                                ^^
    ");
    assert_snapshot!(problems("current: { length: { at_least: 0 } }"), @"
    error: the length of `current` is always at least 0, so it asserts nothing
     --> c.yaml:1:22
      |
    1 | current: { length: { at_least: 0 } }
      |                      ^^^^^^^^
    ");
    assert_snapshot!(problems("$.values[*]: 1"), @"
    error: `$.values[*]` can never be `1`
     --> c.yaml:1:14
      |
    1 | $.values[*]: 1
      |              ^ it is a list, not a number
      |
      = help: use `every`, `some` or `contains` for its elements
    ");
    assert_snapshot!(problems("current: { contains: [], one_of: [] }"), @"
    error: an empty `contains` asserts nothing
     --> c.yaml:1:22
      |
    1 | current: { contains: [], one_of: [] }
      |                      ^^

    error: an empty list matches nothing
     --> c.yaml:1:34
      |
    1 | current: { contains: [], one_of: [] }
      |                                  ^^
    ");
}

#[test]
fn operators_that_exclude_each_other_show_both_places() {
    assert_snapshot!(problems("status: { at_least: 500, at_most: 400 }"), @"
    error: `status` can never be both
     --> c.yaml:1:26
      |
    1 | status: { at_least: 500, at_most: 400 }
      |           --------       ^^^^^^^ at most 400
      |           |
      |           at least 500
    ");
    assert_snapshot!(problems("status: { above: 500, at_most: 500 }"), @"
    error: `status` can never be both
     --> c.yaml:1:23
      |
    1 | status: { above: 500, at_most: 500 }
      |           -----       ^^^^^^^ at most 500
      |           |
      |           above 500
    ");
    assert_snapshot!(problems("url: { equals: a, starts_with: b }"), @r#"
    error: `url` can never be both
     --> c.yaml:1:19
      |
    1 | url: { equals: a, starts_with: b }
      |        ------ "a" ^^^^^^^^^^^ to start with "b"
    "#);
    assert_snapshot!(problems("version: { exists: false, starts_with: v }"), @"
    error: what is not there can't satisfy `starts_with`
     --> c.yaml:1:27
      |
    1 | version: { exists: false, starts_with: v }
      |            ------         ^^^^^^^^^^^
      |            |
      |            nothing is to be there
    ");
}
