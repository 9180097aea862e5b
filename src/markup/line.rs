//! What a line begins, judged from its first characters.
//!
//! Owns the part of CommonMark's block syntax that decides where blocks end. Invariant: an answer,
//! once given for a beginning of a line, is the same for every longer beginning, so that it does not
//! matter how much of the line had arrived when it was asked for.

use std::ops::Range;

/// Containers one line may open.
pub(super) const MAX_CONTAINERS: usize = 100;

/// What a line at the outermost level begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum LineKind {
    Blank,
    Heading,
    /// A rule, or the line under a heading.
    Rule,
    Fence(Fence),
    Quote,
    Item(Item),
    /// Indented by four columns or more.
    Indented,
    Html,
    Text,
}

/// The opening line of a fenced block of code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Fence {
    pub(super) mark: u8,
    /// How many marks.
    pub(super) len: usize,
    /// Columns before them.
    pub(super) indent: usize,
}

/// The first line of an item of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Item {
    /// The column at which its content begins.
    pub(super) content: usize,
    /// Whether nothing stands after the marker.
    pub(super) is_empty: bool,
    /// Whether it may end a paragraph without a blank line between.
    pub(super) interrupts: bool,
}

/// Returns the columns of white space a line begins with, and their bytes.
pub(super) fn indentation(line: &[u8]) -> (usize, usize) {
    let (mut columns, mut bytes) = (0, 0);
    for &byte in line {
        match byte {
            b' ' => columns += 1,
            b'\t' => columns += 4 - columns % 4,
            _ => break,
        }
        bytes += 1;
    }
    (columns, bytes)
}

/// Returns what a line begins; `None` while it is too short to tell.
///
/// The line comes without its line end.
pub(super) fn line_kind(line: &[u8], is_complete: bool) -> Option<LineKind> {
    let (columns, bytes) = indentation(line);
    let rest = &line[bytes..];
    let Some(&first) = rest.first() else { return is_complete.then_some(LineKind::Blank) };
    if first == b'\r' && rest.len() == 1 {
        return is_complete.then_some(LineKind::Blank);
    }
    if columns >= 4 {
        return Some(LineKind::Indented);
    }
    match first {
        b'>' => Some(LineKind::Quote),
        b'<' => Some(LineKind::Html),
        b'#' => heading(rest, is_complete),
        b'`' | b'~' => fence(rest, columns, is_complete),
        b'-' | b'*' | b'_' | b'+' => marks(rest, columns, is_complete),
        b'0'..=b'9' => {
            let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
            match rest.get(digits) {
                None if digits < 10 => is_complete.then_some(LineKind::Text),
                Some(b'.' | b')') if digits < 10 => {
                    let is_one = rest[..digits]
                        .iter()
                        .rev()
                        .enumerate()
                        .all(|(place, &digit)| digit == if place == 0 { b'1' } else { b'0' });
                    item(rest, columns, digits + 1, is_one, is_complete)
                }
                _ => Some(LineKind::Text),
            }
        }
        _ => Some(LineKind::Text),
    }
}

fn heading(rest: &[u8], is_complete: bool) -> Option<LineKind> {
    let level = rest.iter().take_while(|&&byte| byte == b'#').count();
    match rest.get(level) {
        _ if level > 6 => Some(LineKind::Text),
        None => is_complete.then_some(LineKind::Heading),
        Some(b' ' | b'\t' | b'\r') => Some(LineKind::Heading),
        Some(_) => Some(LineKind::Text),
    }
}

fn fence(rest: &[u8], indent: usize, is_complete: bool) -> Option<LineKind> {
    let mark = rest[0];
    let len = rest.iter().take_while(|&&byte| byte == mark).count();
    if len < 3 {
        return if len < rest.len() || is_complete { Some(LineKind::Text) } else { None };
    }
    if mark == b'`' && rest[len..].contains(&b'`') {
        return Some(LineKind::Text);
    }
    is_complete.then_some(LineKind::Fence(Fence { mark, len, indent }))
}

/// A line that begins with a sign of rules and bullets.
fn marks(rest: &[u8], columns: usize, is_complete: bool) -> Option<LineKind> {
    let mark = rest[0];
    if mark != b'+' {
        let is_rule_part = |byte: &&u8| **byte == mark || matches!(**byte, b' ' | b'\t' | b'\r');
        let len = rest.iter().take_while(is_rule_part).count();
        if len == rest.len() {
            if !is_complete {
                return None;
            }
            if rest.iter().filter(|&&byte| byte == mark).take(3).count() == 3 {
                return Some(LineKind::Rule);
            }
        }
    }
    if mark == b'_' { Some(LineKind::Text) } else { item(rest, columns, 1, true, is_complete) }
}

fn item(
    rest: &[u8],
    columns: usize,
    marker: usize,
    may_interrupt: bool,
    is_complete: bool,
) -> Option<LineKind> {
    let after = &rest[marker..];
    let start = columns + marker;
    match after.first() {
        None if !is_complete => None,
        Some(byte) if !matches!(byte, b' ' | b'\t' | b'\r') => Some(LineKind::Text),
        _ => {
            let (mut column, mut bytes) = (start, 0);
            while let Some(b' ' | b'\t') = after.get(bytes) {
                column += if after[bytes] == b' ' { 1 } else { 4 - column % 4 };
                bytes += 1;
            }
            let is_empty = after[bytes..].iter().all(|&byte| byte == b'\r');
            if is_empty && !is_complete {
                return None;
            }
            let content = if is_empty || column - start > 4 { start + 1 } else { column };
            Some(LineKind::Item(Item { content, is_empty, interrupts: may_interrupt && !is_empty }))
        }
    }
}

