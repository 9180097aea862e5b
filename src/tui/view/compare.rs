//! The comparison: a line with the axes, and a board of cells.

use super::invitation::{Invitation, invite};
use super::lens::{draw_accord, draw_figures, draw_reading};
use super::overlay::wrapped;
use super::paint::Canvas;
use super::rows::{Overlaid, draw_row};
use super::sweep;
use super::transcript::status_text;
use crate::app::App;
use crate::app::command::{Command, Place};
use crate::app::compare::filter::lead;
use crate::app::compare::lens::Lens;
use crate::app::compare::vote::{DIGITS, letter};
use crate::app::compare::{Shown, figure_rows};
use crate::app::layout::Rect;
use crate::app::msg::DocumentKey;
use crate::app::reading::parting_lines;
use crate::app::transcript::silence_ms;
use crate::core::bench::{Bench, Slot, State};
use crate::core::figure;
use crate::core::probability::Tally;
use crate::core::run::{Run, RunStatus};
use crate::core::text::{fit, printable, width};
use crate::tui::theme::Tint;
use ratatui::style::Style;

/// What is said while programs are asked about answers.
pub(super) const CHECKING: &str = "checking …";

pub(super) fn draw(app: &App, canvas: &mut Canvas<'_>) {
    let area = app.layout.transcript;
    if area.is_empty() {
        return;
    }
    let room = sweep::axes(app, canvas, Rect { height: 1, ..area });
    let has_legend = sweep::legend(app, canvas, area.y, room);
    let grid = area.below_axis();
    if app.compare.is_empty() {
        canvas.frame(grid, "compare", app.place() == Place::Grid);
        empty(app, canvas, grid.inner());
        return;
    }
    if let Some(lens) = app.compare.whole() {
        whole(app, canvas, grid, lens);
        filter_line(app, canvas, grid, 0);
        if !has_legend {
            legend(app, canvas, grid, 0);
        }
        return;
    }
    for (number, frame) in app.compare.cells(grid) {
        cell(app, canvas, frame, number);
    }
    let taken = paging(app, canvas, grid);
    if !has_legend {
        legend(app, canvas, grid, taken);
    }
}

/// Draws what the colours mean into the lowest line of the board, beside what takes so many cells at its right
/// end. Words that are looked for come before it.
fn legend(app: &App, canvas: &mut Canvas<'_>, grid: Rect, taken: usize) {
    if filtered(app).is_none() {
        let end = (grid.x + grid.width).saturating_sub(u16::try_from(taken + 2).unwrap_or(u16::MAX));
        sweep::legend(app, canvas, grid.y + grid.height - 1, (grid.x + 2, end));
    }
}

/// Draws what takes the place of the cells.
fn whole(app: &App, canvas: &mut Canvas<'_>, grid: Rect, lens: Lens) {
    let is_focused = app.place() == Place::Grid;
    let lenses = &app.compare.lenses;
    let is_one_row = app.compare.board.rows == 1;
    let row = if is_one_row { String::new() } else { format!(" · {}", row_label(app)) };
    let agreed = app.compare.agreed();
    let title = match lens {
        Lens::Consensus => format!("what {} answers share{row}", agreed.len()),
        Lens::Text | Lens::Difference | Lens::Statistics | Lens::Fields => format!("{}{row}", lens.name()),
    };
    canvas.frame(grid, &title, is_focused);
    let inner = grid.inner();
    let dim = canvas.style(Tint::Dim);
    match lens {
        Lens::Text | Lens::Difference => {}
        Lens::Consensus if agreed.len() < 2 => {
            wrapped(canvas, inner, "There is nothing to compare yet: one answer shares all of itself.", dim);
        }
        Lens::Consensus => {
            let sheet = lenses.consensus();
            draw_reading(canvas, inner, sheet.reading(), sheet.document(), lenses.top);
        }
        Lens::Statistics => {
            if let Some(figures) = lenses.figures() {
                draw_figures(canvas, inner, figures, &lenses.cursor, is_focused);
            }
        }
        Lens::Fields => match lenses.accord() {
            Some(accord) => draw_accord(canvas, inner, accord, &lenses.cursor, is_focused),
            None => {
                let key = app.keymap.hint(Command::EditParameters, Place::Grid).unwrap_or_default();
                let text = format!("No answer is JSON. {key} sets response_format, then Enter asks again.");
                wrapped(canvas, inner, &text, dim);
            }
        },
    }
}

