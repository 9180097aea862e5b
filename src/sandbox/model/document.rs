//! A JSON document told by the model: its own distribution, and the mask of what the schema allows.
//!
//! Owns what the model knows of JSON, how that is mixed with what it knows of language, and the mask. At
//! each position it expects, with a share that depends on the place, what people write there (the one
//! text that is possible, a digit, a value from a list, the end of a text after a sentence), and with
//! the rest what its n-grams say. That is a distribution over its vocabulary and the tokens of the
//! layout; tokens the document cannot go on with are then masked, and the rest sums up to 1. The
//! probabilities that are reported are those after the mask, as llama.cpp and vLLM report them.
//!
//! A mask over thousands of words for each token must be cheap. Inside a text, words of whole plain
//! characters are allowed by their length alone; everywhere else, and for all other words, only those
//! are tried byte by byte that begin with a byte which may come next.
//!
//! Invariant: the list is never empty and its sum is 1; what is drawn from it always leads to a document
//! of the schema.

use super::grammar::{Grammar, Node, NodeId};
use super::hash::Mix;
use super::index::{END_OF_TEXT, Index, Word};
use super::place::{Fixed, Frame, Place, text_of};
use super::walk::Walk;
use crate::tokenizer::Table;
use std::collections::HashMap;
use std::sync::Arc;

/// Share of what people write, where the schema leaves no choice and where it does.
const FORCED_SHARE: f64 = 0.99;
const CHOICE_SHARE: f64 = 0.97;
/// Weight of each single byte that may come next: every document can be spelled out.
const SPELLED: f64 = 1e-9;
/// How likely a text ends after a sentence, after a comma or colon, and at another word's beginning.
const AFTER_SENTENCE: f64 = 0.9;
const AFTER_PHRASE: f64 = 0.25;
const BETWEEN_WORDS: f64 = 0.004;
/// How likely it ends inside a word.
const INSIDE_WORD: f64 = 0.0005;
/// How much likelier that is between words when nearly all characters are used.
const NEARLY_FULL: f64 = 0.6;
/// How likely a member that may be left out is told, and `null` beside another value.
const OPTIONAL: f64 = 0.7;
const NOTHING: f64 = 0.3;
/// How likely a list ends, with so many items.
const LIST_ENDS: [f64; 4] = [0.05, 0.25, 0.4, 0.7];
/// From so many bytes on a document comes to its end, and how much likelier all is then that ends it.
const LONG: usize = 400;
const HASTE: f64 = 400.0;
/// Longest text without a choice that is looked at.
const FORCED_MOST: usize = 96;
/// How likely a number ends after its first digits, and after some decimal places.
const WHOLE_ENDS: f64 = 0.55;
const DECIMAL_ENDS: f64 = 0.6;
/// How likely a decimal point follows, and a number is negative.
const POINT: f64 = 0.35;
const NEGATIVE: f64 = 0.04;
/// Evidence of a word the likely documents do not have, as a share of their tokens.
const UNHEARD: f64 = 1e-5;

/// What of a vocabulary a mask needs to know; the same for all documents.
#[derive(Debug)]
pub(super) struct Spelling {
    /// Words of whole characters that need no escape in a text, with their number of characters.
    plain: Vec<(Word, usize)>,
    /// All words by their first byte.
    by_first: Vec<Vec<Word>>,
    /// Those of them that are not plain.
    odd_by_first: Vec<Vec<Word>>,
    /// The token of each single byte.
    bytes: Vec<Option<u32>>,
}

impl Spelling {
    /// Returns what a vocabulary's words are made of.
    #[must_use]
    pub(super) fn new(table: &Table, index: &Index) -> Self {
        let mut spelling = Self {
            plain: Vec::new(),
            by_first: vec![Vec::new(); 256],
            odd_by_first: vec![Vec::new(); 256],
            bytes: vec![None; 256],
        };
        for word in index.words() {
            let bytes = index.bytes(word);
            let Some(first) = bytes.first() else { continue };
            spelling.by_first[usize::from(*first)].push(word);
            let is_plain = |text: &&str| !text.chars().any(|c| c < ' ' || c == '"' || c == '\\');
            match std::str::from_utf8(bytes).ok().filter(is_plain) {
                Some(text) => spelling.plain.push((word, text.chars().count())),
                None => spelling.odd_by_first[usize::from(*first)].push(word),
            }
        }
        // The vocabularies of the GPT family begin with the bytes.
        for token in 0..256 {
            if let Some([byte]) = table.bytes(token) {
                spelling.bytes[usize::from(*byte)] = Some(token);
            }
        }
        spelling
    }
}

