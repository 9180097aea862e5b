//! Lines that are typed at the bottom of the screen: their caret, their keys, and files that are there already.

use crate::support::stage::Stage;
use tokenscope::app::overlay::Overlay;

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
