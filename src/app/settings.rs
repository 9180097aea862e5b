//! What the next request is made of besides its messages: endpoint, model, sampling.

use crate::core::conversation::Conversation;
use crate::core::model::ModelCard;
use crate::core::request::{Means, Prompt, Request, ResponseFormat, Sampling};
use std::sync::Arc;
use std::time::Duration;

/// Shortest and longest time a server can be waited for, in seconds.
const TIMEOUTS: (f64, f64) = (0.1, 3600.0);

/// Seconds by which a timeout goes up and down, and those it starts at.
const TIMEOUT_STEP: f64 = 5.0;
const TIMEOUT_START: f64 = 15.0;

/// An endpoint as the app knows it.
#[derive(Debug, Clone, PartialEq)]
pub struct EndpointCard {
    /// Its name.
    pub name: Arc<str>,
    /// Where it is, for the picker.
    pub place: String,
    /// Its base URL without its query; empty for the sandbox.
    pub base_url: Arc<str>,
    /// The model it starts with.
    pub model: Arc<str>,
    /// Whether it is the embedded sandbox.
    pub is_sandbox: bool,
    /// How it is made to go on from a beginning.
    pub continues: Means,
}

/// A parameter the user can set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Parameter {
    /// Randomness of the choice.
    Temperature,
    /// Nucleus mass.
    TopP,
    /// Longest answer.
    MaxOutputTokens,
    /// Seed.
    Seed,
    /// Stop text.
    Stop,
    /// Presence penalty.
    PresencePenalty,
    /// Frequency penalty.
    FrequencyPenalty,
    /// Candidates per token.
    TopLogprobs,
    /// Form of the answer.
    ResponseFormat,
    /// Longest wait for the server; no part of the request.
    Timeout,
}

impl Parameter {
    /// All of them, in the order they are listed.
    pub const ALL: [Self; 10] = [
        Self::Temperature,
        Self::TopP,
        Self::MaxOutputTokens,
        Self::Seed,
        Self::Stop,
        Self::PresencePenalty,
        Self::FrequencyPenalty,
        Self::TopLogprobs,
        Self::ResponseFormat,
        Self::Timeout,
    ];

