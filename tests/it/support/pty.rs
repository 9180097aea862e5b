//! The built program in a terminal of its own, as a user starts it.
//!
//! A shell starts it and prints the terminal's settings after it has ended, which tells whether they
//! are what they were. Everything written is kept as bytes and shown on an emulated screen.

use super::DEADLINE;
use portable_pty::{CommandBuilder, MasterPty, PtySize, SlavePty, native_pty_system};
use std::fmt::Write as _;
use std::io::{Read, Write};
use std::num::NonZeroU16;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use tempfile::TempDir;
use vt100::{MouseProtocolMode, Screen};

/// Outlives what it starts, whatever the signal, and passes its exit code on.
const SHELL: &str = "trap : HUP INT TERM; \"$@\"; code=$?; stty -a; exit $code";

/// What the terminal received.
struct Received {
    emulator: vt100::Parser,
    bytes: Vec<u8>,
}

/// A terminal with the program in it.
pub(crate) struct Pty {
    master: Box<dyn MasterPty>,
    /// Held so that what was written stays readable after the program has ended.
    _slave: Box<dyn SlavePty>,
    keyboard: Box<dyn Write + Send>,
    received: Arc<(Mutex<Received>, Condvar)>,
    reader: JoinHandle<()>,
    is_leaving: Arc<AtomicBool>,
    group: u32,
    ended: Receiver<u32>,
}

/// Where a program's files are.
pub(crate) struct Home(TempDir);

impl Home {
    /// Returns an empty home folder.
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    /// Returns the file of the draft.
    pub(crate) fn draft(&self) -> PathBuf {
        self.0.path().join("data/draft.txt")
    }

    /// Returns the folder of data.
    pub(crate) fn data(&self) -> PathBuf {
        self.0.path().join("data")
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    /// Returns the program's arguments and variables for a server at `base_url`.
    fn setting(&self, base_url: &str) -> (Vec<String>, Vec<(String, String)>) {
        let data = self.path().join("data").display().to_string();
        let args =
            ["--base-url", base_url, "--model", "m-1", "--data-dir", &data].map(str::to_owned).to_vec();
        let home = self.path().display().to_string();
        let path = std::env::var("PATH").unwrap_or_default();
        let variables =
            [("HOME", home.as_str()), ("PATH", &path), ("TERM", "xterm-256color"), ("LANG", "C.UTF-8")];
        (args, variables.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec())
    }

    /// Runs the program without a terminal; returns its exit code and what it wrote to standard error.
    pub(crate) fn run_without_terminal(&self, base_url: &str) -> (Option<i32>, String) {
        let (args, variables) = self.setting(base_url);
        let mut command = Command::new(env!("CARGO_BIN_EXE_tokenscope"));
        let output =
            command.args(args).env_clear().envs(variables).current_dir(self.path()).output().unwrap();
        assert_eq!(String::from_utf8_lossy(&output.stdout), "");
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    }
}

impl Pty {
    /// Starts the program on a screen of this size, asking a server at `base_url`.
    pub(crate) fn start(home: &Home, base_url: &str, width: u16, height: u16) -> Self {
        Self::start_with(home, base_url, (width, height), &[])
    }

    /// Starts the program with further variables.
    pub(crate) fn start_with(
        home: &Home,
        base_url: &str,
        size: (u16, u16),
        variables: &[(&str, &str)],
    ) -> Self {
        Self::launch(home, base_url, size, &[], variables)
    }

    /// Starts the program with a file to open.
    pub(crate) fn open(home: &Home, base_url: &str, size: (u16, u16), file: &Path) -> Self {
        Self::launch(home, base_url, size, &["--open", file.to_str().unwrap()], &[])
    }

    fn launch(
        home: &Home,
        base_url: &str,
        (width, height): (u16, u16),
        further: &[&str],
        variables: &[(&str, &str)],
    ) -> Self {
        let pair = native_pty_system().openpty(size(width, height)).unwrap();
        let (mut args, fixed) = home.setting(base_url);
        args.extend(further.iter().map(|argument| (*argument).to_owned()));
        let mut command = CommandBuilder::new("/bin/sh");
        command.args(["-c", SHELL, "sh", env!("CARGO_BIN_EXE_tokenscope")]);
        command.args(args);
        command.env_clear();
        command.cwd(home.path());
        for (name, value) in
            fixed.iter().map(|(name, value)| (name.as_str(), value.as_str())).chain(variables.iter().copied())
        {
            command.env(name, value);
        }
        let mut child = pair.slave.spawn_command(command).unwrap();
        let group = child.process_id().unwrap();
        let (tell, ended) = channel();
        std::thread::spawn(move || tell.send(child.wait().unwrap().exit_code()));

        let emulator = vt100::Parser::new(cells(height), cells(width), 0);
        let received = Arc::new((Mutex::new(Received { emulator, bytes: Vec::new() }), Condvar::new()));
        let is_leaving = Arc::new(AtomicBool::new(false));
        let reader = {
            let (received, is_leaving) = (Arc::clone(&received), Arc::clone(&is_leaving));
            let from = pair.master.try_clone_reader().unwrap();
            std::thread::spawn(move || read(from, &received, &is_leaving))
        };
        let keyboard = pair.master.take_writer().unwrap();
        Self { master: pair.master, _slave: pair.slave, keyboard, received, reader, is_leaving, group, ended }
    }

