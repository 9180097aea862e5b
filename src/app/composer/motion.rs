//! Motions: where a key moves the caret from where it is.
//!
//! Pure: reads the draft and its rows, moves nothing. Along the text a motion goes from cluster to
//! cluster or word to word and passes line breaks; up and down it goes by visual rows.

use super::boundary;
use super::draft::Place;
use super::wrap::{Page, Wraps};
use crate::app::chord::{Chord, Key};

/// Where a key moves the caret.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Motion {
    Left,
    Right,
    Up,
    Down,
    WordLeft,
    WordRight,
    LineStart,
    LineEnd,
    DraftStart,
    DraftEnd,
}

impl Motion {
    /// Returns the motion a chord asks for; with shift it selects.
    pub(super) fn of(chord: Chord) -> Option<Self> {
        let Chord { key, ctrl, alt, shift } = chord;
        Some(match (key, ctrl, alt) {
            (Key::Left, false, false) => Self::Left,
            (Key::Right, false, false) => Self::Right,
            (Key::Up, false, false) => Self::Up,
            (Key::Down, false, false) => Self::Down,
            (Key::Left, ..) => Self::WordLeft,
            (Key::Right, ..) => Self::WordRight,
            (Key::Char('b'), false, true) if !shift => Self::WordLeft,
            (Key::Char('f'), false, true) if !shift => Self::WordRight,
            (Key::Home, true, false) => Self::DraftStart,
            (Key::End, true, false) => Self::DraftEnd,
            (Key::Home, false, false) => Self::LineStart,
            (Key::End, false, false) => Self::LineEnd,
            (Key::Char('e'), true, false) if !shift => Self::LineEnd,
            _ => return None,
        })
    }

    /// Returns where the motion leads along the text; up and down lead to its ends.
    pub(super) fn along(self, page: Page<'_>) -> Place {
        let Place { line, byte } = page.caret;
        let text = page.draft.line(line);
        let end = page.draft.end();
        let on = |byte| Place { line, byte };
        match self {
            Self::Left | Self::WordLeft if byte == 0 => match line.checked_sub(1) {
                Some(line) => Place { line, byte: page.draft.line(line).len() },
                None => page.caret,
            },
            Self::Right | Self::WordRight if byte == text.len() => {
                if line < end.line {
                    Place { line: line + 1, byte: 0 }
                } else {
                    end
                }
            }
            Self::Left => on(boundary::previous(text, byte)),
            Self::Right => on(boundary::next(text, byte)),
            Self::WordLeft => on(boundary::word_start(text, byte)),
            Self::WordRight => on(boundary::word_end(text, byte)),
            Self::LineStart => on(0),
            Self::LineEnd => on(text.len()),
            Self::DraftStart | Self::Up => Place::default(),
            Self::DraftEnd | Self::Down => end,
        }
    }

    /// Returns where a motion up or down leads and the column it aimed at: `goal`, or the caret's own.
    /// `None` for every other motion, and where there is no such row.
    pub(super) fn by_rows(
        self,
        page: Page<'_>,
        wraps: &mut Wraps,
        goal: Option<usize>,
    ) -> Option<(Place, usize)> {
        if !matches!(self, Self::Up | Self::Down) {
            return None;
        }
        let ruler = wraps.ruler(page.draft);
        let (from, range) = wraps.caret_row(page);
        let id = if self == Self::Up { wraps.above(page, from) } else { wraps.below(page, from) }?;
        let goal =
            goal.unwrap_or_else(|| ruler.span(page.draft.line(from.line), range.start..page.caret.byte));
        let range = wraps.row(page, id)?;
        let line = page.draft.line(id.line);
        let (mut byte, mut x) = (range.start, 0);
        while byte < range.end {
            let end = boundary::next(line, byte);
            x += ruler.cells(&line[byte..end]);
            // Behind the last cluster of a full row, or of one that goes on below, is the next row.
            let is_next_row = x >= ruler.width || (end == range.end && end < line.len());
            if x > goal || is_next_row {
                break;
            }
            byte = end;
        }
        Some((Place { line: id.line, byte }, goal))
    }
}
