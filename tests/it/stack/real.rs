//! The staging stack of the M9 checklist, with real servers where possible: PostgreSQL behind PgBouncer,
//! Redis behind TLS and ACLs, Prometheus, Alertmanager, nginx with its rate limit, a registry, Alembic, k6, nft.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fs::{self, File};

use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, SystemTime};

use serde_json::{Value, json};

use crate::harness::{self, HttpServer, Nginx, Prometheus, Request, Response, http};
use crate::harness::{Output, Project};
use crate::image::COMMIT;
use crate::nftables::Machine;

/// The token that the fake GitHub accepts.
const GITHUB: &str = "ghp_RealStackToken00000000000000000000000";
/// The token that the fake Grafana accepts.
const GRAFANA: &str = "glsa_RealStackToken0000000000000_0";

/// The metrics of Prometheus: their names without suffix, types, suffixes and values.
const SERIES: [[&str; 4]; 5] = [
    ["aos_rate_limit_allowed", "counter", "_total", "60"],
    ["aos_rate_limit_blocked", "counter", "_total", "5"],
    ["aos_redis_up", "gauge", "", "1"],
    ["aos_traces", "counter", "_total", "128"],
    ["redis_connected", "gauge", "", "1"],
];

/// The broken item of the fake services, if any.
pub type Flag = Arc<Mutex<&'static str>>;

/// The running stack.
pub struct Real {
    /// The project: the checklist and the other files of the repository.
    pub project: Project,
    /// The failure of the fake API, GitHub, Grafana and Loki.
    pub flag: Flag,
    /// The environment of the checklist.
    pub vars: RefCell<BTreeMap<&'static str, String>>,
    /// The database, without the pooler.
    pub database: String,
    host: Host,
    api: HttpServer,
    /// Where nginx listens.
    port: u16,
    _others: Vec<HttpServer>,
    _prometheus: [Prometheus; 2],
}

/// A machine with a firewall: a network namespace that lives as long as its thread.
pub struct Host {
    namespace: String,
    /// The folder of its boot file, `boot.nft`, and of the programs that read its rules.
    pub folder: std::path::PathBuf,
    _alive: Sender<()>,
}

impl Real {
    /// Starts the whole stack.
    pub fn start() -> Real {
        let host = Host::new();
        let project = Project::new("title: none\n").file("checklists/_aos.yaml", gate::demo::BASE);
        let project = gate::demo::CHECKLISTS
            .iter()
            .fold(project, |project, (name, list)| project.file(&format!("checklists/{name}.yaml"), list));
        let flag = Flag::default();
        let database = harness::postgres().new_database();
        let issues = Arc::new(Mutex::new(Vec::<Value>::new()));
        let (whole, poor) = thread::scope(|scope| {
            let whole = scope.spawn(|| harness::prometheus_with(&SERIES));
            let poor: Vec<_> = SERIES.iter().filter(|series| series[0] != "aos_rate_limit_blocked").copied().collect();
            let poor = scope.spawn(move || harness::prometheus_with(&poor));
            scope.spawn(|| (harness::tls_redis(), harness::alertmanager(), harness::pgbouncer(), crate::image::open()));
            (whole.join().expect("it starts"), poor.join().expect("it starts"))
        });
        let api = api(&flag, &database, &issues);
        let github = github(&issues);
        let grafana = grafana(&flag, &whole, &poor);
        let loki = loki(&flag);
        let path = format!("{}:{}", host.folder.display(), std::env::var("PATH").expect("there is a PATH"));
        let vars = BTreeMap::from([
            ("RELEASE", COMMIT.to_owned()),
            ("IMAGE", format!("{}/acme/api:one", crate::image::open())),
            ("PROMETHEUS_URL", whole.url()),
            ("GRAFANA_URL", grafana.url()),
            ("GRAFANA_TOKEN", GRAFANA.to_owned()),
            ("ALERTMANAGER_URL", harness::alertmanager().url()),
            ("GITHUB_API_URL", github.url()),
            ("GITHUB_TOKEN", GITHUB.to_owned()),
            ("SLACK_MISMATCH_WEBHOOK", "https://hooks.slack.example/services/T0/B0/real".to_owned()),
            ("LOKI_URL", loki.url()),
            ("REDIS_URL", harness::tls_redis().url()),
            ("REDIS_HOST", "127.0.0.1".to_owned()),
            ("SSL_CERT_FILE", harness::tls_redis().ca().display().to_string()),
            ("DATABASE_URL", harness::pgbouncer().url_for(&database)),
            ("MISMATCH_PATIENCE", "1s".to_owned()),
            ("BACKUPS", "backups".to_owned()),
            ("NFTABLES_CONF", host.folder.join("boot.nft").display().to_string()),
            ("PATH", path),
        ]);
        let real = Real {
            project,
            flag,
            vars: RefCell::new(vars),
            database,
            host,
            api,
            port: harness::free_port(),
            _others: vec![github, grafana, loki],
            _prometheus: [whole, poor],
        };
        real.fill();
        real
    }

