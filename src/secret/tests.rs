//! Which parts of texts are hidden, and which remain readable.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE, URL_SAFE_NO_PAD};
use insta::assert_snapshot;
use proptest::prelude::{ProptestConfig, any, prop_assert, prop_assert_eq, proptest};
use serde_json::json;

use super::Redactor;

fn redact(name: &str, value: &str, text: &str) -> String {
    Redactor::new([(name, value)]).redact(text).into_owned()
}

fn inside_quotes(text: &str) -> String {
    let json = serde_json::to_string(text).expect("text is JSON");
    json[1..json.len() - 1].to_owned()
}

#[test]
fn a_value_is_replaced_by_its_name() {
    assert_snapshot!(redact("TOKEN", "s3cr3t", "Bearer s3cr3t, s3cr3t!"), @"Bearer [TOKEN], [TOKEN]!");
}

#[test]
fn three_characters_are_not_hidden() {
    assert_snapshot!(redact("PIN", "123", "123 1234"), @"123 1234");
}

#[test]
fn a_trailing_newline_of_a_secret_file_does_not_hide_it() {
    assert_snapshot!(redact("TOKEN", "s3cr3t\n", "token=s3cr3t&x"), @"token=[TOKEN]&x");
}

#[test]
fn url_encoded_forms_are_found_in_both_cases() {
    assert_snapshot!(redact("P", "p@ss w/rd", "p%40ss%20w%2Frd p%40ss+w%2frd p%40ss%20w/rd"), @"[P] [P] [P]");
}

#[test]
fn basic_credentials_hide_the_password_but_not_the_scheme() {
    let header = format!("Basic {}", STANDARD.encode("user:s3cr3t-word"));
    assert_snapshot!(redact("P", "s3cr3t-word", &header), @"Basic dXNlcj[P]");
}

#[test]
fn json_escapes_are_found() {
    let value = "a\"b\\c/d<é";
    let texts = r#"a\"b\\c/d<é a\"b\\c\/d<é a\"b\\c/d\u003cé a\"b\\c/d<\u00e9 a\"b\\c/d<\u00E9 a\\\"b\\\\c/d<é"#;
    assert_snapshot!(redact("P", value, texts), @"[P] [P] [P] [P] [P] [P]");
}

#[test]
fn the_password_of_a_url_is_a_secret_of_its_own() {
    let url = "postgres://gate:p%40ss@db.example/gate";
    let text = format!("{url}: no such role: gate/p@ss (p%40ss) at db.example");
    assert_snapshot!(redact("DATABASE_URL", url, &text), @"[DATABASE_URL]: no such role: gate/[DATABASE_URL] ([DATABASE_URL]) at db.example");
}

#[test]
fn an_unencoded_password_of_a_url_is_found_too() {
    assert_snapshot!(redact("U", "postgres://gate:se/cr@et@db/x", "se/cr@et"), @"[U]");
}

#[test]
fn the_path_of_a_webhook_is_its_secret() {
    let url = "https://hooks.slack.example/services/T00/B00/abcdefgh";
    assert_snapshot!(redact("HOOK", url, "POST /services/T00/B00/abcdefgh at hooks.slack.example"), @"POST [HOOK] at hooks.slack.example");
}

#[test]
fn a_dsn_of_words_hides_its_password() {
    assert_snapshot!(redact("DSN", "host=db user=gate password=hunter22", "hunter22 at db"), @"[DSN] at db");
}

#[test]
fn each_line_of_a_key_is_secret_but_not_its_frame() {
    let key = "-----BEGIN KEY-----\nMIIEvQIBADANBg\nkqhkiG9w0BAQEF\n-----END KEY-----\n";
    assert_snapshot!(redact("KEY", key, "-----BEGIN KEY----- kqhkiG9w0BAQEF"), @"-----BEGIN KEY----- [KEY]");
}

