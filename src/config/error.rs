//! What can be wrong with a setting, where, and what to write instead.
//!
//! Owns the one way a configuration mistake is told: place, sentence, offending line, remedy. It never
//! prints the value of anything that looks like a secret, because people paste keys into the wrong file.

use crate::core::fault::{Fault, FaultKind};
use crate::core::text::{fit, nearest, printable};
use std::fmt;
use std::ops::Range;
use std::path::{Path, PathBuf};
use thiserror::Error;

/// Longest part of an offending line that is shown, in cells.
const SHOWN_CELLS: usize = 72;

/// What to do about a line when nothing better is known.
const GENERAL_REMEDY: &str = "Mend that line, or put a # before it";

/// Where a setting was given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// In a file; line and column count from 1.
    File {
        /// The file.
        path: PathBuf,
        /// Line and column, where the mistake has one.
        at: Option<(usize, usize)>,
    },
    /// In an environment variable.
    Variable(String),
    /// In a command-line flag, such as `--temperature`.
    Flag(String),
}

impl fmt::Display for Place {
    /// Writes `path:line:column`, the variable or the flag.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File { path, at: Some((line, column)) } => {
                write!(f, "{}:{line}:{column}", path.display())
            }
            Self::File { path, at: None } => write!(f, "{}", path.display()),
            Self::Variable(name) | Self::Flag(name) => f.write_str(name),
        }
    }
}

/// A mistake in the configuration.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ConfigError {
    /// A file is there but cannot be read.
    #[error("{} cannot be read: {reason}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        reason: String,
    },
    /// A setting is wrong.
    #[error("{place}: {message}{}", quote(line))]
    Invalid {
        /// Where it was given.
        place: Place,
        /// What is wrong, in one sentence without a trailing period.
        message: String,
        /// The offending line, fit for a terminal; empty where there is none.
        line: String,
        /// What to do, in one sentence without a trailing period.
        remedy: String,
    },
    /// No place for configuration and data can be found.
    #[error("there is no home directory, so there is no place for the configuration and the data")]
    NoHome,
}

/// Returns the end of a message that quotes the offending line.
fn quote(line: &str) -> String {
    if line.is_empty() { String::new() } else { format!(", in `{line}`") }
}

impl ConfigError {
    /// Returns an error about a setting that was not given in a file.
    pub(super) fn invalid(place: Place, message: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self::Invalid { place, message: message.into(), line: String::new(), remedy: remedy.into() }
    }

    /// Returns the error for what a TOML reader said about `text`.
    pub(crate) fn from_toml(place: Place, text: &str, error: &toml::de::Error) -> Self {
        Self::at(place, text, error.span(), &plain(error.message()))
    }

    /// Returns an error about a stretch of a file's text.
    pub(crate) fn at(place: Place, text: &str, span: Option<Range<usize>>, message: &str) -> Self {
        let (message, mut remedy) = explain(message);
        if remedy.is_empty() && matches!(place, Place::File { .. }) {
            GENERAL_REMEDY.clone_into(&mut remedy);
        }
        let (place, line) = match (place, span) {
            (Place::File { path, .. }, Some(span)) => {
                let (at, line) = locate(text, span.start);
                (Place::File { path, at: Some(at) }, shown(line))
            }
            (place, _) => (place, String::new()),
        };
        Self::Invalid { place, message, line, remedy }
    }

    /// Returns the error with another remedy.
    #[must_use]
    pub(crate) fn remedy(mut self, text: impl Into<String>) -> Self {
        if let Self::Invalid { remedy, .. } = &mut self {
            *remedy = text.into();
        }
        self
    }

    /// Returns the error with this remedy if it has none.
    #[must_use]
    pub(crate) fn or_remedy(self, text: impl Into<String>) -> Self {
        match &self {
            Self::Invalid { remedy, .. } if remedy.is_empty() => self.remedy(text),
            Self::Invalid { .. } | Self::Unreadable { .. } | Self::NoHome => self,
        }
    }
}

