//! Which URLs are supported, and how invalid ones are reported.

use insta::assert_snapshot;

use super::url::{DatabaseUrl, Place};

fn refused(text: &str) -> String {
    DatabaseUrl::parse(text).expect_err("it must be refused")
}

/// The target of a URL: a server with its database, or the paths of a file.
fn understood(text: &str) -> String {
    match DatabaseUrl::parse(text).expect("a valid URL").place() {
        Place::Postgres(url) => format!("postgres {} {}", url.host_str().unwrap_or_default(), url.path()),
        Place::MySql(url) => format!("mysql {} {}", url.host_str().unwrap_or_default(), url.path()),
        Place::Sqlite(file) => match &file.otherwise {
            Some(other) => format!("sqlite {} or {}", file.path.display(), other.display()),
            None => format!("sqlite {}", file.path.display()),
        },
    }
}

#[test]
fn a_driver_of_sqlalchemy_after_a_plus_sign_is_ignored() {
    for scheme in ["postgres", "postgresql", "postgresql+asyncpg", "postgresql+psycopg2", "PostgreSQL+psycopg"] {
        assert_eq!(understood(&format!("{scheme}://u:p@db:5432/app")), "postgres db /app");
    }
    for scheme in ["mysql", "mariadb", "mysql+pymysql", "mariadb+asyncmy"] {
        assert_eq!(understood(&format!("{scheme}://u:p@db/app?charset=utf8mb4")), "mysql db /app");
    }
}

#[test]
fn three_slashes_are_relative_to_sqlalchemy_and_absolute_to_others() {
    assert_snapshot!(understood("sqlite:///data/app.db"), @"sqlite data/app.db or /data/app.db");
    assert_snapshot!(understood("sqlite+aiosqlite:////data/app.db"), @"sqlite /data/app.db");
    assert_snapshot!(understood("sqlite://data/app.db?mode=ro"), @"sqlite data/app.db");
    assert_snapshot!(understood("sqlite:app%20one.db"), @"sqlite app one.db");
}

#[test]
fn a_password_that_is_not_encoded_is_refused_without_being_shown() {
    for text in [
        "postgres://u:se/cret@db/app",
        "postgres://u:12/cret@db/app",
        "mysql://u:se#cret@db/a",
        "postgres://u:1?e@db/a",
    ] {
        let message = refused(text);
        assert!(message.contains("must be percent-encoded") && !message.contains("cret"), "{text}: {message}");
    }
}

#[test]
fn an_unsupported_database_is_reported_with_the_supported_ones() {
    assert_snapshot!(refused("redis://h"), @"unsupported database: the URL must begin with `postgresql://`, `mysql://`, `mariadb://` or `sqlite:`");
    assert_snapshot!(refused("host=db user=u"), @"this is not a database URL: it must begin with `postgresql://`, `mysql://` or `sqlite:`");
    assert_snapshot!(refused("jdbc:postgresql://h/db"), @"drop the `jdbc:` before the URL, and put user and password into it");
    assert_snapshot!(refused("postgres:db"), @"this is not a database URL: two slashes must follow the colon");
    assert_snapshot!(refused("sqlite://"), @"a database in memory is empty: name a file, such as `sqlite:///data/app.db`");
    assert_snapshot!(refused("postgres://h/db?sslmode=strict"), @"the URL's parameter `sslmode` must be `disable`, `allow`, `prefer`, `require`, `verify-ca` or `verify-full`");
}

#[test]
fn a_url_is_called_by_its_host_and_port_alone() {
    for (text, expected) in [
        ("postgres://u:secret@db/app", "db:5432"),
        ("mysql://u:secret@db:3307/app?charset=utf8", "db:3307"),
        ("postgres:///app?host=/run/postgresql", "/run/postgresql"),
        ("postgres://%2Frun%2Fpostgresql/app", "/run/postgresql"),
    ] {
        let url = DatabaseUrl::parse(text).expect("a valid URL");
        assert_eq!(url.name(), expected);
        assert!(!format!("{url:?}").contains("secret"));
    }
}
