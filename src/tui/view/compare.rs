//! The comparison: a line with the axis, and a column for each temperature.

use super::invitation::{Invitation, invite};
use super::paint::Canvas;
use super::rows::{Overlaid, draw_row};
use super::transcript::{scale, status_text};
use crate::app::App;
use crate::app::command::{Command, Place};
use crate::app::compare::{Column, figure_rows, text_area};
use crate::app::layout::Rect;
use crate::app::msg::DocumentKey;
use crate::app::transcript::silence_ms;
use crate::core::figure;
use crate::core::run::{Run, RunStatus};
use crate::core::text::{fit, width};
use crate::tui::theme::Tint;

pub(super) fn draw(app: &App, canvas: &mut Canvas<'_>) {
    let area = app.layout.transcript;
    if area.is_empty() {
        return;
    }
    axis(app, canvas, Rect { height: 1, ..area });
    let grid = area.below_axis();
    if app.compare.columns.is_empty() {
        canvas.frame(grid, "compare", app.place() == Place::Grid);
        empty(app, canvas, grid.inner());
        return;
    }
    for (index, frame) in app.compare.cells(grid) {
        column(app, canvas, frame, index);
    }
}

/// Draws the temperatures, which of them are on screen, and what running them takes.
fn axis(app: &App, canvas: &mut Canvas<'_>, area: Rect) {
    let (dim, faint, text) = (canvas.style(Tint::Dim), canvas.style(Tint::Faint), canvas.style(Tint::Text));
    let compare = &app.compare;
    let end = area.x + area.width - 1;
    let requests = compare.temperatures.len() * compare.repeats as usize;
    let plural = if requests == 1 { "" } else { "s" };
    let each = if compare.repeats > 1 { format!("× {} ", compare.repeats) } else { String::new() };
    let right = format!("{each}= {requests} request{plural}");
    let mut x = canvas.text(area.x + 1, area.y, end, "temperature ", dim);
    let shown = compare.first..compare.first + compare.visible;
    let room = end.saturating_sub(u16::try_from(width(&right)).unwrap_or(0) + 8);
    for (index, temperature) in compare.temperatures.iter().enumerate() {
        let is_column =
            compare.columns.get(index).is_some_and(|c| c.temperature.total_cmp(temperature).is_eq());
        let style = match is_column {
            true if index == compare.cursor => {
                canvas.style(Tint::Accent).add_modifier(ratatui::style::Modifier::BOLD)
            }
            true if shown.contains(&index) => text,
            _ => dim,
        };
        if x >= room {
            x = canvas.text(x, area.y, end, "… ", faint);
            break;
        }
        x = canvas.pieces(x, area.y, end, &[(&figure::parameter(*temperature), style), (" ", dim)]);
    }
    let x = canvas.text(x, area.y, end, &right, dim);
    let key = app.keymap.hint(Command::EditTemperatures, Place::Composer).unwrap_or_default();
    let hidden = compare.columns.len().saturating_sub(compare.visible);
    let more = if hidden > 0 {
        format!("{} of {} columns  ", compare.visible, compare.columns.len())
    } else {
        String::new()
    };
    let mut end = end;
    // The legend comes first: colours without one say nothing.
    if let Some((unit, steps)) = app.heat.legend() {
        let cells = steps.iter().map(|step| width(step) + 2).sum::<usize>();
        for unit in [unit, ""] {
            let needed = u16::try_from(cells + width(unit) + 1).unwrap_or(u16::MAX);
            if x.saturating_add(needed) < end {
                let start = canvas.pieces(end - needed, area.y, end, &[(unit, dim), (" ", dim)]);
                scale(canvas, (start, area.y, end), &steps);
                end -= needed + 2;
                break;
            }
        }
    }
    for tail in [format!("{more}{key} edits"), more] {
        if !tail.is_empty() && x + 2 + u16::try_from(width(&tail)).unwrap_or(u16::MAX) <= end {
            canvas.right(x, area.y, end, &tail, faint);
            break;
        }
    }
}

fn column(app: &App, canvas: &mut Canvas<'_>, frame: Rect, index: usize) {
    let column = &app.compare.columns[index];
    let run = column.run();
    let is_focused = index == app.compare.cursor && app.place() == Place::Grid;
    let sample = match column.runs.len() {
        1 => String::new(),
        count => format!(" · {}/{count}", column.shown + 1),
    };
    let title = format!("T {}{sample}", figure::parameter(column.temperature));
    canvas.frame(frame, &title, is_focused);
    answer(app, canvas, text_area(frame), column);
    figures(app, canvas, frame, run, is_focused);
}

fn answer(app: &App, canvas: &mut Canvas<'_>, area: Rect, column: &Column) {
    let run = column.run();
    let (x, end) = (area.x, area.x + area.width);
    let text = Overlaid::answer(app, run, canvas.style(Tint::Text));
    let fault = Overlaid::plain(canvas.style(Tint::Error));
    let body = app.documents.get(DocumentKey::Run(run.id)).filter(|_| !run.text.is_empty());
    let note =
        app.documents.get(DocumentKey::Fault(run.id)).filter(|_| matches!(run.status, RunStatus::Failed(_)));
    if body.is_none() && note.is_none() {
        let status = fit(&status_text(app, run), usize::from(area.width));
        let style = canvas.style(Tint::Dim);
        canvas.text(x, area.y, end, &status, style);
        return;
    }
    let body_rows = body.map_or(0, crate::markup::Document::row_count);
    for (y, row) in (area.y..area.y + area.height).zip(column.top..) {
        match (body, note) {
            (Some(document), _) if row < body_rows => draw_row(canvas, (x, y, end), (document, row), &text),
            (_, Some(document)) if row - body_rows < document.row_count() => {
                draw_row(canvas, (x, y, end), (document, row - body_rows), &fault);
            }
            _ => break,
        }
    }
}

