use super::*;
use crate::core::fault::FaultKind;
use crate::core::text::Glyph;
use proptest::prelude::*;

fn chord(written: &str) -> Chord {
    written.parse().unwrap()
}

fn press(composer: &mut Composer, chords: &str) -> Reaction {
    let mut last = Reaction::Ignored;
    for written in chords.split(' ') {
        last = composer.on_key(chord(written));
    }
    last
}

fn type_text(composer: &mut Composer, text: &str) {
    for c in text.chars() {
        let key = if c == '\n' { chord("ctrl-j") } else { Chord::plain(Key::Char(c)) };
        assert_eq!(composer.on_key(key), Reaction::Edited);
    }
}

fn typed(text: &str) -> Composer {
    let mut composer = Composer::new();
    type_text(&mut composer, text);
    composer
}

fn settled(composer: &mut Composer, width: u16, rows: u16) -> Vec<String> {
    composer.settle(width, rows);
    let text = |row: &DraftRow| row.cells.iter().map(|span| span.text.as_str()).collect();
    composer.rows().iter().map(text).collect()
}

fn caret_at(composer: &mut Composer, width: u16) -> (u16, u16) {
    composer.settle(width, 10);
    composer.caret()
}

#[test]
fn a_cluster_is_one_step_for_the_caret_and_backspace() {
    for cluster in [
        "한",
        "\u{1112}\u{1161}\u{11ab}",
        "👨‍👩‍👧‍👦",
        "🇰🇷",
        "e\u{301}",
        "x\u{301}\u{302}",
        "👍🏽",
        "क्‍ष",
        "\0",
        "\t",
        "\u{100000}",
    ] {
        let mut composer = typed(&format!("a{cluster}b"));
        press(&mut composer, "left left shift-right");
        assert_eq!(composer.selected_text().as_deref(), Some(cluster));
        press(&mut composer, "right backspace");
        assert_eq!(composer.text(), "ab", "{cluster}");
        assert_eq!(press(&mut composer, "ctrl-z"), Reaction::Edited);
        press(&mut composer, "left delete");
        assert_eq!(composer.text(), "ab", "{cluster}");
    }
}

#[test]
fn keys_of_other_owners_are_ignored() {
    let mut composer = typed("text");
    let before = composer.revision();
    for written in [
        "enter",
        "ctrl-enter",
        "tab",
        "shift-tab",
        "esc",
        "f1",
        "ctrl-c",
        "ctrl-q",
        "ctrl-p",
        "ctrl-o",
        "ctrl-n",
        "ctrl-t",
        "ctrl-d",
        "ctrl-r",
        "alt-1",
        "alt-m",
        "pageup",
        "pagedown",
        "insert",
        "ctrl-up",
        "ctrl-shift-v",
    ] {
        assert_eq!(press(&mut composer, written), Reaction::Ignored, "{written}");
    }
    assert_eq!((composer.text().as_str(), composer.revision()), ("text", before));
}

#[test]
fn new_lines_have_three_chords() {
    let mut composer = typed("a");
    press(&mut composer, "alt-enter b shift-enter c ctrl-j d");
    assert_eq!(composer.text(), "a\nb\nc\nd");
}

#[test]
fn words_are_moved_over_and_cut() {
    let mut composer = typed("let x = 한국어 문장, GPT가 좋다");
    press(&mut composer, "alt-b ctrl-left");
    assert_eq!(caret_at(&mut composer, 80), (21, 0));
    press(&mut composer, "ctrl-w");
    assert_eq!(composer.text(), "let x = 한국어 문장GPT가 좋다");
    press(&mut composer, "ctrl-v ctrl-home alt-f alt-right alt-d");
    assert_eq!(composer.text(), "let x 한국어 문장, GPT가 좋다");
    press(&mut composer, "ctrl-k ctrl-u ctrl-v");
    assert_eq!(composer.text(), "let x");
    press(&mut composer, "alt-backspace ctrl-backspace");
    assert_eq!(composer.text(), "");
    assert_eq!(press(&mut composer, "ctrl-w"), Reaction::Ignored);
}

