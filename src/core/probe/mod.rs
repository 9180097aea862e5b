//! What a model at an endpoint really does, found out by asking it: a truth probe.
//!
//! Owns the plan (which short requests, in which order, at most how many) and the judgement of what
//! came back. Never sends anything and reads no clock: who carries a plan out gives the outcomes to
//! [`Answers`] one by one, and asks it for the next question.
//!
//! ```text
//! Answers::next ─► Question ─► request ─► (sent elsewhere) ─► Outcome ─► Answers::take ─► … ─► Finding
//! ```
//!
//! Invariants: the same outcomes give the same finding; a failure is a finding; no plan has more
//! requests or longer answers than [`Cost::most`] says.

mod answers;
mod book;
mod finding;
mod question;
mod stage;
mod verdict;

pub use answers::{Answers, Outcome, Reply};
pub use book::Probes;
pub use finding::Finding;
pub use question::Question;
pub use stage::{Placing, Reading};
pub use verdict::{Given, Logprobs, Parameter, Prefill, Presence, Seeding, Verdict};

use crate::core::context::framing_tokens;
use crate::core::cost::Price;
use crate::core::model::ModelCard;
use crate::core::stream::Usage;
use std::sync::Arc;

/// Which model is probed, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subject {
    /// Name of the endpoint in the configuration.
    pub endpoint: Arc<str>,
    /// The model as the endpoint knows it.
    pub model: Arc<str>,
    /// The endpoint's base URL without its query; empty for the sandbox.
    pub base_url: Arc<str>,
}

impl Subject {
    /// Returns the subject; a query of the base URL is left out, as it may hold a key.
    #[must_use]
    pub fn new(endpoint: &str, model: &str, base_url: &str) -> Self {
        let base_url = base_url.split(['?', '#']).next().unwrap_or_default();
        Self { endpoint: endpoint.into(), model: model.into(), base_url: base_url.into() }
    }
}

/// Returns why a model refuses a parameter: as a probe found out, else as it is known beforehand. A second
/// word of its name is one of its values, as in `response_format json_schema`.
#[must_use]
pub fn refusal<'a>(finding: Option<&'a Finding>, card: &'a ModelCard, parameter: &str) -> Option<&'a str> {
    let known = || {
        let has_none = parameter == "top_logprobs" && card.logprobs == Some(false);
        let name = parameter.split(' ').next().unwrap_or(parameter);
        card.refusal(name).or(has_none.then_some("this model gives no logprobs"))
    };
    match finding.map(|finding| finding.verdict(parameter)) {
        Some(Verdict::Refused { reason, .. }) => Some(reason),
        Some(Verdict::Accepted | Verdict::Ignored) => None,
        Some(Verdict::Failed { .. } | Verdict::Untried) | None => known(),
    }
}

/// What a probe costs at most, as long as the server keeps to the limits it is given.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Cost {
    /// Requests.
    pub requests: usize,
    /// Tokens sent.
    pub input_tokens: u64,
    /// Tokens answered.
    pub output_tokens: u64,
    /// Dollars, where the price is known.
    pub dollars: Option<f64>,
}

impl Cost {
    /// Returns the most a probe can cost: every question asked, and every byte of them a token.
    #[must_use]
    pub fn most(price: Option<&Price>) -> Self {
        let usage = Question::ALL.into_iter().fold(Usage::default(), |sum, question| Usage {
            input_tokens: sum.input_tokens + question.input_bytes() + framing_tokens(question.messages()),
            output_tokens: sum.output_tokens + u64::from(question.limit()),
            ..sum
        });
        Self {
            requests: Question::ALL.len(),
            input_tokens: usage.input_tokens,
            output_tokens: usage.output_tokens,
            dollars: price.map(|price| price.of(&usage)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cost_counts_every_question() {
        let cost = Cost::most(None);
        assert_eq!(cost.requests, 22);
        assert!((22..=22 * 8).contains(&cost.output_tokens), "{cost:?}");
        assert!(cost.input_tokens > 22 * 10 && cost.input_tokens < 10_000, "{cost:?}");
        assert_eq!(cost.dollars, None);
        let price = Price { input: 1e6, cached_input: None, output: 0.0, as_of: String::new() };
        #[expect(clippy::cast_precision_loss, reason = "a few thousand")]
        let tokens = cost.input_tokens as f64;
        assert!((Cost::most(Some(&price)).dollars.unwrap() - tokens).abs() < 1e-6);
    }

    #[test]
    fn what_was_found_out_comes_before_what_is_known() {
        let card = ModelCard {
            refuses: vec!["temperature: only 1".into(), "seed: none".into()],
            logprobs: Some(false),
            ..ModelCard::default()
        };
        assert_eq!(refusal(None, &card, "temperature"), Some("only 1"));
        assert_eq!(refusal(None, &card, "top_logprobs"), Some("this model gives no logprobs"));
        let parameter = |name: &str, verdict| Parameter { name: name.into(), verdict };
        let refused = Verdict::Refused { reason: "not here".into(), param: None };
        let finding = Finding {
            parameters: vec![
                parameter("temperature", Verdict::Accepted),
                parameter("top_p", refused),
                parameter("logprobs", Verdict::Ignored),
            ],
            ..Finding::default()
        };
        let of = |name| refusal(Some(&finding), &card, name);
        assert_eq!((of("temperature"), of("top_p"), of("seed")), (None, Some("not here"), Some("none")));
        assert_eq!(of("top_logprobs"), None);
    }

    #[test]
    fn a_query_of_the_base_url_is_nobodys_business() {
        let subject = Subject::new("office", "m", "https://h/v1?api-key=secret");
        assert_eq!(&*subject.base_url, "https://h/v1");
    }
}
