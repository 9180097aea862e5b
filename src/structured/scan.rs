//! The words of JSON: where a string, a number or a literal ends, and what a string means.
//!
//! Owns the lexical rules of RFC 8259, with two that readers add: a surrogate comes in pairs, and a
//! number fits a 64-bit float. Works on bytes from a position and hands back the one after the word.

/// A place where a word stops being one, and what should have stood there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stop {
    pub(super) at: usize,
    pub(super) expected: &'static str,
}

const HEX: &str = "four hexadecimal digits";
const SECOND_HALF: &str = "the second half of a surrogate pair, \\udc00 to \\udfff";

/// Returns the last boundary between characters at or before a byte offset.
pub(super) fn floor(text: &str, at: usize) -> usize {
    (0..=at.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0)
}

/// Returns the first byte at or after `at` that is no white space of JSON.
pub(super) fn skip_space(bytes: &[u8], at: usize) -> usize {
    let is_space = |byte: &u8| is_space(*byte);
    at + bytes[at..].iter().take_while(|byte| is_space(byte)).count()
}

/// Whether a byte is white space between the words of JSON.
pub(super) fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\n' | b'\r' | b'\t')
}

/// Returns the position after the string whose opening quote is at `start`.
pub(super) fn string(bytes: &[u8], start: usize) -> Result<usize, Stop> {
    let mut at = start + 1;
    loop {
        match bytes.get(at) {
            Some(b'"') => return Ok(at + 1),
            Some(b'\\') => at = escape(bytes, at)?,
            Some(0..0x20) => {
                let expected = "an escape such as \\n, as no bare control character may stand in a string";
                return Err(Stop { at, expected });
            }
            Some(_) => at += 1,
            None => return Err(Stop { at, expected: "the closing quote of the string" }),
        }
    }
}

/// Returns the position after the escape whose backslash is at `start`.
fn escape(bytes: &[u8], start: usize) -> Result<usize, Stop> {
    let at = start + 1;
    match bytes.get(at) {
        Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => Ok(at + 1),
        Some(b'u') => match hex(bytes, at + 1)? {
            0xdc00..=0xdfff => Err(Stop { at: start, expected: "the first half of a surrogate pair before" }),
            0xd800..=0xdbff => {
                let second = at + 5;
                for (offset, byte) in [b'\\', b'u'].into_iter().enumerate() {
                    if bytes.get(second + offset) != Some(&byte) {
                        return Err(Stop { at: second + offset, expected: SECOND_HALF });
                    }
                }
                match hex(bytes, second + 2)? {
                    0xdc00..=0xdfff => Ok(second + 6),
                    _ => Err(Stop { at: second, expected: SECOND_HALF }),
                }
            }
            _ => Ok(at + 5),
        },
        _ => Err(Stop { at, expected: "one of \" \\ / b f n r t u after the backslash" }),
    }
}

/// Returns the value of four hexadecimal digits.
fn hex(bytes: &[u8], start: usize) -> Result<u32, Stop> {
    let mut value = 0;
    for at in start..start + 4 {
        let digit = bytes.get(at).and_then(|byte| char::from(*byte).to_digit(16));
        value = value * 16 + digit.ok_or(Stop { at, expected: HEX })?;
    }
    Ok(value)
}

/// Returns what the text between the quotes of a valid string means.
pub(super) fn unescape(raw: &str) -> String {
    let mut out = String::with_capacity(raw.len());
    let mut rest = raw;
    while let Some(at) = rest.find('\\') {
        out.push_str(&rest[..at]);
        let bytes = rest.as_bytes();
        let (meant, length) = match bytes.get(at + 1) {
            Some(b'u') => match (hex(bytes, at + 2), hex(bytes, at + 8)) {
                (Ok(high @ 0xd800..=0xdbff), Ok(low @ 0xdc00..=0xdfff)) => {
                    (char::from_u32(0x1_0000 + ((high - 0xd800) << 10) + (low - 0xdc00)), 12)
                }
                (Ok(code), _) => (char::from_u32(code), 6),
                (Err(_), _) => (None, 2),
            },
            Some(b'b') => (Some('\u{8}'), 2),
            Some(b'f') => (Some('\u{c}'), 2),
            Some(b'n') => (Some('\n'), 2),
            Some(b'r') => (Some('\r'), 2),
            Some(b't') => (Some('\t'), 2),
            Some(other) => (Some(char::from(*other)), 2),
            None => (None, 1),
        };
        out.push(meant.unwrap_or(char::REPLACEMENT_CHARACTER));
        rest = &rest[at + length..];
    }
    out.push_str(rest);
    out
}

