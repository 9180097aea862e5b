//! What a sweep will take before anything of it is sent: requests, tokens, money, time, refusals.
//!
//! Owns the sums. Counts of prompts and what is known of models come from the caller. A figure for
//! which something is not known is missing, never a guess; the worst case is the worst there can be.

use crate::core::context::ContextUse;
use crate::core::figure;
use crate::core::model::ModelCard;
use crate::core::request::{Request, Role, Sampling};
use crate::core::run::Count;
use crate::core::stream::Usage;
use crate::core::sweep::pace::Pace;
use crate::core::sweep::{Cell, EFFORT, Parameter, Sweep};
use serde::{Deserialize, Serialize};
use std::collections::{HashMap, HashSet};
use std::fmt;

/// What the caller knows of one cell.
#[derive(Debug, Clone, Copy)]
pub struct Load<'a> {
    /// Tokens of its prompt, framing included.
    pub input: Count,
    /// What is known of its model.
    pub card: &'a ModelCard,
    /// How fast its model answered so far.
    pub pace: Option<Pace>,
}

/// The most that one request of a cell can take.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Worst {
    /// Tokens of prompt and answer together, as far as the answer's limit is known.
    pub tokens: u64,
    /// Dollars; 0 where the price or the limit is not known.
    pub dollars: f64,
}

impl Load<'_> {
    /// Returns the most that one request can take.
    #[must_use]
    pub fn worst(&self, request: &Request) -> Worst {
        let limit = output_limit(request, self);
        let tokens = self.input.tokens() + limit.unwrap_or_default();
        Worst { tokens, dollars: dollars(self, limit).unwrap_or_default() }
    }
}

/// Returns what a request costs at most; `None` where the price or the limit is not known.
fn dollars(load: &Load<'_>, limit: Option<u64>) -> Option<f64> {
    load.card.price.as_ref().zip(limit).map(|(price, output_tokens)| {
        price.of(&Usage { input_tokens: load.input.tokens(), output_tokens, ..Usage::default() })
    })
}

/// Why a cell is known to be refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// Number of the cell.
    pub cell: usize,
    /// The parameter the model does not take.
    pub parameter: String,
    /// Why, as far as that is known.
    pub reason: String,
    /// Whether an axis varies it. What no axis varies can be left out for this model.
    pub is_varied: bool,
}

/// What a sweep will take.
#[derive(Debug, Clone, PartialEq)]
pub struct Preflight {
    /// Requests that will be sent: all but those of refused cells.
    pub requests: usize,
    /// Tokens of all prompts together.
    pub input: Count,
    /// Those of them in prompts that were sent before in this sweep, which a cache may hold.
    pub repeated_input: u64,
    /// Tokens all answers can have together; `None` where one has no limit.
    pub output_limit: Option<u64>,
    /// Dollars at most, nothing cached; `None` where a price or a limit is not known.
    pub dollars: Option<f64>,
    /// Seconds to be expected, by how fast and how long the latest answers of the same models were; `None`
    /// where one has not answered yet. It is no bound: a server may be slower, and limits may hold it up.
    pub seconds: Option<f64>,
    /// Cells that are known to be refused, and parameters that must be left out.
    pub refusals: Vec<Refusal>,
}

