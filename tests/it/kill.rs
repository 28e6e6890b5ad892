//! Kills at random moments leave no torn file: `GATE_TEST_KILLS` says how many, and `tests/kill` runs many.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::harness::Project;

/// How many kills there are: few in every test run.
fn count() -> u32 {
    std::env::var("GATE_TEST_KILLS").ok().and_then(|count| count.parse().ok()).unwrap_or(12)
}

/// Runs a command again and again, killed at another moment of its life each time, and looks at what is left after each.
/// `length` is how long it takes when nobody kills it.
pub fn killed(length: Duration, mut command: impl FnMut() -> Command, mut look: impl FnMut()) {
    let kills = count();
    for number in 0..kills {
        let mut child = command().stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("it was built");
        // Spread over its life by a step that has no common measure with it, so that the moments never repeat.
        let part = (f64::from(number) * 0.618_034).fract();
        let begun = Instant::now();
        while begun.elapsed() < length.mul_f64(part * 1.2) {
            if child.try_wait().expect("a child of ours").is_some() {
                break;
            }
            std::thread::yield_now();
        }
        let _ = child.kill(); // it may have ended by itself
        child.wait().expect("a child of ours");
        look();
    }
}

#[test]
fn a_kill_during_sign_leaves_whole_entries_only() {
    let project = Project::new(
        "
        title: T
        sections:
          - title: S
            items:
              - { id: up, title: Up, probes: [{ command: { argv: [\"true\"] } }] }
              - { id: qa, title: QA, needs: [up], sign_off: { role: QA } }
        ",
    );
    project.gate(&["check", "staging"]);
    let sign = ["sign", "staging", "qa", "--by", "Dana"];
    let begun = Instant::now();
    assert_eq!(project.gate(&sign).code, 0);
    let length = begun.elapsed();
    let mut kept = project.read("checklists/staging.signoffs.yaml");
    killed(
        length,
        || project.command(&sign).command(),
        || {
            let now = project.read("checklists/staging.signoffs.yaml");
            assert!(now.starts_with(&kept), "what was there is lost:\n{now}");
            assert_eq!(project.gate(&["verify", "staging"]).code, 0, "{now}");
            kept = now;
        },
    );
    assert_eq!(project.gate(&sign).code, 0, "the lock of one that was killed is free");
}
