//! From a distribution to one word: temperature, nucleus, penalties and biases.
//!
//! Owns the random source of one answer and what the answer has used so far. Never changes the
//! probabilities that are reported: those are the model's, before anything here.

use super::index::{Index, Word};
use super::random::Random;
use super::walk::Distribution;
use std::collections::HashMap;

/// Below this temperature the likeliest word is taken; the exponents would leave the range of numbers.
const GREEDY_BELOW: f64 = 1e-3;

/// Draws from the unlikely words that hit one of the likely ones before the words are searched in order.
const TAIL_TRIES: usize = 64;

/// How the answer is sampled.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// 0 takes the likeliest word.
    pub temperature: f64,
    /// Mass of the nucleus; 1 keeps all words.
    pub top_p: f64,
    /// Taken from the logarithm of each word used before.
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
            top_p: 1.0,
            presence_penalty: 0.0,
            frequency_penalty: 0.0,
            logit_bias: Vec::new(),
        }
    }
}

/// Samples the words of one answer.
#[derive(Debug)]
pub(super) struct Sampler {
    settings: Settings,
    random: Random,
    bias: HashMap<Word, f64>,
    used: HashMap<Word, u32>,
    /// Running sums of the words' base weights at this temperature, in their base order.
    tail_sums: Vec<f64>,
    scored: Vec<(Word, f64)>,
}

impl Sampler {
    /// Returns a sampler with this random source.
    #[must_use]
    pub(super) fn new(index: &Index, settings: Settings, random: Random) -> Self {
        let bias = settings
            .logit_bias
            .iter()
            .filter_map(|(id, bias)| index.word(*id).map(|word| (word, *bias)))
            .collect();
        let mut sampler =
            Self { settings, random, bias, used: HashMap::new(), tail_sums: Vec::new(), scored: Vec::new() };
        if !sampler.is_greedy() {
            let mut sum = 0.0;
            sampler.tail_sums = index
                .base_order()
                .iter()
                .map(|word| {
                    sum += sampler.relative_base(index, *word);
                    sum
                })
                .collect();
        }
        sampler
    }

    fn is_greedy(&self) -> bool {
        self.settings.temperature < GREEDY_BELOW
    }

    /// Returns the base weight at this temperature, relative to the largest.
    fn relative_base(&self, index: &Index, word: Word) -> f64 {
        let largest = index.base_order().first().map_or(1.0, |first| index.base(*first));
        (index.base(word) / largest).powf(self.settings.temperature.recip())
    }

    /// Returns the next word.
    pub(super) fn choose(&mut self, index: &Index, distribution: &Distribution<'_>) -> Word {
        let word =
            if self.is_greedy() { self.greedy(index, distribution) } else { self.draw(index, distribution) };
        *self.used.entry(word).or_default() += 1;
        word
    }

    fn adjustment(&self, word: Word) -> f64 {
        let bias = self.bias.get(&word).copied().unwrap_or(0.0);
        let penalty = self.used.get(&word).map_or(0.0, |count| {
            self.settings.presence_penalty + self.settings.frequency_penalty * f64::from(*count)
        });
        bias - penalty
    }

    fn has_penalties(&self) -> bool {
        self.settings.presence_penalty != 0.0 || self.settings.frequency_penalty != 0.0
    }

    /// Fills `scored` with the adjusted logarithms of all words that do not simply follow the base:
    /// those some place votes for, and those with a bias or a penalty.
    fn score(&mut self, distribution: &Distribution<'_>) {
        let mut scored = std::mem::take(&mut self.scored);
        scored.clear();
        scored.extend(distribution.head().iter().map(|(word, p)| (*word, p.ln() + self.adjustment(*word))));
        let used = self.used.keys().filter(|word| self.has_penalties() && !self.bias.contains_key(word));
        for word in self.bias.keys().chain(used).filter(|word| !distribution.in_head(**word)) {
            scored.push((*word, distribution.probability(*word).ln() + self.adjustment(*word)));
        }
        // A map's order differs between processes; the draw must not.
        scored.sort_unstable_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        self.scored = scored;
    }