#[test]
fn commands_work_on_the_korean_layout() {
    let mut composer = typed("하나 둘");
    press(&mut composer, "alt-ㅠ");
    assert_eq!(caret_at(&mut composer, 80), (5, 0));
    press(&mut composer, "ctrl-ㅏ");
    assert_eq!(composer.text(), "하나 ");
}

#[test]
fn cutting_at_the_edge_of_a_line_joins_lines() {
    let mut composer = typed("one\ntwo");
    press(&mut composer, "home ctrl-u");
    assert_eq!(composer.text(), "onetwo");
    press(&mut composer, "ctrl-z home left ctrl-k");
    assert_eq!(composer.text(), "onetwo");
    assert_eq!(caret_at(&mut composer, 80), (3, 0));
}

#[test]
fn a_selection_is_replaced_cut_and_left() {
    let mut composer = typed("one two three");
    press(&mut composer, "ctrl-shift-left");
    assert_eq!(composer.selected_text().as_deref(), Some("three"));
    composer.settle(80, 1);
    assert_eq!(
        composer.rows()[0].cells.iter().map(|span| span.kind).collect::<Vec<_>>(),
        [SpanKind::Plain, SpanKind::Selected]
    );
    press(&mut composer, "ctrl-x home ctrl-v");
    assert_eq!(composer.text(), "threeone two ");
    press(&mut composer, "shift-end x");
    assert_eq!(composer.text(), "threex");
    press(&mut composer, "ctrl-z");
    assert_eq!(composer.text(), "threeone two ");
    press(&mut composer, "alt-a left");
    assert_eq!((caret_at(&mut composer, 80), composer.selected_text()), ((0, 0), None));
    press(&mut composer, "alt-a right");
    assert_eq!(caret_at(&mut composer, 80), (13, 0));
    press(&mut composer, "alt-a");
    composer.paste("new").unwrap();
    assert_eq!(composer.text(), "new");
}

#[test]
fn typing_is_undone_by_words_and_redone() {
    let mut composer = typed("하나 둘 셋");
    for expected in ["하나 둘 ", "하나 ", "", ""] {
        press(&mut composer, "ctrl-z");
        assert_eq!(composer.text(), expected);
    }
    assert_eq!(press(&mut composer, "ctrl-z"), Reaction::Ignored);
    press(&mut composer, "ctrl-y ctrl-shift-z");
    assert_eq!(composer.text(), "하나 둘 ");
    press(&mut composer, "ctrl-Z");
    assert_eq!(composer.text(), "하나 둘 셋");
    assert_eq!(press(&mut composer, "ctrl-y"), Reaction::Ignored);
    press(&mut composer, "backspace backspace backspace ctrl-z");
    assert_eq!(composer.text(), "하나 둘");
    press(&mut composer, "ctrl-z");
    assert_eq!(composer.text(), "하나 둘 셋");
    press(&mut composer, "left right x ctrl-z");
    assert_eq!(composer.text(), "하나 둘 셋");
}

#[test]
fn a_long_paste_is_a_chip_and_one_step() {
    let lines: String = (0..214).flat_map(|line| [format!("line {line}"), "\r\n".to_owned()]).collect();
    let mut composer = typed("see []");
    press(&mut composer, "left");
    composer.paste(&lines).unwrap();
    assert_eq!(settled(&mut composer, 80, 5), ["see [[pasted 214 lines]]"]);
    assert_eq!(
        composer.rows()[0].cells[1],
        DraftSpan { text: "[pasted 214 lines]".to_owned(), kind: SpanKind::Chip }
    );
    let text = format!("see [{}]", lines.replace("\r\n", "\n"));
    assert_eq!((composer.text(), composer.len_bytes()), (text.clone(), text.len()));
    press(&mut composer, "ctrl-z");
    assert_eq!(composer.text(), "see []");
    press(&mut composer, "ctrl-y x left");
    assert_eq!(composer.len_bytes(), text.len() + 1);
    press(&mut composer, "backspace");
    assert_eq!(composer.text(), "see [x]");
    press(&mut composer, "ctrl-z left delete");
    assert_eq!(composer.text(), "see [x]");
    press(&mut composer, "ctrl-z shift-right ctrl-x end ctrl-v");
    assert_eq!(settled(&mut composer, 80, 5), ["see [x][pasted 214 lines]"]);
    assert_eq!(composer.selected_text(), None);
    assert_eq!(composer.unfold(), Ok(()));
    assert_eq!(settled(&mut composer, 80, 3), ["line 212", "line 213", ""]);
    assert_eq!(composer.unfold(), Err(NotUnfolded::NoChip));
    press(&mut composer, "ctrl-z");
    assert_eq!(settled(&mut composer, 80, 5), ["see [x][pasted 214 lines]"]);
}

