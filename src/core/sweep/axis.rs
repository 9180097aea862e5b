//! The axes of a sweep: what varies, and through which values.
//!
//! Owns the parameters there are, their names and bounds, and how values of each are read.
//!
//! Invariant: an axis has at least one value, all of its own parameter, none twice.

use crate::core::figure;
use crate::core::request::ResponseFormat;
use crate::core::sweep::MAX_CELLS;
use crate::core::sweep::setting::Setting;
use crate::core::sweep::template::{self, Variables};
use crate::core::sweep::values::{self, Entry, shown};
use crate::core::text::{fit, nearest};
use serde_json::Value as Json;
use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

/// What stands for "not sent, the server decides" in a list of values.
pub const OMIT: &str = "omit";

/// What stands for "no system message" among personas.
pub const NONE: &str = "none";

/// Widest label of a value, in cells.
const LABEL_CELLS: usize = 32;

/// What an axis varies.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Parameter {
    /// The sampling temperature.
    Temperature,
    /// The nucleus mass.
    TopP,
    /// The longest answer in tokens.
    MaxTokens,
    /// The seed.
    Seed,
    /// The reasoning effort.
    Effort,
    /// The form of the answer.
    Format,
    /// The system message, by the name of a persona.
    Persona,
    /// The system message, written out.
    System,
    /// The model, at the endpoint the request goes to.
    Model,
    /// The endpoint, with a model of it.
    Endpoint,
    /// The last user message.
    Prompt,
    /// One variable of the texts.
    Variable(Arc<str>),
    /// Several variables at once, a row of a table each.
    Rows,
}

impl Parameter {
    /// The ones with a name of their own.
    const NAMED: [(&'static str, Self); 12] = [
        ("temperature", Self::Temperature),
        ("top_p", Self::TopP),
        ("max_tokens", Self::MaxTokens),
        ("seed", Self::Seed),
        ("effort", Self::Effort),
        ("format", Self::Format),
        ("persona", Self::Persona),
        ("system", Self::System),
        ("model", Self::Model),
        ("endpoint", Self::Endpoint),
        ("prompt", Self::Prompt),
        ("rows", Self::Rows),
    ];

    /// Returns the parameter of this name; `{{city}}` is the variable `city`.
    ///
    /// # Errors
    /// Says which names there are, or which one was probably meant.
    pub fn from_name(name: &str) -> Result<Self, String> {
        let name = name.trim();
        if let Some(variable) = template::variable(name) {
            return Ok(Self::Variable(variable.into()));
        }
        let names = Self::NAMED.map(|(name, _)| name);
        let typed = name.replace('-', "_");
        Self::NAMED.into_iter().find(|(known, _)| *known == typed).map(|(_, parameter)| parameter).ok_or_else(
            || match nearest(&typed, names) {
                Some(near) => format!("there is no axis {}: did you mean '{near}'?", shown(name)),
                None => format!(
                    "there is no axis {}: write one of {}, or a variable as {{{{name}}}}",
                    shown(name),
                    names.join(", ")
                ),
            },
        )
    }

    /// Returns what no two axes may set both.
    fn target(&self) -> Self {
        match self {
            Self::System => Self::Persona,
            Self::Temperature
            | Self::TopP
            | Self::MaxTokens
            | Self::Seed
            | Self::Effort
            | Self::Format
            | Self::Persona
            | Self::Model
            | Self::Endpoint
            | Self::Prompt
            | Self::Variable(_)
            | Self::Rows => self.clone(),
        }
    }

    /// Whether an axis of this and one of another parameter would set the same.
    pub(super) fn clashes_with(&self, other: &Self) -> bool {
        self.target() == other.target()
    }
}

impl fmt::Display for Parameter {
    /// Writes the name that [`Parameter::from_name`] reads.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Self::Variable(name) = self {
            return write!(f, "{{{{{name}}}}}");
        }
        let known = Self::NAMED.iter().find(|(_, parameter)| parameter == self);
        f.write_str(known.map_or("", |(name, _)| name))
    }
}

