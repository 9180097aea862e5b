//! Tables for people: columns of equal width in any script.

use crate::core::text::width;

/// How a column's cells stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Align {
    /// Words.
    Left,
    /// Numbers.
    Right,
}

/// Cells between columns.
pub(super) const GAP: usize = 2;

/// Rows of printable cells. A row may have fewer cells than there are columns.
#[derive(Debug)]
pub(super) struct Table {
    rows: Vec<Vec<String>>,
}

impl Table {
    /// Returns a table with these headings; without any the first row stands at the top.
    pub(super) fn new(headings: &[&str]) -> Self {
        let heading = headings.iter().map(|heading| (*heading).to_owned()).collect::<Vec<_>>();
        Self { rows: if heading.is_empty() { Vec::new() } else { vec![heading] } }
    }

    /// Adds a row; its cells must be printable.
    pub(super) fn row(&mut self, cells: Vec<String>) {
        self.rows.push(cells);
    }

    /// Returns the lines, without white space at their ends. Columns beyond those `aligns` names are
    /// words.
    pub(super) fn lines(&self, aligns: &[Align]) -> Vec<String> {
        let columns = self.rows.iter().map(Vec::len).max().unwrap_or(0);
        let cells = |column: usize| self.rows.iter().filter_map(move |row| row.get(column));
        let widths: Vec<usize> =
            (0..columns).map(|column| cells(column).map(|cell| width(cell)).max().unwrap_or(0)).collect();
        let line = |row: &Vec<String>| {
            let mut line = String::new();
            for (column, cell) in row.iter().enumerate() {
                if column > 0 {
                    line.push_str(&" ".repeat(GAP));
                }
                let space = " ".repeat(widths[column] - width(cell));
                match aligns.get(column).copied().unwrap_or(Align::Left) {
                    Align::Left => line.extend([cell.as_str(), &space]),
                    Align::Right => line.extend([space.as_str(), cell]),
                }
            }
            line.truncate(line.trim_end_matches(' ').len());
            line
        };
        self.rows.iter().map(line).collect()
    }
}

/// Returns a line cut between its words so that each part takes at most `room` cells; what goes on is
/// indented. A word that is longer than that stands on a line of its own.
pub(super) fn wrapped(line: &str, room: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in line.split(' ').filter(|word| !word.is_empty()) {
        let Some(last) = lines.last_mut() else { break };
        let is_first = last.trim().is_empty();
        if !is_first && width(last) + 1 + width(word) > room {
            lines.push(format!("{}{word}", " ".repeat(GAP)));
        } else {
            let space = if is_first { "" } else { " " };
            last.extend([space, word]);
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_cut_between_words() {
        assert_eq!(wrapped("one two three", 40), ["one two three"]);
        assert_eq!(wrapped("one 두번째 three", 10), ["one 두번째", "  three"]);
        assert_eq!(wrapped("a-very-long-word b", 5), ["a-very-long-word", "  b"]);
        assert_eq!(wrapped("", 5), [""]);
    }

    #[test]
    fn wide_characters_take_two_cells() {
        let mut table = Table::new(&["word", "n"]);
        table.row(vec!["한국어".into(), "7".into()]);
        table.row(vec!["a".into(), "12".into(), "more".into()]);
        let lines = table.lines(&[Align::Left, Align::Right]);
        assert_eq!(lines, ["word     n", "한국어   7", "a       12  more"]);
        let ends = lines.iter().map(|line| width(line));
        assert_eq!(ends.collect::<Vec<_>>(), [10, 10, 16]);
    }
}
