//! Secrets from variables, files and programs: probes get them, and no output shows them in any form.

use crate::harness::{HttpServer, Project, Response, http};

const TOKEN: &str = "gl/sa+0\"Tuk&en=9";
const PASSWORD: &str = "p@ss:w0rd/ü";

/// A server that echoes the request, as servers do in their errors.
fn echo() -> HttpServer {
    http(|request| {
        let token = request.header("authorization").unwrap_or_default().to_owned();
        let said = serde_json::json!({ "path": request.path, "query": request.parameter("key"), "token": token });
        Response::json(&said).status(500).header("x-echo", &token.replace(|c: char| !c.is_ascii(), "?"))
    })
}

fn project(server: &HttpServer) -> Project {
    Project::new(
        "
        title: T
        markdown: READINESS.md
        secrets:
          TOKEN:
          FROM_FILE: { file: run/password }
          FROM_PROGRAM: { command: [cat, run/key] }
        sections:
          - title: S
            items:
              - id: header
                title: Header
                probes: [{ http: { url: \"${env.API}/h?key=${secrets.FROM_FILE}\", token: \"${secrets.TOKEN}\" } }]
              - id: output
                title: Output
                probes:
                  - command:
                      shell: 'printf \"%s\\n\" \"$A\"; printf \"%s\" \"$B\" | base64; printf \"%s\" \"$C\" >&2; exit 3'
                      env: { A: \"${secrets.TOKEN}\", B: \"${secrets.FROM_FILE}\", C: \"${secrets.FROM_PROGRAM}\" }
              - id: url
                title: URL
                probes: [{ redis: { url: \"redis://user:${secrets.FROM_FILE}@127.0.0.1:1/0\" } }]
              - id: expected
                title: Expected
                probes:
                  - command: { argv: [echo, other] }
                    expect: { stdout: \"${secrets.FROM_PROGRAM}\" }
              - id: said
                title: Said
                probes: [{ command: { argv: [echo, \"${secrets.TOKEN}\"] }, as: said }]
                evidence: it said ${said.stdout}
    ",
    )
    .file("run/password", &format!("{PASSWORD}\n"))
    .file("run/key", "AKIA1234SECRET5678")
    .env("TOKEN", TOKEN)
    .env("API", server.url())
}

#[test]
fn no_output_shows_a_secret_in_any_form() {
    let server = echo();
    let project = project(&server);
    let output =
        project.gate(&["check", "staging", "--report", "json=run.json", "--markdown", "--report=table=run.txt"]);
    assert_eq!(output.code, 1, "{}", output.stderr);
    let all = [
        output.stdout.as_str(),
        &output.stderr,
        &project.read("run.json"),
        &project.read("run.txt"),
        &project.read("READINESS.md"),
    ]
    .concat();
    let encoded = |text: &str| url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
    for secret in [TOKEN, PASSWORD, "AKIA1234SECRET5678"] {
        for form in [secret.to_owned(), encoded(secret), encoded(secret).replace('+', "%20")] {
            assert!(!all.contains(&form), "{form} in\n{all}");
        }
    }
    for form in ["Tuk", "w0rd", "cEBzczp3MHJkL8O8", "AKIA"] {
        assert!(!all.contains(form), "{form} in\n{all}");
    }
    // The secrets did arrive at the server.
    let request = server.requests().into_iter().find(|request| request.path == "/h").expect("it was asked");
    assert_eq!(request.parameter("key").as_deref(), Some(PASSWORD));
    assert!(output.stdout.contains("it said [TOKEN]"), "{}", output.stdout);
    assert!(output.stdout.contains("expected \"[FROM_PROGRAM]\", got \"other\""), "{}", output.stdout);
}

#[test]
fn the_line_to_reproduce_names_the_variable_instead() {
    let server = echo();
    let output = project(&server).gate(&["check", "staging", "--only", "header"]);
    assert!(output.stdout.contains("\"authorization: Bearer $TOKEN\""), "{}", output.stdout);
}

#[test]
fn a_secret_that_cannot_be_had_blocks_what_uses_it_and_says_why() {
    let project = Project::new(
        "
        title: T
        secrets:
          EMPTY:
          SHORT:
          NO_FILE: { file: run/none }
          NO_PROGRAM: { command: [no-such-program] }
          REFUSES: { command: [sh, -c, \"echo s3cret-in-error >&2; exit 4\"] }
          OTHER: { env: STAGING_OTHER }
          EMPTY_FILE: { file: run/empty }
          SILENT: { command: ['true'] }
          ENDLESS: { command: ['yes'] }
          UNUSED: { command: [touch, ran] }
        sections:
          - title: S
            items:
              - { id: a, title: A, probes: [{ command: { argv: [echo, \"${secrets.EMPTY}\"] } }] }
              - { id: b, title: B, probes: [{ command: { argv: [echo, \"${secrets.SHORT}\"] } }] }
              - { id: c, title: C, probes: [{ command: { argv: [echo, \"${secrets.NO_FILE}\"] } }] }
              - { id: d, title: D, probes: [{ command: { argv: [echo, \"${secrets.NO_PROGRAM}\"] } }] }
              - { id: e, title: E, probes: [{ command: { argv: [echo, \"${secrets.REFUSES}\"] } }] }
              - { id: f, title: F, probes: [{ command: { argv: [echo, \"${secrets.OTHER}\"] } }] }
              - { id: g, title: G, probes: [{ command: { argv: [echo, \"${secrets.EMPTY_FILE}\"] } }] }
              - { id: h, title: H, probes: [{ command: { argv: [echo, \"${secrets.SILENT}\"] } }] }
              - { id: i, title: I, probes: [{ command: { argv: [echo, \"${secrets.ENDLESS}\"] } }] }
    ",
    )
    .file("run/empty", "\n")
    .env("EMPTY", "")
    .env("SHORT", "abc");
    let output = project.gate(&["check", "staging", "--format", "json"]);
    assert_eq!(output.code, 3, "{}", output.stdout);
    let run: serde_json::Value = serde_json::from_str(&output.stdout).expect("a whole document");
    let items = run["sections"][0]["items"].as_array().expect("a list").iter();
    let reasons: Vec<String> = items
        .filter_map(|item| Some(format!("{} | {}", item["reason"].as_str()?, item["probes"][0]["help"].as_str()?)))
        .collect();
    let folder = project.path().display().to_string();
    insta::assert_snapshot!(reasons.join("\n").replace(&folder, "DIR"), @"
    EMPTY is empty | set it, or give it in a file: `--env-file FILE`
    SHORT is shorter than 4 characters, and can't be kept out of reports | use a longer secret
    NO_FILE: file `DIR/run/none` not found | create it with the secret in it, or correct the path after `file:`
    NO_PROGRAM: cannot run `no-such-program`: no such file or directory | install the program, or correct the `command` of the secret
    REFUSES: `sh -c echo s3cret-in-error >&2; exit 4` ended with exit code 4 | run it yourself to see why
    STAGING_OTHER is not set | set it, or give it in a file: `--env-file FILE`
    EMPTY_FILE: file `DIR/run/empty` is empty | write the secret into that file
    SILENT: `true` printed nothing | it must print the secret on standard output
    ENDLESS: `yes` printed more than 1 MiB | it must print the secret and nothing else
    ");
    assert!(!project.path().join("ran").exists());
}

#[test]
fn secret_variables_are_hidden_without_a_declaration() {
    let project = Project::new("
        title: T
        sections:
          - title: S
            items:
              - { id: a, title: A, probes: [{ sql: { url: \"${env.DATABASE_URL}\", query: select 1 } }] }
              - { id: b, title: B, probes: [{ command: { argv: [echo, \"${env.DEPLOY_TOKEN}\"] }, expect: { stdout: x } }] }
    ")
    .env("DATABASE_URL", "postgresql://app:h%2Fdden-word@127.0.0.1:1/db")
    .env("DEPLOY_TOKEN", "glpat-0123456789");
    let output = project.gate(&["check", "staging", "--report", "json=run.json"]);
    assert_eq!(output.code, 1, "{}", output.stderr);
    let all = [output.stdout.as_str(), &output.stderr, &project.read("run.json")].concat();
    for secret in ["h%2Fdden", "h/dden", "glpat"] {
        assert!(!all.contains(secret), "{secret} in\n{all}");
    }
    assert!(all.contains("[DEPLOY_TOKEN]"), "{all}");
}

#[test]
fn help_shows_no_values_of_the_environment() {
    let project = Project::new("title: T").env("STAGING_URL", "http://hidden").env("GATE_FORMAT", "hidden");
    for verb in ["check", "validate", "list", "show", "probe", "schema"] {
        let output = project.gate(&[verb, "--help"]);
        assert_eq!((output.code, output.stderr.as_str()), (0, ""));
        assert!(!output.stdout.contains("hidden") && !output.stdout.contains("[env:"), "{}", output.stdout);
    }
}

#[test]
fn a_secret_with_a_quote_stays_hidden_in_a_command_line_for_another_machine() {
    let project = Project::new(
        r#"
        title: T
        secrets: { TOKEN: }
        sections:
          - title: S
            items:
              - { id: a, title: A, probes: [{ http: { url: "http://127.0.0.1:1", token: "${secrets.TOKEN}", via: "ssh://nobody@gate.invalid" } }] }
              - { id: b, title: B, probes: [{ command: { argv: [echo, "${secrets.TOKEN}"], on: "ssh://nobody@gate.invalid" } }] }
        "#,
    )
    .env("TOKEN", "o'brien-secret-77");
    for format in ["table", "json", "html", "junit", "sarif"] {
        let output = project.gate(&["check", "staging", "--no-record", "--format", format]);
        assert_eq!(output.code, 3, "{}{}", output.stdout, output.stderr);
        assert!(!output.stdout.contains("brien-secret"), "{format}: {}", output.stdout);
    }
    let output = project.gate(&["check", "staging", "--no-record", "--format=json"]);
    let run: serde_json::Value = serde_json::from_str(&output.stdout).expect("it is JSON");
    let reproduce = |item: usize| run["sections"][0]["items"][item]["probes"][0]["reproduce"].clone();
    assert_eq!(
        reproduce(0),
        r#"ssh nobody@gate.invalid "curl -i -H \"authorization: Bearer $TOKEN\" http://127.0.0.1:1/""#
    );
    assert_eq!(reproduce(1), r#"ssh nobody@gate.invalid "echo \"$TOKEN\"""#);
}

#[test]
fn a_program_that_hangs_holds_up_only_what_uses_its_secret_and_is_named() {
    let project = Project::new(
        "
        title: T
        secrets: { SLOW: { command: [sleep, 600] } }
        sections:
          - title: S
            items:
              - { id: a, title: A, probes: [{ command: { argv: [echo, \"${secrets.SLOW}\"] } }] }
              - { id: b, title: B, probes: [{ command: { argv: [echo, b] } }] }
              - { id: c, title: C, needs: [a], probes: [{ command: { argv: [echo, c] } }] }
    ",
    );
    let output = project.gate(&["check", "staging", "--no-record", "--deadline=3s"]);
    assert_eq!(output.code, 3, "{}", output.stderr);
    let said = "not begun by the deadline of 3s: waited 3s for the secret SLOW, which `sleep 600` did not print";
    let text = output.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(text.contains("✓ passed B"), "{}", output.stdout);
    assert!(text.contains(said), "{}", output.stdout);
}

#[test]
fn what_ran_before_a_program_printed_its_secret_does_not_show_it() {
    let project = Project::new(
        "
        title: T
        secrets: { PART: , LATE: { command: [sh, -c, \"cat pipe > /dev/null; cat run/key\"] } }
        sections:
          - title: S
            items:
              - { id: before, title: Before, probes: [{ command: { argv: [cat, run/key] }, expect: { stdout: x } }] }
              - { id: open, title: Open, needs: [open-pipe], probes: [{ command: { argv: [echo, \"${secrets.LATE}\", \"${secrets.PART}\"] } }] }
              - { id: open-pipe, title: Pipe, probes: [{ command: { shell: \"until test -e done; do :; done; echo > pipe\" } }] }
              - { id: last, title: Last, needs: [quote], probes: [{ command: { argv: [touch, done] } }] }
              - { id: quote, title: Quote, probes: [{ command: { argv: [cat, run/key] } }], evidence: quoted }
        gaps:
          - { gap: G, items: [before], priority: P2, accepted_until: 2026-12-01, accepted_by: dana }
    ",
    )
    .at(1_790_000_000)
    .env("PART", "1234SECRET")
    .file("run/key", "AKIA1234SECRET5678");
    let pipe = std::process::Command::new("mkfifo").arg(project.path().join("pipe")).status();
    assert!(pipe.expect("mkfifo is installed").success());
    for format in ["ndjson", "table", "json"] {
        std::fs::remove_file(project.path().join("done")).ok();
        let output =
            project.gate(&["check", "staging", "--no-record", "--format", format, "--report", "json=run.json"]);
        assert_eq!(output.code, 0, "{}{}", output.stdout, output.stderr);
        let all = [&output.stdout, &output.stderr, &project.read("run.json")].map(String::as_str).concat();
        assert!(all.contains("[LATE]") && !all.contains("AKIA") && !all.contains("5678"), "{all}");
        assert_eq!(output.stdout.contains(r#"{"event":"reading","secrets":"LATE"}"#), format == "ndjson", "{all}");
    }
}

#[test]
fn a_line_with_a_user_and_a_password_names_the_variable_of_the_password() {
    let project = Project::new(
        "
        title: T
        secrets: { TOK: }
        sections:
          - title: S
            items:
              - { id: a, title: A, probes: [{ http: { url: \"http://127.0.0.1:1\", user: joe, password: \"${secrets.TOK}\" } }] }
              - { id: b, title: B, probes: [{ prometheus: { url: \"http://joe:${secrets.TOK}@127.0.0.1:1\", query: up } }] }
    ",
    )
    .env("TOK", "s3cr3t-'w\"rd$");
    let output = project.gate(&["check", "staging", "--no-record", "--format=json"]);
    let run: serde_json::Value = serde_json::from_str(&output.stdout).expect("it is JSON");
    let reproduce = |item: usize| run["sections"][0]["items"][item]["probes"][0]["reproduce"].clone();
    assert_eq!(reproduce(0), r#"curl -i -u "joe:$TOK" http://127.0.0.1:1/"#);
    assert_eq!(reproduce(1), r#"curl -i -u "joe:$TOK" 'http://127.0.0.1:1/api/v1/query?query=up'"#);
}
