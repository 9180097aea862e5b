//! Soft wrapping: where the visual rows of the draft's lines begin, at one width.
//!
//! Rows break after a space, around ideographs, or inside a word longer than a row. Every character
//! is on a row, spaces at its end included, so that the caret can stand next to it. Wraps lines only
//! as far as somebody looks and keeps what an edit leaves valid.
//!
//! Invariant: the row starts known of a line are a beginning of those that wrapping it afresh gives.

use super::boundary::{is_simple, next};
use super::chip::{Chips, is_marker};
use super::draft::{Change, Draft, Place};
use crate::core::text::{Glyph, width};
use std::collections::BTreeMap;
use std::ops::Range;

/// Lines whose wrapping is remembered: more than a terminal has rows.
const REMEMBERED_LINES: usize = 1024;

/// A visual row: a line of the draft, and which of its rows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct RowId {
    pub(super) line: usize,
    pub(super) row: usize,
}

/// Measures and breaks lines.
#[derive(Clone, Copy)]
pub(super) struct Ruler<'a> {
    pub(super) chips: &'a Chips,
    /// Cells of a row, at least 1.
    pub(super) width: usize,
}

impl Ruler<'_> {
    /// Returns the cells a cluster takes: never more than a row has.
    pub(super) fn cells(self, cluster: &str) -> usize {
        let Some(first) = cluster.chars().next() else { return 0 };
        let cells = if first.len_utf8() == cluster.len() && is_simple(first) {
            if first.is_ascii() { 1 } else { 2 }
        } else if let Some(chip) = self.chips.chip(first) {
            width(&chip.label)
        } else if is_marker(first) {
            Glyph::of(self.chips.expansion(first).unwrap_or(cluster)).width
        } else {
            Glyph::of(cluster).width
        };
        cells.min(self.width)
    }

    /// Returns the cells of a part of a line.
    pub(super) fn span(self, line: &str, range: Range<usize>) -> usize {
        let mut cells = 0;
        let mut at = range.start;
        while at < range.end {
            let end = next(line, at);
            cells += self.cells(&line[at..end]);
            at = end;
        }
        cells
    }

    /// Returns where the row ends that begins at `start`: the start of the next one, or the line's end.
    pub(super) fn row_end(self, line: &str, start: usize) -> usize {
        let (mut at, mut cells, mut chance) = (start, 0, None);
        while at < line.len() {
            let end = next(line, at);
            let cluster = &line[at..end];
            let taken = self.cells(cluster);
            let breaks = breaks_around(cluster);
            if cells + taken > self.width && at > start {
                return if breaks { at } else { chance.unwrap_or(at) };
            }
            cells += taken;
            at = end;
            if breaks {
                chance = Some(at);
            }
        }
        line.len()
    }

    /// Whether the row has no cell left for a caret behind it.
    fn is_full(self, line: &str, row: Range<usize>) -> bool {
        self.span(line, row) >= self.width
    }
}

/// Whether a row may end before and after this cluster: white space, and what is written without
/// spaces. Korean is written with spaces.
fn breaks_around(cluster: &str) -> bool {
    cluster.chars().next().is_some_and(|c| {
        c.is_whitespace() || matches!(c, '\u{2e80}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{ff00}'..='\u{ff60}' | '\u{20000}'..='\u{3ffff}')
            && !matches!(c, '\u{3130}'..='\u{318f}')
    })
}

/// The rows known of one line.
#[derive(Debug, Clone)]
struct Wrap {
    /// Where rows start; the first is 0.
    starts: Vec<usize>,
    /// Whether these are all.
    is_whole: bool,
}

/// What wrapping depends on besides the width.
#[derive(Clone, Copy)]
pub(super) struct Page<'a> {
    pub(super) draft: &'a Draft,
    pub(super) caret: Place,
}

