//! A sweep as JSON: one object with its cells, or one object per sample.
//!
//! Owns the field names; those of an answer are [`RunRecord`]'s, as everywhere. Values are written as they
//! are reached, and answers whose candidates were let go are fetched one by one, so that a large sweep
//! needs no more memory than a small one.

use super::{Report, Shapes};
use crate::check::Verdict;
use crate::core::bench::State;
use crate::core::diversity::{Agreement, Diversity};
use crate::export::record::RunRecord;
use serde::Serialize;
use serde::ser::{SerializeMap, SerializeSeq, Serializer};

/// A whole sweep, written down.
pub struct SweepDocument<'r, 'a>(pub &'r Report<'a>);

impl Serialize for SweepDocument<'_, '_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let report = self.0;
        let (bench, progress) = (report.bench, &report.progress);
        let sweep = bench.sweep();
        let axes: Vec<AxisRecord> = sweep
            .axes()
            .iter()
            .map(|axis| AxisRecord {
                name: axis.parameter().to_string(),
                values: axis.values().iter().map(|value| &*value.label).collect(),
            })
            .collect();
        let spent = progress.spent;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("model", &sweep.base().model)?;
        map.serialize_entry("endpoint", &sweep.base().endpoint)?;
        map.serialize_entry("axes", &axes)?;
        map.serialize_entry("repeats", &sweep.repeats())?;
        map.serialize_entry("samples", &progress.samples)?;
        for state in State::ALL {
            map.serialize_entry(state.name(), &progress.counts.of(state))?;
        }
        map.serialize_entry("kept", &progress.kept)?;
        let spent = SpentRecord { requests: spent.requests, dollars: spent.dollars, seconds: spent.seconds };
        map.serialize_entry("spent", &spent)?;
        map.serialize_entry("stopped_by", &progress.bound.map(|bound| bound.to_string()))?;
        map.serialize_entry("checks", &check_records(report, 0..bench.slots().len()))?;
        if !report.columns().is_empty() {
            map.serialize_entry("columns", &Columns(report))?;
        }
        let votes: Vec<VotesRecord> =
            report.voted().map(|(value, votes)| VotesRecord { label: &value.label, votes }).collect();
        if !votes.is_empty() {
            map.serialize_entry("votes", &votes)?;
        }
        let shapes = Shapes::of_samples(bench.slots().iter().map(|slot| &slot.sample));
        map.serialize_entry("cells", &Cells(report, &shapes))?;
        map.end()
    }
}

#[derive(Serialize)]
struct AxisRecord<'a> {
    name: String,
    values: Vec<&'a str>,
}

#[derive(Serialize)]
struct SpentRecord {
    requests: u64,
    dollars: f64,
    seconds: f64,
}

/// How answers kept to a check, written down.
#[derive(Serialize)]
struct CheckRecord {
    check: String,
    required: bool,
    passed: usize,
    failed: usize,
    pass_rate: Option<f64>,
}

#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
fn check_records(report: &Report<'_>, samples: std::ops::Range<usize>) -> Vec<CheckRecord> {
    let tallies = report.tallies(samples);
    let record = |(check, tally): (&&crate::check::Check, super::Tally)| {
        let judged = tally.passed + tally.failed;
        CheckRecord {
            check: check.to_string(),
            required: check.required,
            passed: tally.passed,
            failed: tally.failed,
            pass_rate: (judged > 0).then(|| tally.passed as f64 / judged as f64),
        }
    };
    report.checks.iter().zip(tallies).map(record).collect()
}

/// The statistics over each value of the first axis.
struct Columns<'r, 'a>(&'r Report<'a>);

impl Serialize for Columns<'_, '_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let values = self.0.columns();
        let mut columns = serializer.serialize_seq(Some(values.len()))?;
        for (column, value) in values.iter().enumerate() {
            let statistics = self.0.bench.column_statistics(column);
            columns.serialize_element(&ColumnRecord { label: &value.label, statistics })?;
        }
        columns.end()
    }
}

#[derive(Serialize)]
struct ColumnRecord<'a> {
    label: &'a str,
    statistics: Option<&'a Diversity>,
}

