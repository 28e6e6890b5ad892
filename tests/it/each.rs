//! `each` makes an item for every element of a list; these behave like other items in every command and report.

use insta::assert_snapshot;

use crate::harness::Project;

/// Twelve services from one list, with five items each.
fn services() -> Project {
    let services: String = (1..=12).map(|at| format!("    - {{ name: svc-{at}, port: {} }}\n", 8000 + at)).collect();
    Project::new(&format!(
        r#"
title: Services
subject: r1
markdown: docs/SERVICES.md
vars:
  services:
{services}
sections:
  - title: Services
    id: services
    each: ${{vars.services}}
    items:
      - id: health
        title: ${{each.name}} is healthy
        probes: [{{ command: {{ argv: [echo, "${{each.name}}:${{each.port}}"] }}, expect: {{ stdout: {{ starts_with: "${{each.name}}" }} }} }}]
      - id: version
        title: ${{each.name}} has a version
        needs: ["health/${{each.name}}"]
        tags: [slow]
        probes: [{{ command: {{ argv: [test, "${{each.name}}", "!=", svc-3] }} }}]
      - id: metrics
        title: ${{each.name}} exports metrics
        parent: health/${{each.name}}
        probes: [{{ command: {{ argv: ["true"] }} }}]
      - {{ id: owner, title: "${{each.name}} has an owner", owner: "@${{each.team:-platform}}", deferred: LATER }}
      - id: qa
        title: QA confirms ${{each.name}}
        needs: ["health/${{each.name}}"]
        sign_off: {{ role: QA, valid_for: 7d }}
  - title: All
    items:
      - {{ id: all, title: All are healthy, needs: [health], probes: [{{ command: {{ argv: ["true"] }} }}] }}
gaps:
  - {{ gap: One service has no version, items: [version/svc-3], priority: P2 }}
"#
    ))
    .file("docs/SERVICES.md", "")
}

/// The output of `gate validate` for a checklist of one section with this `each` item and these variables.
fn reported(vars: &str, item: &str) -> String {
    let text = format!("title: T\nvars: {{ {vars} }}\nsections:\n  - title: S\n    items:\n      - {{ {item} }}\n");
    let output = Project::new(&text).gate(&["validate"]);
    assert_eq!((output.code, output.stdout.as_str()), (2, ""), "{}", output.stderr);
    output.stderr.trim_end().to_owned()
}

const TRUE: &str = "probes: [{ command: { argv: ['true'] } }]";

