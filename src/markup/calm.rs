//! Where a long paragraph may be cut while it is still growing.
//!
//! Owns the search for calm points: places between two words at which no emphasis, code, link or tag
//! is open, so that what stands before them is set for good. Invariant: a cut depends only on the
//! text up to the character after it, so it does not matter how the text arrived.
//!
//! Up to [`SOFT`] bytes a paragraph is one piece. From there it is cut at the next calm point, from
//! [`HARD`] at the next word whatever is open (emphasis over so many bytes stays unmarked), and from
//! [`LITERAL`] anywhere between two clusters; the rest of such a line is shown as it is.

use unicode_segmentation::GraphemeCursor;

/// Bytes a paragraph may have before it is cut.
pub(super) const SOFT: usize = 2 << 10;
/// Bytes after which it is cut though something is open.
const HARD: usize = 16 << 10;
/// Bytes after which it is cut though it holds no word.
pub(super) const LITERAL: usize = 64 << 10;

/// Signs that are taken as one run; a longer one is no delimiter anybody means.
const MAX_RUN: usize = 64;

/// What is open at a place of a paragraph.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Calm {
    /// The next byte to look at.
    at: usize,
    /// Length of the run of backticks that opened code; 0 outside.
    ticks: usize,
    /// Open delimiters `*`, `_`, `~`.
    delimiters: [usize; 3],
    brackets: usize,
    /// Inside the address of a link.
    in_address: bool,
    /// Inside what may be a tag or an address in angle brackets.
    in_tag: bool,
    /// The line holds a `|`: it may become the heading of a table.
    has_pipe: bool,
}

/// Where a paragraph was cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cut {
    /// Between two words or two lines.
    Word(usize),
    /// Somewhere in a text without words.
    Literal(usize),
}

impl Calm {
    /// Returns the state at the beginning of a paragraph.
    pub(super) fn new(at: usize) -> Self {
        Self { at, ..Self::default() }
    }

    fn is_calm(&self) -> bool {
        self.ticks == 0
            && self.delimiters == [0; 3]
            && self.brackets == 0
            && !self.in_address
            && !self.in_tag
            && !self.has_pipe
    }

    /// Looks at the paragraph that began at `start` up to `end`, and returns the first place to cut it.
    ///
    /// After a cut the state is that of a new paragraph.
    pub(super) fn advance(&mut self, text: &str, start: usize, end: usize) -> Option<Cut> {
        let bytes = text.as_bytes();
        while self.at < end {
            let at = self.at;
            let size = at - start;
            if size >= SOFT && text.is_char_boundary(at) {
                let follows_space = matches!(bytes[at - 1], b' ' | b'\n');
                if follows_space
                    && (self.is_calm() || size >= HARD)
                    && begins_word(&text[at..end])
                    && is_boundary(text, at)
                {
                    *self = Self::new(at);
                    return Some(Cut::Word(at));
                }
                if size >= LITERAL && is_boundary(text, at) {
                    *self = Self::new(at);
                    return Some(Cut::Literal(at));
                }
            }
            self.at = self.step(bytes, start, at, end)?;
        }
        None
    }

    /// Takes in what stands at a byte, and returns the byte after it; `None` where more must come first.
    fn step(&mut self, bytes: &[u8], start: usize, at: usize, end: usize) -> Option<usize> {
        let byte = bytes[at];
        let run = || bytes[at..end].iter().take(MAX_RUN).take_while(|&&next| next == byte).count();
        match byte {
            b'`' => {
                let run = run();
                // A longer run would be another delimiter.
                let after = (at + run < end).then_some(at + run)?;
                if self.ticks == 0 {
                    self.ticks = run;
                } else if self.ticks == run {
                    self.ticks = 0;
                }
                return Some(after);
            }
            _ if self.ticks > 0 => {}
            b'\\' => return (at + 1 < end).then_some(at + 2),
            b'*' | b'_' | b'~' => {
                let run = run();
                let after = *bytes.get(at + run).filter(|_| at + run < end)?;
                let before = if at > start { bytes[at - 1] } else { b' ' };
                self.delimiter(byte, run, before, after);
                return Some(at + run);
            }
            b'[' => self.brackets += 1,
            b']' if self.brackets > 0 => {
                let next = *bytes.get(at + 1).filter(|_| at + 1 < end)?;
                self.brackets -= 1;
                self.in_address |= next == b'(';
            }
            b')' => self.in_address = false,
            b'<' => {
                let next = *bytes.get(at + 1).filter(|_| at + 1 < end)?;
                self.in_tag |= next.is_ascii_alphabetic() || matches!(next, b'/' | b'!' | b'?');
            }
            b'>' => self.in_tag = false,
            b'|' => self.has_pipe = true,
            b'\n' => self.has_pipe = false,
            _ => {}
        }
        Some(at + 1)
    }

    fn delimiter(&mut self, mark: u8, run: usize, before: u8, after: u8) {
        let slot = match mark {
            b'*' => 0,
            b'_' => 1,
            _ => 2,
        };
        let is_word = |byte: u8| byte.is_ascii_alphanumeric() || byte >= 0x80;
        if mark == b'_' && is_word(before) && is_word(after) {
            return;
        }
        let open = &mut self.delimiters[slot];
        if !before.is_ascii_whitespace() && *open > 0 {
            *open -= run.min(*open);
        } else if !after.is_ascii_whitespace() {
            *open += run;
        }
    }
}

/// Whether a text begins with a letter, which begins no block but a paragraph.
fn begins_word(text: &str) -> bool {
    text.chars().next().is_some_and(char::is_alphabetic)
}

/// Returns whether a byte begins a cluster.
pub(super) fn is_boundary(text: &str, at: usize) -> bool {
    text.is_char_boundary(at)
        && GraphemeCursor::new(at, text.len(), true).is_boundary(text, 0).unwrap_or(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(text: &str) -> Option<Cut> {
        Calm::new(0).advance(text, 0, text.len())
    }

    #[test]
    fn a_long_paragraph_is_cut_between_words() {
        assert_eq!(cut(&"word ".repeat(300)), None);
        let text = "word ".repeat(1000);
        assert_eq!(cut(&text), Some(Cut::Word(SOFT.next_multiple_of(5))));
    }

    #[test]
    fn nothing_open_is_cut() {
        let words = "word ".repeat(1000);
        for opening in ["**", "_", "`", "[", "[a](", "<a ", "~~", "| "] {
            let cut = cut(&format!("{opening}{words}"));
            assert_eq!(cut, None, "{opening}");
        }
        for closed in ["**a** ", "_a_ ", "`*` ", "[a](b) ", "<a> ", "snake_case ", "2 * 3 ", "\\* "] {
            assert!(matches!(cut(&format!("{closed}{words}")), Some(Cut::Word(_))), "{closed}");
        }
    }

    #[test]
    fn what_stays_open_is_cut_at_last() {
        assert!(matches!(cut(&format!("**{}", "word ".repeat(9000))), Some(Cut::Word(at)) if at >= HARD));
        assert_eq!(cut(&"1".repeat(100_000)), Some(Cut::Literal(LITERAL)));
        assert_eq!(cut(&"a**".repeat(100_000)), Some(Cut::Literal(LITERAL)));
        assert_eq!(cut(&"*".repeat(100_000)), Some(Cut::Literal(LITERAL)));
    }
}
