//! Well-known images, by name: their kinds and health checks.

use serde_json::{Value, json};

use super::facts::Service;

/// The kind of software in a container.
#[derive(Debug, Clone, PartialEq)]
pub enum Software {
    /// A database that `sql` supports.
    Sql {
        /// As the setting `dialect` names it.
        dialect: &'static str,
        /// Its port.
        port: u16,
    },
    /// Redis, or a compatible server.
    Redis,
    /// It answers HTTP requests at this port and path, with this result.
    Http {
        /// Its port.
        port: u16,
        /// The path of its own health check.
        path: &'static str,
        /// The expected answer, beyond the default.
        expect: Option<Value>,
    },
    /// It accepts connections at this port.
    Tcp(u16),
    Prometheus,
    Grafana,
    Alertmanager,
    /// It is for developers only.
    Tool,
}

/// HTTP servers: their images, ports and paths.
const HTTP: [(&[&str], u16, &str); 26] = [
    (&["caddy", "nginx", "httpd", "haproxy"], 80, "/"),
    (&["clickhouse-server", "clickhouse"], 8123, "/ping"),
    (&["consul"], 8500, "/v1/status/leader"),
    (&["etcd"], 2379, "/health"),
    (&["influxdb"], 8086, "/health"),
    (&["jaeger", "all-in-one"], 16686, "/"),
    (&["kibana"], 5601, "/api/status"),
    (&["keycloak"], 9000, "/health/ready"),
    (&["localstack"], 4566, "/_localstack/health"),
    (&["loki"], 3100, "/ready"),
    (&["meilisearch"], 7700, "/health"),
    (&["minio"], 9000, "/minio/health/live"),
    (&["nats"], 8222, "/healthz"),
    (&["neo4j"], 7474, "/"),
    (&["node-exporter"], 9100, "/metrics"),
    (&["cadvisor"], 8080, "/healthz"),
    (&["ollama"], 11434, "/"),
    (&["otel-collector", "opentelemetry-collector", "opentelemetry-collector-contrib"], 13133, "/"),
    (&["qdrant"], 6333, "/readyz"),
    (&["solr"], 8983, "/solr/admin/info/system"),
    (&["tempo"], 3200, "/ready"),
    (&["typesense"], 8108, "/health"),
    (&["vault"], 8200, "/v1/sys/health"),
    (&["victoria-metrics"], 8428, "/health"),
    (&["weaviate"], 8080, "/v1/.well-known/ready"),
    (&["statsd-exporter", "postgres-exporter", "redis_exporter", "blackbox-exporter"], 9102, "/metrics"),
];

/// Servers that are checked by connecting: their images and ports.
const TCP: [(&[&str], u16); 10] = [
    (&["mongo", "mongodb"], 27017),
    (&["rabbitmq"], 5672),
    (&["kafka", "cp-kafka", "redpanda"], 9092),
    (&["zookeeper"], 2181),
    (&["memcached"], 11211),
    (&["cassandra", "scylla"], 9042),
    (&["mosquitto", "emqx"], 1883),
    (&["mssql", "server"], 1433),
    (&["beanstalkd"], 11300),
    (&["cockroach"], 26257),
];

const TOOLS: [&str; 12] = [
    "adminer",
    "dbgate",
    "dozzle",
    "flower",
    "mailcatcher",
    "mailhog",
    "mailpit",
    "maildev",
    "pgadmin4",
    "phpmyadmin",
    "portainer-ce",
    "redis-commander",
];

/// Parts of names of services that run tests, or show what developers look at.
const TOOL_NAMES: [&str; 6] = ["playwright", "cypress", "selenium", "storybook", "mailcatcher", "mailhog"];

impl Software {
    /// The port that it usually listens on.
    pub fn port(&self) -> Option<u16> {
        match self {
            Self::Sql { port, .. } | Self::Http { port, .. } | Self::Tcp(port) => Some(*port),
            Self::Redis => Some(6379),
            Self::Prometheus => Some(9090),
            Self::Grafana => Some(3000),
            Self::Alertmanager => Some(9093),
            Self::Tool => None,
        }
    }
}

/// The kind of a service, by its image; by its name if it is built from a Dockerfile.
pub fn of(service: &Service) -> Option<Software> {
    if TOOL_NAMES.iter().any(|name| service.name.contains(name)) {
        return Some(Software::Tool);
    }
    if service.image_name() == "traefik" {
        return traefik(&service.command);
    }
    known(service.image_name()).or_else(|| known(&service.name).filter(|_| service.image.is_none()))
}

/// Traefik answers what its command switches on.
fn traefik(command: &str) -> Option<Software> {
    let path = match command {
        _ if command.contains("--ping") => "/ping",
        _ if command.contains("--api.insecure") => "/api/overview",
        _ => return Some(Software::Tcp(80)),
    };
    Some(Software::Http { port: 8080, path, expect: None })
}

/// The kind of an image with this name.
fn known(name: &str) -> Option<Software> {
    let is_of = |names: &[&str]| names.contains(&name);
    if name.starts_with("postgres") && !name.contains("exporter")
        || is_of(&["postgis", "pgvector", "timescaledb", "timescaledb-ha"])
    {
        return Some(Software::Sql { dialect: "postgresql", port: 5432 });
    }
    if is_of(&["pgbouncer"]) {
        return Some(Software::Sql { dialect: "postgresql", port: 6432 });
    }
    if name.starts_with("mariadb") {
        return Some(Software::Sql { dialect: "mariadb", port: 3306 });
    }
    if is_of(&["mysql", "mysql-server", "percona"]) {
        return Some(Software::Sql { dialect: "mysql", port: 3306 });
    }
    if is_of(&["redis", "valkey", "keydb", "dragonfly", "redis-stack", "redis-stack-server"]) {
        return Some(Software::Redis);
    }
    match name {
        "prometheus" => return Some(Software::Prometheus),
        "alertmanager" => return Some(Software::Alertmanager),
        _ if name.starts_with("grafana") => return Some(Software::Grafana),
        _ if name.starts_with("elasticsearch") || name.starts_with("opensearch") => {
            let expect = Some(json!({ "json.status": { "one_of": ["green", "yellow"] } }));
            return Some(Software::Http { port: 9200, path: "/_cluster/health", expect });
        }
        _ if TOOLS.contains(&name) => return Some(Software::Tool),
        _ => {} // one of the tables may have it
    }
    let http = HTTP.iter().find(|(names, ..)| is_of(names));
    let http = http.map(|(_, port, path)| Software::Http { port: *port, path, expect: None });
    http.or_else(|| TCP.iter().find(|(names, _)| is_of(names)).map(|(_, port)| Software::Tcp(*port)))
}