/// Returns what the row under the cursor is called.
fn row_label(app: &App) -> String {
    let Some(sweep) = app.compare.bench.as_ref().map(Bench::sweep) else { return String::new() };
    sweep.labels(app.compare.cursor).into_iter().skip(1).collect::<Vec<_>>().join(" · ")
}

fn cell(app: &App, canvas: &mut Canvas<'_>, frame: Rect, cell: usize) {
    let Some(shown) = app.compare.shown(cell) else { return };
    let is_focused = cell == app.compare.cursor && app.place() == Place::Grid;
    let number = match (shown.slot.is_some(), shown.count) {
        (true, 1) => String::new(),
        (true, count) => format!(" · {}/{count}", shown.number + 1),
        (false, count) => {
            let is_ending = shown.run.is_some_and(|run| run.branch.is_some());
            let name = if is_ending { "ending" } else { "again" };
            format!(" · {name} {}/{count}", shown.number + 1)
        }
    };
    let (column, _) = app.compare.board.place(cell);
    let place = app.compare.place_of(column);
    if app.compare.is_voting() {
        canvas.frame(frame, &format!("{}{number}", letter(place)), is_focused);
        unnamed(app, canvas, frame, cell, place);
        return;
    }
    let is_base = app.compare.lenses.lens == Lens::Difference && column == app.compare.lenses.base;
    let number = if is_base { format!("{number} · base") } else { number };
    let best = if app.compare.best.contains(&cell) { " ★" } else { "" };
    // Shuffled columns keep their letters until they are put back: the eye has learnt them.
    let lead = app.compare.blind.as_ref().map_or_else(String::new, |_| format!("{} · ", letter(place)));
    let room = usize::from(frame.width.saturating_sub(8))
        .saturating_sub(width(&lead) + width(&number) + width(best));
    let title = format!("{lead}{}{number}{best}", fit(&label(app, cell), room));
    canvas.frame(frame, &title, is_focused);
    let area = app.compare.text_area(cell, frame);
    let above = frame.inner();
    if area.y > above.y {
        let note = fit(&printable(app.compare.note(cell)), usize::from(area.width.saturating_sub(2)));
        let (key, dim) = (canvas.style(Tint::Key), canvas.style(Tint::Dim));
        canvas.pieces(above.x, above.y, above.x + above.width, &[("# ", key), (&note, dim)]);
    }
    let difference = app.compare.lenses.difference(cell);
    match (shown.run, shown.slot) {
        (Some(_), _) if let Some(sheet) = difference => {
            let top = app.compare.pane(cell).map_or(0, |pane| pane.top);
            draw_reading(canvas, area, sheet.reading(), sheet.document(), top);
        }
        (Some(run), _) => answer(app, canvas, area, cell, run),
        (None, Some(slot)) => unsent(canvas, area, slot),
        (None, None) => {}
    }
    let (style, end) = (canvas.style(Tint::Warning), area.x + area.width);
    let bottom = above.y + above.height - figure_rows(above.height);
    for (y, failure) in (area.y + area.height..bottom).zip(app.compare.failures(cell)) {
        let line = fit(&printable(&format!("✗ {failure}")), usize::from(area.width));
        canvas.text(area.x, y, end, &line, style);
    }
    figures(app, canvas, frame, cell, shown, is_focused);
}

/// Draws a cell that is voted on: its answer, and nothing that tells the column by its figures or colours.
fn unnamed(app: &App, canvas: &mut Canvas<'_>, frame: Rect, cell: usize, place: usize) {
    let area = app.compare.text_area(cell, frame);
    let (text, dim) = (canvas.style(Tint::Text), canvas.style(Tint::Dim));
    let run = app.compare.shown(cell).and_then(|shown| shown.run).filter(|run| !run.text.is_empty());
    match run.and_then(|run| app.documents.get(DocumentKey::Run(run.id))) {
        Some(document) => {
            let top = app.compare.pane(cell).map_or(0, |pane| pane.top);
            for (y, row) in (area.y..area.y + area.height).zip(top..document.row_count()) {
                let ends = (area.x, y, area.x + area.width);
                draw_row(canvas, ends, (document, row), &Overlaid::plain(text));
            }
        }
        None => {
            canvas.text(area.x, area.y, area.x + area.width, "no answer", dim);
        }
    }
    let rows = figure_rows(frame.inner().height);
    let line = area.y + area.height;
    let line = if rows > 1 { rule(canvas, frame, line, canvas.theme.frame(false).0) } else { line };
    if rows > 0 {
        let key = if place < DIGITS { (place + 1).to_string() } else { "Enter".to_owned() };
        let style = canvas.style(Tint::Key);
        let end = area.x + area.width;
        let wordings = [["press ", " to vote for this"], ["press ", " to vote"], ["vote: ", ""]];
        let needed = |[before, after]: &[&str; 2]| width(before) + width(&key) + width(after);
        let fits = |wording: &[&str; 2]| needed(wording) <= usize::from(area.width);
        let [before, after] = wordings.into_iter().find(fits).unwrap_or(["", ""]);
        canvas.pieces(area.x, line, end, &[(before, dim), (&key, style), (after, dim)]);
    }
}

