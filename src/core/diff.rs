//! Where two texts differ, word by word, and where two answers part, token by token.
//!
//! Owns the comparison by Myers (1986): the fewest units deleted and inserted. Its work grows with the
//! product of length and difference, so it runs in legs of at most 512 edits: texts that differ by
//! less are compared exactly, others in stretches, and the whole is linear in their length.
//!
//! Invariant: the hunks cover both texts, in order and without a gap; what is the same reads the same.

use crate::core::diversity::edit::without_ends;
use crate::core::probability::Position;
use crate::core::run::Run;
use crate::core::text::clusters;
use crate::core::token::Token;
use std::collections::HashMap;
use std::ops::Range;
use unicode_segmentation::UnicodeSegmentation;

/// Most edits of one leg; its memory grows with the square, two megabytes for this many.
const MAX_EDITS: usize = 512;

/// A stretch of two texts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hunk {
    /// Whether the texts read the same here.
    pub is_same: bool,
    /// Its bytes in the base; empty where the other text inserts something.
    pub base: Range<usize>,
    /// Its bytes in the other text; empty where it leaves something out.
    pub other: Range<usize>,
}

/// Returns the hunks in which a text is the base, and differs from it, in turn.
///
/// Compared by words and what stands between them; white space alone between two differences belongs
/// to them, as it makes a difference unreadable and says nothing.
#[must_use]
pub fn diff(base: &str, other: &str) -> Vec<Hunk> {
    let (base_units, other_units) = (units(base), units(other));
    let mut numbers = HashMap::new();
    let a = numbered(base, &base_units, &mut numbers);
    let b = numbered(other, &other_units, &mut numbers);
    let mut hunks: Vec<Hunk> = Vec::new();
    for matched in stretches(&matches(&a, &b), a.len(), b.len()) {
        let (base_span, other_span) = (span(&base_units, matched.base), span(&other_units, matched.other));
        let is_blank = matched.is_same && base[base_span.clone()].trim().is_empty();
        let is_inside = base_span.start + other_span.start > 0
            && (base_span.end < base.len() || other_span.end < other.len());
        let is_same = matched.is_same && !(is_blank && is_inside);
        match hunks.last_mut() {
            Some(last) if last.is_same == is_same => {
                (last.base.end, last.other.end) = (base_span.end, other_span.end);
            }
            _ => hunks.push(Hunk { is_same, base: base_span, other: other_span }),
        }
    }
    hunks
}

/// Returns the hunks with chance matches taken into the differences on both sides of them.
///
/// Texts with little in common share commas and articles all the same; a sentence in place of a
/// sentence reads better than both in shreds.
#[must_use]
pub fn coherent(hunks: &[Hunk], base: &str, other: &str) -> Vec<Hunk> {
    let weight = |hunk: &Hunk| words(&base[hunk.base.clone()]).max(words(&other[hunk.other.clone()]));
    let mut out: Vec<Hunk> = Vec::with_capacity(hunks.len());
    // Words of the difference at the end of what is put together.
    let mut before = 0;
    for (index, hunk) in hunks.iter().enumerate() {
        let is_chance = match (out.last(), hunks.get(index + 1)) {
            (Some(_), Some(after)) if hunk.is_same => {
                is_chance(&base[hunk.base.clone()], before, weight(after))
            }
            _ => false,
        };
        match out.last_mut() {
            Some(last) if is_chance || !(last.is_same || hunk.is_same) => {
                before += weight(hunk);
                (last.base.end, last.other.end) = (hunk.base.end, hunk.other.end);
            }
            _ => {
                before = weight(hunk);
                out.push(hunk.clone());
            }
        }
    }
    out
}

/// Whether texts share this between two differences by chance: it has few words beside those of the
/// differences, and begins no line.
pub(super) fn is_chance(shared: &str, before: usize, after: usize) -> bool {
    const WEIGHT: usize = 3;
    !shared.contains('\n') && words(shared) * WEIGHT <= before.min(after)
}

/// Returns how many words a text has.
pub(super) fn words(text: &str) -> usize {
    text.unicode_words().count()
}

/// A stretch of a comparison as it is shown when only differences are of interest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Excerpt {
    /// Something to show: a difference, or the words around one.
    Shown(Hunk),
    /// Words that are the same in both and far from any difference.
    Hidden(Hunk),
}

