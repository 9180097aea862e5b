//! Text to rows: the one place where a row ends.
//!
//! Owns [`Flow`], which sets clusters one after another and breaks rows between words. Never splits
//! a cluster, never drops one that shows something; a space that does not fit at the end of a row is
//! the only thing without a cell.
//!
//! Invariant: the spans of a row take at most the width, and are in the order of their bytes.

use super::cluster::{self, Class, Cluster};
use super::indent::{Indent, cells};
use super::row::{Emphasis, Rows, Source, Span, Tone, offset};
use std::ops::Range;

/// A part of a line to set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Piece {
    /// Bytes of the message.
    Text { range: Range<usize>, tone: Tone, emphasis: Emphasis },
    /// Something added; never broken inside.
    Fixed { text: &'static str, tone: Tone },
    /// The line ends here.
    Break,
}

impl Piece {
    /// Returns where its text begins; `None` where it has none.
    pub(super) fn start(&self) -> Option<usize> {
        self.range().map(|range| range.start)
    }

    /// Returns where its text ends; `None` where it has none.
    pub(super) fn end(&self) -> Option<usize> {
        self.range().map(|range| range.end)
    }

    fn range(&self) -> Option<&Range<usize>> {
        match self {
            Self::Text { range, .. } => Some(range),
            Self::Fixed { .. } | Self::Break => None,
        }
    }
}

/// Where rows end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    /// Between words; only a word longer than a row is split.
    Words,
    /// Wherever a row is full: code, whose spaces matter.
    Cells,
}

/// A place where the row may end: after the span of this index as it was then.
#[derive(Debug, Clone, Copy)]
struct Chance {
    span: usize,
    end: Option<u32>,
    width: u16,
}

/// Sets pieces into rows.
pub(super) struct Flow<'a> {
    text: &'a str,
    rows: &'a mut Rows,
    indent: &'a mut Indent,
    mode: Mode,
    width: usize,
    /// Cells taken in the open row.
    used: usize,
    /// Cells of them that stand before the text.
    indented: usize,
    /// Index of the open row's first span of text.
    body: usize,
    chance: Option<Chance>,
    before: Class,
    /// A space did not fit: the row is over.
    is_over: bool,
    /// Before this byte words are not set at once: the word has been looked at and does not fit.
    slow_until: usize,
    moved: Vec<Span>,
}

impl<'a> Flow<'a> {
    fn new(text: &'a str, rows: &'a mut Rows, indent: &'a mut Indent, width: u16, mode: Mode) -> Self {
        Self {
            text,
            rows,
            indent,
            mode,
            width: usize::from(width.max(1)),
            used: 0,
            indented: 0,
            body: 0,
            chance: None,
            before: Class::Open,
            is_over: false,
            slow_until: 0,
            moved: Vec::new(),
        }
    }

    /// Begins on a new row.
    pub(super) fn open(
        text: &'a str,
        rows: &'a mut Rows,
        indent: &'a mut Indent,
        width: u16,
        mode: Mode,
        start: u32,
    ) -> Self {
        let mut flow = Self::new(text, rows, indent, width, mode);
        flow.open_row(start);
        flow
    }

    /// Goes on in the last row, without touching the spans it has.
    pub(super) fn resume(text: &'a str, rows: &'a mut Rows, indent: &'a mut Indent, width: u16) -> Self {
        let mut flow = Self::new(text, rows, indent, width, Mode::Words);
        if flow.rows.len() == 0 {
            flow.open_row(0);
        }
        flow.used = cells(flow.rows.row(flow.rows.len() - 1));
        flow.body = flow.rows.spans().len();
        flow.before = Class::Word;
        flow
    }

    fn open_row(&mut self, start: u32) {
        let first = self.rows.spans().len();
        self.indent.open(self.rows, start);
        self.body = self.rows.spans().len();
        self.used = cells(&self.rows.spans()[first..]);
        if self.used >= self.width {
            // Containers keep room for text; only a resize below their least width gets here.
            self.rows.spans_mut().truncate(first);
            (self.body, self.used) = (first, 0);
        }
        self.indented = self.used;
        self.chance = None;
        self.before = Class::Open;
        self.is_over = false;
    }

    /// Sets pieces one after another.
    pub(super) fn pieces(&mut self, pieces: &[Piece]) {
        let mut is_broken = false;
        for piece in pieces {
            match piece {
                Piece::Break => is_broken = true,
                Piece::Text { range, tone, emphasis } => {
                    if std::mem::take(&mut is_broken) {
                        self.open_row(offset(range.start));
                    }
                    self.push(range.clone(), *tone, *emphasis);
                }
                Piece::Fixed { text, tone } => {
                    if std::mem::take(&mut is_broken) {
                        self.open_row(self.last_end());
                    }
                    self.push_fixed(text, *tone);
                }
            }
        }
    }

