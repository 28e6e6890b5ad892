//! One run in which all written and observed text is hostile, in every format.

use super::verdict::verdicts;
use super::{FILES, check, hold_valid, text};
use crate::harness::Project;

/// Markup, commands and characters that could break some format.
const TEXT: &str = "\\e[31m \\x9b2J \\u202egnp ]]> </script><script>alert(1)</script> <img src=x onerror=alert(1)> | `a` \
                    %0A::error::x ##[add-mask]y # TODO # SKIP \\\" ' {{ x }} https://evil.example/ [a](b) & \\u2028 \\u0085 \\uFFFE";

/// The project: hostile titles, sections, hints and evidence. One text is a mebibyte long and not UTF-8.
pub fn project() -> Project {
    let list = format!(
        r#"
title: "T {TEXT}"
sections:
  - title: "::error::S {TEXT}"
    items:
      - id: seen
        title: "::error::{TEXT}"
        owner: "{TEXT}"
        probes:
          - command: {{ shell: "cat long", read_only: true, max_output: 4MiB }}
            as: seen
        evidence: "${{seen.stdout}}"
      - id: red
        title: "\n::warning::{TEXT}"
        hint: "\n::set-output name=x::y {TEXT}"
        probes:
          - command: {{ shell: "cat long; exit 1", read_only: true, max_output: 4MiB }}
            expect: {{ stdout: "{TEXT}" }}
      - id: excused
        title: "\r\n...\n---\n1..1\nok 1 {TEXT}"
        advisory: true
        probes:
          - command: {{ shell: "cat long >&2; exit 1", read_only: true }}
gaps:
  - {{ gap: "{TEXT}", items: [red], priority: P1, owner: "{TEXT}", notes: "{TEXT} | x" }}
"#
    );
    let mut long =
        b"\xff\xfe\x00\x1b[2J\x9b31m\n::error::first\n]]></script>\xe2\x80\xae##[error]\r::stop-commands::x\n".to_vec();
    long.extend("</td>|%0A\u{85}\u{1f4a9}".repeat(60_000).into_bytes());
    let project = Project::new("").file("checklists/staging.yaml", &list);
    std::fs::write(project.path().join("long"), long).expect("the directory is writable");
    project
}

#[test]
fn every_format_is_valid_and_safe_for_any_observation() {
    let project = project();
    let output = check(&project, &[]);
    assert_eq!(output.code, 1, "{}", output.stderr);
    hold_valid(&project);
    for (format, is_ready) in verdicts(&project) {
        assert!(!is_ready, "{format}");
    }
    for (format, _) in FILES {
        let text = text(&project, format);
        let odd = text.chars().find(|c| c.is_control() && *c != '\n' || ('\u{202a}'..='\u{202e}').contains(c));
        assert_eq!(odd, None, "{format}");
        assert!(!matches!(format, "html" | "junit") || !text.contains("<script>"), "{format}");
    }
    // Each line is one annotation by gate; no other line is a command.
    for line in text(&project, "github").lines() {
        assert!(line.starts_with("::error file=") || line.starts_with("::warning file="), "{line}");
    }
    // Neither the test points nor the plan can be forged.
    let tap = text(&project, "tap");
    let points = tap.lines().filter(|line| line.starts_with("ok ") || line.starts_with("not ok ")).count();
    assert_eq!((points, tap.lines().filter(|line| line.starts_with("1..")).count()), (3, 1), "{tap}");
    // The long text is cut everywhere but in the complete record.
    for format in ["junit", "html", "sarif", "tap", "github", "gitlab"] {
        assert!(text(&project, format).len() < 200_000, "{format}: {}", text(&project, format).len());
    }
}
