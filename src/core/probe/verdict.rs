//! What can be found out about each thing that is tried, in words and as data.
//!
//! Owns the kinds of verdict, and how each follows from the outcomes of its questions. Text of a server is
//! bounded here, when it comes in.

use super::answers::{Answers, Outcome, Reply, Way};
use super::question::{BEGINS_AGAIN, GOES_ON, Question};
use crate::core::fault::Fault;
use crate::core::text::fit;
use crate::core::token::{Piece, Token};
use serde::{Deserialize, Serialize};

/// Cells of a reason that are kept.
pub(super) const REASON: usize = 200;

/// Cells of an answer that are quoted.
const QUOTE: usize = 60;

/// What became of a parameter.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "verdict", rename_all = "snake_case")]
pub enum Verdict {
    /// Requests with it are answered.
    Accepted,
    /// Requests with it are answered as if it were not there.
    Ignored,
    /// The server does not take it.
    Refused {
        /// What the server said.
        reason: String,
        /// The field it named.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        param: Option<String>,
    },
    /// The request failed otherwise.
    Failed {
        /// Why.
        reason: String,
    },
    /// It was not tried.
    #[default]
    Untried,
}

impl Verdict {
    pub(super) fn of(outcome: Option<&Outcome>) -> Self {
        match outcome {
            None => Self::Untried,
            Some(Outcome::Answered(_)) => Self::Accepted,
            Some(Outcome::Refused(fault)) => {
                Self::Refused { reason: said(fault), param: fault.param.clone() }
            }
            Some(Outcome::Failed(fault)) => Self::Failed { reason: said(fault) },
        }
    }

    /// Returns the words on screen.
    #[must_use]
    pub fn words(&self) -> String {
        match self {
            Self::Accepted => "accepted".to_owned(),
            Self::Ignored => "ignored".to_owned(),
            Self::Refused { reason, .. } => format!("refused: {reason}"),
            Self::Failed { reason } => format!("failed: {reason}"),
            Self::Untried => "not tried".to_owned(),
        }
    }
}

/// Returns what a server said, without the sentence around it.
pub(super) fn said(fault: &Fault) -> String {
    let said = fault.message.split_once(": ").map_or(fault.message.as_str(), |(_, said)| said);
    fit(said, REASON)
}

/// A parameter of the wire, and what became of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parameter {
    /// Its name on the wire.
    pub name: String,
    /// What became of it.
    #[serde(flatten)]
    pub verdict: Verdict,
}

/// How many of several things have something.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Presence {
    /// All.
    All,
    /// Some.
    Some,
    /// None.
    #[default]
    None,
}

impl Presence {
    fn of(mut has: impl Iterator<Item = bool>) -> Self {
        let Some(first) = has.next() else { return Self::None };
        match (first, has.all(|other| other == first)) {
            (true, true) => Self::All,
            (false, true) => Self::None,
            (_, false) => Self::Some,
        }
    }

    pub(super) fn words(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Some => "some",
            Self::None => "none",
        }
    }
}

/// What is given with the tokens of an answer.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Given {
    /// Candidates asked for.
    pub asked: u8,
    /// Most that came with a token.
    pub most: usize,
    /// Fewest that came with one.
    pub fewest: usize,
    /// Whether tokens and candidates come with their bytes.
    pub bytes: Presence,
    /// Whether they come with their numbers.
    pub ids: Presence,
    /// Whether they only come while reasoning is switched off.
    pub needs_no_reasoning: bool,
}

impl Given {
    pub(super) fn new(way: Way, reply: &Reply) -> Self {
        let counts = || reply.tokens.iter().map(|token| token.candidates.len());
        let all = |of: fn(&Token) -> Vec<bool>| Presence::of(reply.tokens.iter().flat_map(of));
        Self {
            asked: way.asked,
            most: counts().max().unwrap_or(0),
            fewest: counts().min().unwrap_or(0),
            bytes: all(|token| {
                let candidates = token.candidates.iter().map(|candidate| &candidate.piece);
                candidates
                    .chain([&token.piece])
                    .filter(|piece| !is_special(piece))
                    .map(|piece| piece.given_bytes().is_some())
                    .collect()
            }),
            ids: all(|token| {
                token
                    .candidates
                    .iter()
                    .map(|candidate| candidate.id)
                    .chain([token.id])
                    .map(|id| id.is_some())
                    .collect()
            }),
            needs_no_reasoning: way.is_quiet,
        }
    }

