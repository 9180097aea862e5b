//! Which rows and columns of a board are shown: those whose labels have some words.
//!
//! Owns what a word matches, and what follows for the board, worked out once when the words change. Only what
//! is looked at is filtered: a sweep is run, counted and written down as a whole.
//!
//! A word that is a whole label stands for that one, on whatever axis; else for every label that holds it. A word
//! that names an axis, as titles or the setup do, holds for all its values, and has the next word looked for among
//! them: what stands in a title finds it. A cell matches when each word is in one of its labels; a row or a column
//! is shown when a cell of it matches.
//! While columns have no names none is taken away, as that would tell it.

use crate::app::compare::Compare;
use crate::core::bench::Bench;
use crate::core::sweep::{Axis, Parameter, Sweep};
use std::collections::BTreeSet;

/// Most words that are looked for: a bit each.
const WORDS: usize = 32;

/// What is looked for in labels.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    text: String,
    revision: u64,
}

impl Filter {
    /// Returns what is looked for; empty where everything is shown.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether anything is looked for.
    #[must_use]
    pub fn is_on(&self) -> bool {
        !self.text.is_empty()
    }

    /// Returns a number that is another one once something else is shown.
    pub(super) fn revision(&self) -> u64 {
        self.revision
    }
}

/// Some columns and rows of a board, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Matches {
    /// Numbers of the columns.
    pub columns: Vec<usize>,
    /// Numbers of the rows.
    pub rows: Vec<usize>,
}

impl Matches {
    /// Returns the columns and rows of a sweep with a cell whose labels have all words of a text; `None` where
    /// there is no such cell.
    #[must_use]
    pub fn of(sweep: &Sweep, text: &str) -> Option<Self> {
        let words: Vec<String> =
            text.split_whitespace().filter(|word| *word != "·").take(WORDS).map(str::to_lowercase).collect();
        // For each axis and value the words its label has, a bit each.
        let found = words_of(sweep.axes(), &words);
        let all = (0..words.len()).fold(0, |bits, word| bits | 1 << word);
        let own = found.first().map_or(&[0][..], Vec::as_slice);
        let row = |row: usize| {
            let values = sweep.coordinates(row).into_iter().zip(&found).skip(1);
            values.fold(0, |bits, (value, found)| bits | found[value])
        };
        let rows: Vec<u32> = (0..sweep.cell_count() / own.len().max(1)).map(row).collect();
        let beside = |bits: &u32, others: &BTreeSet<u32>| others.iter().any(|other| bits | other == all);
        let matching = |these: &[u32], others: &[u32]| -> Vec<usize> {
            let others: BTreeSet<u32> = others.iter().copied().collect();
            (0..these.len()).filter(|number| beside(&these[*number], &others)).collect()
        };
        let matches = Self { columns: matching(own, &rows), rows: matching(&rows, own) };
        (!matches.rows.is_empty()).then_some(matches)
    }
}

/// Returns what stands before the values of a parameter in titles, where they do not say themselves what they are.
#[must_use]
pub fn lead(parameter: &Parameter) -> Option<String> {
    match parameter {
        Parameter::Temperature => Some("T".to_owned()),
        Parameter::TopP | Parameter::Seed | Parameter::MaxTokens | Parameter::Effort => {
            Some(parameter.to_string())
        }
        Parameter::Format
        | Parameter::Persona
        | Parameter::System
        | Parameter::Model
        | Parameter::Endpoint
        | Parameter::Prompt
        | Parameter::Variable(_)
        | Parameter::Rows => None,
    }
}

