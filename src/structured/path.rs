//! JSON paths as people read them: `$.items[2].name`, `$['odd key']`.
//!
//! A path is one of RFC 9535. Names of letters, digits and `_` that begin with no digit stand after a
//! dot; every other name is quoted as in the RFC's normalized paths. Paths are bounded, so that writing
//! one for each value of a document takes time in proportion to the document: where one would be longer
//! than [`MAX_PATH`], the steps nearest to the root are left out, and `…` says so.

use crate::structured::scan::floor;

/// Longest path that is written, in bytes, not counting the step that passes it.
const MAX_PATH: usize = 1024;

/// Longest part of one name that is written, in bytes.
const MAX_NAME: usize = 256;

/// One step of a path.
pub(super) enum Segment<'a> {
    Name(&'a str),
    Item(usize),
}

/// Returns the path of the steps, which are given from the value up to the root.
pub(super) fn write<'a>(upwards: impl Iterator<Item = Segment<'a>>) -> String {
    let mut segments = Vec::new();
    let mut length = 0;
    let mut is_cut = false;
    for segment in upwards {
        if length >= MAX_PATH {
            is_cut = true;
            break;
        }
        let text = one(&segment);
        length += text.len();
        segments.push(text);
    }
    let mut out = String::with_capacity(length + 4);
    out.push('$');
    if is_cut {
        out.push('…');
    }
    out.extend(segments.iter().rev().map(String::as_str));
    out
}

fn one(segment: &Segment<'_>) -> String {
    match *segment {
        Segment::Item(index) => format!("[{index}]"),
        Segment::Name(name) if is_plain(name) => format!(".{name}"),
        Segment::Name(name) => quoted(name),
    }
}

/// Whether a name may stand after a dot and reads as one word there.
fn is_plain(name: &str) -> bool {
    let begins = name.starts_with(|c: char| c == '_' || c.is_alphabetic());
    begins && name.len() <= MAX_NAME && name.chars().all(|c| c == '_' || c.is_alphanumeric())
}

fn quoted(name: &str) -> String {
    let shown = &name[..floor(name, MAX_NAME)];
    let mut out = String::with_capacity(shown.len() + 4);
    out.push_str("['");
    for c in shown.chars() {
        match c {
            '\'' => out.push_str("\\'"),
            '\\' => out.push_str("\\\\"),
            '\u{8}' => out.push_str("\\b"),
            '\t' => out.push_str("\\t"),
            '\n' => out.push_str("\\n"),
            '\u{c}' => out.push_str("\\f"),
            '\r' => out.push_str("\\r"),
            '\0'..='\u{1f}' => out.push_str(&format!("\\u{:04x}", u32::from(c))),
            _ => out.push(c),
        }
    }
    if shown.len() < name.len() {
        out.push('…');
    }
    out.push_str("']");
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(steps: &[&str]) -> String {
        write(steps.iter().rev().map(|step| match step.parse() {
            Ok(index) => Segment::Item(index),
            Err(_) => Segment::Name(step),
        }))
    }

    #[test]
    fn plain_names_stand_after_a_dot_and_others_are_quoted() {
        assert_eq!(path(&[]), "$");
        assert_eq!(path(&["items", "2", "name"]), "$.items[2].name");
        assert_eq!(path(&["이름", "_x9"]), "$.이름._x9");
        assert_eq!(path(&["odd key", "9lives", "", "a-b"]), "$['odd key']['9lives']['']['a-b']");
        assert_eq!(path(&["it's\n\u{1}\\", "👩‍🍳"]), "$['it\\'s\\n\\u0001\\\\']['👩‍🍳']");
    }

    #[test]
    fn a_path_is_bounded_and_keeps_the_end() {
        let long = "k".repeat(5000);
        let steps = vec![Segment::Name("last"), Segment::Item(3), Segment::Name(&long), Segment::Name("a b")];
        let whole = write(steps.into_iter());
        assert_eq!(whole, format!("$['a b']['{}…'][3].last", "k".repeat(MAX_NAME)));
        let deep = write((0..500).map(Segment::Item));
        assert!(deep.starts_with("$…[") && deep.ends_with("[2][1][0]") && deep.len() < MAX_PATH + 10);
    }
}
