//! What bounds each request of a comparison besides its axes: the longest answer and the longest wait.
//!
//! Owns both as they are typed in the form. They are no part of the setup but parameters of the workbench,
//! set here as well as among the others, as a comparison is where they are wanted first. Invariant: what
//! they may be and how they step is [`Parameter`]'s to say, so form and parameters never differ.

use crate::app::settings::{Parameter, Settings};

/// Both bounds as they are typed; empty where one is left to the server or the endpoint.
#[derive(Debug, Clone, PartialEq)]
pub struct Bounds {
    /// Longest answer in tokens.
    pub max_tokens: String,
    /// Longest wait in seconds.
    pub timeout: String,
    /// What is in force.
    settings: Box<Settings>,
}

impl Bounds {
    /// Returns the bounds in force.
    #[must_use]
    pub fn of(settings: &Settings) -> Self {
        let typed = |parameter: Parameter| parameter.value(settings).unwrap_or_default();
        let (max_tokens, timeout) = (typed(Parameter::MaxOutputTokens), typed(Parameter::Timeout));
        Self { max_tokens, timeout, settings: Box::new(settings.clone()) }
    }

    /// Returns the settings with the bounds as they are typed.
    ///
    /// # Errors
    /// Which of them is wrong, and what it may be.
    pub fn settings(&self) -> Result<Settings, (Parameter, String)> {
        let mut settings = Settings::clone(&self.settings);
        for (parameter, typed) in
            [(Parameter::MaxOutputTokens, &self.max_tokens), (Parameter::Timeout, &self.timeout)]
        {
            parameter.set(&mut settings, typed).map_err(|error| (parameter, error))?;
        }
        Ok(settings)
    }

    /// Moves the longest answer a step up or down; one that cannot be read begins anew.
    pub fn step_max_tokens(&mut self, up: bool) {
        self.max_tokens = self.stepped(Parameter::MaxOutputTokens, &self.max_tokens, up);
    }

    /// Moves the longest wait a step up or down; one that cannot be read begins anew.
    pub fn step_timeout(&mut self, up: bool) {
        self.timeout = self.stepped(Parameter::Timeout, &self.timeout, up);
    }

    fn stepped(&self, parameter: Parameter, typed: &str, up: bool) -> String {
        let mut settings = Settings::clone(&self.settings);
        if parameter.set(&mut settings, typed).is_err() {
            parameter.omit(&mut settings);
        }
        parameter.step(&mut settings, up);
        parameter.value(&settings).unwrap_or_default()
    }
}
