//! Rows of laid-out text, with heat, the token cursor and the tones of markup laid over them.

use super::paint::Canvas;
use crate::app::App;
use crate::app::command::Place;
use crate::app::heat::Heating;
use crate::app::reading::{Mark, Reading};
use crate::core::run::Run;
use crate::core::text::clusters;
use crate::markup::{Document, Source};
use crate::tui::theme::{Theme, Tint};
use ratatui::style::{Modifier, Style};
use std::ops::Range;

/// What is laid over the text of a message.
pub(super) struct Overlaid<'a> {
    /// The answer, where the text is one.
    run: Option<&'a Run>,
    heat: Heating,
    /// Bytes of the tokens under the token cursor.
    cursor: Range<usize>,
    /// What the pieces are, where the text is made for comparing.
    reading: Option<&'a Reading>,
    /// Style all text starts from.
    base: Style,
}

impl<'a> Overlaid<'a> {
    /// Returns plain text in one style.
    pub(super) fn plain(base: Style) -> Self {
        Self { run: None, heat: Heating::OFF, cursor: 0..0, reading: None, base }
    }

    /// Returns a text made for comparing, with its marks.
    pub(super) fn reading(reading: &'a Reading, base: Style) -> Self {
        Self { reading: Some(reading), ..Self::plain(base) }
    }

    /// Returns an answer with heat and, where the inspector shows it, the token cursor.
    pub(super) fn answer(app: &App, run: &'a Run, base: Style) -> Self {
        // While the inspector only follows along, its cursor would be a blinking spot in the text.
        let is_used = app.place() == Place::Inspector || app.inspector.is_pinned();
        let shows_cursor = is_used && !app.layout.inspector.is_empty() && app.inspector.run() == Some(run.id);
        let cursor = match app.inspector.current() {
            Some(group) if shows_cursor && group.tokens.end <= run.tokens.len() => {
                run.span(group.tokens.start).start..run.span(group.tokens.end - 1).end
            }
            _ => 0..0,
        };
        Self { run: Some(run), heat: app.heating(run), cursor, reading: None, base }
    }

    /// Whether every byte of a span has the span's style.
    fn is_even(&self, span: &Range<u32>) -> bool {
        let cursor_misses = self.cursor.end <= span.start as usize || self.cursor.start >= span.end as usize;
        self.heat.is_off() && self.reading.is_none() && cursor_misses
    }

    fn style(&self, theme: &Theme, byte: usize, style: Style) -> Style {
        let mut style = style;
        if !self.heat.is_off()
            && let Some(run) = self.run
            && let Some(shade) = run.token_at(byte).and_then(|token| self.heat.shade(&run.tokens[token]))
        {
            style = style.patch(theme.shade(shade));
        }
        if let Some(reading) = self.reading {
            style = style.patch(mark_style(theme, reading.mark_at(byte)));
        }
        if self.cursor.contains(&byte) {
            style = style.patch(theme.style(Tint::Cursor));
        }
        style
    }
}

/// Returns how a piece of a text made for comparing looks; its signs say the same without colour.
fn mark_style(theme: &Theme, mark: Mark) -> Style {
    match mark {
        Mark::Same => Style::default(),
        Mark::Added => theme.style(Tint::Ok).add_modifier(Modifier::UNDERLINED),
        Mark::Removed => theme.style(Tint::Error).add_modifier(Modifier::CROSSED_OUT),
        Mark::Way(0) => theme.style(Tint::Warning).add_modifier(Modifier::BOLD),
        Mark::Way(_) => theme.style(Tint::Warning),
        Mark::Share | Mark::Split => theme.style(Tint::Dim),
        Mark::Gap => theme.style(Tint::Faint),
    }
}

/// Draws one row of a text.
pub(super) fn draw_row(
    canvas: &mut Canvas<'_>,
    (x, y, end): (u16, u16, u16),
    (document, row): (&Document, usize),
    over: &Overlaid<'_>,
) {
    let (text, mut at) = (document.text(), x);
    for span in document.row(row) {
        let style = over.base.patch(canvas.theme.tone(span.tone, span.emphasis));
        let after = (at + span.width).min(end);
        match &span.source {
            Source::Text(range) => {
                let start = range.start as usize;
                let shown = text.get(start..range.end as usize).unwrap_or_default();
                if over.is_even(range) {
                    canvas.text(at, y, after, shown, style);
                    at = after;
                    continue;
                }
                let mut column = at;
                for (offset, cluster) in clusters(shown) {
                    let style = over.style(canvas.theme, start + offset, style);
                    column = canvas.cluster(column, y, after, cluster, style);
                }
            }
            Source::Fixed(fixed) => {
                canvas.text(at, y, after, fixed, style);
            }
            Source::Fill(' ', _) => {}
            Source::Fill(character, _) => {
                let mut buffer = [0; 4];
                canvas.fill(at, y, after, character.encode_utf8(&mut buffer), style);
            }
        }
        at = after;
    }
}
