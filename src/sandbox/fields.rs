//! The fields of a JSON body, taken one by one, each with its type and its range.
//!
//! Owns the words in which a wrong type or range is refused, which are OpenAI's. Never knows which
//! fields there are.

use super::refusal::Refusal;
use axum::http::StatusCode;
use serde_json::{Map, Value};

/// Returns the fields of a body.
pub(super) fn parse(body: &[u8]) -> Result<Fields, Refusal> {
    let value: Value = serde_json::from_slice(body).map_err(|error| {
        Refusal::new(
            StatusCode::BAD_REQUEST,
            format!("We could not parse the JSON body of your request: {error}."),
        )
    })?;
    let Value::Object(mut map) = value else {
        return Err(Refusal::new(StatusCode::BAD_REQUEST, "The JSON body must be an object."));
    };
    map.retain(|_, value| !value.is_null());
    Ok(Fields(map))
}

/// The fields of the body that were not read yet; `null` counts as absent.
pub(super) struct Fields(Map<String, Value>);

impl Fields {
    /// Whether a field was given and not read yet.
    pub(super) fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// Returns the fields that were not read yet.
    pub(super) fn left(&self) -> impl Iterator<Item = (&String, &Value)> {
        self.0.iter()
    }

    /// Takes a field out.
    pub(super) fn take(&mut self, name: &str) -> Option<Value> {
        self.0.remove(name)
    }

    /// Takes a field that holds true or false.
    pub(super) fn boolean(&mut self, name: &str) -> Result<Option<bool>, Refusal> {
        match self.take(name) {
            None => Ok(None),
            Some(Value::Bool(value)) => Ok(Some(value)),
            Some(other) => Err(wrong_type(name, "a boolean", &other)),
        }
    }

    /// Takes a field that holds an integer of this range.
    pub(super) fn integer(&mut self, name: &str, least: i64, most: i64) -> Result<Option<i64>, Refusal> {
        let Some(value) = self.take(name) else { return Ok(None) };
        let Some(number) = value.as_i64() else { return Err(wrong_type(name, "an integer", &value)) };
        in_range(name, "integer", number, least, most).map(Some)
    }

    /// Takes a field that holds a number of this range.
    pub(super) fn decimal(&mut self, name: &str, least: f64, most: f64) -> Result<Option<f64>, Refusal> {
        let Some(value) = self.take(name) else { return Ok(None) };
        let Some(number) = value.as_f64() else { return Err(wrong_type(name, "a decimal", &value)) };
        in_range(name, "decimal", number, least, most).map(Some)
    }
}

/// Returns a number that is not out of its range.
pub(super) fn in_range<N: PartialOrd + std::fmt::Display>(
    name: &str,
    kind: &str,
    number: N,
    least: N,
    most: N,
) -> Result<N, Refusal> {
    let (side, sign, limit) = if number < least {
        ("below minimum", ">=", least)
    } else if number > most {
        ("above maximum", "<=", most)
    } else {
        return Ok(number);
    };
    let code = match (kind, sign) {
        ("integer", ">=") => "integer_below_min_value",
        ("integer", _) => "integer_above_max_value",
        (_, ">=") => "decimal_below_min_value",
        _ => "decimal_above_max_value",
    };
    let message = format!(
        "Invalid '{name}': {kind} {side} value. Expected a value {sign} {limit}, but got {number} instead."
    );
    Err(Refusal::of(name, message).code(code))
}

/// Returns the refusal of a field that holds something else than it may.
pub(super) fn wrong_type(name: &str, expected: &str, found: &Value) -> Refusal {
    let found = match found {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(number) if number.is_f64() => "a decimal",
        Value::Number(_) => "an integer",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    };
    let message = format!("Invalid type for '{name}': expected {expected}, but got {found} instead.");
    Refusal::of(name, message).code("invalid_type")
}
