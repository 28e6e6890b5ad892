//! The window of a rate limit: when the answers of a burst say that one ended, and when a fresh one begins.

use reqwest::header::HeaderMap;

/// Reset times that differ by more seconds than this belong to different windows: many servers round to whole seconds.
const SAME_WINDOW_S: f64 = 2.0;

/// The window that one answer reports. Times are in seconds since 1970, by the clock of this machine.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct WindowReport {
    /// The number of its request, in the order of sending.
    pub number: u32,
    /// When it came.
    pub at: f64,
    /// Whether it was let through; nothing where it was neither that nor refused.
    pub is_allowed: Option<bool>,
    /// When the window ends.
    pub reset: Option<f64>,
    /// How many requests it lets through.
    pub limit: Option<u64>,
    /// How many of them are left.
    pub remaining: Option<u64>,
}

/// The summary of all answers.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Verdict {
    /// All of them were counted in one window that no other client had used, according to their headers.
    Whole,
    /// Something else had used a part of the window. A fresh one begins then.
    Used(f64),
    /// A window ended and the next one began. A fresh one begins then.
    TurnedOver(f64),
}

impl WindowReport {
    /// Reads `RateLimit` and `RateLimit-*`, `X-RateLimit-*`, `X-Rate-Limit-*`, and the `Retry-After` of a refusal.
    pub fn new(number: u32, at: f64, is_allowed: Option<bool>, headers: &HeaderMap) -> Self {
        let named = |end: &str| {
            let names = ["ratelimit-", "x-ratelimit-", "x-rate-limit-"].map(|start| format!("{start}{end}"));
            names.iter().find_map(|name| number_of(headers.get(name.as_str())?.to_str().ok()?))
        };
        // `"default";r=50;t=30`, or of an earlier draft `limit=60, remaining=50, reset=30`.
        let part = |keys: &[&str]| {
            let text = headers.get("ratelimit")?.to_str().ok()?;
            let pairs = text.split([';', ',']).filter_map(|pair| pair.trim().split_once('='));
            pairs.into_iter().find(|(key, _)| keys.contains(key)).and_then(|(_, value)| number_of(value))
        };
        let retry = || number_of(headers.get("retry-after")?.to_str().ok()?).filter(|_| is_allowed == Some(false));
        let reset = named("reset").or_else(|| part(&["t", "reset"])).or_else(retry);
        let whole = |number: f64| number as u64;
        Self {
            number,
            at,
            is_allowed,
            reset: reset.map(|reset| instant(reset, at)),
            limit: named("limit").or_else(|| part(&["limit"])).map(whole),
            remaining: named("remaining").or_else(|| part(&["r", "remaining"])).map(whole),
        }
    }
}

/// Evaluates the answers of a burst that was sent from `begun` to `ended`, with so many requests under way at a time.
/// `window` is the length that the checklist gives: such windows begin at its multiples.
pub fn verdict(said: &[WindowReport], begun: f64, ended: f64, concurrency: u32, window: Option<f64>) -> Verdict {
    let mut resets: Vec<f64> = said.iter().filter_map(|answer| answer.reset).collect();
    resets.sort_by(f64::total_cmp);
    // A limit that refills all the time says a little later with each answer: that is not a different window.
    if let Some(last) = resets.last()
        && resets.windows(2).any(|pair| pair[1] - pair[0] > SAME_WINDOW_S)
    {
        return Verdict::TurnedOver(*last);
    }
    let is_said = said.iter().any(|answer| answer.is_allowed == Some(true) && answer.reset.is_some());
    if let Some(window) = window.filter(|_| !is_said) {
        // Once a window refuses, it refuses until it ends; but requests that are under way together may overtake each
        // other.
        let refused = said.iter().filter(|answer| answer.is_allowed == Some(false)).map(|answer| answer.number).min();
        let again = said.iter().filter(|answer| {
            answer.is_allowed == Some(true) && refused.is_some_and(|first| answer.number > first + concurrency)
        });
        if let Some(first) = again.map(|answer| answer.at).min_by(f64::total_cmp) {
            return Verdict::TurnedOver(first + window);
        }
        if (begun / window).floor() < (ended / window).floor() {
            return Verdict::TurnedOver(((ended / window).floor() + 1.0) * window);
        }
    }
    // A refusal means that nothing is left of the limit, even if another client used it.
    let allowed = said.iter().filter(|answer| answer.is_allowed == Some(true));
    let used = allowed.filter_map(|answer| Some((answer.limit?, answer.remaining?)));
    let is_used = match used.max_by_key(|(_, remaining)| *remaining) {
        Some((limit, remaining)) => remaining + 1 < limit,
        None => !said.is_empty() && said.iter().all(|answer| answer.is_allowed == Some(false)),
    };
    match resets.last() {
        Some(reset) if is_used => Verdict::Used(*reset),
        _ => Verdict::Whole,
    }
}

