//! The JSON of llama.cpp's own routes: completions, parts of streams, properties and errors.
//!
//! Owns the field names and llama.cpp's habits: a character of several tokens has one entry, which
//! carries the whole character's text and bytes, but the id and the probabilities of the last token
//! alone. All ids are in `tokens` of an answer that is not streamed. Never decides what is sent.

use super::body::{Candidate, Logprob};
use super::chat::WINDOW;
use super::fault::MODEL;
use super::model::{END_TEXT, Settings, Stage};
use super::refusal::Refusal;
use super::telling::{Ending, Step};
use super::template::JINJA;
use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value, json};
use std::time::Duration;

/// What all parts of one answer have in common.
pub(super) struct Head {
    pub(super) model: String,
    /// The prompt as text.
    pub(super) prompt: String,
    /// Tokens of the prompt.
    pub(super) evaluated: u64,
    pub(super) settings: Settings,
    pub(super) seed: Option<u64>,
    pub(super) most_tokens: Option<u64>,
    /// Number of candidates beside each token; `None` gives no probabilities.
    pub(super) candidates: Option<usize>,
    pub(super) after_sampling: bool,
    pub(super) return_tokens: bool,
    pub(super) stream: bool,
    pub(super) stop: Vec<String>,
}

/// What an answer turned out to be.
#[derive(Debug, Default)]
pub(super) struct Settled {
    pub(super) text: String,
    pub(super) tokens: Vec<u32>,
    pub(super) entries: Vec<Value>,
    /// Tokens generated.
    pub(super) predicted: u64,
    /// How long the prompt and the answer took.
    pub(super) times: [Duration; 2],
}

impl Head {
    /// Returns a part of a stream.
    pub(super) fn part(&self, step: &Step, predicted: u64) -> Value {
        let last = step.tokens.last().map(|token| token.chosen.id);
        let mut body = json!({
            "index": 0,
            "content": step.text,
            "tokens": last.into_iter().collect::<Vec<u32>>(),
            "stop": false,
            "id_slot": 0,
            "tokens_predicted": predicted,
            "tokens_evaluated": self.evaluated,
        });
        if self.candidates.is_some() {
            body["completion_probabilities"] = entries(&step.tokens, self.after_sampling).into();
        }
        body
    }

    /// Returns the whole answer, or what ends a stream.
    pub(super) fn end(&self, settled: &Settled, ending: Ending) -> Value {
        let (kind, word) = match ending {
            Ending::Stop => ("eos", ""),
            Ending::Length => ("limit", ""),
            Ending::Word(which) => ("word", self.stop.get(which).map_or("", String::as_str)),
        };
        let tokens: &[u32] = if self.return_tokens && !self.stream { &settled.tokens } else { &[] };
        let mut body = json!({
            "index": 0,
            "content": if self.stream { "" } else { &settled.text },
            "tokens": tokens,
            "id_slot": 0,
            "stop": true,
            "model": self.model,
            "tokens_predicted": settled.predicted,
            "tokens_evaluated": self.evaluated,
            "generation_settings": self.settings(),
            "prompt": self.prompt,
            "has_new_line": settled.text.contains('\n'),
            "truncated": false,
            "stop_type": kind,
            "stopping_word": word,
            "tokens_cached": self.evaluated + settled.predicted,
            "timings": timings(self.evaluated, settled),
        });
        if self.candidates.is_some() && !self.stream {
            body["completion_probabilities"] = settled.entries.clone().into();
        }
        body
    }

    fn settings(&self) -> Value {
        let mut settings = settings(&self.settings, self.seed);
        let most = self.most_tokens.and_then(|most| i64::try_from(most).ok()).unwrap_or(-1);
        settings["n_predict"] = most.into();
        settings["max_tokens"] = most.into();
        settings["n_probs"] = self.candidates.unwrap_or(0).into();
        settings["post_sampling_probs"] = self.after_sampling.into();
        settings["stream"] = self.stream.into();
        settings["stop"] = self.stop.clone().into();
        settings
    }
}

/// Returns the entries of tokens that are told together.
pub(super) fn entries(tokens: &[Logprob], after_sampling: bool) -> Vec<Value> {
    let mut entries = Vec::new();
    let mut bytes: Vec<u8> = Vec::new();
    for (at, token) in tokens.iter().enumerate() {
        let own = token.chosen.bytes.as_deref().unwrap_or(token.chosen.token.as_bytes());
        bytes.extend_from_slice(own);
        let is_part = std::str::from_utf8(&bytes).is_err_and(|error| error.error_len().is_none());
        if is_part && at + 1 < tokens.len() {
            continue;
        }
        let mut entry = candidate(&token.chosen, after_sampling);
        entry["token"] = beginning(&bytes).into();
        if token.chosen.bytes.is_some() {
            entry["bytes"] = bytes.clone().into();
        }
        let list: Vec<Value> = token.top_logprobs.iter().map(|c| candidate(c, after_sampling)).collect();
        entry[if after_sampling { "top_probs" } else { "top_logprobs" }] = list.into();
        entries.push(entry);
        bytes.clear();
    }
    entries
}

/// Returns the whole characters bytes begin with.
fn beginning(bytes: &[u8]) -> &str {
    bytes.utf8_chunks().next().map_or("", |chunk| chunk.valid())
}

