//! Blocks of markdown to rows.
//!
//! Owns the walk over the parser's events and what stands before the rows of lists and quotes. One
//! blank line of the source, or several, is one empty row; line ends inside a paragraph are kept,
//! because the model wrote them. What the parser leaves out of its events (link definitions, cells
//! beyond a table's width) is shown as it is written. Never recurses: nesting is data.

use super::code::{self, CodeBlock};
use super::indent::{Indent, Level};
use super::inline::Inline;
use super::line;
use super::row::{Emphasis, Rows, Source, Span, Tone, offset};
use super::segment::Form;
use super::table::Table;
use super::wrap::{Flow, Mode, Piece};
use pulldown_cmark::{CodeBlockKind, Event, HeadingLevel, Options, Parser, Tag, TagEnd};
use std::ops::Range;

/// Cells of an ordered marker: room for two digits and the point, so that a list that grows past
/// nine does not move.
const ORDERED_WIDTH: usize = 3;

/// Lays out blocks at the end of rows.
pub(super) struct Layout<'a> {
    pub(super) text: &'a str,
    pub(super) width: u16,
    pub(super) rows: &'a mut Rows,
    pub(super) blocks: &'a mut Vec<CodeBlock>,
}

enum Container {
    Quote(Level),
    List { is_ordered: bool },
    Item(Level),
}

struct Walk<'a, 'b> {
    out: &'b mut Layout<'a>,
    indent: Indent,
    containers: Vec<Container>,
    quotes: usize,
    /// Bulleted lists around this place.
    bullets: usize,
    inline: Inline,
    base: Tone,
    /// Where the run of inline text begins.
    run: Option<usize>,
    /// What is not to be preceded by an empty row: the line it stands on has been dealt with.
    settled_line: Option<usize>,
    /// The beginning of a line, and the byte up to which it is known to be the last one.
    line: (usize, usize),
    /// The space before a run that goes on in the last row.
    rest: Option<usize>,
    /// Everything before this byte has been shown or is syntax.
    done: usize,
    table: Option<Table>,
    is_code: bool,
}

impl Layout<'_> {
    /// Lays out a piece of markdown.
    pub(super) fn put(&mut self, range: Range<usize>, form: Form) {
        let text = self.text;
        let source = text.get(range.clone()).unwrap_or_default();
        if form == Form::Literal || line::is_too_deep(source) {
            return self.put_lines(range, form);
        }
        let mut walk = Walk {
            indent: Indent::default(),
            containers: Vec::new(),
            quotes: 0,
            bullets: 0,
            inline: Inline::default(),
            base: Tone::Plain,
            run: None,
            settled_line: None,
            line: (range.start, range.start),
            rest: None,
            done: range.start,
            table: None,
            is_code: false,
            out: self,
        };
        if form == Form::Rest {
            walk.rest = Some(range.start);
        }
        let options = Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH | Options::ENABLE_TASKLISTS;
        for (event, at) in Parser::new_ext(source, options).into_offset_iter() {
            walk.event(event, range.start + at.start..range.start + at.end);
        }
        walk.flush();
        walk.gap_text(range.end);
    }

    /// Lays out lines as they are.
    fn put_lines(&mut self, range: Range<usize>, form: Form) {
        let (mut at, mut form) = (range.start, form);
        for line in self.text.get(range).unwrap_or_default().split_inclusive('\n') {
            self.put_plain(at..at + line.len(), std::mem::replace(&mut form, Form::Fresh));
            at += line.len();
        }
    }

    /// Lays out text as it is, up to the end of its line.
    pub(super) fn put_plain(&mut self, range: Range<usize>, form: Form) {
        let line = self.text.get(range.clone()).unwrap_or_default();
        let end = range.start + line.trim_end_matches(['\n', '\r']).len();
        let mut indent = Indent::default();
        let mut flow = match form {
            Form::Fresh => {
                Flow::open(self.text, self.rows, &mut indent, self.width, Mode::Words, offset(range.start))
            }
            Form::Rest | Form::Literal => Flow::resume(self.text, self.rows, &mut indent, self.width),
        };
        flow.push(range.start..end, Tone::Plain, Emphasis::NONE);
    }

    /// Adds an empty row where the line before the one that begins at a byte is blank.
    pub(super) fn gap(&mut self, at: usize) {
        if self.rows.len() > 0 && is_after_blank(self.text, at) {
            Indent::default().gap(self.rows, offset(at).saturating_sub(1));
        }
    }
}

