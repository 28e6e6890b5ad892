//! Text → tree: parser events, with the fail-closed rules that YAML itself lacks.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use granit_parser::{Event, ScalarStyle, ScanError};

use crate::diagnostic::{Collector, Diagnostic, Sources, Span};
use crate::text::is_reordering;

use super::events::{Next, with_events};
use super::fault::{Fault, Hint, MAX_DEPTH};
use super::{Key, Node, Part, Scalar, Style, Template, Value, hint, template};

/// Maximum size of a checklist, which people write.
const MAX_BYTES: usize = 16 << 20;
/// The key that other YAML parsers take for a merge.
const MERGE: &str = "<<";
/// How many nodes there may be, aliases followed.
const MAX_NODES: usize = 2_000_000;
/// Maximum number of nodes added by aliases: a short file can request any number.
const MAX_EXPANDED: usize = 300_000;
/// How far before its node a tag is searched.
const MAX_GAP: usize = 256;
/// Up to this number, keys are compared one by one.
const FEW: usize = 16;

/// Reads one document. Every scalar that holds `${` is a hole already.
///
/// Refused by name: duplicate keys (showing both), tags, merge keys, several documents, an unknown or recursive alias,
/// keys that are not scalars, control characters, too deep, too large, aliases that expand to too much.
/// `None` if no tree can be made. Problems may be reported beside a tree, too.
pub fn parse(sources: &Sources, file: u32, problems: &mut Vec<Diagnostic>) -> Option<Node> {
    document(sources, file, problems, Dialect::Checklist)
}

/// The same for a file that was not written for gate, in which `${` has no meaning.
pub fn parse_plain(sources: &Sources, file: u32, problems: &mut Vec<Diagnostic>) -> Option<Node> {
    document(sources, file, problems, Dialect::Plain)
}

/// The same for a file of other programs, which may hold several documents and merge keys. Tags are ignored. What comes
/// before a mistake is read.
pub fn parse_foreign(sources: &Sources, file: u32) -> Vec<Node> {
    let text = &*sources.get(file).text;
    if unfit(text, file).is_some() {
        return Vec::new();
    }
    built(text, file, Dialect::Foreign, &mut Collector::default())
}

/// The dialect of a file.
#[derive(Clone, Copy, PartialEq)]
enum Dialect {
    /// One document, in which `${…}` is a hole, and `$$` a dollar.
    Checklist,
    /// One document, in which a dollar is itself.
    Plain,
    /// Several documents with merge keys, in which a dollar is itself.
    Foreign,
}

fn document(sources: &Sources, file: u32, problems: &mut Vec<Diagnostic>, dialect: Dialect) -> Option<Node> {
    let text = &*sources.get(file).text;
    if let Some(problem) = unfit(text, file) {
        problems.push(problem);
        return None;
    }
    let mut found = Collector::default();
    let root = built(text, file, dialect, &mut found).into_iter().next();
    if root.is_none() && found.is_empty() {
        found.push(Diagnostic::error(format!("`{}` is empty", sources.get(file).name)));
    }
    problems.extend(found.into_problems());
    root
}

/// The documents of a text. None for one with a mistake, if one document is expected.
fn built(text: &str, file: u32, dialect: Dialect, problems: &mut Collector) -> Vec<Node> {
    let mut builder = Builder {
        text,
        file,
        problems,
        stack: Vec::new(),
        elements: Vec::new(),
        entries: Vec::new(),
        anchors: HashMap::new(),
        keys: BTreeSet::new(),
        roots: Vec::new(),
        documents: 0,
        is_broken: false,
        nodes: 0,
        expanded: 0,
        dialect,
    };
    with_events(text, |batch| builder.take(batch));
    builder.finished()
}

/// Checks the text before it is parsed.
fn unfit(text: &str, file: u32) -> Option<Diagnostic> {
    if text.len() > MAX_BYTES {
        return Some(Diagnostic::error(format!(
            "the file is too large: {} MiB; the limit is 16 MiB",
            text.len() >> 20
        )));
    }
    // Nearly every text is plain ASCII: look at bytes first.
    let is_plain = |byte: &u8| matches!(byte, b'\n' | b'\r' | b'\t' | b' '..=b'~');
    // A whole block at a time: the processor compares many bytes at once.
    if text.as_bytes().chunks(64).all(|block| block.iter().fold(true, |all, byte| all & is_plain(byte))) {
        return None;
    }
    let is_odd = |c: char| match c {
        '\n' | '\r' | '\t' => false,
        c => c.is_control() || is_reordering(c),
    };
    let (at, c) = text.char_indices().find(|(_, c)| is_odd(*c))?;
    let span = Span { file, start: offset(at), end: offset(at + c.len_utf8()) };
    Some(Diagnostic::error(format!("a control character, U+{:04X}, is in the file", u32::from(c))).at(span))
}