/// Draws the line between the text of a cell and its figures; returns the line below it.
fn rule(canvas: &mut Canvas<'_>, frame: Rect, y: u16, style: Style) -> u16 {
    let [left, right] = canvas.theme.signs.tees;
    let end = frame.x + frame.width;
    canvas.text(frame.x, y, frame.x + 1, left, style);
    canvas.fill(frame.x + 1, y, end - 1, canvas.theme.signs.frame[4], style);
    canvas.text(end - 1, y, end, right, style);
    y + 1
}

/// Returns what a cell is called: its value on each axis, a temperature led by `T`.
fn label(app: &App, cell: usize) -> String {
    let Some(sweep) = app.compare.bench.as_ref().map(Bench::sweep) else { return String::new() };
    let labelled = sweep.axes().iter().zip(sweep.labels(cell));
    let names = labelled.map(|(axis, label)| match lead(axis.parameter()) {
        Some(lead) => format!("{lead} {label}"),
        None => label.to_owned(),
    });
    names.collect::<Vec<_>>().join(" · ")
}

/// Draws the place of an answer that is not asked for, or not yet.
fn unsent(canvas: &mut Canvas<'_>, area: Rect, slot: &Slot) {
    let (dim, faint) = (canvas.style(Tint::Dim), canvas.style(Tint::Faint));
    match &slot.refusal {
        Some(reason) => {
            wrapped(canvas, area, reason, dim);
            let lines = crate::markup::wrap(reason, 0..reason.len(), area.width).len();
            let top = area.y + u16::try_from(lines + 1).unwrap_or(u16::MAX);
            let hatch = canvas.theme.signs.hatch;
            for y in top..area.y + area.height {
                canvas.fill(area.x, y, area.x + area.width, hatch, faint);
            }
        }
        None => {
            let state = slot.state().name();
            canvas.text(area.x, area.y, area.x + area.width, state, dim);
        }
    }
}

fn answer(app: &App, canvas: &mut Canvas<'_>, area: Rect, cell: usize, run: &Run) {
    let top = app.compare.pane(cell).map_or(0, |pane| pane.top);
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
    for (y, row) in (area.y..area.y + area.height).zip(top..) {
        match (body, note) {
            (Some(document), _) if row < body_rows => draw_row(canvas, (x, y, end), (document, row), &text),
            (_, Some(document)) if row - body_rows < document.row_count() => {
                draw_row(canvas, (x, y, end), (document, row - body_rows), &fault);
            }
            _ => break,
        }
    }
}

/// Draws how many cells there are beside those on screen, in the lowest line of the board; returns how many
/// cells of it that takes.
fn paging(app: &App, canvas: &mut Canvas<'_>, grid: Rect) -> usize {
    let board = &app.compare.board;
    let dim = canvas.style(Tint::Dim);
    let part = |first: usize, shown: usize, all: usize, name: &str| {
        (shown < all).then(|| match shown {
            1 => format!(" {name} {} of {all} ", first + 1),
            _ => format!(" {name}s {}-{} of {all} ", first + 1, (first + shown).min(all)),
        })
    };
    let columns = part(board.first_column, board.wide, board.column_count(), "column");
    let rows = part(board.first_row, board.high, board.row_count(), "row");
    let (y, end) = (grid.y + grid.height - 1, grid.x + grid.width - 2);
    let text: String = columns.into_iter().chain(rows).collect();
    let taken = if text.is_empty() { 0 } else { width(&text) + 1 };
    if !text.is_empty() && width(&text) + 4 < usize::from(grid.width) {
        canvas.right(grid.x, y, end, &text, dim);
    }
    filter_line(app, canvas, grid, taken);
    taken
}