/// Returns whether nothing but quote signs stands in the line before the one that begins at a byte.
fn is_after_blank(text: &str, line: usize) -> bool {
    let before = text.as_bytes().get(..line).unwrap_or_default();
    let mut ends = 0;
    for &byte in before.iter().rev() {
        match byte {
            b'\n' => ends += 1,
            b' ' | b'\t' | b'\r' | b'>' => {}
            _ => break,
        }
        if ends == 2 {
            return true;
        }
    }
    false
}

impl Walk<'_, '_> {
    fn event(&mut self, event: Event, at: Range<usize>) {
        match event {
            Event::Start(tag) => self.start(&tag, at),
            Event::End(tag) => self.end(tag, &at),
            Event::Text(_) if self.is_code => self.code_text(at),
            Event::Text(_) | Event::InlineMath(_) | Event::DisplayMath(_) | Event::FootnoteReference(_) => {
                let at = with_bracket_sign(self.out.text, at);
                self.begin_run(at.start);
                self.inline.text(at, self.base);
            }
            Event::Code(_) => {
                self.begin_run(at.start);
                self.inline.code(self.out.text, at, self.quotes > 0, self.table.is_some());
            }
            Event::Html(_) | Event::InlineHtml(_) => {
                self.begin_run(at.start);
                self.inline.lines(self.out.text, at, self.base, self.quotes > 0);
            }
            Event::SoftBreak | Event::HardBreak => self.inline.line_break(at.end),
            Event::Rule => {
                self.begin_block(at.start);
                let width = self.indent.body(self.out.width);
                self.indent.open(self.out.rows, offset(at.start));
                self.out.rows.push(Span::fill('─', width, Tone::Border));
                self.done = self.done.max(at.end);
                self.run = None;
            }
            Event::TaskListMarker(_) => self.task(at),
        }
    }

    fn start(&mut self, tag: &Tag, at: Range<usize>) {
        match tag {
            Tag::Paragraph | Tag::HtmlBlock => self.begin_block(at.start),
            Tag::Heading { level, .. } => {
                self.begin_block(at.start);
                self.base = Tone::Heading(rank(*level));
            }
            Tag::BlockQuote(_) => {
                self.begin_block(at.start);
                self.containers.push(Container::Quote(self.indent.quote(self.out.width)));
                self.quotes += 1;
                self.base = Tone::Quote;
            }
            Tag::CodeBlock(kind) => self.begin_code(kind, &at),
            Tag::List(first) => {
                self.flush();
                self.bullets += usize::from(first.is_none());
                self.containers.push(Container::List { is_ordered: first.is_some() });
            }
            Tag::Item => self.item(&at),
            Tag::Table(columns) => {
                self.begin_block(at.start);
                self.table = Some(Table::new(columns.clone()));
            }
            Tag::TableHead | Tag::TableRow => {
                if let Some(table) = &mut self.table {
                    table.begin_row(at.start);
                }
                self.base = if matches!(tag, Tag::TableHead) { Tone::TableHead } else { self.text_tone() };
            }
            Tag::TableCell => {}
            Tag::Emphasis => self.mark(&at, true, Inline::italic),
            Tag::Strong => self.mark(&at, true, Inline::strong),
            Tag::Strikethrough => self.mark(&at, true, Inline::strike),
            Tag::Link { link_type, .. } | Tag::Image { link_type, .. } => {
                self.begin_run(at.start);
                self.inline.open_link(&at, *link_type, matches!(tag, Tag::Image { .. }), self.base);
            }
            Tag::FootnoteDefinition(_)
            | Tag::DefinitionList
            | Tag::DefinitionListTitle
            | Tag::DefinitionListDefinition
            | Tag::Superscript
            | Tag::Subscript
            | Tag::MetadataBlock(_) => {}
        }
    }

