//! Where requests go: a named base URL, its provider and its limits. Keys are kept elsewhere.

use crate::core::bench::limiter::Quota;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// A wire protocol.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ProviderKind {
    /// OpenAI Chat Completions and everything compatible with it.
    #[default]
    OpenaiChat,
}

/// Times, tries and sizes within which a server must behave.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Longest time to connect, in milliseconds.
    pub connect_ms: u64,
    /// Longest time from sending the request to the first byte of the answer, in milliseconds.
    pub first_byte_ms: u64,
    /// Longest silence within an answer, in milliseconds.
    pub between_bytes_ms: u64,
    /// How often a failed request is sent again before anything was shown.
    pub retries: u32,
    /// Requests under way at once.
    pub concurrency: usize,
    /// Requests of a comparison in any minute; `None` leaves it to what the server says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub requests_per_minute: Option<u64>,
    /// Tokens of a comparison in any minute, prompts and longest answers together.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tokens_per_minute: Option<u64>,
}

impl Limits {
    /// Returns what may be sent in any minute.
    #[must_use]
    pub fn quota(&self) -> Quota {
        Quota { requests: self.requests_per_minute, tokens: self.tokens_per_minute }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connect_ms: 10_000,
            first_byte_ms: 120_000,
            between_bytes_ms: 60_000,
            retries: 3,
            concurrency: 8,
            requests_per_minute: None,
            tokens_per_minute: None,
        }
    }
}

/// A named place that answers requests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// Its name in the configuration.
    pub name: Arc<str>,
    /// Base URL with the version, such as `https://api.openai.com/v1`; no trailing slash.
    pub base_url: String,
    /// The wire protocol it speaks.
    pub provider: ProviderKind,
    /// Times, tries and sizes.
    pub limits: Limits,
    /// Whether the output limit must be sent as `max_tokens`, because the server knows no other name.
    pub legacy_max_tokens: bool,
}
