//! `gitlab`: a Code Quality report, which GitLab shows in merge requests.

use std::io::{self, Write};

use serde::Serialize;

use crate::run::{ItemResult, Run, Status};
use crate::text::json;

use super::RenderOptions;
use super::finding::{Effect, cut_short, fingerprint, is_cut_short, name, place, reason, short};

/// One entry of the report: <https://docs.gitlab.com/ci/testing/code_quality/#code-quality-report-format>.
#[derive(Serialize)]
struct Issue {
    description: String,
    check_name: String,
    fingerprint: String,
    severity: &'static str,
    location: Location,
}

#[derive(Serialize)]
struct Location {
    path: String,
    lines: Lines,
}

#[derive(Serialize)]
struct Lines {
    begin: usize,
}

/// Every item that is not green. Only waived and advisory ones have the severity `info`.
pub fn render(run: &Run, options: &RenderOptions, out: &mut dyn Write) -> io::Result<()> {
    let mut issues: Vec<Issue> = run.items().filter_map(|item| issue(run, item, options)).collect();
    if is_cut_short(run) {
        issues.push(Issue {
            description: cut_short(run),
            check_name: "interrupted".to_owned(),
            fingerprint: fingerprint(run, "\0interrupted"),
            severity: "major",
            location: Location { path: short(&options.workspace.relative(&run.file)), lines: Lines { begin: 1 } },
        });
    }
    json::write_pretty(&issues, &mut *out)?;
    writeln!(out)
}

fn issue(run: &Run, item: &ItemResult, options: &RenderOptions) -> Option<Issue> {
    let severity = match (Effect::of(item), item.status) {
        (Effect::Passes | Effect::Skipped, _) => return None,
        (Effect::Excused, _) => "info",
        (Effect::Fails, Status::Failed) => "critical",
        (Effect::Fails, Status::Error) => "major",
        (Effect::Fails, _) => "minor",
    };
    let place = place(run, item);
    Some(Issue {
        description: format!("{} ({}: {})", name(item), item.status.word(), reason(run, item)),
        check_name: short(&item.id),
        fingerprint: fingerprint(run, &item.id),
        severity,
        location: Location {
            path: short(&options.workspace.relative(&place.file)),
            lines: Lines { begin: place.line.max(1) },
        },
    })
}
