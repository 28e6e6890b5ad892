//! The M9 checklist with the real stack: green when nothing is broken; and when one of its lines is broken, exactly that
//! item is red.

pub mod real;

use std::collections::BTreeSet;

use serde_json::Value;

use real::Real;

/// The sign-offs, their signers, and the items that each covers; an empty list means all.
const SIGN_OFFS: [(&str, &str, &[&str]); 3] = [
    (
        "qa",
        "Dana Reyes",
        &[
            "healthz",
            "simulate",
            "replay",
            "rate-limit",
            "idempotency",
            "retention",
            "mismatch",
            "metrics",
            "k6",
            "e2e",
        ],
    ),
    ("sre", "Kim Ode", &["redis", "db-head", "metrics"]),
    ("product", "Ada Fox", &[]),
];

/// A line: how to break it, how to repair it, and the expected message.
struct Case {
    item: &'static str,
    says: &'static str,
    break_it: fn(&Real),
    mend: fn(&Real),
}

fn flag(real: &Real, item: &'static str) {
    *real.flag.lock().expect("no thread panics while it holds the lock") = item;
}

/// A line that a fake service breaks on request.
const fn service(item: &'static str, says: &'static str, break_it: fn(&Real)) -> Case {
    Case { item, says, break_it, mend: |real| flag(real, "") }
}

const CASES: [Case; 21] = [
    service("images", "got \"badc0de\"", |real| flag(real, "images")),
    Case {
        item: "db-head",
        says: "at_head: expected true, got false (013_retention, 1 pending)",
        break_it: |real| real.alembic("downgrade", "013_retention"),
        mend: |real| real.alembic("upgrade", "head"),
    },
    Case {
        item: "redis",
        says: "WRONGPASS",
        break_it: |real| drop(real.set("REDIS_URL", &crate::harness::tls_redis().url().replace("p%40ss", "rotated"))),
        mend: |real| drop(real.set("REDIS_URL", &crate::harness::tls_redis().url())),
    },
    service("grafana", "\"M4.5 Failure\" not found", |real| flag(real, "grafana")),
    service("logs", "count: expected at least 1, got 0", |real| flag(real, "logs")),
    Case {
        item: "secrets",
        says: "placeholder: SLACK_MISMATCH_WEBHOOK",
        break_it: |real| drop(real.set("SLACK_MISMATCH_WEBHOOK", "changeme")),
        mend: |real| drop(real.set("SLACK_MISMATCH_WEBHOOK", "https://hooks.slack.example/services/T0/B0/real")),
    },
    Case {
        item: "ci-parity",
        says: "dispatch_only: expected true, got false",
        break_it: |real| real.write(WORKFLOW, &real.project.read(WORKFLOW).replace("jobs:", "  push:\njobs:")),
        mend: |real| real.write(WORKFLOW, &real.project.read(WORKFLOW).replace("  push:\n", "")),
    },
    service("healthz", "status: expected 200, got 503", |real| flag(real, "healthz")),
    service("simulate", "value: expected 1, got 0", |real| flag(real, "simulate")),
    service("replay", "json.matches: expected true, got false", |real| flag(real, "replay")),
    service("rate-limit", "allowed: expected 60, got 65", |real| flag(real, "rate-limit")),
    service("idempotency", "ids: expected length 1, got length 8", |real| flag(real, "idempotency")),
    Case {
        item: "retention",
        says: "value: expected at least 2, got 1",
        break_it: |real| drop(real.sql("DELETE FROM aos_traces_retention_log WHERE removed = 95")),
        mend: |real| drop(real.sql("INSERT INTO aos_traces_retention_log (removed) VALUES (95)")),
    },
    service("mismatch", "issues.titles: expected at least one element to contain", |real| flag(real, "mismatch")),
    service("metrics", "\"aos_rate_limit_blocked_total\" not found", |real| flag(real, "metrics")),
    Case {
        item: "k6",
        says: "crossed: http_req_duration: p(95)<0.000001",
        break_it: |real| real.k6("p(95)<0.000001"),
        // Another run could be slower than the baseline, which is the first run.
        mend: |real| real.write("load-tests/summary.json", &real.project.read("load-tests/baseline.json")),
    },
    Case {
        item: "e2e",
        says: "failures: expected 0, got 1",
        break_it: |real| {
            real.write(REPORT, &real.project.read(REPORT).replace("trace\"/>", "trace\"><failure/></testcase>"))
        },
        mend: |real| {
            real.write(REPORT, &real.project.read(REPORT).replace("trace\"><failure/></testcase>", "trace\"/>"))
        },
    },
    Case {
        item: "nftables",
        says: "persistent: expected true, got false",
        break_it: |real| real.nft(&["add", "rule", "inet", "filter", "input", "tcp", "dport", "22", "accept"]),
        mend: |real| real.nft(&["-f", "boot.nft"]),
    },
    Case {
        item: "backups",
        says: "modified: expected newer than 1d2h",
        break_it: |real| ["new", "old"].iter().for_each(|name| real.written(&format!("backups/{name}.dump"), 48)),
        mend: |real| real.written("backups/new.dump", 2),
    },
    Case {
        item: "alerts",
        says: "refused the connection",
        break_it: |real| {
            drop(real.set("ALERTMANAGER_URL", &format!("http://127.0.0.1:{}", crate::harness::free_port())))
        },
        mend: |real| drop(real.set("ALERTMANAGER_URL", &crate::harness::alertmanager().url())),
    },
    Case {
        item: "runbook",
        says: "headings: \"Recovery steps\" not found",
        break_it: |real| real.write(RUNBOOK, "# On call\n\n## Who is woken\n\nYou.\n"),
        mend: |real| real.write(RUNBOOK, "# On call\n\n## Recovery steps\n\nRestart the API.\n"),
    },
];

