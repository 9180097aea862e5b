//! Making a text harmless for a terminal while it arrives in pieces of any size.
//!
//! Invariant: what was given out, joined, is [`printable_lines`] of what came in, joined: a cluster that
//! is cut by the end of a piece is held back until it is whole.

use crate::core::text::{clusters, printable_lines};

/// Longest unfinished cluster that is held back, in bytes; a longer one is an attack and no character.
const HELD: usize = 1024;

/// The end of a text that may still grow.
#[derive(Debug, Default)]
pub(super) struct Printable {
    held: String,
}

impl Printable {
    /// Adds a piece and returns what can be printed now.
    pub(super) fn push(&mut self, piece: &str) -> String {
        self.held.push_str(piece);
        let last = clusters(&self.held).next_back();
        let keep = match last {
            // Nothing joins a line end from behind, and lines should appear when they are whole.
            Some((_, "\n" | "\r\n")) | None => self.held.len(),
            Some((_, cluster)) if cluster.len() > HELD => self.held.len(),
            Some((start, _)) => start,
        };
        let rest = self.held.split_off(keep);
        let whole = std::mem::replace(&mut self.held, rest);
        printable_lines(&whole).into_owned()
    }

    /// Returns what was held back, at the end of the text.
    pub(super) fn finish(&mut self) -> String {
        printable_lines(&std::mem::take(&mut self.held)).into_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_character_in_two_pieces_is_printed_once_it_is_whole() {
        let mut text = Printable::default();
        assert_eq!(text.push("a👩"), "a");
        assert_eq!(text.push("\u{200d}👧!"), "👩\u{200d}👧");
        assert_eq!(text.push("\r"), "!");
        assert_eq!(text.push("\n"), "\n");
        assert_eq!(text.push("\x1b[31m"), "␛[31");
        assert_eq!(text.finish(), "m");
    }

    #[test]
    fn an_endless_cluster_is_not_held_back() {
        let mut text = Printable::default();
        let mut printed = String::new();
        for _ in 0..10_000 {
            printed.push_str(&text.push("\u{301}"));
        }
        assert!(!printed.is_empty() && text.held.len() <= HELD + 2);
    }

    proptest! {
        #[test]
        fn pieces_do_not_change_the_text(
            pieces in prop::collection::vec("[a👩\u{200d}👧🇰🇷\u{301}ㅎㅏㄴ\r\n\t\u{202e}\u{1b}가]{0,5}", 0..12),
        ) {
            let mut text = Printable::default();
            let mut printed: String = pieces.iter().map(|piece| text.push(piece)).collect();
            printed.push_str(&text.finish());
            let whole = pieces.concat();
            prop_assert_eq!(printed, printable_lines(&whole));
        }
    }
}
