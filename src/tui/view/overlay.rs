//! Lists and tables laid over the screen.

mod allow;
mod personas;
mod pieces;
mod probe;

use super::above_draft;
use super::paint::Canvas;
use crate::app::App;
use crate::app::command::{Command, Place};
use crate::app::layout::Rect;
use crate::app::line_edit::Window;
use crate::app::msg::Size;
use crate::app::overlay::{Filing, List, Overlay, Parameters, Prompt};
use crate::app::page::{self, PageLine};
use crate::app::settings::Parameter;
use crate::core::text::{clusters, fit, printable, visible, width};
use crate::tui::theme::Tint;
use ratatui::style::Style;

/// Draws what lies over the screen; returns where its caret is, if it takes text.
pub(super) fn draw(app: &App, overlay: &Overlay, canvas: &mut Canvas<'_>) -> Option<(u16, u16)> {
    match overlay {
        Overlay::List(list) => Some(list_box(app, list, canvas)),
        Overlay::Parameters(table) => parameters(app, table, canvas),
        Overlay::Sweep(form) => super::sweep::form(app, form, canvas),
        Overlay::Probe(probing) => {
            probe::draw(app, probing, canvas);
            None
        }
        Overlay::Personas => personas::draw(app, canvas),
        Overlay::Tokens(pieces) => {
            pieces::draw(app, pieces, canvas);
            None
        }
        Overlay::Find(prompt) => Some(line(app, prompt, canvas, ("/", &find_hint(app, prompt)))),
        Overlay::Filter(prompt) => {
            let told = super::compare::filtered(app)
                .unwrap_or_else(|| "words of the titles, such as panda T 0.8".to_owned());
            Some(line(app, prompt, canvas, ("/", &told)))
        }
        Overlay::Note(prompt) => Some(line(app, prompt, canvas, ("# ", "a note on this cell"))),
        Overlay::Export(prompt) => {
            let hint = match prompt.filing {
                Filing::Written => "writing …",
                Filing::Named | Filing::There => ".html .md .csv .json .jsonl .toml: by the ending",
            };
            let taken = width("write to ") + width(prompt.text()) + 4;
            let room = usize::from(app.layout.footer.width).saturating_sub(taken);
            let is_short = prompt.error.as_deref().is_none_or(|error| width(error) <= room);
            Some(if is_short {
                line(app, prompt, canvas, ("write to ", hint))
            } else {
                told_line(app, prompt, canvas, ("write to ", hint))
            })
        }
        Overlay::OpenFile(prompt) => {
            let hint = "a sweep's file, as compare --file takes it";
            Some(told_line(app, prompt, canvas, ("open ", hint)))
        }
        Overlay::Allow(asked) => {
            allow::draw(app, asked, canvas);
            None
        }
        Overlay::Help { scroll } => {
            pages(app, canvas, "keys", &page::keys(&app.keymap), *scroll);
            None
        }
        Overlay::Request { scroll } => {
            pages(app, canvas, "raw request and response", &page::exchange(app.told()), *scroll);
            None
        }
    }
}

/// Clears a box of at most this size in the middle of the upper part of the screen, frames it and
/// returns its inside. It never covers the draft.
pub(super) fn open(app: &App, canvas: &mut Canvas<'_>, wanted: (u16, u16), title: &str) -> Rect {
    let wanted = Size { width: wanted.0, height: wanted.1 };
    let frame = crate::app::layout::overlay(app.layout.main, wanted);
    let ground = canvas.style(Tint::Text).patch(canvas.style(Tint::Overlay));
    canvas.clear(frame, ground);
    canvas.frame(frame, title, true);
    frame.inner()
}

fn list_box(app: &App, list: &List, canvas: &mut Canvas<'_>) -> (u16, u16) {
    let rows = u16::try_from(list.items.len()).unwrap_or(u16::MAX).clamp(1, 18);
    let area = open(app, canvas, (84, rows + 4), list.title);
    let (text, dim, faint) = (canvas.style(Tint::Text), canvas.style(Tint::Dim), canvas.style(Tint::Faint));
    let end = area.x + area.width;
    let after = canvas.pieces(area.x, area.y, end, &[("> ", dim), (&list.filter, text)]);
    let count = format!("{}/{}", list.matches.len(), list.items.len());
    canvas.right(after + 1, area.y, end, &count, faint);
    let (top, height) = (area.y + 2, usize::from(area.height.saturating_sub(2)).max(1));
    if list.matches.is_empty() {
        wrapped(
            canvas,
            Rect { y: top, height: (area.y + area.height).saturating_sub(top), ..area },
            &list.note,
            dim,
        );
    }
    let first = (list.selected + 1).saturating_sub(height);
    for (y, (position, index)) in (top..).zip(list.matches.iter().enumerate().skip(first).take(height)) {
        let item = &list.items[*index];
        let is_current = list.current_choice.as_ref() == Some(&item.choice);
        let detail_width = u16::try_from(width(&item.detail)).unwrap_or(0).min(area.width / 2);
        // Only lists of which one row is in force have a column for its dot.
        let label_x = area.x + if list.current_choice.is_some() { 3 } else { 1 };
        let label = fit(&item.label, usize::from((end - label_x).saturating_sub(detail_width + 2)));
        if is_current {
            let (dot, accent) = (canvas.theme.signs.dot, canvas.style(Tint::Accent));
            canvas.text(area.x + 1, y, end, dot, accent);
        }
        canvas.text(label_x, y, end, &label, text);
        canvas.right(area.x, y, end - 1, &fit(&item.detail, usize::from(area.width / 2)), dim);
        if position == list.selected {
            let style = canvas.style(Tint::Selection);
            canvas.tint(area.x, y, end, style);
        }
    }
    (after.min(end - 1), area.y)
}

