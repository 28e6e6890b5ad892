//! Adds what the schema knows to problems: how a setting is written, its range, and where a key belongs.

use serde_json::Value;

use crate::diagnostic::{Diagnostic, Lack, Span, has_other_form};
use crate::text::credential::looks_secret;
use crate::yaml::{self, Key, Node};

/// How deep schemas refer to others.
const MAX_DEPTH: usize = 8;

/// Adds to problems of this tree what its schema knows.
pub fn complete(problems: &mut [Diagnostic], root: &Node, schema: impl FnOnce() -> Value) {
    if problems.iter().all(|problem| problem.lack().is_none()) {
        return;
    }
    let schema = Schema(schema());
    for problem in problems {
        let (Some(lack), Some(span)) = (problem.lack(), problem.span()) else { continue };
        let whole = Diagnostic::error(String::new());
        let known = std::mem::replace(problem, whole);
        *problem = match lack {
            Lack::Form => schema.with_form(known, root, span),
            Lack::Place => schema.with_meant(schema.with_place(known, root, span), root, span),
        };
    }
}

/// A value, with its key and its schema.
type Found<'s, 'n> = (Option<&'n Key>, &'n Node, &'s Value);

/// A JSON Schema with its definitions.
struct Schema(Value);

/// A level of the checklist: what it is called, its definition, and how to get there.
const LEVELS: [(&str, &str, &str); 4] = [
    ("the checklist", "", "write it at the top level, beside `title` and `sections`"),
    ("a section", "Section", "write it in an entry of `sections`, beside `title` and `items`"),
    ("an item", "Item", "write it in an entry of `items`, beside `id` and `title`"),
    ("a probe", "ProbeOptions", "write it in an entry of `probes`, beside the kind, as in `- http: { … }`"),
];

impl Schema {
    fn definition(&self, name: &str) -> &Value {
        if name.is_empty() { &self.0 } else { &self.0["definitions"][name] }
    }

    /// The forms of a schema: what it refers to, and each alternative.
    fn forms<'s>(&'s self, schema: &'s Value, depth: usize, found: &mut Vec<&'s Value>) {
        if depth == 0 {
            return;
        }
        found.push(schema);
        if let Some(name) = schema["$ref"].as_str().and_then(|path| path.strip_prefix("#/definitions/")) {
            self.forms(self.definition(name), depth - 1, found);
        }
        for key in ["anyOf", "oneOf", "allOf"] {
            for form in schema[key].as_array().into_iter().flatten() {
                self.forms(form, depth - 1, found);
            }
        }
    }

    fn all<'s>(&'s self, schema: &'s Value) -> Vec<&'s Value> {
        let mut found = Vec::new();
        self.forms(schema, MAX_DEPTH, &mut found);
        found
    }

    /// The schema of the value under a key; of an element for none.
    fn below<'s>(&'s self, schema: &'s Value, key: Option<&str>) -> &'s Value {
        let of = |form: &'s Value| match key {
            Some(key) => form["properties"].get(key).or_else(|| form.get("additionalProperties")),
            None => form.get("items"),
        };
        self.all(schema).into_iter().find_map(of).unwrap_or(&Value::Null)
    }

    /// The value at this place, with its key and its schema.
    fn find<'s, 'n>(&'s self, node: &'n Node, schema: &'s Value, span: Span) -> Option<Found<'s, 'n>> {
        let around = node.entries().iter().filter(|(_, value)| value.span.contains(span));
        for (key, value) in around {
            let below = self.below(schema, Some(&key.text));
            if value.span == span {
                return Some((Some(key), value, below));
            }
            if let Some(found) = self.find(value, below, span) {
                return Some(found);
            }
        }
        let mut around = node.elements().iter().filter(|element| element.span.contains(span));
        around.find_map(|element| match self.below(schema, None) {
            below if element.span == span => Some((None, element, below)),
            below => self.find(element, below, span),
        })
    }

    /// The problem of a value that does not fit, with the form of its setting.
    fn with_form(&self, problem: Diagnostic, root: &Node, span: Span) -> Diagnostic {
        if span == root.span {
            let help = "such as `title: …`, and below it `sections:` with a list";
            return match self.0["properties"].get("sections") {
                Some(_) => problem.help(help),
                None => problem,
            };
        }
        let Some((key, node, schema)) = self.find(root, &self.0, span) else { return problem };
        let title = problem.title().to_owned();
        if title.ends_with("is out of range") {
            return match self.range(schema) {
                Some(range) => problem.reworded(title, format!("write a number {range}")),
                None => problem,
            };
        }
        let own = match &*title {
            title if title.ends_with("a list, not text") || title.ends_with("a list, got text") => {
                self.as_list(node, key, schema)
            }
            title if title.contains("a map, not ") || title.contains("a map, got ") => self.as_map(node, schema),
            _ => None,
        };
        let Some(example) = own.or_else(|| self.shown(schema)) else { return problem };
        let form = match key {
            Some(key) => format!("such as `{}: {example}`", key.text),
            None => format!("such as `{example}`"),
        };
        problem.reworded(title, form)
    }

    /// A text as the list of texts that this schema wants.
    fn as_list(&self, node: &Node, key: Option<&Key>, schema: &Value) -> Option<String> {
        let text = node.text().filter(|text| !text.contains(['\n', '"', '\'']) && !looks_secret(text))?;
        let is_list = self.all(self.below(schema, None)).iter().any(|form| form["type"] == "string");
        let parts: Vec<Value> = match key {
            Some(key) if &*key.text == "argv" => text.split_whitespace().map(Value::from).collect(),
            Some(_) | None => text.split(',').map(str::trim).map(Value::from).collect(),
        };
        is_list.then(|| yaml::flow(&Value::from(parts)))
    }

    /// A text or number as the map that this schema wants, if only one of its keys is required and may have this value.
    fn as_map(&self, node: &Node, schema: &Value) -> Option<String> {
        let text = node.text().filter(|text| !looks_secret(text))?;
        let forms = self.all(schema);
        let [name] = forms.iter().find_map(|form| form["required"].as_array())?.as_slice() else { return None };
        let forms = self.all(self.below(schema, name.as_str()));
        let is = |form: &&&Value, name: &str| form["type"] == name || form["type"][0] == name;
        let fits = |form: &&Value| match form["pattern"].as_str() {
            Some(_) => text.parse::<yaml::Duration>().is_ok(),
            None => is(&form, "string") || is(&form, "integer") && text.parse::<u64>().is_ok(),
        };
        let is_quoted = needs_quotes(text) || text.contains([',', '{', '}', '[', ']']);
        let value = if is_quoted { yaml::flow(&text.into()) } else { text.to_owned() };
        forms.iter().any(fits).then(|| format!("{{ {}: {value} }}", name.as_str().unwrap_or_default()))
    }

    /// A value of this schema as YAML.
    fn shown(&self, schema: &Value) -> Option<String> {
        let example = self.example(schema, MAX_DEPTH)?;
        let is = |name: &str| {
            self.all(schema).iter().any(|form| form["type"].as_str().or(form["type"][0].as_str()) == Some(name))
        };
        let is_text = is("string") && !is("array") && !is("object");
        let is_entry = is("object") && !example.starts_with(['{', '$']) && example.contains(": ");
        Some(match example {
            example if is_entry => format!("{{ {example} }}"),
            example if is_text && needs_quotes(&example) => format!("\"{example}\""),
            example => example,
        })
    }

    /// The problem of an unknown key with the form of the one that was meant, where that differs.
    fn with_meant(&self, problem: Diagnostic, root: &Node, span: Span) -> Diagnostic {
        let Some((word, schema)) = self.around(root, &self.0, span) else { return problem };
        let Some(meant) = problem.meant().filter(|meant| has_other_form(word, meant)) else { return problem };
        match self.shown(self.below(schema, Some(meant))) {
            Some(example) => {
                let form = format!("such as `{meant}: {example}`");
                problem.help(form)
            }
            None => problem,
        }
    }

    /// The word of the key at this place, and the schema of the map that it is in.
    fn around<'s, 'n>(&'s self, node: &'n Node, schema: &'s Value, span: Span) -> Option<(&'n str, &'s Value)> {
        if let Some((key, _)) = node.entries().iter().find(|(key, _)| key.span == span) {
            return Some((&key.text, schema));
        }
        let entries = node.entries().iter().map(|(key, value)| (Some(&*key.text), value));
        let elements = node.elements().iter().map(|element| (None, element));
        let mut around = entries.chain(elements).filter(|(_, value)| value.span.contains(span));
        around.find_map(|(key, value)| self.around(value, self.below(schema, key), span))
    }

    /// The limits of a number.
    fn range(&self, schema: &Value) -> Option<String> {
        let forms = self.all(schema);
        let limit = |key: &str| forms.iter().find_map(|form| form.get(key)).filter(|limit| limit.is_number());
        match (limit("minimum"), limit("maximum")) {
            (Some(least), Some(most)) => Some(format!("from {least} to {most}")),
            (Some(least), None) if forms.iter().any(|form| form["format"] == "uint32") => {
                Some(format!("from {least} to {}", u32::MAX))
            }
            (Some(least), None) => Some(format!("of at least {least}")),
            (None, Some(most)) => Some(format!("of at most {most}")),
            (None, None) => None,
        }
    }

    /// A value of this schema: the example in its description, or one made of its parts.
    fn example(&self, schema: &Value, depth: usize) -> Option<String> {
        let depth = depth.checked_sub(1)?;
        let forms = self.all(schema);
        let described = forms.iter().filter_map(|form| form["description"].as_str());
        if let Some(example) = described.filter_map(documented).next() {
            return Some(example.to_owned());
        }
        let choices = |form: &&Value| form["enum"][0].as_str().or(form["const"].as_str()).map(ToOwned::to_owned);
        if let Some(choice) = forms.iter().find_map(choices) {
            return Some(choice);
        }
        forms.iter().find_map(|form| self.made(form, depth))
    }

    /// A value of the type that a schema names.
    fn made(&self, schema: &Value, depth: usize) -> Option<String> {
        let types = match &schema["type"] {
            Value::String(one) => vec![one.as_str()],
            Value::Array(all) => all.iter().filter_map(Value::as_str).collect(),
            _ => Vec::new(),
        };
        match types.first().copied()? {
            "boolean" => Some("true".to_owned()),
            "integer" | "number" => {
                Some(schema.get("minimum").filter(|least| **least != 0).unwrap_or(&3.into()).to_string())
            }
            "string" => Some("…".to_owned()),
            "array" => Some(format!("[{}]", self.example(self.below(schema, None), depth).unwrap_or("…".to_owned()))),
            "object" => {
                let required = schema["required"].as_array().map(Vec::as_slice).unwrap_or_default();
                let names = required.iter().filter_map(Value::as_str);
                let first = schema["properties"].as_object().and_then(|all| all.keys().next()).map(String::as_str);
                let mut names: Vec<&str> = names.collect();
                names.extend(first.filter(|_| required.is_empty()));
                let part = |name: &str| {
                    let value = self.example(self.below(schema, Some(name)), depth).unwrap_or("…".to_owned());
                    format!("{name}: {value}")
                };
                match names.as_slice() {
                    [] => Some(format!("{{ {} }}", part("NAME"))),
                    names => {
                        Some(format!("{{ {} }}", names.iter().map(|name| part(name)).collect::<Vec<_>>().join(", ")))
                    }
                }
            }
            _ => None,
        }
    }

    /// A kind of probe with this setting, `http` if that has it.
    fn kind_with(&self, setting: &str) -> Option<&str> {
        let kinds = self.definition("Probe")["properties"].as_object()?.keys().map(String::as_str);
        let mut kinds = ["http"].into_iter().chain(kinds);
        kinds.find(|kind| !self.definition(kind)["properties"][setting].is_null())
    }

    /// The problem of an unknown key, if it is one of another level.
    fn with_place(&self, problem: Diagnostic, root: &Node, span: Span) -> Diagnostic {
        // The settings of a probe alone, and those of a check, have no levels.
        let Some((key, level, above)) =
            key_at(root, (0, ""), span).filter(|_| self.0["properties"].get("sections").is_some())
        else {
            return problem;
        };
        let has = |name: &str| !self.definition(name)["properties"][&*key.text].is_null();
        if level < 3 && matches!(&*key.text, "timeout" | "retry" | "via") && LEVELS[level].1 != "Item" {
            let title = format!("`{}` belongs to `defaults`", key.text);
            let value = self.below(self.definition("Defaults"), Some(&key.text));
            let example = self.example(value, MAX_DEPTH).unwrap_or("…".to_owned());
            return problem.reworded(title, format!("write `defaults: {{ {}: {example} }}`", key.text));
        }
        let others = LEVELS.iter().enumerate().filter(|(other, (_, name, _))| *other != level && has(name));
        if let Some((_, (owner, _, help))) = others.min_by_key(|(other, _)| other.abs_diff(level)) {
            let here = match LEVELS.get(level) {
                // A map of other names: one of those was meant, if any is near.
                _ if level > LEVELS.len() && problem.meant().is_some() => return problem,
                _ if level > LEVELS.len() => format!("`{above}`"),
                Some((here, ..)) => (*here).to_owned(),
                None => "the settings of a probe".to_owned(),
            };
            return problem.reworded(format!("`{}` belongs to {owner}, not to {here}", key.text), *help);
        }
        let is_near = problem.helps().is_empty();
        if level <= 3
            && !is_near
            && let Some(kind) = self.kind_with(&key.text)
        {
            let title = format!("`{}` is a setting of a probe, below its kind", key.text);
            return problem.reworded(title, format!("write it as in `- {kind}: {{ {}: … }}`", key.text));
        }
        if level < 3 && !self.definition("Probe")["properties"][&*key.text].is_null() {
            let help = format!("write it in `probes` of an item: `probes: [{{ {}: {{ … }} }}]`", key.text);
            return problem.reworded(format!("`{}` is a probe", key.text), help);
        }
        problem
    }
}

