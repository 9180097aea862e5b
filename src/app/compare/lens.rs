//! How the answers of a comparison are read: as they are, as what differs, as what they share, as figures.
//!
//! Owns what is worked out for that, each kept until the answers it is of change. Nothing is worked out
//! that is not on screen.

use crate::app::compare::columns::Columns;
use crate::app::compare::partings::Wanted;
use crate::app::compare::{Compare, Pane};
use crate::app::figures::{Accord, Column, Cursor, Figures, Statistic};
use crate::app::layout::Rect;
use crate::app::reading::{Reading, Sheet};
use crate::core::bench::Bench;
use crate::core::diff::Parting;
use crate::core::id::RunId;
use crate::core::run::{Run, RunStatus};
use std::collections::{HashMap, HashSet};

/// A way to read the answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Lens {
    /// Each as it came.
    #[default]
    Text,
    /// Each as what it changes in the answer of the base column.
    Difference,
    /// All as one text: what they share once, and where they part.
    Consensus,
    /// Figures along the first axis, and a chart.
    Statistics,
    /// For answers in JSON: the values at each path, and how many agree.
    Fields,
}

impl Lens {
    /// Returns the name on screen.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Difference => "difference",
            Self::Consensus => "consensus",
            Self::Statistics => "statistics",
            Self::Fields => "fields",
        }
    }

    /// Whether it takes the place of the cells.
    #[must_use]
    pub fn is_whole(self) -> bool {
        match self {
            Self::Text | Self::Difference => false,
            Self::Consensus | Self::Statistics | Self::Fields => true,
        }
    }
}

/// Of which texts a reading is: the runs and how long they were, and whether only what differs is shown.
type Stamp = (Vec<(RunId, usize)>, bool);

/// What the figures are of: the revision of the bench, a row of it, and what is beside them.
#[derive(Debug, Clone, PartialEq)]
struct Basis {
    revision: u64,
    row: usize,
    shown: u64,
    columns: (u64, bool),
    ballot: Vec<u32>,
    verdicts: u64,
}

/// Returns the row of the figures that is shown as a chart first: how alike the answers of a cell are, or
/// how sure the model was where each has one answer.
fn first_row(repeats: u32) -> usize {
    let first = if repeats > 1 { Statistic::Similarity } else { Statistic::Perplexity };
    Statistic::ALL.iter().position(|statistic| *statistic == first).unwrap_or(0)
}

/// What is worked out for the lenses.
#[derive(Debug, Default)]
pub struct Lenses {
    /// The one in use.
    pub lens: Lens,
    /// The column the others are compared with.
    pub base: usize,
    /// Whether only what differs is shown.
    pub is_only_different: bool,
    /// Whether all cells scroll together.
    pub is_together: bool,
    /// The place in the table of figures.
    pub cursor: Cursor,
    differences: HashMap<usize, Sheet<Stamp>>,
    consensus: Sheet<Stamp>,
    /// First row of the consensus on screen.
    pub top: usize,
    /// The row of the split that was gone to last.
    stop: Option<usize>,
    figures: Option<(Basis, Figures, Option<Accord>)>,
    /// The statistics over whole columns.
    pub(super) columns: Columns,
    /// Tokens that were let go and are fetched again, or were.
    pub(super) fetched: HashSet<Wanted>,
}

impl Lenses {
    /// Returns what a cell changes in the base, after it was settled.
    #[must_use]
    pub fn difference(&self, cell: usize) -> Option<&Sheet<Stamp>> {
        self.differences.get(&cell).filter(|_| self.lens == Lens::Difference)
    }

    /// Returns what the answers share.
    #[must_use]
    pub fn consensus(&self) -> &Sheet<Stamp> {
        &self.consensus
    }

    /// Returns the statistics.
    #[must_use]
    pub fn figures(&self) -> Option<&Figures> {
        self.figures.as_ref().map(|(_, figures, _)| figures)
    }

    /// Returns how far answers in JSON agree; `None` where none is JSON.
    #[must_use]
    pub fn accord(&self) -> Option<&Accord> {
        self.figures.as_ref().and_then(|(_, _, accord)| accord.as_ref())
    }

    /// Forgets what was of another comparison; the one that begins asks each cell so often.
    pub(super) fn begin(&mut self, repeats: u32) {
        *self = Self {
            cursor: Cursor { row: first_row(repeats), ..Cursor::default() },
            lens: self.lens,
            is_only_different: self.is_only_different,
            is_together: self.is_together,
            columns: self.columns.next(),
            ..Self::default()
        };
    }
}

