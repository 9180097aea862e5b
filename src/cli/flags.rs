//! What the flags say, wherever on the command line they stand.
//!
//! A flag may come before or after the command's name; the later one wins. One that does not go with
//! the command is refused, never ignored.

use crate::cli::failure::Failure;
use crate::config::{Config, Loaded, Overrides, Paths};
use clap::ArgMatches;
use clap::parser::ValueSource;
use std::any::Any;

/// The matches of the command line, from the outermost command to the innermost.
pub(super) struct Flags<'a> {
    levels: Vec<&'a ArgMatches>,
    /// The names of the commands, as they were given.
    command: Vec<&'a str>,
}

impl<'a> Flags<'a> {
    /// Returns what was given to the innermost command and to those around it.
    pub(super) fn new(root: &'a ArgMatches) -> Self {
        let (mut levels, mut command) = (vec![root], Vec::new());
        let mut next = root.subcommand();
        while let Some((name, matches)) = next {
            levels.push(matches);
            command.push(name);
            next = matches.subcommand();
        }
        Self { levels, command }
    }

    /// Returns the names of the commands, outermost first.
    pub(super) fn command(&self) -> &[&'a str] {
        &self.command
    }

    /// Returns what was given to the innermost command itself.
    pub(super) fn own(&self) -> &'a ArgMatches {
        self.levels[self.levels.len() - 1]
    }

    /// Refuses flags before the command's name that do not go with it.
    pub(super) fn check(&self) -> Result<(), Failure> {
        let Some((own, outer)) = self.levels.split_last() else { return Ok(()) };
        for matches in outer {
            for id in matches.ids().map(clap::Id::as_str) {
                let is_given = matches.value_source(id) == Some(ValueSource::CommandLine);
                if is_given && own.try_contains_id(id).is_err() {
                    let command = self.command.join(" ");
                    return Err(Failure::wrong(
                        format!("--{id} does not go with `{command}`"),
                        format!("Leave it out; `tokenscope {command} --help` lists what does"),
                    ));
                }
            }
        }
        Ok(())
    }

    /// Returns the value of a flag.
    pub(super) fn one<T: Any + Clone + Send + Sync>(&self, id: &str) -> Option<T> {
        let given = |matches: &&ArgMatches| matches.try_get_one::<T>(id).ok().flatten().cloned();
        self.levels.iter().rev().find_map(given)
    }

    /// Returns the values of a flag that may be repeated.
    pub(super) fn many(&self, id: &str) -> Vec<String> {
        let mut levels = self.levels.iter().rev();
        let given = levels.find_map(|matches| matches.try_get_many::<String>(id).ok().flatten());
        given.into_iter().flatten().cloned().collect()
    }

    /// Whether a switch was given.
    pub(super) fn is_on(&self, id: &str) -> bool {
        self.levels.iter().any(|matches| matches.try_get_one::<bool>(id).ok().flatten() == Some(&true))
    }

    /// Whether a flag or an argument was given, at any place of the command line.
    pub(super) fn is_given(&self, id: &str) -> bool {
        let is_given = |matches: &&ArgMatches| {
            matches.try_contains_id(id).unwrap_or(false)
                && matches.value_source(id) == Some(ValueSource::CommandLine)
        };
        self.levels.iter().any(is_given)
    }

    /// Returns what the flags say of the configuration.
    pub(super) fn overrides(&self) -> Overrides {
        Overrides {
            config: self.one("config"),
            data_dir: self.one("data-dir"),
            endpoint: self.one("endpoint"),
            base_url: self.one("base-url"),
            model: self.one("model"),
            system: self.one("system"),
            theme: self.one("theme"),
            temperature: self.one("temperature"),
            top_p: self.one("top-p"),
            seed: self.one("seed"),
            max_output_tokens: self.one("max-tokens"),
            top_logprobs: self.one("top"),
            stop: self.many("stop"),
            timeout_ms: self.one("timeout"),
            retries: self.one("retries"),
        }
    }

    /// Returns the places.
    pub(super) fn paths(&self) -> Result<Paths, Failure> {
        Paths::resolve(&self.overrides(), &env).map_err(|error| Failure::Wrong(error.into()))
    }

    /// Returns the places, and the configuration with what was wrong in it.
    pub(super) fn load(&self) -> Result<(Paths, Loaded), Failure> {
        let paths = self.paths()?;
        let loaded = Config::load(&paths, &self.overrides(), &env);
        Ok((paths, loaded))
    }
}

fn env(name: &str) -> Option<String> {
    std::env::var(name).ok()
}
