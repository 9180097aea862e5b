//! The setup of a comparison: the line that says what is run, and the form in which it is edited.

use super::compare::CHECKING;
use super::overlay::{open, wrapped};
use super::paint::Canvas;
use super::transcript::scale;
use crate::app::App;
use crate::app::command::{Command, Place};
use crate::app::compare::outlook::Outlook;
use crate::app::compare::setup::{Form, Row, Setup};
use crate::app::layout::Rect;
use crate::app::settings::Parameter;
use crate::core::bench::limiter::Hold;
use crate::core::bench::{Bench, Progress, State};
use crate::core::figure;
use crate::core::run::Count;
use crate::core::sweep::preflight::Budget;
use crate::core::sweep::{Axis, Parameter as Varied};
use crate::core::text::{fit, width};
use crate::tui::theme::{Signs, Tint};
use ratatui::style::Modifier;

/// Columns of the bar that shows how far a sweep is.
const BAR: usize = 12;

/// Cells that axes need before the number of repeats has its own.
const LEAST_AXES: u16 = 12;

/// Draws the axes, which of their values are on screen, and what running them takes or how far it is; returns
/// between which columns room is left.
pub(super) fn axes(app: &App, canvas: &mut Canvas<'_>, area: Rect) -> (u16, u16) {
    let (dim, faint, text) = (canvas.style(Tint::Dim), canvas.style(Tint::Faint), canvas.style(Tint::Text));
    let compare = &app.compare;
    let tally_style = canvas.style(Tint::Ok);
    let end = area.x + area.width - 1;
    let right = standing(app, &canvas.theme.signs);
    let room = |text: &str| end.saturating_sub(u16::try_from(width(text)).unwrap_or(u16::MAX));
    // The axes need half of the line at least.
    let right = right.iter().find(|text| room(text) > area.x + area.width / 2);
    let stop = right.map_or(end, |text| room(text).saturating_sub(2));
    if let Some(right) = right {
        canvas.right(stop, area.y, end, right, dim);
    }
    let next = app.next_setup();
    let times = Some(format!("× {}", next.repeats)).filter(|_| next.repeats > 1);
    // How often is whole or not there at all: what is cut of it reads as another number.
    let reserved = times.as_ref().map_or(0, |times| u16::try_from(width(times)).unwrap_or(0));
    let (start, whole) = (area.x + 1, stop);
    let stop = if start + reserved + LEAST_AXES < stop { stop - reserved } else { stop };
    let mut x = start;
    for (number, axis) in next.axes.iter().enumerate() {
        if number > 0 {
            x = canvas.text(x, area.y, stop, "× ", faint);
        }
        x = canvas.pieces(x, area.y, stop, &[(&axis.parameter().to_string(), dim), (" ", dim)]);
        for (index, value) in axis.values().iter().enumerate() {
            let (is_current, is_shown) = match current(app, number, axis) {
                Some(current) => {
                    (current == index, number > 0 || compare.board.shows_column(compare.place_of(index)))
                }
                None => (false, false),
            };
            let style = match (is_current, is_shown) {
                (true, _) => canvas.style(Tint::Accent).add_modifier(Modifier::BOLD),
                (false, true) => text,
                (false, false) => dim,
            };
            let label = fit(&value.label, 20);
            let votes = match compare.votes.of(axis, index) {
                0 => String::new(),
                1 => " +1 vote".to_owned(),
                votes => format!(" +{votes} votes"),
            };
            let needed = u16::try_from(width(&label) + width(&votes)).unwrap_or(u16::MAX);
            if x.saturating_add(needed + 2) > stop {
                x = canvas.text(x, area.y, stop, "… ", faint);
                break;
            }
            x = canvas.pieces(x, area.y, stop, &[(&label, style), (&votes, tally_style), (" ", dim)]);
        }
    }
    if let Some(times) = times.filter(|_| x + reserved <= whole) {
        x = canvas.text(x, area.y, whole, &times, dim) + 1;
    }
    (x, whole)
}

/// Draws what the colours mean between two columns, at the right; returns whether there is room for it.
pub(super) fn legend(app: &App, canvas: &mut Canvas<'_>, y: u16, (start, end): (u16, u16)) -> bool {
    let legend = app.heat.legend().filter(|_| !app.compare.is_voting());
    let Some((unit, steps)) = legend else { return true };
    let dim = canvas.style(Tint::Dim);
    let cells = steps.iter().map(|step| width(step) + 2).sum::<usize>();
    for unit in [unit, ""] {
        let needed = u16::try_from(cells + width(unit) + 1).unwrap_or(u16::MAX);
        if start.saturating_add(needed) <= end {
            let after = canvas.pieces(end - needed, y, end, &[(unit, dim), (" ", dim)]);
            scale(canvas, (after, y, end), &steps);
            return true;
        }
    }
    false
}

