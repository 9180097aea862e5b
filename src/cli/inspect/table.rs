//! The tokens of an answer, and its close calls, as tables a person can read.
//!
//! Owns the columns. Tokens that hold part of a character are joined to whole characters, with the
//! number of pieces beside them and the pieces in the place of the candidates.

use super::band;
use super::inspection::{Inspection, NONE, margin, probability, runner_up, shown, shown_text};
use crate::cli::table::{Align, Table};
use crate::core::figure;
use crate::core::group::Group;
use crate::core::probability::{Position, surprisal_bits};
use crate::core::text::{clusters, fit, visible};
use crate::core::token::Token;
use crate::core::what_if::Outcome;

/// Most pieces one character comes in: its bytes.
const LONGEST: usize = 4;

/// Cells of the answer shown before and after a close call.
const AROUND: usize = 18;

/// Returns the lines of the table of all tokens, and what is said below it.
pub(super) fn tokens(inspection: &Inspection<'_>) -> Vec<String> {
    let mut headings = vec!["#", "token", "probability", "surprisal", "rank", "candidates"];
    let mut aligns = vec![Align::Right, Align::Left, Align::Right, Align::Right, Align::Right];
    let mut of_candidate = vec![Align::Left, Align::Right];
    if inspection.what_if().is_some() {
        headings.splice(3..3, ["what if", "", ""]);
        aligns.splice(3..3, [Align::Right, Align::Left, Align::Right]);
        of_candidate.push(Align::Right);
    }
    let mut table = Table::new(&headings);
    for group in &inspection.groups {
        table.row(row(inspection, group));
    }
    let most = inspection.run.tokens.iter().map(|token| token.candidates.len()).max().unwrap_or(0);
    // One more for what was not returned.
    aligns.extend(of_candidate.repeat(most.min(inspection.top).max(LONGEST) + 1));
    let mut lines = table.lines(&aligns);
    lines.push(String::new());
    lines.extend(foot(inspection));
    lines
}

/// Returns the lines of the table of close calls, and what is said below it.
pub(super) fn close_calls(inspection: &Inspection<'_>) -> Vec<String> {
    let mut headings = vec!["#", "token", "probability", "instead", "probability", "margin", "in"];
    let mut aligns = vec![Align::Right, Align::Left, Align::Right, Align::Left, Align::Right, Align::Right];
    if inspection.what_if().is_some() {
        headings.insert(3, "what if");
        aligns.insert(3, Align::Right);
    }
    let mut table = Table::new(&headings);
    for call in &inspection.close_calls {
        let token = &inspection.run.tokens[call.index];
        let other = runner_up(token);
        let mut cells = vec![
            (call.index + 1).to_string(),
            shown(&token.piece),
            probability(token.logprob),
            other.map_or(NONE.to_owned(), |other| shown(&other.piece)),
            probability(other.and_then(|other| other.logprob)),
            margin(call),
            around(inspection, call.index),
        ];
        if let Some(outcome) = inspection.outcome(token) {
            cells.insert(3, outcome.map_or(NONE.to_owned(), |outcome| band::share(outcome.chosen)));
        }
        table.row(cells);
    }
    let mut lines = table.lines(&aligns);
    lines.push(String::new());
    lines.extend(foot(inspection));
    lines
}

/// Returns what is said below a table.
fn foot(inspection: &Inspection<'_>) -> Vec<String> {
    let mut lines = vec![inspection.summary(), inspection.origin()];
    lines.extend(inspection.question());
    lines.extend(inspection.mismatches());
    lines
}

