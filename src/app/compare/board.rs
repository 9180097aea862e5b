//! The grid of cells: columns along the first axis, rows along all others, and which of them are on screen.
//!
//! Owns geometry only. Cells are numbered as a sweep numbers them: row by row within a column, as the
//! values of the first axis lie furthest apart.

use crate::app::layout::Rect;

/// Narrowest and lowest cell that can be read, frame included.
const NARROWEST: u16 = 26;
const LOWEST: u16 = 9;

/// Columns and rows of cells.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Board {
    /// Columns there are.
    pub columns: usize,
    /// Rows there are.
    pub rows: usize,
    /// The leftmost column on screen.
    pub first_column: usize,
    /// The topmost row on screen.
    pub first_row: usize,
    /// How many columns are on screen.
    pub wide: usize,
    /// How many rows are on screen.
    pub high: usize,
}

impl Board {
    /// Returns the board of so many columns and rows, seen from its beginning.
    #[must_use]
    pub fn new(columns: usize, rows: usize) -> Self {
        Self { columns, rows: rows.max(1), first_column: 0, first_row: 0, wide: 1, high: 1 }
    }

    /// Returns column and row of a cell.
    #[must_use]
    pub fn place(&self, cell: usize) -> (usize, usize) {
        let rows = self.rows.max(1);
        (cell / rows, cell % rows)
    }

    /// Returns the cell some columns and rows away, staying on the board.
    #[must_use]
    pub fn step(&self, cell: usize, columns: isize, rows: isize) -> usize {
        let (column, row) = self.place(cell);
        let column = column.saturating_add_signed(columns).min(self.columns.saturating_sub(1));
        let row = row.saturating_add_signed(rows).min(self.rows.saturating_sub(1));
        column * self.rows + row
    }

    /// Whether a column is on screen.
    #[must_use]
    pub fn shows_column(&self, column: usize) -> bool {
        (self.first_column..self.first_column + self.wide).contains(&column)
    }

    /// Takes as many columns and rows on screen as can be read, the cell under the cursor among them.
    pub fn fit(&mut self, area: Rect, is_single: bool, cursor: usize) {
        let (wide, high) = if is_single {
            (1, 1)
        } else {
            (usize::from(area.width / NARROWEST).max(1), usize::from(area.height / LOWEST).max(1))
        };
        (self.wide, self.high) = (wide.min(self.columns.max(1)), high.min(self.rows.max(1)));
        let (column, row) = self.place(cursor);
        self.first_column = keep_in_view(self.first_column, self.wide, column, self.columns);
        self.first_row = keep_in_view(self.first_row, self.high, row, self.rows);
    }

    /// Returns the rectangles of the cells on screen with their numbers, row by row.
    #[must_use]
    pub fn cells(&self, area: Rect) -> Vec<(usize, Rect)> {
        let columns = parts(area.x, area.width, self.wide.min(self.columns - self.first_column));
        let rows = parts(area.y, area.height, self.high.min(self.rows - self.first_row));
        let cell = |(row, (y, height)): (usize, (u16, u16))| {
            let columns = columns.clone();
            columns.into_iter().enumerate().map(move |(column, (x, width))| {
                let number = (self.first_column + column) * self.rows + self.first_row + row;
                (number, Rect { x, y, width, height })
            })
        };
        rows.into_iter().enumerate().flat_map(cell).collect()
    }
}

/// Returns the first of `shown` places, moved no further than is needed to show `wanted` of `all`.
fn keep_in_view(first: usize, shown: usize, wanted: usize, all: usize) -> usize {
    first.clamp((wanted + 1).saturating_sub(shown), wanted).min(all.saturating_sub(shown))
}

/// Divides a length into `count` parts that differ by one cell at most; returns their starts and lengths.
fn parts(start: u16, length: u16, count: usize) -> Vec<(u16, u16)> {
    let count = u16::try_from(count).unwrap_or(u16::MAX);
    let (each, extra) = (length / count.max(1), length % count.max(1));
    let mut at = start;
    let part = |number| {
        let size = each + u16::from(number < extra);
        at += size;
        (at - size, size)
    };
    (0..count).map(part).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_board_of_one_row_is_columns_side_by_side() {
        let mut board = Board::new(7, 1);
        let area = Rect { x: 0, y: 2, width: 120, height: 30 };
        board.fit(area, false, 6);
        assert_eq!((board.wide, board.high, board.first_column), (4, 1, 3));
        let cells = board.cells(area);
        assert_eq!(cells.iter().map(|(cell, _)| *cell).collect::<Vec<_>>(), [3, 4, 5, 6]);
        assert_eq!(cells.iter().map(|(_, rect)| rect.width).sum::<u16>(), 120);
    }

    proptest! {
        /// The cell under the cursor is always on screen, and the cells tile the area.
        #[test]
        fn cells_tile_the_area(
            columns in 1_usize..9, rows in 1_usize..40, width in 20_u16..250, height in 3_u16..90,
            steps in proptest::collection::vec((-3_isize..4, -3_isize..4), 0..20), is_single: bool,
        ) {
            let (mut board, mut cursor) = (Board::new(columns, rows), 0);
            let area = Rect { x: 0, y: 1, width, height };
            for (across, down) in steps {
                cursor = board.step(cursor, across, down);
                board.fit(area, is_single, cursor);
                let cells = board.cells(area);
                prop_assert!(cells.iter().any(|(cell, _)| *cell == cursor));
                prop_assert!(cells.iter().all(|(cell, _)| *cell < columns * rows));
                let covered: usize =
                    cells.iter().map(|(_, rect)| usize::from(rect.width) * usize::from(rect.height)).sum();
                prop_assert_eq!(covered, usize::from(width) * usize::from(height));
            }
        }
    }
}
