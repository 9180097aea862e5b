//! Request bodies of Chat Completions, exactly as they go over the wire.
//!
//! Pure. Omitted parameters are not sent at all, so that the server decides, and further fields are
//! merged last, so that the user has the last word.

use crate::core::endpoint::Endpoint;
use crate::core::request::{Continuation, Means, Request, ResponseFormat, Role, Sampling};
use serde_json::{Map, Value, json};

/// Returns the JSON body with which `request` is sent to `endpoint`.
///
/// The output limit goes as `max_completion_tokens`, or as `max_tokens` where the endpoint knows no
/// other name. A limit among the further fields replaces it whatever its name, as servers refuse both.
#[must_use]
pub fn request_body(request: &Request, endpoint: &Endpoint) -> Value {
    let Sampling {
        temperature,
        top_p,
        max_output_tokens,
        seed,
        stop,
        presence_penalty,
        frequency_penalty,
        logit_bias,
        top_logprobs,
        response_format,
        extra,
    } = &request.sampling;
    let mut body = Map::new();
    let mut put = |name: &str, value: Option<Value>| {
        if let Some(value) = value {
            body.insert(name.to_owned(), value);
        }
    };
    put("model", Some(json!(request.model.as_ref())));
    put("messages", Some(messages(request)));
    put("temperature", temperature.map(Value::from));
    put("top_p", top_p.map(Value::from));
    let limit = if endpoint.legacy_max_tokens { "max_tokens" } else { "max_completion_tokens" };
    let limited = ["max_tokens", "max_completion_tokens"].iter().any(|name| extra.contains_key(*name));
    put(limit, max_output_tokens.filter(|_| !limited).map(Value::from));
    put("seed", seed.map(Value::from));
    put("stop", (!stop.is_empty()).then(|| json!(stop)));
    put("presence_penalty", presence_penalty.map(Value::from));
    put("frequency_penalty", frequency_penalty.map(Value::from));
    put("logit_bias", (!logit_bias.is_empty()).then(|| json!(logit_bias)));
    put("logprobs", top_logprobs.map(|_| Value::Bool(true)));
    put("top_logprobs", top_logprobs.map(Value::from));
    let is_given = request.continuation.as_ref().is_some_and(is_given);
    // A grammar would begin anew behind the beginning, and want a second document there.
    put("response_format", response_format.as_ref().filter(|_| !is_given).map(format));
    // What vLLM and llama.cpp want for it; a server that knows neither field continues by itself or not at all.
    put("continue_final_message", is_given.then_some(Value::Bool(true)));
    put("add_generation_prompt", is_given.then_some(Value::Bool(false)));
    put("stream", Some(Value::Bool(request.stream)));
    put("stream_options", request.stream.then(|| json!({"include_usage": true})));
    body.extend(extra.clone());
    Value::Object(body)
}

/// Whether the server is given the beginning instead of being asked for it.
fn is_given(continuation: &Continuation) -> bool {
    match continuation.means {
        Means::Exact | Means::Prefill => true,
        Means::Asked => false,
    }
}

/// Returns the messages; where the answer is to go on from a beginning, with that.
fn messages(request: &Request) -> Value {
    let prompts = request.messages.iter();
    let mut messages: Vec<Value> = prompts
        .map(|prompt| json!({"role": prompt.role.name(), "content": prompt.content.as_ref()}))
        .collect();
    let Some(continuation) = &request.continuation else { return Value::Array(messages) };
    let prefix = &continuation.prefix;
    if is_given(continuation) {
        messages.push(json!({"role": Role::Assistant.name(), "content": prefix.as_ref()}));
        return Value::Array(messages);
    }
    let wish = format!(
        "Begin your answer with exactly the text between the marks, character for character, without the \
         marks, and go on from there as if you had written it yourself.\n<beginning>{prefix}</beginning>"
    );
    // Added to the system message there is: many templates take only one, and only as the first.
    match request.messages.first() {
        Some(first) if first.role == Role::System => {
            messages[0]["content"] = json!(format!("{}\n\n{wish}", first.content));
        }
        _ => messages.insert(0, json!({"role": Role::System.name(), "content": wish})),
    }
    Value::Array(messages)
}

