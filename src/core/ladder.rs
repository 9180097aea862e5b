//! What one position's values prove: the known logprobs in order, and bounds for everything else.
//!
//! Owns the reading of a token's candidates (which are surely the most probable, which one was added
//! because it was drawn, how much mass is missing) and the bounds of the unseen tail under a power.
//! Never assumes a shape of the tail: a bound holds for every tail the values allow.
//!
//! The tail: `n` tokens that were not returned, together of mass `r`, none above the *ceiling* `m`.
//! The ceiling is the smallest *other* candidate, not the smallest value: servers add the chosen
//! token to the list or to the answer because it was drawn (vLLM puts it first and drops the last,
//! llama-cpp-python appends it), so beside it there may be unseen tokens that are more probable.

use crate::core::probability::Range;
use crate::core::token::{Candidate, Token};

/// How far the sum of reported probabilities may be from the truth.
///
/// Servers compute logarithms in single precision, where those near 0 have steps of 1e-7. A missing
/// mass below this cannot be told from none, and heating can make much of it.
pub const ROUNDING: f64 = 1e-6;

/// More tokens than a vocabulary in use has, for models whose vocabulary is not known: bounds stay
/// true when the vocabulary is taken too large, never when it is taken too small.
pub const AMPLE_VOCABULARY: usize = 1 << 19;

/// Known logprobs that fit into a ladder on the stack; servers give 20 at most, unless they are one's own.
const ROOM: usize = 64;

/// The known logprobs of a position, and the bounds of the rest.
#[derive(Debug, Clone, Copy)]
pub struct Ladder<'a> {
    /// Descending; no token outside is more probable than the last of these. Empty if only the
    /// chosen token is known, and not to be the most probable one.
    pub(super) head: &'a [f64],
    /// Everything but the head.
    pub(super) rest: Rest,
}

/// What is known of the tokens that are not in the head of a ladder.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rest {
    /// The chosen token's logprob, where it has one.
    pub(super) chosen: Option<f64>,
    /// The chosen token's logprob, if it is known and unseen tokens may be as probable. The head may
    /// end in others of the same value.
    pub(super) stray: Option<f64>,
    /// Whether the chosen token is as probable as the last candidate, but reads like none: it may be
    /// that candidate under another spelling, or an unseen token that ties with it.
    pub(super) is_unmatched: bool,
    /// The tokens of which nothing was reported.
    pub(super) tail: Tail,
}

/// The unseen tokens of a position.
#[derive(Debug, Clone, Copy)]
pub(super) struct Tail {
    /// How many there are; 0 exactly when nothing is missing.
    pub(super) count: f64,
    ln_count: f64,
    /// Natural logarithm of what none of them exceeds.
    pub(super) ceiling: f64,
    /// The least mass they can have together.
    pub(super) low: Pile,
    /// The most.
    pub(super) high: Pile,
}

/// A mass, and how it lies in as few tokens as the ceiling allows: `whole` tokens as large as the
/// ceiling and one of the remainder.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pile {
    pub(super) mass: f64,
    ln_mass: f64,
    whole: f64,
    ln_remainder: f64,
}

impl Pile {
    fn new(mass: f64, ceiling: f64) -> Self {
        let size = ceiling.exp();
        let whole = if size > 0.0 { (mass / size).floor() } else { 0.0 };
        let remainder = (mass - whole * size).clamp(0.0, size);
        Self { mass, ln_mass: mass.ln(), whole, ln_remainder: remainder.ln() }
    }

    /// Returns the sum of powers when the mass lies in as few tokens as possible, but in no more than `most`.
    fn fewest(&self, power: f64, top: f64, ceiling: f64, most: f64) -> f64 {
        let whole = self.whole.min(most);
        let full = if whole > 0.0 { whole * (power * (ceiling - top)).exp() } else { 0.0 };
        if self.whole < most { full + (power * (self.ln_remainder - top)).exp() } else { full }
    }

    /// Returns the sum of powers when the mass is spread evenly over a number of tokens.
    fn even(&self, power: f64, top: f64, ln_count: f64) -> f64 {
        (power * (self.ln_mass - ln_count - top) + ln_count).exp()
    }

