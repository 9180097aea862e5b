//! Tables of variables: CSV with a line of names, or JSON Lines with an object a line.
//!
//! Owns which of the two a text is, and that every row has every name, so that no place in a prompt
//! stays empty. Bounded; a mistake names its line.

use crate::core::sweep::template::{Variables, is_name};
use crate::core::sweep::{Axis, MAX_CELLS};
use crate::core::text::fit;
use serde_json::{Map, Value};
use std::collections::BTreeSet;
use std::sync::Arc;

/// Most names in a table.
const MAX_NAMES: usize = 256;

/// Widest part of a table that a message repeats, in cells.
const SHOWN_CELLS: usize = 40;

/// Returns the axis of the rows of a table, each called by its first value.
///
/// # Errors
/// Says in one sentence what is wrong in which line.
pub fn axis_of_rows(text: &str) -> Result<Axis, String> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let start = text.trim_start();
    let is_json = start.starts_with('{') && !start.starts_with("{{");
    let rows = if is_json { json_lines(text)? } else { csv(text)? };
    if rows.is_empty() {
        return Err("the table has no rows: write at least one below the names".to_owned());
    }
    Axis::of_rows(rows)
}

type Row = (Arc<str>, Variables);

/// Reads values between commas, semicolons or tabs, whichever the first line has most of.
fn csv(text: &str) -> Result<Vec<Row>, String> {
    let first = text.lines().next().unwrap_or_default();
    let count = |delimiter: &u8| first.bytes().filter(|byte| byte == delimiter).count();
    // Of equally common ones the last is taken, which for none at all is the comma.
    let delimiter = [b'\t', b';', b','].into_iter().max_by_key(count).unwrap_or(b',');
    let mut reader =
        csv::ReaderBuilder::new().delimiter(delimiter).trim(csv::Trim::All).from_reader(text.as_bytes());
    let header = reader.headers().map_err(|error| told(&error))?.clone();
    let names: Vec<Arc<str>> = header.iter().map(Arc::from).collect();
    check_names(&names)?;
    let mut rows = Vec::new();
    for record in reader.records() {
        let record = record.map_err(|error| told(&error))?;
        check_count(rows.len())?;
        let label = record.get(0).unwrap_or_default().into();
        rows.push((label, names.iter().cloned().zip(record.iter().map(Arc::from)).collect()));
    }
    Ok(rows)
}

/// Returns what the reader says of a line, in a sentence.
fn told(error: &csv::Error) -> String {
    let line = error.position().map_or(1, csv::Position::line);
    if let csv::ErrorKind::UnequalLengths { expected_len, len, .. } = error.kind() {
        return format!("line {line} has {len} values, but there are {expected_len} names in line 1");
    }
    format!("line {line} is no CSV: {error}")
}

/// Reads an object a line. A value that is no text stands as its JSON.
fn json_lines(text: &str) -> Result<Vec<Row>, String> {
    let mut rows: Vec<Row> = Vec::new();
    let mut names: Vec<Arc<str>> = Vec::new();
    for (line, content) in (1..).zip(text.lines()).filter(|(_, content)| !content.trim().is_empty()) {
        let row: Map<String, Value> = serde_json::from_str(content).map_err(|error| {
            format!("line {line} is no JSON object (column {}): write one object a line", error.column())
        })?;
        if rows.is_empty() {
            names = row.keys().map(|name| name.as_str().into()).collect();
            check_names(&names)?;
        }
        check_count(rows.len())?;
        if let Some(missing) = names.iter().find(|name| !row.contains_key(&***name)) {
            return Err(format!("line {line} has no '{}': every row needs it", fit(missing, SHOWN_CELLS)));
        }
        if let Some(odd) = row.keys().find(|name| names.iter().all(|known| **known != ***name)) {
            return Err(format!("line {line} has '{}', but the first row has not", fit(odd, SHOWN_CELLS)));
        }
        let value = |value: &Value| match value {
            Value::String(text) => text.as_str().into(),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => {
                Arc::from(value.to_string())
            }
        };
        let values: Variables =
            row.iter().map(|(name, content)| (name.as_str().into(), value(content))).collect();
        let label = values.values().next().cloned().unwrap_or_default();
        rows.push((label, values));
    }
    Ok(rows)
}

