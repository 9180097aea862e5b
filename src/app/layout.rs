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

/// Returns the frame of what is laid over the screen: at most as wide and high as it wants to be, in the
/// middle of the upper part. It never covers the draft.
#[must_use]
pub fn overlay(main: Rect, wanted: Size) -> Rect {
    let width = wanted.width.min(main.width.saturating_sub(2)).max(20);
    let height = wanted.height.min(main.height).max(3);
    Rect {
        x: main.width.saturating_sub(width) / 2,
        y: main.y + main.height.saturating_sub(height) / 3,
        width,
        height,
    }
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

/// Rows above the token table's first row: the answer's figures, the column names.
pub const TABLE_HEAD: u16 = 2;

/// Rows of the what-if panel: the values, and the track of the one in hand.
const WHAT_IF: u16 = 2;

/// Rows of the answer in two lines.
const STRIPS: u16 = 2;

/// Rows of an ending in the tree of endings: what it is, and how it goes on.
pub const ENDING_ROWS: usize = 2;

/// Width from which position and table stand side by side in one frame.
const BESIDE: u16 = 72;

/// Where the parts of the inspector stand, inside their frames. Above those that share a frame with
/// another stands a line that parts them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct InspectorAreas {
    /// The position under the cursor: its candidates, tail and entropy.
    pub position: Rect,
    /// The sliders; empty where there is no room.
    pub what_if: Rect,
    /// The answer in two lines; empty where there is no room.
    pub strips: Rect,
    /// The line that says what the second of them shows; empty where the frame's own line has to.
    pub legend: Rect,
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
    // Token, names, candidates, the chosen one where it is not among them, tail, blank, four lines of facts.
    let wanted = u16::try_from(candidates).unwrap_or(u16::MAX).saturating_add(9);
    if !layout.tokens.is_empty() {
        let (position, what_if) = position_areas(inner, wanted);
        let (strips, legend, table) = answer_areas(layout.tokens.inner());
        return InspectorAreas { position, what_if, strips, legend, table };
    }
    if inner.width >= BESIDE {
        let half = (inner.width - 3) / 2;
        let (position, what_if) = position_areas(Rect { width: half, ..inner }, wanted);
        let right = Rect { x: inner.x + half + 3, width: inner.width - half - 3, ..inner };
        let (strips, legend, table) = answer_areas(right);
        return InspectorAreas { position, what_if, strips, legend, table };
    }
    // Figures, names and at least four tokens, and the line above them.
    let least_table = TABLE_HEAD + 4 + 1;
    let above = (wanted + WHAT_IF + 1).min(inner.height.saturating_sub(least_table + STRIPS).max(8));
    let above = above.min(inner.height);
    let (position, what_if) = position_areas(Rect { height: above, ..inner }, wanted);
    let below = inner.height - above;
    let line = 1.min(below);
    let rest = Rect { y: inner.y + above + line, height: below - line, ..inner };
    let (strips, legend, table) = answer_areas(rest);
    InspectorAreas { position, what_if, strips, legend, table }
}

fn position_areas(area: Rect, wanted: u16) -> (Rect, Rect) {
    // The candidates come first: without room for six lines of them the sliders give way.
    if area.height < WHAT_IF + 1 + 6 {
        return (area, Rect::default());
    }
    let height = wanted.min(area.height - WHAT_IF - 1);
    let y = area.y + height + 1;
    (Rect { height, ..area }, Rect { y, height: WHAT_IF, ..area })
}

fn answer_areas(area: Rect) -> (Rect, Rect, Rect) {
    if area.height < STRIPS + TABLE_HEAD + 3 {
        return (Rect::default(), Rect::default(), area);
    }
    // The legend stands beside what it explains unless that takes a token of few.
    let line = u16::from(area.height >= STRIPS + 1 + TABLE_HEAD + 4);
    let below = Rect { y: area.y + STRIPS, height: area.height - STRIPS, ..area };
    let table = Rect { y: below.y + line, height: below.height - line, ..below };
    let legend = if line > 0 { Rect { height: line, ..below } } else { Rect::default() };
    (Rect { height: STRIPS, ..area }, legend, table)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// Whatever the size, the parts of the inspector stay inside its frames and apart.
        #[test]
        fn parts_of_the_inspector_do_not_overlap(width in 40u16..400, height in 12u16..200, candidates in 0usize..=20, alone: bool) {
            let panes = if alone { Panes::InspectorOnly } else { Panes::Fit { inspector: true } };
            let l = layout(Size { width, height }, 1, panes);
            let a = inspector_areas(&l, candidates);
            let parts: Vec<Rect> = [a.position, a.what_if, a.strips, a.legend, a.table].into_iter().filter(|r| !r.is_empty()).collect();
            for (index, part) in parts.iter().enumerate() {
                let inside = [l.inspector.inner(), l.tokens.inner()].into_iter().any(|frame| {
                    frame.contains(part.x, part.y) && frame.contains(part.x + part.width - 1, part.y + part.height - 1)
                });
                prop_assert!(inside, "{part:?} of {l:?}");
                for b in &parts[index + 1..] {
                    prop_assert!(part.x + part.width <= b.x || b.x + b.width <= part.x || part.y + part.height <= b.y || b.y + b.height <= part.y);
                }
            }
            prop_assert!(a.position.height >= 4);
        }

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
