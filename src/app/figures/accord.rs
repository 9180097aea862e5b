//! Answers that are JSON, over the columns: at each path which values were given, and by how many.
//!
//! Owns the joining of the columns' paths into one table; [`Agreement`] reads the answers.

use crate::app::figures::Column;
use crate::app::reading::share;
use crate::core::bench::{Bench, State};
use crate::core::diversity::{Agreement, Field};
use crate::core::text::{fit, visible};
use std::collections::HashMap;

/// Widest value, in cells, and most values that are written next to each other.
const VALUE_CELLS: usize = 24;
const WRITTEN: usize = 6;

/// What is known of a column as a whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccordColumn {
    /// What the column is called.
    pub label: String,
    /// Answers that are JSON.
    pub read: usize,
    /// Complete answers that are not.
    pub unread: usize,
    /// Values that are at no path of the table, as paths are too many or too long.
    pub left_out: usize,
}

/// What the columns hold at one path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PathRow {
    /// The path.
    pub path: String,
    /// What each column holds there; `None` where it holds nothing.
    pub entries: Vec<Option<Field>>,
}

/// How far answers agree, path by path and column by column.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Accord {
    /// The columns.
    pub columns: Vec<AccordColumn>,
    /// The paths, in the order they first appear.
    pub rows: Vec<PathRow>,
}

impl Accord {
    /// Returns how far the complete answers of some columns agree; `None` where none is JSON.
    #[must_use]
    pub fn of(bench: &Bench, columns: &[Column]) -> Option<Self> {
        let texts = |column: &Column| -> Vec<&str> {
            let slots = column.cells.iter().flat_map(|cell| &bench.slots()[bench.samples_of(*cell)]);
            let done = slots.filter(|slot| slot.state() == State::Done);
            done.filter_map(|slot| Some(slot.run.as_ref()?.text.as_str())).collect()
        };
        let columns: Vec<(&str, Vec<&str>)> =
            columns.iter().map(|column| (column.label.as_str(), texts(column))).collect();
        Self::of_texts(&columns)
    }

    /// Returns how far some texts agree, given by the name of their column.
    #[must_use]
    pub fn of_texts(columns: &[(&str, Vec<&str>)]) -> Option<Self> {
        let mut accord = Self::default();
        let mut numbers: HashMap<String, usize> = HashMap::new();
        for (index, (label, texts)) in columns.iter().enumerate() {
            let agreement = Agreement::of(texts.iter().copied());
            let none = || Agreement { unread: texts.len(), ..Agreement::default() };
            let Agreement { read, unread, fields, left_out } = agreement.unwrap_or_else(none);
            accord.columns.push(AccordColumn { label: (*label).to_owned(), read, unread, left_out });
            for field in fields {
                let row = *numbers.entry(field.path.clone()).or_insert_with_key(|path| {
                    let entries = vec![None; columns.len()];
                    accord.rows.push(PathRow { path: path.clone(), entries });
                    accord.rows.len() - 1
                });
                accord.rows[row].entries[index] = Some(field);
            }
        }
        accord.columns.iter().any(|column| column.read > 0).then_some(accord)
    }

    /// Returns the ways an entry is written, the one that says most first.
    #[must_use]
    pub fn forms(&self, row: usize, column: usize) -> Vec<String> {
        let read = self.columns.get(column).map_or(0, |column| column.read);
        let field = self.rows.get(row).and_then(|row| row.entries.get(column)?.as_ref());
        let Some(field) = field else { return vec!["–".to_owned()] };
        let mut written: Vec<String> = field
            .values
            .iter()
            .take(WRITTEN)
            .map(|value| format!("{} {}", fit(&visible(&value.value), VALUE_CELLS), share(value.count, read)))
            .collect();
        let mut hidden = field.values.len() - written.len();
        if field.missing > 0 {
            written.push(format!("missing {}", share(field.missing, read)));
        }
        let mut forms = Vec::new();
        while !written.is_empty() {
            let more = if hidden > 0 { format!(" +{hidden}") } else { String::new() };
            forms.push(written.join(" · ") + &more);
            written.pop();
            hidden += 1;
        }
        forms
    }

    /// Whether all answers of a column that hold anything at a path, hold the same, and none lacks it.
    #[must_use]
    pub fn is_agreed(&self, row: usize, column: usize) -> bool {
        let field = self.rows.get(row).and_then(|row| row.entries.get(column)?.as_ref());
        field.is_some_and(|field| field.values.len() == 1 && field.missing == 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_of_all_columns_stand_in_one_table() {
        let cold = vec![r#"{"city":"서울","n":1}"#, r#"{"city":"서울","n":2}"#, r#"{"city":"부산","n":1}"#];
        let hot = vec![r#"{"city":"부산","x":[true]}"#, "Sure!"];
        let accord = Accord::of_texts(&[("0.3", cold), ("1.8", hot), ("2.0", vec!["no"])]).unwrap();
        let paths: Vec<&str> = accord.rows.iter().map(|row| row.path.as_str()).collect();
        assert_eq!(paths, ["$.city", "$.n", "$.x[0]"]);
        assert_eq!(accord.forms(0, 0), ["\"서울\" 2/3 · \"부산\" 1/3", "\"서울\" 2/3 +1"]);
        assert_eq!(accord.forms(2, 1), ["true 1/1"]);
        assert_eq!(accord.forms(2, 0), ["–"]);
        assert!(accord.is_agreed(0, 1) && !accord.is_agreed(0, 0) && !accord.is_agreed(2, 0));
        let known: Vec<(usize, usize)> = accord.columns.iter().map(|c| (c.read, c.unread)).collect();
        assert_eq!(known, [(3, 0), (1, 1), (0, 1)]);
        assert_eq!(Accord::of_texts(&[("a", vec!["prose"])]), None);
    }
}
