//! Real repositories: commits, how many they are ahead and behind, and repositories that try to run a program.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use gate::probe::git::{Git, GitSeen};
use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::harness::{Project, directory, program};
use crate::observe::{context, observe_in, probe, refused};

/// Runs git in a folder. All commits have the same author and time, so their ids are always the same.
fn git(dir: &Path, line: &str) -> String {
    let mut command = Command::new(program("git"));
    command.args(line.split(' ')).current_dir(dir).env_clear().env("PATH", path());
    command.env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_SYSTEM", "/dev/null");
    for role in ["AUTHOR", "COMMITTER"] {
        command.env(format!("GIT_{role}_NAME"), "Dana").env(format!("GIT_{role}_EMAIL"), "dana@example.com");
        command.env(format!("GIT_{role}_DATE"), "2025-12-06T10:00:00+01:00");
    }
    let output = command.output().expect("git runs");
    assert!(output.status.success(), "git {line}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

fn path() -> String {
    std::env::var("PATH").expect("there is a PATH")
}

/// A repository with two commits on `main`, the first one tagged, and a branch `fix` with one commit on top of the tag.
fn repository() -> PathBuf {
    let dir = directory("repository");
    git(&dir, "init --quiet --initial-branch=main");
    fs::write(dir.join("a.txt"), "one\n").expect("the folder is writable");
    git(&dir, "add a.txt");
    git(&dir, "commit --quiet --message=First");
    git(&dir, "tag v1.0.0");
    git(&dir, "branch fix");
    fs::write(dir.join("a.txt"), "two\n").expect("the folder is writable");
    git(&dir, "commit --quiet --all --message=Second");
    git(&dir, "checkout --quiet fix");
    git(&dir, "commit --quiet --allow-empty --message=Fix");
    git(&dir, "checkout --quiet main");
    dir
}

fn seen(dir: &Path, settings: Value) -> Result<GitSeen, String> {
    // An empty home without user settings. A word replaces the folder in the output.
    let home = directory("home");
    let vars = [("PATH", path()), ("HOME", home.display().to_string())];
    let vars: Vec<(&str, &str)> = vars.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let dir_name = dir.display().to_string();
    observe_in::<Git>(&context(dir, &vars), settings).map_err(|error| error.replace(&dir_name, "DIR"))
}

fn reported(settings: Value, seen: &GitSeen) -> String {
    let probe: Git = probe(settings);
    crate::observe::reported(&probe, seen)
}

#[test]
fn the_commit_that_is_checked_out_is_seen() {
    let seen = seen(&repository(), json!({})).expect("it is a repository");
    assert_snapshot!(serde_json::to_string_pretty(&seen).expect("it is JSON"), @r#"
    {
      "commit": "b1f64612446cdef0dab7644dea193165bdb9d4a4",
      "short": "b1f6461",
      "subject": "Second",
      "committed": "2025-12-06T09:00:00Z",
      "tags": [],
      "branch": "main",
      "detached": false,
      "dirty": false,
      "changes": [],
      "shallow": false
    }
    "#);
    assert_snapshot!(reported(json!({}), &seen), @"commit b1f6461 |");
}

#[test]
fn a_name_is_compared_with_another() {
    let dir = repository();
    let settings = json!({ "ref": "fix", "against": "main" });
    let seen = |settings: &Value| seen(&dir, settings.clone()).expect("both are there");
    let fix = seen(&settings);
    assert_eq!((fix.ahead, fix.behind, fix.branch.as_deref()), (Some(1), Some(1), Some("main")));
    assert_snapshot!(reported(settings, &fix), @"commit 3e20d33, 1 ahead of and 1 behind main |");
    let tag = seen(&json!({ "ref": "v1.0.0", "against": "main" }));
    assert_eq!((tag.ahead, tag.behind, tag.tags), (Some(0), Some(1), vec!["v1.0.0".to_owned()]));
    let same = json!({ "ref": "main", "against": "HEAD" });
    assert_snapshot!(reported(same.clone(), &seen(&same)), @"commit b1f6461, the same as HEAD |");
}

#[test]
fn uncommitted_changes_make_it_dirty() {
    let dir = repository();
    fs::write(dir.join("a.txt"), "three\n").expect("the folder is writable");
    fs::write(dir.join("new file"), "").expect("the folder is writable");
    fs::write(dir.join(".gitignore"), "*.log\n").expect("the folder is writable");
    fs::write(dir.join("x.log"), "").expect("the folder is writable");
    let seen = seen(&dir, json!({})).expect("it is a repository");
    assert_eq!(seen.dirty, Some(true));
    assert_eq!(seen.changes, Some([" M a.txt", "?? .gitignore", "?? new file"].map(str::to_owned).to_vec()));
    assert_snapshot!(reported(json!({}), &seen).split_once(" | ").expect("there is advice").1,
        @"the working tree has changes: M a.txt, ?? .gitignore, ?? new file");
}

#[test]
fn a_detached_head_has_no_branch_and_a_bare_repository_is_not_dirty() {
    let dir = repository();
    git(&dir, "checkout --quiet --detach");
    let detached = seen(&dir, json!({})).expect("it is a repository");
    assert_eq!((detached.detached, detached.branch, detached.dirty), (true, None, Some(false)));
    git(&dir, "clone --quiet --bare . bare.git");
    let bare = seen(&dir, json!({ "dir": "bare.git", "ref": "main" })).expect("it is a repository");
    assert_eq!((bare.dirty, bare.changes), (None, None));
}

#[test]
fn a_missing_repository_and_a_missing_commit_have_different_errors() {
    let dir = repository();
    let empty = directory("empty");
    assert_snapshot!(seen(&empty, json!({})).expect_err("nothing exists there"), @"
    `DIR` is not in a Git repository
    help: `dir` is relative to the folder that contains `checklists/`; was the source copied without `.git`?
    ");
    assert_snapshot!(seen(&empty, json!({ "dir": "gone" })).expect_err("nothing exists there"), @"
    folder `DIR/gone` not found
    help: `dir` is relative to the folder that contains `checklists/`
    ");
    assert_snapshot!(seen(&dir, json!({ "ref": "origin/main" })).expect_err("origin does not exist"), @"
    commit `origin/main` not found in this repository
    help: was it fetched? Run `git fetch --all --tags`
    ");
    assert_snapshot!(seen(&dir, json!({ "ref": "main:a.txt" })).expect_err("a file is not a commit"), @"
    commit `main:a.txt` not found in this repository
    help: was it fetched? Run `git fetch --all --tags`
    ");
    git(&empty, "init --quiet");
    assert_snapshot!(seen(&empty, json!({})).expect_err("it has no commit"), @"the repository has no commit yet, or what is checked out is gone");
}

#[test]
fn a_name_of_two_things_is_not_guessed() {
    let dir = repository();
    git(&dir, "tag main fix");
    git(&dir, "config core.warnAmbiguousRefs false");
    assert_snapshot!(seen(&dir, json!({ "ref": "main" })).expect_err("it is a tag and a branch"), @"
    `main` is ambiguous in this repository
    help: write `refs/heads/main`, `refs/tags/main` or the full id
    ");
    assert!(seen(&dir, json!({ "ref": "refs/heads/main" })).is_ok());
}

#[test]
fn a_shallow_clone_says_that_it_lacks_history() {
    let (dir, clone) = (repository(), directory("shallow"));
    git(&dir, "tag v2.0.0");
    git(&clone, &format!("clone --quiet --depth=1 file://{} .", dir.display()));
    let head = seen(&clone, json!({ "against": "origin/main" })).expect("these two are the same");
    assert_eq!((head.shallow, head.ahead, head.behind), (true, Some(0), Some(0)));
    assert_snapshot!(seen(&clone, json!({ "ref": "v1.0.0" })).expect_err("it was not fetched"), @"
    commit `v1.0.0` not found in this repository
    help: it is a shallow clone, which lacks history, branches and tags: fetch more (`fetch-depth: 0` in CI)
    ");
    git(&clone, "commit --quiet --allow-empty --message=Third");
    assert_snapshot!(seen(&clone, json!({ "against": "origin/main" })).expect_err("it is unknown"), @"
    how far it is from `origin/main` is not known in a shallow clone
    help: fetch the whole history: `git fetch --unshallow`, or `fetch-depth: 0` in CI
    ");
}

#[test]
fn a_missing_git_is_reported() {
    let dir = repository();
    let none = directory("bin").display().to_string();
    let error = observe_in::<Git>(&context(&dir, &[("PATH", &none)]), json!({})).expect_err("git is missing");
    assert_snapshot!(error, @"
    `git` is not installed here, or not in PATH
    help: install git where gate runs
    ");
}

/// Repositories that would run a program if the state of the repository were queried carelessly.
#[test]
fn nothing_that_a_repository_names_is_run() {
    let dir = repository();
    let evil = dir.join("evil");
    fs::write(&evil, "#!/bin/sh\ntouch \"$0.ran\"\ncat\n").expect("the folder is writable");
    for line in ["chmod +x evil", "cp evil .git/hooks/post-index-change", "cp evil .git/hooks/reference-transaction"] {
        let status = Command::new("sh").args(["-c", line]).current_dir(&dir).status().expect("there is a shell");
        assert!(status.success(), "{line}");
    }
    for key in ["core.fsmonitor", "core.pager", "pager.status", "filter.x.clean", "gpg.program"] {
        git(&dir, &format!("config {key} {}", evil.display()));
    }
    git(&dir, "config log.showSignature true");
    git(&dir, "config filter.x.required true");
    fs::write(dir.join(".gitattributes"), "a.txt filter=x\n").expect("the folder is writable");
    // The same length, so git has to read the file to detect the change.
    fs::write(dir.join("a.txt"), "tow\n").expect("the folder is writable");
    let looked = seen(&dir, json!({ "against": "fix" })).expect("it is a repository");
    assert_eq!(looked.changes.expect("it has a working tree")[0], " M a.txt");
    let ran = |name: &str| dir.join(name).exists();
    assert!(
        !ran("evil.ran") && !ran(".git/hooks/post-index-change.ran") && !ran(".git/hooks/reference-transaction.ran")
    );
    git(&dir, "config filter.x=y.clean false");
    assert_snapshot!(seen(&dir, json!({})).expect_err("it can't be overridden"), @"
    the repository's configuration has an unusual key, `filter.x=y.clean`
    help: gate runs no program that a repository names: rename the key, or remove it
    ");
    // The trap works: a careless query runs the filter.
    git(&dir, "status --porcelain");
    assert!(ran("evil.ran"));
}

#[test]
fn a_name_that_git_would_take_for_an_option_is_refused() {
    assert_snapshot!(refused::<Git>(json!({ "ref": "--output=x" })), @"`--output=x` can't be the name of a commit");
    assert_snapshot!(refused::<Git>(json!({ "against": "" })), @"`` can't be the name of a commit");
}

#[test]
fn a_deployed_version_is_compared_with_the_commit_of_a_branch() {
    let server = crate::harness::http(|_| crate::harness::Response::json(&json!({ "commit": "0000000" })));
    let project = Project::new(
        r#"
        title: T
        sections:
          - title: S
            items:
              - id: images
                title: Code is deployed
                probes:
                  - git: { ref: main }
                    as: main
                  - http: { url: "${env.API}" }
                    expect: { json.commit: "${main.short}" }
                evidence: commit ${main.short}
        "#,
    )
    .env("API", server.url());
    git(project.path(), "init --quiet --initial-branch=main");
    git(project.path(), "commit --quiet --allow-empty --message=First");
    let output = project.gate(&["check", "staging"]);
    assert_eq!(output.code, 1, "{}{}", output.stdout, output.stderr);
    let short = git(project.path(), "rev-parse --short=7 HEAD");
    assert!(output.stdout.contains(&short) && output.stdout.contains(r#"got "0000000""#), "{}", output.stdout);
}
