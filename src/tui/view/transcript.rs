//! The conversation pane.

use super::invitation::{Invitation, invite};
use super::paint::Canvas;
use super::rows::{Overlaid, draw_row};
use crate::app::App;
use crate::app::command::{Command, Place};
use crate::app::layout::Rect;
use crate::app::msg::DocumentKey;
use crate::app::transcript::{Line, Part, body_key, silence_ms};
use crate::core::conversation::{Body, Message};
use crate::core::figure;
use crate::core::request::{Means, Role};
use crate::core::run::{Run, RunStatus};
use crate::core::stream::FinishReason;
use crate::core::sweep::Parameter;
use crate::tui::theme::Tint;
use ratatui::style::Modifier;

pub(super) fn draw(app: &App, canvas: &mut Canvas<'_>) {
    let frame = app.layout.transcript;
    if frame.is_empty() {
        return;
    }
    let title = app.conversation.title(40).unwrap_or_else(|| "new conversation".to_owned());
    canvas.frame(frame, &title, app.place() == Place::Transcript);
    let inner = frame.inner();
    if app.conversation.messages.is_empty() {
        welcome(app, canvas, inner);
        return;
    }
    for (y, line) in (inner.y..).zip(app.transcript.lines()) {
        draw_line(app, canvas, inner, y, *line);
    }
    if !app.transcript.is_following() {
        let end = frame.x + frame.width - 2;
        let key = app.keymap.hint(Command::Last, Place::Transcript).unwrap_or_default();
        let text = match app.transcript.unseen {
            0 => format!(" {key} to the end "),
            lines => format!(" ↓ {lines} new · {key} "),
        };
        let tint = if app.transcript.unseen > 0 { Tint::Accent } else { Tint::Dim };
        let style = canvas.style(tint);
        canvas.right(frame.x + 2, frame.y + frame.height - 1, end, &text, style);
    }
    if let Some((unit, steps)) = app.heat.legend() {
        legend(canvas, frame, unit, &steps);
    }
}

/// Writes the steps of heat into the lower line of a frame.
pub(super) fn legend(canvas: &mut Canvas<'_>, frame: Rect, unit: &str, steps: &[&str; 6]) {
    let (y, end) = (frame.y + frame.height - 1, frame.x + frame.width.saturating_sub(2));
    let dim = canvas.style(Tint::Dim);
    let x = canvas.pieces(frame.x + 2, y, end, &[(" ", dim), (unit, dim), (" ", dim)]);
    let x = scale(canvas, (x, y, end), steps);
    canvas.text(x, y, end, " ", dim);
}

/// Draws the six heat steps from `x` on and returns the column after them.
pub(super) fn scale(canvas: &mut Canvas<'_>, (x, y, end): (u16, u16, u16), steps: &[&str; 6]) -> u16 {
    let mut x = x;
    for (level, step) in crate::app::heat::Level::all().zip(steps) {
        let style = canvas.style(Tint::Text).patch(canvas.theme.heat(level));
        x = canvas.pieces(x, y, end, &[(" ", style), (step, style), (" ", style)]);
    }
    x
}

fn draw_line(app: &App, canvas: &mut Canvas<'_>, inner: Rect, y: u16, line: Line) {
    let message = &app.conversation.messages[line.message];
    let (x, end) = (inner.x, inner.x + inner.width);
    let text = canvas.style(match message.role {
        Role::User | Role::Assistant => Tint::Text,
        Role::System => Tint::System,
    });
    let row = |canvas: &mut Canvas<'_>, key: DocumentKey, row: usize, over: &Overlaid<'_>| {
        if let Some(document) = app.documents.get(key) {
            draw_row(canvas, (x, y, end), (document, row), over);
        }
    };
    if app.transcript.selected == Some(message.id) && line.part != Part::Blank {
        let (sign, style) = (canvas.theme.signs.frame[5], canvas.style(Tint::Accent));
        canvas.text(x - 2, y, x - 1, sign, style);
    }
    match line.part {
        Part::Head => head(app, canvas, (x, y, end), message),
        Part::Body(number) => {
            let over = match message.run() {
                Some(run) => Overlaid::answer(app, run, text),
                None => Overlaid::plain(text),
            };
            row(canvas, body_key(message), number, &over);
        }
        Part::ReasoningHead | Part::Reasoning(_) | Part::Status | Part::Fault(_) => {
            let Some(run) = message.run() else { return };
            match line.part {
                Part::ReasoningHead => reasoning_head(app, canvas, (x, y, end), run),
                Part::Reasoning(number) => {
                    let over = Overlaid::plain(canvas.style(Tint::Dim));
                    row(canvas, DocumentKey::Reasoning(run.id), number, &over);
                }
                Part::Fault(number) => {
                    let over = Overlaid::plain(canvas.style(Tint::Error));
                    row(canvas, DocumentKey::Fault(run.id), number, &over);
                }
                Part::Status | Part::Head | Part::Body(_) | Part::Blank => {
                    status(app, canvas, (x, y, end), run);
                }
            }
        }
        Part::Blank => {}
    }
}

