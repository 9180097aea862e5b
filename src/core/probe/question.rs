//! The questions of a probe and the requests that ask them.
//!
//! Owns what is said and which parameters stand in each request. Never judges an answer. Each request
//! differs from one that went well in one thing, so that a refusal is due to that.

use super::Subject;
use super::answers::Answers;
use crate::core::request::{Continuation, Means, Prompt, Request, ResponseFormat, Role, Sampling};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use std::sync::Arc;

/// Tokens of an answer of which only the beginning matters. Some servers refuse less than four.
const SHORT: u32 = 4;

/// Tokens of an answer that must be long enough to differ.
const LONG: u32 = 8;

/// Candidates asked for: as many as Chat Completions allows.
pub(super) const MOST: u8 = 20;

/// Candidates asked for where those are too many.
pub(super) const FEW: u8 = 5;

/// The temperatures whose probabilities are compared.
const COOL: f64 = 0.2;
const HOT: f64 = 2.0;
/// Stands for the hotter one where that is refused; seeds are tried at it.
const WARM: f64 = 1.0;

/// Asks for more than the limit allows, so that a limit that is ignored shows.
const COUNT: &str = "Count from 1 to 30.";
/// Has many likely beginnings, so that candidates differ.
const PICK: &str = "Name any animal. Answer with one word.";
/// Has many likely answers, so that seeds differ.
const WORDS: &str = "Write eight random words.";
/// For parameters of which only the refusal matters.
const GREET: &str = "Say hello.";
/// OpenAI refuses a JSON format where no message has the word.
const JSON: &str = "Answer with the JSON object {\"a\": \"b\"}.";
/// The sentence whose second half must follow its first.
const SENTENCE: &str = "Spaced repetition means that you study less at once and more often.";
const ASK_SENTENCE: &str = "Say this sentence and nothing else: ";
/// The first half; no white space at its end, which would change how it is cut into tokens.
const BEGINNING: &str = "Spaced repetition means that you study less at";

/// What an answer begins with that goes on from the beginning it was given.
pub(super) const GOES_ON: &str = "once";
/// What one begins with that says the beginning again.
pub(super) const BEGINS_AGAIN: &str = "Spaced repetition";

const SCHEMA_NAME: &str = "probe";

/// One question of a probe.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Question {
    /// Is the output limit known as `max_completion_tokens`?
    CompletionLimit,
    /// Is it known as `max_tokens`?
    LegacyLimit,
    /// May reasoning be switched off?
    NoReasoning,
    /// Are there logprobs, with 20 candidates?
    Candidates,
    /// Are there with 5?
    FewCandidates,
    /// Are there with 20 and without reasoning?
    QuietCandidates,
    /// Are there with 5 and without reasoning?
    QuietFewCandidates,
    /// Which probabilities are reported at a low temperature?
    Cool,
    /// Which at a high one?
    Hot,
    /// Which at 1, where the high one is refused?
    Warm,
    /// Is `top_p` taken?
    TopP,
    /// Is `stop`?
    Stop,
    /// Are the penalties?
    Penalties,
    /// Is `logit_bias`?
    LogitBias,
    /// Is a JSON object as the form of the answer?
    JsonObject,
    /// Is a schema?
    JsonSchema,
    /// Is `seed` taken?
    Seed,
    /// Does the same seed give the same answer?
    SeedAgain,
    /// Does another seed give another answer?
    OtherSeed,
    /// Does a third, where the second did not?
    ThirdSeed,
    /// Is a beginning continued as vLLM wants to be asked?
    PrefillFlagged,
    /// Is it continued without any word about it, as llama.cpp does?
    PrefillPlain,
}

impl Question {
    /// All of them, in the order they are asked.
    pub const ALL: [Self; 22] = [
        Self::CompletionLimit,
        Self::LegacyLimit,
        Self::NoReasoning,
        Self::Candidates,
        Self::FewCandidates,
        Self::QuietCandidates,
        Self::QuietFewCandidates,
        Self::Cool,
        Self::Hot,
        Self::Warm,
        Self::TopP,
        Self::Stop,
        Self::Penalties,
        Self::LogitBias,
        Self::JsonObject,
        Self::JsonSchema,
        Self::Seed,
        Self::SeedAgain,
        Self::OtherSeed,
        Self::ThirdSeed,
        Self::PrefillFlagged,
        Self::PrefillPlain,
    ];