/// Returns the position after the number that begins at `start`.
pub(super) fn number(text: &str, start: usize) -> Result<usize, Stop> {
    let bytes = text.as_bytes();
    let mut at = start + usize::from(bytes.get(start) == Some(&b'-'));
    let whole = at;
    at = digits(bytes, at)?;
    if bytes[whole] == b'0' && at > whole + 1 {
        return Err(Stop { at: whole + 1, expected: "no digit after a leading 0" });
    }
    if bytes.get(at) == Some(&b'.') {
        at = digits(bytes, at + 1)?;
    }
    let mut has_exponent = false;
    if let Some(b'e' | b'E') = bytes.get(at) {
        has_exponent = true;
        at += 1;
        at = digits(bytes, at + usize::from(matches!(bytes.get(at), Some(b'+' | b'-'))))?;
    }
    // Without an exponent it takes 309 digits to be too large.
    let may_overflow = has_exponent || at - start > f64::MAX_10_EXP.unsigned_abs() as usize;
    if may_overflow && text[start..at].parse::<f64>().is_ok_and(f64::is_infinite) {
        return Err(Stop { at: start, expected: "a number that fits a 64-bit float" });
    }
    Ok(at)
}

/// Returns the position after one or more digits.
fn digits(bytes: &[u8], start: usize) -> Result<usize, Stop> {
    let count = bytes.get(start..).map_or(0, |rest| rest.iter().take_while(|b| b.is_ascii_digit()).count());
    if count == 0 {
        return Err(Stop { at: start.min(bytes.len()), expected: "a digit" });
    }
    Ok(start + count)
}

/// Returns the position after a literal such as `true` that begins at `start`.
pub(super) fn literal(bytes: &[u8], start: usize, word: &'static str) -> Result<usize, Stop> {
    let same = bytes[start..].iter().zip(word.as_bytes()).take_while(|(a, b)| a == b).count();
    if same == word.len() { Ok(start + same) } else { Err(Stop { at: start + same, expected: word }) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_end_at_their_quote_and_mean_what_they_say() {
        for (text, meant) in [
            (r#""""#, ""),
            (r#""a\"b\\\/""#, "a\"b\\/"),
            (r#""\b\f\n\r\t""#, "\u{8}\u{c}\n\r\t"),
            (r#""\uac00 \ud83d\ude42 🙂""#, "가 🙂 🙂"),
            (r#""\u0000""#, "\0"),
        ] {
            assert_eq!(string(text.as_bytes(), 0), Ok(text.len()), "{text}");
            assert_eq!(unescape(&text[1..text.len() - 1]), meant);
        }
    }

    #[test]
    fn broken_words_stop_where_they_break() {
        for (text, at) in [
            (r#""a"#, 2),
            (r#""\x""#, 2),
            (r#""\u12g4""#, 5),
            (r#""\ud83d""#, 7),
            (r#""\ud83d\n""#, 8),
            (r#""\ud83d\u0041""#, 7),
            (r#""\ude42""#, 1),
            ("\"a\nb\"", 2),
        ] {
            assert_eq!(string(text.as_bytes(), 0).unwrap_err().at, at, "{text}");
        }
        for (text, at) in [("-", 1), ("-x", 1), ("01", 1), ("1.", 2), ("1.e", 2), ("1e+", 3), ("1e400", 0)] {
            assert_eq!(number(text, 0).unwrap_err().at, at, "{text}");
        }
        assert_eq!(literal(b"trve", 0, "true").unwrap_err().at, 2);
    }

    #[test]
    fn numbers_end_where_their_grammar_does() {
        for (text, end) in
            [("0", 1), ("-0.5e-7,", 7), ("12]", 2), ("1e308", 5), ("0e999", 5), ("1E+2", 4), ("1-2", 1)]
        {
            assert_eq!(number(text, 0), Ok(end), "{text}");
        }
    }
}
