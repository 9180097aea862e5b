//! What the store is asked to do and what it answers, as plain data.
//!
//! Owns no storage: these are the words in which the workbench and the headless commands speak of it.
//! Identifiers are made by who asks, so that nobody waits for the store to name a thing, and doing a
//! job twice changes nothing.

use crate::core::bench::Bench;
use crate::core::branch::Verification;
use crate::core::fault::Fault;
use crate::core::request::{Means, Request};
use crate::core::run::Run;
use crate::core::sweep::pace::Timing;
use crate::core::sweep::{Sample, SampleKey, Sweep, hash_of};
use crate::core::text::fit;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Widest question and widest axes in the title of a sweep, in cells: both are to be seen in a list.
const QUESTION_CELLS: usize = 36;
const AXES_CELLS: usize = 60;

/// Identifies something kept, in all sessions: the session's own number, and one within it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RecordId {
    /// Number of the session, drawn at its start.
    pub session: u64,
    /// Number within it.
    pub number: u64,
}

/// A cell of a sweep as it is kept.
#[derive(Debug, Clone, PartialEq)]
pub struct CellRecord {
    /// The label of its value on each axis.
    pub labels: Vec<String>,
    /// What is asked.
    pub request: Arc<Request>,
    /// The user's note.
    pub note: String,
    /// Whether the user marked it as best.
    pub is_best: bool,
}

/// What the user thinks of a cell.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Remark {
    /// The note; empty for none.
    pub note: String,
    /// Whether it is marked as best.
    pub is_best: bool,
}

/// Returns what a sweep is called in a list: its question, and what varies.
#[must_use]
pub fn title_of(question: &str, sweep: &Sweep) -> String {
    let question = fit(question.lines().next().unwrap_or_default(), QUESTION_CELLS);
    let axes = sweep.axes().iter().map(|axis| axis.parameter().to_string());
    let repeats = (sweep.repeats() > 1).then(|| sweep.repeats().to_string());
    let varied = fit(&axes.chain(repeats).collect::<Vec<_>>().join(" × "), AXES_CELLS);
    if varied.is_empty() { question } else { format!("{question} · {varied}") }
}

/// A place for an answer in a sweep.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SampleRecord {
    /// Number of its cell, from 0.
    pub cell: u32,
    /// Which repeat it is, from 0.
    pub repeat: u32,
    /// What finds its answer again.
    pub key: SampleKey,
}

/// A sweep as it is kept, without its answers.
#[derive(Debug, Clone, PartialEq)]
pub struct SweepRecord {
    /// Its identifier.
    pub id: RecordId,
    /// What it is called.
    pub title: String,
    /// Its file, in the form that people share.
    pub plan: String,
    /// When it was begun, in milliseconds since 1970.
    pub begun_ms: i64,
    /// Its cells in order.
    pub cells: Vec<CellRecord>,
    /// Its samples in order.
    pub samples: Vec<SampleRecord>,
}

impl RecordId {
    /// Returns the identifier of the sweep that asks for these samples: the same in every session, so that
    /// who asks the same again finds what was answered.
    #[must_use]
    pub fn of_samples(samples: &[Sample]) -> Self {
        let keys: Vec<String> = samples.iter().map(|sample| sample.key.to_string()).collect();
        let hash = hash_of(&keys.join("\n"));
        let half = |bits: u128| u64::try_from(bits & u128::from(u64::MAX)).unwrap_or_default();
        Self { session: half(hash >> 64), number: half(hash) }
    }
}

impl SweepRecord {
    /// Returns the sweep of a bench as it is kept, without notes and marks.
    #[must_use]
    pub fn of(id: RecordId, title: String, plan: String, begun_ms: i64, bench: &Bench) -> Self {
        let sweep = bench.sweep();
        let cell = |cell: usize| CellRecord {
            labels: sweep.labels(cell).into_iter().map(str::to_owned).collect(),
            request: Arc::clone(&bench.slots()[bench.samples_of(cell).start].sample.request),
            note: String::new(),
            is_best: false,
        };
        let number = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        let samples = bench.slots().iter().map(|slot| SampleRecord {
            cell: number(slot.sample.cell),
            repeat: slot.sample.repeat,
            key: slot.sample.key,
        });
        let samples = samples.collect();
        Self { id, title, plan, begun_ms, cells: (0..sweep.cell_count()).map(cell).collect(), samples }
    }
}

/// An ended run as it is kept.
#[derive(Debug, Clone, PartialEq)]
pub struct RunRecord {
    /// Its identifier, of which [`Run::id`] is no part.
    pub id: RecordId,
    /// When it was begun, in milliseconds since 1970.
    pub begun_ms: i64,
    /// What it cost in dollars, where that is known.
    pub dollars: Option<f64>,
    /// The run.
    pub run: Run,
}

