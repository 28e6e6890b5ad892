//! Redis servers in many states: healthy, replica, full, failing, loading, protected, or not Redis.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::time::{Duration, Instant};

use gate::probe::Probe;
use gate::probe::redis::{Redis, RedisSeen, Role};
use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::harness::{self, free_port, redis_with};
use crate::observe::{context, observe, observe_in, probe, refused};

/// The report about a server: the evidence, with `VERSION` for its version, and the advice.
fn reported(url: &str, write: bool) -> String {
    let settings = json!({ "url": url, "write": write });
    let seen = observe::<Redis>(settings.clone()).unwrap_or_else(|error| panic!("it can be observed: {error}"));
    let probe: Redis = probe(settings);
    let version = seen.version.as_deref().unwrap_or("(absent)");
    format!("{} | {}", probe.evidence(&seen).replace(version, "VERSION"), probe.advice(&seen).unwrap_or_default())
}

/// The error, with `PORT` for the port.
fn error(url: &str, port: u16) -> String {
    observe::<Redis>(json!({ "url": url })).expect_err("it can't be observed").replace(&port.to_string(), "PORT")
}

fn seen(url: &str) -> RedisSeen {
    observe::<Redis>(json!({ "url": url })).unwrap_or_else(|error| panic!("it can be observed: {error}"))
}

#[test]
fn a_server_that_is_well_answers_and_says_what_it_is() {
    let url = harness::redis().url();
    assert_snapshot!(reported(&url, false), @"PONG, master, VERSION |");
    let seen = seen(&url);
    assert_eq!((seen.pong, seen.role, seen.loading, seen.writable), (true, Some(Role::Master), Some(false), None));
    assert_eq!((seen.maxmemory, seen.error), (Some(0), None));
    assert!(seen.version.is_some_and(|version| version.starts_with(|c: char| c.is_ascii_digit())));
    assert!(seen.used_memory.is_some_and(|bytes| bytes > 0));
    assert!(seen.persistence.is_some_and(|persistence| persistence.last_save_ok == Some(true)));
}

#[test]
fn a_write_is_read_back_and_leaves_nothing_behind() {
    let redis = redis_with(&[]);
    assert_snapshot!(reported(&redis.url(), true), @"PONG, master, VERSION, writable |");
    assert_snapshot!(redis.ask("DBSIZE"), @":0");
}