#[test]
fn everything_is_selected_deleted_and_brought_back() {
    for key in ["ctrl-a", "alt-a"] {
        let mut composer = typed("one\n두울");
        press(&mut composer, key);
        assert_eq!(composer.selected_text().as_deref(), Some("one\n두울"));
        press(&mut composer, "backspace");
        assert!(composer.is_empty());
        press(&mut composer, "ctrl-z");
        assert_eq!(composer.text(), "one\n두울");
    }
}

#[test]
fn the_only_chip_unfolds_wherever_the_caret_is_and_of_several_the_one_beside_it() {
    let mut composer = typed("ab");
    composer.paste(&"x\n".repeat(30)).unwrap();
    press(&mut composer, "ctrl-home");
    assert_eq!(composer.unfold(), Ok(()));
    assert_eq!(composer.text(), format!("ab{}", "x\n".repeat(30)));
    let mut composer = typed("ab");
    composer.paste(&"x\n".repeat(30)).unwrap();
    composer.paste(&"y\n".repeat(30)).unwrap();
    press(&mut composer, "ctrl-home");
    assert_eq!(composer.unfold(), Err(NotUnfolded::Several));
    press(&mut composer, "end");
    assert_eq!(composer.unfold(), Ok(()));
    assert_eq!(settled(&mut composer, 80, 2), ["y", ""]);
}

#[test]
fn what_looks_like_a_chip_is_text() {
    let mut composer = typed("[pasted 3 lines]");
    composer.settle(80, 1);
    assert_eq!(composer.rows()[0].cells[0].kind, SpanKind::Plain);
    composer.paste("\u{100000}\u{10fffd}").unwrap();
    composer.paste(&"\u{100001}\n".repeat(30)).unwrap();
    assert_eq!(composer.unfold(), Ok(()));
    assert_eq!(composer.text(), format!("[pasted 3 lines]\u{100000}\u{10fffd}{}", "\u{100001}\n".repeat(30)));
    press(&mut composer, "ctrl-z ctrl-z backspace");
    assert_eq!(composer.text(), "[pasted 3 lines]\u{100000}");
}

#[test]
fn pastes_fold_by_lines_and_by_bytes() {
    for (text, label) in [
        ("x\n".repeat(20), None),
        ("x\n".repeat(21), Some("[pasted 21 lines]")),
        ("x".repeat(8192), None),
        ("x".repeat(8193), Some("[pasted 9 KB]")),
        ("x\r".repeat(1500), Some("[pasted 1,500 lines]")),
    ] {
        let mut composer = Composer::new();
        composer.paste(&text).unwrap();
        composer.settle(60, 10);
        let chip = composer.rows()[0].cells.iter().find(|span| span.kind == SpanKind::Chip);
        assert_eq!(chip.map(|span| span.text.as_str()), label);
    }
}