fn offset(at: usize) -> u32 {
    u32::try_from(at).expect("a file is at most 16 MiB")
}

/// A list or map in the making.
struct Frame {
    start: usize,
    anchor: usize,
    nodes_before: usize,
    depth: usize,
    body: Body,
}

/// Where in the builder's elements or entries its own begin, and the key whose value comes next.
enum Body {
    List(usize),
    Map(usize, Option<Key>),
}

/// The node that an anchor refers to.
struct Anchor {
    node: Node,
    nodes: usize,
    depth: usize,
}

struct Builder<'a> {
    text: &'a str,
    file: u32,
    problems: &'a mut Collector,
    stack: Vec<Frame>,
    /// The elements of all lists in the making, those of the innermost last.
    elements: Vec<Node>,
    /// The entries of all maps in the making, those of the innermost last.
    entries: Vec<(Key, Node)>,
    anchors: HashMap<usize, Anchor>,
    /// Every key so far: a long list has the same few again and again.
    keys: BTreeSet<Arc<str>>,
    /// The documents that are complete.
    roots: Vec<Node>,
    /// How many have begun.
    documents: usize,
    /// Whether there was a mistake: nothing behind it is read.
    is_broken: bool,
    nodes: usize,
    /// How many of them aliases have added.
    expanded: usize,
    dialect: Dialect,
}

