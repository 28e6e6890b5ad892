//! Common mistakes of beginners: each error says what to write.

use crate::harness::Project;

/// The output of `gate validate` for a checklist with this item.
fn said(item: &str) -> String {
    let text = format!("title: T\nsections:\n  - title: S\n    items:\n      - {{ id: a, title: A, {item} }}\n");
    let output = Project::new(&text).gate(&["validate", "staging"]);
    assert_eq!(output.code, 2, "{}", output.stdout);
    output.stderr
}

#[test]
fn an_option_among_the_settings_is_named_with_its_place() {
    let said = said("probes: [{ http: { url: http://a/, expect: { status: 200 }, timeout: 3s } }]");
    assert!(said.contains("`expect` is inside `http`, not beside it"), "{said}");
    assert!(said.contains("`timeout` is inside `http`, not beside it"), "{said}");
    assert!(!said.contains("unknown key"), "{said}");
}

#[test]
fn a_default_without_its_dash_is_not_taken_for_a_name() {
    for url in ["${env.API:http://a/}", "${env.API-x}/", "${env.API:?not set}"] {
        let said = said(&format!("probes: [{{ http: {{ url: \"{url}\" }} }}]"));
        assert!(said.contains("a default is written `${env.NAME:-VALUE}`"), "{said}");
    }
}

#[test]
fn a_reason_is_not_true_and_a_boolean_not_yes() {
    let reason = said("deferred: true");
    assert!(reason.contains("such as `deferred: not needed before production`"), "{reason}");
    let reason = said("pending: false");
    assert!(reason.contains("such as `pending: the load test is not written yet`"), "{reason}");
    let boolean = said("advisory: yes, probes: [{ http: { url: http://a/ } }]");
    assert!(boolean.contains("`advisory` must be true or false, not `yes`"), "{boolean}");
}

#[test]
fn a_shell_variable_in_a_url_leads_to_ours() {
    let said = said("probes: [{ http: { url: $STAGING_URL/healthz } }]");
    assert!(said.contains("a variable is written `${vars.NAME}` or `${env.NAME}`"), "{said}");
}

/// The first error of `gate validate` for this text: its title and its place.
fn first(text: &str) -> (String, String) {
    let stderr = Project::new(text).gate(&["validate", "staging"]).stderr;
    let mut lines = stderr.lines();
    let title = lines.next().unwrap_or_default().trim_start_matches("error: ").to_owned();
    let place = lines.next().unwrap_or_default().trim_start_matches([' ', '-', '>']);
    (title, place.trim_start_matches("checklists/staging.yaml:").to_owned())
}

#[test]
fn a_mistake_in_the_yaml_is_shown_where_it_was_made() {
    let head = "title: T\nsections:\n  - title: S\n    items:\n";
    let item = |rest: &str| format!("{head}      - id: a\n        title: A\n{rest}");
    let cases = [
        (
            item("        probes:\n          - http: { url: x\n          - http: { url: y }\n"),
            "`{` is opened here and not closed",
            "8:19",
        ),
        (
            item("        probes:\n          - http: { url: x\n            expect: { status: 1 }\n"),
            "`{` is opened here and not closed",
            "8:19",
        ),
        (item("        tags: [x, y\n      - id: b\n        title: B\n"), "`[` is opened here and not closed", "7:15"),
        (item("        tags: [x, y}\n"), "`[` is closed by `}`", "7:15"),
        (item("        tags: [x, y]]\n"), "`]` closes nothing", "7:21"),
        (item("        probes:\n          - http: { url: x method: GET }\n"), "missing `,` before `method`", "8:28"),
        (
            item("        probes:\n          - http: { url: \"x\" method: GET }\n"),
            "missing `,` before `method`",
            "8:30",
        ),
        (
            item("        hint: \"x\n        pending: y\n      - id: b\n        title: \"B\"\n"),
            "`\"` is opened here and not closed",
            "7:15",
        ),
        (item("        hint: \"x\n        pending: y\n"), "`\"` is opened here and not closed", "7:15"),
        (item("        hint: 'It's here'\n"), "text after the closing quote", "7:19"),
        (item("        hint: \"C:\\dir\"\n"), "invalid escape `\\d`", "7:18"),
        (item("         pending: x\n"), "`pending` is indented by 9 spaces, the keys above by 8", "7:10"),
        (item("       pending: x\n"), "`pending` is indented by 7 spaces, the keys above by 8", "7:8"),
        (item("      pending: x\n"), "the key `pending` is among the entries of a list", "7:7"),
        (item("        pending: x\n       - id: b\n"), "`-` is indented by 7 spaces, the entries above by 6", "8:8"),
        (
            "title: T\nsections:\n   - title: S\n  - title: U\n".to_owned(),
            "`-` is indented by 2 spaces, the entries above by 3",
            "4:3",
        ),
        (format!("{head}      TODO: x\n      - id: a\n"), "an entry `- ` is among the keys of a map", "6:7"),
        (format!("{head}      -id: a\n       title: A\n"), "missing space after `-`", "5:7"),
        (format!("{head}      - id:a\n        title: A\n"), "missing space after `:`", "5:11"),
        (item("        probes\n          - http: { url: x }\n"), "missing `:` after `probes`", "7:9"),
        (item("        manual: |\n      1. one\n"), "the text after `|` is not indented", "8:7"),
        (item("        hint: > 5 users\n"), "text after `>`, which begins a text of several lines", "7:15"),
        (item("        hint: [new] API\n"), "text after the closing `]`", "7:21"),
        (item("        hint: - x\n"), "a value without quotes cannot start with `-`", "7:15"),
        (item("        hint: & x\n"), "a value without quotes cannot start with `&`", "7:15"),
        (item("        pending: x\n        hint: *all\n"), "undefined alias `*all`", "8:15"),
        (item("        hint: {{ name }}\n"), "`{{ … }}` is not filled in", "7:15"),
        (item("        hint: run: make\n"), "unquoted `: ` in a value", "7:18"),
        (
            item("        probes:\n          - http: { url: x }\n            expect: { json.a: 1, json.b[0].id: 1 }\n"),
            "a word with `[` inside `{…}` or `[…]` must be quoted",
            "9:34",
        ),
    ];
    for (text, title, place) in cases {
        assert_eq!(first(&text), (title.to_owned(), place.to_owned()), "{text}");
    }
}

