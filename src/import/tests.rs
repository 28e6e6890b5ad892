//! What becomes of markdown checklists.

use std::path::{Path, PathBuf};

use insta::assert_snapshot;
use proptest::prelude::*;

use crate::checklist::{Found, Overrides, load};
use crate::env::Env;

use super::tag::{Tag, tagged};
use super::{Unusable, import};

fn imported(text: &str) -> String {
    import("LIST.md", text).expect("it holds items")
}

#[test]
fn tags_and_claims_are_taken_off_the_title() {
    let told = tagged("Metrics: `aos_*` (rate_limit, redis) (verified: by hand) **[NEEDS RUN]**");
    assert_eq!(told.title, "Metrics: `aos_*` (rate_limit, redis)");
    assert_eq!(told.claim.as_deref(), Some("by hand"));
    assert_eq!(told.tags, [Tag::Open("NEEDS RUN".into())]);
    assert_eq!(tagged("**[TODO]**").title, "**[TODO]**");
    assert_eq!(tagged("a [link](x)").tags, []);
}

#[test]
fn an_item_in_a_fence_or_a_comment_is_none() {
    let text = "# L\n\n```\n- [ ] shown\n```\n\n<!--\n- [ ] hidden\n-->\n";
    assert_eq!(import("LIST.md", text), Err(Unusable::NoItems));
    let text = format!("{text}\n## S\n\n- [ ] real\n\n  ```\n  - [ ] shown too\n  ```\n");
    assert_eq!(imported(&text).matches("- id:").count(), 1, "{}", imported(&text));
}

