//! The form an answer is asked to have, from the command line.
//!
//! Owns `--json-object` and `--json-schema`, and what is told of an answer that is not as asked. Whether
//! it is, [`Shape`] says.

use crate::cli::failure::Failure;
use crate::cli::flags::Flags;
use crate::cli::input;
use crate::cli::output::Output;
use crate::core::fault::{Fault, FaultKind};
use crate::core::run::Run;
use crate::structured::schema::MAX_SCHEMA;
use crate::structured::shape::Shape;
use std::path::PathBuf;

/// Most violations that are told to a person; `--json` has more.
const MAX_TOLD: usize = 20;

/// Returns the form the flags ask for.
pub(super) fn asked(flags: &Flags<'_>, output: &mut Output) -> Result<Shape, Failure> {
    let Some(path) = flags.one::<PathBuf>("json-schema") else {
        return Ok(if flags.is_on("json-object") { Shape::Object } else { Shape::Text });
    };
    let text = input::read(&path, MAX_SCHEMA as u64, output)?;
    Shape::of_schema(&text, &path.to_string_lossy()).map_err(|fault| {
        let message = format!("{}: {}", path.display(), fault.message);
        Failure::Wrong(Fault { message, ..fault })
    })
}

/// Says on standard error what is wrong with an answer, and fails if anything is.
pub(super) fn check(shape: &Shape, run: &Run, output: &mut Output) -> Result<(), Failure> {
    let Some(verdict) = shape.verdict(run).filter(|verdict| !verdict.is_valid) else { return Ok(()) };
    for line in verdict.lines().take(MAX_TOLD) {
        output.note(&line);
    }
    let message = match (&verdict.fault, verdict.violations.len() + verdict.more_violations) {
        (Some(_), _) => "The answer is no JSON document".to_owned(),
        (None, 1) => "The answer breaks what was asked for at 1 place".to_owned(),
        (None, places) => format!("The answer breaks what was asked for at {places} places"),
    };
    let remedy = match &verdict.fault {
        Some(fault) if fault.is_cut => "Ask again with more --max-tokens",
        Some(_) | None => "Ask again, at a lower temperature or with a server that enforces the form",
    };
    Err(Failure::Failed(Fault::new(FaultKind::Malformed, message).remedy(remedy)))
}