#[test]
fn a_value_of_the_wrong_form_shows_the_right_one() {
    let good = "probes: [{ http: { url: http://a/ } }]";
    for (item, form) in [
        (format!("{good}, retry: 3"), "retry: { attempts: 3 }"),
        ("sign_off: QA lead".to_owned(), "sign_off: { role: QA lead }"),
        (format!("{good}, locks: x"), "error: `locks` must be a list, not text"),
        (format!("{good}, locks: x"), "locks: [x]"),
        (format!("{good}, timeout: 1 week"), "invalid duration `1 week`: did you mean `7d`?"),
        ("probes: [{ http: { url: http://a/ }, expect: { status: [200, 204] } }]".to_owned(), "{ one_of: [200, 204] }"),
        ("probes: [{ sql: { host: h, query: x }, expect: { rows.0.n: 1 } }]".to_owned(), "did you mean `rows[0].n`?"),
        (format!("{good}, owner: [a, b]"), "owner: \"@platform\""),
        (format!("{good}, needs: {{ a: b }}"), "needs: [db-head]"),
        ("probes: [{ http: { url: http://a/, headers: [A] } }]".to_owned(), "headers: { Accept: application/json }"),
        ("probes: [{ http: { url: http://a/ }, eventually: 5m }]".to_owned(), "eventually: { within: 5m }"),
        ("probes: [{ command: { argv: ls -l } }]".to_owned(), "argv: [ls, \"-l\"]"),
        ("probes: [{ redis: { host: h, port: 99999 } }]".to_owned(), "write a number from 1 to 65535"),
        ("probes: [{ sql: { host: h, port: 0, query: x } }]".to_owned(), "write a number from 1 to 65535"),
        ("probes: [{ burst: { url: http://a/, requests: -1 } }]".to_owned(), "write a number from 1 to 10000"),
        (format!("{good}, advisory: on"), "write `true`: in YAML 1.2, `on` is text"),
    ] {
        let said = said(&item);
        assert!(said.contains(form), "{item}: {said}");
    }
    for (key, form) in [
        ("title:", "such as `title: Staging Readiness`"),
        ("title: T\nvars: [a]", "such as `vars: { api: https://api.staging.example }`"),
        ("title: T\ndefaults: 30s", "such as `defaults: { timeout: 30s }`"),
        ("title: T\ngaps: [x]", "such as `{ gap: x }`"),
        ("title: T\nsecrets: [TOKEN]", "such as `secrets: { TOKEN: }`"),
        ("- title: T", "such as `title: …`, and below it `sections:` with a list"),
    ] {
        let text = format!("{key}\nsections: [{{ title: S, text: x }}]\n");
        let text = if key.starts_with('-') { format!("{key}\n") } else { text };
        let said = Project::new(&text).gate(&["validate", "staging"]).stderr;
        assert!(said.contains(form), "{key}: {said}");
    }
}

