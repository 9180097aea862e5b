//! What may be sent in a while, as a server's headers and the configuration say, and when the next request
//! may be sent.
//!
//! Owns the reading of `x-ratelimit-…` headers and the reckoning between them: what was sent since is
//! not in what the server said last, so it is taken off. The configured quota goes by what was sent in the
//! minute before. Never reads a clock.
//!
//! Invariant: as long as nothing is under way the next request is never held back past the reset the
//! server named, nor longer than a minute by the quota, so neither a wrong header nor a quota below one
//! request stops a sweep.

use crate::core::time::Timestamp;
use std::collections::VecDeque;
use std::time::Duration;

/// How long an allowance lasts that names no reset, and what a quota is for.
const MINUTE: Duration = Duration::from_secs(60);

/// Longest reset that is believed; limits by the day are told as their own next step.
const LONGEST: Duration = Duration::from_secs(3600);

/// What is left of one thing that is limited.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Allowance {
    /// How much there is after the reset, where the server says.
    pub limit: Option<u64>,
    /// How much is left until then.
    pub remaining: u64,
    /// Time until the reset.
    pub reset: Duration,
}

/// What a response says of the limits it counts against.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RateLimits {
    /// Requests.
    pub requests: Option<Allowance>,
    /// Tokens.
    pub tokens: Option<Allowance>,
}

impl RateLimits {
    /// Returns what the headers of a response say; `None` where they say nothing of limits.
    #[must_use]
    pub fn from_headers<'h>(header: impl Fn(&str) -> Option<&'h str>) -> Option<Self> {
        let number = |name: &str| header(name)?.trim().parse::<u64>().ok();
        let allowance = |remaining: &str, limit: &str, reset: &str| {
            let reset = header(reset).and_then(duration).unwrap_or(MINUTE).min(LONGEST);
            Some(Allowance { limit: number(limit), remaining: number(remaining)?, reset })
        };
        let limits = Self {
            requests: allowance(
                "x-ratelimit-remaining-requests",
                "x-ratelimit-limit-requests",
                "x-ratelimit-reset-requests",
            ),
            tokens: allowance(
                "x-ratelimit-remaining-tokens",
                "x-ratelimit-limit-tokens",
                "x-ratelimit-reset-tokens",
            ),
        };
        (limits != Self::default()).then_some(limits)
    }
}

/// Returns a time as servers write it: `1s`, `6m0s`, `120ms`, `1h2m3.5s`, or plain seconds.
fn duration(text: &str) -> Option<Duration> {
    let text = text.trim();
    if let Ok(seconds) = text.parse::<f64>() {
        return Duration::try_from_secs_f64(seconds).ok();
    }
    let (mut rest, mut sum) = (text, 0.0);
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !(c.is_ascii_digit() || c == '.'))?;
        let (number, after) = rest.split_at(digits);
        let unit = after.find(|c: char| c.is_ascii_digit()).unwrap_or(after.len());
        let seconds = match &after[..unit] {
            "h" => 3600.0,
            "m" => 60.0,
            "s" => 1.0,
            "ms" => 1e-3,
            "us" | "µs" => 1e-6,
            "ns" => 1e-9,
            _ => return None,
        };
        sum += number.parse::<f64>().ok()? * seconds;
        rest = &after[unit..];
    }
    if text.is_empty() { None } else { Duration::try_from_secs_f64(sum).ok() }
}

/// What the user allows to be sent in any minute; `None` for no bound.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Quota {
    /// Requests.
    pub requests: Option<u64>,
    /// Tokens, prompts and longest answers together, as servers count them.
    pub tokens: Option<u64>,
}

/// Why a request has to wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hold {
    /// Until this moment, unless an answer brings better news.
    Until(Timestamp),
    /// Until this moment, as the configured quota of the minute before it is used up.
    Quota(Timestamp),
    /// Until one that is under way is answered.
    Answer,
}