/// Returns a token with its probability; of a part of a character, only the bytes are given.
fn candidate(candidate: &Candidate, after_sampling: bool) -> Value {
    let text = match &candidate.bytes {
        Some(bytes) => beginning(bytes),
        None => &candidate.token,
    };
    let (name, value) =
        if after_sampling { ("prob", candidate.logprob.exp()) } else { ("logprob", candidate.logprob) };
    json!({"id": candidate.id, "token": text, "bytes": candidate.bytes, name: value})
}

fn settings(settings: &Settings, seed: Option<u64>) -> Value {
    let samplers: Vec<&str> = settings
        .order
        .iter()
        .map(|stage| match stage {
            Stage::Temperature => "temperature",
            Stage::TopK => "top_k",
            Stage::TopP => "top_p",
            Stage::MinP => "min_p",
        })
        .collect();
    json!({
        "seed": seed.unwrap_or(0xffff_ffff),
        "temperature": settings.temperature,
        "top_k": settings.top_k.unwrap_or(0),
        "top_p": settings.top_p,
        "min_p": settings.min_p,
        "presence_penalty": settings.presence_penalty,
        "frequency_penalty": settings.frequency_penalty,
        "n_predict": -1,
        "max_tokens": -1,
        "n_probs": 0,
        "post_sampling_probs": false,
        "stream": false,
        "stop": [],
        "samplers": samplers,
    })
}

#[expect(clippy::cast_precision_loss, reason = "tokens of one window")]
fn timings(evaluated: u64, settled: &Settled) -> Value {
    let mut timings = Map::new();
    timings.insert("cache_n".to_owned(), 0.into());
    for (name, count, time) in
        [("prompt", evaluated, settled.times[0]), ("predicted", settled.predicted, settled.times[1])]
    {
        let ms = time.as_secs_f64() * 1000.0;
        let tokens = count as f64;
        timings.insert(format!("{name}_n"), count.into());
        timings.insert(format!("{name}_ms"), ms.into());
        timings.insert(format!("{name}_per_token_ms"), (ms / tokens.max(1.0)).into());
        timings.insert(format!("{name}_per_second"), (tokens * 1000.0 / ms.max(1e-3)).into());
    }
    timings.into()
}

/// Returns what the server is.
pub(super) fn props(defaults: &Settings) -> Value {
    json!({
        "default_generation_settings": {
            "id": 0,
            "is_processing": false,
            "n_ctx": WINDOW,
            "params": settings(defaults, None),
        },
        "total_slots": 1,
        "model_alias": MODEL,
        "chat_template": JINJA,
        "modalities": {"vision": false, "audio": false},
        "bos_token": "",
        "eos_token": END_TEXT,
        "build_info": concat!("tokenscope-sandbox-", env!("CARGO_PKG_VERSION")),
        "is_sleeping": false,
    })
}

/// Returns a refusal as llama.cpp words them: the code is the status.
pub(super) fn plain_error(refusal: &Refusal) -> Response {
    let (status, kind, message) = refusal.parts();
    let kind = if status == StatusCode::NOT_FOUND { "not_found_error" } else { kind };
    let body = json!({"error": {"code": status.as_u16(), "message": message, "type": kind}});
    refusal.timed((status, Json(body)).into_response())
}

/// Returns the refusal of a prompt that fills the window.
pub(super) fn too_long(evaluated: u64) -> Response {
    let status = StatusCode::BAD_REQUEST;
    let message = format!(
        "request ({evaluated} tokens) exceeds the available context size ({WINDOW} tokens), try increasing it"
    );
    let body = json!({"error": {
        "code": status.as_u16(),
        "message": message,
        "type": "exceed_context_size_error",
        "n_prompt_tokens": evaluated,
        "n_ctx": WINDOW,
    }});
    (status, Json(body)).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(id: u32, bytes: &[u8], logprob: f64) -> Logprob {
        let text = String::from_utf8_lossy(bytes).into_owned();
        let chosen = Candidate { id, token: text, logprob, bytes: Some(bytes.to_vec()) };
        Logprob { top_logprobs: vec![chosen.clone()], chosen }
    }

    #[test]
    fn a_character_of_several_tokens_has_one_entry() {
        let smile = "🙂".as_bytes();
        let tokens = [token(1, b"a", -0.5), token(2, &smile[..2], -1.0), token(3, &smile[2..], -0.25)];
        let entries = entries(&tokens, false);
        assert_eq!(entries.len(), 2);
        assert_eq!((&entries[1]["id"], &entries[1]["token"]), (&json!(3), &json!("🙂")));
        assert_eq!((&entries[1]["bytes"], &entries[1]["logprob"]), (&json!(smile), &json!(-0.25)));
        let part = &entries[1]["top_logprobs"][0];
        assert_eq!((&part["token"], &part["bytes"]), (&json!(""), &json!(&smile[2..])));
    }

    #[test]
    fn after_sampling_there_are_probabilities() {
        let entries = entries(&[token(1, b"a", 0.5f64.ln())], true);
        assert_eq!((&entries[0]["prob"], &entries[0]["top_probs"][0]["prob"]), (&json!(0.5), &json!(0.5)));
        assert!(entries[0].get("logprob").is_none() && entries[0].get("top_logprobs").is_none());
    }
}
