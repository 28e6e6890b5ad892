//! The generated manual is up to date, and every list of probes and checks is complete.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use gate::checklist::{BUILT_IN, Described, describe};
use gate::diagnostic::{Diagnostics, Sources};
use gate::probe::Registry;
use insta::assert_snapshot;

use crate::harness::{Project, gate};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// Every page that the code generates, by its path.
fn pages() -> Vec<(String, String)> {
    let checks: Vec<Described> = BUILT_IN.iter().map(|(name, _)| built_in(name)).collect();
    let mut pages = vec![("docs/README.md".to_owned(), gate::manual::index(&Registry::built_in(), &checks))];
    for kind in Registry::built_in().iter() {
        let printed = gate(ROOT, &["show", "--probe", kind.name()]);
        pages.push((format!("docs/probes/{}.md", kind.name()), printed.stdout));
    }
    pages.extend(checks.iter().map(|check| (format!("docs/checks/{}.md", check.name), gate::manual::check(check))));
    pages
}

/// A check of the built-in library; no others exist here.
fn built_in(name: &str) -> Described {
    let nowhere = Path::new("/nonexistent");
    describe(name, nowhere, nowhere, &Registry::built_in())
        .unwrap_or_else(|(problems, sources)| panic!("{}", problems.render(&sources, false)))
}

#[test]
fn the_pages_say_what_the_code_says() {
    let pages = pages();
    if std::env::var_os("UPDATE_DOCS").is_some() {
        for folder in ["docs/probes", "docs/checks"] {
            let folder = Path::new(ROOT).join(folder);
            fs::remove_dir_all(&folder).ok();
            fs::create_dir_all(&folder).expect("the folder is writable");
        }
        for (path, page) in &pages {
            fs::write(Path::new(ROOT).join(path), page).expect("the folder is writable");
        }
    }
    for (path, page) in &pages {
        let kept = fs::read_to_string(Path::new(ROOT).join(path)).unwrap_or_default();
        assert!(kept == *page, "{path}: run with UPDATE_DOCS=1 to write it again");
    }
    for folder in ["docs/probes", "docs/checks"] {
        let files = fs::read_dir(Path::new(ROOT).join(folder)).expect("it is part of the tree").flatten();
        let there: BTreeSet<String> =
            files.map(|file| format!("{folder}/{}", file.file_name().to_string_lossy())).collect();
        let wanted: BTreeSet<String> =
            pages.iter().map(|(path, _)| path.clone()).filter(|path| path.starts_with(folder)).collect();
        assert_eq!(there, wanted);
    }
}

/// The registry, the schema, the README's table and `gate list` have the same kinds.
#[test]
fn every_place_names_the_same_kinds() {
    let kinds = Registry::built_in();
    let registry: Vec<&str> = kinds.names().collect();
    let schema = gate::checklist::schema(&kinds);
    let in_schema = schema["definitions"]["Probe"]["properties"].as_object().expect("there is an entry of `probes`");
    let in_schema: Vec<&str> = in_schema.keys().map(String::as_str).take(registry.len()).collect();
    assert_eq!(in_schema, registry);
    let readme = fs::read_to_string(Path::new(ROOT).join("README.md")).expect("it is part of the tree");
    let table = readme.split("| probe |").nth(1).expect("there is such a table").split("\n\n").next();
    let in_readme: Vec<&str> = table
        .into_iter()
        .flat_map(str::lines)
        .filter_map(|line| line.strip_prefix("| ")?.trim_start_matches('[').strip_prefix('`')?.split('`').next())
        .collect();
    assert_eq!(in_readme, registry);
    let listed = gate(ROOT, &["list", "--probes"]).stdout;
    let listed: Vec<&str> = listed.lines().filter_map(|line| line.split(' ').next()).collect();
    assert_eq!(listed, registry);
    assert!(registry.is_sorted(), "{registry:?}");
}

#[test]
fn every_built_in_check_is_listed_and_shows_how_it_is_used() {
    let nowhere = Project::new("");
    let listed = nowhere.gate(&["list", "--checks"]).stdout;
    let names: Vec<&str> = listed.lines().filter_map(|line| line.split(' ').next()).collect();
    assert_eq!(names, BUILT_IN.iter().map(|(name, _)| *name).collect::<Vec<_>>());
    for name in names {
        for input in built_in(name).inputs {
            assert!(input.default.is_some() || input.example.is_some(), "{name}: `{}` has no example", input.name);
        }
    }
}

