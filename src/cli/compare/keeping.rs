//! The answers of a sweep in the database: those that are there, and those that come.
//!
//! Owns the session's names for them. A database that cannot be used is told once; the sweep goes on
//! without it, and only its end loses anything.

use crate::access::random;
use crate::check::Check;
use crate::cli::engine::Keep;
use crate::cli::output::Output;
use crate::core::bench::Bench;
use crate::core::fault::Fault;
use crate::core::job::{RecordId, RunRecord, StoreJob, StoreReply, SweepRecord, title_of};
use crate::core::run::{Run, RunStatus};
use crate::core::sweep::Sample;
use crate::core::sweep::pace::{LATEST, Pace};
use crate::core::time::Timestamp;
use crate::export::sweep::words::question;
use crate::plan::Plan;
use crate::store::{FILE, Store};
use std::collections::HashMap;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

/// What came of keeping an answer.
type Told = (usize, Result<RecordId, Fault>);

/// The database, as far as one sweep needs it.
pub(super) struct Keeping {
    /// `None` where it cannot be used.
    store: Option<Store>,
    sweep: RecordId,
    session: u64,
    number: u64,
    /// When the session's clock began, in milliseconds since 1970.
    start_ms: i64,
    tell: UnboundedSender<Told>,
    told: UnboundedReceiver<Told>,
    busy: usize,
    /// The first answer that could not be kept.
    fault: Option<Fault>,
}

/// Returns how fast models answered so far, those of which an answer is kept. Looking makes no database where
/// there is none.
pub(super) fn paces<'m>(
    folder: &Path,
    models: impl Iterator<Item = &'m (String, String)>,
) -> HashMap<(String, String), Pace> {
    let path = folder.join(FILE);
    if !path.exists() {
        return HashMap::new();
    }
    let store = Store::start(path);
    let pace = |(endpoint, model): &(String, String)| {
        let limit = u32::try_from(LATEST).unwrap_or(u32::MAX);
        let job = StoreJob::LatestTimings { endpoint: endpoint.clone(), model: model.clone(), limit };
        // What cannot be read is told when the answers are to be kept.
        let StoreReply::Timings(timings) = store.ask(job) else { return None };
        Some(((endpoint.clone(), model.clone()), Pace::of(&timings)?))
    };
    models.filter_map(pace).collect()
}

impl Keeping {
    /// Opens the database in a folder and puts what is there of a sweep on its bench, unless everything
    /// is to be asked afresh.
    pub(super) fn open(
        folder: &Path,
        bench: &mut Bench,
        checks: &[Check],
        (now, is_fresh): (Timestamp, bool),
        output: &mut Output,
    ) -> Self {
        let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let start_ms = i64::try_from(since_1970.saturating_sub(now.0).as_millis()).unwrap_or_default();
        let samples: Vec<Sample> = bench.slots().iter().map(|slot| slot.sample.clone()).collect();
        let session = random();
        let sweep = if is_fresh { RecordId { session, number: 0 } } else { RecordId::of_samples(&samples) };
        let (tell, told) = unbounded_channel();
        let store = Some(Store::start(folder.join(FILE)));
        let mut keeping =
            Self { store, sweep, session, number: 0, start_ms, tell, told, busy: 0, fault: None };
        if let Err(fault) = keeping.begin(bench, checks, now, is_fresh) {
            output.note(&format!("note: answers are not kept: {fault}"));
            keeping.store = None;
        }
        keeping
    }

