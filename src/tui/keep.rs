//! Keeps the draft, the conversation and the personas on disk, so that nothing typed or received is lost.
//!
//! A thread of its own writes; the newest of several waiting versions wins. Files are written beside
//! their place and moved there, so that a crash in the middle leaves the version before. Only the
//! user can read them.

use crate::access::personas;
use crate::access::private::write;
use crate::app::msg::Msg;
use crate::core::fault::{Fault, FaultKind};
use crate::core::persona::Change;
use crate::core::request::Prompt;
use crate::core::transfer;
use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// How long a version waits for a newer one.
const CALM: Duration = Duration::from_millis(300);

/// Longest draft that is taken back at the start, in bytes.
const MAX_DRAFT: u64 = 64 * 1024 * 1024;

/// What waits to be written.
#[derive(Default)]
struct Waiting {
    draft: Option<String>,
    conversation: Option<Vec<Prompt>>,
    /// The last versions of conversations that were left; empty where all of one is written.
    left: Vec<Vec<Prompt>>,
    /// What became of personas, by name.
    personas: BTreeMap<String, Option<Arc<str>>>,
    is_over: bool,
}

impl Waiting {
    fn is_empty(&self) -> bool {
        self.draft.is_none()
            && self.conversation.is_none()
            && self.left.is_empty()
            && self.personas.is_empty()
    }
}

/// What the loop and the thread share. A key puts its draft here; only the first of several wakes
/// the thread, so typing costs no more than a lock that nobody holds.
#[derive(Default)]
struct Shared {
    waiting: Mutex<Waiting>,
    changed: Condvar,
}

impl Shared {
    fn change(&self, change: impl FnOnce(&mut Waiting)) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let was_empty = waiting.is_empty();
        change(&mut waiting);
        if was_empty || waiting.is_over {
            self.changed.notify_one();
        }
    }
}

/// The thread that writes.
pub(crate) struct Keeper {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

impl Keeper {
    /// Returns a keeper for a folder; what goes wrong is told once through `tell`.
    pub(crate) fn start(folder: PathBuf, tell: tokio::sync::mpsc::Sender<Msg>) -> Self {
        let shared = Arc::new(Shared::default());
        let theirs = Arc::clone(&shared);
        let work = move || Writer { folder, messages: tell, is_told: false, file: None }.work(&theirs);
        let thread = std::thread::Builder::new().name("keeper".to_owned()).spawn(work).ok();
        Self { shared, thread }
    }

    /// Keeps a draft.
    pub(crate) fn draft(&self, text: String) {
        self.shared.change(|waiting| waiting.draft = Some(text));
    }

    /// Keeps a conversation.
    pub(crate) fn conversation(&self, prompts: Vec<Prompt>) {
        self.shared.change(|waiting| waiting.conversation = Some(prompts));
    }

    /// Keeps what became of personas.
    pub(crate) fn personas(&self, changes: Vec<Change>) {
        self.shared.change(|waiting| {
            waiting.personas.extend(changes.into_iter().map(|change| (change.name, change.system)));
        });
    }

