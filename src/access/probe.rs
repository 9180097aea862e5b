//! Carries a truth probe out, and keeps what was found with its date.
//!
//! Owns the way from a question to its outcome, one request after the other, and the file of findings.
//! The questions and the judgement are [`crate::core::probe`]'s.
//!
//! Invariant: a failure of the server is an outcome like any other; and a file that cannot be read is
//! told, and never written over.

use super::private;
use crate::core::fault::{Fault, FaultKind};
use crate::core::id::Ids;
use crate::core::probe::{Answers, Finding, Outcome, Probes, Question, Subject};
use crate::core::request::Request;
use crate::core::run::Run;
use crate::core::stream::StreamEvent;
use crate::core::time::{Timestamp, utc_day};
use crate::provider::Client;
use futures_util::StreamExt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

/// Pieces of an answer after which the connection is closed: eight times the longest limit.
const MOST_PIECES: usize = 64;

/// Bytes of an answer after which it is.
const MOST_BYTES: usize = 4096;

/// Largest file of findings that is read, in bytes; a thousand findings are a few megabytes.
const MAX_FILE: u64 = 32 * 1024 * 1024;

/// How far a probe is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Requests that have ended.
    pub done: usize,
    /// What is being asked.
    pub question: Question,
    /// Number of the try; more than 1 after a failure that may pass.
    pub attempt: u32,
}

/// Asks a model what it really does; `each` sees every try.
///
/// # Errors
/// When no request was answered, so that nothing was found out.
pub async fn run(
    client: &Client,
    subject: &Subject,
    mut each: impl FnMut(Progress) + Send,
) -> Result<Finding, Fault> {
    let mut answers = Answers::default();
    while let Some(question) = answers.next() {
        let done = answers.len();
        let told = |attempt| each(Progress { done, question, attempt });
        let outcome = ask(client, question.request(subject, &answers), told).await;
        answers.take(question, outcome);
    }
    if let Some(fault) = answers.fault() {
        return Err(fault.clone());
    }
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Ok(Finding::new(subject, &answers, &utc_day(since_epoch)))
}

async fn ask(client: &Client, request: Request, mut each: impl FnMut(u32) + Send) -> Outcome {
    let request = Arc::new(request);
    // Times are nobody's question here.
    let now = Timestamp::default();
    let mut run = Run::new(Ids::default().run(), Arc::clone(&request), now);
    let mut events = pin!(client.run(request));
    let mut pieces = 0;
    while let Some(event) = events.next().await {
        match &event {
            StreamEvent::Attempt { number } => each(*number),
            StreamEvent::Delta { tokens, .. } => pieces += tokens.len().max(1),
            StreamEvent::Reasoning { .. } => pieces += 1,
            StreamEvent::Retrying { .. }
            | StreamEvent::Opened { .. }
            | StreamEvent::Limits(_)
            | StreamEvent::Usage(_)
            | StreamEvent::Exchanged(_)
            | StreamEvent::Finished(_)
            | StreamEvent::Failed(_) => {}
        }
        run.apply(event, now);
        let is_endless = pieces > MOST_PIECES || run.text.len() + run.reasoning.len() > MOST_BYTES;
        if is_endless && !run.status.is_ended() {
            // Leaving the stream closes the connection, which is what ends the answer.
            break;
        }
    }
    Outcome::of(&run)
}

/// Returns where findings are kept under a folder of data.
#[must_use]
pub fn file(data_dir: &Path) -> PathBuf {
    data_dir.join("probes.json")
}

/// Returns the findings kept under a folder, and what was wrong with their file.
#[must_use]
pub fn load(data_dir: &Path) -> (Probes, Option<Fault>) {
    match read(&file(data_dir)) {
        Ok(probes) => (probes, None),
        Err(fault) => (Probes::default(), Some(fault)),
    }
}

/// Adds a finding to those kept under a folder.
///
/// # Errors
/// When the file cannot be read or written; it is left as it is.
pub fn store(data_dir: &Path, finding: Finding) -> Result<(), Fault> {
    let path = file(data_dir);
    // Read again: another process may have added one since.
    let mut probes = read(&path)?;
    probes.put(finding);
    private::write(&path, probes.to_json().as_bytes()).map_err(|error| {
        Fault::new(FaultKind::Local, format!("{} cannot be written: {error}", path.display()))
            .remedy("Name another folder with --data-dir")
    })
}

fn read(path: &Path) -> Result<Probes, Fault> {
    let unreadable = |what: String| {
        Fault::new(
            FaultKind::Local,
            format!("what was probed cannot be read from {}: {what}", path.display()),
        )
        .remedy("Move the file away, and probe again")
    };
    match fs::metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Probes::default()),
        Err(error) => return Err(unreadable(error.to_string())),
        Ok(metadata) if metadata.len() > MAX_FILE => {
            return Err(unreadable(format!("it has {} bytes, at most {MAX_FILE} are read", metadata.len())));
        }
        Ok(_) => {}
    }
    let text = fs::read_to_string(path).map_err(|error| unreadable(error.to_string()))?;
    Probes::from_json(&text).map_err(unreadable)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finding(model: &str) -> Finding {
        Finding::new(&Subject::new("e", model, "http://h/v1"), &Answers::default(), "2026-11-21")
    }

    #[test]
    fn findings_are_kept_for_the_user_alone() {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        assert_eq!(load(&data), (Probes::default(), None));
        store(&data, finding("a")).unwrap();
        store(&data, finding("b")).unwrap();
        let (probes, fault) = load(&data);
        assert_eq!((probes.len(), fault), (2, None));
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = fs::metadata(file(&data)).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
        let names: Vec<_> = fs::read_dir(&data).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(names, ["probes.json"]);
    }

    #[test]
    fn a_file_that_cannot_be_read_is_told_and_left() {
        let folder = tempfile::tempdir().unwrap();
        for wrong in [&b"{"[..], b"\xff\xfe", b"{\"version\":2,\"probes\":[]}"] {
            fs::write(file(folder.path()), wrong).unwrap();
            let (probes, fault) = load(folder.path());
            assert!(probes.is_empty());
            let fault = fault.unwrap();
            assert!(fault.message.contains("probes.json") && !fault.remedy.is_empty(), "{fault}");
            assert!(store(folder.path(), finding("a")).is_err());
            assert_eq!(fs::read(file(folder.path())).unwrap(), wrong);
        }
    }
}
