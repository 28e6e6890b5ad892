//! Hostile repositories: they try to run a program, to write elsewhere, or to show another file, always without success.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use rustix::fs::{CWD, FileType, Mode, mknodat};

use crate::harness::{Output, Project, directory};

const LIST: &str = r#"
    title: T
    subject: r1
    sections:
      - title: S
        id: smoke
        items:
          - { id: up, title: Up, probes: [{ file: { path: up } }] }
          - { id: code, title: Code, advisory: true, probes: [{ git: { ref: HEAD } }] }
      - title: Sign-off
        items:
          - { id: qa, title: QA, needs: [smoke], sign_off: { role: QA lead } }
      - { title: Changes, changes: { since: first, paths: [src] } }
"#;

/// Runs git in a project without protection, as its owner would.
pub fn git(project: &Project, arguments: &[&str]) -> String {
    let mut command = Command::new("git");
    command.args(["-c", "user.name=Dana", "-c", "user.email=dana@example.com", "-c", "core.hooksPath=/dev/null"]);
    let output = command.args(arguments).current_dir(project.path()).output().expect("git runs");
    assert!(output.status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

/// Runs git without protection; it may fail. Returns whether it succeeded.
pub fn careless(project: &Project, arguments: &[&str]) -> bool {
    let output = Command::new("git").args(arguments).current_dir(project.path()).output();
    output.expect("git runs").status.success()
}

/// A repository with two commits; the second one changes `src/a`.
fn repository() -> Project {
    let project = Project::new(LIST).file("up", "").file("src/a", "one\n").file(".gitignore", ".gate\nevil*\n");
    git(&project, &["init", "--quiet"]);
    git(&project, &["add", "."]);
    git(&project, &["commit", "--quiet", "--message=First"]);
    git(&project, &["tag", "first"]);
    let project = project.file("src/a", "two\n");
    git(&project, &["commit", "--quiet", "--all", "--message=Second"]);
    project
}

/// A program that records that it was run.
fn trap(project: &Project) -> PathBuf {
    let path = project.path().join("evil");
    fs::write(&path, "#!/bin/sh\ntouch \"${0%/*}/evil.ran\"\ncat\n").expect("the project's folder is writable");
    fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o755))
        .expect("the project's folder is writable");
    path
}

fn has_run(project: &Project) -> bool {
    project.path().join("evil.ran").exists()
}

fn check(project: &Project) -> Output {
    project.gate(&["check", "staging", "--read-only", "--no-record", "--format", "markdown"])
}

#[test]
fn no_program_that_the_configuration_of_a_repository_names_is_run() {
    let project = repository();
    let evil = trap(&project);
    let evil = evil.to_str().expect("the path is UTF-8");
    for key in [
        "core.fsmonitor",
        "core.pager",
        "core.sshCommand",
        "core.askPass",
        "core.alternateRefsCommand",
        "pager.log",
        "pager.status",
        "filter.x.clean",
        "filter.x.smudge",
        "filter.x.process",
        "diff.external",
        "diff.x.textconv",
        "diff.x.command",
        "credential.helper",
        "gpg.program",
        "gpg.ssh.program",
        "remote.origin.uploadpack",
    ] {
        git(&project, &["config", key, evil]);
    }
    git(&project, &["config", "alias.log", &format!("!{evil}")]);
    git(&project, &["config", "log.showSignature", "true"]);
    git(&project, &["config", "core.hooksPath", "evil-hooks"]);
    git(&project, &["config", "includeIf.gitdir:/.path", "../evil.config"]);
    fs::create_dir(project.path().join("evil-hooks")).expect("the project's folder is writable");
    for hook in ["post-index-change", "reference-transaction", "fsmonitor-watchman"] {
        fs::copy(evil, project.path().join("evil-hooks").join(hook)).expect("the project's folder is writable");
    }
    let project = project
        .file("evil.config", &format!("[core]\n\tfsmonitor = {evil}\n[filter \"x\"]\n\trequired = true\n"))
        .file(".gitattributes", "src/* filter=x diff=x\n")
        .file("src/a", "owt\n");
    let output = check(&project);
    assert!(output.stdout.contains("- [x] Code (verified"), "{}{}", output.stdout, output.stderr);
    assert!(output.stdout.contains(" Second ("), "{}", output.stdout);
    assert!(!has_run(&project) && !project.path().join("evil-hooks/evil.ran").exists());
    // The trap works: without protection, it is run.
    careless(&project, &["status", "--short"]);
    assert!(has_run(&project));
}

