//! `extends`: several environments share one base; problems are reported in the right file, and environments stay separate.

use insta::assert_snapshot;

use crate::harness::{Output, Project, dedent};
use crate::hostile_repository::git;

const BASE: &str = r#"
    title: Platform
    vars: { said: hello, word: base }
    secrets: { TOKEN: { env: BASE_TOKEN } }
    defaults: { timeout: 3s, retry: { attempts: 2 } }
    sections:
      - title: Smoke
        id: smoke
        items:
          - id: up
            title: It says ${vars.word}
            owner: "@platform"
            probes: [{ command: { argv: [echo, "${vars.said}"] }, expect: { stdout: hello } }]
          - id: logs
            title: Logs arrive
            probes: [{ command: { argv: ["false"] } }]
    gaps:
      - { gap: No logs yet, items: [logs], priority: P3 }
"#;

const STAGING: &str = "
    extends: _platform.yaml
    title: Staging
    vars: { word: staging }
    items:
      logs: { deferred: PROD SETUP, timeout: 9s }
";

/// A project with this base and this `staging`.
fn project(base: &str, staging: &str) -> Project {
    Project::new(staging).file("checklists/_platform.yaml", &dedent(base))
}

/// The output of `gate validate staging`.
fn reported(project: &Project) -> String {
    let output = project.gate(&["validate", "staging"]);
    assert_eq!((output.code, output.stdout.as_str()), (2, ""), "{}", output.stderr);
    output.stderr.trim_end().to_owned()
}

/// A base of one item with these lines after its title.
fn base_of(lines: &str) -> String {
    format!(
        "title: P\nsections:\n  - title: S\n    id: s\n    items:\n      - id: api\n        title: API\n        {lines}\n"
    )
}

fn checked(project: &Project, name: &str) -> Output {
    project.gate(&["check", name, "--no-record"])
}

