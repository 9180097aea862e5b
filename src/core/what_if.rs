//! What the probabilities of a position would be at another temperature and other cuts, without asking.
//!
//! Owns the parameters of the question ([`Reshaping`]), what the reported values stand for
//! ([`Source`]), the answer as bands, and the refusals. Never invents the tokens that were not
//! returned: every band holds the truth for every unseen tail the values allow (see
//! [`Ladder`](crate::core::ladder)), and is a point only where nothing is missing. Penalties and
//! logit biases are not part of it: it reshapes what was reported.
//!
//! # Derivation
//!
//! Values q, reported at temperature t (1 where they stand before temperature), become q^a / Z at T,
//! with a = t/T and Z = L + S: L the sum of the known powers, S that of the unseen ones. For a > 1
//! x^a is convex, so S is least when the missing mass r is spread evenly over the n unseen tokens,
//! r^a n^(1-a), and most in as few tokens as the ceiling m allows, ⌊r/m⌋ m^a + (r - ⌊r/m⌋ m)^a; for
//! a < 1 the other way round. Both are attained, so no narrower band is true.
//!
//! In the order [`ORDER`] every cut keeps a prefix of the tokens by descending probability, so the
//! shortest prefix remains, and Z becomes the least of the sums the cuts leave. Each is bounded:
//!
//! - top_k leaves the sum of the K largest: known for K up to the head's length h; beyond it, the
//!   K - h largest of the unseen are at least their even share of S, and at most as many tokens of
//!   as much mass as the ceiling allows.
//! - top_p leaves the shortest prefix whose sum reaches P·A, A being what top_k left. The prefix
//!   grows with A, so the ends of A give the ends of the sum; beyond the head it lies between P·A and
//!   P·A and one more unseen token.
//! - min_p compares with the most probable token, which is known, so only unseen tokens above the
//!   threshold are open: at most as many as the missing mass can pay for.
//!
//! Tokens that tie are cut in any order, hence [`Fate::Unknown`]; but a listed token stands before
//! an unseen one as probable, as in the server's own list.

use crate::core::ladder::Ladder;
use crate::core::probability::Range;
use crate::core::provenance::{Provenance, Stage};
use crate::core::request::Sampling;
use crate::core::token::Token;
use serde::{Deserialize, Serialize};
use std::fmt;

/// The order in which the parameters are applied, as text for the screen.
///
/// This is the order of transformers and SGLang. vLLM applies min_p before top_k and top_p, which
/// differs only where min_p and top_p are both set (top_p then counts what min_p left). llama.cpp
/// cuts first and applies temperature last unless its `samplers` say otherwise, so there top_p and
/// min_p see the distribution of temperature 1; top_k is the same everywhere.
pub const ORDER: [&str; 4] = ["temperature", "top_k", "top_p", "min_p"];

/// Relative distance from a cut's boundary within which its side is left open: servers sum in single
/// precision.
const BOUNDARY: f64 = 1e-6;

/// Relative error of a sum of many terms.
const CANCELLED: f64 = 1e-13;

/// The parameters of the question. `None` means the cut is not applied.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reshaping {
    /// Temperature; 0 takes the most probable token always.
    pub temperature: f64,
    /// Keeps the most probable tokens up to this mass, above 0 to 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub top_p: Option<f64>,
    /// Keeps the tokens at least this share as probable as the most probable one, 0 to 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_p: Option<f64>,
    /// Keeps so many of the most probable tokens; 0 keeps all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub top_k: Option<u32>,
}

impl Default for Reshaping {
    fn default() -> Self {
        Self { temperature: 1.0, top_p: None, min_p: None, top_k: None }
    }
}

/// Why a question has no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Refusal {
    /// The values were taken after temperature 0.
    AfterZero,
    /// The values were taken after a temperature that is not known.
    TemperatureUnknown,
    /// The values were taken after a cut.
    AfterCut,
    /// The server gave the token no logprob.
    NoLogprob,
    /// The server gave no candidates.
    NoCandidates,
    /// The temperature asked for is none.
    BadTemperature,
    /// The top_p asked for is none.
    BadTopP,
    /// The min_p asked for is none.
    BadMinP,
}

impl Refusal {
    /// Returns the reason, and what helps, in a sentence.
    #[must_use]
    pub fn sentence(self) -> &'static str {
        match self {
            Self::AfterZero => {
                "the values were taken after temperature 0, which leaves one token and hides how probable \
                 the others were: ask again at a temperature above 0"
            }
            Self::TemperatureUnknown => {
                "the values were taken after a temperature that the request left to the server: set one \
                 and ask again"
            }
            Self::AfterCut => {
                "the values were taken after top_p, top_k or min_p, which hide how probable the rest \
                 was: ask again without them"
            }
            Self::NoLogprob => "the server gave no logprob for this token",
            Self::NoCandidates => "the server gave no candidates for this token: set top_logprobs",
            Self::BadTemperature => "a temperature is a number from 0 up",
            Self::BadTopP => "top_p is a number above 0, up to 1",
            Self::BadMinP => "min_p is a number from 0 to 1",
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.sentence())
    }
}

/// The temperature at which reported values are the model's distribution.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Source {
    temperature: f64,
}

