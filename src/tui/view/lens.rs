//! The reading aids of a comparison: texts with their differences, tables of figures, a chart.
//!
//! Owns how they look. What they say is made by `app::reading` and `app::figures`; these only paint
//! into the rectangle they are given, whatever its size.

mod chart;
mod table;

use super::paint::Canvas;
use super::rows::{Overlaid, draw_row};
use crate::app::figures::{Accord, Cursor, Entry, Figures, NAMES};
use crate::app::layout::Rect;
use crate::app::reading::Reading;
use crate::core::text::{fit, printable, visible, width};
use crate::markup::Document;
use crate::tui::theme::Tint;
use table::Table;

/// Rows of a chart from which it says something, and most it takes.
const CHART: u16 = 8;
const HIGHEST_CHART: u16 = 24;

/// Rows from which a table that scrolls leaves room for a chart.
const ROOM_FOR_BOTH: u16 = 14;

/// What leads the statistics over all cells of each column.
const ALL_ROWS: &str = "all rows";

/// Widest column of figures; wider ones only pull them apart.
const COLUMN: u16 = 26;

/// Draws a reading from one of its rows on.
pub(super) fn draw_reading(
    canvas: &mut Canvas<'_>,
    area: Rect,
    reading: &Reading,
    document: &Document,
    top: usize,
) {
    let over = Overlaid::reading(reading, canvas.style(Tint::Text));
    for (y, row) in (area.y..area.y + area.height).zip(top..document.row_count()) {
        draw_row(canvas, (area.x, y, area.x + area.width), (document, row), &over);
    }
}

/// Draws the statistics as a table, and the selected one as a chart where there is room.
pub(super) fn draw_figures(
    canvas: &mut Canvas<'_>,
    area: Rect,
    figures: &Figures,
    cursor: &Cursor,
    is_focused: bool,
) {
    let rows = u16::try_from(figures.lines()).unwrap_or(u16::MAX);
    // One line for the heads, one for what is hidden.
    let whole = rows.saturating_add(2);
    let (table_height, chart_height) = match area.height.checked_sub(whole) {
        Some(rest) if rest >= CHART => (whole, rest.min(HIGHEST_CHART)),
        _ if area.height >= ROOM_FOR_BOTH => (area.height - CHART, CHART),
        _ => (area.height, 0),
    };
    let table_area = Rect { height: table_height, ..area };
    let name = |line: usize| {
        let row = figures.line(line);
        row.map_or_else(|| ALL_ROWS.to_owned(), |row| printable(&figures.name_of(row.statistic)).into_owned())
    };
    let longest = (0..figures.lines()).map(|line| width(&name(line))).max().unwrap_or(0);
    let names = names_of(longest + 3, area.width);
    let labels: Vec<String> = figures.columns.iter().map(|column| column.label.clone()).collect();
    let table = Table {
        corner: &figures.axis,
        labels: &labels,
        names,
        widest: COLUMN,
        rows: figures.lines(),
        name: &name,
        heading: figures.rows.len(),
        entry: &|line, column| {
            let Some(row) = figures.line(line) else { return (Vec::new(), Tint::Faint) };
            let entry = &row.entries[column];
            let tint = if *entry == Entry::Nothing { Tint::Faint } else { Tint::Text };
            (entry.forms(row.statistic), tint)
        },
        note: "",
    };
    table.draw(canvas, table_area, cursor, is_focused);
    if chart_height > 0
        && let Some(row) = figures.line(cursor.row.min(figures.lines().saturating_sub(1)))
    {
        let rest = Rect { y: area.y + table_height, height: chart_height, ..area };
        let name = figures.name_of(row.statistic);
        let is_whole = cursor.row > figures.rows.len();
        let name = if is_whole { format!("{name}, {ALL_ROWS}") } else { name.into_owned() };
        chart::draw(canvas, rest, figures, (&name, row));
    }
}

/// Returns the cells of the names of a table: what they need, up to a third of the width.
fn names_of(needed: usize, width: u16) -> u16 {
    u16::try_from(needed).unwrap_or(u16::MAX).clamp(NAMES, (width / 3).max(NAMES))
}

/// Draws how far answers in JSON agree, path by path.
pub(super) fn draw_accord(
    canvas: &mut Canvas<'_>,
    area: Rect,
    accord: &Accord,
    cursor: &Cursor,
    is_focused: bool,
) {
    let path = |row: usize| visible(&accord.rows[row].path);
    let longest = (0..accord.rows.len()).map(|row| width(&path(row))).max().unwrap_or(0);
    let names = names_of(longest + 4, area.width);
    let labels: Vec<String> = accord
        .columns
        .iter()
        .map(|column| match (column.read, column.unread) {
            (_, 0) => column.label.clone(),
            (read, unread) => format!("{} {read}/{} JSON", fit(&column.label, 12), read + unread),
        })
        .collect();
    let left_out: usize = accord.columns.iter().map(|column| column.left_out).sum();
    let legend = "2/4: answers with a value, of those in JSON · +2: so many values more";
    let note =
        if left_out > 0 { format!("{left_out} values of further paths · {legend}") } else { legend.into() };
    let table = Table {
        corner: "path",
        labels: &labels,
        names,
        widest: u16::MAX,
        rows: accord.rows.len(),
        name: &path,
        heading: usize::MAX,
        entry: &|row, column| {
            let tint = match &accord.rows[row].entries[column] {
                None => Tint::Faint,
                Some(_) if accord.is_agreed(row, column) => Tint::Text,
                Some(_) => Tint::Warning,
            };
            (accord.forms(row, column), tint)
        },
        note: &note,
    };
    table.draw(canvas, area, cursor, is_focused);
}

#[cfg(test)]
mod tests;
