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
use super::indent::Indent;
use super::layout::Layout;
use super::line::{self, Fence};
use super::row::{Extent, Rows, Source, Span, Tone};
use super::segment::{Form, Scanner, Segment};
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
            block.rows.end = self.rows.len();
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
                let info = code::info_range(source, line.start);
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

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::core::text;
    use crate::markup::CodeTone;
    use proptest::prelude::*;
    use proptest::test_runner::{RngAlgorithm, TestRng, TestRunner};

    /// Returns a document of markdown.
    pub(in crate::markup) fn markdown(text: &str, width: u16) -> Document {
        let mut document = Document::markdown();
        document.update(text, width);
        document
    }

    /// Returns the characters a row shows.
    pub(in crate::markup) fn drawn(document: &Document) -> Vec<String> {
        let show = |span: &Span| match &span.source {
            Source::Text(range) => {
                text::printable(&document.text()[range.start as usize..range.end as usize]).into_owned()
            }
            Source::Fixed(text) => (*text).to_owned(),
            Source::Fill(character, count) => character.to_string().repeat(usize::from(*count)),
        };
        let row = |row| document.row(row).iter().map(show).collect::<String>().trim_end().to_owned();
        (0..document.row_count()).map(row).collect()
    }

    fn same(left: &Document, right: &Document) -> bool {
        left.rows == right.rows && left.blocks == right.blocks
    }

    /// Text in which much markdown stands by accident.
    fn hostile() -> impl Strategy<Value = Vec<String>> {
        let part = prop_oneof![
            6 => "[a-d가나漢 ]{1,8}",
            4 => "(\n|\n\n|\n  |\n    |\n> |\r\n| |  |\t)",
            4 => "(- |\\* |\\+ |1\\. |12\\) |# |### |> |```|```rs\n|~~~|---|===|\\| |\\|---\\|:-:\\|\n|\\[x\\] )",
            3 => "(\\*|\\*\\*|_|__|~~|`|``|\\[|\\]|\\(|\\)|\\]\\(|!\\[|<b>|</|<!--|\\\\|&amp;|\\[a\\]: b\n)",
            1 => "(👨‍👩‍👧|e\u{301}|\u{301}|\u{200d}|\u{0}|\u{7}|\u{202e}|\u{1112}\u{1161}|🇰🇷|\\PC)",
        ];
        prop::collection::vec(part, 0..40)
    }

    /// Returns the bytes that spans of the message show, with how often they do.
    fn shown(document: &Document) -> Vec<u32> {
        let mut shown = vec![0; document.text.len()];
        for row in 0..document.row_count() {
            for span in document.row(row).iter().filter(|span| span.tone != Tone::Label) {
                if let Source::Text(range) = &span.source {
                    (range.start..range.end).for_each(|at| shown[at as usize] += 1);
                }
            }
        }
        shown
    }

    #[test]
    fn only_what_changed_is_reported() {
        let mut document = Document::markdown();
        assert!(document.update("a", 10));
        assert!(!document.update("a", 10));
        assert!(document.update("a b", 10));
        assert!(document.update("a b", 1));
        assert!(document.update("b", 1));
        assert_eq!(drawn(&document), ["b"]);
        assert!(document.update("", 1));
        assert_eq!(document.row_count(), 0);
    }

    #[test]
    fn a_growing_list_does_not_flash_as_a_heading() {
        let mut document = Document::markdown();
        for text in ["Fruit:\n", "Fruit:\n-", "Fruit:\n- ", "Fruit:\n- fig"] {
            document.update(text, 20);
            assert_eq!(document.row(0)[0].tone, Tone::Plain, "{text:?}");
        }
        assert_eq!(drawn(&document), ["Fruit:", "• fig"]);
        assert_eq!(drawn(&markdown("Title\n---", 20)), ["Title"]);
        assert_eq!(markdown("Title\n---", 20).row(0)[0].tone, Tone::Heading(2));
    }

    #[test]
    fn tones_are_laid_over_the_rows() {
        let text = "```rs\nlet x\nlet y";
        let mut document = markdown(text, 20);
        assert_eq!(document.code_blocks()[0].complete_lines(), 1);
        document.set_highlight(0, 0, vec![vec![(0..3, CodeTone::Keyword)]]);
        let tones = |document: &Document, row| -> Vec<(Source, Tone)> {
            document.row(row).iter().map(|span| (span.source.clone(), span.tone)).skip(1).collect()
        };
        let expected = [
            (Source::Text(6..9), Tone::Block(CodeTone::Keyword)),
            (Source::Text(9..11), Tone::Block(CodeTone::Plain)),
        ];
        assert_eq!(tones(&document, 1), expected);
        for (text, width) in [("```rs\nlet x\nlet y\nmore", 20), ("```rs\nlet x\nlet y\nmore", 30)] {
            document.update(text, width);
            assert_eq!(tones(&document, 1), expected);
            assert_eq!(document.code_blocks()[0].toned_lines(), 1);
        }
        document.update("```rs\nlet z", 30);
        assert_eq!(document.code_blocks()[0].toned_lines(), 0);
    }

    #[test]
    fn tones_of_nested_code_survive_the_growth_of_its_item() {
        let text = "- a\n  ```\n  fn\n  ```\n  b";
        let mut document = markdown(text, 20);
        document.set_highlight(0, 0, vec![vec![(0..2, CodeTone::Keyword)]]);
        document.update(&format!("{text} c"), 20);
        assert!(document.row(1).iter().any(|span| span.tone == Tone::Block(CodeTone::Keyword)));
    }

    #[test]
    fn a_block_of_code_knows_its_lines() {
        let text = "> ```rust,ignore\n> a\n>\n>  b\n> ```\n\n~~~\nc\n~~~";
        let document = markdown(text, 20);
        let [quoted, plain] = document.code_blocks() else { panic!("two blocks") };
        assert_eq!(quoted.language(text), "rust");
        assert_eq!(quoted.code(text, 0..3), "a\n\n b\n");
        assert_eq!((plain.language(text), plain.code(text, 0..1).as_str()), ("", "c\n"));
        assert!(quoted.is_closed && plain.is_closed);
        assert_eq!((quoted.rows.clone(), plain.rows.clone()), (0..4, 5..6));
        assert!(!markdown("```\na\n``", 20).code_blocks()[0].is_closed);
    }

    #[test]
    fn a_plain_document_shows_every_line_as_it_is() {
        let mut document = Document::plain();
        document.update("# a  b\n\n  **c**\n", 40);
        assert_eq!(drawn(&document), ["# a  b", "", "  **c**"]);
    }

    #[test]
    fn a_long_paragraph_is_set_as_if_it_were_whole() {
        let words: String = (0..3000).flat_map(|n| ["w".to_owned(), n.to_string(), " ".to_owned()]).collect();
        let mut expected = wrap_words(&words, 37);
        assert_eq!(drawn(&markdown(&words, 37)), expected);
        expected.insert(0, "head".to_owned());
        assert_eq!(drawn(&markdown(&format!("head\n{words}"), 37)), expected);
    }

    fn wrap_words(words: &str, width: usize) -> Vec<String> {
        let mut rows = vec![String::new()];
        for word in words.split_whitespace() {
            let last = rows.last_mut().unwrap();
            if last.is_empty() {
                last.push_str(word);
            } else if last.len() + 1 + word.len() <= width {
                last.push(' ');
                last.push_str(word);
            } else {
                rows.push(word.to_owned());
            }
        }
        rows
    }

    #[test]
    fn hostile_texts_are_laid_out() {
        let nested: String =
            (0..2000).flat_map(|n| [" ".repeat(2 * (n % 100)), "- a\n".to_owned()]).collect();
        let heads = "|a".repeat(10_000);
        let wide_table = format!("{heads}|\n{}|\n{}|\n", "|-".repeat(10_000), "|b".repeat(10_000));
        for text in [
            "> ".repeat(100_000),
            "- ".repeat(100_000),
            "1. ".repeat(100_000),
            "*a ".repeat(100_000),
            "[".repeat(200_000),
            "`a``b".repeat(50_000),
            "![a](".repeat(50_000),
            "<a ".repeat(50_000),
            "- a\n".repeat(100_000),
            "1. a\n\n".repeat(50_000),
            "*".repeat(200_000),
            " ".repeat(1_000_000),
            "x".repeat(1_000_000),
            "가".repeat(300_000),
            "a\u{301}".repeat(200_000),
            "\u{301}".repeat(200_000),
            "🇰🇷".repeat(100_000),
            "> a\n".repeat(50_000),
            "|a|b|\n|-|-|\n".to_owned() + &"|c|d|\n".repeat(50_000),
            format!("{}a\n{}", "> ".repeat(50_000), "b\n".repeat(50_000)),
            format!("```\n{}", "y".repeat(1_000_000)),
            nested,
            wide_table,
        ] {
            let document = markdown(&text, 80);
            for row in 0..document.row_count() {
                let used: u32 = document.rows.row(row).iter().map(|span| u32::from(span.width)).sum();
                assert!(used <= 80, "{used} cells in {:?}", &text[..20]);
            }
        }
    }

    /// Blocks are cut only where they end: parsed in one go they give the same rows. HTML and link
    /// definitions stand aside, which differ on purpose; so do tabs, of which a fence may take a
    /// part, and tables, whose second line the parser also takes for an item of a list. The cases are
    /// always the same ones, because code in an item that is left by an unindented line may differ:
    /// by the book the fence after that line begins a block without end, here it ends with the piece.
    #[test]
    fn borders_are_where_blocks_end() {
        let config = ProptestConfig { cases: 1500, failure_persistence: None, ..ProptestConfig::default() };
        let random = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
        let cases = (hostile(), 20u16..50);
        let result = TestRunner::new_with_rng(config, random).run(&cases, |(parts, width)| {
            let text = parts.concat().replace(['<', '[', '\t', '|'], "/") + "\n\nend";
            let mut whole = Document::markdown();
            whole.width = width;
            whole.layout(&text).put(0..text.len(), Form::Fresh);
            whole.text.clone_from(&text);
            let (mut cut, mut whole) = (drawn(&markdown(&text, width)), drawn(&whole));
            // Indented code keeps its blank lines only within one piece.
            for rows in [&mut cut, &mut whole] {
                rows.dedup_by(|next, row| next.is_empty() && row.is_empty());
            }
            prop_assert_eq!(cut, whole);
            Ok(())
        });
        result.unwrap();
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]

        /// The same for texts that are long enough to be cut inside paragraphs.
        #[test]
        fn arrival_of_long_texts_does_not_matter(
            parts in prop::collection::vec((hostile(), 1usize..80), 1..8),
            step in 1usize..3000,
            width in 1u16..120,
        ) {
            let text: String = parts.iter().map(|(parts, times)| parts.concat().repeat(*times)).collect();
            for is_plain in [false, true] {
                let mut whole = Document::new(is_plain);
                whole.update(&text, width);
                let mut growing = Document::new(is_plain);
                for (at, _) in text.char_indices().filter(|(at, _)| at % step < 3) {
                    growing.update(&text[..at], width);
                }
                growing.update(&text, width);
                prop_assert!(same(&growing, &whole));
            }
        }
    }

    proptest! {

        /// In whatever steps a text arrives, and whatever was shown before, the rows are the same.
        #[test]
        fn arrival_does_not_matter(parts in hostile(), width in 0u16..50, other in 1u16..50) {
            let text = parts.concat();
            for is_plain in [false, true] {
                let mut whole = Document::new(is_plain);
                whole.update(&text, width);
                let (mut growing, mut arrived) = (Document::new(is_plain), String::new());
                growing.update("something else", other);
                for part in &parts {
                    for character in part.chars() {
                        arrived.push(character);
                        growing.update(&arrived, width);
                    }
                }
                growing.update(&text, width);
                prop_assert!(same(&growing, &whole), "{:#?}\n{:#?}", drawn(&growing), drawn(&whole));
                growing.update(&text, other);
                growing.update(&text, width);
                prop_assert!(same(&growing, &whole));
            }
        }

        /// No row is wider than the document, no cluster is split, and spans outside of tables follow
        /// one another in the order of their bytes.
        #[test]
        fn rows_are_well_formed(parts in hostile(), width in 1u16..50) {
            let text = parts.concat();
            let document = markdown(&text, width);
            let mut last = 0;
            for row in 0..document.row_count() {
                let spans = document.row(row);
                let used: u32 = spans.iter().map(|span| u32::from(span.width)).sum();
                prop_assert!(used <= u32::from(width), "row {} of {:#?}", row, drawn(&document));
                for span in &spans {
                    let Source::Text(range) = &span.source else { continue };
                    let source = &text[range.start as usize..range.end as usize];
                    // A cluster wider than the whole row stands alone and is cut.
                    prop_assert!(text::width(source) <= usize::from(span.width) || text::clusters(source).count() == 1);
                    if !text.contains('|') {
                        prop_assert!(range.start >= last);
                        last = range.end;
                    }
                }
            }
        }

        /// Every letter of the message is shown once, by the row that its byte is looked up in.
        #[test]
        fn every_letter_is_shown_once(parts in hostile(), width in 2u16..50) {
            let text = parts.concat();
            let document = markdown(&text, width);
            let shown = shown(&document);
            for (at, character) in text.char_indices() {
                if matches!(character, 'a'..='d' | '가' | '나' | '漢') {
                    prop_assert!(shown[at] == 1, "{:?} at {} is shown {} times in {:#?}", character, at, shown[at], drawn(&document));
                }
                prop_assert!(shown[at] <= 1);
                if shown[at] == 1 {
                    let row = document.row(document.row_at(at));
                    let holds = |span: &Span| matches!(&span.source, Source::Text(range) if range.contains(&u32::try_from(at).unwrap()));
                    prop_assert!(row.iter().any(holds), "{} in {:#?}", at, drawn(&document));
                }
            }
        }

        /// The row of a byte never decreases.
        #[test]
        fn rows_follow_bytes(parts in hostile(), width in 1u16..50) {
            let text = parts.concat().replace('|', "/");
            let document = markdown(&text, width);
            let rows: Vec<_> = (0..text.len()).map(|byte| document.row_at(byte)).collect();
            prop_assert!(rows.is_sorted());
        }

        /// A plain document shows every visible cluster once, whatever the text is.
        #[test]
        fn plain_text_is_complete(text in "(\\PC|[ \n\t가]|\u{200d}){0,60}", width in 2u16..30) {
            let mut document = Document::plain();
            document.update(&text, width);
            let shown = shown(&document);
            for (at, character) in text.char_indices() {
                prop_assert!(shown[at] == 1 || character.is_whitespace());
            }
        }
    }
}