/// Returns which value of an axis of the setup the cell under the cursor has, where it was run so.
fn current(app: &App, number: usize, axis: &Axis) -> Option<usize> {
    // Where the cursor is in a vote would tell the column.
    let sweep = app.compare.bench.as_ref().filter(|_| number > 0 || !app.compare.is_voting())?.sweep();
    let is_same = sweep.axes().get(number) == Some(axis);
    is_same.then(|| sweep.coordinates(app.compare.cursor).get(number).copied()).flatten()
}

/// Returns where the comparison stands, at length and ever shorter: first how many answers pass the checks.
fn standing(app: &App, signs: &Signs) -> Vec<String> {
    let compare = &app.compare;
    let samples = compare.bench.as_ref().map_or(0, |bench| bench.slots().len());
    let rate = compare.checks.rate(0..samples);
    let passed = Some(format!("{}/{} pass", rate.passed, rate.judged)).filter(|_| rate.judged > 0);
    let progress = compare.bench.as_ref().map(|bench| (bench, bench.progress(app.now)));
    // What was stopped can go on, until another question is being written.
    let goes_on = |(bench, progress): &(&Bench, Progress)| {
        let is_stopped = progress.counts.of(State::Stopped) > 0 && app.composer.is_empty();
        !bench.is_over() || progress.bound.is_some() || is_stopped
    };
    let progress = progress.filter(goes_on).map(|(_, progress)| under_way(&progress, signs));
    let next = app.next_setup();
    if compare.bench.is_some() && !app.is_on_board(&next) {
        // What Enter asks comes first; the board is something else, and is called so.
        let mut texts: Vec<String> =
            plan(app, &next).into_iter().map(|text| format!("next {text}")).collect();
        let board = [progress.and_then(|texts| texts.into_iter().nth(2)), passed];
        let board: Vec<String> = board.into_iter().flatten().collect();
        if !board.is_empty() {
            let board = board.join(" · ");
            let with_board: Vec<String> =
                texts.iter().map(|text| format!("{text} · board {board}")).collect();
            texts = with_board.into_iter().chain(texts.pop()).collect();
        }
        return texts;
    }
    let mut texts = progress.unwrap_or_else(|| plan(app, &next));
    if (0..samples).any(|sample| compare.is_checking(sample)) {
        texts = texts.into_iter().map(|text| format!("{CHECKING} · {text}")).collect();
        texts.push(CHECKING.to_owned());
    }
    if let Some(passed) = passed {
        texts = texts.into_iter().map(|text| format!("{passed} · {text}")).collect();
        texts.push(passed);
    }
    texts
}

/// Returns what a setup takes, at length and ever shorter.
fn plan(app: &App, setup: &Setup) -> Vec<String> {
    let compare = &app.compare;
    let key = app.keymap.hint(Command::EditSweep, Place::Composer).unwrap_or_default();
    // While the form is open the outlook is on what is written there.
    let outlook = compare.outlook.as_ref().filter(|(basis, _)| basis.setup == *setup);
    let outlook = outlook.and_then(|(_, outlook)| outlook.as_ref());
    let requests = outlook.map_or(setup.requests(), |outlook| outlook.preflight.requests);
    let plural = if requests == 1 { "" } else { "s" };
    let count = format!("= {} request{plural}", figure::whole(requests as u64));
    let stops = stops(setup, requests);
    let takes = outlook.map(takes);
    let (long, cost) = takes.unwrap_or_default();
    let time = outlook.map(time).unwrap_or_default();
    vec![
        format!("{count}{stops}{long}{cost}{time}  {key} edits"),
        format!("{count}{stops}{long}{cost}{time}"),
        format!("{count}{stops}{cost}{time}  {key} edits"),
        format!("{count}{stops}{cost}{time}"),
        format!("{count}{stops}  {key} edits"),
        format!("{count}{stops}"),
        count,
    ]
}

