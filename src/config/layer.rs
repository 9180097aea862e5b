//! One layer of settings: what a file, a variable or a flag says, and nothing it does not say.
//!
//! Owns the names, types and bounds of all settings; file, environment and flags pass through the same
//! types, so a value is right everywhere or nowhere. Never knows defaults.

use crate::config::endpoint::Logprobs;
use crate::config::model_card::Card;
use crate::config::{Ascii, Colours, Config, Heat};
use crate::core::endpoint::{Limits, ProviderKind};
use crate::core::request::{Means, Sampling};
use crate::core::sweep::MAX_CELLS;
use serde::Deserialize;
use serde::de::{Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

/// The word that leaves a sampling parameter out of requests.
const OMIT: &str = "omit";

/// A sampling parameter: a value to send, or the wish not to send it.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Setting<T> {
    Send(T),
    Omit,
}

/// What one source says.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Layer {
    #[serde(deserialize_with = "name")]
    pub(super) endpoint: Option<String>,
    #[serde(deserialize_with = "name")]
    pub(super) model: Option<String>,
    system: Option<String>,
    #[serde(deserialize_with = "name")]
    theme: Option<String>,
    memory: Option<bool>,
    sampling: SamplingLayer,
    compare: CompareLayer,
    ui: UiLayer,
    pub(super) limits: LimitsLayer,
    #[serde(deserialize_with = "chords")]
    keys: BTreeMap<String, Vec<String>>,
    pub(super) endpoints: BTreeMap<String, EndpointLayer>,
    models: BTreeMap<String, Card>,
    personas: BTreeMap<String, super::Persona>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct SamplingLayer {
    #[serde(deserialize_with = "temperature")]
    temperature: Option<Setting<f64>>,
    #[serde(deserialize_with = "top_p")]
    top_p: Option<Setting<f64>>,
    #[serde(deserialize_with = "max_output_tokens")]
    max_output_tokens: Option<Setting<i64>>,
    #[serde(deserialize_with = "seed")]
    seed: Option<Setting<i64>>,
    #[serde(deserialize_with = "stop")]
    stop: Option<Vec<String>>,
    #[serde(deserialize_with = "penalty")]
    presence_penalty: Option<Setting<f64>>,
    #[serde(deserialize_with = "penalty")]
    frequency_penalty: Option<Setting<f64>>,
    logit_bias: Option<BTreeMap<u32, f64>>,
    #[serde(deserialize_with = "top_logprobs")]
    top_logprobs: Option<Setting<i64>>,
    extra: toml::Table,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct CompareLayer {
    #[serde(deserialize_with = "temperatures")]
    temperatures: Option<Vec<f64>>,
    #[serde(deserialize_with = "concurrency")]
    concurrency: Option<i64>,
    #[serde(deserialize_with = "repeats")]
    repeats: Option<i64>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct UiLayer {
    mouse: Option<bool>,
    heat: Option<Heat>,
    #[serde(deserialize_with = "wrap")]
    wrap: Option<i64>,
    ascii: Option<Ascii>,
    colours: Option<Colours>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct LimitsLayer {
    #[serde(deserialize_with = "milliseconds")]
    connect_ms: Option<i64>,
    #[serde(deserialize_with = "milliseconds")]
    first_byte_ms: Option<i64>,
    #[serde(deserialize_with = "milliseconds")]
    between_bytes_ms: Option<i64>,
    #[serde(deserialize_with = "retries")]
    retries: Option<i64>,
    #[serde(deserialize_with = "concurrency")]
    concurrency: Option<i64>,
    #[serde(deserialize_with = "per_minute")]
    requests_per_minute: Option<i64>,
    #[serde(deserialize_with = "per_minute")]
    tokens_per_minute: Option<i64>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct EndpointLayer {
    pub(super) base_url: Option<String>,
    pub(super) provider: Option<ProviderKind>,
    #[serde(deserialize_with = "variable")]
    pub(super) key_env: Option<String>,
    pub(super) key_file: Option<PathBuf>,
    #[serde(deserialize_with = "command")]
    pub(super) key_command: Option<Vec<String>>,
    #[serde(deserialize_with = "name")]
    pub(super) model: Option<String>,
    pub(super) legacy_max_tokens: Option<bool>,
    pub(super) continues: Option<Means>,
    pub(super) logprobs: Option<Logprobs>,
    pub(super) limits: LimitsLayer,
}

impl Layer {
    /// Applies everything but endpoint and model, which are chosen together when all layers are known.
    pub(super) fn apply(self, config: &mut Config) {
        put(&mut config.system, self.system);
        put(&mut config.theme, self.theme);
        put(&mut config.memory, self.memory);
        self.sampling.apply(&mut config.sampling);
        put(&mut config.compare.temperatures, self.compare.temperatures);
        put_number(&mut config.compare.concurrency, self.compare.concurrency);
        put_number(&mut config.compare.repeats, self.compare.repeats);
        put(&mut config.ui.mouse, self.ui.mouse);
        put(&mut config.ui.heat, self.ui.heat);
        put_number(&mut config.ui.wrap, self.ui.wrap);
        put(&mut config.ui.ascii, self.ui.ascii);
        put(&mut config.ui.colours, self.ui.colours);
        config.keys.extend(self.keys);
        config.personas.extend(self.personas);
        config.models.add(self.models);
    }
}

impl SamplingLayer {
    fn apply(self, sampling: &mut Sampling) {
        send(&mut sampling.temperature, self.temperature);
        send(&mut sampling.top_p, self.top_p);
        send_number(&mut sampling.max_output_tokens, self.max_output_tokens);
        send(&mut sampling.seed, self.seed);
        put(&mut sampling.stop, self.stop);
        send(&mut sampling.presence_penalty, self.presence_penalty);
        send(&mut sampling.frequency_penalty, self.frequency_penalty);
        put(&mut sampling.logit_bias, self.logit_bias);
        send_number(&mut sampling.top_logprobs, self.top_logprobs);
        // The domain keeps these fields as JSON; its own type makes that of them.
        let table = toml::Table::from_iter([("extra".to_owned(), toml::Value::Table(self.extra))]);
        if let Ok(Sampling { extra, .. }) = table.try_into() {
            sampling.extra.extend(extra);
        }
    }
}

impl LimitsLayer {
    /// Applies what it says.
    pub(super) fn apply(&self, limits: &mut Limits) {
        put_number(&mut limits.connect_ms, self.connect_ms);
        put_number(&mut limits.first_byte_ms, self.first_byte_ms);
        put_number(&mut limits.between_bytes_ms, self.between_bytes_ms);
        put_number(&mut limits.retries, self.retries);
        put_number(&mut limits.concurrency, self.concurrency);
        let number = |value: Option<i64>| value.and_then(|value| u64::try_from(value).ok());
        limits.requests_per_minute = number(self.requests_per_minute).or(limits.requests_per_minute);
        limits.tokens_per_minute = number(self.tokens_per_minute).or(limits.tokens_per_minute);
    }
}

fn put<T>(target: &mut T, value: Option<T>) {
    if let Some(value) = value {
        *target = value;
    }
}

/// Puts a number whose bounds lie within its type, as the deserializer has made sure.
fn put_number<T: TryFrom<i64>>(target: &mut T, value: Option<i64>) {
    put(target, value.and_then(|value| T::try_from(value).ok()));
}

fn send<T>(target: &mut Option<T>, setting: Option<Setting<T>>) {
    match setting {
        Some(Setting::Send(value)) => *target = Some(value),
        Some(Setting::Omit) => *target = None,
        None => {}
    }
}

fn send_number<T: TryFrom<i64>>(target: &mut Option<T>, setting: Option<Setting<i64>>) {
    match setting {
        Some(Setting::Send(value)) => *target = T::try_from(value).ok(),
        Some(Setting::Omit) => *target = None,
        None => {}
    }
}

/// A number or the word `omit`, as it stands in the source.
#[derive(Clone, Copy)]
enum Raw {
    Integer(i64),
    Float(f64),
    Omit,
}

impl<'de> Deserialize<'de> for Raw {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Wanted;
        impl Visitor<'_> for Wanted {
            type Value = Raw;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a number, or \"omit\" to leave the choice to the server")
            }
            fn visit_i64<E: Error>(self, value: i64) -> Result<Raw, E> {
                Ok(Raw::Integer(value))
            }
            fn visit_f64<E: Error>(self, value: f64) -> Result<Raw, E> {
                Ok(Raw::Float(value))
            }
            fn visit_str<E: Error>(self, value: &str) -> Result<Raw, E> {
                if value == OMIT {
                    return Ok(Raw::Omit);
                }
                Err(E::invalid_value(serde::de::Unexpected::Str(value), &self))
            }
        }
        deserializer.deserialize_any(Wanted)
    }
}

