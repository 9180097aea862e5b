//! Where a vocabulary's rules cut text before byte pairs are merged: the pre-tokens.
//!
//! Owns the two rules, written out by hand. The reference writes them as regular expressions that
//! backtrack, and its engine fails on a million spaces; here every character is looked at a bounded
//! number of times. The expression is quoted at each rule, and tests compare the tokens.
//!
//! Invariant: a rule never returns an empty pre-token, and never looks at what precedes it.

use super::class::{
    CASELESS, LETTER, LOWER, MARK, NEWLINE, NUMBER, OTHER, SPACE, UPPER, WHITE, class_at, class_before,
    run_end,
};

/// Letters that may stand in the capital part of a word.
const CAPITAL: u8 = UPPER | CASELESS | MARK;
/// Letters that may stand in the small part of a word.
const SMALL: u8 = LOWER | CASELESS | MARK;
/// Numbers in one pre-token.
const NUMBERS: usize = 3;

/// A rule that cuts text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rule {
    /// That of o200k_base.
    O200k,
    /// That of cl100k_base.
    Cl100k,
}

impl Rule {
    /// Returns where the pre-token that begins at a byte ends. There must be a character there.
    #[inline]
    pub(super) fn end(self, text: &[u8], at: usize) -> usize {
        match self {
            Self::O200k => o200k_end(text, at),
            Self::Cl100k => cl100k_end(text, at),
        }
    }
}

/// ```text
/// [^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?
/// [^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?
/// \p{N}{1,3}
///  ?[^\s\p{L}\p{N}]+[\r\n/]*
/// \s*[\r\n]+
/// \s+(?!\S)
/// \s+
/// ```
#[inline]
fn o200k_end(text: &[u8], at: usize) -> usize {
    let (first, length) = class_at(text, at);
    if first & NUMBER != 0 {
        return numbers_end(text, at);
    }
    if first & NEWLINE == 0 {
        // A mark can be both the character before a word and the beginning of one.
        let after = (first & LETTER == 0).then(|| Word::at(text, at + length));
        let here = (first & (LETTER | MARK) != 0).then(|| Word::at(text, at));
        let mixed = after.as_ref().and_then(|word| word.mixed).or(here.as_ref().and_then(|word| word.mixed));
        let capital = after.and_then(|word| word.capital).or(here.and_then(|word| word.capital));
        if let Some(end) = mixed.or(capital) {
            return contraction_end(text, end).unwrap_or(end);
        }
    }
    if let Some(end) = symbols_end(text, at) {
        let mut end = end;
        while matches!(text.get(end), Some(b'\r' | b'\n' | b'/')) {
            end += 1;
        }
        return end;
    }
    let white = White::at(text, at);
    white.after_newline.unwrap_or_else(|| white.before_word(text))
}

/// ```text
/// '(?i:[sdmt]|ll|ve|re)
/// [^\r\n\p{L}\p{N}]?+\p{L}++
/// \p{N}{1,3}+
///  ?[^\s\p{L}\p{N}]++[\r\n]*+
/// \s++$
/// \s*[\r\n]
/// \s+(?!\S)
/// \s
/// ```
#[inline]
fn cl100k_end(text: &[u8], at: usize) -> usize {
    if let Some(end) = contraction_end(text, at) {
        return end;
    }
    let (first, length) = class_at(text, at);
    if first & NUMBER != 0 {
        return numbers_end(text, at);
    }
    if first & NEWLINE == 0 {
        let start = if first & LETTER == 0 { at + length } else { at };
        let end = run_end(text, start, LETTER);
        if end > start {
            return end;
        }
    }
    if let Some(end) = symbols_end(text, at) {
        return run_end(text, end, NEWLINE);
    }
    let white = White::at(text, at);
    if white.end == text.len() {
        return white.end;
    }
    white.after_newline.unwrap_or_else(|| white.before_word(text))
}

