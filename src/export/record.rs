//! Runs and their events as JSON: the one form in which all commands write them.
//!
//! Field names are those of every surface. A field that cannot be known is `null`; `fault` and
//! `reasoning` are there only where there is one. How it was asked (`asked_…`) stands there as far as it
//! decides what the probabilities mean, so that an answer read back has the same figures.

use crate::core::fault::Fault;
use crate::core::run::{Run, RunStatus};
use crate::core::stream::{StreamEvent, Usage};
use crate::core::time::{Timestamp, millis};
use crate::core::token::TokenJson;
use crate::structured::shape::{Shape, Verdict};
use serde::Serialize;
use serde_json::Value;

/// One run, written down.
#[derive(Debug, Serialize)]
pub struct RunRecord<'a, T = TokenJson<'a>> {
    model: &'a str,
    endpoint: &'a str,
    text: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    reasoning: &'a str,
    finish_reason: Option<&'a str>,
    usage: Option<Usage>,
    usage_source: Option<UsageSource>,
    timing: Timing,
    attempts: u32,
    asked_temperature: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    asked_top_p: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    asked_top_k: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    asked_min_p: Option<f64>,
    tokens: Vec<T>,
    perplexity: Option<f64>,
    mean_surprisal_bits: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    verdict: Option<Verdict>,
    #[serde(skip_serializing_if = "Option::is_none")]
    fault: Option<&'a Fault>,
}

/// Where the figures of the usage are from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum UsageSource {
    Provider,
    Estimate,
}

#[derive(Debug, Serialize)]
struct Timing {
    first_token_ms: Option<f64>,
    total_ms: Option<f64>,
    tokens_per_s: Option<f64>,
}

impl<'a> RunRecord<'a> {
    /// Returns an answer written down, with what the check of its form gave.
    #[must_use]
    pub fn new(run: &'a Run, usage: Usage, shape: &Shape) -> Self {
        let tokens = run.tokens.iter().map(TokenJson::from).collect();
        Self::with_tokens(run, Some(usage), shape, tokens)
    }
}

impl<'a, T> RunRecord<'a, T> {
    /// Returns a run written down, its tokens in a form of the caller's. `usage` is what the provider
    /// reported or what was estimated in its place.
    #[must_use]
    pub fn with_tokens(run: &'a Run, usage: Option<Usage>, shape: &Shape, tokens: Vec<T>) -> Self {
        let sampling = &run.request.sampling;
        let extra = |name: &str| sampling.extra.get(name).and_then(Value::as_f64);
        Self {
            model: &run.request.model,
            endpoint: &run.request.endpoint,
            text: &run.text,
            reasoning: &run.reasoning,
            finish_reason: match &run.status {
                RunStatus::Done(reason) => Some(reason.name()),
                RunStatus::Queued
                | RunStatus::Connecting
                | RunStatus::Waiting { .. }
                | RunStatus::Streaming
                | RunStatus::Failed(_)
                | RunStatus::Cancelled => None,
            },
            usage,
            usage_source: usage.map(|_| match run.usage {
                Some(_) => UsageSource::Provider,
                None => UsageSource::Estimate,
            }),
            timing: Timing {
                first_token_ms: run.first_token_ms(),
                total_ms: run.total_ms(),
                tokens_per_s: rate(run),
            },
            attempts: run.attempts,
            asked_temperature: sampling.temperature,
            asked_top_p: sampling.top_p.or_else(|| extra("top_p")),
            asked_top_k: extra("top_k"),
            asked_min_p: extra("min_p"),
            tokens,
            perplexity: run.tally().perplexity(),
            mean_surprisal_bits: run.tally().mean_surprisal_bits(),
            verdict: shape.verdict(run),
            fault: fault(run),
        }
    }
}

/// Shortest time between the first token and the last that says something about a rate, in seconds.
/// What arrives within it waited in some buffer.
const SHORTEST_S: f64 = 0.02;

/// Returns the tokens per second of a run, where the time they took can be told from none.
#[must_use]
pub fn rate(run: &Run) -> Option<f64> {
    let rate = run.tokens_per_s()?;
    #[expect(clippy::cast_precision_loss, reason = "token counts are far below 2^52")]
    let seconds = (run.output_tokens()?.tokens() - 1) as f64 / rate;
    (seconds >= SHORTEST_S).then_some(rate)
}

/// Returns why a run failed.
#[must_use]
pub fn fault(run: &Run) -> Option<&Fault> {
    match &run.status {
        RunStatus::Failed(fault) => Some(fault),
        RunStatus::Queued
        | RunStatus::Connecting
        | RunStatus::Waiting { .. }
        | RunStatus::Streaming
        | RunStatus::Done(_)
        | RunStatus::Cancelled => None,
    }
}

/// One event of a run, written down with the time since the command began to ask.
#[derive(Debug, Serialize)]
pub struct EventRecord<'a> {
    at_ms: f64,
    #[serde(flatten)]
    event: Event<'a>,
}

#[derive(Debug, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
enum Event<'a> {
    Attempt { number: u32 },
    Retrying { fault: &'a Fault, delay_ms: u64 },
    Opened { model: Option<&'a str>, request_id: Option<&'a str> },
    Delta { text: &'a str, tokens: Vec<TokenJson<'a>> },
    Reasoning { text: &'a str },
    Usage(Usage),
    Finished { finish_reason: &'a str },
    Failed { fault: &'a Fault },
}

impl<'a> EventRecord<'a> {
    /// Returns the event written down; `None` for the raw exchange, which is no step of the answer.
    #[must_use]
    pub fn new(event: &'a StreamEvent, at: Timestamp) -> Option<Self> {
        let event = match event {
            StreamEvent::Attempt { number } => Event::Attempt { number: *number },
            StreamEvent::Retrying { fault, delay_ms } => Event::Retrying { fault, delay_ms: *delay_ms },
            StreamEvent::Opened { model, request_id } => {
                Event::Opened { model: model.as_deref(), request_id: request_id.as_deref() }
            }
            StreamEvent::Delta { text, tokens } => {
                Event::Delta { text, tokens: tokens.iter().map(TokenJson::from).collect() }
            }
            StreamEvent::Reasoning { text } => Event::Reasoning { text },
            StreamEvent::Usage(usage) => Event::Usage(*usage),
            StreamEvent::Exchanged(_) | StreamEvent::Limits(_) => return None,
            StreamEvent::Finished(reason) => Event::Finished { finish_reason: reason.name() },
            StreamEvent::Failed(fault) => Event::Failed { fault },
        };
        Some(Self { at_ms: millis(at.0), event })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::id::RunId;
    use crate::core::request::{Request, Sampling};
    use std::sync::Arc;

    #[test]
    fn a_rate_needs_time_to_be_told_from() {
        let request = Request {
            endpoint: "e".into(),
            model: "m".into(),
            messages: Vec::new(),
            sampling: Sampling::default(),
            continuation: None,
            stream: true,
        };
        for (ms, expected) in [(19, None), (20, Some(50.0)), (1000, Some(1.0))] {
            let mut run = Run::new(RunId(1), Arc::new(request.clone()), Timestamp::default());
            for at in [0, ms] {
                let delta = StreamEvent::Delta { text: "a".to_owned(), tokens: Vec::new() };
                run.apply(delta, Timestamp::from_millis(at));
            }
            assert_eq!(rate(&run), expected, "{ms} ms");
        }
    }
}
