//! The user's own editor for the draft.

use crate::core::fault::{Fault, FaultKind};
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::PathBuf;
use std::process::Command;

/// Largest text that is taken back, in bytes.
const MAX: u64 = 64 * 1024 * 1024;

/// Returns the command of the user's editor: `$VISUAL`, else `$EDITOR`, else `vi`.
pub(crate) fn command(env: &dyn Fn(&str) -> Option<String>) -> String {
    let named = ["VISUAL", "EDITOR"].iter().find_map(|name| env(name).filter(|v| !v.trim().is_empty()));
    named.unwrap_or_else(|| "vi".to_owned())
}

/// Returns the text after the editor `command` has edited it.
///
/// # Errors
/// When the editor cannot be run, fails, or leaves something that is no text; the draft is unchanged
/// then.
pub(crate) fn edit(command: &str, text: &str) -> Result<String, Fault> {
    let mut words = command.split_whitespace();
    let program = words.next().unwrap_or("vi").to_owned();
    let local = |message: String| Fault::new(FaultKind::Local, message);
    let file = Scratch::new(text)
        .map_err(|error| local(format!("the draft could not be written for the editor: {error}")))?;
    let status = Command::new(&program).args(words).arg(&file.0).status();
    match status {
        Ok(status) if status.success() => {}
        Ok(status) => return Err(local(format!("{program} ended with {status}; the draft is unchanged"))),
        Err(error) => {
            return Err(local(format!("{program} could not be run: {error}"))
                .remedy("Set EDITOR to an editor you have"));
        }
    }
    let length = fs::metadata(&file.0).map_or(0, |metadata| metadata.len());
    if length > MAX {
        return Err(local("the edited text is too large; the draft is unchanged".to_owned()));
    }
    let bytes =
        fs::read(&file.0).map_err(|error| local(format!("the edited draft could not be read: {error}")))?;
    String::from_utf8(bytes)
        .map_err(|_| local("the edited draft is not UTF-8; the draft is unchanged".to_owned()))
}

/// A file only the user can read, gone when dropped.
struct Scratch(PathBuf);

impl Scratch {
    fn new(text: &str) -> std::io::Result<Self> {
        let name = format!("tokenscope-{}-{:x}.md", std::process::id(), crate::access::random());
        let path = std::env::temp_dir().join(name);
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(&path)?;
        file.write_all(text.as_bytes())?;
        Ok(Self(path))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}
