//! Rows of spans: what stands where, as ranges of the message's bytes.
//!
//! Owns the vocabulary between layout and drawing, and the flat store of all rows of a document.
//! Never holds text of a message. Invariant: the first bytes of the rows never decrease, so that a
//! byte is looked up by binary search.

use std::ops::Range;

/// What a span shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// Bytes of the message, drawn cluster by cluster through [`crate::core::text::Glyph`].
    Text(Range<u32>),
    /// Something the layout adds, such as a bullet.
    Fixed(&'static str),
    /// A character repeated, such as indentation or a rule.
    Fill(char, u16),
}

/// What a span is; the theme knows how that looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Tone {
    /// Running text.
    Plain,
    /// A heading and its level, 1 to 6.
    Heading(u8),
    /// Code inside a line.
    Code,
    /// A line of a code block.
    Block(CodeTone),
    /// What follows the opening fence of a code block, usually its language.
    Info,
    /// Text inside a quote.
    Quote,
    /// Bullets, numbers, quote bars, the sign of a continued line of code.
    Marker,
    /// Lines of tables, and rules.
    Border,
    /// The heading row of a table.
    TableHead,
    /// A heading repeated before a value where a table is too narrow for columns; its bytes are
    /// shown in the heading row too.
    Label,
    /// The text and the address of a link or an image.
    Link,
}

/// What a piece of code is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CodeTone {
    /// Names, punctuation and whatever has not been looked at.
    Plain,
    /// Words of the language.
    Keyword,
    /// Text in quotes.
    String,
    /// Numbers, truth values, escapes and other constants.
    Number,
    /// What the language ignores.
    Comment,
    /// Names of functions where they are defined or called.
    Function,
    /// Names of types, and attributes of tags.
    Type,
    /// Signs that compute.
    Operator,
}

/// How a span is stressed; a set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Emphasis(u8);

impl Emphasis {
    /// Not stressed.
    pub const NONE: Self = Self(0);
    /// Strong.
    pub const STRONG: Self = Self(1);
    /// Italic.
    pub const ITALIC: Self = Self(2);
    /// Struck through.
    pub const STRIKE: Self = Self(4);
    /// Underlined, as the text of a link is.
    pub const UNDERLINE: Self = Self(8);

    /// Returns the set with another's members added.
    #[must_use]
    pub const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Returns whether all members of another set are in this one.
    #[must_use]
    pub const fn has(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }
}

/// A piece of a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Span {
    /// What it shows.
    pub source: Source,
    /// What it is.
    pub tone: Tone,
    /// How it is stressed.
    pub emphasis: Emphasis,
    /// Cells it takes. A cluster wider than a whole row stands alone and is cut to this width.
    pub width: u16,
}

impl Span {
    /// Returns a span of something the layout adds.
    pub(super) fn fixed(text: &'static str, tone: Tone) -> Self {
        let width = u16::try_from(crate::core::text::width(text)).unwrap_or(u16::MAX);
        Self { source: Source::Fixed(text), tone, emphasis: Emphasis::NONE, width }
    }

    /// Returns a span of a repeated character of one cell.
    pub(super) fn fill(character: char, width: u16, tone: Tone) -> Self {
        Self { source: Source::Fill(character, width), tone, emphasis: Emphasis::NONE, width }
    }
}

/// Returns a byte offset in the form rows keep it; a text beyond 4 GiB is not laid out.
pub(super) fn offset(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Mark {
    /// Index of the row's first span.
    span: usize,
    /// The first byte that belongs to the row.
    start: u32,
}

/// How much a store holds, to go back to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Extent {
    rows: usize,
    spans: usize,
}

/// All rows of a document, in one run of spans.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Rows {
    spans: Vec<Span>,
    marks: Vec<Mark>,
}

impl Rows {
    pub(super) fn len(&self) -> usize {
        self.marks.len()
    }

    pub(super) fn extent(&self) -> Extent {
        Extent { rows: self.marks.len(), spans: self.spans.len() }
    }

    /// Goes back to what was held before.
    pub(super) fn cut_to(&mut self, extent: Extent) {
        self.marks.truncate(extent.rows);
        self.spans.truncate(extent.spans);
    }

    /// Begins a row whose first byte is this one.
    pub(super) fn open(&mut self, start: u32) {
        let start = self.marks.last().map_or(start, |last| last.start.max(start));
        self.marks.push(Mark { span: self.spans.len(), start });
    }

    /// Adds a span to the last row.
    pub(super) fn push(&mut self, span: Span) {
        if span.width > 0 {
            self.spans.push(span);
        }
    }

    pub(super) fn spans(&self) -> &[Span] {
        &self.spans
    }

    pub(super) fn spans_mut(&mut self) -> &mut Vec<Span> {
        &mut self.spans
    }

    /// Returns the spans of a row; none where there is no such row.
    pub(super) fn row(&self, row: usize) -> &[Span] {
        let Some(mark) = self.marks.get(row) else { return &[] };
        let end = self.marks.get(row + 1).map_or(self.spans.len(), |next| next.span);
        &self.spans[mark.span..end]
    }

    /// Returns the row that shows a byte, or the nearest one before it.
    ///
    /// The rows of one wrapped table row share their first byte, as their cells interleave; among
    /// them the one whose spans hold the byte is taken.
    pub(super) fn row_at(&self, byte: u32) -> usize {
        let after = self.marks.partition_point(|mark| mark.start <= byte);
        let Some(last) = after.checked_sub(1) else { return 0 };
        let start = self.marks[last].start;
        let first = self.marks[..last].partition_point(|mark| mark.start < start);
        let mut best = (None, first);
        for row in first..=last {
            for span in self.row(row) {
                let Source::Text(range) = &span.source else { continue };
                if range.contains(&byte) && span.tone != Tone::Label {
                    return row;
                }
                if range.start <= byte && best.0 < Some(range.start) {
                    best = (Some(range.start), row);
                }
            }
        }
        best.1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(range: Range<u32>) -> Span {
        let width = u16::try_from(range.len()).unwrap();
        Span { source: Source::Text(range), tone: Tone::Plain, emphasis: Emphasis::NONE, width }
    }

    #[test]
    fn a_byte_is_found_in_its_row() {
        let mut rows = Rows::default();
        for (start, range) in [(0, 2..5), (6, 6..9), (12, 12..14)] {
            rows.open(start);
            rows.push(text(range));
        }
        assert_eq!([0, 4, 5, 6, 11, 12, 99].map(|byte| rows.row_at(byte)), [0, 0, 0, 1, 1, 2, 2]);
    }

    #[test]
    fn a_byte_is_found_among_interleaved_cells() {
        let mut rows = Rows::default();
        rows.open(0);
        rows.push(text(2..5));
        rows.push(text(12..14));
        rows.open(0);
        rows.push(text(5..8));
        rows.push(text(14..16));
        assert_eq!([0, 2, 6, 9, 12, 14].map(|byte| rows.row_at(byte)), [0, 0, 1, 1, 0, 1]);
    }

    #[test]
    fn a_span_stays_small() {
        assert!(size_of::<Span>() <= 32);
    }
}