/// The rows known at one width.
#[derive(Debug, Clone)]
pub(super) struct Wraps {
    width: usize,
    lines: BTreeMap<usize, Wrap>,
}

impl Wraps {
    pub(super) fn new(width: u16) -> Self {
        Self { width: usize::from(width.max(1)), lines: BTreeMap::new() }
    }

    pub(super) fn ruler<'a>(&self, draft: &'a Draft) -> Ruler<'a> {
        Ruler { chips: draft.chips(), width: self.width }
    }

    /// Sets the width of a row and forgets too much of what is known.
    pub(super) fn set_width(&mut self, width: u16) {
        let width = usize::from(width.max(1));
        if self.width != width || self.lines.len() > REMEMBERED_LINES {
            self.width = width;
            self.lines.clear();
        }
    }

    /// Forgets everything: another draft comes.
    pub(super) fn clear(&mut self) {
        self.lines.clear();
    }

    /// Forgets what an edit made wrong.
    pub(super) fn forget(&mut self, change: Change) {
        if change.is_multiline {
            self.lines.split_off(&change.from.line);
        } else if let Some(wrap) = self.lines.get_mut(&change.from.line) {
            // An edit moves the end of its own row, which a longer word may have put there from the
            // row before, which a cluster wider than half a row may have ended in turn.
            let row = wrap.starts.partition_point(|start| *start <= change.from.byte);
            wrap.starts.truncate(row.saturating_sub(3).max(1));
            wrap.is_whole = false;
        }
    }

    /// Returns the line's rows, wrapped until `enough` is true of them or they are all.
    fn until(&mut self, draft: &Draft, line: usize, enough: impl Fn(&[usize]) -> bool) -> &Wrap {
        let ruler = self.ruler(draft);
        let text = draft.line(line);
        let wrap = self.lines.entry(line).or_insert_with(|| Wrap { starts: vec![0], is_whole: false });
        while !wrap.is_whole && !enough(&wrap.starts) {
            let end = ruler.row_end(text, wrap.starts.last().copied().unwrap_or(0));
            if end < text.len() {
                wrap.starts.push(end);
            } else {
                wrap.is_whole = true;
            }
        }
        wrap
    }

    /// Returns the part of its line that a row shows, or `None` when there is no such row.
    ///
    /// A caret behind a full last row gets an empty row of its own.
    pub(super) fn row(&mut self, page: Page<'_>, id: RowId) -> Option<Range<usize>> {
        let text = page.draft.lines().get(id.line)?;
        let wrap = self.until(page.draft, id.line, |starts| starts.len() > id.row + 1);
        let start = wrap.starts.get(id.row).copied();
        let end = wrap.starts.get(id.row + 1).copied().unwrap_or(text.len());
        let last = wrap.starts.len() - 1;
        match start {
            Some(start) => Some(start..end),
            None if id.row == last + 1 && page.caret == (Place { line: id.line, byte: text.len() }) => {
                let tail = wrap.starts.get(last).copied().unwrap_or(0)..text.len();
                self.ruler(page.draft).is_full(text, tail).then_some(end..end)
            }
            None => None,
        }
    }

    /// Returns the caret's row and the part of the line it shows.
    pub(super) fn caret_row(&mut self, page: Page<'_>) -> (RowId, Range<usize>) {
        let Place { line, byte } = page.caret;
        let wrap = self.until(page.draft, line, |starts| starts.last().is_some_and(|start| *start > byte));
        let row = wrap.starts.partition_point(|start| *start <= byte).saturating_sub(1);
        let extra = RowId { line, row: row + 1 };
        if byte == page.draft.line(line).len()
            && let Some(range) = self.row(page, extra)
        {
            return (extra, range);
        }
        let id = RowId { line, row };
        (id, self.row(page, id).unwrap_or(0..0))
    }

    /// Returns the row below, or `None` at the draft's end.
    pub(super) fn below(&mut self, page: Page<'_>, id: RowId) -> Option<RowId> {
        [RowId { line: id.line, row: id.row + 1 }, RowId { line: id.line + 1, row: 0 }]
            .into_iter()
            .find(|below| self.row(page, *below).is_some())
    }

    /// Returns the row above, or `None` at the draft's start.
    pub(super) fn above(&mut self, page: Page<'_>, id: RowId) -> Option<RowId> {
        if let Some(row) = id.row.checked_sub(1) {
            return Some(RowId { line: id.line, row });
        }
        let line = id.line.checked_sub(1)?;
        let row = self.until(page.draft, line, |_| false).starts.len() - 1;
        Some(RowId { line, row })
    }

    /// Whether the caret is on the draft's first row.
    pub(super) fn is_first(&self, page: Page<'_>) -> bool {
        page.caret.line == 0 && self.rows_to_caret(page, 0).0 == 1
    }

    /// Whether the caret is on the draft's last row.
    pub(super) fn is_last(&self, page: Page<'_>) -> bool {
        let Place { line, byte } = page.caret;
        let known = self.lines.get(&line).map_or(0, |wrap| {
            let row = wrap.starts.partition_point(|start| *start <= byte);
            wrap.starts.get(row.saturating_sub(1)).copied().unwrap_or(0)
        });
        line + 1 == page.draft.lines().len() && self.rows_to_caret(page, known).1
    }

    /// Returns how many rows there are from the row start `start` up to the caret's, and whether that
    /// is the line's last.
    fn rows_to_caret(&self, page: Page<'_>, start: usize) -> (usize, bool) {
        let ruler = self.ruler(page.draft);
        let (text, byte) = (page.draft.line(page.caret.line), page.caret.byte);
        let (mut rows, mut start) = (1, start);
        loop {
            let end = ruler.row_end(text, start);
            if end < text.len() && end <= byte {
                (rows, start) = (rows + 1, end);
                continue;
            }
            let overhangs = byte == text.len() && !text.is_empty() && ruler.is_full(text, start..end);
            return (rows + usize::from(overhangs), end == text.len());
        }
    }
}