/// Returns for each axis and value the words its label has.
fn words_of(axes: &[Axis], words: &[String]) -> Vec<Vec<u32>> {
    let labels = |axis: &Axis| axis.values().iter().map(|value| value.label.to_lowercase()).collect();
    let labels: Vec<Vec<String>> = axes.iter().map(labels).collect();
    let mut found: Vec<Vec<u32>> = labels.iter().map(|labels| vec![0; labels.len()]).collect();
    let mut before = None;
    for (number, word) in words.iter().enumerate() {
        let named = named(axes, &labels, word);
        // Of an axis that the word before names, else of any.
        let of = |only: Option<usize>| -> Vec<(usize, usize)> {
            let within = |axis: &usize| only.is_none_or(|only| only == *axis);
            let values = |axis: usize| (0..labels[axis].len()).map(move |value| (axis, value));
            let all = || (0..labels.len()).filter(within).flat_map(values);
            let whole: Vec<_> = all().filter(|(axis, value)| labels[*axis][*value] == *word).collect();
            let part = || all().filter(|(axis, value)| labels[*axis][*value].contains(word.as_str()));
            if whole.is_empty() { part().collect() } else { whole }
        };
        let having = match (named, before) {
            (Some(own), _) => (0..labels[own].len()).map(|value| (own, value)).collect(),
            (None, Some(bound)) => {
                Some(of(Some(bound))).filter(|own| !own.is_empty()).unwrap_or_else(|| of(None))
            }
            (None, None) => of(None),
        };
        for (axis, value) in having {
            found[axis][value] |= 1 << number;
        }
        before = named;
    }
    found
}

/// Returns the axis that a word names: by all of its name or of what leads its values in titles, else, where no
/// label holds the word, by a part of its name.
fn named(axes: &[Axis], labels: &[Vec<String>], word: &str) -> Option<usize> {
    if labels.iter().flatten().any(|label| label == word) {
        return None;
    }
    let name = |axis: &Axis| axis.parameter().to_string().to_lowercase();
    let is_lead = |axis: &Axis| lead(axis.parameter()).is_some_and(|lead| lead.to_lowercase() == word);
    let whole = axes.iter().position(|axis| is_lead(axis) || name(axis) == word);
    let is_held = || labels.iter().flatten().any(|label| label.contains(word));
    whole.or_else(|| if is_held() { None } else { axes.iter().position(|axis| name(axis).contains(word)) })
}

impl Compare {
    /// Shows only what has the words of a text, all where it has none; returns whether anything has them. Where
    /// nothing has, the board stays as it is.
    pub fn set_filter(&mut self, text: &str) -> bool {
        let Some(sweep) = self.bench.as_ref().map(Bench::sweep) else { return false };
        let text = text.trim();
        let matches = if text.is_empty() { None } else { Matches::of(sweep, text) };
        if matches.is_none() && !text.is_empty() {
            return false;
        }
        text.clone_into(&mut self.filter.text);
        self.filter.revision += 1;
        self.board.show_all();
        if let Some(Matches { columns, rows }) = matches {
            let columns = if self.blind.is_some() { (0..self.board.columns).collect() } else { columns };
            self.board.show_only(columns, rows);
        }
        self.cursor = self.cell_at(self.board.nearest(self.spot_of(self.cursor)));
        true
    }

    /// Shows the columns in their own places again, and those only that the filter leaves.
    pub fn end_vote(&mut self) {
        self.blind = None;
        self.refilter();
    }

