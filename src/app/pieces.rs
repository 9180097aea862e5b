//! The layer that shows a text cut into tokens: figures of both vocabularies, and the pieces of one.
//!
//! Owns which vocabulary is shown and where the reader is. Only the rows on screen are laid out, from
//! the nearest anchor of the cut, so that the size of the text does not matter.
//!
//! Invariant: a piece is drawn with every cluster it has, in order. Pieces that hold parts of characters
//! are drawn together, as the characters they make, with their number; only a part that no neighbour
//! completes is drawn as its bytes.

use crate::app::msg::Size;
use crate::core::cutting::{Cut, Cutting, shown};
use crate::core::figure::whole;
use crate::core::model::Encoding;
use crate::core::text::{clusters, visible, width};
use std::ops::Range;
use std::sync::Arc;

/// Columns the layer wants.
const COLUMNS: u16 = 100;

/// How large the layer may become.
pub const MOST: Size = Size { width: COLUMNS, height: u16::MAX };

/// Lines above the pieces without those of notes, and below them.
const AROUND: u16 = 5;

/// Lines of the frame.
const FRAME: u16 = 2;

/// A piece, or as much of it as stands on a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Span {
    /// Number of the first token.
    pub piece: usize,
    /// Tokens it stands for: more than one where they hold parts of the same characters.
    pub pieces: usize,
    /// What is drawn.
    pub text: String,
    /// Whether its tokens hold parts of characters.
    pub is_part: bool,
}

/// The reader's place: a row after an anchor, so that rows above need not be counted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Top {
    anchor: usize,
    row: usize,
}

/// The tokens of a text, laid over the screen.
#[derive(Debug, Clone, PartialEq)]
pub struct Pieces {
    /// The title.
    pub title: &'static str,
    /// The cut text, once it is there.
    cutting: Option<Arc<Cutting>>,
    shown: usize,
    top: Top,
    pending: isize,
    rows: Vec<Vec<Span>>,
    /// Whether the rows are all there are.
    is_whole: bool,
    /// Whether a vocabulary cuts characters into parts.
    has_parts: [bool; Encoding::ALL.len()],
}

impl Pieces {
    /// Returns the layer for a text that is being cut; the pieces shown first are those of `encoding`.
    #[must_use]
    pub fn new(title: &'static str, encoding: Encoding) -> Self {
        let shown = Encoding::ALL.iter().position(|other| *other == encoding).unwrap_or(0);
        Self {
            title,
            cutting: None,
            shown,
            top: Top::default(),
            pending: 0,
            rows: Vec::new(),
            is_whole: true,
            has_parts: [false; Encoding::ALL.len()],
        }
    }

    /// Takes the cut text.
    pub fn take(&mut self, cutting: Arc<Cutting>) {
        self.has_parts = cutting
            .cuts
            .each_ref()
            .map(|cut| (0..cut.tokens()).any(|number| !cutting.text.is_char_boundary(cut.piece(number).end)));
        self.cutting = Some(cutting);
    }

    /// Returns the cut text, once it is there.
    #[must_use]
    pub fn cutting(&self) -> Option<&Cutting> {
        self.cutting.as_deref()
    }

    /// Returns the index of the vocabulary whose pieces are shown.
    #[must_use]
    pub fn shown(&self) -> usize {
        self.shown
    }

    /// Returns the rows on screen, after [`Pieces::settle`].
    #[must_use]
    pub fn rows(&self) -> &[Vec<Span>] {
        &self.rows
    }

    /// Returns how large the layer wants to be: no higher than the text, after [`Pieces::settle`].
    #[must_use]
    pub fn wanted(&self) -> Size {
        let rows = if self.is_whole { u16::try_from(self.rows.len()).unwrap_or(u16::MAX) } else { u16::MAX };
        let notes = u16::try_from(self.notes().len()).unwrap_or(0);
        Size { width: COLUMNS, height: rows.saturating_add(AROUND + notes + FRAME) }
    }

    /// Shows the pieces of the other vocabulary, near the same place.
    pub fn show_other(&mut self) {
        let other = (self.shown + 1) % Encoding::ALL.len();
        if let Some(cutting) = &self.cutting {
            let (from, to) = (&cutting.cuts[self.shown], &cutting.cuts[other]);
            let byte = from.piece(from.stretch(self.top.anchor).start).start;
            self.top = Top { anchor: to.anchor_at(byte), row: 0 };
        }
        self.shown = other;
    }

    /// Moves the reader by rows; how far that is shows when it is laid out.
    pub fn scroll_by(&mut self, rows: isize) {
        self.pending = self.pending.saturating_add(rows);
    }

