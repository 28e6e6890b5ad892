//! The parts of a release, built here: the archive, the container image's steps, the notes and the hooks for pre-commit.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::harness::{Job, Output, Project, Response, directory, http, missing, program, python};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");
const COMMIT: &str = "0f1d7aa 2026-01-31";

fn read(path: &str) -> String {
    fs::read_to_string(Path::new(ROOT).join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The output of a command that must succeed.
fn succeeds(command: &mut Command) -> Output {
    let output = Output::of(command.output().expect("it is installed"));
    assert_eq!(output.code, 0, "{command:?}\n{}{}", output.stdout, output.stderr);
    output
}

/// The folder with the archive for this machine, built like in the workflow but without optimization.
static ARCHIVE: LazyLock<PathBuf> = LazyLock::new(|| {
    let tools = Path::new(&python()).parent().expect("a file is in a directory").to_owned();
    if !tools.join("cargo-zigbuild").is_file() {
        missing("cargo-zigbuild is not installed");
    }
    let target = tools.ancestors().nth(2).expect("it is in target/venv/bin").join("zig");
    let dist = directory("dist");
    let path = format!("{}:{}", tools.display(), std::env::var("PATH").unwrap_or_default());
    let mut archive = Command::new(Path::new(ROOT).join(".github/release/archive"));
    archive.args([Job::TARGET, "--allow-dirty", "--offline"]).current_dir(ROOT).env("PATH", path);
    archive.env("CARGO_TARGET_DIR", target).env("GATE_DIST", &dist).env("GATE_COMMIT", COMMIT);
    for (setting, value) in [("OPT_LEVEL", "0"), ("LTO", "off"), ("CODEGEN_UNITS", "256")] {
        archive.env(format!("CARGO_PROFILE_RELEASE_{setting}"), value);
    }
    succeeds(&mut archive);
    dist
});

fn name() -> String {
    format!("gate-{}-{}", env!("CARGO_PKG_VERSION"), Job::TARGET)
}

/// The archive, unpacked to a new folder.
fn unpacked() -> PathBuf {
    let folder = directory("unpacked");
    let archive = ARCHIVE.join(name() + ".tar.gz");
    succeeds(Command::new(program("tar")).arg("-xzf").arg(archive).arg("-C").arg(&folder));
    folder.join(name())
}

#[test]
fn an_archive_for_linux_needs_no_glibc_above_2_17() {
    let gate = unpacked().join("gate");
    let versions = succeeds(Command::new(program("readelf")).args(["--version-info", "--wide"]).arg(&gate)).stdout;
    let glibc = regex::Regex::new(r"GLIBC_(\d+)\.(\d+)").expect("it is well formed");
    let needed: BTreeSet<(u32, u32)> = glibc
        .captures_iter(&versions)
        .map(|found| (found[1].parse().expect("digits"), found[2].parse().expect("digits")))
        .collect();
    assert!(needed.last().is_some_and(|newest| *newest <= (2, 17)), "{needed:?}");
    let dynamic = succeeds(Command::new(program("readelf")).args(["--dynamic", "--wide"]).arg(&gate)).stdout;
    let libraries: Vec<&str> = dynamic
        .lines()
        .filter(|line| line.contains("(NEEDED)"))
        .filter_map(|line| line.split(['[', ']']).nth(1))
        .collect();
    let of_glibc = ["libc.so", "libm.so", "libpthread.so", "libdl.so", "librt.so", "libutil.so", "ld-linux"];
    let others = libraries.iter().filter(|library| !of_glibc.iter().any(|known| library.starts_with(known)));
    assert_eq!(others.collect::<Vec<_>>(), Vec::<&&str>::new(), "{dynamic}");
}

#[test]
fn an_archive_has_completions_manual_pages_and_a_checksum() {
    let folder = unpacked();
    for path in [
        "LICENSE-APACHE",
        "LICENSE-MIT",
        "README.md",
        "completions/_gate",
        "completions/gate.bash",
        "completions/gate.fish",
        "man/man1/gate.1",
        "man/man1/gate-check.1",
    ] {
        assert!(fs::metadata(folder.join(path)).is_ok_and(|file| file.len() > 100), "{path}");
    }
    let version = succeeds(Command::new(folder.join("gate")).arg("--version")).stdout;
    assert_eq!(version, format!("gate {} ({COMMIT})\n", env!("CARGO_PKG_VERSION")));
    let sum = name() + ".tar.gz.sha256";
    succeeds(Command::new(program("sha256sum")).args(["--check", "--strict", &sum]).current_dir(&*ARCHIVE));
}

#[test]
fn an_archive_alone_is_enough_on_a_fresh_machine() {
    LazyLock::force(&ARCHIVE);
    let begin = Instant::now();
    let gate = unpacked().join("gate");
    let project = Project::new(
        "{ title: T, sections: [{ title: S, items: [{ id: here, title: Here, probes: [{ file: { path: checklists/staging.yaml } }] }] }] }",
    );
    // Rust, Git and Python are not available there.
    let programs = directory("bin");
    for name in ["cat", "env", "sh", "sleep", "unshare"] {
        symlink(program(name), programs.join(name)).expect("the folder is writable");
    }
    let run = |arguments: &[&str]| {
        let mut gate = Command::new(&gate);
        gate.args(arguments).current_dir(project.path()).env_clear().env("HOME", directory("home"));
        Output::of(gate.env("PATH", &programs).output().expect("it was just unpacked"))
    };
    // Three items are waiting for people.
    let demo = run(&["demo"]);
    assert_eq!(demo.code, 1, "{}{}", demo.stdout, demo.stderr);
    assert!(demo.stdout.contains("\nNOT READY: 19 of 24 passed, 3 pending, 2 deferred"), "{}", demo.stdout);
    let check = run(&["check", "staging", "--report", "html=readiness.html"]);
    assert_eq!(check.code, 0, "{}{}", check.stdout, check.stderr);
    assert!(check.stdout.contains("\nREADY: 1 of 1 passed"), "{}", check.stdout);
    assert!(begin.elapsed() < Duration::from_secs(60), "{:?}", begin.elapsed());
}

#[test]
fn the_action_installs_the_archive_as_it_is_published() {
    let published = format!("/acme/gate/releases/download/v{}/", env!("CARGO_PKG_VERSION"));
    let server = http(move |request| match request.path.strip_prefix(&published) {
        Some(file) => fs::read(ARCHIVE.join(file)).map_or_else(|_| Response::empty(404), Response::ok),
        None => Response::empty(404),
    });
    let item = "{ id: here, title: Here, probes: [{ file: { path: checklists/staging.yaml } }] }";
    let project = Project::new(&format!("{{ title: T, sections: [{{ title: S, items: [{item}] }}] }}"));
    let inputs = [("checklist", "staging"), ("version", env!("CARGO_PKG_VERSION"))];
    let output = Job::new(project.path(), &inputs).env("GITHUB_SERVER_URL", &server.url()).run();
    assert_eq!(output.code, 0, "{}{}", output.stdout, output.stderr);
    let installed = format!("gate {} ({COMMIT})\n", env!("CARGO_PKG_VERSION"));
    assert!(output.stdout.starts_with(&installed), "{}", output.stdout);
}

/// The instructions of a Containerfile, each with its arguments.
fn instructions(text: &str) -> Vec<(String, String)> {
    let text = text.replace("\\\n", " ");
    let lines = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines
        .map(|line| line.split_once(' ').expect("it has arguments"))
        .map(|(a, b)| (a.to_owned(), b.to_owned()))
        .collect()
}

/// Runs a shell script in a copy of this machine's files, with the archive as its context at `/context`. The copy
/// is removed afterwards. `apt-get` only records its arguments: the packages are on this machine.
fn in_a_container(steps: &str) -> Output {
    // SAFETY: geteuid always succeeds.
    if unsafe { libc::geteuid() } != 0 {
        missing("only root may enter another root");
    }
    let folder = directory("container");
    let enter = format!(
        "mount -t tmpfs none '{0}' && mkdir '{0}/new' '{0}/work' '{0}/root'
        mount -t overlay none -o 'lowerdir=/,upperdir={0}/new,workdir={0}/work' '{0}/root'
        cd '{0}/root'
        mount --rbind /dev dev && mount -t proc none proc && mount -t tmpfs none tmp
        printf '#!/bin/sh\\necho \"apt-get $*\"\\n' > usr/bin/apt-get
        mkdir context && cp -r '{1}/.' context
        exec chroot . /bin/sh -euc \"$1\"",
        folder.display(),
        unpacked().display()
    );
    // The archive was unpacked below the temporary folder, which is missing in the new root.
    let mut unshare = Command::new(program("unshare"));
    unshare.args(["--mount", "--pid", "--fork", "sh", "-euc", &enter, "sh", steps]);
    Output::of(unshare.output().expect("it is installed"))
}

#[test]
fn the_steps_of_the_container_image_make_one_that_runs_gate_as_an_ordinary_user() {
    let mut script = String::new();
    let mut user = String::new();
    let mut command = String::new();
    for (instruction, arguments) in instructions(&read(".github/release/Containerfile")) {
        match instruction.as_str() {
            "FROM" => assert_eq!(arguments, "debian:stable-slim"),
            "RUN" => script.push_str(&format!("{arguments}\n")),
            "COPY" => script.push_str(&format!("(cd /context && cp {arguments})\n")),
            "WORKDIR" => script.push_str(&format!("mkdir -p {arguments}\ncd {arguments}\n")),
            "USER" => user = arguments,
            "ENTRYPOINT" => command = serde_json::from_str::<Vec<String>>(&arguments).expect("it is a list").join(" "),
            other => panic!("nothing tests {other}"),
        }
    }
    assert!(user.parse::<u32>().is_ok_and(|user| user != 0), "Kubernetes recognizes root by its number: {user}");
    let run = format!("HOME=~gate setpriv --reuid {user} --regid {user} --clear-groups");
    script.push_str(&format!("{run} {command} --version\n{run} {command} demo -- --only db-head,grafana\n"));
    script.push_str(&format!("{run} git --version\n{run} ssh -V 2>&1\ntest -s /etc/ssl/certs/ca-certificates.crt\n"));
    let output = in_a_container(&script);
    assert_eq!(output.code, 0, "{script}\n{}{}", output.stdout, output.stderr);
    let packages = "apt-get install --yes --no-install-recommends ca-certificates git openssh-client\n";
    for part in ["apt-get update\n", packages, &format!("({COMMIT})\n"), "\nREADY: ", "git version", "OpenSSH"] {
        assert!(output.stdout.contains(part), "{part}: {}", output.stdout);
    }
}

/// The notes for a tag, from a project with this changelog.
fn notes(tag: &str, changelog: &str) -> Output {
    let project = Project::new("").file("CHANGELOG.md", changelog).file("Cargo.toml", &read("Cargo.toml"));
    let project = project.file(".github/release/notes", &read(".github/release/notes"));
    let mut notes = Command::new(program("bash"));
    Output::of(
        notes.arg(".github/release/notes").arg(tag).current_dir(project.path()).output().expect("it is installed"),
    )
}

#[test]
fn the_notes_of_a_release_are_its_part_of_the_changelog() {
    let version = env!("CARGO_PKG_VERSION");
    let tag = format!("v{version}");
    let before = "## 0.0.9 (2026-01-01)\n\n- Old.\n";
    let output = notes(&tag, &format!("# Changelog\n\n## {version} (2026-02-01)\n\n- New.\n\n{before}"));
    assert_eq!((output.code, output.stdout.as_str()), (0, "\n- New.\n\n"), "{}", output.stderr);
    let output = notes(&tag, &format!("# Changelog\n\n## {version} (unreleased)\n\n- New.\n\n{before}"));
    let expected = format!("error: CHANGELOG.md has no heading '## {version} (YYYY-MM-DD)'\n");
    assert_eq!((output.code, output.stdout.as_str(), output.stderr.as_str()), (1, "", expected.as_str()));
    let output = notes("v9.9.9", before);
    let expected = format!("error: the tag v9.9.9 is not that of Cargo.toml: expected v{version}\n");
    assert_eq!((output.code, output.stderr.as_str()), (1, expected.as_str()));
}

#[test]
fn each_script_of_the_workflow_is_there_and_each_archive_is_one_that_the_action_installs() {
    let workflow: Value = serde_yaml::from_str(&read(".github/workflows/release.yml")).expect("it is YAML");
    let jobs = workflow["jobs"].as_object().expect("it has jobs");
    let steps = jobs.values().flat_map(|job| job["steps"].as_array().into_iter().flatten());
    let script = regex::Regex::new(r"(?m)(^|[ /])(\.github/release/\w+|\.ci/run)( |$)").expect("it is well formed");
    let mut scripts = BTreeSet::new();
    for run in steps.filter_map(|step| step["run"].as_str()) {
        for found in script.captures_iter(run) {
            let file = fs::metadata(Path::new(ROOT).join(&found[2])).unwrap_or_else(|error| panic!("{run}: {error}"));
            assert_ne!(file.permissions().mode() & 0o100, 0, "{run}");
            scripts.insert(found[2].to_owned());
        }
    }
    assert_eq!(scripts.len(), 4, "{scripts:?}");
    let built = jobs["archive"]["strategy"]["matrix"]["include"].as_array().expect("it is a list").iter();
    let built: BTreeSet<&str> = built.filter_map(|row| row["target"].as_str()).collect();
    let install = read(".github/actions/gate/install");
    let installed: BTreeSet<&str> =
        install.lines().filter_map(|line| line.split_once("target=")?.1.split(' ').next()).collect();
    assert_eq!(built, installed);
}

/// The output of pre-commit for a hook in a repository with this checklist.
fn hook(project: &Project, id: &str) -> Output {
    let hooks = directory("hooks");
    fs::copy(Path::new(ROOT).join(".pre-commit-hooks.yaml"), hooks.join(".pre-commit-hooks.yaml"))
        .expect("the folder is writable");
    let git = |folder: &Path, arguments: &[&str]| {
        let mut git = Command::new(program("git"));
        git.args(["-c", "user.name=Dana", "-c", "user.email=dana@example.com"]).args(arguments).current_dir(folder);
        succeeds(&mut git);
    };
    for folder in [hooks.as_path(), project.path()] {
        git(folder, &["init", "--quiet"]);
        git(folder, &["add", "--all"]);
        git(folder, &["commit", "--quiet", "--message=First"]);
    }
    let config =
        format!("repos: [{{ repo: '{}', rev: HEAD, hooks: [{{ id: {id}, args: [staging] }}] }}]\n", hooks.display());
    fs::write(project.path().join(".pre-commit-config.yaml"), config).expect("the project's folder is writable");
    let gate = Path::new(env!("CARGO_BIN_EXE_gate")).parent().expect("a file is in a directory");
    let path = format!("{}:{}", gate.display(), std::env::var("PATH").unwrap_or_default());
    let mut hook = Command::new(Path::new(&python()).with_file_name("pre-commit"));
    hook.args(["run", "--all-files", "--color", "never"]).current_dir(project.path()).env("PATH", path);
    hook.env("PRE_COMMIT_HOME", directory("pre-commit"));
    Output::of(hook.output().unwrap_or_else(|_| missing("pre-commit is not installed")))
}

#[test]
fn the_hooks_for_pre_commit_hold_checklists_and_their_markdown() {
    let list = "{ title: T, markdown: READINESS.md, sections: [{ title: S, items: [{ id: here, title: Here, probes: \
                [{ file: { path: checklists/staging.yaml } }] }] }] }\n";
    let project = Project::new(list);
    let output = hook(&project, "gate-validate");
    assert_eq!(output.code, 0, "{}{}", output.stdout, output.stderr);
    assert!(output.stdout.contains("Passed"), "{}", output.stdout);
    let output = hook(&Project::new(&list.replace("path:", "pth:")), "gate-validate");
    assert_eq!(output.code, 1);
    assert!(output.stdout.contains("did you mean `path`?"), "{}", output.stdout);

    let project = Project::new(list).file(".gitignore", ".gate\n");
    assert_eq!(project.gate(&["check", "staging", "--markdown"]).code, 0);
    let output = hook(&project, "gate-render");
    assert_eq!(output.code, 0, "{}{}", output.stdout, output.stderr);
    let project = Project::new(list).file(".gitignore", ".gate\n");
    assert_eq!(project.gate(&["check", "staging", "--markdown"]).code, 0);
    let text = project.read("READINESS.md").replace("[x] Here", "[ ] Here");
    let output = hook(&project.file("READINESS.md", &text), "gate-render");
    assert_eq!(output.code, 1, "{}", output.stdout);
    assert!(output.stdout.contains("[x] Here"), "{}", output.stdout);
}
