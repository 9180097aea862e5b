//! The tokens of an answer as CSV: a row for each, for spreadsheets and data frames.
//!
//! Owns the columns and the quoting, which is RFC 4180's: fields with a comma, a quote or a line end are
//! quoted, quotes are doubled, rows end in CR LF. Numbers have all their digits and no unit; what is not
//! known is empty. Texts are as the server sent them, so bytes that are no text stand beside them in hex.

use super::band;
use super::inspection::Inspection;
use crate::core::probability::{Position, surprisal_bits};
use crate::core::tipping::Tipping;
use crate::export::csv::push_row;
use std::fmt::Write as _;

/// Columns that every answer has.
const COLUMNS: [&str; 24] = [
    "index",
    "text",
    "bytes",
    "id",
    "logprob",
    "probability",
    "surprisal_bits",
    "rank",
    "margin_bits",
    "is_close_call",
    "unseen_tail",
    "entropy_bits_min",
    "entropy_bits_max",
    "tipping",
    "tipping_from",
    "tipping_to",
    "byte_start",
    "byte_end",
    "group",
    "group_text",
    "group_logprob",
    "what_if_min",
    "what_if_max",
    "what_if_fate",
];

/// Returns the document.
pub(super) fn document(inspection: &Inspection<'_>) -> String {
    let mut out = String::new();
    let tokens = &inspection.run.tokens;
    let most = tokens.iter().map(|token| token.candidates.len()).max().unwrap_or(0);
    let mut head: Vec<String> = COLUMNS.map(str::to_owned).to_vec();
    for number in 1..=most {
        head.extend(["text", "bytes", "logprob"].map(|field| format!("candidate_{number}_{field}")));
        if inspection.what_if().is_some() {
            head.extend(["min", "max", "fate"].map(|field| format!("candidate_{number}_what_if_{field}")));
        }
    }
    let columns = head.len();
    push_row(&mut out, &head);
    for (number, group) in inspection.groups.iter().enumerate() {
        let joint = inspection.run.joint_logprob(group.tokens.clone());
        for index in group.tokens.clone() {
            let mut row = own(inspection, index);
            row.extend([number.to_string(), group.text.clone(), maybe(joint)]);
            row.extend(reshaped(inspection, index));
            row.resize(columns, String::new());
            push_row(&mut out, &row);
        }
    }
    out
}

/// Returns what is known of a token itself.
fn own(inspection: &Inspection<'_>, index: usize) -> Vec<String> {
    let token = &inspection.run.tokens[index];
    let position = Position::new(token);
    let entropy = position.entropy_bits(inspection.meaning.vocabulary);
    let span = inspection.run.span(index);
    let mut row = vec![
        index.to_string(),
        token.piece.text().to_owned(),
        hex(token.piece.bytes()),
        token.id.map(|id| id.to_string()).unwrap_or_default(),
        maybe(token.logprob),
        maybe(token.logprob.map(f64::exp)),
        maybe(token.logprob.map(surprisal_bits)),
        position.rank().map(|rank| rank.to_string()).unwrap_or_default(),
        maybe(position.margin_bits()),
        position.is_close_call().to_string(),
        maybe(position.tail()),
        maybe(entropy.map(|range| range.min)),
        maybe(entropy.map(|range| range.max)),
    ];
    row.extend(match inspection.meaning.tipping(token) {
        Err(_) => [String::new(), String::new(), String::new()],
        Ok(Tipping::Always) => ["always".to_owned(), String::new(), String::new()],
        Ok(Tipping::Never) => ["never".to_owned(), String::new(), String::new()],
        Ok(Tipping::At { from, to }) => ["at".to_owned(), number(from), maybe(to)],
    });
    row.extend([span.start.to_string(), span.end.to_string()]);
    row
}

/// Returns what the what-if says of a token, and its candidates with what it says of them.
fn reshaped(inspection: &Inspection<'_>, index: usize) -> Vec<String> {
    let token = &inspection.run.tokens[index];
    let outcome = inspection.outcome(token).and_then(Result::ok);
    let mut row = match &outcome {
        None => vec![String::new(); 3],
        Some(outcome) => share(&outcome.chosen),
    };
    for (at, candidate) in token.candidates.iter().enumerate() {
        row.push(candidate.piece.text().to_owned());
        row.push(hex(candidate.piece.bytes()));
        row.push(maybe(candidate.logprob));
        if inspection.what_if().is_some() {
            let candidate = outcome.as_ref().map(|outcome| share(&outcome.candidates[at]));
            row.extend(candidate.unwrap_or_else(|| vec![String::new(); 3]));
        }
    }
    row
}

fn share(share: &crate::core::what_if::Share) -> Vec<String> {
    vec![number(share.band.min), number(share.band.max), band::fate(share.fate).to_owned()]
}

/// Returns a number with the digits that give the same number when they are read.
fn number(value: f64) -> String {
    format!("{value}")
}

fn maybe(value: Option<f64>) -> String {
    value.map(number).unwrap_or_default()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Reads a document back, by the grammar of RFC 4180.
    fn parsed(text: &str) -> Vec<Vec<String>> {
        let (mut rows, mut row, mut field) = (Vec::new(), Vec::new(), String::new());
        let (mut chars, mut is_quoted) = (text.chars().peekable(), false);
        while let Some(c) = chars.next() {
            match (c, is_quoted) {
                ('"', true) if chars.peek() == Some(&'"') => field.extend(chars.next()),
                ('"', _) => is_quoted = !is_quoted,
                (',', false) => row.push(std::mem::take(&mut field)),
                ('\r', false) if chars.peek() == Some(&'\n') => {
                    chars.next();
                    row.push(std::mem::take(&mut field));
                    rows.push(std::mem::take(&mut row));
                }
                (c, _) => field.push(c),
            }
        }
        assert!(!is_quoted && field.is_empty() && row.is_empty());
        rows
    }

    proptest! {
        /// What is written is read back, whatever a field holds.
        #[test]
        fn fields_are_read_back(rows in prop::collection::vec(prop::collection::vec("[a-c,\"\r\n가]{0,6}", 1..5), 0..5)) {
            let mut out = String::new();
            for row in &rows {
                push_row(&mut out, row);
            }
            prop_assert_eq!(parsed(&out), rows);
        }
    }
}
