//! The reply side of the Responses API, as tolerant types: documents and the events of a stream.
//!
//! Owns where that wire keeps text, tokens, reasoning and usage. Never keeps state between events.
//!
//! Invariant: fields that are missing, null or of another type read as absent.

use super::json::{List, Maybe, Number, Text};
use super::reply::{WireToken, is_set};
use super::said::Said;
use crate::core::stream::Usage;
use serde::Deserialize;
use serde_json::value::RawValue;

/// A response object.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Response<'a> {
    #[serde(borrow)]
    model: Text<'a>,
    #[serde(borrow)]
    status: Text<'a>,
    #[serde(borrow)]
    output: List<Item<'a>>,
    usage: Maybe<WireUsage>,
    #[serde(borrow)]
    incomplete_details: Maybe<Incomplete<'a>>,
    temperature: Number,
    #[serde(borrow)]
    error: Option<&'a RawValue>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Incomplete<'a> {
    #[serde(borrow)]
    reason: Text<'a>,
}

/// An entry of the output: a message, reasoning, or a call.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Item<'a> {
    #[serde(borrow, rename = "type")]
    kind: Text<'a>,
    #[serde(borrow)]
    content: List<Part<'a>>,
    #[serde(borrow)]
    summary: List<Part<'a>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Part<'a> {
    #[serde(borrow)]
    text: Text<'a>,
    #[serde(borrow)]
    refusal: Text<'a>,
    #[serde(borrow)]
    logprobs: List<WireToken<'a>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct WireUsage {
    input_tokens: Number,
    output_tokens: Number,
    input_tokens_details: Maybe<InputDetails>,
    output_tokens_details: Maybe<OutputDetails>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct InputDetails {
    cached_tokens: Number,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct OutputDetails {
    reasoning_tokens: Number,
}

impl WireUsage {
    fn usage(&self) -> Option<Usage> {
        let cached = self.input_tokens_details.0.as_ref().and_then(|details| details.cached_tokens.count());
        let reasoning =
            self.output_tokens_details.0.as_ref().and_then(|details| details.reasoning_tokens.count());
        Some(Usage {
            input_tokens: self.input_tokens.count()?,
            cached_input_tokens: cached.unwrap_or(0),
            output_tokens: self.output_tokens.count()?,
            reasoning_tokens: reasoning.unwrap_or(0),
        })
    }
}

impl Response<'_> {
    /// Returns what it says.
    pub(super) fn said(self) -> Said {
        let mut said = Said {
            is_error: is_set(self.error),
            is_reply: true,
            is_answer: true,
            usage: self.usage.0.as_ref().and_then(WireUsage::usage),
            model: self.model.0.into_owned(),
            temperature: self.temperature.0,
            ..Said::default()
        };
        let mut calls = false;
        for item in self.output.0 {
            calls |= item.kind.0.ends_with("_call");
            match item.kind.0.as_ref() {
                "message" | "" => {
                    for part in item.content.0 {
                        let text = if part.text.0.is_empty() { part.refusal.0 } else { part.text.0 };
                        said.text.push_str(&text);
                        said.tokens.extend(part.logprobs.0.into_iter().map(WireToken::token));
                    }
                }
                "reasoning" => {
                    let own = if item.content.0.is_empty() { item.summary.0 } else { item.content.0 };
                    said.reasoning.extend(own.iter().map(|part| part.text.0.as_ref()));
                }
                _ => {}
            }
        }
        let reason = self.incomplete_details.0.unwrap_or_default().reason.0;
        let finish = match (self.status.0.as_ref(), reason.as_ref()) {
            ("incomplete", "max_output_tokens") => "length",
            ("incomplete", reason) if !reason.is_empty() => reason,
            ("completed", _) if calls && said.text.is_empty() => "tool_calls",
            ("completed", _) => "stop",
            (status, _) => status,
        };
        finish.clone_into(&mut said.finish);
        said
    }
}

/// An event of a stream.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Event<'a> {
    #[serde(borrow, rename = "type")]
    kind: Text<'a>,
    #[serde(borrow)]
    delta: Text<'a>,
    #[serde(borrow)]
    logprobs: List<WireToken<'a>>,
    /// The response as it stands; whole in the last event.
    #[serde(borrow)]
    response: Maybe<Response<'a>>,
}