    /// Returns what is being tried, for the line of progress.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::CompletionLimit => "max_completion_tokens",
            Self::LegacyLimit => "max_tokens",
            Self::NoReasoning => "reasoning_effort none",
            Self::Candidates | Self::QuietCandidates => "logprobs, 20 candidates",
            Self::FewCandidates | Self::QuietFewCandidates => "logprobs, 5 candidates",
            Self::Cool => "temperature 0.2",
            Self::Hot => "temperature 2.0",
            Self::Warm => "temperature 1.0",
            Self::TopP => "top_p",
            Self::Stop => "stop",
            Self::Penalties => "penalties",
            Self::LogitBias => "logit_bias",
            Self::JsonObject => "a JSON object",
            Self::JsonSchema => "a JSON schema",
            Self::Seed | Self::SeedAgain | Self::OtherSeed | Self::ThirdSeed => "seeds",
            Self::PrefillFlagged | Self::PrefillPlain => "a given beginning",
        }
    }

    /// Returns the most tokens the answer may have.
    #[must_use]
    pub fn limit(self) -> u32 {
        match self {
            Self::CompletionLimit
            | Self::LegacyLimit
            | Self::Seed
            | Self::SeedAgain
            | Self::OtherSeed
            | Self::ThirdSeed
            | Self::PrefillFlagged
            | Self::PrefillPlain => LONG,
            Self::NoReasoning
            | Self::Candidates
            | Self::FewCandidates
            | Self::QuietCandidates
            | Self::QuietFewCandidates
            | Self::Cool
            | Self::Hot
            | Self::Warm
            | Self::TopP
            | Self::Stop
            | Self::Penalties
            | Self::LogitBias
            | Self::JsonObject
            | Self::JsonSchema => SHORT,
        }
    }

    /// Returns how many bytes of text the request holds; it has no more tokens than these.
    pub(super) fn input_bytes(self) -> u64 {
        let schema = if self == Self::JsonSchema { schema().to_string().len() } else { 0 };
        let beginning = if self.is_prefill() { BEGINNING.len() } else { 0 };
        (self.says().len() + beginning + schema) as u64
    }

    /// Returns how many messages the request holds.
    pub(super) fn messages(self) -> usize {
        1 + usize::from(self.is_prefill())
    }

    /// Returns the temperature whose probabilities it asks for.
    pub(super) fn temperature(self) -> Option<f64> {
        [(Self::Cool, COOL), (Self::Hot, HOT), (Self::Warm, WARM)]
            .into_iter()
            .find_map(|(question, temperature)| (question == self).then_some(temperature))
    }

    fn is_prefill(self) -> bool {
        matches!(self, Self::PrefillFlagged | Self::PrefillPlain)
    }

    fn says(self) -> String {
        match self {
            Self::CompletionLimit | Self::LegacyLimit => COUNT.to_owned(),
            Self::Candidates
            | Self::FewCandidates
            | Self::QuietCandidates
            | Self::QuietFewCandidates
            | Self::Cool
            | Self::Hot
            | Self::Warm => PICK.to_owned(),
            Self::NoReasoning | Self::TopP | Self::Stop | Self::Penalties | Self::LogitBias => {
                GREET.to_owned()
            }
            Self::JsonObject | Self::JsonSchema => JSON.to_owned(),
            Self::Seed | Self::SeedAgain | Self::OtherSeed | Self::ThirdSeed => WORDS.to_owned(),
            Self::PrefillFlagged | Self::PrefillPlain => format!("{ASK_SENTENCE}{SENTENCE}"),
        }
    }

    /// Returns the request that asks the question, given what is known from those before.
    #[must_use]
    pub fn request(self, subject: &Subject, answers: &Answers) -> Request {
        let mut messages = vec![Prompt::new(Role::User, self.says())];
        if self == Self::PrefillPlain {
            messages.push(Prompt::new(Role::Assistant, BEGINNING));
        }
        Request {
            endpoint: Arc::clone(&subject.endpoint),
            model: Arc::clone(&subject.model),
            messages,
            sampling: self.sampling(answers),
            continuation: (self == Self::PrefillFlagged).then(|| Continuation {
                prefix: BEGINNING.into(),
                tokens: Arc::new([]),
                means: Means::Prefill,
            }),
            stream: true,
        }
    }

    fn sampling(self, answers: &Answers) -> Sampling {
        let mut sampling = Sampling::default();
        let mut extra = Map::new();
        // The limit goes under the name that is tried or known to work, whatever the endpoint's settings say.
        let limit = if self == Self::CompletionLimit {
            Some("max_completion_tokens")
        } else if self == Self::LegacyLimit {
            Some("max_tokens")
        } else {
            answers.limit_name()
        };
        extra.extend(limit.map(|name| (name.to_owned(), Value::from(self.limit()))));
        let quiet = |extra: &mut Map<String, Value>| {
            extra.insert("reasoning_effort".to_owned(), Value::from("none"));
        };
        match self {
            Self::CompletionLimit | Self::LegacyLimit => {}
            Self::NoReasoning => quiet(&mut extra),
            Self::Candidates => sampling.top_logprobs = Some(MOST),
            Self::FewCandidates => sampling.top_logprobs = Some(FEW),
            Self::QuietCandidates | Self::QuietFewCandidates => {
                quiet(&mut extra);
                sampling.top_logprobs = Some(if self == Self::QuietCandidates { MOST } else { FEW });
            }
            Self::Cool | Self::Hot | Self::Warm => {
                sampling.temperature = self.temperature();
                if let Some(way) = answers.way_to_logprobs() {
                    sampling.top_logprobs = Some(way.asked);
                    if way.is_quiet {
                        quiet(&mut extra);
                    }
                }
            }
            Self::TopP => sampling.top_p = Some(0.9),
            Self::Stop => sampling.stop = vec!["\n\n\n".to_owned()],
            Self::Penalties => {
                (sampling.presence_penalty, sampling.frequency_penalty) = (Some(0.1), Some(0.1));
            }
            // Token 1 is in every vocabulary.
            Self::LogitBias => drop(sampling.logit_bias.insert(1, -1.0)),
            Self::JsonObject => sampling.response_format = Some(ResponseFormat::JsonObject),
            Self::JsonSchema => {
                sampling.response_format = Some(ResponseFormat::JsonSchema {
                    name: SCHEMA_NAME.into(),
                    schema: Arc::new(schema()),
                    strict: true,
                });
            }
            Self::Seed | Self::SeedAgain => sampling.seed = Some(7),
            Self::OtherSeed => sampling.seed = Some(8),
            Self::ThirdSeed => sampling.seed = Some(9),
            Self::PrefillFlagged | Self::PrefillPlain => {}
        }
        if answers.takes_temperature() {
            let draws = matches!(self, Self::Seed | Self::SeedAgain | Self::OtherSeed | Self::ThirdSeed);
            sampling.temperature =
                if draws { Some(WARM) } else { sampling.temperature.or(self.is_prefill().then_some(0.0)) };
        }
        sampling.extra = extra;
        sampling
    }
}

fn schema() -> Value {
    json!({
        "type": "object",
        "properties": {"a": {"type": "string"}},
        "required": ["a"],
        "additionalProperties": false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sentence_is_its_halves() {
        let rest = SENTENCE.strip_prefix(BEGINNING).unwrap();
        assert!(rest.trim_start().starts_with(GOES_ON) && BEGINNING.starts_with(BEGINS_AGAIN));
    }

    #[test]
    fn every_request_has_a_limit_and_is_short() {
        let subject = Subject::new("e", "m", "");
        for question in Question::ALL {
            assert!((1..=8).contains(&question.limit()));
            let request = question.request(&subject, &Answers::default());
            let texts: usize = request.messages.iter().map(|prompt| prompt.content.len()).sum();
            assert!(texts as u64 <= question.input_bytes(), "{question:?}");
        }
    }
}