/// One value of an axis.
#[derive(Debug, Clone, PartialEq)]
pub struct Value {
    /// How it is called on screen and in exports.
    pub label: Arc<str>,
    /// What it does.
    pub setting: Setting,
}

/// What varies, and through which values. A copy shares them: a table may have thousands.
#[derive(Debug, Clone)]
pub struct Axis {
    parameter: Parameter,
    values: Arc<[Value]>,
}

impl PartialEq for Axis {
    fn eq(&self, other: &Self) -> bool {
        let is_shared = Arc::ptr_eq(&self.values, &other.values);
        self.parameter == other.parameter && (is_shared || self.values == other.values)
    }
}

impl Value {
    /// Returns the value that one text stands for.
    ///
    /// # Errors
    /// Says in one sentence what is wrong with it, and what to write.
    pub fn of_text(parameter: &Parameter, text: &str, known: &Known<'_>) -> Result<Self, String> {
        textual(parameter, text, known)
    }

    /// Returns the value of the axis of formats that asks for JSON of a schema, which is called by
    /// its file where it brings no name.
    #[must_use]
    pub fn of_schema(schema: Json, file: &str) -> Self {
        let format = ResponseFormat::of_schema(schema, file);
        Self { label: format_label(Some(&format)).into(), setting: Setting::Format(Some(format)) }
    }
}

/// The names a list of values may use.
#[derive(Debug, Clone, Default)]
pub struct Known<'a> {
    /// Personas with their system messages.
    pub personas: Vec<(&'a str, &'a str)>,
    /// Endpoints with the model each begins with, where that is known.
    pub endpoints: Vec<(&'a str, Option<&'a str>)>,
}

impl Axis {
    /// Returns the axis of some values.
    ///
    /// # Errors
    /// Says that there is none, which value is there twice, or which is of another parameter.
    pub fn new(parameter: Parameter, values: Vec<Value>) -> Result<Self, String> {
        if values.is_empty() {
            return Err(format!("the axis {parameter} has no values: write at least one"));
        }
        if values.len() > MAX_CELLS {
            return Err(format!("the axis {parameter} has {} values: at most {MAX_CELLS}", values.len()));
        }
        if let Some(odd) = values.iter().find(|value| !value.setting.fits(&parameter)) {
            return Err(format!("{} is no value of the axis {parameter}", shown(&odd.label)));
        }
        // Rows of a table may be alike.
        let mut seen: HashMap<&str, Vec<&Setting>> = HashMap::new();
        for value in values.iter().filter(|_| parameter != Parameter::Rows) {
            let alike = seen.entry(&value.label).or_default();
            if alike.contains(&&value.setting) {
                return Err(format!("the axis {parameter} has {} twice", shown(&value.label)));
            }
            alike.push(&value.setting);
        }
        Ok(Self { parameter, values: values.into() })
    }

    /// Returns the axis of some temperatures, without those that are there already.
    #[must_use]
    pub fn of_temperatures(temperatures: &[f64]) -> Self {
        let mut values: Vec<Value> = Vec::with_capacity(temperatures.len());
        for temperature in temperatures {
            let setting = Setting::Temperature(Some(*temperature));
            if values.iter().all(|value| value.setting != setting) {
                values.push(Value { label: figure::parameter(*temperature).into(), setting });
            }
        }
        Self { parameter: Parameter::Temperature, values: values.into() }
    }

    /// Returns the axis of the rows of a table, labelled by their first value.
    ///
    /// # Errors
    /// Says what [`Axis::new`] says.
    pub fn of_rows(rows: Vec<(Arc<str>, Variables)>) -> Result<Self, String> {
        let value = |(label, values): (Arc<str>, Variables)| Value {
            label: fit(&label, LABEL_CELLS).into(),
            setting: Setting::Variables(values),
        };
        Self::new(Parameter::Rows, rows.into_iter().map(value).collect())
    }

