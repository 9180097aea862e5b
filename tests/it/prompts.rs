//! Lines that are typed at the bottom of the screen: their caret, their keys, and files that are there already.

use crate::support::gated::GatedServer;
use crate::support::harness::Harness;
use crate::support::stage::Stage;
use tokenscope::app::archive::{ArchiveJob, ArchiveNews};
use tokenscope::app::msg::{Effect, Msg};
use tokenscope::app::overlay::Overlay;
use tokenscope::core::fault::{Fault, FaultKind};
use tokenscope::core::job::{RecordId, SweepSummary, title_of};

/// The sizes a workbench is mostly used at.
const SIZES: [(u16, u16); 3] = [(80, 24), (120, 40), (200, 60)];

/// A comparison of two temperatures of which all is answered.
fn answered((width, height): (u16, u16)) -> Stage {
    let mut stage = Stage::with(width, height, |start| start.temperatures = vec![0.3, 1.8]);
    stage.press("alt-2").type_text("hi").press("enter");
    let runs: Vec<_> = stage.started.iter().map(|(run, _)| *run).collect();
    for run in runs {
        stage.answer(run, "같은 말");
    }
    stage
}

/// Returns the lowest line of the screen, with a bar where the caret is.
fn lowest(stage: &Stage) -> String {
    let at = stage.backend().cursor_position();
    let screen = stage.screen();
    assert_eq!(usize::from(at.y) + 1, screen.lines().count(), "the caret is elsewhere:\n{screen}");
    let line = screen.lines().last().unwrap();
    let mut cells = 0;
    let mut out = String::new();
    for c in line.chars() {
        if cells == usize::from(at.x) {
            out.push('|');
        }
        cells += tokenscope::core::text::width(c.encode_utf8(&mut [0; 4]));
        out.push(c);
    }
    if usize::from(at.x) >= cells {
        out.push('|');
    }
    out.trim_end().to_owned()
}

#[test]
fn a_line_is_changed_where_its_caret_is() {
    for size in SIZES {
        let mut stage = answered(size);
        stage.press("#").type_text("셋째 문장이 좋다");
        assert!(lowest(&stage).starts_with(" # 셋째 문장이 좋다|"), "{}", lowest(&stage));
        stage.press("left left ctrl-left").type_text("더 ");
        assert!(lowest(&stage).starts_with(" # 셋째 더 |문장이 좋다"), "{}", lowest(&stage));
        stage.press("ctrl-w ctrl-k").paste("줄이\n둘").press("home delete");
        assert!(lowest(&stage).starts_with(" # |째 줄이"), "{}", lowest(&stage));
        stage.press("enter");
        assert_eq!(stage.app.compare.note(0), "째 줄이");
    }
}

#[test]
fn a_proposed_name_gives_way_to_what_is_typed() {
    for size in SIZES {
        let mut stage = answered(size);
        stage.press("e");
        assert!(lowest(&stage).starts_with(" write to compare.html|"), "{}", lowest(&stage));
        stage.type_text("a.md");
        assert!(lowest(&stage).starts_with(" write to a.md|"), "{}", lowest(&stage));
        stage.press("esc e end").type_text("x");
        assert!(lowest(&stage).starts_with(" write to compare.htmlx|"), "{}", lowest(&stage));
        // A name longer than the line is shown around its caret, wherever that is.
        stage.press("ctrl-u").type_text(&"길고 긴 이름/".repeat(40)).type_text("끝.md");
        assert!(lowest(&stage).contains("끝.md|") && lowest(&stage).contains('…'), "{}", lowest(&stage));
        stage.press("home");
        assert!(lowest(&stage).starts_with(" write to |길고 긴"), "{}", lowest(&stage));
        stage.press("esc");
        assert!(stage.app.overlay.is_none());
    }
}

/// Returns what was asked to be written since this was last called, and whether over what is there.
fn exports(stage: &mut Stage) -> Vec<(String, bool)> {
    let export = |effect: Effect| match effect {
        Effect::Archive(ArchiveJob::Export { path, is_over, .. }) => Some((path, is_over)),
        _ => None,
    };
    stage.all_effects().into_iter().filter_map(export).collect()
}

