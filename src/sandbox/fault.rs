//! The models the server lists: the plain one, and those that fail or behave oddly on purpose.
//!
//! Owns their names and what they do differently; the one thing they remember is how often a request
//! was refused. Everything they have in common is the plain model's.

use super::model::Report;
use super::refusal::Refusal;
use axum::http::StatusCode;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// Name of the plain model.
pub const MODEL: &str = "sandbox-mini";

/// How many times in a row a request is refused for its rate.
const REFUSALS: u32 = 2;
/// What such a refusal asks to wait.
const RETRY_AFTER_S: u32 = 1;
/// Tokens told before the connection is cut.
const TOKENS_BEFORE_CUT: usize = 12;
/// Tokens told before nothing more comes.
const TOKENS_BEFORE_STALL: usize = 5;
/// Candidates of the model that gives few.
const FEW: usize = 5;
/// Tokens a second of the slow model.
const SLOW_RATE: f64 = 4.0;
/// Time to the first token of the slow model.
const SLOW_FIRST: Duration = Duration::from_secs(3);

/// What a model does differently.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Behaviour {
    /// Nothing.
    Plain,
    /// Thinks aloud before it answers.
    Reasoning,
    /// Answers at a few tokens a second.
    Slow,
    /// Refuses twice for its rate before it answers.
    RateLimited,
    /// Always fails.
    Failing,
    /// Cuts the connection in mid answer.
    Cut,
    /// Falls silent in mid answer.
    Stall,
    /// Gives no logprobs, silently.
    NoLogprobs,
    /// Refuses every temperature but 1.
    RefusesTemperature,
    /// Splits characters across network chunks.
    SplitsCharacters,
    /// Gives the logprobs after temperature.
    AfterTemperature,
    /// Gives five candidates where more are asked for.
    FewCandidates,
    /// Gives no bytes beside the tokens' texts.
    NoBytes,
    /// Gives the replacement character for parts of a character, and its bytes for theirs.
    ReplacesPieces,
}

/// The models, in the order they are listed.
pub(super) const MODELS: &[(&str, Behaviour)] = &[
    (MODEL, Behaviour::Plain),
    ("sandbox-reasoning", Behaviour::Reasoning),
    ("sandbox-slow", Behaviour::Slow),
    ("sandbox-429", Behaviour::RateLimited),
    ("sandbox-500", Behaviour::Failing),
    ("sandbox-cut", Behaviour::Cut),
    ("sandbox-stall", Behaviour::Stall),
    ("sandbox-no-logprobs", Behaviour::NoLogprobs),
    ("sandbox-refuses-temperature", Behaviour::RefusesTemperature),
    ("sandbox-utf8", Behaviour::SplitsCharacters),
    ("sandbox-after-temperature", Behaviour::AfterTemperature),
    ("sandbox-top-5", Behaviour::FewCandidates),
    ("sandbox-no-bytes", Behaviour::NoBytes),
    ("sandbox-replaced-pieces", Behaviour::ReplacesPieces),
];

impl Behaviour {
    /// Returns the behaviour of the model of this name.
    pub(super) fn of(model: &str) -> Result<Self, Refusal> {
        MODELS.iter().find(|(name, _)| *name == model).map(|(_, behaviour)| *behaviour).ok_or_else(|| {
            let message = format!("The model `{model}` does not exist or you do not have access to it.");
            Refusal::new(StatusCode::NOT_FOUND, message).code("model_not_found")
        })
    }

    /// Returns after how many tokens the answer breaks off.
    pub(super) fn breaks_after(self) -> Option<usize> {
        if self == Self::Cut {
            Some(TOKENS_BEFORE_CUT)
        } else if self == Self::Stall {
            Some(TOKENS_BEFORE_STALL)
        } else {
            None
        }
    }

    /// Returns how many candidates are given where so many are asked for; `None` gives no logprobs.
    pub(super) fn candidates(self, wanted: Option<usize>) -> Option<usize> {
        match self {
            Self::NoLogprobs => None,
            Self::FewCandidates => wanted.map(|wanted| wanted.min(FEW)),
            Self::Plain
            | Self::Reasoning
            | Self::Slow
            | Self::RateLimited
            | Self::Failing
            | Self::Cut
            | Self::Stall
            | Self::RefusesTemperature
            | Self::SplitsCharacters
            | Self::AfterTemperature
            | Self::NoBytes
            | Self::ReplacesPieces => wanted,
        }
    }

