//! Whatever a repository contains, the proposed checklist is valid.

use std::collections::HashMap;
use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

use proptest::prelude::{Just, Strategy, any, prop};
use proptest::test_runner::{Config, TestRunner};

use crate::checklist::{Found, Overrides, OwnFiles, load};
use crate::env::Env;
use crate::probe::Registry;

use super::{Init, Place};

const PATHS: [&str; 15] = [
    "compose.yaml",
    "compose.override.yaml",
    "deploy/docker-compose.yml",
    ".env.example",
    "db.env",
    "Dockerfile",
    "backend/alembic.ini",
    "k8s/all.yaml",
    ".github/workflows/ci.yml",
    "README.md",
    "monitoring/prometheus.yml",
    "alertmanager.yml",
    "grafana/dashboards/a.json",
    "docs/runbook $x.md",
    "package.json",
];

const LINES: [&str; 62] = [
    "services:",
    "  api:",
    "  db:",
    "  on:",
    "  host:",
    "  services:",
    "  \"${X}\":",
    "    image: postgres:16",
    "    image: redis:7",
    "    image: grafana/grafana",
    "    image: prom/prometheus",
    "    image: mysql:8",
    "    image: elasticsearch:8",
    "    build: ./backend",
    "    build: { context: ../.. }",
    "    ports: [\"8000:8000\", \"${PORT:-5432}:5432\", \"$Q:80\", \"1-2:3-4\"]",
    "    ports: [\"6379:6379\", 99999, \"a:b:c\", { target: 9090, published: \"${P}\" }]",
    "    depends_on: [db, api, worker, host]",
    "    depends_on: { db: { condition: service_completed_successfully }, on: {} }",
    "    healthcheck: { test: \"curl http://localhost:8000/h${x}\" }",
    "    healthcheck: { test: [NONE] }",
    "    environment: { POSTGRES_PASSWORD: \"$${A}\", POSTGRES_USER: \"${U:-${V:-w}}\", POSTGRES_DB: \"a}b\" }",
    "    environment: [GF_SECURITY_ADMIN_PASSWORD=${A:+x}, MYSQL_ROOT_PASSWORD]",
    "    labels: [\"traefik.http.routers.a.rule=Host(`${D?}.x.y`)\", \"traefik.http.routers.a.tls=true\"]",
    "    labels: { traefik.http.routers.b.rule: \"Host(`a.b`) && PathPrefix(`/$x`)\" }",
    "    command: redis-server --requirepass $$x",
    "    profiles: [debug]",
    "    extends: { service: db }",
    "    <<: *x",
    "x-a: &x { ports: [\"81:80\"], image: nginx }",
    "---",
    "apiVersion: v1",
    "kind: Ingress",
    "kind: Deployment",
    "kind: DaemonSet",
    "metadata: { name: api, namespace: \"a b\" }",
    "metadata: { name: \"{{ x }}\" }",
    "spec: { rules: [{ host: a.b.example, http: { paths: [{ path: \"/$1\", backend: { service: { name: api } } }] } }] }",
    "spec: { template: { spec: { containers: [{ image: a, livenessProbe: { httpGet: { path: \"/${x}\" } } }] } } }",
    "spec: { tls: [{ hosts: [a.b.example] }], rules: [{ host: \"*.b\" }, { host: \"${x}\" }] }",
    "DATABASE_URL=postgres://u:p@h/d",
    "REDIS_URL='x'",
    "SECRET_KEY=\"${x}\"",
    "A B=",
    "FROM x",
    "EXPOSE 8000 5432/udp 70000",
    "HEALTHCHECK CMD curl -f http://localhost/healthz$x",
    "script_location = ${x}",
    "on: workflow_dispatch",
    "on: [push]",
    "see http://localhost:8000/healthz and `/api/version`",
    "scrape_configs: [{ job_name: \"${x}\" }, { job_name: \"a\\tb\" }]",
    "receivers: [{ name: \"$$a\" }, { name: {} }]",
    "{ \"title\": \"T ${x} \\u202e\", \"panels\": [] }",
    "# Title ${x}",
    "## Steps",
    "pytest --junitxml=reports/${x}.xml --junitxml=reports/junit.xml",
    "k6 run --summary-export=out/summary.json load.js",
    "\t: [",
    "- \"",
    "\u{7}\u{202e}",
    "",
];

