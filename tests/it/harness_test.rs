//! Tests of the harness: each server starts and answers.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::Command;
use std::time::{Duration, Instant};

use crate::harness::{self, Project, Request, Response};

#[test]
fn postgresql_starts_and_each_database_is_new() {
    let postgres = harness::postgres();
    assert_eq!(postgres.psql(&postgres.url(), "SELECT current_user, current_database()"), "gate|gate");
    let (one, two) = (postgres.new_database(), postgres.new_database());
    assert_ne!(one, two);
    assert_eq!(postgres.psql(&one, "SELECT count(*) FROM pg_stat_user_tables"), "0");
}

#[test]
fn postgresql_wants_its_password() {
    let url = harness::postgres().url().replace("p%40ss", "wrong");
    let refused = Command::new("psql").args([&url, "-c", "SELECT 1"]).output().expect("psql is installed");
    assert!(String::from_utf8_lossy(&refused.stderr).contains("password authentication failed"));
}

#[test]
fn redis_starts_and_answers() {
    assert_eq!(harness::redis().ask("PING"), "+PONG");
}

#[test]
fn redis_is_brought_into_the_state_that_its_arguments_say() {
    let full = harness::redis_with(&["--maxmemory", "1", "--maxmemory-policy", "noeviction"]);
    assert!(full.ask("SET key value").starts_with("-OOM"));
    let orphan = harness::redis_with(&["--replicaof", "127.0.0.1 1", "--replica-serve-stale-data", "no"]);
    assert!(orphan.ask("PING").starts_with("-MASTERDOWN"));
    let single = harness::redis_with(&["--maxclients", "1"]);
    assert_eq!(single.ask("PING"), "+PONG");
}

#[test]
fn http_answers_with_what_the_test_returns_and_remembers_what_was_asked() {
    let server = harness::http(|request: Request| Response::text(&request.path).status(418));
    let answer = exchange(
        server.port(),
        "POST /a/b?c=d HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 2\r\n\r\nhi",
    );
    assert!(answer.starts_with("HTTP/1.1 418"), "{answer}");
    assert!(answer.ends_with("/a/b"), "{answer}");
    let [request] = server.requests().try_into().expect("one was asked");
    assert_eq!((request.method.as_str(), request.query.as_str(), request.text().as_str()), ("POST", "c=d", "hi"));
    assert_eq!((request.header("host"), request.parameter("c")), (Some("x"), Some("d".into())));
}