/// Reads a float within bounds, or `omit`.
fn float<'de, D: Deserializer<'de>>(d: D, low: f64, high: f64) -> Result<Option<Setting<f64>>, D::Error> {
    #[expect(clippy::cast_precision_loss, reason = "a number that large is out of bounds anyway")]
    let value = match Raw::deserialize(d)? {
        Raw::Omit => return Ok(Some(Setting::Omit)),
        Raw::Integer(value) => value as f64,
        Raw::Float(value) => value,
    };
    if (low..=high).contains(&value) {
        return Ok(Some(Setting::Send(value)));
    }
    Err(D::Error::custom(format_args!("{value} is out of bounds: write a number from {low} to {high}")))
}

/// Reads an integer within bounds, or `omit`.
fn integer<'de, D: Deserializer<'de>>(d: D, low: i64, high: i64) -> Result<Option<Setting<i64>>, D::Error> {
    match Raw::deserialize(d)? {
        Raw::Omit => Ok(Some(Setting::Omit)),
        Raw::Integer(value) if (low..=high).contains(&value) => Ok(Some(Setting::Send(value))),
        Raw::Integer(value) => Err(D::Error::custom(format_args!(
            "{value} is out of bounds: write a whole number from {low} to {high}"
        ))),
        Raw::Float(value) => Err(D::Error::custom(format_args!("{value} is no whole number"))),
    }
}

