//! Reads the files of sweeps and tables of variables for the workbench.
//!
//! Owns nothing of what they mean: that is `plan`'s, for the headless command too. Never called on the loop.

use crate::access::file;
use crate::app::compare::planned::Planned;
use crate::config::Config;
use crate::core::fault::{Fault, FaultKind};
use crate::core::sweep::Axis;
use crate::plan::{MAX_BYTES, Plan, PlanAxis, Ready, Values, axis_of_rows, known, path_beside};
use std::path::Path;

/// The ending of a sweep's file.
const ENDING: &str = "toml";

/// Whether a file is a sweep by its name.
pub(super) fn is_named(path: &Path) -> bool {
    path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case(ENDING))
}

/// Returns what the file of a sweep asks. `change` puts what is said elsewhere over what it says.
pub(super) fn planned(
    path: &Path,
    config: &Config,
    change: impl FnOnce(&mut Plan),
) -> Result<Planned, Fault> {
    let wrong = |message: String| Fault::new(FaultKind::Local, message);
    let text = file::text(path, MAX_BYTES)
        .map_err(|message| wrong(message).remedy("Name the file of a sweep, such as sweep.toml"))?;
    of_text(&text, path, config, change)
}

/// Returns what the text of such a file asks.
pub(super) fn of_text(
    text: &str,
    path: &Path,
    config: &Config,
    change: impl FnOnce(&mut Plan),
) -> Result<Planned, Fault> {
    let mut plan = Plan::parse(text, path, &known(config))?;
    change(&mut plan);
    let read = |name: &str| file::text(&path_beside(path, name)?, MAX_BYTES);
    let place = |fault: Fault| Fault { message: format!("{}: {}", path.display(), fault.message), ..fault };
    let ready = plan.ready(plan.base(config), config, &read).map_err(place)?;
    let Ready { sweep, checks, budget, lanes } = ready;
    let typed = plan.axes.iter().map(typed).collect();
    Ok(Planned { path: path.display().to_string(), sweep, typed, checks, budget, lanes })
}

/// Returns the rows of a table as an axis.
pub(super) fn rows(path: &Path) -> Result<Axis, Fault> {
    let wrong = |message: String| Fault::new(FaultKind::Local, message);
    let text = file::text(path, MAX_BYTES).map_err(wrong)?;
    axis_of_rows(&text).map_err(|sentence| wrong(format!("{}: {sentence}", path.display())))
}

/// Returns an axis as a file has it in words.
fn typed(axis: &PlanAxis) -> Option<String> {
    match (&axis.values, &axis.file) {
        (Some(Values::Typed(list)), _) => Some(list.clone()),
        (None, Some(file)) => Some(file.clone()),
        (Some(Values::Items(_)), _) | (None, None) => None,
    }
}
