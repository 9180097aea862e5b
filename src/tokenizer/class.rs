//! The character classes that the splitting rules of the vocabularies speak of.
//!
//! Owns the look-up only; `build.rs` packs the table from the Unicode data of the reference
//! tokenizer, because a count is only exact with the same version of Unicode.
//!
//! Invariant: every character has exactly one class.

/// Upper and title case letters.
pub(super) const UPPER: u8 = 1 << 0;
/// Lower case letters.
pub(super) const LOWER: u8 = 1 << 1;
/// Letters without case, and modifiers.
pub(super) const CASELESS: u8 = 1 << 2;
/// Combining marks.
pub(super) const MARK: u8 = 1 << 3;
/// Numbers of any script.
pub(super) const NUMBER: u8 = 1 << 4;
/// White space but line ends.
pub(super) const SPACE: u8 = 1 << 5;
/// `\r` and `\n`.
pub(super) const NEWLINE: u8 = 1 << 6;
/// Everything else: punctuation, symbols, controls, unassigned.
pub(super) const OTHER: u8 = 1 << 7;

/// All letters.
pub(super) const LETTER: u8 = UPPER | LOWER | CASELESS;
/// All white space.
pub(super) const WHITE: u8 = SPACE | NEWLINE;

static INDEX: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/classes.index"));
static BLOCKS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/classes.blocks"));

/// Returns the class of the character that begins at a byte, and its length; class 0 and length 0 at
/// the end, so that a run of any class ends there.
///
/// The bytes must be UTF-8 and `at` the beginning of a character.
#[inline]
pub(super) fn class_at(text: &[u8], at: usize) -> (u8, usize) {
    let Some(&first) = text.get(at) else { return (0, 0) };
    if first < 0x80 {
        return (BLOCKS[usize::from(first)], 1);
    }
    let tail = |offset: usize| u32::from(text.get(at + offset).copied().unwrap_or(0) & 0x3f);
    let first = u32::from(first);
    let (code, length) = match first {
        0..0xe0 => ((first & 0x1f) << 6 | tail(1), 2),
        0xe0..0xf0 => ((first & 0x0f) << 12 | tail(1) << 6 | tail(2), 3),
        _ => ((first & 0x07) << 18 | tail(1) << 12 | tail(2) << 6 | tail(3), 4),
    };
    (class_of(code), length)
}

/// Returns the class of the character that ends at a byte; 0 at the beginning.
pub(super) fn class_before(text: &[u8], at: usize) -> u8 {
    let mut start = at;
    while start > 0 {
        start -= 1;
        if text[start] & 0xc0 != 0x80 {
            return class_at(text, start).0;
        }
    }
    0
}

#[inline]
fn class_of(code: u32) -> u8 {
    let block = INDEX.get((code >> 8) as usize).copied().unwrap_or(0);
    BLOCKS[usize::from(block) << 8 | (code & 0xff) as usize]
}

/// Returns where the run of the given classes that begins at a byte ends.
#[inline]
pub(super) fn run_end(text: &[u8], mut at: usize, classes: u8) -> usize {
    loop {
        let (class, length) = class_at(text, at);
        if class & classes == 0 {
            return at;
        }
        at += length;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_character_has_one_class() {
        for c in '\0'..=char::MAX {
            let mut buffer = [0; 4];
            let bytes = c.encode_utf8(&mut buffer).as_bytes();
            let (class, length) = class_at(bytes, 0);
            assert!(class.is_power_of_two(), "{c:?} has {class:#b}");
            assert_eq!(length, c.len_utf8());
            assert_eq!(class_before(bytes, length), class);
        }
    }

    #[test]
    fn bits_are_those_of_the_build_script() {
        let samples = [
            (UPPER, "AÉΩǅ𝔘"),
            (LOWER, "aéωßſ"),
            (CASELESS, "가漢ªʰあا"),
            (MARK, "\u{301}\u{5b0}\u{94d}\u{fe0f}\u{20dd}"),
            (NUMBER, "1٣Ⅷ½①"),
            (SPACE, " \t\u{b}\u{c}\u{85}\u{a0}\u{2003}\u{2028}\u{3000}"),
            (NEWLINE, "\r\n"),
            (OTHER, "!/'’€🙂_\0\u{200b}\u{200d}\u{feff}\u{e000}\u{378}"),
        ];
        for (class, characters) in samples {
            for c in characters.chars() {
                assert_eq!(class_at(c.to_string().as_bytes(), 0).0, class, "{c:?}");
            }
        }
    }
}
