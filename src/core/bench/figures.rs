//! What can be said of the answers on a bench together: of a cell, of a column.
//!
//! Owns which runs each figure is of; `core::diversity` computes them, once until one of the answers changes.

use super::{Bench, State};
use crate::core::diversity::{Agreement, Diversity, Material};
use crate::core::run::Run;
use std::ops::Range;

impl Bench {
    /// Returns the statistics over the complete answers of a cell; they are computed once.
    #[must_use]
    pub fn statistics(&self, cell: usize) -> Option<&Diversity> {
        let compute = || Diversity::of(self.runs_of(cell)).map(Box::new);
        self.figures.get(cell)?.get_or_init(compute).as_deref()
    }

    /// Returns the statistics over the complete answers of all cells with one value of the first axis; they are
    /// computed once, which may take half a second.
    #[must_use]
    pub fn column_statistics(&self, value: usize) -> Option<&Diversity> {
        let compute = || self.column_material(value).map(Material::figures).map(Box::new);
        self.column_figures.get(value)?.get_or_init(compute).as_deref()
    }

    /// Returns what those statistics are worked out from.
    #[must_use]
    pub fn column_material(&self, value: usize) -> Option<Material<'_>> {
        Material::of(self.column_of(value).flat_map(|cell| self.runs_of(cell)))
    }

    /// Returns the cells with one value of the first axis; they lie next to each other.
    #[must_use]
    pub fn column_of(&self, value: usize) -> Range<usize> {
        let values = self.sweep.axes().first().map_or(1, |axis| axis.values().len()).max(1);
        let rows = self.sweep.cell_count() / values;
        value * rows..(value + 1) * rows
    }

    /// Returns how far the answers of a cell agree, field by field; `None` where none is JSON.
    #[must_use]
    pub fn agreement(&self, cell: usize) -> Option<Agreement> {
        let done = self.samples_of(cell).filter(|sample| self.slots[*sample].state() == State::Done);
        Agreement::of(done.filter_map(|sample| Some(self.slots[sample].run.as_ref()?.text.as_str())))
    }

    /// Returns the runs of a cell.
    pub fn runs_of(&self, cell: usize) -> impl Iterator<Item = &Run> {
        self.slots[self.samples_of(cell)].iter().filter_map(|slot| slot.run.as_ref())
    }
}
