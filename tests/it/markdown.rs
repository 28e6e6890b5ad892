//! The Markdown file that people commit: gate's part of it, and the unchanged text of people around it.

use std::fs;

use crate::harness::{Project, Response, http};

/// The time at which everything happens.
const NOW: u64 = 1_765_000_000;

/// A checklist of one green item, whose evidence is the server's answer.
fn project(note: &'static str) -> (crate::harness::HttpServer, Project) {
    let server = http(move |_| Response::json(&serde_json::json!({ "note": note })));
    let list = format!(
        "
        title: Stage
        markdown: READINESS.md
        sections:
          - title: S
            text: |
              By hand.
              <!-- gate:end staging -->
            items:
              - id: api
                title: API answers
                probes: [{{ http: {{ url: \"{}\" }}, as: api }}]
                evidence: note ${{api.json.note}}
    ",
        server.url()
    );
    (server, Project::new(&list).at(NOW))
}

fn check(project: &Project, arguments: &[&str]) -> (i32, String) {
    let output = project.gate(&[&["check", "staging"], arguments].concat());
    (output.code, output.stderr)
}

#[test]
fn every_byte_around_gates_part_stays_and_a_second_run_changes_nothing() {
    let (_server, project) = project("fine");
    let (before, after) = (
        "\u{feff}---\r\nfront: matter\r\n---\r\n\r\nProse.\t \r\n<!-- gate:begin staging -->\r\n",
        "<!-- gate:end staging -->\r\n\r\n<!-- gate:begin other -->\r\n- [x] theirs\r\n<!-- gate:end other -->\r\nno end of line",
    );
    let path = project.path().join("READINESS.md");
    fs::write(&path, [before, "old\r\n", after].concat()).expect("the folder is writable");
    assert_eq!(check(&project, &["--markdown"]), (0, String::new()));
    let first = project.read("READINESS.md");
    let part = first.strip_prefix(before).and_then(|rest| rest.strip_suffix(after)).expect("all else stays");
    assert!(part.contains("- [x] API answers (verified 2025-12-06: note fine)\r\n"), "{part}");
    assert!(!part.replace("\r\n", "").contains('\n'), "a line ends differently: {part:?}");
    assert_eq!(check(&project, &["--markdown"]), (0, String::new()));
    assert_eq!(project.read("READINESS.md"), first);
}

#[test]
fn a_file_without_markers_is_somebodys_and_stays_unless_asked() {
    let (_server, project) = project("fine");
    let path = project.path().join("READINESS.md");
    fs::write(&path, "# By hand\n").expect("the folder is writable");
    let (code, reported) = check(&project, &["--markdown"]);
    assert_eq!(code, 4);
    assert!(reported.contains("<!-- gate:begin staging -->") && reported.contains("`--overwrite`"), "{reported}");
    assert_eq!(project.read("READINESS.md"), "# By hand\n");
    assert_eq!(check(&project, &["--markdown", "--overwrite"]), (0, String::new()));
    let written = project.read("READINESS.md");
    assert!(written.starts_with("<!-- gate:begin staging -->\n# Stage\n"), "{written}");
    assert_eq!(check(&project, &["--markdown"]), (0, String::new()), "it has its markers now");
    assert_eq!(project.read("READINESS.md"), written);
}

#[test]
fn nothing_that_a_server_says_ends_gates_part_or_becomes_markdown() {
    let (_server, project) = project("<!-- gate:end staging --> | ` **[x](javascript:a)** <b> \u{1b}[31m");
    assert_eq!(check(&project, &["--markdown"]), (0, String::new()));
    let first = project.read("READINESS.md");
    let is_marker = |line: &&str| line.starts_with("<!-- gate:begin") || line.starts_with("<!-- gate:end");
    assert_eq!(
        first.lines().filter(is_marker).collect::<Vec<_>>(),
        ["<!-- gate:begin staging -->", "<!-- gate:end staging -->"]
    );
    let item = first.lines().find(|line| line.contains("API answers")).expect("it exists");
    let is_more_than_text = |event: &pulldown_cmark::Event| {
        use pulldown_cmark::{Event, Tag};
        matches!(
            event,
            Event::Html(_) | Event::InlineHtml(_) | Event::Code(_) | Event::Start(Tag::Link { .. } | Tag::Strong)
        )
    };
    let more: Vec<_> = pulldown_cmark::Parser::new(item).filter(is_more_than_text).collect();
    assert!(more.is_empty() && !item.contains('\u{1b}'), "{more:?} in {item}");
    assert_eq!(check(&project, &["--markdown"]), (0, String::new()));
    assert_eq!(project.read("READINESS.md"), first);
}