    /// Creates the content of the repository and of the database.
    fn fill(&self) {
        self.write("backend/alembic.ini", "[alembic]\nscript_location = migrations\n");
        self.write("backend/migrations/env.py", include_str!("env.py"));
        let scripts = [
            (
                "012_traces",
                "None",
                "CREATE TABLE aos_traces (id TEXT PRIMARY KEY, name TEXT, idempotency_key TEXT); CREATE TABLE idempotency (key TEXT PRIMARY KEY, id TEXT)",
            ),
            (
                "013_retention",
                "'012_traces'",
                "CREATE TABLE aos_traces_retention_log (id SERIAL, removed INT, created_at TIMESTAMPTZ DEFAULT now())",
            ),
            ("014_trace_mismatches", "'013_retention'", "CREATE TABLE aos_mismatches (id SERIAL)"),
        ];
        for (id, before, sql) in scripts {
            let undo = if id.starts_with("014") { "op.execute('DROP TABLE aos_mismatches')" } else { "pass" };
            let script = format!(
                "from alembic import op\nrevision = '{id}'\ndown_revision = {before}\n\n\ndef upgrade():\n    op.execute('''{sql}''')\n\n\ndef downgrade():\n    {undo}\n"
            );
            self.write(&format!("backend/migrations/versions/{id}.py"), &script);
        }
        self.alembic("upgrade", "head");
        self.sql("INSERT INTO aos_traces_retention_log (removed) VALUES (120), (95)");
        self.write("docs/ONCALL_RUNBOOK.md", "# On call\n\n## Recovery steps\n\nRestart the API.\n");
        let workflow = "on:\n  workflow_dispatch:\njobs:\n  parity:\n    runs-on: ubuntu-latest\n    steps:\n      - run: make parity\n";
        self.write(".github/workflows/e2e-parity-check.yml", workflow);
        self.write("reports/e2e.xml", "<testsuites><testsuite name=\"e2e\"><testcase name=\"replays\"/><testcase name=\"stores a trace\"/></testsuite></testsuites>");
        self.k6("p(95)<60000");
        self.write("load-tests/baseline.json", &self.project.read("load-tests/summary.json"));
        let dump =
            Command::new(harness::program("pg_dump")).args(["--format=custom", "--dbname", &self.database]).output();
        let dump = dump.expect("it is installed");
        assert!(dump.status.success(), "{}", String::from_utf8_lossy(&dump.stderr));
        for (name, hours) in [("old.dump", 26), ("new.dump", 2)] {
            let path = self.project.path().join("backups").join(name);
            fs::create_dir_all(path.parent().expect("it is in a folder")).expect("the project's folder is writable");
            fs::write(&path, &dump.stdout).expect("the project's folder is writable");
            self.written(&format!("backups/{name}"), hours);
        }
    }

