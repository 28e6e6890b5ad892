//! Completions and manual pages, as read by bash, other shells and groff.

use std::collections::BTreeSet;
use std::fs;
use std::process::{Command, Stdio};

use crate::harness::{Output, Project, directory, gate, program};

/// The completions of bash for the last of these words.
fn offered(script: &str, words: &[&str]) -> BTreeSet<String> {
    let complete = r#"
        source /dev/stdin
        function=$(complete -p gate | sed 's/.*-F \([^ ]*\) .*/\1/')
        COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)) COMP_LINE="$*" COMP_POINT=${#COMP_LINE}
        "$function" gate "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
        printf '%s\n' "${COMPREPLY[@]}"
    "#;
    let folder = directory("completions");
    fs::write(folder.join("gate.bash"), script).expect("the folder is writable");
    let mut bash = Command::new(program("bash"));
    bash.args(["--norc", "-euc", complete, "bash"]).args(words).current_dir(&folder);
    bash.stdin(fs::File::open(folder.join("gate.bash")).expect("it was just written"));
    let output = Output::of(bash.output().expect("it is installed"));
    assert_eq!((output.code, output.stderr.as_str()), (0, ""), "{words:?}");
    output.stdout.lines().map(ToOwned::to_owned).collect()
}

#[test]
fn bash_completes_commands_options_and_values() {
    let script = gate("/", &["completions", "bash"]).stdout;
    let are = |words: &[&str], expected: &[&str]| {
        assert_eq!(offered(&script, words), expected.iter().map(|word| (*word).to_owned()).collect(), "{words:?}");
    };
    are(&["gate", "ch"], &["check"]);
    are(&["gate", "check", "--mark"], &["--markdown"]);
    are(&["gate", "completions", "z"], &["zsh"]);
    let commands = offered(&script, &["gate", ""]);
    for command in gate::cli::command().get_subcommands() {
        assert!(commands.contains(command.get_name()), "{} is missing in {commands:?}", command.get_name());
    }
}

#[test]
fn every_shell_gets_a_script_and_an_unknown_one_is_named() {
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let output = gate("/", &["completions", shell]);
        assert_eq!((output.code, output.stderr.as_str()), (0, ""), "{shell}");
        assert!(output.stdout.contains("completions") && output.stdout.contains("markdown"), "{shell}");
    }
    let output = gate("/", &["completions", "bsh"]);
    assert_eq!(output.code, 2);
    assert!(output.stderr.contains("invalid value 'bsh'") && output.stderr.contains("bash"), "{}", output.stderr);
}

/// The page as groff renders it, with all warnings.
fn formatted(page: &str) -> String {
    let mut groff = Command::new(program("groff"));
    groff.args(["-man", "-Tutf8", "-ww", "-k", "-rHY=0"]).env("GROFF_NO_SGR", "1");
    let folder = directory("man");
    fs::write(folder.join("page"), page).expect("the folder is writable");
    groff.stdin(fs::File::open(folder.join("page")).expect("it was just written")).stdout(Stdio::piped());
    let output = Output::of(groff.stderr(Stdio::piped()).output().expect("it is installed"));
    assert_eq!((output.code, output.stderr.as_str()), (0, ""), "{page}");
    // A bold letter is the letter, a backspace, and the letter again.
    let overstruck = regex::Regex::new(".\u{8}").expect("it is well formed");
    overstruck.replace_all(&output.stdout, "").into_owned()
}

#[test]
fn every_command_has_a_manual_page_that_groff_accepts() {
    let project = Project::new("");
    let output = project.gate(&["man", "--dir", "share/man/man1"]);
    assert_eq!((output.code, output.stdout.as_str(), output.stderr.as_str()), (0, "", ""));
    let folder = project.path().join("share/man/man1");
    let mut pages = BTreeSet::new();
    for entry in fs::read_dir(&folder).expect("it was just written").flatten() {
        let text = formatted(&fs::read_to_string(entry.path()).expect("it was just written"));
        assert!(text.contains("SYNOPSIS") && text.contains("OPTIONS") && !text.contains("EXTRA"), "{text}");
        pages.insert(entry.file_name().into_string().expect("it is a command's name"));
    }
    for command in gate::cli::command().get_subcommands() {
        assert!(pages.contains(&format!("gate-{}.1", command.get_name())), "{} has no page", command.get_name());
    }
    assert!(pages.contains("gate.1") && pages.contains("gate-ledger-prune.1"), "{pages:?}");
    let check = formatted(&project.read("share/man/man1/gate-check.1"));
    assert!(check.contains("FORMATS") && check.contains("junit") && check.contains("EXIT STATUS"), "{check}");
}

#[test]
fn the_manual_page_has_the_exit_codes_of_the_readme() {
    let page = formatted(&gate("/", &["man"]).stdout);
    let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let (page, readme) = (words(&page), fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/README.md")));
    let readme = readme.expect("it is part of the tree");
    let table = readme.split("| exit code |").nth(1).and_then(|rest| rest.split("\n\n").next()).expect("it has one");
    let rows = table.lines().skip(2).map(|row| words(&row.replace('|', " ")));
    let missing: Vec<String> = rows.filter(|row| !page.contains(row.as_str())).collect();
    assert_eq!(missing, Vec::<String>::new(), "{page}");
}

#[test]
fn pages_that_cannot_be_written_are_an_error() {
    let project = Project::new("").file("there", "");
    let output = project.gate(&["man", "--dir", "there"]);
    assert_eq!(output.code, 4);
    assert!(output.stderr.starts_with("error: cannot write manual pages to `there`: "), "{}", output.stderr);
}
