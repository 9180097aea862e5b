//! The layer of personas: the list with the text of the selected one, or the editor of a text.

use super::super::paint::Canvas;
use super::{line, open, wrapped};
use crate::app::App;
use crate::app::command::{Command, Place};
use crate::app::composer::SpanKind;
use crate::app::layout::Rect;
use crate::app::personas::{Doing, MOST, Personas, Writing};
use crate::core::persona::Source;
use crate::core::text::{fit, printable, width};
use crate::tui::theme::Tint;

/// Columns of names.
const NAMES: u16 = 18;

/// Rows the text of the selected persona keeps at least.
const TEXT_ROWS: u16 = 5;

/// Draws the layer; returns where its caret is, if it takes text.
pub(super) fn draw(app: &App, canvas: &mut Canvas<'_>) -> Option<(u16, u16)> {
    let personas = &app.personas;
    if let Doing::Writing(writing) = &personas.doing {
        let area = open(app, canvas, (MOST.width, MOST.height), &format!("persona {}", writing.name));
        return Some(editor(app, writing, canvas, area));
    }
    let area = open(app, canvas, (MOST.width, MOST.height), "personas");
    list(personas, canvas, area);
    match &personas.doing {
        Doing::Naming { prompt, of } => {
            let hint = if of.is_some() { "its new name" } else { "the name of a new persona" };
            Some(line(app, prompt, canvas, ("name ", hint)))
        }
        Doing::Listing | Doing::Writing(_) => None,
    }
}

fn list(personas: &Personas, canvas: &mut Canvas<'_>, area: Rect) {
    let (text, dim, faint) = (canvas.style(Tint::Text), canvas.style(Tint::Dim), canvas.style(Tint::Faint));
    let (selection, error) = (canvas.style(Tint::Selection), canvas.style(Tint::Error));
    let (end, bottom) = (area.x + area.width, area.y + area.height);
    let count = personas.library.len();
    // The text below keeps some rows; a short list leaves it more.
    let room = usize::from(area.height.saturating_sub(TEXT_ROWS + 1)).max(1);
    let shown = room.min(count);
    let position = personas.position();
    let first = (position + 1).saturating_sub(shown);
    let mut y = area.y;
    for (number, persona) in personas.library.all().enumerate().skip(first).take(shown) {
        let source = match persona.source {
            Source::Configured => "configured",
            Source::Own => "yours",
            Source::Over => "yours, over the configured one",
        };
        let source_x = end.saturating_sub(u16::try_from(width(source)).unwrap_or(0) + 1);
        let name_end = area.x + 1 + NAMES;
        canvas.text(area.x + 1, y, name_end, &fit(persona.name, usize::from(NAMES - 1)), text);
        let beginning = persona.system.lines().next().unwrap_or_default();
        let cells = usize::from(source_x.saturating_sub(name_end + 2));
        canvas.text(name_end, y, source_x, &fit(beginning, cells), dim);
        canvas.text(source_x, y, end, source, faint);
        if number == position {
            canvas.tint(area.x, y, end, selection);
        }
        y += 1;
    }
    let below = Rect {
        x: area.x + 1,
        y: y + 1,
        width: area.width.saturating_sub(2),
        height: bottom.saturating_sub(y + 1),
    };
    match (&personas.unread, personas.current()) {
        (Some(fault), _) => wrapped(canvas, below, &fault.to_string(), error),
        (None, Some(persona)) => {
            let mut y = below.y;
            for paragraph in persona.system.lines() {
                let paragraph = printable(paragraph);
                let lines = crate::markup::wrap(&paragraph, 0..paragraph.len(), below.width);
                let rows = u16::try_from(lines.len().max(1)).unwrap_or(u16::MAX);
                if y < bottom {
                    wrapped(canvas, Rect { y, height: bottom - y, ..below }, &paragraph, text);
                }
                y = y.saturating_add(rows);
                if y >= bottom {
                    break;
                }
            }
        }
        (None, None) => wrapped(canvas, below, "no persona yet: n writes one", dim),
    }
}

/// Draws the editor of a text; returns where its caret is.
fn editor(app: &App, writing: &Writing, canvas: &mut Canvas<'_>, area: Rect) -> (u16, u16) {
    let (end, bottom) = (area.x + area.width, area.y + area.height - 1);
    for (y, row) in (area.y..bottom).zip(writing.editor.rows()) {
        let mut x = area.x;
        for span in &row.cells {
            let style = match span.kind {
                SpanKind::Plain => canvas.style(Tint::Text),
                SpanKind::Selected => canvas.style(Tint::Text).patch(canvas.style(Tint::Selection)),
                SpanKind::Chip => canvas.style(Tint::Chip),
                SpanKind::Mark => canvas.style(Tint::Warning),
            };
            x = canvas.text(x, y, end, &span.text, style);
        }
    }
    let (dim, faint) = (canvas.style(Tint::Dim), canvas.style(Tint::Faint));
    if writing.editor.is_empty() {
        canvas.text(area.x, area.y, end, &fit("How the model should behave", usize::from(area.width)), faint);
    }
    let key = |command| app.keymap.hint(command, Place::Composer).unwrap_or_default();
    let hint = format!(
        "{} done · {} newline · {} in $EDITOR · kept as you type",
        key(Command::Send),
        key(Command::Newline),
        key(Command::OpenEditor)
    );
    canvas.text(area.x, bottom, end, &fit(&hint, usize::from(area.width)), dim);
    let (x, y) = writing.editor.caret();
    (area.x + x, area.y + y)
}
