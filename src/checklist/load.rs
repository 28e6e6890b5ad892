//! From text to a [`Checklist`], with all problems reported at once.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::iter;
use std::path::Path;
use std::sync::Arc;

use jiff::civil::Date;

use crate::diagnostic::{Diagnostic, Diagnostics, Sources, Span};
use crate::env::Env;
use crate::probe::Registry;
use crate::run::Gap;
use crate::secret::Redactor;
use crate::writer::{confine, contained, repository};
use crate::yaml::{self, Node, Spanned, Value};

use super::check::Checks;
use super::credential::{Credential, credentials, in_broken_yaml, redactor};
use super::file::{FileChecklist, FileGap, FileItem, FileSection, FileTiming, Since};
use super::form;
use super::gap;
use super::kind_info::KindCache;
use super::markdown;
use super::meant::Meant;
use super::names::{Names, Need};
use super::part::parts;
use super::probe::{default_timing, overridden};
use super::probe_list::{CLEANUP, ProbeReader};
use super::references::{self, Declared, ReferenceScope};
use super::schema::schema;
use super::scope::given;
use super::sign_off::{self, Around};
use super::signers;
use super::tree::{Tree, digest, once_for_each_list, tree};
use super::unset::has_unset_title;
use super::via;
use super::{Checklist, Found, Item, Secret, SecretSource, Section, Subject, Timing, secret};

/// The result of reading a checklist.
#[derive(Debug)]
pub struct Loaded {
    /// The checklist, if it is valid.
    pub checklist: Option<Checklist>,
    /// All problems.
    pub problems: Diagnostics,
    /// The texts that the problems refer to.
    pub sources: Arc<Sources>,
    /// The redactor of the secrets that are known without reading files or running programs.
    pub redactor: Redactor,
}

/// Overrides on the command line.
#[derive(Debug, Clone, Default)]
pub struct Overrides {
    /// `--var`: the values of variables.
    pub vars: BTreeMap<String, String>,
    /// `--subject`: the release or commit.
    pub subject: Option<String>,
    /// Whether unset environment variables are shown as written: for commands that run nothing.
    pub shows_unset: bool,
}

/// Reads a checklist with the keys that were meant, fills in known values, and checks everything that can be checked before
/// a run.
pub fn load_as(found: Found, meant: &Meant, overrides: &Overrides, env: &Env, registry: &Registry) -> Loaded {
    let mut sources = Sources::default();
    let file = sources.add(found.file.as_str(), found.text.as_str());
    let mut problems = Vec::new();
    let given = given(&overrides.vars, &mut sources);
    let tree = tree(&found, (file, meant), &given, env, &mut sources, &mut problems);
    let Tree { mut root, bases, elements, unread } = via::handed_down(tree, registry, &mut problems);
    let has_unset_title = has_unset_title(root.as_mut(), overrides.shows_unset, &mut problems);
    let is_base = found.is_base();
    let mut found_credentials = match &root {
        Some(root) => credentials(root),
        None => bases.iter().chain([&file]).flat_map(|file| in_broken_yaml(&sources.get(*file).text)).collect(),
    };
    let mut secrets = Vec::new();
    let content = root.and_then(|root| {
        outside(&root, &found.root, &mut problems);
        if !is_base {
            problems.extend(signers::check(&root));
        }
        problems.extend(markdown::shared(&root, &found, &env.cwd));
        let mut loader = Loader {
            names: Names::read(&root, &unread, is_base, &mut problems),
            declared: Declared::of(&root, &["vars", "secrets"]),
            checks: Checks::new(&found.root, &env.cwd).given(&found.files),
            kinds: KindCache::new(registry),
            sources: &mut sources,
            secrets: &mut secrets,
            credentials: &mut found_credentials,
            today: env.today(),
            problems: &mut problems,
            has_parents: false,
            has_bases: !bases.is_empty(),
            root: &root,
            elements: &elements,
            is_base,
            before: HashSet::new(),
            has_subject: is_base || root.get("subject").is_some_and(|subject| !subject.is_null()),
        };
        let content = loader.content(overrides);
        form::complete(&mut problems, &root, || schema(registry));
        content
    });
    let digest = digest(&sources, file, &bases);
    if !elements.is_empty() {
        once_for_each_list(&mut problems);
    }
    let problems = Diagnostics(problems);
    let sources = Arc::new(sources);
    let variables = secrets.iter().filter_map(|secret: &Secret| match &secret.source {
        SecretSource::Env(variable) => Some((secret.name.clone(), env.var(variable)?.to_owned())),
        SecretSource::File(_) | SecretSource::Command(_) => None,
    });
    let redactor = redactor(variables, &found_credentials, env);
    let checklist = content.filter(|_| !problems.has_errors()).map(|content| Checklist {
        name: found.name,
        title: content.head.title,
        has_unset_title,
        file: found.file,
        digest,
        project: content.head.project,
        locks: content.head.locks,
        subject: content.subject,
        vars: given_vars(overrides),
        markdown: content.head.markdown,
        allowed_signers: content.head.allowed_signers,
        root: found.root,
        secrets,
        credentials: found_credentials,
        sections: content.sections,
        gaps: content.gaps,
        sources: Arc::clone(&sources),
        redactor: redactor.clone(),
    });
    Loaded { checklist, problems, sources, redactor }
}

