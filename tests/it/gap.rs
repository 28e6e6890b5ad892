//! Known gaps: which may be accepted, until which day, and the messages about useless ones.

use insta::assert_snapshot;

use crate::harness::Project;

fn list(top: &str, gap: &str) -> Project {
    Project::new(&format!(
        "title: T\n{top}sections:\n  - title: S\n    items:\n      - {{ id: a, title: A, probes: [{{ file: {{ path: none }} }}] }}\n      - {{ id: b, title: B, probes: [{{ file: {{ path: none }} }}] }}\ngaps:\n  - {gap}\n"
    ))
    .at(1_893_369_600) // 2029-12-31
}

fn accepted(priority: &str) -> String {
    format!("{{ gap: G, items: [a], {priority}accepted_until: 2030-01-01, accepted_by: \"@sre\" }}")
}

#[test]
fn a_gap_of_priority_p1_may_not_be_accepted_unless_the_checklist_says_so() {
    let refused = list("", &accepted("priority: P1, ")).gate(&["validate", "staging"]);
    assert_eq!(refused.code, 2);
    assert_snapshot!(refused.stderr.trim_end(), @r#"
    error: a gap of priority `P1` may not be waived
     --> checklists/staging.yaml:8:57
      |
    8 |   - { gap: G, items: [a], priority: P1, accepted_until: 2030-01-01, accepted_by: "@sre" }
      |                                                         ^^^^^^^^^^
      |
      = help: remove `accepted_until`, or allow it for this checklist: `waivable: [P1, P2, P3]`
    "#);
    assert_eq!(list("waivable: [P1]\n", &accepted("priority: P1, ")).gate(&["validate", "staging"]).code, 0);
    assert_eq!(list("", &accepted("priority: P2, ")).gate(&["validate", "staging"]).code, 0);
    assert_eq!(list("", &accepted("")).gate(&["validate", "staging"]).code, 0);
    assert_eq!(list("waivable: [P3]\n", &accepted("priority: P2, ")).gate(&["validate", "staging"]).code, 2);
    assert_eq!(list("waivable: [P3]\n", &accepted("")).gate(&["validate", "staging"]).code, 2);
}

#[test]
fn a_gap_counts_through_its_last_day_and_items_without_a_gap_are_listed() {
    let project = list("", "{ gap: G, items: [a], priority: P2, accepted_until: 2025-12-06, accepted_by: \"@sre\" }");
    let at = |time: u64| {
        let output = project.command(&["check", "staging", "--no-record"]).at(time).run();
        output.stdout
    };
    let last_second = at(1_765_065_599);
    assert!(last_second.contains("waived"), "{last_second}");
    assert!(last_second.contains("\nnot in `gaps`: b\n"), "{last_second}");
    let over = at(1_765_065_600);
    assert!(over.contains("known gap no longer accepted since 2025-12-07: G") && !over.contains("waived"), "{over}");
    let markdown = project.gate(&["check", "staging", "--no-record", "--format", "markdown"]).stdout;
    assert!(markdown.contains("\nNot yet recorded:\n\n- B\n"), "{markdown}");
}

#[test]
fn a_gap_that_is_accepted_and_names_nothing_is_unused() {
    let project = list("", "{ gap: G, priority: P2, accepted_until: 2030-12-06, accepted_by: \"@sre\" }");
    let output = project.gate(&["check", "staging", "--no-record"]);
    assert!(output.stdout.contains("known gap without `items`: G"), "{}", output.stdout);
}

#[test]
fn a_gap_is_accepted_for_a_year_at_most_with_a_priority_of_p0_to_p4() {
    let validated = |gap: &str| list("", gap).gate(&["validate", "staging"]);
    let accepted = |gap: &str| validated(&format!("{{ gap: G, items: [a], {gap}, accepted_by: D }}"));
    let cases = [
        ("priority: P2, accepted_until: 2030-12-31", None),
        ("priority: P2, accepted_until: \"2030-12-31\"", None),
        (
            "priority: P2, accepted_until: 2031-01-01",
            Some("a gap can be accepted for at most a year, not until 2031-01-01"),
        ),
        ("priority: p2, accepted_until: 2030-01-01", Some("invalid priority `p2`")),
        ("priority: P5, accepted_until: 2030-01-01", Some("invalid priority `P5`")),
        ("priority: P2, accepted_until: 01/02/2030", Some("YYYY-MM-DD")),
        ("priority: P2, accepted_until: 2030-01-01T12:00:00Z", Some("YYYY-MM-DD")),
        ("priority: P2, accepted_until: never", Some("YYYY-MM-DD")),
    ];
    for (gap, why) in cases {
        let output = accepted(gap);
        assert_eq!(output.code, if why.is_some() { 2 } else { 0 }, "{gap}: {}", output.stderr);
        assert!(
            output.stderr.contains(why.unwrap_or_default()) && !output.stderr.contains("jiff"),
            "{}",
            output.stderr
        );
    }
    let noted = validated("{ gap: G, items: [a], priority: high }");
    assert_eq!(noted.code, 0);
    assert!(noted.stderr.contains("warning: `high` is not one of the priorities P0 to P4"), "{}", noted.stderr);
}

#[test]
fn a_gap_cannot_cover_a_sign_off_and_a_checklist_has_an_item_that_gates() {
    let refused = |items: &str| {
        let project = Project::new(&format!(
            "title: T\nsections: [{{ title: S, items: [{items}] }}]\ngaps: [{{ gap: G, items: [a] }}]\n"
        ));
        let output = project.gate(&["validate", "staging"]);
        assert_eq!(output.code, 2, "{}", output.stdout);
        output.stderr
    };
    let sign_off = refused("{ id: a, title: A, sign_off: { role: R } }");
    assert!(sign_off.contains("a gap cannot cover the sign-off `a`"), "{sign_off}");
    let idle = refused(
        "{ id: a, title: A, advisory: true, probes: [{ file: { path: a } }] }, { id: b, title: B, deferred: LATER }",
    );
    assert!(idle.contains("no item of this checklist can fail it"), "{idle}");
}
