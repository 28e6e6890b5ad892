//! A checklist as a run without observations: its structure, its gaps, and the sign-offs that may count.

use jiff::Timestamp;

use crate::checklist::{self, Checklist, Item};
use crate::run::{Changes, ItemResult, Reason, Run, Section, Status};
use crate::sign_off::SignOffs;

use super::item::unobserved;

/// The outline of a checklist. Whether what a sign-off covers is still the same can't be known here.
pub fn outline(checklist: &Checklist, sign_offs: &SignOffs, now: Timestamp) -> Run {
    let item = |item: &Item| ItemResult {
        source: Some(checklist::source(item, checklist)),
        ..result(checklist, item, sign_offs, now)
    };
    let sections = checklist.sections.iter().map(|section| Section {
        id: section.id.clone(),
        title: section.title.clone(),
        note: section.note.clone(),
        text: section.text.clone(),
        changes: section.changes.as_ref().map(|_| Changes::default()),
        items: section.items.iter().map(item).collect(),
    });
    Run {
        gate: env!("CARGO_PKG_VERSION").to_owned(),
        name: checklist.name.clone(),
        title: checklist.title.clone(),
        file: checklist.file.clone(),
        digest: checklist.digest.clone(),
        subject: checklist.subject.value().map(ToOwned::to_owned),
        started: now,
        duration_ms: 0,
        partial: None,
        shard: None,
        interrupted: None,
        commit: None,
        dirty: None,
        vars: None,
        host: None,
        user: None,
        ci: None,
        sections: sections.collect(),
        gaps: checklist.gaps.clone(),
    }
}

fn result(checklist: &Checklist, item: &Item, sign_offs: &SignOffs, now: Timestamp) -> ItemResult {
    let stated = |why: &str| Some(Reason::Stated(why.to_owned()));
    if let Some(why) = &item.deferred {
        return unobserved(checklist, item, Status::Deferred, stated(why));
    }
    if item.sign_off.is_none() {
        return unobserved(checklist, item, Status::Pending, item.pending.as_deref().and_then(stated));
    }
    let own = sign_offs.judged.iter().rev().filter(|judged| judged.entry().item == *item.id);
    let signed = own.filter(|judged| judged.is_given()).find(|judged| sign_offs.stale(judged, now).is_none());
    match signed.map(|judged| judged.signed()) {
        Some(signed) => {
            let evidence = Some(signed.to_string());
            ItemResult { evidence, ..unobserved(checklist, item, Status::Passed, None) }
        }
        None => unobserved(checklist, item, Status::Pending, None),
    }
}
