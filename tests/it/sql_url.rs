//! The parameters of a database URL are obeyed: sockets, TLS and its fallbacks, logins, and limits of the server.

use std::path::Path;
use std::sync::LazyLock;
use std::time::Duration;

use gate::probe::sql::Sql;
use serde_json::{Value, json};

use crate::harness::{self, Authority, Certificate, Postgres};
use crate::observe::{context, observe, observe_in, refused};
use crate::tls::odd_certificates;

/// Roles with one login method each.
const ACCESS: &str = "
hostssl   all tls_only   127.0.0.1/32 trust
hostnossl all plain_only 127.0.0.1/32 trust
host      all clear      127.0.0.1/32 password
local     all clear                   password";

/// A server with a self-signed certificate.
static SERVER: LazyLock<(Certificate, Postgres)> = LazyLock::new(|| {
    let certificate = Certificate::self_signed();
    let server = harness::postgres_with(Some(&certificate), ACCESS, &["listen_addresses=127.0.0.1,::1"]);
    server.psql(
        &server.url(),
        "CREATE ROLE tls_only LOGIN; CREATE ROLE plain_only LOGIN; CREATE ROLE clear LOGIN PASSWORD 'secret'",
    );
    (certificate, server)
});

const HAS_TLS: &str = "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()";

fn value(settings: Value) -> Result<Value, String> {
    observe::<Sql>(settings).map(|seen| seen.value.unwrap_or_default())
}

/// Whether the connection has TLS, or the first line of the error.
fn tls(login: &str, parameters: &str) -> Result<Value, String> {
    let url = format!("postgres://{login}@127.0.0.1:{}/gate{parameters}", SERVER.1.port());
    value(json!({ "url": url, "query": HAS_TLS }))
}

/// Encoded as a part of a URL.
fn encoded(path: &Path) -> String {
    path.display().to_string().replace('/', "%2F")
}

#[test]
fn a_postgresql_socket_is_found_in_every_form() {
    let (folder, port) = (SERVER.1.folder(), SERVER.1.port());
    for url in [
        format!("postgres://gate:p%40ss@/gate?host={}&port={port}", folder.display()),
        format!("postgresql+psycopg://gate:p%40ss@:{port}/gate?host={}", encoded(folder)),
        format!("postgres://gate:p%40ss@{}:{port}/gate", encoded(folder)),
        format!("postgres:///gate?user=gate&password=p%40ss&host={}&port={port}", folder.display()),
    ] {
        assert_eq!(
            value(json!({ "url": url, "query": "SELECT inet_client_addr() IS NULL" })),
            Ok(json!(true)),
            "{url}"
        );
    }
}

#[test]
fn a_mariadb_socket_is_found_in_every_form() {
    let socket = harness::mariadb().folder().join("socket");
    for url in [
        format!("mysql://gate:p%40ss@/gate?socket={}", socket.display()),
        format!("mysql+pymysql://gate:p%40ss@localhost/gate?unix_socket={}", socket.display()),
        format!("mysql://gate:p%40ss@{}/gate", encoded(&socket)),
    ] {
        let host = value(json!({ "url": url, "query": "SELECT substring_index(user(), '@', -1)" }));
        assert_eq!(host, Ok(json!("localhost")), "{url}");
    }
}

#[test]
fn an_address_of_ipv6_is_taken_without_its_brackets() {
    let port = SERVER.1.port();
    let ask = |parameters: &str| {
        let url = format!("postgres://gate:p%40ss@[::1]:{port}/gate{parameters}");
        value(json!({ "url": url, "query": "SELECT host(inet_client_addr())" }))
    };
    assert_eq!(ask(""), Ok(json!("::1")));
    let error = ask("?sslmode=verify-full").expect_err("the issuer is unknown");
    assert!(error.contains(&format!("[::1]:{port} is self-signed")), "{error}");
}

