//! A Chat Completions request: which fields there are, what each may hold, and how a refusal names it.
//!
//! Owns reading and checking the JSON body. Never answers; models and their moods are elsewhere. A
//! field nobody knows is refused, as OpenAI does, so that a typing error is not silently ignored.

use super::fields::{Fields, in_range, parse, wrong_type};
use super::model::{Grammar, Settings, Speaker, Turn};
use super::refusal::Refusal;
use super::schema::{self, Unsupported};
use super::tree::Tree;
use serde::Deserialize;
use serde_json::Value;
use std::sync::Arc;

/// Most candidates beside a token.
const MOST_CANDIDATES: i64 = 20;
/// Most answers to one request.
const MOST_CHOICES: i64 = 128;
/// Most stop texts.
const MOST_STOPS: usize = 4;
/// vLLM's name for going on with the last message.
const CONTINUE: &str = "continue_final_message";
/// Fields that change nothing here.
const HARMLESS: &[&str] = &[
    "metadata",
    "parallel_tool_calls",
    "prompt_cache_key",
    "safety_identifier",
    "service_tier",
    "store",
    "user",
];
/// Fields this model has no ability for; refused unless they ask for nothing.
const UNSUPPORTED: &[&str] =
    &["audio", "function_call", "functions", "prediction", "tool_choice", "tools", "web_search_options"];

/// A request that is in order.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct ChatRequest {
    pub(super) model: String,
    pub(super) turns: Vec<Turn>,
    /// Beginning of the answer; empty where a new one is asked for.
    pub(super) beginning: String,
    /// How the answer is sampled; its temperature is the default where none was given.
    pub(super) settings: Settings,
    pub(super) temperature: Option<f64>,
    pub(super) seed: Option<u64>,
    pub(super) choices: u32,
    pub(super) stop: Vec<String>,
    pub(super) most_tokens: Option<u64>,
    /// Number of candidates beside each token; `None` asks for no logprobs at all.
    pub(super) candidates: Option<usize>,
    pub(super) stream: bool,
    pub(super) include_usage: bool,
    pub(super) format: Format,
}

/// What form an answer must have.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Format {
    /// Any.
    Text,
    /// A JSON object.
    Object,
    /// A JSON document of a schema.
    Schema(Arc<Grammar>),
}

impl ChatRequest {
    /// Reads a body.
    pub(super) fn from_json(body: &[u8]) -> Result<Self, Refusal> {
        Self::from_fields(&mut parse(body)?, body)
    }

    fn from_fields(fields: &mut Fields, body: &[u8]) -> Result<Self, Refusal> {
        let model = match fields.take("model") {
            Some(Value::String(model)) => model,
            Some(other) => return Err(wrong_type("model", "a string", &other)),
            None => return Err(Refusal::of("model", "You must provide a model parameter.")),
        };
        let mut turns = turns(fields.take("messages"))?;
        let beginning = Continuation::from_fields(fields)?.take(&mut turns)?;
        let temperature = fields.decimal("temperature", 0.0, 2.0)?;
        let settings = Settings {
            temperature: temperature.unwrap_or(1.0),
            top_p: fields.decimal("top_p", 0.0, 1.0)?.unwrap_or(1.0),
            top_k: top_k(fields)?,
            min_p: fields.decimal("min_p", 0.0, 1.0)?.unwrap_or(0.0),
            presence_penalty: fields.decimal("presence_penalty", -2.0, 2.0)?.unwrap_or(0.0),
            frequency_penalty: fields.decimal("frequency_penalty", -2.0, 2.0)?.unwrap_or(0.0),
            logit_bias: logit_bias(fields.take("logit_bias"))?,
            ..Settings::default()
        };
        let seed = fields.integer("seed", i64::MIN, i64::MAX)?.map(i64::cast_unsigned);
        let choices = fields.integer("n", 1, MOST_CHOICES)?.unwrap_or(1);
        let stop = stops(fields.take("stop"), MOST_STOPS)?;
        let most_tokens = most_tokens(fields)?;
        let candidates = candidates(fields)?;
        let stream = fields.boolean("stream")?.unwrap_or(false);
        let include_usage = include_usage(fields.take("stream_options"), stream)?;
        let format = format(fields.take("response_format"), body)?;
        finish(fields)?;
        Ok(Self {
            model,
            turns,
            beginning,
            settings,
            temperature,
            seed,
            choices: u32::try_from(choices).unwrap_or(1),
            stop,
            most_tokens,
            candidates,
            stream,
            include_usage,
            format,
        })
    }
}

