//! The language model proper: what comes next, given all that came before.
//!
//! Every place of the corpus whose preceding tokens are the last `k` ones of the text votes for the
//! token that stands there. Two such models are stacked: one of any order over the documents that are
//! like the conversation, and under it one of a low order over the whole corpus; under that, how often
//! a token occurs at all. At each order `k` the counts are interpolated with the order below,
//!
//! ```text
//! P_k(t) = (C_k(t) + b_k · P_{k-1}(t)) / (C_k + b_k)
//! ```
//!
//! where `C_k(t)` is the weight of the votes for `t` with a match of at least `k` tokens.
//!
//! Invariant: the probabilities of all words of the vocabulary are positive and their sum is 1.

use super::index::{Document, Index, Word};

/// Matches longer than this are not told apart.
const LONGEST: usize = 6;
/// Order of the model over the whole corpus.
const GENERAL_ORDER: usize = 4;
/// Where a sentence ended, no longer match than this counts: the next sentence may be any of the topic's.
const ORDER_AFTER_SENTENCE: usize = 2;
/// How much likelier the sentence is that really follows in the text being told.
const CONTINUATION: f64 = 2.0;
/// Weight of a place inside a word whose beginning is another one than the text's.
const TORN_WORD: f64 = 0.01;
/// `b_k` of the model over the likely documents: how much the order below has to say.
const LIKELY_BACKOFF: f64 = 2.2;
/// The same at order 1, where what is below is the general model.
const LIKELY_BACKOFF_FIRST: f64 = 0.02;
/// Share the general model always has.
const GENERAL_SHARE: f64 = 0.004;
/// `b_k` of the general model.
const GENERAL_BACKOFF: f64 = 0.3;
/// The same at order 1, where what is below knows nothing of what came before.
const GENERAL_BACKOFF_FIRST: f64 = 0.004;
/// A sentence counts as told again from this share of its tokens on.
const TOLD_SHARE: f64 = 0.35;
/// Weight of a sentence each time it was told.
const TOLD_WEIGHT: f64 = 0.02;
/// A match of so many tokens is no coincidence: what follows it is being told.
const TELLING_MATCH: u8 = 3;
/// Standard deviation of the distance, in shares of a document, over which a crossing is likely.
const PROGRESS_SIGMA: f64 = 0.22;
/// Weight of a place however far it lies.
const PROGRESS_FLOOR: f64 = 0.03;

/// Share of its weight a vote lends to words that stand elsewhere between the same two neighbours.
const LENT: f64 = 0.4;
/// How well they must fit together for half of that share to be lent.
const LENT_HALF: f64 = 1.0;
/// Votes that weigh less lend nothing; it would only cost time.
const LENDING_FROM: f64 = 1e-3;

/// A place that may come next, and how many tokens before it match the text's end.
#[derive(Debug, Clone, Copy)]
struct Vote {
    place: u32,
    matched: u8,
}

/// A text in the making: what it matches in the corpus, and what of the corpus it already told.
#[derive(Debug, Clone)]
pub(super) struct Walk {
    /// Likeness of every document to the conversation, 0 to 1.
    weights: Vec<f64>,
    /// Length of the match before every place; 0 outside `votes`.
    matched: Vec<u8>,
    votes: Vec<Vote>,
    /// How often each sentence was told, in sentences.
    told: Vec<f32>,
    /// Sentences whose words come up in the sentence being told, once for each word.
    telling: Vec<u32>,
    length: usize,
    /// Whether a sentence ended with the last word.
    after_sentence: bool,
    head: Vec<(Word, f64)>,
    /// Position of each word in `head` plus 1, or 0.
    slots: Vec<u32>,
    tail: f64,
}

impl Walk {
    /// Returns a walk at the beginning of a text, among documents of these weights.
    #[must_use]
    pub(super) fn new(index: &Index, weights: Vec<f64>) -> Self {
        let mut walk = Self {
            weights,
            matched: vec![0; index.len() + 1],
            votes: Vec::new(),
            told: vec![0.0; index.sentences().len()],
            telling: Vec::new(),
            length: 0,
            after_sentence: false,
            head: Vec::new(),
            slots: vec![0; index.vocabulary()],
            tail: 1.0,
        };
        walk.begin(index);
        walk
    }