    /// Sends bytes as the keyboard does.
    pub(crate) fn send(&mut self, bytes: &str) -> &mut Self {
        self.keyboard.write_all(bytes.as_bytes()).unwrap();
        self.keyboard.flush().unwrap();
        self
    }

    /// Gives the terminal another size.
    pub(crate) fn resize(&mut self, width: u16, height: u16) -> &mut Self {
        self.lock().emulator.set_size(cells(height), cells(width));
        self.master.resize(size(width, height)).unwrap();
        self
    }

    /// Sends a signal to everything in the terminal.
    pub(crate) fn signal(&mut self, name: &str) -> &mut Self {
        let group = format!("-{}", self.group);
        assert!(Command::new("kill").args(["-s", name, "--", &group]).status().unwrap().success());
        self
    }

    /// Waits until the screen shows a text.
    #[track_caller]
    pub(crate) fn shows(&mut self, text: &str) -> &mut Self {
        self.until(&format!("the screen shows {text:?}"), |screen| screen.contents().contains(text))
    }

    /// Waits until something is so.
    #[track_caller]
    pub(crate) fn until(&mut self, what: &str, is_so: impl Fn(&Screen) -> bool) -> &mut Self {
        let until = Instant::now() + DEADLINE;
        let mut received = self.lock();
        while !is_so(received.emulator.screen()) {
            let left = until.saturating_duration_since(Instant::now());
            assert!(left > Duration::ZERO, "never came: {what}. {}", described(&received));
            received = self.received.1.wait_timeout(received, left).unwrap().0;
        }
        drop(received);
        self
    }

    /// Returns the screen as text.
    pub(crate) fn screen(&self) -> String {
        self.lock().emulator.screen().contents()
    }

    /// Returns everything that was received so far.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        self.lock().bytes.clone()
    }

    /// Waits until the program has ended, checks that the terminal is as it was before, and returns
    /// the exit code.
    #[track_caller]
    pub(crate) fn ends(&mut self) -> u32 {
        let code = self.ended.recv_timeout(DEADLINE).expect("the program ends");
        self.until("the shell prints the terminal's settings", |screen| screen.contents().contains("icanon"));
        let received = self.lock();
        let (screen, bytes) = (received.emulator.screen(), &received.bytes);
        let settings = screen.contents();
        let has =
            |setting: &str| settings.split_whitespace().any(|word| word.trim_end_matches(';') == setting);
        for setting in ["echo", "icanon", "isig", "icrnl", "opost"] {
            assert!(has(setting), "{setting} is off. {}", described(&received));
        }
        assert!(!screen.alternate_screen() && !screen.hide_cursor() && !screen.bracketed_paste());
        assert_eq!(screen.mouse_protocol_mode(), MouseProtocolMode::None);
        // The emulator does not know the enhanced keyboard: as often left as entered.
        let count = |wanted: &[u8]| bytes.windows(wanted.len()).filter(|found| *found == wanted).count();
        assert_eq!((count(b"\x1b[>1u"), count(b"\x1b[<1u")), (1, 1));
        code
    }

    /// Closes the terminal as its window's button does, and waits until the program has ended.
    pub(crate) fn close(mut self) -> u32 {
        // The reader holds the terminal open until it has read once more.
        self.is_leaving.store(true, Ordering::SeqCst);
        self.send("x");
        let Self { reader, master, keyboard, ended, .. } = self;
        reader.join().unwrap();
        drop(keyboard);
        drop(master);
        ended.recv_timeout(DEADLINE).expect("the program ends")
    }

    /// Kills the program and waits until it is gone.
    pub(crate) fn kill(mut self) {
        self.signal("KILL");
        self.ended.recv_timeout(DEADLINE).expect("the program is killed");
    }

    fn lock(&self) -> MutexGuard<'_, Received> {
        self.received.0.lock().unwrap()
    }
}

/// Waits until something outside the program is so.
pub(crate) fn becomes(what: &str, is_so: impl Fn() -> bool) {
    let until = Instant::now() + DEADLINE;
    while !is_so() {
        assert!(Instant::now() < until, "never: {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Waits until a file holds a text.
pub(crate) fn file_holds(path: &Path, text: &str) {
    let holds = || std::fs::read_to_string(path).ok().as_deref() == Some(text);
    becomes(&format!("{} holds {text:?}", path.display()), holds);
}

fn read(mut from: Box<dyn Read + Send>, received: &(Mutex<Received>, Condvar), is_leaving: &AtomicBool) {
    let mut buffer = [0; 16 * 1024];
    while let Ok(count) = from.read(&mut buffer)
        && count > 0
    {
        let mut all = received.0.lock().unwrap();
        all.emulator.process(&buffer[..count]);
        all.bytes.extend_from_slice(&buffer[..count]);
        received.1.notify_all();
        if is_leaving.load(Ordering::SeqCst) {
            return;
        }
    }
}

fn described(received: &Received) -> String {
    let mut text = format!("The screen:\n{}\nThe last bytes:\n", received.emulator.screen().contents());
    let last = received.bytes.len().saturating_sub(400);
    let _ = write!(text, "{}", received.bytes[last..].escape_ascii());
    text
}

fn size(width: u16, height: u16) -> PtySize {
    PtySize { rows: height, cols: width, pixel_width: 0, pixel_height: 0 }
}

fn cells(count: u16) -> NonZeroU16 {
    NonZeroU16::new(count).unwrap()
}
