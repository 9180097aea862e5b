//! The position under the cursor: its candidates, what was not returned, and what follows from both.

use super::Canvas;
use super::candidates::{Columns, Head, Row};
use super::facts::facts;
use crate::app::App;
use crate::app::inspector::{group_logprob, least_certain, settings};
use crate::core::cut::Fate;
use crate::core::figure;
use crate::core::group::Group;
use crate::core::probability::{Position, Range, surprisal_bits};
use crate::core::provenance::Stage;
use crate::core::run::Run;
use crate::core::text::{fit, visible, width};
use crate::core::token::Token;
use crate::core::what_if::{Outcome, Share};
use crate::tui::theme::Tint;
use ratatui::style::Modifier;

/// Rows from which the columns have names.
const NAMED: u16 = 6;

pub(super) fn draw(app: &App, canvas: &mut Canvas<'_>, run: &Run, group: &Group) {
    let area = app.areas.position;
    let (x, end, bottom) = (area.x, area.x + area.width, area.y + area.height);
    let (dim, faint) = (canvas.style(Tint::Dim), canvas.style(Tint::Faint));
    let at = least_certain(run, group);
    let token = &run.tokens[at];
    head(app, canvas, run, group);
    if token.candidates.is_empty() {
        canvas.text(x, area.y + 2, end, "no candidates were asked for: set top_logprobs", dim);
        return;
    }
    let in_force = app.in_force(run);
    let outcome = in_force.and_then(|(_, what_if)| what_if.outcome(token).ok());
    let mut y = area.y + 1;
    let columns = columns(app, in_force.is_some());
    if area.height >= NAMED {
        // Of a character in pieces, these are the candidates of one piece.
        let first = match group.tokens.len() {
            1 => "candidate".to_owned(),
            pieces if columns.label < 12 => format!("piece {}/{pieces}", at - group.tokens.start + 1),
            pieces => format!("piece {} of {pieces}", at - group.tokens.start + 1),
        };
        let settings = in_force.map_or_else(Vec::new, |(reshaping, _)| {
            let [long, short] = settings(&reshaping);
            vec![format!("at {long}"), long, format!("at {short}"), short, "as set below".to_owned()]
        });
        columns.head(
            canvas,
            y,
            &Head { first: &first, reported: reported_at(app, run), settings: &settings },
        );
        y += 1;
    }
    let tail = tail(token, outcome.as_ref());
    let unlisted = unlisted(token, outcome.as_ref());
    // Below the candidates stand the chosen token where it is not among them, the tail, and to what all
    // of it belongs.
    let below = 1 + u16::from(tail.is_some()) + u16::from(unlisted.is_some());
    let room = usize::from(bottom.saturating_sub(y + below)).max(1);
    let listed = if token.candidates.len() > room { room.max(2) - 1 } else { token.candidates.len() };
    // One that is in hand is always on screen.
    let first = app.inspector.in_hand().map_or(0, |at| (at + 1).saturating_sub(listed));
    for row in candidates(app, token, outcome.as_ref()).skip(first).take(listed) {
        columns.draw(canvas, y, &row);
        y += 1;
    }
    let hidden = token.candidates.len() - listed;
    if hidden > 0 {
        canvas.text(x, y, end, &format!("  … {hidden} more"), faint);
        y += 1;
    }
    for row in unlisted.iter().chain(&tail) {
        columns.draw(canvas, y, row);
        y += 1;
    }
    let facts = facts(app, run, token);
    y += u16::from(usize::from(bottom.saturating_sub(y)) > facts.len());
    for (y, fact) in (y..bottom).zip(facts) {
        canvas.text(x, y, end, &fact, dim);
    }
}

/// Returns what stands above the reported values: at which temperature they are.
pub(super) fn reported_at(app: &App, run: &Run) -> &'static str {
    match app.provenance(run).stage {
        Stage::BeforeTemperature => "p at T 1",
        Stage::AfterTemperature => "p after T",
    }
}