impl Source {
    /// Values before temperature.
    pub const BEFORE: Self = Self { temperature: 1.0 };

    /// Returns what the values of a request stand for. What the request omits counts as not cut.
    ///
    /// # Errors
    /// Values after temperature cannot be taken back if it was 0 or left to the server, or if the
    /// request cut the distribution: what was cut is not among the values, and nothing bounds it.
    pub fn new(provenance: Provenance, sampling: &Sampling) -> Result<Self, Refusal> {
        match provenance.stage {
            Stage::BeforeTemperature => Ok(Self::BEFORE),
            Stage::AfterTemperature => {
                let extra = |name: &str| sampling.extra.get(name).and_then(serde_json::Value::as_f64);
                let is_cut = sampling.top_p.or_else(|| extra("top_p")).is_some_and(|top_p| top_p < 1.0)
                    || extra("top_k").is_some_and(|top_k| top_k >= 1.0)
                    || extra("min_p").is_some_and(|min_p| min_p > 0.0);
                match sampling.temperature {
                    None => Err(Refusal::TemperatureUnknown),
                    Some(temperature) if temperature <= 0.0 => Err(Refusal::AfterZero),
                    Some(temperature) if !temperature.is_finite() => Err(Refusal::TemperatureUnknown),
                    Some(_) if is_cut => Err(Refusal::AfterCut),
                    Some(temperature) => Ok(Self { temperature }),
                }
            }
        }
    }

    /// Returns values taken after a temperature above 0.
    #[cfg(test)]
    pub(super) fn after(temperature: f64) -> Self {
        Self { temperature }
    }

    /// Returns the temperature at which the values are what the model gave: 1 before temperature.
    #[must_use]
    pub fn temperature(self) -> f64 {
        self.temperature
    }
}

/// What the cuts do with a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Fate {
    /// It can be drawn.
    Kept,
    /// It cannot be drawn.
    Cut,
    /// The values allow both.
    Unknown,
}

impl Fate {
    fn of(is_kept: bool, is_cut: bool) -> Self {
        match (is_kept, is_cut) {
            (_, true) => Self::Cut,
            (true, false) => Self::Kept,
            (false, false) => Self::Unknown,
        }
    }

    fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Cut, _) | (_, Self::Cut) => Self::Cut,
            (Self::Kept, Self::Kept) => Self::Kept,
            (Self::Unknown, _) | (_, Self::Unknown) => Self::Unknown,
        }
    }
}

/// A token of a position, reshaped.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Share {
    /// Its probability; 0 where it is cut.
    pub band: Range,
    /// The probability of it and everything more probable; 1 where it is cut.
    pub cumulative: Range,
    /// What the cuts do with it.
    pub fate: Fate,
}

/// A position, reshaped.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Outcome {
    /// The candidates, in the server's order.
    pub candidates: Vec<Share>,
    /// The chosen token, whether it is among the candidates or not.
    pub chosen: Share,
    /// The tokens that are neither, together.
    pub tail: Range,
}

impl Outcome {
    /// Whether every figure of it is a point.
    #[must_use]
    pub fn is_exact(&self) -> bool {
        let shares = self.candidates.iter().chain([&self.chosen]);
        self.tail.is_point() && shares.into_iter().all(|share| share.band.is_point())
    }

    /// Whether the chosen token or a candidate is too uncertain for its bar to mean much.
    #[must_use]
    pub fn is_wide(&self) -> bool {
        self.candidates.iter().chain([&self.chosen]).any(|share| share.band.is_wide())
    }
}

/// A question put to positions: checked once, asked of every token.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct WhatIf {
    /// The power a reported probability is raised to; infinite for temperature 0.
    power: f64,
    top_p: Option<f64>,
    min_p: Option<f64>,
    top_k: Option<f64>,
    vocabulary: usize,
}

/// Weights of the head kept at hand; those of longer lists are computed again.
const ROOM: usize = 32;

/// The sums that are left at one position, all relative to the power of the most probable known token.
#[derive(Debug, Clone, Copy)]
struct Sums {
    top: f64,
    /// The weights of the head, as far as there is room.
    weights: [f64; ROOM],
    /// Of the head.
    head: f64,
    /// Of the stray token, 0 without one.
    stray: f64,
    /// Of the unseen tokens, before any cut.
    tail: Range,
    /// What top_p is a share of.
    before_top_p: Range,
    /// What remains in the end.
    kept: Range,
    /// Whether nothing is cut.
    is_whole: bool,
}

impl WhatIf {
    /// Returns the question `reshaping`, put to values of `source` from a model with so many tokens
    /// in its vocabulary.
    ///
    /// # Errors
    /// Refuses parameters out of their range.
    pub fn new(source: Source, reshaping: Reshaping, vocabulary: usize) -> Result<Self, Refusal> {
        let Reshaping { temperature, top_p, min_p, top_k } = reshaping;
        if !(temperature >= 0.0 && temperature.is_finite()) {
            return Err(Refusal::BadTemperature);
        }
        if top_p.is_some_and(|top_p| !(top_p > 0.0 && top_p <= 1.0)) {
            return Err(Refusal::BadTopP);
        }
        if min_p.is_some_and(|min_p| !(0.0..=1.0).contains(&min_p)) {
            return Err(Refusal::BadMinP);
        }
        let top_k = top_k.filter(|top_k| *top_k > 0).map(f64::from);
        Ok(Self {
            power: source.temperature / temperature,
            top_p: top_p.filter(|top_p| *top_p < 1.0),
            min_p: min_p.filter(|min_p| *min_p > 0.0),
            // The most probable token alone is left at temperature 0, ties included.
            top_k: if temperature > 0.0 { top_k } else { Some(1.0) },
            vocabulary,
        })
    }

