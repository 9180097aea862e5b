//! What a conversation asks for: which topics, in which language, in whose voice.
//!
//! Owns how the turns of a conversation add up to one weight per topic. Never touches the corpus'
//! texts, and leaves the reading of single words to `cue` and `likeness`.

use super::cue::{Reference, named_language, named_voice, reference, written_language};
use super::likeness::Likeness;
use crate::sandbox::corpus::{Language, Topic, Voice};

/// Weight of a follow-up's own words beside the question it refers to.
const FOLLOW_UP: f64 = 0.6;
/// From these scores on a question is complete in itself although it goes on from what was said: it asks
/// something, it names something, or a word of it stands for what was said.
const COMPLETE: f64 = 0.28;
const COMPLETE_NAMED: f64 = 0.5;
const COMPLETE_PRONOUN: f64 = 0.75;
/// The same for one without words of its own, such as "who are you".
const COMPLETE_PLAIN: f64 = 0.45;
/// How many questions are read to find what a follow-up is about.
const LOOK_BACK: usize = 8;
/// Under this score a question is like no topic.
const ALIKE: f64 = 0.17;
/// How sharply a topic less alike than the best one is left out.
const SHARPNESS: i32 = 10;
/// Topics weighing less than this are left out altogether.
const NEGLIGIBLE: f64 = 0.02;
/// The topic for what is like no other.
const UNKNOWN: &str = "unknown";
/// Weight of plain answers where a voice is asked for, and of the same voice on other topics.
const PLAIN_UNDER_VOICE: f64 = 0.02;
const VOICE_ELSEWHERE: f64 = 0.01;

/// Who says something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Speaker {
    /// Instructions.
    System,
    /// The person.
    User,
    /// The model.
    Assistant,
}

/// One message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Turn {
    /// Who says it.
    pub speaker: Speaker,
    /// What is said.
    pub text: String,
}

impl Turn {
    /// Returns a turn.
    pub fn new(speaker: Speaker, text: impl Into<String>) -> Self {
        Self { speaker, text: text.into() }
    }
}

/// What a conversation asks for.
#[derive(Debug, Clone, PartialEq)]
pub struct Reading {
    /// Weight of each topic, 1 for the likest.
    pub topics: Vec<f64>,
    /// How like the question is to the likest topic, 0 to 1.
    pub score: f64,
    /// The language to answer in.
    pub language: Language,
    /// The voice to answer in.
    pub voice: Option<Voice>,
}

impl Reading {
    /// Returns what the turns ask for.
    #[must_use]
    pub(super) fn new(likeness: &Likeness, topics: &[Topic], turns: &[Turn]) -> Self {
        let said = |speaker: Speaker| {
            turns.iter().rev().filter(move |turn| turn.speaker == speaker).map(|turn| turn.text.as_str())
        };
        let language = said(Speaker::User)
            .take(1)
            .find_map(named_language)
            .or_else(|| said(Speaker::System).find_map(named_language))
            .or_else(|| said(Speaker::User).find_map(written_language))
            .unwrap_or(Language::English);
        let voice = said(Speaker::User)
            .take(1)
            .find_map(|text| named_voice(text, true))
            .or_else(|| said(Speaker::System).find_map(|text| named_voice(text, false)));

        let questions: Vec<&str> = said(Speaker::User).collect();
        let mut scores = combined(likeness, &questions).unwrap_or_else(|| vec![0.0; topics.len()]);
        let best = scores.iter().copied().fold(0.0, f64::max);
        if best < ALIKE
            && let Some(unknown) = topics.iter().position(|topic| topic.id == UNKNOWN)
        {
            scores.fill(0.0);
            scores[unknown] = 1.0;
        }
        let largest = scores.iter().copied().fold(f64::MIN_POSITIVE, f64::max);
        for score in &mut scores {
            let weight = (*score / largest).powi(SHARPNESS);
            *score = if weight < NEGLIGIBLE { 0.0 } else { weight };
        }
        Self { topics: scores, score: best, language, voice }
    }

    /// Returns how likely the conversation makes an answer, 0 to 1.
    #[must_use]
    pub fn weight(&self, topic: usize, language: Language, voice: Option<Voice>) -> f64 {
        if language != self.language {
            return 0.0;
        }
        let on_topic = self.topics.get(topic).copied().unwrap_or(0.0);
        match (self.voice, voice) {
            (None, None) => on_topic,
            (Some(_), None) => on_topic * PLAIN_UNDER_VOICE,
            (Some(asked), Some(told)) if asked == told => on_topic.max(VOICE_ELSEWHERE),
            (_, Some(_)) => 0.0,
        }
    }
}