#[test]
fn a_key_of_another_level_leads_to_that_level() {
    let top = |key: &str| {
        let item = "{ id: a, title: A, probes: [{ http: { url: http://a/ } }] }";
        let text = format!("title: T\n{key}\nsections:\n  - title: S\n    items: [{item}]\n");
        Project::new(&text).gate(&["validate", "staging"]).stderr
    };
    for (key, said) in [
        ("tags: [x]", "`tags` belongs to an item, not to the checklist"),
        ("needs: [x]", "`needs` belongs to an item, not to the checklist"),
        ("expect: { status: 200 }", "`expect` belongs to a probe, not to the checklist"),
        ("retry: { attempts: 3 }", "write `defaults: { retry: { attempts: 3 } }`"),
        ("timeout: 5s", "write `defaults: { timeout: 30s }`"),
        ("http: { url: x }", "`http` is a probe"),
        ("gaps: [{ title: No replica }]", "unknown key `title`"),
        ("gaps: [{ gap: No replica, needs: [a] }]", "`needs` belongs to an item, not to `gaps`"),
        ("defaults: { title: x }", "`title` belongs to an item, not to `defaults`"),
        ("url: http://a/", "write it as in `- http: { url: … }`"),
    ] {
        assert!(top(key).contains(said), "{key}: {}", top(key));
    }
    let item = said("subject: x, note: y, as: z, url: u, probes: [{ http: { url: http://a/, title: t }, needs: [x] }]");
    for text in [
        "`subject` belongs to the checklist, not to an item",
        "`note` belongs to a section, not to an item",
        "`as` belongs to a probe, not to an item",
        "`url` is a setting of a probe, below its kind",
        "`title` belongs to an item, not to the settings of a probe",
        "`needs` belongs to an item, not to a probe",
    ] {
        assert!(item.contains(text), "{text}: {item}");
    }
}

#[test]
fn an_argument_that_people_expect_leads_to_ours() {
    let project = Project::new("title: T\nsections: [{ title: S, items: [{ id: a, title: A, pending: x }] }]\n");
    for (arguments, tip) in [
        (&["check"][..], "`gate list` shows the checklists"),
        (&["check", "staging", "a"], "use `--only a`"),
        (&["check", "staging", "--timeout", "5"], "`timeout` is a setting of the checklist"),
        (&["check", "staging", "--output", "r.json"], "`--report json=run.json` writes a report"),
        (&["list", "staging", "a"], "use `gate show NAME a`"),
        (&["probe", "http", "--url=http://a"], "settings are written without dashes: `url=http://a`"),
        (&["check", "staging.yml"], "did you mean `staging`?"),
        (&["validate", "checklists/stagin.yaml"], "did you mean `staging`?"),
    ] {
        let said = project.gate(arguments);
        assert_eq!(said.code, 2, "{arguments:?}");
        assert!(
            said.stderr.contains(tip) && !said.stderr.contains("as a value, use"),
            "{arguments:?}: {}",
            said.stderr
        );
    }
}

/// The output of `gate validate` for a checklist with a request to `http://a/` that expects this.
fn expecting(expect: &str) -> String {
    let text = format!(
        "title: T\nsections:\n  - title: S\n    items:\n      - id: a\n        title: A\n        probes:\n          \
         - http: {{ url: http://a/ }}\n            expect: {expect}\n"
    );
    Project::new(&text).gate(&["validate", "staging"]).stderr
}

#[test]
fn an_expectation_as_other_tools_write_it_leads_to_ours() {
    for (expect, tip) in [
        ("{ $.status: ok }", "what was read as JSON begins at `$.json`: `$.json.status`"),
        ("{ body.status: ok }", "write `json.status`"),
        ("{ statuscode: 200 }", "did you mean `status`?"),
        ("{ latency: 200 }", "did you mean `latency_ms`?"),
        ("{ commit: a }", "in the answer it may be `headers.commit` or `json.commit`"),
        ("{ latency_ms: \"< 300\" }", "write `latency_ms: { below: 300 }`"),
        ("{ status: 2xx }", "write `status: { at_least: 200, below: 300 }`"),
        ("{ json.n: { \">=\": 3 } }", "did you mean `at_least`?"),
        ("{ json.n: { greater: 3 } }", "did you mean `above`?"),
        ("{ json.n: { is: 3 } }", "did you mean `equals`?"),
        ("{ json.n: { \"a b\": 3 } }", "for a field of that name write `'json.n[\"a b\"]': …`"),
        ("{ json.n: \">= 3\" }", "for a number write `json.n: { at_least: 3 }`"),
    ] {
        let said = expecting(expect);
        assert!(said.contains(tip), "{expect}: {said}");
    }
    assert_eq!(expecting("{ json.n: { equals: \">= 3\" } }"), "");
}

