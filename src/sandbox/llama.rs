//! llama.cpp's own routes: `/completion`, `/tokenize`, `/detokenize`, `/apply-template` and `/props`.
//!
//! Owns reading their requests and the order of what is sent; the shapes are in `llama_body`. A prompt
//! may be token ids, so an answer can be gone on with from exactly the tokens it had. Fields that would
//! change how tokens are drawn and that this server does not know are refused, where llama.cpp leaves
//! unknown fields alone: an answer must not pretend to have been drawn in a way it was not.

use super::chat::{WINDOW, internal};
use super::fault::{self, Behaviour, MODEL, Pace};
use super::fields::{Fields, parse, wrong_type};
use super::llama_body::{Head, Settled, entries, plain_error, too_long};
use super::model::{Model, Random, Report, Settings, Stage};
use super::refusal::Refusal;
use super::request::{Continuation, logit_bias, stops, top_k, turns};
use super::sending::{Over, Pacer, Sink, cut_in_half};
use super::server::{self, State};
use super::telling::{Step, Telling};
use super::template::{self, Prompt};
use crate::tokenizer::Table;
use axum::Json;
use axum::body::Bytes;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use std::sync::Arc;
use tokio::time::Instant;

/// llama.cpp's defaults, which are not those of other servers.
const TEMPERATURE: f64 = 0.8;
const TOP_K: usize = 40;
const TOP_P: f64 = 0.95;
const MIN_P: f64 = 0.05;
/// Most candidates beside a token; llama.cpp knows no limit.
const MOST_CANDIDATES: i64 = 1000;
/// Fields that change nothing about the tokens.
const HARMLESS: &[&str] = &[
    "cache_prompt",
    "chat_template_kwargs",
    "id_slot",
    "n_cache_reuse",
    "n_keep",
    "repeat_last_n",
    "return_progress",
    "sse_ping_interval",
    "timings_per_token",
];
/// Ways to draw that this server does not know, with the value that switches each off.
const SWITCHED_OFF: &[(&str, f64)] = &[
    ("dry_multiplier", 0.0),
    ("dynatemp_range", 0.0),
    ("min_keep", 0.0),
    ("mirostat", 0.0),
    ("n_indent", 0.0),
    ("repeat_penalty", 1.0),
    ("t_max_predict_ms", 0.0),
    ("top_n_sigma", -1.0),
    ("typical_p", 1.0),
    ("xtc_probability", 0.0),
];

/// A completion request that is in order.
struct CompletionRequest {
    model: String,
    prompt: Vec<u32>,
    settings: Settings,
    temperature: Option<f64>,
    seed: Option<u64>,
    /// `None` where the answer may fill the window.
    most_tokens: Option<u64>,
    stop: Vec<String>,
    /// Number of candidates beside each token; 0 asks for no probabilities.
    candidates: usize,
    after_sampling: bool,
    return_tokens: bool,
    stream: bool,
}

impl CompletionRequest {
    fn from_json(table: &Table, body: &[u8]) -> Result<Self, Refusal> {
        let mut fields = parse(body)?;
        let prompt = prompt(table, fields.take("prompt"))?;
        let model = model_name(&mut fields)?;
        let temperature = fields.decimal("temperature", -100.0, 100.0)?;
        let top_k = if fields.has("top_k") { top_k(&mut fields)? } else { Some(TOP_K) };
        let settings = Settings {
            // Below 0 means the likeliest token, as 0 does.
            temperature: temperature.unwrap_or(TEMPERATURE).max(0.0),
            top_k,
            top_p: fields.decimal("top_p", 0.0, 1.0)?.unwrap_or(TOP_P),
            min_p: fields.decimal("min_p", 0.0, 1.0)?.unwrap_or(MIN_P),
            order: samplers(fields.take("samplers"))?,
            presence_penalty: fields.decimal("presence_penalty", -2.0, 2.0)?.unwrap_or(0.0),
            frequency_penalty: fields.decimal("frequency_penalty", -2.0, 2.0)?.unwrap_or(0.0),
            logit_bias: match fields.take("logit_bias") {
                Some(Value::Array(pairs)) => biases(pairs)?,
                other => logit_bias(other)?,
            },
        };
        // 4294967295 is -1 as llama.cpp writes it.
        let seed = fields.integer("seed", i64::MIN, i64::MAX)?.filter(|s| *s >= 0 && *s != 0xffff_ffff);
        let most_tokens = fields.integer("n_predict", -2, i64::MAX)?.unwrap_or(-1);
        let request = Self {
            model,
            prompt,
            settings,
            temperature,
            seed: seed.map(i64::cast_unsigned),
            most_tokens: u64::try_from(most_tokens).ok(),
            stop: stops(fields.take("stop"), usize::MAX)?,
            candidates: count(&mut fields)?,
            after_sampling: fields.boolean("post_sampling_probs")?.unwrap_or(false),
            return_tokens: fields.boolean("return_tokens")?.unwrap_or(false),
            stream: fields.boolean("stream")?.unwrap_or(false),
        };
        finish(&fields)?;
        Ok(request)
    }
}