/// What the parts of the model are, for a document.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sources<'a> {
    pub(super) table: &'static Table,
    pub(super) index: &'a Index,
    pub(super) spelling: &'a Spelling,
}

/// A document in the making.
#[derive(Debug)]
pub(super) struct Document {
    grammar: Arc<Grammar>,
    place: Place,
    /// How likely each value of each list of values is, by part of the grammar.
    likely: HashMap<NodeId, Vec<f64>>,
    /// Bytes told so far.
    told: usize,
    /// Whether the last piece of the text ended a phrase.
    after_phrase: bool,
    /// Whether the text has begun.
    has_begun: bool,
}

impl Document {
    /// Returns a document before its beginning.
    #[must_use]
    pub(super) fn new(grammar: Arc<Grammar>, sources: Sources<'_>, walk: &Walk) -> Self {
        let heard = |text: &String| {
            let words: Vec<u32> = sources.table.encode(&format!(" {}", text.trim_matches('"')));
            let logs: f64 = words
                .iter()
                .map(|token| sources.index.word(*token).map_or(0.0, |word| walk.heard(sources.index, word)))
                .map(|share| (share + UNHEARD).ln())
                .sum();
            #[expect(clippy::cast_precision_loss, reason = "a value has few tokens")]
            let count = words.len().max(1) as f64;
            // The square root: a topic's words say which value is likelier, not how much.
            (0.5 * logs / count).exp()
        };
        let likely = grammar
            .nodes()
            .iter()
            .enumerate()
            .filter_map(|(node, part)| match part {
                Node::Literals(list) => {
                    let weights: Vec<f64> = list.iter().map(heard).collect();
                    let total: f64 = weights.iter().sum();
                    Some((node, weights.into_iter().map(|weight| weight / total).collect()))
                }
                Node::Object(_) | Node::Array { .. } | Node::Text { .. } | Node::Number(_) | Node::Any(_) => {
                    None
                }
            })
            .collect();
        let place = Place::new(&grammar);
        Self { grammar, place, likely, told: 0, after_phrase: false, has_begun: false }
    }

    /// Returns the tokens that may come next with their probabilities, the likeliest first.
    pub(super) fn distribution(&self, sources: Sources<'_>, walk: &mut Walk) -> Vec<(u32, f64)> {
        let grammar = &*self.grammar;
        let offer = self.place.offer(grammar);
        // Not any hasher: sums over it must be the same in every process.
        let mut list: HashMap<u32, f64, Mix> = HashMap::default();
        for token in offer.bytes().filter_map(|byte| sources.spelling.bytes[usize::from(byte)]) {
            list.insert(token, SPELLED);
        }
        let (words, ends, goes_on) = self.words(sources, walk);
        let in_text = self.place.text(grammar);
        let (mut expected, share) = match in_text {
            Some((count, _, most)) if self.place.is_in_text() => {
                let share = self.text_ends(walk, count, most, goes_on);
                // Where the model would end its own text, it ends this one.
                (self.branches(sources, Some(b'"')), share + (1.0 - share) * ends)
            }
            _ => {
                let expected = self.branches(sources, None);
                let share = if expected.len() > 1 { CHOICE_SHARE } else { FORCED_SHARE };
                (expected, share)
            }
        };
        if self.place.is_complete(grammar) {
            let others: f64 = expected.iter().map(|(_, weight)| weight).sum();
            expected.push((END_OF_TEXT, if others > 0.0 { others * WHOLE_ENDS } else { 1.0 }));
        }
        let total: f64 = expected.iter().map(|(_, weight)| weight).sum();
        let share = if total > 0.0 { share } else { 0.0 };
        for (token, weight) in expected {
            *list.entry(token).or_default() += share * weight / total;
        }
        for (word, probability) in words {
            *list.entry(sources.index.id(word)).or_default() += (1.0 - share) * probability;
        }
        let sum: f64 = list.values().sum();
        let mut list: Vec<(u32, f64)> = list.into_iter().map(|(token, p)| (token, p / sum)).collect();
        list.sort_unstable_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        list
    }

