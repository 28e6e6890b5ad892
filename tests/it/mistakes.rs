//! Common mistakes of beginners: each error says what to write.

use crate::harness::Project;

/// The output of `gate validate` for a checklist with this item.
fn said(item: &str) -> String {
    let text = format!("title: T\nsections:\n  - title: S\n    items:\n      - {{ id: a, title: A, {item} }}\n");
    let output = Project::new(&text).gate(&["validate", "staging"]);
    assert_eq!(output.code, 2, "{}", output.stdout);
    output.stderr
}

#[test]
fn an_option_among_the_settings_is_named_with_its_place() {
    let said = said("probes: [{ http: { url: http://a/, expect: { status: 200 }, timeout: 3s } }]");
    assert!(said.contains("`expect` is below `http`, not beside it"), "{said}");
    assert!(said.contains("`timeout` is below `http`, not beside it"), "{said}");
    assert!(!said.contains("unknown key"), "{said}");
}

#[test]
fn a_default_without_its_dash_is_not_taken_for_a_name() {
    for url in ["${env.API:http://a/}", "${env.API-x}/", "${env.API:?not set}"] {
        let said = said(&format!("probes: [{{ http: {{ url: \"{url}\" }} }}]"));
        assert!(said.contains("a default is written `${env.NAME:-VALUE}`"), "{said}");
    }
}

#[test]
fn a_reason_is_not_true_and_a_boolean_not_yes() {
    let reason = said("deferred: true");
    assert!(reason.contains("such as `deferred: not needed before production`"), "{reason}");
    let reason = said("pending: false");
    assert!(reason.contains("such as `pending: the load test is not written yet`"), "{reason}");
    let boolean = said("advisory: yes, probes: [{ http: { url: http://a/ } }]");
    assert!(boolean.contains("expected `true` or `false`"), "{boolean}");
}

#[test]
fn a_shell_variable_in_a_url_leads_to_ours() {
    let said = said("probes: [{ http: { url: $STAGING_URL/healthz } }]");
    assert!(said.contains("a variable is written `${env.NAME}`"), "{said}");
}
