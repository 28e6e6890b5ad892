//! The conversion of Markdown checklists.

mod lossless;
mod sure;

use insta::assert_snapshot;

use super::tag::{Tag, tagged};
use super::{Unusable, import};

fn imported(text: &str) -> String {
    import("LIST.md", text, false).expect("it holds items").yaml
}

/// The checklist without the lines that every one begins with.
fn body(text: &str) -> String {
    let yaml = imported(text);
    yaml.split_once("\nsections:\n").expect("it has sections").1.to_owned()
}

#[test]
fn tags_claims_and_owners_are_taken_off_the_title() {
    let found = tagged("Metrics: `aos_*` (rate_limit, redis) (verified: by hand) (owner: @dana) **[NEEDS RUN]**");
    assert_eq!(found.title, "Metrics: `aos_*` (rate_limit, redis)");
    assert_eq!(found.claims, ["verified: by hand"]);
    assert_eq!(found.owner.as_deref(), Some("@dana"));
    assert_eq!(found.tags, [(Tag::Open("NEEDS RUN".into()), "NEEDS RUN".into())]);
    assert_eq!(tagged("**[TODO]**").title, "**[TODO]**");
    assert_eq!(tagged("a [link](x)").tags, []);
}

#[test]
fn a_line_in_a_code_fence_or_a_comment_is_not_an_item() {
    let text = "# L\n\n```\n- [ ] shown\n```\n\n<!--\n- [ ] hidden\n-->\n";
    assert_eq!(import("LIST.md", text, false), Err(Unusable::NoItems));
    let text = format!("{text}\n## S\n\n- [ ] real\n\n  ```\n  - [ ] shown too\n  ```\n");
    assert_eq!(imported(&text).matches("- id:").count(), 1, "{}", imported(&text));
}

