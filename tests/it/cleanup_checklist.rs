//! `cleanup` in checklists: with checks, bases, `via` and definitions, and invalid ones.

use insta::assert_snapshot;
use serde_json::Value;

use crate::cleanup::{Shop, check};
use crate::harness::{Project, dedent};

#[test]
fn a_check_can_clean_up_and_via_and_defaults_hold_for_it() {
    let project = Project::new(
        r#"
        title: T
        defaults: { timeout: 3s, via: "ssh://bastion.example" }
        sections:
          - title: S
            items:
              - id: one
                title: One
                probes: [{ http: { url: "http://api.example" } }]
                cleanup: { use: remove, with: { url: "http://api.example/x" } }
              - id: many
                title: Many
                timeout: 9s
                probes: [{ http: { url: "http://api.example" } }]
                cleanup:
                  - http: { method: DELETE, url: "http://api.example/y" }
                  - http: { method: DELETE, url: "http://api.example/z", via: null }
              - id: single
                title: Single
                probes: [{ http: { url: "http://api.example" } }]
                cleanup: { http: { method: DELETE, url: "http://api.example/y" } }
    "#,
    )
    .file("checks/remove.yaml", "description: Removes.\ninputs: { url: { description: U } }\nprobes: [{ http: { method: DELETE, url: \"${inputs.url}\" } }]\n");
    let shown = project.gate(&["show", "staging"]).stdout;
    let cleanups =
        shown.split("  cleanup:\n").skip(1).map(|part| part.split("\n- ").next().unwrap_or_default().trim_end());
    assert_snapshot!(cleanups.collect::<Vec<_>>().join("\n\n"), @r#"
    - http:
        method: DELETE
        url: http://api.example/x
        via: ssh://bastion.example
      default_expect:
        status:
          at_least: 200
          below: 300
      timeout: 3s

    - http:
        method: DELETE
        url: http://api.example/y
        via: ssh://bastion.example
      default_expect:
        status:
          at_least: 200
          below: 300
      timeout: 9s
    - http:
        method: DELETE
        url: http://api.example/z
        via: null
      default_expect:
        status:
          at_least: 200
          below: 300
      timeout: 9s

    - http:
        method: DELETE
        url: http://api.example/y
        via: ssh://bastion.example
      default_expect:
        status:
          at_least: 200
          below: 300
      timeout: 3s
    "#);
}

#[test]
fn an_environment_can_change_the_cleanup_of_a_base() {
    let shop = Shop::open();
    let base = "
        title: Base
        sections:
          - title: S
            items:
              - id: a
                title: A
                probes: [{ http: { url: \"${env.SHOP}/fine\" } }]
                cleanup: { http: { method: DELETE, url: \"${env.SHOP}/orders/base\" } }
              - id: b
                title: B
                probes: [{ http: { url: \"${env.SHOP}/fine\" } }]
                cleanup: { http: { method: DELETE, url: \"${env.SHOP}/orders/base\" } }
    ";
    let project = Project::new(
        "
        extends: _base.yaml
        title: Staging
        items:
          a: { cleanup: null }
          b: { cleanup: [{ http: { url: \"${env.SHOP}/fine\" } }] }
    ",
    )
    .file("checklists/_base.yaml", &dedent(base))
    .env("SHOP", shop.server.url());
    let output = check(&project, &[]);
    assert_eq!(output.code, 0, "{}{}", output.stdout, output.stderr);
    assert_eq!(shop.asked().len(), 3);
}

#[test]
fn an_invalid_cleanup_is_reported_before_anything_runs() {
    let project = Project::new(
        r#"
        title: T
        sections:
          - title: S
            items:
              - { id: a, title: A, deferred: LATER, cleanup: { tcp: { address: "127.0.0.1:9" } } }
              - id: b
                title: B
                probes: [{ tcp: { address: "127.0.0.1:9" }, as: port }]
                cleanup: { tcp: { address: "${other.address}" }, as: gone }
                evidence: ${gone.connected}
              - id: c
                title: C
                probes: [{ tcp: { address: "127.0.0.1:9" }, as: port }]
                cleanup: { tcp: { address: "127.0.0.1:9" }, as: port }
              - { id: d, title: D, probes: [{ tcp: { address: "127.0.0.1:9" } }], cleanup: remove it }
    "#,
    );
    let output = project.gate(&["validate"]);
    assert_eq!(output.code, 2);
    assert_snapshot!(output.stderr.trim_end(), @r#"
    error: `cleanup` without `probes` never runs
     --> checklists/staging.yaml:5:56
      |
    5 |       - { id: a, title: A, deferred: LATER, cleanup: { tcp: { address: "127.0.0.1:9" } } }
      |                                                        ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
      |
      = help: give the item `probes`, or remove it

    error: undefined reference `other`
     --> checklists/staging.yaml:9:37
      |
    9 |         cleanup: { tcp: { address: "${other.address}" }, as: gone }
      |                                     ^^^^^^^^^^^^^^^^
      |
      = help: expected one of `port`, `vars`, `env`, `secrets`, `items`, `inputs` or `each`

    error: undefined reference `gone`
      --> checklists/staging.yaml:10:19
       |
    10 |         evidence: ${gone.connected}
       |                   ^^^^^^^^^^^^^^^^^
       |
       = help: `gone` is a probe of `cleanup`, which runs last: only the cleanup probes after it can use it

    error: two probes of this item are called `port`
      --> checklists/staging.yaml:14:57
       |
    14 |         cleanup: { tcp: { address: "127.0.0.1:9" }, as: port }
       |                                                         ^^^^

    error: `cleanup` must be a probe or a list of probes, not text
      --> checklists/staging.yaml:15:84
       |
    15 |       - { id: d, title: D, probes: [{ tcp: { address: "127.0.0.1:9" } }], cleanup: remove it }
       |                                                                                    ^^^^^^^^^
       |
       = help: such as `cleanup: { http: { method: DELETE, url: … } }`
    "#);
}

#[test]
fn a_cleanup_is_recorded_and_counts_in_the_definition() {
    let shop = Shop::open();
    let project = shop.project(
        r#"
        - id: a
          title: A
          probes: [{ http: { method: POST, url: "${env.SHOP}/orders/a" }, as: order }]
          cleanup: { http: { method: DELETE, url: "${env.SHOP}/orders/a" } }
    "#,
    );
    let first = project.gate(&["check", "staging", "--report", "json=run.json"]);
    assert_eq!(first.code, 0, "{}{}", first.stdout, first.stderr);
    let read = |text: &str| serde_json::from_str::<Value>(text).expect("it is JSON");
    let saved = read(&project.read("run.json"));
    let again = read(&project.gate(&["report", "run.json", "--format", "json"]).stdout);
    assert_eq!(again["sections"], saved["sections"]);
    let text = project.read("checklists/staging.yaml");
    let without: String =
        text.lines().filter(|line| !line.contains("cleanup:")).map(|line| format!("{line}\n")).collect();
    let project = project.file("checklists/staging.yaml", &without);
    let second = project.gate(&["check", "staging", "--report", "json=run.json"]);
    assert_eq!(second.code, 0, "{}{}", second.stdout, second.stderr);
    assert_snapshot!(second.stderr.trim_end(), @"warning: weaker since the last green run (1): a: probe removed: cleanup http");
    let now = read(&project.read("run.json"));
    assert_ne!(now["sections"][0]["items"][0]["definition"], saved["sections"][0]["items"][0]["definition"]);
}

#[test]
fn the_name_of_a_cleanup_probe_is_for_the_cleanup_probes_after_it() {
    let project = Project::new(
        r#"
        title: T
        sections:
          - title: S
            items:
              - id: a
                title: A
                probes: [{ command: { argv: [echo, "${gone.stdout}"] } }]
                cleanup:
                  - command: { argv: [echo, one] }
                    as: gone
                  - command: { argv: [echo, "${gone.stdout}"] }
                evidence: it said ${gone.stdout}
    "#,
    );
    assert_snapshot!(project.gate(&["validate"]).stderr.trim_end(), @r#"
    error: undefined reference `gone`
     --> checklists/staging.yaml:7:45
      |
    7 |         probes: [{ command: { argv: [echo, "${gone.stdout}"] } }]
      |                                             ^^^^^^^^^^^^^^
      |
      = help: `gone` is a probe of `cleanup`, which runs last: only the cleanup probes after it can use it

    error: undefined reference `gone`
      --> checklists/staging.yaml:12:27
       |
    12 |         evidence: it said ${gone.stdout}
       |                           ^^^^^^^^^^^^^^
       |
       = help: `gone` is a probe of `cleanup`, which runs last: only the cleanup probes after it can use it
    "#);
}
