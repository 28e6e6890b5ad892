//! Output from the ledger: rendered Markdown, stale ticks, drift, and commits.

use std::process::Command;

use crate::harness::Project;

/// 2025-12-01, and the days after it, in seconds since 1970.
fn day(number: u64) -> u64 {
    1_764_547_200 + (number - 1) * 86_400
}

fn at(project: &Project, number: u64, arguments: &[&str]) -> (i32, String) {
    let output = project.command(arguments).at(day(number)).run();
    (output.code, output.stdout + &output.stderr)
}

/// An item that is green while a file exists.
fn project(more: &str, gaps: &str) -> Project {
    let item = format!("{{ id: file, title: File, {more}probes: [{{ file: {{ path: there }} }}] }}");
    Project::new(&format!("title: T\nmarkdown: R.md\nsections: [{{ title: S, items: [{item}] }}]\n{gaps}\n"))
}

fn line(text: &str) -> &str {
    text.lines().find(|line| line.starts_with("- [")).unwrap_or(text)
}

#[test]
fn the_markdown_is_made_again_from_the_last_whole_run() {
    let project = project("", "").file("there", "");
    assert_eq!(at(&project, 1, &["check", "staging", "--markdown"]).0, 0);
    let first = project.read("R.md");
    std::fs::remove_file(project.path().join("R.md")).expect("it was written");
    // A partial run has no verdict about the whole.
    at(&project, 2, &["check", "staging", "--only", "file"]);
    assert_eq!(at(&project, 3, &["render", "staging", "--markdown"]), (0, String::new()));
    assert_eq!(project.read("R.md"), first);
    assert_eq!(at(&project, 3, &["render", "staging", "--check", "--exact"]), (0, String::new()));
}

#[test]
fn dates_alone_are_not_drift_and_a_lost_tick_is_shown() {
    let project = project("", "").file("there", "");
    at(&project, 1, &["check", "staging", "--markdown"]);
    at(&project, 2, &["check", "staging"]);
    assert_eq!(at(&project, 2, &["render", "staging", "--check"]), (0, String::new()));
    let (code, diff) = at(&project, 2, &["render", "staging", "--check", "--exact"]);
    assert_eq!(code, 1);
    assert!(
        diff.contains("-**Last Verified:** 2025-12-01") && diff.contains("+**Last Verified:** 2025-12-02"),
        "{diff}"
    );
    std::fs::remove_file(project.path().join("there")).expect("it exists");
    at(&project, 3, &["check", "staging"]);
    let (code, diff) = at(&project, 3, &["render", "staging", "--check"]);
    assert_eq!(code, 1);
    assert!(diff.contains("\n-- [x] File") && diff.contains("\n+- [ ] File"), "{diff}");
}

#[test]
fn changed_or_added_text_after_a_tick_is_drift() {
    let project = project("", "").file("there", "");
    at(&project, 1, &["check", "staging", "--markdown"]);
    let whole = project.read("R.md");
    for changed in ["- [x] File, and the rest as well", "- [x] Another", "- [x] File\n- [x] More"] {
        let text = whole.replacen("- [x] File", changed, 1);
        assert_ne!(text, whole);
        std::fs::write(project.path().join("R.md"), text).expect("the project's folder is writable");
        let (code, diff) = at(&project, 1, &["render", "staging", "--check"]);
        assert_eq!(code, 1, "{changed}");
        let line = changed.lines().last().expect("it has a line");
        assert!(diff.contains(&format!("\n-{line}")), "{diff}");
    }
}

#[test]
fn a_tick_that_is_too_old_is_pending() {
    let project = project("valid_for: 7d, ", "").file("there", "");
    assert_eq!(at(&project, 1, &["check", "staging", "--markdown"]).0, 0);
    assert!(line(&at(&project, 8, &["render", "staging"]).1).starts_with("- [x] File (verified 2025-12-01"));
    let stale = at(&project, 9, &["render", "staging"]).1;
    assert_eq!(line(&stale), "- [ ] File **[STALE: verified 2025-12-01, valid for 7d]**");
    assert!(stale.contains("NOT READY (0 of 1 passed)"), "{stale}");
    assert_eq!(at(&project, 9, &["render", "staging", "--check"]).0, 1);
}