/// How often a value of the first axis was chosen in blind votes.
#[derive(Serialize)]
struct VotesRecord<'a> {
    label: &'a str,
    votes: u32,
}

struct Cells<'r, 'a>(&'r Report<'a>, &'r Shapes);

impl Serialize for Cells<'_, '_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self(report, shapes) = *self;
        let count = report.bench.sweep().cell_count();
        let mut cells = serializer.serialize_seq(Some(count))?;
        for cell in 0..count {
            cells.serialize_element(&CellDocument {
                labels: Labels(report, cell),
                is_best: report.is_best(cell),
                note: report.note(cell),
                statistics: report.bench.statistics(cell),
                agreement: report.bench.agreement(cell),
                checks: check_records(report, report.bench.samples_of(cell)),
                samples: Samples(report, shapes, cell),
            })?;
        }
        cells.end()
    }
}

#[derive(Serialize)]
struct CellDocument<'r, 'a> {
    labels: Labels<'r, 'a>,
    is_best: bool,
    note: Option<&'r str>,
    statistics: Option<&'a Diversity>,
    #[serde(skip_serializing_if = "Option::is_none")]
    agreement: Option<Agreement>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    checks: Vec<CheckRecord>,
    samples: Samples<'r, 'a>,
}

/// The value of a cell on each axis, by the axis's name.
struct Labels<'r, 'a>(&'r Report<'a>, usize);

impl Serialize for Labels<'_, '_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let sweep = self.0.bench.sweep();
        let mut labels = serializer.serialize_map(Some(sweep.axes().len()))?;
        for (axis, label) in sweep.axes().iter().zip(sweep.labels(self.1)) {
            labels.serialize_entry(&axis.parameter().to_string(), label)?;
        }
        labels.end()
    }
}

struct Samples<'r, 'a>(&'r Report<'a>, &'r Shapes, usize);

impl Serialize for Samples<'_, '_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let samples = self.0.bench.samples_of(self.2);
        let mut sequence = serializer.serialize_seq(Some(samples.len()))?;
        for sample in samples {
            sequence.serialize_element(&SampleDocument { report: self.0, shapes: self.1, sample })?;
        }
        sequence.end()
    }
}

/// One sample, written down.
pub struct SampleDocument<'r, 'a> {
    /// The sweep it is of.
    pub report: &'r Report<'a>,
    /// The forms its answers were asked to have.
    pub shapes: &'r Shapes,
    /// Its number.
    pub sample: usize,
}

#[derive(Serialize)]
struct SampleRecord<'r, 'a> {
    cell: usize,
    labels: Labels<'r, 'a>,
    repeat: u32,
    seed: Option<i64>,
    key: String,
    state: &'static str,
    kept: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    refusal: Option<&'a str>,
    dollars: Option<f64>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    checks: Vec<VerdictRecord>,
    #[serde(flatten)]
    run: Option<RunRecord<'r>>,
}

/// What came of a check, written down.
#[derive(Serialize)]
struct VerdictRecord {
    check: String,
    passed: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

impl Serialize for SampleDocument<'_, '_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { report, shapes, sample } = *self;
        let slot = report.slot(sample);
        let whole = report.whole_run(sample);
        let verdict = |(check, verdict): (&crate::check::Check, &Verdict)| {
            let (passed, reason) = match verdict {
                Verdict::Passed => (Some(true), None),
                Verdict::Failed(reason) => (Some(false), Some(reason.clone())),
                Verdict::Open => (None, None),
            };
            VerdictRecord { check: check.to_string(), passed, reason }
        };
        SampleRecord {
            cell: slot.sample.cell,
            labels: Labels(report, slot.sample.cell),
            repeat: slot.sample.repeat,
            seed: slot.sample.request.sampling.seed,
            key: slot.sample.key.to_string(),
            state: slot.state().name(),
            kept: slot.was_kept,
            refusal: slot.refusal.as_deref(),
            dollars: slot.dollars,
            checks: report.verdicts_on(sample).map(verdict).collect(),
            run: whole.as_deref().map(|run| RunRecord::new(run, (report.usage)(run), shapes.of(sample))),
        }
        .serialize(serializer)
    }
}
