//! The guide: every block of YAML and shell in it works, and prints what it shows.
//!
//! A page is run from top to bottom in one project. A block `yaml PATH` or `md PATH` is written to that file. A block
//! `yaml` is a list of probes, or a whole checklist, that must be valid. Each line of a block `sh` is a command that
//! exits with 0, or with the N of `# exit code N`; a block `text` after it shows its output, in which a line `…`
//! replaces any lines. Files of CI systems are validated, and their scripts run.

mod pipeline;

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::{Command, Output};

use crate::harness::{Output as Finished, Project, Response, http, postgres, sshd};
use pipeline::Place;

const GUIDE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/guide");

/// One fenced block: its info string (after the three backquotes), and its text.
struct Block {
    info: String,
    text: String,
}

fn blocks(page: &str) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut lines = page.lines();
    while let Some(line) = lines.next() {
        if let Some(info) = line.strip_prefix("```") {
            let text: Vec<&str> = lines.by_ref().take_while(|line| *line != "```").collect();
            blocks.push(Block { info: info.to_owned(), text: text.join("\n") + "\n" });
        }
    }
    blocks
}

/// The service that the guide assumes: healthy, with a version and an account.
fn service() -> crate::harness::HttpServer {
    http(|request| match request.path.as_str() {
        "/healthz" => Response::json(&serde_json::json!({"status": "ok", "commit": "0f1d7aa", "workers": 4})),
        "/commits/0f1d7aa" => Response::ok("here"),
        "/account" if request.header("authorization") == Some("Bearer p4ssage-of-a-long-token") => {
            Response::ok("yours")
        }
        "/account" => Response::empty(401),
        "/oauth/token" if request.text() == "grant_type=client_credentials&scope=account%3Aread" => {
            Response::json(&serde_json::json!({"access_token": "p4ssage-of-a-long-token", "token_type": "Bearer"}))
        }
        "/orders" if request.method == "POST" => Response::json(&serde_json::json!({"id": "o-1"})).status(201),
        "/orders/o-1" if request.method == "DELETE" => Response::empty(204),
        "/orders/o-1" => Response::ok("one cup"),
        _ => Response::empty(404),
    })
}

/// Runs a shell command in the project, with `gate` on PATH and a Git identity.
fn shell(project: &Project, home: &Path, variables: &[(&str, &str)], command: &str) -> Output {
    let gate = Path::new(env!("CARGO_BIN_EXE_gate")).parent().expect("a file is in a directory");
    let given = variables.iter().find(|(name, _)| *name == "PATH").map_or("", |(_, path)| path);
    let path = format!("{}/bin:{}:{given}", home.display(), gate.display());
    let mut shell = Command::new("bash");
    shell.args(["-euo", "pipefail", "-c", command]).current_dir(project.path()).env_clear();
    shell.envs(variables.iter().copied()).env("PATH", path).env("HOME", home).env("LANG", "C.UTF-8");
    shell.output().expect("bash is installed")
}

/// The output without parts that differ from run to run.
fn stable(text: &str) -> String {
    let time = regex::Regex::new(r"\b[\d.]+ ?(ms|s)\b").expect("it is well formed");
    time.replace_all(text, "TIME").trim_end().to_owned()
}

/// Whether a block shows the output. A line `…` in the block replaces any number of lines.
fn shows(block: &str, output: &str) -> bool {
    let lines: Vec<&str> = output.lines().collect();
    let parts: Vec<Vec<&str>> =
        block.lines().collect::<Vec<_>>().split(|line| line.trim() == "…").map(<[&str]>::to_vec).collect();
    let [first, middle @ ..] = parts.as_slice() else { return lines.is_empty() };
    let Some((last, middle)) = middle.split_last() else { return *first == lines };
    let Some(mut rest) = lines.strip_prefix(first.as_slice()).and_then(|rest| rest.strip_suffix(last.as_slice()))
    else {
        return false;
    };
    for part in middle {
        let Some(at) = (0..=rest.len()).find(|at| rest[*at..].starts_with(part)) else { return false };
        rest = &rest[at + part.len()..];
    }
    true
}

#[test]
fn a_line_of_dots_replaces_lines_of_the_output() {
    for (block, expected) in [
        ("a\nb\nc\nd", true),
        ("…\nd", true),
        ("…\nb\nc\n…", true),
        ("a\n…\nc\n…", true),
        ("…", true),
        ("a\nb", false),
        ("b\n…", false),
        ("…\nc", false),
        ("…\nb\nd\n…", false),
        ("…\nc\n…\nb\n…", false),
    ] {
        assert_eq!(shows(block, "a\nb\nc\nd"), expected, "{block}");
    }
}

/// Moves the dates of a page to the future.
fn with_future_dates(text: &str) -> String {
    let soon = jiff::Timestamp::now() + jiff::SignedDuration::from_hours(24 * 20);
    let soon = soon.to_string()[..10].to_owned();
    let date = regex::Regex::new(r"accepted_until: \d{4}-\d\d-\d\d").expect("it is well formed");
    date.replace_all(text, format!("accepted_until: {soon}")).into_owned()
}

/// A block without a path: a whole checklist, or the probes of an item.
fn as_checklist(text: &str) -> String {
    if text.starts_with("title:") {
        return text.to_owned();
    }
    assert!(text.starts_with("probes:"), "neither a checklist nor probes:\n{text}");
    let probes = text.lines().map(|line| format!("        {line}\n")).collect::<String>();
    format!("title: T\nsections:\n  - title: S\n    items:\n      - id: it\n        title: It holds\n{probes}")
}

