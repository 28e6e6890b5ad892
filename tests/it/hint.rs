//! Words and forms of other tools in a checklist or on the command line: gate suggests its own.

use insta::assert_snapshot;

use crate::bad_checklist::{bad, bad_item};
use crate::harness::Project;

/// Every word that labels and helps suggest for these lines, in order.
fn proposed(said: &str) -> Vec<&str> {
    said.split("did you mean `").skip(1).filter_map(|rest| rest.split("`?").next()).collect()
}

#[test]
fn kinds_of_probe_have_other_names_elsewhere() {
    assert_snapshot!(bad_item("probes: [{ postgres: {} }]"), @"
    error: unknown probe `postgres`
     --> checklists/staging.yaml:7:20
      |
    7 |         probes: [{ postgres: {} }]
      |                    ^^^^^^^^ did you mean `sql`?

    error: `url` or `host` is missing
     --> checklists/staging.yaml:7:30
      |
    7 |         probes: [{ postgres: {} }]
      |                              ^^
    ");
    for (typed, meant) in
        [("mysql", "sql"), ("shell", "command"), ("run", "command"), ("https", "http"), ("ssl", "tls")]
    {
        assert_eq!(proposed(&bad_item(&format!("probes: [{{ {typed}: {{}} }}]"))), [meant], "{typed}");
    }
}

#[test]
fn settings_have_other_names_elsewhere() {
    assert_snapshot!(bad_item("probes: [{ tcp: { host: db, port: 5432 } }]"), @"
    error: unknown keys `host`, `port`
     --> checklists/staging.yaml:7:27
      |
    7 |         probes: [{ tcp: { host: db, port: 5432 } }]
      |                           ^^^^ did you mean `address`?
      |
      = help: such as `address: db.staging.example:5432`
    ");
    for typed in ["run", "exec", "cmd"] {
        let said = bad_item(&format!("probes: [{{ command: {{ {typed}: [ls] }} }}]"));
        assert_eq!(proposed(&said), ["argv"], "{typed}");
    }
}

#[test]
fn operators_have_other_names_elsewhere() {
    assert_snapshot!(bad_item("probes: [{ http: { url: https://api }, expect: { latency_ms: { lt: 300 } } }]"), @"
    error: unknown operator `lt`
     --> checklists/staging.yaml:7:72
      |
    7 |         probes: [{ http: { url: https://api }, expect: { latency_ms: { lt: 300 } } }]
      |                                                                        ^^ did you mean `below`?
    ");
    let pairs = [("gt", "above"), ("gte", "at_least"), ("lte", "at_most"), ("eq", "equals"), ("ne", "not")];
    for (typed, meant) in pairs {
        let said = bad_item(&format!(
            "probes: [{{ http: {{ url: https://api }}, expect: {{ status: {{ {typed}: 200 }} }} }}]"
        ));
        assert_eq!(proposed(&said), [meant], "{typed}");
    }
}

#[test]
fn a_reference_without_its_root_is_completed() {
    assert_snapshot!(bad("
        title: T
        vars: { api: https://api }
        secrets: { TOKEN: }
        sections:
          - title: S
            items:
              - id: api
                title: A
                probes:
                  - http: { url: \"${api}/a\", token: \"${TOKEN}\" }
                  - http: { url: \"${STAGING_URL}\" }
    "), @r#"
    error: undefined reference `api`
      --> checklists/staging.yaml:10:27
       |
    10 |           - http: { url: "${api}/a", token: "${TOKEN}" }
       |                           ^^^^^^ did you mean `${vars.api}`?

    error: undefined reference `TOKEN`
      --> checklists/staging.yaml:10:46
       |
    10 |           - http: { url: "${api}/a", token: "${TOKEN}" }
       |                                              ^^^^^^^^ did you mean `${secrets.TOKEN}`?

    error: undefined reference `STAGING_URL`
      --> checklists/staging.yaml:11:27
       |
    11 |           - http: { url: "${STAGING_URL}" }
       |                           ^^^^^^^^^^^^^^ did you mean `${env.STAGING_URL}`?
    "#);
}

#[test]
fn a_value_in_place_of_settings_is_given_its_setting() {
    assert_snapshot!(bad_item("probes: [{ http: https://api }, { command: ls }]"), @"
    error: `http` takes a map of settings, not text
     --> checklists/staging.yaml:7:26
      |
    7 |         probes: [{ http: https://api }, { command: ls }]
      |                          ^^^^^^^^^^^ did you mean `http: { url: … }`?

    error: `command` takes a map of settings, not text
     --> checklists/staging.yaml:7:52
      |
    7 |         probes: [{ http: https://api }, { command: ls }]
      |                                                    ^^ did you mean `command: { shell: … }`?
    ");
}

#[test]
fn a_reference_in_a_flow_map_is_to_be_quoted() {
    assert_snapshot!(bad_item("probes: [{ http: { url: ${vars.api}/healthz, redirects: 1 } }]"), @r#"
    error: unquoted `${…}` inside `{…}` or `[…]`
     --> checklists/staging.yaml:7:33
      |
    7 |         probes: [{ http: { url: ${vars.api}/healthz, redirects: 1 } }]
      |                                 ^^^^^^^^^^^
      |
      = help: quote the whole value, such as `"${vars.api}/healthz"`
    "#);
}

#[test]
fn a_colon_in_a_value_is_to_be_quoted() {
    assert_snapshot!(bad_item("hint: Deploy: step two"), @r#"
    error: unquoted `: ` in a value
     --> checklists/staging.yaml:7:21
      |
    7 |         hint: Deploy: step two
      |                     ^
      |
      = help: quote the value, such as `"Deploy: step two"`
    "#);
    assert_snapshot!(bad_item("needs: [{ a: b: c }]"), @r#"
    error: unquoted `: ` in a value
     --> checklists/staging.yaml:7:23
      |
    7 |         needs: [{ a: b: c }]
      |                       ^
      |
      = help: quote the value, such as `"b: c"`
    "#);
}

#[test]
fn an_at_sign_that_begins_a_value_is_to_be_quoted() {
    assert_snapshot!(bad_item("owner: @sre"), @r#"
    error: a value without quotes cannot start with `@`
     --> checklists/staging.yaml:7:16
      |
    7 |         owner: @sre
      |                ^
      |
      = help: quote the value, such as `"@sre"`
    "#);
}

#[test]
fn tabs_are_shown_in_their_own_line() {
    let item = "title: T\nsections:\n  - title: S\n    items:\n      - id: api\n        title: API answers\n";
    assert_snapshot!(bad(&format!("{item}\tdeferred: later\n")), @"
    error: a tab in the indentation
     --> checklists/staging.yaml:7:1
      |
    7 |     deferred: later
      | ^^^^
      |
      = help: use spaces: YAML allows no tabs there
    ");
    assert_snapshot!(bad(&format!("{item}        sign_off:\n\t  role: SRE\n")), @"
    error: a tab in the indentation
     --> checklists/staging.yaml:8:1
      |
    8 |       role: SRE
      | ^^^^
      |
      = help: use spaces: YAML allows no tabs there
    ");
}

#[test]
fn a_path_behind_markdown_is_joined_with_an_equals_sign() {
    let project = Project::new("title: T\nsections: [{ title: S, items: [{ id: a, title: A, manual: true }] }]\n");
    let said = |arguments: &[&str]| {
        let output = project.gate(arguments);
        assert_eq!(output.code, 2, "{}", output.stdout);
        output.stderr.trim_end().to_owned()
    };
    assert_snapshot!(said(&["check", "staging", "--markdown", "READINESS.md"]), @"
    error: unexpected argument 'READINESS.md' found

      tip: to write Markdown to `READINESS.md`, use `--markdown=READINESS.md`

    Usage: gate check [OPTIONS] <NAME>

    For more information, try '--help'.
    ");
    assert_snapshot!(said(&["check", "--markdown", "READINESS.md"]), @"
    error: `READINESS.md` is not a checklist
      help: to write Markdown to it: `gate check NAME --markdown=READINESS.md`
    ");
}

#[test]
fn a_list_of_items_shows_ids_of_sections_and_tags() {
    let project = Project::new(&crate::harness::dedent(
        "
        title: T
        sections:
          - title: Smoke tests
            id: smoke
            items:
              - { id: api, title: API answers, tags: [fast], probes: [{ http: { url: https://api } }] }
              - { id: docs, title: Docs are read, tags: [slow], deferred: later }
    ",
    ));
    assert_snapshot!(project.gate(&["list", "staging"]).stdout, @"
    Smoke tests [smoke]
    api   http #fast      API answers
    docs  deferred #slow  Docs are read
    ");
}

#[test]
fn a_setting_beside_its_kind_is_to_be_indented() {
    assert_snapshot!(bad_item("probes: [{ tcp: , address: 'db:5432' }]"), @"
    error: `address` is beside `tcp`, not inside it
     --> checklists/staging.yaml:7:27
      |
    7 |         probes: [{ tcp: , address: 'db:5432' }]
      |                    ---    ^^^^^^^
      |                    |
      |                    the probe without settings
      |
      = help: indent `address` further than `tcp`
    ");
}
