//! What stands before the text of a row: quote bars, bullets, numbers and the space under them.
//!
//! Owns the indentation of nested containers and its limits. Invariant: whatever the nesting, room for
//! text is left; containers beyond the limits are flattened into the last one that fits.

use super::row::{Rows, Source, Span, Tone};

/// Cells that containers leave for what stands in them; deeper ones are flattened.
const MIN_BODY: usize = 8;

/// Levels of containers that are drawn; deeper ones are flattened.
const MAX_LEVELS: usize = 16;

/// Quote bars; a part of it stands for several levels in one span.
const BARS: &str = "▌ ▌ ▌ ▌ ▌ ▌ ▌ ▌ ▌ ▌ ▌ ▌ ▌ ▌ ▌ ▌ ";

/// Bytes and cells of one level in [`BARS`].
const BAR: (usize, u16) = ("▌ ".len(), 2);

/// What stands before the text of a row.
#[derive(Debug, Clone, Default)]
pub(super) struct Indent {
    /// Before every row.
    rest: Vec<Span>,
    /// Before the next row instead; holds bullets and numbers.
    lead: Option<Vec<Span>>,
    /// Where the first marker of that row stands in the message.
    lead_start: Option<u32>,
    levels: usize,
}

/// An indentation to return to where a container ends.
#[derive(Debug, Clone)]
pub(super) struct Level {
    /// `None` where the container was flattened.
    rest: Option<Vec<Span>>,
}

/// Returns the cells of spans.
pub(super) fn cells(spans: &[Span]) -> usize {
    spans.iter().map(|span| usize::from(span.width)).sum()
}

fn push_bar(spans: &mut Vec<Span>) {
    if let Some(Span { source: Source::Fixed(bars), width, tone: Tone::Quote, .. }) = spans.last_mut()
        && let Some(more) = BARS.get(..bars.len() + BAR.0)
    {
        *bars = more;
        *width += BAR.1;
        return;
    }
    spans.push(Span::fixed(&BARS[..BAR.0], Tone::Quote));
}

fn push_space(spans: &mut Vec<Span>, width: u16) {
    match spans.last_mut() {
        Some(Span { source: Source::Fill(' ', count), width: cells, .. }) => {
            *count += width;
            *cells += width;
        }
        _ => spans.push(Span::fill(' ', width, Tone::Plain)),
    }
}

impl Indent {
    /// Returns whether a first row with a marker is still to come.
    pub(super) fn has_lead(&self) -> bool {
        self.lead.is_some()
    }

    /// Returns the cells left for text.
    pub(super) fn body(&self, width: u16) -> u16 {
        let before = cells(&self.rest).max(self.lead.as_deref().map_or(0, cells));
        width.saturating_sub(u16::try_from(before).unwrap_or(u16::MAX)).max(1)
    }

    fn has_room(&self, more: usize, width: u16) -> bool {
        let before = cells(&self.rest).max(self.lead.as_deref().map_or(0, cells));
        self.levels < MAX_LEVELS && before + more + MIN_BODY <= usize::from(width)
    }

    /// Enters a quote.
    pub(super) fn quote(&mut self, width: u16) -> Level {
        if !self.has_room(usize::from(BAR.1), width) {
            return Level { rest: None };
        }
        let level = Level { rest: Some(self.rest.clone()) };
        if let Some(lead) = &mut self.lead {
            push_bar(lead);
        }
        push_bar(&mut self.rest);
        self.levels += 1;
        level
    }

    /// Enters an item of a list with the spans of its marker.
    pub(super) fn item(&mut self, start: u32, marker: &[Span], width: u16) -> Level {
        self.lead_start.get_or_insert(start);
        let more = cells(marker);
        let has_room = self.has_room(more, width);
        if self.lead.is_none() || has_room {
            let mut lead = self.lead.take().unwrap_or_else(|| self.rest.clone());
            if cells(&lead) + more < usize::from(width) {
                lead.extend_from_slice(marker);
            }
            self.lead = Some(lead);
        }
        if !has_room {
            return Level { rest: None };
        }
        let level = Level { rest: Some(self.rest.clone()) };
        push_space(&mut self.rest, u16::try_from(more).unwrap_or(u16::MAX));
        self.levels += 1;
        level
    }

    /// Puts a box in the place of the bullet that was pushed last, with as much indentation.
    ///
    /// Returns `false` where there is no bullet or no room.
    pub(super) fn replace_bullet(&mut self, level: &Level, marker: Span, width: u16) -> bool {
        let Some(lead) = self.lead.as_mut().filter(|_| level.rest.is_some()) else { return false };
        let is_bullet =
            |span: &mut Span| span.tone == Tone::Marker && matches!(span.source, Source::Fixed(_));
        let Some(bullet) = lead.pop_if(is_bullet) else { return false };
        if cells(lead) + usize::from(marker.width) + 1 + MIN_BODY > usize::from(width) {
            lead.push(bullet);
            return false;
        }
        push_space(&mut self.rest, (marker.width + 1).saturating_sub(bullet.width));
        lead.push(marker);
        push_space(lead, 1);
        true
    }

    /// Returns the indentation of a line of code: one free cell, which marks continued rows.
    ///
    /// The first row of a block's first line still holds the marker of the item it stands in.
    pub(super) fn padded(&mut self) -> Self {
        let mut lead = self.lead.take().unwrap_or_else(|| self.rest.clone());
        push_space(&mut lead, 1);
        let mut rest = self.rest.clone();
        rest.push(Span::fixed("↳", Tone::Marker));
        Self { rest, lead: Some(lead), lead_start: self.lead_start.take(), levels: self.levels }
    }

    /// Leaves a container.
    pub(super) fn leave(&mut self, level: Level) {
        if let Some(rest) = level.rest {
            self.rest = rest;
            self.levels -= 1;
        }
    }

    /// Returns the first byte of the next row, whose text begins at a byte.
    pub(super) fn first_byte(&self, start: u32) -> u32 {
        self.lead_start.map_or(start, |lead| lead.min(start))
    }

    /// Begins a row whose text begins at a byte, and puts what stands before the text into it.
    pub(super) fn open(&mut self, rows: &mut Rows, start: u32) {
        rows.open(self.first_byte(start));
        self.lead_start = None;
        match self.lead.take() {
            Some(lead) => lead.into_iter().for_each(|span| rows.push(span)),
            None => self.rest.iter().for_each(|span| rows.push(span.clone())),
        }
    }

    /// Adds an empty row: quote bars only.
    pub(super) fn gap(&self, rows: &mut Rows, start: u32) {
        rows.open(start);
        let bars = self.rest.iter().rposition(|span| span.tone == Tone::Quote).map_or(0, |last| last + 1);
        self.rest[..bars].iter().for_each(|span| rows.push(span.clone()));
    }
}