    /// Returns the position of a token, reshaped.
    ///
    /// # Errors
    /// Refuses a token without candidates.
    pub fn outcome(&self, token: &Token) -> Result<Outcome, Refusal> {
        Ladder::of(token, self.vocabulary, |ladder| {
            let sums = self.sums(&ladder);
            let share = |logprob| self.share(&ladder, &sums, logprob);
            let chosen = self.chosen_share(&ladder, &sums);
            let mut tail = sums.tail_band();
            if ladder.rest.is_unmatched {
                // It may be one of the unseen tokens, and then is not of the tail.
                tail.min = (tail.min - chosen.band.max).max(0.0);
            }
            let candidates = token.candidates.iter().map(|candidate| share(candidate.logprob)).collect();
            Outcome { candidates, chosen, tail }
        })
        .ok_or(Refusal::NoCandidates)
    }

    /// Returns the chosen token's probability, reshaped. Does not allocate for lists of the length
    /// servers give; over a whole answer [`WhatIf::chosen_of`] is faster.
    ///
    /// # Errors
    /// Refuses a token without candidates, or without a value of its own.
    pub fn chosen_band(&self, token: &Token) -> Result<Range, Refusal> {
        Ladder::of(token, self.vocabulary, |ladder| self.chosen_of(&ladder).ok_or(Refusal::NoLogprob))
            .ok_or(Refusal::NoCandidates)?
    }

    /// Returns the chosen token's probability at a position that was read before, reshaped; `None`
    /// without a value of its own. The vocabulary is the ladder's.
    #[must_use]
    pub fn chosen_of(&self, ladder: &Ladder<'_>) -> Option<Range> {
        let logprob = ladder.rest.chosen?;
        if self.is_whole() {
            let top = ladder.top();
            let known = ladder.known().map(|logprob| self.weight(logprob, top)).sum();
            let all = self.all(ladder, known).1;
            let weight = self.weight(logprob, top);
            return Some(Range { min: share_of(weight, all.max), max: share_of(weight, all.min) });
        }
        let sums = self.sums(ladder);
        Some(self.chosen_share(ladder, &sums).band)
    }

    /// Returns the interval in which the largest top_p lies that would have cut the chosen token, at
    /// the temperature asked about: the mass of what is more probable. A point where its rank is known.
    ///
    /// # Errors
    /// Refuses a token without candidates, or without a value of its own.
    pub fn cutting_top_p(&self, token: &Token) -> Result<Range, Refusal> {
        Ladder::of(token, self.vocabulary, |ladder| {
            let own = ladder.rest.chosen.ok_or(Refusal::NoLogprob)?;
            let whole = Self { top_p: None, min_p: None, top_k: None, ..*self };
            if self.power.is_infinite() {
                // Nothing is before the most probable token, and all is before any other.
                let is_first = ladder.head.first() == Some(&own);
                let is_tied = ladder.head.get(1) == Some(&own);
                let min = if is_first || ladder.head.is_empty() { 0.0 } else { 1.0 };
                let max = if is_first && !is_tied && !ladder.rest.is_unmatched { 0.0 } else { 1.0 };
                return Ok(Range { min, max });
            }
            let sums = whole.sums(&ladder);
            let Before { sum, ties, .. } = whole.before(&ladder, &sums, own);
            let least = share_of(sum, sums.kept.max);
            let most = if ladder.rest.stray == Some(own) || ladder.rest.is_unmatched {
                1.0 - share_of(whole.weight(own, sums.top), sums.kept.max)
            } else {
                share_of(sum + ties * whole.weight(own, sums.top), sums.kept.min)
            };
            Ok(Range { min: least, max: most.max(least) })
        })
        .ok_or(Refusal::NoCandidates)?
    }

    /// Whether nothing is cut.
    fn is_whole(&self) -> bool {
        self.top_k.is_none() && self.top_p.is_none() && self.min_p.is_none()
    }

    /// Returns q^power relative to that of `top`.
    fn weight(&self, logprob: f64, top: f64) -> f64 {
        // At temperature 0 the difference of ties would be infinity times zero.
        if logprob >= top { 1.0 } else { (self.power * (logprob - top)).exp() }
    }

    /// Returns the sums of the unseen tokens and of all before any cut, the known ones' being given.
    fn all(&self, ladder: &Ladder<'_>, known: f64) -> (Range, Range) {
        let top = ladder.top();
        if (self.power - 1.0).abs() < f64::EPSILON && self.is_whole() {
            // What was reported already is the answer, whatever its sum.
            let all = (-top).exp();
            return (Range::point((all - known).max(0.0)), Range::point(all));
        }
        let tail = ladder.rest.tail.powers(self.power, top);
        (tail, Range { min: known + tail.min, max: known + tail.max })
    }

