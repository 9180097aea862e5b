//! Where a headless command writes: data to standard output or a file, everything else to standard error.
//!
//! Owns both streams and is the only place that writes to them. Text of a model reaches a terminal
//! only in its printable form; a pipe or a file gets the bytes as they came. JSON is harmless to a
//! terminal wherever it goes. What cannot be written to standard error is nobody's failure.

use crate::cli::failure::Failure;
use crate::cli::printable::Printable;
use crate::core::fault::Fault;
use crate::core::text::{printable, printable_lines};
use serde::Serialize;
use serde_json::ser::{CompactFormatter, Formatter, Serializer};
use std::fs::File;
use std::io::{self, BufWriter, IsTerminal, Stderr, Stdout, Write};
use std::path::Path;

/// Bytes of output that are collected before they are written.
const BUFFER: usize = 64 * 1024;

/// Where data goes.
enum Sink {
    Stdout(Stdout),
    File(File),
}

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Stdout(out) => out.write(bytes),
            Self::File(file) => file.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Stdout(out) => out.flush(),
            Self::File(file) => file.flush(),
        }
    }
}

/// The two streams of a command.
pub(super) struct Output {
    out: BufWriter<Sink>,
    err: Stderr,
    is_terminal: bool,
    is_err_terminal: bool,
    has_style: bool,
    text: Printable,
    reasoning: Printable,
    /// Whether the text ended without a line end so far.
    is_mid_line: bool,
    /// Whether a line of progress stands on the screen.
    has_progress: bool,
}

impl Output {
    /// Returns the streams of this process.
    pub(super) fn new() -> Self {
        let (out, err) = (io::stdout(), io::stderr());
        let (is_terminal, is_err_terminal) = (out.is_terminal(), err.is_terminal());
        let no_style = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        Self {
            out: BufWriter::with_capacity(BUFFER, Sink::Stdout(out)),
            err,
            is_terminal,
            is_err_terminal,
            has_style: is_err_terminal && !no_style,
            text: Printable::default(),
            reasoning: Printable::default(),
            is_mid_line: false,
            has_progress: false,
        }
    }

    /// Sends data to a file from here on, in the place of standard output. As with a shell's `>` the
    /// file is emptied at once, so that what cannot be written is told before anything is asked.
    pub(super) fn write_to(&mut self, path: &Path) -> Result<(), Failure> {
        let file = File::create(path).map_err(|error| {
            Failure::wrong(
                format!("{} cannot be written: {error}", path.display()),
                "Check that its folder exists and that you may write there",
            )
        })?;
        self.out = BufWriter::with_capacity(BUFFER, Sink::File(file));
        self.is_terminal = false;
        Ok(())
    }

    /// Writes a piece of a model's text and shows it at once.
    pub(super) fn stream(&mut self, piece: &str) -> Result<(), Failure> {
        if piece.is_empty() {
            return Ok(());
        }
        self.is_mid_line = !piece.ends_with('\n');
        if self.is_terminal {
            let shown = self.text.push(piece);
            self.out.write_all(shown.as_bytes())?;
        } else {
            self.out.write_all(piece.as_bytes())?;
        }
        Ok(self.out.flush()?)
    }

    /// Ends a streamed text: it ends in a line end whether the model wrote one or not.
    pub(super) fn end_stream(&mut self) -> Result<(), Failure> {
        let rest = self.text.finish();
        self.out.write_all(rest.as_bytes())?;
        if std::mem::take(&mut self.is_mid_line) {
            self.out.write_all(b"\n")?;
        }
        Ok(self.out.flush()?)
    }

    /// Writes a line of this program's own; what it quotes must be printable already.
    pub(super) fn line(&mut self, line: &str) -> Result<(), Failure> {
        self.clear_progress();
        self.out.write_all(line.as_bytes())?;
        Ok(self.out.write_all(b"\n")?)
    }

    /// Writes lines of this program's own.
    pub(super) fn own_lines(&mut self, lines: &[String]) -> Result<(), Failure> {
        lines.iter().try_for_each(|line| self.line(line))
    }

    /// Writes a model's whole text as lines of its own.
    pub(super) fn lines(&mut self, text: &str) -> Result<(), Failure> {
        self.clear_progress();
        self.stream(text)?;
        self.end_stream()
    }

    /// Writes bytes that are made for a program, such as a completion script.
    pub(super) fn raw(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        Ok(self.out.write_all(bytes)?)
    }

