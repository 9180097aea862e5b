//! Voting blind on a comparison: what may be seen, which column a vote counts for, what is kept.

use crate::support::stage::{Stage, token};
use tokenscope::core::fault::{Fault, FaultKind};
use tokenscope::core::id::RunId;
use tokenscope::core::stream::{FinishReason, StreamEvent};

/// What the columns answer, in their order; none of it is the name of a column.
const ANSWERS: [&str; 4] = ["bamboo leaf", "고요한 아침", "river stone", "soup at dawn"];

/// A comparison of four temperatures in which all is answered.
fn answered(width: u16, height: u16, repeats: u32) -> Stage {
    let mut stage = Stage::with(width, height, |start| {
        start.temperatures = vec![0.31, 0.82, 1.23, 1.74];
        start.repeats = repeats;
        start.concurrency = 100;
    });
    stage.press("alt-2").type_text("hi").press("enter");
    answer_all(&mut stage);
    stage
}

/// Answers what was started last, each repeat in a way of its own.
fn answer_all(stage: &mut Stage) {
    let mut open: Vec<RunId> =
        stage.app.compare.runs().filter(|run| !run.status.is_ended()).map(|run| run.id).collect();
    // In the order they were asked, which is all columns before any repeat.
    open.sort_unstable();
    for (number, run) in open.into_iter().enumerate() {
        let text = format!("{} {}", ANSWERS[number % 4], number / 4);
        stage.event(run, StreamEvent::Attempt { number: 1 });
        let tokens = vec![token(&[(&text, 0.5), ("other", 0.25)])];
        stage.wait(20).event(run, StreamEvent::Delta { text, tokens });
        stage.event(run, StreamEvent::Finished(FinishReason::Stop));
    }
}

/// Returns which answers stand side by side, by the number of their column.
fn order(stage: &Stage) -> Vec<usize> {
    let screen = stage.screen();
    let line = screen.lines().find(|line| ANSWERS.iter().any(|answer| line.contains(answer))).unwrap();
    let mut places: Vec<(usize, usize)> = ANSWERS
        .iter()
        .enumerate()
        .filter_map(|(column, answer)| Some((line.find(answer)?, column)))
        .collect();
    places.sort_unstable();
    places.into_iter().map(|(_, column)| column).collect()
}

fn votes(stage: &Stage) -> Vec<u32> {
    let compare = &stage.app.compare;
    let axis = &compare.bench.as_ref().unwrap().sweep().axes()[0];
    (0..4).map(|value| compare.votes.of(axis, value)).collect()
}

/// Returns the board without the line of the axes above it.
fn board(stage: &Stage) -> String {
    stage.screen().lines().skip(2).collect::<Vec<_>>().join("\n")
}

#[test]
fn nothing_tells_a_column_while_it_is_voted_on() {
    for (width, height) in [(80, 24), (120, 40), (200, 60)] {
        let mut stage = answered(width, height, 1);
        stage.press("right * # j enter alt-v s w");
        let screen = board(&stage);
        let told = ["T 0.", "T 1.", "ppl", "tok/s", "stop", "bits", "first", "★", "# j"];
        assert!(told.iter().all(|told| !screen.contains(told)), "{screen}");
        assert!(screen.contains("▸ A") && screen.contains("press 1 to vote"), "{screen}");
        let shown = order(&stage);
        for key in ["i", "f2", "alt-v", "d", "s", "m", "f", "b", "c", "x", "r", "#", "*", "n", "w"] {
            stage.press(key);
            assert_eq!(order(&stage), shown, "{key}");
            assert!(stage.notice().contains("votes for A to D"), "{key}: {}", stage.notice());
        }
        assert_eq!(votes(&stage), [0; 4]);
    }
}

#[test]
fn a_digit_votes_for_what_stands_in_its_place_and_names_all() {
    let mut stage = answered(200, 60, 1);
    let mut expected = [0; 4];
    for (digit, round) in [("3", 1), ("1", 2), ("4", 3), ("3", 4)] {
        stage.press("w");
        let order = order(&stage);
        let place: usize = digit.parse::<usize>().unwrap() - 1;
        expected[order[place]] += 1;
        stage.press(digit);
        assert_eq!(votes(&stage), expected, "round {round}");
        let names = ["0.31", "0.82", "1.23", "1.74"];
        let letter = ["A", "B", "C", "D"][place];
        let screen = stage.screen();
        assert!(
            stage.notice().starts_with(&format!("{letter} is {}", names[order[place]])),
            "{}",
            stage.notice()
        );
        assert!(screen.contains(&format!("▸ {letter} · T {}", names[order[place]])), "{screen}");
        assert!(screen.contains("ppl 2.0"), "{screen}");
        assert_eq!(self::order(&stage), order, "the columns stay where they were seen");
    }
    let line = stage.screen().lines().nth(1).unwrap().to_owned();
    for (value, name) in expected.iter().zip(["0.31", "0.82", "1.23", "1.74"]) {
        assert_eq!(line.contains(&format!("{name} +{value} vote")), *value > 0, "{line}");
    }
    stage.press("esc");
    assert_eq!(order(&stage), [0, 1, 2, 3]);
    // A digit is a screen again.
    stage.press("1");
    assert_eq!(stage.app.screen, tokenscope::app::Screen::Chat);
}

