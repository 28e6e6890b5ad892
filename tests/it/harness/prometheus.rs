//! Prometheus with two hours of samples around now, generated from text: tests don't wait for a scrape.

use std::fmt::Write;
use std::fs;
use std::process::Command;
use std::sync::LazyLock;
use std::time::{SystemTime, UNIX_EPOCH};

use super::child::Server;
use super::{answer, installed, place};

/// The running server.
pub struct Prometheus {
    port: u16,
    _server: Server,
}

/// Every series, with its value from now on; counters rose to it by 1 a minute. The server also has
/// `backup_success 1`, whose last sample is ten minutes old.
const SERIES: [[&str; 4]; 8] = [
    ["redis_connected", "gauge", "", "1"],
    ["aos_traces", "counter", r#"_total{status="ok"}"#, "400"],
    ["aos_traces", "counter", r#"_total{status="failed"}"#, "14"],
    ["aos_rate_limit_hits", "counter", r#"_total{tier="free"}"#, "65"],
    ["aos_redis_latency_seconds", "gauge", "", "0.004"],
    ["aos_error_ratio", "gauge", "", "NaN"],
    ["instance_up", "gauge", r#"{instance="a"}"#, "1"],
    ["instance_up", "gauge", r#"{instance="b"}"#, "0"],
];

/// The server that all tests share. Started when first asked for.
pub fn prometheus() -> &'static Prometheus {
    installed::program("promtool");
    installed::program("prometheus");
    static SHARED: LazyLock<Prometheus> = LazyLock::new(|| Prometheus::start(&SERIES));
    &SHARED
}

/// A private server with other series: type, the rest of the line after the name, and value.
pub fn prometheus_with(series: &[[&str; 4]]) -> Prometheus {
    installed::program("promtool");
    Prometheus::start(series)
}

/// Whether a real Prometheus accepts each of the pages `/0`, `/1`, … of a server on this port of loopback.
pub fn scraped(port: u16, pages: usize) -> Vec<bool> {
    let directory = place::directory("prometheus-scrape");
    let job = |page: usize| {
        format!(
            "  - {{ job_name: '{page}', metrics_path: /{page}, static_configs: [{{ targets: ['127.0.0.1:{port}'] }}] }}\n"
        )
    };
    let jobs: String = (0..pages).map(job).collect();
    let config = format!("global: {{ scrape_interval: 1s, scrape_timeout: 1s }}\nscrape_configs:\n{jobs}");
    fs::write(directory.join("prometheus.yml"), config).expect("the directory is new");
    let own = place::free_port();
    let mut command = Command::new(installed::program("prometheus"));
    command.current_dir(&directory).args(["--config.file=prometheus.yml", "--storage.tsdb.path=data"]);
    command.arg(format!("--web.listen-address=127.0.0.1:{own}"));
    let server = Server::start(command, &directory);
    server.until(|| {
        let body = answer::get(own, "/api/v1/targets?state=active")?;
        let json: serde_json::Value = serde_json::from_str(&body).ok()?;
        let targets = json["data"]["activeTargets"].as_array()?.clone();
        let health = |page: usize| {
            let job = serde_json::Value::from(page.to_string());
            let target = targets.iter().find(|target| target["labels"]["job"] == job)?;
            target["health"].as_str().filter(|health| *health != "unknown").map(|health| health == "up")
        };
        (0..pages).map(health).collect()
    })
}

impl Prometheus {
    /// `http://127.0.0.1:PORT`.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    fn start(series: &[[&str; 4]]) -> Prometheus {
        let directory = place::directory("prometheus");
        fs::write(directory.join("metrics"), open_metrics(series)).expect("the directory is new");
        fs::write(directory.join("empty.yml"), "{}\n").expect("the directory is new");
        let made = Command::new(installed::program("promtool"))
            .args(["tsdb", "create-blocks-from", "openmetrics", "metrics", "data"])
            .current_dir(&directory)
            .output()
            .expect("promtool is installed");
        assert!(made.status.success(), "promtool: {}", String::from_utf8_lossy(&made.stderr));
        let port = place::free_port();
        let mut command = Command::new(installed::program("prometheus"));
        command.current_dir(&directory).args(["--config.file=empty.yml", "--storage.tsdb.path=data"]);
        command.arg(format!("--web.listen-address=127.0.0.1:{port}"));
        command.arg("--query.lookback-delta=30m"); // keeps `backup_success` in sight
        let server = Server::start(command, &directory);
        server.until(|| answer::get(port, "/-/ready"));
        Prometheus { port, _server: server }
    }
}

/// The samples from an hour ago to an hour ahead, one a minute: a query returns the last one before its own time.
fn open_metrics(series: &[[&str; 4]]) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("the clock is past 1970").as_secs();
    let mut text = String::new();
    let mut line = |line: std::fmt::Arguments| writeln!(text, "{line}").expect("a String takes all");
    let mut last = "";
    for &[name, kind, suffix, value] in series {
        if name != last {
            line(format_args!("# TYPE {name} {kind}"));
            last = name;
        }
        for minute in 0..=120_u64 {
            let time = now + minute * 60 - 3600;
            match value.parse::<u64>() {
                Ok(value) if kind == "counter" => {
                    line(format_args!("{name}{suffix} {} {time}", (value + minute.min(60)).saturating_sub(60)));
                }
                _ => line(format_args!("{name}{suffix} {value} {time}")),
            }
        }
    }
    line(format_args!("# TYPE backup_success gauge\nbackup_success 1 {}\n# EOF", now - 600));
    text
}
