//! The text of the draft and its history: the only place that knows the text area crate.
//!
//! The crate keeps the lines, applies edits and remembers them. It counts characters, addresses
//! columns with 16 bits and measures the whole text on each edit, so this module gives it positions
//! it can hold and texts it can afford, and groups its edits into steps a person would call one.
//! Never wraps or draws, never reads the crate's clock-driven undo runs.
//!
//! Invariant: the steps in `done` and `undone` together name every edit the crate remembers, in order.

use super::boundary::is_same_word;
use super::chip::{Chip, Chips, Piece};
use std::ops::Range;
use tui_textarea::{AtomicRange, CursorMove, TextArea};

/// Edits after which the history restarts. One costs about 100 bytes besides its text.
const MAX_EDITS: usize = 200_000;

/// Bytes of chips, undone and deleted ones included, after which the history restarts.
const MAX_CHIP_BYTES: usize = 128 << 20;

/// Edits that one step may hold: undoing them happens within one frame in the longest draft.
const MAX_RUN: usize = 32;

/// A position in the draft: between two characters of a line.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    pub(super) line: usize,
    pub(super) byte: usize,
}

/// How an edit relates to the step before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Run {
    /// A step of its own.
    Single,
    /// One of many like it, a character typed or erased: a word of them is one step.
    Typed(char),
    Erased(char),
    /// The rest of the last edit.
    Same,
}

/// What undo takes back at once.
#[derive(Debug, Clone)]
struct Step {
    edits: usize,
    caret_before: Place,
    caret_after: Place,
    len_before: usize,
    len_after: usize,
    change: Change,
}

/// Which lines an edit touched.
#[derive(Debug, Clone, Copy)]
pub(super) struct Change {
    /// Where the text begins to differ.
    pub(super) from: Place,
    /// Whether more lines than that one differ.
    pub(super) is_multiline: bool,
}

/// The text of the draft.
#[derive(Debug, Clone)]
pub(super) struct Draft {
    area: TextArea<'static>,
    chips: Chips,
    /// Bytes of the text as the user means it.
    len: usize,
    done: Vec<Step>,
    undone: Vec<Step>,
    /// Edits in both.
    edits: usize,
    /// What the last step was, as long as it may go on.
    run: Run,
}

impl Default for Draft {
    fn default() -> Self {
        let mut area = TextArea::default();
        area.set_max_histories(usize::MAX);
        Self {
            area,
            chips: Chips::default(),
            len: 0,
            done: Vec::new(),
            undone: Vec::new(),
            edits: 0,
            run: Run::Single,
        }
    }
}

impl Draft {
    /// Returns the lines, with markers where chips are; never empty.
    pub(super) fn lines(&self) -> &[String] {
        self.area.lines()
    }

    pub(super) fn line(&self, line: usize) -> &str {
        self.lines().get(line).map_or("", String::as_str)
    }

    pub(super) fn chips(&self) -> &Chips {
        &self.chips
    }

    /// Returns the bytes of the text as the user means it.
    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// Returns the bytes the crate holds: each chip is one character.
    pub(super) fn live_len(&self) -> usize {
        self.lines().iter().map(|line| line.len() + 1).sum::<usize>() - 1
    }

    /// Returns the position after the last character.
    pub(super) fn end(&self) -> Place {
        let line = self.lines().len().saturating_sub(1);
        Place { line, byte: self.line(line).len() }
    }

    /// Returns the draft's own text of a range, with markers.
    pub(super) fn slice(&self, range: &Range<Place>) -> String {
        let Range { start, end } = *range;
        if start.line == end.line {
            return self.line(start.line).get(start.byte..end.byte).unwrap_or_default().to_owned();
        }
        let mut text = String::new();
        for line in start.line..=end.line {
            let from = if line == start.line { start.byte } else { 0 };
            let whole = self.line(line);
            let to = if line == end.line { end.byte } else { whole.len() };
            text.push_str(whole.get(from..to).unwrap_or_default());
            if line < end.line {
                text.push('\n');
            }
        }
        text
    }

    /// Returns the text of a range as the user means it.
    pub(super) fn text(&self, range: &Range<Place>) -> String {
        let encoded = self.slice(range);
        self.chips.expand(&encoded).collect()
    }

    /// Returns the bytes of a range's text as the user means it.
    pub(super) fn len_of(&self, range: &Range<Place>) -> usize {
        self.chips.expanded_len(&self.slice(range))
    }

    /// Returns text as the draft holds it, or `None` when there is no room for more chips.
    pub(super) fn encode(&mut self, text: &str) -> Option<String> {
        self.with_room(|chips| chips.encode(text).map(Into::into))
    }

