//! What the tests of this layer share: the reference and hostile text.

use super::table;
use crate::core::model::Encoding;
use proptest::prelude::*;
use std::collections::HashSet;
use tiktoken_rs::CoreBPE;

/// Returns the reference implementation.
pub(super) fn reference(encoding: Encoding) -> &'static CoreBPE {
    match encoding {
        Encoding::O200kBase => tiktoken_rs::o200k_base_singleton(),
        Encoding::Cl100kBase => tiktoken_rs::cl100k_base_singleton(),
    }
}

/// Fails unless the tokens of a text are those of the reference.
pub(super) fn check(encoding: Encoding, text: &str) {
    let table = table(encoding);
    let (expected, _) = reference(encoding).encode(text, &HashSet::new()).unwrap();
    let tokens = table.encode(text);
    if tokens != expected {
        let at = tokens.iter().zip(&expected).take_while(|(a, b)| a == b).count();
        let start: usize = expected[..at].iter().map(|&token| table.bytes(token).unwrap().len()).sum();
        let context = String::from_utf8_lossy(&text.as_bytes()[start..text.len().min(start + 60)]);
        panic!("{}: token {at} differs at byte {start}: {context:?}", encoding.name());
    }
}

/// Fails unless count and ranges of a text agree with its tokens.
pub(super) fn check_ranges(encoding: Encoding, text: &str) {
    let table = table(encoding);
    let tokens = table.encode(text);
    assert_eq!(table.count(text), tokens.len() as u64);
    let pieces = table.pieces(text);
    assert_eq!(pieces.len(), tokens.len());
    for (range, token) in pieces.into_iter().zip(tokens) {
        assert_eq!(&text.as_bytes()[range], table.bytes(token).unwrap());
    }
}

/// Returns documents of up to so many fragments, each of a kind that some rule treats specially.
pub(super) fn document(fragments: usize) -> impl Strategy<Value = String> {
    let fragment = prop_oneof![
        4 => "[a-z]{1,8}",
        2 => "[A-Z]{1,5}",
        2 => "[A-Za-z]{1,12}",
        2 => "[0-9]{1,9}",
        4 => "[ \\t\\n\\r\\x0b\\x0c\u{85}\u{a0}\u{2003}\u{2028}\u{3000}]{1,5}",
        2 => "[ ]{1,40}",
        3 => "[!-/:-@\\[-`{-~]{1,5}",
        2 => "('s|'t|'RE|'Ve|'m|'lL|'d|'\u{17f}|’s|'|'x)",
        2 => "[가-힣]{1,20}",
        1 => "[\u{1100}-\u{11ff}\u{3130}-\u{318f}]{1,6}",
        1 => "[一-龥ぁ-んァ-ヶ]{1,10}",
        1 => "[\u{300}-\u{36f}\u{fe00}-\u{fe0f}\u{93e}\u{5b0}]{1,4}",
        1 => "[ǅǈǋᾈʰʱªºﾞＡａ]{1,4}",
        1 => "[٠-٩Ⅰ-ↈ½①〇]{1,5}",
        1 => "[\u{1f300}-\u{1faff}\u{1f1e6}-\u{1f1ff}\u{200d}\u{1f3fb}-\u{1f3ff}]{1,5}",
        1 => "[\\x00-\\x1f\u{fffd}\u{feff}\u{200b}\u{202e}\u{e000}]{1,3}",
        1 => "(\\r\\n|\\n/|/\\n|//|<\\|endoftext\\|>|```)",
        1 => "[a-z]{100,300}",
        1 => "\\PC{1,6}",
    ];
    prop::collection::vec(fragment, 0..=fragments).prop_map(|fragments| fragments.concat())
}

/// Gives the same pseudo-random numbers in every run.
pub(super) struct Random(pub u64);

impl Random {
    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        self.0 >> 33
    }

    pub(super) fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.next()).unwrap() % limit
    }

    pub(super) fn byte(&mut self) -> u8 {
        self.next().to_le_bytes()[0]
    }
}