    fn end(&mut self, tag: TagEnd, at: &Range<usize>) {
        match tag {
            TagEnd::Paragraph | TagEnd::HtmlBlock => {
                self.flush();
                self.done = self.done.max(at.end);
            }
            TagEnd::Heading(_) => {
                self.flush();
                self.base = self.text_tone();
                self.done = self.done.max(at.end);
            }
            TagEnd::CodeBlock => self.end_code(at),
            TagEnd::BlockQuote(_) | TagEnd::List(_) | TagEnd::Item => self.leave(at),
            TagEnd::Table => {
                self.done = self.done.max(at.end);
                if let Some(table) = self.table.take() {
                    table.put(self.out.text, &mut self.indent, self.out.width, self.out.rows);
                }
                self.base = self.text_tone();
                self.run = None;
            }
            TagEnd::TableHead | TagEnd::TableRow => {
                if let Some(table) = &mut self.table {
                    table.end_row(self.out.text, at.end);
                }
                self.base = self.text_tone();
            }
            TagEnd::TableCell => {
                let pieces = self.inline.take();
                if let Some(table) = &mut self.table {
                    table.push_cell(self.out.text, &pieces, at.end);
                }
                self.inline.reuse(pieces);
            }
            TagEnd::Emphasis => self.mark(at, false, Inline::italic),
            TagEnd::Strong => self.mark(at, false, Inline::strong),
            TagEnd::Strikethrough => self.mark(at, false, Inline::strike),
            TagEnd::Link | TagEnd::Image => self.inline.close_link(self.out.text, at, self.base),
            TagEnd::FootnoteDefinition
            | TagEnd::DefinitionList
            | TagEnd::DefinitionListTitle
            | TagEnd::DefinitionListDefinition
            | TagEnd::Superscript
            | TagEnd::Subscript
            | TagEnd::MetadataBlock(_) => {}
        }
    }

    fn mark(&mut self, at: &Range<usize>, is_open: bool, set: fn(&mut Inline, bool, usize)) {
        self.begin_run(at.start);
        set(&mut self.inline, is_open, at.end);
    }

    fn text_tone(&self) -> Tone {
        if self.quotes > 0 { Tone::Quote } else { Tone::Plain }
    }

    /// Ends what was before a block, and adds an empty row where the source has a blank line.
    fn begin_block(&mut self, at: usize) {
        self.flush();
        self.gap_text(at);
        self.run = Some(at);
        if self.indent.has_lead() || self.rest.is_some() || self.out.rows.len() == 0 {
            return;
        }
        let line = self.line_of(at);
        if self.settled_line.replace(line) != Some(line) && is_after_blank(self.out.text, line) {
            self.indent.gap(self.out.rows, offset(line).saturating_sub(1));
        }
    }

    /// Returns the beginning of the line of a byte; the bytes asked for never decrease.
    fn line_of(&mut self, at: usize) -> usize {
        let (line, seen) = self.line;
        let between = self.out.text.get(seen..at).unwrap_or_default();
        let line = between.rfind('\n').map_or(line, |end| seen + end + 1);
        self.line = (line, at.max(seen));
        line
    }

    /// Begins a run of inline text that has no block of its own, as in a tight list.
    fn begin_run(&mut self, at: usize) {
        if self.run.is_none() && self.table.is_none() {
            self.begin_block(at);
        }
    }

    /// Sets the run of inline text into rows.
    fn flush(&mut self) {
        let start = self.run.take();
        if self.inline.is_empty() {
            return;
        }
        let pieces = self.inline.take();
        let (text, width) = (self.out.text, self.out.width);
        let start = start.unwrap_or(self.done);
        if let Some(last) = pieces.iter().rev().find_map(Piece::end) {
            self.done = self.done.max(last);
        }
        match self.rest.take() {
            Some(space) => {
                let mut flow = Flow::resume(text, self.out.rows, &mut self.indent, width);
                let word = pieces.iter().find_map(Piece::start).unwrap_or(space);
                flow.push(space..word, Tone::Plain, Emphasis::NONE);
                flow.pieces(&pieces);
            }
            None => Flow::open(text, self.out.rows, &mut self.indent, width, Mode::Words, offset(start))
                .pieces(&pieces),
        }
        self.inline.reuse(pieces);
    }

    /// Shows link definitions, which the parser takes in without an event, as they are written.
    fn gap_text(&mut self, upto: usize) {
        let from = self.done;
        self.done = from.max(upto);
        let gap = self.out.text.get(from..upto).unwrap_or_default();
        let Some(first) = gap.find('[').filter(|_| gap.contains("]:")) else { return };
        let from = from + first;
        self.begin_block(from);
        self.inline.lines(self.out.text, from..upto, self.base, self.quotes > 0);
        self.flush();
    }

