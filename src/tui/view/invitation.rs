//! What stands in an empty pane: what this is, and what can be done, each a key away.
//!
//! Owns how little room is dealt with. Invariant: nothing is cut within a word; what has no room is said
//! shorter, and what only is good to know is left out first.

use super::paint::Canvas;
use crate::app::App;
use crate::app::command::{Command, Place};
use crate::app::layout::Rect;
use crate::core::text::width;
use crate::markup::wrap;
use crate::tui::theme::Tint;
use ratatui::style::Style;

/// Width from which keys are set in from the edge, and how far.
const SPACIOUS: (u16, u16) = (60, 3);

/// What an empty pane says: each sentence at length, and short for where that has no room.
pub(super) struct Invitation<'a> {
    /// What this is.
    pub(super) intro: [&'a str; 2],
    /// What can be done; those at the end give way first.
    pub(super) offers: &'a [(Command, [&'a str; 2])],
    /// What else there is to know, where there is room.
    pub(super) aside: &'a str,
}

/// Draws an invitation.
pub(super) fn invite(app: &App, canvas: &mut Canvas<'_>, area: Rect, invitation: &Invitation<'_>) {
    let (text, dim, key) = (canvas.style(Tint::Text), canvas.style(Tint::Dim), canvas.style(Tint::Key));
    let hint = |command| app.keymap.hint(command, Place::Composer).unwrap_or_default();
    let offers: Vec<(String, [&str; 2])> =
        invitation.offers.iter().map(|(command, what)| (hint(*command), *what)).collect();
    let margin = if area.width >= SPACIOUS.0 { SPACIOUS.1 } else { 0 };
    let widest = offers.iter().map(|(key, _)| width(key)).max().unwrap_or(0);
    let indent = margin + u16::try_from(widest).unwrap_or(0) + 2;
    let room = area.width.saturating_sub(indent);

    let height = usize::from(area.height);
    let [intro, short] = invitation.intro.map(|sentence| lines(sentence, area.width));
    let intro = if intro.len() + offers.len() <= height { intro } else { short };
    let aside = lines(invitation.aside, area.width);
    let needed = intro.len() + offers.len();
    let has_gaps = needed + 2 <= height;
    let has_aside = !aside.is_empty() && needed + 2 + aside.len() <= height;

    let mut rows: Vec<Row<'_>> = intro.into_iter().map(|line| Row::text(0, line, text)).collect();
    if has_gaps {
        rows.push(Row::text(0, "", text));
    }
    for (shown, [long, short]) in &offers {
        let what = if width(long) > usize::from(room) { short } else { long };
        rows.push(Row { key: shown, ..Row::text(indent, what, text) });
    }
    if has_aside {
        rows.push(Row::text(0, "", dim));
        rows.extend(aside.into_iter().map(|line| Row::text(0, line, dim)));
    }
    let top = area.y + u16::try_from(height.saturating_sub(rows.len()) / 3).unwrap_or(0);
    let end = area.x + area.width;
    for (y, row) in (top..area.y + area.height).zip(rows) {
        canvas.text(area.x + margin, y, end, row.key, key);
        canvas.text(area.x + row.indent, y, end, row.text, row.style);
    }
}

/// One row: a key at the margin, and a text.
struct Row<'a> {
    key: &'a str,
    indent: u16,
    text: &'a str,
    style: Style,
}

impl<'a> Row<'a> {
    fn text(indent: u16, text: &'a str, style: Style) -> Self {
        Self { key: "", indent, text, style }
    }
}

fn lines(sentence: &str, width: u16) -> Vec<&str> {
    let ranges = wrap(sentence, 0..sentence.len(), width);
    let ranges = ranges.into_iter().filter(|range| !range.is_empty());
    ranges.filter_map(|range| sentence.get(range)).collect()
}