/// Returns where the budget stops so many requests, led by a separator; nothing where it does not.
fn stops(setup: &Setup, requests: usize) -> String {
    let Budget { requests: most, dollars, seconds } = setup.budget;
    let most = most.filter(|most| *most < requests as u64).map(|most| match most {
        1 => "1 request".to_owned(),
        most => format!("{} requests", figure::whole(most)),
    });
    let seconds = seconds.map(|seconds| format!("{seconds} s"));
    let bounds: Vec<String> = [most, dollars.map(figure::dollars), seconds].into_iter().flatten().collect();
    if bounds.is_empty() { String::new() } else { format!(" · stops at {}", bounds.join(", ")) }
}

/// Returns the tokens and the money a sweep takes at most, each led by a separator.
fn takes(outlook: &Outlook) -> (String, String) {
    let preflight = &outlook.preflight;
    let input = match (preflight.input, outlook.is_bound) {
        (Count::Estimate(tokens), true) => format!("≤ {}", figure::whole(tokens)),
        (count, _) => figure::count(count),
    };
    let output =
        preflight.output_limit.map_or_else(String::new, |most| format!(" · ≤ {} out", figure::whole(most)));
    let cost = preflight.dollars.map_or_else(String::new, |dollars| match dollars {
        0.0 => " · $0".to_owned(),
        dollars => format!(" · ≤ {}", figure::dollars(dollars)),
    });
    (format!(" · {input} in{output}"), cost)
}

/// Returns how long a sweep is expected to take, led by a separator; nothing where nothing is known of that.
fn time(outlook: &Outlook) -> String {
    let seconds = outlook.preflight.seconds;
    seconds.map_or_else(String::new, |seconds| {
        format!(" · ≈ {}", figure::duration_ms((seconds * 1000.0).round()))
    })
}

/// Returns how many cells are known to be refused, and why the first is.
fn refused(outlook: &Outlook) -> String {
    let mut varied: Vec<_> = outlook.preflight.refusals.iter().filter(|refusal| refusal.is_varied).collect();
    varied.dedup_by_key(|refusal| refusal.cell);
    varied.first().map_or_else(String::new, |first| {
        let cells = if varied.len() == 1 { "cell" } else { "cells" };
        format!("{} {cells} not sent: {}, {}", varied.len(), first.parameter, first.reason)
    })
}

/// Returns how far a sweep is.
fn under_way(progress: &Progress, signs: &Signs) -> Vec<String> {
    let counts = &progress.counts;
    let stopped = counts.of(State::Stopped);
    let (ended, all) = (counts.ended() - stopped, progress.samples);
    let is_over = ended + stopped == all;
    let done = format!("{} / {}", figure::whole(ended as u64), figure::whole(all as u64));
    let filled = (ended * BAR * 8).checked_div(all).unwrap_or(0);
    let bar: String = (0..BAR)
        .map(|cell| match filled.saturating_sub(cell * 8).min(8) {
            0 => signs.shade,
            eighths => signs.eighths[eighths - 1],
        })
        .collect();
    let state = match (progress.bound, progress.is_paused, &progress.held, progress.remaining) {
        _ if is_over && stopped > 0 => " · stopped".to_owned(),
        (Some(_), _, _, _) => " · budget used up".to_owned(),
        (None, true, _, _) => " · paused".to_owned(),
        (None, false, Some(Hold::Quota(_)), _) => " · waits for the configured limit".to_owned(),
        (None, false, Some(_), _) => " · waits for the server's limit".to_owned(),
        (None, false, None, Some(left)) => format!(" · {}", figure::time_left(left)),
        (None, false, None, None) => String::new(),
    };
    let failed = match counts.of(State::Failed) {
        0 => String::new(),
        failed => format!(" · {failed} failed"),
    };
    let spent = match progress.spent.dollars {
        0.0 => String::new(),
        dollars => format!(" · {}", figure::dollars(dollars)),
    };
    vec![
        format!("{bar} {done}{failed}{spent}{state}"),
        format!("{bar} {done}{failed}{state}"),
        format!("{done}{failed}{state}"),
        format!("{done}{failed}"),
        done,
    ]
}