impl From<ConfigError> for Fault {
    /// Makes the error presentable: its sentence, and what to do.
    fn from(error: ConfigError) -> Self {
        let message = error.to_string();
        let message = printable(&message);
        let remedy = match error {
            ConfigError::Unreadable { path, .. } => {
                format!("Check that the file exists and that you may read it: {}", path.display())
            }
            ConfigError::Invalid { remedy, .. } => printable(&remedy).into_owned(),
            ConfigError::NoHome => "Set HOME, or give --config FILE and --data-dir DIR".to_owned(),
        };
        Self::new(FaultKind::Local, message).remedy(remedy)
    }
}

/// Returns `Did you mean 'x'` or the list of what there is.
pub(super) fn suggestion<'a>(
    name: &str,
    candidates: impl IntoIterator<Item = &'a str, IntoIter: Clone>,
) -> String {
    let candidates = candidates.into_iter();
    match nearest(name, candidates.clone()) {
        Some(near) => format!("Did you mean '{near}'?"),
        None => format!("Choose one of: {}", candidates.collect::<Vec<_>>().join(", ")),
    }
}

/// Returns the parser's message as one line without its markup.
fn plain(message: &str) -> String {
    const MESSAGE_CELLS: usize = 400;
    let line = message.split_whitespace().collect::<Vec<_>>().join(" ");
    fit(&masked(&line), MESSAGE_CELLS)
}

/// Returns a sentence for people and a remedy, empty where there is no particular one, for a parser's message.
///
/// Serde lists the fields it knows in its message about one it does not; that list is the only one that
/// cannot get out of step with the types, so the suggestion is taken from there.
fn explain(message: &str) -> (String, String) {
    let Some(rest) = message.strip_prefix("unknown field `") else {
        return match message.strip_prefix("unknown variant `").and_then(|rest| rest.split_once('`')) {
            Some((value, known)) => {
                (format!("'{value}' is not a possible value"), suggestion(value, backticked(known)))
            }
            None => (message.trim_end_matches('.').to_owned(), String::new()),
        };
    };
    let (name, known) = rest.split_once('`').unwrap_or((rest, ""));
    let remedy = if is_key(name) {
        "Keys do not belong in this file: name a variable with key_env, or use key_file or key_command"
            .to_owned()
    } else {
        suggestion(name, backticked(known))
    };
    (format!("unknown key '{name}'"), remedy)
}

/// Returns the words between backticks.
fn backticked(text: &str) -> impl Iterator<Item = &str> + Clone {
    text.split('`').skip(1).step_by(2)
}

/// Returns line and column, from 1, of a byte offset.
pub(super) fn position(text: &str, offset: usize) -> (usize, usize) {
    locate(text, offset).0
}

/// Returns line and column, from 1, of a byte offset, and the line.
fn locate(text: &str, offset: usize) -> ((usize, usize), &str) {
    let mut offset = offset.min(text.len());
    while !text.is_char_boundary(offset) {
        offset -= 1;
    }
    let before = &text[..offset];
    let start = before.rfind('\n').map_or(0, |at| at + 1);
    let line = text[start..].lines().next().unwrap_or("");
    ((before.matches('\n').count() + 1, before[start..].chars().count() + 1), line)
}

/// Whether a setting of this name would hold a secret itself, not a reference to one.
fn is_secret(name: &str) -> bool {
    let name = name.trim().to_ascii_lowercase();
    let refers = matches!(name.as_str(), "key_env" | "key_file" | "key_command" | "keys");
    let counts = name.ends_with("tokens") || name == "tokens_per_minute";
    !refers && !counts && ["key", "token", "secret", "password"].iter().any(|word| name.contains(word))
}

/// Whether a name is what the key of an endpoint is mostly called: more than that it holds such a word.
fn is_key(name: &str) -> bool {
    const NAMES: [&str; 6] = ["key", "api_key", "apikey", "token", "secret", "password"];
    const ENDINGS: [&str; 5] = ["_api_key", "_apikey", "_token", "_secret", "_password"];
    let name = name.trim().to_ascii_lowercase().replace('-', "_");
    NAMES.contains(&name.as_str()) || ENDINGS.iter().any(|ending| name.ends_with(ending))
}

