//! The reply side of Chat Completions, as tolerant types: one shape for stream events and documents.
//!
//! Owns which field means what on which server; never keeps state between events. Borrowed from the
//! input, so an event costs little more than its text and tokens.
//!
//! Invariant: fields that are missing, null or of another type read as absent.

use super::json::{ByteList, List, Maybe, Number, Text};
use super::said::Said;
use crate::core::stream::Usage;
use crate::core::token::{Candidate, Piece, Token, logprob_from};
use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::fmt::{self, Formatter};

/// One event of a stream, or a whole document.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Reply<'a> {
    /// The model that answers; empty in Azure's first event.
    #[serde(borrow)]
    model: Text<'a>,
    /// `error` in vLLM's failures, which have their message at the top.
    #[serde(borrow)]
    object: Text<'a>,
    #[serde(borrow)]
    choices: Option<List<Choice<'a>>>,
    usage: Maybe<WireUsage>,
    /// Groq reports the usage of a stream here.
    x_groq: Maybe<Groq>,
    #[serde(borrow)]
    error: Option<&'a RawValue>,
}

impl<'a> Reply<'a> {
    /// Returns what it says of one of its choices, counted from 0.
    pub(super) fn said(mut self, choice: u64) -> Said {
        let mut said = Said {
            is_error: self.is_error(),
            is_reply: self.choices.is_some(),
            choices: self.indices().max().map_or(0, |last| last.saturating_add(1)),
            usage: self.usage(),
            ..Said::default()
        };
        if let Some(mut choice) = self.choice(choice) {
            said.is_answer = true;
            let message = choice.message().unwrap_or_default();
            // Tokens that come with reasoning alone are the reasoning's; among the answer's they would
            // shift the answer's text against its tokens.
            if message.reasoning().is_empty() || !message.text().is_empty() {
                said.tokens.extend(choice.tokens());
            }
            message.text().clone_into(&mut said.text);
            message.reasoning().clone_into(&mut said.reasoning);
            said.finish = choice.finish_reason.0.into_owned();
        }
        said.model = self.model.0.into_owned();
        said
    }

    fn is_error(&self) -> bool {
        is_set(self.error)
            || self.object.0 == "error"
            || self.choices.iter().flat_map(|choices| &choices.0).any(|choice| is_set(choice.error))
    }

    /// Returns the choices' indices; where a server gives none, their places.
    fn indices(&self) -> impl Iterator<Item = u64> {
        let choices = self.choices.iter().flat_map(|choices| &choices.0);
        (0u64..).zip(choices).map(|(place, choice)| choice.index.count().unwrap_or(place))
    }

    /// Returns one choice; with more than one (`n`), the others are other answers.
    fn choice(&mut self, wanted: u64) -> Option<Choice<'a>> {
        let at = self.indices().position(|index| index == wanted)?;
        Some(self.choices.as_mut()?.0.swap_remove(at))
    }

    /// Returns the tokens billed, where the server says.
    fn usage(&self) -> Option<Usage> {
        let groq = self.x_groq.0.as_ref().and_then(|groq| groq.usage.0.as_ref());
        self.usage.0.as_ref().or(groq)?.usage()
    }
}

/// Whether an `error` field says anything.
pub(super) fn is_set(error: Option<&RawValue>) -> bool {
    error.is_some_and(|raw| !matches!(raw.get(), "null" | "false" | "\"\"" | "{}" | "0"))
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Groq {
    usage: Maybe<WireUsage>,
}

/// One answer, or its next piece.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Choice<'a> {
    index: Number,
    #[serde(borrow)]
    delta: Maybe<Message<'a>>,
    #[serde(borrow)]
    message: Maybe<Message<'a>>,
    #[serde(borrow)]
    logprobs: Maybe<Logprobs<'a>>,
    /// Why the answer ended; empty while it goes on.
    #[serde(borrow)]
    finish_reason: Text<'a>,
    #[serde(borrow)]
    error: Option<&'a RawValue>,
}

impl<'a> Choice<'a> {
    /// Returns what is said: by the delta of a stream, or the message of a document.
    fn message(&mut self) -> Option<Message<'a>> {
        self.delta.0.take().or_else(|| self.message.0.take())
    }

    /// Returns the tokens in order, a refusal's included.
    fn tokens(&mut self) -> impl Iterator<Item = Token> + use<'a> {
        let logprobs = self.logprobs.0.take().unwrap_or_default();
        logprobs.content.0.into_iter().chain(logprobs.refusal.0).map(WireToken::token)
    }
}

