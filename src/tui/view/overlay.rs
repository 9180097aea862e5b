//! Lists and tables laid over the screen.

mod pieces;
mod probe;

use super::paint::Canvas;
use crate::app::App;
use crate::app::command::{COMMANDS, Command, EDITING, Group, Place};
use crate::app::layout::Rect;
use crate::app::msg::Size;
use crate::app::overlay::{List, Overlay, Parameters, Prompt};
use crate::app::settings::Parameter;
use crate::core::exchange::Exchange;
use crate::core::text::{fit, printable, width};
use crate::tui::theme::Tint;

/// Draws what lies over the screen; returns where its caret is, if it takes text.
pub(super) fn draw(app: &App, overlay: &Overlay, canvas: &mut Canvas<'_>) -> Option<(u16, u16)> {
    match overlay {
        Overlay::List(list) => Some(list_box(app, list, canvas)),
        Overlay::Parameters(table) => parameters(app, table, canvas),
        Overlay::Temperatures(prompt) => Some(temperatures(app, prompt, canvas)),
        Overlay::Probe(probing) => {
            probe::draw(app, probing, canvas);
            None
        }
        Overlay::Tokens(pieces) => {
            pieces::draw(app, pieces, canvas);
            None
        }
        Overlay::Find(prompt) => Some(find(app, prompt, canvas)),
        Overlay::Help { scroll } => {
            pages(app, canvas, "keys", &help_lines(app), *scroll);
            None
        }
        Overlay::Request { scroll } => {
            pages(app, canvas, "raw request and response", &exchange_lines(app), *scroll);
            None
        }
    }
}

/// Clears a box of at most this size in the middle of the upper part of the screen, frames it and
/// returns its inside. It never covers the draft.
fn open(app: &App, canvas: &mut Canvas<'_>, wanted: (u16, u16), title: &str) -> Rect {
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
        for (y, line) in
            (top..area.y + area.height).zip(crate::markup::wrap(&list.note, 0..list.note.len(), area.width))
        {
            canvas.text(area.x, y, end, list.note.get(line).unwrap_or_default(), dim);
        }
    }
    let first = (list.selected + 1).saturating_sub(height);
    for (y, (position, index)) in (top..).zip(list.matches.iter().enumerate().skip(first).take(height)) {
        let item = &list.items[*index];
        let detail_width = u16::try_from(width(&item.detail)).unwrap_or(0).min(area.width / 2);
        let label = fit(&item.label, usize::from(area.width - detail_width).saturating_sub(3));
        canvas.text(area.x + 1, y, end, &label, text);
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
    let area = open(app, canvas, (84, rows + 6), "parameters");
    let (text, dim, faint) = (canvas.style(Tint::Text), canvas.style(Tint::Dim), canvas.style(Tint::Faint));
    let (error, selection) = (canvas.style(Tint::Error), canvas.style(Tint::Selection));
    let (end, value_x, range_x) = (area.x + area.width, area.x + 20, area.x + 36);
    let mut caret = None;
    for (index, parameter) in Parameter::ALL.into_iter().enumerate() {
        let y = area.y + u16::try_from(index).unwrap_or(0);
        if y >= area.y + area.height {
            break;
        }
        let refusal = app.refusal(parameter);
        canvas.text(area.x + 1, y, value_x, parameter.name(), if refusal.is_some() { faint } else { text });
        let is_selected = index == table.selected;
        match (&table.typing, parameter.value(&app.settings.sampling)) {
            (Some(typed), _) if is_selected => {
                let after = canvas.text(value_x, y, end, typed, text);
                caret = Some((after.min(end - 1), y));
            }
            (_, Some(value)) => {
                canvas.text(value_x, y, range_x - 1, &fit(&value, 15), text);
            }
            (_, None) => {
                canvas.text(value_x, y, range_x - 1, "omitted", faint);
            }
        }
        let (note, style) = match refusal {
            Some(reason) => (format!("refused: {reason}"), error),
            None => (parameter.range().to_owned(), faint),
        };
        canvas.text(range_x, y, end, &fit(&note, usize::from(end.saturating_sub(range_x))), style);
        if is_selected {
            canvas.tint(area.x, y, end, selection);
        }
    }
    let y = area.y + area.height - 1;
    if area.height > rows + 2 {
        let gist = match app.finding(&app.settings.endpoint().name, &app.settings.model) {
            Some(finding) => finding.summary(),
            None => match app.keymap.hint(Command::ProbeModel, Place::Composer) {
                Some(key) => format!("{key} finds out what this model really does"),
                None => String::new(),
            },
        };
        canvas.text(area.x + 1, y - 1, end, &fit(&gist, usize::from(area.width - 1)), dim);
    }
    match &table.error {
        Some(message) => canvas.text(area.x + 1, y, end, message, error),
        None => canvas.text(area.x + 1, y, end, "← → change · type a value · Del omits · Esc closes", dim),
    };
    caret
}