fn parameters(app: &App, table: &Parameters, canvas: &mut Canvas<'_>) -> Option<(u16, u16)> {
    let rows = u16::try_from(Parameter::ALL.len()).unwrap_or(8);
    let area = open(app, canvas, (92, rows + 6), "parameters");
    let (text, dim, faint) = (canvas.style(Tint::Text), canvas.style(Tint::Dim), canvas.style(Tint::Faint));
    let (error, warning) = (canvas.style(Tint::Error), canvas.style(Tint::Warning));
    let selection = canvas.style(Tint::Selection);
    let (end, value_x, range_x) = (area.x + area.width, area.x + 20, area.x + 36);
    let mut caret = None;
    // The last row is the hint's; where not all have one, the selected parameter does.
    let height = usize::from(area.height.saturating_sub(1)).max(1);
    let first = (table.selected + 1).saturating_sub(height);
    let shown = Parameter::ALL.into_iter().enumerate().skip(first).take(height);
    for (y, (index, parameter)) in (area.y..).zip(shown) {
        let refusal = app.refusal(parameter);
        canvas.text(area.x + 1, y, value_x, parameter.name(), if refusal.is_some() { faint } else { text });
        let is_selected = index == table.selected;
        let mut note_x = range_x;
        match (&table.typing, parameter.value(&app.settings)) {
            (Some(typed), _) if is_selected => {
                // The end of what is typed is where the caret is; what it may be gives way to it.
                let after = canvas.text(value_x, y, end, &last_cells(typed, end - value_x - 1), text);
                caret = Some((after.min(end - 1), y));
                note_x = if after + 2 > range_x { end } else { range_x };
            }
            (_, Some(value)) => {
                canvas.text(value_x, y, range_x - 1, &fit(&value, 15), text);
            }
            (_, None) => {
                canvas.text(value_x, y, range_x - 1, parameter.absent(), faint);
            }
        }
        let (note, style) = match (refusal, app.remark(parameter)) {
            (Some(reason), _) => (format!("refused: {reason}"), error),
            (None, Some(remark)) => (remark, warning),
            (None, None) => (parameter.range().to_owned(), faint),
        };
        if note_x < end {
            canvas.text(note_x, y, end, &fit(&note, usize::from(end - note_x)), style);
        }
        if is_selected {
            canvas.tint(area.x, y, end, selection);
        }
    }
    let y = area.y + area.height - 1;
    if area.height > rows + 2 {
        probe::gist(app, Rect { x: area.x + 1, y: y - 1, width: area.width - 1, height: 1 }, canvas);
    }
    match &table.error {
        Some(message) => canvas.text(area.x + 1, y, end, message, error),
        None => {
            let key = |command| app.keymap.hint(command, Place::Overlay).unwrap_or_default();
            let change = if table.current().is_stepped() {
                let (lower, raise) = (key(Command::OverlayLower), key(Command::OverlayRaise));
                format!("{lower} {raise} change · type a value")
            } else {
                "type a text, several with |".to_owned()
            };
            let omit = format!("{} omits", key(Command::OverlayOmit));
            let both = format!("{change} · {omit}");
            let room = usize::from(area.width.saturating_sub(1));
            let hint = if width(&both) > room { fit(&change, room) } else { both };
            canvas.text(area.x + 1, y, end, &hint, dim)
        }
    };
    caret
}

/// Returns the end of a line that has no room for all of it.
fn last_cells(line: &str, cells: u16) -> String {
    let shown = printable(line);
    let mut room = usize::from(cells).saturating_sub(1);
    if width(&shown) <= room {
        return shown.into_owned();
    }
    let fits = |(_, cluster): &(usize, &str)| {
        let fits = width(cluster) <= room.saturating_sub(1);
        room = room.saturating_sub(width(cluster));
        fits
    };
    let start = clusters(&shown).rev().take_while(fits).last().map_or(shown.len(), |(at, _)| at);
    format!("…{}", shown.get(start..).unwrap_or_default())
}

