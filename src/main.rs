//! Hands over to the workbench or a headless command.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;
use tokenscope::cli::{self, Start};
use tokenscope::config::{Config, Overrides, Paths};
use tokenscope::tui::{self, Launch};

fn main() -> ExitCode {
    let epoch = Instant::now();
    // Building the tree of arguments would cost the workbench a good part of its time to start.
    if std::env::args_os().len() <= 1 {
        return workbench(&Overrides::default(), None, epoch);
    }
    match cli::start(std::env::args_os()) {
        Start::Ended(code) => code.into(),
        Start::Workbench { overrides, open } => workbench(&overrides, open, epoch),
    }
}

fn workbench(overrides: &Overrides, open: Option<PathBuf>, epoch: Instant) -> ExitCode {
    let env = |name: &str| std::env::var(name).ok();
    let paths = match Paths::resolve(overrides, &env) {
        Ok(paths) => paths,
        Err(error) => return cli::refuse(&error.into()).into(),
    };
    let loaded = Config::load(&paths, overrides, &env);
    match tui::start(Launch { paths, loaded, open, epoch }) {
        Ok(code) => code.into(),
        Err(fault) => cli::refuse(&fault).into(),
    }
}
