//! Text to rows: the one place where a row ends.
//!
//! Owns [`Flow`], which sets clusters one after another and breaks rows between words. Never splits
//! a cluster, never drops one that shows something; a space that does not fit at the end of a row is
//! the only thing without a cell.
//!
//! Invariant: the spans of a row take at most the width, and are in the order of their bytes.

use super::cluster::{self, Class, Cluster};
use super::row::{Emphasis, Rows, Source, Span, Tone, offset};
use std::ops::Range;

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
    levels: usize,
}

/// An indentation to return to where a container ends.
#[derive(Debug, Clone)]
pub(super) struct Level {
    /// `None` where the container was flattened.
    rest: Option<Vec<Span>>,
}

fn cells(spans: &[Span]) -> usize {
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
    pub(super) fn item(&mut self, marker: &[Span], width: u16) -> Level {
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
        let Some(lead) = &mut self.lead else { return false };
        if level.rest.is_none() || cells(lead) + usize::from(marker.width) + MIN_BODY > usize::from(width) {
            return false;
        }
        let is_bullet =
            |span: &mut Span| span.tone == Tone::Marker && matches!(span.source, Source::Fixed(_));
        let Some(bullet) = lead.pop_if(is_bullet) else { return false };
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
        Self { rest, lead: Some(lead), levels: self.levels }
    }

    /// Leaves a container.
    pub(super) fn leave(&mut self, level: Level) {
        if let Some(rest) = level.rest {
            self.rest = rest;
            self.levels -= 1;
        }
    }

    /// Puts what stands before the next row into it.
    pub(super) fn put(&mut self, rows: &mut Rows) {
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

/// A part of a line to set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Piece {
    /// Bytes of the message.
    Text { range: Range<usize>, tone: Tone, emphasis: Emphasis },
    /// Something added; never broken inside.
    Fixed { text: &'static str, tone: Tone },
    /// The line ends here.
    Break,
}

/// Where rows end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    /// Between words; only a word longer than a row is split.
    Words,
    /// Wherever a row is full: code, whose spaces matter.
    Cells,
}

/// A place where the row may end: after the span of this index as it was then.
#[derive(Debug, Clone, Copy)]
struct Chance {
    span: usize,
    end: Option<u32>,
    width: u16,
}

/// Sets pieces into rows.
pub(super) struct Flow<'a> {
    text: &'a str,
    rows: &'a mut Rows,
    indent: &'a mut Indent,
    mode: Mode,
    width: usize,
    /// Cells taken in the open row.
    used: usize,
    /// Cells of them that stand before the text.
    indented: usize,
    /// Index of the open row's first span of text.
    body: usize,
    chance: Option<Chance>,
    before: Class,
    /// A space did not fit: the row is over.
    is_over: bool,
    /// Before this byte words are not set at once: the word has been looked at and does not fit.
    slow_until: usize,
    moved: Vec<Span>,
}

impl<'a> Flow<'a> {
    fn new(text: &'a str, rows: &'a mut Rows, indent: &'a mut Indent, width: u16, mode: Mode) -> Self {
        Self {
            text,
            rows,
            indent,
            mode,
            width: usize::from(width.max(1)),
            used: 0,
            indented: 0,
            body: 0,
            chance: None,
            before: Class::Open,
            is_over: false,
            slow_until: 0,
            moved: Vec::new(),
        }
    }

    /// Begins on a new row.
    pub(super) fn open(
        text: &'a str,
        rows: &'a mut Rows,
        indent: &'a mut Indent,
        width: u16,
        mode: Mode,
        start: u32,
    ) -> Self {
        let mut flow = Self::new(text, rows, indent, width, mode);
        flow.open_row(start);
        flow
    }

    /// Goes on in the last row, without touching the spans it has.
    pub(super) fn resume(text: &'a str, rows: &'a mut Rows, indent: &'a mut Indent, width: u16) -> Self {
        let mut flow = Self::new(text, rows, indent, width, Mode::Words);
        if flow.rows.len() == 0 {
            flow.open_row(0);
        }
        flow.used = cells(flow.rows.row(flow.rows.len() - 1));
        flow.body = flow.rows.spans().len();
        flow.before = Class::Word;
        flow
    }

