//! The built-in checks, each turned red by the failure that it should detect. The tests of `demo` break those of the M9
//! list.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, SystemTime};

use gate::checklist::BUILT_IN;
use gate::demo::{Broken, Stack};
use serde_json::json;
use tokio::runtime::Runtime;

use crate::harness::{self, Authority, Output, Project, Response, http};
use crate::nftables::Machine;

/// Runs one check against the demo's stack, with a part broken.
fn check(project: Project, broken: &str, entry: &str) -> Output {
    let runtime = Runtime::new().expect("a runtime can be built");
    fs::remove_file(project.path().join("checklists/staging.yaml")).expect("the demo writes its own");
    let broken = Broken::new([broken.to_owned()]);
    let stack = gate::demo::start(project.path(), &broken, "", "2026-01-01T00:00:00Z".parse().expect("a time"));
    let Stack { vars, .. } = &runtime.block_on(stack).expect("the folder is writable");
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
    assert!(output.stdout.contains("it is a replica: connect to its master"), "{}", output.stdout);
}

/// The checks that a test of this file turns red.
const HERE: &[(&str, fn())] = &[
    ("alembic-at-head", alembic_at_head_is_red_when_a_migration_was_not_applied),
    ("backup-fresh", backup_fresh_is_red_when_last_nights_backup_is_not_there_or_much_smaller),
    ("deployed-commit", deployed_commit_is_red_when_another_commit_runs),
    ("logs-arrive", logs_arrive_is_red_when_no_line_has_come),
    ("nftables-persistent", nftables_persistent_is_red_when_a_rule_would_not_survive_a_reboot),
    ("redis-writable", redis_writable_is_red_when_the_server_is_a_replica),
    ("tls-expiry", tls_expiry_is_red_when_a_certificate_expires_soon_or_is_not_trusted),
];

/// The tests of the demo break each of its parts, and assert that exactly the item of that id turns red.
#[test]
fn every_check_is_turned_red_by_a_test_of_this_file_or_a_part_of_the_demo() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let found = gate::checklist::find("staging", root).expect("it is part of the tree");
    let env = gate::env::Env::with([], root.to_owned());
    let loaded =
        gate::checklist::load(found, &gate::checklist::Overrides::default(), &env, &gate::probe::Registry::built_in());
    let checklist = loaded.checklist.expect("it is valid");
    let broken = checklist.items().filter(|item| gate::demo::PARTS.iter().any(|(part, _)| *part == &*item.id));
    let by_demo =
        broken.flat_map(|item| item.probes.iter().filter_map(|probe| Some(probe.used.as_ref()?.check.to_string())));
    let red: BTreeSet<String> = by_demo.chain(HERE.iter().map(|(name, _)| (*name).to_owned())).collect();
    assert_eq!(red, BUILT_IN.iter().map(|(name, _)| (*name).to_owned()).collect());
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

/// `gate check` on one item with this probe, in a project with nothing else.
fn alone(entry: &str) -> Project {
    let text = format!(
        "title: T\nsections: [{{ title: S, items: [{{ id: it, title: It holds, probes: [{{ {entry} }}] }}] }}]\n"
    );
    Project::new(&text)
}

#[test]
fn tls_expiry_is_red_when_a_certificate_expires_soon_or_is_not_trusted() {
    let authority = Authority::new();
    let server =
        harness::nginx_tls(&authority.issue_for("server", &["127.0.0.1"], (2090, 3, 1)), "location / { return 200; }");
    let with = |more: &str| {
        let ca = authority.ca().display().to_string();
        alone(&format!("use: tls-expiry, with: {{ address: \"127.0.0.1:{}\", {more} }}", server.port))
            .env("CA", ca)
            .gate(&["check", "staging"])
    };
    let good = with("ca: \"${env.CA}\"");
    assert_eq!(good.code, 0, "{}{}", good.stdout, good.stderr);
    let short = with("ca: \"${env.CA}\", days: 100000");
    assert_eq!(short.code, 1, "{}", short.stdout);
    assert!(short.stdout.contains("expected at least 100000"), "{}", short.stdout);
    let untrusted = with("days: 1");
    assert_eq!(untrusted.code, 1, "{}", untrusted.stdout);
    assert!(untrusted.stdout.contains("is not known here"), "{}", untrusted.stdout);
}