/// Reports the value of a key that must be a map and is not.
pub fn wants_map(key: &str, node: Option<&Node>, problems: &mut Vec<Diagnostic>) {
    if let Some(node) =
        node.filter(|node| !node.is_null() && matches!(node.value, yaml::Value::Scalar(_) | yaml::Value::List(_)))
    {
        let title = format!("`{key}` must be a map, not {}", node.kind());
        problems.push(Diagnostic::error(title).at(node.span).lacking(Lack::Form));
    }
}

/// The key at a place, its level, and the key above it.
fn key_at<'n>(node: &'n Node, (level, above): (usize, &'n str), span: Span) -> Option<(&'n Key, usize, &'n str)> {
    for (key, value) in node.entries() {
        if key.span == span {
            return Some((key, level, above));
        }
        if !value.span.contains(span) {
            continue;
        }
        let is_list = !value.elements().is_empty();
        let deeper = match &*key.text {
            "sections" if level == 0 => 1,
            "items" if is_list && level <= 1 => 2,
            "probes" | "cleanup" if level <= 3 => 3,
            // Maps in the settings of a probe are a part of these.
            _ if level == 3 || level == LEVELS.len() => LEVELS.len(),
            // Maps of other names, such as `defaults`, are levels of their own.
            _ => LEVELS.len() + 1,
        };
        if let Some(found) = key_at(value, (deeper, &key.text), span) {
            return Some(found);
        }
    }
    let mut around = node.elements().iter().filter(|element| element.span.contains(span));
    around.find_map(|element| key_at(element, (level, above), span))
}

/// The example in a description: what follows `such as`, in backticks.
fn documented(description: &str) -> Option<&str> {
    let (_, after) = description.split_once("such as `")?;
    after.split_once('`').map(|(example, _)| example)
}

/// Whether YAML would not read this text, or not as one.
fn needs_quotes(text: &str) -> bool {
    let is_quoted = text.starts_with(['"', '\'']);
    let begins = ['@', '`', '%', '&', '*', '!', '|', '>', '#', '{', '}', '[', ']', ',', '?', '-'];
    !is_quoted && (text.starts_with(begins) || text.contains(": ") || text.contains(" #") || text.ends_with(':'))
}
