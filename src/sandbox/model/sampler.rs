//! From a distribution to one token: penalties and biases, then temperature, top_k, top_p and min_p.
//!
//! Owns the random source of one answer and what the answer has used so far. Never changes the
//! probabilities of the model: what is reported of a later [`Stage`] is computed beside them.
//!
//! The stages run in the order of [`Settings::order`]; the usual one is [`Stage::USUAL`]. Each cut keeps the
//! likeliest tokens and temperature changes no order among them, so what is left is always a beginning
//! of the list by probability, and nothing behind it is ever looked at.

use super::index::{END_OF_TEXT, Index, Word};
use super::random::Random;
use super::walk::Distribution;
use std::collections::HashMap;

/// Below this temperature the likeliest token is taken; the exponents would leave the range of numbers.
const GREEDY_BELOW: f64 = 1e-3;

/// Draws from the unlikely words that hit one of the likely ones before the words are searched in order.
const TAIL_TRIES: usize = 64;

/// A step from the model's distribution to the one a token is drawn from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// The logarithms are divided by the temperature.
    Temperature,
    /// Tokens far less likely than the likeliest one are left out.
    MinP,
    /// All but the likeliest `k` tokens are left out.
    TopK,
    /// What the nucleus does not need is left out.
    TopP,
}

impl Stage {
    /// The order of transformers and SGLang. vLLM's differs only where min_p and top_p are both set: its
    /// min_p comes before top_k and top_p, so that top_p counts what min_p left.
    pub const USUAL: [Self; 4] = [Self::Temperature, Self::TopK, Self::TopP, Self::MinP];

    /// The order of llama.cpp: all cuts look at the model's own probabilities, temperature is last.
    pub const LLAMA: [Self; 4] = [Self::TopK, Self::TopP, Self::MinP, Self::Temperature];
}

/// How the answer is sampled.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// 0 takes the likeliest token.
    pub temperature: f64,
    /// How many tokens are kept; `None` keeps all.
    pub top_k: Option<usize>,
    /// Mass of the nucleus; 1 keeps all tokens.
    pub top_p: f64,
    /// Least probability relative to the likeliest token's; 0 keeps all tokens.
    pub min_p: f64,
    /// The stages that are used, each at most once.
    pub order: Vec<Stage>,
    /// Taken from the logarithm of each token used before.
    pub presence_penalty: f64,
    /// Taken from it once for each use.
    pub frequency_penalty: f64,
    /// Added to the logarithms of o200k tokens.
    pub logit_bias: Vec<(u32, f64)>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            temperature: 1.0,
            top_k: None,
            top_p: 1.0,
            min_p: 0.0,
            order: Stage::USUAL.to_vec(),
            presence_penalty: 0.0,
            frequency_penalty: 0.0,
            logit_bias: Vec::new(),
        }
    }
}

/// Which probabilities are reported beside a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Report {
    /// The model's own, before penalties, biases and temperature.
    #[default]
    Model,
    /// Those after penalties, biases and temperature, before anything is cut; at temperature 0, which
    /// would leave one token only, those before temperature.
    Tempered,
    /// Those the token was drawn with; what was cut is not listed.
    Sampled,
}

/// What a token is drawn from.
#[derive(Debug, Clone, Copy)]
pub(super) enum Source<'a> {
    /// All words of the model.
    Whole(&'a Index, Distribution<'a>),
    /// These tokens with their probabilities, the likeliest first.
    Listed(&'a [(u32, f64)]),
}

impl Source<'_> {
    fn probability(&self, token: u32) -> f64 {
        match self {
            Self::Whole(index, distribution) => {
                index.word(token).map_or(0.0, |word| distribution.probability(word))
            }
            Self::Listed(list) => {
                list.iter().find(|(listed, _)| *listed == token).map_or(0.0, |(_, probability)| *probability)
            }
        }
    }

    fn top(&self, count: usize) -> Vec<(u32, f64)> {
        match self {
            Self::Whole(index, distribution) => {
                distribution.top(count).into_iter().map(|(word, p)| (index.id(word), p)).collect()
            }
            Self::Listed(list) => list[..count.min(list.len())].to_vec(),
        }
    }
}

/// A drawn token and the probabilities that were asked for, as natural logarithms.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Drawn {
    pub(super) token: u32,
    pub(super) logprob: f64,
    pub(super) top: Vec<(u32, f64)>,
}

