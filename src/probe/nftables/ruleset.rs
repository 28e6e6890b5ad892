//! A ruleset of nftables without what changes on its own, so that two can be compared.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use crate::text::json;

/// Keys that change all the time, or do not affect which packets pass.
const PASSING: &[&str] = &["handle", "index", "packets", "bytes", "used", "expires", "comment"];

/// A ruleset, as `nft -j list ruleset` prints it (libnftables-json(5)).
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Ruleset {
    /// Its tables, such as `inet filter`.
    pub tables: BTreeSet<String>,
    /// How many rules all of its chains have.
    pub rules: usize,
    /// Its parts, by place: the rules of a chain in order, since the order matters.
    parts: BTreeMap<String, Vec<String>>,
}

impl Ruleset {
    /// Reads one line of `nft -j`, without the tables of these names.
    ///
    /// # Errors
    /// When it is not of that shape.
    pub fn read(json: &str, ignored: &[String]) -> Result<Self, &'static str> {
        let json: Value = json::parse(json.as_bytes()).map_err(|_| "it is not JSON")?;
        let objects = json.get("nftables").and_then(Value::as_array).ok_or("it has no `nftables`")?;
        let mut ruleset = Self::default();
        for object in objects {
            let (kind, value) =
                object.as_object().and_then(|object| object.iter().next()).ok_or("it has an odd part")?;
            if kind != "metainfo" {
                ruleset.add(kind, value.clone(), ignored);
            }
        }
        Ok(ruleset)
    }

    /// The parts that the other ruleset lacks, each as one line. The same rules in another order are reported as well.
    pub fn without(&self, other: &Self) -> Vec<String> {
        let mut lines = Vec::new();
        for (place, own) in &self.parts {
            let theirs = other.parts.get(place);
            if theirs == Some(own) {
                continue;
            }
            let mut left: BTreeMap<&str, usize> = BTreeMap::new();
            theirs.into_iter().flatten().for_each(|part| *left.entry(part).or_default() += 1);
            let before = lines.len();
            for part in own {
                match left.get_mut(part.as_str()).filter(|count| **count > 0) {
                    Some(count) => *count -= 1,
                    None => lines.push(format!("{place}: {}", cut(part))),
                }
            }
            if lines.len() == before && left.values().all(|count| *count == 0) {
                lines.push(format!("{place}: in this order"));
            }
        }
        lines
    }

    fn add(&mut self, kind: &str, mut value: Value, ignored: &[String]) {
        let word = |value: &Value, key: &str| value.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
        let family = word(&value, "family");
        let table = if kind == "table" { word(&value, "name") } else { word(&value, "table") };
        let table = format!("{family} {table}");
        if ignored.contains(&table) {
            return;
        }
        if kind == "table" {
            self.tables.insert(table.clone());
        }
        settle(&mut value);
        let place = if kind == "rule" {
            self.rules += 1;
            let place = format!("{table} {}", word(&value, "chain"));
            value = value.get_mut("expr").map(Value::take).unwrap_or_default();
            place
        } else if kind == "table" {
            format!("table {table}")
        } else {
            format!("{kind} {table} {}", word(&value, "name"))
        };
        self.parts.entry(place).or_default().push(value.to_string());
    }
}

/// Takes away what changes on its own, and puts sets in one order.
fn settle(value: &mut Value) {
    match value {
        Value::Object(map) => settle_map(map),
        Value::Array(values) => {
            values.retain(|value| !is_passing_element(value));
            values.iter_mut().for_each(settle);
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn settle_map(map: &mut Map<String, Value>) {
    map.retain(|key, _| !PASSING.contains(&key.as_str()));
    map.values_mut().for_each(settle);
    for key in ["elem", "set"] {
        if let Some(Value::Array(elements)) = map.get_mut(key) {
            elements.sort_by_key(Value::to_string);
        }
    }
    // A set whose entries have all expired is equal to an empty one.
    if map.get("elem").and_then(Value::as_array).is_some_and(Vec::is_empty) {
        map.remove("elem");
    }
    map.sort_keys();
}

/// Whether this is an element of a set that expires, such as an address that is banned for an hour.
fn is_passing_element(value: &Value) -> bool {
    value.get("elem").is_some_and(|element| element.get("expires").is_some())
}

fn cut(text: &str) -> String {
    match text.char_indices().nth(160) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ruleset(rules: &[&str]) -> Ruleset {
        let rule = |(at, expr): (usize, &&str)| {
            format!(r#"{{"rule":{{"family":"ip","table":"t","chain":"c","handle":{at},"expr":[{expr}]}}}}"#)
        };
        let rules: Vec<String> = rules.iter().enumerate().map(rule).collect();
        let json = format!(r#"{{"nftables":[{{"metainfo":{{}}}},{}]}}"#, rules.join(","));
        Ruleset::read(&json, &[]).expect("it has the shape")
    }

    #[test]
    fn the_order_of_rules_matters_and_what_they_counted_does_not() {
        let one = ruleset(&[r#"{"counter":{"packets":7,"bytes":9}}"#, r#"{"accept":null}"#, r#"{"drop":null}"#]);
        let two = ruleset(&[r#"{"counter":{"packets":0,"bytes":0}}"#, r#"{"drop":null}"#, r#"{"accept":null}"#]);
        assert_eq!(one.without(&one), Vec::<String>::new());
        assert_eq!(one.without(&two), ["ip t c: in this order"]);
    }

    #[test]
    fn a_duplicate_rule_differs_from_a_single_one() {
        let accept = r#"{"accept":null}"#;
        let (one, two) = (ruleset(&[accept]), ruleset(&[accept, accept]));
        assert_eq!((two.without(&one).len(), one.without(&two).len()), (1, 0));
    }

    #[test]
    fn an_invalid_ruleset_is_refused() {
        for (json, why) in
            [("x", "it is not JSON"), ("{}", "it has no `nftables`"), (r#"{"nftables":[1]}"#, "it has an odd part")]
        {
            assert_eq!(Ruleset::read(json, &[]), Err(why));
        }
    }
}