/// Returns how many rows the draft takes at a width, counting no further than `most`.
pub(super) fn height(page: Page<'_>, width: u16, most: usize) -> usize {
    let ruler = Ruler { chips: page.draft.chips(), width: usize::from(width.max(1)) };
    let mut rows = 0;
    for (line, text) in page.draft.lines().iter().enumerate() {
        let mut start = 0;
        loop {
            rows += 1;
            let end = ruler.row_end(text, start);
            if rows >= most {
                return most;
            }
            if end == text.len() {
                let ends_here = page.caret == Place { line, byte: end } && end > 0;
                rows += usize::from(ends_here && ruler.is_full(text, start..end));
                break;
            }
            start = end;
        }
        if rows >= most {
            return most;
        }
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::composer::draft::Run;
    use proptest::prelude::*;

    fn draft(text: &str) -> Draft {
        let mut draft = Draft::default();
        let start = Place::default();
        let text = draft.encode(text).unwrap();
        draft.replace(&(start..start), &text, Run::Single, start);
        draft
    }

    fn rows(text: &str, width: u16) -> Vec<String> {
        let draft = draft(text);
        let mut wraps = Wraps::new(width);
        let page = Page { draft: &draft, caret: Place::default() };
        let mut found = Vec::new();
        let mut id = Some(RowId::default());
        while let Some(row) = id {
            found.push(draft.line(row.line)[wraps.row(page, row).unwrap()].to_owned());
            id = wraps.below(page, row);
        }
        found
    }

    #[test]
    fn rows_break_where_a_reader_expects_it() {
        for (text, width, expected) in [
            ("hello world", 11, vec!["hello world"]),
            ("hello world", 8, vec!["hello ", "world"]),
            ("hello world", 5, vec!["hello", " ", "world"]),
            ("abcdefgh", 3, vec!["abc", "def", "gh"]),
            ("한국어 문장", 7, vec!["한국어 ", "문장"]),
            ("한국어문장", 5, vec!["한국", "어문", "장"]),
            ("see 漢字漢字", 7, vec!["see 漢", "字漢字"]),
            ("a👨‍👩‍👧‍👦b", 2, vec!["a", "👨‍👩‍👧‍👦", "b"]),
            ("한", 1, vec!["한"]),
            ("a\n\nb", 9, vec!["a", "", "b"]),
            ("", 9, vec![""]),
        ] {
            assert_eq!(rows(text, width), expected, "{text} at {width}");
        }
    }

    #[test]
    fn a_caret_behind_a_full_row_gets_a_row_of_its_own() {
        let draft = draft("한국\nab");
        let mut wraps = Wraps::new(4);
        let caret = Place { line: 0, byte: 6 };
        let page = Page { draft: &draft, caret };
        assert_eq!(wraps.caret_row(page), (RowId { line: 0, row: 1 }, 6..6));
        assert!(!wraps.is_first(page));
        assert_eq!(height(page, 4, 10), 3);
        let page = Page { draft: &draft, caret: Place { line: 0, byte: 3 } };
        assert_eq!(wraps.caret_row(page), (RowId { line: 0, row: 0 }, 0..6));
        assert_eq!(height(page, 4, 10), 2);
        assert!(wraps.is_first(page));
    }

    fn every_row(wraps: &mut Wraps, page: Page<'_>) -> Vec<(RowId, Range<usize>)> {
        let mut found = Vec::new();
        let mut id = Some(RowId::default());
        while let Some(row) = id {
            found.push((row, wraps.row(page, row).unwrap()));
            id = wraps.below(page, row);
        }
        found
    }

    proptest! {
        /// What is left after an edit is what wrapping afresh gives.
        #[test]
        fn edits_forget_enough(
            width in 1..12u16,
            start in "([a-c가漢 \u{301}\u{200d}👧🇰\u{202e}]{0,9}\n?){0,5}",
            edits in prop::collection::vec((0..60usize, 0..4usize, "[a가漢 \u{301}\u{200d}👧🇰\n]{0,3}"), 1..8),
        ) {
            let mut draft = draft(&start);
            let mut wraps = Wraps::new(width);
            for (at, removed, text) in edits {
                let caret = Place::default();
                every_row(&mut wraps, Page { draft: &draft, caret });
                let whole = draft.slice(&(caret..draft.end()));
                let place = |skip: usize| {
                    let before: String = whole.chars().take(skip).collect();
                    super::super::draft::after(Place::default(), &before)
                };
                let change = draft.replace(&(place(at)..place(at + removed)), &text, Run::Single, caret);
                wraps.forget(change);
                let page = Page { draft: &draft, caret };
                prop_assert_eq!(every_row(&mut wraps, page), every_row(&mut Wraps::new(width), page));
                prop_assert_eq!(height(page, width, usize::MAX), every_row(&mut wraps, page).len());
                for line in 0..draft.lines().len() {
                    let text = draft.line(line);
                    let mut byte = 0;
                    loop {
                        let page = Page { draft: &draft, caret: Place { line, byte } };
                        let (id, range) = wraps.caret_row(page);
                        prop_assert!(range.start <= byte && byte <= range.end);
                        let x = wraps.ruler(&draft).span(text, range.start..byte);
                        prop_assert!(x < usize::from(width), "{x} {id:?} {range:?}");
                        prop_assert_eq!(wraps.is_first(page), id == RowId::default());
                        prop_assert_eq!(wraps.is_last(page), wraps.below(page, id).is_none());
                        prop_assert_eq!(height(page, width, usize::MAX), every_row(&mut wraps, page).len());
                        if byte == text.len() {
                            break;
                        }
                        byte = next(text, byte);
                    }
                }
            }
        }
    }
}
