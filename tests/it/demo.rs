//! `gate demo`: the whole M9 checklist is green when nothing is broken, and exactly one item is red for each broken part.

use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead, BufReader};
use std::process::Stdio;

use serde_json::{Value, json};

use crate::harness::{self, Gate, Output, Project, Response};

/// The items that people sign.
const SIGN_OFFS: [&str; 3] = ["qa", "sre", "product"];

/// Runs the demo. Its folder is inside the project's folder, and is removed with it.
fn demo(project: &Project, arguments: &[&str]) -> Output {
    let temporary = project.path().join("tmp");
    fs::create_dir_all(&temporary).expect("the folder is writable");
    project.command(&[&["demo"], arguments].concat()).env("TMPDIR", temporary.to_string_lossy()).run()
}

/// The status of every item, by its id.
fn statuses(run: &Value) -> Vec<(String, String)> {
    let sections = run["sections"].as_array().expect("it has sections").iter();
    let items = sections.flat_map(|section| section["items"].as_array().into_iter().flatten());
    items
        .map(|item| {
            let word = |key: &str| item[key].as_str().unwrap_or_default().to_owned();
            (word("id"), word("status"))
        })
        .collect()
}

fn json(output: &Output) -> Value {
    serde_json::from_str(&output.stdout).unwrap_or_else(|error| panic!("{error}: {}{}", output.stdout, output.stderr))
}

#[test]
fn all_that_can_be_seen_is_green_and_people_have_yet_to_sign() {
    let project = Project::new("");
    let output = demo(&project, &["--", "--format", "json"]);
    assert_eq!(output.code, 1, "{}", output.stderr);
    let run = json(&output);
    for (id, status) in statuses(&run) {
        let expected: &[&str] = match id.as_str() {
            id if SIGN_OFFS.contains(&id) => &["pending"],
            _ => &["passed", "deferred"],
        };
        assert!(expected.contains(&status.as_str()), "{id} is {status}: {run:#}");
    }
    let reported = output.stderr.lines().filter_map(|line| line.strip_prefix("markdown   ")).next();
    let markdown = fs::read_to_string(reported.expect("the path of the markdown is reported")).expect("it was written");
    assert!(markdown.contains("# Staging Readiness Checklist — M9 entrance\n"), "{markdown}");
    assert!(markdown.contains("- [x] DB: Alembic HEAD == 014_trace_mismatches"), "{markdown}");
}

#[test]
fn production_requires_what_staging_defers() {
    let project = Project::new("");
    let (staging, production) =
        (demo(&project, &["--", "--format", "json"]), demo(&project, &["production", "--", "--format", "json"]));
    let with = |output: &Output, wanted: &str| -> Vec<String> {
        let statuses = statuses(&json(output)).into_iter();
        statuses.filter(|(_, status)| status == wanted).map(|(id, _)| id).collect()
    };
    assert_eq!(with(&staging, "deferred"), ["logs", "backups"]);
    assert_eq!(with(&production, "deferred"), Vec::<String>::new());
    assert_eq!(with(&production, "pending"), SIGN_OFFS);
    assert_eq!(with(&production, "passed").len(), with(&staging, "passed").len() + 2);
    let markdown = production.stderr.lines().find_map(|line| line.strip_prefix("markdown   ")).expect("it is named");
    assert!(markdown.ends_with("/docs/PRODUCTION_READINESS.md"), "{markdown}");
    let markdown = fs::read_to_string(markdown).expect("it was written");
    assert!(
        markdown.starts_with("<!-- gate:begin production -->") || markdown.contains("# Production Readiness"),
        "{markdown}"
    );
    let broken = demo(&project, &["production", "--break", "logs", "--", "--format", "json"]);
    assert_eq!(with(&broken, "failed"), ["logs"]);
    let slip = demo(&project, &["producton"]);
    assert!(slip.code == 2 && slip.stderr.contains("did you mean `production`?"), "{}", slip.stderr);
}

/// The items that also turn red when a part breaks, besides the part's own.
fn follows(part: &str) -> &'static [&'static str] {
    match part {
        "simulate" => &["replay"],
        "secrets" => &["mismatch"],
        _ => &[],
    }
}

