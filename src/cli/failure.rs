//! How a headless command ends when it does not end well, and the exit code that says so.

use crate::core::fault::{Fault, FaultKind};
use std::io;

/// Everything was done, or the reader of the output has seen enough.
pub(super) const FINE: u8 = 0;
/// A run failed.
const FAILED: u8 = 1;
/// The arguments, the input or the configuration are wrong.
pub(super) const WRONG_USE: u8 = 2;
/// The user pressed Ctrl-C: 128 and the signal's number, as shells have it.
const INTERRUPTED: u8 = 130;

/// Why a command stopped.
#[derive(Debug)]
pub(super) enum Failure {
    /// The arguments, the input or the configuration are wrong.
    Wrong(Fault),
    /// The run failed.
    Failed(Fault),
    /// It failed and everything about it was told already.
    Told(Box<Failure>),
    /// The user stopped it.
    Interrupted,
    /// The reader of standard output went away: `tokenscope … | head` is no failure.
    ClosedPipe,
}

impl Failure {
    /// Returns wrong use that says `message` and what to do.
    pub(super) fn wrong(message: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self::Wrong(Fault::new(FaultKind::Local, message).remedy(remedy))
    }

    /// Returns the failure for a fault before anything was sent: what lies on this machine is wrong
    /// configuration, everything else a failed run.
    pub(super) fn before_sending(fault: Fault) -> Self {
        if fault.kind == FaultKind::Local { Self::Wrong(fault) } else { Self::Failed(fault) }
    }

    /// Returns the same failure, marked as told.
    pub(super) fn told(self) -> Self {
        Self::Told(Box::new(self))
    }

    /// Returns what is left to tell.
    pub(super) fn fault(&self) -> Option<&Fault> {
        match self {
            Self::Wrong(fault) | Self::Failed(fault) => Some(fault),
            Self::Told(_) | Self::Interrupted | Self::ClosedPipe => None,
        }
    }

    /// Returns the exit code.
    pub(super) fn code(&self) -> u8 {
        match self {
            Self::Wrong(_) => WRONG_USE,
            Self::Failed(_) => FAILED,
            Self::Told(failure) => failure.code(),
            Self::Interrupted => INTERRUPTED,
            Self::ClosedPipe => FINE,
        }
    }
}

impl From<io::Error> for Failure {
    /// Takes an error of writing the output.
    fn from(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::BrokenPipe {
            return Self::ClosedPipe;
        }
        Self::Failed(
            Fault::new(FaultKind::Local, format!("The output cannot be written: {error}"))
                .remedy("Check where it goes and whether there is room"),
        )
    }
}

impl From<serde_json::Error> for Failure {
    /// Takes an error of writing JSON, which is one of the output: all that is written has a JSON form.
    fn from(error: serde_json::Error) -> Self {
        Self::from(io::Error::from(error))
    }
}