#[test]
fn a_write_goes_to_the_database_of_the_url_and_a_database_that_is_not_there_is_named() {
    let redis = redis_with(&["--databases", "4"]);
    assert_snapshot!(reported(&format!("{}/3", redis.url()), true), @"PONG, master, VERSION, writable |");
    assert_snapshot!(error(&format!("{}/4", redis.url()), redis.port), @"
    database 4 of 127.0.0.1:PORT does not exist
    help: the server's setting `databases` limits the number
    ");
}

#[test]
fn a_replica_answers_but_takes_no_write() {
    let master = harness::redis().port.to_string();
    let replica = redis_with(&["--replicaof", "127.0.0.1", &master]);
    assert_snapshot!(reported(&replica.url(), true), @"PONG, replica, VERSION, not writable (READONLY) | it is a replica: connect to its master");
}

#[test]
fn a_replica_without_its_master_is_seen_as_such() {
    let port = closed_port().to_string();
    let replica = redis_with(&["--replicaof", "127.0.0.1", &port, "--replica-serve-stale-data", "no"]);
    assert_snapshot!(reported(&replica.url(), false), @"MASTERDOWN, replica, VERSION | it is a replica that has lost its master, and may not serve old data: see to the master");
    assert_eq!(seen(&replica.url()).master_link_up, Some(false));
}

#[test]
fn a_full_server_answers_but_takes_no_write() {
    let full = redis_with(&["--maxmemory", "1", "--maxmemory-policy", "noeviction"]);
    assert_snapshot!(reported(&full.url(), true), @"PONG, master, VERSION, not writable (OOM) | its memory is full and `maxmemory-policy` evicts nothing: raise `maxmemory` or remove keys");
    assert_eq!(seen(&full.url()).maxmemory_policy.as_deref(), Some("noeviction"));
}

#[test]
fn a_server_that_cannot_save_refuses_ping_too() {
    let directory = harness::directory("redis-data");
    let redis = redis_with(&["--dir", text(&directory), "--save", "3600 1"]);
    std::fs::create_dir(directory.join("dump.rdb")).expect("the directory is writable");
    assert_snapshot!(redis.ask("BGSAVE"), @"+Background saving started");
    until(|| redis.ask("PING").starts_with("-MISCONF"));
    assert_snapshot!(reported(&redis.url(), true), @"MISCONF, master, VERSION, not writable (MISCONF) | its last snapshot failed, so it takes no writes: its log says why; often the disk is full");
    assert!(seen(&redis.url()).persistence.is_some_and(|persistence| persistence.last_save_ok == Some(false)));
}

#[test]
fn a_server_that_is_still_loading_says_so() {
    let directory = harness::directory("redis-data");
    let first = redis_with(&["--dir", text(&directory), "--enable-debug-command", "yes"]);
    assert_snapshot!(first.ask("DEBUG POPULATE 5000 key 1000"), @"+OK");
    assert_snapshot!(first.ask("SAVE"), @"+OK");
    drop(first);
    let slowly = ["--key-load-delay", "10000", "--loading-process-events-interval-bytes", "1024"];
    let loading = redis_with(&[["--dir", text(&directory)].as_slice(), &slowly].concat());
    assert_snapshot!(reported(&loading.url(), true), @"LOADING, master, VERSION, not writable (LOADING) | it is reading its data from the disk after a start: look again later, as `eventually` does");
    assert_eq!(seen(&loading.url()).loading, Some(true));
}

#[test]
fn a_server_with_all_its_clients_says_so() {
    let redis = redis_with(&["--maxclients", "1"]);
    let mut only = TcpStream::connect(("127.0.0.1", redis.port)).expect("it listens");
    only.write_all(b"PING\r\n").expect("it reads");
    only.read_exact(&mut [0; 7]).expect("it answers the first");
    assert_snapshot!(error(&redis.url(), redis.port), @"
    127.0.0.1:PORT has its maximum number of clients
    help: `CLIENT LIST` shows whose they are; is `maxclients` too low?
    ");
}

#[test]
fn a_missing_and_a_wrong_password_have_different_errors() {
    let redis = redis_with(&["--requirepass", "p@ss/word"]);
    let at = |user: &str| format!("redis://{user}127.0.0.1:{}", redis.port);
    assert_snapshot!(error(&at(""), redis.port), @r#"
    127.0.0.1:PORT requires a password, and the URL has none (NOAUTH)
    help: the URL is redis://:PASSWORD@HOST or redis://USER:PASSWORD@HOST, percent-encoded; keep it in a secret, such as `url: "${secrets.REDIS_URL}"`
    "#);
    assert_snapshot!(error(&at(":wrong@"), redis.port), @"
    127.0.0.1:PORT does not accept this password (WRONGPASS)
    help: is this the current password, percent-encoded as a URL needs it, and is the user there and enabled?
    ");
    assert_snapshot!(error(&at("gate:p%40ss%2Fword@"), redis.port), @"
    127.0.0.1:PORT does not accept user `gate` and this password (WRONGPASS)
    help: is this the current password, percent-encoded as a URL needs it, and is the user there and enabled?
    ");
    assert_snapshot!(reported(&at(":p%40ss%2Fword@"), true), @"PONG, master, VERSION, writable |");
    assert_snapshot!(reported(&at("default:p@ss%2Fword@"), false), @"PONG, master, VERSION |");
}

#[test]
fn a_password_for_a_server_without_one_is_an_error() {
    let redis = harness::redis();
    let url = format!("redis://:secret@127.0.0.1:{}", redis.port);
    assert_snapshot!(error(&url, redis.port), @"
    127.0.0.1:PORT has no password set, and the URL has one
    help: is it the right server? Without a password, everyone can use it
    ");
}

#[test]
fn a_missing_permission_of_a_user_is_named() {
    let users = ["pinger on >p@ss +ping", "nobody on >p@ss", "reader on >p@ss ~* +@read +ping"];
    let users: Vec<&str> = users.iter().flat_map(|user| ["--user"].into_iter().chain(user.split(' '))).collect();
    let redis = redis_with(&users);
    let at = |user: &str| format!("redis://{user}:p%40ss@127.0.0.1:{}", redis.port);
    assert_snapshot!(reported(&at("pinger"), false), @"PONG |");
    assert_snapshot!(reported(&at("reader"), true), @"PONG, not writable (NOPERM) | the user may not write: permit `+set +get +del ~gate:probe:*`, or leave `write` out");
    let refused = error(&at("nobody"), redis.port);
    // The text after NOPERM differs between versions.
    let (first, help) = refused.split_once('\n').expect("there is help");
    assert!(first.starts_with("user `nobody` may not do this at 127.0.0.1:PORT: NOPERM "), "{first}");
    assert!(first.contains("'ping'"), "{first}");
    assert_snapshot!(help, @"help: permit it: `ACL SETUSER nobody +ping`, and `+info` to see more");
}

#[test]
fn a_closed_port_and_an_unknown_name_have_different_errors() {
    let port = closed_port();
    assert_snapshot!(error(&format!("redis://127.0.0.1:{port}"), port), @"
    127.0.0.1:PORT refused the connection
    help: nothing listens there: is it running, and is this the right port?
    ");
    let unknown = error("redis://:s3cr3t@no-such-host.invalid", 6379);
    assert!(unknown.starts_with("cannot resolve `no-such-host.invalid`"), "{unknown}");
}

#[test]
fn another_server_than_redis_is_reported_as_such() {
    let server = harness::http(|_| harness::Response::ok("hello"));
    let http = server.port();
    assert_snapshot!(error(&format!("redis://127.0.0.1:{http}"), http), @"
    what answers at 127.0.0.1:PORT is an HTTP server, not Redis
    help: is this the right port? some services have a REST address and a Redis address
    ");
    let ssh = harness::raw(|mut stream| drop(stream.write_all(b"SSH-2.0-OpenSSH_9.2\r\n")));
    assert_snapshot!(error(&format!("redis://127.0.0.1:{}", ssh.port()), ssh.port()), @"
    what answers at 127.0.0.1:PORT is not Redis: it said `SSH-2.0-OpenSSH_9.2`
    help: is this the right port?
    ");
    let mute = harness::raw(drop);
    assert_snapshot!(error(&format!("redis://127.0.0.1:{}", mute.port()), mute.port()), @"
    127.0.0.1:PORT closed the connection without an answer
    help: a proxy without a server behind it, or a server that is shutting down?
    ");
}

#[test]
fn silence_ends_with_the_timeout_in_words_of_its_own() {
    let silent = harness::raw(|mut stream| drop(stream.read_to_end(&mut Vec::new())));
    let cx = context(Path::new("/"), &[]).with_timeout(Duration::from_millis(400));
    for scheme in ["redis", "rediss"] {
        let start = Instant::now();
        let url = format!("{scheme}://127.0.0.1:{}", silent.port());
        let error = observe_in::<Redis>(&cx, json!({ "url": url })).expect_err("it never answers");
        assert!(start.elapsed() < Duration::from_secs(1), "{scheme}");
        assert!(error.contains(" in time\nhelp: it accepted the connection: is it hung"), "{error}");
    }
}

#[test]
fn tls_to_a_server_without_it_is_reported() {
    let redis = harness::redis();
    assert_snapshot!(error(&format!("rediss://127.0.0.1:{}", redis.port), redis.port), @"
    127.0.0.1:PORT is a Redis without TLS, and the URL uses TLS
    help: is this the TLS port? without TLS the URL begins with redis://
    ");
}

#[test]
fn a_connection_without_tls_to_a_tls_server_is_reported() {
    let redis = harness::tls_redis();
    assert_snapshot!(error(&redis.url().replace("rediss", "redis"), redis.port()), @"
    127.0.0.1:PORT requires TLS, and the URL does not use it
    help: write rediss:// instead of redis://
    ");
}

#[test]
fn over_tls_the_certificate_is_verified_unless_insecure() {
    let redis = harness::tls_redis();
    assert_snapshot!(error(&redis.url(), redis.port()), @"
    the certificate of 127.0.0.1:PORT is from an unknown issuer
    help: name the issuer's certificate with `ca: FILE`, or disable verification with `insecure: true`
    ");
    let reported = |settings| {
        let seen = observe::<Redis>(settings).unwrap_or_else(|error| panic!("it can be observed: {error}"));
        (seen.pong, seen.writable)
    };
    assert_eq!(reported(json!({ "url": redis.url(), "ca": redis.ca(), "write": true })), (true, Some(true)));
    assert_eq!(reported(json!({ "url": redis.url(), "insecure": true })), (true, None));
    let error =
        observe::<Redis>(json!({ "url": redis.url(), "ca": "/no/such.pem" })).expect_err("the file does not exist");
    assert_snapshot!(error, @"
    file `/no/such.pem` not found
    help: check the path: a relative one starts at the folder that contains `checklists/`
    ");
}

#[test]
fn a_server_that_is_named_by_its_parts_is_spoken_of_by_them() {
    let redis = redis_with(&["--requirepass", "secret"]);
    let at = |settings: Value| {
        let mut all = json!({ "host": "127.0.0.1", "port": redis.port });
        all.as_object_mut().expect("it is a map").extend(settings.as_object().expect("it is a map").clone());
        let error = observe::<Redis>(all).expect_err("it can't be observed");
        error.replace(&redis.port.to_string(), "PORT")
    };
    assert_snapshot!(at(json!({})), @r#"
    127.0.0.1:PORT requires a password, and none is set (NOAUTH)
    help: set `password: "${secrets.REDIS_PASSWORD}"`, and declare that name under `secrets:`
    "#);
    assert_snapshot!(at(json!({ "password": "wrong" })), @"
    127.0.0.1:PORT does not accept this password (WRONGPASS)
    help: is this the current password, and is the user there and enabled?
    ");
    assert_snapshot!(at(json!({ "tls": true })), @"
    127.0.0.1:PORT is a Redis without TLS, and `tls` is set
    help: is this the TLS port? else remove `tls`
    ");
}

#[test]
fn over_tls_credentials_are_asked_for_too() {
    let redis = harness::tls_redis();
    let at = |user: &str| {
        let url = format!("rediss://{user}127.0.0.1:{}", redis.port());
        let error = observe::<Redis>(json!({ "url": url, "ca": redis.ca() })).expect_err("access is refused");
        error.replace(&redis.port().to_string(), "PORT")
    };
    assert_snapshot!(at(""), @r#"
    127.0.0.1:PORT requires a password, and the URL has none (NOAUTH)
    help: the URL is redis://:PASSWORD@HOST or redis://USER:PASSWORD@HOST, percent-encoded; keep it in a secret, such as `url: "${secrets.REDIS_URL}"`
    "#);
    assert_snapshot!(at("gate:wrong@"), @"
    127.0.0.1:PORT does not accept user `gate` and this password (WRONGPASS)
    help: is this the current password, percent-encoded as a URL needs it, and is the user there and enabled?
    ");
}

#[test]
fn a_server_that_requires_a_client_certificate_is_reported() {
    let (authority, port, directory) =
        (harness::Authority::new(), harness::free_port(), harness::directory("redis-mtls"));
    let issued = authority.issue();
    let mut command = std::process::Command::new(harness::program("redis-server"));
    command.current_dir(&directory).args([
        "--bind",
        "127.0.0.1",
        "--save",
        "",
        "--port",
        "0",
        "--tls-auth-clients",
        "yes",
    ]);
    command.args(["--tls-port", &port.to_string()]).arg("--tls-ca-cert-file").arg(authority.ca());
    command.arg("--tls-cert-file").arg(&issued.certificate).arg("--tls-key-file").arg(&issued.key);
    let server = harness::Server::start(command, &directory);
    server.until(|| TcpStream::connect(("127.0.0.1", port)).ok());
    let error = observe::<Redis>(json!({ "url": format!("rediss://127.0.0.1:{port}"), "ca": authority.ca() }));
    assert_snapshot!(error.expect_err("it requires one").replace(&port.to_string(), "PORT"), @"
    127.0.0.1:PORT requires a client certificate
    help: client certificates are not supported
    ");
}

#[test]
fn a_node_of_a_cluster_that_has_failed_is_red_although_it_answers() {
    // The default is the port plus 10000, which may be in use.
    let bus = free_port().to_string();
    let node = redis_with(&["--cluster-enabled", "yes", "--cluster-port", &bus]);
    let broken = seen(&node.url());
    assert_eq!((broken.pong, broken.error.as_deref()), (true, Some("CLUSTERDOWN")));
    assert_snapshot!(reported(&node.url(), false), @"CLUSTERDOWN, master, VERSION | its cluster has slots that nobody serves: `CLUSTER INFO` says more");
    node.ask("CLUSTER ADDSLOTSRANGE 0 16383");
    until(|| node.ask("SET a 1") == "+OK");
    assert_eq!(seen(&node.url()).error, None);
}

#[test]
fn settings_that_cannot_work_are_refused_without_showing_the_url() {
    let words = refused::<Redis>(json!({ "url": "redis://:s3cr3t/x@h" }));
    assert!(words.contains("percent-encoded") && !words.contains("s3cr3t"), "{words}");
}

#[test]
fn a_person_can_repeat_it_with_redis_cli() {
    let probe: Redis = probe(json!({ "url": "rediss://u:p%40ss@h/1", "ca": "ca.pem", "write": true }));
    let argv = probe.reproduce().expect("it can be");
    assert_snapshot!(argv.join(" "), @"redis-cli -u rediss://u:p%40ss@h/1 --cacert ca.pem PING");
    assert!(probe.has_effects());
}

fn closed_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a free port").port()
}

fn text(path: &Path) -> &str {
    path.to_str().expect("our own directories have plain names")
}

fn until(mut is_so: impl FnMut() -> bool) {
    let limit = Instant::now() + Duration::from_secs(10);
    while !is_so() {
        assert!(Instant::now() < limit, "it did not appear in time");
        std::thread::yield_now();
    }
}

#[test]
fn a_server_is_reached_over_its_socket() {
    let folder = harness::directory("redis-socket");
    let socket = folder.join("redis.sock");
    let server = redis_with(&["--unixsocket", &socket.display().to_string(), "--requirepass", "p@ss"]);
    let url = format!("redis+unix://:p%40ss@{}?db=2", socket.display());
    let seen = observe::<Redis>(json!({ "url": url, "write": true })).expect("it answers");
    assert_eq!((seen.pong, seen.writable, seen.host.as_str(), seen.tls), (true, Some(true), "localhost", false));
    drop(server);
    let reported = |path: &Path| {
        let url = format!("redis+unix://{}", path.display());
        observe::<Redis>(json!({ "url": url }))
            .expect_err("no answer comes")
            .replace(&folder.display().to_string(), "DIR")
    };
    assert_snapshot!(reported(&socket), @"
    `DIR/redis.sock` refused the connection
    help: nothing listens there: is it running, and is this the right port?
    ");
    assert_snapshot!(reported(&folder.join("none")), @"
    socket `DIR/none` not found
    help: is Redis running, and what does its `unixsocket` say?
    ");
}
