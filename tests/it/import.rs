//! A handwritten Markdown checklist is converted with its sections and items intact.

use std::fs;

use crate::harness::Project;

const M9: &str = include_str!("import/m9.md");

/// A project with only this Markdown file.
fn project(markdown: &str) -> Project {
    let project = Project::new("title: none\n").file("LIST.md", markdown);
    fs::remove_file(project.path().join("checklists/staging.yaml")).expect("it has just been made");
    project
}

/// The headings and items of a Markdown list, in order, without boxes, tags, claims and a last part in brackets.
fn outline(markdown: &str) -> Vec<String> {
    let tags = regex::Regex::new(r"\s*\*\*\[.*\]\*\*|\s*\((?:verified|claimed)[^()]*\)").expect("it is well formed");
    let is_shown = |line: &&str| line.starts_with("## ") || line.starts_with("- [");
    let lines = markdown.lines().filter(is_shown);
    lines.map(|line| tags.replace_all(&line.replace("- [x]", "- [ ]"), "").trim().to_owned()).collect()
}

#[test]
fn the_m9_list_imported_and_rendered_has_its_sections_and_items_in_order() {
    let project = project(M9);
    let written = project.gate(&["import", "LIST.md", "--output", "checklists/staging.yaml"]);
    assert_eq!((written.code, written.stderr.as_str()), (0, ""));
    let valid = project.gate(&["validate"]);
    assert_eq!(
        (valid.code, valid.stdout.as_str()),
        (0, "checklists/staging.yaml: valid, 24 items; runs are recorded under this folder\n"),
        "{}",
        valid.stderr
    );
    let shown = project.gate(&["check", "staging", "--format", "markdown"]);
    assert_eq!(shown.code, 1, "{}", shown.stderr);
    assert_eq!(outline(&shown.stdout), outline(M9));
    let made = project.read("checklists/staging.yaml");
    assert!(made.contains("use: workflow-dispatch-only"), "{made}");
    assert!(!shown.stdout.contains("- [x]"), "a claim became a tick:\n{}", shown.stdout);
    for said in [
        "[PROD SETUP]",
        "[NEEDS RUN]",
        "[claimed, not verified: commit 0f1d7aa]",
        "Product owner approves demo checklist **[BLOCKED: needs code (",
    ] {
        assert!(shown.stdout.contains(said), "{said} is not in\n{}", shown.stdout);
    }
}

#[test]
fn the_regenerated_markdown_keeps_boxes_quotations_and_nesting() {
    let list = "# L\n\n## S\n\n- [ ] Roll out\n  - [ ] Build\n    - [ ] Sign\n- [ ] Restart\n\n> - [ ] Quoted\n\nNot:\n\n    - [ ] a box\n";
    let project = project(list);
    assert_eq!(project.gate(&["import", "LIST.md", "-o", "checklists/staging.yaml"]).code, 0);
    let shown = project.gate(&["check", "staging", "--format", "markdown"]);
    let boxes: Vec<&str> = shown.stdout.lines().filter(|line| line.trim_start().starts_with("- [")).collect();
    let titles: Vec<String> =
        boxes.iter().map(|line| line.split(" **").next().unwrap_or_default().to_owned()).collect();
    assert_eq!(
        titles,
        ["    - [ ] a box", "- [ ] Roll out", "  - [ ] Build", "    - [ ] Sign", "- [ ] Restart", "- [ ] Quoted"],
        "{}",
        shown.stdout
    );
}

#[test]
fn a_list_with_no_items_says_so() {
    let output = project("# Notes\n\nbread\n\n```\n- [ ] no\n```\n").gate(&["import", "LIST.md"]);
    insta::assert_snapshot!(output.stderr, @"
    error: no items found in `LIST.md`
      help: an item is a line such as `- [ ] API answers` or `- API answers`, outside code and comments
    ");
    assert_eq!((output.code, output.stdout.as_str()), (2, ""));
}

#[test]
fn the_folder_of_the_output_is_made() {
    let project = project("- bread\n- [ ] A\n\n## Later\n");
    let output = project.gate(&["import", "LIST.md", "--bullets", "-o", "new/lists/out.yaml"]);
    assert_eq!(output.code, 0);
    assert!(output.stderr.starts_with("note: LIST.md:4: ") && output.stderr.contains("Later"), "{}", output.stderr);
    assert_eq!(project.read("new/lists/out.yaml").matches("- id:").count(), 2);
}

#[test]
fn a_checklist_that_is_there_is_not_overwritten_unless_asked() {
    let project = project("- [ ] A\n").file("out.yaml", "mine");
    let refused = project.gate(&["import", "LIST.md", "--output", "out.yaml"]);
    assert_eq!(refused.code, 4);
    assert!(refused.stderr.contains("`--force` replaces it"), "{}", refused.stderr);
    assert_eq!(project.read("out.yaml"), "mine");
    assert_eq!(project.gate(&["import", "LIST.md", "--output", "out.yaml", "--force"]).code, 0);
    assert!(project.read("out.yaml").contains("title: \"LIST\""), "{}", project.read("out.yaml"));
}

#[test]
fn an_unknown_priority_is_kept_as_text_and_waives_nothing() {
    let list = "# L\n\n## S\n\n- [ ] `/healthz` returns 200\n\n## Known gaps\n\n| Gap | Priority | Accepted until |\n\
                |---|---|---|\n| Replay parity | High | 2099-01-01 |\n";
    let project = project(list);
    assert_eq!(project.gate(&["import", "LIST.md", "--output", "checklists/staging.yaml"]).code, 0);
    let yaml = project.read("checklists/staging.yaml");
    assert!(yaml.contains("priority: \"High\""), "{yaml}");
    let waives = yaml.lines().any(|line| line.trim_start().starts_with("accepted_until"));
    assert!(!waives, "{yaml}");
    assert_eq!(project.gate(&["validate"]).code, 0);
}

#[test]
fn a_proposal_for_redis_keeps_the_port_and_writes_only_if_the_line_says_so() {
    let list = "# L\n\n## S\n\n- [ ] Redis is up on port 18733\n- [ ] Redis accepts writes\n";
    let yaml = project(list).gate(&["import", "LIST.md"]).stdout;
    let probes: Vec<String> =
        yaml.split("# - redis:").skip(1).map(|probe| probe.replace(['#', '\n', ' '], "")).collect();
    assert_eq!(probes.len(), 2, "{yaml}");
    assert!(probes[0].starts_with("host:${env.REDIS_HOST}port:18733LIST.md"), "{yaml}");
    assert!(probes[1].starts_with("url:${secrets.REDIS_URL}write:trueexpect:writable:true"), "{yaml}");
}
