//! What variables and flags say, as settings of the same names and types as in the file.
//!
//! Owns which variable and which flag gives which setting. It checks nothing: bounds are the business of
//! the layer, so that they are the same for all sources.

use crate::config::Env;
use crate::config::error::Place;
use std::path::PathBuf;
use toml::Value;

/// What flags say; `None` and empty where a flag was not given.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Overrides {
    /// `--config FILE`.
    pub config: Option<PathBuf>,
    /// `--data-dir DIR`.
    pub data_dir: Option<PathBuf>,
    /// `--endpoint NAME`.
    pub endpoint: Option<String>,
    /// `--base-url URL`.
    pub base_url: Option<String>,
    /// `--model M`.
    pub model: Option<String>,
    /// `--system TEXT`.
    pub system: Option<String>,
    /// `--theme NAME`.
    pub theme: Option<String>,
    /// `--temperature T`.
    pub temperature: Option<f64>,
    /// `--top-p P`.
    pub top_p: Option<f64>,
    /// `--seed N`.
    pub seed: Option<i64>,
    /// `--max-tokens N`.
    pub max_output_tokens: Option<u32>,
    /// `--top N`.
    pub top_logprobs: Option<u8>,
    /// `--stop TEXT`, which may be repeated.
    pub stop: Vec<String>,
    /// `--timeout`, in milliseconds: for the connection, the first byte, and each silence.
    pub timeout_ms: Option<u64>,
    /// `--retries N`.
    pub retries: Option<u32>,
}

/// One setting given outside the file.
pub(super) struct Assignment {
    pub(super) key: &'static str,
    pub(super) place: Place,
    pub(super) value: Value,
}

/// How the text of a variable becomes a value.
#[derive(Clone, Copy)]
pub(super) enum Kind {
    /// As it is.
    Text,
    /// A number or a truth value if it reads like one, else as it is.
    Plain,
}

/// The variables, and the settings they give.
pub(super) const VARIABLES: [(&str, &str, Kind); 16] = [
    ("TOKENSCOPE_ENDPOINT", "endpoint", Kind::Text),
    ("TOKENSCOPE_MODEL", "model", Kind::Text),
    ("TOKENSCOPE_SYSTEM", "system", Kind::Text),
    ("TOKENSCOPE_THEME", "theme", Kind::Text),
    ("TOKENSCOPE_MEMORY", "memory", Kind::Plain),
    ("TOKENSCOPE_TEMPERATURE", "sampling.temperature", Kind::Plain),
    ("TOKENSCOPE_TOP_P", "sampling.top_p", Kind::Plain),
    ("TOKENSCOPE_SEED", "sampling.seed", Kind::Plain),
    ("TOKENSCOPE_MAX_OUTPUT_TOKENS", "sampling.max_output_tokens", Kind::Plain),
    ("TOKENSCOPE_TOP_LOGPROBS", "sampling.top_logprobs", Kind::Plain),
    ("TOKENSCOPE_MOUSE", "ui.mouse", Kind::Plain),
    ("TOKENSCOPE_HEAT", "ui.heat", Kind::Text),
    ("TOKENSCOPE_WRAP", "ui.wrap", Kind::Plain),
    ("TOKENSCOPE_ASCII", "ui.ascii", Kind::Text),
    ("TOKENSCOPE_COLOURS", "ui.colours", Kind::Text),
    ("TOKENSCOPE_RETRIES", "limits.retries", Kind::Plain),
];

/// Returns the settings in the environment; an empty variable counts as not set.
pub(super) fn from_env(env: Env<'_>) -> Vec<Assignment> {
    VARIABLES
        .iter()
        .filter_map(|&(name, key, kind)| {
            let text = env(name).filter(|text| !text.is_empty())?;
            let value = match kind {
                Kind::Text => Value::String(text),
                Kind::Plain => plain(text),
            };
            Some(Assignment { key, place: Place::Variable(name.to_owned()), value })
        })
        .collect()
}

/// Returns a number or a truth value if the text reads like one, else the text.
fn plain(text: String) -> Value {
    if let Ok(value) = text.parse::<bool>() {
        return Value::Boolean(value);
    }
    if let Ok(value) = text.parse::<i64>() {
        return Value::Integer(value);
    }
    match text.parse::<f64>() {
        Ok(value) => Value::Float(value),
        Err(_) => Value::String(text),
    }
}

/// Returns the settings in the flags.
pub(super) fn from_flags(flags: &Overrides) -> Vec<Assignment> {
    let text = |value: &Option<String>| value.clone().map(Value::String);
    let number = |value: Option<i64>| value.map(Value::Integer);
    // A limit beyond what the number type holds is beyond any bound as well, and is told as such.
    let timeout = number(flags.timeout_ms.map(|ms| i64::try_from(ms).unwrap_or(i64::MAX)));
    let stop = (!flags.stop.is_empty())
        .then(|| Value::Array(flags.stop.iter().cloned().map(Value::String).collect()));
    [
        ("endpoint", "--endpoint", text(&flags.endpoint)),
        ("model", "--model", text(&flags.model)),
        ("system", "--system", text(&flags.system)),
        ("theme", "--theme", text(&flags.theme)),
        ("sampling.temperature", "--temperature", flags.temperature.map(Value::Float)),
        ("sampling.top_p", "--top-p", flags.top_p.map(Value::Float)),
        ("sampling.seed", "--seed", number(flags.seed)),
        ("sampling.max_output_tokens", "--max-tokens", number(flags.max_output_tokens.map(i64::from))),
        ("sampling.top_logprobs", "--top", number(flags.top_logprobs.map(i64::from))),
        ("sampling.stop", "--stop", stop),
        ("limits.connect_ms", "--timeout", timeout.clone()),
        ("limits.first_byte_ms", "--timeout", timeout.clone()),
        ("limits.between_bytes_ms", "--timeout", timeout),
        ("limits.retries", "--retries", number(flags.retries.map(i64::from))),
    ]
    .into_iter()
    .filter_map(|(key, flag, value)| {
        Some(Assignment { key, place: Place::Flag(flag.to_owned()), value: value? })
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_are_read_as_what_they_look_like() {
        for (text, value) in [
            ("true", Value::Boolean(true)),
            ("-7", Value::Integer(-7)),
            ("0.5", Value::Float(0.5)),
            ("omit", Value::String("omit".to_owned())),
            ("99999999999999999999", Value::Float(1e20)),
        ] {
            assert_eq!(plain(text.to_owned()), value);
        }
        let env = |name: &str| (name == "TOKENSCOPE_MODEL").then(|| "7".to_owned());
        let assignments = from_env(&env);
        assert_eq!(assignments.len(), 1);
        assert_eq!(assignments[0].value, Value::String("7".to_owned()), "a model may be named by a number");
    }

    #[test]
    fn flags_that_were_not_given_say_nothing() {
        assert!(from_flags(&Overrides::default()).is_empty());
    }
}