/// Refuses what is left, unless it changes nothing.
fn finish(fields: &Fields) -> Result<(), Refusal> {
    for (name, value) in fields.left() {
        let nothing = value.as_array().is_some_and(Vec::is_empty) || value == "none" || value == "auto";
        match name.as_str() {
            known if HARMLESS.contains(&known) => {}
            "modalities" if value.as_array().is_some_and(|list| list.iter().all(|m| m == "text")) => {}
            known if UNSUPPORTED.contains(&known) && nothing => {}
            known if UNSUPPORTED.contains(&known) => {
                let message = format!("Unsupported parameter: '{known}' is not supported with this model.");
                return Err(Refusal::of(known, message).code("unsupported_parameter"));
            }
            unknown => {
                let message = format!("Unrecognized request argument supplied: {unknown}");
                return Err(Refusal::of(unknown, message));
            }
        }
    }
    Ok(())
}

/// What the request says about an assistant message at the end of the list.
///
/// Without any word about it the message is continued, as llama.cpp does. vLLM's two fields are its own:
/// a message is continued where `continue_final_message` is true and `add_generation_prompt`, whose
/// default is true, is false; other combinations are refused in vLLM's words.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Continuation {
    continue_final: Option<bool>,
    add_prompt: Option<bool>,
}

impl Continuation {
    /// Reads the two fields.
    pub(super) fn from_fields(fields: &mut Fields) -> Result<Self, Refusal> {
        Ok(Self {
            continue_final: fields.boolean(CONTINUE)?,
            add_prompt: fields.boolean("add_generation_prompt")?,
        })
    }

    /// Takes the message that is continued off the end, and returns its text.
    pub(super) fn take(self, turns: &mut Vec<Turn>) -> Result<String, Refusal> {
        let is_assistant = |turn: Option<&Turn>| turn.is_some_and(|turn| turn.speaker == Speaker::Assistant);
        let ends_in_assistant = is_assistant(turns.last());
        let refused = |message: &str| Err(Refusal::of(CONTINUE, message).code("invalid_value"));
        match (self.continue_final, self.add_prompt) {
            (Some(true), Some(true)) => {
                return refused(
                    "Cannot set both `continue_final_message` and `add_generation_prompt` to True.",
                );
            }
            (Some(true), None) => {
                return refused(
                    "continue_final_message and add_generation_prompt are not compatible. Use \
                     continue_final_message when you want the model to continue the final message, and \
                     add_generation_prompt when you want to add a header that will prompt it to start a new \
                     assistant message instead. (The default of add_generation_prompt is true.)",
                );
            }
            (Some(true), Some(false)) if !ends_in_assistant => {
                return refused(
                    "Cannot set `continue_final_message` to True when the last message is not from the assistant.",
                );
            }
            (Some(false), _) | (None, Some(true)) => return Ok(String::new()),
            (Some(true), Some(false)) | (None, None | Some(false)) => {}
        }
        if !ends_in_assistant {
            return Ok(String::new());
        }
        let beginning = turns.pop().map(|turn| turn.text).unwrap_or_default();
        if self.continue_final.is_none() && is_assistant(turns.last()) {
            let message = "Cannot have 2 or more assistant messages at the end of the list.";
            return Err(Refusal::of("messages", message).code("invalid_value"));
        }
        Ok(beginning)
    }
}

/// Reads the messages of a conversation.
pub(super) fn turns(messages: Option<Value>) -> Result<Vec<Turn>, Refusal> {
    let list = match messages {
        Some(Value::Array(list)) => list,
        Some(other) => return Err(wrong_type("messages", "an array of objects", &other)),
        None => {
            return Err(Refusal::of("messages", "Missing required parameter: 'messages'.")
                .code("missing_required_parameter"));
        }
    };
    if list.is_empty() {
        let message = "Invalid 'messages': empty array. Expected an array with minimum length 1, but got an \
                       empty array instead.";
        return Err(Refusal::of("messages", message).code("empty_array"));
    }
    list.into_iter().enumerate().map(|(at, message)| turn(at, message)).collect()
}