fn count(fields: &mut Fields) -> Result<usize, Refusal> {
    let count = fields.integer("n_probs", 0, MOST_CANDIDATES)?.unwrap_or(0);
    Ok(usize::try_from(count).unwrap_or(0))
}

/// Refuses what is left, unless it changes nothing.
fn finish(fields: &Fields) -> Result<(), Refusal> {
    for (name, value) in fields.left() {
        let off = SWITCHED_OFF.iter().find(|(known, _)| known == name).map(|(_, off)| *off);
        let is_off = match value {
            Value::Number(number) => off.is_some_and(|off| number.as_f64() == Some(off)),
            Value::String(text) => text.is_empty(),
            Value::Bool(wanted) => !wanted,
            Value::Array(list) => list.is_empty(),
            Value::Null | Value::Object(_) => false,
        };
        if !is_off && !HARMLESS.contains(&name.as_str()) {
            let message = format!("The sandbox does not know '{name}'; remove the field or switch it off.");
            return Err(Refusal::of(name, message));
        }
    }
    Ok(())
}

fn model_name(fields: &mut Fields) -> Result<String, Refusal> {
    match fields.take("model") {
        None => Ok(MODEL.to_owned()),
        Some(Value::String(model)) => Ok(model),
        Some(other) => Err(wrong_type("model", "a string", &other)),
    }
}

/// Returns the tokens of a prompt: a text, token ids, or both in one list.
fn prompt(table: &Table, prompt: Option<Value>) -> Result<Vec<u32>, Refusal> {
    let parts = match prompt {
        None => return Err(Refusal::of("prompt", "\"prompt\" must be provided")),
        Some(Value::Array(parts)) => parts,
        Some(one) => vec![one],
    };
    let texts = parts.iter().filter(|part| part.is_string()).count();
    if parts.iter().any(Value::is_array) || (texts > 1 && texts == parts.len()) {
        return Err(Refusal::of("prompt", "The sandbox completes one prompt a request."));
    }
    let mut tokens = Vec::new();
    for part in parts {
        match part {
            Value::String(text) => tokens.extend(template::encode(table, &text, true)),
            Value::Number(number) => tokens.push(token(table, "prompt", &Value::Number(number))?),
            other @ (Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_)) => {
                let expected = "a string, a list of tokens, or a list of mixed strings & tokens";
                return Err(wrong_type("prompt", expected, &other));
            }
        }
    }
    Ok(tokens)
}

fn token(table: &Table, name: &str, value: &Value) -> Result<u32, Refusal> {
    let id = value.as_u64().and_then(|id| u32::try_from(id).ok());
    id.filter(|id| template::bytes(table, *id).is_some())
        .ok_or_else(|| Refusal::of(name, "Prompt contains invalid tokens"))
}

fn samplers(list: Option<Value>) -> Result<Vec<Stage>, Refusal> {
    let list = match list {
        None => return Ok(Stage::LLAMA.to_vec()),
        Some(Value::Array(list)) => list,
        Some(other) => return Err(wrong_type("samplers", "an array of strings", &other)),
    };
    let mut order = Vec::new();
    for name in list {
        let stage = match name.as_str() {
            Some("temperature" | "temp") => Stage::Temperature,
            Some("top_k") => Stage::TopK,
            Some("top_p") => Stage::TopP,
            Some("min_p") => Stage::MinP,
            // Those that are refused unless switched off do nothing wherever they stand.
            Some("penalties" | "dry" | "typ_p" | "typical_p" | "xtc" | "top_n_sigma") => continue,
            _ => {
                let message = format!("The sandbox does not know the sampler {name}.");
                return Err(Refusal::of("samplers", message));
            }
        };
        if order.contains(&stage) {
            return Err(Refusal::of("samplers", format!("The sampler {name} stands there twice.")));
        }
        order.push(stage);
    }
    Ok(order)
}

