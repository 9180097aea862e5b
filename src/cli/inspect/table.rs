//! The tokens of an answer, and its close calls, as tables a person can read.
//!
//! Owns the columns, and how they are laid out at a terminal, where no line may be longer than it is
//! wide. Tokens that hold part of a character are joined to whole characters, with the number of pieces
//! beside them; the pieces follow, each with a row and candidates of its own.

use super::band;
use super::inspection::{Inspection, NONE, margin, probability, shown, shown_text};
use crate::cli::table::{Align, GAP, Table, wrapped};
use crate::core::figure;
use crate::core::group::Group;
use crate::core::probability::{Position, surprisal_bits};
use crate::core::text::{clusters, fit, visible, width};
use crate::core::token::{Candidate, Token};
use crate::core::what_if::Outcome;

/// Cells of the answer shown before and after a close call, as many of them as there is room for.
const AROUND: [usize; 5] = [18, 12, 8, 4, 1];

/// Cells by which candidates stand to the right where they have lines of their own.
const INDENT: usize = 4;

/// The heading of the candidates.
const CANDIDATES: &str = "candidates";

/// One line of the table of tokens before it is laid out.
struct Line {
    /// The cells of the token itself.
    head: Vec<String>,
    /// The cells of each candidate.
    candidates: Vec<Vec<String>>,
}

/// Returns the lines of the table of all tokens, and what is said below it, in `room` columns. Where they
/// are too few even for a token without candidates, the surprisals, which say what the probabilities say,
/// are left out.
pub(super) fn tokens(inspection: &Inspection<'_>, room: Option<usize>) -> Vec<String> {
    let mut lines = all(inspection, true, room);
    if !fits(&lines, room) {
        lines = all(inspection, false, room);
    }
    lines.push(String::new());
    lines.extend(foot(inspection, room));
    lines
}

/// Whether no line is longer than there is room for.
fn fits(lines: &[String], room: Option<usize>) -> bool {
    lines.iter().all(|line| room.is_none_or(|room| width(line) <= room))
}

/// Returns the lines of the table of all tokens, with or without their surprisals.
fn all(inspection: &Inspection<'_>, with_surprisal: bool, room: Option<usize>) -> Vec<String> {
    let mut headings = vec!["#", "token", "probability", "surprisal", "rank"];
    let mut aligns = vec![Align::Right, Align::Left, Align::Right, Align::Right, Align::Right];
    let mut of_candidate = vec![Align::Left, Align::Right];
    let mut rows: Vec<Line> = inspection.groups.iter().flat_map(|group| rows(inspection, group)).collect();
    if inspection.what_if().is_some() {
        headings.splice(3..3, ["what if", "", ""]);
        aligns.splice(3..3, [Align::Right, Align::Left, Align::Right]);
        of_candidate.push(Align::Right);
    }
    if !with_surprisal {
        let at = headings.len() - 2;
        headings.remove(at);
        aligns.remove(at);
        for row in rows.iter_mut().filter(|row| row.head.len() > at) {
            row.head.remove(at);
        }
    }
    laid_out(&headings, &aligns, &of_candidate, rows, room)
}

/// Returns the lines of the table. Where there is no room for all candidates of a token, they go on below
/// the first ones; where there is none beside the token, they stand below it.
fn laid_out(
    headings: &[&str],
    aligns: &[Align],
    of_candidate: &[Align],
    rows: Vec<Line>,
    room: Option<usize>,
) -> Vec<String> {
    let most = rows.iter().map(|row| row.candidates.len()).max().unwrap_or(0).max(1);
    let room = room.unwrap_or(usize::MAX);
    let widest = |cells: &mut dyn Iterator<Item = &String>| cells.map(|cell| width(cell)).max().unwrap_or(0);
    let column = |at: usize| {
        let head = width(headings[at]);
        head.max(widest(&mut rows.iter().filter_map(|row| row.head.get(at)))) + GAP
    };
    let head: usize = (0..headings.len()).map(column).sum();
    let of_each = |at: usize| {
        widest(&mut rows.iter().flat_map(|row| &row.candidates).filter_map(|cells| cells.get(at)))
    };
    let each: usize = (0..of_candidate.len()).map(|at| of_each(at) + GAP).sum::<usize>().max(1);
    // The first name has its heading above it, which may be wider.
    let head = head + width(CANDIDATES).saturating_sub(of_each(0));
    // No gap stands behind the last column.
    let fits = |before: usize| room.saturating_add(GAP).saturating_sub(before) / each;
    let (is_beside, count) = match fits(head) {
        0 => (false, fits(INDENT).clamp(1, most)),
        count => (true, count.min(most)),
    };
    let first = if is_beside { headings.len() } else { 1 };
    let mut table = Table::new(&if is_beside { [headings, &[CANDIDATES]].concat() } else { vec![""] });
    let mut heads = Table::new(headings);
    let mut below = Vec::new();
    for Line { head, candidates } in rows {
        let mut chunks = candidates.chunks(count).map(<[_]>::concat);
        if is_beside {
            table.row([head, chunks.next().unwrap_or_default()].concat());
        } else {
            heads.row(head);
        }
        below.push(chunks.len());
        for chunk in chunks {
            table.row([vec![String::new(); first], chunk].concat());
        }
    }
    let of_candidates = of_candidate.repeat(count);
    if is_beside {
        return table.lines(&[aligns, &of_candidates].concat());
    }
    let mut lines = table.lines(&[&[Align::Left][..], &of_candidates].concat()).into_iter().skip(1);
    let mut heads = heads.lines(aligns).into_iter();
    let mut out: Vec<String> = heads.next().into_iter().collect();
    for (head, below) in heads.zip(below) {
        out.push(head);
        let indented = |line: String| format!("{}{line}", " ".repeat(INDENT - GAP));
        out.extend(lines.by_ref().take(below).map(indented));
    }
    out
}