    /// Returns pieces as the draft holds them, or `None` when there is no room for more chips.
    pub(super) fn encode_pieces(&mut self, pieces: &[Piece]) -> Option<String> {
        self.with_room(|chips| chips.encode_pieces(pieces))
    }

    /// Returns a chip as the draft holds it, or `None` when there is no room for more chips.
    pub(super) fn fold(&mut self, chip: &Chip) -> Option<String> {
        self.with_room(|chips| chips.fold(chip.clone()).map(String::from))
    }

    /// Tries again without the chips that only the history needs.
    fn with_room(&mut self, mut encode: impl FnMut(&mut Chips) -> Option<String>) -> Option<String> {
        if self.chips.bytes() <= MAX_CHIP_BYTES
            && let Some(encoded) = encode(&mut self.chips)
        {
            return Some(encoded);
        }
        self.forget_history();
        encode(&mut self.chips)
    }

    fn forget_history(&mut self) {
        // The crate clears its history when the limit is set anew.
        self.area.set_max_histories(usize::MAX);
        self.done.clear();
        self.undone.clear();
        self.edits = 0;
        self.run = Run::Single;
        self.chips.keep_only(self.area.lines());
    }

    /// Replaces a range by encoded text and returns what changed. `caret` is where undo puts the caret.
    pub(super) fn replace(&mut self, range: &Range<Place>, text: &str, run: Run, caret: Place) -> Change {
        let removed = self.slice(range);
        let change = Change {
            from: range.start,
            is_multiline: range.start.line != range.end.line || text.contains('\n'),
        };
        let len_before = self.len;
        self.len = self.len - self.chips.expanded_len(&removed) + self.chips.expanded_len(text);
        let mut edits = 0;
        if !removed.is_empty() {
            self.delete(range, removed.chars().count());
            edits += 1;
        }
        if !text.is_empty() {
            self.insert(range.start, text);
            edits += 1;
        }
        self.edits -= self.undone.drain(..).map(|step| step.edits).sum::<usize>();
        self.edits += edits;
        let caret_after = after(range.start, text);
        let joins = self.joins(run, caret);
        match self.done.last_mut().filter(|_| joins) {
            Some(step) => {
                step.edits += edits;
                step.caret_after = caret_after;
                step.len_after = self.len;
                step.change.is_multiline |= change.is_multiline || change.from.line != step.change.from.line;
                step.change.from = step.change.from.min(change.from);
            }
            None => self.done.push(Step {
                edits,
                caret_before: caret,
                caret_after,
                len_before,
                len_after: self.len,
                change,
            }),
        }
        if run != Run::Same {
            self.run = run;
        }
        if self.edits > MAX_EDITS {
            self.forget_history();
        }
        change
    }

    /// Ends the run of typing or erasing: what comes next is a step of its own.
    pub(super) fn end_run(&mut self) {
        self.run = Run::Single;
    }

    fn joins(&self, run: Run, caret: Place) -> bool {
        let continues =
            self.done.last().is_some_and(|step| step.caret_after == caret && step.edits < MAX_RUN);
        match (self.run, run) {
            (_, Run::Same) => true,
            (Run::Typed(edge), Run::Typed(next)) | (Run::Erased(edge), Run::Erased(next)) => {
                continues && is_same_word(edge, next)
            }
            (_, Run::Single | Run::Typed(_) | Run::Erased(_)) => false,
        }
    }

    fn delete(&mut self, range: &Range<Place>, characters: usize) {
        // Erasing one character from behind saves the crate, and us, from counting the line twice.
        if characters == 1 {
            self.seek(range.end);
            self.area.delete_char();
        } else {
            self.seek(range.start);
            self.area.delete_str(characters);
        }
    }

    fn insert(&mut self, at: Place, text: &str) {
        self.seek(at);
        let mut characters = text.chars();
        match (characters.next(), characters.next()) {
            (Some(c), None) => self.area.insert_char(c),
            _ => {
                self.area.insert_str(text);
            }
        }
    }

    /// Puts the crate's cursor at a position.
    fn seek(&mut self, place: Place) {
        let column = self.line(place.line).get(..place.byte).unwrap_or_default().chars().count();
        if self.area.cursor() == (place.line, column) {
            return;
        }
        let [line, near] = [place.line, column].map(|number| u16::try_from(number).unwrap_or(u16::MAX));
        self.area.move_cursor(CursorMove::Jump(line, near));
        if usize::from(near) < column {
            // A jump takes 16 bits. The cursor leaves a range declared atomic at its far end, which
            // may be any column; lines past 65,535 do not occur (see `LIVE_LINES`).
            let far = AtomicRange { row: place.line, start_col: 0, end_col: column };
            let _ = self.area.try_set_atomic_ranges([far]);
            self.area.clear_atomic_ranges();
        }
    }

