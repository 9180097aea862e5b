//! Carries effects out: requests, counting, colouring, keeping. Owns every task and thread.
//!
//! `Driver::run` never waits and never sends on the channel the loop reads; work that is done at
//! once comes back as messages directly. Dropping a task's handle cancels it and closes its
//! connection.

use crate::access::{Access, file, probe};
use crate::app::figures::Row;
use crate::app::msg::{CountKey, Effect, Msg, ProbeStep};
use crate::core::diversity::Material;
use crate::core::fault::{Fault, FaultKind};
use crate::core::id::RunId;
use crate::core::model::Encoding;
use crate::core::probe::{Finding, Subject};
use crate::core::request::Request;
use crate::core::stream::StreamEvent;
use crate::structured::schema::MAX_SCHEMA;
use crate::tokenizer::{self, incremental::Counter};
use crate::tui::archive::Archive;
use crate::tui::judge::Judge;
use crate::tui::keep::Keeper;
use crate::tui::worker::Worker;
use futures_util::StreamExt;
use std::collections::HashMap;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tokio::task::AbortHandle;

/// Messages that may wait for the loop; more make their senders wait, which slows the stream down.
pub const CHANNEL: usize = 1024;

/// Longest draft that is counted between a key and its frame, in bytes. Counting one of this size
/// after a paste takes about as long as drawing the frame; after a key it takes microseconds.
const COUNTED_AT_ONCE: usize = 64 * 1024;

/// A task that ends when this is dropped.
struct Task(AbortHandle);

impl Drop for Task {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Executes effects.
pub struct Driver {
    runtime: Handle,
    access: Arc<Access>,
    messages: mpsc::Sender<Msg>,
    runs: HashMap<RunId, Task>,
    models: Option<Task>,
    probe: Option<Task>,
    data_dir: PathBuf,
    draft: Option<(Encoding, Counter)>,
    worker: Worker,
    keeper: Keeper,
    archive: Archive,
    judge: Judge,
}

impl Driver {
    /// Returns a driver that keeps drafts and conversations under `data_dir`, and the channel on which
    /// the answers come.
    #[must_use]
    pub fn new(runtime: Handle, access: Arc<Access>, data_dir: PathBuf) -> (Self, mpsc::Receiver<Msg>) {
        let (messages, inbound) = mpsc::channel(CHANNEL);
        let driver = Self {
            runs: HashMap::new(),
            models: None,
            probe: None,
            draft: None,
            worker: Worker::start(messages.clone()),
            keeper: Keeper::start(data_dir.clone(), messages.clone()),
            archive: Archive::new(runtime.clone(), Arc::clone(&access), data_dir.clone(), messages.clone()),
            judge: Judge::new(runtime.clone(), messages.clone()),
            data_dir,
            runtime,
            access,
            messages,
        };
        (driver, inbound)
    }

    /// Opens an endpoint and loads a vocabulary before they are needed.
    pub fn prepare(&self, endpoint: &str, encoding: Encoding) {
        self.worker.load(encoding);
        let (access, endpoint) = (Arc::clone(&self.access), endpoint.to_owned());
        // What goes wrong here goes wrong again, and is told, when a request is sent.
        self.runtime.spawn(async move { access.client(&endpoint).await.map(drop) });
    }

    /// Returns a sender of messages to the loop, for what happens outside it.
    #[must_use]
    pub fn messages(&self) -> mpsc::Sender<Msg> {
        self.messages.clone()
    }

    /// Carries an effect out, or begins to; returns what is known at once.
    pub(crate) fn run(&mut self, effect: Effect) -> Option<Msg> {
        match effect {
            Effect::Start { run, request, timeout } => self.start(run, request, timeout),
            Effect::Cancel(run) => {
                self.runs.remove(&run);
            }
            Effect::CountDraft { revision, text, encoding } => {
                return self.count_draft(revision, text, encoding);
            }
            Effect::Count { encoding, texts } => self.count(encoding, texts),
            Effect::CutTokens { revision, text } => self.worker.cut(revision, text),
            Effect::SumColumns { number, columns } => self.sum_columns(number, columns),
            Effect::Probe { number, subject } => self.start_probe(number, subject),
            Effect::StopProbe => self.probe = None,
            Effect::ListModels(endpoint) => self.list_models(endpoint),
            Effect::Archive(job) => self.archive.run(job),
            Effect::Judge(job) => self.judge.run(job),
            Effect::ReadSchema(path) => self.read_schema(path),
            Effect::Highlight { key, language, from_line, text } => {
                self.worker.highlight(key, language, from_line, text);
            }
            Effect::KeepDraft(text) => self.keeper.draft(text),
            Effect::KeepPersonas(changes) => self.keeper.personas(changes),
            Effect::KeepConversation(prompts) => self.keeper.conversation(prompts),
            Effect::BeginConversation => self.keeper.begin(),
            Effect::Copy(_)
            | Effect::EditExternally(_)
            | Effect::UseTheme(_)
            | Effect::CaptureMouse(_)
            | Effect::Redraw => {}
        }
        None
    }