#[test]
fn tls_is_used_where_it_is_offered_and_left_where_it_is_refused() {
    for (login, parameters, expected) in [
        ("gate:p%40ss", "", true),
        ("gate:p%40ss", "?sslmode=disable", false),
        ("gate:p%40ss", "?sslmode=allow", false),
        ("plain_only", "?sslmode=prefer", false),
        ("tls_only", "?sslmode=allow", true),
        ("tls_only", "?sslmode=prefer", true),
    ] {
        assert_eq!(tls(login, parameters), Ok(json!(expected)), "{login} {parameters}");
    }
    for (login, parameters) in [("tls_only", "?sslmode=disable"), ("plain_only", "?sslmode=require")] {
        tls(login, parameters).expect_err("it is not allowed");
    }
}

#[test]
fn a_certificate_that_issued_itself_is_trusted_where_it_is_named() {
    let (certificate, server) = &*SERVER;
    let ca = certificate.certificate.display().to_string();
    for parameters in [format!("?sslrootcert={ca}&sslmode=verify-full"), format!("?sslrootcert={ca}&sslmode=verify-ca")]
    {
        assert_eq!(tls("tls_only", &parameters), Ok(json!(true)), "{parameters}");
    }
    let ask = |ca: &Path, sslmode: &str| {
        let url = format!("postgres://tls_only@127.0.0.1:{}/gate{sslmode}", server.port());
        value(json!({ "url": url, "query": HAS_TLS, "ca": ca }))
    };
    for sslmode in ["", "?sslmode=prefer", "?sslmode=require", "?ssl=true"] {
        assert_eq!(ask(&certificate.certificate, sslmode), Ok(json!(true)), "{sslmode}");
    }
    let error = ask(&Certificate::self_signed().certificate, "").expect_err("it is another one");
    assert!(error.contains("is self-signed") && error.contains("set `ca` to the file of this certificate"), "{error}");
    tls("tls_only", "?sslmode=require").expect_err("the issuer is unknown");
}

#[test]
fn a_certificate_of_any_kind_is_trusted_where_it_is_named_itself() {
    for own in odd_certificates() {
        let postgres = harness::postgres_with(Some(&own), "", &[]);
        let mariadb = harness::mariadb_with(Some(&own), &[]);
        let name = own.certificate.display();
        for (url, query) in [
            (postgres.url(), HAS_TLS),
            (
                mariadb.url(),
                "SELECT count(*) FROM information_schema.session_status WHERE variable_name = 'Ssl_cipher' AND variable_value <> ''",
            ),
        ] {
            let ask = |ca: Option<&Path>| value(json!({ "url": url, "query": query, "ca": ca }));
            let has_tls = ask(Some(&own.certificate)).unwrap_or_else(|error| panic!("{name} {url}: {error}"));
            assert!([json!(true), json!(1)].contains(&has_tls), "{name} {url}: {has_tls}");
            ask(Some(&Certificate::self_signed().certificate)).expect_err("it is another one");
        }
    }
}

#[test]
fn a_client_certificate_is_sent_where_the_url_names_one() {
    let authority = Authority::new();
    let access = "hostssl all certified 127.0.0.1/32 trust clientcert=verify-ca";
    let ca_file = format!("ssl_ca_file={}", authority.ca().display());
    let server = harness::postgres_with(Some(&authority.issue()), access, &[&ca_file]);
    server.psql(&server.url(), "CREATE ROLE certified LOGIN");
    let url = format!("postgres://certified@127.0.0.1:{}/gate?sslmode=require", server.port());
    let ask = |url: &str| value(json!({ "url": url, "query": HAS_TLS, "ca": authority.ca() }));
    assert_eq!(
        ask(&url).expect_err("it has none").replace(&server.port().to_string(), "PORT"),
        "127.0.0.1:PORT requires a client certificate: connection requires a valid client certificate: SQLSTATE 28000\n\
         help: add `sslcert=FILE&sslkey=FILE` to the URL"
    );
    let own = authority.issue_for("client", &["client.example"], (4096, 1, 1));
    let with = |own: &Certificate| format!("{url}&sslcert={}&sslkey={}", own.certificate.display(), own.key.display());
    assert_eq!(ask(&with(&own)), Ok(json!(true)));
    assert_eq!(
        ask(&with(&Certificate::self_signed())).expect_err("the issuer is unknown").lines().next(),
        Some(&*format!("127.0.0.1:{} requires a client certificate from an issuer that it trusts", server.port()))
    );
}

