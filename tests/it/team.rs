//! A team's release: CI checks staging, QA signs the result, the pull request is rendered, and production is checked with
//! other values. No result of one environment counts in the other.

use std::fs;

use crate::harness::{HttpServer, Output, Project, Response, dedent, http};
use crate::hostile_repository::git;
use crate::sign_key::key;

const BASE: &str = r#"
    title: Shop
    subject: ${env.RELEASE}
    allowed_signers: { QA lead: team/qa.signers, SRE: team/sre.signers }
    secrets: { TOKEN: }
    sections:
      - title: Smoke tests
        id: smoke
        items:
          - id: version
            title: The release is deployed
            probes: [{ http: { url: "${vars.api}/version", token: "${secrets.TOKEN}" }, expect: { json.commit: "${env.RELEASE}" } }]
          - id: logs
            title: Logs arrive
            probes: [{ http: { url: "${vars.api}/logs" } }]
      - title: Sign-off
        items:
          - { id: qa, title: QA confirms the smoke tests, needs: [smoke], sign_off: { role: QA lead, valid_for: 7d, signed: true } }
          - { id: sre, title: SRE confirms the deployment, needs: [version], sign_off: { role: SRE, valid_for: 7d, signed: true } }
"#;

const STAGING: &str = "
    extends: _shop.yaml
    title: Staging readiness
    markdown: docs/STAGING.md
    vars: { api: \"${env.STAGING_URL}\" }
    items: { logs: { deferred: PROD SETUP } }
";

const PRODUCTION: &str = "
    extends: _shop.yaml
    title: Production readiness
    markdown: docs/PRODUCTION.md
    vars: { api: \"${env.PRODUCTION_URL}\" }
";

const DANA: &str = "Dana <dana@example.com>";
const KIM: &str = "Kim <kim@example.com>";

fn service() -> HttpServer {
    http(|request| match request.path.as_str() {
        "/version" if request.header("authorization").is_some() => {
            Response::json(&serde_json::json!({"commit": "0f1d7aa"}))
        }
        "/logs" => Response::ok("here"),
        _ => Response::empty(404),
    })
}

/// The repository of the team: QA and SRE each have the keys of their own role.
fn repository() -> Project {
    let project = Project::new(STAGING)
        .file("checklists/_shop.yaml", &dedent(BASE))
        .file("checklists/production.yaml", &dedent(PRODUCTION))
        .file(".gitignore", ".gate\nrun.json\ndana*\nkim*\n")
        .file("docs/README.md", "# Releases\n");
    let (dana, kim) = (key(&project, "dana"), key(&project, "kim"));
    let project = project
        .file("team/qa.signers", &format!("dana@example.com namespaces=\"gate-signoff\" {dana}\n"))
        .file("team/sre.signers", &format!("kim@example.com namespaces=\"gate-signoff\" {kim}\n"));
    for arguments in [&["init", "--quiet", "-b", "main"][..], &["add", "."], &["commit", "--quiet", "--message=First"]]
    {
        git(&project, arguments);
    }
    project
}

/// A job of CI: it has the addresses and the secret.
fn ci(project: &Project, server: &HttpServer, arguments: &[&str]) -> Output {
    let command = project.command(arguments).env("RELEASE", "0f1d7aa").env("TOKEN", "a-token-of-some-length");
    command.env("STAGING_URL", server.url()).env("PRODUCTION_URL", format!("{}/.", server.url())).run()
}

fn commit(project: &Project, message: &str) {
    git(project, &["add", "."]);
    git(project, &["commit", "--quiet", &format!("--message={message}")]);
}

#[test]
fn a_release_goes_from_ci_over_qa_to_production() {
    let (project, server) = (repository(), service());
    // CI checks staging, and keeps the report as an artifact.
    let checked = ci(&project, &server, &["check", "staging", "--no-record", "--report", "json=run.json"]);
    assert_eq!(checked.code, 1, "{}{}", checked.stdout, checked.stderr);
    assert!(checked.stdout.contains("waits for qa (QA lead), sre (SRE)"), "{}", checked.stdout);

    // QA and SRE sign it on their own machines, without variables, secrets or a ledger.
    git(&project, &["checkout", "--quiet", "-b", "sign-off"]);
    let sign = |role: &str, by: &str, key: &str| {
        project.gate(&[
            "sign",
            "staging",
            "--role",
            role,
            "--run",
            "run.json",
            "--by",
            by,
            "--key",
            key,
            "--subject",
            "0f1d7aa",
        ])
    };
    let foreign = sign("QA lead", KIM, "kim");
    assert_eq!(foreign.code, 1, "{}", foreign.stdout);
    assert!(foreign.stderr.contains("would not count"), "{}", foreign.stderr);
    for (role, by, key) in [("QA lead", DANA, "dana"), ("SRE", KIM, "kim")] {
        let signed = sign(role, by, key);
        assert_eq!((signed.code, signed.stderr.as_str()), (0, ""), "{}", signed.stdout);
        assert!(signed.stdout.contains("deferred: logs") == (role == "QA lead"), "{}", signed.stdout);
    }
    commit(&project, "Sign off 0f1d7aa");

    // The pull request: no sign-off is missing or changed, and its Markdown shows who signed.
    assert_eq!(project.command(&["verify", "staging", "--since", "main"]).env("RELEASE", "0f1d7aa").run().code, 0);
    assert_eq!(ci(&project, &server, &["check", "staging"]).code, 0);
    let checked = ci(&project, &server, &["check", "staging", "--markdown"]);
    assert_eq!(checked.code, 0, "{}{}", checked.stdout, checked.stderr);
    let markdown = project.read("docs/STAGING.md").replace("<!-- -->", "");
    let today = jiff::Timestamp::now().to_string()[..10].to_owned();
    assert!(
        markdown.contains(&format!(
            "- [x] QA confirms the smoke tests (signed {today} by dana@example.com (Dana) for 0f1d7aa"
        )),
        "{markdown}"
    );
    let row = format!("| qa | QA lead | dana@example.com (Dana) | {today} | 0f1d7aa | 2 items | ");
    assert!(markdown.contains(&row) && markdown.contains("| sre | SRE | kim@example.com (Kim) |"), "{markdown}");
    let rendered = ci(&project, &server, &["render", "staging", "--check"]);
    assert_eq!(rendered.code, 0, "{}{}", rendered.stdout, rendered.stderr);
    commit(&project, "Render the checklist");

    // Production has other values, and needs its own sign-offs.
    let checked = ci(&project, &server, &["check", "production", "--markdown"]);
    assert_eq!(checked.code, 1, "{}{}", checked.stdout, checked.stderr);
    let markdown = project.read("docs/PRODUCTION.md");
    assert!(markdown.contains("- [ ] QA confirms the smoke tests **[NEEDS SIGN-OFF]**"), "{markdown}");
    assert!(markdown.contains("- [x] Logs arrive (verified ") && !markdown.contains("## Sign-offs"), "{markdown}");
    assert!(!project.path().join("checklists/production.signoffs").exists());
}

#[test]
fn nothing_of_staging_counts_in_production() {
    let (project, server) = (repository(), service());
    assert_eq!(ci(&project, &server, &["check", "staging", "--report", "json=run.json"]).code, 1);
    let sign = |name: &str, more: &[&str]| {
        let arguments = [&["sign", name, "qa", "--by", DANA, "--key", "dana", "--subject", "0f1d7aa"], more].concat();
        project.gate(&arguments)
    };
    // No run of production exists, and a run of staging is not one.
    let signed = sign("production", &[]);
    assert!(signed.stderr.contains("no full run of `production` to sign"), "{}", signed.stderr);
    let signed = sign("production", &["--run", "run.json"]);
    assert!(signed.stderr.contains("the run is of `staging` (Staging readiness)"), "{}", signed.stderr);
    assert_eq!(sign("staging", &[]).code, 0);
    // A copied entry is refused.
    let staging = project.path().join("checklists/staging.signoffs");
    let production = project.path().join("checklists/production.signoffs");
    fs::create_dir(&production).expect("the project's folder is writable");
    for entry in fs::read_dir(&staging).expect("there is an entry").flatten() {
        fs::copy(entry.path(), production.join(entry.file_name())).expect("the project's folder is writable");
    }
    let checked = ci(&project, &server, &["check", "production", "--format", "markdown"]);
    assert!(checked.stdout.contains("it was made for the checklist \\`staging\\`"), "{}", checked.stdout);
    fs::remove_dir_all(&production).expect("the project's folder is writable");
    // Each has its own history.
    assert_eq!(ci(&project, &server, &["check", "production"]).code, 1);
    let history = |name: &str| project.gate(&["history", name, "--format", "json"]).stdout;
    let runs = |name: &str| {
        let json: serde_json::Value = serde_json::from_str(&history(name)).expect("it is JSON");
        json["runs"].as_array().map_or(0, Vec::len)
    };
    assert_eq!((runs("staging"), runs("production")), (1, 2));
    assert!(!project.gate(&["diff", "production"]).stdout.contains("staging"));
    // An item that passed in staging has not passed in production.
    let broken = project.command(&["check", "production", "--format", "markdown"]).env("RELEASE", "0f1d7aa").run();
    assert!(!broken.stdout.contains("last verified") || broken.stdout.contains("PRODUCTION_URL"), "{}", broken.stdout);
}

#[test]
fn each_role_has_its_own_signers() {
    let project = repository();
    let reported = |old: &str, new: &str| {
        let text = dedent(BASE);
        assert!(text.contains(old), "{old}");
        fs::write(project.path().join("checklists/_shop.yaml"), text.replace(old, new))
            .expect("the project's folder is writable");
        project.gate(&["validate", "staging"]).stderr
    };
    assert_eq!(reported("title", "title"), "");
    let text = reported("QA lead: team", "QA led: team");
    assert!(text.contains("no sign-off has the role `QA led`") && text.contains("did you mean `QA lead`?"), "{text}");
    assert!(text.contains("nobody may sign as `QA lead`: it has no file in `allowed_signers`"), "{text}");
    let text = reported("team/qa.signers", "../../qa.signers");
    assert!(text.contains("cannot read `../../qa.signers`: it leads out of the repository"), "{text}");
    let text = reported("{ QA lead: team/qa.signers, SRE: team/sre.signers }", "[team/qa.signers]");
    assert!(text.contains("`allowed_signers` must be a file, or a map from roles to files, not a list"), "{text}");
}
