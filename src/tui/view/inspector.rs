//! The token inspector: the position under the cursor, what if it were reshaped, and the answer as two
//! lines and a table of tokens.

mod answer;
mod candidates;
mod endings;
mod facts;
mod json;
mod position;
mod what_if;

use super::paint::Canvas;
use crate::app::App;
use crate::app::command::{Command, Place};
use crate::app::layout::Rect;
use crate::core::figure;
use crate::core::run::RunStatus;
use crate::core::text::width;
use crate::tui::theme::Tint;

/// Title of what is shown of the answer.
const ANSWER: &str = "answer";

pub(super) fn draw(app: &App, canvas: &mut Canvas<'_>) {
    let (frame, tokens) = (app.layout.inspector, app.layout.tokens);
    let is_focused = app.place() == Place::Inspector;
    let run = app.inspected().filter(|run| !run.tokens.is_empty());
    let title = match (run, app.inspector.current()) {
        (Some(run), Some(group)) => {
            let first = figure::whole(group.tokens.start as u64 + 1);
            let all = figure::whole(run.tokens.len() as u64);
            match group.tokens.len() {
                1 => format!("token {first} / {all}"),
                _ => format!("tokens {first}-{} / {all}", figure::whole(group.tokens.end as u64)),
            }
        }
        _ => "inspector".to_owned(),
    };
    canvas.frame(frame, &title, is_focused);
    if !tokens.is_empty() {
        canvas.frame(tokens, ANSWER, false);
    }
    match (run, app.inspector.current()) {
        (Some(run), Some(group)) if run.has_logprobs() => {
            position::draw(app, canvas, run, group);
            what_if::draw(app, canvas, run);
            answer::draw(app, canvas, run);
        }
        _ => nothing(app, canvas, frame.inner()),
    }
}

/// Draws the line that parts `area` from what stands above it in the same frame, with a title, and
/// returns the columns that are left in it. Without such a line there is nothing to draw.
fn part(canvas: &mut Canvas<'_>, app: &App, area: Rect, title: &str) -> Option<(u16, u16, u16)> {
    let frame = [app.layout.inspector, app.layout.tokens].into_iter().find(|f| f.contains(area.x, area.y))?;
    let is_first = area.y <= frame.y + 1;
    if is_first {
        // What would stand in the line stands in the frame's own.
        let is_under_title = area.x <= frame.x + 2;
        let taken = if is_under_title { u16::try_from(width(title) + 1).unwrap_or(u16::MAX) } else { 0 };
        return Some((area.x.saturating_add(taken), frame.y, area.x + area.width));
    }
    let line = canvas.theme.frame(app.place() == Place::Inspector && frame == app.layout.inspector).0;
    let [left, right] = canvas.theme.signs.tees;
    let y = area.y - 1;
    let (start, end) = (area.x - 2, area.x + area.width + 2);
    let reaches_right = end == frame.x + frame.width;
    let end = if reaches_right { end } else { area.x + area.width + 1 };
    canvas.fill(start + 1, y, end - 1, canvas.theme.signs.frame[4], line);
    if start == frame.x {
        canvas.text(start, y, start + 1, left, line);
    }
    if reaches_right {
        canvas.text(end - 1, y, end, right, line);
    }
    let dim = canvas.style(Tint::Title);
    let after = canvas.pieces(area.x - 1, y, end - 1, &[(" ", dim), (title, dim), (" ", dim)]);
    Some((after, y, area.x + area.width))
}

/// Says why there is nothing to inspect, and what to do.
fn nothing(app: &App, canvas: &mut Canvas<'_>, area: Rect) {
    let (text, dim, key) = (canvas.style(Tint::Text), canvas.style(Tint::Dim), canvas.style(Tint::Key));
    let end = area.x + area.width;
    let hint = |command| app.keymap.hint(command, Place::Composer).unwrap_or_default();
    let (what, remedies): (String, Vec<(String, String)>) = match app.inspected() {
        None => (
            "Every token of an answer stands here, with what the model nearly said instead.".to_owned(),
            Vec::new(),
        ),
        Some(run) if !run.status.is_ended() && run.text.is_empty() => {
            ("Waiting for the first token.".to_owned(), Vec::new())
        }
        Some(run) if run.request.sampling.top_logprobs.is_none() => (
            "This answer was asked for without logprobs.".to_owned(),
            vec![(hint(Command::EditParameters), "set top_logprobs, then ask again".to_owned())],
        ),
        Some(run) if matches!(run.status, RunStatus::Failed(_)) && run.text.is_empty() => (
            "The request failed, so there are no tokens.".to_owned(),
            vec![(hint(Command::Again), "ask again".to_owned())],
        ),
        Some(run) => {
            let mut remedies =
                vec![(hint(Command::ChooseModel), "choose a model that gives them".to_owned())];
            if !app.settings.endpoint().is_sandbox {
                remedies.push((hint(Command::ChooseEndpoint), "the sandbox gives them".to_owned()));
            }
            let model = &run.request.model;
            let what = match run.output_tokens() {
                Some(count) if !run.status.is_ended() => {
                    format!(
                        "{} tokens came so far: {model} sends them without logprobs.",
                        figure::count(count)
                    )
                }
                Some(_) | None => format!("{model} sent no logprobs with this answer."),
            };
            (what, remedies)
        }
    };
    let mut y = area.y + 1;
    for line in crate::markup::wrap(&what, 0..what.len(), area.width) {
        canvas.text(area.x, y, end, what.get(line).unwrap_or_default(), text);
        y += 1;
    }
    y += 1;
    for (shown, remedy) in remedies {
        canvas.text(area.x, y, end, &shown, key);
        canvas.text(area.x + 7, y, end, &remedy, dim);
        y += 1;
    }
}
