//! What a prompt costs in tokens beyond its texts, and how it fills the model's window.

use crate::core::run::Count;

/// Tokens a chat format adds around each message.
///
/// Source: OpenAI's cookbook, "How to count tokens with tiktoken": 3 per message, the role's name
/// (one token in o200k_base and cl100k_base), and 3 that prime the reply. The page calls it an
/// estimate, so it is exact only where the endpoint is known to count so (the sandbox is).
pub const TOKENS_PER_MESSAGE: u64 = 4;

/// Tokens that prime the reply, once per request; see [`TOKENS_PER_MESSAGE`].
pub const TOKENS_PRIMING: u64 = 3;

/// Returns the framing overhead of a request with `messages` messages.
#[must_use]
pub fn framing_tokens(messages: usize) -> u64 {
    if messages == 0 { 0 } else { TOKENS_PRIMING + TOKENS_PER_MESSAGE * messages as u64 }
}

/// How a prompt fills a model's window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ContextUse {
    /// Tokens of the whole prompt, framing included.
    pub used: Count,
    /// The model's window, where it is known.
    pub window: Option<u64>,
    /// Tokens the reply may take at most, where that was asked for.
    pub reply_limit: Option<u64>,
}

impl ContextUse {
    /// Returns the share of the window the prompt takes, above 1 when it does not fit.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "token counts are far below 2^52")]
    pub fn share(&self) -> Option<f64> {
        self.window.map(|window| self.used.tokens() as f64 / window.max(1) as f64)
    }

    /// Returns how many tokens the reply can take: what the window leaves, at most the limit asked for.
    #[must_use]
    pub fn budget(&self) -> Option<u64> {
        let left = self.window.map(|window| window.saturating_sub(self.used.tokens()));
        match (left, self.reply_limit) {
            (Some(left), Some(limit)) => Some(left.min(limit)),
            (left, limit) => left.or(limit),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn budget_is_the_smaller_of_window_and_limit() {
        let used = Count::Exact(100);
        let budget = |window, reply_limit| ContextUse { used, window, reply_limit }.budget();
        assert_eq!(budget(Some(120), Some(512)), Some(20));
        assert_eq!(budget(Some(8192), Some(512)), Some(512));
        assert_eq!(budget(Some(50), None), Some(0));
        assert_eq!(budget(None, None), None);
    }

    #[test]
    fn an_empty_request_has_no_framing() {
        assert_eq!(framing_tokens(0), 0);
        assert_eq!(framing_tokens(2), 11);
    }
}
