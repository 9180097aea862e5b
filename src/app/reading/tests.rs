use super::*;
use crate::markup::{Document, Source};
use proptest::prelude::*;

/// Returns the pieces of a reading that are marked so.
fn taken(reading: &Reading, is_taken: impl Fn(Mark) -> bool) -> String {
    reading
        .marks
        .iter()
        .filter(|(_, mark)| is_taken(*mark))
        .map(|(range, _)| &reading.text[range.clone()])
        .collect()
}

fn difference(base: &str, other: &str) -> String {
    Reading::difference(base, other, false).text
}

fn consensus(texts: &[&str]) -> String {
    Reading::consensus(&Consensus::of_texts(texts), false).text
}

/// What holds of every reading.
fn check(reading: &Reading) -> Result<(), TestCaseError> {
    let mut at = 0;
    for (range, _) in &reading.marks {
        prop_assert_eq!(range.start, at);
        prop_assert!(range.end > range.start && reading.text.is_char_boundary(range.end));
        at = range.end;
    }
    prop_assert_eq!(at, reading.text.len());
    Ok(())
}

/// Returns one answer from the reading of a consensus whose splits leave nothing out.
fn read_out(consensus: &Consensus<'_>, reading: &Reading, answer: usize) -> String {
    let mut splits = consensus.parts.iter().filter_map(|part| match part {
        Part::Split(ways) => Some(ways),
        Part::Shared(_) => None,
    });
    let mut out = String::new();
    let mut way = None;
    for (range, mark) in &reading.marks {
        let text = &reading.text[range.clone()];
        match mark {
            Mark::Split if text.starts_with('⟨') => {
                way = splits.next().unwrap().iter().position(|way| way.answers.contains(&answer));
            }
            Mark::Same => out.push_str(text),
            Mark::Way(number) if Some(*number) == way => out.push_str(text),
            Mark::Way(_) | Mark::Split | Mark::Share | Mark::Gap | Mark::Added | Mark::Removed => {}
        }
    }
    out
}

#[test]
fn a_difference_says_what_was_taken_out_and_put_in() {
    assert_eq!(difference("a quiet dawn", "a bright dawn"), "a ⟨-quiet⟩⟨+bright⟩ dawn");
    assert_eq!(difference("나는 서울에 산다", "나는 산다"), "나는 ⟨-서울에 ⟩산다");
    assert_eq!(difference("same", "same"), "same");
    assert_eq!(difference("", "new"), "⟨+new⟩");
    let reading = Reading::difference("a quiet dawn", "a bright dawn", false);
    assert_eq!(taken(&reading, |mark| mark == Mark::Removed), "quiet");
    assert_eq!(reading.mark_at(reading.text.find("bright").unwrap()), Mark::Added);
    assert_eq!(reading.stops().collect::<Vec<_>>(), [2]);
}

#[test]
fn white_space_on_its_own_can_be_seen() {
    assert_eq!(difference("end", "end\n"), "end⟨+⏎\n⟩");
    assert_eq!(consensus(&["a", "a  ", "a"]), "a⟨2/3 | ␣␣   1/3⟩");
}

#[test]
fn what_is_the_same_is_left_out_far_from_differences() {
    let same = "one two three four five six seven eight nine ten";
    let (base, other) = (format!("{same} old {same}"), format!("{same} new {same}"));
    let reading = Reading::difference(&base, &other, true);
    assert_eq!(reading.text, "… eight nine ten ⟨-old⟩⟨+new⟩ one two three … ");
    assert_eq!(Reading::difference(same, same, true).text, "no difference");
    let consensus = Consensus::of_texts(&[&base, &other]);
    let reading = Reading::consensus(&consensus, true);
    assert_eq!(reading.text, "… eight nine ten ⟨old 1/2 | new 1/2⟩ one two three … ");
    assert_eq!(Reading::consensus(&Consensus::of_texts(&[]), true).text, "");
}

#[test]
fn a_consensus_has_shared_text_once_and_shares_where_answers_part() {
    let answers = ["a quiet dawn", "a loud dawn", "a quiet dawn", "a quiet dawn", "a loud dawn"];
    assert_eq!(consensus(&answers), "a ⟨quiet 60.0 % | loud 40.0 %⟩ dawn");
    assert_eq!(consensus(&["yes", "yes, always"]), "yes⟨1/2 | , always 1/2⟩");
}

