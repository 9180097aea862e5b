//! A small language model: a true next-token distribution over the tokens of a small corpus.
//!
//! Owns everything from a conversation to a sampled token and its probability. No I/O, no clock, and
//! no randomness but that of a seed: the same conversation, settings and seed give the same answer.
//!
//! ```text
//! turns ─► Reading (topics, language, voice) ─► weights of the documents ─► Walk ─► Distribution
//!                                                                     Sampler ◄──────┘   │
//!                                                                        └► word ─► Walk.accept
//! ```

mod cue;
mod document;
mod grammar;
mod hash;
mod index;
mod likeness;
mod number;
mod place;
mod random;
mod reading;
mod sampler;
mod walk;

pub use grammar::{Grammar, Member, Node, NodeId};
pub use index::{END_OF_TEXT, END_TEXT, Word};
pub use number::Bounds;
pub use random::Random;
pub use reading::{Reading, Speaker, Turn};
pub use sampler::{Report, Settings, Stage};
pub use walk::Distribution;

use crate::sandbox::corpus::Topic;
use crate::tokenizer::Table;
use document::{Document, Sources, Spelling};
use index::Index;
use likeness::Likeness;
use sampler::{Drawn, Sampler, Source};
use std::sync::Arc;
use walk::Walk;

/// The model: an index of the corpus, and the likeness of texts to its topics.
#[derive(Debug)]
pub struct Model {
    table: &'static Table,
    topics: Vec<Topic>,
    index: Index,
    spelling: Spelling,
    likeness: Likeness,
}

/// One sampled token.
#[derive(Debug, Clone, PartialEq)]
pub struct Choice {
    /// The o200k token.
    pub token: u32,
    /// Natural logarithm of its probability, at the stage that is reported.
    pub logprob: f64,
    /// The likeliest tokens with theirs; what is impossible at that stage is not among them.
    pub top: Vec<(u32, f64)>,
}

/// An answer in the making, as free text or as a document of a grammar.
#[derive(Debug)]
pub struct Generation {
    walk: Walk,
    document: Option<Document>,
    sampler: Sampler,
    report: Report,
}

impl Model {
    /// Builds the model of these topics. Takes some tens of milliseconds.
    #[must_use]
    pub fn new(table: &'static Table, topics: Vec<Topic>) -> Self {
        let index = Index::new(table, &topics);
        let spelling = Spelling::new(table, &index);
        let likeness = Likeness::new(&topics);
        Self { table, topics, index, spelling, likeness }
    }

