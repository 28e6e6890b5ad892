//! Known gaps: which may be accepted, through which day, and what is said of those that are of no use.

use insta::assert_snapshot;

use crate::harness::Project;

fn list(top: &str, gap: &str) -> Project {
    Project::new(&format!(
        "title: T\n{top}sections:\n  - title: S\n    items:\n      - {{ id: a, title: A, probes: [{{ file: {{ path: none }} }}] }}\n      - {{ id: b, title: B, probes: [{{ file: {{ path: none }} }}] }}\ngaps:\n  - {gap}\n"
    ))
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
fn a_gap_counts_through_its_last_day_and_what_no_gap_names_is_told() {
    let project = list("", "{ gap: G, items: [a], priority: P2, accepted_until: 2025-12-06, accepted_by: \"@sre\" }");
    let at = |time: &str| {
        let output = project.command(&["check", "staging", "--no-record"]).env("SOURCE_DATE_EPOCH", time).run();
        output.stdout
    };
    let last_second = at("1765065599");
    assert!(last_second.contains("waived"), "{last_second}");
    assert!(last_second.contains("\nnot yet recorded as known gaps: b\n"), "{last_second}");
    let over = at("1765065600");
    assert!(over.contains("G: gap expired since 2025-12-07") && !over.contains("waived"), "{over}");
    let markdown = project.gate(&["check", "staging", "--no-record", "--format", "markdown"]).stdout;
    assert!(markdown.contains("\nNot yet recorded:\n\n- B\n"), "{markdown}");
}

#[test]
fn a_gap_that_is_accepted_and_names_nothing_is_unused() {
    let project = list("", "{ gap: G, priority: P2, accepted_until: 2999-12-06, accepted_by: \"@sre\" }");
    let output = project.gate(&["check", "staging", "--no-record"]);
    assert!(output.stdout.contains("G: gap unused: it names nothing that was looked at"), "{}", output.stdout);
}
