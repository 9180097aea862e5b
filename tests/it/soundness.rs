//! What holds on every screen whatever happened before: nothing panics, the caret is on the screen,
//! no cell holds a control character, and the keyboard is in a place that can be seen.

use crate::support::stage::{Stage, chord, token};
use proptest::prelude::*;
use proptest::test_runner::Config;
use tokenscope::app::chord::{Chord, Key};
use tokenscope::app::command::{COMMANDS, Place};
use tokenscope::app::msg::{Mouse, MouseKind, Msg};
use tokenscope::core::fault::{Fault, FaultKind};
use tokenscope::core::stream::{FinishReason, StreamEvent};
use tokenscope::core::text::width;

/// Texts that have broken terminals and layouts.
const HOSTILE: [&str; 14] = [
    "한국어 문장이 있다. ",
    "👨‍👩‍👧‍👦🇰🇷👩🏽‍🚀❤️ ",
    "e\u{301}\u{302}\u{303} 한글 ",
    "\u{1b}[2J\u{1b}]0;x\u{7}\u{9b}31m",
    "\u{202e}backwards\u{202c}\u{200b}\u{feff}\u{2066}",
    "a\u{0}b\tc\rd\u{8}e\u{7f}",
    "```rust\nfn main() { let 값 = \"x\"; }\n```\n",
    "| a | 표 |\n|---|---|\n| 1 | 🐼🐼🐼 |\n\n",
    "# 제목\n\n- one\n  - two\n    1. three\n\n> quoted **bold *both*** `code`\n",
    "word-that-is-far-too-long-for-any-column-and-goes-on-and-on-and-on-until-it-must-be-cut ",
    "\n\n\n",
    "\u{fdfd}\u{12031}ﷺ꧅ ",
    "$x^2$ <b>html</b> [link](http://x.y) ![i](j) \\* &amp; ",
    "\u{fffd}\u{e000}\u{10ffff}\u{1f3fb}\u{200d} ",
];