    /// Returns the sentences between the figures and the pieces.
    #[must_use]
    pub fn notes(&self) -> Vec<String> {
        let Some(cutting) = &self.cutting else { return Vec::new() };
        let mut notes = Vec::new();
        if let Some(garbled) = &cutting.garbled {
            let (now, meant) = (cutting.cuts[self.shown].tokens() as u64, garbled.tokens[self.shown]);
            let about = if garbled.is_lossless { "" } else { "≈ " };
            notes.push(format!(
                "this looks like UTF-8 read as {}: {} tokens instead of {about}{}",
                garbled.page.name(),
                whole(now),
                whole(meant),
            ));
        }
        if self.has_parts[self.shown] {
            notes.push("⟨2⟩ after characters: so many tokens hold parts of them".to_owned());
        }
        if cutting.is_beginning() {
            notes.push(format!(
                "the first {} of {} bytes are shown and counted",
                whole(cutting.text.len() as u64),
                whole(cutting.whole_bytes as u64),
            ));
        }
        notes
    }

    /// Lays out the rows on screen in an area of this size.
    pub fn settle(&mut self, columns: u16, lines: u16) {
        self.rows.clear();
        self.is_whole = true;
        let Some(cutting) = self.cutting.clone() else { return };
        let notes = u16::try_from(self.notes().len()).unwrap_or(0);
        let height = usize::from(lines.saturating_sub(AROUND + notes)).max(1);
        let columns = usize::from(columns).max(8);
        let (text, cut) = (cutting.text.as_ref(), &cutting.cuts[self.shown]);
        self.go(text, cut, columns);
        // What is above the last page's first row is as far down as it goes.
        for _ in 0..=1 {
            self.rows = from(text, cut, self.top, columns, height);
            let missing = height - self.rows.len();
            self.is_whole = missing > 0 && self.top == Top::default();
            if missing == 0 || self.is_whole {
                return;
            }
            self.pending = isize::try_from(missing).map_or(isize::MIN, |missing| -missing);
            self.go(text, cut, columns);
        }
    }

    /// Moves the reader's place by the rows that are pending.
    fn go(&mut self, text: &str, cut: &Cut, columns: usize) {
        let mut by = std::mem::take(&mut self.pending);
        let last = cut.anchors() - 1;
        if by.unsigned_abs() > cut.tokens() {
            // Further than there are rows: the beginning or the end.
            let anchor = if by < 0 { 0 } else { last };
            self.top = Top { anchor, row: 0 };
            by = if by < 0 { 0 } else { isize::MAX };
        }
        self.top.anchor = self.top.anchor.min(last);
        loop {
            let rows = stretch(text, cut, self.top.anchor, columns).len();
            self.top.row = self.top.row.min(rows.saturating_sub(1));
            let target = self.top.row.checked_add_signed(by);
            match target {
                Some(row) if row < rows => {
                    self.top.row = row;
                    return;
                }
                _ if by >= 0 && self.top.anchor == last => {
                    self.top.row = rows.saturating_sub(1);
                    return;
                }
                _ if by >= 0 => {
                    by -= isize::try_from(rows - self.top.row).unwrap_or(by);
                    self.top = Top { anchor: self.top.anchor + 1, row: 0 };
                }
                _ if self.top.anchor == 0 => {
                    self.top.row = 0;
                    return;
                }
                _ => {
                    by += isize::try_from(self.top.row + 1).unwrap_or(0);
                    self.top.anchor -= 1;
                    self.top.row = stretch(text, cut, self.top.anchor, columns).len().saturating_sub(1);
                }
            }
        }
    }
}

/// Returns at most `height` rows from a place on.
fn from(text: &str, cut: &Cut, top: Top, columns: usize, height: usize) -> Vec<Vec<Span>> {
    let anchors = top.anchor..cut.anchors();
    let rows = anchors.flat_map(|anchor| stretch(text, cut, anchor, columns));
    rows.skip(top.row).take(height).collect()
}

/// Returns the rows of a stretch; an empty text has one without anything.
fn stretch(text: &str, cut: &Cut, anchor: usize, columns: usize) -> Vec<Vec<Span>> {
    let mut rows = vec![Vec::new()];
    let mut room = columns;
    let stretch = cut.stretch(anchor);
    let mut number = stretch.start;
    while number < stretch.end {
        let pieces = joined(text, cut, number..stretch.end);
        let bytes = cut.piece(number).start..cut.piece(number + pieces - 1).end;
        let (shown, is_part) = match (pieces, text.get(bytes.clone())) {
            (2.., Some(whole)) => (format!("{}⟨{pieces}⟩", visible(whole)), true),
            _ => shown(&text.as_bytes()[bytes]),
        };
        let cells = width(&shown);
        if cells > room && room < columns && cells <= columns {
            rows.push(Vec::new());
            room = columns;
        }
        // A piece that is wider than a row is cut where a cluster ends.
        let mut rest = shown.as_str();
        while !rest.is_empty() {
            let mut used = 0;
            let end = clusters(rest).find_map(|(at, cluster)| {
                used += width(cluster);
                (used > room && (at > 0 || room < columns)).then_some(at)
            });
            let (part, after) = rest.split_at(end.unwrap_or(rest.len()));
            if let (Some(row), false) = (rows.last_mut(), part.is_empty()) {
                row.push(Span { piece: number, pieces, text: part.to_owned(), is_part });
                room = room.saturating_sub(width(part));
            }
            rest = after;
            if !rest.is_empty() {
                rows.push(Vec::new());
                room = columns;
            }
        }
        number += pieces;
    }
    rows
}