impl Preflight {
    /// Returns what the cells of a sweep will take when `lanes` requests are under way at once at each
    /// endpoint; `loads` has one entry per cell.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
    pub fn of(sweep: &Sweep, cells: &[Cell], loads: &[Load<'_>], lanes: usize) -> Self {
        let repeats = u64::from(sweep.repeats());
        let refusals: Vec<Refusal> = cells
            .iter()
            .zip(loads)
            .enumerate()
            .flat_map(|(number, (cell, load))| refusals(sweep, number, &cell.request, load))
            .collect();
        let refused: HashSet<usize> =
            refusals.iter().filter(|refusal| refusal.is_varied).map(|refusal| refusal.cell).collect();
        let mut sum = Self {
            requests: 0,
            input: Count::Exact(0),
            repeated_input: 0,
            output_limit: Some(0),
            dollars: Some(0.0),
            seconds: None,
            refusals,
        };
        let mut prompts = HashSet::new();
        // How long each endpoint answers in all, and the longest answer there.
        let mut times: Option<HashMap<&str, (f64, f64)>> = Some(HashMap::new());
        for (number, (cell, load)) in cells.iter().zip(loads).enumerate() {
            if refused.contains(&number) {
                continue;
            }
            sum.requests += sweep.repeats() as usize;
            let input = load.input.tokens();
            sum.input = match (sum.input, load.input) {
                (Count::Exact(before), Count::Exact(more)) => Count::Exact(before + more * repeats),
                (before, more) => Count::Estimate(before.tokens() + more.tokens() * repeats),
            };
            let Request { endpoint, model, .. } = &cell.request;
            let is_new = prompts.insert((&**endpoint, &**model, differences(sweep.base(), &cell.request)));
            sum.repeated_input += input * (repeats - u64::from(is_new));
            let limit = output_limit(&cell.request, load);
            sum.output_limit = sum.output_limit.zip(limit).map(|(before, more)| before + more * repeats);
            sum.dollars =
                sum.dollars.zip(dollars(load, limit)).map(|(before, more)| before + more * repeats as f64);
            times = times.zip(load.pace).map(|(mut times, pace)| {
                let each = pace.expected_ms(limit);
                let (busy, longest) = times.entry(&**endpoint).or_default();
                (*busy, *longest) = (*busy + each * repeats as f64, longest.max(each));
                times
            });
        }
        // The last ones may leave lanes empty, so it takes at least as long as the longest answer.
        let together = |(busy, longest): &(f64, f64)| (busy / lanes.max(1) as f64).max(*longest) / 1000.0;
        let slowest = times.and_then(|times| times.values().map(together).max_by(f64::total_cmp));
        sum.seconds = slowest.filter(|seconds| seconds.is_finite());
        sum
    }

    /// Returns how much of the input a cache may hold, in words: `1,204 tok in repeated (86.0 %)`; `None` where
    /// nothing is. Where the input is the most it can be, so is this, and its share is not known.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
    pub fn repeated(&self, is_bound: bool) -> Option<String> {
        let tokens = Some(self.repeated_input).filter(|tokens| *tokens > 0)?;
        let share = figure::percent(tokens as f64 / self.input.tokens() as f64);
        Some(match self.input {
            Count::Estimate(_) if is_bound => format!("≤ {} tok in repeated", figure::whole(tokens)),
            Count::Estimate(_) => {
                format!("{} tok in repeated (≈ {share})", figure::count(Count::Estimate(tokens)))
            }
            Count::Exact(_) => format!("{} tok in repeated ({share})", figure::whole(tokens)),
        })
    }

    /// Whether a cell is known to be refused and will not be sent.
    #[must_use]
    pub fn is_refused(&self, cell: usize) -> bool {
        self.refusals.iter().any(|refusal| refusal.cell == cell && refusal.is_varied)
    }
}

/// Returns where the messages of a cell differ from those it began with, and what stands there. Two cells
/// have the same prompt where that is the same, however long the conversation is.
fn differences<'c>(base: &Request, request: &'c Request) -> Vec<(usize, Role, &'c str)> {
    let own = request.messages.iter().enumerate();
    let differs = own.filter(|(at, message)| base.messages.get(*at) != Some(message));
    let mut differences: Vec<_> =
        differs.map(|(at, message)| (at, message.role, &*message.content)).collect();
    // How many there are is part of it, too.
    differences.push((request.messages.len(), Role::System, ""));
    differences
}

/// Returns the most tokens an answer can have: what was asked for, what the model gives, what fits.
fn output_limit(request: &Request, load: &Load<'_>) -> Option<u64> {
    let asked = request.sampling.max_output_tokens.map(u64::from);
    let reply_limit = match (asked, load.card.max_output_tokens) {
        (Some(asked), Some(given)) => Some(asked.min(given)),
        (asked, given) => asked.or(given),
    };
    ContextUse { used: load.input, window: load.card.context_window, reply_limit }.budget()
}

