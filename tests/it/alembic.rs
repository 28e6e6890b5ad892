//! Databases that are at head, behind, ahead or modified by hand; compared with alembic's own verdict.

use std::path::{Path, PathBuf};
use std::process::Command;

use gate::probe::Probe;
use gate::probe::alembic::{Alembic, AlembicSeen};
use insta::assert_snapshot;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::harness::{self, Project};
use crate::observe::{context, observe_in, probe};

/// How many random histories are tried. Each has eight databases.
const HISTORIES: &str = "12";

/// The result of alembic for one database of a random history.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Verdict {
    folder: String,
    database: PathBuf,
    rows: Vec<String>,
    heads: Vec<String>,
    /// The revisions that `alembic upgrade heads` applied, if it did not fail.
    applied: Option<Vec<String>>,
    said: String,
}

/// A project with these files of a history: name and content.
fn history(files: &[(&str, &str)]) -> Project {
    let project = Project::new("").file("alembic.ini", "[alembic]\nscript_location = db\n").file("db/env.py", "");
    files.iter().fold(project, |project, (name, text)| project.file(&format!("db/versions/{name}"), text))
}

/// A history with revision `a`, then `b`.
fn two() -> Project {
    history(&[
        ("001_a.py", "revision = 'a'\ndown_revision = None\n"),
        ("002_b.py", "revision: str = 'b'\ndown_revision: str = 'a'\n"),
    ])
}

fn observe(project: &Project, settings: Value) -> Result<AlembicSeen, String> {
    observe_in::<Alembic>(&context(project.path(), &[]), settings)
}

/// Evidence and advice, or the error and its help.
fn reported(project: &Project, settings: Value) -> String {
    match observe(project, settings.clone()) {
        Ok(seen) => {
            let probe: Alembic = probe(settings);
            let advice = probe.advice(&seen).map(|advice| format!("\n{advice}")).unwrap_or_default();
            format!("{}{advice}", probe.evidence(&seen))
        }
        Err(error) => error,
    }
}

#[test]
fn at_head_means_that_alembic_would_apply_nothing() {
    let project = Project::new("");
    let oracle = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/alembic/oracle.py");
    let output =
        Command::new(harness::python()).arg(oracle).arg(project.path().join("histories")).arg(HISTORIES).output();
    let output = output.expect("alembic's Python runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));

    let mut at_head = 0;
    for line in output.stdout.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
        let verdict: Verdict = serde_json::from_slice(line).expect("no history is refused");
        let dir = project.path().join("histories").join(&verdict.folder);
        let url = format!("sqlite:////{}", verdict.database.display().to_string().trim_start_matches('/'));
        let mut seen = observe_in::<Alembic>(&context(&dir, &[]), json!({ "url": url })).expect("it can be seen");
        assert_eq!((&seen.current, &seen.heads), (&verdict.rows, &verdict.heads), "{verdict:?}");
        assert_eq!(seen.at_head, verdict.applied.as_ref().is_some_and(Vec::is_empty), "{seen:?} {verdict:?}");
        if let Some(mut applied) = verdict.applied.clone() {
            applied.sort();
            let mut pending = seen.pending.take().expect("every id is known");
            pending.sort();
            assert_eq!(pending, applied, "{seen:?} {verdict:?}");
        }
        let is_some = |ids: Option<&Vec<String>>| ids.is_some_and(|ids| !ids.is_empty());
        assert_eq!(is_some(seen.unknown.as_ref()), verdict.said.contains("Can't locate"), "{seen:?} {verdict:?}");
        if verdict.said.contains("overlaps") {
            assert!(is_some(seen.overlapping.as_ref()), "{seen:?} {verdict:?}");
        }
        at_head += usize::from(seen.at_head);
    }
    assert!(at_head >= 10, "only {at_head} databases were at head: too few to be useful");
}

