//! Next steps that commands print: where runs are recorded, who signed already, which variables to set.

use std::fs;
use std::process::Command;

use crate::harness::Project;

fn git(project: &Project, arguments: &[&str]) {
    let done = Command::new("git").arg("-C").arg(project.path()).args(arguments).status();
    assert!(done.expect("git is installed").success());
}

const LIST: &str = "
    title: T
    sections:
      - title: S
        items:
          - { id: a, title: A, probes: [{ file: { path: here } }] }
          - { id: qa, title: QA, needs: [a], sign_off: { role: QA lead, valid_for: 7d } }
";

#[test]
fn runs_from_before_there_was_a_remote_are_found() {
    let project = Project::new(LIST).file("here", "");
    let valid = project.gate(&["validate", "staging"]).stdout;
    assert_eq!(valid, "checklists/staging.yaml: valid, 2 items; runs are recorded under this folder\n");
    project.gate(&["check", "staging"]);
    git(&project, &["init", "-q"]);
    git(&project, &["remote", "add", "origin", "git@github.com:acme/shop.git"]);
    let valid = project.gate(&["validate", "staging"]).stdout;
    assert_eq!(valid, "checklists/staging.yaml: valid, 2 items; runs are recorded as github.com/acme/shop staging\n");
    let folder = project.path().file_name().map(|name| name.to_string_lossy().into_owned()).expect("it has a name");
    let history = project.gate(&["history", "staging"]).stdout;
    assert!(history.starts_with("never run as github.com/acme/shop staging\n1 run is recorded"), "{history}");
    assert!(history.contains(&format!("write `project: {folder}`")), "{history}");
    let list = project.read("checklists/staging.yaml").replace("title: T\n", &format!("title: T\nproject: {folder}\n"));
    let project = project.file("checklists/staging.yaml", &list);
    assert!(project.gate(&["history", "staging"]).stdout.contains("1 of 2"));
}

#[test]
fn an_item_that_is_signed_already_says_so() {
    let project = Project::new(LIST).file("here", "");
    project.gate(&["check", "staging"]);
    let sign = || project.gate(&["sign", "staging", "qa", "--by", "Dana <dana@example.com>"]).stdout;
    let first = sign();
    assert!(first.contains("qa: signed ") && !first.contains("already"), "{first}");
    let again = sign();
    assert!(again.contains("qa: already signed ") && again.contains(" by Dana, valid until 20"), "{again}");
    assert!(again.contains("; signed again "), "{again}");
}

#[test]
fn init_names_every_variable_and_the_needs_that_are_comments() {
    let compose = "name: corner-shop\nservices:\n  api:\n    build: .\n    ports: [\"8000:8000\"]\n    \
        depends_on: [db, cache]\n  db:\n    image: postgres:16\n    ports: [\"5432:5432\"]\n    \
        environment: { POSTGRES_USER: shop, POSTGRES_PASSWORD: \"${DB_PASSWORD}\" }\n    profiles: [data]\n  \
        cache:\n    image: redis:7\n    ports: [\"6379:6379\"]\n";
    let project = Project::new("title: none\n").file("compose.yaml", compose);
    fs::remove_dir_all(project.path().join("checklists")).expect("it has just been made");
    let project = project.file(".env.example", "DB_PASSWORD=\nSTRIPE_KEY=\n");
    let said = project.gate(&["init"]).stdout;
    assert!(said.contains("DB_PASSWORD") && said.contains("STRIPE_KEY"), "{said}");
    let yaml = project.read("checklists/staging.yaml");
    assert!(yaml.contains("title: \"corner-shop: staging readiness\""), "{yaml}");
    assert!(yaml.contains("needs: [cache] # and db, once it is an item"), "{yaml}");
    assert_eq!(project.gate(&["validate", "staging"]).code, 0);
}

#[test]
fn import_names_the_variables_and_the_next_command() {
    let project = Project::new(LIST).file("LIST.md", "# L\n\n- [ ] `curl /healthz` returns 200\n");
    let said = project.gate(&["import", "LIST.md", "-o", "checklists/shop.yaml"]).stdout;
    assert_eq!(
        said,
        "checklists/shop.yaml: written\nenvironment variables to set: STAGING_URL\nnext: read the file, then run `gate check shop`\n"
    );
    let said = project.gate(&["import", "LIST.md", "-o", "elsewhere.yaml"]).stdout;
    assert!(said.ends_with("run `gate check elsewhere.yaml`\n"), "{said}");
}

#[test]
fn a_run_that_is_not_a_number_is_named_in_plain_words() {
    let said = Project::new(LIST).gate(&["diff", "staging", "a", "b"]).stderr;
    assert!(said.contains("expected a whole number from 1 up") && !said.contains("digit"), "{said}");
}