/// Returns what a model is known to refuse of a request.
fn refusals(sweep: &Sweep, cell: usize, request: &Request, load: &Load<'_>) -> Vec<Refusal> {
    let mut found = Vec::new();
    for (name, axis) in sent(&request.sampling) {
        let known = load.card.refusal(&name).map(str::to_owned);
        let without = name == "top_logprobs" && load.card.logprobs == Some(false);
        if let Some(reason) = known.or_else(|| without.then(|| "the model gives no logprobs".to_owned())) {
            let is_varied = axis.is_some_and(|axis| sweep.varies(&axis));
            found.push(Refusal { cell, parameter: name, reason, is_varied });
        }
    }
    let (used, window) = (load.input.tokens(), load.card.context_window);
    if let Some(window) = window.filter(|window| used >= *window) {
        let reason =
            format!("{} tokens do not fit a window of {}", figure::count(load.input), figure::whole(window));
        found.push(Refusal { cell, parameter: "messages".to_owned(), reason, is_varied: true });
    }
    found
}

/// Returns the parameters a request names, with the axis that varies each, where there is one.
fn sent(sampling: &Sampling) -> Vec<(String, Option<Parameter>)> {
    // Every field is named, so that a new one cannot be forgotten here.
    let Sampling {
        temperature,
        top_p,
        max_output_tokens,
        seed,
        stop,
        presence_penalty,
        frequency_penalty,
        logit_bias,
        top_logprobs,
        response_format,
        extra,
    } = sampling;
    let mut names: Vec<(String, Option<Parameter>)> = [
        ("temperature", temperature.is_some(), Some(Parameter::Temperature)),
        ("top_p", top_p.is_some(), Some(Parameter::TopP)),
        ("max_output_tokens", max_output_tokens.is_some(), Some(Parameter::MaxTokens)),
        ("seed", seed.is_some(), Some(Parameter::Seed)),
        ("stop", !stop.is_empty(), None),
        ("presence_penalty", presence_penalty.is_some(), None),
        ("frequency_penalty", frequency_penalty.is_some(), None),
        ("logit_bias", !logit_bias.is_empty(), None),
        ("top_logprobs", top_logprobs.is_some(), None),
        ("response_format", response_format.is_some(), Some(Parameter::Format)),
    ]
    .into_iter()
    .filter(|(_, is_sent, _)| *is_sent)
    .map(|(name, _, axis)| (name.to_owned(), axis))
    .collect();
    names.extend(extra.keys().map(|name| (name.clone(), (name == EFFORT).then_some(Parameter::Effort))));
    names
}

/// What a sweep may use before it stops. What is `None` has no bound.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Budget {
    /// Requests sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub requests: Option<u64>,
    /// Dollars, by the provider's usage.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dollars: Option<f64>,
    /// Seconds since the first request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seconds: Option<f64>,
}

/// What a sweep has used so far; what is under way counts as the worst it can be.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Spent {
    /// Requests sent.
    pub requests: u64,
    /// Dollars.
    pub dollars: f64,
    /// Seconds since the first request.
    pub seconds: f64,
}

/// The bound of a budget that was reached.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Bound {
    /// So many requests were sent.
    Requests(u64),
    /// The next request could cost more than this.
    Dollars(f64),
    /// So many seconds are over.
    Seconds(f64),
}

impl fmt::Display for Bound {
    /// Writes the bound as a sentence without a trailing period.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Requests(1) => write!(f, "the budget of 1 request is used up"),
            Self::Requests(requests) => {
                write!(f, "the budget of {} requests is used up", figure::whole(*requests))
            }
            Self::Dollars(dollars) => {
                write!(f, "the next request could exceed the budget of {}", figure::dollars(*dollars))
            }
            Self::Seconds(seconds) => {
                write!(f, "the budget of {} is over", figure::duration_ms(seconds * 1000.0))
            }
        }
    }
}

