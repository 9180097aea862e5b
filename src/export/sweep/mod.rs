//! A sweep with its answers as a document, whole or half done.
//!
//! Owns what a document has to go by: the bench, and what the bench leaves to others (verdicts, estimated
//! usage, answers whose candidates were let go). A document of a sweep under way says how far it is.

mod csv;
mod document;
mod html;
mod json;
mod markdown;
pub mod words;

pub use self::csv::document as csv;
pub use document::Document;
pub use html::document as html;
pub use json::{SampleDocument, SweepDocument};
pub use markdown::document as markdown;

use crate::check::{Check, Verdict};
use crate::core::bench::{Bench, Progress, Slot};
use crate::core::job::Remark;
use crate::core::request::ResponseFormat;
use crate::core::run::Run;
use crate::core::stream::Usage;
use crate::core::sweep::{Sample, Value};
use crate::structured::shape::Shape;
use std::borrow::Cow;

/// Everything a document says.
pub struct Report<'a> {
    /// The sweep and its answers.
    pub bench: &'a Bench,
    /// How far it is.
    pub progress: Progress,
    /// What the answers must hold.
    pub checks: Vec<&'a Check>,
    /// For each sample a verdict per check; empty where there is no answer to judge.
    pub verdicts: &'a [Vec<Verdict>],
    /// Returns what an answer was billed, by the provider or as estimated.
    pub usage: &'a dyn Fn(&Run) -> Usage,
    /// Returns the answer of a sample with everything that is kept of it, where the bench let some go.
    pub whole: &'a dyn Fn(usize) -> Option<Run>,
    /// How often each value of the first axis was chosen in blind votes; empty where none was cast.
    pub votes: Vec<u32>,
    /// What the user thinks of each cell; empty where nobody could say.
    pub remarks: Vec<Remark>,
}

/// How the answers kept to one check.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    /// Answers that passed.
    pub passed: usize,
    /// Answers that did not.
    pub failed: usize,
}

impl<'a> Report<'a> {
    /// Returns the place of a sample.
    #[must_use]
    pub fn slot(&self, sample: usize) -> &'a Slot {
        &self.bench.slots()[sample]
    }

    /// Returns the values of the first axis that have statistics of their own over all their cells: none where
    /// each has one cell.
    #[must_use]
    pub fn columns(&self) -> &'a [Value] {
        let sweep = self.bench.sweep();
        let values = sweep.axes().first().map_or(&[][..], |axis| axis.values());
        if sweep.cell_count() > values.len() { values } else { &[] }
    }

    /// Returns the values of the first axis with the votes for each, where any was cast.
    pub fn voted(&self) -> impl Iterator<Item = (&'a Value, u32)> + use<'a> {
        let values = self.bench.sweep().axes().first().map_or(&[][..], |axis| axis.values());
        values.iter().zip(self.votes.clone())
    }

    /// Returns what the user wrote on a cell, where there is something.
    #[must_use]
    pub fn note(&self, cell: usize) -> Option<&str> {
        self.remarks.get(cell).map(|remark| &*remark.note).filter(|note| !note.is_empty())
    }

    /// Whether the user marked a cell as best.
    #[must_use]
    pub fn is_best(&self, cell: usize) -> bool {
        self.remarks.get(cell).is_some_and(|remark| remark.is_best)
    }

    /// Returns the answer of a sample with everything that is known of it.
    #[must_use]
    pub fn whole_run(&self, sample: usize) -> Option<Cow<'a, Run>> {
        let run = self.slot(sample).run.as_ref()?;
        let whole = if run.is_light { (self.whole)(sample) } else { None };
        Some(whole.map_or(Cow::Borrowed(run), Cow::Owned))
    }

    /// Returns the verdicts on a sample, with their checks.
    pub fn verdicts_on(&self, sample: usize) -> impl Iterator<Item = (&'a Check, &'a Verdict)> + use<'a> {
        let verdicts = self.verdicts.get(sample).map_or(&[][..], Vec::as_slice);
        self.checks.clone().into_iter().zip(verdicts)
    }

    /// Returns how the answers of some samples kept to each check.
    #[must_use]
    pub fn tallies(&self, samples: impl IntoIterator<Item = usize>) -> Vec<Tally> {
        let mut tallies = vec![Tally::default(); self.checks.len()];
        for sample in samples {
            for (tally, (_, verdict)) in tallies.iter_mut().zip(self.verdicts_on(sample)) {
                match verdict {
                    Verdict::Passed => tally.passed += 1,
                    Verdict::Failed(_) => tally.failed += 1,
                    Verdict::Open => {}
                }
            }
        }
        tallies
    }
}

/// The forms that answers were asked to have.
#[derive(Debug, Clone)]
pub struct Shapes {
    known: Vec<(Option<ResponseFormat>, Shape)>,
    of: Vec<usize>,
}

