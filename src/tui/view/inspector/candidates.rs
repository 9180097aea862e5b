//! The columns of the candidate list: what could have stood here, how probable it was, and how
//! probable it would be.

use super::Canvas;
use crate::core::cut::Fate;
use crate::core::figure;
use crate::core::probability::Range;
use crate::core::text::{fit, width};
use crate::core::what_if::Share;
use crate::tui::theme::Tint;
use ratatui::style::Modifier;

/// Cells of a percentage such as `100.0 %`.
pub(super) const PERCENT: u16 = 8;

/// Cells of a band such as `12.3 – 45.6 %`.
pub(super) const BAND: u16 = 14;

/// Where the columns stand.
pub(super) struct Columns {
    pub(super) x: u16,
    pub(super) label: u16,
    pub(super) end: u16,
    /// Whether there is a column for the reshaped values.
    pub(super) has_bands: bool,
    /// Whether there is one for the sum down to a candidate.
    pub(super) has_sums: bool,
}

/// What stands above the columns.
pub(super) struct Head<'a> {
    pub(super) first: &'a str,
    /// At which temperature the reported values stand.
    pub(super) reported: &'a str,
    /// The settings of the reshaped values, the longest wording first.
    pub(super) settings: &'a [String],
}

/// One row.
pub(super) struct Row {
    pub(super) name: String,
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

    fn band_end(&self) -> u16 {
        let width = if self.has_bands { BAND + 1 } else { 0 };
        (self.percent_end() + width).min(self.end)
    }

    fn sum_end(&self) -> u16 {
        let width = if self.has_sums { PERCENT + 1 } else { 0 };
        (self.band_end() + width).min(self.end)
    }

    /// Returns the columns with one for sums, where the bars keep room beside it.
    pub(super) fn with_sums(self) -> Self {
        let has_sums = self.end.saturating_sub(self.sum_end()) > PERCENT + 1 + PERCENT || !self.has_bands;
        Self { has_sums, ..self }
    }

    /// Draws the names of the columns.
    pub(super) fn head(&self, canvas: &mut Canvas<'_>, y: u16, head: &Head<'_>) {
        let dim = canvas.style(Tint::Dim);
        canvas.text(self.x + 2, y, self.end, head.first, dim);
        canvas.right(self.x + 2, y, self.percent_end(), head.reported, dim);
        if self.has_sums {
            canvas.right(self.band_end() + 1, y, self.sum_end(), "sum", dim);
        }
        if !self.has_bands {
            return;
        }
        // Settings that are wider than their column may stand over the bars.
        let start = self.percent_end() + 2;
        let end = if self.has_sums { self.band_end() } else { self.end };
        let room = usize::from(end.saturating_sub(start));
        let Some(settings) = head.settings.iter().find(|settings| width(settings) <= room) else { return };
        let end = self.band_end().max(start + u16::try_from(width(settings)).unwrap_or(0));
        canvas.right(start, y, end, settings, dim);
    }

    pub(super) fn draw(&self, canvas: &mut Canvas<'_>, y: u16, row: &Row) {
        let accent = canvas.style(Tint::Accent);
        if row.is_chosen {
            canvas.text(self.x, y, self.end, canvas.theme.signs.pointer, accent);
        }
        let is_cut = row.reshaped.is_some_and(|reshaped| reshaped.fate == Fate::Cut);
        let faint = canvas.style(Tint::Faint);
        let text = canvas.style(Tint::Text);
        let own = match (row.is_tail, row.is_chosen) {
            (true, _) => canvas.style(Tint::Dim),
            (false, true) => text.add_modifier(Modifier::BOLD),
            (false, false) => text,
        };
        let style = if is_cut { faint.add_modifier(Modifier::CROSSED_OUT) } else { own };
        let name = fit(&row.name, usize::from(self.label));
        canvas.text(self.x + 2, y, self.end, &name, style);
        let share = row.share.map_or_else(|| "-".to_owned(), figure::percent);
        let share_style = if row.reshaped.is_some() { canvas.style(Tint::Dim) } else { own };
        canvas.right(self.x + 3 + self.label, y, self.percent_end(), &share, share_style);
        if let Some(reshaped) = row.reshaped {
            let text = band_text(reshaped.band, reshaped.fate);
            let style = if is_cut || reshaped.band.is_wide() { faint } else { own };
            canvas.right(self.percent_end() + 1, y, self.band_end(), &text, style);
        }
        if let (Some(cumulative), true) = (row.cumulative, self.has_sums) {
            let dim = canvas.style(Tint::Dim);
            canvas.right(self.band_end() + 1, y, self.sum_end(), &figure::percent(cumulative), dim);
        }
        self.bar(canvas, y, row);
        if row.is_in_hand {
            let style = canvas.style(Tint::Selection);
            canvas.tint(self.x, y, self.end, style);
        }
    }

    fn bar(&self, canvas: &mut Canvas<'_>, y: u16, row: &Row) {
        let start = self.sum_end() + 1;
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
pub(super) fn band_text(Range { min, max }: Range, fate: Fate) -> String {
    match fate {
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