/// Returns whether a line closes a block that a fence opened.
pub(super) fn closes(fence: Fence, line: &[u8]) -> bool {
    let (columns, bytes) = indentation(line);
    let rest = &line[bytes..];
    let len = rest.iter().take_while(|&&byte| byte == fence.mark).count();
    columns < 4 && len >= fence.len && rest[len..].iter().all(|byte| matches!(byte, b' ' | b'\t' | b'\r'))
}

/// Returns whether a complete line inside a paragraph ends it: as the line under a heading, or a rule.
pub(super) fn ends_paragraph(line: &[u8]) -> bool {
    let (columns, bytes) = indentation(line);
    let rest = line[bytes..].trim_ascii_end();
    let is_underline = |mark: u8| !rest.is_empty() && rest.iter().all(|&byte| byte == mark);
    columns < 4 && (is_underline(b'-') || is_underline(b'=') || line_kind(line, true) == Some(LineKind::Rule))
}

/// Returns the bytes of a line of code that begins at `at`, without the indentation its fence has too.
pub(super) fn indented(fence: Fence, line: &[u8], at: usize) -> Range<usize> {
    let end = line.len() - usize::from(line.last() == Some(&b'\r'));
    let spaces = line[..end].iter().take(fence.indent).take_while(|&&byte| byte == b' ').count();
    at + spaces..at + end
}

/// Returns whether a line is the second one of a table.
pub(super) fn is_delimiter_row(line: &[u8]) -> bool {
    line.contains(&b'-')
        && line.iter().any(|byte| matches!(byte, b'|' | b':'))
        && line.iter().all(|byte| matches!(byte, b'|' | b':' | b'-' | b' ' | b'\t' | b'\r'))
}

/// Returns whether a line opens more containers than anybody means.
///
/// The parser looks at every open container for every further line, so a short text could keep it
/// busy for minutes; such a text is shown as it is.
pub(super) fn is_too_deep(source: &str) -> bool {
    source.split('\n').any(|line| {
        let line = line.as_bytes();
        let is_sign = |byte: &&u8| {
            matches!(**byte, b'>' | b'-' | b'+' | b'*' | b'.' | b')' | b'0'..=b'9' | b' ' | b'\t')
        };
        let signs = line.iter().take_while(is_sign).count();
        let opens = |at: &usize| match line[*at] {
            b'>' => true,
            b'-' | b'+' | b'*' | b'.' | b')' => matches!(line.get(at + 1), Some(b' ' | b'\t')),
            _ => false,
        };
        (0..signs).filter(opens).nth(MAX_CONTAINERS).is_some()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn kind(line: &str) -> LineKind {
        line_kind(line.as_bytes(), true).unwrap()
    }

    #[test]
    fn lines_are_told_apart() {
        assert_eq!(kind(" \t"), LineKind::Blank);
        assert_eq!(kind("## a"), LineKind::Heading);
        assert_eq!(kind("#a"), LineKind::Text);
        assert_eq!(kind("* * *"), LineKind::Rule);
        assert_eq!(kind("**bold** text"), LineKind::Text);
        assert_eq!(kind("```rust"), LineKind::Fence(Fence { mark: b'`', len: 3, indent: 0 }));
        assert_eq!(kind("```a``` b"), LineKind::Text);
        assert_eq!(kind("- a"), LineKind::Item(Item { content: 2, is_empty: false, interrupts: true }));
        assert_eq!(kind("  12) a"), LineKind::Item(Item { content: 6, is_empty: false, interrupts: false }));
        assert_eq!(kind("1."), LineKind::Item(Item { content: 3, is_empty: true, interrupts: false }));
        assert_eq!(kind("1.5 a"), LineKind::Text);
        assert_eq!(kind("    a"), LineKind::Indented);
        assert_eq!(kind("> a"), LineKind::Quote);
        assert_eq!(kind("<b>"), LineKind::Html);
    }

    #[test]
    fn what_ends_a_paragraph_is_told_apart() {
        for line in ["-", "  --- ", "===", "***", "- - -"] {
            assert!(ends_paragraph(line.as_bytes()), "{line}");
        }
        for line in ["", "- a", "=-", "    ---", "+", "**", "|---|"] {
            assert!(!ends_paragraph(line.as_bytes()), "{line}");
        }
        assert!(is_delimiter_row(b"|:-|-:|") && is_delimiter_row(b":-") && !is_delimiter_row(b"---"));
    }

    #[test]
    fn the_beginning_of_a_line_is_not_judged_too_early() {
        for beginning in ["", "  ", "#", "-", "- ", "* *", "``", "```ru", "12", "12.", "1. ", "__"] {
            assert_eq!(line_kind(beginning.as_bytes(), false), None, "{beginning:?}");
        }
        for beginning in ["a", "- a", "**b", "12a", "``a", "한"] {
            assert!(line_kind(beginning.as_bytes(), false).is_some(), "{beginning:?}");
        }
    }

    proptest! {
        /// What is said of a beginning holds for the whole line.
        #[test]
        fn answers_are_final(line in "[ \t]{0,3}([-*_+#`~>|<=.)0-9a \t\r]|\\PC){0,14}", cut in 0usize..40) {
            let whole = line_kind(line.as_bytes(), true);
            prop_assert!(whole.is_some());
            let beginning = &line.as_bytes()[..cut.min(line.len())];
            if let Some(early) = line_kind(beginning, false) {
                prop_assert_eq!(Some(early), whole);
            }
        }
    }
}