    /// Runs the checklist without deferred items, with a fresh window of nginx's rate limit. Returns the run.
    pub fn check(&self, more: &[&str]) -> Output {
        let nginx = self.nginx();
        let command =
            self.project.command(&[&["check", "production"], more].concat()).env("PRODUCTION_URL", nginx.url());
        self.vars.borrow().iter().fold(command, |command, (name, value)| command.env(name, value)).run()
    }

    /// Runs another command on the checklist.
    pub fn gate(&self, arguments: &[&str]) -> Output {
        let command = self.project.command(arguments);
        self.vars.borrow().iter().fold(command, |command, (name, value)| command.env(name, value)).run()
    }

    /// Sets a variable of the environment, and returns its old value.
    pub fn set(&self, name: &'static str, value: &str) -> String {
        self.vars.borrow_mut().insert(name, value.to_owned()).expect("it is known")
    }

    /// Writes a file of the project.
    pub fn write(&self, path: &str, text: &str) {
        let path = self.project.path().join(path);
        fs::create_dir_all(path.parent().expect("it is in a folder")).expect("the project's folder is writable");
        fs::write(path, text).expect("the project's folder is writable");
    }

    /// Sets a file's modification time to this number of hours ago.
    pub fn written(&self, path: &str, hours: u64) {
        let time = SystemTime::now() - Duration::from_secs(3600 * hours);
        let file = File::options().write(true).open(self.project.path().join(path));
        file.and_then(|file| file.set_modified(time)).expect("the file is writable");
    }

    /// Runs SQL without the pooler.
    pub fn sql(&self, sql: &str) -> String {
        harness::postgres().psql(&self.database, sql)
    }

    /// Runs the real Alembic.
    pub fn alembic(&self, verb: &str, revision: &str) {
        let url = self.database.replace("postgres://", "postgresql+psycopg2://");
        let mut alembic = Command::new(harness::alembic());
        alembic.args([verb, revision]).current_dir(self.project.path().join("backend")).env("ALEMBIC_URL", url);
        let done = alembic.output().expect("it is installed");
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    }

    /// Runs the real k6 with a threshold for the duration of a request.
    pub fn k6(&self, threshold: &str) {
        let script = format!(
            "import http from 'k6/http';\nexport const options = {{ iterations: 20, vus: 2, thresholds: {{ http_req_duration: ['{threshold}'] }} }};\nexport default function () {{ http.get('{}/healthz'); }}\n",
            self.api.url()
        );
        self.write("load-tests/simulate_k6.js", &script);
        let mut k6 = Command::new(harness::k6());
        k6.args(["run", "--no-usage-report", "--quiet", "--summary-export", "summary.json", "simulate_k6.js"]);
        let done = k6.current_dir(self.project.path().join("load-tests")).output().expect("it is installed");
        assert!(matches!(done.status.code(), Some(0 | 99)), "{}", String::from_utf8_lossy(&done.stderr));
    }

    /// Runs `nft` on the machine.
    pub fn nft(&self, arguments: &[&str]) {
        self.host.nft(arguments);
    }

    /// nginx in front of the API: 60 simulations a minute for the free tier.
    fn nginx(&self) -> Nginx {
        let api = self.api.url();
        let limit = if *self.flag.lock().expect("no thread panics while it holds the lock") == "rate-limit" {
            ""
        } else {
            "limit_req zone=free burst=59 nodelay;"
        };
        let block = format!(
            "error_page 418 = @free;\nlocation / {{ proxy_pass {api}; }}\n\
             location = /v1/simulate {{ if ($http_x_tier = free) {{ return 418; }} proxy_pass {api}; }}\n\
             location @free {{ {limit} proxy_pass {api}; }}"
        );
        // Always the same address: another one would change the definition, which is not signed.
        harness::nginx_at(self.port, &block)
    }
}

