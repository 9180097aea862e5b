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

/// The form an answer is asked to have.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ResponseFormat {
    /// Any text; what servers do where nothing is said.
    Text,
    /// Any JSON object. OpenAI refuses it unless the messages have the word JSON.
    JsonObject,
    /// JSON that a schema describes.
    JsonSchema {
        /// Name of the schema: letters, digits, `_` and `-`.
        name: Arc<str>,
        /// The schema; shared, because every request of a conversation carries it.
        schema: Arc<serde_json::Value>,
        /// Whether the server must refuse a schema it cannot keep to.
        strict: bool,
    },
}

/// Longest name of a schema that servers take.
const MAX_SCHEMA_NAME: usize = 64;

/// Name of a schema that has none which could be sent.
const UNNAMED: &str = "answer";

impl ResponseFormat {
    /// Returns the form that a schema describes. Around it there may be the envelope in which OpenAI's API
    /// takes one (`{"name": …, "schema": {…}}`, also inside `json_schema`); a name the envelope does not
    /// have is made of that of its file.
    #[must_use]
    pub fn of_schema(value: serde_json::Value, file: &str) -> Self {
        let sent = value.get("json_schema").unwrap_or(&value);
        let wrapped = sent.get("schema").filter(|schema| schema.is_object());
        let envelope = wrapped.is_some().then_some(sent);
        let given = envelope.and_then(|sent| sent.get("name")).and_then(serde_json::Value::as_str);
        let strict = envelope.and_then(|sent| sent.get("strict")).and_then(serde_json::Value::as_bool);
        let (name, strict) = (given.map_or_else(|| name_of(file), sendable).into(), strict.unwrap_or(true));
        let schema = Arc::new(wrapped.cloned().unwrap_or(value));
        Self::JsonSchema { name, schema, strict }
    }
}

/// Returns a name for the schema of a file, from the file's own.
#[must_use]
pub fn name_of(file: &str) -> String {
    let file = file.rsplit(['/', '\\']).next().unwrap_or(file);
    let stem = file.rsplit_once('.').map_or(file, |(stem, _)| stem);
    sendable(stem.trim_end_matches(".schema"))
}

/// Returns a name as servers take it: letters, digits, `_` and `-`.
fn sendable(name: &str) -> String {
    let is_taken = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    let name: String =
        name.chars().map(|c| if is_taken(c) { c } else { '_' }).take(MAX_SCHEMA_NAME).collect();
    if name.chars().all(|c| c == '_') { UNNAMED.to_owned() } else { name }
}

/// How a server is made to go on from a given beginning, the surest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Means {
    /// It takes the very tokens, by number.
    Exact,
    /// It takes the beginning as text, and cuts it into tokens itself.
    Prefill,
    /// It is asked to begin so, and may do otherwise.
    Asked,
}

impl Means {
    /// Returns the badge shown beside such an answer.
    #[must_use]
    pub fn badge(self) -> &'static str {
        match self {
            Self::Exact => "exact",
            Self::Prefill => "prefill",
            Self::Asked => "≈ asked",
        }
    }
}

/// A beginning from which the answer is to go on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Continuation {
    /// The beginning, as far as it is whole characters.
    pub prefix: Arc<str>,
    /// The numbers of the beginning's tokens, all of them; empty unless the means are exact.
    pub tokens: Arc<[u32]>,
    /// How the server is made to go on from it.
    pub means: Means,
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
    /// The form of the answer; `None` leaves it to the server.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub response_format: Option<ResponseFormat>,
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
    /// The beginning the answer is to go on from; `None` for a whole answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub continuation: Option<Continuation>,
    /// Whether the answer is asked for piece by piece.
    pub stream: bool,
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_schema_comes_with_or_without_its_envelope() {
        let plain = json!({"type": "object"});
        let envelope = json!({"name": "p", "schema": plain, "strict": false});
        let of = |value, called| match ResponseFormat::of_schema(value, called) {
            ResponseFormat::JsonSchema { name, schema, strict } => {
                (name.to_string(), (*schema).clone(), strict)
            }
            ResponseFormat::Text | ResponseFormat::JsonObject => panic!("no schema"),
        };
        assert_eq!(of(plain.clone(), "person"), ("person".to_owned(), plain.clone(), true));
        assert_eq!(of(json!({"json_schema": envelope}), "x"), ("p".to_owned(), plain.clone(), false));
        assert_eq!(of(envelope, "x"), ("p".to_owned(), plain, false));
    }

    #[test]
    fn names_are_those_servers_take() {
        assert_eq!(name_of("a/person.schema.json"), "person");
        assert_eq!(name_of("날씨 1.json"), "___1");
        assert_eq!([name_of("날씨.json"), name_of("")], [UNNAMED, UNNAMED]);
        assert_eq!(sendable(&"x".repeat(99)).len(), MAX_SCHEMA_NAME);
    }
}