fn head(app: &App, canvas: &mut Canvas<'_>, (x, y, end): (u16, u16, u16), message: &Message) {
    let (dim, faint) = (canvas.style(Tint::Dim), canvas.style(Tint::Faint));
    let (name, tint) = match (message.role, message.run()) {
        (Role::User, _) => ("you", Tint::User),
        (Role::System, _) => ("system", Tint::System),
        (Role::Assistant, Some(run)) => (&*run.request.model, Tint::Assistant),
        (Role::Assistant, None) => ("assistant", Tint::Assistant),
    };
    let style = canvas.style(tint).add_modifier(Modifier::BOLD);
    let name = crate::core::text::fit(name, usize::from(end - x) / 2);
    let mut x = canvas.text(x, y, end, &name, style);
    let variants = match &message.body {
        Body::Answer(answer) if answer.variants().len() > 1 => {
            format!("‹ {}/{} ›", answer.chosen_index() + 1, answer.variants().len())
        }
        Body::Answer(_) | Body::Text(_) => String::new(),
    };
    let room = end.saturating_sub(u16::try_from(crate::core::text::width(&variants)).unwrap_or(0) + 1);
    canvas.right(x + 1, y, end, &variants, dim);
    let facts = match message.run() {
        Some(run) => facts(app, run),
        None => app
            .counter
            .of(message)
            .map(|tokens| (Rank::Count, format!("{} tok", figure::whole(tokens))))
            .into_iter()
            .collect(),
    };
    for fact in fitting(facts, usize::from(room.saturating_sub(x))) {
        x = canvas.pieces(x, y, room, &[(" · ", faint), (&fact, dim)]);
    }
}

/// How much a figure matters where there is no room for all, the most first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Rank {
    /// That the answer is not whole, or stays away.
    State,
    Temperature,
    Count,
    FirstToken,
    Rate,
    Cost,
    Tries,
    /// That it ended as it should.
    Stop,
}

/// Returns the figures of an answer in the order they stand in.
fn facts(app: &App, run: &Run) -> Vec<(Rank, String)> {
    let mut facts = Vec::new();
    if let Some(temperature) = run.request.sampling.temperature {
        facts.push((Rank::Temperature, format!("T {}", figure::parameter(temperature))));
    }
    facts.extend(tokens(run).map(|tokens| (Rank::Count, tokens)));
    if let Some(ms) = run.first_token_ms() {
        facts.push((Rank::FirstToken, format!("{} first", figure::duration_ms(ms))));
    }
    match (silence_ms(run, app.now), run.tokens_per_s()) {
        (Some(silence), _) => {
            facts.push((Rank::State, format!("silent for {}", figure::duration_ms(silence))));
        }
        (None, Some(rate)) => facts.push((Rank::Rate, figure::rate(rate))),
        (None, None) => {}
    }
    if let (Some(usage), Some(price)) = (&run.usage, &app.settings.card.price)
        && run.request.model == app.settings.model
    {
        facts.push((Rank::Cost, figure::dollars(price.of(usage))));
    }
    match &run.status {
        RunStatus::Done(reason) if run.sent() => {
            let rank = if *reason == FinishReason::Stop { Rank::Stop } else { Rank::State };
            facts.push((rank, crate::core::text::fit(reason.name(), 20)));
        }
        RunStatus::Cancelled => facts.push((Rank::State, "stopped".to_owned())),
        RunStatus::Failed(_) => facts.push((Rank::State, "failed".to_owned())),
        RunStatus::Streaming => facts.push((Rank::State, app.spinner().to_owned())),
        RunStatus::Queued | RunStatus::Connecting | RunStatus::Waiting { .. } | RunStatus::Done(_) => {}
    }
    if run.attempts > 1 {
        facts.push((Rank::Tries, format!("{} tries", run.attempts)));
    }
    facts
}

