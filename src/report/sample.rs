//! Runs made by hand, for the tests of formats.

use jiff::Timestamp;

use crate::diagnostic::Place;
use crate::run::{
    Attempt, BlockedBecause, ExpectationResult, Gap, ItemResult, ProbeResult, Run, Section, SignOff, SignOffReason,
    Status,
};

/// The time at which the runs of tests are read.
pub fn now() -> Timestamp {
    "2025-12-06T10:00:00Z".parse().expect("a valid instant")
}

/// A whole run of these sections.
pub fn run(sections: impl Into<Vec<Section>>) -> Run {
    Run {
        gate: "0.1.0".into(),
        name: "staging".into(),
        title: "Staging Readiness Checklist — M9 entrance".into(),
        file: "checklists/staging.yaml".into(),
        digest: "00".into(),
        subject: Some("0f1d7aa".into()),
        started: now(),
        duration_ms: 1_240,
        partial: None,
        shard: None,
        interrupted: None,
        commit: None,
        dirty: None,
        vars: None,
        host: None,
        user: None,
        ci: None,
        sections: sections.into(),
        gaps: Vec::new(),
    }
}

/// A section of these items.
pub fn section(title: &str, items: impl Into<Vec<ItemResult>>) -> Section {
    Section { id: None, title: title.into(), note: None, text: None, changes: None, items: items.into() }
}

/// A place in the checklist.
pub fn place(line: usize, column: usize, text: &str) -> Place {
    Place { file: "checklists/staging.yaml".into(), line, column, text: text.into() }
}

/// An item with nothing but a status.
pub fn item(id: &str, title: &str, status: Status) -> ItemResult {
    ItemResult {
        id: id.into(),
        title: title.into(),
        parent: None,
        owner: None,
        severity: None,
        tags: Vec::new(),
        status,
        flaky: false,
        advisory: false,
        insecure: false,
        reason: None,
        cause: None,
        evidence: None,
        last_passed: None,
        stale: false,
        last_subject: None,
        red_since: None,
        valid_for: None,
        hint: None,
        sign_off: None,
        manual: None,
        source: None,
        definition: None,
        requirements: None,
        place: place(10, 9, &format!("      - id: {id}")),
        probes: Vec::new(),
        duration_ms: 120,
    }
}

/// An item that passed, with what was seen.
pub fn passed(id: &str, title: &str, evidence: &str) -> ItemResult {
    ItemResult { evidence: Some(evidence.into()), ..item(id, title, Status::Passed) }
}

/// An item that is not green, with the reason.
pub fn red(id: &str, title: &str, status: Status, reason: &str) -> ItemResult {
    ItemResult { reason: Some(reason.into()), ..item(id, title, status) }
}

/// An item that is blocked by another.
pub fn blocked_by(id: &str, title: &str, cause: &str, reason: &str) -> ItemResult {
    let why = Some(Box::new(reason.into()));
    let because = BlockedBecause::Need { root: cause.into(), status: Status::Blocked, why, others: 0 };
    ItemResult {
        cause: Some(cause.into()),
        reason: Some(because.into()),
        duration_ms: 0,
        ..item(id, title, Status::Blocked)
    }
}

/// An item that waits for a person.
pub fn sign_off(id: &str, title: &str, role: &str) -> ItemResult {
    ItemResult {
        sign_off: Some(SignOff { role: role.into(), given: None }),
        duration_ms: 0,
        reason: Some(SignOffReason::Unsigned.into()),
        ..item(id, title, Status::Pending)
    }
}

/// A probe with one attempt.
pub fn probe(kind: &str, status: Status, reason: Option<&str>) -> ProbeResult {
    ProbeResult {
        kind: kind.into(),
        alias: None,
        check: None,
        is_cleanup: false,
        status,
        attempts: vec![Attempt { status, duration_ms: 120, reason: reason.map(Into::into) }],
        observation: None,
        evidence: None,
        expectations: Vec::new(),
        error: None,
        help: None,
        reproduce: None,
        via: None,
        insecure: false,
        place: place(39, 13, &format!("          - {kind}: {{}}")),
    }
}

/// An expectation that does not hold.
pub fn unmet(path: &str, expected: &str, observed: &str, place: Option<Place>) -> ExpectationResult {
    ExpectationResult {
        path: path.into(),
        expected: expected.into(),
        observed: observed.into(),
        passed: false,
        default: false,
        place,
    }
}