impl Budget {
    /// Returns the budget as it is typed: `requests=100,dollars=0.5,seconds=60`, any of them.
    ///
    /// # Errors
    /// Says in one sentence what is wrong and what to write.
    pub fn parse(text: &str) -> Result<Self, String> {
        const HOW: &str = "write requests=N, dollars=N and seconds=N, any of them, with commas between";
        let mut budget = Self::default();
        for part in text.split(',').map(str::trim).filter(|part| !part.is_empty()) {
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            let (name, value) = (name.trim(), value.trim());
            let wrong = || format!("'{}' is no bound of a budget: {HOW}", crate::core::text::fit(part, 40));
            let amount = || value.parse().ok().filter(|value: &f64| value.is_finite() && *value >= 0.0);
            match name {
                "requests" => budget.requests = Some(value.parse().map_err(|_| wrong())?),
                "dollars" => budget.dollars = Some(amount().ok_or_else(wrong)?),
                "seconds" => budget.seconds = Some(amount().ok_or_else(wrong)?),
                _ => return Err(wrong()),
            }
        }
        if budget == Self::default() {
            return Err(format!("the budget bounds nothing: {HOW}"));
        }
        Ok(budget)
    }

    /// Returns this budget, with the bounds of another where it has none.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        Self {
            requests: self.requests.or(other.requests),
            dollars: self.dollars.or(other.dollars),
            seconds: self.seconds.or(other.seconds),
        }
    }

    /// Returns the bound that forbids to send one more request, of at most `next_dollars`.
    #[must_use]
    pub fn reached(&self, spent: &Spent, next_dollars: f64) -> Option<Bound> {
        let requests = self.requests.filter(|bound| spent.requests >= *bound).map(Bound::Requests);
        let dollars = self.dollars.filter(|bound| spent.dollars + next_dollars > *bound).map(Bound::Dollars);
        let seconds = self.seconds.filter(|bound| spent.seconds >= *bound).map(Bound::Seconds);
        requests.or(dollars).or(seconds)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::cost::Price;
    use crate::core::request::{Prompt, Role};
    use crate::core::sweep::{Axis, Known};

    fn sweep(list: &str, repeats: u32) -> Sweep {
        let base = Request {
            endpoint: "e".into(),
            model: "m".into(),
            messages: vec![Prompt::new(Role::User, "hi")],
            sampling: Sampling { max_output_tokens: Some(200), ..Sampling::default() },
            continuation: None,
            stream: true,
        };
        let axis = Axis::parse(Parameter::Temperature, list, &Known::default()).unwrap();
        Sweep::new(base, vec![axis], repeats).unwrap()
    }

    fn of(sweep: &Sweep, input: Count, card: &ModelCard, pace: Option<Pace>) -> Preflight {
        let cells = sweep.cells();
        let loads: Vec<Load<'_>> = cells.iter().map(|_| Load { input, card, pace }).collect();
        Preflight::of(sweep, &cells, &loads, 4)
    }

    fn priced() -> ModelCard {
        let price = Price { input: 1.0, cached_input: None, output: 10.0, as_of: String::new() };
        ModelCard { context_window: Some(1_000), price: Some(price), ..ModelCard::default() }
    }

    #[test]
    fn sums_are_those_of_the_worst_case() {
        let pace = Pace { first_token_ms: 500.0, token_ms: 10.0, output_tokens: 900.0 };
        let preflight = of(&sweep("0.3 1 1.8", 2), Count::Exact(100), &priced(), Some(pace));
        assert_eq!((preflight.requests, preflight.input), (6, Count::Exact(600)));
        assert_eq!((preflight.repeated_input, preflight.output_limit), (500, Some(1_200)));
        assert!((preflight.dollars.unwrap() - (600.0 + 12_000.0) / 1e6).abs() < 1e-12);
        // Six answers of 0.5 s and 199 tokens, four at once.
        assert!((preflight.seconds.unwrap() - 6.0 * 2.49 / 4.0).abs() < 1e-9);
        let alone = of(&sweep("0.3", 1), Count::Exact(100), &priced(), Some(pace));
        assert!((alone.seconds.unwrap() - 2.49).abs() < 1e-9);
    }

    #[test]
    fn what_is_not_known_is_missing() {
        let preflight = of(&sweep("1", 1), Count::Estimate(100), &ModelCard::default(), None);
        assert_eq!((preflight.dollars, preflight.seconds), (None, None));
        assert_eq!((preflight.input, preflight.output_limit), (Count::Estimate(100), Some(200)));
        let narrow = of(&sweep("1", 1), Count::Exact(900), &priced(), None);
        assert_eq!(narrow.output_limit, Some(100));
    }

    #[test]
    fn the_slowest_endpoint_says_how_long_it_takes() {
        let known = Known { endpoints: vec![("a", Some("m")), ("b", Some("m"))], ..Known::default() };
        let endpoints = Axis::parse(Parameter::Endpoint, "a, b", &known).unwrap();
        let sweep = Sweep::new(sweep("1", 1).base().clone(), vec![endpoints], 6).unwrap();
        let (cells, card) = (sweep.cells(), priced());
        let seconds = |paces: [Option<f64>; 2]| {
            let load = |first_token_ms: Option<f64>| Load {
                input: Count::Exact(9),
                card: &card,
                pace: first_token_ms.map(|first_token_ms| Pace {
                    first_token_ms,
                    token_ms: 0.0,
                    output_tokens: 1.0,
                }),
            };
            Preflight::of(&sweep, &cells, &paces.map(load), 4).seconds
        };
        assert_eq!(seconds([Some(100.0), Some(2_000.0)]), Some(3.0));
        // Of what was never asked nothing is guessed.
        assert_eq!(seconds([Some(100.0), None]), None);
    }

    #[test]
    fn what_is_repeated_is_told_with_its_share() {
        let repeated = |count, repeats, is_bound| {
            of(&sweep("0.3 1", repeats), count, &priced(), None).repeated(is_bound).unwrap()
        };
        assert_eq!(repeated(Count::Exact(500), 2, false), "1,500 tok in repeated (75.0 %)");
        assert_eq!(repeated(Count::Estimate(500), 1, false), "≈ 500 tok in repeated (≈ 50.0 %)");
        assert_eq!(repeated(Count::Estimate(500), 1, true), "≤ 500 tok in repeated");
        assert_eq!(of(&sweep("1", 1), Count::Exact(5), &priced(), None).repeated(false), None);
    }

    #[test]
    fn refused_cells_are_told_and_not_counted() {
        let card = ModelCard {
            refuses: vec!["temperature: takes only the default".to_owned()],
            logprobs: Some(false),
            ..priced()
        };
        let preflight = of(&sweep("omit 0.3", 2), Count::Exact(10), &card, None);
        let expected = Refusal {
            cell: 1,
            parameter: "temperature".to_owned(),
            reason: "takes only the default".to_owned(),
            is_varied: true,
        };
        assert_eq!(preflight.refusals, [expected]);
        assert_eq!((preflight.requests, preflight.is_refused(1), preflight.is_refused(0)), (2, true, false));
        let long = of(&sweep("omit", 1), Count::Exact(1_000), &card, None);
        assert_eq!(long.refusals[0].reason, "1,000 tokens do not fit a window of 1,000");
    }

    #[test]
    fn budgets_are_typed_in_any_order() {
        let budget = Budget::parse("seconds=1.5, requests=9").unwrap();
        assert_eq!((budget.requests, budget.dollars, budget.seconds), (Some(9), None, Some(1.5)));
        let or = budget.or(Budget::parse("dollars=.5,requests=1").unwrap());
        assert_eq!((or.requests, or.dollars), (Some(9), Some(0.5)));
        for wrong in ["", "9", "euros=1", "requests=1.5", "dollars=-1", "seconds=NaN", "seconds="] {
            assert!(Budget::parse(wrong).unwrap_err().contains("write requests=N"), "{wrong}");
        }
    }

    #[test]
    fn a_budget_stops_before_it_is_exceeded() {
        let budget = Budget { requests: Some(3), dollars: Some(0.5), seconds: Some(60.0) };
        let reached = |requests, dollars, seconds| {
            budget.reached(&Spent { requests, dollars, seconds }, 0.1).map(|bound| bound.to_string())
        };
        assert_eq!(reached(2, 0.4, 59.0), None);
        assert_eq!(reached(3, 0.0, 0.0).unwrap(), "the budget of 3 requests is used up");
        assert_eq!(reached(2, 0.41, 0.0).unwrap(), "the next request could exceed the budget of $0.50");
        assert_eq!(reached(2, 0.0, 60.0).unwrap(), "the budget of 60.0 s is over");
        assert_eq!(Budget::default().reached(&Spent { requests: 9, dollars: 9.0, seconds: 9.0 }, 9.0), None);
    }
}
