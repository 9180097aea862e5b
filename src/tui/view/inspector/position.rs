//! The position under the cursor: its candidates, what was not returned, and what follows from both.

use super::Canvas;
use super::candidates::{Columns, Row};
use crate::app::App;
use crate::app::inspector::group_logprob;
use crate::core::cut::Fate;
use crate::core::figure;
use crate::core::group::Group;
use crate::core::probability::{Position, Range, surprisal_bits};
use crate::core::reshaping::{Reshaping, Source};
use crate::core::run::Run;
use crate::core::text::{fit, visible, width};
use crate::core::tipping::{LIMIT, Tipping};
use crate::core::token::Token;
use crate::core::what_if::{Outcome, Share, WhatIf};
use crate::tui::theme::Tint;
use ratatui::style::Modifier;

pub(super) fn draw(app: &App, canvas: &mut Canvas<'_>, run: &Run, group: &Group) {
    let area = app.areas.position;
    let (x, end, bottom) = (area.x, area.x + area.width, area.y + area.height);
    let (text, dim, faint) = (canvas.style(Tint::Text), canvas.style(Tint::Dim), canvas.style(Tint::Faint));
    let strong = text.add_modifier(Modifier::BOLD);
    // Of a character in pieces the last piece is where it could still have become another one.
    let token = &run.tokens[group.tokens.end - 1];
    let position = Position::new(token);
    head(app, canvas, run, group);
    if token.candidates.is_empty() {
        canvas.text(x, area.y + 2, end, "no candidates were asked for: set top_logprobs", dim);
        return;
    }
    let outcome = app.what_if(run).and_then(Result::ok).and_then(|what_if| what_if.outcome(token).ok());
    // Where rows are few, the candidates are worth more than names and blank lines.
    let roomy = usize::from(area.height) >= token.candidates.len() + 7;
    let mut y = area.y + 1;
    let columns = columns(app, outcome.is_some());
    if roomy {
        let second = match app.inspector.sliders.reshaping() {
            Some(reshaping) if outcome.is_some() => format!("at T {:.2}", reshaping.temperature),
            _ => "sum".to_owned(),
        };
        // Of a character in pieces, these are the candidates of its last piece.
        let first = match group.tokens.len() {
            1 => "candidate".to_owned(),
            pieces => format!("piece {pieces} of {pieces}"),
        };
        columns.head(canvas, y, &first, &second);
        y += 1;
    }
    let facts = facts(app, run, token);
    // The candidates come first; below them stand the tail and what there is room for.
    let room = usize::from(bottom.saturating_sub(y + 2)).max(1);
    let listed = if token.candidates.len() > room { room.max(2) - 1 } else { token.candidates.len() };
    // One that is in hand is always on screen.
    let first = app.inspector.in_hand().map_or(0, |at| (at + 1).saturating_sub(listed));
    let mut cumulative =
        token.candidates[..first].iter().filter_map(|c| c.logprob).map(f64::exp).sum::<f64>();
    for (index, candidate) in token.candidates.iter().enumerate().skip(first).take(listed) {
        let is_chosen = token.chosen() == Some(index);
        let share = candidate.logprob.map(f64::exp);
        cumulative += share.unwrap_or(0.0);
        let row = Row {
            name: &fit(&visible(&candidate.piece.shown()), usize::from(columns.label)),
            style: if is_chosen { strong } else { text },
            is_chosen,
            is_in_hand: app.inspector.in_hand() == Some(index),
            share,
            reshaped: outcome.as_ref().map(|outcome| outcome.candidates[index]),
            cumulative: Some(cumulative.min(1.0)),
            is_tail: false,
        };
        columns.draw(canvas, y, &row);
        y += 1;
    }
    let hidden = token.candidates.len() - listed;
    if hidden > 0 {
        canvas.text(x, y, end, &format!("  … {hidden} more"), faint);
        y += 1;
    }
    if let Some(tail) = position.tail() {
        let reshaped = outcome.as_ref().map(|outcome: &Outcome| Share {
            band: outcome.tail,
            cumulative: Range::point(1.0),
            fate: Fate::Kept,
        });
        let row = Row {
            name: "unseen",
            style: dim,
            is_chosen: false,
            is_in_hand: false,
            share: Some(tail),
            reshaped,
            cumulative: None,
            is_tail: true,
        };
        columns.draw(canvas, y, &row);
        y += 1 + u16::from(roomy);
    }
    for fact in facts {
        if y >= bottom {
            break;
        }
        canvas.text(x, y, end, &fact, dim);
        y += 1;
    }
}