#[test]
fn http_answers_no_sooner_than_the_test_says() {
    let server = harness::http(|_| Response::empty(204).delayed(Duration::from_millis(60)));
    let start = Instant::now();
    exchange(server.port(), "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    assert!(start.elapsed() >= Duration::from_millis(60));
}

#[test]
fn raw_does_what_the_test_does() {
    let server = harness::raw(|mut stream| stream.write_all(b"HTTP/1.1 200 O").expect("the client reads"));
    assert_eq!(exchange(server.port(), ""), "HTTP/1.1 200 O");
    assert_eq!(server.connections(), 1);
}

#[test]
fn pgbouncer_pools_transactions_before_the_same_databases() {
    let (postgres, pgbouncer) = (harness::postgres(), harness::pgbouncer());
    let database = postgres.new_database();
    postgres.psql(&database, "CREATE TABLE seen (n int); INSERT INTO seen VALUES (7)");
    assert_eq!(postgres.psql(&pgbouncer.url_for(&database), "SELECT n FROM seen"), "7");
    assert!(postgres.psql(&pgbouncer.url_for("pgbouncer"), "SHOW CONFIG").contains("pool_mode|transaction"));
}

#[test]
fn pgbouncer_without_a_server_behind_it_takes_clients_all_the_same() {
    let pgbouncer = harness::pgbouncer_before(harness::free_port());
    assert!(harness::postgres().psql(&pgbouncer.url_for("pgbouncer"), "SHOW VERSION").starts_with("PgBouncer"));
}

#[test]
fn mariadb_starts_and_each_database_is_new() {
    let mariadb = harness::mariadb();
    assert_eq!(mariadb.sql(&mariadb.url(), "SELECT substring_index(user(), '@', 1), database()"), "gate\tgate");
    assert_eq!(mariadb.sql(&mariadb.new_database(), "SHOW TABLES"), "");
}

#[test]
fn redis_behind_tls_lets_in_who_has_the_password() {
    let redis = harness::tls_redis();
    let answer = Command::new(harness::program("redis-cli"))
        .args(["--tls", "--cacert", &redis.ca().display().to_string(), "-u", &redis.url(), "ping"])
        .output()
        .expect("redis-cli comes with the server");
    assert_eq!(String::from_utf8_lossy(&answer.stdout), "PONG\n");
}

#[test]
fn prometheus_knows_its_metrics_at_this_moment() {
    let query = |query: &str| -> Vec<String> {
        let port = harness::prometheus().url().rsplit(':').next().and_then(|port| port.parse().ok()).expect("a port");
        let answer = harness::get(port, &format!("/api/v1/query?query={query}")).expect("it answers");
        let answer: serde_json::Value = serde_json::from_str(&answer).expect("it is JSON");
        let samples = answer["data"]["result"].as_array().expect("it is a vector");
        samples.iter().map(|sample| sample["value"][1].as_str().expect("a value").to_owned()).collect()
    };
    assert_eq!(query("redis_connected"), ["1"]);
    assert_eq!(query("sum(aos_traces_total)"), ["414"]);
    assert_eq!(query("aos_error_ratio"), ["NaN"]);
    assert_eq!(query("sort(instance_up)"), ["0", "1"]);
    assert_eq!(query("count(time()-timestamp(backup_success)>=600)"), ["1"]);
    assert_eq!(query("no_such_metric"), Vec::<String>::new());
}

#[test]
fn alertmanager_runs_alone_or_settles_in_a_cluster() {
    let status = |url: String| {
        let port = url.rsplit(':').next().and_then(|port| port.parse().ok()).expect("a port");
        let answer = harness::get(port, "/api/v2/status").expect("it answers");
        let answer: serde_json::Value = serde_json::from_str(&answer).expect("it is JSON");
        answer["cluster"]["status"].as_str().expect("it has one").to_owned()
    };
    assert_eq!(status(harness::alertmanager().url()), "disabled");
    assert_eq!(status(harness::alertmanager_with(&[]).url()), "settling");
}

#[test]
fn nginx_allows_sixty_requests_and_no_more() {
    let nginx = harness::nginx("location / { limit_req zone=free burst=59 nodelay; try_files /index.html =404; }");
    let passed = (0..65).filter(|_| harness::get(nginx.port, "/").is_some()).count();
    assert_eq!(passed, 60);
}

#[test]
fn nginx_speaks_tls_with_a_certificate_of_the_tests() {
    let authority = harness::Authority::new();
    let nginx = harness::nginx_tls(&authority.issue(), "");
    let curl = |arguments: &[&str]| {
        let output = Command::new(harness::program("curl")).args(["-sS", &nginx.url()]).args(arguments).output();
        String::from_utf8_lossy(&output.expect("curl is installed").stdout).into_owned()
    };
    assert_eq!(curl(&["--cacert", &authority.ca().display().to_string()]), "ok\n");
    assert_eq!(curl(&[]), "");
}

#[test]
fn no_server_outlives_the_value_that_holds_it() {
    let redis = harness::redis_with(&[]);
    let port = redis.port;
    assert!(TcpStream::connect(("127.0.0.1", port)).is_ok());
    drop(redis);
    assert!(TcpStream::connect(("127.0.0.1", port)).is_err());
}

#[test]
fn gate_runs_with_nothing_of_our_environment() {
    let project = Project::new("title: T").file("a/b", "c");
    assert_eq!((project.read("checklists/staging.yaml").as_str(), project.read("a/b").as_str()), ("title: T\n", "c"));
    let mut command = project.command(&[]).command();
    let variables = command.get_envs().map(|(name, _)| name.to_owned()).collect::<Vec<_>>();
    assert_eq!(variables, ["HOME", "LANG", "PATH", "TZ"]);
    assert!(command.status().is_ok());
}

fn exchange(port: u16, question: &str) -> String {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).expect("the server listens");
    stream.write_all(question.as_bytes()).expect("the server reads");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("the server closes");
    answer
}
