//! A reading laid out at a width, kept until what it is of changes.
//!
//! Owns the layout: a reading is no text that grows, so it has no place among the documents of
//! messages, whose layouts rely on that. Comparing is done only when the stamp says something new.

use crate::app::reading::Reading;
use crate::markup::Document;

/// A reading and its rows; `K` says of what it is, such as the runs, their lengths and the way of reading.
#[derive(Debug, Clone)]
pub struct Sheet<K> {
    stamp: Option<K>,
    reading: Reading,
    document: Document,
}

impl<K> Default for Sheet<K> {
    fn default() -> Self {
        Self { stamp: None, reading: Reading::default(), document: Document::plain() }
    }
}

impl<K: PartialEq> Sheet<K> {
    /// Lays the reading out, made anew where the stamp is another; returns whether it was.
    pub fn settle(&mut self, stamp: K, width: u16, make: impl FnOnce() -> Reading) -> bool {
        let is_new = self.stamp.as_ref() != Some(&stamp);
        if is_new {
            self.reading = make();
            self.stamp = Some(stamp);
        }
        self.document.update(&self.reading.text, width);
        is_new
    }

    /// Returns the reading.
    #[must_use]
    pub fn reading(&self) -> &Reading {
        &self.reading
    }

    /// Returns its rows.
    #[must_use]
    pub fn document(&self) -> &Document {
        &self.document
    }

    /// Returns the row of the first difference of all.
    #[must_use]
    pub fn first_stop(&self) -> Option<usize> {
        self.reading.stops().map(|byte| self.document.row_at(byte)).next()
    }

    /// Returns the row of the first difference after a row, or before it; `None` where there is none.
    #[must_use]
    pub fn stop_from(&self, row: usize, forward: bool) -> Option<usize> {
        let mut rows = self.reading.stops().map(|byte| self.document.row_at(byte));
        if forward { rows.find(|stop| *stop > row) } else { rows.take_while(|stop| *stop < row).last() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reading_is_made_once_for_a_stamp_and_laid_out_at_any_width() {
        let mut sheet = Sheet::default();
        let other = "one two 셋\nfour five 여섯\nseven";
        let make = || Reading::difference("one two three\nfour five six\nseven", other, false);
        assert!(sheet.settle(1, 80, make));
        assert_eq!(sheet.document().row_count(), 3);
        assert!(!sheet.settle(1, 10, || panic!("made twice")));
        assert!(sheet.document().row_count() > 3);
        assert!(!sheet.settle(1, 80, || panic!("made twice")));
        assert_eq!((sheet.first_stop(), sheet.stop_from(0, true)), (Some(0), Some(1)));
        assert_eq!((sheet.stop_from(1, true), sheet.stop_from(1, false)), (None, Some(0)));
        // Of the same length, and yet another text.
        assert!(sheet.settle(2, 80, || Reading::difference("a", "b", false)));
        assert!(sheet.settle(3, 80, || Reading::difference("a", "c", false)));
        assert!(sheet.document().text().contains('c'));
    }
}
