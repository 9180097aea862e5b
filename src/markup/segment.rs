//! Cuts a growing text into pieces that no later text can change.
//!
//! Owns the borders: blocks of the outermost level (every item of a list is one), the lines of a
//! fenced block of code, and the calm points of a long paragraph. A border is drawn only where
//! CommonMark ends a block for certain; several blocks in one piece are no harm, they are parsed
//! together. Two readings differ from CommonMark on purpose: a blank line ends HTML, so that one
//! unclosed comment cannot swallow an answer, and link definitions count in their own piece only.
//!
//! Invariant: a border depends only on the text before it and the beginning of the line after it, so
//! the pieces are the same however the text arrives.

use super::calm::{self, Calm, Cut};
use super::line::{self, Fence, Item, LineKind};
use std::ops::Range;

/// How a piece begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// On a row of its own.
    Fresh,
    /// In the last row, as the rest of a paragraph's line.
    Rest,
    /// In the last row, and shown as it is.
    Literal,
}

/// A piece that is final.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Segment {
    /// Blocks of markdown, or part of a paragraph.
    Blocks(Range<usize>, Form),
    /// A line of a plain document, or a part of one.
    Line(Range<usize>, Form),
    /// The opening line of a block of code.
    FenceOpen(Range<usize>, Fence),
    /// A line of code, without its line end.
    FenceLine(Range<usize>),
    /// The closing line of a block of code.
    FenceClose,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Shape {
    /// Nothing but blank lines.
    Nothing,
    Text(Calm),
    Table,
    Item {
        /// The column of its content.
        content: usize,
        /// Nothing but its marker has come yet.
        is_empty: bool,
        /// A line has come that stands left of the content: the item may be over.
        is_lazy: bool,
    },
    Quote,
    Html,
    Indented,
    /// A block of one line.
    Single,
    Fence(Fence),
    /// A line shown as it is.
    Literal,
}

/// Reads a growing text and returns its final pieces one by one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Scanner {
    is_plain: bool,
    /// Where the open piece begins.
    start: usize,
    form: Form,
    shape: Shape,
    /// Where the line that is being read begins.
    line: usize,
    /// The next byte to look at.
    at: usize,
    /// Where that line ends, and up to where its end has been looked for.
    end: Option<usize>,
    searched: usize,
    /// The kind of the line is known; what is missing is its end.
    is_inside: bool,
    /// The line before is blank.
    after_blank: bool,
}

impl Scanner {
    /// Returns a scanner at the beginning of a text: of markdown, or of text shown as it is.
    pub(super) fn new(is_plain: bool) -> Self {
        Self {
            is_plain,
            start: 0,
            form: Form::Fresh,
            shape: Shape::Nothing,
            line: 0,
            at: 0,
            end: None,
            searched: 0,
            is_inside: false,
            after_blank: false,
        }
    }

    /// Returns the open piece: where it begins, and how.
    pub(super) fn open(&self) -> (usize, Form) {
        (self.start, self.form)
    }

    /// Returns whether the open piece is a paragraph.
    pub(super) fn in_paragraph(&self) -> bool {
        matches!(self.shape, Shape::Text(_))
    }

    /// Returns the fence of the block of code that is open.
    pub(super) fn fence(&self) -> Option<Fence> {
        if let Shape::Fence(fence) = self.shape { Some(fence) } else { None }
    }

    /// Returns the next final piece; `None` when more text must come first.
    pub(super) fn next(&mut self, text: &str) -> Option<Segment> {
        loop {
            let end = self.line_end(text);
            let stop = end.unwrap_or(text.len());
            if self.is_inside {
                if let Some(segment) = self.finish_line(text, end, stop) {
                    return Some(segment);
                }
                if self.is_inside {
                    return None;
                }
                continue;
            }
            if self.at == text.len() {
                return None;
            }
            if self.is_plain {
                self.shape = Shape::Text(Calm::new(self.at));
                self.is_inside = true;
                continue;
            }
            let line = &text.as_bytes()[self.at..end.map_or(stop, |end| end - 1)];
            if let Shape::Fence(fence) = self.shape {
                return Some(self.code_line(fence, line, end?));
            }
            let kind = line::line_kind(line, end.is_some())?;
            if kind == LineKind::Blank {
                self.after_blank = true;
                self.at = stop;
                if self.shape == Shape::Nothing {
                    self.start = stop;
                }
                continue;
            }
            if self.begins_block(kind, line) {
                let range = self.start..self.at;
                let form = self.begin(self.at, Form::Fresh);
                if !range.is_empty() {
                    return Some(Segment::Blocks(range, form));
                }
                if let LineKind::Fence(fence) = kind {
                    let end = end?;
                    let line = self.at..end;
                    self.begin(end, Form::Fresh);
                    self.shape = Shape::Fence(fence);
                    self.at = end;
                    return Some(Segment::FenceOpen(line, fence));
                }
                self.shape = shape_of(kind, self.at);
            } else {
                self.take_in(kind, line);
            }
            self.after_blank = false;
            self.line = self.at;
            self.is_inside = true;
        }
    }

