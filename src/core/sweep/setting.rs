//! What one value of an axis does to a request.
//!
//! Owns the changes: each replaces one thing and leaves the rest, so the order of axes does not matter
//! but for an endpoint and its model.

use crate::core::request::{Prompt, Request, ResponseFormat, Role};
use crate::core::sweep::axis::Parameter;
use crate::core::sweep::template::Variables;
use serde_json::Value as Json;
use std::sync::Arc;

/// Name of the reasoning effort in the body of a request.
pub const EFFORT: &str = "reasoning_effort";

/// What one value of an axis does to a request. `None` takes the parameter away.
#[derive(Debug, Clone, PartialEq)]
pub enum Setting {
    /// Sets the temperature.
    Temperature(Option<f64>),
    /// Sets the nucleus mass.
    TopP(Option<f64>),
    /// Sets the longest answer.
    MaxTokens(Option<u32>),
    /// Sets the seed.
    Seed(Option<i64>),
    /// Sets the reasoning effort, under its name on the wire.
    Effort(Option<Arc<str>>),
    /// Sets the form of the answer.
    Format(Option<ResponseFormat>),
    /// Sets the system message to that of a persona.
    Persona(Option<Arc<str>>),
    /// Sets the system message.
    System(Option<Arc<str>>),
    /// Sets the model.
    Model(Arc<str>),
    /// Sets where the request goes and which model answers there.
    Endpoint {
        /// Name of the endpoint.
        name: Arc<str>,
        /// Name of the model.
        model: Arc<str>,
    },
    /// Sets the last user message.
    Prompt(Arc<str>),
    /// Gives variables their values.
    Variables(Variables),
}

impl Setting {
    /// Returns the text that this puts in the place of a message; `None` where it puts none.
    #[must_use]
    pub fn text(&self) -> Option<&Arc<str>> {
        match self {
            Self::Persona(text) | Self::System(text) => text.as_ref(),
            Self::Prompt(text) => Some(text),
            Self::Temperature(_)
            | Self::TopP(_)
            | Self::MaxTokens(_)
            | Self::Seed(_)
            | Self::Effort(_)
            | Self::Format(_)
            | Self::Model(_)
            | Self::Endpoint { .. }
            | Self::Variables(_) => None,
        }
    }

    /// Whether this is a value of an axis of a parameter.
    pub(super) fn fits(&self, parameter: &Parameter) -> bool {
        match self {
            Self::Temperature(_) => *parameter == Parameter::Temperature,
            Self::TopP(_) => *parameter == Parameter::TopP,
            Self::MaxTokens(_) => *parameter == Parameter::MaxTokens,
            Self::Seed(_) => *parameter == Parameter::Seed,
            Self::Effort(_) => *parameter == Parameter::Effort,
            Self::Format(_) => *parameter == Parameter::Format,
            Self::Persona(_) => *parameter == Parameter::Persona,
            Self::System(_) => *parameter == Parameter::System,
            Self::Model(_) => *parameter == Parameter::Model,
            Self::Endpoint { .. } => *parameter == Parameter::Endpoint,
            Self::Prompt(_) => *parameter == Parameter::Prompt,
            Self::Variables(values) => {
                let is_it = |name: &Arc<str>| values.len() == 1 && values.contains_key(name);
                matches!(parameter, Parameter::Variable(name) if is_it(name)) || *parameter == Parameter::Rows
            }
        }
    }

    /// Changes a request as the value says; variables wait until all texts are in place.
    pub(super) fn apply(&self, request: &mut Request, variables: &mut Variables) {
        let sampling = &mut request.sampling;
        match self {
            Self::Effort(Some(effort)) => {
                sampling.extra.insert(EFFORT.to_owned(), Json::from(&**effort));
            }
            Self::Effort(None) => {
                sampling.extra.remove(EFFORT);
            }
            Self::Format(format) => sampling.response_format.clone_from(format),
            Self::Temperature(temperature) => sampling.temperature = *temperature,
            Self::TopP(top_p) => sampling.top_p = *top_p,
            Self::MaxTokens(tokens) => sampling.max_output_tokens = *tokens,
            Self::Seed(seed) => sampling.seed = *seed,
            Self::Persona(system) | Self::System(system) => {
                set_system(&mut request.messages, system.as_ref());
            }
            Self::Model(model) => request.model = Arc::clone(model),
            Self::Endpoint { name, model } => {
                (request.endpoint, request.model) = (Arc::clone(name), Arc::clone(model));
            }
            Self::Prompt(prompt) => {
                let last = request.messages.iter_mut().rev().find(|message| message.role == Role::User);
                match last {
                    Some(message) => message.content = Arc::clone(prompt),
                    None => request.messages.push(Prompt::new(Role::User, Arc::clone(prompt))),
                }
            }
            Self::Variables(values) => {
                variables.extend(values.iter().map(|(name, value)| (Arc::clone(name), Arc::clone(value))));
            }
        }
    }
}

/// Puts a system message in the place of the first one, or takes that away.
fn set_system(messages: &mut Vec<Prompt>, system: Option<&Arc<str>>) {
    let at = messages.iter().position(|message| message.role == Role::System);
    match (at, system) {
        (Some(at), Some(system)) => messages[at].content = Arc::clone(system),
        (Some(at), None) => {
            messages.remove(at);
        }
        (None, Some(system)) => messages.insert(0, Prompt::new(Role::System, Arc::clone(system))),
        (None, None) => {}
    }
}
