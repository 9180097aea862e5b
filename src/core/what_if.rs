//! What the probabilities of a position would be at another temperature and other cuts, without asking.
//!
//! Owns the answer: a band for every candidate, the chosen token and the tail, and what the cuts do
//! with each. Never invents the tokens that were not returned: every band holds the truth for every
//! unseen tail the values allow, and is a point only where nothing is missing. Where the bounds come
//! from is told in [`cut`](crate::core::cut) and [`ladder`](crate::core::ladder). Penalties and logit
//! biases are no part of it: it reshapes what was reported.

use crate::core::cut::{Before, Cuts, Fate, Sums, share_of};
use crate::core::ladder::Ladder;
use crate::core::probability::Range;
use crate::core::reshaping::{Refusal, Reshaping, Source};
use crate::core::token::Token;
use serde::Serialize;

/// A token of a position, reshaped.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Share {
    /// Its probability; 0 where it is cut.
    pub band: Range,
    /// The probability of it and everything more probable; 1 where it is cut.
    pub cumulative: Range,
    /// What the cuts do with it.
    pub fate: Fate,
}

/// A position, reshaped.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Outcome {
    /// The candidates, in the server's order.
    pub candidates: Vec<Share>,
    /// The chosen token, whether it is among the candidates or not.
    pub chosen: Share,
    /// The tokens of which no value is known, together.
    pub tail: Range,
}

impl Outcome {
    /// Whether every figure of it is a point.
    #[must_use]
    pub fn is_exact(&self) -> bool {
        let shares = self.candidates.iter().chain([&self.chosen]);
        self.tail.is_point() && shares.into_iter().all(|share| share.band.is_point())
    }

    /// Whether the chosen token or a candidate is too uncertain for its bar to mean much.
    #[must_use]
    pub fn is_wide(&self) -> bool {
        self.candidates.iter().chain([&self.chosen]).any(|share| share.band.is_wide())
    }
}

/// A question put to positions: checked once, asked of every token.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct WhatIf {
    cuts: Cuts,
    vocabulary: usize,
}

impl WhatIf {
    /// Returns the question `reshaping`, put to values of `source` from a model with so many tokens
    /// in its vocabulary.
    ///
    /// # Errors
    /// Refuses parameters out of their range.
    pub fn new(source: Source, reshaping: Reshaping, vocabulary: usize) -> Result<Self, Refusal> {
        Ok(Self { cuts: Cuts::new(source, reshaping)?, vocabulary })
    }

    /// Returns the power that reported probabilities are raised to; infinite for temperature 0.
    #[must_use]
    pub fn power(self) -> f64 {
        self.cuts.power
    }

    /// Returns the position of a token, reshaped.
    ///
    /// # Errors
    /// Refuses a token without candidates.
    pub fn outcome(&self, token: &Token) -> Result<Outcome, Refusal> {
        Ladder::of(token, self.vocabulary, |ladder| {
            let sums = self.cuts.sums(&ladder);
            let share = |logprob| self.share(&ladder, &sums, logprob);
            let chosen = self.chosen_share(&ladder, &sums);
            let mut tail = sums.tail_band();
            if ladder.rest.is_unmatched {
                // It may be one of the unseen tokens, and then is not of the tail.
                tail.min = (tail.min - chosen.band.max).max(0.0);
            }
            let candidates = token.candidates.iter().map(|candidate| share(candidate.logprob)).collect();
            Outcome { candidates, chosen, tail }
        })
        .ok_or(Refusal::NoCandidates)
    }

    /// Returns the chosen token's probability, reshaped. Does not allocate for lists of the length
    /// servers give; over a whole answer [`WhatIf::chosen_of`] is faster.
    ///
    /// # Errors
    /// Refuses a token without candidates, or without a value of its own.
    pub fn chosen_band(&self, token: &Token) -> Result<Range, Refusal> {
        Ladder::of(token, self.vocabulary, |ladder| self.chosen_of(&ladder).ok_or(Refusal::NoLogprob))
            .ok_or(Refusal::NoCandidates)?
    }

