//! The draft, and under it the live counter.

use super::paint::Canvas;
use crate::app::command::Place;
use crate::app::composer::SpanKind;
use crate::app::layout::Rect;
use crate::app::{App, Drafting, Screen};
use crate::core::figure;
use crate::core::request::Role;
use crate::core::run::Count;
use crate::tui::theme::Tint;
use ratatui::style::Style;

/// Share of the window from which the gauge warns.
const NEARLY_FULL: f64 = 0.85;

/// Cells of the context gauge.
const GAUGE: u16 = 10;

/// Draws the draft and returns where its caret is.
pub(super) fn draw(app: &App, canvas: &mut Canvas<'_>) -> (u16, u16) {
    let frame = app.layout.composer;
    let is_focused = app.place() == Place::Composer;
    canvas.frame(frame, &title(app), is_focused);
    let inner = frame.inner();
    let end = inner.x + inner.width;
    for (y, row) in (inner.y..inner.y + inner.height).zip(app.composer.rows()) {
        let mut x = inner.x;
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
    if app.composer.is_empty() {
        placeholder(app, canvas, inner);
    }
    counter(app, canvas, frame);
    let (x, y) = app.composer.caret();
    (inner.x + x, inner.y + y)
}

fn title(app: &App) -> String {
    match (app.drafting, app.draft_role, app.screen) {
        (Drafting::System, ..) => "system message".to_owned(),
        (Drafting::Edit(_), role, _) => format!("edit {} message", role.name()),
        (Drafting::InsertAfter(_), role, _) => format!("insert {} message", role.name()),
        (Drafting::New, _, Screen::Compare) => app.question_title(),
        (Drafting::New, Role::User, Screen::Chat) => "message".to_owned(),
        (Drafting::New, role, Screen::Chat) => format!("{} message", role.name()),
    }
}

fn placeholder(app: &App, canvas: &mut Canvas<'_>, inner: Rect) {
    let faint = canvas.style(Tint::Faint);
    let offered = app.offered();
    let text = match (&offered, app.drafting) {
        (Some((question, _)), _) => question,
        (None, Drafting::System) => "How the model should behave; empty removes it",
        (None, Drafting::New | Drafting::Edit(_) | Drafting::InsertAfter(_)) => "Write a message",
    };
    let text = crate::core::text::fit(text, usize::from(inner.width));
    canvas.text(inner.x, inner.y, inner.x + inner.width, &text, faint);
}

/// Writes draft, context, reply budget and cost into the lower line of the frame.
fn counter(app: &App, canvas: &mut Canvas<'_>, frame: Rect) {
    let (dim, faint, text) = (canvas.style(Tint::Dim), canvas.style(Tint::Faint), canvas.style(Tint::Text));
    let y = frame.y + frame.height - 1;
    let (start, end) = (frame.x + 2, frame.x + frame.width - 2);
    let context = app.counter.context(&app.settings.card, app.settings.sampling.max_output_tokens);
    let separator = (" · ", faint);
    let draft = figure::count(app.counter.draft());
    let used = figure::count(context.used);
    let window = context.window.map(figure::whole);
    let budget =
        context.budget().map(|budget| format!("{} {}", canvas.theme.signs.at_most, figure::whole(budget)));
    let cost = app.settings.card.price.as_ref().map(|price| {
        let cost = figure::dollars(price.of_input(context.used.tokens()));
        if price.input > 0.0 || matches!(context.used, Count::Estimate(_)) {
            format!("≈ {cost}")
        } else {
            cost
        }
    });
    let mut pieces: Vec<(&str, Style)> =
        vec![(" draft ", dim), (&draft, text), separator, ("context ", dim), (&used, text)];
    if let Some(window) = &window {
        pieces.extend([(" / ", faint), (window.as_str(), dim)]);
    }
    pieces.push((" ", dim));
    let mut x = canvas.pieces(start, y, end, &pieces);
    if let Some(share) = context.share() {
        let warns = share >= NEARLY_FULL;
        let style = canvas.style(if warns { Tint::GaugeWarn } else { Tint::Gauge });
        let [left, right] = canvas.theme.signs.ends;
        if x + GAUGE + 12 <= end {
            x = canvas.text(x, y, end, left, faint);
            canvas.fill(x, y, x + GAUGE, " ", faint);
            canvas.bar(x, y, GAUGE, share, style);
            x = canvas.text(x + GAUGE, y, end, right, faint);
            let percent = format!(" {} ", figure::percent(share));
            x = canvas.text(x, y, end, &percent, if warns { style } else { dim });
        }
        if share > 1.0 {
            x = canvas.text(x, y, end, "does not fit ", canvas.style(Tint::Error));
        }
    }
    for (label, value) in [("reply ", budget), ("input ", cost)] {
        let Some(value) = value else { continue };
        let needed = u16::try_from(3 + label.len() + crate::core::text::width(&value)).unwrap_or(u16::MAX);
        if x + needed <= end {
            x = canvas.pieces(x, y, end, &[("· ", faint), (label, dim), (&value, text), (" ", dim)]);
        }
    }
}
