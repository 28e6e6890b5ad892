//! Updates a recorded run: waivers that have expired, results that are too old, sign-offs that were given or revoked
//! since, and everything that needs these.

use std::collections::HashMap;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::checklist::{Checklist, Item};
use crate::run::{self, ItemResult, Run, Status, with_waivers};
use crate::sign_off::SignOffs;

use super::need::{blocked, sign_off};

/// Updates a recorded run to now. Sign-offs are compared with the definitions that the run observed.
pub fn refresh(run: &mut Run, checklist: &Checklist, sign_offs: &SignOffs, now: Timestamp) {
    run::expire(run, now);
    let today = now.to_zoned_datetime(TimeZone::UTC).date();
    let items: Vec<&Item> = checklist.items().collect();
    let definitions: HashMap<String, String> =
        run.items().filter_map(|item| Some((item.id.clone(), item.definition.clone()?))).collect();
    let definition = |id: &str| definitions.get(id).map(String::as_str);
    let mut results: HashMap<String, &mut ItemResult> = HashMap::new();
    for result in run.sections.iter_mut().flat_map(|section| &mut section.items) {
        results.insert(result.id.clone(), result);
    }
    // No item needs itself, so a chain of needs is settled after as many rounds as it is long.
    for _ in 0..items.len() {
        let mut is_settled = true;
        for item in &items {
            let needs = item.needs.iter().map(|need| &*items[*need].id);
            let blocked = blocked(needs.map(|id| (id, results.get(id).map(|result| &**result))));
            let Some(result) = results.get_mut(&*item.id) else { continue };
            if result.status == Status::Deferred {
                continue;
            }
            let mut outcome = match (&item.sign_off, blocked) {
                (Some(_), blocked) => sign_off(&sign_offs.state(&item.id, definition, now), blocked),
                (None, Some(blocked)) if result.status == Status::Passed => blocked.into(),
                (None, _) => continue,
            };
            outcome.status = with_waivers(outcome.status, &item.id, &run.gaps, today);
            let given = result.sign_off.as_ref().and_then(|sign_off| sign_off.given.as_ref());
            // Where the same sign-off counts, the run has said whether it was compared with later runs.
            if outcome.status != result.status || outcome.reason != result.reason || outcome.given.as_ref() != given {
                **result = outcome.write(result.clone());
                is_settled = false;
            }
        }
        if is_settled {
            break;
        }
    }
}
