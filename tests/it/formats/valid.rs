//! A run that is cut short by the deadline: every format reports that and stays valid.

use super::verdict::verdicts;
use super::{check, hold_valid};
use crate::harness::Project;

#[test]
fn a_run_that_was_cut_short_is_ready_in_no_format() {
    let project = Project::new(
        "
        title: T
        sections:
          - title: S
            items:
              - { id: up, title: Up, probes: [{ file: { path: checklists/staging.yaml } }] }
              - id: slow
                title: Slow
                advisory: true
                probes: [{ command: { argv: [sleep, '30'] } }]
        ",
    );
    let output = check(&project, &["--deadline", "300ms"]);
    assert_eq!(output.code, 3, "{}{}", output.stdout, output.stderr);
    hold_valid(&project);
    for (format, is_ready) in verdicts(&project) {
        assert!(!is_ready, "{format}");
    }
}