    /// Sets bytes of the message.
    pub(super) fn push(&mut self, range: Range<usize>, tone: Tone, emphasis: Emphasis) {
        let text = self.text.get(..range.end).unwrap_or_default();
        let mut at = range.start;
        while let Some(rest) = text.get(at..) {
            let run = if at < self.slow_until { 0 } else { self.word(at, rest.as_bytes()) };
            if run > 0 {
                self.append(at..at + run, run, tone, emphasis);
                self.before = Class::of_ascii(rest.as_bytes()[run - 1]);
                at += run;
                continue;
            }
            let Some(cluster) = cluster::first(rest) else { break };
            self.place(at, cluster, tone, emphasis);
            at += cluster.len;
        }
    }

    /// Returns the length of an ASCII word that can be set at once; 0 where it takes a closer look.
    fn word(&mut self, at: usize, bytes: &[u8]) -> usize {
        if self.mode == Mode::Cells || self.is_over || !matches!(self.before, Class::Word | Class::Space) {
            return 0;
        }
        let room = self.width - self.used.min(self.width);
        // A word that fits ends at a space or at the end; the cluster before a byte that is not
        // ASCII may take it in.
        let mut len = 0;
        while let Some(&byte) = bytes.get(len) {
            if byte == b' ' {
                break;
            }
            if len == room || !cluster::is_plain(byte) {
                self.slow_until = at + len;
                return 0;
            }
            len += 1;
        }
        if len > 0 && self.before == Class::Space {
            self.note_chance();
        }
        len
    }

    fn place(&mut self, at: usize, cluster: Cluster, tone: Tone, emphasis: Emphasis) {
        if cluster.width > 0 && self.make_room(offset(at), cluster.width, cluster.class) {
            let width = cluster.width.min(self.width.saturating_sub(self.used)).max(1);
            self.append(at..at + cluster.len, width, tone, emphasis);
            self.before = cluster.class;
        }
    }

    /// Sets something the layout adds.
    pub(super) fn push_fixed(&mut self, text: &'static str, tone: Tone) {
        let mut span = Span::fixed(text, tone);
        let class = text.bytes().next().map_or(Class::Word, Class::of_ascii);
        if self.make_room(self.last_end(), usize::from(span.width), class) {
            let width = usize::from(span.width).min(self.width.saturating_sub(self.used));
            span.width = u16::try_from(width).unwrap_or(u16::MAX);
            self.rows.push(span);
            self.used += width;
            self.before = class;
        }
    }

    /// Ends the row where what comes next does not fit; returns `false` for a space that is left out.
    fn make_room(&mut self, start: u32, width: usize, class: Class) -> bool {
        if self.mode == Mode::Words {
            if class == Class::Space {
                self.is_over |= self.used + width > self.width;
                return !self.is_over;
            }
            if self.is_over {
                self.open_row(start);
            } else if self.before.breaks_before(class) {
                self.note_chance();
            }
        }
        if self.used + width > self.width {
            self.end_row(start, width);
        }
        true
    }

    /// Returns where the text set so far ends.
    fn last_end(&self) -> u32 {
        self.rows.spans().iter().rev().find_map(text_end).unwrap_or(0)
    }

    fn note_chance(&mut self) {
        let spans = self.rows.spans();
        if let Some(last) = spans.len().checked_sub(1).filter(|&last| last + 1 > self.body) {
            self.chance = Some(Chance { span: last, end: text_end(&spans[last]), width: spans[last].width });
        }
    }

    /// Ends the row at the last chance, or here where a word fills the row.
    fn end_row(&mut self, start: u32, next_width: usize) {
        let Some(chance) = self.chance.take() else {
            if self.used > self.indented {
                self.open_row(start);
            }
            return;
        };
        let mut moved = std::mem::take(&mut self.moved);
        let spans = self.rows.spans_mut();
        moved.extend(spans.drain(chance.span + 1..));
        if let (Some(last), Some(end)) = (spans.last_mut(), chance.end)
            && let Source::Text(range) = &mut last.source
            && range.end > end
        {
            let source = Source::Text(end..range.end);
            range.end = end;
            let width = last.width - chance.width;
            last.width = chance.width;
            moved.insert(0, Span { source, tone: last.tone, emphasis: last.emphasis, width });
        }
        let first = moved.iter().find_map(text_start).unwrap_or(start);
        self.open_row(first);
        for span in moved.drain(..) {
            self.used += usize::from(span.width);
            self.rows.push(span);
        }
        self.moved = moved;
        self.before = Class::Word;
        if self.used > self.indented && self.used + next_width > self.width {
            // The word alone is longer than a row.
            self.open_row(start);
        }
    }

