//! The same lists as each of the other tools reads them.

use std::fmt::Write;

/// The parts of the mixed list besides its HTTP items.
pub struct Mixed<'a> {
    /// The ports that accept connections.
    pub ports: [u16; 3],
    /// The URL of the PostgreSQL database.
    pub database: &'a str,
    /// The URL of Redis.
    pub redis: &'a str,
    /// The file that contains `api`.
    pub file: &'a str,
}

/// A file of hurl: one request after the other, on one connection.
pub fn hurl(urls: &[String]) -> String {
    urls.iter().fold(String::new(), |mut text, url| {
        write!(text, "GET {url}\nHTTP 200\n[Asserts]\njsonpath \"$.ok\" == true\n\n").expect("a string takes all");
        text
    })
}

/// A file of goss.
pub fn goss(urls: &[String], mixed: Option<&Mixed>) -> String {
    let mut text = "http:\n".to_owned();
    for url in urls {
        let line = format!("  {url}: {{ status: 200, timeout: 30000, body: ['\"ok\":true'] }}\n");
        text.push_str(&line);
    }
    let Some(Mixed { ports, database, redis, file }) = mixed else { return text };
    text.push_str("addr:\n");
    for host in ["127.0.0.1", "localhost"] {
        for port in ports {
            writeln!(text, "  tcp://{host}:{port}: {{ reachable: true, timeout: 30000 }}").expect("a string takes all");
        }
    }
    let sql = (0..5).map(|number| {
        let query = format!("SELECT count(*) > 0 FROM orders WHERE paid AND id > {number}");
        (format!("sql-{number}"), format!("psql '{database}' -tAc '{query}'"), "t".to_owned())
    });
    let redis = (0..4).map(|number| {
        let (command, answer) = if number % 2 == 0 { ("SET speed 1", "OK") } else { ("PING", "PONG") };
        (format!("redis-{number}"), format!("redis-cli -u '{redis}' {command}"), answer.to_owned())
    });
    let echo = (0..4).map(|number| (format!("echo-{number}"), format!("echo {number}"), number.to_string()));
    text.push_str("command:\n");
    for (id, command, stdout) in sql.chain(redis).chain(echo) {
        let line =
            format!("  {id}: {{ exec: \"{command}\", exit-status: 0, timeout: 30000, stdout: [\"{stdout}\"] }}\n");
        text.push_str(&line);
    }
    let (folder, name) = file.rsplit_once('/').expect("it is a whole path");
    text.push_str("file:\n");
    for number in 0..5 {
        // A path counts once: it is spelled differently each time.
        let path = format!("{folder}/{}{name}", "./".repeat(number));
        writeln!(text, "  {path}: {{ exists: true, contents: [api] }}").expect("a string takes all");
    }
    text
}

/// The arguments of wait4x.
pub fn wait4x(urls: &[String]) -> Vec<String> {
    let options = ["http", "--timeout", "30s", "--expect-status-code", "200", "--expect-body-json", "ok"];
    options.into_iter().map(str::to_owned).chain(urls.iter().cloned()).collect()
}

/// The mixed list for wait4x, which checks one kind at a time: all kinds side by side.
pub fn wait4x_script(urls: &[String], Mixed { ports, database, redis, file }: &Mixed) -> String {
    let mut commands = vec![wait4x(urls)];
    let kind = |kind: &str, targets: Vec<String>| {
        let options = [kind, "--timeout", "30s"].into_iter().map(str::to_owned);
        options.chain(targets).collect::<Vec<String>>()
    };
    commands.push(kind("tcp", (0..6).map(|number| format!("127.0.0.1:{}", ports[number % 3])).collect()));
    let database = format!("{database}{}sslmode=disable", if database.contains('?') { '&' } else { '?' });
    let mut postgresql = kind("postgresql", vec![database; 5]);
    postgresql.extend(["--expect-table".to_owned(), "orders".to_owned()]);
    commands.push(postgresql);
    commands.push(kind("redis", vec![(*redis).to_owned(); 4]));
    let files = (0..5).map(|_| format!("grep -q api {file}"));
    commands.push(kind("exec", files.chain((0..4).map(|number| format!("echo {number}"))).collect()));
    let mut text = "pids=\n".to_owned();
    for command in commands {
        let quoted: Vec<String> = command.iter().map(|word| format!("'{word}'")).collect();
        writeln!(text, "wait4x {} & pids=\"$pids $!\"", quoted.join(" ")).expect("a string takes all");
    }
    text.push_str("for pid in $pids; do wait \"$pid\" || exit 1; done\n");
    text
}