    fn item(&mut self, at: &Range<usize>) {
        self.begin_block(at.start);
        self.run = None;
        let text = self.out.text;
        let source = text.get(at.clone()).unwrap_or_default();
        let start = at.start + source.len() - source.trim_start().len();
        let is_ordered = matches!(self.containers.last(), Some(Container::List { is_ordered: true }));
        let level = if is_ordered {
            let digits = source.trim_start().bytes().take_while(u8::is_ascii_digit).count();
            let number = start..start + digits + 1;
            let pad = u16::try_from(ORDERED_WIDTH.saturating_sub(digits + 1)).unwrap_or(0);
            let width = u16::try_from(digits + 1).unwrap_or(u16::MAX);
            let source = Source::Text(offset(number.start)..offset(number.end));
            self.done = self.done.max(number.end);
            let number = Span { source, tone: Tone::Marker, emphasis: Emphasis::NONE, width };
            let space = Span::fill(' ', 1, Tone::Plain);
            self.indent.item(
                offset(start),
                &[Span::fill(' ', pad, Tone::Plain), number, space],
                self.out.width,
            )
        } else {
            self.done = self.done.max(start + 1);
            let bullet = ["• ", "◦ ", "▪ "][self.bullets.saturating_sub(1).min(2)];
            self.indent.item(offset(start), &[Span::fixed(bullet, Tone::Marker)], self.out.width)
        };
        self.containers.push(Container::Item(level));
    }

    fn task(&mut self, at: Range<usize>) {
        let text = self.out.text;
        let source = text.get(at.clone()).unwrap_or_default();
        let start = at.start + source.find('[').unwrap_or(0);
        let range = start..(start + 3).min(at.end);
        let source = Source::Text(offset(range.start)..offset(range.end));
        let marker = Span { source, tone: Tone::Marker, emphasis: Emphasis::NONE, width: 3 };
        let is_put = match self.containers.last() {
            Some(Container::Item(level)) => self.indent.replace_bullet(level, marker, self.out.width),
            _ => false,
        };
        if !is_put {
            self.begin_run(range.start);
            self.inline.text(range.clone(), self.base);
            self.inline.fixed(" ", self.base);
        }
        self.done = self.done.max(range.end);
    }

    fn leave(&mut self, at: &Range<usize>) {
        self.flush();
        self.gap_text(at.end);
        match self.containers.pop() {
            Some(Container::Quote(level)) => {
                self.quotes -= 1;
                self.base = self.text_tone();
                self.indent.leave(level);
            }
            Some(Container::Item(level)) => {
                if self.indent.has_lead() {
                    self.indent.open(self.out.rows, offset(at.start));
                }
                self.indent.leave(level);
            }
            Some(Container::List { is_ordered }) => self.bullets -= usize::from(!is_ordered),
            None => {}
        }
    }

    fn begin_code(&mut self, kind: &CodeBlockKind, at: &Range<usize>) {
        self.begin_block(at.start);
        self.run = None;
        self.is_code = true;
        let text = self.out.text;
        let line = text.get(at.clone()).unwrap_or_default().lines().next().unwrap_or_default();
        let info = match kind {
            CodeBlockKind::Fenced(_) => code::info_range(line, at.start),
            CodeBlockKind::Indented => at.start..at.start,
        };
        let row = self.out.rows.len();
        code::put_info(text, info.clone(), &mut self.indent, self.out.width, self.out.rows);
        let start = if kind.is_fenced() { at.start + line.len() } else { at.start };
        self.out.blocks.push(CodeBlock::new(info, start, row));
    }

    fn code_text(&mut self, at: Range<usize>) {
        let text = self.out.text;
        let Some(block) = self.out.blocks.last_mut() else { return };
        let mut start = at.start;
        for chunk in text.get(at).unwrap_or_default().split_inclusive('\n') {
            let line = start..start + chunk.trim_end_matches(['\n', '\r']).len();
            start += chunk.len();
            match block.lines.last_mut() {
                Some(last) if block.is_growing => last.end = line.end,
                _ => block.lines.push(line),
            }
            block.is_growing = !chunk.ends_with('\n');
        }
    }

