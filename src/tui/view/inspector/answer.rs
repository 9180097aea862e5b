//! The answer in two lines, its figures, and the table of its tokens.

use super::candidates::{BAND, PERCENT, band_text};
use super::position::reported_at;
use super::{ANSWER, Canvas, part};
use crate::app::App;
use crate::app::command::Place;
use crate::app::heat::{Heat, Level, Shade};
use crate::app::inspector::{Order, Sheet, TIPPING_LEGEND, group_logprob, least_certain, settings};
use crate::app::layout::{Rect, TABLE_HEAD};
use crate::core::cut::Fate;
use crate::core::figure;
use crate::core::group::Group;
use crate::core::probability::{Position, Range, surprisal_bits};
use crate::core::run::Run;
use crate::core::text::{fit, visible, width};
use crate::core::token::Token;
use crate::core::what_if::WhatIf;
use crate::tui::theme::Tint;

/// Cells of the surprisal, or of what the table is sorted by in its place.
const VALUE: u16 = 8;

/// Cells of a rank.
const RANK: u16 = 6;

/// Fewest cells of a token's text that the columns beside it leave.
const NAME: u16 = 8;

pub(super) fn draw(app: &App, canvas: &mut Canvas<'_>, run: &Run) {
    let (strips_area, table_area) = (app.areas.strips, app.areas.table);
    if !strips_area.is_empty() {
        let heat = if app.heat == Heat::Off { Heat::Surprisal } else { app.heat };
        if let Some((start, y, end)) = part(canvas, app, strips_area, ANSWER)
            && let Some((_, steps)) = heat.legend()
        {
            let is_reshaped = app.inspector.strips.reshaped.is_some();
            legend(canvas, (start + 1, y, end), heat.units(), &steps, is_reshaped);
        }
        strips(app, canvas, strips_area);
        let line = match app.areas.legend {
            line if line.is_empty() => {
                let frame = [app.layout.tokens, app.layout.inspector].into_iter().find(|f| !f.is_empty());
                let y = frame.map_or(0, |frame| frame.y + frame.height - 1);
                (strips_area.x, y, strips_area.x + strips_area.width)
            }
            line => (line.x - 1, line.y, line.x + line.width + 1),
        };
        legend(canvas, line, &TIPPING_NAMES, &TIPPING_LEGEND, false);
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

/// What the second strip shows, the longest wording first.
const TIPPING_NAMES: [&str; 6] =
    ["falls under 50 % by T", "under 50 % by T", "under ½ by T", "p < ½ by T", "p<½ by T", "T*"];

/// Draws what the steps mean at the right of a line, with the longest of the names that fits, and what
/// stands for a band that is too wide for a step.
fn legend(
    canvas: &mut Canvas<'_>,
    (start, y, end): (u16, u16, u16),
    names: &[&str],
    steps: &[&str; 6],
    has_open: bool,
) {
    let dim = canvas.style(Tint::Dim);
    let is_ascii = canvas.theme.signs.is_ascii;
    let steps = &steps.map(|step| spelled(step, is_ascii));
    let names: &[String] = &names.iter().map(|name| spelled(name, is_ascii)).collect::<Vec<_>>();
    let cells: usize = steps.iter().map(|step| width(step) + 2).sum();
    let open: &[&str] = if has_open { &["wide band", "wide", ""] } else { &[""] };
    let cells_of = |name: &str, open: &str| {
        let open = if open.is_empty() { 0 } else { width(open) + 2 };
        u16::try_from(width(name) + cells + open + 2).unwrap_or(u16::MAX)
    };
    let room = end.saturating_sub(start);
    let fits = |(name, open): &(&String, &&str)| cells_of(name, open) <= room;
    let mut wordings = open.iter().flat_map(|open| names.iter().map(move |name| (name, open)));
    let Some((name, open)) = wordings.find(fits) else { return };
    let mut x = canvas.pieces(end - cells_of(name, open), y, end, &[(" ", dim), (name, dim), (" ", dim)]);
    let mut step = |shade, step: &str, x| {
        let (sign, style) = canvas.theme.spark(Some(shade));
        canvas.pieces(x, y, end, &[(sign, style), (step, dim), (" ", dim)])
    };
    for (level, name) in Level::all().zip(steps) {
        x = step(Shade::Level(level), name, x);
    }
    if !open.is_empty() {
        step(Shade::Open, open, x);
    }
}

/// Returns a text of a legend with its fractions as decimals where the terminal shows no others.
fn spelled(text: &str, is_ascii: bool) -> String {
    const FRACTIONS: [(&str, &str); 4] = [("½", ".5"), ("¼", ".25"), ("¾", ".75"), ("⅕", ".2")];
    let replaced = |text: String, (sign, decimal): &(&str, &str)| text.replace(sign, decimal);
    if is_ascii { FRACTIONS.iter().fold(text.to_owned(), replaced) } else { text.to_owned() }
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

/// Draws the figures of the whole answer; what a narrow table has no room for is left out whole.
fn figures(app: &App, canvas: &mut Canvas<'_>, run: &Run) {
    let area = app.areas.table;
    let (text, dim) = (canvas.style(Tint::Text), canvas.style(Tint::Dim));
    let tally = run.tally();
    let perplexity = tally.perplexity().map_or_else(String::new, figure::perplexity);
    let calls = app.inspector.close_calls().len();
    let number = figure::whole(calls as u64);
    let calls_name = if calls == 1 { " close call" } else { " close calls" };
    let mean = tally.mean_surprisal_bits().map_or_else(String::new, figure::bits);
    let reshaped = reshaped_perplexity(app, run);
    let wordings: Vec<Vec<(&str, bool)>> = match &reshaped {
        None => {
            let of = |each, name| {
                let figures = [("ppl ", false), (&*perplexity, true), (" · ", false), (&*mean, true)];
                let calls = [(each, false), (" · ", false), (&*number, true), (name, false)];
                [figures, calls].concat()
            };
            vec![of("/token", calls_name), of("", calls_name), of("", " close")]
        }
        // The close calls are those of the values as reported.
        Some(reshaped) => {
            let both =
                |reported| vec![("ppl ", false), (reshaped, true), (reported, false), (&*perplexity, true)];
            let calls = [(" · ", false), (&*number, true), (calls_name, false)];
            vec![
                [both(" · reported "), calls.to_vec()].concat(),
                both(" · reported "),
                both(" was "),
                vec![("ppl ", false), (reshaped, true)],
            ]
        }
    };
    let width_of = |wording: &[(&str, bool)]| wording.iter().map(|(piece, _)| width(piece)).sum::<usize>();
    if let Some(wording) = wordings.iter().find(|wording| width_of(wording) <= usize::from(area.width)) {
        let pieces: Vec<_> =
            wording.iter().map(|(piece, is_figure)| (*piece, if *is_figure { text } else { dim })).collect();
        canvas.pieces(area.x, area.y, area.x + area.width, &pieces);
    }
}

/// Returns the perplexity the what-if gives the answer, once all of it was read; `None` while none is on.
fn reshaped_perplexity(app: &App, run: &Run) -> Option<String> {
    let tally = app.inspector.strips.reshaped?;
    let range = tally.perplexity().filter(|_| tally.count() == run.tally().count());
    let Some(range) = range else { return Some("…".to_owned()) };
    if tally.cut() > 0 {
        return Some(format!("∞, {} cut", figure::whole(tally.cut() as u64)));
    }
    let [low, high] = [range.min, range.max].map(|end| match end {
        end if end.is_infinite() => "∞".to_owned(),
        end => figure::perplexity(end),
    });
    Some(if low == high { low } else { format!("{low} – {high}") })
}

/// A column of the token table, from the right.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Column {
    /// What the what-if makes of the probability.
    Band,
    /// The probability as reported.
    Share,
    /// The surprisal, or what the table is sorted by.
    Value,
    /// The rank, or the number of pieces.
    Rank,
}

impl Column {
    fn width(self) -> u16 {
        match self {
            Self::Band => BAND + 1,
            Self::Share => PERCENT + 1,
            Self::Value => VALUE,
            Self::Rank => RANK,
        }
    }
}

/// Returns the columns beside the tokens, from the left, for so many cells: while a what-if is on, what it
/// gives comes first, and what belongs to the reported values gives way.
fn columns(cells: u16, order: Order, has_bands: bool) -> Vec<Column> {
    let mut columns = match (has_bands, order) {
        (false, _) => return vec![Column::Share, Column::Value, Column::Rank],
        (true, Order::Margin | Order::Entropy) => {
            vec![Column::Band, Column::Value, Column::Share, Column::Rank]
        }
        (true, Order::Position | Order::Surprisal) => vec![Column::Band, Column::Share, Column::Rank],
    };
    while columns.len() > 1 && columns.iter().map(|column| column.width()).sum::<u16>() + NAME > cells {
        columns.pop();
    }
    columns
}

/// Draws the table of tokens, in the order it is sorted by.
fn table(app: &App, canvas: &mut Canvas<'_>, run: &Run) {
    let area = app.areas.table;
    let (x, y, end) = (area.x, area.y + 1, area.x + area.width);
    let (text, dim, faint) = (canvas.style(Tint::Text), canvas.style(Tint::Dim), canvas.style(Tint::Faint));
    let groups = app.inspector.groups();
    let order = app.inspector.order();
    let digits = run.tokens.len().to_string().len();
    let index_end = x + u16::try_from(digits).unwrap_or(4).max(2);
    let token_x = index_end + 2;
    let what_if = app.what_if(run).and_then(Result::ok);
    let columns = columns(end.saturating_sub(token_x), order, what_if.is_some());
    let token_end = end.saturating_sub(columns.iter().map(|column| column.width()).sum());
    let named = |other| if order == other { dim } else { faint };
    canvas.right(x, y, index_end, "#", named(Order::Position));
    let by = format!("by {}", order.name());
    let sorted = match order {
        Order::Position => String::new(),
        Order::Surprisal | Order::Margin | Order::Entropy => format!("token, {by}"),
    };
    // The column it is sorted by has its name, too.
    let room = usize::from(token_end.saturating_sub(token_x + 1));
    let wordings = [sorted, by].into_iter().skip(usize::from(order == Order::Position) * 2);
    let sorted =
        wordings.into_iter().find(|wording| width(wording) <= room).unwrap_or_else(|| "token".to_owned());
    let settings = app.inspector.sliders.reshaping().map(|reshaping| settings(&reshaping));
    let after = canvas.text(token_x, y, token_end, &sorted, dim);
    let mut start = token_end;
    for column in &columns {
        let (from, until) = (start, start + column.width());
        match column {
            Column::Band => {
                let room = usize::from(until.saturating_sub(after + 1));
                let [long, short] = settings.clone().unwrap_or_default();
                let wordings =
                    [format!("at {long}"), long, format!("at {short}"), short, "what if".to_owned()];
                let name = wordings.iter().find(|wording| width(wording) <= room);
                canvas.right(after + 1, y, until, name.map_or("", String::as_str), dim);
            }
            Column::Share => canvas.right(from, y, until, reported_at(app, run), faint),
            Column::Value => canvas.right(from, y, until, value_name(order), named(order)),
            Column::Rank => canvas.right(from, y, until, "rank", faint),
        }
        start = until;
    }
    let heating = app.heating(run).always();
    let is_focused = app.place() == Place::Inspector;
    let rows = app.inspector.top..app.inspector.top + app.areas.table_rows();
    for (y, index) in (area.y + TABLE_HEAD..).zip(rows.map_while(|row| app.inspector.group_in(row))) {
        let group: &Group = &groups[index];
        let token: &Token = &run.tokens[least_certain(run, group)];
        canvas.right(x, y, index_end, &(group.tokens.start + 1).to_string(), dim);
        let name = fit(&visible(&group.text), usize::from(token_end.saturating_sub(token_x)));
        let heat = heating.shade(token).map_or(text, |shade| text.patch(canvas.theme.shade(shade)));
        canvas.text(token_x, y, token_end, &name, heat);
        let mut start = token_end;
        for column in &columns {
            let until = start + column.width();
            let (figure, style) = match column {
                Column::Band => band(run, group, what_if).map_or(("-".to_owned(), dim), |band| {
                    let fate = if band.max <= 0.0 { Fate::Cut } else { Fate::Unknown };
                    (band_text(band, fate), if band.is_wide() { faint } else { text })
                }),
                Column::Share => match group_logprob(run, group) {
                    Some(logprob) => {
                        (figure::percent(logprob.exp()), if what_if.is_some() { dim } else { text })
                    }
                    None => ("unlisted".to_owned(), dim),
                },
                Column::Value => (value(app, run, group, order), text),
                Column::Rank => {
                    let is_call = Position::new(token).is_close_call();
                    (rank(group, token), if is_call { canvas.style(Tint::Warning) } else { dim })
                }
            };
            canvas.right(start, y, until, &figure, style);
            start = until;
        }
        if app.inspector.cursor() == Some(index) {
            let style = canvas.style(if is_focused { Tint::Cursor } else { Tint::Selection });
            canvas.tint(x, y, end, style);
        }
    }
}

/// Returns the joint band of a group's tokens under a what-if; `None` unless all have one.
fn band(run: &Run, group: &Group, what_if: Option<WhatIf>) -> Option<Range> {
    let what_if = what_if?;
    run.tokens[group.tokens.clone()].iter().try_fold(Range::point(1.0), |joint, token| {
        let band = what_if.chosen_band(token).ok()?;
        Some(Range { min: joint.min * band.min, max: joint.max * band.max })
    })
}

fn value_name(order: Order) -> &'static str {
    match order {
        Order::Position | Order::Surprisal => "bits",
        Order::Margin => "margin",
        Order::Entropy => "entropy",
    }
}

/// Returns the surprisal of a group, or what the table is sorted by, in bits.
fn value(app: &App, run: &Run, group: &Group, order: Order) -> String {
    let tokens = run.tokens[group.tokens.clone()].iter();
    let bits = match order {
        Order::Position | Order::Surprisal => group_logprob(run, group).map(|l| surprisal_bits(l).max(0.0)),
        Order::Margin => {
            let margins = tokens.filter_map(|token| Position::new(token).margin());
            margins.min_by(f64::total_cmp).map(|nats| nats / std::f64::consts::LN_2)
        }
        Order::Entropy => {
            let vocabulary = app.vocabulary(run);
            let ranges = tokens.filter_map(|token| Position::new(token).entropy_bits(vocabulary));
            let middle = |range: &Range| f64::midpoint(range.min, range.max);
            let widest = ranges.max_by(|a, b| middle(a).total_cmp(&middle(b)));
            // The table is sorted by the middle of what it may be.
            if let Some(range) = widest.filter(|range| range.width() >= 0.005) {
                return format!("≈{:.2}", middle(&range));
            }
            widest.map(|range| range.min)
        }
    };
    let unsigned = |bits: f64| if bits.abs() < 0.005 { 0.0 } else { bits };
    bits.map_or_else(|| "-".to_owned(), |bits| format!("{:.2}", unsigned(bits)))
}

fn rank(group: &Group, token: &Token) -> String {
    match Position::new(token).rank() {
        _ if group.tokens.len() > 1 => format!("{} pcs", group.tokens.len()),
        Some(rank) => rank.to_string(),
        None if token.candidates.is_empty() => "-".to_owned(),
        None => format!(">{}", token.candidates.len()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_what_if_gives_stays_where_there_is_little_room() {
        use Column::{Band, Rank, Share, Value};
        assert_eq!(columns(32, Order::Entropy, false), [Share, Value, Rank]);
        assert_eq!(columns(40, Order::Position, true), [Band, Share, Rank]);
        assert_eq!(columns(32, Order::Position, true), [Band, Share]);
        assert_eq!(columns(32, Order::Margin, true), [Band, Value]);
        assert_eq!(columns(10, Order::Margin, true), [Band]);
    }
}
