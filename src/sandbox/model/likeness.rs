//! How much a question is like each topic, by the words and parts of words they share.
//!
//! Owns the features (stemmed words, parts of words, Hangul syllable pairs) and their weights by how
//! few topics have them. Never looks at a conversation: one text in, one score per topic out.

use super::cue::is_plain;
use super::hash::{self, Mix};
use crate::sandbox::corpus::Topic;
use std::collections::HashMap;

/// Weight of a stemmed word among the features of a text.
const WORD: f64 = 1.0;
/// Weight of three consecutive letters of a word.
const TRIGRAM: f64 = 0.12;
/// Weight of a Hangul word without its particle.
const HANGUL_STEM: f64 = 1.0;
/// Weight of two consecutive Hangul syllables.
const HANGUL_PAIR: f64 = 0.6;
/// Weight of the first syllable of a short Hangul word, where a particle may hide a noun.
const HANGUL_FIRST: f64 = 0.35;
/// Factor for the features of a word that carries no topic.
const PLAIN: f64 = 0.35;
/// How often a feature counts for standing in the topic's name, and in a question.
const IN_NAME: f64 = 4.0;
const IN_ASK: f64 = 2.0;
/// From so many occurrences on, more hardly add to a topic's evidence.
const SATURATION: f64 = 2.5;
/// Share of the likest single question in a topic's score; the rest is the topic as a whole.
const ASK_SHARE: f64 = 0.4;

/// Particles that may follow a Hangul noun, longer ones first.
const PARTICLES: &[&str] = &[
    "이라는",
    "이라고",
    "에서는",
    "에게서",
    "한테서",
    "으로는",
    "까지는",
    "부터는",
    "이란",
    "라는",
    "라고",
    "에서",
    "에게",
    "한테",
    "으로",
    "까지",
    "부터",
    "처럼",
    "보다",
    "이나",
    "이랑",
    "이라",
    "인가",
    "인지",
    "이야",
    "이요",
    "에요",
    "예요",
    "하고",
    "에는",
    "에도",
    "로는",
    "란",
    "은",
    "는",
    "이",
    "가",
    "을",
    "를",
    "의",
    "에",
    "도",
    "로",
    "와",
    "과",
    "만",
    "랑",
    "나",
    "야",
    "요",
];

/// English endings that are cut, longer ones first.
const ENDINGS: &[&str] =
    &["ations", "ation", "ings", "ing", "ers", "ies", "ed", "es", "er", "ly", "s", "y", "e"];

/// A feature, by the hash of its kind and letters.
type Feature = u64;

/// A text's features with their weights, ascending: sums over them must not depend on a map's order.
type Vector = Vec<(Feature, f64)>;

/// A table of features.
type Table = HashMap<Feature, f64, Mix>;

/// The topics' features.
#[derive(Debug)]
pub(super) struct Likeness {
    /// Weight of every feature some topic has.
    rarity: Table,
    /// Weight of a feature no topic has.
    unseen: f64,
    /// Evidence of each feature for each topic, 0 to 1.
    profiles: Vec<Table>,
    /// Every question's features times their rarity, of length 1, with its topic.
    asks: Vec<(usize, Table)>,
}

impl Likeness {
    /// Returns the likeness to these topics.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "a few dozen topics")]
    pub(super) fn new(topics: &[Topic]) -> Self {
        let mut counts: Vec<Table> = Vec::with_capacity(topics.len());
        let mut asks: Vec<(usize, Vector)> = Vec::new();
        for (number, topic) in topics.iter().enumerate() {
            let mut count = Table::default();
            let mut add = |text: &str, times: f64| {
                let found = features(text);
                for (feature, _) in &found {
                    *count.entry(*feature).or_default() += times;
                }
                found
            };
            add(topic.id, IN_NAME);
            for answer in &topic.answers {
                add(&answer.text, 1.0);
            }
            for (_, ask) in &topic.asks {
                let vector = add(ask, IN_ASK);
                asks.push((number, vector));
            }
            counts.push(count);
        }
        let mut rarity = Table::default();
        for feature in counts.iter().flat_map(HashMap::keys) {
            *rarity.entry(*feature).or_default() += 1.0;
        }
        let total = topics.len() as f64;
        for topics in rarity.values_mut() {
            *topics = ((total + 1.0) / *topics).ln();
        }
        let mut likeness = Self { rarity, unseen: (total + 1.0).ln(), profiles: counts, asks: Vec::new() };
        likeness.asks = asks
            .into_iter()
            .map(|(topic, ask)| (topic, likeness.direction(ask).into_iter().collect()))
            .collect();
        for profile in &mut likeness.profiles {
            for value in profile.values_mut() {
                *value /= *value + SATURATION;
            }
        }
        likeness
    }

    /// Returns how much a text is like each topic, 0 to 1.
    #[must_use]
    pub(super) fn scores(&self, text: &str) -> Vec<f64> {
        let features = features(text);
        let mut cosine = vec![0.0f64; self.profiles.len()];
        let mut whole = vec![0.0f64; self.profiles.len()];
        let weight: f64 = features.iter().map(|(f, w)| w * self.rarity(*f)).sum();
        if weight <= 0.0 {
            return whole;
        }
        let direction = self.direction(features.clone());
        for (topic, ask) in &self.asks {
            let product: f64 = direction.iter().filter_map(|(f, w)| ask.get(f).map(|v| v * w)).sum();
            cosine[*topic] = cosine[*topic].max(product);
        }
        for (score, profile) in whole.iter_mut().zip(&self.profiles) {
            let known: f64 = features
                .iter()
                .filter_map(|(f, w)| profile.get(f).map(|evidence| evidence * w * self.rarity(*f)))
                .sum();
            *score = known / weight;
        }
        cosine.iter().zip(whole).map(|(c, w)| ASK_SHARE * c + (1.0 - ASK_SHARE) * w).collect()
    }

