//! The real loop and the real driver with a fake terminal, on a thread of their own.
//!
//! A test types, waits until the screen shows what it must, and reads the screen; it never waits for
//! time to pass.

use super::DEADLINE;
use super::front::{self, Fake, Shown};
use super::gated::GatedServer;
use super::stage;
use crossterm::event::Event;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Instant;
use tempfile::TempDir;
use tokenscope::access::Access;
use tokenscope::app::App;
use tokenscope::app::msg::Size;
use tokenscope::config::{Config, Overrides, Paths};
use tokenscope::core::id::Ids;
use tokenscope::core::transfer;
use tokenscope::tui::driver::Driver;
use tokenscope::tui::event_loop::{self, Session};
use tokio::runtime::Builder;
use tokio::sync::{mpsc, watch};

/// Events that may wait for the loop; a test never sends as many at once.
const EVENTS: usize = 4096;

/// A running workbench.
pub(crate) struct Harness {
    keys: mpsc::Sender<Event>,
    shown: watch::Receiver<Shown>,
    thread: JoinHandle<io::Result<u8>>,
    folder: TempDir,
    /// When it was started.
    pub(crate) since: Instant,
}

impl Harness {
    /// Starts a workbench on a screen of this size that asks `server`.
    pub(crate) fn new(width: u16, height: u16, server: &GatedServer) -> Self {
        Self::with_editor(width, height, server, "false")
    }

    /// Starts a workbench whose user edits with the command `editor`.
    pub(crate) fn with_editor(width: u16, height: u16, server: &GatedServer, editor: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (keys, received) = mpsc::channel(EVENTS);
        let front = Fake::new(width, height, received);
        let shown = front.watch();
        let size = Size { width, height };
        let config = config(server, folder.path());
        let (data, editor) = (folder.path().join("data"), editor.to_owned());
        let thread = std::thread::spawn(move || run(front, size, config, data, editor));
        Self { keys, shown, thread, folder, since: Instant::now() }
    }

    /// Types a text, character by character.
    pub(crate) fn type_text(&self, text: &str) -> &Self {
        for c in text.chars() {
            self.send(front::event_of(front::chord_of(c)));
        }
        self
    }

    /// Presses keys, written as in the configuration with spaces between them.
    pub(crate) fn press(&self, keys: &str) -> &Self {
        for key in keys.split_whitespace() {
            self.send(front::event_of(stage::chord(key)));
        }
        self
    }

    /// Sends an event of the terminal.
    pub(crate) fn send(&self, event: Event) -> &Self {
        self.keys.try_send(event).unwrap();
        self
    }

    /// Waits until the screen shows a text.
    pub(crate) async fn shows(&self, text: &str) -> &Self {
        self.until(&format!("the screen shows {text:?}"), |shown| shown.screen.contains(text)).await
    }

    /// Waits until something is so.
    pub(crate) async fn until(&self, what: &str, is_so: impl Fn(&Shown) -> bool) -> &Self {
        let mut shown = self.shown.clone();
        let waited = tokio::time::timeout(DEADLINE, shown.wait_for(is_so)).await;
        assert!(matches!(waited, Ok(Ok(_))), "never came: {what}. The screen:\n{}", self.screen());
        self
    }

    /// Returns the screen as text.
    pub(crate) fn screen(&self) -> String {
        self.shown.borrow().screen.clone()
    }

    /// Returns what was shown and done so far.
    pub(crate) fn shown(&self) -> Shown {
        self.shown.borrow().clone()
    }

    /// Takes the terminal away; returns the workbench's folder and its thread.
    pub(crate) fn hang_up(self) -> (TempDir, JoinHandle<io::Result<u8>>) {
        (self.folder, self.thread)
    }

    /// Waits until the workbench has ended, and returns what it left behind.
    pub(crate) async fn ends(self) -> Left {
        let thread = self.thread;
        let joined = tokio::task::spawn_blocking(move || thread.join().unwrap());
        let code = tokio::time::timeout(DEADLINE, joined).await.expect("the loop ends").unwrap();
        Left { code: code.unwrap(), folder: self.folder }
    }
}

/// What a workbench left behind.
pub(crate) struct Left {
    /// Its exit code.
    pub(crate) code: u8,
    folder: TempDir,
}

impl Left {
    /// Returns the draft on disk, if there is one.
    pub(crate) fn draft(&self) -> Option<String> {
        fs::read_to_string(self.folder.path().join("data/draft.txt")).ok()
    }

    /// Returns a file of the folder of data, if it is there.
    pub(crate) fn file(&self, name: &str) -> Option<String> {
        fs::read_to_string(self.folder.path().join("data").join(name)).ok()
    }

    /// Returns the conversations on disk, oldest first, message by message.
    pub(crate) fn conversations(&self) -> Vec<Vec<String>> {
        let Ok(entries) = fs::read_dir(self.folder.path().join("data/conversations")) else {
            return Vec::new();
        };
        let mut files: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
        files.sort();
        files.iter().map(|file| messages(&fs::read_to_string(file).unwrap())).collect()
    }
}

fn messages(json: &str) -> Vec<String> {
    let conversation = transfer::from_json(json, &mut Ids::default()).unwrap();
    let line = |message: &tokenscope::core::conversation::Message| {
        format!("{}: {}", message.role.name(), message.text())
    };
    conversation.messages.iter().map(line).collect()
}

fn config(server: &GatedServer, folder: &Path) -> Config {
    let paths = Paths {
        config_file: folder.join("config.toml"),
        is_config_named: false,
        config_dir: folder.to_owned(),
        data_dir: folder.join("data"),
        dotenv: folder.join(".env"),
    };
    let overrides = Overrides {
        base_url: Some(server.base_url()),
        model: Some("m-1".to_owned()),
        ..Overrides::default()
    };
    let loaded = Config::load(&paths, &overrides, &|_| None);
    assert_eq!(loaded.error, None);
    loaded.config
}

/// Runs the loop the way the program does.
fn run(front: Fake, size: Size, config: Config, data: PathBuf, editor: String) -> io::Result<u8> {
    let requests = Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let own = Builder::new_current_thread().enable_all().build()?;
    let mut start = stage::start();
    start.personas = stage::personas(&["chef", "panda", "trainer"]);
    let mut card = start.settings.endpoint().clone();
    card.name = config.endpoint.as_str().into();
    start.settings.endpoints = vec![card];
    let access = Arc::new(Access::new(Arc::new(config), data.join(".env"), None));
    let (mut driver, inbound) = Driver::new(requests.handle().clone(), access, data);
    let mut session = Session {
        front,
        app: App::new(start, size),
        theme: front::theme(),
        find_theme: Box::new(|_| Ok(front::theme())),
        epoch: Instant::now(),
        editor,
        panics_on_f12: false,
    };
    let code = own.block_on(event_loop::run(&mut session, &mut driver, inbound));
    drop(session);
    drop(driver);
    requests.shutdown_background();
    code
}
