//! Chips: long text that stands in the draft as one character, and what that character expands to.
//!
//! The draft holds a *marker*, a character of private use plane 16, for each chip. Being one
//! character of ordinary text it takes part in editing, undo and redo like any other. A plane 16
//! character that the user brings along is not lost: it gets a marker of its own that expands to it.
//!
//! Invariant: every plane 16 character in the draft is a marker with an entry here. What a user types
//! or pastes, `[pasted 3 lines]` included, can never become one.

use crate::core::figure;
use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// The code point of the first marker.
const FIRST: u32 = 0x10_0000;

/// Returns the marker of the entry at `index`, or `None` past the last one there can be.
fn marker(index: usize) -> Option<char> {
    let marker = char::from_u32(FIRST.checked_add(u32::try_from(index).ok()?)?)?;
    is_marker(marker).then_some(marker)
}

/// Whether a character of the draft stands for something else.
pub(super) fn is_marker(c: char) -> bool {
    ('\u{100000}'..='\u{10fffd}').contains(&c)
}

/// Long text shown as a label.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Chip {
    pub(super) text: Arc<str>,
    pub(super) label: Arc<str>,
}

impl Chip {
    /// Returns a chip for a text; `how` says in its label where the text came from.
    pub(super) fn new(text: &str, how: &str) -> Self {
        let label = match text.lines().count() {
            0 | 1 => format!("[{how} {} KB]", figure::whole(text.len().div_ceil(1 << 10) as u64)),
            lines => format!("[{how} {} lines]", figure::whole(lines as u64)),
        };
        Self { text: text.into(), label: label.into() }
    }
}

/// What a marker stands for.
#[derive(Debug, Clone)]
enum Entry {
    Chip(Chip),
    /// A plane 16 character of the user's own.
    Literal(String),
}

/// A part of the draft that can be moved to another draft, where markers differ.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Piece {
    Text(String),
    Chip(Chip),
}

impl Piece {
    /// Returns the bytes of the text it stands for.
    pub(super) fn len(&self) -> usize {
        match self {
            Self::Text(text) => text.len(),
            Self::Chip(chip) => chip.text.len(),
        }
    }
}

/// The markers of one draft.
#[derive(Debug, Clone, Default)]
pub(super) struct Chips {
    entries: Vec<Option<Entry>>,
    /// Indices of the entries that were dropped.
    vacant: Vec<usize>,
    /// The markers of the user's own plane 16 characters.
    literals: HashMap<char, char>,
    bytes: usize,
}

impl Chips {
    /// Returns the bytes all chips hold together, those that only undo can bring back included.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Returns the chip a character stands for, if it does.
    pub(super) fn chip(&self, marker: char) -> Option<&Chip> {
        match self.entry(marker)? {
            Entry::Chip(chip) => Some(chip),
            Entry::Literal(_) => None,
        }
    }

    /// Returns the text a character stands for, if it is a marker.
    pub(super) fn expansion(&self, marker: char) -> Option<&str> {
        Some(match self.entry(marker)? {
            Entry::Chip(chip) => &chip.text,
            Entry::Literal(text) => text,
        })
    }

    fn entry(&self, marker: char) -> Option<&Entry> {
        let index = (marker as u32).checked_sub(FIRST)?;
        self.entries.get(index as usize)?.as_ref()
    }

    /// Returns a marker for the chip, or `None` when all markers are taken.
    pub(super) fn fold(&mut self, chip: Chip) -> Option<char> {
        self.bytes += chip.text.len();
        self.insert(Entry::Chip(chip))
    }

    fn insert(&mut self, entry: Entry) -> Option<char> {
        let index = self.vacant.pop().unwrap_or(self.entries.len());
        let marker = marker(index)?;
        match self.entries.get_mut(index) {
            Some(slot) => *slot = Some(entry),
            None => self.entries.push(Some(entry)),
        }
        Some(marker)
    }

