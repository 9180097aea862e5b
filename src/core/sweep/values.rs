//! Values of an axis as they are typed: `0.2..1.8 step 0.2`, `0.3, 1.0`, `chef, "a, b"`.
//!
//! Owns the one grammar of lists. A range is counted in whole steps of its last decimal, so 0.2 three
//! times is 0.6 and its end is reached. Every mistake is one sentence that says what to write.

use crate::core::sweep::MAX_CELLS;
use crate::core::text::fit;
use std::borrow::Cow;

/// Most decimals of a number in a range.
const MAX_DECIMALS: usize = 9;

/// Largest number in a range, so that it is exact with all its decimals.
const MAX_NUMBER: i64 = 1_000_000;

/// Longest piece of a list that a message repeats, in cells.
const SHOWN_CELLS: usize = 40;

/// Returns the entries of a list: between commas, or between double quotes, in which two stand for one.
///
/// # Errors
/// Says which quote is not closed.
pub(crate) fn texts(list: &str) -> Result<Vec<Cow<'_, str>>, String> {
    let mut entries = Vec::new();
    let mut rest = list.trim();
    while !rest.is_empty() {
        let (entry, after) = if let Some(quoted) = rest.strip_prefix('"') {
            let end = closing(quoted).ok_or_else(|| {
                format!("the quote before {} is not closed: end it with another \"", shown(quoted))
            })?;
            (Cow::Owned(quoted[..end].replace("\"\"", "\"")), quoted[end + 1..].trim_start())
        } else {
            let end = rest.find(',').unwrap_or(rest.len());
            (Cow::Borrowed(rest[..end].trim()), &rest[end..])
        };
        rest = match after.strip_prefix(',') {
            Some(next) => next.trim_start(),
            None if after.is_empty() => "",
            None => return Err(format!("a comma is missing before {}", shown(after))),
        };
        if !entry.is_empty() {
            entries.push(entry);
        }
    }
    Ok(entries)
}

/// Returns where the text of a quote ends.
fn closing(quoted: &str) -> Option<usize> {
    let bytes = quoted.as_bytes();
    let mut at = 0;
    loop {
        at += quoted[at..].find('"')?;
        if bytes.get(at + 1) != Some(&b'"') {
            return Some(at);
        }
        at += 2;
    }
}

/// A number as it was typed, or one of a range.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Entry<'a> {
    /// A number.
    Number(f64),
    /// A word; what it means is the caller's.
    Word(&'a str),
}

/// Returns the numbers and words of a list of numbers, with its ranges counted out. Between numbers a
/// space is as good as a comma.
///
/// `step` is the step of a range that names none; without it a range must.
///
/// # Errors
/// Says what is wrong with which range.
pub(crate) fn numbers(list: &str, step: Option<f64>) -> Result<Vec<Entry<'_>>, String> {
    let mut entries = Vec::new();
    for part in list.split(',').map(str::trim).filter(|part| !part.is_empty()) {
        match part.split_once("..") {
            Some((start, rest)) => {
                entries.extend(range(part, start, rest, step)?.into_iter().map(Entry::Number));
            }
            None => entries.extend(part.split_whitespace().map(|word| {
                let number = word.parse().ok().filter(|number: &f64| number.is_finite());
                number.map_or(Entry::Word(word), Entry::Number)
            })),
        }
        if entries.len() > MAX_CELLS {
            return Err(format!("{} has too many values: at most {MAX_CELLS}", shown(part)));
        }
    }
    Ok(entries)
}

/// Returns the numbers of a range, both ends included where the step meets them.
fn range(whole: &str, start: &str, rest: &str, step: Option<f64>) -> Result<Vec<f64>, String> {
    let (end, given) = match rest.split_once("step") {
        Some((end, given)) => (end, given.trim().to_owned()),
        None => {
            let step = step
                .ok_or_else(|| format!("{} names no step: write it like 0.2..1.8 step 0.2", shown(whole)))?;
            (rest, step.to_string())
        }
    };
    let (start, end) = (start.trim(), end.trim().trim_start_matches('='));
    let parts = [start, end, given.as_str()];
    let scale = parts.iter().map(|part| decimals(part)).max().unwrap_or(0);
    let mut scaled = [0_i64; 3];
    for (scaled, part) in scaled.iter_mut().zip(parts) {
        *scaled = decimal(part, scale).ok_or_else(|| {
            let part = fit(part, SHOWN_CELLS / 2);
            format!("'{part}' in {} is no plain number: write it like 0.2..1.8 step 0.2", shown(whole))
        })?;
    }
    let [start, end, step] = scaled;
    if step <= 0 {
        return Err(format!("the step of {} must be above 0", shown(whole)));
    }
    let count = (end - start).abs() / step + 1;
    if !usize::try_from(count).is_ok_and(|count| count <= MAX_CELLS) {
        return Err(format!("{} has {count} values: at most {MAX_CELLS}", shown(whole)));
    }
    let step = if end < start { -step } else { step };
    #[expect(
        clippy::cast_precision_loss,
        reason = "both are below 2^53, so the quotient is the nearest number"
    )]
    let number = |at: i64| (start + at * step) as f64 / 10_i64.pow(scale) as f64;
    Ok((0..count).map(number).collect())
}

