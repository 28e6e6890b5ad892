//! Default expectations apply per path: an `expect` overrides only the defaults of the paths that it names.

use crate::harness::{Project, Response, http};

/// The result of each item of this project, one a line.
fn reasons(project: &Project) -> String {
    let output = project.gate(&["check", "staging", "--no-record", "--format", "json"]);
    let run: serde_json::Value = serde_json::from_str(&output.stdout).expect("it is JSON");
    let items = run["sections"][0]["items"].as_array().expect("there are items").iter();
    let line = |item: &serde_json::Value| {
        let reason = item["reason"].as_str().unwrap_or("-");
        format!("{}: {} {reason}", item["id"].as_str().unwrap_or_default(), item["status"].as_str().unwrap_or_default())
    };
    items.map(line).collect::<Vec<_>>().join("\n")
}

#[test]
fn an_own_expectation_leaves_the_other_defaults_in_force() {
    let server = http(|_| Response::json(&serde_json::json!({ "status": "ok" })).status(500));
    let project = Project::new(
        r#"
        title: Defaults
        sections:
          - title: S
            items:
              - { id: http, title: Body, probes: [{ http: { url: "${env.API}" }, expect: { json.status: ok } }] }
              - { id: named, title: Named, probes: [{ http: { url: "${env.API}" }, expect: { status: { exists: true } } }] }
              - { id: command, title: Output, probes: [{ command: { shell: "echo ok; exit 3" }, expect: { stdout: ok } }] }
              - { id: signal, title: Signal, probes: [{ command: { shell: "kill -TERM $$$$" }, expect: { signal: SIGTERM } }] }
        "#,
    )
    .env("API", server.url());
    let expected = [
        "http: failed status: expected at least 200 and below 300, got 500",
        "named: passed -",
        "command: failed exit_code: expected 0, got 3",
        "signal: passed -",
    ];
    assert_eq!(reasons(&project), expected.join("\n"));
}

#[test]
fn a_failed_expectation_of_a_check_is_shown_with_the_line_that_uses_it() {
    let project = Project::new(
        "
        title: Checks
        sections:
          - title: S
            items:
              - id: greeting
                title: It says hello twice
                probes:
                  - use: says
                    with: { word: hello }
    ",
    );
    let check = "description: A program says a word.\ninputs:\n  word: { description: The word., example: hello }\n\
                 probes:\n  - command: { shell: \"echo bye; exit 1\" }\n    expect: { stdout: \"${inputs.word}\" }\n";
    let project = project.file("checks/says.yaml", check);
    let output = project.gate(&["check", "staging", "--no-record"]);
    let (_, shown) = output.stdout.split_once(" --> ").unwrap_or_else(|| panic!("no place in {}", output.stdout));
    let at = |text: &str| shown.find(text).unwrap_or_else(|| panic!("{text} in {shown}"));
    assert!(at("- use: says") < at("expect: { stdout: \"${inputs.word}\" }"), "{}", output.stdout);
    assert!(at("exit_code: expected 0, got 1 (default)") < at("expected \"hello\", got \"bye\""), "{}", output.stdout);
}