    /// Returns the words of the n-grams the document can go on with; how likely they end a text; and
    /// whether the likeliest of them goes on with a word that was begun.
    fn words(&self, sources: Sources<'_>, walk: &mut Walk) -> (Vec<(Word, f64)>, f64, bool) {
        let (grammar, index, spelling) = (&*self.grammar, sources.index, sources.spelling);
        let offer = self.place.offer(grammar);
        let distribution = walk.distribution(index);
        let mut words: Vec<(Word, f64)> = Vec::new();
        let mut allow = |word: Word| words.push((word, distribution.probability(word)));
        let by_first = match self.place.text(grammar) {
            Some((count, _, most)) => {
                let fits = spelling.plain.iter().filter(|(_, length)| count + length <= most);
                fits.for_each(|(word, _)| allow(*word));
                &spelling.odd_by_first
            }
            None => &spelling.by_first,
        };
        for word in offer.bytes().flat_map(|byte| &by_first[usize::from(byte)]) {
            if self.place.after(grammar, index.bytes(*word)).is_some() {
                allow(*word);
            }
        }
        let likeliest = words.iter().max_by(|a, b| a.1.total_cmp(&b.1));
        let goes_on = likeliest.is_some_and(|(word, _)| {
            index.bytes(*word).first().is_some_and(|byte| byte.is_ascii_alphanumeric() || !byte.is_ascii())
        });
        let ends = distribution.probability(index.end());
        (words, ends, goes_on)
    }

    /// Returns how likely a text ends here, where it may.
    #[expect(clippy::cast_precision_loss, reason = "a text has far fewer than 2^52 characters")]
    fn text_ends(&self, walk: &Walk, count: usize, most: usize, goes_on: bool) -> f64 {
        if count == 0 || !self.has_begun {
            INSIDE_WORD
        } else if walk.is_after_sentence() {
            AFTER_SENTENCE
        } else if goes_on {
            INSIDE_WORD
        } else {
            let full = count as f64 / most.max(1) as f64;
            let ends = if self.after_phrase { AFTER_PHRASE } else { BETWEEN_WORDS };
            (ends + NEARLY_FULL * full.powi(3)).min(AFTER_SENTENCE)
        }
    }

    /// Returns the first tokens of what people write here, with weights; of what begins with `only`,
    /// where that is given.
    fn branches(&self, sources: Sources<'_>, only: Option<u8>) -> Vec<(u32, f64)> {
        let grammar = &*self.grammar;
        let mut found: Vec<(Vec<u8>, f64)> = Vec::new();
        let forced = self.place.forced(grammar, FORCED_MOST);
        if only.is_none() && !forced.is_empty() {
            found.push((forced, 1.0));
        } else {
            for (byte, weight) in self.weights(&self.place) {
                if only.is_some_and(|only| only != byte) {
                    continue;
                }
                let Some(next) = self.place.after(grammar, &[byte]) else { continue };
                let mut text = vec![byte];
                let rest = next.forced(grammar, FORCED_MOST);
                let is_short = rest.is_empty();
                text.extend(rest);
                let further = if is_short && only.is_some() { self.weights(&next) } else { Vec::new() };
                if further.is_empty() {
                    found.push((text, weight));
                    continue;
                }
                // The quote and what follows it are often one token.
                let total: f64 = further.iter().map(|(_, weight)| weight).sum();
                for (byte, share) in further {
                    let Some(after) = next.after(grammar, &[byte]) else { continue };
                    let mut text = text.clone();
                    text.push(byte);
                    text.extend(after.forced(grammar, FORCED_MOST));
                    found.push((text, weight * share / total));
                }
            }
        }
        let mut branches: Vec<(u32, f64)> = Vec::new();
        for (text, weight) in found {
            let Some(token) = self.first_token(sources, &text) else { continue };
            match branches.iter_mut().find(|(known, _)| *known == token) {
                Some((_, sum)) => *sum += weight,
                None => branches.push((token, weight)),
            }
        }
        branches
    }

    /// Returns the first token of a text as the tokenizer cuts it.
    fn first_token(&self, sources: Sources<'_>, text: &[u8]) -> Option<u32> {
        let valid = text.utf8_chunks().next().map_or("", |chunk| chunk.valid());
        let token = sources.table.encode(valid).first().copied();
        let token = token.or_else(|| sources.spelling.bytes[usize::from(*text.first()?)])?;
        let bytes = sources.table.bytes(token)?;
        self.place.after(&self.grammar, bytes).map(|_| token)
    }

