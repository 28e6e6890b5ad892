//! Reports about databases, and settings that are refused.

use insta::assert_snapshot;
use serde_json::json;

use super::*;

/// A probe with these settings.
fn probe(settings: serde_json::Value) -> Alembic {
    serde_json::from_value(settings).expect("valid settings")
}

/// The report about a database with these ids, with a linear history of `a`, `b`, `c`.
fn reported(current: &[&str], table_exists: bool, elsewhere: &[&str]) -> String {
    let line = [("a", None), ("b", Some("a")), ("c", Some("b"))].map(|(id, down)| script::Revision {
        id: id.to_owned(),
        down: down.map(str::to_owned).into_iter().collect(),
        depends_on: Vec::new(),
        labels: Vec::new(),
        file: format!("{id}.py"),
    });
    let owned = |ids: &[&str]| ids.iter().map(|id| (*id).to_owned()).collect();
    let state = State { table_exists, ids: owned(current), elsewhere: owned(elsewhere), is_django: false };
    let seen = History::Files(Graph::new(line.to_vec()).expect("no error")).seen(state);
    let probe = probe(json!({}));
    let advice = probe.advice(&seen).map(|advice| format!("\n{advice}")).unwrap_or_default();
    format!("{}{advice}", probe.evidence(&seen))
}

#[test]
fn every_state_has_words_of_its_own() {
    assert_snapshot!(reported(&["c"], true, &[]), @"c, at head");
    assert_snapshot!(reported(&["a"], true, &[]), @r"
    a, 2 pending
    run `alembic upgrade heads`: 2 pending: b, c
    ");
    assert_snapshot!(reported(&[], true, &[]), @r"
    no revision applied, 3 pending
    run `alembic upgrade heads`: 3 pending: a, b, c
    ");
    assert_snapshot!(reported(&[], false, &[]), @r"
    no table `alembic_version`, 3 pending
    table `alembic_version` not found: is this the right database? If it is, run `alembic upgrade heads`: 3 pending: a, b, c
    ");
    assert_snapshot!(reported(&[], false, &["app"]), @r"
    no table `alembic_version`, 3 pending
    table `alembic_version` not found here, but in the schema app: say so with `version_table_schema`
    ");
    assert_snapshot!(reported(&["z"], true, &[]), @r"
    z, unknown to the revision files
    no revision file has z: the database is ahead of this checkout, or of another branch. Check out the commit that was deployed, or find out who migrated it
    ");
    assert_snapshot!(reported(&["a", "c"], true, &[]), @r"
    a, c, but one implies another
    `alembic_version` names a besides what comes after it, and alembic refuses to upgrade: find out who wrote that row, and delete it
    ");
}

#[test]
fn a_dependency_in_the_output_of_alembic_is_not_a_missing_row() {
    let heads = ask::Heads { all: vec!["b".to_owned(), "x".to_owned()], effective: vec!["b".to_owned()] };
    let state = State { table_exists: true, ids: vec!["b".to_owned()], ..State::default() };
    let seen = History::Command(heads).seen(state);
    assert!(seen.at_head);
    assert_eq!(seen.pending, None);
}

#[test]
fn settings_that_contradict_one_another_are_refused() {
    for (settings, expected) in [
        (json!({ "command": [] }), "`command` needs at least a program, such as `[alembic]`"),
        (json!({ "command": ["poetry", "run", "alembic"] }), "`command` is of use only with `heads: command`"),
        (
            json!({ "heads": "command", "scripts": "db" }),
            "with `heads: command` alembic finds its revision files itself: drop `scripts` and `versions`",
        ),
    ] {
        let refused = serde_json::from_value::<Alembic>(settings).expect_err("a contradiction");
        assert_eq!(refused.to_string(), expected);
    }
}

#[test]
fn a_person_can_repeat_it_with_alembic() {
    let argv = |settings| probe(settings).reproduce().expect("there is a way").join(" ");
    assert_eq!(argv(json!({})), "alembic current");
    assert_eq!(
        argv(json!({ "config": "backend/alembic.ini", "name": "reports" })),
        "alembic -c backend/alembic.ini -n reports current"
    );
}