    /// Writes a value as one line of JSON.
    pub(super) fn json(&mut self, value: &impl Serialize) -> Result<(), Failure> {
        self.clear_progress();
        value.serialize(&mut Serializer::with_formatter(&mut self.out, Harmless))?;
        Ok(self.out.write_all(b"\n")?)
    }

    /// Shows everything written so far.
    pub(super) fn flush(&mut self) -> Result<(), Failure> {
        Ok(self.out.flush()?)
    }

    /// Writes a piece of a model's reasoning to standard error, dim where the terminal has styles.
    pub(super) fn reasoning(&mut self, piece: &str) {
        let shown = if self.is_err_terminal { self.reasoning.push(piece) } else { piece.to_owned() };
        let (dim, plain) = if self.has_style { ("\x1b[2m", "\x1b[22m") } else { ("", "") };
        let _ = write!(self.err, "{dim}{shown}{plain}");
    }

    /// Ends the reasoning.
    pub(super) fn end_reasoning(&mut self) {
        let rest = self.reasoning.finish();
        let (dim, plain) = if self.has_style { ("\x1b[2m", "\x1b[22m") } else { ("", "") };
        let _ = writeln!(self.err, "{dim}{rest}{plain}\n");
    }

    /// Says something on a line of standard error.
    pub(super) fn note(&mut self, note: &str) {
        self.clear_progress();
        let _ = writeln!(self.err, "{}", printable(note));
    }

    /// Says something only a person needs: on a terminal, not in a log.
    pub(super) fn hint(&mut self, hint: &str) {
        if self.is_err_terminal {
            self.note(hint);
        }
    }

    /// Returns the columns of the terminal that data goes to; `None` for a pipe or a file, where lines may
    /// be as long as they are.
    pub(super) fn columns(&self) -> Option<usize> {
        let size = self.is_terminal.then(|| terminal_size::terminal_size_of(io::stdout())).flatten();
        size.map(|(terminal_size::Width(columns), _)| usize::from(columns)).filter(|columns| *columns > 0)
    }

    /// Whether somebody sits there who can be asked.
    pub(super) fn can_ask(&self) -> bool {
        self.is_err_terminal && io::stdin().is_terminal()
    }

    /// Asks something; the answer is typed behind it.
    pub(super) fn ask(&mut self, question: &str) {
        self.clear_progress();
        let _ = write!(self.err, "{}", printable(question));
    }

    /// Says what went wrong.
    pub(super) fn fault(&mut self, fault: &Fault) {
        self.note(&format!("tokenscope: {fault}"));
    }

    /// Writes lines of help or of a usage mistake to standard error.
    pub(super) fn usage(&mut self, text: &str) {
        let _ = self.err.write_all(printable_lines(text).as_bytes());
    }

    /// Shows how far it is, on a terminal only.
    pub(super) fn progress(&mut self, progress: &str) {
        if self.is_err_terminal {
            self.has_progress = true;
            let _ = write!(self.err, "\r\x1b[2K{}", printable(progress));
        }
    }

    /// Takes the line of progress away.
    pub(super) fn clear_progress(&mut self) {
        if std::mem::take(&mut self.has_progress) {
            let _ = write!(self.err, "\r\x1b[2K");
        }
    }
}

/// Compact JSON in which every character that could act on a terminal is escaped.
struct Harmless;

impl Formatter for Harmless {
    /// Escapes what JSON allows to stand as it is: the control characters above ASCII, and those that
    /// change the direction of text or are not seen. The value read back is the same.
    fn write_string_fragment<W: ?Sized + Write>(&mut self, writer: &mut W, fragment: &str) -> io::Result<()> {
        let acts = |c: char| {
            matches!(c, '\u{7f}'..='\u{9f}' | '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}'
                | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
        };
        let mut plain = 0;
        for (at, c) in fragment.char_indices().filter(|(_, c)| acts(*c)) {
            CompactFormatter.write_string_fragment(writer, &fragment[plain..at])?;
            write!(writer, "\\u{:04x}", c as u32)?;
            plain = at + c.len_utf8();
        }
        CompactFormatter.write_string_fragment(writer, &fragment[plain..])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn written(text: &str) -> String {
        let mut out = Vec::new();
        text.serialize(&mut Serializer::with_formatter(&mut out, Harmless)).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn json_holds_nothing_that_acts_on_a_terminal() {
        assert_eq!(written("a\u{9b}31m\u{202e}b\x1b한"), "\"a\\u009b31m\\u202eb\\u001b한\"");
    }

    proptest! {
        #[test]
        fn json_is_read_back_as_it_was(text in any::<String>()) {
            prop_assert_eq!(serde_json::from_str::<String>(&written(&text)).unwrap(), text);
        }
    }
}