#[test]
fn logs_arrive_is_red_when_no_line_has_come() {
    let lines = Arc::new(AtomicUsize::new(3));
    let store = {
        let lines = Arc::clone(&lines);
        http(move |request| {
            let count = lines.load(Ordering::SeqCst).to_string();
            match request.path.as_str() {
                "/loki/api/v1/query" => Response::json(&json!({ "status": "success", "data": {
                    "resultType": "vector", "result": [{ "metric": {}, "value": [1_700_000_000, count] }] } })),
                "/logs-app/_count" => Response::json(
                    &json!({ "count": lines.load(Ordering::SeqCst), "_shards": { "total": 1, "successful": 1, "skipped": 0, "failed": 0 } }),
                ),
                _ => Response::empty(404),
            }
        })
    };
    let loki = format!(
        "use: logs-arrive, with: {{ store: loki, url: \"{}\", query: '{{app=\"api\"}}', lines: 2 }}",
        store.url()
    );
    let elastic = format!(
        "use: logs-arrive, with: {{ store: elasticsearch, url: \"{}\", query: \"service:api\", index: logs-app }}",
        store.url()
    );
    for entry in [&loki, &elastic] {
        let good = alone(entry).gate(&["check", "staging"]);
        assert_eq!(good.code, 0, "{}{}", good.stdout, good.stderr);
    }
    lines.store(0, Ordering::SeqCst);
    for entry in [&loki, &elastic] {
        let silent = alone(entry).gate(&["check", "staging"]);
        assert_eq!(silent.code, 1, "{}{}", silent.stdout, silent.stderr);
        assert!(silent.stdout.contains("count: expected at least"), "{}", silent.stdout);
        assert!(silent.stdout.contains("help: "), "{}", silent.stdout);
    }
}

#[test]
fn backup_fresh_is_red_when_last_nights_backup_is_not_there_or_much_smaller() {
    let project = alone("use: backup-fresh, with: { in: backups, name: \"*.dump\" }");
    let write = |name: &str, size: usize, hours: u64| {
        let path = project.path().join("backups").join(name);
        fs::create_dir_all(path.parent().expect("it is in a folder")).expect("the project's folder is writable");
        fs::write(&path, vec![b'x'; size]).expect("the project's folder is writable");
        let written = SystemTime::now() - Duration::from_secs(3600 * hours);
        File::options().write(true).open(&path).and_then(|file| file.set_modified(written)).expect("it is writable");
    };
    let red = |what: &str| {
        let output = project.gate(&["check", "staging"]);
        assert_eq!(output.code, 1, "{}{}", output.stdout, output.stderr);
        assert!(output.stdout.contains(what), "{what} in {}", output.stdout);
        assert!(output.stdout.contains("help: "), "{}", output.stdout);
    };
    red("`backups` does not exist");
    write("one.dump", 1000, 50);
    write("two.dump", 1000, 30);
    red("modified: expected newer than 1d2h");
    write("three.dump", 400, 2);
    red("size_ratio: expected at least 0.5, got 0.4");
    write("three.dump", 900, 2);
    let good = project.gate(&["check", "staging"]);
    assert_eq!(good.code, 0, "{}{}", good.stdout, good.stderr);
}

#[test]
fn nftables_persistent_is_red_when_a_rule_would_not_survive_a_reboot() {
    let machine = Machine::new(
        "flush ruleset\ntable inet filter {\n  chain input {\n    type filter hook input priority 0; policy drop;\n    iif lo accept\n  }\n}\n",
    );
    machine.nft(&["-f", "boot.nft"]);
    let project = alone("use: nftables-persistent, with: { boot_file: \"${env.BOOT}\" }");
    let project = project.env("BOOT", machine.folder.join("boot.nft").display().to_string()).env("PATH", &machine.path);
    let good = project.gate(&["check", "staging"]);
    assert_eq!(good.code, 0, "{}{}", good.stdout, good.stderr);
    machine.nft(&["add", "rule", "inet", "filter", "input", "tcp", "dport", "22", "accept"]);
    let lost = project.gate(&["check", "staging"]);
    assert_eq!(lost.code, 1, "{}", lost.stdout);
    assert!(lost.stdout.contains("persistent: expected true, got false"), "{}", lost.stdout);
    machine.nft(&["-f", "boot.nft"]);
    machine.systemctl("disabled");
    let off = project.gate(&["check", "staging"]);
    assert_eq!(off.code, 1, "{}", off.stdout);
    assert!(off.stdout.contains("service: expected \"enabled\", got \"disabled\""), "{}", off.stdout);
}