/// Draws the token, and its figures at the right.
fn head(app: &App, canvas: &mut Canvas<'_>, run: &Run, group: &Group) {
    let area = app.areas.position;
    let (x, y, end) = (area.x, area.y, area.x + area.width);
    let (text, dim) = (canvas.style(Tint::Text), canvas.style(Tint::Dim));
    let token = &run.tokens[group.tokens.end - 1];
    let shown = fit(&visible(&group.text), usize::from(area.width) / 2);
    let after = canvas.text(x, y, end, &shown, text.add_modifier(Modifier::BOLD));
    let after = match group.tokens.len() {
        1 => after,
        pieces => canvas.text(after, y, end, &format!(" {pieces} pieces"), dim),
    };
    let is_joined = group.tokens.len() > 1;
    let figures = match (group_logprob(run, group), Position::new(token).rank()) {
        (None, _) => "outside the list".to_owned(),
        (Some(logprob), rank) => {
            let rank = match rank {
                // A joint probability has no rank.
                _ if is_joined => String::new(),
                Some(rank) => format!("rank {rank}"),
                None if token.candidates.is_empty() => String::new(),
                None => format!("rank > {}", token.candidates.len()),
            };
            format!("{}  {}  {rank}", figure::percent(logprob.exp()), figure::bits(surprisal_bits(logprob)))
        }
    };
    canvas.right(after + 1, y, end, figures.trim_end(), text);
}

/// Returns the columns; they do not depend on the position, so that figures keep their place.
fn columns(app: &App, has_bands: bool) -> Columns {
    let area = app.areas.position;
    let label = if has_bands { area.width / 4 } else { area.width / 3 };
    Columns { x: area.x, label: label.clamp(9, 16), end: area.x + area.width, has_bands }
}

/// Returns what follows from the values, a line each, as it fits into the width.
fn facts(app: &App, run: &Run, token: &Token) -> Vec<String> {
    let width_of = usize::from(app.areas.position.width);
    let vocabulary = app.vocabulary(run);
    let position = Position::new(token);
    let mut lines = Vec::new();
    let mut put = |parts: &[Option<String>]| {
        let mut line = String::new();
        for part in parts.iter().flatten() {
            let joined = if line.is_empty() { part.clone() } else { format!("{line} · {part}") };
            if width(&joined) > width_of && !line.is_empty() {
                lines.push(std::mem::replace(&mut line, part.clone()));
            } else {
                line = joined;
            }
        }
        if !line.is_empty() {
            lines.push(line);
        }
    };
    let entropy = position.entropy_bits(vocabulary).map(|range| {
        let low = range.min.max(0.0);
        if range.width() < 0.005 {
            format!("entropy {low:.2}")
        } else {
            format!("entropy {low:.2} – {:.2}", range.max)
        }
    });
    let margin = position.margin().map(|nats| format!("margin {:.2} bits", nats / std::f64::consts::LN_2));
    let entropy = if margin.is_some() { entropy } else { entropy.map(|entropy| entropy + " bits") };
    put(&[entropy, margin]);
    let provenance = app.provenance(run);
    if let Ok(source) = Source::new(provenance, &run.request.sampling) {
        let tipping = Tipping::of(token, source, vocabulary).ok().map(tipping_text);
        let whole = Reshaping { temperature: source.temperature(), ..Reshaping::default() };
        let top_p = WhatIf::new(source, whole, vocabulary).and_then(|w| w.cutting_top_p(token)).ok();
        put(&[tipping, top_p.and_then(top_p_text)]);
    }
    let source = format!("top {} · {provenance}", token.candidates.len());
    put(&[Some(source)]);
    lines
}

/// Returns from which temperature on the chosen token is no more than one half.
fn tipping_text(tipping: Tipping) -> String {
    match tipping {
        Tipping::Always => "under 50 % at any T".to_owned(),
        Tipping::Never => format!("over 50 % up to T {LIMIT}"),
        Tipping::At { from, to: Some(to) } if to - from < 0.005 => format!("under 50 % from T {from:.2}"),
        Tipping::At { from, to: Some(to) } => format!("under 50 % from T {from:.2} – {to:.2}"),
        Tipping::At { from, to: None } => format!("under 50 % from T {from:.2} or later"),
    }
}

/// Returns which top_p would have cut the chosen token; `None` where none does.
fn top_p_text(top_p: Range) -> Option<String> {
    if top_p.max < 0.001 {
        return None;
    }
    Some(if top_p.width() < 0.001 {
        format!("cut by top_p {:.2}", top_p.min)
    } else {
        format!("cut by top_p {:.2} – {:.2}", top_p.min, top_p.max)
    })
}