/// Returns how many decimals a number is written with.
fn decimals(number: &str) -> u32 {
    let places = number.split_once('.').map_or(0, |(_, places)| places.len().min(MAX_DECIMALS + 1));
    u32::try_from(places).unwrap_or(0)
}

/// Returns a plain decimal number times ten to the power of `scale`.
fn decimal(number: &str, scale: u32) -> Option<i64> {
    let (sign, digits) = number.strip_prefix('-').map_or((1, number), |digits| (-1, digits));
    let (whole, places) = digits.split_once('.').unwrap_or((digits, ""));
    let is_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if digits.is_empty()
        || digits == "."
        || !is_digits(whole)
        || !is_digits(places)
        || places.len() > MAX_DECIMALS
    {
        return None;
    }
    let whole: i64 = if whole.is_empty() { 0 } else { whole.parse().ok()? };
    let value: i64 = if places.is_empty() { 0 } else { places.parse().ok()? };
    let missing = scale - u32::try_from(places.len()).ok()?;
    (whole <= MAX_NUMBER).then(|| sign * (whole * 10_i64.pow(scale) + value * 10_i64.pow(missing)))
}

/// Returns a piece of a list as a message repeats it.
pub(crate) fn shown(text: &str) -> String {
    format!("'{}'", fit(text.trim(), SHOWN_CELLS))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn plain(list: &str) -> Vec<f64> {
        let number = |entry: Entry<'_>| match entry {
            Entry::Number(number) => number,
            Entry::Word(word) => panic!("{word}"),
        };
        numbers(list, Some(1.0)).unwrap().into_iter().map(number).collect()
    }

    #[test]
    fn ranges_meet_their_ends_exactly() {
        assert_eq!(plain("0.2..1.8 step 0.2"), [0.2, 0.4, 0.6, 0.8, 1.0, 1.2, 1.4, 1.6, 1.8]);
        assert_eq!(plain("0..1 step 0.3"), [0.0, 0.3, 0.6, 0.9]);
        assert_eq!(plain("1.5..0 step .5"), [1.5, 1.0, 0.5, 0.0]);
        assert_eq!(plain("1..3"), [1.0, 2.0, 3.0]);
        assert_eq!(plain("-2..=2 step 2"), [-2.0, 0.0, 2.0]);
        assert_eq!(plain("0.3, 1.0 1.3 , 1.5..1.6 step 0.1"), [0.3, 1.0, 1.3, 1.5, 1.6]);
    }

    #[test]
    fn mistakes_are_one_sentence() {
        for (list, told) in [
            ("0.2..1.8", "'0.2..1.8' names no step: write it like 0.2..1.8 step 0.2"),
            ("0.2..warm step 0.2", "'warm' in '0.2..warm step 0.2' is no plain number"),
            ("0..1 step 0", "the step of '0..1 step 0' must be above 0"),
            ("0..1 step -1", "the step of '0..1 step -1' must be above 0"),
            ("0..1 step 0.0000000001", "no plain number"),
            ("0..1000000 step 0.000000001", "1000000000000001 values: at most 10000"),
            ("1e3..2e3 step 1", "'1e3' in"),
            ("..", "names no step"),
            (".. step 1", "'' in '.. step 1' is no plain number"),
            ("99999999999999999999..1 step 1", "no plain number"),
            ("0..5000000 step 1000000", "no plain number"),
        ] {
            let error = numbers(list, None).unwrap_err();
            assert!(error.contains(told), "{list}: {error}");
        }
        assert_eq!(numbers("omit NaN", None).unwrap(), [Entry::Word("omit"), Entry::Word("NaN")]);
    }

    #[test]
    fn quotes_keep_commas() {
        let list = texts("chef,  \"Be brief, please\" ,, \"say \"\"hi\"\"\",끝").unwrap();
        assert_eq!(list, ["chef", "Be brief, please", "say \"hi\"", "끝"]);
        assert!(texts("a, \"b").unwrap_err().contains("'b' is not closed"));
        assert!(texts("\"a\" b").unwrap_err().contains("comma is missing before 'b'"));
        assert_eq!(texts(" ").unwrap(), [""; 0]);
    }

    proptest! {
        #[test]
        fn any_list_is_read_or_refused(list in any::<String>(), typed in "[0-9.\\-, a-zst가\"]{0,30}") {
            for list in [list, typed] {
                let _ = (texts(&list), numbers(&list, None), numbers(&list, Some(1.0)));
            }
        }

        /// A range has the numbers one would write down by hand.
        #[test]
        fn ranges_are_written_as_typed(start in 0i64..200, step in 1i64..40, count in 0i64..30) {
            let written = |hundredths: i64| format!("{}.{:02}", hundredths / 100, hundredths % 100);
            let list = format!("{}..{} step {}", written(start), written(start + step * count), written(step));
            let expected: Vec<f64> = (0..=count).map(|at| written(start + at * step).parse().unwrap()).collect();
            prop_assert_eq!(plain(&list), expected);
        }

        #[test]
        fn quoted_texts_come_back(entries in prop::collection::vec("[ -~가]{1,12}", 0..5)) {
            let list: Vec<String> = entries.iter().map(|e| format!("\"{}\"", e.replace('"', "\"\""))).collect();
            let list = list.join(", ");
            prop_assert_eq!(texts(&list).unwrap(), entries);
        }
    }
}
