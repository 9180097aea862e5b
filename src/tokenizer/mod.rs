//! Exact token counts and boundaries, and which vocabulary a model uses.
//!
//! Owns the vocabularies and everything that cuts text by them. Never guesses: the tokens are those
//! the reference implementation gives for the same text, on any input, in linear time.
//!
//! A text is cut into pre-tokens by the rule of the encoding (`split`); a pre-token that is no token
//! (`vocabulary`) is merged from its bytes (`merge`). A draft is counted again only where it
//! changed ([`incremental`]).
//!
//! Invariant: the byte ranges of [`Table::pieces`] partition the text, and their number is
//! [`Table::count`].

mod choice;
mod class;
mod cutting;
pub mod incremental;
mod merge;
mod split;
#[cfg(test)]
mod testing;
mod usage;
mod vocabulary;

pub use choice::{EncodingChoice, encoding_for};
pub use cutting::cut;
pub use usage::usage_of;

use crate::core::model::Encoding;
use merge::Merger;
use split::Rule;
use std::ops::Range;
use std::sync::OnceLock;
use vocabulary::{NO_TOKEN, Vocabulary};

/// The packed tokens of an encoding: their lengths and their joined bytes.
macro_rules! packed {
    ($name:literal) => {
        (
            include_bytes!(concat!(env!("OUT_DIR"), "/", $name, ".lengths")).as_slice(),
            include_bytes!(concat!(env!("OUT_DIR"), "/", $name, ".bytes")).as_slice(),
        )
    };
}

static O200K: OnceLock<Table> = OnceLock::new();
static CL100K: OnceLock<Table> = OnceLock::new();

fn cell(encoding: Encoding) -> &'static OnceLock<Table> {
    match encoding {
        Encoding::O200kBase => &O200K,
        Encoding::Cl100kBase => &CL100K,
    }
}

/// Returns the table of an encoding, loading it on first use.
///
/// The first call takes some milliseconds, longer than a frame may: call it from a worker thread.
pub fn table(encoding: Encoding) -> &'static Table {
    cell(encoding).get_or_init(|| Table::load(encoding))
}

/// Returns the table of an encoding if it is loaded; never loads and never blocks.
pub fn loaded(encoding: Encoding) -> Option<&'static Table> {
    cell(encoding).get()
}

/// A vocabulary with its rule, ready to cut text.
pub struct Table {
    rule: Rule,
    vocabulary: Vocabulary,
}

impl std::fmt::Debug for Table {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Table").field("rule", &self.rule).finish_non_exhaustive()
    }
}

impl Table {
    fn load(encoding: Encoding) -> Self {
        let (rule, (lengths, bytes)) = match encoding {
            Encoding::O200kBase => (Rule::O200k, packed!("o200k_base")),
            Encoding::Cl100kBase => (Rule::Cl100k, packed!("cl100k_base")),
        };
        Self { rule, vocabulary: Vocabulary::new(lengths, bytes) }
    }

    /// Returns the tokens of a text. What looks like a special token in it is text.
    pub fn encode(&self, text: &str) -> Vec<u32> {
        let mut tokens = Vec::new();
        self.each_token(text, &mut |token| tokens.push(token));
        tokens
    }

    /// Returns the number of tokens of a text.
    pub fn count(&self, text: &str) -> u64 {
        let mut count = 0;
        self.each_token(text, &mut |_| count += 1);
        count
    }

    /// Returns the bytes of a token, which may be part of a character.
    pub fn bytes(&self, token: u32) -> Option<&[u8]> {
        self.vocabulary.token(token)
    }

    /// Returns the byte range of every token of a text. A range may begin or end inside a character.
    pub fn pieces(&self, text: &str) -> Vec<Range<usize>> {
        let mut start = 0;
        let mut pieces = Vec::new();
        self.each_token(text, &mut |token| {
            let end = start + self.vocabulary.length(token);
            pieces.push(start..end);
            start = end;
        });
        pieces
    }

    /// Returns the number of ordinary tokens; their ids are the numbers below it.
    pub fn vocabulary(&self) -> usize {
        self.vocabulary.len()
    }

