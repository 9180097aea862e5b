//! Where the panes are: rectangles from the size of the terminal, nothing else.

use crate::app::msg::Size;

/// A rectangle of cells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Rect {
    /// Left column.
    pub x: u16,
    /// Top row.
    pub y: u16,
    /// Columns.
    pub width: u16,
    /// Rows.
    pub height: u16,
}

impl Rect {
    /// Returns whether a cell lies in it.
    #[must_use]
    pub fn contains(self, x: u16, y: u16) -> bool {
        (self.x..self.x.saturating_add(self.width)).contains(&x)
            && (self.y..self.y.saturating_add(self.height)).contains(&y)
    }

    /// Returns the inside of a frame with one cell of padding left and right.
    #[must_use]
    pub fn inner(self) -> Self {
        Self {
            x: self.x + 2.min(self.width),
            y: self.y + 1.min(self.height),
            width: self.width.saturating_sub(4),
            height: self.height.saturating_sub(2),
        }
    }

    /// Returns what is left below one line at the top, where a comparison shows its axis.
    #[must_use]
    pub fn below_axis(self) -> Self {
        let line = 1.min(self.height);
        Self { y: self.y + line, height: self.height - line, ..self }
    }

    /// Returns whether it has no cell.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.width == 0 || self.height == 0
    }
}

/// Smallest terminal the workbench can be used in.
pub const SMALLEST: Size = Size { width: 40, height: 12 };

/// Width from which conversation and inspector stand side by side.
pub const TWO_PANES: u16 = 100;

/// Width from which the inspector stands in two columns of its own.
pub const THREE_PANES: u16 = 160;

/// The rectangles of one frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Layout {
    /// The line at the top.
    pub header: Rect,
    /// Everything between header and composer.
    pub main: Rect,
    /// The conversation, frame included; empty when hidden.
    pub transcript: Rect,
    /// The inspector, frame included; empty when hidden.
    pub inspector: Rect,
    /// The second column of the inspector on wide terminals; empty otherwise.
    pub tokens: Rect,
    /// The draft, frame included.
    pub composer: Rect,
    /// The line at the bottom.
    pub footer: Rect,
}

/// Which of conversation and inspector get room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Panes {
    /// As many as fit; the first where only one does.
    Fit {
        /// Whether the inspector is the one that matters now.
        inspector: bool,
    },
    /// The conversation alone.
    TranscriptOnly,
    /// The inspector alone.
    InspectorOnly,
}

/// Returns the rectangles for a terminal of `size` with a draft of `draft_rows` rows.
#[must_use]
pub fn layout(size: Size, draft_rows: u16, panes: Panes) -> Layout {
    let Size { width, height } = size;
    let composer_height = (draft_rows + 2).min(height.saturating_sub(2 + 5)).max(3);
    let main_height = height.saturating_sub(2 + composer_height);
    let full = |y, height| Rect { x: 0, y, width, height };
    let main = full(1, main_height);
    let nothing = Rect::default();
    let both = |inspector_width: u16| {
        let transcript = Rect { width: width - inspector_width, ..main };
        let inspector = Rect { x: main.x + transcript.width, width: inspector_width, ..main };
        (transcript, inspector)
    };
    let (transcript, inspector, tokens) = match panes {
        Panes::TranscriptOnly => (main, nothing, nothing),
        Panes::InspectorOnly if width >= TWO_PANES => {
            let (tokens, position) = both(width / 2);
            (nothing, position, tokens)
        }
        Panes::InspectorOnly => (nothing, main, nothing),
        Panes::Fit { inspector } if width < TWO_PANES => {
            if inspector {
                (nothing, main, nothing)
            } else {
                (main, nothing, nothing)
            }
        }
        Panes::Fit { .. } if width < THREE_PANES => {
            let (transcript, inspector) = both((width * 2 / 5).clamp(44, 58));
            (transcript, inspector, nothing)
        }
        Panes::Fit { .. } => {
            let (transcript, right) = both(100.min(width / 2));
            let half = right.width / 2;
            let inspector = Rect { width: half, ..right };
            let tokens = Rect { x: right.x + half, width: right.width - half, ..right };
            (transcript, inspector, tokens)
        }
    };
    Layout {
        header: full(0, 1),
        main,
        transcript,
        inspector,
        tokens,
        composer: full(1 + main_height, composer_height),
        footer: full(height.saturating_sub(1), 1),
    }
}

/// Rows above the token table's first row: the answer's figures, a blank line, the column names.
pub const TABLE_HEAD: u16 = 3;

/// Where the two parts of the inspector stand, inside their frames.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct InspectorAreas {
    /// The position under the cursor: its candidates, tail and entropy.
    pub position: Rect,
    /// The answer's figures and its token table.
    pub table: Rect,
}

impl InspectorAreas {
    /// Returns how many tokens the table shows.
    #[must_use]
    pub fn table_rows(self) -> usize {
        usize::from(self.table.height.saturating_sub(TABLE_HEAD))
    }
}

/// Returns where the parts of the inspector stand for positions with `candidates` candidates.
#[must_use]
pub fn inspector_areas(layout: &Layout, candidates: usize) -> InspectorAreas {
    let inner = layout.inspector.inner();
    if !layout.tokens.is_empty() {
        return InspectorAreas { position: inner, table: layout.tokens.inner() };
    }
    // Token line, blank, candidates, tail, blank, entropy, and a line that parts it from the table.
    let wanted = u16::try_from(candidates).unwrap_or(u16::MAX).saturating_add(7);
    let position = wanted.min((inner.height * 11 / 20).max(9)).min(inner.height);
    InspectorAreas {
        position: Rect { height: position, ..inner },
        table: Rect { y: inner.y + position, height: inner.height - position, ..inner },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// Whatever the size, the parts tile the screen: nothing overlaps, nothing sticks out.
        #[test]
        fn parts_tile_the_screen(width in 40u16..400, height in 12u16..200, rows in 1u16..=10, which in 0usize..4) {
            let panes = [Panes::Fit { inspector: false }, Panes::Fit { inspector: true }, Panes::TranscriptOnly, Panes::InspectorOnly][which];
            let l = layout(Size { width, height }, rows, panes);
            let parts = [l.header, l.transcript, l.inspector, l.tokens, l.composer, l.footer];
            let area: u32 = parts.iter().map(|r| u32::from(r.width) * u32::from(r.height)).sum();
            prop_assert_eq!(area, u32::from(width) * u32::from(height));
            for rect in parts.iter().filter(|rect| !rect.is_empty()) {
                prop_assert!(rect.x + rect.width <= width && rect.y + rect.height <= height);
            }
            for (index, a) in parts.iter().enumerate().filter(|(_, rect)| !rect.is_empty()) {
                for b in parts[index + 1..].iter().filter(|rect| !rect.is_empty()) {
                    prop_assert!(a.x + a.width <= b.x || b.x + b.width <= a.x || a.y + a.height <= b.y || b.y + b.height <= a.y);
                }
            }
            prop_assert!(l.main.height >= 5 && l.composer.height >= 3);
        }
    }
}
