//! The corpus as one sequence of tokens, and where in it every token stands.
//!
//! Owns the model's own vocabulary (the tokens that occur in the corpus, and the end of a text), the
//! documents' places and the sentences. Built once, then read only. Knows nothing of conversations.
//!
//! Invariant: the sequence is `END document END document END`, so that the end of a text is also the
//! context in which the next one begins.

use super::hash::Mix;
use super::likeness::is_particle;
use crate::sandbox::corpus::{Language, Topic, Voice};
use crate::tokenizer::Table;
use std::collections::HashSet;
use std::ops::Range;

/// The identifier of the end of a text in o200k_base.
pub const END_OF_TEXT: u32 = 199_999;

/// How the end of a text is printed.
pub const END_TEXT: &str = "<|endoftext|>";

/// Share of the lowest order that is spread evenly, so that no token of the vocabulary is impossible.
const UNIFORM_SHARE: f64 = 0.05;

/// Frames with more words than these say nothing about which of them are alike.
const WIDEST_FRAME: usize = 40;
/// Words kept for each word as those used like it.
const MOST_KIN: usize = 48;
/// How well a word fits whose two neighbours are both its own somewhere, beside how alike it is.
const BOTH_NEIGHBOURS: f64 = 2.0;
/// The same where one of the two is: such words are many, and most of them make no sentence.
const ONE_NEIGHBOUR: f64 = 0.1;

/// A token of the model's own vocabulary: its position in ascending order of identifiers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Word(u32);

impl Word {
    /// Returns the position in the vocabulary.
    #[must_use]
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// One answer text in the sequence.
#[derive(Debug, Clone)]
pub(super) struct Document {
    /// Index of its topic.
    pub(super) topic: usize,
    /// What it is written in.
    pub(super) language: Language,
    /// Who tells it.
    pub(super) voice: Option<Voice>,
    /// Its place in the sequence, the end of the text included.
    pub(super) place: Range<usize>,
}

/// What is known of one place in the sequence.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    /// The token that stands there.
    pub(super) word: Word,
    /// Index of its document.
    pub(super) document: u32,
    /// Index of its sentence.
    pub(super) sentence: u32,
    /// Number of tokens before it that belong to the same word.
    pub(super) inside: u8,
    /// Whether a sentence ends with it.
    pub(super) closes: bool,
}

/// The corpus, cut into tokens and indexed.
#[derive(Debug)]
pub(super) struct Index {
    ids: Vec<u32>,
    pieces: Vec<Box<[u8]>>,
    places: Vec<Place>,
    documents: Vec<Document>,
    /// Number of tokens of every sentence.
    sentences: Vec<u32>,
    /// Where the occurrences of a word begin in `occurrences`; one more entry than words.
    starts: Vec<u32>,
    /// Places that hold a word, ascending, word by word.
    occurrences: Vec<u32>,
    kinship: Kinship,
    base: Vec<f64>,
    base_order: Vec<Word>,
}

impl Index {
    /// Returns the index of these topics' answers.
    #[must_use]
    pub(super) fn new(table: &Table, topics: &[Topic]) -> Self {
        let mut ids = vec![END_OF_TEXT];
        let mut documents = Vec::new();
        for (topic, answer) in
            topics.iter().enumerate().flat_map(|(i, topic)| topic.answers.iter().map(move |a| (i, a)))
        {
            let start = ids.len();
            ids.extend(table.encode(&answer.text));
            ids.push(END_OF_TEXT);
            documents.push(Document {
                topic,
                language: answer.language,
                voice: answer.voice,
                place: start..ids.len(),
            });
        }
        Self::from_ids(table, &ids, documents)
    }

    fn from_ids(table: &Table, sequence: &[u32], documents: Vec<Document>) -> Self {
        let mut ids = sequence.to_vec();
        ids.sort_unstable();
        ids.dedup();
        let pieces: Vec<Box<[u8]>> =
            ids.iter().map(|id| table.bytes(*id).unwrap_or_default().into()).collect();
        let words: Vec<Word> = sequence.iter().filter_map(|id| word_of(&ids, *id)).collect();

        let mut starts = vec![0u32; ids.len() + 1];
        for word in &words {
            starts[word.index() + 1] += 1;
        }
        let counts: Vec<u32> = starts[1..].to_vec();
        for i in 1..starts.len() {
            starts[i] += starts[i - 1];
        }
        let mut next = starts.clone();
        let mut occurrences = vec![0u32; words.len()];
        for (place, word) in (0u32..).zip(&words) {
            let slot = &mut next[word.index()];
            occurrences[*slot as usize] = place;
            *slot += 1;
        }

        let (places, sentences, fenced) = sentences(&words, &pieces, &documents);
        let kinship = Kinship::new(&words, ids.len(), |at| !fenced[at] && is_whole_word(&words, &pieces, at));
        let base = base(&counts);
        let mut base_order: Vec<Word> = (0u32..).map(Word).take(ids.len()).collect();
        base_order.sort_by(|a, b| base[b.index()].total_cmp(&base[a.index()]).then(a.cmp(b)));
        Self { ids, pieces, places, documents, sentences, starts, occurrences, kinship, base, base_order }
    }

