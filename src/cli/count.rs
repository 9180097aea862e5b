//! `count`: tokens of files, of standard input, or of JSON strings line by line.
//!
//! Standard output holds numbers and nothing else that is not a file's name; with `--pieces` the tokens
//! themselves too. That a count is an estimate is said on standard error.

use crate::cli::failure::Failure;
use crate::cli::flags::Flags;
use crate::cli::input::{self, STDIN};
use crate::cli::output::Output;
use crate::cli::session;
use crate::core::cutting::{shown, words};
use crate::core::figure::{counted, whole};
use crate::core::model::Encoding;
use crate::core::mojibake::detect;
use crate::core::text::{clusters, printable};
use crate::tokenizer::{Table, table};
use std::io::{self, BufRead, BufReader, IsTerminal, Read};
use std::path::{Path, PathBuf};

/// Most bytes of one file.
const MAX_FILE: u64 = 1024 * 1024 * 1024;

/// Most bytes of one line.
const MAX_LINE: u64 = 256 * 1024 * 1024;

/// Bytes read at once.
const BUFFER: usize = 256 * 1024;

/// Counts and prints.
pub(super) fn run(flags: &Flags<'_>, output: &mut Output) -> Result<(), Failure> {
    let mut files: Vec<PathBuf> =
        flags.own().get_many::<PathBuf>("files").into_iter().flatten().cloned().collect();
    let is_by_line = flags.is_on("lines");
    let mut named = flags.one::<String>("encoding").and_then(|name| Encoding::from_name(&name));
    // Programs that compare counters append the encoding's name to the command they are given.
    if is_by_line
        && named.is_none()
        && let [only] = files.as_slice()
        && let Some(encoding) = only.to_str().and_then(Encoding::from_name)
        && !only.exists()
    {
        named = Some(encoding);
        files.clear();
    }
    let encoding = match named {
        Some(encoding) => encoding,
        None => of_model(flags, output)?,
    };
    if files.is_empty() {
        if io::stdin().is_terminal() {
            return Err(Failure::wrong(
                "There is nothing to count",
                "Name files, or pipe a text in: printf %s 'text' | tokenscope count",
            ));
        }
        files.push(STDIN.into());
    }
    let table = table(encoding);
    if is_by_line {
        by_line(&files, table, output)
    } else if flags.is_on("pieces") {
        by_piece(&files, encoding, output)
    } else {
        by_file(&files, table, output)
    }
}

/// Returns the vocabulary of the model that is named or configured; tells it when that is a guess.
fn of_model(flags: &Flags<'_>, output: &mut Output) -> Result<Encoding, Failure> {
    let (_, loaded) = flags.load()?;
    if let Some(fault) = loaded.error {
        return Err(Failure::Wrong(fault));
    }
    let config = loaded.config;
    let Some(model) = config.model(&config.endpoint) else {
        output.note("≈ no model named, counted as o200k_base");
        return Ok(Encoding::O200kBase);
    };
    let (encoding, is_exact) = session::encoding(&config.card(model), model);
    if !is_exact {
        output.note(&format!("≈ unknown model, counted as {}", encoding.name()));
    }
    Ok(encoding)
}

/// Prints the count of each file, and their sum if there are several.
///
/// A file that cannot be read does not keep the others from being counted.
fn by_file(files: &[PathBuf], table: &Table, output: &mut Output) -> Result<(), Failure> {
    let mut counts = Vec::with_capacity(files.len());
    let mut failed = None;
    for file in files {
        match input::read(file, MAX_FILE, output) {
            Ok(text) => counts.push((table.count(&text), file)),
            Err(failure) => {
                if let Some(fault) = failure.fault() {
                    output.fault(fault);
                }
                failed = Some(failure.told());
            }
        }
    }
    if let ([_], [(count, _)]) = (files, counts.as_slice()) {
        output.line(&count.to_string())?;
    } else if !counts.is_empty() {
        let total: u64 = counts.iter().map(|(count, _)| count).sum();
        let width = total.to_string().len();
        for (count, file) in &counts {
            output.line(&format!("{count:>width$}  {}", printable(&file.to_string_lossy())))?;
        }
        output.line(&format!("{total:>width$}  total"))?;
    }
    failed.map_or(Ok(()), Err)
}

