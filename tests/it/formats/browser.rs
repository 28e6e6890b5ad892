//! The page in a real browser: it loads nothing, and no text of a probe is executed.

use std::path::Path;
use std::process::Command;

use super::hostile;
use super::{check, file};
use crate::harness::{Output, Response, directory, http, program};

/// The document in headless Chromium after a second, with scripts enabled.
fn document(page: &Path) -> Output {
    let mut command = Command::new(program("chromium"));
    command.args(["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]);
    command.arg(format!("--user-data-dir={}", directory("browser").display()));
    command.args(["--virtual-time-budget=1000", "--enable-logging=stderr", "--v=0", "--dump-dom"]);
    Output::of(command.arg(format!("file://{}", page.display())).output().expect("it is installed"))
}

#[test]
fn a_page_loads_nothing_and_runs_nothing() {
    let server = http(|_| Response::json(&serde_json::json!({})));
    let project = hostile::project();
    check(&project, &[]);
    let page = project.path().join(file("html"));
    let own = document(&page);
    assert!(own.stdout.contains("<strong>NOT READY</strong>"), "{}{}", own.stdout, own.stderr);
    assert!(!own.stdout.contains("<script") && !own.stdout.contains("<img"), "{}", own.stdout);
    assert!(!own.stderr.contains("Refused to"), "the policy refuses a part of the page itself: {}", own.stderr);

    // Even if text of a probe became markup, the policy prevents scripts and requests.
    let markup = format!(
        "<script>document.title = 'run'</script><img src=\"{0}\" onerror=\"document.title = 'run'\">\
         <link rel=\"stylesheet\" href=\"{0}\"><iframe src=\"{0}\"></iframe><style>@import '{0}';</style>",
        server.url()
    );
    let broken = std::fs::read_to_string(&page).expect("it exists").replace("<main>", &format!("<main>{markup}"));
    std::fs::write(&page, broken).expect("the directory is writable");
    let held = document(&page);
    assert!(held.stdout.contains("<main><script>"), "the markup is not in the page: {}", held.stdout);
    assert!(!held.stdout.contains("<title>run"), "{}", held.stdout);
    assert_eq!(server.requests().len(), 0);
}
