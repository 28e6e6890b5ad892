//! Tries the proposed items: those that pass are kept, the others become comments with the reason.

use std::collections::HashMap;

use serde_json::{Value, json};

use super::draft::{Draft, Proposal};

/// The usual health routes.
const ROUTES: [&str; 6] = ["/healthz", "/health", "/api/health", "/api/healthz", "/up", "/ping"];

/// The checklist with all items that can be tried, none of which needs another.
pub fn attempt(draft: &Draft) -> Draft {
    let mut proposals = Vec::new();
    for item in draft.proposals.iter().filter(|item| item.is_tryable) {
        let live = Proposal { held: None, needs: Vec::new(), ..item.clone() };
        let routes = ROUTES.iter().filter(|_| item.is_guessed);
        proposals.extend(routes.map(|route| Proposal { id: id(item, route), ..at(live.clone(), route) }));
        proposals.push(live);
    }
    let mut tried = draft.clone();
    tried.proposals = proposals;
    tried
}

/// Keeps the items that passed; the others become comments with the reason.
pub fn settle(draft: &mut Draft, results: &HashMap<String, Option<String>>) {
    let proposals = std::mem::take(&mut draft.proposals);
    draft.proposals = proposals.into_iter().flat_map(|item| settled(item, results)).collect();
}

/// An item as it was tried; one of a list as two, if only some of its elements passed.
fn settled(mut item: Proposal, results: &HashMap<String, Option<String>>) -> Vec<Proposal> {
    if !item.is_tryable {
        return vec![item];
    }
    let reason = |id: &str| match results.get(id) {
        Some(reason) => reason.clone(),
        None => Some("it was not tried".to_owned()),
    };
    let found = ROUTES.iter().find(|route| item.is_guessed && reason(&id(&item, route)).is_none());
    if let Some(route) = found {
        return vec![Proposal { held: None, todo: Vec::new(), ..at(item, route) }];
    }
    if item.each.is_empty() {
        item.held = reason(&item.id);
        return vec![item];
    }
    let elements = std::mem::take(&mut item.each);
    let name = |element: &Value| element["name"].as_str().or(element.as_str()).unwrap_or_default().to_owned();
    let why = |element: &Value| reason(&format!("{}/{}", item.id, name(element)));
    let (passed, failed): (Vec<Value>, Vec<Value>) = elements.into_iter().partition(|element| why(element).is_none());
    let live = Proposal { held: None, each: passed, ..item.clone() };
    let held = failed.first().and_then(why);
    let id = if live.each.is_empty() { item.id.clone() } else { format!("{}-others", item.id) };
    let others = Proposal { id, held, each: failed, ..item };
    [live, others].into_iter().filter(|item| !item.each.is_empty()).collect()
}

/// The id under which a route of an item is tried.
fn id(item: &Proposal, route: &str) -> String {
    format!("{}-route{}", item.id, route.replace('/', "-"))
}

/// The same item at another route, with a control request for servers that answer every route.
fn at(item: Proposal, route: &str) -> Proposal {
    let url = item.probes[0]["http"]["url"].as_str().unwrap_or_default();
    let url = format!("{}{route}", url.trim_end_matches('/'));
    let title = item.title.replace(" answers", &format!(": {route} answers"));
    let probes = vec![json!({ "http": { "url": url, "control": { "url": "/no-such-page" } } })];
    Proposal { title, probes, ..item }
}