/// Settings of each kind that may change something. If such a kind has no `EFFECTS` in its manual, an assertion fails
/// when its settings are read.
const CHANGING: &[(&str, &str)] = &[
    ("burst", "{ url: http://h, requests: 2 }"),
    ("command", "{ argv: [a] }"),
    ("http", "{ url: http://h, method: POST }"),
    ("k6", "{ run: a.js }"),
    ("logs", "{ store: loki, url: http://h, query: '{app=\"a\"}', emit: { url: 'http://h/?m={marker}' } }"),
    ("race", "{ url: http://h, json: {}, id: /id }"),
    ("redis", "{ url: redis://h, write: true }"),
    ("sql", "{ url: postgres://h/d, query: DELETE FROM a, writes: true }"),
    ("tcp", "{ address: 'h:1', send: a }"),
];

/// Every kind that may change something has `EFFECTS` in its manual, and every kind with `EFFECTS` has such settings.
#[test]
fn the_manual_says_when_a_kind_may_change_something() {
    let kinds = Registry::built_in();
    let says_so: Vec<&str> = kinds.iter().filter(|kind| kind.effects().is_some()).map(|kind| kind.name()).collect();
    assert_eq!(says_so, CHANGING.iter().map(|(name, _)| *name).collect::<Vec<_>>());
    for (name, settings) in CHANGING {
        let mut sources = Sources::default();
        let file = sources.add(*name, *settings);
        let mut problems = Vec::new();
        let node = gate::yaml::parse(&sources, file, &mut problems).expect("it is YAML");
        let kind = kinds.iter().find(|kind| kind.name() == *name).expect("it is in the registry");
        let probe = kind.read(&node, &mut problems);
        let probe = probe.unwrap_or_else(|| panic!("{name}: {}", Diagnostics(problems).render(&sources, false)));
        assert!(probe.has_effects(), "{name}");
    }
}

