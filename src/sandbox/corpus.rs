//! The texts the language model is built from: one file per topic, embedded in the program.
//!
//! Owns the list of files and their line format (`@ask LANG`, `@answer LANG [VOICE]`). Never judges a
//! text. Lenient when reading, so that the program cannot fail on its own data; the tests are strict.

/// A language the corpus is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Language {
    /// English.
    English,
    /// Korean.
    Korean,
}

impl Language {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::English, Self::Korean];

    /// Returns the language of this code.
    #[must_use]
    pub fn from_code(code: &str) -> Option<Self> {
        match code {
            "en" => Some(Self::English),
            "ko" => Some(Self::Korean),
            _ => None,
        }
    }

    /// Returns the English name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::English => "English",
            Self::Korean => "Korean",
        }
    }
}

/// A persona some answers are told by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Voice {
    /// A wise, slow panda.
    Panda,
    /// A passionate chef.
    Chef,
    /// A loud, encouraging fitness trainer.
    Trainer,
}

impl Voice {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Panda, Self::Chef, Self::Trainer];

    /// Returns the name used in the corpus.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Panda => "panda",
            Self::Chef => "chef",
            Self::Trainer => "trainer",
        }
    }

    /// Returns the voice of this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|voice| voice.name() == name)
    }
}

/// One answer text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// What it is written in.
    pub language: Language,
    /// Who tells it; `None` for the plain voice.
    pub voice: Option<Voice>,
    /// The text, without surrounding blank lines.
    pub text: String,
}

/// One topic: what people ask, and the answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Topic {
    /// The name of its file, in kebab case.
    pub id: &'static str,
    /// Questions in the words of a person.
    pub asks: Vec<(Language, &'static str)>,
    /// Answers; several paraphrases for each language.
    pub answers: Vec<Answer>,
}

/// What the lines after a marker belong to.
enum Section {
    None,
    Asks(Language),
    Answer(Language, Option<Voice>),
}

/// Returns the topic a file describes.
///
/// A line that begins with `@` opens a section; one that is not understood opens a section that is
/// left out.
#[must_use]
pub fn parse(id: &'static str, source: &'static str) -> Topic {
    let mut topic = Topic { id, asks: Vec::new(), answers: Vec::new() };
    let mut section = Section::None;
    for line in source.lines() {
        if let Some(marker) = line.strip_prefix('@') {
            section = open(marker);
            if let Section::Answer(language, voice) = section {
                topic.answers.push(Answer { language, voice, text: String::new() });
            }
            continue;
        }
        match section {
            Section::None => {}
            Section::Asks(language) => {
                let ask = line.trim();
                if !ask.is_empty() {
                    topic.asks.push((language, ask));
                }
            }
            Section::Answer(..) => {
                if let Some(answer) = topic.answers.last_mut() {
                    answer.text.push_str(line.trim_end());
                    answer.text.push('\n');
                }
            }
        }
    }
    for answer in &mut topic.answers {
        answer.text = answer.text.trim().to_owned();
    }
    topic.answers.retain(|answer| !answer.text.is_empty());
    topic
}

fn open(marker: &str) -> Section {
    let mut words = marker.split_whitespace();
    let (kind, language) = (words.next(), words.next().and_then(Language::from_code));
    match (kind, language, words.next()) {
        (Some("ask"), Some(language), None) => Section::Asks(language),
        (Some("answer"), Some(language), None) => Section::Answer(language, None),
        (Some("answer"), Some(language), Some(name)) => match Voice::from_name(name) {
            Some(voice) => Section::Answer(language, Some(voice)),
            None => Section::None,
        },
        _ => Section::None,
    }
}

/// Returns all embedded topics, in the order of their names.
#[must_use]
pub fn embedded() -> Vec<Topic> {
    TOPICS.iter().map(|(id, source)| parse(id, source)).collect()
}

