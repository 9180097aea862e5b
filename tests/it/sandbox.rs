//! The embedded model's answers, and the server before it.

use std::collections::BTreeSet;
use std::sync::{LazyLock, OnceLock};
use tokenscope::core::model::Encoding;
use tokenscope::sandbox::corpus;
use tokenscope::sandbox::model::{Model, Random, Settings, Speaker, Turn};
use tokenscope::tokenizer::table;

static MODEL: LazyLock<Model> = LazyLock::new(|| Model::new(table(Encoding::O200kBase), corpus::embedded()));

/// No answer of the corpus is half as long.
const LONGEST_ANSWER: usize = 600;

struct Question {
    language: &'static str,
    text: &'static str,
    keywords: Vec<&'static str>,
}

fn questions() -> Vec<Question> {
    include_str!("golden/questions.txt")
        .lines()
        .filter(|line| !line.starts_with('#') && !line.is_empty())
        .map(|line| {
            let fields: Vec<&str> = line.split(" | ").collect();
            let [_, language, text, keywords] = fields[..] else { panic!("four fields: {line}") };
            Question { language, text, keywords: keywords.split(", ").collect() }
        })
        .collect()
}

struct Told {
    text: String,
    surprisal_bits: Vec<f64>,
    ended: bool,
}

fn tell(question: &str, temperature: f64, seed: u64) -> Told {
    let settings = Settings { temperature, ..Settings::default() };
    let turns = [Turn::new(Speaker::User, question)];
    let mut generation = MODEL.answer(&turns, settings, Random::new(seed));
    let (mut bytes, mut surprisal_bits) = (Vec::new(), Vec::new());
    while surprisal_bits.len() < LONGEST_ANSWER {
        let Some(choice) = generation.next(&MODEL, 0) else {
            let text = String::from_utf8_lossy(&bytes).into_owned();
            return Told { text, surprisal_bits, ended: true };
        };
        bytes.extend_from_slice(MODEL.bytes(choice.token).unwrap_or_default());
        surprisal_bits.push(-choice.logprob / std::f64::consts::LN_2);
    }
    Told { text: String::from_utf8_lossy(&bytes).into_owned(), surprisal_bits, ended: false }
}

/// Temperatures the tests look at.
const TEMPERATURES: [f64; 5] = [0.0, 0.3, 0.7, 1.0, 1.8];

/// Returns the answers to all questions at one of [`TEMPERATURES`]; told once for all tests.
fn answers(temperature: f64) -> &'static [(Question, Told)] {
    static ANSWERS: [OnceLock<Vec<(Question, Told)>>; TEMPERATURES.len()] =
        [const { OnceLock::new() }; TEMPERATURES.len()];
    let at = TEMPERATURES.iter().position(|known| known.total_cmp(&temperature).is_eq());
    let Some(at) = at else { panic!("no temperature of the tests: {temperature}") };
    ANSWERS[at].get_or_init(|| {
        questions()
            .into_iter()
            .map(|question| {
                let told = tell(question.text, temperature, 1);
                (question, told)
            })
            .collect()
    })
}

/// Mean surprisal over all tokens of the answers to all questions.
fn mean_surprisal_bits(temperature: f64) -> f64 {
    let (mut sum, mut count) = (0.0, 0.0);
    for (_, told) in answers(temperature) {
        for bits in &told.surprisal_bits {
            sum += bits;
            count += 1.0;
        }
    }
    sum / count
}

/// The language most letters outside code are of.
fn language(text: &str) -> &'static str {
    let prose: String = text.split("```").step_by(2).collect();
    let hangul = prose.chars().filter(|letter| ('가'..='힣').contains(letter)).count();
    let latin = prose.chars().filter(char::is_ascii_alphabetic).count();
    // A syllable holds about three letters.
    if hangul * 3 > latin { "ko" } else { "en" }
}

#[test]
fn the_list_has_eighty_questions_or_more_in_two_languages() {
    let questions = questions();
    for language in ["en", "ko"] {
        assert!(questions.iter().filter(|question| question.language == language).count() >= 40);
    }
    let asked: BTreeSet<&str> =
        corpus::embedded().iter().flat_map(|topic| topic.asks.iter().map(|(_, ask)| *ask)).collect();
    for question in questions {
        assert!(!asked.contains(question.text), "stands in the corpus: {}", question.text);
    }
}