#[test]
fn controls_are_kept_and_drawn_as_marks() {
    let mut composer = Composer::new();
    composer.paste("a\0\u{1b}[31m\u{202e}b").unwrap();
    assert_eq!(composer.text(), "a\0\u{1b}[31m\u{202e}b");
    assert_eq!(settled(&mut composer, 80, 1), ["a␀␛[31m<202E>b"]);
    assert_eq!(composer.rows()[0].cells[1], DraftSpan { text: "␀␛".to_owned(), kind: SpanKind::Mark });
    assert_eq!(composer.caret(), (14, 0));
}

#[test]
fn a_paste_that_is_too_large_is_refused_and_changes_nothing() {
    let mut composer = typed("kept");
    let fault = composer.paste(&"x".repeat(DRAFT_BYTES)).unwrap_err();
    assert_eq!(fault.kind, FaultKind::Local);
    assert!(!fault.remedy.is_empty());
    assert_eq!((composer.text().as_str(), composer.revision()), ("kept", 4));
    composer.paste(&"x".repeat(DRAFT_BYTES - 4)).unwrap();
    assert_eq!(composer.len_bytes(), DRAFT_BYTES);
    assert_eq!(press(&mut composer, "y"), Reaction::Ignored);
    assert_eq!(composer.unfold(), Err(NotUnfolded::TooLarge));
    assert_eq!(settled(&mut composer, 80, 1), ["kept[pasted 65,536 KB]"]);
    press(&mut composer, "shift-left");
    composer.paste("z").unwrap();
    assert_eq!(composer.text(), "keptz");
}

#[test]
fn typing_without_end_folds_what_is_there() {
    let mut composer = Composer::new();
    composer.set_text(&"word ".repeat(50_000));
    for _ in 0..2 {
        press(&mut composer, "alt-a ctrl-x ctrl-v ctrl-v");
    }
    let text = composer.text();
    assert_eq!(text.len(), 1_000_000);
    assert_eq!(settled(&mut composer, 80, 1), ["[folded 977 KB]"]);
    press(&mut composer, "ctrl-z");
    assert_eq!(composer.text(), "word ".repeat(100_000));
    press(&mut composer, "ctrl-y");
    assert_eq!(composer.text(), text);
}

#[test]
fn a_draft_without_room_for_a_chip_still_folds() {
    let mut composer = Composer::new();
    let every: String = ('\u{100000}'..='\u{10fffd}').collect();
    composer.paste(&every).unwrap();
    // The chip has the marker that one of its characters needs.
    assert_eq!(composer.unfold(), Err(NotUnfolded::TooLarge));
    composer.set_text(&every[4..]);
    composer.paste(&"x\n".repeat(30)).unwrap();
    assert_eq!(composer.paste(&"y\n".repeat(30)).map_err(|fault| fault.kind), Err(FaultKind::Local));
    assert_eq!(composer.text(), format!("{}{}", &every[4..], "x\n".repeat(30)));
    composer.set_text(&every);
    press(&mut composer, "alt-a ctrl-x ctrl-v ctrl-v ctrl-v");
    assert_eq!(settled(&mut composer, 80, 1), ["[folded 768 KB]"]);
    assert_eq!(composer.text(), every.repeat(3));
}

#[test]
fn set_text_is_one_step() {
    let mut composer = typed("old text");
    composer.set_text("new\r\ntext");
    assert_eq!((composer.text().as_str(), caret_at(&mut composer, 80)), ("new\ntext", (4, 1)));
    press(&mut composer, "ctrl-z");
    assert_eq!((composer.text().as_str(), caret_at(&mut composer, 80)), ("old text", (8, 0)));
    press(&mut composer, "ctrl-y");
    assert_eq!(composer.text(), "new\ntext");
    let long = "x\n".repeat(20_001);
    composer.set_text(&long);
    assert_eq!(settled(&mut composer, 80, 2), ["[folded 20,001 lines]"]);
    assert_eq!(composer.text(), long);
    composer.set_text("");
    assert!(composer.is_empty());
    let revision = composer.revision();
    composer.set_text("");
    assert_eq!(composer.revision(), revision);
}

