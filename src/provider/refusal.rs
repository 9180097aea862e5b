//! What servers and connections say when they fail, as faults with a remedy.
//!
//! Owns the sentences: each names the endpoint and the model and says what to do. Text from the
//! server is quoted, but first made printable and cut. Never decides whether to try again.
//!
//! Invariant: no body, however odd, is without a fault, and the HTTP status is never lost.

use crate::core::endpoint::Limits;
use crate::core::fault::{Fault, FaultKind};
use crate::core::figure::{duration_ms, whole};
use crate::core::text::fit;
use serde_json::Value;
use std::sync::Arc;
use std::time::Duration;

/// Cells of server text that are quoted in a fault.
const QUOTED_CELLS: usize = 400;

/// Codes and types of a 429 that waiting does not mend.
const FINAL_CODES: [&str; 9] = [
    "insufficient_quota",
    "credit_balance_exhausted",
    "organization_spend_limit_exceeded",
    "project_spend_limit_exceeded",
    "organization_usage_limit_exceeded",
    "billing_hard_limit_reached",
    "billing_not_active",
    "billing_error",
    "insufficient_balance",
];

/// Returns text of a server as it may be shown: on one line, printable, cut.
pub(super) fn quoted(text: &str) -> String {
    // Cut before it is made printable, as that looks at every character.
    let text = text.trim();
    let end = text.char_indices().nth(QUOTED_CELLS * 2).map_or(text.len(), |(at, _)| at);
    fit(&text[..end], QUOTED_CELLS)
}

/// Which of the limits of an endpoint struck.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Limit {
    Connect,
    FirstByte,
    BetweenBytes,
}

/// Where a request goes, as far as sentences need it.
#[derive(Debug, Clone)]
pub(super) struct Place {
    /// Name of the endpoint.
    pub(super) endpoint: Arc<str>,
    /// Base URL without credentials and query.
    pub(super) base_url: Arc<str>,
    /// Model asked for; `None` when the list of models is.
    pub(super) model: Option<Arc<str>>,
    /// Whether a key is sent.
    pub(super) has_key: bool,
    /// The endpoint's limits.
    pub(super) limits: Limits,
    /// Whether a timeout was set for this request, in place of the endpoint's limits.
    pub(super) has_timeout: bool,
}

impl Place {
    /// Returns `model M at endpoint E`, or `endpoint E`.
    fn name(&self) -> String {
        match &self.model {
            Some(model) => format!("model {} at endpoint {}", quoted(model), self.endpoint),
            None => format!("endpoint {}", self.endpoint),
        }
    }

    /// Returns the fault for a request that did not reach the server.
    pub(super) fn unreachable(&self, reason: &str) -> Fault {
        let message = format!("Cannot reach {} ({}): {}", self.name(), self.base_url, quoted(reason));
        let lower = reason.to_lowercase();
        let remedy = if lower.contains("certificate") {
            "Check the server's certificate and the date of this machine".to_owned()
        } else if lower.contains("corrupt message") || lower.contains("invalidcontenttype") {
            "The server seems to speak plain HTTP: write the base URL with http://".to_owned()
        } else {
            format!("Check that the server is running and that {} is its base URL", self.base_url)
        };
        Fault::new(FaultKind::Unreachable, message).remedy(remedy)
    }

    /// Returns the fault for a limit that struck.
    pub(super) fn timed_out(&self, limit: Limit) -> Fault {
        let (ms, key, happened) = match limit {
            Limit::Connect => (self.limits.connect_ms, "connect_ms", "no connection to"),
            Limit::FirstByte => (self.limits.first_byte_ms, "first_byte_ms", "no answer from"),
            Limit::BetweenBytes => {
                (self.limits.between_bytes_ms, "between_bytes_ms", "the answer stalled: nothing more from")
            }
        };
        #[expect(clippy::cast_precision_loss, reason = "limits are far below 2^52 ms")]
        let within = duration_ms(ms as f64);
        let mut happened = happened.to_owned();
        happened[..1].make_ascii_uppercase();
        Fault::new(FaultKind::Timeout, format!("{happened} {} within {within}", self.name())).remedy(
            match (self.has_timeout, limit) {
                (true, Limit::FirstByte | Limit::BetweenBytes) => {
                    "If it only needs longer, raise the timeout".to_owned()
                }
                (true, Limit::Connect) | (false, _) => {
                    format!("If it only needs longer, raise {key} of endpoint {}", self.endpoint)
                }
            },
        )
    }

