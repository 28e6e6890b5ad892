//! The action for GitHub, step by step, as a runner runs it; and linters for the files under `.github/`.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::harness::{HttpServer, Job, Output, Project, Response, directory, http, program, python};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

const LIST: &str = "
    title: T
    subject: r1
    vars: { path: gone }
    sections:
      - title: S
        items:
          - { id: up, title: Up, probes: [{ file: { path: here } }] }
          - { id: down, title: Down, probes: [{ file: { path: '${vars.path}' } }] }
";

/// A project with that checklist: two items, one of them green.
fn project() -> Project {
    Project::new(LIST).file("here", "")
}

/// A `gate` that is already installed.
fn installed() -> String {
    let gate = Path::new(env!("CARGO_BIN_EXE_gate")).parent().expect("a file is in a directory");
    format!("{}:{}", gate.display(), std::env::var("PATH").unwrap_or_default())
}

/// The releases of a repository, with one archive. Also returns its checksum.
fn releases(checksum: Option<&str>) -> (HttpServer, String) {
    let folder = directory("release");
    let name = format!("gate-1.2.3-{}", Job::TARGET);
    fs::create_dir(folder.join(&name)).expect("the folder is writable");
    let gate = folder.join(&name).join("gate");
    fs::write(&gate, format!("#!/bin/sh\nexec '{}' \"$@\"\n", env!("CARGO_BIN_EXE_gate")))
        .expect("the folder is writable");
    fs::set_permissions(&gate, fs::Permissions::from_mode(0o755)).expect("the file is writable");
    let mut tar = Command::new(program("tar"));
    tar.args(["-czf", "archive", &name]).current_dir(&folder);
    assert!(tar.status().expect("it is installed").success());
    let archive = fs::read(folder.join("archive")).expect("it was just made");
    let digest = hex::encode(Sha256::digest(&archive));
    let line = format!("{}  {name}.tar.gz\n", checksum.unwrap_or(&digest));
    let base = format!("/acme/gate/releases/download/v1.2.3/{name}.tar.gz");
    let server = http(move |request| match request.path.strip_prefix(&base) {
        Some("") => Response::ok(archive.clone()),
        Some(".sha256") => Response::text(&line),
        _ => Response::empty(404),
    });
    (server, digest)
}

#[test]
fn a_released_version_is_installed_and_its_verdict_is_that_of_the_job() {
    let (server, _) = releases(None);
    let project = project();
    let job = Job::new(project.path(), &[("checklist", "staging"), ("version", "1.2.3")])
        .env("GITHUB_SERVER_URL", &server.url());
    let output = job.run();
    assert_eq!(output.code, 1, "{}{}", output.stdout, output.stderr);
    assert!(output.stdout.contains("NOT READY: 1 of 2 passed"), "{}", output.stdout);
    assert!(output.stderr.contains("::error file=checklists/staging.yaml,line=8,col="), "{}", output.stderr);
    assert!(job.read("summary").contains("**Verdict:** NOT READY (1 of 2 passed)"));
    let path = job.read("path");
    assert!(path.starts_with(&job.runner().display().to_string()) && path.lines().count() == 1, "{path}");
}

#[test]
fn each_output_of_the_action_is_one_that_the_check_gives() {
    let inputs = [("checklist", "staging"), ("args", "--subject 'release 2'\n--var path=here")];
    let project = project();
    let job = Job::new(project.path(), &inputs).env("PATH", &installed());
    let output = job.run();
    assert_eq!(output.code, 0, "{}{}", output.stdout, output.stderr);
    let outputs = job.outputs();
    for (name, declared) in Job::action()["outputs"].as_object().expect("it has outputs") {
        assert_eq!(declared["value"], format!("${{{{ steps.check.outputs.{name} }}}}"));
        assert!(outputs.contains_key(name), "{name}: {outputs:?}");
    }
    assert_eq!((outputs["ready"].as_str(), outputs["green"].as_str()), ("true", "2"));
    let reports = Path::new(&outputs["reports"]);
    let run: Value =
        serde_json::from_slice(&fs::read(reports.join("run.json")).expect("it was written")).expect("JSON");
    assert_eq!(run["subject"], "release 2");
    for name in ["readiness.md", "readiness.html", "junit.xml", "gate.sarif"] {
        assert!(reports.join(name).is_file(), "{name}");
    }
}

#[test]
fn the_cache_keeps_the_folder_of_the_ledger() {
    let project = Project::new(LIST).file("below/here", "");
    let inputs = [("checklist", "staging"), ("working-directory", "below/..")];
    let job = Job::new(project.path(), &inputs).env("PATH", &installed());
    job.run();
    let steps = Job::action()["runs"]["steps"].clone();
    let caches: Vec<&Value> =
        steps.as_array().expect("it has steps").iter().filter(|step| !step["uses"].is_null()).collect();
    let [restore, save] = caches.as_slice() else { panic!("{caches:?}") };
    assert_eq!((&restore["with"]["path"], &restore["with"]["key"]), (&save["with"]["path"], &save["with"]["key"]));
    let path = job.filled(save["with"]["path"].as_str().expect("it is a text"));
    assert!(project.path().join(path).join("ledger.db").is_file());
    let key = job.filled(save["with"]["key"].as_str().expect("it is a text"));
    let earlier = job.filled(restore["with"]["restore-keys"].as_str().expect("it is a text"));
    assert!(key.starts_with(&earlier) && key.contains("the-run_id"), "{key} {earlier}");
}

