//! One violation of a schema: where in the answer, what was expected, what was found, and which rule.
//!
//! Owns the wording, which is the same on every surface. Long values are cut: an answer can be a
//! megabyte, and a schema's list of allowed values can be long.

use crate::core::text::clusters;
use crate::structured::document::{Document, Kind};
use crate::structured::scan::floor;
use jsonschema::error::{TypeKind, ValidationErrorKind};
use jsonschema::{JsonType, ValidationError};
use serde::Serialize;
use serde_json::Value;
use std::fmt::{self, Display, Formatter};

/// Longest value or list that is quoted in a violation, in bytes.
const QUOTED: usize = 120;

/// One place at which an answer breaks its schema.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Violation {
    /// The node it is about.
    pub node: usize,
    /// JSON path of that node.
    pub path: String,
    /// What the schema asks for there.
    pub expected: String,
    /// What the answer has instead, cut where it is long.
    pub found: String,
    /// The rule, as a JSON pointer into the schema.
    pub schema_path: String,
}

impl Violation {
    /// Returns the validator's finding in words, with its place in the document.
    pub(super) fn new(error: &ValidationError<'_>, text: &str, document: &Document) -> Self {
        let node = locate(error, document);
        Self {
            node,
            path: document.path(node),
            expected: expected(error, text, document),
            found: found(error, text, document, node),
            schema_path: format!("#{}", error.schema_path()),
        }
    }
}

impl Display for Violation {
    /// Writes `$.color: expected one of "red", "green", found "blue" (schema #/properties/color/enum)`.
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Self { path, expected, found, schema_path, .. } = self;
        write!(f, "{path}: expected {expected}, found {found} (schema {schema_path})")
    }
}

/// Returns the node an error is about.
///
/// A pointer does not tell a key of digits from an index, so the node that holds it decides.
fn locate(error: &ValidationError<'_>, document: &Document) -> usize {
    let mut node = 0;
    for segment in error.instance_path().segments() {
        let name = segment.to_string();
        let next = match document.nodes.get(node).map(|node| node.kind) {
            Some(Kind::Object) => document.member(node, &name),
            Some(Kind::Array) => name.parse().ok().and_then(|index| document.item(node, index)),
            _ => None,
        };
        let Some(next) = next else { break };
        node = next;
    }
    node
}

/// Returns what the answer has: its own text, which may be large, is never written out anew.
#[expect(clippy::wildcard_enum_match_arm, reason = "two of the validator's many kinds have names to tell")]
fn found(error: &ValidationError<'_>, text: &str, document: &Document, node: usize) -> String {
    match error.kind() {
        ValidationErrorKind::AdditionalProperties { unexpected }
        | ValidationErrorKind::UnevaluatedProperties { unexpected } => {
            list(unexpected.iter().map(|name| Value::from(name.as_str()).to_string()))
        }
        _ => {
            document.nodes.get(node).and_then(|node| text.get(node.span.clone())).map(cut).unwrap_or_default()
        }
    }
}

#[expect(clippy::wildcard_enum_match_arm, reason = "the rest speak for themselves")]
fn expected(error: &ValidationError<'_>, text: &str, document: &Document) -> String {
    use ValidationErrorKind as K;
    match error.kind() {
        K::Type { kind } => types(kind),
        K::Enum { options } => match &**options {
            Value::Array(values) => format!("one of {}", list(values.iter().map(Value::to_string))),
            other => cut(&other.to_string()),
        },
        K::Constant { expected_value } => cut(&expected_value.to_string()),
        K::Required { property } => format!("the member {}", cut(&property.to_string())),
        K::AdditionalProperties { .. } | K::UnevaluatedProperties { .. } => {
            "no members but those the schema names".to_owned()
        }
        K::AdditionalItems { limit } => format!("at most {limit} items"),
        K::UnevaluatedItems { .. } => "no items but those the schema names".to_owned(),
        K::AnyOf { context } | K::OneOfNotValid { context } => forms(context, text, document),
        K::OneOfMultipleValid { .. } => "only one of the forms to fit".to_owned(),
        K::Minimum { limit } => format!("at least {limit}"),
        K::Maximum { limit } => format!("at most {limit}"),
        K::ExclusiveMinimum { limit } => format!("more than {limit}"),
        K::ExclusiveMaximum { limit } => format!("less than {limit}"),
        K::MultipleOf { multiple_of } => format!("a multiple of {multiple_of}"),
        K::MinLength { limit } => format!("at least {limit} characters"),
        K::MaxLength { limit } => format!("at most {limit} characters"),
        K::MinItems { limit } => format!("at least {limit} items"),
        K::MaxItems { limit } => format!("at most {limit} items"),
        K::MinProperties { limit } => format!("at least {limit} members"),
        K::MaxProperties { limit } => format!("at most {limit} members"),
        K::UniqueItems => "items that all differ".to_owned(),
        K::Contains => "an item of the form that contains asks for".to_owned(),
        K::Pattern { pattern } => format!("a text that matches {}", cut(pattern)),
        K::Format { format } => format!("a text in the format {}", cut(format)),
        K::Not { .. } => "a value that is not of the form under not".to_owned(),
        K::FalseSchema => "no value here".to_owned(),
        K::PropertyNames { error } => format!("keys of a form: {}", cut(&error.masked().to_string())),
        // The rest are rare keywords and failures to judge; the validator's sentence says most.
        _ => cut(&error.masked().to_string()),
    }
}

