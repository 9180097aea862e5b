//! Where answers in JSON agree: for every path, which values were given and by how many.
//!
//! Owns the flattening of a JSON text into paths and scalars. Answers that are no JSON are counted,
//! never guessed at, and what is beyond the bounds is counted too.

use serde::Serialize;
use serde_json::{Number, Value};
use std::collections::HashMap;

/// Longest answer that is read, in bytes.
const MAX_BYTES: usize = 1 << 20;

/// Longest path that is told, in bytes.
const MAX_PATH: usize = 1024;

/// Most paths that are told apart.
const MAX_FIELDS: usize = 1_000;

/// A value at a path, and how many answers gave it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FieldValue {
    /// The value as JSON; `{}` and `[]` stand for an object and a list with nothing in them.
    pub value: String,
    /// Answers with this value here.
    pub count: usize,
}

/// What the answers hold at one path.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Field {
    /// The path, such as `$.people[0].name`; `$` is the whole answer.
    pub path: String,
    /// The values, the most common first, equally common ones in the order of the answers.
    pub values: Vec<FieldValue>,
    /// Answers in JSON that have nothing at this path.
    pub missing: usize,
}

impl Field {
    /// Returns the share of the answers in JSON that give the most common value.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
    pub fn share(&self) -> f64 {
        let given: usize = self.values.iter().map(|value| value.count).sum();
        let most = self.values.first().map_or(0, |value| value.count);
        most as f64 / (given + self.missing).max(1) as f64
    }
}

/// How far answers in JSON agree, path by path.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Agreement {
    /// Answers that are an object or a list in JSON.
    pub read: usize,
    /// Answers that are not, or are too long.
    pub unread: usize,
    /// The paths in the order they first appear.
    pub fields: Vec<Field>,
    /// Values and longer branches that are not in `fields`, as their paths are too many or too long.
    pub left_out: usize,
}

impl Agreement {
    /// Returns how far the answers agree; `None` when none of them is JSON.
    ///
    /// Numbers are equal when they have the same value, however they are written: `1`, `1.0` and `1e0` are one. Of a name that is given twice in one object the last value counts.
    #[must_use]
    pub fn of<'a>(answers: impl IntoIterator<Item = &'a str>) -> Option<Self> {
        let mut agreement = Self::default();
        let mut places: HashMap<String, (usize, HashMap<String, usize>)> = HashMap::new();
        for answer in answers {
            let read = (answer.len() <= MAX_BYTES).then(|| serde_json::from_str::<Value>(answer));
            let Some(Ok(value @ (Value::Object(_) | Value::Array(_)))) = read else {
                agreement.unread += 1;
                continue;
            };
            agreement.read += 1;
            flatten(&value, &mut "$".to_owned(), &mut |path, value| {
                let known = places.len();
                if path.len() > MAX_PATH || (known >= MAX_FIELDS && !places.contains_key(path)) {
                    agreement.left_out += 1;
                    return;
                }
                let (field, values) = places.entry(path.to_owned()).or_insert_with(|| {
                    agreement.fields.push(Field { path: path.to_owned(), values: Vec::new(), missing: 0 });
                    (known, HashMap::new())
                });
                let field = &mut agreement.fields[*field];
                let at = *values.entry(value).or_insert_with_key(|value| {
                    field.values.push(FieldValue { value: value.clone(), count: 0 });
                    field.values.len() - 1
                });
                field.values[at].count += 1;
            });
        }
        for field in &mut agreement.fields {
            let given: usize = field.values.iter().map(|value| value.count).sum();
            field.missing = agreement.read - given;
            field.values.sort_by_key(|value| std::cmp::Reverse(value.count));
        }
        (agreement.read > 0).then_some(agreement)
    }
}

/// Calls `each` for every scalar and every empty container under a value, with its path. The parser
/// bounds the depth.
fn flatten(value: &Value, path: &mut String, each: &mut impl FnMut(&str, String)) {
    let length = path.len();
    match value {
        // Nothing under it can be told either.
        _ if length > MAX_PATH => each(path, String::new()),
        Value::Object(fields) if !fields.is_empty() => {
            for (name, value) in fields {
                push_name(path, name);
                flatten(value, path, each);
                path.truncate(length);
            }
        }
        Value::Array(entries) if !entries.is_empty() => {
            for (index, value) in entries.iter().enumerate() {
                path.push_str(&format!("[{index}]"));
                flatten(value, path, each);
                path.truncate(length);
            }
        }
        Value::Object(_) | Value::Array(_) | Value::Null | Value::Bool(_) | Value::String(_) => {
            each(path, value.to_string());
        }
        Value::Number(number) => each(path, by_value(number)),
    }
}