    /// Returns which probabilities the logprobs are of.
    pub(super) fn report(self) -> Report {
        if self == Self::AfterTemperature { Report::Tempered } else { Report::Model }
    }

    /// Returns how the pieces of the text are given in the logprobs.
    pub(super) fn pieces(self) -> Pieces {
        if self == Self::NoBytes {
            Pieces::WithoutBytes
        } else if self == Self::ReplacesPieces {
            Pieces::Replaced
        } else {
            Pieces::Whole
        }
    }

    /// Returns the pace of this model on a server of the given one.
    pub(super) fn pace(self, pace: Option<Pace>) -> Option<Pace> {
        if self == Self::Slow { Some(Pace { first: SLOW_FIRST, rate: SLOW_RATE }) } else { pace }
    }
}

/// How the pieces of the text are given in the logprobs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pieces {
    /// With their bytes; a part of a character is printed as `\\xf0`.
    Whole,
    /// The same without bytes.
    WithoutBytes,
    /// A part of a character is the replacement character, and so are its bytes.
    Replaced,
}

/// When tokens come.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Pace {
    /// Time to the first token.
    pub(super) first: Duration,
    /// Tokens a second after it.
    pub(super) rate: f64,
}

impl Pace {
    /// Returns when a token is due, counted from the beginning of the request.
    pub(super) fn due(self, token: usize) -> Duration {
        #[expect(clippy::cast_precision_loss, reason = "an answer has far fewer than 2^52 tokens")]
        let after = token as f64 / self.rate;
        self.first + Duration::try_from_secs_f64(after).unwrap_or(Duration::MAX / 2)
    }
}

/// Remembers the last request that was refused for its rate, and how often.
#[derive(Debug, Default)]
pub(super) struct RateLimit(Mutex<Option<(Box<[u8]>, u32)>>);

impl RateLimit {
    /// Lets a request pass the third time it comes in a row.
    fn admit(&self, body: &[u8]) -> Result<(), Refusal> {
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let refused = match &*last {
            Some((before, count)) if **before == *body => *count,
            _ => 0,
        };
        if refused >= REFUSALS {
            *last = None;
            return Ok(());
        }
        *last = Some((body.into(), refused + 1));
        let message = "Rate limit reached for sandbox-429 on requests per min (RPM). Please try again in 1s.";
        Err(Refusal::new(StatusCode::TOO_MANY_REQUESTS, message)
            .code("rate_limit_exceeded")
            .retry_after_s(RETRY_AFTER_S))
    }
}

/// Refuses what the model refuses on purpose.
pub(super) fn check(
    behaviour: Behaviour,
    temperature: Option<f64>,
    body: &[u8],
    limit: &RateLimit,
) -> Result<(), Refusal> {
    match behaviour {
        Behaviour::RateLimited => limit.admit(body),
        Behaviour::Failing => Err(Refusal::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "The server had an error while processing your request. Sorry about that!",
        )),
        Behaviour::RefusesTemperature => match temperature {
            Some(value) if (value - 1.0).abs() > f64::EPSILON => Err(Refusal::of(
                "temperature",
                format!(
                    "Unsupported value: 'temperature' does not support {value} with this model. Only the \
                     default (1) value is supported."
                ),
            )
            .code("unsupported_value")),
            _ => Ok(()),
        },
        Behaviour::Plain
        | Behaviour::Reasoning
        | Behaviour::Slow
        | Behaviour::Cut
        | Behaviour::Stall
        | Behaviour::NoLogprobs
        | Behaviour::SplitsCharacters
        | Behaviour::AfterTemperature
        | Behaviour::FewCandidates
        | Behaviour::NoBytes
        | Behaviour::ReplacesPieces => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_third_identical_request_in_a_row_passes() {
        let limit = RateLimit::default();
        let passes = |body: &[u8]| limit.admit(body).is_ok();
        assert_eq!([passes(b"a"), passes(b"a"), passes(b"a")], [false, false, true]);
        assert_eq!([passes(b"a"), passes(b"b"), passes(b"b"), passes(b"b")], [false, false, false, true]);
    }

    #[test]
    fn tokens_are_due_at_the_rate() {
        let pace = Pace { first: Duration::from_millis(150), rate: 50.0 };
        assert_eq!(pace.due(0), Duration::from_millis(150));
        assert_eq!(pace.due(10), Duration::from_millis(350));
        assert!(Pace { rate: f64::MIN_POSITIVE, ..pace }.due(1) > Duration::from_secs(1 << 40));
    }
}
