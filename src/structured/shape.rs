//! The form an answer is asked to have, and whether it has it.
//!
//! Owns the check of what came: an answer is checked here whatever the server promised, and nothing of
//! it is repaired. What was asked for stands in the request.

use crate::core::fault::Fault;
use crate::core::request::ResponseFormat;
use crate::core::run::{Run, RunStatus};
use crate::structured::document::{Document, Kind};
use crate::structured::fault::ParseFault;
use crate::structured::schema::Schema;
use crate::structured::violation::Violation;
use serde::Serialize;

/// The form asked for.
#[derive(Debug, Clone)]
pub enum Shape {
    /// Any text.
    Text,
    /// A JSON object.
    Object,
    /// JSON that a schema describes.
    Schema(Box<Described>),
}

/// A schema, and the form in which it is sent.
#[derive(Debug, Clone)]
pub struct Described {
    schema: Schema,
    format: ResponseFormat,
}

/// What the check of an answer gave, written down.
#[derive(Debug, Clone, Serialize)]
pub struct Verdict {
    /// Whether it is what was asked for.
    pub is_valid: bool,
    /// Where it is no JSON.
    pub fault: Option<ParseFault>,
    /// Where it breaks the schema.
    pub violations: Vec<Violation>,
    /// Further places where it does.
    pub more_violations: usize,
}

impl Shape {
    /// Returns the form a request asks for.
    ///
    /// # Errors
    /// Says why its schema is none that answers can be checked against.
    pub fn of(format: Option<&ResponseFormat>) -> Result<Self, Fault> {
        Ok(match format {
            None | Some(ResponseFormat::Text) => Self::Text,
            Some(ResponseFormat::JsonObject) => Self::Object,
            Some(format @ ResponseFormat::JsonSchema { schema, .. }) => {
                let schema = Schema::from_text(&schema.to_string())?;
                Self::Schema(Box::new(Described { schema, format: format.clone() }))
            }
        })
    }

    /// Returns the form that the schema in a file's text describes.
    ///
    /// # Errors
    /// Says why it is no schema that can be used here.
    pub fn of_schema(text: &str, file: &str) -> Result<Self, Fault> {
        let schema = Schema::from_text(text)?;
        let value = serde_json::from_str(text).unwrap_or_default();
        Ok(Self::Schema(Box::new(Described { schema, format: ResponseFormat::of_schema(value, file) })))
    }

    /// Returns what is sent; `None` where any text will do.
    #[must_use]
    pub fn format(&self) -> Option<ResponseFormat> {
        match self {
            Self::Text => None,
            Self::Object => Some(ResponseFormat::JsonObject),
            Self::Schema(described) => Some(described.format.clone()),
        }
    }

    /// Returns the schema asked for.
    #[must_use]
    pub fn schema(&self) -> Option<&Schema> {
        match self {
            Self::Text | Self::Object => None,
            Self::Schema(described) => Some(&described.schema),
        }
    }

    /// Returns what is wrong with an answer; `None` where any text will do, and for an answer that
    /// never came to its end.
    #[must_use]
    pub fn verdict(&self, run: &Run) -> Option<Verdict> {
        let is_done = matches!(run.status, RunStatus::Done(_));
        if matches!(self, Self::Text) || !is_done {
            return None;
        }
        let document = Document::read(&run.text);
        let found = self.schema().and_then(|schema| schema.verdict(&run.text, &document)).unwrap_or_default();
        let mut violations = found.violations;
        violations.extend(self.no_object(run, &document));
        let more_violations = found.more;
        let is_valid = document.is_complete() && violations.is_empty();
        Some(Verdict { is_valid, fault: document.fault, violations, more_violations })
    }

    /// Returns what is wrong where an object was asked for and the answer is another value.
    fn no_object(&self, run: &Run, document: &Document) -> Option<Violation> {
        let root = document.nodes.first().filter(|_| document.is_complete())?;
        let is_asked = matches!(self, Self::Object);
        (is_asked && root.kind != Kind::Object).then(|| Violation {
            node: 0,
            path: document.path(0),
            expected: "object".to_owned(),
            found: crate::core::text::fit(run.text.trim(), 60),
            schema_path: "#".to_owned(),
        })
    }
}

impl Verdict {
    /// Whether the answer is what was asked for.
    #[must_use]
    pub fn is_valid(&self) -> bool {
        self.is_valid
    }

    /// Returns what is wrong, a line for each place.
    pub fn lines(&self) -> impl Iterator<Item = String> {
        let fault = self.fault.iter().map(ToString::to_string);
        fault.chain(self.violations.iter().map(ToString::to_string))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::id::RunId;
    use crate::core::request::{Request, Sampling};
    use crate::core::run::Recorded;
    use crate::core::stream::FinishReason;
    use std::sync::Arc;

    fn run(text: &str) -> Run {
        let request = Request {
            endpoint: "e".into(),
            model: "m".into(),
            messages: Vec::new(),
            sampling: Sampling::default(),
            continuation: None,
            stream: false,
        };
        let record = Recorded {
            text: text.to_owned(),
            reasoning: String::new(),
            tokens: Vec::new(),
            usage: None,
            model: None,
            status: RunStatus::Done(FinishReason::Stop),
        };
        Run::from_record(RunId(1), Arc::new(request), record)
    }

    fn told(shape: &Shape, text: &str) -> Vec<String> {
        shape.verdict(&run(text)).unwrap().lines().collect()
    }

    #[test]
    fn an_object_is_asked_for_and_nothing_else() {
        assert!(Shape::Object.verdict(&run(" {\"a\":1}\n")).unwrap().is_valid());
        assert_eq!(told(&Shape::Object, "[1]"), ["$: expected object, found [1] (schema #)"]);
        let torn = told(&Shape::Object, "{\"a\":").concat();
        assert!(torn.starts_with("line 1, column 6, at $.a: expected a value"), "{torn}");
        assert!(torn.ends_with("but the text ends"), "{torn}");
        assert!(Shape::Text.verdict(&run("{")).is_none());
    }
}
