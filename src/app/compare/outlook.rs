//! The outlook on what a sweep takes, and what it was worked out from.
//!
//! Owns how counts and models are brought together for every cell. It sends nothing and asks nobody:
//! what is known comes from the caller.

use crate::app::compare::setup::Setup;
use crate::app::paces::{Speaker, speaker_of, speakers_of};
use crate::core::context::TOKENS_PER_MESSAGE;
use crate::core::model::ModelCard;
use crate::core::request::{Prompt, Request, Role, Sampling};
use crate::core::run::Count;
use crate::core::sweep::pace::Pace;
use crate::core::sweep::preflight::{Load, Preflight, Worst};
use crate::core::sweep::template::places;
use crate::core::sweep::{Axis, Cell, Parameter, Setting, Sweep};
use std::cmp::Ordering;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// Most messages of all cells together for which the outlook follows each key that is typed into the draft:
/// a millisecond or two.
pub const LIVE_MESSAGES: usize = 32_768;

/// Most texts of axes that are counted, and the longest in bytes.
const MAX_TEXTS: usize = 256;
const MAX_COUNTED: usize = 64 * 1024;

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
    /// Which counts of values are known.
    pub valued: u64,
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
    /// Returns the outlook on the cells of a sweep. `base` is the count of the prompt the axes begin with, and
    /// `counted` has what is known of [`texts`]; any other text has one token per byte at most.
    #[must_use]
    pub fn of(
        sweep: &Sweep,
        cells: &[Cell],
        base: Count,
        counted: &[(Arc<str>, u64)],
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
        let inputs: Vec<Input> =
            cells.iter().map(|cell| input(sweep.base(), &cell.request, base, counted)).collect();
        let loads: Vec<Load<'_>> = cells
            .iter()
            .zip(&inputs)
            .map(|(cell, input)| Load {
                input: input.count,
                card: cards.get(&cell.request.model).unwrap_or(&unknown),
                pace: paces.get(&speaker_of(&cell.request)).copied().flatten(),
            })
            .collect();
        let is_bound = inputs.iter().any(|input| input.is_bound);
        let worst = cells.iter().zip(&loads).map(|(cell, load)| load.worst(&cell.request)).collect();
        Self { preflight: Preflight::of(sweep, cells, &loads, lanes), worst, is_bound }
    }
}

/// Returns a name in braces that is sent as it is, since nothing of the sweep is a variable. Messages before the
/// question are left out: what was said is said.
#[must_use]
pub fn unfilled(sweep: &Sweep) -> Option<&str> {
    let settings = || sweep.axes().iter().flat_map(Axis::values).map(|value| &value.setting);
    if settings().any(|setting| matches!(setting, Setting::Variables(_))) {
        return None;
    }
    let (has_question, has_system) = replaced(sweep);
    let messages = &sweep.base().messages;
    let question = messages.last().filter(|_| !has_question);
    let system = messages.iter().find(|message| message.role == Role::System).filter(|_| !has_system);
    let fixed = question.into_iter().chain(system).map(|message| &message.content);
    fixed.chain(settings().filter_map(Setting::text)).find_map(|text| places(text).next())
}

/// Returns the texts that axes put in place and those whose place they take, each once: what is to be counted
/// for an exact figure. Long ones, and those beyond the first few hundred, are bounded instead.
#[must_use]
pub fn texts(sweep: &Sweep) -> Vec<Arc<str>> {
    let (has_question, has_system) = replaced(sweep);
    let messages = &sweep.base().messages;
    let question = messages.iter().rfind(|message| message.role == Role::User).filter(|_| has_question);
    let system = messages.iter().find(|message| message.role == Role::System).filter(|_| has_system);
    let own = question.into_iter().chain(system).map(|message| &message.content);
    let settings = sweep.axes().iter().flat_map(Axis::values).map(|value| &value.setting);
    let mut seen = HashSet::new();
    let fitting = own.chain(settings.filter_map(Setting::text)).filter(|text| text.len() <= MAX_COUNTED);
    fitting.filter(|text| seen.insert(Arc::clone(text))).take(MAX_TEXTS).cloned().collect()
}

/// Returns whether axes put their own in the place of the question, and of the system message.
fn replaced(sweep: &Sweep) -> (bool, bool) {
    (sweep.varies(&Parameter::Prompt), sweep.varies(&Parameter::Persona) || sweep.varies(&Parameter::System))
}

/// The tokens of a cell's prompt, and whether they are the most it can have.
struct Input {
    count: Count,
    is_bound: bool,
}

/// Returns the tokens of a cell's prompt, or the most it can have.
fn input(base: &Request, request: &Request, count: Count, counted: &[(Arc<str>, u64)]) -> Input {
    if base.messages == request.messages && base.model == request.model {
        return Input { count, is_bound: false };
    }
    let known = exactly(base, request, counted).filter(|_| base.model == request.model);
    if let Some((more, less)) = known {
        let tokens = (count.tokens() + more).saturating_sub(less);
        let count =
            if matches!(count, Count::Exact(_)) { Count::Exact(tokens) } else { Count::Estimate(tokens) };
        return Input { count, is_bound: false };
    }
    let differs = |(at, message): &(usize, &Prompt)| {
        base.messages.get(*at).is_none_or(|own| own.content != message.content)
    };
    let changed = request.messages.iter().enumerate().filter(differs);
    let more: usize = changed.map(|(_, message)| message.content.len() + 4).sum();
    Input { count: Count::Estimate(count.tokens() + more as u64), is_bound: true }
}

/// Returns how many tokens a cell's prompt has more, and how many less, than the one the axes begin with;
/// `None` where a text in only one of them is not counted.
fn exactly(base: &Request, request: &Request, counted: &[(Arc<str>, u64)]) -> Option<(u64, u64)> {
    let (from, to) = (&base.messages, &request.messages);
    let first = |prompts: &[Prompt]| prompts.iter().position(|prompt| prompt.role == Role::System);
    // The first system message may come or go; without it both stand side by side.
    let (old, new) = match from.len().cmp(&to.len()) {
        Ordering::Equal => (first(from), first(to)),
        Ordering::Less => (None, Some(0)),
        Ordering::Greater => (first(from), None),
    };
    if from.len().abs_diff(to.len()) > 1 {
        return None;
    }
    let others = |count: usize, at: Option<usize>| (0..count).filter(move |own| Some(*own) != at).map(Some);
    let pairs = others(from.len(), old).zip(others(to.len(), new)).chain([(old, new)]);
    let tokens = |prompt: Option<&Prompt>| match prompt {
        Some(prompt) => {
            let own = counted.iter().find(|(text, _)| *text == prompt.content);
            own.map(|(_, tokens)| tokens + TOKENS_PER_MESSAGE)
        }
        None => Some(0),
    };
    let mut sums = (0, 0);
    for (less, more) in pairs {
        let (less, more) = (less.map(|at| &from[at]), more.map(|at| &to[at]));
        if less.map(|prompt| &prompt.content) != more.map(|prompt| &prompt.content) {
            sums = (sums.0 + tokens(more)?, sums.1 + tokens(less)?);
        }
    }
    Some(sums)
}