/// Returns the hunks with the text that is the same hidden, but for `words` words beside a difference.
///
/// A stretch is hidden only if more than one unit of it would be: a mark for it takes a place too.
#[must_use]
pub fn only_different(hunks: &[Hunk], base: &str, words: usize) -> Vec<Excerpt> {
    let mut out = Vec::with_capacity(hunks.len());
    for (index, hunk) in hunks.iter().enumerate() {
        if !hunk.is_same {
            out.push(Excerpt::Shown(hunk.clone()));
            continue;
        }
        let text = &base[hunk.base.clone()];
        let spans: Vec<(usize, usize)> = text
            .split_word_bound_indices()
            .filter(|(_, piece)| !piece.trim().is_empty())
            .map(|(at, piece)| (at, at + piece.len()))
            .collect();
        let head = if index == 0 { 0 } else { words.min(spans.len()) };
        let tail = if index + 1 == hunks.len() { 0 } else { words.min(spans.len()) };
        if head + tail + 1 >= spans.len() {
            out.push(Excerpt::Shown(hunk.clone()));
            continue;
        }
        let head_end = if head == 0 { 0 } else { spans[head - 1].1 };
        let tail_start = if tail == 0 { text.len() } else { spans[spans.len() - tail].0 };
        let part = |range: Range<usize>| Hunk {
            is_same: true,
            base: hunk.base.start + range.start..hunk.base.start + range.end,
            other: hunk.other.start + range.start..hunk.other.start + range.end,
        };
        if head > 0 {
            out.push(Excerpt::Shown(part(0..head_end)));
        }
        out.push(Excerpt::Hidden(part(head_end..tail_start)));
        if tail > 0 {
            out.push(Excerpt::Shown(part(tail_start..text.len())));
        }
    }
    out
}

/// What one run says of a token at a position.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Likelihood {
    /// Its logprob, as returned.
    Known(f64),
    /// It is not among the returned candidates; its logprob is this at most.
    AtMost(f64),
    /// The run has no logprobs here.
    NotOffered,
}

/// A token of one of two runs, and how likely it was in each.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Contender<'a> {
    /// The token.
    pub token: &'a Token,
    /// How likely it was in the first run.
    pub in_first: Likelihood,
    /// How likely it was in the second run.
    pub in_second: Likelihood,
}

/// The first position at which two runs have different tokens.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Parting<'a> {
    /// How many tokens both begin with.
    pub at: usize,
    /// The first run's token; `None` where its answer ends.
    pub first: Option<Contender<'a>>,
    /// The second run's token; `None` where its answer ends.
    pub second: Option<Contender<'a>>,
}

impl<'a> Parting<'a> {
    /// Returns where two runs part; `None` when they are the same, or either has no tokens.
    #[must_use]
    pub fn of(first: &'a Run, second: &'a Run) -> Option<Self> {
        if first.tokens.is_empty() || second.tokens.is_empty() {
            return None;
        }
        let pairs = first.tokens.iter().zip(&second.tokens);
        let at = pairs.take_while(|(a, b)| a.piece.bytes() == b.piece.bytes()).count();
        let (ours, theirs) = (first.tokens.get(at), second.tokens.get(at));
        if ours.is_none() && theirs.is_none() {
            return None;
        }
        let contender = |token: &'a Token| Contender {
            token,
            in_first: likelihood(token, ours),
            in_second: likelihood(token, theirs),
        };
        Some(Self { at, first: ours.map(contender), second: theirs.map(contender) })
    }
}

/// Returns how likely a token was at the position where `chosen` was taken.
fn likelihood(token: &Token, chosen: Option<&Token>) -> Likelihood {
    let Some(chosen) = chosen else { return Likelihood::NotOffered };
    let bytes = token.piece.bytes();
    if chosen.piece.bytes() == bytes
        && let Some(logprob) = chosen.logprob
    {
        return Likelihood::Known(logprob);
    }
    let listed = chosen.candidates.iter().find(|candidate| candidate.piece.bytes() == bytes);
    if let Some(logprob) = listed.and_then(|candidate| candidate.logprob) {
        return Likelihood::Known(logprob);
    }
    // What was not returned is no more probable than the least that was, nor than all that is left.
    let least = chosen.candidates.iter().filter_map(|candidate| candidate.logprob).min_by(f64::total_cmp);
    let tail = Position::new(chosen).tail().filter(|tail| *tail > 0.0).map(f64::ln);
    match (least, tail) {
        (Some(least), Some(tail)) => Likelihood::AtMost(least.min(tail)),
        (Some(least), None) => Likelihood::AtMost(least),
        (None, _) => Likelihood::NotOffered,
    }
}