    /// Takes note of a text that was told before, so that its sentences become unlikely.
    pub(super) fn recall(&mut self, index: &Index, tokens: &[u32]) {
        self.begin(index);
        for id in tokens {
            match index.word(*id) {
                Some(word) => self.follow(index, word),
                None => self.set_votes(&[]),
            }
        }
        self.close_sentence(index);
        self.begin(index);
    }

    /// Ends the text being told and begins another one; a sentence that was begun counts as told.
    pub(super) fn restart(&mut self, index: &Index) {
        self.telling.sort_unstable();
        self.telling.dedup();
        for sentence in self.telling.drain(..) {
            let told = &mut self.told[sentence as usize];
            *told = told.max(1.0);
        }
        self.begin(index);
    }

    /// Whether a sentence of the likeliest text ends here.
    #[must_use]
    pub(super) fn is_after_sentence(&self) -> bool {
        self.length > 0 && self.after_sentence
    }

    /// Returns the share of a word in the documents that are like the conversation.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "lengths are far below 2^52")]
    pub(super) fn heard(&self, index: &Index, word: Word) -> f64 {
        let lengths = index.documents().iter().map(|document| document.place.len() as f64);
        let all: f64 = lengths.zip(&self.weights).map(|(length, weight)| length * weight).sum();
        let weights = index.occurrences(word).iter().map(|place| index.place(*place).document as usize);
        let own: f64 = weights.filter_map(|document| self.weights.get(document)).sum();
        if all > 0.0 { own / all } else { 0.0 }
    }

    /// Goes back to the beginning of a text; what was told stays told.
    fn begin(&mut self, index: &Index) {
        self.set_votes(&[]);
        self.follow(index, index.end());
        self.telling.clear();
        self.length = 0;
    }

    fn set_votes(&mut self, votes: &[Vote]) {
        for vote in &self.votes {
            self.matched[vote.place as usize] = 0;
        }
        self.votes.clear();
        for vote in votes {
            self.matched[vote.place as usize] = vote.matched;
        }
        self.votes.extend_from_slice(votes);
    }

    /// Appends an o200k token to the text.
    pub(super) fn accept(&mut self, index: &Index, token: u32) {
        match index.word(token) {
            Some(word) => self.follow(index, word),
            None => self.lose(index),
        }
    }

    /// Goes on after a token no document has: any word of the likely documents may come next, which
    /// counts like a match of one token.
    fn lose(&mut self, index: &Index) {
        let likely = index.documents().iter().zip(&self.weights).filter(|(_, weight)| **weight > 0.0);
        let places = likely.flat_map(|(document, _)| document.place.clone());
        let votes: Vec<Vote> = places
            .filter_map(|place| u32::try_from(place).ok())
            .filter(|place| index.place(*place).inside == 0)
            .map(|place| Vote { place, matched: 1 })
            .collect();
        self.set_votes(&votes);
        self.length += 1;
        self.after_sentence = false;
    }