impl Host {
    /// A machine whose rules are equal to those that its boot file loads.
    pub fn new() -> Host {
        // SAFETY: geteuid always succeeds.
        if unsafe { libc::geteuid() } != 0 {
            harness::missing("only root sees the rules of the firewall");
        }
        let (alive, end) = channel::<()>();
        let (sender, reported) = channel();
        thread::spawn(move || {
            let rules = "flush ruleset\ntable inet filter {\n  chain input {\n    type filter hook input priority 0; policy drop;\n    iif lo accept\n  }\n}\n";
            let machine = Machine::new(rules);
            machine.nft(&["-f", "boot.nft"]);
            // SAFETY: gettid always succeeds.
            let thread = unsafe { libc::syscall(libc::SYS_gettid) };
            let namespace = format!("/proc/{}/task/{thread}/ns/net", std::process::id());
            sender.send((namespace, machine.folder.clone())).expect("a receiver waits");
            let _ = end.recv(); // until the stack is dropped
        });
        let (namespace, folder) = reported.recv().expect("a network namespace can be made");
        // Programs that gate runs see that machine; rules to compare are loaded in another, private namespace.
        let (nft, unshare) = (harness::program("nft"), harness::program("unshare"));
        let nft = format!(
            "#!/bin/sh\n[ -n \"$BOOT\" ] && exec {0} \"$@\"\nexec nsenter --net={namespace} {0} \"$@\"\n",
            nft.display()
        );
        let unshare = format!("#!/bin/sh\nBOOT=1 exec {} \"$@\"\n", unshare.display());
        for (name, text) in [("nft", nft), ("unshare", unshare)] {
            let path = folder.join(name);
            fs::write(&path, text).expect("the folder is writable");
            fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o755)).expect("it is writable");
        }
        Host { namespace, folder, _alive: alive }
    }

    /// Runs `nft` on it.
    pub fn nft(&self, arguments: &[&str]) {
        let mut nft = Command::new("nsenter");
        nft.arg(format!("--net={}", self.namespace)).arg(harness::program("nft")).args(arguments);
        let done = nft.current_dir(&self.folder).output().expect("it is installed");
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    }
}

/// The API, whose traces are in PostgreSQL.
fn api(flag: &Flag, database: &str, issues: &Arc<Mutex<Vec<Value>>>) -> HttpServer {
    let (flag, database, issues) = (Arc::clone(flag), database.to_owned(), Arc::clone(issues));
    let count = AtomicU32::new(0);
    let sql = move |sql: &str| harness::postgres().psql(&database, sql);
    http(move |request| {
        let broken = *flag.lock().expect("no thread panics while it holds the lock");
        let body: Value = serde_json::from_slice(&request.body).unwrap_or_default();
        match request.path.as_str() {
            "/healthz" if broken == "healthz" => Response::text("down").status(503),
            "/healthz" => Response::text("ok"),
            "/version" => Response::json(&json!({ "commit": if broken == "images" { "badc0de" } else { COMMIT } })),
            "/v1/simulate" if request.header("x-tier") == Some("free") => {
                Response::json(&json!({ "trace_id": "free" }))
            }
            "/v1/simulate" => {
                let id = format!("trace-{}", count.fetch_add(1, Ordering::SeqCst));
                let id = match request.header("idempotency-key") {
                    Some(key) if broken != "idempotency" => {
                        sql(&format!(
                            "WITH own AS (INSERT INTO idempotency VALUES ('{key}', '{id}') ON CONFLICT DO NOTHING RETURNING id) \
                             INSERT INTO aos_traces SELECT id, 'simulation', '{key}' FROM own"
                        ));
                        sql(&format!("SELECT id FROM idempotency WHERE key = '{key}'"))
                    }
                    None if broken == "simulate" => id,
                    key => {
                        let key = key.unwrap_or_default();
                        sql(&format!("INSERT INTO aos_traces VALUES ('{id}', 'simulation', '{key}')"));
                        id
                    }
                };
                Response::json(&json!({ "trace_id": id }))
            }
            "/v1/replay" => {
                let id = body["trace_id"].as_str().unwrap_or_default();
                let stored = sql(&format!("SELECT count(*) FROM aos_traces WHERE id = '{id}'")) == "1";
                Response::json(&json!({ "matches": stored && broken != "replay" }))
            }
            "/v1/mismatch" => {
                let mut issues = issues.lock().expect("no thread panics while it holds the lock");
                let id = format!("mismatch-{}", count.fetch_add(1, Ordering::SeqCst));
                if broken != "mismatch" {
                    let title = format!("Trace {id} differs");
                    let number = issues.len() + 1;
                    issues.push(json!({ "number": number, "title": title, "state": "open", "labels": [{ "name": "mismatch" }] }));
                }
                Response::json(&json!({ "id": id })).status(202)
            }
            _ => Response::empty(404),
        }
    })
}