impl Pane {
    /// Goes to the first row, unless the user has scrolled: what follows an answer stands at its end.
    fn begin(&mut self) {
        if self.follows {
            (self.top, self.follows) = (0, false);
        }
    }
}

/// Returns what says whether a text has changed.
fn mark(run: &Run) -> (RunId, usize) {
    (run.id, run.text.len())
}

impl Compare {
    /// Reads the answers in a way, or as they are where they were read so already.
    pub fn toggle_lens(&mut self, lens: Lens) {
        self.lenses.lens = if self.lenses.lens == lens { Lens::Text } else { lens };
        if matches!(self.lenses.lens, Lens::Difference | Lens::Consensus) {
            self.read_from_start();
        }
    }

    /// Makes the column under the cursor the one that the others are compared with.
    pub fn set_base(&mut self) {
        self.lenses.base = self.board.place(self.cursor).0;
        self.lenses.lens = Lens::Difference;
        self.read_from_start();
    }

    /// Whether the cell under the cursor is of the base column while differences are read.
    #[must_use]
    pub fn is_on_base(&self) -> bool {
        self.lenses.lens == Lens::Difference && self.base_cell(self.cursor).is_none()
    }

    /// Reads what differs or is shared from its beginning: of an answer that has come its end is in view.
    fn read_from_start(&mut self) {
        for cell in 0..self.panes.len() {
            let run = self.shown(cell).and_then(|shown| shown.run);
            if run.is_some_and(|run| run.status.is_ended()) {
                self.panes[cell].begin();
            }
        }
        (self.lenses.top, self.lenses.stop) = (0, None);
    }

    /// Returns the answer of the base column that a cell is compared with; none for the base itself.
    #[must_use]
    pub fn base_of(&self, cell: usize) -> Option<&Run> {
        self.shown(self.base_cell(cell)?)?.run
    }

    /// Returns the cell of the base column that a cell is compared with; none for the base itself.
    pub(super) fn base_cell(&self, cell: usize) -> Option<usize> {
        let (column, row) = self.board.place(cell);
        (column != self.lenses.base).then(|| self.lenses.base * self.board.rows + row)
    }