    /// Returns the chosen token's probability at a position that was read before, reshaped; `None`
    /// without a value of its own. The vocabulary is the ladder's.
    #[must_use]
    pub fn chosen_of(&self, ladder: &Ladder<'_>) -> Option<Range> {
        let logprob = ladder.rest.chosen?;
        if self.cuts.is_whole() {
            let top = ladder.top();
            let of = |logprob: f64| (self.cuts.power * (logprob - top)).exp();
            let head: f64 = ladder.head.iter().copied().map(of).sum();
            let known = head + ladder.rest.stray.map_or(0.0, of);
            let all = self.cuts.all(ladder, known).1;
            let weight = self.cuts.weight(logprob, top);
            return Some(Range { min: share_of(weight, all.max), max: share_of(weight, all.min) });
        }
        let sums = self.cuts.sums(ladder);
        Some(self.chosen_share(ladder, &sums).band)
    }

    /// Returns the interval in which the largest top_p lies that would have cut the chosen token, at
    /// the temperature asked about: the mass of what is more probable. A point where its rank is known.
    ///
    /// # Errors
    /// Refuses a token without candidates, or without a value of its own.
    pub fn cutting_top_p(&self, token: &Token) -> Result<Range, Refusal> {
        Ladder::of(token, self.vocabulary, |ladder| {
            let own = ladder.rest.chosen.ok_or(Refusal::NoLogprob)?;
            let whole = self.cuts.without_cuts();
            if self.cuts.power.is_infinite() {
                // Nothing is before the most probable token, and all is before any other.
                let is_first = ladder.head.first() == Some(&own);
                let is_tied = ladder.head.get(1) == Some(&own);
                let min = if is_first || ladder.head.is_empty() { 0.0 } else { 1.0 };
                let max = if is_first && !is_tied && !ladder.rest.is_unmatched { 0.0 } else { 1.0 };
                return Ok(Range { min, max });
            }
            let sums = whole.sums(&ladder);
            let Before { sum, ties, .. } = whole.before(&ladder, &sums, own);
            let least = share_of(sum, sums.kept.max);
            let most = if ladder.rest.stray == Some(own) || ladder.rest.is_unmatched {
                1.0 - share_of(whole.weight(own, sums.top), sums.kept.max)
            } else {
                share_of(sum + ties * whole.weight(own, sums.top), sums.kept.min)
            };
            Ok(Range { min: least, max: most.max(least) })
        })
        .ok_or(Refusal::NoCandidates)?
    }

    /// Returns the share of a candidate.
    fn share(&self, ladder: &Ladder<'_>, sums: &Sums, logprob: Option<f64>) -> Share {
        let Some(logprob) = logprob else { return self.unseen_share(ladder, sums) };
        let weight = self.cuts.weight(logprob, sums.top);
        let before = self.cuts.before(ladder, sums, logprob);
        let is_stray = ladder.rest.stray == Some(logprob);
        let fate = if is_stray {
            self.cuts.fate_of_stray(ladder, sums, &before, weight)
        } else {
            self.cuts.fate_in_head(sums, &before, weight)
        };
        // If it is kept, so is everything before it.
        let with_it = if sums.is_whole { 0.0 } else { before.sum + weight };
        let least_with_it = sums.kept.min.max(with_it);
        let most = share_of(weight, least_with_it);
        let band = match fate {
            Fate::Cut => Range::point(0.0),
            Fate::Kept => Range { min: share_of(weight, sums.kept.max).min(most), max: most },
            Fate::Unknown => Range { min: 0.0, max: most },
        };
        let through = before.sum + weight;
        let all_through = if is_stray { f64::INFINITY } else { through + before.ties * weight };
        let cumulative = match fate {
            Fate::Cut => Range::point(1.0),
            Fate::Kept | Fate::Unknown => {
                Range { min: share_of(through, sums.kept.max), max: share_of(all_through, sums.kept.min) }
            }
        };
        Share { band, cumulative, fate }
    }

    /// Returns the share of the chosen token, which may tie with a candidate without being it.
    fn chosen_share(&self, ladder: &Ladder<'_>, sums: &Sums) -> Share {
        let share = self.share(ladder, sums, ladder.rest.chosen);
        if !ladder.rest.is_unmatched || share.fate == Fate::Cut {
            return share;
        }
        let cumulative = Range { max: 1.0, ..share.cumulative };
        if sums.is_whole {
            return Share { cumulative, ..share };
        }
        Share { cumulative, band: Range { min: 0.0, ..share.band }, fate: Fate::Unknown }
    }