    /// Returns -Σ q ln q of the fewest tokens.
    fn least_entropy(&self, ceiling: f64) -> f64 {
        let of = |ln: f64| if ln.is_finite() { -ln * ln.exp() } else { 0.0 };
        if self.whole > 0.0 {
            self.whole * of(ceiling) + of(self.ln_remainder)
        } else {
            of(self.ln_remainder)
        }
    }
}

impl Tail {
    const NONE: Self = {
        let pile =
            Pile { mass: 0.0, ln_mass: f64::NEG_INFINITY, whole: 0.0, ln_remainder: f64::NEG_INFINITY };
        Self { count: 0.0, ln_count: f64::NEG_INFINITY, ceiling: f64::NEG_INFINITY, low: pile, high: pile }
    };

    /// Returns the tail beside `known` tokens with the sum `sum`, of which `floor` is the smallest
    /// that was listed for its rank.
    #[expect(clippy::cast_precision_loss, reason = "vocabulary sizes are far below 2^52")]
    fn new(sum: f64, known: usize, floor: f64, vocabulary: usize) -> Self {
        // A sum above 1 shows how much the server rounds.
        let slack = ROUNDING.max(2.0 * (sum - 1.0));
        let low = (1.0 - sum - slack).max(0.0);
        let mut high = (1.0 - sum + slack).clamp(0.0, 1.0);
        let ceiling = floor.min(high.ln());
        let size = ceiling.exp();
        // A mass that does not fit under the ceiling proves more tokens than the vocabulary was said to have.
        let needed = if size > 0.0 { (low / size).ceil() } else { 0.0 };
        let count = (vocabulary.saturating_sub(known) as f64).max(needed);
        high = high.min(count * size);
        if count < 1.0 || high <= 0.0 {
            return Self::NONE;
        }
        // A smaller mass is a smaller ceiling too.
        let ceiling = ceiling.min(high.ln());
        Self {
            count,
            ln_count: count.ln(),
            ceiling,
            low: Pile::new(low.min(high), ceiling),
            high: Pile::new(high, ceiling),
        }
    }

    /// Returns the interval of Σ (q/top)^power over the unseen tokens, `top` being a logarithm.
    ///
    /// A power above 1 is convex: the sum is largest when the mass lies in as few tokens as the
    /// ceiling allows and smallest when it is spread evenly. Below 1 it is the other way round.
    pub(super) fn powers(&self, power: f64, top: f64) -> Range {
        if self.count < 1.0 {
            return Range { min: 0.0, max: 0.0 };
        }
        let (min, max) = if power > 1.0 {
            (self.low.even(power, top, self.ln_count), self.high.fewest(power, top, self.ceiling, self.count))
        } else {
            (self.low.fewest(power, top, self.ceiling, self.count), self.high.even(power, top, self.ln_count))
        };
        // Equal in exact arithmetic at power 1, so their order there is a matter of rounding.
        Range { min: min.min(max), max: max.max(min) }
    }

    /// Returns the most Σ (q/top)^power can be over `count` of the unseen tokens, when those have
    /// `extra` mass besides.
    pub(super) fn most_of(&self, count: f64, extra: f64, power: f64, top: f64) -> f64 {
        if self.count < 1.0 && extra <= 0.0 || count < 1.0 {
            return 0.0;
        }
        let mass = (self.high.mass + extra).min(count * self.ceiling.exp());
        if power > 1.0 {
            Pile::new(mass, self.ceiling).fewest(power, top, self.ceiling, count)
        } else {
            let ln_count = count.ln();
            (power * (mass.ln() - ln_count - top) + ln_count).exp()
        }
    }

    /// Returns the most that one unseen token can weigh.
    pub(super) fn largest(&self, power: f64, top: f64) -> f64 {
        if self.count < 1.0 { 0.0 } else { (power * (self.ceiling - top)).exp() }
    }

