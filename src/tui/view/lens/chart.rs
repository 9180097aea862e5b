//! One statistic over an axis: a dot for each value, a line through the means where there are any.
//!
//! Owns the picture. The line is drawn in the eight dots of a Braille cell, the values as a sign of a
//! whole cell over it; where a terminal shows neither, both have a sign of ASCII. The scale and the
//! places along the axis are [`Figures`]' and [`Scale`]'s, so heights and distances are true.

use super::super::paint::Canvas;
use crate::app::figures::{Figures, Row, Scale};
use crate::app::layout::Rect;
use crate::core::diversity::FEW;
use crate::core::text::{fit, width};
use crate::tui::theme::Tint;
use ratatui::style::Modifier;

/// Cells of the figures at the left, and free ones at both ends of the axis.
const FIGURES: u16 = 14;
const MARGIN: u16 = 4;

/// Widest label under the axis.
const LABEL: usize = 16;

/// Dots of a Braille cell, from the left and from the top.
const ACROSS: usize = 2;
const DOWN: usize = 4;

/// The bits of a Braille character: by column, then from the top.
const BITS: [[u8; DOWN]; ACROSS] = [[0x01, 0x02, 0x04, 0x40], [0x08, 0x10, 0x20, 0x80]];

/// Draws a chart with a title above and the axis below.
pub(super) fn draw(canvas: &mut Canvas<'_>, area: Rect, figures: &Figures, (name, row): (&str, &Row)) {
    if area.height < 5 || area.width < FIGURES + 2 * MARGIN + 2 {
        return;
    }
    title(canvas, area, name, row);
    let plot =
        Rect { x: area.x + FIGURES, y: area.y + 1, width: area.width - FIGURES, height: area.height - 3 };
    let all = row.entries.iter().flat_map(|entry| entry.values().iter().copied());
    if all.clone().next().is_none() {
        let style = canvas.style(Tint::Dim);
        canvas.text(area.x + 2, area.y + 2, area.x + area.width, "nothing to draw yet", style);
        return;
    }
    let scale = row.statistic.scale(all);
    let columns: Vec<u16> = figures.places().into_iter().map(|place| column(plot, place)).collect();
    axes(canvas, plot, &scale, row);
    labels(canvas, area, figures, &columns);
    let mut line = Line::new(plot);
    line.through(row.entries.iter().zip(&columns).map(|(entry, x)| (*x - plot.x, entry.mean())), scale);
    line.draw(canvas, plot);
    dots(canvas, plot, row, scale, &columns);
}

fn title(canvas: &mut Canvas<'_>, area: Rect, name: &str, row: &Row) {
    let (text, dim) = (canvas.style(Tint::Text), canvas.style(Tint::Dim));
    let (x, end) = (area.x + 2, area.x + area.width);
    let after = canvas.text(x, area.y, end, name, text.add_modifier(Modifier::BOLD)) + 2;
    let has_mean = row.entries.iter().any(|entry| entry.mean().is_some());
    let has_values = row.entries.iter().any(|entry| !entry.values().is_empty());
    let [one, several] = signs(canvas);
    let legend = match (has_values, has_mean) {
        (true, true) => format!("{one} a value  {several} several  {} mean", mean_sign(canvas)),
        (true, false) if row.entries.iter().any(|entry| entry.values().len() > 1) => {
            format!("{one} a value  {several} several  no mean under {FEW} answers")
        }
        (true, false) => format!("{one} a value"),
        (false, _) => String::new(),
    };
    let room = usize::from(end.saturating_sub(after));
    let meaning = row.statistic.meaning();
    if width(meaning) + width(&legend) + 2 <= room {
        canvas.right(after, area.y, end, &legend, dim);
        canvas.text(after, area.y, end, meaning, dim);
    } else {
        canvas.text(after, area.y, end, &fit(&legend, room), dim);
    }
}

/// Returns the signs of one value and of several in one cell.
fn signs(canvas: &Canvas<'_>) -> [&'static str; 2] {
    if canvas.theme.signs.is_ascii { ["o", "O"] } else { ["•", "●"] }
}

fn mean_sign(canvas: &Canvas<'_>) -> &'static str {
    if canvas.theme.signs.is_ascii { "-" } else { "⠒⠒" }
}

/// Returns the cell of a place along the axis.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between the ends of the plot")]
fn column(plot: Rect, place: f64) -> u16 {
    let room = f64::from(plot.width.saturating_sub(2 * MARGIN + 1));
    plot.x + MARGIN + (place.clamp(0.0, 1.0) * room).round() as u16
}

/// Returns how many dots from the top a value stands.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "between the ends of the plot"
)]
fn from_top(scale: Scale, value: f64, height: usize) -> usize {
    let last = (height * DOWN).saturating_sub(1);
    last - ((scale.place(value) * last as f64).round() as usize).min(last)
}

