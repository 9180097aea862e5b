//! Which row of a table is selected, and which columns and rows are on screen.

use std::ops::Range;

/// Cells of the names at the left of a table.
pub const NAMES: u16 = 16;

/// Least cells of a column.
const COLUMN: u16 = 15;

/// The place of the user in a table.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Cursor {
    /// The selected row.
    pub row: usize,
    /// The leftmost column on screen.
    pub first: usize,
}

impl Cursor {
    /// Moves the selection by rows.
    pub fn step(&mut self, by: isize, rows: usize) {
        self.row = self.row.saturating_add_signed(by).min(rows.saturating_sub(1));
    }

    /// Moves the view by columns.
    pub fn page(&mut self, by: isize, columns: usize) {
        self.first = self.first.saturating_add_signed(by).min(columns.saturating_sub(1));
    }

    /// Returns the columns on screen, and how wide each is. The last columns fill a screen.
    #[must_use]
    pub fn columns(&self, width: u16, names: u16, columns: usize) -> (Range<usize>, u16) {
        let room = width.saturating_sub(names);
        let fit = usize::from(room / COLUMN).clamp(1, columns.max(1));
        let first = self.first.min(columns.saturating_sub(fit));
        let each = room / u16::try_from(fit).unwrap_or(u16::MAX);
        (first..(first + fit).min(columns), each)
    }

    /// Returns the rows on screen: the selected one is among them.
    #[must_use]
    pub fn rows(&self, height: u16, rows: usize) -> Range<usize> {
        let fit = usize::from(height).min(rows);
        let selected = self.row.min(rows.saturating_sub(1));
        let first = (selected + 1 + fit / 3).saturating_sub(fit).min(selected).min(rows - fit);
        first..first + fit
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn columns_that_do_not_fit_are_paged() {
        let mut cursor = Cursor::default();
        assert_eq!(cursor.columns(76, NAMES, 7), (0..4, 15));
        cursor.page(9, 7);
        assert_eq!(cursor.columns(76, NAMES, 7), (3..7, 15));
        assert_eq!(cursor.columns(196, NAMES, 2), (0..2, 90));
        assert_eq!(cursor.columns(10, NAMES, 3), (2..3, 0));
    }

    proptest! {
        #[test]
        fn the_selected_row_is_on_screen(row in 0usize..40, height in 0u16..30, rows in 0usize..40) {
            let cursor = Cursor { row, first: 0 };
            let shown = cursor.rows(height, rows);
            prop_assert!(shown.end <= rows && shown.len() == usize::from(height).min(rows));
            if !shown.is_empty() {
                prop_assert!(shown.contains(&row.min(rows - 1)));
            }
        }
    }
}
