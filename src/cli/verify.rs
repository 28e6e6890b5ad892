//! `gate verify`: is every entry in a file of sign-offs one that could count?

use clap::Args;

use crate::env::Env;
use crate::run::{SignOffReason, is_same_subject};
use crate::sign_off::{self, Judged, SignOffRequest};
use crate::text::visible;

use super::{Exit, Failure, InputArgs, load, print};

#[derive(Debug, Args)]
pub struct Verify {
    /// The checklist
    name: String,
    #[command(flatten)]
    input: InputArgs,
}

impl Verify {
    pub async fn run(self, env: Env) -> Result<Exit, Failure> {
        let env = self.input.env(env)?;
        let checklist = load(&self.name, &self.input.overrides(), &env)?;
        let now = env.now();
        let requests = SignOffRequest::all(&checklist);
        let mut entries = sign_off::read(&checklist).map_err(|unread| Failure::unread(unread, &env))?;
        let sources = std::mem::take(&mut entries.sources);
        let judged = sign_off::judge(&checklist, &requests, entries, now).await;
        let mut text = String::new();
        for (at, one) in judged.iter().enumerate() {
            let state = state(one, &judged[at + 1..], &requests, now);
            let place = sources.locate(one.span);
            let line = format!("{}:{}: {}: {}: {state}", place.file, place.line, one.entry.item, one.entry.signed());
            text.push_str(&visible(&line));
            text.push('\n');
        }
        let refused = judged.iter().filter(|one| one.refused.is_some()).count();
        text.push_str(&match refused {
            0 => format!("{} read, all acceptable\n", judged.len()),
            _ => format!("{} read, {refused} REFUSED\n", judged.len()),
        });
        print(&text, &env)?;
        Ok(if refused == 0 { Exit::Ready } else { Exit::NotReady })
    }
}

/// What is to be said of an entry, with those after it.
fn state(one: &Judged, after: &[Judged], requests: &[SignOffRequest], now: jiff::Timestamp) -> String {
    if let Some(why) = &one.refused {
        return format!("REFUSED: {why}");
    }
    let is_later = |later: &&Judged| {
        later.refused.is_none()
            && later.entry.item == one.entry.item
            && is_same_subject(later.entry.subject.as_deref(), one.entry.subject.as_deref())
    };
    if let Some(later) = after.iter().rfind(is_later) {
        return format!("superseded: {}", later.entry.signed());
    }
    let request = requests.iter().find(|request| request.item == one.entry.item);
    match request.and_then(|request| one.stale(request, now)) {
        // That it was revoked is the entry itself.
        None | Some(SignOffReason::Revoked(_)) => "valid".to_owned(),
        Some(SignOffReason::OtherSubject(_, Some(now))) => format!("stale: now it is {now}"),
        Some(SignOffReason::OtherSubject(_, None)) => "stale: no subject".to_owned(),
        Some(SignOffReason::Expired(_, end)) => format!("stale: counted until {end}"),
        Some(why) => format!("stale: {why}"),
    }
}
