//! A Redis for the demo: login, INFO, and keys that expire.

use std::collections::HashMap;
use std::io;
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use super::part::{Broken, REDIS_PASSWORD};

/// No command of the demo has more words, or a longer one.
const MAX_WORDS: usize = 64;
const MAX_WORD: usize = 1 << 16;

/// Keys, their values, and when they expire.
type Keys = Arc<Mutex<HashMap<Vec<u8>, (Vec<u8>, Option<Instant>)>>>;

/// Serves on a free port until `tasks` is dropped. Gives the URL, with the password.
///
/// # Errors
/// When loopback has no free port.
pub async fn serve(broken: &Broken, tasks: &mut JoinSet<()>) -> io::Result<String> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let url = format!("redis://default:{REDIS_PASSWORD}@{}", listener.local_addr()?);
    let (keys, is_replica) = (Keys::default(), broken.is("redis"));
    tasks.spawn(async move {
        let mut connections = JoinSet::new(); // dropped with this task, and so are its connections
        while let Ok((stream, _)) = listener.accept().await {
            let keys = Arc::clone(&keys);
            // A client that disconnects, or uses another protocol, is dropped.
            connections.spawn(async move { talk(stream, &keys, is_replica).await.unwrap_or_default() });
            while connections.try_join_next().is_some() {}
        }
    });
    Ok(url)
}

async fn talk(stream: TcpStream, keys: &Keys, is_replica: bool) -> io::Result<()> {
    let mut stream = BufReader::new(stream);
    let mut is_known = false;
    while let Some(words) = command(&mut stream).await? {
        let answer = answer(&words, keys, is_replica, &mut is_known);
        stream.get_mut().write_all(answer.as_bytes()).await?;
    }
    Ok(())
}

/// The words of the next command, or nothing when the client has gone.
/// <https://redis.io/docs/latest/develop/reference/protocol-spec/>
async fn command(stream: &mut BufReader<TcpStream>) -> io::Result<Option<Vec<Vec<u8>>>> {
    let Some(count) = number(stream, '*').await? else { return Ok(None) };
    let mut words = Vec::new();
    for _ in 0..count.min(MAX_WORDS) {
        let Some(length) = number(stream, '$').await? else { return Ok(None) };
        let mut word = vec![0; length.min(MAX_WORD) + 2];
        stream.read_exact(&mut word).await?;
        word.truncate(word.len() - 2);
        words.push(word);
    }
    Ok(Some(words))
}

async fn number(stream: &mut BufReader<TcpStream>, sign: char) -> io::Result<Option<usize>> {
    let mut line = String::new();
    if stream.take(32).read_line(&mut line).await? == 0 {
        return Ok(None);
    }
    let number = line.trim_end().strip_prefix(sign).and_then(|number| number.parse().ok());
    number.map(Some).ok_or_else(|| io::ErrorKind::InvalidData.into())
}

fn answer(words: &[Vec<u8>], keys: &Keys, is_replica: bool, is_known: &mut bool) -> String {
    let word = |at: usize| words.get(at).map(|word| String::from_utf8_lossy(word).into_owned()).unwrap_or_default();
    let verb = word(0).to_uppercase();
    if verb == "AUTH" {
        *is_known = words.last().is_some_and(|password| password == REDIS_PASSWORD.as_bytes());
        let wrong = "-WRONGPASS invalid username-password pair or user is disabled.\r\n";
        return if *is_known { "+OK\r\n" } else { wrong }.to_owned();
    }
    if !*is_known {
        return "-NOAUTH Authentication required.\r\n".to_owned();
    }
    let key = words.get(1).cloned().unwrap_or_default();
    let mut keys = keys.lock().expect("no holder of this lock panics");
    keys.retain(|_, (_, until)| until.is_none_or(|until| until > Instant::now()));
    match verb.as_str() {
        "PING" => "+PONG\r\n".to_owned(),
        "SELECT" | "CLIENT" | "QUIT" => "+OK\r\n".to_owned(),
        "SET" | "DEL" if is_replica => "-READONLY You can't write against a read only replica.\r\n".to_owned(),
        "SET" => {
            let has = |option: &str| (3..words.len()).find(|at| word(*at).eq_ignore_ascii_case(option));
            if has("NX").is_some() && keys.contains_key(&key) {
                return "$-1\r\n".to_owned();
            }
            let seconds = has("EX").and_then(|at| word(at + 1).parse().ok());
            let until = seconds.map(|seconds| Instant::now() + Duration::from_secs(seconds));
            keys.insert(key, (words.get(2).cloned().unwrap_or_default(), until));
            "+OK\r\n".to_owned()
        }
        "GET" => match keys.get(&key) {
            Some((value, _)) => bulk(&String::from_utf8_lossy(value)),
            None => "$-1\r\n".to_owned(),
        },
        "DEL" => format!(":{}\r\n", u8::from(keys.remove(&key).is_some())),
        "ROLE" if is_replica => "*1\r\n$5\r\nslave\r\n".to_owned(),
        "ROLE" => "*3\r\n$6\r\nmaster\r\n:0\r\n*0\r\n".to_owned(),
        "INFO" => bulk(&format!(
            "# Server\r\nredis_version:7.2.4\r\n# Clients\r\nconnected_clients:1\r\n# Replication\r\nrole:{}\r\n",
            if is_replica { "slave\r\nmaster_link_status:up" } else { "master\r\nconnected_slaves:0" }
        )),
        _ => format!("-ERR unknown command '{}'\r\n", word(0).escape_debug()),
    }
}

fn bulk(text: &str) -> String {
    format!("${}\r\n{text}\r\n", text.len())
}