/// Returns what the form nearest to the answer asks for: the one whose first fault lies deepest, and of
/// those the one with the fewest faults.
fn forms(context: &[Vec<ValidationError<'static>>], text: &str, document: &Document) -> String {
    let depth = |errors: &[ValidationError<'_>]| {
        errors.iter().map(|error| error.instance_path().segments().count()).min().unwrap_or(0)
    };
    let nearest = context
        .iter()
        .filter(|errors| !errors.is_empty())
        .min_by_key(|errors| (usize::MAX - depth(errors), errors.len()));
    let Some(first) = nearest.and_then(|errors| errors.first()) else {
        return format!("one of {} forms", context.len());
    };
    let inner = Violation::new(first, text, document);
    format!("one of {} forms, and for the nearest at {} {}", context.len(), inner.path, inner.expected)
}

fn types(kind: &TypeKind) -> String {
    let named = |one: JsonType| match one {
        JsonType::Array => "an array",
        JsonType::Boolean => "a boolean",
        JsonType::Integer => "an integer",
        JsonType::Null => "null",
        JsonType::Number => "a number",
        JsonType::Object => "an object",
        JsonType::String => "a string",
    };
    match kind {
        TypeKind::Single(one) => named(*one).to_owned(),
        // Alphabetical, and null comes last as people say it.
        TypeKind::Multiple(set) => {
            let mut all: Vec<&str> = set.iter().map(named).collect();
            all.sort_by_key(|name| (*name == "null", *name));
            all.join(" or ")
        }
    }
}

/// Returns as many of the words as may be quoted, separated by commas.
fn list(words: impl Iterator<Item = String>) -> String {
    let mut out = String::new();
    for word in words {
        if out.len() > QUOTED {
            out.push_str(", …");
            break;
        }
        if !out.is_empty() {
            out.push_str(", ");
        }
        out.push_str(&cut(&word));
    }
    out
}

/// Returns the text, cut at the end of a grapheme cluster where it is long.
fn cut(text: &str) -> String {
    if text.len() <= QUOTED {
        return text.to_owned();
    }
    let window = &text[..floor(text, 2 * QUOTED)];
    let ends = clusters(window).map(|(start, cluster)| start + cluster.len());
    // A first cluster longer than what is quoted is an attack, and cut like bytes.
    let end = ends.take_while(|end| *end <= QUOTED).last().unwrap_or(floor(text, QUOTED));
    format!("{}…", &text[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_values_are_cut_between_clusters() {
        let family = "👨‍👩‍👧‍👦";
        let shown = cut(&family.repeat(40));
        assert!(shown.len() < 2 * QUOTED);
        assert_eq!(shown.trim_end_matches('…').len() % family.len(), 0);
        assert!(cut(&format!("a{}", "\u{301}".repeat(5000))).len() <= 2 * QUOTED + 3);
        let words = list((0..1000).map(|n| n.to_string()));
        assert!(words.starts_with("0, 1, ") && words.ends_with(", …") && words.len() < 2 * QUOTED);
    }
}
