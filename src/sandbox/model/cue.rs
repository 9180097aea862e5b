//! Words that say how to answer, not what about: a language, a persona, "tell me more".
//!
//! Owns the lists of such words in both languages of the corpus. Never scores a topic.

use super::likeness::{is_hangul, without_particle, words};
use crate::sandbox::corpus::{Language, Voice};
use std::collections::HashSet;
use std::sync::LazyLock;

/// How much a question leans on what was said before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reference {
    /// It is complete in itself.
    None,
    /// It goes on from what was said, and asks something of its own: "and how do I bake bread?".
    Question,
    /// It goes on and names something: "what about cats?".
    Named,
    /// It has words of its own and one that stands for what was said: "why do they do that at night?".
    Pronoun,
    /// It names but a circumstance: "and in winter?".
    Setting,
    /// It has no words of its own.
    Whole,
}

/// Returns the words of a list that is written as one text.
fn list(words: &'static str) -> HashSet<&'static str> {
    words.split_whitespace().collect()
}

/// Words that refer back, or begin a question that does.
static BACK: LazyLock<HashSet<&str>> = LazyLock::new(|| {
    list("
    it its that this these those they them more again another else also instead shorter longer
    그거 그건 그게 그것 그걸 이거 이건 이게 이것 이걸 저건 그럼 그러면 그런데 근데 그리고 또 더 다시 다른 계속 그중 방금 위
")
});

/// First words of a question about a circumstance.
const SETTINGS: &[&str] =
    &["in", "at", "on", "for", "with", "without", "during", "after", "before", "when", "while", "under"];
/// Ends of the last word of one, longer ones first.
const SETTINGS_HANGUL: &[&str] = &[
    "에서는",
    "에서도",
    "에서",
    "에는",
    "에도",
    "에선",
    "에",
    "때는",
    "때도",
    "때",
    "날은",
    "날엔",
    "날",
    "으로는",
    "라면",
    "으면",
    "면",
];
/// Most words of such a question.
const SETTING_WORDS: usize = 5;

/// Words that ask.
static ASKING: LazyLock<HashSet<&str>> = LazyLock::new(|| {
    list(
        "what why how who which where 왜 어떻게 뭐 뭐가 무엇 무엇이 무슨 누가 누구 어디 어디서 언제 얼마나 몇 어떤",
    )
});

/// First words of a question that continues another.
const CONTINUING: &[&str] = &["and", "but", "so", "then", "or"];
/// The same in Korean.
const OPENING: &[&str] = &["그럼", "그러면", "그런데", "근데", "그리고", "또"];

/// Words that carry no topic.
static PLAIN: LazyLock<HashSet<&str>> = LazyLock::new(|| {
    list("
    a an the i you he she we me my your is are was were be been do does did can could would should
    will may have has had to of in on at for with about from by as like and or but so then if not
    no yes ok okay please what why how who which when where there tell say go continue explain
    example examples detail details detailed briefly brief short long simple simply simpler easier
    one two same way other some any just now answer question korean english language translate
    summarize summary rewrite repeat elaborate expand sentence sentences words s t re really too
    exactly actually something thing things good best better get make need want know think give
    show help many much im m ve ll d us our this that 알려 알려줘 줘 주세요 줄래 줄래요 말해 말해줘 말해줄래 설명해 설명해줘 해
    해줘 해주세요 봐 한국어 한국말 영어 우리말 짧게 길게 자세히 자세하게 쉽게 간단히 간단하게 예 예시 예를 들어 들면 왜 어떻게 뭐 뭐가 무슨 그래 그렇게 번 한번 한
    하나 하나만 좀 조금 많이 더 요약해 요약해줘 번역해 번역해줘 답 답해 답해줘 대답해 대답해줘 이야기 이야기해 얘기해 얘기해줘 문장 그냥 말 방식 방법 것 거 있어
    있나요 있을까 없어 요 네 응 아니 정말 진짜 말고 그런 그런가 그렇지 그래서 거야 건가요 거예요 돼 되나요 될까 얼마나 걸려 걸리나요 어때 어떤가요
")
});

/// Whether a word, in lower case, carries no topic.
#[must_use]
pub(super) fn is_plain(word: &str) -> bool {
    PLAIN.contains(word) || PLAIN.contains(without_particle(word))
}

/// Returns how much a question leans on what was said before it.
#[must_use]
pub(super) fn reference(question: &str) -> Reference {
    let words = words(question);
    let refers = |word: &String| BACK.contains(word.as_str()) || BACK.contains(without_particle(word));
    if words.iter().all(|word| refers(word) || is_plain(word)) {
        return Reference::Whole;
    }
    let start = words.iter().take(2).map(String::as_str).collect::<Vec<_>>().join(" ");
    let names = ["what about", "how about"].contains(&start.as_str());
    let cue = words
        .first()
        .is_some_and(|word| CONTINUING.contains(&word.as_str()) || OPENING.contains(&word.as_str()));
    let own = &words[usize::from(cue)..];
    let is_short = own.len() <= SETTING_WORDS && !own.iter().any(|word| ASKING.contains(word.as_str()));
    let sets_out = own.first().is_some_and(|word| SETTINGS.contains(&word.as_str()));
    let ends_so = own.last().is_some_and(|word| {
        let has_more = |end: &&str| own.len() > 1 || word.len() > end.len();
        word.chars().all(is_hangul) && SETTINGS_HANGUL.iter().any(|end| word.ends_with(end) && has_more(end))
    });
    if is_short && (sets_out || ends_so) {
        Reference::Setting
    } else if own.iter().any(refers) {
        Reference::Pronoun
    } else if names || (cue && is_short) {
        Reference::Named
    } else if cue {
        Reference::Question
    } else {
        Reference::None
    }
}

/// Returns the language a text asks to be answered in, where it names one.
#[must_use]
pub(super) fn named_language(text: &str) -> Option<Language> {
    let text = text.to_lowercase();
    let last = |cues: &[&str]| cues.iter().filter_map(|cue| text.rfind(cue)).max();
    let korean = last(&[
        "in korean",
        "into korean",
        "to korean",
        "korean please",
        "korean, please",
        "speak korean",
        "한국어로",
        "한국말로",
        "우리말로",
        "한글로",
    ]);
    let english = last(&[
        "in english",
        "into english",
        "to english",
        "english please",
        "english, please",
        "speak english",
        "영어로",
    ]);
    match (korean, english) {
        (None, None) => None,
        (korean, english) => Some(if korean > english { Language::Korean } else { Language::English }),
    }
}

/// Returns the language a text is written in, where it has letters at all.
#[must_use]
pub(super) fn written_language(text: &str) -> Option<Language> {
    let (mut hangul, mut other) = (0usize, 0usize);
    for letter in text.chars().filter(|letter| letter.is_alphabetic()) {
        if is_hangul(letter) { hangul += 1 } else { other += 1 }
    }
    match (hangul, other) {
        (0, 0) => None,
        // A syllable holds about three letters.
        (hangul, other) if hangul * 3 >= other => Some(Language::Korean),
        _ => Some(Language::English),
    }
}

/// Names of the voices.
const VOICES: &[(Voice, &[&str])] = &[
    (Voice::Panda, &["panda", "판다", "팬더"]),
    (Voice::Chef, &["chef", "cook", "셰프", "쉐프", "요리사", "주방장"]),
    (Voice::Trainer, &["trainer", "coach", "트레이너", "코치"]),
];

/// Words shortly before a name that make it a voice to speak in.
const BECOMING: &[&str] = &["as", "like", "be", "are", "re", "were", "pretend", "imagine", "play"];

/// Endings and words after a Hangul name that do.
const BECOMING_HANGUL: &[&str] =
    &["처럼", "라면", "답게", "같이", "말투", "목소리", "입장", "되어", "돼서", "되었다", "흉내", "역할"];

/// Returns the voice a text asks for.
///
/// In a question the name alone is not enough: "what does a chef earn" is no persona. Instructions
/// that name one are.
#[must_use]
pub(super) fn named_voice(text: &str, in_question: bool) -> Option<Voice> {
    let words = words(text);
    words.iter().enumerate().find_map(|(at, word)| {
        let named = |name: &&str| word == *name || (name.chars().all(is_hangul) && word.starts_with(*name));
        let (voice, _) = VOICES.iter().find(|(_, names)| names.iter().any(named))?;
        let before = words[at.saturating_sub(4)..at].iter().any(|w| BECOMING.contains(&w.as_str()));
        let after = words[at..].iter().take(3).any(|w| BECOMING_HANGUL.iter().any(|cue| w.contains(cue)));
        (!in_question || before || after).then_some(*voice)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn follow_ups_are_told_from_questions() {
        for text in [
            "tell me more",
            "Why?",
            "한국어로",
            "더 자세히 알려 줘",
            "in English please",
            "다시 한번 말해 줘",
            "왜 그래?",
            "얼마나 걸려?",
            "...",
        ] {
            assert_eq!(reference(text), Reference::Whole, "{text}");
        }
        for text in ["And with milk?", "in winter?", "at night?", "겨울에는?", "그럼 비 오는 날은?"]
        {
            assert_eq!(reference(text), Reference::Setting, "{text}");
        }
        for text in ["what about beginners", "그럼 고양이는?", "And cats?"] {
            assert_eq!(reference(text), Reference::Named, "{text}");
        }
        for text in ["why do they do that at night?", "How long does it take to bake?", "그건 고양이도 먹어?"]
        {
            assert_eq!(reference(text), Reference::Pronoun, "{text}");
        }
        for text in ["And how do I bake bread?", "그럼 김치는 어떻게 담가?"] {
            assert_eq!(reference(text), Reference::Question, "{text}");
        }
        for text in [
            "What is coffee?",
            "달은 왜 모양이 바뀌나요?",
            "커피",
            "고양이는?",
            "In which year was tea found?",
        ] {
            assert_eq!(reference(text), Reference::None, "{text}");
        }
    }

    #[test]
    fn the_language_named_last_counts() {
        assert_eq!(named_language("not in English but in Korean"), Some(Language::Korean));
        assert_eq!(named_language("영어로 답해 줘"), Some(Language::English));
        assert_eq!(named_language("Koreans in the English garden"), None);
    }

    #[test]
    fn the_script_tells_the_language() {
        assert_eq!(written_language("top_p 값은 무슨 뜻이야?"), Some(Language::Korean));
        assert_eq!(written_language("What does 눈치 mean in daily life?"), Some(Language::English));
        assert_eq!(written_language("42?"), None);
    }

    #[test]
    fn a_voice_is_asked_for_not_only_mentioned() {
        assert_eq!(named_voice("Explain rain like a wise panda", true), Some(Voice::Panda));
        assert_eq!(named_voice("셰프처럼 설명해 줘", true), Some(Voice::Chef));
        assert_eq!(named_voice("트레이너 말투로 답해 줘", true), Some(Voice::Trainer));
        assert_eq!(named_voice("What does a chef earn?", true), None);
        assert_eq!(named_voice("Role: passionate chef", false), Some(Voice::Chef));
    }
}