/// Returns the lines of the table of close calls, and what is said below it, in `room` columns.
pub(super) fn close_calls(inspection: &Inspection<'_>, room: Option<usize>) -> Vec<String> {
    let tables = AROUND.into_iter().map(|around| calls(inspection, around));
    let mut lines = Vec::new();
    for table in tables {
        lines = table;
        if fits(&lines, room) {
            break;
        }
    }
    lines.push(String::new());
    lines.extend(foot(inspection, room));
    lines
}

/// Returns the lines of the table of close calls, with so much of the answer around each.
fn calls(inspection: &Inspection<'_>, cells: usize) -> Vec<String> {
    let mut headings = vec!["#", "token", "probability", "instead", "probability", "margin", "in"];
    let mut aligns = vec![Align::Right, Align::Left, Align::Right, Align::Left, Align::Right, Align::Right];
    if inspection.what_if().is_some() {
        headings.insert(3, "what if");
        aligns.insert(3, Align::Right);
    }
    let mut table = Table::new(&headings);
    for call in &inspection.close_calls {
        let token = &inspection.run.tokens[call.index];
        let other = Position::new(token).runner_up();
        let mut cells = vec![
            (call.index + 1).to_string(),
            shown(&token.piece),
            probability(token.logprob),
            other.map_or(NONE.to_owned(), |other| shown(&other.piece)),
            probability(other.and_then(|other| other.logprob)),
            margin(call),
            around(inspection, call.index, cells),
        ];
        if let Some(outcome) = inspection.outcome(token) {
            cells.insert(3, outcome.map_or(NONE.to_owned(), |outcome| band::share(outcome.chosen)));
        }
        table.row(cells);
    }
    table.lines(&aligns)
}

/// Returns what is said below a table.
fn foot(inspection: &Inspection<'_>, room: Option<usize>) -> Vec<String> {
    let lines = [inspection.summary(), inspection.origin()].into_iter().chain(inspection.notes());
    match room {
        None => lines.collect(),
        Some(room) => lines.flat_map(|line| wrapped(&line, room)).collect(),
    }
}

/// Returns a token in its place in the answer, with so many characters on either side.
fn around(inspection: &Inspection<'_>, token: usize, cells: usize) -> String {
    let (text, span) = (&inspection.run.text, inspection.run.span(token));
    // A piece of a character has its place inside it.
    let start = (0..=span.start).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    let end = (span.end..=text.len()).find(|at| text.is_char_boundary(*at)).unwrap_or(text.len());
    let before: Vec<&str> = clusters(&text[..start]).rev().take(cells).map(|(_, cluster)| cluster).collect();
    let before = visible_line(&before.into_iter().rev().collect::<String>());
    let after: String = clusters(&text[end..]).take(cells).map(|(_, cluster)| cluster).collect();
    format!("{before}[{}]{}", visible_line(&text[start..end]), fit(&visible_line(&after), 2 * cells))
}

/// Returns a text on one line, its spaces as they are.
fn visible_line(text: &str) -> String {
    visible(text).replace('␣', " ")
}

/// Returns the rows of a group: a token; or a character whose bytes came in several tokens, with the
/// probability of all of them in a row, and below it each piece with what else there might have been.
fn rows(inspection: &Inspection<'_>, group: &Group) -> Vec<Line> {
    let tokens = group.tokens.clone();
    if tokens.len() == 1 {
        return vec![row(inspection, tokens.start, "")];
    }
    let last = tokens.end - 1;
    let piece = |index| row(inspection, index, if index == last { "└ " } else { "├ " });
    std::iter::once(joined(inspection, group)).chain(tokens.map(piece)).collect()
}