/// Returns where the units of a text end: its words and what stands between them, never a part of a
/// cluster.
pub(super) fn units(text: &str) -> Vec<usize> {
    let mut clusters = clusters(text).map(|(at, cluster)| at + cluster.len()).peekable();
    text.split_word_bound_indices()
        .map(|(at, piece)| at + piece.len())
        .filter(|end| {
            while clusters.next_if(|cluster| cluster < end).is_some() {}
            clusters.peek() == Some(end)
        })
        .collect()
}

/// Returns the bytes of some units.
pub(super) fn span(ends: &[usize], units: Range<usize>) -> Range<usize> {
    let start = |unit: usize| if unit == 0 { 0 } else { ends[unit - 1] };
    start(units.start)..start(units.end)
}

/// Returns the units of a text as numbers, the same for the same text.
pub(super) fn numbered<'a>(text: &'a str, ends: &[usize], numbers: &mut HashMap<&'a str, u32>) -> Vec<u32> {
    (0..ends.len())
        .map(|unit| {
            let next = u32::try_from(numbers.len()).unwrap_or(u32::MAX);
            *numbers.entry(&text[span(ends, unit..unit + 1)]).or_insert(next)
        })
        .collect()
}

/// A stretch of units of both sides.
struct Stretch {
    is_same: bool,
    base: Range<usize>,
    other: Range<usize>,
}

/// Returns the stretches of two sequences of these lengths that some matches leave, the matches among them.
fn stretches(matches: &[Match], base: usize, other: usize) -> Vec<Stretch> {
    let mut out = Vec::with_capacity(matches.len() * 2 + 1);
    let (mut x, mut y) = (0, 0);
    for matched in matches.iter().chain([&Match { base, other, length: 0 }]) {
        if x < matched.base || y < matched.other {
            out.push(Stretch { is_same: false, base: x..matched.base, other: y..matched.other });
        }
        (x, y) = (matched.base + matched.length, matched.other + matched.length);
        if matched.length > 0 {
            out.push(Stretch { is_same: true, base: matched.base..x, other: matched.other..y });
        }
    }
    out
}

/// Units that are the same in two sequences.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Match {
    /// Where they begin in the base.
    pub(super) base: usize,
    /// Where they begin in the other sequence.
    pub(super) other: usize,
    /// How many they are.
    pub(super) length: usize,
}

/// Returns what two sequences have in common, in order: the most there is where they differ by less
/// than [`MAX_EDITS`] edits, else the most of each leg.
pub(super) fn matches(base: &[u32], other: &[u32]) -> Vec<Match> {
    let head = base.iter().zip(other).take_while(|(a, b)| a == b).count();
    let (a, b) = without_ends(base, other);
    let tail = base.len() - head - a.len();
    let mut found = vec![Match { base: 0, other: 0, length: head }];
    let (mut x, mut y) = (0, 0);
    while x < a.len() && y < b.len() {
        let leg = Leg::walk(&a[x..], &b[y..]);
        found.extend(leg.matches().into_iter().map(|matched| Match {
            base: head + x + matched.base,
            other: head + y + matched.other,
            length: matched.length,
        }));
        let (along_a, along_b) = leg.end();
        (x, y) = (x + along_a, y + along_b);
    }
    found.push(Match { base: base.len() - tail, other: other.len() - tail, length: tail });
    found.retain(|matched| matched.length > 0);
    found
}

/// The furthest one gets along two sequences with 0, 1, 2, … edits.
///
/// A diagonal holds the places that are as many units further in the one as in the other; on each,
/// only the furthest place reached counts.
struct Leg {
    lengths: (isize, isize),
    /// After how many edits, row by row, how far along the first sequence each diagonal was followed;
    /// row `edits` has the diagonals `-edits`, `2 - edits`, …, `edits`.
    reached: Vec<Vec<Option<isize>>>,
    /// The diagonal on which it ends.
    last: isize,
}