/// How an answer that is kept hangs on another one of its cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct BranchRecord {
    /// Which of the cell's answers it goes on from, samples first.
    pub parent: u32,
    /// Index of the token in whose place another stands.
    pub at: usize,
    /// How the server was made to go on.
    pub means: Means,
    /// Whether it did.
    pub verification: Verification,
    /// How many of its tokens are the beginning's.
    pub inherited: usize,
}

/// An answer beside the samples of a cell, as it is kept.
#[derive(Debug, Clone, PartialEq)]
pub struct AsideRecord {
    /// Number of its cell, from 0.
    pub cell: u32,
    /// Which of the answers beside the samples it is, from 0.
    pub number: u32,
    /// The answer it goes on from, where it is an ending of one.
    pub branch: Option<BranchRecord>,
    /// The answer.
    pub run: RunRecord,
}

/// A sweep in a list.
#[derive(Debug, Clone, PartialEq)]
pub struct SweepSummary {
    /// Its identifier.
    pub id: RecordId,
    /// What it is called.
    pub title: String,
    /// When it was begun, in milliseconds since 1970.
    pub begun_ms: i64,
    /// How many cells it has.
    pub cells: u64,
    /// How many samples it has.
    pub samples: u64,
    /// How many of them have a complete answer.
    pub done: u64,
    /// How many of them failed; one that was stopped is only not answered.
    pub failed: u64,
}

/// Work for the store. Jobs are done in the order they are given.
#[derive(Debug, Clone, PartialEq)]
pub enum StoreJob {
    /// Keep a sweep; of one that is kept, the title, the notes and what was added.
    KeepSweep(Box<SweepRecord>),
    /// Keep the answer of a sample, in the place of an earlier one.
    FinishSample {
        /// The sweep.
        sweep: RecordId,
        /// Number of the cell.
        cell: u32,
        /// Which repeat.
        repeat: u32,
        /// The answer.
        run: Box<RunRecord>,
    },
    /// Keep an answer beside the samples of a cell, in the place of an earlier one of its number.
    KeepAside {
        /// The sweep.
        sweep: RecordId,
        /// The answer.
        aside: Box<AsideRecord>,
    },
    /// Give each sample of a sweep the latest complete answer there is to its request, whichever sweep asked
    /// it; the reply is the sweep as [`Self::LoadSweep`] gives it.
    AdoptAnswers(RecordId),
    /// Keep a note and the mark of a cell.
    MarkCell {
        /// The sweep.
        sweep: RecordId,
        /// Number of the cell.
        cell: u32,
        /// The note; empty for none.
        note: String,
        /// Whether it is the best.
        is_best: bool,
    },
    /// Fetch a sweep with its answers, without their tokens and raw exchanges.
    LoadSweep(RecordId),
    /// Fetch the answers beside the samples of a sweep, without their tokens and raw exchanges.
    LoadAsides(RecordId),
    /// Fetch a run with everything that is kept of it.
    LoadRun(RecordId),
    /// Fetch the latest complete answer for each key, without tokens and raw exchanges.
    FindAnswers(Vec<SampleKey>),
    /// Fetch how long the latest complete answers of a model took.
    LatestTimings {
        /// Where it is.
        endpoint: String,
        /// Its name.
        model: String,
        /// Most answers that are looked at.
        limit: u32,
    },
    /// List the sweeps, the latest first.
    ListSweeps {
        /// Most that are listed.
        limit: u32,
    },
}

/// What the store answers.
#[derive(Debug, Clone, PartialEq)]
pub enum StoreReply {
    /// It is kept.
    Kept,
    /// A sweep, and the answers of its samples where they are there.
    Sweep {
        /// The sweep.
        sweep: Box<SweepRecord>,
        /// An entry per sample, in the same order.
        answers: Vec<Option<RunRecord>>,
    },
    /// A run.
    Run(Box<RunRecord>),
    /// The answers beside the samples, cell by cell.
    Asides(Vec<AsideRecord>),
    /// An entry per key, in the same order.
    Answers(Vec<Option<RunRecord>>),
    /// How long answers took, the latest first.
    Timings(Vec<Timing>),
    /// The sweeps, the latest first.
    Sweeps(Vec<SweepSummary>),
    /// It could not be done.
    Failed(Fault),
}

impl StoreReply {
    /// Returns what was done.
    ///
    /// # Errors
    /// Why it could not be done.
    pub fn outcome(self) -> Result<Self, Fault> {
        match self {
            Self::Failed(fault) => Err(fault),
            done @ (Self::Kept
            | Self::Sweep { .. }
            | Self::Run(_)
            | Self::Asides(_)
            | Self::Answers(_)
            | Self::Timings(_)
            | Self::Sweeps(_)) => Ok(done),
        }
    }
}
