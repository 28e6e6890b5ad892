//! The rules of the house, held by tests: who may use whom, how long a file may be, how it opens.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

/// The root of the source tree.
const ROOT: &str = env!("CARGO_MANIFEST_DIR");

#[test]
fn a_module_uses_only_those_before_it_in_the_flow() {
    let flow = modules();
    let mut against = Vec::new();
    for (path, text) in sources("src") {
        let Some(own) = flow.iter().position(|module| belongs(&path, module)) else { continue };
        for (number, line) in code(&text) {
            for used in used_modules(line) {
                match flow.iter().position(|module| *module == used) {
                    Some(position) if position <= own => {}
                    Some(_) => against.push(format!("{path}:{number}: `{}` comes before `{used}`", flow[own])),
                    None => against.push(format!("{path}:{number}: `{used}` is not a module of lib.rs")),
                }
            }
        }
    }
    assert!(against.is_empty(), "\n{}", against.join("\n"));
}

#[test]
fn a_line_shows_the_modules_that_it_uses() {
    let used = |line| used_modules(line).join(" ");
    assert_eq!(used("use crate::yaml::Span;"), "yaml");
    assert_eq!(used("use crate::{env::Env, run::{Run, Status}, plan};"), "env run plan");
    assert_eq!(used("fn run(env: &crate::env::Env) -> crate::run::Run"), "env run");
    assert_eq!(used("let name = \"crate\";"), "");
}

#[test]
fn no_file_is_too_long_to_be_read_at_once() {
    let long = sources("src").into_iter().chain(sources("tests")).filter_map(|(path, text)| {
        let lines = text.lines().count();
        (lines > 500).then(|| format!("{path}: {lines} lines"))
    });
    assert_eq!(long.collect::<Vec<_>>(), Vec::<String>::new());
}

#[test]
fn every_file_opens_with_what_it_is() {
    let silent = sources("src").into_iter().chain(sources("tests")).filter(|(_, text)| !text.starts_with("//! "));
    assert_eq!(silent.map(|(path, _)| path).collect::<Vec<_>>(), Vec::<String>::new());
}

#[test]
fn the_tree_speaks_of_no_machine_that_it_was_written_on() {
    let homes = [ROOT, "/home", "/Users", "/work", "/workspace"].map(|home| format!("{home}/"));
    let mut traces = Vec::new();
    for path in tracked() {
        let Ok(text) = fs::read_to_string(Path::new(ROOT).join(&path)) else { continue }; // not text, or removed just now
        for (line, number) in text.lines().zip(1..) {
            for home in homes.iter().filter(|home| begins_a_path(line, home)) {
                traces.push(format!("{path}:{number}: {home}"));
            }
        }
    }
    assert!(traces.is_empty(), "\n{}", traces.join("\n"));
}

#[test]
fn no_dependency_is_one_that_deny_toml_bans() {
    let read = |path: &str| fs::read_to_string(Path::new(ROOT).join(path)).expect("it is part of the tree");
    let (deny, lock) = (read("deny.toml"), read("Cargo.lock"));
    let banned: Vec<&str> = deny.split("crate = \"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
    assert!(banned.contains(&"openssl-sys") && banned.contains(&"aws-lc-sys"), "{banned:?}");
    let found = banned.iter().filter(|name| lock.contains(&format!("name = \"{name}\"\n")));
    assert_eq!(found.collect::<Vec<_>>(), Vec::<&&str>::new());
}

/// The modules in the order in which `lib.rs` names them, which is the order of the flow.
fn modules() -> Vec<String> {
    let text = fs::read_to_string(Path::new(ROOT).join("src/lib.rs")).expect("there is a library");
    let modules: Vec<_> = text
        .lines()
        .filter_map(|line| line.strip_prefix("pub mod ")?.strip_suffix(';'))
        .map(ToOwned::to_owned)
        .collect();
    assert!(modules.len() > 5, "lib.rs no longer lists its modules one a line");
    modules
}

/// The Rust files under a directory, in order, with their text.
fn sources(directory: &str) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let mut open = vec![Path::new(ROOT).join(directory)];
    while let Some(directory) = open.pop() {
        for entry in fs::read_dir(&directory).expect("the tree can be read").flatten() {
            let path = entry.path();
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let name = path.strip_prefix(ROOT).expect("it is below").display().to_string();
                found.insert(name, fs::read_to_string(&path).expect("the tree can be read"));
            }
        }
    }
    found
}

fn belongs(path: &str, module: &str) -> bool {
    path == format!("src/{module}.rs") || path.starts_with(&format!("src/{module}/"))
}

/// The numbered lines that compile: comments may speak of any module.
fn code(text: &str) -> impl Iterator<Item = (usize, &str)> {
    (1..).zip(text.lines()).filter(|(_, line)| !line.trim_start().starts_with("//"))
}

/// The first names after each `crate::` of a line, grouped imports included.
fn used_modules(line: &str) -> Vec<&str> {
    let mut used = Vec::new();
    for rest in line.split("crate::").skip(1) {
        match rest.strip_prefix('{') {
            None => used.push(first_name(rest)),
            Some(group) => used.extend(outermost(group).into_iter().map(|path| first_name(path.trim()))),
        }
    }
    used
}

/// The parts of `a::B, c::{D, E}}` between its outermost commas.
fn outermost(group: &str) -> Vec<&str> {
    let (mut depth, mut start, mut parts) = (0, 0, Vec::new());
    for (index, character) in group.char_indices() {
        match character {
            '{' => depth += 1,
            '}' if depth == 0 => {
                parts.push(&group[start..index]);
                break;
            }
            '}' => depth -= 1,
            ',' if depth == 0 => {
                parts.push(&group[start..index]);
                start = index + 1;
            }
            _ => {}
        }
    }
    parts
}

fn first_name(path: &str) -> &str {
    path.split(|character: char| !character.is_alphanumeric() && character != '_').next().unwrap_or_default()
}

/// Does this absolute path begin somewhere in the line, rather than go on from a longer one?
fn begins_a_path(line: &str, home: &str) -> bool {
    line.match_indices(home).any(|(index, _)| {
        let before = line[..index].chars().next_back();
        !before.is_some_and(|before| before.is_alphanumeric() || "-_.~/}".contains(before))
    })
}

/// What git keeps of the tree. Without git (an unpacked archive) nothing is.
fn tracked() -> Vec<String> {
    let output = Command::new("git").args(["-C", ROOT, "ls-files", "-z"]).output();
    let listed = output.map(|output| output.stdout).unwrap_or_default();
    String::from_utf8_lossy(&listed).split('\0').filter(|path| !path.is_empty()).map(ToOwned::to_owned).collect()
}