/// Returns the rows of the candidates, in the server's order.
fn candidates<'a>(
    app: &'a App,
    token: &'a Token,
    outcome: Option<&'a Outcome>,
) -> impl Iterator<Item = Row> + use<'a> {
    let mut cumulative = 0.0;
    token.candidates.iter().enumerate().map(move |(index, candidate)| {
        let share = candidate.logprob.map(f64::exp);
        cumulative += share.unwrap_or(0.0);
        Row {
            name: visible(&candidate.piece.shown()),
            is_chosen: token.chosen() == Some(index),
            is_in_hand: app.inspector.in_hand() == Some(index),
            share,
            reshaped: outcome.and_then(|outcome| outcome.candidates.get(index).copied()),
            cumulative: Some(f64::min(cumulative, 1.0)),
            is_tail: false,
        }
    })
}

/// Returns the row of the chosen token where it is not among the candidates.
fn unlisted(token: &Token, outcome: Option<&Outcome>) -> Option<Row> {
    token.chosen().is_none().then(|| Row {
        name: visible(&token.piece.shown()),
        is_chosen: true,
        is_in_hand: false,
        share: token.logprob.map(f64::exp),
        reshaped: outcome.map(|outcome| outcome.chosen),
        cumulative: None,
        is_tail: false,
    })
}

/// Returns the row of what was not returned.
fn tail(token: &Token, outcome: Option<&Outcome>) -> Option<Row> {
    let share = Position::new(token).tail()?;
    let reshaped =
        outcome.map(|outcome| Share { band: outcome.tail, cumulative: Range::point(1.0), fate: Fate::Kept });
    Some(Row {
        name: "unseen".to_owned(),
        is_chosen: false,
        is_in_hand: false,
        share: Some(share),
        reshaped,
        cumulative: None,
        is_tail: true,
    })
}

/// Draws the token, and its figures at the right: as reported, and said to be while a what-if is on.
fn head(app: &App, canvas: &mut Canvas<'_>, run: &Run, group: &Group) {
    let area = app.areas.position;
    let (x, y, end) = (area.x, area.y, area.x + area.width);
    let (text, dim) = (canvas.style(Tint::Text), canvas.style(Tint::Dim));
    let token = &run.tokens[least_certain(run, group)];
    let shown = fit(&visible(&group.text), usize::from(area.width) / 2);
    let mut after = canvas.text(x, y, end, &shown, text.add_modifier(Modifier::BOLD));
    let is_joined = group.tokens.len() > 1;
    if is_joined {
        after = canvas.text(after, y, end, &format!(" {} pieces", group.tokens.len()), dim);
    }
    let reported = if app.inspector.sliders.reshaping().is_some() { "reported " } else { "" };
    let Some(logprob) = group_logprob(run, group) else {
        canvas.right(after + 1, y, end, &format!("{reported}outside the list"), text);
        return;
    };
    let percent = figure::percent(logprob.exp());
    let bits = figure::bits(surprisal_bits(logprob));
    let rank = match Position::new(token).rank() {
        // A joint probability has no rank.
        _ if is_joined => String::new(),
        Some(rank) => format!("  rank {rank}"),
        None if token.candidates.is_empty() => String::new(),
        None => format!("  rank > {}", token.candidates.len()),
    };
    let wordings = [
        format!("{reported}{percent}  {bits}{rank}"),
        format!("{reported}{percent}  {bits}"),
        format!("{reported}{percent}"),
    ];
    let room = usize::from(end.saturating_sub(after + 1));
    let figures = wordings.iter().find(|wording| width(wording) <= room);
    canvas.right(after + 1, y, end, figures.map_or(percent.as_str(), String::as_str), text);
}

/// Returns the columns; they do not depend on the position, so that figures keep their place.
fn columns(app: &App, has_bands: bool) -> Columns {
    let area = app.areas.position;
    let label = if has_bands { area.width / 4 } else { area.width / 3 };
    let columns = Columns {
        x: area.x,
        label: label.clamp(10, 16),
        end: area.x + area.width,
        has_bands,
        has_sums: false,
    };
    columns.with_sums()
}
