//! Folding and unfolding: a long paste becomes a chip, and a chip its text again.
//!
//! Owns what is long enough to be folded and short enough to be unfolded. Never loses text: what cannot
//! be taken leaves the draft as it was.

use super::chip::Chip;
use super::draft::{Place, Run};
use super::{Composer, DRAFT_BYTES, UNFOLDED_BYTES, UNFOLDED_LINES, boundary, with_unix_line_ends};
use crate::core::fault::{Fault, FaultKind};
use std::ops::Range;

/// Lines a paste may have and still be shown.
const SHOWN_LINES: usize = 20;

/// Bytes a paste may have and still be shown.
const SHOWN_BYTES: usize = 8 << 10;

/// Why nothing was unfolded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotUnfolded {
    /// The draft holds no chip.
    NoChip,
    /// It holds several, and the caret is at none of them.
    Several,
    /// The text is too large to be edited live.
    TooLarge,
}

impl Composer {
    /// Inserts pasted text, as a chip if it is long.
    ///
    /// Line ends become `\n`; every other character stays as it is.
    ///
    /// # Errors
    ///
    /// Leaves the draft as it is and says why when it would hold more than 64 MB or too many chips.
    pub fn paste(&mut self, text: &str) -> Result<(), Fault> {
        let replaced = self.selection().map_or(0, |range| self.draft.len_of(&range));
        if self.draft.len() - replaced + text.len() > DRAFT_BYTES {
            return Err(Fault::new(FaultKind::Local, "The paste is too large: a draft holds 64 MB")
                .remedy("Paste a part of it, or attach the file"));
        }
        let text = with_unix_line_ends(text);
        if text.is_empty() {
            return Ok(());
        }
        let is_long = text.len() > SHOWN_BYTES || text.lines().count() > SHOWN_LINES;
        let encoded =
            if is_long { self.draft.fold(&Chip::new(&text, "pasted")) } else { self.draft.encode(&text) };
        let Some(encoded) = encoded else {
            return Err(Fault::new(FaultKind::Local, "The draft holds as many chips as it can")
                .remedy("Remove some of them, or attach the text as a file"));
        };
        self.insert(&encoded, Run::Single);
        Ok(())
    }

    /// Replaces the chip at the caret, or the draft's only one, by its text.
    ///
    /// # Errors
    ///
    /// Leaves the draft as it is and says why.
    pub fn unfold(&mut self) -> Result<(), NotUnfolded> {
        let range = match self.chip_at_caret() {
            Some(range) => range,
            None => self.only_chip()?,
        };
        let marker = self.draft.slice(&range).chars().next();
        let chip = marker.and_then(|marker| self.draft.chips().chip(marker));
        let text = chip.map(|chip| chip.text.clone()).ok_or(NotUnfolded::NoChip)?;
        let lines = self.draft.lines().len() + text.bytes().filter(|byte| *byte == b'\n').count();
        if self.draft.live_len() + text.len() > UNFOLDED_BYTES || lines > UNFOLDED_LINES {
            return Err(NotUnfolded::TooLarge);
        }
        let encoded = self.draft.encode(&text).ok_or(NotUnfolded::TooLarge)?;
        self.replace(&range, &encoded, Run::Single);
        Ok(())
    }

    fn chip_at_caret(&self) -> Option<Range<Place>> {
        let line = self.draft.line(self.caret.line);
        let Place { line: row, byte } = self.caret;
        let beside = [boundary::previous(line, byte)..byte, byte..boundary::next(line, byte)];
        beside.into_iter().find_map(|range| {
            let marker = line.get(range.clone())?.chars().next()?;
            self.draft.chips().chip(marker)?;
            Some(Place { line: row, byte: range.start }..Place { line: row, byte: range.end })
        })
    }

    fn only_chip(&self) -> Result<Range<Place>, NotUnfolded> {
        let mut chips = (0..).zip(self.draft.lines()).flat_map(|(line, text)| {
            text.char_indices()
                .filter(|(_, c)| self.draft.chips().chip(*c).is_some())
                .map(move |(byte, c)| Place { line, byte }..Place { line, byte: byte + c.len_utf8() })
        });
        match (chips.next(), chips.next()) {
            (Some(chip), None) => Ok(chip),
            (None, _) => Err(NotUnfolded::NoChip),
            (Some(_), Some(_)) => Err(NotUnfolded::Several),
        }
    }
}