#[test]
fn a_text_that_breaks_off_within_a_value_does_not_end_with_its_beginning() {
    assert_snapshot!(redact("T", "s3cr3t-word-of-mine", "token: s3cr3t-w"), @"token: [T]");
    assert_snapshot!(redact("T", "s3cr3t-word-of-mine", "`s3cr3t-word-o…` is unknown"), @"`[T]…` is unknown");
    assert_snapshot!(redact("T", "s3cr3t-word-of-mine", "token: s3cr3t"), @"token: s3cr3t");
    assert_snapshot!(redact("T", "s3cr3t-word-of-mine", "s3cr3t-word is something else"), @"s3cr3t-word is something else");
    assert_snapshot!(redact("T", "s3cr3t-word-of-mine", r#"got "s3cr3t-wor" (cut)"#), @r#"got "[T]" (cut)"#);
    assert_snapshot!(redact("T", "s3cr3t-word-of-mine", "s3cr3t-word-of is most of it"), @"[T] is most of it");
}

#[test]
fn a_masked_text_keeps_every_position() {
    let redactor = Redactor::new([("T", "sécret\nword")]);
    assert_snapshot!(redactor.mask("a: sécret\nword # b"), @r"
    a: *******
    **** # b
    ");
}

#[test]
fn hexadecimal_forms_are_found() {
    assert_snapshot!(redact("T", "s3cr3t-word", "7333637233742d776f7264 7333637233742D776F7264"), @"[T] [T]");
}

#[test]
fn the_public_beginning_of_a_url_is_not_hidden() {
    let url = "postgres://gate:hunter22@db.example/gate";
    assert_snapshot!(redact("U", url, "at postgres://gate:"), @"at postgres://gate:");
    assert_snapshot!(redact("U", url, "at postgres://gate:h"), @"at [U]");
    let hook = "https://hooks.slack.example/services/T00/B00/abcdefgh";
    assert_snapshot!(redact("H", hook, "at https://hooks.slack.example"), @"at https://hooks.slack.example");
    assert_snapshot!(redact("H", hook, "at https://hooks.slack.example/services/T0"), @"at [H]");
}

#[test]
fn a_text_without_secrets_is_not_copied() {
    let redactor = Redactor::new([("T", "s3cr3t")]);
    assert!(matches!(redactor.redact("nothing here"), Cow::Borrowed(_)));
}

#[test]
fn nothing_of_overlapping_secrets_is_shown() {
    let redactor = Redactor::new([("A", "abcdef"), ("B", "defghijk")]);
    assert_snapshot!(redactor.redact("-abcdefghijk-"), @"-[B]-");
}

#[test]
fn a_name_that_holds_its_own_value_is_redacted_once() {
    let redactor = Redactor::new([("MY_PASS", "PASS")]);
    assert_snapshot!(redactor.redact(&redactor.redact("PASS")), @"[MY_PASS]");
}

#[test]
fn json_is_redacted_in_texts_keys_and_whole_numbers() {
    let redactor = Redactor::new([("PIN", "123456")]);
    let mut value = json!({ "a": ["x123456", 123456, 1234567], "123456": null, "PIN 123456": true });
    redactor.redact_json(&mut value);
    assert_snapshot!(value, @r#"{"a":["x[PIN]","[PIN]",1234567],"[PIN]":null,"PIN [PIN]":true}"#);
}

#[test]
fn keys_that_become_the_same_are_all_kept() {
    let redactor = Redactor::new([("A", "aaaa"), ("B", "AAAA")]);
    let mut value = json!({ "aaaa": 1, "[A]": 2 });
    redactor.redact_json(&mut value);
    assert_snapshot!(value, @r#"{"[A]":1,"[A] (2)":2}"#);
}

fn shell(secrets: &[(&str, &str)], argv: &[&str]) -> String {
    let argv: Vec<String> = argv.iter().map(|argument| (*argument).to_owned()).collect();
    Redactor::new(secrets.iter().copied()).shell(&argv)
}

#[test]
fn a_shell_line_quotes_what_needs_it() {
    assert_snapshot!(shell(&[], &["psql", "-c", "select 'a'", "", "$x"]), @r"psql -c 'select '\''a'\''' '' '$x'");
}

#[test]
fn a_shell_line_has_the_variable_in_place_of_its_value() {
    assert_snapshot!(shell(&[("TOKEN", "s3cr3t")], &["curl", "-H", "A: \"s3cr3t\" $5"]), @r#"curl -H "A: \"$TOKEN\" \$5""#);
    assert_snapshot!(shell(&[("TOKEN", "s3cr3t")], &["s3cr3t9"]), @r#""${TOKEN}9""#);
}

#[test]
fn a_shell_line_leaves_to_a_person_what_a_shell_cannot_hold() {
    assert_snapshot!(shell(&[("my-token", "s3cr3t")], &["-u", "s3cr3t"]), @r#"-u "<my-token>""#);
    assert_snapshot!(shell(&[("token", "s3cr3t")], &["-u", "s3cr3t"]), @r#"-u "<token>""#);
    assert_snapshot!(shell(&[("URL", "redis://:p%40ss@h")], &["p@ss"]), @r#""<URL>""#);
}

#[test]
fn a_shell_line_for_another_machine_has_variables_that_are_filled_in_here() {
    let shell_on = |secrets: &[(&str, &str)], argv: &[&str]| {
        let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
        Redactor::new(secrets.iter().copied()).shell_on(&words(&["ssh", "-p", "22", "me@host"]), &words(argv))
    };
    assert_snapshot!(shell_on(&[], &["ls", "-ld", "--", "/a b"]), @r"ssh -p 22 me@host 'ls -ld -- '\''/a b'\'''");
    assert_snapshot!(shell_on(&[("TOKEN", "o'brien-77")], &["curl", "-H", "A: o'brien-77", "$x"]),
        @r#"ssh -p 22 me@host "curl -H \"A: $TOKEN\" '\$x'""#);
    assert_snapshot!(shell_on(&[("token", "o'brien-77")], &["curl", "o'brien-77"]),
        @r#"ssh -p 22 me@host "curl \"<token>\"""#);
}

#[test]
fn debug_shows_names_only() {
    assert_snapshot!(format!("{:?}", Redactor::new([("A", "s3cr3t")])), @r#"Redactor(["A"])"#);
}

#[test]
fn a_secret_learned_by_one_clone_is_hidden_by_all() {
    for redactor in [Redactor::default(), Redactor::new([("A", "aaaa")])] {
        let clone = redactor.clone();
        assert_eq!(clone.redact("eyJ0b2tlbiI6MX0"), "eyJ0b2tlbiI6MX0");
        assert!(!clone.has_learned());
        redactor.learn("ACCESS_TOKEN", "eyJ0b2tlbiI6MX0");
        redactor.learn("OTHER", "eyJ0b2tlbiI6MX0");
        redactor.learn("PIN", "123");
        assert!(clone.has_learned());
        let texts = format!("aaaa eyJ0b2tlbiI6MX0 {} 123", STANDARD.encode("eyJ0b2tlbiI6MX0"));
        let expected = if redactor.known().secrets().count() == 1 { "aaaa" } else { "[A]" };
        assert_eq!(clone.redact(&texts), format!("{expected} [ACCESS_TOKEN] [ACCESS_TOKEN] 123"));
        assert_eq!(clone.and(&Redactor::new([("B", "bbbb")])).redact("bbbb eyJ0b2tlbiI6MX0"), "[B] [ACCESS_TOKEN]");
    }
}

#[test]
fn secrets_learned_at_the_same_time_are_all_hidden() {
    let redactor = Redactor::new([("A", "aaaa")]);
    let tokens: Vec<String> = (0..16).map(|number| format!("token-{number:02}-of-many")).collect();
    std::thread::scope(|scope| {
        for token in &tokens {
            scope.spawn(|| redactor.learn("T", token));
        }
    });
    assert_eq!(redactor.redact(&tokens.join(" ")), ["[T]"; 16].join(" "));
}

#[test]
fn many_that_are_learned_one_by_one_are_found_in_few_parts() {
    let redactor = Redactor::new([("A", "aaaa"), ("B", "bbbb")]);
    let token = |number: usize| STANDARD.encode([number as u8, (number >> 8) as u8, 7].repeat(200));
    for number in 0..100 {
        redactor.learn("T", &token(number));
    }
    for number in 0..100 {
        let text = format!("aaaa {} {}…", token(number), &token(number)[..600]);
        assert_eq!(redactor.redact(&text), "[A] [T] [T]…", "{number}");
    }
}

#[test]
fn forms_with_the_same_beginning_are_distinguished() {
    let head = "eyJhbGciOiJSUzI1NiIsInR5cCI6IkpXVCJ9.".repeat(2);
    let (one, other) = (format!("{head}first-token-of-one"), format!("{head}other-token-of-two"));
    let redactor = Redactor::new([("ONE", &*one), ("OTHER", &*other)]);
    assert_eq!(redactor.redact(&format!("{other} {one}")), "[OTHER] [ONE]");
    assert_eq!(redactor.redact(&hex::encode(&other)), "[OTHER]");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_form_of_a_secret_survives(
        secret in "[a-zA-Z0-9@:/+&%<é\"\\\\ '-]{4,24}",
        before in any::<String>(),
        after in any::<String>(),
    ) {
        let secret = secret.trim();
        if secret.chars().count() < 4 {
            return Ok(());
        }
        let redactor = Redactor::new([("§", secret)]);
        let whole = format!("{before}{secret}{after}");
        let forms = [
            secret.to_owned(),
            url::form_urlencoded::byte_serialize(secret.as_bytes()).collect(),
            STANDARD.encode(secret),
            URL_SAFE.encode(secret),
            URL_SAFE_NO_PAD.encode(secret),
            inside_quotes(secret),
        ];
        for form in &forms {
            let text = format!("{before}{form}{after}");
            let redacted = redactor.redact(&text);
            prop_assert!(redacted.contains("[§]"), "{text:?} -> {redacted:?}");
            let left = redacted.replace("[§]", "\u{0}");
            let was_there_before = before.contains(form.as_str()) || after.contains(form.as_str());
            prop_assert!(was_there_before || !left.contains(form.as_str()), "{text:?} -> {redacted:?}");
            prop_assert_eq!(redactor.redact(&redacted), redacted.as_ref());
        }
        prop_assert!(redactor.redact(&STANDARD.encode(&whole)).contains("[§]"));
        prop_assert!(redactor.redact(&serde_json::to_string(&whole).expect("text is JSON")).contains("[§]"));
    }

    #[test]
    fn no_long_beginning_of_a_secret_ends_a_text(
        secret in "[a-zA-Z0-9@/+&%<é\"\\\\'-]{10,24}",
        before in any::<String>(),
        length in 8_usize..24,
    ) {
        let redactor = Redactor::new([("§", secret.as_str())]);
        for form in [secret.clone(), inside_quotes(&secret)] {
            let cut: String = form.chars().take(length).collect();
            let redacted = redactor.redact(&format!("{before}{cut}")).into_owned();
            prop_assert!(redacted.ends_with("[§]"), "{cut:?} -> {redacted:?}");
        }
    }
}