/// Reads biases as pairs of a token and a number, or `false` for a token that must not come.
fn biases(pairs: Vec<Value>) -> Result<Vec<(u32, f64)>, Refusal> {
    pairs
        .into_iter()
        .map(|pair| {
            let parts = pair.as_array().map(Vec::as_slice);
            let bias = match parts {
                Some([_, Value::Bool(false)]) => Some(f64::NEG_INFINITY),
                Some([_, bias]) => bias.as_f64(),
                _ => None,
            };
            let id = parts.and_then(|parts| parts.first()?.as_u64()).and_then(|id| u32::try_from(id).ok());
            id.zip(bias).ok_or_else(|| {
                Refusal::of("logit_bias", "Expected pairs of a token id and a number or false.")
            })
        })
        .collect()
}

/// What a request needs once it was accepted.
struct Work {
    model: &'static Model,
    behaviour: Behaviour,
    telling: Telling,
    head: Head,
    pace: Option<Pace>,
}

/// Answers `POST /completion`.
pub(super) async fn completion(state: Arc<State>, body: Bytes) -> Response {
    match complete(state, body).await {
        Ok(response) => response,
        Err(refusal) => plain_error(&refusal),
    }
}

async fn complete(state: Arc<State>, body: Bytes) -> Result<Response, Refusal> {
    let started = Instant::now();
    let model = server::model().await?;
    let request = {
        let body = body.clone();
        let task = move || CompletionRequest::from_json(model.table(), &body);
        tokio::task::spawn_blocking(task).await.map_err(|_| internal())??
    };
    let behaviour = Behaviour::of(&request.model)?;
    fault::check(behaviour, request.temperature, &body, &state.rate_limit)?;
    let evaluated = request.prompt.len() as u64;
    if evaluated >= WINDOW {
        return Ok(too_long(evaluated));
    }
    let stream = request.stream;
    let work = {
        let state = Arc::clone(&state);
        let task = move || prepare(&state, model, behaviour, request);
        tokio::task::spawn_blocking(task).await.map_err(|_| internal())?
    };
    let mut stopping = state.stopping();
    if stream {
        let (sink, response) = Sink::new(behaviour);
        tokio::spawn(async move {
            tokio::select! {
                () = tell(work, started, sink) => {}
                () = stopping.wait() => {}
            }
        });
        return Ok(response);
    }
    tokio::select! {
        answer = whole(work, started) => Ok(answer),
        () = stopping.wait() => Err(internal()),
    }
}

fn prepare(state: &State, model: &'static Model, behaviour: Behaviour, request: CompletionRequest) -> Work {
    let prompt = Prompt::read(model.table(), &request.prompt);
    let random = Random::new(request.seed.unwrap_or_else(|| state.draw()));
    let report = if request.after_sampling { Report::Sampled } else { behaviour.report() };
    let generation =
        model.resume(&prompt.turns, &prompt.beginning, request.settings.clone(), random).reporting(report);
    let wanted = Some(request.candidates).filter(|count| *count > 0);
    let room = WINDOW - request.prompt.len() as u64;
    let limit = request.most_tokens.map_or(room, |most| most.min(room));
    let candidates = behaviour.candidates(wanted);
    // The ids of the answer are needed even where no probability is asked for.
    let listed = Some(candidates.unwrap_or(0));
    let telling = Telling::new(generation, request.stop.clone(), listed, behaviour.pieces(), limit);
    let head = Head {
        model: request.model,
        prompt: template::decode(model.table(), &request.prompt),
        evaluated: request.prompt.len() as u64,
        settings: request.settings,
        seed: request.seed,
        most_tokens: request.most_tokens,
        candidates,
        after_sampling: request.after_sampling,
        return_tokens: request.return_tokens,
        stream: request.stream,
        stop: request.stop,
    };
    Work { model, behaviour, telling, head, pace: behaviour.pace(state.pace()) }
}

/// Streams an answer: a part for each step, then one that says how it ended.
async fn tell(work: Work, started: Instant, sink: Sink) {
    let behaviour = work.behaviour;
    if tell_all(work, started, &sink).await.is_err() {
        sink.break_off(behaviour).await;
    }
}