    /// Returns the number of words in the vocabulary, the end of the text included.
    #[must_use]
    pub(super) fn vocabulary(&self) -> usize {
        self.ids.len()
    }

    /// Returns all words.
    pub(super) fn words(&self) -> impl Iterator<Item = Word> + use<> {
        (0u32..).map(Word).take(self.ids.len())
    }

    /// Returns the word of an o200k token, if the corpus holds it.
    #[must_use]
    pub(super) fn word(&self, id: u32) -> Option<Word> {
        word_of(&self.ids, id)
    }

    /// Returns the o200k token of a word.
    #[must_use]
    pub(super) fn id(&self, word: Word) -> u32 {
        self.ids[word.index()]
    }

    /// Returns the bytes of a word; none for the end of the text.
    #[must_use]
    pub(super) fn bytes(&self, word: Word) -> &[u8] {
        &self.pieces[word.index()]
    }

    /// Returns the word that ends a text.
    #[must_use]
    pub(super) fn end(&self) -> Word {
        self.places[0].word
    }

    /// Returns the length of the sequence.
    #[must_use]
    pub(super) fn len(&self) -> usize {
        self.places.len()
    }

    /// Returns what stands at a place.
    #[must_use]
    pub(super) fn place(&self, place: u32) -> Place {
        self.places[place as usize]
    }

    /// Returns the documents in the order of the sequence.
    #[must_use]
    pub(super) fn documents(&self) -> &[Document] {
        &self.documents
    }

    /// Returns the number of tokens of every sentence.
    #[must_use]
    pub(super) fn sentences(&self) -> &[u32] {
        &self.sentences
    }

    /// Returns the places that hold a word, ascending.
    #[must_use]
    pub(super) fn occurrences(&self, word: Word) -> &[u32] {
        &self.occurrences[self.starts[word.index()] as usize..self.starts[word.index() + 1] as usize]
    }

    /// Returns the words that could stand at a place instead of its own, and how well they fit: they
    /// are used alike elsewhere, and one of the two neighbours is theirs somewhere too.
    pub(super) fn instead(&self, place: u32) -> impl Iterator<Item = (Word, f64)> + '_ {
        let at = place as usize;
        let kin: &[(Word, f64)] =
            if self.kinship.open[at] { &self.kinship.kin[self.places[at].word.index()] } else { &[] };
        let before = self.places.get(at.wrapping_sub(1)).map(|place| place.word);
        let after = self.places.get(at + 1).map(|place| place.word);
        kin.iter().filter_map(move |(word, alike)| {
            let follows = before.is_some_and(|before| self.kinship.pairs.contains(&(before, *word)));
            let leads = after.is_some_and(|after| self.kinship.pairs.contains(&(*word, after)));
            match (follows, leads) {
                (true, true) => Some((*word, alike.sqrt() * BOTH_NEIGHBOURS)),
                (true, false) | (false, true) => Some((*word, alike * ONE_NEIGHBOUR)),
                (false, false) => None,
            }
        })
    }

    /// Returns the probability of a word where nothing is known of what came before.
    #[must_use]
    pub(super) fn base(&self, word: Word) -> f64 {
        self.base[word.index()]
    }

    /// Returns all words, the one with the highest [`Index::base`] first, equal ones by identifier.
    #[must_use]
    pub(super) fn base_order(&self) -> &[Word] {
        &self.base_order
    }
}

fn word_of(ids: &[u32], id: u32) -> Option<Word> {
    ids.binary_search(&id).ok().and_then(|at| u32::try_from(at).ok()).map(Word)
}

/// Returns the shares of the words in the whole corpus, mixed with equal shares.
#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
fn base(counts: &[u32]) -> Vec<f64> {
    let total = counts.iter().map(|count| f64::from(*count)).sum::<f64>().max(1.0);
    let even = UNIFORM_SHARE / counts.len().max(1) as f64;
    counts.iter().map(|count| (1.0 - UNIFORM_SHARE) * f64::from(*count) / total + even).collect()
}

