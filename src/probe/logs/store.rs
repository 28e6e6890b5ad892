//! Requests to Loki, Elasticsearch and OpenSearch, and their answers.

use reqwest::Method;
use reqwest::header::HeaderValue;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::client::api::{Api, Reply};
use crate::client::http::Request;
use crate::probe::Fault;

use super::LogsSeen;

/// `GET /loki/api/v1/query`, with the number of lines as the only sample:
/// <https://grafana.com/docs/loki/latest/reference/loki-http-api/#query-logs-at-a-single-point-in-time>.
pub fn loki(api: &Api, query: &str, seconds: u64, tenant: Option<&str>, marker: Option<&str>) -> Request {
    // Loki logs its own queries, and they may be shipped to it: the query must not itself be a line with the marker.
    let filter = marker.map(|marker| format!(" |~ `[{}]{}`", &marker[..1], &marker[1..])).unwrap_or_default();
    let query = format!("sum(count_over_time({query}{filter} [{seconds}s]))");
    let mut request = api.get("/loki/api/v1/query", &[("query", &query)]);
    if let Some(tenant) = tenant.and_then(|tenant| HeaderValue::try_from(tenant).ok()) {
        request.headers.insert("x-scope-orgid", tenant);
    }
    request
}

/// `POST /INDEX/_count`:
/// <https://www.elastic.co/docs/api/doc/elasticsearch/operation/operation-count>.
pub fn elasticsearch(
    api: &Api,
    index: &str,
    field: &str,
    query: Option<&str>,
    seconds: u64,
    marker: Option<&str>,
) -> Request {
    // With an end, too: one line that claims to be of the year 2099 would be recent forever.
    let mut filter = vec![json!({ "range": { field: { "gte": format!("now-{seconds}s"), "lte": "now+5m" } } })];
    filter.extend(query.map(|query| json!({ "query_string": { "query": query } })));
    filter
        .extend(marker.map(|marker| json!({ "query_string": { "query": format!("\"{marker}\""), "lenient": true } })));
    let body = json!({ "query": { "bool": { "filter": filter } } });
    Request::new(Method::POST, &api.url.below(&format!("/{index}/_count")), api.access)
        .body("application/json", body.to_string().into_bytes())
}

#[derive(Deserialize)]
struct OfLoki {
    status: String,
    data: LokiData,
    #[serde(default)]
    warnings: Vec<String>,
}

#[derive(Deserialize)]
struct LokiData {
    #[serde(rename = "resultType")]
    result_type: String,
    result: Vec<LokiSample>,
}

#[derive(Deserialize)]
struct LokiSample {
    value: (f64, String),
}

/// The number of lines in an answer of Loki. No line is not a sample.
pub fn count_of_loki(reply: &Reply) -> Result<LogsSeen, Fault> {
    let said = reply.message().unwrap_or_default();
    if !reply.is_ok() && said.contains("no org id") {
        return Err(
            Fault::new(format!("Loki wants to know the tenant ({}: {said})", reply.status)).help("give `tenant`")
        );
    }
    if reply.status == 400 {
        return Err(Fault::new(format!("Loki can't parse the query: {said}"))
            .help("`query` chooses lines, such as `{app=\"api\"} |= \"error\"`: the counting is added here"));
    }
    let answer: OfLoki = reply.json()?;
    let unknown = || Fault::new("Loki answered in an unknown shape").help("is this the URL of Loki itself?");
    if answer.status != "success" || answer.data.result_type != "vector" {
        return Err(unknown());
    }
    let count = match answer.data.result.as_slice() {
        [] => 0,
        [LokiSample { value: (_, text) }] => text.parse::<u64>().map_err(|_| unknown())?,
        [_, _, ..] => return Err(unknown()),
    };
    Ok(seen(count, answer.warnings, None))
}

#[derive(Deserialize)]
struct OfElasticsearch {
    count: u64,
    #[serde(rename = "_shards")]
    shards: Shards,
}

#[derive(Deserialize)]
struct Shards {
    total: u64,
    failed: u64,
    #[serde(default)]
    failures: Vec<Value>,
}

/// The number of lines in an answer of Elasticsearch. Where a shard failed, the number is of the others only.
pub fn count_of_elasticsearch(reply: &Reply) -> Result<LogsSeen, Fault> {
    let answer: OfElasticsearch = reply.json()?;
    let shards = answer.shards;
    if shards.failed > 0 {
        let failure = shards.failures.first();
        let why = failure.and_then(|failure| failure.pointer("/reason/reason")?.as_str());
        let why = why.map(|why| format!(": {why}")).unwrap_or_default();
        let message = format!("the answer is not whole: {} of {} shards failed{why}", shards.failed, shards.total);
        return Err(Fault::new(message).help("the cluster's health says which shards are missing"));
    }
    Ok(seen(answer.count, Vec::new(), Some(shards.total)))
}

fn seen(count: u64, warnings: Vec<String>, shards: Option<u64>) -> LogsSeen {
    LogsSeen { count, marker: None, emitted: None, arrived_ms: None, warnings, shards }
}