    fn open_row(&mut self, start: u32) {
        self.rows.open(start);
        let first = self.rows.spans().len();
        self.indent.put(self.rows);
        self.body = self.rows.spans().len();
        self.used = cells(&self.rows.spans()[first..]);
        if self.used >= self.width {
            // Containers keep room for text; only a resize below their least width gets here.
            self.rows.spans_mut().truncate(first);
            (self.body, self.used) = (first, 0);
        }
        self.indented = self.used;
        self.chance = None;
        self.before = Class::Open;
        self.is_over = false;
    }

    /// Sets pieces one after another.
    pub(super) fn pieces(&mut self, pieces: &[Piece]) {
        let mut is_broken = false;
        for piece in pieces {
            match piece {
                Piece::Break => is_broken = true,
                Piece::Text { range, tone, emphasis } => {
                    if std::mem::take(&mut is_broken) {
                        self.open_row(offset(range.start));
                    }
                    self.push(range.clone(), *tone, *emphasis);
                }
                Piece::Fixed { text, tone } => {
                    if std::mem::take(&mut is_broken) {
                        self.open_row(self.last_end());
                    }
                    self.push_fixed(text, *tone);
                }
            }
        }
    }

    /// Sets bytes of the message.
    pub(super) fn push(&mut self, range: Range<usize>, tone: Tone, emphasis: Emphasis) {
        let text = self.text.get(..range.end).unwrap_or_default();
        let mut at = range.start;
        while let Some(rest) = text.get(at..) {
            let run = if at < self.slow_until { 0 } else { self.word(at, rest.as_bytes()) };
            if run > 0 {
                self.append(at..at + run, run, tone, emphasis);
                self.before = Class::of_ascii(rest.as_bytes()[run - 1]);
                at += run;
                continue;
            }
            let Some(cluster) = cluster::first(rest) else { break };
            self.place(at, cluster, tone, emphasis);
            at += cluster.len;
        }
    }

    /// Returns the length of an ASCII word that can be set at once; 0 where it takes a closer look.
    fn word(&mut self, at: usize, bytes: &[u8]) -> usize {
        if self.mode == Mode::Cells || self.is_over || !matches!(self.before, Class::Word | Class::Space) {
            return 0;
        }
        let room = self.width - self.used.min(self.width);
        // A word that fits ends at a space or at the end; the cluster before a byte that is not
        // ASCII may take it in.
        let mut len = 0;
        while let Some(&byte) = bytes.get(len) {
            if byte == b' ' {
                break;
            }
            if len == room || !cluster::is_plain(byte) {
                self.slow_until = at + len;
                return 0;
            }
            len += 1;
        }
        if len > 0 && self.before == Class::Space {
            self.note_chance();
        }
        len
    }

    fn place(&mut self, at: usize, cluster: Cluster, tone: Tone, emphasis: Emphasis) {
        let Cluster { len, class, .. } = cluster;
        if cluster.width == 0 {
            return;
        }
        if self.mode == Mode::Words {
            if class == Class::Space {
                if self.is_over || self.used + cluster.width > self.width {
                    self.is_over = true;
                    return;
                }
            } else if self.is_over {
                self.open_row(offset(at));
            } else if self.before.breaks_before(class) {
                self.note_chance();
            }
        }
        if self.used + cluster.width > self.width {
            self.end_row(offset(at), cluster.width);
        }
        let width = cluster.width.min(self.width.saturating_sub(self.used)).max(1);
        self.append(at..at + len, width, tone, emphasis);
        self.before = class;
    }

    /// Sets something the layout adds.
    pub(super) fn push_fixed(&mut self, text: &'static str, tone: Tone) {
        let mut span = Span::fixed(text, tone);
        let width = usize::from(span.width);
        if self.is_over || self.used + width > self.width {
            self.open_row(self.last_end());
        } else if self.before.breaks_before(Class::Word) {
            self.note_chance();
        }
        let width = width.min(self.width.saturating_sub(self.used));
        span.width = u16::try_from(width).unwrap_or(u16::MAX);
        self.rows.push(span);
        self.used += width;
        self.before = if text.ends_with(' ') { Class::Space } else { Class::Word };
    }

