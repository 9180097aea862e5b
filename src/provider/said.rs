//! What one event or document of a server says, whatever its wire.
//!
//! Owns the one form that decoding and reading of documents work on. Never keeps state, and never
//! judges whether what was said makes an answer.

use super::completion::Completion;
use super::json::{Maybe, repair};
use super::own::Printed;
use super::reply::Reply;
use super::responses::{Event, Response};
use crate::core::provenance::Provenance;
use crate::core::stream::Usage;
use crate::core::token::Token;

/// How a server's replies are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wire {
    /// Chat Completions.
    Chat,
    /// llama.cpp's own `/completion`.
    Completion,
    /// A document of the Responses API.
    Response,
    /// An event of the Responses API.
    Event,
    /// What this program prints.
    Printed,
}

/// What an event or document says.
#[derive(Debug, Default)]
pub(super) struct Said {
    /// Whether it is a failure, whatever its shape.
    pub(super) is_error: bool,
    /// Whether it is part of an answer at all, even an empty one.
    pub(super) is_reply: bool,
    /// Whether it holds a piece of the answer that is ours, even an empty one.
    pub(super) is_answer: bool,
    /// Whether it holds the whole answer, although pieces of it came before.
    pub(super) is_whole: bool,
    /// The model that answers; empty where it is not said.
    pub(super) model: String,
    /// Text of the answer.
    pub(super) text: String,
    /// Text of the reasoning.
    pub(super) reasoning: String,
    /// The answer's tokens.
    pub(super) tokens: Vec<Token>,
    /// The tokens billed, where the server says.
    pub(super) usage: Option<Usage>,
    /// Why the answer ended, as Chat Completions names it; empty while it goes on.
    pub(super) finish: String,
    /// How many answers to the same request it tells of, as far as their indices say.
    pub(super) choices: u64,
    /// The temperature it was sampled at, where that is said.
    pub(super) temperature: Option<f64>,
    /// The cuts it was sampled with, by name, where that is said.
    pub(super) cuts: Vec<(&'static str, f64)>,
    /// Where its values stand, where that is said.
    pub(super) provenance: Option<Provenance>,
    /// Name of the endpoint that answered, where that is said.
    pub(super) endpoint: String,
    /// Our own count of the answer, where there is one.
    pub(super) estimated_output_tokens: Option<u64>,
}

impl Wire {
    /// Reads an event or document; `None` when the text is no JSON. JSON that is no object says nothing.
    pub(super) fn read(self, text: &str) -> Option<Said> {
        self.read_choice(text, 0)
    }

    /// Reads an event or document of several answers, one of them, counted from 0.
    pub(super) fn read_choice(self, text: &str, choice: u64) -> Option<Said> {
        mended(text, |text| {
            Ok(match self {
                Self::Chat => {
                    serde_json::from_str::<Maybe<Reply<'_>>>(text)?.0.map(|reply| reply.said(choice))
                }
                Self::Completion => {
                    serde_json::from_str::<Maybe<Completion<'_>>>(text)?.0.map(Completion::said)
                }
                Self::Response => serde_json::from_str::<Maybe<Response<'_>>>(text)?.0.map(Response::said),
                Self::Event => serde_json::from_str::<Maybe<Event<'_>>>(text)?.0.map(Event::said),
                Self::Printed => serde_json::from_str::<Maybe<Printed<'_>>>(text)?.0.map(Printed::said),
            })
        })
        .map(Option::unwrap_or_default)
    }
}

/// Returns what is read from a text, repaired where it is no JSON; `None` where it is none even so.
pub(super) fn mended<T>(text: &str, read: impl Fn(&str) -> Result<T, serde_json::Error>) -> Option<T> {
    read(text).ok().or_else(|| read(&repair(text)?).ok())
}