/// Draws the form; returns where its caret is.
pub(super) fn form(app: &App, form: &Form, canvas: &mut Canvas<'_>) -> Option<(u16, u16)> {
    let rows = form.rows();
    let height = u16::try_from(rows.len()).unwrap_or(8);
    let area = open(app, canvas, (92, height + 6), "compare");
    let (text, dim, faint) = (canvas.style(Tint::Text), canvas.style(Tint::Dim), canvas.style(Tint::Faint));
    let selection = canvas.style(Tint::Selection);
    let (end, name_x, value_x) = (area.x + area.width, area.x + 12, area.x + 25);
    let mut caret = None;
    let shown = usize::from(area.height.saturating_sub(3)).max(1);
    let first = (form.selected + 1).saturating_sub(shown);
    let mut y = area.y;
    for (number, row) in rows.iter().enumerate().skip(first).take(shown) {
        let (kind, name, value) = match row {
            Row::Axis(at) => {
                let line = &form.lines[*at];
                let kind = if *at == 0 { "columns" } else { "rows" };
                (kind, line.parameter.to_string(), line.values.as_str())
            }
            Row::Add => ("", "+ one more".to_owned(), ""),
            Row::Repeats => ("each cell", "is asked".to_owned(), form.repeats.as_str()),
            Row::Budget => ("stop at", "budget".to_owned(), form.budget.as_str()),
            Row::Check(at) => {
                let line = &form.checks[*at];
                (if *at == 0 { "checks" } else { "" }, line.kind.to_owned(), line.text.as_str())
            }
            Row::AddCheck => {
                (if form.checks.is_empty() { "checks" } else { "" }, "+ one more".to_owned(), "")
            }
            Row::MaxTokens => ("answers", "max tokens".to_owned(), form.bounds.max_tokens.as_str()),
            Row::Timeout => ("waits for", "timeout".to_owned(), form.bounds.timeout.as_str()),
        };
        let is_selected = number == form.selected;
        let is_place = matches!(row, Row::Add | Row::AddCheck);
        canvas.text(area.x + 1, y, name_x, kind, faint);
        canvas.text(name_x, y, value_x, &fit(&name, 12), if is_place { dim } else { text });
        let room = usize::from(end.saturating_sub(value_x + 1));
        let (shown, style) = match row {
            Row::Budget if value.is_empty() => ("none".to_owned(), faint),
            Row::MaxTokens if value.is_empty() => (Parameter::MaxOutputTokens.absent().to_owned(), faint),
            Row::Timeout if value.is_empty() => (Parameter::Timeout.absent().to_owned(), faint),
            _ if is_selected => (tail(value, room), text),
            Row::AddCheck if form.checks.is_empty() => ("none".to_owned(), faint),
            Row::Axis(_)
            | Row::Add
            | Row::Repeats
            | Row::Budget
            | Row::Check(_)
            | Row::AddCheck
            | Row::MaxTokens
            | Row::Timeout => (fit(value, room), text),
        };
        let after = canvas.text(value_x, y, end, &shown, style);
        if *row == Row::Repeats {
            let times = if form.repeats.trim() == "1" { " time" } else { " times" };
            canvas.text(after, y, end, times, dim);
        }
        if *row == Row::Timeout && !value.is_empty() {
            canvas.text(after, y, end, " s", dim);
        }
        if is_selected {
            canvas.tint(area.x, y, end, selection);
            // What the first character typed takes the place of, until the row is typed in.
            if !form.is_typing && !value.is_empty() {
                let marked = style.patch(selection).add_modifier(Modifier::REVERSED);
                let is_reversed = selection.add_modifier.contains(Modifier::REVERSED);
                canvas.text(value_x, y, end, &shown, if is_reversed { text } else { marked });
            }
            caret = (!is_place).then_some((if value.is_empty() { value_x } else { after.min(end - 1) }, y));
        }
        y += 1;
    }
    let below = Rect {
        x: area.x + 1,
        y: y + 1,
        width: area.width - 1,
        height: (area.y + area.height).saturating_sub(y + 1),
    };
    match &form.error {
        Some(message) => {
            let style = canvas.style(Tint::Error);
            wrapped(canvas, below, message, style);
        }
        None => {
            let [takes, refused] = takes_of(app, form);
            let (mut y, end) = (below.y, below.y + below.height);
            for line in [takes, refused, hint(form.row(), form, app)].iter().filter(|line| !line.is_empty()) {
                wrapped(canvas, Rect { y, height: end.saturating_sub(y), ..below }, line, dim);
                let lines = crate::markup::wrap(line, 0..line.len(), below.width).len();
                y = y.saturating_add(u16::try_from(lines).unwrap_or(u16::MAX));
            }
        }
    }
    caret
}

/// Returns the end of a text that has room, led by an ellipsis where it was longer.
pub(super) fn tail(text: &str, room: usize) -> String {
    let (mut used, mut kept) = (0, text.len());
    // From the end, as what stands before it may be as long as a table.
    for (at, cluster) in crate::core::text::clusters(text).rev() {
        used += width(cluster);
        if used > room {
            return format!("…{}", &text[kept..]);
        }
        if used < room {
            kept = at;
        }
    }
    text.to_owned()
}

