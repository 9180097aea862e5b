//! The provider-neutral steps of a run.

use crate::core::bench::limiter::RateLimits;
use crate::core::exchange::Exchange;
use crate::core::fault::Fault;
use crate::core::token::Token;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Tokens as billed by the provider.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// Tokens of the prompt.
    pub input_tokens: u64,
    /// Part of the input that was read from the provider's cache.
    pub cached_input_tokens: u64,
    /// Tokens of the answer, reasoning included.
    pub output_tokens: u64,
    /// Part of the output that was reasoning.
    pub reasoning_tokens: u64,
}

/// Why an answer ended.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum FinishReason {
    /// The model ended it, or a stop text was reached.
    Stop,
    /// The output limit was reached.
    Length,
    /// A content filter ended it.
    Filter,
    /// The model asks for a tool.
    Tool,
    /// What the server said, where it is none of these.
    Other(Box<str>),
}

impl FinishReason {
    /// Returns the reason for the name a Chat Completions server uses.
    #[must_use]
    pub fn from_wire(name: &str) -> Self {
        match name {
            "stop" | "end_turn" | "stop_sequence" | "eos" => Self::Stop,
            "length" | "max_tokens" => Self::Length,
            "content_filter" | "refusal" => Self::Filter,
            "tool_calls" | "function_call" | "tool_use" => Self::Tool,
            other => Self::Other(other.into()),
        }
    }

    /// Returns the reason that [`Self::name`] gave this name.
    #[must_use]
    pub fn from_name(name: &str) -> Self {
        let known = [Self::Stop, Self::Length, Self::Filter, Self::Tool];
        known.into_iter().find(|reason| reason.name() == name).unwrap_or_else(|| Self::Other(name.into()))
    }

    /// Returns the name used on screen and in JSON.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Stop => "stop",
            Self::Length => "length",
            Self::Filter => "filter",
            Self::Tool => "tool",
            Self::Other(name) => name,
        }
    }
}

/// One step of a run. Whatever the wire, a run is: attempts, then deltas, then one ending.
#[derive(Debug, Clone, PartialEq)]
pub enum StreamEvent {
    /// An HTTP try begins; the first is number 1.
    Attempt {
        /// Number of the try.
        number: u32,
    },
    /// The try failed before anything was shown, and another follows after the delay.
    Retrying {
        /// Why it failed.
        fault: Fault,
        /// Time until the next try, in milliseconds.
        delay_ms: u64,
    },
    /// The server accepted the request and named what answers.
    Opened {
        /// The model the server says it is.
        model: Option<Box<str>>,
        /// The server's request id.
        request_id: Option<Box<str>>,
    },
    /// What a response said of the limits the server counts against; only where it said something.
    Limits(RateLimits),
    /// Newly arrived text and the tokens that came with it; either may be empty.
    Delta {
        /// Text to append.
        text: String,
        /// Tokens to append; empty where the server sends no logprobs.
        tokens: Vec<Token>,
    },
    /// Newly arrived reasoning text.
    Reasoning {
        /// Text to append to the reasoning.
        text: String,
    },
    /// The tokens billed.
    Usage(Usage),
    /// The raw request and response, once, just before the ending.
    Exchanged(Arc<Exchange>),
    /// The answer is complete.
    Finished(FinishReason),
    /// The run failed; what arrived before stays.
    Failed(Fault),
}
