//! The comparison screen: a sweep being run, a cell for each combination of its axes.
//!
//! Owns what is looked at: the cell under the cursor, which answer of each cell is shown, how far it is
//! scrolled, what the user thinks of it. The sweep itself, its order, limits and budget, is
//! [`core::bench`](crate::core::bench)'s. Invariant: a cell is found by its run, so a late message of an
//! earlier comparison finds nothing.

pub mod board;
pub mod bounds;
pub mod checks;
pub mod columns;
pub mod filter;
pub mod lens;
pub mod outlook;
pub mod partings;
pub mod planned;
pub mod setup;
pub mod vote;

use crate::app::command::Place;
use crate::app::documents::{Documents, Look};
use crate::app::keymap::Keymap;
use crate::app::layout::Rect;
use crate::app::msg::DocumentKey;
use crate::app::transcript::fault_sentence;
use crate::core::bench::{Bench, Slot};
use crate::core::id::{MessageId, RunId};
use crate::core::job::RecordId;
use crate::core::run::Run;
use crate::core::time::Timestamp;
use board::Board;
use checks::Checks;
use filter::Filter;
use lens::{Lens, Lenses};
use outlook::{Basis, Outlook};
use setup::Setup;
use std::collections::BTreeSet;
use std::sync::Arc;
use vote::{Blind, Votes};

/// Rows inside a cell from which all figures stand under the text, and from which one line of them does.
const ALL_FIGURES: u16 = 8;
const ONE_FIGURE: u16 = 3;

/// Most lines that name what an answer does not pass, and rows of its text that stay beside them.
const MOST_FAILURES: usize = 4;
const LEAST_TEXT: u16 = 3;

/// Returns the rows of figures under the text of a cell with so many rows inside: with little height one,
/// with less none, as the text is what a cell is for. The line above them counts, where there are several.
#[must_use]
pub fn figure_rows(height: u16) -> u16 {
    match height {
        ALL_FIGURES.. => 4,
        ONE_FIGURE.. => 1,
        _ => 0,
    }
}

/// How one cell is looked at.
#[derive(Debug, Clone)]
pub struct Pane {
    /// Answers beside the samples: asked once more by hand, and endings of others. No figure counts them.
    pub asides: Vec<Run>,
    /// Which of the samples, and then of the asides, is shown.
    pub shown: usize,
    /// First row shown.
    pub top: usize,
    /// Whether the view stays on the last row.
    pub follows: bool,
    /// The row of the difference that was gone to last: where the text ends it is not the first on screen.
    stop: Option<usize>,
    /// What the user wrote about the cell.
    pub note: String,
}

impl Default for Pane {
    fn default() -> Self {
        Self { asides: Vec::new(), shown: 0, top: 0, follows: true, stop: None, note: String::new() }
    }
}

/// What a cell shows.
#[derive(Debug, Clone, Copy)]
pub struct Shown<'a> {
    /// The sample, unless it is an aside.
    pub slot: Option<&'a Slot>,
    /// The answer, once it was asked for.
    pub run: Option<&'a Run>,
    /// Which of the cell's answers it is, from 0.
    pub number: usize,
    /// How many there are.
    pub count: usize,
}