#[test]
fn a_taken_draft_can_be_restored() {
    let mut composer = typed("first draft");
    composer.paste(&"chip\n".repeat(40)).unwrap();
    let text = composer.take();
    assert_eq!(text, format!("first draft{}", "chip\n".repeat(40)));
    assert!(composer.is_empty());
    assert_eq!(press(&mut composer, "ctrl-z"), Reaction::Ignored);
    assert_eq!(composer.take(), "");
    type_text(&mut composer, "second");
    assert!(composer.restore());
    assert_eq!(composer.text(), text);
    press(&mut composer, "ctrl-z ctrl-z");
    assert_eq!(composer.text(), "first ");
    assert!(composer.restore());
    assert_eq!(composer.text(), "second");
    press(&mut composer, "alt-a backspace");
    assert!(composer.restore());
    assert_eq!(composer.text(), "first ");
    assert!(!composer.restore());
}

#[test]
fn the_caret_stands_where_the_terminal_draws_it() {
    for (text, width, caret) in [
        ("", 4, (0, 0)),
        ("abc", 4, (3, 0)),
        ("abcd", 4, (0, 1)),
        ("한국", 4, (0, 1)),
        ("a한국", 4, (2, 1)),
        ("한국어", 5, (2, 1)),
        ("a👨‍👩‍👧‍👦b", 9, (4, 0)),
        ("\u{1112}\u{1161}\u{11ab}!", 9, (3, 0)),
        ("🇰🇷🇯🇵", 4, (0, 1)),
        ("e\u{301}e\u{301}", 4, (2, 0)),
        ("한", 1, (0, 1)),
        ("ab\n", 4, (0, 1)),
        ("hello world", 8, (5, 1)),
    ] {
        let mut composer = Composer::new();
        composer.set_text(text);
        assert_eq!(caret_at(&mut composer, width), caret, "{text:?} at {width}");
    }
    let mut composer = typed("한국어");
    press(&mut composer, "left left");
    assert_eq!(caret_at(&mut composer, 2), (0, 1));
    assert_eq!(caret_at(&mut composer, 0), (0, 1));
}

#[test]
fn up_and_down_go_by_rows_under_one_column() {
    let mut composer = typed("가나다라마바사\nab\n0123456789");
    composer.settle(10, 10);
    press(&mut composer, "left left left");
    assert_eq!(caret_at(&mut composer, 10), (7, 3));
    for (key, caret) in
        [("up", (2, 2)), ("up", (4, 1)), ("up", (6, 0)), ("down", (4, 1)), ("down", (2, 2)), ("down", (7, 3))]
    {
        press(&mut composer, key);
        assert_eq!(caret_at(&mut composer, 10), caret);
    }
    assert!(composer.is_on_last_row() && !composer.is_on_first_row());
    assert_eq!(press(&mut composer, "down"), Reaction::Moved);
    assert_eq!(caret_at(&mut composer, 10), (0, 4));
    assert_eq!(press(&mut composer, "down"), Reaction::Ignored);
    assert!(composer.is_on_last_row());
    press(&mut composer, "ctrl-home");
    assert!(composer.is_on_first_row() && !composer.is_on_last_row());
    assert_eq!(press(&mut composer, "up"), Reaction::Ignored);
    press(&mut composer, "right shift-up");
    assert_eq!(composer.selected_text().as_deref(), Some("가"));
    press(&mut composer, "shift-down shift-down");
    assert_eq!(composer.selected_text().as_deref(), Some("나다라마바사\n"));
}

#[test]
fn the_caret_stays_visible_and_no_row_is_wasted() {
    let mut composer = Composer::new();
    composer.set_text("0\n1\n2\n3\n4\n5\n6\n7");
    assert_eq!(settled(&mut composer, 9, 3), ["5", "6", "7"]);
    press(&mut composer, "up");
    assert_eq!(settled(&mut composer, 9, 3), ["5", "6", "7"]);
    press(&mut composer, "up up");
    assert_eq!(settled(&mut composer, 9, 3), ["4", "5", "6"]);
    assert_eq!(composer.caret(), (1, 0));
    assert_eq!(settled(&mut composer, 9, 7).len(), 7);
    press(&mut composer, "ctrl-home");
    assert_eq!(settled(&mut composer, 9, 3), ["0", "1", "2"]);
    press(&mut composer, "ctrl-end shift-up shift-up shift-up shift-up backspace");
    assert_eq!(settled(&mut composer, 9, 5), ["0", "1", "2", "3"]);
    assert_eq!(settled(&mut composer, 9, 0), ["3"]);
}