/// Draws which words are looked for and how much has them, in the lowest line of the board, beside what takes
/// so many cells at its right end.
fn filter_line(app: &App, canvas: &mut Canvas<'_>, grid: Rect, taken: usize) {
    let Some(told) = filtered(app) else { return };
    let room = usize::from(grid.width).saturating_sub(taken + width(&told) + 12);
    let words = fit(&printable(app.compare.filter.text()), room);
    let (key, dim) = (canvas.style(Tint::Key), canvas.style(Tint::Dim));
    let (x, y) = (grid.x + 2, grid.y + grid.height - 1);
    let end = (grid.x + grid.width).saturating_sub(u16::try_from(taken + 2).unwrap_or(u16::MAX));
    canvas.pieces(x, y, end, &[(" /", key), (&words, key), (" · ", dim), (&told, dim), (" ", dim)]);
}

/// Returns how many rows and columns are shown, where not all are looked at: `12 of 300 rows`.
pub(super) fn filtered(app: &App) -> Option<String> {
    let board = Some(&app.compare.board).filter(|_| app.compare.filter.is_on())?;
    let part = |shown: usize, all: usize, name: &str| {
        let of = |all: usize| figure::whole(all as u64);
        (all > 1).then(|| format!("{} of {} {name}", of(shown), of(all)))
    };
    let rows = part(board.row_count(), board.rows, "rows");
    // Where every column is left there is nothing to tell.
    let columns = Some(board.column_count()).filter(|shown| *shown < board.columns || board.rows == 1);
    let columns = columns.and_then(|shown| part(shown, board.columns, "columns"));
    Some(rows.into_iter().chain(columns).collect::<Vec<_>>().join(", "))
}