    /// Keeps the sweep, and fetches what is answered of it.
    fn begin(
        &mut self,
        bench: &mut Bench,
        checks: &[Check],
        now: Timestamp,
        is_fresh: bool,
    ) -> Result<(), Fault> {
        let title = title_of(question(bench.sweep().base()), bench.sweep());
        // What cannot be said in a file is asked all the same; only the file is missing then.
        let plan = Plan { checks: checks.to_vec(), ..Plan::of(bench.sweep()) }.print().unwrap_or_default();
        let record = SweepRecord::of(self.sweep, title, plan, self.wall_ms(now), bench);
        self.ask(StoreJob::KeepSweep(Box::new(record)))?;
        if is_fresh {
            return Ok(());
        }
        let StoreReply::Sweep { sweep, answers } = self.ask(StoreJob::AdoptAnswers(self.sweep))? else {
            return Ok(());
        };
        let first = |sample: &crate::core::job::SampleRecord| (sample.cell, sample.repeat);
        for (sample, answer) in sweep.samples.iter().zip(answers) {
            let Some(answer) = answer.filter(|answer| matches!(answer.run.status, RunStatus::Done(_))) else {
                continue;
            };
            let (cell, repeat) = first(sample);
            let place = usize::try_from(cell).ok().filter(|cell| *cell < bench.sweep().cell_count());
            let Some(place) = place.filter(|_| repeat < bench.sweep().repeats()) else { continue };
            let place = bench.samples_of(place).start + repeat as usize;
            if let Ok(StoreReply::Run(whole)) = self.ask(StoreJob::LoadRun(answer.id)) {
                let RunRecord { id, dollars, mut run, .. } = *whole;
                run.lighten();
                bench.put(place, id, run, dollars);
            }
        }
        Ok(())
    }

    fn ask(&self, job: StoreJob) -> Result<StoreReply, Fault> {
        match self.store.as_ref().map(|store| store.ask(job)) {
            Some(StoreReply::Failed(fault)) => Err(fault),
            Some(reply) => Ok(reply),
            None => Ok(StoreReply::Kept),
        }
    }

    /// Returns a moment of the session in milliseconds since 1970.
    fn wall_ms(&self, moment: Timestamp) -> i64 {
        self.start_ms.saturating_add(i64::try_from(moment.0.as_millis()).unwrap_or(i64::MAX))
    }

    /// Returns the answer of a sample with everything that is kept of it.
    pub(super) fn whole(&self, bench: &Bench, sample: usize) -> Option<Run> {
        let record = bench.slots()[sample].record?;
        match self.ask(StoreJob::LoadRun(record)) {
            Ok(StoreReply::Run(whole)) => Some(whole.run),
            Ok(_) | Err(_) => None,
        }
    }

    /// Returns why the first answer that could not be kept could not.
    pub(super) fn fault(&self) -> Option<&Fault> {
        self.fault.as_ref()
    }
}

impl Keep for Keeping {
    fn keep(&mut self, bench: &Bench, sample: usize) {
        let slot = &bench.slots()[sample];
        let Some(run) = &slot.run else { return };
        self.busy += 1;
        self.number += 1;
        let id = RecordId { session: self.session, number: self.number };
        let tell = self.tell.clone();
        let Some(store) = &self.store else {
            // Nobody listens only where the sweep is over.
            let _ = tell.send((sample, Err(Fault::new(crate::core::fault::FaultKind::Local, ""))));
            return;
        };
        let begun_ms = self.wall_ms(run.started());
        let record = RunRecord { id, begun_ms, dollars: slot.dollars, run: run.clone() };
        let cell = u32::try_from(slot.sample.cell).unwrap_or(u32::MAX);
        let (sweep, repeat, run) = (self.sweep, slot.sample.repeat, Box::new(record));
        store.submit(StoreJob::FinishSample { sweep, cell, repeat, run }, move |reply| {
            let kept = match reply {
                StoreReply::Failed(fault) => Err(fault),
                StoreReply::Kept
                | StoreReply::Sweep { .. }
                | StoreReply::Run(_)
                | StoreReply::Asides(_)
                | StoreReply::Answers(_)
                | StoreReply::Timings(_)
                | StoreReply::Sweeps(_) => Ok(id),
            };
            let _ = tell.send((sample, kept));
        });
    }

    async fn kept(&mut self) -> (usize, Option<RecordId>) {
        // The other end of the channel is in this struct too, so it never closes.
        let Some((sample, kept)) = self.told.recv().await else { return std::future::pending().await };
        self.busy = self.busy.saturating_sub(1);
        let record = kept.map_err(|fault| {
            if self.store.is_some() {
                self.fault.get_or_insert(fault);
            }
        });
        (sample, record.ok())
    }

    fn is_busy(&self) -> bool {
        self.busy > 0
    }
}
