//! Assertions about answers: what each must hold for a sweep to count as passed.
//!
//! Owns the rules and those of them that need nothing but the answer. A schema is judged by what the
//! caller hands in, and a command is run by the caller, after the user allowed it: a plan is a file
//! people share, so it must never start a program by being opened.

use crate::core::figure;
use crate::core::run::{Count, Run, RunStatus};
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

/// What came of a check for one answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It holds.
    Passed,
    /// It does not; why, in one sentence without a trailing period.
    Failed(String),
    /// The caller has to find out, or the answer is still coming.
    Open,
}

/// Judges a text by a JSON schema; an error says where it is broken.
pub type SchemaJudge<'a> = &'a dyn Fn(&Value, &str) -> Result<(), String>;

/// Checks made ready for many answers.
#[derive(Debug)]
pub struct Examiner {
    checks: Vec<(Check, Option<Regex>)>,
}

impl Examiner {
    /// Returns an examiner for some checks.
    ///
    /// # Errors
    /// Says what is wrong with which pattern.
    pub fn new(checks: Vec<Check>) -> Result<Self, String> {
        let ready = |check: Check| {
            check.validate()?;
            let pattern = match &check.rule {
                Rule::Regex(pattern) => Some(compile(pattern)?),
                Rule::Contains(_) | Rule::JsonSchema(_) | Rule::MaxTokens(_) | Rule::Command(_) => None,
            };
            Ok((check, pattern))
        };
        checks.into_iter().map(ready).collect::<Result<_, String>>().map(|checks| Self { checks })
    }

    /// Returns the checks in order.
    pub fn checks(&self) -> impl ExactSizeIterator<Item = &Check> {
        self.checks.iter().map(|(check, _)| check)
    }

    /// Returns a verdict for each check. An answer that is not complete passes none.
    #[must_use]
    pub fn examine(&self, run: &Run, schema: SchemaJudge<'_>) -> Vec<Verdict> {
        let failed = |reason: &str| vec![Verdict::Failed(reason.to_owned()); self.checks.len()];
        match &run.status {
            RunStatus::Done(_) => {}
            RunStatus::Failed(_) => return failed("there is no complete answer"),
            RunStatus::Cancelled => return failed("the answer was stopped"),
            RunStatus::Queued | RunStatus::Connecting | RunStatus::Waiting { .. } | RunStatus::Streaming => {
                return vec![Verdict::Open; self.checks.len()];
            }
        }
        let judge = |(check, pattern): &(Check, Option<Regex>)| {
            let verdict = match &check.rule {
                Rule::Contains(text) => run
                    .text
                    .contains(text.as_str())
                    .then_some(())
                    .ok_or_else(|| format!("'{}' is not in it", fit(text, SHOWN_CELLS))),
                Rule::Regex(written) => {
                    let is_match = pattern.as_ref().is_some_and(|pattern| pattern.is_match(&run.text));
                    is_match
                        .then_some(())
                        .ok_or_else(|| format!("nothing matches {}", fit(written, SHOWN_CELLS)))
                }
                Rule::JsonSchema(wanted) => schema(wanted, &run.text),
                Rule::MaxTokens(limit) => tokens(run, *limit),
                Rule::Command(_) => return Verdict::Open,
            };
            verdict.map_or_else(Verdict::Failed, |()| Verdict::Passed)
        };
        self.checks.iter().map(judge).collect()
    }

    /// Whether no required check failed for an answer with these verdicts.
    #[must_use]
    pub fn accepts(&self, verdicts: &[Verdict]) -> bool {
        self.checks()
            .zip(verdicts)
            .all(|(check, verdict)| !check.required || matches!(verdict, Verdict::Passed | Verdict::Open))
    }
}

fn tokens(run: &Run, limit: u64) -> Result<(), String> {
    match run.output_tokens() {
        Some(count) if count.tokens() > limit => {
            Err(format!("it has {} tokens, not {} or less", figure::count(count), figure::whole(limit)))
        }
        Some(Count::Exact(_) | Count::Estimate(_)) | None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::fault::{Fault, FaultKind};
    use crate::core::id::RunId;
    use crate::core::request::{Request, Sampling};
    use crate::core::stream::{FinishReason, StreamEvent, Usage};
    use crate::core::time::Timestamp;
    use std::sync::Arc;

    fn run(text: &str, ending: Option<StreamEvent>) -> Run {
        let request = Request {
            endpoint: "e".into(),
            model: "m".into(),
            messages: Vec::new(),
            sampling: Sampling::default(),
            continuation: None,
            stream: true,
        };
        let mut run = Run::new(RunId(1), Arc::new(request), Timestamp::default());
        let usage = Usage { output_tokens: 7, ..Usage::default() };
        let text = StreamEvent::Delta { text: text.to_owned(), tokens: Vec::new() };
        for event in [Some(text), Some(StreamEvent::Usage(usage)), ending].into_iter().flatten() {
            run.apply(event, Timestamp::default());
        }
        run
    }

    fn no_schema(_: &Value, _: &str) -> Result<(), String> {
        Err("no schema here".to_owned())
    }

    fn verdicts(checks: &[&str], run: &Run) -> Vec<Verdict> {
        let checks = checks.iter().map(|check| Check::parse(check).unwrap()).collect();
        Examiner::new(checks).unwrap().examine(run, &no_schema)
    }

    fn failed(reason: &str) -> Verdict {
        Verdict::Failed(reason.to_owned())
    }

    #[test]
    fn answers_are_held_to_the_rules() {
        let answer = run("서울의 국밥", Some(StreamEvent::Finished(FinishReason::Stop)));
        for (check, verdict) in [
            ("contains=국밥", Verdict::Passed),
            ("contains=빵", failed("'빵' is not in it")),
            (r"regex=^서\p{Hangul}", Verdict::Passed),
            ("regex=[0-9]", failed("nothing matches [0-9]")),
            ("max_tokens=7", Verdict::Passed),
            ("max_tokens=6", failed("it has 7 tokens, not 6 or less")),
            ("json_schema={}", failed("no schema here")),
            ("command=wc -l", Verdict::Open),
        ] {
            assert_eq!(verdicts(&[check], &answer), [verdict], "{check}");
        }
    }

    #[test]
    fn only_complete_answers_pass() {
        let cut = run("국밥", Some(StreamEvent::Failed(Fault::new(FaultKind::Cut, "cut"))));
        assert_eq!(verdicts(&["contains=국밥"], &cut), [failed("there is no complete answer")]);
        assert_eq!(verdicts(&["contains=국밥"], &run("국밥", None)), [Verdict::Open]);
    }

    #[test]
    fn required_checks_decide() {
        let (mut wanted, needed) = (Check::parse("contains=a").unwrap(), Check::parse("contains=b").unwrap());
        wanted.required = false;
        let examiner = Examiner::new(vec![wanted, needed]).unwrap();
        assert!(examiner.accepts(&[failed(""), Verdict::Passed]));
        assert!(!examiner.accepts(&[Verdict::Passed, failed("")]));
    }

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
