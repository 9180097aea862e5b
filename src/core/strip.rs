//! An answer on one line: many tokens in few cells.
//!
//! Owns which cell stands for which tokens, in both directions. Never blurs: a cell shows the
//! largest of its values, so the one striking token of a thousand is still seen.
//!
//! Invariant: every token belongs to a cell, and the cells are in the order of the tokens.

use std::ops::Range;

/// Returns the tokens a cell stands for: an equal share of all, at least one where there is any. With
/// more cells than tokens several cells stand for the same token.
#[must_use]
pub fn tokens_of(cell: usize, tokens: usize, cells: usize) -> Range<usize> {
    if tokens == 0 || cell >= cells {
        return 0..0;
    }
    let start = share(cell, tokens, cells);
    start..share(cell + 1, tokens, cells).max(start + 1)
}

/// Returns the first cell that stands for a token; the last one for a token beyond the answer.
#[must_use]
pub fn cell_of(token: usize, tokens: usize, cells: usize) -> usize {
    if tokens == 0 || cells == 0 {
        return 0;
    }
    let token = token.min(tokens - 1);
    if tokens <= cells {
        // The first cell whose share begins at the token.
        return share(token, cells, tokens) + usize::from(!(token * cells).is_multiple_of(tokens));
    }
    let near = share(token, cells, tokens);
    (near..cells).find(|cell| tokens_of(*cell, tokens, cells).contains(&token)).unwrap_or(cells - 1)
}

/// Returns the largest value of each cell; `None` where none of its tokens has one. Where the smallest
/// is what strikes, pass and take the negative.
#[must_use]
pub fn strip(values: &[Option<f64>], cells: usize) -> Vec<Option<f64>> {
    (0..cells)
        .map(|cell| {
            let own = values.get(tokens_of(cell, values.len(), cells)).unwrap_or_default();
            own.iter().flatten().copied().filter(|value| !value.is_nan()).reduce(f64::max)
        })
        .collect()
}

/// Returns ⌊at · whole / parts⌋ without overflow.
fn share(at: usize, whole: usize, parts: usize) -> usize {
    let share = at as u128 * whole as u128 / parts as u128;
    usize::try_from(share).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_striking_value_is_seen() {
        let values = [Some(1.0), Some(9.0), None, Some(2.0), None, None];
        assert_eq!(strip(&values, 3), [Some(9.0), Some(2.0), None]);
        assert_eq!(strip(&values[..2], 4), [Some(1.0), Some(1.0), Some(9.0), Some(9.0)]);
        assert_eq!(strip(&[Some(f64::NAN), Some(0.0)], 1), [Some(0.0)]);
        assert_eq!(strip(&[], 2), [None, None]);
        assert_eq!(strip(&values, 0), []);
    }

    proptest! {
        /// Cells cover all tokens in order, in shares that differ by one at most, and lead back.
        #[test]
        fn cells_cover_the_tokens(tokens in 1usize..400, cells in 1usize..200) {
            let mut next = 0;
            for cell in 0..cells {
                let own = tokens_of(cell, tokens, cells);
                prop_assert!(!own.is_empty() && own.start <= next && own.end >= next);
                prop_assert!(own.len() <= tokens.div_ceil(cells));
                next = own.end;
                if tokens >= cells {
                    prop_assert!(own.len() >= tokens / cells);
                }
            }
            prop_assert_eq!(next, tokens);
            for token in 0..tokens {
                let cell = cell_of(token, tokens, cells);
                prop_assert!(tokens_of(cell, tokens, cells).contains(&token));
                prop_assert!(cell == 0 || !tokens_of(cell - 1, tokens, cells).contains(&token));
            }
        }
    }
}