    fn follow(&mut self, index: &Index, word: Word) {
        for vote in &self.votes {
            let place = index.place(vote.place);
            if place.word == word && vote.matched >= TELLING_MATCH {
                self.telling.push(place.sentence);
            }
        }
        let longest = u8::try_from(LONGEST).unwrap_or(u8::MAX);
        let within = |place: &u32| (*place as usize) + 1 < index.len();
        let mut votes: Vec<Vote> = index
            .occurrences(word)
            .iter()
            .filter(|place| within(place))
            .map(|place| Vote { place: place + 1, matched: (self.matched[*place as usize] + 1).min(longest) })
            .collect();
        // A word that was borrowed does not end the text it was put into.
        votes.extend(self.votes.iter().filter(|vote| within(&vote.place)).filter_map(|vote| {
            let borrowed = vote.matched >= TELLING_MATCH
                && index.place(vote.place).word != word
                && index.instead(vote.place).any(|(other, _)| other == word);
            borrowed.then(|| Vote { place: vote.place + 1, matched: vote.matched })
        }));
        self.set_votes(&votes);
        self.length += 1;
        let best = self.votes.iter().max_by_key(|vote| vote.matched);
        self.after_sentence = best.is_some_and(|vote| index.place(vote.place - 1).closes);
        if self.after_sentence {
            self.close_sentence(index);
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "a sentence has far fewer than 2^23 tokens")]
    fn close_sentence(&mut self, index: &Index) {
        for sentence in self.telling.drain(..) {
            let length = index.sentences()[sentence as usize].max(1);
            self.told[sentence as usize] += 1.0 / length as f32;
        }
    }

    /// Computes the distribution of the next word.
    pub(super) fn distribution<'a>(&'a mut self, index: &'a Index) -> Distribution<'a> {
        let mut likely = Orders::<{ LONGEST + 1 }>::default();
        let mut general = Orders::<{ GENERAL_ORDER + 1 }>::default();
        let weighed: Vec<(Word, usize, f64, f64)> =
            self.votes.iter().map(|vote| self.weigh(index, *vote)).collect();
        for (_, order, weight, whole) in &weighed {
            likely.count(*order, *weight);
            general.count(*order, *whole);
        }
        let (likely, below_likely) =
            likely.solve(|order| if order == 1 { LIKELY_BACKOFF_FIRST } else { LIKELY_BACKOFF });
        let (general, below_general) =
            general.solve(|order| if order == 1 { GENERAL_BACKOFF_FIRST } else { GENERAL_BACKOFF });
        let likely = likely.map(|share| share * (1.0 - GENERAL_SHARE));
        let below_likely = GENERAL_SHARE + (1.0 - GENERAL_SHARE) * below_likely;

        for (word, _) in self.head.drain(..) {
            self.slots[word.index()] = 0;
        }
        self.tail = below_likely * below_general;
        for (at, (word, order, weight, whole)) in weighed.into_iter().enumerate() {
            let share = weight * likely[order.min(LONGEST)]
                + whole * below_likely * general[order.min(GENERAL_ORDER)];
            let lent = self.lend(index, self.votes[at].place, share);
            self.add(index, word, share - lent);
        }
        Distribution { index, head: &self.head, slots: &self.slots, tail: self.tail }
    }

    fn add(&mut self, index: &Index, word: Word, share: f64) {
        let slot = &mut self.slots[word.index()];
        if *slot == 0 {
            self.head.push((word, self.tail * index.base(word)));
            *slot = u32::try_from(self.head.len()).unwrap_or(u32::MAX);
        }
        self.head[*slot as usize - 1].1 += share;
    }

    /// Gives a part of a vote's share to the other words of its frame and returns how much.
    fn lend(&mut self, index: &Index, place: u32, share: f64) -> f64 {
        if share < LENDING_FROM {
            return 0.0;
        }
        let fits: Vec<(Word, f64)> = index.instead(place).collect();
        let sum: f64 = fits.iter().map(|(_, fit)| fit).sum();
        if sum <= 0.0 {
            return 0.0;
        }
        let lent = share * LENT * sum / (sum + LENT_HALF);
        for (word, fit) in fits {
            self.add(index, word, lent * fit / sum);
        }
        lent
    }

    /// Returns the word a place votes for, the order of its match and the weight of the vote.
    fn weigh(&self, index: &Index, vote: Vote) -> (Word, usize, f64, f64) {
        let place = index.place(vote.place);
        let mut order = usize::from(vote.matched);
        let whole = if vote.matched < place.inside { TORN_WORD } else { 1.0 };
        let mut weight = self.weights[place.document as usize] * whole;
        if index.place(vote.place - 1).closes && order > ORDER_AFTER_SENTENCE {
            order = ORDER_AFTER_SENTENCE;
            weight *= CONTINUATION;
        }
        if weight > 0.0 {
            let told = f64::from(self.told[place.sentence as usize]);
            if told >= TOLD_SHARE {
                weight *= TOLD_WEIGHT.powf((told + 1.0 - TOLD_SHARE).floor());
            }
            weight *= self.progress(&index.documents()[place.document as usize], vote.place);
        }
        (place.word, order, weight, whole)
    }

