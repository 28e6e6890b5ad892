//! Digests of an item's probes and expectations: as written (its source), and with variables filled in (its
//! definition).

use sha2::{Digest, Sha256};

use crate::yaml::{Node, Part, Value};

use super::{Checklist, Item, ProbeTask, Secret, SecretSource};

/// Settings with credentials: rotating one does not change the definition, so they count as written.
const CREDENTIALS: [&str; 4] = ["token", "password", "authorization", "cookie"];

/// The same beside a `token_url`: elsewhere, such as in a request body, it is an ordinary value.
const OAUTH2_SECRET: &str = "client_secret";
const OAUTH2_URL: &str = "token_url";

/// The definition of an item, without the addresses of its secrets, which are known when it runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Definition {
    /// The digest of everything else, in hexadecimal.
    base: String,
    /// The names of the secrets that it refers to, in order.
    secrets: Vec<String>,
}

/// The needs of an item, and what a person confirms.
#[derive(Debug, Clone)]
struct Frame<'a> {
    /// The ids of the items that it needs, in order.
    needs: Vec<&'a str>,
    /// For a sign-off, the role, the title and the steps.
    sign_off: Option<[&'a str; 3]>,
    /// Every secret of the checklist.
    secrets: &'a [Secret],
}

impl<'a> Frame<'a> {
    fn of(item: &'a Item, checklist: &'a Checklist) -> Self {
        let steps = item.manual.as_deref().unwrap_or_default();
        Self {
            needs: item.needs.iter().filter_map(|need| Some(&*checklist.item(*need)?.id)).collect(),
            sign_off: item.sign_off.as_ref().map(|sign_off| [sign_off.role.as_str(), &item.title, steps]),
            secrets: &checklist.secrets,
        }
    }
}

/// The source digest of an item, in hexadecimal.
pub fn source(item: &Item, checklist: &Checklist) -> String {
    let secrets = secret_names(item.all_probes());
    Canonical::item(Form::Written, &Frame::of(item, checklist), &secrets, item).finish()
}

/// The source digest of an item, in hexadecimal, and its definition.
pub fn digests(item: &Item, checklist: &Checklist) -> (String, Definition) {
    let frame = Frame::of(item, checklist);
    let secrets = secret_names(item.all_probes());
    let digest = |form| Canonical::item(form, &frame, &secrets, item).finish();
    let base = digest(Form::Filled);
    // Where nothing was filled in, the two are the same.
    let is_filled = item.all_probes().flat_map(trees).any(Node::is_filled);
    let source = if is_filled { digest(Form::Written) } else { base.clone() };
    (source, Definition { base, secrets })
}

/// The settings and expectations of a probe.
fn trees(probe: &ProbeTask) -> impl Iterator<Item = &Node> {
    std::iter::once(probe.settings.node()).chain(probe.expectations.node())
}

/// The digest of a tree.
pub fn of_node(node: &Node) -> [u8; 32] {
    let mut canonical = Canonical::new(Form::Filled);
    canonical.node(node);
    Sha256::digest(&canonical.bytes).into()
}

/// SHA-256 of the definitions of all items, without the addresses of secrets, in hexadecimal.
pub fn of_all(checklist: &Checklist) -> String {
    let mut canonical = Canonical::new(Form::Filled);
    for item in checklist.items() {
        let (_, definition) = digests(item, checklist);
        canonical.list(&item.id, std::iter::once(definition.base.as_str()));
    }
    canonical.finish()
}

/// SHA-256 of the address in a secret's value, in hexadecimal. None if that is not a URL. It differs from checklist to
/// checklist, so that a list of common addresses can't be compared with it.
pub fn of_address(name: &str, value: &str, checklist: &Checklist) -> Option<String> {
    let mut canonical = Canonical::new(Form::Filled);
    for text in [checklist.digest.as_str(), name, &address(value)?] {
        canonical.text(text);
    }
    Some(canonical.finish())
}

impl Definition {
    /// Its digest in hexadecimal. `value` gives the value of a secret: of one that is a URL, the address counts.
    pub fn digest<'v>(&self, value: impl Fn(&str) -> Option<&'v str>) -> String {
        let addresses: Vec<(&String, String)> =
            self.secrets.iter().filter_map(|name| Some((name, address(value(name)?)?))).collect();
        if addresses.is_empty() {
            return self.base.clone();
        }
        let mut canonical = Canonical::new(Form::Filled);
        canonical.text(&self.base);
        for (name, address) in addresses {
            canonical.text(name);
            canonical.text(&address);
        }
        canonical.finish()
    }
}

