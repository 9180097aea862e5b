//! What the app wants of the archive of comparisons, and what it hears of it: plain data both ways.
//!
//! Moments in records are milliseconds of the session's clock: the app knows no other, and the archive
//! turns them into the time of day.

use crate::app::compare::checks::Checks;
use crate::app::compare::partings::Wanted;
use crate::app::compare::planned::Planned;
use crate::app::paces::Speaker;
use crate::check::Check;
use crate::core::bench::Bench;
use crate::core::fault::Fault;
use crate::core::job::{AsideRecord, RecordId, Remark, RunRecord, SweepRecord, SweepSummary};
use crate::core::run::Run;
use crate::core::sweep::pace::Timing;
use crate::core::sweep::{Axis, Sweep};
use crate::core::time::Timestamp;
use crate::core::token::Token;

/// What the archive is asked for.
#[derive(Debug, Clone, PartialEq)]
pub enum ArchiveJob {
    /// Keep a comparison that begins. The record's plan is written by the archive.
    Begin {
        /// The comparison.
        record: Box<SweepRecord>,
        /// What it is made of.
        sweep: Box<Sweep>,
        /// What its answers must hold.
        checks: Vec<Check>,
    },
    /// Keep the answer of a sample.
    Keep {
        /// The comparison.
        sweep: RecordId,
        /// Number of the sample.
        sample: usize,
        /// Its cell, and which repeat it is.
        place: (u32, u32),
        /// The answer.
        run: Box<RunRecord>,
    },
    /// Keep an answer beside the samples of a cell.
    KeepAside {
        /// The comparison.
        sweep: RecordId,
        /// The answer.
        aside: Box<AsideRecord>,
    },
    /// Keep what the user thinks of a cell.
    Mark {
        /// The comparison.
        sweep: RecordId,
        /// Number of the cell.
        cell: u32,
        /// The note; empty for none.
        note: String,
        /// Whether it is the best.
        is_best: bool,
    },
    /// Fetch how long the latest answers of a model took.
    Timings(Speaker),
    /// List the comparisons.
    List,
    /// Fetch a comparison with its answers.
    Open(RecordId),
    /// Fetch all of an answer of which some was let go.
    Load {
        /// The comparison.
        sweep: RecordId,
        /// Number of the sample.
        sample: usize,
        /// The answer.
        record: RecordId,
    },
    /// Fetch one token of an answer of which some was let go.
    LoadToken {
        /// The comparison.
        sweep: RecordId,
        /// The token.
        wanted: Wanted,
    },
    /// Write a comparison into a file whose ending says what it is to be.
    Export {
        /// The file.
        path: String,
        /// The comparison.
        bench: Box<Bench>,
        /// What its answers must hold, and the verdicts.
        checks: Box<Checks>,
        /// How often each value of the first axis was chosen in blind votes; empty where none was cast.
        votes: Vec<u32>,
        /// What the user thinks of each cell; empty where nothing was run yet.
        remarks: Vec<Remark>,
        /// Until when it took what it took.
        until: Timestamp,
        /// Whether a file of this name is written over.
        is_over: bool,
    },
    /// Read the file of a sweep.
    ReadPlan(String),
    /// Read a table of variables.
    ReadRows(String),
}

/// A comparison that was fetched.
#[derive(Debug, Clone, PartialEq)]
pub struct Opened {
    /// What is kept of it.
    pub record: SweepRecord,
    /// What it is made of.
    pub sweep: Sweep,
    /// What its answers must hold.
    pub checks: Vec<Check>,
    /// The answers of its samples, in their order.
    pub answers: Vec<Option<RunRecord>>,
    /// The answers beside them, cell by cell.
    pub asides: Vec<AsideRecord>,
}

/// What the archive tells.
#[derive(Debug, Clone, PartialEq)]
pub enum ArchiveNews {
    /// An answer is kept.
    Kept {
        /// The comparison.
        sweep: RecordId,
        /// Number of the sample.
        sample: usize,
        /// The name it is kept under.
        record: RecordId,
    },
    /// How long the latest answers of a model took, the latest first.
    Timings {
        /// The model, and where it is.
        speaker: Speaker,
        /// The timings.
        timings: Vec<Timing>,
    },
    /// The comparisons.
    Listed {
        /// The latest first.
        sweeps: Vec<SweepSummary>,
        /// The time of day, in milliseconds since 1970.
        now_ms: i64,
    },
    /// A comparison was fetched.
    Opened(Box<Opened>),
    /// All of an answer was fetched.
    Loaded {
        /// The comparison.
        sweep: RecordId,
        /// Number of the sample.
        sample: usize,
        /// The answer.
        run: Box<Run>,
    },
    /// One token of an answer was fetched.
    TokenLoaded {
        /// The comparison.
        sweep: RecordId,
        /// The token.
        wanted: Wanted,
        /// What it is.
        token: Box<Token>,
    },
    /// A file was written.
    Exported(String),
    /// A file of this name is there already, and nothing was written.
    Taken(String),
    /// A file could not be written.
    NotExported {
        /// The file.
        path: String,
        /// Why not.
        fault: Fault,
    },
    /// The file of a sweep was read.
    Plan {
        /// The file.
        path: String,
        /// What it says, or why it cannot be opened.
        result: Result<Box<Planned>, Fault>,
    },
    /// A table of variables was read.
    Rows {
        /// The file.
        path: String,
        /// Its rows, or what is wrong in which line.
        result: Result<Axis, Fault>,
    },
    /// Something could not be done.
    Failed(Fault),
}