impl Leg {
    /// Follows two sequences to the end of both, or for the most edits there may be.
    fn walk(a: &[u32], b: &[u32]) -> Self {
        let lengths = (a.len().cast_signed(), b.len().cast_signed());
        let mut leg = Self { lengths, reached: Vec::new(), last: 0 };
        for edits in 0..=MAX_EDITS.cast_signed() {
            let mut row = Vec::with_capacity(edits.unsigned_abs() + 1);
            for diagonal in (-edits..=edits).step_by(2) {
                let place = leg.entry(edits, diagonal).map(|(along, _)| {
                    let (x, y) = (along.unsigned_abs(), (along - diagonal).unsigned_abs());
                    let snake = a[x..].iter().zip(&b[y..]).take_while(|(a, b)| a == b).count();
                    along + snake.cast_signed()
                });
                row.push(place);
                if place == Some(lengths.0) && diagonal == lengths.0 - lengths.1 {
                    leg.reached.push(row);
                    leg.last = diagonal;
                    return leg;
                }
            }
            leg.reached.push(row);
        }
        // Not at the end: go on from where most of both lies behind.
        let edits = MAX_EDITS.cast_signed();
        let behind = |diagonal: &isize| leg.place(edits, *diagonal).map(|along| 2 * along - diagonal);
        leg.last = (-edits..=edits).step_by(2).max_by_key(behind).unwrap_or(0);
        leg
    }

    /// Returns how far a diagonal was followed after some edits.
    fn place(&self, edits: isize, diagonal: isize) -> Option<isize> {
        if edits < 0 || diagonal.abs() > edits {
            return None;
        }
        self.reached[edits.unsigned_abs()][diagonal.midpoint(edits).unsigned_abs()]
    }

    /// Returns where the last of some edits enters a diagonal, and the diagonal it comes from.
    fn entry(&self, edits: isize, diagonal: isize) -> Option<(isize, isize)> {
        if edits == 0 {
            return Some((0, 0));
        }
        let is_inside = |along: &isize| *along <= self.lengths.0 && along - diagonal <= self.lengths.1;
        let deleted = self.place(edits - 1, diagonal - 1).map(|along| along + 1).filter(is_inside);
        let inserted = self.place(edits - 1, diagonal + 1).filter(is_inside);
        match (deleted, inserted) {
            (Some(deleted), Some(inserted)) if inserted > deleted => Some((inserted, diagonal + 1)),
            (Some(deleted), _) => Some((deleted, diagonal - 1)),
            (None, inserted) => inserted.map(|along| (along, diagonal + 1)),
        }
    }

    /// Returns how far the leg comes along both sequences.
    fn end(&self) -> (usize, usize) {
        let along = self.place(self.reached.len().cast_signed() - 1, self.last).unwrap_or(0);
        (along.unsigned_abs(), (along - self.last).unsigned_abs())
    }