/// Samples the tokens of one answer.
#[derive(Debug)]
pub(super) struct Sampler {
    settings: Settings,
    random: Random,
    bias: HashMap<u32, f64>,
    used: HashMap<u32, u32>,
    /// What logarithms are multiplied with when a token is drawn: the reciprocal of the temperature.
    exponent: f64,
    /// Running sums of the words' base weights to that power, in their base order.
    tail_sums: Vec<f64>,
}

impl Sampler {
    /// Returns a sampler with this random source.
    #[must_use]
    pub(super) fn new(index: &Index, settings: Settings, random: Random) -> Self {
        let bias = settings.logit_bias.iter().copied().collect();
        let tempers = settings.order.contains(&Stage::Temperature);
        let exponent = if tempers { settings.temperature.recip() } else { 1.0 };
        let mut sampler =
            Self { settings, random, bias, used: HashMap::new(), exponent, tail_sums: Vec::new() };
        if !sampler.is_greedy() {
            let mut sum = 0.0;
            sampler.tail_sums = index
                .base_order()
                .iter()
                .map(|word| {
                    sum += relative_base(index, *word).powf(exponent);
                    sum
                })
                .collect();
        }
        sampler
    }

    fn is_greedy(&self) -> bool {
        self.settings.temperature < GREEDY_BELOW && self.settings.order.contains(&Stage::Temperature)
    }

    /// Draws the next token, with the `count` likeliest beside it.
    pub(super) fn next(&mut self, source: Source<'_>, count: usize, report: Report) -> Drawn {
        let field = self.field(source);
        let kept = self.cut(&field);
        let token = match &kept {
            Some(kept) => pick(&mut self.random, kept, self.exponent),
            None => self.draw(&field),
        };
        let report = if report == Report::Tempered && self.is_greedy() { Report::Model } else { report };
        let drawn = match (report, kept) {
            (Report::Model, _) => {
                let mut top = source.top(count);
                for (_, probability) in &mut top {
                    *probability = probability.ln();
                }
                Drawn { token, logprob: source.probability(token).ln(), top }
            }
            (Report::Sampled, Some(mut kept)) => {
                // Of a single token nothing is left to temper, and at temperature 0 nothing could be.
                let exponent = if kept.len() == 1 { 1.0 } else { self.exponent };
                let total = log_sum(kept.iter().map(|(_, log)| log * exponent));
                let own = kept.iter().find(|(listed, _)| *listed == token).map_or(total, |(_, log)| *log);
                kept.truncate(count);
                let top = kept.into_iter().map(|(listed, log)| (listed, log * exponent - total)).collect();
                Drawn { token, logprob: own * exponent - total, top }
            }
            (Report::Sampled | Report::Tempered, _) => {
                let total = self.log_total(&field, true);
                let own = source.probability(token).ln() + self.adjustment(token);
                let reported = |log: f64| log * self.exponent - total;
                let top = field.iter().take(count).map(|(listed, log)| (listed, reported(log))).collect();
                Drawn { token, logprob: reported(own), top }
            }
        };
        *self.used.entry(token).or_default() += 1;
        drawn
    }

    fn adjustment(&self, token: u32) -> f64 {
        let bias = self.bias.get(&token).copied().unwrap_or(0.0);
        let penalty = self.used.get(&token).map_or(0.0, |count| {
            self.settings.presence_penalty + self.settings.frequency_penalty * f64::from(*count)
        });
        bias - penalty
    }

    fn has_penalties(&self) -> bool {
        self.settings.presence_penalty != 0.0 || self.settings.frequency_penalty != 0.0
    }

