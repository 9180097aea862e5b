//! A message laid out at a width, kept up to date while its text grows.
//!
//! Owns the rows of one message and the copy of the text they point into. Every update adds the
//! pieces that have become final to the kept rows, and lays out only the open tail again.
//!
//! ```text
//! rows:  kept ............................ | tail
//! text:  final pieces (see segment) ...... | open piece
//! ```
//!
//! Invariant: whatever the steps in which a text arrived, the rows are those of one update with the
//! whole text.

use super::code::{self, CodeBlock, LineTones, Tones};
use super::layout::{self, Layout};
use super::line::{self, Fence};
use super::row::{Extent, Rows, Source, Span, Tone};
use super::segment::{Form, Scanner, Segment};
use super::wrap::Indent;
use std::ops::Range;

/// What is final.
#[derive(Debug, Clone, Copy, Default)]
struct Kept {
    rows: Extent,
    blocks: usize,
    /// Lines of the block of code that is open.
    lines: usize,
}

/// A message as rows.
#[derive(Debug, Clone)]
pub struct Document {
    is_plain: bool,
    text: String,
    width: u16,
    rows: Rows,
    blocks: Vec<CodeBlock>,
    scanner: Scanner,
    kept: Kept,
}

impl Document {
    fn new(is_plain: bool) -> Self {
        Self {
            is_plain,
            text: String::new(),
            width: 0,
            rows: Rows::default(),
            blocks: Vec::new(),
            scanner: Scanner::new(is_plain),
            kept: Kept::default(),
        }
    }

    /// Returns an empty document that reads its text as markdown.
    #[must_use]
    pub fn markdown() -> Self {
        Self::new(false)
    }

    /// Returns an empty document that shows its text as it is, wrapped.
    #[must_use]
    pub fn plain() -> Self {
        Self::new(true)
    }

    /// Lays out the text at a width, and returns whether anything changed.
    ///
    /// Where the text is the former one and more at the same width, only what the former text left
    /// open is laid out again. Anything else lays out the whole text; the tones of code blocks are
    /// kept where the text before them is the same.
    pub fn update(&mut self, text: &str, width: u16) -> bool {
        let width = width.max(1);
        let more = text.strip_prefix(self.text.as_str());
        if width == self.width && more == Some("") {
            return false;
        }
        let toned = match more {
            Some(_) if width == self.width => self.thaw(),
            _ => self.reset(width, more.is_some()),
        };
        match more {
            Some(more) => self.text.push_str(more),
            None => text.clone_into(&mut self.text),
        }
        let text = std::mem::take(&mut self.text);
        while let Some(segment) = self.scanner.next(&text) {
            self.freeze(&text, segment);
        }
        self.kept = Kept {
            rows: self.rows.extent(),
            blocks: self.blocks.len(),
            lines: self.blocks.last().map_or(0, |block| block.lines.len()),
        };
        self.put_tail(&text);
        self.text = text;
        self.restore(toned);
        true
    }

    /// Removes the rows of the tail, and returns the tones of its blocks of code.
    fn thaw(&mut self) -> Vec<(usize, Tones)> {
        self.rows.cut_to(self.kept.rows);
        let toned = self.blocks.drain(self.kept.blocks..).map(|block| (block.start, block.tones)).collect();
        if self.scanner.fence().is_some()
            && let Some(block) = self.blocks.last_mut()
        {
            block.lines.truncate(self.kept.lines);
            (block.is_closed, block.is_growing) = (false, false);
        }
        toned
    }

    fn reset(&mut self, width: u16, keeps_tones: bool) -> Vec<(usize, Tones)> {
        let mut fresh = Self::new(self.is_plain);
        fresh.width = width;
        if keeps_tones {
            fresh.text = std::mem::take(&mut self.text);
        }
        let former = std::mem::replace(self, fresh);
        if !keeps_tones {
            return Vec::new();
        }
        former.blocks.into_iter().map(|block| (block.start, block.tones)).collect()
    }

    /// Gives blocks that were laid out again the tones they had.
    fn restore(&mut self, toned: Vec<(usize, Tones)>) {
        for (start, tones) in toned {
            if let Ok(index) = self.blocks.binary_search_by_key(&start, |block| block.start) {
                self.blocks[index].tones = tones;
            }
        }
    }

    fn layout<'a>(&'a mut self, text: &'a str) -> Layout<'a> {
        Layout { text, width: self.width, rows: &mut self.rows, blocks: &mut self.blocks }
    }

