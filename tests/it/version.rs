//! `gate --version`, and the build script that finds its commit.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

use crate::harness::{Output, directory, gate, program};

/// The build script as a program.
static SCRIPT: LazyLock<PathBuf> = LazyLock::new(|| {
    let script = directory("build-script").join("build");
    let mut rustc = Command::new(program("rustc"));
    rustc.args(["--edition", "2024", "-o"]).arg(&script).arg(concat!(env!("CARGO_MANIFEST_DIR"), "/build.rs"));
    let output = Output::of(rustc.output().expect("it is installed"));
    assert_eq!(output.code, 0, "{}", output.stderr);
    script
});

/// The output of the build script for a package in this folder.
fn printed(package: &Path, profile: &str, commit: Option<&str>) -> String {
    let mut script = Command::new(SCRIPT.as_path());
    script.current_dir(package).env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
    script.env("CARGO_MANIFEST_DIR", package).env("CARGO_PKG_VERSION", "1.2.3").env("PROFILE", profile);
    script.envs(commit.map(|commit| ("GATE_COMMIT", commit)));
    let output = Output::of(script.output().expect("it was just compiled"));
    assert_eq!(output.code, 0, "{}", output.stderr);
    output.stdout
}

/// A folder with a commit of a known date. Also returns the commit's id.
fn repository() -> (PathBuf, String) {
    let folder = directory("repository");
    fs::create_dir(folder.join("below")).expect("the folder is writable");
    let git = |arguments: &[&str]| {
        let mut git = Command::new(program("git"));
        git.args(["-c", "user.name=Dana", "-c", "user.email=dana@example.com"]).args(arguments).current_dir(&folder);
        git.env("GIT_COMMITTER_DATE", "2026-01-31T12:00:00Z");
        let output = Output::of(git.output().expect("it is installed"));
        assert_eq!(output.code, 0, "{}", output.stderr);
        output.stdout.trim().to_owned()
    };
    git(&["init", "--quiet"]);
    git(&["commit", "--quiet", "--allow-empty", "--message=First"]);
    let id = git(&["rev-parse", "--short=7", "HEAD"]);
    (folder, id)
}

#[test]
fn version_is_that_of_the_package() {
    let output = gate("/", &["--version"]);
    assert_eq!((output.code, output.stderr.as_str()), (0, ""));
    let version = regex::Regex::new(r"^gate (\S+)( \([0-9a-f]{7,} \d{4}-\d\d-\d\d\))?\n$").expect("it is well formed");
    let found = version.captures(&output.stdout).unwrap_or_else(|| panic!("{}", output.stdout));
    assert_eq!(&found[1], env!("CARGO_PKG_VERSION"));
}

#[test]
fn a_release_build_names_its_commit_and_follows_the_next_one() {
    let (folder, id) = repository();
    let text = printed(&folder, "release", None);
    assert!(text.contains(&format!("cargo::rustc-env=GATE_VERSION=1.2.3 ({id} 2026-01-31)\n")), "{text}");
    let watched = text.lines().filter_map(|line| line.strip_prefix("cargo::rerun-if-changed="));
    let watched: Vec<&str> = watched.filter(|path| *path != "build.rs").collect();
    assert_eq!(watched, [".git/logs/HEAD"]);
    assert!(folder.join(watched[0]).is_file(), "cargo would build again each time if it were missing");
}

#[test]
fn a_debug_build_watches_no_commit() {
    let (folder, _) = repository();
    let text = printed(&folder, "debug", None);
    assert!(text.ends_with("cargo::rustc-env=GATE_VERSION=1.2.3\n") && !text.contains(".git"), "{text}");
}

#[test]
fn a_build_without_a_repository_of_its_own_names_no_commit() {
    let (folder, _) = repository();
    for package in [directory("package"), folder.join("below")] {
        let text = printed(&package, "release", None);
        assert!(text.ends_with("cargo::rustc-env=GATE_VERSION=1.2.3\n"), "{}: {text}", package.display());
        let text = printed(&package, "release", Some("abc1234 2026-02-28"));
        assert!(text.ends_with("cargo::rustc-env=GATE_VERSION=1.2.3 (abc1234 2026-02-28)\n"), "{text}");
    }
}
