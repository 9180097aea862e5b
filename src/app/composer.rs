//! The composer: the multi-line editor of the draft, as plain state.
//!
//! Owns the draft, the caret, the selection, undo and the cut text, and lays out the rows that are
//! visible. Keys come in as [`Chord`]s, text as strings; nothing is drawn here, and no key that is a
//! command elsewhere is taken: `Enter` sends, so it is not ours.
//!
//! Long text is folded to a chip, one character to edit around (`composer/chip.rs`), so the text that
//! is edited live stays short enough for every key to be done within a frame (`benches/composer.rs`).
//!
//! Invariant: the caret and the other end of the selection stand on cluster boundaries of the draft.

mod boundary;
mod chip;
mod draft;
mod fold;
mod motion;
mod view;
mod wrap;

pub use fold::NotUnfolded;
pub use view::{DraftRow, DraftSpan, SpanKind};

use super::chord::{Chord, Key};
use chip::{Chip, Piece};
use draft::{Change, Draft, Place, Run};
use motion::Motion;
use std::borrow::Cow;
use std::ops::Range;
use view::View;
use wrap::Page;

/// Bytes and lines of text that a chip is unfolded into at most.
const UNFOLDED_BYTES: usize = 256 << 10;
const UNFOLDED_LINES: usize = 20_000;

/// Bytes and lines of live text beyond which all of it is folded, so that each key stays cheap.
const LIVE_BYTES: usize = 2 * UNFOLDED_BYTES;
const LIVE_LINES: usize = 2 * UNFOLDED_LINES;

/// Bytes of a whole draft, chips unfolded.
const DRAFT_BYTES: usize = 64 << 20;

/// Rows the composer asks for at most.
const MAX_HEIGHT: usize = 10;

/// Width of a row before the first [`Composer::settle`].
const DEFAULT_WIDTH: u16 = 80;

/// What a key did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reaction {
    /// Nothing: the key means nothing here, or there was nothing to do.
    Ignored,
    /// The caret or the selection changed.
    Moved,
    /// The text changed.
    Edited,
}

/// The editor of the draft.
#[derive(Debug, Clone)]
pub struct Composer {
    draft: Draft,
    caret: Place,
    /// The end of the selection that the caret is not at.
    anchor: Option<Place>,
    /// The column that moves up and down aim at.
    goal: Option<usize>,
    /// What was cut last.
    cut: Vec<Piece>,
    view: View,
    revision: u64,
    /// The draft that was taken last, with its caret.
    taken: Option<(Draft, Place)>,
}

impl Default for Composer {
    fn default() -> Self {
        Self::new()
    }
}

impl Composer {
    /// Returns a composer with an empty draft.
    #[must_use]
    pub fn new() -> Self {
        Self {
            draft: Draft::default(),
            caret: Place::default(),
            anchor: None,
            goal: None,
            cut: Vec::new(),
            view: View::new(DEFAULT_WIDTH),
            revision: 0,
            taken: None,
        }
    }

    /// Applies a key.
    ///
    /// Ctrl-A selects everything, as in any other editor of a text; Home goes to the start of the line.
    /// A letter with Ctrl or Alt is understood from the Korean layout too.
    pub fn on_key(&mut self, chord: Chord) -> Reaction {
        if let Some(c) = chord.typed() {
            return self.type_character(c);
        }
        let chord = chord.latin().unwrap_or(chord);
        if let Some(motion) = Motion::of(chord) {
            return self.travel(motion, chord.shift);
        }
        let Chord { key, ctrl, alt, shift } = chord;
        match (key, ctrl, alt) {
            (Key::Enter, false, true) => self.type_character('\n'),
            (Key::Enter, false, false) if shift => self.type_character('\n'),
            (Key::Backspace, false, false) => self.erase(Motion::Left),
            (Key::Backspace, ..) => self.erase(Motion::WordLeft),
            (Key::Delete, false, false) => self.erase(Motion::Right),
            (Key::Delete, ..) => self.erase(Motion::WordRight),
            (Key::Char('Z'), true, false) => self.redo(),
            (Key::Char('z'), true, false) if shift => self.redo(),
            (Key::Char(_), ..) if shift => Reaction::Ignored,
            (Key::Char('z'), true, false) => self.undo(),
            (Key::Char('y'), true, false) => self.redo(),
            (Key::Char('j'), true, false) => self.type_character('\n'),
            // What Backspace sends on some terminals.
            (Key::Char('h'), true, false) => self.erase(Motion::Left),
            (Key::Char('w'), true, false) => self.cut_to(Motion::WordLeft),
            (Key::Char('d'), false, true) => self.cut_to(Motion::WordRight),
            (Key::Char('u'), true, false) => self.cut_to(Motion::LineStart),
            (Key::Char('k'), true, false) => self.cut_to(Motion::LineEnd),
            (Key::Char('x'), true, false) => match self.selection() {
                Some(range) => self.cut_range(&range),
                None => Reaction::Ignored,
            },
            (Key::Char('v'), true, false) => self.paste_cut(),
            (Key::Char('a'), true, false) | (Key::Char('a'), false, true) => self.select_all(),
            _ => Reaction::Ignored,
        }
    }