/// Returns the places with their sentences, the sentences' lengths, and which places lie in code.
fn sentences(
    words: &[Word],
    pieces: &[Box<[u8]>],
    documents: &[Document],
) -> (Vec<Place>, Vec<u32>, Vec<bool>) {
    let mut places: Vec<Place> = Vec::with_capacity(words.len());
    let mut fenced = Vec::with_capacity(words.len());
    let mut lengths = vec![0u32];
    let index = |value: usize| u32::try_from(value).unwrap_or(u32::MAX);
    let mut push = |word: Word, document: usize, closes: bool| {
        let sentence = lengths.len() - 1;
        lengths[sentence] += 1;
        if closes {
            lengths.push(0);
        }
        let piece = |word: Word| &pieces[word.index()];
        let inside = places
            .last()
            .filter(|before| piece(before.word).last().is_some_and(|byte| is_letter(*byte)))
            .filter(|_| piece(word).first().is_some_and(|byte| is_letter(*byte)))
            .map_or(0, |before| before.inside.saturating_add(1));
        places.push(Place { word, document: index(document), sentence: index(sentence), inside, closes });
    };
    if let Some(first) = words.first() {
        push(*first, 0, true);
        fenced.push(false);
    }
    for (number, document) in documents.iter().enumerate() {
        let mut punctuation = Punctuation::default();
        for at in document.place.clone() {
            let next = words.get(at + 1).map_or(&b""[..], |word| &pieces[word.index()]);
            let closes = punctuation.read(&pieces[words[at].index()], next);
            // Whatever stands there, a text is over before its end and after it.
            let over = at + 2 >= document.place.end;
            push(words[at], number, over || closes);
            fenced.push(punctuation.fenced);
        }
    }
    (places, lengths, fenced)
}

/// Whether a byte is a letter or a digit, or a part of a character beyond ASCII.
fn is_letter(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || !byte.is_ascii()
}

/// Whether the token at a place is a word of its own, but for a Hangul particle behind it.
fn is_whole_word(words: &[Word], pieces: &[Box<[u8]>], at: usize) -> bool {
    let piece = |at: usize| words.get(at).map_or(&b""[..], |word| &pieces[word.index()]);
    let begins = match piece(at) {
        [b' ', letter, ..] => !letter.is_ascii_punctuation(),
        _ => false,
    };
    let opens =
        |at: usize| piece(at).first().is_none_or(|b| b.is_ascii_whitespace() || b",.!?;:".contains(b));
    let particle = std::str::from_utf8(piece(at + 1)).is_ok_and(is_particle);
    begins && (opens(at + 1) || (particle && opens(at + 2)))
}

/// The two neighbours of a word, and the word.
type Framed = ((Word, Word), Word);

/// Which words are used alike: they stand between the same neighbours.
#[derive(Debug)]
struct Kinship {
    /// The words used like each word, and how alike, 0 to 1; the likest first.
    kin: Vec<Vec<(Word, f64)>>,
    /// Pairs of words that follow each other somewhere.
    pairs: HashSet<(Word, Word), Mix>,
    /// Places whose word may be exchanged.
    open: Vec<bool>,
}

impl Kinship {
    fn new(words: &[Word], vocabulary: usize, fits: impl Fn(usize) -> bool) -> Self {
        let open: Vec<bool> = (0..words.len()).map(fits).collect();
        let mut frames: Vec<Framed> = words
            .windows(3)
            .zip(&open[1..])
            .filter(|(_, open)| **open)
            .map(|(three, _)| ((three[0], three[2]), three[1]))
            .collect();
        frames.sort_unstable();
        frames.dedup();
        // A frame that holds many words says little about each of them.
        let weight =
            |frame: &[Framed]| 1.0 / (1.0 + f64::from(u32::try_from(frame.len()).unwrap_or(u32::MAX))).ln();
        let frames: Vec<(&[Framed], f64)> =
            frames.chunk_by(|a, b| a.0 == b.0).map(|frame| (frame, weight(frame))).collect();
        let mut weights = vec![0.0f64; vocabulary];
        let mut frames_of: Vec<Vec<usize>> = vec![Vec::new(); vocabulary];
        for (number, (frame, weight)) in frames.iter().enumerate() {
            for (_, word) in *frame {
                weights[word.index()] += weight;
                if (2..=WIDEST_FRAME).contains(&frame.len()) {
                    frames_of[word.index()].push(number);
                }
            }
        }
        let mut shared = vec![0.0f64; vocabulary];
        let mut kin = Vec::with_capacity(vocabulary);
        for (own, numbers) in frames_of.iter().enumerate() {
            let mut others: Vec<Word> = Vec::new();
            for (frame, weight) in numbers.iter().map(|number| frames[*number]) {
                for (_, other) in frame.iter().filter(|(_, other)| other.index() != own) {
                    if shared[other.index()] == 0.0 {
                        others.push(*other);
                    }
                    shared[other.index()] += weight;
                }
            }
            let mut list: Vec<(Word, f64)> = others
                .into_iter()
                .map(|other| {
                    let weight = std::mem::take(&mut shared[other.index()]);
                    (other, weight / (weights[own] * weights[other.index()]).sqrt())
                })
                .collect();
            list.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
            list.truncate(MOST_KIN);
            kin.push(list);
        }
        let pairs = words.windows(2).map(|two| (two[0], two[1])).collect();
        Self { kin, pairs, open }
    }
}