#[test]
fn each_part_that_is_broken_turns_its_item_red_and_no_other() {
    let project = Project::new("");
    for (part, what) in gate::demo::PARTS {
        let output = demo(&project, &["--break", part, "--", "--format", "json"]);
        let run = json(&output);
        let red: BTreeSet<String> = statuses(&run)
            .into_iter()
            .filter(|(_, status)| matches!(status.as_str(), "failed" | "error"))
            .map(|(id, _)| id)
            .collect();
        assert_eq!(red, BTreeSet::from([(*part).to_owned()]), "{what}: {run:#}");
        let is_blocked = |(id, status): &(String, String)| status == "blocked" && !SIGN_OFFS.contains(&id.as_str());
        let blocked: Vec<String> = statuses(&run).into_iter().filter(is_blocked).map(|(id, _)| id).collect();
        assert_eq!(blocked, follows(part), "{what}");
    }
}

#[test]
fn without_a_release_comparisons_are_blocked_and_sign_offs_impossible() {
    let commit = "0f1d7aa0f1d7aa0f1d7aa0f1d7aa0f1d7aa0f1d7";
    let server = harness::http(move |request| match request.path.as_str() {
        "/version" => Response::json(&json!({ "commit": commit })),
        "/rate_limit" => Response::json(&json!({ "resources": { "core": {
            "limit": 5000, "remaining": 4990, "reset": 4_102_444_800_u64, "used": 10,
        } } })),
        _ => Response::json(
            &json!({ "sha": commit, "commit": { "message": "m", "committer": { "date": "2025-12-06T10:00:00Z" } } }),
        ),
    });
    let project = Project::new(gate::demo::CHECKLISTS[0].1).file("checklists/_aos.yaml", gate::demo::BASE);
    let check = |release: Option<&str>| {
        let mut command = project.command(&["check", "staging", "--no-record", "--only", "images"]);
        for (name, value) in [
            ("GITHUB_API_URL", server.url().as_str()),
            ("STAGING_URL", &server.url()),
            ("GITHUB_TOKEN", "ghp_Zm9vYmFyYmF6cXV4"),
        ] {
            command = command.env(name, value);
        }
        release.into_iter().fold(command, |command, release| command.env("RELEASE", release)).run()
    };
    let without = check(None);
    assert!(without.stdout.contains("RELEASE is not set"), "{}", without.stdout);
    let of = |release| check(Some(release)).stdout;
    assert!(!of("0f1d7aa").contains("json.commit"), "{}", of("0f1d7aa"));
    assert!(of("abcdef0").contains("json.commit: expected to start with \"abcdef0\""), "{}", of("abcdef0"));
}

#[test]
fn parts_that_can_be_broken_are_listed_and_a_typo_is_reported() {
    let project = Project::new("");
    let listed = demo(&project, &["--break", "help"]);
    assert_eq!(listed.code, 0);
    for (part, what) in gate::demo::PARTS {
        assert!(listed.stdout.contains(&format!("  {part:<12} {what}\n")), "{}", listed.stdout);
    }
    let slip = demo(&project, &["--break", "redsi"]);
    assert_eq!(slip.code, 2);
    assert!(slip.stderr.contains("did you mean `redis`?"), "{}", slip.stderr);
    let slip = demo(&project, &["--", "--formt", "json"]);
    assert_eq!(slip.code, 2);
    assert!(slip.stderr.contains("--format"), "{}", slip.stderr);
}

#[test]
fn a_stack_that_is_kept_up_can_be_checked_from_another_terminal() {
    let project = Project::new("");
    let mut command =
        Gate::new(project.path(), &["demo", "--serve"]).env("TMPDIR", project.path().to_string_lossy()).command();
    let mut serving = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("cargo has built the binary");
    let lines = BufReader::new(serving.stdout.take().expect("it is piped")).lines();
    let (mut vars, mut folder) = (Vec::new(), String::new());
    for line in lines.map_while(Result::ok) {
        let unquoted = |text: &str| text.trim_matches('\'').to_owned();
        if let Some((name, value)) = line.strip_prefix("export ").and_then(|rest| rest.split_once('=')) {
            vars.push((name.to_owned(), unquoted(value)));
        } else if let Some(path) = line.strip_prefix("cd ") {
            folder = unquoted(path);
        } else {
            assert_eq!(line, "gate check staging");
            break;
        }
    }
    let other = Gate::new(&folder, &["check", "staging", "--only", "prerequisites,smoke"]);
    let checked = vars.iter().fold(other, |other, (name, value)| other.env(name, value)).run();
    let pid = libc::pid_t::try_from(serving.id()).expect("a process id fits");
    // SAFETY: it has not been waited for yet, so the process id is still its own.
    unsafe { libc::kill(pid, libc::SIGINT) };
    let ended = serving.wait().expect("a child of this process can be waited for");
    assert_eq!(checked.code, 0, "{}{}", checked.stdout, checked.stderr);
    assert!(ended.success(), "{ended}");
}
