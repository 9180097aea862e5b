//! The settings in force, written down: for `config show`, with where each value is from.
//!
//! Owns the written form. It is valid TOML that means the same when read again, except for key commands,
//! whose arguments may hold a secret and are left out.

use crate::config::Loaded;
use std::fmt::{self, Write};
use toml::{Table, Value};

/// Where a value is from; a later one beats an earlier one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Origin {
    /// Compiled in, or decided at the start.
    Default,
    /// `config.toml`.
    File,
    /// `personas.toml`.
    Library,
    /// A variable.
    Environment,
    /// A flag.
    Flag,
}

impl fmt::Display for Origin {
    /// Writes `default`, `file`, `personas`, `env` or `flag`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Default => "default",
            Self::File => "file",
            Self::Library => "personas",
            Self::Environment => "env",
            Self::Flag => "flag",
        })
    }
}

/// One value in force.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    /// Its dotted key, quoted where TOML wants it.
    pub key: String,
    /// The value as TOML.
    pub value: String,
    /// Where it is from.
    pub origin: Origin,
}

impl Loaded {
    /// Returns every value in force, in the order of the keys.
    #[must_use]
    pub fn shown(&self) -> Vec<Shown> {
        let mut shown = Vec::new();
        let mut config = self.config.clone();
        // TOML's keys are text, and its writer does not make text of token ids.
        let bias = std::mem::take(&mut config.sampling.logit_bias);
        if let Ok(mut table) = Table::try_from(&config) {
            if let Some(Value::Table(sampling)) = table.get_mut("sampling")
                && !bias.is_empty()
            {
                let bias = bias.into_iter().map(|(id, value)| (id.to_string(), Value::Float(value)));
                sampling.insert("logit_bias".to_owned(), Value::Table(bias.collect()));
            }
            flatten(&table, &mut Vec::new(), &mut |path, value| {
                shown.push(Shown {
                    key: path.iter().map(|part| quoted(part)).collect::<Vec<_>>().join("."),
                    value: written(path, value),
                    origin: self.origin(path),
                });
            });
        }
        shown
    }

    /// Returns the settings in force as TOML, one dotted key a line, each with its origin as a comment.
    #[must_use]
    pub fn to_toml(&self) -> String {
        let mut text = String::new();
        for Shown { key, value, origin } in self.shown() {
            // Writing to a string cannot fail.
            let _ = writeln!(text, "{key} = {value}  # {origin}");
        }
        text
    }

    /// Returns the last source that says something of this key.
    fn origin(&self, path: &[&str]) -> Origin {
        // What is said of all endpoints is said of each.
        let of_all = match path {
            ["endpoints", _, "limits", limit] => Some(["limits", *limit]),
            _ => None,
        };
        self.sources
            .iter()
            .rev()
            .find(|(_, table)| has(table, path) || of_all.is_some_and(|path| has(table, &path)))
            .map_or(Origin::Default, |(origin, _)| *origin)
    }
}

/// Whether there is a value at this path.
fn has(table: &Table, path: &[&str]) -> bool {
    let Some((last, tables)) = path.split_last() else { return false };
    let inner = tables.iter().try_fold(table, |table, part| table.get(*part)?.as_table());
    inner.is_some_and(|table| table.contains_key(*last))
}

/// Calls `each` for every value that is no table.
fn flatten<'a>(table: &'a Table, path: &mut Vec<&'a str>, each: &mut impl FnMut(&[&str], &Value)) {
    for (key, value) in table {
        path.push(key);
        if let Value::Table(inner) = value {
            flatten(inner, path, each);
        } else {
            each(path, value);
        }
        path.pop();
    }
}

/// Returns a part of a key, in quotes where it is not a bare word.
fn quoted(part: &str) -> String {
    let is_bare = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    if !part.is_empty() && part.bytes().all(is_bare) {
        return part.to_owned();
    }
    Value::String(part.to_owned()).to_string()
}

/// Returns a value as TOML on one line.
fn written(path: &[&str], value: &Value) -> String {
    match (path, value) {
        (["endpoints", _, "key_command"], Value::Array(words)) => {
            let mut shown: Vec<Value> = words.iter().take(1).cloned().collect();
            if words.len() > 1 {
                shown.push(Value::String("…".to_owned()));
            }
            Value::Array(shown).to_string()
        }
        // A text of several lines would be written as such, and the comment would not follow it.
        (_, Value::String(text)) => line(text),
        _ => value.to_string(),
    }
}

