//! The next grapheme cluster of a range, its cells, and where a row may break around it.
//!
//! Owns the short way for the characters that make up nearly all text; whatever is not plainly one
//! cluster goes through [`crate::core::text`], which stays the authority.

use crate::core::text::Glyph;
use unicode_segmentation::UnicodeSegmentation;

/// How a row may break before and after a cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Class {
    /// White space: a row breaks after it.
    Space,
    /// Part of a word. Hangul is one, because Korean breaks at spaces.
    Word,
    /// A character of a script written without spaces, or an emoji: a row breaks on both sides.
    Free,
    /// Closes something: stays with what is before it.
    Close,
    /// Opens something: stays with what follows.
    Open,
}

/// One grapheme cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Cluster {
    /// Bytes.
    pub(super) len: usize,
    /// Cells.
    pub(super) width: usize,
    pub(super) class: Class,
}

impl Class {
    /// Returns whether a row may break between two clusters.
    pub(super) fn breaks_before(self, next: Self) -> bool {
        match (self, next) {
            (_, Self::Space) => false,
            (Self::Space, _) => true,
            (Self::Open, _) | (_, Self::Close) => false,
            (Self::Free, _) | (_, Self::Free) => true,
            (Self::Word | Self::Close, _) => false,
        }
    }

    /// Returns the class of a printable ASCII character.
    pub(super) fn of_ascii(byte: u8) -> Self {
        match byte {
            b' ' | b'\t' => Self::Space,
            b')' | b']' | b'}' | b'.' | b',' | b':' | b';' | b'!' | b'?' | b'%' | b'"' | b'\'' => Self::Close,
            b'(' | b'[' | b'{' => Self::Open,
            _ => Self::Word,
        }
    }

    fn of_wide(first: char) -> Self {
        match first {
            '\u{1100}'..='\u{11ff}' | '\u{3130}'..='\u{318f}' | '\u{ac00}'..='\u{d7ff}' => Self::Word,
            '、' | '。' | '，' | '．' | '！' | '？' | '：' | '；' | '）' | '］' | '｝' | '」' | '』'
            | '】' | '〉' | '》' | '〕' | '・' | 'ー' | '々' => Self::Close,
            '（' | '［' | '｛' | '「' | '『' | '【' | '〈' | '《' | '〔' => Self::Open,
            _ => Self::Free,
        }
    }
}

/// Returns whether a byte is ASCII that takes one cell.
pub(super) fn is_plain(byte: u8) -> bool {
    (0x20..0x7f).contains(&byte)
}

/// Returns the first cluster of a text; `None` at its end.
pub(super) fn first(text: &str) -> Option<Cluster> {
    let bytes = text.as_bytes();
    let byte = *bytes.first()?;
    if is_plain(byte) && bytes.get(1).is_none_or(u8::is_ascii) {
        return Some(Cluster { len: 1, width: 1, class: Class::of_ascii(byte) });
    }
    if byte >= 0xe0 {
        let mut characters = text.chars();
        let character = characters.next()?;
        if is_wide_letter(character) && characters.next().is_none_or(stands_alone) {
            return Some(Cluster { len: character.len_utf8(), width: 2, class: Class::of_wide(character) });
        }
    }
    let cluster = text.graphemes(true).next()?;
    let glyph = Glyph::of(cluster);
    let class = match cluster.chars().next()? {
        _ if glyph.is_mark => Class::Word,
        first if first.is_whitespace() && first.len_utf8() == cluster.len() && !joins(first) => Class::Space,
        first if glyph.width == 2 => Class::of_wide(first),
        _ => Class::Word,
    };
    Some(Cluster { len: cluster.len(), width: glyph.width, class })
}

/// Whether a space keeps together what it stands between.
fn joins(space: char) -> bool {
    matches!(space, '\u{a0}' | '\u{2007}' | '\u{202f}')
}

/// Whether a character of two cells is a cluster of its own when one that stands alone follows.
fn is_wide_letter(character: char) -> bool {
    matches!(character, '\u{ac00}'..='\u{d7a3}' | '\u{4e00}'..='\u{9fff}' | '\u{3041}'..='\u{3096}' | '\u{30a1}'..='\u{30fa}')
}

/// Whether a character never joins the cluster before it.
fn stands_alone(character: char) -> bool {
    character.is_ascii() || is_wide_letter(character) || matches!(character, '\u{3001}'..='\u{3029}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::text;
    use proptest::prelude::*;

    fn all(mut text: &str) -> Vec<(usize, usize)> {
        let mut out = Vec::new();
        while let Some(cluster) = first(text) {
            out.push((cluster.len, cluster.width));
            text = &text[cluster.len..];
        }
        out
    }

    #[test]
    fn korean_words_stay_whole_and_chinese_breaks() {
        let class = |text| first(text).unwrap().class;
        assert!(!class("한").breaks_before(class("국")));
        assert!(class("漢").breaks_before(class("字")));
        assert!(!class("字").breaks_before(class("。")));
        assert!(!class("字").breaks_before(class(")")));
        assert!(!class("「").breaks_before(class("字")));
        assert!(class(" ").breaks_before(class("한")));
        assert!(!class("I").breaks_before(class("를")));
    }

    proptest! {
        /// The short way gives what the segmentation and the glyphs of the core give.
        #[test]
        fn the_short_way_is_right(text in "([ -~]|[가-힣]|[一-鿿]|[ぁ-ゖ]|\\PC|\u{301}|\u{200d}|\u{1161}|\u{11a8}|\u{3099}|\r|\t|\u{302a}|👨|🇰){0,30}") {
            let exact: Vec<_> =
                text::clusters(&text).map(|(_, cluster)| (cluster.len(), Glyph::of(cluster).width)).collect();
            prop_assert_eq!(all(&text), exact);
        }
    }
}
