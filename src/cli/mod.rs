//! The headless front end.
//!
//! Owns the command line: its arguments, one file per command, and the exit codes. Data goes to
//! standard output, everything else to standard error. It never draws the workbench: where the command
//! line asks for it, that is what [`start`] returns.
//!
//! ```text
//! arguments ─► flags ─► session ─► ask · compare · inspect · probe ─► record ─► output
//!                          └ known, access, runs
//! ```
//!
//! Invariant: an answer is folded by `core::run` and written by `record`, whatever the command, so
//! that the same run has the same numbers.

mod arguments;
mod ask;
mod compare;
mod completions;
mod config;
mod count;
mod engine;
mod failure;
mod flags;
mod input;
mod inspect;
mod interrupt;
mod keys;
mod known;
mod output;
mod printable;
mod probe;
mod serve;
mod session;
mod shape;
mod table;

use crate::config::Overrides;
use crate::core::fault::Fault;
use clap::error::{Error, ErrorKind};
use failure::Failure;
use flags::Flags;
use output::Output;
use std::ffi::OsString;
use std::path::PathBuf;

/// What the command line asks for.
#[derive(Debug)]
pub enum Start {
    /// A command, which has run and ended with this exit code.
    Ended(u8),
    /// The workbench.
    Workbench {
        /// What the flags say.
        overrides: Box<Overrides>,
        /// The conversation to open.
        open: Option<PathBuf>,
    },
}

/// Returns what the arguments ask for, having done it if it is a headless command.
pub fn start(arguments: impl IntoIterator<Item = OsString>) -> Start {
    let mut output = Output::new();
    let matches = match arguments::command().try_get_matches_from(arguments) {
        Ok(matches) => matches,
        Err(error) => return Start::Ended(help(&error, &mut output)),
    };
    let flags = Flags::new(&matches);
    if flags.command().is_empty() {
        return Start::Workbench { overrides: Box::new(flags.overrides()), open: flags.one("open") };
    }
    let done = flags.check().and_then(|()| run(&flags, &mut output));
    // What was printed before a failure is part of the answer.
    Start::Ended(code(done.and(output.flush()), &mut output))
}

/// Tells a fault of the start and returns the exit code for it.
pub fn refuse(fault: &Fault) -> u8 {
    Output::new().fault(fault);
    failure::WRONG_USE
}

fn run(flags: &Flags<'_>, output: &mut Output) -> Result<(), Failure> {
    match flags.command() {
        ["ask"] => ask::run(flags, output),
        ["compare"] => compare::run(flags, output),
        ["inspect"] => inspect::run(flags, output),
        ["probe"] => probe::run(flags, output),
        ["count"] => count::run(flags, output),
        ["serve"] => serve::run(flags, output),
        ["keys"] => keys::run(flags, output),
        ["config", "path"] => config::path(flags, output),
        ["config", "show"] => config::show(flags, output),
        ["config", "check"] => config::check(flags, output),
        ["completions"] => completions::run(flags, output),
        other => Err(Failure::wrong(format!("There is no command {other:?}"), "See `tokenscope --help`")),
    }
}

/// Returns the exit code, and tells what is left to tell.
fn code(done: Result<(), Failure>, output: &mut Output) -> u8 {
    match done {
        Ok(()) => failure::FINE,
        Err(failure) => {
            if let Some(fault) = failure.fault() {
                output.fault(fault);
            }
            failure.code()
        }
    }
}

/// Prints help where it was asked for, else what is wrong with the arguments.
fn help(error: &Error, output: &mut Output) -> u8 {
    let text = error.render().to_string();
    if matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) {
        let done = output.raw(text.as_bytes()).and_then(|()| output.flush());
        return code(done, output);
    }
    output.usage(&text);
    failure::WRONG_USE
}
