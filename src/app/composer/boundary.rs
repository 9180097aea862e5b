//! Where the caret may stand in a line of the draft: cluster boundaries and word boundaries.
//!
//! Knows that a marker (see [`super::chip`]) is a unit of its own, whatever stands next to it, and
//! takes a short cut for the characters that most drafts are made of. Never changes text.
//!
//! Invariant: cutting a line at a boundary does not move any other boundary, so every function may
//! look at the part of the line it needs and no more.

use super::chip::is_marker;
use crate::core::text::{boundary_at_or_after, clusters, word_pieces};

/// Whether a character is a cluster by itself next to any other such character: printable ASCII,
/// Hangul syllables, the common ideographs and kana.
pub(super) fn is_simple(c: char) -> bool {
    matches!(c, ' '..='~' | '가'..='힣' | '一'..='\u{9fff}' | 'ぁ'..='ゖ' | 'ァ'..='ヺ')
}

/// Returns the boundary after the one at `at`, or the end of the line.
pub(super) fn next(line: &str, at: usize) -> usize {
    let rest = line.get(at..).unwrap_or_default();
    let mut characters = rest.chars();
    let Some(first) = characters.next() else { return line.len() };
    let alone = match characters.next() {
        None => true,
        Some(second) => is_marker(first) || is_marker(second) || (is_simple(first) && is_simple(second)),
    };
    if alone {
        return at + first.len_utf8();
    }
    let cluster = clusters(rest).next().map_or(rest, |(_, cluster)| cluster);
    at + cluster.find(is_marker).unwrap_or(cluster.len())
}

/// Returns the boundary before the one at `at`, or the start of the line.
pub(super) fn previous(line: &str, at: usize) -> usize {
    let before = line.get(..at).unwrap_or(line);
    let mut characters = before.chars().rev();
    let Some(last) = characters.next() else { return 0 };
    let start = before.len() - last.len_utf8();
    let alone = match characters.next() {
        None => true,
        Some(other) => is_marker(last) || is_marker(other) || (is_simple(last) && is_simple(other)),
    };
    if alone {
        return start;
    }
    let cluster = clusters(before).next_back().map_or(before, |(_, cluster)| cluster);
    let cut = cluster.char_indices().rev().find(|(_, c)| is_marker(*c)).map_or(0, |(i, c)| i + c.len_utf8());
    before.len() - cluster.len() + cut
}

/// Returns `at` if it is a boundary, and the next boundary otherwise.
pub(super) fn at_or_after(line: &str, at: usize) -> usize {
    let Some((before, after)) = line.split_at_checked(at) else { return line.len() };
    let (Some(last), Some(first)) = (before.chars().next_back(), after.chars().next()) else {
        return at;
    };
    if is_marker(last) || is_marker(first) || (is_simple(last) && is_simple(first)) {
        return at;
    }
    let end = boundary_at_or_after(line, at);
    at + line[at..end].find(is_marker).unwrap_or(end - at)
}

/// Returns `at` if it is a boundary, and the boundary before it otherwise.
fn at_or_before(line: &str, at: usize) -> usize {
    match at_or_after(line, at) {
        same if same == at => at,
        after => previous(line, after),
    }
}

/// What kind of text a word boundary separates.
#[derive(Clone, Copy, PartialEq, Eq)]
enum WordClass {
    Space,
    /// Letters and digits of any script. Hangul has letters only, so a Korean word ends at a space.
    Letters,
    /// A chip; each is a word of its own.
    Chip,
    /// ASCII punctuation; a run of it is one word.
    Punctuation,
    /// Everything else, emoji above all; each is a word of its own.
    Symbol,
}

impl WordClass {
    fn of(c: char) -> Self {
        match c {
            _ if c.is_whitespace() => Self::Space,
            _ if is_marker(c) => Self::Chip,
            _ if c.is_alphanumeric() || c == '_' => Self::Letters,
            _ if c.is_ascii_punctuation() => Self::Punctuation,
            _ => Self::Symbol,
        }
    }

    /// Returns the class of a piece that the Unicode word rules keep together.
    fn of_piece(piece: &str) -> Self {
        piece.chars().next().map_or(Self::Space, Self::of)
    }
}

/// Whether a character typed or erased after `edge` belongs to the same word, white space included
/// that ends it.
pub(super) fn is_same_word(edge: char, next: char) -> bool {
    next.is_whitespace() || WordClass::of(edge) == WordClass::of(next)
}

/// Returns the end of the word at or after `at`.
pub(super) fn word_end(line: &str, at: usize) -> usize {
    let rest = line.get(at..).unwrap_or_default();
    let span = word_span(word_pieces(rest));
    at_or_after(line, at + span)
}

