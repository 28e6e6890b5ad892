//! From YAML text to values and problems, each at its place.

use std::collections::BTreeMap;

use insta::assert_snapshot;
use serde::Deserialize;

use crate::diagnostic::{Diagnostic, Diagnostics, Sources};

use super::{Duration, Lookup, Node, Spanned, fill, parse, parse_foreign, read, read_with_holes};

#[derive(Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
struct Request {
    url: String,
    #[serde(default)]
    redirects: u8,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    timeout: Option<Duration>,
    #[serde(default)]
    insecure: bool,
    json: Option<serde_json::Value>,
    method: Option<Method>,
    rest: Option<Node>,
    name: Option<Spanned<String>>,
}

#[derive(Debug, Deserialize, PartialEq)]
enum Method {
    #[serde(rename = "GET")]
    Get,
    #[serde(rename = "POST")]
    Post,
}

fn tree(text: &str) -> (Sources, Option<Node>, Vec<Diagnostic>) {
    let mut sources = Sources::default();
    let file = sources.add("c.yaml", text);
    let mut problems = Vec::new();
    let node = parse(&sources, file, &mut problems);
    (sources, node, problems)
}

fn json(text: &str) -> String {
    let (sources, node, problems) = tree(text);
    assert_eq!(Diagnostics(problems).render(&sources, false), "");
    node.expect("a tree").to_json().to_string()
}

/// The problems of a file with a request.
fn said(text: &str) -> String {
    let (sources, node, mut problems) = tree(text);
    if let Some(node) = node {
        read::<Request>(&node, &mut problems);
    }
    Diagnostics(problems).render(&sources, false)
}

#[test]
fn plain_scalars_mean_what_the_core_schema_says_and_quoted_ones_are_text() {
    assert_eq!(
        json("a: 60\nb: '60'\nc: ~\nd: [true, yes, 1.5]\n200: x\ne:\n"),
        r#"{"a":60,"b":"60","c":null,"d":[true,"yes",1.5],"200":"x","e":null}"#
    );
}