#[test]
fn what_is_below_a_misspelled_key_is_checked_as_well() {
    let text = "title: T\nsectoins:\n  - titel: S\n    itmes:\n      - id: a\n        title: A\n        needs: [b]\n        \
                probse:\n          htpp: { ulr: http://a/, method: 5 }\n          expcet: { stauts: { gte: x }, n: { gt: 1 } }\n\
                gaps: [{ gap: G, accepted_until: 2026-02-30 }]\n";
    let said = Project::new(text).gate(&["validate", "staging"]).stderr;
    for problem in [
        "unknown key `sectoins`",
        "unknown key `titel`",
        "unknown key `itmes`",
        "item or section `b` not found",
        "unknown key `probse`",
        "`probes` must be a list, not a map",
        "unknown probe `htpp`",
        "unknown key `ulr`",
        "invalid value `5`",
        "unknown key `expcet`",
        "unknown field `stauts`",
        "unknown operator `gte`",
        "`at_least` needs a number",
        "unknown field `n`",
        "unknown operator `gt`",
        "invalid date `2026-02-30`",
        "`accepted_by` is missing",
    ] {
        assert_eq!(said.matches(problem).count(), 1, "{problem}: {said}");
    }
    assert_eq!(said.matches("error: ").count(), 17, "{said}");
}

#[test]
fn one_mistake_is_one_error() {
    let count = |said: &str| said.matches("error: ").count();
    let address = said("probes: [{ tls: { host: a, port: 443 } }]");
    assert!(address.contains("unknown keys `host`, `port`") && count(&address) == 1, "{address}");
    assert!(address.contains("such as `address: api.staging.example:443`"), "{address}");
    let validated = |text: &str| Project::new(text).gate(&["validate", "staging"]).stderr;
    let items = validated("title: T\nitems:\n  - { id: a, title: A, pending: x }\n");
    assert!(items.contains("`items` must be in a section") && count(&items) == 1, "{items}");
    let empty = validated("title: T\nsections:\n  - title: S\n    items:\n");
    assert!(empty.contains("`items` is empty") && count(&empty) == 1, "{empty}");
    let url = "url: http://a/, headers: { A: \"${secrets.TOKEN}\" }";
    let secrets = validated(&format!(
        "title: T\nsecrets: [TOKEN]\nsections: [{{ title: S, items: [{{ id: a, title: A, probes: [{{ http: {{ {url} }} }}] }}] }}]\n"
    ));
    assert!(secrets.contains("`secrets` must be a map") && count(&secrets) == 1, "{secrets}");
}

#[test]
fn a_file_with_the_other_extension_is_to_be_renamed() {
    let project = Project::new("title: T\nsections: []\n");
    let file = project.path().join("checklists/staging.yaml");
    std::fs::rename(&file, file.with_extension("yml")).expect("it is there");
    for arguments in [&["validate"][..], &["check", "staging"]] {
        let said = project.gate(arguments).stderr;
        assert!(said.contains("rename `staging.yml` to `staging.yaml`"), "{said}");
    }
}

#[test]
fn every_form_that_is_suggested_is_valid_yaml() {
    let keys = ["owner", "hint", "tags", "needs", "locks", "sign_off"];
    for key in keys {
        let wrong = if matches!(key, "owner" | "hint") { "[a]" } else { "{ a: b }" };
        let first = said(&format!("{key}: {wrong}, probes: [{{ http: {{ url: http://a/ }} }}]"));
        let Some((_, form)) = first.split_once("such as `") else { continue };
        let form = form.split_once("`\n").map_or(form, |(form, _)| form);
        let second = said(&format!("{form}, nope: 1, probes: [{{ http: {{ url: http://a/ }} }}]"));
        assert!(second.contains("unknown key `nope`") && !second.contains(" must be "), "{form}: {second}");
    }
}

#[test]
fn a_mistake_in_each_of_thousands_of_items_is_shown_twenty_times_and_counted() {
    let item = |at: usize| {
        let probe = format!("{{ http: http://h/{at}, retry: 3 }}");
        format!("      - {{ id: i{at}, titel: T, retries: 3, needs: [x{at}], probes: [{probe}] }}\n")
    };
    let items: String = (0..5000).map(item).collect();
    let begun = std::time::Instant::now();
    let output = Project::new(&format!("title: T\nsections:\n  - title: S\n    items:\n{items}")).gate(&["validate"]);
    assert_eq!(output.code, 2, "{}", output.stderr);
    assert_eq!(output.stderr.matches("error: unknown key `").count(), 20);
    assert_eq!(output.stderr.matches("such as `retry: { attempts: 3 }`").count(), 30);
    assert!(output.stderr.contains("error: … and 9,980 more: unknown key `…`"), "{}", output.stderr);
    assert!(output.stderr.len() < 80_000, "{}", output.stderr.len());
    assert!(begun.elapsed() < std::time::Duration::from_secs(30), "{:?}", begun.elapsed());
}