    /// Whether some list has fewer candidates than were asked for.
    #[must_use]
    pub fn is_cut_short(&self) -> bool {
        self.fewest < usize::from(self.asked)
    }
}

/// Whether a piece is a mark of the template, such as the end of the answer, which has no bytes of text.
fn is_special(piece: &Piece) -> bool {
    let text = piece.text();
    text.is_empty() || (text.starts_with("<|") && text.ends_with("|>"))
}

/// Whether an answer's tokens come with probabilities.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "logprobs", rename_all = "snake_case")]
pub enum Logprobs {
    /// They do.
    Given(Given),
    /// The request is answered without any.
    Withheld,
    /// The server does not take the request.
    Refused {
        /// What it said.
        reason: String,
    },
    /// It was not found out.
    #[default]
    Unknown,
}

/// What a seed does.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Seeding {
    /// The same seed gives the same answer, another another.
    Repeats,
    /// The same seed gives different answers.
    NoEffect,
    /// All seeds gave the same answer, as they may without having an effect.
    Unclear,
    /// It was not found out.
    #[default]
    Unknown,
}

impl Seeding {
    pub(super) fn of(answers: &Answers) -> Self {
        let text = |question| answers.reply(question).map(|reply| reply.text.as_str());
        let (Some(first), Some(again)) = (text(Question::Seed), text(Question::SeedAgain)) else {
            return Self::Unknown;
        };
        let others = [text(Question::OtherSeed), text(Question::ThirdSeed)];
        if first != again {
            Self::NoEffect
        } else if others.iter().flatten().any(|other| *other != first) {
            Self::Repeats
        } else {
            Self::Unclear
        }
    }

    pub(super) fn words(self) -> &'static str {
        match self {
            Self::Repeats => "the same seed repeats an answer, another gives another",
            Self::NoEffect => "no effect: the same seed gave different answers",
            Self::Unclear => "unclear: all seeds gave the same answer",
            Self::Unknown => "not found out",
        }
    }
}

/// What becomes of an answer's beginning that the server is given.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "result", rename_all = "snake_case")]
pub enum Prefill {
    /// The answer goes on from it.
    Continues,
    /// The answer begins again, or says the beginning once more.
    BeginsAgain,
    /// The answer does neither.
    Otherwise {
        /// How it begins.
        text: String,
    },
    /// The server does not take the request.
    Refused {
        /// What it said.
        reason: String,
    },
    /// It was not found out.
    #[default]
    Unknown,
}

impl Prefill {
    pub(super) fn of(outcome: Option<&Outcome>) -> Self {
        match outcome {
            Some(Outcome::Answered(reply)) => {
                let text = reply.text.trim_start_matches(|c: char| !c.is_alphanumeric());
                if text.starts_with(GOES_ON) {
                    Self::Continues
                } else if text.starts_with(BEGINS_AGAIN) {
                    Self::BeginsAgain
                } else {
                    Self::Otherwise { text: fit(reply.text.trim(), QUOTE) }
                }
            }
            Some(Outcome::Refused(fault)) => Self::Refused { reason: said(fault) },
            Some(Outcome::Failed(_)) | None => Self::Unknown,
        }
    }

    pub(super) fn words(&self) -> String {
        match self {
            Self::Continues => "the answer goes on from it".to_owned(),
            Self::BeginsAgain => {
                "the answer begins anew: it repeats the beginning or leaves it out of account".to_owned()
            }
            Self::Otherwise { text } if text.is_empty() => "the answer is empty".to_owned(),
            Self::Otherwise { text } => format!("unclear: the answer is \"{text}\""),
            Self::Refused { reason } => format!("refused: {reason}"),
            Self::Unknown => "not found out".to_owned(),
        }
    }
}