/// The two ways to read a word of o200k_base that begins at a byte.
struct Word {
    /// Where `capital* small+` ends, with what backtracking leaves to `small`.
    mixed: Option<usize>,
    /// Where `capital+ small*` ends, if the other reading fails.
    capital: Option<usize>,
}

impl Word {
    #[inline]
    fn at(text: &[u8], start: usize) -> Self {
        let (mut end, mut mixed) = (start, None);
        loop {
            let (class, length) = class_at(text, end);
            if class & CAPITAL == 0 {
                if class & LOWER != 0 {
                    mixed = Some(run_end(text, end + length, SMALL));
                }
                break;
            }
            end += length;
            // Without a lower case letter after the capitals, the expression gives back characters until
            // the last one given back can be the small part.
            if class & SMALL != 0 {
                mixed = Some(end);
            }
        }
        Self { mixed, capital: (end > start).then_some(end) }
    }
}

/// A run of white space.
struct White {
    start: usize,
    end: usize,
    /// Where its last character begins.
    last: usize,
    /// Where its last line end ends.
    after_newline: Option<usize>,
}

impl White {
    #[inline]
    fn at(text: &[u8], start: usize) -> Self {
        let mut white = Self { start, end: start, last: start, after_newline: None };
        loop {
            let (class, length) = class_at(text, white.end);
            if class & WHITE == 0 {
                return white;
            }
            white.last = white.end;
            white.end += length;
            if class & NEWLINE != 0 {
                white.after_newline = Some(white.end);
            }
        }
    }

    /// Returns the end without the last character, which belongs to what follows, if anything follows
    /// and anything is left.
    #[inline]
    fn before_word(&self, text: &[u8]) -> usize {
        if self.end < text.len() && self.last > self.start { self.last } else { self.end }
    }
}

/// `\p{N}{1,3}`
#[inline]
fn numbers_end(text: &[u8], at: usize) -> usize {
    let mut end = at;
    for _ in 0..NUMBERS {
        let (class, length) = class_at(text, end);
        if class & NUMBER == 0 {
            break;
        }
        end += length;
    }
    end
}

/// ` ?[^\s\p{L}\p{N}]+`
#[inline]
fn symbols_end(text: &[u8], at: usize) -> Option<usize> {
    let start = if text.get(at) == Some(&b' ') { at + 1 } else { at };
    let end = run_end(text, start, OTHER | MARK);
    (end > start).then_some(end)
}

/// `'(?i:[sdmt]|ll|ve|re)`
#[inline]
fn contraction_end(text: &[u8], at: usize) -> Option<usize> {
    if text.get(at) != Some(&b'\'') {
        return None;
    }
    match (text.get(at + 1)?, text.get(at + 2)) {
        (b's' | b'S' | b'd' | b'D' | b'm' | b'M' | b't' | b'T', _) => Some(at + 2),
        (b'l' | b'L', Some(b'l' | b'L')) | (b'v' | b'V' | b'r' | b'R', Some(b'e' | b'E')) => Some(at + 3),
        // U+017F, the long s, is an s when case is ignored.
        (0xc5, Some(0xbf)) => Some(at + 3),
        _ => None,
    }
}