/// Reads an integer within bounds.
fn count<'de, D: Deserializer<'de>>(d: D, low: i64, high: i64) -> Result<Option<i64>, D::Error> {
    match integer(d, low, high)? {
        Some(Setting::Send(value)) => Ok(Some(value)),
        Some(Setting::Omit) | None => Err(D::Error::custom("write a whole number")),
    }
}

fn temperature<'de, D: Deserializer<'de>>(d: D) -> Result<Option<Setting<f64>>, D::Error> {
    float(d, 0.0, 2.0)
}

fn top_p<'de, D: Deserializer<'de>>(d: D) -> Result<Option<Setting<f64>>, D::Error> {
    float(d, 0.0, 1.0)
}

fn penalty<'de, D: Deserializer<'de>>(d: D) -> Result<Option<Setting<f64>>, D::Error> {
    float(d, -2.0, 2.0)
}

fn max_output_tokens<'de, D: Deserializer<'de>>(d: D) -> Result<Option<Setting<i64>>, D::Error> {
    integer(d, 1, i64::from(u32::MAX))
}

fn seed<'de, D: Deserializer<'de>>(d: D) -> Result<Option<Setting<i64>>, D::Error> {
    integer(d, i64::MIN, i64::MAX)
}

fn top_logprobs<'de, D: Deserializer<'de>>(d: D) -> Result<Option<Setting<i64>>, D::Error> {
    integer(d, 0, 20)
}

fn concurrency<'de, D: Deserializer<'de>>(d: D) -> Result<Option<i64>, D::Error> {
    count(d, 1, 64)
}

fn repeats<'de, D: Deserializer<'de>>(d: D) -> Result<Option<i64>, D::Error> {
    count(d, 1, 1000)
}

fn retries<'de, D: Deserializer<'de>>(d: D) -> Result<Option<i64>, D::Error> {
    count(d, 0, 20)
}

fn per_minute<'de, D: Deserializer<'de>>(d: D) -> Result<Option<i64>, D::Error> {
    count(d, 1, 1_000_000_000)
}

fn wrap<'de, D: Deserializer<'de>>(d: D) -> Result<Option<i64>, D::Error> {
    count(d, 0, 1000)
}

fn milliseconds<'de, D: Deserializer<'de>>(d: D) -> Result<Option<i64>, D::Error> {
    const DAY_MS: i64 = 86_400_000;
    count(d, 1, DAY_MS)
}

/// Reads a name: one line that can be shown as it is.
fn name<'de, D: Deserializer<'de>>(d: D) -> Result<Option<String>, D::Error> {
    let name = String::deserialize(d)?;
    if name.trim().is_empty() || name.len() > 256 || name.chars().any(char::is_control) {
        return Err(D::Error::custom("this is no name: write one line of at most 256 letters"));
    }
    Ok(Some(name))
}

/// Reads the name of an environment variable.
///
/// People paste the key itself here; the message must not repeat it.
fn variable<'de, D: Deserializer<'de>>(d: D) -> Result<Option<String>, D::Error> {
    let name = String::deserialize(d)?;
    let is_name = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    if !is_name {
        return Err(D::Error::custom("this is no variable: write its name, such as OPENAI_API_KEY"));
    }
    Ok(Some(name))
}

fn command<'de, D: Deserializer<'de>>(d: D) -> Result<Option<Vec<String>>, D::Error> {
    let words = Vec::<String>::deserialize(d)?;
    if words.first().is_none_or(String::is_empty) {
        return Err(D::Error::custom("write a program and its arguments: [\"pass\", \"show\", \"openai\"]"));
    }
    Ok(Some(words))
}