    /// Returns the adjusted logarithms of the tokens that do not simply follow the base: those some
    /// place votes for, and those with a bias or a penalty.
    fn field<'a>(&self, source: Source<'a>) -> Field<'a> {
        let mut scored: Vec<(u32, f64)> = Vec::new();
        let mut apart: Vec<u32> = Vec::new();
        let tail = match source {
            Source::Listed(list) => {
                scored.extend(list.iter().map(|(token, p)| (*token, p.ln() + self.adjustment(*token))));
                None
            }
            Source::Whole(index, distribution) => {
                scored.extend(distribution.head().iter().map(|(word, p)| {
                    let token = index.id(*word);
                    (token, p.ln() + self.adjustment(token))
                }));
                let used = self.used.keys().filter(|t| self.has_penalties() && !self.bias.contains_key(t));
                apart.extend(
                    self.bias
                        .keys()
                        .chain(used)
                        .filter(|token| index.word(**token).is_some_and(|word| !distribution.in_head(word))),
                );
                scored.extend(apart.iter().filter_map(|token| {
                    let word = index.word(*token)?;
                    Some((*token, distribution.probability(word).ln() + self.adjustment(*token)))
                }));
                Some((index, distribution))
            }
        };
        // A map's order differs between processes; the draw must not.
        scored.sort_unstable_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        apart.sort_unstable();
        Field { scored, apart, tail }
    }

    /// Returns what is left of the field after all stages, or `None` where nothing is cut off.
    fn cut(&self, field: &Field<'_>) -> Option<Vec<(u32, f64)>> {
        if self.is_greedy() {
            return Some(field.iter().take(1).collect());
        }
        let mut kept = Kept { rest: field.iter(), seen: Vec::new(), most: None };
        let mut exponent = None;
        for stage in &self.settings.order {
            match stage {
                Stage::Temperature => exponent = Some(self.exponent),
                Stage::TopK => {
                    if let Some(most) = self.settings.top_k {
                        kept.keep(most.max(1));
                    }
                }
                Stage::MinP if self.settings.min_p > 0.0 => {
                    let power = exponent.unwrap_or(1.0);
                    let likeliest = kept.log(0).unwrap_or(0.0);
                    let least = likeliest * power + self.settings.min_p.ln();
                    let reaches = |log: f64| log * power >= least;
                    let count = kept.while_in(reaches);
                    kept.keep(count.max(1));
                }
                Stage::TopP if self.settings.top_p < 1.0 => {
                    let power = exponent.unwrap_or(1.0);
                    let total = match kept.most {
                        None => self.log_total(field, exponent.is_some()),
                        Some(_) => {
                            let logs: Vec<f64> = (0..).map_while(|at| kept.log(at)).collect();
                            log_sum(logs.iter().map(|log| log * power))
                        }
                    };
                    let mut held = 0.0;
                    let is_open = |log: f64| {
                        let open = held < self.settings.top_p;
                        held += (log * power - total).exp();
                        open
                    };
                    let count = kept.while_in(is_open);
                    kept.keep(count.max(1));
                }
                Stage::MinP | Stage::TopP => {}
            }
        }
        kept.finish()
    }

    /// Returns the logarithm of what all tokens weigh together, after temperature or before it.
    fn log_total(&self, field: &Field<'_>, tempered: bool) -> f64 {
        let exponent = if tempered { self.exponent } else { 1.0 };
        let scored = field.scored.iter().map(|(_, log)| log * exponent);
        let tail = field.tail.map(|(index, distribution)| {
            let all = if tempered {
                self.tail_sums.last().copied().unwrap_or(0.0)
            } else {
                largest_base(index).recip()
            };
            let words = field.scored.iter().filter_map(|(token, _)| index.word(*token));
            let hidden: f64 = words.map(|word| relative_base(index, word).powf(exponent)).sum();
            (distribution.tail() * largest_base(index)).ln() * exponent + (all - hidden).max(0.0).ln()
        });
        log_sum(scored.chain(tail))
    }

    /// Draws one of all tokens.
    fn draw(&mut self, field: &Field<'_>) -> u32 {
        let total = self.log_total(field, true);
        let mut goal = self.random.unit();
        let mut last = END_OF_TEXT;
        for (token, log) in &field.scored {
            let share = (log * self.exponent - total).exp();
            if goal < share {
                return *token;
            }
            goal -= share;
            last = *token;
        }
        field.tail.and_then(|(index, _)| self.draw_tail(index, field)).unwrap_or(last)
    }

    /// Draws one of the words that follow the base.
    fn draw_tail(&mut self, index: &Index, field: &Field<'_>) -> Option<u32> {
        let total = self.tail_sums.last().copied()?;
        for _ in 0..TAIL_TRIES {
            let goal = self.random.unit() * total;
            let at = self.tail_sums.partition_point(|sum| *sum <= goal);
            let word = index.base_order()[at.min(self.tail_sums.len() - 1)];
            if field.follows_base(word) {
                return Some(index.id(word));
            }
        }
        index.base_order().iter().find(|word| field.follows_base(**word)).map(|word| index.id(*word))
    }
}