/// Returns a number as every number of the same value is written.
fn by_value(number: &Number) -> String {
    /// From here on not every whole number is one that a fraction can be.
    const EXACT: f64 = 9_007_199_254_740_992.0;
    let value = number.as_f64().filter(|_| number.is_f64());
    match value.filter(|value| value.fract() == 0.0 && value.abs() < EXACT) {
        // Adding zero takes the sign of -0.0 away.
        Some(whole) => format!("{:.0}", whole + 0.0),
        None => number.to_string(),
    }
}

/// Appends a name to a path, quoted as in RFC 9535 where it could be read as something else.
fn push_name(path: &mut String, name: &str) {
    let is_plain = name.chars().all(|c| c.is_alphanumeric() || c == '_')
        && name.starts_with(|c: char| c.is_alphabetic() || c == '_');
    if is_plain {
        path.push('.');
        path.push_str(name);
        return;
    }
    path.push_str("['");
    for c in name.chars() {
        match c {
            '\'' | '\\' => path.extend(['\\', c]),
            _ if c.is_control() => path.push_str(&format!("\\u{:04x}", u32::from(c))),
            _ => path.push(c),
        }
    }
    path.push_str("']");
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn lines(agreement: &Agreement) -> Vec<String> {
        let line = |field: &Field| {
            let values: Vec<_> = field.values.iter().map(|v| format!("{}×{}", v.value, v.count)).collect();
            format!("{} {} -{}", field.path, values.join(" "), field.missing)
        };
        agreement.fields.iter().map(line).collect()
    }

    #[test]
    fn every_path_has_its_values_and_shares() {
        let answers = [
            r#"{"city":"서울","tags":["a","b"],"n":1.50}"#,
            r#"{"city":"부산","tags":["a"],"n":1.5,"it's odd":null}"#,
            r#"{"city":"부산","tags":[],"n":2}"#,
            "Sure! Here is your JSON:",
        ];
        let agreement = Agreement::of(answers).unwrap();
        assert_eq!((agreement.read, agreement.unread), (3, 1));
        assert_eq!(
            lines(&agreement),
            [
                "$.city \"부산\"×2 \"서울\"×1 -0",
                "$.n 1.5×2 2×1 -0",
                "$.tags[0] \"a\"×2 -1",
                "$.tags[1] \"b\"×1 -2",
                "$['it\\'s odd'] null×1 -2",
                "$.tags []×1 -2",
            ]
        );
        assert!((agreement.fields[0].share() - 2.0 / 3.0).abs() < 1e-12);
    }

    #[test]
    fn numbers_are_counted_by_value() {
        let answers =
            ["[1]", "[1.0]", "[1e0]", "[1.5]", "[-0.0]", "[0]", "[9007199254740993]", "[9007199254740992.0]"];
        let agreement = Agreement::of(answers).unwrap();
        let expected = "$[0] 1×3 0×2 1.5×1 9007199254740993×1 9007199254740992.0×1 -0";
        assert_eq!(lines(&agreement), [expected]);
    }

    #[test]
    fn prose_and_lone_scalars_are_no_json_answers() {
        assert_eq!(Agreement::of(["prose", "42", "\"text\"", ""]), None);
        assert_eq!(Agreement::of([]), None);
    }

    #[test]
    fn hostile_answers_are_bounded() {
        let deep = format!("{}1{}", "[".repeat(100_000), "]".repeat(100_000));
        let wide = format!("[{}]", vec!["1"; 5_000].join(","));
        let long = format!("[\"{}\"]", "x".repeat(MAX_BYTES));
        let agreement = Agreement::of([deep.as_str(), wide.as_str(), long.as_str()]).unwrap();
        assert_eq!((agreement.read, agreement.unread), (1, 2));
        assert_eq!((agreement.fields.len(), agreement.left_out), (MAX_FIELDS, 4_000));
        let far = format!("[{{\"{}\":[[1],2]}},3]", "x".repeat(2_000));
        let agreement = Agreement::of([far.as_str()]).unwrap();
        assert_eq!((agreement.fields.len(), agreement.left_out), (1, 1));
    }

    proptest! {
        /// Each answer in JSON is either counted at a path or missing from it.
        #[test]
        fn counts_add_up(answers in prop::collection::vec(
            prop::collection::btree_map("[a-c가]{0,2}", prop_oneof![Just("1"), Just("\"x\""), Just("[2,3]"), Just("{}")], 0..4),
            1..8,
        )) {
            let texts: Vec<String> = answers
                .iter()
                .map(|fields| {
                    let fields: Vec<_> = fields.iter().map(|(k, v)| format!("{}:{v}", Value::from(k.as_str()))).collect();
                    format!("{{{}}}", fields.join(","))
                })
                .collect();
            let agreement = Agreement::of(texts.iter().map(String::as_str)).unwrap();
            prop_assert_eq!(agreement.read, texts.len());
            for field in &agreement.fields {
                let given: usize = field.values.iter().map(|value| value.count).sum();
                prop_assert_eq!(given + field.missing, agreement.read);
                prop_assert!(field.values.is_sorted_by_key(|value| std::cmp::Reverse(value.count)));
            }
        }
    }
}