/// A number that a header begins with: `60`, `60;w=60`, `59.4`.
fn number_of(text: &str) -> Option<f64> {
    let end = text.trim().find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.trim().len());
    text.trim()[..end].parse().ok()
}

/// A time that is said in seconds from now, or in seconds or milliseconds since 1970.
fn instant(said: f64, now: f64) -> f64 {
    match said {
        said if said > 1e11 => said / 1000.0,
        said if said > 1e8 => said,
        said => now + said,
    }
}

#[cfg(test)]
mod tests {
    use reqwest::header::{HeaderName, HeaderValue};

    use super::*;

    const NOW: f64 = 1_700_000_000.0;

    fn said(number: u32, is_allowed: bool, headers: &[(&'static str, &'static str)]) -> WindowReport {
        let headers =
            headers.iter().map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)));
        WindowReport::new(number, NOW, Some(is_allowed), &headers.collect())
    }

    #[test]
    fn every_form_of_the_headers_is_read() {
        for headers in [
            &[("x-ratelimit-reset", "1700000030"), ("x-ratelimit-limit", "60"), ("x-ratelimit-remaining", "59")][..],
            &[("ratelimit-reset", "30"), ("ratelimit-limit", "60, 60;w=60"), ("ratelimit-remaining", "59")],
            &[("ratelimit", "limit=60, remaining=59, reset=30")],
            &[("x-rate-limit-reset", "1700000030000"), ("x-rate-limit-limit", "60"), ("x-rate-limit-remaining", "59")],
        ] {
            let said = said(1, true, headers);
            assert_eq!((said.reset, said.limit, said.remaining), (Some(NOW + 30.0), Some(60), Some(59)), "{headers:?}");
        }
        assert_eq!(said(1, true, &[("ratelimit", "\"default\";r=50;t=30")]).reset, Some(NOW + 30.0));
        assert_eq!(said(1, false, &[("retry-after", "7")]).reset, Some(NOW + 7.0));
        assert_eq!(said(1, true, &[("retry-after", "7")]).reset, None);
    }

    #[test]
    fn a_window_that_ended_meanwhile_is_noticed() {
        let at = |reset: &'static str| said(1, true, &[("ratelimit-reset", reset)]);
        let seen = |all: &[WindowReport], window| verdict(all, NOW, NOW + 1.0, 8, window);
        assert_eq!(seen(&[at("1"), at("60")], None), Verdict::TurnedOver(NOW + 60.0));
        assert_eq!(seen(&[at("60"), at("59")], None), Verdict::Whole, "rounded to whole seconds");
        let again = [said(3, false, &[]), said(20, true, &[])];
        assert_eq!(seen(&again, None), Verdict::Whole, "it may refill all the time");
        assert_eq!(seen(&again, Some(60.0)), Verdict::TurnedOver(NOW + 60.0));
        assert_eq!(seen(&[said(3, false, &[]), said(9, true, &[])], Some(1e6)), Verdict::Whole, "under way together");
        // 1,700,000,000 is 20 seconds into a minute.
        assert_eq!(verdict(&[], NOW, NOW + 45.0, 8, Some(60.0)), Verdict::TurnedOver(NOW + 100.0));
        assert_eq!(verdict(&[], NOW, NOW + 30.0, 8, Some(60.0)), Verdict::Whole);
        let used = said(1, true, &[("ratelimit-reset", "9"), ("ratelimit-limit", "60"), ("ratelimit-remaining", "40")]);
        assert_eq!(seen(&[used], None), Verdict::Used(NOW + 9.0));
        let left = [("retry-after", "5"), ("x-ratelimit-limit", "60"), ("x-ratelimit-remaining", "0")];
        let refused = said(61, false, &left);
        assert_eq!(seen(&[said(1, true, &[]), refused], None), Verdict::Whole, "it was used up by these");
        assert_eq!(seen(&[refused], None), Verdict::Used(NOW + 5.0));
    }
}
