//! The limit: a minimal program of tokio and reqwest that sends the same requests, checks the same two facts of each
//! answer, and does nothing else. It reads no checklist, times nothing, keeps nothing and reports nothing.

use futures_util::{StreamExt, stream};
use reqwest::Client;
use serde_json::Value;

/// How many requests are best under way at a time, where this is the first part of their paths: a server that takes its
/// time is asked fastest by many, one that answers at once by few.
pub fn jobs(answer: &str) -> &'static str {
    if answer.trim_start_matches('c') == "0" { "64" } else { "512" }
}

/// Asks every URL of a file of lines, so many at a time.
pub fn main(path: &str, jobs: &str) {
    let jobs: usize = jobs.parse().expect("the benchmark gives a number");
    let urls = std::fs::read_to_string(path).expect("the benchmark has written it");
    let _ = rustls::crypto::ring::default_provider().install_default();
    super::runtime().block_on(async {
        let client = Client::builder().no_proxy().tls_certs_only([]).build().expect("there is nothing to read");
        stream::iter(urls.lines()).for_each_concurrent(jobs, |url| ask(&client, url)).await;
    });
}

async fn ask(client: &Client, url: &str) {
    let response = client.get(url).send().await.expect("the server answers");
    assert_eq!(response.status().as_u16(), 200);
    let body = response.bytes().await.expect("the server answers in full");
    let json: Value = serde_json::from_slice(&body).expect("the server answers JSON");
    assert_eq!(json["ok"], true);
}