    /// Returns the weights of the head, descending.
    fn weights<'a>(&'a self, ladder: &Ladder<'a>, sums: &'a Sums) -> impl Iterator<Item = f64> + use<'a> {
        let head = ladder.head;
        let further = head.get(ROOM..).unwrap_or_default();
        let near = sums.weights.iter().copied().take(head.len());
        near.chain(further.iter().map(|logprob| self.weight(*logprob, sums.top)))
    }

    fn sums(&self, ladder: &Ladder<'_>) -> Sums {
        let top = ladder.top();
        let tail = &ladder.rest.tail;
        let (mut weights, mut head) = ([0.0; ROOM], 0.0);
        for (index, logprob) in ladder.head.iter().enumerate() {
            let weight = self.weight(*logprob, top);
            head += weight;
            if let Some(place) = weights.get_mut(index) {
                *place = weight;
            }
        }
        let stray = ladder.rest.stray.map_or(0.0, |stray| self.weight(stray, top));
        if self.power.is_infinite() {
            // The most probable known token is the most probable of all, unless only the stray is known.
            let open = if ladder.head.is_empty() { f64::INFINITY } else { 0.0 };
            let kept = Range { min: 1.0, max: 1.0 + open };
            let tail = Range { min: 0.0, max: open };
            return Sums { top, weights, head, stray, tail, before_top_p: kept, kept, is_whole: false };
        }
        let is_whole = self.is_whole();
        let (tail, all) = self.all(ladder, head + stray);
        let mut sums = Sums { top, weights, head, stray, tail, before_top_p: all, kept: all, is_whole };
        if is_whole {
            return sums;
        }
        sums.before_top_p = self.left_by_top_k(ladder, &sums);
        let by_top_p = self.left_by_top_p(ladder, &sums);
        let by_min_p = self.left_by_min_p(ladder, &sums);
        sums.kept = sums.before_top_p.least(by_top_p).least(by_min_p);
        sums
    }

    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "lengths of lists, and a top_k that is smaller than one"
    )]
    fn left_by_top_k(&self, ladder: &Ladder<'_>, sums: &Sums) -> Range {
        let Some(top_k) = self.top_k else { return sums.kept };
        let listed = ladder.head.len() as f64;
        if top_k <= listed {
            return Range::point(self.weights(ladder, sums).take(top_k as usize).sum());
        }
        let rest = &ladder.rest;
        let others = rest.tail.count + f64::from(u8::from(rest.stray.is_some()));
        let places = top_k - listed;
        if places >= others {
            return sums.kept;
        }
        // The stray is no larger than an unseen token can be, so it may be counted as one.
        let own_mass = rest.stray.map_or(0.0, f64::exp);
        let least = (places / others * (sums.stray + sums.tail.min)).max(sums.stray);
        let most = rest.tail.most_of(places, own_mass, self.power, sums.top).min(sums.stray + sums.tail.max);
        Range { min: sums.head + least, max: sums.head + most.max(least) }
    }

    fn left_by_top_p(&self, ladder: &Ladder<'_>, sums: &Sums) -> Range {
        let Some(top_p) = self.top_p else { return sums.before_top_p };
        let low = top_p * sums.before_top_p.min * (1.0 - BOUNDARY);
        let high = top_p * sums.before_top_p.max * (1.0 + BOUNDARY);
        let largest = ladder.rest.tail.largest(self.power, sums.top).max(sums.stray);
        let (mut sum, mut min, mut max) = (0.0, None, None);
        for weight in self.weights(ladder, sums) {
            sum += weight;
            if sum >= low {
                min = min.or(Some(sum));
            }
            if sum >= high {
                max = Some(sum);
                break;
            }
        }
        Range {
            min: min.unwrap_or(low).min(sums.before_top_p.max),
            max: max.unwrap_or(high + largest).min(sums.before_top_p.max),
        }
    }

    fn left_by_min_p(&self, ladder: &Ladder<'_>, sums: &Sums) -> Range {
        let Some(min_p) = self.min_p else { return sums.before_top_p };
        if ladder.head.is_empty() {
            // The most probable token is not known: at least the stray's weight remains, at most all.
            return Range { min: sums.stray, max: sums.stray + sums.tail.max };
        }
        let (low, high) = (min_p * (1.0 + BOUNDARY), min_p * (1.0 - BOUNDARY));
        let mut kept = Range { min: 0.0, max: 0.0 };
        let stray = ladder.rest.stray.map(|_| sums.stray);
        for (index, weight) in self.weights(ladder, sums).chain(stray).enumerate() {
            if weight < high {
                break;
            }
            kept.max += weight;
            if index == 0 || weight >= low {
                kept.min += weight;
            }
        }
        let tail = &ladder.rest.tail;
        if tail.largest(self.power, sums.top) >= high {
            let threshold = (sums.top + high.ln() / self.power).exp();
            let payable = (tail.high.mass / threshold * (1.0 + BOUNDARY)).floor().min(tail.count);
            kept.max += tail.most_of(payable, 0.0, self.power, sums.top).min(sums.tail.max);
        }
        kept
    }

    fn share(&self, ladder: &Ladder<'_>, sums: &Sums, logprob: Option<f64>) -> Share {
        let Some(logprob) = logprob else { return self.unseen_share(ladder, sums) };
        let weight = self.weight(logprob, sums.top);
        let before = self.before(ladder, sums, logprob);
        let is_stray = ladder.rest.stray == Some(logprob);
        let fate = if is_stray {
            self.fate_of_stray(ladder, sums, &before, weight)
        } else {
            self.fate_in_head(sums, &before, weight)
        };
        // If it is kept, so is everything before it.
        let with_it = if sums.is_whole { 0.0 } else { before.sum + weight };
        let least_with_it = sums.kept.min.max(with_it);
        let most = share_of(weight, least_with_it);
        let band = match fate {
            Fate::Cut => Range::point(0.0),
            Fate::Kept => Range { min: share_of(weight, sums.kept.max).min(most), max: most },
            Fate::Unknown => Range { min: 0.0, max: most },
        };
        let through = before.sum + weight;
        let all_through = if is_stray { f64::INFINITY } else { through + before.ties * weight };
        let cumulative = match fate {
            Fate::Cut => Range::point(1.0),
            Fate::Kept | Fate::Unknown => {
                Range { min: share_of(through, sums.kept.max), max: share_of(all_through, sums.kept.min) }
            }
        };
        Share { band, cumulative, fate }
    }

    /// Returns the share of the chosen token, which may tie with a candidate without being it.
    fn chosen_share(&self, ladder: &Ladder<'_>, sums: &Sums) -> Share {
        let share = self.share(ladder, sums, ladder.rest.chosen);
        if !ladder.rest.is_unmatched || share.fate == Fate::Cut {
            return share;
        }
        let cumulative = Range { max: 1.0, ..share.cumulative };
        if sums.is_whole {
            return Share { cumulative, ..share };
        }
        Share { cumulative, band: Range { min: 0.0, ..share.band }, fate: Fate::Unknown }
    }

    /// Returns the share of one token that was reported without a value, and so is an unseen one.
    fn unseen_share(&self, ladder: &Ladder<'_>, sums: &Sums) -> Share {
        let is_cut = sums.kept.max <= sums.head;
        let largest = ladder.rest.tail.largest(self.power, sums.top);
        let most = if is_cut || largest <= 0.0 { 0.0 } else { 1.0 / (1.0 + sums.head / largest) };
        let least = share_of(sums.head, sums.kept.max);
        Share {
            band: Range { min: 0.0, max: most },
            cumulative: Range { min: if is_cut { 1.0 } else { least }, max: 1.0 },
            fate: Fate::of(false, is_cut),
        }
    }

    fn fate_in_head(&self, sums: &Sums, before: &Before, weight: f64) -> Fate {
        let mut fate = Fate::Kept;
        if let Some(top_k) = self.top_k {
            fate = fate.and(Fate::of(before.count + before.ties < top_k, before.count >= top_k));
        }
        if let Some(top_p) = self.top_p {
            let at_most = before.sum + before.ties * weight;
            let low = top_p * sums.before_top_p.min * (1.0 - BOUNDARY);
            let high = top_p * sums.before_top_p.max * (1.0 + BOUNDARY);
            fate = fate.and(Fate::of(at_most <= 0.0 || at_most < low, before.sum >= high));
        }
        if let Some(min_p) = self.min_p {
            let is_kept = weight >= min_p * (1.0 + BOUNDARY) || before.count < 1.0 && before.ties < 1.0;
            fate = fate.and(Fate::of(is_kept, weight < min_p * (1.0 - BOUNDARY)));
        }
        fate
    }

    /// It is kept where it would be behind everything that may be as probable, and cut where it would
    /// be before all of that.
    #[expect(clippy::cast_precision_loss, reason = "lengths of lists")]
    fn fate_of_stray(&self, ladder: &Ladder<'_>, sums: &Sums, before: &Before, weight: f64) -> Fate {
        let tail = &ladder.rest.tail;
        if self.power.is_infinite() {
            return Fate::of(false, before.count >= 1.0);
        }
        let mut fate = Fate::Kept;
        if let Some(top_k) = self.top_k {
            let own_mass = ladder.rest.stray.map_or(0.0, f64::exp);
            let above = (tail.high.mass / own_mass * (1.0 + BOUNDARY)).floor().min(tail.count);
            let listed = ladder.head.len() as f64;
            fate = fate.and(Fate::of(listed + above < top_k, before.count >= top_k));
        }
        if let Some(top_p) = self.top_p {
            let high = top_p * sums.before_top_p.max * (1.0 + BOUNDARY);
            let is_kept =
                sums.before_top_p.max * (1.0 - top_p) * (1.0 + BOUNDARY) < weight * (1.0 - BOUNDARY);
            fate = fate.and(Fate::of(is_kept, before.count >= 1.0 && before.sum >= high));
        }
        if let Some(min_p) = self.min_p {
            fate = fate.and(if ladder.head.is_empty() {
                let first = tail.largest(self.power, sums.top).max(weight);
                Fate::of(weight >= min_p * (1.0 + BOUNDARY) * first, false)
            } else {
                Fate::of(weight >= min_p * (1.0 + BOUNDARY), weight < min_p * (1.0 - BOUNDARY))
            });
        }
        fate
    }

    /// Returns what is surely more probable than a known value, and what ties with it.
    fn before(&self, ladder: &Ladder<'_>, sums: &Sums, logprob: f64) -> Before {
        let mut before = Before { sum: 0.0, count: 0.0, ties: 0.0 };
        let mut is_found = false;
        for (other, weight) in ladder.head.iter().zip(self.weights(ladder, sums)) {
            if *other > logprob {
                before.sum += weight;
                before.count += 1.0;
            } else if *other < logprob {
                break;
            } else {
                before.ties += f64::from(u8::from(is_found));
                is_found = true;
            }
        }
        before
    }
}