    /// Waits so long for the first byte and in each silence.
    pub(super) fn wait_within(&mut self, timeout: Duration) {
        let ms = u64::try_from(timeout.as_millis()).unwrap_or(u64::MAX).max(1);
        (self.limits.first_byte_ms, self.limits.between_bytes_ms) = (ms, ms);
        self.has_timeout = true;
    }

    /// Returns the fault for an answer that ended before it was complete.
    pub(super) fn cut(&self, reason: &str) -> Fault {
        let message = format!("The answer of {} was cut off: {}", self.name(), quoted(reason));
        Fault::new(FaultKind::Cut, message).remedy("Ask again; what arrived is kept")
    }

    /// Returns the fault for a reply that is not the protocol, with the beginning of what came.
    pub(super) fn malformed(&self, what: &str, sample: &str) -> Fault {
        let mut message = format!("The reply of {} {what}", self.name());
        // Of a web page or an error the gist, of anything else its beginning.
        let gist = ErrorBody::read(sample).message;
        let sample = quoted(if gist.is_empty() { sample } else { &gist });
        if !sample.is_empty() {
            message.push_str(": ");
            message.push_str(&sample);
        }
        Fault::new(FaultKind::Malformed, message).remedy(self.base_url_remedy())
    }

    /// Returns the fault for a server that does not speak HTTP on this port.
    pub(super) fn no_http(&self, reason: &str) -> Fault {
        let message = format!("The reply of {} is no HTTP: {}", self.name(), quoted(reason));
        let remedy = if self.base_url.starts_with("http:") {
            "If the server wants TLS, write the base URL with https://".to_owned()
        } else {
            self.base_url_remedy()
        };
        Fault::new(FaultKind::Malformed, message).remedy(remedy)
    }

    /// Returns the fault for a redirect, which is never followed: a key goes to its own host only.
    pub(super) fn redirected(&self, status: u16, target: Option<&str>) -> Fault {
        let name = capitalised(&self.name());
        let (message, remedy) = match target.map(quoted).as_deref() {
            Some(target) => {
                let paths = ["/chat/completions", "/models"];
                let base = paths.iter().find_map(|path| target.strip_suffix(path)).unwrap_or(target);
                (
                    format!(
                        "{name} redirects to {target}, which is not followed as a key must not leave its host"
                    ),
                    format!("If you trust it, set the base URL of endpoint {} to {base}", self.endpoint),
                )
            }
            None => (format!("{name} redirects without saying where"), self.base_url_remedy()),
        };
        let mut fault = Fault::new(FaultKind::NotFound, message).remedy(remedy);
        fault.status = Some(status);
        fault
    }

    fn base_url_remedy(&self) -> String {
        if self.base_url.contains("/v1") {
            format!("Check the base URL of endpoint {} ({})", self.endpoint, self.base_url)
        } else {
            let endpoint = &self.endpoint;
            format!("Base URLs usually end in /v1: try {}/v1 for endpoint {endpoint}", self.base_url)
        }
    }

