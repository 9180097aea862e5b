//! An answer as this program prints it with `--json`, read back.
//!
//! Owns the reading of those field names; the writing is the commands'. As tolerant as with servers: the
//! file may come from another version.

use super::json::{ByteList, List, Maybe, Number, Text};
use super::refusal::quoted;
use super::reply::is_set;
use super::said::{Said, mended};
use crate::core::stream::Usage;
use crate::core::token::{Candidate, Piece, Token, logprob_from};
use serde::Deserialize;
use serde_json::value::RawValue;

/// One printed run.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Printed<'a> {
    #[serde(borrow)]
    model: Text<'a>,
    #[serde(borrow)]
    endpoint: Text<'a>,
    #[serde(borrow)]
    text: Text<'a>,
    #[serde(borrow)]
    reasoning: Text<'a>,
    #[serde(borrow)]
    finish_reason: Text<'a>,
    usage: Maybe<PrintedUsage>,
    #[serde(borrow)]
    usage_source: Text<'a>,
    asked_temperature: Number,
    asked_top_p: Number,
    asked_top_k: Number,
    asked_min_p: Number,
    #[serde(borrow)]
    provenance: Option<&'a RawValue>,
    #[serde(borrow)]
    tokens: List<PrintedToken<'a>>,
    #[serde(borrow)]
    fault: Option<&'a RawValue>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct PrintedUsage {
    #[serde(rename = "input_tokens")]
    input: Number,
    #[serde(rename = "cached_input_tokens")]
    cached_input: Number,
    #[serde(rename = "output_tokens")]
    output: Number,
    #[serde(rename = "reasoning_tokens")]
    reasoning: Number,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct PrintedToken<'a> {
    #[serde(flatten, borrow)]
    own: PrintedCandidate<'a>,
    #[serde(borrow)]
    candidates: List<PrintedCandidate<'a>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct PrintedCandidate<'a> {
    #[serde(borrow)]
    text: Text<'a>,
    bytes: ByteList,
    id: Number,
    logprob: Number,
}

impl PrintedCandidate<'_> {
    fn candidate(self) -> Candidate {
        Candidate {
            piece: Piece::new(self.text.0, self.bytes.0),
            logprob: self.logprob.0.and_then(logprob_from),
            id: self.id.id(),
        }
    }
}

impl Printed<'_> {
    /// Returns what it says.
    pub(super) fn said(self) -> Said {
        let figures = self.usage.0.unwrap_or_default();
        let usage = figures.input.count().zip(figures.output.count());
        let usage = usage.map(|(input_tokens, output_tokens)| Usage {
            input_tokens,
            cached_input_tokens: figures.cached_input.count().unwrap_or(0),
            output_tokens,
            reasoning_tokens: figures.reasoning.count().unwrap_or(0),
        });
        let cuts = [("top_p", self.asked_top_p), ("top_k", self.asked_top_k), ("min_p", self.asked_min_p)];
        let provenance = self.provenance.and_then(|raw| serde_json::from_str(raw.get()).ok());
        let is_estimate = self.usage_source.0 == "estimate";
        let tokens = self.tokens.0.into_iter().map(|token| {
            let candidates = token.candidates.0.into_iter().map(PrintedCandidate::candidate).collect();
            let Candidate { piece, logprob, id } = token.own.candidate();
            Token { piece, logprob, candidates, id }
        });
        Said {
            is_error: is_set(self.fault),
            is_reply: true,
            is_answer: true,
            model: self.model.0.into_owned(),
            text: self.text.0.into_owned(),
            reasoning: self.reasoning.0.into_owned(),
            tokens: tokens.collect(),
            usage: usage.filter(|_| !is_estimate),
            finish: self.finish_reason.0.into_owned(),
            endpoint: self.endpoint.0.into_owned(),
            temperature: self.asked_temperature.0,
            cuts: cuts.into_iter().filter_map(|(name, value)| Some((name, value.0?))).collect(),
            provenance,
            estimated_output_tokens: usage.filter(|_| is_estimate).map(|usage| usage.output_tokens),
            ..Said::default()
        }
    }
}

/// Returns what a printed run says of its failure.
pub(super) fn failure(text: &str) -> String {
    #[derive(Default, Deserialize)]
    #[serde(default)]
    struct Failed<'a> {
        #[serde(borrow)]
        fault: Maybe<PrintedFault<'a>>,
    }
    #[derive(Default, Deserialize)]
    #[serde(default)]
    struct PrintedFault<'a> {
        #[serde(borrow)]
        message: Text<'a>,
    }
    let message = mended(text, |text| {
        let failed = serde_json::from_str::<Maybe<Failed<'_>>>(text)?.0.unwrap_or_default();
        Ok(quoted(&failed.fault.0.unwrap_or_default().message.0))
    });
    message.unwrap_or_default()
}
