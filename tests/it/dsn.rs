//! Connections from parts: `host`, `user`, `password` and so on instead of a URL, and passwords in URLs that are
//! encoded by a filter. No password is shown.

use insta::assert_snapshot;

use crate::bad_checklist::bad_item;
use crate::harness::{Output, Project, postgres, redis};

/// A checklist of one item with this probe.
fn project(probe: &str) -> Project {
    Project::new(&format!(
        "title: T\nvars: {{ at: {{ host: db }} }}\nsecrets: {{ PASSWORD: , HOST: }}\nsections:\n  - title: S\n    items:\n      - id: it\n        title: It\n        probes: [{{ {probe} }}]\n"
    ))
}

const PASSWORD: &str = "p@ss/w:rd #1?%";

fn checked(probe: &str, password: &str) -> Output {
    let output =
        project(probe).env("PASSWORD", password).env("HOST", "127.0.0.1").gate(&["check", "staging", "--no-record"]);
    assert!(!output.stdout.contains(password) && !output.stderr.contains(password), "{}", output.stdout);
    output
}

#[test]
fn postgres_is_reached_by_its_parts_and_by_an_encoded_password() {
    let server = postgres();
    let role = format!("parts_{}", std::process::id());
    server.psql(&server.url(), &format!("CREATE ROLE {role} LOGIN PASSWORD '{PASSWORD}'"));
    let (host, port, database) = ("127.0.0.1", server.port(), "postgres");
    let parts = format!("host: \"{host}\", port: {port}, user: {role}, database: {database}");
    let output =
        checked(&format!("sql: {{ {parts}, password: \"${{secrets.PASSWORD}}\", query: SELECT 1 }}"), PASSWORD);
    assert_eq!(output.code, 0, "{}{}", output.stdout, output.stderr);
    let url = format!("postgresql://{role}:${{secrets.PASSWORD|urlencode}}@{host}:{port}/{database}");
    let output = checked(&format!("sql: {{ url: \"{url}\", query: SELECT 1 }}"), PASSWORD);
    assert_eq!(output.code, 0, "{}{}", output.stdout, output.stderr);
    let trimmed = url.replace("|urlencode", "|trim|urlencode");
    let output = checked(&format!("sql: {{ url: \"{trimmed}\", query: SELECT 1 }}"), &format!("{PASSWORD}\n"));
    assert_eq!(output.code, 0, "{}{}", output.stdout, output.stderr);
}

#[test]
fn redis_is_reached_by_its_parts() {
    let server = redis();
    let port =
        server.url().rsplit(':').next().map(|port| port.trim_end_matches('/').to_owned()).expect("it has a port");
    let host = "127.0.0.1";
    let output = checked(&format!("redis: {{ host: \"{host}\", port: {port}, database: 1 }}"), PASSWORD);
    assert_eq!(output.code, 0, "{}{}", output.stdout, output.stderr);
}

#[test]
fn a_password_among_the_parts_is_shown_in_no_form() {
    let port = crate::harness::free_port();
    for password in [PASSWORD, "with-dashes_and.dots~1"] {
        for probe in [
            format!("redis: {{ host: 127.0.0.1, port: {port}, user: gate, password: \"${{secrets.PASSWORD}}\" }}"),
            format!("sql: {{ host: 127.0.0.1, port: {port}, password: \"${{secrets.PASSWORD}}\", query: SELECT 1 }}"),
            format!("redis: {{ url: \"redis://:${{secrets.PASSWORD|urlencode}}@127.0.0.1:{port}\" }}"),
            format!("redis: {{ host: 127.0.0.1, port: {port}, password: \"{password}\" }}"),
        ] {
            let project = project(&probe).env("PASSWORD", password);
            for format in ["table", "json"] {
                let output = project.gate(&["check", "staging", "--no-record", "--format", format]);
                assert_eq!(output.code, 3, "{}{}", output.stdout, output.stderr);
                let text = output.stdout + &output.stderr;
                let encoded: String = url::form_urlencoded::byte_serialize(password.as_bytes()).collect();
                for secret in [password, &encoded.replace('+', "%20"), "%23", "%2Dd", "%2D"] {
                    assert!(!text.contains(secret), "{probe}: {text}");
                }
            }
        }
    }
}

#[test]
fn a_url_beside_its_parts_is_refused_also_where_it_is_a_secret() {
    assert_snapshot!(bad_item("probes: [{ sql: { url: \"${env.DATABASE_URL}\", host: db, query: SELECT 1 } }]"), @r#"
    error: `host` can't be combined with `url`
     --> checklists/staging.yaml:7:55
      |
    7 |         probes: [{ sql: { url: "${env.DATABASE_URL}", host: db, query: SELECT 1 } }]
      |                           --- given here              ^^^^
      |
      = help: remove one of them
    "#);
    for probe in ["alembic: { url: \"sqlite:///a.db\", password: x }", "redis: { url: \"redis://h\", tls: true }"] {
        assert!(bad_item(&format!("probes: [{{ {probe} }}]")).contains("can't be combined with `url`"), "{probe}");
    }
}

#[test]
fn a_missing_part_or_an_invalid_host_is_named() {
    let said = |probe: &str| bad_item(&format!("probes: [{{ {probe} }}]"));
    assert!(said("sql: { query: SELECT 1 }").contains("`url` or `host` is missing"));
    assert!(said("redis: {}").contains("`url` or `host` is missing"));
    assert!(said("sql: { user: u, query: SELECT 1 }").contains("`host` is missing"));
    assert!(said("sql: { host: \"db:5432\", query: SELECT 1 }").contains("`host` has a port: use `port`"));
    assert!(said("redis: { host: \"redis://h\" }").contains("`host` must be a name or an address"));
    let text = said("sql: { hots: db, query: SELECT 1 }");
    assert!(text.contains("did you mean `host`?") && text.matches("error: ").count() == 1, "{text}");
}

#[test]
fn parts_that_are_filled_later_are_accepted() {
    for probe in [
        "sql: { host: \"${secrets.HOST}\", password: \"${secrets.PASSWORD}\", query: SELECT 1 }",
        "redis: { host: \"${secrets.HOST}\" }",
        "alembic: { host: \"${vars.at.host}\", password: \"${secrets.PASSWORD}\", config: alembic.ini }",
    ] {
        let output = project(probe).gate(&["validate"]);
        assert_eq!((output.code, output.stderr.as_str()), (0, ""), "{probe}");
    }
}

#[test]
fn filters_are_known_at_load() {
    let text = bad_item("probes: [{ http: { url: \"http://a/${env.X|urlencod}\" } }]");
    assert!(
        text.contains("error: unknown filter\n --> checklists/staging.yaml:7:")
            && text.contains("`urlencode` and `trim`"),
        "{text}"
    );
    let shown = project("http: { url: \"http://a/${secrets.PASSWORD|trim|urlencode:-none}\" }")
        .gate(&["show", "staging", "it"]);
    assert!(shown.stdout.contains("http://a/${secrets.PASSWORD|trim|urlencode:-none}"), "{}", shown.stdout);
    let listed = bad_item("probes: [{ http: { url: \"${vars.x|trim}\" } }]");
    assert!(listed.contains("variable `x` is not defined"), "{listed}");
}