    /// Returns the fault for an error the server reported, by its status or within a reply of
    /// status 200.
    pub(super) fn refused(&self, status: u16, body: &str) -> Fault {
        let error = ErrorBody::read(body);
        let status = if status >= 400 { Some(status) } else { error.status() };
        let kind = error.kind(status);
        let said = quoted(&error.message);
        let said = if said.is_empty() { "the server gave no reason".to_owned() } else { said };
        let param = error.param().map(|param| fit(&param, 80));
        let (name, endpoint) = (self.name(), &self.endpoint);
        let (message, remedy) = match kind {
            FaultKind::Unauthorized if !self.has_key => (
                format!("Endpoint {endpoint} wants a key for {name}: {said}"),
                format!("Set the key of endpoint {endpoint}"),
            ),
            FaultKind::Unauthorized => (
                format!("The key does not open {name}: {said}"),
                format!("Check the key of endpoint {endpoint} and what it may use"),
            ),
            FaultKind::NotFound if error.is_about_model() => (
                format!("There is no {name}: {said}"),
                "Choose one of the models the endpoint lists".to_owned(),
            ),
            FaultKind::NotFound => {
                (format!("Nothing answers for {name} at {}: {said}", self.base_url), self.base_url_remedy())
            }
            FaultKind::Quota => (
                format!("The quota for {name} is used up: {said}"),
                "Add credit or raise the limit at the provider; waiting does not help".to_owned(),
            ),
            FaultKind::RateLimited => (
                format!("Too many requests for {name}: {said}"),
                "Wait a little, or lower the concurrency of the endpoint".to_owned(),
            ),
            FaultKind::Refused if error.is_overflow() => (
                format!("The conversation is too long for {name}: {said}{}", error.overflow_figures()),
                "Shorten it, leave out its oldest messages, or choose a model with a larger context window"
                    .to_owned(),
            ),
            FaultKind::Refused if error.wants_the_word_json() => (
                format!("{} refuses the response format: {said}", capitalised(&name)),
                "Say in a message that the answer is to be JSON, or ask for a schema".to_owned(),
            ),
            FaultKind::Refused if error.mentions("enable_thinking") => (
                format!("{} does not go on from a beginning while it thinks: {said}", capitalised(&name)),
                "Switch thinking off: chat_template_kwargs = { enable_thinking = false } under [sampling.extra]"
                    .to_owned(),
            ),
            FaultKind::Refused => match param.as_deref() {
                Some(param) => {
                    (format!("{} refuses {param}: {said}", capitalised(&name)), self.param_remedy(param))
                }
                None => (
                    format!("{} refuses the request: {said}", capitalised(&name)),
                    "Change what it objects to and send it again".to_owned(),
                ),
            },
            FaultKind::Timeout | FaultKind::Server => (
                format!("The server failed for {name}: {said}"),
                "Ask again in a moment; if it stays so, look at the server".to_owned(),
            ),
            FaultKind::Unreachable | FaultKind::Cut | FaultKind::Malformed | FaultKind::Local => {
                (format!("{} failed: {said}", capitalised(&name)), String::new())
            }
        };
        let mut fault = Fault::new(kind, message).remedy(remedy);
        fault.status = status;
        fault.param = param;
        fault
    }

    fn param_remedy(&self, param: &str) -> String {
        match param {
            "logprobs" | "top_logprobs" => {
                "Ask without token probabilities: this model gives none".to_owned()
            }
            "max_completion_tokens" => {
                format!("Set legacy_max_tokens for endpoint {}: it only knows max_tokens", self.endpoint)
            }
            "max_tokens" => {
                format!("Unset legacy_max_tokens for endpoint {}, and send no max_tokens", self.endpoint)
            }
            "model" => "Choose one of the models the endpoint lists".to_owned(),
            param => format!("Leave out {param}, or give it a value the model takes"),
        }
    }
}

fn capitalised(text: &str) -> String {
    let mut text = text.to_owned();
    if let Some(first) = text.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    text
}

/// What can be read from an error body of any shape.
#[derive(Debug, Default, PartialEq)]
struct ErrorBody {
    message: String,
    kind: String,
    code: String,
    param: Option<String>,
    /// llama.cpp: tokens of the prompt, and of the context.
    overflow: Option<(u64, u64)>,
}

impl ErrorBody {
    /// Reads OpenAI's shape and those of llama.cpp, vLLM, FastAPI, Gemini, OpenRouter, plain text, HTML.
    fn read(body: &str) -> Self {
        let body = body.trim();
        match serde_json::from_str::<Value>(body) {
            Ok(value) => Self::from_value(&value),
            Err(_) if body.starts_with('<') => Self { message: html_title(body), ..Self::default() },
            Err(_) => Self { message: body.to_owned(), ..Self::default() },
        }
    }