    /// Returns the axis of a list as it is typed, such as `0.2..1.8 step 0.2` or `chef, panda`.
    ///
    /// # Errors
    /// Says in one sentence what is wrong with which value, and what to write.
    pub fn parse(parameter: Parameter, list: &str, known: &Known<'_>) -> Result<Self, String> {
        let Some(kind) = Numeric::of(&parameter) else {
            let texts = values::texts(list)?;
            return Self::of_texts(parameter, texts.iter().map(AsRef::as_ref), known);
        };
        let entries = values::numbers(list, kind.step())?;
        let values = entries.into_iter().map(|entry| kind.value(entry)).collect::<Result<_, _>>()?;
        Self::new(parameter, values)
    }

    /// Returns the axis of single texts, none of which is cut at commas; those of numbers are lists.
    ///
    /// # Errors
    /// Says in one sentence what is wrong with which value, and what to write.
    pub fn of_texts<'t>(
        parameter: Parameter,
        texts: impl IntoIterator<Item = &'t str>,
        known: &Known<'_>,
    ) -> Result<Self, String> {
        if Numeric::of(&parameter).is_some() {
            let list: Vec<&str> = texts.into_iter().collect();
            return Self::parse(parameter, &list.join(","), known);
        }
        let values =
            texts.into_iter().map(|text| textual(&parameter, text, known)).collect::<Result<_, _>>()?;
        Self::new(parameter, values)
    }

    /// Returns what varies.
    #[must_use]
    pub fn parameter(&self) -> &Parameter {
        &self.parameter
    }

    /// Returns the values in order.
    #[must_use]
    pub fn values(&self) -> &[Value] {
        &self.values
    }
}

/// The parameters whose values are numbers.
#[derive(Debug, Clone, Copy)]
enum Numeric {
    Temperature,
    TopP,
    MaxTokens,
    Seed,
}

impl Numeric {
    fn of(parameter: &Parameter) -> Option<Self> {
        match parameter {
            Parameter::Temperature => Some(Self::Temperature),
            Parameter::TopP => Some(Self::TopP),
            Parameter::MaxTokens => Some(Self::MaxTokens),
            Parameter::Seed => Some(Self::Seed),
            Parameter::Effort
            | Parameter::Format
            | Parameter::Persona
            | Parameter::System
            | Parameter::Model
            | Parameter::Endpoint
            | Parameter::Prompt
            | Parameter::Variable(_)
            | Parameter::Rows => None,
        }
    }

    /// Returns the step of a range that names none; whole numbers have a natural one.
    fn step(self) -> Option<f64> {
        matches!(self, Self::MaxTokens | Self::Seed).then_some(1.0)
    }

    fn value(self, entry: Entry<'_>) -> Result<Value, String> {
        let (setting, label) = match entry {
            Entry::Word(OMIT) => (Some(self.omitted()), OMIT.to_owned()),
            Entry::Word(word) => (None, word.to_owned()),
            Entry::Number(number) => (self.setting(number), self.label(number)),
        };
        let Some(setting) = setting else {
            let (name, bounds) = match self {
                Self::Temperature => ("temperature", "a number from 0 to 2"),
                Self::TopP => ("top_p", "a number above 0, to 1"),
                Self::MaxTokens => ("number of tokens", "a whole number from 1"),
                Self::Seed => ("seed", "a whole number"),
            };
            return Err(format!("{} is no {name}: write {bounds}, or {OMIT}", shown(&label)));
        };
        Ok(Value { label: label.into(), setting })
    }

    fn omitted(self) -> Setting {
        match self {
            Self::Temperature => Setting::Temperature(None),
            Self::TopP => Setting::TopP(None),
            Self::MaxTokens => Setting::MaxTokens(None),
            Self::Seed => Setting::Seed(None),
        }
    }

