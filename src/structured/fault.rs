//! Where and why a text is no JSON document, as data and as a sentence.

use crate::core::text::clusters;
use crate::structured::scan::floor;
use serde::Serialize;
use std::fmt::{self, Display, Formatter};

/// Clusters of the line that an excerpt shows before the fault, and after it.
const AROUND: usize = 24;

/// Bytes of the line that are looked at before the fault, and after it; bounds clusters of any size.
const WINDOW: usize = 240;

/// The first place at which a text is no JSON document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ParseFault {
    /// Byte offset in the text.
    pub at: usize,
    /// Line, from 1.
    pub line: usize,
    /// Character in the line, from 1.
    pub column: usize,
    /// JSON path of the value that was being read.
    pub path: String,
    /// The node it belongs to: the innermost value that is not complete. `None` before the first.
    pub node: Option<usize>,
    /// What should have stood there.
    pub expected: &'static str,
    /// The line around the place, as it is in the text; printable only after escaping.
    pub excerpt: String,
    /// Byte offset of the place in the excerpt.
    pub excerpt_at: usize,
    /// Whether the text merely ends too early: more text could make it a document.
    pub is_cut: bool,
}

impl ParseFault {
    /// Returns the fault at a byte offset of the text.
    pub(super) fn new(
        text: &str,
        at: usize,
        expected: &'static str,
        path: String,
        node: Option<usize>,
    ) -> Self {
        let before = &text[..at];
        let line_start = before.rfind('\n').map_or(0, |end| end + 1);
        let (excerpt, excerpt_at) = excerpt(&text[line_start..], at - line_start);
        Self {
            at,
            line: 1 + before.matches('\n').count(),
            column: 1 + before[line_start..].chars().count(),
            path,
            node,
            expected,
            excerpt,
            excerpt_at,
            is_cut: at == text.len(),
        }
    }

    /// Returns the character that stands where something else was expected; `None` at the text's end.
    #[must_use]
    pub fn found(&self) -> Option<char> {
        self.excerpt[self.excerpt_at..].chars().next()
    }
}

impl Display for ParseFault {
    /// Writes `line 3, column 14, at $.items[2]: expected a comma or ], found 'x'`.
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Self { line, column, path, expected, .. } = self;
        write!(f, "line {line}, column {column}, at {path}: expected {expected}")?;
        match self.found() {
            Some(found) => write!(f, ", found {found:?}"),
            None if self.is_cut => f.write_str(", but the text ends"),
            None => f.write_str(", but the line ends"),
        }
    }
}

/// Returns the part of a line around a place, and where in it the place is.
fn excerpt(rest: &str, at: usize) -> (String, usize) {
    let line = &rest[..rest[at..].find('\n').map_or(rest.len(), |end| at + end)];
    let from = floor(line, at.saturating_sub(WINDOW));
    let to = floor(line, at + WINDOW);
    let before = clusters(&line[from..at]).rev().nth(AROUND - 1).map_or(from, |(start, _)| from + start);
    let after = clusters(&line[at..to]).nth(AROUND).map_or(to, |(end, _)| at + end);
    (line[before..after].to_owned(), at - before)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(text: &str, at: usize) -> ParseFault {
        ParseFault::new(text, at, "a comma", "$.a".into(), None)
    }

    #[test]
    fn a_fault_says_where_it_is_in_characters() {
        let text = "{\n \"이름\": \"값\" x\n}";
        let at = text.find('x').unwrap();
        let fault = fault(text, at);
        assert_eq!((fault.line, fault.column, fault.found()), (2, 12, Some('x')));
        assert_eq!((fault.excerpt.as_str(), fault.excerpt_at), (" \"이름\": \"값\" x", 17));
        assert_eq!(fault.to_string(), "line 2, column 12, at $.a: expected a comma, found 'x'");
        assert!(!fault.is_cut);
    }

    #[test]
    fn the_end_of_the_text_is_a_cut_and_has_no_character() {
        let fault = fault("[1", 2);
        assert!(fault.is_cut);
        assert_eq!(fault.to_string(), "line 1, column 3, at $.a: expected a comma, but the text ends");
        let line = self::fault("[\"a\nb\"]", 3);
        assert_eq!(line.to_string(), "line 1, column 4, at $.a: expected a comma, but the line ends");
    }

    #[test]
    fn an_excerpt_is_bounded_and_cuts_no_cluster() {
        let family = "👨‍👩‍👧‍👦";
        let text = format!("{}x{}", family.repeat(100), "é".repeat(1000));
        let at = text.find('x').unwrap();
        let fault = fault(&text, at);
        assert!(fault.excerpt.len() < 2 * WINDOW + 4 && fault.found() == Some('x'));
        let marks = format!("a{}x", "\u{301}".repeat(10_000));
        assert!(self::fault(&marks, marks.len() - 1).excerpt.len() < 2 * WINDOW + 4);
    }
}
