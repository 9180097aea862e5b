//! Code blocks: their lines, their rows and the tones laid over them.
//!
//! Owns what is known of a block of code while it grows. Never parses a language; the tones come
//! from outside and are laid over the rows when these are read, so that nothing is wrapped again.

use super::indent::Indent;
use super::row::{CodeTone, Emphasis, Rows, Source, Span, Tone, offset};
use super::wrap::{Flow, Mode};
use crate::core::text;
use std::ops::Range;

/// The tones of one line: byte ranges within it, in order.
pub type LineTones = Vec<(Range<u32>, CodeTone)>;

/// A fenced or indented block of code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CodeBlock {
    /// Bytes of the message after the opening fence; empty for indented code.
    pub info: Range<usize>,
    /// Bytes of each line, without its line end and without the indentation or the quote signs of
    /// what the block stands in.
    pub lines: Vec<Range<usize>>,
    /// Rows that show the block.
    pub rows: Range<usize>,
    /// Whether the block is over.
    pub is_closed: bool,
    /// Whether the last line has no line end yet.
    pub(super) is_growing: bool,
    /// Where the content begins; with equal text the block's identity.
    pub(super) start: usize,
    pub(super) tones: Tones,
}

/// The tones of the first lines of a block.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Tones {
    lines: Vec<LineTones>,
}

impl CodeBlock {
    pub(super) fn new(info: Range<usize>, start: usize, row: usize) -> Self {
        Self {
            info,
            lines: Vec::new(),
            rows: row..row,
            is_closed: false,
            is_growing: false,
            start,
            tones: Tones::default(),
        }
    }

    /// Returns the language named after the opening fence; empty where none is.
    #[must_use]
    pub fn language<'a>(&self, text: &'a str) -> &'a str {
        let info = text.get(self.info.clone()).unwrap_or_default();
        let info = info.trim_start_matches(['{', '.']);
        info.split(|c: char| c.is_whitespace() || matches!(c, ',' | ':' | '{' | '}'))
            .next()
            .unwrap_or_default()
    }

    /// Returns the bytes of the message from the first to the last line.
    #[must_use]
    pub fn content(&self) -> Range<usize> {
        match (self.lines.first(), self.lines.last()) {
            (Some(first), Some(last)) => first.start..last.end,
            _ => self.start..self.start,
        }
    }

    /// Returns the code of lines, each with a line end.
    #[must_use]
    pub fn code(&self, text: &str, lines: Range<usize>) -> String {
        let mut out = String::new();
        for line in self.lines.get(lines).unwrap_or_default() {
            out.push_str(text.get(line.clone()).unwrap_or_default());
            out.push('\n');
        }
        out
    }

    /// Returns how many lines will not change: all but one that has no line end yet.
    #[must_use]
    pub fn complete_lines(&self) -> usize {
        self.lines.len().saturating_sub(usize::from(self.is_growing && !self.is_closed))
    }

    /// Returns how many lines have tones.
    #[must_use]
    pub fn toned_lines(&self) -> usize {
        self.tones.lines.len()
    }

    pub(super) fn set_tones(&mut self, from_line: usize, tones: Vec<LineTones>) {
        let lines = &mut self.tones.lines;
        if from_line > lines.len() {
            return;
        }
        lines.truncate(from_line);
        lines.extend(tones);
        lines.truncate(self.lines.len());
    }

    /// Returns a span of this block cut where the tone changes.
    pub(super) fn toned(&self, text: &str, span: &Span, out: &mut Vec<Span>) {
        let Source::Text(range) = &span.source else { return out.push(span.clone()) };
        let start = range.start as usize;
        let line = self.lines.partition_point(|line| line.end <= start);
        let (Some(tones), Some(line)) = (self.tones.lines.get(line), self.lines.get(line)) else {
            return out.push(span.clone());
        };
        let first = out.len();
        let shown = text.get(start..range.end as usize).unwrap_or_default();
        for (at, cluster) in text::clusters(shown) {
            let within = offset((start + at).saturating_sub(line.start));
            let index = tones.partition_point(|(range, _)| range.end <= within);
            let tone = tones.get(index).filter(|(range, _)| range.start <= within);
            let tone = Tone::Block(tone.map_or(CodeTone::Plain, |(_, tone)| *tone));
            let end = offset(start + at + cluster.len());
            let width = u16::try_from(text::Glyph::of(cluster).width).unwrap_or(u16::MAX).min(span.width);
            match &mut out[first..] {
                [.., last] if last.tone == tone => {
                    last.width = last.width.saturating_add(width).min(span.width);
                    if let Source::Text(range) = &mut last.source {
                        range.end = end;
                    }
                }
                _ => out.push(Span {
                    source: Source::Text(offset(start + at)..end),
                    tone,
                    emphasis: Emphasis::NONE,
                    width,
                }),
            }
        }
    }
}

/// Adds the row that names the language, where one is named.
pub(super) fn put_info(text: &str, info: Range<usize>, indent: &mut Indent, width: u16, rows: &mut Rows) {
    if !info.is_empty() {
        let mut flow = Flow::open(text, rows, indent, width, Mode::Words, offset(info.start));
        flow.push(info, Tone::Info, Emphasis::NONE);
    }
}

/// Adds the rows of one line of code: one cell free on the left, which marks continued rows.
pub(super) fn put_line(text: &str, line: Range<usize>, indent: &mut Indent, width: u16, rows: &mut Rows) {
    let tone = Tone::Block(CodeTone::Plain);
    if indent.body(width) < 2 {
        let mut flow = Flow::open(text, rows, indent, width, Mode::Cells, offset(line.start));
        return flow.push(line, tone, Emphasis::NONE);
    }
    let mut padded = indent.padded();
    let mut flow = Flow::open(text, rows, &mut padded, width, Mode::Cells, offset(line.start));
    flow.push(line, tone, Emphasis::NONE);
}

/// Returns the bytes after the marks of an opening fence.
pub(super) fn info_range(line: &str, at: usize) -> Range<usize> {
    let info = line.trim_start_matches([' ', '\t', '`', '~']);
    let start = at + line.len() - info.len();
    start..start + info.trim_end().len()
}
