//! What a checklist says of each item, as a digest: a sign-off covers what was said when it was given.

use std::collections::{BTreeMap, BTreeSet};

use sha2::{Digest, Sha256};

use crate::diagnostic::Sources;
use crate::yaml::Node;

use super::ProbeTask;

/// What says nothing of how an item is looked at and judged.
const ASIDE: [&str; 3] = ["owner", "tags", "hint"];

/// Whether something in a checklist is to be signed.
pub fn is_needed(raw: &Node) -> bool {
    let sections = raw.get("sections").map(Node::elements).unwrap_or_default().iter();
    let mut items = sections.flat_map(|section| section.get("items").map(Node::elements).unwrap_or_default());
    items.any(|item| item.get("sign_off").is_some())
}

/// The digest of what a checklist says of an item, in hexadecimal. `raw` is the checklist before anything in it was
/// filled; where nothing in it is to be signed, it is not kept, and the digest is empty.
pub fn digest(id: &str, probes: &[ProbeTask], raw: Option<&Node>, sources: &Sources) -> String {
    let Some(raw) = raw else { return String::new() };
    let nodes = raw.get("sections").map(Node::elements).unwrap_or_default().iter();
    let mut nodes = nodes.flat_map(|section| section.get("items").map(Node::elements).unwrap_or_default());
    let node = nodes.find(|node| node.get("id").and_then(Node::text) == Some(id));
    node.map_or_else(String::new, |node| hex::encode(Sha256::digest(said(probes, node, raw, sources).to_string())))
}

/// What is said of the item, of each variable that it uses, and the text of each check.
fn said(probes: &[ProbeTask], node: &Node, raw: &Node, sources: &Sources) -> serde_json::Value {
    let mut own = node.to_text_json();
    if let Some(own) = own.as_object_mut() {
        ASIDE.iter().for_each(|key| drop(own.shift_remove(*key)));
        if let Some(sign_off) = own.get_mut("sign_off").and_then(serde_json::Value::as_object_mut) {
            // These are asked anew at each look.
            ["valid_for", "by", "signed"].iter().for_each(|key| drop(sign_off.shift_remove(*key)));
        }
    }
    let mut vars = BTreeMap::new();
    gather(node, raw, &mut vars);
    let files: BTreeSet<u32> =
        probes.iter().filter(|probe| probe.used.is_some()).map(|probe| probe.span.file).collect();
    let checks: Vec<&str> = files.into_iter().map(|file| sources.get(file).text.as_str()).collect();
    serde_json::json!([own, vars, checks])
}

/// Every variable that the node refers to, also by way of others.
fn gather<'a>(node: &'a Node, raw: &'a Node, vars: &mut BTreeMap<&'a str, serde_json::Value>) {
    for reference in node.references() {
        let Some(name) = reference.path.strip_prefix("vars.") else { continue };
        let Some(value) = raw.get("vars").and_then(|vars| vars.get(name)) else { continue };
        if vars.insert(name, value.to_text_json()).is_none() {
            gather(value, raw, vars);
        }
    }
}