    /// Notes what a line that goes on in the open piece means for the lines after it.
    fn take_in(&mut self, kind: LineKind, line: &[u8]) {
        if let Shape::Item { content, is_empty, is_lazy } = &mut self.shape {
            let is_left = line::indentation(line).0 < *content;
            (*is_empty, *is_lazy) = (false, *is_lazy || is_left);
            if let (LineKind::Item(item), true) = (kind, is_left) {
                *content = item.content.min(*content);
            } else if kind == LineKind::Quote && is_left {
                self.shape = Shape::Quote;
            }
        } else if let LineKind::Item(Item { content, .. }) = kind
            && matches!(self.shape, Shape::Table | Shape::Quote)
        {
            // It is one only if no paragraph is open; what is indented may belong to it.
            self.shape = Shape::Item { content, is_empty: false, is_lazy: true };
        } else if kind == LineKind::Html {
            self.shape = Shape::Html;
        }
    }

    /// Returns the end of the line that is being read; no byte is searched twice.
    fn line_end(&mut self, text: &str) -> Option<usize> {
        if self.end.is_none_or(|end| end <= self.at) {
            let from = self.searched.max(self.at);
            self.end = text[from..].find('\n').map(|len| from + len + 1);
            self.searched = self.end.unwrap_or(text.len());
        }
        self.end
    }

    /// Begins a new piece, and returns the form of the one before.
    fn begin(&mut self, start: usize, form: Form) -> Form {
        self.start = start;
        self.shape = Shape::Nothing;
        std::mem::replace(&mut self.form, form)
    }

    /// Goes on in a line whose kind is known.
    fn finish_line(&mut self, text: &str, end: Option<usize>, stop: usize) -> Option<Segment> {
        let cut = if let Shape::Text(calm) = &mut self.shape {
            calm.advance(text, self.start, stop)
        } else if self.shape == Shape::Literal {
            let mut places = self.start + calm::LITERAL..stop;
            places.find(|&at| calm::is_boundary(text, at)).map(Cut::Literal)
        } else {
            None
        };
        if let Some(cut) = cut {
            return Some(self.cut(text, cut));
        }
        self.at = stop;
        let end = end?;
        self.is_inside = false;
        if self.is_plain {
            let range = self.start..end;
            let form = self.begin(end, Form::Fresh);
            return Some(Segment::Line(range, form));
        }
        if self.shape == Shape::Literal {
            let range = self.start..end;
            let form = self.begin(end, Form::Fresh);
            return Some(Segment::Blocks(range, form));
        }
        if matches!(self.shape, Shape::Text(_)) {
            let line = &text.as_bytes()[self.line..end - 1];
            if line::is_delimiter_row(line) {
                self.shape = Shape::Table;
            } else if self.line > self.start && line::ends_paragraph(line) {
                self.shape = Shape::Single;
            }
        }
        None
    }

    /// Cuts the open paragraph.
    fn cut(&mut self, text: &str, cut: Cut) -> Segment {
        let (Cut::Word(at) | Cut::Literal(at)) = cut;
        let (next, shape) = match cut {
            Cut::Word(_) if text.as_bytes()[at - 1] == b'\n' => (Form::Fresh, Shape::Text(Calm::new(at))),
            Cut::Word(_) => (Form::Rest, Shape::Text(Calm::new(at))),
            Cut::Literal(_) if self.is_plain => (Form::Rest, Shape::Text(Calm::new(at))),
            Cut::Literal(_) => (Form::Literal, Shape::Literal),
        };
        // A space at the end of a piece would be lost; it goes to the next one.
        let has_space = next != Form::Fresh && text.as_bytes()[at - 1] == b' ';
        let border = at - usize::from(has_space);
        let range = self.start..border;
        let form = self.begin(border, next);
        self.shape = shape;
        self.at = at;
        if self.is_plain { Segment::Line(range, form) } else { Segment::Blocks(range, form) }
    }

    fn code_line(&mut self, fence: Fence, line: &[u8], end: usize) -> Segment {
        let range = line::indented(fence, line, self.at);
        self.at = end;
        if line::closes(fence, line) {
            self.begin(end, Form::Fresh);
            self.after_blank = false;
            return Segment::FenceClose;
        }
        self.start = end;
        Segment::FenceLine(range)
    }