    fn from_value(value: &Value) -> Self {
        let object = match value {
            // Gemini wraps the one error in a list.
            Value::Array(items) => return items.first().map(Self::from_value).unwrap_or_default(),
            Value::String(message) => return Self { message: message.clone(), ..Self::default() },
            Value::Object(object) => object,
            Value::Null | Value::Bool(_) | Value::Number(_) => return Self::default(),
        };
        let within = || value.pointer("/choices/0/error").or_else(|| value.pointer("/response/error"));
        if let Some(error) = object.get("error").or_else(within).filter(|error| !error.is_null()) {
            return Self::from_value(error);
        }
        let text = |name: &str| match object.get(name) {
            Some(Value::String(text)) => text.clone(),
            Some(Value::Number(number)) => number.to_string(),
            _ => String::new(),
        };
        let mut param = Some(text("param")).filter(|param| !param.is_empty());
        let mut message = text("message");
        match object.get("detail") {
            Some(Value::String(detail)) if message.is_empty() => message.clone_from(detail),
            // FastAPI's validation errors say where: {"loc": ["body", "temperature"], "msg": …}.
            Some(Value::Array(details)) => {
                for detail in details.iter().take(3) {
                    let place = detail["loc"].as_array().into_iter().flatten();
                    let place: Vec<String> = place
                        .map(|step| step.as_str().map_or_else(|| step.to_string(), str::to_owned))
                        .filter(|step| step != "body")
                        .collect();
                    let place = place.join(".");
                    let what = detail["msg"].as_str().unwrap_or_default();
                    let separator = if message.is_empty() { "" } else { "; " };
                    message.push_str(&format!("{separator}{place} {what}"));
                    param = param.or(Some(place).filter(|place| !place.is_empty()));
                }
            }
            _ => {}
        }
        // OpenRouter hides what the provider behind it said.
        if let Some(raw) = value.pointer("/metadata/raw").and_then(Value::as_str) {
            message.push_str(&format!(" ({})", Self::read(raw).message));
        }
        if message.is_empty() {
            message = text("msg");
        }
        let kind = [text("type"), text("status")].into_iter().find(|kind| !kind.is_empty());
        let tokens = |name: &str| object.get(name).and_then(Value::as_u64);
        Self {
            message,
            kind: kind.unwrap_or_default(),
            code: text("code"),
            param,
            overflow: tokens("n_prompt_tokens").zip(tokens("n_ctx")),
        }
    }

    /// Returns the status an error within a reply names by its code.
    fn status(&self) -> Option<u16> {
        self.code.parse().ok().filter(|status| (400..600).contains(status))
    }

    fn names(&self, name: &str) -> bool {
        self.code.eq_ignore_ascii_case(name) || self.kind.eq_ignore_ascii_case(name)
    }

    fn mentions(&self, words: &str) -> bool {
        [&self.code, &self.kind, &self.message].iter().any(|text| text.to_lowercase().contains(words))
    }

    fn is_about_model(&self) -> bool {
        self.mentions("model")
    }

    fn is_overflow(&self) -> bool {
        self.names("context_length_exceeded")
            || self.names("exceed_context_size_error")
            || self.mentions("maximum context length")
            || self.mentions("context size")
    }

    /// Whether a JSON object is asked for by messages that do not say so.
    fn wants_the_word_json(&self) -> bool {
        self.mentions("must contain the word") && self.mentions("json")
    }

    fn overflow_figures(&self) -> String {
        match self.overflow {
            Some((prompt, context)) => format!(" ({} of {} tokens)", whole(prompt), whole(context)),
            None => String::new(),
        }
    }