    /// Returns text as the draft holds it: the user's plane 16 characters are markers. `None` when
    /// all markers are taken.
    pub(super) fn encode<'a>(&mut self, text: &'a str) -> Option<Cow<'a, str>> {
        if !text.contains(is_marker) {
            return Some(Cow::Borrowed(text));
        }
        let mut encoded = String::with_capacity(text.len());
        for c in text.chars() {
            encoded.push(if is_marker(c) { self.literal(c)? } else { c });
        }
        Some(Cow::Owned(encoded))
    }

    fn literal(&mut self, c: char) -> Option<char> {
        if let Some(marker) = self.literals.get(&c) {
            return Some(*marker);
        }
        let marker = self.insert(Entry::Literal(c.to_string()))?;
        self.literals.insert(c, marker);
        Some(marker)
    }

    /// Returns the draft's text as the user means it, part by part.
    pub(super) fn expand<'a>(&'a self, encoded: &'a str) -> impl Iterator<Item = &'a str> {
        encoded.split_inclusive(is_marker).flat_map(|part| {
            let marker = part.chars().next_back().filter(|c| is_marker(*c));
            let plain = &part[..part.len() - marker.map_or(0, char::len_utf8)];
            [plain, marker.and_then(|marker| self.expansion(marker)).unwrap_or_default()]
        })
    }

    /// Returns the length of the draft's text as the user means it, in bytes.
    pub(super) fn expanded_len(&self, encoded: &str) -> usize {
        self.expand(encoded).map(str::len).sum()
    }

    /// Returns a part of the draft in a form that outlives these markers.
    pub(super) fn pieces(&self, encoded: &str) -> Vec<Piece> {
        let mut pieces = Vec::new();
        let mut plain = String::new();
        for part in encoded.split_inclusive(is_marker) {
            match part.chars().next_back().filter(|c| is_marker(*c)) {
                None => plain.push_str(part),
                Some(marker) => {
                    plain.push_str(&part[..part.len() - marker.len_utf8()]);
                    match self.entry(marker) {
                        Some(Entry::Literal(text)) => plain.push_str(text),
                        Some(Entry::Chip(chip)) => {
                            pieces.push(Piece::Text(std::mem::take(&mut plain)));
                            pieces.push(Piece::Chip(chip.clone()));
                        }
                        None => {}
                    }
                }
            }
        }
        pieces.push(Piece::Text(plain));
        pieces
    }

    /// Returns the pieces as this draft holds them, or `None` when all markers are taken.
    pub(super) fn encode_pieces(&mut self, pieces: &[Piece]) -> Option<String> {
        let mut encoded = String::new();
        for piece in pieces {
            match piece {
                Piece::Text(text) => encoded.push_str(&self.encode(text)?),
                Piece::Chip(chip) => encoded.push(self.fold(chip.clone())?),
            }
        }
        Some(encoded)
    }

    /// Drops every entry whose marker does not occur in `lines`.
    pub(super) fn keep_only(&mut self, lines: &[String]) {
        let used: HashSet<char> =
            lines.iter().flat_map(|line| line.chars()).filter(|c| is_marker(*c)).collect();
        self.vacant.clear();
        self.bytes = 0;
        for (index, entry) in self.entries.iter_mut().enumerate() {
            if !marker(index).is_some_and(|marker| used.contains(&marker)) {
                *entry = None;
                self.vacant.push(index);
            } else if let Some(Entry::Chip(chip)) = entry {
                self.bytes += chip.text.len();
            }
        }
        self.literals.retain(|_, marker| used.contains(marker));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn chip(text: &str) -> Chip {
        Chip { text: text.into(), label: "[chip]".into() }
    }

    #[test]
    fn a_marker_of_the_user_expands_to_itself() {
        let mut chips = Chips::default();
        let folded = chips.fold(chip("long")).unwrap();
        let encoded = chips.encode("a\u{100000}b\u{10fffd}\u{100000}").unwrap().into_owned();
        assert!(!encoded.contains(folded));
        let text: String = chips.expand(&format!("{folded}{encoded}")).collect();
        assert_eq!(text, "longa\u{100000}b\u{10fffd}\u{100000}");
        assert_eq!(chips.encode("[pasted 3 lines]").unwrap(), "[pasted 3 lines]");
    }

    #[test]
    fn pieces_move_between_drafts() {
        let mut here = Chips::default();
        let encoded = format!("x{}y\u{100001}", here.fold(chip("one")).unwrap());
        let encoded = here.encode(&encoded[5..]).unwrap().into_owned();
        let marker = here.fold(chip("two")).unwrap();
        let pieces = here.pieces(&format!("{encoded}{marker}z"));
        let mut there = Chips::default();
        there.fold(chip("other")).unwrap();
        let moved = there.encode_pieces(&pieces).unwrap();
        assert_eq!(there.expand(&moved).collect::<String>(), "y\u{100001}twoz");
    }

    #[test]
    fn running_out_of_markers_is_reported_and_dropped_ones_come_back() {
        let mut chips = Chips::default();
        for _ in 0..0xfffe {
            chips.fold(chip("x")).unwrap();
        }
        assert_eq!(chips.fold(chip("x")), None);
        assert_eq!(chips.encode("\u{100000}"), None);
        chips.keep_only(&["a\u{100003}".to_owned()]);
        assert_eq!(chips.bytes(), 1);
        assert_eq!(chips.expansion('\u{100003}'), Some("x"));
        let marker = chips.fold(chip("y")).unwrap();
        assert_eq!(chips.expansion(marker), Some("y"));
        assert_eq!(chips.expansion('\u{100003}'), Some("x"));
    }

    proptest! {
        #[test]
        fn encoding_can_be_undone(text in any::<String>(), own in "[\u{100000}-\u{100004}a]{0,8}") {
            let mut chips = Chips::default();
            let text = format!("{text}{own}{text}");
            let encoded = chips.encode(&text).unwrap().into_owned();
            prop_assert_eq!(chips.expand(&encoded).collect::<String>(), text.clone());
            prop_assert_eq!(chips.expanded_len(&encoded), text.len());
        }
    }
}