/// The text of a delta or message. Servers differ in where they put reasoning.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Message<'a> {
    #[serde(borrow)]
    content: Content<'a>,
    #[serde(borrow)]
    refusal: Text<'a>,
    // Two fields, not aliases of one: vLLM sends both with the same text.
    #[serde(borrow)]
    reasoning_content: Text<'a>,
    #[serde(borrow)]
    reasoning: Text<'a>,
}

impl Message<'_> {
    /// Returns the text of the answer; a refusal is one.
    fn text(&self) -> &str {
        if self.content.text.is_empty() { &self.refusal.0 } else { &self.content.text }
    }

    /// Returns the text of the reasoning.
    fn reasoning(&self) -> &str {
        [&self.reasoning_content.0, &self.reasoning.0, &self.content.reasoning]
            .into_iter()
            .find(|text| !text.is_empty())
            .map_or("", AsRef::as_ref)
    }
}

/// A string, or parts of text and thinking as Mistral sends them; anything else reads as empty.
#[derive(Debug, Default)]
struct Content<'a> {
    text: Cow<'a, str>,
    reasoning: Cow<'a, str>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Part<'a> {
    #[serde(borrow)]
    text: Content<'a>,
    #[serde(borrow)]
    thinking: Content<'a>,
}

impl<'de: 'a, 'a> Deserialize<'de> for Content<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ContentVisitor;
        impl<'de> Visitor<'de> for ContentVisitor {
            type Value = Content<'de>;
            fn expecting(&self, f: &mut Formatter<'_>) -> fmt::Result {
                f.write_str("any value")
            }
            fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
                Ok(Content::default())
            }
            fn visit_bool<E: Error>(self, _: bool) -> Result<Self::Value, E> {
                Ok(Content::default())
            }
            fn visit_i64<E: Error>(self, _: i64) -> Result<Self::Value, E> {
                Ok(Content::default())
            }
            fn visit_u64<E: Error>(self, _: u64) -> Result<Self::Value, E> {
                Ok(Content::default())
            }
            fn visit_f64<E: Error>(self, _: f64) -> Result<Self::Value, E> {
                Ok(Content::default())
            }
            fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Self::Value, E> {
                Ok(Content { text: Cow::Borrowed(text), reasoning: Cow::Borrowed("") })
            }
            fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
                Ok(Content { text: Cow::Owned(text.to_owned()), reasoning: Cow::Borrowed("") })
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
                let mut all = Content::default();
                while let Some(Content { text, reasoning }) = seq.next_element()? {
                    all.text += text;
                    all.reasoning += reasoning;
                }
                Ok(all)
            }
            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
                let part = Part::deserialize(MapAccessDeserializer::new(map))?;
                Ok(Content { text: part.text.text, reasoning: part.thinking.text })
            }
        }
        deserializer.deserialize_any(ContentVisitor)
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Logprobs<'a> {
    #[serde(borrow)]
    content: List<WireToken<'a>>,
    #[serde(borrow)]
    refusal: List<WireToken<'a>>,
}

/// One token with its candidates, as Chat Completions and its kin write them.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct WireToken<'a> {
    #[serde(borrow)]
    token: Text<'a>,
    logprob: Number,
    bytes: ByteList,
    /// llama.cpp and its kin say which token of the vocabulary it is.
    id: Number,
    #[serde(borrow)]
    top_logprobs: List<WireCandidate<'a>>,
}