/// Returns how many pieces from the first of a range on hold the same characters: more than one where
/// one ends inside of a character, until one ends with one.
fn joined(text: &str, cut: &Cut, range: Range<usize>) -> usize {
    if !text.is_char_boundary(cut.piece(range.start).start) {
        return 1;
    }
    let ends_whole = |number: &usize| text.is_char_boundary(cut.piece(*number).end);
    range.clone().find(ends_whole).map_or(1, |last| last - range.start + 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Returns a layer for a text in pieces of `size` bytes, in a window of this size.
    fn layer(text: &str, size: usize, columns: u16, lines: u16) -> Pieces {
        let pieces: Vec<Range<usize>> =
            (0..text.len()).step_by(size).map(|at| at..(at + size).min(text.len())).collect();
        let cuts = Encoding::ALL.map(|encoding| Cut::new(encoding, text, &pieces));
        let mut layer = Pieces::new("tokens", Encoding::O200kBase);
        layer.take(Arc::new(Cutting::new(text.into(), text.len(), cuts, None)));
        layer.settle(columns, lines);
        layer
    }

    fn seen(layer: &Pieces) -> Vec<String> {
        layer.rows().iter().map(|row| row.iter().map(|span| span.text.as_str()).collect()).collect()
    }

    #[test]
    fn white_space_and_parts_of_characters_can_be_seen() {
        let layer = layer("a b\nç", 1, 40, 20);
        assert_eq!(seen(&layer), ["a␣b⏎", "ç⟨2⟩"]);
        let parts: Vec<_> = layer.rows()[1].iter().map(|s| (s.piece, s.pieces, s.is_part)).collect();
        assert_eq!(parts, [(4, 2, true)]);
        assert_eq!(layer.notes().len(), 1);
    }

    #[test]
    fn a_syllable_in_pieces_is_drawn_once_with_their_number() {
        let layer = layer(" 뷁 a", 2, 40, 20);
        assert_eq!(seen(&layer), ["␣뷁⟨2⟩␣a"]);
    }

    #[test]
    fn the_layer_is_no_higher_than_its_text() {
        let small = layer("one two", 3, 40, 60);
        assert_eq!(small.wanted(), Size { width: COLUMNS, height: 1 + AROUND + FRAME });
        let mut large = layer(&"line\n".repeat(500), 5, 40, 60);
        assert!(large.wanted().height > 60);
        large.scroll_by(isize::MAX / 2);
        large.settle(40, 60);
        assert!(large.wanted().height > 60, "also at its end");
    }

    #[test]
    fn scrolling_stays_inside_and_comes_back() {
        let text = "one two three four\n".repeat(200);
        let mut layer = layer(&text, 4, 30, AROUND + 6);
        let first = seen(&layer);
        assert_eq!(first.len(), 6);
        layer.scroll_by(-3);
        layer.settle(30, AROUND + 6);
        assert_eq!(seen(&layer), first);
        layer.scroll_by(isize::MAX / 2);
        layer.settle(30, AROUND + 6);
        assert_eq!(seen(&layer).len(), 6);
        let last = layer.rows().last().unwrap().last().unwrap().piece;
        assert_eq!(last + 1, layer.cutting().unwrap().cuts[0].tokens());
        layer.scroll_by(isize::MIN / 2);
        layer.settle(30, AROUND + 6);
        assert_eq!(seen(&layer), first);
    }

    #[test]
    fn the_other_vocabulary_is_shown_near_the_same_place() {
        let text = "word ".repeat(4000);
        let mut layer = layer(&text, 5, 40, 20);
        layer.scroll_by(100);
        layer.settle(40, 20);
        let piece = layer.rows()[0][0].piece;
        layer.show_other();
        layer.settle(40, 20);
        assert!(layer.shown() == 1 && layer.rows()[0][0].piece.abs_diff(piece) < 600);
    }

    proptest! {
        /// Walking down row by row shows every token once, in order, in any width.
        #[test]
        fn every_piece_is_somewhere(
            text in "([a-z가-힣 \n🐼]{0,20}){0,3}", size in 1usize..9, columns in 8u16..40, height in 1u16..8,
        ) {
            let mut layer = layer(&text, size, columns, AROUND + height);
            let mut seen: Vec<usize> = Vec::new();
            let tokens = layer.cutting().unwrap().cuts[0].tokens();
            for _ in 0..tokens * 5 + 2 {
                for row in layer.rows() {
                    let cells: usize = row.iter().map(|span| width(&span.text)).sum();
                    prop_assert!(cells <= usize::from(columns));
                    seen.extend(row.iter().flat_map(|span| span.piece..span.piece + span.pieces));
                }
                layer.scroll_by(1);
                layer.settle(columns, AROUND + height);
            }
            seen.sort_unstable();
            seen.dedup();
            prop_assert_eq!(seen, (0..tokens).collect::<Vec<_>>());
        }
    }
}