/// Returns a TOML string on one line, harmless to a terminal.
fn line(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => {
                out.push('\\');
                out.push(c);
            }
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            // Also what changes the direction of text: see `core::text`.
            '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' => {
                let _ = write!(out, "\\u{:04X}", c as u32);
            }
            _ if c.is_control() => {
                let _ = write!(out, "\\u{:04X}", c as u32);
            }
            _ => out.push(c),
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::layer::Layer;
    use crate::config::{Config, Overrides, Paths};
    use proptest::prelude::*;

    fn load(file: &str, env: &[(&str, &str)], flags: Overrides) -> Loaded {
        let dir = tempfile::tempdir().unwrap();
        let flags = Overrides {
            config: Some(dir.path().join("config.toml")),
            data_dir: Some(dir.path().into()),
            ..flags
        };
        std::fs::write(dir.path().join("config.toml"), file).unwrap();
        let env =
            |name: &str| env.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned());
        let paths = Paths { dotenv: dir.path().join(".env"), ..Paths::resolve(&flags, &env).unwrap() };
        Config::load(&paths, &flags, &env)
    }

    fn origin(loaded: &Loaded, key: &str) -> (String, Origin) {
        let shown = loaded.shown();
        let found = shown.iter().find(|shown| shown.key == key).unwrap();
        (found.value.clone(), found.origin)
    }

    #[test]
    fn every_value_says_where_it_is_from() {
        let file = "theme = \"paper\"\nendpoint = \"ollama\"\n[sampling]\ntemperature = 1\nseed = 4\n\
            [limits]\nretries = 1\n[keys]\n\"a.b\" = \"f5\"\n[endpoints.\"my.box\"]\nbase_url = \"http://h/v1/\"\n";
        let flags = Overrides { seed: Some(5), ..Overrides::default() };
        let loaded = load(file, &[("TOKENSCOPE_TOP_P", "0.5")], flags);
        assert_eq!(loaded.error, None);
        for (key, value, from) in [
            ("theme", "\"paper\"", Origin::File),
            ("endpoint", "\"ollama\"", Origin::File),
            ("memory", "true", Origin::Default),
            ("sampling.temperature", "1.0", Origin::File),
            ("sampling.top_p", "0.5", Origin::Environment),
            ("sampling.seed", "5", Origin::Flag),
            ("keys.\"a.b\"", "[\"f5\"]", Origin::File),
            ("endpoints.\"my.box\".base_url", "\"http://h/v1\"", Origin::File),
            ("endpoints.\"my.box\".limits.retries", "1", Origin::File),
            ("endpoints.openai.base_url", "\"https://api.openai.com/v1\"", Origin::Default),
        ] {
            assert_eq!(origin(&loaded, key), (value.to_owned(), from), "{key}");
        }
    }

    #[test]
    fn what_is_shown_can_be_read_again() {
        let file = "system = \"\"\"two\nlines \\\"quoted\\\" \u{1f43c}\"\"\"\n[sampling]\nstop = [\"\\n\", \"끝\"]\n\
            extra = { top_k = 40, nested = { a = [1, 2] } }\n[sampling.logit_bias]\n5 = -1.5\n[models.\"m*\"]\nlogprobs = true\n";
        let first = load(file, &[], Overrides::default());
        assert_eq!((first.error.as_ref(), first.notices.len()), (None, 0));
        let text = first.to_toml();
        let second = load(&text, &[], Overrides::default());
        assert_eq!(second.error, None, "{text}");
        assert_eq!(second.config, first.config);
    }

    #[test]
    fn arguments_of_key_commands_are_left_out() {
        let file = "[endpoints.groq]\nkey_command = [\"echo\", \"sk-abc\"]\n";
        let text = load(file, &[("GROQ_API_KEY", "sk-abc")], Overrides::default()).to_toml();
        assert!(text.contains("key_command = [\"echo\", \"…\"]") && !text.contains("abc"), "{text}");
    }

    proptest! {
        #[test]
        fn any_text_is_one_harmless_line(text in any::<String>()) {
            let written = line(&text);
            prop_assert!(!written.chars().any(char::is_control));
            let document = format!("system = {written}");
            let table: Table = document.parse().unwrap();
            prop_assert_eq!(table["system"].as_str(), Some(text.as_str()));
            prop_assert!(toml::from_str::<Layer>(&document).is_ok());
        }
    }
}