/// Returns a line of a file as it may be shown: cut, harmless to a terminal, without secrets.
fn shown(line: &str) -> String {
    let line = line.trim();
    if let Some((name, _)) = line.split_once('=')
        && is_secret(name)
    {
        return fit(&format!("{name}= …"), SHOWN_CELLS);
    }
    fit(&masked(line), SHOWN_CELLS)
}

/// Returns a text with `…` for every word that looks like a key or holds a login.
fn masked(text: &str) -> String {
    let is_secret = |word: &str| {
        let has_login = word.split_once("://").is_some_and(|(_, rest)| rest.contains('@'));
        let is_key = |part: &str| part.starts_with("sk-");
        has_login || word.split(|c: char| !c.is_ascii_alphanumeric() && c != '-').any(is_key)
    };
    text.split(' ').map(|word| if is_secret(word) { "…" } else { word }).collect::<Vec<_>>().join(" ")
}

/// Returns what a file system error means for `path`.
pub(super) fn unreadable(path: &Path, error: &std::io::Error) -> ConfigError {
    ConfigError::Unreadable { path: path.to_owned(), reason: error.kind().to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file() -> Place {
        Place::File { path: "config.toml".into(), at: None }
    }

    #[test]
    fn an_unknown_field_is_named_with_place_line_and_suggestion() {
        let text = "a = 1\n  modle = \"x\"\n";
        let error = ConfigError::at(
            file(),
            text,
            Some(8..13),
            "unknown field `modle`, expected one of `model`, `theme`",
        );
        assert_eq!(error.to_string(), "config.toml:2:3: unknown key 'modle', in `modle = \"x\"`");
        assert_eq!(Fault::from(error).remedy, "Did you mean 'model'?");
    }

    #[test]
    fn only_what_is_called_like_a_key_is_taken_for_one() {
        let remedy =
            |name: &str| explain(&format!("unknown field `{name}`, expected one of `model`, `key_env`")).1;
        for name in ["api_key", "key", "OPENAI-API-KEY", "access_token", "password"] {
            assert!(remedy(name).contains("Keys do not belong"), "{name}");
        }
        for name in ["typo_key", "keyed", "top_tokens", "keyboard"] {
            assert!(remedy(name).starts_with("Choose one of: model, key_env"), "{name}: {}", remedy(name));
        }
        assert_eq!(remedy("key_emv"), "Did you mean 'key_env'?");
    }

    #[test]
    fn secrets_are_never_quoted() {
        for line in ["api_key = \"sk-abc\"", "model=\"sk-abc\"", "base_url = \"https://me:sk-abc@host/v1\""] {
            assert!(!shown(line).contains("abc"), "{}", shown(line));
        }
        assert_eq!(shown("max_output_tokens = 5"), "max_output_tokens = 5");
        assert_eq!(shown("theme=\"task-list\""), "theme=\"task-list\"");
        let error = ConfigError::at(
            file(),
            "api_key = \"abc\"",
            Some(0..7),
            "unknown field `api_key`, expected `key_env`",
        );
        assert!(Fault::from(error).to_string().contains("key_file or key_command"));
    }

    #[test]
    fn hostile_lines_are_drawn_harmlessly() {
        let text = format!("\u{202e}x\x1b[31m = {}", "9".repeat(10_000));
        let error = ConfigError::at(file(), &text, Some(text.len()..text.len() + 9), "bad");
        let told = error.to_string();
        assert!(told.len() < 400 && !told.contains('\x1b') && !told.contains('\u{202e}'), "{told:?}");
    }

    #[test]
    fn columns_count_characters() {
        assert_eq!(locate("이름 = 1", "이름 ".len()).0, (1, 4));
        assert_eq!(locate("", 7).0, (1, 1));
    }
}
