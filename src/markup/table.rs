//! Tables: columns as wide as their content where there is room, narrower ones where there is not,
//! and one line a value where even that does not fit.
//!
//! Owns the cells of one table until its end is known. Invariant: every byte of a cell is on exactly
//! one row; only the headings that stacked values repeat ([`Tone::Label`]) come again.

use super::indent::Indent;
use super::row::{Emphasis, Extent, Rows, Span, Tone, offset};
use super::wrap::{Flow, Mode, Piece};
use crate::core::text;
use pulldown_cmark::Alignment;
use std::ops::Range;

/// The least width a wide column is shrunk to; below it the values are stacked.
const MIN_COLUMN: usize = 6;

/// Cells of a heading that is repeated before a value.
const MAX_LABEL: usize = 16;

/// What stands between two columns, and under it.
const BETWEEN: (&str, &str, usize) = (" │ ", "─┼─", 3);

#[derive(Debug, Clone)]
struct Cell {
    pieces: Range<usize>,
    width: usize,
    /// Where it ends in the source.
    end: usize,
}

#[derive(Debug)]
struct TableRow {
    start: usize,
    cells: Range<usize>,
}

/// A table whose rows are being collected.
#[derive(Debug)]
pub(super) struct Table {
    columns: Vec<Alignment>,
    pieces: Vec<Piece>,
    cells: Vec<Cell>,
    rows: Vec<TableRow>,
}

impl Table {
    /// Returns an empty table.
    pub(super) fn new(columns: Vec<Alignment>) -> Self {
        Self { columns, pieces: Vec::new(), cells: Vec::new(), rows: Vec::new() }
    }

    /// Begins a row; the first one holds the headings.
    pub(super) fn begin_row(&mut self, start: usize) {
        self.rows.push(TableRow { start, cells: self.cells.len()..self.cells.len() });
    }

    /// Adds a cell to the row.
    pub(super) fn push_cell(&mut self, text: &str, pieces: &[Piece], end: usize) {
        let first = self.pieces.len();
        self.pieces.extend_from_slice(pieces);
        let width = pieces.iter().map(|piece| piece_width(text, piece)).sum();
        self.cells.push(Cell { pieces: first..self.pieces.len(), width, end });
    }

    /// Ends the row. Cells beyond the last column, which the parser drops, go to the last one.
    pub(super) fn end_row(&mut self, text: &str, end: usize) {
        let Some(row) = self.rows.last_mut() else { return };
        row.cells.end = self.cells.len();
        let Some(cell) = self.cells.last_mut().filter(|_| !row.cells.is_empty()) else { return };
        let rest = text.get(cell.end..end).unwrap_or_default();
        let is_syntax = |c: char| c == '|' || c.is_ascii_whitespace();
        let shown = rest.trim_matches(is_syntax);
        if !shown.is_empty() {
            let start = cell.end + rest.len() - rest.trim_start_matches(is_syntax).len();
            let range = start..start + shown.len();
            let more = [
                Piece::Fixed { text: " ", tone: Tone::Plain },
                Piece::Text { range, tone: Tone::Plain, emphasis: Emphasis::NONE },
            ];
            cell.width += more.iter().map(|piece| piece_width(text, piece)).sum::<usize>();
            self.pieces.extend(more);
            cell.pieces.end = self.pieces.len();
        }
    }

    /// Lays the table out at the end of rows.
    pub(super) fn put(&self, text: &str, indent: &mut Indent, width: u16, rows: &mut Rows) {
        match self.widths(usize::from(indent.body(width))) {
            Some(widths) => self.put_columns(text, &widths, indent, rows),
            None => self.put_stacked(text, indent, width, rows),
        }
    }

