//! How the answers of each column keep to the checks: a row for all of them together, one for each.
//!
//! Owns which samples count: those of the column's cells that were judged. What failed where is in the
//! verdicts; here are shares only.

use crate::app::compare::checks::{Checks, Rate};
use crate::app::figures::{Entry, Figures, Row, Statistic};
use crate::core::bench::Bench;
use std::borrow::Cow;

impl Figures {
    /// Adds the share of answers that pass all checks, and that of each check, where there are any.
    pub fn add_checks(&mut self, bench: &Bench, checks: &Checks) {
        if checks.checks().is_empty() {
            return;
        }
        let samples = |column: usize| {
            self.columns[column].cells.iter().flat_map(|cell| bench.samples_of(*cell)).collect::<Vec<_>>()
        };
        let of_columns: Vec<Vec<usize>> = (0..self.columns.len()).map(samples).collect();
        let row = |statistic, rate: &dyn Fn(&[usize]) -> Rate| {
            let entry = |samples: &Vec<usize>| rate(samples).share().map_or(Entry::Nothing, Entry::one);
            Row { statistic, entries: of_columns.iter().map(entry).collect() }
        };
        let mut rows = vec![row(Statistic::Passed, &|samples| checks.rate(samples.iter().copied()))];
        rows.extend((0..checks.checks().len()).map(|check| {
            row(Statistic::Check(check), &|samples| checks.rate_of(check, samples.iter().copied()))
        }));
        self.rows.extend(rows);
        self.checks = checks.checks().iter().map(ToString::to_string).collect();
    }

    /// Returns what a statistic is called: a check by its name or its rule.
    #[must_use]
    pub fn name_of(&self, statistic: Statistic) -> Cow<'_, str> {
        let own = if let Statistic::Check(number) = statistic { self.checks.get(number) } else { None };
        own.map_or(statistic.name().into(), |name| name.as_str().into())
    }
}
