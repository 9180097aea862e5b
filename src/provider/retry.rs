//! Whether a failed try is followed by another, and when.
//!
//! Owns the schedule: what the server asks for where it asks, exponential backoff with jitter
//! elsewhere. Never waits itself, and never reads a clock but to understand a date.
//!
//! Invariant: equal inputs give equal delays, the jitter included; its seed is part of the policy.

use crate::core::fault::{Fault, FaultKind};
use crate::core::figure::duration_ms;
use crate::core::time::millis;
use http::HeaderMap;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::time::{Duration, SystemTime};

/// How long to wait between tries.
#[derive(Debug, Clone)]
pub(crate) struct Policy {
    /// Delay before the second try; doubles with each further one.
    pub(crate) base: Duration,
    /// Longest delay of our own.
    pub(crate) cap: Duration,
    /// Longest delay a server may ask for; beyond, the run fails at once and says so.
    pub(crate) longest_wait: Duration,
    /// Seed of the jitter.
    pub(crate) seed: u64,
}

impl Default for Policy {
    /// Returns the delays of the official SDKs, with a seed of its own per process.
    fn default() -> Self {
        Self {
            base: Duration::from_millis(500),
            cap: Duration::from_secs(8),
            longest_wait: Duration::from_secs(120),
            seed: RandomState::new().build_hasher().finish(),
        }
    }
}

/// What the response headers say about trying again.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Advice {
    /// `x-should-retry`.
    pub(super) should_retry: Option<bool>,
    /// `retry-after-ms`, else `retry-after`.
    pub(super) wait: Option<Duration>,
}

impl Advice {
    /// Reads the headers. A date is taken relative to the response's own `date`, so that a wrong clock
    /// on either side does not matter, and to `now` where that is missing.
    pub(super) fn from_headers(headers: &HeaderMap, now: SystemTime) -> Self {
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim);
        let number = |name: &str| text(name)?.parse::<f64>().ok();
        let date = |name: &str| httpdate::parse_http_date(text(name)?).ok();
        let seconds = number("retry-after-ms").map(|ms| ms / 1000.0).or_else(|| number("retry-after"));
        let from_number = seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
        let from_date = || date("retry-after")?.duration_since(date("date").unwrap_or(now)).ok();
        Self {
            should_retry: match text("x-should-retry") {
                Some("true") => Some(true),
                Some("false") => Some(false),
                _ => None,
            },
            // Zero is no advice: servers send it when they do not know.
            wait: from_number.or_else(from_date).filter(|wait| !wait.is_zero()),
        }
    }
}

/// A try that failed.
#[derive(Debug, Clone)]
pub(super) struct Failure {
    /// What happened; boxed because failures travel in results whose good case is small.
    pub(super) fault: Box<Fault>,
    /// Whether it is of the sort that passes.
    pub(super) passes: bool,
    /// What the server says about it.
    pub(super) advice: Advice,
}

impl Failure {
    /// Returns a failure that another try will not mend.
    pub(super) fn lasting(fault: Fault) -> Self {
        Self { fault: Box::new(fault), passes: false, advice: Advice::default() }
    }

    /// Returns a failure of the connection, which may be better the next time.
    pub(super) fn passing(fault: Fault) -> Self {
        Self { fault: Box::new(fault), passes: true, advice: Advice::default() }
    }

    /// Returns the failure a server reported: 408, 409, 429 and 5xx pass, unless it says otherwise.
    pub(super) fn reported(mut fault: Fault, advice: Advice) -> Self {
        let by_status = match fault.status {
            Some(status) => matches!(status, 408 | 409 | 429 | 500..),
            None => matches!(fault.kind, FaultKind::RateLimited | FaultKind::Server),
        };
        // A used up quota is sent as 429 and does not come back by waiting, whatever else is said.
        let passes = fault.kind != FaultKind::Quota && advice.should_retry.unwrap_or(by_status);
        fault.retry_after_ms = advice.wait.map(|wait| u64::try_from(wait.as_millis()).unwrap_or(u64::MAX));
        Self { fault: Box::new(fault), passes, advice }
    }
}

impl Policy {
    /// Returns the delay before the try after `attempt`; `None` when there shall be none, and the
    /// fault then says why if the reason is the length of the wait.
    pub(super) fn delay(
        &self,
        failure: &mut Failure,
        run: u64,
        attempt: u32,
        retries: u32,
    ) -> Option<Duration> {
        if !failure.passes {
            return None;
        }
        if let Some(wait) = failure.advice.wait.filter(|wait| *wait > self.longest_wait) {
            let (asked, longest) = (duration_ms(millis(wait)), duration_ms(millis(self.longest_wait)));
            failure.fault.message.push_str(&format!("; it asks to wait {asked}"));
            failure.fault.remedy =
                format!("Ask again after that; only waits up to {longest} are made automatically");
            return None;
        }
        if attempt > retries {
            return None;
        }
        Some(failure.advice.wait.unwrap_or_else(|| self.backoff(run, attempt)))
    }

