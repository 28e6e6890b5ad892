//! Every imported checklist is valid, and no word of it is lost.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use proptest::prelude::{Just, ProptestConfig, Strategy, prop_assert, prop_oneof, proptest};

use super::super::import;
use crate::checklist::{Found, Overrides, OwnFiles, load};
use crate::env::Env;
use crate::probe::Registry;
use crate::text::is_hidden;

/// The problems of a checklist that can't be run.
fn problems(yaml: String) -> String {
    let found = Found {
        name: "list".into(),
        file: "list.yaml".into(),
        root: PathBuf::from("/"),
        text: yaml,
        path: PathBuf::from("/t.yaml"),
        files: OwnFiles::Folder,
    };
    let loaded = load(found, &Overrides::default(), &Env::with([], Path::new("/").to_owned()), &Registry::built_in());
    if loaded.problems.has_errors() { loaded.problems.render(&loaded.sources, false) } else { String::new() }
}

/// The words of a text, without the boxes. Numbers alone may be those of a list.
fn words(text: &str) -> BTreeSet<String> {
    let escapes = regex::Regex::new(r"\[[xX]\]|\\u[0-9a-f]{4}|\\U[0-9a-f]{8}|\\[nrtbf]").expect("it is well formed");
    let text = escapes.replace_all(text, " ");
    let words = text.split(|c: char| !c.is_alphanumeric() || is_hidden(c)).map(str::to_lowercase);
    words.filter(|word| word.contains(char::is_alphabetic)).collect()
}

/// A line of a checklist, or one that could confuse the parser.
fn line() -> impl Strategy<Value = String> {
    prop_oneof![
        3 => "- \\[[ xX]\\] [ -~]{0,40}",
        1 => "  {0,3}[-*+] \\[[ x]\\] \\PC{0,20}",
        1 => " {0,6}([-*+]|1[.)]) [ -~]{0,20}",
        1 => "#{1,4} [ -~]{0,20}",
        1 => "> [ -~]{0,30}",
        1 => "\\| ?(✅|❌|\\[ \\]|[ -~]{0,8}) \\| [ -~]{0,8} \\|",
        1 => "(☐|☑|✅|❌) [ -~]{0,12}",
        1 => "[ -~]{0,30}",
        1 => "\\PC{0,12}",
        1 => Just("```".to_owned()),
        1 => Just("<!-- a\nb -->".to_owned()),
        1 => Just("[ref]: http://x \"title\"".to_owned()),
        1 => Just("a setext\nheading\n===".to_owned()),
        1 => Just("- [x] `curl /x` returns 200 **[BLOCKED BY: A_B]** (checked: ${x} $$ # ' \" \u{85})".to_owned()),
        1 => Just("- [ ] A_B **[LATER]** **[PROD SETUP]** (verified: x) (done by y) (owner: @z)".to_owned()),
        1 => Just("## Known Gaps\n| Gap | Severity | Due |\n|---|---|---|\n| A_B: ${env.X} | P1 | May | more |".to_owned()),
        1 => Just("## Sign-off\n- [ ] QA confirms it".to_owned()),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_import_is_a_valid_checklist(lines in proptest::collection::vec(line(), 0..24), bullets: bool) {
        let text = lines.join("\n");
        if let Ok(found) = import("LIST.md", &text, bullets) {
            let problems = problems(found.yaml.clone());
            prop_assert!(problems.is_empty(), "{text}\n{}\n{problems}", found.yaml);
        }
    }

    #[test]
    fn no_word_is_lost(lines in proptest::collection::vec(line(), 0..24), bullets: bool) {
        let text = lines.join("\n");
        if let Ok(found) = import("LIST.md", &text, bullets) {
            let kept = words(&format!("{}\n{}", found.yaml, found.left_out.join("\n")));
            let lost: Vec<String> = words(&text).difference(&kept).cloned().collect();
            prop_assert!(lost.is_empty(), "{lost:?} of\n{text}\nis not in\n{}\n{:?}", found.yaml, found.left_out);
        }
    }
}
