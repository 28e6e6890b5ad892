//! The main job with nothing installed but Rust: starts a small HTTP server, makes a SQLite database, and runs
//! `gate check` on `checklists/example.yaml` against them. Further arguments go to `gate check`.

use std::io::{self, BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::ExitCode;
use std::thread;

use sqlx::{Connection, SqliteConnection};

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let folder = tempfile::tempdir().expect("the system has a folder for temporary files");
    let database = format!("sqlite://{}", folder.path().join("shop.db").display());
    migrate(&database).await.expect("a new database can be written");
    let api = serve().expect("loopback has a free port");

    let checklist = Path::new(env!("CARGO_MANIFEST_DIR")).join("checklists/example.yaml");
    let here = std::env::current_dir().unwrap_or_default();
    let checklist = checklist.strip_prefix(here).unwrap_or(&checklist).display().to_string();
    let arguments = [
        "gate".into(),
        "check".into(),
        "--no-record".into(),
        checklist,
        format!("--var=api={api}"),
        format!("--var=database={database}"),
    ];
    gate::cli::main(arguments.into_iter().chain(std::env::args().skip(1))).await
}

/// What a deployment has done: both migrations, and some rows.
async fn migrate(url: &str) -> sqlx::Result<()> {
    let mut database = SqliteConnection::connect(&format!("{url}?mode=rwc")).await?;
    let script = "CREATE TABLE alembic_version (version_num TEXT PRIMARY KEY);
        INSERT INTO alembic_version VALUES ('002_orders');
        CREATE TABLE orders (id INTEGER PRIMARY KEY, paid BOOLEAN NOT NULL);
        INSERT INTO orders (paid) VALUES (TRUE), (TRUE), (FALSE);";
    sqlx::raw_sql(script).execute(&mut database).await?;
    database.close().await
}

/// Answers every request as a healthy API of version 1.4.0 would, until the program ends. Gives its URL.
fn serve() -> io::Result<String> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let url = format!("http://{}", listener.local_addr()?);
    thread::spawn(move || listener.incoming().flatten().for_each(|client| drop(answer(client))));
    Ok(url)
}

fn answer(mut client: TcpStream) -> io::Result<()> {
    let mut head = BufReader::new(client.try_clone()?).lines();
    let asked = head.next().transpose()?.unwrap_or_default();
    while head.next().transpose()?.is_some_and(|line| !line.is_empty()) {}
    let is_there = ["GET /version ", "GET /healthz "].iter().any(|known| asked.starts_with(known));
    let status = if is_there { "200 OK" } else { "404 Not Found" };
    let body = r#"{"status": "ok", "version": "1.4.0", "checks": [{"name": "queue", "ok": true}]}"#;
    let length = body.len();
    write!(
        client,
        "HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}"
    )
}
