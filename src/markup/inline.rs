//! What stands inside a line of markdown, as pieces of the source.
//!
//! Owns emphasis, code, links and images inside a block. Never follows a link and never hides where
//! it leads: the address is shown as it is written. Entities, tags and links by name, whose meaning
//! stands elsewhere, are shown literally.

use super::row::{Emphasis, Tone};
use super::wrap::Piece;
use pulldown_cmark::LinkType;
use std::ops::Range;

/// A link or an image that is open.
#[derive(Debug)]
struct Link {
    start: usize,
    /// Where its text ends, as far as it is known.
    end: usize,
    is_inline: bool,
    is_auto: bool,
}

/// Collects the pieces of one run of inline text.
#[derive(Debug, Default)]
pub(super) struct Inline {
    pieces: Vec<Piece>,
    strong: usize,
    italic: usize,
    strike: usize,
    links: Vec<Link>,
}

impl Inline {
    pub(super) fn is_empty(&self) -> bool {
        self.pieces.is_empty()
    }

    /// Returns the pieces and begins a new run.
    pub(super) fn take(&mut self) -> Vec<Piece> {
        self.links.clear();
        (self.strong, self.italic, self.strike) = (0, 0, 0);
        std::mem::take(&mut self.pieces)
    }

    /// Gives an emptied vector back, so that its room is used again.
    pub(super) fn reuse(&mut self, mut pieces: Vec<Piece>) {
        pieces.clear();
        self.pieces = pieces;
    }

    pub(super) fn strong(&mut self, is_open: bool, end: usize) {
        self.strong = step(self.strong, is_open);
        self.reach(end, is_open);
    }

    pub(super) fn italic(&mut self, is_open: bool, end: usize) {
        self.italic = step(self.italic, is_open);
        self.reach(end, is_open);
    }

    pub(super) fn strike(&mut self, is_open: bool, end: usize) {
        self.strike = step(self.strike, is_open);
        self.reach(end, is_open);
    }

    /// Notes where an event ended that may be the last one in the text of a link.
    fn reach(&mut self, end: usize, is_open: bool) {
        if let Some(link) = self.links.last_mut().filter(|_| !is_open) {
            link.end = link.end.max(end);
        }
    }

    /// Adds text as it is.
    pub(super) fn text(&mut self, range: Range<usize>, base: Tone) {
        self.reach(range.end, false);
        let is_link = !self.links.is_empty();
        let emphasis = [
            (self.strong > 0 || matches!(base, Tone::Heading(_) | Tone::TableHead), Emphasis::STRONG),
            (self.italic > 0, Emphasis::ITALIC),
            (self.strike > 0, Emphasis::STRIKE),
            (is_link, Emphasis::UNDERLINE),
        ];
        let emphasis = emphasis
            .into_iter()
            .fold(Emphasis::NONE, |all, (is_set, emphasis)| if is_set { all.with(emphasis) } else { all });
        self.push(range, if is_link { Tone::Link } else { base }, emphasis);
    }

    fn push(&mut self, range: Range<usize>, tone: Tone, emphasis: Emphasis) {
        if range.is_empty() {
            return;
        }
        if let Some(Piece::Text { range: last, tone: last_tone, emphasis: last_emphasis }) =
            self.pieces.last_mut()
            && last.end == range.start
            && (*last_tone, *last_emphasis) == (tone, emphasis)
        {
            last.end = range.end;
            return;
        }
        self.pieces.push(Piece::Text { range, tone, emphasis });
    }

    pub(super) fn fixed(&mut self, text: &'static str, tone: Tone) {
        self.pieces.push(Piece::Fixed { text, tone });
    }

    pub(super) fn line_break(&mut self, end: usize) {
        self.reach(end, false);
        self.pieces.push(Piece::Break);
    }

    /// Adds code, without its backticks. In a table `\|` stands for `|`, within code too, as the bar alone
    /// would end the cell.
    pub(super) fn code(&mut self, text: &str, range: Range<usize>, in_quote: bool, in_table: bool) {
        self.reach(range.end, false);
        let source = text.get(range.clone()).unwrap_or_default();
        let ticks = source.bytes().take_while(|&byte| byte == b'`').count();
        let mut inner = range.start + ticks..range.end.saturating_sub(ticks).max(range.start + ticks);
        let code = text.get(inner.clone()).unwrap_or_default();
        let is_padded = |byte: Option<u8>| matches!(byte, Some(b' ' | b'\n' | b'\r'));
        if is_padded(code.bytes().next())
            && is_padded(code.bytes().last())
            && !code.bytes().all(|byte| is_padded(Some(byte)))
        {
            inner = inner.start + 1..inner.end - 1;
        }
        let mut at = inner.start;
        let code = text.get(inner.clone()).unwrap_or_default();
        for (bar, _) in code.match_indices("\\|").filter(|_| in_table) {
            self.lines(text, at..inner.start + bar, Tone::Code, in_quote);
            at = inner.start + bar + 1;
        }
        self.lines(text, at..inner.end, Tone::Code, in_quote);
    }

    /// Adds a part of the source that may reach over several lines.
    pub(super) fn lines(&mut self, text: &str, range: Range<usize>, tone: Tone, in_quote: bool) {
        self.reach(range.end, false);
        let source = text.get(range.clone()).unwrap_or_default();
        let mut at = range.start;
        for (index, line) in source.split_inclusive('\n').enumerate() {
            let shown = line.trim_end_matches(['\n', '\r']);
            let is_sign = |c: char| c == ' ' || c == '\t' || (in_quote && c == '>');
            let skipped = if index == 0 { 0 } else { shown.len() - shown.trim_start_matches(is_sign).len() };
            self.push(at + skipped..at + shown.len(), tone, Emphasis::NONE);
            if shown.len() < line.len() {
                self.pieces.push(Piece::Break);
            }
            at += line.len();
        }
    }

    /// Begins a link or an image.
    pub(super) fn open_link(&mut self, range: &Range<usize>, kind: LinkType, is_image: bool, base: Tone) {
        let is_inline = kind == LinkType::Inline;
        let is_auto = matches!(kind, LinkType::Autolink | LinkType::Email);
        let text = range.start + 1 + usize::from(is_image);
        if !is_inline && !is_auto {
            self.text(range.start..text, base);
        }
        self.links.push(Link { start: text, end: text, is_inline, is_auto });
    }

    /// Ends it, and shows where it leads.
    pub(super) fn close_link(&mut self, text: &str, range: &Range<usize>, base: Tone) {
        let Some(link) = self.links.pop() else { return };
        let rest = text.get(link.end..range.end).unwrap_or_default();
        // The text may end with a line, and the address follow on the next one.
        let inner = rest.trim_start_matches(|c: char| c.is_ascii_whitespace() || c == '>').strip_prefix("](");
        match inner.and_then(|inner| inner.strip_suffix(')')).filter(|_| link.is_inline) {
            Some(inner) => {
                let start = range.end - 1 - inner.trim_start().len();
                let address = inner.trim();
                if !address.is_empty() {
                    if link.end > link.start {
                        self.fixed(" ", base);
                    }
                    self.fixed("(", Tone::Link);
                    self.push(start..start + address.len(), Tone::Link, Emphasis::NONE);
                    self.fixed(")", Tone::Link);
                }
            }
            None if link.is_auto => {}
            None => self.text(link.end..range.end, base),
        }
        self.reach(range.end, false);
    }
}

fn step(count: usize, is_open: bool) -> usize {
    if is_open { count + 1 } else { count.saturating_sub(1) }
}
