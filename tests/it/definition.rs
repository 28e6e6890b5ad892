//! The definition that a sign-off is bound to: the covered items, and the subject.

use crate::harness::Project;
use crate::sign::{DANA, LIST, SIGNED, at};

#[test]
fn a_sign_off_is_bound_to_what_was_observed_not_to_how_it_is_written() {
    let list = "
        title: T
        vars: { file: \"${env.FILE:-up}\" }
        secrets: { DATABASE_URL: }
        sections:
          - title: S
            items:
              - { id: up, title: Up, probes: [{ file: { path: \"${vars.file}\" } }] }
              - { id: db, title: DB, probes: [{ command: { argv: [\"true\", \"${secrets.DATABASE_URL}\"] } }] }
              - { id: qa, title: QA confirms, needs: [up, db], sign_off: { role: QA, valid_for: 7d } }
    ";
    let project = Project::new(list).file("up", "").file("other", "");
    let run = |url: &str, file: &str, arguments: &[&str]| {
        let command = project.command(arguments).at(SIGNED);
        command.env("DATABASE_URL", url).env("FILE", file).run()
    };
    let state = |url: &str, file: &str, arguments: &[&str]| {
        let check = ["check", "staging", "--no-record", "--format", "markdown"];
        let output = run(url, file, &[&check, arguments].concat());
        output.stdout.lines().find(|line| line.contains("QA confirms")).expect("it is listed").to_owned()
    };
    let url = "postgres://me:secret-1@db/app";
    assert_eq!(run(url, "up", &["check", "staging"]).code, 1);
    let document = run(url, "up", &["check", "staging", "--no-record", "--format", "json"]).stdout;
    let document: serde_json::Value = serde_json::from_str(&document).expect("it is JSON");
    for item in document["sections"][0]["items"].as_array().expect("a list") {
        let is_digest = |key: &str| item[key].as_str().is_some_and(|digest| digest.len() == 64);
        assert!(is_digest("source") && is_digest("definition"), "{item:#}");
    }
    // The signer needs neither the variable nor the secret.
    assert_eq!(at(&project, SIGNED, &["sign", "staging", "qa", "--by", DANA]).code, 0);
    assert!(state(url, "up", &[]).contains("[x]"), "{}", state(url, "up", &[]));
    assert!(state("postgres://you:secret-2@db/app?sslmode=require", "up", &[]).contains("[x]"), "a rotated password");
    for (url, file, arguments) in [
        ("postgres://me:secret-1@elsewhere/app", "up", &[][..]),
        (url, "other", &[]),
        (url, "up", &["--var", "file=other"]),
    ] {
        assert!(state(url, file, arguments).contains("but the definition of "), "{url} {file} {arguments:?}");
    }
}

#[test]
fn an_unset_subject_blocks_no_probe_and_prevents_sign_offs() {
    let list = LIST.replace("${env.RELEASE:-r1}", "${env.RELEASE}");
    let project = Project::new(&list).file("up", "");
    let output = at(&project, SIGNED, &["check", "staging", "--format", "markdown"]);
    assert!(output.stdout.contains("- [x] Up"), "{}{}", output.stdout, output.stderr);
    assert!(output.stdout.contains("- [ ] QA confirms **[NEEDS SIGN-OFF: subject is not set]**"), "{}", output.stdout);
    let refused = at(&project, SIGNED, &["sign", "staging", "qa", "--by", DANA]);
    assert_eq!(refused.code, 2);
    assert!(refused.stderr.contains("the checklist's subject is not set"), "{}", refused.stderr);
}

#[test]
fn a_commit_is_the_same_at_any_length_of_at_least_seven_characters() {
    let project = Project::new(LIST).file("up", "");
    let of = |release: &str, arguments: &[&str]| project.command(arguments).env("RELEASE", release).run();
    let whole = "0f1d7aa1f4c6b7f6f7c5d5c3f4a1b2c3d4e5f607";
    assert_eq!(of("0f1d7aa", &["check", "staging"]).code, 1);
    assert_eq!(of(whole, &["sign", "staging", "qa", "--by", DANA]).code, 0);
    assert_eq!(of("0f1d7aa1f", &["check", "staging", "--no-record"]).code, 0);
    for other in ["0f1d7ab", "0f1d7a"] {
        assert_eq!(of(other, &["check", "staging", "--no-record"]).code, 1, "{other}");
    }
}
