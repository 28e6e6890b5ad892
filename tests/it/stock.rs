//! The checks that come with gate, each turned red by what it is for. Those of the M9 list are broken by `demo`.

use std::fs;
use std::path::Path;
use std::process::Command;

use gate::checklist::STOCK;
use gate::demo::{Broken, Stack};
use tokio::runtime::Runtime;

use crate::harness::{Output, Project, Response, http};

/// Runs the use of one check against the demo's stack, with a part broken.
fn check(project: Project, broken: &str, entry: &str) -> Output {
    let runtime = Runtime::new().expect("a runtime can be built");
    let broken = Broken::new([broken.to_owned()]);
    let stack = gate::demo::start(project.path(), &broken, "2026-01-01T00:00:00Z".parse().expect("a time"));
    let Stack { vars, .. } = &runtime.block_on(stack).expect("the folder is ours");
    let text = format!(
        "title: T\nsecrets: {{ DATABASE_URL: , REDIS_URL: }}\n\
         sections: [{{ title: S, items: [{{ id: it, title: It holds, probes: [{{ {entry} }}] }}] }}]\n"
    );
    let project = project.file("checklists/one.yaml", &text);
    let command = project.command(&["check", "one", "--no-record"]);
    vars.iter().fold(command, |command, (name, value)| command.env(name, value)).run()
}

#[test]
fn alembic_at_head_is_red_when_a_migration_was_not_applied() {
    let entry = "use: alembic-at-head, with: { url: \"${secrets.DATABASE_URL}\", config: backend/alembic.ini }";
    let output = check(Project::new(""), "none", entry);
    assert_eq!(output.code, 0, "{}{}", output.stdout, output.stderr);
    let output = check(Project::new(""), "db-head", entry);
    assert_eq!(output.code, 1, "{}{}", output.stdout, output.stderr);
    assert!(output.stdout.contains("1 pending: 014_trace_mismatches"), "{}", output.stdout);
}

#[test]
fn redis_writable_is_red_when_the_server_is_a_replica() {
    let entry = "use: redis-writable, with: { url: \"${secrets.REDIS_URL}\" }";
    let output = check(Project::new(""), "none", entry);
    assert_eq!(output.code, 0, "{}{}", output.stdout, output.stderr);
    let output = check(Project::new(""), "redis", entry);
    assert_eq!(output.code, 1, "{}{}", output.stdout, output.stderr);
    assert!(output.stdout.contains("the URL should name the master"), "{}", output.stdout);
}

#[test]
fn every_check_is_used_where_a_test_turns_it_red() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let read = |path: &str| fs::read_to_string(root.join(path)).expect("it is part of the tree");
    let used = read("checklists/staging.yaml") + &read("tests/it/stock.rs");
    for (name, _) in STOCK {
        assert!(used.contains(&format!("use: {name}")), "{name}");
    }
}

#[test]
fn deployed_commit_is_red_when_another_commit_runs() {
    let text = "title: T\nsections: [{ title: S, items: [{ id: it, title: It holds, probes: [{\n  \
        use: deployed-commit, with: { url: \"${env.API}\", ref: HEAD } }] }] }]\n";
    let project = Project::new(text);
    let git = |arguments: &[&str]| {
        let identity = ["-c", "user.name=Test", "-c", "user.email=test@example.org"];
        let output = Command::new("git").args(identity).args(arguments).current_dir(project.path()).output();
        let output = output.expect("git is there");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    };
    git(&["init", "-q"]);
    git(&["commit", "-q", "--allow-empty", "-m", "First"]);
    let deployed = git(&["rev-parse", "HEAD"]);
    let server = http(move |_| Response::json(&serde_json::json!({ "commit": deployed })));
    let run = || project.command(&["check", "staging", "--no-record"]).env("API", server.url()).run();
    let output = run();
    assert_eq!(output.code, 0, "{}{}", output.stdout, output.stderr);
    git(&["commit", "-q", "--allow-empty", "-m", "Second"]);
    let output = run();
    assert_eq!(output.code, 1, "{}{}", output.stdout, output.stderr);
    assert!(output.stdout.contains("json.commit"), "{}", output.stdout);
}