impl WireToken<'_> {
    /// Returns the token.
    pub(super) fn token(self) -> Token {
        let candidates = self.top_logprobs.0.into_iter().map(|candidate| Candidate {
            piece: Piece::new(candidate.token.0, candidate.bytes.0),
            logprob: candidate.logprob.0.and_then(logprob_from),
            id: candidate.id.id(),
        });
        Token {
            piece: Piece::new(self.token.0, self.bytes.0),
            logprob: self.logprob.0.and_then(logprob_from),
            candidates: candidates.collect(),
            id: self.id.id(),
        }
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct WireCandidate<'a> {
    #[serde(borrow)]
    token: Text<'a>,
    logprob: Number,
    bytes: ByteList,
    id: Number,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct WireUsage {
    prompt_tokens: Number,
    completion_tokens: Number,
    total_tokens: Number,
    /// DeepSeek's name for the cached part of the prompt.
    prompt_cache_hit_tokens: Number,
    prompt_tokens_details: Maybe<PromptDetails>,
    completion_tokens_details: Maybe<CompletionDetails>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct PromptDetails {
    cached_tokens: Number,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct CompletionDetails {
    reasoning_tokens: Number,
}

impl WireUsage {
    /// Returns the figures, or `None` when the prompt's and the answer's cannot both be told.
    fn usage(&self) -> Option<Usage> {
        let input_tokens = self.prompt_tokens.count()?;
        let total = self.total_tokens.count();
        let output_tokens = self.completion_tokens.count().or_else(|| total?.checked_sub(input_tokens))?;
        let cached = self.prompt_tokens_details.0.as_ref().and_then(|details| details.cached_tokens.count());
        let reasoning =
            self.completion_tokens_details.0.as_ref().and_then(|details| details.reasoning_tokens.count());
        Some(Usage {
            input_tokens,
            cached_input_tokens: cached.or(self.prompt_cache_hit_tokens.count()).unwrap_or(0),
            output_tokens,
            reasoning_tokens: reasoning.unwrap_or(0),
        })
    }
}

/// The names in a model list.
///
/// OpenAI's form is `{"data":[{"id"}]}`; Together sends the bare list, Ollama and llama.cpp `models`
/// with `name`. Names that hold control characters are no names and are left out.
pub(super) fn model_names(text: &str) -> Result<Option<Vec<String>>, serde_json::Error> {
    #[derive(Default, Deserialize)]
    #[serde(default)]
    struct Entry<'a> {
        #[serde(borrow)]
        id: Text<'a>,
        #[serde(borrow)]
        name: Text<'a>,
    }
    #[derive(Default, Deserialize)]
    #[serde(default)]
    struct Listing<'a> {
        #[serde(borrow)]
        data: Option<List<Entry<'a>>>,
        #[serde(borrow)]
        models: Option<List<Entry<'a>>>,
    }
    let entries = if text.trim_start().starts_with('[') {
        serde_json::from_str::<List<Entry<'_>>>(text)?
    } else {
        let Maybe(listing) = serde_json::from_str::<Maybe<Listing<'_>>>(text)?;
        match listing.and_then(|listing| listing.data.or(listing.models)) {
            Some(entries) => entries,
            None => return Ok(None),
        }
    };
    let mut names: Vec<String> = Vec::new();
    for Entry { id, name } in entries.0 {
        let name = if id.0.is_empty() { name.0 } else { id.0 };
        if !name.is_empty() && !name.chars().any(char::is_control) && !names.iter().any(|seen| *seen == name)
        {
            names.push(name.into_owned());
        }
    }
    Ok(Some(names))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Reply<'_> {
        serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
    }

    fn text_of(json: &str) -> (String, String) {
        let message = parse(json).choice(0).unwrap().message().unwrap();
        (message.text().to_owned(), message.reasoning().to_owned())
    }

    #[test]
    fn frames_that_break_strict_types_are_read() {
        let frames = [
            r#"{"choices":null}"#,
            r#"{"choices":[null,{"delta":null,"finish_reason":""}],"created":1.5,"service_tier":"on_demand"}"#,
            r#"{"choices":[{"delta":{"tool_calls":[{"function":{"name":"f"}}],"role":"model"}}],"usage":{}}"#,
            r#"{"choices":[{"delta":"x","logprobs":[]}],"usage":null,"model":7,"error":null}"#,
            r#"{"choices":[],"prompt_filter_results":[{"prompt_index":0}],"id":"","model":""}"#,
        ];
        for frame in frames {
            let reply = parse(frame);
            assert!(!reply.is_error(), "{frame}");
            assert_eq!(reply.usage(), None, "{frame}");
        }
    }

    #[test]
    fn reasoning_is_found_wherever_it_is_put() {
        let same = ("a".to_owned(), "r".to_owned());
        for delta in [
            r#"{"content":"a","reasoning_content":"r"}"#,
            r#"{"content":"a","reasoning":"r"}"#,
            r#"{"content":"a","reasoning":"r","reasoning_content":"r"}"#,
            r#"{"content":[{"type":"thinking","thinking":[{"type":"text","text":"r"}]},{"type":"text","text":"a"}]}"#,
            r#"{"content":[{"type":"thinking","thinking":"r"},"a"]}"#,
        ] {
            assert_eq!(text_of(&format!(r#"{{"choices":[{{"delta":{delta}}}]}}"#)), same, "{delta}");
        }
    }

    #[test]
    fn a_document_and_a_refusal_are_answers() {
        assert_eq!(text_of(r#"{"choices":[{"message":{"content":"a"}}]}"#).0, "a");
        assert_eq!(text_of(r#"{"choices":[{"delta":{"content":null,"refusal":"no"}}]}"#).0, "no");
    }

    #[test]
    fn tokens_keep_bytes_order_and_sentinels() {
        let json = r#"{"choices":[{"logprobs":{"content":[
            {"token":"\\xf0\\x9f","logprob":-0.5,"bytes":[240,159],"top_logprobs":[
                {"token":"b","logprob":-9999.0,"bytes":null},{"token":"a","logprob":"-0.25"}]},
            {"token":"x","logprob":null},null]}}]}"#;
        let tokens: Vec<Token> = parse(json).choice(0).unwrap().tokens().collect();
        let candidate = |text, logprob| Candidate { piece: Piece::new(text, None), logprob, id: None };
        let expected = [
            Token {
                piece: Piece::new("\\xf0\\x9f", Some(vec![240, 159])),
                logprob: Some(-0.5),
                candidates: Box::new([candidate("b", None), candidate("a", Some(-0.25))]),
                id: None,
            },
            Token { piece: Piece::new("x", None), logprob: None, candidates: Box::new([]), id: None },
        ];
        assert_eq!(tokens, expected);
    }

    #[test]
    fn usage_is_read_in_every_dialect() {
        let usage = |input_tokens, cached_input_tokens, output_tokens, reasoning_tokens| {
            Some(Usage { input_tokens, cached_input_tokens, output_tokens, reasoning_tokens })
        };
        let cases = [
            (
                r#"{"usage":{"prompt_tokens":9,"completion_tokens":5,"prompt_tokens_details":{"cached_tokens":4},
                    "completion_tokens_details":{"reasoning_tokens":3}}}"#,
                usage(9, 4, 5, 3),
            ),
            (r#"{"usage":{"prompt_tokens":9,"total_tokens":14}}"#, usage(9, 0, 5, 0)),
            (
                r#"{"usage":{"prompt_tokens":"9","completion_tokens":5.0,"prompt_cache_hit_tokens":2}}"#,
                usage(9, 2, 5, 0),
            ),
            (
                r#"{"usage":null,"x_groq":{"usage":{"prompt_tokens":1,"completion_tokens":2}}}"#,
                usage(1, 0, 2, 0),
            ),
            (r#"{"usage":{"total_tokens":14}}"#, None),
        ];
        for (json, expected) in cases {
            assert_eq!(parse(json).usage(), expected, "{json}");
        }
    }

    #[test]
    fn failures_are_seen_in_every_shape() {
        for json in [
            r#"{"error":{"message":"m","code":400}}"#,
            r#"{"error":"m"}"#,
            r#"{"object":"error","message":"m"}"#,
            r#"{"choices":[{"delta":{},"finish_reason":"error","error":{"message":"m"}}]}"#,
        ] {
            assert!(parse(json).is_error(), "{json}");
        }
        assert!(!parse(r#"{"error":{}}"#).is_error());
    }

    #[test]
    fn only_the_first_of_several_answers_is_taken() {
        let json = r#"{"choices":[{"index":1,"delta":{"content":"b"}},{"index":0,"delta":{"content":"a"}}]}"#;
        assert_eq!(text_of(json).0, "a");
        assert!(parse(r#"{"choices":[{"index":1,"delta":{"content":"b"}}]}"#).choice(0).is_none());
    }

    #[test]
    fn model_lists_come_in_three_shapes() {
        for list in [
            r#"{"object":"list","data":[{"id":"a"},{"id":"b"},{"id":"a"},{"id":"\u001b[2J"},{}]}"#,
            r#"{"models":[{"name":"a"},{"name":"b"}]}"#,
            r#"[{"id":"a"},{"id":"b"}]"#,
        ] {
            assert_eq!(model_names(list).unwrap().unwrap(), ["a", "b"], "{list}");
        }
        assert_eq!(model_names(r#"{"error":"x"}"#).unwrap(), None);
        assert!(model_names("<html>").is_err());
    }
}
