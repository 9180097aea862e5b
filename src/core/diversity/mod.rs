//! What several answers to one question have in common, as figures.
//!
//! Owns the statistics over repeats. They are taken of complete answers only, in the order given, and
//! each can be computed again from an export with nothing but the texts, tokens and logprobs in it.
//!
//! A *word* is a word of Unicode's text segmentation (UAX #29) that holds a letter or a digit, as
//! written: `don't` is one; Korean has a word between two spaces (어절); Japanese and Chinese, which
//! write none, have one for each Han or Hiragana character and one for a run of Katakana; Thai and Lao
//! likewise have one a character. So distinct-1 and distinct-2 compare answers of one language.

mod agreement;
pub(crate) mod edit;
mod measure;
mod spread;

pub use agreement::{Agreement, Field, FieldValue};
pub use measure::Measure;
pub use spread::{FEW, Spread};

use crate::core::run::{Count, Run, RunStatus};
use crate::core::text::clusters;
use edit::{Alphabet, Ruler, steps};
use serde::Serialize;
use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use unicode_segmentation::UnicodeSegmentation;

/// Most steps the distances of one set of answers may take; about half a second.
const MAX_STEPS: usize = 1 << 27;

/// Most pairs of answers whose distances are taken.
const MAX_PAIRS: usize = 1 << 20;

/// What answers are compared by, from their beginning.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Unit {
    /// The provider's tokens.
    Token,
    /// Grapheme clusters, where not all answers have tokens.
    Cluster,
}

/// Where answers part.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Divergence {
    /// What `at` counts.
    pub unit: Unit,
    /// How many units all answers begin with; `None` when they are all the same.
    pub at: Option<usize>,
}

/// The statistics over some answers to the same request.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Diversity {
    /// Complete answers; all figures are of these.
    pub answers: usize,
    /// Different answers, where any stretch of white space counts as one space.
    pub distinct: usize,
    /// Share of the most common of them, 0 to 1.
    #[serde(rename = "most_common")]
    pub mode_share: f64,
    /// Similarity of each pair: 1 less the edits between their clusters, divided by the clusters of the longer one.
    /// `None` for a single answer, and for more or longer answers than can be compared at once.
    pub similarity: Option<Spread>,
    /// Different words, divided by all words of all answers; `None` without words.
    pub distinct_1: Option<f64>,
    /// Different pairs of neighbouring words, divided by all such pairs; `None` without pairs.
    pub distinct_2: Option<f64>,
    /// Length of each answer in grapheme clusters.
    #[serde(rename = "characters")]
    pub length: Spread,
    /// Length of each answer in tokens, where the provider has reported all of them.
    #[serde(rename = "tokens")]
    pub output_tokens: Option<Spread>,
    /// Where the answers part; `None` for a single one.
    pub divergence: Option<Divergence>,
    /// Mean logprob of each answer that has logprobs, in nats; `None` where none has.
    pub mean_logprob: Option<Spread>,
}

/// What the statistics over some answers are worked out from: what can be told of the runs at once, and their
/// texts, which can be taken to another thread.
#[derive(Debug, Clone, PartialEq)]
pub struct Material<'a> {
    texts: Vec<Cow<'a, str>>,
    output_tokens: Option<Spread>,
    divergence: Option<Divergence>,
    mean_logprob: Option<Spread>,
}

impl<'a> Material<'a> {
    /// Returns what is needed of the complete ones among some runs; `None` when none is complete.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
    pub fn of(runs: impl IntoIterator<Item = &'a Run>) -> Option<Self> {
        let runs: Vec<&Run> =
            runs.into_iter().filter(|run| matches!(run.status, RunStatus::Done(_))).collect();
        if runs.is_empty() {
            return None;
        }
        let reported = runs.iter().map(|run| match run.output_tokens() {
            Some(Count::Exact(tokens)) => Some(tokens as f64),
            Some(Count::Estimate(_)) | None => None,
        });
        let logprobs: Vec<f64> = runs.iter().filter_map(|run| run.tally().mean_logprob()).collect();
        Some(Self {
            output_tokens: reported.collect::<Option<Vec<f64>>>().map(Spread::of_answers),
            divergence: divergence(&runs),
            mean_logprob: (!logprobs.is_empty()).then(|| Spread::of_answers(logprobs)),
            texts: runs.into_iter().map(|run| Cow::Borrowed(run.text.as_str())).collect(),
        })
    }