/// Returns the start of the word at or before `at`.
pub(super) fn word_start(line: &str, at: usize) -> usize {
    let before = line.get(..at).unwrap_or(line);
    let span = word_span(word_pieces(before).rev());
    at_or_before(line, before.len() - span)
}

/// Returns the bytes of the white space and the one word that come first.
fn word_span<'a>(pieces: impl Iterator<Item = &'a str>) -> usize {
    let mut span = 0;
    let mut word = WordClass::Space;
    for piece in pieces {
        let class = WordClass::of_piece(piece);
        match word {
            WordClass::Space => word = class,
            WordClass::Punctuation if class == WordClass::Punctuation => {}
            WordClass::Letters | WordClass::Chip | WordClass::Punctuation | WordClass::Symbol => break,
        }
        span += piece.len();
    }
    span
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::text::Glyph;
    use proptest::prelude::*;

    const SAMPLES: [&str; 12] = [
        "plain words",
        "한국어 문장",
        "\u{1112}\u{1161}\u{11ab}\u{1100}\u{116e}\u{11a8}",
        "👨‍👩‍👧‍👦👍🏽",
        "🇰🇷🇯🇵🇺🇸",
        "e\u{301}e\u{301}\u{302}x",
        "क्‍षत्रिय",
        "ab\u{100000}\u{301}cd",
        "\u{600}\u{100000}\u{100001}\u{200d}👧",
        "日本語カナ\u{3099}か\u{3099}",
        "a\0\u{1b}\u{200b}b",
        "가\u{11a8}나",
    ];

    fn all(line: &str) -> Vec<usize> {
        let mut found = vec![0];
        while *found.last().unwrap() < line.len() {
            found.push(next(line, *found.last().unwrap()));
        }
        found
    }

    #[test]
    fn simple_characters_are_clusters_of_their_own() {
        let simple: Vec<char> = (0..=0x1_ffff).filter_map(char::from_u32).filter(|c| is_simple(*c)).collect();
        let text: String = simple.iter().collect();
        assert_eq!(clusters(&text).count(), simple.len());
        for c in simple {
            let written = c.to_string();
            let glyph = Glyph::of(&written);
            assert_eq!((glyph.width, glyph.is_mark), (if c.is_ascii() { 1 } else { 2 }, false), "{c}");
        }
    }

    #[test]
    fn boundaries_without_markers_are_those_of_unicode() {
        for line in SAMPLES.iter().filter(|line| !line.contains(is_marker)) {
            let mut expected: Vec<_> = clusters(line).map(|(at, _)| at).collect();
            expected.push(line.len());
            assert_eq!(all(line), expected, "{line}");
        }
    }

    #[test]
    fn a_marker_stands_alone_next_to_anything() {
        assert_eq!(all("ab\u{100000}\u{301}cd"), [0, 1, 2, 6, 8, 9, 10]);
        assert_eq!(all("\u{600}\u{100000}\u{100001}"), [0, 2, 6, 10]);
    }

    #[test]
    fn words_end_where_a_reader_expects_it() {
        for (line, ends) in [
            ("let's go_now, 3.14!", vec![5, 12, 13, 18, 19]),
            ("한국어는 띄어 쓴다", vec![12, 19, 26]),
            ("GPT가 좋다...", vec![6, 13, 16]),
            ("a \u{100000}\u{100001} b", vec![1, 6, 10, 12]),
            ("x 👍🏽👍🏽  ", vec![1, 10, 18, 20]),
        ] {
            let mut at = 0;
            let mut found = Vec::new();
            while at < line.len() {
                at = word_end(line, at);
                found.push(at);
            }
            assert_eq!(found, ends, "{line}");
        }
        assert_eq!(word_start("한국어는 띄어 쓴다", 26), 20);
        assert_eq!(word_start("foo(bar); ", 10), 7);
        assert_eq!(word_start("   ", 3), 0);
    }

    proptest! {
        #[test]
        fn forward_and_backward_find_the_same_boundaries(parts in prop::collection::vec((0..SAMPLES.len(), 0..8usize), 0..8), free in "[^\r\n]{0,12}") {
            let mut line = free;
            for (sample, skip) in parts {
                line.extend(SAMPLES[sample].chars().skip(skip));
            }
            let forward = all(&line);
            let mut backward = vec![line.len()];
            while *backward.last().unwrap() > 0 {
                backward.push(previous(&line, *backward.last().unwrap()));
            }
            backward.reverse();
            prop_assert_eq!(&forward, &backward);
            for at in (0..=line.len()).filter(|at| line.is_char_boundary(*at)) {
                let after = forward.iter().copied().find(|boundary| *boundary >= at);
                prop_assert_eq!(Some(at_or_after(&line, at)), after);
                let end = word_end(&line, at);
                prop_assert!(forward.contains(&end));
                prop_assert!(forward.contains(&word_start(&line, at)));
            }
        }
    }
}
