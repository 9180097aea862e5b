//! UTF-8 that was read as another code page: `안녕` as `ì•ˆë…•` or `�븞�뀞`.
//!
//! Owns the detection, and the text as it was meant as far as that can be told. Conservative: a text is
//! only said to be garbled where nearly everything in it that is not ASCII reads as UTF-8 again; real
//! text in any language does not.
//!
//! Invariant: ASCII is never changed, and what cannot be read again is marked as lost.

use encoding_rs::{EUC_KR, WINDOWS_1252};

/// Characters that must be read again before a text counts as garbled.
const LEAST: usize = 2;

/// One in this many characters may be no part of the pattern.
const STRAY: usize = 10;

/// What a text was wrongly read as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CodePage {
    /// Latin-1 or Windows-1252, which differ in what is rarely used.
    Latin,
    /// CP949, the Korean code page of Windows.
    Cp949,
}

impl CodePage {
    /// Returns the name on screen.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Latin => "Latin-1 or Windows-1252",
            Self::Cp949 => "CP949",
        }
    }
}

/// A garbled text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mojibake {
    /// What it was read as.
    pub page: CodePage,
    /// The text as it was meant; what was lost is U+FFFD.
    pub repaired: String,
    /// Whether nothing was lost.
    pub is_lossless: bool,
}

/// Returns how a text was garbled, if it looks like UTF-8 that was read as another code page.
#[must_use]
pub fn detect(text: &str) -> Option<Mojibake> {
    if text.is_ascii() {
        return None;
    }
    latin(text).or_else(|| cp949(text))
}

/// What was read again.
#[derive(Default)]
struct Reading {
    text: String,
    /// Characters that were read again.
    whole: usize,
    /// Characters whose bytes are not all there any more.
    lost: usize,
    /// Characters that are no part of the pattern.
    stray: usize,
}

impl Reading {
    fn finish(self, page: CodePage) -> Option<Mojibake> {
        let is_garbled = self.whole + self.lost >= LEAST && self.stray * STRAY <= self.whole + self.lost;
        let is_lossless = self.lost + self.stray == 0;
        is_garbled.then_some(Mojibake { page, repaired: self.text, is_lossless })
    }
}

impl Reading {
    fn lose(&mut self) {
        self.text.push(char::REPLACEMENT_CHARACTER);
        self.lost += 1;
    }
}

/// Returns the runs of ASCII and of everything else, in order.
fn runs(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let first = rest.chars().next()?;
        let end = rest.find(|c: char| c.is_ascii() != first.is_ascii()).unwrap_or(rest.len());
        let (run, after) = rest.split_at(end);
        rest = after;
        Some(run)
    })
}

fn latin(text: &str) -> Option<Mojibake> {
    let mut reading = Reading::default();
    for run in runs(text) {
        let bytes: Option<Vec<u8>> = run.chars().map(latin_byte).collect();
        match bytes.map(String::from_utf8) {
            _ if run.is_ascii() => reading.text.push_str(run),
            Some(Ok(meant)) => {
                reading.whole += meant.chars().count();
                reading.text.push_str(&meant);
            }
            Some(Err(_)) | None => {
                reading.stray += run.chars().count();
                reading.text.push_str(run);
            }
        }
    }
    reading.finish(CodePage::Latin)
}

/// Returns the byte that is read as this character in Latin-1 or Windows-1252.
fn latin_byte(c: char) -> Option<u8> {
    if let Ok(byte) = u8::try_from(c) {
        return Some(byte);
    }
    let mut buffer = [0; 4];
    let (bytes, _, is_unmappable) = WINDOWS_1252.encode(c.encode_utf8(&mut buffer));
    bytes.first().copied().filter(|_| !is_unmappable)
}

/// Reads Korean again. Most bytes with which a syllable begins in UTF-8 begin no pair of CP949 together
/// with the next, so decoders put U+FFFD there: for that byte, or for both.
fn cp949(text: &str) -> Option<Mojibake> {
    let mut reading = Reading::default();
    let (mut rare, mut common) = (0usize, 0usize);
    for run in runs(text) {
        if run.is_ascii() {
            reading.text.push_str(run);
            continue;
        }
        let mut bytes = Vec::with_capacity(run.len());
        for c in run.chars() {
            match cp949_bytes(c) {
                _ if c == char::REPLACEMENT_CHARACTER => bytes.push(None),
                Some([lead, trail]) => {
                    // Outside the square of the older standard, and among the Chinese characters, there is
                    // little that anybody writes.
                    let is_common = (0xb0..=0xc8).contains(&lead) && trail >= 0xa1;
                    *(if is_common { &mut common } else { &mut rare }) += 1;
                    bytes.extend([Some(lead), Some(trail)]);
                }
                None => reading.stray += 1,
            }
        }
        syllables(&bytes, &mut reading);
    }
    reading.finish(CodePage::Cp949).filter(|_| rare >= LEAST && rare >= common)
}