fn turn(at: usize, message: Value) -> Result<Turn, Refusal> {
    let name = format!("messages[{at}]");
    let Value::Object(mut message) = message else { return Err(wrong_type(&name, "an object", &message)) };
    let role = message.remove("role").unwrap_or(Value::Null);
    let speaker = match role.as_str() {
        Some("system" | "developer") => Speaker::System,
        // What a tool returned is something said to the model.
        Some("user" | "tool" | "function") => Speaker::User,
        Some("assistant") => Speaker::Assistant,
        Some(other) => {
            let message = format!(
                "Invalid value: '{other}'. Supported values are: 'system', 'assistant', 'user', 'function', \
                 'tool', and 'developer'."
            );
            return Err(Refusal::of(format!("{name}.role"), message).code("invalid_value"));
        }
        None => {
            let message = format!("Missing required parameter: '{name}.role'.");
            return Err(Refusal::of(format!("{name}.role"), message).code("missing_required_parameter"));
        }
    };
    let content = format!("{name}.content");
    let text = match message.remove("content") {
        Some(Value::String(text)) => text,
        Some(Value::Array(parts)) => text_of(&content, parts)?,
        // An assistant message that only calls tools has none.
        None | Some(Value::Null) if speaker == Speaker::Assistant => String::new(),
        None | Some(Value::Null) => {
            let message = format!("Invalid value for '{content}': expected a string, got null.");
            return Err(Refusal::of(content, message));
        }
        Some(other) => return Err(wrong_type(&content, "one of a string or array of objects", &other)),
    };
    Ok(Turn { speaker, text })
}

/// Returns the joined text parts of a message.
fn text_of(name: &str, parts: Vec<Value>) -> Result<String, Refusal> {
    let mut joined = String::new();
    for (at, part) in parts.into_iter().enumerate() {
        match (part.get("type").and_then(Value::as_str), part.get("text").and_then(Value::as_str)) {
            (Some("text"), Some(text)) => joined.push_str(text),
            (Some("text"), None) => {
                let message = format!("Missing required parameter: '{name}[{at}].text'.");
                return Err(
                    Refusal::of(format!("{name}[{at}].text"), message).code("missing_required_parameter")
                );
            }
            (kind, _) => {
                let kind = kind.unwrap_or("");
                let message = format!("Invalid content type '{kind}': this model reads 'text' only.");
                return Err(Refusal::of(format!("{name}[{at}].type"), message).code("invalid_value"));
            }
        }
    }
    Ok(joined)
}

/// Reads the stop texts.
pub(super) fn stops(stop: Option<Value>, most: usize) -> Result<Vec<String>, Refusal> {
    let list = match stop {
        None => return Ok(Vec::new()),
        Some(Value::Array(list)) => list,
        Some(one) => vec![one],
    };
    if list.len() > most {
        let message = format!(
            "Invalid 'stop': array too long. Expected an array with maximum length {most}, but got an \
             array with length {} instead.",
            list.len()
        );
        return Err(Refusal::of("stop", message).code("array_above_max_length"));
    }
    list.into_iter()
        .map(|value| match value.as_str() {
            Some("") => {
                Err(Refusal::of("stop", "Invalid 'stop': a stop text must not be empty.")
                    .code("invalid_value"))
            }
            Some(text) => Ok(text.to_owned()),
            None => Err(wrong_type("stop", "one of a string or array of strings", &value)),
        })
        .collect()
}

/// Reads the biases by token id.
pub(super) fn logit_bias(map: Option<Value>) -> Result<Vec<(u32, f64)>, Refusal> {
    let map = match map {
        None => return Ok(Vec::new()),
        Some(Value::Object(map)) => map,
        Some(other) => return Err(wrong_type("logit_bias", "an object", &other)),
    };
    map.into_iter()
        .map(|(key, value)| {
            let id = key.parse::<u32>().map_err(|_| {
                let message = format!("Invalid key in 'logit_bias': '{key}'. Expected a token id.");
                Refusal::of("logit_bias", message).code("invalid_value")
            })?;
            let name = format!("logit_bias.{key}");
            let bias = value.as_f64().ok_or_else(|| wrong_type(&name, "a decimal", &value))?;
            in_range("logit_bias", "decimal", bias, -100.0, 100.0).map(|bias| (id, bias))
        })
        .collect()
}