#[test]
fn a_pooler_that_wants_tls_is_named_as_such() {
    let certificate = Certificate::self_signed();
    let pooler = harness::pgbouncer_with_tls(&certificate);
    let ask = |parameters: &str, ca: Option<&Path>| {
        value(json!({ "url": format!("{}{parameters}", pooler.url()), "query": "SELECT 7", "ca": ca }))
    };
    assert_eq!(
        ask("?sslmode=disable", None).expect_err("it requires TLS").replace(&pooler.port().to_string(), "PORT"),
        "127.0.0.1:PORT does not accept a login without TLS: SSL required: SQLSTATE 08P01\n\
         help: set `sslmode=require` in the URL"
    );
    for (parameters, ca) in
        [("", None), ("?sslmode=allow", None), ("?sslmode=require", Some(&*certificate.certificate))]
    {
        assert_eq!(ask(parameters, ca), Ok(json!(7)), "{parameters}");
    }
}

#[test]
fn mariadb_with_tls_is_asked_for_it_in_every_form() {
    let certificate = Certificate::self_signed();
    let server = harness::mariadb_with(Some(&certificate), &[]);
    let ask = |parameters: &str, ca: Option<&Path>| {
        let settings = json!({ "url": format!("{}{parameters}", server.url()), "query": "SHOW STATUS LIKE 'Ssl_cipher'", "ca": ca });
        observe::<Sql>(settings).map(|seen| seen.rows[0]["Value"] != json!(""))
    };
    let ca = Some(certificate.certificate.as_path());
    for (parameters, ca, expected) in [
        ("", None, true),
        ("?ssl-mode=DISABLED", None, false),
        ("?ssl=false", None, false),
        ("?ssl=true", ca, true),
        ("?tls=true", ca, true),
        ("?ssl_mode=VERIFY_IDENTITY", ca, true),
        ("?sslmode=verify-ca", ca, true),
        ("", ca, true),
    ] {
        assert_eq!(ask(parameters, ca), Ok(expected), "{parameters}");
    }
    assert!(ask("?ssl=true", None).is_err_and(|error| error.contains("is self-signed")));
    server.sql(
        &server.url(),
        "CREATE USER tls_only@'%' IDENTIFIED BY 'p@ss' REQUIRE SSL; GRANT SELECT ON gate.* TO tls_only@'%'",
    );
    let ask = |parameters: &str| {
        let url = server.url().replace("gate:", "tls_only:");
        value(json!({ "url": format!("{url}{parameters}"), "query": "SELECT 7" }))
    };
    assert_eq!(ask(""), Ok(json!(7)));
    assert!(ask("?ssl-mode=DISABLED").is_err_and(|error| error.contains("REQUIRE SSL needs `ssl-mode=REQUIRED`")));
}

#[test]
fn a_clear_text_password_is_sent_only_over_safe_connections_or_on_request() {
    let (certificate, server) = &*SERVER;
    let error = tls("clear:secret", "?sslmode=disable").expect_err("the connection is not encrypted");
    assert!(error.contains("in clear text") && error.contains("require_auth=password"), "{error}");
    assert_eq!(tls("clear:secret", "?sslmode=disable&require_auth=password"), Ok(json!(false)));
    let ca = certificate.certificate.display();
    assert_eq!(tls("clear:secret", &format!("?sslmode=verify-full&sslrootcert={ca}")), Ok(json!(true)));
    let error = tls("clear:secret", &format!("?sslmode=require&sslrootcert={ca}&require_auth=scram-sha-256"));
    assert!(error.is_err_and(|error| error.contains("login method `password`")));
    let socket = format!("postgres://clear:secret@{}:{}/gate", encoded(server.folder()), server.port());
    assert_eq!(value(json!({ "url": socket, "query": "SELECT 1" })), Ok(json!(1)));
}

