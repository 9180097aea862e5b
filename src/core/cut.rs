//! What temperature and cuts leave of one position, as bounds of one sum.
//!
//! Owns the derivation behind the bands. Never decides between the cases that the values allow.
//!
//! Values q, reported at temperature t (1 where they stand before temperature), become q^a / Z at T,
//! with a = t/T and Z = L + S: L the sum of the known powers, S that of the unseen ones. For a > 1
//! x^a is convex, so S is least when the missing mass r is spread evenly over the n unseen tokens,
//! r^a n^(1-a), and most in as few tokens as the ceiling m allows, ⌊r/m⌋ m^a + (r - ⌊r/m⌋ m)^a; for
//! a < 1 the other way round. Both are attained, so no narrower band is true.
//!
//! In the order [`ORDER`](crate::core::reshaping::ORDER) every cut keeps a prefix of the tokens by
//! descending probability, so the shortest prefix remains, and Z becomes the least of the sums the
//! cuts leave. Each is bounded:
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
use crate::core::reshaping::{Refusal, Reshaping, Source};
use serde::Serialize;

/// Relative distance from a cut's boundary within which its side is left open: servers sum in single
/// precision.
const BOUNDARY: f64 = 1e-6;

/// Relative error of a sum of many terms.
const CANCELLED: f64 = 1e-13;

/// Weights of the head kept at hand; those of longer lists are computed again.
const ROOM: usize = 32;

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
    pub(super) fn of(is_kept: bool, is_cut: bool) -> Self {
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

/// Temperature and cuts as they are applied.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Cuts {
    /// The power a reported probability is raised to; infinite for temperature 0.
    pub(super) power: f64,
    top_p: Option<f64>,
    min_p: Option<f64>,
    top_k: Option<f64>,
}

/// The sums that are left at one position, all relative to the power of the most probable known token.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sums {
    pub(super) top: f64,
    /// The weights of the head, as far as there is room.
    weights: [f64; ROOM],
    /// Of the head.
    pub(super) head: f64,
    /// Of the stray token, 0 without one.
    pub(super) stray: f64,
    /// Of the unseen tokens, before any cut.
    tail: Range,
    /// What top_p is a share of.
    before_top_p: Range,
    /// What remains in the end.
    pub(super) kept: Range,
    /// Whether nothing is cut.
    pub(super) is_whole: bool,
    /// Whether an unseen token may remain.
    pub(super) is_tail_open: bool,
}

/// What one cut leaves.
struct Left {
    sum: Range,
    /// Whether an unseen token may be among it.
    is_tail_open: bool,
}

/// What stands before a token when all are ordered by probability.
pub(super) struct Before {
    /// The sum of what is more probable.
    pub(super) sum: f64,
    /// How many are.
    count: f64,
    /// How many others are as probable.
    pub(super) ties: f64,
}

impl Left {
    fn open(sum: Range) -> Self {
        Self { sum, is_tail_open: true }
    }
}

impl Cuts {
    /// Returns the cuts of a question.
    pub(super) fn new(source: Source, reshaping: Reshaping) -> Result<Self, Refusal> {
        if let Some(refusal) = reshaping.refusal() {
            return Err(refusal);
        }
        let Reshaping { temperature, top_p, min_p, top_k } = reshaping;
        let top_k = top_k.filter(|top_k| *top_k > 0).map(f64::from);
        Ok(Self {
            power: source.temperature() / temperature,
            top_p: top_p.filter(|top_p| *top_p < 1.0),
            min_p: min_p.filter(|min_p| *min_p > 0.0),
            // The most probable token alone is left at temperature 0, ties included.
            top_k: if temperature > 0.0 { top_k } else { Some(1.0) },
        })
    }

    /// Returns the temperature alone.
    pub(super) fn without_cuts(self) -> Self {
        Self { top_p: None, min_p: None, top_k: None, ..self }
    }

    /// Whether nothing is cut.
    pub(super) fn is_whole(&self) -> bool {
        self.top_k.is_none() && self.top_p.is_none() && self.min_p.is_none()
    }

    /// Returns q^power relative to that of `top`.
    pub(super) fn weight(&self, logprob: f64, top: f64) -> f64 {
        // At temperature 0 the difference of ties would be infinity times zero.
        if logprob >= top { 1.0 } else { (self.power * (logprob - top)).exp() }
    }