    /// Returns the name used on the wire and on screen.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Temperature => "temperature",
            Self::TopP => "top_p",
            Self::MaxOutputTokens => "max_output_tokens",
            Self::Seed => "seed",
            Self::Stop => "stop",
            Self::PresencePenalty => "presence_penalty",
            Self::FrequencyPenalty => "frequency_penalty",
            Self::TopLogprobs => "top_logprobs",
            Self::ResponseFormat => "response_format",
            Self::Timeout => "timeout",
        }
    }

    /// Returns the name under which a refusal of its value is known: forms of an answer differ.
    #[must_use]
    pub fn tried_as(self, sampling: &Sampling) -> &'static str {
        match (self, &sampling.response_format) {
            (Self::ResponseFormat, Some(ResponseFormat::JsonObject)) => "response_format json_object",
            (Self::ResponseFormat, Some(ResponseFormat::JsonSchema { .. })) => "response_format json_schema",
            _ => self.name(),
        }
    }

    /// Returns what it may be, for the list.
    #[must_use]
    pub fn range(self) -> &'static str {
        match self {
            Self::Temperature => "0 to 2",
            Self::TopP => "0 to 1",
            Self::MaxOutputTokens => "1 and more",
            Self::Seed => "a whole number",
            Self::Stop => "a text",
            Self::PresencePenalty | Self::FrequencyPenalty => "-2 to 2",
            Self::TopLogprobs => "0 to 20",
            Self::ResponseFormat => "text, json_object, a schema's file",
            Self::Timeout => "0.1 to 3600 seconds",
        }
    }

    /// Returns what stands in place of a value that is omitted.
    #[must_use]
    pub fn absent(self) -> &'static str {
        if self == Self::Timeout { "the endpoint's" } else { "omitted" }
    }

    /// Returns the value as it is shown; `None` when it is omitted.
    #[must_use]
    pub fn value(self, settings: &Settings) -> Option<String> {
        let sampling = &settings.sampling;
        match self {
            Self::Temperature => sampling.temperature.map(|v| v.to_string()),
            Self::TopP => sampling.top_p.map(|v| v.to_string()),
            Self::MaxOutputTokens => sampling.max_output_tokens.map(|v| v.to_string()),
            Self::Seed => sampling.seed.map(|v| v.to_string()),
            Self::Stop => (!sampling.stop.is_empty()).then(|| sampling.stop.join(" | ")),
            Self::PresencePenalty => sampling.presence_penalty.map(|v| v.to_string()),
            Self::FrequencyPenalty => sampling.frequency_penalty.map(|v| v.to_string()),
            Self::TopLogprobs => sampling.top_logprobs.map(|v| v.to_string()),
            Self::ResponseFormat => sampling.response_format.as_ref().map(format_name),
            Self::Timeout => settings.timeout.map(|timeout| timeout.as_secs_f64().to_string()),
        }
    }

    /// Sets the value from what was typed; an empty text omits it.
    ///
    /// # Errors
    /// Says what the value may be.
    pub fn set(self, settings: &mut Settings, typed: &str) -> Result<(), String> {
        let (typed, sampling) = (typed.trim(), &mut settings.sampling);
        let wrong = || format!("{} is {}; '{typed}' is not", self.name(), self.range());
        let number = |low: f64, high: f64| match typed {
            "" => Ok(None),
            _ => match typed.parse::<f64>() {
                Ok(value) if (low..=high).contains(&value) => Ok(Some(value)),
                _ => Err(wrong()),
            },
        };
        match self {
            Self::Temperature => sampling.temperature = number(0.0, 2.0)?,
            Self::TopP => sampling.top_p = number(0.0, 1.0)?,
            Self::PresencePenalty => sampling.presence_penalty = number(-2.0, 2.0)?,
            Self::FrequencyPenalty => sampling.frequency_penalty = number(-2.0, 2.0)?,
            Self::MaxOutputTokens => {
                sampling.max_output_tokens = match typed {
                    "" => None,
                    _ => Some(typed.parse().ok().filter(|n| *n > 0).ok_or_else(wrong)?),
                }
            }
            Self::Seed => {
                sampling.seed = match typed {
                    "" => None,
                    _ => Some(typed.parse().map_err(|_| wrong())?),
                }
            }
            Self::TopLogprobs => {
                sampling.top_logprobs = match typed {
                    "" => None,
                    _ => Some(typed.parse().ok().filter(|n| *n <= 20).ok_or_else(wrong)?),
                }
            }
            Self::ResponseFormat => {
                sampling.response_format = match typed {
                    "" => None,
                    "text" => Some(ResponseFormat::Text),
                    "json" | "json_object" => Some(ResponseFormat::JsonObject),
                    _ => return Err(wrong()),
                }
            }
            Self::Stop => {
                sampling.stop = typed
                    .split(" | ")
                    .filter(|stop| !stop.is_empty())
                    .map(|stop| stop.replace("\\n", "\n"))
                    .collect();
            }
            Self::Timeout => {
                let seconds = number(TIMEOUTS.0, TIMEOUTS.1)?;
                settings.timeout = seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
            }
        }
        Ok(())
    }

    /// Moves the value one step up or down; an omitted one starts at a middle value.
    pub fn step(self, settings: &mut Settings, up: bool) {
        let sampling = &mut settings.sampling;
        let step = |value: Option<f64>, start: f64, by: f64, low: f64, high: f64| {
            let next = match value {
                None => start,
                Some(value) if up => value + by,
                Some(value) => value - by,
            };
            // Steps are decimal fractions; rounding keeps 0.1 + 0.2 at 0.3.
            Some(((next * 1000.0).round() / 1000.0).clamp(low, high))
        };
        match self {
            Self::Temperature => sampling.temperature = step(sampling.temperature, 1.0, 0.1, 0.0, 2.0),
            Self::TopP => sampling.top_p = step(sampling.top_p, 1.0, 0.05, 0.0, 1.0),
            Self::PresencePenalty => {
                sampling.presence_penalty = step(sampling.presence_penalty, 0.0, 0.1, -2.0, 2.0);
            }
            Self::FrequencyPenalty => {
                sampling.frequency_penalty = step(sampling.frequency_penalty, 0.0, 0.1, -2.0, 2.0);
            }
            Self::MaxOutputTokens => {
                sampling.max_output_tokens = Some(match sampling.max_output_tokens {
                    None => 512,
                    Some(tokens) if up => tokens.saturating_mul(2),
                    Some(tokens) => (tokens / 2).max(1),
                });
            }
            Self::Seed => {
                sampling.seed = Some(match sampling.seed {
                    None => 1,
                    Some(seed) if up => seed.saturating_add(1),
                    Some(seed) => seed.saturating_sub(1),
                });
            }
            Self::TopLogprobs => {
                sampling.top_logprobs = Some(match sampling.top_logprobs {
                    None => 5,
                    Some(count) if up => (count + 1).min(20),
                    Some(count) => count.saturating_sub(1),
                });
            }
            Self::ResponseFormat => {
                sampling.response_format = match (&sampling.response_format, up) {
                    (None, true) | (Some(ResponseFormat::Text), false) => Some(ResponseFormat::JsonObject),
                    (None, false) | (Some(_), true) => Some(ResponseFormat::Text),
                    (Some(_), false) => None,
                };
            }
            Self::Timeout => {
                let seconds = settings.timeout.map(|timeout| timeout.as_secs_f64());
                let next = step(seconds, TIMEOUT_START, TIMEOUT_STEP, 1.0, TIMEOUTS.1);
                settings.timeout = next.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
            }
            Self::Stop => {}
        }
    }

    /// Whether its value goes up and down in steps.
    #[must_use]
    pub fn is_stepped(self) -> bool {
        self != Self::Stop
    }

    /// Leaves the parameter out of the request.
    pub fn omit(self, settings: &mut Settings) {
        let sampling = &mut settings.sampling;
        match self {
            Self::Temperature => sampling.temperature = None,
            Self::TopP => sampling.top_p = None,
            Self::MaxOutputTokens => sampling.max_output_tokens = None,
            Self::Seed => sampling.seed = None,
            Self::Stop => sampling.stop.clear(),
            Self::PresencePenalty => sampling.presence_penalty = None,
            Self::FrequencyPenalty => sampling.frequency_penalty = None,
            Self::TopLogprobs => sampling.top_logprobs = None,
            Self::ResponseFormat => sampling.response_format = None,
            Self::Timeout => settings.timeout = None,
        }
    }
}