/// The adjusted logarithms of all tokens at one position.
struct Field<'a> {
    /// Of those that do not simply follow the base, the largest first.
    scored: Vec<(u32, f64)>,
    /// Those of them no place votes for, ascending.
    apart: Vec<u32>,
    /// Where the others are found, if there are others.
    tail: Option<(&'a Index, Distribution<'a>)>,
}

impl Field<'_> {
    /// Whether a word is none of `scored`.
    fn follows_base(&self, word: Word) -> bool {
        self.tail.is_some_and(|(index, distribution)| {
            !distribution.in_head(word) && self.apart.binary_search(&index.id(word)).is_err()
        })
    }

    /// Returns all tokens with their logarithms, the largest first, equal ones by identifier.
    fn iter(&self) -> impl Iterator<Item = (u32, f64)> + '_ {
        let mut rest = self
            .tail
            .into_iter()
            .flat_map(|(index, distribution)| {
                let log = move |word: &Word| (distribution.tail() * index.base(*word)).ln();
                index.base_order().iter().map(move |word| (*word, index.id(*word), log(word)))
            })
            .filter(|(word, _, _)| self.follows_base(*word))
            .map(|(_, token, log)| (token, log))
            .peekable();
        let mut scored = self.scored.iter().copied().peekable();
        std::iter::from_fn(move || {
            let from_rest = match (scored.peek(), rest.peek()) {
                (Some(a), Some(b)) => b.1 > a.1 || (b.1 >= a.1 && b.0 < a.0),
                (None, _) => true,
                (Some(_), None) => false,
            };
            if from_rest { rest.next() } else { scored.next() }
        })
    }
}

/// The beginning of a field's list that is still in, read as far as somebody asked.
struct Kept<I> {
    rest: I,
    seen: Vec<(u32, f64)>,
    /// How many are in; `None` is all.
    most: Option<usize>,
}

impl<I: Iterator<Item = (u32, f64)>> Kept<I> {
    /// Returns the logarithm at a place of the list, if that is still in.
    fn log(&mut self, at: usize) -> Option<f64> {
        if self.most.is_some_and(|most| at >= most) {
            return None;
        }
        while self.seen.len() <= at {
            self.seen.push(self.rest.next()?);
        }
        Some(self.seen[at].1)
    }

    /// Returns how many from the first one on satisfy a condition.
    fn while_in(&mut self, mut holds: impl FnMut(f64) -> bool) -> usize {
        let mut count = 0;
        while self.log(count).is_some_and(&mut holds) {
            count += 1;
        }
        count
    }

    fn keep(&mut self, most: usize) {
        self.most = Some(self.most.map_or(most, |before| before.min(most)));
    }

    /// Returns what is in, or `None` where that is everything.
    fn finish(mut self) -> Option<Vec<(u32, f64)>> {
        let most = self.most?;
        while self.seen.len() < most
            && let Some(next) = self.rest.next()
        {
            self.seen.push(next);
        }
        self.seen.truncate(most);
        Some(self.seen)
    }
}

/// Draws one of some tokens by their logarithms times the exponent.
fn pick(random: &mut Random, kept: &[(u32, f64)], exponent: f64) -> u32 {
    let Some(((likeliest, _), rest)) = kept.split_first() else { return END_OF_TEXT };
    if rest.is_empty() {
        return *likeliest;
    }
    let total = log_sum(kept.iter().map(|(_, log)| log * exponent));
    let mut goal = random.unit();
    for (token, log) in kept {
        let share = (log * exponent - total).exp();
        if goal < share {
            return *token;
        }
        goal -= share;
    }
    *likeliest
}

/// Returns the base weight of a word relative to the largest.
fn relative_base(index: &Index, word: Word) -> f64 {
    index.base(word) / largest_base(index)
}

fn largest_base(index: &Index) -> f64 {
    index.base_order().first().map_or(1.0, |first| index.base(*first))
}

/// Returns the logarithm of the sum of the numbers these are the logarithms of.
fn log_sum(logs: impl Iterator<Item = f64> + Clone) -> f64 {
    let largest = logs.clone().fold(f64::NEG_INFINITY, f64::max);
    if largest == f64::NEG_INFINITY {
        return largest;
    }
    largest + logs.map(|log| (log - largest).exp()).sum::<f64>().ln()
}
