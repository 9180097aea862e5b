//! A table of figures: names at the left, a column for each value, one row selected.
//!
//! Owns which forms of the entries fit, and the line that tells what is hidden. Every entry ends at the
//! same cell of its column, and nothing is drawn in part.

use super::super::paint::Canvas;
use crate::app::figures::Cursor;
use crate::app::layout::Rect;
use crate::core::text::{fit, width};
use crate::tui::theme::Tint;
use ratatui::style::Modifier;

/// Cells between two columns.
const GAP: u16 = 2;

/// What a table shows.
pub(super) struct Table<'a> {
    /// What stands above the names.
    pub corner: &'a str,
    /// What stands above the columns.
    pub labels: &'a [String],
    /// Cells of the names.
    pub names: u16,
    /// Most cells of a column.
    pub widest: u16,
    /// How many rows there are.
    pub rows: usize,
    /// The name of a row.
    pub name: &'a dyn Fn(usize) -> String,
    /// The row that only leads those below it.
    pub heading: usize,
    /// The ways an entry is written, the one that says most first.
    pub entry: &'a dyn Fn(usize, usize) -> (Vec<String>, Tint),
    /// What is to be said beside what is hidden.
    pub note: &'a str,
}

impl Table<'_> {
    /// Draws heads, rows, and in the last line what is hidden.
    pub(super) fn draw(&self, canvas: &mut Canvas<'_>, area: Rect, cursor: &Cursor, is_focused: bool) {
        if area.height == 0 || area.width <= self.names {
            return;
        }
        let (text, dim) = (canvas.style(Tint::Text), canvas.style(Tint::Dim));
        let (columns, each) = cursor.columns(area.width, self.names, self.labels.len());
        let each = each.min(self.widest);
        // The last line is kept for what is hidden, so that rows stay where they are.
        let rows = cursor.rows(area.height.saturating_sub(2), self.rows);
        let span = |index: usize| {
            let before = each * u16::try_from(index).unwrap_or(u16::MAX);
            (area.x + self.names + before + GAP, area.x + self.names + before + each)
        };
        let names_end = area.x + self.names;
        canvas.text(area.x + 2, area.y, names_end, &fit(self.corner, usize::from(self.names - 2)), dim);
        for (index, label) in self.labels[columns.clone()].iter().enumerate() {
            let (start, end) = span(index);
            let label = fit(label, usize::from(end.saturating_sub(start)));
            canvas.right(start, area.y, end, &label, text.add_modifier(Modifier::BOLD));
        }
        let selected = cursor.row.min(self.rows.saturating_sub(1));
        for (y, row) in (area.y + 1..).zip(rows.clone()) {
            let is_selected = row == selected;
            let is_strong = is_selected || row == self.heading;
            let style = if is_strong { text.add_modifier(Modifier::BOLD) } else { dim };
            let name = fit(&(self.name)(row), usize::from(self.names.saturating_sub(3)));
            canvas.text(area.x + 2, y, names_end, &name, style);
            for (index, column) in columns.clone().enumerate() {
                let (start, end) = span(index);
                let (forms, tint) = (self.entry)(row, column);
                let style = canvas.style(tint);
                canvas.right(start, y, end, &fitting(&forms, end.saturating_sub(start)), style);
            }
            if is_selected {
                let end = span(columns.len().saturating_sub(1)).1;
                if is_focused {
                    let style = canvas.style(Tint::Selection);
                    canvas.tint(area.x, y, end, style);
                }
                let style = canvas.style(if is_focused { Tint::Accent } else { Tint::Dim });
                let pointer = canvas.theme.signs.pointer;
                canvas.text(area.x, y, area.x + 1, pointer, style);
            }
        }
        if area.height > 1 {
            let hidden = self.hidden(&columns, &rows);
            let y = area.y + area.height - 1;
            let style = canvas.style(Tint::Faint);
            canvas.text(
                area.x + 2,
                y,
                area.x + area.width,
                &fit(&hidden, usize::from(area.width - 2)),
                style,
            );
        }
    }

    /// Returns what of the table is not on screen, in words.
    fn hidden(&self, columns: &std::ops::Range<usize>, rows: &std::ops::Range<usize>) -> String {
        let told = |count: usize, what: &str, of: usize| {
            let plural = if count == 1 { "" } else { "s" };
            (count > 0 && of > 0).then(|| format!("… {count} more {what}{plural}"))
        };
        let parts = [
            told(self.labels.len() - columns.len(), "column", self.labels.len()),
            told(self.rows - rows.len(), "row", self.rows),
            (!self.note.is_empty()).then(|| self.note.to_owned()),
        ];
        parts.into_iter().flatten().collect::<Vec<_>>().join(" · ")
    }
}

/// Returns the form that says most in so many cells.
fn fitting(forms: &[String], cells: u16) -> String {
    let cells = usize::from(cells);
    let fits = forms.iter().find(|form| width(form) <= cells);
    fits.or(forms.last()).map_or_else(String::new, |form| fit(form, cells))
}
