//! Each line of `SECURITY.md`: what an untrusted repository can do with each command.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::fs::{CWD, FileType, Mode, mknodat};

use crate::harness::{Output, Project, directory};
use crate::hostile_repository::{careless, git};

/// The content of a file outside of the repository, and of a secret variable.
const CANARY: &str = "canary-7f3a91c5";

/// Each of its probes and secrets leaves a trace when it is run.
const LIST: &str = r#"
    title: T ${env.DEPLOY_TOKEN}
    subject: r1
    markdown: READINESS.md
    secrets: { TOKEN: { command: [./evil, secret] }, FILE: { file: ../OUT/secret } }
    sections:
      - title: S ${env.DEPLOY_TOKEN}
        id: s
        items:
          - { id: run, title: "Run ${env.DEPLOY_TOKEN}", probes: [{ command: { argv: [./evil, probe], read_only: true } }] }
          - { id: ask, title: Ask, probes: [{ http: { url: "http://127.0.0.1:9/${env.DEPLOY_TOKEN}", token: "${secrets.TOKEN}", headers: { x: "${secrets.FILE}" } } }] }
          - { id: read, title: Read, probes: [{ file: { path: ../OUT/secret } }] }
          - { id: qa, title: QA, needs: [run], sign_off: { role: QA } }
      - { title: Changes, changes: { since: HEAD } }
"#;

/// The commands that are safe on untrusted code.
const SAFE: [&[&str]; 16] = [
    &["validate"],
    &["validate", "staging"],
    &["list"],
    &["list", "staging"],
    &["list", "--checks"],
    &["show", "staging"],
    &["show", "staging", "run"],
    &["history", "staging"],
    &["diff", "staging"],
    &["diff", "staging", "--since", "HEAD"],
    &["ledger", "export", "staging"],
    &["render", "staging"],
    &["render", "staging", "--markdown", "--overwrite"],
    &["render", "staging", "--check"],
    &["verify", "staging"],
    &["verify", "staging", "--since", "HEAD"],
];

/// An untrusted repository, beside a folder that is not part of it.
struct Hostile {
    project: Project,
    outside: PathBuf,
}

impl Hostile {
    /// A repository with this checklist; every program that Git would run is a trap.
    fn new(list: &str) -> Self {
        let outside = directory("outside");
        fs::write(outside.join("secret"), format!("{CANARY}\n")).expect("the folder is writable");
        let name = outside.file_name().and_then(|name| name.to_str()).expect("it has a name");
        let project = Project::new(&list.replace("OUT", name)).env("DEPLOY_TOKEN", CANARY);
        let project = project.file("src/a", "one\n").file(".gitattributes", "* filter=x diff=x\n");
        let evil = project.path().join("evil");
        fs::write(&evil, "#!/bin/sh\ntouch \"${0%/*}/evil.ran\"\necho x\n").expect("the project's folder is writable");
        fs::set_permissions(&evil, fs::Permissions::from_mode(0o755)).expect("the project's folder is writable");
        git(&project, &["init", "--quiet"]);
        git(&project, &["add", "."]);
        git(&project, &["commit", "--quiet", "--message=First"]);
        let hostile = Self { project, outside };
        hostile.set_traps(&evil);
        hostile
    }

    fn set_traps(&self, evil: &Path) {
        let evil = evil.to_str().expect("the path is UTF-8");
        let hooks = self.project.path().join("hooks");
        fs::create_dir(&hooks).expect("the project's folder is writable");
        for hook in ["post-index-change", "reference-transaction", "fsmonitor-watchman", "pre-auto-gc"] {
            fs::copy(evil, hooks.join(hook)).expect("the project's folder is writable");
        }
        for key in ["core.fsmonitor", "core.pager", "core.sshCommand", "filter.x.clean", "filter.x.smudge"] {
            git(&self.project, &["config", key, evil]);
        }
        for key in ["diff.x.textconv", "diff.external", "credential.helper", "gpg.program", "gpg.ssh.program"] {
            git(&self.project, &["config", key, evil]);
        }
        for alias in ["log", "ls-tree", "cat-file", "rev-parse", "ls-files", "status"] {
            git(&self.project, &["config", &format!("alias.{alias}"), &format!("!{evil}")]);
        }
        git(&self.project, &["config", "core.hooksPath", "hooks"]);
    }