fn temperatures<'de, D: Deserializer<'de>>(d: D) -> Result<Option<Vec<f64>>, D::Error> {
    let list = Vec::<f64>::deserialize(d)?;
    if list.is_empty() || list.len() > MAX_CELLS {
        return Err(D::Error::custom(format_args!("write 1 to {MAX_CELLS} temperatures")));
    }
    match list.iter().find(|value| !(0.0..=2.0).contains(*value)) {
        Some(value) => {
            Err(D::Error::custom(format_args!("{value} is no temperature: write numbers from 0 to 2")))
        }
        None => Ok(Some(list)),
    }
}

/// A string, or a list of strings.
struct Strings(Vec<String>);

impl<'de> Deserialize<'de> for Strings {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Wanted;
        impl<'de> Visitor<'de> for Wanted {
            type Value = Strings;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text or a list of texts")
            }
            fn visit_str<E: Error>(self, value: &str) -> Result<Strings, E> {
                Ok(Strings(vec![value.to_owned()]))
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Strings, A::Error> {
                let mut list = Vec::new();
                while let Some(text) = seq.next_element()? {
                    list.push(text);
                }
                Ok(Strings(list))
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Strings, A::Error> {
                match map.next_entry::<String, IgnoredAny>()? {
                    Some((inner, _)) => Err(A::Error::custom(format_args!(
                        "a command's name has dots and stands in quotes, such as \"run.{inner}\""
                    ))),
                    None => Ok(Strings(Vec::new())),
                }
            }
        }
        deserializer.deserialize_any(Wanted)
    }
}

fn stop<'de, D: Deserializer<'de>>(d: D) -> Result<Option<Vec<String>>, D::Error> {
    Ok(Some(Strings::deserialize(d)?.0))
}

/// Reads the chords of commands. Which commands and chords there are is not known here.
fn chords<'de, D: Deserializer<'de>>(d: D) -> Result<BTreeMap<String, Vec<String>>, D::Error> {
    let map = BTreeMap::<String, Strings>::deserialize(d)?;
    Ok(map.into_iter().map(|(command, chords)| (command, chords.0)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn refusal(text: &str) -> String {
        toml::from_str::<Layer>(text).unwrap_err().message().to_owned()
    }

    #[test]
    fn numbers_have_bounds() {
        for (text, told) in [
            ("[sampling]\ntemperature = 2.1", "from 0 to 2"),
            ("[sampling]\ntemperature = nan", "from 0 to 2"),
            ("[sampling]\ntop_logprobs = 21", "from 0 to 20"),
            ("[sampling]\ntop_logprobs = 1.5", "no whole number"),
            ("[sampling]\nseed = \"none\"", "\"omit\""),
            ("[compare]\nrepeats = 0", "from 1 to"),
            ("[compare]\nrepeats = \"omit\"", "whole number"),
            ("[compare]\ntemperatures = []", "write 1 to"),
            ("[compare]\ntemperatures = [3.0]", "no temperature"),
            ("[limits]\nconnect_ms = 0", "from 1 to"),
            ("[limits]\nrequests_per_minute = 0", "from 1 to"),
            ("[endpoints.x.limits]\ntokens_per_minute = 1.5", "no whole number"),
            ("model = \"\"", "no name"),
            ("[keys]\nrun.again = [\"f5\"]", "in quotes"),
            ("[endpoints.x]\nkey_command = []", "a program"),
        ] {
            assert!(refusal(text).contains(told), "{text}: {}", refusal(text));
        }
    }

    #[test]
    fn a_key_in_place_of_a_variable_is_not_repeated() {
        assert!(!refusal("[endpoints.x]\nkey_env = \"sk-abc\"").contains("abc"));
    }

    #[test]
    fn omitting_is_not_the_same_as_not_saying() {
        let mut config = Config::default();
        let layer: Layer =
            toml::from_str("[sampling]\ntemperature = \"omit\"\nextra = { top_k = 40 }\n").unwrap();
        layer.apply(&mut config);
        assert_eq!(config.sampling.temperature, None);
        assert_eq!(config.sampling.top_logprobs, Config::default().sampling.top_logprobs);
        assert_eq!(config.sampling.extra["top_k"].as_i64(), Some(40));
    }

    #[test]
    fn chords_are_a_text_or_a_list() {
        let layer: Layer = toml::from_str("[keys]\n\"a.b\" = \"f5\"\n\"c.d\" = []\n").unwrap();
        assert_eq!(layer.keys["a.b"], ["f5"]);
        assert!(layer.keys["c.d"].is_empty());
    }

    #[test]
    fn token_ids_are_keys_of_a_table() {
        let mut config = Config::default();
        toml::from_str::<Layer>("[sampling.logit_bias]\n15 = -100\n").unwrap().apply(&mut config);
        assert_eq!(config.sampling.logit_bias, BTreeMap::from([(15, -100.0)]));
    }
}