    /// Returns where a cell's answer parts from that of the base column.
    #[must_use]
    pub fn parting(&self, cell: usize) -> Option<Parting<'_>> {
        Parting::of(self.shown(cell)?.run?, self.base_of(cell)?)
    }

    /// Returns the answers that the consensus is of: those of the cell where there are several, else those
    /// of its row.
    #[must_use]
    pub fn agreed(&self) -> Vec<&Run> {
        // The missing end of an answer under way would read as a split.
        let is_complete = |run: &&Run| matches!(run.status, RunStatus::Done(_)) && !run.text.is_empty();
        let own: Vec<&Run> =
            self.bench.iter().flat_map(|bench| bench.runs_of(self.cursor)).filter(is_complete).collect();
        if own.len() > 1 {
            return own;
        }
        let (_, row) = self.board.place(self.cursor);
        let cells = self.board.shown_columns().map(|column| column * self.board.rows + row);
        cells.filter_map(|cell| self.shown(cell)?.run).filter(is_complete).collect()
    }

    /// Works out what a cell changes in the base; returns the rows of it.
    pub(super) fn settle_difference(&mut self, cell: usize, rect: Rect) -> Option<usize> {
        if self.lenses.lens != Lens::Difference {
            return None;
        }
        let mut sheet = self.lenses.differences.remove(&cell).unwrap_or_default();
        let pair = self.base_of(cell).zip(self.shown(cell).and_then(|shown| shown.run));
        let is_there = |run: &Run| run.status.is_ended() && !run.text.is_empty();
        let (base, run) = pair.filter(|(base, run)| is_there(base) && is_there(run))?;
        let is_only = self.lenses.is_only_different;
        let stamp = (vec![mark(base), mark(run)], is_only);
        let width = rect.inner().width;
        let is_new = sheet.settle(stamp, width, || Reading::difference(&base.text, &run.text, is_only));
        if let Some(pane) = self.panes.get_mut(cell).filter(|_| is_new) {
            pane.stop = None;
            pane.begin();
        }
        let rows = sheet.document().row_count();
        self.lenses.differences.insert(cell, sheet);
        Some(rows)
    }

    /// Works out what takes the place of the cells.
    pub(super) fn settle_whole(&mut self, area: Rect, scroll: isize) {
        let inner = area.inner();
        match self.lenses.lens {
            Lens::Text | Lens::Difference => {}
            Lens::Consensus => {
                let mut sheet = std::mem::take(&mut self.lenses.consensus);
                let (runs, is_only) = (self.agreed(), self.lenses.is_only_different);
                let stamp = (runs.iter().map(|run| mark(run)).collect(), is_only);
                let is_new = sheet.settle(stamp, inner.width, || Reading::of_answers(&runs, is_only));
                if is_new || scroll != 0 {
                    self.lenses.stop = None;
                }
                let last = sheet.document().row_count().saturating_sub(usize::from(inner.height));
                self.lenses.consensus = sheet;
                self.lenses.top = self.lenses.top.saturating_add_signed(scroll).min(last);
            }
            Lens::Statistics | Lens::Fields => {
                self.settle_figures();
                let rows = match self.lenses.lens {
                    Lens::Fields => self.lenses.accord().map_or(0, |accord| accord.rows.len()),
                    Lens::Text | Lens::Difference | Lens::Consensus | Lens::Statistics => {
                        self.lenses.figures().map_or(0, Figures::lines)
                    }
                };
                self.lenses.cursor.step(scroll, rows);
                self.pass_heading(scroll);
            }
        }
    }

    /// Works the figures out, where answers have come since.
    fn settle_figures(&mut self) {
        let Some(bench) = &self.bench else { return };
        let (_, row) = self.board.place(self.cursor);
        let (columns, ballot) = (self.lenses.columns.revision(), self.ballot().to_vec());
        let (shown, verdicts) = (self.filter.revision(), self.checks.revision());
        let basis = Basis { revision: bench.revision(), row, shown, columns, ballot, verdicts };
        if self.lenses.figures.as_ref().is_some_and(|(of, _, _)| *of == basis) {
            return;
        }
        let line = Column::of_line(bench.sweep(), 0, self.cursor);
        let shown: Vec<usize> = self.board.shown_columns().collect();
        let columns: Vec<Column> = shown.iter().filter_map(|column| line.get(*column).cloned()).collect();
        let mut figures = Figures::of(bench, name_of_axis(bench), columns.clone());
        figures.add_checks(bench, &self.checks);
        let votes: Vec<u32> = shown.iter().filter_map(|column| basis.ballot.get(*column).copied()).collect();
        figures.add_votes(&votes);
        if self.board.rows > 1 {
            figures.add_whole(self.lenses.columns.known(), &shown);
        }
        let accord = Accord::of(bench, &columns);
        self.lenses.figures = Some((basis, figures, accord));
    }

    /// Moves the selection off a line of the figures that is a heading, on in the way it went.
    fn pass_heading(&mut self, scroll: isize) {
        let Some(figures) = self.lenses.figures().filter(|_| self.lenses.lens == Lens::Statistics) else {
            return;
        };
        let lines = figures.lines();
        if figures.line(self.lenses.cursor.row).is_none() {
            self.lenses.cursor.step(if scroll < 0 { -1 } else { 1 }, lines);
        }
    }

    /// Goes to the next difference, or to the one before.
    pub fn step_difference(&mut self, forward: bool) -> bool {
        if self.lenses.lens == Lens::Consensus {
            let (sheet, top) = (&self.lenses.consensus, self.lenses.top);
            let stop = match self.lenses.stop {
                None if top == 0 && forward => sheet.first_stop(),
                stop => sheet.stop_from(stop.unwrap_or(top), forward),
            };
            let Some(stop) = stop else { return false };
            (self.lenses.top, self.lenses.stop) = (stop, Some(stop));
            return true;
        }
        let cell = self.cursor;
        let (Some(sheet), Some(pane)) = (self.lenses.differences.get(&cell), self.panes.get_mut(cell)) else {
            return false;
        };
        let from = match pane.stop {
            // Nothing was gone to yet, and what differs first may stand in the first row.
            None if pane.top == 0 && forward => sheet.first_stop(),
            stop => sheet.stop_from(stop.unwrap_or(pane.top), forward),
        };
        let Some(row) = from else { return false };
        (pane.top, pane.follows, pane.stop) = (row, false, Some(row));
        true
    }
}

fn name_of_axis(bench: &Bench) -> String {
    bench.sweep().axes().first().map_or_else(String::new, |axis| axis.parameter().to_string())
}