#[test]
fn many_ways_are_bounded() {
    let texts: Vec<String> = (0..20).map(|number| format!("the w{number} one")).collect();
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    assert_eq!(consensus(&texts), "the ⟨w0 5.0 % | w1 5.0 % | w2 5.0 % | w3 5.0 % | +16 more 80.0 %⟩ one");
    assert!(consensus(&texts[..5]).ends_with("| w4 20.0 %⟩ one"));
}

#[test]
fn long_ways_stand_on_lines_of_their_own() {
    let long = "gravity called and we all hung up again, one after the other, until nobody was left";
    let text = consensus(&["Yes. Quietly, said the panda.", &format!("Yes. {long}")]);
    assert_eq!(text, format!("Yes. \n⟨ 1/2  Quietly, said the panda.\n| 1/2  {long}⟩"));
    let text = consensus(&["One said nothing at all. The end", &format!("{long}. The end")]);
    assert!(text.ends_with("nobody was left⟩\n. The end"), "{text}");
    let endless = "word ".repeat(1_000);
    let text = consensus(&[&endless, "x"]);
    assert!(text.len() < 3_000 && text.contains('…'), "{text}");
}

#[test]
fn very_long_texts_are_compared_as_far_as_it_is_bounded() {
    let long = (0..60_000).map(|number| format!("가{number}")).collect::<Vec<_>>().join(" ");
    let reading = Reading::difference(&long, &long.replace('7', "8"), true);
    assert!(reading.text.ends_with("too long to be compared"));
    assert!(reading.text.len() < 4 * COMPARED);
}

#[test]
fn many_long_answers_are_bounded_too() {
    use crate::core::id::RunId;
    use crate::core::request::{Request, Sampling};
    let request = std::sync::Arc::new(Request {
        endpoint: "e".into(),
        model: "m".into(),
        messages: Vec::new(),
        sampling: Sampling::default(),
        continuation: None,
        stream: true,
    });
    let answer =
        |seed: usize| (0..1_500).map(|at| format!("w{}", (at * seed) % 97)).collect::<Vec<_>>().join(" ");
    let runs: Vec<Run> = (1..=100)
        .map(|seed| Run::recorded(RunId(1), std::sync::Arc::clone(&request), answer(seed)))
        .collect();
    let runs: Vec<&Run> = runs.iter().collect();
    let reading = Reading::of_answers(&runs, false);
    assert!(reading.text.len() < OVERLAID && reading.text.ends_with("laid over each other"));
    assert!(!Reading::of_answers(&runs[..2], false).text.contains("too long"));
}

/// Text with much that could go wrong at the seams.
fn hostile() -> impl Strategy<Value = String> {
    "([ab] |\n|\r\n|\r|가 |\u{301}|\u{200d}|👨‍👩‍👧 |🇰🇷|⟨|\u{600}|\u{1b}\\[2J|\u{202e}|\\PC){0,24}"
}

proptest! {
    #[test]
    fn both_sides_can_be_read_out_of_a_difference(base in hostile(), other in hostile()) {
        let reading = Reading::difference(&base, &other, false);
        check(&reading)?;
        prop_assert_eq!(taken(&reading, |mark| matches!(mark, Mark::Same | Mark::Removed)), base.as_str());
        prop_assert_eq!(taken(&reading, |mark| matches!(mark, Mark::Same | Mark::Added)), other.as_str());
        let part = Reading::difference(&base, &other, true);
        check(&part)?;
        prop_assert_eq!(reading.differs(), part.differs());
        for kind in [Mark::Added, Mark::Removed] {
            prop_assert_eq!(taken(&reading, |mark| mark == kind), taken(&part, |mark| mark == kind));
        }
    }

    #[test]
    fn every_answer_can_be_read_out_of_a_consensus(texts in prop::collection::vec(hostile(), 1..5)) {
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        let consensus = Consensus::of_texts(&texts);
        let reading = Reading::consensus(&consensus, false);
        check(&reading)?;
        for (number, text) in texts.iter().enumerate() {
            prop_assert_eq!(&read_out(&consensus, &reading, number), text);
        }
        check(&Reading::consensus(&consensus, true))?;
    }

    /// Whatever the answers hold, the rows of a reading show only its bytes, and the marks meet them.
    #[test]
    fn a_reading_is_laid_out_as_any_text(base in hostile(), other in hostile(), width in 1u16..40) {
        let reading = Reading::difference(&base, &other, false);
        let mut document = Document::plain();
        document.update(&reading.text, width);
        for row in 0..document.row_count() {
            for span in document.row(row) {
                if let Source::Text(range) = &span.source {
                    let shown = reading.text.get(range.start as usize..range.end as usize);
                    prop_assert!(shown.is_some());
                }
            }
        }
    }
}