#[test]
fn twelve_services_with_five_items_come_from_one_list() {
    let project = services();
    assert_snapshot!(project.gate(&["validate"]).stdout, @"checklists/staging.yaml: valid, 61 items; runs are recorded under this folder");
    let listed = project.gate(&["list", "staging"]).stdout;
    assert_snapshot!(listed.lines().take(7).collect::<Vec<_>>().join("\n"), @"
    Services [services]
    health/svc-1    command        svc-1 is healthy
    version/svc-1   command #slow  svc-1 has a version
    metrics/svc-1   command        svc-1 exports metrics
    owner/svc-1     deferred       svc-1 has an owner
    qa/svc-1        sign-off       QA confirms svc-1
    health/svc-2    command        svc-2 is healthy
    ");
    let shown = project.gate(&["show", "staging", "health/svc-12"]).stdout;
    assert!(
        shown.starts_with("# for the element in checklists/staging.yaml, line 17\n- id: health/svc-12\n"),
        "{shown}"
    );
    assert_eq!(project.gate(&["show", "staging", "health"]).stdout.matches("- id: health/").count(), 12);
}

#[test]
fn its_id_selects_all_items_of_a_list_and_with_a_name_one() {
    let project = services();
    let items = |arguments: &[&str]| {
        let arguments = [&["check", "staging", "--no-record", "--format", "json"], arguments].concat();
        let output = project.gate(&arguments);
        let run: serde_json::Value =
            serde_json::from_str(&output.stdout).unwrap_or_else(|_| panic!("{}", output.stderr));
        let items = run["sections"]
            .as_array()
            .into_iter()
            .flatten()
            .flat_map(|section| section["items"].as_array().into_iter().flatten());
        items.filter_map(|item| item["id"].as_str().map(ToOwned::to_owned)).collect::<Vec<_>>()
    };
    // The health of a service needs its metrics, which are below it.
    assert_eq!(items(&["--only", "metrics"]).len(), 12);
    assert_eq!(items(&["--only", "health"]).len(), 24);
    assert_eq!(items(&["--only", "version/svc-3"]), ["health/svc-3", "version/svc-3", "metrics/svc-3"]);
    assert_eq!(items(&["--only", "all"]).len(), 25);
    assert_eq!(items(&["--only", "slow", "--skip", "version/svc-1"]).len(), 35);
    assert_eq!(items(&["--skip", "version,owner,qa,metrics,all"]).len(), 12);
    for unknown in ["health/svc-", "health/svc-13", "heal", "health/"] {
        let output = project.gate(&["check", "staging", "--no-record", "--only", unknown]);
        assert_eq!(output.code, 2, "{unknown}");
    }
}

#[test]
fn every_report_has_an_item_for_each_element() {
    let project = services();
    let mut arguments = vec!["check", "staging", "--no-record"];
    let formats: Vec<&str> = gate::report::FORMATS.iter().map(|format| format.name).collect();
    let reports: Vec<String> = formats.iter().map(|format| format!("{format}=out.{format}")).collect();
    reports.iter().for_each(|report| arguments.extend(["--report", report]));
    let output = project.gate(&arguments);
    assert_eq!(output.code, 1, "{}", output.stderr);
    for format in formats {
        let text = project.read(&format!("out.{format}"));
        for service in 1..=12 {
            // Some formats write titles, some ids, and some only red items.
            let is_named = ["svc-@ is healthy", "health/svc-@", "version/svc-3"]
                .iter()
                .any(|name| text.contains(&name.replace('@', &service.to_string())));
            assert!(is_named, "{format}: {text}");
        }
    }
    let markdown = project.read("out.markdown");
    assert!(markdown.contains("- [x] svc-1 is healthy (verified "), "{markdown}");
    assert!(markdown.contains("\n  - [x] svc-1 exports metrics"), "{markdown}");
    let json: serde_json::Value = serde_json::from_str(&project.read("out.json")).expect("it is JSON");
    assert_eq!(json["sections"][0]["items"][3]["owner"], "@platform");
}

#[test]
fn history_gaps_and_sign_offs_know_each_item() {
    let project = services();
    assert_eq!(project.gate(&["check", "staging"]).code, 1);
    let history = project.gate(&["history", "staging"]).stdout;
    assert!(history.contains("version/svc-3"), "{history}");
    let signed = project.gate(&["sign", "staging", "qa/svc-1", "--by", "Dana <dana@example.com>"]);
    assert_eq!(signed.code, 0, "{}", signed.stderr);
    let folder = project.path().join("checklists/staging.signoffs");
    let names: Vec<String> = std::fs::read_dir(folder)
        .expect("there is an entry")
        .flatten()
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    assert!(names.len() == 1 && names[0].contains("-qa+svc-1-"), "{names:?}");
    let signed = project.gate(&["sign", "staging", "qa", "--by", "Dana <dana@example.com>"]);
    assert_eq!(signed.code, 0, "{}", signed.stderr);
    let output = project.gate(&["check", "staging"]);
    assert!(output.stdout.contains("48 of 61 passed, 1 failed, 12 deferred"), "{}", output.stdout);
    // A change of one service ends only its own sign-off.
    let text = project.read("checklists/staging.yaml").replace("port: 8002", "port: 9002");
    let project = project.file("checklists/staging.yaml", &text);
    let markdown = project.gate(&["check", "staging", "--no-record", "--format", "markdown"]).stdout;
    assert!(
        markdown.contains("- [ ] QA confirms svc-2 **") && markdown.contains("- [x] QA confirms svc-1 ("),
        "{markdown}"
    );
}

#[test]
fn a_gap_may_name_all_items_of_a_list() {
    let project = services();
    let text = project.read("checklists/staging.yaml").replace("items: [version/svc-3]", "items: [version]");
    let project = project.file("checklists/staging.yaml", &text);
    let json = project.gate(&["check", "staging", "--no-record", "--format", "json"]).stdout;
    let run: serde_json::Value = serde_json::from_str(&json).expect("it is JSON");
    assert_eq!(run["gaps"][0]["items"].as_array().map(Vec::len), Some(12));
    let text = text.replace("items: [version]", "items: [qa]");
    let output = project.file("checklists/staging.yaml", &text).gate(&["validate"]);
    assert!(output.stderr.contains("a gap cannot cover the sign-off `qa/svc-1`"), "{}", output.stderr);
}

#[test]
fn the_element_is_shown_beside_a_problem_that_it_makes() {
    let vars = "ports: [{ name: a, port: 80 }, { name: b, port: no }, { name: c, port: 81 }]";
    let item = "id: up, title: Up, each: \"${vars.ports}\", probes: [{ burst: { url: http://a, requests: \"${each.port}\" } }]";
    assert_snapshot!(reported(vars, item), @r#"
    error: `requests` must be a whole number, not text
     --> checklists/staging.yaml:6:98
      |
    2 | vars: { ports: [{ name: a, port: 80 }, { name: b, port: no }, { name: c, port: 81 }] }
      |                                          ----------------- for this element
    ...
    6 |       - { id: up, title: Up, each: "${vars.ports}", probes: [{ burst: { url: http://a, requests: "${each.port}" } }] }
      |                                                                                                  ^^^^^^^^^^^^^^
      |
      = help: such as `requests: 65`
    "#);
    let text = reported(vars, "id: up, title: \"${each.prot}\", each: \"${vars.ports}\", deferred: x");
    assert_eq!(text.matches("error: this element has no `prot`").count(), 3, "{text}");
    assert!(text.contains("did you mean `port`?"), "{text}");
}

#[test]
fn a_problem_of_all_elements_is_reported_once() {
    let text = reported(
        "all: [a, b, c]",
        "id: up, title: Up, each: \"${vars.all}\", probes: [{ http: { ulr: \"http://${each}/\" } }]",
    );
    assert_eq!(text.matches("error: ").count(), 1, "{text}");
    assert!(text.contains("unknown key `ulr`") && text.contains("for this element"), "{text}");
}

#[test]
fn a_list_that_can_not_be_used_is_refused() {
    let each = |vars: &str, each: &str| reported(vars, &format!("id: up, title: Up, each: {each}, {TRUE}"));
    for (vars, list, expected) in [
        ("x: []", "\"${vars.x}\"", "`each` needs at least one element"),
        ("x: { a: b }", "\"${vars.x}\"", "`each` needs a list, not a map"),
        ("x: a", "\"${vars.x}\"", "`each` needs a list, not text"),
        (
            "x: \"${env.NONE:-a}\"",
            "\"${vars.x}\"",
            "the list of `each` must be in the checklist, not in the environment",
        ),
        ("x: [a, a]", "\"${vars.x}\"", "duplicate element `a`"),
        ("x: [a b]", "\"${vars.x}\"", "invalid name of an element: `a b`"),
        ("x: [../a]", "\"${vars.x}\"", "invalid name of an element: `../a`"),
        ("x: [{ nam: a }]", "\"${vars.x}\"", "this element has no `name`"),
        ("x: [[a]]", "\"${vars.x}\"", "an element of `each` is a text or a map with a `name`, not a list"),
        ("x: [\"${env.NONE}\"]", "\"${vars.x}\"", "the name of an element must be known before anything runs"),
        ("x: [a]", "\"${vars.y}\"", "variable `y` is not defined"),
    ] {
        let text = each(vars, list);
        assert!(text.contains(expected), "{vars}: {text}");
        assert_eq!(text.matches("error: ").count(), 1, "{vars}: {text}");
    }
}

#[test]
fn lists_do_not_grow_without_end() {
    let list = format!("[{}]", (0..200).map(|at| at.to_string()).collect::<Vec<_>>().join(", "));
    let items: String = (0..200).map(|at| format!("      - {{ id: i{at}, title: T, deferred: x }}\n")).collect();
    let text = format!("title: T\nsections:\n  - title: S\n    each: {list}\n    items:\n{items}");
    let output = Project::new(&text).gate(&["validate"]);
    assert!(output.code == 2 && output.stderr.contains("`each` makes more than 20000 items"), "{}", output.stderr);
}

#[test]
fn ids_are_unique_and_only_each_makes_a_slash() {
    let text = reported("x: [a]", &format!("id: up/a, title: Up, {TRUE}"));
    assert!(text.contains("invalid id `up/a`"), "{text}");
    let text = reported("x: [a]", &format!("id: \"${{each}}-up\", title: Up, each: \"${{vars.x}}\", {TRUE}"));
    assert!(text.contains("the id of an item with `each` can't hold `${…}`"), "{text}");
    let twice = format!("id: up, title: Up, each: [a], {TRUE} }}\n      - {{ id: up, title: Up, each: [b], {TRUE}");
    assert!(reported("x: [a]", &twice).contains("duplicate id `up`"));
    let twice = format!("id: up, title: Up, each: [a], {TRUE} }}\n      - {{ id: up, title: Up, {TRUE}");
    assert!(reported("x: [a]", &twice).contains("duplicate id `up`"));
    let outside = format!("id: up, title: \"${{each}}\", {TRUE}");
    assert!(reported("x: [a]", &outside).contains("`${each}` is only known in an item with `each`"));
}

#[test]
fn a_variable_of_any_type_keeps_its_type_as_a_whole_value() {
    let text = "
        title: T
        vars: { argv: [test, 1, -eq, 1], expect: { exit_code: 0 }, sets: [{ name: a, argv: [echo, a] }, { name: b, argv: [echo, b] }] }
        sections:
          - title: S
            items:
              - { id: whole, title: Whole, probes: [{ command: { argv: \"${vars.argv}\" }, expect: \"${vars.expect}\" }] }
              - { id: each, title: \"Each ${each.name}\", each: \"${vars.sets}\", probes: [{ command: { argv: \"${each.argv}\" }, expect: { stdout: \"${each.name}\" } }] }
    ";
    let output = Project::new(text).gate(&["check", "staging", "--no-record"]);
    assert_eq!(output.code, 0, "{}{}", output.stdout, output.stderr);
}

#[test]
fn variables_in_elements_count_for_the_definition_and_not_for_the_source() {
    let text = "
        title: T
        vars: { services: [{ name: api, url: \"${env.API:-http://127.0.0.1:9}\" }] }
        sections:
          - title: S
            items: [{ id: up, title: Up, each: \"${vars.services}\", probes: [{ http: { url: \"${each.url}/x\" } }] }]
    ";
    let digests = |api: &str| {
        let project = Project::new(text).env("API", api);
        let json = project.gate(&["check", "staging", "--no-record", "--format", "json"]).stdout;
        let run: serde_json::Value = serde_json::from_str(&json).expect("it is JSON");
        let item = run["sections"][0]["items"][0].clone();
        (item["source"].to_string(), item["definition"].to_string())
    };
    let (one, other) = (digests("http://127.0.0.1:9"), digests("http://127.0.0.1:10"));
    assert_eq!(one.0, other.0);
    assert_ne!(one.1, other.1);
}

#[test]
fn items_of_a_base_are_made_from_the_list_of_the_checklist() {
    let base = "sections:\n  - title: S\n    items: [{ id: up, title: \"${each.name} is up\", each: \"${vars.services}\", probes: [{ http: { url: \"${each.url}\" } }] }]\n";
    let project = Project::new("extends: _services.yaml\ntitle: T\nvars: { services: [{ name: a, url: http://a }, { name: b, url: http://b }] }\n")
        .file("checklists/_services.yaml", base)
        .file("checklists/production.yaml", "extends: _services.yaml\ntitle: P\nvars: { services: [{ name: c, url: http://c }] }\n");
    assert_snapshot!(project.gate(&["validate"]).stdout, @"
    checklists/_services.yaml: valid base
    checklists/production.yaml: valid, 1 item; runs are recorded under this folder
    checklists/staging.yaml: valid, 2 items; runs are recorded under this folder
    ");
    let bad = project.file("checklists/_services.yaml", &base.replace("url:", "ulr:")).gate(&["validate", "_services"]);
    assert!(bad.code == 2 && bad.stderr.contains("unknown key `ulr`"), "{}", bad.stderr);
}

#[test]
fn a_key_with_dots_is_found_by_its_reference() {
    let output = Project::new(
        r#"
        title: T
        vars:
          list:
            - { name: a, tls.port: 443, labels: { app.example/name: shop, nested: { v1.2: [x, y] } }, one: { two: 2 }, one.two: 3 }
          labels: { app.example/tier: web }
        sections:
          - title: S
            items:
              - id: i
                title: I
                each: ${vars.list}
                probes:
                  - command:
                      argv: [echo, "${each.tls.port}", "${each.labels.app.example/name}", "${each.labels.nested.v1.2[1]}", "${each.one.two}", "${vars.labels.app.example/tier}"]
                    expect: { stdout: 443 shop y 2 web }
    "#,
    )
    .gate(&["check", "staging", "--no-record"]);
    assert_eq!(output.code, 0, "{}{}", output.stdout, output.stderr);
}

#[test]
fn a_result_of_an_element_whose_key_has_dots_is_found() {
    let project = Project::new(
        r#"
        title: T
        vars: { list: [api, api.v1, api.v1.2] }
        sections:
          - title: S
            items:
              - id: i
                title: I
                each: ${vars.list}
                probes:
                  - command: { argv: [echo, "${each}"] }
                    as: made
              - id: j
                title: J
                needs: [i]
                probes:
                  - command: { argv: [echo, "${items.i/api.made.stdout}", "${items.i/api.v1.made.stdout}", "${items.i/api.v1.2.made.stdout}"] }
                    expect: { stdout: api api.v1 api.v1.2 }
              - id: k
                title: K
                needs: [i/api.v1]
                probes: [{ command: { argv: [echo, "${items.i/api.v1.made.stdout}"] }, expect: { stdout: api.v1 } }]
    "#,
    );
    let output = project.gate(&["check", "staging", "--no-record"]);
    assert_eq!(output.code, 0, "{}{}", output.stdout, output.stderr);
}
