//! The token inspector: the position under the cursor, and the answer as a table of tokens.

use super::paint::Canvas;
use super::transcript::legend;
use crate::app::App;
use crate::app::command::{Command, Place};
use crate::app::inspector::group_logprob;
use crate::app::layout::{Rect, TABLE_HEAD};
use crate::core::figure;
use crate::core::probability::{Position, surprisal_bits};
use crate::core::run::Run;
use crate::core::text::{fit, visible, width};
use crate::core::token::{Group, Token};
use crate::tui::theme::Tint;
use ratatui::style::Modifier;

pub(super) fn draw(app: &App, canvas: &mut Canvas<'_>) {
    let (frame, tokens) = (app.layout.inspector, app.layout.tokens);
    let is_focused = app.place() == Place::Inspector;
    let run = app.inspected().filter(|run| !run.tokens.is_empty());
    let cursor = app.inspector.cursor();
    let title = match (run, cursor) {
        (Some(_), Some(at)) => format!(
            "token {} / {}",
            figure::whole(at as u64 + 1),
            figure::whole(app.inspector.groups().len() as u64)
        ),
        _ => "inspector".to_owned(),
    };
    canvas.frame(frame, &title, is_focused);
    if !tokens.is_empty() {
        canvas.frame(tokens, "answer, token by token", false);
    }
    match (run, cursor) {
        (Some(run), Some(cursor)) if run.has_logprobs() => {
            position(app, canvas, run, &app.inspector.groups()[cursor]);
            let area = app.areas.table;
            if tokens.is_empty() && area.height > TABLE_HEAD {
                let (line, [left, right]) = (canvas.theme.frame(is_focused).0, canvas.theme.signs.tees);
                let y = area.y - 1;
                canvas.text(frame.x, y, frame.x + 1, left, line);
                canvas.fill(frame.x + 1, y, frame.x + frame.width - 1, canvas.theme.signs.frame[4], line);
                canvas.text(frame.x + frame.width - 1, y, frame.x + frame.width, right, line);
            }
            table(app, canvas, run, cursor);
            if app.layout.transcript.is_empty()
                && let Some((unit, steps)) = app.heat.legend()
            {
                legend(canvas, frame, unit, &steps);
            }
        }
        _ => nothing(app, canvas, frame.inner()),
    }
}