    /// Returns the draft with every chip unfolded.
    #[must_use]
    pub fn text(&self) -> String {
        self.draft.text(&(Place::default()..self.draft.end()))
    }

    /// Whether the draft is empty.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.draft.end() == Place::default()
    }

    /// Returns a number that grows with each edit.
    #[must_use]
    pub fn revision(&self) -> u64 {
        self.revision
    }

    /// Returns the length of the draft in bytes, chips unfolded.
    #[must_use]
    pub fn len_bytes(&self) -> usize {
        self.draft.len()
    }

    /// Replaces the draft, with the caret at its end, in one step that can be undone.
    ///
    /// Text too long to be edited live becomes a chip.
    pub fn set_text(&mut self, text: &str) {
        let text = with_unix_line_ends(text);
        let is_long = text.len() > UNFOLDED_BYTES || text.lines().count() > UNFOLDED_LINES;
        self.replace_all(&text, is_long, Run::Single);
    }

    /// Returns the draft with every chip unfolded, and starts an empty one.
    pub fn take(&mut self) -> String {
        if self.is_empty() {
            return String::new();
        }
        let text = self.text();
        self.taken = Some((std::mem::take(&mut self.draft), self.caret));
        self.start_over(Place::default());
        text
    }

    /// Brings back the draft that was taken last, undo history included; the present draft, unless
    /// empty, is what the next call brings back. Returns whether there was one.
    pub fn restore(&mut self) -> bool {
        let Some((draft, caret)) = self.taken.take() else { return false };
        let present = std::mem::replace(&mut self.draft, draft);
        if present.end() != Place::default() {
            self.taken = Some((present, self.caret));
        }
        self.start_over(caret);
        true
    }

    fn start_over(&mut self, caret: Place) {
        self.caret = caret;
        self.anchor = None;
        self.goal = None;
        self.view.reset();
        self.revision += 1;
    }

    /// Lays out what is visible in rows of `width` cells.
    pub fn settle(&mut self, width: u16, max_rows: u16) {
        let selection = self.selection();
        let page = Page { draft: &self.draft, caret: self.caret };
        self.view.settle(page, selection.as_ref(), width, max_rows);
    }

    /// Returns the rows that were visible when the composer was last settled.
    #[must_use]
    pub fn rows(&self) -> &[DraftRow] {
        &self.view.rows
    }

    /// Returns the caret's column and row among the visible rows, in cells.
    #[must_use]
    pub fn caret(&self) -> (u16, u16) {
        self.view.caret
    }

    /// Returns the rows the draft wants at a width, 1 to 10.
    #[must_use]
    pub fn height(&self, width: u16) -> u16 {
        u16::try_from(wrap::height(self.page(), width, MAX_HEIGHT)).unwrap_or(1)
    }

    /// Whether the caret is on the first row, as wrapped.
    #[must_use]
    pub fn is_on_first_row(&self) -> bool {
        self.view.wraps.is_first(self.page())
    }

    /// Whether the caret is on the last row, as wrapped.
    #[must_use]
    pub fn is_on_last_row(&self) -> bool {
        self.view.wraps.is_last(self.page())
    }

    /// Returns the selected text with every chip unfolded.
    #[must_use]
    pub fn selected_text(&self) -> Option<String> {
        self.selection().map(|range| self.draft.text(&range))
    }

    fn page(&self) -> Page<'_> {
        Page { draft: &self.draft, caret: self.caret }
    }

    fn selection(&self) -> Option<Range<Place>> {
        let anchor = self.anchor.filter(|anchor| *anchor != self.caret)?;
        Some(anchor.min(self.caret)..anchor.max(self.caret))
    }
}

/// Moving.
impl Composer {
    fn travel(&mut self, motion: Motion, selects: bool) -> Reaction {
        let was = (self.caret, self.selection());
        let goal = self.goal.take();
        self.draft.end_run();
        match self.selection().filter(|_| !selects) {
            Some(range) if motion == Motion::Left => self.caret = range.start,
            Some(range) if motion == Motion::Right => self.caret = range.end,
            _ => {
                if selects {
                    self.anchor.get_or_insert(self.caret);
                }
                // Not `page()`: the rows are borrowed beside the draft.
                let page = Page { draft: &self.draft, caret: self.caret };
                if let Some((caret, goal)) = motion.by_rows(page, &mut self.view.wraps, goal) {
                    self.caret = caret;
                    self.goal = Some(goal);
                } else {
                    self.caret = motion.along(page);
                }
            }
        }
        if !selects {
            self.anchor = None;
        }
        if was == (self.caret, self.selection()) { Reaction::Ignored } else { Reaction::Moved }
    }

    fn select_all(&mut self) -> Reaction {
        if self.is_empty() {
            return Reaction::Ignored;
        }
        self.draft.end_run();
        self.goal = None;
        self.anchor = Some(Place::default());
        self.caret = self.draft.end();
        Reaction::Moved
    }
}