/// Reads `top_k`, of which 0 and -1 keep all tokens.
pub(super) fn top_k(fields: &mut Fields) -> Result<Option<usize>, Refusal> {
    let most = fields.integer("top_k", -1, i64::MAX)?.unwrap_or(0);
    Ok(usize::try_from(most).ok().filter(|most| *most > 0))
}

fn most_tokens(fields: &mut Fields) -> Result<Option<u64>, Refusal> {
    let new = fields.integer("max_completion_tokens", 1, i64::MAX)?;
    let old = fields.integer("max_tokens", 1, i64::MAX)?;
    if new.is_some() && old.is_some() {
        let message = "Setting 'max_tokens' and 'max_completion_tokens' at the same time is not supported.";
        return Err(Refusal::of("max_tokens", message).code("invalid_parameter_combination"));
    }
    Ok(new.or(old).map(i64::cast_unsigned))
}

fn candidates(fields: &mut Fields) -> Result<Option<usize>, Refusal> {
    let wanted = fields.boolean("logprobs")?.unwrap_or(false);
    let top = fields.integer("top_logprobs", 0, MOST_CANDIDATES)?;
    match (wanted, top) {
        (true, top) => Ok(Some(usize::try_from(top.unwrap_or(0)).unwrap_or(0))),
        (false, None) => Ok(None),
        (false, Some(_)) => Err(Refusal::of(
            "top_logprobs",
            "The 'top_logprobs' parameter is only allowed when 'logprobs' is enabled.",
        )),
    }
}

/// The body once more, as far as the order of its members matters.
#[derive(Deserialize)]
struct Ordered {
    response_format: Tree,
}

/// Reads the form of the answer; a schema's members are read in the order they stand.
fn format(format: Option<Value>, body: &[u8]) -> Result<Format, Refusal> {
    let Some(format) = format else { return Ok(Format::Text) };
    let refused = |message: String| Refusal::of("response_format", message).code("invalid_value");
    let kind = format.get("type").and_then(Value::as_str);
    match kind {
        Some("text") => Ok(Format::Text),
        Some("json_object") => Ok(Format::Object),
        Some("json_schema") => {
            let Ok(Ordered { response_format }) = serde_json::from_slice(body) else {
                return Err(refused("Invalid 'response_format': it stands there twice.".to_owned()));
            };
            let Some(wrapper) = response_format.get("json_schema") else {
                let message = "Missing required parameter: 'response_format.json_schema'.";
                return Err(refused(message.to_owned()).code("missing_required_parameter"));
            };
            if wrapper.get("name").and_then(Tree::as_str).is_none_or(str::is_empty) {
                let message = "Missing required parameter: 'response_format.json_schema.name'.";
                return Err(refused(message.to_owned()).code("missing_required_parameter"));
            }
            if !matches!(wrapper.get("strict"), None | Some(Tree::Null | Tree::Bool(_))) {
                return Err(refused("Invalid type for 'response_format.json_schema.strict'.".to_owned()));
            }
            let Some(schema) = wrapper.get("schema") else { return Ok(Format::Object) };
            let grammar = schema::compile(schema).map_err(|Unsupported(reason)| {
                refused(format!("Invalid schema for response_format: {reason}"))
            })?;
            Ok(Format::Schema(Arc::new(grammar)))
        }
        kind => {
            let message = format!(
                "Invalid value for 'response_format.type': '{}'. Supported values are: 'text', 'json_object', \
                 and 'json_schema'.",
                kind.unwrap_or("")
            );
            Err(refused(message))
        }
    }
}

fn include_usage(options: Option<Value>, stream: bool) -> Result<bool, Refusal> {
    match options {
        None => Ok(false),
        Some(Value::Object(_)) if !stream => Err(Refusal::of(
            "stream_options",
            "The 'stream_options' parameter is only allowed when 'stream' is enabled.",
        )),
        Some(Value::Object(options)) => match options.get("include_usage") {
            None | Some(Value::Null) => Ok(false),
            Some(Value::Bool(wanted)) => Ok(*wanted),
            Some(other) => Err(wrong_type("stream_options.include_usage", "a boolean", other)),
        },
        Some(other) => Err(wrong_type("stream_options", "an object", &other)),
    }
}