/// Draws the candidates at one position.
fn position(app: &App, canvas: &mut Canvas<'_>, run: &Run, group: &Group) {
    let area = app.areas.position;
    let (x, end, bottom) = (area.x, area.x + area.width, area.y + area.height);
    let (text, dim, faint) = (canvas.style(Tint::Text), canvas.style(Tint::Dim), canvas.style(Tint::Faint));
    let strong = text.add_modifier(Modifier::BOLD);
    // Of a character in pieces the last piece is where it could still have become another one.
    let token = &run.tokens[group.tokens.end - 1];
    let position = Position::new(token);
    let mut y = area.y;
    let shown = fit(&visible(&group.text), usize::from(area.width) / 2);
    let after = canvas.text(x, y, end, &shown, strong);
    if group.tokens.len() > 1 {
        let pieces = format!(" {} pieces", group.tokens.len());
        canvas.text(after, y, end, &pieces, dim);
    }
    let figures = match (group_logprob(run, group), position.rank()) {
        (None, _) => "outside the list".to_owned(),
        (Some(logprob), rank) => {
            let rank = match rank {
                Some(rank) => format!("rank {rank}"),
                None if token.candidates.is_empty() => String::new(),
                None => format!("rank > {}", token.candidates.len()),
            };
            format!("{}  {}  {rank}", figure::percent(logprob.exp()), figure::bits(surprisal_bits(logprob)))
        }
    };
    canvas.right(after + 1, y, end, figures.trim_end(), text);
    // Where rows are few, the candidates are worth more than the blank lines.
    let roomy = usize::from(area.height) >= token.candidates.len() + 7;
    let blank = u16::from(roomy);
    y += 1 + blank;
    // Below the candidates stand the tail and the entropy, and the line that parts the table.
    let room = usize::from(bottom.saturating_sub(y + 3 + blank)).max(1);
    let listed = if token.candidates.len() > room { room.max(2) - 1 } else { token.candidates.len() };
    let hidden = token.candidates.len() - listed;
    let label =
        u16::try_from(token.candidates.iter().map(|c| width(&visible(c.piece.text()))).max().unwrap_or(0))
            .unwrap_or(0);
    let label = label.max(6).min(area.width / 3);
    let chosen = token.piece.bytes();
    let columns = Columns { x, label, end };
    for candidate in &token.candidates[..listed] {
        let is_chosen = candidate.piece.bytes() == chosen;
        let style = if is_chosen { strong } else { text };
        let name = fit(&visible(candidate.piece.text()), usize::from(label));
        let share = candidate.logprob.map(f64::exp);
        columns.draw(canvas, y, is_chosen, &name, style, share, Tint::Bar);
        y += 1;
    }
    if hidden > 0 {
        let more = format!("  … {hidden} more");
        canvas.text(x, y, end, &more, faint);
        y += 1;
    }
    if let Some(tail) = position.tail() {
        columns.draw(canvas, y, false, "unseen", dim, Some(tail), Tint::BarTail);
        y += 1 + blank;
        if y < bottom
            && let Some(range) = position.entropy_bits(app.counter.encoding().vocabulary())
        {
            let entropy = if (range.max - range.min).abs() < 0.005 {
                format!("entropy {}", figure::bits(range.min))
            } else {
                format!("entropy {:.2} to {:.2} bits", range.min.max(0.0), range.max)
            };
            canvas.text(x, y, end, &entropy, dim);
            let listed = format!("top {} · {}", token.candidates.len(), stage(app, run));
            if width(&entropy) + width(&listed) + 2 <= usize::from(area.width) {
                canvas.right(x, y, end, &listed, faint);
            } else if y + 1 < bottom {
                canvas.text(x, y + 1, end, &listed, faint);
            }
        }
    } else {
        canvas.text(x, y, end, "no candidates were asked for: set top_logprobs", dim);
    }
}

/// Returns whether the values stand before or after temperature, as far as that is known.
fn stage(app: &App, run: &Run) -> &'static str {
    let is_here = run.request.model == app.settings.model;
    match app.settings.card.logprobs_before_temperature.filter(|_| is_here) {
        Some(true) => "before temperature",
        Some(false) => "after temperature",
        None => "before or after T: not known",
    }
}

/// The columns of the candidate list.
struct Columns {
    x: u16,
    label: u16,
    end: u16,
}

/// Cells of a percentage such as `100.0 %`, and the space before it.
const PERCENT: u16 = 8;

impl Columns {
    #[expect(clippy::too_many_arguments, reason = "one row of a table, spelled out")]
    fn draw(
        &self,
        canvas: &mut Canvas<'_>,
        y: u16,
        is_chosen: bool,
        name: &str,
        style: ratatui::style::Style,
        share: Option<f64>,
        bar: Tint,
    ) {
        let accent = canvas.style(Tint::Accent);
        if is_chosen {
            canvas.text(self.x, y, self.end, canvas.theme.signs.pointer, accent);
        }
        let x = self.x + 2;
        canvas.text(x, y, self.end, name, style);
        let numbers = x + self.label + 1;
        let percent = share.map_or_else(|| "-".to_owned(), figure::percent);
        canvas.right(numbers, y, (numbers + PERCENT).min(self.end), &percent, style);
        let start = numbers + PERCENT + 1;
        if let Some(share) = share
            && start < self.end
        {
            let bar_style = canvas.style(bar);
            if bar == Tint::BarTail {
                canvas.shade(start, y, self.end - start, share, bar_style);
            } else {
                canvas.bar(start, y, self.end - start, share, bar_style);
            }
        }
    }
}

