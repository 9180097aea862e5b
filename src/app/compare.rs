//! A comparison: one question at several temperatures, a column each, all streaming at once.
//!
//! Owns the columns and their runs. Invariant: a cell is found by its run, so a late message of an
//! earlier comparison finds nothing.

use crate::app::command::Place;
use crate::app::documents::{Documents, Look};
use crate::app::keymap::Keymap;
use crate::app::layout::Rect;
use crate::app::msg::DocumentKey;
use crate::app::transcript::fault_sentence;
use crate::core::id::{MessageId, RunId};
use crate::core::run::Run;
use crate::core::sweep::PRESET_TEMPERATURES;
use std::sync::Arc;

/// Narrowest column that can be read.
const COLUMN_WIDTH: u16 = 26;

/// Rows inside a column from which all figures stand under the text, and from which one line of them does.
const ALL_FIGURES: u16 = 8;
const ONE_FIGURE: u16 = 3;

/// Returns the rows of figures under the text of a column with so many rows inside: with little height one,
/// with less none, as the text is what a column is for. The line above them counts, where there are several.
#[must_use]
pub fn figure_rows(height: u16) -> u16 {
    match height {
        ALL_FIGURES.. => 4,
        ONE_FIGURE.. => 1,
        _ => 0,
    }
}

/// One temperature.
#[derive(Debug, Clone)]
pub struct Column {
    /// Its temperature.
    pub temperature: f64,
    /// Its answers, one per repeat.
    pub runs: Vec<Run>,
    /// Which of them is shown.
    pub shown: usize,
    /// First row shown.
    pub top: usize,
    /// Whether the view stays on the last row.
    pub follows: bool,
}

impl Column {
    /// Returns the answer that is shown.
    #[must_use]
    pub fn run(&self) -> &Run {
        &self.runs[self.shown.min(self.runs.len() - 1)]
    }
}

/// State of the comparison screen.
#[derive(Debug)]
pub struct Compare {
    /// The axis.
    pub temperatures: Vec<f64>,
    /// How often each temperature is asked.
    pub repeats: u32,
    /// What was asked.
    pub question: Option<Arc<str>>,
    /// The message of the conversation the question is, where it is one.
    pub origin: Option<MessageId>,
    /// The columns; empty before the first comparison.
    pub columns: Vec<Column>,
    /// The column under the cursor.
    pub cursor: usize,
    /// The leftmost column on screen.
    pub first: usize,
    /// How many columns are on screen.
    pub visible: usize,
    /// Whether the inspector stands beside the columns.
    pub inspecting: bool,
    /// Whether one column takes the whole width.
    pub zoomed: bool,
    scroll: isize,
}

impl Default for Compare {
    fn default() -> Self {
        Self {
            temperatures: PRESET_TEMPERATURES.to_vec(),
            repeats: 1,
            question: None,
            origin: None,
            columns: Vec::new(),
            cursor: 0,
            first: 0,
            visible: 1,
            inspecting: false,
            zoomed: false,
            scroll: 0,
        }
    }
}

impl Compare {
    /// Replaces the columns by those of a new comparison.
    pub fn begin(&mut self, question: Arc<str>, origin: Option<MessageId>, runs: Vec<(f64, Run)>) {
        self.columns.clear();
        for (temperature, run) in runs {
            match self.columns.last_mut() {
                Some(column) if column.temperature.total_cmp(&temperature).is_eq() => column.runs.push(run),
                _ => self.columns.push(Column {
                    temperature,
                    runs: vec![run],
                    shown: 0,
                    top: 0,
                    follows: true,
                }),
            }
        }
        (self.question, self.origin, self.scroll) = (Some(question), origin, 0);
        (self.cursor, self.first) = (0, 0);
    }

    /// Returns the column under the cursor.
    #[must_use]
    pub fn current(&self) -> Option<&Column> {
        self.columns.get(self.cursor)
    }

    /// Returns all runs.
    pub fn runs(&self) -> impl Iterator<Item = &Run> {
        self.columns.iter().flat_map(|column| &column.runs)
    }

    /// Returns a run, to be changed.
    pub fn run_mut(&mut self, id: RunId) -> Option<&mut Run> {
        self.columns.iter_mut().flat_map(|column| &mut column.runs).find(|run| run.id == id)
    }