#[test]
fn answers_are_on_topic_and_in_the_language_of_the_question() {
    for temperature in [0.0, 0.3] {
        let answers = answers(temperature);
        let off: Vec<String> = answers
            .iter()
            .filter(|(question, told)| {
                let text = told.text.to_lowercase();
                let on_topic = question.keywords.iter().any(|keyword| text.contains(keyword));
                !on_topic || language(&told.text) != question.language
            })
            .map(|(question, told)| format!("{}\n  {}", question.text, told.text))
            .collect();
        assert!(off.len() * 33 <= answers.len(), "at {temperature}:\n{}", off.join("\n"));
    }
}

#[test]
fn answers_end_by_themselves_in_whole_sentences() {
    for temperature in [0.0, 0.3, 0.7] {
        let answers = answers(temperature);
        let torn: Vec<&str> = answers
            .iter()
            .filter(|(_, told)| {
                // A list, a table or code may come last.
                let last = told.text.trim_end_matches(['"', '\'', ')', '*', '`', '|', '\n']);
                let whole = last.ends_with(['.', '!', '?']) || last.len() < told.text.len();
                !told.ended || !whole || told.surprisal_bits.len() < 8
            })
            .map(|(_, told)| told.text.as_str())
            .collect();
        assert!(torn.len() * 33 <= answers.len(), "at {temperature}:\n{}", torn.join("\n---\n"));
    }
}

#[test]
fn surprisal_grows_with_temperature() {
    let [cool, warm, hot] = [0.3, 1.0, 1.8].map(mean_surprisal_bits);
    assert!(hot >= 3.0 * cool, "{hot} bits at 1.8, {cool} at 0.3");
    assert!((0.6..1.0).contains(&warm), "{warm} bits at 1.0");
}

#[test]
fn there_are_real_choices_at_many_positions() {
    let (mut open, mut all) = (0, 0);
    for (question, told) in answers(1.0).iter().step_by(3) {
        let settings = Settings { temperature: 1.0, ..Settings::default() };
        let turns = [Turn::new(Speaker::User, question.text)];
        let mut generation = MODEL.answer(&turns, settings, Random::new(1));
        for _ in &told.surprisal_bits {
            let Some(choice) = generation.next(&MODEL, 2) else { break };
            all += 1;
            open += usize::from(choice.top[1].1 > 0.02f64.ln());
        }
    }
    assert!(open * 5 > all, "{open} of {all} positions");
}

#[test]
fn high_temperature_wanders_into_the_other_language() {
    let answers = answers(1.8);
    let mixed = answers
        .iter()
        .filter(|(_, told)| {
            let hangul = told.text.chars().any(|letter| ('가'..='힣').contains(&letter));
            let latin = told.text.split_whitespace().filter(|word| word.len() > 3 && word.is_ascii()).count();
            hangul && latin > 2
        })
        .count();
    assert!(mixed * 3 > answers.len(), "{mixed} answers mix the languages");
}

#[test]
fn paraphrases_are_mixed() {
    for text in ["What are the upsides of an early start?", "고양이에 대해 말해 줘"] {
        let answers: BTreeSet<String> = (0..20).map(|seed| tell(text, 1.0, seed).text).collect();
        assert!(answers.len() > 10, "{} distinct answers", answers.len());
    }
}

/// The likeliest topic of a question that follows one about bread.
fn topic_after_bread(question: &str) -> &'static str {
    let turns = [
        Turn::new(Speaker::User, "How is bread baked?"),
        Turn::new(Speaker::Assistant, "With flour, water, salt and time."),
        Turn::new(Speaker::User, question),
    ];
    let reading = MODEL.read(&turns);
    let best = MODEL.topics().iter().zip(&reading.topics).max_by(|a, b| a.1.total_cmp(b.1));
    best.map_or("", |(topic, _)| topic.id)
}

#[test]
fn a_short_follow_up_stays_although_its_words_are_another_topic_s() {
    for question in [
        "and in winter?",
        "at night?",
        "with milk?",
        "And for dogs?",
        "why do they do that at night?",
        "how long does it take?",
        "왜 그래?",
        "겨울에는?",
        "그럼 비 오는 날은?",
        "얼마나 걸려?",
    ] {
        assert_eq!(topic_after_bread(question), "bread", "{question}");
    }
    for (question, topic) in [
        ("What is tea?", "tea"),
        ("bees?", "bees"),
        ("고양이는?", "cats"),
        ("What about the sea?", "sea"),
        ("And what is recursion?", "recursion"),
        ("그럼 김치는 어떻게 담가?", "kimchi"),
    ] {
        assert_eq!(topic_after_bread(question), topic, "{question}");
    }
}