#[test]
fn an_item_that_holds_others_needs_them() {
    assert_snapshot!(body("# L\n## Deploy\n- [ ] Roll out\n  - [x] Build\n  - [ ] Push\n* [ ] Restart\n"), @r#"
      - title: "Deploy"
        id: deploy
        items:
          # LIST.md:3
          - id: roll-out
            title: "Roll out"
            needs: [build, push]
            pending: "not checked yet"
          # LIST.md:4
          - id: build
            title: "Build"
            parent: roll-out
            pending: "claimed, not verified"
          # LIST.md:5
          - id: push
            title: "Push"
            parent: roll-out
            pending: "not checked yet"
          # LIST.md:6
          - id: restart
            title: "Restart"
            pending: "not checked yet"
    "#);
}

#[test]
fn clear_lines_become_probes_and_others_proposals() {
    assert_snapshot!(body(
        "# L\n## S\n- [x] `curl /healthz` returns 200 (verified)\n- [ ] Redis is fast\n- [x] FOO_KEY present; BAR_KEY **[MISSING]**\n"
    ), @r#"
      - title: "S"
        id: s
        items:
          # LIST.md:3
          # ticked in the list
          # claimed: verified
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
            pending: "not checked yet"
            # a proposal:
            # probes:
            # - redis:
            #     url: ${secrets.REDIS_URL}
          # LIST.md:5
          # [MISSING]
          # ticked in the list
          - id: foo-key-present-bar
            title: "FOO_KEY present; BAR_KEY"
            probes:
            - use: secrets-present
              with:
                names:
                - FOO_KEY
                - BAR_KEY
    "#);
}

#[test]
fn text_gaps_and_sign_offs_keep_their_place_and_meaning() {
    assert_snapshot!(body(
        "# L\n\n## Smoke tests (after deploy)\n- [ ] Issues are made **[BLOCKED: A_TOKEN]**\n- [x] Secrets: A_TOKEN\n\n## Notes\n\n1. **a**: cost $5\n   - b\n\n## Known Gaps\n| Gap | Severity | Notes | Due | Ticket |\n|---|---|---|---|---|\n| A_TOKEN missing | High | `x | 2026-03-01 | OPS-1 |\n| No logs | P2 | | Q1 2026 | |\n\n## Sign-off\n- [ ] QA lead confirms smoke tests\n- [ ] Product owner accepts\n"
    ), @r#"
      - title: "Smoke tests"
        id: smoke-tests
        note: "after deploy"
        items:
          # LIST.md:4
          - id: issues-are-made
            title: "Issues are made"
            needs: [secrets]
            pending: "BLOCKED: A_TOKEN"
          # LIST.md:5
          - id: secrets
            title: "Secrets: A_TOKEN"
            pending: "claimed, not verified"
            # a proposal:
            # probes:
            # - use: secrets-present
            #   with:
            #     names:
            #     - A_TOKEN

      - title: "Notes"
        id: notes
        text: |-
          1. **a**: cost $$5
             - b

      - title: "Sign-off"
        id: sign-off
        items:
          # LIST.md:19
          - id: qa-lead-confirms-smoke
            title: "QA lead confirms smoke tests"
            needs: [smoke-tests]
            sign_off: { role: "QA lead", valid_for: 7d }
          # LIST.md:20
          - id: product-owner-accepts
            title: "Product owner accepts"
            needs: [smoke-tests]
            sign_off: { role: "Product owner", valid_for: 7d }

    gaps:
      # Known Gaps; columns: Gap, Severity, Notes, Due, Ticket
      - gap: "A_TOKEN missing"
        items: [secrets]
        priority: "High"
        notes: "`x; Ticket: OPS-1"
        # the list says: 2026-03-01
        # a proposal, if somebody accepts it through that day (its priority must be P2 to P4):
        # accepted_until: 2026-03-01
        # accepted_by: "NAME"
      - gap: "No logs"
        # name the items that it explains: items: [ID]
        priority: "P2"
        # the list says: Q1 2026
        # a proposal, if somebody accepts it through that day (its priority must be P2 to P4):
        # accepted_until: YYYY-MM-DD
        # accepted_by: "NAME"
    "#);
}

#[test]
fn steps_that_only_a_person_can_do_become_manual() {
    let yaml = body(
        "# L\n- [ ] Call the on-call number (owner: @dana)\n  1. Dial\n  2. Wait\n- [ ] QA lead approves the demo\n",
    );
    assert!(yaml.contains("manual: |-\n          1. Dial\n          2. Wait\n"), "{yaml}");
    assert!(yaml.contains("sign_off: { role: \"@dana\", valid_for: 7d }"), "{yaml}");
    assert!(yaml.contains("manual: \"QA lead approves the demo\"\n        sign_off: { role: \"QA lead\""), "{yaml}");
}

#[test]
fn a_sign_off_names_the_role_and_its_owner() {
    let yaml = body("# L\n## Sign-off\n- [ ] Sign off by QA lead (owner: @dana)\n");
    assert!(yaml.contains("owner: \"@dana\"") && yaml.contains("role: \"QA lead\""), "{yaml}");
}

#[test]
fn lines_between_boxes_are_said_where_they_were() {
    assert_snapshot!(body("# L\n## Deploy\n1. Roll out\n2. [ ] API answers\n3. Restart\n4. [ ] Redis answers\n\nDone.\n"), @r#"
    - title: "Deploy"
      id: deploy
      text: |-
        1. Roll out

        3. Restart

        Done.
      items:
        # LIST.md:4
        - id: api-answers
          title: "API answers"
          pending: "not checked yet"
        # LIST.md:6
        # after this line of the text: 3. Restart
        - id: redis-answers
          title: "Redis answers"
          pending: "not checked yet"
          # a proposal:
          # probes:
          # - redis:
          #     url: ${secrets.REDIS_URL}
    "#);
}

#[test]
fn boxes_of_all_kinds_are_items() {
    let yaml = body(
        "# L\n- ✅ API answers\n1. ❌ Backups run\n\n☑ Logs\n☐ Alerts\narrive\n\n| Check | Status | Owner | Since |\n|---|---|---|---|\n| DNS | ✅ | @net | May |\n| TLS | [ ] late | | |\n",
    );
    let titles: Vec<&str> = yaml.lines().filter_map(|line| line.trim().strip_prefix("title: ")).collect();
    assert_eq!(titles, ["\"API answers\"", "\"Backups run\"", "\"Logs\"", "\"Alerts arrive\"", "\"DNS\"", "\"TLS\""]);
    for kept in ["owner: \"@net\"", "# Since: May", "# Status: late", "# marked ❌ in the list"] {
        assert!(yaml.contains(kept), "{kept} is not in\n{yaml}");
    }
    assert_eq!(yaml.matches("claimed, not verified").count(), 3, "{yaml}");
}

#[test]
fn bullets_are_items_without_any_box_or_on_request() {
    let text = "# L\n- bread\n  - butter\n1. milk\n";
    assert_eq!(imported(text).matches("- id:").count(), 3);
    assert!(imported(text).contains("parent: bread"));
    let text = format!("{text}- [ ] box\n");
    assert_eq!(imported(&text).matches("- id:").count(), 1);
    let all = import("LIST.md", &text, true).expect("it holds items").yaml;
    assert_eq!(all.matches("- id:").count(), 4, "{all}");
}

#[test]
fn headings_over_headings_and_lines_over_boxes_are_kept() {
    let text = "# L\n## Infra\n### Redis\n- Backend:\n  - [ ] Up\n### Later\n";
    let found = import("LIST.md", text, false).expect("it holds items");
    assert!(found.yaml.contains("title: \"Infra / Redis\"") && found.yaml.contains("title: \"Backend: Up\""));
    assert_eq!(found.left_out.len(), 1);
    assert!(found.left_out[0].starts_with("LIST.md:6: ") && found.left_out[0].ends_with(": Infra / Later"));
}

#[test]
fn the_same_line_has_the_same_id_whatever_is_written_elsewhere() {
    let id = |text: &str| -> Vec<String> {
        let yaml = imported(text);
        let ids = yaml.lines().filter_map(|line| line.trim().strip_prefix("- id: "));
        ids.map(ToOwned::to_owned).collect()
    };
    assert_eq!(
        id("# L\n## API\n- [ ] Healthy\n## Web\n- [ ] Healthy\n- [ ] Prüfung läuft\n- [ ] 检查\n- [ ] true\n"),
        ["healthy", "web-healthy", "pruefung-laeuft", "item-978e", "item-true"]
    );
    assert_eq!(id("# L\n- [ ] New\n- [ ] 检查\n").last().map(String::as_str), Some("item-978e"));
}

#[test]
fn passwords_stay_out_and_dsns_are_secrets() {
    let found = import("LIST.md", "# L\n\n- [ ] postgres://u:hunter2@h/db answers\n- [ ] redis works\n", false);
    let found = found.expect("it holds items");
    assert!(!found.yaml.contains("hunter2") && found.yaml.contains("postgres://u:***@h/db"), "{}", found.yaml);
    assert!(found.left_out[0].starts_with("LIST.md:3: a password"), "{:?}", found.left_out);
    assert!(found.yaml.contains("\n  DATABASE_URL:\n  REDIS_URL:\n"), "{}", found.yaml);
    assert!(!found.yaml.contains("${env.DATABASE_URL}") && !found.yaml.contains("${env.REDIS_URL}"), "{}", found.yaml);
}

#[test]
fn credentials_become_secrets_in_probes_and_asterisks_elsewhere() {
    let found = import(
        "LIST.md",
        r#"# L
- [ ] `https://a.example/x?token=abc123&page=2&api_key=k9k9` returns 200
- [ ] `/y?access_token=abc123` returns 200
- [ ] `curl -H "Authorization: Bearer abc123def" https://b.example/me` returns 200
- [ ] `curl -u dana:hunter2 https://c.example/me` returns 200
- [ ] `http://dana:hunter2@d.example/me` returns 200
- [ ] Deploy
  - token=ghp_abcdefghijkl and `GET /z?page=1&sig=abc123`

  ```
  {"password": "correct horse", 'secret': 'abc123'} https://hooks.slack.com/services/T00/B00/abcdefgh
  curl -H 'X-Api-Key: abc123' --token abc123 https://a.example
  ```
"#,
        false,
    );
    let found = found.expect("it holds items");
    for secret in ["abc123", "k9k9", "hunter2", "ghp_", "correct", "horse", "T00"] {
        assert!(!found.yaml.contains(secret), "{secret}: {}", found.yaml);
    }
    let lines: Vec<&str> = found.yaml.lines().map(|line| line.trim_start_matches([' ', '#'])).collect();
    let urls = lines.iter().filter(|line| line.contains("secrets.") || line.contains("url: ")).copied();
    assert_snapshot!(urls.collect::<Vec<_>>().join("\n"), @"
    url: >-
    https://a.example/x?token=${secrets.A_EXAMPLE_TOKEN}&page=2&api_key=${secrets.A_EXAMPLE_API_KEY}
    url: ${env.STAGING_URL}/y?access_token=${secrets.STAGING_ACCESS_TOKEN}
    url: https://b.example/me
    token: ${secrets.B_EXAMPLE_BEARER_TOKEN}
    url: https://c.example/me
    password: ${secrets.C_EXAMPLE_PASSWORD}
    url: http://d.example/me
    password: ${secrets.D_EXAMPLE_PASSWORD}
    ");
    let (_, notes) = found.yaml.split_once("# | ").expect("the item has notes");
    assert_snapshot!(notes.split("\n      - id").next().unwrap_or_default(), @r##"
    - token=*** and `GET /z?page=1&sig=***`
          # | ```
          # | {"password": "***", 'secret': '***'} https://***
          # | curl -H 'X-Api-Key: ***' --token *** https://a.example
          # | ```
    "##);
    assert_snapshot!(found.left_out.join("\n").replace(": keep it out of the list, and name it in `secrets:`", ""), @"
    LIST.md:2: the value of `token` was replaced by `***`
    LIST.md:2: the value of `api_key` was replaced by `***`
    LIST.md:3: the value of `access_token` was replaced by `***`
    LIST.md:4: the value of `Authorization` was replaced by `***`
    LIST.md:5: a password was replaced by `***`
    LIST.md:6: a password was replaced by `***`
    LIST.md:8: a token was replaced by `***`
    LIST.md:8: the value of `sig` was replaced by `***`
    LIST.md:11: a token was replaced by `***`
    LIST.md:11: the value of `password` was replaced by `***`
    LIST.md:11: the value of `secret` was replaced by `***`
    LIST.md:12: the value of `X-Api-Key` was replaced by `***`
    LIST.md:12: the value of `token` was replaced by `***`
    ");
    assert_eq!(
        found.variables,
        ["A_EXAMPLE_TOKEN", "A_EXAMPLE_API_KEY", "STAGING_URL", "STAGING_ACCESS_TOKEN"],
        "{}",
        found.yaml
    );
}

#[test]
fn tokens_and_passwords_of_addresses_and_commands_are_found_whole() {
    let found = import(
        "LIST.md",
        r#"# L
- [ ] https://S3cr3tUserTok22@api.example.com/healthz returns 200
- [ ] https://ann:S3cr3t@80@b.example.com/x returns 200
- [ ] `curl -u 'ann:S3cr3t pw 77' https://c.example.com/x` returns 200
- [ ] `curl -b session=S3cr3t1 https://d.example.com/x` returns 200, or `--cookie`: `curl --cookie "a=S3cr3t; b=S3cr3t"`
- [ ] `mysql -u root -pS3cr3t`, `redis-cli -h r -a S3cr3t ping`, `docker login -u u -p S3cr3t r.example`
- [ ] `sshpass -p 'S3cr3t x' ssh h`, `vault login s.S3cr3tS3cr3t`, the password is `S3cr3t`
- [ ] Key

  ```
  -----BEGIN RSA PRIVATE KEY-----
  MIIES3cr3tS3cr3tS3cr3tS3cr3t
  S3cr3t==
  -----END RSA PRIVATE KEY-----
  ```
- [ ] Last
"#,
        false,
    );
    let found = found.expect("it holds items");
    for secret in ["S3cr3t", "@80", " pw 77", " x' ssh"] {
        assert!(!found.yaml.contains(secret), "{secret}: {}", found.yaml);
    }
    let lines: Vec<&str> = found.yaml.lines().map(|line| line.trim_start_matches([' ', '#'])).collect();
    let starts = ["- http:", "url: ", "user: ", "password: ", "LIST.md:16"];
    let settings = lines.iter().filter(|line| starts.iter().any(|start| line.starts_with(start))).copied();
    assert_snapshot!(settings.collect::<Vec<_>>().join("\n"), @"
    - http:
    url: https://api.example.com/healthz
    user: ${secrets.API_EXAMPLE_COM_USER}
    - http:
    url: https://b.example.com/x
    user: ann
    password: ${secrets.B_EXAMPLE_COM_PASSWORD}
    - http:
    url: https://c.example.com/x
    user: ann
    password: ${secrets.C_EXAMPLE_COM_PASSWORD}
    LIST.md:16
    ");
    assert_snapshot!(found.left_out.join("\n").replace(" was replaced by `***`: keep it out of the list, and name it in `secrets:`", ""), @"
    LIST.md:2: a token
    LIST.md:3: a password
    LIST.md:4: a password
    LIST.md:5: a cookie
    LIST.md:5: a cookie
    LIST.md:6: a password
    LIST.md:6: a password
    LIST.md:6: a password
    LIST.md:7: a password
    LIST.md:7: a password
    LIST.md:7: a token
    LIST.md:11: a private key
    ");
}

#[test]
fn credentials_in_columns_of_tables_are_found() {
    let list = "# L

| User | **Password** | Role |
|------|:--------:|------|
| ann | S3cr3t-pw | admin2 |
| joe | `S3cr3t-pw` | in Vault |
| eve | kv/staging2 | see API_TOKEN_2 |

| [ ] | Item | API key | Passwort |
|---|---|---|---|
| [ ] | Mail2000 | S3cr3t-key | S3cr3t-wort |

- [ ] Passwort: S3cr3t9, Kennwort=S3cr3t9
- [ ] https://discord.com/api/webhooks/8150998423/S3cr3tS3cr3tS3cr3tS3cr3t answers | Mail2001
";
    let found = import("LIST.md", list, false).expect("it has items");
    assert!(!found.yaml.contains("S3cr3t"), "{}", found.yaml);
    for word in ["admin2", "kv/staging2", "API_TOKEN_2", "Mail2000", "Mail2001"] {
        assert!(found.yaml.contains(word), "{word}: {}", found.yaml);
    }
    assert_snapshot!(found.left_out.join("\n").replace(" was replaced by `***`: keep it out of the list, and name it in `secrets:`", ""), @"
    LIST.md:5: the value of `Password`
    LIST.md:6: the value of `Password`
    LIST.md:11: the value of `API key`
    LIST.md:11: the value of `Passwort`
    LIST.md:13: the value of `Passwort`
    LIST.md:13: the value of `Kennwort`
    LIST.md:14: a token
    ");
}

#[test]
fn what_only_names_a_credential_stays() {
    let text = "# L
- [ ] Token: rotated in 2026, see `GITHUB_TOKEN`
- [ ] Secrets: S3_BUCKET_KEY present
- [ ] `/x?token=invalid&page=12` returns 401
- [ ] Authorization: Bearer token is required, or `?token=$TOKEN`, `--token <TOKEN>`
- [ ] `docker run -u 1000:1000 x` reports pass=12 fail=0
- [ ] Webhook: https://hooks.example/v1234 answers
- [ ] `curl -b cookies.txt x`, `curl -b a=$A`, `mysql -p`, `redis-cli -a $PW`, `https://$TOKEN@h.example`, `docker run -p 80:80 x`
- [ ] No `-----BEGIN PRIVATE KEY-----` in the logs
- [ ] `password: ${DB_PASSWORD}`, `api_key=xxx`, token=abc in Vault, USE_TOKEN=true, token_url=https://login.example/token
";
    let found = import("LIST.md", text, false).expect("it holds items");
    assert_eq!(found.left_out, [""; 0], "{}", found.yaml);
    assert!(!found.yaml.contains("***"), "{}", found.yaml);
}

#[test]
fn twenty_thousand_boxes_take_no_longer_than_twice_ten_thousand_do() {
    let list = |count: usize| -> String {
        let line = |number: usize| {
            format!(
                "- [ ] API answers\n- [x] A {number} **[BLOCKED: A_{}]** A_{number}\n## Sign-off\n- [ ] QA signs\n## S\n",
                number + 1
            )
        };
        format!("# L\n{}", (0..count).map(line).collect::<String>())
    };
    let time = |count: usize| {
        let text = list(count);
        let begun = std::time::Instant::now();
        imported(&text);
        begun.elapsed()
    };
    // On a busy machine, the shortest of several times is the most accurate.
    let least = |count: usize| (0..3).map(|_| time(count)).min().expect("three times");
    let (short, long) = (least(500), least(5_000));
    assert!(long < short * 30, "ten times the boxes took {long:?} after {short:?}");
}

#[test]
fn a_paragraph_of_blanks_that_markdown_keeps_is_not_the_text_of_a_section() {
    let yaml = imported("# \u{a0}\n\n## \u{a0}\n\n\u{a0}\n\n## A\n\n\u{2003}\n\n## B\n\n- [ ] b\n");
    assert_eq!(yaml.matches("  - title:").count(), 1, "{yaml}");
}
