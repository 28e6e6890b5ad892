//! The guide: every block of YAML and shell in it works, and prints what it shows.
//!
//! A page is played from its top to its end in one project. A block `yaml PATH` or `md PATH` is written to that file. A block `yaml` is a
//! list of probes, or a whole checklist, that must be valid. Each line of a block `sh` is a command that ends with 0, or
//! with N before `# exit code N`; a block `text` behind it is its output.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use crate::harness::{Project, Response, http, sshd};

const GUIDE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/guide");

/// One fenced block: what follows its three backquotes, and its text.
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

/// A service as the guide assumes it: healthy, with a version and an account.
fn service() -> crate::harness::HttpServer {
    http(|request| match request.path.as_str() {
        "/healthz" => Response::json(&serde_json::json!({"status": "ok", "commit": "0f1d7aa", "workers": 4})),
        "/commits/0f1d7aa" => Response::ok("here"),
        "/account" if request.header("authorization") == Some("Bearer p4ssage-of-a-long-token") => {
            Response::ok("yours")
        }
        "/account" => Response::empty(401),
        _ => Response::empty(404),
    })
}

/// A shell command in the project, with `gate` and a Git identity at hand.
fn shell(project: &Project, home: &Path, variables: &[(&str, &str)], command: &str) -> Output {
    let gate = Path::new(env!("CARGO_BIN_EXE_gate")).parent().expect("a file is in a directory");
    let given = variables.iter().find(|(name, _)| *name == "PATH").map_or("", |(_, path)| path);
    let path = format!("{}:{given}", gate.display());
    let mut shell = Command::new("bash");
    shell.args(["-euo", "pipefail", "-c", command]).current_dir(project.path()).env_clear();
    shell.envs(variables.iter().copied()).env("PATH", path).env("HOME", home).env("LANG", "C.UTF-8");
    shell.output().expect("bash is installed")
}

/// The output without what differs from run to run.
fn stable(text: &str) -> String {
    let time = regex::Regex::new(r"\b[\d.]+ ?(ms|s)\b").expect("it is well formed");
    time.replace_all(text, "TIME").trim_end().to_owned()
}

/// Dates of the pages lie in the future on any day.
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

fn play(name: &str, page: &str) {
    let server = service();
    let mut url = server.url();
    let port = url.rsplit(':').next().unwrap_or_default().to_owned();
    let mut path = std::env::var("PATH").unwrap_or_default();
    if name == "behind-a-bastion.md" {
        // Only the bastion knows this name.
        url = url.replace("127.0.0.1", "api.internal");
        path = sshd().path_from_elsewhere("127.0.0.1 api.internal", "");
    }
    let variables = [
        ("STAGING_URL", url.as_str()),
        ("PRODUCTION_URL", url.as_str()),
        ("API_PORT", &port),
        ("RELEASE", "0f1d7aa"),
        ("PATH", &path),
    ];
    let mut project = Project::new("");
    fs::remove_file(project.path().join("checklists/staging.yaml")).expect("the project is ours");
    let home = project.path().join("home");
    fs::create_dir_all(&home).expect("the project is ours");
    let setup = "git init -q -b main . && git config --global user.name Dana && git config --global user.email \
                 dana@example.com && printf 'home\\n.gate\\n' > .gitignore && git add -A && git commit -qm Begin";
    assert!(shell(&project, &home, &variables, setup).status.success());
    let mut printed = String::new();
    for block in blocks(page) {
        let (language, path) = block.info.split_once(' ').unwrap_or((&block.info, ""));
        match language {
            "yaml" | "md" if !path.is_empty() => project = project.file(path, &with_future_dates(&block.text)),
            "yaml" => {
                project = project.file("checklists/block.yaml", &as_checklist(&block.text));
                let output = shell(&project, &home, &variables, "gate validate block");
                assert!(output.status.success(), "{name}: {}", String::from_utf8_lossy(&output.stderr));
                fs::remove_file(project.path().join("checklists/block.yaml")).expect("the project is ours");
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
            "text" => assert_eq!(stable(&printed), stable(&block.text), "{name}"),
            other => panic!("{name}: nothing tests a block of `{other}`"),
        }
    }
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

/// Links between the pages that people read lead somewhere.
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
