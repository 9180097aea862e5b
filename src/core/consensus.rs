//! What several answers say in common, once, and where they part, with who says what.
//!
//! Owns the alignment: first the longest beginning in tokens, where the models' choices were the same,
//! then word by word. One answer, the most common, is compared with each other one; what all of them
//! share with it is shared.
//!
//! Invariant: the shared parts and an answer's own side of each split, in order, are that answer.

use crate::core::diff::{is_chance, matches, numbered, span, units, words};
use crate::core::run::Run;
use crate::core::text::clusters;
use std::cmp::Reverse;
use std::collections::HashMap;
use std::ops::Range;

/// One of the ways answers go on where they part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Way<'a> {
    /// What they say; empty where they say nothing here.
    pub text: &'a str,
    /// Numbers of the answers that say it, from 0, in order.
    pub answers: Vec<usize>,
}

/// A stretch of several answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part<'a> {
    /// What all of them say.
    Shared(&'a str),
    /// Where they part: the most common way first.
    Split(Vec<Way<'a>>),
}

/// Several answers laid over each other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Consensus<'a> {
    /// The parts in order; shared ones and splits take turns.
    pub parts: Vec<Part<'a>>,
    /// How many answers there are.
    pub answers: usize,
}

impl<'a> Consensus<'a> {
    /// Returns the consensus of some runs: by tokens as far as they are the same, then by words.
    #[must_use]
    pub fn of_runs(runs: &[&'a Run]) -> Self {
        let texts: Vec<&str> = runs.iter().map(|run| run.text.as_str()).collect();
        Self::from(&texts, common_beginning(runs))
    }

    /// Returns the consensus of some texts, by words.
    #[must_use]
    pub fn of_texts(texts: &[&'a str]) -> Self {
        Self::from(texts, 0)
    }

    /// Returns the consensus of texts that begin with `head` equal bytes.
    fn from(texts: &[&'a str], head: usize) -> Self {
        let mut parts = Parts { out: Vec::new(), speakers: Vec::new() };
        let Some(first) = texts.first() else { return Self { parts: parts.out, answers: 0 } };
        parts.shared(&first[..head]);
        // Equal answers are one text with several speakers; the one with the most comes first.
        let mut numbers: HashMap<&'a str, usize> = HashMap::new();
        let mut spoken: Vec<(&'a str, Vec<usize>)> = Vec::new();
        for (answer, text) in texts.iter().enumerate() {
            let at = *numbers.entry(text).or_insert_with(|| {
                spoken.push((&text[head..], Vec::new()));
                spoken.len() - 1
            });
            spoken[at].1.push(answer);
        }
        spoken.sort_by_key(|(_, answers)| Reverse(answers.len()));
        let rests: Vec<&'a str> = spoken.iter().map(|(text, _)| *text).collect();
        parts.speakers = spoken.into_iter().map(|(_, answers)| answers).collect();
        let mut at = vec![0; rests.len()];
        for anchor in anchors(&rests) {
            let sides = rests.iter().zip(&at).zip(&anchor).map(|((text, at), span)| &text[*at..span.start]);
            parts.split(sides.collect());
            parts.shared(&rests[0][anchor[0].clone()]);
            at = anchor.iter().map(|span| span.end).collect();
        }
        parts.split(rests.iter().zip(&at).map(|(text, at)| &text[*at..]).collect());
        Self { parts: parts.out, answers: texts.len() }
    }

    /// Returns the share of the answers that go a way.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
    pub fn share(&self, way: &Way<'_>) -> f64 {
        way.answers.len() as f64 / self.answers.max(1) as f64
    }

    /// Returns one answer, put together again.
    #[must_use]
    pub fn answer(&self, number: usize) -> String {
        let side = |part: &Part<'a>| match part {
            Part::Shared(text) => *text,
            Part::Split(ways) => {
                ways.iter().find(|way| way.answers.contains(&number)).map_or("", |way| way.text)
            }
        };
        self.parts.iter().map(side).collect()
    }
}

/// The parts as they are put together.
struct Parts<'a> {
    out: Vec<Part<'a>>,
    /// Numbers of the answers that each text stands for.
    speakers: Vec<Vec<usize>>,
}

impl<'a> Parts<'a> {
    fn shared(&mut self, text: &'a str) {
        if !text.is_empty() {
            self.out.push(Part::Shared(text));
        }
    }

    /// Adds what each text says between two shared parts.
    fn split(&mut self, sides: Vec<&'a str>) {
        if sides.iter().all(|side| side.is_empty()) {
            return;
        }
        let mut places: HashMap<&'a str, usize> = HashMap::new();
        let mut ways: Vec<Way<'a>> = Vec::new();
        for (text, answers) in sides.into_iter().zip(&self.speakers) {
            let at = *places.entry(text).or_insert_with(|| {
                ways.push(Way { text, answers: Vec::new() });
                ways.len() - 1
            });
            ways[at].answers.extend(answers);
        }
        for way in &mut ways {
            way.answers.sort_unstable();
        }
        ways.sort_by_key(|way| (Reverse(way.answers.len()), way.answers[0]));
        self.out.push(Part::Split(ways));
    }
}

/// Returns the stretches that all texts share, each as its bytes in every text, in order.
fn anchors(texts: &[&str]) -> Vec<Vec<Range<usize>>> {
    let mut numbers = HashMap::new();
    let ends: Vec<Vec<usize>> = texts.iter().map(|text| units(text)).collect();
    let spelled: Vec<Vec<u32>> =
        texts.iter().zip(&ends).map(|(text, ends)| numbered(text, ends, &mut numbers)).collect();
    let Some((base, others)) = spelled.split_first() else { return Vec::new() };
    // For each unit of the base, where it stands in the other texts, as long as it does.
    let mut counterparts: Vec<Option<Vec<usize>>> = vec![Some(Vec::with_capacity(others.len())); base.len()];
    for other in others {
        let mut next = 0;
        for matched in matches(base, other) {
            counterparts[next..matched.base].fill(None);
            next = matched.base + matched.length;
            for (offset, units) in counterparts[matched.base..next].iter_mut().enumerate() {
                if let Some(units) = units {
                    units.push(matched.other + offset);
                }
            }
        }
        counterparts[next..].fill(None);
        // Of answers that are all unlike each other nothing is left after a few.
        if counterparts.iter().all(Option::is_none) {
            return Vec::new();
        }
    }
    let mut found: Vec<Vec<Range<usize>>> = Vec::new();
    for (unit, others) in counterparts.into_iter().enumerate() {
        let Some(others) = others else { continue };
        let units = std::iter::once(unit).chain(others);
        let spans: Vec<Range<usize>> =
            units.zip(&ends).map(|(unit, ends)| span(ends, unit..unit + 1)).collect();
        match found.last_mut() {
            Some(last) if last.iter().zip(&spans).all(|(last, span)| last.end == span.start) => {
                for (last, span) in last.iter_mut().zip(spans) {
                    last.end = span.end;
                }
            }
            _ => found.push(spans),
        }
    }
    // White space alone between two splits belongs to them.
    found.retain(|spans| {
        let is_blank = texts[0][spans[0].clone()].trim().is_empty();
        let is_first = spans.iter().all(|span| span.start == 0);
        let is_last = spans.iter().zip(texts).all(|(span, text)| span.end == text.len());
        !is_blank || is_first || is_last
    });
    without_chance(found, texts)
}

/// Returns the anchors but for those that the texts share by chance, see [`is_chance`].
fn without_chance(anchors: Vec<Vec<Range<usize>>>, texts: &[&str]) -> Vec<Vec<Range<usize>>> {
    let weight = |ends: &[usize], starts: &mut dyn Iterator<Item = usize>| {
        let between = ends.iter().zip(starts).zip(texts);
        between.map(|((end, start), text)| words(&text[*end..start])).max().unwrap_or(0)
    };
    let mut kept: Vec<Vec<Range<usize>>> = Vec::with_capacity(anchors.len());
    let Some(first) = anchors.first() else { return kept };
    let mut before = weight(&vec![0; texts.len()], &mut first.iter().map(|span| span.start));
    let mut rest = anchors.into_iter().peekable();
    while let Some(anchor) = rest.next() {
        let ends: Vec<usize> = anchor.iter().map(|span| span.end).collect();
        let after = match rest.peek() {
            Some(next) => weight(&ends, &mut next.iter().map(|span| span.start)),
            None => weight(&ends, &mut texts.iter().map(|text| text.len())),
        };
        let shared = &texts[0][anchor[0].clone()];
        // What all begin and end with stands before the first split and after the last one.
        let is_inside = anchor.iter().any(|span| span.start > 0)
            && ends.iter().zip(texts).any(|(end, text)| *end < text.len());
        if is_inside && is_chance(shared, before, after) {
            before += words(shared) + after;
        } else {
            before = after;
            kept.push(anchor);
        }
    }
    kept
}

/// Returns how many bytes the runs' common tokens at the beginning take, up to where no text has a
/// cluster cut; 0 where they have no tokens or these are not the text.
fn common_beginning(runs: &[&Run]) -> usize {
    let Some((first, others)) = runs.split_first() else { return 0 };
    if runs.iter().any(|run| run.tokens.is_empty() || !run.is_aligned()) {
        return 0;
    }
    let shared = |other: &&Run| {
        let tokens = first.tokens.iter().zip(&other.tokens);
        tokens.take_while(|(a, b)| a.piece.bytes() == b.piece.bytes()).count()
    };
    let tokens = others.iter().map(shared).min().unwrap_or(first.tokens.len());
    let end = tokens.checked_sub(1).map_or(0, |last| first.span(last).end);
    let borders = |run: &&Run| -> Vec<usize> {
        let ends = clusters(&run.text).map(|(at, cluster)| at + cluster.len());
        ends.take_while(|border| *border <= end).collect()
    };
    let all: Vec<Vec<usize>> = runs.iter().map(borders).collect();
    let is_common = |border: &usize| all.iter().all(|borders| borders.binary_search(border).is_ok());
    all[0].iter().rev().copied().find(is_common).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::id::RunId;
    use crate::core::request::{Request, Sampling};
    use crate::core::stream::StreamEvent;
    use crate::core::time::Timestamp;
    use crate::core::token::{Piece, Token};
    use proptest::prelude::*;
    use std::sync::Arc;

    /// Writes a consensus as text: `{way×2|way×1}`.
    fn marked(consensus: &Consensus<'_>) -> String {
        let way = |way: &Way<'_>| format!("{}×{}", way.text, way.answers.len());
        let part = |part: &Part<'_>| match part {
            Part::Shared(text) => (*text).to_owned(),
            Part::Split(ways) => format!("{{{}}}", ways.iter().map(way).collect::<Vec<_>>().join("|")),
        };
        consensus.parts.iter().map(part).collect()
    }

    fn of(texts: &[&str]) -> String {
        marked(&Consensus::of_texts(texts))
    }

    #[test]
    fn shared_text_stands_once_and_splits_have_shares() {
        assert_eq!(
            of(&["a quiet dawn breaks", "a bright dawn breaks", "a quiet dawn falls", "a quiet dawn breaks"]),
            "a {quiet×3|bright×1} dawn {breaks×3|falls×1}"
        );
        assert_eq!(of(&["나는 서울에 산다", "나는 부산에 산다"]), "나는 {서울에×1|부산에×1} 산다");
        assert_eq!(of(&["yes", "yes, always"]), "yes{×1|, always×1}");
        assert_eq!(of(&["same", "same"]), "same");
        assert_eq!(of(&["one two", "three four"]), "{one two×1|three four×1}");
        assert_eq!(of(&["x", ""]), "{x×1|×1}");
        assert_eq!(of(&[]), "");
        let consensus = Consensus::of_texts(&["a b", "a c", "a b"]);
        let Some(Part::Split(ways)) = consensus.parts.last() else { panic!("{consensus:?}") };
        assert_eq!((ways[0].text, ways[0].answers.as_slice()), ("b", &[0, 2][..]));
        assert!((consensus.share(&ways[0]) - 2.0 / 3.0).abs() < 1e-12);
    }

    fn answer(pieces: &[&[u8]]) -> Run {
        let request = Request {
            endpoint: "e".into(),
            model: "m".into(),
            messages: Vec::new(),
            sampling: Sampling::default(),
            continuation: None,
            stream: true,
        };
        let mut run = Run::new(RunId(1), Arc::new(request), Timestamp::default());
        let token = |bytes: &&[u8]| Token {
            piece: Piece::new(String::from_utf8_lossy(bytes), Some(bytes.to_vec())),
            logprob: None,
            candidates: Box::new([]),
            id: None,
        };
        let text = String::from_utf8(pieces.concat()).unwrap();
        let tokens = pieces.iter().map(token).collect();
        run.apply(StreamEvent::Delta { text, tokens }, Timestamp::default());
        run
    }

    #[test]
    fn answers_part_within_a_word_where_their_tokens_part() {
        let slowly = answer(&[b"Go", b" slow", b"ly now"]);
        let slower = answer(&[b"Go", b" slow", b"er now"]);
        let consensus = Consensus::of_runs(&[&slowly, &slower]);
        assert_eq!(marked(&consensus), "Go slow{ly×1|er×1} now");
    }

    #[test]
    fn what_is_shared_by_chance_belongs_to_the_split_around_it() {
        assert_eq!(
            of(&["Yes. slow, the small panda sits", "Yes. red birds, and the loud fox ran"]),
            "Yes. {slow, the small panda sits×1|red birds, and the loud fox ran×1}"
        );
        assert_eq!(of(&["one\n- two", "three\n- four"]), "{one×1|three×1}\n- {two×1|four×1}");
    }

    #[test]
    fn tokens_that_hold_parts_of_characters_cut_none() {
        let (bear, panda) = ("🐻".as_bytes(), "🐼".as_bytes());
        let first = answer(&[b"a ", &bear[..3], &bear[3..]]);
        let second = answer(&[b"a ", &panda[..3], &panda[3..]]);
        assert_eq!(marked(&Consensus::of_runs(&[&first, &second])), "a {🐻×1|🐼×1}");
        let accent = answer(&[b"cafe", "\u{301}".as_bytes()]);
        let plain = answer(&[b"cafe", b"s"]);
        assert_eq!(marked(&Consensus::of_runs(&[&accent, &plain])), "caf{e\u{301}×1|es×1}");
    }

    proptest! {
        #[test]
        fn every_answer_can_be_put_together_again(
            texts in prop::collection::vec("([ab] |가 |\\PC|🇰🇷|e\u{301}){0,20}", 1..7),
        ) {
            let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
            let consensus = Consensus::of_texts(&texts);
            for (number, text) in texts.iter().enumerate() {
                prop_assert_eq!(&consensus.answer(number), text);
            }
            for part in &consensus.parts {
                if let Part::Split(ways) = part {
                    let mut all: Vec<usize> = ways.iter().flat_map(|way| way.answers.clone()).collect();
                    all.sort_unstable();
                    prop_assert_eq!(all, (0..texts.len()).collect::<Vec<_>>());
                    prop_assert!(ways.len() > 1);
                }
            }
            for pair in consensus.parts.windows(2) {
                prop_assert!(!matches!(pair, [Part::Split(_), Part::Split(_)]));
            }
        }

        #[test]
        fn tokens_change_nothing_in_what_the_parts_say(
            texts in prop::collection::vec("(go|slow|ly|er| |가|🐼){0,12}", 2..5), cut in 1usize..4,
        ) {
            let runs: Vec<Run> = texts
                .iter()
                .map(|text| answer(&text.as_bytes().chunks(cut).collect::<Vec<_>>()))
                .collect();
            let runs: Vec<&Run> = runs.iter().collect();
            let consensus = Consensus::of_runs(&runs);
            for (number, text) in texts.iter().enumerate() {
                prop_assert_eq!(&consensus.answer(number), text);
            }
        }
    }
}