/// Returns the row of a token, with a sign before its text where it is a piece of a character.
fn row(inspection: &Inspection<'_>, index: usize, sign: &str) -> Line {
    let token = &inspection.run.tokens[index];
    let outcome = inspection.outcome(token);
    let mut head =
        vec![(index + 1).to_string(), format!("{sign}{}", shown(&token.piece)), probability(token.logprob)];
    head.extend(outcome.iter().flat_map(|outcome| match outcome {
        Ok(outcome) => [
            band::share(outcome.chosen),
            band::fate(outcome.chosen.fate).to_owned(),
            figure::exactness(outcome.chosen.band),
        ],
        Err(_) => [NONE.to_owned(), String::new(), String::new()],
    }));
    head.push(surprisal(token.logprob));
    head.push(Position::new(token).rank_text());
    let outcome = outcome.and_then(Result::ok);
    Line { head, candidates: candidates(inspection, token, outcome.as_ref()) }
}

/// Returns the cells of the candidates; the chosen one has a mark. With a what-if the rest that was not
/// returned follows.
fn candidates(inspection: &Inspection<'_>, token: &Token, outcome: Option<&Outcome>) -> Vec<Vec<String>> {
    let chosen = token.chosen();
    let cells = |(index, candidate): (usize, &Candidate)| {
        let mark = if chosen == Some(index) { "▸" } else { " " };
        let mut cells = vec![format!("{mark}{}", shown(&candidate.piece)), probability(candidate.logprob)];
        cells.extend(outcome.map(|outcome| band::share(outcome.candidates[index])));
        cells
    };
    let mut all: Vec<_> = token.candidates.iter().enumerate().take(inspection.top).map(cells).collect();
    let hidden = token.candidates.len().saturating_sub(inspection.top);
    if let (Some(outcome), Some(tail), 0) = (outcome, Position::new(token).tail(), hidden) {
        all.push(vec![" unseen".to_owned(), figure::percent(tail), figure::interval(outcome.tail)]);
    }
    all
}

/// Returns the row of a character whose bytes came in several tokens.
fn joined(inspection: &Inspection<'_>, group: &Group) -> Line {
    let logprob = inspection.run.joint_logprob(group.tokens.clone());
    let mut head = vec![
        format!("{}–{}", group.tokens.start + 1, group.tokens.end),
        format!("{} ×{}", shown_text(&group.text), group.tokens.len()),
        probability(logprob),
    ];
    if inspection.what_if().is_some() {
        let joint = inspection.joint_band(&inspection.run.tokens[group.tokens.clone()]);
        let exact = joint.map_or(String::new(), figure::exactness);
        head.extend([joint.map_or(NONE.to_owned(), figure::interval), String::new(), exact]);
    }
    head.extend([surprisal(logprob), NONE.to_owned()]);
    Line { head, candidates: Vec::new() }
}

fn surprisal(logprob: Option<f64>) -> String {
    logprob.map_or(NONE.to_owned(), |logprob| figure::bits(surprisal_bits(logprob)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(room: Option<usize>) -> Vec<String> {
        let cells = |cells: &[&str]| cells.iter().map(|cell| (*cell).to_owned()).collect::<Vec<_>>();
        let rows = vec![
            Line {
                head: cells(&["1", "panda"]),
                candidates: [["▸panda", "50.0 %"], [" 곰", "30.0 %"], [" a", "9.0 %"]]
                    .map(|c| cells(&c))
                    .into(),
            },
            Line { head: cells(&["2–3", "한 ×2"]), candidates: Vec::new() },
        ];
        laid_out(&["#", "token"], &[Align::Right, Align::Left], &[Align::Left, Align::Right], rows, room)
    }

    #[test]
    fn candidates_stand_beside_the_token_as_far_as_there_is_room_and_below_it_else() {
        let wide = [
            "  #  token  candidates",
            "  1  panda  ▸panda      50.0 %   곰  30.0 %   a  9.0 %",
            "2–3  한 ×2",
        ];
        assert_eq!(lines(None), wide);
        assert_eq!(lines(Some(62)), wide);
        let beside = [
            "  #  token  candidates",
            "  1  panda  ▸panda      50.0 %",
            "             곰         30.0 %",
            "             a           9.0 %",
            "2–3  한 ×2",
        ];
        assert_eq!(lines(Some(30)), beside);
        let below = [
            "  #  token",
            "  1  panda",
            "    ▸panda  50.0 %",
            "     곰     30.0 %",
            "     a       9.0 %",
            "2–3  한 ×2",
        ];
        assert_eq!(lines(Some(29)), below);
        assert_eq!(lines(Some(1)), below);
    }
}