/// Draws what is known of a column's answer under it.
fn figures(app: &App, canvas: &mut Canvas<'_>, frame: Rect, run: &Run, is_focused: bool) {
    let inner = frame.inner();
    let (x, end) = (inner.x, inner.x + inner.width);
    let rows = figure_rows(inner.height);
    let line = inner.y + inner.height - rows;
    let (text, dim) = (canvas.style(Tint::Text), canvas.style(Tint::Dim));
    let (state, tint) = state(app, run);
    let state_style = canvas.style(tint);
    let count = run.output_tokens().map(figure::count);
    let tokens = count.as_ref().map_or_else(String::new, |count| format!("{count} tok"));
    let tally = run.tally();
    match rows {
        0 => return,
        1 => {
            let perplexity = tally.perplexity().map(figure::perplexity);
            let perplexity = perplexity.map_or_else(String::new, |perplexity| format!("ppl {perplexity}"));
            let mut x = canvas.text(x, line, end, &state, state_style);
            for figure in [tokens, perplexity] {
                let needed = u16::try_from(width(&figure)).unwrap_or(u16::MAX);
                if !figure.is_empty() && x.saturating_add(needed + 3) <= end {
                    x = canvas.pieces(x, line, end, &[(" · ", dim), (&figure, text)]);
                }
            }
            return;
        }
        _ => {}
    }
    let (style, [left, right]) = (canvas.theme.frame(is_focused).0, canvas.theme.signs.tees);
    canvas.text(frame.x, line, frame.x + 1, left, style);
    canvas.fill(frame.x + 1, line, frame.x + frame.width - 1, canvas.theme.signs.frame[4], style);
    canvas.text(frame.x + frame.width - 1, line, frame.x + frame.width, right, style);
    let after = canvas.text(x, line + 1, end, &state, state_style) + 1;
    let fits = |text: &String| usize::from(end.saturating_sub(after)) >= width(text);
    if let Some(tokens) = [tokens, count.unwrap_or_default()].iter().find(|tokens| fits(tokens)) {
        canvas.right(after, line + 1, end, tokens, text);
    }
    let first =
        run.first_token_ms().map_or_else(String::new, |ms| format!("{} first", figure::duration_ms(ms)));
    let rate = run.tokens_per_s().map_or_else(String::new, figure::rate);
    let after = canvas.text(x, line + 2, end, &first, dim);
    canvas.right(after + 1, line + 2, end, &rate, dim);
    match (tally.perplexity(), tally.mean_surprisal_bits()) {
        (Some(perplexity), Some(bits)) => {
            let perplexity = figure::perplexity(perplexity);
            let after = canvas.pieces(x, line + 3, end, &[("ppl ", dim), (&perplexity, text)]);
            canvas.right(after + 1, line + 3, end, &figure::bits(bits), dim);
        }
        _ if matches!(run.status, RunStatus::Done(_)) => {
            canvas.text(x, line + 3, end, "no logprobs", dim);
        }
        _ => {}
    }
}

/// Returns where an answer stands, in a word.
fn state(app: &App, run: &Run) -> (String, Tint) {
    match &run.status {
        RunStatus::Queued => ("queued".to_owned(), Tint::Dim),
        RunStatus::Connecting => (format!("{} connecting", app.spinner()), Tint::Dim),
        RunStatus::Waiting { .. } => (format!("{} retrying", app.spinner()), Tint::Warning),
        RunStatus::Streaming => match silence_ms(run, app.now) {
            Some(silence) => {
                (format!("{} silent {}", app.spinner(), figure::duration_ms(silence)), Tint::Warning)
            }
            None => (format!("{} streaming", app.spinner()), Tint::Text),
        },
        RunStatus::Done(reason) => (fit(reason.name(), 16), Tint::Ok),
        RunStatus::Failed(fault) if fault.param.is_some() => ("refused".to_owned(), Tint::Error),
        RunStatus::Failed(_) => ("failed".to_owned(), Tint::Error),
        RunStatus::Cancelled => ("stopped".to_owned(), Tint::Warning),
    }
}

/// What stands in place of the columns before the first comparison.
fn empty(app: &App, canvas: &mut Canvas<'_>, area: Rect) {
    invite(
        app,
        canvas,
        area,
        &Invitation {
            intro: ["One question, every temperature at once.", "One question, all temperatures."],
            offers: &[
                (
                    Command::Send,
                    [
                        "ask the question below, your own, or the last one of the chat",
                        "ask the question below",
                    ],
                ),
                (
                    Command::EditTemperatures,
                    ["edit the temperatures and how often each is asked", "edit the temperatures"],
                ),
                (Command::EditParameters, ["edit what all columns share", "edit what all share"]),
            ],
            aside: "",
        },
    );
}