#[test]
fn nothing_is_fetched_for_a_partial_clone() {
    let project = repository();
    let evil = trap(&project);
    // Git waits for the answer of this program.
    fs::write(&evil, "#!/bin/sh\ntouch \"${0%/*}/evil.ran\"\n").expect("the project's folder is writable");
    for (key, value) in [
        ("core.repositoryFormatVersion", "1"),
        ("extensions.partialClone", "origin"),
        ("remote.origin.promisor", "true"),
        ("remote.origin.url", &*format!("ext::{}", evil.display())),
        ("protocol.allow", "always"),
        ("protocol.ext.allow", "always"),
    ] {
        git(&project, &["config", key, value]);
    }
    let tree = git(&project, &["rev-parse", "first^{tree}"]);
    fs::remove_file(project.path().join(".git/objects").join(&tree[..2]).join(&tree[2..]))
        .expect("it is a loose object");
    let output = check(&project);
    assert!(output.stdout.contains("What has changed is not known: "), "{}{}", output.stdout, output.stderr);
    assert!(!has_run(&project));
    assert!(!careless(&project, &["log", "first..HEAD", "--", "src"]));
    assert!(has_run(&project), "the trap works");
}

#[test]
fn the_configuration_of_a_submodule_is_ignored() {
    let project = repository();
    let evil = trap(&project);
    let inner = Project::new("").file("a", "one\n");
    git(&inner, &["init", "--quiet"]);
    git(&inner, &["add", "."]);
    git(&inner, &["commit", "--quiet", "--message=Inner"]);
    let url = inner.path().display().to_string();
    git(&project, &["-c", "protocol.file.allow=always", "submodule", "--quiet", "add", &url, "inner"]);
    git(&project, &["commit", "--quiet", "--message=Third"]);
    let config = project.path().join(".git/modules/inner/config");
    let text = fs::read_to_string(&config).expect("it is a submodule");
    fs::write(&config, text.replace("[core]", &format!("[core]\n\tfsmonitor = {}", evil.display())))
        .expect("it is writable");
    assert!(check(&project).stdout.contains("- [x] Code (verified"));
    assert!(!has_run(&project));
    git(&project, &["status", "--short"]);
    assert!(has_run(&project), "the trap works");
}

/// A folder that looks like a bare repository can come with a pull request like any other files.
#[test]
fn a_folder_that_looks_like_a_bare_repository_is_not_used() {
    let project = Project::new(LIST).file("up", "").file("HEAD", "ref: refs/heads/main\n");
    let evil = trap(&project);
    for folder in ["objects", "refs"] {
        fs::create_dir(project.path().join(folder)).expect("the project's folder is writable");
    }
    let config = format!("[core]\n\tbare = true\n\tfsmonitor = {}\n[user]\n\tname = Mallory\n", evil.display());
    let project = project.file("config", &config);
    assert_eq!(git(&project, &["config", "--local", "user.name"]), "Mallory", "it looks like one");
    project.gate(&["check", "staging"]);
    let output = project.gate(&["sign", "staging", "qa"]);
    assert!(output.code != 0 && !output.stderr.contains("Mallory"), "{}{}", output.stdout, output.stderr);
    assert!(!project.path().join("checklists/staging.signoffs.yaml").exists());
    assert!(check(&project).stdout.contains("What has changed is not known: "));
    assert!(!has_run(&project));
}

