//! An answer that is JSON: its values with how sure the model was of each, and for the one under the
//! cursor what else could have been written.

use super::Canvas;
use crate::app::App;
use crate::app::inspector::Json;
use crate::core::figure;
use crate::core::run::Run;
use crate::core::text::{fit, visible, width};
use crate::structured::alternatives::Choice;
use crate::structured::document::Step;
use crate::structured::tree::{Row, Tree};
use crate::tui::theme::Tint;
use ratatui::style::Style;

/// Most lines that say more of the value under the cursor.
const DETAILS: u16 = 6;

pub(super) fn draw(app: &App, canvas: &mut Canvas<'_>, run: &Run) {
    let area = app.areas.table;
    let Some(json) = &app.inspector.json else { return };
    let (x, end, bottom) = (area.x, area.x + area.width, area.y + area.height);
    let tree = &json.tree;
    let token = app.inspector.current().map_or(0, |group| group.tokens.start);
    let current = json.row_of(token);
    let details = details(json, run, current);
    let below = u16::try_from(details.len()).unwrap_or(DETAILS).min(DETAILS).min(area.height / 2);
    let rows = usize::from((area.height - below).saturating_sub(1)).max(1);
    let first = (current + 2).saturating_sub(rows).min(tree.rows.len().saturating_sub(rows));
    for (y, index) in (area.y..).zip(first..tree.rows.len()).take(rows) {
        row(canvas, (x, y, end), tree, index);
        if index == current {
            let style = canvas.style(Tint::Selection);
            canvas.tint(x, y, end, style);
        }
    }
    let start = bottom - below;
    for (y, (text, tint)) in (start..bottom).zip(details) {
        let style = canvas.style(tint);
        canvas.text(x, y, end, &fit(&text, usize::from(area.width)), style);
    }
}

fn row(canvas: &mut Canvas<'_>, (x, y, end): (u16, u16, u16), tree: &Tree, index: usize) {
    let (text, dim) = (canvas.style(Tint::Text), canvas.style(Tint::Dim));
    let (row, node) = (&tree.rows[index], &tree.document.nodes[index]);
    let depth = u16::try_from(node.depth * 2).unwrap_or(u16::MAX).min((end - x) / 2);
    let name = match &node.step {
        Step::Root => String::new(),
        Step::Member { name, .. } => format!("{}: ", visible(name)),
        Step::Item(item) => format!("[{item}] "),
    };
    let share = share(row);
    let share_width = u16::try_from(width(&share)).unwrap_or(0);
    canvas.right(x, y, end, &share, share_style(canvas, row));
    let room = end.saturating_sub(share_width + 1);
    let at = canvas.text(x + depth, y, room, &name, dim);
    let value = match node.children {
        _ if !row.value.is_empty() => visible(&row.value),
        0 => "empty".to_owned(),
        1 => "1 value".to_owned(),
        count => format!("{count} values"),
    };
    let is_wrong = !row.violations.is_empty() || row.has_fault || row.repeats_key;
    let style = if is_wrong {
        canvas.style(Tint::Error)
    } else if row.value.is_empty() {
        dim
    } else {
        text
    };
    canvas.text(at, y, room, &fit(&value, usize::from(room.saturating_sub(at))), style);
}

/// Returns the probability of a value.
fn share(row: &Row) -> String {
    let probability = row.confidence.as_ref().and_then(|confidence| confidence.probability);
    probability.map_or_else(String::new, figure::interval)
}

/// Returns a style that warns of a value with a token the model was not sure of.
fn share_style(canvas: &Canvas<'_>, row: &Row) -> Style {
    let lowest = row.confidence.as_ref().and_then(|confidence| confidence.lowest.as_ref());
    let is_unsure = lowest.is_some_and(|lowest| lowest.logprob.exp() < 0.5);
    canvas.style(if is_unsure { Tint::Warning } else { Tint::Text })
}

/// Returns what is known of a value: where it is, its weakest token, what else was possible, what is
/// wrong.
fn details(json: &Json, run: &Run, index: usize) -> Vec<(String, Tint)> {
    let tree = &json.tree;
    let mut lines = Vec::new();
    let Some(row) = tree.rows.get(index) else {
        let what = tree.document.fault.as_ref().map_or("no value yet".to_owned(), ToString::to_string);
        return vec![(what, Tint::Error)];
    };
    let path = tree.document.path(index);
    let lowest = row.confidence.as_ref().and_then(|confidence| confidence.lowest.as_ref());
    lines.push(match lowest.and_then(|lowest| Some((lowest, run.tokens.get(lowest.token)?))) {
        Some((lowest, token)) => {
            let shown = visible(&token.piece.shown());
            (format!("{path} · lowest {shown} {}", figure::percent(lowest.logprob.exp())), Tint::Dim)
        }
        None => (path, Tint::Dim),
    });
    for choice in &row.choices {
        lines.push((choice_text(choice), Tint::Text));
    }
    for violation in row.violations.iter().filter_map(|at| tree.verdict.as_ref()?.violations.get(*at)) {
        lines.push((violation.to_string(), Tint::Error));
    }
    if let Some(fault) = &tree.document.fault {
        lines.push((fault.to_string(), Tint::Error));
    }
    let notes = [
        tree.note().map(str::to_owned),
        (!tree.is_aligned).then(|| "tokens do not match the text".to_owned()),
        tree.document.is_fenced.then(|| "in a code fence".to_owned()),
        tree.verdict
            .as_ref()
            .filter(|verdict| verdict.violations.is_empty())
            .map(|_| "schema kept".to_owned()),
    ];
    let notes: Vec<String> = notes.into_iter().flatten().collect();
    if !notes.is_empty() {
        lines.push((notes.join(" · "), Tint::Faint));
    }
    lines
}

/// Returns the values among which one was chosen, with the probabilities as reported.
fn choice_text(choice: &Choice) -> String {
    let mut parts: Vec<String> = choice
        .alternatives
        .iter()
        .map(|alternative| {
            let more = if alternative.is_whole { "" } else { "…" };
            format!("{}{more} {}", visible(&alternative.value), figure::percent(alternative.reported))
        })
        .collect();
    for (name, mass) in [("other", choice.other), ("unseen", choice.unseen)] {
        if mass >= 0.0005 {
            parts.push(format!("{name} {}", figure::percent(mass)));
        }
    }
    parts.join(" · ")
}
