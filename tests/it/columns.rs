//! The statistics of a board with rows: those of the row, those over whole columns, and the votes.

use crate::support::stage::{Stage, token};
use tokenscope::app::archive::ArchiveJob;
use tokenscope::app::figures::Row;
use tokenscope::app::msg::{Effect, Msg};
use tokenscope::core::diversity::{Diversity, Material};
use tokenscope::core::id::RunId;
use tokenscope::core::stream::{FinishReason, StreamEvent};

/// The sizes a workbench is mostly used at.
const SIZES: [(u16, u16); 3] = [(80, 24), (120, 40), (200, 60)];

/// A comparison of two temperatures and three personas, each asked so often, of which all is answered.
fn answered((width, height): (u16, u16), repeats: u32) -> Stage {
    let mut stage = Stage::with(width, height, |start| {
        start.temperatures = vec![0.3, 1.8];
        start.repeats = repeats;
        start.concurrency = 100;
    });
    stage
        .press("alt-2")
        .type_text("hi")
        .press("alt-t down right")
        .type_text("chef, panda, none")
        .press("enter enter");
    let runs: Vec<RunId> = stage.app.compare.runs().map(|run| run.id).collect();
    assert_eq!(runs.len(), 6 * repeats as usize);
    for (number, run) in runs.into_iter().enumerate() {
        answer(&mut stage, run, &format!("answer {}", number % 4));
    }
    stage
}

fn answer(stage: &mut Stage, run: RunId, text: &str) {
    stage.event(run, StreamEvent::Attempt { number: 1 }).wait(100);
    let tokens = text.split_inclusive(' ').map(|word| token(&[(word, 0.5), ("other", 0.3)])).collect();
    stage.event(run, StreamEvent::Delta { text: text.to_owned(), tokens });
    stage.event(run, StreamEvent::Finished(FinishReason::Stop));
}

/// Returns what was asked to be worked out since this was last called.
fn asked(stage: &mut Stage) -> Vec<(u64, Vec<Option<Material<'static>>>)> {
    let sums = |effect: Effect| match effect {
        Effect::SumColumns { number, columns } => Some((number, columns)),
        _ => None,
    };
    stage.all_effects().into_iter().filter_map(sums).collect()
}

fn work_out(columns: Vec<Option<Material<'static>>>) -> Vec<Option<Diversity>> {
    columns.into_iter().map(|column| column.map(Material::figures)).collect()
}

/// Returns a line of the table, by the name it begins with, from the heading of whole columns on.
#[track_caller]
fn whole(stage: &Stage, name: &str) -> String {
    let screen = stage.screen();
    let heading = screen.find("all rows").unwrap_or_else(|| panic!("no heading in\n{screen}"));
    let line = screen[heading..].lines().find(|line| line.contains(name));
    line.unwrap_or_else(|| panic!("no {name} in\n{screen}")).to_owned()
}

#[test]
fn whole_columns_are_summed_off_the_loop_and_stand_under_the_row() {
    for size in SIZES {
        let mut stage = answered(size, 2);
        assert!(asked(&mut stage).is_empty(), "nobody looks at them");
        stage.press("s");
        let (number, columns) = asked(&mut stage).pop().unwrap();
        // The selected line is on screen, whatever the height.
        stage.press("G");
        assert!(
            stage.screen().contains('…') && stage.screen().contains("▸ perplexity"),
            "{}",
            stage.screen()
        );
        let sums = work_out(columns);
        let bench = stage.app.compare.bench.as_ref().unwrap();
        assert_eq!(sums, [0, 1].map(|column| bench.column_statistics(column).cloned()));
        stage.tell(Msg::ColumnsSummed { number, rows: Row::of_columns(&sums) });
        assert!(asked(&mut stage).is_empty());
        let ends = |line: String| line.trim_end_matches(['│', ' ']).to_owned();
        // The row has two answers a cell and no mean, the column six.
        let selected = stage.screen().lines().find(|line| line.contains("▸ perplexity")).unwrap().to_owned();
        assert!(ends(selected).ends_with("2.00 ± 0.00"), "{}", stage.screen());
        if size.1 > 24 {
            assert!(ends(whole(&stage, "answers")).ends_with('6'), "{}", stage.screen());
            assert!(ends(whole(&stage, "distinct-1")).ends_with("0.42"), "{}", stage.screen());
        }
    }
}