/// Draws the answer's figures and the table of its tokens.
fn table(app: &App, canvas: &mut Canvas<'_>, run: &Run, cursor: usize) {
    let area = app.areas.table;
    if area.height <= TABLE_HEAD {
        return;
    }
    let (x, end) = (area.x, area.x + area.width);
    let (text, dim) = (canvas.style(Tint::Text), canvas.style(Tint::Dim));
    let tally = run.tally();
    let calls = app.inspector.close_calls().len();
    let perplexity = tally.perplexity().map_or_else(String::new, figure::perplexity);
    let mean = tally.mean_surprisal_bits().map_or_else(String::new, figure::bits);
    let calls_text = figure::whole(calls as u64);
    canvas.pieces(
        x,
        area.y,
        end,
        &[
            ("ppl ", dim),
            (&perplexity, text),
            (" · ", dim),
            (&mean, text),
            ("/token · ", dim),
            (&calls_text, text),
            (if calls == 1 { " close call" } else { " close calls" }, dim),
        ],
    );
    let digits = app.inspector.groups().len().to_string().len();
    let index_width = u16::try_from(digits).unwrap_or(4).max(2);
    let token_x = x + index_width + 2;
    // Percent, bits, rank from the right.
    let rank_end = end;
    let bits_end = rank_end.saturating_sub(6);
    let percent_end = bits_end.saturating_sub(7);
    let token_end = percent_end.saturating_sub(PERCENT);
    let y = area.y + 2;
    canvas.right(x, y, x + index_width, "#", dim);
    canvas.text(token_x, y, token_end, "token", dim);
    canvas.right(token_end, y, percent_end, "p", dim);
    canvas.right(percent_end, y, bits_end, "bits", dim);
    canvas.right(bits_end, y, rank_end, "rank", dim);
    let rows = app.areas.table_rows();
    let groups = app.inspector.groups();
    let is_focused = app.place() == Place::Inspector;
    for (y, index) in (area.y + TABLE_HEAD..).zip(app.inspector.top..groups.len()).take(rows) {
        let group = &groups[index];
        let token: &Token = &run.tokens[group.tokens.end - 1];
        let number = (index + 1).to_string();
        canvas.right(x, y, x + index_width, &number, dim);
        let name = fit(&visible(&group.text), usize::from(token_end.saturating_sub(token_x + 1)));
        let heat = app.heat.level(token).map_or(text, |level| text.patch(canvas.theme.heat(level)));
        canvas.text(token_x, y, token_end, &name, heat);
        match group_logprob(run, group) {
            Some(logprob) => {
                canvas.right(token_end, y, percent_end, &figure::percent(logprob.exp()), text);
                let bits = format!("{:.2}", surprisal_bits(logprob).max(0.0) + 0.0);
                canvas.right(percent_end, y, bits_end, &bits, text);
            }
            None => canvas.right(token_end, y, bits_end, "outside the list", dim),
        }
        let rank = match Position::new(token).rank() {
            Some(rank) => rank.to_string(),
            None if token.candidates.is_empty() => "-".to_owned(),
            None => format!(">{}", token.candidates.len()),
        };
        let is_call = Position::new(token).is_close_call();
        let rank_style = if is_call { canvas.style(Tint::Warning) } else { dim };
        canvas.right(bits_end, y, rank_end, &rank, rank_style);
        if index == cursor {
            let style = canvas.style(if is_focused { Tint::Cursor } else { Tint::Selection });
            canvas.tint(x, y, end, style);
        }
    }
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
        Some(run) if !run.status.is_ended() && run.tokens.is_empty() => {
            ("Waiting for the first token.".to_owned(), Vec::new())
        }
        Some(run) if run.request.sampling.top_logprobs.is_none() => (
            "This answer was asked for without logprobs.".to_owned(),
            vec![(hint(Command::EditParameters), "set top_logprobs, then ask again".to_owned())],
        ),
        Some(run) => (
            format!("{} sent no logprobs with this answer.", run.request.model),
            vec![
                (hint(Command::ChooseModel), "choose a model that gives them".to_owned()),
                (hint(Command::ChooseEndpoint), "the sandbox always gives them".to_owned()),
            ],
        ),
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