    /// Takes the last step back and returns where the caret belongs.
    pub(super) fn undo(&mut self) -> Option<(Place, Change)> {
        let step = self.done.pop()?;
        for _ in 0..step.edits {
            self.area.undo();
        }
        self.len = step.len_before;
        self.run = Run::Single;
        let result = (step.caret_before, step.change);
        self.undone.push(step);
        Some(result)
    }

    /// Does the last step again that was taken back and returns where the caret belongs.
    pub(super) fn redo(&mut self) -> Option<(Place, Change)> {
        let step = self.undone.pop()?;
        for _ in 0..step.edits {
            self.area.redo();
        }
        self.len = step.len_after;
        self.run = Run::Single;
        let result = (step.caret_after, step.change);
        self.done.push(step);
        Some(result)
    }
}

/// Returns the position after `text` when it is inserted at `start`.
pub(super) fn after(start: Place, text: &str) -> Place {
    match text.rfind('\n') {
        None => Place { line: start.line, byte: start.byte + text.len() },
        Some(last) => {
            let breaks = text.bytes().filter(|byte| *byte == b'\n').count();
            Place { line: start.line + breaks, byte: text.len() - last - 1 }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(line: usize, byte: usize) -> Place {
        Place { line, byte }
    }

    fn whole(draft: &Draft) -> String {
        draft.text(&(Place::default()..draft.end()))
    }

    #[test]
    fn replacing_is_one_step_and_columns_have_no_limit() {
        let mut draft = Draft::default();
        let long = "가".repeat(70_000);
        let start = Place::default();
        draft.replace(&(start..start), &format!("{long}\n{long}"), Run::Single, start);
        let at = place(1, 69_999 * 3);
        draft.replace(&(at..place(1, 70_000 * 3)), "끝", Run::Single, at);
        assert!(whole(&draft).ends_with("가끝"));
        draft.replace(&(place(0, 68_000 * 3)..place(1, 66_000 * 3)), "x\ny", Run::Single, at);
        assert_eq!(draft.lines()[0].chars().count(), 68_001);
        assert_eq!(draft.lines()[1].chars().count(), 4_001);
        assert_eq!(draft.len(), whole(&draft).len());
        assert!(draft.undo().is_some() && draft.undo().is_some());
        assert_eq!(whole(&draft), format!("{long}\n{long}"));
        assert!(draft.undo().is_some());
        assert!(draft.undo().is_none());
        assert_eq!((whole(&draft).as_str(), draft.len()), ("", 0));
        for _ in 0..3 {
            assert!(draft.redo().is_some());
        }
        assert_eq!(draft.len(), whole(&draft).len());
        assert_eq!(draft.lines()[1].chars().count(), 4_001);
    }

    #[test]
    fn a_new_edit_ends_what_could_be_redone() {
        let mut draft = Draft::default();
        let mut at = Place::default();
        for c in "one two".chars() {
            draft.replace(&(at..at), &c.to_string(), Run::Typed(c), at);
            at.byte += 1;
        }
        assert_eq!(draft.undo().map(|(caret, _)| caret), Some(place(0, 4)));
        draft.replace(&(place(0, 4)..place(0, 4)), "!", Run::Typed('!'), place(0, 4));
        assert!(draft.redo().is_none());
        assert_eq!(draft.edits, 5);
        assert!(draft.undo().is_some() && draft.undo().is_some() && draft.undo().is_none());
        assert_eq!(whole(&draft), "");
    }

    #[test]
    fn the_history_restarts_rather_than_hold_more_chips_than_there_is_room_for() {
        let mut draft = Draft::default();
        let text: std::sync::Arc<str> = "x".repeat(MAX_CHIP_BYTES / 2 + 1).into();
        let start = Place::default();
        for _ in 0..3 {
            let chip = Chip { text: text.clone(), label: "[x]".into() };
            let marker = draft.fold(&chip).unwrap();
            let end = draft.end();
            draft.replace(&(start..end), &marker, Run::Single, start);
        }
        assert!(draft.chips.bytes() <= MAX_CHIP_BYTES + text.len());
        assert_eq!(draft.len(), text.len());
        assert!(draft.undo().is_some());
        assert_eq!(draft.len(), text.len());
        assert!(draft.undo().is_none());
    }
}
