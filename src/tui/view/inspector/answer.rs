//! The answer in two lines, its figures, and the table of its tokens.

use super::candidates::PERCENT;
use super::{ANSWER, Canvas, part};
use crate::app::App;
use crate::app::command::Place;
use crate::app::heat::{Heat, Level, Shade};
use crate::app::inspector::{Order, Sheet, TIPPING_LEGEND, group_logprob};
use crate::app::layout::{Rect, TABLE_HEAD};
use crate::core::figure;
use crate::core::group::Group;
use crate::core::probability::{Position, surprisal_bits};
use crate::core::run::Run;
use crate::core::text::{fit, visible, width};
use crate::core::token::Token;
use crate::tui::theme::Tint;

pub(super) fn draw(app: &App, canvas: &mut Canvas<'_>, run: &Run) {
    let (strips_area, table_area) = (app.areas.strips, app.areas.table);
    if !strips_area.is_empty() {
        let heat = if app.heat == Heat::Off { Heat::Surprisal } else { app.heat };
        if let Some(line) = part(canvas, app, strips_area, ANSWER)
            && let Some((unit, steps)) = heat.legend()
        {
            let (quantity, bits) = unit.split_once(", ").unwrap_or((unit, ""));
            legend(canvas, line, &[unit, quantity, bits, ""], &steps);
        }
        strips(app, canvas, strips_area);
        let frame = if app.layout.tokens.is_empty() { app.layout.inspector } else { app.layout.tokens };
        let line = (strips_area.x, frame.y + frame.height - 1, strips_area.x + strips_area.width);
        legend(canvas, line, &["under 50 % by T", "under ½ by T", "T*", ""], &TIPPING_LEGEND);
    } else if !table_area.is_empty() {
        part(canvas, app, table_area, ANSWER);
    }
    match app.inspector.sheet {
        Sheet::Tokens if table_area.height > TABLE_HEAD => {
            figures(app, canvas, run);
            table(app, canvas, run);
        }
        Sheet::Tokens => {}
        Sheet::Json => super::json::draw(app, canvas, run),
        Sheet::Endings => super::endings::draw(app, canvas, run),
    }
}

/// Draws what the steps mean at the right of a line, with the longest of the names that fits.
fn legend(canvas: &mut Canvas<'_>, (start, y, end): (u16, u16, u16), names: &[&str], steps: &[&str; 6]) {
    let dim = canvas.style(Tint::Dim);
    let cells: usize = steps.iter().map(|step| width(step) + 2).sum();
    let Some(name) =
        names.iter().find(|name| usize::from(start) + width(name) + cells + 3 <= usize::from(end))
    else {
        return;
    };
    let x = end - u16::try_from(width(name) + cells + 3).unwrap_or(0);
    let mut x = canvas.pieces(x, y, end, &[(" ", dim), (name, dim), (" ", dim)]);
    for (level, step) in Level::all().zip(steps) {
        let (sign, style) = canvas.theme.spark(Some(Shade::Level(level)));
        x = canvas.pieces(x, y, end, &[(sign, style), (step, dim), (" ", dim)]);
    }
}

fn strips(app: &App, canvas: &mut Canvas<'_>, area: Rect) {
    let strips = &app.inspector.strips;
    let here = app.inspector.current().map(|group| strips.cell_of(group.tokens.start));
    for (y, cells) in (area.y..).zip([&strips.heat, &strips.tipping]) {
        for (index, (x, shade)) in (area.x..area.x + area.width).zip(cells).enumerate() {
            let (sign, style) = canvas.theme.spark(*shade);
            let style = if here == Some(index) { style.patch(canvas.style(Tint::Selection)) } else { style };
            canvas.text(x, y, x + 1, sign, style);
        }
    }
}