    /// Returns `base · 2^(attempt-1)`, capped, less up to a quarter so that runs which failed together
    /// do not come back together.
    fn backoff(&self, run: u64, attempt: u32) -> Duration {
        let doublings = attempt.saturating_sub(1).min(16);
        let delay = self.base.saturating_mul(1 << doublings).min(self.cap);
        let noise = mix(self.seed ^ mix(run) ^ u64::from(attempt));
        #[expect(clippy::cast_precision_loss, reason = "the upper 53 bits fit a double exactly")]
        let share = (noise >> 11) as f64 / (1u64 << 53) as f64;
        delay.mul_f64(1.0 - 0.25 * share)
    }
}

/// Returns well spread bits for a number (the finaliser of SplitMix64).
fn mix(number: u64) -> u64 {
    let number = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    number ^ (number >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    fn policy() -> Policy {
        Policy { seed: 1, ..Policy::default() }
    }

    fn advice(headers: &[(&'static str, &str)]) -> Advice {
        let headers = headers
            .iter()
            .map(|(name, value)| ((*name).parse().unwrap(), HeaderValue::from_str(value).unwrap()));
        Advice::from_headers(&headers.collect(), SystemTime::UNIX_EPOCH)
    }

    fn failure(status: u16, advice: Advice) -> Failure {
        let mut fault = Fault::new(FaultKind::Server, "failed");
        fault.status = Some(status);
        Failure::reported(fault, advice)
    }

    #[test]
    fn delays_double_to_the_cap_and_vary_by_a_quarter() {
        let policy = policy();
        for (attempt, full) in [(1, 500), (2, 1000), (3, 2000), (5, 8000), (9, 8000), (u32::MAX, 8000)] {
            let mut seen: Vec<Duration> = (0..50).map(|run| policy.backoff(run, attempt)).collect();
            let full = Duration::from_millis(full);
            assert!(seen.iter().all(|delay| *delay <= full && *delay >= full.mul_f64(0.75)), "{seen:?}");
            assert_eq!(policy.backoff(7, attempt), policy.backoff(7, attempt));
            seen.sort();
            seen.dedup();
            assert!(seen.len() > 40, "{seen:?}");
        }
    }

    #[test]
    fn headers_are_read_in_order_of_precision() {
        let wait = |headers: &[_]| advice(headers).wait.map(|wait| wait.as_millis());
        assert_eq!(wait(&[("retry-after-ms", "250"), ("retry-after", "9")]), Some(250));
        assert_eq!(wait(&[("retry-after", "9")]), Some(9000));
        assert_eq!(wait(&[("retry-after", "1.5")]), Some(1500));
        assert_eq!(wait(&[("retry-after", "Thu, 01 Jan 1970 00:00:07 GMT")]), Some(7000));
        let date = "Fri, 20 Nov 2026 08:00:00 GMT";
        assert_eq!(wait(&[("retry-after", "Fri, 20 Nov 2026 08:00:30 GMT"), ("date", date)]), Some(30_000));
        for odd in ["0", "-1", "NaN", "inf", "1e300", "soon", "", "Fri, 20 Nov 2020 08:00:00 GMT"] {
            assert_eq!(wait(&[("retry-after", odd), ("date", date)]), None, "{odd}");
        }
        assert_eq!(advice(&[("x-should-retry", "false")]).should_retry, Some(false));
    }

    #[test]
    fn only_what_passes_is_tried_again() {
        let again = |status, advice| policy().delay(&mut failure(status, advice), 1, 1, 3).is_some();
        let none = Advice::default();
        for status in [408, 409, 429, 500, 502, 503, 529] {
            assert!(again(status, none), "{status}");
        }
        for status in [300, 400, 401, 403, 404, 413, 422] {
            assert!(!again(status, none), "{status}");
        }
        assert!(!again(500, Advice { should_retry: Some(false), ..none }));
        assert!(again(400, Advice { should_retry: Some(true), ..none }));
        let quota = Fault::new(FaultKind::Quota, "used up");
        assert!(!Failure::reported(quota, Advice { should_retry: Some(true), ..none }).passes);
    }

    #[test]
    fn tries_are_counted() {
        let delay = |attempt, retries| {
            policy().delay(&mut failure(500, Advice::default()), 1, attempt, retries).is_some()
        };
        assert_eq!(
            [delay(1, 0), delay(1, 1), delay(2, 1), delay(3, 3), delay(4, 3)],
            [false, true, false, true, false]
        );
    }

    #[test]
    fn a_long_wait_fails_at_once_and_says_so() {
        let mut long = failure(429, advice(&[("retry-after", "3600")]));
        assert_eq!(policy().delay(&mut long, 1, 1, 3), None);
        assert_eq!(long.fault.message, "failed; it asks to wait 60 m 00 s");
        assert_eq!(long.fault.retry_after_ms, Some(3_600_000));
        let mut short = failure(429, advice(&[("retry-after", "120")]));
        assert_eq!(policy().delay(&mut short, 1, 1, 3), Some(Duration::from_secs(120)));
    }
}
