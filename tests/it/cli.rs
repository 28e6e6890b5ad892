//! The commands, as used in a terminal or in a pipe.

use insta::assert_snapshot;

use crate::harness::{Project, Response, http};

fn shop() -> Project {
    Project::new(
        "
        title: Shop readiness
        subject: ${vars.release}
        markdown: docs/READINESS.md
        vars: { release: 1.0.0, word: hello }
        defaults: { timeout: 5s }
        sections:
          - title: Basics
            id: basics
            items:
              - id: says
                title: It says hello
                tags: [smoke]
                probes:
                  - command: { argv: [echo, \"${vars.word}\"] }
                    expect: { stdout: hello }
                    as: said
                evidence: \"${said.stdout} at ${vars.release}\"
              - { id: qa, title: QA confirms, needs: [says], sign_off: { role: QA lead, valid_for: 7d } }
    ",
    )
    .file("docs/READINESS.md", "")
}

#[test]
fn list_shows_the_checklists_and_the_items_of_one() {
    let project = shop();
    assert_snapshot!(project.gate(&["list"]).stdout, @"staging  2 items  Shop readiness");
    assert_snapshot!(project.gate(&["list", "staging"]).stdout, @"
    Basics [basics]
    says  command #smoke  It says hello
    qa    sign-off        QA confirms
    ");
}

#[test]
fn show_prints_an_item_with_defaults_and_expectations_filled_in() {
    let project = Project::new(
        "
        title: T
        defaults: { timeout: 5s, retry: { attempts: 2 } }
        secrets: { TOKEN: }
        sections:
          - title: S
            items:
              - id: api
                title: API answers
                probes:
                  - http: { url: \"http://127.0.0.1/${env.API_PATH:-healthz}\", token: \"${secrets.TOKEN}\" }
                  - use: http-health
                    with: { url: http://127.0.0.1/ready }
    ",
    );
    assert_snapshot!(project.gate(&["show", "staging", "api"]).stdout, @"
    - id: api
      title: API answers
      probes:
      - http:
          url: http://127.0.0.1/healthz
          token: ${secrets.TOKEN}
        default_expect:
          status:
            at_least: 200
            below: 300
        timeout: 5s
        retry:
          attempts: 2
          every: 1s
      - http:
          url: http://127.0.0.1/ready
          control:
            url: no-such-page-of-gate
        expect:
          status: 200
          latency_ms:
            at_most: 2000
          control.status:
            at_least: 400
        timeout: 5s
        retry:
          attempts: 2
          every: 1s
    ");
    let output = project.gate(&["show", "staging", "apo"]);
    assert_eq!(output.code, 2);
    assert_snapshot!(output.stderr, @"
    error: item `apo` not found
      help: did you mean `api`?
    ");
}

#[test]
fn an_unknown_name_is_reported_with_the_nearest_one() {
    let project = shop();
    let output = project.gate(&["check", "stagin"]);
    assert_eq!((output.code, output.stdout.as_str()), (2, ""));
    assert_snapshot!(output.stderr, @"
    error: checklist `stagin` not found
      help: did you mean `staging`?
    ");
    let output = project.gate(&["chekc", "staging"]);
    assert_eq!(output.code, 2);
    assert_snapshot!(output.stderr, @"
    error: unrecognized subcommand 'chekc'

      tip: some similar subcommands exist: 'schema', 'check'

    Usage: gate [OPTIONS] <COMMAND>

    For more information, try '--help'.
    ");
    let output = project.gate(&["check", "staging", "--format", "jsn"]);
    assert_eq!(output.code, 2);
    assert_snapshot!(output.stderr, @"
    error: invalid value 'jsn' for '--format <FORMAT>': expected one of `github`, `gitlab`, `html`, `intoto`, `json`, `junit`, `markdown`,
    `ndjson`, `prometheus`, `sarif`, `table` or `tap`

    For more information, try '--help'.
    ");
    let output = project.gate(&["check", "staging", "--var", "wrod=x"]);
    assert_eq!(output.code, 2);
    assert_snapshot!(output.stderr, @"
    error: `--var wrod`: the checklist has no such variable
      help: did you mean `word`?
    ");
}

#[test]
fn a_checklist_is_found_from_a_folder_below_and_by_path_and_on_standard_input() {
    let project = shop().file("src/deep/file", "");
    let below = crate::harness::Gate::new(project.path().join("src/deep"), &["check", "staging"]).run();
    assert_eq!(below.code, 1, "{}", below.stderr);
    assert!(below.stdout.contains("hello at 1.0.0"), "{}", below.stdout);
    let by_path = project.gate(&["check", "checklists/staging.yaml", "--skip", "qa"]);
    assert_eq!(by_path.code, 0, "{}", by_path.stderr);
    let text = project.read("checklists/staging.yaml");
    let piped = project.command(&["check", "-", "--skip", "qa"]).stdin(&text).run();
    assert_eq!(piped.code, 0, "{}", piped.stderr);
    let broken = project.command(&["check", "-"]).stdin("titel: T").run();
    assert_eq!(broken.code, 2);
    assert!(broken.stderr.contains("--> -:1:1"), "{}", broken.stderr);
}

#[test]
fn variables_and_the_subject_can_be_given_from_outside() {
    let project = shop().file("staging.env", "# ours\nexport WORD='hello'\nHOME=/nowhere\n");
    let output = project.gate(&["check", "staging", "--var", "word=bye", "--subject", "2.0.0"]);
    assert_eq!(output.code, 1);
    assert!(output.stdout.starts_with("Shop readiness · 2.0.0\n"), "{}", output.stdout);
    assert!(output.stdout.contains("stdout: expected \"hello\", got \"bye\""), "{}", output.stdout);
    let checklist = project.read("checklists/staging.yaml").replace("word: hello", "word: \"${env.WORD} ${env.HOME}\"");
    let project = project.file("checklists/staging.yaml", &checklist);
    let output = project.gate(&["check", "staging", "--env-file", "staging.env", "--only", "says"]);
    // Existing environment variables take precedence over the file.
    assert!(output.stdout.contains("\"hello "), "{}", output.stdout);
    assert!(!output.stdout.contains("nowhere"), "{}", output.stdout);
    let project = project.file("staging.env", "WORD=x\nSECRET\n");
    let output = project.gate(&["check", "staging", "--env-file", "staging.env"]);
    assert_eq!(output.code, 2);
    assert_snapshot!(output.stderr, @"
    error: `staging.env`, line 2: missing `=`
      help: each line is `KEY=VALUE`, or a comment with `#`
    ");
}

#[test]
fn several_reports_are_written_beside_the_table() {
    let project = shop();
    let output =
        project.gate(&["check", "staging", "--report", "json=run.json", "--markdown", "--report", "table=out.txt"]);
    assert_eq!(output.code, 1, "{}", output.stderr);
    assert_eq!(project.read("out.txt").lines().next(), output.stdout.lines().next());
    let run: serde_json::Value = serde_json::from_str(&project.read("run.json")).expect("a whole document");
    assert_eq!(run["verdict"], "not-ready");
    assert_eq!(run["sections"][0]["items"][0]["probes"][0]["observation"]["stdout"], "hello");
    let markdown = project.read("docs/READINESS.md");
    assert!(markdown.contains("- [x] It says hello (verified "), "{markdown}");
    assert!(markdown.contains("- [ ] QA confirms **[NEEDS SIGN-OFF]**"), "{markdown}");
}

#[test]
fn a_report_that_cannot_be_written_ends_it_before_anything_runs() {
    let checklist = shop().read("checklists/staging.yaml").replace("[echo, \"${vars.word}\"]", "[touch, ran]");
    let project = shop().file("checklists/staging.yaml", &checklist);
    let output = project.gate(&["check", "staging", "--report", "json=checklists/staging.yaml/run.json"]);
    assert_eq!((output.code, output.stdout.as_str()), (4, ""));
    assert_snapshot!(output.stderr, @"
    error: cannot write `checklists/staging.yaml/run.json`: not a directory
    ");
    assert!(!project.path().join("ran").exists());
}

#[test]
fn the_same_results_give_the_same_markdown() {
    let project = shop();
    let twice =
        [(); 2].map(|()| project.command(&["check", "staging", "--format", "markdown"]).at(1_765_000_000).run().stdout);
    assert_eq!(twice[0], twice[1]);
    assert_snapshot!(twice[0], @"
    # Shop readiness

    **Last Verified:** 2025-12-06 · **Subject:** 1.0.0 · **Verdict:** NOT READY (1 of 2 passed)

    ## Basics
    - [x] It says hello (verified 2025-12-06: hello at 1.0.0)
    - [ ] QA confirms **[NEEDS SIGN-OFF]**
    ");
}

#[test]
fn probe_prints_what_it_sees_and_says_when_it_sees_nothing() {
    let server = http(|request| Response::json(&serde_json::json!({ "tier": request.header("x-tier") })));
    let project = shop();
    let url = format!("url={}", server.url());
    let output = project.gate(&["probe", "http", &url, "headers.X-Tier=free"]);
    assert_eq!(output.code, 0, "{}", output.stderr);
    let seen: serde_json::Value = serde_json::from_str(&output.stdout).expect("JSON");
    assert_eq!((&seen["status"], &seen["json"]["tier"]), (&200.into(), &"free".into()));
    let output = project.gate(&["probe", "command", "argv=[echo, hi]", "env={A: b}"]);
    assert_eq!(output.code, 0, "{}", output.stderr);
    let output = project.gate(&["probe", "tcp", "address=127.0.0.1"]);
    assert_eq!(output.code, 2);
    assert_snapshot!(output.stderr, @"
    error: invalid address: expected a host and a port from 1 to 65535, such as `db.staging.example:5432`
     --> argument 2:1:9
      |
    1 | address=127.0.0.1
      |         ^^^^^^^^^
    ");
    let output = project.gate(&["probe", "http", "ulr=http://127.0.0.1"]);
    assert_eq!(output.code, 2);
    assert_snapshot!(output.stderr, @"
    error: unknown key `ulr`
     --> argument 2:1:1
      |
    1 | ulr=http://127.0.0.1
      | ^^^ did you mean `url`?
    ");
    let output = project.gate(&["probe", "htpt"]);
    assert_eq!(output.code, 2);
    assert_snapshot!(output.stderr, @"
    error: unknown probe `htpt`
      help: did you mean `http`?
    ");
    let output = project.gate(&["probe", "http"]);
    assert_eq!(output.code, 2);
    assert_snapshot!(output.stderr, @"
    error: `url` is missing
     --> command line:1:12
      |
    1 | gate probe http
      |            ^^^^
    ");
    let output = project.gate(&["probe", "sql", "url=sqlite:///none.db", "query=select 1"]);
    assert_eq!((output.code, output.stdout.as_str()), (3, ""));
}

#[test]
fn a_reader_that_closes_the_pipe_early_is_not_an_error() {
    let project = shop();
    let line = format!("{} check staging | true; echo ${{PIPESTATUS[0]}}", env!("CARGO_BIN_EXE_gate"));
    let output = std::process::Command::new("bash").args(["-c", &line]).current_dir(project.path()).output();
    let output = output.expect("bash is there");
    assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), "1");
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
}

#[test]
fn a_full_disk_is_reported_and_not_a_success() {
    let project = shop();
    let output = project.gate(&["check", "staging", "--skip", "qa", "--report", "json=/dev/full"]);
    assert_eq!(output.code, 4, "{}", output.stderr);
    assert!(output.stdout.contains("READY: 1 of 1 passed"), "{}", output.stdout);
    assert!(output.stderr.contains("cannot write `/dev/full`: the disk is full"), "{}", output.stderr);
}