    /// Keeps what follows in a new file.
    pub(crate) fn begin(&self) {
        self.shared.change(|waiting| {
            let last = waiting.conversation.take().unwrap_or_default();
            waiting.left.push(last);
        });
    }
}

impl Drop for Keeper {
    /// Waits until everything is written.
    fn drop(&mut self) {
        self.shared.change(|waiting| waiting.is_over = true);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

struct Writer {
    folder: PathBuf,
    messages: tokio::sync::mpsc::Sender<Msg>,
    /// Whether it was told that drafts and conversations cannot be kept.
    is_told: bool,
    /// File of the open conversation.
    file: Option<PathBuf>,
}

impl Writer {
    fn work(mut self, shared: &Shared) {
        let lock = || shared.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            let is_idle = |waiting: &mut Waiting| waiting.is_empty() && !waiting.is_over;
            let waiting = shared.changed.wait_while(lock(), is_idle).unwrap_or_else(PoisonError::into_inner);
            // Until typing pauses, or it is time; the end does not wait.
            let calm = shared.changed.wait_timeout_while(waiting, CALM, |waiting| !waiting.is_over);
            let mut waiting = calm.unwrap_or_else(PoisonError::into_inner).0;
            let Waiting { draft, conversation, left, personas, is_over } = std::mem::take(&mut *waiting);
            drop(waiting);
            for last in left {
                self.keep_conversation(Some(last));
                self.file = None;
            }
            self.keep_conversation(conversation);
            self.keep_personas(personas);
            if let Some(text) = draft {
                let path = draft_file(&self.folder);
                let result = if text.is_empty() { remove(&path) } else { write(&path, text.as_bytes()) };
                self.check(result);
            }
            if is_over {
                return;
            }
        }
    }

    fn keep_conversation(&mut self, prompts: Option<Vec<Prompt>>) {
        let Some(prompts) = prompts.filter(|prompts| !prompts.is_empty()) else { return };
        let folder = self.folder.join("conversations");
        let path = self.file.get_or_insert_with(|| {
            let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
            // One left in the same millisecond has the name already.
            let mut named = (now.as_millis()..).map(|name| folder.join(format!("{name}.json")));
            named.find(|path| !path.exists()).unwrap_or_default()
        });
        let result = write(path, transfer::to_json(&prompts).as_bytes());
        self.check(result);
    }

    fn keep_personas(&mut self, changes: BTreeMap<String, Option<Arc<str>>>) {
        if changes.is_empty() {
            return;
        }
        let changes: Vec<Change> =
            changes.into_iter().map(|(name, system)| Change { name, system }).collect();
        // Told each time: it is what the user wrote just now.
        if let Err(fault) = personas::keep(&self.folder, &changes) {
            let _ = self.messages.blocking_send(Msg::Notice(fault));
        }
    }

    fn check(&mut self, result: io::Result<()>) {
        let Err(error) = result else { return };
        if !std::mem::replace(&mut self.is_told, true) {
            let message =
                format!("drafts and conversations cannot be kept in {}: {error}", self.folder.display());
            let fault = Fault::new(FaultKind::Local, message).remedy("Name another folder with --data-dir");
            let _ = self.messages.blocking_send(Msg::Notice(fault));
        }
    }
}

fn draft_file(folder: &Path) -> PathBuf {
    folder.join("draft.txt")
}

/// Returns the draft kept in a folder; empty where there is none.
pub(crate) fn kept_draft(folder: &Path) -> String {
    let path = draft_file(folder);
    match fs::metadata(&path) {
        Ok(metadata) if metadata.len() <= MAX_DRAFT => fs::read_to_string(&path).unwrap_or_default(),
        _ => String::new(),
    }
}

fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::id::Ids;
    use crate::core::request::Role;

    fn conversations(folder: &Path) -> Vec<String> {
        let mut files: Vec<_> =
            fs::read_dir(folder.join("conversations")).unwrap().map(|e| e.unwrap().path()).collect();
        files.sort();
        let text = |path: &PathBuf| {
            let conversation =
                transfer::from_json(&fs::read_to_string(path).unwrap(), &mut Ids::default()).unwrap();
            conversation.messages.iter().map(|m| m.text().to_owned()).collect::<Vec<_>>().join("|")
        };
        files.iter().map(text).collect()
    }

    #[test]
    fn the_last_version_is_on_disk_when_the_keeper_ends() {
        let folder = tempfile::tempdir().unwrap();
        let (tell, _told) = tokio::sync::mpsc::channel(1);
        let keeper = Keeper::start(folder.path().to_owned(), tell);
        for draft in ["가", "가나", "가나다"] {
            keeper.draft(draft.to_owned());
        }
        keeper.conversation(vec![Prompt::new(Role::User, "one")]);
        keeper.begin();
        keeper.conversation(vec![Prompt::new(Role::User, "two")]);
        keeper.begin();
        keeper.conversation(vec![Prompt::new(Role::User, "three"), Prompt::new(Role::Assistant, "answer")]);
        drop(keeper);
        assert_eq!(kept_draft(folder.path()), "가나다");
        assert_eq!(conversations(folder.path()), ["one", "two", "three|answer"]);
    }

    #[test]
    fn an_empty_draft_leaves_no_file() {
        let folder = tempfile::tempdir().unwrap();
        let (tell, _told) = tokio::sync::mpsc::channel(1);
        let keeper = Keeper::start(folder.path().to_owned(), tell);
        keeper.draft("x".to_owned());
        keeper.draft(String::new());
        drop(keeper);
        assert!(!draft_file(folder.path()).exists());
    }

    #[test]
    fn a_folder_that_cannot_be_written_is_told_once() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("occupied");
        fs::write(&file, "").unwrap();
        let (tell, mut told) = tokio::sync::mpsc::channel(4);
        let keeper = Keeper::start(file, tell);
        keeper.draft("x".to_owned());
        keeper.conversation(vec![Prompt::new(Role::User, "one")]);
        drop(keeper);
        let Some(Msg::Notice(fault)) = told.blocking_recv() else { panic!("nothing told") };
        assert!(fault.to_string().contains("--data-dir"), "{fault}");
        assert_eq!(told.blocking_recv(), None);
    }
}