    fn end_code(&mut self, at: &Range<usize>) {
        self.is_code = false;
        self.done = self.done.max(at.end);
        let (text, width) = (self.out.text, self.out.width);
        let Some(block) = self.out.blocks.last_mut() else { return };
        for line in &block.lines {
            code::put_line(text, line.clone(), &mut self.indent, width, self.out.rows);
        }
        block.rows.end = self.out.rows.len();
        let source = text.get(at.clone()).unwrap_or_default();
        let last = source.trim_end_matches(['\n', '\r']).rsplit('\n').next().unwrap_or_default();
        let fence = last.trim_matches([' ', '\t', '>', '\r']);
        let after = block.lines.last().map_or(block.start, |line| line.end);
        block.is_closed = at.end > after
            && fence.len() >= 3
            && (fence.bytes().all(|byte| byte == b'`') || fence.bytes().all(|byte| byte == b'~'))
            && text.get(after..at.end).is_some_and(|rest| rest.contains(fence));
    }
}

/// Returns the range of a text with the backslash before it, where that escapes a bracket.
///
/// In Markdown `\(` is a bracket that opens no link. Models write it, and `\[`, around mathematics, which
/// means something else without the backslash; and of what is a bracket either way nothing is lost.
fn with_bracket_sign(text: &str, at: Range<usize>) -> Range<usize> {
    let before = text.as_bytes().get(..at.start).unwrap_or_default();
    let signs = before.iter().rev().take_while(|byte| **byte == b'\\').count();
    let is_bracket = text.as_bytes().get(at.start).is_some_and(|byte| b"()[]".contains(byte));
    // An even number of backslashes escape each other.
    if is_bracket && signs % 2 == 1 { at.start - 1..at.end } else { at }
}

fn rank(level: HeadingLevel) -> u8 {
    match level {
        HeadingLevel::H1 => 1,
        HeadingLevel::H2 => 2,
        HeadingLevel::H3 => 3,
        HeadingLevel::H4 => 4,
        HeadingLevel::H5 => 5,
        HeadingLevel::H6 => 6,
    }
}

#[cfg(test)]
mod tests {
    use super::super::document::tests::{drawn, markdown};
    use super::super::line::MAX_CONTAINERS;
    use super::*;

    fn rows(text: &str, width: u16) -> Vec<String> {
        drawn(&markdown(text, width))
    }

    /// Returns the text, tone and emphasis of the spans of the first row.
    fn spans(text: &str) -> Vec<(String, Tone, Emphasis)> {
        let document = markdown(text, 60);
        let shown = |span: &Span| match &span.source {
            Source::Text(range) => text[range.start as usize..range.end as usize].to_owned(),
            Source::Fixed(fixed) => (*fixed).to_owned(),
            Source::Fill(..) => String::new(),
        };
        document.row(0).iter().map(|span| (shown(span), span.tone, span.emphasis)).collect()
    }

    fn span(text: &str, tone: Tone, emphasis: Emphasis) -> (String, Tone, Emphasis) {
        (text.to_owned(), tone, emphasis)
    }

    #[test]
    fn syntax_becomes_emphasis() {
        let both = Emphasis::STRONG.with(Emphasis::ITALIC);
        assert_eq!(
            spans("a **b *c*** ~~d~~ `` e` ``"),
            [
                span("a ", Tone::Plain, Emphasis::NONE),
                span("b ", Tone::Plain, Emphasis::STRONG),
                span("c", Tone::Plain, both),
                span(" ", Tone::Plain, Emphasis::NONE),
                span("d", Tone::Plain, Emphasis::STRIKE),
                span(" ", Tone::Plain, Emphasis::NONE),
                span("e`", Tone::Code, Emphasis::NONE),
            ]
        );
        assert_eq!(spans("## Title ##"), [span("Title", Tone::Heading(2), Emphasis::STRONG)]);
    }