    fn link(self, path: &str, to: &str) -> Self {
        let path = self.project.path().join(path);
        fs::create_dir_all(path.parent().expect("it is in a folder")).expect("the project's folder is writable");
        fs::remove_file(&path).ok();
        symlink(self.outside.join(to), path).expect("the project's folder is writable");
        self
    }

    fn pipe(self, path: &str) -> Self {
        let path = self.project.path().join(path);
        fs::create_dir_all(path.parent().expect("it is in a folder")).expect("the project's folder is writable");
        mknodat(CWD, &path, FileType::Fifo, Mode::RWXU, 0).expect("the project's folder is writable");
        self
    }

    /// The original state of everything outside.
    fn is_untouched(&self) -> bool {
        let names: Vec<_> = fs::read_dir(&self.outside).expect("it exists").flatten().collect();
        let secret = fs::read_to_string(self.outside.join("secret")).expect("it exists");
        names.len() == 1 && secret == format!("{CANARY}\n")
    }

    fn has_run(&self) -> bool {
        ["evil.ran", "hooks/evil.ran"].iter().any(|trace| self.project.path().join(trace).exists())
    }

    /// Runs every safe command, and asserts that none left a trace.
    fn is_harmless(&self) -> Vec<Output> {
        let outputs = SAFE.map(|arguments| {
            let begun = Instant::now();
            let output = self.project.gate(arguments);
            let all = format!("{}{}", output.stdout, output.stderr);
            let is_silent = arguments.contains(&"--markdown") || arguments.contains(&"--check");
            assert!(is_silent || !all.is_empty(), "{arguments:?} prints nothing");
            assert!(!self.has_run(), "{arguments:?} ran something: {all}");
            assert!(!all.contains(CANARY), "{arguments:?} read outside: {all}");
            assert!(self.is_untouched(), "{arguments:?} wrote outside: {all}");
            assert!(begun.elapsed() < Duration::from_secs(30), "{arguments:?} waited");
            assert!(!all.contains("panicked"), "{arguments:?}: {all}");
            output
        });
        Vec::from(outputs)
    }
}

#[test]
fn safe_commands_run_nothing_of_a_repository() {
    let hostile = Hostile::new(LIST);
    let first = hostile.is_harmless();
    assert_eq!(first[1].code, 0, "{}", first[1].stderr);
    assert!(first[3].stdout.contains("Run [DEPLOY_TOKEN]"), "{}", first[3].stdout);
    // With runs in the ledger, more is shown.
    hostile.project.gate(&["check", "staging"]);
    assert!(hostile.has_run(), "`check` runs what the checklist says");
    fs::remove_file(hostile.project.path().join("evil.ran")).expect("it was made");
    hostile.project.gate(&["check", "staging"]);
    fs::remove_file(hostile.project.path().join("evil.ran")).expect("it was made");
    let second = hostile.is_harmless();
    for (output, arguments) in second.iter().zip(SAFE).filter(|(_, arguments)| !arguments[0].starts_with("verify")) {
        assert!(output.code < 2 || arguments.len() == 3, "{arguments:?}: {}", output.stderr);
    }
    assert!(hostile.project.read("READINESS.md").contains("[ ] QA"));
    // The traps work.
    careless(&hostile.project, &["status", "--short"]);
    assert!(hostile.has_run());
}

#[test]
fn safe_commands_follow_no_link_out_of_a_repository() {
    for links in [
        &["checklists/staging.yaml"][..],
        &["checks/http-health.yaml", "checks/own.yaml"],
        &["checklists/staging.signoffs.yaml"],
        &["READINESS.md"],
        &[".gate/ledger.db"],
        &[".gate/ledger.db-wal", ".gate/ledger.db-journal", ".gate/ledger.db-shm"],
    ] {
        let list =
            format!("{LIST}      - {{ title: U, items: [{{ id: use, title: Use, probes: [{{ use: own }}] }}] }}\n");
        let list = if links[0].starts_with("checks/") { list } else { LIST.to_owned() };
        let hostile = links.iter().fold(Hostile::new(&list), |hostile, link| hostile.link(link, "secret"));
        hostile.is_harmless();
    }
    // Links to missing targets, and links of folders.
    for link in ["READINESS.md", ".gate/ledger.db", ".gate/ledger.db-wal", ".gate", "checklists/staging.signoffs"] {
        Hostile::new(LIST).link(link, if link == ".gate" { "" } else { "new" }).is_harmless();
    }
}

