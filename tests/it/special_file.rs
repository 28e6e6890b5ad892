//! A pipe or a device instead of a file: an error at once, in every probe and command.

use std::fs;
use std::os::unix::fs::symlink;
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::harness::Project;
use crate::sign::{DANA, SIGNED, at};
use crate::sign_key::{sign_with, with_keys};

/// A probe of each kind that reads a file, with `FILE` in its place.
const PROBES: &[(&str, &str)] = &[
    ("alembic", "alembic: { url: \"sqlite:///db\", config: FILE }"),
    ("backup", "backup: { in: folder, pg_restore: true }"),
    ("ca", "http: { url: \"https://127.0.0.1:1\", ca: FILE }"),
    ("env", "env: { names: [A], file: FILE }"),
    ("file", "file: { path: FILE }"),
    ("junit", "junit: { files: FILE }"),
    ("k6", "k6: { summary: FILE }"),
    ("k6-baseline", "k6: { summary: summary.json, baseline: FILE }"),
    ("secret", "http: { url: \"http://127.0.0.1:1\", token: \"${secrets.T}\" }"),
    ("sqlite", "sql: { url: \"sqlite:FILE\", query: SELECT 1 }"),
    ("workflow", "workflow: { path: FILE }"),
];

/// The summary of k6 after a load test, as far as the probe needs it.
const SUMMARY: &str = r#"{"metrics":{"iterations":{"count":9,"rate":1.0},"http_req_duration":{"avg":1.0,"min":1.0,"med":1.0,"max":1.0,"p(90)":1.0,"p(95)":1.0,"thresholds":{"p(95)<9":false}}}}"#;

/// A project with a pipe without a writer, and a link to an endless device.
fn project(file: &str) -> Project {
    let items: String = PROBES
        .iter()
        .map(|(name, probe)| {
            format!("      - {{ id: {name}, title: X, probes: [{{ {} }}] }}\n", probe.replace("FILE", file))
        })
        .collect();
    let text = format!(
        "title: T\ndefaults: {{ timeout: 2s }}\nsecrets: {{ T: {{ file: {file} }} }}\nsections:\n  - title: S\n    items:\n{items}"
    );
    let project = Project::new(&text).file("summary.json", SUMMARY).file("folder/.keep", "");
    let path = |name: &str| project.path().join(name);
    for pipe in ["queue", "folder/pipe.dump"] {
        assert!(Command::new("mkfifo").arg(path(pipe)).status().expect("mkfifo is installed").success());
    }
    symlink("/dev/zero", path("zero")).expect("the project's folder is writable");
    project
}

#[test]
fn no_probe_waits_for_a_pipe_or_reads_a_device_without_end() {
    for file in ["queue", "zero"] {
        let project = project(file);
        let begun = Instant::now();
        let output = project.gate(&["check", "staging", "--no-record", "--format", "json"]);
        assert!(begun.elapsed() < Duration::from_secs(2), "{file}: {:?}", begun.elapsed());
        let run: Value = serde_json::from_str(&output.stdout).unwrap_or_else(|error| panic!("{error}: {output:?}"));
        for item in run["sections"][0]["items"].as_array().expect("a list") {
            let (id, status) = (item["id"].as_str().expect("an id"), item["status"].as_str().expect("a status"));
            assert!(matches!(status, "error" | "failed" | "blocked" | "pending"), "{file}: {id} is {status}: {item:#}");
            let said = item.to_string();
            let is_named = [
                "regular file",
                "not a file",
                "fifo",
                "device",
                "not a folder",
                "directory",
                "contains only",
                "no file matches",
                "secret",
            ];
            assert!(is_named.iter().any(|words| said.contains(words)), "{file}: {id}: {item:#}");
        }
    }
}

#[test]
fn no_command_reads_keys_from_a_pipe_or_a_device() {
    for device in [None, Some("/dev/zero")] {
        let project = with_keys(|key| format!("dana@example.com namespaces=\"gate-signoff\" {key}\n"));
        assert_eq!(sign_with(&project, DANA, "dana").code, 0);
        let signers = project.path().join("signers");
        fs::remove_file(&signers).expect("the project's folder is writable");
        match device {
            None => assert!(Command::new("mkfifo").arg(&signers).status().expect("mkfifo is installed").success()),
            Some(device) => symlink(device, &signers).expect("the project's folder is writable"),
        }
        let begun = Instant::now();
        let output = at(&project, SIGNED, &["verify", "staging"]);
        assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
        assert_ne!(output.code, 0, "{}", output.stdout);
        let said = output.stdout + &output.stderr;
        assert!(said.contains("not a regular file") || said.contains("leads out of the repository"), "{said}");
    }
}