    fn freeze(&mut self, text: &str, segment: Segment) {
        match segment {
            Segment::Blocks(range, form) => self.layout(text).put(range, form),
            Segment::Line(range, form) => self.layout(text).put_plain(range, form),
            Segment::FenceOpen(line, _) => {
                self.layout(text).gap(line.start);
                let first = self.rows.len();
                let source = text.get(line.clone()).unwrap_or_default().trim_end_matches(['\n', '\r']);
                let info = layout::info_range(source, line.start);
                code::put_info(text, info.clone(), &mut Indent::default(), self.width, &mut self.rows);
                let mut block = CodeBlock::new(info, line.start + source.len(), first);
                block.rows.end = self.rows.len();
                self.blocks.push(block);
            }
            Segment::FenceLine(line) => self.put_code(text, line, false),
            Segment::FenceClose => {
                if let Some(block) = self.blocks.last_mut() {
                    block.is_closed = true;
                }
            }
        }
    }

    fn put_code(&mut self, text: &str, line: Range<usize>, is_growing: bool) {
        code::put_line(text, line.clone(), &mut Indent::default(), self.width, &mut self.rows);
        if let Some(block) = self.blocks.last_mut() {
            block.lines.push(line);
            block.is_growing = is_growing;
            block.rows.end = self.rows.len();
        }
    }

    /// Lays out what later text may change.
    fn put_tail(&mut self, text: &str) {
        let (start, form) = self.scanner.open();
        if let Some(fence) = self.scanner.fence() {
            return self.put_code_tail(text, fence, start);
        }
        if start == text.len() {
            return;
        }
        if self.is_plain {
            return self.layout(text).put_plain(start..text.len(), form);
        }
        let border = if self.scanner.in_paragraph() { held_back(text, start) } else { text.len() };
        self.layout(text).put(start..border, form);
        if border < text.len() {
            self.layout(text).put_plain(border..text.len(), Form::Fresh);
        }
    }

    fn put_code_tail(&mut self, text: &str, fence: Fence, start: usize) {
        let line = &text.as_bytes()[start..];
        if line::closes(fence, line) {
            if let Some(block) = self.blocks.last_mut() {
                block.is_closed = true;
            }
        } else if !line.is_empty() {
            self.put_code(text, line::indented(fence, line, start), true);
        } else if let Some(block) = self.blocks.last_mut() {
            block.rows.end = self.rows.len();
        }
    }

    /// Returns the text that is laid out.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Returns the number of rows.
    #[must_use]
    pub fn row_count(&self) -> usize {
        self.rows.len()
    }

    /// Returns the spans of a row, with the tones of highlighted code; none where there is no such row.
    #[must_use]
    pub fn row(&self, row: usize) -> Vec<Span> {
        let mut out = Vec::new();
        for span in self.rows.row(row) {
            match (&span.source, span.tone) {
                (Source::Text(range), Tone::Block(_)) => {
                    let start = range.start as usize;
                    let after = self.blocks.partition_point(|block| block.start <= start);
                    match after.checked_sub(1).and_then(|index| self.blocks.get(index)) {
                        Some(block) => block.toned(&self.text, span, &mut out),
                        None => out.push(span.clone()),
                    }
                }
                _ => out.push(span.clone()),
            }
        }
        out
    }

    /// Returns the row that shows a byte; for hidden syntax, the one that shows what is before it.
    ///
    /// It never decreases with the byte, except between the wrapped cells of one row of a table.
    #[must_use]
    pub fn row_at(&self, byte: usize) -> usize {
        self.rows.row_at(super::row::offset(byte))
    }

    /// Returns the blocks of code, in order.
    #[must_use]
    pub fn code_blocks(&self) -> &[CodeBlock] {
        &self.blocks
    }

    /// Sets the tones of a block's lines from one on; they show in the rows at once.
    ///
    /// Tones for a block that is not there any more, or that would leave lines out, are dropped.
    pub fn set_highlight(&mut self, block: usize, from_line: usize, tones: Vec<LineTones>) {
        if let Some(block) = self.blocks.get_mut(block) {
            block.set_tones(from_line, tones);
        }
    }
}

/// Returns where an unfinished line begins that would make a heading of the line before it.
///
/// `text` and then `-` is a heading by the book, yet almost always a list whose first item has not
/// arrived; without this the line above would flash. From three signs on it is taken as written.
fn held_back(text: &str, start: usize) -> usize {
    let line_start = text.rfind('\n').map_or(0, |end| end + 1);
    let line = text[line_start..].trim_end_matches(' ');
    let is_underline = matches!(line, "-" | "--" | "=" | "==");
    if is_underline && line_start > start { line_start } else { text.len() }
}
