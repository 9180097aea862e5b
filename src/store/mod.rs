//! The database: what was asked and answered, for as long as the user wants it.
//!
//! ```text
//! submit(job, reply) ──► queue ──► one thread, one connection ──► reply(StoreReply)
//! ```
//!
//! Owns the file, its form and the thread that alone touches it. Never waits for the one who asks: a
//! job is put into a queue, and its answer comes through the function given with it, on this thread.
//!
//! Invariant: jobs are done in the order they are given, each whole or not at all, and an answer that
//! says "kept" is on disk as far as the operating system is concerned: a process that is killed loses
//! nothing of it.

mod bytes;
mod error;
mod frames;
mod read;
mod schema;
mod tokens;
mod write;

pub use error::StoreError;
pub use schema::latest_version;

use crate::core::job::{StoreJob, StoreReply};
use rusqlite::{Connection, TransactionBehavior};
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;

/// Name of the database in the folder of data.
pub const FILE: &str = "tokenscope.db";

/// Most jobs that are committed at once: under load a commit is shared, and nobody waits long for it.
const BATCH: usize = 64;

/// What takes a reply; it is called on the store's thread and must not wait.
pub type OnReply = Box<dyn FnOnce(StoreReply) + Send>;

struct Work {
    job: StoreJob,
    reply: OnReply,
}

/// The store. Dropping it waits until all jobs are done.
pub struct Store {
    queue: Option<Sender<Work>>,
    thread: Option<JoinHandle<()>>,
}

impl Store {
    /// Returns a store for a file. The file is opened, and made if need be, on the store's own thread;
    /// while that fails, so does every job.
    #[must_use]
    pub fn start(path: PathBuf) -> Self {
        let (queue, jobs) = channel();
        let keeper = Keeper { path, connection: None };
        let thread =
            std::thread::Builder::new().name("store".to_owned()).spawn(move || keeper.work(&jobs)).ok();
        Self { queue: Some(queue), thread }
    }

    /// Puts a job into the queue. Its answer is given to `reply`.
    pub fn submit(&self, job: StoreJob, reply: impl FnOnce(StoreReply) + Send + 'static) {
        let work = Work { job, reply: Box::new(reply) };
        let refused = match &self.queue {
            Some(queue) => queue.send(work).err().map(|error| error.0),
            None => Some(work),
        };
        if let Some(Work { reply, .. }) = refused {
            reply(StoreReply::Failed(StoreError::Closed.into()));
        }
    }

    /// Does a job and waits for its answer; for commands, which have nothing else to do.
    #[must_use]
    pub fn ask(&self, job: StoreJob) -> StoreReply {
        let (tell, told) = channel();
        self.submit(job, move |reply| {
            let _ = tell.send(reply);
        });
        told.recv().unwrap_or_else(|_| StoreReply::Failed(StoreError::Closed.into()))
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        // Without the queue's end the thread comes to its own, after the last job.
        self.queue = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// What the thread owns.
struct Keeper {
    path: PathBuf,
    /// Opened by the first job, and again by the next one where that failed.
    connection: Option<Connection>,
}

impl Keeper {
    fn work(mut self, jobs: &Receiver<Work>) {
        // Opening takes some milliseconds, which the first job need not wait for.
        let _ = self.connection();
        while let Ok(first) = jobs.recv() {
            let mut batch = vec![first];
            batch.extend(jobs.try_iter().take(BATCH - 1));
            self.work_off(batch);
        }
    }

    fn connection(&mut self) -> Result<&mut Connection, StoreError> {
        match self.connection.take() {
            Some(connection) => Ok(self.connection.insert(connection)),
            None => {
                let connection = schema::open(&self.path)?;
                Ok(self.connection.insert(connection))
            }
        }
    }

    /// Does jobs in one transaction and answers them once it is committed.
    fn work_off(&mut self, batch: Vec<Work>) {
        let mut answers: Vec<(OnReply, Result<StoreReply, StoreError>)> = Vec::with_capacity(batch.len());
        let committed = self.connection().and_then(|connection| {
            let is_read = |work: &Work| !is_write(&work.job);
            let behavior = if batch.iter().all(is_read) {
                TransactionBehavior::Deferred
            } else {
                TransactionBehavior::Immediate
            };
            Ok(connection.transaction_with_behavior(behavior)?)
        });
        let mut transaction = match committed {
            Ok(transaction) => transaction,
            Err(error) => return refuse(batch.into_iter().map(|work| work.reply), error),
        };
        for Work { job, reply } in batch {
            let result = transaction.savepoint().map_err(StoreError::from).and_then(|step| {
                // A step that fails takes back what it did, and nothing of the others.
                let reply = perform(&step, &job)?;
                step.commit()?;
                Ok(reply)
            });
            answers.push((reply, result));
        }
        match transaction.commit() {
            Ok(()) => {
                for (reply, result) in answers {
                    reply(result.unwrap_or_else(|error| StoreReply::Failed(error.into())));
                }
            }
            Err(error) => refuse(answers.into_iter().map(|(reply, _)| reply), error.into()),
        }
    }
}

/// Tells all that wait the same failure.
fn refuse(replies: impl Iterator<Item = OnReply>, error: StoreError) {
    let fault = crate::core::fault::Fault::from(error);
    for reply in replies {
        reply(StoreReply::Failed(fault.clone()));
    }
}

/// Whether a job changes the file.
fn is_write(job: &StoreJob) -> bool {
    match job {
        StoreJob::KeepSweep(_) | StoreJob::FinishSample { .. } | StoreJob::MarkCell { .. } => true,
        StoreJob::LoadSweep(_)
        | StoreJob::LoadRun(_)
        | StoreJob::FindAnswers(_)
        | StoreJob::ListSweeps { .. } => false,
    }
}

fn perform(db: &Connection, job: &StoreJob) -> Result<StoreReply, StoreError> {
    Ok(match job {
        StoreJob::KeepSweep(sweep) => {
            write::sweep(db, sweep)?;
            StoreReply::Kept
        }
        StoreJob::FinishSample { sweep, cell, repeat, run } => {
            write::sample(db, *sweep, *cell, *repeat, run)?;
            StoreReply::Kept
        }
        StoreJob::MarkCell { sweep, cell, note, is_best } => {
            write::mark(db, *sweep, *cell, note, *is_best)?;
            StoreReply::Kept
        }
        StoreJob::LoadSweep(id) => {
            let (sweep, answers) = read::sweep(db, *id)?;
            StoreReply::Sweep { sweep: Box::new(sweep), answers }
        }
        StoreJob::LoadRun(id) => StoreReply::Run(Box::new(read::run(db, *id)?)),
        StoreJob::FindAnswers(keys) => StoreReply::Answers(read::answers(db, keys)?),
        StoreJob::ListSweeps { limit } => StoreReply::Sweeps(read::sweeps(db, *limit)?),
    })
}