#[test]
fn the_rendered_markdown_has_later_sign_offs_and_stale_needs() {
    let list = "
        title: T
        subject: ${env.RELEASE:-r1}
        sections:
          - title: S
            items:
              - { id: product, title: Product, needs: [qa, after], sign_off: { role: product } }
              - { id: qa, title: QA, needs: [file], sign_off: { role: QA, valid_for: 3d } }
              - { id: after, title: After, needs: [file], probes: [{ command: { argv: [\"true\"] } }] }
              - { id: file, title: File, valid_for: 7d, probes: [{ file: { path: there } }] }
        ";
    let project = Project::new(list).file("there", "");
    assert_eq!(at(&project, 1, &["check", "staging"]).0, 1);
    // A sign-off counts without another run, also for items that need it, whatever the current environment.
    for item in ["qa", "product"] {
        let signed = at(&project, 2, &["sign", "staging", item, "--by", "Dana"]);
        assert_eq!(signed.0, 0, "{}", signed.1);
    }
    let rendered = |number| {
        let command = project.command(&["render", "staging"]).env("RELEASE", "r2");
        command.at(day(number)).run().stdout
    };
    let lines =
        |text: &str| text.lines().filter(|line| line.starts_with("- [")).map(ToOwned::to_owned).collect::<Vec<_>>();
    let signed = rendered(3);
    assert!(signed.contains("**Verdict:** READY (4 of 4 passed)"), "{signed}");
    assert_eq!(
        lines(&signed)[..2],
        ["- [x] Product (signed 2025-12-02 by Dana for r1)", "- [x] QA (signed 2025-12-02 by Dana for r1)"]
    );
    // First the sign-off of QA expires, then the result that everything depends on.
    let over = lines(&rendered(6));
    assert!(
        over[1].starts_with("- [ ] QA **[NEEDS SIGN-OFF: signed 2025-12-02 by Dana for r1, which counted until"),
        "{over:#?}"
    );
    assert!(
        over[0].starts_with(
            "- [ ] Product **[NEEDS SIGN-OFF: signed 2025-12-02 by Dana for r1, but what it covers turned red: needs qa ("
        ),
        "{over:#?}"
    );
    let stale = lines(&rendered(9));
    assert_eq!(stale[3], "- [ ] File **[STALE: verified 2025-12-01, valid for 7d]**");
    assert!(
        stale[2].starts_with("- [ ] After **[BLOCKED: needs file (verified 2025-12-01, valid for 7d)]**"),
        "{stale:#?}"
    );
    at(&project, 3, &["sign", "staging", "qa", "--by", "Dana", "--revoke"]);
    assert!(
        lines(&rendered(3))[1].starts_with("- [ ] QA **[NEEDS SIGN-OFF: revoked 2025-12-03 by Dana for r1]**"),
        "{:#?}",
        lines(&rendered(3))
    );
}

#[test]
fn a_waiver_that_has_expired_since_counts_no_longer() {
    let gap = "gaps: [{ gap: G, items: [file], priority: P2, accepted_until: 2025-12-02, accepted_by: D }]";
    let project = project("", gap);
    assert_eq!(at(&project, 1, &["check", "staging"]).0, 0);
    let waived = at(&project, 2, &["render", "staging"]).1;
    assert!(
        line(&waived).contains("WAIVED until 2025-12-02") && waived.contains("0 of 1 passed, 1 waived"),
        "{waived}"
    );
    let red = at(&project, 3, &["render", "staging"]).1;
    assert!(line(&red).contains("FAILED") && red.contains("NOT READY (0 of 1 passed)"), "{red}");
}

#[test]
fn a_waived_item_stays_waived_when_rendered_and_can_be_signed_off() {
    let list = "
        title: T
        markdown: R.md
        sections:
          - title: S
            items:
              - { id: file, title: File, valid_for: 7d, probes: [{ file: { path: there } }] }
              - { id: known, title: Known, probes: [{ command: { argv: [\"false\"] } }] }
              - { id: after, title: After, needs: [file], probes: [{ command: { argv: [\"true\"] } }] }
              - { id: qa, title: QA, needs: [known], sign_off: { role: QA, valid_for: 60d } }
        gaps:
          - { gap: G, items: [known, after], priority: P2, accepted_until: 2025-12-20, accepted_by: D }
        ";
    let project = Project::new(list).file("there", "");
    let lines = |number| {
        let text = at(&project, number, &["render", "staging"]).1;
        text.lines().filter(|line| line.starts_with("- [")).map(ToOwned::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(at(&project, 1, &["check", "staging", "--markdown"]).0, 1);
    assert_eq!(at(&project, 1, &["render", "staging", "--check", "--exact"]), (0, String::new()));
    let signed = at(&project, 2, &["sign", "staging", "qa", "--by", "Dana"]);
    assert_eq!(signed.0, 0, "{}", signed.1);
    assert_eq!(lines(2)[1], "- [ ] Known **[WAIVED until 2025-12-20: G]**");
    assert!(lines(2)[3].starts_with("- [x] QA (signed 2025-12-02 by Dana"), "{:#?}", lines(2));
    // The result below it is stale: the waiver covers that until it expires.
    assert_eq!(lines(9)[0], "- [ ] File **[STALE: verified 2025-12-01, valid for 7d]**");
    assert_eq!(lines(9)[2], "- [ ] After **[WAIVED until 2025-12-20: G]**");
    let why = "**[BLOCKED: needs file (verified 2025-12-01, valid for 7d)]**";
    assert!(lines(21)[1].starts_with("- [ ] Known **[FAILED: "), "{:#?}", lines(21));
    assert_eq!(lines(21)[2], format!("- [ ] After {why}"));
}

#[test]
fn a_sign_off_that_is_not_required_yet_is_not_asked_for_in_what_is_rendered() {
    let items = "[{ id: sre, title: SRE, deferred: LATER, needs: [sure], sign_off: { role: SRE, valid_for: 7d } },
        { id: sure, title: Sure, probes: [{ command: { argv: [\"true\"] } }] }]";
    let project = Project::new(&format!("title: T\nsections: [{{ title: S, items: {items} }}]\n"));
    assert_eq!(at(&project, 1, &["check", "staging"]).0, 0);
    let text = at(&project, 2, &["render", "staging"]).1;
    assert!(
        text.contains("**Verdict:** READY (1 of 2 passed, 1 deferred)") && line(&text) == "- [ ] SRE **[LATER]**",
        "{text}"
    );
}

#[test]
fn a_red_item_says_in_table_and_markdown_since_when() {
    let project = project("", "").file("there", "");
    at(&project, 1, &["check", "staging", "--subject", "1.0"]);
    std::fs::remove_file(project.path().join("there")).expect("it exists");
    at(&project, 2, &["check", "staging"]);
    let table = at(&project, 3, &["check", "staging", "--markdown"]).1;
    assert!(table.contains("  history: not green since 2025-12-02, last passed 2025-12-01 at 1.0\n"), "{table}");
    let markdown = project.read("R.md");
    assert!(line(&markdown).ends_with("(last verified 2025-12-01 at 1.0; red since 2025-12-02)"), "{markdown}");
}

#[test]
fn rendering_needs_a_recorded_run() {
    let project = project("", "");
    for verb in [["render", "staging"], ["history", "staging"], ["diff", "staging"]] {
        let (code, said) = at(&project, 1, &verb);
        assert_eq!(code, 2, "{said}");
        assert!(said.contains("recorded") && said.contains("gate check staging"), "{said}");
    }
    assert!(!project.path().join(".gate").exists());
    let (code, said) = at(&project, 1, &["show", "staging", "file"]);
    assert!(code == 0 && !said.contains('#'), "{said}");
    // A ledger with runs of other checklists only gives the same answer.
    let list = project.read("checklists/staging.yaml").replace("markdown: ", "markdown: other/");
    let project = project.file("checklists/other.yaml", &list);
    at(&project, 1, &["check", "other"]);
    assert_eq!(at(&project, 1, &["history", "staging"]), (0, "never run\n".to_owned()));
}

#[test]
fn history_counts_red_items_and_diff_shows_changed_ones() {
    let project = project("", "").file("there", "");
    at(&project, 1, &["check", "staging"]);
    std::fs::remove_file(project.path().join("there")).expect("it exists");
    at(&project, 2, &["check", "staging"]);
    let history = at(&project, 2, &["history", "staging"]).1;
    assert!(
        history.contains("\nfile  red 1 of 2  flaky 0  red since 2025-12-02 00:00  last passed 2025-12-01 00:00\n"),
        "{history}"
    );
    assert!(history.starts_with("2  2025-12-02 00:00  NOT READY  0 of 1"), "{history}");
    let json: serde_json::Value =
        serde_json::from_str(&at(&project, 2, &["history", "staging", "--format", "json"]).1).expect("it is JSON");
    assert_eq!((&json["items"][0]["red"], &json["runs"][1]["verdict"]), (&1.into(), &"ready".into()));
    assert!(at(&project, 2, &["history"]).1.starts_with("staging  2  2025-12-02"));

    let diff = at(&project, 2, &["diff", "staging"]).1;
    insta::assert_snapshot!(diff, @"
    run 1 (2025-12-01 00:00) → run 2 (2025-12-02 00:00)

    turned red
    file  passed → failed  exists: `there` does not exist
    ");
    assert!(at(&project, 2, &["diff", "staging", "2", "1"]).1.contains("\nturned green\nfile  failed → passed"));
    assert!(at(&project, 2, &["diff", "staging", "1", "1"]).1.ends_with("\nnothing changed\n"));
    let json: serde_json::Value =
        serde_json::from_str(&at(&project, 2, &["diff", "staging", "--format", "json"]).1).expect("it is JSON");
    assert_eq!((&json["turned_red"][0]["id"], &json["turned_green"]), (&"file".into(), &serde_json::json!([])));
    assert_eq!(at(&project, 2, &["diff", "staging", "7"]).0, 2);

    let shown = at(&project, 2, &["show", "staging", "file"]).1;
    assert!(shown.ends_with("# 2025-12-02 00:00: failed (run 2)\n# 2025-12-01 00:00: passed (run 1)\n"), "{shown}");
}

#[test]
fn a_section_lists_what_was_committed_since_the_last_green_run() {
    let project = Project::new(
        "
        title: T
        sections:
          - { title: S, items: [{ id: file, title: File, probes: [{ file: { path: there } }] }] }
          - { title: Changes, changes: { since: last-green, paths: [src] } }
        ",
    )
    .file("there", "")
    .file("src/a", "1");
    let git = |arguments: &[&str]| {
        let mut command = Command::new("git");
        command.arg("-C").arg(project.path()).args(["-c", "user.name=D", "-c", "user.email=d@example.org"]);
        assert!(command.args(arguments).status().expect("git is installed").success());
    };
    let markdown = |number| {
        at(&project, number, &["check", "staging"]);
        let text = at(&project, number, &["render", "staging"]).1;
        text.split("## Changes\n").nth(1).expect("the section is there").trim().to_owned()
    };
    assert!(markdown(1).starts_with("What has changed is not known: "), "no repository");
    git(&["init", "-q"]);
    git(&["add", "."]);
    git(&["commit", "-qm", "first"]);
    assert_eq!(markdown(2), "What has changed is not known: no green run is recorded yet");
    assert!(markdown(3).starts_with("No commit since the last green run ("));
    for (file, message) in [("src/a", "Mend *all* <b>of</b> it"), ("other", "Elsewhere")] {
        std::fs::write(project.path().join(file), message).expect("the folder is writable");
        git(&["add", "."]);
        git(&["commit", "-qm", message]);
    }
    let listed = markdown(4);
    let commits: Vec<&str> = listed.lines().filter(|line| line.starts_with("- ")).collect();
    assert_eq!(commits.len(), 1, "{listed}");
    assert!(commits[0].contains(" Mend \\*all\\* &lt;b&gt;of&lt;/b&gt; it ("), "{listed}");
}

#[test]
fn an_option_is_not_a_revision_and_a_sign_off_has_its_own_validity() {
    let project = Project::new(
        "
        title: T
        sections:
          - title: S
            items: [{ id: a, title: A, valid_for: 7d, manual: Read it, sign_off: { role: QA, valid_for: 7d } }]
          - { title: C, changes: { since: --output=x } }
        ",
    );
    let output = project.gate(&["validate"]);
    assert_eq!(output.code, 2);
    assert!(output.stderr.contains("invalid revision `--output=x`"), "{}", output.stderr);
    assert!(output.stderr.contains("`valid_for` of a sign-off belongs inside `sign_off`"), "{}", output.stderr);
}