    /// Returns the widths of the columns in a row of this width; `None` where they do not fit.
    fn widths(&self, width: usize) -> Option<Vec<usize>> {
        let room = width.checked_sub(self.columns.len().checked_sub(1)? * BETWEEN.2)?;
        let mut widths = vec![1; self.columns.len()];
        for row in &self.rows {
            for (width, cell) in widths.iter_mut().zip(&self.cells[row.cells.clone()]) {
                *width = cell.width.max(*width);
            }
        }
        if widths.iter().sum::<usize>() <= room {
            return Some(widths);
        }
        // The widest columns give way, down to one common width.
        let mut sorted = widths.clone();
        sorted.sort_unstable();
        let (mut rest, mut most) = (room, 0);
        for (index, &width) in sorted.iter().enumerate() {
            most = rest / (sorted.len() - index);
            if width > most {
                break;
            }
            rest -= width;
        }
        if most < MIN_COLUMN {
            return None;
        }
        let mut spare = room - widths.iter().map(|&width| width.min(most)).sum::<usize>();
        for width in &mut widths {
            if *width > most {
                let more = spare.min(1);
                *width = most + more;
                spare -= more;
            }
        }
        Some(widths)
    }

    fn put_columns(&self, text: &str, widths: &[usize], indent: &mut Indent, rows: &mut Rows) {
        let mut scratch = Rows::default();
        let mut lines: Vec<Range<usize>> = Vec::new();
        for (index, row) in self.rows.iter().enumerate() {
            scratch.cut_to(Extent::default());
            lines.clear();
            for (cell, &width) in self.cells[row.cells.clone()].iter().zip(widths) {
                let first = scratch.len();
                if !cell.pieces.is_empty() {
                    let width = u16::try_from(width).unwrap_or(u16::MAX);
                    let mut none = Indent::default();
                    let pieces = &self.pieces[cell.pieces.clone()];
                    Flow::open(text, &mut scratch, &mut none, width, Mode::Words, 0).pieces(pieces);
                }
                lines.push(first..scratch.len());
            }
            let height = lines.iter().map(Range::len).max().unwrap_or(0).max(1);
            // The rows of one table row share their first byte, see `Rows::row_at`.
            let start = indent.first_byte(offset(row.start));
            for line in 0..height {
                indent.open(rows, start);
                for (column, lines) in lines.iter().enumerate() {
                    if column > 0 {
                        rows.push(Span::fixed(BETWEEN.0, Tone::Border));
                    }
                    let spans = match lines.start + line {
                        row if row < lines.end => scratch.row(row),
                        _ => &[],
                    };
                    let used = spans.iter().map(|span| usize::from(span.width)).sum();
                    let free = widths[column].saturating_sub(used);
                    let before = match self.columns[column] {
                        Alignment::Right => free,
                        Alignment::Center => free / 2,
                        Alignment::Left | Alignment::None => 0,
                    };
                    push_space(rows, before);
                    for span in spans {
                        rows.push(span.clone());
                    }
                    if column + 1 < widths.len() {
                        push_space(rows, free - before);
                    }
                }
            }
            if index == 0 {
                let end = self.cells[row.cells.clone()].last().map_or(row.start, |cell| cell.end);
                indent.open(rows, offset(end));
                for (column, &width) in widths.iter().enumerate() {
                    if column > 0 {
                        rows.push(Span::fixed(BETWEEN.1, Tone::Border));
                    }
                    rows.push(Span::fill('─', u16::try_from(width).unwrap_or(u16::MAX), Tone::Border));
                }
            }
        }
    }

    /// One line a value, after the heading of its column; a line between rows.
    fn put_stacked(&self, text: &str, indent: &mut Indent, width: u16, rows: &mut Rows) {
        let Some((head, body)) = self.rows.split_first() else { return };
        let head_cells = &self.cells[head.cells.clone()];
        let mut flow = Flow::open(text, rows, indent, width, Mode::Words, offset(head.start));
        for (column, cell) in head_cells.iter().filter(|cell| !cell.pieces.is_empty()).enumerate() {
            if column > 0 {
                for text in [" ", "│", " "] {
                    flow.push_fixed(text, Tone::Border);
                }
            }
            flow.pieces(&self.pieces[cell.pieces.clone()]);
        }
        let labels: Vec<Vec<Piece>> = head_cells.iter().map(|cell| self.label(text, cell)).collect();
        for row in body {
            let body = indent.body(width);
            indent.open(rows, offset(row.start));
            rows.push(Span::fill('─', body, Tone::Border));
            for (cell, label) in self.cells[row.cells.clone()].iter().zip(&labels) {
                if cell.pieces.is_empty() {
                    continue;
                }
                let pieces = &self.pieces[cell.pieces.clone()];
                let start = pieces.iter().find_map(Piece::start).unwrap_or(row.start);
                let mut flow = Flow::open(text, rows, indent, width, Mode::Words, offset(start));
                if !label.is_empty() {
                    flow.pieces(label);
                    flow.push_fixed(":", Tone::Label);
                    flow.push_fixed(" ", Tone::Label);
                }
                flow.pieces(pieces);
            }
        }
    }

