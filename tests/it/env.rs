//! Environment variables and `.env` files.

use gate::probe::Probe;
use gate::probe::env::{Environment, EnvironmentSeen};
use insta::assert_snapshot;
use serde_json::json;

use crate::observe::{context, observe, observe_in, probe, refused};

fn reported(settings: serde_json::Value, seen: &EnvironmentSeen) -> String {
    let probe: Environment = probe(settings);
    format!("{}\n{}", probe.evidence(seen), probe.advice(seen).unwrap_or_default())
}

#[test]
fn each_name_is_reported_and_no_value_is_shown() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let cx = context(
        dir.path(),
        &[
            ("DATABASE_URL", "postgres://u:hunter2@h/d"),
            ("GITHUB_TOKEN", "<your-token>"),
            ("REDIS_URL", "http://hunter2"),
            ("BLANK", "  "),
        ],
    );
    let settings = json!({
        "names": ["DATABASE_URL", "GITHUB_TOKEN", "BLANK", "GONE"],
        "matches": { "REDIS_URL": "^rediss?://" },
    });
    let seen = observe_in::<Environment>(&cx, settings.clone()).expect("nothing to fail");
    assert_snapshot!(serde_json::to_string_pretty(&seen).expect("it is JSON"), @r#"
    {
      "present": [
        "DATABASE_URL"
      ],
      "missing": [
        "BLANK",
        "GONE"
      ],
      "blank": [
        "BLANK"
      ],
      "placeholder": [
        "GITHUB_TOKEN"
      ],
      "malformed": [
        "REDIS_URL"
      ]
    }
    "#);
    assert_snapshot!(reported(settings, &seen), @"
    1 of 5 present; missing: BLANK, GONE; placeholder: GITHUB_TOKEN; malformed: REDIS_URL
    GONE: not set in the environment of `gate`; BLANK: blank in the environment of `gate`; GITHUB_TOKEN: still a placeholder; REDIS_URL: does not match its pattern
    ");
}

#[test]
fn a_file_of_variables_replaces_the_environment() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    std::fs::write(dir.path().join("staging.env"), "export A=1\nB=changeme # later\n").expect("the folder is writable");
    let settings = json!({ "names": ["A", "B", "C"], "file": "staging.env" });
    let seen = observe_in::<Environment>(&context(dir.path(), &[("C", "1")]), settings.clone()).expect("it exists");
    assert_snapshot!(reported(settings, &seen), @"
    1 of 3 present; missing: C; placeholder: B
    C: not set in `staging.env`; B: still a placeholder
    ");
}

#[test]
fn a_file_that_is_not_there_or_of_another_kind_is_an_error() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    std::fs::write(dir.path().join("notes.txt"), "A=1\nhunter2\n").expect("the folder is writable");
    let cx = context(dir.path(), &[]);
    let error = |file: &str| {
        let error = observe_in::<Environment>(&cx, json!({ "names": ["A"], "file": file })).expect_err("no such file");
        error.replace(&dir.path().display().to_string(), "DIR")
    };
    assert_snapshot!(error("gone.env"), @"file `DIR/gone.env` not found");
    assert_snapshot!(error("notes.txt"), @"
    `DIR/notes.txt` is not a file of variables: line 2: missing `=`
    help: each line must be `KEY=VALUE`
    ");
    assert_snapshot!(error("."), @"
    `DIR/.` is not a regular file
    help: name a file, not a folder, pipe or device
    ");
}

#[test]
fn settings_that_name_nothing_are_refused() {
    assert_snapshot!(refused::<Environment>(json!({})), @"`names` or `matches` is missing");
    assert_snapshot!(refused::<Environment>(json!({ "names": ["A B"] })), @"`A B` is not a valid name of a variable");
    assert_snapshot!(refused::<Environment>(json!({ "matches": { "A": "(" } })), @"this is not a regular expression: unclosed group");
    assert!(observe::<Environment>(json!({ "names": ["A"] })).is_ok_and(|seen| seen.missing == ["A"]));
}
