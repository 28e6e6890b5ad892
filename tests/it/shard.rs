//! Several runs share a checklist, and are merged to the run that a single machine would have made.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use gate::checklist::{Checklist, Found, Overrides, OwnFiles, load};
use gate::diagnostic::Diagnostics;
use gate::engine::{self, Keep, Options};
use gate::env::Env;
use gate::merge::{Merged, Saved, merge};
use gate::plan::{Plan, Selection};
use gate::probe::Registry;
use gate::report::{RenderOptions, format, read_json};
use gate::run::{Run, Shard};
use gate::secret::Redactor;
use gate::sign_off::SignOffs;
use insta::assert_snapshot;
use proptest::prelude::*;
use serde_json::Value;

use crate::harness::{HttpServer, Output, Project, Response, directory, http};

/// A random item: its probe, the earlier items that it needs, its lock, and its other settings.
#[derive(Debug, Clone)]
struct RandomItem {
    probe: u8,
    needs: Vec<prop::sample::Index>,
    lock: Option<u8>,
    advisory: bool,
    has_gap: bool,
}

fn items() -> impl Strategy<Value = Vec<RandomItem>> {
    let item = (
        0..8_u8,
        prop::collection::vec(any::<prop::sample::Index>(), 0..3),
        prop::option::weighted(0.2, 0..2_u8),
        prop::bool::weighted(0.1),
        prop::bool::weighted(0.15),
    );
    let item =
        item.prop_map(|(probe, needs, lock, advisory, has_gap)| RandomItem { probe, needs, lock, advisory, has_gap });
    prop::collection::vec(item, 1..20)
}

/// The checklist of these items. Six of eight probes pass.
fn checklist(items: &[RandomItem]) -> String {
    let mut text =
        "title: Random\nsubject: r1\nvars: { list: [x, y] }\nsections:\n  - title: All\n    items:\n".to_owned();
    let mut gaps = String::new();
    let soon = Env::default().today().saturating_add(jiff::Span::new().days(9));
    for (at, item) in items.iter().enumerate() {
        let mut parts = vec![format!("title: Item {at}")];
        let needs: Vec<String> =
            item.needs.iter().filter(|_| at > 0).map(|need| format!("i{}", need.index(at))).collect();
        let is_sign_off = item.probe == 0 && !needs.is_empty();
        if !needs.is_empty() {
            parts.push(format!("needs: [{}]", needs.join(", ")));
        }
        match item.probe {
            0 if is_sign_off => parts.push("sign_off: { role: QA }".to_owned()),
            1 => parts.push("probes: [{ file: { path: absent.txt } }]".to_owned()),
            2 => parts.push("probes: [{ file: { path: \"${env.GATE_TEST_UNSET}\" } }]".to_owned()),
            3 => parts.push("deferred: LATER".to_owned()),
            4 => parts.push(
                "each: \"${vars.list}\", probes: [{ command: { argv: [test, \"${each}\", \"=\", x] } }]".to_owned(),
            ),
            _ => parts.push("probes: [{ file: { path: present.txt } }]".to_owned()),
        }
        if let Some(lock) = item.lock.filter(|_| !is_sign_off && item.probe != 3) {
            parts.push(format!("locks: [l{lock}]"));
        }
        if item.advisory && !is_sign_off && item.probe != 3 {
            parts.push("advisory: true".to_owned());
        }
        text += &format!("      - {{ id: i{at}, {} }}\n", parts.join(", "));
        if item.has_gap && !is_sign_off {
            gaps += &format!(
                "  - {{ gap: Known, items: [i{at}], priority: P2, accepted_until: {soon}, accepted_by: \"@sre\" }}\n"
            );
        }
    }
    text += "      - { id: last, title: One that gates, probes: [{ file: { path: present.txt } }] }\n";
    if gaps.is_empty() { text } else { format!("{text}gaps:\n{gaps}") }
}

struct Place {
    env: Arc<Env>,
    text: String,
}

impl Place {
    fn list(&self) -> Checklist {
        let root = self.env.cwd.clone();
        let found = Found {
            name: "random".into(),
            file: root.join("checklists/random.yaml").display().to_string(),
            path: root.join("checklists/random.yaml"),
            root,
            text: self.text.clone(),
            files: OwnFiles::Folder,
        };
        let loaded = load(found, &Overrides::default(), &self.env, &Registry::built_in());
        loaded.checklist.unwrap_or_else(|| panic!("{}\n{}", loaded.problems.render(&loaded.sources, false), self.text))
    }