#[test]
fn a_parameter_that_is_not_obeyed_is_an_error() {
    let problem = |url: &str| refused::<Sql>(json!({ "url": url, "query": "SELECT 1" }));
    for (url, expected) in [
        ("postgres://h/db?sslmod=verify-full", "`sslmod` is not supported: did you mean `sslmode`?"),
        ("postgres://h/db?sslmode=strict", "`sslmode` must be `disable`, `allow`"),
        ("postgres://h/db?target_session_attrs=read-write", "`target_session_attrs` must be `any`"),
        ("postgres://h/db?sslaccept=strict", "use `sslmode=verify-full`"),
        ("postgres://h/db?channel_binding=require", "`channel_binding` must be"),
        ("postgres://h/db?schema=app", "as in `app.users`"),
        ("postgres://h/db?service=prod", "`service` is not supported: write host"),
        ("postgres://h/db?sslmode=disable&ssl=true", "two different values"),
        ("postgres://h1,h2/db", "several hosts"),
        ("postgres://u:p@h1:5432,h2:5432/db", "several hosts"),
        ("postgres:///db?host=h1,h2", "several hosts"),
        ("mysql://h/db?ssl={\"rejectUnauthorized\":true}", "`ssl` must be `true` or `false`"),
        ("mysql://h/db?tls=skip-verify", "`tls` must be `true` or `false`"),
        ("mysql://h/db?ssl-mod=REQUIRED", "did you mean `ssl-mode`?"),
        ("mysql://h/db?time_zone=Europe/Berlin", "times are shown in UTC"),
        ("mysql://h/db?sslaccept=strict", "ssl-mode=VERIFY_IDENTITY"),
        ("sqlite:///app.db?mod=ro", "did you mean `mode`?"),
    ] {
        let said = problem(url);
        assert!(said.contains(expected), "{url}: {said}");
    }
}

#[test]
fn a_shorter_limit_of_the_server_is_kept() {
    let server = harness::postgres();
    let url = server.new_database();
    server.psql(
        &url,
        &format!("ALTER DATABASE {} SET statement_timeout = '1500ms'", url.rsplit('/').next().unwrap_or_default()),
    );
    let cx = context(Path::new("/"), &[]).with_timeout(Duration::from_secs(20));
    let limit = |url: &str, name: &str| {
        let seen = observe_in::<Sql>(
            &cx,
            json!({ "url": url, "query": format!("SELECT current_setting('{name}')::interval") }),
        );
        seen.map(|seen| seen.value.unwrap_or_default())
    };
    for url in [&url, &harness::pgbouncer().url_for(&url)] {
        assert_eq!(limit(url, "statement_timeout"), Ok(json!("PT1.5S")), "{url}");
        assert!(
            limit(url, "lock_timeout")
                .is_ok_and(|limit| limit.as_str().is_some_and(|limit| limit.starts_with("PT19.")))
        );
    }
    let server = harness::mariadb();
    let url = server.url().replace("gate:p%40ss", "short:secret");
    server.sql(&server.url(), "CREATE OR REPLACE USER short@'%' IDENTIFIED BY 'secret' WITH MAX_STATEMENT_TIME 1.5; GRANT SELECT ON gate.* TO short@'%'");
    let limit = |url: &str| {
        let seen = observe_in::<Sql>(&cx, json!({ "url": url, "query": "SELECT @@max_statement_time" }));
        seen.map(|seen| seen.value.and_then(|value| value.as_f64()).unwrap_or_default())
    };
    assert_eq!(limit(&url), Ok(1.5));
    assert!(limit(&server.url()).is_ok_and(|limit| limit > 19.0 && limit < 20.0));
}

#[test]
fn a_file_of_the_database_server_is_written_only_on_purpose() {
    let server = harness::mariadb();
    for (number, query) in ["SELECT 1 INTO OUTFILE", "SELECT 1 into /* a */ dumpfile"].into_iter().enumerate() {
        let file = server.folder().join(format!("written-{number}"));
        let query = format!("{query} '{}'", file.display());
        let ask = |writes: bool| observe::<Sql>(json!({ "url": server.url(), "query": query, "writes": writes }));
        let error = ask(false).expect_err("it writes");
        assert!(error.contains("write a file on the server") && error.contains("`writes: true`"), "{error}");
        assert!(!file.exists());
        ask(true).expect("it may");
        assert!(file.exists());
    }
}