    #[test]
    fn links_say_where_they_lead() {
        assert_eq!(rows("[here](http://evil.example 'bank')", 60), ["here (http://evil.example 'bank')"]);
        assert_eq!(rows("![a *cat*](cat.png)[](b)", 60), ["a cat (cat.png)(b)"]);
        assert_eq!(rows("[![i](s)](t) <http://a.b>", 60), ["i (s) (t) http://a.b"]);
        assert_eq!(rows("[a][b] [c] [^1]\n\n[b]: http://x", 60), ["[a][b] [c] [^1]", "", "[b]: http://x"]);
        assert_eq!(rows("[b]: http://x\n[b] c", 60), ["[b]: http://x", "[b] c"]);
        assert_eq!(rows("- [b]: x\n- > [c]: y\n  > 'z'", 60), ["• [b]: x", "• ▌ [c]: y", "  ▌ 'z'"]);
    }

    #[test]
    fn what_is_unfinished_is_shown_as_it_is() {
        for text in ["**bo", "`co", "[a](ht", "~~x", "<di", "a\\"] {
            assert_eq!(rows(text, 20), [text]);
        }
        assert_eq!(rows("```ru", 20), ["ru"]);
        assert_eq!(rows("```ru\nlet", 20), ["ru", " let"]);
    }

    #[test]
    fn html_entities_and_mathematics_are_literal() {
        let text = "a<br>b &amp; $x_1$ <think>";
        assert_eq!(rows(text, 60), [text]);
        for text in [r"so \(x^2\) is", r"\(a\)", r"\[ \frac{a}{b} = [c] \]", r"- \(x\)"] {
            assert_eq!(rows(text, 60), [text.replace("- ", "• ")]);
        }
        // Other escapes are as in Markdown; a backslash that is escaped itself escapes no bracket.
        assert_eq!(rows(r"\*a\* \\(b\\) \\\(c\_d", 60), [r"*a* \(b\) \\(c_d"]);
        assert_eq!(rows("<div>\n *a*\n\n*b*", 60), ["<div>", " *a*", "", "b"]);
    }

    #[test]
    fn lists_hang() {
        assert_eq!(
            rows("- one two three four\n  - five\n    1. six seven\n- [x] eight nine ten", 16),
            [
                "• one two three",
                "  four",
                "  ◦ five",
                "     1. six",
                "        seven",
                "[x] eight nine",
                "    ten"
            ]
        );
        assert_eq!(rows("- [x] done", 9), ["• [x]", "done"]);
        assert_eq!(rows("9. a\n10. b\n100. c", 20), [" 9. a", "10. b", "100. c"]);
        assert_eq!(rows("-\n- a", 20), ["•", "• a"]);
    }

    #[test]
    fn blank_lines_are_those_of_the_source() {
        assert_eq!(rows("# a\nb\n- c\n\n\n- d\n\n  e", 20), ["a", "b", "• c", "", "• d", "", "  e"]);
    }

    #[test]
    fn line_ends_of_a_paragraph_are_kept() {
        assert_eq!(rows("a\nb  \nc\\\nd", 20), ["a", "b", "c", "d"]);
    }

    #[test]
    fn quotes_have_bars() {
        assert_eq!(
            rows("> a b c d e f\n>\n> > g\n> - h\n\ni", 12),
            ["▌ a b c d e", "▌ f", "▌", "▌ ▌ g", "▌ • h", "", "i"]
        );
    }

    #[test]
    fn code_is_wrapped_and_marked() {
        assert_eq!(rows("```\n  ab cd ef\n\ng\n```\nh", 6), ["   ab", "↳cd ef", "", " g", "h"]);
        assert_eq!(rows("- a\n  ~~~py\n   b\n  ~~~", 20), ["• a", "  py", "    b"]);
        assert_eq!(rows("a\n\n    b\n\n    c", 20), ["a", "", " b", "", " c"]);
    }

    #[test]
    fn rules_fill_the_row() {
        assert_eq!(rows("a\n\n***\n> ---", 10), ["a", "", "──────────", "▌ ────────"]);
    }

    #[test]
    fn deep_nesting_is_flattened() {
        let row = &rows(&format!("{}deep", "> ".repeat(MAX_CONTAINERS)), 80)[0];
        assert_eq!(row.matches('▌').count(), 16);
        assert!(row.ends_with("deep"));
        let row = &rows(&format!("{}a", "- ".repeat(40)), 20)[0];
        assert!(row.ends_with("▪ a"), "{row}");
        let text = format!("{}deep", "> ".repeat(MAX_CONTAINERS + 1));
        assert_eq!(rows(&text, 250), [text]);
    }
}