/// Returns the pair of bytes that is read as this character in CP949.
fn cp949_bytes(c: char) -> Option<[u8; 2]> {
    let mut buffer = [0; 4];
    let (bytes, _, is_unmappable) = EUC_KR.encode(c.encode_utf8(&mut buffer));
    (*bytes).try_into().ok().filter(|_| !is_unmappable)
}

/// Reads bytes, of which some are not known, as characters of three.
fn syllables(mut bytes: &[Option<u8>], reading: &mut Reading) {
    let continues = |byte: Option<&Option<u8>>| matches!(byte, Some(Some(0x80..=0xbf)));
    loop {
        bytes = match bytes {
            [] => return,
            [Some(lead @ 0xe0..=0xef), Some(second @ 0x80..=0xbf), Some(third @ 0x80..=0xbf), rest @ ..] => {
                match std::str::from_utf8(&[*lead, *second, *third]) {
                    Ok(meant) => {
                        reading.text.push_str(meant);
                        reading.whole += 1;
                    }
                    Err(_) => reading.lose(),
                }
                rest
            }
            // The first of three is there, and one of the others not.
            [Some(0xe0..=0xef), Some(0x80..=0xbf), None, rest @ ..]
            | [Some(0xe0..=0xef), None, rest @ ..] => {
                reading.lose();
                rest
            }
            // What is left of a character before ASCII: browsers mark it twice.
            [None, None] => {
                reading.lose();
                return;
            }
            // The first is not there, and perhaps the second.
            [None, rest @ ..] => {
                reading.lose();
                let more = usize::from(continues(rest.first()))
                    + usize::from(continues(rest.first()) && continues(rest.get(1)));
                &rest[more..]
            }
            [Some(_), rest @ ..] => {
                reading.stray += 1;
                rest
            }
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Reads bytes as Latin-1.
    fn latin_1(bytes: &[u8]) -> String {
        bytes.iter().map(|byte| char::from(*byte)).collect()
    }

    #[test]
    fn korean_read_as_latin_is_read_again() {
        let meant = "안녕하세요, world! 반가워요 🐼";
        for garbled in [latin_1(meant.as_bytes()), WINDOWS_1252.decode(meant.as_bytes()).0.into_owned()] {
            let found = detect(&garbled).unwrap();
            assert_eq!(
                found,
                Mojibake { page: CodePage::Latin, repaired: meant.to_owned(), is_lossless: true }
            );
        }
        assert_eq!(detect("cafÃ© crÃ¨me").unwrap().repaired, "café crème");
    }

    #[test]
    fn korean_read_as_cp949_is_noticed_with_what_is_lost() {
        // As Python and Java replace it, and as browsers do.
        let browsers = EUC_KR.decode("안녕하세요 반갑습니다".as_bytes()).0.into_owned();
        for garbled in ["�븞�뀞�븯�꽭�슂", "�븳湲�", browsers.as_str()] {
            let found = detect(garbled).unwrap_or_else(|| panic!("{garbled}"));
            assert_eq!((found.page, found.is_lossless), (CodePage::Cp949, false), "{garbled}");
        }
        let found = detect(&browsers).unwrap();
        assert!(found.repaired.contains('녕') && found.repaired.contains(' '), "{}", found.repaired);
        let syllables = found.repaired.chars().filter(|c| *c != ' ').count();
        assert!((9..=11).contains(&syllables), "{}", found.repaired);
    }

    #[test]
    fn real_text_is_left_alone() {
        for text in [
            "",
            "plain ASCII",
            "안녕하세요. 오늘은 날씨가 좋네요!",
            "똠방각하 펲시콜라 뷁",
            "café crème, naïve Zoë, Ærøskøbing, 20 °C, «déjà vu»",
            "Größe, Straße, Übermut, Äpfel",
            "ÃO, ÇÃO: informação, coração, maçã, São João",
            "日本語の文章と漢字、中文也是。",
            "Привет, как дела?",
            "Việt Nam, Nguyễn",
            "🐼👨‍👩‍👧🇰🇷",
            "a � b � c",
            "�가�나 읽지 못한 글자가 있는 한국어 문장",
            "大韓民國 憲法 第一條",
            "© 2026 · ½ × ¾ ± §",
        ] {
            assert_eq!(detect(text), None, "{text}");
        }
    }

    proptest! {
        /// No text makes it fail, and ASCII stays what it is.
        #[test]
        fn any_text_can_be_looked_at(text in any::<String>()) {
            if let Some(found) = detect(&text) {
                let ascii = |text: &str| text.chars().filter(char::is_ascii).collect::<String>();
                prop_assert_eq!(ascii(&found.repaired), ascii(&text));
            }
        }

        /// Every garbled Korean text is read again.
        #[test]
        fn garbled_korean_is_always_found(meant in "[가-힣]{2,20}( [가-힣]{1,9}){0,5}") {
            let found = detect(&latin_1(meant.as_bytes())).unwrap();
            prop_assert_eq!(found.repaired, meant.clone());
            // Korean that is as it should be never is.
            prop_assert_eq!(detect(&meant).filter(|found| found.page == CodePage::Latin), None);
        }
    }
}