/// The names of the secrets that probes refer to, in order and each once.
fn secret_names<'t>(tasks: impl Iterator<Item = &'t ProbeTask>) -> Vec<String> {
    let references = tasks.flat_map(ProbeTask::unresolved).flat_map(Node::references);
    let mut names: Vec<String> = references
        .filter_map(|reference| reference.path.strip_prefix("secrets."))
        .map(|path| super::references::head(path).0.to_owned())
        .collect();
    names.sort_unstable();
    names.dedup();
    names
}

/// Scheme, host, port and path of a URL. None for what is not a URL.
fn address(text: &str) -> Option<String> {
    let (scheme, rest) = text.trim().split_once("://")?;
    if scheme.is_empty() || !scheme.chars().all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c)) {
        return None;
    }
    let rest = &rest[..rest.find(['?', '#']).unwrap_or(rest.len())];
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    let is_host = host.rsplit_once(':').is_none_or(|(_, port)| port.ends_with(']') || port.parse::<u16>().is_ok());
    // A password with an unescaped slash must not count as a path.
    Some(if is_host { format!("{scheme}://{host}{path}") } else { scheme.to_owned() })
}

/// Whether a URL names a user or a password.
fn has_user(text: &str) -> bool {
    text.split_once("://").is_some_and(|(_, rest)| rest.contains('@'))
}

/// The form of a tree that counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    /// As written.
    Written,
    /// With references filled in, as far as they are known.
    Filled,
}

/// Trees as bytes, independent of the order of keys, quoting and layout. Each part begins with its kind and length: two
/// different trees never have the same bytes.
struct Canonical {
    bytes: Vec<u8>,
    form: Form,
}

impl Canonical {
    fn new(form: Form) -> Self {
        Self { bytes: Vec::new(), form }
    }

    /// An item: what frames its probes, what each observes and expects, and the same of its cleanup.
    fn item(form: Form, frame: &Frame, secrets: &[String], item: &Item) -> Self {
        let mut canonical = Self { bytes: Vec::with_capacity(512), form };
        canonical.list("needs", frame.needs.iter().copied());
        canonical.list("sign-off", frame.sign_off.into_iter().flatten());
        for secret in frame.secrets.iter().filter(|secret| secrets.contains(&secret.name)) {
            canonical.text(&secret.name);
            match &secret.source {
                SecretSource::Env(variable) => canonical.list("env", [variable.as_str()].into_iter()),
                SecretSource::File(path) => canonical.list("file", [&*path.to_string_lossy()].into_iter()),
                SecretSource::Command(argv) => canonical.list("command", argv.iter().map(String::as_str)),
            }
        }
        item.probes.iter().for_each(|probe| canonical.probe(probe));
        if !item.cleanup.is_empty() {
            canonical.list("cleanup", std::iter::empty());
            item.cleanup.iter().for_each(|probe| canonical.probe(probe));
        }
        canonical
    }

    fn probe(&mut self, probe: &ProbeTask) {
        self.list(probe.kind.name(), probe.alias.as_deref().into_iter());
        self.node(probe.settings.node());
        let expect = probe.expectations.node();
        self.bytes.push(u8::from(expect.is_some()));
        expect.into_iter().for_each(|expect| self.node(expect));
        self.bytes.extend(probe.info.expect_digest);
    }

    /// Seven bits a byte, the last one marked: most counts are small.
    fn count(&mut self, mut count: usize) {
        while count > 0x7f {
            self.bytes.push((count & 0x7f) as u8);
            count >>= 7;
        }
        self.bytes.push(count as u8 | 0x80);
    }

    fn text(&mut self, text: &str) {
        self.count(text.len());
        self.bytes.extend(text.as_bytes());
    }