/// Editing.
impl Composer {
    fn type_character(&mut self, c: char) -> Reaction {
        let c = if c == '\r' { '\n' } else { c };
        if self.draft.len() + c.len_utf8() > DRAFT_BYTES {
            return Reaction::Ignored;
        }
        let Some(encoded) = self.draft.encode(c.encode_utf8(&mut [0; 4])) else {
            return Reaction::Ignored;
        };
        self.insert(&encoded, if c == '\n' { Run::Single } else { Run::Typed(c) });
        Reaction::Edited
    }

    /// Replaces the selection, if any, by encoded text.
    fn insert(&mut self, encoded: &str, run: Run) {
        let range = self.selection().unwrap_or(self.caret..self.caret);
        self.replace(&range, encoded, run);
        let is_long = self.draft.live_len() > LIVE_BYTES || self.draft.lines().len() > LIVE_LINES;
        if is_long {
            // Typed without end, or cut and pasted over and over.
            self.replace_all(&self.text(), true, Run::Same);
        }
    }

    /// Replaces the whole draft by a text, folded if it is long.
    fn replace_all(&mut self, text: &str, is_long: bool, run: Run) {
        let encode = |draft: &mut Draft| {
            if is_long { draft.fold(&Chip::new(text, "folded")) } else { draft.encode(text) }
        };
        let encoded = encode(&mut self.draft).unwrap_or_else(|| {
            // The chips that leave no room are the ones to be replaced; their history goes with them.
            self.draft = Draft::default();
            self.start_over(Place::default());
            encode(&mut self.draft).unwrap_or_default()
        });
        let all = Place::default()..self.draft.end();
        if !(all.is_empty() && encoded.is_empty()) {
            self.replace(&all, &encoded, run);
        }
    }

    /// Replaces a range by encoded text and puts the caret behind it.
    fn replace(&mut self, range: &Range<Place>, encoded: &str, run: Run) {
        let change = self.draft.replace(range, encoded, run, self.caret);
        self.edited(change, draft::after(range.start, encoded));
    }

    /// Follows the draft to its new state.
    fn edited(&mut self, change: Change, caret: Place) {
        self.view.wraps.forget(change);
        self.anchor = None;
        self.goal = None;
        self.revision += 1;
        // What was inserted or removed may have joined its neighbours to one cluster.
        let byte = boundary::at_or_after(self.draft.line(caret.line), caret.byte);
        self.caret = Place { byte, ..caret };
    }

    /// Returns the selection, or what lies between the caret and where a motion leads.
    fn reach(&self, motion: Motion) -> Range<Place> {
        self.selection().unwrap_or_else(|| {
            let mut to = motion.along(self.page());
            // At the edge of a line, cutting up to it cuts the line break.
            if to == self.caret && motion == Motion::LineStart {
                to = Motion::Left.along(self.page());
            } else if to == self.caret && motion == Motion::LineEnd {
                to = Motion::Right.along(self.page());
            }
            to.min(self.caret)..to.max(self.caret)
        })
    }

    fn erase(&mut self, motion: Motion) -> Reaction {
        let range = self.reach(motion);
        let erased = if self.selection().is_some() { None } else { self.draft.slice(&range).chars().next() };
        let run = match (motion, erased) {
            (Motion::Left | Motion::Right, Some(c)) if c != '\n' && !chip::is_marker(c) => Run::Erased(c),
            _ => Run::Single,
        };
        self.remove(&range, run)
    }

    fn remove(&mut self, range: &Range<Place>, run: Run) -> Reaction {
        if range.is_empty() {
            return Reaction::Ignored;
        }
        self.replace(range, "", run);
        Reaction::Edited
    }

    fn cut_to(&mut self, motion: Motion) -> Reaction {
        self.cut_range(&self.reach(motion))
    }

    fn cut_range(&mut self, range: &Range<Place>) -> Reaction {
        if !range.is_empty() {
            self.cut = self.draft.chips().pieces(&self.draft.slice(range));
        }
        self.remove(range, Run::Single)
    }

    fn paste_cut(&mut self) -> Reaction {
        let len: usize = self.cut.iter().map(Piece::len).sum();
        if len == 0 || self.draft.len() + len > DRAFT_BYTES {
            return Reaction::Ignored;
        }
        let Some(encoded) = self.draft.encode_pieces(&self.cut) else { return Reaction::Ignored };
        self.insert(&encoded, Run::Single);
        Reaction::Edited
    }

    fn undo(&mut self) -> Reaction {
        match self.draft.undo() {
            Some((caret, change)) => {
                self.edited(change, caret);
                Reaction::Edited
            }
            None => Reaction::Ignored,
        }
    }

    fn redo(&mut self) -> Reaction {
        match self.draft.redo() {
            Some((caret, change)) => {
                self.edited(change, caret);
                Reaction::Edited
            }
            None => Reaction::Ignored,
        }
    }
}

/// Returns text with `\n` for each line end of any kind.
fn with_unix_line_ends(text: &str) -> Cow<'_, str> {
    if text.contains('\r') {
        Cow::Owned(text.replace("\r\n", "\n").replace('\r', "\n"))
    } else {
        Cow::Borrowed(text)
    }
}

#[cfg(test)]
mod tests;