    /// Returns the parameter that is objected to, from its field or from the well-known sentences.
    fn param(&self) -> Option<String> {
        const MARKS: [&str; 6] = [
            "Unsupported parameter: ",
            "Unsupported value: ",
            "Unknown parameter: ",
            "Invalid value for ",
            "Unrecognized request argument supplied: ",
            "Unrecognized request arguments supplied: ",
        ];
        let from_message = || {
            let rest = MARKS.iter().find_map(|mark| self.message.split_once(mark))?.1;
            let rest = rest.trim_start_matches(['\'', '"', '`']);
            let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '[' | ']');
            let name = &rest[..rest.find(|c| !is_name(c)).unwrap_or(rest.len())];
            (!name.is_empty()).then(|| name.to_owned())
        };
        // `include` is how the refusal of logprobs names it where they were asked for that way.
        let from_field = || self.param.clone().filter(|param| param != "include");
        let logprobs = || self.mentions("logprobs").then(|| "logprobs".to_owned());
        from_field().or_else(from_message).or_else(logprobs)
    }

    fn kind(&self, status: Option<u16>) -> FaultKind {
        if FINAL_CODES.iter().any(|code| self.names(code)) {
            return FaultKind::Quota;
        }
        match status {
            // "You are not allowed to request logprobs from this model" is about the request.
            Some(403) if self.mentions("logprobs") => FaultKind::Refused,
            Some(401 | 403) => FaultKind::Unauthorized,
            Some(402) => FaultKind::Quota,
            Some(404 | 405) => FaultKind::NotFound,
            Some(408) => FaultKind::Timeout,
            Some(409) => FaultKind::Server,
            Some(429) => FaultKind::RateLimited,
            Some(400..500) => FaultKind::Refused,
            Some(_) => FaultKind::Server,
            None if self.is_overflow() => FaultKind::Refused,
            None if self.mentions("rate_limit") => FaultKind::RateLimited,
            None if self.mentions("authentication") => FaultKind::Unauthorized,
            None if self.mentions("invalid_request") || self.names("BadRequestError") => FaultKind::Refused,
            None if self.names("model_not_found") => FaultKind::NotFound,
            None => FaultKind::Server,
        }
    }
}

/// Returns what an error body of any shape says, as it may be shown.
pub(super) fn error_message(body: &str) -> String {
    quoted(&ErrorBody::read(body).message)
}