    /// Returns the sums of the unseen tokens and of all before any cut, the known ones' being given.
    pub(super) fn all(&self, ladder: &Ladder<'_>, known: f64) -> (Range, Range) {
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

    /// Returns the sums of a position.
    pub(super) fn sums(&self, ladder: &Ladder<'_>) -> Sums {
        let top = ladder.top();
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
            return Sums {
                top,
                weights,
                head,
                stray,
                tail,
                before_top_p: kept,
                kept,
                is_whole: false,
                is_tail_open: open > 0.0,
            };
        }
        let is_whole = self.is_whole();
        let (tail, all) = self.all(ladder, head + stray);
        let is_tail_open = ladder.rest.tail.count >= 1.0;
        let mut sums =
            Sums { top, weights, head, stray, tail, before_top_p: all, kept: all, is_whole, is_tail_open };
        if is_whole {
            return sums;
        }
        let by_top_k = self.left_by_top_k(ladder, &sums);
        sums.before_top_p = by_top_k.sum;
        let by_top_p = self.left_by_top_p(ladder, &sums);
        let by_min_p = self.left_by_min_p(ladder, &sums);
        for left in [by_top_k, by_top_p, by_min_p] {
            sums.kept = sums.kept.least(left.sum);
            sums.is_tail_open &= left.is_tail_open;
        }
        sums
    }

    /// Returns what top_k leaves.
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "lengths of lists, and a top_k that is smaller than one"
    )]
    fn left_by_top_k(&self, ladder: &Ladder<'_>, sums: &Sums) -> Left {
        let Some(top_k) = self.top_k else { return Left::open(sums.kept) };
        let listed = ladder.head.len() as f64;
        if top_k <= listed {
            let sum = Range::point(self.weights(ladder, sums).take(top_k as usize).sum());
            return Left { sum, is_tail_open: false };
        }
        let rest = &ladder.rest;
        let others = rest.tail.count + f64::from(u8::from(rest.stray.is_some()));
        let places = top_k - listed;
        if places >= others {
            return Left::open(sums.kept);
        }
        // The stray is no larger than an unseen token can be, so it may be counted as one.
        let own_mass = rest.stray.map_or(0.0, f64::exp);
        let least = (places / others * (sums.stray + sums.tail.min)).max(sums.stray);
        let most = rest.tail.most_of(places, own_mass, self.power, sums.top).min(sums.stray + sums.tail.max);
        Left::open(Range { min: sums.head + least, max: sums.head + most.max(least) })
    }

    /// Returns what top_p leaves of what top_k left.
    fn left_by_top_p(&self, ladder: &Ladder<'_>, sums: &Sums) -> Left {
        let Some(top_p) = self.top_p else { return Left::open(sums.before_top_p) };
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
        let sum = Range {
            min: min.unwrap_or(low).min(sums.before_top_p.max),
            max: max.unwrap_or(high + largest).min(sums.before_top_p.max),
        };
        Left { sum, is_tail_open: max.is_none() }
    }

    /// Returns what min_p leaves of everything.
    fn left_by_min_p(&self, ladder: &Ladder<'_>, sums: &Sums) -> Left {
        let Some(min_p) = self.min_p else { return Left::open(sums.before_top_p) };
        if ladder.head.is_empty() {
            // The most probable token is not known: at least the stray's weight remains, at most all.
            return Left::open(Range { min: sums.stray, max: sums.stray + sums.tail.max });
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
        let is_tail_open = tail.largest(self.power, sums.top) >= high;
        if is_tail_open {
            let threshold = (sums.top + high.ln() / self.power).exp();
            let payable = (tail.high.mass / threshold * (1.0 + BOUNDARY)).floor().min(tail.count);
            kept.max += tail.most_of(payable, 0.0, self.power, sums.top).min(sums.tail.max);
        }
        Left { sum: kept, is_tail_open }
    }

    /// Returns what becomes of a token whose rank is known but for ties.
    pub(super) fn fate_in_head(&self, sums: &Sums, before: &Before, weight: f64) -> Fate {
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

    /// Returns what becomes of the stray token: it is kept where it would be even behind everything that
    /// may be as probable, and cut where it would be even before all of that.
    #[expect(clippy::cast_precision_loss, reason = "lengths of lists")]
    pub(super) fn fate_of_stray(
        &self,
        ladder: &Ladder<'_>,
        sums: &Sums,
        before: &Before,
        weight: f64,
    ) -> Fate {
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
    pub(super) fn before(&self, ladder: &Ladder<'_>, sums: &Sums, logprob: f64) -> Before {
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

impl Sums {
    /// Returns the share of the tokens that are neither candidate nor chosen.
    pub(super) fn tail_band(&self) -> Range {
        let known = self.head + self.stray;
        let of = |tail: f64, beside: f64| if tail.is_finite() { tail / (beside + tail) } else { 1.0 };
        if self.is_whole {
            return Range { min: of(self.tail.min, known), max: of(self.tail.max, known) };
        }
        if !self.is_tail_open {
            return Range::point(0.0);
        }
        // What cancels in the differences must not narrow the interval.
        let most = (self.kept.max * (1.0 + CANCELLED) - self.head).clamp(0.0, self.tail.max);
        let least = (self.kept.min * (1.0 - CANCELLED) - known).max(0.0);
        let max = of(most, self.head);
        Range { min: (least / self.kept.min).min(max), max }
    }
}

/// Returns the part of a sum, where rounding cannot bring it above 1.
pub(super) fn share_of(part: f64, sum: f64) -> f64 {
    if part >= sum { 1.0 } else { part / sum }
}
