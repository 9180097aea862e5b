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

use crate::core::fault::Fault;
use crate::core::job::{StoreJob, StoreReply};
use rusqlite::{Connection, Transaction, TransactionBehavior};
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

    /// Waits until all jobs so far are done.
    pub fn wait(&self) {
        // Jobs are done in their order, so whichever is asked for last will do.
        let _ = self.ask(StoreJob::ListSweeps { limit: 0 });
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

    /// Does jobs and answers them once they are committed.
    fn work_off(&mut self, batch: Vec<Work>) {
        let (jobs, replies): (Vec<StoreJob>, Vec<OnReply>) =
            batch.into_iter().map(|work| (work.job, work.reply)).unzip();
        let results = self.connection().and_then(|connection| together(connection, &jobs));
        match results {
            Ok(results) => {
                for (reply, result) in replies.into_iter().zip(results) {
                    reply(result.unwrap_or_else(|error| StoreReply::Failed(error.into())));
                }
            }
            Err(error) => {
                let fault = Fault::from(error);
                for reply in replies {
                    reply(StoreReply::Failed(fault.clone()));
                }
            }
        }
    }
}

/// What came of each job.
type Results = Vec<Result<StoreReply, StoreError>>;

/// Does jobs in one transaction, each whole or not at all. An error is that of the beginning.
fn together(connection: &mut Connection, jobs: &[StoreJob]) -> Result<Results, StoreError> {
    let mut transaction = begin(connection, jobs)?;
    let mut results = Results::with_capacity(jobs.len());
    for job in jobs {
        let result = transaction.savepoint().map_err(StoreError::from).and_then(|step| {
            // A step that fails takes back what it did, and nothing of the others.
            let reply = perform(&step, job)?;
            step.commit()?;
            Ok(reply)
        });
        results.push(result);
        // A full or failing disk takes back the whole transaction at once.
        if transaction.is_autocommit() {
            drop(transaction);
            return Ok(one_by_one(connection, jobs));
        }
    }
    match transaction.commit() {
        Ok(()) => Ok(results),
        Err(_) => Ok(one_by_one(connection, jobs)),
    }
}

/// Does jobs in a transaction each, so that only those fail that must.
fn one_by_one(connection: &mut Connection, jobs: &[StoreJob]) -> Results {
    let one = |job: &StoreJob| {
        let transaction = begin(connection, std::slice::from_ref(job))?;
        let reply = perform(&transaction, job)?;
        transaction.commit()?;
        Ok(reply)
    };
    jobs.iter().map(one).collect()
}

fn begin<'c>(connection: &'c mut Connection, jobs: &[StoreJob]) -> Result<Transaction<'c>, StoreError> {
    // Readers must not wait for a writer of another process, nor fail where nothing may be written.
    let behavior = if jobs.iter().any(is_write) {
        TransactionBehavior::Immediate
    } else {
        TransactionBehavior::Deferred
    };
    Ok(connection.transaction_with_behavior(behavior)?)
}

