//! The form an answer is asked to have, and whether it has it.
//!
//! Owns `--json-object` and `--json-schema`: what is sent, and the check of what came. An answer is
//! checked here whatever the server promised, and nothing of it is repaired.

use crate::cli::failure::Failure;
use crate::cli::flags::Flags;
use crate::cli::input;
use crate::cli::output::Output;
use crate::core::fault::{Fault, FaultKind};
use crate::core::request::ResponseFormat;
use crate::core::run::{Run, RunStatus};
use crate::structured::document::{Document, Kind};
use crate::structured::fault::ParseFault;
use crate::structured::schema::{MAX_SCHEMA, Schema};
use crate::structured::violation::Violation;
use serde::Serialize;
use std::path::PathBuf;

/// Most violations that are told to a person; `--json` has more.
pub(super) const MAX_TOLD: usize = 20;

/// The form asked for.
#[derive(Debug, Clone)]
pub(super) enum Shape {
    /// Any text.
    Text,
    /// A JSON object.
    Object,
    /// JSON that a schema describes.
    Schema(Box<Described>),
}

/// A schema, and the form in which it is sent.
#[derive(Debug, Clone)]
pub(super) struct Described {
    schema: Schema,
    format: ResponseFormat,
}

/// What the check of an answer gave, written down.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Verdict {
    is_valid: bool,
    fault: Option<ParseFault>,
    violations: Vec<Violation>,
    more_violations: usize,
}

impl Shape {
    /// Returns the form the flags ask for.
    pub(super) fn new(flags: &Flags<'_>, output: &mut Output) -> Result<Self, Failure> {
        let Some(path) = flags.one::<PathBuf>("json-schema") else {
            return Ok(if flags.is_on("json-object") { Self::Object } else { Self::Text });
        };
        let text = input::read(&path, MAX_SCHEMA as u64, output)?;
        let schema = Schema::from_text(&text).map_err(|fault| {
            let message = format!("{}: {}", path.display(), fault.message);
            Failure::Wrong(Fault { message, ..fault })
        })?;
        let value = serde_json::from_str(&text).unwrap_or_default();
        let format = ResponseFormat::of_schema(value, &path.to_string_lossy());
        Ok(Self::Schema(Box::new(Described { schema, format })))
    }

    /// Returns what is sent; `None` where any text will do.
    pub(super) fn format(&self) -> Option<ResponseFormat> {
        match self {
            Self::Text => None,
            Self::Object => Some(ResponseFormat::JsonObject),
            Self::Schema(described) => Some(described.format.clone()),
        }
    }

    /// Returns the schema asked for.
    pub(super) fn schema(&self) -> Option<&Schema> {
        match self {
            Self::Text | Self::Object => None,
            Self::Schema(described) => Some(&described.schema),
        }
    }

    /// Returns what is wrong with an answer; `None` where any text will do, and for an answer that
    /// never came to its end.
    pub(super) fn verdict(&self, run: &Run) -> Option<Verdict> {
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

    /// Says on standard error what is wrong with an answer, and fails if anything is.
    pub(super) fn check(&self, run: &Run, output: &mut Output) -> Result<(), Failure> {
        let Some(verdict) = self.verdict(run).filter(|verdict| !verdict.is_valid) else { return Ok(()) };
        for line in verdict.lines().take(MAX_TOLD) {
            output.note(&line);
        }
        let message = match (&verdict.fault, verdict.violations.len() + verdict.more_violations) {
            (Some(_), _) => "The answer is no JSON document".to_owned(),
            (None, 1) => "The answer breaks what was asked for at 1 place".to_owned(),
            (None, places) => format!("The answer breaks what was asked for at {places} places"),
        };
        let remedy = match &verdict.fault {
            Some(fault) if fault.is_cut => "Ask again with more --max-tokens",
            Some(_) | None => "Ask again, at a lower temperature or with a server that enforces the form",
        };
        Err(Failure::Failed(Fault::new(FaultKind::Malformed, message).remedy(remedy)))
    }
}

impl Verdict {
    /// Whether the answer is what was asked for.
    pub(super) fn is_valid(&self) -> bool {
        self.is_valid
    }

    /// Returns what is wrong, a line for each place.
    pub(super) fn lines(&self) -> impl Iterator<Item = String> {
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
