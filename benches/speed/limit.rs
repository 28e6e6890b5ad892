//! The limit: a minimal program of tokio and reqwest that sends the same requests, checks the same two facts of each
//! answer, and does nothing else. It reads no checklist, times nothing, keeps nothing and reports nothing.

use futures_util::{StreamExt, stream};
use reqwest::Client;
use serde_json::Value;

/// How many requests are under way at a time: as many as gate has by default.
const JOBS: usize = 512;

/// Asks every URL of a file of lines.
pub fn main(path: &str) {
    let urls = std::fs::read_to_string(path).expect("the benchmark has written it");
    let _ = rustls::crypto::ring::default_provider().install_default();
    super::runtime().block_on(async {
        let client = Client::builder().no_proxy().tls_certs_only([]).build().expect("there is nothing to read");
        stream::iter(urls.lines()).for_each_concurrent(JOBS, |url| ask(&client, url)).await;
    });
}

async fn ask(client: &Client, url: &str) {
    let response = client.get(url).send().await.expect("the server answers");
    assert_eq!(response.status().as_u16(), 200);
    let body = response.bytes().await.expect("the server answers in full");
    let json: Value = serde_json::from_slice(&body).expect("the server answers JSON");
    assert_eq!(json["ok"], true);
}
