//! Rules for the source tree: which module may use which, the length of files, their first line, and more.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::process::Command;

/// The root of the source tree.
pub const ROOT: &str = env!("CARGO_MANIFEST_DIR");

#[test]
fn a_module_uses_only_those_before_it_in_the_flow() {
    let flow = modules();
    let mut against = Vec::new();
    for (path, text) in sources("src") {
        let Some(own) = flow.iter().position(|module| belongs(&path, module)) else { continue };
        for (number, line) in code(&text) {
            for used in used_modules(&line) {
                match flow.iter().position(|module| module == used) {
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
fn no_two_modules_of_a_folder_use_each_other() {
    let files: Vec<(Vec<String>, String)> = sources("src")
        .into_iter()
        .filter_map(|(path, text)| {
            let path = path.strip_prefix("src/")?.strip_suffix(".rs")?;
            let path = path.strip_suffix("/mod").unwrap_or(path);
            let path: Vec<String> = path.split('/').map(ToOwned::to_owned).collect();
            let is_test = path.iter().any(|part| part == "tests");
            // Code that is compiled only for tests does not count.
            let text = text.split("#[cfg(test)]").next().unwrap_or_default().to_owned();
            (!is_test).then_some((path, text))
        })
        .collect();
    let uses: BTreeSet<(String, String)> = files.iter().flat_map(|(path, text)| siblings(path, text)).collect();
    let circles = uses.iter().filter(|(one, other)| one < other && uses.contains(&(other.clone(), one.clone())));
    assert_eq!(circles.collect::<Vec<_>>(), Vec::<&(String, String)>::new());
}

#[test]
fn a_file_shows_the_siblings_that_it_and_its_parents_use() {
    let path = ["a", "b", "c"].map(ToOwned::to_owned);
    let text = "use super::d;\nuse super::{\n    e::F,\n    g,\n};\nuse super::super::h;\nuse crate::a::i::J;\n// use super::k;";
    let pairs = [("a/b", "a/h"), ("a/b", "a/i"), ("a/b/c", "a/b/d"), ("a/b/c", "a/b/e"), ("a/b/c", "a/b/g")];
    let pairs = pairs.map(|(one, other)| (one.to_owned(), other.to_owned()));
    assert_eq!(siblings(&path, text).into_iter().collect::<Vec<_>>(), pairs);
}

#[test]
fn a_line_shows_the_modules_that_it_uses() {
    let used = |line| used_modules(line).join(" ").trim_end().to_owned();
    assert_eq!(used("use crate::yaml::Span;"), "yaml");
    assert_eq!(used("use crate::{env::Env, run::{Run, Status}, plan};"), "env run plan");
    assert_eq!(used("fn run(env: &crate::env::Env) -> crate::run::Run"), "env run");
    assert_eq!(used("let name = \"crate\";"), "");
    let lines =
        "use crate::{\n    env::Env,\n    // plan,\n    run::{\n        Run,\n        Status,\n    },\n};\nlet a = 1;";
    let lines: Vec<(usize, String)> = code(lines).collect();
    assert_eq!(
        lines.iter().map(|(number, line)| (*number, used(line))).collect::<Vec<_>>(),
        [(1, "env run".to_owned()), (9, String::new()),]
    );
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
fn no_file_names_a_folder_of_the_authors_machine() {
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

/// Files outside of the writer that create, change or remove files, and why that is safe.
const WRITES: [(&str, &str, &str); 20] = [
    ("src/cli/demo.rs", "tempfile::", "the folder of the demo, under a random name"),
    ("src/cli/import.rs", "create_dir", "the folder of a file that the command line names"),
    ("src/cli/man.rs", "create_dir", "the folder that the command line names"),
    ("src/client/sql/guard/mod.rs", "tempfile::", "a folder for a socket, under a random name"),
    ("src/client/via/", "tempfile::", "folders for sockets, under random names"),
    ("src/client/via/mod.rs", "File::create", "what `ssh` says, in such a folder"),
    ("src/demo/folder.rs", "create_dir", "in the folder of the demo"),
    ("src/demo/folder.rs", "set_modified", "in the folder of the demo"),
    ("src/demo/folder.rs", ".write(true)", "in the folder of the demo"),
    ("src/demo/host.rs", "create_dir", "in the folder of the demo"),
    ("src/demo/host.rs", "set_permissions", "in the folder of the demo"),
    ("src/ledger/server.rs", "create_", "the ledger itself, which SQLite writes, and its folder"),
    ("src/probe/backup/store.rs", "tempfile::", "a download, under a random name"),
    ("src/probe/k6/run.rs", "tempfile::", "what k6 writes, in a folder with a random name"),
    ("src/report/output/sink.rs", ".append(true)", "pipes and devices that the command line names"),
    ("src/sign_off/folder.rs", "create_dir", "the folder of entries, which is in the repository"),
    ("src/sign_off/folder.rs", "fs::remove_", "that folder, if it is empty"),
    ("src/sign_off/signature.rs", "create_dir", "a folder of the user's own cache"),
    ("src/sign_off/signature.rs", "fs::write", "an empty file in it, whose name is a digest"),
    ("src/sign_off/signature.rs", "tempfile::", "a signature for `ssh-keygen`, under a random name"),
];

#[test]
fn only_the_writer_writes_files() {
    let words = [
        "fs::write",
        "File::create",
        ".write(true)",
        ".append(true)",
        ".truncate(true)",
        "create_dir",
        "create_if_missing(true)",
        "create_new",
        "fs::rename",
        "fs::copy",
        "fs::hard_link",
        "fs::symlink",
        "fs::remove_",
        "fs::open",
        "mknod",
        "set_len",
        "set_modified",
        "set_permissions",
        "tempfile::",
        "tempfile_in",
    ];
    let mut unused: BTreeSet<(&str, &str)> = WRITES.iter().map(|(path, word, _)| (*path, *word)).collect();
    let mut found = Vec::new();
    for (path, text) in sources("src") {
        let is_test = path.split('/').any(|part| matches!(part, "tests" | "tests.rs"));
        if is_test || path == "src/writer.rs" {
            continue;
        }
        // The rest is compiled only for tests.
        let own = text.split("#[cfg(test)]\nmod ").next().unwrap_or_default();
        for (number, line) in code(own) {
            // This line of the standard library only reads.
            let line = line.replace("fs::symlink_metadata", "");
            for word in words.iter().filter(|word| line.contains(**word)) {
                match WRITES.iter().find(|(allowed, part, _)| path.starts_with(allowed) && word.starts_with(part)) {
                    Some((path, part, _)) => drop(unused.remove(&(*path, *part))),
                    None => found.push(format!("{path}:{number}: `{word}`: use `writer`, or say here why it is safe")),
                }
            }
        }
    }
    assert!(found.is_empty(), "\n{}", found.join("\n"));
    assert_eq!(unused, BTreeSet::new(), "these are no longer needed");
}

/// Lines that show an error with its own text, or search it for words, and which errors these are.
const SHOWN: [(&str, &str); 13] = [
    ("src/cli/demo.rs", "its own problem and context: the cause below is shown by `text::error`"),
    ("src/cli/probe.rs", "the reason of an item"),
    ("src/client/dial.rs", "searched for a few words, and not shown"),
    ("src/client/http/error.rs", "searched for a few words, and not shown"),
    ("src/client/sql/error.rs", "searched for a few words, and not shown"),
    ("src/ledger/document/convert.rs", "the reason of an item"),
    ("src/ledger/error.rs", "faults, and codes of databases"),
    ("src/probe/env/mod.rs", "the problem of a line of a `.env` file"),
    ("src/probe/logs/emit.rs", "a problem of a URL, as settings report it"),
    ("src/probe/nftables/mod.rs", "what `nft` printed"),
    ("src/probe/prometheus.rs", "what Prometheus answered"),
    ("src/probe/redis/mod.rs", "the code of Redis's answer"),
    ("src/probe/workflow/event.rs", "a problem of a schedule"),
];

#[test]
fn no_error_of_a_library_is_shown_in_its_own_words() {
    let names = ["error", "problem", "cause", "err", "e"];
    let shown: Vec<String> = names
        .iter()
        .flat_map(|name| [format!("{{{name}}}"), format!("{{{name}:"), format!("{name}.to_string()")])
        .collect();
    let mut unused: BTreeSet<&str> = SHOWN.iter().map(|(path, _)| *path).collect();
    let mut found = Vec::new();
    for (path, text) in sources("src") {
        let is_test = path.split('/').any(|part| matches!(part, "tests" | "tests.rs"));
        // The reports write the reason of an item; `text::error` is where such errors get plain words.
        if is_test || ["src/text/error.rs", "src/report/json/convert.rs"].contains(&path.as_str()) {
            continue;
        }
        for (number, line) in code(text.split("#[cfg(test)]").next().unwrap_or_default()) {
            let is_whole = |at: usize| !line[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_');
            if !shown.iter().any(|word| line.match_indices(word.as_str()).any(|(at, _)| is_whole(at))) {
                continue;
            }
            match SHOWN.iter().find(|(allowed, _)| *allowed == path) {
                Some((path, _)) => drop(unused.remove(path)),
                None => found.push(format!("{path}:{number}: {}: use `text::error`", line.trim())),
            }
        }
    }
    assert!(found.is_empty(), "\n{}", found.join("\n"));
    assert_eq!(unused, BTreeSet::new(), "these are no longer needed");
}

#[test]
fn json_of_others_is_read_in_one_way() {
    // Parts of JSON that was read this way before, and values of a database.
    let parts = ["src/probe/prometheus.rs", "src/client/sql/mysql.rs", "src/client/sql/postgres.rs"];
    let others = sources("src").into_iter().filter(|(path, text)| {
        let is_of_others = path.starts_with("src/probe/") || path.starts_with("src/client/");
        let own = text.split("#[cfg(test)]").next().unwrap_or_default();
        let words = ["serde_json::from_slice", "serde_json::from_str", "serde_json::from_reader"];
        is_of_others && words.iter().any(|word| own.contains(word))
    });
    assert_eq!(
        others.map(|(path, _)| path).filter(|path| !parts.contains(&path.as_str())).collect::<Vec<_>>(),
        Vec::<String>::new(),
        "use `text::json::parse`, which drops a byte order mark"
    );
}

#[test]
fn git_is_run_in_one_way() {
    let runs = sources("src").into_iter().filter(|(_, text)| text.contains("Command::new(\"git\")"));
    assert_eq!(runs.map(|(path, _)| path).collect::<Vec<_>>(), ["src/client/git.rs"]);
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

/// The numbered lines of code; comments may name any module. A `use` over several lines is one.
fn code(text: &str) -> impl Iterator<Item = (usize, String)> {
    let mut lines = (1..).zip(text.lines()).filter(|(_, line)| !line.trim_start().starts_with("//"));
    std::iter::from_fn(move || {
        let (number, line) = lines.next()?;
        let mut whole = line.to_owned();
        let is_use = line.trim_start().starts_with("use ") || line.trim_start().starts_with("pub use ");
        while is_use && !whole.contains(';') {
            let Some((_, line)) = lines.next() else { break };
            whole.push_str(line.trim());
        }
        Some((number, whole))
    })
}

/// The siblings that a module uses: for this module and for all of its parents, as pairs of paths.
fn siblings(path: &[String], text: &str) -> BTreeSet<(String, String)> {
    let mut found = BTreeSet::new();
    for (_, line) in code(text) {
        for depth in 1..path.len() {
            let parent = &path[..path.len() - depth];
            let from = path[..=parent.len()].join("/");
            let relative = "super::".repeat(depth);
            let absolute = format!("crate::{}::", parent.join("::"));
            for used in names_after(&line, &relative).into_iter().chain(names_after(&line, &absolute)) {
                let to = format!("{}/{used}", parent.join("/"));
                if !["super", ""].contains(&used) && to != from {
                    found.insert((from.clone(), to));
                }
            }
        }
    }
    found
}

/// The first names after each `crate::` of a line, grouped imports included.
fn used_modules(line: &str) -> Vec<&str> {
    names_after(line, "crate::")
}

/// The first names after each occurrence of a prefix, grouped imports included.
fn names_after<'a>(line: &'a str, prefix: &str) -> Vec<&'a str> {
    let mut used = Vec::new();
    for (at, _) in line.match_indices(prefix) {
        if line[..at].ends_with([':', '_']) || line[..at].ends_with(char::is_alphanumeric) {
            continue;
        }
        let rest = &line[at + prefix.len()..];
        match rest.strip_prefix('{') {
            None => used.push(first_name(rest)),
            Some(group) => used.extend(outermost(group).into_iter().map(|path| first_name(path.trim()))),
        }
    }
    used
}

/// Splits `a::B, c::{D, E}}` at its outermost commas.
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

/// Whether this absolute path begins in the line, rather than being the end of a longer one.
fn begins_a_path(line: &str, home: &str) -> bool {
    line.match_indices(home).any(|(index, _)| {
        let before = line[..index].chars().next_back();
        !before.is_some_and(|before| before.is_alphanumeric() || "-_.~/}".contains(before))
    })
}

/// All files that Git tracks. Without Git (in an unpacked archive), none.
pub fn tracked() -> Vec<String> {
    let output = Command::new("git").args(["-C", ROOT, "ls-files", "-z"]).output();
    let listed = output.map(|output| output.stdout).unwrap_or_default();
    String::from_utf8_lossy(&listed).split('\0').filter(|path| !path.is_empty()).map(ToOwned::to_owned).collect()
}