    /// Returns how likely a place is by how much of the text is told: beginnings come first, ends last.
    #[expect(clippy::cast_precision_loss, reason = "lengths are far below 2^52")]
    fn progress(&self, document: &Document, place: u32) -> f64 {
        let length = document.place.len() as f64;
        let told = (self.length as f64).min(length - 1.0);
        let at = f64::from(place) - document.place.start as f64;
        let distance = (at - told) / length / PROGRESS_SIGMA;
        PROGRESS_FLOOR + (1.0 - PROGRESS_FLOOR) * (-0.5 * distance * distance).exp()
    }
}

/// Weights of the votes by the order of their match.
struct Orders<const N: usize>([f64; N]);

impl<const N: usize> Default for Orders<N> {
    fn default() -> Self {
        Self([0.0; N])
    }
}

impl<const N: usize> Orders<N> {
    fn count(&mut self, order: usize, weight: f64) {
        self.0[order.min(N - 1)] += weight;
    }

    /// Returns what a vote of weight 1 adds to its word's probability, by order, and the share that is
    /// left to the model below.
    fn solve(mut self, backoff: impl Fn(usize) -> f64) -> ([f64; N], f64) {
        for order in (1..N - 1).rev() {
            self.0[order] += self.0[order + 1];
        }
        let mut shares = [0.0; N];
        let mut left = 1.0;
        for order in (1..N).rev() {
            let below = backoff(order);
            shares[order] = left / (self.0[order] + below);
            left *= below / (self.0[order] + below);
        }
        for order in 1..N {
            shares[order] += shares[order - 1];
        }
        (shares, left)
    }
}

/// The probabilities of all words at one position.
///
/// Most words are in no place that votes; their probabilities are those of `Index::base` times one
/// factor, so they need no table of their own.
#[derive(Debug, Clone, Copy)]
pub struct Distribution<'a> {
    index: &'a Index,
    head: &'a [(Word, f64)],
    slots: &'a [u32],
    tail: f64,
}

impl<'a> Distribution<'a> {
    /// Returns the words some place votes for, with their whole probabilities.
    #[must_use]
    pub(super) fn head(&self) -> &'a [(Word, f64)] {
        self.head
    }

    /// Returns the factor to [`Index::base`] for all other words.
    #[must_use]
    pub(super) fn tail(&self) -> f64 {
        self.tail
    }

    /// Whether a word is in [`Distribution::head`].
    #[must_use]
    pub(super) fn in_head(&self, word: Word) -> bool {
        self.slots[word.index()] != 0
    }

    /// Returns the probability of a word.
    #[must_use]
    pub fn probability(&self, word: Word) -> f64 {
        match self.slots[word.index()] {
            0 => self.tail * self.index.base(word),
            slot => self.head[slot as usize - 1].1,
        }
    }

    /// Returns the `count` likeliest words with their probabilities, equal ones by identifier.
    #[must_use]
    pub fn top(&self, count: usize) -> Vec<(Word, f64)> {
        let mut top: Vec<(Word, f64)> = self.head.to_vec();
        let by_probability = |a: &(Word, f64), b: &(Word, f64)| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0));
        if top.len() > count && count > 0 {
            top.select_nth_unstable_by(count - 1, by_probability);
        }
        top.truncate(count);
        top.extend(
            self.index
                .base_order()
                .iter()
                .filter(|word| !self.in_head(**word))
                .take(count)
                .map(|word| (*word, self.tail * self.index.base(*word))),
        );
        top.sort_by(by_probability);
        top.truncate(count);
        top
    }
}