    fn plan(&self, shard: Option<Shard>) -> Plan {
        let list = self.list();
        let runtime = runtime();
        let sign_offs = runtime.block_on(SignOffs::read(&list, gate::sign_off::Memory(None), self.env.now()));
        let sign_offs = sign_offs.unwrap_or_else(|unread| panic!("{unread:?}"));
        Plan::build(list, &Selection { shard, ..Selection::default() }, sign_offs).expect("the selection is sound")
    }

    fn run(&self, plan: Plan) -> Run {
        let options = Options { keep: Keep::All, ..Options::default() };
        runtime()
            .block_on(engine::run(Arc::new(plan), &options, &self.env, futures_util::stream::pending(), |_| {}))
            .run
    }

    /// The run of a shard, read from its report.
    fn shard(&self, number: usize, total: usize) -> Saved {
        let run = self.run(self.plan(Shard::new(number, total)));
        let text = shown(run, "json");
        Saved { file: format!("shard-{number}.json"), run: read_json(text.as_bytes()).expect("it is our own") }
    }

    fn merged(&self, shards: Vec<Saved>) -> Result<(Run, Merged), Diagnostics> {
        let mut plan = self.plan(None);
        let mut merged = merge(shards, &plan.checklist, "1h".parse().expect("an hour"), self.env.now())?;
        plan.known = std::mem::take(&mut merged.known);
        let mut run = self.run(plan);
        merged.date(&mut run);
        Ok((run, merged))
    }
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime")
}

fn shown(run: Run, name: &str) -> String {
    let mut out = Vec::new();
    let now = run.started;
    let redactor = Redactor::new(std::iter::empty());
    format(name)
        .expect("a format")
        .write(&redactor.pass(run), &RenderOptions::plain(now), &mut out)
        .expect("a vector takes all");
    String::from_utf8(out).expect("it is text")
}

/// The result of each item of a run.
fn results(run: &Run) -> Vec<String> {
    run.items()
        .map(|item| {
            let reason = item.reason.as_ref().map(ToString::to_string);
            format!("{} {:?} {reason:?} {:?} {:?}", item.id, item.status, item.cause, item.definition)
        })
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn merged_shards_are_the_run_of_one_machine(items in items(), total in 1..17_usize, lost in any::<prop::sample::Index>()) {
        let folder = directory("shards");
        fs::write(folder.join("present.txt"), "x").expect("the folder is writable");
        fs::create_dir_all(folder.join("checklists")).expect("the folder is writable");
        fs::write(folder.join("checklists/random.yaml"), checklist(&items)).expect("the folder is writable");
        let path = std::env::var("PATH").expect("tests run with a PATH");
        let env = Arc::new(Env::with([("PATH".to_owned(), path)], folder));
        let place = Place { env, text: checklist(&items) };
        let single = place.run(place.plan(None));
        let shards = || (1..=total).map(|number| place.shard(number, total));
        prop_assert!(shards().all(|shard| shard.run.items().all(|item| item.sign_off.is_none())), "it shows no sign-off");
        let (mut merged, facts) = place.merged(shards().collect()).expect("nothing is missing or foreign");
        prop_assert!(facts.warnings.is_empty());
        prop_assert_eq!(results(&merged), results(&single), "{}", place.text);
        prop_assert_eq!(merged.verdict(), single.verdict());
        merged.started = single.started;
        prop_assert_eq!(shown(merged, "markdown"), shown(single, "markdown"));
        // If one of them is missing, the result is never green, unless nothing was run there.
        let lost = lost.index(total) + 1;
        if total > 1 {
            let left = shards().filter(|shard| !shard.file.contains(&format!("-{lost}."))).collect();
            let (merged, facts) = place.merged(left).expect("what is there fits");
            prop_assert_eq!(facts.warnings.len(), 1);
            let is_empty = place.shard(lost, total).run.items().all(|item| item.status == gate::run::Status::Deferred);
            let has_gap = merged.items().any(|item| item.status == gate::run::Status::Waived || item.advisory);
            prop_assert!(is_empty || has_gap || !merged.items().all(|item| item.status.is_green()), "{}", place.text);
        }
    }
}

