//! A text in all vocabularies at once, for who wants to see what it costs in each.

use super::table;
use crate::core::cutting::{Cut, Cutting, Garbled, beginning};
use crate::core::model::Encoding;
use crate::core::mojibake::detect;
use std::sync::Arc;

/// Returns a text cut by every vocabulary, or its beginning where it is large; looks whether it is garbled.
///
/// Loads the vocabularies on first use: call it from a worker thread.
pub fn cut(text: &str) -> Cutting {
    let shown = beginning(text);
    let cuts = Encoding::ALL.map(|encoding| Cut::new(encoding, shown, &table(encoding).pieces(shown)));
    let garbled = detect(shown).map(|found| Garbled {
        page: found.page,
        tokens: Encoding::ALL.map(|encoding| table(encoding).count(&found.repaired)),
        is_lossless: found.is_lossless,
    });
    Cutting::new(Arc::from(shown), text.len(), cuts, garbled)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn korean_costs_more_in_the_older_vocabulary() {
        let cutting = cut("아침에 일찍 일어나면 좋은 점이 많아요.");
        let [new, old] = [0, 1].map(|cut| cutting.cuts[cut].tokens());
        assert!(old > new, "{old} {new}");
        assert!(cutting.ratio(1).unwrap() > 1.0);
        assert_eq!(cutting.garbled, None);
    }

    #[test]
    fn garbled_text_costs_more_than_what_was_meant() {
        let meant = "안녕하세요, 반갑습니다";
        let garbled: String = meant.bytes().map(char::from).collect();
        let cutting = cut(&garbled);
        let found = cutting.garbled.unwrap();
        assert!(found.is_lossless);
        for (cut, tokens) in cutting.cuts.iter().zip(found.tokens) {
            assert_eq!(tokens, table(cut.encoding).count(meant));
            assert!(cut.tokens() as u64 > 2 * tokens);
        }
    }
}