/// Returns the topics' scores for questions, the last one first; `None` where there is none.
///
/// A follow-up is about what the nearest complete question before it is about.
fn combined(likeness: &Likeness, questions: &[&str]) -> Option<Vec<f64>> {
    let own = likeness.scores(questions.first()?);
    let mut sum = vec![0.0; own.len()];
    for question in questions.iter().take(LOOK_BACK) {
        let scores = likeness.scores(question);
        let best = scores.iter().copied().fold(0.0, f64::max);
        let (weight, complete) = match reference(question) {
            Reference::None => (1.0, true),
            Reference::Question if best >= COMPLETE => (1.0, true),
            Reference::Named if best >= COMPLETE_NAMED => (1.0, true),
            Reference::Pronoun if best >= COMPLETE_PRONOUN => (1.0, true),
            Reference::Whole if best >= COMPLETE_PLAIN && named_language(question).is_none() => (1.0, true),
            // What holds "in winter" is what was asked before, however well some topic knows winters.
            Reference::Question | Reference::Named | Reference::Pronoun | Reference::Setting => {
                (FOLLOW_UP, false)
            }
            Reference::Whole => (0.0, false),
        };
        for (total, score) in sum.iter_mut().zip(scores) {
            *total += weight * score;
        }
        if complete {
            return Some(sum);
        }
    }
    Some(own)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sandbox::corpus::parse;

    fn topics() -> Vec<Topic> {
        vec![
            parse(
                "coffee",
                "@ask en\nHow do I brew coffee?\n@answer en\nCoffee likes hot water and milk.\n@ask ko\n커피는 어떻게 내려?\n",
            ),
            parse("cats", "@ask en\nWhy do cats purr?\n@answer en\nCats purr when they rest.\n"),
            parse("self", "@ask en\nWho are you?\n@answer en\nA small model.\n"),
            parse("unknown", "@ask en\nSomething outside your topics?\n@answer en\nNo idea.\n"),
        ]
    }

    fn read(turns: &[(Speaker, &str)]) -> (&'static str, Reading) {
        let topics = topics();
        let turns: Vec<Turn> = turns.iter().map(|(speaker, text)| Turn::new(*speaker, *text)).collect();
        let reading = Reading::new(&Likeness::new(&topics), &topics, &turns);
        let best = reading.topics.iter().position(|weight| *weight >= 1.0).unwrap();
        (topics[best].id, reading)
    }

    #[test]
    fn a_follow_up_keeps_the_topic_and_a_new_question_leaves_it() {
        use Speaker::{Assistant, User};
        let (coffee, told) = ((User, "How do I brew coffee?"), (Assistant, "Coffee likes hot water."));
        assert_eq!(read(&[coffee]).0, "coffee");
        for follow_up in [
            "tell me more",
            "Why?",
            "한국어로",
            "in English",
            "And with milk?",
            "and in winter?",
            "At night, when cats rest?",
            "왜 그래?",
            "겨울에는?",
        ] {
            assert_eq!(read(&[coffee, told, (User, follow_up)]).0, "coffee", "{follow_up}");
        }
        for question in ["Why do cats purr?", "And why do cats purr?"] {
            assert_eq!(read(&[coffee, told, (User, question)]).0, "cats", "{question}");
        }
        assert_eq!(read(&[coffee, told, (User, "who are you")]).0, "self");
        assert_eq!(read(&[coffee, told, (User, "Which treaty ended the war?")]).0, "unknown");
        assert_eq!(read(&[coffee, told, (User, "more"), told, (User, "in Korean")]).0, "coffee");
    }

    #[test]
    fn nothing_said_is_unknown() {
        assert_eq!(read(&[]).0, "unknown");
        assert_eq!(read(&[(Speaker::User, "")]).0, "unknown");
        assert_eq!(read(&[(Speaker::User, "?")]).1.language, Language::English);
    }

    #[test]
    fn the_language_is_that_of_the_question_unless_another_is_named() {
        use Speaker::{System, User};
        let language = |turns: &[(Speaker, &str)]| read(turns).1.language;
        assert_eq!(language(&[(User, "커피는 어떻게 내려?")]), Language::Korean);
        assert_eq!(language(&[(User, "커피는 어떻게 내려? 영어로")]), Language::English);
        assert_eq!(language(&[(System, "한국어로 답해 줘."), (User, "coffee?")]), Language::Korean);
        assert_eq!(language(&[(User, "커피"), (User, "...")]), Language::Korean);
    }

    #[test]
    fn a_voice_prefers_its_own_texts() {
        let (_, reading) =
            read(&[(Speaker::System, "You are a wise panda."), (Speaker::User, "How do I brew coffee?")]);
        let weight = |topic, voice| reading.weight(topic, Language::English, voice);
        assert!(weight(0, Some(Voice::Panda)) > 10.0 * weight(0, None));
        assert!(weight(0, None) > 0.0);
        assert!(weight(0, Some(Voice::Chef)) <= 0.0);
        assert!(weight(1, Some(Voice::Panda)) > 0.0);
        assert!(reading.weight(0, Language::Korean, Some(Voice::Panda)) <= 0.0);
    }
}