    fn each_token(&self, text: &str, sink: &mut impl FnMut(u32)) {
        let text = text.as_bytes();
        let mut merger = Merger::new(&self.vocabulary);
        let mut start = 0;
        while start < text.len() {
            let end = self.rule.end(text, start);
            let pre_token = &text[start..end];
            match self.vocabulary.id(pre_token) {
                NO_TOKEN => merger.each(pre_token, sink),
                token => sink(token),
            }
            start = end;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use testing::{check, check_ranges, reference};

    #[test]
    fn the_vocabularies_are_whole() {
        for encoding in Encoding::ALL {
            let (table, reference) = (table(encoding), reference(encoding));
            assert_eq!(table.vocabulary(), encoding.vocabulary());
            for id in 0..u32::try_from(table.vocabulary()).unwrap() {
                let bytes = table.bytes(id).unwrap();
                assert_eq!(bytes, reference.decode_bytes(&[id]).unwrap());
                assert_eq!(table.vocabulary.id(bytes), id);
            }
            assert_eq!(table.bytes(u32::try_from(table.vocabulary()).unwrap()), None);
            assert_eq!(table.bytes(u32::MAX), None);
            assert!(loaded(encoding).is_some());
        }
    }

    #[test]
    fn special_tokens_typed_by_a_user_are_text() {
        let o200k = table(Encoding::O200kBase);
        assert_eq!(o200k.count("<|endoftext|>"), 7);
        assert!(o200k.encode("<|im_start|><|endofprompt|>").iter().all(|&token| token < 199_998));
    }

    #[test]
    fn pieces_partition_the_text_even_inside_characters() {
        let text = "𒀀 안녕 \u{fffd}🜁";
        for encoding in Encoding::ALL {
            let pieces = table(encoding).pieces(text);
            assert_eq!(pieces.first().map(|piece| piece.start), Some(0));
            assert!(pieces.windows(2).all(|pair| pair[0].end == pair[1].start));
            assert_eq!(pieces.last().map(|piece| piece.end), Some(text.len()));
            assert!(pieces.iter().any(|piece| !text.is_char_boundary(piece.end)));
        }
    }

    /// The lines come from OpenAI's own library, so that an error shared with the crate that the other
    /// tests compare with would be seen.
    #[test]
    fn golden_texts_give_the_tokens_of_the_original() {
        #[derive(serde::Deserialize)]
        struct Line {
            encoding: Encoding,
            text: String,
            count: u64,
            tokens: Vec<u32>,
        }
        let lines = include_str!("../../tests/it/golden/tokens.jsonl").lines();
        let lines: Vec<Line> = lines.map(|line| serde_json::from_str(line).unwrap()).collect();
        assert!(lines.len() >= 200);
        for line in lines {
            let table = table(line.encoding);
            assert_eq!(table.count(&line.text), line.count, "{:?}", line.text);
            assert_eq!(table.encode(&line.text), line.tokens, "{:?}", line.text);
        }
    }

    /// The contexts tell apart whether a character is a letter and of which case, a mark, a number,
    /// white space or a line end.
    #[test]
    fn every_character_is_read_as_the_reference_reads_it() {
        // Planes 4 to 13 are unassigned, 15 and 16 private: a few of each will do.
        let assigned = ('\0'..='\u{3ffff}').chain('\u{e0000}'..='\u{effff}');
        let others = ('\u{40000}'..='\u{dffff}').chain('\u{f0000}'..=char::MAX).step_by(997);
        let characters: Vec<char> = assigned.chain(others).collect();
        for block in characters.chunks(512) {
            let mut text = String::new();
            for c in block {
                text.push_str(&format!("aB{c}Ba !{c}\n1{c}  {c}{c} "));
            }
            for encoding in Encoding::ALL {
                check(encoding, &text);
            }
        }
    }

    #[test]
    fn long_runs_give_the_tokens_of_the_reference() {
        let run = |text: &str| text.repeat(20_000 / text.len());
        let runs = [
            "a",
            "A",
            "aB",
            "Ab",
            "-",
            "=-",
            "/",
            "\n/",
            " ",
            "\t",
            "\u{a0}",
            "\u{3000} ",
            "\n",
            "\r\n",
            " \n",
            "1",
            "가",
            "안녕하세요",
            "漢",
            "é",
            "e\u{301}",
            "\u{301}",
            "🙂",
            "👩‍👩‍👧‍👦",
            "ʰ",
            "ǅ",
            "가A",
            "'s",
            "'",
            "a'",
            "\u{fffd}",
            "ab ",
            "!\n",
            "\0",
        ];
        for encoding in Encoding::ALL {
            for text in runs {
                check(encoding, &run(text));
                check(encoding, &format!("x{}y", run(text)));
            }
        }
    }

    /// The reference fails on these; its tokens of half the run must be the beginning, but for the last few.
    #[test]
    fn a_million_spaces_are_counted() {
        for encoding in Encoding::ALL {
            let table = table(encoding);
            let text = " ".repeat(1 << 20);
            let tokens = table.encode(&text);
            assert_eq!(tokens.iter().map(|&token| table.vocabulary.length(token)).sum::<usize>(), text.len());
            let half = reference(encoding).encode_ordinary(&text[..1 << 19]);
            assert_eq!(tokens[..half.len() - 8], half[..half.len() - 8]);
        }
    }

    #[test]
    fn long_random_pre_tokens_give_the_tokens_of_the_reference() {
        let alphabets = [
            "ab",
            "abcdefghijklmnopqrstuvwxyz",
            "aeinorst",
            "가나다라마바사아자차카타파하",
            "-=",
            "éèàa",
            "!?.,;:-#*",
        ];
        let mut random = testing::Random(7);
        for alphabet in alphabets {
            let letters: Vec<char> = alphabet.chars().collect();
            for length in [60, 70, 500, 600, 5_000, 100_000] {
                let text: String = (0..length).map(|_| letters[random.below(letters.len())]).collect();
                for encoding in Encoding::ALL {
                    check(encoding, &text);
                }
            }
        }
    }

    #[test]
    fn random_bytes_give_the_tokens_of_the_reference() {
        let mut random = testing::Random(11);
        let bytes: Vec<u8> = (0..1 << 20).map(|_| random.byte()).collect();
        for encoding in Encoding::ALL {
            check(encoding, &String::from_utf8_lossy(&bytes));
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]

        #[test]
        fn hostile_documents_give_the_tokens_of_the_reference(text in testing::document(60)) {
            for encoding in Encoding::ALL {
                check(encoding, &text);
                check_ranges(encoding, &text);
            }
        }

        #[test]
        fn any_string_gives_the_tokens_of_the_reference(text in any::<String>()) {
            for encoding in Encoding::ALL {
                check(encoding, &text);
                check_ranges(encoding, &text);
            }
        }
    }
}