    /// Filters anew, as other columns may be taken away than before.
    pub(super) fn refilter(&mut self) {
        let text = std::mem::take(&mut self.filter.text);
        self.set_filter(&text);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::request::{Request, Sampling};
    use crate::core::sweep::Known;
    use proptest::prelude::*;

    fn sweep(axes: &[(&str, &str)]) -> Sweep {
        let base = Request {
            endpoint: "e".into(),
            model: "m".into(),
            messages: Vec::new(),
            sampling: Sampling::default(),
            continuation: None,
            stream: true,
        };
        let known =
            Known { personas: vec![("panda", "p"), ("Red Panda", "r"), ("판다", "k")], ..Known::default() };
        let parsed = |(name, list): &(&str, &str)| {
            Axis::parse(Parameter::from_name(name).unwrap(), list, &known).unwrap()
        };
        Sweep::new(base, axes.iter().map(parsed).collect(), 1).unwrap()
    }

    fn matches(sweep: &Sweep, text: &str) -> Option<(Vec<usize>, Vec<usize>)> {
        Matches::of(sweep, text).map(|matches| (matches.columns, matches.rows))
    }

    #[test]
    fn every_word_must_be_in_a_label_of_the_cell() {
        let sweep = sweep(&[
            ("temperature", "0.3 0.8 1.8"),
            ("persona", "panda, Red Panda, 판다"),
            ("seed", "1 2 10"),
        ]);
        let all = || vec![0, 1, 2];
        assert_eq!(matches(&sweep, "판다"), Some((all(), vec![6, 7, 8])));
        // A whole label is that one, though others hold it; a part is of all that do.
        assert_eq!(matches(&sweep, "panda"), Some((all(), vec![0, 1, 2])));
        assert_eq!(matches(&sweep, "PAND"), Some((all(), vec![0, 1, 2, 3, 4, 5])));
        assert_eq!(matches(&sweep, "red 0.8"), Some((vec![1], vec![3, 4, 5])));
        assert_eq!(matches(&sweep, "판 10 .8"), Some((vec![1, 2], vec![8])));
        assert_eq!(matches(&sweep, "판 tiger"), None);
        assert_eq!(matches(&sweep, "0.3 0.8"), None);
        // It is that seed, though a temperature holds it too.
        assert_eq!(matches(&sweep, "1"), Some((all(), vec![0, 3, 6])));
    }

    #[test]
    fn what_stands_in_a_title_finds_it() {
        let sweep = sweep(&[("temperature", "0.3 1"), ("persona", "panda, Red Panda"), ("seed", "1 7 17")]);
        let both = || vec![0, 1];
        for text in ["T 0.3 · panda · seed 7", "temperature 0.3 seed 7 panda", "temp 0.3 panda see 7"] {
            assert_eq!(matches(&sweep, text), Some((vec![0], vec![1])), "{text}");
        }
        // The axis that is named decides where a value is looked for, and by itself takes nothing away.
        assert_eq!(matches(&sweep, "seed 1"), Some((both(), vec![0, 3])));
        assert_eq!(matches(&sweep, "T 1"), Some((vec![1], (0..6).collect())));
        assert_eq!(matches(&sweep, "T"), Some((both(), (0..6).collect())));
        assert_eq!(matches(&sweep, "persona red"), Some((both(), vec![3, 4, 5])));
        assert_eq!(matches(&sweep, "persona seed 17"), Some((both(), vec![2, 5])));
        // What the named axis does not have is looked for everywhere.
        assert_eq!(matches(&sweep, "seed panda"), Some((both(), vec![0, 1, 2])));
        assert_eq!(matches(&sweep, "seed 8"), None);
    }

    #[test]
    fn one_axis_has_columns_and_none_has_one_cell() {
        let columns = sweep(&[("temperature", "0.3 0.8 1.8")]);
        assert_eq!(matches(&columns, ".8"), Some((vec![1, 2], vec![0])));
        assert_eq!((matches(&sweep(&[]), "x"), matches(&sweep(&[]), "")), (None, Some((vec![0], vec![0]))));
    }

    proptest! {
        /// A row is shown if and only if one of its cells has every word, and so is a column.
        #[test]
        fn what_is_shown_is_what_has_a_matching_cell(
            words in prop::collection::vec("[0-9.]{1,3}|pan|red", 0..4), rows in 1usize..12,
        ) {
            let seeds: Vec<String> = (1..=rows).map(|seed| seed.to_string()).collect();
            let sweep = sweep(&[("temperature", "0.1 0.2 1"), ("persona", "panda, Red Panda"), ("seed", &seeds.join(" "))]);
            let labels = |cell: usize| sweep.labels(cell).into_iter().map(str::to_lowercase);
            let has = |cell: usize, word: &String| {
                let is_whole = (0..sweep.cell_count()).any(|cell| labels(cell).any(|label| label == *word));
                labels(cell).any(|label| if is_whole { label == *word } else { label.contains(word.as_str()) })
            };
            let cells: Vec<usize> =
                (0..sweep.cell_count()).filter(|cell| words.iter().all(|word| has(*cell, word))).collect();
            let high = 2 * rows;
            let numbers = |of: &dyn Fn(usize) -> usize| -> Vec<usize> {
                cells.iter().map(|cell| of(*cell)).collect::<BTreeSet<_>>().into_iter().collect()
            };
            let expected = (numbers(&|cell| cell / high), numbers(&|cell| cell % high));
            let expected = Some(expected).filter(|_| !cells.is_empty());
            prop_assert_eq!(matches(&sweep, &words.join(" ")), expected);
        }
    }
}
