//! Texts with places to fill: `{{city}}` stands for the value of a variable.
//!
//! Owns what a place is: a name between two pairs of braces on one line, spaces around it apart. A
//! text is filled once, so a value that looks like a place stays as it is, and so do names nobody knows.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Longest name of a variable, in bytes.
const MAX_NAME: usize = 128;

/// Values of variables by name.
pub type Variables = BTreeMap<Arc<str>, Arc<str>>;

/// Returns the names in a text that stand for a variable, each as often as it occurs.
pub fn places(text: &str) -> impl Iterator<Item = &str> {
    pieces(text).filter_map(|piece| match piece {
        Piece::Place { name, .. } => Some(name),
        Piece::Text(_) => None,
    })
}

/// Returns the text with the values of the variables it names.
#[must_use]
pub fn fill<'a>(text: &'a str, variables: &Variables) -> Cow<'a, str> {
    if !places(text).any(|name| variables.contains_key(name)) {
        return Cow::Borrowed(text);
    }
    let filled = pieces(text).map(|piece| match piece {
        Piece::Text(text) => text,
        Piece::Place { name, whole } => variables.get(name).map_or(whole, |value| value),
    });
    Cow::Owned(filled.collect())
}

/// Returns the name of a variable that is written as a place, `{{city}}`.
#[must_use]
pub fn variable(text: &str) -> Option<&str> {
    let mut pieces = pieces(text.trim());
    match (pieces.next(), pieces.next()) {
        (Some(Piece::Place { name, .. }), None) => Some(name),
        _ => None,
    }
}

/// Whether a text can be the name of a variable.
#[must_use]
pub fn is_name(name: &str) -> bool {
    !name.is_empty()
        && name.len() <= MAX_NAME
        && name == name.trim()
        && !name.contains(|c: char| matches!(c, '{' | '}') || c.is_control())
}

/// A stretch of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Piece<'a> {
    Text(&'a str),
    Place {
        name: &'a str,
        /// The place as it is written.
        whole: &'a str,
    },
}

/// Returns the stretches of a text, in order and without a gap.
fn pieces(text: &str) -> impl Iterator<Item = Piece<'_>> {
    let mut rest = text;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let mut from = 0;
        while let Some(open) = rest[from..].find("{{").map(|at| from + at) {
            let inside = &rest[open + 2..];
            let end = inside.find(['{', '}', '\n']).unwrap_or(inside.len());
            let name = inside[..end].trim();
            if !(inside[end..].starts_with("}}") && is_name(name)) {
                // Of three braces in a row the last two may begin a place.
                from = open + 1;
                continue;
            }
            if open > 0 {
                let (before, after) = rest.split_at(open);
                rest = after;
                return Some(Piece::Text(before));
            }
            let (whole, after) = rest.split_at(end + 4);
            rest = after;
            return Some(Piece::Place { name, whole });
        }
        Some(Piece::Text(std::mem::take(&mut rest)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn filled(text: &str) -> String {
        let variables = [("city", "서울"), ("my name", "{{city}}")];
        fill(text, &variables.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect())
            .into_owned()
    }

    #[test]
    fn places_are_filled_once() {
        for (text, expected) in [
            ("in {{city}}.", "in 서울."),
            ("{{ city }}{{city}}", "서울서울"),
            ("{{my name}}", "{{city}}"),
            ("{{{city}}}", "{서울}"),
            ("{{town}} {{city", "{{town}} {{city"),
            ("{{}} {{ci\nty}} {{ {{city}}", "{{}} {{ci\nty}} {{ 서울"),
            ("{\"a\": {\"b\": 1}}", "{\"a\": {\"b\": 1}}"),
            ("", ""),
        ] {
            assert_eq!(filled(text), expected);
        }
    }

    #[test]
    fn names_are_found() {
        assert_eq!(places("{{a}} {{ b c }} {{a}}").collect::<Vec<_>>(), ["a", "b c", "a"]);
        assert_eq!(
            (variable(" {{city}} "), variable("city"), variable("{{a}}b")),
            (Some("city"), None, None)
        );
        assert!(!is_name(&"x".repeat(MAX_NAME + 1)));
    }

    proptest! {
        #[test]
        fn filling_in_a_place_itself_changes_nothing(text in "([{}]|a|가| |\n|\\{\\{a\\}\\}){0,30}") {
            let itself: Variables = places(&text).map(|name| (name.into(), format!("{{{{{name}}}}}").into())).collect();
            let spaced = text.replace(' ', "");
            prop_assert_eq!(fill(&spaced, &itself), spaced.as_str());
        }

        #[test]
        fn without_variables_a_text_stays(text in any::<String>()) {
            prop_assert_eq!(fill(&text, &Variables::new()), text.as_str());
        }
    }
}