impl Builder<'_> {
    /// Takes in events. Returns `false` if the rest isn't needed.
    fn take(&mut self, batch: Vec<Next>) -> bool {
        self.is_broken = !batch.into_iter().all(|next| match next {
            Ok((event, place)) => self.event(event, place),
            Err(error) => self.refuse(&error),
        });
        !self.is_broken
    }

    /// The documents. A second one doesn't affect the first; a mistake does, where one document is expected.
    fn finished(self) -> Vec<Node> {
        let is_kept = !self.is_broken || self.dialect == Dialect::Foreign || self.documents > 1;
        if is_kept { self.roots } else { Vec::new() }
    }

    /// Reports text that is not YAML. No events follow it.
    fn refuse(&mut self, error: &ScanError) -> bool {
        let at = error.marker().byte_offset().unwrap_or(self.text.len()).min(self.text.len());
        let at = self.text.floor_char_boundary(at);
        let open: Vec<usize> = self.stack.iter().map(|frame| frame.start).collect();
        let fault = Fault { text: self.text, kind: error.kind(), at, open: &open };
        let Hint { title, place, help } = hint::of(&fault);
        let problem = Diagnostic::error(title).at(self.span(place)).help(help);
        self.problems.push(problem);
        false
    }

    /// `false` if reading should stop.
    fn event(&mut self, event: Event, place: std::ops::Range<usize>) -> bool {
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                self.refuse_tag(tag.as_deref(), &place);
                // A text such as `!important` is a tag and nothing else.
                let node = match tag.is_some() && text.is_empty() && self.dialect == Dialect::Checklist {
                    true => Node::new(self.span(place), Value::Unresolved(Arc::new(Template::refused()))),
                    false => self.scalar(&text, style, place),
                };
                self.finish(node, anchor, 1, 0)
            }
            Event::Alias(id) => match self.anchors.get(&id) {
                Some(Anchor { node, nodes, depth }) => {
                    let (node, nodes, depth) = (node.clone(), *nodes, *depth);
                    self.alias(node, nodes, depth, place)
                }
                None => {
                    let span = self.span(place);
                    self.problems.push(Diagnostic::error("an alias that contains itself").at(span));
                    false
                }
            },
            Event::UnresolvedAlias(name) => {
                let span = self.span(place.clone());
                let problem = Diagnostic::error(format!("undefined alias `*{name}`")).at(span);
                self.problems.push(problem.help(format!("to make text of it, quote it: `\"*{name}\"`")));
                let node = Node::new(span, Value::Unresolved(Arc::new(Template::refused())));
                self.finish(node, 0, 1, 0)
            }
            Event::SequenceStart(_, anchor, tag) => {
                self.refuse_tag(tag.as_deref(), &place);
                self.open(place.start, anchor, Body::List(self.elements.len()))
            }
            Event::MappingStart(_, anchor, tag) => {
                self.refuse_tag(tag.as_deref(), &place);
                self.open(place.start, anchor, Body::Map(self.entries.len(), None))
            }
            Event::SequenceEnd | Event::MappingEnd => self.close(place.end),
            Event::DocumentStart(..) => self.begin(place),
            Event::StreamStart | Event::StreamEnd | Event::DocumentEnd | Event::Anchor(..) => true,
            // Comments are not requested; events that a newer parser adds are not nodes.
            _ => true,
        }
    }

    /// Begins a document. A checklist is one.
    fn begin(&mut self, place: std::ops::Range<usize>) -> bool {
        self.documents += 1;
        let is_extra = self.documents > 1 && self.dialect != Dialect::Foreign;
        if is_extra {
            let problem = Diagnostic::error("more than one YAML document").at(self.span(place));
            self.problems.push(problem.help("a file contains one checklist: remove the `---`"));
        }
        !is_extra
    }

    fn refuse_tag(&mut self, tag: Option<&granit_parser::Tag>, place: &std::ops::Range<usize>) {
        if let Some(tag) = tag {
            // The tag is before the node.
            let name = tag.original();
            let from = self.text.floor_char_boundary(place.start.saturating_sub(name.len() + MAX_GAP));
            let start = self.text[from..place.start].rfind(&name).map_or(place.start, |found| from + found);
            let span = self.span(start..start + name.len().min(self.text.len() - start));
            self.problems.push(
                Diagnostic::error(format!("the tag `{name}` is not supported"))
                    .at(span)
                    .help("remove it; to make text of the whole value, quote it"),
            );
        }
    }

    fn span(&self, place: std::ops::Range<usize>) -> Span {
        Span { file: self.file, start: offset(place.start), end: offset(place.end.max(place.start)) }
    }

    fn scalar(&mut self, text: &str, style: ScalarStyle, place: std::ops::Range<usize>) -> Node {
        let span = self.span(place);
        let style = if style == ScalarStyle::Plain { Style::Plain } else { Style::Quoted };
        let is_key = matches!(self.stack.last(), Some(Frame { body: Body::Map(_, None), .. }));
        if is_key {
            return Node::new(span, Value::Scalar(Scalar { text: self.key(text), style }));
        }
        if self.dialect != Dialect::Checklist || !has_hole(text) {
            return Node::new(span, Value::Scalar(Scalar { text: text.into(), style }));
        }
        let value = match template::parts(text, &self.text[span.range()], span) {
            Ok(parts) => match parts.as_slice() {
                [Part::Text(text)] => Value::Scalar(Scalar { text: text.as_str().into(), style }),
                [..] => Value::Unresolved(Arc::new(Template { parts, style })),
            },
            Err(problem) => {
                self.problems.push(*problem);
                Value::Unresolved(Arc::new(Template::refused()))
            }
        };
        Node::new(span, value)
    }

    fn key(&mut self, text: &str) -> Arc<str> {
        if let Some(key) = self.keys.get(text) {
            return Arc::clone(key);
        }
        let key: Arc<str> = text.into();
        self.keys.insert(Arc::clone(&key));
        key
    }

    fn open(&mut self, start: usize, anchor: usize, body: Body) -> bool {
        if self.stack.len() >= MAX_DEPTH {
            let span = self.span(start..start);
            self.problems.push(Diagnostic::error(format!("nested deeper than {MAX_DEPTH} levels")).at(span));
            return false;
        }
        self.stack.push(Frame { start, anchor, nodes_before: self.nodes, depth: 0, body });
        true
    }

    fn close(&mut self, end: usize) -> bool {
        let frame = self.stack.pop().expect("the parser ends only what it began");
        let (start, end, value) = match frame.body {
            Body::List(first) => {
                let elements: Arc<[Node]> = self.elements.drain(first..).collect();
                let end = elements.last().map_or(end, |last| last.span.end as usize);
                (frame.start, end, Value::List(elements))
            }
            Body::Map(first, _) => {
                let entries = self.entries(first);
                let start = entries.first().map_or(frame.start, |(key, _)| key.span.start as usize);
                let end = entries.last().map_or(end, |(_, last)| last.span.end as usize);
                (start, end, Value::Map(entries))
            }
        };
        let node = Node::new(self.span(start..end.max(start)), value);
        let nodes = self.nodes - frame.nodes_before + 1;
        self.finish(node, frame.anchor, nodes, frame.depth + 1)
    }

    /// The entries of the map that ends, each key once.
    fn entries(&mut self, first: usize) -> Arc<[(Key, Node)]> {
        self.merge(first);
        let duplicates = duplicates(&self.entries[first..]);
        if duplicates.is_empty() {
            return self.entries.drain(first..).collect();
        }
        let mut entries: Vec<Option<(Key, Node)>> = self.entries.drain(first..).map(Some).collect();
        for (original, duplicate) in duplicates {
            let (key, _) = entries[duplicate].take().expect("each place is named once");
            let (original, _) = entries[original].as_ref().expect("the first of a key is not a duplicate");
            let problem = Diagnostic::error(format!("duplicate key `{}`", key.text)).at(key.span);
            self.problems.push(problem.also(original.span, "first used here"));
        }
        entries.into_iter().flatten().collect()
    }

    /// Replaces merge keys by their entries. Own entries take precedence, then those of earlier merges.
    fn merge(&mut self, first: usize) {
        let is_merge = |(key, _): &(Key, Node)| &*key.text == MERGE;
        if self.dialect != Dialect::Foreign || !self.entries[first..].iter().any(is_merge) {
            return;
        }
        let (merges, mut entries): (Vec<_>, Vec<_>) = self.entries.drain(first..).partition(is_merge);
        let mut known: HashSet<Arc<str>> = entries.iter().map(|(key, _)| Arc::clone(&key.text)).collect();
        for (_, node) in &merges {
            let maps = if node.elements().is_empty() { std::slice::from_ref(node) } else { node.elements() };
            let merged = maps.iter().flat_map(Node::entries).filter(|(key, _)| known.insert(Arc::clone(&key.text)));
            entries.extend(merged.cloned());
        }
        self.entries.extend(entries);
    }

    fn alias(&mut self, node: Node, nodes: usize, depth: usize, place: std::ops::Range<usize>) -> bool {
        self.nodes += nodes;
        self.expanded += nodes;
        let is_too_much = self.nodes > MAX_NODES || self.expanded > MAX_EXPANDED;
        if is_too_much || self.stack.len() + depth > MAX_DEPTH {
            let span = self.span(place);
            self.problems.push(Diagnostic::error("the aliases expand to too much").at(span));
            return false;
        }
        self.finish(node, 0, 0, depth)
    }

    /// A node is complete: it goes into what is around it. `nodes` is how many it brings that an anchor must count.
    fn finish(&mut self, node: Node, anchor: usize, nodes: usize, depth: usize) -> bool {
        if nodes > 0 {
            self.nodes += 1;
        }
        if anchor != 0 {
            self.anchors.insert(anchor, Anchor { node: node.clone(), nodes, depth });
        }
        if self.nodes > MAX_NODES {
            self.problems.push(Diagnostic::error(format!("more than {MAX_NODES} values")).at(node.span));
            return false;
        }
        let Some(frame) = self.stack.last_mut() else {
            self.roots.push(node);
            return true;
        };
        frame.depth = frame.depth.max(depth);
        match &mut frame.body {
            Body::List(_) => self.elements.push(node),
            Body::Map(_, key @ Some(_)) => {
                let key = key.take().expect("it is `Some`");
                // A refused key is reported there, and should not lead to further problems.
                if &*key.text != MERGE || self.dialect == Dialect::Foreign {
                    self.entries.push((key, node));
                }
            }
            // `{{ NAME }}`, a map as a key, is how other tools write a variable.
            Body::Map(..) if self.text[frame.start..].starts_with("{{") => {
                let start = frame.start;
                let end = self.text[start..].find("}}").map_or(start + 2, |end| start + end + 2);
                let Hint { title, place, help } = hint::template(start..end);
                let span = self.span(place);
                self.problems.push(Diagnostic::error(title).at(span).help(help));
                return false;
            }
            Body::Map(_, key) => *key = Some(as_key(&node, self.problems)),
        }
        true
    }
}