/// Refuses names that cannot be written as a place, and those that are there twice.
fn check_names(names: &[Arc<str>]) -> Result<(), String> {
    if names.len() > MAX_NAMES {
        return Err(format!("the table has {} names: at most {MAX_NAMES}", names.len()));
    }
    if let Some(odd) = names.iter().find(|name| !is_name(name)) {
        return Err(format!(
            "'{}' is no name of a variable: write one without braces",
            fit(odd, SHOWN_CELLS)
        ));
    }
    let mut known = BTreeSet::new();
    match names.iter().map(AsRef::as_ref).find(|name: &&str| !known.insert(*name)) {
        Some(twice) => Err(format!("the table has '{}' twice", fit(twice, SHOWN_CELLS))),
        None => Ok(()),
    }
}

fn check_count(rows: usize) -> Result<(), String> {
    if rows < MAX_CELLS { Ok(()) } else { Err(format!("the table has too many rows: at most {MAX_CELLS}")) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::sweep::Setting;
    use proptest::prelude::*;

    fn table(text: &str) -> Vec<String> {
        let axis = axis_of_rows(text).unwrap();
        let row = |setting: &Setting| {
            let Setting::Variables(values) = setting else { panic!("{setting:?}") };
            values.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join(" ")
        };
        axis.values().iter().map(|value| format!("{}: {}", value.label, row(&value.setting))).collect()
    }

    #[test]
    fn tables_are_read_in_either_form() {
        let expected = ["서울: city=서울 dish=국, hot", "Paris: city=Paris dish="];
        assert_eq!(table("\u{feff}city,dish\r\n서울,\"국, hot\"\r\nParis,\r\n"), expected);
        assert_eq!(table("city;dish\n서울;국, hot\nParis;\n"), expected);
        assert_eq!(table("city\tdish\n서울\t국, hot\nParis\t\n"), expected);
        let lines = "{\"city\":\"서울\",\"dish\":\"국, hot\"}\n\n{\"dish\":\"\",\"city\":\"Paris\"}\n";
        assert_eq!(table(lines), expected);
        assert_eq!(table("{\"n\":1.5,\"ok\":true}"), ["1.5: n=1.5 ok=true"]);
        assert_eq!(table("name\none\none\n").len(), 2);
    }

    #[test]
    fn mistakes_name_their_line() {
        for (text, told) in [
            ("", "no rows"),
            ("city,dish\n", "no rows"),
            ("city,dish\n서울\n", "line 2 has 1 values, but there are 2 names in line 1"),
            ("city,city\na,b\n", "'city' twice"),
            ("city,\na,b\n", "'' is no name"),
            ("{{city}},x\na,b\n", "'{{city}}' is no name"),
            ("{\"a\":1}\n{\"b\":1}\n", "line 2 has no 'a'"),
            ("{\"a\":1}\n{\"a\":1,\"b\":1}\n", "line 2 has 'b', but the first row has not"),
            ("{\"a\":1}\n[1]\n", "line 2 is no JSON object"),
        ] {
            let error = axis_of_rows(text).unwrap_err();
            assert!(error.contains(told), "{text:?}: {error}");
        }
        let long = format!("n\n{}", "1\n".repeat(MAX_CELLS + 1));
        assert!(axis_of_rows(&long).unwrap_err().contains("at most 10000"));
    }

    proptest! {
        #[test]
        fn any_text_is_a_table_or_a_mistake(text in any::<String>(), typed in "[a,;\t\"\n{}:1]{0,40}") {
            let _ = (axis_of_rows(&text), axis_of_rows(&typed));
        }
    }
}