/// Returns the wire's form of a response format.
fn format(format: &ResponseFormat) -> Value {
    match format {
        ResponseFormat::Text => json!({"type": "text"}),
        ResponseFormat::JsonObject => json!({"type": "json_object"}),
        ResponseFormat::JsonSchema { name, schema, strict } => json!({
            "type": "json_schema",
            "json_schema": {"name": name.as_ref(), "schema": schema.as_ref(), "strict": strict},
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::endpoint::{Limits, ProviderKind};
    use crate::core::request::Prompt;
    use std::collections::BTreeMap;
    use std::sync::Arc;

    fn endpoint(legacy_max_tokens: bool) -> Endpoint {
        Endpoint {
            name: "e".into(),
            base_url: "http://h/v1".into(),
            provider: ProviderKind::OpenaiChat,
            limits: Limits::default(),
            legacy_max_tokens,
        }
    }

    fn request(sampling: Sampling, stream: bool) -> Request {
        Request {
            endpoint: "e".into(),
            model: "m".into(),
            messages: vec![Prompt::new(Role::System, "be kind"), Prompt::new(Role::User, "안녕 \"you\"")],
            sampling,
            continuation: None,
            stream,
        }
    }

    fn extra(value: &Value) -> Map<String, Value> {
        value.as_object().cloned().unwrap_or_default()
    }

    #[test]
    fn what_is_omitted_is_not_sent() {
        let body = request_body(&request(Sampling::default(), false), &endpoint(false));
        let messages =
            json!([{"role":"system","content":"be kind"},{"role":"user","content":"안녕 \"you\""}]);
        assert_eq!(body, json!({"model":"m","messages":messages,"stream":false}));
    }

    #[test]
    fn everything_set_is_sent_under_its_wire_name() {
        let sampling = Sampling {
            temperature: Some(0.7),
            top_p: Some(0.9),
            max_output_tokens: Some(200),
            seed: Some(-7),
            stop: vec!["\n".to_owned(), "END".to_owned()],
            presence_penalty: Some(0.5),
            frequency_penalty: Some(-0.5),
            logit_bias: BTreeMap::from([(50256, -100.0)]),
            top_logprobs: Some(5),
            response_format: None,
            extra: extra(&json!({"top_k": 40, "temperature": 0.1})),
        };
        let mut body = request_body(&request(sampling, true), &endpoint(false));
        body["messages"].take();
        let expected = json!({
            "model": "m", "messages": null, "stream": true, "stream_options": {"include_usage": true},
            "temperature": 0.1, "top_p": 0.9, "max_completion_tokens": 200, "seed": -7,
            "stop": ["\n", "END"], "presence_penalty": 0.5, "frequency_penalty": -0.5,
            "logit_bias": {"50256": -100.0}, "logprobs": true, "top_logprobs": 5, "top_k": 40,
        });
        assert_eq!(body, expected);
    }

    #[test]
    fn no_candidates_still_ask_for_logprobs() {
        let sampling = Sampling { top_logprobs: Some(0), ..Sampling::default() };
        let body = request_body(&request(sampling, false), &endpoint(false));
        assert_eq!((&body["logprobs"], &body["top_logprobs"]), (&json!(true), &json!(0)));
    }

    #[test]
    fn the_output_limit_has_one_name() {
        let limits = |sampling: &Sampling, legacy| {
            let body = request_body(&request(sampling.clone(), false), &endpoint(legacy));
            (body.get("max_tokens").cloned(), body.get("max_completion_tokens").cloned())
        };
        let plain = Sampling { max_output_tokens: Some(9), ..Sampling::default() };
        assert_eq!(limits(&plain, false), (None, Some(json!(9))));
        assert_eq!(limits(&plain, true), (Some(json!(9)), None));
        let own = Sampling { extra: extra(&json!({"max_tokens": 3})), ..plain };
        assert_eq!(limits(&own, false), (Some(json!(3)), None));
    }

    #[test]
    fn a_response_format_is_sent_in_the_wires_form() {
        let sent = |response_format| {
            let sampling = Sampling { response_format: Some(response_format), ..Sampling::default() };
            request_body(&request(sampling, false), &endpoint(false))["response_format"].take()
        };
        assert_eq!(sent(ResponseFormat::Text), json!({"type": "text"}));
        assert_eq!(sent(ResponseFormat::JsonObject), json!({"type": "json_object"}));
        let schema = Arc::new(json!({"type": "object", "properties": {"도시": {"type": "string"}}}));
        let format =
            ResponseFormat::JsonSchema { name: "place".into(), schema: schema.clone(), strict: true };
        let expected = json!({"name": "place", "schema": schema.as_ref(), "strict": true});
        assert_eq!(sent(format), json!({"type": "json_schema", "json_schema": expected}));
    }

    fn continued(means: Means, messages: Vec<Prompt>) -> Value {
        let sampling = Sampling { response_format: Some(ResponseFormat::JsonObject), ..Sampling::default() };
        let continuation = Continuation { prefix: "옛날 ".into(), tokens: Arc::new([]), means };
        let request = Request { messages, continuation: Some(continuation), ..request(sampling, false) };
        request_body(&request, &endpoint(false))
    }

    #[test]
    fn a_given_beginning_is_the_last_message_and_nothing_constrains_what_follows() {
        let body = continued(Means::Prefill, vec![Prompt::new(Role::User, "story")]);
        let expected = json!({
            "model": "m", "stream": false, "continue_final_message": true, "add_generation_prompt": false,
            "messages": [{"role": "user", "content": "story"}, {"role": "assistant", "content": "옛날 "}],
        });
        assert_eq!(body, expected);
    }

    #[test]
    fn a_beginning_is_asked_for_in_the_system_message() {
        let user = || Prompt::new(Role::User, "story");
        let body = continued(Means::Asked, vec![Prompt::new(Role::System, "be kind"), user()]);
        let system = body["messages"][0]["content"].as_str().unwrap();
        assert!(
            system.starts_with("be kind\n\n") && system.contains("<beginning>옛날 </beginning>"),
            "{system}"
        );
        assert_eq!(body["messages"].as_array().unwrap().len(), 2);
        assert_eq!(body["response_format"], json!({"type": "json_object"}));
        let alone = continued(Means::Asked, vec![user()]);
        assert_eq!(alone["messages"][0]["role"], "system");
        assert_eq!(alone["messages"][1]["content"], "story");
    }
}
