//! End to end: one checklist with every kind of probe against real servers, first green, and then with each of them broken
//! in turn.

use std::process::Command;

use serde_json::{Value, json};

use crate::harness::{
    HttpServer, Nginx, Project, Request, Response, free_port, http, mariadb, nginx, pgbouncer, pgbouncer_before,
    postgres, program, prometheus, redis_with, tls_redis,
};

const CHECKLIST: &str = "
    title: Stage
    subject: 1.4.0
    markdown: READINESS.md
    secrets: { DATABASE_URL: , POOLED_URL: , MARIADB_URL: , REDIS_URL: , GRAFANA_TOKEN: }
    defaults: { timeout: 10s }
    sections:
      - title: Everything
        items:
          - id: http
            title: The API is healthy
            probes: [{ http: { url: \"${env.API}/healthz\", control: { url: /no-such-page } } }]
          - id: tcp
            title: The API listens
            probes: [{ tcp: { address: \"${env.API_ADDRESS}\" } }]
          - id: alembic
            title: The database is at head
            probes: [{ alembic: { url: \"${secrets.DATABASE_URL}\", config: alembic.ini } }]
          - id: alembic-pooled
            title: And is so through the pooler
            timeout: ${env.POOLED_TIMEOUT:-10s}
            probes: [{ alembic: { url: \"${secrets.POOLED_URL}\", config: alembic.ini } }]
          - id: sql
            title: There is an account
            probes:
              - sql: { url: \"${secrets.DATABASE_URL}\", query: SELECT count(*) > 0 FROM accounts }
          - id: pooled
            title: There is one through the pooler
            timeout: ${env.POOLED_TIMEOUT:-10s}
            probes:
              - sql: { url: \"${secrets.POOLED_URL}\", query: SELECT count(*) AS count FROM accounts }
                expect: { \"rows[0].count\": { at_least: 1 } }
          - id: mariadb
            title: MariaDB answers
            probes: [{ sql: { url: \"${secrets.MARIADB_URL}\", query: SELECT 1 } }]
          - id: sqlite
            title: The cache file is whole
            probes:
              - sql: { url: \"sqlite://cache.db\", query: PRAGMA integrity_check }
                expect: { value: ok }
          - id: redis
            title: Redis takes writes
            probes:
              - redis: { url: \"${secrets.REDIS_URL}\", ca: \"${env.REDIS_CA}\", write: true }
                expect: { pong: true, writable: true }
          - id: prometheus
            title: Redis is connected
            probes:
              - prometheus: { url: \"${env.PROMETHEUS}\", query: \"${env.QUERY:-redis_connected}\" }
                expect: { values: { every: 1 } }
          - id: grafana
            title: The dashboards are there
            probes:
              - grafana: { url: \"${env.GRAFANA}\", token: \"${secrets.GRAFANA_TOKEN}\" }
                expect: { dashboards.titles: { contains: [AOS Traces, M4.5 Failure] } }
          - id: env
            title: The stage has a name
            probes: [{ env: { names: [STAGE_NAME] } }]
          - id: file
            title: The backup is fresh
            probes:
              - file: { path: \"${env.BACKUP:-backup.txt}\" }
                expect: { modified: { newer_than: 1d }, size: { above: 0 } }
          - id: command
            title: The migration tool is there
            probes: [{ command: { argv: [\"${env.TOOL:-true}\"], read_only: true } }]
";

/// A Grafana with two dashboards.
fn grafana(request: &Request) -> Response {
    if request.header("authorization") != Some("Bearer glsa_good-token") {
        return Response::json(&json!({ "messageId": "api-key.invalid", "message": "Invalid API key" })).status(401);
    }
    let dashboard = |uid: &str, title: &str| json!({ "uid": uid, "title": title, "type": "dash-db" });
    match request.path.as_str() {
        "/api/search" if request.parameter("page").is_none_or(|page| page == "1") => {
            Response::json(&json!([dashboard("a", "AOS Traces"), dashboard("b", "M4.5 Failure")]))
        }
        "/api/search" => Response::json(&json!([])),
        "/api/health" => Response::json(&json!({ "database": "ok", "version": "11.2.0" })),
        _ => Response::json(&json!({ "meta": { "provisioned": true }, "dashboard": {} })),
    }
}

/// A staging stack in which everything is healthy.
pub struct Stage {
    project: Project,
    database: String,
    _api: Nginx,
    _grafana: HttpServer,
}

impl Stage {
    fn new() -> Self {
        let api = nginx("location = /healthz { return 200 'fine'; }");
        let grafana = http(|request| grafana(&request));
        let database = postgres().new_database();
        let tables = "CREATE TABLE alembic_version (version_num text PRIMARY KEY);
            INSERT INTO alembic_version VALUES ('b'); CREATE TABLE accounts AS SELECT 1 AS id;";
        postgres().psql(&database, tables);
        let project = Project::new(CHECKLIST)
            .file("alembic.ini", "[alembic]\nscript_location = db\n")
            .file("db/versions/a.py", "revision = 'a'\ndown_revision = None\n")
            .file("db/versions/b.py", "revision = 'b'\ndown_revision = 'a'\n")
            .file("backup.txt", "data")
            .file("empty.txt", "")
            .env("API", api.url())
            .env("API_ADDRESS", format!("127.0.0.1:{}", api.port))
            .env("POOLED_URL", pgbouncer().url_for(&database))
            .env("MARIADB_URL", mariadb().url())
            .env("REDIS_URL", tls_redis().url())
            .env("REDIS_CA", tls_redis().ca().display().to_string())
            .env("PROMETHEUS", prometheus().url())
            .env("GRAFANA", grafana.url())
            .env("GRAFANA_TOKEN", "glsa_good-token")
            .env("STAGE_NAME", "blue")
            // The form of SQLAlchemy.
            .env("DATABASE_URL", database.replace("postgres://", "postgresql+asyncpg://"));
        let made = Command::new(program("sqlite3"))
            .args(["cache.db", "CREATE TABLE cache (key TEXT, value TEXT)"])
            .current_dir(project.path())
            .status();
        assert!(made.expect("it is installed").success());
        Self { project, database, _api: api, _grafana: grafana }
    }

    /// The same with another value of a variable.
    fn with(mut self, name: &str, value: impl AsRef<str>) -> Self {
        self.project = self.project.env(name, value);
        self
    }

    /// The exit code, and a line for each item that is not green. All other items passed.
    fn red(&self) -> String {
        let output = self.project.gate(&["check", "staging", "--format", "json"]);
        let run: Value =
            serde_json::from_str(&output.stdout).unwrap_or_else(|error| panic!("{error}: {}", output.stderr));
        let ports = regex::Regex::new(r"127\.0\.0\.1:\d+").expect("it is well formed");
        let mut red = format!("exit {}\n", output.code);
        for item in run["sections"][0]["items"].as_array().expect("a list") {
            let text = |key: &str| item[key].as_str().unwrap_or_default();
            if text("status") != "passed" {
                let help = item["probes"].as_array().into_iter().flatten().find_map(|probe| probe["help"].as_str());
                let help = help.map(|help| format!("\n  {help}")).unwrap_or_default();
                red.push_str(&format!("{}: {}, {}{help}\n", text("id"), text("status"), text("reason")));
            }
        }
        ports.replace_all(&red, "HOST").replace(&self.project.path().display().to_string(), "DIR")
    }
}

/// A URL of this scheme where nothing listens.
fn nowhere(scheme: &str) -> String {
    format!("{scheme}://gate:p%40ss@127.0.0.1:{}", free_port())
}

#[test]
fn a_healthy_stack_is_ready_and_no_report_shows_a_secret() {
    let stage = Stage::new();
    let output = stage.project.gate(&["check", "staging", "--report", "json=run.json", "--markdown"]);
    assert_eq!((output.code, output.stderr.as_str()), (0, ""), "{}", output.stdout);
    let time = regex::Regex::new(r"in \d+\.\d s").expect("it is well formed");
    let address = regex::Regex::new(r"127\.0\.0\.1:\d+").expect("it is well formed");
    insta::assert_snapshot!(address.replace_all(&time.replace(&output.stdout, "in TIME"), "HOST"), @"
    Stage · 1.4.0

    Everything
    ✓ passed  The API is healthy               200 OK (control: 404)
    ✓ passed  The API listens                  connected
    ✓ passed  The database is at head          b, at head
    ✓ passed  And is so through the pooler     b, at head
    ✓ passed  There is an account              true
    ✓ passed  There is one through the pooler  1
    ✓ passed  MariaDB answers                  1
    ✓ passed  The cache file is whole          ok
    ✓ passed  Redis takes writes               PONG, master, 7.0.15, writable
    ✓ passed  Redis is connected               1 series, value 1
    ✓ passed  The dashboards are there         2 dashboards
    ✓ passed  The stage has a name             1 of 1 present
    ✓ passed  The backup is fresh              file of 4 bytes
    ✓ passed  The migration tool is there      exit 0

    READY: 14 of 14 passed in TIME
    ");
    let all = [output.stdout, stage.project.read("run.json"), stage.project.read("READINESS.md")].concat();
    for secret in ["p%40ss", "p@ss", "glsa_good"] {
        assert!(!all.contains(secret), "{secret} in {all}");
    }
    let run: Value = serde_json::from_str(&stage.project.read("run.json")).expect("a whole document");
    let kinds: std::collections::BTreeSet<&str> = run["sections"][0]["items"]
        .as_array()
        .expect("a list")
        .iter()
        .flat_map(|item| item["probes"].as_array().expect("a list"))
        .filter_map(|probe| probe["kind"].as_str())
        .collect();
    let ten = ["alembic", "command", "env", "file", "grafana", "http", "prometheus", "redis", "sql", "tcp"];
    assert_eq!(kinds, ten.into());
}

#[test]
fn an_api_that_is_unhealthy_or_down() {
    let ill = nginx("location = /healthz { return 503; }");
    insta::assert_snapshot!(Stage::new().with("API", ill.url()).red(), @"
    exit 1
    http: failed, status: expected at least 200 and below 300, got 503
    ");
    let liar = nginx("location / { return 200; }");
    insta::assert_snapshot!(Stage::new().with("API", liar.url()).red(), @"
    exit 3
    http: error, the control request got 200 too, so the status proves nothing
      expect something of the body instead of a `control`
    ");
    let url = format!("http://127.0.0.1:{}", free_port());
    insta::assert_snapshot!(Stage::new().with("API", url).red(), @"
    exit 3
    http: error, HOST refused the connection
      nothing listens there: is it running, and is this the right port?
    ");
    let address = format!("127.0.0.1:{}", free_port());
    insta::assert_snapshot!(Stage::new().with("API_ADDRESS", address).red(), @"
    exit 1
    tcp: failed, connected: expected true, got false (HOST refused the connection)
      nothing listens there: is it running, and is this the right port?
    ");
}

#[test]
fn a_database_that_is_behind() {
    let stage = Stage::new();
    postgres().psql(&stage.database, "UPDATE alembic_version SET version_num = 'a'");
    insta::assert_snapshot!(stage.red(), @"
    exit 1
    alembic: failed, at_head: expected true, got false (a, 1 pending)
      run `alembic upgrade heads`: 1 pending: b
    alembic-pooled: failed, at_head: expected true, got false (a, 1 pending)
      run `alembic upgrade heads`: 1 pending: b
    ");
}

#[test]
fn a_database_that_is_empty_gone_or_refuses_the_password() {
    let stage = Stage::new();
    postgres().psql(&stage.database, "DELETE FROM accounts");
    insta::assert_snapshot!(stage.red(), @"
    exit 1
    sql: failed, holds: expected true, got false
      the result is false: if that is correct, write `expect: { value: false }`
    pooled: failed, rows[0].count: expected at least 1, got 0
    ");
    let gone = Stage::new().with("DATABASE_URL", nowhere("postgresql") + "/gate");
    insta::assert_snapshot!(gone.red(), @"
    exit 3
    alembic: error, HOST refused the connection
      nothing listens there: is it running, and is this the right port?
    sql: error, HOST refused the connection
      nothing listens there: is it running, and is this the right port?
    ");
    let stage = Stage::new();
    let wrong = stage.database.replace("p%40ss", "wrong-password");
    insta::assert_snapshot!(stage.with("DATABASE_URL", wrong).red(), @r#"
    exit 3
    alembic: error, HOST does not accept user and password: password authentication failed for user "gate": SQLSTATE 28P01
      are they right? In a `url`, `/`, `@`, `:`, `#`, `?` and `%` in them must be percent-encoded
    sql: error, HOST does not accept user and password: password authentication failed for user "gate": SQLSTATE 28P01
      are they right? In a `url`, `/`, `@`, `:`, `#`, `?` and `%` in them must be percent-encoded
    "#);
    let gone = Stage::new().with("MARIADB_URL", nowhere("mysql") + "/gate");
    insta::assert_snapshot!(gone.red(), @"
    exit 3
    mariadb: error, HOST refused the connection
      nothing listens there: is it running, and is this the right port?
    ");
}

#[test]
fn a_pooler_with_no_server_behind_it() {
    let alone = pgbouncer_before(free_port());
    let stage = Stage::new().with("POOLED_URL", alone.url()).with("POOLED_TIMEOUT", "1s");
    insta::assert_snapshot!(stage.red(), @"
    exit 3
    alembic-pooled: error, login at HOST timed out after 1s
      is it a database? Other causes: a firewall that drops packets, or a pooler without a free server
    pooled: error, login at HOST timed out after 1s
      is it a database? Other causes: a firewall that drops packets, or a pooler without a free server
    ");
}

#[test]
fn a_cache_file_that_is_not_a_database() {
    let stage = Stage::new();
    std::fs::write(stage.project.path().join("cache.db"), "x".repeat(8192)).expect("the folder is writable");
    insta::assert_snapshot!(stage.red(), @"
    exit 3
    sqlite: error, `cache.db` is not an SQLite database: SQLite error 26
      is it another file, or encrypted?
    ");
    std::fs::remove_file(stage.project.path().join("cache.db")).expect("it exists");
    insta::assert_snapshot!(stage.red(), @"
    exit 3
    sqlite: error, file `DIR/cache.db` not found
      check the path: a relative one starts at the folder that contains `checklists/`
    ");
}

#[test]
fn a_redis_that_is_full_a_replica_or_gone() {
    let full = redis_with(&["--maxmemory", "1", "--maxmemory-policy", "noeviction"]);
    insta::assert_snapshot!(Stage::new().with("REDIS_URL", full.url()).red(), @"
    exit 1
    redis: failed, writable: expected true, got false (PONG, master, 7.0.15, not writable (OOM))
      its memory is full and `maxmemory-policy` evicts nothing: raise `maxmemory` or remove keys
    ");
    let replica = redis_with(&["--replicaof", "127.0.0.1", &free_port().to_string()]);
    insta::assert_snapshot!(Stage::new().with("REDIS_URL", replica.url()).red(), @"
    exit 1
    redis: failed, writable: expected true, got false (PONG, replica, 7.0.15, not writable (READONLY))
      it is a replica: connect to its master
    ");
    insta::assert_snapshot!(Stage::new().with("REDIS_URL", nowhere("redis")).red(), @"
    exit 3
    redis: error, HOST refused the connection
      nothing listens there: is it running, and is this the right port?
    ");
    let wrong = tls_redis().url().replace("p%40ss", "wrong-password");
    insta::assert_snapshot!(Stage::new().with("REDIS_URL", wrong).red(), @"
    exit 3
    redis: error, HOST does not accept user `gate` and this password (WRONGPASS)
      is this the current password, percent-encoded as a URL needs it, and is the user there and enabled?
    ");
}

#[test]
fn a_metric_that_is_missing_or_wrong_and_a_prometheus_that_is_gone() {
    insta::assert_snapshot!(Stage::new().with("QUERY", "redis_conected").red(), @"
    exit 1
    prometheus: failed, count: expected at least 1, got 0; values: expected every element to be 1, got an empty list
      is the name of the metric right, and is its target scraped?
    ");
    insta::assert_snapshot!(Stage::new().with("QUERY", "instance_up").red(), @"
    exit 1
    prometheus: failed, values[1]: expected 1, got 0 (1 of 2)
    ");
    let url = format!("http://127.0.0.1:{}", free_port());
    insta::assert_snapshot!(Stage::new().with("PROMETHEUS", url).red(), @"
    exit 3
    prometheus: error, HOST refused the connection
      nothing listens there: is it running, and is this the right port?
    ");
}

#[test]
fn a_dashboard_that_is_missing_and_a_token_that_is_not_accepted() {
    let stage = Stage::new();
    let text = stage.project.read("checklists/staging.yaml").replace("M4.5 Failure]", "M4 Workflow]");
    std::fs::write(stage.project.path().join("checklists/staging.yaml"), text).expect("the folder is writable");
    insta::assert_snapshot!(stage.red(), @r#"
    exit 1
    grafana: failed, dashboards.titles: "M4 Workflow" not found
    "#);
    insta::assert_snapshot!(Stage::new().with("GRAFANA_TOKEN", "glsa_old-token").red(), @"
    exit 3
    grafana: error, Grafana does not accept the credentials (401: Invalid API key)
      have they expired or been revoked, and are they for this server?
    ");
}

#[test]
fn variables_files_and_programs_that_are_missing_or_not_as_they_should_be() {
    insta::assert_snapshot!(Stage::new().with("STAGE_NAME", "changeme").red(), @r#"
    exit 1
    env: failed, placeholder: STAGE_NAME
      STAGE_NAME: still a placeholder
    "#);
    insta::assert_snapshot!(Stage::new().with("BACKUP", "none.txt").red(), @"
    exit 1
    file: failed, exists: `none.txt` does not exist
      `none.txt` does not exist; relative paths start at the folder that contains `checklists/`
    ");
    insta::assert_snapshot!(Stage::new().with("BACKUP", "empty.txt").red(), @"
    exit 1
    file: failed, size: expected above 0, got 0
    ");
    insta::assert_snapshot!(Stage::new().with("TOOL", "false").red(), @"
    exit 1
    command: failed, exit_code: expected 0, got 1
    ");
    insta::assert_snapshot!(Stage::new().with("TOOL", "no-such-program").red(), @"
    exit 3
    command: error, `no-such-program` is not installed here, or not in PATH
      install it, or give its whole path
    ");
}

#[test]
fn a_secret_that_is_missing_blocks_what_uses_it_and_nothing_else() {
    insta::assert_snapshot!(Stage::new().with("REDIS_URL", "").red(), @"
    exit 3
    redis: blocked, REDIS_URL is empty
      set it, or give it in a file: `--env-file FILE`
    ");
}
