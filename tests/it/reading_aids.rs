//! The ways to read the answers of a comparison, at the sizes a workbench is mostly used at.

use crate::support::stage::{Stage, token};
use tokenscope::core::id::RunId;
use tokenscope::core::stream::{FinishReason, StreamEvent};
use tokenscope::core::text::width;
use tokenscope::core::token::Token;

/// The sizes a workbench is mostly used at.
const SIZES: [(u16, u16); 3] = [(80, 24), (120, 40), (200, 60)];

/// A comparison of two temperatures, each asked so often, and answered so, column by column.
fn answered(size: (u16, u16), repeats: u32, answers: &[&str]) -> Stage {
    let mut stage = Stage::with(size.0, size.1, |start| {
        start.temperatures = vec![0.3, 1.8];
        start.repeats = repeats;
        start.concurrency = 100;
    });
    stage.press("alt-2").type_text("hi").press("enter");
    let runs: Vec<RunId> = stage.app.compare.runs().map(|run| run.id).collect();
    for (run, text) in runs.into_iter().zip(answers) {
        let tokens = text.split_inclusive(' ').map(word).collect();
        stage.event(run, StreamEvent::Attempt { number: 1 }).wait(100);
        stage.event(run, StreamEvent::Delta { text: (*text).to_owned(), tokens });
        stage.wait(100).event(run, StreamEvent::Finished(FinishReason::Stop));
    }
    stage
}

/// Returns a token of which the model was half sure.
fn word(text: &str) -> Token {
    token(&[(text, 0.5), ("quiet ", 0.3), ("loud ", 0.1)])
}

/// Asserts that a screen has a text, and no line that is too wide.
#[track_caller]
fn assert_shows(stage: &Stage, texts: &[&str]) {
    let screen = stage.screen();
    for text in texts {
        assert!(screen.contains(text), "no {text:?} in\n{screen}");
    }
    let cells = usize::from(stage.app.size().width);
    assert!(screen.lines().all(|line| width(line) <= cells), "{screen}");
}

#[track_caller]
fn assert_lacks(stage: &Stage, texts: &[&str]) {
    let screen = stage.screen();
    for text in texts {
        assert!(!screen.contains(text), "{text:?} in\n{screen}");
    }
}

#[test]
fn a_difference_is_against_the_base_and_the_base_is_chosen() {
    for size in SIZES {
        let mut stage = answered(size, 1, &["a quiet 새벽", "a loud 새벽"]);
        stage.press("d");
        assert_shows(&stage, &["a ⟨-quiet⟩⟨+loud⟩ 새벽", "T 0.3 · base"]);
        assert!(stage.notice().contains("what differs from 0.3: b makes another"), "{}", stage.notice());
        // Both tokens where they part, and how likely each was here and there.
        assert_shows(&stage, &["50.0"]);
        stage.press("right b");
        assert_shows(&stage, &["a ⟨-loud⟩⟨+quiet⟩ 새벽", "T 1.8 · base"]);
        stage.press("d");
        assert_shows(&stage, &["a quiet 새벽", "a loud 새벽"]);
        assert_lacks(&stage, &["⟨", "· base"]);
    }
}

#[test]
fn only_what_differs_is_shown_on_request() {
    let same = "하나 둘 셋 넷 다섯 여섯 일곱 여덟 아홉 열";
    let other = format!("{same} 끝");
    for size in SIZES {
        let mut stage = answered(size, 1, &[same, &other]);
        stage.press("o");
        assert!(stage.notice().contains("d and m show it"), "{}", stage.notice());
        stage.press("d");
        assert_shows(&stage, &["끝", "…"]);
        assert_shows(&stage, &["하나 둘"]);
        let screen = stage.screen();
        assert_eq!(screen.matches("하나 둘").count(), 1, "only the base has all of it: {screen}");
        stage.press("o");
        assert_eq!((stage.notice(), stage.screen().matches("하나 둘").count()), ("all of the text", 2));
    }
}

#[test]
fn differences_are_walked_from_one_to_the_next() {
    let lines = |word: &str| {
        (0..60)
            .map(|at| if at % 20 == 19 { format!("{word}{at}") } else { format!("same{at}") })
            .collect::<Vec<_>>()
    };
    let (base, other) = (lines("old").join("\n\n"), lines("new").join("\n\n"));
    for size in SIZES {
        let mut stage = answered(size, 1, &[&base, &other]);
        stage.press("d right g n");
        for number in [19, 39, 59] {
            assert_shows(&stage, &[&format!("new{number}")]);
            stage.press("n");
        }
        assert_eq!(stage.notice(), "no further difference");
        stage.press("N");
        assert_shows(&stage, &["new39"]);
        // From the text itself the key opens the difference first.
        stage.press("d n");
        assert_shows(&stage, &["· base"]);
    }
}

#[test]
fn the_consensus_is_of_the_repeats_or_of_the_row() {
    for size in SIZES {
        let mut stage =
            answered(size, 3, &["고요한 아침 하나", "고요한 아침 하나", "고요한 밤 하나", "x", "x", "x"]);
        stage.press("m");
        assert_shows(&stage, &["what 3 answers share", "고요한 ⟨아침 2/3 | 밤 1/3⟩ 하나"]);
        stage.press("right");
        assert_shows(&stage, &["what 3 answers share", "x"]);
        assert_lacks(&stage, &["⟨"]);
        stage.press("m");
        assert_shows(&stage, &["T 0.3 · 1/3"]);
        let mut row = answered(size, 1, &["a quiet 새벽", "a loud 새벽"]);
        row.press("m");
        assert_shows(&row, &["what 2 answers share", "⟨quiet 1/2 | loud 1/2⟩ 새벽"]);
    }
}

