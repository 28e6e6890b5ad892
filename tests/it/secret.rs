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
    ",
    )
    .env("EMPTY", "")
    .env("SHORT", "abc");
    let output = project.gate(&["check", "staging", "--format", "json"]);
    assert_eq!(output.code, 3, "{}", output.stdout);
    let run: serde_json::Value = serde_json::from_str(&output.stdout).expect("a whole document");
    let items = run["sections"][0]["items"].as_array().expect("a list").iter();
    let reasons: Vec<&str> = items.filter_map(|item| item["reason"].as_str()).collect();
    let folder = project.path().display().to_string();
    insta::assert_snapshot!(reasons.join("\n").replace(&folder, "DIR"), @"
    EMPTY is empty
    SHORT is shorter than 4 characters, and can't be kept out of reports
    NO_FILE: file `DIR/run/none` not found
    NO_PROGRAM: cannot run `no-such-program`: no such file or directory
    REFUSES: `sh -c echo s3cret-in-error >&2; exit 4` ended with exit code 4: run it to see why
    STAGING_OTHER is not set
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