const SHOP: &str = r#"
    title: Shop
    subject: ${env.RELEASE}
    markdown: READY.md
    vars: { api: "${env.API_URL}" }
    secrets: { TOKEN: }
    sections:
      - title: Smoke tests
        id: smoke
        items:
          - { id: a, title: A, probes: [{ http: { url: "${vars.api}/a", token: "${secrets.TOKEN}" } }] }
          - { id: b, title: B, probes: [{ http: { url: "${vars.api}/b" } }] }
          - { id: c, title: C, needs: [b], probes: [{ http: { url: "${vars.api}/c" } }] }
          - { id: d, title: D, locks: [api], probes: [{ http: { url: "${vars.api}/d" } }] }
          - { id: e, title: E, locks: [api], probes: [{ http: { url: "${vars.api}/e" } }] }
          - { id: f, title: F, probes: [{ http: { url: "${vars.api}/f" } }] }
      - title: Sign-off
        items:
          - { id: qa, title: QA confirms, needs: [smoke], sign_off: { role: QA lead } }
"#;

fn service() -> HttpServer {
    http(|_| Response::ok("yes"))
}

fn job(project: &Project, server: &HttpServer, arguments: &[&str]) -> Output {
    let command = project.command(arguments).env("RELEASE", "r1").env("API_URL", server.url());
    command.env("TOKEN", "a-token-of-some-length").run()
}

/// The reports of these shards, out of three.
fn shards(project: &Project, server: &HttpServer, numbers: &[usize]) {
    for number in numbers {
        let (shard, report) = (format!("--shard={number}/3"), format!("json=shard-{number}.json"));
        let output = job(project, server, &["check", "staging", &shard, "--no-record", "--report", &report]);
        assert_eq!(output.code, 0, "{}{}", output.stdout, output.stderr);
        assert!(output.stdout.contains("PARTIAL"), "{}", output.stdout);
    }
}

/// Merges without any variable or secret.
fn merged(project: &Project, arguments: &[&str]) -> Output {
    let files = ["shard-1.json", "shard-2.json", "shard-3.json"];
    let there = files.iter().filter(|file| project.path().join(file).exists());
    project.gate(&["report"].into_iter().chain(there.copied()).chain(arguments.iter().copied()).collect::<Vec<_>>())
}

/// Edits a report.
fn edit(path: &Path, change: impl FnOnce(&mut Value)) {
    let mut report = serde_json::from_slice(&fs::read(path).expect("it exists")).expect("it is JSON");
    change(&mut report);
    fs::write(path, report.to_string()).expect("the folder is writable");
}

#[test]
fn the_sign_off_of_a_merged_run_counts_as_of_one() {
    let (project, server) = (Project::new(SHOP), service());
    shards(&project, &server, &[1, 2, 3]);
    assert!(!project.read("shard-1.json").contains("a-token-of-some-length"));
    let output = merged(&project, &["--report", "json=run.json"]);
    assert_eq!(output.code, 1, "only a person is missing: {}{}", output.stdout, output.stderr);
    assert!(output.stdout.contains("6 of 7 passed") && !output.stdout.contains("PARTIAL"), "{}", output.stdout);
    // The merged run is signed, and recorded in the ledger.
    let signed = project.gate(&["sign", "staging", "qa", "--by", "Dana", "--subject", "r1", "--run", "run.json"]);
    assert_eq!(signed.code, 0, "{}{}", signed.stdout, signed.stderr);
    let output = merged(&project, &["--markdown"]);
    assert_eq!(output.code, 0, "{}{}", output.stdout, output.stderr);
    assert!(project.read("READY.md").contains("- [x] QA confirms"), "{}", project.read("READY.md"));
    let history = project.gate(&["history", "staging"]);
    assert!(history.stdout.contains("7/7") || history.stdout.contains("7 of 7"), "{}", history.stdout);
    // A whole run on one machine has the same result.
    assert_eq!(job(&project, &server, &["check", "staging", "--no-record"]).code, 0);
}

