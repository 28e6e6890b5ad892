//! `junit`: JUnit XML for CI. A suite is a section, a case an item.

use std::io::{self, Write};
use std::time::Duration;

use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};

use crate::run::{ItemResult, Run, Section, Status};

use super::RenderOptions;
use super::finding::{Effect, cut_short, facts, is_cut_short, name, place, reason, short};

/// The run as JUnit XML. Counting only failures and errors gives gate's verdict.
pub fn render(run: &Run, options: &RenderOptions, out: &mut dyn Write) -> io::Result<()> {
    let mut report = Report::new(short(&run.title));
    report.set_time(Duration::from_millis(run.duration_ms));
    for section in run.sections.iter().filter(|section| !section.items.is_empty()) {
        report.add_test_suite(suite(run, section, options));
    }
    if is_cut_short(run) {
        let mut status = TestCaseStatus::non_success(NonSuccessKind::Error);
        status.set_type("interrupted").set_message(cut_short(run));
        let mut suite = TestSuite::new("gate");
        suite.add_test_case(TestCase::new("the run was completed", status));
        report.add_test_suite(suite);
    }
    report.serialize(out).map_err(io::Error::other)
}

fn suite(run: &Run, section: &Section, options: &RenderOptions) -> TestSuite {
    let title = short(&section.title);
    let mut suite = TestSuite::new(title.clone());
    suite.set_time(Duration::from_millis(section.items.iter().map(|item| item.duration_ms).sum()));
    // ISO 8601 without a zone, as Ant's schema has it; in UTC.
    suite.extra.insert("timestamp".into(), run.started.strftime("%Y-%m-%dT%H:%M:%S").to_string().into());
    let class = format!("{}.{}", short(&run.name), section.id.as_deref().map_or(title, short));
    for item in &section.items {
        let mut case = TestCase::new(name(item), status(run, item));
        case.set_classname(class.as_str()).set_time(Duration::from_millis(item.duration_ms));
        let place = place(run, item);
        case.extra.insert("file".into(), short(&options.workspace.relative(&place.file)).into());
        case.extra.insert("line".into(), place.line.to_string().into());
        if item.status == Status::Passed {
            case.set_system_out(reason(run, item));
        }
        suite.add_test_case(case);
    }
    suite
}

fn status(run: &Run, item: &ItemResult) -> TestCaseStatus {
    let kind = match (Effect::of(item), item.status) {
        (Effect::Passes, _) => return TestCaseStatus::success(),
        (Effect::Skipped | Effect::Excused, _) => {
            let mut status = TestCaseStatus::skipped();
            status.set_type(item.status.word()).set_message(reason(run, item));
            return status;
        }
        (Effect::Fails, Status::Error | Status::Blocked) => NonSuccessKind::Error,
        (Effect::Fails, _) => NonSuccessKind::Failure,
    };
    let lines: Vec<String> = facts(item).into_iter().map(|fact| format!("{}: {}", fact.label, fact.text)).collect();
    let mut status = TestCaseStatus::non_success(kind);
    status.set_type(item.status.word()).set_message(reason(run, item)).set_description(lines.join("\n"));
    status
}