/// Returns how many tokens an answer has: of one that was given a beginning, those of the beginning and
/// those the server put out.
pub(super) fn tokens(run: &Run) -> Option<String> {
    let count = figure::count(run.output_tokens()?);
    let given = run.branch.filter(|branch| branch.means != Means::Asked).map_or(0, |branch| branch.inherited);
    Some(match given {
        0 => format!("{count} tok"),
        given => format!("{} + {count} tok", figure::whole(given as u64)),
    })
}

/// Returns the figures there is room for with what stands between them; those that matter least give way.
fn fitting(mut facts: Vec<(Rank, String)>, room: usize) -> Vec<String> {
    let width = |facts: &[(Rank, String)]| -> usize {
        facts.iter().map(|(_, fact)| crate::core::text::width(fact) + 3).sum()
    };
    while width(&facts) > room
        && let Some(least) = (0..facts.len()).max_by_key(|index| facts[*index].0)
    {
        facts.remove(least);
    }
    facts.into_iter().map(|(_, fact)| fact).collect()
}

fn reasoning_head(app: &App, canvas: &mut Canvas<'_>, (x, y, end): (u16, u16, u16), run: &Run) {
    let key = app.keymap.hint(Command::ToggleReasoning, Place::Transcript).unwrap_or_default();
    let sign = if app.transcript.is_reasoning_open(run.id) { "▾" } else { "▸" };
    let count = figure::whole(run.reasoning.chars().count() as u64);
    let (dim, faint, key_style) =
        (canvas.style(Tint::Dim), canvas.style(Tint::Faint), canvas.style(Tint::Key));
    let text = format!("{sign} reasoning · {count} characters  ");
    canvas.pieces(x, y, end, &[(&text, dim), (&key, key_style), (" opens and folds", faint)]);
}

/// Returns what a run without text is doing, in words.
pub(super) fn status_text(app: &App, run: &Run) -> String {
    match &run.status {
        RunStatus::Queued => format!("{} waiting for a free connection", app.spinner()),
        RunStatus::Connecting => {
            format!(
                "{} waiting for the first token · {}",
                app.spinner(),
                figure::duration_ms(run.elapsed_ms(app.now))
            )
        }
        RunStatus::Waiting { fault, until } => {
            let left = crate::core::time::millis(until.since(app.now));
            let what = fault.status.map_or_else(|| fault.message.clone(), |status| format!("HTTP {status}"));
            format!("{} {what} · try {} in {}", app.spinner(), run.attempts + 1, figure::duration_ms(left))
        }
        RunStatus::Streaming => format!("{} reasoning", app.spinner()),
        RunStatus::Done(_) => "the answer is empty".to_owned(),
        RunStatus::Cancelled => "stopped before the first token".to_owned(),
        RunStatus::Failed(_) => String::new(),
    }
}

fn status(app: &App, canvas: &mut Canvas<'_>, (x, y, end): (u16, u16, u16), run: &Run) {
    let text = crate::core::text::fit(&status_text(app, run), usize::from(end - x));
    let style = canvas.style(Tint::Dim);
    canvas.text(x, y, end, &text, style);
}

/// What stands in an empty conversation: three things to try.
fn welcome(app: &App, canvas: &mut Canvas<'_>, inner: Rect) {
    let (intro, short, how) = if app.settings.endpoint().is_sandbox {
        (
            "This is the sandbox: a tiny language model inside tokenscope. It needs no key and no network."
                .to_owned(),
            "The sandbox: a tiny model, offline.".to_owned(),
            "A real model: set OPENAI_API_KEY, or start with --base-url URL.",
        )
    } else {
        let model = &app.settings.model;
        (
            format!("Ready to ask {model} at {}.", app.settings.endpoint().place),
            format!("Ready to ask {model}."),
            "",
        )
    };
    let cells = app.compare.setup.cells();
    let what = match app.compare.setup.axes.as_slice() {
        [axis] if *axis.parameter() == Parameter::Temperature => format!("{cells} temperatures"),
        _ => format!("{cells} settings"),
    };
    let side_by_side = format!("the same question at {what}, side by side");
    let at_once = format!("{what} at once");
    let ask = match app.suggestion() {
        Some(_) => ["ask the question below, or your own", "ask the question below"],
        None => ["ask what you write below", "ask what you write"],
    };
    invite(
        app,
        canvas,
        inner,
        &Invitation {
            intro: [&intro, &short],
            offers: &[
                (Command::Send, ask),
                (Command::ShowCompare, [&side_by_side, &at_once]),
                (Command::Inspect, ["the probability of every token", "every token's probability"]),
                (Command::ChooseEndpoint, ["choose where to ask", "choose where to ask"]),
            ],
            aside: how,
        },
    );
}