    fn list<'t>(&mut self, tag: &str, texts: impl Iterator<Item = &'t str> + Clone) {
        self.text(tag);
        self.count(texts.clone().count());
        texts.for_each(|text| self.text(text));
    }

    fn node(&mut self, node: &Node) {
        if let (Form::Written, Some(written)) = (self.form, &node.written) {
            return self.parts(&written.parts);
        }
        match &node.value {
            Value::Scalar(scalar) if has_user(&scalar.text) => {
                self.list("url", [&*address(&scalar.text).unwrap_or_default()].into_iter());
            }
            Value::Scalar(scalar) => match scalar.to_json() {
                serde_json::Value::String(text) => self.list("text", [text.as_str()].into_iter()),
                other => self.list("scalar", [other.to_string().as_str()].into_iter()),
            },
            Value::Unresolved(template) => self.parts(&template.parts),
            Value::List(elements) => {
                self.list("list", std::iter::empty());
                self.count(elements.len());
                elements.iter().for_each(|element| self.node(element));
            }
            Value::Map(entries) => {
                let parent = node;
                let mut sorted: Vec<(&str, &Node)> = entries.iter().map(|(key, node)| (&*key.text, node)).collect();
                sorted.sort_unstable_by_key(|(key, _)| *key);
                self.list("map", sorted.iter().map(|(key, _)| *key));
                for (key, node) in sorted {
                    let is_credential = CREDENTIALS.iter().any(|credential| key.eq_ignore_ascii_case(credential))
                        || (key == OAUTH2_SECRET && parent.get(OAUTH2_URL).is_some());
                    let form = if is_credential { Form::Written } else { self.form };
                    let outer = std::mem::replace(&mut self.form, form);
                    self.node(node);
                    self.form = outer;
                }
            }
        }
    }

    fn parts(&mut self, parts: &[Part]) {
        self.list("template", std::iter::empty());
        self.count(parts.len());
        for part in parts {
            match part {
                Part::Text(text) => self.list("text", [text.as_str()].into_iter()),
                Part::Reference(reference) => {
                    let filters = reference.filters.iter().map(|filter| filter.name());
                    self.list("reference", std::iter::once(reference.path.as_str()).chain(filters));
                    self.parts(reference.default.as_deref().unwrap_or_default());
                }
            }
        }
    }

    fn finish(self) -> String {
        let mut text = [0; 64];
        hex::encode_to_slice(Sha256::digest(&self.bytes), &mut text).expect("two digits for each of 32 bytes");
        String::from_utf8_lossy(&text).into_owned()
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::address;
    use crate::checklist::{Found, Overrides, OwnFiles, load};
    use crate::env::Env;
    use crate::probe::Registry;

    /// The source and the definition of an item with these probes.
    fn digests(probes: &str, vars: &[(&str, &str)], secret: Option<&str>) -> (String, String) {
        let text = format!(
            "title: T\nvars: {{ host: \"${{env.HOST:-a}}\", url: \"http://${{vars.host}}/\" }}\nsecrets: {{ DSN: , TOKEN: }}\n\
             sections: [{{ title: S, items: [{{ id: a, title: A, probes: [{probes}] }}] }}]\n"
        );
        let found = Found {
            name: "t".into(),
            file: "t.yaml".into(),
            root: PathBuf::from("/"),
            text,
            path: PathBuf::from("/t.yaml"),
            files: OwnFiles::Folder,
        };
        let vars = vars.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let loaded = load(found, &Overrides::default(), &Env::with(vars, PathBuf::from("/")), &Registry::built_in());
        let checklist = loaded.checklist.unwrap_or_else(|| panic!("{:?}", loaded.problems));
        let item = checklist.items().next().expect("one exists");
        let (source, definition) = super::digests(item, &checklist);
        (source, definition.digest(|_| secret))
    }

    #[test]
    fn a_variable_changes_the_definition_and_not_the_source() {
        let by_variable = "{ http: { url: \"${vars.url}\" } }";
        let (source, definition) = digests(by_variable, &[], None);
        assert_eq!(digests("{ http: { url: http://a/ } }", &[], None).1, definition, "it observes the same");
        assert_ne!(digests("{ http: { url: http://a/ } }", &[], None).0, source);
        let other = digests(by_variable, &[("HOST", "b")], None);
        assert_eq!(other.0, source);
        assert_ne!(other.1, definition);
    }

    #[test]
    fn layout_retries_and_the_order_of_keys_change_nothing_and_expectations_do() {
        let one = digests("{ http: { url: http://a/, method: GET } }", &[], None);
        let other = "{ timeout: 3s, retry: { attempts: 2 }, http: { method: \"GET\", url: 'http://a/' } }";
        assert_eq!(digests(other, &[], None), one);
        for probes in [
            "{ http: { url: http://a/, method: GET }, expect: { status: 200 } }",
            "{ http: { url: http://a/, method: GET }, as: a }",
            "{ http: { url: http://a/, method: GET } }, { http: { url: http://a/ } }",
        ] {
            let changed = digests(probes, &[], None);
            assert!(changed.0 != one.0 && changed.1 != one.1, "{probes}");
        }
    }

    #[test]
    fn a_cleanup_counts_and_is_not_taken_for_a_probe() {
        let tcp = "tcp: { address: \"a:1\" }";
        let without = digests(&format!("{{ {tcp} }}"), &[], None);
        let with = digests(&format!("{{ {tcp} }}], cleanup: [{{ {tcp} }}"), &[], None);
        let two = digests(&format!("{{ {tcp} }}, {{ {tcp} }}"), &[], None);
        assert!(without != with && with != two && without != two);
        assert_eq!(digests(&format!("{{ {tcp} }}], cleanup: {{ {tcp} }}, tags: ["), &[], None), with);
        let secret = |value| {
            digests(
                &format!("{{ {tcp} }}], cleanup: [{{ sql: {{ url: \"${{secrets.DSN}}\", query: q }} }}"),
                &[],
                value,
            )
        };
        assert_ne!(secret(Some("postgres://u:p@db/app")).1, secret(Some("postgres://u:p@other/app")).1);
    }

    #[test]
    fn a_check_counts_as_its_probes() {
        let check = digests("{ use: http-health, with: { url: http://a/ } }", &[], None);
        let other = digests("{ use: http-health, with: { url: \"${vars.url}\" } }", &[], None);
        assert_eq!(check.1, other.1);
        assert_ne!(check.0, other.0);
    }

    #[test]
    fn a_secret_counts_by_name_and_address_and_a_credential_as_it_is_written() {
        let dsn = |value| digests("{ sql: { url: \"${secrets.DSN}\", query: select 1 } }", &[], value).1;
        let (one, same) = (dsn(Some("postgres://u:p@db/app")), dsn(Some("postgres://v:q@db/app?sslmode=require")));
        assert_eq!(one, same);
        assert!(one != dsn(Some("postgres://u:p@other/app")) && one != dsn(None));
        let token = |value| {
            let probes = "{ grafana: { url: http://a, token: \"${env.GRAFANA}\" } }";
            digests(probes, &[("GRAFANA", value)], None)
        };
        assert_eq!(token("first-token"), token("second-token"));
        let oauth2 = |secret, id| {
            let probes = "{ grafana: { url: http://a, oauth2: { token_url: http://b, client_id: \"${env.ID}\", client_secret: \"${env.KEY}\" } } }";
            digests(probes, &[("KEY", secret), ("ID", id)], None)
        };
        assert_eq!(oauth2("first-secret", "gate"), oauth2("second-secret", "gate"));
        assert_ne!(oauth2("first-secret", "gate").1, oauth2("first-secret", "other").1);
        let url = |value| digests("{ sql: { url: \"${env.URL}\", query: select 1 } }", &[("URL", value)], None).1;
        assert_eq!(url("postgres://u:p@db/app"), url("postgres://u:q@db/app"));
        assert_ne!(url("postgres://u:p@db/app"), url("postgres://u:p@db/other"));
    }

    #[test]
    fn the_address_of_a_url_holds_neither_user_nor_password_nor_query() {
        let cases = [
            ("postgres://me:pw@db:5432/app?sslmode=require", Some("postgres://db:5432/app")),
            ("postgresql+asyncpg://db/app", Some("postgresql+asyncpg://db/app")),
            ("redis://:p@ss@[::1]:6379/0", Some("redis://[::1]:6379/0")),
            ("postgres://me:p/ss@db/app", Some("postgres")),
            ("https://hooks.slack.com/services/T0#x", Some("https://hooks.slack.com/services/T0")),
            ("ghp_abcdef", None),
            ("a b://c", None),
        ];
        for (url, expected) in cases {
            assert_eq!(address(url).as_deref(), expected, "{url}");
        }
    }
}