/// Draws the figures of the scale, each beside the cell that holds it, and the line of the axis.
fn axes(canvas: &mut Canvas<'_>, plot: Rect, scale: &Scale, row: &Row) {
    let (line, dim) = (canvas.style(Tint::Border), canvas.style(Tint::Dim));
    let [_, _, corner, _, horizontal, vertical] = canvas.theme.signs.frame;
    let end = plot.x + plot.width;
    for y in plot.y..plot.y + plot.height {
        canvas.fill(plot.x, y, plot.x + 1, vertical, line);
    }
    let bottom = plot.y + plot.height;
    canvas.fill(plot.x, bottom, plot.x + 1, corner, line);
    canvas.fill(plot.x + 1, bottom, end, horizontal, line);
    let mut written: Option<u16> = None;
    for value in [scale.high, scale.low, scale.middle()] {
        let cell = from_top(*scale, value, usize::from(plot.height)) / DOWN;
        let y = plot.y + u16::try_from(cell).unwrap_or(0);
        // The middle of a low chart has no cell of its own.
        let is_crowded = value > scale.low && value < scale.high && plot.height < 4;
        if !is_crowded && written != Some(y) {
            let figure = fit(&row.statistic.write(value), usize::from(FIGURES - 3));
            canvas.right(plot.x - FIGURES + 2, y, plot.x - 1, &figure, dim);
            written = Some(y);
        }
    }
}

/// Draws the values of the axis under their places; one without room is left out.
fn labels(canvas: &mut Canvas<'_>, area: Rect, figures: &Figures, columns: &[u16]) {
    let y = area.y + area.height - 1;
    let style = canvas.style(Tint::Dim);
    let (left, right) = (area.x + FIGURES, area.x + area.width);
    let name = fit(&figures.axis, usize::from(FIGURES - 3));
    canvas.right(area.x + 2, y, left - 1, &name, style);
    let mut free = left;
    for (column, x) in figures.columns.iter().zip(columns) {
        let label = fit(&column.label, LABEL);
        let cells = u16::try_from(width(&label)).unwrap_or(0);
        let start = x.saturating_sub(cells / 2).max(left).min(right.saturating_sub(cells));
        if start >= free && cells > 0 {
            canvas.text(start, y, right, &label, style);
            free = start + cells + 1;
        }
    }
}

/// Draws a sign in every cell that holds values.
fn dots(canvas: &mut Canvas<'_>, plot: Rect, row: &Row, scale: Scale, columns: &[u16]) {
    let height = usize::from(plot.height);
    let (signs, style) = (signs(canvas), canvas.style(Tint::Text));
    for (entry, x) in row.entries.iter().zip(columns) {
        let mut counts = vec![0_usize; height];
        for value in entry.values().iter().filter(|value| value.is_finite()) {
            counts[from_top(scale, *value, height) / DOWN] += 1;
        }
        for (y, count) in (plot.y..).zip(counts) {
            if count > 0 {
                canvas.text(*x, y, x + 1, signs[usize::from(count > 1)], style);
            }
        }
    }
}

/// A line in the dots of Braille cells.
struct Line {
    width: usize,
    height: usize,
    cells: Vec<u8>,
}

impl Line {
    fn new(plot: Rect) -> Self {
        let (width, height) = (usize::from(plot.width), usize::from(plot.height));
        Self { width, height, cells: vec![0; width * height] }
    }

    /// Draws from mean to mean; where a column has none, the line is broken.
    fn through(&mut self, means: impl Iterator<Item = (u16, Option<f64>)>, scale: Scale) {
        let mut before: Option<(usize, usize)> = None;
        for (x, mean) in means {
            let here = mean
                .filter(|mean| mean.is_finite())
                .map(|mean| (usize::from(x) * ACROSS, from_top(scale, mean, self.height)));
            if let Some((x, y)) = here {
                // A mean on its own is a stroke as wide as three cells.
                self.stroke((x.saturating_sub(ACROSS), y), (x + 2 * ACROSS - 1, y));
                if let Some(before) = before {
                    self.stroke(before, (x, y));
                }
            }
            before = here;
        }
    }

    fn stroke(&mut self, from: (usize, usize), to: (usize, usize)) {
        let steps = from.0.abs_diff(to.0).max(from.1.abs_diff(to.1)).max(1);
        let along = |start: usize, end: usize, step: usize| {
            // Rounded to the nearest dot.
            (start * (steps - step) * 2 + end * step * 2 + steps) / (2 * steps)
        };
        for step in 0..=steps {
            self.dot(along(from.0, to.0, step), along(from.1, to.1, step));
        }
    }

    fn dot(&mut self, x: usize, y: usize) {
        let (column, row) = (x / ACROSS, y / DOWN);
        if column < self.width
            && let Some(cell) = self.cells.get_mut(row * self.width + column)
        {
            *cell |= BITS[x % ACROSS][y % DOWN];
        }
    }

    fn draw(&self, canvas: &mut Canvas<'_>, plot: Rect) {
        let style = canvas.style(Tint::Bar);
        for (index, bits) in self.cells.iter().enumerate().filter(|(_, bits)| **bits != 0) {
            let offset = |cells: usize| u16::try_from(cells).unwrap_or(0);
            let (x, y) = (plot.x + offset(index % self.width), plot.y + offset(index / self.width));
            let mut buffer = [0; 4];
            let sign = match char::from_u32(0x2800 + u32::from(*bits)) {
                Some(sign) if !canvas.theme.signs.is_ascii => &*sign.encode_utf8(&mut buffer),
                _ => "-",
            };
            canvas.fill(x, y, x + 1, sign, style);
        }
    }
}