    /// Returns what the sequences have in common on the way.
    fn matches(&self) -> Vec<Match> {
        let mut found = Vec::new();
        let mut diagonal = self.last;
        for edits in (0..self.reached.len().cast_signed()).rev() {
            let (Some(end), Some((start, from))) = (self.place(edits, diagonal), self.entry(edits, diagonal))
            else {
                break;
            };
            found.push(Match {
                base: start.unsigned_abs(),
                other: (start - diagonal).unsigned_abs(),
                length: (end - start).unsigned_abs(),
            });
            diagonal = from;
        }
        found.reverse();
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::id::RunId;
    use crate::core::request::{Request, Sampling};
    use crate::core::stream::StreamEvent;
    use crate::core::time::Timestamp;
    use crate::core::token::{Candidate, Piece};
    use proptest::prelude::*;
    use std::sync::Arc;

    /// Writes a comparison as text: `[-base-]{+other+}`.
    fn marked(base: &str, other: &str) -> String {
        diff(base, other)
            .into_iter()
            .map(|hunk| match (hunk.is_same, &base[hunk.base], &other[hunk.other]) {
                (true, same, _) => same.to_owned(),
                (false, gone, "") => format!("[-{gone}-]"),
                (false, "", new) => format!("{{+{new}+}}"),
                (false, gone, new) => format!("[-{gone}-]{{+{new}+}}"),
            })
            .collect()
    }

    #[test]
    fn words_that_differ_are_marked_in_any_script() {
        for (base, other, expected) in [
            ("a quiet dawn", "a bright dawn", "a [-quiet-]{+bright+} dawn"),
            ("a quiet dawn", "a dawn", "a [-quiet -]dawn"),
            ("", "new", "{+new+}"),
            ("same", "same", "same"),
            ("나는 서울에 산다", "나는 부산에 산다", "나는 [-서울에-]{+부산에+} 산다"),
            ("東京は晴れ", "東京は雨", "東京は[-晴れ-]{+雨+}"),
            ("hi 👨‍👩‍👧‍👦!", "hi 👨‍👩‍👧!", "hi [-👨‍👩‍👧‍👦-]{+👨‍👩‍👧+}!"),
            ("one two x", "three four x", "[-one two-]{+three four+} x"),
        ] {
            assert_eq!(marked(base, other), expected);
        }
    }

    #[test]
    fn chance_matches_belong_to_the_differences_around_them() {
        let shown = |base: &str, other: &str| -> Vec<String> {
            let hunks = coherent(&diff(base, other), base, other);
            hunks.iter().map(|hunk| other[hunk.other.clone()].to_owned()).collect()
        };
        assert_eq!(shown("a quiet dawn breaks", "a loud dawn falls"), ["a ", "loud", " dawn ", "falls"]);
        assert_eq!(
            shown("slow, the small panda sits", "red birds, and the loud fox ran"),
            ["red birds, and the loud fox ran"]
        );
        assert_eq!(shown("one\n- two x", "three\n- four"), ["three", "\n- ", "four"]);
    }

    #[test]
    fn units_never_cut_a_cluster() {
        for text in ["e\u{301}a \u{600}1\r\n🇰🇷🇯🇵", "\u{600}\u{600}a", "क्‍ष ", "\u{200d}", ""]
        {
            let ends = units(text);
            let borders: Vec<usize> = clusters(text).map(|(at, cluster)| at + cluster.len()).collect();
            assert!(ends.iter().all(|end| borders.contains(end)), "{text:?} {ends:?}");
            assert_eq!(ends.last().copied().unwrap_or(0), text.len());
        }
    }

    #[test]
    fn what_is_far_from_a_difference_is_hidden() {
        let base = "one two three four five six seven eight";
        let other = "one two three four 5 six seven eight nine";
        let shown: Vec<String> = only_different(&diff(base, other), base, 1)
            .into_iter()
            .map(|excerpt| match excerpt {
                Excerpt::Hidden(_) => "…".to_owned(),
                Excerpt::Shown(hunk) if hunk.is_same => base[hunk.base].to_owned(),
                Excerpt::Shown(hunk) => format!("<{}|{}>", &base[hunk.base], &other[hunk.other]),
            })
            .collect();
        assert_eq!(shown.concat(), "…four <five|5> six seven eight<| nine>");
        let same = diff(base, base);
        assert_eq!(only_different(&same, base, 2), [Excerpt::Hidden(same[0].clone())]);
    }

    fn answer(tokens: Vec<Token>) -> Run {
        let request = Request {
            endpoint: "e".into(),
            model: "m".into(),
            messages: Vec::new(),
            sampling: Sampling::default(),
            continuation: None,
            stream: true,
        };
        let mut run = Run::new(RunId(1), Arc::new(request), Timestamp::default());
        run.apply(StreamEvent::Delta { text: String::new(), tokens }, Timestamp::default());
        run
    }

    fn token(candidates: &[(&str, f64)]) -> Token {
        let candidate = |(text, p): &(&str, f64)| Candidate {
            piece: Piece::new(*text, None),
            logprob: Some(p.ln()),
            id: None,
        };
        Token {
            piece: Piece::new(candidates[0].0, None),
            logprob: Some(candidates[0].1.ln()),
            candidates: candidates.iter().map(candidate).collect(),
            id: None,
        }
    }

    #[test]
    fn runs_part_with_both_tokens_in_both() {
        let first = answer(vec![token(&[("a", 0.9)]), token(&[("b", 0.6), ("c", 0.3)])]);
        let second = answer(vec![token(&[("a", 0.5)]), token(&[("d", 0.7), ("b", 0.2)])]);
        let parting = Parting::of(&first, &second).unwrap();
        assert_eq!(parting.at, 1);
        let (b, d) = (parting.first.unwrap(), parting.second.unwrap());
        assert_eq!(b.in_first, Likelihood::Known(0.6f64.ln()));
        assert_eq!(b.in_second, Likelihood::Known(0.2f64.ln()));
        assert_eq!(d.in_second, Likelihood::Known(0.7f64.ln()));
        // Not listed: at most what the list leaves, a tenth, which is less than its least.
        let Likelihood::AtMost(bound) = d.in_first else { panic!("{d:?}") };
        assert!((bound.exp() - 0.1).abs() < 1e-12);
    }

    #[test]
    fn a_run_that_ends_first_has_no_token_there() {
        let first = answer(vec![token(&[("a", 0.9)])]);
        let second = answer(vec![token(&[("a", 0.9)]), token(&[("b", 0.6)])]);
        let parting = Parting::of(&first, &second).unwrap();
        assert_eq!((parting.at, parting.first), (1, None));
        assert_eq!(parting.second.unwrap().in_first, Likelihood::NotOffered);
        assert_eq!(Parting::of(&first, &first), None);
        assert_eq!(Parting::of(&first, &answer(Vec::new())), None);
    }

    #[test]
    fn texts_with_nothing_in_common_are_compared_in_legs() {
        let (a, b): (Vec<u32>, Vec<u32>) = ((0..3_000).collect(), (9_000..13_000).collect());
        assert_eq!(matches(&a, &b), []);
        let mut shared = a.clone();
        shared.extend(20_000..20_050);
        let mut other = b.clone();
        other.extend(20_000..20_050);
        assert_eq!(matches(&shared, &other), [Match { base: 3_000, other: 4_000, length: 50 }]);
    }

    /// The length of the longest common subsequence, by its table.
    fn common(a: &[u32], b: &[u32]) -> usize {
        let mut row = vec![0; b.len() + 1];
        for x in a {
            let mut corner = 0;
            for (j, y) in b.iter().enumerate() {
                let best = if x == y { corner + 1 } else { row[j].max(row[j + 1]) };
                corner = std::mem::replace(&mut row[j + 1], best);
            }
        }
        row[b.len()]
    }

    proptest! {
        #[test]
        fn the_most_there_is_in_common_is_found(
            a in prop::collection::vec(0u32..5, 0..60),
            b in prop::collection::vec(0u32..5, 0..60),
        ) {
            let found = matches(&a, &b);
            let (mut x, mut y) = (0, 0);
            for matched in &found {
                prop_assert!(matched.base >= x && matched.other >= y);
                (x, y) = (matched.base + matched.length, matched.other + matched.length);
                prop_assert_eq!(&a[matched.base..x], &b[matched.other..y]);
            }
            prop_assert_eq!(found.iter().map(|matched| matched.length).sum::<usize>(), common(&a, &b));
        }

        /// The hunks put together are the base, and with the other's side the other text.
        #[test]
        fn a_diff_applied_gives_the_other_text(
            base in "([a-c ]|가나|\\PC|\r\n){0,40}", other in "([a-c ]|가나|\\PC|\r\n){0,40}",
        ) {
            let hunks = diff(&base, &other);
            let (mut x, mut y) = (0, 0);
            for hunk in &hunks {
                prop_assert_eq!((hunk.base.start, hunk.other.start), (x, y));
                (x, y) = (hunk.base.end, hunk.other.end);
                if hunk.is_same {
                    prop_assert_eq!(&base[hunk.base.clone()], &other[hunk.other.clone()]);
                }
            }
            prop_assert_eq!((x, y), (base.len(), other.len()));
            prop_assert!(hunks.windows(2).all(|pair| pair[0].is_same != pair[1].is_same));
            let joined = coherent(&hunks, &base, &other);
            prop_assert!(joined.windows(2).all(|pair| pair[0].is_same != pair[1].is_same));
            for hunk in joined.iter().filter(|hunk| hunk.is_same) {
                prop_assert!(hunks.contains(hunk));
            }
            let ends = joined.last().map(|hunk| (hunk.base.end, hunk.other.end));
            prop_assert_eq!(ends, hunks.last().map(|hunk| (hunk.base.end, hunk.other.end)));
            let covered = only_different(&hunks, &base, 1).iter().fold(0, |at, excerpt| {
                let (Excerpt::Shown(hunk) | Excerpt::Hidden(hunk)) = excerpt;
                assert_eq!(hunk.base.start, at);
                hunk.base.end
            });
            prop_assert_eq!(covered, base.len());
        }
    }
}