    fn rarity(&self, feature: Feature) -> f64 {
        self.rarity.get(&feature).copied().unwrap_or(self.unseen)
    }

    /// Returns the features times their rarity, as a vector of length 1.
    fn direction(&self, mut features: Vector) -> Vector {
        for (feature, weight) in &mut features {
            *weight *= self.rarity(*feature);
        }
        let length = features.iter().map(|(_, weight)| weight * weight).sum::<f64>().sqrt();
        if length > 0.0 {
            for (_, weight) in &mut features {
                *weight /= length;
            }
        }
        features
    }
}

/// Returns the words of a text in lower case: runs of letters, digits and underscores, with Hangul
/// runs apart from others.
#[must_use]
pub(super) fn words(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word = String::new();
    let mut hangul = false;
    for letter in text.chars().flat_map(char::to_lowercase) {
        let kept = letter.is_alphanumeric() || letter == '_';
        if !word.is_empty() && (!kept || is_hangul(letter) != hangul) {
            words.push(std::mem::take(&mut word));
        }
        if kept {
            hangul = is_hangul(letter);
            word.push(letter);
        }
    }
    if !word.is_empty() {
        words.push(word);
    }
    words
}

/// Whether a character is a Hangul syllable.
#[must_use]
pub(super) fn is_hangul(letter: char) -> bool {
    ('가'..='힣').contains(&letter)
}

/// Returns an English word without its endings, so that its forms are alike.
#[must_use]
pub(super) fn stem(word: &str) -> String {
    let mut stem = word;
    for ending in ENDINGS {
        if let Some(rest) = stem.strip_suffix(ending)
            && rest.chars().count() >= 3
        {
            stem = rest;
            break;
        }
    }
    let mut letters: Vec<char> = stem.chars().collect();
    // `running`, `stopped`: the doubled consonant belongs to the ending.
    if stem.len() < word.len()
        && letters.len() > 3
        && letters[letters.len() - 1] == letters[letters.len() - 2]
    {
        letters.pop();
    }
    if letters.len() > 3 && letters.last() == Some(&'e') {
        letters.pop();
    }
    letters.into_iter().collect()
}

/// Returns a Hangul word without the particle at its end.
#[must_use]
pub(super) fn without_particle(word: &str) -> &str {
    PARTICLES
        .iter()
        .find_map(|particle| word.strip_suffix(particle).filter(|rest| !rest.is_empty()))
        .unwrap_or(word)
}

/// Whether a text is a particle as it follows a Hangul noun.
#[must_use]
pub(super) fn is_particle(text: &str) -> bool {
    PARTICLES.contains(&text)
}

fn features(text: &str) -> Vector {
    let mut vector = Vector::new();
    let mut letters: Vec<char> = Vec::new();
    for word in words(text) {
        let plain = if is_plain(&word) { PLAIN } else { 1.0 };
        letters.clear();
        letters.extend(word.chars());
        let mut add = |kind: u8, letters: &mut dyn Iterator<Item = char>, weight: f64| {
            vector.push((hash::stable(kind, letters), plain * weight));
        };
        if letters.first().copied().is_some_and(is_hangul) {
            add(b'h', &mut without_particle(&word).chars(), HANGUL_STEM);
            for pair in letters.windows(2) {
                add(b'p', &mut pair.iter().copied(), HANGUL_PAIR);
            }
            if letters.len() <= 3 {
                add(b'f', &mut letters.iter().copied().take(1), HANGUL_FIRST);
            }
        } else {
            add(b'w', &mut stem(&word).chars(), WORD);
            for part in word.split('_').filter(|part| part.len() < word.len()) {
                add(b'w', &mut stem(part).chars(), WORD);
            }
            if letters.len() >= 4 {
                for three in letters.windows(3) {
                    add(b't', &mut three.iter().copied(), TRIGRAM);
                }
            }
        }
    }
    vector.sort_unstable_by(|a, b| a.0.cmp(&b.0).then(b.1.total_cmp(&a.1)));
    vector.dedup_by_key(|(feature, _)| *feature);
    vector
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sandbox::corpus::parse;

    #[test]
    fn forms_of_a_word_have_one_stem() {
        for (a, b) in [("running", "runs"), ("phases", "phase"), ("stories", "story"), ("baked", "bakes")] {
            assert_eq!(stem(a), stem(b), "{a} {b}");
        }
        for (a, b) in [("커피를", "커피"), ("비는", "비"), ("재귀란", "재귀"), ("고양이는", "고양이가")]
        {
            assert_eq!(without_particle(a), without_particle(b), "{a} {b}");
        }
    }

    #[test]
    fn words_of_two_scripts_are_apart() {
        assert_eq!(words("top_p 값이 Rust와 같다!"), ["top_p", "값이", "rust", "와", "같다"]);
    }

    #[test]
    fn the_likest_topic_wins() {
        let topics = [
            parse("tea", "@ask en\nHow long does tea steep?\n@answer en\nTea steeps three minutes.\n"),
            parse("rain", "@ask ko\n비는 왜 와요?\n@answer ko\n구름이 무거워져서 비가 와요.\n"),
        ];
        let likeness = Likeness::new(&topics);
        let scores = likeness.scores("steeping green tea");
        assert!(scores[0] > 0.2 && scores[0] > scores[1], "{scores:?}");
        let scores = likeness.scores("비가 오는 이유");
        assert!(scores[1] > 0.2 && scores[1] > scores[0], "{scores:?}");
        assert_eq!(likeness.scores("?!"), [0.0, 0.0]);
    }
}