    /// Returns the interval of -Σ q ln q over the unseen tokens, in nats.
    pub(super) fn entropy(&self) -> Range {
        if self.count < 1.0 {
            return Range { min: 0.0, max: 0.0 };
        }
        // Neither end grows with the mass everywhere: x ln(n/x) turns at n/e, and the fewest tokens
        // lose entropy while a large remainder fills up.
        let mass = (self.count / std::f64::consts::E).clamp(self.low.mass, self.high.mass);
        let even = if mass > 0.0 { mass * (self.ln_count - mass.ln()) } else { 0.0 };
        let filled = if self.high.whole > self.low.whole {
            self.high.whole * -self.ceiling * self.ceiling.exp()
        } else {
            f64::INFINITY
        };
        let least = self.low.least_entropy(self.ceiling).min(self.high.least_entropy(self.ceiling));
        Range { min: least.min(filled), max: even }
    }
}

/// The search for the chosen token among the candidates.
struct Own {
    /// Its logprob in the list.
    listed: Option<f64>,
    /// The smallest logprob of another candidate.
    others: f64,
}

impl Own {
    /// Takes in a candidate, which may read like the chosen token. Of several that do, only one can
    /// be it: at worst the least, which then was not listed for its rank.
    fn meet(&mut self, logprob: f64, is_alike: bool) {
        let other = match self.listed {
            Some(listed) if is_alike => {
                self.listed = Some(listed.min(logprob));
                listed.max(logprob)
            }
            None if is_alike => {
                self.listed = Some(logprob);
                return;
            }
            Some(_) | None => logprob,
        };
        self.others = self.others.min(other);
    }
}

impl<'a> Ladder<'a> {
    /// Returns the ladder of a token, its values sorted into `room`, which must hold the candidates
    /// and one more; `None` when no candidate has a value.
    fn read(token: &Token, vocabulary: usize, room: &'a mut [f64]) -> Option<Self> {
        let (mut len, mut smallest, mut is_sorted) = (0, f64::INFINITY, true);
        let mut own = Own { listed: None, others: f64::INFINITY };
        for candidate in &token.candidates {
            let Some(logprob) = candidate.logprob else { continue };
            is_sorted &= logprob <= smallest;
            smallest = smallest.min(logprob);
            // Texts lie elsewhere in memory: only those with the right value are looked at.
            own.meet(logprob, token.logprob == Some(logprob) && token.reads_like(candidate));
            *room.get_mut(len)? = logprob;
            len += 1;
        }
        if len == 0 {
            return None;
        }
        let is_alike = |candidate: &Candidate| token.reads_like(candidate);
        let is_named = own.listed.is_some() || token.candidates.iter().any(is_alike);
        if own.listed.is_none() {
            own.others = f64::INFINITY;
            for candidate in &token.candidates {
                let Some(logprob) = candidate.logprob else { continue };
                // The list decides where it contradicts the token's own value. Where nothing reads
                // like the token, what is as probable may be it, and so may have been added.
                own.meet(
                    logprob,
                    if is_named { is_alike(candidate) } else { token.logprob == Some(logprob) },
                );
            }
        }
        let Own { listed, others } = own;
        let own = listed.or(token.logprob);
        // A chosen token that is no candidate by its bytes counts on its own only below the list:
        // above, it must be one of the candidates under another spelling, else it would be listed.
        let is_added = listed.is_none() && own.is_some_and(|own| own < smallest);
        if is_added {
            *room.get_mut(len)? = own?;
            len += 1;
        }
        let known = room.get_mut(..len)?;
        if !is_sorted {
            known.sort_unstable_by(|a, b| b.total_cmp(a));
        }
        let known: &'a [f64] = known;
        let sum = known.iter().map(|logprob| logprob.exp()).sum();
        let tail = Tail::new(sum, len, others, vocabulary);
        let is_known = is_added || listed.is_some();
        let is_stray = is_known && tail.count >= 1.0 && own.is_some_and(|own| own <= tail.ceiling);
        let (stray, head) = match known.split_last() {
            Some((last, before)) if is_stray => (Some(*last), before),
            _ => (None, known),
        };
        let is_unmatched = !is_named && own.is_some_and(|own| own.total_cmp(&smallest).is_eq());
        Some(Self { head, rest: Rest { chosen: own, stray, is_unmatched, tail } })
    }