/// Stubs of programs of CI systems, which only check that their input is not empty.
const STUBS: [(&str, &str); 2] = [
    (
        "gh",
        "#!/bin/sh\nfor word; do [ \"$before\" != --body-file ] || test -s \"$word\" || exit 1; before=$word; done\n",
    ),
    ("buildkite-agent", "#!/bin/sh\ngrep -q . # an annotation\n"),
];

fn play(name: &str, page: &str) {
    let server = service();
    let mut url = server.url();
    let port = url.rsplit(':').next().unwrap_or_default().to_owned();
    let mut path = std::env::var("PATH").unwrap_or_default();
    if name == "behind-a-bastion.md" {
        // Only the bastion can resolve this name.
        url = url.replace("127.0.0.1", "api.internal");
        path = sshd().path_from_elsewhere("127.0.0.1 api.internal", "");
    }
    let ledger = if page.contains("LEDGER_URL") { postgres().new_database() } else { String::new() };
    let variables = [
        ("STAGING_URL", url.as_str()),
        ("PRODUCTION_URL", url.as_str()),
        ("API_PORT", &port),
        ("RELEASE", "0f1d7aa"),
        ("LEDGER_URL", &ledger),
        ("PATH", &path),
    ];
    let mut project = Project::new("");
    fs::remove_file(project.path().join("checklists/staging.yaml")).expect("the project's folder is writable");
    let home = project.path().join("home");
    fs::create_dir_all(&home).expect("the project's folder is writable");
    let setup = "git init -q -b main . && git config --global user.name Dana && git config --global user.email \
                 dana@example.com && printf 'home\\n.gate\\n' > .gitignore && git add -A && git commit -qm Begin";
    assert!(shell(&project, &home, &variables, setup).status.success());
    fs::create_dir(home.join("bin")).expect("the project's folder is writable");
    for (program, text) in STUBS {
        fs::write(home.join("bin").join(program), text).expect("the project's folder is writable");
        fs::set_permissions(home.join("bin").join(program), fs::Permissions::from_mode(0o755))
            .expect("the file is writable");
    }
    // Files in the home folder that the crontab of the guide uses.
    fs::write(home.join("staging.env"), "").expect("the project's folder is writable");
    symlink("..", home.join("shop")).expect("the project's folder is writable");
    let mut printed = String::new();
    for block in blocks(page) {
        let (info, code) = block.info.split_once(" # exit code ").unwrap_or((&block.info, "0"));
        let (language, path) = info.split_once(' ').unwrap_or((info, ""));
        let code = code.parse().expect("it is a number");
        match language {
            "yaml" | "md" | "groovy" if !path.is_empty() => {
                let text = with_future_dates(&block.text);
                project = project.file(path, &text);
                in_place(&project, &home, &variables, code, |place| pipeline::play(path, &text, place));
            }
            "cron" => in_place(&project, &home, &variables, code, |place| pipeline::crontab(&block.text, place)),
            "yaml" => {
                project = project.file("checklists/block.yaml", &as_checklist(&block.text));
                let output = shell(&project, &home, &variables, "gate validate block");
                assert!(output.status.success(), "{name}: {}", String::from_utf8_lossy(&output.stderr));
                fs::remove_file(project.path().join("checklists/block.yaml"))
                    .expect("the project's folder is writable");
            }
            "sh" => {
                printed.clear();
                for line in block.text.lines() {
                    let (command, code) = line.split_once(" # exit code ").unwrap_or((line, "0"));
                    let output = shell(&project, &home, &variables, command);
                    let (stdout, stderr) =
                        (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
                    let given = output.status.code().map_or_else(String::new, |code| code.to_string());
                    assert_eq!(
                        given,
                        code.split(' ').next().unwrap_or_default(),
                        "{name}: {command}\n{stdout}{stderr}"
                    );
                    printed.push_str(&stdout);
                }
            }
            "text" => {
                let (printed, shown) = (stable(&printed), stable(&block.text));
                assert!(shows(&shown, &printed), "{name} shows:\n{shown}\n\nbut it is:\n{printed}");
            }
            other => panic!("{name}: nothing tests a block of `{other}`"),
        }
    }
}

/// Runs the script of a CI system in the project.
fn in_place(project: &Project, home: &Path, variables: &[(&str, &str)], code: i32, play: impl FnOnce(&Place<'_>)) {
    let run = |more: &pipeline::Variables, command: &str| {
        let more = more.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        Finished::of(shell(project, home, &variables.iter().copied().chain(more).collect::<Vec<_>>(), command))
    };
    play(&Place { project: project.path(), shell: &run, variables, code });
}

#[test]
fn every_block_of_the_guide_works() {
    let mut pages: Vec<_> =
        fs::read_dir(GUIDE).expect("it is part of the tree").flatten().map(|entry| entry.path()).collect();
    pages.sort();
    assert!(pages.len() >= 6, "{pages:?}");
    for page in pages {
        let name = page.file_name().unwrap_or_default().to_string_lossy().into_owned();
        play(&name, &fs::read_to_string(&page).expect("it is readable"));
    }
}

/// Links in the documentation lead to existing files.
#[test]
fn every_link_leads_to_a_file() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let guide = fs::read_dir(GUIDE).expect("it is part of the tree").flatten().map(|entry| entry.path());
    let others = ["README.md", "SECURITY.md", ".github/CONTRIBUTING.md", "docs/README.md", "docs/reliability.md"];
    let link = regex::Regex::new(r"\]\(([^)#:]+)(#[^)]*)?\)").expect("it is well formed");
    for page in guide.chain(others.map(|page| root.join(page))) {
        let text = fs::read_to_string(&page).unwrap_or_else(|error| panic!("{}: {error}", page.display()));
        let folder = page.parent().expect("a file is in a directory");
        for found in link.captures_iter(&text) {
            assert!(folder.join(&found[1]).exists(), "{} links to {}", page.display(), &found[1]);
        }
    }
}