/// The variables set on the command line, as text.
fn given_vars(overrides: &Overrides) -> Option<String> {
    let vars: Vec<String> = overrides.vars.iter().map(|(name, value)| format!("{name}={value}")).collect();
    (!vars.is_empty()).then(|| vars.join(", "))
}

/// Finds paths that lead out of the repository.
fn outside(root: &Node, folder: &Path, problems: &mut Vec<Diagnostic>) {
    let text = |key| root.get(key).and_then(|node| Some((node.span, node.text()?)));
    let repository = repository(folder);
    if let Some((span, path)) = text("markdown")
        && let Err(why) = confine(&folder.join(path), repository)
    {
        let problem = Diagnostic::error(format!("cannot write `{path}`: {why}")).at(span);
        problems.push(problem.help("name a file of this repository; `--markdown=PATH` may be anywhere"));
    }
    for node in signers::files(root) {
        // An absolute path is a file of the machine: a pull request can't change it.
        if let Some(path) = node.text().filter(|path| Path::new(path).is_relative())
            && let Err(why) = contained(&folder.join(path), repository)
        {
            problems.push(Diagnostic::error(format!("cannot read `{path}`: {why}")).at(node.span));
        }
    }
}

/// The content of a checklist's file.
struct Content {
    head: FileChecklist,
    subject: Subject,
    sections: Vec<Section>,
    gaps: Vec<Gap>,
}

struct Loader<'a> {
    names: Names<'a>,
    declared: Declared<'a>,
    checks: Checks<'a>,
    kinds: KindCache<'a>,
    sources: &'a mut Sources,
    /// The secrets of the checklist.
    secrets: &'a mut Vec<Secret>,
    /// The credentials in settings.
    credentials: &'a mut Vec<Credential>,
    /// Today, in UTC.
    today: Date,
    problems: &'a mut Vec<Diagnostic>,
    /// Whether the file has a `subject`.
    has_subject: bool,
    /// Whether it is a base: checklists that extend it may add missing parts.
    is_base: bool,
    /// Whether it extends bases.
    has_bases: bool,
    /// All of the checklist.
    root: &'a Node,
    /// The elements that items were made from, by their ids.
    elements: &'a HashMap<String, Span>,
    /// Whether an item of the section has a `parent`.
    has_parents: bool,
    /// The ids of the items before in the section, where one has.
    before: HashSet<String>,
}

