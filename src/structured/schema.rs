//! A JSON Schema from a file's text, and the check of an answer against it.
//!
//! Owns what is refused in a schema, with a sentence that helps; the rules themselves are the validator
//! crate's. Nothing is fetched: a reference has to lead into the schema's own text. Patterns are matched
//! with a limit on backtracking, since a pattern is the user's but the text it meets is a model's.

use crate::core::fault::{Fault, FaultKind};
use crate::structured::document::Document;
use crate::structured::violation::Violation;
use jsonschema::error::ValidationErrorKind;
use jsonschema::{PatternOptions, Validator};
use serde_json::Value;

/// Longest text of a schema that is read, in bytes; those that providers accept are far below.
pub const MAX_SCHEMA: usize = 1 << 20;

/// Most violations that are kept of one answer; the others are counted.
pub const MAX_VIOLATIONS: usize = 100;

/// Steps that matching one pattern against one text may take back.
const BACKTRACKS: usize = 100_000;

/// A schema that answers can be checked against.
#[derive(Debug, Clone)]
pub struct Schema {
    value: Value,
    validator: Validator,
}

/// What a schema says of one answer.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Verdict {
    /// The violations, at most [`MAX_VIOLATIONS`].
    pub violations: Vec<Violation>,
    /// How many there are beyond those.
    pub more: usize,
}

impl Schema {
    /// Returns the schema of a file's text.
    ///
    /// The envelope in which OpenAI's API takes a schema (`{"name": …, "schema": {…}}`, also inside
    /// `json_schema`) is taken off: to a validator it is a schema that allows everything.
    ///
    /// # Errors
    /// A sentence that says where the text is no JSON, or why it is no schema that can be used here.
    pub fn from_text(text: &str) -> Result<Self, Fault> {
        if text.len() > MAX_SCHEMA {
            let message =
                format!("The schema has {} bytes, more than the {MAX_SCHEMA} that are read", text.len());
            return Err(
                Fault::new(FaultKind::Local, message).remedy("Leave out what does not shape the answer")
            );
        }
        if let Some(fault) = Document::read(text).fault {
            return Err(Fault::new(FaultKind::Local, format!("The schema is no JSON: {fault}"))
                .remedy("A schema is strict JSON, without comments and trailing commas"));
        }
        let value = serde_json::from_str(text).map_err(|error| {
            Fault::new(FaultKind::Local, format!("The schema cannot be read: {error}"))
                .remedy("A schema file holds the JSON alone, without a code fence")
        })?;
        let value = without_envelope(value);
        let validator = jsonschema::options()
            .offline()
            .with_pattern_options(PatternOptions::fancy_regex().backtrack_limit(BACKTRACKS))
            .build(&value)
            .map_err(|error| refusal(error.kind(), &error.to_string(), error.instance_path().as_str()))?;
        Ok(Self { value, validator })
    }

    /// Returns the schema itself, as it is sent with a request.
    #[must_use]
    pub fn value(&self) -> &Value {
        &self.value
    }

    /// Returns what is wrong with an answer; `None` while it is no complete document.
    #[must_use]
    pub fn verdict(&self, text: &str, document: &Document) -> Option<Verdict> {
        if !document.is_complete() {
            return None;
        }
        let instance: Value = serde_json::from_str(&text[document.nodes.first()?.span.clone()]).ok()?;
        let mut errors = self.validator.iter_errors(&instance);
        let violations = errors.by_ref().take(MAX_VIOLATIONS);
        let mut violations: Vec<Violation> =
            violations.map(|error| Violation::new(&error, text, document)).collect();
        violations.sort_by_key(|violation| violation.node);
        Some(Verdict { violations, more: errors.count() })
    }
}

/// Returns the schema without the envelope in which it is sent.
fn without_envelope(value: Value) -> Value {
    let sent = value.get("json_schema").unwrap_or(&value);
    match (sent.get("schema"), sent.get("name")) {
        (Some(schema @ Value::Object(_)), Some(Value::String(_))) => schema.clone(),
        _ => value,
    }
}