async fn tell_all(mut work: Work, started: Instant, sink: &Sink) -> Result<(), Over> {
    let begun = Instant::now();
    let mut pacer = Pacer::new(work.pace, started);
    let mut settled = Settled::default();
    let mut round = 0;
    loop {
        if work.behaviour.breaks_after() == Some(round) {
            return Err(Over);
        }
        pacer.wait().await;
        let step = work.telling.step(work.model);
        settled.text.push_str(&step.text);
        if !step.text.is_empty() || !step.tokens.is_empty() {
            sink.send(&work.head.part(&step, work.telling.generated())).await?;
        }
        if let Some(ending) = step.ending {
            // An answer may be over before it would break off.
            if work.behaviour.breaks_after().is_some() {
                return Err(Over);
            }
            settled.predicted = work.telling.generated();
            settled.times = [begun - started, begun.elapsed()];
            return sink.send(&work.head.end(&settled, ending)).await;
        }
        round += 1;
    }
}

/// Returns a whole answer at once.
async fn whole(mut work: Work, started: Instant) -> Response {
    let begun = Instant::now();
    let mut pacer = Pacer::new(work.pace, started);
    let mut settled = Settled::default();
    if work.behaviour == Behaviour::Stall {
        std::future::pending::<()>().await;
    }
    loop {
        pacer.wait().await;
        let Step { text, tokens, ending } = work.telling.step(work.model);
        settled.text.push_str(&text);
        settled.tokens.extend(tokens.iter().map(|token| token.chosen.id));
        settled.entries.extend(entries(&tokens, work.head.after_sampling));
        let Some(ending) = ending else { continue };
        settled.predicted = work.telling.generated();
        settled.times = [begun - started, begun.elapsed()];
        let body = work.head.end(&settled, ending);
        return if work.behaviour == Behaviour::Cut {
            cut_in_half(&body)
        } else {
            Json(body).into_response()
        };
    }
}

/// Runs a handler that waits for nothing; a long text may keep it busy for a while.
async fn at_once(
    body: Bytes,
    answer: impl FnOnce(&Table, &mut Fields) -> Result<Value, Refusal> + Send + 'static,
) -> Response {
    let answered = match server::model().await {
        Ok(model) => {
            let task = move || answer(model.table(), &mut parse(&body)?);
            tokio::task::spawn_blocking(task).await.unwrap_or_else(|_| Err(internal()))
        }
        Err(refusal) => Err(refusal),
    };
    match answered {
        Ok(body) => Json(body).into_response(),
        Err(refusal) => plain_error(&refusal),
    }
}

/// Answers `POST /tokenize`.
pub(super) async fn tokenize(body: Bytes) -> Response {
    at_once(body, |table, fields| {
        let content = match fields.take("content") {
            Some(Value::String(content)) => content,
            Some(other) => return Err(wrong_type("content", "a string", &other)),
            None => String::new(),
        };
        let parse_special = fields.boolean("parse_special")?.unwrap_or(true);
        let with_pieces = fields.boolean("with_pieces")?.unwrap_or(false);
        let tokens = template::encode(table, &content, parse_special);
        if !with_pieces {
            return Ok(json!({"tokens": tokens}));
        }
        let piece = |id: &u32| {
            let bytes = template::bytes(table, *id).unwrap_or_default();
            match std::str::from_utf8(bytes) {
                Ok(text) => json!({"id": id, "piece": text}),
                Err(_) => json!({"id": id, "piece": bytes}),
            }
        };
        Ok(json!({"tokens": tokens.iter().map(piece).collect::<Vec<_>>()}))
    })
    .await
}

/// Answers `POST /detokenize`.
pub(super) async fn detokenize(body: Bytes) -> Response {
    at_once(body, |table, fields| {
        let list = match fields.take("tokens") {
            Some(Value::Array(list)) => list,
            Some(other) => return Err(wrong_type("tokens", "an array of token ids", &other)),
            None => Vec::new(),
        };
        let tokens = list.iter().map(|id| token(table, "tokens", id)).collect::<Result<Vec<u32>, _>>()?;
        Ok(json!({"content": template::decode(table, &tokens)}))
    })
    .await
}

/// Answers `POST /apply-template`.
pub(super) async fn apply_template(body: Bytes) -> Response {
    at_once(body, |_, fields| {
        let mut turns = turns(fields.take("messages"))?;
        let beginning = Continuation::from_fields(fields)?.take(&mut turns)?;
        Ok(json!({"prompt": template::write(&turns, &beginning)}))
    })
    .await
}

/// Answers `GET /props`.
pub(super) fn props() -> Value {
    let settings = Settings {
        temperature: TEMPERATURE,
        top_k: Some(TOP_K),
        top_p: TOP_P,
        min_p: MIN_P,
        order: Stage::LLAMA.to_vec(),
        ..Settings::default()
    };
    super::llama_body::props(&settings)
}
