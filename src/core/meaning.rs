//! What the values reported for an answer stand for: everything that has to be known before they can
//! be asked what if.
//!
//! Owns how that is put together from what is known of the model and the endpoint, once for every
//! surface. Never takes a vocabulary for smaller than it may be: where it is not known, bounds are
//! computed with more tokens than any has.

use crate::core::ladder::AMPLE_VOCABULARY;
use crate::core::model::{Encoding, ModelCard};
use crate::core::probe::Finding;
use crate::core::provenance::{Basis, Provenance, Stage};
use crate::core::request::Sampling;
use crate::core::reshaping::{Refusal, Reshaping, Source};
use crate::core::tipping::Tipping;
use crate::core::token::Token;
use crate::core::what_if::WhatIf;

/// What the values of one answer stand for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Meaning {
    /// Before or after temperature, and how that is known.
    pub provenance: Provenance,
    /// What takes the values back to the model's own, or why nothing does.
    pub source: Result<Source, Refusal>,
    /// Tokens in the vocabulary, or more than it has where that is not known.
    pub vocabulary: usize,
}

impl Meaning {
    /// Returns what the values of an answer that was sampled so stand for.
    ///
    /// `encoding` is the model's own vocabulary; `None` where it is not known.
    #[must_use]
    pub fn new(provenance: Provenance, sampling: &Sampling, encoding: Option<Encoding>) -> Self {
        Self {
            provenance,
            source: Source::new(provenance, sampling),
            vocabulary: encoding.map_or(AMPLE_VOCABULARY, Encoding::vocabulary),
        }
    }

    /// Whether what is computed from these values would be other if they were those after temperature,
    /// and it is only assumed that they are not. `sampling` is how the answer was asked.
    #[must_use]
    pub fn rests_on_assumption(&self, sampling: &Sampling) -> bool {
        let after = Provenance { stage: Stage::AfterTemperature, basis: Basis::Assumed };
        self.provenance.basis == Basis::Assumed && Source::new(after, sampling) != self.source
    }

    /// Returns the question put to these values.
    ///
    /// # Errors
    /// Refuses values that cannot be taken back, and parameters out of their range.
    pub fn what_if(&self, reshaping: Reshaping) -> Result<WhatIf, Refusal> {
        WhatIf::new(self.source?, reshaping, self.vocabulary)
    }

    /// Returns T* of a token.
    ///
    /// # Errors
    /// Refuses values that cannot be taken back, and tokens without any.
    pub fn tipping(&self, token: &Token) -> Result<Tipping, Refusal> {
        Tipping::of(token, self.source?, self.vocabulary)
    }
}

/// Returns where reported values stand: what the user configured for the endpoint, else what a probe of
/// the model found out there, else what is documented of the model, else what most servers do.
#[must_use]
pub fn provenance(configured_before: Option<bool>, found: Option<&Finding>, card: &ModelCard) -> Provenance {
    let configured = Provenance::stated(configured_before, Basis::Configured);
    let probed = found.and_then(Finding::provenance).unwrap_or_default();
    let documented = Provenance::stated(card.logprobs_before_temperature, Basis::Documented);
    configured.or_better(probed).or_better(documented)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::probe::Placing;

    #[test]
    fn configured_beats_probed_beats_documented_beats_assumed() {
        let card = ModelCard { logprobs_before_temperature: Some(true), ..ModelCard::default() };
        let found = |stage| {
            let placing = Placing { stage, ..Placing::default() };
            Finding { placing, ..Finding::default() }
        };
        let (after, unclear) = (found(Some(Stage::AfterTemperature)), found(None));
        let said = |configured, found: Option<&Finding>, card: &ModelCard| {
            let said = provenance(configured, found, card);
            (said.stage, said.basis)
        };
        let (before, nothing) = (Stage::BeforeTemperature, ModelCard::default());
        assert_eq!(said(Some(true), Some(&after), &card), (before, Basis::Configured));
        assert_eq!(said(Some(false), None, &card), (Stage::AfterTemperature, Basis::Configured));
        assert_eq!(said(None, Some(&after), &card), (Stage::AfterTemperature, Basis::Probed));
        assert_eq!(said(None, Some(&unclear), &card), (before, Basis::Documented));
        assert_eq!(said(None, None, &card), (before, Basis::Documented));
        assert_eq!(said(None, Some(&unclear), &nothing), (before, Basis::Assumed));
        assert_eq!(provenance(None, None, &nothing), Provenance::default());
    }

    #[test]
    fn an_unknown_vocabulary_is_taken_for_larger_than_any() {
        let meaning = |encoding| Meaning::new(Provenance::default(), &Sampling::default(), encoding);
        assert!(Encoding::ALL.iter().all(|known| known.vocabulary() < meaning(None).vocabulary));
        assert_eq!(meaning(Some(Encoding::Cl100kBase)).vocabulary, Encoding::Cl100kBase.vocabulary());
    }

    #[test]
    fn an_assumption_matters_where_the_other_side_would_differ() {
        let rests = |provenance, temperature, top_p| {
            let sampling = Sampling { temperature, top_p, ..Sampling::default() };
            Meaning::new(provenance, &sampling, None).rests_on_assumption(&sampling)
        };
        let (assumed, probed) = (Provenance::default(), Provenance::stated(Some(true), Basis::Probed));
        assert!(rests(assumed, Some(0.7), None) && rests(assumed, None, None));
        assert!(rests(assumed, Some(1.0), Some(0.9)));
        // At temperature 1 without a cut both sides are the same.
        assert!(!rests(assumed, Some(1.0), None) && !rests(probed, Some(0.7), None));
    }

    #[test]
    fn values_after_temperature_0_are_refused() {
        let after = Provenance::stated(Some(false), Basis::Configured);
        let sampling = Sampling { temperature: Some(0.0), ..Sampling::default() };
        let meaning = Meaning::new(after, &sampling, None);
        assert_eq!(meaning.what_if(Reshaping::default()), Err(Refusal::AfterZero));
    }
}
