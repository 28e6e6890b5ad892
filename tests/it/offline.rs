//! Commands that run no probes: without variables, without a ledger, beside invalid checklists.

use std::fs;

use crate::harness::{Output, Project};
use crate::sign::{DANA, DAY, LIST, SIGNED, at, newest, replace, signed};

/// A checklist that refers to variables in as many places as possible.
const OPEN: &str = "
    title: Readiness of ${env.PLACE}
    subject: ${env.RELEASE}
    markdown: docs/${env.PLACE}.md
    defaults: { timeout: \"${env.PATIENCE}\" }
    vars: { api: \"${env.API}\" }
    secrets:
      TOKEN:
    sections:
      - title: Smoke ${env.PLACE}
        note: for ${env.PLACE}
        id: smoke
        items:
          - { id: up, title: \"Up in ${env.PLACE}\", hint: \"ask ${env.PLACE}\", locks: [\"${env.PLACE}\"], probes: [{ file: { path: up }, timeout: \"${env.PATIENCE}\" }] }
          - { id: api, title: API, advisory: true, probes: [{ http: { url: \"${vars.api}/\", token: \"${secrets.TOKEN}\" } }] }
      - title: Sign-off
        items:
          - { id: qa, title: QA confirms, needs: [up], sign_off: { role: QA, valid_for: 7d } }
    gaps:
      - { gap: \"Slow in ${env.PLACE}\", items: [api], notes: \"${env.PLACE}\" }
";

const SET: [(&str, &str); 4] =
    [("PLACE", "Berlin"), ("RELEASE", "r1"), ("API", "http://127.0.0.1:9"), ("PATIENCE", "5s")];

/// With all variables set, as in CI.
fn in_ci(project: &Project, time: u64, arguments: &[&str]) -> Output {
    let command = project.command(arguments).at(time);
    SET.iter().fold(command, |command, (name, value)| command.env(name, value)).run()
}

/// A project that was checked in CI, with the run as a report and without its ledger.
fn checked() -> Project {
    let project = Project::new(OPEN).file("up", "");
    let output = in_ci(&project, SIGNED, &["check", "staging", "--report", "json=run.json", "--markdown"]);
    assert_eq!(output.code, 1, "{}", output.stderr);
    fs::remove_dir_all(project.path().join(".gate")).expect("the run was recorded");
    project
}

#[test]
fn commands_without_probes_need_no_variables() {
    let project = checked();
    let shown = |arguments: &[&str]| {
        let output = at(&project, SIGNED, arguments);
        assert_eq!(output.code, 0, "{arguments:?}: {}", output.stderr);
        output.stdout
    };
    assert_eq!(shown(&["validate"]), "checklists/staging.yaml: valid, 3 items; runs are recorded under this folder\n");
    assert!(shown(&["list"]).contains("staging  3 items  Readiness of ${env.PLACE}"));
    assert!(shown(&["list", "staging"]).contains("Smoke ${env.PLACE} [smoke]\nup   file"));
    assert!(shown(&["show", "staging"]).contains("title: Up in ${env.PLACE}"));
    assert!(shown(&["show", "staging", "up"]).contains("hint: ask ${env.PLACE}"));
    shown(&["sign", "staging", "qa", "--run", "run.json", "--by", DANA]);
    assert!(newest(&project).contains("title: Readiness of Berlin"), "{}", newest(&project));
    assert!(shown(&["verify", "staging"]).contains("1 sign-off entry, none refused"));
    assert!(shown(&["verify", "staging", "--subject", "r1"]).contains(" for r1: valid\n1 sign-off entry, all valid\n"));
    assert!(shown(&["render", "staging", "--run", "run.json"]).contains("# Readiness of Berlin"));
    assert!(!project.path().join(".gate").exists());
}

#[test]
fn a_setting_that_is_not_text_is_ignored_with_a_warning() {
    let project = Project::new(OPEN);
    let output = project.gate(&["validate", "staging"]);
    assert_eq!(output.code, 0);
    let warning = "warning: `timeout` is ignored here: the environment variable `PATIENCE` is not set";
    assert_eq!(output.stderr.matches(warning).count(), 2, "{}", output.stderr);
}

#[test]
fn a_run_still_needs_what_it_shows() {
    let project = Project::new(OPEN);
    let output = project.gate(&["check", "staging", "--no-record"]);
    assert_eq!(output.code, 2);
    assert!(output.stderr.contains("the environment variable `PLACE` is not set"), "{}", output.stderr);
}

#[test]
fn without_a_ledger_the_structure_gaps_and_sign_offs_are_compared() {
    let project = checked();
    let check = || at(&project, SIGNED + 60, &["render", "staging", "--check", "--markdown=docs/Berlin.md"]);
    let clean = check();
    assert_eq!((clean.code, clean.stdout.as_str()), (0, ""));
    assert!(clean.stderr.contains("only structure, gaps and sign-offs were"), "{}", clean.stderr);

    // A new sign-off makes the file outdated.
    let sign = at(&project, SIGNED, &["sign", "staging", "qa", "--run", "run.json", "--by", DANA]);
    assert_eq!(sign.code, 0, "{}", sign.stderr);
    let drifted = check();
    assert_eq!(drifted.code, 1);
    let line = "+- [x] QA confirms (signed 2025-12-06 by Dana Reyes for r1)";
    assert!(drifted.stdout.contains(line), "{}", drifted.stdout);
    replace(&project, "docs/Berlin.md", "- [ ] QA confirms **[NEEDS SIGN-OFF]**", &line[1..]);
    assert_eq!(check().code, 0, "{}", check().stdout);

    // A probe's tick may differ; text from the checklist may not.
    let file = project.read("docs/Berlin.md");
    let edited = |old: &str, new: &str| {
        assert!(file.contains(old), "{old} in {file}");
        fs::write(project.path().join("docs/Berlin.md"), file.replace(old, new))
            .expect("the project's folder is writable");
        check().code
    };
    assert_eq!(edited("- [x] Up in Berlin (verified 2025-12-06: ", "- [ ] Up in Berlin **[FAILED]** ("), 0);
    assert_eq!(edited("Berlin", "Bonn"), 0, "its origin is unknown");
    assert_eq!(edited("- [x] Up", "- [x] Down"), 1);
    assert_eq!(edited("Dana Reyes for r1)", "Eve for r1)"), 1);
    assert_eq!(edited("## Smoke", "## Some smoke"), 1);
    assert_eq!(edited("| Slow in", "| Fast in"), 1);
    assert_eq!(edited("- [x] QA confirms (signed", "- [x] QA confirms (said"), 1);
}

#[test]
fn a_saved_run_is_compared_as_the_last_one_of_a_ledger_is() {
    let project = checked();
    let check = ["render", "staging", "--check", "--markdown=docs/Berlin.md", "--run", "run.json"];
    let clean = at(&project, SIGNED + 60, &check);
    assert_eq!((clean.code, clean.stdout.as_str()), (0, ""));
    assert!(!clean.stderr.contains("were not compared"), "{}", clean.stderr);
    replace(&project, "docs/Berlin.md", "- [x] Up", "- [ ] Up");
    assert_eq!(at(&project, SIGNED + 60, &check).code, 1);
    replace(&project, "run.json", "\"name\": \"staging\"", "\"name\": \"other\"");
    let other = at(&project, SIGNED + 60, &check);
    assert_eq!(other.code, 2);
    assert!(other.stderr.contains("the run in `run.json` is of `other`, not of `staging`"), "{}", other.stderr);
}

#[test]
fn without_a_run_or_a_path_render_says_what_to_do() {
    let project = Project::new(OPEN);
    let output = project.gate(&["render", "staging", "--check"]);
    assert_eq!(output.code, 2);
    assert!(output.stderr.contains("missing path: the checklist has no `markdown`, or it refers to an unset variable"));
    let project = Project::new(LIST);
    let output = project.gate(&["render", "staging"]);
    assert_eq!(output.code, 2);
    assert_eq!(
        output.stderr,
        "error: no full run of `staging` is recorded in `.gate/ledger.db`\n  help: run `gate check staging`, or pass a saved \
         run with `--run RUN.json`\n\n"
    );
}

#[test]
fn a_fresh_clone_does_not_change_the_markdown_from_run_to_run() {
    let project = signed();
    replace(&project, "checklists/staging.yaml", "title: T", "title: T\nmarkdown: R.md");
    fs::remove_dir_all(project.path().join(".gate")).expect("the run was recorded");
    let check = |day: u64| {
        assert_eq!(at(&project, SIGNED + day * DAY, &["check", "staging", "--markdown"]).code, 0);
        let rendered = at(&project, SIGNED + day * DAY, &["render", "staging", "--check"]);
        assert_eq!((rendered.code, rendered.stdout.as_str()), (0, ""), "{}", rendered.stderr);
        project.read("R.md").replace(&format!("2025-12-{:02}", 6 + day), "DATE")
    };
    let first = check(1);
    assert!(first.contains("by Dana Reyes for r1, not compared with later runs)"), "{first}");
    assert_eq!(check(2), first, "the ledger still begins after the sign-off");
}

#[test]
fn an_invalid_checklist_does_not_hide_others_and_sign_offs_are_not_checklists() {
    let project = signed().file("checklists/broken.yaml", "title: T\nsections: [{ title: S, itms: [] }]\n");
    let project = project.file("checklists/worse.yaml", "title: \"T\n").file("checklists/old.signoffs.yaml", "[]\n");
    let listed = project.gate(&["list"]);
    assert_eq!(listed.code, 2);
    assert_eq!(listed.stdout, "broken   invalid\nstaging  3 items  T\nworse    invalid\n");
    for file in ["--> checklists/broken.yaml:2:24", "--> checklists/worse.yaml:"] {
        assert!(listed.stderr.contains(file), "{}", listed.stderr);
    }
    assert_eq!(project.gate(&["list", "staging"]).code, 0);
    let entry = crate::sign::entries(&project).remove(0);
    for path in [entry.as_str(), "checklists/old.signoffs.yaml", "staging.signoffs"] {
        let refused = project.gate(&["validate", path]);
        assert_eq!(refused.code, 2, "{path}");
        assert!(refused.stderr.contains("contains sign-offs; it is not a checklist"), "{}", refused.stderr);
    }
}
