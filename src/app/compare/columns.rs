//! The statistics over whole columns of a board: what is known of them, and what is being worked out.
//!
//! Owns when they are asked for. The distances between all answers of a column may take half a second, which
//! no frame has, so they are worked out elsewhere, from texts that are copied for it: while they are looked
//! at, where answers have come since, and one time after the other.
//!
//! Invariant: what is known is of the answers of one moment, in all columns.

use crate::app::compare::Compare;
use crate::app::compare::lens::Lens;
use crate::app::figures::Row;
use crate::core::bench::Bench;
use crate::core::diversity::Material;

/// The statistics over whole columns.
#[derive(Debug, Default)]
pub struct Columns {
    /// Number of the last time they were asked for.
    number: u64,
    /// Whether that is not answered yet.
    is_under_way: bool,
    /// The revision of the bench they were asked for at.
    asked: Option<u64>,
    known: Option<Vec<Row>>,
}

impl Columns {
    /// Returns those of another comparison, of which nothing is known; what is still told of this one is not
    /// taken for it.
    pub(super) fn next(&self) -> Self {
        Self { number: self.number + 1, ..Self::default() }
    }

    /// Returns what is known.
    pub(super) fn known(&self) -> Option<&[Row]> {
        self.known.as_deref()
    }

    /// Returns what changes when more is known.
    pub(super) fn revision(&self) -> (u64, bool) {
        (self.number, self.is_under_way)
    }
}

/// What the statistics over all columns are worked out from, by number.
pub type Summing = (u64, Vec<Option<Material<'static>>>);

impl Compare {
    /// Returns what is to be worked out for the frame that is settled.
    pub fn sum_columns(&mut self) -> Option<Summing> {
        let is_looked_at = self.whole() == Some(Lens::Statistics) && self.board.rows > 1;
        let bench = self.bench.as_ref().filter(|_| is_looked_at)?;
        let columns = &mut self.lenses.columns;
        if columns.is_under_way || columns.asked == Some(bench.revision()) {
            return None;
        }
        (columns.asked, columns.is_under_way) = (Some(bench.revision()), true);
        columns.number += 1;
        let material = |column: usize| bench.column_material(column).map(Material::into_owned);
        Some((columns.number, (0..self.board.columns).map(material).collect()))
    }

    /// Takes in what was worked out, unless it is of another comparison.
    pub fn columns_summed(&mut self, number: u64, rows: Vec<Row>) {
        let columns = &mut self.lenses.columns;
        if columns.number == number {
            (columns.known, columns.is_under_way) = (Some(rows), false);
        }
    }

    /// Returns how often each column was chosen in blind votes; nothing where no vote was cast, or while
    /// they are voted on.
    #[must_use]
    pub fn ballot(&self) -> &[u32] {
        let axis = self.bench.as_ref().map(Bench::sweep).and_then(|sweep| sweep.axes().first());
        axis.filter(|_| !self.is_voting()).map_or(&[][..], |axis| self.votes.counts(axis))
    }
}