#[test]
fn the_height_follows_the_draft_up_to_ten() {
    let mut composer = Composer::new();
    assert_eq!(composer.height(10), 1);
    composer.set_text("0123456789");
    assert_eq!(composer.height(10), 2);
    assert_eq!(composer.height(11), 1);
    composer.set_text(&"x ".repeat(100_000));
    assert_eq!(composer.height(40), 10);
    composer.set_text(&"\n".repeat(10_000));
    assert_eq!(composer.height(40), 10);
}

#[derive(Debug, Clone)]
enum Act {
    Key(Chord),
    Paste(String),
    Set(String),
    Unfold,
    Settle(u16, u16),
}

fn texts() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-c _.가나漢\n\t]{0,6}",
        "[\u{1112}\u{1161}\u{11ab}\u{301}\u{200d}👨👧🇰🇷\u{0}\u{1b}\u{202e}\u{100000}\u{100001}\r\u{600}]{0,6}",
        Just("줄\n".repeat(25)),
        Just("👨‍👩‍👧‍👦 ".repeat(400)),
    ]
}

fn acts() -> impl Strategy<Value = Act> {
    const KEYS: [&str; 36] = [
        "left",
        "right",
        "up",
        "down",
        "home",
        "end",
        "ctrl-home",
        "ctrl-end",
        "ctrl-left",
        "alt-right",
        "shift-left",
        "shift-right",
        "shift-up",
        "shift-down",
        "ctrl-shift-left",
        "shift-home",
        "backspace",
        "backspace",
        "delete",
        "ctrl-w",
        "alt-d",
        "ctrl-k",
        "ctrl-u",
        "ctrl-z",
        "ctrl-z",
        "ctrl-y",
        "ctrl-x",
        "ctrl-v",
        "ctrl-j",
        "alt-a",
        "ctrl-a",
        "enter",
        "alt-backspace",
        "ctrl-delete",
        "ctrl-h",
        "esc",
    ];
    prop_oneof![
        4 => (0..KEYS.len()).prop_map(|index| Act::Key(chord(KEYS[index]))),
        4 => prop::sample::select("ab 한국漢\u{1112}\u{1161}\u{11ab}\u{301}\u{200d}👨👧🇰\0\u{100000}".chars().collect::<Vec<_>>())
            .prop_map(|c| Act::Key(Chord::plain(Key::Char(c)))),
        2 => texts().prop_map(Act::Paste),
        1 => texts().prop_map(Act::Set),
        1 => Just(Act::Unfold),
        1 => (0..30u16, 0..8u16).prop_map(|(width, rows)| Act::Settle(width, rows)),
    ]
}

fn perform(composer: &mut Composer, act: Act) -> bool {
    match act {
        Act::Key(chord) => composer.on_key(chord) == Reaction::Edited,
        Act::Paste(text) => {
            composer.paste(&text).unwrap();
            !text.is_empty()
        }
        Act::Set(text) => {
            let before = composer.revision();
            composer.set_text(&text);
            composer.revision() != before
        }
        Act::Unfold => composer.unfold().is_ok(),
        Act::Settle(width, rows) => {
            composer.settle(width, rows);
            false
        }
    }
}

