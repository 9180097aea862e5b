//! Grapheme clusters, their width in cells, and how hostile characters are drawn.
//!
//! Owns the one place that decides what reaches the terminal: [`Glyph::of`]. Model output, files and
//! pastes are untrusted; a control or escape sequence, a bidi override or a stray zero-width
//! character is drawn as a visible mark.

use std::borrow::Cow;
use unicode_segmentation::{GraphemeCursor, UnicodeSegmentation};
use unicode_width::UnicodeWidthStr;

/// Cells between tab stops.
const TAB_WIDTH: usize = 4;

/// Longest cluster that is drawn as it is, in bytes. The longest emoji sequence in use (a family of
/// four with skin tones) has 41; more is an attack on the terminal's shaping.
const MAX_CLUSTER: usize = 64;

/// What is drawn for one grapheme cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Glyph<'a> {
    /// The characters to draw; safe for a terminal.
    pub text: Cow<'a, str>,
    /// Cells they take.
    pub width: usize,
    /// Whether this is a mark that stands for something that must not be drawn.
    pub is_mark: bool,
}

impl<'a> Glyph<'a> {
    /// Returns what to draw for a cluster.
    #[must_use]
    pub fn of(cluster: &'a str) -> Self {
        let first = cluster.as_bytes().first().copied().unwrap_or(b' ');
        if cluster.len() == 1 && (0x20..0x7f).contains(&first) {
            return Self { text: Cow::Borrowed(cluster), width: 1, is_mark: false };
        }
        match cluster {
            "\t" => return Self { text: Cow::Borrowed("    "), width: TAB_WIDTH, is_mark: false },
            "\n" | "\r" | "\r\n" => return Self { text: Cow::Borrowed(""), width: 0, is_mark: false },
            _ => {}
        }
        if cluster.len() <= MAX_CLUSTER && !cluster.chars().any(|c| is_hostile(c, cluster)) {
            let width = cluster.width();
            if width > 0 {
                return Self { text: Cow::Borrowed(cluster), width, is_mark: false };
            }
        }
        let text = mark(cluster);
        let width = text.width();
        Self { text: Cow::Owned(text), width, is_mark: true }
    }
}

/// Returns the visible mark for a cluster that must not be drawn as it is.
fn mark(cluster: &str) -> String {
    let mut out = String::new();
    for (index, c) in cluster.chars().enumerate() {
        if index == 8 {
            out.push('…');
            break;
        }
        match c {
            '\u{0}'..='\u{1f}' => out.push(char::from_u32(0x2400 + c as u32).unwrap_or('\u{fffd}')),
            '\u{7f}' => out.push('\u{2421}'),
            _ if is_hostile(c, cluster) || c.to_string().width() == 0 => {
                out.push_str(&format!("<{:04X}>", c as u32));
            }
            _ => out.push(c),
        }
    }
    out
}

/// Whether a character must not reach the terminal inside this cluster.
fn is_hostile(c: char, cluster: &str) -> bool {
    match c {
        // Joiners stay where scripts and emoji need them: between two visible characters that are not ASCII.
        '\u{200c}' | '\u{200d}' => !joins(c, cluster),
        // Bidi marks, embeddings, overrides, isolates.
        '\u{061c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => true,
        // Invisible: zero-width space, word joiner, invisible operators, BOM, soft hyphen, fillers.
        '\u{200b}'
        | '\u{2060}'..='\u{2065}'
        | '\u{206a}'..='\u{206f}'
        | '\u{feff}'
        | '\u{00ad}'
        | '\u{034f}'
        | '\u{115f}'
        | '\u{1160}'
        | '\u{17b4}'
        | '\u{17b5}'
        | '\u{180e}'
        | '\u{3164}'
        | '\u{ffa0}' => {
            // The Hangul fillers are part of real syllables next to other jamo.
            !(matches!(c, '\u{115f}' | '\u{1160}') && cluster.chars().count() > 1)
        }
        // Tags hide text in plain sight; only the flag sequences on U+1F3F4 use them.
        '\u{e0000}'..='\u{e007f}' => !cluster.starts_with('\u{1f3f4}'),
        // A variation selector belongs on one character; a chain of them carries hidden bytes.
        '\u{fe00}'..='\u{fe0f}' | '\u{e0100}'..='\u{e01ef}' => {
            cluster.starts_with(c)
                || cluster
                    .chars()
                    .filter(|c| matches!(c, '\u{fe00}'..='\u{fe0f}' | '\u{e0100}'..='\u{e01ef}'))
                    .count()
                    > 1 + cluster.matches('\u{200d}').count()
        }
        _ => c.is_control(),
    }
}

/// Whether a joiner stands where a script or an emoji needs it.
fn joins(joiner: char, cluster: &str) -> bool {
    let Some(first) = cluster.chars().next() else { return false };
    if first == joiner || first.is_ascii() {
        return false;
    }
    // In an emoji sequence something must follow; in joining scripts the joiner may end the cluster.
    let script_joins = matches!(first as u32, 0x0600..=0x08ff | 0x0900..=0x0dff | 0x0e80..=0x109f | 0x1780..=0x18af | 0xfb50..=0xfdff | 0xfe70..=0xfeff);
    script_joins || !cluster.ends_with(joiner)
}