/// Whether a job changes the file.
fn is_write(job: &StoreJob) -> bool {
    match job {
        StoreJob::KeepSweep(_)
        | StoreJob::FinishSample { .. }
        | StoreJob::KeepAside { .. }
        | StoreJob::AdoptAnswers(_)
        | StoreJob::MarkCell { .. } => true,
        StoreJob::LoadSweep(_)
        | StoreJob::LoadAsides(_)
        | StoreJob::LoadRun(_)
        | StoreJob::FindAnswers(_)
        | StoreJob::LatestTimings { .. }
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
        StoreJob::KeepAside { sweep, aside } => {
            write::aside(db, *sweep, aside)?;
            StoreReply::Kept
        }
        StoreJob::AdoptAnswers(id) => {
            write::adopt(db, *id)?;
            let (sweep, answers) = read::sweep(db, *id)?;
            StoreReply::Sweep { sweep: Box::new(sweep), answers }
        }
        StoreJob::MarkCell { sweep, cell, note, is_best } => {
            write::mark(db, *sweep, *cell, note, *is_best)?;
            StoreReply::Kept
        }
        StoreJob::LoadSweep(id) => {
            let (sweep, answers) = read::sweep(db, *id)?;
            StoreReply::Sweep { sweep: Box::new(sweep), answers }
        }
        StoreJob::LoadAsides(id) => StoreReply::Asides(read::asides(db, *id)?),
        StoreJob::LoadRun(id) => StoreReply::Run(Box::new(read::run(db, *id)?)),
        StoreJob::FindAnswers(keys) => StoreReply::Answers(read::answers(db, keys)?),
        StoreJob::LatestTimings { endpoint, model, limit } => {
            StoreReply::Timings(read::timings(db, endpoint, model, *limit)?)
        }
        StoreJob::ListSweeps { limit } => StoreReply::Sweeps(read::sweeps(db, *limit)?),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::job::{RecordId, SweepRecord};
    use std::sync::{Arc, Mutex};

    fn sweep(number: u64, plan: String) -> StoreJob {
        StoreJob::KeepSweep(Box::new(SweepRecord {
            id: RecordId { session: 1, number },
            title: String::new(),
            plan,
            begun_ms: 0,
            cells: Vec::new(),
            samples: Vec::new(),
        }))
    }

    fn keeper(folder: &tempfile::TempDir) -> Keeper {
        let mut keeper = Keeper { path: folder.path().join(FILE), connection: None };
        keeper.connection().unwrap();
        keeper
    }

    /// Does jobs in one batch and returns what is said of each.
    fn told(keeper: &mut Keeper, jobs: Vec<StoreJob>) -> Vec<String> {
        let told = Arc::new(Mutex::new(Vec::new()));
        let work = |job: StoreJob| {
            let told = Arc::clone(&told);
            let reply: OnReply = Box::new(move |reply| {
                let said = match reply {
                    StoreReply::Failed(fault) => fault.to_string(),
                    StoreReply::Kept
                    | StoreReply::Sweep { .. }
                    | StoreReply::Run(_)
                    | StoreReply::Asides(_)
                    | StoreReply::Answers(_)
                    | StoreReply::Timings(_)
                    | StoreReply::Sweeps(_) => format!("{reply:?}"),
                };
                told.lock().unwrap().push(said);
            });
            Work { job, reply }
        };
        let batch = jobs.into_iter().map(work).collect();
        keeper.work_off(batch);
        let told = told.lock().unwrap();
        told.clone()
    }

    fn set(keeper: &mut Keeper, pragma: &str, value: i64) {
        // Some pragmas answer with a row and some do not.
        let sql = format!("PRAGMA {pragma} = {value}");
        keeper.connection().unwrap().execute_batch(&sql).unwrap();
    }

    #[test]
    fn a_full_disk_costs_the_job_that_filled_it() {
        let folder = tempfile::tempdir().unwrap();
        let mut keeper = keeper(&folder);
        let pages: i64 =
            keeper.connection().unwrap().pragma_query_value(None, "page_count", |row| row.get(0)).unwrap();
        set(&mut keeper, "max_page_count", pages + 8);
        let large = "x".repeat(1 << 20);
        let batch = vec![sweep(1, String::new()), sweep(2, large.clone()), sweep(3, String::new())];
        let first = told(&mut keeper, batch);
        assert_eq!((first[0].as_str(), first[2].as_str()), ("Kept", "Kept"), "{first:?}");
        assert!(first[1].contains("the disk is full") && first[1].contains("Free some space"), "{first:?}");
        set(&mut keeper, "max_page_count", 1 << 30);
        assert_eq!(told(&mut keeper, vec![sweep(2, large)]), ["Kept"]);
        let list = StoreJob::ListSweeps { limit: 9 };
        assert_eq!(told(&mut keeper, vec![list])[0].matches("RecordId").count(), 3);
    }

    #[test]
    fn a_database_that_may_not_be_written_can_still_be_read() {
        let folder = tempfile::tempdir().unwrap();
        let mut keeper = keeper(&folder);
        assert_eq!(told(&mut keeper, vec![sweep(1, String::new())]), ["Kept"]);
        set(&mut keeper, "query_only", 1);
        let list = || StoreJob::ListSweeps { limit: 9 };
        let said = told(&mut keeper, vec![sweep(2, String::new()), list()]);
        assert!(said[0].contains("may not be written") && said[0].contains("rights"), "{said:?}");
        assert_eq!(told(&mut keeper, vec![list()])[0].matches("RecordId").count(), 1);
    }
}
