//! What of the draft is on the screen: the visible rows, the caret among them, the scroll position.
//!
//! Keeps the caret visible, moves the rows no more than that takes, and never shows blank rows below
//! the draft while there are rows above. What it hands out is safe to draw.

use super::boundary::next;
use super::draft::Place;
use super::wrap::{Page, RowId, Ruler, Wraps};
use crate::core::text::{Glyph, fit, width};
use std::borrow::Cow;
use std::ops::Range;

/// What a span of a row is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SpanKind {
    /// Text as the user wrote it.
    Plain,
    /// Selected text, whatever else it is.
    Selected,
    /// The label that stands for folded text.
    Chip,
    /// A visible mark for a character that must not be drawn.
    Mark,
}

/// A part of a row that is drawn in one style.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DraftSpan {
    /// The characters to draw; safe for a terminal.
    pub text: String,
    /// What they are.
    pub kind: SpanKind,
}

/// A visible row of the draft.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DraftRow {
    /// The row's spans from the left; together never wider than the row.
    pub cells: Vec<DraftSpan>,
}

impl DraftRow {
    fn push(&mut self, text: &str, kind: SpanKind) {
        match self.cells.last_mut() {
            Some(span) if span.kind == kind => span.text.push_str(text),
            _ => self.cells.push(DraftSpan { text: text.to_owned(), kind }),
        }
    }
}

/// The visible part of the draft.
#[derive(Debug, Clone)]
pub(super) struct View {
    pub(super) wraps: Wraps,
    pub(super) rows: Vec<DraftRow>,
    pub(super) caret: (u16, u16),
    top: RowId,
}

impl View {
    pub(super) fn new(width: u16) -> Self {
        Self { wraps: Wraps::new(width), rows: Vec::new(), caret: (0, 0), top: RowId::default() }
    }

    /// Forgets the draft: what comes next is another one.
    pub(super) fn reset(&mut self) {
        self.wraps.clear();
        self.top = RowId::default();
    }

    /// Lays out what is visible.
    pub(super) fn settle(
        &mut self,
        page: Page<'_>,
        selection: Option<&Range<Place>>,
        width: u16,
        max_rows: u16,
    ) {
        self.wraps.set_width(width);
        let most = usize::from(max_rows.max(1));
        let (caret_row, caret_range) = self.wraps.caret_row(page);
        let mut visible = self.rows_from(page, self.top.min(caret_row), most);
        if !visible.iter().any(|(id, _)| *id == caret_row) {
            let top = self.climb(page, caret_row, most - 1);
            visible = self.rows_from(page, top, most);
        } else if visible.len() < most
            && let Some((first, _)) = visible.first()
        {
            let top = self.climb(page, *first, most - visible.len());
            visible = self.rows_from(page, top, most);
        }
        self.top = visible.first().map_or(caret_row, |(id, _)| *id);
        let ruler = self.wraps.ruler(page.draft);
        let line = page.draft.line(page.caret.line);
        let x = ruler.span(line, caret_range.start..page.caret.byte);
        let y = visible.iter().position(|(id, _)| *id == caret_row).unwrap_or(0);
        self.caret = (u16::try_from(x).unwrap_or(0), u16::try_from(y).unwrap_or(0));
        self.rows = visible.into_iter().map(|(id, range)| draw(ruler, page, id, &range, selection)).collect();
    }

    /// Returns up to `most` rows from `top` on, with what they show.
    fn rows_from(&mut self, page: Page<'_>, top: RowId, most: usize) -> Vec<(RowId, Range<usize>)> {
        let mut rows = Vec::new();
        let mut id = Some(top);
        while let Some(row) = id.filter(|_| rows.len() < most) {
            let Some(range) = self.wraps.row(page, row) else { break };
            rows.push((row, range));
            id = self.wraps.below(page, row);
        }
        rows
    }

    /// Returns the row `steps` above, or the draft's first.
    fn climb(&mut self, page: Page<'_>, from: RowId, steps: usize) -> RowId {
        let mut id = from;
        for _ in 0..steps {
            let Some(above) = self.wraps.above(page, id) else { break };
            id = above;
        }
        id
    }
}

fn draw(
    ruler: Ruler<'_>,
    page: Page<'_>,
    id: RowId,
    range: &Range<usize>,
    selection: Option<&Range<Place>>,
) -> DraftRow {
    let line = page.draft.line(id.line);
    let is_selected = |byte| selection.is_some_and(|range| range.contains(&Place { line: id.line, byte }));
    let mut row = DraftRow::default();
    let (mut at, mut cells) = (range.start, 0);
    while at < range.end {
        let end = next(line, at);
        let cluster = &line[at..end];
        let marker = cluster.chars().next().unwrap_or(' ');
        let (text, kind) = if let Some(chip) = ruler.chips.chip(marker) {
            (Cow::Borrowed(chip.label.as_ref()), SpanKind::Chip)
        } else {
            let glyph = Glyph::of(ruler.chips.expansion(marker).unwrap_or(cluster));
            (glyph.text, if glyph.is_mark { SpanKind::Mark } else { SpanKind::Plain })
        };
        let kind = if is_selected(at) { SpanKind::Selected } else { kind };
        // Only what is wider than the whole row is cut.
        if width(&text) > ruler.width {
            row.push(&fit(&text, ruler.width), kind);
        } else {
            row.push(&text, kind);
        }
        cells += ruler.cells(cluster);
        at = end;
    }
    // A selected line break shows as a selected cell.
    if range.end == line.len() && cells < ruler.width && is_selected(range.end) {
        row.push(" ", SpanKind::Selected);
    }
    row
}