const WORKFLOW: &str = ".github/workflows/e2e-parity-check.yml";
const REPORT: &str = "reports/e2e.xml";
const RUNBOOK: &str = "docs/ONCALL_RUNBOOK.md";

/// The items with one of these statuses.
fn with(run: &Value, statuses: &[&str]) -> BTreeSet<String> {
    let items = run["sections"].as_array().into_iter().flatten().flat_map(|section| section["items"].as_array());
    let is_one = |item: &&Value| item["status"].as_str().is_some_and(|status| statuses.contains(&status));
    items.flatten().filter(is_one).filter_map(|item| Some(item["id"].as_str()?.to_owned())).collect()
}

fn set(ids: &[&str]) -> BTreeSet<String> {
    ids.iter().map(|id| (*id).to_owned()).collect()
}

#[test]
fn each_line_that_is_broken_turns_its_item_red_and_no_other() {
    let real = Real::start();
    // All probes pass, and then people sign.
    let whole = real.check(&[]);
    assert_eq!(whole.stderr, "");
    assert!(whole.stdout.contains("NOT READY: 21 of 24 passed, 3 pending"), "{}", whole.stdout);
    for (item, by, _) in SIGN_OFFS {
        let signed = real.gate(&["sign", "production", item, "--by", by]);
        assert_eq!((signed.code, signed.stderr.as_str()), (0, ""));
    }
    let ready = real.check(&["--no-record"]);
    assert_eq!(ready.code, 0, "{}", ready.stdout);
    let mut wrong: Vec<String> = Vec::new();
    for Case { item, says, break_it, mend } in CASES {
        break_it(&real);
        let output = real.check(&["--no-record", "--format", "json"]);
        mend(&real);
        let run: Value =
            serde_json::from_str(&output.stdout).unwrap_or_else(|error| panic!("{error}: {}", output.stderr));
        let red = with(&run, &["failed", "error"]);
        if red != set(&[item]) {
            wrong.push(format!("{item}: red is {red:?}"));
        }
        // Dependent items are blocked, and the sign-offs that cover it are pending; all others are unchanged.
        let rests: &[&str] = match item {
            "simulate" => &["replay"],
            "secrets" => &["mismatch"],
            _ => &[],
        };
        let covers =
            |covered: &[&str]| covered.is_empty() || covered.iter().any(|id| *id == item || rests.contains(id));
        let signs: Vec<&str> = SIGN_OFFS.iter().filter(|(_, _, covered)| covers(covered)).map(|(id, ..)| *id).collect();
        let expected = set(&[rests, &signs].concat());
        let waits = with(&run, &["blocked", "pending"]);
        if waits != expected {
            wrong.push(format!("{item}: {waits:?} wait, not {expected:?}"));
        }
        let broken = run["sections"]
            .as_array()
            .into_iter()
            .flatten()
            .flat_map(|section| section["items"].as_array().into_iter().flatten());
        let broken = broken.clone().find(|one| one["id"] == item).expect("it exists");
        let reason = broken["reason"].as_str().unwrap_or_default();
        if !reason.contains(says) {
            wrong.push(format!("{item}: {reason}"));
        }
        let helps = |probe: &Value| probe["help"].is_string();
        let is_helped = broken["hint"].is_string() || broken["probes"].as_array().into_iter().flatten().any(helps);
        if !is_helped {
            wrong.push(format!("{item}: nothing of what to do: {broken:#}"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    let mended = real.check(&["--no-record"]);
    assert_eq!(mended.code, 0, "{}", mended.stdout);
}