/// Follows a text piece by piece and tells where another sentence of the same topic could follow.
#[derive(Default)]
struct Punctuation {
    fenced: bool,
    ticks: usize,
    after_number: bool,
}

impl Punctuation {
    /// Reads a piece and returns whether a sentence ends with it, before the piece `next`.
    ///
    /// Not inside a code fence; not after a number, whose dot begins an item of a list; and not where
    /// a single line break or a cell's border follows, because items of a list and rows of a table
    /// belong together.
    fn read(&mut self, piece: &[u8], next: &[u8]) -> bool {
        for byte in piece {
            self.ticks = if *byte == b'`' { self.ticks + 1 } else { 0 };
            if self.ticks == 3 {
                self.fenced = !self.fenced;
            }
        }
        let after_number = std::mem::replace(&mut self.after_number, piece.iter().all(u8::is_ascii_digit));
        let body = piece.trim_ascii_end();
        let after = if body.len() < piece.len() { &piece[body.len()..] } else { next };
        let parts = match after {
            [b'\n', b'\n', ..] | [] => true,
            [b'\n', ..] => false,
            [b' ', rest @ ..] => !rest.starts_with(b"|"),
            _ => false,
        };
        let stop = body.iter().rev().find(|byte| !b"\")*".contains(byte));
        let stops = matches!(stop, Some(b'.' | b'!' | b'?'));
        stops && parts && !self.fenced && !after_number
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn closing(pieces: &[&str]) -> Vec<usize> {
        let mut punctuation = Punctuation::default();
        let next = |i: usize| pieces.get(i + 1).map_or(&b""[..], |piece| piece.as_bytes());
        (0..pieces.len()).filter(|i| punctuation.read(pieces[*i].as_bytes(), next(*i))).collect()
    }

    #[test]
    fn sentences_end_at_full_stops_outside_lists_and_code() {
        assert_eq!(closing(&["A", " day", ".", " B", "!\"", " c", "?\n\n"]), [2, 4, 6]);
        assert_eq!(closing(&["Do", ":\n\n", "1", ".", " Rest", ".\n", "2", ".", " Go", "."]), [9]);
        assert_eq!(closing(&["-", " **", "Go", ".\"", "**\n", "|", " a", ".", " |", " b"]), [] as [usize; 0]);
        assert_eq!(closing(&["Try", ":\n", "```", "x", ".", "```", "\n\n", "Done", "."]), [8]);
    }

    #[test]
    fn every_word_knows_its_places() {
        let table = crate::tokenizer::table(crate::core::model::Encoding::O200kBase);
        let topics = [crate::sandbox::corpus::parse(
            "x",
            "@topic x\n@answer en\nRain falls. Rain sings.\n@answer ko\n비가 와요.\n",
        )];
        let index = Index::new(table, &topics);
        assert_eq!(index.documents().len(), 2);
        assert_eq!(index.place(0).word, index.end());
        assert_eq!(index.id(index.end()), END_OF_TEXT);
        for word in index.words() {
            let places: Vec<u32> =
                (0u32..).take(index.len()).filter(|p| index.place(*p).word == word).collect();
            assert_eq!(index.occurrences(word), places);
            assert_eq!(index.word(index.id(word)), Some(word));
        }
        for (document, answer) in index.documents().iter().zip(&topics[0].answers) {
            let bytes: Vec<u8> = document
                .place
                .clone()
                .flat_map(|p| index.bytes(index.place(u32::try_from(p).unwrap()).word).to_vec())
                .collect();
            assert_eq!(String::from_utf8(bytes).unwrap(), answer.text);
        }
        let total: f64 = index.words().map(|word| index.base(word)).sum();
        assert!((total - 1.0).abs() < 1e-12);
        assert!(index.base_order().is_sorted_by(|a, b| index.base(*a) >= index.base(*b)));
        let tokens: u32 = index.sentences().iter().sum();
        assert_eq!(tokens as usize, index.len());
    }
}
