//! What the app is made of at its beginning, gathered by the shell from files and the environment.

use crate::app::compare::planned::Planned;
use crate::app::counter::Counter;
use crate::app::heat::Heat;
use crate::app::keymap::Keymap;
use crate::app::msg::{Effect, Effects};
use crate::app::settings::Settings;
use crate::app::{App, Drafting};
use crate::core::conversation::Conversation;
use crate::core::fault::Fault;
use crate::core::id::Ids;
use crate::core::model::{Encoding, ModelCard};
use crate::core::probe::Probes;
use crate::core::request::Role;
use std::sync::Arc;

/// The question the sandbox offers to begin with.
pub const SUGGESTION: &str = "What is good about rising early?";

/// What the app starts with.
#[derive(Debug)]
pub struct Start {
    /// Endpoint, model, sampling.
    pub settings: Settings,
    /// Keys in force.
    pub keymap: Keymap,
    /// The conversation to open.
    pub conversation: Conversation,
    /// Identifiers, continued after those in the conversation.
    pub ids: Ids,
    /// A draft kept from an earlier session.
    pub draft: String,
    /// Colouring of answers.
    pub heat: Heat,
    /// The theme's name.
    pub theme: String,
    /// Names of all themes.
    pub themes: Vec<String>,
    /// Whether the mouse is taken.
    pub mouse: bool,
    /// What names this session among all.
    pub session: u64,
    /// Personas with their system messages.
    pub personas: Vec<(String, String)>,
    /// Temperatures of a comparison, where the configuration names some.
    pub temperatures: Vec<f64>,
    /// How often each is asked.
    pub repeats: u32,
    /// How many answers of a comparison are under way at once.
    pub concurrency: usize,
    /// Widest column of text in the conversation; 0 for the whole pane.
    pub wrap: u16,
    /// The live counter for the model.
    pub counter: Counter,
    /// Finds what is known of a model and how its tokens are counted.
    pub knowledge: Box<dyn Knowledge>,
    /// What probes found out so far.
    pub probes: Probes,
    /// The file of a sweep to open.
    pub planned: Option<Box<Planned>>,
    /// What the user should know from the start.
    pub notices: Vec<Fault>,
}

/// What is known of models beforehand; implemented outside, as it comes from files.
pub trait Knowledge: std::fmt::Debug + Send {
    /// Returns what is known of a model.
    fn card(&self, model: &str) -> ModelCard;
    /// Returns the vocabulary to count a model with, and whether it is the model's own.
    fn encoding(&self, model: &str) -> (Encoding, bool);
    /// Returns whether the user says that an endpoint reports probabilities before temperature.
    fn logprobs_before_temperature(&self, endpoint: &str) -> Option<bool>;
}

impl App {
    /// Returns what is to be done before the first message.
    pub fn begin(&mut self) -> Effects {
        let mut effects = Effects::none();
        if let Some(planned) = self.planned.take() {
            match self.open_plan(&planned) {
                Ok(opened) => effects = opened,
                Err(fault) => self.fault(&fault),
            }
        }
        let effects = effects.then(self.count());
        if self.settings.model.is_empty() {
            return effects.and(Effect::ListModels(Arc::clone(&self.settings.endpoint().name)));
        }
        effects
    }

    /// Returns the question that is offered where there is nothing yet; only the sandbox offers one,
    /// as asking it costs nothing.
    #[must_use]
    pub fn suggestion(&self) -> Option<&'static str> {
        let is_empty = self.composer.is_empty()
            && self.drafting == Drafting::New
            && self.draft_role == Role::User
            && !self.conversation.messages.iter().any(|message| message.role == Role::User)
            && self.compare.question.is_none();
        (is_empty && self.settings.endpoint().is_sandbox).then_some(SUGGESTION)
    }
}