#[test]
fn the_name_of_who_signs_comes_from_no_file_of_the_working_tree() {
    let project = repository();
    assert_eq!(project.gate(&["check", "staging"]).code, 1);
    git(&project, &["config", "user.name", "Dana Reyes"]);
    git(&project, &["config", "include.path", "../team.gitconfig"]);
    let project = project.file("team.gitconfig", "[user]\n\tname = Mallory\n");
    let output = project.gate(&["sign", "staging", "qa"]);
    assert_eq!(output.code, 0, "{}", output.stderr);
    assert!(output.stdout.contains("Dana Reyes") && !output.stdout.contains("Mallory"), "{}", output.stdout);
}

#[test]
fn read_only_runs_no_program_for_a_secret() {
    let project = Project::new(
        r#"
        title: T
        secrets: { TOKEN: { command: [touch, evil.ran] } }
        sections:
          - title: S
            items:
              - { id: a, title: A, probes: [{ http: { url: "http://127.0.0.1:9/", token: "${secrets.TOKEN}" } }] }
        "#,
    );
    let output = project.gate(&["check", "staging", "--read-only", "--no-record"]);
    assert!(output.stdout.contains("TOKEN: `touch evil.ran` is not run with `--read-only`"), "{}", output.stdout);
    assert!(!has_run(&project));
    project.gate(&["check", "staging", "--no-record"]);
    assert!(has_run(&project), "without `--read-only` it runs");
}

/// A file outside of the project that must not change.
fn victim() -> PathBuf {
    let path = directory("victim").join("authorized_keys");
    fs::write(&path, "ssh-ed25519 AAAA\n").expect("the folder is writable");
    path
}

fn is_untouched(victim: &Path) -> bool {
    let alone = fs::read_dir(victim.parent().expect("it is in a folder")).expect("it exists").count() == 1;
    alone && fs::read_to_string(victim).expect("it exists") == "ssh-ed25519 AAAA\n"
}

#[test]
fn sign_writes_through_no_link_that_leads_out_of_the_repository() {
    let project = repository();
    let victim = victim();
    let folder = project.path().join("checklists");
    symlink(&victim, folder.join(".staging.signoffs.yaml.new")).expect("the project's folder is writable");
    assert_eq!(project.gate(&["check", "staging"]).code, 1);
    let sign = ["sign", "staging", "qa", "--by", "Dana"];
    assert_eq!(project.gate(&sign).code, 0);
    assert!(is_untouched(&victim));
    fs::remove_dir_all(folder.join("staging.signoffs")).expect("it was written");
    let other = victim.with_file_name("signoffs.yaml");
    symlink(&other, folder.join("staging.signoffs.yaml")).expect("the project's folder is writable");
    let output = project.gate(&sign);
    assert_ne!(output.code, 0, "{}", output.stdout);
    assert!(output.stderr.contains("it leads out of the repository"), "{}", output.stderr);
    assert!(is_untouched(&victim));
}

#[test]
fn the_markdown_of_a_checklist_stays_in_the_repository_and_away_from_what_runs() {
    let victim = victim();
    let with = |path: &str| {
        let project = Project::new(&LIST.replace("subject: r1", &format!("subject: r1\n    markdown: {path}")));
        symlink(victim.parent().expect("it is in a folder"), project.path().join("out"))
            .expect("the project's folder is writable");
        let output = project.gate(&["check", "staging", "--markdown", "--overwrite", "--no-record"]);
        assert_eq!(output.code, 2, "{path}: {}", output.stdout);
        output
            .stderr
            .lines()
            .next()
            .unwrap_or_default()
            .replace(&victim.parent().expect("a folder").display().to_string(), "OUT")
    };
    let absolute = with(&victim.display().to_string());
    assert!(absolute.ends_with("it leads out of the repository, to `OUT/authorized_keys`"), "{absolute}");
    assert!(with("../READINESS.md").contains("it leads out of the repository"));
    assert_eq!(with("out/new.md"), "error: cannot write `out/new.md`: it leads out of the repository, to `OUT/new.md`");
    assert!(with(".github/workflows/ci.yml").ends_with("it is in `.github`, where gate writes nothing"));
    assert!(with(".git/hooks/pre-commit").ends_with("it is in `.git`, where gate writes nothing"));
    assert!(is_untouched(&victim));
}

