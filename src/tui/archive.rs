//! Keeps comparisons in the database, fetches them, and writes them into files.
//!
//! Owns the store, opened with the first job, and the difference between the session's clock and the time
//! of day. Nothing here is waited for: what comes of a job is told as a message. Only the end waits: what
//! was to be kept or written is, before the archive is gone.

use crate::access::{Access, file};
use crate::app::archive::{ArchiveJob, ArchiveNews, Opened};
use crate::app::compare::checks::Checks;
use crate::app::compare::planned::Planned;
use crate::app::msg::Msg;
use crate::app::paces::Speaker;
use crate::core::bench::Bench;
use crate::core::fault::{Fault, FaultKind};
use crate::core::job::{RecordId, Remark, RunRecord, StoreJob, StoreReply, SweepRecord};
use crate::core::run::Run;
use crate::core::stream::Usage;
use crate::core::sweep::pace::{LATEST, Timing};
use crate::core::time::Timestamp;
use crate::export::sweep::{Document, Report, Shapes};
use crate::plan::Plan;
use crate::store::{FILE, Store};
use crate::tokenizer;
use crate::tui::plans;
use std::fs::File;
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{SystemTime, UNIX_EPOCH};
use tokio::runtime::Handle;
use tokio::sync::mpsc::Sender;
use tokio::task::JoinHandle;

/// Most comparisons that are listed.
const LISTED: u32 = 200;

/// Where comparisons are kept.
pub(super) struct Archive {
    shared: Arc<Shared>,
    runtime: Handle,
    /// Files being written.
    exports: Vec<JoinHandle<()>>,
}

/// What jobs on other threads need as well.
struct Shared {
    store: OnceLock<Store>,
    access: Arc<Access>,
    data_dir: PathBuf,
    teller: Arc<Teller>,
    /// When the session's clock began, in milliseconds since 1970.
    start_ms: i64,
}

/// Tells what came of jobs. It is all that replies of the store hold: the store must not be theirs, as
/// its end waits for the last of them.
struct Teller {
    messages: Sender<Msg>,
    /// Whether it was told that nothing can be kept.
    is_told: AtomicBool,
}

impl Archive {
    /// Returns the archive in a folder; nothing is opened before the first job.
    pub(super) fn new(
        runtime: Handle,
        access: Arc<Access>,
        data_dir: PathBuf,
        messages: Sender<Msg>,
    ) -> Self {
        let teller = Arc::new(Teller { messages, is_told: AtomicBool::new(false) });
        let shared = Shared { store: OnceLock::new(), access, data_dir, teller, start_ms: since_1970() };
        Self { shared: Arc::new(shared), runtime, exports: Vec::new() }
    }