    /// Whether a word is in `scored`.
    fn is_scored(&self, distribution: &Distribution<'_>, word: Word) -> bool {
        distribution.in_head(word)
            || self.bias.contains_key(&word)
            || (self.has_penalties() && self.used.contains_key(&word))
    }

    fn greedy(&mut self, index: &Index, distribution: &Distribution<'_>) -> Word {
        self.score(distribution);
        let rest = index.base_order().iter().find(|word| !self.is_scored(distribution, **word));
        let rest = rest.map(|word| (*word, distribution.probability(*word).ln()));
        let best = self.scored.first().copied().into_iter().chain(rest);
        best.min_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0))).map_or(index.end(), |(word, _)| word)
    }

    fn draw(&mut self, index: &Index, distribution: &Distribution<'_>) -> Word {
        self.score(distribution);
        let exponent = self.settings.temperature.recip();
        let largest_base = index.base_order().first().map_or(1.0, |word| index.base(*word));
        let tail_log = (distribution.tail() * largest_base).ln() * exponent;
        let top = self.scored.first().map_or(tail_log, |(_, log)| (log * exponent).max(tail_log));
        let tail_unit = (tail_log - top).exp();

        let mut weights: Vec<(Word, f64)> =
            self.scored.iter().map(|(word, log)| (*word, (log * exponent - top).exp())).collect();
        let scored_sum: f64 = weights.iter().map(|(_, weight)| weight).sum();
        let hidden: f64 = self.scored.iter().map(|(word, _)| self.relative_base(index, *word)).sum();
        let tail_sum = (self.tail_sums.last().copied().unwrap_or(0.0) - hidden).max(0.0) * tail_unit;

        let mut goal = self.random.unit();
        if self.settings.top_p < 1.0 {
            let mass = self.settings.top_p * (scored_sum + tail_sum);
            self.cut_to_nucleus(index, distribution, &mut weights, tail_unit, mass);
            goal *= weights.iter().map(|(_, weight)| weight).sum::<f64>();
        } else {
            goal *= scored_sum + tail_sum;
        }
        let mut last = index.end();
        for (word, weight) in weights {
            last = word;
            if goal < weight {
                return word;
            }
            goal -= weight;
        }
        if self.settings.top_p < 1.0 { last } else { self.draw_tail(index, distribution).unwrap_or(last) }
    }

    /// Keeps the likeliest words up to the first with which they hold `mass`.
    fn cut_to_nucleus(
        &self,
        index: &Index,
        distribution: &Distribution<'_>,
        weights: &mut Vec<(Word, f64)>,
        tail_unit: f64,
        mass: f64,
    ) {
        let mut rest = index
            .base_order()
            .iter()
            .filter(|word| !self.is_scored(distribution, **word))
            .map(|word| (*word, self.relative_base(index, *word) * tail_unit))
            .peekable();
        let mut scored = std::mem::take(weights).into_iter().peekable();
        let mut held = 0.0;
        while held < mass {
            let from_rest = match (scored.peek(), rest.peek()) {
                (Some(a), Some(b)) => b.1 > a.1 || (b.1 >= a.1 && b.0 < a.0),
                (None, Some(_)) => true,
                (Some(_), None) => false,
                (None, None) => break,
            };
            let Some(next) = (if from_rest { rest.next() } else { scored.next() }) else { break };
            held += next.1;
            weights.push(next);
        }
        if weights.is_empty() {
            weights.extend(scored.next());
        }
    }

    /// Draws one of the words that follow the base.
    fn draw_tail(&mut self, index: &Index, distribution: &Distribution<'_>) -> Option<Word> {
        let total = self.tail_sums.last().copied()?;
        for _ in 0..TAIL_TRIES {
            let goal = self.random.unit() * total;
            let at = self.tail_sums.partition_point(|sum| *sum <= goal);
            let word = index.base_order()[at.min(self.tail_sums.len() - 1)];
            if !self.is_scored(distribution, word) {
                return Some(word);
            }
        }
        index.base_order().iter().copied().find(|word| !self.is_scored(distribution, *word))
    }
}