    /// Returns the share of one token that was reported without a value, and so is an unseen one.
    fn unseen_share(&self, ladder: &Ladder<'_>, sums: &Sums) -> Share {
        let is_cut = !sums.is_tail_open;
        let largest = ladder.rest.tail.largest(self.cuts.power, sums.top);
        let most = if is_cut || largest <= 0.0 { 0.0 } else { 1.0 / (1.0 + sums.head / largest) };
        let least = share_of(sums.head, sums.kept.max);
        Share {
            band: Range { min: 0.0, max: most },
            cumulative: Range { min: if is_cut { 1.0 } else { least }, max: 1.0 },
            fate: Fate::of(sums.is_whole, is_cut),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::ladder::Ladders;
    use crate::core::provenance::{Basis, Provenance, Stage};
    use crate::core::request::Sampling;
    use crate::core::token::{Candidate, Piece};
    use crate::core::truth::{Full, full, near};
    use proptest::prelude::*;

    fn reshapings() -> impl Strategy<Value = Reshaping> {
        let temperature = prop_oneof![3 => 0.05f64..3.0, 1 => Just(1.0), 1 => 0.01f64..0.1, 1 => Just(0.0)];
        let top_p = prop::option::of(prop_oneof![0.01f64..1.0, 0.9f64..1.0]);
        let min_p = prop::option::of(prop_oneof![0.0f64..0.3, 1e-6f64..1e-3, Just(1.0)]);
        let top_k = prop::option::of(0u32..50);
        (temperature, top_p, min_p, top_k).prop_map(|(temperature, top_p, min_p, top_k)| Reshaping {
            temperature,
            top_p,
            min_p,
            top_k,
        })
    }

    /// Whether a true value lies in a band.
    fn holds(band: Range, truth: f64) -> bool {
        let slack = 1e-9 * truth + 1e-13;
        band.min <= truth + slack && band.max >= truth - slack && band.min <= band.max + 1e-15
    }

    /// How a server reports the chosen token.
    #[derive(Debug, Clone, Copy)]
    enum Spelling {
        /// With the bytes of its candidate.
        Plain,
        /// With other bytes.
        Other,
        /// As outside the list, where it is.
        Outside,
    }

    fn spellings() -> impl Strategy<Value = Spelling> {
        prop_oneof![3 => Just(Spelling::Plain), 1 => Just(Spelling::Other), 1 => Just(Spelling::Outside)]
    }

    /// Compares everything that is said of a position with the whole distribution it was cut from.
    fn check(
        full: &Full,
        reshaping: Reshaping,
        reported_at: f64,
        spelling: Spelling,
    ) -> Result<(), TestCaseError> {
        let source = Source::after(reported_at);
        let what_if = WhatIf::new(source, reshaping, full.len()).unwrap();
        let mut token = full.token(reported_at);
        match spelling {
            Spelling::Plain => {}
            Spelling::Other => token.piece = Piece::new("\u{fffd}", None),
            Spelling::Outside if full.listed().any(|index| index == full.chosen) => {}
            Spelling::Outside => token.logprob = None,
        }
        let outcome = what_if.outcome(&token).unwrap();
        let truth = full.reshaped(reshaping);
        let mut shares: Vec<(usize, Share)> = full.listed().zip(outcome.candidates.iter().copied()).collect();
        shares.push((full.chosen, outcome.chosen));
        for (index, share) in &shares {
            let true_share = truth[*index];
            prop_assert!(holds(share.band, true_share), "{index}: {true_share} in {share:?}\n{token:?}");
            // Where two tokens tie, which of them is cut is the server's choice.
            match share.fate {
                Fate::Kept => prop_assert!(true_share > 0.0 || share.band.min < 1e-300, "{index} {share:?}"),
                Fate::Cut => prop_assert!(true_share <= 0.0, "{index}: {true_share} {share:?}"),
                Fate::Unknown => {}
            }
            let is_tied = full.is_tied(*index);
            let through: f64 = truth[..=*index].iter().sum();
            prop_assert!(is_tied || holds(share.cumulative, through), "{index}: {through} in {share:?}");
        }
        let mut unseen: f64 = full.unseen().map(|index| truth[index]).sum();
        if token.logprob.is_none() {
            unseen += truth[full.chosen];
        }
        prop_assert!(holds(outcome.tail, unseen), "tail {unseen} in {:?}", outcome.tail);
        let own = what_if.chosen_band(&token);
        prop_assert_eq!(own, token.logprob.map(|_| outcome.chosen.band).ok_or(Refusal::NoLogprob));
        Ok(())
    }

    fn token(chosen: &str, list: &[(&str, f64)]) -> Token {
        let candidate = |(text, p): &(&str, f64)| Candidate {
            piece: Piece::new(*text, None),
            logprob: Some(p.ln()),
            id: None,
        };
        let candidates: Box<[Candidate]> = list.iter().map(candidate).collect();
        let logprob = candidates.iter().find(|c| c.piece.text() == chosen).and_then(|c| c.logprob);
        Token { piece: Piece::new(chosen, None), logprob, candidates, id: None }
    }

    fn ask(reshaping: Reshaping, vocabulary: usize) -> WhatIf {
        WhatIf::new(Source::BEFORE, reshaping, vocabulary).unwrap()
    }

    fn at(temperature: f64) -> Reshaping {
        Reshaping { temperature, ..Reshaping::default() }
    }

    #[test]
    fn the_ends_of_a_band_are_those_of_the_tails_that_make_them() {
        // A tenth is missing: in 90 equal tokens, or in five as large as the least candidate.
        let token = token("a", &[("a", 0.68), ("b", 0.2), ("c", 0.02)]);
        for temperature in [0.5, 2.0] {
            let outcome = ask(at(temperature), 93).outcome(&token).unwrap();
            let power = |p: f64| p.powf(1.0 / temperature);
            let known = power(0.68) + power(0.2) + power(0.02);
            let (even, few) = (90.0 * power(0.1 / 90.0), 5.0 * power(0.02));
            let (least, most) = if temperature < 1.0 { (even, few) } else { (few, even) };
            let band = outcome.chosen.band;
            // The bands allow for the rounding of servers besides.
            assert!((band.min - power(0.68) / (known + most)).abs() < 1e-5, "{band:?}");
            assert!((band.max - power(0.68) / (known + least)).abs() < 1e-5, "{band:?}");
            assert!((outcome.tail.max - most / (known + most)).abs() < 1e-5);
            assert_eq!(outcome.chosen.fate, Fate::Kept);
        }
    }

    #[test]
    fn what_was_reported_is_exact_where_nothing_changes() {
        // Sums above 1 by rounding are not made 1.
        let token = token("b", &[("a", 0.6), ("b", 0.400_000_1)]);
        let outcome = ask(at(1.0), 100_000).outcome(&token).unwrap();
        assert!(outcome.is_exact());
        assert!((outcome.chosen.band.min - 0.400_000_1).abs() < 1e-15);
        assert_eq!(outcome.tail, Range::point(0.0));
    }

    #[test]
    fn heating_makes_much_of_a_mass_below_rounding() {
        let token = token("a", &[("a", 1.0)]);
        let band = ask(at(3.0), 200_000).outcome(&token).unwrap().chosen.band;
        assert!(band.is_wide() && band.max >= 1.0, "{band:?}");
        assert!(ask(at(0.5), 200_000).outcome(&token).unwrap().is_exact());
    }

    #[test]
    fn temperature_zero_takes_the_first_and_leaves_ties_open() {
        let clear = ask(at(0.0), 9).outcome(&token("b", &[("a", 0.6), ("b", 0.3)])).unwrap();
        assert_eq!(clear.candidates[0].band, Range::point(1.0));
        assert_eq!((clear.chosen.fate, clear.chosen.band), (Fate::Cut, Range::point(0.0)));
        let tied = ask(at(0.0), 9).outcome(&token("b", &[("a", 0.4), ("b", 0.4), ("c", 0.2)])).unwrap();
        assert_eq!((tied.chosen.fate, tied.chosen.band), (Fate::Unknown, Range { min: 0.0, max: 1.0 }));
        assert_eq!(tied.candidates[2].fate, Fate::Cut);
    }

    #[test]
    fn a_nucleus_within_the_list_is_exact() {
        let token = token("c", &[("a", 0.5), ("b", 0.3), ("c", 0.1)]);
        let cut = |top_p| ask(Reshaping { top_p: Some(top_p), ..at(1.0) }, 1000).outcome(&token).unwrap();
        let within = cut(0.75);
        assert!(within.is_exact());
        assert_eq!(
            within.candidates.iter().map(|share| share.fate).collect::<Vec<_>>(),
            [Fate::Kept, Fate::Kept, Fate::Cut]
        );
        assert!((within.candidates[0].band.min - 0.625).abs() < 1e-9);
        // At the boundary a server's rounding decides, and beyond the list the tail is open.
        assert_eq!(cut(0.8).chosen.fate, Fate::Unknown);
        assert!(!cut(0.95).is_exact() && cut(0.95).tail.min > 0.0);
    }

    #[test]
    fn a_chosen_token_at_the_end_of_the_list_may_have_been_added_to_it() {
        // vLLM and llama-cpp-python: the list is the best two and the token that was drawn.
        let token = token("z", &[("z", 0.01), ("a", 0.3), ("b", 0.2)]);
        let outcome = ask(Reshaping { top_k: Some(3), ..at(1.0) }, 1000).outcome(&token).unwrap();
        assert_eq!(outcome.chosen.fate, Fate::Unknown);
        assert_eq!(outcome.candidates[2].fate, Fate::Kept);
    }

    #[test]
    fn of_candidates_that_read_alike_all_but_one_were_listed_for_their_rank() {
        // Two pieces of characters print the same; whichever was drawn, no unseen token is above 0.1.
        let alike = token("\u{fffd}", &[("a", 0.4), ("\u{fffd}", 0.1), ("\u{fffd}", 0.05)]);
        let drawn = Token { logprob: None, ..alike };
        let outcome = ask(Reshaping { top_k: Some(2), ..at(1.0) }, 1000).outcome(&drawn).unwrap();
        let fates: Vec<_> = outcome.candidates.iter().map(|share| share.fate).collect();
        assert_eq!(fates, [Fate::Kept, Fate::Kept, Fate::Cut]);
    }

    #[test]
    fn refusals() {
        let after = Provenance { stage: Stage::AfterTemperature, basis: Basis::Probed };
        let source = |sampling: &Sampling| Source::new(after, sampling);
        let sampling = |temperature| Sampling { temperature, ..Sampling::default() };
        assert_eq!(source(&sampling(Some(0.0))), Err(Refusal::AfterZero));
        assert_eq!(source(&sampling(None)), Err(Refusal::TemperatureUnknown));
        assert_eq!(source(&sampling(Some(0.7))).map(Source::temperature), Ok(0.7));
        let cut = Sampling { top_p: Some(0.9), ..sampling(Some(0.7)) };
        assert_eq!(source(&cut), Err(Refusal::AfterCut));
        let mut extra = sampling(Some(0.7));
        extra.extra.insert("top_k".to_owned(), 40.into());
        assert_eq!(source(&extra), Err(Refusal::AfterCut));
        assert_eq!(Source::new(Provenance::default(), &cut), Ok(Source::BEFORE));

        let bad = |reshaping| WhatIf::new(Source::BEFORE, reshaping, 9).err();
        assert_eq!(bad(at(-1.0)), Some(Refusal::BadTemperature));
        assert_eq!(bad(at(f64::NAN)), Some(Refusal::BadTemperature));
        assert_eq!(bad(Reshaping { top_p: Some(0.0), ..at(1.0) }), Some(Refusal::BadTopP));
        assert_eq!(bad(Reshaping { min_p: Some(1.5), ..at(1.0) }), Some(Refusal::BadMinP));

        let bare =
            Token { piece: Piece::new("a", None), logprob: Some(-1.0), candidates: Box::new([]), id: None };
        assert_eq!(ask(at(1.0), 9).outcome(&bare), Err(Refusal::NoCandidates));
        let outside = Token { logprob: None, ..token("z", &[("a", 0.5), ("b", 0.3)]) };
        assert_eq!(ask(at(1.0), 9).chosen_band(&outside), Err(Refusal::NoLogprob));
        // It is one of the unseen ones, so it is no more probable than the least candidate.
        let share = ask(at(1.0), 9).outcome(&outside).unwrap().chosen;
        assert!(share.band.min <= 0.0 && (share.band.max - 0.2 / (0.8 + 0.2)).abs() < 1e-5, "{share:?}");
    }

    #[test]
    fn hostile_values_stay_within_bounds() {
        let odd = [("a", 1.0), ("b", 1.0), ("c", 1e-300), ("a", 0.9)];
        for vocabulary in [0, 1, 4, usize::MAX] {
            for temperature in [0.0, 1e-300, 0.01, 1.0, 5.0, 1e300] {
                let reshaping =
                    Reshaping { temperature, top_p: Some(0.9), min_p: Some(0.1), top_k: Some(u32::MAX) };
                for reshaping in [reshaping, at(temperature)] {
                    let outcome = ask(reshaping, vocabulary).outcome(&token("a", &odd)).unwrap();
                    for share in outcome.candidates.iter().chain([&outcome.chosen]) {
                        let Range { min, max } = share.band;
                        assert!((0.0..=1.0).contains(&min) && (min..=1.0).contains(&max), "{share:?}");
                    }
                    assert!((0.0..=1.0).contains(&outcome.tail.max), "{:?}", outcome.tail);
                }
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]

        /// Values before temperature: the truth is in every band, and no fate contradicts it.
        #[test]
        fn the_truth_is_in_the_bands(full in full(), reshaping in reshapings(), spelling in spellings()) {
            check(&full, reshaping, 1.0, spelling)?;
        }

        /// The same of values after temperature.
        #[test]
        fn and_from_values_after_temperature(
            full in full(),
            reshaping in reshapings(),
            spelling in spellings(),
            t in 0.1f64..2.5,
        ) {
            check(&full, reshaping, t, spelling)?;
        }

        /// With the whole vocabulary listed nothing is open but ties and boundaries.
        #[test]
        fn a_whole_list_gives_points(full in full(), temperature in 0.05f64..3.0) {
            let full = Full { listed: full.len(), is_stray_listed: true, ..full };
            let reshaping = Reshaping { temperature, ..Reshaping::default() };
            let what_if = WhatIf::new(Source::BEFORE, reshaping, full.len()).unwrap();
            let outcome = what_if.outcome(&full.token(1.0)).unwrap();
            prop_assert!(outcome.is_exact() && outcome.tail == Range::point(0.0));
            for (share, truth) in outcome.candidates.iter().zip(full.reshaped(reshaping)) {
                prop_assert!(near(share.band.min, truth) && near(share.band.max, truth));
                prop_assert_eq!(share.fate, Fate::Kept);
            }
        }

        /// The top_p that cuts the chosen token: just below the interval it does, just above it does not.
        #[test]
        fn the_cutting_top_p(full in full(), temperature in 0.05f64..3.0) {
            let range = ask(at(temperature), full.len()).cutting_top_p(&full.token(1.0)).unwrap();
            let truth = full.at(temperature);
            let before: f64 = truth[..full.chosen].iter().sum();
            if !full.is_tied(full.chosen) {
                prop_assert!(holds(range, before), "{before} in {range:?}");
            }
            prop_assert!(range.min >= 0.0 && range.max <= 1.0);
        }

        /// An answer laid out for speed says the same as its tokens, however it grew.
        #[test]
        fn ladders_say_what_tokens_say(
            fulls in prop::collection::vec(full(), 0..6),
            reshaping in reshapings(),
            grown in 0usize..6,
        ) {
            let tokens: Vec<Token> = fulls.iter().map(|full| full.token(1.0)).collect();
            let mut ladders = Ladders::new(500);
            ladders.extend_to(&tokens[..grown.min(tokens.len())]);
            ladders.extend_to(&tokens);
            prop_assert_eq!(ladders.len(), tokens.len());
            let what_if = ask(reshaping, 500);
            for (token, ladder) in tokens.iter().zip(ladders.iter()) {
                prop_assert_eq!(ladder.and_then(|ladder| what_if.chosen_of(&ladder)), what_if.chosen_band(token).ok());
            }
        }
    }
}
