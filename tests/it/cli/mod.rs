//! The headless commands as a shell sees them: the built binary, its streams and its exit codes.

mod ask;
mod compare;
mod configuration;
mod count;
mod inspect;
mod page;
mod personas;
mod probe;
mod saved;
mod shape;
mod sweep;
mod usage;

use crate::support::gated::{Call, GatedServer};
use portable_pty::{CommandBuilder, PtySize, native_pty_system};
use serde_json::{Value, json};
use std::future::Future;
use std::io::{Read, Write};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;
use tempfile::TempDir;

const BINARY: &str = env!("CARGO_BIN_EXE_tokenscope");

/// A machine without configuration and without keys.
struct Home {
    dir: TempDir,
}

/// What a command left behind.
#[derive(Debug)]
struct Done {
    code: Option<i32>,
    out: String,
    err: String,
}

impl From<Output> for Done {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code(),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

impl Done {
    #[track_caller]
    fn fine(self) -> String {
        assert_eq!(self.code, Some(0), "{self:?}");
        self.out
    }

    /// Checks the exit code, and that all of `said` was told.
    #[track_caller]
    fn fails(&self, code: i32, said: &[&str]) {
        assert_eq!(self.code, Some(code), "{self:?}");
        for said in said {
            assert!(self.err.contains(said), "{said:?} is not in {:?}", self.err);
        }
    }
}

impl Home {
    fn new() -> Self {
        Self { dir: TempDir::new().unwrap() }
    }

    fn path(&self) -> &Path {
        self.dir.path()
    }

    fn write(&self, name: &str, bytes: impl AsRef<[u8]>) -> String {
        let path = self.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path.to_str().unwrap().to_owned()
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(BINARY);
        command.args(arguments).env_clear().env("HOME", self.path()).current_dir(self.path());
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    fn run(&self, arguments: &[&str]) -> Done {
        self.command(arguments).output().unwrap().into()
    }

    /// Runs with these bytes as standard input.
    fn pipe(&self, arguments: &[&str], input: &[u8]) -> Done {
        let mut child = self.command(arguments).stdin(Stdio::piped()).spawn().unwrap();
        let mut stdin = child.stdin.take().unwrap();
        let input = input.to_vec();
        // A command that refuses its input closes it early.
        let writer = std::thread::spawn(move || drop(stdin.write_all(&input)));
        let done = child.wait_with_output().unwrap().into();
        writer.join().unwrap();
        done
    }

    /// Runs on a terminal and returns the exit code and what was on the screen.
    fn on_terminal(&self, arguments: &[&str]) -> (u32, String) {
        self.on_terminal_with(arguments, "")
    }

    /// Runs on a terminal at which this is typed.
    fn on_terminal_with(&self, arguments: &[&str], typed: &str) -> (u32, String) {
        self.on_terminal_of(200, arguments, typed)
    }

    /// Runs on a terminal of so many columns at which this is typed.
    fn on_terminal_of(&self, cols: u16, arguments: &[&str], typed: &str) -> (u32, String) {
        let pty = native_pty_system().openpty(PtySize { rows: 50, cols, ..PtySize::default() }).unwrap();
        let mut command = CommandBuilder::new(BINARY);
        command.args(arguments);
        command.env_clear();
        command.env("HOME", self.path());
        command.cwd(self.path());
        let mut child = pty.slave.spawn_command(command).unwrap();
        drop(pty.slave);
        let mut reader = pty.master.try_clone_reader().unwrap();
        // The terminal keeps it until it is read.
        let mut writer = pty.master.take_writer().unwrap();
        writer.write_all(typed.as_bytes()).unwrap();
        let mut screen = Vec::new();
        // On Linux the end of a terminal is an error.
        let _ = reader.read_to_end(&mut screen);
        (child.wait().unwrap().exit_code(), String::from_utf8_lossy(&screen).into_owned())
    }
}

/// Runs a command against a server that answers it as `serve` says.
async fn against<T>(arguments: &[&str], serve: impl AsyncFnOnce(&GatedServer) -> T) -> (Done, T) {
    let server = GatedServer::start().await;
    let home = Home::new();
    let child = asking(&home, arguments, &server.base_url()).spawn().unwrap();
    both(child, serve(&server)).await
}

/// Waits for the command and its server; fails where the command ended without asking.
async fn both<T>(child: Child, serve: impl Future<Output = T>) -> (Done, T) {
    let mut serve = std::pin::pin!(serve);
    let mut ended = std::pin::pin!(ended(child));
    tokio::select! {
        served = &mut serve => (ended.await, served),
        done = &mut ended => {
            // What the server still has to do does not depend on the command any more.
            let served = tokio::time::timeout(Duration::from_secs(10), serve).await;
            let Ok(served) = served else { panic!("the command ended too early: {done:?}") };
            (done, served)
        }
    }
}

fn asking(home: &Home, arguments: &[&str], base_url: &str) -> Command {
    let mut command = home.command(arguments);
    command.args(["--base-url", base_url, "--model", "m-1"]).env("OPENAI_API_KEY", "sk-test");
    command
}

async fn ended(child: Child) -> Done {
    tokio::task::spawn_blocking(|| child.wait_with_output().unwrap().into()).await.unwrap()
}

/// Returns one event of a stream: a delta with one token and its candidates.
fn delta(text: &str, logprob: f64, candidates: &[(&str, f64)]) -> String {
    let entry =
        |text: &str, logprob: f64| json!({"token": text, "logprob": logprob, "bytes": text.as_bytes()});
    let mut token = entry(text, logprob);
    token["top_logprobs"] = candidates.iter().map(|(text, logprob)| entry(text, *logprob)).collect();
    let choice = json!({"index": 0, "delta": {"content": text}, "logprobs": {"content": [token]}});
    format!("data: {}\n\n", json!({"choices": [choice]}))
}

fn end(reason: &str, usage: Option<(u64, u64)>) -> String {
    let choice = json!({"index": 0, "delta": {}, "finish_reason": reason});
    let mut end = format!("data: {}\n\n", json!({"choices": [choice]}));
    if let Some((input, output)) = usage {
        let usage = json!({"prompt_tokens": input, "completion_tokens": output});
        end.push_str(&format!("data: {}\n\n", json!({"choices": [], "usage": usage})));
    }
    end.push_str("data: [DONE]\n\n");
    end
}

/// Returns an answer of two tokens, each with probability one half.
fn answer(first: &str, second: &str) -> String {
    let half = 0.5f64.ln();
    let one = |text: &str| delta(text, half, &[(text, half), ("x", 0.25f64.ln())]);
    format!("{}{}{}", one(first), one(second), end("stop", Some((9, 2))))
}

fn json_of(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

fn body(call: &Call) -> Value {
    json_of(&call.body)
}
