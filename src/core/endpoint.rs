//! Where requests go: a named base URL, its provider and its limits. Keys are kept elsewhere.

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
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connect_ms: 10_000,
            first_byte_ms: 120_000,
            between_bytes_ms: 60_000,
            retries: 3,
            concurrency: 8,
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