#[test]
fn aliases_have_the_value_of_their_anchors() {
    assert_eq!(json("a: &x {k: [1]}\nb: *x\n"), r#"{"a":{"k":[1]},"b":{"k":[1]}}"#);
}

#[test]
fn a_right_request_is_read_once_and_whole() {
    let (_, node, mut problems) =
        tree("url: http://a\nheaders: {X-Retries: 3}\ntimeout: 2m30s\njson: {a: [1, '2']}\nmethod: POST\nname: n\n");
    let request = read::<Request>(&node.expect("a tree"), &mut problems).expect("nothing is wrong");
    assert_eq!(request.headers["X-Retries"], "3");
    assert_eq!(request.timeout, Some(Duration(std::time::Duration::from_secs(150))));
    assert_eq!(request.json, Some(serde_json::json!({"a": [1, "2"]})));
    assert_eq!(request.method, Some(Method::Post));
    assert_eq!(request.name.map(|name| (name.span.start, name.value)), Some((92, "n".to_owned())));
}

#[test]
fn all_problems_of_a_map_are_reported_at_once() {
    assert_snapshot!(said("
ulr: http://a
redirects: 300
headers: [a]
timeout: 10
insecure: 'true'
method: PSOT
"), @"
    error: unknown key `ulr`
     --> c.yaml:2:1
      |
    2 | ulr: http://a
      | ^^^ did you mean `url`?

    error: `300` is out of range
     --> c.yaml:3:12
      |
    3 | redirects: 300
      |            ^^^

    error: `headers` must be a map, not a list
     --> c.yaml:4:10
      |
    4 | headers: [a]
      |          ^^

    error: invalid duration `10`: expected a number and a unit, such as `10s` or `2m30s`
     --> c.yaml:5:10
      |
    5 | timeout: 10
      |          ^^

    error: `insecure` must be true or false, not text
     --> c.yaml:6:11
      |
    6 | insecure: 'true'
      |           ^^^^^^
      |
      = help: remove the quotes

    error: invalid value `PSOT`
     --> c.yaml:7:9
      |
    7 | method: PSOT
      |         ^^^^
      |
      = help: expected one of `GET` or `POST`
    ");
}

#[test]
fn valid_yaml_that_is_not_supported_is_refused_by_name() {
    for (text, title) in [
        ("a: 1\na: 2\n", "duplicate key `a`"),
        ("a: !!str 1\n", "the tag `!!str` is not supported"),
        ("a: &x {}\nb: {<<: *x}\n", "merge keys (`<<`) are not supported here"),
        ("a: 1\n---\nb: 2\n", "more than one YAML document"),
        ("a: *x\n", "undefined alias `*x`"),
        ("a: &x [*x]\n", "an alias that contains itself"),
        ("[a]: 1\n", "a key is text, not a list"),
        ("${a}: 1\n", "a key can't be filled in"),
        ("a: \u{7}\n", "a control character, U+0007, is in the file"),
        ("a: \u{202e}x\n", "a control character, U+202E, is in the file"),
        ("", "`c.yaml` is empty"),
        ("a: ${vars.x\n", "a `${` is not closed"),
        ("a: [1\n", "`[` is opened here and not closed"),
    ] {
        let (_, _, problems) = tree(text);
        let titles: Vec<_> = problems.iter().map(Diagnostic::title).collect();
        assert_eq!(titles, [title], "{text:?}");
    }
}

#[test]
fn nests_and_bombs_are_refused_before_they_cost_anything() {
    let (_, node, problems) = tree(&"[".repeat(100_000));
    assert!(node.is_none() && problems.len() == 1);
    let mut bomb = "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n".to_owned();
    for level in 1..20 {
        let before = level - 1;
        bomb.push_str(&format!("a{level}: &a{level} [{}]\n", vec![format!("*a{before}"); 10].join(",")));
    }
    let (_, node, problems) = tree(&bomb);
    assert!(node.is_none());
    assert_eq!(problems[0].title(), "the aliases expand to too much");
}

#[test]
fn a_reference_that_is_the_whole_scalar_becomes_what_it_names() {
    let (_, node, mut problems) = tree(
        "whole: ${vars.n}\nquoted: \"${vars.n}\"\nin: a-${vars.n}-$${b}\ndefault: ${vars.x:-5}\nlater: ${secrets.s}\n",
    );
    let number = Node::from_json(&serde_json::json!(60), node.as_ref().expect("a tree").span);
    let mut lookup = |reference: &super::Reference| match &*reference.path {
        "vars.n" => Lookup::Found(number.clone()),
        "vars.x" => Lookup::Missing,
        _ => Lookup::Later,
    };
    let mut filled = node.expect("a tree");
    fill(&mut filled, &mut lookup, &mut problems);
    assert_eq!(filled.to_json().to_string(), r#"{"whole":60,"quoted":60,"in":"a-60-${b}","default":"5","later":null}"#);
    assert_eq!(filled.references().len(), 1);
}

#[test]
fn a_value_from_outside_can_be_a_number_where_one_is_wanted_but_no_structure() {
    let (_, node, mut problems) = tree("url: ${env.U}\nredirects: ${env.R}\n");
    let mut lookup = |reference: &super::Reference| {
        let value = if reference.path == "env.R" { "3" } else { "a: [b]\nc: d" };
        Lookup::Found(Node::from_json(&value.into(), reference.span))
    };
    let mut filled = node.expect("a tree");
    fill(&mut filled, &mut lookup, &mut problems);
    let request = read::<Request>(&filled, &mut problems).expect("nothing is wrong");
    assert_eq!((&*request.url, request.redirects), ("a: [b]\nc: d", 3));
}

/// A struct whose field takes the keys that the others leave.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Outer {
    #[expect(dead_code, reason = "it is only read")]
    path: String,
    #[serde(rename = "..", default)]
    login: Inner,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Inner {
    user: Option<String>,
    attempts: Option<u8>,
}

#[test]
fn a_flattened_struct_takes_the_keys_that_are_left_and_knows_their_positions() {
    let read = |text: &str| {
        let (sources, node, mut problems) = tree(text);
        let value = read::<Outer>(&node.expect("a tree"), &mut problems);
        (value, crate::diagnostic::Diagnostics(problems).render(&sources, false))
    };
    let (value, said) = read("user: dana\npath: /x\nattempts: 3\n");
    let login = value.map(|value| value.login);
    assert_eq!(login.map(|login| (login.user, login.attempts)), Some((Some("dana".to_owned()), Some(3))), "{said}");
    assert_snapshot!(read("path: /x\nuesr: dana\nattempts: 300\n..: 1\n").1, @"
    error: unknown key `uesr`
     --> c.yaml:2:1
      |
    2 | uesr: dana
      | ^^^^ did you mean `user`?

    error: `300` is out of range
     --> c.yaml:3:11
      |
    3 | attempts: 300
      |           ^^^

    error: unknown key `..`
     --> c.yaml:4:1
      |
    4 | ..: 1
      | ^^
      |
      = help: expected one of `path`, `user` or `attempts`
    ");
}

#[test]
fn holes_are_passed_over_while_the_rest_is_checked() {
    let (sources, node, mut problems) = tree("url: ${secrets.U}\nredirects: many\n");
    let node = node.expect("a tree");
    assert_eq!(read_with_holes::<Request>(&node, &mut problems), None);
    assert_snapshot!(Diagnostics(problems).render(&sources, false), @"
    error: `redirects` must be a whole number, not text
     --> c.yaml:2:12
      |
    2 | redirects: many
      |            ^^^^
    ");
}

/// How long this thread has computed: other programs on the machine do not count.
fn computed() -> std::time::Duration {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the pointer is that of a value of our own.
    let status = unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &raw mut time) };
    assert_eq!(status, 0, "every system that we know has this clock");
    std::time::Duration::new(
        time.tv_sec.try_into().expect("it is not negative"),
        time.tv_nsec.try_into().expect("it is less than a second"),
    )
}

/// The time of a read, and the problems of the text.
fn timed(text: &str) -> (std::time::Duration, String) {
    let begun = computed();
    let said = said(text);
    (computed() - begun, said)
}

/// Twice as much may take twice as long, and a busy machine's share more; what is quadratic would take four times as long.
fn is_linear(text: impl Fn(usize) -> String, more: &str) {
    let (few, many) = (text(10_000), text(40_000));
    let least = |text: &str| (0..3).map(|_| timed(text).0).min().expect("three times");
    let (short, long) = (least(&few), least(&many));
    assert!(long < short * 9 + std::time::Duration::from_millis(50), "{short:?}, then {long:?}");
    let said = timed(&many).1;
    assert!(said.len() < 20_000 && said.contains(more), "{}", &said[..said.len().min(2000)]);
}

#[test]
fn a_key_that_is_repeated_without_end_takes_linear_time_and_is_counted() {
    is_linear(|count| "url: x\n".repeat(count + 1), "… and 39,980 more: ");
    is_linear(|count| (0..count).map(|at| format!("k{at}: x\nk{at}: x\n")).collect(), "… and 39,980 more: ");
}

#[test]
fn many_refusals_take_linear_time_and_are_counted() {
    is_linear(|count| "- !!str x\n".repeat(count), "… and 39,980 more: the tag");
    is_linear(|count| "- *a\n".repeat(count), "… and 39,980 more: ");
    is_linear(|count| "- ${}\n".repeat(count), "… and 39,980 more: ");
}

#[test]
fn many_misspelled_keys_take_linear_time_and_are_counted() {
    is_linear(|count| (0..count).map(|at| format!("urll{at}: x\n")).collect(), "… and 39,980 more: unknown key `…`");
}

#[test]
fn values_of_the_wrong_type_without_end_take_linear_time() {
    let headers = |count| {
        let headers: String = (0..count).map(|at| format!("  h{at}: []\n")).collect();
        format!("url: x\nheaders:\n{headers}")
    };
    is_linear(headers, "too many problems here");
}

#[test]
fn many_unfilled_values_take_linear_time_and_are_not_problems() {
    let read = |count: usize| {
        let headers: String = (0..count).map(|at| format!("  h{at}: ${{secrets.X}}\n")).collect();
        let (_, node, mut problems) = tree(&format!("url: x\nheaders:\n{headers}"));
        let begun = computed();
        let value = read_with_holes::<Request>(&node.expect("a tree"), &mut problems);
        assert!(value.is_none() && problems.is_empty(), "{problems:?}");
        computed() - begun
    };
    let least = |count| (0..3).map(|_| read(count)).min().expect("three times");
    let (short, long) = (least(10_000), least(40_000));
    assert!(long < short * 9 + std::time::Duration::from_millis(50), "{short:?}, then {long:?}");
}

#[test]
fn references_without_end_in_one_text_take_linear_time() {
    is_linear(
        |count| format!("url: \"{}\"", "${secrets.a}".repeat(count)),
        "only settings and expectations of probes can use a secret",
    );
    is_linear(
        |count| format!("url: \"{}\"", "${secrets.\\x61}".repeat(count)),
        "only settings and expectations of probes can use a secret",
    );
}

#[test]
fn aliases_that_expand_to_too_much_are_refused_at_once() {
    let levels = |width: usize| {
        let level = |at: usize| format!("  - &a{at} [{}]\n", vec![format!("*a{}", at - 1); width].join(", "));
        format!("rest:\n  - &a0 x\n{}", (1..40).map(level).collect::<String>())
    };
    for text in [levels(2), levels(10), levels(1000)] {
        let (took, said) = timed(&text);
        assert!(said.contains("the aliases expand to too much"), "{said}");
        assert!(took < std::time::Duration::from_secs(1), "{took:?}");
    }
}

#[test]
fn endless_nesting_is_refused_at_the_sixty_fifth_level() {
    for open in ["[", "{a: ", "- ", "? ", "a: [", "[{", "!a [", "&a ["] {
        let (took, said) = timed(&open.repeat(200_000));
        assert!(said.contains("nested deeper than 64 levels"), "{open}: {said}");
        assert!(took < std::time::Duration::from_secs(2), "{open}: {took:?}");
    }
    let defaults = format!("url: \"{}\"", "${a:-".repeat(100_000));
    assert!(said(&defaults).contains("defaults inside defaults are too many"));
}

#[test]
fn a_file_of_other_programs_may_hold_documents_tags_and_merge_keys() {
    let text =
        "x: &x { a: 1, b: 2 }\ny: { <<: *x, b: 3 }\nz: { <<: [*x, { c: !t 4 }], a: $A }\n---\nd: 1\nd: 2\n---\n{broken";
    let mut sources = Sources::default();
    let file = sources.add("compose.yaml", text);
    let documents: Vec<String> =
        parse_foreign(&sources, file).iter().map(|document| document.to_json().to_string()).collect();
    assert_eq!(documents, [r#"{"x":{"a":1,"b":2},"y":{"b":3,"a":1},"z":{"a":"$A","b":2,"c":4}}"#, r#"{"d":1}"#]);
}
