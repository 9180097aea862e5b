//! Assertions about answers: what each must hold for a sweep to count as passed.
//!
//! Owns the rules, how they are typed and written down, and the judging of all of them but commands.
//! Those are run by the caller, after the user allowed it: a plan is a file people share, so it must never
//! start a program by being opened.
//!
//! Invariant: only a complete answer passes anything.

mod examiner;

pub use examiner::{Answer, Examiner, Verdict};

use crate::core::figure;
use crate::core::text::fit;
use regex::{Regex, RegexBuilder};
use serde::de::{Deserializer, Error};
use serde::{Deserialize, Serialize, Serializer};
use serde_json::Value;
use std::fmt;

/// Largest compiled pattern, in bytes.
const MAX_PATTERN: usize = 1 << 20;

/// Widest part of a rule that is shown, in cells.
const SHOWN_CELLS: usize = 48;

/// What an answer must hold.
#[derive(Debug, Clone, PartialEq)]
pub enum Rule {
    /// This text is in it.
    Contains(String),
    /// This pattern matches somewhere in it.
    Regex(String),
    /// It is JSON that this schema describes.
    JsonSchema(Value),
    /// It has so many tokens at most.
    MaxTokens(u64),
    /// This program, with its arguments, is given the answer and ends with 0.
    Command(Vec<String>),
}

impl Rule {
    /// The ways to write one, by the names they are typed with.
    pub const KINDS: [&str; 5] = ["contains", "regex", "max_tokens", "json_schema", "command"];

    /// Returns the program to be run with its arguments, where it is one.
    #[must_use]
    pub fn command(&self) -> Option<&[String]> {
        match self {
            Self::Command(words) => Some(words),
            Self::Contains(_) | Self::Regex(_) | Self::JsonSchema(_) | Self::MaxTokens(_) => None,
        }
    }

    /// Returns the rule as it is typed: its kind, and what follows the `=`.
    #[must_use]
    pub fn typed(&self) -> (&'static str, String) {
        match self {
            Self::Contains(text) => ("contains", text.clone()),
            Self::Regex(pattern) => ("regex", pattern.clone()),
            Self::MaxTokens(tokens) => ("max_tokens", tokens.to_string()),
            Self::JsonSchema(schema) => ("json_schema", schema.to_string()),
            Self::Command(words) => ("command", words.join(" ")),
        }
    }
}

/// One assertion.
#[derive(Debug, Clone, PartialEq)]
pub struct Check {
    /// What it is called; without a name it is called by its rule.
    pub name: Option<String>,
    /// The rule.
    pub rule: Rule,
    /// Whether the whole sweep fails when one answer does not pass.
    pub required: bool,
}

impl fmt::Display for Check {
    /// Writes the name, else the rule.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(name) = &self.name {
            return f.write_str(&fit(name, SHOWN_CELLS));
        }
        match &self.rule {
            Rule::Contains(text) => write!(f, "contains '{}'", fit(text, SHOWN_CELLS)),
            Rule::Regex(pattern) => write!(f, "matches {}", fit(pattern, SHOWN_CELLS)),
            Rule::JsonSchema(_) => f.write_str("keeps to the schema"),
            Rule::MaxTokens(tokens) => write!(f, "has at most {} tokens", figure::whole(*tokens)),
            Rule::Command(words) => write!(f, "passes {}", fit(&words.join(" "), SHOWN_CELLS)),
        }
    }
}

impl Check {
    /// Returns a required check as it is typed: `contains=text`, `regex=pattern`, `max_tokens=200`,
    /// `json_schema={…}` or `command=program argument`.
    ///
    /// # Errors
    /// Says in one sentence what is wrong and what to write.
    pub fn parse(text: &str) -> Result<Self, String> {
        const HOW: &str =
            "write contains=TEXT, regex=PATTERN, max_tokens=N, json_schema=SCHEMA or command=PROGRAM";
        let (kind, rest) =
            text.split_once('=').ok_or_else(|| format!("'{}' is no check: {HOW}", fit(text, SHOWN_CELLS)))?;
        let rule = match kind.trim() {
            "contains" => Rule::Contains(rest.to_owned()),
            "regex" => Rule::Regex(rest.to_owned()),
            "max_tokens" | "max-tokens" => Rule::MaxTokens(
                rest.trim()
                    .parse()
                    .map_err(|_| format!("'{}' is no number of tokens", fit(rest, SHOWN_CELLS)))?,
            ),
            "json_schema" | "json-schema" => Rule::JsonSchema(
                serde_json::from_str(rest).map_err(|error| format!("the schema is no JSON: {error}"))?,
            ),
            "command" => Rule::Command(rest.split_whitespace().map(str::to_owned).collect()),
            other => return Err(format!("there is no check '{}': {HOW}", fit(other, SHOWN_CELLS))),
        };
        let check = Self { name: None, rule, required: true };
        check.validate()?;
        Ok(check)
    }

