//! `file`: files, and other objects at a path.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use gate::probe::Probe;
use gate::probe::file::{File, FileSeen};
use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::observe::{context, observe_in, probe};

fn see(dir: &Path, settings: Value) -> FileSeen {
    observe_in::<File>(&context(dir, &[]), settings).expect("it can be observed")
}

fn reported(path: &str, seen: &FileSeen) -> String {
    let probe: File = probe(json!({ "path": path }));
    format!("{} | {}", probe.evidence(seen), probe.advice(seen).unwrap_or_default())
}

#[test]
fn a_file_is_read_with_its_age_and_digest() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    fs::write(dir.path().join("a.json"), "{\"ok\": true}\n").expect("the folder is writable");
    let seen = see(dir.path(), json!({ "path": "a.json" }));
    assert_eq!((seen.exists, seen.is_dir, seen.size, seen.lines), (true, false, Some(13), Some(1)));
    assert_eq!(seen.json, Some(json!({ "ok": true })));
    assert_eq!(seen.headings, None, "it is not a markdown");
    assert!(seen.age_s.is_some_and(|age| (0..60).contains(&age)), "{:?}", seen.age_s);
    assert!(seen.modified.as_ref().is_some_and(|at| at.ends_with('Z')), "{:?}", seen.modified);
    assert_snapshot!(seen.sha256.as_deref().unwrap_or_default(), @"55f66c2c5aeb275ff5b1ae26b321d5c0b8ceda8c034b19c2643e046d024919f3");
    assert_snapshot!(reported("a.json", &seen), @"file of 13 bytes | ");
}

#[test]
fn a_byte_order_mark_is_not_part_of_the_content() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    for (name, text) in [("a.json", "\u{feff}{\"ok\":true}"), ("b.md", "\u{feff}# Recovery\nRestart it.\n")] {
        fs::write(dir.path().join(name), text).expect("the folder is writable");
    }
    let json = see(dir.path(), json!({ "path": "a.json" }));
    assert_eq!((json.json, json.text.as_deref()), (Some(json!({ "ok": true })), Some("{\"ok\":true}")));
    assert_eq!(see(dir.path(), json!({ "path": "b.md" })).headings, Some(vec!["Recovery".to_owned()]));
}

#[test]
fn a_file_from_the_future_has_no_age() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let file = fs::File::create(dir.path().join("report")).expect("the folder is writable");
    file.set_modified(std::time::SystemTime::now() + std::time::Duration::from_secs(86_400))
        .expect("the file is writable");
    let seen = see(dir.path(), json!({ "path": "report" }));
    assert_eq!(seen.age_s, None);
    assert_snapshot!(reported("report", &seen), @"file of 0 bytes | `report` was modified in the future: check the clock of the machine that wrote it");
}

#[test]
fn a_markdown_file_has_headings() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let text = "# Runbook\n\n```\n# not one\n```\n\n## Rollback\n\n## Contacts\nUs.\n";
    fs::write(dir.path().join("RUNBOOK.md"), text).expect("the folder is writable");
    let seen = see(dir.path(), json!({ "path": "RUNBOOK.md" }));
    assert_eq!(seen.headings.as_deref(), Some(["Runbook", "Rollback", "Contacts"].map(str::to_owned).as_slice()));
    assert_eq!(seen.empty_headings.as_deref(), Some(["Rollback".to_owned()].as_slice()));
}

#[test]
fn a_file_longer_than_max_size_is_cut_and_has_no_digest() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    fs::write(dir.path().join("big"), "[1,2,3]").expect("the folder is writable");
    let seen = see(dir.path(), json!({ "path": "big", "max_size": "3B" }));
    assert_eq!((seen.text.as_deref(), seen.truncated, seen.size), (Some("[1,"), true, Some(7)));
    assert_eq!((seen.json, seen.sha256), (None, None));
    let whole = see(dir.path(), json!({ "path": "big", "max_size": "7B" }));
    assert_eq!((whole.truncated, whole.json), (false, Some(json!([1, 2, 3]))));
}

#[test]
fn other_objects_than_files_are_distinguished_and_never_read() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let at = |name: &str| dir.path().join(name);
    fs::create_dir(at("folder")).expect("the folder is writable");
    fs::write(at("bytes"), [0xff, 0]).expect("the folder is writable");
    symlink("gone", at("dangling")).expect("the folder is writable");
    symlink("loop", at("loop")).expect("the folder is writable");
    symlink("bytes", at("link")).expect("the folder is writable");
    let made = std::process::Command::new("mkfifo").arg(at("fifo")).status().expect("mkfifo is installed");
    assert!(made.success());
    let _listener = std::os::unix::net::UnixListener::bind(at("socket")).expect("the folder is writable");
    let lines: Vec<String> = ["folder", "bytes", "dangling", "loop", "link", "fifo", "socket", "gone", "bytes/x"]
        .iter()
        .map(|path| {
            let seen = see(dir.path(), json!({ "path": path }));
            format!("{path}: exists={} {}", seen.exists, reported(path, &seen))
        })
        .collect();
    assert_snapshot!(lines.join("\n"), @"
    folder: exists=true directory | `folder` is a directory
    bytes: exists=true file of 2 bytes | 
    dangling: exists=false broken link | `dangling` is a link to something that is not there
    loop: exists=false broken link | `loop` is a link to something that is not there
    link: exists=true file of 2 bytes | 
    fifo: exists=true fifo | 
    socket: exists=true socket | 
    gone: exists=false `gone` does not exist | `gone` does not exist; relative paths start at the folder that contains `checklists/`
    bytes/x: exists=false `bytes/x` does not exist | `bytes/x` does not exist; relative paths start at the folder that contains `checklists/`
    ");
}

#[test]
fn an_unreadable_file_is_an_error() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let error =
        observe_in::<File>(&context(dir.path(), &[]), json!({ "path": "x".repeat(300) })).expect_err("too long");
    assert!(error.ends_with("file name too long"), "{error}");
}