#[test]
fn one_answer_has_nothing_to_share() {
    let mut stage = answered((80, 24), 1, &["하나"]);
    stage.press("m");
    assert_shows(&stage, &["There is nothing to compare yet"]);
}

#[test]
fn few_answers_are_shown_and_many_have_a_mean() {
    for size in SIZES {
        let mut few = answered(size, 3, &["하나", "둘", "셋", "x", "x", "y"]);
        few.press("s");
        assert_shows(&few, &["temperature", "similarity", "no mean under 5 answers", "1.8"]);
        assert_lacks(&few, &["±", "⠒"]);
        few.press("k k");
        assert_shows(&few, &["▸ distinct"]);
        few.press("s");
        assert_shows(&few, &["T 0.3 · 1/3"]);
        let mut many =
            answered(size, 5, &["a", "b", "a b", "가 나 다", "a", "one two", "b", "a b c d", "셋", "a b c"]);
        many.press("s");
        for _ in 0..4 {
            many.press("j");
        }
        assert_shows(&many, &["▸ tokens", "±", "mean"]);
    }
}

#[test]
fn fields_of_json_answers_are_laid_side_by_side() {
    let answers =
        [r#"{"city":"서울","n":1}"#, r#"{"city":"서울","n":2}"#, r#"{"city":"부산"}"#, "Sure! {\"city\":"];
    for size in SIZES {
        let mut stage = answered(size, 2, &answers);
        stage.press("f");
        assert_shows(
            &stage,
            &["path", "$.city", "\"서울\" 2/2", "\"부산\" 1/1", "1.8 1/2 JSON", "1 1/2 · 2 1/2"],
        );
        stage.press("j");
        assert_shows(&stage, &["▸ $.n"]);
        let mut words = answered(size, 1, &["말", "words"]);
        words.press("f");
        assert_shows(&words, &["No answer is JSON", "response_format"]);
    }
}

#[test]
fn a_lens_of_a_grid_is_of_the_row_under_the_cursor() {
    for size in SIZES {
        let mut stage = Stage::with(size.0, size.1, |start| start.temperatures = vec![0.3, 1.8]);
        stage.press("alt-2").type_text("hi").press("alt-t down right enter enter");
        let answers = ["아침 one", "brot", "아침 two", "brot"];
        let runs: Vec<RunId> = stage.app.compare.runs().map(|run| run.id).collect();
        for (run, text) in runs.into_iter().zip(answers) {
            stage.answer(run, text);
        }
        stage.press("m");
        assert_shows(&stage, &["what 2 answers share · chef", "⟨one 1/2 | two 1/2⟩"]);
        stage.press("J");
        assert_shows(&stage, &["what 2 answers share · panda", "brot"]);
        assert_lacks(&stage, &["⟨"]);
        stage.press("s");
        assert_shows(&stage, &["statistics · panda"]);
        stage.press("d K right");
        assert_shows(&stage, &["⟨-one⟩⟨+two⟩"]);
    }
}

#[test]
fn cells_scroll_together_on_request() {
    let long = (0..200).map(|at| format!("줄 {at}")).collect::<Vec<_>>().join("\n\n");
    let mut stage = answered((120, 40), 1, &[&long, &long]);
    stage.press("g");
    assert_eq!(stage.screen().matches("줄 0 ").count(), 1, "{}", stage.screen());
    stage.press("G = g");
    assert_eq!((stage.notice(), stage.screen().matches("줄 0 ").count()), ("all cells scroll together", 2));
    stage.press("= j");
    assert_eq!(stage.screen().matches("줄 0 ").count(), 1, "{}", stage.screen());
}

#[test]
fn differences_are_read_from_the_start_of_each_cell() {
    let lines = |word: &str, changed: &[usize]| -> String {
        let line =
            |at: usize| if changed.contains(&at) { format!("{word}{at}") } else { format!("same{at}") };
        (0..60).map(line).collect::<Vec<_>>().join("\n\n")
    };
    for size in SIZES {
        let mut stage = answered(size, 1, &[&lines("old", &[0, 30, 45]), &lines("new", &[0, 30, 45])]);
        assert_shows(&stage, &["same59"]);
        stage.press("d");
        assert_shows(&stage, &["old0", "new0"]);
        assert_lacks(&stage, &["same59"]);
        stage.press("n");
        assert_eq!(stage.notice(), "this is the base: the other columns show what differs from it");
        stage.press("right n");
        assert_shows(&stage, &["new0"]);
        for number in [30, 45] {
            stage.press("n");
            assert_shows(&stage, &[&format!("new{number}")]);
        }
        // What the user has scrolled stays where it is.
        stage.press("d d");
        assert_shows(&stage, &["new45"]);
        stage.press("m");
        assert_shows(&stage, &["same1"]);
        // An answer that comes meanwhile is read from its start too.
        stage.press("d r");
        let run = stage.last_run();
        stage.answer(run, &lines("more", &[0, 30]));
        assert_shows(&stage, &["more0"]);
    }
}
