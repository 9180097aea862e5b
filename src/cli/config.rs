//! `config`: where the configuration is, what it says, what is wrong with it.

use crate::cli::failure::Failure;
use crate::cli::flags::Flags;
use crate::cli::keys;
use crate::cli::output::Output;
use crate::config::theme::Theme;
use crate::config::{Loaded, Paths};
use crate::core::fault::{Fault, FaultKind};
use crate::core::text::printable;

/// Prints where the configuration file is, or would be.
pub(super) fn path(flags: &Flags<'_>, output: &mut Output) -> Result<(), Failure> {
    let paths = flags.paths()?;
    if !flags.is_on("all") {
        // Exact, so that a shell finds the file again whatever its name.
        output.raw(paths.config_file.as_os_str().as_encoded_bytes())?;
        return output.line("");
    }
    let places = [("config", &paths.config_file), ("themes", &paths.themes_dir()), ("data", &paths.data_dir)];
    for (name, path) in places {
        let absent = if path.exists() { "" } else { " (not there yet)" };
        output.line(&format!("{name:<7} {}{absent}", printable(&path.to_string_lossy())))?;
    }
    Ok(())
}

/// Prints the settings in force; those of a broken file are not among them, and that is a failure.
pub(super) fn show(flags: &Flags<'_>, output: &mut Output) -> Result<(), Failure> {
    let (_, mut loaded) = flags.load()?;
    output.raw(loaded.to_toml().as_bytes())?;
    output.flush()?;
    for notice in &loaded.notices {
        output.note(&format!("note: {notice}"));
    }
    loaded.error.take().map_or(Ok(()), |fault| Err(Failure::Wrong(fault)))
}

/// Prints what is wrong with the configuration, or that nothing is.
pub(super) fn check(flags: &Flags<'_>, output: &mut Output) -> Result<(), Failure> {
    let (paths, loaded) = flags.load()?;
    let faults = faults(&paths, loaded);
    for fault in &faults {
        output.fault(fault);
    }
    if let Some(first) = faults.into_iter().next() {
        return Err(Failure::Wrong(first).told());
    }
    let file = paths.config_file.to_string_lossy();
    let file = printable(&file);
    if paths.config_file.exists() {
        output.line(&format!("{file} is fine"))
    } else {
        output.line(&format!("{file} is not there; the defaults are fine"))
    }
}

/// Returns everything that is wrong, also what other commands only mention or never meet.
fn faults(paths: &Paths, loaded: Loaded) -> Vec<Fault> {
    let of_theme = match Theme::load(&loaded.config.theme, &paths.themes_dir()) {
        Ok((_, faults)) => faults,
        Err(fault) => vec![fault],
    };
    let of_keys = keys::bindings(&loaded.config.keys).err().unwrap_or_default();
    let of_keys = of_keys
        .into_iter()
        .map(|mistake| Fault::new(FaultKind::Local, format!("{}: {mistake}", paths.config_file.display())));
    loaded.error.into_iter().chain(loaded.notices).chain(of_theme).chain(of_keys).collect()
}
