//! The markdown report: what it says, what it keeps, and that nothing from outside can break it.

use insta::assert_snapshot;
use proptest::prelude::{ProptestConfig, Strategy, prop_oneof};
use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};

use crate::report::markdown::escape::{BREAK, escape};
use crate::report::sample::{self, gap, now, passed, red, run, section};
use crate::report::{RenderOptions, format};
use crate::run::{Interruption, ItemResult, Run, Signal, Status};
use crate::text::visible;

fn shown(run: &Run) -> String {
    let mut out = Vec::new();
    let render = format("markdown").expect("it is in the registry").render;
    render(run, &RenderOptions::plain(now()), &mut out).expect("a vector takes all");
    String::from_utf8(out).expect("reports are UTF-8")
}

#[test]
fn a_run_is_the_checklist_with_its_ticks_and_what_was_seen() {
    assert_snapshot!(shown(&sample::m9()), @r#"
    # Staging Readiness Checklist — M9 entrance

    **Last Verified:** 2025-12-06 · **Subject:** 0f1d7aa · **Verdict:** NOT READY (3 of 12 passed, 1 waived, 1 deferred)

    ## Prerequisites (must be green before staging sign-off)
    - [x] DB: Alembic HEAD == 014_trace_mismatches (verified 2025-12-06: 014_trace_mismatches, at head)
    - [ ] Redis: `redis_connected == 1` **[ERROR: connecting to Redis: connection refused]** (insecure: TLS not verified)
    - [ ] Grafana: 4 dashboards provisioned **[FAILED: dashboards.titles: "M4.5 Failure" not found]** (last verified 2025-12-01)
    - [ ] Logs: central logging receives backend logs **[PROD SETUP]**
    - [ ] Secrets are present **[BLOCKED: GITHUB_TOKEN is not set]**

    ## Smoke tests
    - [x] `curl /healthz` returns 200 (verified 2025-12-06: 200; flaky)
    - [ ] `aos replay` works **[WAIVED until 2026-03-01: Replay PostgresTraceStore parity]**
    - [ ] Mismatch automation: trigger mismatch → GitHub issue **[BLOCKED: needs secrets-present (GITHUB_TOKEN is not set)]**
    - [ ] k6 baseline **[NEEDS RUN]**

    ## Known Gaps

    | Gap | Priority | Owner | Notes | Accepted until |
    |-----|----------|-------|-------|----------------|
    | Replay PostgresTraceStore parity | P2 | @backend | `start_trace` schema mismatch | 2026-03-01 by @sre-lead |

    Not yet recorded:

    - Redis: `redis_connected == 1`
    - Grafana: 4 dashboards provisioned
    - Secrets are present
    - k6 baseline

    ## Sign-off acceptance (QA + SRE)
    - [ ] QA lead confirms smoke tests (above) **[BLOCKED: needs secrets-present (GITHUB_TOKEN is not set)]**
    - [ ] SRE confirms infra (Redis, DB, Prometheus) **[NEEDS SIGN-OFF]**
    - [x] Product owner approves demo checklist (signed 2025-12-06 by Dana Reyes for 0f1d7aa)
    "#);
}

#[test]
fn a_section_of_text_is_copied_unchanged() {
    let mut run = run([section("API", [passed("api", "API answers", "200")]), section("Notes", [])]);
    run.sections[1].text = Some("1. **compose**: `A | B`\n   - nested <br>\n".into());
    assert_snapshot!(shown(&run), @"
    # Staging Readiness Checklist — M9 entrance

    **Last Verified:** 2025-12-06 · **Subject:** 0f1d7aa · **Verdict:** READY (1 of 1 passed)

    ## API
    - [x] API answers (verified 2025-12-06: 200)

    ## Notes

    1. **compose**: `A | B`
       - nested <br>
    ");
}

#[test]
fn the_steps_of_a_manual_item_belong_to_it() {
    let steps = "1. Call the number:\n\n   `+49 30 1`\n2. Wait\n";
    let item = ItemResult { manual: Some(steps.into()), ..passed("call", "On-call answers", "signed by Dana") };
    let text = shown(&run([section("People", [item, passed("api", "API answers", "200")])]));
    assert_snapshot!(text.split_once("## ").expect("there is a section").1, @r"
    People
    - [x] On-call answers (verified 2025-12-06: signed by Dana)

      1. Call the number:

         `+49 30 1`
      2. Wait
    - [x] API answers (verified 2025-12-06: 200)
    ");
}

#[test]
fn an_item_is_nested_below_its_parent() {
    let below = |id: &str, parent: &str| ItemResult { parent: Some(parent.into()), ..passed(id, id, "200") };
    let steps = ItemResult { manual: Some("Look".into()), ..below("c", "b") };
    let text = shown(&run([section("S", [passed("a", "a", "200"), below("b", "a"), steps, below("d", "a")])]));
    assert_snapshot!(text.split_once("## ").expect("there is a section").1, @r"
    S
    - [x] a (verified 2025-12-06: 200)
      - [x] b (verified 2025-12-06: 200)
        - [x] c (verified 2025-12-06: 200)

          Look
      - [x] d (verified 2025-12-06: 200)
    ");
}

#[test]
fn partial_and_interrupted_runs_are_marked_beside_the_verdict() {
    let mut run = run([section("API", [passed("api", "API answers", "200")])]);
    run.partial = Some("--only api".into());
    run.interrupted = Some(Interruption::Signal(Signal::Terminate));
    assert_snapshot!(shown(&run).lines().nth(2).expect("the third line is the verdict"), @"**Last Verified:** 2025-12-06 · **Subject:** 0f1d7aa · **Verdict:** UNDECIDED (1 of 1 passed; partial: --only api; interrupted: SIGTERM)");
}

#[test]
fn gaps_that_are_closed_or_expired_are_marked_and_a_bar_stays_in_its_cell() {
    let mut run = run([section("API", [passed("api", "API", "200"), red("db", "DB", Status::Failed, "no rows")])]);
    run.gaps = vec![gap("API parity", &["api"], None), gap("a|b \\", &["db"], Some("2025-12-05"))];
    assert_snapshot!(shown(&run).split_once("Gaps\n\n").expect("there is a table").1, @r"
    | Gap | Priority | Owner | Notes | Accepted until |
    |-----|----------|-------|-------|----------------|
    | API parity **[CLOSED: remove it]** | P2 | @backend | `start_trace` schema mismatch |  |
    | a\|b \\ | P2 | @backend | `start_trace` schema mismatch | 2025-12-05 by @sre-lead **[EXPIRED]** |
    ");
}

#[test]
fn hostile_evidence_is_shown_as_what_it_is() {
    let hostile = "<script>x</script> [a](http://b) `c` | d\n# e \u{1b}[31m \u{202e}f https://g www.h _i_ 1_2 \\";
    assert_snapshot!(shown(&run([section("API", [passed("api", "API", hostile)])])).lines().last().expect("an item"), @r"- [x] API (verified 2025-12-06: &lt;script&gt;x&lt;/script&gt; \[a\](http\://b) \`c\` \| d\\n# e \\u{1b}\[31m \\u{202e}f https\://g www\.h \_i\_ 1_2 \\)");
}

/// Every piece of what a reader of the markdown sees.
fn events(markdown: &str) -> Vec<Event<'_>> {
    Parser::new_ext(markdown, Options::all() - Options::ENABLE_SMART_PUNCTUATION).collect()
}

/// Text that is made to break out of whatever is around it.
fn hostile() -> impl Strategy<Value = String> {
    let pieces: Vec<&'static str> = vec![
        "<b>",
        "</b>",
        "<!--",
        "-->",
        "<script",
        ">",
        "\"",
        "'",
        "&lt;",
        "&#60;",
        "[",
        "]",
        "](x)",
        "![",
        "(",
        ")",
        "`",
        "``",
        "```\n",
        "|",
        "\n|-|-|\n",
        "\\",
        "\\\\",
        "*",
        "**",
        "***",
        "_",
        "__",
        "~~",
        "~",
        "$",
        "$$",
        "^",
        "\n",
        "\r",
        "\r\n",
        "\n\n",
        "# h",
        "\n- x",
        "\n1. x",
        "\n> q",
        "\n---\n",
        "\n===\n",
        "- [x] ",
        "[^1]",
        "[^1]: x",
        "\n[a]: http://x\n",
        "<http://a.b>",
        "a@b.c",
        "https://a.b/c",
        "www.a.b",
        "\u{1b}[31m",
        "\u{1b}]8;;http://x\u{7}",
        "\u{202e}",
        "\u{200b}",
        "\u{2028}",
        "\t",
        "  ",
        "word",
        "a_b",
        "日本",
        "{#id}",
        ":smile:",
        "[[x]]",
        "%%",
        "+++",
        "\u{0}",
        "\u{fffd}",
    ];
    let piece = prop_oneof![
        3 => proptest::sample::select(pieces).prop_map(str::to_owned),
        1 => "\\PC{0,6}",
        1 => proptest::char::any().prop_map(String::from),
    ];
    proptest::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
}

/// The same run with a harmless word and with this text in every place that a probe fills.
fn filled(text: &str) -> Run {
    let with = |item: ItemResult| ItemResult { cause: Some(text.into()), ..item };
    let mut run = run([section(
        "API",
        [
            passed("a", "A", text),
            red("b", "B", Status::Failed, text),
            red("c", "C", Status::Error, text),
            with(red("d", "D", Status::Blocked, text)),
            passed("e", "E", text),
        ],
    )]);
    run.subject = Some(text.into());
    run.gaps = vec![gap("G", &["b"], None)];
    run
}

/// The events of the markdown, with neighboring texts as one.
fn shape(markdown: &str) -> Vec<String> {
    let mut shape: Vec<String> = Vec::new();
    for event in events(markdown) {
        let name = match event {
            Event::Text(_) => "text".to_owned(),
            Event::InlineHtml(html) if *html == *BREAK => "text".to_owned(),
            Event::Start(Tag::Heading { level, .. }) => format!("heading {level}"),
            Event::Start(tag) => format!("start {tag:?}"),
            Event::End(TagEnd::Heading(_)) => "end heading".to_owned(),
            Event::End(tag) => format!("end {tag:?}"),
            other => format!("{other:?}"),
        };
        if name != "text" || shape.last().is_none_or(|last| last != "text") {
            shape.push(name);
        }
    }
    shape
}

proptest::proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn nothing_that_a_probe_returned_makes_anything_but_text(text in hostile()) {
        let markdown = shown(&filled(&text));
        proptest::prop_assert_eq!(shape(&markdown), shape(&shown(&filled("word"))), "{}", markdown);
        let hidden = markdown.chars().find(|c| c.is_control() && *c != '\n');
        proptest::prop_assert_eq!(hidden, None);
    }

    #[test]
    fn a_reader_of_the_markdown_sees_the_very_text(text in hostile()) {
        let markdown = shown(&run([section("API", [passed("a", "A", &format!("«{text}»"))])]));
        let read: String = events(&markdown)
            .into_iter()
            .filter_map(|event| match event { Event::Text(text) => Some(text.into_string()), _ => None })
            .collect();
        let expected = format!("«{}»", visible(&text));
        proptest::prop_assert!(read.contains(&expected), "{read:?} lacks {expected:?}");
    }
}

#[test]
fn no_website_makes_a_link_or_a_mention_of_what_a_probe_returned() {
    let text = "ask @dana or dana@example.com, see #12, org/repo#3, !4, GH-5 at https://evil www.evil.com WWW.evil.com";
    insta::assert_snapshot!(escape(text), @r"ask @<!-- -->dana or dana@<!-- -->example.com, see #<!-- -->12, org/repo#<!-- -->3, !<!-- -->4, GH-<!-- -->5 at https\://evil www\.evil.com WWW\.evil.com");
    let plain = "app@sha256:0f1d, 5 @ 3, a#b, C#, no!, x-1";
    assert_eq!(escape(plain), plain);
}