/// The reckoning for one endpoint.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Limiter {
    requests: Option<Window>,
    tokens: Option<Window>,
    /// Requests and tokens that were sent and of which no response has told yet.
    unseen: (u64, u64),
    quota: Quota,
    /// When requests of how many tokens were sent in the last minute, where a quota counts them.
    sent: VecDeque<(Timestamp, u64)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Window {
    limit: Option<u64>,
    remaining: u64,
    reset: Timestamp,
}

impl Window {
    fn new(allowance: Allowance, now: Timestamp) -> Self {
        let Allowance { limit, remaining, reset } = allowance;
        Self { limit, remaining, reset: Timestamp(now.0 + reset) }
    }

    /// Says whether `wanted` more fits beside what is under way, and else until when not.
    fn admit(&self, unseen: u64, wanted: u64, now: Timestamp) -> Result<(), Hold> {
        let is_over = now >= self.reset;
        let left = if is_over { self.limit } else { Some(self.remaining) };
        match left {
            Some(left) if unseen.saturating_add(wanted) > left => {
                if !is_over {
                    // With nothing left but what a new period brings, waiting for an answer would be in vain.
                    return Err(Hold::Until(self.reset));
                }
                // What does not fit even an empty period is for the server to refuse.
                if unseen == 0 { Ok(()) } else { Err(Hold::Answer) }
            }
            Some(_) | None => Ok(()),
        }
    }
}

impl Limiter {
    /// Takes one request of so many tokens, prompt and longest answer together.
    ///
    /// # Errors
    /// Says what it has to wait for; then nothing was taken.
    pub fn take(&mut self, tokens: u64, now: Timestamp) -> Result<(), Hold> {
        let (requests, sent) = self.unseen;
        let by_requests = self.requests.map_or(Ok(()), |window| window.admit(requests, 1, now));
        let by_tokens = self.tokens.map_or(Ok(()), |window| window.admit(sent, tokens, now));
        by_requests.and(by_tokens)?;
        self.within_quota(tokens, now)?;
        self.unseen = (requests + 1, sent.saturating_add(tokens));
        self.count(tokens, now);
        Ok(())
    }

    /// Keeps to a quota from now on.
    pub fn keep_to(&mut self, quota: Quota) {
        self.quota = quota;
    }

    /// Takes in that a request of so many tokens was sent once more.
    pub fn again(&mut self, tokens: u64, now: Timestamp) {
        self.count(tokens, now);
    }

    fn count(&mut self, tokens: u64, now: Timestamp) {
        if self.quota != Quota::default() {
            self.sent.push_back((now, tokens));
        }
    }

    /// Says whether a further request keeps to the quota, and else until when not.
    fn within_quota(&mut self, tokens: u64, now: Timestamp) -> Result<(), Hold> {
        while self.sent.front().is_some_and(|(at, _)| now.since(*at) >= MINUTE) {
            self.sent.pop_front();
        }
        // What was sent first leaves the minute first; what is more than a minute allows goes alone.
        let (mut requests, mut used) = (self.sent.len() as u64, self.sent.iter().map(|(_, own)| own).sum());
        let is_full = |requests: u64, used: u64| {
            self.quota.requests.is_some_and(|most| requests >= most)
                || self.quota.tokens.is_some_and(|most| tokens.saturating_add(used) > most)
        };
        let mut until = None;
        for (at, own) in &self.sent {
            if !is_full(requests, used) {
                break;
            }
            (requests, used) = (requests - 1, used - own);
            until = Some(Timestamp(at.0 + MINUTE));
        }
        until.map_or(Ok(()), |until| Err(Hold::Quota(until)))
    }

    /// Takes in that a response to a request of so many tokens came, and what it said of limits.
    pub fn told(&mut self, tokens: u64, limits: Option<&RateLimits>, now: Timestamp) {
        self.unseen = (self.unseen.0.saturating_sub(1), self.unseen.1.saturating_sub(tokens));
        if let Some(limits) = limits {
            self.learn(limits, now);
        }
    }