#[test]
fn no_report_replaces_a_checklist_a_check_or_the_ledger() {
    let project = repository().file("checks/own.yaml", "x");
    assert_eq!(project.gate(&["check", "staging"]).code, 1);
    for path in ["checklists/staging.yaml", "checks/own.yaml", "checklists/staging.signoffs.yaml", ".gate/ledger.db"] {
        let output = project.gate(&["check", "staging", "--report", &format!("json={path}")]);
        assert_eq!(output.code, 4, "{path}: {}", output.stderr);
        assert!(output.stderr.contains("a report never replaces"), "{}", output.stderr);
    }
    assert!(project.read("checklists/staging.yaml").starts_with("title: T"));
}

#[test]
fn files_found_by_name_must_be_regular_files_of_the_repository() {
    let secret = victim();
    let project = Project::new(&LIST.replace("- { file: { path: up } }", "- { use: own }"));
    let uses = "title: T\nsections: [{ title: S, items: [{ id: a, title: A, probes: [{ use: own }] }] }]\n";
    let project = project.file("checklists/uses.yaml", uses);
    fs::create_dir(project.path().join("checks")).expect("the project's folder is writable");
    symlink(&secret, project.path().join("checks/own.yaml")).expect("the project's folder is writable");
    symlink(&secret, project.path().join("checklists/linked.yaml")).expect("the project's folder is writable");
    let pipe = project.path().join("checklists/staging.signoffs.yaml");
    mknodat(CWD, &pipe, FileType::Fifo, Mode::RWXU, 0).expect("the project's folder is writable");
    let begun = Instant::now();
    for (arguments, why) in [
        (["validate", "uses"], "it leads out of the repository"),
        (["validate", "linked"], "it leads out of the repository"),
        (["verify", "staging"], "it is not a regular file"),
    ] {
        let output = project.gate(&arguments);
        assert_eq!(output.code, 2, "{arguments:?}: {}", output.stdout);
        assert!(output.stderr.contains(why) && !output.stderr.contains("AAAA"), "{}", output.stderr);
    }
    assert!(begun.elapsed() < Duration::from_secs(30), "a pipe is not read");
}

#[test]
fn a_file_of_the_command_line_may_be_a_pipe_of_limited_length() {
    let list = LIST.replace("subject: r1", "subject: ${env.RELEASE}");
    let project = Project::new(&list).file("up", "");
    let pipe = project.path().join("pipe");
    mknodat(CWD, &pipe, FileType::Fifo, Mode::RWXU, 0).expect("the project's folder is writable");
    let writer = std::thread::spawn({
        let pipe = pipe.clone();
        move || fs::write(pipe, "RELEASE=r7\n")
    });
    let check = ["check", "staging", "--no-record", "--format", "markdown", "--env-file"];
    let output = project.gate(&[&check[..], &["pipe"]].concat());
    writer.join().expect("it does not panic").expect("a reader exists");
    assert!(output.stdout.contains("**Subject:** r7"), "{}{}", output.stdout, output.stderr);
    let endless = project.gate(&[&check[..], &["/dev/zero"]].concat());
    assert_eq!(endless.code, 2);
    assert!(endless.stderr.contains("cannot read `/dev/zero`: it is longer than 1 MiB"), "{}", endless.stderr);
}

