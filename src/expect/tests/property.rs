//! Properties that hold for any observation.

use std::sync::LazyLock;

use jiff::Timestamp;
use proptest::prelude::{Just, ProptestConfig, Strategy, any, prop_oneof, proptest};
use serde_json::{Map, Value};

use super::super::cut::{Extent, Truncation};
use super::super::truth::Truth;
use super::super::{Outcome, Rule};
use super::{Expectation, load};

/// Matchers of every kind, each as it would be written for a path.
const MATCHERS: &[&str] = &[
    "1",
    "a",
    "[1, a]",
    "null",
    "{ equals: { a: 1 } }",
    "{ not: a }",
    "{ not: { at_least: 1 } }",
    "{ one_of: [1, a, null] }",
    "{ at_least: 1 }",
    "{ above: 0, at_most: 1.5 }",
    "{ below: 2025-12-06T12:00:00Z }",
    "{ contains: a }",
    "{ contains: [1, a] }",
    "{ matches: '^a?$' }",
    "{ starts_with: a, ends_with: b }",
    "{ length: 1 }",
    "{ length: { above: 1 } }",
    "{ every: { at_least: 0 } }",
    "{ some: { not: a } }",
    "{ every: { not: { below: 1 } } }",
    "{ not: { matches: '1$' } }",
    "{ length: { below: 3 } }",
    "{ newer_than: 10m }",
    "{ version: '>=1' }",
];

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        (0..3_i32).prop_map(Value::from),
        Just(Value::from("a")),
        Just(Value::from("v1.2")),
        Just(Value::from("2025-12-06T12:00:00Z")),
        Just(Value::from("-009999-01-02T01:59:59Z")),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 24, 4, |inner| {
        let key = prop_oneof![Just("a".to_owned()), any::<String>()];
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::vec((key, inner), 0..4).prop_map(|entries| Value::Object(Map::from_iter(entries))),
        ]
    })
}

/// Every matcher at several paths.
static EVERYWHERE: LazyLock<Vec<Expectation>> = LazyLock::new(|| {
    let at = |matcher: &&str| {
        format!("a: {matcher}\na[0]: {matcher}\na.a: {matcher}\n$..*: {{ every: {matcher} }}\n$.a[-1]: {matcher}")
    };
    MATCHERS.iter().flat_map(|matcher| load(&at(matcher), &Value::Bool(true)).expect("valid expectations")).collect()
});

/// Every matcher, and its negation.
static NEGATED: LazyLock<Vec<(Expectation, Expectation)>> = LazyLock::new(|| {
    let one = |expect: String| load(&expect, &Value::Bool(true)).expect("a valid expectation").remove(0);
    let both = |matcher: &&str| (one(format!("a: {matcher}")), one(format!("a: {{ not: {matcher} }}")));
    MATCHERS.iter().map(both).collect()
});

/// Two texts, lists or numbers of which the first is a beginning of the second.
fn beginning_and_whole() -> impl Strategy<Value = (Value, Value)> {
    let element = || prop_oneof![Just(Value::from("a")), (0..3_i32).prop_map(Value::from), any_json()];
    prop_oneof![
        ("[ab1]{0,3}", "[ab1]{0,3}").prop_map(|(seen, more)| (seen.clone().into(), (seen + &more).into())),
        (proptest::collection::vec(element(), 0..3), proptest::collection::vec(element(), 0..3))
            .prop_map(|(seen, more)| (seen.clone().into(), [seen, more].concat().into())),
        (0..4_u32, 0..4_u32).prop_map(|(seen, more)| (seen.into(), (seen + more).into())),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn judging_never_panics_and_its_words_stay_on_one_line(observation in any_json()) {
        for expectation in &*EVERYWHERE {
            let judgement = expectation.judge(&observation, &[], Timestamp::UNIX_EPOCH);
            assert!(judgement.observed.chars().count() <= 200);
            for words in [&*judgement.observed, &*judgement.expected, judgement.reason().unwrap_or_default()] {
                assert!(!words.contains(char::is_control), "{words:?}");
            }
        }
    }

    #[test]
    fn a_matcher_and_its_negation_never_both_hold_and_both_fail_only_where_it_cannot_be_applied(value in any_json()) {
        let observation = serde_json::json!({ "a": value });
        let holds = |of: &Expectation| of.judge(&observation, &[], Timestamp::UNIX_EPOCH).outcome == Outcome::Holds;
        for (plain, negated) in &*NEGATED {
            assert!(!(holds(plain) && holds(negated)), "{}", plain.describe());
            let Rule::Matches(matcher) = &plain.assertion.rule else { unreachable!("these are matchers") };
            let truth = matcher.judge(&observation["a"], Extent::Whole, Timestamp::UNIX_EPOCH);
            assert_eq!(holds(plain) || holds(negated), truth != Truth::Inapplicable, "{}", plain.describe());
        }
    }

    #[test]
    fn a_verdict_on_the_beginning_holds_for_the_whole((seen, whole) in beginning_and_whole()) {
        let both = |observed: &Value, cuts: &[Truncation], of: &Expectation| {
            of.judge(&serde_json::json!({ "a": observed }), cuts, Timestamp::UNIX_EPOCH).outcome
        };
        let cut = [Truncation::new(&["a"], "only the beginning was read", None)];
        for expectation in NEGATED.iter().flat_map(|(plain, negated)| [plain, negated]) {
            match both(&seen, &cut, expectation) {
                Outcome::Holds => assert_eq!(both(&whole, &[], expectation), Outcome::Holds, "{}", expectation.describe()),
                Outcome::Fails(_) => assert_ne!(both(&whole, &[], expectation), Outcome::Holds, "{}", expectation.describe()),
                Outcome::Unknown(..) => {}
            }
        }
    }
}