#[test]
fn a_missing_late_foreign_or_duplicate_shard_is_named_and_never_green() {
    let (project, server) = (Project::new(SHOP), service());
    shards(&project, &server, &[1, 2, 3]);
    let two = project.path().join("shard-2.json");
    let whole = fs::read(&two).expect("it was written");
    fs::remove_file(&two).expect("it was there");
    let output = merged(&project, &["--no-record"]);
    assert_eq!(output.code, 3, "{}{}", output.stdout, output.stderr);
    assert_snapshot!(output.stderr.trim_end(), @r"
    warning: shard 2/3 is missing
      help: its items are undecided: run that shard again, and merge
    ");
    let refused = |change: &dyn Fn(&mut Value)| {
        fs::write(&two, &whole).expect("the folder is writable");
        edit(&two, change);
        let output = merged(&project, &["--no-record"]);
        assert_eq!((output.code, output.stdout.as_str()), (2, ""), "{}{}", output.stdout, output.stderr);
        output.stderr.lines().next().unwrap_or_default().to_owned()
    };
    assert_snapshot!(refused(&|run| run["digest"] = "00".into()), @"error: cannot merge `shard-2.json`: it was made from another version of `checklists/staging.yaml`");
    assert_snapshot!(refused(&|run| run["definitions"] = "00".into()), @"error: cannot merge `shard-1.json` and `shard-2.json`: their definitions differ: variables had other values");
    assert_snapshot!(refused(&|run| run["subject"] = "r2".into()), @"error: cannot merge `shard-1.json` and `shard-2.json`: their subjects differ: `r1` and `r2`");
    assert_snapshot!(refused(&|run| run["gate"] = "9.9.9".into()), @"error: cannot merge `shard-2.json`: it was written by gate 9.9.9, and this is gate 0.1.0");
    assert_snapshot!(refused(&|run| run["shard"] = "1/3".into()), @"error: shard 1/3 is in `shard-1.json` and in `shard-2.json`");
    assert_snapshot!(refused(&|run| run["shard"] = "2/4".into()), @"error: cannot merge `shard-1.json` and `shard-2.json`: one is of 3 shards, the other of 4");
    assert_snapshot!(refused(&|run| run["shard"] = Value::Null), @"error: cannot merge `shard-2.json`: it is not a shard: it was written without `--shard`");
    assert_snapshot!(refused(&|run| run["sections"][0]["items"] = Value::Array(Vec::new())), @"error: cannot merge `shard-2.json`: `a` is missing in it");
    assert_snapshot!(refused(&|run| run["sections"][0]["items"][0]["source"] = "00".into()), @"error: cannot merge `shard-2.json`: `a` has another source than in the checklist");
    assert_snapshot!(refused(&|run| run["sections"][0]["items"][0]["id"] = "z".into()), @"error: cannot merge `shard-2.json`: `a` is missing in it");
    // A report can come from anywhere, so it must not make gate read files outside of the repository.
    let one = project.path().join("shard-1.json");
    edit(&one, |run| (run["file"], run["name"]) = ("/etc/passwd".into(), "../../etc/passwd".into()));
    let output = merged(&project, &["--no-record"]);
    assert_eq!(output.code, 2, "{}", output.stderr);
    assert_snapshot!(output.stderr.trim_end(), @"
    error: cannot merge `shard-1.json`: it names no checklist of this repository
      help: merge the reports in the repository of the checklist
    ");
    edit(&one, |run| (run["file"], run["name"]) = ("checklists/staging.yaml".into(), "staging".into()));
    fs::write(&two, &whole).expect("the folder is writable");
    edit(&two, |run| run["started"] = "2020-01-01T00:00:00Z".into());
    let output = merged(&project, &["--no-record"]);
    assert_eq!(output.code, 3, "{}{}", output.stdout, output.stderr);
    assert!(output.stderr.contains("began more than 1h before the last one"), "{}", output.stderr);
    let alone = project.gate(&["report", "shard-1.json", "--no-record"]);
    assert_eq!(alone.code, 3, "{}{}", alone.stdout, alone.stderr);
}

#[test]
fn shards_with_other_variables_are_not_merged() {
    let (project, server) = (Project::new(SHOP), service());
    shards(&project, &server, &[1, 2]);
    let other = project.command(&["check", "staging", "--shard=3/3", "--no-record", "--report=json=shard-3.json"]);
    let other = other.env("RELEASE", "r1").env("API_URL", format!("{}/./", server.url())).env("TOKEN", "other-token");
    assert_eq!(other.run().code, 0);
    let output = merged(&project, &["--no-record"]);
    assert_eq!(output.code, 2, "{}", output.stderr);
    assert!(output.stderr.contains("variables had other values"), "{}", output.stderr);
}

#[test]
fn shards_of_two_commits_are_not_merged_even_if_the_first_knows_none() {
    let (project, server) = (Project::new(SHOP), service());
    shards(&project, &server, &[1, 2, 3]);
    let commit = |number: usize, commit: Value| {
        edit(&project.path().join(format!("shard-{number}.json")), |run| run["commit"] = commit);
    };
    commit(1, Value::Null);
    commit(2, "a1".into());
    commit(3, "b2".into());
    let output = merged(&project, &["--no-record"]);
    assert_eq!((output.code, output.stdout.as_str()), (2, ""), "{}", output.stderr);
    assert_snapshot!(output.stderr.trim_end(), @"
    error: cannot merge `shard-2.json` and `shard-3.json`: their commits differ: `a1` and `b2`
      help: merge the shards of one job, run with the same variables
    ");
    commit(3, "a1".into());
    let output = merged(&project, &["--no-record"]);
    assert_eq!(output.code, 1, "only a person is missing: {}{}", output.stdout, output.stderr);
}

#[test]
fn results_that_are_too_old_are_stale_in_a_merged_run() {
    let (project, server) = (
        Project::new(
            r#"
            title: Shop
            sections:
              - title: Smoke tests
                items:
                  - { id: a, title: A, valid_for: 1d, probes: [{ http: { url: "${env.API_URL}/a" } }] }
                  - { id: b, title: B, needs: [a], probes: [{ http: { url: "${env.API_URL}/b" } }] }
                  - { id: c, title: C, probes: [{ http: { url: "${env.API_URL}/c" } }] }
            "#,
        ),
        service(),
    );
    for number in 1..=2 {
        let (shard, report) = (format!("--shard={number}/2"), format!("json=shard-{number}.json"));
        let output = job(&project, &server, &["check", "staging", &shard, "--no-record", "--report", &report]);
        assert_eq!(output.code, 0, "{}{}", output.stdout, output.stderr);
        edit(&project.path().join(format!("shard-{number}.json")), |run| {
            run["started"] = "2025-11-10T08:00:00Z".into()
        });
    }
    let output =
        job(&project, &server, &["report", "shard-1.json", "shard-2.json", "--no-record", "--format=markdown"]);
    assert_eq!(output.code, 1, "{}{}", output.stdout, output.stderr);
    let items: Vec<&str> = output.stdout.lines().filter(|line| line.starts_with("- [")).collect();
    assert_snapshot!(items.join("\n"), @"
    - [ ] A **[STALE: verified 2025-11-10, valid for 1d]**
    - [ ] B **[BLOCKED: needs a (verified 2025-11-10, valid for 1d)]**
    - [x] C (verified 2025-11-10: 200 OK)
    ");
}

#[test]
fn shards_whose_secret_is_the_url_of_another_service_are_not_merged() {
    let (one, other) = (http(|_| Response::ok("yes")), http(|_| Response::ok("yes")));
    let project = Project::new(
        r#"
        title: Shop
        secrets: { API: , KEY: }
        sections:
          - title: Smoke tests
            items:
              - { id: a, title: A, probes: [{ http: { url: "${secrets.API}/a", headers: { x-key: "${secrets.KEY}" } } }] }
              - { id: b, title: B, probes: [{ http: { url: "${secrets.API}/b", headers: { x-key: "${secrets.KEY}" } } }] }
        "#,
    );
    let shard = |number: usize, server: &HttpServer, key: &str| {
        let (shard, report) = (format!("--shard={number}/2"), format!("json=shard-{number}.json"));
        let command = project.command(&["check", "staging", &shard, "--no-record", "--report", &report]);
        let output = command.env("API", server.url().replace("//", "//me:pw@")).env("KEY", key).run();
        assert_eq!(output.code, 0, "{}{}", output.stdout, output.stderr);
    };
    let merged = || project.gate(&["report", "shard-1.json", "shard-2.json", "--no-record"]);
    shard(1, &one, "first-key");
    shard(2, &one, "second-key");
    assert_eq!(merged().code, 0, "another key for the same service: {}", merged().stderr);
    shard(2, &other, "first-key");
    let output = merged();
    assert_eq!(output.code, 2, "{}{}", output.stdout, output.stderr);
    assert_snapshot!(output.stderr.trim_end(), @"
    error: cannot merge `shard-1.json` and `shard-2.json`: the addresses in the secret `API` differ
      help: run all shards against the same service
    ");
    let report = fs::read_to_string(project.path().join("shard-2.json")).expect("it was written");
    let report: Value = serde_json::from_str(&report).expect("it is JSON");
    assert_eq!(report["addresses"].as_object().map(|all| all.keys().map(String::as_str).collect()), Some(vec!["API"]));
}

#[test]
fn a_red_item_of_one_shard_makes_the_merged_run_red() {
    let project = Project::new(SHOP);
    let server = http(|request| if request.path == "/b" { Response::empty(500) } else { Response::ok("yes") });
    for number in 1..=3 {
        let (shard, report) = (format!("--shard={number}/3"), format!("json=shard-{number}.json"));
        job(&project, &server, &["check", "staging", &shard, "--no-record", "--report", &report]);
    }
    let output = merged(&project, &["--no-record", "--format=json"]);
    assert_eq!(output.code, 1, "{}", output.stderr);
    let report: Value = serde_json::from_str(&output.stdout).expect("it is JSON");
    assert_eq!(report["counts"]["failed"], 1);
    assert_eq!(report["counts"]["blocked"], 2, "c and the sign-off: {}", output.stdout);
    assert_eq!((&report["shard"], &report["partial"]), (&Value::Null, &Value::Null));
}

#[test]
fn a_shard_of_the_ci_job_is_used_and_an_invalid_one_is_an_error() {
    let (project, server) = (Project::new(SHOP), service());
    let none = job(&project, &server, &["check", "staging", "--shard", "ci"]);
    assert_eq!(none.code, 2);
    assert!(none.stderr.contains("set GATE_SHARD_INDEX, from 0, and GATE_SHARD_TOTAL"), "{}", none.stderr);
    let command = project.command(&["check", "staging", "--shard=ci", "--no-record", "--format=json"]);
    let command = command.env("RELEASE", "r1").env("API_URL", server.url()).env("TOKEN", "a-token-of-some-length");
    let output = command.env("GATE_SHARD_INDEX", "1").env("GATE_SHARD_TOTAL", "3").run();
    assert_eq!(output.code, 0, "{}", output.stderr);
    assert!(output.stdout.contains("\"shard\": \"2/3\""), "{}", output.stdout);
    for wrong in ["0/3", "4/3", "x", "1"] {
        let output = job(&project, &server, &["check", "staging", "--shard", wrong]);
        assert_eq!(output.code, 2);
        assert!(output.stderr.contains("expected K/N, such as 1/4"), "{}", output.stderr);
    }
    let both = job(&project, &server, &["check", "staging", "--shard=1/3", "--only=a"]);
    assert_eq!(both.code, 2, "a selection and a shard: {}", both.stdout);
}

#[test]
fn merging_reads_no_secret_and_runs_nothing() {
    let list = r#"
        title: Shop
        secrets: { TOKEN: { command: [touch, ran] }, KEY: { file: run/key } }
        sections:
          - title: All
            items:
              - { id: a, title: word-of-the-list, probes: [{ command: { argv: [touch, probed], env: { T: "${secrets.TOKEN}", K: "${secrets.KEY}" } } }] }
    "#;
    let project = Project::new(list).file("run/key", "word-of-the-list\n");
    let shard = project.gate(&["check", "staging", "--shard=1/1", "--no-record", "--report=json=shard-1.json"]);
    assert_eq!(shard.code, 3, "the program prints no secret: {}{}", shard.stdout, shard.stderr);
    fs::remove_file(project.path().join("ran")).expect("the secret was asked for");
    let output = merged(&project, &["--no-record"]);
    assert_eq!(output.code, 3, "{}{}", output.stdout, output.stderr);
    assert!(!project.path().join("ran").exists() && !project.path().join("probed").exists());
    // If the file had been read, its value would be hidden.
    assert!(!shard.stdout.contains("word-of-the-list") && output.stdout.contains("word-of-the-list"));
}