    fn append(&mut self, range: Range<usize>, width: usize, tone: Tone, emphasis: Emphasis) {
        let (start, end) = (offset(range.start), offset(range.end));
        let cells = u16::try_from(width).unwrap_or(u16::MAX);
        self.used += width;
        let body = self.body;
        let spans = self.rows.spans_mut();
        if spans.len() > body
            && let Some(last) = spans.last_mut()
            && last.tone == tone
            && last.emphasis == emphasis
            && let Source::Text(range) = &mut last.source
            && range.end == start
        {
            range.end = end;
            last.width += cells;
            return;
        }
        spans.push(Span { source: Source::Text(start..end), tone, emphasis, width: cells });
    }
}

fn text_start(span: &Span) -> Option<u32> {
    match &span.source {
        Source::Text(range) => Some(range.start),
        Source::Fixed(_) | Source::Fill(..) => None,
    }
}

fn text_end(span: &Span) -> Option<u32> {
    match &span.source {
        Source::Text(range) => Some(range.end),
        Source::Fixed(_) | Source::Fill(..) => None,
    }
}

/// Returns the ranges of a text's rows at a width; a line end in the text ends a row.
///
/// Spaces at the end of a row that do not fit in it are in no range.
#[must_use]
pub fn wrap(text: &str, range: Range<usize>, width: u16) -> Vec<Range<usize>> {
    let mut out = Vec::new();
    let mut at = range.start;
    for line in text.get(range).unwrap_or_default().split_inclusive('\n') {
        let end = at + line.trim_end_matches(['\n', '\r']).len();
        let mut rows = Rows::default();
        let mut indent = Indent::default();
        let mut flow = Flow::open(text, &mut rows, &mut indent, width, Mode::Words, offset(at));
        flow.push(at..end, Tone::Plain, Emphasis::NONE);
        for row in 0..rows.len() {
            let spans = rows.row(row);
            let start = spans.iter().find_map(text_start).map_or(at, |start| start as usize);
            let end = spans.iter().rev().find_map(text_end).map_or(start, |end| end as usize);
            out.push(start..end);
        }
        at += line.len();
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::text;
    use proptest::prelude::*;

    fn rows(text: &str, width: u16) -> Vec<&str> {
        wrap(text, 0..text.len(), width).into_iter().map(|range| &text[range]).collect()
    }

    #[test]
    fn rows_end_between_words() {
        assert_eq!(rows("one two three", 8), ["one two ", "three"]);
        assert_eq!(rows("one two three", 7), ["one two", "three"]);
        assert_eq!(rows("one  two   three", 4), ["one ", "two ", "thre", "e"]);
        assert_eq!(rows("a, (b) c", 4), ["a, ", "(b) ", "c"]);
    }

    #[test]
    fn a_word_longer_than_a_row_is_split() {
        assert_eq!(rows("a abcdefghij b", 4), ["a ", "abcd", "efgh", "ij b"]);
        assert_eq!(rows("가나다라마", 4), ["가나", "다라", "마"]);
    }

    #[test]
    fn korean_words_stay_whole_and_chinese_rows_are_filled() {
        assert_eq!(rows("나는 사과를 먹었다", 12), ["나는 사과를 ", "먹었다"]);
        assert_eq!(rows("漢字混在文章", 6), ["漢字混", "在文章"]);
        assert_eq!(rows("漢字混。在", 6), ["漢字", "混。在"]);
        assert_eq!(rows("API를 쓴다", 5), ["API를", "쓴다"]);
    }

    #[test]
    fn line_ends_and_the_spaces_after_them_stay() {
        assert_eq!(rows("a\n\n  b\r\nc\n", 9), ["a", "", "  b", "c"]);
        assert_eq!(rows("", 9), Vec::<&str>::new());
    }

    #[test]
    fn a_cluster_is_never_split() {
        assert_eq!(rows("👨‍👩‍👧e\u{301}🇰🇷", 2), ["👨‍👩‍👧", "e\u{301}", "🇰🇷"]);
        assert_eq!(rows("한글", 1), ["한", "글"]);
        assert_eq!(rows("a", 0), ["a"]);
        // What is drawn as a mark takes more cells than the row has.
        assert_eq!(rows("一\u{d7b0}", 2), ["一", "\u{d7b0}"]);
    }

    #[test]
    fn a_range_is_wrapped_alone() {
        assert_eq!(wrap("skip this text", 5..14, 5), [5..10, 10..14]);
    }

    proptest! {
        /// Rows are as wide as allowed, as full as words allow, and only spaces are left out.
        #[test]
        fn rows_hold_the_text(text in "([a-c]{1,9}|[가-힣]{1,4}|[一-鿿]|[ ]{1,3}|\\PC|\n){0,20}", width in 2u16..20) {
            let ranges = wrap(&text, 0..text.len(), width);
            let mut end = 0;
            for range in ranges {
                prop_assert!(text[end..range.start].chars().all(char::is_whitespace), "{:?}", &text[end..range.start]);
                let row = &text[range.clone()];
                prop_assert!(text::width(row) <= usize::from(width) || text::clusters(row).count() == 1);
                end = range.end;
            }
            prop_assert!(text[end..].chars().all(char::is_whitespace));
        }
    }
}
