//! Invalid checklists: each mistake is reported at its position with a suggestion, and nothing runs.

use insta::assert_snapshot;

use crate::harness::Project;

/// The output of `gate validate` for a checklist with this text.
pub fn bad(checklist: &str) -> String {
    said(&Project::new(checklist))
}

/// The output of `gate validate` for the only checklist of a project. `gate check` prints the same, and runs nothing.
pub fn said(project: &Project) -> String {
    let output = project.gate(&["validate"]);
    assert_eq!((output.code, output.stdout.as_str()), (2, ""), "{}", output.stderr);
    let checked = project.gate(&["check", "staging"]);
    assert_eq!((checked.code, checked.stdout.as_str()), (2, ""), "{}", checked.stderr);
    assert_eq!(checked.stderr, output.stderr);
    output.stderr.trim_end().to_owned()
}

/// The same for a checklist of one item with these lines.
pub fn bad_item(lines: &str) -> String {
    bad(&with_item(lines))
}

/// A checklist of one item with these lines.
pub fn with_item(lines: &str) -> String {
    let lines = crate::harness::dedent(lines);
    let lines: String = lines.lines().map(|line| format!("        {line}\n")).collect();
    format!("title: T\nsections:\n  - title: S\n    items:\n      - id: api\n        title: API answers\n{lines}")
}