#[test]
fn alembic_is_run_if_files_compute_their_revision() {
    let project = two().file("db/versions/003_c.py", "revision = 'c'\ndown_revision = min('b', 'z')\n");
    let url = "sqlite:///state.db";
    let status = Command::new(harness::program("sqlite3"))
        .arg(project.path().join("state.db"))
        .arg("CREATE TABLE alembic_version (version_num TEXT); INSERT INTO alembic_version VALUES ('c')")
        .status();
    assert!(status.expect("sqlite3 is installed").success());
    assert_snapshot!(reported(&project, json!({ "url": url })), @r"
    cannot determine `down_revision` of `db/versions/003_c.py`: line 2 sets it to a value that is known only when the file runs
    help: write it as a literal, or use `heads: command`, which runs alembic
    ");
    let asked = json!({ "url": url, "heads": "command", "command": [harness::alembic()] });
    assert_snapshot!(reported(&project, asked), @"c, at head");
}

#[test]
fn every_state_of_a_version_table_is_distinguished() {
    let (project, postgres) = (two(), harness::postgres());
    let url = postgres.new_database();
    let reported = || reported(&project, json!({ "url": url }));
    assert_snapshot!(reported(), @r"
    no table `alembic_version`, 2 pending
    table `alembic_version` not found: is this the right database? If it is, run `alembic upgrade heads`: 2 pending: a, b
    ");
    postgres.psql(&url, "CREATE TABLE alembic_version (version_num varchar(32) PRIMARY KEY)");
    assert_snapshot!(reported(), @r"
    no revision applied, 2 pending
    run `alembic upgrade heads`: 2 pending: a, b
    ");
    postgres.psql(&url, "INSERT INTO alembic_version VALUES ('a')");
    assert_snapshot!(reported(), @r"
    a, 1 pending
    run `alembic upgrade heads`: 1 pending: b
    ");
    postgres.psql(&url, "UPDATE alembic_version SET version_num = 'b'");
    assert_snapshot!(reported(), @"b, at head");
    postgres.psql(&url, "UPDATE alembic_version SET version_num = 'c'");
    assert_snapshot!(reported(), @r"
    c, unknown to the revision files
    no revision file has c: the database is ahead of this checkout, or of another branch. Check out the commit that was deployed, or find out who migrated it
    ");
    postgres.psql(&url, "ALTER TABLE alembic_version RENAME COLUMN version_num TO other");
    assert!(reported().contains("has no column `version_num`"), "{}", reported());
}

#[test]
fn a_version_table_of_another_name_in_another_schema_is_read() {
    let (project, postgres) = (two(), harness::postgres());
    let url = postgres.new_database();
    postgres.psql(
        &url,
        "CREATE SCHEMA \"App\"; CREATE TABLE \"App\".versions (version_num text); INSERT INTO \"App\".versions VALUES ('b')",
    );
    let settings = json!({ "url": url, "version_table": "versions", "version_table_schema": "App" });
    assert_snapshot!(reported(&project, settings), @"b, at head");
    assert_snapshot!(reported(&project, json!({ "url": url, "version_table": "versions" })), @r"
    no table `versions`, 2 pending
    table `versions` not found here, but in the schema App: say so with `version_table_schema`
    ");
}

#[test]
fn a_table_that_may_not_be_read_is_not_taken_for_a_missing_one() {
    let (project, postgres) = (two(), harness::postgres());
    let url = postgres.new_database();
    postgres.psql(&url, "CREATE TABLE alembic_version (version_num text); CREATE ROLE stranger LOGIN PASSWORD 'p@ss'");
    let stranger = url.replace("postgres://gate:", "postgres://stranger:");
    let error = observe(&project, json!({ "url": stranger })).expect_err("it is not permitted");
    assert!(error.contains("permission denied for table alembic_version"), "{error}");
}

#[test]
fn a_version_table_is_read_through_pgbouncer() {
    let (project, postgres) = (two(), harness::postgres());
    let url = postgres.new_database();
    postgres.psql(&url, "CREATE TABLE alembic_version (version_num text); INSERT INTO alembic_version VALUES ('b')");
    let url = harness::pgbouncer().url_for(&url).replace("postgres://", "postgresql+asyncpg://");
    for _ in 0..3 {
        assert_eq!(reported(&project, json!({ "url": url })), "b, at head");
    }
}

#[test]
fn a_version_table_is_read_from_mariadb() {
    let (project, mariadb) = (two(), harness::mariadb());
    let url = mariadb.new_database();
    assert!(reported(&project, json!({ "url": url })).starts_with("no table `alembic_version`, 2 pending"));
    mariadb
        .sql(&url, "CREATE TABLE alembic_version (version_num varchar(32)); INSERT INTO alembic_version VALUES ('b')");
    assert_snapshot!(reported(&project, json!({ "url": url.replace("mysql:", "mysql+pymysql:") })), @"b, at head");
    let (_, name) = url.rsplit_once('/').expect("it names a database");
    let settings = json!({ "url": mariadb.url(), "version_table_schema": name });
    assert_snapshot!(reported(&project, settings), @"b, at head");
}

#[test]
fn the_configurations_own_database_is_used_where_no_other_is_named() {
    let postgres = harness::postgres();
    let url = postgres.new_database();
    postgres.psql(&url, "CREATE TABLE alembic_version (version_num text); INSERT INTO alembic_version VALUES ('b')");
    let ini = format!("[alembic]\nscript_location = db\nsqlalchemy.url = {}\n", url.replace('%', "%%"));
    assert_snapshot!(reported(&two().file("alembic.ini", &ini), json!({})), @"b, at head");

    let ini = "[alembic]\nscript_location = db\nsqlalchemy.url = driver://user:pass@localhost/dbname\n";
    assert_snapshot!(reported(&two().file("alembic.ini", ini), json!({})), @r"
    `alembic.ini`: `sqlalchemy.url` is only the example that `alembic init` leaves
    help: say where the database is with `url`, such as `url: ${secrets.DATABASE_URL}`
    ");
}

#[test]
fn a_database_of_django_is_recognised() {
    let project = two();
    crate::sql_value::sqlite(
        project.path(),
        "CREATE TABLE django_migrations (app, name); INSERT INTO django_migrations VALUES ('a', 'b')",
    );
    let said = reported(&project, json!({ "url": "sqlite:///app.db" }));
    assert!(said.contains("Django's `django_migrations`") && said.contains("manage.py migrate --check"), "{said}");
}

#[test]
fn the_ini_file_of_flask_migrate_lies_among_its_scripts() {
    let project = Project::new("")
        .file("migrations/alembic.ini", "[alembic]\n")
        .file("migrations/env.py", "")
        .file("migrations/versions/001_a.py", "revision = 'a'\ndown_revision = None\n");
    crate::sql_value::sqlite(
        project.path(),
        "CREATE TABLE alembic_version (version_num); INSERT INTO alembic_version VALUES ('a')",
    );
    let said = reported(&project, json!({ "url": "sqlite:///app.db", "config": "migrations/alembic.ini" }));
    assert_eq!(said, "a, at head");
}

#[test]
fn the_sections_of_several_databases_are_listed() {
    let ini = "[alembic]\nscript_location = db\ndatabases = one, two\n[one]\nsqlalchemy.url = sqlite:///1.db\n\
               [two]\nsqlalchemy.url = sqlite:///2.db\n";
    let project = two().file("alembic.ini", ini);
    let said = reported(&project, json!({}));
    assert!(said.contains("no `sqlalchemy.url` in this section, but in [one], [two]"), "{said}");
    let said = reported(&project, json!({ "name": "three" }));
    assert!(said.contains("section [three] not found; its sections: [alembic], [one], [two]"), "{said}");
}