impl Event<'_> {
    /// Returns what it says.
    ///
    /// The last event repeats the whole answer, and only there do its tokens have bytes.
    pub(super) fn said(self) -> Said {
        let piece = Said { is_reply: true, is_answer: true, ..Said::default() };
        let delta = self.delta.0.into_owned();
        match self.kind.0.as_ref() {
            "response.output_text.delta" => {
                let tokens = self.logprobs.0.into_iter().map(WireToken::token).collect();
                Said { text: delta, tokens, ..piece }
            }
            "response.refusal.delta" => Said { text: delta, ..piece },
            "response.reasoning_text.delta" | "response.reasoning_summary_text.delta" => {
                Said { reasoning: delta, ..piece }
            }
            "response.completed" | "response.incomplete" | "response.failed" => {
                let response = self.response.0.map(Response::said).unwrap_or_default();
                Said { is_whole: true, ..response }
            }
            "error" => Said { is_error: true, ..Said::default() },
            _ => Said { is_reply: true, ..Said::default() },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(json: &str) -> Said {
        serde_json::from_str::<Response<'_>>(json).unwrap().said()
    }

    #[test]
    fn text_reasoning_tokens_and_usage_are_found() {
        let said = said(
            r#"{"object":"response","status":"incomplete","incomplete_details":{"reason":"max_output_tokens"},"model":"m",
            "output":[{"type":"reasoning","summary":[{"type":"summary_text","text":"r"}]},
            {"type":"web_search_call","status":"completed"},
            {"type":"message","role":"assistant","content":[{"type":"output_text","text":"가","annotations":[],
              "logprobs":[{"token":"가","logprob":-0.5,"bytes":[234,176,128],"top_logprobs":[]}]},
              {"type":"refusal","refusal":"나"}]}],
            "usage":{"input_tokens":9,"input_tokens_details":{"cached_tokens":4},"output_tokens":5,
              "output_tokens_details":{"reasoning_tokens":3}}}"#,
        );
        assert_eq!(
            (said.text.as_str(), said.reasoning.as_str(), said.finish.as_str()),
            ("가나", "r", "length")
        );
        assert_eq!(said.tokens[0].piece.given_bytes(), Some("가".as_bytes()));
        let usage = Usage { input_tokens: 9, cached_input_tokens: 4, output_tokens: 5, reasoning_tokens: 3 };
        assert_eq!(said.usage, Some(usage));
    }

    #[test]
    fn endings_have_the_names_of_chat_completions() {
        let finish = |json: &str| said(json).finish;
        assert_eq!(
            finish(r#"{"status":"completed","output":[{"type":"message","content":[{"text":"a"}]}]}"#),
            "stop"
        );
        assert_eq!(finish(r#"{"status":"completed","output":[{"type":"function_call"}]}"#), "tool_calls");
        let filtered = r#"{"status":"incomplete","incomplete_details":{"reason":"content_filter"}}"#;
        assert_eq!(finish(filtered), "content_filter");
        assert_eq!(finish(r#"{"status":"cancelled"}"#), "cancelled");
        assert!(said(r#"{"status":"failed","error":{"code":"server_error","message":"m"}}"#).is_error);
    }

    #[test]
    fn odd_types_read_as_absent() {
        for json in [
            r#"{"output":null,"usage":7,"model":[],"error":null}"#,
            r#"{"output":[null,{"type":"message","content":"x"},{"type":7,"content":[null,{"text":null}]}]}"#,
            "{}",
        ] {
            let said = said(json);
            assert_eq!(
                (said.text.as_str(), said.tokens.len(), said.usage, said.is_error),
                ("", 0, None, false)
            );
        }
    }
}