/// Returns how many requests the form makes, and what of it is refused.
fn takes_of(app: &App, form: &Form) -> [String; 2] {
    let setup = form.setup(app.compare.setup.lanes);
    match setup.and_then(|setup| form.settings().map(|_| setup)) {
        Ok(setup) => {
            let outlook = app.compare.outlook.as_ref().filter(|(basis, _)| basis.setup == setup);
            let outlook = outlook.and_then(|(_, outlook)| outlook.as_ref());
            let cells = setup.cells();
            let requests = outlook.map_or(setup.requests(), |outlook| outlook.preflight.requests);
            let cells_name = if cells == 1 { "cell" } else { "cells" };
            let stops = stops(&setup, requests);
            let requests_name = if requests == 1 { "request" } else { "requests" };
            let requests = figure::whole(requests as u64);
            let (tokens, cost) = outlook.map(takes).unwrap_or_default();
            let time = outlook.map(time).unwrap_or_default();
            let repeated = outlook.and_then(|outlook| outlook.preflight.repeated(outlook.is_bound));
            let repeated = repeated.map_or_else(String::new, |repeated| format!(" · {repeated}"));
            let refused = outlook.map_or_else(String::new, refused);
            let cells = figure::whole(cells as u64);
            [
                format!(
                    "{cells} {cells_name} · {requests} {requests_name}{stops}{tokens}{cost}{time}{repeated}"
                ),
                refused,
            ]
        }
        Err((_, reason)) => [reason, String::new()],
    }
}

/// Returns how a kind of check is written.
fn check_hint(kind: &str) -> &'static str {
    match kind {
        "contains" => "a text that must be in each answer",
        "regex" => "a pattern that must match somewhere in each answer",
        "max_tokens" => "the most tokens an answer may have",
        "json_schema" => "a JSON schema: each answer must be JSON that keeps to it",
        _ => "a program and its arguments: it is given each answer, and 0 as its exit code passes",
    }
}

/// Returns how the selected row is written.
fn hint(row: Row, form: &Form, app: &App) -> String {
    match row {
        Row::Axis(at) => match &form.lines[at].parameter {
            Varied::Temperature | Varied::TopP => {
                "numbers, or a range: 0.2..1.8 step 0.2; omit sends none".to_owned()
            }
            Varied::Seed | Varied::MaxTokens => "whole numbers, or a range: 1..5".to_owned(),
            Varied::Persona => {
                let key = app.keymap.hint(Command::EditPersonas, Place::Overlay).unwrap_or_default();
                format!("names of personas, and none; {key} lists, writes and edits them")
            }
            Varied::Endpoint => "names of endpoints, each with its model".to_owned(),
            Varied::Effort | Varied::Format | Varied::Model => "names with commas between".to_owned(),
            Varied::Prompt => {
                "questions with commas between, or \"in quotes\"; the lines of the draft to begin with"
                    .to_owned()
            }
            Varied::System | Varied::Variable(_) => "texts with commas between, or \"in quotes\"".to_owned(),
            Varied::Rows => {
                "the path of a CSV or JSONL file: its names are those in {{ }}, each row a cell".to_owned()
            }
        },
        Row::Add => "an axis more makes rows of cells".to_owned(),
        Row::Repeats => "1 to 100".to_owned(),
        Row::Budget => "requests=100, dollars=0.5, seconds=60: any of them".to_owned(),
        Row::MaxTokens if form.lines.iter().any(|line| line.parameter == Varied::MaxTokens) => {
            "the axis of max_tokens stands over it".to_owned()
        }
        Row::MaxTokens => "the longest answer in tokens; without it the server decides".to_owned(),
        Row::Timeout => {
            "seconds for the first byte, and of each silence; without it the endpoint's limits".to_owned()
        }
        Row::Check(at) => check_hint(form.checks[at].kind).to_owned(),
        Row::AddCheck => "what each answer must hold; type it, or regex=… as --check takes it".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_a_text_is_what_has_room() {
        for (text, room, shown) in [
            ("abc", 3, "abc"),
            ("abcd", 3, "…cd"),
            ("가나다", 5, "…나다"),
            ("가나다", 4, "…다"),
            ("", 0, ""),
            ("ab", 0, "…"),
            ("a👨‍👩‍👧", 2, "…"),
        ] {
            assert_eq!(tail(text, room), shown, "{text} in {room}");
        }
    }
}