/// State of the comparison screen.
#[derive(Debug, Default)]
pub struct Compare {
    /// What the next sweep is made of.
    pub setup: Setup,
    /// What it would take, as far as that is known, and what that was worked out from.
    pub outlook: Option<(Basis, Option<Outlook>)>,
    /// What was asked.
    pub question: Option<Arc<str>>,
    /// The message of the conversation the question is, where it is one.
    pub origin: Option<MessageId>,
    /// The sweep that was begun last.
    pub bench: Option<Bench>,
    /// The cell under the cursor.
    pub cursor: usize,
    /// Which cells are on screen.
    pub board: Board,
    /// Cells the user marked as best.
    pub best: BTreeSet<usize>,
    /// The name it is kept under.
    pub record: Option<RecordId>,
    /// What the answers are held to.
    pub checks: Checks,
    /// How the answers are read.
    pub lenses: Lenses,
    /// The columns shuffled, while they are voted on and until they are put back.
    pub blind: Option<Blind>,
    /// What was voted for so far, also in comparisons before with the same first axis.
    pub votes: Votes,
    /// What is looked for in the labels of rows and columns.
    pub filter: Filter,
    /// Whether the inspector stands beside the cells.
    pub inspecting: bool,
    /// Whether one cell takes the whole width.
    pub zoomed: bool,
    panes: Vec<Pane>,
    scroll: isize,
    /// Votes that were cast in this comparison.
    ballots: usize,
}

impl Compare {
    /// Returns the screen before anything was compared.
    #[must_use]
    pub fn new(setup: Setup) -> Self {
        Self { setup, ..Self::default() }
    }

    /// Takes the place of the sweep before.
    pub fn begin(&mut self, question: Arc<str>, origin: Option<MessageId>, bench: Bench) {
        let sweep = bench.sweep();
        self.votes.begin(sweep.axes().first());
        (self.blind, self.ballots) = (None, 0);
        let columns = sweep.axes().first().map_or(1, |axis| axis.values().len()).max(1);
        self.board = Board::new(columns, sweep.cell_count() / columns);
        self.panes = vec![Pane::default(); sweep.cell_count()];
        self.filter = Filter::default();
        self.lenses.begin(sweep.repeats());
        (self.bench, self.record) = (Some(bench), None);
        self.best.clear();
        (self.question, self.origin) = (Some(question), origin);
        (self.cursor, self.scroll) = (0, 0);
    }