/// Draws a sentence over the rows of a rectangle.
pub(super) fn wrapped(canvas: &mut Canvas<'_>, area: Rect, sentence: &str, style: Style) {
    let lines = crate::markup::wrap(sentence, 0..sentence.len(), area.width);
    for (y, line) in (area.y..area.y + area.height).zip(lines) {
        canvas.text(area.x, y, area.x + area.width, sentence.get(line).unwrap_or_default(), style);
    }
}

/// Returns what looking for text will do: that which was looked for last is a key away.
fn find_hint(app: &App, prompt: &Prompt) -> String {
    let sought = fit(&visible(&app.inspector.sought), usize::from(app.layout.footer.width / 4));
    if !prompt.text().is_empty() || sought.is_empty() {
        return "look for text in the answer".to_owned();
    }
    let hint = |command| app.keymap.hint(command, Place::Inspector).unwrap_or_default();
    let keys = [Command::FindNext, Command::FindPrevious].map(hint).join(" ");
    format!("Esc, then {keys}: \"{sought}\" again")
}

/// Draws a line that is typed at the bottom, where it covers nothing it is about.
fn line(app: &App, prompt: &Prompt, canvas: &mut Canvas<'_>, (sign, hint): (&str, &str)) -> (u16, u16) {
    let line = app.layout.footer;
    let (text, dim, key) = (canvas.style(Tint::Text), canvas.style(Tint::Dim), canvas.style(Tint::Key));
    let warning = canvas.style(Tint::Warning);
    canvas.fill(0, line.y, line.width, " ", text);
    let start = canvas.text(1, line.y, line.width, sign, key);
    let Window { text: shown, caret } = prompt.line.window(usize::from(line.width.saturating_sub(start + 1)));
    let after = canvas.text(start, line.y, line.width, &shown, text).min(line.width - 1);
    if prompt.line.is_taken() {
        let selection = canvas.style(Tint::Selection);
        canvas.tint(start, line.y, after, selection);
    }
    let (said, style) = match (&prompt.error, prompt.found) {
        (Some(message), _) => (message.clone(), warning),
        (None, Some(found)) => (format!("{} of {}", found.number, found.of), dim),
        (None, None) => (hint.to_owned(), dim),
    };
    // What is typed matters more than what is said about it.
    if width(&said) + usize::from(after) + 3 <= usize::from(line.width) {
        canvas.right(after + 2, line.y, line.width - 1, &said, style);
    }
    (start.saturating_add(u16::try_from(caret).unwrap_or(u16::MAX)).min(line.width - 1), line.y)
}

/// Draws the line in which a file is named. What is wrong with the file has more to say than that line has
/// room for, and stands above the draft.
fn told_line(app: &App, prompt: &Prompt, canvas: &mut Canvas<'_>, (sign, hint): (&str, &str)) -> (u16, u16) {
    match &prompt.error {
        Some(message) => {
            let style = canvas.style(Tint::Warning);
            above_draft(app, canvas, message, style);
            let bare = Prompt::new(prompt.line.clone());
            line(app, &bare, canvas, (sign, ""))
        }
        None => line(app, prompt, canvas, (sign, hint)),
    }
}

fn pages(app: &App, canvas: &mut Canvas<'_>, title: &str, lines: &[PageLine], scroll: usize) {
    let height = u16::try_from(lines.len() + 2).unwrap_or(u16::MAX);
    let main = app.layout.main;
    let area = open(app, canvas, (100.min(main.width), height), title);
    let (text, dim, key) = (canvas.style(Tint::Text), canvas.style(Tint::Dim), canvas.style(Tint::Key));
    let heading = canvas.style(Tint::Heading);
    let (end, rows) = (area.x + area.width, usize::from(area.height));
    let first = scroll.min(lines.len().saturating_sub(rows));
    for (y, line) in (area.y..).zip(lines.iter().skip(first).take(rows)) {
        match line {
            PageLine::Heading(name) => canvas.text(area.x, y, end, name, heading),
            PageLine::Pair(name, meaning) => {
                canvas.text(area.x + 1, y, area.x + 27, name, key);
                canvas.text(area.x + 28, y, end, meaning, text)
            }
            PageLine::Text(line) => canvas.text(area.x, y, end, line, text),
        };
    }
    if lines.len() > rows {
        let place = format!(" {}-{} of {} ", first + 1, (first + rows).min(lines.len()), lines.len());
        canvas.right(area.x, area.y + area.height, end, &place, dim);
    }
}
