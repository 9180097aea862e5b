//! The columns of the candidate list: what could have stood here, how probable it was, and how
//! probable it would be.

use super::Canvas;
use crate::core::cut::Fate;
use crate::core::figure;
use crate::core::probability::Range;
use crate::core::what_if::Share;
use crate::tui::theme::Tint;
use ratatui::style::{Modifier, Style};

/// Cells of a percentage such as `100.0 %`.
pub(super) const PERCENT: u16 = 8;

/// Cells of a band such as `12.3 – 45.6 %`.
const BAND: u16 = 14;

/// Where the columns stand.
pub(super) struct Columns {
    pub(super) x: u16,
    pub(super) label: u16,
    pub(super) end: u16,
    /// Whether there is a column for the reshaped values.
    pub(super) has_bands: bool,
}

/// One row.
pub(super) struct Row<'a> {
    pub(super) name: &'a str,
    pub(super) style: Style,
    pub(super) is_chosen: bool,
    pub(super) is_in_hand: bool,
    /// Its probability as reported.
    pub(super) share: Option<f64>,
    /// Its probability reshaped, and whether it is still drawn.
    pub(super) reshaped: Option<Share>,
    /// The mass of it and all that is more probable.
    pub(super) cumulative: Option<f64>,
    /// Whether it stands for what was not returned.
    pub(super) is_tail: bool,
}

impl Columns {
    fn percent_end(&self) -> u16 {
        (self.x + 2 + self.label + 1 + PERCENT).min(self.end)
    }

    fn second_end(&self) -> u16 {
        let width = if self.has_bands { BAND + 1 } else { PERCENT + 1 };
        (self.percent_end() + width).min(self.end)
    }

    /// Draws the names of the columns.
    pub(super) fn head(&self, canvas: &mut Canvas<'_>, y: u16, first: &str, second: &str) {
        let faint = canvas.style(Tint::Faint);
        canvas.text(self.x + 2, y, self.end, first, faint);
        canvas.right(self.x + 2, y, self.percent_end(), "p", faint);
        canvas.right(self.percent_end() + 1, y, self.second_end(), second, faint);
    }

    pub(super) fn draw(&self, canvas: &mut Canvas<'_>, y: u16, row: &Row<'_>) {
        let accent = canvas.style(Tint::Accent);
        if row.is_chosen {
            canvas.text(self.x, y, self.end, canvas.theme.signs.pointer, accent);
        }
        let is_cut = row.reshaped.is_some_and(|reshaped| reshaped.fate == Fate::Cut);
        let faint = canvas.style(Tint::Faint);
        let style = if is_cut { faint.add_modifier(Modifier::CROSSED_OUT) } else { row.style };
        canvas.text(self.x + 2, y, self.end, row.name, style);
        let share = row.share.map_or_else(|| "-".to_owned(), figure::percent);
        let share_style = if row.reshaped.is_some() { canvas.style(Tint::Dim) } else { row.style };
        canvas.right(self.x + 3 + self.label, y, self.percent_end(), &share, share_style);
        if let Some(reshaped) = row.reshaped {
            let text = band_text(reshaped);
            let style = if is_cut || reshaped.band.is_wide() { faint } else { row.style };
            canvas.right(self.percent_end() + 1, y, self.second_end(), &text, style);
        } else if let Some(cumulative) = row.cumulative {
            let dim = canvas.style(Tint::Dim);
            canvas.right(self.percent_end() + 1, y, self.second_end(), &figure::percent(cumulative), dim);
        }
        self.bar(canvas, y, row);
        if row.is_in_hand {
            let style = canvas.style(Tint::Selection);
            canvas.tint(self.x, y, self.end, style);
        }
    }

    fn bar(&self, canvas: &mut Canvas<'_>, y: u16, row: &Row<'_>) {
        let start = self.second_end() + 1;
        if start >= self.end {
            return;
        }
        let cells = self.end - start;
        let (bar, tail) = (canvas.style(Tint::Bar), canvas.style(Tint::BarTail));
        match (row.reshaped, row.share) {
            // What is possible is shaded, what is certain is drawn over it.
            (Some(reshaped), _) => {
                canvas.shade(start, y, cells, reshaped.band.max, tail);
                if !row.is_tail {
                    canvas.bar(start, y, cells, reshaped.band.min, bar);
                }
            }
            (None, Some(share)) if row.is_tail => canvas.shade(start, y, cells, share, tail),
            (None, Some(share)) => canvas.bar(start, y, cells, share, bar),
            (None, None) => {}
        }
    }
}

/// Returns a band as it is written: one figure where it is a point.
fn band_text(share: Share) -> String {
    let Range { min, max } = share.band;
    match share.fate {
        Fate::Cut => "cut".to_owned(),
        Fate::Kept | Fate::Unknown => {
            let (low, high) = (figure::percent(min), figure::percent(max));
            if low == high {
                return high;
            }
            format!("{} – {high}", low.trim_end_matches(" %"))
        }
    }
}
