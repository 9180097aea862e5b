//! The outlook on what a sweep takes, and what it was worked out from.
//!
//! Owns how counts and models are brought together for every cell. It sends nothing and asks nobody:
//! what is known comes from the caller.

use crate::app::compare::setup::Setup;
use crate::app::paces::{Speaker, speaker_of, speakers_of};
use crate::core::model::ModelCard;
use crate::core::request::{Request, Role, Sampling};
use crate::core::run::Count;
use crate::core::sweep::pace::Pace;
use crate::core::sweep::preflight::{Load, Preflight, Worst};
use crate::core::sweep::template::places;
use crate::core::sweep::{Cell, Parameter, Setting, Sweep};
use std::collections::HashMap;
use std::sync::Arc;

/// Most messages of all cells together for which the outlook follows each key that is typed into the draft:
/// a millisecond or two.
pub const LIVE_MESSAGES: usize = 32_768;

/// What an outlook was worked out from.
#[derive(Debug, Clone, PartialEq)]
pub struct Basis {
    /// Tokens of the prompt the axes begin with.
    pub input: Count,
    /// What all cells share.
    pub sampling: Sampling,
    /// The model in force, and where it is.
    pub model: Arc<str>,
    /// The endpoint in force.
    pub endpoint: Arc<str>,
    /// What is known of how fast models answer.
    pub paces: u64,
    /// The setup.
    pub setup: Setup,
    /// Whether that is only what the form says so far.
    pub is_edited: bool,
}

/// What a sweep would take, cell by cell.
#[derive(Debug, Clone, PartialEq)]
pub struct Outlook {
    /// Sums, and what is known to be refused.
    pub preflight: Preflight,
    /// The most one request of each cell can take.
    pub worst: Vec<Worst>,
    /// Whether the input is the most it can be, as not all texts are counted.
    pub is_bound: bool,
}

impl Outlook {
    /// Returns the outlook on the cells of a sweep. `base` is the count of the prompt the axes begin with;
    /// a text that an axis puts in its place has one token per byte at most.
    #[must_use]
    pub fn of(
        sweep: &Sweep,
        cells: &[Cell],
        base: Count,
        card_of: &dyn Fn(&str) -> ModelCard,
        pace_of: &dyn Fn(&Speaker) -> Option<Pace>,
        lanes: usize,
    ) -> Self {
        let mut cards: HashMap<Arc<str>, ModelCard> = HashMap::new();
        for cell in cells {
            let model = &cell.request.model;
            cards.entry(Arc::clone(model)).or_insert_with(|| card_of(model));
        }
        let unknown = ModelCard::default();
        let paces: HashMap<Speaker, Option<Pace>> =
            speakers_of(cells).into_iter().map(|speaker| (speaker.clone(), pace_of(&speaker))).collect();
        let loads: Vec<Load<'_>> = cells
            .iter()
            .map(|cell| Load {
                input: input(sweep.base(), &cell.request, base),
                card: cards.get(&cell.request.model).unwrap_or(&unknown),
                pace: paces.get(&speaker_of(&cell.request)).copied().flatten(),
            })
            .collect();
        let is_bound = loads.iter().any(|load| load.input != base);
        let worst = cells.iter().zip(&loads).map(|(cell, load)| load.worst(&cell.request)).collect();
        Self { preflight: Preflight::of(sweep, cells, &loads, lanes), worst, is_bound }
    }
}

/// Returns a name in braces that is sent as it is, since nothing of the sweep is a variable. Messages before the
/// question are left out: what was said is said.
#[must_use]
pub fn unfilled(sweep: &Sweep) -> Option<&str> {
    let settings = || sweep.axes().iter().flat_map(|axis| axis.values()).map(|value| &value.setting);
    if settings().any(|setting| matches!(setting, Setting::Variables(_))) {
        return None;
    }
    let has_question = sweep.varies(&Parameter::Prompt);
    let has_system = sweep.varies(&Parameter::Persona) || sweep.varies(&Parameter::System);
    let messages = &sweep.base().messages;
    let question = messages.last().filter(|_| !has_question);
    let system = messages.iter().find(|message| message.role == Role::System).filter(|_| !has_system);
    let fixed = question.into_iter().chain(system).map(|message| &message.content);
    fixed.chain(settings().filter_map(text_of)).find_map(|text| places(text).next())
}

/// Returns the text that a value puts in place.
fn text_of(setting: &Setting) -> Option<&Arc<str>> {
    match setting {
        Setting::Persona(text) | Setting::System(text) => text.as_ref(),
        Setting::Prompt(text) => Some(text),
        Setting::Temperature(_)
        | Setting::TopP(_)
        | Setting::MaxTokens(_)
        | Setting::Seed(_)
        | Setting::Effort(_)
        | Setting::Format(_)
        | Setting::Model(_)
        | Setting::Endpoint { .. }
        | Setting::Variables(_) => None,
    }
}

/// Returns the most tokens a cell's prompt can have.
fn input(base: &Request, request: &Request, count: Count) -> Count {
    if base.messages == request.messages && base.model == request.model {
        return count;
    }
    let differs = |(at, message): &(usize, &crate::core::request::Prompt)| {
        base.messages.get(*at).is_none_or(|own| own.content != message.content)
    };
    let changed = request.messages.iter().enumerate().filter(differs);
    let more: usize = changed.map(|(_, message)| message.content.len() + 4).sum();
    Count::Estimate(count.tokens() + more as u64)
}
