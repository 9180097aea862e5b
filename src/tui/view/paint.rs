//! Painting into cells: text that is safe, frames, bars. Everything on screen goes through here.

use super::ascii;
use crate::app::layout::Rect;
use crate::core::text::{Glyph, clusters};
use crate::tui::theme::{Theme, Tint};
use ratatui::buffer::Buffer;
use ratatui::style::Style;

/// Cells before one from which a wide character may reach into it. Some scripts join to clusters of more
/// than two cells.
const WIDEST: u16 = 4;

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
        self.part(x, y);
        if self.theme.signs.is_ascii && !symbol.is_ascii() {
            let stand_in = ascii::stand_in(symbol);
            for column in x..x + width {
                if let Some(cell) = self.buffer.cell_mut((column, y)) {
                    cell.set_symbol(stand_in).set_style(style);
                }
            }
            return x + width;
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

    /// Blanks a wide character that reaches into this cell from the left, before the cell is drawn anew:
    /// a terminal that is told to draw one over two cells leaves out what was to stand in the second.
    fn part(&mut self, x: u16, y: u16) {
        for back in 1..=WIDEST.min(x) {
            let Some(cell) = self.buffer.cell_mut((x - back, y)) else { return };
            let symbol = cell.symbol();
            if symbol.len() > 1 && crate::core::text::width(symbol) > usize::from(back) {
                cell.set_symbol(" ");
            }
            if cell.symbol() != " " {
                return;
            }
        }
    }

    /// Draws a text on one line and returns the column after it; what does not fit is cut.
    pub(super) fn text(&mut self, x: u16, y: u16, end: u16, text: &str, style: Style) -> u16 {
        let mut at = x;
        if text.bytes().all(|byte| (0x20..0x7f).contains(&byte)) {
            // Most text on screen; every byte is a cluster of one cell.
            self.part(x, y);
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
        if x >= end {
            return;
        }
        self.part(x, y);
        let is_shown = symbol.is_ascii() || !self.theme.signs.is_ascii;
        let symbol = if is_shown { symbol } else { ascii::stand_in(symbol) };
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
            self.part(rect.x, y);
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
    use crate::config::theme::{self, Theme as Palette};
    use crate::core::text::width;
    use crate::tui::theme::{Depth, Signs};
    use proptest::prelude::*;
    use std::path::Path;

    fn theme(signs: &Signs) -> Theme {
        let (palette, _) = Palette::load(theme::DEFAULT, Path::new("")).unwrap();
        Theme::new(&palette, Depth::None, *signs)
    }

    fn drawn(signs: &Signs, draw: impl FnOnce(&mut Canvas<'_>)) -> Vec<String> {
        let (theme, area) = (theme(signs), ratatui::layout::Rect::new(0, 0, 12, 3));
        let mut buffer = Buffer::empty(area);
        draw(&mut Canvas { buffer: &mut buffer, theme: &theme });
        let row = |y| (0..12).map(|x| buffer[(x, y)].symbol()).collect::<String>();
        (0..3).map(row).collect()
    }

    #[test]
    fn a_frame_parts_the_wide_characters_it_is_drawn_over() {
        let over = |x| {
            drawn(&Signs::UNICODE, |canvas| {
                for y in 0..3 {
                    canvas.text(0, y, 12, "가나다라마바", Style::default());
                }
                let rect = Rect { x, y: 0, width: 5, height: 3 };
                canvas.clear(rect, Style::default());
                canvas.frame(rect, "", false);
            })
        };
        // The second cell of a wide character is blank in the buffer.
        assert_eq!(over(3)[1], "가  │   │마 바 ");
        assert_eq!(over(2)[1], "가 │   │ 마 바 ");
    }

    proptest! {
        /// Whatever is drawn over what: no wide character is left with half of its cells.
        #[test]
        fn no_half_of_a_character_is_left(
            texts in prop::collection::vec(("[a가나👨‍👩‍👧é]{0,8}", 0u16..12), 1..6), box_x in 0u16..8,
        ) {
            for row in drawn(&Signs::UNICODE, |canvas| {
                for (text, x) in &texts {
                    canvas.text(*x, 0, 12, text, Style::default());
                }
                canvas.clear(Rect { x: box_x, y: 0, width: 3, height: 1 }, Style::default());
                canvas.fill(box_x, 0, box_x + 1, "│", Style::default());
            }) {
                // Each wide character is followed by one blank cell of its own.
                let wide = clusters(&row).filter(|(_, cluster)| width(cluster) > 1).count();
                prop_assert_eq!(width(&row), 12 + wide, "{:?}", row);
                let cells: Vec<&str> = clusters(&row).map(|(_, cluster)| cluster).collect();
                prop_assert!(cells.windows(2).all(|pair| width(pair[0]) < 2 || pair[1] == " "), "{:?}", row);
            }
        }

        /// Nothing beyond ASCII is drawn where nothing else is shown, and everything keeps its place.
        #[test]
        fn stand_ins_are_ascii_and_as_wide(text in any::<String>(), fill in any::<char>()) {
            let mut ends = Vec::new();
            for signs in [&Signs::UNICODE, &Signs::ASCII] {
                let rows = drawn(signs, |canvas| {
                    ends.push(canvas.text(0, 0, 12, &text, Style::default()));
                    canvas.fill(0, 1, 12, fill.encode_utf8(&mut [0; 4]), Style::default());
                    canvas.right(0, 2, 12, "제목 ≈ 2 …", Style::default());
                });
                prop_assert!(!signs.is_ascii || rows.iter().all(|row| row.is_ascii()), "{:?}", rows);
                prop_assert!(!signs.is_ascii || rows[2] == "  ???? ~ 2 .", "{:?}", rows);
            }
            prop_assert_eq!(ends[0], ends[1]);
        }
    }

    #[test]
    fn bars_are_exact_to_an_eighth_and_never_hide_something() {
        assert_eq!(
            [eighths(0.0, 10), eighths(1e-9, 10), eighths(0.5, 10), eighths(1.0, 10), eighths(7.0, 10)],
            [0, 1, 40, 80, 80]
        );
    }
}