/// What stands before a token when all are ordered by probability.
struct Before {
    /// The sum of what is more probable.
    sum: f64,
    /// How many are.
    count: f64,
    /// How many others are as probable.
    ties: f64,
}

impl Sums {
    /// Returns the share of the tokens that are neither candidate nor chosen.
    fn tail_band(&self) -> Range {
        let known = self.head + self.stray;
        let of = |tail: f64, beside: f64| if tail.is_finite() { tail / (beside + tail) } else { 1.0 };
        if self.is_whole {
            return Range { min: of(self.tail.min, known), max: of(self.tail.max, known) };
        }
        if self.kept.max <= self.head || self.tail.max <= 0.0 {
            return Range::point(0.0);
        }
        // What cancels in the differences must not narrow the interval.
        let most = (self.kept.max * (1.0 + CANCELLED) - self.head).min(self.tail.max);
        let least = (self.kept.min * (1.0 - CANCELLED) - known).max(0.0);
        let max = of(most, self.head);
        Range { min: (least / self.kept.min).min(max), max }
    }
}

/// Returns the part of a sum, where rounding cannot bring it above 1.
fn share_of(part: f64, sum: f64) -> f64 {
    if part >= sum { 1.0 } else { part / sum }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::ladder::Ladders;
    use crate::core::provenance::Basis;
    use crate::core::token::{Candidate, Piece};
    use crate::core::truth::{Full, full, near};
    use proptest::prelude::*;

    fn reshapings() -> impl Strategy<Value = Reshaping> {
        let temperature = prop_oneof![3 => 0.05f64..3.0, 1 => Just(1.0), 1 => 0.01f64..0.1, 1 => Just(0.0)];
        let top_p = prop::option::of(prop_oneof![0.01f64..1.0, 0.9f64..1.0]);
        let min_p = prop::option::of(prop_oneof![0.0f64..0.3, 1e-6f64..1e-3, Just(1.0)]);
        let top_k = prop::option::of(0u32..50);
        (temperature, top_p, min_p, top_k).prop_map(|(temperature, top_p, min_p, top_k)| Reshaping {
            temperature,
            top_p,
            min_p,
            top_k,
        })
    }

    /// Whether a true value lies in a band.
    fn holds(band: Range, truth: f64) -> bool {
        let slack = 1e-9 * truth + 1e-13;
        band.min <= truth + slack && band.max >= truth - slack && band.min <= band.max + 1e-15
    }

    /// Compares everything that is said of a position with the whole distribution it was cut from.
    fn check(full: &Full, reshaping: Reshaping, reported_at: f64) -> Result<(), TestCaseError> {
        let source = Source::after(reported_at);
        let what_if = WhatIf::new(source, reshaping, full.len()).unwrap();
        let token = full.token(reported_at);
        let outcome = what_if.outcome(&token).unwrap();
        let truth = full.reshaped(reshaping);
        let mut shares: Vec<(usize, Share)> = full.listed().zip(outcome.candidates.iter().copied()).collect();
        shares.push((full.chosen, outcome.chosen));
        for (index, share) in &shares {
            let true_share = truth[*index];
            prop_assert!(holds(share.band, true_share), "{index}: {true_share} in {share:?}\n{token:?}");
            // Where two tokens tie, which of them is cut is the server's choice.
            match share.fate {
                Fate::Kept => prop_assert!(true_share > 0.0 || share.band.min < 1e-300, "{index} {share:?}"),
                Fate::Cut => prop_assert!(true_share <= 0.0, "{index}: {true_share} {share:?}"),
                Fate::Unknown => {}
            }
            let is_tied = full.is_tied(*index);
            let through: f64 = truth[..=*index].iter().sum();
            prop_assert!(is_tied || holds(share.cumulative, through), "{index}: {through} in {share:?}");
        }
        let unseen: f64 = full.unseen().map(|index| truth[index]).sum();
        prop_assert!(holds(outcome.tail, unseen), "tail {unseen} in {:?}", outcome.tail);
        prop_assert_eq!(what_if.chosen_band(&token).unwrap(), outcome.chosen.band);
        Ok(())
    }

    fn token(chosen: &str, list: &[(&str, f64)]) -> Token {
        let candidate =
            |(text, p): &(&str, f64)| Candidate { piece: Piece::new(*text, None), logprob: Some(p.ln()) };
        let candidates: Box<[Candidate]> = list.iter().map(candidate).collect();
        let logprob = candidates.iter().find(|c| c.piece.text() == chosen).and_then(|c| c.logprob);
        Token { piece: Piece::new(chosen, None), logprob, candidates }
    }

    fn ask(reshaping: Reshaping, vocabulary: usize) -> WhatIf {
        WhatIf::new(Source::BEFORE, reshaping, vocabulary).unwrap()
    }

    fn at(temperature: f64) -> Reshaping {
        Reshaping { temperature, ..Reshaping::default() }
    }

    #[test]
    fn the_ends_of_a_band_are_those_of_the_tails_that_make_them() {
        // A tenth is missing: in 90 equal tokens, or in five as large as the least candidate.
        let token = token("a", &[("a", 0.68), ("b", 0.2), ("c", 0.02)]);
        for temperature in [0.5, 2.0] {
            let outcome = ask(at(temperature), 93).outcome(&token).unwrap();
            let power = |p: f64| p.powf(1.0 / temperature);
            let known = power(0.68) + power(0.2) + power(0.02);
            let (even, few) = (90.0 * power(0.1 / 90.0), 5.0 * power(0.02));
            let (least, most) = if temperature < 1.0 { (even, few) } else { (few, even) };
            let band = outcome.chosen.band;
            // The bands allow for the rounding of servers besides.
            assert!((band.min - power(0.68) / (known + most)).abs() < 1e-5, "{band:?}");
            assert!((band.max - power(0.68) / (known + least)).abs() < 1e-5, "{band:?}");
            assert!((outcome.tail.max - most / (known + most)).abs() < 1e-5);
            assert_eq!(outcome.chosen.fate, Fate::Kept);
        }
    }

    #[test]
    fn what_was_reported_is_exact_where_nothing_changes() {
        // Sums above 1 by rounding are not made 1.
        let token = token("b", &[("a", 0.6), ("b", 0.4000001)]);
        let outcome = ask(at(1.0), 100_000).outcome(&token).unwrap();
        assert!(outcome.is_exact());
        assert!((outcome.chosen.band.min - 0.4000001).abs() < 1e-15);
        assert_eq!(outcome.tail, Range::point(0.0));
    }

    #[test]
    fn heating_makes_much_of_a_mass_below_rounding() {
        let token = token("a", &[("a", 1.0)]);
        let band = ask(at(3.0), 200_000).outcome(&token).unwrap().chosen.band;
        assert!(band.is_wide() && band.max >= 1.0, "{band:?}");
        assert!(ask(at(0.5), 200_000).outcome(&token).unwrap().is_exact());
    }

    #[test]
    fn temperature_zero_takes_the_first_and_leaves_ties_open() {
        let clear = ask(at(0.0), 9).outcome(&token("b", &[("a", 0.6), ("b", 0.3)])).unwrap();
        assert_eq!(clear.candidates[0].band, Range::point(1.0));
        assert_eq!((clear.chosen.fate, clear.chosen.band), (Fate::Cut, Range::point(0.0)));
        let tied = ask(at(0.0), 9).outcome(&token("b", &[("a", 0.4), ("b", 0.4), ("c", 0.2)])).unwrap();
        assert_eq!((tied.chosen.fate, tied.chosen.band), (Fate::Unknown, Range { min: 0.0, max: 1.0 }));
        assert_eq!(tied.candidates[2].fate, Fate::Cut);
    }

    #[test]
    fn a_nucleus_within_the_list_is_exact() {
        let token = token("c", &[("a", 0.5), ("b", 0.3), ("c", 0.1)]);
        let cut = |top_p| ask(Reshaping { top_p: Some(top_p), ..at(1.0) }, 1000).outcome(&token).unwrap();
        let within = cut(0.75);
        assert!(within.is_exact());
        assert_eq!(
            within.candidates.iter().map(|share| share.fate).collect::<Vec<_>>(),
            [Fate::Kept, Fate::Kept, Fate::Cut]
        );
        assert!((within.candidates[0].band.min - 0.625).abs() < 1e-9);
        // At the boundary a server's rounding decides, and beyond the list the tail is open.
        assert_eq!(cut(0.8).chosen.fate, Fate::Unknown);
        assert!(!cut(0.95).is_exact() && cut(0.95).tail.min > 0.0);
    }

    #[test]
    fn a_chosen_token_at_the_end_of_the_list_may_have_been_added_to_it() {
        // vLLM and llama-cpp-python: the list is the best two and the token that was drawn.
        let token = token("z", &[("z", 0.01), ("a", 0.3), ("b", 0.2)]);
        let outcome = ask(Reshaping { top_k: Some(3), ..at(1.0) }, 1000).outcome(&token).unwrap();
        assert_eq!(outcome.chosen.fate, Fate::Unknown);
        assert_eq!(outcome.candidates[2].fate, Fate::Kept);
    }

    #[test]
    fn refusals() {
        let after = Provenance { stage: Stage::AfterTemperature, basis: Basis::Probed };
        let source = |sampling: &Sampling| Source::new(after, sampling);
        let sampling = |temperature| Sampling { temperature, ..Sampling::default() };
        assert_eq!(source(&sampling(Some(0.0))), Err(Refusal::AfterZero));
        assert_eq!(source(&sampling(None)), Err(Refusal::TemperatureUnknown));
        assert_eq!(source(&sampling(Some(0.7))).map(Source::temperature), Ok(0.7));
        let cut = Sampling { top_p: Some(0.9), ..sampling(Some(0.7)) };
        assert_eq!(source(&cut), Err(Refusal::AfterCut));
        let mut extra = sampling(Some(0.7));
        extra.extra.insert("top_k".to_owned(), 40.into());
        assert_eq!(source(&extra), Err(Refusal::AfterCut));
        assert_eq!(Source::new(Provenance::default(), &cut), Ok(Source::BEFORE));

        let bad = |reshaping| WhatIf::new(Source::BEFORE, reshaping, 9).err();
        assert_eq!(bad(at(-1.0)), Some(Refusal::BadTemperature));
        assert_eq!(bad(at(f64::NAN)), Some(Refusal::BadTemperature));
        assert_eq!(bad(Reshaping { top_p: Some(0.0), ..at(1.0) }), Some(Refusal::BadTopP));
        assert_eq!(bad(Reshaping { min_p: Some(1.5), ..at(1.0) }), Some(Refusal::BadMinP));

        let bare = Token { piece: Piece::new("a", None), logprob: Some(-1.0), candidates: Box::new([]) };
        assert_eq!(ask(at(1.0), 9).outcome(&bare), Err(Refusal::NoCandidates));
        let outside = Token { logprob: None, ..token("z", &[("a", 0.5), ("b", 0.3)]) };
        assert_eq!(ask(at(1.0), 9).chosen_band(&outside), Err(Refusal::NoLogprob));
        // It is one of the unseen ones, so it is no more probable than the least candidate.
        let share = ask(at(1.0), 9).outcome(&outside).unwrap().chosen;
        assert!(share.band.min <= 0.0 && (share.band.max - 0.2 / (0.8 + 0.2)).abs() < 1e-5, "{share:?}");
    }

    #[test]
    fn hostile_values_stay_within_bounds() {
        let odd = [("a", 1.0), ("b", 1.0), ("c", 1e-300), ("a", 0.9)];
        for vocabulary in [0, 1, 4, usize::MAX] {
            for temperature in [0.0, 1e-300, 0.01, 1.0, 5.0, 1e300] {
                let reshaping =
                    Reshaping { temperature, top_p: Some(0.9), min_p: Some(0.1), top_k: Some(u32::MAX) };
                for reshaping in [reshaping, at(temperature)] {
                    let outcome = ask(reshaping, vocabulary).outcome(&token("a", &odd)).unwrap();
                    for share in outcome.candidates.iter().chain([&outcome.chosen]) {
                        let Range { min, max } = share.band;
                        assert!((0.0..=1.0).contains(&min) && (min..=1.0).contains(&max), "{share:?}");
                    }
                    assert!((0.0..=1.0).contains(&outcome.tail.max), "{:?}", outcome.tail);
                }
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]

        /// Values before temperature: the truth is in every band, and no fate contradicts it.
        #[test]
        fn the_truth_is_in_the_bands(full in full(), reshaping in reshapings()) {
            check(&full, reshaping, 1.0)?;
        }

        /// The same of values after temperature.
        #[test]
        fn and_from_values_after_temperature(full in full(), reshaping in reshapings(), t in 0.1f64..2.5) {
            check(&full, reshaping, t)?;
        }

        /// With the whole vocabulary listed nothing is open but ties and boundaries.
        #[test]
        fn a_whole_list_gives_points(full in full(), temperature in 0.05f64..3.0) {
            let full = Full { listed: full.len(), is_stray_listed: true, ..full };
            let reshaping = Reshaping { temperature, ..Reshaping::default() };
            let what_if = WhatIf::new(Source::BEFORE, reshaping, full.len()).unwrap();
            let outcome = what_if.outcome(&full.token(1.0)).unwrap();
            prop_assert!(outcome.is_exact() && outcome.tail == Range::point(0.0));
            for (share, truth) in outcome.candidates.iter().zip(full.reshaped(reshaping)) {
                prop_assert!(near(share.band.min, truth) && near(share.band.max, truth));
                prop_assert_eq!(share.fate, Fate::Kept);
            }
        }

        /// The top_p that cuts the chosen token: just below the interval it does, just above it does not.
        #[test]
        fn the_cutting_top_p(full in full(), temperature in 0.05f64..3.0) {
            let range = ask(at(temperature), full.len()).cutting_top_p(&full.token(1.0)).unwrap();
            let truth = full.at(temperature);
            let before: f64 = truth[..full.chosen].iter().sum();
            if !full.is_tied(full.chosen) {
                prop_assert!(holds(range, before), "{before} in {range:?}");
            }
            prop_assert!(range.min >= 0.0 && range.max <= 1.0);
        }

        /// An answer laid out for speed says the same as its tokens, however it grew.
        #[test]
        fn ladders_say_what_tokens_say(
            fulls in prop::collection::vec(full(), 0..6),
            reshaping in reshapings(),
            grown in 0usize..6,
        ) {
            let tokens: Vec<Token> = fulls.iter().map(|full| full.token(1.0)).collect();
            let mut ladders = Ladders::new(500);
            ladders.extend_to(&tokens[..grown.min(tokens.len())]);
            ladders.extend_to(&tokens);
            prop_assert_eq!(ladders.len(), tokens.len());
            let what_if = ask(reshaping, 500);
            for (token, ladder) in tokens.iter().zip(ladders.iter()) {
                prop_assert_eq!(ladder.and_then(|ladder| what_if.chosen_of(&ladder)), what_if.chosen_band(token).ok());
            }
        }
    }
}
