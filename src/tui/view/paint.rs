//! Painting into cells: text that is safe, frames, bars. Everything on screen goes through here.

use crate::app::layout::Rect;
use crate::core::text::{Glyph, clusters};
use crate::tui::theme::{Theme, Tint};
use ratatui::buffer::Buffer;
use ratatui::style::Style;

/// The cells of a frame and the styles to paint them with.
pub(super) struct Canvas<'a> {
    pub buffer: &'a mut Buffer,
    pub theme: &'a Theme,
}

impl Canvas<'_> {
    /// Returns the style of a role.
    pub(super) fn style(&self, tint: Tint) -> Style {
        self.theme.style(tint)
    }

    /// Draws a cluster and returns the column after it; nothing where it does not fit before `end`.
    pub(super) fn cluster(&mut self, x: u16, y: u16, end: u16, cluster: &str, style: Style) -> u16 {
        let first = cluster.as_bytes().first().copied().unwrap_or(b' ');
        if cluster.len() == 1 && (0x20..0x7f).contains(&first) {
            return self.put(x, y, end, cluster, 1, style);
        }
        let glyph = Glyph::of(cluster);
        if glyph.is_mark || glyph.text.len() != cluster.len() {
            // A mark is several characters, each a cell of its own.
            let mut at = x;
            for (_, part) in clusters(&glyph.text) {
                let width = u16::try_from(crate::core::text::width(part)).unwrap_or(1);
                at = self.put(at, y, end, part, width, style);
            }
            return at;
        }
        self.put(x, y, end, cluster, u16::try_from(glyph.width).unwrap_or(1), style)
    }

    fn put(&mut self, x: u16, y: u16, end: u16, symbol: &str, width: u16, style: Style) -> u16 {
        if width == 0 || x.saturating_add(width) > end {
            return x;
        }
        if let Some(cell) = self.buffer.cell_mut((x, y)) {
            cell.set_symbol(symbol).set_style(style);
        }
        for covered in x + 1..x + width {
            if let Some(cell) = self.buffer.cell_mut((covered, y)) {
                cell.reset();
                cell.set_style(style);
            }
        }
        x + width
    }

    /// Draws a text on one line and returns the column after it; what does not fit is cut.
    pub(super) fn text(&mut self, x: u16, y: u16, end: u16, text: &str, style: Style) -> u16 {
        let mut at = x;
        if text.bytes().all(|byte| (0x20..0x7f).contains(&byte)) {
            // Most text on screen; every byte is a cluster of one cell.
            for index in 0..text.len().min(usize::from(end.saturating_sub(x))) {
                if let Some(cell) = self.buffer.cell_mut((at, y)) {
                    cell.set_symbol(&text[index..=index]).set_style(style);
                }
                at += 1;
            }
            return at;
        }
        for (_, cluster) in clusters(text) {
            if at >= end {
                break;
            }
            at = self.cluster(at, y, end, cluster, style);
        }
        at
    }

    /// Draws several pieces after each other and returns the column after them.
    pub(super) fn pieces(&mut self, x: u16, y: u16, end: u16, pieces: &[(&str, Style)]) -> u16 {
        pieces.iter().fold(x, |x, (text, style)| self.text(x, y, end, text, *style))
    }

    /// Draws a text so that it ends before `end`, not beginning before `start`.
    pub(super) fn right(&mut self, start: u16, y: u16, end: u16, text: &str, style: Style) {
        let width = u16::try_from(crate::core::text::width(text)).unwrap_or(u16::MAX);
        self.text(end.saturating_sub(width).max(start), y, end, text, style);
    }

    /// Fills a line with one character of one cell.
    pub(super) fn fill(&mut self, x: u16, y: u16, end: u16, symbol: &str, style: Style) {
        for column in x..end {
            if let Some(cell) = self.buffer.cell_mut((column, y)) {
                cell.set_symbol(symbol).set_style(style);
            }
        }
    }

    /// Lays a style under everything; the cells of a new frame are empty already.
    pub(super) fn ground(&mut self, style: Style) {
        for cell in &mut self.buffer.content {
            cell.set_style(style);
        }
    }

    /// Lays a style over cells without changing what they show.
    pub(super) fn tint(&mut self, x: u16, y: u16, end: u16, style: Style) {
        for column in x..end {
            if let Some(cell) = self.buffer.cell_mut((column, y)) {
                cell.set_style(style);
            }
        }
    }

    /// Empties a rectangle to the ground of layers.
    pub(super) fn clear(&mut self, rect: Rect, style: Style) {
        for y in rect.y..rect.y + rect.height {
            for x in rect.x..rect.x + rect.width {
                if let Some(cell) = self.buffer.cell_mut((x, y)) {
                    cell.reset();
                    cell.set_style(style);
                }
            }
        }
    }

    /// Draws a frame with a title in its upper line.
    pub(super) fn frame(&mut self, rect: Rect, title: &str, is_focused: bool) {
        if rect.width < 2 || rect.height < 2 {
            return;
        }
        let (line, title_style) = self.theme.frame(is_focused);
        let [top_left, top_right, bottom_left, bottom_right, horizontal, vertical] = self.theme.signs.frame;
        let (left, right) = (rect.x, rect.x + rect.width - 1);
        let (top, bottom) = (rect.y, rect.y + rect.height - 1);
        let end = right + 1;
        for (y, first, last) in [(top, top_left, top_right), (bottom, bottom_left, bottom_right)] {
            self.put(left, y, end, first, 1, line);
            self.fill(left + 1, y, right, horizontal, line);
            self.put(right, y, end, last, 1, line);
        }
        for y in top + 1..bottom {
            self.put(left, y, end, vertical, 1, line);
            self.put(right, y, end, vertical, 1, line);
        }
        if !title.is_empty() && rect.width > 6 {
            let pointer = if is_focused { self.theme.signs.pointer } else { "" };
            let space = if is_focused { " " } else { "" };
            let shown = crate::core::text::fit(title, usize::from(rect.width - 6));
            let after =
                self.pieces(left + 1, top, right, &[(" ", line), (pointer, title_style), (space, line)]);
            let after = self.text(after, top, right, &shown, title_style);
            self.text(after, top, right, " ", line);
        }
    }

    /// Draws a bar of a share of `cells` cells, in shaded whole cells.
    pub(super) fn shade(&mut self, x: u16, y: u16, cells: u16, share: f64, style: Style) {
        let whole = ((eighths(share, cells) + 4) / 8).max(u16::from(share > 0.0));
        self.fill(x, y, x + whole, self.theme.signs.shade, style);
    }

    /// Draws a bar of a share of `cells` cells, in eighths; the rest stays empty.
    pub(super) fn bar(&mut self, x: u16, y: u16, cells: u16, share: f64, style: Style) {
        let eighths = eighths(share, cells);
        let whole = eighths / 8;
        let signs = self.theme.signs.eighths;
        self.fill(x, y, x + whole, signs[7], style);
        if !eighths.is_multiple_of(8) {
            self.put(x + whole, y, x + cells, signs[usize::from(eighths % 8 - 1)], 1, style);
        }
    }
}

/// Returns how many eighths of a cell a share of `cells` cells is; something is never drawn as nothing.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to the cells")]
fn eighths(share: f64, cells: u16) -> u16 {
    let all = f64::from(cells) * 8.0;
    let eighths = (share.clamp(0.0, 1.0) * all).round();
    (if share > 0.0 { eighths.max(1.0) } else { 0.0 }) as u16
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_are_exact_to_an_eighth_and_never_hide_something() {
        assert_eq!(
            [eighths(0.0, 10), eighths(1e-9, 10), eighths(0.5, 10), eighths(1.0, 10), eighths(7.0, 10)],
            [0, 1, 40, 80, 80]
        );
    }
}
