//! One axis as it stands in a file: a name, and values as a text, a list or a file of rows.
//!
//! Owns that form. What values mean is decided in one place for files and what is typed:
//! [`Axis`].

use crate::core::request::ResponseFormat;
use crate::core::sweep::template::Variables;
use crate::core::sweep::{Axis, Known, NONE, OMIT, Parameter, Setting, Value};
use crate::plan::{ReadFile, axis_of_rows};
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;
use toml::Spanned;

/// Stands for a schema that is not read yet.
const NO_SCHEMA: &str = "{}";

/// One value in a list.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged, expecting = "a value is a number, a text, or a table of variables")]
pub enum Item {
    /// A whole number.
    Whole(i64),
    /// Another number.
    Number(f64),
    /// A text.
    Text(String),
    /// Variables by name; among formats, `file` alone: a JSON schema beside the plan.
    Row(BTreeMap<String, String>),
}

/// The values of an axis.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged, expecting = "values are a list, or a text such as \"0.2..1.8 step 0.2\"")]
pub enum Values {
    /// As they are typed.
    Typed(String),
    /// One by one.
    Items(Vec<Item>),
}

/// An axis as it is written.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PlanAxis {
    /// What varies.
    pub name: String,
    /// The values.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub values: Option<Values>,
    /// A file of rows, beside the plan.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
}

/// An axis as it is read, with its places.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Written {
    name: Spanned<String>,
    values: Option<Spanned<Values>>,
    file: Option<Spanned<String>>,
}

impl Written {
    /// Returns the axis if it can be what it says, else what is wrong and where.
    pub(super) fn judged(self, known: &Known<'_>) -> Result<PlanAxis, (Range<usize>, String)> {
        let name_span = self.name.span();
        let parameter =
            Parameter::from_name(self.name.get_ref()).map_err(|sentence| (name_span.clone(), sentence))?;
        let axis = PlanAxis {
            name: self.name.into_inner(),
            values: self.values.as_ref().map(|values| values.get_ref().clone()),
            file: self.file.as_ref().map(|file| file.get_ref().clone()),
        };
        match (&self.values, &self.file) {
            (Some(values), None) => {
                // A file of a schema is read when the sweep is made.
                let unread = |_: &str| Ok(NO_SCHEMA.to_owned());
                of_values(parameter, values.get_ref(), known, &unread)
                    .map_err(|sentence| (values.span(), sentence))?;
                Ok(axis)
            }
            (None, Some(_)) if parameter == Parameter::Rows => Ok(axis),
            (None, Some(file)) => {
                Err((file.span(), "only an axis of rows has a file: name it rows".to_owned()))
            }
            (None, None) => {
                let sentence = format!("the axis {parameter} has no values: write values = [...]");
                Err((name_span, sentence))
            }
            (Some(_), Some(file)) => {
                Err((file.span(), "an axis has values or a file: leave one of them out".to_owned()))
            }
        }
    }
}

impl Item {
    /// Returns the form of an answer that this stands for; `None` leaves it to the server.
    pub(super) fn format(
        &self,
        known: &Known<'_>,
        read: ReadFile<'_>,
    ) -> Result<Option<ResponseFormat>, String> {
        let values = Values::Items(vec![self.clone()]);
        let axis = of_values(Parameter::Format, &values, known, read)?;
        Ok(axis.values().iter().find_map(|value| match &value.setting {
            Setting::Format(format) => format.clone(),
            Setting::Temperature(_)
            | Setting::TopP(_)
            | Setting::MaxTokens(_)
            | Setting::Seed(_)
            | Setting::Effort(_)
            | Setting::Persona(_)
            | Setting::System(_)
            | Setting::Model(_)
            | Setting::Endpoint { .. }
            | Setting::Prompt(_)
            | Setting::Variables(_) => None,
        }))
    }
}