    /// Returns whether a line that is not blank begins a block that does not belong to the open one.
    fn begins_block(&self, kind: LineKind, line: &[u8]) -> bool {
        let (columns, _) = line::indentation(line);
        match self.shape {
            Shape::Nothing | Shape::Single => true,
            Shape::Item { content, is_empty: true, .. } => self.after_blank || columns < content,
            Shape::Item { content, .. } if columns >= content => false,
            Shape::Item { is_lazy, .. } => match kind {
                LineKind::Heading | LineKind::Fence(_) => true,
                // After a line that may be a paragraph of its own they may belong to that one.
                LineKind::Item(item) if !is_lazy || item.interrupts => true,
                LineKind::Rule | LineKind::Quote if !is_lazy => true,
                LineKind::Blank
                | LineKind::Quote
                | LineKind::Item(_)
                | LineKind::Rule
                | LineKind::Indented
                | LineKind::Html
                | LineKind::Text => self.after_blank,
            },
            Shape::Indented => kind != LineKind::Indented,
            _ if self.after_blank => true,
            Shape::Quote if kind == LineKind::Quote => false,
            Shape::Text(_) | Shape::Table | Shape::Quote => match kind {
                LineKind::Item(item) => item.interrupts,
                LineKind::Heading | LineKind::Fence(_) | LineKind::Quote => true,
                LineKind::Blank | LineKind::Rule | LineKind::Indented | LineKind::Html | LineKind::Text => {
                    false
                }
            },
            Shape::Html | Shape::Literal | Shape::Fence(_) => false,
        }
    }
}

fn shape_of(kind: LineKind, at: usize) -> Shape {
    match kind {
        LineKind::Blank => Shape::Nothing,
        LineKind::Heading | LineKind::Rule | LineKind::Fence(_) => Shape::Single,
        LineKind::Quote => Shape::Quote,
        LineKind::Item(item) => {
            Shape::Item { content: item.content, is_empty: item.is_empty, is_lazy: false }
        }
        LineKind::Indented => Shape::Indented,
        LineKind::Html => Shape::Html,
        LineKind::Text => Shape::Text(Calm::new(at)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn all(text: &str, is_plain: bool) -> Vec<Segment> {
        let mut scanner = Scanner::new(is_plain);
        std::iter::from_fn(|| scanner.next(text)).collect()
    }

    fn blocks(text: &str) -> Vec<&str> {
        all(text, false)
            .into_iter()
            .map(|segment| match segment {
                Segment::Blocks(range, _) | Segment::FenceLine(range) => &text[range],
                Segment::FenceOpen(..) => "open",
                Segment::FenceClose => "close",
                Segment::Line(..) => unreachable!(),
            })
            .collect()
    }

    #[test]
    fn paragraphs_end_at_blank_lines_and_headings() {
        assert_eq!(blocks("one\ntwo\n\n# three\nfour\n\nfive"), ["one\ntwo\n\n", "# three\n", "four\n\n"]);
    }

    #[test]
    fn every_item_is_a_piece_with_what_is_indented_under_it() {
        assert_eq!(
            blocks("- one\n\n  more\n  - inner\nlazy\n- two\n\nend\n\n."),
            ["- one\n\n  more\n  - inner\nlazy\n", "- two\n\n", "end\n\n"]
        );
        assert_eq!(blocks("2. a\n3. b\nrest 4\n5. c\n\nx"), ["2. a\n", "3. b\nrest 4\n5. c\n\n"]);
    }

    #[test]
    fn code_is_cut_line_by_line() {
        assert_eq!(
            blocks("a\n ```x\n  b\n\n# c\n```\nd\n\ne"),
            ["a\n", "open", " b", "", "# c", "close", "d\n\n"]
        );
    }

    #[test]
    fn the_line_under_a_heading_stays_with_it() {
        assert_eq!(
            blocks("title\n---\ntext\n\n---\nmore\n\n."),
            ["title\n---\n", "text\n\n", "---\n", "more\n\n"]
        );
    }

    #[test]
    fn a_number_in_a_paragraph_is_no_item() {
        assert_eq!(blocks("in\n1984. It was\n\n."), ["in\n1984. It was\n\n"]);
    }

    #[test]
    fn a_long_line_is_cut_between_words() {
        let text = "word ".repeat(1000);
        let segments = all(&text, false);
        assert!(segments.len() > 1);
        assert!(
            matches!(&segments[1], Segment::Blocks(range, Form::Rest) if text[range.clone()].starts_with(" word"))
        );
        assert_eq!(all(&text, true).len(), segments.len());
    }

    proptest! {
        /// The pieces do not depend on how the text arrives.
        #[test]
        fn arrival_does_not_matter(
            parts in prop::collection::vec("(a|b |word |- |1\\. |  |    |\n|\n\n|```|~~~|> |# |\\*|---|<b>|\\||`|\t|\r\n){1,5}", 0..30),
        ) {
            let text = parts.concat();
            for is_plain in [false, true] {
                let (mut scanner, mut arrived, mut segments) = (Scanner::new(is_plain), String::new(), Vec::new());
                for part in &parts {
                    arrived.push_str(part);
                    segments.extend(std::iter::from_fn(|| scanner.next(&arrived)));
                }
                prop_assert_eq!(segments, all(&text, is_plain));
            }
        }
    }
}
