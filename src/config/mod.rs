//! Settings: defaults, then `config.toml`, then `TOKENSCOPE_*` variables, then flags.
//!
//! Owns what the user can set, endpoints and where their keys come from, themes, the form of the file of
//! personas, and what is known of models. It never holds a key (see [`secret`]), never reads the process environment by itself (it is
//! handed in as a function), and writes nothing.
//!
//! Invariant: [`Config::load`] always returns a configuration that works. What was wrong stands beside it
//! in [`Loaded::error`] and [`Loaded::notices`]: the workbench starts and shows them, headless commands
//! stop at an error.

mod endpoint;
mod error;
#[cfg(test)]
mod example;
mod layer;
pub mod library;
mod load;
mod model_card;
mod paths;
pub mod secret;
mod show;
mod source;
pub mod theme;

pub use endpoint::{EndpointSettings, Logprobs, OPENAI, SANDBOX, is_after_mask};
pub use error::{ConfigError, Place};
pub use load::Loaded;
pub use model_card::ModelCards;
pub use paths::Paths;
pub use show::{Origin, Shown};
pub use source::Overrides;

use crate::core::endpoint::{Endpoint, Limits};
use crate::core::model::ModelCard;
use crate::core::request::Sampling;
use crate::core::sweep::PRESET_TEMPERATURES;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The process environment, or a test's.
pub type Env<'a> = &'a dyn Fn(&str) -> Option<String>;

/// Everything that can be set, with the values in force.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Config {
    /// Name of the endpoint to start with; always one of `endpoints`.
    pub endpoint: String,
    /// The model to start with; the first the endpoint lists where there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// The system message of a new conversation; empty for none.
    pub system: String,
    /// Name of the theme.
    pub theme: String,
    /// Whether the history is sent with each message.
    pub memory: bool,
    /// How answers are sampled.
    pub sampling: Sampling,
    /// What a comparison starts with.
    pub compare: Compare,
    /// How the screen looks and behaves.
    pub ui: Ui,
    /// Chords by command; commands that are not named keep theirs, an empty list takes them away.
    pub keys: BTreeMap<String, Vec<String>>,
    /// Limits of all endpoints that say nothing else.
    pub limits: Limits,
    /// The endpoints by name, presets included.
    pub endpoints: BTreeMap<String, EndpointSettings>,
    /// System messages by name.
    pub personas: BTreeMap<String, Persona>,
    /// What is known of models.
    pub models: ModelCards,
}

/// What a comparison starts with.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Compare {
    /// The temperatures.
    pub temperatures: Vec<f64>,
    /// Requests under way at once.
    pub concurrency: usize,
    /// How often each temperature is asked.
    pub repeats: u32,
}

/// How the screen looks and behaves.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Ui {
    /// Whether clicks and the wheel come to the program, which takes the terminal's own selection away.
    pub mouse: bool,
    /// How answers are coloured.
    pub heat: Heat,
    /// Widest column of text in cells; 0 for the whole pane.
    pub wrap: u16,
    /// Whether frames and bars are drawn in ASCII.
    pub ascii: Ascii,
    /// How many colours are used.
    pub colours: Colours,
}

/// How the tokens of an answer are coloured.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Heat {
    /// Not at all.
    #[default]
    Off,
    /// By surprisal.
    Surprisal,
    /// By probability relative to the top candidate.
    Relative,
}

/// Whether frames and bars are drawn in ASCII.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Ascii {
    /// Where the locale is not UTF-8.
    #[default]
    Auto,
    /// Always.
    On,
    /// Never.
    Off,
}

/// How many colours are used.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Colours {
    /// As many as the terminal says it has; none with `NO_COLOR`.
    #[default]
    Auto,
    /// 24 bits.
    Truecolor,
    /// The palette of 256.
    #[serde(rename = "256")]
    Palette,
    /// The user's own 16.
    #[serde(rename = "16")]
    Ansi,
    /// None; bold, underline and reverse remain.
    None,
}

/// A voice to answer in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Persona {
    /// Its system message.
    pub system: String,
}

impl Default for Config {
    /// Returns the settings of a machine without configuration and without a key.
    fn default() -> Self {
        let persona = |(name, system): (&str, &str)| (name.to_owned(), Persona { system: system.to_owned() });
        Self {
            endpoint: SANDBOX.to_owned(),
            model: None,
            system: String::new(),
            theme: theme::DEFAULT.to_owned(),
            memory: true,
            sampling: Sampling {
                temperature: Some(0.7),
                max_output_tokens: Some(512),
                top_logprobs: Some(5),
                ..Sampling::default()
            },
            compare: Compare { temperatures: PRESET_TEMPERATURES.to_vec(), concurrency: 8, repeats: 1 },
            ui: Ui { mouse: true, heat: Heat::Off, wrap: 100, ascii: Ascii::Auto, colours: Colours::Auto },
            keys: BTreeMap::new(),
            limits: Limits::default(),
            endpoints: endpoint::presets(),
            personas: PERSONAS.into_iter().map(persona).collect(),
            models: ModelCards::default(),
        }
    }
}

/// The compiled-in personas.
const PERSONAS: [(&str, &str); 3] = [
    (
        "chef",
        "You are a warm, seasoned chef. Answer briefly, in the language you are asked in, with the smells and sounds of a kitchen.",
    ),
    (
        "panda",
        "You are a wise panda in a bamboo grove. Answer briefly, slowly and kindly, in the language you are asked in.",
    ),
    (
        "trainer",
        "You are an energetic fitness trainer. Answer briefly, in the language you are asked in, and end with something to do right now.",
    ),
];

impl Config {
    /// Returns an endpoint, or `None` when there is none of this name. The sandbox's has no base URL: its
    /// port is known only while it runs.
    #[must_use]
    pub fn endpoint(&self, name: &str) -> Option<Endpoint> {
        self.endpoints.get(name).map(|settings| settings.endpoint(name))
    }

    /// Returns the model to start with at an endpoint; `None` stands for the first that it lists.
    #[must_use]
    pub fn model(&self, endpoint: &str) -> Option<&str> {
        if endpoint == self.endpoint {
            return self.model.as_deref();
        }
        self.endpoints.get(endpoint)?.model.as_deref()
    }

    /// Returns what is known of a model beforehand.
    #[must_use]
    pub fn card(&self, model: &str) -> ModelCard {
        self.models.card(model)
    }

    /// Returns whether the user says that an endpoint reports probabilities before temperature.
    #[must_use]
    pub fn logprobs_before_temperature(&self, endpoint: &str) -> Option<bool> {
        Some(self.endpoints.get(endpoint)?.logprobs?.is_before_temperature())
    }
}