fn has_token(request: &Request, token: &str) -> bool {
    request.header("authorization").and_then(|said| said.strip_prefix("Bearer ")) == Some(token)
}

fn github(issues: &Arc<Mutex<Vec<Value>>>) -> HttpServer {
    let issues = Arc::clone(issues);
    http(move |request| match request.path.strip_prefix("/repos/acme/aos") {
        _ if !has_token(&request, GITHUB) => Response::json(&json!({ "message": "Bad credentials" })).status(401),
        Some("") => Response::json(&json!({ "full_name": "acme/aos", "default_branch": "main" })),
        Some("/commits/main") => Response::json(&json!({ "sha": COMMIT })),
        None if request.path == "/rate_limit" => {
            let core = json!({ "limit": 5000, "remaining": 4990, "reset": 4_102_444_800_u64 });
            Response::json(&json!({ "resources": { "core": core } }))
        }
        Some("/issues") => {
            Response::json(&Value::from(issues.lock().expect("no thread panics while it holds the lock").clone()))
        }
        _ => Response::json(&json!({ "message": "Not Found" })).status(404),
    })
}

/// A Grafana with four dashboards, whose data source is a real Prometheus.
fn grafana(flag: &Flag, whole: &Prometheus, poor: &Prometheus) -> HttpServer {
    let flag = Arc::clone(flag);
    let port = |url: String| url.rsplit(':').next().and_then(|port| port.parse::<u16>().ok()).expect("it has a port");
    let (whole, poor) = (port(whole.url()), port(poor.url()));
    http(move |request| {
        let broken = *flag.lock().expect("no thread panics while it holds the lock");
        match request.path.as_str() {
            "/api/health" => Response::json(&json!({ "database": "ok", "version": "11.3.0" })),
            _ if !has_token(&request, GRAFANA) => Response::json(&json!({ "message": "Unauthorized" })).status(401),
            "/api/search" => {
                let titles = ["AOS Traces", "M4 Workflow", "M4.5 Failure", "Basic"];
                let shown = titles.iter().enumerate().filter(|(at, _)| !(broken == "grafana" && *at == 2));
                let page: Vec<Value> = shown
                    .map(|(at, title)| json!({ "uid": format!("d{at}"), "title": title, "type": "dash-db", "url": format!("/d/d{at}") }))
                    .collect();
                let is_first = request.parameter("page").is_none_or(|page| page == "1");
                Response::json(&if is_first { Value::from(page) } else { json!([]) })
            }
            "/api/datasources/proxy/uid/prometheus/api/v1/query" => {
                let asked = String::from_utf8_lossy(&request.body).into_owned() + &request.query;
                let port = if broken == "metrics" { poor } else { whole };
                match harness::get(port, &format!("/api/v1/query?{asked}")) {
                    Some(answer) => Response::ok(answer).header("content-type", "application/json"),
                    None => Response::empty(502),
                }
            }
            path if path.starts_with("/api/dashboards/uid/") => {
                Response::json(&json!({ "meta": { "provisioned": true }, "dashboard": {} }))
            }
            _ => Response::empty(404),
        }
    })
}

fn loki(flag: &Flag) -> HttpServer {
    let flag = Arc::clone(flag);
    http(move |_| {
        let lines = if *flag.lock().expect("no thread panics while it holds the lock") == "logs" { "0" } else { "42" };
        let result = json!([{ "metric": {}, "value": [1_765_000_000, lines] }]);
        Response::json(&json!({ "status": "success", "data": { "resultType": "vector", "result": result } }))
    })
}