/// Prints every token of each file, with what a grapheme cluster and a word cost in which vocabulary.
fn by_piece(files: &[PathBuf], encoding: Encoding, output: &mut Output) -> Result<(), Failure> {
    let table = table(encoding);
    for (number, file) in files.iter().enumerate() {
        let text = input::read(file, MAX_FILE, output)?;
        if files.len() > 1 {
            if number > 0 {
                output.line("")?;
            }
            output.line(&printable(&file.to_string_lossy()))?;
        }
        let tokens = table.encode(&text);
        let width = tokens.len().to_string().len();
        for (number, token) in (1..).zip(&tokens) {
            let (piece, _) = shown(table.bytes(*token).unwrap_or_default());
            output.line(&format!("{number:>width$}  {token:>6}  {piece}"))?;
        }
        output.line(&format!("{} · {}", figures(tokens.len(), &text), encoding.name()))?;
        if let Some(found) = detect(&text) {
            let (meant, about) = (table.count(&found.repaired), if found.is_lossless { "" } else { "≈ " });
            output.note(&format!(
                "note: this looks like UTF-8 read as {}: {} instead of {about}{}",
                found.page.name(),
                counted(tokens.len(), "token"),
                whole(meant),
            ));
        }
    }
    Ok(())
}

/// Returns what a text costs.
fn figures(tokens: usize, text: &str) -> String {
    let mut parts = vec![counted(tokens, "token")];
    for (count, name) in [(clusters(text).count(), "grapheme"), (words(text), "word")] {
        parts.push(counted(count, name));
        if count > 0 {
            #[expect(clippy::cast_precision_loss, reason = "token counts are far below 2^52")]
            let share = tokens as f64 / count as f64;
            parts.push(format!("{share:.2} tokens per {name}"));
        }
    }
    parts.join(" · ")
}

/// Prints the count of the JSON string on each line.
fn by_line(files: &[PathBuf], table: &Table, output: &mut Output) -> Result<(), Failure> {
    for file in files {
        if file == Path::new(STDIN) {
            lines(BufReader::with_capacity(BUFFER, io::stdin().lock()), "standard input", table, output)?;
        } else {
            let name = file.display().to_string();
            let open = std::fs::File::open(file).map_err(|error| unreadable(&name, &error))?;
            lines(BufReader::with_capacity(BUFFER, open), &name, table, output)?;
        }
    }
    Ok(())
}

fn lines<R: Read>(
    mut reader: BufReader<R>,
    name: &str,
    table: &Table,
    output: &mut Output,
) -> Result<(), Failure> {
    let mut line = Vec::new();
    for number in 1u64.. {
        // Who writes line by line may wait for a count before the next one: show all before reading on.
        if !reader.buffer().contains(&b'\n') {
            output.flush()?;
        }
        line.clear();
        let size = (&mut reader).take(MAX_LINE + 1).read_until(b'\n', &mut line);
        match size.map_err(|error| unreadable(name, &error))? as u64 {
            0 => break,
            size if size > MAX_LINE => {
                return Err(Failure::wrong(
                    format!("{name}:{number}: the line has more than {} MiB", MAX_LINE / (1024 * 1024)),
                    "Give it in parts",
                ));
            }
            _ => {}
        }
        let text = if let Ok(text) = serde_json::from_slice::<String>(&line) {
            text
        } else {
            let lossy = input::text(std::mem::take(&mut line), &format!("{name}:{number}"), output);
            serde_json::from_str(&lossy).map_err(|error| {
                Failure::wrong(
                    format!("{name}:{number}:{}: no JSON string: {}", error.column(), reason(&error)),
                    "Write each text as one line of JSON, such as \"two\\nlines\"",
                )
            })?
        };
        output.line(&table.count(&text).to_string())?;
    }
    output.flush()
}

/// Returns what the parser said, without the place within the line, which is told before it.
fn reason(error: &serde_json::Error) -> String {
    let said = error.to_string();
    said.rsplit_once(" at line ").map_or(said.as_str(), |(reason, _)| reason).to_owned()
}

fn unreadable(name: &str, error: &io::Error) -> Failure {
    Failure::wrong(
        format!("{name} cannot be read: {error}"),
        "Check that it is a file and that you may read it",
    )
}
