//! The text of the project is plain English: sources, tests, documents and help use no quaint words.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::sync::LazyLock;

use regex::{Captures, Regex};

use crate::harness::Project;
use crate::structure::{ROOT, tracked};

/// Words and phrases for which plain English has a usual term.
const QUAINT: [&str; 26] = [
    "tell",
    "tells",
    "told",
    "stand",
    "stands",
    "stood",
    "vouch",
    "vouches",
    "vouched",
    "whoever",
    "whom",
    "by itself",
    "of itself",
    "if absent",
    "goes before",
    "is none of",
    "nothing is called",
    "looks again",
    "looked at",
    "another than",
    "so for long",
    "speaks of",
    "says nothing",
    "there is no",
    "is no",
    "are no",
];

/// Files that use such a word for another reason: the file, the word, and why.
const EXCEPTIONS: [(&str, &str, &str); 4] = [
    ("LICENSE-APACHE", "whom", "the text of the license"),
    ("LICENSE-MIT", "whom", "the text of the license"),
    ("src/import/person.rs", "tell", "a word that lists use"),
    ("src/probe/env/placeholder.rs", "tell", "a value that a variable may have"),
];

/// The quaint words in a line. An underscore counts as a blank, so that names of functions are read as sentences.
fn quaint(line: &str) -> Vec<&'static str> {
    static GAPS: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"[\s_]+|[^\s_\p{L}]+").expect("it is well formed"));
    let line = GAPS.replace_all(line, |found: &Captures<'_>| match found[0].trim_matches('_').trim() {
        "" => " ",
        _ => " . ",
    });
    let line = format!(" {} ", line.to_lowercase()).replace(" is no longer ", " ").replace(" are no longer ", " ");
    QUAINT.iter().copied().filter(|phrase| line.contains(&format!(" {phrase} "))).collect()
}

#[test]
fn quaint_words_are_found_in_sentences_and_names() {
    assert_eq!(quaint("/// It stands there by itself."), ["stands", "by itself"]);
    assert_eq!(quaint("fn a_file_that_is_no_report_is_told() {"), ["told", "is no"]);
    assert_eq!(quaint("// It is no longer there; a standing order; understood."), Vec::<&str>::new());
    assert_eq!(quaint("if is(\"No route\") {"), Vec::<&str>::new());
}

#[test]
fn no_file_has_quaint_words() {
    let mut found = BTreeSet::new();
    let mut used = BTreeSet::new();
    for path in tracked().into_iter().filter(|path| path != "tests/it/plain_english.rs" && path != "Cargo.lock") {
        let Ok(text) = fs::read_to_string(Path::new(ROOT).join(&path)) else { continue }; // not text, or removed just now
        let mut last = "";
        for (line, number) in text.lines().zip(1..) {
            let is_question = line.trim_start().trim_start_matches(['/', '!']).starts_with(" What ");
            if path.ends_with(".rs") && line.trim_start().starts_with("//") && is_question {
                found.insert(format!("{path}:{number}: a comment that begins with \"What\""));
            }
            let text = line.trim_start().trim_start_matches(['/', '!', '#', '-']);
            // A phrase may begin on the line before.
            for word in quaint(&format!("{last} {text}").replace("\\n", " ")) {
                match EXCEPTIONS.iter().position(|(file, excepted, _)| *file == path && *excepted == word) {
                    Some(position) => drop(used.insert(position)),
                    None => drop(found.insert(format!("{path}:{number}: {word}"))),
                }
            }
            last = text;
        }
    }
    assert!(found.is_empty(), "write it in plain English:\n{}", found.into_iter().collect::<Vec<_>>().join("\n"));
    assert_eq!(used.len(), EXCEPTIONS.len(), "an exception is no longer needed");
}

#[test]
fn help_uses_plain_words_in_every_command() {
    let project = Project::new("");
    let mut queue = vec![(Vec::<String>::new(), "Check whether an environment is ready for a release.".to_owned())];
    while let Some((path, about)) = queue.pop() {
        let command: Vec<&str> = path.iter().map(String::as_str).chain(["--help"]).collect();
        let help = project.gate(&command).stdout;
        let looks = ["looks", "look at"].into_iter().filter(|phrase| help.to_lowercase().contains(phrase));
        let found: Vec<&str> = help.lines().flat_map(quaint).chain(looks).collect();
        assert!(found.is_empty(), "{found:?}: gate {}\n{help}", command.join(" "));
        let commands = help.split("Commands:\n").nth(1).and_then(|rest| rest.split("\n\n").next()).unwrap_or_default();
        assert_eq!(help.lines().next(), Some(&*about), "the first line of gate {}", command.join(" "));
        for (name, about) in commands.lines().filter_map(|line| line.trim_start().split_once(' ')) {
            if name != "help" {
                queue.push((path.iter().cloned().chain([name.to_owned()]).collect(), about.trim().to_owned()));
            }
        }
    }
}