/// The files, by topic.
pub const TOPICS: &[(&str, &str)] = &[
    ("apology", include_str!("../../assets/sandbox/topics/apology.txt")),
    ("autumn-leaves", include_str!("../../assets/sandbox/topics/autumn-leaves.txt")),
    ("bees", include_str!("../../assets/sandbox/topics/bees.txt")),
    ("bicycle", include_str!("../../assets/sandbox/topics/bicycle.txt")),
    ("birthday", include_str!("../../assets/sandbox/topics/birthday.txt")),
    ("book-cafe", include_str!("../../assets/sandbox/topics/book-cafe.txt")),
    ("bread", include_str!("../../assets/sandbox/topics/bread.txt")),
    ("cats", include_str!("../../assets/sandbox/topics/cats.txt")),
    ("chess", include_str!("../../assets/sandbox/topics/chess.txt")),
    ("city-dish", include_str!("../../assets/sandbox/topics/city-dish.txt")),
    ("coffee", include_str!("../../assets/sandbox/topics/coffee.txt")),
    ("context-window", include_str!("../../assets/sandbox/topics/context-window.txt")),
    ("debugging", include_str!("../../assets/sandbox/topics/debugging.txt")),
    ("dog-nickname", include_str!("../../assets/sandbox/topics/dog-nickname.txt")),
    ("email", include_str!("../../assets/sandbox/topics/email.txt")),
    ("git-commit", include_str!("../../assets/sandbox/topics/git-commit.txt")),
    ("greeting", include_str!("../../assets/sandbox/topics/greeting.txt")),
    ("hangul", include_str!("../../assets/sandbox/topics/hangul.txt")),
    ("help", include_str!("../../assets/sandbox/topics/help.txt")),
    ("houseplants", include_str!("../../assets/sandbox/topics/houseplants.txt")),
    ("interview", include_str!("../../assets/sandbox/topics/interview.txt")),
    ("kimchi", include_str!("../../assets/sandbox/topics/kimchi.txt")),
    ("language-learning", include_str!("../../assets/sandbox/topics/language-learning.txt")),
    ("moon", include_str!("../../assets/sandbox/topics/moon.txt")),
    ("packing", include_str!("../../assets/sandbox/topics/packing.txt")),
    ("perplexity", include_str!("../../assets/sandbox/topics/perplexity.txt")),
    ("piano", include_str!("../../assets/sandbox/topics/piano.txt")),
    ("probability", include_str!("../../assets/sandbox/topics/probability.txt")),
    ("rain", include_str!("../../assets/sandbox/topics/rain.txt")),
    ("recursion", include_str!("../../assets/sandbox/topics/recursion.txt")),
    ("rice", include_str!("../../assets/sandbox/topics/rice.txt")),
    ("rising-early", include_str!("../../assets/sandbox/topics/rising-early.txt")),
    ("running", include_str!("../../assets/sandbox/topics/running.txt")),
    ("rust-language", include_str!("../../assets/sandbox/topics/rust-language.txt")),
    ("saving-money", include_str!("../../assets/sandbox/topics/saving-money.txt")),
    ("sea", include_str!("../../assets/sandbox/topics/sea.txt")),
    ("seed", include_str!("../../assets/sandbox/topics/seed.txt")),
    ("self", include_str!("../../assets/sandbox/topics/self.txt")),
    ("shoe-slogan", include_str!("../../assets/sandbox/topics/shoe-slogan.txt")),
    ("sleep", include_str!("../../assets/sandbox/topics/sleep.txt")),
    ("stars", include_str!("../../assets/sandbox/topics/stars.txt")),
    ("study", include_str!("../../assets/sandbox/topics/study.txt")),
    ("system-prompt", include_str!("../../assets/sandbox/topics/system-prompt.txt")),
    ("tea", include_str!("../../assets/sandbox/topics/tea.txt")),
    ("temperature", include_str!("../../assets/sandbox/topics/temperature.txt")),
    ("thanks", include_str!("../../assets/sandbox/topics/thanks.txt")),
    ("tokens", include_str!("../../assets/sandbox/topics/tokens.txt")),
    ("top-p", include_str!("../../assets/sandbox/topics/top-p.txt")),
    ("unknown", include_str!("../../assets/sandbox/topics/unknown.txt")),
    ("walking", include_str!("../../assets/sandbox/topics/walking.txt")),
];

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn the_list_is_the_directory() {
        let directory = concat!(env!("CARGO_MANIFEST_DIR"), "/assets/sandbox/topics");
        let mut files: Vec<String> = std::fs::read_dir(directory)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .filter_map(|name| name.strip_suffix(".txt").map(str::to_owned))
            .collect();
        files.sort();
        let listed: Vec<&str> = TOPICS.iter().map(|(id, _)| *id).collect();
        assert_eq!(listed, files, "TOPICS must list every file of {directory} in order");
    }

    #[test]
    fn every_file_is_whole() {
        for (id, source) in TOPICS {
            assert!(!source.contains('\r'), "{id}: line ends are LF");
            assert_eq!(source.lines().next(), Some(format!("@topic {id}").as_str()), "{id}: first line");
            for marker in source.lines().filter_map(|line| line.strip_prefix('@')).skip(1) {
                assert!(!matches!(open(marker), Section::None), "{id}: unknown marker @{marker}");
            }
            let topic = parse(id, source);
            for language in Language::ALL {
                let asks = topic.asks.iter().filter(|(l, _)| *l == language).count();
                let plain =
                    topic.answers.iter().filter(|a| a.language == language && a.voice.is_none()).count();
                assert!(asks >= 3, "{id}: {asks} questions in {}", language.name());
                assert!(plain >= 3, "{id}: {plain} answers in {}", language.name());
            }
            let texts: BTreeSet<&str> = topic.answers.iter().map(|answer| answer.text.as_str()).collect();
            assert_eq!(texts.len(), topic.answers.len(), "{id}: an answer is there twice");
        }
    }

    #[test]
    fn sections_are_read_and_unknown_ones_left_out() {
        let topic = parse(
            "x",
            "@topic x\n@ask en\nWhy?\n\n@answer en\nOne.\n\nTwo.\n\n@answer ko panda\n셋\n@answer en ghost\nlost\n@note\nlost\n",
        );
        assert_eq!(topic.asks, [(Language::English, "Why?")]);
        assert_eq!(
            topic.answers,
            [
                Answer { language: Language::English, voice: None, text: "One.\n\nTwo.".into() },
                Answer { language: Language::Korean, voice: Some(Voice::Panda), text: "셋".into() },
            ]
        );
    }
}
