//! A text cut into tokens: the figures of both vocabularies, and the pieces of one.
//!
//! Neighbours are told apart by a line under every second piece as well as by their colour, so that they
//! can be without colour.

use super::super::paint::Canvas;
use super::open;
use crate::app::App;
use crate::app::pieces::{Pieces, WANTED};
use crate::core::cutting::Cutting;
use crate::core::figure::whole;
use crate::core::text::fit;
use crate::tui::theme::Tint;
use ratatui::style::{Modifier, Style};

/// Draws the layer.
pub(super) fn draw(app: &App, pieces: &Pieces, canvas: &mut Canvas<'_>) {
    let area = open(app, canvas, (WANTED.width, WANTED.height), pieces.title);
    let (end, bottom) = (area.x + area.width, area.y + area.height - 1);
    let (text, dim, warning) =
        (canvas.style(Tint::Text), canvas.style(Tint::Dim), canvas.style(Tint::Warning));
    canvas.text(area.x, bottom, end, "← → other vocabulary · ↑ ↓ PgUp PgDn move · Esc closes", dim);
    let Some(cutting) = pieces.cutting() else {
        canvas.text(area.x, area.y, end, "cutting …", dim);
        return;
    };
    let mut y = area.y;
    for cut in 0..cutting.cuts.len() {
        let is_shown = cut == pieces.shown();
        let pointer = if is_shown { canvas.theme.signs.pointer } else { " " };
        let style = if is_shown { text } else { dim };
        canvas.pieces(
            area.x,
            y,
            end,
            &[(pointer, canvas.style(Tint::Accent)), (" ", dim), (&figures(cutting, cut), style)],
        );
        y += 1;
    }
    for note in pieces.notes() {
        canvas.text(area.x, y, end, &fit(&note, usize::from(area.width)), warning);
        y += 1;
    }
    y += 1;
    let part = canvas.style(Tint::Error);
    for row in pieces.rows() {
        if y >= bottom {
            break;
        }
        let mut x = area.x;
        for span in row {
            x = canvas.text(
                x,
                y,
                end,
                &span.text,
                style_of(span.piece, span.is_part, (text, canvas.style(Tint::Accent), part)),
            );
        }
        y += 1;
    }
}

fn style_of(piece: usize, is_part: bool, (even, odd, part): (Style, Style, Style)) -> Style {
    let style = match (is_part, piece.is_multiple_of(2)) {
        (true, _) => part,
        (false, true) => even,
        (false, false) => odd,
    };
    if piece.is_multiple_of(2) { style } else { style.add_modifier(Modifier::UNDERLINED) }
}

/// Returns what a vocabulary makes of the text, in columns that stay where they are.
fn figures(cutting: &Cutting, cut: usize) -> String {
    let of = &cutting.cuts[cut];
    let figure = |value: Option<f64>| value.map_or_else(|| "–".to_owned(), |value| format!("{value:.2}"));
    format!(
        "{:<12}{:>9} tokens {:>6} per grapheme {:>6} per word {:>6} × the other",
        of.encoding.name(),
        whole(of.tokens() as u64),
        figure(cutting.per_grapheme(cut)),
        figure(cutting.per_word(cut)),
        figure(cutting.ratio(cut)),
    )
}