    /// Returns what a number in the bounds sets.
    fn setting(self, number: f64) -> Option<Setting> {
        // Up to here every whole number has a floating-point number of its own.
        const EXACT: f64 = 9_007_199_254_740_992.0;
        #[expect(clippy::cast_possible_truncation, reason = "whole, and in the bounds")]
        let whole = (number.fract() == 0.0 && number.abs() <= EXACT).then_some(number as i64);
        match self {
            Self::Temperature => (0.0..=2.0).contains(&number).then_some(Setting::Temperature(Some(number))),
            Self::TopP => (number > 0.0 && number <= 1.0).then_some(Setting::TopP(Some(number))),
            Self::MaxTokens => {
                let tokens = whole.and_then(|tokens| u32::try_from(tokens).ok()).filter(|tokens| *tokens > 0);
                tokens.map(|tokens| Setting::MaxTokens(Some(tokens)))
            }
            Self::Seed => whole.map(|seed| Setting::Seed(Some(seed))),
        }
    }

    fn label(self, number: f64) -> String {
        match self {
            Self::Temperature | Self::TopP => figure::parameter(number),
            Self::MaxTokens | Self::Seed => number.to_string(),
        }
    }
}

/// Returns the value that a text stands for.
fn textual(parameter: &Parameter, text: &str, known: &Known<'_>) -> Result<Value, String> {
    let shared: Arc<str> = text.into();
    let given = (text != OMIT).then(|| Arc::clone(&shared));
    let setting = match parameter {
        Parameter::Effort => {
            let is_word = text.len() <= LABEL_CELLS && text.chars().all(|c| c.is_ascii_alphanumeric());
            if !is_word {
                return Err(format!("{} is no effort: write a word such as low or high", shown(text)));
            }
            Setting::Effort(given)
        }
        Parameter::Format => Setting::Format(format(text)?),
        Parameter::Persona => Setting::Persona(persona(text, known)?),
        Parameter::System => Setting::System(given),
        Parameter::Model => Setting::Model(shared),
        Parameter::Endpoint => endpoint(text, known)?,
        Parameter::Prompt => Setting::Prompt(shared),
        Parameter::Variable(name) => Setting::Variables(Variables::from([(Arc::clone(name), shared)])),
        Parameter::Rows => return Err("rows come from a file: name a CSV or JSONL file of them".to_owned()),
        Parameter::Temperature | Parameter::TopP | Parameter::MaxTokens | Parameter::Seed => {
            return Err(format!("{} is no number", shown(text)));
        }
    };
    let label = match &setting {
        Setting::Format(format) => format_label(format.as_ref()),
        // A persona's name is how it is found again, so it stays whole.
        Setting::Persona(_) => text.to_owned(),
        Setting::Temperature(_)
        | Setting::TopP(_)
        | Setting::MaxTokens(_)
        | Setting::Seed(_)
        | Setting::Effort(_)
        | Setting::System(_)
        | Setting::Model(_)
        | Setting::Endpoint { .. }
        | Setting::Prompt(_)
        | Setting::Variables(_) => fit(&text.split_whitespace().collect::<Vec<_>>().join(" "), LABEL_CELLS),
    };
    Ok(Value { label: label.into(), setting })
}

/// Returns the form of an answer: by its name, or by the JSON schema it must keep to.
fn format(text: &str) -> Result<Option<ResponseFormat>, String> {
    match text {
        OMIT => Ok(None),
        "text" => Ok(Some(ResponseFormat::Text)),
        "json_object" => Ok(Some(ResponseFormat::JsonObject)),
        _ => match serde_json::from_str(text) {
            Ok(schema @ Json::Object(_)) => Ok(Some(ResponseFormat::of_schema(schema, ""))),
            Ok(_) | Err(_) => {
                Err(format!("{} is no format: write text, json_object, {OMIT} or a JSON schema", shown(text)))
            }
        },
    }
}

/// Returns how a form of an answer is called.
fn format_label(format: Option<&ResponseFormat>) -> String {
    match format {
        None => OMIT.to_owned(),
        Some(ResponseFormat::Text) => "text".to_owned(),
        Some(ResponseFormat::JsonObject) => "json_object".to_owned(),
        Some(ResponseFormat::JsonSchema { name, .. }) => fit(name, LABEL_CELLS),
    }
}