/// Returns the title of an HTML page, or that it is one.
fn html_title(body: &str) -> String {
    let title = body
        .split_once("<title>")
        .and_then(|(_, rest)| rest.split_once("</title>"))
        .map(|(title, _)| title.trim())
        .filter(|title| !title.is_empty());
    match title {
        Some(title) => format!("a web page, \"{title}\""),
        None => "a web page".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(base_url: &str, has_key: bool) -> Place {
        Place {
            endpoint: "local".into(),
            base_url: base_url.into(),
            model: Some("m-1".into()),
            has_key,
            limits: Limits::default(),
            has_timeout: false,
        }
    }

    fn refused(status: u16, body: &str) -> Fault {
        place("http://h/v1", true).refused(status, body)
    }

    #[test]
    fn every_shape_of_error_keeps_its_message_and_status() {
        let cases = [
            (400, r#"{"error":{"message":"why","type":"t","param":null,"code":null}}"#, FaultKind::Refused),
            (
                400,
                r#"{"error":{"code":400,"message":"why","type":"invalid_request_error"}}"#,
                FaultKind::Refused,
            ),
            (
                400,
                r#"{"object":"error","message":"why","type":"BadRequestError","code":400}"#,
                FaultKind::Refused,
            ),
            (405, r#"{"detail":"why"}"#, FaultKind::NotFound),
            (
                400,
                r#"[{"error":{"code":400,"message":"why","status":"INVALID_ARGUMENT"}}]"#,
                FaultKind::Refused,
            ),
            (500, "why", FaultKind::Server),
            (502, "<html><head><title>why</title></head></html>", FaultKind::Server),
            (
                529,
                r#"{"type":"error","error":{"type":"overloaded_error","message":"why"}}"#,
                FaultKind::Server,
            ),
            (402, r#"{"error":"why"}"#, FaultKind::Quota),
            (429, r#"{"error":{"message":"why","code":"rate_limit_exceeded"}}"#, FaultKind::RateLimited),
            (429, r#"{"error":{"message":"why","type":"insufficient_quota"}}"#, FaultKind::Quota),
        ];
        for (status, body, kind) in cases {
            let fault = refused(status, body);
            assert_eq!((fault.kind, fault.status), (kind, Some(status)), "{body}");
            assert!(fault.message.contains("why"), "{fault}");
            assert!(fault.message.contains("odel m-1 at endpoint local"), "{fault}");
            assert!(!fault.remedy.is_empty(), "{fault}");
        }
    }

    #[test]
    fn an_error_within_a_reply_is_judged_by_its_code_or_name() {
        let cases = [
            (r#"{"error":{"message":"m","code":429}}"#, FaultKind::RateLimited, Some(429)),
            (r#"{"error":{"message":"m","code":"server_is_overloaded"}}"#, FaultKind::Server, None),
            (r#"{"error":{"message":"m","type":"invalid_request_error"}}"#, FaultKind::Refused, None),
            (r#"{"choices":[{"error":{"message":"m","code":502}}]}"#, FaultKind::Server, Some(502)),
        ];
        for (body, kind, status) in cases {
            let fault = refused(200, body);
            assert_eq!((fault.kind, fault.status), (kind, status), "{body}");
        }
    }

    #[test]
    fn the_refused_parameter_is_named() {
        let message = |text: &str| format!(r#"{{"error":{{"message":"{text}"}}}}"#);
        let cases = [
            (400, r#"{"error":{"message":"x","param":"temperature"}}"#.to_owned(), "temperature"),
            (400, message("Unsupported parameter: 'max_tokens' is not supported"), "max_tokens"),
            (400, message("Unsupported value: 'temperature' does not support 0.2"), "temperature"),
            (400, message("Unrecognized request argument supplied: top_k"), "top_k"),
            (403, message("You are not allowed to request logprobs from this model"), "logprobs"),
            (
                400,
                r#"{"error":{"message":"logprobs are not supported","param":"include"}}"#.to_owned(),
                "logprobs",
            ),
            (422, r#"{"detail":[{"loc":["body","stop",0],"msg":"Input should be"}]}"#.to_owned(), "stop.0"),
        ];
        for (status, body, param) in cases {
            let fault = refused(status, &body);
            assert_eq!(fault.kind, FaultKind::Refused, "{body}");
            assert_eq!(fault.param.as_deref(), Some(param), "{body}");
            assert!(!fault.remedy.is_empty(), "{fault}");
        }
    }

    #[test]
    fn remedies_fit_the_case() {
        let fault = place("http://h", false).refused(401, r#"{"error":{"message":"no key"}}"#);
        assert_eq!(fault.remedy, "Set the key of endpoint local");
        let fault = place("http://h", true).refused(404, "404 page not found");
        assert_eq!(fault.remedy, "Base URLs usually end in /v1: try http://h/v1 for endpoint local");
        let fault = refused(404, r#"{"error":{"message":"The model `m-1` does not exist"}}"#);
        assert_eq!(fault.remedy, "Choose one of the models the endpoint lists");
        let fault = refused(
            400,
            r#"{"error":{"code":400,"message":"too big","type":"exceed_context_size_error","n_prompt_tokens":9000,"n_ctx":4096}}"#,
        );
        assert!(fault.message.ends_with("too big (9,000 of 4,096 tokens)"), "{fault}");
        let fault = refused(
            400,
            r#"{"error":{"message":"'messages' must contain the word 'json' in some form, to use 'response_format' of type 'json_object'.","param":"messages"}}"#,
        );
        assert!(fault.remedy.starts_with("Say in a message"), "{fault}");
        let fault = refused(
            400,
            r#"{"error":{"code":400,"message":"Assistant response prefill is incompatible with enable_thinking.","type":"invalid_request_error"}}"#,
        );
        assert!(fault.remedy.contains("enable_thinking = false"), "{fault}");
        let fault = place("https://h/v1", true).redirected(307, Some("https://other/v1/chat/completions"));
        assert_eq!(fault.remedy, "If you trust it, set the base URL of endpoint local to https://other/v1");
    }

    #[test]
    fn a_limit_says_which_and_how_to_raise_it() {
        let place = place("http://h/v1", false);
        let text = |limit| place.timed_out(limit).to_string();
        assert_eq!(
            text(Limit::FirstByte),
            "No answer from model m-1 at endpoint local within 2 m 00 s. \
             If it only needs longer, raise first_byte_ms of endpoint local"
        );
        assert!(text(Limit::Connect).contains("connect_ms"));
        assert!(text(Limit::BetweenBytes).contains("between_bytes_ms"));
    }

    #[test]
    fn hostile_text_is_printable_and_cut() {
        let fault = refused(500, &format!("\u{1b}[2J\u{202e}{}", "x".repeat(1_000_000)));
        assert!(fault.message.len() < 1000, "{}", fault.message.len());
        assert!(!fault.message.contains(['\u{1b}', '\u{202e}']), "{fault}");
        assert!(fault.message.ends_with('…'), "{fault}");
    }
}