/// A known gap that covers these items.
pub fn gap(text: &str, items: &[&str], accepted_until: Option<&str>) -> Gap {
    Gap {
        gap: text.into(),
        items: items.iter().map(|id| (*id).to_owned()).collect(),
        priority: Some("P2".into()),
        owner: Some("@backend".into()),
        notes: Some("`start_trace` schema mismatch".into()),
        accepted_until: accepted_until.map(|date| date.parse().expect("a valid date")),
        accepted_by: accepted_until.map(|_| "@sre-lead".into()),
    }
}

/// A small list in which there is something of everything: a root cause with consequences, an error, a waiver.
pub fn m9() -> Run {
    let line = "              dashboards.titles: { contains: [AOS Traces, M4.5 Failure] }";
    let titles = unmet(
        "dashboards.titles",
        "to contain [\"AOS Traces\",\"M4.5 Failure\"]",
        "[\"AOS Traces\",\"Basic\"]",
        Some(place(41, 15, line)),
    );
    let grafana = ItemResult {
        hint: Some("provision the folder `monitoring/grafana` again".into()),
        probes: vec![ProbeResult {
            expectations: vec![titles],
            help: Some("the token may not see every folder".into()),
            reproduce: Some(
                "curl -sS -H \"Authorization: Bearer $GRAFANA_TOKEN\" http://grafana:3000/api/search".into(),
            ),
            ..probe("grafana", Status::Failed, Some("dashboards.titles: \"M4.5 Failure\" not found"))
        }],
        last_passed: Some("2025-12-01T08:00:00Z".parse().expect("a valid instant")),
        ..red(
            "grafana",
            "Grafana: 4 dashboards provisioned",
            Status::Failed,
            "dashboards.titles: \"M4.5 Failure\" not found",
        )
    };
    let attempt = |ms| Attempt { status: Status::Error, duration_ms: ms, reason: Some("connection refused".into()) };
    let redis = ItemResult {
        insecure: true,
        probes: vec![ProbeResult {
            attempts: vec![attempt(1_400), attempt(1_400), attempt(1_400)],
            error: Some("connecting to Redis: connection refused".into()),
            help: Some("is REDIS_URL reachable from here?".into()),
            ..probe("redis", Status::Error, None)
        }],
        duration_ms: 6_200,
        ..red("redis", "Redis: `redis_connected == 1`", Status::Error, "connecting to Redis: connection refused")
    };
    let prerequisites = Section {
        note: Some("must be green before staging sign-off".into()),
        ..section(
            "Prerequisites",
            [
                passed("db-head", "DB: Alembic HEAD == 014_trace_mismatches", "014_trace_mismatches, at head"),
                redis,
                grafana,
                ItemResult {
                    reason: Some("PROD SETUP".into()),
                    duration_ms: 0,
                    ..item("logs", "Logs: central logging receives backend logs", Status::Deferred)
                },
                red("secrets-present", "Secrets are present", Status::Blocked, "GITHUB_TOKEN is not set"),
            ],
        )
    };
    let smoke = section(
        "Smoke tests",
        [
            ItemResult {
                flaky: true,
                probes: vec![ProbeResult {
                    attempts: vec![
                        Attempt {
                            status: Status::Failed,
                            duration_ms: 5,
                            reason: Some("status: expected 200, got 503".into()),
                        },
                        Attempt { status: Status::Passed, duration_ms: 5, reason: None },
                    ],
                    ..probe("http", Status::Passed, None)
                }],
                ..passed("healthz", "`curl /healthz` returns 200", "200")
            },
            red("replay", "`aos replay` works", Status::Waived, "status: expected 200, got 500"),
            blocked_by(
                "mismatch",
                "Mismatch automation: trigger mismatch → GitHub issue",
                "secrets-present",
                "GITHUB_TOKEN is not set",
            ),
            ItemResult {
                probes: vec![probe("file", Status::Pending, Some("no report at load-tests/summary.json"))],
                ..red("k6", "k6 baseline", Status::Pending, "no report at load-tests/summary.json")
            },
        ],
    );
    let acceptance = section(
        "Sign-off acceptance (QA + SRE)",
        [
            ItemResult {
                sign_off: Some(SignOff { role: "QA lead".into(), given: None }),
                ..blocked_by("qa", "QA lead confirms smoke tests (above)", "secrets-present", "GITHUB_TOKEN is not set")
            },
            sign_off("sre", "SRE confirms infra (Redis, DB, Prometheus)", "SRE"),
            ItemResult {
                status: Status::Passed,
                reason: None,
                evidence: Some("signed 2025-12-06 by Dana Reyes for 0f1d7aa".into()),
                ..sign_off("demo", "Product owner approves demo checklist", "Product owner")
            },
        ],
    );
    let mut run = run([prerequisites, smoke, acceptance]);
    run.gaps = vec![gap("Replay PostgresTraceStore parity", &["replay"], Some("2026-03-01"))];
    run
}