/// Returns the fault for a schema the validator refuses.
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "of the ways a reference fails, one is refused here on purpose"
)]
fn refusal(kind: &ValidationErrorKind, message: &str, place: &str) -> Fault {
    let fault = |message: String| Fault::new(FaultKind::Local, message);
    if let ValidationErrorKind::Referencing(error) = kind {
        return match error {
            jsonschema::ReferencingError::Unretrievable { uri, .. } => {
                fault(format!("The schema refers to {uri}, and nothing is fetched"))
                    .remedy("Put that schema under $defs and refer to it as #/$defs/name")
            }
            other => fault(format!("A reference in the schema leads nowhere: {other}"))
                .remedy("Refer to a part of the same file, such as #/$defs/name"),
        };
    }
    fault(format!("The schema is not valid at #{place}: {message}"))
        .remedy("See json-schema.org/specification")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(text: &str) -> String {
        Schema::from_text(text).unwrap_err().to_string()
    }

    fn verdict(schema: &str, text: &str) -> Vec<String> {
        let schema = Schema::from_text(schema).unwrap();
        let verdict = schema.verdict(text, &Document::read(text)).unwrap();
        verdict.violations.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn what_is_no_schema_is_refused_with_a_sentence() {
        let cases = [
            ("{\n \"type\": \"object\",\n}", "The schema is no JSON: line 3, column 1, at $: expected a key"),
            ("{\"type\": \"text\"}", "The schema is not valid at #/type: "),
            (
                "{\"$ref\": \"https://example.com/a.json\"}",
                "refers to https://example.com/a.json, and nothing is",
            ),
            ("{\"$ref\": \"file:///etc/passwd\"}", "refers to file:///etc/passwd, and nothing is fetched"),
            ("{\"$ref\": \"other.json\"}", "and nothing is fetched. Put that schema under $defs"),
            ("{\"$ref\": \"#/$defs/none\"}", "A reference in the schema leads nowhere: "),
            ("```json\n{}\n```", "The schema cannot be read: "),
            ("{\"pattern\": \"(\"}", "The schema is not valid at #/pattern: "),
        ];
        for (text, sentence) in cases {
            assert!(refused(text).contains(sentence), "{text}: {}", refused(text));
        }
        assert!(refused(&" ".repeat(MAX_SCHEMA + 1)).contains("more than the 1048576"));
    }

    #[test]
    fn violations_say_where_what_and_why() {
        let schema = r##"{
            "type": "object", "required": ["id", "items"], "additionalProperties": false,
            "properties": {
                "id": {"type": "integer", "minimum": 1},
                "items": {"type": "array", "items": {"$ref": "#/$defs/item"}}
            },
            "$defs": {"item": {"properties": {"색": {"enum": ["빨강", "초록"]}, "n": {"type": ["number", "null"]}}}}
        }"##;
        assert_eq!(verdict(schema, r#"{"id": 1, "items": [{"색": "빨강", "n": null}]}"#), [""; 0]);
        assert_eq!(
            verdict(schema, r#"{"id": 0, "items": [{}, {"색": "파랑", "n": "x"}], "more": 1}"#),
            [
                "$: expected no members but those the schema names, found \"more\" (schema #/additionalProperties)",
                "$.id: expected at least 1, found 0 (schema #/properties/id/minimum)",
                "$.items[1].색: expected one of \"빨강\", \"초록\", found \"파랑\" (schema #/$defs/item/properties/색/enum)",
                "$.items[1].n: expected a number or null, found \"x\" (schema #/$defs/item/properties/n/type)",
            ]
        );
        assert_eq!(
            verdict(schema, "{\"items\": 3}"),
            [
                "$: expected the member \"id\", found {\"items\": 3} (schema #/required)",
                "$.items: expected an array, found 3 (schema #/properties/items/type)",
            ]
        );
    }

    #[test]
    fn of_several_forms_the_nearest_is_explained() {
        let schema = r#"{"properties": {"a": {"anyOf": [
            {"type": "null"}, {"type": "object", "properties": {"n": {"maximum": 5}}}
        ]}}}"#;
        assert_eq!(
            verdict(schema, "{\"a\": {\"n\": 9}}"),
            [
                "$.a: expected one of 2 forms, and for the nearest at $.a.n at most 5, found {\"n\": 9} (schema #/properties/a/anyOf)"
            ]
        );
    }

    #[test]
    fn the_envelope_of_a_request_is_taken_off() {
        let schema = "{\"type\": \"array\"}";
        let named = format!("{{\"name\": \"list\", \"strict\": true, \"schema\": {schema}}}");
        let whole = format!("{{\"type\": \"json_schema\", \"json_schema\": {named}}}");
        for text in [schema, &named, &whole] {
            assert_eq!(verdict(text, "1").len(), 1, "{text}");
        }
        // Properties with these names are no envelope.
        assert_eq!(
            verdict("{\"properties\": {\"name\": {}, \"schema\": {\"type\": \"null\"}}}", "{\"schema\": 1}")
                .len(),
            1
        );
    }

    #[test]
    fn violations_are_bounded_and_an_open_document_has_no_verdict() {
        let schema = Schema::from_text("{\"items\": {\"type\": \"string\"}}").unwrap();
        let text = format!("[{}1]", "1,".repeat(999));
        let verdict = schema.verdict(&text, &Document::read(&text)).unwrap();
        assert_eq!((verdict.violations.len(), verdict.more), (MAX_VIOLATIONS, 900));
        assert_eq!(schema.verdict("[1", &Document::read("[1")), None);
    }

    #[test]
    fn schemas_that_go_round_in_circles_end() {
        for schema in [
            "{\"$ref\": \"#\"}",
            "{\"allOf\": [{\"$ref\": \"#\"}]}",
            "{\"properties\": {\"a\": {\"$ref\": \"#\"}}, \"items\": {\"$ref\": \"#\"}, \"type\": [\"object\", \"array\"]}",
        ] {
            let schema = Schema::from_text(schema).unwrap();
            let text = format!("{}{}", "{\"a\":[".repeat(60), "]}".repeat(60));
            assert!(schema.verdict(&text, &Document::read(&text)).is_some());
        }
        let pattern = Schema::from_text("{\"pattern\": \"^(?=(a+)+$)(\\\\w+\\\\s?)+!$\"}").unwrap();
        let text = format!("\"{}\"", "a".repeat(5000));
        assert_eq!(pattern.verdict(&text, &Document::read(&text)).unwrap().violations.len(), 1);
    }
}