fn temperatures(app: &App, prompt: &Prompt, canvas: &mut Canvas<'_>) -> (u16, u16) {
    let area = open(app, canvas, (70, 6), "temperatures");
    let (text, dim, error) = (canvas.style(Tint::Text), canvas.style(Tint::Dim), canvas.style(Tint::Error));
    let end = area.x + area.width;
    let after = canvas.text(area.x, area.y, end, &prompt.text, text);
    let y = area.y + 2;
    match &prompt.error {
        Some(message) => canvas.text(area.x, y, end, &fit(message, usize::from(area.width)), error),
        None => canvas.text(area.x, y, end, "numbers from 0 to 2; x3 at the end asks each three times", dim),
    };
    (after.min(end - 1), area.y)
}

/// Draws what is looked for in the bottom line, where it covers nothing that is looked through.
fn find(app: &App, prompt: &Prompt, canvas: &mut Canvas<'_>) -> (u16, u16) {
    let line = app.layout.footer;
    let (text, dim, key) = (canvas.style(Tint::Text), canvas.style(Tint::Dim), canvas.style(Tint::Key));
    let warning = canvas.style(Tint::Warning);
    canvas.fill(0, line.y, line.width, " ", text);
    let after = canvas.pieces(1, line.y, line.width, &[("/", key), (&prompt.text, text)]);
    let after = after.min(line.width - 1);
    match &prompt.error {
        Some(message) => canvas.right(after + 2, line.y, line.width - 1, message, warning),
        None => canvas.right(after + 2, line.y, line.width - 1, "look for text in the answer", dim),
    }
    (after, line.y)
}

/// One line of a page: text and how it stands out.
enum PageLine {
    Heading(String),
    /// A name and what it means.
    Pair(String, String),
    Text(String),
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

fn help_lines(app: &App) -> Vec<PageLine> {
    let mut lines = Vec::new();
    for group in Group::ALL {
        if !lines.is_empty() {
            lines.push(PageLine::Text(String::new()));
        }
        lines.push(PageLine::Heading(group.title().to_owned()));
        for spec in COMMANDS.iter().filter(|spec| spec.group == group) {
            lines.push(PageLine::Pair(app.keymap.keys(spec.command).join("  "), spec.title.to_owned()));
        }
        if group == Group::Draft {
            for (keys, meaning) in EDITING {
                lines.push(PageLine::Pair((*keys).to_owned(), (*meaning).to_owned()));
            }
        }
    }
    lines
}

/// Longest line of a raw frame that is shown; all of it is kept.
const RAW_LINE: usize = 400;

fn exchange_lines(app: &App) -> Vec<PageLine> {
    let Some(exchange) = app.inspected().and_then(|run| run.exchange.as_deref()) else {
        let text = "nothing was sent and received yet in this session for the answer shown";
        return vec![PageLine::Text(text.to_owned())];
    };
    lines_of(exchange)
}

fn lines_of(exchange: &Exchange) -> Vec<PageLine> {
    let mut lines = vec![
        PageLine::Heading("request".to_owned()),
        PageLine::Text(format!("POST {}", printable(&exchange.url))),
    ];
    lines.push(PageLine::Text(printable(&cut(&exchange.request)).into_owned()));
    lines.push(PageLine::Text(String::new()));
    let status = exchange.status.map_or_else(|| "no response".to_owned(), |status| format!("HTTP {status}"));
    lines.push(PageLine::Heading(format!("response · {status}")));
    for (name, value) in &exchange.headers {
        lines.push(PageLine::Text(format!("{}: {}", printable(name), printable(&cut(value)))));
    }
    for (at, frame) in exchange.frames() {
        let ms = crate::core::time::millis(at);
        lines.push(PageLine::Text(format!("{ms:>9.1} ms  {}", printable(&cut(frame)))));
    }
    if exchange.dropped_bytes > 0 {
        lines.push(PageLine::Text(format!(
            "{} further bytes were received and not kept",
            exchange.dropped_bytes
        )));
    }
    lines
}

fn cut(line: &str) -> String {
    match line.char_indices().nth(RAW_LINE) {
        Some((at, _)) => format!("{}…", &line[..at]),
        None => line.to_owned(),
    }
}
