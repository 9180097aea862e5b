//! The grid of cells: columns along the first axis, rows along all others, and which of them are on screen.
//!
//! Owns geometry only. Cells are numbered as a sweep numbers them: row by row within a column, as the
//! values of the first axis lie furthest apart. Where only some columns or rows are shown, these stand next
//! to each other and keep their numbers.
//!
//! Invariant: what is shown is in order and never nothing.

use crate::app::layout::Rect;

/// Narrowest and lowest cell that can be read, frame included.
const NARROWEST: u16 = 26;
const LOWEST: u16 = 9;

/// Columns and rows of cells.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Board {
    /// Columns there are.
    pub columns: usize,
    /// Rows there are.
    pub rows: usize,
    /// The leftmost column on screen, among those shown.
    pub first_column: usize,
    /// The topmost row on screen, among those shown.
    pub first_row: usize,
    /// How many columns are on screen.
    pub wide: usize,
    /// How many rows are on screen.
    pub high: usize,
    /// The columns that are shown, where not all are.
    some_columns: Option<Box<[usize]>>,
    /// The rows that are shown, where not all are.
    some_rows: Option<Box<[usize]>>,
}

/// Returns where a number stands among some, or would.
fn position(some: Option<&[usize]>, number: usize) -> usize {
    some.map_or(number, |some| some.partition_point(|own| *own < number))
}

/// Returns the number at a position among some, the last one past their end.
fn number(some: Option<&[usize]>, all: usize, position: usize) -> usize {
    match some {
        Some(some) => some.get(position).or(some.last()).copied().unwrap_or(0),
        None => position.min(all.saturating_sub(1)),
    }
}

impl Board {
    /// Returns the board of so many columns and rows, seen from its beginning.
    #[must_use]
    pub fn new(columns: usize, rows: usize) -> Self {
        Self { columns, rows: rows.max(1), wide: 1, high: 1, ..Self::default() }
    }

    /// Shows only some columns and rows, each in order.
    pub fn show_only(&mut self, columns: Vec<usize>, rows: Vec<usize>) {
        let some = |numbers: Vec<usize>, all: usize| {
            Some(numbers)
                .filter(|numbers| !numbers.is_empty() && numbers.len() < all)
                .map(Vec::into_boxed_slice)
        };
        (self.some_columns, self.some_rows) = (some(columns, self.columns), some(rows, self.rows));
    }

    /// Shows everything.
    pub fn show_all(&mut self) {
        (self.some_columns, self.some_rows) = (None, None);
    }

    /// Returns how many columns are shown.
    #[must_use]
    pub fn column_count(&self) -> usize {
        self.some_columns.as_ref().map_or(self.columns, |some| some.len())
    }

    /// Returns how many rows are shown.
    #[must_use]
    pub fn row_count(&self) -> usize {
        self.some_rows.as_ref().map_or(self.rows, |some| some.len())
    }

    /// Returns the columns that are shown.
    pub fn shown_columns(&self) -> impl Iterator<Item = usize> {
        (0..self.column_count()).map(|position| self.column_at(position))
    }

    /// Returns the cell nearest to a cell that is shown: that one itself, or one after it, or the last.
    #[must_use]
    pub fn nearest(&self, cell: usize) -> usize {
        self.step(cell, 0, 0)
    }

    fn column_at(&self, position: usize) -> usize {
        number(self.some_columns.as_deref(), self.columns, position)
    }

    fn row_at(&self, position: usize) -> usize {
        number(self.some_rows.as_deref(), self.rows, position)
    }

    /// Returns at which positions a cell's column and row stand among those shown.
    fn positions(&self, cell: usize) -> (usize, usize) {
        let (column, row) = self.place(cell);
        (position(self.some_columns.as_deref(), column), position(self.some_rows.as_deref(), row))
    }

    /// Returns column and row of a cell.
    #[must_use]
    pub fn place(&self, cell: usize) -> (usize, usize) {
        let rows = self.rows.max(1);
        (cell / rows, cell % rows)
    }

    /// Returns the cell some of the shown columns and rows away, staying on the board.
    #[must_use]
    pub fn step(&self, cell: usize, columns: isize, rows: isize) -> usize {
        let (column, row) = self.positions(cell);
        let column = self.column_at(column.saturating_add_signed(columns));
        let row = self.row_at(row.saturating_add_signed(rows));
        column * self.rows + row
    }

    /// Whether a column is on screen.
    #[must_use]
    pub fn shows_column(&self, column: usize) -> bool {
        let position = position(self.some_columns.as_deref(), column);
        let is_on_screen = (self.first_column..self.first_column + self.wide).contains(&position);
        is_on_screen && self.column_at(position) == column
    }

    /// Takes as many columns and rows on screen as can be read, the cell under the cursor among them.
    pub fn fit(&mut self, area: Rect, is_single: bool, cursor: usize) {
        let (wide, high) = if is_single {
            (1, 1)
        } else {
            (usize::from(area.width / NARROWEST).max(1), usize::from(area.height / LOWEST).max(1))
        };
        let (columns, rows) = (self.column_count(), self.row_count());
        (self.wide, self.high) = (wide.min(columns.max(1)), high.min(rows.max(1)));
        let (column, row) = self.positions(cursor);
        self.first_column = keep_in_view(self.first_column, self.wide, column, columns);
        self.first_row = keep_in_view(self.first_row, self.high, row, rows);
    }

    /// Returns the rectangles of the cells on screen with their numbers, row by row.
    #[must_use]
    pub fn cells(&self, area: Rect) -> Vec<(usize, Rect)> {
        let columns = parts(area.x, area.width, self.wide.min(self.column_count() - self.first_column));
        let rows = parts(area.y, area.height, self.high.min(self.row_count() - self.first_row));
        let cell = |(row, (y, height)): (usize, (u16, u16))| {
            let columns = columns.clone();
            columns.into_iter().enumerate().map(move |(column, (x, width))| {
                let column = self.column_at(self.first_column + column);
                let number = column * self.rows + self.row_at(self.first_row + row);
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
            shown in (proptest::collection::btree_set(0_usize..9, 0..5), proptest::collection::btree_set(0_usize..40, 0..9)),
        ) {
            let (mut board, mut cursor) = (Board::new(columns, rows), 0);
            let some_columns: Vec<usize> = shown.0.into_iter().filter(|column| *column < columns).collect();
            let some_rows: Vec<usize> = shown.1.into_iter().filter(|row| *row < rows).collect();
            board.show_only(some_columns.clone(), some_rows.clone());
            cursor = board.nearest(cursor);
            let is_shown = |(column, row): (usize, usize)| {
                (some_columns.is_empty() || some_columns.contains(&column))
                    && (some_rows.is_empty() || some_rows.contains(&row))
            };
            let area = Rect { x: 0, y: 1, width, height };
            for (across, down) in steps {
                cursor = board.step(cursor, across, down);
                board.fit(area, is_single, cursor);
                let cells = board.cells(area);
                prop_assert!(cells.iter().any(|(cell, _)| *cell == cursor));
                prop_assert!(cells.iter().all(|(cell, _)| *cell < columns * rows));
                prop_assert!(cells.iter().all(|(cell, _)| is_shown(board.place(*cell))));
                prop_assert!(cells.iter().all(|(cell, _)| board.shows_column(board.place(*cell).0)));
                let covered: usize =
                    cells.iter().map(|(_, rect)| usize::from(rect.width) * usize::from(rect.height)).sum();
                prop_assert_eq!(covered, usize::from(width) * usize::from(height));
            }
        }
    }
}
