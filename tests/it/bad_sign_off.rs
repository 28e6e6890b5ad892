//! Invalid sign-offs and manual items are reported before anything runs.

use insta::assert_snapshot;

use crate::bad_checklist::bad_item;

#[test]
fn an_item_is_not_both_observed_and_signed() {
    assert_snapshot!(bad_item("
        probes: [{ http: { url: https://api } }]
        sign_off: { role: QA lead, valid_for: 7d }
    "), @"
    error: an item has probes or a sign-off, not both
     --> checklists/staging.yaml:8:21
      |
    8 |         sign_off: { role: QA lead, valid_for: 7d }
      |                     ^^^^^^^^^^^^^^^^^^^^^^^^^^^^
      |
      = help: make it two items; list the other in the sign-off's `needs`
    ");
}

#[test]
fn a_sign_off_that_covers_nothing_is_an_error() {
    assert_snapshot!(bad_item("sign_off: { role: QA lead, valid_for: 7d }"), @"
    error: this sign-off covers nothing
     --> checklists/staging.yaml:7:21
      |
    7 |         sign_off: { role: QA lead, valid_for: 7d }
      |                     ^^^^^^^^^^^^^^^^^^^^^^^^^^^^
      |
      = help: list the items and sections that it covers in `needs`, or describe in `manual` what the person does
    ");
    assert_snapshot!(bad_item("
        needs: []
        sign_off: { role: QA lead, valid_for: 7d }
    "), @"
    error: this sign-off covers nothing
     --> checklists/staging.yaml:8:21
      |
    8 |         sign_off: { role: QA lead, valid_for: 7d }
      |                     ^^^^^^^^^^^^^^^^^^^^^^^^^^^^
      |
      = help: list the items and sections that it covers in `needs`, or describe in `manual` what the person does
    ");
}

#[test]
fn a_sign_off_without_subject_and_validity_is_an_error() {
    assert_snapshot!(bad_item("
        manual: Read it
        sign_off: { role: QA lead }
    "), @"
    error: this sign-off would never expire: the checklist has no `subject`
     --> checklists/staging.yaml:8:21
      |
    8 |         sign_off: { role: QA lead }
      |                     ^^^^^^^^^^^^^
      |
      = help: add `valid_for: 7d` to it, or `subject: ${env.RELEASE}` to the checklist
    ");
}

#[test]
fn a_manual_item_is_judged_by_a_sign_off_and_by_nothing_else() {
    assert_snapshot!(bad_item("manual: Call the on-call number"), @"
    error: a manual item needs a `sign_off`
     --> checklists/staging.yaml:7:17
      |
    7 |         manual: Call the on-call number
      |                 ^^^^^^^^^^^^^^^^^^^^^^^
      |
      = help: add a `sign_off`, such as `sign_off: { role: QA lead, valid_for: 7d }`
    ");
    assert_snapshot!(bad_item("
        manual: Call the on-call number
        probes: [{ http: { url: https://api } }]
        sign_off: { role: QA lead, valid_for: 7d }
    "), @"
    error: an item has probes or is manual, not both
     --> checklists/staging.yaml:7:17
      |
    7 |         manual: Call the on-call number
      |                 ^^^^^^^^^^^^^^^^^^^^^^^
      |
      = help: make it two items; the manual one can have the other in its `needs`
    ");
    assert_snapshot!(bad_item("
        manual: ' '
        sign_off: { role: QA lead, valid_for: 7d }
    "), @"
    error: `manual` is empty
     --> checklists/staging.yaml:7:17
      |
    7 |         manual: ' '
      |                 ^^^
      |
      = help: describe the steps that a person does
    ");
}