/// Whether a text holds `${` or `$$`.
fn has_hole(text: &str) -> bool {
    text.match_indices('$').any(|(at, _)| matches!(text.as_bytes().get(at + 1), Some(b'{' | b'$')))
}

/// Each entry whose key an earlier one has, after that one.
fn duplicates(entries: &[(Key, Node)]) -> Vec<(usize, usize)> {
    let texts = || entries.iter().map(|(key, _)| &*key.text).enumerate();
    if entries.len() <= FEW {
        let earlier = |(at, text)| Some((texts().take(at).find(|(_, other)| *other == text)?.0, at));
        return texts().filter_map(earlier).collect();
    }
    let mut first: HashMap<&str, usize> = HashMap::with_capacity(entries.len());
    texts().map(|(at, text)| (*first.entry(text).or_insert(at), at)).filter(|(first, at)| first != at).collect()
}

fn as_key(node: &Node, problems: &mut Collector) -> Key {
    let Value::Scalar(Scalar { text, .. }) = &node.value else {
        problems.push(Diagnostic::error(format!("a key is text, not {}", node.kind())).at(node.span));
        return Key { span: node.span, text: "".into() };
    };
    if &**text == MERGE {
        let problem = Diagnostic::error("merge keys (`<<`) are not supported here").at(node.span);
        problems.push(problem.help("write the keys out, or use an alias for the whole value"));
    } else if text.contains("${") {
        let problem = Diagnostic::error("a key can't be filled in").at(node.span);
        problems.push(problem.help("`${…}` is allowed in values only"));
    }
    Key { span: node.span, text: Arc::clone(text) }
}