impl Loader<'_> {
    /// The content of the file. None if its head can't be read.
    fn content(&mut self, overrides: &Overrides) -> Option<Content> {
        let root = self.root;
        let mut head = yaml::read::<FileChecklist>(root, self.problems);
        let part = |key| root.get(key);
        *self.secrets = part("secrets").map(|node| secret::read(node, self.problems)).unwrap_or_default();
        form::wants_map("vars", part("vars"), self.problems);
        let timing = self.timing(default_timing(), part("defaults"));
        let mut needs: Vec<Vec<Need>> = Vec::new();
        let mut sections = Vec::new();
        for node in self.list(part("sections"), "sections") {
            sections.extend(self.section(node, timing, &mut needs));
        }
        // Problems of its sections have been reported already.
        if let Some(node) = part("sections").filter(|_| needs.is_empty() && self.problems.is_empty() && !self.is_base) {
            let problem = Diagnostic::error("a checklist without items checks nothing");
            self.problems.push(problem.at(node.span).help("a section has `items`"));
        }
        self.names.circles(&needs, self.problems);
        let gates = |item: &Item| !item.advisory && item.deferred.is_none();
        // If something else in the list is invalid, this may not be true.
        if let Some(node) = part("sections").filter(|_| self.problems.is_empty() && !self.is_base)
            && !sections.iter().flat_map(|section| &section.items).any(gates)
        {
            let problem = Diagnostic::error("no item of this checklist can fail it: all are `advisory` or `deferred`");
            self.problems.push(problem.at(node.span).help("at least one item must be neither"));
        }
        let policy = head.as_mut().and_then(|head| head.waivable.take());
        let policy = policy.as_deref();
        let gaps = self.list(part("gaps"), "gaps").iter().filter_map(|node| self.gap(node, policy)).collect();
        let declared = head.as_mut().and_then(|head| head.subject.take());
        let subject = match &overrides.subject {
            Some(subject) => subject_of(subject),
            None => declared.map_or(Subject::Undeclared, |node| self.subject(&node)),
        };
        Some(Content { head: head?, subject, sections, gaps })
    }

    fn section(&mut self, node: &Node, timing: Timing, needs: &mut Vec<Vec<Need>>) -> Option<Section> {
        let section = yaml::read::<FileSection>(node, self.problems);
        let timing = self.timing(timing, node.get("defaults"));
        let list = self.list(node.get("items"), "items");
        self.before.clear();
        self.has_parents = list.iter().any(|item| item.get("parent").is_some());
        let mut items = Vec::with_capacity(list.len());
        for item in list {
            let before = self.problems.len();
            let read = self.item(item, timing, needs);
            let element = item.get("id").and_then(|id| self.elements.get(id.text()?)).copied();
            if let Some(element) = element {
                self.of_element(before, element);
            }
            items.extend(read.map(|mut read| {
                read.element = element;
                if self.has_bases {
                    read.parts = parts(item, node, self.root);
                }
                read
            }));
        }
        let section = section?;
        if items.is_empty()
            && !self.is_base
            && section.text.is_none()
            && section.changes.is_none()
            && self.names.is_whole()
            && node.get("items").is_none_or(is_empty_list)
        {
            let key = node.entries().iter().map(|(key, _)| key).find(|key| &*key.text == "items");
            self.problems.push(match key {
                Some(key) => Diagnostic::error("`items` is empty")
                    .at(key.span)
                    .help("write an item below it: `- id: api`, and below that `  title: API answers`"),
                None => Diagnostic::error("this section is empty")
                    .at(node.span)
                    .help("a section has `items`, `text` or `changes`"),
            });
        }
        if let Some(changes) = &section.changes
            && let Since::Revision(revision) = &changes.value.since
            && revision.starts_with('-')
        {
            let problem = Diagnostic::error(format!("invalid revision `{revision}`")).at(changes.span);
            self.problems.push(problem.help("name a tag, a branch or a commit, `last-green` or `last-sign-off`"));
        }
        Some(Section {
            id: section.id.map(|id| id.value.0),
            title: section.title,
            note: section.note,
            text: section.text,
            changes: section.changes.map(|changes| changes.value),
            items,
        })
    }

    /// Shows the element with the problems of the item that was made from it.
    fn of_element(&mut self, before: usize, element: Span) {
        let problems = self.problems.split_off(before);
        self.problems.extend(problems.into_iter().map(|problem| problem.also(element, "for this element")));
    }

    /// Reads an item. Its needs are collected even if something else in it is invalid.
    fn item(&mut self, node: &Node, timing: Timing, all_needs: &mut Vec<Vec<Need>>) -> Option<Item> {
        let mut own = Vec::new();
        let file = yaml::read::<FileItem>(node, &mut own);
        let (timeout, retry) = file.as_ref().map_or((None, None), |file| (file.timeout, file.retry));
        let said = FileTiming { timeout, retry, via: None };
        self.problems.append(&mut own);
        let raw_needs: Vec<Spanned<String>> = match &file {
            Some(file) => file.needs.clone(),
            None => texts(node.get("needs")),
        };
        let before = self.problems.len();
        let needs = self.names.needs(all_needs.len(), &raw_needs, self.problems);
        let unknown = self.problems.len() - before;
        let positions: Vec<usize> = needs.iter().map(|(position, _)| *position).collect();
        all_needs.push(needs);
        let id = node.get("id").and_then(Node::text).unwrap_or_default();
        let words: Vec<&str> = raw_needs.iter().map(|need| need.value.as_str()).collect();
        let names = &self.names;
        let find = |id: &str| names.probes(id);
        let mut scope = ReferenceScope {
            aliases: Vec::new(),
            item: id,
            cleanup: node.get(CLEANUP).map(aliases).unwrap_or_default(),
            needs: &words,
            items: &find,
            is_base: self.is_base,
            declared: &self.declared,
        };
        let timing = overridden(timing, Some(&said));
        let mut reader = ProbeReader {
            checks: &mut self.checks,
            kinds: &mut self.kinds,
            sources: self.sources,
            credentials: self.credentials,
            problems: self.problems,
        };
        let probes = node.get("probes").map(|list| reader.list(list, timing, &mut scope)).unwrap_or_default();
        if let Some(evidence) = node.get("evidence") {
            references::check(evidence, &scope, reader.kinds, reader.problems);
        }
        // Behind the evidence, which is made before it runs.
        let cleanup = node.get(CLEANUP).map(|node| reader.cleanup(node, timing, &mut scope)).unwrap_or_default();
        if let Some(parent) = file.as_ref().and_then(|file| file.parent.as_ref())
            && !self.before.contains(&parent.value)
        {
            let problem = Diagnostic::error(format!("this section has no earlier item `{}`", parent.value));
            self.problems.push(problem.at(parent.span).help("move this item below its parent, or remove `parent`"));
        }
        if self.has_parents {
            self.before.insert(id.to_owned());
        }
        let file = file?;
        if let (Some(time), Some(_)) = (&file.valid_for, &file.sign_off) {
            let problem = Diagnostic::error("`valid_for` of a sign-off belongs inside `sign_off`").at(time.span);
            self.problems.push(problem.help(format!("write `sign_off: {{ …, valid_for: {} }}`", time.value)));
        }
        let is_asked = node.get("probes").is_some_and(|list| !list.elements().is_empty() || list.text().is_some());
        if let Some(pending) = &file.pending
            && (is_asked || file.sign_off.is_some() || file.deferred.is_some())
        {
            let problem = Diagnostic::error("`pending` can't be combined with probes or a sign-off").at(pending.span);
            self.problems.push(problem.help("remove `pending` when the item can be checked"));
        }
        for (key, reason) in
            [("deferred", "not needed before production"), ("pending", "the load test is not written yet")]
        {
            if let Some(said) = node.get(key).filter(|said| said.to_json().is_boolean()) {
                let problem = Diagnostic::error(format!("`{key}` gives the reason, not true or false")).at(said.span);
                self.problems.push(problem.help(format!("such as `{key}: {reason}`")));
            }
        }
        let covered = positions.len().max(unknown);
        let around = Around { has_probes: is_asked, has_subject: self.has_subject, covered };
        self.problems.extend(sign_off::check(&file, around));
        let is_open = file.sign_off.is_some() || file.deferred.is_some() || file.pending.is_some();
        let is_list = node.get("probes").is_none_or(is_empty_list);
        if !is_asked && is_list && !is_open && file.manual.is_none() && !self.is_base {
            let problem = Diagnostic::error(format!("`{}` checks nothing", file.id.value)).at(file.id.span);
            self.problems.push(problem.help(
                "add `probes` or a `sign_off`; or `deferred` with the reason, or `pending` with what it waits for",
            ));
        }
        if let Some(node) = file.cleanup.as_ref()
            && !(is_asked || self.is_base || cleanup.is_empty())
        {
            let problem = Diagnostic::error("`cleanup` without `probes` never runs").at(node.span);
            self.problems.push(problem.help("give the item `probes`, or remove it"));
        }
        Some(Item {
            id: file.id.value.0.as_str().into(),
            span: file.id.span,
            parts: Vec::new(),
            element: None,
            title: file.title.into(),
            parent: file.parent.map(|parent| parent.value),
            owner: file.owner,
            severity: file.severity,
            tags: file.tags.into_iter().map(|tag| tag.value.0).collect(),
            needs: positions,
            locks: file.locks,
            exclusive: file.exclusive,
            advisory: file.advisory,
            deferred: file.deferred.map(|why| why.value),
            pending: file.pending.map(|why| why.value),
            valid_for: file.valid_for.map(|time| time.value),
            sign_off: file.sign_off.map(|sign_off| sign_off.value),
            manual: file.manual.map(|steps| steps.value),
            probes,
            cleanup,
            evidence: file.evidence,
            hint: file.hint,
        })
    }

    /// The subject. An unset environment variable leaves it unset.
    fn subject(&mut self, node: &Node) -> Subject {
        let is_env = |reference: &&yaml::Reference| reference.path.starts_with("env.");
        if node.has_holes() && node.references().iter().all(is_env) {
            return Subject::Unset;
        }
        yaml::read::<String>(node, self.problems).map_or(Subject::Unset, |subject| subject_of(&subject))
    }

    fn gap(&mut self, node: &Node, waivable: Option<&[String]>) -> Option<Gap> {
        let gap = yaml::read::<FileGap>(node, self.problems);
        if let (Some(until), None) = (node.get("accepted_until"), node.get("accepted_by")) {
            let problem = Diagnostic::error("`accepted_by` is missing").at(until.span);
            self.problems.push(problem.help("name who accepted the gap: `accepted_by: \"@sre-lead\"`"));
        }
        let gap = gap?;
        let items = self.names.of_gap(&gap.items, self.problems);
        if let Some(until) = &gap.accepted_until {
            let refused = gap::refused(gap.priority.as_ref(), waivable, until, self.today);
            self.problems.extend(refused);
        } else if let Some(priority) = gap.priority.as_ref().filter(|priority| !gap::is_priority(&priority.value)) {
            let note = Diagnostic::warning(format!("`{}` is not one of the priorities P0 to P4", priority.value));
            self.problems
                .push(note.at(priority.span).help("only a gap of priority P0 to P4 can be accepted for a while"));
        }
        Some(Gap {
            gap: gap.gap,
            items,
            priority: gap.priority.map(|priority| priority.value),
            owner: gap.owner,
            notes: gap.notes,
            accepted_until: gap.accepted_until.map(|date| date.value),
            accepted_by: gap.accepted_by,
        })
    }

    fn timing(&mut self, timing: Timing, said: Option<&Node>) -> Timing {
        let said = said.and_then(|node| yaml::read::<FileTiming>(node, self.problems));
        overridden(timing, said.as_ref())
    }

    /// The elements of a part that must be a list.
    fn list<'n>(&mut self, node: Option<&'n Node>, key: &str) -> &'n [Node] {
        let Some(node) = node else { return &[] };
        if !matches!(node.value, Value::List(_)) && !node.is_null() {
            let title = format!("`{key}` must be a list, not {}", node.kind());
            self.problems.push(Diagnostic::error(title).at(node.span).help("begin each of its entries with `- `"));
        }
        // An entry without its dash has mistakes of its own.
        let is_entry = ["title", "gap"].iter().any(|key| node.get(key).is_some());
        if is_entry { std::slice::from_ref(node) } else { node.elements() }
    }
}

/// Whether it is a list without elements, or nothing. Anything else has been reported.
fn is_empty_list(node: &Node) -> bool {
    node.is_null() || matches!(&node.value, Value::List(elements) if elements.is_empty())
}

/// The subject, if it is known. An empty text counts as none.
fn subject_of(text: &str) -> Subject {
    if text.is_empty() { Subject::Unset } else { Subject::Set(text.to_owned()) }
}

/// The names of a probe, or of the probes in a list.
fn aliases(probes: &Node) -> Vec<&str> {
    iter::once(probes).chain(probes.elements()).filter_map(|probe| probe.get("as")?.text()).collect()
}

/// The texts of a list in an item that could not be read as a whole.
fn texts(node: Option<&Node>) -> Vec<Spanned<String>> {
    let elements = node.map(Node::elements).unwrap_or_default().iter();
    elements.filter_map(|node| Some(Spanned { value: node.text()?.to_owned(), span: node.span })).collect()
}
