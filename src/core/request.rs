//! A complete, immutable description of one call.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Who speaks in a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Instructions; `developer` on the wire of some models is the same.
    #[serde(alias = "developer")]
    System,
    /// The person.
    User,
    /// The model.
    #[serde(alias = "model")]
    Assistant,
}

impl Role {
    /// Returns the name used on the wire and on screen.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::User => "user",
            Self::Assistant => "assistant",
        }
    }
}

/// One message as it is sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Prompt {
    /// Who speaks.
    pub role: Role,
    /// The text; shared, because a conversation sends its history with every request.
    pub content: Arc<str>,
}

impl Prompt {
    /// Returns a message of `role` that says `content`.
    pub fn new(role: Role, content: impl Into<Arc<str>>) -> Self {
        Self { role, content: content.into() }
    }
}

/// The sampling parameters. `None` means omitted: the field is not sent and the server decides.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Sampling {
    /// Temperature, 0 to 2.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub temperature: Option<f64>,
    /// Nucleus mass, above 0 to 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub top_p: Option<f64>,
    /// Longest answer in tokens.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_output_tokens: Option<u32>,
    /// Seed, for servers that have one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seed: Option<i64>,
    /// Texts at which the answer ends; at most four on most servers.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub stop: Vec<String>,
    /// Presence penalty, -2 to 2.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub presence_penalty: Option<f64>,
    /// Frequency penalty, -2 to 2.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub frequency_penalty: Option<f64>,
    /// Added to the logits of token ids, -100 to 100.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub logit_bias: BTreeMap<u32, f64>,
    /// How many candidates to ask for per token, 0 to 20; `None` asks for no logprobs at all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub top_logprobs: Option<u8>,
    /// Further fields of the body, for servers that have more (`top_k`, `min_p`, …).
    #[serde(skip_serializing_if = "serde_json::Map::is_empty")]
    pub extra: serde_json::Map<String, serde_json::Value>,
}

/// One call: where it goes, what it says, how it samples.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Request {
    /// Name of the endpoint in the configuration.
    pub endpoint: Arc<str>,
    /// Model name as the endpoint knows it.
    pub model: Arc<str>,
    /// The messages in order, the system message included.
    pub messages: Vec<Prompt>,
    /// How the answer is sampled.
    pub sampling: Sampling,
    /// Whether the answer is asked for piece by piece.
    pub stream: bool,
}