    /// Returns the beginning of a heading, to be repeated.
    fn label(&self, text: &str, cell: &Cell) -> Vec<Piece> {
        let mut out = Vec::new();
        let mut left = MAX_LABEL;
        for piece in &self.pieces[cell.pieces.clone()] {
            let Piece::Text { range, .. } = piece else { continue };
            let mut end = range.start;
            for (at, cluster) in text::clusters(text.get(range.clone()).unwrap_or_default()) {
                let width = text::Glyph::of(cluster).width;
                if width > left {
                    break;
                }
                left -= width;
                end = range.start + at + cluster.len();
            }
            out.push(Piece::Text { range: range.start..end, tone: Tone::Label, emphasis: Emphasis::NONE });
            if end < range.end {
                out.push(Piece::Fixed { text: "…", tone: Tone::Label });
                break;
            }
        }
        out
    }
}

fn push_space(rows: &mut Rows, width: usize) {
    rows.push(Span::fill(' ', u16::try_from(width).unwrap_or(u16::MAX), Tone::Plain));
}

fn piece_width(text: &str, piece: &Piece) -> usize {
    match piece {
        Piece::Text { range, .. } => text::width(text.get(range.clone()).unwrap_or_default()),
        Piece::Fixed { text, .. } => text::width(text),
        Piece::Break => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::super::document::tests::{drawn, markdown};

    #[test]
    fn columns_are_as_wide_as_their_content() {
        let table = "|a|right|mid|\n|:-|-:|:-:|\n|one|2|three|\n|한국|`4`||";
        assert_eq!(
            drawn(&markdown(table, 30)),
            ["a    │ right │  mid", "─────┼───────┼──────", "one  │     2 │ three", "한국 │     4 │"]
        );
    }

    #[test]
    fn a_bar_in_a_cell_is_one() {
        let table = "|a|b|\n|-|-|\n|`x \\| y`|p \\| q|";
        assert_eq!(drawn(&markdown(table, 30)), ["a     │ b", "──────┼──────", "x | y │ p | q"]);
        assert_eq!(drawn(&markdown("`x \\| y`", 30)), ["x \\| y"], "elsewhere code is as it is written");
    }

    #[test]
    fn wide_columns_give_way() {
        let table = "|k|text|\n|-|-|\n|a|one two three four|";
        assert_eq!(
            drawn(&markdown(table, 14)),
            ["k │ text", "──┼───────────", "a │ one two", "  │ three four"]
        );
    }

    #[test]
    fn what_fits_in_no_column_is_stacked() {
        let table = "|name|text|\n|-|-|\n|a|one two|\n||b|";
        assert_eq!(
            drawn(&markdown(table, 12)),
            ["name │ text", "────────────", "name: a", "text: one", "two", "────────────", "text: b"]
        );
    }

    #[test]
    fn cells_beyond_the_last_column_are_not_lost() {
        assert_eq!(drawn(&markdown("|a|\n|-|\n|b|c|d|", 30)), ["a", "─────", "b c|d"]);
    }

    #[test]
    fn a_heading_without_its_second_line_is_text() {
        assert_eq!(drawn(&markdown("| a | b |\n|--", 30)), ["| a | b |", "|--"]);
    }

    #[test]
    fn a_byte_is_found_in_its_wrapped_cell() {
        let table = "|k|text|\n|-|-|\n|a|one two three four|";
        let document = markdown(table, 14);
        let row_of = |text: &str| document.row_at(table.find(text).unwrap());
        assert_eq!(["k", "a|", "one", "three"].map(row_of), [0, 2, 2, 3]);
    }

    #[test]
    fn a_long_heading_is_repeated_in_part() {
        let heading = "long ".repeat(9);
        let table = format!("|{heading}|{heading}|\n|-|-|\n|x|y|");
        let rows = drawn(&markdown(&table, 14));
        assert_eq!(rows[rows.len() - 2..], ["long long long", "l…: y"]);
    }
}