    /// Returns the tokenizer the model was built with.
    #[must_use]
    pub fn table(&self) -> &'static Table {
        self.table
    }

    /// Returns the topics the model was built from.
    #[must_use]
    pub fn topics(&self) -> &[Topic] {
        &self.topics
    }

    /// Returns all words of the vocabulary.
    pub fn words(&self) -> impl Iterator<Item = Word> + use<> {
        self.index.words()
    }

    /// Returns the o200k token of a word.
    #[must_use]
    pub fn id(&self, word: Word) -> u32 {
        self.index.id(word)
    }

    /// Returns the bytes of an o200k token; `None` for the end of the text, which has none.
    #[must_use]
    pub fn bytes(&self, token: u32) -> Option<&'static [u8]> {
        self.table.bytes(token).filter(|_| token != END_OF_TEXT)
    }

    /// Returns what a conversation asks for.
    #[must_use]
    pub fn read(&self, turns: &[Turn]) -> Reading {
        Reading::new(&self.likeness, &self.topics, turns)
    }

    /// Begins an answer to a conversation.
    #[must_use]
    pub fn answer(&self, turns: &[Turn], settings: Settings, random: Random) -> Generation {
        self.resume(turns, &[], settings, random)
    }

    /// Goes on with an answer to a conversation whose beginning, in o200k tokens, is already told.
    ///
    /// The beginning is taken token by token as it stands. A text that was cut inside a word therefore
    /// ends in other tokens than the whole word would have, and what follows is as likely as it is after
    /// those tokens; the model does not heal the cut, as servers do not either.
    #[must_use]
    pub fn resume(
        &self,
        turns: &[Turn],
        beginning: &[u32],
        settings: Settings,
        random: Random,
    ) -> Generation {
        let mut walk = self.walk(turns);
        for token in beginning {
            walk.accept(&self.index, *token);
        }
        Generation {
            walk,
            document: None,
            sampler: Sampler::new(&self.index, settings, random),
            report: Report::Model,
        }
    }

    /// Begins a document of a grammar, or goes on with one; `None` where no document begins so.
    ///
    /// All probabilities are those after the mask of the grammar.
    #[must_use]
    pub fn document(
        &self,
        turns: &[Turn],
        grammar: Arc<Grammar>,
        beginning: &[u32],
        settings: Settings,
        random: Random,
    ) -> Option<Generation> {
        let mut walk = self.walk(turns);
        let sources = self.sources();
        let mut document = Document::new(grammar, sources, &walk);
        for token in beginning {
            document.accept(sources, &mut walk, *token).then_some(())?;
        }
        Some(Generation {
            walk,
            document: Some(document),
            sampler: Sampler::new(&self.index, settings, random),
            report: Report::Model,
        })
    }

    fn sources(&self) -> Sources<'_> {
        Sources { table: self.table, index: &self.index, spelling: &self.spelling }
    }

    /// Returns a walk before the answer to a conversation.
    fn walk(&self, turns: &[Turn]) -> Walk {
        let reading = self.read(turns);
        let weights =
            self.index.documents().iter().map(|d| reading.weight(d.topic, d.language, d.voice)).collect();
        let mut walk = Walk::new(&self.index, weights);
        for turn in turns.iter().filter(|turn| turn.speaker == Speaker::Assistant) {
            walk.recall(&self.index, &self.table.encode(&turn.text));
        }
        walk
    }
}

impl Generation {
    /// Chooses which probabilities are reported.
    #[must_use]
    pub fn reporting(mut self, report: Report) -> Self {
        self.report = report;
        self
    }

    /// Returns the distribution of the next word.
    pub fn distribution<'a>(&'a mut self, model: &'a Model) -> Distribution<'a> {
        self.walk.distribution(&model.index)
    }

    /// Samples the next token many times over without taking it; the end of the text counts as one.
    pub fn samples(&mut self, model: &Model, count: usize) -> Vec<u32> {
        let source = Source::Whole(&model.index, self.walk.distribution(&model.index));
        (0..count).map(|_| self.sampler.next(source, 0, self.report).token).collect()
    }