fn figures(app: &App, canvas: &mut Canvas<'_>, run: &Run) {
    let area = app.areas.table;
    let (text, dim) = (canvas.style(Tint::Text), canvas.style(Tint::Dim));
    let tally = run.tally();
    let calls = app.inspector.close_calls().len();
    let perplexity = tally.perplexity().map_or_else(String::new, figure::perplexity);
    let mean = tally.mean_surprisal_bits().map_or_else(String::new, figure::bits);
    let calls_text = figure::whole(calls as u64);
    let calls_name = if calls == 1 { " close call" } else { " close calls" };
    // What a narrow table has no room for is left out whole.
    for (each, calls_name) in [("/token", calls_name), ("", calls_name), ("", " close")] {
        let pieces = [
            ("ppl ", dim),
            (perplexity.as_str(), text),
            (" · ", dim),
            (mean.as_str(), text),
            (each, dim),
            (" · ", dim),
            (calls_text.as_str(), text),
            (calls_name, dim),
        ];
        if pieces.iter().map(|(piece, _)| width(piece)).sum::<usize>() <= usize::from(area.width) {
            canvas.pieces(area.x, area.y, area.x + area.width, &pieces);
            return;
        }
    }
}

/// Draws the table of tokens, in the order it is sorted by.
fn table(app: &App, canvas: &mut Canvas<'_>, run: &Run) {
    let area = app.areas.table;
    let (x, end) = (area.x, area.x + area.width);
    let (text, dim, faint) = (canvas.style(Tint::Text), canvas.style(Tint::Dim), canvas.style(Tint::Faint));
    let groups = app.inspector.groups();
    let digits = run.tokens.len().to_string().len();
    let index_width = u16::try_from(digits).unwrap_or(4).max(2);
    let token_x = x + index_width + 2;
    // Percent, bits, rank from the right.
    let rank_end = end;
    let bits_end = rank_end.saturating_sub(6);
    let percent_end = bits_end.saturating_sub(7);
    let token_end = percent_end.saturating_sub(PERCENT);
    let y = area.y + 1;
    let named = |order| if app.inspector.order() == order { dim } else { faint };
    canvas.right(x, y, x + index_width, "#", named(Order::Position));
    let sorted = match app.inspector.order() {
        Order::Position => "token".to_owned(),
        order @ (Order::Surprisal | Order::Margin | Order::Entropy) => format!("token, by {}", order.name()),
    };
    canvas.text(token_x, y, percent_end - 2, &sorted, dim);
    canvas.right(percent_end - 1, y, percent_end, "p", faint);
    canvas.right(percent_end, y, bits_end, "bits", named(Order::Surprisal));
    canvas.right(bits_end, y, rank_end, "rank", faint);
    let heating = app.heating(run).always();
    let is_focused = app.place() == Place::Inspector;
    let rows = app.inspector.top..app.inspector.top + app.areas.table_rows();
    for (y, index) in (area.y + TABLE_HEAD..).zip(rows.map_while(|row| app.inspector.group_in(row))) {
        let group: &Group = &groups[index];
        let token: &Token = &run.tokens[group.tokens.end - 1];
        canvas.right(x, y, x + index_width, &(group.tokens.start + 1).to_string(), dim);
        let name = fit(&visible(&group.text), usize::from(token_end.saturating_sub(token_x + 1)));
        let heat = heating.shade(token).map_or(text, |shade| text.patch(canvas.theme.shade(shade)));
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
            _ if group.tokens.len() > 1 => format!("{} pcs", group.tokens.len()),
            Some(rank) => rank.to_string(),
            None if token.candidates.is_empty() => "-".to_owned(),
            None => format!(">{}", token.candidates.len()),
        };
        let is_call = Position::new(token).is_close_call();
        let rank_style = if is_call { canvas.style(Tint::Warning) } else { dim };
        canvas.right(bits_end, y, rank_end, &rank, rank_style);
        if app.inspector.cursor() == Some(index) {
            let style = canvas.style(if is_focused { Tint::Cursor } else { Tint::Selection });
            canvas.tint(x, y, end, style);
        }
    }
}
