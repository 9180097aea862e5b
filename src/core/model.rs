//! What is known of a model beforehand. It is a first guess: the server has the last word.

use crate::core::cost::Price;
use serde::{Deserialize, Serialize};

/// A byte-pair vocabulary.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Encoding {
    /// GPT-4o and later.
    #[serde(rename = "o200k_base")]
    O200kBase,
    /// GPT-4 and GPT-3.5.
    #[serde(rename = "cl100k_base")]
    Cl100kBase,
}

impl Encoding {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::O200kBase, Self::Cl100kBase];

    /// Returns the name used on every surface.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::O200kBase => "o200k_base",
            Self::Cl100kBase => "cl100k_base",
        }
    }

    /// Returns the encoding of this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|encoding| encoding.name() == name)
    }

    /// Returns the number of ordinary tokens in the vocabulary.
    #[must_use]
    pub fn vocabulary(self) -> usize {
        match self {
            Self::O200kBase => 199_998,
            Self::Cl100kBase => 100_256,
        }
    }
}

/// What is known of a model beforehand.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ModelCard {
    /// Context window in tokens.
    pub context_window: Option<u64>,
    /// Longest answer in tokens.
    pub max_output_tokens: Option<u64>,
    /// The vocabulary, where it is known; counts are estimates otherwise.
    pub encoding: Option<Encoding>,
    /// Whether the framing overhead counted here is the one the endpoint bills.
    pub exact_framing: bool,
    /// Prices.
    pub price: Option<Price>,
    /// Parameters the model is known to refuse, each as `parameter: reason`.
    pub refuses: Vec<String>,
    /// Whether the model is known to give logprobs, or not to.
    pub logprobs: Option<bool>,
    /// Whether reported logprobs are those before temperature (and the cuts after it) is applied.
    pub logprobs_before_temperature: Option<bool>,
    /// Whether the output limit must be sent as `max_tokens`, because the server knows no other name.
    pub legacy_max_tokens: bool,
}

impl ModelCard {
    /// Returns why the model is known to refuse a parameter, if it is.
    #[must_use]
    pub fn refusal(&self, parameter: &str) -> Option<&str> {
        let entries = self.refuses.iter().map(|entry| entry.split_once(':').unwrap_or((entry, "refused")));
        entries.filter(|(name, _)| name.trim() == parameter).map(|(_, reason)| reason.trim()).next()
    }
}