    /// Refuses a rule that nothing or everything passes by mistake.
    fn validate(&self) -> Result<(), String> {
        match &self.rule {
            Rule::Contains(text) if text.is_empty() => {
                Err("every text contains nothing: write a text".to_owned())
            }
            Rule::Regex(pattern) => compile(pattern).map(|_| ()),
            Rule::JsonSchema(schema) if !schema.is_object() => Err("a schema is a JSON object".to_owned()),
            Rule::MaxTokens(0) => Err("no answer has 0 tokens: write 1 or more".to_owned()),
            Rule::Command(words) if words.first().is_none_or(String::is_empty) => {
                Err("a command begins with a program".to_owned())
            }
            Rule::Contains(_) | Rule::JsonSchema(_) | Rule::MaxTokens(_) | Rule::Command(_) => Ok(()),
        }
    }
}

fn compile(pattern: &str) -> Result<Regex, String> {
    let built = RegexBuilder::new(pattern).size_limit(MAX_PATTERN).dfa_size_limit(MAX_PATTERN).build();
    built.map_err(|error| {
        if matches!(error, regex::Error::CompiledTooBig(_)) {
            return "the pattern is too large: write a simpler one".to_owned();
        }
        // The crate draws the pattern over several lines; the last one says what is wrong.
        let told = error.to_string();
        let reason = told.lines().last().unwrap_or_default().trim_start_matches("error: ");
        format!("'{}' is no pattern: {reason}", fit(pattern, SHOWN_CELLS))
    })
}

/// A check as it stands in a file: one key for the rule beside the others.
#[derive(Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Written {
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    contains: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    regex: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_tokens: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    command: Option<Vec<String>>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    required: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    json_schema: Option<String>,
}

impl<'de> Deserialize<'de> for Check {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Written { name, contains, regex, max_tokens, command, required, json_schema } =
            Written::deserialize(deserializer)?;
        let schema = json_schema.map(|text| serde_json::from_str(&text)).transpose();
        let schema =
            schema.map_err(|error| D::Error::custom(format_args!("the schema is no JSON: {error}")))?;
        let rules = [
            contains.map(Rule::Contains),
            regex.map(Rule::Regex),
            max_tokens.map(Rule::MaxTokens),
            command.map(Rule::Command),
            schema.map(Rule::JsonSchema),
        ];
        let mut rules = rules.into_iter().flatten();
        let (Some(rule), None) = (rules.next(), rules.next()) else {
            return Err(D::Error::custom(
                "a check has one of contains, regex, max_tokens, json_schema and command",
            ));
        };
        let check = Self { name, rule, required };
        check.validate().map_err(D::Error::custom)?;
        Ok(check)
    }
}

impl Serialize for Check {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut written = Written { name: self.name.clone(), required: self.required, ..Written::default() };
        match &self.rule {
            Rule::Contains(text) => written.contains = Some(text.clone()),
            Rule::Regex(pattern) => written.regex = Some(pattern.clone()),
            // As JSON: a schema has types that TOML has not.
            Rule::JsonSchema(schema) => written.json_schema = Some(schema.to_string()),
            Rule::MaxTokens(tokens) => written.max_tokens = Some(*tokens),
            Rule::Command(words) => written.command = Some(words.clone()),
        }
        written.serialize(serializer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mistakes_are_one_sentence() {
        for (text, told) in [
            ("bread", "'bread' is no check: write contains=TEXT"),
            ("has=x", "there is no check 'has'"),
            ("contains=", "every text contains nothing"),
            ("regex=(", "'(' is no pattern: "),
            (r"regex=(\w{1000}){1000}", "too large"),
            ("max_tokens=many", "'many' is no number of tokens"),
            ("max_tokens=0", "write 1 or more"),
            ("json_schema=[", "the schema is no JSON"),
            ("json_schema=[]", "a schema is a JSON object"),
            ("command= ", "begins with a program"),
        ] {
            let error = Check::parse(text).unwrap_err();
            assert!(error.contains(told) && !error.contains('\n'), "{text}: {error}");
        }
    }

    #[test]
    fn checks_survive_their_file() {
        #[derive(Debug, PartialEq, Serialize, Deserialize)]
        struct File {
            checks: Vec<Check>,
        }
        let texts = [
            "contains=a b",
            r"regex=^\d+$",
            "max_tokens=3",
            "command=sh -c true",
            "json_schema={\"a\":null}",
        ];
        let mut checks: Vec<Check> = texts.iter().map(|text| Check::parse(text).unwrap()).collect();
        checks[0].name = Some("이름".to_owned());
        checks[1].required = false;
        let file = File { checks };
        assert_eq!(toml::from_str::<File>(&toml::to_string(&file).unwrap()).unwrap(), file);
    }

    #[test]
    fn a_check_is_called_by_its_rule() {
        let called = |text: &str| Check::parse(text).unwrap().to_string();
        assert_eq!(called("contains=빵"), "contains '빵'");
        assert_eq!(called("max_tokens=1200"), "has at most 1,200 tokens");
        assert_eq!(called("command=python check.py"), "passes python check.py");
    }
}