#[test]
fn a_misspelled_setting_is_reported_with_the_nearest_name() {
    assert_snapshot!(bad_item("probes: [{ http: { ulr: https://api } }]"), @"
    error: unknown key `ulr`
     --> checklists/staging.yaml:7:28
      |
    7 |         probes: [{ http: { ulr: https://api } }]
      |                            ^^^ did you mean `url`?
    ");
}

#[test]
fn consequences_of_a_wrong_setting_are_not_reported() {
    let said = bad_item(
        "
        probes:
          - env: { required: [API_KEY] }
          - command: { run: ls }
          - command: { argv: ls }
          - file: { glob: docs/*.md }
          - use: http-health
            with: { ur: http://127.0.0.1 }
    ",
    );
    assert_eq!(said.matches("error: ").count(), 5, "{said}");
    assert!(!said.contains("is missing") && !said.contains("needs its input"), "{said}");
    assert!(said.contains("help: such as `argv: ["), "{said}");
}

#[test]
fn an_undefined_variable_in_a_variable_is_reported_with_those_that_exist() {
    let said = bad("title: T\nvars: { host: h, url: \"${vars.domain}\" }\nsections: []\n");
    assert!(said.contains("variable `domain` is not defined"), "{said}");
    assert!(said.contains("help: expected one of `host` or `url`"), "{said}");
}

#[test]
fn a_misspelled_key_of_an_item_is_reported() {
    assert_snapshot!(bad_item("
        probe: [{ http: { url: https://api } }]
        needs: []
    "), @"
    error: unknown key `probe`
     --> checklists/staging.yaml:7:9
      |
    7 |         probe: [{ http: { url: https://api } }]
      |         ^^^^^ did you mean `probes`?
    ");
}

#[test]
fn a_misspelled_kind_of_probe_is_reported() {
    assert_snapshot!(bad_item("probes: [{ promethues: { query: up } }]"), @"
    error: unknown probe `promethues`
     --> checklists/staging.yaml:7:20
      |
    7 |         probes: [{ promethues: { query: up } }]
      |                    ^^^^^^^^^^ did you mean `prometheus`?

    error: `url` is missing
     --> checklists/staging.yaml:7:34
      |
    7 |         probes: [{ promethues: { query: up } }]
      |                                  ^^^^^^^^^
    ");
}

#[test]
fn a_duplicate_key_is_refused() {
    assert_snapshot!(bad_item("
        probes:
          - http: { url: https://api }
            expect: { status: 200 }
            expect: { status: 500 }
    "), @"
    error: duplicate key `expect`
      --> checklists/staging.yaml:10:13
       |
     9 |             expect: { status: 200 }
       |             ------ first used here
    10 |             expect: { status: 500 }
       |             ^^^^^^
    ");
}

#[test]
fn a_duplicate_id_is_refused() {
    assert_snapshot!(bad("
        title: T
        sections:
          - title: S
            items:
              - { id: api, title: A, deferred: later }
              - { id: api, title: B, deferred: later }
    "), @"
    error: duplicate id `api`
     --> checklists/staging.yaml:6:15
      |
    5 |       - { id: api, title: A, deferred: later }
      |               --- id of this item, too
    6 |       - { id: api, title: B, deferred: later }
      |               ^^^ id of this item
    ");
}

#[test]
fn an_unknown_need_is_reported_with_the_nearest_name() {
    assert_snapshot!(bad("
        title: T
        sections:
          - title: Base services
            items:
              - { id: api, title: A, deferred: x, needs: [apu, base-services, bd] }
              - { id: db, title: B, deferred: x, needs: [apu] }
    "), @"
    error: item or section `apu` not found
     --> checklists/staging.yaml:5:51
      |
    5 |       - { id: api, title: A, deferred: x, needs: [apu, base-services, bd] }
      |                                                   ^^^
      |
      = help: expected `db`

    error: item or section `base-services` not found
     --> checklists/staging.yaml:5:56
      |
    5 |       - { id: api, title: A, deferred: x, needs: [apu, base-services, bd] }
      |                                                        ^^^^^^^^^^^^^
      |
      = help: the section `Base services` has no `id`: add `id: base-services`, and write `needs: [base-services]`

    error: item or section `bd` not found
     --> checklists/staging.yaml:5:71
      |
    5 |       - { id: api, title: A, deferred: x, needs: [apu, base-services, bd] }
      |                                                                       ^^ did you mean `db`?

    error: item or section `apu` not found
     --> checklists/staging.yaml:6:50
      |
    6 |       - { id: db, title: B, deferred: x, needs: [apu] }
      |                                                  ^^^ did you mean `api`?
    ");
}

#[test]
fn circular_needs_are_printed_as_a_path() {
    assert_snapshot!(bad("
        title: T
        sections:
          - title: S
            items:
              - { id: a, title: A, deferred: x, needs: [b] }
              - { id: b, title: B, deferred: x, needs: [c] }
              - { id: c, title: C, deferred: x, needs: [a] }
    "), @"
    error: `needs` form a cycle: a → b → c → a
     --> checklists/staging.yaml:7:49
      |
    7 |       - { id: c, title: C, deferred: x, needs: [a] }
      |                                                 ^
      |
      = help: remove one of these `needs`
    ");
}

#[test]
fn an_item_cannot_need_the_section_that_it_is_in() {
    assert_snapshot!(bad("
        title: T
        sections:
          - title: S
            id: smoke
            items:
              - { id: qa, title: QA, needs: [smoke], sign_off: { role: QA, valid_for: 7d } }
    "), @"
    error: `needs` form a cycle: qa → qa
     --> checklists/staging.yaml:6:38
      |
    6 |       - { id: qa, title: QA, needs: [smoke], sign_off: { role: QA, valid_for: 7d } }
      |                                      ^^^^^
      |
      = help: remove one of these `needs`
    ");
}

#[test]
fn a_probe_of_two_kinds_is_refused() {
    assert_snapshot!(bad_item("
        probes:
          - http: { url: https://api }
            tcp: { address: api:443 }
    "), @"
    error: a probe must have exactly one kind
     --> checklists/staging.yaml:9:13
      |
    8 |           - http: { url: https://api }
      |             ---- first kind
    9 |             tcp: { address: api:443 }
      |             ^^^ second kind
      |
      = help: make two probes of it: begin a new line with `-`
    ");
}

#[test]
fn a_probe_of_no_kind_is_refused() {
    let said = bad_item(
        "
        probes:
          - expect: { status: 200 }
    ",
    );
    assert_snapshot!(said, @"
    error: the kind of this probe is missing
     --> checklists/staging.yaml:8:13
      |
    8 |           - expect: { status: 200 }
      |             ^^^^^^^^^^^^^^^^^^^^^
      |
      = help: `gate list --probes` lists all kinds; `use: NAME` uses a check
    ");
}

#[test]
fn an_item_that_cannot_fail_is_refused() {
    assert_snapshot!(bad_item("owner: \"@platform\""), @"
    error: `api` checks nothing
     --> checklists/staging.yaml:5:13
      |
    5 |       - id: api
      |             ^^^
      |
      = help: add `probes` or a `sign_off`; or `deferred` with the reason, or `pending` with what it waits for
    ");
}

#[test]
fn an_empty_list_of_probes_is_refused() {
    assert_snapshot!(bad_item("probes: []"), @"
    error: `api` checks nothing
     --> checklists/staging.yaml:5:13
      |
    5 |       - id: api
      |             ^^^
      |
      = help: add `probes` or a `sign_off`; or `deferred` with the reason, or `pending` with what it waits for
    ");
}

#[test]
fn a_list_where_a_map_is_wanted_is_said_so() {
    assert_snapshot!(bad("
        title: T
        sections:
          title: S
          items: []
    "), @"
    error: `sections` must be a list, not a map
     --> checklists/staging.yaml:3:3
      |
    3 |   title: S
      |   ^^^^^^^^
      |
      = help: begin each of its entries with `- `

    error: `items` is empty
     --> checklists/staging.yaml:4:3
      |
    4 |   items: []
      |   ^^^^^
      |
      = help: write an item below it: `- id: api`, and below that `  title: API answers`
    ");
}

#[test]
fn a_checklist_without_items_checks_nothing() {
    assert_snapshot!(bad("
        title: T
        sections: [{ title: S, text: words }]
    "), @"
    error: a checklist without items checks nothing
     --> checklists/staging.yaml:2:11
      |
    2 | sections: [{ title: S, text: words }]
      |           ^^^^^^^^^^^^^^^^^^^^^^^^
      |
      = help: a section has `items`
    ");
}

#[test]
fn a_missing_key_is_reported_where_it_belongs() {
    assert_snapshot!(bad_item("probes: [{ http: { method: POST } }]"), @"
    error: `url` is missing
     --> checklists/staging.yaml:7:28
      |
    7 |         probes: [{ http: { method: POST } }]
      |                            ^^^^^^^^^^^^
    ");
}

#[test]
fn a_gap_of_an_unknown_item_is_refused_and_so_is_one_that_nobody_accepted() {
    assert_snapshot!(bad("
        title: T
        sections: [{ title: S, items: [{ id: replay, title: R, pending: later }] }]
        gaps:
          - { gap: Replay, items: [repaly], accepted_until: 2026-03-01 }
          - { gap: Other, items: [replay], accepted_until: 2026-02-30, accepted_by: me }
    "), @r#"
    error: item `repaly` not found
     --> checklists/staging.yaml:4:28
      |
    4 |   - { gap: Replay, items: [repaly], accepted_until: 2026-03-01 }
      |                            ^^^^^^ did you mean `replay`?

    error: `accepted_by` is missing
     --> checklists/staging.yaml:4:53
      |
    4 |   - { gap: Replay, items: [repaly], accepted_until: 2026-03-01 }
      |                                                     ^^^^^^^^^^
      |
      = help: name who accepted the gap: `accepted_by: "@sre-lead"`

    error: invalid date `2026-02-30`: write a day of the calendar as YYYY-MM-DD, such as 2026-03-01
     --> checklists/staging.yaml:5:52
      |
    5 |   - { gap: Other, items: [replay], accepted_until: 2026-02-30, accepted_by: me }
      |                                                    ^^^^^^^^^^
    "#);
}

#[test]
fn invalid_yaml_is_reported_at_its_position() {
    assert_snapshot!(bad("
        title: T
        sections:
          - title: S
           items: []
    "), @"
    error: `items` is indented by 3 spaces, the keys above by 4
     --> checklists/staging.yaml:4:4
      |
    4 |    items: []
      |    ^^^^^
      |
      = help: indent all of one level by the same number of spaces
    ");
}

#[test]
fn tags_merge_keys_and_several_documents_are_refused_by_name() {
    assert_snapshot!(bad("
        title: !!str T
        sections: [{ title: S, items: [{ id: a, title: A, deferred: x }] }]
    "), @"
    error: the tag `!!str` is not supported
     --> checklists/staging.yaml:1:8
      |
    1 | title: !!str T
      |        ^^^^^
      |
      = help: remove it; to make text of the whole value, quote it
    ");
    assert_snapshot!(bad("
        title: T
        sections:
          - &base { title: S, items: [{ id: a, title: A, deferred: x }] }
          - <<: *base
            title: U
            text: more
    "), @"
    error: merge keys (`<<`) are not supported here
     --> checklists/staging.yaml:4:5
      |
    4 |   - <<: *base
      |     ^^
      |
      = help: write the keys out, or use an alias for the whole value
    ");
    assert_snapshot!(bad("
        title: T
        ---
        title: U
    "), @"
    error: `sections` is missing
     --> checklists/staging.yaml:1:1
      |
    1 | title: T
      | ^^^^^^^^

    error: more than one YAML document
     --> checklists/staging.yaml:2:1
      |
    2 | ---
      | ^^^
      |
      = help: a file contains one checklist: remove the `---`
    ");
}

#[test]
fn all_problems_are_reported_at_once() {
    assert_snapshot!(bad("
        titel: T
        sections:
          - title: S
            items:
              - id: api
                title: API answers
                tiemout: 5s
                needs: [dbb]
                probes:
                  - http: { url: \"${vars.api}\", methd: GET }
                    expect: { stauts: 200 }
              - id: db
                title: DB
                probes:
                  - sql: { url: \"postgresql://u@h/d\" }
    "), @r#"
    error: unknown key `titel`
     --> checklists/staging.yaml:1:1
      |
    1 | titel: T
      | ^^^^^ did you mean `title`?

    error: unknown key `tiemout`
     --> checklists/staging.yaml:7:9
      |
    7 |         tiemout: 5s
      |         ^^^^^^^ did you mean `timeout`?

    error: item or section `dbb` not found
     --> checklists/staging.yaml:8:17
      |
    8 |         needs: [dbb]
      |                 ^^^ did you mean `db`?

    error: variable `api` is not defined
      --> checklists/staging.yaml:10:27
       |
    10 |           - http: { url: "${vars.api}", methd: GET }
       |                           ^^^^^^^^^^^
       |
       = help: declare it under `vars:`

    error: unknown key `methd`
      --> checklists/staging.yaml:10:41
       |
    10 |           - http: { url: "${vars.api}", methd: GET }
       |                                         ^^^^^ did you mean `method`?

    error: unknown field `stauts`
      --> checklists/staging.yaml:11:23
       |
    11 |             expect: { stauts: 200 }
       |                       ^^^^^^ did you mean `status`?

    error: `query` is missing
      --> checklists/staging.yaml:15:20
       |
    15 |           - sql: { url: "postgresql://u@h/d" }
       |                    ^^^^^^^^^^^^^^^^^^^^^^^^^
    "#);
}
