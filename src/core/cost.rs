//! Money: prices per million tokens and what a number of tokens costs.

use crate::core::stream::Usage;
use serde::{Deserialize, Serialize};

/// Prices in US dollars per million tokens, and the day they were true.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Price {
    /// Per million input tokens.
    pub input: f64,
    /// Per million input tokens read from the cache; the input price where it is not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cached_input: Option<f64>,
    /// Per million output tokens.
    pub output: f64,
    /// The day these were read from the provider's price list, as `2026-11-20`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub as_of: String,
}

impl Price {
    /// Returns what the usage costs, in dollars.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "token counts are far below 2^52")]
    pub fn of(&self, usage: &Usage) -> f64 {
        let cached = usage.cached_input_tokens.min(usage.input_tokens);
        let fresh = (usage.input_tokens - cached) as f64 * self.input;
        let reused = cached as f64 * self.cached_input.unwrap_or(self.input);
        (fresh + reused + usage.output_tokens as f64 * self.output) / 1e6
    }

    /// Returns what `tokens` input tokens cost when none is cached, in dollars.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "token counts are far below 2^52")]
    pub fn of_input(&self, tokens: u64) -> f64 {
        tokens as f64 * self.input / 1e6
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cached_input_is_charged_at_its_own_price() {
        let price = Price { input: 2.0, cached_input: Some(0.5), output: 8.0, as_of: String::new() };
        let usage = Usage {
            input_tokens: 1_000_000,
            cached_input_tokens: 400_000,
            output_tokens: 100_000,
            reasoning_tokens: 0,
        };
        assert!((price.of(&usage) - (1.2 + 0.2 + 0.8)).abs() < 1e-12);
    }
}
