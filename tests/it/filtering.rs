//! Long comparisons as a list: which rows and columns are shown, and that nothing else changes by it.

use crate::support::stage::{Stage, token};
use std::collections::BTreeSet;
use tokenscope::app::archive::ArchiveJob;
use tokenscope::app::command::Place;
use tokenscope::app::msg::Effect;
use tokenscope::app::overlay::Overlay;
use tokenscope::core::id::RunId;
use tokenscope::core::stream::{FinishReason, StreamEvent};

/// The sizes a workbench is mostly used at.
const SIZES: [(u16, u16); 3] = [(80, 24), (120, 40), (200, 60)];

/// A comparison of two temperatures, three personas and twenty seeds, of which all is answered.
fn answered((width, height): (u16, u16)) -> Stage {
    let mut stage = asked(width, height);
    let runs: Vec<RunId> = stage.app.compare.runs().map(|run| run.id).collect();
    assert_eq!(runs.len(), 120);
    for (number, run) in runs.into_iter().enumerate() {
        let text = format!("says {number}");
        stage.event(run, StreamEvent::Attempt { number: 1 });
        let tokens = vec![token(&[("says ", 0.5)]), token(&[(&number.to_string(), 0.5)])];
        stage.event(run, StreamEvent::Delta { text, tokens });
        stage.event(run, StreamEvent::Finished(FinishReason::Stop));
    }
    stage
}

fn asked(width: u16, height: u16) -> Stage {
    let mut stage = Stage::with(width, height, |start| {
        start.temperatures = vec![0.3, 1.8];
        start.concurrency = 1_000;
    });
    stage.press("alt-2").type_text("hi").press("alt-t down right").type_text("chef, panda, none");
    stage.press("down right");
    for _ in 0..20 {
        if stage.screen().contains(" seed ") {
            break;
        }
        stage.press("right");
    }
    stage.type_text("1..20").press("enter enter");
    stage
}

/// Returns what is told of the filter in the lowest line of the board.
fn told(stage: &Stage) -> String {
    let screen = stage.screen();
    screen.lines().find(|line| line.starts_with('╰') && line.contains("─ /")).unwrap_or_default().to_owned()
}

/// Returns the labels of the cells on screen.
fn shown(stage: &Stage) -> BTreeSet<Vec<String>> {
    let sweep = stage.app.compare.bench.as_ref().unwrap().sweep();
    let cells = stage.app.compare.cells(stage.app.layout.transcript.below_axis()).into_iter();
    cells.map(|(cell, _)| sweep.labels(cell).into_iter().map(str::to_owned).collect()).collect()
}

#[test]
fn words_leave_the_rows_whose_labels_have_them() {
    for size in SIZES {
        let mut stage = answered(size);
        stage.press("/").type_text("pan");
        assert!(matches!(stage.app.overlay, Some(Overlay::Filter(_))));
        assert!(stage.screen().lines().last().unwrap().contains("20 of 60 rows"), "{}", stage.screen());
        stage.type_text("da 7").press("enter");
        assert!(stage.app.overlay.is_none() && stage.app.focus == Place::Grid);
        assert!(told(&stage).contains(" /panda 7 · 1 of 60 rows "), "{}", stage.screen());
        // A number that is a label is that one: 17 and 27 hold it too.
        assert_eq!(shown(&stage).len(), 2);
        assert!(shown(&stage).iter().all(|labels| labels[1..] == ["panda", "7"]), "{:?}", shown(&stage));
        assert!(
            stage.screen().contains("says 26") && stage.screen().contains("says 86"),
            "{}",
            stage.screen()
        );
        // Steps stay among what is shown.
        stage.press("J J } l h K");
        assert_eq!(stage.app.compare.cursor, 26);
        stage.press("esc");
        assert_eq!(told(&stage), "");
        assert!(shown(&stage).len() >= 4, "{:?}", shown(&stage));
        assert_eq!((stage.app.focus, stage.app.compare.cursor), (Place::Grid, 26));
    }
}