    /// Whether nothing was compared yet.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.panes.is_empty()
    }

    /// Returns how a cell is looked at.
    #[must_use]
    pub fn pane(&self, cell: usize) -> Option<&Pane> {
        self.panes.get(cell)
    }

    /// Returns what a cell shows.
    #[must_use]
    pub fn shown(&self, cell: usize) -> Option<Shown<'_>> {
        let (bench, pane) = (self.bench.as_ref()?, self.panes.get(cell)?);
        let samples = bench.samples_of(cell);
        // Only the cells the user asked again have answers beside their samples.
        let asides = if self.is_voting() { 0 } else { pane.asides.len() };
        let count = samples.len() + asides;
        let number = pane.shown.min(count.saturating_sub(1));
        Some(match bench.slots()[samples.clone()].get(number) {
            Some(slot) => Shown { slot: Some(slot), run: slot.run.as_ref(), number, count },
            None => Shown { slot: None, run: pane.asides.get(number - samples.len()), number, count },
        })
    }

    /// Returns what the cell under the cursor shows.
    #[must_use]
    pub fn current(&self) -> Option<Shown<'_>> {
        self.shown(self.cursor)
    }

    /// Returns the number of the sample that the cell under the cursor shows, unless it is an aside.
    #[must_use]
    pub fn current_sample(&self) -> Option<usize> {
        let (bench, shown) = (self.bench.as_ref()?, self.current()?);
        shown.slot.map(|_| bench.samples_of(self.cursor).start + shown.number)
    }

    /// Returns all runs.
    pub fn runs(&self) -> impl Iterator<Item = &Run> {
        let samples = self.bench.iter().flat_map(Bench::slots).filter_map(|slot| slot.run.as_ref());
        samples.chain(self.panes.iter().flat_map(|pane| &pane.asides))
    }

    /// Returns the answers of a cell, samples first.
    pub fn answers(&self, cell: usize) -> impl Iterator<Item = &Run> {
        let samples = self.bench.iter().flat_map(move |bench| bench.runs_of(cell));
        samples.chain(self.panes.get(cell).into_iter().flat_map(|pane| &pane.asides))
    }

    /// Returns the cell a run is an answer of.
    #[must_use]
    pub fn cell_of(&self, run: RunId) -> Option<usize> {
        (0..self.panes.len()).find(|cell| self.answers(*cell).any(|own| own.id == run))
    }

    /// Returns an aside, to be changed.
    pub fn aside_mut(&mut self, id: RunId) -> Option<&mut Run> {
        self.panes.iter_mut().flat_map(|pane| &mut pane.asides).find(|run| run.id == id)
    }

    /// Shows a further answer of a cell, beside its samples.
    pub fn add_aside(&mut self, cell: usize, run: Run) {
        let Some(bench) = &self.bench else { return };
        let samples = bench.samples_of(cell).len();
        let Some(pane) = self.panes.get_mut(cell) else { return };
        pane.asides.push(run);
        pane.shown = samples + pane.asides.len() - 1;
        (pane.top, pane.follows) = (0, true);
    }

    /// Returns which of a cell's answers a run is: samples first, those without an answer counted as well.
    #[must_use]
    pub fn number_of(&self, cell: usize, run: RunId) -> Option<usize> {
        let samples = self.bench.as_ref()?.samples_of(cell);
        let count = samples.len() + self.panes.get(cell)?.asides.len();
        (0..count).find(|number| self.answer(cell, *number).is_some_and(|own| own.id == run))
    }

    /// Returns the answer of a cell with this number, if it has come.
    #[must_use]
    pub fn answer(&self, cell: usize, number: usize) -> Option<&Run> {
        let (bench, pane) = (self.bench.as_ref()?, self.panes.get(cell)?);
        let samples = bench.samples_of(cell);
        match number.checked_sub(samples.len()) {
            Some(aside) => pane.asides.get(aside),
            None => bench.slots()[samples.start + number].run.as_ref(),
        }
    }

    /// Puts an answer beside the samples of a cell that was there before; what is shown stays.
    pub fn put_aside(&mut self, cell: usize, run: Run) {
        if let Some(pane) = self.panes.get_mut(cell) {
            pane.asides.push(run);
        }
    }

    /// Returns an aside with its cell and its number among those of the cell.
    #[must_use]
    pub fn aside(&self, id: RunId) -> Option<(usize, usize, &Run)> {
        let own = |(cell, pane): (usize, &'_ Pane)| {
            let number = pane.asides.iter().position(|run| run.id == id)?;
            Some((cell, number))
        };
        let (cell, number) = self.panes.iter().enumerate().find_map(own)?;
        Some((cell, number, &self.panes[cell].asides[number]))
    }

    /// Whether columns are voted on, so that nothing may be told of them.
    #[must_use]
    pub fn is_voting(&self) -> bool {
        self.blind.as_ref().is_some_and(|blind| blind.chosen().is_none())
    }

    /// Shuffles the columns as a number says, and shows of each cell the sample whose turn it is.
    pub fn begin_vote(&mut self, number: u64) {
        self.blind = Some(Blind::new(self.board.columns, number));
        let repeats = self.bench.as_ref().map_or(1, |bench| bench.sweep().repeats() as usize);
        for pane in &mut self.panes {
            (pane.shown, pane.top, pane.follows) = (self.ballots % repeats.max(1), 0, false);
        }
        self.refilter();
        // Whoever watched the cursor go along would know the column it was in.
        self.cursor = self.cell_at(self.board.nearest(0));
        self.lenses.lens = Lens::Text;
        self.inspecting = false;
    }

    /// Counts a vote for the column in a place and goes there; returns the column.
    pub fn vote(&mut self, place: usize) -> Option<usize> {
        let column = self.blind.as_mut()?.choose(place)?;
        self.votes.add(column);
        self.ballots += 1;
        let (_, row) = self.board.place(self.cursor);
        self.cursor = column * self.board.rows + row;
        Some(column)
    }

    /// Returns the cell that stands in a spot of the board.
    fn cell_at(&self, spot: usize) -> usize {
        let (place, row) = self.board.place(spot);
        let column = self.blind.as_ref().and_then(|blind| blind.column(place)).unwrap_or(place);
        column * self.board.rows + row
    }

    /// Returns the spot of the board a cell stands in.
    fn spot_of(&self, cell: usize) -> usize {
        let (column, row) = self.board.place(cell);
        self.place_of(column) * self.board.rows + row
    }

    /// Returns the place a column stands in.
    #[must_use]
    pub fn place_of(&self, column: usize) -> usize {
        self.blind.as_ref().map_or(column, |blind| blind.place(column))
    }

    /// Moves the cursor by columns and rows.
    pub fn step(&mut self, columns: isize, rows: isize) {
        self.cursor = self.cell_at(self.board.step(self.spot_of(self.cursor), columns, rows));
    }

    /// Shows another answer of a cell.
    pub fn step_sample(&mut self, cell: usize, by: isize) {
        let Some(Shown { number, count, .. }) = self.shown(cell) else { return };
        let next = number.saturating_add_signed(by).min(count.saturating_sub(1));
        let Some(pane) = self.panes.get_mut(cell) else { return };
        (pane.shown, pane.top, pane.stop) = (next, 0, None);
        let is_ended = self.shown(cell).and_then(|shown| shown.run).is_some_and(|run| run.status.is_ended());
        self.panes[cell].follows = !is_ended;
    }

    /// Shows the answer of a cell that is this run.
    pub fn show_run(&mut self, cell: usize, run: RunId) {
        let Some(bench) = &self.bench else { return };
        let samples = bench.samples_of(cell);
        let is_it = |own: Option<&Run>| own.is_some_and(|own| own.id == run);
        let at = bench.slots()[samples.clone()].iter().position(|slot| is_it(slot.run.as_ref()));
        let Some(pane) = self.panes.get_mut(cell) else { return };
        let aside = || pane.asides.iter().position(|own| is_it(Some(own))).map(|at| at + samples.len());
        if let Some(at) = at.or_else(aside) {
            pane.shown = at;
        }
    }

    /// Follows the cell again from its first row.
    pub fn follow(&mut self, cell: usize) {
        if let Some(pane) = self.panes.get_mut(cell) {
            (pane.top, pane.follows) = (0, true);
        }
    }

    /// Returns the lens whose reading takes the place of the cells.
    #[must_use]
    pub fn whole(&self) -> Option<Lens> {
        Some(self.lenses.lens).filter(|lens| lens.is_whole() && !self.inspecting && !self.is_empty())
    }

    /// Returns what is written on a cell; nothing while it is voted on.
    #[must_use]
    pub fn note(&self, cell: usize) -> &str {
        self.panes.get(cell).filter(|_| !self.is_voting()).map_or("", |pane| &pane.note)
    }

    /// Returns the sample a cell shows, where it was judged and may be told apart.
    #[must_use]
    pub fn judged(&self, cell: usize) -> Option<usize> {
        let (bench, shown) = (self.bench.as_ref()?, self.shown(cell)?);
        shown.run.filter(|_| shown.slot.is_some() && !self.is_voting())?;
        Some(bench.samples_of(cell).start + shown.number)
    }

    /// Returns what the answer that a zoomed cell shows does not pass, a line each.
    #[must_use]
    pub fn failures(&self, cell: usize) -> Vec<String> {
        let sample = self.judged(cell).filter(|_| self.zoomed);
        let mut failures = sample.map_or_else(Vec::new, |sample| self.checks.failures(sample));
        if failures.len() > MOST_FAILURES {
            let more = failures.split_off(MOST_FAILURES - 1).len();
            failures.push(format!("and {more} checks more"));
        }
        failures
    }

    /// Writes a note on a cell; an empty one takes it away.
    pub fn set_note(&mut self, cell: usize, note: &str) {
        if let Some(pane) = self.panes.get_mut(cell) {
            note.clone_into(&mut pane.note);
        }
    }

    /// Returns where the text of a cell stands inside its frame: above the figures, below a note.
    #[must_use]
    pub fn text_area(&self, cell: usize, frame: Rect) -> Rect {
        let inner = frame.inner();
        let height = inner.height - figure_rows(inner.height);
        let below = u16::try_from(self.failures(cell).len()).unwrap_or(0);
        let height = height.saturating_sub(below).max(height.min(LEAST_TEXT));
        // A note without its answer says nothing.
        let above = u16::from(!self.note(cell).is_empty() && height > 1);
        Rect { y: inner.y + above, height: height - above, ..inner }
    }

    /// Marks the cell under the cursor as best, or takes the mark away.
    pub fn toggle_best(&mut self) {
        if !self.best.remove(&self.cursor) {
            self.best.insert(self.cursor);
        }
    }

    /// Scrolls the current cell when it is settled next.
    pub fn scroll(&mut self, lines: isize) {
        self.scroll = self.scroll.saturating_add(lines);
    }

    /// Returns the rectangles of the cells on screen, frames included, with their numbers.
    #[must_use]
    pub fn cells(&self, area: Rect) -> Vec<(usize, Rect)> {
        if self.panes.is_empty() {
            return Vec::new();
        }
        let spots = self.board.cells(area).into_iter();
        spots.map(|(spot, rect)| (self.cell_at(spot), rect)).collect()
    }

    /// Returns when the sweep goes on by itself, as a limit of the server has passed.
    #[must_use]
    pub fn wakes_at(&self) -> Option<Timestamp> {
        self.bench.as_ref().and_then(Bench::wake)
    }

    /// Lays out the cells on screen.
    pub fn settle(&mut self, documents: &mut Documents, area: Rect, raw: bool, keymap: &Keymap) {
        if self.panes.is_empty() {
            return;
        }
        let is_single = self.zoomed || self.inspecting;
        self.cursor = self.cursor.min(self.panes.len() - 1);
        self.board.fit(area, is_single, self.spot_of(self.cursor));
        let scroll = std::mem::take(&mut self.scroll);
        if self.lenses.lens.is_whole() && !self.inspecting {
            self.settle_whole(area, scroll);
            return;
        }
        for (cell, rect) in self.cells(area) {
            let text_area = self.text_area(cell, rect);
            let scroll = if cell == self.cursor || self.lenses.is_together { scroll } else { 0 };
            let run = self.shown(cell).and_then(|shown| shown.run);
            let length = run.map_or(0, |run| lay_out(run, documents, text_area.width, raw, keymap));
            let length = self.settle_difference(cell, rect).unwrap_or(length);
            let last_top = length.saturating_sub(usize::from(text_area.height));
            let pane = &mut self.panes[cell];
            if pane.follows {
                pane.top = last_top;
            }
            pane.top = pane.top.saturating_add_signed(scroll).min(last_top);
            if scroll != 0 {
                pane.follows = pane.top == last_top;
                pane.stop = None;
            }
        }
    }

    /// Brings the row that shows a byte of the current cell's answer into view.
    pub fn reveal(&mut self, documents: &Documents, byte: usize, area: Rect) {
        let Some((cell, rect)) = self.cells(area).into_iter().find(|(cell, _)| *cell == self.cursor) else {
            return;
        };
        let rows = usize::from(self.text_area(cell, rect).height).max(1);
        let Some(run) = self.shown(cell).and_then(|shown| shown.run) else { return };
        let Some(document) = documents.get(DocumentKey::Run(run.id)) else { return };
        let row = document.row_at(byte);
        let pane = &mut self.panes[cell];
        if !(pane.top..pane.top + rows).contains(&row) {
            pane.top = row.saturating_sub(rows / 3);
            pane.follows = false;
        }
    }
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