#[test]
fn the_shuffle_follows_from_the_session_alone_and_is_another_each_time() {
    let shuffles = || {
        let mut stage = answered(200, 60, 1);
        (0..8)
            .map(|_| {
                stage.press("w");
                let order = order(&stage);
                stage.press("esc");
                order
            })
            .collect::<Vec<_>>()
    };
    let first = shuffles();
    assert_eq!(first, shuffles());
    assert!(first.iter().any(|order| *order != first[0]), "{first:?}");
}

#[test]
fn esc_leaves_without_a_vote() {
    let mut stage = answered(120, 40, 1);
    stage.press("w right esc");
    assert_eq!((stage.notice(), votes(&stage)), ("no vote was cast", vec![0; 4]));
    assert!(stage.screen().contains("T 0.31") && stage.app.focus == tokenscope::app::command::Place::Grid);
}

#[test]
fn the_cursor_goes_from_place_to_place_and_enter_votes_there() {
    let mut stage = answered(80, 24, 1);
    stage.press("w");
    assert!(stage.screen().contains("columns 1-3 of 4"), "{}", stage.screen());
    for letter in ["B", "C", "D"] {
        stage.press("l");
        assert!(stage.screen().contains(&format!("▸ {letter} ")), "{}", stage.screen());
    }
    let fourth = *order(&stage).last().unwrap();
    stage.press("enter");
    assert_eq!(votes(&stage)[fourth], 1);
    assert_eq!(stage.app.compare.cursor, fourth);
}

#[test]
fn each_vote_shows_the_next_repeat_and_votes_add_up_over_comparisons() {
    let mut stage = answered(200, 60, 2);
    stage.press("w");
    assert!(
        stage.screen().contains("bamboo leaf 0") && stage.screen().contains("A · 1/2"),
        "{}",
        stage.screen()
    );
    stage.press("2 w");
    assert!(stage.screen().contains("bamboo leaf 1"), "{}", stage.screen());
    stage.press("2 esc esc").type_text("다른 질문").press("enter");
    assert_eq!(votes(&stage).iter().sum::<u32>(), 2);
    stage.press("w");
    assert!(stage.notice().contains("answers are still to come"), "{}", stage.notice());
    answer_all(&mut stage);
    stage.press("w 1");
    assert_eq!(stage.app.compare.votes.total(), 3);
    // Other values are another question.
    stage.press("alt-t").type_text("0.5 1").press("enter ctrl-r");
    assert_eq!(stage.app.compare.votes.total(), 0);
}

#[test]
fn a_column_without_answers_is_not_voted_for_and_gives_itself_no_name() {
    let mut stage = Stage::with(120, 40, |start| start.temperatures = vec![0.31, 1.23, 1.74]);
    stage.press("alt-2").type_text("hi").press("enter");
    let runs: Vec<RunId> = stage.started.iter().map(|(run, _)| *run).collect();
    stage.answer(runs[0], "하나");
    let fault = Fault::new(FaultKind::Server, "temperature broke it");
    stage.event(runs[1], StreamEvent::Failed(fault.clone()));
    stage.event(runs[2], StreamEvent::Failed(fault)).press("w");
    assert_eq!(stage.notice(), "a vote needs two columns with answers");
    stage.press("right r");
    let run = stage.last_run();
    stage.answer(run, "둘").press("w");
    let screen = board(&stage);
    assert!(screen.contains("no answer") && !screen.contains("broke"), "{screen}");
    let empty = stage.app.compare.place_of(2);
    stage.press(&(empty + 1).to_string());
    assert!(stage.notice().ends_with("has no answer to vote for") && stage.app.compare.is_voting());
    stage.press("9");
    assert!(stage.notice().contains("1 to 3 votes") && stage.app.compare.is_voting(), "{}", stage.notice());
    let mut nothing = Stage::new(80, 24);
    nothing.press("alt-2 tab w");
    assert!(nothing.notice().contains("nothing compared"), "{}", nothing.notice());
}

#[test]
fn what_is_typed_in_the_draft_is_no_vote() {
    let mut stage = answered(120, 40, 1);
    stage.press("w tab").type_text("12").press("tab");
    assert_eq!((stage.app.composer.text().as_str(), votes(&stage)), ("12", vec![0; 4]));
    assert!(stage.app.compare.is_voting());
}
