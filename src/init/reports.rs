//! Items for the reports of tests: JUnit, and summaries of k6.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use regex::Regex;
use serde_json::json;

use super::draft::{Draft, Part, Proposal, literal};
use super::repository::{Repository, file_name, folder_of};

/// Maximum number of files that are searched.
const FILES: usize = 400;
/// Maximum number of reports of each kind that become items.
const REPORTS: usize = 10;

/// Files that name the reports of tests.
static NAMING: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?:^|/)(?:\.github/workflows/[^/]+\.ya?ml|\.gitlab-ci\.yml|package\.json|Makefile|justfile|Justfile|pyproject\.toml|pytest\.ini|setup\.cfg|tox\.ini|noxfile\.py|(?:jest|vitest|playwright|karma)\.config\.[cm]?[jt]s|azure-pipelines\.yml|Jenkinsfile|[\w-]+\.sh)$")
        .expect("it is well formed")
});
static JUNIT: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r#"--junit-?xml[= ]["']?([\w./-]+\.xml)|["'= ]([\w./-]*junit[\w./-]*\.xml)\b"#)
        .expect("it is well formed")
});
static SUMMARY: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r#"--summary-export[= ]["']?([\w./-]+\.json)"#).expect("it is well formed"));
static K6: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r#"from\s+["']k6/http["']|require\(["']k6/http["']\)"#).expect("it is well formed"));
static SCRIPT: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?i)(?:k6|load|perf|stress|soak|smoke|spike)[^/]*(?:/.*)?\.[jt]s$").expect("it is well formed")
});
const ABSENT: &str = "the report is not here: let CI put it here before gate runs";

/// Adds an item for every report that some file names, and for every script of k6 without one.
pub fn propose(repository: &mut Repository, draft: &mut Draft) {
    let (mut junit, mut summaries) = (BTreeMap::new(), BTreeMap::new());
    for path in repository.paths(|path| NAMING.is_match(path)).into_iter().take(FILES) {
        let Some(text) = repository.text(&path) else { continue };
        // Commands of workflows begin in the folder of the repository, those of other files in their own.
        let folder = if path.starts_with(".github/") || path.ends_with(".sh") { "" } else { folder_of(&path) };
        let own = |name: &str| format!("{folder}{}", name.trim_start_matches("./"));
        let is_inside = |name: &str| !name.starts_with('/') && !name.contains("..");
        let found = JUNIT.captures_iter(&text).filter_map(|found| Some(found.get(1).or(found.get(2))?.as_str()));
        found
            .filter(|name| is_inside(name))
            .for_each(|name| _ = junit.entry(own(name)).or_insert_with(|| path.clone()));
        let found = SUMMARY.captures_iter(&text).map(|found| found.get(1).map_or("", |name| name.as_str()));
        found
            .filter(|name| is_inside(name))
            .for_each(|name| _ = summaries.entry(own(name)).or_insert_with(|| path.clone()));
    }
    for (report, from) in junit.into_iter().take(REPORTS) {
        let files = literal(&repository.setting(&report));
        let probe = json!({ "use": "e2e-report", "with": { "files": files } });
        let id = draft.id(&format!("tests {}", report.trim_end_matches(".xml")), Part::Tests);
        let item = Proposal::new(Part::Tests, id, format!("Tests passed ({report})"), from, vec![probe]);
        draft.push(if repository.holds(&report) { item } else { item.doubtful(ABSENT) });
    }
    let has_summaries = !summaries.is_empty();
    for (summary, from) in summaries.into_iter().take(REPORTS) {
        let own = literal(&repository.setting(&summary));
        let baseline = format!("{}baseline.json", folder_of(&summary));
        let probe = match repository.holds(&baseline) {
            true => {
                let baseline = literal(&repository.setting(&baseline));
                json!({ "use": "k6-baseline", "with": { "summary": own, "baseline": baseline } })
            }
            false => json!({ "k6": { "summary": own }, "expect": { "modified": { "newer_than": "7d" } } }),
        };
        let id = draft.id(&format!("load test {}", file_name(&summary).trim_end_matches(".json")), Part::Tests);
        let item =
            Proposal::new(Part::Tests, id, format!("The load test met its thresholds ({summary})"), from, vec![probe]);
        draft.push(if repository.holds(&summary) { item } else { item.doubtful(ABSENT) });
    }
    if has_summaries {
        return;
    }
    for script in repository.paths(|path| SCRIPT.is_match(path)).into_iter().take(FILES).collect::<Vec<_>>() {
        let is_k6 = repository.text(&script).is_some_and(|text| K6.is_match(&text));
        if !is_k6 {
            continue;
        }
        let summary = format!("{}summary.json", folder_of(&script));
        let probe = json!({ "k6": { "summary": literal(&repository.setting(&summary)) }, "expect": { "modified": { "newer_than": "7d" } } });
        let id = draft.id(&format!("load test {}", file_name(&script)), Part::Tests);
        let title = format!("The load test {script} met its thresholds");
        draft.push(
            Proposal::new(Part::Tests, id, title, &script, vec![probe])
                .held(format!("run it with `k6 run --summary-export {summary} {script}` first")),
        );
    }
}