    /// Does a job, or begins to.
    pub(super) fn run(&mut self, job: ArchiveJob) {
        let shared = Arc::clone(&self.shared);
        match job {
            ArchiveJob::Begin { mut record, sweep, checks } => {
                // What cannot be said in a file is asked all the same; only opening it again fails then.
                record.plan = Plan { checks, ..Plan::of(&sweep) }.print().unwrap_or_default();
                record.begun_ms += shared.start_ms;
                self.shared.submit(StoreJob::KeepSweep(record), |_| None);
            }
            ArchiveJob::Keep { sweep, sample, place: (cell, repeat), mut run } => {
                run.begun_ms += shared.start_ms;
                let record = run.id;
                let job = StoreJob::FinishSample { sweep, cell, repeat, run };
                self.shared.submit(job, move |_| Some(ArchiveNews::Kept { sweep, sample, record }));
            }
            ArchiveJob::KeepAside { sweep, mut aside } => {
                aside.run.begun_ms += shared.start_ms;
                self.shared.submit(StoreJob::KeepAside { sweep, aside }, |_| None);
            }
            ArchiveJob::Mark { sweep, cell, note, is_best } => {
                self.shared.submit(StoreJob::MarkCell { sweep, cell, note, is_best }, |_| None);
            }
            ArchiveJob::Timings(speaker) => {
                self.runtime.spawn_blocking(move || {
                    if let Some(timings) = shared.timings(&speaker) {
                        shared.teller.tell(ArchiveNews::Timings { speaker, timings });
                    }
                });
            }
            ArchiveJob::List => {
                self.shared.submit(StoreJob::ListSweeps { limit: LISTED }, |reply| {
                    if let StoreReply::Sweeps(sweeps) = reply {
                        Some(ArchiveNews::Listed { sweeps, now_ms: since_1970() })
                    } else {
                        None
                    }
                });
            }
            ArchiveJob::Open(id) => {
                self.runtime.spawn_blocking(move || {
                    let news = match shared.open(id) {
                        Ok(opened) => ArchiveNews::Opened(Box::new(opened)),
                        Err(fault) => ArchiveNews::Failed(fault),
                    };
                    shared.teller.tell(news);
                });
            }
            ArchiveJob::Load { sweep, sample, record } => {
                self.shared.submit(StoreJob::LoadRun(record), move |reply| {
                    let StoreReply::Run(whole) = reply else { return None };
                    Some(ArchiveNews::Loaded { sweep, sample, run: Box::new(whole.run) })
                });
            }
            ArchiveJob::LoadToken { sweep, wanted } => {
                self.shared.submit(StoreJob::LoadRun(wanted.record), move |reply| {
                    let StoreReply::Run(whole) = reply else { return None };
                    let token = whole.run.tokens.into_iter().nth(wanted.at)?;
                    Some(ArchiveNews::TokenLoaded { sweep, wanted, token: Box::new(token) })
                });
            }
            ArchiveJob::ReadPlan(path) => {
                self.runtime.spawn_blocking(move || {
                    let planned = plans::planned(&file::at_home(&path), shared.access.config(), |_| {});
                    shared.teller.tell(ArchiveNews::Plan { path, result: planned.map(Box::new) });
                });
            }
            ArchiveJob::ReadRows(path) => {
                self.runtime.spawn_blocking(move || {
                    let result = plans::rows(&file::at_home(&path));
                    shared.teller.tell(ArchiveNews::Rows { path, result });
                });
            }
            ArchiveJob::Export { path, bench, checks, votes, remarks, until, is_over } => {
                self.exports.retain(|export| !export.is_finished());
                self.exports.push(self.runtime.spawn_blocking(move || {
                    let text = shared.document(&path, &bench, &checks, (votes, remarks), until);
                    let news = match text.and_then(|text| write(&path, &text, is_over)) {
                        Ok(true) => ArchiveNews::Exported(path),
                        Ok(false) => ArchiveNews::Taken(path),
                        Err(fault) => ArchiveNews::NotExported { path, fault },
                    };
                    shared.teller.tell(news);
                }));
            }
        }
    }
}

impl Drop for Archive {
    /// Waits until everything is kept and written.
    fn drop(&mut self) {
        for export in self.exports.drain(..) {
            // One that failed has told so, and nobody listens any more.
            let _ = self.runtime.block_on(export);
        }
        if let Some(store) = self.shared.store.get() {
            store.wait();
        }
    }
}

impl Teller {
    fn tell(&self, news: ArchiveNews) {
        // Nobody listens only once the workbench is left.
        let _ = self.messages.blocking_send(Msg::Archive(news));
    }
}

impl Shared {
    fn store(&self) -> &Store {
        self.store.get_or_init(|| Store::start(self.data_dir.join(FILE)))
    }

    /// Gives the store a job; what comes of it is told, that nothing can be kept only once.
    fn submit(&self, job: StoreJob, news: impl FnOnce(StoreReply) -> Option<ArchiveNews> + Send + 'static) {
        let teller = Arc::clone(&self.teller);
        self.store().submit(job, move |reply| match reply.outcome() {
            Ok(reply) => {
                if let Some(news) = news(reply) {
                    teller.tell(news);
                }
            }
            Err(fault) => {
                if !teller.is_told.swap(true, Ordering::Relaxed) {
                    teller.tell(ArchiveNews::Failed(fault));
                }
            }
        });
    }

    fn ask(&self, job: StoreJob) -> Result<StoreReply, Fault> {
        self.store().ask(job).outcome()
    }

    /// Returns how long the latest answers of a model took. Looking makes no database where there is none, and
    /// what cannot be read is told when something is to be kept.
    fn timings(&self, (endpoint, model): &Speaker) -> Option<Vec<Timing>> {
        if self.store.get().is_none() && !self.data_dir.join(FILE).exists() {
            return None;
        }
        let (endpoint, model) = (endpoint.to_string(), model.to_string());
        let limit = u32::try_from(LATEST).unwrap_or(u32::MAX);
        match self.ask(StoreJob::LatestTimings { endpoint, model, limit }) {
            Ok(StoreReply::Timings(timings)) => Some(timings),
            Ok(_) | Err(_) => None,
        }
    }