    /// Calls `f` with the ladder of a token; lists of the usual length are sorted on the stack.
    /// `None` when no candidate has a value.
    pub(super) fn of<R>(token: &Token, vocabulary: usize, f: impl FnOnce(Ladder<'_>) -> R) -> Option<R> {
        if token.candidates.len() < ROOM {
            Ladder::read(token, vocabulary, &mut [0.0; ROOM]).map(f)
        } else {
            Ladder::read(token, vocabulary, &mut vec![0.0; token.candidates.len() + 1]).map(f)
        }
    }

    /// Returns the largest known logprob, to which all weights are relative.
    pub(super) fn top(&self) -> f64 {
        self.head.first().copied().or(self.rest.stray).unwrap_or(0.0)
    }

    /// Returns the known logprobs, descending.
    pub(super) fn known(&self) -> impl Iterator<Item = f64> + use<'a> {
        self.head.iter().copied().chain(self.rest.stray)
    }

    /// Returns the interval in which the entropy of the whole distribution lies, in bits.
    ///
    /// With p the known probabilities, r the mass that is missing, m what none of the unseen tokens
    /// exceeds and n their number, in nats: from `-Σ p ln p` plus that of as few tokens as possible,
    /// ⌊r/m⌋ of size m and one of the rest (at least `-r ln m`), to `-Σ p ln p + r ln(n/r)`, the mass
    /// spread evenly. A point when the candidates are the whole vocabulary.
    #[must_use]
    pub fn entropy_bits(&self) -> Range {
        let known: f64 = self.known().map(|logprob| -logprob * logprob.exp()).sum();
        let tail = self.rest.tail.entropy();
        let bits = |nats: f64| nats / std::f64::consts::LN_2;
        Range { min: bits(known + tail.min), max: bits(known + tail.max) }
    }
}

/// The ladders of a whole answer, laid out so that reshaping all of it reads memory in order.
///
/// A token with its candidates takes a kilobyte, of which the mathematics needs a tenth. What does
/// not depend on the reshaping (order, sums, logarithms of the tail) is computed once.
#[derive(Debug, Clone)]
pub struct Ladders {
    vocabulary: usize,
    logprobs: Vec<f64>,
    rows: Vec<Row>,
}

#[derive(Debug, Clone)]
struct Row {
    /// Where the head begins.
    start: usize,
    /// How long the head is.
    len: usize,
    /// `None` for a token without candidates.
    rest: Option<Rest>,
}

impl Ladders {
    /// Returns an empty answer of a model with so many tokens in its vocabulary.
    #[must_use]
    pub fn new(vocabulary: usize) -> Self {
        Self { vocabulary, logprobs: Vec::new(), rows: Vec::new() }
    }

    /// Returns the ladders of these tokens.
    #[must_use]
    pub fn of(tokens: &[Token], vocabulary: usize) -> Self {
        let mut ladders = Self::new(vocabulary);
        ladders.extend_to(tokens);
        ladders
    }

    /// Takes in the tokens behind those it has, as an answer grows.
    pub fn extend_to(&mut self, tokens: &[Token]) {
        let new = tokens.get(self.rows.len()..).unwrap_or_default();
        self.rows.reserve(new.len());
        for token in new {
            let start = self.logprobs.len();
            let rest = Ladder::of(token, self.vocabulary, |ladder| {
                self.logprobs.extend_from_slice(ladder.head);
                ladder.rest
            });
            self.rows.push(Row { start, len: self.logprobs.len() - start, rest });
        }
    }

    /// Returns the vocabulary's size.
    #[must_use]
    pub fn vocabulary(&self) -> usize {
        self.vocabulary
    }

    /// Returns how many tokens it holds.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether it holds no token.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Returns the ladder of one token; `None` where it has no candidates.
    #[must_use]
    pub fn get(&self, index: usize) -> Option<Ladder<'_>> {
        let row = self.rows.get(index)?;
        let head = self.logprobs.get(row.start..row.start + row.len)?;
        Some(Ladder { head, rest: row.rest? })
    }

    /// Returns the ladders in order, `None` where a token has no candidates.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = Option<Ladder<'_>>> {
        self.rows.iter().map(|row| {
            let head = self.logprobs.get(row.start..row.start + row.len)?;
            Some(Ladder { head, rest: row.rest? })
        })
    }
}