    /// Takes in what a further response to the same request said of limits.
    pub fn learn(&mut self, limits: &RateLimits, now: Timestamp) {
        let window = |allowance: Allowance| Window::new(allowance, now);
        self.requests = limits.requests.map(window).or(self.requests);
        self.tokens = limits.tokens.map(window).or(self.tokens);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(ms: u64) -> Timestamp {
        Timestamp::from_millis(ms)
    }

    fn requests(remaining: u64, reset_ms: u64) -> RateLimits {
        let reset = Duration::from_millis(reset_ms);
        RateLimits { requests: Some(Allowance { limit: Some(3), remaining, reset }), tokens: None }
    }

    #[test]
    fn headers_are_read_as_servers_write_them() {
        for (text, ms) in [
            ("1s", Some(1_000)),
            ("6m0s", Some(360_000)),
            ("120ms", Some(120)),
            ("1h0m0.5s", Some(3_600_500)),
            ("2m59.56s", Some(179_560)),
            ("7", Some(7_000)),
            ("", None),
            ("soon", None),
            ("5x", None),
            ("-1s", None),
            ("1e999", None),
        ] {
            assert_eq!(duration(text), ms.map(Duration::from_millis), "{text}");
        }
        let header = |name: &str| match name {
            "x-ratelimit-limit-requests" => Some("60"),
            "x-ratelimit-remaining-requests" => Some("59"),
            "x-ratelimit-reset-requests" => Some("1s"),
            "x-ratelimit-remaining-tokens" => Some("0"),
            _ => None,
        };
        let limits = RateLimits::from_headers(header).unwrap();
        let second = Duration::from_secs(1);
        assert_eq!(limits.requests, Some(Allowance { limit: Some(60), remaining: 59, reset: second }));
        assert_eq!(limits.tokens, Some(Allowance { limit: None, remaining: 0, reset: MINUTE }));
        assert_eq!(RateLimits::from_headers(|_| None), None);
    }

    #[test]
    fn what_is_under_way_is_taken_off() {
        let mut limiter = Limiter::default();
        for _ in 0..3 {
            limiter.take(10, at(0)).unwrap();
        }
        limiter.told(10, Some(&requests(3, 1_000)), at(5));
        // Three are left, of which two are under way.
        limiter.take(10, at(5)).unwrap();
        assert_eq!(limiter.take(10, at(6)), Err(Hold::Until(at(1_005))));
        // A new period has room for three, of which three are still under way.
        assert_eq!(limiter.take(10, at(1_005)), Err(Hold::Answer));
        limiter.told(10, None, at(1_006));
        limiter.take(10, at(1_006)).unwrap();
    }

    #[test]
    fn tokens_are_limited_too() {
        let tokens = Allowance { limit: Some(100), remaining: 30, reset: MINUTE };
        let limits = RateLimits { requests: None, tokens: Some(tokens) };
        let mut limiter = Limiter::default();
        limiter.take(20, at(0)).unwrap();
        limiter.told(20, Some(&limits), at(0));
        limiter.take(20, at(0)).unwrap();
        assert_eq!(limiter.take(20, at(0)), Err(Hold::Until(at(60_000))));
        limiter.told(20, None, at(0));
        // More than a whole period has is sent once nothing else is under way.
        assert_eq!(limiter.take(1_000, at(60_000)), Ok(()));
    }

    #[test]
    fn a_quota_goes_by_the_minute_before() {
        let mut limiter = Limiter::default();
        limiter.keep_to(Quota { requests: Some(2), tokens: None });
        limiter.take(10, at(0)).unwrap();
        limiter.take(10, at(1_000)).unwrap();
        assert_eq!(limiter.take(10, at(1_000)), Err(Hold::Quota(at(60_000))));
        // That they were answered changes nothing.
        limiter.told(10, None, at(2_000));
        assert_eq!(limiter.take(10, at(59_999)), Err(Hold::Quota(at(60_000))));
        limiter.take(10, at(60_000)).unwrap();
        assert_eq!(limiter.take(10, at(60_000)), Err(Hold::Quota(at(61_000))));
        // A further try is a request as well.
        limiter.again(10, at(60_500));
        assert_eq!(limiter.take(10, at(61_000)), Err(Hold::Quota(at(120_000))));
    }

    #[test]
    fn a_quota_of_tokens_waits_for_as_many_as_are_needed() {
        let mut limiter = Limiter::default();
        limiter.keep_to(Quota { requests: None, tokens: Some(100) });
        for ms in [0, 10, 20] {
            limiter.take(30, at(ms)).unwrap();
        }
        assert_eq!(limiter.take(10, at(30)), Ok(()));
        assert_eq!(limiter.take(50, at(40)), Err(Hold::Quota(at(60_010))));
        // One that no minute has room for is sent once the minute is empty.
        assert_eq!(limiter.take(1_000, at(40)), Err(Hold::Quota(at(60_030))));
        assert_eq!(limiter.take(1_000, at(60_030)), Ok(()));
    }

    #[test]
    fn the_stricter_of_server_and_quota_counts() {
        let mut limiter = Limiter::default();
        limiter.keep_to(Quota { requests: Some(9), tokens: None });
        limiter.take(1, at(0)).unwrap();
        limiter.told(1, Some(&requests(0, 5_000)), at(0));
        assert_eq!(limiter.take(1, at(0)), Err(Hold::Until(at(5_000))));
        limiter.keep_to(Quota { requests: Some(1), tokens: None });
        assert_eq!(limiter.take(1, at(5_000)), Err(Hold::Quota(at(60_000))));
    }

    proptest! {
        /// In no minute more is sent than the quota says, and nothing waits longer than a minute.
        #[test]
        fn no_minute_has_more_than_the_quota(
            most in 1u64..5, budget in 50u64..200, wanted in prop::collection::vec((1u64..50, 0u64..20_000), 1..40),
        ) {
            let mut limiter = Limiter::default();
            limiter.keep_to(Quota { requests: Some(most), tokens: Some(budget) });
            let (mut now, mut sent) = (0, Vec::new());
            for (tokens, pause) in wanted {
                now += pause;
                while let Err(hold) = limiter.take(tokens, at(now)) {
                    let Hold::Quota(until) = hold else { panic!("{hold:?}") };
                    prop_assert!(until > at(now) && until <= at(now + 60_000));
                    now = u64::try_from(until.0.as_millis()).unwrap();
                }
                sent.push((now, tokens));
                let minute = || sent.iter().filter(|(at, _)| at + 60_000 > now);
                prop_assert!(minute().count() as u64 <= most);
                prop_assert!(minute().map(|(_, tokens)| tokens).sum::<u64>() <= budget);
            }
        }

        #[test]
        fn any_text_is_a_time_or_none(text in any::<String>(), typed in "[0-9.hmsnu]{0,12}") {
            let _ = (duration(&text), duration(&typed));
        }

        /// Whatever servers say, a limiter that only waits as it is told comes to an end.
        #[test]
        fn nothing_waits_for_ever(
            said in prop::collection::vec((0u64..5, 0u64..5_000, 0u64..300), 1..20), wanted in 1u64..500,
        ) {
            let (mut limiter, mut now) = (Limiter::default(), 0);
            for (remaining, reset, tokens) in said {
                let mut waits = 0;
                while let Err(hold) = limiter.take(wanted, at(now)) {
                    match hold {
                        Hold::Until(moment) => {
                            prop_assert!(moment > at(now));
                            now = u64::try_from(moment.0.as_millis()).unwrap();
                        }
                        Hold::Quota(_) => prop_assert!(false, "there is no quota"),
                        Hold::Answer => prop_assert!(false, "nothing is under way"),
                    }
                    waits += 1;
                    prop_assert!(waits < 3);
                }
                let reset = Duration::from_millis(reset);
                let allowance = |remaining| Some(Allowance { limit: Some(3), remaining, reset });
                let limits = RateLimits { requests: allowance(remaining), tokens: allowance(tokens) };
                limiter.told(wanted, Some(&limits), at(now));
            }
        }
    }
}