    /// Fetches a comparison with all of its answers.
    fn open(&self, id: RecordId) -> Result<Opened, Fault> {
        let StoreReply::Sweep { sweep: record, answers } = self.ask(StoreJob::LoadSweep(id))? else {
            return Err(Fault::new(FaultKind::Local, "the comparison is not in the database"));
        };
        let Planned { sweep, checks, .. } = self.planned_of(&record).map_err(|fault| {
            let message = format!("the comparison cannot be opened: {}", fault.message);
            Fault { message, ..fault }
        })?;
        let mut whole = Vec::with_capacity(answers.len());
        let many = answers.len() > crate::app::HELD_SAMPLES;
        for answer in answers {
            whole.push(match answer.map(|answer| self.ask(StoreJob::LoadRun(answer.id))).transpose()? {
                Some(StoreReply::Run(found)) => {
                    let mut found: RunRecord = *found;
                    if many {
                        found.run.lighten();
                    }
                    Some(found)
                }
                Some(_) | None => None,
            });
        }
        let StoreReply::Asides(mut asides) = self.ask(StoreJob::LoadAsides(id))? else {
            return Err(Fault::new(FaultKind::Local, "the comparison is not in the database"));
        };
        for aside in &mut asides {
            if let StoreReply::Run(whole) = self.ask(StoreJob::LoadRun(aside.run.id))? {
                aside.run = *whole;
            }
        }
        Ok(Opened { record: *record, sweep, checks, answers: whole, asides })
    }

    /// Returns what a record's plan asks. It is complete in itself and reads no file.
    fn planned_of(&self, record: &SweepRecord) -> Result<Planned, Fault> {
        plans::of_text(&record.plan, Path::new("sweep.toml"), self.access.config(), |_| {})
    }

    /// Returns what is to be written of a comparison into a file of this name.
    fn document(
        &self,
        path: &str,
        bench: &Bench,
        checks: &Checks,
        (votes, remarks): (Vec<u32>, Vec<Remark>),
        until: Timestamp,
    ) -> Result<String, Fault> {
        let wrong = |error: String| Fault::new(FaultKind::Local, error);
        let document = Document::of_name(path).map_err(wrong)?;
        let usage = |run: &Run| self.usage(run);
        let whole = |sample: usize| match self.ask(StoreJob::LoadRun(bench.slots()[sample].record?)) {
            Ok(StoreReply::Run(whole)) => Some(whole.run),
            Ok(_) | Err(_) => None,
        };
        let progress = bench.progress(until);
        let verdicts = checks.verdicts();
        let checks = checks.checks().iter().collect();
        let report =
            Report { bench, progress, checks, verdicts, usage: &usage, whole: &whole, votes, remarks };
        let shapes = Shapes::of_samples(bench.slots().iter().map(|slot| &slot.sample));
        document.text(&report, &shapes).map_err(wrong)
    }

    /// Returns the tokens billed for a run, estimated where the provider reported none.
    fn usage(&self, run: &Run) -> Usage {
        let card = self.access.config().card(&run.request.model);
        let encoding = card.encoding.unwrap_or_else(|| tokenizer::encoding_for(&run.request.model).encoding);
        tokenizer::usage_of(run, encoding)
    }
}

/// Returns the time of day, in milliseconds since 1970.
fn since_1970() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or_default()
}

/// Writes a file; returns whether it did. What is there already stays, unless it is to be written over, and
/// stays then, too, where the new one cannot be written whole.
fn write(path: &str, text: &str, is_over: bool) -> Result<bool, Fault> {
    let place = file::at_home(path);
    // Looking and making is one step, so that nothing that comes in between is lost.
    let written = if is_over {
        file::replace(&place, text.as_bytes())
    } else {
        File::create_new(&place).and_then(|mut file| file.write_all(text.as_bytes()))
    };
    match written {
        Ok(()) => Ok(true),
        Err(error) if !is_over && error.kind() == ErrorKind::AlreadyExists => Ok(false),
        Err(error) => Err(Fault::new(FaultKind::Local, format!("{path} cannot be written: {error}"))
            .remedy("Check that its folder exists and that you may write there")),
    }
}