/// Draws what is known of a cell's answer under it.
fn figures(app: &App, canvas: &mut Canvas<'_>, frame: Rect, cell: usize, shown: Shown<'_>, is_focused: bool) {
    let inner = frame.inner();
    let (x, end) = (inner.x, inner.x + inner.width);
    let rows = figure_rows(inner.height);
    let line = inner.y + inner.height - rows;
    let (text, dim) = (canvas.style(Tint::Text), canvas.style(Tint::Dim));
    let (state, tint) = match (shown.run, shown.slot) {
        // What came before it was stopped stands until it is asked again.
        (Some(_), Some(slot)) if slot.state() == State::Waiting => ("waiting".to_owned(), Tint::Dim),
        (Some(run), _) => state(app, run),
        (None, slot) => (slot.map_or("", |slot| slot.state().name()).to_owned(), Tint::Dim),
    };
    let state_style = canvas.style(tint);
    let verdicts = app.compare.judged(cell).map_or((0, 0), |sample| app.compare.checks.counts(sample));
    let count = shown.run.and_then(Run::output_tokens).map(figure::count);
    let tokens = count.as_ref().map_or_else(String::new, |count| format!("{count} tok"));
    let tally = shown.run.map(Run::tally);
    let perplexity = tally.and_then(Tally::perplexity).map(figure::perplexity);
    match rows {
        0 => return,
        1 => {
            let perplexity = perplexity.map_or_else(String::new, |perplexity| format!("ppl {perplexity}"));
            let x = canvas.text(x, line, end, &state, state_style);
            let x = judged(canvas, (x, line, end), verdicts);
            let mut x = checking(app, canvas, cell, (x, line, end));
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
    rule(canvas, frame, line, canvas.theme.frame(is_focused).0);
    let after = canvas.text(x, line + 1, end, &state, state_style);
    let after = judged(canvas, (after, line + 1, end), verdicts);
    let after = checking(app, canvas, cell, (after, line + 1, end));
    let after = passing(app, canvas, cell, (after, line + 1), end - taken(&tokens).min(end)) + 1;
    let fits = |text: &String| usize::from(end.saturating_sub(after)) >= width(text);
    if let Some(tokens) = [tokens, count.unwrap_or_default()].iter().find(|tokens| fits(tokens)) {
        canvas.right(after, line + 1, end, tokens, text);
    }
    let Some(run) = shown.run else { return };
    if app.compare.lenses.lens == Lens::Difference
        && let Some(parting) = app.compare.parting(cell)
    {
        let lines = parting_lines(&parting, usize::from(inner.width));
        for (y, shown) in (line + 2..line + rows).zip(&lines) {
            canvas.text(x, y, end, shown, dim);
        }
        return;
    }
    let first =
        run.first_token_ms().map_or_else(String::new, |ms| format!("{} first", figure::duration_ms(ms)));
    let rate = run.tokens_per_s().map_or_else(String::new, figure::rate);
    let after = canvas.text(x, line + 2, end, &first, dim);
    canvas.right(after + 1, line + 2, end, &rate, dim);
    let bits = tally.and_then(Tally::mean_surprisal_bits).map(figure::bits);
    let alike = alike(app, cell);
    match (perplexity, bits, alike) {
        (perplexity, _, Some(alike)) => {
            let after = match perplexity {
                Some(perplexity) => {
                    canvas.pieces(x, line + 3, end, &[("ppl ", dim), (&perplexity, text)]) + 1
                }
                None => x,
            };
            let shown = alike.iter().find(|alike| width(alike) <= usize::from(end.saturating_sub(after)));
            canvas.right(after, line + 3, end, shown.map_or("", String::as_str), text);
        }
        (Some(perplexity), Some(bits), None) => {
            let after = canvas.pieces(x, line + 3, end, &[("ppl ", dim), (&perplexity, text)]);
            canvas.right(after + 1, line + 3, end, &bits, dim);
        }
        _ if matches!(run.status, RunStatus::Done(_)) => {
            canvas.text(x, line + 3, end, "no logprobs", dim);
        }
        _ => {}
    }
}

/// Draws how many checks an answer passes and how many it does not; returns the column after.
fn judged(canvas: &mut Canvas<'_>, (x, y, end): (u16, u16, u16), (passed, failed): (usize, usize)) -> u16 {
    let mut x = x;
    for (count, sign, tint) in [(passed, "✓", Tint::Ok), (failed, "✗", Tint::Error)] {
        let text = format!("{sign}{count}");
        let needed = u16::try_from(width(&text) + 1).unwrap_or(u16::MAX);
        if count > 0 && x.saturating_add(needed) <= end {
            let style = canvas.style(tint);
            x = canvas.text(x + 1, y, end, &text, style);
        }
    }
    x
}

/// Says that programs are asked about an answer, where there is room; returns the column after.
fn checking(app: &App, canvas: &mut Canvas<'_>, cell: usize, (x, y, end): (u16, u16, u16)) -> u16 {
    let is_checking = app.compare.judged(cell).is_some_and(|sample| app.compare.is_checking(sample));
    if !is_checking || x.saturating_add(taken(CHECKING)) > end {
        return x;
    }
    let dim = canvas.style(Tint::Dim);
    canvas.text(x + 1, y, end, CHECKING, dim)
}

/// Returns the cells a text takes at the end of a line, with one before it.
fn taken(text: &str) -> u16 {
    u16::try_from(width(text) + 1).unwrap_or(u16::MAX)
}

/// Draws how many of a cell's answers pass, where there are several and there is room; returns the column
/// after.
fn passing(app: &App, canvas: &mut Canvas<'_>, cell: usize, (x, y): (u16, u16), end: u16) -> u16 {
    let samples = app.compare.bench.as_ref().map_or(0..0, |bench| bench.samples_of(cell));
    let rate = app.compare.checks.rate(samples.clone());
    let text = format!(" · {}/{} pass", rate.passed, rate.judged);
    if samples.len() < 2 || rate.judged == 0 || x.saturating_add(taken(&text)) > end {
        return x;
    }
    let dim = canvas.style(Tint::Dim);
    canvas.text(x, y, end, &text, dim)
}

/// Returns how alike the answers of a cell are, at length and short; nothing before there are two.
fn alike(app: &App, cell: usize) -> Option<[String; 2]> {
    let statistics = app.compare.bench.as_ref()?.statistics(cell).filter(|own| own.answers > 1)?;
    let distinct = format!("{}/{} distinct", statistics.distinct, statistics.answers);
    let similarity = statistics.similarity().map(|value| format!(" · sim {value:.2}"));
    Some([format!("{distinct}{}", similarity.unwrap_or_default()), distinct])
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
            intro: ["One question, every temperature at once.", "One question, all at once."],
            offers: &[
                (
                    Command::Send,
                    [
                        "ask the question below, your own, or the last one of the chat",
                        "ask the question below",
                    ],
                ),
                (
                    Command::EditSweep,
                    ["vary something else: personas, models, prompts; repeats", "vary something else"],
                ),
                (Command::EditParameters, ["edit what all columns share", "edit what all share"]),
                (Command::OpenPlan, ["open a sweep's file, a sweep.toml", "open a sweep's file"]),
            ],
            aside: "",
        },
    );
}