    /// Shows a further run in the current column; returns whether the one shown before is kept beside
    /// it, as it is where it says something.
    pub fn ask_again(&mut self, run: Run) -> bool {
        let Some(column) = self.columns.get_mut(self.cursor) else { return false };
        let shown = column.shown.min(column.runs.len() - 1);
        let is_kept = !column.runs[shown].text.is_empty() || !column.runs[shown].reasoning.is_empty();
        if is_kept {
            column.runs.push(run);
            column.shown = column.runs.len() - 1;
        } else {
            column.runs[shown] = run;
        }
        (column.top, column.follows) = (0, true);
        is_kept
    }

    /// Moves the cursor by columns.
    pub fn step(&mut self, by: isize) {
        self.cursor = self.cursor.saturating_add_signed(by).min(self.columns.len().saturating_sub(1));
    }

    /// Shows another repeat of the current column.
    pub fn step_sample(&mut self, by: isize) {
        if let Some(column) = self.columns.get_mut(self.cursor) {
            column.shown = column.shown.saturating_add_signed(by).min(column.runs.len() - 1);
            (column.top, column.follows) = (0, !column.run().status.is_ended());
        }
    }

    /// Scrolls the current column when it is settled next.
    pub fn scroll(&mut self, lines: isize) {
        self.scroll = self.scroll.saturating_add(lines);
    }

    /// Returns the rectangles of the columns on screen, frames included, with their indices.
    #[must_use]
    pub fn cells(&self, area: Rect) -> Vec<(usize, Rect)> {
        let count = u16::try_from(self.visible.min(self.columns.len() - self.first.min(self.columns.len())))
            .unwrap_or(1);
        if count == 0 {
            return Vec::new();
        }
        let (width, extra) = (area.width / count, area.width % count);
        let mut x = area.x;
        (0..count)
            .map(|number| {
                let width = width + u16::from(number < extra);
                let rect = Rect { x, width, ..area };
                x += width;
                (self.first + usize::from(number), rect)
            })
            .collect()
    }

    /// Lays out the columns on screen.
    pub fn settle(&mut self, documents: &mut Documents, area: Rect, raw: bool, keymap: &Keymap) {
        let fit =
            if self.zoomed || self.inspecting { 1 } else { usize::from((area.width / COLUMN_WIDTH).max(1)) };
        self.visible = fit.min(self.columns.len().max(1));
        self.cursor = self.cursor.min(self.columns.len().saturating_sub(1));
        let last_first = self.columns.len().saturating_sub(self.visible);
        self.first =
            self.first.clamp((self.cursor + 1).saturating_sub(self.visible), self.cursor).min(last_first);
        let scroll = std::mem::take(&mut self.scroll);
        for (index, rect) in self.cells(area) {
            let text_area = text_area(rect);
            let scroll = if index == self.cursor { scroll } else { 0 };
            let column = &mut self.columns[index];
            let length = lay_out(column.run(), documents, text_area.width, raw, keymap);
            let last_top = length.saturating_sub(usize::from(text_area.height));
            if column.follows {
                column.top = last_top;
            }
            column.top = column.top.saturating_add_signed(scroll).min(last_top);
            if scroll != 0 {
                column.follows = column.top == last_top;
            }
        }
    }

    /// Brings the row that shows a byte of the current column's answer into view.
    pub fn reveal(&mut self, documents: &Documents, byte: usize, area: Rect) {
        let Some((_, rect)) = self.cells(area).into_iter().find(|(index, _)| *index == self.cursor) else {
            return;
        };
        let rows = usize::from(text_area(rect).height).max(1);
        let Some(column) = self.columns.get_mut(self.cursor) else { return };
        let Some(document) = documents.get(DocumentKey::Run(column.run().id)) else { return };
        let row = document.row_at(byte);
        if !(column.top..column.top + rows).contains(&row) {
            column.top = row.saturating_sub(rows / 3);
            column.follows = false;
        }
    }
}

/// Returns where the text of a column stands inside its frame.
#[must_use]
pub fn text_area(frame: Rect) -> Rect {
    let inner = frame.inner();
    Rect { height: inner.height - figure_rows(inner.height), ..inner }
}

/// Lays out an answer and the fault under it; returns the rows of both.
fn lay_out(run: &Run, documents: &mut Documents, width: u16, raw: bool, keymap: &Keymap) -> usize {
    let look = if raw { Look::Raw } else { Look::Rendered };
    let mut rows = 0;
    if !run.text.is_empty() {
        rows += documents.lay_out(DocumentKey::Run(run.id), &run.text, width, look).row_count();
    }
    if let Some(sentence) = fault_sentence(run, keymap, Place::Grid) {
        rows += documents.lay_out(DocumentKey::Fault(run.id), &sentence, width, Look::Raw).row_count();
    }
    rows
}