    fn start(&mut self, run: RunId, request: Arc<Request>, timeout: Option<Duration>) {
        // Tasks that ended by themselves are forgotten when the next one begins.
        self.runs.retain(|_, task| !task.0.is_finished());
        let (access, messages) = (Arc::clone(&self.access), self.messages.clone());
        let task = self.runtime.spawn(async move {
            let send = |event| messages.send(Msg::Run { run, event });
            let client = match access.client(&request.endpoint).await {
                Ok(client) => client,
                Err(fault) => return drop(send(StreamEvent::Failed(fault)).await),
            };
            let mut events = std::pin::pin!(client.run_within(request, timeout));
            while let Some(event) = events.next().await {
                if send(event).await.is_err() {
                    return;
                }
            }
            // A run that is over already ignores this; one whose stream broke off must not stay open.
            let lost = Fault::new(FaultKind::Cut, "the answer broke off").remedy("Ask again");
            drop(send(StreamEvent::Failed(lost)).await);
        });
        self.runs.insert(run, Task(task.abort_handle()));
    }

    fn list_models(&mut self, endpoint: Arc<str>) {
        let (access, messages) = (Arc::clone(&self.access), self.messages.clone());
        let task = self.runtime.spawn(async move {
            let result = match access.client(&endpoint).await {
                Ok(client) => client.models().await,
                Err(fault) => Err(fault),
            };
            drop(messages.send(Msg::Models { endpoint, result }).await);
        });
        self.models = Some(Task(task.abort_handle()));
    }

    fn start_probe(&mut self, number: u64, subject: Subject) {
        let (access, messages) = (Arc::clone(&self.access), self.messages.clone());
        let data_dir = self.data_dir.clone();
        let task = self.runtime.spawn(async move {
            let told = messages.clone();
            let result = match access.client(&subject.endpoint).await {
                Ok(client) => {
                    let each = |probe::Progress { done, question, attempt }| {
                        let step = ProbeStep::Asking { done, question, attempt };
                        // How far it is may be left out when the loop has more to do.
                        drop(told.try_send(Msg::Probed { number, step }));
                    };
                    probe::run(&client, &subject, each).await
                }
                Err(fault) => Err(fault),
            };
            if let Ok(finding) = &result
                && let Err(fault) = keep(data_dir, finding.clone()).await
            {
                drop(messages.send(Msg::Notice(fault)).await);
            }
            let step = ProbeStep::Ended(result.map(Box::new));
            drop(messages.send(Msg::Probed { number, step }).await);
        });
        self.probe = Some(Task(task.abort_handle()));
    }

    fn read_schema(&self, path: String) {
        let messages = self.messages.clone();
        self.runtime.spawn_blocking(move || {
            let result = read_schema(&file::at_home(&path));
            drop(messages.blocking_send(Msg::SchemaRead { path, result }));
        });
    }

    fn sum_columns(&self, number: u64, columns: Vec<Option<Material<'static>>>) {
        let messages = self.messages.clone();
        self.runtime.spawn_blocking(move || {
            let sums: Vec<_> = columns.into_iter().map(|column| column.map(Material::figures)).collect();
            drop(messages.blocking_send(Msg::ColumnsSummed { number, rows: Row::of_columns(&sums) }));
        });
    }

    fn count_draft(&mut self, revision: u64, text: String, encoding: Encoding) -> Option<Msg> {
        let table = tokenizer::loaded(encoding).filter(|_| text.len() <= COUNTED_AT_ONCE);
        let Some(table) = table else {
            self.worker.count_draft(revision, text, encoding);
            return None;
        };
        if self.draft.as_ref().is_none_or(|(counted_with, _)| *counted_with != encoding) {
            self.draft = Some((encoding, Counter::new(table)));
        }
        let (_, counter) = self.draft.as_mut()?;
        Some(Msg::DraftCounted { revision, tokens: counter.set_text(&text) })
    }

    fn count(&self, encoding: Encoding, texts: Vec<(CountKey, Arc<str>)>) {
        self.worker.count(encoding, texts);
    }
}

/// Keeps what a probe found out.
async fn keep(data_dir: PathBuf, finding: Finding) -> Result<(), Fault> {
    let kept = tokio::task::spawn_blocking(move || probe::store(&data_dir, finding)).await;
    kept.unwrap_or_else(|_| Err(Fault::new(FaultKind::Local, "what was found out could not be kept")))
}

/// Returns a schema's text; a little more than may be read, so that what is too long is told as such.
fn read_schema(path: &Path) -> Result<String, Fault> {
    let mut text = String::new();
    let longest = u64::try_from(MAX_SCHEMA).unwrap_or(u64::MAX).saturating_add(1);
    let read = File::open(path).and_then(|file| file.take(longest).read_to_string(&mut text));
    read.map(|_| text).map_err(|error| {
        Fault::new(FaultKind::Local, format!("{} cannot be read: {error}", path.display()))
            .remedy("Name the file of a JSON schema")
    })
}
