//! The parameters a position can be asked about, and of which values it can be asked.
//!
//! Owns the question ([`Reshaping`]), what reported values stand for ([`Source`]) and every reason
//! not to answer ([`Refusal`]). Never takes values for what they are not: those after a temperature
//! or a cut that cannot be taken back are refused.

use crate::core::provenance::{Provenance, Stage};
use crate::core::request::Sampling;
use serde::{Deserialize, Serialize};
use std::fmt;

/// The order in which the parameters are applied, as text for the screen.
///
/// This is the order of transformers, and of SGLang where min_p is set; without it SGLang's top_p is
/// a share of the whole and not of what top_k left. vLLM applies min_p before top_k and top_p, which
/// differs only where min_p and top_p are both set (top_p then counts what min_p left), and keeps all
/// that tie at top_k's end. llama.cpp cuts first and applies temperature last unless its `samplers` say
/// otherwise, so there top_p and min_p see the distribution of temperature 1. Temperature alone, and
/// top_k without a tie, are the same everywhere.
pub const ORDER: [&str; 4] = ["temperature", "top_k", "top_p", "min_p"];

/// The parameters of the question. `None` means the cut is not applied.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reshaping {
    /// Temperature; 0 takes the most probable token always.
    pub temperature: f64,
    /// Keeps the most probable tokens up to this mass, above 0 to 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub top_p: Option<f64>,
    /// Keeps the tokens at least this share as probable as the most probable one, 0 to 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_p: Option<f64>,
    /// Keeps so many of the most probable tokens; 0 keeps all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub top_k: Option<u32>,
}

impl Default for Reshaping {
    fn default() -> Self {
        Self { temperature: 1.0, top_p: None, min_p: None, top_k: None }
    }
}

/// Why a question has no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Refusal {
    /// The values were taken after temperature 0.
    AfterZero,
    /// The values were taken after a temperature that is not known.
    TemperatureUnknown,
    /// The values were taken after a cut.
    AfterCut,
    /// The server gave the token no logprob.
    NoLogprob,
    /// The server gave no candidates.
    NoCandidates,
    /// The temperature asked for is none.
    BadTemperature,
    /// The top_p asked for is none.
    BadTopP,
    /// The min_p asked for is none.
    BadMinP,
}

impl Refusal {
    /// Returns the reason, and what helps, in a sentence.
    #[must_use]
    pub fn sentence(self) -> &'static str {
        match self {
            Self::AfterZero => {
                "the values were taken after temperature 0, which leaves one token and hides how probable \
                 the others were: ask again at a temperature above 0"
            }
            Self::TemperatureUnknown => {
                "the values were taken after a temperature that the request left to the server: set one \
                 and ask again"
            }
            Self::AfterCut => {
                "the values were taken after top_p, top_k or min_p, which hide how probable the rest \
                 was: ask again without them"
            }
            Self::NoLogprob => "the server gave no logprob for this token",
            Self::NoCandidates => "the server gave no candidates for this token: set top_logprobs",
            Self::BadTemperature => "a temperature is a number from 0 up",
            Self::BadTopP => "top_p is a number above 0, up to 1",
            Self::BadMinP => "min_p is a number from 0 to 1",
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.sentence())
    }
}

/// The temperature at which reported values are the model's distribution.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Source {
    temperature: f64,
}

impl Source {
    /// Values before temperature.
    pub const BEFORE: Self = Self { temperature: 1.0 };

    /// Returns what the values of a request stand for. What the request omits counts as not cut.
    ///
    /// # Errors
    /// Values after temperature cannot be taken back if it was 0 or left to the server, or if the
    /// request cut the distribution: what was cut is not among the values, and nothing bounds it.
    pub fn new(provenance: Provenance, sampling: &Sampling) -> Result<Self, Refusal> {
        match provenance.stage {
            Stage::BeforeTemperature => Ok(Self::BEFORE),
            Stage::AfterTemperature => {
                let extra = |name: &str| sampling.extra.get(name).and_then(serde_json::Value::as_f64);
                let is_cut = sampling.top_p.or_else(|| extra("top_p")).is_some_and(|top_p| top_p < 1.0)
                    || extra("top_k").is_some_and(|top_k| top_k >= 1.0)
                    || extra("min_p").is_some_and(|min_p| min_p > 0.0);
                match sampling.temperature {
                    None => Err(Refusal::TemperatureUnknown),
                    Some(temperature) if temperature <= 0.0 => Err(Refusal::AfterZero),
                    Some(temperature) if !temperature.is_finite() => Err(Refusal::TemperatureUnknown),
                    Some(_) if is_cut => Err(Refusal::AfterCut),
                    Some(temperature) => Ok(Self { temperature }),
                }
            }
        }
    }

    /// Returns values taken after a temperature above 0.
    #[cfg(test)]
    pub(super) fn after(temperature: f64) -> Self {
        Self { temperature }
    }

    /// Returns the temperature at which the values are what the model gave: 1 before temperature.
    #[must_use]
    pub fn temperature(self) -> f64 {
        self.temperature
    }
}
