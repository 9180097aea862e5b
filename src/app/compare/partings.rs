//! Tokens at which answers part, of answers whose candidates were let go.
//!
//! Owns which of them are fetched: those the differences on screen tell of, each once. Only the candidates of
//! that one token are held from then on, so that looking at every cell of a large comparison stays small.

use crate::app::compare::Compare;
use crate::app::compare::lens::Lens;
use crate::app::layout::Rect;
use crate::core::diff::Parting;
use crate::core::job::RecordId;
use crate::core::token::Token;

/// A token of a kept answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Wanted {
    /// Number of the sample.
    pub sample: usize,
    /// The answer.
    pub record: RecordId,
    /// Number of the token.
    pub at: usize,
}

impl Compare {
    /// Returns the tokens that the differences on screen tell of and that are only where they are kept, unless
    /// they were returned before.
    pub fn wanted_tokens(&mut self, area: Rect) -> Vec<Wanted> {
        if self.lenses.lens != Lens::Difference {
            return Vec::new();
        }
        let mut wanted = Vec::new();
        for (cell, _) in self.cells(area) {
            let Some(base) = self.base_cell(cell) else { continue };
            let sides = [cell, base].map(|cell| Some((cell, self.shown(cell)?)));
            let [Some(own), Some(base)] = sides else { continue };
            let Some((run, other)) = own.1.run.zip(base.1.run) else { continue };
            let at = if run.is_light || other.is_light { Parting::of(run, other) } else { None };
            let Some(Parting { at, .. }) = at else { continue };
            wanted.extend([own, base].into_iter().filter_map(|(cell, shown)| {
                let token = shown.run.filter(|run| run.is_light)?.tokens.get(at)?;
                let record = shown.slot?.record.filter(|_| token.candidates.is_empty())?;
                let sample = self.bench.as_ref()?.samples_of(cell).start + shown.number;
                Some(Wanted { sample, record, at })
            }));
        }
        wanted.retain(|token| self.lenses.fetched.insert(*token));
        wanted
    }

    /// Takes in a token that was fetched, unless its sample has another answer by now.
    pub fn token_fetched(&mut self, wanted: Wanted, token: Token) {
        let Wanted { sample, record, at } = wanted;
        if let Some(bench) = &mut self.bench
            && bench.slots().get(sample).is_some_and(|slot| slot.record == Some(record))
        {
            bench.restore_token(sample, at, token);
        }
    }
}
