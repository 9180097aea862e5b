//! The parameters a position can be asked about, and of which values it can be asked.
//!
//! Owns the question ([`Reshaping`]), what reported values stand for ([`Source`]) and every reason
//! not to answer ([`Refusal`]). Never takes values for what they are not: those after a temperature
//! or a cut that cannot be taken back are refused.

use crate::core::figure::parameter;
use crate::core::provenance::{Provenance, Stage};
use crate::core::request::Sampling;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

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

impl Reshaping {
    /// Returns which of the parameters is out of its range, if one is.
    #[must_use]
    pub fn refusal(&self) -> Option<Refusal> {
        if !(self.temperature >= 0.0 && self.temperature.is_finite()) {
            return Some(Refusal::BadTemperature);
        }
        if self.top_p.is_some_and(|top_p| !(top_p > 0.0 && top_p <= 1.0)) {
            return Some(Refusal::BadTopP);
        }
        let is_bad = self.min_p.is_some_and(|min_p| !(0.0..=1.0).contains(&min_p));
        is_bad.then_some(Refusal::BadMinP)
    }
}

impl Default for Reshaping {
    fn default() -> Self {
        Self { temperature: 1.0, top_p: None, min_p: None, top_k: None }
    }
}

/// A question as it is written: `T=1.5,top_p=0.9`. What it leaves out stays as the answer was asked.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Question {
    /// Temperature; `None` for that of the answer.
    pub temperature: Option<f64>,
    /// Nucleus mass.
    pub top_p: Option<f64>,
    /// Least share of the most probable token.
    pub min_p: Option<f64>,
    /// Number of tokens kept.
    pub top_k: Option<u32>,
}

impl Question {
    /// Returns the parameters of an answer that was asked at a temperature.
    #[must_use]
    pub fn of(self, asked_temperature: f64) -> Reshaping {
        let Self { temperature, top_p, min_p, top_k } = self;
        Reshaping { temperature: temperature.unwrap_or(asked_temperature), top_p, min_p, top_k }
    }
}

impl FromStr for Question {
    type Err = String;

    /// Reads `T=1.5,top_p=0.9,min_p=0.05,top_k=40`, any of them in any order.
    fn from_str(text: &str) -> Result<Self, String> {
        let mut question = Self::default();
        let mut given: Vec<&str> = Vec::new();
        for part in text.split(',').map(str::trim).filter(|part| !part.is_empty()) {
            let Some((name, value)) = part.split_once('=') else {
                return Err(format!("'{part}' has no value: write it as name=value, such as T=1.5"));
            };
            let value = value.trim();
            let number = || value.parse::<f64>().map_err(|_| format!("'{value}' in '{part}' is no number"));
            let name = match name.trim() {
                "T" | "t" | "temperature" => {
                    question.temperature = Some(number()?);
                    "T"
                }
                "top_p" => {
                    question.top_p = Some(number()?);
                    "top_p"
                }
                "min_p" => {
                    question.min_p = Some(number()?);
                    "min_p"
                }
                "top_k" => {
                    let whole = value.parse();
                    question.top_k = Some(
                        whole.map_err(|_| format!("'{value}' in '{part}' is no whole number from 0 up"))?,
                    );
                    "top_k"
                }
                other => return Err(format!("'{other}' is none of T, top_p, min_p and top_k")),
            };
            if given.contains(&name) {
                return Err(format!("{name} stands there twice"));
            }
            given.push(name);
        }
        if given.is_empty() {
            return Err("it asks nothing: write one of T, top_p, min_p and top_k, such as T=1.5".to_owned());
        }
        match question.of(1.0).refusal() {
            None => Ok(question),
            Some(refusal) => Err(refusal.to_string()),
        }
    }
}

impl fmt::Display for Reshaping {
    /// Writes `T 1.5, top_k 40, top_p 0.9, min_p 0.05`, in the order they are applied.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "T {}", parameter(self.temperature))?;
        if let Some(top_k) = self.top_k {
            write!(f, ", top_k {top_k}")?;
        }
        if let Some(top_p) = self.top_p {
            write!(f, ", top_p {}", parameter(top_p))?;
        }
        if let Some(min_p) = self.min_p {
            write!(f, ", min_p {}", parameter(min_p))?;
        }
        Ok(())
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

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_question_is_read_in_any_order_and_told_in_the_order_of_the_cuts() {
        let question: Question = " min_p=0.05, top_k=40,T=1.50 ,top_p=.9".parse().unwrap();
        assert_eq!(question.of(0.7).to_string(), "T 1.5, top_k 40, top_p 0.9, min_p 0.05");
        let question: Question = "top_p=0.9".parse().unwrap();
        assert_eq!(question.of(0.7).to_string(), "T 0.7, top_p 0.9");
    }

    #[test]
    fn what_is_no_question_is_told_in_a_sentence() {
        for (text, told) in [
            ("", "it asks nothing"),
            ("T", "'T' has no value"),
            ("T=warm", "'warm' in 'T=warm' is no number"),
            ("top_k=1.5", "no whole number"),
            ("topp=0.9", "'topp' is none of T, top_p, min_p and top_k"),
            ("T=1,temperature=2", "T stands there twice"),
            ("T=-1", "a temperature is a number from 0 up"),
            ("T=inf", "a temperature is a number from 0 up"),
            ("top_p=0", "top_p is a number above 0, up to 1"),
            ("min_p=NaN", "min_p is a number from 0 to 1"),
        ] {
            let error = text.parse::<Question>().unwrap_err();
            assert!(error.contains(told), "{text}: {error}");
        }
    }

    proptest! {
        /// What is read can be asked.
        #[test]
        fn a_question_that_is_read_is_never_refused_for_its_parameters(text in "(T|top_p|min_p|top_k)=[0-9.eE+-]{1,6}(,min_p=[0-9.]{1,4})?") {
            if let Ok(question) = text.parse::<Question>() {
                prop_assert_eq!(question.of(1.0).refusal(), None);
            }
        }
    }
}