    /// Samples the next token, with the `candidates` likeliest beside it; `None` at the end of the text.
    pub fn next(&mut self, model: &Model, candidates: usize) -> Option<Choice> {
        let Self { walk, document, sampler, report } = self;
        let Drawn { token, logprob, top } = match document {
            None => {
                let source = Source::Whole(&model.index, walk.distribution(&model.index));
                sampler.next(source, candidates, *report)
            }
            Some(document) => {
                let list = document.distribution(model.sources(), walk);
                sampler.next(Source::Listed(&list), candidates, *report)
            }
        };
        if token == END_OF_TEXT {
            return None;
        }
        match document {
            None => walk.accept(&model.index, token),
            // What is drawn from the list fits.
            Some(document) => {
                document.accept(model.sources(), walk, token);
            }
        }
        Some(Choice { token, logprob, top })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::model::Encoding;
    use crate::sandbox::corpus;
    use crate::tokenizer::table;
    use proptest::prelude::*;
    use std::collections::{BTreeMap, BTreeSet};
    use std::sync::LazyLock;

    static MODEL: LazyLock<Model> =
        LazyLock::new(|| Model::new(table(Encoding::O200kBase), corpus::embedded()));

    fn question(text: &str) -> Vec<Turn> {
        vec![Turn::new(Speaker::User, text)]
    }

    fn generation(text: &str, settings: Settings, seed: u64) -> Generation {
        MODEL.answer(&question(text), settings, Random::new(seed))
    }

    fn tokens(text: &str, settings: Settings, seed: u64, most: usize) -> Vec<u32> {
        let mut generation = generation(text, settings, seed);
        std::iter::from_fn(|| generation.next(&MODEL, 0)).map(|choice| choice.token).take(most).collect()
    }

    fn at(temperature: f64) -> Settings {
        Settings { temperature, ..Settings::default() }
    }

    #[test]
    fn probabilities_are_positive_and_sum_to_one() {
        let mut generation = generation("What is good about rising early?", at(1.6), 5);
        for _ in 0..60 {
            let distribution = generation.distribution(&MODEL);
            let sum: f64 = MODEL.words().map(|word| distribution.probability(word)).sum();
            assert!((sum - 1.0).abs() < 1e-9, "{sum}");
            assert!(MODEL.words().all(|word| distribution.probability(word) > 0.0));
            if generation.next(&MODEL, 0).is_none() {
                break;
            }
        }
    }

    #[test]
    fn the_list_is_the_top_of_the_whole_distribution() {
        let mut generation = generation("비는 왜 오나요?", at(1.8), 3);
        for _ in 0..40 {
            let distribution = generation.distribution(&MODEL);
            let mut all: Vec<(Word, f64)> =
                MODEL.words().map(|word| (word, distribution.probability(word))).collect();
            all.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
            for count in [0, 1, 5, 20] {
                assert_eq!(distribution.top(count), all[..count]);
            }
            let whole: BTreeMap<u32, f64> = all.into_iter().map(|(word, p)| (MODEL.id(word), p)).collect();
            let Some(choice) = generation.next(&MODEL, 20) else { break };
            assert!((choice.logprob - whole[&choice.token].ln()).abs() < 1e-12);
            assert!(choice.top.iter().all(|(word, log)| (log - whole[word].ln()).abs() < 1e-12));
        }
    }

    #[test]
    fn temperature_zero_takes_the_likeliest_and_repeats() {
        let mut generation = generation("Why do cats purr?", at(0.0), 1);
        while let Some(choice) = generation.next(&MODEL, 1) {
            assert_eq!(choice.token, choice.top[0].0);
        }
        let text = "Why do cats purr?";
        assert_eq!(tokens(text, at(0.0), 1, 300), tokens(text, at(0.0), 2, 300));
    }

    #[test]
    fn a_seed_repeats_and_other_seeds_differ() {
        let text = "How is bread made?";
        let answers: BTreeSet<Vec<u32>> =
            (0..20).map(|seed| tokens(text, Settings::default(), seed, 300)).collect();
        assert!(answers.len() > 10, "{} distinct answers", answers.len());
        assert_eq!(tokens(text, Settings::default(), 7, 300), tokens(text, Settings::default(), 7, 300));
    }

    #[test]
    fn an_answer_never_runs_in_circles() {
        for text in ["Tell me about the moon", "달 이야기 해 줘", "recursion", "What can you do?"] {
            assert!(tokens(text, at(0.0), 0, 400).len() < 400, "{text}");
        }
    }

    #[test]
    fn what_was_told_is_not_told_again() {
        let first = tokens("Tell me about bees", at(0.0), 0, 300);
        let bytes: Vec<u8> =
            first.iter().flat_map(|token| MODEL.bytes(*token).unwrap_or_default().to_vec()).collect();
        let mut turns = question("Tell me about bees");
        turns.push(Turn::new(Speaker::Assistant, String::from_utf8(bytes).unwrap()));
        turns.push(Turn::new(Speaker::User, "tell me more"));
        let mut generation = MODEL.answer(&turns, at(0.0), Random::new(0));
        let second: Vec<u32> =
            std::iter::from_fn(|| generation.next(&MODEL, 0)).map(|choice| choice.token).take(300).collect();
        let eights = |tokens: &[u32]| tokens.windows(8).map(<[u32]>::to_vec).collect::<BTreeSet<_>>();
        let again = eights(&second).intersection(&eights(&first)).count();
        assert!(second.len() > 20 && again * 5 < second.len(), "{again} of {}", second.len());
    }

    /// Draws the first word often and compares with the distribution computed from the probabilities.
    fn check_draws(settings: &Settings, expected: impl Fn(&BTreeMap<Word, f64>) -> BTreeMap<Word, f64>) {
        const DRAWS: u32 = 4000;
        let text = "What is tea?";
        let mut first = generation(text, settings.clone(), 0);
        let distribution = first.distribution(&MODEL);
        let whole: BTreeMap<Word, f64> =
            MODEL.words().map(|word| (word, distribution.probability(word))).collect();
        let expected = expected(&whole);
        let total: f64 = expected.values().sum();
        let mut sampler = Sampler::new(&MODEL.index, settings.clone(), Random::new(42));
        let mut counts: BTreeMap<Word, u32> = BTreeMap::new();
        let source = Source::Whole(&MODEL.index, distribution);
        for _ in 0..DRAWS {
            // Only penalties would look at what was drawn before.
            let drawn = sampler.next(source, 0, Report::Model);
            *counts.entry(MODEL.index.word(drawn.token).unwrap()).or_default() += 1;
        }
        for (word, count) in &counts {
            assert!(expected.get(word).is_some_and(|p| *p > 0.0), "{word:?} drawn {count} times");
        }
        for (word, weight) in expected {
            let share = weight / total;
            let drawn = f64::from(counts.get(&word).copied().unwrap_or(0)) / f64::from(DRAWS);
            let deviation = (share * (1.0 - share) / f64::from(DRAWS)).sqrt();
            assert!((drawn - share).abs() < 5.0 * deviation + 2e-3, "{word:?}: {drawn} for {share}");
        }
    }

    fn tempered(whole: &BTreeMap<Word, f64>, temperature: f64) -> BTreeMap<Word, f64> {
        whole.iter().map(|(word, p)| (*word, p.powf(1.0 / temperature))).collect()
    }

    #[test]
    fn draws_follow_the_tempered_distribution() {
        for temperature in [0.5, 1.0, 2.0] {
            check_draws(&at(temperature), |whole| tempered(whole, temperature));
        }
    }

    #[test]
    fn a_nucleus_is_the_smallest_set_of_that_mass() {
        for (temperature, top_p) in [(1.0, 0.5), (1.8, 0.9), (2.0, 1e-9)] {
            let settings = Settings { top_p, ..at(temperature) };
            check_draws(&settings, |whole| {
                let weights = tempered(whole, temperature);
                let total: f64 = weights.values().sum();
                let mut order: Vec<(Word, f64)> = weights.into_iter().collect();
                order.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
                let mut held = 0.0;
                order
                    .into_iter()
                    .take_while(|(_, weight)| {
                        let open = held < top_p * total;
                        held += weight;
                        open
                    })
                    .collect()
            });
        }
    }

    /// What is left of a distribution after the stages, computed on the whole list.
    fn staged(whole: &BTreeMap<Word, f64>, settings: &Settings) -> BTreeMap<Word, f64> {
        let mut order: Vec<(Word, f64)> = whole.iter().map(|(word, p)| (*word, *p)).collect();
        order.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        for stage in &settings.order {
            let total: f64 = order.iter().map(|(_, p)| p).sum();
            match stage {
                Stage::Temperature => {
                    order =
                        tempered(&order.into_iter().collect(), settings.temperature).into_iter().collect();
                    order.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
                }
                Stage::TopK => order.truncate(settings.top_k.unwrap_or(usize::MAX)),
                Stage::MinP => {
                    let least = order[0].1 * settings.min_p;
                    order.retain(|(_, p)| *p >= least);
                }
                Stage::TopP => {
                    let mut held = 0.0;
                    order.retain(|(_, p)| {
                        let open = held < settings.top_p * total;
                        held += p;
                        open
                    });
                }
            }
        }
        order.into_iter().collect()
    }

    #[test]
    fn cuts_are_made_in_the_order_asked_for() {
        let cut = Settings { top_k: Some(7), top_p: 0.8, min_p: 0.05, ..at(1.7) };
        let llama = Settings { order: Stage::LLAMA.to_vec(), ..cut.clone() };
        for settings in [
            Settings { top_k: Some(3), ..at(2.0) },
            Settings { top_k: Some(0), ..at(2.0) },
            Settings { min_p: 0.2, ..at(1.5) },
            Settings { min_p: 1.0, ..at(1.5) },
            Settings { order: vec![Stage::TopP, Stage::TopK], ..cut.clone() },
            Settings { order: vec![Stage::Temperature, Stage::MinP, Stage::TopP], ..cut.clone() },
            cut,
            llama,
        ] {
            check_draws(&settings, |whole| {
                staged(whole, &Settings { top_k: settings.top_k.map(|k| k.max(1)), ..settings.clone() })
            });
        }
    }

    #[test]
    fn later_stages_are_reported_as_they_are() {
        let settings = Settings { top_k: Some(9), top_p: 0.9, ..at(1.4) };
        let mut first = generation("What is tea?", settings.clone(), 0);
        let distribution = first.distribution(&MODEL);
        let whole: BTreeMap<Word, f64> =
            MODEL.words().map(|word| (word, distribution.probability(word))).collect();
        let source = Source::Whole(&MODEL.index, distribution);
        let check = |report: Report, settings: &Settings, weights: BTreeMap<Word, f64>| {
            let total: f64 = weights.values().sum();
            let drawn = Sampler::new(&MODEL.index, settings.clone(), Random::new(3)).next(source, 12, report);
            assert_eq!(drawn.top.len(), weights.len().min(12));
            assert!(drawn.top.is_sorted_by(|a, b| a.1 >= b.1));
            for (token, log) in drawn.top.iter().chain([&(drawn.token, drawn.logprob)]) {
                let share = weights[&MODEL.index.word(*token).unwrap()] / total;
                assert!((log - share.ln()).abs() < 1e-9, "{log} for {share}");
            }
        };
        check(Report::Model, &settings, whole.clone());
        check(Report::Tempered, &settings, tempered(&whole, 1.4));
        check(Report::Sampled, &settings, staged(&whole, &settings));
        check(Report::Sampled, &at(0.7), tempered(&whole, 0.7));
        check(Report::Tempered, &at(0.0), whole.clone());
        let best = whole.iter().max_by(|a, b| a.1.total_cmp(b.1)).map(|(word, _)| (*word, 1.0));
        check(Report::Sampled, &at(0.0), best.into_iter().collect());
    }

    #[test]
    fn a_beginning_is_gone_on_with() {
        let text = "How is bread made?";
        let whole = tokens(text, at(0.0), 0, 300);
        for cut in [1, 5, whole.len() / 2, whole.len()] {
            let mut rest = MODEL.resume(&question(text), &whole[..cut], at(0.0), Random::new(0));
            let told: Vec<u32> =
                std::iter::from_fn(|| rest.next(&MODEL, 0)).map(|choice| choice.token).collect();
            assert_eq!(told, whole[cut..]);
        }
    }

    #[test]
    fn another_token_leads_elsewhere_on_the_same_topic() {
        let text = "How is bread made?";
        let bread = MODEL.topics().iter().position(|topic| topic.id == "bread").unwrap();
        let words: BTreeSet<u32> = MODEL.topics()[bread]
            .answers
            .iter()
            .flat_map(|answer| MODEL.table().encode(&answer.text))
            .collect();
        let mut generation = generation(text, at(0.0), 0);
        let whole = tokens(text, at(0.0), 0, 300);
        let (mut branches, mut elsewhere) = (0, 0);
        for at_token in 0..30 {
            let choice = generation.next(&MODEL, 3).unwrap();
            let other = choice.top[1].0;
            if other == END_OF_TEXT || choice.top[1].1 < 0.02f64.ln() {
                continue;
            }
            let beginning: Vec<u32> = whole[..at_token].iter().copied().chain([other]).collect();
            let mut branch = MODEL.resume(&question(text), &beginning, at(0.0), Random::new(0));
            let told: Vec<u32> =
                std::iter::from_fn(|| branch.next(&MODEL, 0)).map(|choice| choice.token).take(100).collect();
            branches += 1;
            // A word that is used alike may well be followed by the same.
            elsewhere += usize::from(told != whole[at_token + 1..]);
            let on_topic = told.iter().filter(|token| words.contains(token)).count();
            assert!(on_topic * 10 >= told.len() * 9, "{on_topic} of {}", told.len());
        }
        assert!(branches > 5 && elsewhere * 2 > branches, "{elsewhere} of {branches}");
    }

    #[test]
    fn a_beginning_no_text_has_leaves_the_topic_as_it_was() {
        // Neither the torn word nor half a character is a token of the corpus.
        for beginning in [" Xylograp", "Bread needs warm wat", "\u{1f950} zzq"] {
            let mut beginning = MODEL.table().encode(beginning);
            beginning.truncate(beginning.len().max(2) - usize::from(beginning.len() > 4));
            let mut rest = MODEL.resume(&question("How is bread made?"), &beginning, at(0.3), Random::new(4));
            let bytes: Vec<u8> = std::iter::from_fn(|| rest.next(&MODEL, 0))
                .take(60)
                .flat_map(|choice| MODEL.bytes(choice.token).unwrap_or_default().to_vec())
                .collect();
            let told = String::from_utf8_lossy(&bytes).into_owned();
            assert!(
                ["dough", "flour", "bread", "yeast", "oven"].iter().any(|word| told.contains(word)),
                "{told}"
            );
        }
    }

    #[test]
    fn a_bias_shifts_the_logits() {
        let rare = MODEL.words().nth(100).unwrap();
        let (id, temperature) = (MODEL.id(rare), 1.3);
        for bias in [8.0, 100.0, -100.0] {
            let settings = Settings { logit_bias: vec![(id, bias)], ..at(temperature) };
            check_draws(&settings, |whole| {
                let mut whole = whole.clone();
                whole.entry(rare).and_modify(|p| *p *= f64::exp(bias));
                tempered(&whole, temperature)
            });
        }
        let greedy = Settings { logit_bias: vec![(id, 100.0)], ..at(0.0) };
        assert_eq!(tokens("What is tea?", greedy, 0, 3), [id; 3]);
    }

    #[test]
    fn penalties_lower_the_logits_of_used_words() {
        for (presence_penalty, frequency_penalty) in [(0.0, 1.5), (2.0, 0.0), (-1.0, 2.0)] {
            let settings = Settings { presence_penalty, frequency_penalty, ..at(0.0) };
            let mut generation = generation("What is tea?", settings.clone(), 0);
            let distribution = generation.distribution(&MODEL);
            let mut sampler = Sampler::new(&MODEL.index, settings, Random::new(0));
            let mut used: BTreeMap<Word, f64> = BTreeMap::new();
            for _ in 0..30 {
                let score = |word: Word| {
                    let penalty =
                        used.get(&word).map_or(0.0, |count| presence_penalty + frequency_penalty * count);
                    distribution.probability(word).ln() - penalty
                };
                let best = MODEL.words().map(score).fold(f64::NEG_INFINITY, f64::max);
                let source = Source::Whole(&MODEL.index, distribution);
                let word = MODEL.index.word(sampler.next(source, 0, Report::Model).token).unwrap();
                assert!((score(word) - best).abs() < 1e-9);
                *used.entry(word).or_default() += 1.0;
            }
            assert!(used.len() > 1);
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]
        /// Whatever is said, there is an answer, and it is made of words of the vocabulary.
        #[test]
        fn any_conversation_is_answered(texts in prop::collection::vec("\\PC{0,60}", 0..5), temperature in 0.0f64..2.0) {
            let speakers = [Speaker::User, Speaker::Assistant, Speaker::System];
            let turns: Vec<Turn> =
                texts.into_iter().enumerate().map(|(i, text)| Turn::new(speakers[i % 3], text)).collect();
            let mut generation = MODEL.answer(&turns, at(temperature), Random::new(1));
            let mut count = 0;
            while let Some(choice) = generation.next(&MODEL, 3) {
                prop_assert!(choice.logprob <= 0.0 && choice.logprob.is_finite());
                count += 1;
                if count == 20 { break; }
            }
        }
    }
}