/// Asserts what holds on every screen.
#[track_caller]
fn assert_sound(stage: &Stage) {
    let backend = stage.backend();
    let area = backend.buffer().area;
    for (at, cell) in backend.buffer().content.iter().enumerate() {
        let is_safe = |c: char| {
            !c.is_control()
                && !matches!(c, '\u{200b}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
        };
        assert!(cell.symbol().chars().all(is_safe), "cell {at} holds {:?}", cell.symbol());
        let column = at % usize::from(area.width);
        let end = column + width(cell.symbol());
        assert!(
            end <= usize::from(area.width),
            "{:?} sticks out at {at}:\n{}",
            cell.symbol(),
            stage.screen()
        );
    }
    let app = &stage.app;
    let caret = backend.cursor_visible().then(|| backend.cursor_position());
    if let Some(caret) = caret {
        assert!(caret.x < area.width && caret.y < area.height, "the caret is at {caret:?} of {area:?}");
    }
    if app.is_too_small() {
        return;
    }
    let layout = &app.layout;
    let room = match app.place() {
        Place::Composer => layout.composer,
        Place::Transcript | Place::Grid => layout.transcript,
        Place::Inspector => layout.inspector,
        Place::Overlay | Place::Personas => layout.main,
    };
    assert!(!room.is_empty(), "{:?} has the keyboard and no room:\n{}", app.place(), stage.screen());
    if app.place() == Place::Composer {
        let inside = caret.is_some_and(|caret| layout.composer.inner().contains(caret.x, caret.y));
        assert!(inside, "the caret is at {caret:?}, the draft at {:?}:\n{}", layout.composer, stage.screen());
    }
}

/// Something that happens.
#[derive(Debug, Clone)]
enum Step {
    Key(Chord),
    Type(&'static str),
    Paste(&'static str),
    Resize(u16, u16),
    Mouse(MouseKind, u16, u16),
    /// A piece of text for one of the runs that were started.
    Delta(usize, &'static str),
    Tokens(usize, &'static str),
    Reasoning(usize, &'static str),
    End(usize, bool),
    Wait(u64),
    Models(bool),
}

fn apply(stage: &mut Stage, step: &Step) {
    let run = |stage: &Stage, at: usize| Some(stage.started.get(at % stage.started.len().max(1))?.0);
    match step {
        Step::Key(chord) => {
            stage.tell(Msg::Key(*chord));
        }
        Step::Type(text) => {
            stage.type_text(text);
        }
        Step::Paste(text) => {
            stage.paste(text);
        }
        Step::Resize(width, height) => {
            stage.resize(*width, *height);
        }
        Step::Mouse(kind, x, y) => {
            stage.tell(Msg::Mouse(Mouse { kind: *kind, x: *x, y: *y }));
        }
        Step::Wait(millis) => {
            stage.wait(*millis).tell(Msg::Tick);
        }
        Step::Models(true) => {
            let names = HOSTILE.iter().map(|text| (*text).to_owned()).collect();
            stage.tell(Msg::Models { endpoint: "local".into(), result: Ok(names) });
        }
        Step::Models(false) => {
            let result = Err(Fault::new(FaultKind::Server, HOSTILE.concat()));
            stage.tell(Msg::Models { endpoint: "local".into(), result });
        }
        Step::Delta(at, text) => {
            let event = StreamEvent::Delta { text: (*text).to_owned(), tokens: Vec::new() };
            if let Some(run) = run(stage, *at) {
                stage.event(run, StreamEvent::Attempt { number: 1 }).event(run, event);
            }
        }
        Step::Tokens(at, text) => {
            let tokens = text
                .split_inclusive(' ')
                .map(|piece| token(&[(piece, 0.4), (" other", 0.5), ("\u{1b}[31m\n", 0.05)]))
                .collect();
            if let Some(run) = run(stage, *at) {
                stage.event(run, StreamEvent::Delta { text: (*text).to_owned(), tokens });
            }
        }
        Step::Reasoning(at, text) => {
            if let Some(run) = run(stage, *at) {
                stage.event(run, StreamEvent::Reasoning { text: (*text).to_owned() });
            }
        }
        Step::End(at, is_well) => {
            let ending = if *is_well {
                StreamEvent::Finished(FinishReason::Other(HOSTILE[3].into()))
            } else {
                StreamEvent::Failed(Fault::new(FaultKind::Refused, HOSTILE.concat()).remedy(HOSTILE[0]))
            };
            if let Some(run) = run(stage, *at) {
                stage.event(run, ending);
            }
        }
    }
}

/// Returns every key that means something, and some that mean nothing.
fn keys() -> Vec<Chord> {
    let table = COMMANDS.iter().flat_map(|spec| spec.chords).flat_map(|keys| keys.split(' '));
    let further = "a z 1 2 : ? v i t r c x X q 가 ㅓ 🐼 \u{301} \u{200d} é space backspace delete left right up down home end \
        shift-left shift-right shift-down ctrl-left ctrl-right ctrl-w ctrl-k ctrl-z ctrl-y ctrl-home ctrl-end insert f12";
    // Leaving ends the story, and the keys after it would say nothing.
    let leaves = ["ctrl-q", "q", "ctrl-d"].map(chord);
    table.chain(further.split_whitespace()).map(chord).filter(|chord| !leaves.contains(chord)).collect()
}

fn hostile() -> impl Strategy<Value = &'static str> {
    prop::sample::select(&HOSTILE[..])
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let mouse = prop::sample::select(vec![MouseKind::Press, MouseKind::WheelUp, MouseKind::WheelDown]);
    let step = prop_oneof![
        30 => prop::sample::select(keys()).prop_map(Step::Key),
        3 => hostile().prop_map(Step::Type),
        2 => hostile().prop_map(Step::Paste),
        4 => (1u16..=300, 1u16..=100).prop_map(|(width, height)| Step::Resize(width, height)),
        4 => (1u16..=60, 1u16..=20).prop_map(|(width, height)| Step::Resize(width, height)),
        3 => (mouse, 0u16..300, 0u16..100).prop_map(|(kind, x, y)| Step::Mouse(kind, x, y)),
        6 => (0usize..9, hostile()).prop_map(|(run, text)| Step::Delta(run, text)),
        6 => (0usize..9, hostile()).prop_map(|(run, text)| Step::Tokens(run, text)),
        2 => (0usize..9, hostile()).prop_map(|(run, text)| Step::Reasoning(run, text)),
        3 => (0usize..9, any::<bool>()).prop_map(|(run, is_well)| Step::End(run, is_well)),
        1 => (0u64..5_000).prop_map(Step::Wait),
        1 => any::<bool>().prop_map(Step::Models),
    ];
    prop::collection::vec(step, 1..60)
}

proptest! {
    #![proptest_config(Config { cases: 32, failure_persistence: None, ..Config::default() })]

    #[test]
    fn whatever_happens_the_screen_is_sound(width in 1u16..=200, height in 1u16..=60, steps in steps()) {
        let mut stage = Stage::new(width, height);
        for step in &steps {
            apply(&mut stage, step);
            assert_sound(&stage);
        }
    }
}

/// A conversation with everything hostile in it, and a comparison beside it.
fn crowded() -> Stage {
    let mut stage = Stage::new(120, 40);
    for text in HOSTILE {
        stage.paste(text).type_text("?").press("enter");
        let run = stage.last_run();
        stage.event(run, StreamEvent::Reasoning { text: text.to_owned() });
        let tokens = vec![token(&[(text, 0.4), (" other", 0.5)])];
        stage.event(run, StreamEvent::Delta { text: text.to_owned(), tokens });
        stage.event(run, StreamEvent::Failed(Fault::new(FaultKind::Server, HOSTILE.concat())));
    }
    stage.press("alt-2 enter");
    for (at, (run, _)) in stage.started.clone().into_iter().rev().take(7).enumerate() {
        stage.event(run, StreamEvent::Delta { text: HOSTILE[at..].concat(), tokens: Vec::new() });
    }
    stage.press("alt-1 tab").paste(&HOSTILE.concat());
    stage
}

/// The keys that lead to each screen and overlay from the conversation.
const WAYS: [&str; 14] = [
    "",
    "tab",
    "tab tab",
    "tab alt-z",
    "alt-2",
    "alt-2 tab",
    "alt-2 tab enter",
    "alt-2 tab z",
    "ctrl-p",
    "f1",
    "f2",
    "ctrl-t",
    "alt-t",
    "alt-m",
];

#[test]
fn every_screen_fits_every_size() {
    // Every size around the smallest one, and those where a layout begins or ends.
    let small = (1..=44).flat_map(|width| (1..=16).map(move |height| (width, height)));
    let wide = [60, 79, 80, 99, 100, 101, 159, 160, 161, 300];
    let wide = wide.into_iter().flat_map(|width| [12, 13, 24, 40, 100].map(|height| (width, height)));
    let sizes: Vec<(u16, u16)> = small.chain(wide).collect();
    for way in WAYS {
        let mut stage = crowded();
        stage.press(way);
        for (width, height) in &sizes {
            stage.resize(*width, *height);
            assert_sound(&stage);
        }
    }
}

#[test]
fn keys_pressed_while_the_terminal_is_too_small_do_no_harm() {
    for size in [(1, 1), (39, 12), (40, 11), (300, 1), (1, 100)] {
        let mut stage = crowded();
        stage.resize(size.0, size.1);
        for key in keys() {
            stage.tell(Msg::Key(key));
            assert_sound(&stage);
        }
        stage.resize(80, 24);
        assert_sound(&stage);
    }
}

#[test]
fn a_character_that_is_typed_in_parts_keeps_the_caret_on_it() {
    let mut stage = Stage::new(40, 12);
    for c in "👨‍👩‍👧 한글 e\u{301} 🇰🇷".chars() {
        stage.tell(Msg::Key(Chord::plain(Key::Char(c))));
        assert_sound(&stage);
    }
    let at = stage.backend().cursor_position().x;
    assert_eq!(usize::from(at - stage.app.layout.composer.inner().x), width("👨‍👩‍👧 한글 e\u{301} 🇰🇷"));
}
