//! The JSON the server sends: answers, chunks, usage, logprobs and the list of models.
//!
//! Owns the field names and what is `null` where; never decides what is sent.

use super::fault::MODELS;
use super::telling::{Ending, Step};
use serde::Serialize;
use serde_json::{Value, json};

/// A token with its probability.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct Candidate {
    /// The o200k token, which only llama.cpp's protocol gives.
    #[serde(skip)]
    pub(super) id: u32,
    pub(super) token: String,
    /// Natural logarithm, before temperature.
    pub(super) logprob: f64,
    /// `null` for a token that has none, such as the end of the text.
    pub(super) bytes: Option<Vec<u8>>,
}

/// A token of the answer and what could have stood there.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct Logprob {
    #[serde(flatten)]
    pub(super) chosen: Candidate,
    pub(super) top_logprobs: Vec<Candidate>,
}

/// Tokens billed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Usage {
    pub(super) prompt: u64,
    pub(super) completion: u64,
    /// Part of the completion that was reasoning.
    pub(super) reasoning: u64,
}

impl Usage {
    fn json(self) -> Value {
        json!({
            "prompt_tokens": self.prompt,
            "completion_tokens": self.completion,
            "total_tokens": self.prompt + self.completion,
            "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
            "completion_tokens_details": {
                "reasoning_tokens": self.reasoning,
                "audio_tokens": 0,
                "accepted_prediction_tokens": 0,
                "rejected_prediction_tokens": 0,
            },
        })
    }
}

/// One complete choice of an answer that is not streamed.
#[derive(Debug, Default)]
pub(super) struct Choice {
    pub(super) text: String,
    pub(super) tokens: Vec<Logprob>,
    pub(super) ending: Option<Ending>,
}

/// What all chunks of one answer have in common.
#[derive(Debug, Clone)]
pub(super) struct Header {
    pub(super) id: String,
    /// Seconds since 1970.
    pub(super) created: u64,
    pub(super) model: String,
    /// Whether the answer carries logprobs; the field is `null` otherwise.
    pub(super) logprobs: bool,
    /// Whether every chunk carries a usage, `null` but in the last one.
    pub(super) usage: bool,
}

impl Header {
    fn object(&self, object: &str, choices: &Value) -> Value {
        json!({
            "id": self.id,
            "object": object,
            "created": self.created,
            "model": self.model,
            "system_fingerprint": concat!("fp_", env!("CARGO_PKG_VERSION")),
            "choices": choices,
        })
    }

    fn logprobs(&self, tokens: &[Logprob]) -> Value {
        if self.logprobs { json!({"content": tokens, "refusal": null}) } else { Value::Null }
    }

    /// Returns a whole answer.
    pub(super) fn answer(&self, choices: &[Choice], reasoning: Option<&str>, usage: Usage) -> Value {
        let choices = choices.iter().enumerate().map(|(index, choice)| {
            let mut message = json!({
                "role": "assistant", "content": choice.text, "refusal": null, "annotations": [],
            });
            if let Some(reasoning) = reasoning {
                message["reasoning_content"] = reasoning.into();
            }
            json!({
                "index": index,
                "message": message,
                "logprobs": self.logprobs(&choice.tokens),
                "finish_reason": choice.ending.map(Ending::name),
            })
        });
        let mut body = self.object("chat.completion", &choices.collect());
        body["usage"] = usage.json();
        body["service_tier"] = "default".into();
        body
    }

    /// Returns the chunk that opens a choice.
    pub(super) fn opening(&self, index: usize) -> Value {
        self.chunk(index, &json!({"role": "assistant", "content": "", "refusal": null}), &Value::Null, None)
    }

    /// Returns a chunk of reasoning.
    pub(super) fn reasoning(&self, index: usize, text: &str) -> Value {
        self.chunk(index, &json!({"reasoning_content": text}), &Value::Null, None)
    }

    /// Returns the chunk with what a step brought, if it brought anything.
    pub(super) fn content(&self, index: usize, step: &Step) -> Option<Value> {
        if step.text.is_empty() && step.tokens.is_empty() {
            return None;
        }
        Some(self.chunk(index, &json!({"content": step.text}), &self.logprobs(&step.tokens), None))
    }

    /// Returns the chunk that closes a choice.
    pub(super) fn closing(&self, index: usize, ending: Ending) -> Value {
        self.chunk(index, &json!({}), &Value::Null, Some(ending))
    }

    /// Returns the chunk with the usage, which has no choices.
    pub(super) fn usage(&self, usage: Usage) -> Value {
        let mut chunk = self.object("chat.completion.chunk", &json!([]));
        chunk["usage"] = usage.json();
        chunk
    }

    fn chunk(&self, index: usize, delta: &Value, logprobs: &Value, ending: Option<Ending>) -> Value {
        let mut chunk = self.object(
            "chat.completion.chunk",
            &json!([{
                "index": index,
                "delta": delta,
                "logprobs": logprobs,
                "finish_reason": ending.map(Ending::name),
            }]),
        );
        if self.usage {
            chunk["usage"] = Value::Null;
        }
        chunk
    }
}

/// Returns the list of models.
pub(super) fn models(created: u64) -> Value {
    let list: Vec<Value> = MODELS.iter().map(|(name, _)| model(name, created)).collect();
    json!({"object": "list", "data": list})
}

/// Returns one entry of that list.
pub(super) fn model(name: &str, created: u64) -> Value {
    json!({"id": name, "object": "model", "created": created, "owned_by": "tokenscope"})
}