#[test]
fn a_heading_is_never_selected() {
    let mut stage = answered((80, 24), 1);
    stage.press("s g");
    let selected = |stage: &Stage| {
        let screen = stage.screen();
        let of_line = |line: &str| line.split_once("│ ▸ ").map(|(_, rest)| rest.to_owned());
        screen.lines().find_map(of_line).unwrap()
    };
    let mut seen = Vec::new();
    for _ in 0..26 {
        seen.push(selected(&stage));
        stage.press("j");
    }
    assert_eq!(seen.iter().filter(|line| line.starts_with("answers")).count(), 2, "{seen:#?}");
    assert!(seen.iter().all(|line| !line.starts_with("all rows")), "{seen:#?}");
    for _ in 0..26 {
        assert!(!selected(&stage).starts_with("all rows"));
        stage.press("k");
    }
    assert!(selected(&stage).starts_with("answers"));
}

#[test]
fn answers_that_come_later_are_summed_when_the_last_sum_has_come() {
    let mut stage = answered((120, 40), 1);
    stage.press("s");
    let (number, first) = asked(&mut stage).pop().unwrap();
    stage.press("s r s");
    let run = stage.last_run();
    answer(&mut stage, run, "another");
    assert!(asked(&mut stage).is_empty(), "one time after the other");
    stage.tell(Msg::ColumnsSummed { number, rows: Row::of_columns(&work_out(first)) });
    let asides = asked(&mut stage);
    // What was asked once more by hand is an aside, which no figure counts.
    assert!(asides.is_empty(), "{asides:?}");
    // Of another comparison nothing is taken.
    stage.press("ctrl-r");
    let all: Vec<RunId> = stage.app.compare.runs().map(|run| run.id).collect();
    answer(&mut stage, all[0], "new");
    let (later, _) = asked(&mut stage).remove(0);
    assert!(later > number);
    stage.tell(Msg::ColumnsSummed { number, rows: Vec::new() });
    assert!(whole(&stage, "distinct").contains('…'), "{}", stage.screen());
}

#[test]
fn one_row_has_nothing_to_sum() {
    let mut stage = Stage::with(120, 40, |start| start.temperatures = vec![0.3, 1.8]);
    stage.press("alt-2").type_text("hi").press("enter");
    let runs: Vec<RunId> = stage.app.compare.runs().map(|run| run.id).collect();
    for run in runs {
        answer(&mut stage, run, "a b");
    }
    stage.press("s");
    assert!(asked(&mut stage).is_empty() && !stage.screen().contains("all rows"), "{}", stage.screen());
}

#[test]
fn votes_and_remarks_are_told_in_what_is_exported() {
    let mut stage = answered((120, 40), 1);
    stage.press("s");
    assert!(!stage.screen().contains("blind votes"), "{}", stage.screen());
    stage.press("s w 1");
    let chosen = stage.app.compare.board.place(stage.app.compare.cursor).0;
    stage.press("s");
    let line = stage.screen().lines().find(|line| line.contains("blind votes")).unwrap().to_owned();
    let figures: Vec<&str> = line.split_whitespace().filter(|word| word.parse::<u32>().is_ok()).collect();
    assert_eq!(figures, if chosen == 0 { ["1", "0"] } else { ["0", "1"] });
    stage.press("s *");
    stage.press("#").type_text("calm").press("enter").wait(60_000);
    stage.press("e enter");
    let export = |effect: Effect| match effect {
        Effect::Archive(ArchiveJob::Export { votes, remarks, until, bench, .. }) => {
            Some((votes, remarks, bench.progress(until).spent.seconds))
        }
        _ => None,
    };
    let (votes, remarks, seconds) = stage.all_effects().into_iter().find_map(export).unwrap();
    assert_eq!(votes, if chosen == 0 { vec![1, 0] } else { vec![0, 1] });
    let best = stage.app.compare.cursor;
    let said = |cell| if cell == best { ("calm".to_owned(), true) } else { (String::new(), false) };
    let told: Vec<(String, bool)> = remarks.into_iter().map(|remark| (remark.note, remark.is_best)).collect();
    assert_eq!(told, (0..6).map(said).collect::<Vec<_>>());
    // Six answers of a tenth of a second, one after the other; what comes after them is no part of it.
    assert!((seconds - 0.6).abs() < 0.05, "{seconds}");
}