/// C1 controls, DEL and direction marks in files of a hostile repository never reach the terminal.
#[test]
fn no_command_prints_terminal_controls() {
    let list = r#"
        title: "T\u009b31m\u007f\u202e"
        sections:
          - title: "S\u009b\u202e"
            items:
              - id: up
                title: "Up\u009b\u007f\u202e\u001b[31m"
                tags: [a]
                probes: [{ file: { path: "up\u009b\u202e" } }]
              - { id: text, title: Text, probes: [{ command: { argv: [printf, "\\302\\2331m\\177\\342\\200\\256"] }, expect: { stdout: x } }] }
    "#;
    let project =
        Project::new(list).file("odd\u{9b}\u{202e}.yaml", "title: \u{7f}x\n").file("bad.yaml", "títle: \u{9b}x\n");
    let is_safe = |output: &Output| {
        let acts = |c: char| (c.is_control() && !matches!(c, '\n' | '\t')) || ('\u{202a}'..='\u{202e}').contains(&c);
        !output.stdout.contains(acts) && !output.stderr.contains(acts)
    };
    for arguments in [
        &["validate", "staging"][..],
        &["validate", "./odd\u{9b}\u{202e}.yaml"],
        &["validate", "./bad.yaml"],
        &["list"],
        &["list", "staging"],
        &["show", "staging"],
        &["show", "staging", "n\u{9b}"],
        &["check", "staging"],
        &["check", "staging", "--no-record", "--format", "json"],
        &["check", "staging", "--no-record", "--format", "markdown"],
        &["render", "staging"],
        &["history", "staging"],
        &["diff", "staging"],
        &["probe", "command", "argv=[printf, '\\302\\2331m\\177']"],
    ] {
        let output = project.gate(arguments);
        assert!(!output.stdout.is_empty() || !output.stderr.is_empty(), "{arguments:?}");
        assert!(is_safe(&output), "{arguments:?}: {:?}", (output.stdout, output.stderr));
    }
}

#[test]
fn init_reads_and_writes_nothing_outside_of_the_repository_and_waits_for_nothing() {
    let outside = directory("outside");
    let leaked = "services: { leaked: { image: redis, ports: [\"6379:6379\"] } }\n";
    fs::write(outside.join("compose.yaml"), leaked).expect("the directory is writable");
    let deep = "[".repeat(50_000);
    let bomb =
        format!("a0: &a0 x\n{}", (1..40).map(|n| format!("a{n}: &a{n} [*a{0}, *a{0}]\n", n - 1)).collect::<String>());
    let project = Project::new("title: T\n")
        .file("deep.yaml", &deep)
        .file("compose.bomb.yaml", &bomb)
        .file("README.md", &"see `/healthz`\n".repeat(200_000))
        .file("a\u{1b}[31m.env", "A_TOKEN=x\n")
        .file("docker-compose.yml", "services: { api: { build: ., ports: [\"8000:8000\"] } }\n");
    let path = |name: &str| project.path().join(name);
    fs::remove_dir_all(path("checklists")).expect("the project's folder is writable");
    fs::create_dir(path(".git")).expect("the project's folder is writable");
    symlink(outside.join("compose.yaml"), path("compose.yaml")).expect("the project's folder is writable");
    symlink(&outside, path("deploy")).expect("the project's folder is writable");
    symlink("/dev/zero", path("Dockerfile")).expect("the project's folder is writable");
    symlink(".", path("circle")).expect("the project's folder is writable");
    mknodat(CWD, path(".env.example"), FileType::Fifo, Mode::RWXU, 0).expect("the project's folder is writable");
    let begun = Instant::now();
    let output = project.gate(&["init", "--stdout"]);
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
    assert_eq!(output.code, 0, "{}", output.stderr);
    assert!(output.stdout.contains("- id: api") && !output.stdout.contains("leaked"), "{}", output.stdout);
    assert!(!output.stdout.contains('\u{1b}') && !output.stderr.contains('\u{1b}'), "{}", output.stderr);
    for (file, why) in [
        ("compose.yaml", "it leads out of the repository"),
        (".env.example", "it is not a regular file"),
        ("README.md", "it is longer than 1 MiB"),
        ("Dockerfile", "it leads out of the repository"),
    ] {
        assert!(output.stderr.contains(&format!("not read: {file}: {why}")), "{}", output.stderr);
    }
    symlink(&outside, path("checklists")).expect("the project's folder is writable");
    let output = project.gate(&["init"]);
    assert_eq!((output.code, output.stdout.as_str()), (4, ""));
    assert!(output.stderr.contains("leads out of the repository"), "{}", output.stderr);
    assert_eq!(fs::read_dir(&outside).expect("the directory is writable").count(), 1);
}
