//! Programs that judge answers: each gets one on standard input, and says by its exit code.
//!
//! Owns how long one may take, and its end: what it prints is nobody's, one that does not end is ended, and
//! all are ended when nobody waits for them any more. Never decides that one may be run: whoever calls this
//! has the user's yes.

use crate::core::text::fit;
use std::io::{self, Write};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// Longest time a program may take for one answer.
const LONGEST: Duration = Duration::from_secs(60);

/// How often is looked whether a program has ended.
const LOOK: Duration = Duration::from_millis(5);

/// Widest name of a program in a sentence, in cells.
const SHOWN_CELLS: usize = 40;

/// Most programs that run at once.
pub const MAX_LANES: usize = 16;

/// Gives an answer to a program and waits for what it says; ends it when `is_over` says so.
///
/// # Errors
/// Says in one sentence why the answer did not pass.
pub fn judge(words: &[String], answer: &Arc<str>, is_over: &AtomicBool) -> Result<(), String> {
    let (name, arguments) = words.split_first().ok_or("a command begins with a program")?;
    let shown = fit(name, SHOWN_CELLS);
    let failed = |error: io::Error| format!("{shown} could not be run: {error}");
    let mut child = Command::new(name)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .map_err(failed)?;
    let (stdin, text) = (child.stdin.take(), Arc::clone(answer));
    // A program that does not read must not hold this one up, so the answer is written beside.
    let writer = std::thread::spawn(move || {
        if let Some(mut stdin) = stdin {
            // One that has seen enough closes its input.
            let _ = stdin.write_all(text.as_bytes());
        }
    });
    let start = Instant::now();
    let status = loop {
        match child.try_wait().map_err(failed)? {
            Some(status) => break status,
            None if is_over.load(Ordering::Relaxed) => {
                end(&mut child);
                return Err(format!("{shown} was not waited for"));
            }
            None if start.elapsed() > LONGEST => {
                end(&mut child);
                return Err(format!("{shown} took more than {} s", LONGEST.as_secs()));
            }
            None => std::thread::sleep(LOOK),
        }
    };
    let _ = writer.join();
    match status.code() {
        Some(0) => Ok(()),
        Some(code) => Err(format!("{shown} ended with {code}")),
        None => Err(format!("{shown} was ended by a signal")),
    }
}

fn end(child: &mut Child) {
    // One that has ended in the meantime cannot be ended any more.
    let _ = child.kill();
    let _ = child.wait();
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    fn says(command: &[&str], answer: &str, is_over: bool) -> Result<(), String> {
        let words: Vec<String> = command.iter().map(|word| (*word).to_owned()).collect();
        judge(&words, &answer.into(), &AtomicBool::new(is_over))
    }

    #[test]
    fn a_program_says_by_its_exit_code() {
        assert_eq!(says(&["grep", "-q", "국밥"], "서울의 국밥", false), Ok(()));
        assert_eq!(says(&["grep", "-q", "빵"], "서울의 국밥", false), Err("grep ended with 1".to_owned()));
        assert_eq!(says(&["sh", "-c", "exit 7"], "", false), Err("sh ended with 7".to_owned()));
        // One that reads nothing of a long answer.
        assert_eq!(says(&["true"], &"x".repeat(1 << 20), false), Ok(()));
        assert!(says(&["/nowhere/at/all"], "", false).unwrap_err().contains("could not be run"));
        assert!(says(&[], "", false).is_err());
    }

    #[test]
    fn a_program_nobody_waits_for_is_ended() {
        assert_eq!(says(&["sleep", "600"], "", true), Err("sleep was not waited for".to_owned()));
    }
}