impl PlanAxis {
    /// Returns the axis written down, every value by itself.
    #[must_use]
    pub fn of(axis: &Axis) -> Self {
        let text = |text: &Option<Arc<str>>| Item::Text(text.as_deref().unwrap_or(OMIT).to_owned());
        let number = |number: &Option<f64>| number.map_or(Item::Text(OMIT.to_owned()), Item::Number);
        let whole = |number: Option<i64>| number.map_or(Item::Text(OMIT.to_owned()), Item::Whole);
        let is_one = matches!(axis.parameter(), Parameter::Variable(_));
        let item = |value: &Value| match &value.setting {
            Setting::Temperature(value) | Setting::TopP(value) => number(value),
            Setting::MaxTokens(value) => whole(value.map(i64::from)),
            Setting::Seed(value) => whole(*value),
            Setting::Effort(value) | Setting::System(value) => text(value),
            Setting::Format(None) => Item::Text(OMIT.to_owned()),
            Setting::Format(Some(format)) => written(format),
            Setting::Persona(None) => Item::Text(NONE.to_owned()),
            Setting::Persona(Some(_)) => Item::Text(value.label.to_string()),
            Setting::Model(text) | Setting::Prompt(text) => Item::Text(text.to_string()),
            Setting::Endpoint { name, model } => Item::Text(format!("{name}:{model}")),
            Setting::Variables(values) if is_one => {
                Item::Text(values.values().next().map(ToString::to_string).unwrap_or_default())
            }
            Setting::Variables(values) => {
                Item::Row(values.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect())
            }
        };
        let values = Values::Items(axis.values().iter().map(item).collect());
        Self { name: axis.parameter().to_string(), values: Some(values), file: None }
    }

    /// Returns the axis.
    ///
    /// # Errors
    /// Says in one sentence what is wrong with which value, or with which line of which file.
    pub fn axis(&self, known: &Known<'_>, read: ReadFile<'_>) -> Result<Axis, String> {
        let parameter = Parameter::from_name(&self.name)?;
        match (&self.values, &self.file) {
            (Some(values), _) => of_values(parameter, values, known, read),
            (None, Some(file)) => {
                axis_of_rows(&read(file)?).map_err(|sentence| format!("{file}: {sentence}"))
            }
            (None, None) => Err(format!("the axis {parameter} has no values: write at least one")),
        }
    }
}

/// Returns the form of an answer as it stands in a list of values.
pub(super) fn written(format: &ResponseFormat) -> Item {
    Item::Text(match format {
        ResponseFormat::Text => "text".to_owned(),
        ResponseFormat::JsonObject => "json_object".to_owned(),
        ResponseFormat::JsonSchema { name, schema, strict } => {
            json!({ "name": name, "schema": schema, "strict": strict }).to_string()
        }
    })
}

/// Returns the value of the axis of formats for a file with a JSON schema.
fn of_schema_file(row: &BTreeMap<String, String>, read: ReadFile<'_>) -> Result<Value, String> {
    const HOW: &str = "a format is a text, or the file of a schema: write it like { file = \"person.json\" }";
    let mut entries = row.iter();
    let (Some((key, file)), None) = (entries.next(), entries.next()) else { return Err(HOW.to_owned()) };
    if key != "file" {
        return Err(HOW.to_owned());
    }
    let told = |error: String| format!("{file}: {error}");
    let schema: Json = serde_json::from_str(&read(file)?)
        .map_err(|error| told(format!("the schema is no JSON: {error}")))?;
    if !schema.is_object() {
        return Err(told("a schema is a JSON object".to_owned()));
    }
    Ok(Value::of_schema(schema, file))
}

fn of_values(
    parameter: Parameter,
    values: &Values,
    known: &Known<'_>,
    read: ReadFile<'_>,
) -> Result<Axis, String> {
    let items = match values {
        Values::Typed(list) => return Axis::parse(parameter, list, known),
        Values::Items(items) => items,
    };
    if parameter == Parameter::Rows {
        let row = |item: &Item| match item {
            Item::Row(values) => {
                let values: Variables = values
                    .iter()
                    .map(|(name, value)| (name.as_str().into(), value.as_str().into()))
                    .collect();
                Ok((values.values().next().cloned().unwrap_or_default(), values))
            }
            Item::Whole(_) | Item::Number(_) | Item::Text(_) => {
                Err("a row is a table of variables: write it like { city = \"Paris\" }".to_owned())
            }
        };
        return Axis::of_rows(items.iter().map(row).collect::<Result<_, _>>()?);
    }
    if parameter == Parameter::Format {
        let value = |item: &Item| match item {
            Item::Row(row) => of_schema_file(row, read),
            Item::Text(text) => Value::of_text(&parameter, text, known),
            Item::Whole(number) => Value::of_text(&parameter, &number.to_string(), known),
            Item::Number(number) => Value::of_text(&parameter, &number.to_string(), known),
        };
        let values = items.iter().map(value).collect::<Result<_, _>>()?;
        return Axis::new(parameter, values);
    }
    let text = |item: &Item| match item {
        Item::Whole(number) => Ok(number.to_string()),
        Item::Number(number) => Ok(number.to_string()),
        Item::Text(text) => Ok(text.clone()),
        Item::Row(_) => Err(format!("a table is no value of the axis {parameter}: write a number or a text")),
    };
    let texts: Vec<String> = items.iter().map(text).collect::<Result<_, String>>()?;
    Axis::of_texts(parameter.clone(), texts.iter().map(String::as_str), known)
}