#[test]
fn columns_are_left_too_and_the_cursor_goes_to_what_is_shown() {
    let mut stage = answered((120, 40));
    stage.press("/").type_text("1.8 none 3").press("enter");
    assert!(told(&stage).contains("1 of 60 rows, 1 of 2 columns"), "{}", stage.screen());
    assert_eq!(stage.app.compare.cursor, 60 + 42);
    // What it has to say is about what is shown: one answer shares all of itself.
    stage.press("m");
    assert!(stage.screen().contains("nothing to compare yet") && told(&stage).contains("1 of 60 rows"));
    stage.press("m s");
    let head = stage.screen().lines().find(|line| line.contains("temperature  ")).unwrap().to_owned();
    assert!(head.contains("1.8") && !head.contains("0.3"), "{}", stage.screen());
    assert!(stage.screen().contains("statistics · none · 3"), "{}", stage.screen());
    // The line begins with the words there are; rows are walked from the first shown to the last.
    stage.press("s /");
    assert!(stage.screen().lines().last().unwrap().starts_with(" /1.8 none 3"), "{}", stage.screen());
    for _ in 0..10 {
        stage.press("backspace");
    }
    stage.type_text("chef").press("enter");
    assert!(
        told(&stage).contains(" /chef · 20 of 60 rows ") && told(&stage).contains(" of 20 "),
        "{}",
        stage.screen()
    );
    let row = |stage: &Stage| stage.app.compare.board.place(stage.app.compare.cursor).1;
    // The cursor was past all of them, so it went to the last.
    assert_eq!(row(&stage), 19);
    for _ in 0..60 {
        stage.press("K");
    }
    assert_eq!(row(&stage), 0);
    stage.press("J J J");
    assert_eq!(row(&stage), 3);
}

#[test]
fn words_that_nothing_has_are_told_and_not_taken() {
    for size in SIZES {
        let mut stage = answered(size);
        stage.press("/").type_text("panda tiger").press("enter");
        assert!(
            stage.screen().lines().last().unwrap().contains("no label has these words"),
            "{}",
            stage.screen()
        );
        assert!(stage.app.overlay.is_some());
        stage.press("backspace backspace backspace backspace backspace enter");
        assert!(told(&stage).contains("/panda · 20 of 60 rows"), "{}", stage.screen());
        // Closing the line shows all.
        stage.press("/ esc");
        assert_eq!((told(&stage).as_str(), stage.app.compare.filter.text()), ("", ""));
    }
}

#[test]
fn what_is_not_shown_is_asked_counted_and_written_all_the_same() {
    let mut stage = asked(120, 40);
    stage.press("/").type_text("panda 7 1.8").press("enter");
    let runs: Vec<RunId> = stage.app.compare.runs().map(|run| run.id).collect();
    for run in &runs {
        let fault = tokenscope::core::fault::Fault::new(tokenscope::core::fault::FaultKind::Server, "broken");
        stage.event(*run, StreamEvent::Failed(fault));
    }
    stage.press("R");
    assert_eq!(stage.notice(), "120 answers are asked for again");
    assert_eq!(stage.started.len(), 240);
    stage.press("e enter");
    let export = |effect: Effect| match effect {
        Effect::Archive(ArchiveJob::Export { bench, .. }) => Some(bench.slots().len()),
        _ => None,
    };
    assert_eq!(stage.all_effects().into_iter().filter_map(export).collect::<Vec<_>>(), [120]);
    // Another comparison begins with everything.
    stage.press("esc");
    stage.press("ctrl-r ctrl-r");
    assert_eq!((told(&stage).as_str(), stage.app.compare.board.row_count()), ("", 60));
}

#[test]
fn no_column_is_taken_away_while_they_are_voted_on() {
    for size in SIZES {
        let mut stage = answered(size);
        stage.press("/").type_text("panda 7 1.8").press("enter w");
        assert!(stage.app.compare.is_voting());
        assert_eq!(stage.app.compare.board.column_count(), 2, "{}", stage.screen());
        assert!(
            told(&stage).contains("1 of 60 rows ") && !told(&stage).contains("columns"),
            "{}",
            told(&stage)
        );
        stage.press("/");
        assert!(
            stage.app.overlay.is_none() && stage.notice().contains("votes for A to B"),
            "{}",
            stage.notice()
        );
        stage.press("1");
        // They stay where they were seen until they are put back.
        assert_eq!(stage.app.compare.board.column_count(), 2);
        stage.press("esc");
        assert_eq!((stage.app.compare.board.column_count(), stage.app.compare.cursor), (1, 60 + 26));
        stage.press("esc w esc");
        assert_eq!(stage.app.compare.board.column_count(), 2);
    }
}

#[test]
fn a_comparison_without_rows_has_its_columns_filtered() {
    let mut stage = Stage::new(80, 24);
    stage.press("alt-2 tab /");
    assert!(stage.notice().contains("nothing compared"), "{}", stage.notice());
    stage.press("tab").type_text("hi").press("enter /").type_text("1.").press("enter");
    assert!(told(&stage).contains("5 of 7 columns"), "{}", stage.screen());
    stage.press("l l l l l l l");
    assert_eq!(stage.app.compare.cursor, 6);
    stage.press("h h h h h h h");
    assert_eq!(stage.app.compare.cursor, 2);
    stage.use_ascii();
    assert!(stage.screen().is_ascii() || stage.screen().contains("5 of 7 columns"), "{}", stage.screen());
}