impl Shapes {
    /// Returns the form each sample's answer was asked to have; a schema is made ready once.
    ///
    /// A schema that cannot be checked is refused before anything is asked; of such an answer nothing is
    /// said.
    #[must_use]
    pub fn of_samples<'s>(samples: impl IntoIterator<Item = &'s Sample>) -> Self {
        let mut shapes = Self { known: Vec::new(), of: Vec::new() };
        for sample in samples {
            shapes.add(sample.request.sampling.response_format.as_ref());
        }
        shapes
    }

    fn add(&mut self, format: Option<&ResponseFormat>) {
        let found = self.known.iter().position(|(known, _)| known.as_ref() == format);
        let at = found.unwrap_or_else(|| {
            self.known.push((format.cloned(), Shape::of(format).unwrap_or(Shape::Text)));
            self.known.len() - 1
        });
        self.of.push(at);
    }

    /// Returns the form of a sample's answer.
    #[must_use]
    pub fn of(&self, sample: usize) -> &Shape {
        self.of.get(sample).and_then(|at| self.known.get(*at)).map_or(&Shape::Text, |(_, shape)| shape)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::figures::tests::answered;
    use crate::core::sweep::Axis;
    use crate::core::time::Timestamp;

    /// Returns a document of two temperatures for which votes were cast so.
    fn document(votes: Vec<u32>, document: Document) -> String {
        document_with(votes, Vec::new(), document)
    }

    fn document_with(votes: Vec<u32>, remarks: Vec<Remark>, document: Document) -> String {
        let bench = answered(vec![Axis::of_temperatures(&[0.3, 1.8])], 1);
        let progress = bench.progress(Timestamp::default());
        let (usage, whole) = (|_: &Run| Usage::default(), |_: usize| None);
        let report = Report {
            bench: &bench,
            progress,
            checks: Vec::new(),
            verdicts: &[],
            usage: &usage,
            whole: &whole,
            votes,
            remarks,
        };
        let shapes = Shapes::of_samples(bench.slots().iter().map(|slot| &slot.sample));
        document.text(&report, &shapes).unwrap()
    }

    #[test]
    fn what_the_user_thinks_of_a_cell_stands_beside_it() {
        let said = |document| {
            let best = Remark { note: "차분한 *and* <short>".to_owned(), is_best: true };
            document_with(Vec::new(), vec![Remark::default(), best], document)
        };
        let json: serde_json::Value = serde_json::from_str(&said(Document::Json)).unwrap();
        let of = |cell: usize| (json["cells"][cell]["is_best"].clone(), json["cells"][cell]["note"].clone());
        assert_eq!(of(0), (false.into(), serde_json::Value::Null));
        assert_eq!(of(1), (true.into(), "차분한 *and* <short>".into()));
        let table = said(Document::Csv);
        let mut reader = ::csv::Reader::from_reader(table.as_bytes());
        let head = reader.headers().unwrap().clone();
        let at = |name: &str| head.iter().position(|own| own == name).unwrap();
        let rows: Vec<(String, String)> = reader
            .records()
            .map(Result::unwrap)
            .map(|row| (row[at("best")].to_owned(), row[at("note")].to_owned()))
            .collect();
        let expected = [("false", ""), ("true", "차분한 *and* <short>")];
        assert_eq!(rows, expected.map(|(best, note)| (best.to_owned(), note.to_owned())));
        let markdown = said(Document::Markdown);
        assert!(markdown.contains("## temperature 1.8 ★\n\n> 차분한 \\*and\\* \\<short\\>\n"), "{markdown}");
        assert!(markdown.contains("## temperature 0.3\n"), "{markdown}");
        let page = said(Document::Page);
        assert!(page.contains("<h3>temperature 1.8 ★</h3>") && page.contains("&lt;short"), "{page}");
    }

    #[test]
    fn votes_are_told_where_any_was_cast() {
        let json =
            |votes| -> serde_json::Value { serde_json::from_str(&document(votes, Document::Json)).unwrap() };
        let told = serde_json::json!([{"label": "0.3", "votes": 2}, {"label": "1.8", "votes": 1}]);
        assert_eq!(json(vec![2, 1])["votes"], told);
        assert_eq!(json(Vec::new()).get("votes"), None);
        let table = document(vec![2, 1], Document::Csv);
        let mut reader = ::csv::Reader::from_reader(table.as_bytes());
        assert_eq!(reader.headers().unwrap().iter().next_back(), Some("column_votes"));
        let votes: Vec<String> =
            reader.records().map(|row| row.unwrap().iter().next_back().unwrap().to_owned()).collect();
        assert_eq!(votes, ["2", "1"]);
        for form in [Document::Markdown, Document::Page] {
            assert!(document(vec![2, 1], form).contains("Blind votes: 0.3 2 · 1.8 1"));
            assert!(!document(Vec::new(), form).contains("Blind votes"));
        }
    }
}