#[test]
fn two_small_files_over_one_base_are_two_checklists() {
    let project = project(BASE, STAGING).file("checklists/production.yaml", "extends: _platform.yaml\n");
    let staging = checked(&project, "staging");
    assert_eq!(staging.code, 0, "{}", staging.stdout);
    assert_snapshot!(staging.stdout.lines().take(5).collect::<Vec<_>>().join("\n"), @"
    Staging

    Smoke
    ✓ passed    It says staging  exit 0
    - deferred  Logs arrive      PROD SETUP
    ");
    let production = checked(&project, "production");
    assert_eq!(production.code, 1, "{}", production.stdout);
    assert!(production.stdout.starts_with("Platform\n"), "{}", production.stdout);
    assert!(production.stdout.contains("It says base"), "{}", production.stdout);
    assert!(production.stdout.contains("✗ failed  Logs arrive"), "{}", production.stdout);
}

#[test]
fn list_marks_a_base_and_show_names_the_file_of_each_part() {
    let project = project(BASE, STAGING);
    assert_snapshot!(project.gate(&["list"]).stdout, @"
    _platform  base     Platform
    staging    2 items  Staging
    ");
    assert_snapshot!(project.gate(&["show", "staging", "logs"]).stdout.lines().take(2).collect::<Vec<_>>().join("\n"), @"
    # checklists/staging.yaml: deferred (line 5), timeout (line 5)
    # checklists/_platform.yaml: id (line 13), title (line 14), probes (line 15), defaults.retry (line 4)
    ");
    let shown = project.gate(&["show", "staging", "up"]).stdout;
    assert!(shown.starts_with("# checklists/staging.yaml: vars.word (line 3)\n"), "{shown}");
    assert!(shown.contains("title: It says staging") && shown.contains("timeout: 3s"), "{shown}");
    // A checklist in one file needs no explanation.
    let shown = Project::new(&base_of("probes: [{ command: { argv: [echo] } }]")).gate(&["show", "staging", "api"]);
    assert!(shown.stdout.starts_with("- id: api\n"), "{}", shown.stdout);
}

#[test]
fn a_base_is_not_a_checklist() {
    let project = project(BASE, STAGING);
    assert_snapshot!(project.gate(&["check", "_platform"]).stderr, @"
    error: `_platform` is a base, which checklists extend
      help: use a checklist that extends it: `staging`
    ");
    for arguments in [&["check", "_platform"][..], &["render", "_platform"], &["sign", "_platform", "up"]] {
        let output = project.gate(arguments);
        assert_eq!((output.code, output.stdout.as_str()), (2, ""), "{arguments:?}");
        assert!(output.stderr.contains("is a base"), "{}", output.stderr);
    }
    assert_eq!(project.gate(&["check", "checklists/_platform.yaml"]).code, 2);
    let history = project.gate(&["history"]).stdout;
    assert!(!history.contains("_platform"), "{history}");
}

#[test]
fn a_base_is_validated_as_far_as_it_is_known() {
    let base =
        base_of("needs: [own]\n        timeout: ${vars.time}\n        probes: [{ http: { url: \"${vars.api}/x\" } }]");
    let project = project(&base, "extends: _platform.yaml\n");
    let output = project.gate(&["validate", "_platform"]);
    assert_eq!((output.code, output.stderr.as_str()), (0, ""));
    assert_snapshot!(output.stdout, @"checklists/_platform.yaml: valid base");
    // The base leaves a variable open; without it, the checklist is not valid.
    let output = project.gate(&["validate"]);
    assert_eq!(output.code, 2);
    for problem in
        ["item or section `own` not found", "variable `time` is not defined", "variable `api` is not defined"]
    {
        assert!(output.stderr.contains(problem), "{problem}: {}", output.stderr);
    }
    let project = project.file("checklists/_platform.yaml", &base.replace("url:", "ulr:"));
    let output = project.gate(&["validate", "_platform"]);
    assert_eq!(output.code, 2);
    assert!(output.stderr.contains("unknown key `ulr`"), "{}", output.stderr);
}

#[test]
fn a_problem_deep_in_a_base_is_reported_in_the_file_of_the_base() {
    let project = project(&base_of("probes: [{ http: { ulr: https://api } }]"), "extends: _platform.yaml\n");
    assert_snapshot!(reported(&project), @"
    error: unknown key `ulr`
     --> checklists/_platform.yaml:8:28
      |
    8 |         probes: [{ http: { ulr: https://api } }]
      |                            ^^^ did you mean `url`?
    ");
    let bad = "extends: _platform.yaml\nitems:\n  api: { probes: [{ http: { url: x, methd: GET } }] }\n";
    let project = project.file("checklists/staging.yaml", bad);
    let text = reported(&project);
    assert!(text.contains("unknown key `methd`\n --> checklists/staging.yaml:3:37"), "{text}");
}

#[test]
fn a_failed_probe_shows_the_line_of_its_base() {
    let project = project(BASE, "extends: _platform.yaml\n");
    let output = checked(&project, "staging");
    assert!(output.stdout.contains("--> checklists/_platform.yaml:15:"), "{}", output.stdout);
    let json = project.gate(&["check", "staging", "--no-record", "--format", "json"]).stdout;
    assert!(json.contains("checklists/_platform.yaml"), "{json}");
}

#[test]
fn an_unknown_item_of_the_base_is_reported_with_the_nearest_name() {
    let project = project(BASE, &STAGING.replace("logs:", "log:"));
    assert_snapshot!(reported(&project), @"
    error: no base has an item `log`
     --> checklists/staging.yaml:5:3
      |
    5 |   log: { deferred: PROD SETUP, timeout: 9s }
      |   ^^^ did you mean `logs`?
    ");
}

#[test]
fn a_change_that_changes_nothing_is_refused() {
    let change =
        |change: &str| reported(&project(BASE, &STAGING.replace("{ deferred: PROD SETUP, timeout: 9s }", change)));
    assert!(change("{}").contains("this changes nothing of the item `logs`"));
    assert!(change("").contains("this changes nothing of the item `logs`"));
    for same in [
        "deferred: null",
        "advisory: false",
        "tags: []",
        "title: Logs arrive",
        "probes: [{ command: { argv: ['false'] } }]",
    ] {
        let text = change(&format!("{{ {same} }}"));
        assert!(text.contains("is the same in the base"), "{same}: {text}");
    }
    let text = change("{ id: other }");
    assert!(text.contains("`id` of a base's item can't be changed"), "{text}");
    let text = reported(&project(BASE, "extends: _platform.yaml\nsections: [{ id: smoke }]\n"));
    assert!(text.contains("this adds nothing to the section `smoke`"), "{text}");
}

#[test]
fn every_key_that_may_change_does() {
    let base = base_of(
        "owner: a\n        sign_off: { role: QA, valid_for: 7d }\n        manual: Steps\n      - { id: b, title: B, probes: [{ command: { argv: ['true'] } }] }",
    );
    let changes = "
        api: { valid_for: 2d, owner: null, title: Other, hint: H, tags: [t] }
        b: { pending: NEEDS RUN, probes: null, advisory: true }
    ";
    let changes: String = dedent(changes).lines().map(|line| format!("  {line}\n")).collect();
    let staging = format!(
        "extends: _platform.yaml\nitems:\n{changes}sections: [{{ id: s, items: [{{ id: c, title: C, probes: [{{ command: {{ argv: ['true'] }} }}] }}] }}]\n"
    );
    let output = project(&base, &staging).gate(&["show", "staging"]);
    let plain: String =
        output.stdout.lines().filter(|line| !line.starts_with('#')).map(|line| format!("{line}\n")).collect();
    assert_snapshot!(plain, @r#"
    - id: api
      title: Other
      tags:
      - t
      sign_off:
        role: QA
        valid_for: 2d
      manual: Steps
      hint: H
    - id: b
      title: B
      advisory: true
      pending: NEEDS RUN
    - id: c
      title: C
      probes:
      - command:
          argv:
          - "true"
        default_expect:
          exit_code: 0
        timeout: 10s
    "#);
}

#[test]
fn bases_are_merged_in_order_and_what_they_share_comes_first() {
    let item = |id: &str| {
        format!("- {{ id: {id}, title: \"${{vars.x}} ${{vars.y}}\", probes: [{{ command: {{ argv: ['true'] }} }}] }}")
    };
    let project = Project::new("extends: [_a.yaml, parts/_b.yaml]\ntitle: T\ngaps: [{ gap: own }]\nsections:\n  - id: s\n    items: [{ id: own, title: Own, needs: [s0, b1], probes: [{ command: { argv: ['true'] } }] }]\n")
    .file("checklists/_common.yaml", &format!("vars: {{ x: common, y: common }}\nsections:\n  - title: S\n    id: s\n    items:\n      {}\ngaps: [{{ gap: common }}]\n", item("s0")))
    .file("checklists/_a.yaml", "extends: _common.yaml\nvars: { x: a }\nitems: { s0: { tags: [t] } }\n")
    .file("checklists/parts/_b.yaml", &format!("extends: ../_common.yaml\nvars: {{ y: b }}\ngaps: [{{ gap: b }}]\nsections:\n  - title: B\n    items:\n      {}\n", item("b1")));
    assert_snapshot!(project.gate(&["list", "staging"]).stdout, @"
    S [s]
    s0   command #t  a b
    own  command     Own

    B
    b1  command  a b
    ");
    let json: serde_json::Value =
        serde_json::from_str(&project.gate(&["check", "staging", "--no-record", "--format", "json"]).stdout)
            .expect("it is JSON");
    let gaps: Vec<&str> =
        json["gaps"].as_array().expect("a list").iter().filter_map(|gap| gap["gap"].as_str()).collect();
    assert_eq!(gaps, ["common", "b", "own"]);
}

#[test]
fn bases_that_extend_each_other_are_refused() {
    let project = Project::new("extends: _a.yaml\ntitle: T\n")
        .file("checklists/_a.yaml", "extends: _b.yaml\n")
        .file("checklists/_b.yaml", "extends: [_a.yaml]\n");
    assert_snapshot!(reported(&project), @"
    error: bases extend each other in a cycle: _a.yaml → _b.yaml → _a.yaml
     --> checklists/_b.yaml:1:11
      |
    1 | extends: [_a.yaml]
      |           ^^^^^^^
    ");
}

#[test]
fn a_base_must_be_in_the_repository() {
    let outside = "/etc/_passwd.yaml";
    for (name, expected) in [
        ("production.yaml", "`production.yaml` is not a base: the name of its file must be `_NAME.yaml`"),
        ("_platfrom.yaml", "no such base `_platfrom.yaml`"),
        ("../../_out.yaml", "cannot read `../../_out.yaml`: it leads out of the repository"),
        (outside, "invalid base `/etc/_passwd.yaml`"),
        ("\"${env.BASE}\"", "`extends` can't hold `${…}`"),
        ("[]", "`extends` names no base"),
        ("[_platform.yaml, _platform.yaml]", "duplicate base `_platform.yaml`"),
        ("{ a: b }", "`extends` is the file name of a base, or a list of them"),
    ] {
        let text = reported(&project(BASE, &format!("extends: {name}\ntitle: T\n")));
        assert!(text.contains(expected), "{name}: {text}");
        assert_eq!(text.matches("error: ").count(), 1, "{name}: {text}");
    }
    let project = Project::new("extends: _link.yaml\ntitle: T\n");
    std::os::unix::fs::symlink("/etc/passwd", project.path().join("checklists/_link.yaml"))
        .expect("the project's folder is writable");
    assert!(reported(&project).contains("it leads out of the repository"));
}

#[test]
fn items_without_a_base_are_refused() {
    let text = reported(&Project::new("title: T\nitems: [{ id: own }]\nsections: []\n"));
    assert!(text.contains("`items` must be in a section"), "{text}");
    let own = format!("{STAGING}    sections: [{{ title: Own, items: [{{ id: own, title: O, deferred: x }}] }}]\n");
    let text = reported(&project(BASE, &own.replace("logs:", "own:")));
    assert!(text.contains("help: it is an item of this file: change it there"), "{text}");
}

#[test]
fn markdown_is_not_inherited_and_belongs_to_one_checklist() {
    let base = format!("markdown: docs/READY.md\n{}", dedent(BASE));
    let project = project(&base, STAGING);
    let output = project.gate(&["validate", "staging"]);
    assert_eq!(output.code, 0);
    assert!(output.stderr.contains("warning: `markdown` of a base has no effect"), "{}", output.stderr);
    assert_eq!(project.gate(&["check", "staging", "--no-record", "--markdown"]).code, 2);
    let own = |name: &str| format!("extends: _platform.yaml\nmarkdown: {name}\n");
    let project = project
        .file("checklists/staging.yaml", &own("docs/./READY.md"))
        .file("checklists/production.yaml", &own("docs/READY.md"));
    let text = reported(&project);
    assert!(text.contains("`checklists/production.yaml` writes the same Markdown file"), "{text}");
    let project = project.file("checklists/production.yaml", &own("docs/OTHER.md"));
    assert_eq!(project.gate(&["validate", "staging", "production"]).code, 0);
}

#[test]
fn a_list_or_map_is_not_overridden_from_the_command_line() {
    let project = Project::new(&base_of("probes: [{ command: { argv: \"${vars.words}\" } }]"));
    let text = format!("vars: {{ words: [echo, a], db: {{ host: h }} }}\n{}", project.read("checklists/staging.yaml"));
    let project = project.file("checklists/staging.yaml", &text);
    for var in ["words=echo", "db=x"] {
        let output = project.gate(&["check", "staging", "--no-record", "--var", var]);
        assert_eq!(output.code, 2);
        assert!(output.stderr.contains("a list or map can't be overridden"), "{}", output.stderr);
    }
    assert_eq!(checked(&project, "staging").code, 0);
}

#[test]
fn a_part_of_a_variable_can_be_referred_to() {
    let lines = "probes: [{ command: { argv: [echo, \"${vars.db.hosts[1]}:${vars.db.port}\"] }, expect: { stdout: \"b:5432\" } }]";
    let vars = "vars: { db: { hosts: [a, b], port: \"${vars.port}\" }, port: 5432 }\n";
    let text = format!("{vars}{}", base_of(lines));
    let output = checked(&Project::new(&text), "staging");
    assert_eq!(output.code, 0, "{}{}", output.stdout, output.stderr);
    let text = reported(&Project::new(&text.replace("vars.db.port", "vars.db.prot")));
    assert!(text.contains("`vars.db` has no `prot`") && text.contains("did you mean `port`?"), "{text}");
}

#[test]
fn weaker_requirements_of_a_base_are_named() {
    let base = format!(
        "{}  - {{ title: Changes, changes: {{ since: v1 }} }}\n",
        dedent(BASE).replace("gaps:\n  - { gap: No logs yet, items: [logs], priority: P3 }\n", "")
    );
    let project = project(&base, STAGING).file(".gitignore", ".gate\n");
    for arguments in
        [&["init", "--quiet"][..], &["add", "."], &["commit", "--quiet", "--message=First"], &["tag", "v1"]]
    {
        git(&project, arguments);
    }
    let project = project.file("checklists/_platform.yaml", &base.replace(", expect: { stdout: hello }", ""));
    let output = project.gate(&["check", "staging", "--format", "markdown"]);
    assert!(output.stdout.contains("up: expectation dropped: command: stdout"), "{}", output.stdout);
    assert!(!output.stdout.contains("logs: now deferred"), "{}", output.stdout);
    let diff = project.gate(&["diff", "staging", "--since", "v1"]).stdout;
    assert!(diff.contains("expectation dropped: command: stdout"), "{diff}");
}