    /// Returns the same with texts of its own.
    #[must_use]
    pub fn into_owned(self) -> Material<'static> {
        let texts = self.texts.into_iter().map(|text| Cow::Owned(text.into_owned())).collect();
        Material { texts, ..self }
    }

    /// Returns the statistics, which may take half a second.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
    pub fn figures(self) -> Diversity {
        let texts: Vec<&str> = self.texts.iter().map(|text| &**text).collect();
        let mut folded: HashMap<String, usize> = HashMap::new();
        for text in &texts {
            *folded.entry(fold(text)).or_default() += 1;
        }
        let most = folded.values().copied().max().unwrap_or(0);
        let mut alphabet = Alphabet::default();
        let spelled: Vec<Vec<u32>> = texts.iter().map(|text| alphabet.spell(text)).collect();
        let (distinct_1, distinct_2) = distinct_words(&texts);
        Diversity {
            answers: texts.len(),
            distinct: folded.len(),
            mode_share: most as f64 / texts.len() as f64,
            similarity: similarities(&spelled, alphabet.len()),
            distinct_1,
            distinct_2,
            length: Spread::of_answers(spelled.iter().map(|letters| letters.len() as f64).collect()),
            output_tokens: self.output_tokens,
            divergence: self.divergence,
            mean_logprob: self.mean_logprob,
        }
    }
}

impl Diversity {
    /// Returns the statistics over the complete ones among some runs; `None` when none is complete.
    #[must_use]
    pub fn of<'a>(runs: impl IntoIterator<Item = &'a Run>) -> Option<Self> {
        Material::of(runs).map(Material::figures)
    }

    /// Returns the mean similarity of two answers, 1 for equal ones; `None` when there are few.
    #[must_use]
    pub fn similarity(&self) -> Option<f64> {
        self.similarity.as_ref().and_then(Spread::mean)
    }

    /// Returns the perplexity of each answer that has logprobs; `None` where none has.
    #[must_use]
    pub fn perplexity(&self) -> Option<Spread> {
        let logprobs = self.mean_logprob.as_ref()?;
        Some(Spread::of_answers(logprobs.values().iter().map(|mean| (-mean).exp()).collect()))
    }
}

/// Returns a text with every stretch of white space as one space, none at the ends.
#[must_use]
pub fn fold(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for word in text.split_whitespace() {
        if !out.is_empty() {
            out.push(' ');
        }
        out.push_str(word);
    }
    out
}

/// Returns how alike the answers of all pairs are, the first with the second first.
#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
fn similarities(spelled: &[Vec<u32>], letters: usize) -> Option<Spread> {
    let pairs = spelled.len() * (spelled.len() - 1) / 2;
    if pairs == 0 || pairs > MAX_PAIRS {
        return None;
    }
    let all = || spelled.iter().enumerate().flat_map(|(at, a)| spelled[at + 1..].iter().map(move |b| (a, b)));
    // Equal answers, of which low temperatures give many, cost only the comparison. What is too much is
    // known before the first step.
    let costs = all().map(|(a, b)| if a == b { 0 } else { steps(a.len(), b.len()) });
    costs.into_iter().try_fold(MAX_STEPS, usize::checked_sub)?;
    let mut ruler = Ruler::new(letters);
    let values = all().map(|(a, b)| {
        let distance = if a == b { 0 } else { ruler.distance(a, b) };
        1.0 - distance as f64 / a.len().max(b.len()).max(1) as f64
    });
    Some(Spread::of_pairs(values.collect(), spelled.len()))
}