/// Returns the system message of a persona.
fn persona(name: &str, known: &Known<'_>) -> Result<Option<Arc<str>>, String> {
    if let Some((_, system)) = known.personas.iter().find(|(known, _)| *known == name) {
        return Ok(Some((*system).into()));
    }
    if name == NONE || name == OMIT {
        return Ok(None);
    }
    let names = known.personas.iter().map(|(name, _)| *name);
    Err(unknown("persona", name, names))
}

/// Returns the endpoint, and the model after a colon or the one it begins with.
fn endpoint(text: &str, known: &Known<'_>) -> Result<Setting, String> {
    let (name, model) = match text.split_once(':') {
        Some((name, model)) => (name.trim(), Some(model.trim())),
        None => (text, None),
    };
    let Some((_, first)) = known.endpoints.iter().find(|(known, _)| *known == name) else {
        return Err(unknown("endpoint", name, known.endpoints.iter().map(|(name, _)| *name)));
    };
    match model.or(*first).filter(|model| !model.is_empty()) {
        Some(model) => Ok(Setting::Endpoint { name: name.into(), model: model.into() }),
        None => Err(format!("the endpoint {} needs a model: write it as {name}:MODEL", shown(name))),
    }
}

/// Returns the sentence for a name that nobody knows.
fn unknown<'a>(what: &str, name: &str, names: impl Iterator<Item = &'a str> + Clone) -> String {
    match nearest(name, names.clone()) {
        Some(near) => format!("there is no {what} {}: did you mean '{near}'?", shown(name)),
        None => {
            let names = fit(&names.collect::<Vec<_>>().join(", "), 200);
            format!("there is no {what} {}: write one of {names}", shown(name))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::request::{Prompt, Request, Role, Sampling};
    use proptest::prelude::*;
    use serde_json::json;

    fn known() -> Known<'static> {
        Known {
            personas: vec![("chef", "You cook."), ("panda", "You are a panda.")],
            endpoints: vec![("openai", Some("gpt-4o-mini")), ("vllm", None)],
        }
    }

    fn axis(name: &str, list: &str) -> Result<Axis, String> {
        Axis::parse(Parameter::from_name(name)?, list, &known())
    }

    fn labels(axis: &Axis) -> Vec<&str> {
        axis.values().iter().map(|value| &*value.label).collect()
    }

    fn applied(axis: &Axis, value: usize) -> (Request, Variables) {
        let mut request = Request {
            endpoint: "e".into(),
            model: "m".into(),
            messages: vec![Prompt::new(Role::User, "first"), Prompt::new(Role::User, "last")],
            sampling: Sampling { seed: Some(1), ..Sampling::default() },
            continuation: None,
            stream: true,
        };
        let mut variables = Variables::new();
        axis.values()[value].setting.apply(&mut request, &mut variables);
        (request, variables)
    }

    #[test]
    fn numbers_words_and_ranges_make_axes() {
        let temperatures = axis("temperature", "0.2..0.6 step 0.2, 1, omit").unwrap();
        assert_eq!(labels(&temperatures), ["0.2", "0.4", "0.6", "1.0", "omit"]);
        assert_eq!(applied(&temperatures, 2).0.sampling.temperature, Some(0.6));
        assert_eq!(applied(&temperatures, 4).0.sampling.temperature, None);
        assert_eq!(labels(&axis("seed", "-1..2").unwrap()), ["-1", "0", "1", "2"]);
        assert_eq!(applied(&axis("max-tokens", "16 32").unwrap(), 1).0.sampling.max_output_tokens, Some(32));
    }

    #[test]
    fn texts_make_axes() {
        let personas = axis("persona", "panda, none").unwrap();
        assert_eq!(&*applied(&personas, 0).0.messages[0].content, "You are a panda.");
        assert_eq!(applied(&personas, 1).0.messages.len(), 2);
        let prompts = axis("prompt", "\"one, two\", three").unwrap();
        let (request, _) = applied(&prompts, 0);
        assert_eq!([&*request.messages[0].content, &*request.messages[1].content], ["first", "one, two"]);
        let (request, _) = applied(&axis("endpoint", "openai, vllm:org/m:1").unwrap(), 1);
        assert_eq!((&*request.endpoint, &*request.model), ("vllm", "org/m:1"));
        let (request, _) = applied(&axis("effort", "low").unwrap(), 0);
        assert_eq!(request.sampling.extra["reasoning_effort"], "low");
        let (_, variables) = applied(&axis("{{city}}", "서울,Paris").unwrap(), 0);
        assert_eq!(&*variables["city"], "서울");
    }

    #[test]
    fn formats_are_named_or_schemas() {
        let formats = axis("format", "json_object, omit").unwrap();
        assert_eq!(applied(&formats, 0).0.sampling.response_format, Some(ResponseFormat::JsonObject));
        assert_eq!(applied(&formats, 1).0.sampling.response_format, None);
        let schema = ["{\"type\": \"object\"}"];
        let format = Axis::of_texts(Parameter::Format, schema, &known()).unwrap();
        assert_eq!(labels(&format), ["answer"]);
        let wanted = ResponseFormat::of_schema(json!({"type": "object"}), "answer");
        assert_eq!(applied(&format, 0).0.sampling.response_format, Some(wanted));
    }

    #[test]
    fn mistakes_are_one_sentence() {
        for (name, list, told) in [
            ("temprature", "1", "there is no axis 'temprature': did you mean 'temperature'?"),
            ("colour", "1", "write one of temperature, top_p"),
            ("temperature", "2.1", "'2.1' is no temperature: write a number from 0 to 2, or omit"),
            ("temperature", "0.2..2.2 step 1", "'2.2' is no temperature"),
            ("temperature", "NaN", "'NaN' is no temperature"),
            ("temperature", "0.3 0.3", "the axis temperature has '0.3' twice"),
            ("top_p", "0", "'0.0' is no top_p"),
            ("max_tokens", "1.5", "'1.5' is no number of tokens: write a whole number from 1"),
            ("seed", "1e300", "is no seed"),
            ("persona", "cheff", "there is no persona 'cheff': did you mean 'chef'?"),
            ("endpoint", "vllm", "the endpoint 'vllm' needs a model: write it as vllm:MODEL"),
            ("endpoint", "x", "write one of openai, vllm"),
            ("format", "xml", "'xml' is no format"),
            ("effort", "very high", "is no effort"),
            ("rows", "a", "rows come from a file"),
            ("model", " , ", "the axis model has no values"),
        ] {
            let error = axis(name, list).unwrap_err();
            assert!(error.contains(told) && !error.ends_with('.'), "{name}={list}: {error}");
        }
    }

    #[test]
    fn names_are_read_as_they_are_written() {
        let variable = Parameter::Variable("first name".into());
        for parameter in Parameter::NAMED.into_iter().map(|(_, parameter)| parameter).chain([variable]) {
            assert_eq!(Parameter::from_name(&parameter.to_string()), Ok(parameter));
        }
        assert!(Parameter::Persona.clashes_with(&Parameter::System));
        assert!(!Parameter::Variable("a".into()).clashes_with(&Parameter::Variable("b".into())));
    }

    proptest! {
        #[test]
        fn any_list_makes_an_axis_or_a_sentence(name in 0usize..12, list in "[0-9.,a-z \"{}가]{0,24}") {
            let parameter = Parameter::NAMED[name].1.clone();
            if let Ok(axis) = Axis::parse(parameter.clone(), &list, &known()) {
                prop_assert!(!axis.values().is_empty());
                prop_assert!(axis.values().iter().all(|value| value.setting.fits(&parameter)));
            }
        }
    }
}