/// Whether text may be cut at a byte and both parts counted on their own, whatever else they hold.
///
/// By either rule, and with `p` and `n` the characters before and after the cut:
///
/// 1. `n` is white space but no line end, `p` is not white: such an `n` is only ever the first
///    character of a pre-token or inside white space.
/// 2. `p` is a line end, `n` is neither white nor `/`: a line end is inside white space, which ends
///    here and is cut after its last line end, or in the line ends after symbols, which end here too.
/// 3. One of them is a number, the other is not, `p` is not a space: numbers are only together with
///    numbers.
/// 4. `p` is a letter, `n` is a symbol but no `'`: only a contraction goes on with one.
///
/// And where the first part is followed by nothing instead of `n`, its last pre-token is the same: a
/// run ends either way, and what white space does before a word matters in none of the cases.
pub(super) fn is_border(text: &[u8], at: usize) -> bool {
    let (before, (after, _)) = (class_before(text, at), class_at(text, at));
    let next = text.get(at).copied();
    let is_gap = after & SPACE != 0 && before & WHITE == 0;
    let is_line = before & NEWLINE != 0 && after & WHITE == 0 && next != Some(b'/');
    let is_number = (before ^ after) & NUMBER != 0 && before & WHITE == 0;
    let is_symbol = before & LETTER != 0 && after & OTHER != 0 && next != Some(b'\'');
    is_gap || is_line || is_number || is_symbol
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tokenizer::testing;
    use proptest::prelude::*;

    const RULES: [Rule; 2] = [Rule::O200k, Rule::Cl100k];

    fn cut(rule: Rule, text: &str) -> Vec<&str> {
        let (mut pre_tokens, mut start) = (Vec::new(), 0);
        while start < text.len() {
            let end = rule.end(text.as_bytes(), start);
            assert!(end > start, "{rule:?} returns an empty pre-token in {text:?}");
            pre_tokens.push(&text[start..end]);
            start = end;
        }
        pre_tokens
    }

    /// Fails unless cutting at every border first makes no difference.
    fn check_borders(text: &str) {
        for rule in RULES {
            let whole = cut(rule, text);
            let borders =
                text.char_indices().map(|(at, _)| at).skip(1).filter(|&at| is_border(text.as_bytes(), at));
            for at in borders {
                let (left, right) = text.split_at(at);
                let parts = [cut(rule, left), cut(rule, right)].concat();
                assert_eq!(parts, whole, "{rule:?}, {text:?} at {at}");
            }
        }
    }

    #[test]
    fn words_keep_one_character_before_them_and_contractions() {
        assert_eq!(
            cut(Rule::O200k, "I'm DON'T iPhone HTTPServer"),
            ["I'm", " DON'T", " i", "Phone", " HTTPServer"]
        );
        assert_eq!(cut(Rule::Cl100k, "I'm iPhone (x)"), ["I", "'m", " iPhone", " (", "x", ")"]);
        assert_eq!(cut(Rule::O200k, "가AB! \u{301}A"), ["가", "AB", "!", " \u{301}", "A"]);
        assert_eq!(cut(Rule::O200k, "it'\u{17f} x'y"), ["it'\u{17f}", " x", "'y"]);
    }

    #[test]
    fn white_space_leaves_its_last_character_to_the_word() {
        assert_eq!(cut(Rule::O200k, "a   b"), ["a", "  ", " b"]);
        assert_eq!(cut(Rule::O200k, "a \n \n  b \n "), ["a", " \n \n", " ", " b", " \n", " "]);
        assert_eq!(cut(Rule::Cl100k, "a \n  b \n "), ["a", " \n", " ", " b", " \n "]);
        assert_eq!(cut(Rule::O200k, "x;\n/\n y"), ["x", ";\n/\n", " y"]);
        assert_eq!(cut(Rule::Cl100k, "x;\n/\n y"), ["x", ";\n", "/\n", " y"]);
    }

    #[test]
    fn numbers_are_cut_in_threes() {
        for rule in RULES {
            assert_eq!(cut(rule, "12345 1½٣4"), ["123", "45", " ", "1½٣", "4"]);
        }
    }

    /// Every text of five characters, with at least one character of each class and of each that a rule
    /// names: as the rules only look at classes and these, a border cannot be wrong for reasons of less
    /// than five characters.
    #[test]
    fn borders_hold_in_every_short_text() {
        const CHARACTERS: [char; 12] =
            ['A', 's', '가', '\u{301}', '1', ' ', '\u{a0}', '\n', '\r', '/', '\'', '!'];
        fn extend(text: &mut String, left: usize) {
            check_borders(text);
            for c in CHARACTERS.into_iter().filter(|_| left > 0) {
                text.push(c);
                extend(text, left - 1);
                text.pop();
            }
        }
        extend(&mut String::new(), 5);
    }

    proptest! {
        #[test]
        fn borders_hold_in_hostile_documents(text in testing::document(30)) {
            check_borders(&text);
        }
    }
}
