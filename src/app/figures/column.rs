//! The columns of a table of figures: which cells of a sweep stand in each.

use crate::core::sweep::{Setting, Sweep, Value};

/// A column: a value of an axis, and the cells that have it.
#[derive(Debug, Clone, PartialEq)]
pub struct Column {
    /// What the value is called.
    pub label: String,
    /// Its number, where it is a quantity; a seed is a name that looks like one.
    pub at: Option<f64>,
    /// Its cells.
    pub cells: Vec<usize>,
}

impl Column {
    /// Returns a column for each value of an axis, with all cells that have it.
    #[must_use]
    pub fn of_axis(sweep: &Sweep, axis: usize) -> Vec<Self> {
        let mut columns = Self::of_values(sweep, axis);
        for cell in 0..sweep.cell_count() {
            if let Some(coordinate) = sweep.coordinates(cell).get(axis)
                && let Some(column) = columns.get_mut(*coordinate)
            {
                column.cells.push(cell);
            }
        }
        columns
    }

    /// Returns a column for each value of an axis, with the one cell that has this value and is else in
    /// the place of `cell`: a row or a column of a grid.
    #[must_use]
    pub fn of_line(sweep: &Sweep, axis: usize, cell: usize) -> Vec<Self> {
        let mut columns = Self::of_axis(sweep, axis);
        let line = sweep.coordinates(cell);
        let is_on_line = |other: &usize| {
            let mut pairs = sweep.coordinates(*other).into_iter().zip(&line).enumerate();
            pairs.all(|(number, (other, own))| number == axis || other == *own)
        };
        for column in &mut columns {
            column.cells.retain(is_on_line);
        }
        columns
    }

    fn of_values(sweep: &Sweep, axis: usize) -> Vec<Self> {
        let values = sweep.axes().get(axis).map_or(&[][..], |axis| axis.values());
        let column =
            |value: &Value| Self { label: value.label.to_string(), at: number(value), cells: Vec::new() };
        values.iter().map(column).collect()
    }
}

/// Returns the number a value is.
fn number(value: &Value) -> Option<f64> {
    match &value.setting {
        Setting::Temperature(number) | Setting::TopP(number) => *number,
        Setting::MaxTokens(number) => number.map(f64::from),
        Setting::Seed(_)
        | Setting::Effort(_)
        | Setting::Format(_)
        | Setting::Persona(_)
        | Setting::System(_)
        | Setting::Model(_)
        | Setting::Endpoint { .. }
        | Setting::Prompt(_)
        | Setting::Variables(_) => None,
    }
}
