//! The proposals for each kind of file in a repository.

use insta::assert_snapshot;

use super::{COMPOSE, project};

/// The proposal for these files, without the lines that every proposal has. Asserts that it is valid.
pub fn proposed(files: &[(&str, &str)]) -> String {
    let project = files.iter().fold(project(), |project, (path, text)| project.file(path, text));
    let output = project.gate(&["init", "--stdout"]);
    assert_eq!((output.code, output.stderr.as_str()), (0, ""), "{}", output.stdout);
    let valid = project.command(&["validate", "-"]).stdin(&output.stdout).run();
    assert_eq!(valid.code, 0, "{}\n{}", valid.stderr, output.stdout);
    let (_, rest) = output.stdout.split_once("readiness\"\n\n").expect("it has a title");
    let (rest, _) = rest.split_once("  # TODO: if a person has to confirm").expect("it ends with sign-offs");
    rest.to_owned()
}

#[test]
fn services_of_compose_become_items_with_what_they_need() {
    let env = "# the key\nSECRET_KEY=hunter2\nPORT=8000\nDB_PASSWORD='hunter2'\n";
    let alembic = "[alembic]\nscript_location = migrations\n";
    let readme = "The version is at http://localhost:8000/version.\n";
    assert_snapshot!(proposed(&[("compose.yaml", COMPOSE), (".env.example", env), ("backend/alembic.ini", alembic), ("README.md", readme)]), @r#"
    vars: # where the services are; an environment variable overrides each default
      api: "${env.STAGING_API_URL:-http://127.0.0.1:8000}" # compose.yaml:3
      host: "${env.STAGING_HOST:-127.0.0.1}" # compose.yaml:20

    secrets: # environment variables of these names; no output shows their values
      DB_PASSWORD: # compose.yaml:20: `db`
      REDIS_PASSWORD: # compose.yaml:24: `cache`

    sections:
      - title: Configuration
        id: configuration
        items:
          # .env.example
          - id: secrets
            title: "Secrets named in .env.example are set, and are not placeholders"
            probes:
              - use: secrets-present
                with: { names: [DB_PASSWORD, SECRET_KEY] }
            hint: "set them in the environment of gate, or give a file: `--env-file .env`"

      - title: Services
        id: services
        items:
          # compose.yaml:12
          - id: api
            title: "api: /healthz answers"
            needs: [db, cache]
            probes:
              - http: { url: "${vars.api}/healthz" }
            hint: "docker compose logs api"
          # README.md:1
          # TODO: expect the release here, such as `json.version: ${env.RELEASE}`
          - id: api-version
            title: "api: /version names the release"
            probes:
              - http: { url: "${vars.api}/version" }
          # compose.yaml:20
          - id: db
            title: "db: the database answers a query"
            probes:
              - sql:
                  host: "${vars.host}"
                  port: "${env.DB_PORT:-5432}"
                  user: shop
                  password: "${secrets.DB_PASSWORD}"
                  database: shop
                  query: SELECT 1
            hint: "docker compose logs db"
          # compose.yaml:24
          - id: cache
            title: "cache: Redis answers"
            probes:
              - redis: { host: "${vars.host}", port: 6379, password: "${secrets.REDIS_PASSWORD}" }
            hint: "docker compose logs cache"
          # compose.yaml:17
          # TODO: left out: no port is published: gate must run on the machine of the containers, with Docker
          # - id: running
          #   title: "${each} is running"
          #   each: [worker]
          #   probes:
          #     - command: { argv: [docker, compose, ps, "--format", json, "${each}"], read_only: true }
          #       expect: { json.State: running }
          #   hint: "docker compose logs ${each}"

      - title: Database
        id: database
        items:
          # backend/alembic.ini
          - id: backend-migrations
            title: "Database: Alembic at head (backend/alembic.ini)"
            needs: [db]
            probes:
              - alembic:
                  host: "${vars.host}"
                  port: "${env.DB_PORT:-5432}"
                  user: shop
                  password: "${secrets.DB_PASSWORD}"
                  database: shop
                  config: backend/alembic.ini
            hint: "alembic -c backend/alembic.ini upgrade head"
    "#);
}

#[test]
fn files_of_compose_are_merged_with_anchors_and_overrides() {
    let base = "x-all: &all { restart: always, ports: [\"80:80\"] }\nservices:\n  web: { <<: *all, image: acme/web }\n  search: { image: elasticsearch:8 }\n";
    let over = "services:\n  search: { ports: [{ target: 9200, published: 9201 }] }\n";
    let other = "services:\n  web: { ports: [\"81:80\"] }\n  queue: { image: \"rabbitmq:3\", ports: [\"5672:5672\"], profiles: [queue] }\n";
    let files = [
        ("compose.yaml", base),
        ("compose.override.yaml", over),
        ("compose.queue.yaml", other),
        ("compose.test.yaml", other),
    ];
    assert_snapshot!(proposed(&files), @r#"
    vars: # where the services are; an environment variable overrides each default
      web: "${env.STAGING_WEB_URL:-http://127.0.0.1:80}" # compose.yaml:3
      search: "${env.STAGING_SEARCH_URL:-http://127.0.0.1:9201}" # compose.yaml:4
      host: "${env.STAGING_HOST:-127.0.0.1}" # compose.queue.yaml:3

    sections:
      - title: Services
        id: services
        items:
          # compose.yaml:3
          # TODO: name the route that says whether the service is healthy
          - id: web
            title: "web answers"
            probes:
              - http: { url: "${vars.web}/", redirects: 5 }
            hint: "docker compose logs web"
          # compose.yaml:4
          - id: search
            title: "search: /_cluster/health answers"
            probes:
              - http: { url: "${vars.search}/_cluster/health" }
                expect: { json.status: { one_of: [green, yellow] } }
            hint: "docker compose logs search"
          # compose.queue.yaml:3
          # TODO: left out: it does not run by default
          # - id: queue
          #   title: "queue accepts connections"
          #   probes:
          #     - tcp: { address: "${vars.host}:5672" }
          #   hint: "docker compose logs queue"
    "#);
}

#[test]
fn a_dockerfile_alone_is_a_service() {
    let dockerfile = "FROM rust AS build\nEXPOSE 1\nFROM debian\nEXPOSE 8080\nHEALTHCHECK --interval=5s \\\n  CMD curl -f localhost:8080/ready\n";
    assert_snapshot!(proposed(&[("Dockerfile", dockerfile)]), @r#"
    vars: # where the services are; an environment variable overrides each default
      app: "${env.STAGING_APP_URL:-http://127.0.0.1:8080}" # Dockerfile

    sections:
      - title: Services
        id: services
        items:
          # Dockerfile:5
          - id: app
            title: "app: /ready answers"
            probes:
              - http: { url: "${vars.app}/ready" }
    "#);
}

#[test]
fn public_names_come_from_ingresses_and_traefik() {
    let ingress = r#"
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: { name: web }
spec:
  tls: [{ hosts: [shop.acme.io] }]
  rules:
    - host: shop.acme.io
      http: { paths: [{ path: /, backend: { service: { name: web } } }] }
---
apiVersion: apps/v1
kind: Deployment
metadata: { name: web, namespace: shop }
spec: { template: { spec: { containers: [{ image: acme/web, readinessProbe: { httpGet: { path: /ready, port: 80 } } }] } } }
---
apiVersion: apps/v1
kind: Deployment
metadata: { name: "{{ .Values.name }}" }
"#;
    let compose = "services:\n  api:\n    image: acme/api\n    labels:\n      - traefik.http.routers.api.rule=Host(`api.${DOMAIN}`) && PathPrefix(`/v1`)\n      - traefik.http.routers.api.tls=true\n";
    assert_snapshot!(proposed(&[("deploy/k8s.yaml", ingress), ("compose.yaml", compose)]), @r#"
    sections:
      # - title: Services
      #   id: services
      #   items:
          # compose.yaml:2
          # TODO: left out: no port is published: gate must run on the machine of the containers, with Docker
          # - id: running
          #   title: "${each} is running"
          #   each: [api]
          #   probes:
          #     - command: { argv: [docker, compose, ps, "--format", json, "${each}"], read_only: true }
          #       expect: { json.State: running }
          #   hint: "docker compose logs ${each}"
          # deploy/k8s.yaml:11
          # TODO: left out: gate must run where kubectl reaches the cluster
          # - id: rolled-out
          #   title: "${each.name} is rolled out"
          #   each: [{ name: web, workload: deployment/web, namespace: shop }]
          #   probes:
          #     - command:
          #         argv:
          #           - kubectl
          #           - rollout
          #           - status
          #           - "${each.workload}"
          #           - "--namespace=${each.namespace}"
          #           - "--timeout=5s"
          #         read_only: true

      - title: Public addresses
        id: public
        items:
          # compose.yaml:5
          # TODO: left out: the name depends on a variable: set it, or write the name out
          # - id: public-api-v1
          #   title: "api: its public address answers, and its certificate is good for 14 days"
          #   probes:
          #     - http: { url: "https://api.${env.DOMAIN}/v1" }
          #     - use: tls-expiry
          #       with: { address: "api.${env.DOMAIN}:443" }
          # deploy/k8s.yaml:8
          - id: public-shop-acme-io
            title: "shop.acme.io/ready answers, and its certificate is good for 14 days"
            probes:
              - http: { url: "https://shop.acme.io/ready" }
              - use: tls-expiry
                with: { address: "shop.acme.io:443" }
    "#);
}

#[test]
fn no_credential_of_a_file_is_in_the_proposal() {
    let compose = r#"services:
  api:
    image: x/api
    command: serve --token=s3cr3t-1
    ports: ["8000:8000"]
    environment:
      API_TOKEN: s3cr3t-2
      DATABASE_URL: postgres://u:s3cr3t-3@db/app?password=s3cr3t-4
      PUBLIC_URL: https://api.corp.example/x?token=s3cr3t-5
    healthcheck:
      test: ["CMD", "curl", "-H", "Authorization: Bearer s3cr3t-6", "http://u:s3cr3t-7@localhost:8000/health?token=s3cr3t-8"]
    labels: ["traefik.http.routers.api.rule=Host(`api.corp.example`) && Path(`/x?token=s3cr3t-9`)"]
  db: { image: "postgres:16", ports: ["5432:5432"], environment: [POSTGRES_PASSWORD=s3cr3t-10] }
  cache: { image: "redis:7", ports: ["6379:6379"], command: redis-server --requirepass s3cr3t-11 }
"#;
    let ingress = r#"apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: { name: a }
spec:
  rules:
    - host: app.corp.example
      http: { paths: [{ path: "/x?token=s3cr3t-12", backend: { service: { name: a } } }] }
---
apiVersion: apps/v1
kind: Deployment
metadata: { name: a }
spec:
  template:
    spec:
      containers:
        - name: a
          image: x/a
          env: [{ name: PASSWORD, value: s3cr3t-13 }]
          livenessProbe: { httpGet: { path: "/health?token=s3cr3t-14", httpHeaders: [{ name: Authorization, value: s3cr3t-15 }] } }
"#;
    let dockerfile =
        "FROM x\nHEALTHCHECK CMD curl http://localhost:8000/health?token=s3cr3t-16 -H 'X-Api-Key: s3cr3t-17'\n";
    let readme = "See http://localhost:8000/version?token=s3cr3t-18, `GET /status?token=s3cr3t-19`.\n";
    let env = "API_TOKEN=s3cr3t-20\nURL=https://x.corp.example/?token=s3cr3t-21\n";
    let files = [
        ("compose.yaml", compose),
        ("k8s/a.yaml", ingress),
        ("api/Dockerfile", dockerfile),
        ("README.md", readme),
        (".env", env),
    ];
    let proposed = proposed(&files);
    assert!(!proposed.contains("s3cr3t"), "{proposed}");
    assert!(
        proposed.contains("http://app.corp.example/") && proposed.contains("${secrets.POSTGRES_PASSWORD}"),
        "{proposed}"
    );
}

#[test]
fn monitoring_must_have_what_its_own_files_say() {
    let compose = "services:\n  prometheus: { image: prom/prometheus, ports: [\"9090:9090\"] }\n  grafana:\n    image: grafana/grafana\n    ports: [\"3000:3000\"]\n    environment: [GF_SECURITY_ADMIN_PASSWORD=hunter2]\n";
    let files = [
        ("compose.yaml", compose),
        ("monitoring/prometheus.yml", "scrape_configs:\n  - job_name: api\n  - job_name: node\n"),
        ("monitoring/grafana/dashboards/api.json", r#"{"title":"API","panels":[]}"#),
        ("monitoring/grafana/datasource.json", r#"{"title":"no dashboard"}"#),
        ("monitoring/alertmanager.yml", "receivers:\n  - name: pager\n"),
    ];
    assert_snapshot!(proposed(&files), @r#"
    vars: # where the services are; an environment variable overrides each default
      prometheus: "${env.STAGING_PROMETHEUS_URL:-http://127.0.0.1:9090}" # compose.yaml:2
      grafana: "${env.STAGING_GRAFANA_URL:-http://127.0.0.1:3000}" # compose.yaml:3
      alertmanager: "${env.STAGING_ALERTMANAGER_URL}" # monitoring/alertmanager.yml

    secrets: # environment variables of these names; no output shows their values
      GF_SECURITY_ADMIN_PASSWORD: # compose.yaml:3: the password of Grafana's administrator

    sections:
      - title: Monitoring
        id: monitoring
        items:
          # compose.yaml:2
          - id: prometheus
            title: "Prometheus: every target is up (api, node)"
            probes:
              - prometheus: { url: "${vars.prometheus}", query: up }
                expect: { values: { every: 1 } }
          # compose.yaml:3
          - id: grafana
            title: "Grafana has the dashboards of this repository (1)"
            probes:
              - grafana: { url: "${vars.grafana}", user: admin, password: "${secrets.GF_SECURITY_ADMIN_PASSWORD}" }
                expect: { dashboards.titles: { contains: [API] } }
          # monitoring/alertmanager.yml
          # TODO: left out: no file says where it is: set the variable of its address in `vars`
          # - id: alertmanager
          #   title: "Alertmanager is ready and knows its receivers"
          #   probes:
          #     - alertmanager: { url: "${vars.alertmanager}" }
          #       expect: { receivers: { contains: [pager] } }
    "#);
}

#[test]
fn reports_workflows_and_runbooks_become_items() {
    let files = [
        (
            ".github/workflows/ci.yml",
            "on: [push]\njobs:\n  t:\n    runs-on: ubuntu-latest\n    steps:\n      - run: pytest --junitxml=reports/junit.xml\n",
        ),
        (
            ".github/workflows/deploy.yml",
            "on: workflow_dispatch\njobs: { d: { runs-on: ubuntu-latest, steps: [{ run: make }] } }\n",
        ),
        (".git/config", "[remote \"origin\"]\n\turl = https://github.com/acme/shop.git\n"),
        ("Makefile", "load:\n\tk6 run --summary-export=load/summary.json load/shop.js\n"),
        ("load/summary.json", "{}"),
        ("load/baseline.json", "{}"),
        ("docs/runbooks/database.md", "# Database\n\n## Restore\n\nSteps.\n\n## Escalate\n\nCall.\n"),
    ];
    assert_snapshot!(proposed(&files), @r#"
    secrets: # environment variables of these names; no output shows their values
      GITHUB_TOKEN: # a token that may read the runs of workflows

    sections:
      - title: Tests
        id: tests
        items:
          # .github/workflows/ci.yml
          # TODO: left out: the report is not here: let CI put it here before gate runs
          # - id: tests-reports-junit
          #   title: "Tests passed (reports/junit.xml)"
          #   probes:
          #     - use: e2e-report
          #       with: { files: reports/junit.xml }
          # Makefile
          - id: load-test-summary
            title: "The load test met its thresholds (load/summary.json)"
            probes:
              - use: k6-baseline
                with: { summary: load/summary.json, baseline: load/baseline.json }

      - title: Delivery
        id: delivery
        items:
          # .github/workflows
          - id: workflows
            title: "Workflows of GitHub Actions are valid"
            probes:
              - workflow: { path: .github/workflows/ci.yml }
              - use: workflow-dispatch-only
                with: { path: .github/workflows/deploy.yml }
          # .github/workflows/ci.yml
          # TODO: left out: it needs a token: set GITHUB_TOKEN
          # - id: last-workflow-run
          #   title: "The last run of ci.yml passed"
          #   probes:
          #     - github: { repo: acme/shop, workflow: ci.yml, branch: main, token: "${secrets.GITHUB_TOKEN}" }

      - title: Runbooks
        id: runbooks
        items:
          # docs/runbooks/database.md
          - id: runbook-database
            title: "Runbook docs/runbooks/database.md is complete"
            probes:
              - use: runbook
                with: { path: docs/runbooks/database.md, chapters: [Restore, Escalate] }
    "#);
}

#[test]
fn the_address_depends_on_how_a_service_is_run() {
    let compose = "services:\n  proxy: { image: \"traefik:3\", command: [--api.insecure=true], ports: [\"80:80\", \"8090:8080\"] }\n  cache: { image: redis, network_mode: host }\n  web: { image: acme/web, healthcheck: { test: curl -f http://localhost:3000/up } }\n";
    assert_snapshot!(proposed(&[("compose.yaml", compose)]), @r#"
    vars: # where the services are; an environment variable overrides each default
      proxy: "${env.STAGING_PROXY_URL:-http://127.0.0.1:8090}" # compose.yaml:2
      host: "${env.STAGING_HOST:-127.0.0.1}" # compose.yaml:3
      web: "${env.STAGING_WEB_URL:-http://127.0.0.1:3000}" # compose.yaml:4

    sections:
      - title: Services
        id: services
        items:
          # compose.yaml:2
          - id: proxy
            title: "proxy: /api/overview answers"
            probes:
              - http: { url: "${vars.proxy}/api/overview" }
            hint: "docker compose logs proxy"
          # compose.yaml:3
          - id: cache
            title: "cache: Redis answers"
            probes:
              - redis: { host: "${vars.host}", port: 6379 }
            hint: "docker compose logs cache"
          # compose.yaml:4
          # TODO: left out: no file publishes the port: say in `vars` where the service is
          # - id: web
          #   title: "web: /up answers"
          #   probes:
          #     - http: { url: "${vars.web}/up" }
          #   hint: "docker compose logs web"
          # compose.yaml:4
          # TODO: left out: no port is published: gate must run on the machine of the containers, with Docker
          # - id: healthy
          #   title: "${each} is healthy"
          #   each: [web]
          #   probes:
          #     - command: { argv: [docker, compose, ps, "--format", json, "${each}"], read_only: true }
          #       expect: { json.Health: healthy, json.State: running }
          #   hint: "docker compose logs ${each}"
    "#);
}