/// Returns distinct-1 and distinct-2 over all texts together; a pair does not span two texts.
#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
fn distinct_words(texts: &[&str]) -> (Option<f64>, Option<f64>) {
    let mut numbers: HashMap<&str, usize> = HashMap::new();
    let mut pairs: HashSet<(usize, usize)> = HashSet::new();
    let (mut all_words, mut all_pairs) = (0_usize, 0_usize);
    for text in texts {
        let mut before = None;
        for word in text.unicode_words() {
            let next = numbers.len();
            let number = *numbers.entry(word).or_insert(next);
            all_words += 1;
            if let Some(before) = before.replace(number) {
                pairs.insert((before, number));
                all_pairs += 1;
            }
        }
    }
    let share = |distinct: usize, all: usize| (all > 0).then(|| distinct as f64 / all as f64);
    (share(numbers.len(), all_words), share(pairs.len(), all_pairs))
}

/// Returns where the answers part.
fn divergence(runs: &[&Run]) -> Option<Divergence> {
    let (first, others) = runs.split_first()?;
    if others.is_empty() {
        return None;
    }
    if runs.iter().all(|run| !run.tokens.is_empty()) {
        let shared = |other: &&Run| {
            let tokens = first.tokens.iter().zip(&other.tokens);
            tokens.take_while(|(a, b)| a.piece.bytes() == b.piece.bytes()).count()
        };
        let at = others.iter().map(shared).min().unwrap_or(0);
        let is_same = runs.iter().all(|run| run.tokens.len() == at);
        return Some(Divergence { unit: Unit::Token, at: (!is_same).then_some(at) });
    }
    let shared = |other: &&Run| {
        let pairs = clusters(&first.text).zip(clusters(&other.text));
        pairs.take_while(|((_, a), (_, b))| a == b).count()
    };
    let is_same = others.iter().all(|other| other.text == first.text);
    let at = (!is_same).then(|| others.iter().map(shared).min().unwrap_or(0));
    Some(Divergence { unit: Unit::Cluster, at })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::id::RunId;
    use crate::core::request::{Request, Sampling};
    use crate::core::stream::{FinishReason, StreamEvent, Usage};
    use crate::core::time::Timestamp;
    use crate::core::token::{Piece, Token};
    use proptest::prelude::*;
    use std::sync::Arc;

    fn started() -> Run {
        let request = Request {
            endpoint: "e".into(),
            model: "m".into(),
            messages: Vec::new(),
            sampling: Sampling::default(),
            continuation: None,
            stream: true,
        };
        Run::new(RunId(1), Arc::new(request), Timestamp::default())
    }

    fn plain(text: &str) -> Run {
        let mut run = started();
        run.apply(StreamEvent::Delta { text: text.to_owned(), tokens: Vec::new() }, Timestamp::default());
        run.apply(StreamEvent::Finished(FinishReason::Stop), Timestamp::default());
        run
    }

    fn tokens(pieces: &[(&str, f64)]) -> Run {
        let mut run = started();
        for (text, logprob) in pieces {
            let token = Token {
                piece: Piece::new(*text, None),
                logprob: Some(*logprob),
                candidates: Box::new([]),
                id: None,
            };
            let delta = StreamEvent::Delta { text: (*text).to_owned(), tokens: vec![token] };
            run.apply(delta, Timestamp::default());
        }
        let usage = Usage { output_tokens: pieces.len() as u64, ..Usage::default() };
        run.apply(StreamEvent::Usage(usage), Timestamp::default());
        run.apply(StreamEvent::Finished(FinishReason::Length), Timestamp::default());
        run
    }

    fn of(runs: &[Run]) -> Diversity {
        Diversity::of(runs).unwrap()
    }

    #[test]
    fn answers_that_differ_in_white_space_are_one() {
        let diversity = of(&["Walk  far.", " Walk far.\n", "Run."].map(plain));
        assert_eq!((diversity.answers, diversity.distinct), (3, 2));
        assert!((diversity.mode_share - 2.0 / 3.0).abs() < 1e-12);
        assert_eq!(diversity.similarity.unwrap().values().len(), 3);
    }

    #[test]
    fn only_complete_answers_count() {
        let mut failed = started();
        failed
            .apply(StreamEvent::Delta { text: "half".to_owned(), tokens: Vec::new() }, Timestamp::default());
        failed.cancel(Timestamp::default());
        assert_eq!(Diversity::of(&[failed.clone()]), None);
        let diversity = of(&[failed, plain("a b")]);
        assert_eq!(diversity.answers, 1);
        assert_eq!((diversity.similarity, diversity.divergence), (None, None));
        assert_eq!(diversity.length.values(), [3.0]);
    }

    #[test]
    fn words_are_those_of_any_script() {
        let diversity = of(&["don't stop, don't", "한국어 문장"].map(plain));
        assert_eq!(diversity.distinct_1, Some(4.0 / 5.0));
        assert_eq!(diversity.distinct_2, Some(1.0));
        assert_eq!(of(&[plain("東京タワー")]).distinct_1, Some(1.0));
        assert_eq!(of(&[plain("… 🐼!")]).distinct_1, None);
        assert_eq!(of(&["one".to_owned(), "one".to_owned()].map(|text| plain(&text))).distinct_2, None);
    }

    #[test]
    fn answers_part_at_a_token_or_a_cluster() {
        let slow = tokens(&[("Slow", -0.1), ("ly", -0.2), (".", -0.3)]);
        let slower = tokens(&[("Slow", -0.1), ("er", -2.0)]);
        let diversity = of(&[slow.clone(), slower.clone()]);
        assert_eq!(diversity.divergence, Some(Divergence { unit: Unit::Token, at: Some(1) }));
        assert_eq!(diversity.output_tokens.unwrap().values(), [3.0, 2.0]);
        let logprobs = diversity.mean_logprob.unwrap();
        assert!((logprobs.values()[0] + 0.2).abs() < 1e-12 && logprobs.mean().is_none());
        let prefix = tokens(&[("Slow", -0.1), ("ly", -0.2)]);
        assert_eq!(of(&[slow.clone(), prefix]).divergence.unwrap().at, Some(2));
        assert_eq!(of(&[slow.clone(), slow.clone()]).divergence.unwrap().at, None);
        let mixed = of(&[slow, plain("Slower")]);
        assert_eq!(mixed.divergence, Some(Divergence { unit: Unit::Cluster, at: Some(4) }));
        assert_eq!(mixed.output_tokens, None);
    }

    #[test]
    fn what_cannot_be_compared_has_no_similarity() {
        let long = |letter: &str| plain(&letter.repeat(200_000));
        assert_eq!(of(&[long("a"), long("b")]).similarity, None);
        assert_eq!(of(&[long("a"), long("a")]).similarity.unwrap().values(), [1.0]);
    }

    proptest! {
        #[test]
        fn figures_stay_in_their_bounds(texts in prop::collection::vec("\\PC{0,30}", 1..9)) {
            let diversity = of(&texts.iter().map(|text| plain(text)).collect::<Vec<_>>());
            prop_assert!((1..=texts.len()).contains(&diversity.distinct));
            prop_assert!(diversity.mode_share > 0.0 && diversity.mode_share <= 1.0);
            for share in [diversity.distinct_1, diversity.distinct_2].into_iter().flatten() {
                prop_assert!(share > 0.0 && share <= 1.0);
            }
            let pairs = texts.len() * (texts.len() - 1) / 2;
            let similarities = diversity.similarity.as_ref().map_or(&[][..], Spread::values);
            prop_assert_eq!(similarities.len(), pairs);
            prop_assert!(similarities.iter().all(|own| (0.0..=1.0).contains(own)));
            prop_assert_eq!(diversity.similarity().is_some(), texts.len() >= FEW);
        }
    }
}
