//! Which parts of texts are hidden, and which remain readable.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE, URL_SAFE_NO_PAD};
use insta::assert_snapshot;
use percent_encoding::NON_ALPHANUMERIC;
use proptest::prelude::{ProptestConfig, TestCaseError, any, prop_assert, prop_assert_eq, proptest};
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
fn any_character_may_be_escaped_and_any_may_not() {
    let token = "abcd+efgh/ijkl==mnop";
    let texts =
        r#"{"v":"abcd\u002Befgh/ijkl\u003D\u003Dmnop"} <p>abcd&#43;efgh/ijkl==mnop</p> abcd&#x02B;efgh&sol;ijkl==mnop"#;
    assert_snapshot!(redact("T", token, texts), @r#"{"v":"[T]"} <p>[T]</p> [T]"#);
    let word = "pass<word>&with'quote\"s9";
    let texts = r#"{"v":"pass\u003cword\u003e\u0026with'quote\"s9"} x='pass<word>&with\'quote"s9'"#;
    assert_snapshot!(redact("T", word, texts), @r#"{"v":"[T]"} x='[T]'"#);
    assert_snapshot!(redact("T", "clé+de 32", r"cl%e9+de%2032 cl&eacute;%2Bde+32 cl\303\251\053de 32"), @"[T] [T] [T]");
}

#[test]
fn an_escape_may_be_inside_another() {
    let token = "abcd+efgh\"ijkl";
    assert_snapshot!(redact("T", token, r#"{"html": "\u0026lt;abcd&#43;efgh\u0026quot;ijkl\u0026gt;"}"#), @r#"{"html": "\u0026lt;[T]\u0026gt;"}"#);
    assert_snapshot!(redact("T", token, r"?body=%22abcd%5Cu002Befgh%5C%22ijkl%22&x=abcd%252Befgh%2522ijkl"), @"?body=%22[T]%22&x=[T]");
    assert_snapshot!(redact("T", token, r#"&quot;abcd\u002Befgh\&quot;ijkl&quot; "{\"v\": \"abcd\\u002Befgh\\\"ijkl\"}""#), @r#"&quot;[T]&quot; "{\"v\": \"[T]\"}""#);
}

#[test]
fn base64_may_be_escaped_too() {
    let encoded = STANDARD.encode("a>>b??c~~d");
    assert!(encoded.contains('+') && encoded.contains('/'), "{encoded}");
    let texts =
        [encoded.replace('+', "%2B").replace('/', "%2f"), encoded.replace('+', "&#43;"), encoded.replace('/', "\\/")];
    assert_snapshot!(redact("T", "a>>b??c~~d", &texts.join(" ")), @"[T] [T] [T]");
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

#[test]
fn a_last_character_of_latin_1_is_part_of_the_secret() {
    let redactor = Redactor::new([("S", "p4ssé")]);
    for text in ["p4ss\\xe9", "p4ss%E9", "p4ss\\351", "p4ss%5Cxe9", "p4ss\\xe9…", "p4ss\\xc3\\xa9"] {
        assert!(redactor.redact(text).starts_with("[S]"), "{text}: {}", redactor.redact(text));
    }
    // The last byte of a character is missing.
    let long = Redactor::new([("S", "p4ssword-é")]);
    assert_eq!(long.redact("p4ssword-\\xc3"), "[S]");
}

#[test]
fn a_long_secret_of_one_character_is_found_at_once() {
    let secret = "x".repeat(200_000);
    let redactor = Redactor::new([("BIG", secret.as_str())]);
    let begun = std::time::Instant::now();
    assert_eq!(redactor.redact(&format!("{{\"body\":\"{secret}{secret}xyz\"}}")), "{\"body\":\"[BIG]yz\"}");
    assert_eq!(redactor.redact(&secret[..5000]), "[BIG]");
    let short = Redactor::new([("SHORT", "xxxxxxxx")]);
    assert_eq!(short.redact(&secret), "[SHORT]");
    assert!(begun.elapsed() < std::time::Duration::from_secs(20), "{:?}", begun.elapsed());
}

#[test]
fn a_secret_with_quotes_is_found_where_json_is_quoted_in_json() {
    let secret = r#"Zq7/w+Kp9"Xv&3rT<m8Yb"#;
    let redactor = Redactor::new([("SX", secret)]);
    let mut text = secret.replace('/', "\\/");
    for _ in 0..4 {
        assert_eq!(redactor.redact(&text).matches("[SX]").count(), 1, "{text}");
        assert!(!redactor.redact(&text).contains("Xv"), "{text}");
        text = serde_json::to_string(&text).expect("it is text");
    }
}

/// Secrets with characters that are escaped somewhere, and with those that begin an escape.
const SECRET: &str = r#"[a-zA-Z0-9/+=<&'\"é€😀%;#ux@:\\\\-][a-zA-Z0-9/+=<&'\"é€😀%;#ux@:\\\\ -]{3,24}[a-zA-Z0-9/+=<&'\"é€😀%;#ux@:\\\\-]"#;

/// Texts before and after a secret in answers.
const AROUND: [(&str, &str); 5] =
    [("", ""), ("{\"v\": \"", "\", \"n\": 1}"), ("<p title='", "'>"), ("/path?q=", "&page=2"), ("x = '", "'; y")];

/// The text with some of its characters escaped: in backslash notation, as HTML, or in percent encoding. Those that begin
/// an escape are among them if `is_whole`.
fn escaped(text: &str, notation: &mut dyn FnMut(u64) -> usize, mut seed: u64, is_whole: bool) -> String {
    let mut random = || {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        seed >> 33
    };
    let mut out = String::new();
    for c in text.chars() {
        let notation = notation(random());
        let must = is_whole && ['\\', '&', '%'].contains(&c);
        if !must && random() % 3 != 0 {
            out.push(c);
            continue;
        }
        let (code, choice) = (u32::from(c), random());
        match (notation, choice % 6) {
            (0, 0 | 1) if "\"'/\\<&%+".contains(c) => out.push_str(&format!("\\{c}")),
            (0, 2) if code < 0x100 => out.push_str(&format!("\\x{code:02x}")),
            (0, 3) => out.push_str(&format!("\\u{{{code:x}}}")),
            (0, 4) => c.encode_utf16(&mut [0; 2]).iter().for_each(|unit| out.push_str(&format!("\\u{unit:04X}"))),
            (0, 5) => c.to_string().bytes().for_each(|byte| out.push_str(&format!("\\{byte:03o}"))),
            (0, _) => c.encode_utf16(&mut [0; 2]).iter().for_each(|unit| out.push_str(&format!("\\u{unit:04x}"))),
            (1, 0 | 1) if "<&'\"".contains(c) => {
                out.push_str(["&lt;", "&amp;", "&apos;", "&quot;"]["<&'\"".find(c).expect("it is one of them")]);
            }
            (1, 2) => out.push_str(&format!("&#x{code:x};")),
            (1, 3) => out.push_str(&format!("&#X{code:08X};")),
            (1, 4) => out.push_str(&format!("&#{code:05};")),
            (1, _) => out.push_str(&format!("&#{code};")),
            (_, 0..3) => c.to_string().bytes().for_each(|byte| out.push_str(&format!("%{byte:02x}"))),
            (_, _) => c.to_string().bytes().for_each(|byte| out.push_str(&format!("%{byte:02X}"))),
        }
    }
    out
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
        // Whatever it is, it does not begin an escape that the secret would end.
        let before = before.replace(['%', '&', '\\'], "_");
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
        let before = before.replace(['%', '&', '\\'], "_");
        let cut: String = secret.chars().take(length).collect();
        let next: String = secret.chars().skip(length).take(1).collect();
        let in_html = |text: &str| text.chars().map(|c| format!("&#x{:x};", u32::from(c))).collect::<String>();
        let in_url = |text: &str| percent_encoding::utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
        for escaped in [&|text: &str| text.to_owned(), &inside_quotes, &in_html, &in_url] as [&dyn Fn(&str) -> String; 4] {
            let mut broken = escaped(&next);
            broken.pop();
            for broken in ["", &*broken] {
                let text = format!("{before}{}{broken}", escaped(&cut));
                let redacted = redactor.redact(&text).into_owned();
                let (_, left) = redacted.rsplit_once("[§]").ok_or_else(|| TestCaseError::fail(text.clone()))?;
                prop_assert!(left.is_empty() || left.len() < broken.len(), "{text:?} -> {redacted:?}");
            }
        }
    }

    #[test]
    fn a_secret_is_found_whatever_is_escaped_and_how(
        secret in SECRET,
        notations in proptest::collection::vec((0..3_usize, any::<u64>()), 1..=2),
        around in 0..AROUND.len(),
    ) {
        let redactor = Redactor::new([("§", secret.as_str())]);
        let mut text = secret.clone();
        for (notation, seed) in notations {
            text = escaped(&text, &mut |_| notation, seed, true);
        }
        let (before, after) = AROUND[around];
        let whole = format!("{before}{text}{after}");
        prop_assert_eq!(redactor.redact(&whole), format!("{before}[§]{after}"), "{}", whole);
    }

    #[test]
    fn a_secret_is_found_if_each_character_is_escaped_in_another_notation(
        secret in SECRET,
        seed in any::<u64>(),
        around in 0..AROUND.len(),
    ) {
        let redactor = Redactor::new([("§", secret.as_str())]);
        let text = escaped(&secret, &mut |random| (random % 3) as usize, seed, true);
        let (before, after) = AROUND[around];
        let whole = format!("{before}{text}{after}");
        prop_assert_eq!(redactor.redact(&whole), format!("{before}[§]{after}"), "{}", whole);
    }

    #[test]
    fn a_secret_is_found_if_what_begins_an_escape_is_not_escaped(
        secret in "[a-zA-Z0-9/+&=%<é'\"-]{3}[a-zA-Z0-9/+&=%<é'\" -]{0,18}[a-zA-Z0-9/+&=%<é'\"-]{3}",
        notation in 1..3_usize,
        seed in any::<u64>(),
    ) {
        let redactor = Redactor::new([("§", secret.as_str())]);
        let text = escaped(&secret, &mut |_| notation, seed, false);
        let redacted = redactor.redact(&text).into_owned();
        let left = redacted.replace("[§]", "\u{0}");
        prop_assert!(redacted.contains("[§]") && left.chars().count() < 5, "{text:?} -> {redacted:?}");
    }

    #[test]
    fn a_text_without_a_secret_stays_as_it_is(
        text in r#"([a-f0-9"'<>/+=é ]|\\|%|&|&#|&#x|;|\\u|\\x|%u|\{|\}|&lt;|%2B|…|\PC){0,60}"#,
        secrets in proptest::collection::vec("[G-Zg-z0-9+/=é\"\\\\%&]{12,24}", 1..4),
    ) {
        let redactor = Redactor::new(secrets.iter().map(|secret| ("§", secret.as_str())));
        prop_assert_eq!(redactor.redact(&text), &*text);
        prop_assert_eq!(redactor.mask(&text), &*text);
    }

    #[test]
    fn what_is_found_is_on_character_boundaries_and_only_found_once(
        text in r#"(x|é|%C3|%A9|\\xc3|\\u00e9|&eacute;|\\u|\\|%|&|&#233;|\[§\]|\PC){0,40}"#,
    ) {
        let redactor = Redactor::new([("§", "éééé"), ("X", "xéxé"), ("Y", "\\%&x")]);
        let redacted = redactor.redact(&text).into_owned();
        prop_assert_eq!(redactor.redact(&redacted), &*redacted);
        prop_assert_eq!(redactor.mask(&text).len(), text.len());
    }
}
