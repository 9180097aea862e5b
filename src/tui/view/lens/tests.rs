use super::*;
use crate::app::figures::tests::{answered, figures};
use crate::app::figures::{Column, Statistic};
use crate::config::theme::{self, Theme as Palette};
use crate::core::sweep::{Axis, Known, Parameter};
use crate::tui::theme::{Depth, Signs, Theme};
use proptest::prelude::*;
use ratatui::buffer::Buffer;
use ratatui::style::Modifier;
use std::path::Path;

/// The room inside the pane of a terminal of 80x24, 120x40 and 200x60, and less than any has.
const ROOMS: [(u16, u16); 4] = [(76, 17), (116, 31), (196, 51), (30, 6)];

fn painted(signs: &Signs, (width, height): (u16, u16), draw: impl FnOnce(&mut Canvas<'_>, Rect)) -> Buffer {
    let (palette, _) = Palette::load(theme::DEFAULT, Path::new("")).unwrap();
    let theme = Theme::new(&palette, Depth::None, *signs);
    let mut buffer = Buffer::empty(ratatui::layout::Rect::new(0, 0, width, height));
    draw(&mut Canvas { buffer: &mut buffer, theme: &theme }, Rect { x: 0, y: 0, width, height });
    buffer
}

fn lines(buffer: &Buffer) -> Vec<String> {
    let area = buffer.area;
    let line = |y| {
        let mut out = String::new();
        let mut x = 0;
        while x < area.width {
            let symbol = buffer[(x, y)].symbol();
            out.push_str(symbol);
            x += u16::try_from(width(symbol)).unwrap().max(1);
        }
        out.trim_end().to_owned()
    };
    (0..area.height).map(line).collect()
}

fn drawn(signs: &Signs, room: (u16, u16), draw: impl FnOnce(&mut Canvas<'_>, Rect)) -> Vec<String> {
    lines(&painted(signs, room, draw))
}

fn table(room: (u16, u16), figures: &Figures, row: usize) -> Vec<String> {
    drawn(&Signs::UNICODE, room, |canvas, area| {
        draw_figures(canvas, area, figures, &Cursor { row, first: 0 }, true);
    })
}

fn personas(count: usize) -> Figures {
    let names = ["호랑이 요리사 🐯", "a panda that has read every book there is", "새벽"];
    let texts: Vec<(&str, &str)> = names.iter().map(|name| (*name, "text")).collect();
    let known = Known { personas: texts, endpoints: Vec::new() };
    let axis = Axis::of_texts(Parameter::Persona, names.into_iter().take(count), &known).unwrap();
    let bench = answered(vec![axis], 5);
    Figures::of(&bench, "persona", Column::of_axis(bench.sweep(), 0))
}

#[test]
fn figures_stand_under_the_values_of_the_axis() {
    let screen = table((76, 17), &figures("0.3 0.8 1.0 1.3 1.5 1.6 1.8", 3), 7);
    assert!(screen[0].starts_with("  temperature"), "{screen:#?}");
    assert!(screen[0].ends_with("1.3") && screen.iter().any(|line| line.contains("… 3 more columns")));
    assert!(screen.iter().any(|line| line.starts_with("▸ tokens")), "{screen:#?}");
    assert!(screen.iter().any(|line| line.contains("• a value")), "{screen:#?}");
    assert!(!screen.iter().any(|line| line.contains('⠒')), "{screen:#?}");
}

#[test]
fn a_chart_has_a_line_only_where_there_are_means() {
    let many = table((116, 31), &figures("0.3 0.8 1.5", 6), 6);
    assert!(many.iter().any(|line| line.contains('⠒')), "{many:#?}");
    assert!(many.iter().any(|line| line.contains('•') || line.contains('●')));
    let last = many.iter().rev().find(|line| !line.is_empty()).unwrap();
    let at = |label: &str| last.find(label).unwrap();
    // As far apart as the numbers are.
    let (near, far) = (at("0.8") - at("0.3"), at("1.5") - at("0.3"));
    assert!((near * 12).abs_diff(far * 5) <= 12, "{last}");
    let words = table((116, 31), &figures("0.3 1.5", 6), 14);
    assert!(words.iter().any(|line| line.contains("nothing to draw")), "{words:#?}");
}

#[test]
fn wide_labels_keep_their_columns_in_every_room() {
    for figures in [personas(3), personas(1), figures("0.3 0.8 1.0 1.3 1.5 1.6 1.8", 6)] {
        for (room, row) in ROOMS.into_iter().flat_map(|room| [(room, 0), (room, 6), (room, 14)]) {
            for line in table(room, &figures, row) {
                assert!(width(&line) <= usize::from(room.0), "{line}");
            }
        }
    }
    let screen = table((116, 31), &personas(3), 0);
    assert!(screen[0].contains("호랑이 요리사 🐯"), "{screen:#?}");
}

#[test]
fn without_unicode_all_of_it_is_ascii() {
    let figures = figures("0.3 0.8 1.5", 6);
    let rows = drawn(&Signs::ASCII, (116, 31), |canvas, area| {
        draw_figures(canvas, area, &figures, &Cursor { row: 6, first: 0 }, true);
    });
    assert!(rows.iter().all(|line| line.is_ascii() && !line.contains('?')), "{rows:#?}");
    assert!(rows.iter().any(|line| line.starts_with("> characters")));
    assert!(
        rows.iter().skip(17).any(|line| line.contains("o a value") && line.contains("- mean")),
        "{rows:#?}"
    );
}

#[test]
fn the_selected_row_shows_without_colour() {
    let figures = figures("0.3 0.8", 6);
    for is_focused in [false, true] {
        let buffer = painted(&Signs::UNICODE, (76, 17), |canvas, area| {
            draw_figures(canvas, area, &figures, &Cursor { row: 2, first: 0 }, is_focused);
        });
        assert_eq!(buffer[(0, 3)].symbol(), "▸");
        assert!(buffer[(2, 3)].modifier.contains(Modifier::BOLD));
        assert_eq!(buffer[(2, 3)].modifier.contains(Modifier::REVERSED), is_focused);
    }
}

#[test]
fn a_reading_shows_its_marks() {
    let reading = Reading::difference("a quiet 새벽", "a loud 새벽", false);
    let mut document = Document::plain();
    document.update(&reading.text, 40);
    let buffer = painted(&Signs::UNICODE, (40, 2), |canvas, area| {
        draw_reading(canvas, area, &reading, &document, 0);
    });
    assert_eq!(lines(&buffer)[0], "a ⟨-quiet⟩⟨+loud⟩ 새벽");
    let modifier = |x: u16| buffer[(x, 0)].modifier;
    assert!(modifier(4).contains(Modifier::CROSSED_OUT) && !modifier(0).contains(Modifier::CROSSED_OUT));
    assert!(modifier(12).contains(Modifier::UNDERLINED) && !modifier(18).contains(Modifier::UNDERLINED));
}

#[test]
fn agreement_stands_by_path_and_column() {
    let cold = vec![r#"{"city":"서울","n":1}"#, r#"{"city":"서울","n":2}"#];
    let accord = Accord::of_texts(&[("0.3", cold), ("1.8", vec![r#"{"city":"부산"}"#, "Sure!"])]).unwrap();
    let rows = drawn(&Signs::UNICODE, (76, 6), |canvas, area| {
        draw_accord(canvas, area, &accord, &Cursor { row: 1, first: 0 }, true);
    });
    assert!(rows[0].contains("path") && rows[0].ends_with("1.8 1/2 JSON"), "{rows:#?}");
    assert!(
        rows[1].contains("$.city") && rows[1].contains("\"서울\" 2/2") && rows[1].contains("\"부산\" 1/1")
    );
    assert!(rows[2].starts_with("▸ $.n") && rows[2].contains("1 1/2 · 2 1/2") && rows[2].ends_with('–'));
}

#[test]
fn every_statistic_has_a_name_that_fits() {
    for statistic in Statistic::ALL {
        assert!(width(statistic.name()) <= usize::from(NAMES) - 3, "{statistic:?}");
    }
}

proptest! {
    /// Whatever the room and the cursor: nothing panics, nothing stands outside.
    #[test]
    fn any_room_will_do(
        size in (0u16..210, 0u16..60), row in 0usize..20, first in 0usize..9, is_focused in any::<bool>(),
        text in "[ab 가\n🐼\u{1b}]{0,60}", other in "[ab 가\n🐼\u{301}]{0,60}",
    ) {
        thread_local! {
            static FIGURES: Figures = figures("0.3 0.8 1.0 1.3", 5);
        }
        let cursor = Cursor { row, first };
        let accord = Accord::of_texts(&[("가나다", vec![r#"{"a":[1,2,{"b":"\u001b"}]}"#; 3])]).unwrap();
        let reading = Reading::difference(&text, &other, false);
        let mut document = Document::plain();
        document.update(&reading.text, size.0);
        for signs in [&Signs::UNICODE, &Signs::ASCII] {
            FIGURES.with(|figures| painted(signs, size, |canvas, area| {
                draw_figures(canvas, area, figures, &cursor, is_focused);
            }));
            painted(signs, size, |canvas, area| draw_accord(canvas, area, &accord, &cursor, is_focused));
            let rows = drawn(signs, size, |canvas, area| draw_reading(canvas, area, &reading, &document, row));
            prop_assert!(rows.iter().all(|line| !line.chars().any(char::is_control)));
        }
    }
}
