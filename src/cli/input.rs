//! What a headless command reads: files, standard input, and the prompt put together from them.
//!
//! Files and pipes are bounded, and what is no UTF-8 is read lossily and told.

use crate::cli::failure::Failure;
use crate::cli::output::Output;
use clap::ArgMatches;
use std::fs::File;
use std::io::{self, IsTerminal, Read};
use std::path::{Path, PathBuf};

/// The name that stands for standard input.
pub(super) const STDIN: &str = "-";

/// Most bytes of a prompt; more than any model's window holds.
const MAX_PROMPT: u64 = 64 * 1024 * 1024;

/// Returns the text of a file, or of standard input for `-`, of at most `max` bytes.
pub(super) fn read(path: &Path, max: u64, output: &mut Output) -> Result<String, Failure> {
    let bytes = bytes(path, max)?;
    Ok(text(bytes, &name(path), output))
}

/// Returns the name of a file for the user.
pub(super) fn name(path: &Path) -> String {
    if path == Path::new(STDIN) { "standard input".to_owned() } else { path.display().to_string() }
}

/// Returns the bytes of a file, or of standard input for `-`, at most `max`.
pub(super) fn bytes(path: &Path, max: u64) -> Result<Vec<u8>, Failure> {
    let name = name(path);
    let mut bytes = Vec::new();
    let size = if path == Path::new(STDIN) {
        io::stdin().lock().take(max + 1).read_to_end(&mut bytes)
    } else {
        File::open(path).and_then(|file| file.take(max + 1).read_to_end(&mut bytes))
    };
    match size {
        Ok(size) if size as u64 > max => {
            let message = format!("{name} has more than {} MiB", max / (1024 * 1024));
            Err(Failure::wrong(message, "Give it in parts"))
        }
        Ok(_) => Ok(bytes),
        Err(error) => Err(Failure::wrong(
            format!("{name} cannot be read: {error}"),
            "Check that it is a file and that you may read it",
        )),
    }
}

/// Returns the bytes as text; tells it when some were none.
pub(super) fn text(bytes: Vec<u8>, name: &str, output: &mut Output) -> String {
    match String::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => {
            let at = error.utf8_error().valid_up_to();
            output.note(&format!("≈ {name} is no UTF-8 from byte {at} on: read with U+FFFD in its place"));
            String::from_utf8_lossy(error.as_bytes()).into_owned()
        }
    }
}

/// Returns the prompt: the words of the command line, then the file; standard input where `-` stands,
/// or where nothing is given and it is no terminal.
pub(super) fn prompt(matches: &ArgMatches, output: &mut Output) -> Result<String, Failure> {
    let file = matches.get_one::<PathBuf>("file");
    prompt_of(matches, file.map(PathBuf::as_path), true, output).map(Option::unwrap_or_default)
}

/// Returns the prompt, with a file of the caller's choice; `None` where nothing is given and nothing is
/// needed.
pub(super) fn prompt_of(
    matches: &ArgMatches,
    file: Option<&Path>,
    is_needed: bool,
    output: &mut Output,
) -> Result<Option<String>, Failure> {
    let words: Vec<&String> = matches.get_many("prompt").into_iter().flatten().collect();
    let mut parts: Vec<String> = Vec::new();
    if words.is_empty() && file.is_none() {
        if !is_needed {
            return Ok(None);
        }
        if io::stdin().is_terminal() {
            return Err(Failure::wrong(
                "There is no prompt",
                "Write it after the command, pipe it in, or name a file with --file",
            ));
        }
        parts.push(piped(Path::new(STDIN), output)?);
    }
    for run in words.chunk_by(|a, b| *a != STDIN && *b != STDIN) {
        match run {
            [word] if *word == STDIN => parts.push(piped(Path::new(STDIN), output)?),
            words => parts.push(words.iter().map(|word| word.as_str()).collect::<Vec<_>>().join(" ")),
        }
    }
    if let Some(file) = file {
        parts.push(piped(file, output)?);
    }
    let prompt = parts.join("\n\n");
    if prompt.trim().is_empty() {
        return Err(Failure::wrong("The prompt is empty", "Write what to ask"));
    }
    Ok(Some(prompt))
}

/// Returns the text of a file without the line end that ends every file.
fn piped(path: &Path, output: &mut Output) -> Result<String, Failure> {
    let mut text = read(path, MAX_PROMPT, output)?;
    if text.ends_with('\n') {
        text.pop();
        if text.ends_with('\r') {
            text.pop();
        }
    }
    Ok(text)
}
