//! Reads the verdict from each format, as its users would.

use roxmltree::Document;

use super::{json, prove, text};
use crate::harness::Project;

/// The formats that contain a verdict, and whether it is "ready".
pub fn verdicts(project: &Project) -> Vec<(&'static str, bool)> {
    let junit = text(project, "junit");
    let junit = Document::parse(&junit).expect("it is XML");
    let has = |name: &str| junit.descendants().any(|node| node.has_tag_name(name));
    let gitlab = json(project, "gitlab");
    let gitlab = gitlab.as_array().expect("it is a list").clone();
    let sarif = json(project, "sarif");
    let sarif = sarif["runs"][0]["results"].as_array().expect("it is a list").clone();
    let events = text(project, "ndjson");
    let done: serde_json::Value =
        serde_json::from_str(events.lines().last().expect("the run has ended")).expect("it is JSON");
    vec![
        ("github", !text(project, "github").lines().any(|line| line.starts_with("::error "))),
        ("gitlab", gitlab.iter().all(|issue| issue["severity"] == "info")),
        ("html", text(project, "html").contains("<strong>READY</strong>")),
        ("intoto", json(project, "intoto")["predicate"]["result"] != "FAILED"),
        ("json", json(project, "json")["verdict"] == "ready"),
        ("junit", !has("failure") && !has("error")),
        ("markdown", text(project, "markdown").contains("**Verdict:** READY")),
        ("ndjson", done["verdict"] == "ready"),
        ("prometheus", text(project, "prometheus").contains("gate_ready{checklist=\"staging\"} 1\n")),
        ("sarif", sarif.iter().all(|result| result["level"] != "error")),
        ("table", text(project, "table").lines().any(|line| line.starts_with("READY:"))),
        ("tap", prove(project).code == 0),
    ]
}