/// Returns the text as it is drawn, chips folded, line breaks left out, and what is wider than a row cut.
fn drawn(composer: &Composer, width: u16) -> String {
    let mut out = String::new();
    for line in composer.draft.lines() {
        let mut at = 0;
        while at < line.len() {
            let end = boundary::next(line, at);
            let marker = line[at..].chars().next().unwrap();
            let chips = composer.draft.chips();
            let text = chips.chip(marker).map_or_else(
                || Glyph::of(chips.expansion(marker).unwrap_or(&line[at..end])).text.into_owned(),
                |chip| chip.label.to_string(),
            );
            out.push_str(&crate::core::text::fit(&text, usize::from(width)));
            at = end;
        }
    }
    out
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, ..ProptestConfig::default() })]

    #[test]
    fn any_keys_and_pastes_keep_the_composer_whole(acts in prop::collection::vec(acts(), 0..40), width in 4..60u16, rows in 1..8u16) {
        let mut composer = Composer::new();
        for act in acts {
            let before = (composer.text(), composer.revision());
            let edited = perform(&mut composer, act);
            prop_assert_eq!(composer.revision() != before.1, edited);
            prop_assert!(edited || composer.text() == before.0);
            prop_assert_eq!(composer.len_bytes(), composer.text().len());
            prop_assert_eq!(composer.is_empty(), composer.text().is_empty());

            composer.settle(width, rows);
            let (x, y) = composer.caret();
            prop_assert!(x < width && usize::from(y) < composer.rows().len());
            prop_assert!(composer.rows().len() <= usize::from(rows));
            for row in composer.rows() {
                let text: String = row.cells.iter().map(|span| span.text.as_str()).collect();
                prop_assert!(crate::core::text::width(&text) <= usize::from(width), "{text:?}");
                prop_assert!(!text.chars().any(char::is_control));
            }

            let mut whole = composer.clone();
            whole.anchor = None;
            let all: String = settled(&mut whole, width, u16::MAX).concat();
            prop_assert!(all == drawn(&composer, width), "what is drawn is not what was written");
            let wanted = whole.rows().len().clamp(1, 10);
            prop_assert_eq!(usize::from(composer.height(width)), wanted);
            prop_assert_eq!(composer.is_on_first_row(), whole.caret().1 == 0);
            prop_assert_eq!(composer.is_on_last_row(), usize::from(whole.caret().1) + 1 == whole.rows().len());

            let mut copy = Composer::new();
            copy.set_text(&composer.text());
            prop_assert_eq!(copy.text(), composer.text());
        }
    }

    #[test]
    fn left_and_right_undo_each_other(text in "[ab 한漢\u{1112}\u{1161}\u{11ab}\u{301}\u{200d}👨👧🇰\u{100000}\n]{0,24}", steps in 0..30usize) {
        let mut composer = Composer::new();
        composer.set_text(&text);
        press(&mut composer, "ctrl-home");
        for (there, back) in [("right", "left"), ("down", "ctrl-home"), ("ctrl-right", "ctrl-home")] {
            let start = composer.caret;
            let mut moved = 0;
            while moved < steps && press(&mut composer, there) == Reaction::Moved {
                moved += 1;
            }
            for _ in 0..moved {
                press(&mut composer, back);
            }
            prop_assert_eq!(composer.caret, start);
        }
    }

    #[test]
    fn undo_goes_back_to_the_beginning_and_redo_to_the_end(acts in prop::collection::vec(acts(), 0..40), settles: bool) {
        let mut composer = Composer::new();
        for act in acts {
            perform(&mut composer, act);
            if settles {
                composer.settle(20, 5);
            }
        }
        while press(&mut composer, "ctrl-y") == Reaction::Edited {}
        let end = composer.text();
        let mut states = vec![end.clone()];
        while press(&mut composer, "ctrl-z") == Reaction::Edited {
            states.push(composer.text());
        }
        prop_assert_eq!(composer.text(), "");
        for state in states.iter().rev().skip(1) {
            prop_assert_eq!(press(&mut composer, "ctrl-y"), Reaction::Edited);
            prop_assert_eq!(&composer.text(), state);
            composer.settle(20, 5);
            prop_assert_eq!(composer.len_bytes(), state.len());
        }
        prop_assert_eq!(composer.text(), end);
    }
}
