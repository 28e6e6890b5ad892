//! `gate verify`: is every entry in a file of sign-offs one that could count?

use clap::Args;

use crate::env::Env;
use crate::sign_off::{self, Judged, SignOffRequest};
use crate::text::visible;

use super::{Exit, Failure, Given, load, print};

#[derive(Debug, Args)]
pub struct Verify {
    /// The checklist
    name: String,
    #[command(flatten)]
    given: Given,
}

impl Verify {
    pub async fn run(self, env: Env) -> Result<Exit, Failure> {
        let env = self.given.env(env)?;
        let checklist = load(&self.name, &self.given.overrides(), &env)?;
        let now = env.now();
        let requests = SignOffRequest::all(&checklist);
        let mut entries = sign_off::read(&checklist).map_err(|unread| Failure::unread(unread, &env))?;
        let sources = std::mem::take(&mut entries.sources);
        let judged = sign_off::judge(&checklist, &requests, entries, now).await;
        let mut text = String::new();
        for (at, one) in judged.iter().enumerate() {
            let state = state(one, &judged[at + 1..], &requests, now);
            let place = sources.locate(one.span);
            let line = format!("{}:{}: {}: {}: {state}", place.file, place.line, one.entry.item, one.entry.words());
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
        later.refused.is_none() && later.entry.item == one.entry.item && later.entry.subject == one.entry.subject
    };
    if let Some(later) = after.iter().rfind(is_later) {
        return format!("superseded: {}", later.entry.words());
    }
    let request = requests.iter().find(|request| request.item == one.entry.item);
    let said = one.entry.words();
    match request.and_then(|request| one.stale(request, now)) {
        // That it was taken back is the entry itself.
        Some(why) if why == said => "valid".to_owned(),
        Some(why) => {
            format!("stale: {}", why.strip_prefix(&said).map_or(&*why, |rest| rest.trim_start_matches([',', ' '])))
        }
        None => "valid".to_owned(),
    }
}