/// Returns the text's clusters with their byte offsets.
pub fn clusters(text: &str) -> impl DoubleEndedIterator<Item = (usize, &str)> {
    text.grapheme_indices(true)
}

/// Returns the first boundary between clusters at or after a byte offset, or the text's end.
#[must_use]
pub fn boundary_at_or_after(text: &str, at: usize) -> usize {
    if at >= text.len() || !text.is_char_boundary(at) {
        return text.len();
    }
    let mut cursor = GraphemeCursor::new(at, text.len(), true);
    match cursor.is_boundary(text, 0) {
        Ok(false) => cursor.next_boundary(text, 0).ok().flatten().unwrap_or(text.len()),
        Ok(true) | Err(_) => at,
    }
}

/// Returns the text cut at its word boundaries: words, and what stands between them.
pub fn word_pieces(text: &str) -> impl DoubleEndedIterator<Item = &str> {
    text.split_word_bounds()
}

/// Returns the cells a text takes when drawn on one line.
#[must_use]
pub fn width(text: &str) -> usize {
    if text.bytes().all(|byte| (0x20..0x7f).contains(&byte)) {
        return text.len();
    }
    clusters(text).map(|(_, cluster)| Glyph::of(cluster).width).sum()
}

/// Returns the text as it may be drawn on one line: line breaks become spaces, hostile characters marks.
#[must_use]
pub fn printable(text: &str) -> Cow<'_, str> {
    if text.bytes().all(|byte| (0x20..0x7f).contains(&byte)) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    for (_, cluster) in clusters(text) {
        match cluster {
            "\n" | "\r" | "\r\n" => out.push(' '),
            _ => out.push_str(&Glyph::of(cluster).text),
        }
    }
    Cow::Owned(out)
}

/// Returns the text as it may be printed over several lines: line breaks and tabs stay, hostile
/// characters become marks.
#[must_use]
pub fn printable_lines(text: &str) -> Cow<'_, str> {
    if text.bytes().all(|byte| (0x20..0x7f).contains(&byte) || byte == b'\n' || byte == b'\t') {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    for (_, cluster) in clusters(text) {
        match cluster {
            "\n" | "\r\n" => out.push('\n'),
            "\t" => out.push('\t'),
            "\r" => out.push_str(&mark(cluster)),
            _ => out.push_str(&Glyph::of(cluster).text),
        }
    }
    Cow::Owned(out)
}

/// Returns the text of a token so that its white space can be seen: ` the` as `␣the`, a line end as `⏎`,
/// and the carriage return before one as `␍`, since it costs bytes and often a token.
#[must_use]
pub fn visible(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for (_, cluster) in clusters(text) {
        match cluster {
            " " => out.push('␣'),
            "\n" => out.push('⏎'),
            "\r" => out.push('␍'),
            "\r\n" => out.push_str("␍⏎"),
            "\t" => out.push('⇥'),
            _ => out.push_str(&Glyph::of(cluster).text),
        }
    }
    out
}

/// Returns the byte offsets at which a text holds another, whatever the case of their letters.
pub fn occurrences<'a>(text: &'a str, sought: &'a str) -> impl Iterator<Item = usize> + use<'a> {
    let sought: Vec<char> = sought.chars().flat_map(char::to_lowercase).collect();
    let is_at = move |at: usize| {
        let mut folded = text[at..].chars().flat_map(char::to_lowercase);
        sought.iter().all(|own| folded.next() == Some(*own))
    };
    text.char_indices().map(|(at, _)| at).filter(move |at| is_at(*at))
}

/// Returns the printable text cut to at most `cells` cells, with `…` where something was cut.
#[must_use]
pub fn fit(text: &str, cells: usize) -> String {
    let text = printable(text);
    if width(&text) <= cells {
        return text.into_owned();
    }
    let mut out = String::new();
    let mut used = 0;
    for (_, cluster) in clusters(&text) {
        let glyph = Glyph::of(cluster);
        if used + glyph.width + 1 > cells {
            break;
        }
        out.push_str(&glyph.text);
        used += glyph.width;
    }
    if cells > 0 {
        out.push('…');
    }
    out
}

/// Returns the candidate that `name` is most likely a slip of, if one is near enough to be worth asking.
#[must_use]
pub fn nearest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    const LONGEST: usize = 64;
    let name: Vec<char> = name.chars().flat_map(char::to_lowercase).take(LONGEST).collect();
    let allowed = 1 + name.len() / 4;
    candidates
        .into_iter()
        .map(|candidate| {
            let letters: Vec<char> = candidate.chars().flat_map(char::to_lowercase).take(LONGEST).collect();
            (slips(&name, &letters), candidate)
        })
        .filter(|(slips, _)| *slips <= allowed && *slips < name.len())
        .min_by_key(|(slips, _)| *slips)
        .map(|(_, candidate)| candidate)
}