    /// Returns where the text set so far ends.
    fn last_end(&self) -> u32 {
        self.rows.spans().iter().rev().find_map(text_end).unwrap_or(0)
    }

    fn note_chance(&mut self) {
        let spans = self.rows.spans();
        if let Some(last) = spans.len().checked_sub(1).filter(|&last| last + 1 > self.body) {
            self.chance = Some(Chance { span: last, end: text_end(&spans[last]), width: spans[last].width });
        }
    }

    /// Ends the row at the last chance, or here where a word fills the row.
    fn end_row(&mut self, start: u32, next_width: usize) {
        let Some(chance) = self.chance.take() else {
            if self.used > self.indented {
                self.open_row(start);
            }
            return;
        };
        let mut moved = std::mem::take(&mut self.moved);
        let spans = self.rows.spans_mut();
        moved.extend(spans.drain(chance.span + 1..));
        if let (Some(last), Some(end)) = (spans.last_mut(), chance.end)
            && let Source::Text(range) = &mut last.source
            && range.end > end
        {
            let source = Source::Text(end..range.end);
            range.end = end;
            let width = last.width - chance.width;
            last.width = chance.width;
            moved.insert(0, Span { source, tone: last.tone, emphasis: last.emphasis, width });
        }
        let first = moved.iter().find_map(text_start).unwrap_or(start);
        self.open_row(first);
        for span in moved.drain(..) {
            self.used += usize::from(span.width);
            self.rows.push(span);
        }
        self.moved = moved;
        self.before = Class::Word;
        if self.used + next_width > self.width {
            // The word alone is longer than a row.
            self.open_row(start);
        }
    }

    fn append(&mut self, range: Range<usize>, width: usize, tone: Tone, emphasis: Emphasis) {
        let (start, end) = (offset(range.start), offset(range.end));
        let cells = u16::try_from(width).unwrap_or(u16::MAX);
        self.used += width;
        let body = self.body;
        let spans = self.rows.spans_mut();
        if spans.len() > body
            && let Some(last) = spans.last_mut()
            && last.tone == tone
            && last.emphasis == emphasis
            && let Source::Text(range) = &mut last.source
            && range.end == start
        {
            range.end = end;
            last.width += cells;
            return;
        }
        spans.push(Span { source: Source::Text(start..end), tone, emphasis, width: cells });
    }
}

fn text_start(span: &Span) -> Option<u32> {
    match &span.source {
        Source::Text(range) => Some(range.start),
        Source::Fixed(_) | Source::Fill(..) => None,
    }
}

fn text_end(span: &Span) -> Option<u32> {
    match &span.source {
        Source::Text(range) => Some(range.end),
        Source::Fixed(_) | Source::Fill(..) => None,
    }
}

/// Returns the ranges of a text's rows at a width; a line end in the text ends a row.
///
/// Spaces at the end of a row that do not fit in it are in no range.
#[must_use]
pub fn wrap(text: &str, range: Range<usize>, width: u16) -> Vec<Range<usize>> {
    let mut out = Vec::new();
    let mut at = range.start;
    for line in text.get(range).unwrap_or_default().split_inclusive('\n') {
        let end = at + line.trim_end_matches(['\n', '\r']).len();
        let mut rows = Rows::default();
        let mut indent = Indent::default();
        let mut flow = Flow::open(text, &mut rows, &mut indent, width, Mode::Words, offset(at));
        flow.push(at..end, Tone::Plain, Emphasis::NONE);
        for row in 0..rows.len() {
            let spans = rows.row(row);
            let start = spans.iter().find_map(text_start).map_or(at, |start| start as usize);
            let end = spans.iter().rev().find_map(text_end).map_or(start, |end| end as usize);
            out.push(start..end);
        }
        at += line.len();
    }
    out
}