/// The problems of a checklist.
fn problems(folder: &Path, text: &str) -> String {
    let found = Found {
        name: "staging".to_owned(),
        file: "checklists/staging.yaml".to_owned(),
        root: folder.to_owned(),
        text: text.to_owned(),
        path: folder.join("checklists/staging.yaml"),
        files: OwnFiles::Folder,
    };
    let env = Env::with([], folder.to_owned());
    let loaded = load(found, &Overrides::default(), &env, &Registry::built_in());
    if loaded.checklist.is_some() { String::new() } else { loaded.problems.render(&loaded.sources, false) }
}

#[test]
fn the_proposal_for_any_repository_is_valid() {
    // A service is a name with some of the lines that belong to services.
    let setting =
        prop::sample::select(LINES.iter().filter(|line| line.starts_with("    ")).copied().collect::<Vec<_>>());
    let name =
        prop::sample::select(vec!["api", "db", "worker", "on", "host", "services", "prometheus", "grafana", "ready"]);
    let service = (name, prop::collection::hash_set(setting, 0..6)).prop_map(|(name, settings)| {
        std::iter::once(format!("  {name}:"))
            .chain(settings.into_iter().map(ToOwned::to_owned))
            .collect::<Vec<String>>()
    });
    let services = prop::collection::vec(service, 0..5).prop_map(|services| {
        let anchor = "x-a: &x { ports: [\"81:80\"], image: nginx }".to_owned();
        [anchor, "services:".to_owned()].into_iter().chain(services.into_iter().flatten()).collect::<Vec<String>>()
    });
    let line = prop::collection::vec(prop::sample::select(LINES.to_vec()).prop_map(ToOwned::to_owned), 0..30);
    let odd = any::<String>().prop_map(|line| vec![line]);
    let lines = proptest::prop_oneof![12 => line, 1 => odd, 1 => Just(Vec::new())];
    let any_file = (prop::sample::select(PATHS.to_vec()), lines);
    let compose = (prop::sample::select(PATHS[..3].to_vec()), services);
    let files = prop::collection::vec(proptest::prop_oneof![any_file, compose], 0..6);
    let mut runner = TestRunner::new(Config { cases: 150, failure_persistence: None, ..Config::default() });
    let proposed = AtomicUsize::new(0);
    let outcome = runner.run(&(files, any::<u64>()), |(files, seed)| {
        let folder = tempfile::tempdir().expect("the temporary folder is writable");
        for (path, lines) in &files {
            let path = folder.path().join(path);
            fs::create_dir_all(path.parent().expect("it is in a folder")).expect("the folder is writable");
            fs::write(path, lines.join("\n")).expect("the folder is writable");
        }
        let root = folder.path();
        let mut init = Init::read(Place { folder: root, repository: root, root, name: "staging" });
        proptest::prop_assert_eq!(problems(root, &init.yaml()), "", "{}", init.yaml());
        proposed.fetch_add(init.counts().live + init.counts().held, Ordering::Relaxed);
        let Some(attempt) = init.attempt() else { return Ok(()) };
        proptest::prop_assert_eq!(problems(root, &attempt), "", "{}", attempt);
        let ids = attempt.lines().filter_map(|line| line.trim_start().strip_prefix("- id: "));
        let result = |(at, id): (usize, &str)| {
            let is_passed = seed >> (at % 64) & 1 == 1;
            (id.to_owned(), (!is_passed).then(|| "HTTP\n${x}: refused".to_owned()))
        };
        let results: HashMap<String, Option<String>> = ids.enumerate().map(result).collect();
        init.settle(&results);
        proptest::prop_assert_eq!(problems(root, &init.yaml()), "", "{}", init.yaml());
        Ok(())
    });
    outcome.unwrap_or_else(|problem| panic!("{problem}"));
    assert!(proposed.into_inner() > 150, "the repositories hold too little");
}
