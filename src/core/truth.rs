//! Whole distributions for tests: what the servers know and the values do not say.
//!
//! Owns the generator of distributions and the reshaping done the plain way, token by token. Never
//! used outside tests.

use crate::core::reshaping::Reshaping;
use crate::core::token::{Candidate, Piece, Token};
use proptest::prelude::*;

/// A distribution over a whole vocabulary, and how much of it a server returns.
#[derive(Debug, Clone)]
pub(super) struct Full {
    /// Logits, descending.
    pub(super) logits: Vec<f64>,
    /// How many candidates are returned.
    pub(super) listed: usize,
    /// Which token was drawn.
    pub(super) chosen: usize,
    /// Whether the server adds the drawn token to its list.
    pub(super) is_stray_listed: bool,
}

impl Full {
    pub(super) fn len(&self) -> usize {
        self.logits.len()
    }

    /// Returns the indices of the candidates in the order of the list.
    pub(super) fn listed(&self) -> impl Iterator<Item = usize> + '_ {
        let is_added = self.is_stray_listed && self.chosen >= self.listed;
        (0..self.listed).chain(is_added.then_some(self.chosen))
    }

    /// Returns the indices of the tokens of which nothing is returned.
    pub(super) fn unseen(&self) -> impl Iterator<Item = usize> + '_ {
        (self.listed..self.len()).filter(|index| *index != self.chosen)
    }

    pub(super) fn is_tied(&self, index: usize) -> bool {
        self.logits.iter().filter(|logit| (**logit - self.logits[index]).abs() <= 0.0).count() > 1
    }

    /// Returns what the server reports, its values taken after a temperature.
    pub(super) fn token(&self, temperature: f64) -> Token {
        let scaled: Vec<f64> = self.logits.iter().map(|logit| logit / temperature).collect();
        let sum: f64 = scaled.iter().map(|logit| (logit - scaled[0]).exp()).sum();
        let logprob = |index: usize| Some((scaled[index] - scaled[0] - sum.ln()).min(0.0));
        let piece = |index: usize| Piece::new(format!("t{index}"), None);
        let candidates = self
            .listed()
            .map(|index| Candidate { piece: piece(index), logprob: logprob(index), id: None })
            .collect();
        Token { piece: piece(self.chosen), logprob: logprob(self.chosen), candidates, id: None }
    }

    /// Returns the probabilities at a temperature.
    pub(super) fn at(&self, temperature: f64) -> Vec<f64> {
        let weights: Vec<f64> = self
            .logits
            .iter()
            .enumerate()
            .map(|(index, logit)| {
                if temperature > 0.0 {
                    ((logit - self.logits[0]) / temperature).exp()
                } else {
                    f64::from(u8::from(index == 0))
                }
            })
            .collect();
        let sum: f64 = weights.iter().sum();
        weights.iter().map(|weight| weight / sum).collect()
    }

    /// Returns the probabilities that remain, computed one step after the other.
    pub(super) fn reshaped(&self, reshaping: Reshaping) -> Vec<f64> {
        let mut p = self.at(reshaping.temperature);
        let renormalise = |p: &mut Vec<f64>| {
            let sum: f64 = p.iter().sum();
            for p in p {
                *p /= sum;
            }
        };
        if let Some(top_k) = reshaping.top_k.filter(|top_k| *top_k > 0) {
            p.iter_mut().skip(top_k as usize).for_each(|p| *p = 0.0);
            renormalise(&mut p);
        }
        if let Some(top_p) = reshaping.top_p {
            let mut before = 0.0;
            for p in &mut p {
                let own = *p;
                if before >= top_p {
                    *p = 0.0;
                }
                before += own;
            }
            renormalise(&mut p);
        }
        if let Some(min_p) = reshaping.min_p {
            let least = min_p * p[0];
            p.iter_mut().filter(|p| **p < least).for_each(|p| *p = 0.0);
            renormalise(&mut p);
        }
        p
    }
}

/// Whether two probabilities are equal but for rounding.
pub(super) fn near(a: f64, b: f64) -> bool {
    (a - b).abs() <= 1e-9 * b + 1e-13
}

/// Returns distributions of many shapes, cut to a list, with any token drawn.
pub(super) fn full() -> impl Strategy<Value = Full> {
    let logits = prop_oneof![
        // Anything.
        prop::collection::vec(-12.0f64..0.0, 1..80),
        // Peaky: one or two tokens have nearly everything.
        (prop::collection::vec(-30.0f64..-8.0, 1..300), 0.0f64..3.0).prop_map(|(tail, second)| [
            vec![0.0, -second],
            tail
        ]
        .concat()),
        // Flat.
        prop::collection::vec(-0.01f64..0.0, 1..200),
        (1usize..200).prop_map(|len| vec![0.0; len]),
        // Ties, as from half-precision logits.
        prop::collection::vec((-40i32..0).prop_map(|step| f64::from(step) / 4.0), 1..150),
        // Zipf.
        (2u32..1500, 0.5f64..3.0)
            .prop_map(|(len, exponent)| (1..=len).map(|rank| -exponent * f64::from(rank).ln()).collect()),
        // A head, then a tail in as few tokens as possible.
        (1u32..20, 1usize..10, 0usize..100).prop_map(|(head, plateau, rest)| {
            let mut logits: Vec<f64> = (0..head).map(|step| -0.3 * f64::from(step)).collect();
            logits.extend(vec![-0.3 * f64::from(head); plateau]);
            logits.extend(vec![-60.0; rest]);
            logits
        }),
    ];
    (logits, any::<prop::sample::Index>(), any::<prop::sample::Index>(), any::<bool>(), any::<bool>())
        .prop_map(|(mut logits, listed, chosen, is_rare, is_stray_listed)| {
            logits.sort_by(|a, b| b.total_cmp(a));
            let listed = 1 + listed.index(logits.len().min(25));
            let drawable = if is_rare { logits.len() } else { listed };
            Full { listed, chosen: chosen.index(drawable), is_stray_listed, logits }
        })
}