/// `check` and `sign` don't follow such links either.
#[test]
fn neither_the_ledger_nor_a_sign_off_is_written_through_a_link() {
    for link in [".gate/ledger.db", ".gate/ledger.db-wal", ".gate/ledger.db-journal", ".gate/ledger.db-shm", ".gate"] {
        for to in ["secret", "new"] {
            let hostile = Hostile::new(LIST).link(link, if link == ".gate" { "" } else { to });
            let output = hostile.project.gate(&["check", "staging"]);
            assert!(hostile.is_untouched(), "{link}: {}", output.stderr);
            assert!(output.code != 0 && output.stderr.contains("ledger"), "{link}: {}", output.stderr);
        }
    }
    for link in ["checklists/staging.signoffs.yaml", "checklists/staging.signoffs"] {
        let hostile = Hostile::new(LIST);
        hostile.project.gate(&["check", "staging"]);
        let hostile = hostile.link(link, if link.ends_with("yaml") { "new" } else { "" });
        let output = hostile.project.gate(&["sign", "staging", "qa", "--by", "Dana"]);
        assert!(hostile.is_untouched(), "{link}: {}{}", output.stdout, output.stderr);
    }
}

#[test]
fn safe_commands_wait_for_no_pipe_and_read_no_endless_file() {
    for pipe in ["checklists/staging.signoffs.yaml", "checks/own.yaml", "checklists/other.yaml", "READINESS.md"] {
        Hostile::new(LIST).pipe(pipe).is_harmless();
    }
    let hostile = Hostile::new(LIST);
    // Its size is a hundred gigabytes, none of which is on the disk.
    for path in ["checklists/other.yaml", "checklists/staging.signoffs.yaml", "checks/http-health.yaml"] {
        let path = hostile.project.path().join(path);
        fs::create_dir_all(path.parent().expect("it is in a folder")).expect("the project's folder is writable");
        let file = fs::File::create(path).expect("the project's folder is writable");
        file.set_len(100 << 30).expect("the file system supports sparse files");
    }
    hostile.is_harmless();
    let output = hostile.project.gate(&["validate", "other"]);
    assert!(output.stderr.contains("it is longer than 16 MiB"), "{}", output.stderr);
}

#[test]
fn a_ledger_of_the_repository_is_refused_behind_a_link_too() {
    let hostile = Hostile::new(LIST);
    hostile.project.gate(&["check", "staging"]);
    let folder = hostile.project.path();
    fs::rename(folder.join(".gate"), folder.join("theirs")).expect("it was made");
    fs::remove_file(folder.join("theirs/.gitignore")).expect("it was made");
    for key in ["core.fsmonitor", "filter.x.clean", "filter.x.smudge"] {
        git(&hostile.project, &["config", "--unset", key]);
    }
    git(&hostile.project, &["add", "--force", "theirs"]);
    symlink("theirs", folder.join(".gate")).expect("the project's folder is writable");
    for command in ["history", "render", "diff", "check"] {
        let output = hostile.project.gate(&[command, "staging"]);
        assert!(output.stderr.contains("Git tracks this file"), "{command}: {}{}", output.stdout, output.stderr);
    }
}

#[test]
fn the_page_names_every_command_that_reads_a_checklist() {
    let page = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/SECURITY.md")).expect("it is part of the tree");
    let tested = SAFE.map(|arguments| arguments[0]);
    for command in gate::cli::command().get_subcommands().map(|command| command.get_name().to_owned()) {
        // These read no checklist of the repository.
        if matches!(command.as_str(), "demo" | "import" | "schema" | "help" | "completions" | "man" | "init" | "report")
        {
            continue;
        }
        assert!(page.contains(&format!("`{command}")), "{command} is not in SECURITY.md");
        let is_unsafe = matches!(command.as_str(), "check" | "probe" | "sign");
        assert!(is_unsafe || tested.contains(&command.as_str()), "{command} is not tested here");
    }
}