    /// Returns how likely each byte is that may come next at a place outside of texts, or that ends one.
    fn weights(&self, place: &Place) -> Vec<(u8, f64)> {
        let grammar = &*self.grammar;
        let fronts = place.fronts(grammar);
        let haste = if self.told < LONG { 1.0 } else { HASTE };
        let mut weights: Vec<(u8, f64)> = Vec::new();
        let mut add = |byte: u8, weight: f64| match weights.iter_mut().find(|(known, _)| *known == byte) {
            Some((_, sum)) => *sum += weight,
            None => weights.push((byte, weight)),
        };
        for front in fronts {
            match front {
                Frame::Fixed(fixed, at) => {
                    let text = text_of(grammar, fixed);
                    let Some(byte) = text.as_bytes().get(at) else { continue };
                    add(*byte, fixed_weight(fixed, haste));
                }
                Frame::Text { .. } => add(b'"', 1.0),
                Frame::Number { node, digits } => {
                    let Some(bounds) = grammar.bounds(node) else { continue };
                    for byte in b"-.0123456789" {
                        if digits.with(bounds, *byte).is_some() {
                            add(*byte, digit_weight(digits.counts(), *byte));
                        }
                    }
                }
                Frame::Literal { node, from, to, at } => {
                    let likely = self.likely.get(&node).map_or(&[][..], Vec::as_slice);
                    for (value, weight) in grammar.literals(node).iter().zip(likely).take(to).skip(from) {
                        let Some(byte) = value.as_bytes().get(at) else { continue };
                        add(*byte, if value == "null" { weight * NOTHING * haste } else { *weight });
                    }
                }
                Frame::Value(_) | Frame::Members { .. } | Frame::Items { .. } => {}
            }
        }
        weights.retain(|(byte, _)| place.offer(grammar).has(*byte));
        weights
    }

    /// Takes a token into the document and returns whether it fits.
    pub(super) fn accept(&mut self, sources: Sources<'_>, walk: &mut Walk, token: u32) -> bool {
        let Some(bytes) = sources.table.bytes(token) else { return false };
        let was_in_text = self.place.is_in_text();
        let Some(next) = self.place.after(&self.grammar, bytes) else { return false };
        self.place = next;
        self.told += bytes.len();
        match (was_in_text, self.place.is_in_text()) {
            // A token that ends a text and begins another one is neither's content.
            (true, true) if !bytes.contains(&b'"') => {
                walk.accept(sources.index, token);
                self.has_begun = true;
                self.after_phrase = matches!(bytes.last(), Some(b',' | b';' | b':'));
            }
            (_, true) => {
                walk.restart(sources.index);
                self.has_begun = false;
                self.after_phrase = false;
            }
            (_, false) => {}
        }
        true
    }
}

/// Returns how likely a fixed text is beside others; haste prefers what ends the document soon.
fn fixed_weight(fixed: Fixed, haste: f64) -> f64 {
    match fixed {
        Fixed::OpenObject(_) | Fixed::OpenArray(_) => haste.recip(),
        Fixed::OpenText(_) => 1.0,
        Fixed::CloseObject => haste * (1.0 - OPTIONAL),
        Fixed::Name { skipped, .. } => {
            OPTIONAL * (1.0 - OPTIONAL).powi(i32::try_from(skipped).unwrap_or(i32::MAX))
        }
        Fixed::CloseArray(count) => haste * LIST_ENDS[count.min(LIST_ENDS.len() - 1)],
        Fixed::Comma(count) => 1.0 - LIST_ENDS[count.min(LIST_ENDS.len() - 1)],
    }
}

/// Returns how likely a digit, a sign or a point is, by how many digits there are.
fn digit_weight((whole, after): (u32, Option<u32>), byte: u8) -> f64 {
    let is_first = whole == 0 && after.is_none();
    match (byte, after) {
        (b'-', _) => NEGATIVE,
        (b'.', _) => POINT,
        (b'0', None) if is_first => 0.1,
        // Benford: what is counted in the world begins with 1 more often than with 9.
        (digit, None) if is_first => (1.0 + 1.0 / f64::from(digit - b'0')).log10(),
        (_, None) => (1.0 - WHOLE_ENDS) / 10.0,
        (_, Some(0)) => 0.1,
        (_, Some(_)) => (1.0 - DECIMAL_ENDS) / 10.0,
    }
}
