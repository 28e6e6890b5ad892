//! Kills at random moments leave no partial file and no corrupt ledger. `GATE_TEST_KILLS` sets the number of kills for each
//! command, and `tests/kill` runs many.

use std::cell::Cell;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::harness::{Project, program};
use crate::sign::entries;

/// The number of kills: few in a normal test run.
fn count() -> u32 {
    std::env::var("GATE_TEST_KILLS").ok().and_then(|count| count.parse().ok()).unwrap_or(12)
}

/// Runs a command again and again, kills it at a different moment each time, and checks the files after each.
/// `length` is its duration without a kill.
pub fn killed(length: Duration, mut command: impl FnMut() -> Command, mut inspect: impl FnMut()) {
    let kills = count();
    for number in 0..kills {
        let mut child = command().stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("it was built");
        // The moments are spread over its duration by an irrational step, so they never repeat.
        let part = (f64::from(number) * 0.618_034).fract();
        // The first run is killed at once, and the last one not at all, so both cases occur on any machine.
        let moment = if number + 1 == kills { Duration::MAX } else { length.mul_f64(part * 1.2) };
        let begun = Instant::now();
        while begun.elapsed() < moment {
            if child.try_wait().expect("it is a child of this process").is_some() {
                break;
            }
            std::thread::yield_now();
        }
        let _ = child.kill(); // it may have ended already
        child.wait().expect("it is a child of this process");
        inspect();
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
              - { id: qa, title: QA, needs: [up], sign_off: { role: QA, valid_for: 7d } }
        ",
    );
    project.gate(&["check", "staging"]);
    let sign = ["sign", "staging", "qa", "--by", "Dana"];
    let begun = Instant::now();
    assert_eq!(project.gate(&sign).code, 0);
    let length = begun.elapsed();
    let all = |project: &Project| {
        let paths = entries(project).into_iter().filter(|path| !path.contains("/."));
        paths.map(|path| project.read(&path)).collect::<Vec<_>>()
    };
    let mut kept = all(&project);
    killed(
        length,
        || project.command(&sign).command(),
        || {
            let now = all(&project);
            assert!(kept.iter().all(|entry| now.contains(entry)), "the old content is lost:\n{now:?}");
            assert_eq!(project.gate(&["verify", "staging"]).code, 0, "{now:?}");
            kept = now;
        },
    );
    assert_eq!(project.gate(&sign).code, 0, "a killed run blocks no other");
}

/// The markdown of a run, with its subject.
fn whole(markdown: &str) -> Option<(String, String)> {
    let (head, rest) = markdown.split_once("**Subject:** ")?;
    let (subject, rest) = rest.split_once(' ')?;
    Some((subject.to_owned(), format!("{head}{rest}")))
}

#[test]
fn a_kill_during_check_leaves_the_old_markdown_or_the_new_one_and_a_sound_ledger() {
    let items: String = (0..40)
        .map(|number| {
            format!("      - {{ id: i{number}, title: \"{number}\", probes: [{{ file: {{ path: up }} }}] }}\n")
        })
        .collect();
    let list = format!("title: T\nmarkdown: READINESS.md\nsections:\n  - title: S\n    items:\n{items}");
    let project = Project::new(&list).file("up", "").at(1_765_022_400);
    let prose = "# Ours\n\nBefore.\n\n<!-- gate:begin staging -->\n<!-- gate:end staging -->\n\nBehind.\n";
    std::fs::write(project.path().join("READINESS.md"), prose).expect("the project's folder is writable");
    let check = |subject: &str| project.command(&["check", "staging", "--markdown", "--subject", subject]);
    assert_eq!(check("r0").run().code, 0); // which makes the ledger
    let begun = Instant::now();
    assert_eq!(check("r0").run().code, 0);
    let length = begun.elapsed();
    let (_, rest) = whole(&project.read("READINESS.md")).expect("it was written");
    let (number, mut written, mut came_late) = (Cell::new(0), 0, 0);
    killed(
        length,
        || {
            number.set(number.get() + 1);
            check(&format!("r{}", number.get())).command()
        },
        || {
            let markdown = project.read("READINESS.md");
            let (subject, now) = whole(&markdown).unwrap_or_else(|| panic!("torn:\n{markdown}"));
            assert_eq!(now, rest, "the file is partial, or a part of it is lost");
            let subject: u32 = subject[1..].parse().expect("a whole subject");
            assert!(subject >= written, "an older one came back");
            written = subject;
            came_late += u32::from(subject == number.get());
            let mut integrity = Command::new(program("sqlite3"));
            let integrity = integrity.arg(project.path().join(".gate/ledger.db")).arg("PRAGMA integrity_check");
            let integrity = integrity.output().expect("it is installed");
            assert_eq!(String::from_utf8_lossy(&integrity.stdout).trim(), "ok");
            let history = project.gate(&["history", "staging", "--limit", "1"]);
            assert_eq!((history.code, history.stderr.as_str()), (0, ""));
        },
    );
    assert!(
        (1..number.get()).contains(&came_late),
        "{came_late} of {} had written before they were killed",
        number.get()
    );
    assert_eq!(check("last").run().code, 0);
    assert_eq!(whole(&project.read("READINESS.md")), Some(("last".to_owned(), rest)));
}