/// Returns how many slips of the finger part two words: a letter too many, missing, wrong, or two swapped.
fn slips(a: &[char], b: &[char]) -> usize {
    let mut rows = vec![vec![0; b.len() + 1]; a.len() + 1];
    for (i, row) in rows.iter_mut().enumerate() {
        row[0] = i;
    }
    for (j, cell) in rows[0].iter_mut().enumerate() {
        *cell = j;
    }
    for i in 1..=a.len() {
        for j in 1..=b.len() {
            let wrong = usize::from(a[i - 1] != b[j - 1]);
            let mut best = (rows[i - 1][j] + 1).min(rows[i][j - 1] + 1).min(rows[i - 1][j - 1] + wrong);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                best = best.min(rows[i - 2][j - 2] + 1);
            }
            rows[i][j] = best;
        }
    }
    rows[a.len()][b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn occurrences_ignore_case_in_any_script() {
        let found = |text, sought| occurrences(text, sought).collect::<Vec<_>>();
        assert_eq!(found("Bamboo, bamboo", "BAM"), [0, 8]);
        assert_eq!(found("대나무 숲의 대나무", "대나"), [0, 17]);
        assert_eq!(found("ÉTÉ", "été"), [0]);
        assert!(found("bam", "bamboo").is_empty());
    }

    #[test]
    fn scripts_and_emoji_are_drawn_as_they_are() {
        let family = "👨‍👩‍👧‍👦";
        for (text, cells) in [
            ("한", 2),
            ("e\u{301}", 1),
            (family, 2),
            ("🇰🇷", 2),
            ("ش", 1),
            ("क्‍ष", 2),
            ("\u{1112}\u{1161}\u{11ab}", 2),
        ] {
            let all: Vec<_> = clusters(text).collect();
            let drawn: String = all.iter().map(|(_, c)| Glyph::of(c).text.into_owned()).collect();
            assert_eq!(drawn, text);
            assert_eq!(width(text), cells, "{text}");
        }
    }

    #[test]
    fn hostile_characters_become_marks() {
        assert_eq!(printable("a\x1b[31mb"), "a␛[31mb");
        assert_eq!(printable("a\u{202e}b"), "a<202E>b");
        assert_eq!(printable("a\u{200b}b"), "a<200B>b");
        assert_eq!(printable("a\u{200d}b"), "a<200D>b");
        assert_eq!(printable("\u{9b}31m"), "<009B>31m");
        assert_eq!(printable("x\u{e0041}"), "x<E0041>");
        assert_eq!(printable("one\ntwo\x07"), "one two␇");
    }

    #[test]
    fn white_space_of_a_token_can_be_seen() {
        assert_eq!(visible(" the\n\t"), "␣the⏎⇥");
        assert_eq!([visible("\r"), visible("\r\n"), visible("\n\r")], ["␍", "␍⏎", "⏎␍"]);
    }

    #[test]
    fn boundaries_are_found_from_within_a_cluster() {
        let text = "a👨‍👩‍👧‍👦🇰🇷한";
        let starts: Vec<_> = clusters(text).map(|(at, _)| at).chain([text.len()]).collect();
        for (at, _) in text.char_indices() {
            let expected = starts.iter().copied().find(|start| *start >= at);
            assert_eq!(Some(boundary_at_or_after(text, at)), expected);
        }
        assert_eq!(boundary_at_or_after(text, 99), text.len());
        assert_eq!(
            word_pieces("let's go, 한국어!").collect::<Vec<_>>(),
            ["let's", " ", "go", ",", " ", "한국어", "!"]
        );
    }

    #[test]
    fn fitting_cuts_between_clusters() {
        assert_eq!(fit("한국어 문장", 7), "한국어…");
        assert_eq!(fit("한국어 문장", 6), "한국…");
        assert_eq!(fit("abc", 3), "abc");
        assert_eq!(fit("abc", 0), "");
    }

    #[test]
    fn slips_of_the_finger_are_recognised() {
        let names = ["model", "memory", "endpoint", "theme"];
        assert_eq!(nearest("modle", names), Some("model"));
        assert_eq!(nearest("Endpont", names), Some("endpoint"));
        assert_eq!(nearest("temperature", names), None);
        assert_eq!(nearest("x", names), None);
        assert_eq!(nearest("", names), None);
    }

    proptest! {
        /// Nothing that is drawn holds a control character, and its width is what the terminal will use.
        #[test]
        fn what_is_drawn_is_safe(text in any::<String>()) {
            for drawn in [printable(&text).into_owned(), visible(&text)] {
                prop_assert!(!drawn.chars().any(|c| c.is_control() || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')), "{drawn:?}");
            }
            for (_, cluster) in clusters(&text) {
                let glyph = Glyph::of(cluster);
                prop_assert_eq!(glyph.text.as_ref().width(), glyph.width);
            }
        }
    }
}