#[test]
fn neither_sign_nor_render_takes_a_run_from_the_future() {
    let project = Project::new(
        "
        title: T
        subject: r1
        sections:
          - title: S
            items:
              - { id: up, title: Up, probes: [{ file: { path: checklists } }] }
              - { id: qa, title: QA, needs: [up], sign_off: { role: QA } }
        ",
    );
    let future = 4_070_908_800; // 2099
    assert_eq!(project.command(&["check", "staging"]).at(future).run().code, 1);
    for arguments in [&["sign", "staging", "qa", "--by", "Dana"][..], &["render", "staging"]] {
        let output = project.gate(arguments);
        assert_ne!(output.code, 0, "{arguments:?}: {}", output.stdout);
        assert!(output.stderr.contains("it is from the future"), "{arguments:?}: {}", output.stderr);
    }
    let names = fs::read_dir(project.path().join("checklists")).expect("it exists").count();
    assert_eq!(names, 1, "nothing was signed");
}

#[test]
fn the_tests_that_the_documentation_names_exist() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let read = |path: &str| fs::read_to_string(root.join(path)).expect("it is part of the tree");
    let page = read("docs/reliability.md") + &read(".github/CONTRIBUTING.md");
    let words = page.split('`').filter_map(|code| code.rsplit(' ').next());
    let named: Vec<(&str, &str)> = words
        .filter_map(|word| word.rsplit_once("::"))
        .filter(|(module, _)| module.starts_with(char::is_lowercase))
        .collect();
    assert!(named.len() > 20, "{named:?}");
    for (module, test) in named {
        // Unit tests are in the module that they test.
        if !module.starts_with("client") && !module.starts_with("report") {
            let text = read(&format!("tests/it/{}.rs", module.replace("::", "/")));
            assert!(text.contains(&format!("fn {test}(")), "{module}::{test} does not exist");
        }
    }
}

#[test]
fn an_unusual_checklist_name_is_a_warning_and_any_path_is_allowed() {
    let list = "title: T\nsections: [{ title: S, items: [{ id: a, title: A, probes: [{ file: { path: a } }] }] }]\n";
    let project = Project::new(list).file("checklists/a b$(x).yaml", list).file("a b.yaml", list);
    let odd = project.gate(&["validate", "a b$(x)"]);
    assert_eq!(odd.code, 0, "{}", odd.stderr);
    assert!(odd.stderr.contains("names of checklists will be limited to letters"), "{}", odd.stderr);
    for fine in ["staging", "./a b.yaml"] {
        let output = project.gate(&["validate", fine]);
        assert_eq!(output.code, 0, "{}", output.stderr);
        assert!(!output.stderr.contains("names of checklists"), "{}", output.stderr);
    }
}

/// A line with a credential is not quoted in an error about a broken file, whichever file it is.
#[test]
fn a_line_with_a_credential_is_not_quoted_in_an_error() {
    let secret = "ghp_Zq81LmPw02XvTn7RkYbC";
    let broken = format!("title: T\nsections: [\ntoken: \"{secret}\" \"\n");
    let project = Project::new(&broken).file("staging.env", &format!("API_TOKEN {secret}\n"));
    let validate = project.gate(&["validate"]);
    assert_eq!(validate.code, 2);
    let check = project.gate(&["check", "staging", "--env-file", "staging.env"]);
    assert_eq!(check.code, 2);
    for output in [validate, check] {
        assert!(!(output.stdout + &output.stderr).contains(secret), "it is quoted");
    }
    for probe in ["sql: { query: SELECT 1, ", "redis: { ", "http: { ", "prometheus: { query: up, "] {
        for url in ["u:lit-pw-88@h/x", "host=h password=lit-pw-88", "u:lit-pw-88@h"] {
            let list = format!(
                "title: T\nsections:\n  - title: S\n    items:\n      - id: a\n        title: A\n        probes: [{{ {probe}url: \"{url}\" }} }}]\n"
            );
            let output = Project::new(&list).gate(&["validate"]);
            assert_eq!(output.code, 2, "{probe} {url}");
            assert!(!(output.stdout + &output.stderr).contains("lit-pw"), "{probe} {url}: {}", output.stderr);
        }
    }
}