/// Returns a token in its place in the answer.
fn around(inspection: &Inspection<'_>, token: usize) -> String {
    let (text, span) = (&inspection.run.text, inspection.run.span(token));
    // A piece of a character has its place inside it.
    let start = (0..=span.start).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    let end = (span.end..=text.len()).find(|at| text.is_char_boundary(*at)).unwrap_or(text.len());
    let before: Vec<&str> = clusters(&text[..start]).rev().take(AROUND).map(|(_, cluster)| cluster).collect();
    let before = visible_line(&before.into_iter().rev().collect::<String>());
    let after: String = clusters(&text[end..]).take(AROUND).map(|(_, cluster)| cluster).collect();
    format!("{before}[{}]{}", visible_line(&text[start..end]), fit(&visible_line(&after), 2 * AROUND))
}

/// Returns a text on one line, its spaces as they are.
fn visible_line(text: &str) -> String {
    visible(text).replace('␣', " ")
}

/// Returns the cells of one row: a token, or the pieces of one character.
fn row(inspection: &Inspection<'_>, group: &Group) -> Vec<String> {
    let tokens = &inspection.run.tokens[group.tokens.clone()];
    let [token] = tokens else { return joined(inspection, group, tokens) };
    let outcome = inspection.outcome(token);
    let mut cells =
        vec![(group.tokens.start + 1).to_string(), shown(&token.piece), probability(token.logprob)];
    cells.extend(outcome.iter().flat_map(|outcome| match outcome {
        Ok(outcome) => [
            band::share(outcome.chosen),
            band::fate(outcome.chosen.fate).to_owned(),
            band::exactness(outcome),
        ],
        Err(_) => [NONE.to_owned(), String::new(), String::new()],
    }));
    cells.push(surprisal(token.logprob));
    cells.push(Position::new(token).rank().map_or(NONE.to_owned(), |rank| rank.to_string()));
    let outcome = outcome.and_then(Result::ok);
    cells.extend(candidates(inspection, token, outcome.as_ref()));
    cells
}

/// Returns the cells of the candidates; the chosen one has a mark. With a what-if the rest that was not
/// returned follows.
fn candidates(inspection: &Inspection<'_>, token: &Token, outcome: Option<&Outcome>) -> Vec<String> {
    let mut cells = Vec::new();
    for (index, candidate) in token.candidates.iter().enumerate().take(inspection.top) {
        let mark = if token.is(candidate) { "▸" } else { " " };
        cells.extend([format!("{mark}{}", shown(&candidate.piece)), probability(candidate.logprob)]);
        cells.extend(outcome.map(|outcome| band::share(outcome.candidates[index])));
    }
    let hidden = token.candidates.len().saturating_sub(inspection.top);
    if let (Some(outcome), Some(tail), 0) = (outcome, Position::new(token).tail(), hidden) {
        cells.extend([" unseen".to_owned(), figure::percent(tail), band::interval(outcome.tail)]);
    }
    cells
}

/// Returns the cells of a character whose bytes came in several tokens: the probability is that of all
/// of them in a row, and what else there might have been stands with each piece.
fn joined(inspection: &Inspection<'_>, group: &Group, tokens: &[Token]) -> Vec<String> {
    let logprob = inspection.run.joint_logprob(group.tokens.clone());
    let has_what_if = inspection.what_if().is_some();
    let mut cells = vec![
        format!("{}–{}", group.tokens.start + 1, group.tokens.end),
        format!("{} ×{}", shown_text(&group.text), tokens.len()),
        probability(logprob),
    ];
    if has_what_if {
        let joint = inspection.joint_band(tokens).map_or(NONE.to_owned(), band::interval);
        cells.extend([joint, String::new(), String::new()]);
    }
    cells.extend([surprisal(logprob), NONE.to_owned()]);
    for token in tokens {
        cells.extend([format!(" {}", shown(&token.piece)), probability(token.logprob)]);
        if has_what_if {
            let outcome = inspection.outcome(token).and_then(Result::ok);
            cells.push(outcome.map_or(NONE.to_owned(), |outcome| band::share(outcome.chosen)));
        }
    }
    cells
}

fn surprisal(logprob: Option<f64>) -> String {
    logprob.map_or(NONE.to_owned(), |logprob| figure::bits(surprisal_bits(logprob)))
}
