//! The checklists that are run, and the URLs that the limit asks instead.

use std::fmt::{Display, Write};

/// After how many milliseconds the slowest server of the mixed list answers.
pub const SLOWEST: usize = 50;

/// A checklist of so many HTTP items. Each is answered as the server does for the first part of its path, such as after
/// so many milliseconds, and judged by its status and one field of its JSON.
pub fn http(server: &str, count: usize, answer: impl Display + Copy) -> String {
    checklist(server, (1..=count).map(|number| http_item(number, answer)))
}

/// The URLs of that checklist, one a line.
pub fn urls(server: &str, count: usize, answer: impl Display) -> String {
    (1..=count).fold(String::new(), |mut lines, number| {
        writeln!(lines, "{server}/{answer}/{number}").expect("a string takes all");
        lines
    })
}

/// The URLs of the HTTP items of [`mixed`].
pub fn mixed_urls(server: &str) -> Vec<String> {
    (0..16).map(|number| format!("{server}/{}/{number}", mixed_delay(number))).collect()
}

/// A checklist as a team has one: 40 items of six kinds. It wants `DATABASE_URL` and `REDIS_URL`, and ports on which
/// servers listen.
pub fn mixed(server: &str, ports: [u16; 3]) -> String {
    let http = (0..16).map(|number| http_item(number, mixed_delay(number)));
    let tcp = (0..6).map(|number| format!("tcp: {{ address: \"127.0.0.1:{}\" }}", ports[number % ports.len()]));
    let sql = (0..5).map(|number| {
        let query = format!("SELECT count(*) AS paid FROM orders WHERE paid AND id > {number}");
        let expect = "{ \"rows[0].paid\": { at_least: 1 } }";
        format!("sql: {{ url: \"${{secrets.DATABASE_URL}}\", query: \"{query}\" }}, expect: {expect}")
    });
    let redis = (0..4).map(|number| {
        let (write, expect) = if number % 2 == 0 { (true, "{ writable: true }") } else { (false, "{ pong: true }") };
        format!("redis: {{ url: \"${{secrets.REDIS_URL}}\", write: {write} }}, expect: {expect}")
    });
    let file = (0..5).map(|_| "file: { path: checklists/mixed.yaml }, expect: { text: { contains: api } }".to_owned());
    let command = (0..4).map(|number| {
        format!("command: {{ argv: [echo, \"{number}\"] }}, expect: {{ stdout: {{ contains: \"{number}\" }} }}")
    });
    let others = tcp.chain(sql).chain(redis).chain(file).chain(command);
    let others = others.zip(1..).map(|(probe, number)| item(&format!("part-{number}"), &probe));
    checklist(server, http.chain(others))
}

fn checklist(server: &str, items: impl Iterator<Item = String>) -> String {
    let head = format!(
        "title: Speed\nvars: {{ api: \"{server}\" }}\nsecrets: {{ DATABASE_URL: , REDIS_URL: }}\nsections:\n  - title: \
         All\n    items:\n"
    );
    items.fold(head, |text, item| text + &item)
}

/// After how many milliseconds an HTTP item of the mixed list is answered.
fn mixed_delay(number: usize) -> usize {
    10 + (SLOWEST - 10) * number / 15
}

fn http_item(number: usize, answer: impl Display) -> String {
    let url = format!("${{vars.api}}/{answer}/{number}");
    item(&format!("api-{number}"), &format!("http: {{ url: \"{url}\" }}, expect: {{ status: 200, json.ok: true }}"))
}

fn item(id: &str, probe: &str) -> String {
    format!("      - {{ id: {id}, title: \"{id}: is there, and healthy\", probes: [{{ {probe} }}] }}\n")
}
