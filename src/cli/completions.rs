//! `completions`: the completion script of a shell.

use crate::cli::arguments;
use crate::cli::failure::Failure;
use crate::cli::flags::Flags;
use crate::cli::output::Output;
use clap_complete::Shell;

/// Prints the script.
pub(super) fn run(flags: &Flags<'_>, output: &mut Output) -> Result<(), Failure> {
    let Some(shell) = flags.one::<Shell>("shell") else {
        return Err(Failure::wrong("There is no shell named", "Write `tokenscope completions bash`"));
    };
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut arguments::command(), "tokenscope", &mut script);
    output.raw(&script)
}