/// Runs a job that installs a version. It must fail before anything from the archive is run.
fn refused(server: &HttpServer, inputs: &[(&str, &str)]) -> String {
    let inputs = [&[("checklist", "staging")], inputs].concat();
    let project = project();
    let job = Job::new(project.path(), &inputs).env("GITHUB_SERVER_URL", &server.url());
    let output = job.run();
    assert_ne!(output.code, 0, "{inputs:?}: {}", output.stdout);
    assert_eq!(job.read("path"), "", "{inputs:?}");
    let error = output.stdout.lines().find(|line| line.starts_with("::error::"));
    error.unwrap_or_else(|| panic!("{inputs:?}: {}{}", output.stdout, output.stderr)).to_owned()
}

#[test]
fn a_wrong_checksum_is_refused() {
    let (server, digest) = releases(Some(&"0".repeat(64)));
    let error = refused(&server, &[("version", "1.2.3")]);
    let expected = format!("expected {}, got {digest}", "0".repeat(64));
    assert!(error.contains(&format!("the checksum of gate-1.2.3-{}.tar.gz is wrong", Job::TARGET)), "{error}");
    assert!(error.ends_with(&expected), "{error}");

    let (server, digest) = releases(None);
    let error = refused(&server, &[("version", "1.2.3"), ("sha256", &"a".repeat(64))]);
    assert!(error.ends_with(&format!("expected {}, got {digest}", "a".repeat(64))), "{error}");

    let (server, _) = releases(Some("<html>"));
    let error = refused(&server, &[("version", "1.2.3")]);
    assert_eq!(error, "::error::invalid checksum: expected 64 hexadecimal digits");
}

#[test]
fn an_archive_that_cannot_be_installed_is_named() {
    let (server, _) = releases(None);
    let error = refused(&server, &[("version", "9.9.9")]);
    assert!(
        error.starts_with(&format!("::error::cannot download gate 9.9.9 for {} from http://", Job::TARGET)),
        "{error}"
    );
    let error = refused(&server, &[("version", "../../evil")]);
    assert_eq!(error, "::error::invalid version: expected one such as 0.1.0");
    let error = refused(&server, &[("version", "1.2.3"), ("repository", "acme/gate/../..")]);
    assert_eq!(error, "::error::unknown repository: set the input repository to OWNER/REPO");
    let project = project();
    let job = Job::new(project.path(), &[("checklist", "staging")]).env("PATH", "/usr/bin:/bin");
    let output = job.run();
    assert!(output.code != 0 && output.stdout.starts_with("::error::gate is not installed: "), "{}", output.stdout);
}

#[test]
fn nothing_in_the_inputs_is_run_or_taken_for_an_option() {
    let job = |checklist: &str, args: &str| {
        let project = project();
        let job = Job::new(project.path(), &[("checklist", checklist), ("args", args)]).env("PATH", &installed());
        let output = job.run();
        assert_ne!(output.code, 0, "{}", output.stdout);
        assert!(!project.path().join("ran").exists(), "{checklist} {args}");
        output.stdout + &output.stderr
    };
    let text = job("--help", "");
    assert!(text.contains("checklist `--help` not found"), "{text}");
    job("$(touch ran)", "`touch ran`; touch ran & $(touch ran)");
    let text = job("staging", "--subject 'r2");
    assert!(text.contains("::error::invalid input args: a quote is not closed"), "{text}");
}

/// The tools that `tests/run` installs beside alembic.
fn tool(name: &str) -> Command {
    Command::new(Path::new(&python()).with_file_name(name))
}

/// Files under `.github/` with this extension, or those without one that are scripts.
fn files(extension: &str) -> Vec<PathBuf> {
    let mut open = vec![Path::new(ROOT).join(".github")];
    let mut found = Vec::new();
    while let Some(folder) = open.pop() {
        for path in fs::read_dir(folder).expect("it is part of the tree").flatten().map(|entry| entry.path()) {
            if path.is_dir() {
                open.push(path);
            } else if path.extension().unwrap_or_default() == extension {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

#[test]
fn zizmor_and_the_schemas_of_github_accept_workflows_and_actions() {
    let accepts = |mut command: Command| {
        let output = Output::of(command.output().expect("it is installed"));
        assert_eq!(output.code, 0, "{command:?}: {}{}", output.stdout, output.stderr);
    };
    let (actions, workflows): (Vec<_>, Vec<_>) =
        files("yml").into_iter().partition(|path| path.ends_with("action.yml"));
    assert!(!actions.is_empty() && !workflows.is_empty());
    let mut zizmor = tool("zizmor");
    zizmor.args(["--offline", "--no-progress", "--quiet"]).args(&actions).args(&workflows);
    accepts(zizmor);
    for (schema, files) in [("vendor.github-actions", actions), ("vendor.github-workflows", workflows)] {
        let mut check = tool("check-jsonschema");
        check.args(["--builtin-schema", schema]).args(files);
        accepts(check);
    }
}

#[test]
fn shellcheck_accepts_every_script() {
    let scripts = files("")
        .into_iter()
        .filter(|path| fs::read_to_string(path).is_ok_and(|text| text.starts_with("#!/usr/bin/env bash\n")));
    let others = ["tests/run", "tests/kill", ".ci/run"].map(|path| Path::new(ROOT).join(path));
    let scripts: Vec<PathBuf> = scripts.chain(others).collect();
    assert!(scripts.len() > 5, "{scripts:?}");
    let output = Command::new(program("shellcheck")).args(&scripts).output().expect("it is installed");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
}
