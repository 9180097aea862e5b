//! A text cut into tokens: the figures of both vocabularies, and the pieces of one.
//!
//! Neighbours are told apart by a line under every second piece as well as by their colour, so that they
//! can be without colour.

use super::super::paint::Canvas;
use super::open;
use crate::app::App;
use crate::app::pieces::Pieces;
use crate::core::cutting::Cutting;
use crate::core::figure::whole;
use crate::core::text::{fit, width};
use crate::tui::theme::Tint;
use ratatui::style::{Modifier, Style};

/// Draws the layer.
pub(super) fn draw(app: &App, pieces: &Pieces, canvas: &mut Canvas<'_>) {
    let wanted = pieces.wanted();
    let area = open(app, canvas, (wanted.width, wanted.height), pieces.title);
    let cells = usize::from(area.width);
    let (end, bottom) = (area.x + area.width, area.y + area.height - 1);
    let (text, dim, warning) =
        (canvas.style(Tint::Text), canvas.style(Tint::Dim), canvas.style(Tint::Warning));
    let hints = ["← → other vocabulary", "Esc closes", "↑ ↓ PgUp PgDn move"].map(str::to_owned);
    canvas.text(area.x, bottom, end, &whole_parts(&hints, " · ", cells), dim);
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
            &[
                (pointer, canvas.style(Tint::Accent)),
                (" ", dim),
                (&figures(cutting, cut, cells.saturating_sub(2)), style),
            ],
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

/// Returns as many of the parts as fit, whole.
fn whole_parts(parts: &[String], between: &str, cells: usize) -> String {
    let wordings = (1..=parts.len()).rev().map(|count| parts[..count].join(between));
    wordings.into_iter().find(|line| width(line) <= cells).unwrap_or_default()
}

/// Returns what a vocabulary makes of the text, in columns that stay where they are; what there is no
/// room for is left out whole.
fn figures(cutting: &Cutting, cut: usize, cells: usize) -> String {
    let of = &cutting.cuts[cut];
    let figure = |value: Option<f64>| value.map_or_else(|| "–".to_owned(), |value| format!("{value:.2}"));
    let parts = [
        format!("{:<12}{:>9} tokens", of.encoding.name(), whole(of.tokens() as u64)),
        format!("{:>6} per grapheme", figure(cutting.per_grapheme(cut))),
        format!("{:>6} per word", figure(cutting.per_word(cut))),
        format!("{:>6} × the other", figure(cutting.ratio(cut))),
    ];
    whole_parts(&parts, " ", cells)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_fit_is_left_out_whole() {
        let parts = ["9 tokens", "1.50 per word", "0.90 × the other"].map(str::to_owned);
        assert_eq!(whole_parts(&parts, " ", 40), "9 tokens 1.50 per word 0.90 × the other");
        assert_eq!(whole_parts(&parts, " ", 30), "9 tokens 1.50 per word");
        assert_eq!(whole_parts(&parts, " ", 3), "");
    }
}