/// Returns the name of a form of answer as it is shown.
fn format_name(format: &ResponseFormat) -> String {
    match format {
        ResponseFormat::Text => "text".to_owned(),
        ResponseFormat::JsonObject => "json_object".to_owned(),
        ResponseFormat::JsonSchema { name, .. } => format!("schema \"{name}\""),
    }
}

/// Endpoint, model and sampling of the next request.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// The endpoints that can be chosen.
    pub endpoints: Vec<EndpointCard>,
    /// Index of the chosen one.
    pub endpoint: usize,
    /// The chosen model.
    pub model: Arc<str>,
    /// What is known of that model.
    pub card: ModelCard,
    /// How answers are sampled.
    pub sampling: Sampling,
    /// Longest wait for the first byte of an answer, and of each silence in it; `None` for the endpoint's.
    pub timeout: Option<Duration>,
}

impl Settings {
    /// Returns the chosen endpoint.
    #[must_use]
    pub fn endpoint(&self) -> &EndpointCard {
        &self.endpoints[self.endpoint.min(self.endpoints.len() - 1)]
    }

    /// Returns the endpoint of this name.
    #[must_use]
    pub fn endpoint_named(&self, name: &str) -> Option<&EndpointCard> {
        self.endpoints.iter().find(|card| *card.name == *name)
    }

    /// Returns the request that asks for an answer after the first `upto` messages.
    #[must_use]
    pub fn request(&self, conversation: &Conversation, upto: usize) -> Request {
        self.request_of(conversation.prompts(upto))
    }

    /// Returns the request that sends these messages.
    #[must_use]
    pub fn request_of(&self, messages: Vec<Prompt>) -> Request {
        Request {
            endpoint: Arc::clone(&self.endpoint().name),
            model: Arc::clone(&self.model),
            messages,
            sampling: self.sampling.clone(),
            continuation: None,
            stream: true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings() -> Settings {
        Settings {
            endpoints: Vec::new(),
            endpoint: 0,
            model: "m".into(),
            card: ModelCard::default(),
            sampling: Sampling::default(),
            timeout: None,
        }
    }

    #[test]
    fn every_parameter_can_be_set_stepped_and_omitted() {
        for parameter in Parameter::ALL {
            let mut settings = settings();
            assert_eq!(parameter.value(&settings), None, "{parameter:?}");
            let typed = if parameter == Parameter::ResponseFormat { "json_object" } else { "1" };
            parameter.set(&mut settings, typed).unwrap();
            assert_eq!(parameter.value(&settings).as_deref(), Some(typed), "{parameter:?}");
            parameter.step(&mut settings, true);
            parameter.omit(&mut settings);
            assert_eq!(settings, self::settings(), "{parameter:?}");
        }
    }

    #[test]
    fn a_wrong_value_changes_nothing_and_says_the_range() {
        let mut settings = settings();
        settings.sampling.temperature = Some(0.7);
        let error = Parameter::Temperature.set(&mut settings, "2.5").unwrap_err();
        assert!(error.contains("0 to 2") && error.contains("2.5"), "{error}");
        assert_eq!(settings.sampling.temperature, Some(0.7));
        assert!(Parameter::TopLogprobs.set(&mut settings, "21").is_err());
        assert!(Parameter::Seed.set(&mut settings, "x").is_err());
        for wrong in ["0", "-1", "1e9", "nan", "15s"] {
            assert!(Parameter::Timeout.set(&mut settings, wrong).is_err(), "{wrong}");
        }
        assert_eq!(settings.timeout, None);
    }

    #[test]
    fn a_timeout_is_in_seconds() {
        let mut settings = settings();
        Parameter::Timeout.set(&mut settings, "0.5").unwrap();
        assert_eq!(settings.timeout, Some(Duration::from_millis(500)));
        Parameter::Timeout.step(&mut settings, false);
        assert_eq!(settings.timeout, Some(Duration::from_secs(1)));
        Parameter::Timeout.step(&mut settings, true);
        assert_eq!(Parameter::Timeout.value(&settings).as_deref(), Some("6"));
    }

    #[test]
    fn steps_are_decimal() {
        let mut settings = settings();
        settings.sampling.temperature = Some(0.1);
        Parameter::Temperature.step(&mut settings, true);
        Parameter::Temperature.step(&mut settings, true);
        assert_eq!(Parameter::Temperature.value(&settings).as_deref(), Some("0.3"));
    }
}