#[test]
fn a_file_that_is_there_is_written_over_by_a_second_enter_only() {
    for size in SIZES {
        let mut stage = answered(size);
        let taken = |stage: &mut Stage, path: &str| {
            stage.tell(Msg::Archive(ArchiveNews::Taken(path.to_owned())));
        };
        stage.press("e").type_text("a.html").press("enter enter");
        assert_eq!(exports(&mut stage), [("a.html".to_owned(), false)], "the second is none of a question");
        taken(&mut stage, "a.html");
        let told = "a.html is there already: Enter again writes over it";
        assert!(stage.screen().contains(told), "{}", stage.screen());
        // Another name is asked for anew.
        stage.press("home").type_text("b").press("enter");
        assert_eq!(exports(&mut stage), [("ba.html".to_owned(), false)]);
        taken(&mut stage, "ba.html");
        stage.press("left enter");
        assert_eq!(exports(&mut stage), [("ba.html".to_owned(), true)]);
        stage.tell(Msg::Archive(ArchiveNews::Exported("ba.html".to_owned())));
        assert!(stage.app.overlay.is_none() && stage.notice() == "written: ba.html", "{}", stage.notice());
        // A line that was left is not opened again.
        stage.press("e").type_text("c.md").press("enter esc");
        taken(&mut stage, "c.md");
        assert!(stage.app.overlay.is_none() && stage.notice().contains("nothing was written"));
        stage.press("e").type_text("none/d.md").press("enter");
        let fault = Fault::new(FaultKind::Local, "none/d.md cannot be written");
        stage.tell(Msg::Archive(ArchiveNews::NotExported { path: "none/d.md".to_owned(), fault }));
        assert!(stage.screen().contains("cannot be written"), "{}", stage.screen());
        assert!(lowest(&stage).contains("none/d.md|"), "{}", lowest(&stage));
    }
}

#[tokio::test]
async fn what_is_on_disk_stays_until_it_is_written_over() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("s.toml");
    std::fs::write(&file, "mine").unwrap();
    let server = GatedServer::start().await;
    let desk = Harness::new(200, 40, &server);
    desk.press("alt-2").type_text("hi").press("tab e").type_text(&file.display().to_string()).press("enter");
    desk.shows("is there already").await;
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "mine");
    desk.press("enter").shows("written:").await;
    assert!(std::fs::read_to_string(&file).unwrap().contains("prompt = \"hi\""));
    desk.press("ctrl-q");
    desk.ends().await;
}

/// Returns comparisons as the archive lists them, the latest first.
fn listed(stage: &Stage, ages_h: &[i64]) -> ArchiveNews {
    let sweep = stage.app.compare.bench.as_ref().unwrap().sweep();
    let now_ms = 1_000_000_000_000;
    let summary = |(number, hours): (u64, &i64)| SweepSummary {
        id: RecordId { session: 1, number },
        title: title_of("Why get up early?", sweep),
        begun_ms: now_ms - hours * 3_600_000,
        cells: 6,
        samples: 100,
        done: 25,
        failed: 0,
    };
    ArchiveNews::Listed { sweeps: (1..).zip(ages_h).map(summary).collect(), now_ms }
}

#[test]
fn earlier_comparisons_are_told_apart_by_axes_and_age() {
    for size in SIZES {
        let mut stage = answered(size);
        stage.press("alt-o");
        let news = listed(&stage, &[2, 49]);
        stage.tell(Msg::Archive(news));
        let screen = stage.screen();
        for (age, lines) in [("25/100 · 2 h ago", 1), ("25/100 · 2 d ago", 1), ("early? · temperature", 2)]
        {
            assert_eq!(screen.lines().filter(|line| line.contains(age)).count(), lines, "{age}: {screen}");
        }
    }
}

#[test]
fn what_is_pressed_before_the_list_is_read_is_done_once_it_is() {
    let opened = |stage: &mut Stage| {
        let open = |effect: Effect| match effect {
            Effect::Archive(ArchiveJob::Open(id)) => Some(id.number),
            _ => None,
        };
        stage.all_effects().into_iter().find_map(open)
    };
    for (keys, expected) in [
        ("alt-o down enter", Some(2)),
        ("alt-o enter", Some(1)),
        ("alt-o up down down enter", Some(3)),
        ("alt-o down", None),
        ("alt-o down enter esc", None),
    ] {
        let mut stage = answered((120, 40));
        stage.press(keys);
        let news = listed(&stage, &[1, 2, 3]);
        stage.tell(Msg::Archive(news));
        assert_eq!(opened(&mut stage), expected, "{keys}");
    }
    // Where nothing is kept, nothing is opened, and the list says so.
    let mut stage = answered((120, 40));
    stage.press("alt-o down enter");
    let news = listed(&stage, &[]);
    stage.tell(Msg::Archive(news));
    assert_eq!(opened(&mut stage), None);
    assert!(stage.screen().contains("no comparison is kept yet"), "{}", stage.screen());
}

#[test]
fn filtering_follows_every_key_that_changes_its_line() {
    let mut stage = answered((120, 40));
    stage.press("/").type_text("1.8 nothing");
    let is_refused =
        |stage: &Stage| matches!(&stage.app.overlay, Some(Overlay::Filter(prompt)) if prompt.error.is_some());
    assert!(is_refused(&stage));
    stage.press("ctrl-w");
    assert!(!is_refused(&stage) && stage.app.compare.filter.text() == "1.8", "{}", stage.screen());
    stage.press("ctrl-a ctrl-k");
    assert!(!stage.app.compare.filter.is_on());
}

#[test]
fn a_name_of_a_persona_is_changed_in_the_middle() {
    let mut stage = Stage::new(80, 24);
    stage.press("alt-p n").type_text("👨‍👩‍👧시인").press("home right").type_text("x").press("left left delete");
    assert!(lowest(&stage).starts_with(" name |x시인"), "{}", lowest(&stage));
}
