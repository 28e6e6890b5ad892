//! Existing files, links, pipes and text around the markers when reports are written.

use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::{ProtectedPaths, Unmarked, open};
use crate::diagnostic::Diagnostics;
use crate::report::RenderOptions;
use crate::report::sample::{m9, now};
use crate::secret::Redactor;
use crate::writer::Target;

fn folder() -> TempDir {
    tempfile::tempdir().expect("the temporary folder is writable")
}

fn write(format: &str, path: &Path) -> Result<(), Diagnostics> {
    let run = Redactor::default().pass(m9());
    open(&[(format.to_owned(), path.to_owned())], "staging", Unmarked::Keep, &ProtectedPaths::default())?
        .write(&run, &RenderOptions::plain(now()))
}

/// The error and its help, without the folder's name.
fn said(result: Result<(), Diagnostics>, folder: &TempDir) -> String {
    let problems = result.expect_err("it can't be written");
    let lines = problems
        .0
        .iter()
        .flat_map(|problem| std::iter::once(problem.title().to_owned()).chain(problem.helps().to_vec()));
    lines.collect::<Vec<_>>().join("\n").replace(&folder.path().display().to_string(), "DIR")
}

fn names(folder: &TempDir) -> Vec<String> {
    let entries = fs::read_dir(folder.path()).expect("the folder is there");
    let mut names: Vec<_> =
        entries.map(|entry| entry.expect("it can be read").file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

#[test]
fn a_report_replaces_the_file_and_keeps_its_mode() {
    let folder = folder();
    let path = folder.path().join("run.json");
    fs::write(&path, "old").expect("the folder is writable");
    fs::set_permissions(&path, Permissions::from_mode(0o640)).expect("it is writable");
    write("json", &path).expect("it is writable");
    assert!(fs::read_to_string(&path).expect("it exists").starts_with("{\n  \"schema\""));
    assert_eq!(fs::metadata(&path).expect("it exists").permissions().mode() & 0o777, 0o640);
    assert_eq!(names(&folder), ["run.json"]);
}

#[test]
fn a_link_stays_a_link_and_what_it_leads_to_is_written() {
    let folder = folder();
    fs::create_dir(folder.path().join("real")).expect("the folder is writable");
    for name in ["there.json", "not-yet.json"] {
        symlink(Path::new("real").join(name), folder.path().join(name)).expect("the folder is writable");
    }
    fs::write(folder.path().join("real/there.json"), "old").expect("the folder is writable");
    for name in ["there.json", "not-yet.json"] {
        let path = folder.path().join(name);
        write("json", &path).expect("it is writable");
        assert!(fs::symlink_metadata(&path).expect("it exists").is_symlink());
        assert!(fs::read_to_string(folder.path().join("real").join(name)).expect("it exists").starts_with('{'));
    }
}

#[test]
fn trying_a_path_leaves_nothing_behind() {
    let folder = folder();
    open(&[("json".to_owned(), folder.path().join("run.json"))], "staging", Unmarked::Keep, &ProtectedPaths::default())
        .expect("it is writable");
    assert_eq!(names(&folder), [""; 0]);
}

#[test]
fn leftovers_of_a_kill_are_removed_and_nothing_else() {
    let folder = folder();
    for name in [".gate-new-abc123", ".gate-new-more-def456", ".gate-config"] {
        fs::write(folder.path().join(name), "").expect("the folder is writable");
    }
    write("json", &folder.path().join("run.json")).expect("it can be written");
    assert_eq!(names(&folder), [".gate-config", ".gate-new-more-def456", "run.json"]);
}

#[test]
fn a_report_that_breaks_off_leaves_the_old_file() {
    let folder = folder();
    let path = folder.path().join("run.json");
    fs::write(&path, "old").expect("the folder is writable");
    let file = Target::open(&path).expect("it is writable");
    let result = file.replace(|out| {
        out.write_all(&[b'x'; 100_000])?;
        Err(io::ErrorKind::StorageFull.into())
    });
    assert_eq!(result.expect_err("the disk is full").kind(), io::ErrorKind::StorageFull);
    assert_eq!(fs::read_to_string(&path).expect("it exists"), "old");
    assert_eq!(names(&folder), ["run.json"]);
}

#[test]
fn missing_folders_are_made_when_the_report_is_written() {
    let folder = folder();
    let path = folder.path().join("no/such/run.json");
    let specs = [("json".to_owned(), path.clone())];
    let outputs = open(&specs, "staging", Unmarked::Keep, &ProtectedPaths::default()).expect("it can be written");
    assert_eq!(names(&folder), [""; 0]);
    outputs.write(&Redactor::default().pass(m9()), &RenderOptions::plain(now())).expect("it can be written");
    assert!(fs::read_to_string(path).expect("it exists").starts_with('{'));
    fs::write(folder.path().join("file"), "").expect("the folder is writable");
    let below = [("json".to_owned(), folder.path().join("file/run.json"))];
    insta::assert_snapshot!(said(open(&below, "staging", Unmarked::Keep, &ProtectedPaths::default()).map(drop), &folder), @"cannot write `DIR/file/run.json`: not a directory");
}

#[test]
fn every_path_that_cannot_be_written_is_named_before_the_run() {
    let folder = folder();
    let spec = |format: &str, name: &str| (format.to_owned(), folder.path().join(name));
    let specs = [spec("jsn", "a"), spec("json", ""), spec("json", "b"), spec("table", "./b")];
    insta::assert_snapshot!(said(open(&specs, "staging", Unmarked::Keep, &ProtectedPaths::default()).map(drop), &folder), @"
    unknown format `jsn`
    did you mean `json`?
    cannot write `DIR/`: is a directory
    two reports go to `DIR/./b`: json and table
    give each its own file
    ");
}

#[test]
fn a_device_and_a_named_pipe_are_written_where_they_are() {
    let folder = folder();
    write("json", Path::new("/dev/null")).expect("it takes everything");
    insta::assert_snapshot!(said(write("json", Path::new("/dev/full")), &folder), @"cannot write `/dev/full`: the disk is full");

    let pipe = folder.path().join("pipe");
    let path = std::ffi::CString::new(pipe.to_string_lossy().into_owned()).expect("no zero in it");
    // SAFETY: the path is a string that ends with a zero and lives until the call returns.
    assert_eq!(unsafe { libc::mkfifo(path.as_ptr(), 0o600) }, 0);
    let reader = std::thread::spawn({
        let pipe: PathBuf = pipe.clone();
        move || fs::read_to_string(pipe).expect("it can be read")
    });
    write("json", &pipe).expect("a reader exists");
    assert!(reader.join().expect("it reads to the end").ends_with("}\n"));
    assert_eq!(names(&folder), ["pipe"]);
}

#[test]
fn markdown_keeps_what_people_wrote_around_it() {
    let folder = folder();
    let path = folder.path().join("READINESS.md");
    let around = |part: &str| format!("# Ours\n<!-- gate:begin staging -->\n{part}<!-- gate:end staging -->\n\nBye.\n");
    fs::write(&path, around("old\n")).expect("the folder is writable");
    write("markdown", &path).expect("it is writable");
    let mut part = Vec::new();
    let render = crate::report::format("markdown").expect("it is in the registry").render;
    render(&m9(), &RenderOptions::plain(now()), &mut part).expect("a vector takes all");
    assert_eq!(
        fs::read_to_string(&path).expect("it exists"),
        around(&String::from_utf8(part).expect("markdown is UTF-8"))
    );
}

#[test]
fn markdown_that_people_wrote_without_markers_is_not_overwritten() {
    let folder = folder();
    let path = folder.path().join("READINESS.md");
    fs::write(&path, "# By hand\n").expect("the folder is writable");
    insta::assert_snapshot!(said(write("markdown", &path), &folder), @"
    `DIR/READINESS.md` has no markers for this checklist, so it was not changed
    put these two lines where the checklist should be: `<!-- gate:begin staging -->` and, below, `<!-- gate:end staging -->`; `--overwrite` replaces the whole file
    ");
    assert_eq!(fs::read_to_string(&path).expect("it exists"), "# By hand\n");
}

#[test]
fn a_report_replaces_neither_a_checklist_nor_sign_offs_nor_the_ledger() {
    let folder = folder();
    let path = |name: &str| folder.path().join(name);
    fs::create_dir(path("checklists")).expect("the folder is writable");
    std::os::unix::fs::symlink("checklists/a.yaml", path("innocent.json")).expect("the folder is writable");
    let kept = ProtectedPaths::new(folder.path(), &path("checklists/a.yaml"), Some(&path("gate.db")));
    let spec = |name: &str| ("json".to_owned(), path(name));
    let specs = [spec("innocent.json"), spec("checklists/a.signoffs.yaml"), spec("gate.db"), spec("run.json")];
    insta::assert_snapshot!(said(open(&specs, "a", Unmarked::Overwrite, &kept).map(drop), &folder), @"
    cannot write `DIR/innocent.json`: a report never replaces a checklist
    give it another path
    cannot write `DIR/checklists/a.signoffs.yaml`: a report never replaces sign-offs
    give it another path
    cannot write `DIR/gate.db`: a report never replaces the ledger
    give it another path
    ");
}