#[test]
fn the_manual_of_a_check_prefers_the_users_own_to_a_built_in_one() {
    let own = "description: Ours is up.\ninputs:\n  url: { description: Where., example: http://ours }\n  deep:\n    \
        { description: How deep., default: 3 }\nprobes:\n  - http: { url: \"${inputs.url}/${inputs.deep}\" }\n";
    let project = Project::new("").file("checks/http-health.yaml", own).file("checks/broken.yaml", "description: x\n");
    assert_snapshot!(project.gate(&["show", "--check", "http-health"]).stdout, @r#"
    # `http-health`

    Ours is up.

    ```yaml
    probes:
      - use: http-health
        with:
          url: http://ours
    ```

    | input | default | what it is |
    |---|---|---|
    | `url` | required | Where. |
    | `deep` | `3` | How deep. |

    It uses [`http`](../probes/http.md):

    ```yaml
    description: Ours is up.
    inputs:
      url: { description: Where., example: http://ours }
      deep:
        { description: How deep., default: 3 }
    probes:
      - http: { url: "${inputs.url}/${inputs.deep}" }
    ```
    "#);
    let listed = project.gate(&["list", "--checks"]);
    assert_eq!(listed.code, 2);
    let words = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ");
    let lines: Vec<String> = listed.stdout.lines().map(words).collect();
    assert!(lines.contains(&"broken invalid".to_owned()), "{}", listed.stdout);
    assert!(lines.contains(&"http-health own Ours is up.".to_owned()), "{}", listed.stdout);
    assert!(listed.stderr.contains("--> checks/broken.yaml:1:1"), "{}", listed.stderr);
}

#[test]
fn validate_reads_the_users_own_checks_too() {
    let checklist = "title: T\nsections: [{ title: S, items: [{ id: a, title: A, pending: later }] }]\n";
    let project = Project::new(checklist).file("checks/up.yaml", "description: x\nprobes:\n  - htpp: {}\n");
    let output = project.gate(&["validate"]);
    assert_eq!(
        (output.code, output.stdout.as_str()),
        (2, "checklists/staging.yaml: valid, 1 item; runs are recorded under this folder\n")
    );
    assert!(output.stderr.contains("--> checks/up.yaml:3:5"), "{}", output.stderr);
    let project = project.file("checks/up.yaml", "description: x\nprobes:\n  - http: { url: http://127.0.0.1 }\n");
    assert_snapshot!(project.gate(&["validate"]).stdout, @"
    checklists/staging.yaml: valid, 1 item; runs are recorded under this folder
    checks/up.yaml: valid, used by no checklist
    ");
}

#[test]
fn a_name_without_a_manual_is_reported_with_the_nearest_one() {
    let project = Project::new("");
    let output = project.gate(&["show", "--probe", "htpt"]);
    assert_eq!(output.code, 2);
    assert_snapshot!(output.stderr, @"
    error: unknown probe `htpt`
      help: did you mean `http`?
    ");
    let output = project.gate(&["show", "--check", "http-helth"]);
    assert_eq!(output.code, 2);
    assert_snapshot!(output.stderr, @"
    error: unknown check `http-helth`
      help: did you mean `http-health`?
    ");
    assert_eq!(project.gate(&["show"]).code, 2);
}

/// Every line of the M9 checklist has its item, its probes, and a test that breaks it.
#[test]
fn the_table_of_the_m9_checklist_is_whole_and_true() {
    let page = fs::read_to_string(Path::new(ROOT).join("docs/m9.md")).expect("it is part of the tree");
    let rows: Vec<Vec<&str>> = page
        .lines()
        .filter(|line| line.starts_with("| ") && !line.starts_with("| line"))
        .map(|line| line.trim_matches('|').split(" | ").map(str::trim).collect())
        .collect();
    let found = gate::checklist::find("staging", Path::new(ROOT)).expect("it exists");
    let env = gate::env::Env::with([], ROOT.into());
    let loaded = gate::checklist::load(found, &gate::checklist::Overrides::default(), &env, &Registry::built_in());
    let checklist = loaded.checklist.expect("it is valid");
    let ids: Vec<String> = rows.iter().map(|row| row[1].trim_matches('`').to_owned()).collect();
    assert_eq!(ids, checklist.items().map(|item| item.id.to_string()).collect::<Vec<_>>());
    for (row, item) in rows.iter().zip(checklist.items()) {
        let [_, _, probes, test] = row.as_slice() else { panic!("{row:?} is not a row of four") };
        let mut kinds: Vec<String> = Vec::new();
        for probe in &item.probes {
            let kind = format!("`{}`", probe.kind.name());
            if !kinds.contains(&kind) {
                kinds.push(kind);
            }
        }
        let expected = match (&item.sign_off, &item.deferred) {
            (Some(_), _) => "a person".to_owned(),
            (None, Some(why)) if kinds.is_empty() => format!("deferred: {why}"),
            (None, _) => match &item.pending {
                Some(why) => format!("pending: {why}"),
                None => kinds.join(", "),
            },
        };
        assert_eq!(*probes, expected, "{}", item.id);
        let name = test.split('`').nth(1).unwrap_or_else(|| panic!("{}: no test is named", item.id));
        let (module, function) = name.split_once("::").expect("a module and a function");
        let source = fs::read_to_string(Path::new(ROOT).join(format!("tests/it/{module}.rs"))).unwrap_or_default();
        assert!(source.contains(&format!("fn {function}()")), "{}: no test is called `{name}`", item.id);
    }
}

/// The guide for contributors names files; each of them exists.
#[test]
fn every_file_that_the_guide_for_contributors_names_exists() {
    let guide = fs::read_to_string(Path::new(ROOT).join(".github/CONTRIBUTING.md")).expect("it is part of the tree");
    let is_file = |word: &&str| {
        let is_path = word.starts_with("src/") || word.starts_with("tests/");
        is_path && word.ends_with(".rs") && !word.contains("NAME")
    };
    let named: Vec<&str> = guide.split('`').filter(is_file).collect();
    assert!(named.contains(&"src/probe/mod.rs"), "{named:?}");
    for path in named {
        assert!(Path::new(ROOT).join(path).is_file(), "{path}");
    }
}
