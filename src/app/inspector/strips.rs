//! The answer in two lines, a cell for a few tokens: how surprising it was, and where another
//! temperature would have changed it. While a what-if is on, also what it makes of the whole answer.
//!
//! Computed for what is on screen when something it depends on has changed, never while painting.

use crate::app::heat::{Heating, Shade};
use crate::app::inspector::digest::Digest;
use crate::core::band_tally::BandTally;
use crate::core::probability::Range;
use crate::core::run::Run;
use crate::core::strip::{cell_of, tokens_of};

/// The two lines.
#[derive(Debug, Default)]
pub struct Strips {
    /// The hottest colour of each cell's tokens.
    pub heat: Vec<Option<Shade>>,
    /// The earliest change of each cell's tokens.
    pub tipping: Vec<Option<Shade>>,
    /// What a what-if makes of all tokens that were read for it; `None` while none is on.
    pub reshaped: Option<BandTally>,
    /// Tokens they were computed from, and what colours them.
    made_of: Option<(usize, Heating)>,
    /// How many of the tokens were read for reshaping.
    read: usize,
}

impl Strips {
    /// Computes them for `cells` cells, unless nothing changed.
    pub(super) fn settle(&mut self, run: &Run, digest: &Digest, heating: Heating, cells: usize) {
        let tokens = run.tokens.len();
        let (made_of, read) = (Some((tokens, heating)), digest.ladders.len());
        let is_same = self.made_of == made_of && self.heat.len() == cells;
        let has_read = self.read != read;
        (self.made_of, self.read) = (made_of, read);
        if !is_same || (has_read && heating.what_if().is_some()) {
            let bands: Vec<Option<Range>> = match heating.what_if() {
                Some(what_if) => (0..digest.ladders.len().min(tokens))
                    .map(|token| what_if.chosen_of(&digest.ladders.get(token)?))
                    .collect(),
                None => Vec::new(),
            };
            self.reshaped = heating.what_if().map(|_| {
                let mut tally = BandTally::default();
                bands.iter().flatten().for_each(|band| tally.add(*band));
                tally
            });
            let band = |token: usize| bands.get(token).copied().flatten();
            self.heat = strip(tokens, cells, |token| heating.shade_in(&run.tokens[token], band(token)));
        }
        if !is_same || has_read {
            self.tipping = strip(tokens, cells, |token| digest.tipping.get(token).copied().flatten());
        }
    }

    /// Forgets what they were computed from, as another answer is shown.
    pub(super) fn forget(&mut self) {
        *self = Self::default();
    }

    /// Returns the cell that holds a token.
    #[must_use]
    pub fn cell_of(&self, token: usize) -> usize {
        let tokens = self.made_of.map_or(0, |(tokens, _)| tokens);
        cell_of(token, tokens, self.heat.len())
    }

    /// Returns the first token of a cell.
    #[must_use]
    pub fn token_of(&self, cell: usize) -> usize {
        let tokens = self.made_of.map_or(0, |(tokens, _)| tokens);
        tokens_of(cell, tokens, self.heat.len()).start
    }
}

fn strip(tokens: usize, cells: usize, shade: impl Fn(usize) -> Option<Shade>) -> Vec<Option<Shade>> {
    (0..cells).map(|cell| tokens_of(cell, tokens, cells).filter_map(&shade).max()).collect()
}