#[test]
fn an_item_that_holds_others_needs_them() {
    assert_snapshot!(imported("# L\n## Deploy\n- [ ] Roll out\n  - [x] Build\n  - [ ] Push\n* [ ] Tell\n"), @r#"
    # yaml-language-server: $schema=checklist.schema.json
    # From LIST.md. A tick there is a claim: here it is pending until something looks.
    # Read each proposal; where it says what the item says, let it stand and remove `pending`.
    title: "L"

    sections:
      - title: "Deploy"
        id: deploy
        items:
          # LIST.md:3
          - id: roll-out
            title: "Roll out"
            needs: [build, push]
            pending: "not looked at yet"
          # LIST.md:4
          # ticked there, which is a claim that nobody has verified
          - id: build
            title: "Build"
            pending: "claimed, not verified"
          # LIST.md:5
          - id: push
            title: "Push"
            pending: "not looked at yet"
          # LIST.md:6
          - id: tell
            title: "Tell"
            pending: "not looked at yet"
    "#);
}

#[test]
fn what_is_sure_is_asked_and_what_is_not_is_proposed() {
    assert_snapshot!(imported(
        "# L\n## S\n- [x] `curl /healthz` returns 200 (verified)\n- [ ] Redis is fast\n- [x] FOO_KEY present; BAR_KEY **[MISSING]**\n"
    ), @r##"
    # yaml-language-server: $schema=checklist.schema.json
    # From LIST.md. A tick there is a claim: here it is pending until something looks.
    # Read each proposal; where it says what the item says, let it stand and remove `pending`.
    title: "L"

    sections:
      - title: "S"
        id: s
        items:
          # LIST.md:3
          # ticked there, which is a claim that nobody has verified
          - id: curl-healthz-returns-200
            title: "`curl /healthz` returns 200"
            probes:
            - http:
                url: ${env.STAGING_URL}/healthz
              expect:
                status: 200
          # LIST.md:4
          - id: redis-is-fast
            title: "Redis is fast"
            pending: "not looked at yet"
            # a proposal:
            # probes:
            # - redis:
            #     url: ${env.REDIS_URL}
            #     write: true
            #   expect:
            #     pong: true
            #     writable: true
          # LIST.md:5
          # MISSING
          # ticked there, which is a claim that nobody has verified
          - id: foo-key-present-bar
            title: "FOO_KEY present; BAR_KEY"
            probes:
            - env:
                names:
                - FOO_KEY
                - BAR_KEY
    "##);
}

#[test]
fn text_gaps_and_sign_offs_keep_their_place_and_meaning() {
    assert_snapshot!(imported(
        "# L\n\n## Smoke tests (after deploy)\n- [ ] Issues are made **[BLOCKED: A_TOKEN]**\n- [x] Secrets: A_TOKEN\n\n## Notes\n\n1. **a**: cost $5\n   - b\n\n## Known Gaps\n| Gap | Priority | Notes |\n|---|---|---|\n| A_TOKEN missing | P1 | `x | y` |\n| No logs | P2 | |\n\n## Sign-off\n- [ ] QA lead confirms smoke tests\n"
    ), @r#"
    # yaml-language-server: $schema=checklist.schema.json
    # From LIST.md. A tick there is a claim: here it is pending until something looks.
    # Read each proposal; where it says what the item says, let it stand and remove `pending`.
    title: "L"

    sections:
      - title: "Smoke tests"
        id: smoke-tests
        note: "after deploy"
        items:
          # LIST.md:4
          # blocked: A_TOKEN
          - id: issues-are-made
            title: "Issues are made"
            needs: [secrets]
            pending: "BLOCKED: A_TOKEN"
          # LIST.md:5
          # ticked there, which is a claim that nobody has verified
          - id: secrets
            title: "Secrets: A_TOKEN"
            pending: "claimed, not verified"
            # a proposal:
            # probes:
            # - env:
            #     names:
            #     - A_TOKEN

      - title: "Notes"
        id: notes
        text: "1. **a**: cost $$5\n   - b"

      - title: "Sign-off"
        id: sign-off
        items:
          # LIST.md:19
          - id: qa-lead-confirms-smoke
            title: "QA lead confirms smoke tests"
            needs: [smoke-tests]
            sign_off: { role: "QA lead", valid_for: 7d }

    gaps:
      - gap: "A_TOKEN missing"
        items: [secrets]
        priority: "P1"
        notes: "`x"
      - gap: "No logs"
        # name the items that it explains: items: [ID]
        priority: "P2"
    "#);
}

#[test]
fn an_item_that_says_more_than_its_probe_sees_stays_pending() {
    let yaml = imported("# L\n- [x] `curl /x` returns 200 and names the release\n- [x] `docs/A.md` exists, reviewed\n");
    assert_eq!(yaml.matches("pending: \"claimed, not verified\"").count(), 2, "{yaml}");
    assert_eq!(yaml.matches("# a proposal:").count(), 2, "{yaml}");
}

/// What is wrong with a checklist, nothing if nothing is.
fn problems(yaml: String) -> String {
    let found = Found { name: "list".into(), file: "list.yaml".into(), root: PathBuf::from("/"), text: yaml };
    let loaded = load(found, &Overrides::default(), &Env::with([], Path::new("/").to_owned()));
    loaded.problems.render(&loaded.sources, false)
}

/// A line that a checklist may hold, or that may confuse who reads it.
fn line() -> impl Strategy<Value = String> {
    prop_oneof![
        3 => "- \\[[ xX]\\] [ -~]{0,40}",
        1 => "  {0,3}[-*+] \\[[ x]\\] \\PC{0,20}",
        1 => "#{1,4} [ -~]{0,20}",
        1 => "[ -~]{0,30}",
        1 => "\\PC{0,12}",
        1 => Just("```".to_owned()),
        1 => Just("- [x] `curl /x` returns 200 **[BLOCKED: A_B]** (verified: ${x} $$ # ' \" \u{85})".to_owned()),
        1 => Just("## Known Gaps\n| Gap | Priority |\n|---|---|\n| A_B: ${env.X} | P1 |".to_owned()),
        1 => Just("## Sign-off\n- [ ] QA confirms it".to_owned()),
    ]
}

proptest! {
    #[test]
    fn whatever_is_imported_is_a_valid_checklist(lines in proptest::collection::vec(line(), 0..24)) {
        let text = lines.join("\n");
        if let Ok(yaml) = import("LIST.md", &text) {
            let problems = problems(yaml.clone());
            prop_assert!(problems.is_empty(), "{text}\n{yaml}\n{problems}");
        }
    }
}
