//! The endings of an answer: a tree of what came of its tokens and of the candidates beside them, each
//! with how probable its whole path was.

use super::super::transcript::tokens;
use super::Canvas;
use crate::app::App;
use crate::app::inspector::endings;
use crate::app::layout::ENDING_ROWS;
use crate::core::figure;
use crate::core::run::{Run, RunStatus};
use crate::core::text::{fit, visible, width};
use crate::tui::theme::Tint;
use ratatui::style::Modifier;

pub(super) fn draw(app: &App, canvas: &mut Canvas<'_>, run: &Run) {
    let area = app.areas.table;
    let (x, end, bottom) = (area.x, area.x + area.width, area.y + area.height);
    let (text, dim, accent) = (canvas.style(Tint::Text), canvas.style(Tint::Dim), canvas.style(Tint::Accent));
    let variants = app.siblings(run.id);
    let tree = endings(&variants);
    let chosen = app.inspector.ending.unwrap_or(run.id);
    let at = tree.iter().position(|ending| variants[ending.index].id == chosen).unwrap_or(0);
    let room = (usize::from(area.height) / ENDING_ROWS).max(1);
    let first = (at + 1).saturating_sub(room);
    let mut y = area.y;
    for ending in tree.iter().skip(first).take(room) {
        let own = &variants[ending.index];
        let is_shown = own.id == run.id;
        if is_shown {
            canvas.text(x, y, end, canvas.theme.signs.pointer, accent);
        }
        let indent = u16::try_from(ending.depth * 2).unwrap_or(u16::MAX).min(area.width / 3);
        let start = x + 2 + indent;
        let path = path(own);
        let path_width = u16::try_from(width(&path)).unwrap_or(0);
        canvas.right(start, y, end, &path, dim);
        let style = if is_shown { text.add_modifier(Modifier::BOLD) } else { text };
        let name = fit(&name(own), usize::from(end.saturating_sub(start + path_width + 1)));
        canvas.text(start, y, end, &name, style);
        if y + 1 < bottom {
            let tokens = tokens(own).unwrap_or_default();
            canvas.right(start, y + 1, end, &tokens, dim);
            let room = usize::from(end.saturating_sub(start)).saturating_sub(width(&tokens) + 1);
            canvas.text(start, y + 1, end, &fit(&words(own), room), dim);
        }
        if own.id == chosen && variants.len() > 1 {
            let style = canvas.style(Tint::Selection);
            (y..bottom).take(ENDING_ROWS).for_each(|y| canvas.tint(x, y, end, style));
        }
        y += 2;
    }
}

/// Returns what an ending is: where it leaves another one and by what means, or how it was asked for.
fn name(run: &Run) -> String {
    match run.branch {
        Some(branch) => {
            let token = run.tokens.get(branch.at).map(|token| visible(&token.piece.shown()));
            format!("token {}: {} · {}", branch.at + 1, token.unwrap_or_default(), branch.badge())
        }
        None => match run.request.sampling.temperature {
            Some(temperature) => format!("as asked, T {}", figure::parameter(temperature)),
            None => "as asked".to_owned(),
        },
    }
}

/// Returns how probable the whole path was, and that it is not whole.
fn path(run: &Run) -> String {
    let joint = run.joint_logprob(0..run.tokens.len());
    let joint = joint.map_or_else(String::new, |joint| format!("ln p {joint:.1}"));
    match &run.status {
        RunStatus::Failed(_) => "failed".to_owned(),
        RunStatus::Cancelled => format!("{joint} · stopped"),
        RunStatus::Queued
        | RunStatus::Connecting
        | RunStatus::Waiting { .. }
        | RunStatus::Streaming
        | RunStatus::Done(_) => joint,
    }
}

/// Returns the first words of an ending; what it shares with another one is folded.
fn words(run: &Run) -> String {
    let from = run.branch.map_or(0, |branch| run.span(branch.at).start);
    let own = run.text.get(from..).unwrap_or_default();
    let own: String = own.chars().take(200).map(|c| if c.is_whitespace() { ' ' } else { c }).collect();
    if from > 0 { format!("…{own}") } else { own }
}
